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

lock = Exercise(
    "the pair rate, steps_needed",
    solution={"rate": 0.78125, "steps_needed": 1280.0},
    mistakes=[
        (
            {"rate": 0.5, "steps_needed": 2000.0},
            "That is 2/λ, one over the mean of the two gradients. What moves w₂ is the rate "
            "η/‖g‖ of each step: take the mean of the rates.",
        ),
        (
            {"rate": 300.0, "steps_needed": 1 / 0.3},
            "You let w₂ walk at full speed, as if the bounce of w₁ took nothing of the unit "
            "vector's length.",
        ),
        (
            {"rate": 1.5625, "steps_needed": 640.0},
            "You have taken ½w₁² for 2w₁² / 2: the curvature is the second derivative of 2w₁².",
        ),
        (
            {"rate": 3.125, "steps_needed": 320.0},
            "The curvature across is missing: the norm of the gradient is λ|w₁|, not |w₁|.",
        ),
        (
            {"rate": 1.5625, "steps_needed": 1280.0},
            "Your rate is what two steps do together; the count of steps is that of single ones.",
        ),
        (
            {"rate": 0.25, "steps_needed": 4000.0},
            "That is 1/λ, the rate that would be best for w₁. The unit step chooses its own.",
        ),
    ],
    praise="η is in neither of them: it has cancelled.",
    tolerance=0.01,
)


def _direction(w: Any, Z: Any) -> Any:
    log_s = -np.logaddexp(0, Z @ w)
    g = -(np.exp(log_s - log_s.max()) @ Z)
    return g / np.sqrt(g @ g)


def _naive(w: Any, Z: Any) -> Any:
    g = -((1 / (1 + np.exp(Z @ w))) @ Z)
    return g / np.sqrt(g @ g)


def _worst_only(w: Any, Z: Any) -> Any:
    z = Z[np.argmin(Z @ w)]
    return -z / np.sqrt(z @ z)


def _unweighted(w: Any, Z: Any) -> Any:
    g = -Z.sum(axis=0)
    return g / np.sqrt(g @ g)


def _with_eps(w: Any, Z: Any) -> Any:
    g = -((1 / (1 + np.exp(Z @ w))) @ Z)
    return g / (np.sqrt(g @ g) + 1e-8)


def _cases(rng: np.random.Generator) -> list[Any]:
    Z = np.array([[0.6, 0.3], [0.5, 0.45], [0.2, 0.8]])
    return [(length * np.array([0.9, 0.4]), Z) for length in (0.0, 1.0, 30.0, 1e3, 1e6)] + [
        (rng.normal(size=4), rng.normal(size=(6, 4)))
    ]


direction = Exercise(
    "my_direction",
    solution=_direction,
    cases=_cases,
    mistakes=[
        (
            _naive,
            "Where w is long, all your s_i underflow to 0 and 0/0 is NaN. Divide by the largest "
            "of them before you leave the logarithms.",
        ),
        (
            _with_eps,
            "The small number in the denominator turns 0/0 into a step of length 0, and shortens "
            "steps before that. The direction is still lost.",
        ),
        (lambda w, Z: -_direction(w, Z), "This points downhill; g/‖g‖ points uphill."),
        (
            _worst_only,
            "Only the worst example pulls in your direction. That is right in the limit of long "
            "w; nearer to 0 all of them pull.",
        ),
        (
            _unweighted,
            "All your examples pull with the same force. The gradient listens to an example the "
            "less the better it is classified.",
        ),
    ],
    praise="The same direction at every length, and no logarithm was left too early.",
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
