"""The rules, against the same rules written out again as plain loops over plain numbers."""

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from normgd import (
    Chain,
    Clip,
    Momentum,
    Rule,
    Sign,
    Unit,
    clipped,
    descend,
    gd,
    momentum,
    ngd,
    ops,
    schedules,
    sign,
)
from normgd import functions as F
from normgd.symbols import is_symbolic, symbol, to_sympy, vector


def length(g):
    return math.sqrt(sum(s * s for s in g))


def direction(g):
    return [s / length(g) if any(g) else 0.0 for s in g]


# Each takes the gradients of all steps so far and returns the last step.
PLAIN = {
    "gd": (gd(0.3), lambda gs: [0.3 * s for s in gs[-1]]),
    "ngd": (ngd(0.3), lambda gs: [0.3 * s for s in direction(gs[-1])]),
    "sign": (sign(0.3), lambda gs: [0.3 * ((s > 0) - (s < 0)) for s in gs[-1]]),
    "momentum": (
        momentum(0.3, 0.75),
        lambda gs: [
            0.3 * sum(0.75**k * s for k, s in enumerate(reversed(column)))
            for column in zip(*gs, strict=True)
        ],
    ),
    "clipped": (
        clipped(alpha=0.3, eta=0.6),
        lambda gs: [
            0.3 * s if 0.3 * length(gs[-1]) <= 0.6 else 0.6 * u
            for s, u in zip(gs[-1], direction(gs[-1]), strict=True)
        ],
    ),
    "Unit": (Unit(), lambda gs: direction(gs[-1])),
    "Sign": (Sign(), lambda gs: [(s > 0) - (s < 0) for s in gs[-1]]),
    "Clip": (
        Clip(2.0), lambda gs: [s * min(1, 2 / length(gs[-1])) if s else s for s in gs[-1]],
    ),
    "Momentum": (
        Momentum(0.75),
        lambda gs: [
            sum(0.75**k * s for k, s in enumerate(reversed(column)))
            for column in zip(*gs, strict=True)
        ],
    ),
}  # fmt: skip
rules = pytest.mark.parametrize("name", PLAIN)

gradients = st.integers(1, 3).flatmap(
    lambda d: st.lists(
        st.lists(st.floats(-100, 100).map(lambda s: round(s, 6)), min_size=d, max_size=d),
        min_size=1,
        max_size=6,
    )
)


def steps_of(rule, gs):
    memory = rule.start()
    for t, g in enumerate(gs):
        step, memory = rule.step(np.array(g), memory, t)
        yield step


@rules
@given(gs=gradients)
def test_each_rule_is_its_plain_loop(name, gs):
    rule, plain = PLAIN[name]
    for t, step in enumerate(steps_of(rule, gs)):
        assert step == pytest.approx(plain(gs[: t + 1]), rel=1e-12, abs=1e-12)


@rules
def test_symbols_and_numbers_agree(name):
    rule, _ = PLAIN[name]
    gs = [[1.5, -2.0], [0.25, 1.0]]
    at = {sp.Symbol(f"g{i}", real=True): sp.Rational(gs[1][i]) for i in range(2)}
    memory = rule.start()
    _, memory = rule.step(np.array(gs[0]), memory, 0)
    traced, _ = rule.step(vector("g", 2), memory, 1)
    numbers, _ = rule.step(np.array(gs[1]), memory, 1)
    assert is_symbolic(traced)
    assert [float(s.subs(at)) for s in to_sympy(traced)] == pytest.approx(
        numbers.tolist(), rel=1e-14
    )


def test_hyper_parameters_may_be_symbols():
    (step,) = ngd(eta=symbol("eta"))(vector("g", 1))
    eta, g = sp.symbols("eta g0", real=True)
    assert to_sympy(step).subs({eta: 3, g: -5}) == -3


def test_exact_paths_in_rational_arithmetic():
    # Every number here is a small fraction of a power of two, so floats make no rounding errors.
    x, m, y, z = Fraction(3), Fraction(0), Fraction(3), Fraction(3)
    a, b, eta = Fraction(1, 4), Fraction(1, 2), Fraction(1, 4)
    expected = [(x, y, z)]
    for _ in range(5):
        x -= a * x
        m = b * m + y
        y -= a * m
        z -= eta * (1 if z > 0 else -1)
        expected.append((x, y, z))
    paths = [
        descend(F.quadratic([1]), 3, rule, steps=5).w[:, 0]
        for rule in (gd(float(a)), momentum(0.25, 0.5), ngd(0.25))
    ]
    assert np.array_equal(np.array(paths).T, np.array(expected, dtype=float))


