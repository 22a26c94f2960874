"""Chapter 15: derived gradients, orders of operations, and what three real tables say."""

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from scipy import optimize
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.svm import SVC

import normgd as ng
from normgd.exercises import ch15
from normgd.functions import least_squares, logistic

TEXT = Path(__file__).resolve().parent.parent / "book" / "src" / "15_real_data.md"


@pytest.fixture(scope="module")
def chapter():
    """What the chapter's cells define as its models, as a reader gets them."""
    cells = re.findall(r"```\{code-cell\} ipython3\n:name: (\S+)\n(.*?)```", TEXT.read_text(), re.S)
    names = {"np": np, "ng": ng}
    wanted = "linear-models", "network", "network-function", "network-landscape"
    exec("from scipy import special", names)
    for name, code in cells:
        if name in wanted:
            exec(code.split("J_digits")[0], names)
    return names


# ---------------------------------------------------------------------------- gradients


def mean_softmax_loss(Z, labels):
    """Return the mean of -ln p_c, for a SymPy matrix of scores."""
    rows = [sp.log(sum(sp.exp(z) for z in Z.row(i))) - Z[i, c] for i, c in enumerate(labels)]
    return sum(rows) / len(labels)


def numbers(matrix, values):
    return np.array(matrix.subs(values).evalf(30), dtype=float)


def test_the_softmax_gradient_is_predicted_less_true(true=1.0):
    X = sp.Matrix([[1, -2], [3, sp.Rational(1, 2)], [0, 1]])
    W = sp.Matrix(2, 3, sp.symbols("w:6"))
    labels, values = [2, 0, 2], dict(zip(W, [0.3, -1.2, 0.7, 0.1, 0.9, -0.4], strict=True))
    loss = mean_softmax_loss(X * W, labels)
    derived = numbers(sp.Matrix(2, 3, lambda i, j: sp.diff(loss, W[i, j])), values)
    powers = np.exp(numbers(X * W, values))
    P = powers / powers.sum(axis=1, keepdims=True)
    ours = np.array(X, dtype=float).T @ (P - true * np.eye(3)[labels]) / 3
    np.testing.assert_allclose(ours, derived, rtol=1e-12)
    np.testing.assert_allclose(derived.sum(axis=1), 0, atol=1e-12)


def test_the_networks_gradient_by_the_chain_rule(square=1.0):
    X = sp.Matrix([[1, -2], [3, sp.Rational(1, 2)], [0, 1]])
    letters = sp.symbols("w:17")
    W1, b1 = sp.Matrix(2, 2, letters[:4]), sp.Matrix(1, 2, letters[4:6])
    W2, b2 = sp.Matrix(2, 3, letters[6:12]), sp.Matrix(1, 3, letters[12:15])
    ones, labels = sp.ones(3, 1), [1, 0, 2]
    hidden = (X * W1 + ones * b1).applyfunc(sp.tanh)
    loss = mean_softmax_loss(hidden * W2 + ones * b2, labels)
    rng = np.random.default_rng(1)
    values = dict(zip(letters[:15], rng.normal(size=15).tolist(), strict=True))
    slopes = sp.lambdify(letters[:15], [sp.diff(loss, letter) for letter in letters[:15]], cse=True)
    derived = slopes(*values.values())
    X, H, V = np.array(X, dtype=float), numbers(hidden, values), numbers(W2, values)
    powers = np.exp(numbers(hidden * W2 + ones * b2, values))
    D = (powers / powers.sum(axis=1, keepdims=True) - np.eye(3)[labels]) / 3
    E = D @ V.T * (1 - square * H * H)
    ours = [X.T @ E, E.sum(axis=0), H.T @ D, D.sum(axis=0)]
    np.testing.assert_allclose(np.concatenate([a.ravel() for a in ours]), derived, rtol=1e-10)


def test_the_chapters_network_has_its_gradient_for_every_batch(chapter):
    rng = np.random.default_rng(2)
    X, labels = rng.normal(size=(12, 64)), rng.integers(10, size=12)
    J = chapter["landscape"](chapter["network"], X, labels, d=760)
    w, v, h = 0.3 * rng.normal(size=(760, 2, 3)), rng.normal(size=(760, 1, 1)), 1e-5
    slope = (J(w + h * v) - J(w - h * v)) / (2 * h)
    np.testing.assert_allclose(slope, (J.grad(w) * v).sum(axis=0), rtol=1e-6)
    index = rng.integers(12, size=(5, 2, 3))
    some = J.examples(index)
    for place in np.ndindex(2, 3):
        alone = J.examples(index[:, *place])
        np.testing.assert_allclose(some(w)[place], alone(w[:, *place]), rtol=1e-12)
        np.testing.assert_allclose(some.grad(w)[:, *place], alone.grad(w[:, *place]), atol=1e-14)


