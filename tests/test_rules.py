"""The rules: written out again as plain loops, as textbook recursions, and against theorems."""

import dataclasses
import itertools
import math
from fractions import Fraction

import numpy as np
import plain_rules as plain
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from normgd import (
    Average,
    Clip,
    ClipEach,
    Function,
    Greedy,
    Momentum,
    Nesterov,
    NewtonSchulz,
    Polar,
    Rule,
    Sign,
    Trust,
    Unit,
    WeightDecay,
    adadelta,
    adagrad,
    adagrad_norm,
    adam,
    amsgrad,
    barzilai_borwein,
    barzilai_borwein_short,
    clipped,
    dadapt,
    dadapt_adam,
    descend,
    dog,
    dowg,
    gd,
    lamb,
    lars,
    line_search,
    lion,
    momentum,
    muon,
    nadam,
    nesterov,
    ngd,
    norm,
    normalized_momentum,
    ops,
    polyak,
    prodigy,
    rmsprop,
    rmsprop_norm,
    rules,
    schedules,
    sign,
)
from normgd import functions as F
from normgd.symbols import is_symbolic, symbol, to_sympy, vector

BLOCKS = ((2, 2), 2)

# Each takes the gradients (and iterates) of all steps so far and returns the last step.
PLAIN = {
    "Average": (Average(0.75), lambda gs, ws: plain.averaged(0.75, gs)),
    "Clip": (Clip(2), lambda gs, ws: plain.clip(2.0, gs[-1])),
    "ClipEach": (ClipEach(2), lambda gs, ws: [max(-2.0, min(2.0, s)) for s in gs[-1]]),
    "Greedy": (Greedy(), lambda gs, ws: plain.greedy(gs[-1])),
    "Momentum": (Momentum(0.75), lambda gs, ws: plain.decaying(0.75, gs)),
    "Nesterov": (Nesterov(0.75), lambda gs, ws: plain.nesterov(0.75, gs)),
    "NewtonSchulz": (NewtonSchulz(BLOCKS), lambda gs, ws: plain.newton_schulz(5, gs[-1])),
    "Polar": (Polar(BLOCKS), lambda gs, ws: plain.polar(gs[-1])),
    "Sign": (Sign(), lambda gs, ws: plain.signs(gs[-1])),
    "Trust": (Trust((2, 1), 0.5), lambda gs, ws: plain.trust((2, 1), 0.5, gs[-1], ws[-1])),
    "Unit": (Unit(), lambda gs, ws: plain.direction(gs[-1])),
    "WeightDecay": (
        WeightDecay(0.3), lambda gs, ws: plain.each(lambda s, x: s + 0.3 * x, gs[-1], ws[-1]),
    ),
    "gd": (gd(0.3), lambda gs, ws: plain.times(0.3, gs[-1])),
    "ngd": (ngd(0.3), lambda gs, ws: plain.times(0.3, plain.direction(gs[-1]))),
    "sign": (sign(0.3), lambda gs, ws: plain.times(0.3, plain.signs(gs[-1]))),
    "clipped": (clipped(0.3, 0.6), lambda gs, ws: plain.clipped(0.3, 0.6, gs[-1])),
    "momentum": (
        momentum(0.3, 0.75), lambda gs, ws: plain.times(0.3, plain.decaying(0.75, gs)),
    ),
    "nesterov": (
        nesterov(0.3, 0.75), lambda gs, ws: plain.times(0.3, plain.nesterov(0.75, gs)),
    ),
    "normalized_momentum": (
        normalized_momentum(0.3, 0.75),
        lambda gs, ws: plain.times(0.3, plain.direction(plain.decaying(0.75, gs))),
    ),
    "lion": (lion(0.3, 0.75, 0.5), lambda gs, ws: plain.times(0.3, plain.lion(0.75, 0.5, gs))),
    "adagrad": (
        adagrad(0.3, 0.1, 0.2), lambda gs, ws: plain.times(0.3, plain.adagrad(0.1, 0.2, gs)),
    ),
    "adagrad_norm": (
        adagrad_norm(0.3, 0.2), lambda gs, ws: plain.times(0.3, plain.adagrad_norm(0.2, gs)),
    ),
    "rmsprop": (
        rmsprop(0.3, 0.8, 0.1, 0.2),
        lambda gs, ws: plain.times(0.3, plain.rmsprop(0.8, 0.1, 0.2, gs)),
    ),
    "rmsprop_norm": (
        rmsprop_norm(0.3, 0.8), lambda gs, ws: plain.times(0.3, plain.rmsprop_norm(0.8, gs)),
    ),
    "adadelta": (adadelta(0.8, 0.1), lambda gs, ws: plain.adadelta(0.8, 0.1, gs)),
    "adam": (
        adam(0.3, 0.6, 0.8, 0.1, 0.2),
        lambda gs, ws: plain.times(0.3, plain.adam(0.6, 0.8, 0.1, 0.2, gs)),
    ),
    "amsgrad": (
        amsgrad(0.3, 0.6, 0.8, 0.1),
        lambda gs, ws: plain.times(0.3, plain.amsgrad(0.6, 0.8, 0.1, gs)),
    ),
    "nadam": (
        nadam(0.3, 0.6, 0.8, 0.1, 0.5),
        lambda gs, ws: plain.times(0.3, plain.nadam(0.6, 0.8, 0.1, 0.5, gs)),
    ),
    "lars": (
        lars(0.3, 0.75, 0.1, (1, 2)),
        lambda gs, ws: plain.lars(0.3, 0.75, 0.1, (1, 2), gs, ws),
    ),
    "lamb": (
        lamb(0.3, 0.6, 0.8, 0.1, 0.2, (1, 2)),
        lambda gs, ws: plain.lamb(0.3, 0.6, 0.8, 0.1, 0.2, (1, 2), gs, ws),
    ),
    "muon": (
        muon(0.3, BLOCKS, 0.75, 3),
        lambda gs, ws: plain.times(0.3, plain.newton_schulz(3, plain.averaged(0.75, gs))),
    ),
    "polyak": (polyak(0.25), lambda gs, ws: plain.polyak(0.25, gs[-1], ws[-1])),
    "line_search": (
        line_search(1, 0.1, 0.25, 2), lambda gs, ws: plain.line_search(1, 0.1, 0.25, 2, gs, ws),
    ),
    "barzilai_borwein": (
        barzilai_borwein(0.3),
        lambda gs, ws: plain.barzilai_borwein(
            0.3, lambda s, y: plain.inner(s, s) / plain.inner(s, y), gs
        ),
    ),
    "barzilai_borwein_short": (
        barzilai_borwein_short(0.3),
        lambda gs, ws: plain.barzilai_borwein(
            0.3, lambda s, y: plain.inner(s, y) / plain.inner(y, y), gs
        ),
    ),
    "dog": (dog(0.8, 0.5, 0.1), lambda gs, ws: plain.dog(0.8, 0.5, 0.1, gs, ws)),
    "dowg": (dowg(0.8, 0.5, 0.1), lambda gs, ws: plain.dowg(0.8, 0.5, 0.1, gs, ws)),
    "dadapt": (dadapt(0.5), lambda gs, ws: plain.dadapt(0.5, gs, ws)),
    "dadapt_adam": (
        dadapt_adam(0.8, 0.5, 0.6, 0.8, 0.1),
        lambda gs, ws: plain.dadapt_adam(0.8, 0.5, 0.6, 0.8, 0.1, gs),
    ),
    "prodigy": (
        prodigy(0.8, 0.5, 0.6, 0.8, 0.1),
        lambda gs, ws: plain.prodigy(0.8, 0.5, 0.6, 0.8, 0.1, gs, ws),
    ),
}  # fmt: skip
RULES = {name: rule for name, (rule, _) in PLAIN.items()}
every = pytest.mark.parametrize("name", PLAIN)


def sizes(name):
    """How many coordinates the rule of this name takes: any number from 1 to 3, or its blocks'."""
    blocks = getattr(RULES[name], "blocks", None)
    return (1, 2, 3) if blocks is None else (sum(map(math.prod, blocks)),)


def gradients(d):
    number = st.floats(-100, 100).map(lambda s: round(s, 6))
    return st.lists(st.lists(number, min_size=d, max_size=d), min_size=1, max_size=6)


# ‖w‖²/2, with a value added up like that of plain.bowl
bowl = Function(lambda w: ops.dot(w, w) / 2, lambda w: w, name="bowl")


def steps_of(rule, gs, w=None, J=bowl):
    """Yield the steps that the rule makes of these gradients."""
    w = np.full(np.shape(gs[0]), 1.0) if w is None else np.array(w)
    memory = rule.start()
    for t, g in enumerate(gs):
        step, memory = rule.step(np.array(g), memory, t, w, J)
        yield step
        w = w - step


