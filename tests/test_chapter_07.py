"""The claims of chapter 7 and the right answers to its exercises."""

import itertools
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy

import normgd as ng
from normgd import schedules
from normgd.exercises import ch07
from normgd.functions import quadratic


def unit(g):
    """The direction of one vector, without the library."""
    return g / np.sqrt((g * g).sum())


def run(grad, w, lengths):
    """Unit steps of given lengths without the library; stays where the gradient is 0."""
    path = [np.array(w, dtype=float)]
    for eta in lengths:
        g = grad(path[-1])
        path.append(path[-1] - (eta * unit(g) if np.any(g) else 0))
    return np.array(path)


def rho_of(lengths, R):
    lengths = np.asarray(lengths)
    return (R**2 + (lengths**2).sum()) / (2 * lengths.sum())


# ---------------------------------------------------------------------------- the right length


def test_the_right_length_is_the_distance_along_the_step(best=1.0, edge=2.0):
    rng = np.random.default_rng(0)
    for _ in range(50):
        H = np.diag(rng.uniform(1, 30, size=3))
        w = rng.normal(size=3)
        u = unit(H @ w)
        delta, d = u @ w, np.linalg.norm(w)
        eta = best * delta
        nearest = np.linalg.norm(w - eta * u) ** 2
        assert np.isclose(nearest, d**2 - delta**2, rtol=1e-9)
        assert np.linalg.norm(w - 0.999 * edge * delta * u) < d
        assert np.linalg.norm(w - 1.001 * edge * delta * u) > d
        value, slope = 0.5 * w @ H @ w, np.linalg.norm(H @ w)
        assert value / slope <= delta <= d


def test_a_constant_length_pays_for_accuracy_in_steps(missing=1, factor=Fraction(1, 3)):
    starts = [Fraction(k, 499) for k in range(500)]  # within R = 1, exactly
    for eps in (Fraction(1, 10), Fraction(1, 25)):
        found = {}
        for share in (Fraction(7, 10), Fraction(9, 10), Fraction(1), Fraction(11, 10)):
            x, home, eta = starts, [], eps * share
            while len(home) < 2 / eps and home[-2:] != [True, True]:
                x = [abs(a - eta) if a else a for a in x]
                home.append(max(x) <= eps)
            if home[-2:] == [True, True]:
                found[eta] = len(home) - 1
        assert list(found) == [eps * share for share in (Fraction(7, 10), Fraction(9, 10), 1)]
        assert all((1 - eps) / eta <= T for eta, T in found.items())
        assert found[eps] == 1 / eps - missing  # equality
        few = int(np.ceil(np.log(float(1 / eps)) / np.log(3)))
        x = [Fraction(1)]
        while x[-1] > eps:
            x.append(x[-1] - Fraction(2, 9) * 3 * x[-1])  # alpha = 2 / (3 L) with L = 3
        assert len(x) - 1 == few
        assert x[-1] == factor**few


# ---------------------------------------------------------------------- a bound for all schedules


def test_the_bound_for_every_schedule(half=0.5):
    rng = np.random.default_rng(1)
    for _ in range(100):
        H = np.diag(rng.uniform(0.01, 10, size=3))
        w0, T = rng.normal(size=3), int(rng.integers(1, 60))
        lengths = 10 ** rng.uniform(-1.5, 0.5) * (1.0 + np.arange(T)) ** -rng.uniform(0, 1.2)
        rho = 2 * half * rho_of(lengths, np.linalg.norm(w0))
        path = run(lambda w, H=H: H @ w, w0, lengths[:-1])
        gap = min(0.5 * w @ H @ w for w in path)
        assert gap <= H.max() / 2 * rho**2 * (1 + 1e-12)
        A = rng.normal(size=(4, 3))
        path = run(lambda w, A=A: A.T @ np.sign(A @ w), w0, lengths[:-1])
        gap = min(np.abs(A @ w).sum() for w in path)
        assert gap <= 2 * np.linalg.norm(A, 2) * rho  # |y|_1 <= 2 |y| in four dimensions
    for R, eta in ((1.7, 1.7), (0.4, 0.4)):  # equality: one iterate, at a distance of eta
        bound = 3 / 2 * (half * (R**2 + eta**2) / eta) ** 2
        assert np.isclose(3 * R**2 / 2, bound, rtol=1e-12)


def test_the_horizon_step_is_the_best_choice(exponent=0.5):
    rng = np.random.default_rng(2)
    for T in (1, 7, 400):
        R = 2.3
        least = rho_of(np.full(T, R / T**exponent), R)
        assert np.isclose(least, R / np.sqrt(T), rtol=1e-12)
        for _ in range(100):
            lengths = R / np.sqrt(T) * np.exp(rng.normal(size=T) * rng.uniform(0, 1))
            assert rho_of(lengths, R) >= least * (1 - 1e-12)


