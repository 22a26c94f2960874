"""Chapter 6: where the endless bouncing of the unit step ends, and where it drifts."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from normgd.exercises import ch06

C, Q = sp.symbols("C q", positive=True)


def expression(text):
    """A formula in C and q, as a function of both."""
    return sp.lambdify((C, Q), sp.sympify(text, locals={"C": C, "q": Q}))


def bounce(curvatures, w, steps=1, eta=1.0):
    """The unit step on a bowl along the axes, written out once more."""
    h = np.reshape(curvatures, (-1, *(1,) * (np.ndim(w) - 1)))
    w = np.array(w, dtype=float)
    for _ in range(steps):
        g = h * w
        w = w - eta * g / np.sqrt((g * g).sum(axis=0))
    return w


# ---------------------------------------------------------------------------------- cycles


def test_the_cycles_of_a_bowl_lie_on_eigenvectors(second="1 - C"):
    v = np.array([Fraction(3, 5), Fraction(4, 5)])  # H = 7 v v' + 2 (I - v v')
    H = 5 * np.outer(v, v) + 2 * np.eye(2, dtype=int)

    def step(w, eta):
        g = H @ w
        square = sum(g * g)
        root = Fraction(math.isqrt(square.numerator), math.isqrt(square.denominator))
        assert root**2 == square  # exact: the points are rational multiples of v
        return w - eta * g / root

    eta, share = Fraction(7, 3), Fraction(2, 9)
    a = share * eta * v
    b = step(a, eta)
    other = Fraction(str(sp.sympify(second).subs({"C": sp.Rational(2, 9)})))
    assert list(b) == list(-other * eta * v)
    assert list(step(b, eta)) == list(a)


def test_no_other_points_come_back_in_two_steps():
    w = np.random.default_rng(1).normal(size=(2, 100_000))
    back = np.linalg.norm(bounce([2, 1], w, 2) - w, axis=0)
    off_axis = np.abs(w).min(axis=0)
    assert np.all(back[off_axis > 0.2] > 0.01)  # a nearly returning point is nearly on an axis


def test_multipliers_of_a_cycle(m="1 - q*(1 - q)/(C*(1 - C))"):
    claimed, h = expression(m), mpmath.mpf(10) ** -20
    with mpmath.workdps(50):
        for share, ratio in ((0.3, 0.25), (0.3, 0.5), (0.1, 0.5), (0.45, 1.7), (0.2, 3.0)):
            x, y = mpmath.mpf(share), h
            for _ in range(2):
                n = mpmath.sqrt(x**2 + (ratio * y) ** 2)
                x, y = x - x / n, y - ratio * y / n
            assert abs(float(y / h) - claimed(share, ratio)) < 1e-9
            assert abs(x - mpmath.mpf(share)) < mpmath.mpf(10) ** -35  # along it: 1


def test_near_a_stable_cycle_paths_settle_on_a_neighbour():
    """Stable is transversally stable: C itself need not come back."""
    end = bounce([1, 0.6, 0.3], [0.3, 0.05, -0.08], 400)
    assert np.abs(end[1:]).max() < 1e-12
    assert 1e-4 < abs(abs(end[0]) - 0.3) < 0.05


def test_the_window_of_stable_cycles(edge="(2 - sqrt(2))/4"):
    edge = float(sp.sympify(edge))
    ratios = np.linspace(0.01, 0.99, 99)
    for share, stable in ((edge * 1.005, True), (edge * 0.995, False), (1 - edge * 0.995, False)):
        x, y = np.full(99, share), np.full(99, 1e-9)
        for _ in range(2):
            n = np.hypot(x, ratios * y)
            x, y = x - x / n, y - ratios * y / n
        assert (np.abs(y).max() < 1e-9) == stable


def test_only_the_steepest_direction_keeps_its_cycle(top=0):
    tiny = 1e-6
    kept = [
        np.abs(np.delete(bounce([4, 2, 1], 0.35 * np.eye(3)[i] + tiny, 300), i)).max() < tiny
        for i in range(3)
    ]
    assert kept == [i == top for i in range(3)]


# ----------------------------------------------------------------------- the generic limit


def late(curvatures, steps, seed=0, starts=400, eta=0.3):
    w = np.random.default_rng(seed).normal(size=(len(curvatures), starts))
    a = bounce(curvatures, w, steps, eta)
    return a, bounce(curvatures, a, 1, eta)


def test_the_product_of_two_consecutive_points_falls(half=0.5):
    rng = np.random.default_rng(5)
    for _ in range(20):
        square, eta = rng.normal(size=(3, 3)), 10 ** rng.uniform(-1, 1)
        H = square + square.T  # any symmetric matrix, not only a positive one
        w = [rng.normal(size=3)]
        for _ in range(30):
            w.append(w[-1] - eta * H @ w[-1] / np.linalg.norm(H @ w[-1]))
        for a, b, c in zip(w, w[1:], w[2:], strict=False):
            fall = half * np.linalg.norm(H @ b) * np.sum((c - a) ** 2) / eta
            scale = np.abs(H).sum() * eta * np.linalg.norm(b)
            assert abs(b @ H @ c - a @ H @ b + fall) < 1e-9 * (1 + scale)


def test_almost_every_path_ends_along_the_steepest_direction(direction=0, mean=0.5):
    a, b = late([1, 0.5, 0.2, 0.05], 800)
    for w in (a, b):
        assert np.abs(np.delete(w, direction, axis=0)).max() < 1e-8
    distances = np.abs(np.stack([a[direction], b[direction]])) / 0.3
    assert np.allclose(distances.mean(axis=0), mean, atol=1e-9)
    assert np.ptp(distances[0]) > 0.3  # and not one half each


def test_the_smaller_amplitude_stays_in_the_window(factor=2.0):
    closest = math.inf
    for seed in range(3):
        a, _ = late([1, 0.5, 0.25], 500, seed)
        share = np.abs(a[0]) / 0.3
        closest = min(closest, (factor * share * (1 - share)).min())
    assert 0.25 <= closest < 0.27  # q (1 - q) = 1/4 is the strictest


def test_on_the_axis_an_unstable_cycle_lasts(sideways=0.0):
    assert abs(bounce([1, 0.5], [0.05, sideways], 400)[0]) == pytest.approx(0.05)


def test_the_law_of_the_amplitudes(power=2.0):
    for first, weak in ((0.1, 0.3), (0.2, 0.8), (0.85, 0.5)):
        ends = []
        for q in (4e-3, 2e-3):
            curvatures = [1, q, q / 2]
            start = [first, math.sqrt(weak / 2 / q), math.sqrt(weak / q)]
            ends.append(abs(bounce(curvatures, start, round(16 / q))[0]))
        D0 = 0.5 - first
        K = abs(D0) * math.exp(-2 * D0**2 - power * weak)
        D = math.copysign(brentq(lambda D, K=K: D * math.exp(-2 * D * D) - K, 0, 0.5), D0)
        limit = 2 * ends[1] - ends[0]  # the error is proportional to q
        assert abs(limit - (0.5 - D)) < 1e-3


# -------------------------------------------------------------------------------- the edge


def test_two_gradient_norms_measure_the_largest_curvature(edge=2.0):
    curvatures = np.array([7.0, 3.0, 0.4])
    a, b = late(curvatures, 800)
    rates = 0.3 / np.linalg.norm(curvatures[:, None] * np.stack([a, b]), axis=1)
    harmonic = 2 / (1 / rates).sum(axis=0)
    assert np.allclose(harmonic, edge / 7, rtol=1e-8)
    assert np.all(rates.mean(axis=0) >= harmonic)
    assert rates.mean(axis=0).max() > 1.2 * harmonic.max()


def test_weak_components_at_the_edge(bound="2*C*(1 - C)/(1 + 4*C*(1 - C))"):
    bound = expression(bound)
    for share in (0.1, 0.2, 0.35, 0.5):
        p = bound(share, 0)
        for value, holds in ((0.995 * p, True), (1.005 * p, False)):
            if value > 0.25:  # no q has it: the condition is always fulfilled
                continue
            q = (1 - math.sqrt(1 - 4 * value)) / 2
            m = bounce([1, q], [share, 1e-9], 2)[1] / 1e-9
            assert (abs(m) <= (1 - 2 * q) ** 2 + 1e-12) == holds


def test_gradient_descent_leaves_minima_that_are_too_sharp(edge=2.0):
    for product in (1.99, 2.01):
        x, y = 1e-3, 1.5
        alpha = product / (1 + y * y)
        for _ in range(3000):
            x, y = x - alpha * (1 + y * y) * x, y - alpha * x * x * y
        assert abs(x) < 1e-6
        assert alpha * (1 + y * y) < edge
        assert (abs(y - 1.5) > 1e-4) == (product > edge)


# ------------------------------------------------------------------------------ the valley


def valley_path(x, y, eta, steps):
    """The unit step on (1 + y²) x² / 2, from its gradient."""
    for _ in range(steps):
        gx, gy = (1 + y * y) * x, x * x * y
        n = math.hypot(gx, gy)
        x, y = x - eta * gx / n, y - eta * gy / n
    return x, y


def test_the_drift_along_a_valley(rate=0.25):
    T = 4.0
    flow = solve_ivp(lambda _, y: -rate * 2 * y / (1 + y * y), (0, T), [1.5], rtol=1e-10)
    for eta in (0.1, 0.05):
        for share in (0.3, 0.45, 0.7):
            _, y = valley_path(share * eta, 1.5, eta, round(T / eta**2))
            assert abs(y - flow.y[0, -1]) < 0.5 * eta**2


def test_the_constant_of_the_drift_suffices_and_is_not_idle():
    """On λ = exp(2 a sin y), where p = a cos y and P = P' = a."""
    worst = 0.0
    for a, eta in ((0.3, 0.5), (1.0, 0.2), (4.0, 0.05)):
        for share in (0.1, 0.99):
            T = 2.0
            flow = solve_ivp(
                lambda _, y, a=a: -a / 2 * np.cos(y), (0, T), [0.3], rtol=1e-10, dense_output=True
            )
            x, y = share * eta, 0.3
            for t in range(1, int(T / eta**2) + 1):
                p = a * math.cos(y)
                step = eta / math.hypot(1, p * x)
                x, y = abs(x - step), y - step * p * x
                tau = eta**2 * t
                K = 0.75 * tau * math.exp(a * tau / 2) * (a**3 + a * a) + 1.5 * a
                worst = max(worst, abs(y - flow.sol(tau)[0]) / (K * eta**2))
    assert 0.25 < worst <= 1


