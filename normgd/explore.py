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

import functools
import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from .formula import formula
from .front import svg
from .front.mathml import mathml
from .front.shown import Shown, html, widget_class
from .front.words import field, labels, landscape_code, letter, rule_code, scheduled
from .functions import Function, _real, as_function
from .ops import whole
from .path import Path, _start, descend
from .pixels import _name_rates, javascript, javascript_value
from .plot import levels, style
from .rule import LETTERS, Chain, Letter, Rule, as_rule
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
class Line:
    """How a rule's path is drawn."""

    color: str
    dash: str
    marker: str

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
        return svg.swatch(svg.hued(self.color, sample))


def lines_of(rules: Sequence[Rule]) -> list[Line]:
    """Give each rule its colour, dashes and marker; two of one colour get distinct dashes."""
    lines, used = [], set()
    for rule in rules:
        look = style(rule)
        wanted = [DASHES.get(look["linestyle"], ""), *DASHES.values()]
        dash = next((d for d in wanted if (look["color"], d) not in used), wanted[0])
        used.add((look["color"], dash))
        lines.append(Line(look["color"], dash, MARKERS.get(look["marker"], MARKERS["o"])))
    return lines


# -------------------------------------------------------------------------------- the picture


@dataclass(frozen=True)
class Frame(ABC):
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
    def of(cls, J: Function, box: Box, outer_width: int) -> Frame:
        scene: type[Frame] = _Plane if len(box) == 2 else _Curve
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


class _Plane(Frame):
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
        return svg.contours(
            self.values, [0.0 if abs(x) < near_zero else float(f"{x:.10g}") for x in chosen]
        )


class _Curve(Frame):
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
        for first, last in svg.runs(known):
            # In quarters of a pixel, as the contours are.
            piece = np.clip(np.round(4 * points[first:last]), -1e6, 1e6).astype(np.int64)
            if len(piece) > 1:
                data += "M" + "L".join(f"{a} {b}" for a, b in svg.simplify(piece, tolerance=0.6))
        return (
            f'<g class="normgd-contours" transform="scale(.25)"><path d="{data}" fill="none" '
            'stroke="currentColor" stroke-opacity=".55" stroke-width="6" '
            'stroke-linejoin="round"/></g>'
        )


def _axes(frame: Frame) -> str:
    """Draw the frame, its ticks and their labels."""
    (left, right), (bottom, top) = frame.window
    foot = frame.top + frame.height
    lines = f"M{frame.left} {frame.top}h{frame.width}v{frame.height}h-{frame.width}z"
    name, other = frame.names
    across = svg.text(frame.left + frame.width / 2, foot + 36, "middle", name, name=True)
    if frame.kind == "plane":
        up = svg.text(10, frame.top + frame.height / 2, "middle", other, name=True)
    else:
        up = svg.text(2, 16, "start", other, name=True)
    for tick in svg.ticks(left, right):
        x = frame.left + frame.pixels((float(tick), bottom))[0]
        lines += f"M{x:g} {foot}v5"
        across += svg.text(x, foot + 19, "middle", tick)
    for tick in svg.ticks(bottom, top):
        y = frame.top + frame.pixels((left, float(tick)))[1]
        lines += f"M{frame.left} {y:g}h-5"
        up += svg.text(frame.left - 9, y + 4.5, "end", tick)
    return svg.axes(lines, across + up)


def _drawn(frame: Frame, line: Line, label: str, path: Path) -> str:
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
    return svg.hued(
        line.color,
        line.stroke(data.replace(" -", "-"), **{"data-rule": label})
        + f'<path class="normgd-dots" d="{dots}" stroke="{line.color}" stroke-width="4.5" '
        'stroke-linecap="round" fill="none"/>' + line.mark(f'transform="translate({x:g} {y:g})"'),
    )


# ------------------------------------------------------------------------------- the controls


def _control(name: str, value: float) -> dict[str, Any]:
    """Describe the slider of a hyper-parameter; in a chain its name ends with the link's number."""
    known = LETTERS.get(field(name), Letter("", "", field(name), -math.inf, math.inf))
    if math.isfinite(known.highest):
        top = known.highest - 0.01 if known.open_end else known.highest
        scale = {"low": known.lowest, "high": max(top, value)}
    elif known.lowest > 0:
        scale = {"low": known.lowest, "high": max(4 * known.lowest, 2 * value)}
    elif value > 0 or known.lowest == 0:
        scale = {"middle": value or 0.01}  # two decades to either side, and at the far left 0
    else:
        scale = {"low": 3 * value - 1, "high": 1 - value}
    return {"name": name, "letter": letter(name), "meaning": known.meaning, **scale}