def test_other_shapes_cost_little_in_the_bound(linear=4 / 3, cosine=3 / 2):
    for T in (1, 2, 3, 10, 10**6):
        remaining = 1 - np.arange(T) / T
        for shape, square in (
            (remaining, linear),
            ((1 - np.cos(np.pi * remaining)) / 2, cosine),
        ):
            scale = 1 / np.sqrt((shape**2).sum())
            price = (rho_of(scale * shape, 1.0) * np.sqrt(T)) ** 2
            assert price < square
            assert min(rho_of(f * scale * shape, 1.0) for f in (0.9, 1.1)) > price**0.5 / T**0.5
            assert T < 10**6 or price > 0.999 * square
    t = sympy.symbols("T", positive=True)
    assert sympy.limit((3 * t**2 + 4 * t) / (2 * (t + 1) ** 2), t, sympy.oo) == sympy.Rational(3, 2)


def test_no_schedule_beats_the_horizon_step_with_kinks(exponent=0.5):
    rng = np.random.default_rng(3)
    for T in (1, 5, 30):
        G, R = 2.0, 3.0
        floor = -R / np.sqrt(T)

        def adviser(w, G=G):
            e = np.zeros(len(w))
            e[np.argmax(w)] = G
            return e

        for _ in range(20):
            lengths = rng.uniform(0, 2 * R, size=T - 1) * rng.choice([0.01, 1.0])
            path = run(adviser, np.zeros(T), lengths)
            best = min(G * max(w.max(), floor) for w in path)
            assert np.isclose(best - G * floor, G * R / T**exponent, rtol=1e-12)
        away = np.full(T, floor)
        assert np.isclose(np.linalg.norm(away), R)
        nearer = rng.normal(size=(T, 200))
        nearer *= 0.99 * R / np.linalg.norm(nearer, axis=0)
        assert np.all(np.maximum(nearer.max(axis=0), floor) > floor)


def test_without_convexity_some_gradient_is_small(tuned=2.0, half=0.5):
    rng = np.random.default_rng(4)
    for _ in range(60):  # sums of cosines
        A, h = rng.normal(size=(3, 2)), rng.uniform(0.1, 1, size=3)
        L, w0, T = np.linalg.norm(A.T * h @ A, 2), rng.normal(size=2), int(rng.integers(1, 60))
        drop = h @ np.cos(A @ w0) + h.sum()
        for eta in (np.sqrt(2 * drop / (L * T)), rng.uniform(0.01, 1)):
            path = run(lambda w, A=A, h=h: -A.T @ (h * np.sin(A @ w)), w0, [eta] * (T - 1))
            least = min(np.linalg.norm(A.T @ (h * np.sin(A @ w))) for w in path)
            assert least <= drop / (eta * T) + L * eta / 2
    lam, eta, T = 3.0, 0.2, 10_000  # nearly equality: a two-cycle of halves, for very long
    bound = lam * eta**2 / 8 / (eta * T) + half * lam * eta
    assert 1 <= bound / (lam * eta / 2) <= 1.001
    x0 = 1.7  # equality: one step on a parabola with the tuned length, and the bounds agree
    drop = lam * x0**2 / 2
    assert np.isclose(np.sqrt(tuned * lam * drop), lam * x0, rtol=1e-12)
    best = np.sqrt(2 * drop / (lam * T))
    assert np.isclose(drop / (best * T) + lam * best / 2, np.sqrt(tuned * lam * drop / T))


# ------------------------------------------------------------------------------ the three sums


def test_a_finite_journey_stops_short_by_what_is_missing(sum_of_squares="pi**2/6"):
    total = float(mpmath.mpf(eval(sum_of_squares, {"pi": mpmath.pi})))
    T = 6000
    for x0 in (7.3, -2.9):
        path = run(np.sign, [x0], 1 / (1.0 + np.arange(T)) ** 2)
        left = abs(x0) - total
        assert abs(abs(path[-1, 0]) - left) < 2 / T
    wide = run(lambda w: np.array([1.0, 100.0]) * w, [1.0, 0.3], 0.6 * 0.8 ** np.arange(300))
    assert np.linalg.norm(wide[0]) < 0.6 / 0.2  # the sum exceeds the distance,
    assert np.linalg.norm(wide[-1]) > 0.5  # and still it stops short


