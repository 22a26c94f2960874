r"""The minibatch: the mean of normalised gradients against the direction of the mean.

>>> walk = minibatch()
>>> [f"{walk.numbers[name]:.2f}" for name in ("angle", "length")]
['132.53', '0.29']
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..functions import _table
from ..ops import unit
from ..plot import STYLES
from .panel import Axis, Figure, Handle, Mark, Panel, Point, Points, Whole, number, traced

DATA = ((-1.1, -0.7), (-0.8, 0.3), (-0.2, -0.3), (0.1, 0.6), (3.6, 2.1))
MOST_POINTS, MOST_BATCH = 6, 8
UNIT, DESCENT = STYLES["ngd"]["color"], STYLES["gd"]["color"]


def minibatch(points: Any = DATA, w: Any = (0.1, 0.2), batch: int = 1) -> Minibatch:
    r"""Show the mean step of normalised minibatch gradients beside that of the whole gradient.

    The cost is :math:`J(w)=\frac1{2n}\sum_i\|w-a_i\|^2`, and a minibatch is B of the points, drawn
    with replacement.  All batches are counted, so the mean is exact.  It vanishes at the geometric
    median of the batches' means, and not at the minimum of J, which is the mean of the points.

    Parameters
    ----------
    points : array_like, shape (n, 2)
        The points :math:`a_i`, at most 6.
    w : sequence of 2 floats
        Where the gradients are taken.
    batch : int
        The batch size B, at most 8.

    Returns
    -------
    Minibatch
        What a notebook shows.  Its ``values`` are ``w`` and ``batch``.

    Raises
    ------
    TypeError
        If the points are no table of numbers.
    ValueError
        If there are not 2 to 6 different points of two coordinates, or if a value is out of range.

    Examples
    --------
    >>> minibatch([[0, 0], [1, 0], [0, 2]], w=(1, 1), batch=4)
    minibatch(batch=4, w=[1.0, 1.0])
    """
    return Minibatch(points, w, batch)


class Minibatch(Panel):
    """The bias of a normalised minibatch gradient.  Made by :func:`minibatch`."""

    kind = "minibatch"
    figures: Any = ()
    marks = (
        Mark("roots", "plane", "line", "where the mean step is 0, from B = 1 to all", width=1.5),
        Mark("root", "plane", "dots", "there for this B", color=UNIT, width=9),
        Mark("points", "plane", "dots", "points, each with its own gradient", width=7),
        Mark("directions", "plane", "dots", "steps of the batches", UNIT, width=5),
        Mark("whole", "plane", "arrow", "direction of the whole gradient's step", DESCENT, "7 4"),
        Mark("mean", "plane", "arrow", "mean of the normalised batches' steps", UNIT, width=3.5),
        Mark("angles", "chart", "line", color=UNIT),
        Mark("all angles", "chart", "dots", color=UNIT, width=6),
        Mark("here", "chart", "point", color=UNIT),
    )
    handles = (Handle("place", "plane", "w, where the gradients are taken", "w"),)

    def __init__(self, points: Any, w: Any, batch: Any) -> None:
        table = _table(points, "points")
        n = len(np.unique(table, axis=0))
        if table.shape[1] != 2 or not 2 <= n == len(table) <= MOST_POINTS:
            raise ValueError(
                f"points must be 2 to {MOST_POINTS} different points of 2 coordinates; got shape "
                f"{table.shape}"
            )
        self.points = table
        low, high = table.min(axis=0), table.max(axis=0)
        reach = 0.62 * (high - low).max()
        box = tuple(
            (float(f"{x - reach:.2g}"), float(f"{x + reach:.2g}"))
            for x in ((low + high) / 2).tolist()
        )
        self.declared = (
            Whole("batch", "B", "batch size", 1, MOST_BATCH),
            Point("w", "w", "where the gradients are taken", box),
        )
        self.figures = (
            Figure("plane", "The steps at w", Axis("w₁", *box[0]), Axis("w₂", *box[1]), 384),
            Figure(
                "chart", "The angle between the two arrows, for each batch size",
                Axis("batch size B", 0.5, MOST_BATCH + 0.5, ticks=tuple(range(1, MOST_BATCH + 1))),
                Axis("angle, in degrees", -8.0, 188.0, ticks=(0.0, 45.0, 90.0, 135.0, 180.0)), 150,
            ),
        )  # fmt: skip
        self.batches = [_batches(table, size) for size in range(1, MOST_BATCH + 1)]
        # Without the digits in which machines differ: they are stored with the page.
        roots = [_geometric_median(*batches).round(9) for batches in self.batches]
        self.roots = np.array([*roots, table.mean(axis=0)])
        super().__init__(batch=batch, w=w)

    def compute(self, values: Mapping[str, Any]) -> tuple[dict[str, Points], dict[str, float]]:
        w, size = np.array(values["w"]), values["batch"]
        downhill = -unit(w - self.points.mean(axis=0))
        steps = [-unit((w - means).T).T for means, _ in self.batches]
        means = [weights @ step for step, (_, weights) in zip(steps, self.batches, strict=True)]
        angles = [_angle(mean, downhill) for mean in means]
        chart = np.stack([np.arange(1, MOST_BATCH + 1), angles], axis=1)
        mean = means[size - 1]
        marks = {
            "roots": self.roots,
            "root": self.roots[size - 1 : size],
            "points": self.points,
            "directions": w + steps[size - 1],
            "whole": np.array([w, w + downhill]),
            "mean": np.array([w, w + mean]),
            "angles": chart,
            "all angles": chart,
            "here": chart[size - 1 : size],
            "place": w[None],
        }
        return marks, {
            "angle": angles[size - 1],
            "length": float(np.hypot(*mean)),
            "shift": float(np.hypot(*(self.roots[size - 1] - self.roots[-1]))),
        }

    def about(self) -> str:
        told = self.numbers
        batch = "a single point" if self.batch == 1 else f"{self.batch} points"
        return (
            f"At ({', '.join(map(number, self.w))}) the normalised gradient of {batch} makes on "
            f"average a step of length {number(told['length'])}, at {number(told['angle'])}° from "
            f"the direction of the whole gradient's. Such steps cancel at a point "
            f"{number(told['shift'])} away from the minimum of J."
        )

    def code(self) -> dict[str, dict[str, str]]:
        return {"unit": traced(unit, w=2)}

    def more(self) -> dict[str, Any]:
        return {"points": self.points.tolist(), "roots": self.roots.tolist()}


def _counts(n: int, size: int) -> Iterator[tuple[int, ...]]:
    """List how often each of n points may be in a batch of this size."""
    if n == 1:
        yield (size,)
        return
    for first in range(size, -1, -1):
        for rest in _counts(n - 1, size - first):
            yield (first, *rest)


def _batches(points: Points, size: int) -> tuple[Points, Points]:
    """Return the means of all batches, shape (m, 2), and how likely each is, shape (m,)."""
    counts = np.array(list(_counts(len(points), size)))
    ways = [math.factorial(size) / math.prod(map(math.factorial, c)) for c in counts.tolist()]
    return counts @ points / size, np.array(ways) / float(len(points)) ** size


def _geometric_median(points: Points, weights: Points) -> Points:
    """Return the point with the least mean distance.

    Vardi and Zhang, The multivariate L1-median, PNAS 97 (2000) 1423-1426, equations 2.6 to 2.8.
    """
    y = weights @ points
    for _ in range(5000):
        away = np.hypot(*(points - y).T)
        others = away > 1e-14
        pull = weights[others] / away[others]
        R = pull @ (points[others] - y)
        length = float(np.hypot(*R))
        held = float(weights[~others].sum())
        if length <= held or length < 1e-15:
            break
        y = y + (1 - held / length) * R / pull.sum()
    return y


def _angle(a: Points, b: Points) -> float:
    """Return the angle between two vectors in degrees, NaN if one of them is 0."""
    if not (np.hypot(*a) and np.hypot(*b)):
        return math.nan
    return float(abs(np.rad2deg(np.arctan2(a[0] * b[1] - a[1] * b[0], a[0] * b[0] + a[1] * b[1]))))
