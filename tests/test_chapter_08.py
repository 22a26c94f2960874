"""The claims of chapter 8, where the unit step wins, and its exercises' other right answers."""

from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp
from scipy.optimize import linprog, minimize_scalar

import normgd as ng
from normgd.exercises import ch08
from normgd.functions import cliff, quasi_convex, separable, wall

Z = np.array([[-0.1, 0.7], [0.9, -0.05], [1.0, 0.0], [0.96, 0.03], [0.88, 0.34], [0.28, 0.54]])
GAMMA, BEST = 0.5, np.array([0.6, 0.8])  # the margin of `separable` and its direction


def walk(grad, w, eta, steps):
    """The unit step, without the library."""
    w = np.array(w, dtype=float)
    orbit = [w]
    for _ in range(steps):
        g = grad(w)
        w = w - eta * g / np.sqrt(g @ g)
        orbit.append(w)
    return np.array(orbit)


# ------------------------------------------------------------------------- quasi-convexity


def test_everything_better_lies_ahead(most=0.0):
    rng = np.random.default_rng(0)
    w = rng.uniform(-1, 9, size=(2, 20_000))
    y = w + 10.0 ** rng.uniform(-3, 0.5, size=20_000) * ng.unit(rng.normal(size=w.shape))
    better = quasi_convex.domain(y) & (quasi_convex(y) <= quasi_convex(w))
    cosine = (ng.unit(quasi_convex.grad(w)) * ng.unit(y - w)).sum(axis=0)[better]
    assert better.sum() > 5000
    assert cosine.max() <= most + 1e-9


def test_the_best_iterate_on_quasi_convex_functions(half=0.5):
    def bound(R, eta, T):
        return half * R**2 / (eta * T) + half * eta

    # Sharp for one step of length R, and for ever on the cycle of distances eta / 2.
    assert bound(0.7, 0.7, 1) >= 0.7 * (1 - 1e-12)
    orbit = walk(np.sign, [0.55], 0.1, 5000)
    assert abs(orbit).min() <= bound(0.55, 0.1, 5000)
    assert bound(0.55, 0.1, 5000) < 1.02 * abs(orbit).min()
    # A crater that is no ball, seen from any reference point: the highest point is on the rim.
    rng = np.random.default_rng(1)
    angle = np.linspace(0, 2 * np.pi, 400)
    for _ in range(40):
        A, start, goal = rng.normal(size=(2, 2)), 3 * rng.normal(size=2), rng.normal(size=2)
        eta, T = rng.uniform(0.1, 1), int(rng.integers(1, 60))

        def grad(w, A=A):
            return A.T @ (A @ w)  # of |Aw|^2 / 2, and so of any increasing function of it

        values = (walk(grad, start, eta, T)[:T] @ A.T) ** 2
        rim = bound(np.linalg.norm(start - goal), eta, T) * np.stack([np.cos(angle), np.sin(angle)])
        assert values.sum(axis=1).min() <= ((A @ (goal[:, None] + rim)) ** 2).sum(axis=0).max()


def test_the_best_length(factor=1.0):
    for R, T in ((3.0, 10), (0.2, 1000)):
        least = minimize_scalar(
            lambda eta, R=R, T=T: R**2 / (2 * eta * T) + eta / 2, bounds=(1e-6, 10 * R),
            method="bounded", options={"xatol": 1e-10},
        )  # fmt: skip
        assert np.isclose(least.fun, factor * R / np.sqrt(T), rtol=1e-6)
        assert np.isclose(least.x, R / np.sqrt(T), rtol=1e-3)


def test_a_clover_leaf_has_the_half_space_property_outside_a_ball(ratio="7/3"):
    c = sp.Symbol("c", real=True)
    turn = (1 - c**2) / (1 + c / 2) ** 2  # the square of h' / 2h, with c = cos(4 theta)
    flat = sp.solve(sp.numer(sp.together(sp.diff(turn, c))), c)
    steepest = max(turn.subs(c, root) for root in flat if abs(root) <= 1 and root != -2)
    assert sp.sympify(ratio) == 1 + steepest
    J = ng.Function(
        lambda w: (w * w).sum(axis=0) * (1 + np.cos(4 * np.arctan2(w[1], w[0])) / 2),
        grad=ng.functions.complex_step(_clover),
        dim=2,
    )
    w = ng.unit(np.random.default_rng(5).normal(size=(2, 2000)))
    assert (ng.unit(J.grad(w)) * w).sum(axis=0).min() >= 1 / np.sqrt(float(sp.sympify(ratio)))
    assert J([1.0, 0.0]) > max(J([1.0, 1.0]), J([1.0, -1.0]))