def test_the_unit_step_along_a_3_4_5_triangle():
    # J = ‖w‖²/2 from (3, 4): the direction stays (3/5, 4/5), so five steps of 1 end at 0.
    w = descend(F.quadratic([1, 1]), (3, 4), ngd(1), steps=4).w
    exact = [[3 * Fraction(5 - k, 5), 4 * Fraction(5 - k, 5)] for k in range(5)]
    np.testing.assert_allclose(w, np.array(exact, dtype=float), rtol=4e-15)


# --------------------------------------------------------------------------- composition

rates = st.floats(1e-3, 1e3)


@given(gradients, rates, rates, st.floats(0, 0.99))
def test_recipes_equal_their_pieces(gs, a, eta, beta):
    for recipe, pieces in (
        (ngd(eta), Unit() >> gd(eta)),
        (sign(eta), Sign() >> gd(eta)),
        (momentum(a, beta), Momentum(beta) >> gd(a)),
        (clipped(a, eta), Clip(eta / a) >> gd(a)),
    ):
        for one, other in zip(steps_of(recipe, gs), steps_of(pieces, gs), strict=True):
            assert one == pytest.approx(other, rel=1e-13, abs=1e-300)


@given(gradients)
def test_composition_is_associative(gs):
    a, b, c = Momentum(0.5), Clip(3.0), gd(0.1)
    left, right = (a >> b) >> c, a >> (b >> c)
    assert left == right
    assert hash(left) == hash(right)
    assert repr(left) == "Momentum(beta=0.5) >> Clip(c=3.0) >> gd(alpha=0.1)"
    assert all(map(np.array_equal, steps_of(left, gs), steps_of(right, gs)))


def test_the_order_of_pieces_matters():
    g = [np.array([3.0, 4.0]), np.array([0.3, -0.4])]
    first, second = Unit() >> Momentum(0.5), Momentum(0.5) >> Unit()
    *_, a = steps_of(first, g)
    *_, b = steps_of(second, g)
    assert a == pytest.approx([0.9, -0.4])
    assert b == pytest.approx(np.array([1.8, 1.6]) / math.hypot(1.8, 1.6))
    assert first != second


@given(gradients, rates)
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


# ----------------------------------------------------------------------- a rule is a value


def test_equality_hash_and_repr():
    assert ngd(0.1) == ngd(eta=0.1)
    assert hash(ngd(1)) == hash(ngd(1.0))
    assert ngd(0.1) != gd(0.1)
    assert ngd(0.1) != ngd(0.2)
    assert ngd(0.1) != 0.1
    assert len({gd(0.1), gd(0.1), momentum(0.1), momentum(0.1, 0.9)}) == 2
    assert repr(momentum(0.1)) == "momentum(alpha=0.1, beta=0.9)"
    assert eval(repr(clipped(0.1, 2))) == clipped(0.1, 2)
    assert repr(Unit() >> gd(1)) == "Unit() >> gd(alpha=1.0)"


def test_rules_of_arrays_and_schedules_compare_by_value():
    assert gd([0.1, 0.2]) == gd(np.array([0.1, 0.2]))
    assert hash(gd([0.1, 0.2])) == hash(gd([0.1, 0.2]))
    assert gd([0.1, 0.2]) != gd([0.1, 0.3])
    assert repr(gd([0.1, 0.2])) == "gd(alpha=<2 values from 0.1 to 0.2>)"
    assert ngd(schedules.cosine(1, 10)) == ngd(schedules.cosine(1.0, 10))
    assert ngd(schedules.cosine(1, 10)) != ngd(schedules.cosine(1, 11))
    assert ngd(schedules.inverse([1, 2])) == ngd(schedules.inverse([1, 2]))
    assert ngd(schedules.inverse([1, 2])) != ngd(schedules.inverse([1, 3]))
    assert hash(ngd(schedules.inverse([1, 2]))) == hash(ngd(schedules.inverse([1, 2])))
    assert repr(gd([])) == "gd(alpha=<0 values>)"