def test_the_amplitudes_in_a_valley_part(half=0.5):
    eta, p = 1e-3, 1.5 / (1 + 1.5**2)
    with mpmath.workdps(40):
        for share in (0.2, 0.45, 0.8):
            x, y = mpmath.mpf(share) * eta, mpmath.mpf(1.5)
            for _ in range(2):
                gx, gy = (1 + y * y) * x, x * x * y
                n = mpmath.sqrt(gx**2 + gy**2)
                x, y = x - eta * gx / n, y - eta * gy / n
            change = float((x / eta - share) / eta**2)
            assert change == pytest.approx(-half * p**2 * (1 - 2 * share), rel=1e-4)


def test_gradient_descent_stays_in_the_valley(gain=1.0):
    """On exp(2 P y) x² / 2 the bound is attained as x0 tends to 0."""
    P, x0, alpha = 0.7, 1e-3, 0.4
    x, y = x0, 0.0
    for _ in range(200):
        curvature = math.exp(2 * P * y)
        x, y = x - alpha * curvature * x, y - alpha * P * curvature * x * x
    bound = gain * alpha * P * x0**2 / (1 - (1 - alpha) ** 2)
    assert abs(x) < 1e-12
    assert 0.99 * bound < abs(y) <= bound * (1 + 1e-5)


