"""The claims of chapter 5, each with the constant that a wrong value must break."""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import quad, solve_ivp

import normgd as ng
from normgd.exercises import ch05
from normgd.functions import quadratic


def unit(v):
    """The direction of one vector of moderate size, apart from the library's."""
    v = np.asarray(v, dtype=float)
    return v / np.sqrt(v @ v)


def random_bowl(rng, eigenvalues):
    """A symmetric matrix with these eigenvalues, and its eigenvectors in columns."""
    Q, _ = np.linalg.qr(rng.normal(size=(len(eigenvalues),) * 2))
    return Q * eigenvalues @ Q.T, Q


# --- the limit as a function of the point -------------------------------------------------


def test_along_a_ray_the_limit_is_the_direction_of_H_v(opposite=-1, inverse=True):
    x, y, t = sp.symbols("x y t", positive=True)
    J = 3 * x**2 + 2 * x * y + y**2 + x**3 - 5 * y**4 + x * y**2
    gradient, H = sp.Matrix([J]).jacobian([x, y]), sp.hessian(J, (x, y)).subs({x: 0, y: 0})

    def limit(v):
        g = gradient.subs({x: t * v[0], y: t * v[1]}, simultaneous=True) / t
        g = sp.Matrix([sp.limit(sp.expand(part), t, 0) for part in g])
        return g / g.norm()

    for v in ((1, 0), (0, 1), (2, -3), (-1, -1)):
        expected = H * sp.Matrix(v) / (H * sp.Matrix(v)).norm()
        assert sp.simplify(limit(v) - expected) == sp.zeros(2, 1)
        other = limit((-v[0], -v[1]))
        assert sp.simplify(other - opposite * expected) == sp.zeros(2, 1)
    # One ray for each limit.
    for p in ((1, 0), (3, 4), (-2, 1)):
        v = H.solve(sp.Matrix(p)) if inverse else H * sp.Matrix(p)
        assert sp.simplify(limit(tuple(v)) - sp.Matrix(p) / sp.Matrix(p).norm()) == sp.zeros(2, 1)


def test_directions_cluster_at_the_curved_axis(degrees=5.0):
    theta = (np.arange(200_000) + 0.5) * 2 * np.pi / 200_000
    for kappa in (1, 10, 100, 2508):
        phi = np.arctan2(kappa * np.sin(theta), np.cos(theta))
        near = np.mean(abs(np.sin(phi)) > np.cos(np.radians(5.0)))
        share = 1 - 2 / np.pi * np.arctan(np.tan(np.radians(90 - degrees)) / kappa)
        assert near == pytest.approx(share, abs=2e-5)


def agreement(J, d):
    """The largest cosine between the mean of u round 0 and its farthest value, at radius 1e-6."""
    rng = np.random.default_rng(0)
    v = rng.normal(size=(d, 2000))
    v /= np.sqrt((v * v).sum(axis=0))
    u = ng.unit(ng.Function(J, dim=d).grad(1e-6 * v))
    u = u[:, (u != 0).any(axis=0)]
    return (u.T @ unit(u.mean(axis=1))).min()


def test_no_limit_at_a_strict_minimum(limit_at=("x^3", "(x + y)^3 + x^5")):
    functions = {
        "x^2": (lambda w: w[0] ** 2, 1),
        "x^4": (lambda w: w[0] ** 4, 1),
        "-x^2": (lambda w: -(w[0] ** 2), 1),
        "x^4 (2 + cos(1/x))": (lambda w: w[0] ** 4 * (2 + ng.ops.cos(1 / w[0])), 1),
        "x^3": (lambda w: w[0] ** 3, 1),
        "bowl": (lambda w: w[0] ** 2 + w[0] * w[1] + w[1] ** 2, 2),
        "x^2 + y^4": (lambda w: w[0] ** 2 + w[1] ** 4, 2),
        "|w|^4": (lambda w: (w[0] ** 2 + w[1] ** 2) ** 2, 2),
        "(x + y)^3 + x^5": (lambda w: (w[0] + w[1]) ** 3 + w[0] ** 5, 2),
    }
    settled = tuple(name for name, (J, d) in functions.items() if agreement(J, d) > 0.99)
    assert settled == tuple(limit_at)


