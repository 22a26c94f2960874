r"""The explorer: a landscape, a start to drag, and rules that race down from it.

>>> from normgd import functions, gd, ngd
>>> explore(functions.rosenbrock, gd(alpha=0.001), ngd(eta=0.05), steps=500)
explore(rosenbrock, gd(alpha=0.001), ngd(eta=0.05), start=(-1.5, 2.0), steps=500)

A landscape of two coordinates is seen from above, one of a single coordinate as its curve.

One object serves every reader.  Its ``text/html`` is a labelled picture with its data beside it: a
page needs only the script of ``normgd/front`` to bring it to life, and paper needs nothing.  In
a live notebook it is a widget as well, and what the reader drags is what Python reads.  Either way
the page iterates the formulas of :mod:`normgd.pixels`, which are the library's own, and the picture
is drawn here.  What has no formula, such as a rule that branches on values, Python computes: it
follows the hand in a live notebook, and on a page it is a still that says so.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import itertools
import json
import math
import os
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from . import front, functions, rules, schedules
from .formula import formula
from .front.mathml import mathml
from .functions import Function, _real, as_function
from .ops import whole
from .path import Path, _start, descend
from .pixels import _name_rates, javascript, javascript_value
from .plot import levels, style
from .rule import LETTERS, Chain, Letter, Rule, _show, as_rule
from .symbols import JAVASCRIPT_PRELUDE

Interval = tuple[float, float]
Box = tuple[Interval, ...]

MOST_STEPS = 10_000
MOST_ZOOM = 1e6
STATE = ("start", "rates", "steps", "shown", "t", "cobweb", "zoom")


def explore(
    J: Any, *rules: Any, start: Any = None, steps: int = 100, box: Any = None, width: int = 440
) -> Explorer:
    r"""Show a landscape with the paths of rules, to be dragged, slid and raced.

    Parameters
    ----------
    J : Function or callable
        A landscape of one or two coordinates: if its formula serves for any number of them, one if
        the start is a number or the box is one pair, and otherwise two.
    *rules : Rule or callable
        The rules to race, such as ``gd(alpha=0.001), ngd(eta=0.05)``.  Each hyper-parameter that
        is a number gets a slider.
    start : float or sequence of 1 or 2 floats, optional
        Where the paths start.
    steps : int
        How many steps are made, at most 10000.  With a schedule that is no formula of + − × ÷ and
        roots, the steps cannot be raised later.
    box : pair or sequence of 2 pairs, optional
        The interval of each coordinate that is shown; the landscape's own if not given.
    width : int
        The width of the picture in pixels, where there is room.

    Returns
    -------
    Explorer
        What a notebook shows.  Its ``start``, ``rates``, ``steps``, ``shown``, ``t``, ``cobweb``
        and ``zoom`` follow the reader's hand in a live notebook and can be set; ``rules`` and
        ``paths`` are computed from them by the library.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If J has more than two coordinates, if there is no rule, if a hyper-parameter is an array,
        or if the start is outside the box.
    """
    return Explorer(J, rules, start, steps, box, width)


# -------------------------------------------------------------------------- lines and colours

DASHES = {"-": "", "--": "7 4", "-.": "9 3 2 3", ":": "2 3"}
MARKERS = {
    "o": "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z",
    "s": "M-4-4h8v8h-8z",
    "^": "M0-5.5 5 4H-5z",
    "v": "M0 5.5 5-4H-5z",
    "D": "M0-5.5 5.5 0 0 5.5-5.5 0z",
    "x": "M-3-5 0-2 3-5 5-3 2 0 5 3 3 5 0 2-3 5-5 3-2 0-5-3z",
}


@dataclass(frozen=True)
class _Line:
    """How a rule's path is drawn."""

    color: str
    dash: str
    marker: str

    def group(self, content: str) -> str:
        """Wrap SVG elements whose colour the style sheet may lighten on a dark page."""
        return f'<g class="normgd-rule" style="--hue:{self.color}">{content}</g>'

    def stroke(self, data: str, **more: str) -> str:
        attributes = "".join(f' {name}="{escape(value)}"' for name, value in more.items())
        dash = f' stroke-dasharray="{self.dash}"' if self.dash else ""
        return (
            f'<path class="normgd-path"{attributes} d="{data}" fill="none" stroke="{self.color}" '
            f'stroke-width="2" stroke-linejoin="round"{dash}/>'
        )

    def mark(self, place: str) -> str:
        return f'<path class="normgd-mark" d="{self.marker}" fill="{self.color}" {place}/>'

    def swatch(self) -> str:
        sample = self.stroke("M0 8h36") + self.mark('transform="translate(18 8)"')
        return f'<svg width="36" height="16" aria-hidden="true">{self.group(sample)}</svg>'


