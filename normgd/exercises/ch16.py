"""Checks of the exercises of chapter 16."""

from typing import Any

import numpy as np

from ..functions import himmelblau
from ..path import descend
from ..rules import gd, ngd
from . import Exercise

_VERDICTS = {
    "a": "half-true",
    "b": "false",
    "c": "true",
    "d": "false",
    "e": "false",
    "f": "true",
}

verdicts = Exercise(
    "verdicts",
    solution=_VERDICTS,
    mistakes=[
        (
            _VERDICTS | {"a": "true"},
            "(a): is there no start at all from which it hits the minimiser exactly?",
        ),
        (
            _VERDICTS | {"a": "false"},
            "(a): from a few starts it does come to rest. And from all the others?",
        ),
        (
            _VERDICTS | {"b": "true"},
            "(b): you think of lengths that stay the same. Those in the sentence are fixed in "
            "advance, but they may differ.",
        ),
        (
            _VERDICTS | {"c": "false"},
            "(c): write down g / ||g|| for the gradient 1000 g.",
        ),
        (
            _VERDICTS | {"d": "true"},
            "(d): an average is not kept by a division by each sample's own norm. Which point does "
            "the sign of w - a, for samples a, lead to?",
        ),
        (
            _VERDICTS | {"d": "half-true"},
            "(d) says: whatever the noise. So an example against it is enough.",
        ),
        (
            _VERDICTS | {"e": "true"},
            "(e): near the minimum the norm is smaller than any eps, and then the rule is gradient "
            "descent with the step size eta / eps.",
        ),
        (
            _VERDICTS | {"e": "half-true"},
            "(e): you think that a small enough eps changes nothing. Without it the final cycle "
            "depends on the start. Does it with any eps at all?",
        ),
        (
            _VERDICTS | {"f": "half-true"},
            "(f) mentions its condition. What does the descent lemma say of alpha = 1/L?",
        ),
    ],
    praise="Six verdicts that a test would back.",
)


_MINIMA = np.array(himmelblau.minimisers)
_RULES = (gd(0.01), ngd(0.1))


def _ends(start: Any) -> list[Any]:
    return [descend(himmelblau, start, rule, steps=200).last for rule in _RULES]


def _away(end: Any) -> Any:
    return np.hypot(*(end - _MINIMA).T)


def _parted(start: Any) -> bool:
    one, other = (int(np.argmin(_away(end))) for end in _ends(start))
    return one != other


valleys = Exercise(
    "parted(start)",
    solution=_parted,
    cases=lambda rng: [
        ((5.5, 5.5),), ((1.1, -5.3),), ((0.3, -1.3),), ((-5.2, -5.6),), ((3.1, 2.2),),
        ((-2.5, 3.4),), ((4.7, 5.7),), ((-4.4, 4.9),), ((0.4, 4.6),),
    ],
    mistakes=[
        (
            lambda start: not _parted(start),
            "The other way round: True is for two different minima.",
        ),
        (
            lambda start: not np.array_equal(*_ends(start)),
            "You compare the points themselves. The unit step keeps stepping about its minimum, so "
            "they are never equal, even in one valley.",
        ),
        (
            lambda start: abs(np.subtract(*(himmelblau(end) for end in _ends(start)))) > 0.5,
            "You compare values of J. It is 0 at all four minima: the value does not say which of "
            "them it is.",
        ),
        (
            lambda start: int(np.argmin(_away(start))) != int(np.argmin(_away(_ends(start)[0]))),
            "You ask whether gradient descent leaves the valley nearest to the start. The question "
            "is about the ends of two runs.",
        ),
    ],
    praise="Same landscape, same start, and the rule decides which minimum is found.",
)  # fmt: skip

_MENDED = {
    "reach": 2.0,
    "0.99^t": "no",
    "1/(t+1)": "yes",
    "1/sqrt(t+1)": "yes",
    "1/(t+1)^2": "no",
}

mend = Exercise(
    "mended",
    solution=_MENDED,
    mistakes=[
        (
            _MENDED | {"reach": 1.0},
            "reach: 1 is the length of the first step. How far do all of them lead together?",
        ),
        (
            _MENDED | {"reach": np.inf},
            "reach: the lengths tend to 0 so fast that their sum is finite.",
        ),
        (
            _MENDED | {"0.99^t": "yes"},
            "0.99^t reaches far. Does it reach every start?",
        ),
        (
            _MENDED | {"1/(t+1)^2": "yes"},
            "1/(t+1)^2 tends to 0, and its sum?",
        ),
        (
            _MENDED | {"1/sqrt(t+1)": "no"},
            "1/sqrt(t+1): you may be asking for a finite sum of the squares. On a line, and for "
            "convex functions, that is not needed.",
        ),
        (
            _MENDED | {"0.99^t": "yes", "1/(t+1)^2": "yes"},
            "That the single lengths tend to 0 is needed and not enough: somebody may start at a "
            "distance of a million.",
        ),
        (
            _MENDED | {"1/(t+1)": "no", "1/sqrt(t+1)": "no"},
            "You expect that lengths with an infinite sum run away. Each step goes towards 0 or "
            "across it, and never ends farther from it than the longer of the two: the distance "
            "before, the length of the step.",
        ),
    ],
    praise="To zero, but not too fast.",
)