def test_each_hypothesis_on_the_minimum_is_needed(u_of_companions=1.0):
    # Minima, and yet the direction is the same wherever there is one.
    x = np.linspace(-1, 1, 2001)
    jumping = np.where(x == 0, -1.0, x)
    assert np.all(jumping >= jumping[1000])
    assert np.all(np.delete(np.diff(jumping), [999, 1000]) > 0)  # u = 1 on both sides
    ramp = ng.Function(lambda w: ng.ops.maximum(0.0, w[0]) ** 2 / 2, dim=1)
    u = ng.unit(ramp.grad(x[None]))[0]
    assert np.all(u[x > 0] == u_of_companions)
    assert np.all(u[x <= 0] == 0)
    assert ramp([0.0]) == ramp.value(x[None]).min()


def test_flat_minimum_shows_other_directions_on_curves(power=3):
    x, y, c = sp.symbols("x y c", real=True)
    J = x**2 + y**4
    g = sp.Matrix([sp.diff(J, x), sp.diff(J, y)])
    on_curve = g.subs(x, c * y**power) / (2 * y**3)
    assert sp.simplify(on_curve - sp.Matrix([c, 2])) == sp.zeros(2, 1)
    t = sp.Symbol("t", positive=True)
    for v in ((1, 7), (-2, 100), (3, 0)):
        along = g.subs({x: t * v[0], y: t * v[1]}, simultaneous=True) / t
        assert along.subs(t, 0)[1] == 0
        assert sp.sign(along.subs(t, 0)[0]) == sp.sign(v[0])


# --- the limit along a path ---------------------------------------------------------------


def directions(H, start, alpha, steps):
    """Exact-factor gradient descent: u_t for t < steps by the eigenvectors, no iteration."""
    values, vectors = np.linalg.eigh(H)
    c = vectors.T @ start
    t = np.arange(steps)[:, None]
    q = 1 - alpha * values
    g = values * c * (q / abs(q).max()) ** t
    return np.array([unit(vectors @ row) for row in g])


def test_gradient_descent_ends_along_the_flattest_direction(edge=2.0, share=0.99):
    rng = np.random.default_rng(1)
    for values in ([1.0, 10.0], [0.5, 2.0, 7.0], [1.0, 1.5, 3.0, 3.0]):
        H, Q = random_bowl(rng, np.array(values))
        mu, L, start = values[0], values[-1], rng.normal(size=len(values))
        alpha = share * edge / (L + mu)
        u = directions(H, start, alpha, 4000)
        expected = np.sign(Q[:, 0] @ start) * Q[:, 0]
        assert np.allclose(u[-2:], expected, atol=1e-6)
        path = ng.descend(ng.Function(lambda w, H=H: w @ H @ w / 2, grad=lambda w, H=H: H @ w,
                                      dim=len(values)), start, ng.gd(alpha), steps=200)  # fmt: skip
        assert np.allclose(ng.unit(path.g.T).T, u[:201], atol=1e-6)


def test_beyond_the_tie_the_direction_alternates(edge=2.0):
    rng = np.random.default_rng(2)
    for values in ([1.0, 10.0], [0.5, 2.0, 7.0], [1.0, 1.5, 3.0, 3.0]):
        H, Q = random_bowl(rng, np.array(values))
        mu, L, start = values[0], values[-1], rng.normal(size=len(values))
        top = Q[:, np.array(values) == L]
        p, v = top @ (top.T @ start), Q[:, 0]
        u = directions(H, start, 1.01 * edge / (L + mu), 4001)
        assert np.allclose(u[-1], unit(p), atol=1e-6)
        assert np.allclose(u[-2], -unit(p), atol=1e-6)
        even, odd = (unit(mu * (v @ start) * v + sign * L * p) for sign in (1, -1))
        u = directions(H, start, edge / (L + mu), 4001)
        assert np.allclose(u[-1], even, atol=1e-6)
        assert np.allclose(u[-2], odd, atol=1e-6)


