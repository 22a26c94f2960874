"""The claims of chapter 10 and the right answers to its exercises."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy

import normgd as ng
from normgd.exercises import ch10
from normgd.functions import quadratic


def adagrad_norm(grad, w, eta, steps):
    """Adagrad-norm without the library: iterates, gradients and the roots b."""
    w, v, path, gradients, roots = np.array(w, dtype=float), 0.0, [], [], []
    for _ in range(steps):
        g = grad(w)
        v += g @ g
        path.append(w)
        gradients.append(g)
        roots.append(np.sqrt(v))
        w = w - eta * g / roots[-1]
    return np.array(path), np.array(gradients), np.array(roots)


def fed(gradients, eta):
    """The same for given gradients, from 0: iterates before each step, and b."""
    b = np.sqrt(np.cumsum((gradients**2).sum(axis=1)))
    steps = eta * gradients / b[:, None]
    return np.vstack([0 * steps[:1], -np.cumsum(steps, axis=0)]), b


def log_plus(x):
    return max(np.log(x), 0.0)


# ------------------------------------------------------------------------------------- the steps


def test_the_steps_count_themselves_and_are_never_longer_than_eta(exponent=0.5):
    rng = np.random.default_rng(0)
    t, eta = np.arange(400), 0.7
    turning = rng.normal(size=(400, 3))
    turning *= 5.0 / np.linalg.norm(turning, axis=1)[:, None]
    lengths = np.linalg.norm(np.diff(fed(turning, eta)[0], axis=0), axis=1)
    assert np.allclose(lengths, eta * (t + 1.0) ** -exponent, rtol=1e-9)
    for _ in range(50):
        g = rng.normal(size=(60, 2)) * 10 ** rng.uniform(-3, 3, size=(60, 1))
        w, b = fed(g, eta)
        lengths = np.linalg.norm(np.diff(w, axis=0), axis=1)
        assert np.isclose(lengths[0], eta)
        assert np.all(lengths <= eta * (1 + 1e-9))
        T = np.arange(1, 61)
        bound = eta * np.sqrt(T * (1 + np.log(b**2 / b[0] ** 2)))
        assert np.all(np.linalg.norm(w[1:], axis=1) <= bound * (1 + 1e-9))
    rule = ng.adagrad(eta)  # the first step of a coordinate, whenever it comes
    memory = rule.start()
    for t, g in enumerate(([3e-9, 0.0], [0.0, -7e9])):
        step, memory = rule.step(np.array(g), memory, t)
        assert np.allclose(step, eta * np.sign(g), rtol=1e-15)


def test_the_journey_is_as_long_as_a_logarithm_allows(one=1.0):
    rng = np.random.default_rng(1)
    for T in (1, 2, 10, 1000):
        a = 10 ** rng.uniform(-3, 3, size=T)
        v = np.cumsum(a)
        assert (a / v).sum() <= (one + np.log(v[-1] / a[0])) * (1 + 1e-12)
    for a in (np.ones(10**5), 1 / np.arange(1, 10**5 + 1)):  # v diverges, and so does the sum
        total = np.cumsum(a / np.cumsum(a))
        assert total[-1] > total[99] + np.log(np.cumsum(a)[-1] / np.cumsum(a)[99]) * 0.99
    fading = 0.5 ** np.arange(60)  # gradients of finite sum: steps of finite sum
    w, _ = fed(fading[:, None], 1.0)
    assert np.isclose(w[-1], w[30], rtol=1e-8)


# ---------------------------------------------------------------------------------- factored out


def test_one_factor_for_each_coordinate_is_factored_out_and_no_more(power=0.5):
    rng = np.random.default_rng(2)

    def steps(g):
        return g / np.cumsum(g * g, axis=0) ** power

    def library(rule, g):
        memory, out = rule.start(), []
        for t, row in enumerate(g):
            step, memory = rule.step(row, memory, t)
            out.append(step)
        return np.array(out)

    g = rng.normal(size=(30, 2))
    D = np.array([1e-6, 1e6])
    per_time = 10 ** rng.uniform(-2, 2, size=(30, 1))
    assert np.allclose(steps(D * g), steps(g), rtol=1e-9)
    assert np.allclose(library(ng.adagrad(1.0), g), steps(g), rtol=1e-9)
    whole = g / np.sqrt(np.cumsum((g * g).sum(axis=1)))[:, None]
    assert np.allclose(library(ng.adagrad_norm(1.0), g), whole, rtol=1e-9)
    for rule, common, each, any_time in (
        (ng.adagrad(1.0), True, True, False),
        (ng.adagrad_norm(1.0), True, False, False),
        (ng.sign(1.0), True, True, True),
        (ng.ngd(1.0), True, False, True),
        (ng.adam(1.0, eps=0.0), True, True, False),
        (ng.rmsprop(1.0, eps=0.0), True, True, False),
    ):
        plain = library(rule, g)
        for changed, same in ((1e5 * g, common), (D * g, each), (per_time * g, any_time)):
            assert np.allclose(library(rule, changed), plain, rtol=1e-9) == same
    for rule in (ng.adagrad(1.0), ng.adam(1.0, eps=0.0), ng.rmsprop(1.0, eps=0.0)):
        first = np.abs(library(rule, g)[0])  # knows signs only
        assert np.allclose(first, first[0], rtol=1e-12)


def test_separable_curvature_makes_no_difference():
    paths = [
        ng.descend(quadratic([1, kappa]), (5.0, 5.0), ng.adagrad(1.0), 40).w
        for kappa in (1.0, 2.0**20)
    ]
    assert np.array_equal(*paths)
    turned = ng.descend(quadratic([1, 2.0**20], angle=0.5), (5.0, 5.0), ng.adagrad(1.0), 40).w
    assert not np.allclose(turned, paths[0], atol=0.1)


# ----------------------------------------------------------------------------- the first gradient


def test_the_first_gradient_costs_its_size_times_the_distance(third="1/3"):
    for M in (3, 10, 100):
        t0 = int(np.ceil((M**2 - 4) * Fraction(third)))
        g = np.ones((t0 + 2, 1))
        plain = -np.diff(fed(g, 1.0)[0][:, 0])
        g[0] = M
        steps = -np.diff(fed(g, 1.0)[0][:, 0])
        assert np.allclose(steps[1:], 1 / np.sqrt(M**2 + np.arange(1, t0 + 2)), rtol=1e-9)
        assert steps[t0] >= plain[t0] / 2 * (1 - 1e-12)
        assert steps[t0 - 1] < plain[t0 - 1] / 2
    for M, way in itertools.product((1, 2.5, 10, 1000), (0.3, 3, 10)):
        run = np.cumsum(1 / np.sqrt(M**2 + np.arange(1.0, 40_000)))
        n = int(np.argmax(run >= way)) + 1
        assert (way / 2) ** 2 + way * M <= n < (way / 2) ** 2 + way * np.sqrt(M**2 + 1) + 1


def test_only_the_rule_that_remembers_is_slowed_by_a_wall(extra=4):
    for M in (1, 10, 100, 1000):
        for rule, wanted in (("adagrad", 6 + extra * M), ("ngd", 10)):
            x, v, t = 5.5, 0.0, 0
            while not abs(x) < 0.5 * (1 - 1e-9):
                g = M if x > 5 else np.sign(x)
                v += g * g
                x -= g / np.sqrt(v) if rule == "adagrad" else np.sign(g) / np.sqrt(t + 1)
                t += 1
            assert t == wanted


# --------------------------------------------------------------------------------------- regret


def test_sums_over_roots_telescope(two=2.0):
    rng = np.random.default_rng(3)
    for a in (np.ones(1), np.ones(10**4), *(10 ** rng.uniform(-3, 3, (50, 30)))):
        v = np.cumsum(a)
        total = (a / np.sqrt(v)).sum()
        assert np.sqrt(v[-1]) <= total * (1 + 1e-12)
        assert total <= (two * np.sqrt(v[-1]) - np.sqrt(a[0])) * (1 + 1e-12)


def test_the_regret_of_adagrad_norm(half=0.5):
    rng = np.random.default_rng(4)
    for T, d, eta in itertools.product((1, 3, 50), (1, 3), (0.1, 1.0, 10.0)):
        for _ in range(20):
            g = rng.normal(size=(T, d)) * 10 ** rng.uniform(-1, 1, size=(T, 1))
            w, b = fed(g, eta)
            target = -eta * g.sum(axis=0) / np.linalg.norm(g.sum(axis=0))
            D = np.linalg.norm(w[:-1] - target, axis=1).max()
            regret = (g * (w[:-1] - target)).sum()
            bound = (half * D**2 / eta + eta) * b[-1] - eta / 2 * b[0]
            assert regret <= bound * (1 + 1e-9)  # equal for T = 1
            roots = np.sqrt(np.cumsum(g**2, axis=0))
            w = np.vstack([np.zeros(d), -np.cumsum(eta * g / roots, axis=0)])[:-1]
            D = np.abs(w - target).max()
            assert (g * (w - target)).sum() <= (half * D**2 / eta + eta) * roots[-1].sum()


def test_the_average_iterate_is_as_good_as_promised(share="1/2"):
    eta, D = sympy.symbols("eta D", positive=True)
    factor = D**2 / (2 * eta) + eta
    best = D * sympy.sqrt(sympy.Rational(share))
    assert sympy.simplify(sympy.diff(factor, eta).subs(eta, best)) == 0
    assert sympy.simplify(factor.subs(eta, best) - sympy.sqrt(2) * D) == 0
    rng = np.random.default_rng(5)
    for _ in range(20):
        A, w0 = rng.normal(size=(4, 2)), rng.normal(size=2)
        length = 10 ** rng.uniform(-1, 1)
        w, g, b = adagrad_norm(lambda w, A=A: A.T @ np.sign(A @ w), w0, length, 200)
        D = np.linalg.norm(w, axis=1).max()
        gap = np.abs(A @ w.mean(axis=0)).sum()
        G = np.linalg.norm(g, axis=1).max()
        bound = (D**2 / (2 * length) + length) * b[-1] / 200
        assert gap <= bound <= (D**2 / (2 * length) + length) * G / np.sqrt(200)


def test_the_bounds_differ_by_the_spread_of_the_accumulators(root=0.5):
    rng = np.random.default_rng(6)
    for d in (1, 5, 40):
        p = rng.uniform(0.01, 1, size=d) ** 3
        b = np.sqrt(p * 300)
        ratio = b.sum() / np.sqrt(d * (b**2).sum())
        assert ratio <= 1 + 1e-12
        assert np.isclose(ratio, (p**root).sum() / np.sqrt(d * p.sum()), rtol=1e-9)
    assert np.isclose(np.full(7, 3.0).sum() / np.sqrt(7 * 7 * 9.0), 1)  # equality


# -------------------------------------------------------------------------------- smooth landscapes


def test_every_eta_converges_on_a_smooth_landscape(quarter=0.25):
    rng = np.random.default_rng(7)
    for eta in 10.0 ** np.arange(-1, 4):
        steep = rng.uniform(0.1, 10, size=3)  # hills: the sum of steep (1 - cos w)
        w, g, b = adagrad_norm(
            lambda w, s=steep: s * np.sin(w), rng.uniform(-3, 3, size=3), eta, 3000
        )
        gap, first, L = (steep * (1 - np.cos(w[0]))).sum(), np.linalg.norm(g[0]), steep.max()
        B = 2 * gap / eta + 2 * eta * L * (1 + log_plus(eta * L / first))
        norms = np.linalg.norm(g, axis=1)
        assert b[-1] <= B
        assert norms[:100].min() <= b[99] / 10 <= B / 10
        if eta in (1, 10):
            assert norms[-1] < 1e-3
    w, _, b = adagrad_norm(lambda w: w, [100.0], 1.0, 40_000)  # a bowl that is large beside eta
    assert abs(w[-1, 0]) < 1e-3
    assert np.isclose(b[-1], quarter * 2 * 100**2 / 2, rtol=0.03)


def test_every_coordinate_saturates_without_noise(later=1.0):
    curvatures, eta = np.array([0.2, 4.0]), 0.4
    w, v, rates = np.array([-5.0, -2.0]), 0.0, []
    gap, first = 0.5 * curvatures @ w**2, np.abs(curvatures * w)
    for _ in range(3001):
        v = v + (curvatures * w) ** 2
        rates.append(eta / np.sqrt(v))
        w = w - rates[-1] * curvatures * w
    assert np.allclose(rates[3000] / rates[1000], later, rtol=1e-6)
    L = curvatures.max()
    early = sum(1 + 2 * log_plus(eta * L / f) for f in first)
    assert np.all(np.sqrt(v) <= eta * L + 2 * (gap + eta**2 * L / 2 * early) / eta)


def test_noise_keeps_the_accumulator_growing(variance=1.0):
    sigma, eta, T = 0.5, 1.0, 9
    for curvature in (0.0, 1.0):
        mean = np.zeros(T)
        for signs in itertools.product((-1, 1), repeat=T):
            x, v = 0.3, 0.0
            for t, xi in enumerate(signs):
                g = curvature * x + sigma * xi
                v += g * g
                x -= eta * g / np.sqrt(v)
                mean[t] += v / 2**T
        assert np.all(mean >= variance * sigma**2 * np.arange(1, T + 1) * (1 - 1e-12))


def test_the_rate_that_adagrad_norm_finds(upper=2.0):
    rng = np.random.default_rng(8)
    for eta, R in ((1.0, 40.0), (1.0, 1.37), (30.0, 2.0), (1e3, 2.0), (1.0, 10.0)):
        for curvatures in (np.ones(1), np.array([1.0, 3.0])):
            L, mu = curvatures.max(), curvatures.min()
            start = rng.normal(size=len(curvatures))
            start *= R / np.linalg.norm(start)
            w, _, b = adagrad_norm(lambda w, c=curvatures: c * w, start, eta, 16_000)
            log = log_plus(eta * L / (2 * b[0]))
            D2 = R**2 + eta**2 * (1 + 2 * log)
            assert np.all((w**2).sum(axis=1) <= D2 * (1 + 1e-9))
            assert np.linalg.norm(w[-1]) < 1e-3
            rate = eta / b[-1]
            assert 1 / L / (1.5 + R**2 / (2 * eta**2) + log) <= rate
            assert rate <= (upper * eta / R) ** 2 / mu
            for T in (1, 10, 1000):
                average = w[:T].mean(axis=0)
                gap = 0.5 * curvatures @ average**2
                assert gap <= L / T * (D2 / (2 * eta) + eta) ** 2


def test_on_even_slopes_too_large_costs_the_square(quarter=0.25):
    for eta, x, eps in ((1.0, 0.5, 0.5), (3.0, 0.777, 0.1), (0.1, 0.777, 0.02), (1.0, 9.03, 0.05)):
        near, t = [x], 0
        while max(near[-2:]) > eps or len(near) < 2:
            x -= np.sign(x) * eta / np.sqrt(t + 1)
            near.append(abs(x))
            t += 1
        assert t >= quarter * (eta / eps) ** 2 * (1 - 1e-12)  # t counts the step that arrives
        assert t >= quarter * ((near[0] - eps) / eta) ** 2


def test_epsilon_has_the_unit_of_the_gradient(inverse=1.0):
    g = np.random.default_rng(9).normal(size=(20, 2))

    def steps(g, eps, eta=0.3):
        return eta * g / (np.sqrt(np.cumsum(g * g, axis=0)) + eps)

    for c in (1e-8, 1.7, 1e8):
        assert np.allclose(steps(c * g, 0.1), steps(g, 0.1 / c**inverse), rtol=1e-9)
    assert np.allclose(np.abs(steps(g, 0.1)[0]), 0.3 * np.abs(g[0]) / (np.abs(g[0]) + 0.1))
    rule = ng.adagrad(0.3, eps=0.1)
    assert np.allclose(rule.step(g[0], rule.start(), 0)[0], steps(g, 0.1)[0])
    tiny = 1e-3 * g
    theta = np.sqrt((tiny**2).sum(axis=0)) / 0.1
    share = steps(tiny, 0.1) / (0.3 / 0.1 * tiny)
    assert np.all(share <= 1)
    assert np.all(share >= 1 / (1 + theta))


# ------------------------------------------------------------------------------------ the exercises


class OtherAdagrad(ng.Rule):
    """Adagrad with the root as its memory, and a choice instead of a safe division."""

    eta: float = 0.5

    def __call__(self, g, b):
        b = ng.ops.sqrt(b * b + g * g)
        return self.eta * ng.where(ng.ops.equal(b, 0.0), 0.0 * g, ng.ops.ratio(g, b)), b


RIGHT = [
    (ch10.hand, (1.0, 0.8, -0.9230769230769231, 0)),
    (ch10.code, OtherAdagrad()),
    (ch10.sees, {name: int(value) for name, value in ch10.SEES.items()}),
    (ch10.debug, {name: np.array(pair) for name, pair in ch10.RATES.items()}),
]


@pytest.mark.parametrize(("exercise", "answer"), RIGHT)
def test_other_right_answers_are_right(exercise, answer):
    assert exercise.check(answer)


def test_the_textbook_example_gives_the_numbers_of_the_exercise():
    x, v, rates = np.array([-5.0, -2.0]), 0.0, []
    for _ in range(4001):
        g = np.array([0.2, 4.0]) * x
        v = v + g * g
        rates.append(0.4 / np.sqrt(v + 1e-6))
        x = x - rates[-1] * g
    found = np.array([rates[20] / rates[0], rates[4000] / rates[1000]])
    assert np.allclose(np.array(list(ch10.RATES.values())).T, found, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "same"), [(name, value) for name, value in ch10.SEES.items() if name != "J + 7"]
)
def test_what_adagrad_does_not_see(change, same):
    def run(grad, w, eta=0.4):
        v, path = 0.0, []
        for t in range(30):
            g = grad(w, t)
            v = v + g * g
            w = w - eta * g / np.sqrt(v)
            path.append(w)
        return np.array(path)

    H, start = np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([2.3, -1.1])
    plain = run(lambda w, t: H @ w, start)
    Q = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)
    changed = {
        "1000 J": lambda: run(lambda w, t: 1000 * H @ w, start),
        "log J": lambda: run(lambda w, t: H @ w / (1 + w @ H @ w / 2), start),
        "gradient of w1 times 1000": lambda: run(lambda w, t: [1000, 1] * (H @ w), start),
        "first gradient times 1000": lambda: run(lambda w, t: 1000 ** (t == 0) * H @ w, start),
        "turned by 45 degrees": lambda: run(lambda w, t: Q @ H @ Q.T @ w, Q @ start) @ Q,
        "millimetres": lambda: run(lambda w, t: H @ w / 1000**2, 1000 * start) / 1000,
    }[change]()
    assert np.allclose(changed, plain, rtol=1e-9) == same
