r"""The compass: where g/‖g‖ points as a critical point is approached.

>>> from normgd import functions
>>> bowl = compass(functions.quadratic([1, 10]), angle=45)
>>> f"{bowl.numbers['direction']:.2f}"
'84.29'
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..front import svg
from ..front.words import landscape_code
from ..functions import _real
from ..ops import unit
from ..path import descend
from ..plot import STYLES
from ..rules import gd
from .angles import REACH, RING, axes, degrees, heading, turning, upright
from .panel import (
    Axis,
    Figure,
    Handle,
    Linear,
    Log,
    Mark,
    Panel,
    Points,
    landscape,
    number,
    traced,
)

UNIT, DESCENT = STYLES["ngd"]["color"], STYLES["gd"]["color"]
WAY = {"steps": 1000, "share": 0.25, "near": 1e-3, "far": 3.0}


def compass(J: Any, at: Any = None, radius: float = 1.0, angle: float = 30.0) -> Compass:
    r"""Show where :math:`u=g/\|g\|` points at the distance r of a critical point.

    From :math:`w=w^*+rv` with :math:`v=(\cos\varphi,\sin\varphi)` the direction u tends to
    :math:`Hv/\|Hv\|` as r tends to 0, if :math:`Hv\ne0`: it depends on the approach.

    Parameters
    ----------
    J : Function or callable
        A landscape of two coordinates.
    at : sequence of 2 floats, optional
        The critical point w*; the landscape's first minimiser if not given.
    radius : float
        The distance r, from 1e-6 to 1, in the unit of w.
    angle : float
        The angle φ of the approach in degrees, from -180 to 180.

    Returns
    -------
    Compass
        What a notebook shows.  Its ``values`` are ``angle`` and ``radius``.

    Raises
    ------
    TypeError
        If J is no landscape, or cannot be traced.
    ValueError
        If J does not have two coordinates, if its gradient at ``at`` is not 0 or has a kink there,
        or if no point is given and none is known.

    Examples
    --------
    >>> from normgd import functions
    >>> compass(functions.saddle, at=(0, 0), radius=1e-3)
    compass(saddle, angle=30.0, radius=0.001)
    """
    return Compass(J, at, radius, angle)


class Compass(Panel):
    """The direction of g/‖g‖ round a critical point.  Made by :func:`compass`."""

    kind = "compass"
    declared = (
        Linear("angle", "φ", "angle of the approach", -180.0, 180.0, 1.0, unit="°", turns=True),
        Log("radius", "r", "distance from w*", 1e-6, 1.0),
    )
    figures = (
        Figure(
            "plane", "The plane round w*, in units of r",
            Axis("(w₁ − w₁*) / r", -REACH, REACH), Axis("(w₂ − w₂*) / r", -REACH, REACH), 384,
        ),
        Figure(
            "chart", "The direction of u against the angle of the approach",
            *axes("angle φ of the approach, in degrees", "direction of u, in degrees"), 160,
        ),
    )  # fmt: skip
    marks = (
        Mark("field", "plane", "line", color=UNIT, width=1.5, opacity=0.6),
        Mark("unit", "plane", "arrow", "u = g / ‖g‖ at w* + r v", UNIT, width=3.5),
        Mark("limit", "plane", "arrow", "Hv / ‖Hv‖, its limit as r\u00a0→\u00a00", dash="7 5"),
        Mark("way", "plane", "line", "the way of gradient descent from there", DESCENT),
        Mark("steps", "plane", "dots", color=DESCENT, width=4.5),
        Mark("same", "chart", "line", "where u would point as v does", width=1, dash="1 4"),
        Mark("units", "chart", "line", color=UNIT, width=2.5),
        Mark("limits", "chart", "line", dash="7 5"),
        Mark("now", "chart", "line", width=1, opacity=0.6),
        Mark("here", "chart", "point", color=UNIT),
    )
    handles = (Handle("approach", "plane", "approach to the critical point", "angle", "radius"),)

    def __init__(self, J: Any, at: Any, radius: Any, angle: Any) -> None:
        self.J: Any = landscape(J, 2)
        J, self.subject = self.J, self.J.name
        if at is None:
            if not len(J.minimisers):
                raise ValueError(f"at must be given: no minimiser of {J.name} is known")
            at = J.minimisers[0]
        point = J.check_point(np.broadcast_to(np.asarray(at), (2,)), "at")
        self.at = np.array([_real(x, "at") for x in point])
        ring = heading(RING)
        slope = np.linalg.norm(J.grad(self.at))
        steepest = np.linalg.norm(J.grad(self.at[:, None] + ring), axis=0).max()
        if not slope <= 1e-9 * steepest:
            raise ValueError(f"at must be a point where the gradient is 0; there it is {slope:.3g}")
        self.hessian = np.asarray(J.hess(self.at), dtype=float)
        nearby = 1e-6 * ring
        gaps = J.grad(self.at[:, None] + nearby) - self.hessian @ nearby
        if not np.linalg.norm(gaps, axis=0).max() <= 1e-8 * steepest:
            raise ValueError(f"J must be smooth at {at!r}, so that Hv tells the gradient nearby")
        super().__init__(angle=angle, radius=radius)

    def compute(self, values: Mapping[str, Any]) -> tuple[dict[str, Points], dict[str, float]]:
        r, angle = values["radius"], values["angle"]
        v, ring = heading(angle), heading(RING)
        gradients = self.J.grad(self.at[:, None] + r * ring)
        directions, limits = unit(gradients), self._limit(ring)
        u, limit = (np.ravel(x) for x in (unit(self.J.grad(self.at + r * v)), self._limit(v)))
        way = self._way(r, v, np.linalg.norm(gradients, axis=0).max())
        direction = float(degrees(u))
        hairs = np.stack([ring, ring + 0.16 * directions, ring + np.nan])[..., :-1:15]
        marks = {
            "field": hairs.transpose(2, 0, 1).reshape(-1, 2),
            "way": way,
            "steps": way[1:13],
            "limit": np.array([0 * limit, 1.3 * limit]),
            "unit": np.array([0 * u, u]),
            "limits": turning(limits, leap=180),
            "units": turning(directions, leap=180),
            "same": np.array([[-180.0, -180.0], [180.0, 180.0]]),
            "now": upright(angle),
            "here": np.array([[angle, direction]]),
            "approach": v[None],
        }
        last = way[-1]
        return marks, {
            "direction": direction,
            "limit": float(degrees(limit)),
            "distance": float(np.linalg.norm(u - limit)),
            "gradient": float(np.linalg.norm(self.J.grad(self.at + r * v))),
            "way": float(degrees(unit(self.J.grad(self.at + r * last)))),
            "end": float(np.hypot(*last)),
        }

    def _limit(self, v: Points) -> Points:
        """Return Hv/‖Hv‖, or NaN where Hv = 0."""
        product = self.hessian @ v
        length = np.linalg.norm(product, axis=0)
        some = length > 1e-12 * np.linalg.norm(self.hessian)
        return np.where(some, unit(product), np.nan)

    def _way(self, r: float, v: Points, steepest: float) -> Points:
        """Return gradient descent's steps from w* + rv, in radii, until it is near w* or far."""
        alpha = WAY["share"] * r / steepest
        path = descend(self.J, self.at + r * v, gd(alpha=alpha), int(WAY["steps"]))
        way = (path.w - self.at) / r
        distance = np.hypot(*way.T)
        over = np.flatnonzero(~((distance > WAY["near"]) & (distance < WAY["far"])))
        return way[: over[0] + 1] if len(over) else way

    def about(self) -> str:
        told = self.numbers
        angle, r = number(self.angle), number(self.radius)
        text = f"{self.J.name} near ({', '.join(map(number, self.at))}). At r = {r} from there, "
        text += f"approached at the angle {angle}°, u points at {number(told['direction'])}°. "
        if np.isnan(told["limit"]):
            return text + "There Hv = 0: the second derivatives do not tell its limit."
        return text + f"As r → 0 it tends to {number(told['limit'])}°."

    @functools.cached_property
    def _hills(self) -> str:
        """Draw the contours of J at the first radius."""
        side = np.linspace(-REACH, REACH, Figure.width // 2 + 1)
        r, grid = self._initial["radius"], np.stack(np.meshgrid(side, side[::-1]))
        ring = heading(RING)
        at, lowest = self.at[:, None], self.J.value(self.at)
        height = np.abs(self.J.value(at + r * ring) - lowest).max()
        shares = (np.arange(1, 9) / 4) ** 2
        levels = [float(x) for x in (*-shares[::-1], *shares)]
        return svg.contours((self.J.value(at[..., None] + r * grid) - lowest) / height, levels)

    def backdrop(self, figure: str) -> str:
        if figure == "chart":
            return ""
        x, r = Figure.width / 2, Figure.width / 2 / REACH
        return (
            f'{self._hills}<circle cx="{x:g}" cy="{x:g}" r="{r:g}" fill="none" '
            'stroke="currentColor" stroke-opacity=".6"/>'
            f'<path d="{svg.cross(x, x)}" stroke="currentColor" stroke-width="2.5"/>'
        )

    def code(self) -> dict[str, dict[str, str]]:
        return {
            "value": traced(self.J.value, w=2),
            "gradient": traced(self.J.grad, w=2),
            "unit": traced(lambda w: unit(self.J.grad(w)), w=2),
        }

    def more(self) -> dict[str, Any]:
        at, hessian = self.at.tolist(), self.hessian.tolist()
        return {"at": at, "hessian": hessian, "way": WAY, "python": landscape_code(self.J)}