def _clover(w):
    """The clover leaf as a quotient: r^4 cos 4 theta is a polynomial."""
    x, y = w
    square = x * x + y * y
    return square + ((x * x - y * y) ** 2 - 4 * x * x * y * y) / (2 * square)


def test_the_plateau_and_the_cliff(arrival=39):
    position, count = 19.83, 0
    while position > 0.5:
        position, count = position - 0.5, count + 1
    assert count == arrival
    path = ng.descend(cliff, 19.83, ng.ngd(0.5), steps=60)
    assert path.J[arrival - 1] > 0.5
    assert np.all(path.J[arrival:] <= 0.5)


def test_no_step_size_for_plateau_and_cliff(longest=1.0):
    # Two points in a row within 0.5 of the kink are a step apart, on opposite sides of it.
    x = np.linspace(-0.5, 0.5, 1000)  # none of them 0
    alphas = np.linspace(0.01, 2, 1000)[:, None]
    near = (abs(x - alphas * np.sign(x)) <= 0.5).any(axis=1)
    assert alphas[near].max() <= longest < alphas[~near].min() + 0.01
    assert (19.83 - 10) / (1e-6 * longest) > 9e6
    alphas = np.geomspace(1e-9, 1e9, 200)
    fixed = ng.sweep(cliff, 19.83, {"gd": ng.gd(alphas)}, steps=500, progress=False)["gd"]
    assert fixed.late.min() > 5000


def sigma(z):
    return (1 + np.tanh(z / 2)) / 2


def neuron_gradient(X, truth, w):
    p = sigma(X @ w)
    return 2 * X.T @ ((p - sigma(X @ truth)) * p * sigma(-X @ w)) / len(X)


def test_a_margin_makes_an_exponential_plateau(rate=1.0):
    for m, s in ((0.5, 3.0), (3.0, 4.0), (9.0, 3.0), (0.0, 5.0)):
        slope = neuron_gradient(np.array([[1.0, 0.0]]), np.array([m, 1.0]), np.array([-s * m, -s]))
        assert np.linalg.norm(slope) <= 2 * np.exp(-rate * s * m)


def test_the_unit_step_crosses_an_exponential_plateau(steps=665):
    inputs = ng.unit(np.random.default_rng(0).normal(size=(5, 2000))).T
    X = inputs[abs(inputs[:, 0]) >= 0.5][:100]
    truth = np.array([2.2, 0, 0, 0, 0])
    orbit = walk(lambda w: neuron_gradient(X, truth, w), -20 * truth, 0.2, 700)
    losses = ((sigma(orbit @ X.T) - sigma(X @ truth)) ** 2).mean(axis=1)
    assert np.argmax(losses <= 0.01 * losses[0]) == steps


# ------------------------------------------------------------------------------------ walls


def test_the_edge_between_exponential_walls(edge=2.0):
    for x0 in (0.3, 5.0, 20.03):
        x = np.array([x0, x0])
        alpha = np.array([0.999, 1.001]) * edge * x0 / np.sinh(x0)
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(5000):
                x = np.where(abs(x) < 100, x - alpha * np.sinh(x), x)
        assert abs(x[0]) < x0 * 0.999
        assert abs(x[1]) > 100


def test_the_descent_lemma_with_two_constants(rest="exp(a) - 1 - a"):
    a = sp.Symbol("a", positive=True)
    growth = sp.lambdify(a, sp.sympify(rest))
    r = np.linspace(0.01, 4, 100)
    # J = e^x has L0 = 0 and L1 = 1, and equality for steps to the right.
    assert np.allclose(np.exp(r) - 1 - r, growth(r), rtol=1e-12)
    rng = np.random.default_rng(2)
    w, p = rng.uniform(-5, 5, size=(2, 20_000)), rng.uniform(-2, 2, size=(2, 20_000))
    g, r = np.sinh(w), ng.norm(p)
    true = (np.cosh(w + p) - np.cosh(w) - g * p).sum(axis=0)
    assert np.all(true <= (1 + ng.norm(g)) * growth(r) * (1 + 1e-9))


