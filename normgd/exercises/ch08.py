"""Checks of the exercises of chapter 8."""

from typing import Any

import numpy as np

from . import Exercise


def _balls(g: Any, eta: float = 0.5) -> dict[str, Any]:
    """Return the steepest displacements in the three balls."""
    single = np.zeros_like(g)
    largest = np.argmax(np.abs(g))
    single[largest] = -eta * np.sign(g[largest])
    return {"l2": -eta * g / np.sqrt(g @ g), "linf": -eta * np.sign(g), "l1": single}


_G = np.array([3.0, -4.0, 1.0])
_RIGHT = _balls(_G)

balls = Exercise(
    "steps",
    solution=_RIGHT,
    mistakes=[
        (
            {key: -p for key, p in _RIGHT.items()},
            "These are the directions of the slope itself: each of them makes ⟨g, p⟩ largest. A "
            "displacement is added to w.",
        ),
        (
            {**_RIGHT, "linf": _RIGHT["l1"], "l1": _RIGHT["linf"]},
            "Two balls are interchanged. How long is your step for l1 when you add up the moduli "
            "of its coordinates?",
        ),
        (
            {**_RIGHT, "l2": -0.5 * _G},
            "In the disc this is a step of gradient descent with α = 0.5: it is √26 times as long "
            "as allowed.",
        ),
        (
            {**_RIGHT, "l1": [0.0, 2.0, 0.0]},
            "For l1 you have kept the size of the slope. The length of the step is η, however "
            "steep it is.",
        ),
        (
            {**_RIGHT, "l1": -0.5 * _G / 8},
            "For l1 you have shortened -g to the length η. It is allowed, but is it best? Spend a "
            "little less on the flattest coordinate and a little more on the steepest.",
        ),
    ],
    praise="The disc keeps the proportions, one square drops them, the other keeps one coordinate.",
)


def _locked(share: Any) -> Any:
    """Return an answer of the form share(|x0|, eta) · curvature · fall / slope."""

    def locked_steps(curvature: Any, slope: Any, eta: Any, x0: Any, fall: Any) -> Any:
        return share(abs(x0), eta) * curvature * fall / slope

    return locked_steps


def _pair(C: Any) -> Any:
    return 2 * C * (1 - C)


lock = Exercise(
    "locked_steps(curvature, slope, eta, x0, fall)",
    solution=_locked(lambda x0, eta: _pair(x0 / eta % 1)),
    cases=lambda rng: [
        (4.0, 1e-3, 0.3, 0.66, 1.0),
        (1.0, 1e-4, 0.1, 0.033, 0.5),
        (0.5, 1e-5, 1.0, -3.4, 2.0),
        (float(rng.uniform(1, 9)), 1e-4, 0.2, 0.2 * float(rng.uniform(5.1, 5.4)), 0.7),
    ],
    mistakes=[
        (
            _locked(lambda x0, eta: 0.5),
            "You have the rate 2/λ, one over the mean of the two gradients. What moves w₂ is the "
            "rate η/‖g‖ of each step: take the mean of the rates.",
        ),
        (
            lambda curvature, slope, eta, x0, fall: fall / eta,
            "You let w₂ walk at full speed, as if the bounce of w₁ took nothing of the unit "
            "vector's length.",
        ),
        (
            lambda curvature, slope, eta, x0, fall: _pair(abs(x0) / eta % 1) * fall / slope,
            "The curvature across is missing: the norm of the gradient is λ|w₁|, not |w₁|.",
        ),
        (
            _locked(lambda x0, eta: _pair(x0 / eta % 1) / 2),
            "Your rate is what two steps do together; the count is that of single steps.",
        ),
        (
            _locked(lambda x0, eta: 1.0),
            "You have the rate 1/λ, which would be best for w₁. The unit step chooses its own.",
        ),
        (
            _locked(lambda x0, eta: _pair(x0 / eta)),
            "You have taken the start for the bounce. The whole steps on the way to the valley's "
            "floor do not count: what remains after them?",
        ),
        (
            _locked(lambda x0, eta: _pair(x0 % eta)),
            "Your C is a length. C is a share of η, a number between 0 and 1.",
        ),
    ],
    praise="Only the remainder of the start counts, not η itself: it has cancelled.",
)

clip = Exercise(
    "picture",
    solution={"active": 500, "rule": "ngd", "eta": 0.02},
    mistakes=[
        (
            {"active": 501, "rule": "ngd", "eta": 0.02},
            "501 gradients are in the path, but the last one was not stepped along.",
        ),
        (
            {"active": 500, "rule": "ngd", "eta": 1.0},
            "1 is the length of the clipped gradient. The step is α times that.",
        ),
        (
            {"active": 500, "rule": "gd", "eta": 0.0},
            "You have seen that the clip is active on every step. Then every step has the same "
            "length: is that gradient descent?",
        ),
        (
            {"active": 0, "rule": "gd", "eta": 0.0},
            "You have looked at the gradients after the clip, or at the last one only.",
        ),
    ],
    praise="Not one step of that picture was gradient descent's.",
)


def _verdict(**changes: Any) -> dict[str, Any]:
    right = {"flow": "true", "steps": "false", "lucky": "true", "shorter": "false"}
    return right | {"decade": _DECADE} | changes


_DECADE = 2 * np.log(10) / np.log(1 + 0.05 * 1.05 / 0.24)

debug = Exercise(
    "verdict",
    solution=_verdict(),
    mistakes=[
        (
            _verdict(steps="true", shorter="true"),
            "You trust the picture of the walker who never slows down. It does not, but across "
            "the ridge, not along the way out.",
        ),
        (
            _verdict(shorter="true"),
            "Shorter steps follow the flow better far from the saddle, but they bounce in the "
            "end all the same. Does M contain η?",
        ),
        (
            _verdict(flow="false"),
            "You have carried the bounce over to the flow, which has none. How long is its curve?",
        ),
        (
            _verdict(lucky="false"),
            "Where does such a start land after its last step across, and what is left of the "
            "gradient there?",
        ),
        (
            _verdict(decade=_DECADE / 2),
            "M is the growth in two steps, not in one.",
        ),
        (
            _verdict(decade=_DECADE / np.log(10)),
            "That is the cost of a factor of e. A decade is a factor of ten.",
        ),
        (
            _verdict(decade=np.log(10) / np.log(1.1)),
            "That is gradient descent at the edge, α = 2, which is the case C = ½.",
        ),
    ],
    praise="A promise of the flow is not a promise of the steps.",
    tolerance=0.01,
)
