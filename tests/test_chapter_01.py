"""Chapter 1: what it claims, tried on what is computed here, and answers in other forms.

The constants of a claim are arguments, so that tests/test_claims.py can call its test with a wrong
one: see book/src/claims.toml.
"""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import minimize_scalar

import normgd as ng
from normgd.exercises import ch01

# --- claims -------------------------------------------------------------------------------


def symmetric(rng, eigenvalues):
    turn, _ = np.linalg.qr(rng.normal(size=2 * [len(eigenvalues)]))
    return turn, turn @ np.diag(eigenvalues) @ turn.T


def test_the_steepest_direction_is_minus_the_gradient(slope=-1.0):
    rng = np.random.default_rng(0)
    for d in (2, 3, 10):
        g = rng.normal(size=d)
        v = rng.normal(size=(100_000, d))
        v /= np.linalg.norm(v, axis=1, keepdims=True)
        v[0] = -g / np.linalg.norm(g)
        slopes = v @ g
        assert slopes.argmin() == 0
        assert slopes[0] == pytest.approx(slope * np.linalg.norm(g), rel=1e-12)


def test_the_descent_lemma(factor=1 / 2):
    rng = np.random.default_rng(1)
    worst = 0.0
    for _ in range(200):
        turn, H = symmetric(rng, eigenvalues := rng.uniform(-5, 5, size=4))
        L = abs(eigenvalues).max()
        stiffest = turn[:, abs(eigenvalues).argmax()]
        for p in (rng.normal(size=4), stiffest):
            worst = max(worst, p @ H @ p / 2 / (factor * L * (p @ p)))
    # The second derivative of the logarithm of cosh is at most 1; that of the cosine, too.
    w, p = rng.normal(size=(2, 100_000)) * 3
    for J, slope in ((lambda x: np.log(np.cosh(x)), np.tanh), (np.cos, lambda x: -np.sin(x))):
        worst = max(worst, ((J(w + p) - J(w) - slope(w) * p) / (factor * p**2)).max())
    assert worst == pytest.approx(1, rel=1e-9)  # never above, and attained


def test_a_safe_step_gains_what_is_promised(edge=2.0, budget=2.0):
    rng = np.random.default_rng(2)
    gains, smallest = [], []
    for _ in range(300):
        eigenvalues = np.array([rng.uniform(-9, 9), -9.0, 9.0])
        _, H = symmetric(rng, eigenvalues)
        stiffest = np.linalg.eigh(H)[1][:, 2]
        for w in (rng.normal(size=3), stiffest):
            g, alpha = H @ w, rng.uniform(0.01, 1.99) / 9
            gain = w @ H @ w / 2 - (w - alpha * g) @ H @ (w - alpha * g) / 2
            gains.append(alpha * (1 - alpha * 9 / edge) * (g @ g) - gain)
        curvature, T = rng.uniform(0.1, 9, size=3), int(rng.integers(1, 30))
        w = rng.normal(size=3) * (curvature == curvature.max() if T == 1 else 1)
        L, gap = curvature.max(), curvature @ w**2 / 2
        norms = [np.linalg.norm(curvature * w * (1 - curvature / L) ** t) for t in range(T)]
        smallest.append(min(norms) / np.sqrt(budget * L * gap / T))
    assert max(gains) == pytest.approx(0, abs=1e-12)
    assert max(smallest) == pytest.approx(1, rel=1e-12)


def test_gradient_descent_on_a_quadratic(edge=2.0, best=2.0, rate="(kappa - 1)/(kappa + 1)"):
    rng = np.random.default_rng(3)
    for L in (3.0, 40.0):
        turn, H = symmetric(rng, eigenvalues := np.array([0.5, 1.0, L]))
        w = start = rng.normal(size=3)
        for _ in range(7):
            w = w - 0.3 * H @ w
        assert turn.T @ w == pytest.approx((1 - 0.3 * eigenvalues) ** 7 * (turn.T @ start))
        for alpha, converges in ((0.99 * edge / L, True), (1.01 * edge / L, False)):
            whole = np.linalg.matrix_power(np.eye(3) - alpha * H, 3000)
            assert (np.linalg.norm(whole @ start) < 1e-3) == converges
        found = minimize_scalar(
            lambda alpha, H=H: np.linalg.norm(np.eye(3) - alpha * H, 2),
            bounds=(0, 2 / L), options={"xatol": 1e-10},
        )  # fmt: skip
        assert found.x == pytest.approx(best / (L + 0.5), rel=1e-6)
        assert found.fun == pytest.approx(float(sp.sympify(rate, {"kappa": L / 0.5})), rel=1e-6)


