r"""The base of the small explorers: declared values, marks computed from them, a still picture.

A panel declares what the reader sets (its :class:`Value` s), where it draws (its :class:`Figure` s)
and what is drawn there (its :class:`Mark` s), and computes the marks' points from the values.  The
rest is made from the declarations, here and in ``front/panel.js``: the still picture, sliders and
handles, the check of what is set, the settings in a link, the widget.  What the page computes, it
computes with the library's own code, traced (:func:`traced`).
"""

from __future__ import annotations

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from types import MappingProxyType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from ..front import svg
from ..front.shown import Shown, html, widget_class
from ..functions import Function, _real, as_function
from ..ops import whole
from ..symbols import JAVASCRIPT_PRELUDE, symbol, to_javascript

Points = np.ndarray
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

# ---------------------------------------------------------------------------------- the values


@dataclass(frozen=True)
class Value(ABC):
    """What the reader sets: its name in Python and in links, its letter and meaning on the page."""

    name: str
    letter: str
    meaning: str

    @abstractmethod
    def check(self, value: Any) -> Any:
        """Return the value in the form in which it is kept, or raise."""

    def declaration(self) -> dict[str, Any]:
        """Return what the front end has to know of it."""
        return {"kind": type(self).__name__.lower(), **asdict(self)}


@dataclass(frozen=True)
class Linear(Value):
    """A number on a slider of equal steps; one that turns, such as an angle, goes round."""

    low: float
    high: float
    step: float
    unit: str = ""
    turns: bool = False

    def check(self, value: Any) -> float:
        return _within(self.name, value, self.low, self.high)


@dataclass(frozen=True)
class Log(Value):
    """A positive number on a slider of equal ratios, a hundredth of a decade each."""

    low: float
    high: float

    def check(self, value: Any) -> float:
        return _within(self.name, value, self.low, self.high)


@dataclass(frozen=True)
class Whole(Value):
    """A whole number on a slider."""

    low: int
    high: int

    def check(self, value: Any) -> int:
        if (number := whole(self.name, value, self.low)) > self.high:
            raise ValueError(f"{self.name} must be at most {self.high}; got {number}")
        return number


@dataclass(frozen=True)
class Choice(Value):
    """One of a few names, as radio buttons."""

    options: tuple[str, ...]

    def check(self, value: Any) -> str:
        if value not in self.options:
            raise ValueError(f"{self.name} must be one of {self.options}; got {value!r}")
        return str(value)


@dataclass(frozen=True)
class Point(Value):
    """A point within a box, moved by a handle."""

    box: tuple[tuple[float, float], ...]

    def check(self, value: Any) -> list[float]:
        numbers = [] if isinstance(value, str) or not np.iterable(value) else [*value]
        if len(numbers) != len(self.box):
            raise TypeError(f"{self.name} must be {len(self.box)} numbers; got {value!r}")
        pairs = zip(numbers, self.box, strict=True)
        return [_within(self.name, x, low, high) for x, (low, high) in pairs]


def _within(name: str, value: Any, low: float, high: float) -> float:
    if not low <= (number := _real(value, name)) <= high:
        raise ValueError(f"{name} must be between {low:g} and {high:g}; got {number!r}")
    return number


# --------------------------------------------------------------------------------- the figures