def test_lengths_with_a_divergent_sum_land(slowest=1.0, squares=0.5):
    A = np.array([[1.0, 2.0], [3.0, -1.0]])
    t = 1.0 + np.arange(1200)

    def end(p, scale=1.0):
        path = run(lambda w: A.T @ np.sign(A @ w), [1.3, -0.9], scale * t**-p)
        return np.linalg.norm(path[-2:], axis=1).max()

    for p in (0.3, squares + 0.1, slowest):  # one minimiser: the squares do not matter
        assert end(p) < 3 * t[-1] ** -p
    assert end(1.5, 0.5) > 0.2  # from here 0.5 zeta(1.5) = 1.31 is not enough
    sums = [mpmath.nsum(lambda k, p=p: k**-p, [1, mpmath.inf]) for p in (1.5, 2.0)]
    assert np.linalg.norm([1.3, -0.9]) > 0.5 * float(sums[0])
    for p, converges in ((slowest, False), (slowest + 0.1, True), (2 * squares, False)):
        growth = np.sum((1.0 + np.arange(10**6)) ** -p) - np.sum((1.0 + np.arange(10**3)) ** -p)
        assert (growth < np.log(1000) - 0.01) == converges


# ------------------------------------------------------------------------------- a wrong guess


def test_a_wrong_guess_of_the_length(share=0.5):
    for T, c in itertools.product((1, 100, 10_000), (0.01, 0.3, 1.0, 4.0, 100.0)):
        R = 1.3
        rho = rho_of(np.full(T, c * R / np.sqrt(T)), R)
        assert np.isclose(rho, R / np.sqrt(T) * share * (c + 1 / c), rtol=1e-12)
    T = 100
    for c, arrives in ((0.99, False), (1.01, True)):
        path = run(np.sign, [1.3], np.full(T, c * 1.3 / T))  # c / sqrt(T) of the horizon step
        assert (path.min() <= 0) == arrives


# ------------------------------------------------------------------------------ geometric steps


def test_geometric_steps_have_the_rate_of_tuned_gradient_descent(
    sharp=1.0, threshold="3+2*sqrt(2)"
):
    rng = np.random.default_rng(5)
    for kappa in (6.0, 30.0, 1000.0):
        c, q = 2 * np.sqrt(kappa) / (kappa + 1), (kappa - 1) / (kappa + 1)
        D, grad = 2.1, lambda w, k=kappa: np.array([1.0, k]) * w
        lengths = c * D * q ** np.arange(400)
        worst = D * unit(np.array([np.sqrt(kappa), 1.0]))
        assert np.isclose(np.linalg.norm(run(grad, worst, lengths[:1])[1]), sharp * D * q)
        for _ in range(5):
            w0 = D * unit(rng.normal(size=2)) * rng.uniform(0, 1)
            path = run(grad, w0, lengths)
            bound = sharp * D * q ** np.arange(401)
            assert np.all(np.linalg.norm(path, axis=1) <= bound * (1 + 1e-6))
        assert np.isclose(c * D / (1 - q), np.sqrt(kappa) * D)  # all steps together
    edge = float(eval(threshold, {"sqrt": np.sqrt}))
    assert np.isclose(2 * np.sqrt(edge) / (edge + 1), 1 / np.sqrt(2), rtol=1e-9)
    # below the threshold the smaller c is needed: from w* itself the first step already fails
    assert 2 * np.sqrt(4) / 5 > 3 / 5


def test_on_a_line_halving_lands(ratio=Fraction(1, 2)):
    D = Fraction(8)
    for x0 in [Fraction(k, 13) for k in range(-104, 105)]:
        x = x0
        for t in range(20):
            assert abs(x) <= D * Fraction(1, 2) ** t
            x -= D * (1 - ratio) * ratio**t * ((x > 0) - (x < 0))


def test_unit_steps_at_a_flat_minimum(power=0.5, base=2.0, least=0.5):
    D, x0 = 1.3, np.append(np.linspace(1e-6, 1.2999, 401), 1e-9)
    for p, T in ((1.5, 90), (4.0, 200), (10.0, 611)):
        t = 1 + np.arange(T)
        for lengths, bound in (
            (np.full(T, D / np.sqrt(T)), np.where(t >= np.sqrt(T), D * T**-power, D)),
            (D / np.sqrt(t), D * t**-power),
            (D * 0.5 ** t[:40], D * base ** -t[:40]),
        ):
            x, late = x0, []
            for eta, most in zip(lengths, bound, strict=False):
                before, x = np.abs(x), x - eta * np.sign(x)
                assert np.all(np.maximum(before, np.abs(x)) >= least * eta * (1 - 1e-9))
                assert np.all(np.abs(x) ** p <= most**p * (1 + 1e-6))
                late.append(np.abs(x).max() / most)
            assert late[-1] > 0.98  # no smaller constants
    x, eta = 0.1, 0.2  # a cycle of halves: no late distance can be smaller
    assert np.isclose(max(x, abs(x - eta)), least * eta)


