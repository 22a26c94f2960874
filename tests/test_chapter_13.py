"""The claims of chapter 13, one dial of norms, and its exercises' other right answers."""

from itertools import product

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy.optimize import linprog, minimize, minimize_scalar

import normgd as ng
from normgd.exercises import ch13
from normgd.functions import factorisation

QUINTIC = 3.4445, -4.7750, 2.0315


def svd(rng, m, n, values):
    """Return U, V and the matrix with these singular values."""
    U = np.linalg.qr(rng.normal(size=(m, len(values))))[0]
    V = np.linalg.qr(rng.normal(size=(n, len(values))))[0]
    return U, V, (U * values) @ V.T


def walk(grad, step, w, times):
    """Normalised steepest descent, without the library."""
    orbit = [np.array(w, dtype=float)]
    for _ in range(times):
        orbit.append(orbit[-1] + step(grad(orbit[-1])))
    return np.array(orbit)


# ------------------------------------------------------------------------------ steepest


def test_the_slope_of_the_steepest_direction_is_minus_the_dual_norm(factor=1.0):
    # The ball of a polytope's norm, by linear programming: |d|_1 / 2 + |d|_inf / 2 <= 1.  Its
    # dual ball's support is what linprog finds; the inequality must be attained and never broken.
    rng = np.random.default_rng(0)
    corners = np.array(list(product((-1, 1), repeat=3)))
    faces = np.array([(c + s * e) / 2 for c in corners for s in (-1, 1) for e in np.eye(3)])
    norm = lambda p: (np.abs(p).sum(axis=0) + np.abs(p).max(axis=0)) / 2
    for g in rng.normal(size=(5, 3)):
        dual = -linprog(g, A_ub=faces, b_ub=np.ones(len(faces)), bounds=(None, None)).fun
        p = rng.normal(size=(3, 100_000))
        slopes = g @ p / norm(p)
        assert slopes.min() >= -factor * dual - 1e-9
        assert slopes.min() <= -0.96 * dual
        again = -linprog(-3 * g, A_ub=faces, b_ub=np.ones(len(faces)), bounds=(None, None)).fun
        assert np.isclose(again, 3 * dual)
        other = rng.normal(size=3)
        both = -linprog(g + other, A_ub=faces, b_ub=np.ones(len(faces)), bounds=(None, None)).fun
        alone = -linprog(other, A_ub=faces, b_ub=np.ones(len(faces)), bounds=(None, None)).fun
        assert 0 < both <= dual + alone + 1e-9


def test_every_steepest_direction_makes_an_acute_angle_with_minus_g(power=0.5):
    for d in (3, 50):
        flat = np.concatenate([[1.0], np.full(d - 1, 1e-9)])  # the worst gradient for the sign
        even = np.ones(d)  # and for the greedy step, but for the tie
        for g, step in ((flat, np.sign(flat)), (even, np.eye(d)[0])):
            cosine = g @ step / np.linalg.norm(g) / np.linalg.norm(step)
            assert np.isclose(cosine, d**-power, rtol=1e-6)
    rng = np.random.default_rng(1)
    for g in rng.standard_cauchy(size=(200, 7)):
        for step in (np.sign(g), np.where(np.abs(g) == np.abs(g).max(), g, 0)):
            assert g @ step / np.linalg.norm(g) / np.linalg.norm(step) >= 7**-power - 1e-12


def test_the_gradient_is_always_steepest_in_the_euclidean_norm_only(p=2.0):
    rng = np.random.default_rng(2)
    for g in rng.normal(size=(20, 3)):
        d = minimize(
            lambda d, g=g: g @ d / (np.abs(d) ** p).sum() ** (1 / p), -g + 0.1, method="BFGS",
            options={"gtol": 1e-9},
        ).x  # fmt: skip
        assert d @ g <= -(1 - 1e-8) * np.linalg.norm(d) * np.linalg.norm(g)


