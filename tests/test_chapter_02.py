"""The claims of chapter 2, each with the constant that a wrong value must break."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import normgd as ng
from normgd.exercises import ch02
from normgd.functions import quadratic

RNG = np.random.default_rng(2)


def curved(w):
    return (1 - w[0]) ** 2 + 3 * (w[1] - w[0] ** 2) ** 2


def described(J, c=1.0, sigma=1.0, b=(0.0, 0.0), k=0.0):
    """Return the cost c J(sigma z + b) + k as a function of z."""
    b = np.array(b)
    return ng.Function(lambda z: c * J(sigma * z + ng.functions.beside(b, z, axes=1)) + k, dim=2)


# --- the claims -------------------------------------------------------------------------


def test_gradient_descent_in_other_units(power=2):
    start, b = np.array([-0.4, 0.9]), np.array([0.3, -0.2])
    w = ng.descend(curved, start, ng.gd(0.02), steps=20).w
    for c, sigma in ((3.0, 1.0), (1.0, 2.0), (0.01, 50.0), (700.0, 0.3)):
        theirs = described(curved, c, sigma, b, k=7.0)
        rule = ng.gd(0.02 / (c * sigma**power))
        z = ng.descend(theirs, (start - b) / sigma, rule, steps=20).w
        assert np.allclose(sigma * z + b, w, rtol=1e-8, atol=1e-10)


def test_step_size_times_smoothness_is_a_pure_number(power=2):
    J = quadratic([1, 10], angle=0.3)
    for c, sigma in ((3.0, 1.0), (1.0, 2.0), (0.01, 50.0)):
        largest = np.linalg.eigvalsh(described(J, c, sigma).hess([0.1, 0.2]))[-1]
        assert largest == pytest.approx(c * sigma**power * J.L, rel=1e-6)


def follows(rule, c, sigma):
    """Whether the rule, with the same numbers, makes the same steps in other units."""
    start = np.array([-0.4, 0.9])
    w = ng.descend(curved, start, rule, steps=5).w
    z = ng.descend(described(curved, c, sigma), start / sigma, rule, steps=5).w
    assert np.abs(w[-1] - w[0]).max() > 1e-6  # it moves
    return np.allclose(sigma * z, w, rtol=1e-6)


def test_no_rule_of_gradients_alone_follows_every_unit(units=("J", "w")):
    rules = (
        ng.gd(0.02), ng.ngd(0.1), ng.sign(0.1), ng.momentum(0.01, 0.9), ng.adam(0.1, eps=0.0),
        ng.adagrad(0.1, eps=0.0), ng.rmsprop(0.1, eps=0.0), ng.adadelta(eps=1e-6),
        ng.normalized_momentum(0.1, 0.5), ng.muon(0.1, blocks=((1, 2),)),
    )  # fmt: skip
    changes = {"J": (3.0, 1.0), "w": (1.0, 3.0)}
    start = np.array([-0.4, 0.9])
    for rule in rules:
        assert not all(follows(rule, *changes[unit]) for unit in units)
        # The proof: with c = 1 / sigma it sees the same numbers and makes the same step.
        step_w, step_z = (
            np.diff(ng.descend(J, at, rule, steps=1).w, axis=0)
            for J, at in ((curved, start), (described(curved, 1 / 2, 2.0), start / 2))
        )
        assert np.allclose(step_z, step_w, rtol=1e-6)


def test_nor_one_with_any_power_of_the_gradient(exponent_of_a_length=-1):
    # S(g) = a g^p has S(c sigma g) = (c sigma)^p S(g); a length must change by 1 / sigma.
    c, sigma = np.meshgrid([0.5, 2.0, 3.0], [0.5, 2.0, 3.0])
    for p in np.linspace(-3, 3, 61):
        off = (c * sigma) ** p / sigma**exponent_of_a_length
        assert np.abs(np.log(off)).max() > 0.3


def test_newtons_step_has_the_right_unit(power=-1):
    b = np.array([0.3, -0.2])
    for S in ([[2.0, 0.0], [0.0, 0.1]], [[1.0, 3.0], [-1.0, 0.5]]):
        S, w = np.array(S), np.array([0.7, 0.2])
        theirs = ng.Function(
            lambda z, S=S: (
                5 * curved(ng.functions.matvec(S, z) + ng.functions.beside(b, z, axes=1)) - 2
            ),
            dim=2,
        )
        z = np.linalg.solve(S, w - b)
        step_w, step_z = (
            np.linalg.matrix_power(J.hess(at), power) @ J.grad(at)
            for J, at in ((ng.Function(curved, dim=2), w), (theirs, z))
        )
        assert np.allclose(S @ step_z, step_w, rtol=1e-6)


def test_other_coordinates_are_another_algorithm(matrix="S @ S.T"):
    J, alpha = ng.Function(curved, dim=2), 0.01
    for _ in range(5):
        S, w = RNG.normal(size=(2, 2)), RNG.normal(size=2)
        z = np.linalg.solve(S, w)
        in_z = ng.Function(lambda z, S=S: curved(ng.functions.matvec(S, z)), dim=2)
        seen = S @ ng.descend(in_z, z, ng.gd(alpha), steps=1).last
        assert np.allclose(seen, w - alpha * eval(matrix, {"S": S}) @ J.grad(w), rtol=1e-6)


def test_it_is_gradient_descent_only_for_similarities(similar=0.0):
    turn = ng.functions.rotation(0.7)
    for S, same in ((turn, True), (3 * turn, True), (turn @ np.diag([1, 1.05]), False)):
        turned = 0.0
        for angle in np.linspace(0, np.pi, 50):
            g = np.array([np.cos(angle), np.sin(angle)])
            u = ng.unit(S @ S.T @ g)
            turned = max(turned, abs(u[0] * g[1] - u[1] * g[0]))
        assert (turned <= similar + 1e-12) == same


def test_the_best_unit_is_the_root_mean_square(mean=2):
    for _ in range(5):
        a = RNG.uniform(1, 10, size=20)
        for b in (a, a - a.mean()):

            def kappa(log_s, b=b):
                X = np.stack([b / np.exp(log_s), np.ones_like(b)], axis=1)
                return np.linalg.cond(X) ** 2

            best = minimize_scalar(kappa, bounds=(-2, 4), options={"xatol": 1e-9})
            q = np.mean(np.abs(b) ** mean) ** (1 / mean)
            rho = abs(b.mean()) / q
            assert np.exp(best.x) == pytest.approx(q, rel=1e-4)
            assert best.fun == pytest.approx((1 + rho) / (1 - rho), rel=1e-6)


# --- the exercises ----------------------------------------------------------------------

RIGHT = [
    (ch02.units, dict(reversed(ch02.units.solution.items()))),
    (ch02.translate, lambda alpha, c, sigma: alpha / c / sigma / sigma),
    (ch02.nearer, {"centimetres": "NGD", "metres": "GD "}),
    (ch02.tools, {"unit": float(ch02.tools.solution["unit"]), "steps": 50.07}),
    (ch02.newton, lambda J, w: w - np.linalg.inv(J.hess(w)) @ J.grad(w)),
    (ch02.newton, lambda J, w: list(w + np.linalg.solve(-J.hess(w), J.grad(w)))),
]


@pytest.mark.parametrize(("exercise", "answer"), RIGHT)
def test_other_right_answers_pass(exercise, answer):
    assert exercise.check(answer)
