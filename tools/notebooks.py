"""Turn the chapters' text into notebooks: book/src/*.md -> book/*.ipynb, executed and canonical.

    python tools/notebooks.py            make the notebooks whose text, library or pins changed
    python tools/notebooks.py --check    execute every chapter, write nothing, report differences

The same text gives the same bytes: cell ids come from the headings, metadata is fixed, and nothing
of the run (time, machine, user) is kept.
"""

import argparse
import asyncio
import base64
import copy
import difflib
import hashlib
import io
import json
import os
import re
import struct
import sys
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import jupytext
import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from PIL import Image, ImageChops, ImageStat

from env import ROOT, write

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "book" / "_ext"))  # what turns text into Markdown and back

from plain import to_plain

LONGEST_CELL = 25  # lines of code that a reader can take in at once
WIDEST_LINE = 76  # characters that fit on the page beside the sidebar
TIMEOUT = 120  # seconds for one cell
JOBS = 2
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# What the page folds is folded in JupyterLab too: an answer must not stand beside its question.
FOLDED = {
    "hide-input": {"source_hidden": True},
    "hide-output": {"outputs_hidden": True},
    "hide-cell": {"source_hidden": True, "outputs_hidden": True},
}
SHOW = {"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"  # nbgrader's words
# What a run must take from here and not from the user's own settings.
KERNEL_ENVIRONMENT = {
    "NORMGD_STATIC": "1",  # explorers as the page shows them, without a kernel
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}


# --- from text to cells -----------------------------------------------------------------

FENCE = re.compile(r"\s*(`{3,}|~{3,}|:{3,})(.*)")
HEADING = re.compile(r"#{2,3} ")
IN_EXERCISE = re.compile(r"(answer|check)-ex-")
EXERCISE = re.compile(r"^:label: (ex-[\w-]+)", re.MULTILINE)


def sections(markdown: str) -> Iterator[str]:
    """Split at the ## and ### headings that stand outside fences and <details> blocks."""
    part: list[str] = []
    fences: list[str] = []
    folded = 0
    for line in markdown.splitlines():
        if fence := FENCE.match(line):
            mark, rest = fence.groups()
            if (
                fences
                and mark[0] == fences[-1][0]
                and len(mark) >= len(fences[-1])
                and not rest.strip()
            ):
                fences.pop()
            elif not (fences and fences[-1][0] in "`~"):
                fences.append(mark)
        folded += line.count("<details") - line.count("</details>")
        if HEADING.match(line) and part and not fences and not folded:
            yield "\n".join(part).strip()
            part = []
        part.append(line)
    yield "\n".join(part).strip()


def slug(heading: str) -> str:
    plain = unicodedata.normalize("NFKD", heading.lower().replace("'", "").replace("’", ""))
    words = re.sub(r"[^a-z0-9]+", "-", plain.encode("ascii", "ignore").decode()).strip("-")
    return words[:48].strip("-") or "cell"


def identify(cells: list[NotebookNode]) -> None:
    """Give each cell the id heading-number, or the name that it carries in its metadata."""
    base, number, used = "start", 0, Counter[str]()
    for cell in cells:
        if cell.cell_type == "markdown" and (heading := re.match(r"#{1,3} +(.+)", cell.source)):
            base, number = slug(heading[1]), 0
            used[base] += 1
            if used[base] > 1:  # a heading that comes again, such as Exercises
                base = f"{base}-{used[base]}"
        number += 1
        cell.id = cell.metadata.pop("name", None) or f"{base}-{number}"
    twice = [name for name, count in Counter(cell.id for cell in cells).items() if count > 1]
    if twice:
        raise ValueError(f"cell ids that are not unique: {', '.join(twice)}")


def graded(name: str) -> dict[str, object]:
    """What the name of an exercise's cell says: an answer is folded, a check grades it."""
    is_check = name.startswith("check-")
    nbgrader = {
        "schema_version": 3,
        "grade_id": name.removeprefix("answer-"),
        "solution": not is_check,
        "grade": is_check,
        "locked": is_check,
        "task": False,
    }
    if is_check:
        return {"nbgrader": {**nbgrader, "points": 1}}
    return {"nbgrader": nbgrader, "tags": ["hide-cell"], "mystnb": SHOW}


def read(text: str) -> NotebookNode:
    """The notebook that a chapter's text gives, not executed."""
    cells = []
    for cell in jupytext.reads(text, fmt="md:myst").cells:
        if cell.cell_type == "markdown":
            parts = [to_plain(part) for part in sections(cell.source) if part]
            new = [nbformat.v4.new_markdown_cell(part) for part in parts]
        else:
            new = [nbformat.v4.new_code_cell(cell.source)]
            if IN_EXERCISE.match(name := cell.metadata.get("name", "")):
                cell.metadata.update(nbformat.from_dict(graded(name)))
        for part in new:
            part.metadata = copy.deepcopy(cell.metadata)
            for tag in cell.metadata.get("tags", []):
                if tag in FOLDED:
                    part.metadata["jupyter"] = nbformat.from_dict(FOLDED[tag])
        cells += new
    identify(cells)
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    notebook.nbformat_minor = 5
    nbformat.validate(notebook)
    return notebook


# --- execution --------------------------------------------------------------------------


def execute(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Run every cell in a fresh kernel of this very Python, and return the canonical notebook."""
    notebook = copy.deepcopy(notebook)
    with tempfile.TemporaryDirectory() as settings:
        client = NotebookClient(
            notebook,
            # No folders to look in: the kernel of this environment, not one the user has installed.
            km=AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[])),
            timeout=TIMEOUT,
            record_timing=False,
            resources={"metadata": {"path": str(folder)}},
            extra_arguments=["--HistoryManager.enabled=False", "--log-level=40"],
        )
        environment = {**os.environ, **KERNEL_ENVIRONMENT, "IPYTHONDIR": settings}
        # The kernel is ours, but the client's to end.
        asyncio.run(client.async_execute(cleanup_kc=True, env=environment))
    return canonical(notebook)


def canonical(notebook: NotebookNode) -> NotebookNode:
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.pop("execution", None)
            cell.outputs = merged(cell.outputs)
            for output in cell.outputs:
                if "metadata" in output:
                    output.metadata = NotebookNode()
                if "image/png" in output.get("data", {}):
                    output.data["image/png"] = bare_png(output.data["image/png"])
    return notebook


def merged(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join what is printed in a row, which the kernel sends in pieces that depend on timing."""
    result: list[NotebookNode] = []
    for output in outputs:
        last = result[-1] if result else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            result.append(output)
    return result


def bare_png(data: str) -> str:
    """The picture without the chunks that name the program and the date."""
    png = base64.b64decode(data)
    kept, at = png[:8], 8
    while at < len(png):
        end = at + 12 + struct.unpack(">I", png[at : at + 4])[0]
        kind = png[at + 4 : at + 8]
        if kind[:1].isupper() or kind in {b"pHYs", b"tRNS"}:
            kept += png[at:end]
        at = end
    return base64.b64encode(kept).decode()


def as_bytes(notebook: NotebookNode) -> bytes:
    text = nbformat.v4.writes(notebook)  # sorted keys, lines as lists
    return text.rstrip("\n").encode() + b"\n"


# --- what a committed notebook must be --------------------------------------------------


def figures(cell: NotebookNode) -> int:
    return sum(
        kind.startswith("image/") for output in cell.outputs for kind in output.get("data", {})
    )


def lint(notebook: NotebookNode) -> list[str]:
    """Everything about an executed notebook that a reader should not meet."""
    found = []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        wrong = []
        lines = cell.source.splitlines()
        if len(lines) > LONGEST_CELL:
            wrong.append(f"{len(lines)} lines; at most {LONGEST_CELL}")
        if any(len(line) > WIDEST_LINE for line in lines):
            wrong.append(f"a line of over {WIDEST_LINE} characters")
        if any(line.rstrip().endswith(";") for line in lines):
            wrong.append("a trailing ;, which silences only some front ends (end with plt.show())")
        if cell.execution_count != number:
            wrong.append(
                f"execution count {cell.execution_count}, not {number}: not executed in order"
            )
        if figures(cell) > 1:
            wrong.append("several figures share one alt text; one figure a cell")
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if figures(cell) and not alt.strip():
            wrong.append("a figure without alt text (mystnb: image: alt)")
        for output in cell.outputs:
            if output.output_type == "error":
                wrong.append(f"an error: {output.ename}: {output.evalue}")
            if output.get("name") == "stderr":
                wrong.append(f"output on stderr: {output.text.strip()}")
            shown = [output.get("text", ""), *map(str, output.get("data", {}).values())]
            # Eight digits and more: 0x1.8p+1 is a number, 0x7f3a5c0e is a place in memory.
            if address := re.search(r"\b0x[0-9a-fA-F]{8,}\b", "\n".join(shown)):
                wrong.append(f"a memory address: {address[0]}")
        wrong += unsolved(cell)
        found += [f"cell {cell.id}: {text}" for text in wrong]
    return found + incomplete(notebook)


def unsolved(cell: NotebookNode) -> list[str]:
    """What is wrong about a code cell as the answer or the check of an exercise."""
    marks = [line for line in cell.source.splitlines() if line in {BEGIN, END}]
    if cell.id.startswith("answer-ex-"):
        return [] if marks == [BEGIN, END] else [f"must hold {BEGIN} and {END}, once and in order"]
    if marks:
        return [f"{marks[0]} outside an answer-ex-... cell"]
    if cell.id.startswith("check-ex-"):
        said = [output.get("data", {}).get("text/plain", "") for output in cell.outputs]
        return [] if said and said[-1].startswith("Right.") else ["the check does not say Right."]
    return []


def incomplete(notebook: NotebookNode) -> list[str]:
    """The exercises that are not followed by an answer and its check, and cells of no exercise."""
    ids = [cell.id for cell in notebook.cells]
    labels = [label for cell in notebook.cells for label in EXERCISE.findall(cell.source)]
    found = [
        f"exercise {label}: no cell answer-{label} followed by check-{label}"
        for label in labels
        if (f"answer-{label}", f"check-{label}") not in pairwise(ids)
    ]
    strays = [
        name for name in ids if IN_EXERCISE.match(name) and name.partition("-")[2] not in labels
    ]
    return found + [f"cell {name}: there is no such exercise" for name in strays]


def skeleton(notebook: NotebookNode) -> NotebookNode:
    """What the text alone decides: the notebook without its results."""
    bare = copy.deepcopy(notebook)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return bare


def difference(committed: NotebookNode, expected: NotebookNode, name: str) -> str:
    """A readable diff, empty if they agree. Pictures may differ as much as font rendering does."""
    mine, theirs = copy.deepcopy(committed), copy.deepcopy(expected)
    for old, new in zip(pictures(mine), pictures(theirs), strict=False):
        if alike(old["image/png"], new["image/png"]):
            old["image/png"] = new["image/png"]
    for data in [*pictures(mine), *pictures(theirs)]:
        data["image/png"] = "picture " + hashlib.sha256(data["image/png"].encode()).hexdigest()[:12]
    return "\n".join(
        difflib.unified_diff(
            as_bytes(mine).decode().splitlines(),
            as_bytes(theirs).decode().splitlines(),
            f"{name} as committed",
            f"{name} as the text gives it",
            lineterm="",
        )
    )


def pictures(notebook: NotebookNode) -> list[NotebookNode]:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output.data for output in outputs if "image/png" in output.get("data", {})]


def alike(old: str, new: str) -> bool:
    """Same size, and a mean difference below one grey level in a hundred."""
    one, two = (
        Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA") for data in (old, new)
    )
    if one.size != two.size:
        return False
    return max(ImageStat.Stat(ImageChops.difference(one, two)).mean) < 2.55


# --- the command ------------------------------------------------------------------------


def load(path: Path) -> NotebookNode:
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)