# ------------------------------------------------------------------------------- Polyak's step


def test_polyaks_step_on_a_quadratic(constant=3.0, doubled=4.0):
    for kappa in (2.0, 10.0, 300.0):
        H, w = np.diag([1.0, kappa]), np.array([np.sqrt(kappa), 1.0])
        for multiple, share in ((1, constant), (2, doubled)):
            g = H @ w
            after = w - multiple * (0.5 * w @ H @ w) / (g @ g) * g
            ratio = (after @ after) / (w @ w)
            assert np.isclose(ratio, 1 - share * kappa / (kappa + 1) ** 2, rtol=1e-12)
        assert np.allclose(after * (kappa + 1), (kappa - 1) * w * [1, -1])  # doubled: so for ever
        angle = np.linspace(0, np.pi, 2001)
        path = ng.descend(quadratic([1, kappa]), np.stack([np.cos(angle), np.sin(angle)]),
                          ng.polyak(), steps=1)  # fmt: skip
        assert np.all(path.distance[1] ** 2 <= 1 - constant * kappa / (kappa + 1) ** 2 + 1e-12)


def huber(w, L=1.0):
    """Smooth with L = 1, straight from a distance of 1 on."""
    n = np.linalg.norm(w)
    return (n * n / 2, w) if n <= 1 else (n - 0.5, w / n)


def test_polyaks_step_on_smooth_and_kinked_landscapes(smooth=2 / 3, kinked=1.0, strong=3 / 4):
    # far out on a line Huber's loss nearly attains the kinked rate: T = 1, slope 1
    for R in (30.0, 300.0):
        value, _ = huber(np.array([R]))
        assert kinked * R >= value >= 0.95 * R
    # the sum of the gaps is at most 2/3 L R^2: a start where a step from it gains that little
    values, w = 0.0, np.array([1.0 + 1e-9])
    for _ in range(60):
        value, g = huber(w)
        values += value
        w = w - value / (g @ g) * g
    assert values <= smooth * 1.0 * (1 + 1e-6)
    assert values >= 0.95 * 2 / 3  # equality in the limit, on the parabola itself
    rng = np.random.default_rng(6)
    for _ in range(200):
        kappa, w = 10 ** rng.uniform(0, 3), 3 * rng.normal(size=2)
        value = 0.5 * w @ w + (kappa - 1) * np.log(np.cosh(w)).sum()
        g = w + (kappa - 1) * np.tanh(w)
        after = w - value / (g @ g) * g
        assert after @ after <= (1 - strong / kappa) * (w @ w)
    # the strong rate is nearly attained for kappa = 1: there the step halves the distance
    assert np.isclose(1 - strong, 0.5**2)


def test_a_wrong_lowest_value_doubles_an_angle(multiple=2):
    with mpmath.workdps(60):
        a, theta = mpmath.mpf("0.3"), mpmath.mpf("0.7")
        x = a * mpmath.cot(theta)
        for t in range(40):
            assert mpmath.almosteq(x, a * mpmath.cot(mpmath.mpf(multiple) ** t * theta), 1e-30)
            x = x - (x**2 / 2 + a**2 / 2) / x
    rule = ng.polyak(J_star=-0.045)
    path = ng.descend(quadratic([1]), 0.3 / np.tan(0.7), rule, steps=6)
    assert np.allclose(path.w[:, 0], 0.3 / np.tan(2.0 ** np.arange(7) * 0.7), rtol=1e-9)


# ----------------------------------------------------------------------------------- annealing


def test_annealing_forgives(linear=1.0, cosine="pi**2"):
    largest = float(eval(cosine, {"pi": np.pi}))
    for T in (1, 2, 3, 4, 9, 60):
        for schedule, bound in (
            (schedules.constant(1.0), 1.0),
            (schedules.linear(1.0, T), linear / T),
            (schedules.cosine(1.0, T), largest / T**2),
        ):
            eta = schedule(np.arange(T)) * np.ones(T)
            if not isinstance(schedule, schedules.constant):
                assert np.isclose(eta.sum(), (T + 1) / 2)
            x = np.linspace(0, eta.sum(), 20_011)[1:] * (1 - 1e-9)  # starts that are crossed
            for length in eta:
                x = x - length * np.sign(x)
            assert np.abs(x).max() <= bound
            if T == 60:
                assert np.abs(x).max() >= 0.97 * bound


