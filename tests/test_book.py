"""The committed notebooks are what the text gives, and hold nothing a reader should not meet."""

import ast
import base64
import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jupyter_book
import nbformat
import pytest
import yaml
from nbformat import NotebookNode
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import notebooks
import student

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
TEXTS = sorted((BOOK / "src").glob("*.md"))
STORED = sorted(BOOK.glob("*.ipynb"))


def names(paths: list[Path]) -> list[str]:
    return [path.stem for path in paths]


# --- the course's own notebooks ---------------------------------------------------------


def test_the_book_is_made_by_jupyter_book_1() -> None:
    assert jupyter_book.__version__.startswith("1.")


def test_each_text_has_a_notebook_and_a_place_in_the_contents() -> None:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = [
        toc["root"],
        *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"]),
    ]
    assert TEXTS
    assert names(STORED) == names(TEXTS)
    assert notebooks.orphans(BOOK) == []
    assert {f"book/{name}" for name in names(STORED)} <= set(listed)
    assert [
        name
        for name in listed
        if not any((ROOT / name).with_suffix(e).exists() for e in (".md", ".ipynb"))
    ] == []


@pytest.mark.parametrize("text", TEXTS, ids=names(TEXTS))
def test_the_stored_cells_are_those_of_the_text(text: Path) -> None:
    stored = notebooks.load(BOOK / f"{text.stem}.ipynb")
    expected = notebooks.read(text.read_text(encoding="utf-8"))
    assert notebooks.difference(notebooks.skeleton(stored), expected, text.stem) == ""


@pytest.mark.parametrize("path", STORED, ids=names(STORED))
def test_the_stored_notebook_is_canonical_and_clean(path: Path) -> None:
    stored = notebooks.load(path)
    assert notebooks.lint(stored) == []
    assert notebooks.as_bytes(notebooks.canonical(stored)) == path.read_bytes()


@pytest.mark.parametrize("path", STORED, ids=names(STORED))
def test_there_is_something_for_nbval_to_compare(path: Path) -> None:
    # nbval passes over cells without an execution count, and compares no pictures.
    code = [cell for cell in notebooks.load(path).cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    assert any(
        "text" in output or "text/plain" in output.data for cell in code for output in cell.outputs
    )


# --- from text to cells -----------------------------------------------------------------

CHAPTER = """\
# The chapter's title

Why?

## A question

:::{prf:theorem}
## not a heading of the chapter
:::

<details>
<summary>Hint</summary>

### nor this

</details>

```{code-cell} ipython3
print(1.25)
print("two")
```

## Exercises

```{code-cell} ipython3
:name: picture
:mystnb: {"image": {"alt": "a dot"}}
import matplotlib.pyplot as plt
plt.figure(figsize=(1, 1))
plt.plot([0], [0], "o")
plt.show()
```

## Exercises

```python
## not a heading either
```
"""


def test_what_the_page_folds_is_folded_in_jupyterlab() -> None:
    text = "```{code-cell} ipython3\n:tags: [hide-output]\n\nanswer()\n```\n"
    for tag, folded in notebooks.FOLDED.items():
        (cell,) = notebooks.read(text.replace("hide-output", tag)).cells
        assert cell.metadata.jupyter == folded
    (cell,) = notebooks.read(text.replace(":tags: [hide-output]\n\n", "")).cells
    assert "jupyter" not in cell.metadata


EXERCISE = """\
## Exercises

:::{exercise} Two
:label: ex-9-two

Put two into `x`.
:::

<details>
<summary>Hint</summary>

Count.

</details>

```{code-cell} ipython3
:name: answer-ex-9-two

y = 1
### BEGIN SOLUTION
x = y + 1
### END SOLUTION
```

```{code-cell} ipython3
:name: check-ex-9-two

from normgd.exercises import Exercise

Exercise("x", 2).check(x)
```

<details>
<summary>Solution</summary>

One and one.

</details>

## Epilogue

<details>
<summary>Answer: are you still there?</summary>
</details>
"""


def test_an_answer_is_folded_and_a_check_is_graded() -> None:
    answer, check = (cell for cell in notebooks.read(EXERCISE).cells if cell.cell_type == "code")
    grading = {"schema_version": 3, "task": False}
    assert answer.metadata == {
        "tags": ["hide-cell"],
        "jupyter": {"source_hidden": True, "outputs_hidden": True},
        "mystnb": {
            "code_prompt_show": "Show the solution",
            "code_prompt_hide": "Hide the solution",
        },
        "nbgrader": grading
        | {"grade_id": "ex-9-two", "solution": True, "grade": False, "locked": False},
    }
    assert check.metadata == {
        "nbgrader": grading
        | {
            "grade_id": "check-ex-9-two",
            "solution": False,
            "grade": True,
            "locked": True,
            "points": 1,
        },
    }


def test_cells_are_split_at_headings_and_named_after_them() -> None:
    cells = notebooks.read(CHAPTER).cells
    assert [cell.id for cell in cells] == [
        "the-chapters-title-1",
        "a-question-1",
        "a-question-2",
        "exercises-1",
        "picture",
        "exercises-2-1",
    ]
    assert cells[0].source == "# The chapter's title\n\nWhy?"
    assert "name" not in cells[4].metadata


def test_an_id_that_comes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="not unique: exercises-1"):
        notebooks.read(CHAPTER.replace(":name: picture", ":name: exercises-1"))