def test_the_tables_are_complete():
    assert list(PLAIN) == rules.__all__
    assert list(EXACT) == rules.__all__
    assert all(type(rule).__name__ == name for name, rule in RULES.items())


@every
@settings(max_examples=25)
@given(data=st.data())
def test_each_rule_is_its_plain_loop(name, data):
    rule, oracle = PLAIN[name]
    d = data.draw(st.sampled_from(sizes(name)))
    gs, ws = data.draw(gradients(d)), [[1.5, -0.5, 0.25, 1.0, -2.0, 0.75][:d]]
    for t, step in enumerate(steps_of(rule, gs, ws[0])):
        expected = oracle(gs[: t + 1], ws)
        assert step == pytest.approx(expected, rel=1e-10, abs=1e-11)
        ws.append(plain.minus(ws[-1], step.tolist()))


@pytest.mark.parametrize("name", [n for n in PLAIN if n not in ("line_search", "Polar")])
def test_symbols_and_numbers_agree(name):
    rule = RULES[name]
    rule = dataclasses.replace(rule, iterations=1) if hasattr(rule, "iterations") else rule
    d = sizes(name)[-1]
    first, second = np.resize([1.5, -2.0, 0.25], d), np.resize([0.25, 1.0, -3.0, 0.5], d)
    at = {sp.Symbol(f"g{i}", real=True): sp.Rational(s) for i, s in enumerate(second)}
    w = np.linspace(1, 2, d)
    _, memory = rule.step(first, rule.start(), 0, w, bowl)
    traced, _ = rule.step(vector("g", d), memory, 1, w, bowl)
    numbers, _ = rule.step(second, memory, 1, w, bowl)
    assert is_symbolic(traced)
    assert [float(s.subs(at)) for s in to_sympy(traced)] == pytest.approx(
        numbers.tolist(), rel=1e-12
    )


def test_hyper_parameters_may_be_symbols():
    (step,) = ngd(eta=symbol("eta"))(vector("g", 1))
    eta, g = sp.symbols("eta g0", real=True)
    assert to_sympy(step).subs({eta: 3, g: -5}) == -3


# ------------------------------------------------------------------------ five exact steps
# On J = Σ h_i w_i²/2 + w_i⁴/4, in rational numbers for as long as no root is taken, in fifty
# digits from then on.  Each takes all gradients and iterates so far and returns the next iterate.

H = np.array([sp.Rational(h) for h in ("1", "2", "3", "1/2")], dtype=object)
START = np.array([sp.Rational(x) for x in ("1", "-1/2", "1/4", "3/2")], dtype=object)
quarter, half, eighth = sp.Rational(1, 4), sp.Rational(1, 2), sp.Rational(1, 8)
sixteenth = sp.Rational(1, 16)
root = np.frompyfunc(lambda x: sp.sqrt(x).evalf(50), 1, 1)
exact_signs = np.frompyfunc(sp.sign, 1, 1)
exact_max = np.frompyfunc(sp.Max, 2, 1)


def exact_value(w):
    return sum(H * w * w / 2 + w**4 / 4)


def exact_grad(w):
    return H * w + w**3


def _stiffness(w):
    return H.astype(float).reshape(4, *(1,) * (w.ndim - 1))


curved = Function(
    lambda w: ops.total(_stiffness(w) * w * w / 2 + w * w * (w * w) / 4),
    lambda w: _stiffness(w) * w + w * w * w,
    name="curved",
)


def size(g):
    return root(sum(g * g))


def fold(beta, items, weight=1):
    m = 0
    for item in items:
        m = beta * m + weight * item
    return m


def squares(gs):
    return [g * g for g in gs]


def along(g):
    return g / size(g)


def exact_greedy(g):
    i = max(range(4), key=lambda i: abs(g[i]))
    return np.array([exact_signs(g[j]) if j == i else 0 for j in range(4)], dtype=object)


def exact_polar(g):
    a, b, c, d = g
    s = sp.sign(a * d - b * c)
    return np.array([a + s * d, b - s * c, c - s * b, d + s * a]) / root(
        sum(g * g) + 2 * abs(a * d - b * c)
    )


def exact_newton_schulz(g, times=5):
    X = sp.Matrix(2, 2, along(g))
    for _ in range(times):
        A = X * X.T
        X = (sp.Float("3.4445", 50) * X - sp.Float("4.775", 50) * A * X
             + sp.Float("2.0315", 50) * A * A * X)  # fmt: skip
    return np.array(list(X), dtype=object)


def layers(formula, *vectors):
    """Apply a formula to the layers of sizes 1 and 3."""
    return np.concatenate([formula(*(v[:1] for v in vectors)), formula(*(v[1:] for v in vectors))])


def exact_trust(g, w):
    return layers(lambda g, w: size(w) * along(g), g, w)


def heavy_ball(gs, ws):
    before = ws[-2] if len(ws) > 1 else ws[-1]
    return ws[-1] - quarter * gs[-1] + half * (ws[-1] - before)


def look_ahead(alpha, beta):
    def next_point(gs, ws):
        y, m = ws[0], 0
        for g in gs:
            m = beta * m + g
            y = y - alpha * m
        return y - alpha * beta * m

    return next_point


def exact_lion(gs, ws):
    m = fold(quarter, gs[:-1], 1 - quarter)
    return ws[-1] - quarter * exact_signs(half * m + half * gs[-1])


def exact_adadelta(gs, ws):
    v = u = 0
    for g in gs:
        v = half * v + half * g * g
        step = root(u + sixteenth) / root(v + sixteenth) * g
        u = half * u + half * step * step
    return ws[-1] - step


def exact_adam(gs, eps):
    m, v, t = fold(half, gs, half), fold(quarter, squares(gs), 1 - quarter), len(gs)
    return m / (1 - half**t) / (root(v / (1 - quarter**t)) + eps)


def exact_amsgrad(gs, ws):
    m = v = largest = 0
    for g in gs:
        m, v = half * m + half * g, half * v + half * g * g
        largest = exact_max(largest, v)
    return ws[-1] - quarter * m / (root(largest) + sixteenth)


def exact_nadam(gs, ws):
    mu = [half * (1 - half * sp.Float("0.96", 50) ** (k / sp.Integer(250))) for k in range(1, 8)]
    t = len(gs)
    m, v = fold(half, gs, half), fold(quarter, squares(gs), 1 - quarter) / (1 - quarter**t)
    m_hat = mu[t] * m / (1 - math.prod(mu[: t + 1]))
    m_hat = m_hat + (1 - mu[t - 1]) * gs[-1] / (1 - math.prod(mu[:t]))
    return ws[-1] - quarter * m_hat / (root(v) + sixteenth)


def exact_lars(gs, ws):
    pulled = [g + eighth * w for g, w in zip(gs, ws, strict=True)]
    return ws[-1] - fold(half, map(exact_trust, pulled, ws), quarter)


def exact_lamb(gs, ws):
    return ws[-1] - quarter * exact_trust(exact_adam(gs, sixteenth) + eighth * ws[-1], ws[-1])


def exact_line_search(gs, ws):
    a = half
    for g, w in zip(gs, ws, strict=True):
        a = 2 * a
        while exact_value(w - a * g) > exact_value(w) - quarter * a * sum(g * g):
            a = a / 2
    return ws[-1] - a * gs[-1]


def exact_barzilai_borwein(gs, ws):
    s, y = (ws[-1] - ws[-2], gs[-1] - gs[-2]) if len(ws) > 1 else (eighth, 1)
    return ws[-1] - np.sum(s * s) / np.sum(s * y) * gs[-1]


def exact_barzilai_borwein_short(gs, ws):
    s, y = (ws[-1] - ws[-2], gs[-1] - gs[-2]) if len(ws) > 1 else (eighth, 1)
    return ws[-1] - np.sum(s * y) / np.sum(y * y) * gs[-1]


def exact_radius(ws):
    return [max([quarter] + [size(w - ws[0]) for w in ws[: t + 1]]) for t in range(len(ws))]


def exact_dog(gs, ws):
    v = sum(sum(g * g) for g in gs) + sixteenth
    return ws[-1] - half * exact_radius(ws)[-1] / root(v) * gs[-1]


def exact_dowg(gs, ws):
    r = exact_radius(ws)
    v = sum(r * r * sum(g * g) for r, g in zip(r, gs, strict=True))
    return ws[-1] - half * r[-1] ** 2 / (root(v) + sixteenth) * gs[-1]