def test_the_gradient_flow_ends_along_the_flattest_direction(winner=0):
    rng = np.random.default_rng(3)
    H, Q = random_bowl(rng, np.array([0.5, 2.0, 7.0]))
    start = rng.normal(size=3)
    flow = solve_ivp(lambda _, w: -H @ w, (0, 8), start, rtol=1e-11, atol=1e-14)
    v = np.sign(Q[:, winner] @ start) * Q[:, winner]
    assert unit(H @ flow.y[:, -1]) @ v > 1 - 1e-6


def test_a_direction_that_settles_runs_away(speed=1.0):
    eta, t = 0.3, np.arange(1, 200_001)
    angle = 2.0 + 1 / np.sqrt(t)  # a direction that converges, slowly
    w = -eta * np.cumsum([np.cos(angle), np.sin(angle)], axis=1)
    assert np.hypot(*w[:, -1]) / t[-1] == pytest.approx(speed * eta, rel=1e-3)
    # And the unit step on a bowl, which stays, does not settle.
    path = ng.descend(quadratic([1, 3, 10]), (2.3, 1.1, 0.7), ng.ngd(eta), steps=3000)
    u = ng.unit(path.g.T)
    assert path.distance[-1000:].max() < 2 * eta
    assert np.sqrt(((u[:, -1] - u[:, -2]) ** 2).sum()) > 1


# --- the value at 0, and other functions ---------------------------------------------------


def test_subgradients_of_the_norm_at_0_are_the_unit_ball(radius=1.0):
    rng = np.random.default_rng(4)
    y = rng.normal(size=(3, 2000)) * 10.0 ** rng.uniform(-3, 3, size=2000)
    lengths = np.sqrt((y * y).sum(axis=0))
    for p in rng.normal(size=(20, 3)):
        inside, outside = 0.999 * radius * unit(p), 1.001 * radius * unit(p)
        tries = np.column_stack([y, p, -p])
        norms = np.append(lengths, [np.sqrt(p @ p)] * 2)
        assert np.all(norms >= inside @ tries)
        assert np.any(norms < outside @ tries)
    # Elsewhere the direction is one, and a slightly different slope is none.
    for w in rng.normal(size=(20, 3)):
        near = w[:, None] + 1e-4 * rng.normal(size=(3, 500))
        for p, one in ((radius * unit(w), True), (0.99 * radius * unit(w), False)):
            rise = np.sqrt((near * near).sum(axis=0)) - np.sqrt(w @ w)
            assert np.all(rise >= p @ (near - w[:, None]) - 1e-12) == one


def test_unit_of_0_is_0(value=0.0):
    for d in (1, 2, 7):
        zero = ng.unit(np.zeros(d))
        assert np.array_equal(zero, np.full(d, value))
        assert np.array_equal(zero, -ng.unit(-np.zeros(d)))


def test_on_a_line_it_is_the_subgradient_method(at_zero=0):
    """In fractions, with a landing: |x - x*| by its subgradient, J by its slope."""
    eta, goal = Fraction(1, 3), Fraction(2, 7)
    for start in (goal + Fraction(17, 10), goal - 4 * eta):

        def subgradient(x):
            return at_zero if x == goal else (1 if x > goal else -1)

        x = y = start
        for _ in range(12):
            slope = 4 * (y - goal) ** 3
            x, y = x - eta * subgradient(x), y - (eta * slope / abs(slope) if slope else 0)
            assert x == y