@pytest.mark.parametrize("heading", ["η ≥ 0", "$\\nabla J$: where?", "x" * 200, "Don’t!"])
def test_every_heading_gives_a_valid_id(heading: str) -> None:
    nbformat.validate(notebooks.read(f"# {heading}\n\nText."))


# --- execution --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course of one chapter, made."""
    root = tmp_path_factory.mktemp("the course")
    (root / "book" / "src").mkdir(parents=True)
    (root / "book" / "src" / "chapter.md").write_text(CHAPTER, encoding="utf-8")
    (root / "requirements.txt").write_text("")
    assert notebooks.main([], root) == 0
    return root


def executed(root: Path) -> NotebookNode:
    return notebooks.load(root / "book" / "chapter.ipynb")


def test_a_second_run_gives_the_same_bytes(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = made / "book" / "chapter.ipynb"
    before = path.read_bytes()
    assert notebooks.main([], made) == 0
    assert "up to date" in capsys.readouterr().out
    (made / ".cache" / "notebooks.json").unlink()
    assert notebooks.main([], made) == 0
    assert path.read_bytes() == before


def test_what_is_printed_in_a_row_is_one_output(made: Path) -> None:
    outputs = executed(made).cells[2].outputs
    assert [output.text for output in outputs] == ["1.25\ntwo\n"]


def test_a_changed_text_or_notebook_is_made_again(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, path = made / "book" / "src" / "chapter.md", made / "book" / "chapter.ipynb"
    good = path.read_bytes()
    path.write_bytes(good.replace(b"1.25", b"1.26"))
    assert notebooks.main([], made) == 0
    assert path.read_bytes() == good
    text.write_text(CHAPTER.replace("Why?", "Why not?"), encoding="utf-8")
    assert notebooks.main([], made) == 0
    assert "Why not?" in executed(made).cells[0].source
    text.write_text(CHAPTER, encoding="utf-8")
    assert notebooks.main([], made) == 0
    assert path.read_bytes() == good


def test_check_refuses_what_the_text_does_not_give(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert notebooks.main(["--check"], made) == 0
    path = made / "book" / "chapter.ipynb"
    good = path.read_bytes()
    path.write_bytes(good.replace(b"1.25", b"1.26"))
    assert notebooks.main(["--check"], made) == 1
    said = capsys.readouterr().err
    assert '-      "1.26\\n",' in said
    assert '+      "1.25\\n",' in said
    path.write_bytes(good)


def test_a_chapter_that_fails_is_not_written(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, path = made / "book" / "src" / "chapter.md", made / "book" / "chapter.ipynb"
    good = path.read_bytes()
    text.write_text(CHAPTER.replace('print("two")', "1 / 0"), encoding="utf-8")
    assert notebooks.main([], made) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert path.read_bytes() == good
    text.write_text(CHAPTER, encoding="utf-8")


def test_a_notebook_without_text_is_refused(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    orphan = made / "book" / "orphan.ipynb"
    orphan.touch()
    assert notebooks.main([], made) == 1
    assert "orphan.ipynb" in capsys.readouterr().err
    orphan.unlink()


def nbval(folder: Path) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder]
    return subprocess.run(
        [*command, "--nbval", "--nbval-current-env", folder], capture_output=True
    ).returncode


def test_one_changed_digit_in_a_stored_output_fails_nbval(made: Path, tmp_path: Path) -> None:
    copy = tmp_path / "chapter.ipynb"
    good = (made / "book" / "chapter.ipynb").read_bytes()
    copy.write_bytes(good)
    assert nbval(tmp_path) == 0
    copy.write_bytes(good.replace(b'"1.25\\n"', b'"1.26\\n"'))
    assert nbval(tmp_path) == 1


# --- pictures ---------------------------------------------------------------------------


def png(colour: int, size: int = 8, **text: str) -> str:
    info = PngInfo()
    for key, value in text.items():
        info.add_text(key, value)
    file = io.BytesIO()
    Image.new("L", (size, size), colour).save(file, "PNG", pnginfo=info)
    return base64.b64encode(file.getvalue()).decode()


def test_a_picture_keeps_no_word_of_its_making() -> None:
    assert notebooks.bare_png(png(7, Software="x", Date="today")) == png(7)


def test_pictures_may_differ_as_fonts_do_and_no_more() -> None:
    assert notebooks.alike(png(100), png(102))
    assert not notebooks.alike(png(100), png(110))
    assert not notebooks.alike(png(100), png(100, size=9))


# --- what is refused --------------------------------------------------------------------


def clean() -> NotebookNode:
    """A notebook with one cell of every good kind."""
    printed = nbformat.v4.new_code_cell("print(1)", execution_count=1)
    printed.outputs = [nbformat.v4.new_output("stream", text="1\n")]
    drawn = nbformat.v4.new_code_cell("plt.show()", execution_count=2)
    drawn.metadata.mystnb = NotebookNode(image=NotebookNode(alt="A dot."))
    drawn.outputs = [nbformat.v4.new_output("display_data", {"image/png": png(0)})]
    return nbformat.v4.new_notebook(cells=[printed, drawn])


def test_a_clean_notebook_passes() -> None:
    assert notebooks.lint(clean()) == []


def solved() -> NotebookNode:
    """A notebook with an exercise, its answer and its check."""
    notebook = notebooks.read(EXERCISE)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        cell.execution_count = number
    code[1].outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "Right."})]
    return notebook


def test_an_exercise_with_its_answer_and_check_passes() -> None:
    assert notebooks.lint(solved()) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("### BEGIN SOLUTION", "", "answer-ex-9-two: must hold ### BEGIN SOLUTION and ### END"),
        ("### END SOLUTION", "### BEGIN SOLUTION", "answer-ex-9-two: must hold"),
        ("x = y + 1", "### END SOLUTION", "answer-ex-9-two: must hold"),
        (
            "from normgd.exercises import Exercise",
            "### BEGIN SOLUTION",
            "check-ex-9-two: ### BEGIN SOLUTION out",
        ),
        ("Right.", "Not yet.", "check-ex-9-two: the check does not say Right."),
        (":label: ex-9-two", "", "answer-ex-9-two: there is no such exercise"),
        ('"check-ex-9-two"', '"check-ex-9-too"', "exercise ex-9-two: no cell answer-ex-9-two foll"),
        ('"check-ex-9-two"', '"check-ex-9-too"', "check-ex-9-too: there is no such exercise"),
    ],
)
def test_an_unfinished_exercise_is_refused(old: str, new: str, said: str) -> None:
    text = nbformat.writes(solved())
    assert old in text
    notebook = nbformat.reads(text.replace(old, new), as_version=4)
    assert said in "\n".join(notebooks.lint(notebook))


