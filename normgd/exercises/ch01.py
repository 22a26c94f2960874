"""Checks of the exercises of chapter 1."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..functions import Function, quadratic, rosenbrock
from ..ops import norm
from . import Exercise

RATES = np.array([[1 / 3], [1 / 2], [2 / 3]])


def _three_steps(step: Callable[[Any], Any]) -> np.ndarray:
    """Return the first three iterates for each rate, one row a rate."""
    points = [np.full((3, 1), 2.0)]
    for _ in range(3):
        points.append(points[-1] + step(points[-1]))
    return np.hstack(points[1:])


hand = Exercise(
    "the table of iterates",
    solution=[[0, 0, 0], [-1, 1 / 2, -1 / 4], [-2, 2, -2]],
    mistakes=[
        (
            _three_steps(lambda x: -RATES * 1.5 * x),
            "Your slope is half of what it is: the derivative of the square has a factor of two.",
        ),
        (_three_steps(lambda x: RATES * 3 * x), "You walk uphill: the gradient is subtracted."),
        (
            _three_steps(lambda x: -RATES * np.sign(x)),
            "Your steps have the length alpha. In gradient descent alpha is multiplied by the "
            "slope, so steps become shorter where it is flat.",
        ),
        (
            2.0 - RATES * 6 * np.arange(1, 4),
            "You keep the slope of the start. It has to be computed again at each new point.",
        ),
        (
            [[2, 0, 0], [2, -1, 1 / 2], [2, -2, 2]],
            "Your rows begin with the start itself; the three points after it are asked for.",
        ),
    ],
    praise="Three fates on one landscape, and only the rate is different.",
)

distance = Exercise(
    "the pair of points",
    solution=[[1, 0], [0, 0.001]],
    mistakes=[
        (
            [[0, 1], [0.001, 0]],
            "The distances are right and the slopes are not. You have put the long way on the "
            "steep axis: multiply each coordinate by its curvature.",
        ),
        (
            [[0, 0.001], [1, 0]],
            "These are the points, in the other order: the far one comes first.",
        ),
        (
            [[1, 0], [0.001, 0]],
            "You stay on the flat axis, where a slope shrinks with the distance: your second point "
            "is nearly flat. Which axis is steep so near to the minimum?",
        ),
        (
            [[1, 0], [0, 1000]],
            "You expect the steep axis to need a longer way. It is the other way round: where the "
            "curvature is large, a short way is enough for the slope.",
        ),
        (
            [[1, 0], [0, 1 / np.sqrt(1000)]],
            "These points have the same value of J. Asked for is the same slope.",
        ),
    ],
    praise="The same slope at distances that differ a thousandfold: no rate can know both.",
)


def _largest(J: Any, w: Any) -> float:
    eigenvalues = np.linalg.eigvalsh(J.hess(w))
    return eigenvalues[np.argmax(np.abs(eigenvalues))]


def _turned(eigenvalues: Sequence[float]) -> Function:
    turn, _ = np.linalg.qr(np.vander(np.arange(1.0, len(eigenvalues) + 1)))
    return quadratic(eigenvalues, basis=turn)


edge = Exercise(
    "largest_curvature(J, w)",
    solution=_largest,
    cases=lambda rng: [
        (_turned([1, 3, 7]), rng.normal(size=3)),
        (_turned([-9, 2]), rng.normal(size=2)),
        (rosenbrock, np.array([1.0, 1.0])),
    ],
    mistakes=[
        (lambda J, w: 2 * _largest(J, w), "You divide by h, but your two points are 2h apart."),
        (
            lambda J, w: abs(_largest(J, w)),
            "You return a length, and a length has no sign. On a hilltop the curvature of largest "
            "magnitude is negative.",
        ),
        (
            lambda J, w: np.linalg.eigvalsh(J.hess(w))[-1],
            "You return the largest eigenvalue. On a saddle the one of largest magnitude may be "
            "the lowest of all.",
        ),
        (
            lambda J, w: np.diag(J.hess(w)).max(),
            "You look along the coordinate axes only. The most curved direction may lie between "
            "them.",
        ),
        (
            lambda J, w: norm(J.grad(w)),
            "That is the slope. Asked for is how fast the slope changes.",
        ),
    ],
    praise="Two over it is the edge, found from gradients alone.",
    tolerance=1e-3,
)

quartic = Exercise(
    "landing_start(alpha)",
    solution=lambda alpha: 0.5 / np.sqrt(alpha),
    cases=lambda rng: [(float(alpha),) for alpha in rng.uniform(0.01, 2.0, size=3)],
    mistakes=[
        (
            lambda alpha: 1 / np.sqrt(2 * alpha),
            "From there the factor of the step is -1: it jumps to the mirror image, for ever. "
            "Which factor leads to the minimum?",
        ),
        (lambda alpha: 0.25 / alpha, "That is the square of the start: take its root."),
        (
            lambda alpha: 1 / np.sqrt(12 * alpha),
            "There alpha is one over the curvature. That lands where the curvature is the same "
            "everywhere; here it fades on the way, and the step falls short.",
        ),
        (
            lambda alpha: 1 / np.sqrt(8 * alpha),
            "That is the constant of the slow approach, which is of another question.",
        ),
    ],
    praise="Inside the threshold, a path that never lands falls like 1/sqrt(8 alpha t).",
)


def _bowl(flat: float, steep: float) -> Callable[[float, float], float]:
    return lambda x1, x2: flat * (x1 + x2) ** 2 + steep * (x1 - x2) ** 2


debug = Exercise(
    "rotated(x1, x2)",
    solution=_bowl(0.05, 1.0),
    cases=lambda rng: [tuple(rng.normal(size=2)) for _ in range(3)],
    mistakes=[
        (
            _bowl(0.1, 2.0),
            "That is the function as printed. Compare its curvatures with those of the first one: "
            "a rotation changes no curvature.",
        ),
        (
            _bowl(0.025, 0.5),
            "You halve the sum and the difference. That shrinks lengths, too: what is the length "
            "of the vector (1, 1)?",
        ),
        (
            _bowl(0.1 / np.sqrt(2), np.sqrt(2)),
            "You divide the values by the root of two. It is the coordinates that are too long by "
            "that factor, and they are squared.",
        ),
        (
            _bowl(1.0, 0.05),
            "It is rotated, but the other way: the flat direction of the printed function is "
            "x1 = x2.",
        ),
        (
            lambda x1, x2: 0.1 * x1**2 + 2 * x2**2,
            "That is the first function, which is not rotated yet.",
        ),
    ],
    praise="Now the two functions have the same curvatures, and so the same edge.",
)