def orphans(book: Path) -> list[str]:
    texts = {path.stem for path in (book / "src").glob("*.md")}
    return [path.name for path in sorted(book.glob("*.ipynb")) if path.stem not in texts]


def ingredients(root: Path, text: Path) -> str:
    """A hash of all that decides what a chapter's notebook is."""
    library = sorted(
        path for path in (root / "normgd").rglob("*") if path.suffix in {".py", ".js", ".css"}
    )
    said = text.read_text(encoding="utf-8")
    read = [p for p in sorted((root / "book" / "data").glob("*")) if f"data/{p.name}" in said]
    digest = hashlib.sha256(sys.version.encode())
    makers = [root / "requirements.txt", Path(__file__), HERE.parent / "book/_ext/plain.py"]
    for path in [text, *read, *library, *makers, *(root / "book").glob("*.bib")]:
        digest.update(f"{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest()


class Chapter:
    """One text and its notebook."""

    def __init__(self, root: Path, text: Path) -> None:
        self.text = text
        self.path = root / "book" / f"{text.stem}.ipynb"
        self.name = f"book/{self.path.name}"
        self.ingredients = ingredients(root, text)

    def fingerprint(self) -> str:
        """What the notebook was made from, and what it was then: either may have changed since."""
        made = hashlib.sha256(self.path.read_bytes()).hexdigest() if self.path.exists() else ""
        return f"{self.ingredients} {made}"

    def run(self) -> tuple[NotebookNode | None, list[str]]:
        try:
            notebook = execute(read(self.text.read_text(encoding="utf-8")), self.path.parent)
        except (CellExecutionError, CellTimeoutError, DeadKernelError, ValueError) as error:
            return None, [str(error)]
        return notebook, lint(notebook)


def check(chapter: Chapter, notebook: NotebookNode) -> list[str]:
    if not chapter.path.exists():
        return ["there is no such notebook; run make notebooks"]
    diff = difference(load(chapter.path), notebook, chapter.name)
    return [f"not what the text gives:\n{diff}"] if diff else []


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    only_check = parser.parse_args(arguments).check
    if sys.platform == "win32":
        asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())

    cache = root / ".cache" / "notebooks.json"
    cache.parent.mkdir(exist_ok=True)
    known = json.loads(cache.read_text()) if cache.exists() else {}
    chapters = [Chapter(root, text) for text in sorted((root / "book" / "src").glob("*.md"))]
    failed = False
    for name in orphans(root / "book"):
        print(f"book/{name}: has no text in book/src", file=sys.stderr)
        failed = True
    due = [
        chapter
        for chapter in chapters
        if only_check or known.get(chapter.name) != chapter.fingerprint()
    ]
    with ThreadPoolExecutor(JOBS) as pool:
        for chapter, (notebook, found) in zip(due, pool.map(Chapter.run, due), strict=True):
            if notebook and only_check:
                found += check(chapter, notebook)
            for text in found:
                print(f"{chapter.name}: {text}", file=sys.stderr)
            failed |= bool(found)
            if notebook and not found and not only_check:
                write(chapter.path, as_bytes(notebook))
                known[chapter.name] = chapter.fingerprint()
                write(cache, json.dumps(known, indent=1, sort_keys=True).encode())
            state = "failed" if found else "as the text gives it" if only_check else "made"
            print(f"{chapter.name}: {state}", flush=True)
    if not due:
        print("Every notebook is up to date.")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