def show(*outputs: NotebookNode) -> Callable[[NotebookNode], None]:
    return lambda notebook: notebook.cells[0].outputs.extend(outputs)


OFFENCES: dict[str, Callable[[NotebookNode], object]] = {
    "26 lines": lambda nb: nb.cells[0].update(source="x = 1\n" * 26),
    "trailing ;": lambda nb: nb.cells[0].update(source="plt.plot(x);"),
    "not executed": lambda nb: nb.cells[0].update(execution_count=None),
    "execution count 7": lambda nb: nb.cells[1].update(execution_count=7),
    "without alt text": lambda nb: nb.cells[1].metadata.clear(),
    "several figures": lambda nb: nb.cells[1].outputs.append(nb.cells[1].outputs[0]),
    "an error: NameError": show(nbformat.v4.new_output("error", ename="NameError", evalue="x")),
    "stderr": show(nbformat.v4.new_output("stream", name="stderr", text="Warning")),
    "memory address: 0x7f3a5c0e": show(
        nbformat.v4.new_output("execute_result", {"text/plain": "[<Line2D at 0x7f3a5c0e>]"})
    ),
}


@pytest.mark.parametrize("said", OFFENCES)
def test_an_offence_is_refused(said: str) -> None:
    notebook = clean()
    OFFENCES[said](notebook)
    assert said in "\n".join(notebooks.lint(notebook))


# --- what a student gets ----------------------------------------------------------------

CHAPTERS = [notebooks.load(path) for path in STORED]
SOLVED = [
    chapter for chapter in CHAPTERS if any("nbgrader" in cell.metadata for cell in chapter.cells)
]


