"""Checks of the exercises of chapter 10."""

from typing import Any

import numpy as np

from ..ops import norm, ratio, sign, sqrt
from ..rule import Rule
from . import Exercise

hand = Exercise(
    "steps",
    solution=[1, 4 / 5, -12 / 13, 0],
    mistakes=[
        (
            [1, 1, -1, 0],
            "You divided each gradient by its own size and forgot the earlier ones: that is the "
            "sign rule.",
        ),
        (
            [3 / 3, 4 / 7, -12 / 19, 0],
            "You added up sizes. The divisor is the root of the sum of the squares.",
        ),
        (
            [1, 4 / 5, 12 / 13, 0],
            "The divisor is positive, but a step has the sign of its gradient.",
        ),
        (
            [1 / 3, 4 / 25, -12 / 169, 0],
            "You divided by the sum of squares and forgot the root: then the unit of the gradient "
            "does not cancel.",
        ),
        (
            [1, 4 / np.sqrt(25 / 2), -12 / np.sqrt(169 / 3), 0],
            "You divided by the root of the mean square. Adagrad adds up and does not average: "
            "that is what shortens its steps.",
        ),
        (
            [3, 4 / 3, -12 / 5, 0],
            "You divided by the history before the gradient. The current one belongs to its own "
            "divisor.",
        ),
    ],
    praise="And so they are for gradients a thousand times as large.",
)


class _Adagrad(Rule):
    eta: float = 0.5

    def __call__(self, g: Any, v: Any) -> Any:
        v = v + g * g
        return self.eta * ratio(g, sqrt(v)), v


class _Whole(_Adagrad):
    def __call__(self, g: Any, v: Any) -> Any:
        v = v + norm(g) ** 2
        return self.eta * ratio(g, sqrt(v)), v


class _Memoryless(_Adagrad):
    def __call__(self, g: Any, v: Any) -> Any:
        return self.eta * sign(g), v


class _Late(_Adagrad):
    def __call__(self, g: Any, v: Any) -> Any:
        return self.eta * ratio(g, sqrt(v)), v + g * g


class _Guarded(_Adagrad):
    def __call__(self, g: Any, v: Any) -> Any:
        v = v + g * g
        return self.eta * g / (sqrt(v) + 1e-8), v


class _Rootless(_Adagrad):
    def __call__(self, g: Any, v: Any) -> Any:
        v = v + g * g
        return self.eta * ratio(g, v), v


def _gradients(rng: np.random.Generator) -> list[Any]:
    return [
        rng.normal(size=(6, 3)),
        [[0.0, 3.0], [0.0, 4.0], [2.0, -12.0]],
        1e-12 * rng.normal(size=(4, 2)),
    ]


code = Exercise(
    "Mine",
    solution=_Adagrad(),
    cases=_gradients,
    mistakes=[
        (
            _Whole(),
            "Your divisor is the norm of the whole vector's history. That is Adagrad-norm; here "
            "each coordinate has its own.",
        ),
        (
            _Memoryless(),
            "Your steps do not depend on earlier gradients. Is the new v returned, and does it "
            "contain the old one?",
        ),
        (
            _Late(),
            "You divided before adding the current square, so the first step is divided by "
            "nothing.",
        ),
        (
            _Guarded(),
            "It is right for gradients of ordinary size, but there is a small number in your "
            "divisor that is large compared with 1e-12.",
        ),
        (_Rootless(), "You divided by the sum of the squares, without the root."),
    ],
    praise="The safety constant that everybody adds was not needed.",
)

SEES = {
    "1000 J": True,
    "J + 7": True,
    "log J": False,
    "gradient of w1 times 1000": True,
    "first gradient times 1000": False,
    "turned by 45 degrees": False,
    "millimetres": False,
}

sees = Exercise(
    "same",
    solution=SEES,
    mistakes=[
        (
            {**SEES, "first gradient times 1000": True},
            "You took the quotation at its word. A factor cancels if all gradients have it; this "
            "one stands in the divisor alone from the second step on.",
        ),
        (
            {**SEES, "log J": True},
            "The unit step would not see it. But log J divides each gradient by another number, "
            "the value of J at that time, and those numbers meet in one sum.",
        ),
        (
            {**SEES, "gradient of w1 times 1000": False},
            "Look at the coordinate w1 alone: all of its history is multiplied by one number.",
        ),
        (
            {**SEES, "turned by 45 degrees": True},
            "A turn mixes the coordinates, and each of them has an accumulator of its own. (For "
            "Adagrad-norm you would be right.)",
        ),
        (
            {**SEES, "millimetres": True},
            "The gradient's unit cancels, but the step is eta times a pure number. In which unit "
            "is eta?",
        ),
        (
            dict.fromkeys(SEES, False),
            "It is not as blind as the unit step, but something does cancel in g divided by the "
            "root of a sum of squares of g.",
        ),
    ],
    praise="What cancels is one factor for each coordinate, common to all times.",
)


RATES = {"slow": [0.3209, 1.0], "steep": [0.5266, 1.0]}  # a test runs the textbook's example

debug = Exercise(
    "the factor",
    solution=RATES,
    tolerance=0.01,
    mistakes=[
        (
            {"slow": [0.2182, 0.5], "steep": [0.2182, 0.5]},
            "Those are the factors of a rate that falls like one over the root of t + 1. Run it "
            "and look.",
        ),
        (
            {name: [early, 0.5] for name, (early, _) in RATES.items()},
            "Between step 1000 and step 4000 you did not measure but believed the textbook.",
        ),
        (
            {"slow": RATES["steep"], "steep": RATES["slow"]},
            "You have exchanged the coordinates: x1 is the one with the curvature 0.2.",
        ),
        (
            {name: [early**2, 1.0] for name, (early, _) in RATES.items()},
            "The rate has the root of the accumulator in its divisor.",
        ),
    ],
    praise="Without noise the rate stops falling.",
)
