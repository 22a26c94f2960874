"""The library's reference leaves nothing out, and what it says of each name is worth reading."""

import dataclasses
import doctest
import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sphinx.pycode import ModuleAnalyzer

import library_pages
import normgd
from normgd import functions, rules
from normgd.functions import LANDSCAPES, Function
from normgd.rule import LETTERS, SETTINGS, Rule

BOOK = Path(__file__).resolve().parent.parent / "book"
PAGES = sorted(BOOK.glob("library*.md"))
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
DIRECTIVE = re.compile(r"^\.\. auto(\w+):: (\S+)\n((?:   :.*\n)*)", re.MULTILINE)
MODULES = [
    importlib.import_module(f"normgd.{path.stem}")
    for path in sorted(Path(normgd.__file__).parent.glob("[!_]*.py"))
]


def own(module: ModuleType) -> dict[str, Any]:
    """The classes and functions that a module defines for others."""
    return {
        name: thing
        for name, thing in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(thing) or inspect.isroutine(thing))
        and thing.__module__ == module.__name__
    }


def of_module(module: ModuleType, options: str) -> dict[str, Any]:
    """What `automodule` lists: with `:members:` all that the module itself defines."""
    if ":members:" not in options:
        return {}
    data = {name: getattr(module, name) for _, name in documented_data(module)}
    left_out = set(re.findall(r"\w+", "".join(re.findall(r":exclude-members:(.*)", options))))
    return {
        f"{module.__name__}.{name}": thing
        for name, thing in {**own(module), **data}.items()
        if name not in left_out
    }


def documented_data(module: ModuleType) -> dict[tuple[str, str], list[str]]:
    """The docstrings below assignments, by class and name."""
    return ModuleAnalyzer.for_module(module.__name__).find_attr_docs()


def entries() -> dict[str, Any]:
    """Every name that the pages describe, and what it names."""
    found: dict[str, Any] = {}
    for kind, name, options in DIRECTIVE.findall(TEXT):
        if kind == "module":
            found |= of_module(importlib.import_module(name), options)
        else:
            home, _, last = name.rpartition(".")
            found[name] = getattr(importlib.import_module(home), last)
    return found


ENTRIES = entries()
RULES = {name: getattr(rules, name) for name in rules.__all__}


def described(thing: Any) -> bool:
    if isinstance(thing, ModuleType):
        return any(f".. automodule:: {thing.__name__}{end}" in TEXT for end in "\n ")
    return any(entry is thing for entry in ENTRIES.values())


# --- nothing is left out ----------------------------------------------------------------


@pytest.mark.parametrize("module", [normgd, *MODULES], ids=lambda module: module.__name__)
def test_every_public_name_has_an_entry(module: ModuleType) -> None:
    public = getattr(module, "__all__", None) or own(module)
    assert [name for name in public if not described(getattr(module, name))] == []


def test_every_landscape_has_an_entry() -> None:
    families = {name.partition("(")[0] for name in LANDSCAPES}
    data = {name for name, thing in vars(functions).items() if isinstance(thing, Function)}
    assert {f"normgd.functions.{name}" for name in families | data} <= ENTRIES.keys()


def test_every_module_is_introduced() -> None:
    assert [module.__name__ for module in MODULES if not described(module)] == []


def test_no_name_has_two_entries() -> None:
    names = [name for kind, name, _ in DIRECTIVE.findall(TEXT) if kind != "module"]
    assert sorted(set(names)) == sorted(names)


def test_every_page_has_a_place_in_the_contents() -> None:
    toc = (BOOK.parent / "_toc.yml").read_text(encoding="utf-8")
    assert [page.stem for page in PAGES if f"file: book/{page.stem}\n" not in toc] == []


# --- what an entry says -----------------------------------------------------------------

CODE = {
    name: thing
    for name, thing in ENTRIES.items()
    if inspect.isroutine(thing) or inspect.isclass(thing)
}


@pytest.mark.parametrize("name", CODE)
def test_a_docstring_begins_with_one_line_that_is_a_sentence(name: str) -> None:
    doc = CODE[name].__doc__ or ""
    first, _, gap = doc.strip().partition("\n")
    assert re.search(r"\S \S.*[.:)]$", first), f"the first line of {name} is {first!r}"
    assert not gap.strip() or gap.startswith("\n"), f"a blank line must follow: {first!r}"


