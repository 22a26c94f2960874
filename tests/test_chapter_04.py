"""Chapter 4: what it claims, tried on what is computed here, and answers in other forms.

The constants of a claim are arguments, so that tests/test_claims.py can call its test with a wrong
one: see book/src/claims.toml.
"""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import minimize_scalar

from normgd.exercises import ch04

# --- the rule, written here again -----------------------------------------------------------


def ngd(grad, w, eta, steps):
    """All iterates of w - eta g/||g||, which stays where g = 0."""
    path = [np.asarray(w, dtype=float)]
    for _ in range(steps):
        g = np.asarray(grad(path[-1]))
        size = np.linalg.norm(g)
        path.append(path[-1] - (eta * g / size if size else 0.0))
    return np.array(path)


def on_a_line(x, eta, steps):
    """All iterates on a line with its minimum at 0, in exact arithmetic."""
    path = [x]
    for _ in range(steps):
        x -= eta * ((x > 0) - (x < 0))
        path.append(x)
    return path


X, Y, Z = sp.symbols("x y z", real=True)
HILLY = X**4 / 4 + sp.cosh(Y / 2) + X * Y / 5 + (Y - 1) ** 2


def gradient(J, *coordinates):
    by_hand = sp.lambdify(coordinates, [sp.diff(J, x) for x in coordinates])
    return lambda w: by_hand(*w)


# --- claims -------------------------------------------------------------------------------


def test_another_scale_of_J_is_not_seen(h="log(J + 3) + J**3"):
    disguised = sp.sympify(h, {"J": HILLY})
    one = ngd(gradient(HILLY, X, Y), [1.3, 2.1], 0.17, 25)
    other = ngd(gradient(disguised, X, Y), [1.3, 2.1], 0.17, 25)
    assert other == pytest.approx(one, abs=1e-9)


def test_another_unit_of_w_is_seen(length="eta / sigma"):
    for sigma in (0.02, 7.0):
        in_z = HILLY.subs({X: sigma * X, Y: sigma * Y}, simultaneous=True)
        eta = float(sp.sympify(length, {"eta": 0.17, "sigma": sigma}))
        one = ngd(gradient(HILLY, X, Y), [1.3, 2.1], 0.17, 25)
        other = ngd(gradient(in_z, X, Y), np.array([1.3, 2.1]) / sigma, eta, 25)
        assert sigma * other == pytest.approx(one, abs=1e-9)


def test_it_is_never_farther_than_its_steps_are_long(speed=1.0):
    t = np.arange(31)
    for J in (HILLY, X**4 - Y**2, 3 * X - 4 * Y):
        path = ngd(gradient(J, X, Y), [1.3, 2.1], 0.17, 30)
        away = np.linalg.norm(path - path[0], axis=1)
        assert np.all(away <= speed * 0.17 * t + 1e-12)
    assert away == pytest.approx(speed * 0.17 * t)  # a plane is descended straight


def test_the_steps_do_not_become_shorter(least=1.0):
    for J in (HILLY, X**2 + 9 * Y**2, X**4 + Y**4, sp.exp(-X) + Y**2):
        path = ngd(gradient(J, X, Y), [math.pi, 1.3], 0.17, 500)
        assert np.linalg.norm(path[-1] - path[-2]) == pytest.approx(least * 0.17)


def test_the_orbit_on_a_line(first="r", second="eta - r"):
    for k in range(1, 60):
        start, eta = Fraction(k, 7), Fraction(3, 5)
        m, r = divmod(start, eta)
        path = on_a_line(start * (-1) ** k, eta, m + 9)
        distances = [abs(x) for x in path]
        assert distances[: m + 1] == [start - t * eta for t in range(m + 1)]
        if r == 0:
            assert not any(distances[m:])
            continue
        two = [sp.Rational(x.numerator, x.denominator) for x in (eta, r)]
        told = [sp.sympify(text, dict(zip(("eta", "r"), two, strict=True)))
                for text in (first, second)]  # fmt: skip
        assert distances[m:] == (5 * told)[: len(distances) - m]
        assert all(x * y < 0 for x, y in pairwise(path[m:]))