def exact_dadapt(gs, ws):
    d, s, penalty = quarter, 0, 0
    v = [sum(gs[0] ** 2), *itertools.accumulate(sum(g * g) for g in gs)]
    for t, g in enumerate(gs):
        s = s + d * g
        penalty = penalty + d * d * sum(g * g) / root(v[t])
        d = max(d, (sum(s * s) / root(v[t + 1]) - penalty) / (2 * size(s)))
    return ws[0] - s / root(v[-1])


def exact_weight(t):
    return root(1 - quarter ** (t + 1)) / (1 - half ** (t + 1))


def exact_dadapt_adam(gs, ws):
    # sqrt(beta2) = 1/2
    d, m, v, s, r = quarter, 0, 0, 0 * START, 0
    for t, g in enumerate(gs):
        scaled = half * d * exact_weight(t) * g
        r = half * r + half * sum(scaled * s / (root(v) + sixteenth))
        m, v = half * m + half * scaled, quarter * v + (1 - quarter) * g * g
        s = half * s + half * scaled
        d = max(d, r / (half * sum(abs(s))))
    return ws[-1] - m / (root(v) + sixteenth)


def exact_prodigy(gs, ws):
    d, m, v, s, r = quarter, 0, 0, 0, 0
    for t, (g, w) in enumerate(zip(gs, ws, strict=True)):
        delta, m = half * d * exact_weight(t), half * m + half * d * g
        v = quarter * v + (1 - quarter) * (d * g) ** 2
        s, r = half * s + delta * d * g, half * r + delta * d * sum(g * (ws[0] - w))
        d = max(d, r / sum(abs(s)))
    return ws[-1] - delta * m / (root(v) + d * sixteenth)


EXACT = {
    "Average": (Average(0.5), lambda gs, ws: ws[-1] - fold(half, gs, half)),
    "Clip": (Clip(0.5), lambda gs, ws: ws[-1] - min(1, half / size(gs[-1])) * gs[-1]),
    "ClipEach": (
        ClipEach(0.5),
        lambda gs, ws: ws[-1] - np.array([sp.Min(half, sp.Max(-half, s)) for s in gs[-1]]),
    ),
    "Greedy": (Greedy(), lambda gs, ws: ws[-1] - exact_greedy(gs[-1])),
    "Momentum": (Momentum(0.25), lambda gs, ws: ws[-1] - fold(quarter, gs)),
    "Nesterov": (Nesterov(0.25), look_ahead(1, quarter)),
    "NewtonSchulz": (NewtonSchulz([(2, 2)]), lambda gs, ws: ws[-1] - exact_newton_schulz(gs[-1])),
    "Polar": (Polar([(2, 2)]), lambda gs, ws: ws[-1] - exact_polar(gs[-1])),
    "Sign": (Sign(), lambda gs, ws: ws[-1] - exact_signs(gs[-1])),
    "Trust": (
        Trust([1, 3]) >> gd(0.25),
        lambda gs, ws: ws[-1] - quarter * exact_trust(gs[-1], ws[-1]),
    ),
    "Unit": (Unit(), lambda gs, ws: ws[-1] - along(gs[-1])),
    "WeightDecay": (
        WeightDecay(0.5) >> gd(0.25), lambda gs, ws: ws[-1] - quarter * gs[-1] - eighth * ws[-1],
    ),
    "gd": (gd(0.25), lambda gs, ws: ws[-1] - quarter * gs[-1]),
    "ngd": (ngd(0.25), lambda gs, ws: ws[-1] - quarter * along(gs[-1])),
    "sign": (sign(0.25), lambda gs, ws: ws[-1] - quarter * exact_signs(gs[-1])),
    "clipped": (
        clipped(0.25, 0.5),
        lambda gs, ws: ws[-1] - min(quarter, half / size(gs[-1])) * gs[-1],
    ),
    "momentum": (momentum(0.25, 0.5), heavy_ball),
    "nesterov": (nesterov(0.25, 0.5), look_ahead(quarter, half)),
    "normalized_momentum": (
        normalized_momentum(0.25, 0.5), lambda gs, ws: ws[-1] - quarter * along(fold(half, gs)),
    ),
    "lion": (lion(0.25, 0.5, 0.25), exact_lion),
    "adagrad": (
        adagrad(0.25, 0.0625, 0.125),
        lambda gs, ws: ws[-1] - quarter * gs[-1] / (root(sum(squares(gs)) + eighth) + sixteenth),
    ),
    "adagrad_norm": (
        adagrad_norm(0.25, 0.125),
        lambda gs, ws: ws[-1] - quarter * gs[-1] / root(sum(sum(squares(gs))) + eighth),
    ),
    "rmsprop": (
        rmsprop(0.25, 0.5, 0.0625, 0.125),
        lambda gs, ws: ws[-1]
        - quarter * gs[-1] / (root(fold(half, squares(gs), half) + eighth) + sixteenth),
    ),
    "rmsprop_norm": (
        rmsprop_norm(0.25, 0.5),
        lambda gs, ws: ws[-1] - quarter * gs[-1] / root(sum(fold(half, squares(gs), half))),
    ),
    "adadelta": (adadelta(0.5, 0.0625), exact_adadelta),
    "adam": (
        adam(0.25, 0.5, 0.25, 0.0625),
        lambda gs, ws: ws[-1] - quarter * exact_adam(gs, sixteenth),
    ),
    "amsgrad": (amsgrad(0.25, 0.5, 0.5, 0.0625), exact_amsgrad),
    "nadam": (nadam(0.25, 0.5, 0.25, 0.0625, 0.5), exact_nadam),
    "lars": (lars(0.25, 0.5, 0.125, [1, 3]), exact_lars),
    "lamb": (lamb(0.25, 0.5, 0.25, 0.0625, 0.125, [1, 3]), exact_lamb),
    "muon": (
        muon(0.25, [(2, 2)], 0.5),
        lambda gs, ws: ws[-1] - quarter * exact_newton_schulz(fold(half, gs)),
    ),
    "polyak": (
        polyak(0.125),
        lambda gs, ws: ws[-1] - max(exact_value(ws[-1]) - eighth, 0) / sum(gs[-1] ** 2) * gs[-1],
    ),
    "line_search": (line_search(1, 0.25), exact_line_search),
    "barzilai_borwein": (barzilai_borwein(0.125), exact_barzilai_borwein),
    "barzilai_borwein_short": (barzilai_borwein_short(0.125), exact_barzilai_borwein_short),
    "dog": (dog(0.5, 0.25, 0.0625), exact_dog),
    "dowg": (dowg(0.5, 0.25, 0.0625), exact_dowg),
    "dadapt": (dadapt(0.25), exact_dadapt),
    "dadapt_adam": (dadapt_adam(0.5, 0.25, 0.5, 0.25, 0.0625), exact_dadapt_adam),
    "prodigy": (prodigy(0.5, 0.25, 0.5, 0.25, 0.0625), exact_prodigy),
}  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_five_steps_in_exact_arithmetic(name):
    rule, next_point = EXACT[name]
    gs, ws = [], [START]
    for _ in range(5):
        gs.append(exact_grad(ws[-1]))
        ws.append(next_point(gs, ws))
    path = descend(curved, START.astype(float), rule, steps=5)
    np.testing.assert_allclose(path.w, np.array(ws, dtype=float), rtol=1e-13, atol=1e-12)


def test_the_unit_step_along_a_3_4_5_triangle():
    # J = ‖w‖²/2 from (3, 4): the direction stays (3/5, 4/5), so five steps of 1 end at 0.
    w = descend(F.quadratic([1, 1]), (3, 4), ngd(1), steps=4).w
    exact = [[3 * Fraction(5 - k, 5), 4 * Fraction(5 - k, 5)] for k in range(5)]
    np.testing.assert_allclose(w, np.array(exact, dtype=float), rtol=4e-15)


# ------------------------------------------------------------- recipes, pieces and relatives

rates = st.floats(1e-3, 1e3)
memories = st.floats(0, 0.99)
triples = gradients(3)