def test_many_small_turns_lose_no_length():
    x, theta = sp.symbols("x theta", positive=True)  # x is one over their number
    assert sp.limit(sp.log(sp.cos(theta * x)) / x, x, 0) == 0


def test_the_dial(exponent="q - 1"):
    rng = np.random.default_rng(3)
    for p in (1.3, 3.0, 7.0):
        q = p / (p - 1)
        g = rng.normal(size=4)
        d = -np.sign(g) * np.abs(g) ** float(sp.sympify(exponent).subs("q", q))
        d /= (np.abs(d) ** p).sum() ** (1 / p)
        dual = (np.abs(g) ** q).sum() ** (1 / q)
        assert np.isclose(g @ d, -dual, rtol=1e-6)
        others = d[:, None] + 0.05 * rng.normal(size=(4, 20_000))
        others /= (np.abs(others) ** p).sum(axis=0) ** (1 / p)
        assert (g @ others).min() >= -dual
    g = np.array([2.0, -2.0, 1.0, 0.0])
    for p, limit in ((1e9, [-1, 1, -1, 0]), (1 + 1e-4, [-1 / 2, 1 / 2, 0, 0])):
        assert np.allclose(ch13.dial.solution(g, p), limit, atol=1e-4)


def test_the_balls_of_matrices(sigma=1.0):
    rng = np.random.default_rng(4)
    values = np.array([3.0, 2.0, 0.5])
    U, V, G = svd(rng, 5, 4, values)
    full = np.linalg.svd(G)
    rest, across = full[0][:, 3:], full[2][3:].T
    C = rng.normal(size=(2, 1))
    C *= sigma / np.linalg.norm(C, 2)
    D = -U @ V.T + rest @ C @ across.T  # another minimiser, at the edge of what is allowed
    assert np.isclose((G * D).sum(), -values.sum())
    assert np.linalg.norm(D, 2) <= 1 + 1e-9
    one = -np.outer(U[:, 0], V[:, 0])
    others = rng.normal(size=(20_000, 5, 4))
    for kind, best, dual in ((2, D, "nuc"), ("nuc", one, 2), ("fro", -G, "fro")):
        slopes = (others * G).sum(axis=(1, 2)) / np.linalg.norm(others, kind, axis=(1, 2))
        least = (G * best).sum() / np.linalg.norm(best, kind)
        assert np.isclose(least, -np.linalg.norm(G, dual))
        assert slopes.min() >= least
    # The only minimisers: those of a gradient nearby, full in rank, come near to one of the family.
    for E in 1e-7 * rng.normal(size=(50, 5, 4)):
        left, _, right = np.linalg.svd(G + E, full_matrices=False)
        free = -left @ right + U @ V.T
        assert np.allclose(rest @ (rest.T @ free @ across) @ across.T, free, atol=1e-5)
        assert np.isclose(np.linalg.norm(free, 2), sigma)


def test_the_ball_of_a_quadratic_form(power=-1):
    rng = np.random.default_rng(5)
    root = rng.normal(size=(3, 3))
    M, g = root @ root.T + np.eye(3), rng.normal(size=3)
    d = -np.linalg.matrix_power(M, power) @ g
    length = np.sqrt(d @ M @ d)
    others = rng.normal(size=(3, 50_000))
    slopes = g @ others / np.sqrt((others * (M @ others)).sum(axis=0))
    assert np.isclose(g @ d / length, -np.sqrt(g @ np.linalg.solve(M, g)))
    assert g @ d / length <= slopes.min() + 1e-12


# ---------------------------------------------------------------------- two versions, bounds


