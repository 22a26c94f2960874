"""Checks of the exercises of chapter 14."""

from typing import Any

import numpy as np

from . import Exercise

hand = Exercise(
    "answer",
    solution={"long": 0.52, "short": 25 / 73, "w2": [1.44, 1.08]},
    mistakes=[
        (
            {"long": 25 / 73, "short": 0.52, "w2": [3 - 75 / 73, -1 + 100 / 73]},
            "The long one is the larger of the two, by the Cauchy-Schwarz inequality.",
        ),
        (
            {"long": -13, "short": -1 / 25, "w2": [42, -53]},
            "You compared the displacement with the new gradient. A curvature is how much the "
            "gradient has changed on the way.",
        ),
        (
            {"long": 0.52, "short": 25 / 73, "w2": [3 - 75 / 73, -1 + 100 / 73]},
            "Both sizes are right, and then you took the short one.",
        ),
        (
            {"long": 0.52, "short": 25 / 73, "w2": [1.5, -1.0]},
            "Both sizes are right, but the second step is still one of size 1/2. What was measured "
            "on the first step is for the second.",
        ),
    ],
    praise="And J has fallen from 20 to 6.5 and 3.37.",
)


def _cases(rng: np.random.Generator) -> list[Any]:
    return [(rng.normal(size=(n, d)), rng.normal(size=(n, d))) for n, d in ((2, 1), (5, 3), (9, 4))]


def _bound(w: Any, g: Any) -> Any:
    return np.sum(g * (w[0] - w)) / np.linalg.norm(g.sum(axis=0))


bound = Exercise(
    "distance_bound",
    solution=_bound,
    cases=_cases,
    mistakes=[
        (
            lambda w, g: -_bound(w, g),
            "The sign is turned round. From where you started, the minimiser lies on the side to "
            "which the steps go, against the gradients.",
        ),
        (
            lambda w, g: np.sum(g * (w[0] - w)) / np.linalg.norm(g, axis=1).sum(),
            "You divided by the sum of the lengths. That is a bound as well, but a weaker one: "
            "gradients that cancel say more.",
        ),
        (
            lambda w, g: -np.sum(g * w) / np.linalg.norm(g.sum(axis=0)),
            "You measured from the origin. The distance that is wanted is that from the start.",
        ),
        (
            lambda w, g: np.sum(g * (w[0] - w)) / np.sqrt(np.sum(g * g)),
            "You divided by the root of the sum of squares. In the proof it is the sum of the "
            "gradients, one vector, that meets the way to the minimiser.",
        ),
    ],
    praise="It is never above the distance, if J is convex and the gradients are exact.",
)

FIRST = {"m": 4e-6, "nm": 1e-15 * (1 + 3e9), "km": 1e-3 * (1 + 3e-3)}

debug = Exercise(
    "first",
    solution=FIRST,
    tolerance=1e-4,
    mistakes=[
        (
            {"m": 4e-6, "nm": 4e-6, "km": 4e-6},
            "You converted the metres' answer. The program does not know which unit it is in: it "
            "adds 1 to whatever number stands for the length.",
        ),
        (
            {"m": 4e-6, "nm": 1e-6 * (1 + 3e9), "km": 1e-6 * (1 + 3e-3)},
            "These are the numbers in each unit. Convert them to metres, to see whether they are "
            "the same length.",
        ),
        (
            {"m": 3e-6, "nm": 3e-6, "km": 3e-6},
            "You left the 1 out. Without it the three would agree, and a start at the origin would "
            "never be left.",
        ),
        (
            {"m": 1e-6, "nm": 1e-6, "km": 1e-6},
            "That is reps_rel itself, a pure number. The seed is reps_rel times a length.",
        ),
    ],
    praise="Three descriptions of one problem, and one of them starts 250 times as fast.",
)
