"""What a rule is: a value, a formula with memories, a link of a chain."""

import dataclasses
import functools
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normgd import (
    Chain,
    Clip,
    Momentum,
    NewtonSchulz,
    Polar,
    Rule,
    Trust,
    Unit,
    WeightDecay,
    adam,
    clipped,
    descend,
    gd,
    lars,
    momentum,
    muon,
    ngd,
    ops,
    polyak,
    rules,
    schedules,
    sign,
)
from normgd import functions as F
from normgd.rule import LETTERS, SETTINGS, as_rule

gradients = st.lists(
    st.lists(st.floats(-100, 100).map(lambda s: round(s, 6)), min_size=2, max_size=2),
    min_size=1,
    max_size=6,
)


def steps_of(rule, gs):
    memory = rule.start()
    for t, g in enumerate(gs):
        step, memory = rule.step(np.array(g), memory, t)
        yield step


# --------------------------------------------------------------------------- composition


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


def test_blocks_are_kept_as_shapes_and_compare_by_value():
    assert Polar([3, (2, 2)]).blocks == Polar(np.array([(3,), (2, 2)], dtype=object)).blocks
    assert Polar([3, (2, 2)]).blocks == ((3,), (2, 2))
    assert Polar([3, (2, 2)]) == Polar(((3,), [2, 2]))
    assert Polar([3, (2, 2)]) != Polar([(2, 2), 3])
    assert Trust() != Trust((3,))
    assert Trust((3, 1)) != Trust()
    assert hash(Polar([3, (2, 2)])) == hash(Polar(iter([3, (2, 2)])))
    assert repr(lars(1, blocks=[2])).endswith("blocks=((2,),), at_zero=0.0)")
    assert eval(repr(muon(0.1, [(2, 3), 4]))) == muon(0.1, [(2, 3), 4])


def test_settings_are_neither_swept_nor_scheduled():
    rule = muon([0.1, 0.2], [(2, 1)], iterations=3)
    assert list(rule.rates()) == ["eta", "beta"]
    assert rule.batch_shape() == (2,)
    assert rule.at(5) == rule
    assert NewtonSchulz([(2, 1)], iterations=np.int64(3)).iterations == 3


def test_every_hyper_parameter_has_a_letter_or_is_a_setting():
    used = {
        field.name for name in rules.__all__ for field in dataclasses.fields(getattr(rules, name))
    }
    assert used == set(LETTERS) | set(SETTINGS)
    for name, letter in LETTERS.items():
        assert letter.lowest < letter.highest, name
        assert letter.meaning, name


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


def test_w_J_and_t_are_given_and_not_remembered():
    class probe(Rule):
        eta: float = 0.25

        def __call__(self, g, t, m, J, w):
            assert np.array_equal(g, J.grad(w))
            return self.eta * (J(w) + t) * ops.unit(g), m + 1

    assert probe.memories == ("m",)
    assert probe.needs == ("t", "J", "w")
    path = descend(F.cone, (3.0, 4.0), probe(), steps=2)
    assert path.step_length.tolist() == pytest.approx([1.25, 0.25 * (3.75 + 1)])
    assert (Momentum(0) >> probe()).start() == ((0.0,), (0.0,))


def test_each_link_of_a_chain_gets_w_J_and_t():
    chain = WeightDecay(0.5) >> polyak() >> adam(1, eps=0) >> Trust() >> gd(0.1)
    step, memory = chain.step(np.array([3.0]), chain.start(), 0, np.array([2.0]), F.quartic)
    assert step.tolist() == [0.2]  # 0.1 |w|, whatever the length before
    assert [len(link) for link in memory] == [0, 0, 2, 0, 0]


def test_a_memory_may_bear_any_name_but_the_reserved_three():
    def counting(g, eta, alpha, m):
        return g, eta + 1, alpha + 2, m + 3

    path = descend(F.quadratic([1]), 1.0, counting, steps=1)
    assert path.last == 0
    assert path.rule.memories == ("eta", "alpha", "m")


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


@pytest.mark.parametrize(
    ("memory", "rule"),
    [((), momentum(1)), ((0.0, 0.0), momentum(1)), ((0.0,), gd(1)), ((), Momentum(0) >> gd(1))],
    ids=repr,
)
def test_a_memory_of_another_rule_is_refused(memory, rule):
    with pytest.raises(ValueError, match=rf"memory must be .* items; got {len(memory)}"):
        rule.step(np.ones(2), memory, 0)


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


# --------------------------------------------------------------- what a formula may not do


def test_a_formula_cannot_change_what_it_is_given():
    class half(Rule):
        def __call__(self, g):
            g *= 0.5
            return g

    class mover(Rule):
        def __call__(self, g, w):
            w -= 0.1 * g
            return 0.0 * g

    for rule in (half(), Momentum(0.9) >> half(), mover()):
        with pytest.raises(ValueError, match="read-only"):
            descend(F.quadratic([1, 10]), (1, 1), rule, 3)


def test_a_rule_that_mixes_the_runs_of_a_batch_is_told():
    def mixing(g):
        return 0.1 * g / np.linalg.norm(g)

    single = descend(F.quadratic([1, 10]), (1, 1), mixing, 3)
    assert single.step_length == pytest.approx([0.1] * 3)
    with pytest.raises(ValueError, match=r"mixing.* mixes the runs of a batch"):
        descend(F.quadratic([1, 10]), np.ones((2, 5)), mixing, 3)


def test_functions_of_every_kind_are_rules_and_compose():
    class Halver:
        def __call__(self, g):
            return g / 2

        def method(self, g):
            return g / 2

    J, expected = F.quadratic([1, 10]), descend(F.quadratic([1, 10]), (1, 1), gd(0.5), 4).w
    halves = [Halver(), Halver().method, functools.partial(lambda k, g: k * g, 0.5)]
    for rule in halves:
        assert np.array_equal(descend(J, (1, 1), rule, 4).w, expected)
    assert np.array_equal(descend(J, (1, 1), (lambda g: g) >> gd(0.5), 4).w, expected)
    assert np.array_equal(descend(J, (1, 1), gd(1) >> (lambda g: g / 2), 4).w, expected)
    assert (Momentum(0.5) >> gd(1)).links == (Momentum(0.5), gd(1))
    assert gd(1).links == (gd(1),)


def halve(g):
    return g / 2


def test_a_function_defined_in_a_module_travels_as_a_rule():
    rule = pickle.loads(pickle.dumps(as_rule(halve)))
    assert np.array_equal(rule(np.array([4.0])), [2.0])


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: as_rule(lambda g, k=0.05: k * g), "has k=0.05, but memories start at 0"),
        (lambda: as_rule(lambda g, m, /: (g, m)), "is called with names; got g, /"),
        (lambda: as_rule(np.sign), "first parameter of sign's formula must be the gradient g"),
        (lambda: type("mine", (Rule,), {"__annotations__": {"step": float}}), "step cannot be a"),
        (lambda: type("mine", (Rule,), {"__annotations__": {"rates": float}}), "rates cannot be"),
    ],
)
def test_what_cannot_be_a_rule_is_told_why(mistake, message):
    with pytest.raises(TypeError, match=message):
        mistake()