@pytest.mark.peers
def test_the_chapters_network_has_pytorchs_gradient(chapter):
    import torch

    torch.set_num_threads(1)
    rng = np.random.default_rng(3)
    X, labels = rng.normal(size=(12, 64)), rng.integers(10, size=12)
    J = chapter["landscape"](chapter["network"], X, labels, d=760)
    w = chapter["network_start"](4)
    t = torch.tensor(w, requires_grad=True)
    W1, b1, W2, b2 = (
        p.reshape(s) for p, s in zip(t.split([640, 10, 100, 10]), chapter["SHAPES"], strict=True)
    )
    scores = torch.tanh(torch.tensor(X) @ W1 + b1) @ W2 + b2
    loss = torch.nn.functional.cross_entropy(scores, torch.tensor(labels))
    loss.backward()
    assert loss.item() == pytest.approx(float(J(w)), rel=1e-12)
    np.testing.assert_allclose(t.grad.numpy(), J.grad(w), rtol=1e-9, atol=1e-14)


def test_the_chapters_linear_models_have_their_gradients(chapter):
    rng = np.random.default_rng(9)
    X, w, v = rng.normal(size=(12, 4)), rng.normal(size=4), rng.normal(size=4)
    y, h = np.sign(rng.normal(size=12)), 1e-5
    for name, library in (("squares", least_squares), ("logistic", logistic)):
        value, grad = chapter[name](X, y)
        slope = (value(w + h * v) - value(w - h * v)) / (2 * h)
        assert grad(w) @ v == pytest.approx(slope, rel=1e-8)
        np.testing.assert_allclose(grad(w), library(X, y).grad(w))


# --------------------------------------------------------------------------------- race


def test_on_digits_the_sign_rule_misreads_more_and_the_unit_step_does_not(chapter):
    rules = {"gd": ng.gd(1.0), "ngd": ng.ngd(0.5), "sign": ng.sign(0.03)}
    X, labels = load_digits(return_X_y=True)
    missed = {name: [] for name in rules}
    for shuffle in range(8):
        order = np.random.default_rng([99, shuffle]).permutation(1797)
        train, rest = order[:900], order[900:]
        deviation = X[train].std(axis=0)
        Z = (X - X[train].mean(axis=0)) / np.where(deviation > 0, deviation, 1)
        J = chapter["landscape"](chapter["network"], Z[train], labels[train], d=760)
        start = chapter["network_start"](100 + shuffle)
        for name, rule in rules.items():
            w = ng.descend(ng.minibatch(J, 32), start, rule, 100, rng=shuffle).last
            guess = chapter["forward"](w, Z[rest])[1].argmax(axis=-1)
            missed[name].append(np.mean(guess != labels[rest]))
    behind, level = (np.array(missed[name]) - missed["gd"] for name in ("sign", "ngd"))
    assert behind.mean() > max(0.005, 2.4 * behind.std(ddof=1) / 8**0.5)
    assert abs(level.mean()) < 0.01


# -------------------------------------------------------------------------------- units


def test_standardised_inputs_have_no_units(origin=1.0):
    rng = np.random.default_rng(4)
    train, test = rng.normal(size=(2, 30, 4)) * [1, 10, 0.1, 5] + [3, -50, 0, 1]
    s, o = np.array([1000.0, 0.001, 0.4536, 1.8]), np.array([0.0, 7.0, -3.0, 32.0])

    def standardise(train, test):
        return (test - origin * train.mean(axis=0)) / train.std(axis=0)

    here = standardise(train, test)
    there = standardise(s * train + o, s * test + o)
    np.testing.assert_allclose(there, here, rtol=1e-9)


def test_scikit_learns_scale_multiplies_alpha_by_442(patients=442):
    raw, y = load_diabetes(return_X_y=True, scaled=False)
    X = (raw - raw.mean(axis=0)) / raw.std(axis=0)
    usual, small = least_squares(X, y - y.mean()), least_squares(load_diabetes().data, y - y.mean())
    for rule, factor in ((ng.gd, patients), (ng.ngd, patients**0.5)):
        here = ng.descend(usual, np.zeros(10), rule(0.2), 30).J
        there = ng.descend(small, np.zeros(10), rule(0.2 * factor), 30).J
        np.testing.assert_allclose(there, here, rtol=1e-6)


# ------------------------------------------------------------------------------ margins


