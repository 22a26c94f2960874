"""The gallery: every update rule of the library on every landscape of the library.

`{gallery-table}` tells at a glance how far each rule came on each landscape; `{gallery}` is a
section for each landscape of its page (:func:`page_of`), with a small picture for each rule.  Both
are made when the book is built: the runs are one batched descent for each pair, some ten seconds
in all, and what is not stored cannot be out of date.

Sizes are tried as lengths: whatever the unit of a rule's own size is, its candidates are such that
the first step is about as long as a candidate length (:func:`candidates`).
"""

import dataclasses
import functools
import inspect
import math
import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

from library_pages import number, point
from normgd import functions, rules
from normgd.explore import Frame
from normgd.front import svg
from normgd.front.words import landscape_code, letter
from normgd.functions import LANDSCAPES, Function
from normgd.ops import norm
from normgd.path import descend
from normgd.plot import levels, style
from normgd.rule import Rule

Array = Any

RULES: dict[str, type[Rule]] = {
    name: getattr(rules, name) for name in rules.__all__ if name[0].islower()
}
"""The rules by name; what has a capital is a piece to compose rules of."""
STEPS = 100
HALF_DECADES = 13
NEGLIGIBLE = 1e-12
"""The share of the first J − J* below which what is left counts as 0."""
WIDTH = 144
EQUALS = "\u00a0=\u00a0"
DECADES = 12
"""How many are seen where a picture shows J against t."""


# ------------------------------------------------------------------------------------- runs


def rounded(x: float, digits: int) -> float:
    """A number as it is written: what the page tells is what was run."""
    return float(f"{x:.{digits}g}")


def start_of(J: Function) -> Array:
    """Where every rule starts: rather far out, and in no simple ratio to the box or the steps.

    Coordinate i is at the fraction φ − 3/2 + i φ of its interval, without its whole part, φ being
    the golden ratio: 0.118, 0.736, 0.354, ...
    """
    golden = (1 + 5**0.5) / 2
    fractions = [(golden - 1.5 + i * golden) % 1 for i in range(len(J.box))]
    return np.array(
        [
            rounded(low + f * (high - low), 4)
            for f, (low, high) in zip(fractions, J.box, strict=True)
        ]
    )


def candidates(J: Function) -> dict[str, Array]:
    r"""The values that are tried of each kind of size, half a decade apart, the largest first.

    The lengths :math:`\eta_k=s\,10^{-k/2}` begin with the longest side s of the box.  A step size
    is :math:`\eta_k/\|\nabla J(w_0)\|` and a multiple of the length of w is
    :math:`\eta_k/\|w_0\|`, so that the first step is as long.  An ε that stands for a squared
    length is :math:`\eta_k^2`.
    """
    start, grad = start_of(J), cast(Callable[[Array], Array], J.grad)
    side = max(high - low for low, high in J.box)
    lengths = side * 10.0 ** (-np.arange(HALF_DECADES) / 2)
    sizes = {
        "eta": lengths,
        "r_eps": lengths,
        "d0": lengths,
        "alpha": lengths / norm(grad(start)),
        "gamma": lengths / norm(start),
        "eps": lengths**2,
    }
    return {name: np.array([rounded(x, 3) for x in tried]) for name, tried in sizes.items()}


def dials(kind: type[Rule]) -> set[str]:
    """The sizes that are chosen for a rule: its rates, or what it learns its rate from."""
    fields = {field.name for field in dataclasses.fields(kind)}
    return fields & {"r_eps", "d0"} or fields & {"alpha", "eta", "gamma"} or fields & {"eps"}


class Unfit(Exception):
    """Why a rule cannot run on a landscape, in words."""


