"""Chapter 12: Adam's corrections, its steps, where it hovers, and where it walks uphill."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from scipy import linalg

import normgd as ng
from normgd.exercises import ch12
from normgd.functions import quadratic, reddi

MEMORIES = [(0.9, 0.999), (0.9, 0.99), (0.5, 0.9), (0.9, 0.9), (0.0, 0.5)]


def adam_steps(gradients, rule, start=0):
    """Return the steps of a rule that is handed one gradient after the other."""
    memory, steps = rule.start(), []
    for t, g in enumerate(gradients, start=start):
        step, memory = rule.step(np.array([float(g)]), memory, t)
        steps.append(step[0])
    return np.array(steps)


# ------------------------------------------------------------------ corrections and signs


def test_the_corrected_averages_are_weighted_means(shift=1):
    beta = Fraction(9, 10)
    a = [Fraction(k * k - 3, 7) for k in range(8)]
    A = Fraction(0)
    for t, number in enumerate(a):
        A = beta * A + (1 - beta) * number
        weights = [beta ** (t - s) for s in range(t + 1)]
        mean = sum(w * b for w, b in zip(weights, a, strict=False)) / sum(weights)
        assert A / (1 - beta ** (t + shift)) == mean


def test_adam_is_the_sign_without_memory_and_at_the_start(first="1"):
    rng = np.random.default_rng(1)
    gradients = rng.normal(size=50) * 10.0 ** rng.integers(-20, 20, size=50)
    nothing = ng.adam(eta=0.3, beta1=0.0, beta2=0.0, eps=0.0)
    np.testing.assert_allclose(adam_steps(gradients, nothing), 0.3 * np.sign(gradients), rtol=1e-12)
    for (b1, b2), g in itertools.product(MEMORIES, (-1e-30, 1e-9, -2.0, 1e20)):
        for eps in (0.0, 1e-8):
            steps = adam_steps([g] * 40, ng.adam(eta=0.3, beta1=b1, beta2=b2, eps=eps))
            factor = float(sp.sympify(first).subs({"beta1": b1, "beta2": b2}))
            expected = factor * 0.3 * g / (abs(g) + eps)
            np.testing.assert_allclose(steps, expected, rtol=1e-9)


def test_a_small_loss_is_switched_off_by_eps(eps=1e-8):
    for c in (1.0, 1e-8, 1e-10, 1e-12):
        steps = adam_steps([c] * 3, ng.adam(eta=1.0))
        np.testing.assert_allclose(steps, c / (c + eps), rtol=1e-9)


def test_adam_with_equal_memories_is_the_sign_times_its_certainty(power=0.5):
    rng = np.random.default_rng(2)
    for beta in (0.3, 0.9, 0.99):
        gradients = rng.normal(0.4, 1.0, size=60)
        steps = adam_steps(gradients, ng.adam(eta=1.0, beta1=beta, beta2=beta, eps=0.0))
        for t in (0, 1, 10, 59):
            weights = beta ** np.arange(t, -1, -1)
            mean = np.average(gradients[: t + 1], weights=weights)
            variance = np.average((gradients[: t + 1] - mean) ** 2, weights=weights)
            certainty = (1 + variance / mean**2) ** -power
            assert steps[t] == pytest.approx(np.sign(mean) * certainty, rel=1e-9)
            assert abs(steps[t]) <= 1 + 1e-12


# -------------------------------------------------------------------------- the longest step


def test_the_longest_step_of_adam(squared=2):
    rng = np.random.default_rng(3)
    for b1, b2 in MEMORIES:
        bound = (1 - b1) / np.sqrt((1 - b2) * (1 - b1**squared / b2))
        rule = ng.adam(eta=1.0, beta1=b1, beta2=b2, eps=0.0)
        growth = b2 / b1 if b1 else 20.0
        longest = np.abs(adam_steps(growth ** np.arange(45.0), rule, start=20_000)).max()
        assert 0.985 * bound <= longest <= bound * (1 + 1e-9)
        for n in (1, 2, 5, 30):  # the finite bound, attained and never exceeded
            q = b1**2 / b2
            finite = (1 - b1) / np.sqrt(1 - b2) * np.sqrt(1 - b2**n) / (1 - b1**n)
            finite *= np.sqrt(sum(q**i for i in range(n)))
            assert finite <= bound * (1 + 1e-9)
            worst = growth ** np.arange(n) if b1 else np.eye(n)[-1]
            assert abs(adam_steps(worst, rule)[-1]) == pytest.approx(finite, rel=1e-9)
            others = rng.normal(size=(100, n)) * np.exp(rng.normal(size=(100, n)))
            assert max(abs(adam_steps(g, rule)[-1]) for g in others) <= finite * (1 + 1e-9)


def test_without_beta1_squared_below_beta2_steps_are_unbounded(beta2=0.9):
    rule = ng.adam(eta=1.0, beta1=0.99, beta2=beta2, eps=0.0)
    lengths = [adam_steps((beta2 / 0.99) ** np.arange(n), rule)[-1] for n in (50, 100, 200, 400)]
    assert lengths[-1] > 100


# ------------------------------------------------------------------------ does it come to rest


def test_the_rate_grows_by_a_bounded_factor(factor=1.0):
    most = 0.0
    rng = np.random.default_rng(4)
    for b2 in (0.3, 0.9, 0.999):
        for g in ([1.0, 0.0, 0.0], *rng.normal(size=(20, 6))):
            v, rates = 0.0, []
            for t, slope in enumerate(g):
                v = b2 * v + (1 - b2) * slope**2
                rates.append(np.sqrt((1 - b2 ** (t + 1)) / v))
            ratio = np.max(np.array(rates[1:]) / rates[:-1])
            most = max(most, ratio / np.sqrt((1 + b2) / b2))
    assert 0.999 * factor <= most <= factor * (1 + 1e-12)


def test_adam_does_not_settle_at_a_constant_rate(one=1.0):
    rng = np.random.default_rng(5)
    for b1, b2 in ((0.0, 0.9), (0.5, 0.9), (0.9, 0.95)):
        x = before = rng.uniform(1, 3, size=12)
        m = v = np.zeros(12)
        c, places = b1 * np.sqrt((1 + b2) / b2), []
        for t in range(1500):
            m, v = b1 * m + (1 - b1) * 3 * x, b2 * v + (1 - b2) * 9 * x**2
            a = np.sqrt(1 - b2 ** (t + 1)) / ((1 - b1 ** (t + 1)) * np.sqrt(v))
            after = x - a * m
            K = a * (1 - b1) * 3 - one - c  # the proof's inequality, sharp for beta1 = 0
            assert np.all((K - 1e-9) * abs(x) <= abs(after) + c * abs(before))
            before, x = x, after
            places.append(abs(x))
        late = np.array(places[500:]).reshape(-1, 200, 12).max(axis=1)
        assert np.all(late >= 0.999 * (1 - b1) / (2 * (1 + b1)))


def test_the_edge_of_stability_of_an_averaged_gradient(one=1.0):
    for b1, lam in itertools.product((0.0, 0.5, 0.9), (1.0, 7.0)):
        edge = 2 * (one + b1) / (1 - b1)
        radius = []
        for share in (0.99, 1.01):
            a = share * edge / lam
            A = [[1 - a * (1 - b1) * lam, -a * b1], [(1 - b1) * lam, b1]]
            radius.append(np.max(np.abs(np.linalg.eigvals(A))))
        assert radius[0] < 1 < radius[1]


def test_the_root_mean_square_at_a_constant_rate(two=2.0):
    starts = np.random.default_rng(6).uniform(1, 4, size=(1, 20))
    for b1, lam in ((0.0, 1), (0.5, 1), (0.5, 100), (0.9, 1)):
        rule = ng.adam(eta=1.0, beta1=b1, beta2=0.98, eps=0.0)
        path = ng.descend(quadratic([lam]), starts, rule, steps=1200)
        rms = np.sqrt(np.mean(path.w[600:] ** 2))
        assert rms == pytest.approx((1 - b1) / (two * (1 + b1)), rel=0.12)


def one_step(x, m, v, b1, b2):
    m, v = b1 * m + (1 - b1) * x, b2 * v + (1 - b2) * x * x
    return x - m / sp.sqrt(v) if isinstance(v, sp.Basic) else x - m / np.sqrt(v), m, v


def test_the_two_cycle_and_its_stability(three=3):
    b1, b2 = sp.symbols("b1 b2", positive=True)
    x, m, v = sp.symbols("x m v", positive=True)
    b = (1 - b1) / (1 + b1)
    there = {x: b / 2, m: -b * b / 2, v: b * b / 4}
    step = sp.Matrix(one_step(x, m, v, b1, b2))
    for point in ({b1: sp.Rational(1, 3), b2: sp.Rational(2, 5)}, {b1: 0, b2: sp.Rational(9, 10)}):
        after = step.subs(there).subs(point)
        assert after == sp.Matrix([-b / 2, b * b / 2, b * b / 4]).subs(point)
    turned = sp.diag(-1, -1, 1) * step.jacobian([x, m, v]).subs(there)
    matrix = sp.lambdify((b1, b2), turned)
    for s in (0.05, 0.5, 0.9, 0.999):
        roots = np.roots([s, -three * (1 + s), 1.0])
        edge = roots.real.min()  # 1 - 3 b1 - 3 b1 b2 + b1^2 b2 = 0
        for share, stable in ((0.98, True), (1.02, False)):
            values = np.linalg.eigvals(np.array(matrix(share * edge, s), dtype=float))
            assert (np.max(np.abs(values)) < 1) == stable
    limit = sp.solve(1 - 2 * three * b1 + b1**2, b1)
    assert min(float(z) for z in limit) == pytest.approx(3 - 2 * np.sqrt(2))


def test_the_cycle_exists_on_other_landscapes(two=2.0):
    b1, b2 = 0.9, 0.999
    r = (1 - b1) / (two * (1 + b1))
    slope = lambda x: x**3 + np.sin(x)
    G, b = slope(r), (1 - b1) / (1 + b1)
    x, m, v = r, -b * G, G**2
    for t in range(4):
        g = slope(x)
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        x = x - m / np.sqrt(v)
        assert x == pytest.approx((-1) ** (t + 1) * r)


def test_noise_through_an_averaged_gradient(two=2.0):
    for b1, lam, sigma, share in ((0.0, 1, 1, 0.3), (0.9, 2, 3, 0.01), (0.5, 1, 2, 0.9)):
        edge = two * (1 + b1) / (1 - b1)
        a = share * 2 * (1 + b1) / (1 - b1) / lam
        A = np.array([[1 - a * (1 - b1) * lam, -a * b1], [(1 - b1) * lam, b1]])
        noise = (1 - b1) * sigma * np.array([[-a], [1.0]])
        law = linalg.solve_discrete_lyapunov(A, noise @ noise.T)
        expected = a * sigma**2 / (two * lam) / (1 - a * lam / edge)
        assert law[0, 0] == pytest.approx(expected, rel=1e-9)


def test_the_noise_floor_of_adam(half=0.5):
    J = ng.noisy(quadratic([1]), 1.0)
    path = ng.descend(J, 0.0, ng.adam(eta=0.02), 900, repeats=300, rng=7)
    assert np.mean(path.w[400:] ** 2) == pytest.approx(half * 0.02, rel=0.04)


# ---------------------------------------------------------------------- a line it walks up


def displacement(C, P, b1, b2):
    """Return what a late period moves Adam, by running the averages."""
    m = v = total = 0.0
    periods = int(np.ceil(40 / (1 - max(b1, b2)) / P)) + 2
    for n in range(periods * P):
        g = C if n % P == 0 else -1.0
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        if n >= (periods - 1) * P:
            total -= m / np.sqrt(v)
    return total


def closed(C, P, b1, b2, one=1.0):
    j = np.arange(P)
    v = one + b2**j * (1 - b2) * (C * C - 1) / (1 - b2**P)
    m = -1 + b1**j * (1 - b1) * (C + 1) / (1 - b1**P)
    return -np.sum(m / np.sqrt(v))


def test_the_periodic_regime(one=1.0):
    for C, P, b1, b2 in ((3, 3, 0.0, 0.1), (5.5, 4, 0.5, 0.9), (7, 7, 0.9, 0.95), (2, 3, 0.9, 0.5)):
        assert closed(C, P, b1, b2, one) == pytest.approx(displacement(C, P, b1, b2), rel=1e-8)


def test_reddis_three_slopes(edge=0.4723):
    v = [Fraction(1) + Fraction(1, 10**j) * Fraction(9, 10) * 8 / (1 - Fraction(1, 1000))
         for j in range(3)]  # fmt: skip
    steps = np.array([-3.0, 1.0, 1.0]) / np.sqrt([float(x) for x in v])
    np.testing.assert_allclose(steps, [-1.047, 0.762, 0.966], atol=5e-4)
    assert closed(3, 3, 0.0, edge * 0.99) > 0 > closed(3, 3, 0.0, edge * 1.01)


def test_every_memory_fails_on_some_period(limit=1.0):
    for b1, b2 in ((0.0, 0.5), (0.0, 0.9), (0.9, 0.9), (0.7, 0.5), (0.7, 0.3)):
        share = [closed(C, C, b1, b2) / C for C in (10**4, 10**5, 10**6)]
        assert np.all(np.diff(share) > 0)
        assert share[-1] == pytest.approx(limit, abs=0.01)
    for b1, b2 in ((0.9, 0.5), (0.99, 0.9)):  # beta1^2 > beta2: slower, but uphill as well
        missing = [limit - closed(C, C, b1, b2) / C for C in (10**3, 10**5)]
        assert 0 < missing[1] < missing[0] / 2
    firsts = {(0, 0.9): 7, (0, 0.99): 21, (0, 0.999): 64, (0.9, 0.9): 14, (0.9, 0.999): 74}
    for (b1, b2), first in firsts.items():
        assert min(C for C in range(3, 99) if closed(C, C, b1, b2) > 0) == first


def test_a_long_memory_walks_downhill(power=0.5):
    for C, b1 in itertools.product((3, 10, 100), (0.0, 0.9)):
        expected = -((C / (C * C + C - 1)) ** power)
        assert closed(C, C, b1, 1 - 1e-9) == pytest.approx(expected, rel=1e-4)


class Project(ng.Rule):
    def __call__(self, g, w):
        return w - np.clip(w - g, -1.0, 1.0)


def test_adam_ends_at_the_worst_point_and_amsgrad_at_the_best(worst=1.0):
    rate = ng.schedules.inverse_sqrt(0.25)
    J = ng.cyclic(reddi(C=3))
    for rule, beta2, end in ((ng.adam, 0.1, worst), (ng.amsgrad, 0.1, -1), (ng.adam, 0.9, -1)):
        step = rule(rate, beta1=0.0, beta2=beta2, eps=0.0)
        path = ng.descend(J, 0.0, step >> Project(), steps=1500)
        assert path.last[0] == pytest.approx(end, abs=0.03)


def test_amsgrad_on_the_periodic_problem_and_after_a_shock(power=0.5):
    for C, P, b1, b2 in ((3, 3, 0.0, 0.1), (20, 15, 0.5, 0.9)):
        rule = ng.amsgrad(eta=1.0, beta1=b1, beta2=b2)
        gradients = np.tile([C] + [-1] * (P - 1), 30)
        last = -adam_steps(gradients, rule)[-P:].sum()
        v0 = 1 + (1 - b2) * (C * C - 1) / (1 - b2**P)
        assert last == pytest.approx(-(C - P + 1) / v0**power, rel=1e-6)
    steps = adam_steps([100.0] + [1.0] * 500, ng.amsgrad(eta=1.0, beta1=0.0))
    np.testing.assert_allclose(steps[1:], 1 / (100 * np.sqrt(1 - 0.999)), rtol=1e-9)


def test_adam_walks_uphill_on_rare_gradients(mean=-0.98):
    law = {1010: Fraction(1, 100), -10: Fraction(99, 100)}
    assert float(sum(p * g for g, p in law.items())) == 0.2
    assert float(sum(p * np.sign(g) for g, p in law.items())) == pytest.approx(mean)
    rng = np.random.default_rng(8)
    gradients = np.where(rng.random((1, 1200, 60)) < 0.01, 1010.0, -10.0)
    rule = ng.adam(eta=1.0, beta2=0.99)
    memory, drift = rule.start(), []
    for t in range(1200):
        step, memory = rule.step(gradients[:, t], memory, t)
        drift.append(-step.mean())
    assert 0.04 < np.mean(drift[400:]) < 0.08


# -------------------------------------------------------------------------------- relatives


def test_nadams_first_step_is_longer(first="1 + beta1/(1 + beta1)"):
    for b1 in (0.0, 0.5, 0.9):
        steps = adam_steps([3.0] * 300, ng.nadam(eta=1.0, beta1=b1, eps=0.0))
        assert steps[0] == pytest.approx(float(sp.sympify(first).subs("beta1", b1)))
        assert steps[-1] == pytest.approx(1.0)


# -------------------------------------------------------------------------------- exercises


def longest(beta1, beta2):
    with np.errstate(all="ignore"):
        square = (1 - beta1) ** 2 * beta2 / ((1 - beta2) * (beta2 - beta1**2))
    return np.sqrt(square) if square > 0 else float("inf")


RIGHT = [
    (ch12.hand, np.array([1.0, 1.0, -0.142857142857])),
    (ch12.bound, longest),
    (ch12.debug, {"never": "NaN", "printed": 1.11, "shift": 10.0, "meant": 1.0997}),
]


@pytest.mark.parametrize(("exercise", "answer"), RIGHT)
def test_other_right_answers_pass(exercise, answer):
    assert exercise.check(answer)


def test_the_exercises_numbers():
    rule = ng.adam(eta=1.0, beta1=0.5, beta2=0.5, eps=0.0)
    np.testing.assert_allclose(adam_steps([2, 2, -2], rule), ch12.hand.solution, rtol=1e-12)
    meant = 1 - adam_steps([-3.0], ng.adam(eta=0.1, eps=0.01))[0]
    assert ch12.debug.solution["meant"] == pytest.approx(meant)
