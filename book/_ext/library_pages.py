"""The library's reference: what autodoc makes of the docstrings, as a reader would write it.

- Signatures read as they are typed, after `import normgd as ng`.
- A landscape's entry says what is known of it; the tables of landscapes and of letters are made
  from the library's own.
- `{summary}` lists the entries of its page, each with the first line of its docstring.
"""

import functools
import inspect
import re
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config, NumpyDocstring
from sphinx.util.docutils import SphinxDirective

import normgd
from normgd.functions import LANDSCAPES, Function
from normgd.rule import LETTERS, Letter

# What `import normgd as ng` alone makes reachable as `ng.name`: autodoc is going to import more.
REACHABLE = {
    f"{module.__name__}.": f"ng.{name}."
    for name, module in vars(normgd).items()
    if isinstance(module, ModuleType)
} | {"normgd.": "ng."}
KINDS = {"class", "property"}
NUMPYDOC: Any = Config(
    napoleon_use_param=False,  # or each word of "float or schedule" would be looked up as a class
    napoleon_use_rtype=False,
    napoleon_custom_sections=[("Attributes", "params_style")],
)


# ------------------------------------------------------------------------------- docstrings


def number(x: float) -> str:
    """A number as prose has it.

    >>> number(-2.0), number(1e-6), number(-0.0)
    ('−2', '1e−6', '0')
    """
    digits, e, exponent = f"{x + 0.0:.4g}".partition("e")
    return (digits + (f"e{int(exponent)}" if e else "")).replace("-", "−")


def point(w: Sequence[float]) -> str:
    return number(w[0]) if len(w) == 1 else f"({', '.join(map(number, w))})"


def interval(low: float, high: float, open_end: bool = False) -> str:
    """An interval in words where it has an end only.

    >>> interval(0, 1, open_end=True), interval(1, np.inf), interval(-np.inf, np.inf)
    ('[0, 1)', 'at least 1', 'any')
    """
    if np.isinf(high):
        return "any" if np.isinf(low) else f"at least {number(low)}"
    return f"[{number(low)}, {number(high)}{')' if open_end else ']'}"


