"""Chapter 11: what a fading memory forgets, where RMSProp ends, and Adadelta's two constants."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from scipy import optimize

import normgd as ng
from normgd.exercises import ch11

# Independent of the library: each rule in plain floats or fractions, one coordinate.


def rmsprop(gradients, rho, eta=1.0, v=0.0):
    """Return the steps that answer these gradients (eps = 0)."""
    steps = []
    for g in gradients:
        v = rho * v + (1 - rho) * g * g
        steps.append(eta * g / math.sqrt(v))
    return steps


def on_a_parabola(x, curvature, eta, rho, eps, steps, v=0.0):
    path = [x]
    for _ in range(steps):
        g = curvature * x
        v = rho * v + (1 - rho) * g * g
        x -= eta * g / (math.sqrt(v) + eps)
        path.append(x)
    return path


def adadelta(slope, x, steps, rho=0.95, eps_w=1e-6, eps_g=1e-6):
    path, v, u = [x], 0.0, 0.0
    for _ in range(steps):
        g = slope(x)
        v = rho * v + (1 - rho) * g * g
        step = math.sqrt((u + eps_w) / (v + eps_g)) * g
        u = rho * u + (1 - rho) * step * step
        x -= step
        path.append(x)
    return path


def half_life(rho):
    return math.log(2) / -math.log(rho)


# --- memory -------------------------------------------------------------------------------


def test_the_weights_of_a_running_average(age="rho/(1 - rho)", half=Fraction(1, 2)):
    for rho in (Fraction(1, 2), Fraction(9, 10), Fraction(99, 100)):
        v, weights = Fraction(0), [(1 - rho) * rho**k for k in range(30)]
        for t in range(30):  # the numbers 7^t: each has a place of its own in the sum
            v = rho * v + (1 - rho) * 7**t
            assert v == sum(w * 7 ** (t - k) for k, w in enumerate(weights[: t + 1]))
            assert sum(weights[: t + 1]) == 1 - rho ** (t + 1)
        k = sp.Symbol("k")
        r = sp.Rational(rho.numerator, rho.denominator)
        mean = sp.summation(k * (1 - r) * r**k, (k, 0, sp.oo))
        assert mean == sp.sympify(age, {"rho": r})
        h = optimize.brentq(lambda k, rho=rho: float(rho) ** k - half, 0, 200, xtol=1e-12)
        assert h == pytest.approx(half_life(float(rho)), rel=1e-9)
        assert rho * math.log(2) <= h * (1 - rho) <= math.log(2) + 1e-12


def test_no_step_of_rmsprop_is_longer_than_its_bound(root=0.5, mean=1.0):
    rng = np.random.default_rng(0)
    for rho in (0.2, 0.9, 0.99):
        longest = (1 - rho) ** -root
        for spread in (0.0, 1.0, 3.0):
            gradients = 10 ** rng.uniform(-spread, spread, 400) * rng.choice([-1, 1], 400)
            steps = np.array(rmsprop(gradients, rho))
            assert abs(steps).max() <= longest * (1 + 1e-12)
            assert abs(steps[0]) == pytest.approx(longest)
            v = (gradients / steps) ** 2
            bound = (mean - rho * (v[0] / v[-1]) ** (1 / 399)) / (1 - rho)
            assert np.mean(steps[1:] ** 2) <= bound * (1 + 1e-12)
        late = rmsprop([0.0] * 5 + [3.0], rho, v=1e-300)[-1]  # after silence, the longest again
        assert late == pytest.approx(longest)
        t = np.arange(200)
        constant = np.array(rmsprop(np.full(200, 7.0), rho))
        assert constant == pytest.approx((1 - rho ** (t + 1)) ** -root)
        growing = np.array(rmsprop(1.5 ** np.arange(200), rho, v=0.0))
        ratio = 1.5**-2  # v grows by the same factor in the end: the bound is attained
        assert growing[-1] ** 2 == pytest.approx((mean - rho * ratio) / (1 - rho), rel=1e-6)


def test_a_first_gradient_is_forgotten_in_half_lives(two=2.0):
    for rho in (0.3, 0.9, 0.99):
        h = half_life(rho)
        for M in (0.01, 1.0, 30.0, 1e5):
            T = round(60 * h)
            steps = rmsprop([M] + [1.0] * T, rho)
            m = M * math.sqrt(1 - rho)
            t = np.arange(1, T + 1)
            assert steps[0] == pytest.approx((1 - rho) ** -0.5)
            assert steps[1:] == pytest.approx((1 + (m * m - 1) * rho**t) ** -0.5)
            late = T - sum(steps[1:])
            y = math.sqrt(1 - rho + rho * m * m)
            ends = sorted(two * h * math.log2((1 + end) / 2) for end in (y, m))
            assert ends[0] - 1e-6 <= late <= ends[1] + 1e-6


# --- for ever after -----------------------------------------------------------------------


def test_where_rmsprop_ends_on_a_parabola(amplitude="eta/2 - eps/curvature", edge=2.0):
    for curvature, eta, rho, eps in (
        (1.0, 0.3, 0.9, 0.0),
        (50.0, 0.02, 0.5, 0.1),
        (0.2, 1.7, 0.03, 0.01),
        (3.0, 0.3, 0.97, 0.2),
    ):
        numbers = {"eta": eta, "eps": eps, "curvature": curvature}
        a = float(sp.sympify(amplitude, numbers))
        for start in (1.2 * a, -30.1 * a, 0.011 * a):
            path = on_a_parabola(start, curvature, eta, rho, eps, 4000)
            assert np.abs(path[-2:]) == pytest.approx(a, rel=1e-6)
            assert path[-1] * path[-2] < 0
        # At the edge it still lands, a little beyond it does not.
        eps = eta * curvature / edge
        assert abs(on_a_parabola(a, curvature, eta, rho, eps * 1.02, 4000)[-1]) < 1e-6 * a
        kept = abs(on_a_parabola(1e-3 * a, curvature, eta, rho, eps * 0.98, 4000)[-1])
        assert kept == pytest.approx(0.01 * eta, rel=1e-3)


def test_the_multipliers_of_the_cycle(product="rho", total="1 + rho - 2*b*(1 - rho)"):
    x, v, rho, eta, curvature, eps = sp.symbols("x v rho eta curvature eps", positive=True)
    after = rho * v + (1 - rho) * curvature**2 * x**2
    reflected = x * (eta * curvature / (sp.sqrt(after) + eps) - 1)
    a = eta / 2 - eps / curvature
    jacobian = sp.Matrix([reflected, after]).jacobian([x, v])
    for numbers in ((0.9, 0.3, 1.0, 0.0), (0.05, 2.0, 7.0, 0.3), (0.6, 1.0, 3.0, 1.2)):
        values = dict(zip((rho, eta, curvature, eps), numbers, strict=True))
        here = {x: a.subs(values), v: (curvature * a).subs(values) ** 2}
        M = np.array(jacobian.subs(values).subs(here), dtype=float)
        b = 1 - 2 * numbers[3] / (numbers[1] * numbers[2])
        told = {"rho": numbers[0], "b": b}
        assert np.linalg.det(M) == pytest.approx(float(sp.sympify(product, told)))
        assert np.trace(M) == pytest.approx(float(sp.sympify(total, told)))
        assert max(abs(np.linalg.eigvals(M))) < 1


def test_there_is_no_other_two_cycle(power=4):
    # With r = |x'|/|x|, a two-cycle needs v'/v = (r^2 + rho)/(1 + rho r^2) and, for eps = 0, = r^2.
    r, rho = sp.symbols("r rho", positive=True)
    equation = sp.numer(sp.together((r**2 + rho) / (1 + rho * r**2) - r**2))
    assert sp.expand(equation - rho * (1 - r**power)) == 0
    assert sp.solve(equation, r) == [1]


def test_cycles_sit_at_corners_on_every_bowl(half=0.5, eigenvalue=2.0):
    rng = np.random.default_rng(2)
    for d in (2, 3, 6):
        A = rng.normal(size=(d, d))
        H = A @ A.T + 0.1 * np.eye(d)
        signs = np.array(np.meshgrid(*[[-1, 1]] * d)).reshape(d, -1)
        values = np.einsum("ik,ij,jk->k", signs, H, signs)
        s = signs[:, values.argmax()]
        assert np.all(s * (H @ s) >= np.diag(H) - 1e-9)
        assert values.max() >= np.trace(H)
        assert values.mean() == pytest.approx(np.trace(H))
        eta, rho = 0.7, 0.8
        w = half * eta * s
        v = (eta / 2 * (H @ s)) ** 2
        for _ in range(6):
            g = H @ w
            v = rho * v + (1 - rho) * g**2
            w = w - eta * g / np.sqrt(v)
        assert w == pytest.approx(half * eta * s, rel=1e-6)
        rates = eta / np.sqrt(v)
        assert rates * (H @ s) == pytest.approx(eigenvalue * s, rel=1e-6)


def test_corners_attract_up_to_an_eigenvalue_of_one_plus_one_over_rho(one=1.0):
    # H = 1 + c on the diagonal less c everywhere: at the corner (1, 1, -1) D H has 2 (1 + c).
    rng = np.random.default_rng(7)
    s, eta = np.array([1.0, 1.0, -1.0]), 0.7
    for c in (0.2, 0.4):
        H = (1 + c) * np.eye(3) - c
        top = max(np.linalg.eigvals(np.diag(2 / abs(H @ s)) @ H).real)
        assert top == pytest.approx(2 * (1 + c))
        edge = 1 / (top - one)  # where 1 + 1/rho is the eigenvalue
        for rho, attracts in ((edge - 0.01, True), (edge + 0.01, False)):
            w, v = eta / 2 * s * (1 + 1e-6 * rng.normal(size=3)), (eta / 2 * (H @ s)) ** 2
            for _ in range(3000):
                g = H @ w
                v = rho * v + (1 - rho) * g**2
                w = w - eta * g / np.sqrt(v)
            off = max(abs(abs(w) - eta / 2))
            assert off < 1e-9 if attracts else off > 1e-3
    # In the plane the worst corner attracts whatever rho is.
    for _ in range(200):
        A = rng.normal(size=(2, 2))
        H = A @ A.T + 1e-3 * np.eye(2)
        s = np.array([1.0, 1.0 if H[0, 1] >= 0 else -1.0])
        assert max(np.linalg.eigvals(np.diag(2 / abs(H @ s)) @ H).real) <= 2 + 1e-9


def test_a_rare_gradient_is_outvoted(two=2.0, extra=0.5):
    def period(C, n, rho):
        rounds = round(60 * half_life(rho) / n) + 2
        return -sum(rmsprop(([C] + [-1.0] * (n - 1)) * rounds, rho)[-n:])

    for rho in (0.5, 0.9, 0.97):
        h = half_life(rho)
        for n, C in ((2, 5.0), (9, 9.0), (40, 60.0), (90, 1e4)):
            V = (rho - rho**n + (1 - rho) * C * C) / (1 - rho**n)
            small = sum((1 + (V - 1) * rho**k) ** -0.5 for k in range(1, n))
            net = period(C, n, rho)
            assert net == pytest.approx(small - C / math.sqrt(V), rel=1e-9)
            least = n - 1 - two * h * math.log2((1 + math.sqrt(V)) / 2) - (1 - rho) ** -extra
            assert net > least
    # For a huge C the sufficient condition is nearly necessary: too small a constant promises.
    rho, n, C = 0.5, 60, 2.0**25
    V = (rho - rho**n + (1 - rho) * C * C) / (1 - rho**n)
    least = n - 1 - two * half_life(rho) * math.log2((1 + math.sqrt(V)) / 2) - (1 - rho) ** -extra
    assert least < period(C, n, rho) < least + 1


# --- Adadelta -----------------------------------------------------------------------------


def test_adadelta_in_other_units(above=-2, below=2):
    slope = lambda x: x + 0.3 * math.sin(3 * x)
    mine = adadelta(slope, 2.0, 300, 0.9, 1e-3, 1e-2)
    for c, sigma in ((100.0, 1.0), (1.0, 0.01), (0.3, 7.0)):
        theirs = adadelta(
            lambda z, c=c, s=sigma: c * s * slope(s * z),
            2.0 / sigma, 300, 0.9, 1e-3 * sigma**above, 1e-2 * (c * sigma) ** below,
        )  # fmt: skip
        assert sigma * np.array(theirs[:60]) == pytest.approx(mine[:60], rel=1e-6)


def test_adadelta_under_a_constant_gradient(power=1, two_thirds=2 / 3):
    for rho, eps, g in ((0.95, 1e-6, 1.0), (0.5, 1e-3, -40.0), (0.99, 1e-8, 1e-5)):
        path = adadelta(lambda x, g=g: g, 0.0, 400, rho, eps, 0.0)
        squares = np.diff(path) ** 2
        full = np.array([1 - rho ** (k + 1) for k in range(400)])
        growth = np.append(0, np.cumsum(1 / full[1:]))
        exact = eps * ((1 - rho) ** -1.0 + (1 - rho) ** power * growth)
        assert squares == pytest.approx(exact, rel=1e-9)
    T, rho, eps = 100_000, 0.5, 1e-4
    far = -adadelta(lambda x: 1.0, 0.0, T, rho, eps, 0.0)[-1]
    assert far / T**1.5 == pytest.approx(two_thirds * math.sqrt((1 - rho) * eps), rel=1e-2)
    assert adadelta(lambda x: x, 3.0, 50, eps_w=0.0)[-1] == 3.0


def test_adadelta_grows_until_it_is_gradient_descent(power=0.5):
    for eps_w, eps_g, g in ((1e-2, 1e-2, 0.7), (1e-4, 1e-2, 0.3)):
        path = adadelta(lambda x, g=g: g, 0.0, 3000, 0.8, eps_w, eps_g)
        steps = -np.diff(path)
        assert steps[0] == pytest.approx(math.sqrt(eps_w) * g / math.sqrt(0.2 * g * g + eps_g))
        assert steps[-1] == pytest.approx((eps_w / eps_g) ** power * g, rel=1e-3)
        assert all(a <= b * (1 + 1e-12) for a, b in pairwise(steps))


def test_adadelta_lands_below_its_edge_only(edge=2.0):
    for eps_w, eps_g, rho in ((1e-4, 1e-4, 0.9), (1e-4, 4e-2, 0.5), (1e-3, 1e-5, 0.95)):
        edge_here = edge * math.sqrt(eps_g / eps_w)
        for share, lands in ((0.97, True), (1.03, False)):
            curvature = share * edge_here
            start = 0.01 * math.sqrt(eps_w)
            path = adadelta(lambda x, q=curvature: q * x, start, 3000, rho, eps_w, eps_g)
            assert (abs(path[-1]) < 1e-3 * start) == lands
            assert lands or abs(path[-1]) > 2 * start
    # On the edge every amplitude is a cycle.
    for a in (0.003, 0.7, 20.0):
        u, v, curvature = 4 * a * a, (edge * a) ** 2, edge
        step = math.sqrt((u + 1e-3) / (v + 1e-3)) * curvature * a
        assert step == pytest.approx(2 * a, rel=1e-12)


def test_above_its_edge_adadelta_swings_ever_wider(quarter=0.25):
    # To leading order: the claim is a rate, measured between two late steps.
    for curvature in (2.3, 5.0, 100.0):
        path = np.abs(adadelta(lambda x, q=curvature: q * x, 0.3, 9000, 0.9, 1e-3, 1e-3))
        swing = (path[1:] + path[:-1]) / 2
        growth = (swing[-1] ** 2 - swing[-5001] ** 2) / 5000
        assert growth == pytest.approx(1e-3 * (quarter - 1 / curvature**2), rel=0.01)


# --- exercises ----------------------------------------------------------------------------


class InOneRoot(ng.Rule):
    rho: float = 0.8
    eps_w: float = 0.01
    eps_g: float = 0.5

    def __call__(self, g, v, u):
        v = v + (1 - self.rho) * (g * g - v)
        step = np.sqrt(u + self.eps_w) * g / np.sqrt(v + self.eps_g)
        return step, v, u + (1 - self.rho) * (step * step - u)


RIGHT = [
    (ch11.hand, np.array(rmsprop([2.0, 0.0, 2.0], 0.75))),
    (ch11.hand, (2, 0, 8 / 5)),
    (ch11.split, InOneRoot()),
    (ch11.debug, [1.0, 6.5788, 68.968]),
    (ch11.debug, [half_life(rho) for rho in (0.5, 0.9, 0.99)]),
]


@pytest.mark.parametrize(("exercise", "answer"), RIGHT)
def test_right_answers_pass_in_other_forms(exercise, answer):
    assert exercise.check(answer), exercise.check(answer)