def test_replace_gives_the_rule_with_another_rate():
    rule = dataclasses.replace(momentum(0.1), beta=0.5)
    assert rule == momentum(0.1, 0.5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        rule.beta = 0.1


def test_a_rule_keeps_its_own_copy_of_an_array():
    alphas = np.array([0.1, 0.2])
    rule = gd(alphas)
    alphas[0] = 9
    assert rule == gd([0.1, 0.2])


def test_at_resolves_schedules():
    rule = momentum(schedules.inverse(1.0), beta=lambda t: 0.5 if t else 0)
    assert rule.at(0) == momentum(1, 0)
    assert rule.at(3) == momentum(0.25, 0.5)
    assert (Unit() >> gd(schedules.inverse(1.0))).at(1) == Unit() >> gd(0.5)
    assert gd(0.1).at(7) is not None
    assert list(steps_of(gd(schedules.inverse(6.0)), [[1.0]] * 3)) == [[6], [3], [2]]


def test_array_hyper_parameters_are_a_sweep():
    g = np.array([[3.0], [-4.0]])
    assert gd([1, 2, 3])(g).tolist() == [[3, 6, 9], [-4, -8, -12]]
    assert momentum([0.1, 0.2], [[0.0], [0.5]]).batch_shape() == (2, 2)
    assert (Momentum([[0.0], [0.5], [0.9]]) >> gd([1, 2])).batch_shape() == (3, 2)
    assert gd(schedules.inverse([1, 2, 3])).batch_shape() == (3,)
    assert Unit().batch_shape() == ()


# ------------------------------------------------------------------------- students' rules


class adagrad(Rule):
    eta: float
    eps: float = 0.0

    def __call__(self, g, v):
        v = v + g * g
        return self.eta * g / (ops.sqrt(v) + self.eps), v


class annealed_heavy_ball(Rule):
    alpha: float = 0.5

    def __call__(self, g, m, n, t):
        m = 0.5 * m + g
        return self.alpha * m / (t + 1), m, n + 1


def test_a_students_class_is_a_rule():
    assert adagrad.memories == ("v",)
    assert repr(adagrad(0.1)) == "adagrad(eta=0.1, eps=0.0)"
    first, second = steps_of(adagrad(0.1), [[3.0, -2.0], [4.0, 0.0]])
    assert first == pytest.approx([0.1, -0.1])
    assert second == pytest.approx([0.08, 0])
    assert descend(F.rosenbrock, (0, 0), adagrad([0.1, 0.2, 0.3]), steps=3).w.shape == (4, 2, 3)


def test_a_students_class_may_ask_for_the_time_and_two_memories():
    rule = annealed_heavy_ball()
    assert rule.memories == ("m", "n")
    memory = rule.start()
    for t, expected in enumerate([1.0, 0.75]):
        step, memory = rule.step(np.array([2.0]), memory, t)
        assert step == [expected]
        assert memory[1] == t + 1


def test_a_plain_function_is_a_rule():
    def heavy_ball(g, m):
        m = 0.5 * m + g
        return 0.25 * m, m

    path = descend(F.quadratic([1]), 3, heavy_ball, steps=5)
    assert np.array_equal(path.w, descend(F.quadratic([1]), 3, momentum(0.25, 0.5), steps=5).w)
    assert repr(path) == "Path(quadratic, heavy_ball(), 5 steps)"
    timed = descend(F.quadratic([1]), 3, lambda g, t: g / (t + 2), steps=2)
    assert timed.w.ravel() == pytest.approx([3, 1.5, 1])


def test_a_subclass_with_another_formula_has_other_memories():
    class forgetful(momentum):
        def __call__(self, g):
            return self.alpha * g

    class renamed(momentum):
        pass

    assert (forgetful(0.1).memories, renamed(0.1).memories) == ((), ("m",))
    assert renamed(0.1) != momentum(0.1)


# ------------------------------------------------------------------------------- bad input


def declare(*parameters):
    """Declare a rule whose call has these parameters after self."""
    code = f"def __call__(self, {', '.join(parameters)}): return 0"
    return lambda: type("mine", (Rule,), _namespace(code))


def _namespace(code):
    namespace = {}
    exec(code, namespace)
    return {"__call__": namespace["__call__"]}


def run(rule):
    return lambda: descend(F.quadratic([1, 2]), (1, 2), rule, steps=2)


NUMBER = "must be a real number, an array of them or a function of t; got"


@pytest.mark.parametrize(
    ("mistake", "error", "message"),
    [
        (lambda: gd(None), TypeError, f"alpha {NUMBER} None"),
        (lambda: gd(True), TypeError, f"alpha {NUMBER} True"),
        (lambda: gd("0.1"), TypeError, f"alpha {NUMBER} '0.1'"),
        (lambda: gd(b"1"), TypeError, f"alpha {NUMBER} b'1'"),
        (lambda: gd(1j), TypeError, f"alpha {NUMBER} 1j"),
        (lambda: gd({}), TypeError, f"alpha {NUMBER} {{}}"),
        (lambda: gd([1, None]), TypeError, rf"alpha {NUMBER} \[1, None\]"),
        (lambda: gd([[1], [1, 2]]), TypeError, rf"alpha {NUMBER} \[\[1\], \[1, 2\]\]"),
        (lambda: gd(["a"]), TypeError, f"alpha {NUMBER}"),
        (lambda: gd(np.array([1, "a"], dtype=object)), TypeError, f"alpha {NUMBER}"),
        (lambda: gd(gd), TypeError, f"alpha {NUMBER}"),
        (lambda: gd(ngd(0.1)), TypeError, f"alpha {NUMBER}"),
        (lambda: gd(-0.1), ValueError, r"alpha \(step size\) must be at least 0; got -0.1"),
        (lambda: ngd(-1), ValueError, r"eta \(step length\) must be at least 0; got -1"),
        (lambda: sign(-1), ValueError, "eta .* must be at least 0"),
        (lambda: clipped(-1, 1), ValueError, "alpha .* must be at least 0"),
        (lambda: clipped(1, -1), ValueError, "eta .* must be at least 0"),
        (lambda: Clip(-1), ValueError, r"c \(largest gradient norm\) must be at least 0"),
        (lambda: ngd([0.1, -1]), ValueError, r"eta .* must be at least 0; got \[0.1, -1\]"),
        (lambda: ngd(math.nan), ValueError, "eta must be finite; got nan"),
        (lambda: gd(math.inf), ValueError, "alpha must be finite; got inf"),
        (lambda: gd([1, math.nan]), ValueError, r"alpha must be finite; got \[1, nan\]"),
        (lambda: momentum(1, 1), ValueError, r"beta .* must be in \[0, 1\); got 1"),
        (lambda: momentum(1, -0.1), ValueError, r"beta .* must be in \[0, 1\); got -0.1"),
        (lambda: Momentum(1.5), ValueError, r"beta .* must be in \[0, 1\); got 1.5"),
        (lambda: Momentum([0.5, 1]), ValueError, r"beta .* must be in \[0, 1\)"),
        (lambda: momentum(1, math.nan), ValueError, "beta must be finite"),
        (lambda: ngd(), TypeError, "eta"),
        (lambda: ngd(0.1, 0.2), TypeError, "positional"),
        (lambda: ngd(alpha=0.1), TypeError, "alpha"),
        (lambda: dataclasses.replace(ngd(1), eta=-1), ValueError, "eta .* must be at least 0"),
        (lambda: Unit() >> 3, TypeError, "a rule composes with a rule: rule >> rule; got 3"),
        (lambda: Unit() >> gd, TypeError, "a rule composes with a rule"),
        (lambda: Chain((3,)), TypeError, "rules"),
        (lambda: (Unit() >> gd(1))(1), NotImplementedError, "Chain has no formula of its own"),
        (declare("x"), TypeError, "first parameter of mine's formula .* gradient g; got x"),
        (declare("m", "g"), TypeError, "must be the gradient g; got m, g"),
        (declare("g", "*m"), TypeError, r"mine's formula .*\*m"),
        (run(gd), TypeError, "rule must be a rule .* the class gd without its hyper-parameters"),
        (run(0.1), TypeError, "rule must be a rule such as .*; got 0.1"),
        (run(None), TypeError, "rule must be a rule such as .*; got None"),
        (lambda: run(Rule())(), NotImplementedError, "Rule has no formula of its own"),
        (run(lambda x: x), TypeError, "first parameter of <lambda>'s formula must be .* got x"),
        (run(gd(lambda t: -1)), ValueError, "alpha .* must be at least 0; got -1"),
        (run(gd(lambda t: math.nan)), ValueError, "alpha must be finite"),
        (run(gd(lambda t: None)), TypeError, f"alpha {NUMBER} None"),
        (run(gd(lambda t: abs)), TypeError, "alpha"),
        (run(ngd(lambda t: 0.5 - t)), ValueError, "eta .* must be at least 0; got -0.5"),
        (run(lambda g, m: m + g), ValueError, "<lambda> must return its step and the new m"),
        (run(lambda g, m, v: (g, m)), ValueError, "must return its step and the new m, v"),
        (run(lambda g: None), TypeError, "step of <lambda>.. must be an array of real numbers"),
        (run(lambda g: "a"), TypeError, "step of <lambda>.. must be an array of real numbers"),
        (run(lambda g: (g, g)), ValueError, r"step of <lambda>.. must .* shape \(2,\)"),
        (run(lambda g: np.ones(3)), ValueError, r"step of <lambda>.. must .* shape \(2,\)"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_by_name(mistake, error, message):
    with pytest.raises(error, match=message):
        mistake()