def test_the_unnormalised_step_is_as_long_as_alpha_times_the_dual_norm(length=1.0):
    rng = np.random.default_rng(6)
    alpha, g = 0.7, rng.normal(size=4)
    for norm, best, dual in (
        (np.inf, -np.sign(g), 1),
        (1, np.where(np.abs(g) == np.abs(g).max(), -np.sign(g), 0), np.inf),
        (2, -g / np.linalg.norm(g), 2),
    ):
        value = lambda p, norm=norm: g @ p + np.linalg.norm(p, norm) ** 2 / (2 * alpha)
        found = minimize_scalar(lambda s, best=best, value=value: value(s * best)).x
        assert np.isclose(found, length * alpha * np.linalg.norm(g, dual), rtol=1e-6)
        least = -alpha / 2 * np.linalg.norm(g, dual) ** 2
        assert np.isclose(value(found * best), least)
        assert min(map(value, found * best + rng.normal(size=(5000, 4)))) >= least


def test_the_dual_norm_falls_below_one_bound(half=0.5):
    rng = np.random.default_rng(7)
    for _ in range(60):
        root = rng.normal(size=(3, 3))
        H, w0, eta = root @ root.T, rng.normal(size=3), rng.uniform(0.05, 1)
        corners = np.array(list(product((-1, 1), repeat=3)))
        for dual, L, step in (
            (2, np.linalg.eigvalsh(H)[-1], ng.unit),
            (1, np.einsum("ci,ij,cj->c", corners, H, corners).max(), np.sign),
            (np.inf, H.diagonal().max(), ng.Greedy()),
        ):
            T = int(rng.integers(1, 60))
            w = walk(lambda w, H=H: H @ w, lambda g, s=step, e=eta: -e * s(g), w0, T)[:-1]
            falls = np.linalg.norm(w @ H, dual, axis=1).mean()
            assert falls <= half * w0 @ H @ w0 / (eta * T) + half * L * eta
    # Attained in the limit: all coordinates on the cycle of +-eta/2 along the axes.
    H, eta = np.diag([1.0, 4.0, 9.0]), 0.2
    w = walk(lambda w: H @ w, lambda g: -eta * np.sign(g), np.full(3, eta / 2), 1000)[:-1]
    falls = np.abs(w @ H).sum(axis=1).min()
    assert falls <= half * w[0] @ H @ w[0] / (eta * 1000) + half * 14 * eta <= 1.01 * falls


def test_one_curvature_in_three_norms(power=1):
    rng = np.random.default_rng(8)

    def constants(H):
        signs = np.array(list(product((-1, 1), repeat=len(H))))
        cube = np.einsum("ci,ij,cj->c", signs, H, signs).max()
        return np.linalg.eigvalsh(H)[-1], cube, H.diagonal().max()

    for _ in range(50):
        root = rng.normal(size=(4, rng.integers(1, 5)))
        H = root @ root.T
        two, cube, one = constants(H)
        assert two - 1e-9 <= cube <= 4**power * two + 1e-9
        assert two / 4**power - 1e-9 <= one <= two + 1e-9
        # By the definition: |H p|_* over |p| <= 1, from the inside.
        p = rng.uniform(-1, 1, size=(4, 2000))
        assert np.abs(H @ p).sum(axis=0).max() <= cube + 1e-9
        p /= np.abs(p).sum(axis=0)
        assert np.abs(H @ p).max() <= one + 1e-9
    d = 6
    two, cube, one = constants(np.ones((d, d)))
    assert np.isclose(cube, d**power * two)
    assert np.isclose(one, two / d**power)
    two, cube, one = constants(np.diag([2.0, 0.5, 1.0]))
    assert np.isclose(cube, 3.5)
    assert np.isclose(one, two)


