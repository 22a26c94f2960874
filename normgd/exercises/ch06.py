"""Checks of the exercises of chapter 6."""

import math

from . import Exercise

multipliers = Exercise(
    "multipliers",
    solution=[-4 / 21, 3 / 28, (2 - math.sqrt(2)) / 4],
    mistakes=[
        (
            [-2 / 3, 1 / 6, (2 - math.sqrt(2)) / 4],
            "Your first two are the factors of one step, the one from the point at distance "
            "0.3 eta. The other step of the cycle has a factor of its own.",
        ),
        (
            [-4 / 21, 3 / 28, 1 / 4],
            "You asked that no single step enlarges a component. One of the two may, if the "
            "other makes up for it: ask about their product.",
        ),
        (
            [-4 / 21, 3 / 28, (2 - math.sqrt(2.5)) / 4],
            "Your C suits the direction with curvature 1. The other direction is stricter.",
        ),
        (
            [-4 / 21, 3 / 28, 0.5],
            "You asked that no multiplier is negative. A component that changes its sign need "
            "not grow: ask when |m| exceeds 1.",
        ),
        (
            [1 + 2 / 0.21, 1 + 12 / 0.21, (2 - math.sqrt(2)) / 4],
            "You took q upside down: it is the curvature of the weak direction divided by "
            "that of the cycle's direction, below 1 here.",
        ),
    ],
    praise="The direction with half the largest curvature is always the strictest.",
    tolerance=5e-3,
)

sharpest = Exercise(
    "sharpest",
    solution=133.78561521,
    mistakes=[
        (
            133.78561521 / 2,
            "This is half of it: you took the mean of the two norms instead of their sum.",
        ),
        (
            82.28427125,
            "This is the curvature at (3, 2). Another minimum is sharper.",
        ),
        (
            105.41890834,
            "This is the curvature near (3.6, -1.8). Another minimum is sharper.",
        ),
        (
            70.71435474,
            "This is the smaller curvature at the right minimum. The unit step bounces along "
            "the other direction, and its gradient norms measure that one.",
        ),
    ],
    praise="Its minimum is near (-3.8, -3.3), and you have not computed a second derivative.",
    tolerance=0.01,
)

steps = Exercise(
    "steps",
    solution=1600,
    mistakes=[
        (
            800,
            "You let every step push by eta p times eta. The two distances of a cycle add up "
            "to eta, so on average a step pushes with eta/2 only.",
        ),
        (
            400,
            "You took the whole of (ln lambda)' times eta squared per step. Half of it is lost "
            "in the gradient's direction, and half of it because the mean distance is eta/2.",
        ),
        (
            20,
            "That would be so if the steps went along the valley. They go across it; what is "
            "left along it is of the order of eta squared.",
        ),
        (
            80,
            "You let a step drift by something proportional to eta. The sideways part of a "
            "step is itself proportional to the distance, so the drift goes with eta squared.",
        ),
    ],
    praise="With half the step length it would take four times as many.",
    tolerance=0.01,
)

_SMALL, _LARGE = (4 - math.sqrt(14)) ** 2, (math.sqrt(14) - 3) ** 2


def _forecast(even: float, odd: float, a: str, b: str, c: str) -> dict[str, float | str]:
    return {"after 1000 steps": even, "after 1001 steps": odd, "a": a, "b": b, "c": c}


forecast = Exercise(
    "forecast",
    solution=_forecast(_SMALL, _LARGE, "false", "false", "true"),
    mistakes=[
        (
            _forecast(_LARGE, _SMALL, "false", "false", "true"),
            "Right numbers, wrong order: the small value comes after the fourth step, so after "
            "every even number of steps from there on.",
        ),
        (
            _forecast(0.0, 0.0, "true", "false", "true"),
            "You expect it to settle. Every step has the length 1, so two consecutive points "
            "are always 1 apart.",
        ),
        (
            _forecast(0.25, 0.25, "false", "true", "true"),
            "You expect the distances 1/2 and 1/2. They are what is left of the square root of "
            "14 when whole steps are taken away, and 1 minus that.",
        ),
        (
            _forecast(_SMALL, _LARGE, "false", "true", "true"),
            "The two distances are 0.74 and 0.26. Their mean is 1/2, but neither of them is.",
        ),
        (
            _forecast(_SMALL, _LARGE, "false", "false", "false"),
            "You judged (c) by the printed values. It speaks of distances, and J is the "
            "distance squared.",
        ),
    ],
    praise="The documentation prints a whole period of the cycle.",
    tolerance=5e-3,
)