def test_curl_of_the_unit_field(power="3/2"):
    x, y = sp.symbols("x y", positive=True)
    k = sp.Symbol("k", positive=True)
    J = (x**2 + k * y**2) / 2
    g = sp.Matrix([sp.diff(J, x), sp.diff(J, y)])
    u = g / sp.sqrt(g.dot(g))
    curl = sp.diff(u[1], x) - sp.diff(u[0], y)
    assert sp.simplify(curl - k * (k - 1) * x * y / (x**2 + k**2 * y**2) ** sp.Rational(power)) == 0


def test_u_is_a_gradient_where_the_slope_is_a_function_of_the_height(gradients=("a", "b", "c")):
    """The curl and the Jacobian of (J, rho) vanish together."""
    x, y = sp.symbols("x y", positive=True)
    functions = {
        "a": (x**2 + y**2) ** 3,
        "b": sp.exp(3 * x + 4 * y),
        "c": sp.sqrt((x - 1) ** 2 + (y + 2) ** 2) + 7,
        "d": x**2 + 3 * y**2,
        "e": x * y,
        "f": x**2 + y**4,
    }
    found = []
    for name, J in functions.items():
        g = sp.Matrix([sp.diff(J, x), sp.diff(J, y)])
        rho = sp.sqrt(g.dot(g))
        curl = sp.diff(g[1] / rho, x) - sp.diff(g[0] / rho, y)
        dependent = sp.diff(J, x) * sp.diff(rho, y) - sp.diff(J, y) * sp.diff(rho, x)
        at = {x: sp.Rational(7, 5), y: sp.Rational(3, 5)}
        zero = [abs(sp.N(f.subs(at))) < 1e-12 for f in (curl, dependent)]
        assert zero[0] == zero[1]
        if zero[0]:
            found.append(name)
    assert tuple(found) == tuple(gradients)


def test_only_round_bowls_have_a_unit_gradient(round_one=1.0):
    """|curl| over a ring: 0 for the circle alone among the ellipses and the p-norms."""
    angle = np.linspace(0.1, 1.4, 50)
    w, h = 0.01 * np.array([np.cos(angle), np.sin(angle)]), 1e-6

    def curl(J):
        def u(w):
            return ng.unit(ng.Function(J, dim=2).grad(w))

        dx, dy = np.array([[h], [0]]), np.array([[0], [h]])
        return abs(u(w + dx)[1] - u(w - dx)[1] - u(w + dy)[0] + u(w - dy)[0]).max() / (2 * h)

    for kappa in (0.9, 1.0, 1.1, 10.0):
        flat = curl(lambda w, k=kappa: w[0] ** 2 + k * w[1] ** 2) < 1e-3
        assert flat == (kappa == round_one)
    assert curl(lambda w: (w[0] ** 2 + w[1] ** 2) ** 2) < 1e-3
    assert curl(lambda w: w[0] ** 4 + w[1] ** 4) > 1


# --- flows ----------------------------------------------------------------------------------


def test_both_flows_draw_the_same_curve(speed=1.0):
    def g(w):
        return np.array([w[0] + 0.3 * np.cos(w[1]), 4 * w[1] - 0.3 * w[0] * np.sin(w[1])])

    def fast(_, z):
        return [*-g(z[:2]), np.hypot(*g(z[:2]))]

    plain = solve_ivp(fast, (0, 0.8), [1.2, 0.9, 0], rtol=1e-10, atol=1e-12, dense_output=True)
    slow = solve_ivp(lambda _, z: -speed * unit(g(z)), (0, plain.y[2, -1]), [1.2, 0.9],
                     rtol=1e-10, atol=1e-12, dense_output=True)  # fmt: skip
    for tau in np.linspace(0, 0.8, 9):
        x, y, s = plain.sol(tau)
        assert np.allclose(slow.sol(s), [x, y], atol=1e-7)


