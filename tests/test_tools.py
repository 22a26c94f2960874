"""The tools that make the environment, the site and its scripts. Nothing here asks the network."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from conftest import require
from sphinx.errors import ExtensionError

import build
import course_site
import env
import notebooks

ROOT = Path(__file__).resolve().parent.parent
posix = pytest.mark.skipif(os.name == "nt", reason="make is for POSIX systems")


# --- env.py -----------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course that needs nothing, in a folder with a space."""
    root = tmp_path / "the course"
    (root / "tools").mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "env.py", root / "tools")
    for name in (*env.LEVELS.values(), "pyproject.toml"):
        (root / name).write_text("# nothing\n")
    return root


def make_env(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, root / "tools" / "env.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def complete(root: Path, level: str = "course") -> bool:
    python = env.python_in(root / ".venv")
    command = [python, root / "tools" / "env.py", "--check", level]
    return python.exists() and subprocess.run(command).returncode == 0


def test_a_stamp_names_all_that_the_environment_is_made_from(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {env.stamp(course, level) for level in env.LEVELS}
    (course / "requirements-dev.txt").write_text("ruff\n")
    assert env.stamp(course, "course") in seen
    assert env.stamp(course, "peers") in seen
    assert env.stamp(course, "dev") not in seen
    for change in (
        lambda: (course / "requirements.txt").write_text("numpy\n"),
        lambda: (course / "pyproject.toml").write_text("[project]\nversion = '2'\n"),
        lambda: monkeypatch.setattr(sys, "version", "3.99.0"),
    ):
        change()
        assert env.stamp(course, "course") not in seen
        seen.add(env.stamp(course, "course"))
    shutil.copytree(course, moved := course.with_name("moved"))
    assert env.stamp(moved, "course") not in seen


@pytest.mark.slow
def test_the_environment_is_made_once_and_again_only_when_it_must_be(course: Path) -> None:
    made = make_env(course)
    assert made.returncode == 0, made.stderr
    assert "Making .venv" in made.stdout
    assert complete(course)
    assert make_env(course).stdout == ""

    assert not complete(course, "dev")
    assert "Adding the dev tools" in make_env(course, "dev").stdout
    assert complete(course, "dev")
    assert make_env(course).stdout == ""

    (course / ".venv" / "leftover").touch()
    (course / "requirements.txt").write_text("# something else\n")
    assert not complete(course)
    assert "Making .venv" in make_env(course).stdout
    assert not (course / ".venv" / "leftover").exists()
    assert complete(course)


@posix
@pytest.mark.slow
def test_an_interrupted_environment_is_not_taken_for_a_good_one(course: Path) -> None:
    command = [sys.executable, course / "tools" / "env.py"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as maker:
        while not (course / ".venv" / "bin" / "python").exists():
            time.sleep(0.01)
        maker.send_signal(signal.SIGINT)
        assert b"Interrupted" in maker.communicate()[1]
    assert maker.returncode == 130
    assert not complete(course)
    assert make_env(course).returncode == 0
    assert complete(course)


@pytest.mark.slow
def test_two_makes_at_once_make_one_environment(course: Path) -> None:
    command = [sys.executable, course / "tools" / "env.py"]
    makers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [maker.communicate()[0] for maker in makers]
    assert sorted(text.count("Making .venv") for text in said) == [0, 1]
    assert complete(course)


def test_a_requirement_that_cannot_be_met_is_said_and_not_stamped(course: Path) -> None:
    (course / "requirements.txt").write_text("./no-such-folder\n")
    tried = make_env(course)
    assert tried.returncode == 1
    assert "no-such-folder" in tried.stderr
    assert not complete(course)


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env.write(tmp_path / "file", b"old")
    monkeypatch.setattr(Path, "replace", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        env.write(tmp_path / "file", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"old")]


# --- notebooks.py -----------------------------------------------------------------------


def test_a_notebook_is_due_when_data_that_its_text_names_have_changed(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").touch()
    (data := tmp_path / "book" / "data").mkdir(parents=True)
    (data / "curves.json").write_text("1")
    (reads := tmp_path / "reads.md").write_text('Path("data/curves.json")')
    (other := tmp_path / "other.md").write_text("No data.")
    before = [notebooks.ingredients(tmp_path, text) for text in (reads, other)]
    assert [notebooks.ingredients(tmp_path, text) for text in (reads, other)] == before
    (data / "curves.json").write_text("2")
    after = [notebooks.ingredients(tmp_path, text) for text in (reads, other)]
    assert after[0] != before[0]
    assert after[1] == before[1]


# --- make -------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize(
    ("pythons", "said"),
    [
        ({}, "no Python at all"),
        ({"python3": "3.9"}, "python3 is Python 3.9: too old"),
        (
            {"python": "2.7", "python3.12": "3.12 bare"},
            "python3.12 is Python 3.12, without its venv",
        ),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, pythons: dict[str, str], said: str) -> None:
    for name, kind in pythons.items():
        version, *bare = kind.split()
        old = int(version in {"3.9", "2.7"})
        (tmp_path / name).write_text(
            "#!/bin/sh\n"
            f'case "$2" in *print*) echo {version} ;; *exit*) exit {old} ;; '
            f"*) exit {len(bare)} ;; esac\n"
        )
        (tmp_path / name).chmod(0o755)
    found = subprocess.run(
        ["/bin/sh", ROOT / "tools" / "find-python"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 1
    assert found.stdout == ""
    assert said in found.stderr
    assert "3.11 or newer" in found.stderr


@posix
def test_make_alone_lists_the_verbs() -> None:
    require(shutil.which("make"), "make is not installed")
    said = subprocess.check_output(["make", "--no-print-directory", "-C", ROOT], text=True)
    for verb in ("book", "test", "lab", "notebooks", "student", "lint", "test-site", "clean"):
        assert f"make {verb} " in said


# --- build.py ---------------------------------------------------------------------------


def test_a_new_site_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    live = tmp_path / "html"
    for content in ("first", "second"):
        new = tmp_path / "scratch" / "html"
        new.mkdir(parents=True)
        (new / content).touch()
        build.swap(new, live)
        assert [path.name for path in live.iterdir()] == [content]
    assert list((tmp_path / "scratch").iterdir()) == []


# --- course_site.py ---------------------------------------------------------------------

MODULE = "const render = ({ model, el }) => {};\nexport default { render };\n"


def test_the_explorer_becomes_a_classic_script() -> None:
    script = course_site.bundle(MODULE, "render({ model: {}, el: null });")
    assert "export" not in script
    assert script.index("const render") < script.index("render({ model: {}")


@pytest.mark.parametrize(
    "module",
    [
        MODULE.replace("export default", "// export default"),
        MODULE + MODULE,
        "import x from './x.js';\n" + MODULE,
        "export const other = 1;\n" + MODULE,
    ],
)
def test_a_module_that_cannot_be_a_script_fails_the_build(module: str) -> None:
    with pytest.raises(ExtensionError, match=r"explore\.js"):
        course_site.bundle(module, "")


ICONS = '<script src="_static/vendor/fontawesome/6.5.2/js/all.min.js?digest=1"></script>'
PRELOAD = '<link rel="preload" as="font" type="font/woff2" crossorigin href="fa-solid-900.woff2" />'


def test_pages_lose_what_they_do_not_need() -> None:
    assert course_site.slim(f"<head>\n{PRELOAD}\n{ICONS}</head>", "page") == "<head></head>"
    formula = '<span class="math notranslate nohighlight">\\(w\\)</span>'
    kept = course_site.slim(f"<head>{ICONS}</head>{formula}, {formula} and", "page")
    assert kept == f'<head></head><span class="course-whole">{formula},</span> {formula} and'
    with pytest.raises(ExtensionError, match="once"):
        course_site.slim("<head></head>", "page")


def test_a_page_shows_a_notebook_as_the_text_has_it() -> None:
    cells = [
        nbformat.v4.new_markdown_cell("<!-- :::{prf:proof} -->\n*Proof.*\nAdd.\n∎\n\n<!-- ::: -->"),
        nbformat.v4.new_code_cell("### BEGIN SOLUTION\nx = 1\n### END SOLUTION", id="answer"),
    ]
    app = SimpleNamespace(env=SimpleNamespace(doc2path=lambda page: f"{page}.ipynb"))
    source = [nbformat.writes(nbformat.v4.new_notebook(cells=cells))]
    course_site.restore_directives(app, "book/01_x", source)
    proof, answer = json.loads(source[0])["cells"]
    assert proof["source"] == ":::{prf:proof}\nAdd.\n:::"
    assert answer["source"] == "x = 1"
    assert answer["metadata"] == {"name": "answer"}


def test_mathjax_is_copied_from_its_package(tmp_path: Path) -> None:
    course_site.copy_mathjax(tmp_path)
    mathjax = tmp_path / "vendor" / "mathjax"
    assert (mathjax / "tex-mml-chtml.js").stat().st_size > 1_000_000
    assert (
        mathjax / "output" / "chtml" / "fonts" / "woff-v2" / "MathJax_Main-Regular.woff"
    ).is_file()
    assert "Apache License" in (mathjax / "LICENCE.txt").read_text(encoding="utf-8")
    assert sum(path.stat().st_size for path in mathjax.rglob("*.*")) < 2_000_000