def test_the_threshold_on_the_quartic(two=2):
    for alpha in (0.1, 0.125, 3.0):
        for factor, inside in ((0.999, True), (1.001, False)):
            x = factor / (two * alpha) ** 0.5
            sizes = [x]
            while len(sizes) < 3000 and abs(x) < 1e9:
                sizes.append(abs(x := x - alpha * 4 * x**3))
            assert (sizes == sorted(sizes, reverse=True)) == inside
            assert (sizes == sorted(sizes)) == (not inside)
            assert sizes[-1] < 0.05 * sizes[0] if inside else sizes[-1] > 1e9
    x, alpha = Fraction(2), Fraction(1, two * 4)
    assert x - alpha * 4 * x**3 == -x


def test_the_slow_approach_on_the_quartic(eight=8.0):
    for alpha, x in ((0.1, 0.5), (0.1, 2.2), (0.01, 3.0)):
        for _ in range(20_000):
            x -= alpha * 4 * x**3
        assert abs(x) * (eight * alpha * 20_000) ** 0.5 == pytest.approx(1, rel=0.01)


def test_a_step_that_raises_J_has_met_a_large_curvature(two=2.0):
    rng = np.random.default_rng(4)
    rises = 0
    for x, alpha in zip(rng.uniform(0.1, 3, 2000), rng.uniform(0.01, 1, 2000), strict=True):
        y = x - alpha * 4 * x**3  # on the quartic, whose curvature is 12 x^2
        if y**4 > x**4:
            rises += 1
            assert 12 * max(x**2, y**2) > two / alpha
    assert rises > 500
    # A parabola rises whenever its curvature is above 2/alpha, by however little.
    alpha, curvature = 0.25, 8.0001
    assert abs(1 - alpha * curvature) > 1
    assert curvature > two / alpha


# --- exercises ----------------------------------------------------------------------------


def by_central_differences(J, w, h=1e-5):
    columns = [(J.grad(w + h * e) - J.grad(w - h * e)) / (2 * h) for e in np.eye(len(w))]
    return max(np.linalg.eigvalsh(np.array(columns)), key=abs)


def by_twenty_forward_differences(J, w):
    v = np.ones(len(w)) / len(w)
    for _ in range(20):
        Hv = (J.grad(w + 1e-6 * v) - J.grad(w)) / 1e-6
        v = Hv / np.linalg.norm(Hv)
    return v @ (J.grad(w + 1e-6 * v) - J.grad(w)) / 1e-6


half = Fraction(1, 2)
RIGHT = [
    (ch01.hand, np.array([[0.0, 0, 0], [-1, 0.5, -0.25], [-2, 2, -2]])),
    (ch01.hand, ((0, 0, 0), (-1, half, -(half**2)), (-2, 2, -2))),
    (ch01.hand, [ng.descend(lambda x: 1.5 * x[0] ** 2, 2.0, ng.gd(alpha), steps=3).w[1:, 0]
                 for alpha in (1 / 3, 1 / 2, 2 / 3)]),
    (ch01.distance, np.diag([1, 0.001])),
    (ch01.distance, ((1.0, 0), (0, 1e-3))),
    (ch01.edge, by_central_differences),
    (ch01.edge, by_twenty_forward_differences),
    (ch01.quartic, lambda alpha: (4 * alpha) ** -0.5),
    (ch01.quartic, lambda alpha: max(np.roots([4 * alpha, 0, -1]))),
    (ch01.debug, lambda x1, x2: 0.1 * ((x1 + x2) / 2**0.5) ** 2 + 2 * ((x2 - x1) / 2**0.5) ** 2),
    (ch01.debug, lambda x1, x2: 1.05 * (x1**2 + x2**2) - 1.9 * x1 * x2),
]  # fmt: skip


@pytest.mark.parametrize(("exercise", "answer"), RIGHT)
def test_right_answers_pass_in_other_forms(exercise, answer):
    assert exercise.check(answer), exercise.check(answer)
