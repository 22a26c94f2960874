"""Checks of the exercises of chapter 4."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..functions import quadratic
from ..ops import absolute, maximum, norm, unit
from ..path import descend
from ..rule import Rule
from ..rules import gd, ngd
from . import Exercise

hand = Exercise(
    "the cycle",
    solution=[-0.35, 0.40],
    mistakes=[
        (
            [-0.35, 0.35],
            "You expect a cycle to be symmetric. Its two points must be one step apart.",
        ),
        (
            [-0.375, 0.375],
            "You expect every cycle to be half a step to either side. That is the one from a "
            "special start; yours keeps the remainder of its own start.",
        ),
        (
            [-0.40, 0.35],
            "The distances are right and the sides are not: count on which side it is before it "
            "jumps across for the first time.",
        ),
        (
            [-1.10, -0.35],
            "It does not turn round before the minimum. On its side of it the sign of the slope is "
            "the same, so it goes on.",
        ),
        (
            [-0.75, 0.75],
            "You take the length of a step for the distance at which it ends. The length is how "
            "far apart the two points are.",
        ),
        (
            [-0.35, 1.15],
            "That step is twice as long as the rule allows.",
        ),
    ],
    praise="One step apart, as the two points of a cycle must be.",
)


def _by_the_largest(g: Any) -> Any:
    largest = np.abs(g).max()
    return g / largest if largest else g


code = Exercise(
    "my_unit(g)",
    solution=unit,
    cases=lambda rng: [
        (rng.normal(size=2),),
        (rng.normal(size=3),),
        (np.array([3e-200, 4e-200]),),
        (np.array([3e200, 4e200]),),
        (np.zeros(2),),
    ],
    mistakes=[
        (
            lambda g: unit(g) if g.any() else g + np.nan,
            "At g = 0 you compute 0/0. The rule stays there, so its direction is 0 by convention.",
        ),
        (
            lambda g: g / np.sqrt((g * g).sum()) if g.any() else g,
            "For tiny and for huge coordinates the squares leave the range of floats: they become "
            "0 or infinite, though the direction is an ordinary one.",
        ),
        (
            lambda g: g / np.sqrt((g * g).sum()),
            "You divide by the root of a sum of squares. The squares of tiny numbers are 0 and "
            "those of huge ones are infinite; and what happens at g = 0?",
        ),
        (
            lambda g: g / np.sqrt((g * g).sum() + 1e-8),
            "Your small constant avoids 0/0, but it is added to a square that is smaller or larger "
            "by far: a tiny gradient now has no direction.",
        ),
        (
            lambda g: unit(g) / np.linalg.norm(g) if g.any() else g,
            "You divide by the square of the norm, so the step grows as the gradient fades.",
        ),
        (
            _by_the_largest,
            "You divide by the largest coordinate: that is a unit vector of another norm.",
        ),
        (np.sign, "You take the sign of each coordinate: the length of that is the root of d."),
    ],
    praise="It works wherever a gradient can be written down as floats.",
)


def _cycle_rates(curvature: float, eta: float, x0: float) -> np.ndarray:
    remainder = np.mod(abs(x0), eta)
    return eta / (curvature * np.array([remainder, eta - remainder]))


rate = Exercise(
    "mean_rate(curvature, eta, x0)",
    solution=lambda curvature, eta, x0: 2 / curvature,
    cases=lambda rng: [
        (float(curvature), float(eta), float(x0))
        for curvature, eta, x0 in rng.uniform((0.5, 0.02, 1.0), (8.0, 0.3, 2.0), size=(4, 3))
    ],
    mistakes=[
        (
            lambda *case: np.mean(_cycle_rates(*case)),
            "That is the arithmetic mean of the two rates. It depends on the start; the harmonic "
            "mean does not.",
        ),
        (
            lambda *case: np.sqrt(np.prod(_cycle_rates(*case))),
            "That is the geometric mean of the two rates, which depends on the start.",
        ),
        (
            lambda curvature, eta, x0: 1 / curvature,
            "That is one over the sum of the inverse rates: the mean of two numbers has a factor "
            "of two.",
        ),
        (
            lambda curvature, eta, x0: curvature / 2,
            "That is the mean of the inverse rates. Turn it round again.",
        ),
        (
            lambda curvature, eta, x0: 2 * eta / curvature,
            "You left out the length in the rate: alpha_t is eta over the slope, and the two "
            "distances add up to eta.",
        ),
    ],
    praise="Neither eta nor the start is in it.",
)

GRID = np.geomspace(1e-6, 1e2, 1601)  # 200 to a decade


def _decades(
    end: Callable[[Any], Any], relative: bool = True, per_decade: float = 200
) -> dict[str, list[float]]:
    """Return for gd and ngd over how many decades of the rate ``end(J)`` is low enough."""
    counts = {}
    for rule in (gd(alpha=GRID), ngd(eta=GRID)):
        J = descend(quadratic([1, 10]), (10.2, 1.0), rule, steps=100).J
        gap = np.nan_to_num(end(J), nan=np.inf) / (J[0] if relative else 1.0)
        counts[type(rule).__name__] = [
            float(np.sum(gap <= 10.0**-k) / per_decade) for k in range(1, 7)
        ]
    return counts


def _worse_of_two(J: Any) -> Any:
    return J[-2:].max(axis=0)


tune = Exercise(
    "the table of decades",
    solution=_decades(_worse_of_two),
    mistakes=[
        (
            _decades(lambda J: np.nanmin(J, axis=0)),
            "You judge each run by its best value. A method that visits a good point and leaves it "
            "again does not end there.",
        ),
        (
            _decades(lambda J: J[-1]),
            "You take the last value alone. The unit step alternates, and whether the lower or the "
            "higher of its two values comes last is chance.",
        ),
        (
            _decades(_worse_of_two, relative=False),
            "You compare with the powers of ten themselves. They are fractions of the value at the "
            "start.",
        ),
        (
            _decades(_worse_of_two, per_decade=200 / np.log(10)),
            "You measure the range by the natural logarithm. A decade is a factor of ten.",
        ),
        (
            dict(zip(("ngd", "gd"), _decades(_worse_of_two).values(), strict=True)),
            "You have exchanged the two rules.",
        ),
    ],
    praise="Now compare what each further digit costs the two rules.",
    tolerance=0.02,
)

debug = Exercise(
    "landing",
    solution=10,
    mistakes=[
        (
            100,
            "You trust the printed example. From most of these starts a remainder is left, and the "
            "orbit alternates for ever.",
        ),
        (
            1,
            "The printed start is not the only one: others on the way are whole numbers of steps "
            "from the minimum, too.",
        ),
        (
            0,
            "That is what floats make of it, where a tenth is not a tenth. In exact arithmetic it "
            "does land from some.",
        ),
        (
            9,
            "You have left out an end of the range: the start of the printed example is among the "
            "hundred.",
        ),
        (
            11,
            "You have counted the minimum itself, which is not among the starts.",
        ),
        (
            20,
            "You count the starts that are a whole number of half steps away. With half a step "
            "left it jumps from side to side.",
        ),
        (
            90,
            "Those are the starts from which it alternates for ever.",
        ),
    ],
    praise="And of starts drawn at random, almost surely none.",
)


class _Soft(Rule):
    eta: float = 0.5
    c: float = 3.0

    def __call__(self, g: Any) -> Any:
        return self.eta * g / (norm(g) + self.c)


own = Exercise(
    "Soft(eta=0.5, c=3.0)",
    solution=_Soft(),
    cases=lambda rng: [rng.normal(size=(3, 2)), 100 * rng.normal(size=(3, 2)), [[0.0, 0.0]]],
    mistakes=[
        (lambda g: g / (norm(g) + 3.0), "It does not use eta: how long is its longest step?"),
        (
            lambda g: 0.5 * g / (absolute(g) + 3.0),
            "It divides each coordinate by its own size. The norm is one number for the whole "
            "vector, and the direction must stay that of g.",
        ),
        (
            lambda g: 0.5 * g / maximum(norm(g), 3.0),
            "That is clipping: it switches at c. Here the two are blended, and both stand below "
            "the fraction bar.",
        ),
        (
            lambda g: 0.5 * unit(g) + 3.0,
            "c stands beside the norm, below the fraction bar.",
        ),
        (
            lambda g: -0.5 * g / (norm(g) + 3.0),
            "A rule returns what is subtracted from w, so it points uphill, as g does.",
        ),
        (
            lambda g: 3.0 * g / (norm(g) + 0.5),
            "eta and c are exchanged.",
        ),
    ],
    praise="Long steps far out, short ones near the minimum.",
)