def known(J: Function) -> dict[str, str]:
    """What is known of a landscape, in words."""
    bounds = [
        f"{name}\u00a0=\u00a0{number(x)}" for name, x in (("μ", J.mu), ("L", J.L)) if x is not None
    ]
    facts = {
        "coordinates": str(J.dim or "any"),
        "examples": str(J.n or ""),
        "minimisers": ", ".join(map(point, J.minimisers)),
        "infimum": "" if J.minimum is None else number(J.minimum),
        "curvature": ", ".join(bounds),
        "sharpness": "" if J.sharpness is None else number(J.sharpness),
        "shown on": " × ".join(interval(*ends) for ends in J.box),
        "source": J.source,
    }
    return {name: fact for name, fact in facts.items() if fact}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table in reStructuredText."""
    lines = ["", ".. list-table::", "   :header-rows: 1", ""]
    for first, *others in (head, *rows):
        lines += [f"   * - {first}", *(f"     - {cell}" for cell in others)]
    return [*lines, ""]


def landscapes() -> list[str]:
    head = ["landscape", "coordinates", "minimisers", "infimum", "curvature", "sharpness"]

    def row(name: str, J: Function) -> list[str]:
        facts = known(J)
        role = f":obj:`{name} <normgd.functions.{name.partition('(')[0]}>`"
        return [role, *(facts.get(fact, "") for fact in head[1:])]

    return table(head, (row(name, J) for name, J in LANDSCAPES.items()))


def letters() -> list[str]:
    def row(name: str, letter: Letter) -> list[str]:
        ends = interval(letter.lowest, letter.highest, letter.open_end)
        unit = "none" if letter.unit == "1" else letter.unit
        return [f"``{name}``", f":math:`{letter.latex}`", letter.meaning, unit, ends]

    head = ["field", "letter", "meaning", "unit", "range"]
    return table(head, (row(*item) for item in LETTERS.items()))


def describe(
    app: Sphinx, what: str, name: str, thing: Any, options: object, lines: list[str]
) -> None:
    """Turn a numpydoc docstring into reStructuredText; say of data what it need not repeat."""
    if what == "data" and inspect.cleandoc("\n".join(lines)) == inspect.getdoc(type(thing)):
        lines.clear()  # the docstring of its class says nothing of the thing itself
    lines[:] = NumpyDocstring(lines, NUMPYDOC).lines()
    if thing is LANDSCAPES:
        lines += landscapes()
    elif thing is LETTERS:
        lines += letters()
    elif isinstance(thing, Function):
        facts = (f"   :{fact}: {text}" for fact, text in known(thing).items())
        lines += ["", ".. container:: library-known", "", *facts, ""]


def name_defaults(
    app: Sphinx, what: str, name: str, thing: Any, options: object, signature: str, returns: str
) -> tuple[str | None, str | None]:
    """Write `h=pos` for the default `<built-in function pos>`."""
    named = signature and re.sub(r"<(?:built-in )?function (\w+)>", r"\1", signature)
    return named, returns


def skip_fields(
    app: Sphinx, what: str, name: str, thing: Any, skip: bool, options: object
) -> bool | None:
    """Leave out what a class has from elsewhere, such as the defaults of its fields."""
    own = isinstance(thing, (property, functools.cached_property))
    home = getattr(thing, "__module__", None) or ""
    return True if what == "class" and not own and not home.startswith("normgd") else None


# ---------------------------------------------------------------------------------- entries


def as_typed(name: str) -> str:
    """A dotted name as it is typed after `import normgd as ng`.

    >>> as_typed("normgd.adam"), as_typed("normgd.functions.wall"), as_typed("numpy.sqrt")
    ('ng.adam', 'ng.functions.wall', 'numpy.sqrt')
    """
    home, dot, last = name.rpartition(".")
    return REACHABLE.get(home + dot, home + dot) + last


def tidy(signature: addnodes.desc_signature) -> None:
    """Show `ng.adam(...)` and not `class normgd.adam(...)`."""
    for part in list(signature.children):
        if isinstance(part, addnodes.desc_annotation) and part.astext().strip() in KINDS:
            signature.remove(part)
        elif isinstance(part, addnodes.desc_addname):
            prefix = as_typed(part.astext())
            part.replace_self(addnodes.desc_addname(prefix, prefix))


class Place(nodes.General, nodes.Element):
    """Where the summary of a page will stand."""


class Summary(SphinxDirective):
    """`{summary}`: the entries of this page by section, each with its first line."""

    def run(self) -> list[nodes.Node]:
        return [Place()]


def is_entry(node: nodes.Node) -> bool:
    """Tell whether a node describes a name of the library, and not an attribute of one."""
    return isinstance(node, addnodes.desc) and not isinstance(node.parent, addnodes.desc_content)


def link(target: str, *text: nodes.Node) -> nodes.reference:
    return nodes.reference("", "", *text, refid=target, internal=True)


def line(entry: addnodes.desc) -> nodes.definition_list_item:
    signature, content = entry[0], entry[1]
    name = nodes.literal("", "", nodes.Text(signature["fullname"]))
    first = next((part for part in content.children if isinstance(part, nodes.paragraph)), None)
    said = [child.deepcopy() for child in first.children] if first else []
    return nodes.definition_list_item(
        "",
        nodes.term("", "", link(signature["ids"][0], name)),
        nodes.definition("", nodes.paragraph("", "", *said)),
    )


def summarise(doctree: nodes.document) -> list[nodes.Node]:
    """List the entries of a page, section by section."""
    found: list[nodes.Node] = []
    for section in doctree.findall(nodes.section):
        entries = [node for node in section.children if is_entry(node)]
        if entries:
            title = link(section["ids"][0], nodes.Text(section[0].astext()))
            found.append(nodes.paragraph("", "", title))
            found.append(nodes.definition_list("", *map(line, entries)))
    return found


def finish_entries(app: Sphinx, doctree: nodes.document) -> None:
    for signature in doctree.findall(addnodes.desc_signature):
        tidy(signature)
    for reference in doctree.findall(addnodes.pending_xref):
        if reference.get("refdomain") == "py":
            reference["refspecific"] = True  # a name is found in whatever module it is
            if reference["reftype"] != "mod":
                for text in list(reference.findall(nodes.Text)):
                    text.parent.replace(text, nodes.Text(as_typed(text.astext())))
    for place in list(doctree.findall(Place)):
        place.replace_self(nodes.container("", *summarise(doctree), classes=["library-summary"]))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("summary", Summary)
    app.add_node(Place)
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", describe)
    app.connect("autodoc-process-signature", name_defaults)
    app.connect("autodoc-skip-member", skip_fields)
    app.connect("doctree-read", finish_entries)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
