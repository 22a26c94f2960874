"""Checks of the exercises of chapter 15."""

from . import Exercise

lengths = Exercise(
    "lengths",
    solution={
        "whole": 0.01,
        "each block": 0.03,
        "each coordinate": 1.0,
        "unit, momentum": 0.1,
        "momentum, unit": 0.01,
    },
    mistakes=[
        (
            {
                "whole": 0.01,
                "each block": 0.09,
                "each coordinate": 100.0,
                "unit, momentum": 0.1,
                "momentum, unit": 0.01,
            },
            "The lengths of the pieces have been added. The pieces are at right angles to each "
            "other, and Pythagoras adds squares.",
        ),
        (
            dict.fromkeys(
                ["whole", "each block", "each coordinate", "unit, momentum", "momentum, unit"], 0.01
            ),
            "Every normalised step has been taken to be as long as the rate. That is so only for a "
            "vector that is normalised as a whole, as the very last thing.",
        ),
        (
            {
                "whole": 0.01,
                "each block": 0.03,
                "each coordinate": 1.0,
                "unit, momentum": 0.01,
                "momentum, unit": 0.1,
            },
            "The two orders of momentum and normalising have been exchanged: what comes last has "
            "the last word on the length.",
        ),
        (
            {
                "whole": 0.01,
                "each block": 0.03,
                "each coordinate": 1.0,
                "unit, momentum": 0.01,
                "momentum, unit": 0.01,
            },
            "Momentum has been taken for an average. Here it is a sum, m = beta m + u, and the "
            "weights 1, beta, beta squared, ... do not add up to 1.",
        ),
    ],
    praise="One rate, and steps that differ by a factor of a hundred.",
)

units = Exercise(
    "factors",
    solution={"gd": 442, "ngd": 442**0.5, "adam": 442**0.5, "polyak": 1},
    mistakes=[
        (
            {"gd": 442, "ngd": 1, "adam": 1, "polyak": 1},
            "Normalising has been taken to remove all units. It removes that of J; the length of a "
            "step is still measured in the unit of w.",
        ),
        (
            {"gd": 442**0.5, "ngd": 442**0.5, "adam": 442**0.5, "polyak": 1},
            "A step size has been treated as a length. It multiplies a gradient, which changes its "
            "unit in the opposite direction of w.",
        ),
        (
            {"gd": 1 / 442, "ngd": 442**-0.5, "adam": 442**-0.5, "polyak": 1},
            "The direction is wrong: where the inputs are smaller, must the weights be smaller or "
            "larger to predict the same?",
        ),
        (
            {"gd": 442, "ngd": 442**0.5, "adam": 442**0.5, "polyak": 442},
            "Polyak's step has been taken for a fixed step size. It measures J and g at every "
            "step, and both come in the right unit.",
        ),
    ],
    praise="The square of the unit, the unit twice, and none.",
    tolerance=2e-3,
)

debug = Exercise(
    "lengths_594",
    solution={100: 1.0, 1: 1.0, 0.01: 0.01},
    mistakes=[
        (
            {100: 1.0, 1: 1.0, 0.01: 1.0},
            "That is what the title of the request promises. Put 0.01 into the maximum: which of "
            "its two arguments wins?",
        ),
        (
            {100: 100.0, 1: 1.0, 0.01: 1.0},
            "The maximum has been read as a minimum: long gradients are divided by their length.",
        ),
        (
            {100: 1.0, 1: 1.0, 0.01: 0.0},
            "eps has been made responsible for the short gradient. It is ten thousand times "
            "smaller than the gradient; another number is in its way.",
        ),
    ],
    praise="Clipping, under the name of normalising.",
    tolerance=1e-3,
)