def in_exercises(notebook: NotebookNode) -> str:
    """The text of all cells from the heading Exercises to the next."""
    whole = "\n".join(cell.source for cell in notebook.cells)
    return whole.partition("\n## Exercises\n")[2].partition("\n## ")[0]


def test_a_student_gets_the_question_the_hint_and_a_blank() -> None:
    question, answer, check, epilogue = student.student(solved()).cells
    assert question.source.endswith("Count.\n\n</details>")
    assert (answer.source, answer.metadata) == ("y = 1\n# Your answer here", {})
    assert check.source.endswith("check(x)")
    assert (check.outputs, check.execution_count, check.metadata) == ([], None, {})
    assert "still there?" in epilogue.source


@pytest.mark.parametrize("chapter", SOLVED)
def test_no_solution_is_left(chapter: NotebookNode) -> None:
    given = student.student(chapter)
    nbformat.validate(given)
    for word in ("### BEGIN", "### END", "<summary>Solution", "Right."):
        assert word not in nbformat.writes(given)
    left = in_exercises(given)
    assert all(fold.startswith("Hint") for fold in re.findall("<summary>(.*)", left))
    answers = [cell for cell in chapter.cells if cell.id.startswith("answer-")]
    assert left.count(student.STUB) == len(answers)
    solutions = "\n".join(
        re.search("### BEGIN SOLUTION(.*)### END", cell.source, re.DOTALL)[1] for cell in answers
    )
    # A question or a hint may quote a part of the answer.
    left = re.sub(
        r":::\{exercise\}.*?<!-- ::: -->|<details>.*?</details>", "", left, flags=re.DOTALL
    )
    for line in map(str.strip, solutions.splitlines()):
        assert len(line) < 10 or line not in left


@pytest.mark.parametrize("chapter", SOLVED)
def test_nbgrader_gets_answers_between_marks_and_checks_that_can_fail(
    chapter: NotebookNode,
) -> None:
    made = student.assignment(chapter)
    nbformat.validate(made)
    assert "<summary>Solution" not in nbformat.writes(made)
    graded = [cell for cell in made.cells if "nbgrader" in cell.metadata]
    ids = [cell.metadata.nbgrader.grade_id for cell in graded]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch("[a-zA-Z0-9_-]+", name) for name in ids)
    for answer, check in zip(graded[::2], graded[1::2], strict=True):
        assert answer.metadata.nbgrader.solution
        assert answer.source.count("### BEGIN SOLUTION") == 1
        assert check.metadata.nbgrader.grade
        hidden = re.search(
            "### BEGIN HIDDEN TESTS\n(assert .*), said\n### END HIDDEN TESTS$",
            check.source,
            re.DOTALL,
        )
        assert hidden
        ast.parse(hidden[1])


@pytest.mark.parametrize(("answer", "right"), [("x = 2", True), ("x = 3", False)])
def test_grading_fails_where_the_check_says_not_yet(answer: str, right: bool) -> None:
    (check,) = (cell for cell in student.assignment(solved()).cells if cell.id.startswith("check-"))
    told: dict[str, object] = {}
    exec(answer, told)
    if right:
        exec(check.source, told)
    else:
        with pytest.raises(AssertionError, match=r"Not yet\. "):
            exec(check.source, told)


def test_both_editions_are_written_and_old_files_go(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = made / "book" / "exercise.ipynb"
    path.write_bytes(notebooks.as_bytes(solved()))
    (left := made / "_build/student/left.ipynb").parent.mkdir(parents=True)
    left.touch()
    student.main(made)
    written = {
        file.relative_to(made / "_build").as_posix() for file in made.rglob("_build/**/*.ipynb")
    }
    assert written == {
        "student/chapter.ipynb",
        "student/exercise.ipynb",
        "nbgrader/source/exercise/exercise.ipynb",
    }
    path.unlink()


def test_stored_results_travel_with_the_chapter_that_reads_them(tmp_path: Path) -> None:
    notebook = solved()
    notebook.cells[-1].source = "see data/other.json"  # words do not read it
    notebook.cells[1].source += '\nresult = Path("data/result.json").read_text()'
    (data := tmp_path / "book" / "data").mkdir(parents=True)
    for name in ("result.json", "other.json"):
        (data / name).write_text("{}")
    (tmp_path / "book" / "exercise.ipynb").write_bytes(notebooks.as_bytes(notebook))
    student.main(tmp_path)
    beside = {
        file.relative_to(tmp_path / "_build").as_posix()
        for file in tmp_path.rglob("_build/**/data/*")
    }
    assert beside == {
        "student/data/result.json",
        "nbgrader/source/exercise/data/result.json",
    }
