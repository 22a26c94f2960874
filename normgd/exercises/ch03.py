"""Checks of the exercises of chapter 3."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import brentq

from ..functions import Function, power
from . import Exercise

slope = Exercise(
    "distances",
    solution=[3 / 50, 3 / 2],
    mistakes=[
        (
            [3 / 25, 3.0],
            "You took the coefficients for the curvatures. The second derivative of a square is "
            "twice its coefficient.",
        ),
        (
            [3 / 2, 3 / 50],
            "Both are right, in the other order: where the curvature is large, a short way makes "
            "the slope.",
        ),
        (
            [3 * 2, 3 * 50],
            "You multiplied. A slope is curvature times distance, so a distance is slope divided "
            "by curvature.",
        ),
        ([3.0, 3.0], "That would be so if all curvatures were 1: a slope is not a distance."),
        (
            [0.0, 3 / 2],
            "At the distance 0 the gradient is 0. What is the steepest way to a slope of 3?",
        ),
    ],
    praise="A factor of 25 between them, which is kappa.",
)

linear = Exercise(
    "reach",
    solution=brentq(lambda r: np.sin(r) - 0.99 * r, 0.01, 1.0),
    mistakes=[
        (
            0.02,
            "You used the bound with the third derivative at its largest. It holds, but the third "
            "derivative is 0 at the minimum, and the error is of third order.",
        ),
        (
            np.sqrt(0.02),
            "You solved r^2 / 2 = 0.01. That belongs to 1 - cos r, or to the bound with M = r; the "
            "question is about sin r itself.",
        ),
        (
            0.06 ** (1 / 3),
            "The error r^3/6 is to be 1 % of r, not 1 %.",
        ),
        (
            np.degrees(brentq(lambda r: np.sin(r) - 0.99 * r, 0.01, 1.0)),
            "That is in degrees; the derivative of the sine is the cosine in radians only.",
        ),
    ],
    tolerance=5e-3,
    praise="The error is of third order here, because J is even.",
)

cycle = Exercise(
    "two_cycle(p, alpha)",
    solution=lambda p, alpha: (p * alpha / 2) ** (1 / (2 - p)),
    cases=lambda rng: [
        *((p, alpha) for p in (1.0, 1.25, 1.5, 1.9) for alpha in (0.3, 0.01)),
        (1.7, float(rng.uniform(0.1, 1))),
    ],
    mistakes=[
        (
            lambda p, alpha: (p * alpha) ** (1 / (2 - p)),
            "From there one step lands exactly on 0: the step equals the distance. To come out at "
            "the same distance on the other side it must be twice as long.",
        ),
        (
            lambda p, alpha: 2 * (p * alpha / 2) ** (1 / (2 - p)),
            "That is the width of the cycle, from one of its points to the other.",
        ),
        (
            lambda p, alpha: (p * alpha / 2) ** (2 - p),
            "Check the exponent: which power of a is left when you have divided, and how to come "
            "from that power to a itself?",
        ),
        (
            lambda p, alpha: alpha / 2,
            "That is the cycle of a step of constant length. Here the length depends on a.",
        ),
        (
            lambda p, alpha: 9 / 16 * alpha**2,
            "That is the cycle for p = 3/2 only.",
        ),
    ],
    praise="At p = 1 it is half a step.",
)


def _flatness(shift: float, upside_down: bool = False) -> Callable[[Any, float, float], Any]:
    def exponent(J: Any, near: float, far: float) -> Any:
        slopes = [abs(J.grad(np.array([x]))[0]) for x in (near, far)]
        ratio = np.log(slopes[1] / slopes[0]) / np.log(far / near)
        return shift + (1 / ratio if upside_down else ratio)

    return exponent


def _of_values(J: Any, near: float, far: float) -> Any:
    return np.log(J(np.array([far])) / J(np.array([near]))) / np.log(far / near) + 1


def _one_point(J: Any, near: float, far: float) -> Any:
    return 1 + np.log(abs(J.grad(np.array([near]))[0])) / np.log(near)


def _scaled(p: float, c: float) -> Function:
    flat = power(p)
    return Function(lambda w: c * flat(w), dim=1)


flatness = Exercise(
    "exponent(J, near, far)",
    solution=_flatness(1.0),
    cases=lambda rng: [
        (_scaled(p, float(rng.uniform(0.1, 10))), 1e-3, 1e-2) for p in (1.0, 1.5, 2.0, 4.0)
    ],
    mistakes=[
        (
            _flatness(0.0),
            "That is the exponent of the gradient, which has one power less than J.",
        ),
        (
            _one_point,
            "From one point you cannot tell a flat landscape from a small c. Use both points: in "
            "their ratio c drops out.",
        ),
        (
            _of_values,
            "One too many. Have you used the values of J? They have the exponent p itself, and the "
            "gradient has one power less.",
        ),
        (
            _flatness(1.0, upside_down=True),
            "Your quotient is upside down: which of the two logarithms grows with p?",
        ),
    ],
    praise="And whatever the unit of J is.",
)

_SLOW, _STEADY, _BOUNCE = "converges ever more slowly", "gains digits steadily", "bounces"
_FATES = {1: _BOUNCE, 1.2: _BOUNCE, 1.9: _BOUNCE, 2: _STEADY, 2.5: _SLOW, 10: _SLOW}

fates = Exercise(
    "fates",
    solution=_FATES,
    mistakes=[
        (
            _FATES | {1.2: _STEADY, 1.9: _STEADY},
            "You let it land wherever the gradient fades. What is the step as a fraction of the "
            "distance, for p below 2?",
        ),
        (
            _FATES | {1.2: _SLOW, 1.9: _SLOW},
            "Below p = 2 the gradient fades more slowly than the distance: the steps become too "
            "long for their distance, not too short.",
        ),
        (
            _FATES | {1.9: _STEADY},
            "For p = 1.9 the cycle is too small to be seen in floats with a small alpha, but it is "
            "there.",
        ),
        (
            _FATES | {2.5: _STEADY, 10: _STEADY},
            "Above p = 2 each step covers a smaller fraction of the way than the one before.",
        ),
        (
            _FATES | {2.5: _BOUNCE, 10: _BOUNCE},
            "A flat bottom makes steps shorter than the distance, so it does not jump across.",
        ),
    ],
    praise="Only in proportion to the distance is it just right.",
)