def with_rates(rule: Rule, rates: dict[str, float]) -> Rule:
    """Return the rule with these hyper-parameters, named as in its JavaScript."""
    if isinstance(rule, Chain):
        links = []
        for i, link in enumerate(rule.rules):
            own = {k.removesuffix(f"_{i}"): v for k, v in rates.items() if k.endswith(f"_{i}")}
            links.append(with_rates(link, own))
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


def box_of(J: Function, box: Any, start: Any) -> Box:
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


# ----------------------------------------------------------------------- what Python computes


def _formula(rule: Rule) -> list[str]:
    """Return a rule's formula as MathML, an equation each; nothing if it has none."""
    try:
        return [mathml(line) for line in formula(rule).lines]
    except TypeError:
        return []


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


class Explorer(Shown):
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
    widget : ipywidgets.DOMWidget
        The explorer as a widget, to be laid out beside others or observed.

    Notes
    -----
    All but the last two can be set, as a whole; in a live notebook they follow the reader's hand.
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
        self.labels = labels(self._rules)
        self._frame = Frame.of(J, box_of(J, box, start), whole("width", width, 200))
        if start is None:
            (left, right), *others = self._frame.box
            start = [left + (right - left) / 8, *(high - (high - low) / 4 for low, high in others)]
            start = [float(f"{x:.3g}") for x in start]
        self._most_steps = MOST_STEPS
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
            rates[label] = _name_rates(with_rates(rule, {**known, **new}))[1]
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
        return tuple(with_rates(rule, self.rates[label]) for rule, label in pairs)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The path of each rule from the present start, computed by :func:`normgd.descend`."""
        return tuple(descend(self.J, self.start, rule, self.steps) for rule in self.rules)

    # ----------------------------------------------------------------------------- display

    def __repr__(self) -> str:
        rules = ", ".join(map(repr, self.rules))
        start = self.start[0] if len(self.start) == 1 else tuple(self.start)
        return f"explore({self.J.name}, {rules}, start={start}, steps={self.steps})"

    def _live(self) -> Any:
        return _widget_class()(self)

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
            shown = {"label": label, "controls": controls, "schedules": scheduled(rule)}
            read = {"formula": _formula(rule), "python": rule_code(rule)}
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
            "python": landscape_code(self.J),
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
        frame, lines = self._frame, lines_of(self._rules)
        rules = ", ".join(map(repr, self.rules))
        here = ", ".join(svg.minus(f"{x:.6g}") for x in self.start)
        here = f"({here})" if len(self.start) > 1 else here
        about = f"{self.steps} steps from {here} by {rules}."
        crosses = ""
        for point in filter(frame.holds, self._minimisers):
            x, y = frame.pixels(frame.place(np.array(point)))
            crosses += svg.cross(x, y)
        paths = zip(lines, self.labels, self.paths, strict=True)
        x, y = frame.pixels(frame.place(np.array(self.start))) + np.array([frame.left, frame.top])
        key = [(line.swatch(), repr(rule)) for line, rule in zip(lines, self.rules, strict=True)]
        moves = live or any(program["step"] for program in self._programs)
        still = "" if moves else " normgd-still"
        drawing = svg.figure(
            frame,
            f"{self.J.name}: {frame.about}.",
            about,
            _axes(frame),
            f'{self._backdrop}<path class="normgd-minimisers" d="{crosses}" fill="none" '
            'stroke="currentColor" stroke-width="2.5"/><g class="normgd-paths">'
            f"{''.join(_drawn(frame, *pair) for pair in paths)}</g>",
            svg.handle(
                f'transform="translate({x:g} {y:g})" data-w="{",".join(map(repr, self.start))}"'
            ),
        )
        return (
            f'<div class="normgd-body{still}"><div class="normgd-plane">{drawing}'
            f"{self._note(live)}</div>{svg.key(key)}</div>"
        )

    def _html(self) -> str:
        state = {**self._values(), "plot": self._plot, "computed": self._computed}
        sliders = sum(len(program["rates"]) for program in self._programs if program["step"])
        size = f"--rules:{len(self.labels)};--sliders:{sliders}"
        return html(self._frame.kind, size, state, self._picture(live=False))


@functools.cache
def _widget_class() -> type:
    """Make the class of the live explorer."""
    widget: Any = widget_class()
    import traitlets

    class ExplorerWidget(widget):
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
