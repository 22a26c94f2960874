"""The claims of chapter 3, each with the constant that a wrong value must break."""

import math
from fractions import Fraction

import numpy as np
import pytest

import normgd as ng
from normgd.exercises import ch03
from normgd.functions import power, quadratic, rosenbrock

RNG = np.random.default_rng(3)

# --- the claims -------------------------------------------------------------------------


def test_at_a_minimum_the_gradient_is_zero(slope=0.0):
    for J in ng.functions.LANDSCAPES.values():
        for point in J.minimisers:
            if J.name in ("absolute", "cone", "half_line"):  # not differentiable there
                continue
            w = np.broadcast_to(point, (J.dim or 2,)).astype(float)
            assert np.allclose(J.grad(w), slope, atol=1e-6)


def test_the_gradient_near_a_minimum_is_the_hessian_times_the_way(half=0.5):
    # J = M x^3 / 6 has H = 0 and attains the bound.
    M = 4.2
    cubic = ng.Function(lambda w: M * w[0] ** 3 / 6, dim=1)
    for x in (1e-3, -0.3, 2.0):
        assert abs(cubic.grad([x])[0]) == pytest.approx(half * M * x**2, rel=1e-6)
    # So does Rosenbrock, up to third order.
    H = rosenbrock.hess([1.0, 1.0])
    for r in (1e-2, 1e-3, 1e-4):
        v = ng.unit(RNG.normal(size=(2, 500)))
        error = ng.norm(rosenbrock.grad(1 + r * v) - H @ (r * v)).max()
        # The Hessian's change per length at (1, 1), from its third derivatives.
        angle = np.linspace(0, np.pi, 400)
        a, b = np.cos(angle), np.sin(angle)
        rate = np.array([[2400 * a - 400 * b, -400 * a], [-400 * a, 0 * a]])
        largest = np.abs(np.linalg.eigvalsh(np.moveaxis(rate, -1, 0))).max()
        assert 0.9 * half * largest * r**2 <= error <= half * largest * r**2 * 1.05


def test_a_slope_bounds_a_distance(mu=1.0, L=1000.0):
    J = quadratic([1.0, 30.0, 1000.0], angle=None, basis=np.linalg.qr(RNG.normal(size=(3, 3)))[0])
    g = ng.unit(RNG.normal(size=(3, 2000)))
    distance = ng.norm(np.linalg.solve(J.hess(np.zeros(3)), g))
    _, v = np.linalg.eigh(J.hess(np.zeros(3)))
    distance = np.append(distance, ng.norm(np.linalg.solve(J.hess(np.zeros(3)), v)))
    assert 1 / L * (1 - 1e-9) <= distance.min() <= 1 / L * 1.001
    assert 1 / mu * 0.999 <= distance.max() <= 1 / mu * (1 + 1e-9)


def test_close_enough_gradient_descent_lands(edge=2.0):
    low, high = np.linalg.eigvalsh(rosenbrock.hess([1.0, 1.0]))
    for part, lands in ((0.5, True), (0.99, True), (1.01, False)):
        alpha = part * edge / high
        path = ng.descend(rosenbrock, (1 + 1e-9, 1 - 1e-9), ng.gd(alpha), steps=800)
        shrinks = bool(path.distance[-1] < path.distance[0])
        assert shrinks == lands
        if lands:
            rho = max(abs(1 - alpha * low), abs(1 - alpha * high))
            late = (path.distance[-1] / path.distance[-200]) ** (1 / 199)
            assert late == pytest.approx(rho, rel=1e-4)


def test_no_fixed_step_size_reaches_a_sharp_bottom(divisor=2):
    for p in (1.1, 1.4, 1.5, 1.8):
        for alpha in (0.7, 0.02):
            a = (p * alpha / divisor) ** (1 / (2 - p))
            for start in (0.031, 0.4, 3.7):
                u = start
                for _ in range(4000):
                    u = abs(u - alpha * p * u ** (p - 1))
                    if abs(u / a - 1) < 1e-9:
                        break
                assert u == pytest.approx(a, rel=1e-6)
    # The exceptions: p = 3/2 and alpha = 0.3 land from 0.2025 = 0.45^2, in fractions.
    start, root = Fraction(2025, 10_000), Fraction(45, 100)
    assert root**2 == start == Fraction(3, 10) * Fraction(3, 2) * root


def test_the_cycles_multiplier(three=3):
    for p in (1.2, 1.5, 1.9):
        alpha = 0.1
        a = (p * alpha / 2) ** (1 / (2 - p))
        h = 1e-5 * a
        step = [u - alpha * p * u ** (p - 1) for u in (a - h, a + h)]
        assert (step[1] - step[0]) / (2 * h) == pytest.approx(three - 2 * p, abs=1e-6)


def test_flat_minima_are_reached_slowly(less=2):
    for p in (2.5, 3, 4, 6):
        path = ng.descend(power(p), 0.6, ng.gd(0.1), steps=40_000)
        law = (p * (p - less) * 0.1 * 40_000) ** (-1 / (p - 2))
        assert path.distance[-1] == pytest.approx(law, rel=0.01)
    # The edge of the starts: beyond it the first step leads farther away.
    p, alpha = 3.0, 0.1
    edge = (2 / (p * alpha)) ** (1 / (p - 2))
    for x0, away in ((0.999 * edge, False), (1.001 * edge, True)):
        path = ng.descend(power(p), x0, ng.gd(alpha), steps=1)
        assert (path.distance[1] > path.distance[0]) == away


# --- the exercises ----------------------------------------------------------------------

RIGHT = [
    (ch03.slope, np.array([0.06, 1.5])),
    (ch03.linear, 0.245),
    (ch03.cycle, lambda p, alpha: math.exp(math.log(p * alpha / 2) / (2 - p))),
    (
        ch03.flatness,
        lambda J, near, far: (
            1
            + math.log10(float(abs(J.grad(np.array([far])) / J.grad(np.array([near])))[0]))
            / math.log10(far / near)
        ),
    ),
    (ch03.fates, {p: fate.upper() for p, fate in ch03.fates.solution.items()}),
]


@pytest.mark.parametrize(("exercise", "answer"), RIGHT)
def test_other_right_answers_pass(exercise, answer):
    assert exercise.check(answer)