def _lines(rules: Sequence[Rule]) -> list[_Line]:
    """Give each rule its colour, dashes and marker; two of one colour get distinct dashes."""
    lines, used = [], set()
    for rule in rules:
        look = style(rule)
        wanted = [DASHES.get(look["linestyle"], ""), *DASHES.values()]
        dash = next((d for d in wanted if (look["color"], d) not in used), wanted[0])
        used.add((look["color"], dash))
        lines.append(_Line(look["color"], dash, MARKERS.get(look["marker"], MARKERS["o"])))
    return lines


# -------------------------------------------------------------------------------- the picture


@dataclass(frozen=True)
class _Frame(ABC):
    """What is shown of a landscape, and its size in pixels within the axes' labels."""

    J: Function
    box: Box
    width: int

    kind: ClassVar[str]
    about: ClassVar[str]
    names: ClassVar[tuple[str, str]]
    left: ClassVar[int] = 44
    right: ClassVar[int] = 12
    top: ClassVar[int] = 12
    bottom: ClassVar[int] = 40

    @property
    @abstractmethod
    def window(self) -> Box:
        """The two intervals that the picture shows."""

    @property
    @abstractmethod
    def height(self) -> int:
        """The height in pixels."""

    @abstractmethod
    def place(self, w: np.ndarray) -> np.ndarray:
        """Return where points of shape (..., d) are in the window, shape (..., 2)."""

    @abstractmethod
    def legs(self, points: np.ndarray) -> str:
        """Draw the steps between points in pixels."""

    @abstractmethod
    def backdrop(self) -> str:
        """Draw the landscape."""

    @classmethod
    def of(cls, J: Function, box: Box, outer_width: int) -> _Frame:
        scene: type[_Frame] = _Plane if len(box) == 2 else _Curve
        return scene(J, box, (outer_width - scene.left - scene.right) // 4 * 4)

    def pixels(self, points: Any) -> np.ndarray:
        """Return points of shape (..., 2) in pixels from the upper left corner of the frame.

        They are rounded to half pixels: what differs in a last digit between two machines stays
        out of the page.
        """
        (left, right), (bottom, top) = self.window
        x, y = np.moveaxis(np.asarray(points, dtype=float), -1, 0)
        across, down = (x - left) / (right - left), (top - y) / (top - bottom)
        return np.round(2 * np.stack([across * self.width, down * self.height], axis=-1)) / 2

    def holds(self, w: Sequence[float]) -> bool:
        return all(low <= x <= high for x, (low, high) in zip(w, self.box, strict=True))

    @functools.cached_property
    def values(self) -> np.ndarray:
        """J at every second pixel; in the plane rows from the top down."""
        (left, right), *others = self.box
        axes = [np.linspace(left, right, self.width // 2 + 1)]
        axes += [np.linspace(high, low, self.height // 2 + 1) for low, high in others]
        with np.errstate(all="ignore"):
            values = self.J.value(np.stack(np.meshgrid(*axes)))
        if not np.isfinite(values).any():
            raise ValueError(f"{self.J.name} must be finite somewhere in the box {self.box}")
        return values

    @functools.cached_property
    def range(self) -> Interval:
        """The least and the greatest finite value."""
        finite = self.values[np.isfinite(self.values)]
        return float(finite.min()), float(finite.max())


class _Plane(_Frame):
    """A landscape of two coordinates, from above."""

    kind, about, names = "plane", "contours and paths", ("w₁", "w₂")

    @property
    def window(self) -> Box:
        return self.box

    @property
    def height(self) -> int:
        # The scales are equal, so that directions look right, unless the picture were a strip.
        (left, right), (bottom, top) = self.box
        return round(self.width * min(1.25, max(0.5, (top - bottom) / (right - left))) / 4) * 4

    def place(self, w: np.ndarray) -> np.ndarray:
        return w

    def legs(self, points: np.ndarray) -> str:
        return "M" + " ".join(f"{x:g} {y:g}" for x, y in points)

    def backdrop(self) -> str:
        chosen = levels(self.J, self.box, count=15)
        # No level may hang on a last digit; and 0 is 0.
        near_zero = 1e-9 * np.abs(chosen).max()
        return _contours(
            self.values, [0.0 if abs(x) < near_zero else float(f"{x:.10g}") for x in chosen]
        )


class _Curve(_Frame):
    """A landscape of one coordinate: its curve, on which a path hops."""

    kind, about, names = "line", "curve and paths", ("w", "J(w)")
    left, top = 52, 30

    @functools.cached_property
    def window(self) -> Box:
        low, high = self.range
        room = (high - low) / 16 or 1.0
        # Below the curve there is room for the lines from a cycle's points down to the axis.
        return *self.box, (float(f"{low - 3 * room:.3g}"), float(f"{high + room:.3g}"))

    @property
    def height(self) -> int:
        return round(self.width * 0.18) * 4

    def place(self, w: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.stack([w[..., 0], self.J.value(np.moveaxis(w, -1, 0))], axis=-1)

    def legs(self, points: np.ndarray) -> str:
        """Draw each step as a hop: along the curve, the steps to and fro would hide one another."""
        data = "M" + " ".join(f"{x:g} {y:g}" for x, y in points[:1])
        for (x0, y0), (x, y) in itertools.pairwise(points):
            data += f"Q{(x0 + x) / 2:g} {(y0 + y) / 2 - abs(x - x0) / 3:.1f} {x:g} {y:g}"
        return data

    def backdrop(self) -> str:
        x = np.linspace(*self.box[0], len(self.values))
        points = self.pixels(np.stack([x, self.values], axis=-1))
        known = np.isfinite(points).all(axis=1)
        data = ""
        for first, last in _runs(known):
            # In quarters of a pixel, as the contours are.
            piece = np.clip(np.round(4 * points[first:last]), -1e6, 1e6).astype(np.int64)
            if len(piece) > 1:
                data += "M" + "L".join(f"{a} {b}" for a, b in _simplify(piece, tolerance=0.6))
        return (
            f'<g class="normgd-contours" transform="scale(.25)"><path d="{data}" fill="none" '
            'stroke="currentColor" stroke-opacity=".55" stroke-width="6" '
            'stroke-linejoin="round"/></g>'
        )


def _runs(known: np.ndarray) -> list[tuple[int, int]]:
    """Return the first and one past the last index of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _simplify(line: np.ndarray, tolerance: float) -> np.ndarray:
    """Drop the points that lie within the tolerance of the line through the others.

    Douglas, Peucker, Cartographica 10 (1973) 112-122.  The points are whole numbers, so the
    choice is the same on every machine.
    """
    keep = np.zeros(len(line), dtype=bool)
    keep[[0, -1]] = True
    pieces = [(0, len(line) - 1)]
    while pieces:
        first, last = pieces.pop()
        chord, offset = line[last] - line[first], line[first + 1 : last] - line[first]
        if not len(offset):
            continue
        length = int(chord @ chord)
        if length:
            distance = (offset[:, 0] * chord[1] - offset[:, 1] * chord[0]) ** 2
        else:  # the ends of a closed curve
            distance, length = (offset**2).sum(axis=1), 1
        farthest = int(np.argmax(distance))
        if distance[farthest] > tolerance**2 * length:
            middle = first + 1 + farthest
            keep[middle] = True
            pieces += [(first, middle), (middle, last)]
    return line[keep]


def _contours(values: np.ndarray, levels: Sequence[float]) -> str:
    """Draw the contours of a grid, one node every second pixel."""
    try:
        from contourpy import contour_generator
    except ImportError as error:
        raise ImportError("the explorer needs contourpy, which comes with Matplotlib") from error

    # In quarters of a pixel, so that a point on an edge of the grid is whole in one direction and
    # rounding the other hardly ever hangs on a last digit.
    x, y = (8 * np.arange(n) for n in reversed(values.shape))
    generator: Any = contour_generator(x, y, np.ma.masked_invalid(values))
    paths = []
    for level in levels:
        data = ""
        for line in generator.lines(level):
            points = _simplify(np.round(line).astype(np.int64), tolerance=1.2)
            if len(points) > 2:
                steps = " ".join(f"{x} {y}" for x, y in np.diff(points, axis=0).tolist())
                data += f"M{points[0, 0]} {points[0, 1]}l{steps}".replace(" -", "-")
        if data:
            paths.append(f'<path d="{data}"/>')
    return (
        '<g class="normgd-contours" transform="scale(.25)" fill="none" stroke="currentColor" '
        f'stroke-opacity=".3" stroke-width="4" stroke-linejoin="round">{"".join(paths)}</g>'
    )


def _ticks(low: float, high: float, most: int = 6) -> list[str]:
    """Return at most so many round numbers between low and high, as text."""
    least = (high - low) / most
    power = 10.0 ** math.floor(math.log10(least))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= least * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [f"{k * step:.10g}" for k in range(first, last + 1)]


def _minus(number: str) -> str:
    return number.replace("-", "−")


def _label(x: float, y: float, anchor: str, text: str, name: bool = False) -> str:
    look = ' class="normgd-name" font-size="15"' if name else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{look}>{_minus(text)} </text>'


def _axes(frame: _Frame) -> str:
    """Draw the frame, its ticks and their labels.

    Where a host strips SVG it leaves the words; spaces and their order keep those readable.
    """
    (left, right), (bottom, top) = frame.window
    foot = frame.top + frame.height
    lines = f"M{frame.left} {frame.top}h{frame.width}v{frame.height}h-{frame.width}z"
    name, other = frame.names
    across = _label(frame.left + frame.width / 2, foot + 36, "middle", name, name=True)
    if frame.kind == "plane":
        up = _label(10, frame.top + frame.height / 2, "middle", other, name=True)
    else:
        up = _label(2, 16, "start", other, name=True)
    for tick in _ticks(left, right):
        x = frame.left + frame.pixels((float(tick), bottom))[0]
        lines += f"M{x:g} {foot}v5"
        across += _label(x, foot + 19, "middle", tick)
    for tick in _ticks(bottom, top):
        y = frame.top + frame.pixels((left, float(tick)))[1]
        lines += f"M{frame.left} {y:g}h-5"
        up += _label(frame.left - 9, y + 4.5, "end", tick)
    return (
        f'<path class="normgd-axes" d="{lines}" fill="none" stroke="currentColor" '
        f'stroke-opacity=".6"/>{across}{up}'
    )


def _drawn(frame: _Frame, line: _Line, label: str, path: Path) -> str:
    """Draw a path: the line, a dot after each step that is long enough to be seen, its end."""
    places = frame.place(path.w)
    seen = np.isfinite(path.w).all(axis=1) & ~np.isnan(places).any(axis=1)
    places = places if seen.all() else places[: int(np.argmin(seen))]
    with np.errstate(over="ignore"):
        points = np.clip(frame.pixels(places), -1e7, 1e7)
    reach = np.abs(points).max(axis=1) / (20 * (frame.width + frame.height))
    if (reach > 1).any():  # the last leg leads out of the picture, and not farther than need be
        out = int(np.argmax(reach > 1))
        leg = (points[out] - points[out - 1]) / reach[out]
        points = np.vstack([points[:out], np.round(points[out - 1] + leg)])
    points = points[[True, *np.any(np.diff(points, axis=0) != 0, axis=1)]]
    data = frame.legs(points)
    long = np.abs(np.diff(points, axis=0)).max(axis=1, initial=0) >= 7
    dots = "".join(f"M{x:g} {y:g}h0" for x, y in points[1:][long])
    x, y = points[-1]
    return line.group(
        line.stroke(data.replace(" -", "-"), **{"data-rule": label})
        + f'<path class="normgd-dots" d="{dots}" stroke="{line.color}" stroke-width="4.5" '
        'stroke-linecap="round" fill="none"/>' + line.mark(f'transform="translate({x:g} {y:g})"')
    )


# ------------------------------------------------------------------------------- the controls

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "eps": "ε", "eta": "η", "lam": "λ",
    "mu": "μ", "nu": "ν", "rho": "ρ", "sigma": "σ", "tau": "τ", "theta": "θ",
    # As in the formulas, where a name stands for a letter.
    "eps_root": "ε₀", "shrink": "τ", "grow": "τ₊", "decay": "λ", "warmup": "ω", "at_zero": "γ₀",
    "J_star": "J*", "r_eps": "rε",
}  # fmt: skip
SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def _control(name: str, value: float) -> dict[str, Any]:
    """Describe the slider of a hyper-parameter; in a chain its name ends with the link's number."""
    field = re.sub(r"_\d+$", "", name)
    known = LETTERS.get(field, Letter("", "", field, -math.inf, math.inf))
    if math.isfinite(known.highest):
        top = known.highest - 0.01 if known.open_end else known.highest
        scale = {"low": known.lowest, "high": max(top, value)}
    elif known.lowest > 0:
        scale = {"low": known.lowest, "high": max(4 * known.lowest, 2 * value)}
    elif value > 0 or known.lowest == 0:
        scale = {"middle": value or 0.01}  # two decades to either side, and at the far left 0
    else:
        scale = {"low": 3 * value - 1, "high": 1 - value}
    word = field.rstrip("0123456789")
    digits = field[len(word) :]
    letter = GREEK.get(word, word) + digits.translate(SUBSCRIPT)
    return {"name": name, "letter": letter, "meaning": known.meaning, **scale}


def _schedules(rule: Rule) -> str:
    """Tell the hyper-parameters that have no slider because they change with t."""
    if isinstance(rule, Chain):
        return ", ".join(filter(None, map(_schedules, rule.rules)))
    rates = rule.rates().items()
    scheduled = ((name, rate) for name, rate in rates if callable(rate))
    return ", ".join(f"{GREEK.get(name, name)} = {_show(rate)}" for name, rate in scheduled)


def _labels(rules: Sequence[Rule]) -> list[str]:
    """Name the rules by their kind, numbered where a kind comes twice."""

    def kind(rule: Rule) -> str:
        if isinstance(rule, Chain):
            return " >> ".join(map(kind, rule.rules))
        return type(rule).__name__.replace("<lambda>", "rule")

    kinds = [kind(rule) for rule in rules]
    count, seen = Counter(kinds), Counter[str]()
    labels = []
    for name in kinds:
        seen[name] += 1
        labels.append(f"{name} {seen[name]}" if count[name] > 1 else name)
    return labels


def _with_rates(rule: Rule, rates: dict[str, float]) -> Rule:
    """Return the rule with these hyper-parameters, named as in its JavaScript."""
    if isinstance(rule, Chain):
        links = []
        for i, link in enumerate(rule.rules):
            own = {k.removesuffix(f"_{i}"): v for k, v in rates.items() if k.endswith(f"_{i}")}
            links.append(_with_rates(link, own))
        return Chain(tuple(links))
    return replace(rule, **rates) if rates else rule


def _dimension(J: Function, box: Any, start: Any) -> int:
    """Return the number of coordinates that are explored."""
    if J.dim is None:
        one_pair = np.iterable(box) and (len(list(box)) == 1 or not any(map(np.iterable, box)))
        one_start = start is not None and (not np.iterable(start) or len(list(start)) == 1)
        return 1 if one_pair or one_start else 2
    if J.dim > 2:
        raise ValueError(f"J must have 1 or 2 coordinates; {J.name} has {J.dim}")
    return J.dim


def _box(J: Function, box: Any, start: Any) -> Box:
    d = _dimension(J, box, start)
    if box is None:
        box = J.box[:d]
        if not box:  # a plain function of w: somewhere round the origin
            reach = 2.0
            if start is not None:
                reach = max(
                    reach,
                    *(1.25 * abs(x) for x in J.check_point(np.atleast_1d(start), "start").flat),
                )
            box = ((-reach, reach),) * d
    wanted = "two pairs ((low, high), (low, high))" if d == 2 else "a pair (low, high)"
    try:
        pairs = (box,) if d == 1 and not any(map(np.iterable, box)) else tuple(box)
        pairs = tuple((low, high) for low, high in pairs)
    except (TypeError, ValueError) as error:
        raise TypeError(f"box must be {wanted}; got {box!r}") from error
    if len(pairs) != d:
        raise TypeError(f"box must be {wanted}; got {box!r}")
    pairs = tuple((_real(low, "box"), _real(high, "box")) for low, high in pairs)
    if not all(low < high for low, high in pairs):
        raise ValueError(f"box must have low < high; got {box!r}")
    return pairs


# -------------------------------------------------------------------------- the code to copy


def _landscape_code(J: Function) -> str:
    """Return J as Python code, or the name ``J`` if no short expression imports it."""
    if getattr(functions, J.name, None) is J:
        return f"ng.functions.{J.name}"
    if J._made_by is None:
        return "J"
    make, inputs = J._made_by
    values = [*map(repr, inputs), *(f"{name}={value!r}" for name, value in make.keywords.items())]
    code = f"{make.func.__name__}({', '.join(values)})"
    try:
        for value in (*inputs, *make.keywords.values()):
            ast.literal_eval(repr(value))
    except (SyntaxError, ValueError):  # arrays, say
        return "J"
    return f"ng.functions.{code}" if len(code) < 100 else "J"


def _formula(rule: Rule) -> list[str]:
    """Return a rule's formula as MathML, an equation each; nothing if it has none."""
    try:
        return [mathml(line) for line in formula(rule).lines]
    except TypeError:
        return []


def _rule_code(rule: Rule, suffix: str = "") -> str:
    """Return a rule as Python code, with ``{eta}`` where a slider's number belongs."""
    if isinstance(rule, Chain):
        return " >> ".join(_rule_code(link, f"_{i}") for i, link in enumerate(rule.rules))
    name = type(rule).__name__
    if type(rule).__module__ == as_rule.__module__:  # a plain function
        return name.replace("<lambda>", "rule")
    values = []
    for field, value in rule._fields().items():
        if isinstance(value, float) and field in rule.rates():
            text = f"{{{field}{suffix}}}"
        elif type(value).__module__ == schedules.__name__:
            text = re.sub(r"\b[a-z_]+\(", r"ng.schedules.\g<0>", repr(value))
        else:
            text = _show(value)
        values.append(f"{field}={text}")
    code = f"{name}({', '.join(values)})"
    return f"ng.{code}" if getattr(rules, name, None) is type(rule) else code


# ----------------------------------------------------------------------- what Python computes


def _reason(error: TypeError) -> str:
    """Return what tracing stumbled on."""
    return str(error.__cause__ or error).rstrip(".")


def _digits(values: np.ndarray) -> Any:
    """Return numbers for JSON, without the digits in which machines differ; None for no number."""
    return [None if not np.isfinite(x) else float(f"{x:.10g}") for x in values.tolist()]


def _run(path: Path) -> dict[str, Any]:
    """Return a path as the page's own loop does: up to the first iterate that is not finite."""
    finite = np.isfinite(path.w).all(axis=1)
    n = len(finite) if finite.all() else int(np.argmin(finite))
    return {
        "path": [_digits(w) for w in path.w[:n]],
        "diverged": None if n == len(finite) else n,
        "J": _digits(path.J[:n]),
    }


# ------------------------------------------------------------------------------- the explorer


class Explorer:
    """A landscape, rules and a start, to be seen and moved.  Made by :func:`explore`.

    Attributes
    ----------
    start : list of 1 or 2 floats
        Where the paths start.
    rates : dict
        The hyper-parameters of each rule by its label: ``{"ngd": {"eta": 0.05}}``.  Setting some
        of them leaves the others as they are.
    steps : int
        How many steps are made.
    shown : list of str
        The labels of the rules whose paths are shown.
    t : int or None
        The step up to which the paths are seen; None for all steps.
    cobweb : bool
        Whether a landscape of one coordinate is shown as the map from w to the next w.
    zoom : list of floats
        How many times the picture is enlarged, and the point in its middle.
    labels : list of str
        The labels of all rules.

    All but ``labels`` can be set, as a whole; in a live notebook they follow the reader's hand.
    """

    start: Any
    rates: Any
    steps: Any
    shown: Any
    t: Any
    cobweb: Any
    zoom: Any

    def __init__(
        self, J: Any, rules: Sequence[Any], start: Any, steps: Any, box: Any, width: Any
    ) -> None:
        self.J = J = as_function(J)
        if not rules:
            raise ValueError("rules must be at least one rule, such as ngd(eta=0.1); got none")
        self._rules = [as_rule(rule) for rule in rules]
        self.labels = _labels(self._rules)
        self._frame = _Frame.of(J, _box(J, box, start), whole("width", width, 200))
        if start is None:
            (left, right), *others = self._frame.box
            start = [left + (right - left) / 8, *(high - (high - low) / 4 for low, high in others)]
            start = [float(f"{x:.3g}") for x in start]
        self._most_steps = MOST_STEPS
        # The state lives here until there is a widget, and then in the widget.
        self._state: Any = SimpleNamespace(rates={})
        for name, rule in zip(self.labels, self._rules, strict=True):
            self._state.rates[name] = _name_rates(rule)[1]
        self.start, self.steps, self.shown = start, steps, self.labels
        self.t, self.cobweb = None, False
        self.zoom = [1, *((low + high) / 2 for low, high in self._frame.box)]
        self._initial = self._values()
        self._value, self._why = self._landscape()
        self._programs = [self._program(rule) for rule in self._rules]
        if any(program["tables"] for program in self._programs):
            self._most_steps = self.steps

    def _landscape(self) -> tuple[str | None, str]:
        """Return J as JavaScript, or say why there is none."""
        try:
            return javascript_value(self.J, len(self._frame.box)), ""
        except TypeError as error:
            try:
                self._frame.values  # noqa: B018
            except (TypeError, ValueError) as also:
                raise type(also)(
                    f"{self.J.name} must be written for many points at once, w of shape (d, "
                    f"*batch), with where from normgd.ops instead of if; {also}"
                ) from also
            return None, f"the code of {self.J.name} does not run on symbols: {_reason(error)}"

    def _program(self, rule: Rule) -> dict[str, Any]:
        """Return the rule on J as JavaScript, or say why there is none."""
        why = self._why
        if not why:
            try:
                return javascript(rule, self.J, len(self._frame.box), self.steps)
            except TypeError as error:
                why = f"its code does not run on symbols: {_reason(error)}"
        descend(self.J, self.start, rule, steps=1)  # or the rule does not run at all
        return {"step": None, "memory": 0, "rates": _name_rates(rule)[1], "tables": {}, "why": why}

    # --------------------------------------------------------------------------- the state

    def __setattr__(self, name: str, value: Any) -> None:
        if name in STATE:
            setattr(self._state, name, self._checked(name, value))
        else:
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if name in STATE:
            return getattr(self._state, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _values(self) -> dict[str, Any]:
        return {name: getattr(self._state, name) for name in STATE}

    def _checked(self, name: str, value: Any) -> Any:
        """Return a new value for the state, in the form in which it is kept."""
        if name == "start":
            w, d = _start(self.J, value, as_rule(lambda g: g)), len(self._frame.box)
            if w.shape != (d,):
                raise ValueError(f"start must be one point of {d} coordinates; got shape {w.shape}")
            if not self._frame.holds(w.tolist()):
                raise ValueError(f"start must lie in the box {self._frame.box}; got {value!r}")
            return w.tolist()
        if name == "steps":
            if (steps := whole("steps", value, 1)) > self._most_steps:
                raise ValueError(f"steps must be at most {self._most_steps}; got {steps}")
            return steps
        if name == "t":
            return None if value is None else whole("t", value, 0)
        if name == "cobweb":
            if value not in (True, False) or (value and len(self._frame.box) > 1):
                raise ValueError(f"cobweb must be False, or True on a line; got {value!r}")
            return bool(value)
        if name == "zoom":
            return self._checked_zoom(value)
        if name == "shown":
            if isinstance(value, str) or not set(value) <= set(self.labels):
                raise ValueError(f"shown must be labels out of {self.labels}; got {value!r}")
            return [label for label in self.labels if label in value]
        rates = {}
        if not isinstance(value, dict) or not value.keys() <= set(self.labels):
            raise ValueError(f"rates must be a dict with keys out of {self.labels}; got {value!r}")
        for label, rule in zip(self.labels, self._rules, strict=True):
            known, new = self._state.rates[label], value.get(label, {})
            if not isinstance(new, dict) or not new.keys() <= known.keys():
                raise ValueError(f"rates[{label!r}] must be a dict like {known}; got {new!r}")
            rates[label] = _name_rates(_with_rates(rule, {**known, **new}))[1]
            if rates[label].keys() != known.keys():
                raise TypeError(f"rates[{label!r}] must be numbers; got {new!r}")
        return rates

    def _checked_zoom(self, value: Any) -> list[float]:
        d = len(self._frame.box)
        if not np.iterable(value) or len(value := list(value)) != d + 1:
            raise TypeError(f"zoom must be a factor and a point of {d} coordinates; got {value!r}")
        factor, *centre = (_real(x, "zoom") for x in value)
        if not 1 <= factor <= MOST_ZOOM:
            raise ValueError(f"zoom must begin with 1 to {MOST_ZOOM:g}; got {factor:g}")
        if not self._frame.holds(centre):
            raise ValueError(f"zoom must have its point in the box {self._frame.box}; got {centre}")
        return [factor, *centre]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, with their present hyper-parameters."""
        pairs = zip(self._rules, self.labels, strict=True)
        return tuple(_with_rates(rule, self.rates[label]) for rule, label in pairs)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The path of each rule from the present start, computed by :func:`normgd.descend`."""
        return tuple(descend(self.J, self.start, rule, self.steps) for rule in self.rules)

    # ----------------------------------------------------------------------------- display

    def __repr__(self) -> str:
        rules = ", ".join(map(repr, self.rules))
        start = self.start[0] if len(self.start) == 1 else tuple(self.start)
        return f"explore({self.J.name}, {rules}, start={start}, steps={self.steps})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": repr(self), "text/html": self._html()}
        if not os.environ.get("NORMGD_STATIC") and importlib.util.find_spec("anywidget"):
            view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
            bundle["application/vnd.jupyter.widget-view+json"] = view
        return bundle

    @property
    def widget(self) -> Any:
        """The explorer as an ipywidgets widget, to be laid out beside others or observed."""
        if isinstance(self._state, SimpleNamespace):
            self._state = _widget_class()(self)
        return self._state

    @functools.cached_property
    def _minimisers(self) -> list[list[float]]:
        d = len(self._frame.box)
        return [[float(x) for x in np.broadcast_to(point, d)] for point in self.J.minimisers]

    @functools.cached_property
    def _backdrop(self) -> str:
        return self._frame.backdrop()

    @functools.cached_property
    def _plot(self) -> dict[str, Any]:
        """What the front end has to know and nobody changes."""
        frame = self._frame
        rules = []
        for label, rule, program in zip(self.labels, self._rules, self._programs, strict=True):
            controls = [_control(name, rate) for name, rate in program["rates"].items()]
            code = {name: program[name] for name in ("step", "memory", "tables")}
            shown = {"label": label, "controls": controls, "schedules": _schedules(rule)}
            read = {"formula": _formula(rule), "python": _rule_code(rule)}
            rules.append({**shown, **code, **read})
        return {
            "kind": frame.kind,
            "box": frame.box,
            "window": frame.window,
            "names": frame.names,
            "frame": [frame.left, frame.top, frame.width, frame.height],
            "range": [float(f"{x:.3g}") for x in frame.range],
            "log": bool(self._value and (self._minimisers or frame.range[0] >= 0)),
            "minimisers": self._minimisers,
            "prelude": JAVASCRIPT_PRELUDE,
            "value": self._value,
            "samples": [] if self._value or frame.kind == "plane" else _digits(frame.values),
            "most": {"steps": self._most_steps, "zoom": MOST_ZOOM},
            "python": _landscape_code(self.J),
            "rules": rules,
            "initial": self._initial,
        }

    @property
    def _computed(self) -> dict[str, Any]:
        """The paths that only Python can compute, by label, and what they are the paths of."""
        return {
            label: {
                "start": self.start,
                "rates": self.rates[label],
                "steps": self.steps,
                **_run(path),
            }
            for label, program, path in zip(self.labels, self._programs, self.paths, strict=True)
            if program["step"] is None
        }

    def _note(self, live: bool) -> str:
        """Tell which paths Python computes, and why."""
        told = ""
        reasons = dict(zip(self.labels, self._programs, strict=True))
        reasons = {label: program["why"] for label, program in reasons.items() if "why" in program}
        for why in dict.fromkeys(reasons.values()):
            names = ", ".join(label for label in reasons if reasons[label] == why)
            text = (
                f"{names}: computed by Python, because {why}."
                if live
                else f"{names}: a still. It moves in a live notebook only, where Python computes "
                f"it, because {why}."
            )
            told += f'<p class="normgd-note normgd-why">{escape(text)}</p>'
        return told

    def _picture(self, live: bool) -> str:
        """Draw everything that can be seen without a script."""
        frame, lines = self._frame, _lines(self._rules)
        width = frame.left + frame.width + frame.right
        height = frame.top + frame.height + frame.bottom
        rules = ", ".join(map(repr, self.rules))
        here = ", ".join(_minus(f"{x:.6g}") for x in self.start)
        here = f"({here})" if len(self.start) > 1 else here
        about = f"{self.steps} steps from {here} by {rules}."
        crosses = ""
        for point in filter(frame.holds, self._minimisers):
            x, y = frame.pixels(frame.place(np.array(point)))
            crosses += f"M{x - 5:g} {y - 5:g}l10 10m-10 0l10-10"
        paths = zip(lines, self.labels, self.paths, strict=True)
        x, y = frame.pixels(frame.place(np.array(self.start))) + np.array([frame.left, frame.top])
        key = "".join(
            f"<li>{line.swatch()} {escape(repr(rule))}</li>"
            for line, rule in zip(lines, self.rules, strict=True)
        )
        moves = live or any(program["step"] for program in self._programs)
        still = "" if moves else " normgd-still"
        return (
            f'<div class="normgd-body{still}"><div class="normgd-plane"><svg class="normgd-figure" '
            f'role="img" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'style="max-width:100%;height:auto" font-family="system-ui, sans-serif" '
            f'font-size="13" fill="currentColor">'
            f"<title>{escape(self.J.name)}: {frame.about}. </title>"
            f"<desc>{escape(about)} </desc>{_axes(frame)}"
            f'<svg x="{frame.left}" y="{frame.top}" width="{frame.width}" height="{frame.height}">'
            f"{self._backdrop}"
            f'<path class="normgd-minimisers" d="{crosses}" fill="none" stroke="currentColor" '
            f'stroke-width="2.5"/><g class="normgd-paths">'
            f"{''.join(_drawn(frame, *pair) for pair in paths)}</g></svg>"
            f'<g class="normgd-start" transform="translate({x:g} {y:g})" '
            f'data-w="{",".join(map(repr, self.start))}"><circle class="normgd-ring" r="14" '
            f'fill="none"/><circle class="normgd-knob" r="7" fill="#fff" stroke="#000" '
            f'stroke-width="3"/></g></svg>{self._note(live)}</div>'
            f'<ul class="normgd-key" style="list-style:none;padding:0">{key}</ul>'
            "</div>"
        )

    def _html(self) -> str:
        state = {**self._values(), "plot": self._plot, "computed": self._computed}
        data = json.dumps(state, ensure_ascii=False, separators=(",", ":"))
        data = data.replace("<", "\\u003c")  # or a string could end the script
        sliders = sum(len(program["rates"]) for program in self._programs if program["step"])
        return (
            f'<div class="normgd-explorer" data-normgd="{self._frame.kind}" '
            f'style="--rules:{len(self.labels)};--sliders:{sliders}">'
            f'<script type="application/json" class="normgd-state">{data}</script>'
            f"{self._picture(live=False)}</div>"
        )


@functools.cache
def _widget_class() -> type:
    """Make the class of the live explorer; the packages it needs are loaded only now."""
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise ImportError("a live explorer needs anywidget: pip install anywidget") from error

    class ExplorerWidget(anywidget.AnyWidget):
        _esm = front.script()
        _css = front.style()
        plot = traitlets.Dict().tag(sync=True)
        picture = traitlets.Unicode().tag(sync=True)
        live = traitlets.Bool(True).tag(sync=True)
        start: Any = traitlets.List().tag(sync=True)
        rates = traitlets.Dict().tag(sync=True)
        steps = traitlets.Int().tag(sync=True)
        shown: Any = traitlets.List().tag(sync=True)
        t: Any = traitlets.Int(allow_none=True).tag(sync=True)
        cobweb = traitlets.Bool().tag(sync=True)
        zoom: Any = traitlets.List().tag(sync=True)
        computed = traitlets.Dict().tag(sync=True)

        def __init__(self, explorer: Explorer) -> None:
            self.explorer = explorer
            super().__init__(
                plot=explorer._plot,
                picture=explorer._picture(live=True),
                computed=explorer._computed,
                **explorer._values(),
            )
            if self.computed:
                self.observe(self._compute, ["start", "rates", "steps"])

        def _compute(self, _: Any) -> None:
            # Front ends wait for the kernel and then send their last state: they do not pile up.
            self.computed = self.explorer._computed

        @traitlets.validate(*STATE)
        def _check(self, proposal: Any) -> Any:
            return self.explorer._checked(proposal.trait.name, proposal.value)

    return ExplorerWidget


__all__ = ["Explorer", "explore"]