def test_the_margin_is_the_distance_of_the_hull(factor=1.0):
    rng = np.random.default_rng(5)
    for d in (2, 3, 5):
        Z = rng.normal(size=(12, d)) + 3 * np.eye(d)[0]
        rows = np.vstack([Z.T, np.ones(12)])
        share, _ = optimize.nnls(rows, np.append(np.zeros(d), 1))
        nearest = Z.T @ share / share.sum()
        # The largest margin by another way: the shortest v with <z_i, v> >= 1 has length 1/gamma.
        shortest = optimize.minimize(
            lambda v: v @ v, Z.mean(axis=0) * 10, jac=lambda v: 2 * v, method="SLSQP",
            constraints={"type": "ineq", "fun": lambda v, Z=Z: Z @ v - 1, "jac": lambda v, Z=Z: Z},
            options={"ftol": 1e-14, "maxiter": 500},
        ).x  # fmt: skip
        assert factor * ng.norm(nearest) == pytest.approx(1 / ng.norm(shortest), rel=1e-5)
        assert (Z @ nearest).min() == pytest.approx(factor * nearest @ nearest, rel=1e-9)
    inside = np.array([[1.0, 0], [-1, 1], [-1, -1]])  # 0 is in their hull
    share, _ = optimize.nnls(np.vstack([inside.T, np.ones(3)]), [0, 0, 1])
    assert ng.norm(inside.T @ share) < 1e-12


def signed(X, y):
    Z = (2 * y - 1)[:, None] * np.column_stack([X, np.ones(len(y))])
    return Z / ng.norm(Z.T).max()


def digits_0_and_1():
    X, y = load_digits(return_X_y=True)
    return signed(X[y < 2] / 16, y[y < 2])


def test_a_plane_separates_all_tumours_in_exact_arithmetic(wrong=0):
    X, y = load_breast_cancer(return_X_y=True)
    Z = signed((X - X.mean(axis=0)) / X.std(axis=0), y)
    rows = np.column_stack([-Z, np.ones(len(Z))])
    box = [(-1, 1)] * 31 + [(None, 1)]
    w = optimize.linprog(np.append(np.zeros(31), -1), rows, np.zeros(len(Z)), bounds=box).x[:31]
    # In units of the table itself, as fractions of whole numbers.
    plane = [Fraction(a) for a in (w[:30] / X.std(axis=0)).tolist()]
    constant = Fraction(float(w[30] - (w[:30] * X.mean(axis=0) / X.std(axis=0)).sum()))
    heights = [
        sum(a * Fraction(str(x)) for a, x in zip(plane, row, strict=True)) + constant
        for row in X.tolist()
    ]
    misses = sum((h > 0) != bool(label) for h, label in zip(heights, y, strict=True))
    assert misses == wrong


def test_the_margins_of_two_tables(digits=0.1205, cancer=6.77e-5):
    Z = digits_0_and_1()
    machine = SVC(kernel="linear", C=1e8).fit(np.vstack([Z, -Z]), np.repeat([1, -1], len(Z)))
    assert 1 / ng.norm(machine.coef_[0]) == pytest.approx(digits, rel=2e-3)
    X, y = load_breast_cancer(return_X_y=True)
    Z = signed((X - X.mean(axis=0)) / X.std(axis=0), y)
    share, _ = optimize.nnls(np.vstack([Z.T, np.ones(len(Z))]), np.append(np.zeros(31), 1))
    nearest = Z.T @ share / share.sum()
    assert (Z @ ng.unit(nearest)).min() == pytest.approx(cancer, rel=2e-3)
    assert ng.norm(nearest) == pytest.approx(cancer, rel=2e-3)


def test_the_unit_step_closes_the_margin_of_digits(ngd=0.986, gd=0.572):
    Z, gamma = digits_0_and_1(), 0.12053
    L, w, v = np.linalg.eigvalsh(Z.T @ Z)[-1] / (4 * len(Z)), np.zeros(65), np.zeros(65)
    for _ in range(1000):
        s = -np.logaddexp(0, Z @ w)
        w = w + 0.5 * ng.unit(Z.T @ np.exp(s - s.max()))
        v = v + Z.T @ np.exp(-np.logaddexp(0, Z @ v)) / len(Z) / L
    assert (Z @ w).min() / ng.norm(w) / gamma == pytest.approx(ngd, abs=0.002)
    assert (Z @ v).min() / ng.norm(v) / gamma == pytest.approx(gd, abs=0.005)


# -------------------------------------------------------------------- order of operations