def test_no_norm_wins_everywhere(winners="sign unit greedy"):
    # Three landscapes, without the library: the median over starts, each with its best length.
    rng = np.random.default_rng(9)
    turn = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    axes, together = np.diag(np.geomspace(1, 1000, 8)), np.eye(8) + 2
    w0 = rng.normal(size=(8, 7, 1))
    few = np.where(np.arange(8)[:, None, None] < 2, w0, 0)
    steps = {"unit": ng.unit, "sign": np.sign, "greedy": ng.Greedy()}
    found = []
    for H, start in (
        (axes, w0), (turn @ axes @ turn.T, np.tensordot(turn, w0, 1)), (together, few),
    ):  # fmt: skip
        medians, top = {}, (start * np.tensordot(H, start, 1)).sum(axis=0)
        for name, step in steps.items():
            w, first = np.repeat(start, 20, axis=2), np.full((7, 20), 10**6)
            for t in range(150):
                g = np.tensordot(H, w, 1)
                values = (w * g).sum(axis=0)
                first = np.where(values <= 0.01 * top, np.minimum(first, t), first)
                w = w - np.geomspace(1e-3, 1, 20) * step(g)
            medians[name] = np.median(first.min(axis=1))
        found.append(min(medians, key=medians.get))
    assert found == winners.split()


def test_the_symmetries_of_the_ball_are_those_of_the_rule(norm="spectral"):
    rng = np.random.default_rng(10)
    A, W0 = rng.normal(size=(2, 4, 3))
    Q, R = np.linalg.qr(rng.normal(size=(4, 4)))[0], np.linalg.qr(rng.normal(size=(3, 3)))[0]

    def grad(W):  # of the sum of (W - A)^4 / 4
        return (W - A) ** 3

    def polar(G):
        U, _, Vt = np.linalg.svd(G, full_matrices=False)
        return U @ Vt

    best = {"spectral": polar, "entry": np.sign}[norm]
    W = walk(grad, lambda G: -0.1 * best(G), W0, 10)
    Z = walk(lambda Z: Q.T @ grad(Q @ Z @ R.T) @ R, lambda G: -0.1 * best(G), Q.T @ W0 @ R, 10)
    assert np.allclose(Q @ Z @ R.T, W, atol=1e-9)
    # With several minimisers to choose from: the polar factor follows at deficient rank, and signs
    # with a 0 follow an exchange of axes, but the first of two tied coordinates does not.
    low = A[:, :1] @ W0[:1]
    polar_of = lambda G: ng.Polar((G.shape,))(G.ravel()).reshape(G.shape)
    assert np.allclose(polar_of(Q.T @ low @ R), Q.T @ polar_of(low) @ R)
    g = np.array([2.0, 0.0, -2.0])
    for piece, follows in ((ng.Sign(), True), (ng.Greedy(), False)):
        assert np.array_equal(piece(g[::-1]), piece(g)[::-1]) == follows


# --------------------------------------------------------------------------------- matrices


def test_every_singular_value_makes_its_own_orbit(pairs=1.0):
    rng = np.random.default_rng(11)
    eta, start = 0.1, np.array([0.7362, 0.527, 0.3990, 0.0862])
    U, V, W0 = svd(rng, 6, 4, start)
    A = rng.normal(size=(6, 4))
    rule = ng.Polar(((6, 4),)) >> ng.gd(eta)
    J = ng.Function(
        lambda w: 0.5 * ((w.T - A.ravel()).T ** 2).sum(axis=0), dim=24,
        grad=lambda w: (w.T - A.ravel()).T,
    )  # fmt: skip
    w = ng.descend(J, (W0 + A).ravel(), rule, steps=51).w.reshape(-1, 6, 4) - A
    last = np.abs(np.einsum("ij,tik,kj->tj", U, w[-2:], V))
    assert np.allclose(last.sum(axis=0), pairs * eta)
    r = start % eta
    even = (50 - np.floor(start / eta)) % 2 == 0
    assert np.allclose(last[0], np.where(even, r, eta - r))
    assert np.allclose(np.linalg.svd(w[-2], compute_uv=False), np.sort(last[0])[::-1])