def prepared(kind: type[Rule], J: Function) -> Rule:
    """The rule with all candidates at once and with what it has to know of the landscape.

    Raises
    ------
    Unfit
        If it has to know what is not known, or steps along matrices where there is none.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}
    given: dict[str, Any] = {name: x for name, x in candidates(J).items() if name in dials(kind)}
    if "J_star" in fields:
        if J.minimum is None:
            raise Unfit("does not run: it has to know J*, and here none is known")
        given["J_star"] = J.minimum
    if "blocks" in fields:
        if J.blocks:
            given["blocks"] = J.blocks
        elif fields["blocks"].default is dataclasses.MISSING:
            raise Unfit("does not run: it steps along matrices, and here w is a vector")
    return kind(**given)


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """The run that a picture shows.

    Attributes
    ----------
    J, rule
        The landscape, and the rule with its numbers.
    w : array, shape (STEPS + 1, d)
        The iterates.
    values : array, shape (STEPS + 1,)
        J at each of them.
    shown : tuple of str
        The hyper-parameters to tell: those that are not everywhere the same.
    """

    J: Function
    rule: Rule
    w: Array
    values: Array
    shown: tuple[str, ...]

    @functools.cached_property
    def lost(self) -> int | None:
        """The first step that led out of the finite numbers or out of the domain of J."""
        fine = np.isfinite(self.w).all(axis=1) & np.isfinite(self.values)
        if self.J.domain is not None:
            fine &= self.J.domain(self.w.T)
        return None if fine.all() else int(np.argmin(fine))

    @functools.cached_property
    def inside(self) -> bool:
        """Whether it ends in the box."""
        low, high = np.array(self.J.box).T
        return bool(((low <= self.w[-1]) & (self.w[-1] <= high)).all())

    @functools.cached_property
    def shares(self) -> Array:
        """What is left of the first J − J* at each step, shape ``(STEPS + 1,)``."""
        gap = self.values - (self.J.minimum or 0.0)
        return gap / gap[0]

    @functools.cached_property
    def last(self) -> float:
        """The last J − J*, or J if J* is not known, without the digits in which machines differ."""
        if self.J.minimum is None:
            return rounded(float(self.values[-1]), 6)
        left = float(self.shares[-1])
        return rounded(left * (float(self.values[0]) - self.J.minimum), 6) * (left > NEGLIGIBLE)

    @property
    def score(self) -> tuple[bool, bool, float]:
        """What is to be as little as possible.

        Of landscapes without a known bottom it is the box that is explored.
        """
        outside = self.J.minimum is None and not self.inside
        return self.lost is not None, outside, self.last

    @property
    def end(self) -> str:
        """How it ended."""
        if self.lost is not None:
            w, domain = self.w[self.lost], self.J.domain
            gone = domain is not None and np.isfinite(w).all() and not domain(w)
            return f"{'left the domain' if gone else 'diverged'} at step {self.lost}"
        name = "J" if self.J.minimum is None else "J\u00a0−\u00a0J*"
        value = f"{name}{EQUALS}{number(rounded(self.last, 2))}"
        return value if self.inside or len(self.J.box) > 2 else f"{value}, outside the picture"


def runs(kind: type[Rule], J: Function) -> list[Run]:
    """The runs with all candidates, the largest first; one run where nothing is to be chosen."""
    rule = prepared(kind, J)
    path = descend(J, start_of(J)[:, None], rule, STEPS)
    values = path.J
    tried = {name: x for name, x in rule.rates().items() if isinstance(x, np.ndarray)}
    shown = tuple(name for name in rule.rates() if name in {*tried, "J_star"})

    def one(k: int) -> Run:
        single = dataclasses.replace(rule, **{name: x[k] for name, x in tried.items()})
        return Run(J, single, path.w[:, :, k], values[:, k], shown)

    return [one(k) for k in range(path.w.shape[2])]


@functools.cache
def best(name: str, J: Function) -> Run:
    """The run with the lowest last value; of equal ones the one of the largest size."""
    return min(runs(RULES[name], J), key=lambda run: run.score)


# --------------------------------------------------------------------------------- pictures


class Scene(NamedTuple):
    """What is behind the paths on a landscape; a unit is half a pixel."""

    width: int
    height: int
    backdrop: str
    place: Callable[[Run], Array]
    about: str


def seen_from_above(J: Function) -> Scene:
    """The contours of a landscape of the plane, or the curve of one of the line."""
    frame = Frame.of(J, tuple(J.box), WIDTH + Frame.left + Frame.right)
    if len(J.box) == 2:
        chosen = [float(f"{level:.10g}") for level in levels(J, J.box, count=9)]
        drawn = svg.contours(frame.values, chosen)
    else:
        drawn = frame.backdrop()

    def pixels(w: Array) -> Array:
        with np.errstate(all="ignore"):
            return 2 * frame.pixels(frame.place(w))

    minimisers = [np.broadcast_to(p, len(J.box)).astype(float) for p in J.minimisers]
    marks = "".join(cross(*pixels(w)) for w in minimisers)
    x, y = pixels(start_of(J))
    return Scene(
        2 * frame.width,
        2 * frame.height,
        f'<g transform="scale(2)">{drawn}</g><path class="gallery-minimisers" d="{marks}"/>'
        f'<circle class="gallery-start" cx="{x:g}" cy="{y:g}" r="8"/>',
        lambda run: pixels(run.w),
        f"{'contours' if len(J.box) == 2 else 'curve'} and path",
    )


def against_t(J: Function) -> Scene:
    """J − J* against the step t, by decades: where there are more coordinates than paper has."""
    width, height = 2 * WIDTH, 2 * WIDTH * 3 // 4
    decade = height // (DECADES + 1)
    lines = "".join(f"M0 {(k + 1) * decade}h{width}" for k in range(DECADES))

    def place(run: Run) -> Array:
        with np.errstate(all="ignore"):
            down = 1 - np.log10(np.maximum(run.shares, NEGLIGIBLE))
        return np.round(np.stack([np.linspace(0, width, len(down)), decade * down], axis=1))

    return Scene(
        width, height, f'<path class="gallery-decades" d="{lines}"/>', place, "J − J* against t"
    )


def cross(x: float, y: float) -> str:
    return f"M{x - 7:g} {y - 7:g}l14 14m-14 0l14-14"


@functools.cache
def scene(J: Function) -> Scene:
    return seen_from_above(J) if len(J.box) <= 2 else against_t(J)


def visible(on: Scene, run: Run) -> Array:
    """Where the path goes, in whole units, up to where it is lost.

    What is very far out is drawn nearer in the same direction, seen from the middle.
    """
    points = on.place(run)[: run.lost]
    middle = np.array([on.width, on.height]) / 2
    reach = np.abs(points - middle).max(axis=1, keepdims=True) / 5000
    return np.round(middle + (points - middle) / np.maximum(1, reach)).astype(np.int64)


def moves(points: Array) -> list[str]:
    return [f"{x} {y}" for x, y in np.diff(points, axis=0).tolist()]


def line(points: Array) -> str:
    """Path data through whole points."""
    x, y = points[0]
    return f"M{x} {y}l{' '.join(moves(points))}".replace(" -", "-")


def dots(points: Array) -> str:
    """Path data of a dot at each of whole points."""
    x, y = points[0]
    return f"M{x} {y}h0{''.join(f'm{move}h0' for move in moves(points))}".replace(" -", "-")


def drawing(run: Run) -> str:
    """The path, a dot where a step that can be seen has led, and the end."""
    on = scene(run.J)
    points = visible(on, run)
    long = np.abs(np.diff(points, axis=0)).max(axis=1) >= 8
    here = ((points >= 0) & (points <= (on.width, on.height))).all(axis=1)[1:]
    seen = points[1:][long & here]
    dotted = f'<path class="d" d="{dots(seen)}"/>' if len(seen) else ""
    path = line(svg.simplify(points, 1))
    return f'<path d="{path}"/>{dotted}<path class="e" d="{dots(points[-1:])}"/>'


def told(run: Run) -> str:
    """The hyper-parameters in words."""
    rates = run.rule.rates()
    return ", ".join(f"{letter(name)}{EQUALS}{number(rates[name])}" for name in run.shown)


def alternative(run: Run) -> str:
    """What is seen, in words."""
    name = f"{type(run.rule).__name__} on {run.J.name}: {scene(run.J).about}"
    if run.lost is not None:
        return f"{name}, {run.end}."
    if len(run.J.box) > 2:
        return f"{name}, {STEPS} steps."
    last = point([rounded(x, 2) for x in run.w[-1]])
    return f"{name}, {STEPS} steps, from {point(start_of(run.J).tolist())} to {last}."


def name_of(J: Function) -> str:
    """The name of a landscape as the name of a place."""
    return re.sub(r"\W+", "-", J.name).strip("-")


def page_of(J: Function) -> str:
    """The page of a landscape's section: all on one would be too much for a telephone."""
    if len(J.box) != 2:
        return "gallery_line"
    convex = J.mu is not None and J.mu >= 0
    return "gallery_convex" if convex else "gallery_plane"