@dataclass(frozen=True)
class Axis:
    """What is shown along a side of a figure, with its tick marks if they are not to be chosen."""

    name: str
    low: float
    high: float
    log: bool = False
    ticks: tuple[float, ...] = ()

    def share(self, x: Any) -> Any:
        """Return how far along the axis x is, from 0 to 1."""
        if not self.log:
            return (np.asarray(x) - self.low) / (self.high - self.low)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(np.asarray(x) / self.low) / math.log(self.high / self.low)

    def marked(self) -> list[tuple[float, str]]:
        """Return the tick marks and what is written at them."""
        if self.log:
            first, last = (round(math.log10(x)) for x in (self.low, self.high))
            powers = range(first, last + 1, max(1, (last - first + 3) // 7))
            return [(10.0**n, _power(n)) for n in powers]
        ticks = [f"{x:g}" for x in self.ticks] or svg.ticks(self.low, self.high)
        return [(float(text), text) for text in ticks]


def _power(n: int) -> str:
    return "1" if n == 0 else "10" if n == 1 else "10" + str(n).translate(SUPERSCRIPT)


@dataclass(frozen=True)
class Figure:
    """A drawing with two axes; its height is that of the space between them, in pixels."""

    name: str
    title: str
    x: Axis
    y: Axis
    height: int
    width: ClassVar[int] = 384
    left: ClassVar[int] = 46
    right: ClassVar[int] = 10
    top: ClassVar[int] = 28
    bottom: ClassVar[int] = 42

    def pixels(self, points: Any) -> Points:
        """Return points of shape (n, 2) in pixels from the upper left corner between the axes."""
        x, y = np.asarray(points, dtype=float).reshape(-1, 2).T
        places = np.stack([self.x.share(x) * self.width, (1 - self.y.share(y)) * self.height], 1)
        return np.round(np.clip(places, -1e4, 1e4), 1)

    def svg(self, content: str, about: str, over: str) -> str:
        """Return the figure with its content between the axes and what may reach over them."""
        return svg.figure(self, self.title, about, self._axes(), content, over, self.name)

    def _axes(self) -> str:
        foot = self.top + self.height
        lines = f"M{self.left} {self.top}h{self.width}v{self.height}h-{self.width}z"
        across = svg.text(
            self.left + self.width / 2, foot + 37, "middle", escape(self.x.name), name=True
        )
        up = svg.text(2, 16, "start", escape(self.y.name), name=True)
        for tick, text in self.x.marked():
            x = self.left + round(self.x.share(tick) * self.width, 1)
            lines += f"M{x:g} {foot}v5"
            across += svg.text(x, foot + 19, "middle", text)
        for tick, text in self.y.marked():
            y = self.top + round((1 - self.y.share(tick)) * self.height, 1)
            lines += f"M{self.left} {y:g}h-5"
            up += svg.text(self.left - 8, y + 4.5, "end", text)
        return svg.axes(lines, across + up)


# ----------------------------------------------------------------------------------- the marks


@dataclass(frozen=True)
class Mark:
    """What is drawn in a figure from computed points, and how it looks.

    The shape is a "line" (points that are NaN break it), "dots", an "arrow" from the first point to
    the second, or a "point".  Only what has a label is in the key.
    """

    name: str
    figure: str
    shape: str
    label: str = ""
    color: str = ""
    dash: str = ""
    width: float = 2
    opacity: float = 1

    def svg(self, data: str) -> str:
        ink = self.color or "currentColor"
        look = f'stroke="{ink}" stroke-width="{self.width:g}" '
        look += f'fill="{ink if self.shape == "point" else "none"}" '
        look += 'stroke-linecap="round" stroke-linejoin="round"'
        if self.dash:
            look += f' stroke-dasharray="{self.dash}"'
        if self.opacity < 1:
            look += f' opacity="{self.opacity:g}"'
        path = f'<path class="normgd-curve" data-mark="{self.name}" d="{data}" {look}/>'
        return svg.hued(self.color, path) if self.color else path

    def swatch(self) -> str:
        across = {"dots": [6, 14, 22, 30], "point": [18]}.get(self.shape, [1, 35])
        places = np.array([[x, 8] for x in across])
        sample = self.svg(drawn(self.shape, places))
        return svg.swatch(sample.replace("data-mark", "data-sample"))


def drawn(shape: str, places: Points) -> str:
    """Return places in pixels as an SVG path of one of the shapes of a :class:`Mark`."""
    if shape == "arrow":
        if not np.isfinite(places).all() or (places[0] == places[1]).all():
            return ""
        along = (places[1] - places[0]) / np.hypot(*(places[1] - places[0]))
        aside = np.array([-along[1], along[0]])
        barbs = [places[1] - 9 * along + side * 4.5 * aside for side in (1, -1)]
        return drawn(
            "line", np.array([places[0], places[1], [np.nan] * 2, barbs[0], places[1], barbs[1]])
        )
    known = np.isfinite(places).all(axis=1)
    text = [f"{x:g} {y:g}" for x, y in places.round(1)]
    joined = shape == "line" and np.concatenate([[False], known[:-1]])
    tail = {"dots": "h0", "point": "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z"}.get(shape, "")
    data = ""
    for at, here, before in zip(text, known, np.broadcast_to(joined, len(text)), strict=True):
        if here:
            data += ("L" if before else "M") + at + tail
    return data


@dataclass(frozen=True)
class Handle:
    """What the reader drags: the name of its computed point, and the values its arrow keys step.

    The page's code of the panel says what a drag to a place means.
    """

    name: str
    figure: str
    label: str
    across: str
    up: str = ""


# ----------------------------------------------------------------------------------- the panel


def traced(formula: Callable[..., Any], *parameters: str, w: int = 0) -> dict[str, str]:
    """Print a formula as JavaScript: a function of a point w, if it has one, and of numbers.

    Parameters
    ----------
    formula : callable
        Takes w, an array of so many coordinates, if w > 0, and then the numbers; returns a number
        or an array.  It may use what can be traced (:mod:`normgd.symbols`).
    *parameters : str
        The names of the numbers.
    w : int
        The coordinates of the point.

    Returns
    -------
    dict
        ``parameters`` and ``body`` of the function.

    >>> traced(lambda x, eta: x - eta * abs(x), "x", "eta")["body"].splitlines()[-1]
    'return _2;'
    """
    point = np.array([symbol(f"w[{i}]") for i in range(w)], dtype=object)
    result = formula(*([point] if w else []), *map(symbol, parameters))
    body, results = to_javascript(np.ravel(np.array(result, dtype=object)).tolist())
    returned = results[0] if np.ndim(result) == 0 else f"[{', '.join(results)}]"
    names = ", ".join([*(["w"] if w else []), *parameters])
    return {"parameters": names, "body": f"{body}\nreturn {returned};".lstrip()}


class Panel(Shown):
    """A small explorer: values that the reader sets, and the picture that follows them.

    Attributes
    ----------
    values : mapping
        The present values by their names.  Set some of them at once, ``panel.values = {"angle":
        30}``, or one as an attribute, ``panel.angle = 30``.  In a live notebook they follow the
        reader's hand.
    numbers : dict
        What the picture tells in numbers, computed for the present values.
    widget : ipywidgets.DOMWidget
        The panel as a widget, to be laid out beside others or observed.
    """

    kind: ClassVar[str]
    subject: str = ""  # what it is about, as its representation begins
    declared: Sequence[Value] = ()
    figures: Sequence[Figure] = ()
    marks: Sequence[Mark] = ()
    handles: Sequence[Handle] = ()

    def __init__(self, **given: Any) -> None:
        self._state: Any = SimpleNamespace(
            values={value.name: value.check(given[value.name]) for value in self.declared}
        )
        self._initial = dict(self.values)

    # ------------------------------------------------------------------- what a panel says

    @abstractmethod
    def compute(self, values: Mapping[str, Any]) -> tuple[dict[str, Points], dict[str, float]]:
        """Return the points, shape (n, 2), of each mark and handle, and the numbers to be told."""

    @abstractmethod
    def about(self) -> str:
        """Tell in a sentence or two what the picture shows now."""

    @abstractmethod
    def code(self) -> dict[str, dict[str, str]]:
        """Return the traced functions that the page computes with, by name."""

    def backdrop(self, figure: str) -> str:
        """Draw what lies below the marks of a figure."""
        return ""

    def more(self) -> dict[str, Any]:
        """Return what else the page's code has to know."""
        return {}

    # --------------------------------------------------------------------------- the state

    @property
    def values(self) -> Mapping[str, Any]:
        return MappingProxyType(self._state.values)

    @values.setter
    def values(self, new: Mapping[str, Any]) -> None:
        self._state.values = self._checked(new)

    @property
    def numbers(self) -> dict[str, float]:
        return self.compute(self.values)[1]

    def _checked(self, new: Any) -> dict[str, Any]:
        """Return the present values with some of them changed."""
        known = {value.name: value for value in self.declared}
        if not isinstance(new, Mapping) or not new.keys() <= known.keys():
            raise ValueError(f"values must be a dict with keys out of {[*known]}; got {new!r}")
        return {**self.values, **{name: known[name].check(x) for name, x in new.items()}}

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and any(value.name == name for value in self.declared):
            return self.values[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, new: Any) -> None:
        if any(value.name == name for value in self.declared):
            self.values = {name: new}
        else:
            super().__setattr__(name, new)

    # ----------------------------------------------------------------------------- display

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        return f"{self.kind}({', '.join(filter(None, [self.subject, given]))})"

    def _live(self) -> Any:
        return _widget_class()(self)

    @functools.cached_property
    def _plot(self) -> dict[str, Any]:
        """What the front end has to know and nobody changes."""
        sizes = {name: getattr(Figure, name) for name in ("left", "top", "width")}
        figures = {figure.name: {**asdict(figure), **sizes} for figure in self.figures}
        marks = [
            {key: asdict(mark)[key] for key in ("name", "shape")} | {"figure": mark.figure}
            for mark in self.marks
        ]
        return {
            "kind": self.kind,
            "declared": [value.declaration() for value in self.declared],
            "initial": {"values": self._initial},
            "figures": figures,
            "marks": marks,
            "handles": [asdict(handle) for handle in self.handles],
            "prelude": JAVASCRIPT_PRELUDE,
            "code": self.code(),
            **self.more(),
        }

    def _picture(self) -> str:
        """Draw everything that can be seen without a script."""
        points, _ = self.compute(self.values)
        about = self.about()
        shown = ""
        for figure in self.figures:
            content, over = self.backdrop(figure.name), ""
            for mark in self.marks:
                if mark.figure == figure.name:
                    content += mark.svg(drawn(mark.shape, figure.pixels(points[mark.name])))
            for handle in self.handles:
                if handle.figure == figure.name:
                    (x, y) = figure.pixels(points[handle.name])[0] + (figure.left, figure.top)
                    place = f'transform="translate({x:.1f} {y:.1f})"'
                    over += svg.handle(f'data-handle="{handle.name}" {place}')
            shown += figure.svg(content, about, over)
        key = svg.key((mark.swatch(), mark.label) for mark in self.marks if mark.label)
        return (
            f'<div class="normgd-body normgd-panel"><div class="normgd-plane">{shown}</div>'
            f'<div class="normgd-side">{key}<p class="normgd-about">{escape(about)}</p></div></div>'
        )

    def _html(self) -> str:
        state = {"values": dict(self.values), "plot": self._plot}
        size = f"--controls:{len(self.declared)};--rows:{len(self.numbers)}"
        return html(self.kind, size, state, self._picture())


@functools.cache
def _widget_class() -> type:
    """Make the class of the live panel."""
    widget: Any = widget_class()
    import traitlets

    class PanelWidget(widget):
        values: Any = traitlets.Dict().tag(sync=True)

        def __init__(self, panel: Panel) -> None:
            self.panel = panel
            super().__init__(plot=panel._plot, picture=panel._picture(), values=dict(panel.values))

        @traitlets.validate("values")
        def _check(self, proposal: Any) -> Any:
            return self.panel._checked(proposal.value)

    return PanelWidget


def landscape(J: Any, d: int) -> Function:
    """Return J as a landscape of d coordinates, or raise."""
    J = as_function(J)
    if J.dim not in (None, d):
        wanted = "1 coordinate" if d == 1 else f"{d} coordinates"
        raise ValueError(f"J must have {wanted}; {J.name} has {J.dim}")
    return J


def number(x: float) -> str:
    """Write a number to three digits with a proper minus sign."""
    return svg.minus(f"{x:.3g}")