@settings(max_examples=50)
@given(triples, rates, rates, memories)
def test_recipes_equal_their_pieces(gs, a, eta, beta):
    for recipe, pieces in (
        (ngd(eta), Unit() >> gd(eta)),
        (sign(eta), Sign() >> gd(eta)),
        (clipped(a, eta), Clip(eta / a) >> gd(a)),
        (momentum(a, beta), Momentum(beta) >> gd(a)),
        (momentum(a * (1 - beta), beta), Average(beta) >> gd(a)),
        (nesterov(a, beta), Nesterov(beta) >> gd(a)),
        (normalized_momentum(eta, beta), Average(beta) >> ngd(eta)),
        (normalized_momentum(eta, beta), Momentum(beta) >> ngd(eta)),
        (rmsprop_norm(eta, 0), ngd(eta)),
        (adam(eta, 0, 0, 0), sign(eta)),
        (
            lars(eta, beta, 0.5, (1, 2)),
            WeightDecay(0.5) >> Trust((1, 2)) >> gd(eta) >> Momentum(beta),
        ),
        (
            lamb(eta, beta, 0.9, 0.1, 0.5, (1, 2)),
            adam(1, beta, 0.9, 0.1) >> WeightDecay(0.5) >> Trust((1, 2)) >> gd(eta),
        ),
        (muon(eta, ((3, 1),), beta), Momentum(beta) >> NewtonSchulz(((3, 1),)) >> gd(eta)),
        (Polar((3,)), Unit()),
        (Trust((3,)), Trust()),
    ):
        for one, other in zip(steps_of(recipe, gs), steps_of(pieces, gs), strict=True):
            scale = max(1.0, norm(one))
            assert one == pytest.approx(other, rel=1e-9, abs=1e-12 * scale), recipe


@given(triples, rates)
def test_clip_leaves_short_gradients_alone_to_the_last_bit(gs, c):
    for g, out in zip(gs, steps_of(Clip(c), gs), strict=True):
        if ops.norm(g) <= c:
            assert out.tolist() == g
        else:
            assert ops.norm(out) == pytest.approx(c)


def test_a_step_of_rate_zero_is_zero():
    for rule in (gd(0), ngd(0), sign(0), momentum(0), clipped(0, 1), clipped(1, 0), Clip(0)):
        (step,) = steps_of(rule, [[3.0, -4.0]])
        assert not step.any()


@given(st.lists(st.lists(st.floats(-1e100, 1e100), min_size=2, max_size=2), min_size=1), rates)
def test_adam_without_memory_is_sign_descent_bit_for_bit(gs, eta):
    gs = [[s if abs(s) > 1e-100 else 0.0 for s in g] for g in gs]
    for one, other in zip(steps_of(adam(eta, 0, 0, 0), gs), steps_of(sign(eta), gs), strict=True):
        assert one.tolist() == other.tolist()


def test_rmsprop_with_the_correction_is_adam_without_momentum():
    gs = np.random.default_rng(1).normal(size=(9, 3))
    of_adam = steps_of(adam(0.1, 0, 0.9, 0), gs)
    of_rmsprop = steps_of(rmsprop(0.1, 0.9, 0), gs)
    for t, (one, other) in enumerate(zip(of_adam, of_rmsprop, strict=True)):
        assert one == pytest.approx(other * math.sqrt(1 - 0.9 ** (t + 1)), rel=1e-13)


def test_weight_decay_before_a_rule_is_a_term_of_the_landscape():
    J = F.rosenbrock
    pulled = Function(
        lambda w: J(w) + 0.15 * ops.dot(w, w), lambda w: J.grad(w) + 0.3 * w, name="pulled"
    )
    for rule in (gd(0.001), adam(0.1), momentum(0.001)):
        one = descend(J, (-1.5, 2), WeightDecay(0.3) >> rule, 20).w
        assert one == pytest.approx(descend(pulled, (-1.5, 2), rule, 20).w, rel=1e-12)


@pytest.mark.parametrize(
    ("rule", "step"),
    [
        (adam(1, 0.6, 0.8, 0.1), lambda gs: plain.adam(0.6, 0.8, 0.1, 0.0, gs)),
        (lion(1, 0.6, 0.8), lambda gs: plain.lion(0.6, 0.8, gs)),
    ],
    ids=["adamw", "lion"],
)
def test_weight_decay_after_a_rule_is_decoupled(rule, step):
    eta, decay, gs = 0.25, 0.5, [[1.0, -2.0], [0.5, 3.0], [-4.0, 0.125]]
    w = [2.0, -1.0]
    steps = steps_of(rule >> WeightDecay(decay) >> gd(eta), gs, w)
    for t, made in enumerate(steps):
        expected = plain.each(lambda s, x: eta * (s + decay * x), step(gs[: t + 1]), w)
        assert made == pytest.approx(expected, rel=1e-12)
        w = plain.minus(w, expected)


def test_nesterov_is_the_look_ahead_form_under_a_change_of_variables():
    class ahead(Rule):
        alpha: float
        beta: float

        def __call__(self, g, m, w, J):
            m = self.beta * m + J.grad(w - self.alpha * self.beta * m)
            return self.alpha * m, m

    alpha, beta = 0.001, 0.9
    y = descend(F.rosenbrock, (-1.5, 2), ahead(alpha, beta), 30)
    w = descend(F.rosenbrock, (-1.5, 2), nesterov(alpha, beta), 30)
    velocity = np.concatenate([np.zeros((1, 2)), y.step])  # alpha m_{t-1}
    assert w.w == pytest.approx(y.w - beta * velocity[:31], rel=1e-9)


@pytest.mark.parametrize(
    ("rule", "limit"),
    [
        (Average(0.9), 1.0),
        (Momentum(0.9), 10.0),
        (Nesterov(0.9), 10.0),
        (momentum(0.5, 0.75), 2.0),
        (rmsprop(1, 0.9, 0), 1 / 3),
        (normalized_momentum(2, 0.9), 2 / 5),
    ],
    ids=repr,
)
def test_the_step_on_a_constant_gradient_tends_to_its_fixed_point(rule, limit):
    g = np.array([3.0, -4.0])
    *_, step = steps_of(rule, [g] * 500)
    *_, again = steps_of(rule, [g] * 501)
    assert step == pytest.approx(again, rel=1e-14)
    assert abs(step[0]) == pytest.approx(limit * 3, rel=1e-12)


# ------------------------------------------------------------------------ first steps, bounds

magnitudes = pytest.mark.parametrize("size", [1e-30, 1e-5, 1.0, 1e20])


@magnitudes
@pytest.mark.parametrize(
    ("rule", "length"),
    [
        (adam(0.1, eps=0), 0.1),
        (adam(0.1, 0.3, 0.7, 0), 0.1),
        (adagrad(0.1), 0.1),
        (rmsprop(0.1, 0.96, 0), 0.5),
        (amsgrad(0.1, 0.5, 0.75), 0.1),
        (nadam(0.1, 0.5, 0.9, 0), 0.1 * (0.5 * 0.5 / 0.75 + 1)),
        (dadapt_adam(0.5, 0.2, eps=0), 0.1),
        (prodigy(0.5, 0.2, eps=0), 0.1),
        (lion(0.1), 0.1),
    ],
    ids=repr,
)
def test_the_first_step_of_a_rule_by_coordinates_has_one_length(rule, length, size):
    (step,) = steps_of(rule, [[size, -3 * size, 0.0]])
    assert step == pytest.approx([length, -length, 0], rel=1e-14)


@magnitudes
@pytest.mark.parametrize(
    ("rule", "length"),
    [
        (adagrad_norm(0.1), 0.1),
        (rmsprop_norm(0.1, 0.96), 0.5),
        (normalized_momentum(0.1), 0.1),
        (dog(0.5, 0.2), 0.1),
        (dowg(0.5, 0.2), 0.1),
        (dadapt(0.1), 0.1),
    ],
    ids=repr,
)
def test_the_first_step_of_a_rule_of_the_norm_has_one_length(rule, length, size):
    (step,) = steps_of(rule, [[3 * size, -4 * size]])
    assert step == pytest.approx([0.6 * length, -0.8 * length], rel=1e-14)


@given(st.floats(-12, 12))
def test_eps_shortens_adams_first_step_where_the_gradient_is_no_longer(exponent):
    g, eps = 10**exponent, 1e-8
    (step,) = steps_of(adam(0.1, eps=eps), [[g]])
    assert step == pytest.approx([0.1 * g / (g + eps)], rel=1e-12)


@pytest.mark.parametrize("eps", [1e-4, 1e-6, 1e-8, 1e-12])
def test_adadeltas_first_step_is_set_by_eps(eps):
    (step,) = steps_of(adadelta(0.95, eps), [[1e10, -1e12]])
    root = math.sqrt(eps / 0.05)
    assert step == pytest.approx([root, -root], rel=1e-10)
    assert not any(step.any() for step in steps_of(adadelta(0.95, 0), [[1.0, -2.0]] * 9))


def adams_bound(beta1, beta2):
    return (1 - beta1) / math.sqrt((1 - beta2) * (1 - beta1**2 / beta2))


