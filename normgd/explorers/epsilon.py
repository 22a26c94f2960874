r"""The hidden learning rate: what ε does in the rule η g/(‖g‖ + ε).

>>> panel = epsilon(eta=0.2, eps=0.01)
>>> f"{panel.numbers['threshold']:.3g} {panel.numbers['amplitude']:.3g}"
'0.1 0.09'
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..front.words import landscape_code
from ..functions import quadratic, stack
from ..plot import STYLES
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

UNIT = STYLES["ngd"]["color"]
EPS = (1e-6, 1.0)
STEPS, SHOWN, SEEN = 400, 40, 150  # made before anything counts as late, then shown; of the orbit
STARTS = (0.13, 0.29, 0.41)  # distances from the minimiser, in step lengths, besides the reader's
COLUMNS, TOP, ROWS = 193, 1.05, 480  # of the diagram: values of ε, its upper end, half pixels


def epsilon(J: Any = None, eta: float = 0.2, eps: float = 0.01, start: float = 0.77) -> Epsilon:
    r"""Show where :math:`w_{t+1}=w_t-\eta\,g_t/(|g_t|+\varepsilon)` ends on a line, whatever ε.

    On the bowl :math:`\lambda w^2/2` it converges if :math:`\varepsilon\ge\eta\lambda/2`, at
    equality only like :math:`\eta/(4t)`.  Below that it goes to and fro between
    :math:`\pm(\eta/2-\varepsilon/\lambda)`.  Near 0 it is gradient descent with the learning rate
    :math:`\eta/\varepsilon`.

    Parameters
    ----------
    J : Function or callable, optional
        A landscape of one coordinate with a minimiser at which it is curved; :math:`w^2/2` if not
        given.  For another one, λ is its curvature there, and the lines of the bowl are drawn for
        comparison.
    eta : float
        The step length η of the rule without ε, from 0.05 to 1, in the unit of w.
    eps : float
        From 1e-6 to 1, in the unit of the gradient.
    start : float
        Where the orbit starts, at most 2 from the minimiser.

    Returns
    -------
    Epsilon
        What a notebook shows.  Its ``values`` are ``eps``, ``eta`` and ``start``.

    Raises
    ------
    TypeError
        If J is no landscape, or cannot be traced.
    ValueError
        If J does not have one coordinate, or no known minimiser at which it is smooth and curved.
    """
    return Epsilon(J, eta, eps, start)


class Epsilon(Panel):
    """The bifurcation of the rule with ε.  Made by :func:`epsilon`."""

    kind = "epsilon"
    figures = (
        Figure(
            "diagram", "Where the iterates are late, for each ε",
            Axis("ε, in the unit of the gradient", *EPS, log=True),
            Axis("|w − w*| / η, late", 0.0, TOP, ticks=(0.0, 0.25, 0.5, 0.75, 1.0)), 240,
        ),
        Figure(
            "orbit", "The orbit at the present ε",
            Axis("step t", 0.0, float(SEEN)), Axis("|w − w*|", 1e-6, 10.0, log=True), 150,
        ),
    )  # fmt: skip
    marks = (
        Mark(
            "others",
            "diagram",
            "dots",
            "late iterates from three other starts",
            width=2.5,
            opacity=0.55,
        ),
        Mark("mine", "diagram", "dots", "late iterates from w₀", UNIT, width=3.5),
        Mark("cycle", "diagram", "line", "two-cycle of λw²/2: η/2 − ε/\u2060λ, or 0", dash="7 5"),
        Mark("threshold", "diagram", "line", "threshold ε = ηλ/2", dash="1 4", width=1.5),
        Mark("now", "diagram", "line", width=1.5, opacity=0.8),
        Mark("amplitude", "orbit", "line", dash="7 5"),
        Mark("orbit", "orbit", "line", color=UNIT, width=1, opacity=0.5),
        Mark("dots", "orbit", "dots", color=UNIT, width=3.5),
    )
    handles = (Handle("cursor", "diagram", "present ε", "eps"),)

    def __init__(self, J: Any, eta: Any, eps: Any, start: Any) -> None:
        self.J: Any = quadratic([1.0]) if J is None else landscape(J, 1)
        J = self.J
        if not len(J.minimisers):
            raise ValueError(f"J must have a known minimiser; {J.name} has none")
        point = np.array([float(np.ravel(J.minimisers[0])[0])])
        self.at, self.curvature = float(point[0]), float(np.ravel(J.hess(point))[0])
        if not 0 < self.curvature < math.inf:
            raise ValueError(f"J must be curved at its minimiser; J'' is {self.curvature:g} there")
        gaps = np.abs(J.grad(self.at + np.array([[-1e-6, 1e-6]])) / 1e-6) - self.curvature
        if not np.abs(gaps).max() <= 0.01 * self.curvature:
            raise ValueError(f"J must be smooth at its minimiser {self.at:g}; {J.name} is not")
        self.subject = "" if J.name == "quadratic" else J.name
        low, high = self.at - 2, self.at + 2
        self.declared = (
            Log("eps", "ε", "in the denominator", *EPS),
            Log("eta", "η", "step length", 0.05, 1.0),
            Linear("start", "w₀", "start", low, high, 0.01),
        )
        super().__init__(eps=eps, eta=eta, start=start)

    def step(self, x: Any, eta: Any, eps: Any) -> Any:
        """Return the next iterate."""
        g = self.J.grad(stack(x))[0]
        return x - eta * g / (abs(g) + eps)

    def compute(self, values: Mapping[str, Any]) -> tuple[dict[str, Points], dict[str, float]]:
        eps, eta, start = (float(values[name]) for name in ("eps", "eta", "start"))
        orbit = [np.array(start)]
        for _ in range(STEPS + 1):
            orbit.append(self.step(orbit[-1], eta, eps))
        lengths = np.abs(np.array(orbit) - self.at)
        threshold = eta * self.curvature / 2
        bends = eps < threshold
        amplitude = max(0.0, eta / 2 - eps / self.curvature)
        at_zero, on_cycle = 1 - eta * self.curvature / eps, 1 - 4 * eps / (eta * self.curvature)
        seen = np.stack([np.arange(SEEN + 1), lengths[: SEEN + 1]], axis=1)
        others = self._late(eta, [self.at + share * eta for share in STARTS])
        marks = {
            "others": others,
            "mine": self._late(eta, [start]),
            "cycle": self._cycle(eta),
            "threshold": np.array([[threshold, 0.0], [threshold, TOP]]),
            "now": np.array([[eps, 0.0], [eps, TOP]]),
            "amplitude": np.array([[0.0, amplitude], [SEEN, amplitude if bends else np.nan]]),
            "orbit": seen,
            "dots": seen,
            "cursor": np.array([[eps, 0.93]]),
        }
        return marks, {
            "threshold": threshold,
            "amplitude": amplitude,
            "at zero": at_zero,
            "on the cycle": on_cycle if bends else math.nan,
            "half": _half(on_cycle if bends else at_zero),
            "late": float(lengths[STEPS]),
            "later": float(lengths[STEPS + 1]),
        }

    def _late(self, eta: float, starts: list[float]) -> Points:
        """Return late iterates for each column of the diagram, no two in the same half pixel."""
        columns = EPS[0] * (EPS[1] / EPS[0]) ** (np.arange(COLUMNS) / (COLUMNS - 1))
        eps, x = columns[:, None], np.full((COLUMNS, len(starts)), starts)
        for _ in range(STEPS):
            x = self.step(x, eta, eps)
        rows = []
        for _ in range(SHOWN):
            rows.append(np.floor(np.abs(x - self.at) / eta / TOP * ROWS + 0.5))
            x = self.step(x, eta, eps)
        pairs = [
            (e, row / ROWS * TOP)
            for e, found in zip(columns, np.stack(rows, axis=1), strict=True)
            for row in np.unique(found)
        ]
        return np.array(pairs)

    def _cycle(self, eta: float) -> Points:
        threshold = eta * self.curvature / 2
        first, last = np.log(EPS[0]), np.log(min(threshold, EPS[1]))
        eps = np.exp(first + (last - first) * np.arange(101) / 100)
        sizes = np.maximum(0.0, 0.5 - eps / (eta * self.curvature))
        end = [max(EPS[1], float(eps[-1])), 0.0 if threshold <= EPS[1] else float(sizes[-1])]
        return np.vstack([np.stack([eps, sizes], axis=1), [end]])

    def about(self) -> str:
        told, eta = self.numbers, number(self.eta)
        text = (
            f"The rule η g / (|g| + ε) with η = {eta}: below ε = {number(told['threshold'])} its "
        )
        text += "late iterates bounce, above it they converge. "
        if math.isnan(told["on the cycle"]):
            return text + f"At ε = {number(self.eps)} it converges to the minimiser."
        size = number(told["amplitude"])
        return text + f"At ε = {number(self.eps)} the two-cycle is {size} from the minimiser."

    def code(self) -> dict[str, dict[str, str]]:
        return {"step": traced(self.step, "x", "eta", "eps")}

    def more(self) -> dict[str, Any]:
        sizes = {"steps": STEPS, "shown": SHOWN, "seen": SEEN, "starts": STARTS}
        sizes |= {"columns": COLUMNS, "rows": ROWS}
        python = landscape_code(self.J)
        return {"at": self.at, "curvature": self.curvature, "python": python, **sizes}


def _half(multiplier: float) -> float:
    """Return in how many steps what is multiplied so in each of them halves."""
    if abs(multiplier) >= 1:
        return math.inf
    return math.log(0.5) / math.log(abs(multiplier)) if multiplier else 0.0