def figure(name: str, J: Function) -> str:
    """A picture with the rule's name, its hyper-parameters and its end; or why there is none."""
    place = f"{name_of(J)}-{name}"
    title = f'<a href="library_rules.html#normgd.{name}">{name.replace("_", "_<wbr/>")}</a>'
    try:
        run = best(name, J)
    except Unfit as why:
        return f'<figure id="{place}"><figcaption>{title}<br/>{why}</figcaption></figure>\n'
    on = scene(J)
    return (
        f'<figure id="{place}" style="--hue:{style(run.rule)["color"]}">'
        f'<svg viewBox="0 0 {on.width} {on.height}" role="img" '
        f'aria-label="{escape(alternative(run))}"><use href="#on-{name_of(J)}"/>{drawing(run)}'
        f"</svg><figcaption>{title}<br/>{told(run)}<br/>{run.end}</figcaption></figure>\n"
    )


def pictures(J: Function) -> str:
    """The pictures of all rules on a landscape."""
    figures = "".join(figure(name, J) for name in RULES)
    return (
        '<svg class="gallery-unseen" aria-hidden="true"><defs>'
        f'<g id="on-{name_of(J)}">{scene(J).backdrop}</g></defs></svg>\n'
        f'<div class="gallery">\n{figures}</div>'
    )