def test_the_normalised_flow_arrives(constant=2.0):
    """The length of the way is at most sqrt(2 gap / mu), and equal to it on a line."""
    for kappa in (1, 2, 10, 100):
        length, _ = quad(lambda x, k=kappa: np.hypot(1, k * x ** (k - 1)), 0, 1, limit=200)
        assert length <= np.sqrt(constant * (1 + kappa) / 2) * (1 + 1e-9)
    gap = 7.0 * 1.3**2 / 2
    assert np.sqrt(constant * gap / 7.0) == pytest.approx(1.3)
    # It is there at that time, not before: followed to within 1e-4 of the minimum.
    arrived = solve_ivp(lambda _, z: -unit(z * [1, 10]), (0, 2), [1.0, 1.0], rtol=1e-9, atol=1e-12,
                        events=_near)  # fmt: skip
    length, _ = quad(lambda x: np.hypot(1, 10 * x**9), 0, 1)
    assert arrived.t_events[0][0] == pytest.approx(length, abs=2e-4)


def _near(_, z):
    return np.hypot(*z) - 1e-4


_near.terminal = True


def test_unit_steps_follow_the_curve_to_first_order(half="1/2"):
    # The recursion of the proof, e <- (1 + eta K) e + K eta^2 / 2, has exactly this solution.
    eta, K = sp.symbols("eta K", positive=True)
    t = sp.Symbol("t", integer=True, nonnegative=True)
    e = sp.Rational(half) * eta * ((1 + eta * K) ** t - 1)
    step = (1 + eta * K) * e + K * eta**2 / 2
    assert sp.simplify(sp.expand(e.subs(t, t + 1) - step)) == 0
    # And the bound holds, where it promises anything, against an independent solver.
    S, delta, start = 0.5, 0.1, np.array([1.2, 0.9])
    for kappa in (1.5, 2.0, 3.0):
        flow = solve_ivp(lambda _, z, k=kappa: -unit(z * [1, k]), (0, S), start, rtol=1e-11,
                         atol=1e-13, dense_output=True)  # fmt: skip
        curve = flow.sol(np.linspace(0, S, 500))
        m = np.hypot(curve[0], kappa * curve[1]).min() - kappa * delta
        for eta in (0.05, 0.01, 0.002):
            clock = eta * np.arange(round(S / eta) + 1)
            path = ng.descend(quadratic([1, kappa]), start, ng.ngd(eta), steps=len(clock) - 1)
            error = np.sqrt(((path.w.T - flow.sol(clock)) ** 2).sum(axis=0)).max()
            bound = float(sp.Rational(half)) * eta * np.expm1(kappa / m * S)
            assert 0.01 * eta < error <= bound < delta


def test_limits_in_the_other_order_disagree(settles=0.0):
    fixed = ng.descend(quadratic([1, 10]), (1.0, 1.0), ng.gd(0.06), steps=2000)
    unit_step = ng.descend(quadratic([1, 10]), (1.0, 1.0), ng.ngd(0.06), steps=2000)
    assert fixed.step_length[-1] == pytest.approx(settles, abs=1e-12)
    assert unit_step.step_length[-1] == pytest.approx(0.06)


# --- floating point ---------------------------------------------------------------------------


def first_float(kind, condition):
    """The smallest positive number of a type that meets the condition, by bisection, exactly."""
    integer = np.dtype(f"i{np.dtype(kind).itemsize}")
    low, high = 1, int(np.array(np.finfo(kind).max).view(integer))
    while low < high:  # positive floats are ordered as the integers with the same bits
        middle = (low + high) // 2
        met = condition(np.array(middle, dtype=integer).view(kind))
        low, high = (low, middle) if met else (middle + 1, high)
    return Fraction(float(np.array(low, dtype=integer).view(kind)))


