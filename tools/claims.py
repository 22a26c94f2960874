"""The claims ledger as a page of the book: book/src/claims.toml -> book/claims.md.

    python tools/claims.py            make the page
    python tools/claims.py --check    only compare

An entry of the ledger is named by the label of a theorem, proposition, lemma or corollary of its
chapter, or has a name of its own. It says where the claim is proved, which cell shows it, which
test tries it, and with which wrong constant (the mutant) that test must fail.  Other pages find the
entry as `#claim-NAME`.
"""

import argparse
import json
import re
import sys
import tomllib
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from env import ROOT, write

PAGE = "book/claims.md"
LABELLED = re.compile(
    r"^:::\{(?P<kind>(?:prf:)?\w+)\}(?: (?P<title>.+))?\n:label: (?P<label>[\w-]+)$", re.MULTILINE
)
PROVABLE = {"prf:theorem", "prf:proposition", "prf:lemma", "prf:corollary"}
CITATION = re.compile(r"cite: (?P<key>\w+)(?P<place>.*)")
INTRODUCTION = """\
# Claims ledger

Every theorem, proposition, lemma and corollary of the course, and what exercises ask you to prove.
An entry says where the proof is, which cell shows the claim, and which test tries it.

A test that cannot fail proves nothing, so each is itself put to the test.
It takes the constants of its claim as arguments.
With the wrong one that stands here beside it, it must fail.
The name of a test is a sentence, which its file writes with underscores.
"""


class Directive(NamedTuple):
    """What a label of a chapter stands at."""

    kind: str
    title: str


def ledger(root: Path = ROOT) -> dict[str, dict[str, Any]]:
    return tomllib.loads((root / "book/src/claims.toml").read_text(encoding="utf-8"))


def texts(root: Path = ROOT) -> dict[str, str]:
    found = sorted((root / "book/src").glob("*.md"))
    return {path.stem: path.read_text(encoding="utf-8") for path in found}


def labels(text: str) -> dict[str, Directive]:
    """What has a label in a chapter's text, by the label."""
    return {at["label"]: Directive(at["kind"], at["title"] or "") for at in LABELLED.finditer(text)}


def tests_of(chapter: str) -> str:
    return f"test_chapter_{chapter[:2]}"


def reference(label: str, at: Directive) -> str:
    """The role that shows the number which the label has on the page."""
    return f"{{prf:ref}}`{label}`" if at.kind.startswith("prf:") else f"{{ref}}`{label}`"


def proof(name: str, where: str, known: Mapping[str, Directive]) -> str:
    if cited := CITATION.match(where):
        return f"Proof: {{cite:t}}`{cited['key']}`{cited['place']}."
    if where == name:
        return "Proof: with the statement."
    solved = "the solution of " if known[where].kind == "exercise" else "from "
    return f"Proof: {solved}{reference(where, known[where])}."


def entry(name: str, claim: Mapping[str, Any], known: Mapping[str, Directive]) -> str:
    if name in known:
        head = f"{reference(name, known[name])}: {known[name].title}"
    else:
        head = name.replace("-", " ").capitalize()
    cell = f"[`{claim['cell']}`](#cell-{claim['chapter'][:2]}-{claim['cell']})"
    sentence = claim["test"].removeprefix("test_").replace("_", " ")
    wrong = ", ".join(f"{key}={json.dumps(value)}" for key, value in claim["mutant"].items())
    return (
        f"(claim-{name})=\n{head}\n: {claim['statement']}\n\n"
        f"  {proof(name, claim['proof'], known)}\n  Cell: {cell}.\n"
        f"  Test: {sentence}; fails with `{wrong}`.\n"
    )


def page(root: Path = ROOT) -> str:
    chapters = texts(root)
    known = {label: at for text in chapters.values() for label, at in labels(text).items()}
    parts = [INTRODUCTION]
    for chapter, claims in groupby(ledger(root).items(), key=lambda item: item[1]["chapter"]):
        title = re.search(r"^# (.+)$", chapters[chapter], re.MULTILINE)
        assert title, chapter
        parts.append(f"## {title[1]}\n\nTests: `tests/{tests_of(chapter)}.py`.\n")
        parts += [entry(name, claim, known) for name, claim in claims]
    return "\n".join(parts)


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    only_check = parser.parse_args(arguments).check
    path, made = root / PAGE, page(root)
    if path.exists() and path.read_text(encoding="utf-8") == made:
        print(f"{PAGE}: as the ledger gives it" if only_check else f"{PAGE}: up to date")
        return 0
    if only_check:
        print(f"{PAGE}: not what the ledger gives; run make notebooks", file=sys.stderr)
        return 1
    write(path, made.encode())
    print(f"{PAGE}: made")
    return 0


if __name__ == "__main__":
    sys.exit(main())