# ------------------------------------------------------------------------------------ words


@functools.cache
def documented() -> dict[tuple[str, str], list[str]]:
    return ModuleAnalyzer.for_module(functions.__name__).find_attr_docs()


def formula(J: Function) -> str:
    """What the library says of a landscape in its first sentence, as Markdown."""
    home = J.name.partition("(")[0]
    thing = getattr(functions, home)
    doc = (
        "\n".join(documented()["", home]) if isinstance(thing, Function) else inspect.getdoc(thing)
    )
    first = " ".join((doc or "").partition("\n\n")[0].split()).removeprefix("Return ")
    return re.sub(r":math:`([^`]*)`", r"$\1$", first[0].upper() + first[1:])


def facts(J: Function) -> str:
    """The minimisers, the infimum and the start, as Markdown."""
    found = ", ".join(point([rounded(x, 4) for x in p]) for p in J.minimisers)
    if len(J.minimisers) > 1:
        known = f"Minimisers {found}"
    elif found:
        known = f"Minimiser {found}" + (
            "" if J.dim == len(J.minimisers[0]) else " in each coordinate"
        )
    else:
        known = "No minimiser is known"
    lowest = "" if J.minimum is None else f", J\\*{EQUALS}{number(J.minimum)}"
    first = f"J{EQUALS}{number(rounded(float(J(start_of(J))), 3))}"
    return (
        f"[`{landscape_code(J)}`](#normgd.functions.{J.name.partition('(')[0]}). "
        f"{known}{lowest}. Start {point(start_of(J).tolist())}, where {first}."
    )


# ----------------------------------------------------------------------------------- on a page


def gained(name: str, J: Function) -> str:
    """How many whole decades of J − J* a rule has gained; × if it was lost, – if it cannot run."""
    try:
        run = best(name, J)
    except Unfit:
        return "–"
    if run.lost is not None:
        return "×"
    share = max(float(run.shares[-1]), NEGLIGIBLE)
    return str(max(0, math.floor(-math.log10(share) + 1e-9)))


def table() -> str:
    """The decades gained by each rule on each landscape."""

    def cell(text: str) -> str:
        shade = f' style="--gained:{text}"' if text.isdigit() else ""
        return f"<td{shade}>{text}</td>"

    head = "".join(f'<th scope="col"><span>{name}</span></th>' for name in RULES)
    body = ""
    for J in LANDSCAPES.values():
        link = f'<a href="{page_of(J)}.html#{name_of(J)}">{J.name}</a>'
        if J.minimum is None:
            cells = f'<td colspan="{len(RULES)}">J* is not known</td>'
        else:
            cells = "".join(cell(gained(name, J)) for name in RULES)
        body += f'<tr><th scope="row">{link}</th>{cells}</tr>\n'
    return (
        '<div class="pst-scrollable-table-container gallery-table"><table>\n'
        f"<thead><tr><td></td>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>"
    )


def raw(html: str) -> nodes.raw:
    return nodes.raw("", html, format="html")


class Table(SphinxDirective):
    """`{gallery-table}`: every rule on every landscape, in numbers."""

    def run(self) -> list[nodes.Node]:
        return [raw(table())]


class Gallery(SphinxDirective):
    """`{gallery}`: a section for each landscape of this page, a picture for each rule."""

    def run(self) -> list[nodes.Node]:
        page = Path(self.env.docname).name
        return [self.section(J) for J in LANDSCAPES.values() if page_of(J) == page]

    def section(self, J: Function) -> nodes.section:
        section = nodes.section("", nodes.title("", J.name), ids=[name_of(J)], names=[name_of(J)])
        lines = StringList([formula(J), "", facts(J)], self.get_source_info()[0])
        self.state.nested_parse(lines, self.content_offset, section)
        section += raw(pictures(J))
        return section


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("gallery", Gallery)
    app.add_directive("gallery-table", Table)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