def test_the_error_of_a_random_start(last=1 / 2, best=1 / 4):
    # The midpoint rule is exact for what is linear on each of its pieces.
    eta = 0.3
    starts = (np.arange(1000) + 0.5) / 1000 * 2 * eta + 3 * eta
    x, distances = starts, []
    for _ in range(12):
        x = x - eta * np.sign(x)
        distances.append(abs(x))
    for late in distances[6:]:
        assert late.mean() == pytest.approx(last * eta, rel=1e-9)
    assert np.min(distances, axis=0).mean() == pytest.approx(best * eta, rel=1e-9)


def cone(cosine, kappa):
    return float(sp.sympify(cosine, {"kappa": sp.Float(kappa, 30)}))


def test_the_cone_condition(cosine="2*sqrt(kappa)/(kappa + 1)"):
    w = np.random.default_rng(0).normal(size=(2, 100_000)) * 3
    for kappa in (2.0, 10.0, 300.0):
        c = cone(cosine, kappa)

        def turned(angle, kappa=kappa):
            e = np.array([math.cos(angle), math.sin(angle)])
            g = e * [1, kappa]
            return e @ g / np.linalg.norm(g)

        worst = minimize_scalar(turned, bounds=(0, math.pi / 2), options={"xatol": 1e-12})
        assert worst.fun == pytest.approx(c, rel=1e-9)
        g = w + (kappa - 1) * np.tanh(w)  # curvature from 1 to kappa, not a quadratic
        cosines = (g * w).sum(axis=0) / np.linalg.norm(g, axis=0) / np.linalg.norm(w, axis=0)
        assert cosines.min() >= c


def test_the_unit_step_is_trapped(radius="Max(1, (kappa + 1)/(4*sqrt(kappa)))"):
    eta, rng = 0.3, np.random.default_rng(1)
    for kappa in (2.0, 30.0, 1000.0):
        H = np.array([1.0, kappa])
        trap = eta * cone(radius, kappa)
        # The farthest step from within: from the centre, or where the cone condition is sharp.
        corner = np.array([math.sqrt(kappa), 1.0]) / math.sqrt(kappa + 1)
        starts = np.vstack([trap * corner, [0.0, 1e-9], rng.normal(size=(1000, 2))])
        starts *= np.minimum(1, trap / np.linalg.norm(starts, axis=1))[:, None]
        g = starts * H
        after = np.linalg.norm(starts - eta * g / np.linalg.norm(g, axis=1, keepdims=True), axis=1)
        assert after.max() == pytest.approx(trap, rel=1e-6)
        for w in 20 * rng.normal(size=(3, 2)):
            late = ngd(lambda w, H=H: H * w, w, eta, 3000)[-500:]
            assert np.linalg.norm(late, axis=1).max() <= trap * (1 + 1e-9)


def test_the_drift_along_an_open_valley(climb="Abs(sin(theta/2))", two=2.0):
    for eta, (x, y) in ((1.0, (0.3, -1.0)), (0.7, (2.1, 0.6))):
        rises = sp.lambdify(sp.Symbol("theta"), sp.sympify(climb))
        T = 3000  # much later, rounding puts it exactly on the half-line
        for t in range(T):
            size = math.hypot(x, y)
            gx, gy = x / size, -(x**2) / (size * (size + y))  # y/size - 1, to the last bit
            slope = math.hypot(gx, gy)
            step = -eta * gy / slope
            if t < 100:
                assert step == pytest.approx(eta * rises(math.atan2(x, y)), rel=1e-9)
            x, y = x - eta * gx / slope, y + step
        assert y / math.sqrt(T) == pytest.approx(eta / math.sqrt(two), rel=0.01)
        assert x**2 / (math.hypot(x, y) + y) < 0.02 * eta  # the value


