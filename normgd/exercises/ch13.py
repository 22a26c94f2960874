"""Checks of the exercises of chapter 13."""

from typing import Any

import numpy as np

from . import Exercise

_G = np.array([[2.0, 1.0], [1.0, 2.0]])
_ONES, _I = np.ones((2, 2)), np.eye(2)
_STEPS = {
    "frobenius": -0.5 * _G / np.sqrt(10),
    "spectral": -0.5 * _I,
    "nuclear": -0.25 * _ONES,
    "entry": -0.5 * _ONES,
}

matrix = Exercise(
    "steps",
    solution=_STEPS,
    mistakes=[
        (
            {key: -step for key, step in _STEPS.items()},
            "These steps go uphill: a displacement is added to W.",
        ),
        (
            {**_STEPS, "spectral": _STEPS["nuclear"], "nuclear": _STEPS["spectral"]},
            "Two balls are interchanged. Add up the singular values of your step for the nuclear "
            "norm: is it short enough?",
        ),
        (
            {**_STEPS, "spectral": -0.5 * _G / 3, "nuclear": -0.5 * _G / 4},
            "You have divided the gradient by each norm. That makes the length right, but the "
            "best direction of a ball is in general not the gradient's.",
        ),
        (
            {**_STEPS, "nuclear": -0.5 * _ONES},
            "Your step of rank one is too long: u₁v₁ᵀ has the entries ½, since u₁ and v₁ have "
            "length 1.",
        ),
        (
            {**_STEPS, "entry": [[-0.5, 0.0], [0.0, 0.0]]},
            "You have moved one entry only. If the largest entry is what counts, the others may "
            "move as far as it for nothing.",
        ),
    ],
    praise="Proportions kept, singular values made equal, one of them kept, entries made equal.",
)


def _lp(power: Any, length: Any) -> Any:
    """Return an answer with these powers of |g|, and of the norm by which it is divided."""

    def lp_step(g: Any, p: float) -> Any:
        g = np.asarray(g, dtype=float)
        q = p / (p - 1)
        h = np.abs(g) / np.abs(g).max()
        d = h ** power(p, q)
        return -np.sign(g) * d / length(d, h, p, q)

    return lp_step


def _length(d: Any, h: Any, p: float, q: float) -> Any:
    return (d**p).sum() ** (1 / p)


dial = Exercise(
    "lp_step(g, p)",
    solution=_lp(lambda p, q: q - 1, _length),
    cases=lambda rng: [
        ([3.0, 1.0], 3.0),
        ([3.0, 0.0, -1.0], 1.5),
        ([5000.0, 4000.0], 1.01),
        (rng.normal(size=4), 4.0),
        (rng.normal(size=3), 1.2),
    ],
    mistakes=[
        (
            lambda g, p: -_lp(lambda p, q: q - 1, _length)(g, p),
            "It goes uphill: the steepest descent is against the slope.",
        ),
        (
            _lp(lambda p, q: p - 1, _length),
            "You have the exponent p − 1. Which of the two norms measures the gradient?",
        ),
        (
            _lp(lambda p, q: 1.0, _length),
            "That is the gradient's own direction, shortened to length 1 in the norm. It is "
            "allowed, but only for p = 2 is it the best.",
        ),
        (
            _lp(lambda p, q: q - 1, lambda d, h, p, q: (d**2).sum() ** 0.5),
            "The direction is right, but its length is 1 in the Euclidean norm. Which norm is "
            "asked for?",
        ),
        (
            _lp(lambda p, q: q - 1, lambda d, h, p, q: (h**q).sum() ** (1 / q)),
            "You have divided by the dual norm itself. Compare its power in the formula of the "
            "dial.",
        ),
    ],
    praise="One formula from greedy to sign.",
)

_VERDICT = {"nuclear": -4, "spectral": -7, "length": 3, "ball": "spectral", "converge": "false"}

debug = Exercise(
    "verdict",
    solution=_VERDICT,
    mistakes=[
        (
            {**_VERDICT, "nuclear": -7, "spectral": -4, "ball": "nuclear"},
            "You have taken the norm of the step for that of the slope. Which matrices are in the "
            "unit ball of the nuclear norm: those whose singular values add up to at most 1.",
        ),
        (
            {**_VERDICT, "ball": "nuclear"},
            "Compare the length that you found for Muon's step with the radius of that ball.",
        ),
        (
            {**_VERDICT, "converge": "true"},
            "Every step has the same length. What would the distance between two iterates have "
            "to do, if they converged?",
        ),
        (
            {**_VERDICT, "nuclear": 4, "spectral": 7},
            "These are the largest values. What does the oracle minimise?",
        ),
        (
            {**_VERDICT, "length": 7},
            "7 is the nuclear norm of G. All singular values of the step are 1.",
        ),
    ],
    praise="The nuclear norm measures the gradient; the step is measured by its dual.",
)
