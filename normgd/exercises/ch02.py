"""Checks of the exercises of chapter 2."""

from typing import Any

import numpy as np

from ..functions import least_squares, quadratic, rosenbrock
from . import Exercise

_UNITS = {
    "L": "J/w^2",
    "kappa": "1",
    "eta": "w",
    "beta": "1",
    "alpha": "w^2/J",
    "eps": "J/w",
    "lambda": "J/w^2",
}

units = Exercise(
    "units",
    solution=_UNITS,
    mistakes=[
        (
            _UNITS | {"eps": "1"},
            "A small number is not a pure number: eps is added to a norm of the gradient, so it "
            "must have that norm's unit.",
        ),
        (
            _UNITS | {"eta": "w^2/J"},
            "That is the unit of a size that multiplies a gradient. eta multiplies g/||g||, from "
            "which the unit has been divided out.",
        ),
        (
            _UNITS | {"lambda": "1"},
            "lambda ||w||^2 is added to J, so lambda cannot be a pure number unless w^2 and J have "
            "the same unit.",
        ),
        (
            _UNITS | {"kappa": "J/w^2"},
            "kappa is the quotient of two curvatures: what happens to their unit?",
        ),
        (
            _UNITS | {"beta": "w^2/J", "alpha": "1"},
            "m is a sum of gradients and beta m is added to a gradient; the one that turns m into "
            "a change of w is the other letter.",
        ),
    ],
    praise="Each letter with its unit: now the formulas check themselves.",
)

translate = Exercise(
    "translate(alpha, c, sigma)",
    solution=lambda alpha, c, sigma: alpha / (c * sigma**2),
    cases=lambda rng: [tuple(rng.uniform(0.1, 10, size=3)) for _ in range(4)],
    mistakes=[
        (
            lambda alpha, c, sigma: alpha * c * sigma**2,
            "That is the way from your units back to theirs: a steeper cost needs a smaller step "
            "size.",
        ),
        (
            lambda alpha, c, sigma: alpha / (c * sigma),
            "sigma enters the gradient once, by the chain rule. It enters once more when the step "
            "in z is turned into a step in w.",
        ),
        (
            lambda alpha, c, sigma: alpha / c,
            "That undoes the unit of J. The weights have changed their unit, too.",
        ),
        (
            lambda alpha, c, sigma: alpha * sigma**2 / c,
            "If w = sigma z with a large sigma, then z moves over few units and its bowl is steep: "
            "on which side does sigma belong?",
        ),
        (
            lambda alpha, c, sigma: alpha / sigma,
            "So a step length is translated. A step size multiplies a gradient, which changes with "
            "c and sigma itself.",
        ),
    ],
    praise="It keeps alpha times L.",
)

nearer = Exercise(
    "nearer",
    solution={"metres": "gd", "centimetres": "ngd"},
    mistakes=[
        (
            {"metres": "gd", "centimetres": "gd"},
            "You expect that a unit changes nothing. In centimetres the slope is a hundredth, and "
            "the distance a hundred times as large: how far does a step of gd(0.1) go?",
        ),
        (
            {"metres": "ngd", "centimetres": "ngd"},
            "In metres, how far can 60 steps of length 0.1 get, and by what factor does gd(0.1) "
            "shrink the distance at each step?",
        ),
        (
            {"metres": "ngd", "centimetres": "gd"},
            "The other way round: have you exchanged the two landscapes?",
        ),
    ],
    praise="The winner was chosen by the unit.",
)

_AREA = np.random.default_rng(2).uniform(40, 160, size=60)


def _tools(unit: Any, steps: Any) -> dict[str, float]:
    return {"unit": float(unit), "steps": float(steps)}


_KAPPA = 43.5
_STEPS = np.log(0.1) / np.log((_KAPPA - 1) / (_KAPPA + 1))
_RMS = np.sqrt(np.mean(_AREA**2))

tools = Exercise(
    "tools",
    solution=_tools(_RMS, _STEPS),
    mistakes=[
        (
            _tools(np.mean(_AREA), _STEPS),
            "The unit is the mean. That makes the entries beside the diagonal 1, but the trace of "
            "the Hessian is not what it could be.",
        ),
        (
            _tools(np.std(_AREA), _STEPS),
            "The unit is the standard deviation, which is best only after the mean has been "
            "subtracted.",
        ),
        (
            _tools(np.mean(_AREA**2), _STEPS),
            "The unit is a mean of squares, in square units; a unit of a must be like a.",
        ),
        (
            _tools(_RMS, np.log(0.1) / np.log(1 - 1 / _KAPPA)),
            "Your number of steps is that of alpha = 1/L, where the slowest component shrinks by "
            "1 - 1/kappa; the best alpha does better.",
        ),
        (
            _tools(_RMS, _STEPS / 2),
            "Your number of steps gains a digit in J, which is the square of a distance; a digit "
            "of the distance takes more.",
        ),
    ],
    tolerance=1e-3,
    praise="Root mean square, and some 50 steps a digit.",
)

newton = Exercise(
    "newton(J, w)",
    solution=lambda J, w: w - np.linalg.solve(J.hess(w), J.grad(w)),
    cases=lambda rng: [
        (quadratic([1, 30], angle=0.5, minimiser=(1.0, 2.0)), rng.normal(size=2)),
        (rosenbrock, np.array([-1.2, 1.0])),
        (least_squares(rng.normal(size=(9, 3)), rng.normal(size=9)), rng.normal(size=3)),
    ],
    mistakes=[
        (
            lambda J, w: w + np.linalg.solve(J.hess(w), J.grad(w)),
            "It steps uphill: the sign.",
        ),
        (
            lambda J, w: w - J.hess(w) @ J.grad(w),
            "You multiply by the curvature instead of dividing by it. Check the unit: H g is not "
            "like w.",
        ),
        (
            lambda J, w: w - J.grad(w) / np.diag(J.hess(w)),
            "You divide by the diagonal only, which is right if the coordinates do not interact.",
        ),
        (
            lambda J, w: np.linalg.solve(J.hess(w), J.grad(w)),
            "That is the step. Where does it lead to from w?",
        ),
        (
            lambda J, w: w - J.grad(w) / np.linalg.norm(J.hess(w), 2),
            "That is gradient descent with one over the largest curvature: one number where "
            "Newton's method uses the matrix.",
        ),
    ],
    praise="Whatever the units, the same point.",
)