class Blocks(ng.Rule):
    """The direction of each block of four coordinates."""

    def __call__(self, g):
        return np.concatenate([ng.unit(part) for part in np.split(g, len(g) // 4)])


def lengths(order, gradients):
    """Return the length of the step after each of the gradients."""
    memory, result = order.start(), []
    for t, g in enumerate(gradients):
        step, memory = order.step(g, memory, t)
        result.append(ng.norm(step))
    return np.array(result)


def test_how_long_a_normalised_step_is(root=0.5, beta=0.9, scale=1.0):
    rng = np.random.default_rng(6)
    random = rng.normal(size=(30, 36)) * rng.uniform(0.1, 10, size=(30, 1))
    same = np.outer(rng.uniform(1, 10, size=30), random[0])
    sums = (1 - beta ** np.arange(1, 31)) / (1 - beta)
    unit, momentum, clip = ng.Unit(), ng.Momentum(0.9), ng.Clip(0.2)
    np.testing.assert_allclose(lengths(unit, random), 1)
    np.testing.assert_allclose(lengths(Blocks(), random), 9**root)
    np.testing.assert_allclose(lengths(ng.Sign(), random), 36**root)
    np.testing.assert_allclose(lengths(momentum >> unit, random), 1)
    assert np.all(lengths(unit >> momentum, random) <= sums + 1e-12)
    np.testing.assert_allclose(lengths(unit >> momentum, same), sums)
    assert np.all(lengths(unit >> momentum, random)[1:] < sums[1:] - 1e-3)
    assert np.all(lengths(momentum >> clip, random) <= 0.2 + 1e-12)
    np.testing.assert_allclose(lengths(clip >> momentum, same), 0.2 * sums)
    S = 2.0**10
    for g in random:
        after = ng.Clip(0.2)(S * g) / S
        np.testing.assert_allclose(after, ng.Clip(scale * 0.2 / S)(g))
        np.testing.assert_allclose(ng.unit(S * g) / S, scale * ng.unit(g) / S)


def test_decoupled_decay_keeps_the_weights_in_a_ball(radius=1.0):
    rng = np.random.default_rng(7)
    eta, decay = 0.1, 0.5
    rule = ng.Unit() >> ng.WeightDecay(decay) >> ng.gd(eta)
    w0 = np.array([6.0, 8.0])
    outward = w0.copy()
    wandering = w0.copy()
    for t in range(1, 200):
        step, _ = rule.step(-w0, rule.start(), t, w=outward)
        outward = outward - step
        step, _ = rule.step(rng.normal(size=2), rule.start(), t, w=wandering)
        wandering = wandering - step
        bound = radius / decay + (1 - eta * decay) ** t * (10 - radius / decay)
        assert ng.norm(wandering) <= bound + 1e-12
        assert ng.norm(outward) == pytest.approx(bound, rel=1e-9)


def test_clipping_while_accumulating_forgets_the_first(ratio=1.0):
    for c, G in ((1.0, 2.0), (1.0, 5.0), (0.3, 0.4)):
        total = np.zeros(8)
        for g in G * np.eye(8):
            total = ng.Clip(c)(total + g)
        weights = total / G
        quotients = weights[:-1] / weights[1:]
        assert np.all(quotients <= ratio * c / G + 1e-12)
        assert quotients[0] == pytest.approx(c / G)  # attained by the first
    first = ng.Clip(1.0)(np.array([2.0, 0]))
    both = ng.Clip(1.0)(first + np.array([0, 2.0]))
    np.testing.assert_allclose(both, np.array([1, 2]) / 5**0.5)
    rng = np.random.default_rng(8)
    gradients, factors, total = rng.normal(size=(6, 3)), [], np.zeros(3)
    for g in gradients:
        factors.append(min(1.0, 1 / ng.norm(total + g)))
        total = ng.Clip(1.0)(total + g)
    weights = np.cumprod(factors[::-1])[::-1]
    np.testing.assert_allclose(weights @ gradients, total)


# ---------------------------------------------------------------------------- exercises

RIGHT = [
    (
        ch15.lengths,
        {
            "momentum, unit": 1e-2,
            "unit, momentum": 0.01 / (1 - 0.9),
            "whole": 0.01,
            "each block": 0.01 * 9**0.5,
            "each coordinate": 0.01 * 10_000**0.5,
        },
    ),
    (ch15.units, {"gd": 442.0, "ngd": 21.02, "adam": 21.02, "polyak": 1.0}),
    (ch15.debug, {100: 1, 1: 0.999999, 0.01: 0.01}),
]


@pytest.mark.parametrize(("exercise", "answer"), RIGHT, ids=lambda x: getattr(x, "name", ""))
def test_another_right_form_is_right(exercise, answer):
    assert exercise.check(answer), exercise.check(answer)