# ------------------------------------------------------------------------ best, last or average


def test_the_best_iterate_is_luck_and_the_late_one_is_not(visited=1e-8):
    with mpmath.workdps(60):
        x = mpmath.mpf("0.7321")
        distances = [x]
        for t in range(101):
            x -= mpmath.sign(x) / mpmath.sqrt(t + 1)
            distances.append(abs(x))
            assert max(distances[-2:]) >= 0.5 / mpmath.sqrt(t + 1)
        assert 0.8 * visited < min(distances) < visited
        assert max(distances[-2:]) > 0.09


def test_the_weighted_average_pays_the_mean_of_the_slopes(constant=1.0):
    rng = np.random.default_rng(11)
    for _ in range(60):
        H, w0 = np.diag(rng.uniform(0.01, 10, size=3)), rng.normal(size=3)
        T = int(rng.integers(1, 60))
        lengths = 10 ** rng.uniform(-1.5, 0.5) * (1.0 + np.arange(T)) ** -rng.uniform(0, 1.2)
        path = run(lambda w, H=H: H @ w, w0, lengths[:-1])
        weight = lengths / np.linalg.norm(path @ H, axis=1)
        mean = weight @ path / weight.sum()
        G = lengths.sum() / weight.sum()
        assert 0.5 * mean @ H @ mean <= constant * rho_of(lengths, np.linalg.norm(w0)) * G
    # equality: a malicious adviser with slopes G_i, all different, and lengths c / G_i
    for T in (1, 6, 40):
        slopes, c = rng.uniform(0.1, 10, size=T), 0.7

        def adviser(w, slopes=slopes):
            e = np.zeros(len(w))
            i = int(np.argmax(slopes * w))
            e[i] = slopes[i]
            return e

        lengths = c / slopes
        path = run(adviser, np.zeros(T), lengths[:-1])
        weight = lengths / [np.linalg.norm(adviser(w)) for w in path]
        gap = (slopes * (weight @ path / weight.sum())).max() + c
        R = np.linalg.norm(c / slopes)  # to the point where all slopes * w are -c
        bound = constant * rho_of(lengths, R) * lengths.sum() / weight.sum()
        assert np.isclose(gap, bound, rtol=1e-12)


# ---------------------------------------------------------------------------------- exercises


RIGHT = [
    (ch07.hand, np.array([1.3, -0.7, 0.3, -0.2])),
    (ch07.sums, {k: v.upper() for k, v in ch07.sums.solution.items()}),
    (ch07.decades, {"constant": 0.47, "linear": 2.20, "cosine": 3.89}),  # on a finer grid
    (ch07.debug, {k: int(v) for k, v in ch07.debug.solution.items()}),
]


@pytest.mark.parametrize(("exercise", "answer"), RIGHT)
def test_another_right_answer_passes(exercise, answer):
    assert exercise.check(answer)


def test_the_decades_of_the_exercise_are_what_a_sweep_counts():
    first, J, start = np.geomspace(1e-3, 1e3, 61), quadratic([1, 10]), (10.2, 1.0)
    rules = {
        "constant": ng.ngd(first),
        "linear": ng.ngd(schedules.linear(first, 200)),
        "cosine": ng.ngd(schedules.cosine(first, 200)),
    }
    runs = ng.sweep(J, start, rules, 200, progress=False)
    enough = 1e-3 * J(start)
    late = {name: np.sum(run.late <= enough) / 10 for name, run in runs.items()}
    best = {name: np.sum(run.best <= enough) / 10 for name, run in runs.items()}
    assert ch07.decades.check(late)
    assert "best" in ch07.decades.check(best).text


def test_the_claims_of_the_debugging_exercise():
    t = np.arange(4000)
    ends = {
        "ngd 0.0045": np.full(4000, 0.0045),
        "ngd 0.45/(t+1)": 0.45 / (t + 1),
        "ngd 0.45*0.5**t": 0.45 * 0.5**t,
        "ngd 0.45*0.3**t": 0.45 * 0.3**t,
    }
    for name, lengths in ends.items():
        late = np.abs(run(np.sign, [0.7321], lengths)[-2:]).max()
        assert (late < 2e-4) == ch07.debug.solution[name]
    assert ch07.debug.solution["gd 0.2*0.5**t"] == (np.prod(1 - 0.8 * 0.5**t) < 1e-9)
    for alpha in (0.45, 0.55):
        assert (abs(1 - 4 * alpha) < 1) == ch07.debug.solution[f"gd {alpha}"]
