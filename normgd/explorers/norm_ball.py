r"""The norm ball: which step of length 1 is steepest, when length is measured in ℓ1, ℓ2 or ℓ∞.

>>> turned = norm_ball(angle=30)
>>> [round(turned.numbers[name], 1) for name in ("Unit", "Sign", "Greedy")]
[-150.0, -135.0, 180.0]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..ops import dot
from ..plot import STYLES
from ..rule import Rule
from ..rules import Greedy, Sign, Unit
from .angles import REACH, RING, axes, degrees, heading, turning, upright
from .panel import Axis, Figure, Handle, Linear, Mark, Panel, Points, number, traced

PIECES: dict[str, tuple[Rule, str]] = {
    "Unit": (Unit(), "ℓ2"),
    "Sign": (Sign(), "ℓ∞"),
    "Greedy": (Greedy(), "ℓ1"),
}
COLORS = {"Unit": STYLES["ngd"], "Sign": STYLES["sign"], "Greedy": STYLES["lars"]}
BALLS = {
    "Unit": heading(RING).T,
    "Sign": np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [1.0, 1.0]]),
    "Greedy": np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0], [1.0, 0.0]]),
}
DASHES = {"Unit": "", "Sign": "7 4", "Greedy": "2 3"}


def norm_ball(angle: float = 25.0) -> NormBall:
    r"""Show the steepest steps of length 1 in three norms, for a gradient that is turned.

    In a norm, :math:`d=\arg\min_{\|d\|\le1}\langle g,d\rangle` is where a line at right angles to
    g, pushed downhill, leaves the norm's unit ball.  In ℓ2 it is the unit step, in ℓ∞ the step by
    signs and in ℓ1 the step of a single coordinate.  The slope along it is minus the dual norm of
    g.

    Parameters
    ----------
    angle : float
        The angle of the gradient in degrees, from -180 to 180.  Its length is 1.

    Returns
    -------
    NormBall
        What a notebook shows.  Its ``values`` are ``angle``.

    Examples
    --------
    >>> norm_ball(angle=60)
    norm_ball(angle=60.0)
    """
    return NormBall(angle=angle)


class NormBall(Panel):
    """The steepest steps in three norms.  Made by :func:`norm_ball`."""

    kind = "norm_ball"
    declared = (
        Linear("angle", "θ", "angle of the gradient g", -180.0, 180.0, 1.0, unit="°", turns=True),
    )
    figures = (
        Figure(
            "plane", "The unit balls of three norms and the steepest steps in them",
            Axis("d₁", -REACH, REACH), Axis("d₂", -REACH, REACH), 384,
        ),
        Figure(
            "chart", "The direction of each step against that of the gradient",
            *axes("angle θ of g, in degrees", "angle of the step, in degrees"), 160,
        ),
    )  # fmt: skip
    marks = (
        Mark("gradient", "plane", "line", "gradient g, of length 1", width=1.5),
        *(
            mark
            for name, (_, norm) in PIECES.items()
            for mark in (
                Mark(f"ball {name}", "plane", "line", "", COLORS[name]["color"], DASHES[name], 1.5),
                Mark(f"edge {name}", "plane", "line", "", COLORS[name]["color"], "1 4", 1.5),
                Mark(
                    f"step {name}", "plane", "arrow", f"ng.{name}(): steepest in {norm}",
                    COLORS[name]["color"], DASHES[name], 3,
                ),
                Mark(f"turn {name}", "chart", "line", "", COLORS[name]["color"], DASHES[name]),
                Mark(f"here {name}", "chart", "point", "", COLORS[name]["color"]),
            )
        ),
        Mark("now", "chart", "line", width=1, opacity=0.6),
    )  # fmt: skip
    handles = (Handle("tip", "plane", "gradient", "angle"),)

    def compute(self, values: Mapping[str, Any]) -> tuple[dict[str, Points], dict[str, float]]:
        angle = values["angle"]
        g, ring = heading(angle), heading(RING)
        marks = {
            "gradient": np.array([0 * g, g]),
            "now": upright(angle),
            "tip": g[None],
        }
        numbers = {}
        for name, (piece, _) in PIECES.items():
            d = -piece(g)
            across = np.array([-g[1], g[0]])
            marks[f"ball {name}"] = BALLS[name]
            marks[f"edge {name}"] = np.array([d - 2 * REACH * across, d + 2 * REACH * across])
            marks[f"step {name}"] = np.array([0 * d, d])
            turn = float(degrees(d))
            marks[f"here {name}"] = np.array([[angle, turn]])
            marks[f"turn {name}"] = turning(-piece(ring), leap=30)
            numbers[name] = turn
            numbers[f"slope of {name}"] = float(dot(g, d))
        return marks, numbers

    def about(self) -> str:
        told = self.numbers
        steps = (
            f"in {norm} at {number(told[name])}°, where the slope is "
            f"{number(told[f'slope of {name}'])}"
            for name, (_, norm) in PIECES.items()
        )
        return (
            f"A gradient of length 1 at the angle {number(self.angle)}°. The steepest step of "
            f"length 1 points {'; '.join(steps)}."
        )

    def code(self) -> dict[str, dict[str, str]]:
        return {name: traced(piece, w=2) for name, (piece, _) in PIECES.items()}

    def more(self) -> dict[str, Any]:
        balls = {name: ball.tolist() for name, ball in BALLS.items()}
        return {"balls": balls, "norms": {name: norm for name, (_, norm) in PIECES.items()}}