DATA = {
    (module.__name__, name): lines
    for module in MODULES
    for (_, name), lines in documented_data(module).items()
}


@pytest.mark.parametrize("name", [name for name in ENTRIES if name not in CODE])
def test_data_are_described_where_they_are_assigned(name: str) -> None:
    home, _, last = name.rpartition(".")
    lines = DATA.get((home, last), [])
    assert lines, f"{name} has no docstring below its assignment"
    if isinstance(ENTRIES[name], Function):
        assert any(":math:" in line for line in lines) or "slope" in lines[0], "it has no formula"


@pytest.mark.parametrize("name", RULES)
def test_a_rule_tells_its_formula(name: str) -> None:
    """As mathematics, as the function that computes it, or as the rules that it consists of."""
    assert re.search(r":math:|\.\. math::|:func:| >> ", RULES[name].__doc__)


def parameters(rule: type[Rule]) -> dict[str, str]:
    """The `Parameters` section: each name with its description."""
    doc = inspect.cleandoc(rule.__doc__ or "")
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\w+\n---|\Z)", doc, re.MULTILINE | re.DOTALL)
    items = re.findall(r"^(\S.*?) : .*\n((?:    .*\n?|\n)+)", section[1] if section else "", re.M)
    return {name: text for names, text in items for name in names.split(", ")}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_describes_each_of_its_fields_and_no_other(name: str) -> None:
    fields = [field.name for field in dataclasses.fields(RULES[name])]
    assert list(parameters(RULES[name])) == fields


# A number without a unit shows it: by its range, or as what it is a multiple or a share of.
PURE = re.compile(r"\[0, 1[\])]|no unit|multiple|share|factor")
FIELDS = [
    (name, field.name)
    for name, rule in RULES.items()
    for field in dataclasses.fields(rule)
    if field.name not in SETTINGS
]


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_a_field_has_a_unit_or_is_a_pure_number(name: str, field: str) -> None:
    text = parameters(RULES[name]).get(field, "")
    if other := re.search(r"As for :class:`(\w+)`", text):
        text = parameters(RULES[other[1]])[field]
    assert re.search(r"\bunit\b", text) or (LETTERS[field].unit == "1" and PURE.search(text)), text


@pytest.mark.parametrize("name", RULES)
def test_a_rule_names_its_source(name: str) -> None:
    """It does so itself, or says that it is as another, or unlike it, that does."""
    doc = RULES[name].__doc__
    referred = re.findall(r"\b(?:As|See|Unlike|by) :(?:class|func):`(\w+)`", doc)
    texts = [doc, *(getattr(rules, other).__doc__ for other in referred)]
    assert any(re.search(r"\b(?:18|19|20)\d\d\b|arXiv:\d{4}\.\d{4}", text) for text in texts)


# --- how an entry is made ---------------------------------------------------------------


def test_the_examples_in_the_extension_hold() -> None:
    assert doctest.testmod(library_pages) == doctest.TestResults(failed=0, attempted=3)


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("normgd.adam", "ng.adam"),
        ("normgd.functions.wall", "ng.functions.wall"),
        ("normgd.", "ng."),
        ("normgd.sweep.Runs", "normgd.sweep.Runs"),  # ng.sweep is the function
        ("numpy.sqrt", "numpy.sqrt"),
    ],
)
def test_names_read_as_they_are_typed(name: str, typed: str) -> None:
    assert library_pages.as_typed(name) == typed


@pytest.mark.parametrize(
    ("x", "shown"), [(-2.0, "−2"), (1e-6, "1e−6"), (-0.0, "0"), (1 / 3, "0.3333"), (1e9, "1e9")]
)
def test_numbers_read_as_in_prose(x: float, shown: str) -> None:
    assert library_pages.number(x) == shown


def test_what_is_known_of_a_landscape_is_told() -> None:
    J = Function(
        lambda w: w[0] * w[0], dim=1, minimisers=[(-0.5,)], L=2, box=[(-1, 3)], source="me"
    )
    assert library_pages.known(J) == {
        "coordinates": "1",
        "minimisers": "−0.5",
        "curvature": "L\u00a0=\u00a02",
        "shown on": "[−1, 3]",
        "source": "me",
    }