def test_the_factors_of_a_matrix_make_orbits_around_the_roots(power=0.5):
    rng = np.random.default_rng(12)
    sigma, x0, eta = np.array([4.0, 1.0, 0.25]), np.array([0.013, 0.021, 0.8127]), 0.05
    P, Q, A = svd(rng, 5, 4, sigma)
    J = factorisation(A, rank=3)
    w0 = np.concatenate([(P * x0).ravel(), (Q * x0).ravel()])
    w = ng.descend(J, w0, ng.Polar(J.blocks) >> ng.gd(eta), steps=61).w
    x = np.einsum("ij,tij->tj", P, w[:, :15].reshape(-1, 5, 3))
    y = np.einsum("ij,tij->tj", Q, w[:, 15:].reshape(-1, 4, 3))
    expected = walk(lambda x: np.sign(x - sigma**power), lambda g: -eta * g, x0, 61)
    assert np.allclose(x, expected)
    assert np.allclose(y, expected)


def test_an_odd_polynomial_acts_on_singular_values(fifth=2.0315):
    rng = np.random.default_rng(13)
    a, b, _ = QUINTIC
    s = np.array([0.9, 0.4, 0.1])
    U, V, G = svd(rng, 6, 4, s)
    X = G / np.linalg.norm(G)
    s = s / np.linalg.norm(s)
    expected = (U * (a * s + b * s**3 + fifth * s**5)) @ V.T
    once = ng.NewtonSchulz(((6, 4),), iterations=1)(G.ravel()).reshape(6, 4)
    assert np.allclose(once, expected, rtol=1e-9, atol=1e-12)
    S = X @ X.T
    assert np.allclose(a * X + b * S @ X + fifth * S @ S @ X, once)


def test_five_iterations_of_the_quintic_end_in_the_band(least=0.6818, start="0.0052"):
    a, b, c = map(mpmath.mpf, ("3.4445", "-4.7750", "2.0315"))
    p = lambda s: a * s + b * s**3 + c * s**5
    low, high = sorted(mpmath.sqrt(r) for r in mpmath.polyroots([5 * c, 3 * b, a]))
    m = p(high)
    ell = mpmath.findroot(lambda s: p(s) - m, 0.2)
    M, top = p(m), p(low)
    assert abs(m - least) < 5e-5
    assert abs(M - 1.1344) < 5e-5
    assert abs(ell - 0.2107) < 5e-5
    assert 1.2023 < top < 1.2024
    assert m < p(1.2024) < M
    assert m / ell > 3.23
    assert p(p(p(mpmath.mpf(start)))) > ell
    fixed = sorted(mpmath.sqrt(r) for r in mpmath.polyroots([c, b, a - 1]))
    assert abs(fixed[0] - 0.8680) < 5e-5
    assert fixed[1] > 1.2024
    assert a + 3 * b * fixed[0] ** 2 + 5 * c * fixed[0] ** 4 < -1.5
    s = np.geomspace(float(start), 1, 200_001)
    for _ in range(5):
        s = sum(k * s**n for k, n in zip(QUINTIC, (1, 3, 5), strict=True))
    assert float(m) - 1e-9 <= float(s.min())
    assert float(s.max()) <= float(M) + 1e-9


def test_a_muon_step_is_nearly_steepest(share=0.6818, longest=1.1344):
    # Singular values at which the five iterations end at the ends of the band.
    grid = np.geomspace(0.0052, 0.3, 20_001)
    after = grid.copy()
    for _ in range(5):
        after = sum(k * after**n for k, n in zip(QUINTIC, (1, 3, 5), strict=True))
    rng = np.random.default_rng(14)
    for at, bound in ((after.argmin(), share), (after.argmax(), longest)):
        s = grid[at]
        filled = np.full(8, s)
        filled = np.append(filled, np.sqrt(1 - (filled**2).sum()))
        G = svd(rng, 12, 10, filled)[2]
        N = ng.NewtonSchulz(((12, 10),))(7e5 * G.ravel()).reshape(12, 10)
        assert np.linalg.norm(N, 2) <= longest + 5e-5
        assert (G * N).sum() >= share * np.linalg.norm(G, "nuc") - 5e-5
        if bound == longest:
            assert np.isclose(np.linalg.norm(N, 2), bound, atol=1e-4)
        else:
            values = np.linalg.svd(N, compute_uv=False)[:9]
            assert np.isclose(values.min(), bound, atol=1e-4)


