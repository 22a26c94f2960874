"""Checks of the exercises of chapter 9."""

import math

import numpy as np

from . import Exercise


def _mean_sign(B: int, ties: float = 0.0) -> float:
    """Return the mean sign of a batch of gradients, 10 with probability 0.1 and -1 otherwise."""
    return sum(
        math.comb(B, k) * 0.1**k * 0.9 ** (B - k) * (np.sign(11 * k - B) or ties)
        for k in range(B + 1)
    )


towns = Exercise(
    "ends",
    solution={"gd": [0, 2 / 3], "ngd": [0, 0], "sign": [0, 1]},
    mistakes=[
        (
            {"gd": [0, 2 / 3], "ngd": [0, 2 / 3], "sign": [0, 2 / 3]},
            "All three would end at the mean if normalising kept the mean of the samples. "
            "Each town has one vote of length 1: where do the votes balance?",
        ),
        (
            {"gd": [0, 2 / 3], "ngd": [0, 1], "sign": [0, 0]},
            "Two of the rules are exchanged: the unit step normalises the whole vector, "
            "sign descent each coordinate by itself.",
        ),
        (
            {"gd": [0, 2 / 3], "ngd": [0, 1], "sign": [0, 1]},
            "Medians of the coordinates are what sign descent finds. The unit step's votes are "
            "vectors of length 1, not pairs of signs: the geometric median is another point.",
        ),
        (
            {"gd": [0, 0], "ngd": [0, 0], "sign": [0, 1]},
            "A step of gradient descent is a multiple of the sample's gradient, so its mean is "
            "that of J: a far town pulls with more force than a near one.",
        ),
    ],
    praise="Three rules, three kinds of centre.",
)

mean_sign = Exercise(
    "mean_sign",
    solution=_mean_sign,
    cases=lambda rng: [(B,) for B in (1, 2, 6, 7, 10, 11, 12, 16, 17, 22, 40)],
    mistakes=[
        (
            lambda B: -0.8,
            "That is the mean sign of single samples, whatever B is: the signs were averaged. "
            "Here the batch is averaged first, and only then is the sign taken.",
        ),
        (
            lambda B: 1.0,
            "That is the sign of the expected gradient. A finite batch's mean is random, and "
            "the expectation of a sign is not the sign of the expectation.",
        ),
        (
            lambda B: _mean_sign(B, ties=1.0),
            "A batch whose gradients cancel has been counted as positive. sign 0 is 0.",
        ),
        (
            lambda B: _mean_sign(B, ties=-1.0),
            "A batch whose gradients cancel has been counted as negative. sign 0 is 0.",
        ),
        (
            lambda B: 1 - 2 * 0.9**B,
            "One ten has been taken to decide the vote in a batch of any size. "
            "How many samples of -1 does a ten outweigh?",
        ),
    ],
    praise="It is negative for B up to 6 and again from 11 to 16: more is not always better.",
)

debug = Exercise(
    "verdicts",
    solution={1: "true", 2: "true", 3: "false", 4: "false", 5: "true"},
    mistakes=[
        (
            dict.fromkeys(range(1, 6), "true"),
            "Sentence 3 has been taken to follow from 1 and 2. But a mean of vectors that were "
            "divided by different numbers weighs them differently.",
        ),
        (
            {1: "true", 2: "true", 3: "false", 4: "true", 5: "true"},
            "Shorter steps have been trusted to average the error away. They average what the "
            "steps are on average, and that is not the gradient's direction.",
        ),
        (
            {1: "true", 2: "false", 3: "false", 4: "false", 5: "true"},
            "Sentence 2 is about a single vector. It is not there that the argument breaks.",
        ),
        (
            {1: "false", 2: "true", 3: "false", 4: "false", 5: "true"},
            "The minibatch has been blamed. Before it is normalised its gradient is unbiased, "
            "for every batch size.",
        ),
        (
            {1: "true", 2: "true", 3: "false", 4: "false", 5: "false"},
            "Noise of any kind has been blamed. What does a reflection that leaves g where it is "
            "do to isotropic Gaussian noise?",
        ),
    ],
    praise="The step from 2 to 3 is where it breaks.",
)
