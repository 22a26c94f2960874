"""The chapters to work in: the same notebooks without their solutions.

    python tools/student.py

_build/student/*.ipynb are for a reader on their own, _build/nbgrader/source/ is for a class.  There
nbgrader finds the answers between its marks, takes them out for the release, and grades what comes
back by the checks.
"""

import ast
import copy
import re
import shutil
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from env import ROOT, write
from notebooks import BEGIN, END, as_bytes, load

STUB = "# Your answer here"
SOLVED = re.compile(f"{BEGIN}.*?{END}", re.DOTALL)
FOLD = re.compile(r"\n*<details>\n<summary>(?P<summary>.*?)</summary>.*?</details>", re.DOTALL)
HIDDEN = """

### BEGIN HIDDEN TESTS
assert (said := {check}), said
### END HIDDEN TESTS"""


def without_solutions(markdown: str) -> str:
    """Leave of what is folded in an exercise the hints only."""
    hints = FOLD.sub(lambda fold: fold[0] * fold["summary"].startswith("Hint"), markdown)
    return hints.strip()


def unsolved(chapter: NotebookNode) -> NotebookNode:
    """A chapter whose exercises have neither solutions in words nor any output."""
    notebook = copy.deepcopy(chapter)
    section = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = re.match("## .*", cell.source)
            section = heading[0] if heading else section
            if section == "## Exercises":
                cell.source = without_solutions(cell.source)
        elif "nbgrader" in cell.metadata:
            cell.outputs, cell.execution_count = [], None
            cell.metadata = NotebookNode(nbgrader=cell.metadata.nbgrader)  # nothing is folded
    notebook.cells = [cell for cell in notebook.cells if cell.source]
    return notebook


def student(chapter: NotebookNode) -> NotebookNode:
    """A chapter with a blank in the place of each answer."""
    notebook = unsolved(chapter)
    for cell in notebook.cells:
        if cell.metadata.pop("nbgrader", None):
            cell.source = SOLVED.sub(STUB, cell.source)
    return notebook


def assignment(chapter: NotebookNode) -> NotebookNode:
    """A chapter with its answers, as nbgrader's source: where a check says no, grading fails."""
    notebook = unsolved(chapter)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            check = ast.get_source_segment(cell.source, ast.parse(cell.source).body[-1])
            cell.source += HIDDEN.format(check=check)
    return notebook


def data_of(chapter: NotebookNode, book: Path) -> list[Path]:
    """The stored results that a chapter reads, which have to travel with it."""
    code = "\n".join(cell.source for cell in chapter.cells if cell.cell_type == "code")
    return [path for path in sorted((book / "data").glob("*")) if f"data/{path.name}" in code]


def main(root: Path = ROOT) -> None:
    students, source = root / "_build/student", root / "_build/nbgrader/source"
    for folder in (students, source):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for path in sorted((root / "book").glob("*.ipynb")):
        chapter = load(path)
        write(students / path.name, as_bytes(student(chapter)))
        homes = [students]
        if any("nbgrader" in cell.metadata for cell in chapter.cells):
            made = assignment(chapter)
            nbformat.validate(made)
            (source / path.stem).mkdir()
            write(source / path.stem / path.name, as_bytes(made))
            homes.append(source / path.stem)
        for data in data_of(chapter, path.parent):
            for home in homes:
                (home / "data").mkdir(exist_ok=True)
                shutil.copy(data, home / "data")
    print(f"To work in, without solutions:\n  {students}")
    print(f"For nbgrader, which is to be called in the folder above:\n  {source}")


if __name__ == "__main__":
    main()
