"""The claims of chapter 14 and the right answers to its exercises."""

import json
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest

import normgd as ng
from normgd.exercises import ch14

DATA = Path(__file__).resolve().parent.parent / "book" / "data" / "u_curves.json"
STORED = json.loads(DATA.read_text(encoding="utf-8"))


def norm(v):
    return np.sqrt((v * v).sum())


def spread(rng, d):
    """A random symmetric matrix with eigenvalues between 0.1 and 20."""
    Q, _ = np.linalg.qr(rng.normal(size=(d, d)))
    return Q @ np.diag(10 ** rng.uniform(-1, 1.3, size=d)) @ Q.T


# -------------------------------------------------------------------------------- line search


def backtrack(J, w, g, first, c, tau):
    """Armijo's rule as it is written down: the size taken and the number of refusals."""
    a, refusals = first, 0
    while J(w - a * g) > J(w) - c * a * (g @ g):
        a, refusals = tau * a, refusals + 1
    return a, refusals


def test_backtracking_ends_and_its_size_is_bounded_below(factor=2.0):
    rng = np.random.default_rng(0)
    for _ in range(200):
        H, c, tau = spread(rng, 3), rng.uniform(0.05, 0.95), rng.uniform(0.1, 0.9)
        L, first = np.linalg.eigvalsh(H)[-1], 10 ** rng.uniform(-3, 3)
        w = rng.normal(size=3)
        a, refusals = backtrack(lambda w, H=H: w @ H @ w / 2, w, H @ w, first, c, tau)
        safe = factor * (1 - c) / L
        assert a >= min(first, tau * safe) * (1 - 1e-12)
        assert refusals <= max(0, np.ceil(np.log(first / safe) / np.log(1 / tau)))
    for c in (0.1, 0.5, 0.9):  # on a line the bound is approached: a little more is refused
        edge = 2 * (1 - c) / 7
        for first, most in ((0.999 * edge, 0), (1.001 * edge, 1)):
            one = np.array([1.0])
            a, refusals = backtrack(lambda x: 3.5 * x @ x, one, 7 * one, first, c, 0.5)
            assert refusals == most
            assert a >= min(first, 0.5 * factor * (1 - c) / 7) * (1 - 1e-12)


def test_what_a_line_search_promises_and_pays(growth=2.0):
    rng = np.random.default_rng(1)
    for _ in range(60):
        H, T = spread(rng, 3), 40
        L, w0 = np.linalg.eigvalsh(H)[-1], rng.normal(size=3)
        first, c = 10 ** rng.uniform(-4, 6), 0.5
        J = lambda w, H=H: w @ H @ w / 2
        w, size, total, slopes = w0, first, 0, []
        for t in range(T):
            g = H @ w
            size, refused = backtrack(J, w, g, growth * size if t else first, c, 0.5)
            w, total = w - size * g, total + refused
            slopes.append(norm(g))
        least = min(first, 2 * (1 - c) * 0.5 / L)
        assert min(slopes) ** 2 <= J(w0) / (c * least * T)
        assert J(w) <= norm(w0) ** 2 / (2 * least * T)
        assert np.isclose(total, T - 1 + np.log2(first / size), rtol=1e-9)


# --------------------------------------------------------------------------- measured curvature


def test_the_two_secant_steps(scale=1):
    rng = np.random.default_rng(2)
    for _ in range(100):
        H, w, alpha = spread(rng, 4), rng.normal(size=4), rng.uniform(0.01, 1)
        g = H @ w
        s = -alpha * g
        y = H @ (w + s) - g
        long, short = scale * (s @ s) / (s @ y), scale * (s @ y) / (y @ y)
        assert np.isclose(1 / long, np.linalg.lstsq(s[:, None], y, rcond=None)[0][0])
        assert np.isclose(short, np.linalg.lstsq(y[:, None], s, rcond=None)[0][0])
        low, *_, high = np.linalg.eigvalsh(H)
        assert (1 - 1e-9) / high <= short <= long <= (1 + 1e-9) / low
        along = lambda a, H=H, w=w, g=g: g @ (H @ (w - a * g))
        assert abs(along(long)) <= 1e-9 * g @ H @ g  # yesterday's exact line search
        taken = ng.descend(ng.Function(lambda w, H=H: w @ H @ w / 2, lambda w, H=H: H @ w), w,
                           ng.barzilai_borwein(alpha), 2)  # fmt: skip
        assert np.allclose(taken.step[1], long * (g + y))
    third = Fraction(1, 3)
    x = [Fraction(5), Fraction(5) - third * 7 * (5 - third)]  # J = 7 (x - 1/3)^2 / 2
    slopes = [7 * (p - third) for p in x]
    size = scale * (x[1] - x[0]) / (slopes[1] - slopes[0])
    assert x[1] - size * slopes[1] == third


# ------------------------------------------------------------------------ distances and gradients