@pytest.mark.parametrize(
    ("beta1", "beta2", "bound"),
    [(0.9, 0.999, 7.270), (0.9, 0.99, 2.345), (0.9, 0.95, 1.165), (0.5, 0.5, 1.0)],
)
def test_adams_longest_step_is_approached_by_growing_gradients(beta1, beta2, bound):
    # The Adam paper claims (1 - beta1) / sqrt(1 - beta2) = 3.162 for the first, 1 for the others.
    assert adams_bound(beta1, beta2) == pytest.approx(bound, abs=5e-4)
    rule, memory = adam(1, beta1, beta2, 0), (0.0, 0.0)
    for k in range(300):  # as if after 10000 gradients of 0
        step, memory = rule.step(np.array([(beta2 / beta1) ** k]), memory, 10_000 + k)
    assert 0.999 * bound < step[0] <= adams_bound(beta1, beta2) * (1 + 1e-12)


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=40), st.data())
def test_adams_step_never_exceeds_its_bound(exponents, data):
    signs = data.draw(st.lists(st.sampled_from([-1, 0, 1]), min_size=40, max_size=40))
    gs = [[s * 10**e] for s, e in zip(signs, exponents, strict=False)]
    for beta1, beta2 in ((0.9, 0.999), (0.9, 0.99), (0.5, 0.5), (0.0, 0.9)):
        for step in steps_of(adam(1, beta1, beta2, 0), gs):
            assert abs(step[0]) <= adams_bound(beta1, beta2) * (1 + 1e-9)


@pytest.mark.parametrize("first", [1.0, 10.0, 1000.0])
def test_adagrad_remembers_its_first_gradient(first):
    for rule in (adagrad(0.5), adagrad_norm(0.5)):
        steps = list(steps_of(rule, [[first]] + [[1.0]] * 50))
        for k in range(1, 51):
            assert steps[k] == pytest.approx([0.5 / math.sqrt(first**2 + k)], rel=1e-14)


@settings(max_examples=50)
@given(triples)
def test_adagrad_of_the_norm_travels_no_farther_than_its_bound(gs):
    steps = list(steps_of(adagrad_norm(0.3), gs))
    squares = [plain.square(plain.length(g)) for g in gs]
    if squares[0] > 0:
        growth = 1 + math.log(sum(squares) / squares[0])
        assert norm(sum(steps)) <= 0.3 * math.sqrt(len(gs) * growth) * (1 + 1e-12)


@settings(max_examples=50)
@given(triples)
def test_amsgrads_denominators_never_decrease(gs):
    rule, memory, before = amsgrad(0.1), amsgrad(0.1).start(), 0.0
    for t, g in enumerate(gs):
        _, memory = rule.step(np.array(g), memory, t)
        _, v, largest = memory
        assert np.all(largest >= np.maximum(before, v))
        before = largest


def test_adam_goes_the_wrong_way_where_amsgrad_does_not():
    # J_t = 3 w on every third step and -w on the others, on [-1, 1]: the mean is w/3.
    # Reddi, Kale, Kumar, ICLR 2018, Theorem 1, with beta2 = 1/(1 + 3²).
    def end(rule):
        w, memory = np.array([0.0]), rule.start()
        for t in range(1500):
            g = np.array([3.0 if t % 3 == 0 else -1.0])
            step, memory = rule.step(g, memory, t)
            w = np.clip(w - step, -1, 1)
        return w[0]

    eta = schedules.inverse_sqrt(0.5)
    assert end(adam(eta, 0, 0.1, 0)) > 0.9
    assert end(amsgrad(eta, 0, 0.1)) < -0.9
    assert end(gd(eta)) < -0.9


def test_amsgrad_with_the_correction_as_its_rate():
    # PyTorch's: the corrected m over the root of the corrected largest v, plus 1e-8.
    b1, b2, eps, gs = 0.9, 0.999, 1e-8, np.random.default_rng(2).normal(size=(12, 2))
    rule = amsgrad(
        schedules.corrected(0.1, b1, b2), b1, b2, eps=lambda t: eps * (1 - b2 ** (t + 1)) ** 0.5
    )
    m = v = largest = 0
    for t, (g, step) in enumerate(zip(gs, steps_of(rule, gs), strict=True)):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        largest = np.maximum(largest, v)
        first, second = 1 - b1 ** (t + 1), 1 - b2 ** (t + 1)
        assert step == pytest.approx(0.1 * (m / first) / (np.sqrt(largest / second) + eps))


# ---------------------------------------------------------------------- layers and matrices


@settings(max_examples=50)
@given(gradients(6), st.lists(st.floats(-9, 9), min_size=6, max_size=6))
def test_layers_step_a_multiple_of_their_own_length(gs, w):
    blocks, w = (1, (2, 2), 1), np.array(w)
    for rule in (lars(0.1, 0, blocks=blocks), lamb(0.1, eps=0, blocks=blocks), Trust(blocks)):
        (step,) = steps_of(rule, gs[:1], w)
        multiple = 1 if rule == Trust(blocks) else 0.1
        for layer in (slice(0, 1), slice(1, 5), slice(5, 6)):
            moved = norm(np.array(gs[0])[layer]) > 0
            expected = multiple * norm(w[layer]) * moved
            assert norm(step[layer]) == pytest.approx(expected, rel=1e-12, abs=1e-300)


def test_a_layer_grows_by_a_constant_factor_and_never_leaves_zero():
    # J = (w - 5)²/2: from 1e-3 by factors of 1.01 it takes ln 5000 / ln 1.01 = 855.96 steps to 5.
    J = F.quadratic([1], minimiser=(5,))
    w = descend(J, 1e-3, lars(0.01, 0), steps=2000).w[:, 0]
    assert w[:857] == pytest.approx(1e-3 * 1.01 ** np.arange(857), rel=1e-12)
    assert w[855] < 5 < w[856]
    for rule in (lars(0.01), lamb(0.01), Trust() >> gd(0.01)):
        assert not descend(J, 0.0, rule, steps=50).w.any()
    for rule in (lars(0.1, at_zero=1), lamb(0.1, at_zero=1), Trust(at_zero=1) >> gd(0.1)):
        assert 3 < descend(J, 0.0, rule, steps=200).w[-1] < 7
    assert (descend(J, -1.0, lars(0.1, 0), steps=500).w < 0).all()


def orthogonal(rng, n):
    return np.linalg.qr(rng.normal(size=(n, n)))[0]


def matrix(rng, singular, m, n):
    """A random matrix with these singular values."""
    middle = np.zeros((m, n))
    np.fill_diagonal(middle, singular)
    return orthogonal(rng, m) @ middle @ orthogonal(rng, n)


@pytest.mark.parametrize(("m", "n"), [(2, 2), (4, 3), (3, 4), (1, 5), (5, 1), (6, 6)])
def test_muons_step_has_singular_values_near_eta(m, n):
    rng = np.random.default_rng(m + 10 * n)
    for _ in range(20):
        singular = 10 ** rng.uniform(-1.5, 0, min(m, n))  # at least 0.01 of the Frobenius norm
        g = matrix(rng, singular, m, n)
        (step,) = steps_of(muon(0.1, [(m, n)], 0), [g.ravel()])
        achieved = np.linalg.svd(step.reshape(m, n), compute_uv=False)
        assert np.all((achieved > 0.068) & (achieved < 0.114))
        U, _, Vt = np.linalg.svd(g, full_matrices=False)
        aligned = U.T @ step.reshape(m, n) @ Vt.T
        np.testing.assert_allclose(aligned, np.diag(np.diag(aligned)), atol=1e-12)


def test_five_iterations_of_newton_schulz_do_not_converge_to_1():
    x = np.linspace(0.01, 1, 5000)
    diagonal = np.zeros((2, 2, 5000))
    diagonal[0, 0], diagonal[1, 1] = x, np.sqrt(1 - x * x)
    p = rules.newton_schulz(diagonal)[0, 0]
    assert p.min() == pytest.approx(0.682, abs=1e-3)
    assert p.max() == pytest.approx(1.134, abs=1e-3)
    small = rules.newton_schulz(np.array([[[1e-3, 3e-3]], [[1.0, 1.0]]]).transpose(1, 0, 2))
    assert small.shape == (1, 2, 2)
    (column,) = steps_of(NewtonSchulz((1,)), [[123.0]])
    assert column == pytest.approx([0.70], abs=0.005)
    assert rules.newton_schulz(np.eye(2)[..., None], 0)[..., 0] == pytest.approx(
        np.eye(2) / math.sqrt(2)
    )