def test_the_value_of_the_best_iterate(eighth=1 / 8):
    rng = np.random.default_rng(2)

    def bound(L, R, eta, T):
        return eighth * L * (R**2 / (eta * T) + eta) ** 2

    for _ in range(100):
        curvature = rng.uniform(0.01, 9, size=3)
        eta, T = 10 ** rng.uniform(-2, 1), int(rng.integers(1, 40))
        path = ngd(lambda w, h=curvature: h * w, rng.normal(size=3), eta, T - 1)
        best = (path**2 @ curvature / 2).min()
        assert best <= bound(curvature.max(), np.linalg.norm(path[0]), eta, T)
    # Attained by one step whose length is the distance, and in the limit by the cycle +-eta/2.
    assert bound(3.0, 0.7, 0.7, 1) == pytest.approx(3.0 * 0.7**2 / 2, rel=1e-12)
    cycle = on_a_line(Fraction(1, 4), Fraction(1, 2), 50)
    assert {3 * x**2 / 2 for x in cycle} == {Fraction(3, 32)}
    assert bound(3.0, 0.25, 0.5, 10**9) == pytest.approx(3 / 32, rel=1e-6)


def test_the_mean_of_the_rates_it_chooses(two=2):
    for curvature, eta, start in ((1, "3/10", "1234/1000"), (7, "1/50", "17/9"), (3, "2", "5/3")):
        eta = Fraction(eta)
        path = on_a_line(Fraction(start), eta, 200)
        rates = [eta / abs(curvature * x) for x in path[-2:]]
        assert 2 / sum(1 / rate for rate in rates) == Fraction(two) / curvature


# --- exercises ----------------------------------------------------------------------------


def by_hypot(g):
    size = math.hypot(*g)
    return [x / size for x in g] if size else g


def by_scaling_twice(g):
    g = np.array(g) / (np.abs(g).max() or 1)
    return g / (np.linalg.norm(g) or 1)


def by_running(curvature, eta, x0):
    path = ngd(lambda x: curvature * x, [x0], eta, 500)
    rates = eta / (curvature * abs(path[-2:, 0]))
    return 2 / np.sum(1 / rates)


def by_sweeping(per_decade):
    rates = np.logspace(-6, 2, 8 * per_decade + 1)
    H, start = np.array([[1.0], [10.0]]), np.array([[10.2], [1.0]])
    table = {}
    with np.errstate(all="ignore"):
        for name in ("gd", "ngd"):
            w, J = start + 0 * rates, []
            for _ in range(100):
                g = H * w
                w = w - rates * (g if name == "gd" else g / np.linalg.norm(g, axis=0))
                J.append((H * w**2).sum(axis=0) / 2)
            gap = np.maximum(J[-1], J[-2]) / (H * start**2).sum() * 2
            table[name] = [(gap < 10.0**-k).sum() / per_decade for k in range(1, 7)]
    return table


RIGHT = [
    (ch04.hand, (-0.35, 0.4)),
    (ch04.hand, np.array(on_a_line(Fraction(-41, 10), Fraction(3, 4), 51)[-2:][::-1], dtype=float)),
    (ch04.code, by_hypot),
    (ch04.code, by_scaling_twice),
    (ch04.rate, by_running),
    (ch04.rate, lambda curvature, eta, x0: 2.0 * curvature**-1),
    (ch04.tune, by_sweeping(200)),
    (ch04.tune, by_sweeping(400)),
    (ch04.debug, np.int64(10)),
    (ch04.debug, len([k for k in range(1, 101) if k % 10 == 0])),
    (ch04.own, lambda g: 0.5 / (float(np.linalg.norm(g)) + 3.0) * g),
]


@pytest.mark.parametrize(("exercise", "answer"), RIGHT)
def test_right_answers_pass_in_other_forms(exercise, answer):
    assert exercise.check(answer), exercise.check(answer)
