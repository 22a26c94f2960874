"""Chapters that read well everywhere: MyST directives as plain Markdown, and back again.

A notebook is also read in JupyterLab, in Colab and on GitHub, which know nothing of MyST.  So in
the notebooks the opening and closing lines of a directive stand in HTML comments, beside a title or
a citation that every Markdown shows.  When the book is built, they leave the comments again:

    :::{prf:proof}             <!-- :::{prf:proof} -->
    Add up.                    *Proof.* Add up.
    :::                        ∎

                               <!-- ::: -->

    {cite:t}`shor1985`         <!--{cite:t}`shor1985`-->Shor (1985)<!--/-->
"""

import functools
import re
from pathlib import Path

from pybtex.database import Entry, parse_file

BIBLIOGRAPHY = Path(__file__).resolve().parent.parent / "references.bib"

# A directive of three colons with its options; nested ones are not used.
DIRECTIVE = re.compile(
    r"^:::\{(?P<kind>[\w:-]+)\}(?: (?P<title>.+))?\n(?P<options>(?::[\w-]+:.*\n)*)"
    r"(?P<gap>\n?)(?P<body>(?:.*\n)*?):::$",
    re.MULTILINE,
)
TARGET = re.compile(r"^\((?P<name>[\w-]+)\)=$", re.MULTILINE)
CITATION = re.compile(r"\{cite:(?P<form>[tp])\}`(?P<key>[\w:-]+)`")
NAMES = {"prf:proof": "Proof", "admonition": ""}
END_OF_PROOF = "∎"

PLAIN_DIRECTIVE = re.compile(
    r"^<!-- (?P<opening>:::\{[^\n]*(?:\n:[^\n]*)*) -->\n(?P<title>[^\n]*)\n(?P<body>(?:.*\n)*?)"
    r"<!-- ::: -->$",
    re.MULTILINE,
)
PLAIN_TARGET = re.compile(r"^<!-- (?P<target>\([\w-]+\)=) -->$", re.MULTILINE)
PLAIN_CITATION = re.compile(r"<!--(?P<role>\{cite:[tp]\}`[\w:-]+`)-->.*?<!--/-->")


def heading(kind: str, title: str | None) -> str:
    """The line that stands for a directive's opening: **Theorem (Title).** or *Proof.*"""
    name = NAMES.get(kind, kind.removeprefix("prf:").capitalize())
    if kind == "prf:proof":
        return f"*{name}.*"
    shown = f"{name} ({title})" if name and title else name or title
    return f"**{shown}.**"


@functools.cache
def works() -> dict[str, Entry]:
    return dict(parse_file(str(BIBLIOGRAPHY)).entries)


def author_year(key: str, form: str) -> str:
    """A citation as the book shows it: Shor (1985) in a sentence, (Shor, 1985) beside one."""
    work = works()[key]
    last = [" ".join(person.last_names).strip("{}") for person in work.persons["author"]]
    names = (
        last[0] if len(last) == 1 else " and ".join(last) if len(last) == 2 else f"{last[0]} et al."
    )
    year = work.fields["year"]
    return f"{names} ({year})" if form == "t" else f"({names}, {year})"


def to_plain(text: str) -> str:
    """Markdown that reads well without MyST, from a chapter's text."""

    def directive(match: re.Match[str]) -> str:
        kind, title, body = match["kind"], match["title"], match["body"]
        opening = f":::{{{kind}}}" + (f" {title}" if title else "")
        opening = (opening + "\n" + match["options"]).rstrip("\n")
        end = f"{END_OF_PROOF}\n\n" if kind == "prf:proof" else ""
        return f"<!-- {opening} -->\n{heading(kind, title)}\n{match['gap']}{body}{end}<!-- ::: -->"

    def citation(match: re.Match[str]) -> str:
        return f"<!--{match[0]}-->{author_year(match['key'], match['form'])}<!--/-->"

    text = DIRECTIVE.sub(directive, text)
    text = TARGET.sub(r"<!-- \g<0> -->", text)
    return CITATION.sub(citation, text)


def to_myst(text: str) -> str:
    """The chapter's text again, from what :func:`to_plain` made of it."""

    def directive(match: re.Match[str]) -> str:
        body = match["body"]
        if match["opening"].startswith(":::{prf:proof}"):
            body = body.removesuffix(f"{END_OF_PROOF}\n\n")
        return f"{match['opening']}\n{body}:::"

    text = PLAIN_CITATION.sub(r"\g<role>", text)
    text = PLAIN_TARGET.sub(r"\g<target>", text)
    return PLAIN_DIRECTIVE.sub(directive, text)
