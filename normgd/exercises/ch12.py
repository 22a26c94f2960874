"""Checks of the exercises of chapter 12."""

from fractions import Fraction

import numpy as np

from . import Exercise

hand = Exercise(
    "steps",
    solution=[1, 1, -1 / 7],
    mistakes=[
        (
            [1 / np.sqrt(2), 1.5 / np.sqrt(3), -0.25 / np.sqrt(3.5)],
            "These are the averages without their corrections. Both started at 0: what do their "
            "weights add up to?",
        ),
        (
            [1, 1, -1],
            "That is the sign of the last gradient, Adam without memory. The third average still "
            "holds the first two gradients.",
        ),
        (
            [1, 3 / np.sqrt(6), -0.5 / np.sqrt(7)],
            "Every average has been divided by 1 - 1/2. The correction is another one at each "
            "step, and it fades.",
        ),
        (
            [-1, -1, 1 / 7],
            "The sign: asked for is what is subtracted from w, and that has the sign of the mean "
            "gradient.",
        ),
        (
            [2, 2, Fraction(-2, 7)],
            "That is the corrected mean of the gradients. It has yet to be divided by the root of "
            "the mean square.",
        ),
    ],
    praise="The third gradient contradicts the others, and the step is short.",
)


def _longest(beta1: float, beta2: float) -> float:
    """Return the largest number of lengths eta that a step of Adam can have."""
    q = beta1**2 / beta2
    return (1 - beta1) / np.sqrt((1 - beta2) * (1 - q)) if q < 1 else np.inf


def _paper(beta1: float, beta2: float) -> float:
    """Return the bound of the Adam paper's section 2.1."""
    spike = (1 - beta1) / np.sqrt(1 - beta2)
    return max(1.0, spike)


bound = Exercise(
    "longest",
    solution=_longest,
    cases=lambda rng: [(0.9, 0.999), (0.9, 0.99), (0.5, 0.5), (0.0, 0.9), (0.9, 0.5), (0.9, 0.95)],
    mistakes=[
        (
            _paper,
            "That is the paper's bound. It holds for a single gradient after zeros; can several "
            "growing gradients not do better?",
        ),
        (
            lambda beta1, beta2: (1 - beta1) / np.sqrt(1 - beta2),
            "That is the step after a lone spike. Spread the weight over several recent gradients.",
        ),
        (
            lambda beta1, beta2: _longest(beta1, beta2) if beta1**2 < beta2 else np.nan,
            "It is not a number where the formula has no meaning. What do the longest steps do "
            "there, as the run gets longer?",
        ),
        (
            lambda beta1, beta2: _longest(beta1, beta2) ** 2,
            "That is the square of it: Cauchy and Schwarz bound the square of the sum.",
        ),
        (
            lambda beta1, beta2: 1.0,
            "A quotient of two averages of the same numbers is at most 1 only if both have the "
            "same weights.",
        ),
    ],
    praise="It is 1 only where the two memories are equal.",
)


debug = Exercise(
    "found",
    solution={"printed": 1.11, "meant": 1 + 0.3 / 3.01, "never": "nan", "shift": 10},
    mistakes=[
        (
            {"printed": 1 + 0.3 / 3.01, "meant": 1 + 0.3 / 3.01, "never": "stays", "shift": 0},
            "The printed line has been read as it was meant. Python divides before it adds.",
        ),
        (
            {"printed": 1.11, "meant": 1 + 0.3 / 3.01, "never": "drifts", "shift": 10},
            "The drift is there for every weight that is a number. But what is 0 divided by the "
            "root of 0?",
        ),
        (
            {"printed": 1.11, "meant": 1 + 0.3 / 3.01, "never": "nan", "shift": 0.01},
            "One step is shifted by eps. The next starts from there and is shifted again.",
        ),
        (
            {"printed": 0.91, "meant": 1 - 0.3 / 3.01, "never": "nan", "shift": 10},
            "The gradient is negative: minus eta times the sign leads upwards.",
        ),
        (
            {"printed": 1.09, "meant": 1 + 0.3 / 3.01, "never": "nan", "shift": -10},
            "The minus sign belongs to the fraction alone; eps is added.",
        ),
    ],
    praise="Whoever checks the units finds it: eps is no length.",
    tolerance=1e-4,
)