@pytest.mark.parametrize(
    ("G", "Q"),
    [
        # [[0.6, -0.8], [0.8, 0.6]] times the positive definite [[2, 1], [1, 2]]
        ([[0.4, -1.0], [2.2, 2.0]], [[0.6, -0.8], [0.8, 0.6]]),
        ([[0.0, -7.0], [1e-9, 0.0]], [[0.0, -1.0], [1.0, 0.0]]),
        ([[3e200, 4e200]], [[0.6, 0.8]]),
        ([[3.0], [4.0]], [[0.6], [0.8]]),
        # of rank 1: the outer product of (3, 4) and (1, 2, 2), and of the directions
        ([[3, 6, 6], [4, 8, 8]], [[0.2, 0.4, 0.4], [4 / 15, 8 / 15, 8 / 15]]),
        ([[0, 0], [0, 0]], [[0, 0], [0, 0]]),
        ([[5, 0, 0], [0, 0, 0], [0, 0, -2]], [[1, 0, 0], [0, 0, 0], [0, 0, -1]]),
        ([[math.nan, 1], [1, 1]], np.full((2, 2), math.nan)),
        ([[math.inf, 1], [1, 1]], np.full((2, 2), math.nan)),
    ],
)
def test_polar_factors_by_hand(G, Q):
    np.testing.assert_allclose(rules.polar(np.array(G, dtype=float)), Q, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("m", "n"), [(2, 2), (4, 3), (3, 4), (1, 5), (5, 1)])
def test_the_polar_factor_is_orthogonal_and_its_rest_symmetric(m, n):
    rng = np.random.default_rng(m + 10 * n)
    G = rng.normal(size=(m, n, 7)) * 10.0 ** np.arange(-150, 151, 50)
    for i in range(7):
        A, Q = G[..., i], rules.polar(G)[..., i]
        short = Q @ Q.T if m <= n else Q.T @ Q
        np.testing.assert_allclose(short, np.eye(min(m, n)), atol=1e-13)
        rest = Q.T @ A  # the positive semidefinite factor of A = Q rest
        np.testing.assert_allclose(rest, rest.T, atol=1e-12 * np.abs(A).max())
        assert np.linalg.eigvalsh(rest).min() > -1e-12 * np.abs(A).max()


def test_exact_spectral_descent_bounces_in_each_singular_value():
    # On ‖W‖²/2 every singular value obeys the one-dimensional law: r, eta - r, r, ...
    W = matrix(np.random.default_rng(4), [0.8862, 0.427, 0.001], 3, 4)
    path = descend(F.quadratic([1] * 12), W.ravel(), Polar([(3, 4)]) >> gd(0.1), steps=41)
    for w, expected in zip(
        path.w[-2:], ([0.0862, 0.027, 0.001], [0.0138, 0.073, 0.099]), strict=True
    ):
        singular = np.linalg.svd(w.reshape(3, 4), compute_uv=False)
        assert sorted(singular) == pytest.approx(sorted(expected), rel=1e-9)


def nuclear(g):
    return np.linalg.svd(g.reshape(2, 3), compute_uv=False).sum()


def spectral(d):
    return np.linalg.svd(d.reshape(2, 3), compute_uv=False).max()


@pytest.mark.parametrize(
    ("piece", "length", "dual"),
    [
        (Unit(), np.linalg.norm, np.linalg.norm),
        (Sign(), lambda d: np.abs(d).max(), lambda g: np.abs(g).sum()),
        (Greedy(), lambda d: np.abs(d).sum(), lambda g: np.abs(g).max()),
        (Polar([(2, 3)]), spectral, nuclear),
        (
            Polar([2, 4]),
            lambda d: max(np.linalg.norm(d[:2]), np.linalg.norm(d[2:])),
            lambda g: np.linalg.norm(g[:2]) + np.linalg.norm(g[2:]),
        ),
    ],
    ids=["l2", "l infinity", "l1", "spectral", "blocks"],
)
@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_directions_are_linear_minimisation_oracles(piece, length, dual, seed):
    rng = np.random.default_rng(seed)
    g = rng.normal(size=6) * 10.0 ** rng.uniform(-3, 3, 6)
    d = piece(g)
    assert length(d) <= 1 + 1e-12
    assert g @ d == pytest.approx(dual(g), rel=1e-12)
    for other in rng.normal(size=(20, 6)):
        assert g @ other <= dual(g) * length(other) * (1 + 1e-12)


def test_greedy_takes_the_first_of_a_tie():
    for g, d in (
        ([1.0, -2.0, 2.0], [0, -1, 0]),
        ([-3.0, 3.0, 3.0], [-1, 0, 0]),
        ([0.0, 0.0, 0.0], [0, 0, 0]),
    ):
        assert Greedy()(np.array(g)).tolist() == d


# ---------------------------------------------------------- values and measured curvature

convex = st.builds(lambda seed: _convex(np.random.default_rng(seed)), st.integers(0, 2**32 - 1))


def _convex(rng):
    """A random convex landscape with minimiser and lowest value, and a start."""
    d = 3
    A, b = rng.normal(size=(d, d)), rng.normal(size=d) * 10.0 ** rng.uniform(-2, 2)
    scale = 10.0 ** rng.uniform(-3, 3)
    kind = rng.integers(3)
    if kind == 0:  # a quadratic
        J = Function(
            lambda w: scale * np.sum((A @ (w - b)) ** 2) / 2, lambda w: scale * A.T @ A @ (w - b)
        )
    elif kind == 1:  # with corners
        J = Function(
            lambda w: scale * np.abs(A @ (w - b)).sum(),
            lambda w: scale * A.T @ np.sign(A @ (w - b)),
        )
    else:
        J = Function(
            lambda w: scale * np.logaddexp(A @ (w - b), -A @ (w - b)).sum() - scale * d * np.log(2),
            lambda w: scale * A.T @ np.tanh(A @ (w - b)),
        )
    return J, b, b + rng.normal(size=d) * 10.0 ** rng.uniform(-1, 2)


@settings(max_examples=60)
@given(convex)
def test_polyaks_step_comes_nearer_by_at_least_its_length(problem):
    J, minimiser, start = problem
    path = descend(J, start, polyak(), steps=40)
    values = np.array([J(w) for w in path.w])
    away = np.linalg.norm(path.w - minimiser, axis=1) ** 2
    gained = np.divide(values, path.grad_norm, out=0 * values, where=path.grad_norm > 0) ** 2
    assert np.all(away[1:] <= away[:-1] - gained[:-1] + 1e-9 * away[0])


@settings(max_examples=30)
@given(st.floats(1, 1000), st.floats(0, 2 * math.pi))
def test_polyaks_doubled_step_contracts_quadratics_like_the_best_constant_size(kappa, angle):
    J = F.quadratic([1, kappa], angle=0.7)
    path = descend(J, (math.cos(angle), math.sin(angle)), polyak() >> gd(2), steps=15)
    away = np.linalg.norm(path.w, axis=1)
    assert np.all(away[1:] <= away[:-1] * (kappa - 1) / (kappa + 1) * (1 + 1e-9) + 1e-14)
    once = descend(J, (math.cos(angle), math.sin(angle)), polyak(), steps=15)
    away = np.linalg.norm(once.w, axis=1) ** 2
    # E7 with its sharp constant: 1 - 3 kappa / (kappa + 1)²
    assert np.all(away[1:] <= away[:-1] * (1 - 3 * kappa / (kappa + 1) ** 2) * (1 + 1e-9) + 1e-14)


def test_polyak_stays_where_the_value_is_no_higher_than_it_should_be():
    path = descend(F.quadratic([1, 3]), (1, 1), polyak(J_star=5), steps=3)
    assert not path.step.any()


LINE_SEARCHED = {
    "quadratic": (F.quadratic([1, 50]), (3, -2)),
    "rosenbrock": (F.rosenbrock, (-1.5, 2)),
    "barrier": (F.barrier, (3.5,)),
    "power(1.5)": (F.power(1.5), (1.3,)),
    "plateau": (F.plateau, (5, -4)),
}


@pytest.mark.parametrize("name", LINE_SEARCHED)
@pytest.mark.parametrize(
    "rule",
    [line_search(), line_search(1000), line_search(1e-5), line_search(1, 0.3, 0.1, 4)],
    ids=repr,
)
def test_an_accepted_size_satisfies_armijo_and_the_one_before_it_does_not(name, rule):
    J, start = LINE_SEARCHED[name]

    def enough(w, g, a):
        with np.errstate(all="ignore"):
            return J(w - a * g) <= J(w) - rule.c1 * a * norm(g) ** 2 * (1 - 1e-12)

    path, refusals, before = descend(J, start, rule, steps=30), 0, None
    for w, g, step in zip(path.w, path.g, path.step, strict=False):
        if norm(g) < 1e-6:  # near the minimum, rounding decides
            break
        a = norm(step) / norm(g)
        assert enough(w, g, a)
        first = rule.alpha if before is None else rule.grow * before
        if a < first * (1 - 1e-12):
            refusals += 1
            assert not enough(w, g, a / rule.shrink)
            tries = math.log(a / first) / math.log(rule.shrink)
            assert tries == pytest.approx(round(tries), abs=1e-9)
        before = a
    assert refusals > 0
    assert np.all(np.diff(path.J) <= 0)