def test_thresholds_of_the_naive_norm(half=1, burst=2):
    for kind, least, digits, top in (
        (np.float16, -24, 10, 16),
        (np.float32, -149, 23, 128),
        (np.float64, -1074, 52, 1024),
    ):
        with np.errstate(all="ignore"):
            alive = first_float(kind, lambda x: x * x > 0)
            infinite = first_float(kind, lambda x: np.isinf(x * x))
        edge = Fraction(2) ** (least - half)  # half the smallest positive number
        assert edge < alive**2 < edge * (1 + Fraction(2) ** (1 - digits)) ** 2
        assert infinite == Fraction(2) ** (top // burst)


def test_lengths_just_above_the_threshold(low=0.7, high=1.23):
    for kind, edge in ((np.float16, -12.5), (np.float32, -75), (np.float64, -537.5)):
        x = (np.geomspace(1.0005, 4, 3000) * 2.0**edge).astype(kind)
        lengths = (x / np.sqrt(x * x)).astype(float)
        assert low < lengths.min() < 0.72
        assert 1.2 < lengths.max() < high
    assert np.float16(1e-8) == 0
    assert np.linalg.norm([1e-200, 0]) == 0
    assert np.hypot(1e-200, 0) == 1e-200


def test_an_error_turns_a_direction_by_at_most_the_arc_sine(sharp=1.0):
    rng = np.random.default_rng(5)
    for share in (1e-3, 0.3, 0.99):
        g = np.array([2.0, 0.0, 0.0])
        e = rng.normal(size=(3, 20_000))
        e *= share * 2.0 / np.sqrt((e * e).sum(axis=0))
        turned = g[:, None] + e
        cosine = turned[0] / np.sqrt((turned * turned).sum(axis=0))
        angle = np.arccos(np.clip(cosine, -1, 1)).max()
        assert angle <= sharp * np.arcsin(share) * (1 + 1e-6)
        assert angle > 0.99 * sharp * np.arcsin(share)


def test_below_the_noise_floor_a_direction_is_random(digits=0.0):
    """A mean of slopes that cancel, in single precision; sums from left to right."""
    rng = np.random.default_rng(6)
    points = 100 * rng.normal(size=(500, 2))
    points = rng.permutation(np.concatenate([points, -points])).astype(np.float32)

    def error(r):
        errors = []
        for w in r * np.array([unit(v) for v in rng.normal(size=(60, 2))]):
            w = w.astype(np.float32)
            total = np.cumsum(w - points, axis=0, dtype=np.float32)[-1]
            errors.append(np.degrees(np.arccos(np.clip(unit(total) @ unit(w), -1, 1))))
        return np.median(errors)

    assert error(1e-9) == pytest.approx(90 - digits, abs=30)
    assert error(1.0) < 0.1


# --- epsilon ------------------------------------------------------------------------------------


class Softened(ng.Rule):
    eta: float
    eps: float

    def __call__(self, g):
        return self.eta * g / (ng.norm(g) + self.eps)


def test_eps_decides_whether_it_settles(edge=2.0):
    for eta, curvature in ((0.01, 1.0), (0.3, 7.0)):
        for share, rests in ((0.98, False), (1.0, True), (1.02, True)):
            eps, x = share * eta * curvature / edge, 1.234
            for _ in range(20_000):
                x -= eta * curvature * x / (curvature * abs(x) + eps)
            assert (abs(x) < 1e-4 * eta) == rests


def test_the_two_cycle_with_eps(multiplier=4, half=2):
    eta, lam, eps, x = sp.symbols("eta lambda epsilon x", positive=True)
    a = eta / half - eps / lam
    step = x - eta * lam * x / (lam * x + eps)
    assert sp.simplify(step.subs(x, a) + a) == 0
    slope = sp.simplify(sp.diff(step, x).subs(x, a))
    assert sp.simplify(slope - (1 - multiplier * eps / (eta * lam))) == 0
    # The identity that makes the cycle attract from everywhere.
    b, A = eps / lam, eta / 2 - eps / lam
    after = -step - A
    assert sp.simplify(after - (x - A) * (2 * b / (x + b) - 1)) == 0


def test_nearly_every_start_ends_in_the_cycle(exception=1):
    rng = np.random.default_rng(7)
    eta, curvature = 0.4, 2.0
    starts = rng.uniform(-3, 3, size=(1, 50))
    for eps in (0.05, 0.2, 0.38):
        path = ng.descend(quadratic([curvature]), starts, Softened(eta, eps), steps=600)
        a = eta / 2 - eps / curvature
        assert np.allclose(path.distance[-2:], a, rtol=1e-6)
        # The largest exception that lands in one step.
        lands = exception * (eta - eps / curvature)
        after = ng.descend(quadratic([curvature]), lands, Softened(eta, eps), steps=1).distance
        assert after[-1] == pytest.approx(0, abs=1e-15)


def test_eps_on_a_bowl_is_decided_by_the_largest_curvature(edge=2.0):
    rng = np.random.default_rng(8)
    H, Q = random_bowl(rng, np.array([1.0, 3.0, 8.0]))
    bowl = ng.Function(lambda w: (w * (H @ w)).sum(axis=0) / 2, grad=lambda w: H @ w, dim=3)
    eta = 0.1
    enough = ng.descend(bowl, rng.normal(size=3), Softened(eta, 1.01 * 8 * eta / edge), steps=4000)
    assert np.sqrt(enough.last @ enough.last) < 1e-8
    eps = 0.9 * 8 * eta / edge
    cycle = (eta / 2 - eps / 8) * Q[:, 2]
    path = ng.descend(bowl, cycle, Softened(eta, eps), steps=2)
    assert np.allclose(path.w, [cycle, -cycle, cycle], atol=1e-14)
    little = ng.descend(bowl, rng.normal(size=3), Softened(eta, eps), steps=4000)
    assert np.sqrt(little.last @ little.last) > 1e-3


def test_eps_has_the_unit_of_a_gradient(power=1):
    for c, sigma in ((100.0, 1.0), (1.0, 1e-3), (7.0, 50.0)):
        here = ng.descend(quadratic([3]), 1.234, Softened(0.2, 0.7), steps=40).w
        there = quadratic([3 * c * sigma**2])
        rule = Softened(0.2 / sigma, 0.7 * c * sigma**power)
        z = ng.descend(there, 1.234 / sigma, rule, steps=40).w
        assert np.allclose(sigma * z, here, rtol=1e-9)


# --- the exercises ------------------------------------------------------------------------------

SLOPE = 4 * (1 - np.tanh(16.0) ** 2)  # the difference that loses digits is good enough
RIGHT = [
    (ch05.approach, [2 / 5**0.5, -1 / 5**0.5]),
    (ch05.limits, {key: value.upper() for key, value in ch05.limits.solution.items()}),
    (ch05.ends, {0.05: np.array([0.0, -1.0, 0.0]), 0.15: (0, -1, 0), 0.2: "None"}),
    (ch05.debug, {"move 1": 0.1, "move 2": 0.1 * SLOPE / (SLOPE + 1e-8), "eps": 10.0**-15}),
]


@pytest.mark.parametrize(("exercise", "answer"), RIGHT, ids=[e.name for e, _ in RIGHT])
def test_other_right_answers_are_right(exercise, answer):
    assert exercise.check(answer)


def test_the_slope_of_the_textbook_example(size=2.03e-13):
    w1, w2 = sp.symbols("w1 w2")
    J = sp.tanh(4 * w1 + 4 * w2) + sp.Rational(2, 5) * w1 + 1
    slope = sp.N(sp.diff(J, w2).subs({w1: 2, w2: 2}), 30)
    assert float(slope) == pytest.approx(size, rel=2e-3, abs=0)
    assert float(slope) / (float(slope) + 1e-15) > 0.99 > float(slope) / (float(slope) + 1e-14)
