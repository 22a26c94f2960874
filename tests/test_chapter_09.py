"""Chapter 9: what normalised samples find, and what batches, momentum and noise change."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import linalg, optimize, special, stats

import normgd as ng
from normgd.exercises import ch09
from normgd.functions import least_squares, mean_vs_median, quadratic

FIVE = [0, 0, 0, 0, 10]


def sgn(x):
    return (x > 0) - (x < 0)


# ---------------------------------------------------------------------- single samples


def test_medians_and_no_other_points_minimise_the_mean_distance(half=Fraction(1, 2)):
    rng = np.random.default_rng(1)
    for n in range(1, 9):
        data = rng.integers(0, 7, size=n).tolist()
        grid = [Fraction(k, 2) for k in range(-2, 16)]
        phi = {w: sum(abs(w - a) for a in data) for w in grid}
        medians = {
            w
            for w in grid
            if sum(a < w for a in data) <= half * n and sum(a > w for a in data) <= half * n
        }
        assert medians == {w for w in grid if phi[w] == min(phi.values())}
        for w, h in itertools.product(grid, (Fraction(-1, 9), Fraction(1, 9))):
            votes = sum(sgn(w - a) for a in data)
            assert sum(abs(w + h - a) for a in data) >= phi[w] + votes * h


def test_single_samples_of_five_measurements_walk_uphill(drift=0.6):
    for w in (0.1, 1.0, 1.9):
        assert mean_vs_median.grad([w])[0] < 0
        steps = [ng.unit(mean_vs_median.examples([i]).grad([w]))[0] for i in range(5)]
        assert np.mean(steps) == pytest.approx(drift)
    assert mean_vs_median([0.0]) == 10
    assert mean_vs_median([2.0]) == 8


def expected_gaps(data, start, etas, y, unit):
    """Return the weighted mean of E[Phi(w_t) - Phi(y)] over all equally likely sequences."""
    phi = lambda w: np.mean([ng.norm(w - a) for a in data])
    points, total = [np.array(start, dtype=float)], 0.0
    for eta in etas:
        total += eta * (np.mean([phi(w) for w in points]) - phi(y))
        points = [w - eta * unit(w - a) for w in points for a in data]
    return total / sum(etas)


def test_normalised_samples_descend_on_the_mean_distance(two=2.0):
    rng = np.random.default_rng(2)
    for d, T in itertools.product((1, 2, 3), (1, 4)):
        data, start, y = rng.normal(size=(3, d)), rng.normal(size=d), rng.normal(size=d)
        etas = rng.uniform(0.1, 1.0, size=T)
        bound = (np.sum((start - y) ** 2) + np.sum(etas**2)) / (two * np.sum(etas))
        assert expected_gaps(data, start, etas, y, ng.unit) <= bound
    etas = np.full(200, 1.0)  # a cycle at half a step attains it
    bound = (0.25 + 200) / (two * 200)
    gap = expected_gaps(np.zeros((1, 1)), [0.5], etas, np.zeros(1), ng.unit)
    assert 0.99 * bound <= gap <= bound


def test_sign_descent_is_the_unit_step_of_each_coordinate(two=2.0):
    data = np.array([[0.0, 3.0], [1.0, -1.0], [5.0, 0.5]])
    start, etas = np.array([4.0, 2.0]), np.array([1.0, 0.7, 0.5, 0.4])
    for i, centre in enumerate(np.median(data, axis=0)):
        gap = expected_gaps(data[:, [i]], start[[i]], etas, np.array([centre]), np.sign)
        bound = ((start[i] - centre) ** 2 + np.sum(etas**2)) / (two * np.sum(etas))
        assert gap <= bound
    gap = expected_gaps(np.zeros((1, 1)), [0.5], np.full(200, 1.0), np.zeros(1), np.sign)
    assert gap <= (0.25 + 200) / (two * 200)
    paths = [ng.descend(ng.minibatch(ng.functions.mean_of(data)), start, rule, 50, rng=1)
             for rule in (ng.sign(0.3), lambda g: 0.3 * np.sign(g))]  # fmt: skip
    assert np.array_equal(paths[0].w, paths[1].w)


def lad(X, y, weights):
    n, d = X.shape
    rows = np.block([[X, -np.eye(n)], [-X, -np.eye(n)]])
    cost = np.append(np.zeros(d), weights)
    return optimize.linprog(cost, rows, np.append(y, -y), bounds=(None, None)).x[:d]


def test_normalised_regression_balances_at_weighted_least_absolute_deviations(power=1.0):
    rng = np.random.default_rng(3)
    for _ in range(12):
        X = rng.normal(size=(15, 2)) * rng.choice([0.2, 1.0, 8.0], size=(15, 1))
        y = X @ [1.0, -2.0] + rng.standard_t(2, size=15)
        w = lad(X, y, ng.norm(X.T) ** -power)
        J, r = least_squares(X, y), X @ w - y
        touched = np.abs(r) < 1e-7  # a vertex: as many examples as unknowns
        assert touched.sum() == 2
        votes = sum(ng.unit(J.examples([i]).grad(w)) for i in np.flatnonzero(~touched))
        shares = np.linalg.solve((X[touched].T / ng.norm(X[touched].T)), -votes)
        assert np.all(np.abs(shares) <= 1 + 1e-7)  # 0 is a subgradient
        for slope in (np.tanh, lambda r: 4 * r**3):
            other = slope(r) * X.T
            mine = r * X.T
            np.testing.assert_allclose(ng.unit(other)[:, ~touched], ng.unit(mine)[:, ~touched])


# ---------------------------------------------------------------------------- batches


def batch_means(data, B):
    return np.array([np.mean(c, axis=0) for c in itertools.product(data, repeat=B)])


def test_the_bias_of_a_batch_is_at_most_sigma_over_root_B(factor=1.0):
    rng = np.random.default_rng(4)
    for B in (1, 2, 3):
        data = rng.standard_cauchy(size=(4, 2))
        means = batch_means(data, B)
        phi = lambda w, means=means: np.mean(ng.norm(w[:, None] - means.T))
        median = optimize.minimize(phi, data.mean(axis=0), method="Nelder-Mead").x
        sigma = np.sqrt(np.mean(np.sum((data - data.mean(axis=0)) ** 2, axis=1)))
        assert ng.norm(median - data.mean(axis=0)) <= factor * sigma / np.sqrt(B)
    p = 0.4999  # the median of 0 and 1 is 0, the mean is p
    assert p <= factor * math.sqrt(p * (1 - p))


def blurred_bias(B, p=0.2):
    """Return minus the excess of the median of B draws of 10 or 0, each blurred by a normal."""
    k, mean = np.arange(B + 1), 10 * p * B
    weight = stats.binom(B, p).pmf(k)
    below = lambda x: weight @ special.ndtr((x - 10 * k) / np.sqrt(B)) - 0.5
    return (mean - optimize.brentq(below, mean - 20, mean + 20, xtol=1e-10)) / B


def test_the_bias_of_a_batch_is_gamma_sigma_over_six_B_off_the_lattices(six=6.0):
    for B in (50, 400):
        exact = 1 - stats.gamma(B, scale=1 / B).ppf(0.5)
        assert exact == pytest.approx(2 / (six * B), rel=0.01)
    third, variance = 0.2 * 0.8 * 0.6 * 1000, 0.2 * 0.8 * 100 + 1
    assert blurred_bias(400) == pytest.approx(third / variance / (six * 400), rel=0.02)


def test_the_bias_of_five_measurements_jumps(eight=Fraction(3, 4)):
    def bias(B):
        total, p = Fraction(0), Fraction(1, 5)
        for k in range(B + 1):
            total += math.comb(B, k) * p**k * (1 - p) ** (B - k)
            if total >= Fraction(1, 2):
                return 2 - Fraction(10 * k, B)
        raise AssertionError

    assert [bias(B) for B in (1, 2, 4, 5)] == [2, 2, Fraction(-1, 2), 0]
    assert bias(8) == eight
    assert bias(64) == Fraction(-1, 32)
    assert all(abs(bias(B)) < 10 * math.log(2) / B for B in range(1, 70))


def test_only_averaging_before_normalising_moves_the_balance(point=0.5):
    data = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [10.0, 10.0]])
    w = np.full(2, point)
    for B in (1, 2, 3):
        each = [np.mean([ng.unit(w - a) for a in c], axis=0)
                for c in itertools.product(data, repeat=B)]  # fmt: skip
        np.testing.assert_allclose(np.mean(each, axis=0), 0, atol=1e-12)
    assert ng.norm(np.mean([ng.unit(w - a) for a in batch_means(data, 3)], axis=0)) > 0.2


# ------------------------------------------------------------------------- directions


def test_an_error_turns_a_direction_by_no_more_than_twice_its_share(two=2.0):
    rng = np.random.default_rng(5)
    for d in (1, 2, 5):
        g = rng.normal(size=(d, 4000))
        m = g + rng.normal(size=g.shape) * rng.choice([0.1, 1.0, 5.0], size=4000)
        m[:, :4] = -1e-6 * g[:, :4]  # where the factor 2 is needed
        m[:, 4] = 0
        e, u, n = m - g, ng.unit(g), ng.unit(m)
        along = (g * n).sum(axis=0)
        size, error, slack = ng.norm(g), ng.norm(e), 1e-9
        assert np.all(along >= size - error + (e * u).sum(axis=0) - slack)
        assert np.all(along >= size - two * error - slack)
        angle = np.arccos(np.clip((u * n).sum(axis=0), -1, 1))
        right = np.minimum(angle, np.pi / 2)
        assert np.all(error >= size * np.sin(right) - 1e-7)


def test_a_mean_step_is_downhill_beyond_the_noise_scale(factor=1.0):
    p, low = 0.4999, -1e-9  # the gradient is 1 or just below 0
    g, sigma = p + (1 - p) * low, (1 - low) * math.sqrt(p * (1 - p))
    assert 2 * p - 1 >= 1 - factor * sigma / g - 1e-7
    rng = np.random.default_rng(6)
    for B in (1, 2, 3, 4):
        samples = np.array([1.0, 0.5]) + rng.standard_t(3, size=(4, 2))
        g = samples.mean(axis=0)
        scale = np.mean(np.sum((samples - g) ** 2, axis=1)) / (g @ g)
        n = ng.unit(batch_means(samples, B).T)
        cosine = ng.unit(g) @ n
        assert cosine.mean() >= 1 - factor * math.sqrt(scale / B)
        for theta in (0.2, 0.7, np.pi / 2):
            assert np.mean(cosine <= np.cos(theta)) <= scale / (B * np.sin(theta) ** 2)


def test_a_fixed_batch_has_a_floor_of_sigma_over_root_B(factor=1.0):
    # 0 with probability 1 - p, else 1: from 0 the walk is geometric on 0, eta, 2 eta, ...
    p, eta = 0.49, 1e-5
    r = p / (1 - p)
    gradient = p - eta * r / (1 - r)
    assert gradient <= eta / 2 + factor * math.sqrt(p * (1 - p))
    for B in (1, 4, 16):
        J, T = ng.minibatch(mean_vs_median, B), 400
        path = ng.descend(J, 7.3, ng.ngd(0.05), T - 1, repeats=60, rng=B)
        mean = np.abs(path.w - 2).mean()
        assert mean <= (5.3**2 / 2) / (0.05 * T) + 0.05 / 2 + factor * 4 / math.sqrt(B)


# --------------------------------------------------------------------------- momentum


def average_bias(law, mean, beta):
    """Return how far the median of a moving average lies below the mean, by Gil-Pelaez."""
    t = (np.arange(1500) + 0.5) / 12
    f = np.ones_like(t, dtype=complex)
    for k in range(int(np.log(1e-9) / np.log(beta))):
        f *= law((1 - beta) * beta**k * t)
    excess = lambda x: np.sum(np.imag(np.exp(-1j * t * x) * f) / t)
    return mean - optimize.brentq(excess, 0.9 * mean, 1.02 * mean, xtol=1e-12)


def test_the_bias_of_momentum_vanishes_like_one_minus_beta_even_on_a_lattice(nine=9.0):
    laws = [
        (lambda v: 1 / (1 - 1j * v), 1, 2),
        (lambda v: 0.8 + 0.2 * np.exp(10j * v), 2, 6),
    ]
    for law, mean, third_over_variance in laws:
        for beta in (0.98, 0.99):
            leading = third_over_variance / nine * (1 - beta)
            assert average_bias(law, mean, beta) == pytest.approx(leading, rel=2 * (1 - beta))


def test_beta_of_one_half_leaves_half_of_the_bias(median=0.957):
    bits = (np.arange(2**16)[:, None] >> np.arange(16)) & 1
    values = 10 * bits @ 2.0 ** np.arange(-16, 0)
    weights = np.prod(np.where(bits, 0.2, 0.8), axis=1)
    order = np.argsort(values)
    exact = values[order][np.searchsorted(np.cumsum(weights[order]), 0.5)]
    assert exact == pytest.approx(median, abs=1e-3)


def test_the_terms_of_the_momentum_theorem_are_attained(noise=1.0, lag=1.0, two=2.0):
    for beta in (0.5, 0.9):
        rule, memory, weights = ng.Average(beta), ng.Average(beta).start(), []
        for t in range(300):  # the weights of an average are its answer to one impulse
            weight, memory = rule.step(np.array([float(t == 0)]), memory, t)
            weights.append(weight[0])
        assert np.sum(np.square(weights)) == pytest.approx(noise * (1 - beta) / (1 + beta))
        # Down one slope of a bowl the average lags behind the gradient by a constant.
        L, eta = 3.0, 0.01
        path = ng.descend(quadratic([L]), 1000.0, ng.normalized_momentum(eta, beta), 400)
        m = 0.0
        for g in path.g[:, 0]:
            m = beta * m + (1 - beta) * g
        error = m - path.g[-1, 0]
        assert error == pytest.approx(lag * beta * L * eta / (1 - beta))
    for T in (1, 10, 10**6):  # the corollary, in units of L * length = 1
        beta, eta = 1 - T**-0.5, T**-0.75
        assert eta / 2 + 2 * beta * eta / (1 - beta) <= two * T**-0.25


def test_momentum_keeps_its_promise(two=2.0):
    for T, beta, eta in ((300, 0.9, 0.05), (300, 0.2, 0.02), (1500, 1 - 1500**-0.5, 0.03)):
        rule = ng.normalized_momentum(eta, beta)
        path = ng.descend(ng.minibatch(mean_vs_median), 2.1, rule, T - 1, repeats=50, rng=7)
        bound = (
            0.1**2 / 2 / (eta * T) + eta / 2 + two * 4 * math.sqrt((1 - beta) / (1 + beta))
            + 2 * beta * eta / (1 - beta) + 2 * beta * 0.1 / ((1 - beta) * T)
        )  # fmt: skip
        assert np.abs(path.w - 2).mean() <= bound


# --------------------------------------------------------------------- Gaussian noise


def mean_direction(d, s):
    """Return the mean component of s u + xi, normalised, along u; by quadrature."""
    if d == 1:
        return special.erf(s / math.sqrt(2))
    nodes, weights = np.polynomial.legendre.leggauss(150)
    x, q = 5 * (nodes + 1)[:, None], 5 * (nodes + 1)  # both from 0 to 10
    along = stats.norm.pdf(x - s) - stats.norm.pdf(x + s)
    return 25 * weights @ (along * x / np.hypot(x, q) * stats.chi(d - 1).pdf(q)) @ weights


def test_noise_gives_the_magnitude_back(two=2.0):
    for d in (1, 2, 5):
        c = math.gamma((d + 1) / 2) / (math.sqrt(two) * math.gamma(d / 2 + 1))
        assert mean_direction(d, 0.05) == pytest.approx(0.05 * c, rel=2e-3)
        assert math.sqrt(d - 1) / d <= c <= 1 / math.sqrt(d)
        assert 0 < mean_direction(d, 3.0) < 1
        kummer = 3 * c * special.hyp1f1(0.5, d / 2 + 1, -4.5)
        assert mean_direction(d, 3.0) == pytest.approx(kummer, rel=1e-6)


def test_unequal_noise_turns_the_mean_direction(ratio=2.74):
    r = np.linspace(0, 12, 3001)[1:, None]
    a = (np.arange(1000) + 0.5) * 2 * np.pi / 1000
    weight = r * np.exp(-(r**2) / 2)
    g = np.stack([0.05 + r * np.cos(a), 0.05 + 10 * r * np.sin(a)])
    mean = (ng.unit(g) * weight).sum(axis=(1, 2)) / weight.sum() / 1000
    assert mean[0] / mean[1] == pytest.approx(ratio, rel=0.01)


def stationary_variance(eta, s):
    """Return the stationary mean of x^2 from the transition matrix of the walk."""
    x = eta * (np.arange(-round(6 * s / eta), round(6 * s / eta)) + 0.37)
    right = special.ndtr(-x / s)
    P = np.diag(right[:-1], 1) + np.diag(1 - right[1:], -1)
    P[0, 0], P[-1, -1] = 1 - right[0], right[-1]
    p = linalg.null_space(P.T - np.eye(len(x)), rcond=1e-13)[:, 0]
    return np.sum(p * x**2) / np.sum(p)


def test_the_noise_floor_is_between_its_bounds(eight=8.0):
    for s in (1.0, 3.0):
        for eta in (0.05 * s, 0.4 * s):
            V, floor = stationary_variance(eta, s), math.sqrt(math.pi / eight) * eta * s
            ceiling = floor / (1 - 0.75 * math.sqrt(math.pi / 2) * eta / s)
            assert floor <= V <= ceiling
    J = ng.noisy(quadratic([1.0 / 3.0]), 1.0)
    path = ng.descend(J, 0.37 * 0.4, ng.ngd(0.4), 1500, repeats=80, rng=8)
    measured = np.mean(path.w[300:] ** 2)
    assert measured == pytest.approx(stationary_variance(0.4, 3.0), rel=0.05)


# -------------------------------------------------------------------------- exercises


def mean_sign(B):
    law = stats.binom(B, 0.1)
    k = np.arange(B + 1)
    return law.pmf(k) @ np.sign(10 * k - (B - k))


RIGHT = [
    (ch09.towns, {"sign": (0.0, 1.0), "ngd": np.zeros(2), "gd": np.array([0.0, 2.0]) / 3}),
    (ch09.mean_sign, mean_sign),
    (ch09.debug, {1: "True", 2: "true ", 3: "FALSE", 4: "false", 5: "true"}),
]


@pytest.mark.parametrize(("exercise", "answer"), RIGHT)
def test_other_right_answers_pass(exercise, answer):
    assert exercise.check(answer)


def test_the_exercises_numbers():
    assert [B for B in range(1, 21) if mean_sign(B) < -1e-12] == [*range(1, 7), *range(11, 17)]
    towns = np.array([[-4.0, 0.0, 4.0], [1.0, 0.0, 1.0]])
    rules = {"gd": ng.gd, "ngd": ng.ngd, "sign": ng.sign}
    for name, rule in rules.items():
        shrinking = rule(ng.schedules.inverse_sqrt(0.5))
        J = ng.minibatch(ng.functions.mean_of(towns.T))
        path = ng.descend(J, (1.3, 0.7), shrinking, 2000, repeats=30, rng=9)
        end = path.w[-500:].mean(axis=(0, 2))
        assert end == pytest.approx(np.array(ch09.towns.solution[name]), abs=0.1)