def test_line_search_refuses_trials_outside_the_domain():
    # The slope at 3 is 2/3: every size above 4.5 leaves the domain of w - ln w.
    path = descend(F.barrier, 3.0, line_search(100), steps=20)
    assert (path.w > 0).all()
    assert path.w[1] == pytest.approx([3 - 100 / 2**5 * (2 / 3)])
    assert path.last == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    "trap",
    [
        Function(lambda w: -ops.total(w), lambda w: 1 + 0 * w, name="uphill"),
        Function(lambda w: np.nan * ops.total(w), lambda w: 1 + 0 * w, name="nowhere"),
    ],
)
def test_line_search_gives_up_where_nothing_is_enough(trap):
    path = descend(trap, (1.0, 2.0), line_search(), steps=3)
    assert path.w == pytest.approx(np.array([[1, 2]] * 4), rel=1e-15)


def test_line_search_tries_no_longer_step_after_a_zero_gradient():
    rule, memory = line_search(0.125), (0.0,)
    for t, (g, a) in enumerate([(2.0, 0.125), (0.0, 0.125), (0.0, 0.125), (2.0, 0.25)]):
        step, memory = rule.step(np.array([g]), memory, t, np.array([2.0]), bowl)
        assert (step.tolist(), memory[0]) == ([a * g], a)


def test_line_search_may_double_for_ever():
    # On 1/w every size is enough: after 1024 doublings the next would be infinite.
    J = Function(lambda w: 1 / w[0], lambda w: -1 / (w * w), name="J", domain=lambda w: w[0] > 0)
    path = descend(J, 1.0, line_search(), steps=1100)
    assert np.isfinite(path.w).all()
    assert np.all(np.diff(path.w[:, 0]) > 0)


@pytest.mark.parametrize("rule", [barzilai_borwein(0.01), barzilai_borwein_short(0.01)], ids=repr)
def test_barzilai_and_borwein_measure_the_curvature_of_the_last_step(rule):
    H = np.array([[3.0, 1.0], [1.0, 20.0]])
    J = Function(lambda w: np.sum(w * (H @ w)) / 2, lambda w: H @ w, name="J")
    path = descend(J, (5, -3), rule, steps=12)
    for s, g, step in zip(path.step, path.g[1:], path.step[1:], strict=False):
        if norm(g) < 1e-100:
            break
        long, short = (s @ s) / (s @ H @ s), (s @ H @ s) / (H @ s @ H @ s)
        a = long if type(rule) is barzilai_borwein else short
        assert step == pytest.approx(a * g, rel=1e-6)
        assert short <= long * (1 + 1e-12)
    # In two dimensions it converges faster than any geometric sequence.
    sizes = path.grad_norm
    assert sizes[-1] < 1e-13 * sizes[0]
    assert sizes[8] / sizes[4] < 1e-2


def test_barzilai_and_borweins_long_step_is_never_the_shorter():
    rng = np.random.default_rng(6)
    for gs in rng.normal(size=(200, 2, 3)):
        *_, long = steps_of(barzilai_borwein(0.1), gs)
        *_, short = steps_of(barzilai_borwein_short(0.1), gs)
        assert norm(long) >= norm(short) * (1 - 1e-12)


def test_without_curvature_barzilai_and_borwein_keep_the_size():
    for rule in (barzilai_borwein(0.1), barzilai_borwein_short(0.1)):
        path = descend(F.absolute, (5.0, -7.0), rule, steps=9)  # no curvature at all
        assert path.step == pytest.approx(np.tile([0.1, -0.1], (9, 1)))
        path = descend(F.quadratic([-1]), 1.0, rule, steps=9)  # negative curvature
        assert path.w[:, 0] == pytest.approx(1.1 ** np.arange(10))


# --------------------------------------------------------------------- distance estimates


@pytest.mark.parametrize(
    ("seed", "steps"), [(1e-2, 16), (1e-4, 42), (1e-6, 80), (1e-9, 158), (1e-12, 260)]
)
def test_dog_grows_from_its_seed_at_a_logarithmic_price(seed, steps):
    # Under a constant gradient the radius is multiplied by 1 + 1/sqrt(t + 1) from step 1 on.
    J = Function(lambda w: ops.total(abs(w - 1)), lambda w: ops.sign(w - 1), name="kink")
    moved = descend(J, 0.0, dog(r_eps=seed), steps=300).w[:, 0]
    assert np.argmax(moved >= 1) == steps
    radius = seed * np.cumprod([1.0] + [1 + 1 / math.sqrt(t + 1) for t in range(1, steps)])
    assert moved[1 : steps + 1] == pytest.approx(radius, rel=1e-9)


def test_dowg_grows_from_its_seed():
    # Under a constant gradient of any length: p += r² / sqrt(sum of the r²).
    r, v, p = 1e-6, 0.0, 0.0
    moved = steps_of(dowg(), [[7.0]] * 60)
    for step in moved:
        v += r * r
        assert step == pytest.approx([r * r / math.sqrt(v)], rel=1e-12)
        p += r * r / math.sqrt(v)
        r = max(r, p)
    assert r > 1e-4


GROWING = {
    "dog": (dog(0.8, 1e-3, 0.1), lambda gs, ws: plain.dog(0.8, 1e-3, 0.1, gs, ws)),
    "dowg": (dowg(0.8, 1e-3, 0.1), lambda gs, ws: plain.dowg(0.8, 1e-3, 0.1, gs, ws)),
    "dadapt": (dadapt(1e-3), lambda gs, ws: plain.dadapt(1e-3, gs, ws)),
    "dadapt_adam": (
        dadapt_adam(0.8, 1e-3, 0.6, 0.8, 0.1),
        lambda gs, ws: plain.dadapt_adam(0.8, 1e-3, 0.6, 0.8, 0.1, gs),
    ),
    "prodigy": (
        prodigy(0.8, 1e-3, 0.6, 0.8, 0.1),
        lambda gs, ws: plain.prodigy(0.8, 1e-3, 0.6, 0.8, 0.1, gs, ws),
    ),
}


@pytest.mark.parametrize("name", GROWING)
def test_rules_of_the_distance_are_their_plain_loops_while_their_estimate_grows(name):
    rule, oracle = GROWING[name]
    path = descend(F.quadratic([1, 2, 3], minimiser=(30, -20, 10)), (0, 0, 0), rule, steps=60)
    assert path.step_length.max() > 4 * path.step_length[0]
    gs, ws = path.g.tolist(), path.w.tolist()
    for t, step in enumerate(path.step):
        assert step == pytest.approx(oracle(gs[: t + 1], ws[: t + 1]), rel=1e-9)


def known_distance(rule, path):
    """Every d that the rule knew on the way."""
    memory, w = rule.start(), path.w[0]
    for t, g in enumerate(path.g[:-1]):
        step, memory = rule.step(g, memory, t, w, path.function)
        w = w - step
        yield memory[rule.memories.index("d")]


@settings(max_examples=40)
@given(convex)
def test_estimates_never_exceed_the_distance_to_a_minimiser(problem):
    J, minimiser, start = problem
    euclidean, largest = norm(start - minimiser), np.abs(start - minimiser).max()
    for rule, distance in (
        (dadapt(1e-6), euclidean),
        (prodigy(1e-6), largest),
        (prodigy(1e-6, 1e-6, 0.5, 0.9), largest),
    ):
        estimates = list(known_distance(rule, descend(J, start, rule, steps=60)))
        assert np.all(np.diff(estimates) >= 0)
        assert estimates[-1] <= distance * (1 + 1e-9)


@pytest.mark.parametrize("rule", [dadapt(1e-8), prodigy(1, 1e-8), dadapt_adam(1, 1e-8)], ids=repr)
def test_estimates_grow_to_the_order_of_the_distance(rule):
    path = descend(F.quadratic([1, 10]), (3.0, -2.0), rule, steps=500)
    *_, d = known_distance(rule, path)
    assert 0.05 < d < math.hypot(3, 2)


# --------------------------------------------------------------------------- hard numbers