# ------------------------------------------------------------------- farther than one step


def test_a_cycle_can_reach_beyond_a_whole_step(reach=1.165):
    with mpmath.workdps(30):
        one, tenth, half = mpmath.mpf(1), mpmath.mpf(1) / 10, mpmath.mpf(1) / 2
        ramps = [
            ((one, -one), 50, half / 10, mpmath.mpf(8) / 10),
            ((-one, -tenth), 500, tenth / 10, mpmath.mpf(8)),
        ]

        def unit_gradient(w):
            g = list(w)
            for A, k, foot, size in ramps:
                z = A[0] * w[0] + A[1] * w[1]
                slope = 1 / (1 + mpmath.exp(-k * (z - foot))) - 1 / (1 + mpmath.exp(k * foot))
                g = [g[i] + size * slope * A[i] for i in (0, 1)]
            n = mpmath.hypot(*g)
            return [g[0] / n, g[1] / n]

        def mismatch(height):
            a = [mpmath.mpf("0.91"), height]
            u = unit_gradient(a)
            v = unit_gradient([a[0] - u[0], a[1] - u[1]])
            return u[0] * v[1] - u[1] * v[0]

        height = mpmath.findroot(mismatch, (0.70, 0.76), solver="anderson", tol=1e-25)
        a = [mpmath.mpf("0.91"), height]
        u = unit_gradient(a)
        b = [a[0] - u[0], a[1] - u[1]]
        v = unit_gradient(b)
        assert abs(b[0] - v[0] - a[0]) + abs(b[1] - v[1] - a[1]) < 1e-12
        assert reach < mpmath.hypot(*a) < reach + 0.001
        assert mpmath.hypot(*b) < 0.75


