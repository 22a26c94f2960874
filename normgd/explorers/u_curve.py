r"""The U-curve: how a rule ends against its rate, and the path behind each point of the curve.

>>> from normgd import functions, gd, ngd
>>> curves = u_curve(functions.quadratic([1, 10]), gd(0.1), ngd(0.1), start=(10.2, 1.0))
>>> f"{curves.numbers['gd: best rate']:.3f}"
'0.178'
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..explore import Frame, box_of, lines_of, with_rates
from ..front import svg
from ..front.words import labels, landscape_code, letter, rule_code
from ..functions import _real
from ..path import descend
from ..pixels import _name_rates, javascript
from ..rule import Rule, as_rule
from .panel import (
    Axis,
    Figure,
    Handle,
    Log,
    Mark,
    Panel,
    Point,
    Points,
    Value,
    Whole,
    landscape,
    number,
    traced,
)

A_DECADE = 20  # rates in each decade of the curve
MOST_STEPS = 300
DECADES = 16  # of the gap that are shown
GOOD = 1e-3  # a rate is good if it ends below this part of the gap at the start
FAR = 1e100  # the gap of a run that diverged


def u_curve(
    J: Any,
    *rules: Any,
    start: Any,
    steps: int = 100,
    rate: float | None = None,
    rates: tuple[float, float] = (1e-4, 1e2),
    box: Any = None,
) -> UCurve:
    r"""Show how rules end against their rate, and the paths for one rate.

    The height of the curve is the gap :math:`J-J^*` after T steps, the worse one of the last two,
    since some rules alternate.

    Parameters
    ----------
    J : Function or callable
        A landscape of two coordinates with a known minimum.
    *rules : Rule or callable
        The rules.  What is turned is the first hyper-parameter of each, a size or a length.
    start : sequence of 2 floats
        Where the paths start.
    steps : int
        The number of steps T, at most 300.
    rate : float, optional
        The rate whose paths are shown; that of the first rule if not given.
    rates : pair of floats
        The smallest and the largest rate.
    box : sequence of 2 pairs, optional
        The interval of each coordinate in which the start moves; the landscape's own if not given,
        made wide enough for the start.

    Returns
    -------
    UCurve
        What a notebook shows.  Its ``values`` are ``rate``, ``steps`` and ``start``.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind, or if J or a rule cannot be traced.
    ValueError
        If J does not have two coordinates or no minimum of it is known, if there is no rule, if a
        rule has no number to turn, or if a number is out of its range.

    Examples
    --------
    >>> from normgd import functions, sign
    >>> u_curve(functions.rosenbrock, sign(0.01), start=(-1.5, 2.0), steps=50)
    u_curve(rosenbrock, sign(eta=0.01), rate=0.01, steps=50, start=[-1.5, 2.0])
    """
    return UCurve(J, rules, start, steps, rate, rates, box)


class UCurve(Panel):
    """How rules end against their rate.  Made by :func:`u_curve`."""

    kind = "u_curve"
    declared: Sequence[Value] = ()

    def __init__(
        self, J: Any, rules: Any, start: Any, steps: Any, rate: Any, rates: Any, box: Any
    ) -> None:
        self.J: Any = landscape(J, 2)
        J = self.J
        if J.minimum is None:
            raise ValueError(f"J must have a known minimum; {J.name} has none")
        if not rules:
            raise ValueError("rules must be at least one rule, such as ngd(eta=0.1); got none")
        self.rules: list[Rule] = [as_rule(rule) for rule in rules]
        self.labels = labels(self.rules)
        self.turned = [self._turned(rule) for rule in self.rules]
        low, high = (_real(x, "rates") for x in rates)
        if not 0 < low < high:
            raise ValueError(f"rates must be positive and increase; got {rates!r}")
        self.grid = np.geomspace(low, high, round(A_DECADE * math.log10(high / low)) + 1)
        w = J.check_point(np.atleast_1d(np.asarray(start, dtype=float)), "start")
        if w.shape != (2,):
            raise ValueError(f"start must be a point of 2 coordinates; got shape {w.shape}")
        pairs = box_of(J, box, start)
        if box is None:
            pairs = tuple(
                (min(a, x - 0.1 * (b - a)), max(b, x + 0.1 * (b - a)))
                for (a, b), x in zip(pairs, w.tolist(), strict=True)
            )
        self._plane = Frame.of(J, pairs, Figure.width + Frame.left + Frame.right)
        self._declare(pairs, low, high)
        self.subject = ", ".join([J.name, *map(repr, self.rules)])
        if rate is None:
            rate = min(max(_name_rates(self.rules[0])[1][self.turned[0]], low), high)
        super().__init__(rate=rate, steps=steps, start=w.tolist())

    @staticmethod
    def _turned(rule: Rule) -> str:
        """Return the name of the hyper-parameter that is turned, the first number of the rule."""
        if numbers := _name_rates(rule)[1]:
            return next(iter(numbers))
        raise ValueError(f"rules must have a number to turn; {rule!r} has none")

    def _declare(self, box: Any, low: float, high: float) -> None:
        """Say what is set and what is drawn."""
        letters = " or ".join(dict.fromkeys(map(letter, self.turned)))
        self.declared = (
            Log("rate", letters, "rate, of all rules", low, high),
            Whole("steps", "T", "steps", 1, MOST_STEPS),
            Point("start", "w₀", "start of the paths", box),
        )
        top = 10.0 ** (math.ceil(math.log10(self._plane.range[1] - self.J.minimum)) + 1)
        self.floor = top / 10.0**DECADES
        self.figures = (
            Figure(
                "chart", "The gap after T steps against the rate",
                Axis(f"rate {letters}", low, high, log=True),
                Axis("J − J* after T steps", self.floor, top, log=True), 240,
            ),
            Figure(
                "plane", "The paths for this rate",
                Axis("w₁", *box[0]), Axis("w₂", *box[1]), self._plane.height,
            ),
        )  # fmt: skip
        marks = [Mark("now", "chart", "line", width=1, opacity=0.6)]
        marks.append(Mark("before", "chart", "line", "J − J* at the start", dash="1 4", width=1.5))
        for i, line in enumerate(lines_of(self.rules)):
            name = f"{self.labels[i]}, its rate {letter(self.turned[i])}"
            marks += [
                Mark(f"curve {i}", "chart", "line", name, line.color, line.dash),
                Mark(f"end {i}", "chart", "point", color=line.color),
                Mark(f"path {i}", "plane", "line", "", line.color, line.dash, width=1.5),
                Mark(f"steps {i}", "plane", "dots", color=line.color, width=4.5),
            ]
        self.marks = tuple(marks)
        self.handles = (
            Handle("cursor", "chart", "rate whose paths are shown", "rate"),
            Handle("origin", "plane", "start of the paths", "start"),
        )

    def compute(self, values: Mapping[str, Any]) -> tuple[dict[str, Points], dict[str, float]]:
        rate, start, steps = values["rate"], np.array(values["start"]), values["steps"]
        before = float(self.J(start)) - self.J.minimum
        low, high = self.grid[[0, -1]]
        marks: dict[str, Points] = {
            "now": np.array([[rate, self.floor], [rate, self.figures[0].y.high]]),
            "before": np.array([[low, before], [high, before]]),
            "cursor": np.array([[rate, self.floor]]),
            "origin": start[None],
        }
        numbers: dict[str, float] = {}
        for i, (label, rule, name) in enumerate(
            zip(self.labels, self.rules, self.turned, strict=True)
        ):
            every: dict[str, Any] = {name: self.grid}
            ends = self._ends(with_rates(rule, every), steps, start)
            one = with_rates(rule, {name: rate})
            path = descend(self.J, start, one, steps).w
            known = np.logical_and.accumulate(np.isfinite(path).all(axis=1))
            end = float(self._ends(one, steps, start))
            marks[f"curve {i}"] = np.stack([self.grid, ends], axis=1)
            marks[f"end {i}"] = np.array([[rate, end]])
            marks[f"path {i}"] = marks[f"steps {i}"] = path[known]
            numbers[f"{label}: gap"] = end
            numbers[f"{label}: best rate"] = float(self.grid[np.argmin(ends)])
            numbers[f"{label}: decades"] = float(np.sum(ends <= GOOD * before)) / A_DECADE
        return marks, numbers

    def _ends(self, rule: Rule, steps: int, start: Points) -> Any:
        """Return the worse one of the last two gaps, for each of the rule's rates."""
        last = np.maximum(*descend(self.J, start, rule, steps).J[-2:]) - self.J.minimum
        return np.where(last < FAR, last, FAR)  # NaN is not below

    def about(self) -> str:
        told = self.numbers
        where = ", ".join(map(number, self.start))
        text = f"{self.J.name} from ({where}), {self.steps} steps. The best rate on the curve: "
        best = (f"{label} {number(told[f'{label}: best rate'])}" for label in self.labels)
        return text + ", ".join(best) + f". The paths are those for the rate {number(self.rate)}."

    @functools.cached_property
    def _hills(self) -> str:
        return self._plane.backdrop()

    def backdrop(self, figure: str) -> str:
        if figure == "chart":
            return ""
        crosses = ""
        for point in self.J.minimisers:
            x, y = self._plane.pixels(np.broadcast_to(point, 2).astype(float))
            crosses += svg.cross(x, y)
        return f'{self._hills}<path d="{crosses}" stroke="currentColor" stroke-width="2.5"/>'

    def code(self) -> dict[str, dict[str, str]]:
        steps = {
            f"step{i}": {"parameters": "w, m, t, p", "body": self._programs[i]["step"]}
            for i in range(len(self.rules))
        }
        return {"value": traced(self.J.value, w=2), **steps}

    @functools.cached_property
    def _programs(self) -> list[dict[str, Any]]:
        return [javascript(rule, self.J, 2, MOST_STEPS) for rule in self.rules]

    def more(self) -> dict[str, Any]:
        rules = []
        for i, rule in enumerate(self.rules):
            program = {key: self._programs[i][key] for key in ("memory", "tables", "rates")}
            own = {"label": self.labels[i], "turned": self.turned[i], "python": rule_code(rule)}
            rules.append({**own, **program})
        return {
            "rules": rules,
            "grid": self.grid.tolist(),
            "minimum": self.J.minimum,
            "floor": self.floor,
            "far": FAR,
            "good": GOOD,
            "aDecade": A_DECADE,
            "python": landscape_code(self.J),
        }