PATTERNS = {
    "zero": [0.0],
    "one zero": [0.0, 1.0, -2.0],
    "negative zero": [-0.0, 0.0],
    "subnormal": [5e-324, -5e-324, 0.0],
    "squares vanish": [1e-200, -2e-170, 1e-160],
    "far apart": [1e-300, 1e140, -1.0],
    "large": [1e144, -1e143, 1e144],
}
SQUARES = {
    "adagrad", "adagrad_norm", "rmsprop", "rmsprop_norm", "adadelta", "adam", "amsgrad", "nadam",
    "lamb", "dog", "dowg", "dadapt", "dadapt_adam", "prodigy",
}  # fmt: skip
TOO_FLAT_FOR_POLYAK = {("polyak", "subnormal"), ("polyak", "squares vanish")}
BEYOND = {"huge": [1e307, -1e307, 0.0], "farther apart": [1e-300, 1e300, -1.0]}


def stretched(pattern, name):
    return np.resize(np.array(pattern), sizes(name)[-1])


def without(rule, *fields):
    """The same rule with these of its hyper-parameters 0."""
    return dataclasses.replace(rule, **{name: 0 for name in fields if name in rule.rates()})


def quietly(rule, gs, w=None):
    with np.errstate(all="ignore"):
        return list(steps_of(rule, gs, w))


@pytest.mark.parametrize(
    ("name", "pattern"), sorted(set(itertools.product(PLAIN, PATTERNS)) - TOO_FLAT_FOR_POLYAK)
)
def test_a_finite_gradient_gives_no_nan(name, pattern):
    g = stretched(PATTERNS[pattern], name)
    for order in ([g, g, g, g / 8], [0 * g, g, 0 * g], [g * 0 + 1, g, g * 0 + 1]):
        assert all(np.isfinite(step).all() for step in quietly(RULES[name], order))


def test_polyaks_step_overflows_where_a_high_value_has_no_slope():
    (step,) = quietly(polyak(), [[5e-324, -5e-324, 0.0]])
    assert np.array_equal(step, [np.inf, -np.inf, np.nan], equal_nan=True)
    (step,) = quietly(polyak(), [[1e-160, 0.0]])
    assert step.tolist() == [1e160, 0]


@pytest.mark.parametrize("name", [name for name in PLAIN if name not in SQUARES])
@pytest.mark.parametrize("pattern", BEYOND)
def test_a_rule_without_squares_goes_on_to_the_largest_numbers(name, pattern):
    g = stretched(BEYOND[pattern], name)
    for order in ([g, g, g, g / 8], [0 * g, g, 0 * g], [g * 0 + 1, g, g * 0 + 1]):
        assert not any(np.isnan(step).any() for step in quietly(RULES[name], order))


@pytest.mark.parametrize("name", [name for name in PLAIN if name in SQUARES])
@pytest.mark.parametrize("before", [0.0, 1.0])
def test_an_infinite_square_stops_a_rule(name, before):
    rule, d = without(RULES[name], "decay"), sizes(name)[-1]
    g = np.resize([1e200, 1.0, -1.0], d)
    _, *steps = quietly(rule, [np.full(d, before), g] + [0 * g + 1] * 20)
    if name == "dadapt":  # it goes back to where it started
        assert norm(steps[0]) == pytest.approx(before * rule.d0)
        steps = steps[1:]
    for step in steps:
        assert np.isfinite(step).all()
        assert step[0] == 0


def test_without_a_memory_an_infinite_square_gives_nan():
    for rule in (rmsprop(1, 0), rmsprop_norm(1, 0), adam(1, beta2=0), amsgrad(1, beta2=0)):
        assert [np.isnan(s).all() for s in quietly(rule, [[1e200], [1.0]])] == [False, True]


def test_where_squares_vanish_the_step_is_the_gradient_over_eps():
    tiny = [1e-200, -3e-190]
    for rule in (adagrad(1, 1e-8), rmsprop(1), adam(1), nadam(1, beta1=0)):
        assert quietly(rule, [tiny])[0] == pytest.approx([1e-192, -3e-182], rel=1e-12)
        assert not quietly(dataclasses.replace(rule, eps=0), [tiny])[0].any()


@every
def test_a_stationary_start_stays(name):
    rule = without(RULES[name], "decay")
    d = sizes(name)[-1]
    J = F.quadratic([1] * d, minimiser=np.linspace(1, 2, d))
    start = np.linspace(1, 2, d)
    path = descend(J, start, rule, steps=2000 if name == "line_search" else 8)
    assert not path.step.any()
    assert np.array_equal(path.last, start)


def test_a_stationary_start_stays_without_eps_too():
    for rule in (adam(1, eps=0), rmsprop(1, eps=0), nadam(1, eps=0), prodigy(eps=0),
                 dadapt_adam(eps=0), adadelta(eps=0), lamb(1, eps=0)):  # fmt: skip
        assert not descend(F.rosenbrock, (1, 1), rule, steps=5).step.any()


@every
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_no_step_hides_a_gradient_that_is_not_finite(name, bad):
    g = stretched([bad, 1.0], name)
    w, before = np.full(len(g), 2.0), np.ones(len(g))
    for first in ([], [before]):
        *_, step = quietly(RULES[name], [*first, g], w)
        if math.isinf(bad) and name in ("Sign", "sign", "lion", "Greedy", "ClipEach"):
            large = np.nan_to_num(g, posinf=1e300, neginf=-1e300)
            assert np.array_equal(step, quietly(RULES[name], [*first, large], w)[-1])
        else:
            assert not np.isfinite(step[0])
            assert np.isnan(step[0]) or not np.isnan(bad)


@every
def test_a_gradient_of_whole_numbers_is_one_of_floats(name):
    g = stretched([3, -4, 1], name)
    assert g.dtype.kind == "i"
    for whole, real in zip(
        quietly(RULES[name], [g, g], 1.0 + 0 * g), quietly(RULES[name], [1.0 * g] * 2), strict=True
    ):
        assert np.array_equal(whole, real)


@every
def test_short_floats_stay_short_and_agree_with_long_ones(name):
    d = sizes(name)[-1]
    start = np.resize([1.5, -0.5, 0.75, 1.25], d)
    J = F.quadratic([0.5] * d)
    short = descend(J, start.astype(np.float32), RULES[name], steps=4)
    assert {a.dtype for a in (short.w, short.g, short.step, short.J)} == {np.dtype(np.float32)}
    long = descend(J, start, RULES[name], steps=4)
    np.testing.assert_allclose(short.w, long.w, rtol=1e-3, atol=1e-4)


@every
def test_nothing_happens_to_no_runs_and_in_no_steps(name):
    d = sizes(name)[-1]
    assert descend(F.quartic, np.zeros((d, 0)), RULES[name], steps=3).w.shape == (4, d, 0)
    assert descend(F.quartic, np.ones(d), RULES[name], steps=0).step.shape == (0, d)


@pytest.mark.parametrize("name", sorted(SQUARES - {"adadelta"}))
@pytest.mark.parametrize("exponent", [-481, 300, 481])
def test_rules_with_squares_keep_every_digit_from_1e_145_to_1e145(name, exponent):
    # With a power of two for a factor nothing rounds: the iterates must not change at all.
    rule = without(RULES[name], "eps", "eps_root", "decay")
    gs = np.random.default_rng(9).uniform(0.5, 1, (6, sizes(name)[-1])) * ([[1], [-1]] * 3)
    scaled = quietly(rule, np.ldexp(gs, exponent))
    for one, other in zip(steps_of(rule, gs), scaled, strict=True):
        assert np.array_equal(one, other)


# -------------------------------------------------------------------------------- batches


@every
def test_a_batch_is_a_loop_bit_for_bit(name):
    d = sizes(name)[-1]
    starts = np.random.default_rng(7).uniform(-2, 2, (d, 2, 3))
    batch = descend(F.quartic, starts, RULES[name], steps=8)
    for i, j in itertools.product(range(2), range(3)):
        alone = descend(F.quartic, starts[:, i, j], RULES[name], steps=8)
        assert np.array_equal(alone.w, batch.w[..., i, j], equal_nan=True)


SWEPT = [(name, field) for name, rule in RULES.items() for field in rule.rates()]


@pytest.mark.parametrize(("name", "field"), SWEPT)
def test_a_sweep_is_a_loop_bit_for_bit(name, field):
    d, value = sizes(name)[-1], getattr(RULES[name], field)
    values = [value, 1.5 if field == "grow" else value / 2 or 0.25, value]
    start = np.linspace(-1, 2, d)
    sweep = descend(F.quartic, start, dataclasses.replace(RULES[name], **{field: values}), steps=6)
    assert sweep.w.shape == (7, d, 3)
    for i, value in enumerate(values):
        rule = dataclasses.replace(RULES[name], **{field: value})
        alone = descend(F.quartic, start, rule, steps=6)
        assert np.array_equal(alone.w, sweep.w[..., i], equal_nan=True)
