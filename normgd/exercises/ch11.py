"""Checks of the exercises of chapter 11."""

from typing import Any

import numpy as np

from ..ops import sqrt
from ..rule import Rule
from . import Exercise

Array = Any

hand = Exercise(
    "steps",
    solution=[2.0, 0.0, 1.6],
    mistakes=[
        (
            [1.0, 0.0, 1 / np.sqrt(2)],
            "That is Adagrad: it adds the squares up and forgets nothing.",
        ),
        (
            [1.0, 0.0, 2 / np.sqrt(1.5625 / (1 - 0.75**3))],
            "You divided v by the sum of its weights. That is bias correction, which RMSProp does "
            "not have: its first step is longer than eta.",
        ),
        (
            [2 / np.sqrt(3), 0.0, 2 / np.sqrt(0.1875 + 3)],
            "You exchanged the weights: the fraction rho is what is kept of the memory, not what "
            "the new square gets.",
        ),
        (
            [2.0, 0.0, 1.28],
            "You divided by v. It is a mean of squares, so its root is a size of gradients.",
        ),
        (
            [2.0, 0.0, 2.0],
            "You let the memory forget the first gradient altogether when the second one came.",
        ),
        (
            [1.0, 0.0, 1.0],
            "That is the sign step, which has no memory.",
        ),
        (
            [2.0, 2 / np.sqrt(1.75), 2 / np.sqrt(2.3125)],
            "Those are the steps if the second gradient is 2 as well. It is 0, so there is nothing "
            "to step along, but the memory goes on fading.",
        ),
    ],
    praise="The first step is eta over the root of 1 - rho, as always.",
)


class _Split(Rule):
    rho: float
    eps_w: float
    eps_g: float

    def __call__(self, g: Array, v: Array, u: Array) -> tuple[Array, Array, Array]:
        v = self.rho * v + (1 - self.rho) * g**2
        step = sqrt((u + self.eps_w) / (v + self.eps_g)) * g
        return step, v, self.rho * u + (1 - self.rho) * step**2


class _OldGradients(_Split):
    def __call__(self, g: Array, v: Array, u: Array) -> tuple[Array, Array, Array]:
        step = sqrt((u + self.eps_w) / (v + self.eps_g)) * g
        v = self.rho * v + (1 - self.rho) * g**2
        return step, v, self.rho * u + (1 - self.rho) * step**2


class _OutsideTheRoots(_Split):
    def __call__(self, g: Array, v: Array, u: Array) -> tuple[Array, Array, Array]:
        v = self.rho * v + (1 - self.rho) * g**2
        step = (sqrt(u) + self.eps_w) / (sqrt(v) + self.eps_g) * g
        return step, v, self.rho * u + (1 - self.rho) * step**2


class _SquaresOfTheRate(_Split):
    def __call__(self, g: Array, v: Array, u: Array) -> tuple[Array, Array, Array]:
        v = self.rho * v + (1 - self.rho) * g**2
        rate = sqrt((u + self.eps_w) / (v + self.eps_g))
        return rate * g, v, self.rho * u + (1 - self.rho) * rate**2


class _NoStepsRemembered(_Split):
    def __call__(self, g: Array, v: Array, u: Array) -> tuple[Array, Array, Array]:
        v = self.rho * v + (1 - self.rho) * g**2
        return sqrt((u + self.eps_w) / (v + self.eps_g)) * g, v, u


_numbers = {"rho": 0.8, "eps_w": 0.01, "eps_g": 0.5}

split = Exercise(
    "Split",
    solution=_Split(**_numbers),
    cases=lambda rng: [
        [rng.normal(size=2) for _ in range(5)],
        [10 * rng.normal(size=3) for _ in range(4)],
    ],
    mistakes=[
        (
            _Split(rho=0.8, eps_w=0.5, eps_g=0.01),
            "You exchanged the two: eps_w has the unit of a squared step and belongs above.",
        ),
        (
            _Split(rho=0.8, eps_w=0.01, eps_g=0.01),
            "Your lower root has the upper root's constant.",
        ),
        (
            _Split(rho=0.8, eps_w=0.5, eps_g=0.5),
            "Your upper root has the lower root's constant.",
        ),
        (
            _OldGradients(**_numbers),
            "You step with the old memory of gradients. The present gradient belongs into v before "
            "the step; only u has to wait, because the step is not yet known.",
        ),
        (
            _OutsideTheRoots(**_numbers),
            "You added the constants to the roots. Each belongs under its root, in the unit of a "
            "square.",
        ),
        (
            _SquaresOfTheRate(**_numbers),
            "Your u remembers squares of the factor before g. It should remember squares of the "
            "steps, in the unit of w squared.",
        ),
        (
            _NoStepsRemembered(**_numbers),
            "Your u stays 0: it is returned as it came, and never hears of the steps.",
        ),
    ],
    praise="Each constant has a unit now, and can be converted.",
)

debug = Exercise(
    "half_lives",
    solution=np.log(0.5) / np.log([0.5, 0.9, 0.99]),
    mistakes=[
        (
            [1 / 0.5, 1 / 0.9, 1 / 0.99],
            "That is the textbook's formula. By it a longer memory would forget sooner.",
        ),
        (
            [2.0, 10.0, 100.0],
            "That is one over 1 - gamma, the length of a flat window with the same first weight. "
            "By then only about 1/e of the weight is left, less than a half.",
        ),
        (
            np.log(2) / np.array([0.5, 0.1, 0.01]),
            "That is the limit for gamma near 1, an upper bound. The factor is gamma at every "
            "step, not the exponential of gamma - 1.",
        ),
        (
            [1.0, 9.0, 99.0],
            "That is the mean age. Old gradients pull a mean up more than they do a median.",
        ),
        (
            np.log([0.5, 0.9, 0.99]) / np.log(0.5),
            "Turned round: that is how many halvings there are in a step.",
        ),
    ],
    praise="It grows without bound as gamma tends to 1.",
    tolerance=2e-4,
)