def test_clipping_descends(c="7/2 - 2*sqrt(E)"):
    constant = float(sp.sympify(c))
    L0, L1 = 3.0, 0.5
    slopes = np.geomspace(1e-3, 1e3, 6001) * L0 / L1
    length = np.minimum(slopes / (2 * L0), 1 / (2 * L1))
    a = L1 * length
    promised = slopes * length - (L0 + L1 * slopes) * (np.expm1(a) - a) / L1**2
    share = promised / np.minimum(slopes / L1, slopes**2 / L0)
    assert np.all(share >= constant - 1e-12)  # what the lemma promises, for every slope,
    assert np.isclose(share.min(), constant, rtol=1e-3)  # and no more
    rng = np.random.default_rng(3)
    w = rng.uniform(-9, 9, size=(3, 5000)) * 10.0 ** rng.uniform(-3, 0, size=5000)
    g = np.sinh(w)
    step = np.minimum(0.5 * ng.norm(g), 0.5) * ng.unit(g)
    fall = wall(w) - wall(w - step)
    assert np.all(fall >= constant * np.minimum(ng.norm(g), ng.norm(g) ** 2) * (1 - 1e-9))


def test_how_soon_clipping_finds_a_flat_place(factor=1.0):
    c = 3.5 - 2 * np.exp(0.5)
    for L0, L1, Delta in ((1.0, 1.0, 5.0), (10.0, 0.1, 3.0), (0.1, 7.0, 2.0)):
        for T in (1, 30, 1000):
            bound = factor * max(np.sqrt(L0 * Delta / (c * T)), L1 * Delta / (c * T))
            assert np.isclose(min(bound / L1, bound**2 / L0), Delta / (c * T), rtol=1e-9)
    path = ng.descend(wall, (8.03, -3.1), ng.clipped(0.5, 0.5), steps=200)
    T = np.arange(1, 202)
    bound = np.maximum(np.sqrt(path.J[0] / (c * T)), path.J[0] / (c * T))
    assert np.all(np.minimum.accumulate(path.grad_norm) <= factor * bound)
    assert path.grad_norm[-1] < 1e-12


# ---------------------------------------------------------------------------------- saddles


def escape(q, eta, x, y, most=5000):
    for t in range(most):
        if abs(y) >= 1:
            return t
        n = np.hypot(x, q * y)
        x, y = x - eta * x / n, y + eta * q * y / n
    return None


def test_steps_to_escape_grow_like_a_logarithm(two=2.0):
    for q, eta, C in ((0.1, 0.01, 0.21), (1.0, 0.1, 0.5), (0.05, 0.1, 0.4), (0.3, 0.3, 0.07)):
        x0 = (3 + C) * eta
        M = 1 + q * (1 + q) / (C * (1 - C))
        counts = [escape(q, eta, x0, 10.0**-k) for k in (20, 60, 140)]
        for (fewer, more), decades in zip(pairwise(counts), (40, 80), strict=True):
            assert abs(more - fewer - two * decades * np.log(10) / np.log(M)) <= 2.5
    assert escape(0.1, 0.01, 0.0321, 0.0, most=2000) is None


# ----------------------------------------------------------------------------------- the lock


def test_the_stiffest_direction_locks_the_others(two=2.0):
    for curvature, eta, C in ((1.0, 0.1, 0.33), (3.0, 0.2, 0.2), (0.5, 0.1, 0.5)):
        epsilon, x, y, count = 1e-4, (2 + C) * eta, 0.0, 0
        while y > -0.3:
            n = np.hypot(curvature * x, epsilon)
            x, y, count = x - eta * curvature * x / n, y - eta * epsilon / n, count + 1
        assert np.isclose(epsilon * count, two * C * (1 - C) * curvature * 0.3, rtol=0.02)


def test_the_valley_of_the_prediction(steps=2218):
    path = ng.descend(ng.functions.crawl, (0.033, 1.03), ng.ngd(0.1), steps=2300)
    assert np.argmax(path.w[:, 1] <= 0.53 + 1e-9) == steps
    assert abs(steps / (2 * 0.33 * 0.67 * 0.5 / 1e-4) - 1) < 0.004
    late = np.sort(abs(path.w[steps - 1 : steps + 1, 0])) / 0.1
    assert np.allclose(late, [0.334, 0.666], atol=5e-4)


# -------------------------------------------------------------------------------- three balls


def test_steepest_descent_in_three_balls(dual_of_the_largest=1):
    rng = np.random.default_rng(4)
    for _ in range(10):
        g = rng.normal(size=4)
        box = linprog(g, bounds=[(-1, 1)] * 4)
        split = linprog(np.append(g, -g), A_ub=np.ones((1, 8)), b_ub=[1], bounds=[(0, None)] * 8)
        assert np.allclose(box.x, -ng.ops.sign(g))
        assert np.isclose(box.fun, -np.linalg.norm(g, dual_of_the_largest))
        assert np.allclose(split.x[:4] - split.x[4:], -ng.Greedy()(g))
        assert np.isclose(split.fun, -np.linalg.norm(g, np.inf))
        disc = ng.unit(rng.normal(size=(4, 5000)))
        assert (g @ disc).min() >= -g @ ng.unit(g) > -np.linalg.norm(g) - 1e-12


