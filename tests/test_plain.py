"""The notebooks' Markdown reads well without MyST, and loses nothing of it."""

import re
from pathlib import Path

import nbformat
import pytest

from plain import to_myst, to_plain

BOOK = Path(__file__).resolve().parent.parent / "book"
TEXTS = sorted((BOOK / "src").glob("*.md"))
NOTEBOOKS = sorted(BOOK.glob("*.ipynb"))

PAIRS = {
    "theorem": (
        ":::{prf:theorem} The trap\n:label: trap\n\nLet $J$ be\n\n$$\nx\n$$\n:::",
        "<!-- :::{prf:theorem} The trap\n:label: trap -->\n**Theorem (The trap).**\n\n"
        "Let $J$ be\n\n$$\nx\n$$\n<!-- ::: -->",
    ),
    "proof": (
        ":::{prf:proof}\nAdd up.\n:::",
        "<!-- :::{prf:proof} -->\n*Proof.*\nAdd up.\n∎\n\n<!-- ::: -->",
    ),
    "note": (
        ":::{admonition} Two words\n:class: note\n\nSize, length.\n:::",
        "<!-- :::{admonition} Two words\n:class: note -->\n**Two words.**\n\nSize, length.\n"
        "<!-- ::: -->",
    ),
    "target": ("(drift)=\n### Drift", "<!-- (drift)= -->\n### Drift"),
    "one author": (
        "the classic {cite:t}`shor1985`.",
        "the classic <!--{cite:t}`shor1985`-->Shor (1985)<!--/-->.",
    ),
    "two authors": (
        "{cite:t}`boyd2004`",
        "<!--{cite:t}`boyd2004`-->Boyd and Vandenberghe (2004)<!--/-->",
    ),
    "more, in brackets": (
        "a course {cite:p}`zhang2023d2l` runs",
        "a course <!--{cite:p}`zhang2023d2l`-->(Zhang et al., 2023)<!--/--> runs",
    ),
}
pairs = pytest.mark.parametrize(("myst", "plain"), PAIRS.values(), ids=PAIRS)


@pairs
def test_what_a_directive_becomes(myst, plain):
    assert to_plain(myst) == plain


@pairs
def test_and_back_again(myst, plain):
    assert to_myst(plain) == myst


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_nothing_of_a_chapter_is_lost(text):
    myst = text.read_text(encoding="utf-8")
    assert to_myst(to_plain(myst)) == myst


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_no_raw_markup(path):
    cells = nbformat.read(path, as_version=4).cells
    for cell in cells:
        if cell.cell_type == "markdown":
            shown = re.sub(r"<!--.*?-->", "", cell.source, flags=re.DOTALL)
            assert not re.search(r":::|\{(cite|prf|exercise)\b|^\([\w-]+\)=$", shown, re.MULTILINE)