# ---------------------------------------------------------------------------------- layers


def test_layers_may_have_units_of_their_own(power=1):
    rng = np.random.default_rng(15)
    s, cost, w0 = np.array([1e3, 1e3, 1e-4, 1e-4, 1e-4]), 1e7, rng.normal(size=5)
    root = rng.normal(size=(5, 5))
    H = root @ root.T

    def step(w, g, gamma=0.03):
        halves = slice(0, 2), slice(2, 5)
        norm = np.linalg.norm
        return np.concatenate([gamma * norm(w[h]) * g[h] / norm(g[h]) for h in halves])

    w, z = w0, w0 / s**power
    rule = ng.lars(0.03, beta=0.0, blocks=(2, 3))
    J = ng.Function(lambda w: 0.5 * (w * np.tensordot(H, w, 1)).sum(axis=0), dim=5)
    orbit = ng.descend(J, w0, rule, steps=20).w
    for t in range(20):
        assert np.allclose(orbit[t], w)
        w, z = w - step(w, H @ w), z - step(z, cost * s * (H @ (s * z)))
        assert np.allclose(s * z, w, rtol=1e-9)


def test_the_price_of_a_fraction_of_the_weights(rate=0.01):
    def orbit(w, steps, goal=5.0):
        seen = [w]
        for _ in range(steps):
            seen.append(seen[-1] - 0.01 * abs(seen[-1]) * np.sign(seen[-1] - goal))
        return np.array(seen)

    assert orbit(0.0, 100)[-1] == 0
    wrong = orbit(-1.0, 1000)
    assert np.allclose(wrong, -((1 - rate) ** np.arange(1001)), rtol=1e-9)
    right = orbit(0.001, 3000)
    crossed = int(np.ceil(np.log(5 / 0.001) / np.log(1 + rate)))
    assert np.all(right[:crossed] < 5)
    assert right[crossed] > 5
    assert np.all(np.abs(right[crossed:] - 5) <= rate * 5)
    assert orbit(1.0, 600, goal=7.0)[-1] > 6.9  # the same as from -1, moved by 2
    library = ng.descend(ng.functions.quadratic([1], minimiser=[5.0]), 0.001,
                         ng.lars(0.01, beta=0.0), steps=900).w[:, 0]  # fmt: skip
    assert np.allclose(library, right[:901])


# --------------------------------------------------------------------------------- exercises


def another_lp_step(g, p):
    """By the gradient of the dual norm, with logarithms."""
    g, q = np.array(g, dtype=float), p / (p - 1)
    with np.errstate(divide="ignore"):
        logs = np.log(np.abs(g))
    return -np.sign(g) * np.exp((q - 1) * (logs - np.logaddexp.reduce(q * logs) / q))


RIGHT = [
    (
        ch13.matrix,
        {
            "frobenius": [[-0.31622777, -0.15811388], [-0.15811388, -0.31622777]],
            "spectral": -np.eye(2) / 2, "nuclear": np.full((2, 2), -0.25),
            "entry": [[-0.5, -0.5], [-0.5, -0.5]],
        },
    ),
    (ch13.dial, another_lp_step),
    (
        ch13.debug,
        {"nuclear": -4.0, "spectral": -7.0, "length": 3.0, "ball": "Spectral", "converge": "False"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("exercise", "answer"), RIGHT, ids=lambda x: getattr(x, "name", ""))
def test_another_right_answer_is_right(exercise, answer):
    assert exercise.check(answer)
