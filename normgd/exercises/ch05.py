"""Checks of the exercises of chapter 5."""

import numpy as np

from . import Exercise

approach = Exercise(
    "approach",
    solution=np.array([2.0, -1.0]) / np.sqrt(5),
    mistakes=[
        (
            np.array([2.0, 1.0]) / np.sqrt(5),
            "This is where u goes if you come from (1, 0). The question runs the other way: which "
            "v does the Hessian turn into (1, 0)?",
        ),
        (
            np.array([1.0, 0.0]),
            "You let the gradient point straight away from the minimum. That is so on a round "
            "bowl only; this one is tilted.",
        ),
        (
            np.array([-2.0, 1.0]) / np.sqrt(5),
            "From there u tends to (-1, 0): opposite approaches have opposite limits.",
        ),
        (
            np.array([2.0, -1.0]),
            "The direction is right, but its length is not 1.",
        ),
        (
            np.array([2.0, -1.0]) / 3,
            "This is the inverse of the Hessian applied to (1, 0). The direction is right, but its "
            "length is not 1.",
        ),
    ],
    praise="A shallow slope on one side has to be paid for by standing on the other.",
)

_LIMITS = {
    "x^4 on the line": "no",
    "x^5 on the line": "yes",
    "x^2 - y^2": "no",
    "(x + y)^3": "yes",
    "sqrt(x^2 + y^2)": "no",
}

limits = Exercise(
    "limits",
    solution=_LIMITS,
    mistakes=[
        (
            dict.fromkeys(_LIMITS, "no"),
            "You took 'the gradient is 0 there' for 'there is no limit'. Where the landscape only "
            "pauses and goes on in the same direction, both sides agree.",
        ),
        (
            dict.fromkeys(_LIMITS, "yes"),
            "A gradient that tends to 0 has a limit; its direction need not. Compare two opposite "
            "sides of each point.",
        ),
        (
            {**_LIMITS, "x^2 - y^2": "yes"},
            "The theorem on minima says nothing about saddles, but nothing is no limit: compare "
            "two opposite rays.",
        ),
        (
            {**_LIMITS, "x^4 on the line": "yes"},
            "You expect a very flat minimum to be different. The sign of the slope does not care "
            "how fast the slope fades.",
        ),
        (
            {**_LIMITS, "sqrt(x^2 + y^2)": "yes"},
            "The norm of this gradient has a limit, 1. What does its direction do on opposite "
            "sides of the tip?",
        ),
        (
            {**_LIMITS, "(x + y)^3": "no"},
            "There are points near 0 where u is not defined, but the question is about those "
            "where it is. What is the gradient there?",
        ),
    ],
    praise="A limit needs all sides to agree, and at a strict minimum they never do.",
)

ends = Exercise(
    "ends",
    solution={0.05: [0, -1, 0], 0.15: [0, -1, 0], 0.2: "none"},
    mistakes=[
        (
            {0.05: [1, 0, 0], 0.15: [1, 0, 0], 0.2: "none"},
            "You named the flattest direction. It wins if it is in the race: what is the component "
            "of the start along it?",
        ),
        (
            {0.05: [0, 1, 0], 0.15: [0, 1, 0], 0.2: "none"},
            "The right axis, but a positive factor keeps the sign of the component: which one does "
            "the start have?",
        ),
        (
            {0.05: [0, -1, 0], 0.15: "none", 0.2: "none"},
            "You asked whether some factor is negative. Only the factor of largest modulus "
            "matters in the end.",
        ),
        (
            {0.05: [0, -1, 0], 0.15: [0, -1, 0], 0.2: [0, 0, 1]},
            "You compared the factors without their signs. A negative one turns the direction "
            "around at every step.",
        ),
        (
            {0.05: [0, 0, 1], 0.15: [0, 0, 1], 0.2: [0, 0, 1]},
            "You chose the largest curvature. Gradient descent wipes that component out first, "
            "unless its factor is the largest in modulus.",
        ),
    ],
    praise="The factor of largest modulus wins, among the components that are there.",
)

_SLOPE = 4 / np.cosh(16.0) ** 2
_MOVES = {"move 1": 0.1 / (1 + 1e-8 / 0.4), "move 2": 0.1 / (1 + 1e-8 / _SLOPE)}

debug = Exercise(
    "debug",
    solution={**_MOVES, "eps": 1e-15},
    mistakes=[
        (
            {"move 1": 0.1, "move 2": 0.1, "eps": 1e-15},
            "You believed the intention. Put the numbers in: how does the slope along the second "
            "coordinate compare with 1e-8?",
        ),
        (
            {"move 1": 0.1, "move 2": 0.1, "eps": 1e-8},
            "You took 1e-8 for a small number. It is small beside 0.4; is it small beside the "
            "slope along the second coordinate?",
        ),
        (
            {"move 1": 0.1 * 0.4, "move 2": 0.1 * _SLOPE, "eps": 1e-15},
            "That is a step of gradient descent. Divide each coordinate by its own size plus eps.",
        ),
        (
            {"move 1": 0.1, "move 2": 0.1 * _SLOPE / 0.4, "eps": 1e-15},
            "You divided by the norm of the whole gradient. These notes divide each coordinate by "
            "its own absolute value.",
        ),
        (
            {**_MOVES, "eps": 1e-13},
            "An eps about as large as the slope takes a good part of the step away; how small a "
            "part of the slope may it be?",
        ),
        (
            {**_MOVES, "eps": 1e-14},
            "Close: this eps still takes about one twentieth of the step away.",
        ),
    ],
    praise="Normalised only down to eps, and this plateau lies far below it.",
    tolerance=0.01,
)