# ---------------------------------------------------------------------- only the direction


def angles(steps, eta=0.5):
    D, w = np.array([1.0, 2.0, 3.0, 10.0]), np.array([0.3, 0.8, -0.5, 0.6])
    squares = [w @ w]
    turns = []
    for _ in range(steps):
        g = D * w - (w @ (D * w)) / (w @ w) * w
        new = w - eta * g / np.linalg.norm(g)
        cosine = w @ new / math.sqrt((w @ w) * (new @ new))
        turns.append(math.acos(cosine))
        w = new
        squares.append(w @ w)
    return np.array(squares), np.array(turns)


def test_where_only_the_direction_matters_the_norm_grows(growth=1.0):
    squares, turns = angles(3000)
    t = np.arange(3001)
    assert np.allclose(squares, squares[0] + growth * 0.25 * t, rtol=1e-9)
    assert np.allclose(turns, np.arctan(0.5 / np.sqrt(squares[:-1])), atol=1e-6)


def test_the_squares_of_the_angles_add_up_like_a_logarithm(log=1.0, root=2.0):
    t = np.arange(1_000_000)
    turns = np.arctan(0.5 / np.sqrt(1.34 + 0.25 * t))
    decades = [np.sum(turns[10**k : 10 ** (k + 1)] ** 2) for k in (4, 5)]
    assert np.allclose(decades, log * math.log(10), rtol=1e-3)
    assert np.sum(turns) == pytest.approx(root * math.sqrt(1e6), rel=5e-3)


# ------------------------------------------------------------------------------- exercises

RIGHT = [
    (ch06.multipliers, np.array([-0.1905, 0.1071, 0.1464])),
    (ch06.sharpest, 133.81),
    (ch06.sharpest, 134),
    (ch06.steps, 1600.0),
    (
        ch06.forecast,
        {
            "c": "True", "b": "False", "a": " false",
            "after 1001 steps": 0.550, "after 1000 steps": 0.0667,
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("exercise", "answer"), RIGHT)
def test_right_answers_in_other_forms_pass(exercise, answer):
    assert exercise.check(answer), exercise.check(answer)


def test_the_curvatures_of_the_four_minima():
    """The Hessian by SymPy, at the critical point near (-3.8, -3.3)."""
    x, y = sp.symbols("x y")
    J = (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2
    root = sp.nsolve([J.diff(x), J.diff(y)], [x, y], [-3.8, -3.3])
    H = np.array(sp.hessian(J, (x, y)).subs(dict(zip((x, y), root, strict=True))), dtype=float)
    assert ch06.sharpest.check(np.linalg.eigvalsh(H)[1])