def test_the_ideal_size(half=0.5):
    rng = np.random.default_rng(3)
    for _ in range(100):
        A, w, alpha, T = rng.normal(size=(5, 3)), rng.normal(size=3), rng.uniform(0.01, 1), 20
        R, gaps, squares = norm(w), [], []
        for _ in range(T):
            g = A.T @ np.sign(A @ w)
            gaps.append(abs(A @ w).sum())
            squares.append(g @ g)
            w = w - alpha * g
        total = sum(squares)
        bound = lambda a, R=R, total=total, T=T: half * (R**2 / a + a * total) / T
        assert np.mean(gaps) <= bound(alpha) * (1 + 1e-9)
        ideal = R / np.sqrt(total)
        assert bound(ideal) <= min(bound(f * ideal) for f in (0.9, 1.1))
        assert np.isclose(bound(ideal), 2 * half * R * np.sqrt(total) / T)
    R, G, T = 3.0, 2.0, 8  # equality: straight into the minimum of G |x|
    alpha = R / (G * T)
    mean = np.mean([G * (R - alpha * G * t) for t in range(T)])
    assert mean <= half * (R**2 / alpha + alpha * T * G**2) / T * (1 + 1e-12)


def test_dog_grows_like_the_exponential_of_a_root(constant=-1.8265078):
    k = np.arange(2, 100_001)
    logs = np.concatenate([[0.0], np.cumsum(np.log1p(k**-0.5))])
    for n in (1000, 100_000):
        error = logs[n - 1] - (2 * np.sqrt(n) - np.log(n) / 2 + constant)
        assert abs(error + 1 / (6 * np.sqrt(n))) < 1 / n
    slope = ng.Function(lambda w: -3 * w[0], lambda w: -3.0 + 0 * w, dim=1)
    path = ng.descend(slope, 0.0, ng.dog(r_eps=1e-9), 500)
    assert np.allclose(np.log(path.w[1:, 0] / 1e-9), logs[:500], rtol=1e-10)
    # The sum in the proof: directly to 100, beyond it by the series of the logarithm.
    head = sum(mpmath.log1p(j**-0.5) - j**-0.5 + 0.5 / j for j in range(1, 101))
    tail = sum((-1) ** (m + 1) / m * mpmath.zeta(m / 2, 101) for m in range(3, 40))
    exact = mpmath.zeta(0.5) - mpmath.euler / 2 + head + tail - mpmath.log(2)
    assert abs(exact - constant) < 1e-6


def test_dowg_grows_geometrically(ratio=1.8392867552):
    assert abs(ratio**3 - ratio**2 - ratio - 1) < 1e-8
    radii, radius, total = [1.0], 1.0, 0.0
    for _ in range(120):
        total += radius**2
        radii.append(radii[-1] + radius**2 / np.sqrt(total) if len(radii) > 1 else 1.0)
        radius = max(radius, radii[-1])
    assert abs(radii[-1] / radii[-2] - ratio) < 1e-8
    slope = ng.Function(lambda w: -3 * w[0], lambda w: -3.0 + 0 * w, dim=1)
    path = ng.descend(slope, 0.0, ng.dowg(r_eps=1e-9), 120)
    assert np.allclose(path.w[1:, 0] / 1e-9, radii[1:], rtol=1e-9)


def maximum_of_planes(rng):
    """A random convex function max_i <a_i, w - p> >= 0 with the minimiser p, and a start."""
    A = rng.normal(size=(8, 3))
    A = np.concatenate([A, -A[:4]])  # so that p is a minimiser
    return A, rng.normal(size=3), rng.normal(size=3)


def subgradient(A, p, w):
    return A[np.argmax(A @ (w - p))]


def test_convexity_bounds_the_distance_from_below(factor=1.0):
    rng = np.random.default_rng(4)
    for _ in range(300):
        A, p, w0 = maximum_of_planes(rng)
        w = np.concatenate([[w0], p + rng.normal(size=(6, 3)) * rng.uniform(0, 2)])
        g = np.array([subgradient(A, p, x) for x in w])
        weights = rng.exponential(size=7) ** 3
        s = weights @ g
        gained = factor * weights @ (g * (w0 - w)).sum(axis=1)
        assert gained <= norm(s) * norm(w0 - p) * (1 + 1e-12)
        assert gained <= abs(s).sum() * abs(w0 - p).max() * (1 + 1e-12)
    # Equality: J = |x - 1|, w_0 = 0, w_1 = 1, where -1 is a subgradient; no weight on w_0.
    assert factor * (-1.0) * (0.0 - 1.0) / abs(-1.0) <= 1.0