# ----------------------------------------------------------------------------- separable data


def log_direction(examples, w):
    """The direction of the logistic gradient, from logarithms."""
    log_s = -np.logaddexp(0, examples @ w)
    return -np.exp(log_s - log_s.max()) @ examples


def test_the_unit_step_on_separable_data_does_not_slow_down(lower=1.0):
    tilt = 0.3  # the margin of these two directions; one of them a thousand times
    side = np.sqrt(1 - tilt**2)
    crowd = np.array([[tilt, side]] * 1000 + [[tilt, -side]])
    for examples, margin, best in ((crowd, tilt, np.array([1.0, 0.0])), (Z, GAMMA, BEST)):
        for eta in (0.1, 1.0, 20.0):
            orbit = walk(lambda w, z=examples: log_direction(z, w), [0, 0], eta, 60)
            t = np.arange(61)
            assert np.all(orbit @ best >= lower * margin * eta * t * (1 - 1e-9))
            assert np.all(np.linalg.norm(orbit, axis=1) <= eta * t * (1 + 1e-12))


def test_the_loss_on_separable_data_is_exponentially_small(half="1/2"):
    R, gamma, eta, T = sp.symbols("R gamma eta T", positive=True)
    exponent = gamma * R - R**2 / (2 * eta * T) - eta / 2
    best = exponent.subs(R, sp.solve(sp.diff(exponent, R), R)[0])
    assert sp.simplify(best - sp.sympify(half) * eta * (gamma**2 * T - 1)) == 0
    for length in (0.2, 1.0, 5.0):
        orbit = walk(lambda w: log_direction(Z, w), [0, 0], length, 100)
        losses = np.logaddexp(0, -(orbit[:-1] @ Z.T)).mean(axis=1)
        steps = np.arange(1, 101)
        bound = np.exp(-float(sp.sympify(half)) * length * (GAMMA**2 * steps - 1))
        assert np.all(np.minimum.accumulate(losses) <= bound)


def test_gradient_descent_on_separable_data_grows_like_a_logarithm(slope=1.0):
    # Its late steps are short, so it follows the flow; in s = ln t the flow is dw/ds = -t grad J.
    def flow(s, w):
        return np.exp(s - np.logaddexp(0, Z @ w)) @ Z / len(Z)

    w = solve_ivp(flow, (0, 400), [0, 0], method="LSODA", rtol=1e-8, t_eval=[200, 400]).y
    growth = (np.linalg.norm(w[:, 1]) - np.linalg.norm(w[:, 0])) / 200
    assert np.isclose(growth, slope / GAMMA, rtol=1e-3)
    fixed = ng.descend(separable, (0.0, 0.0), ng.gd(1 / separable.L), steps=3000)
    grown = ng.norm(fixed.w[3000]) - ng.norm(fixed.w[300])
    assert np.isclose(grown, slope * np.log(10) / GAMMA, rtol=0.08)


def test_the_margin_gap_of_the_unit_step_closes_like_one_over_t(power=1.0):
    orbit = walk(lambda w: log_direction(Z, w), [0, 0], 1.0, 4000)
    gap = [GAMMA - (Z @ orbit[t]).min() / np.linalg.norm(orbit[t]) for t in (500, 4000)]
    assert np.isclose(gap[0] / gap[1], 8**power, rtol=0.01)


# --------------------------------------------------------------------------------- exercises


def paced(curvature, slope, eta, x0, fall):
    """Pace by pace: two steps of a cycle, each with its own rate."""
    small = abs(x0) - eta * np.floor(abs(x0) / eta)
    return 2 * fall / (slope * (eta / (curvature * small) + eta / (curvature * (eta - small))))


RIGHT = [
    (
        ch08.balls,
        {
            "l2": [-0.2941742, 0.3922323, -0.0980581], "linf": (-0.5, 0.5, -0.5),
            "l1": np.array([0, 0.5, 0]),
        },
    ),
    (ch08.lock, paced),
    (ch08.clip, {"active": 500.0, "rule": " NGD", "eta": 1 / 50}),
    (
        ch08.debug,
        {"flow": "True", "steps": "False", "lucky": "True", "shorter": "False", "decade": 23.3},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("exercise", "answer"), RIGHT, ids=lambda x: getattr(x, "name", ""))
def test_another_right_answer_is_right(exercise, answer):
    assert exercise.check(answer)