def test_the_estimates_never_exceed_the_distance(half=0.5):
    rng = np.random.default_rng(5)
    for _ in range(40):
        A, p, w0 = maximum_of_planes(rng)
        D, d, s = norm(w0 - p), 1e-6, np.zeros(3)
        v = q = direct = 0.0
        rule, memory, w = ng.dadapt(d0=d), ng.dadapt().start(), w0
        for t in range(60):
            g = subgradient(A, p, w)
            direct += d * g @ (w0 - w)
            q += d * d * g @ g / np.sqrt(v or g @ g)
            v += g @ g
            s = s + d * g
            estimate = half * (norm(s) / np.sqrt(v) - q / norm(s))
            assert estimate <= direct / norm(s) + 1e-9 * d
            assert direct / norm(s) <= D * (1 + 1e-12)
            d = max(d, estimate)
            _, memory = rule.step(g, memory, t, w)
            assert np.isclose(memory[0], d, rtol=1e-9)
            w = w0 - s / np.sqrt(v)
        J = ng.Function(
            lambda w, A=A, p=p: (A @ (w - p)).max(), lambda w, A=A, p=p: subgradient(A, p, w)
        )
        rule, memory, w = ng.prodigy(d0=1e-6), ng.prodigy().start(), w0
        for t in range(60):
            step, memory = rule.step(J.grad(w), memory, t, w, J)
            assert memory[0] <= abs(w0 - p).max() * (1 + 1e-12)
            w = w - step


def test_the_first_step_of_a_seed_is_the_students(multiple=1.0):
    rng = np.random.default_rng(6)
    for rule in (ng.dog, ng.dowg, ng.dadapt):
        for _ in range(20):
            g, seed = rng.normal(size=4) * 10 ** rng.uniform(-8, 8), 10 ** rng.uniform(-8, 8)
            named = {"d0": seed} if rule is ng.dadapt else {"r_eps": seed}
            made = rule(**named)
            step, _ = made.step(g, made.start(), 0, np.zeros(4))
            assert np.allclose(step, multiple * seed * g / norm(g), rtol=1e-12, atol=0)
    # Without rotations there are others: Prodigy's first step goes along the signs.
    rule = ng.prodigy(d0=0.5, eps=0.0)
    step, _ = rule.step(np.array([3.0, -1e-3]), rule.start(), 0, np.zeros(2))
    assert np.allclose(step, [0.5, -0.5], rtol=1e-12)


# ----------------------------------------------------------------------------- the stored curves

QUIET = [name for name in STORED["curves"] if "noisy" not in name and "," not in name]
CONVEX = [name for name in QUIET if name not in {"rosenbrock", "cliff"}]


def ends(problem, label, iterate="last"):
    return STORED["curves"][problem][label][iterate]


def decades(problem, label, iterate="last"):
    return sum(x <= -2 for x in ends(problem, label, iterate)) / STORED["a_decade"]


def test_what_the_text_says_of_the_stored_curves():
    everywhere = 14.25
    assert len(QUIET) == 6
    searched = {name: decades(name, "line_search") for name in STORED["curves"]}
    assert [name for name in QUIET if searched[name] == everywhere] == CONVEX
    assert searched["rosenbrock"] == everywhere - 0.5
    assert searched["noisy regression"] == 8.25
    near = ends("noisy regression", "line_search")
    assert min(near) == -2.6
    assert max(near) < -1
    assert searched["noisy logistic"] == 0
    assert min(ends("noisy logistic", "line_search")) == 3  # for every seed
    for label in ("ngd", "ngd 1/sqrt", "ngd cosine", "sign cosine"):
        assert 10 ** min(ends("noisy logistic", label)) > 1 / 4
    assert decades("bowl", "ngd") == decades("bowl", "gd") == 2
    told = ("gd", "momentum", "ngd", "sign", "ada", "rmsprop")
    wide = [
        label
        for label in STORED["rules"]
        if label.startswith(told) and all(decades(name, label) >= 4 for name in QUIET)
    ]
    assert wide == ["ngd cosine"]
    for label in ("dog", "dowg", "dadapt", "prodigy cosine"):
        assert min(decades(name, label) for name in CONVEX) > 8
    most = {label: decades("noisy logistic", label) for label in STORED["rules"]}
    assert [label for label, n in most.items() if n > 1.5] == ["prodigy cosine"]
    thousandths = STORED["knobs"].index(1e-3)
    assert ends("bowl", "adagrad_norm")[thousandths] == 0
    assert ends("bowl", "prodigy cosine")[STORED["knobs"].index(1e-9)] == -12


def test_the_best_iterates_of_rules_that_rattle_are_much_better():
    assert decades("noisy logistic", "dowg") == 0
    assert decades("noisy logistic", "dowg", "best") > 10
    for label in ("gd", "ngd", "ngd cosine", "adagrad", "adagrad_norm", "adam cosine", "dadapt"):
        for name in STORED["curves"]:
            assert decades(name, label, "best") < decades(name, label) + 2


# ---------------------------------------------------------------------------------- exercises


def by_dot_products(w, g):
    return sum(a @ (w[0] - b) for a, b in zip(g, w, strict=True)) / np.linalg.norm(sum(g))


RIGHT = [
    (ch14.hand, {"long": Fraction(13, 25), "short": Fraction(25, 73), "w2": (1.44, 1.08)}),
    (ch14.bound, by_dot_products),
    (ch14.debug, {"m": 4e-6, "nm": 1e-15 * (1 + 3e9), "km": 1e-3 * (1 + 3e-3)}),
]


@pytest.mark.parametrize(("exercise", "answer"), RIGHT)
def test_another_right_form_is_right(exercise, answer):
    assert exercise.check(answer)
