"""Bad calls of rules, of their steps and of schedules: each is refused by the argument's name."""

import dataclasses
import math

import numpy as np
import pytest

from normgd import (
    Average,
    Chain,
    ClipEach,
    Momentum,
    Nesterov,
    NewtonSchulz,
    Polar,
    Rule,
    Trust,
    Unit,
    WeightDecay,
    adam,
    descend,
    gd,
    lamb,
    lars,
    line_search,
    momentum,
    muon,
    ngd,
    polyak,
    rules,
    schedules,
)
from normgd import functions as F

# ------------------------------------------------------- every hyper-parameter of every rule

FINE = {"alpha": 0.1, "eta": 0.1, "gamma": 0.1, "beta": 0.5, "rho": 0.5, "c": 1.0, "decay": 0.1}
FINE["blocks"] = (2,)

BELOW_0, NO_SHARE, NO_PART = (-1, -5e-324, [0.1, -0.1]), (-0.1, 1, 1.5, [0.5, 1]), (-0.1, 1.1)
OUT_OF_RANGE = {
    **dict.fromkeys(("alpha", "eta", "gamma", "eps", "eps_root"), BELOW_0),
    **dict.fromkeys(("c", "decay", "r_eps", "d0", "at_zero"), BELOW_0),
    **dict.fromkeys(("beta", "beta1", "beta2", "rho", "c1", "shrink"), NO_SHARE),
    "warmup": NO_PART,
    "grow": (0.99, 0, -2),
    "J_star": (),
}
INFINITE = (math.nan, math.inf, -math.inf, [0.5, math.nan], np.float32("nan"))
NO_NUMBER = (
    None, True, "0.1", b"1", 1j, {}, [0.1, None], ["a"], [[0.1], [0.1, 0.2]], gd, ngd(1),
)  # fmt: skip
NO_BLOCKS = {
    TypeError: ("ab", b"ab", 3, 2.0, True, [2.0], ["ab"], [None], [[[1, 2]]], [math.nan], [True]),
    ValueError: ([], (), [(2, 2, 2)], [()], [0], [-2], [(2, -1)]),
}
NO_COUNT = {TypeError: (None, 2.0, "5", True, [5], math.nan), ValueError: (-1, -(10**30))}

FIELDS = [
    (name, field.name)
    for name in rules.__all__
    for field in dataclasses.fields(getattr(rules, name))
]


def make(name, **changed):
    """Make the rule of this name, with what it must be given and these changes."""
    fields = dataclasses.fields(getattr(rules, name))
    given = {f.name: FINE[f.name] for f in fields if f.default is dataclasses.MISSING}
    return getattr(rules, name)(**given | changed)


def bad_values(field):
    """Yield everything that the field must not be, with the error it gives."""
    if field in ("blocks", "iterations"):
        for error, values in (NO_BLOCKS if field == "blocks" else NO_COUNT).items():
            for value in values:
                if not (field == "blocks" and value is None):
                    yield value, error, rf"^(each size in )?{field} must be"
        return
    for value in NO_NUMBER:
        yield value, TypeError, rf"{field} must (be a real number, an arr|return a numb)"
    for value in INFINITE:
        yield value, ValueError, rf"^{field} must be finite; got"
    for value in OUT_OF_RANGE[field]:
        yield value, ValueError, rf"^{field} \([a-z0 ]+\) must be (at least|in) .*; got"


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_every_hyper_parameter_refuses_what_it_must_not_be(name, field):
    rule = make(name)
    for value, error, message in bad_values(field):
        with pytest.raises(error, match=message):
            make(name, **{field: value})
        with pytest.raises(error, match=message):
            dataclasses.replace(rule, **{field: value})


@pytest.mark.parametrize(
    ("name", "field"), [f for f in FIELDS if f[1] not in ("blocks", "iterations")]
)
def test_every_schedule_is_checked_when_it_is_read(name, field):
    def later(value):
        return lambda t: getattr(make(name), field) if t == 0 else value

    J = F.quadratic([1, 2])
    for value, error, message in bad_values(field):
        rule = make(name, **{field: later(value)})
        assert rule.at(0) == make(name)
        with pytest.raises(error, match=message):
            descend(J, (1, 2), rule, steps=2)


@pytest.mark.parametrize("name", rules.__all__)
def test_every_rule_refuses_fields_it_does_not_have(name):
    with pytest.raises(TypeError, match="unexpected keyword argument 'speed'"):
        make(name, speed=1)
    required = [
        f.name for f in dataclasses.fields(getattr(rules, name)) if f.default is dataclasses.MISSING
    ]
    if required:
        with pytest.raises(TypeError, match=required[0]):
            getattr(rules, name)()


def test_there_are_hundreds_of_bad_values():
    assert sum(len(list(bad_values(field))) for _, field in FIELDS) > 1000


# --------------------------------------------------------------------------- single mistakes

J = F.quadratic([1, 2])
g = np.ones(2)


def run(rule, start=(1, 2)):
    return lambda: descend(J, start, rule, steps=2)


def declare(code):
    """Declare a rule with this formula."""

    def mistake():
        namespace = {}
        exec(code, namespace)
        return type("mine", (Rule,), {"__call__": namespace["formula"]})

    return mistake


@pytest.mark.parametrize(
    ("mistake", "error", "message"),
    [
        # blocks that do not fit
        (run(Trust((3,))), ValueError, "blocks must hold 2 coordinates together; .* hold 3"),
        (run(lars(0.1, blocks=(1,))), ValueError, "blocks must hold 2 coordinates .* hold 1"),
        (run(lamb(0.1, blocks=[(2, 2)])), ValueError, "blocks must hold 2 coordinates .* hold 4"),
        (run(muon(0.1, [(2, 2)])), ValueError, "blocks must hold 2 coordinates .* hold 4"),
        (run(Polar([2, 1])), ValueError, "blocks must hold 2 coordinates .* hold 3"),
        (run(NewtonSchulz([1])), ValueError, "blocks must hold 2 coordinates .* hold 1"),
        # what a formula needs and is not given
        (lambda: Trust().step(g, (), 0), TypeError, r"w must be given to the step of Trust\("),
        (lambda: WeightDecay(1).step(g, (), 0), TypeError, "w must be given to the step of Weigh"),
        (lambda: lars(1).step(g, (0.0,), 0), TypeError, "w must be given to the step of lars"),
        (lambda: lamb(1).step(g, (0.0, 0.0), 0), TypeError, "w must be given to the step of lamb"),
        (lambda: polyak().step(g, (), 0, g), TypeError, "J must be given to the step of polyak"),
        (lambda: polyak().step(g, (), 0, None, J), TypeError, "w must be given to the step of pol"),
        (lambda: line_search().step(g, (0.0,), 0, g), TypeError, "J must be given to the step"),
        (lambda: adam().step(g, (0.0, 0.0), None), TypeError, "t must be given to the step of ada"),
        (
            lambda: (Unit() >> WeightDecay(1)).step(g, ((), ()), 0),
            TypeError, r"w must be given to the step of WeightDecay\(",
        ),
        # memories of another rule
        (lambda: gd(1).step(g, (0.0,), 0), ValueError, r"memory must be .* gd\(.* 0 items; got 1"),
        (lambda: adam().step(g, (), 0), ValueError, r"memory must be .* 2 items; got 0"),
        (lambda: adam().step(g, (0.0,) * 3, 0), ValueError, r"memory must be .* 2 items; got 3"),
        (
            lambda: (Momentum(0.5) >> gd(1)).step(g, (0.0,), 0),
            ValueError, r"memory must be .* Momentum\(beta=0.5\) >> gd.* 2 items; got 1",
        ),
        # hyper-parameters that do not broadcast
        (
            run(momentum([0.1, 0.2], [0.1, 0.2, 0.3])),
            ValueError, r"hyper-parameters of momentum\(.*must broadcast; .*\(2,\), \(3,\)",
        ),
        (
            run(Momentum([0.1, 0.2]) >> gd([0.1, 0.2, 0.3])),
            ValueError, r"hyper-parameters of Momentum.* must broadcast; .*\(2,\), \(3,\)",
        ),
        (
            run(gd([0.1, 0.2]), np.ones((2, 3))),
            ValueError, r"batch of start, shape \(3,\), and .* gd\(.*, shape \(2,\), must broad",
        ),
        (
            run(gd(schedules.inverse([0.1, 0.2])), np.ones((2, 3))),
            ValueError, r"batch of start, shape \(3,\), and .*, shape \(2,\), must broadcast",
        ),
        # formulas
        (declare("def formula(self): 0"), TypeError, "must be the gradient g; got nothing"),
        (declare("def formula(self, w): 0"), TypeError, "must be the gradient g; got w"),
        (declare("def formula(self, J, g): 0"), TypeError, "must be the gradient g; got J, g"),
        (declare("def formula(self, t, g): 0"), TypeError, "must be the gradient g; got t, g"),
        (declare("def formula(self, gradient): 0"), TypeError, "gradient g; got gradient"),
        (declare("def formula(self, *g): 0"), TypeError, r"name each of its memories; got \*g"),
        (declare("def formula(self, g, *m): 0"), TypeError, r"name each of its mem.*; got \*m"),
        (declare("def formula(self, g, **m): 0"), TypeError, r"each of its mem.*; got \*\*m"),
        (run(lambda: 0), TypeError, "gradient g; got nothing"),
        (run(lambda w: w), TypeError, "gradient g; got w"),
        (run(lambda g, m: g), ValueError, "must return its step and the new m; got"),
        (run(lambda g, m: (g,)), ValueError, "must return its step and the new m; got"),
        (run(lambda g, m: (g, m, m)), ValueError, "must return its step and the new m; got"),
        (run(lambda g, a, b: [g, a, b]), ValueError, "its step and the new a, b; got"),
        (run(lambda g: g[:1]), ValueError, r"step of <lambda>\(\) must .* got shape \(1,\)"),
        (run(lambda g: None), TypeError, r"step of <lambda>\(\) must be an array of real"),
        (run(lambda g: 1j * g), TypeError, r"step of <lambda>\(\) must be an array of real"),
        (run(lambda g: "far"), TypeError, r"step of <lambda>\(\) must be .*; got 'far'"),
        (run(lambda g: [[1], [1, 2]]), ValueError, r"step of <lambda>\(\) must be"),
        # chains
        (lambda: Unit() >> ngd, TypeError, "a rule composes with a rule: rule >> rule; got <cl"),
        (lambda: Unit() >> None, TypeError, "a rule composes with a rule.*; got None"),
        (lambda: 0.1 >> Unit(), TypeError, "a rule composes with a rule.*; got 0.1"),
        (lambda: Chain(()), TypeError, r"rules must be rules, at least one; got \(\)"),
        (lambda: Chain((Unit(), 1)), TypeError, r"rules must be rules, .*; got \(Unit\(\), 1\)"),
        (lambda: Chain((Unit,)), TypeError, "rules must be rules"),
        (run(Polar), TypeError, "got the class Polar without its hyper-parameters"),
        (run([gd(1)]), TypeError, r"rule must be a rule .*; got \[gd\(alpha=1.0\)\]"),
        # gradients
        (lambda: Unit()(1.0), ValueError, "g must have a coordinate axis, .*; got the number 1.0"),
        (lambda: ngd(1)("up"), TypeError, "g must be an array of real numbers; got 'up'"),
        (lambda: ngd(1)([]), ValueError, "g must have at least one coordinate"),
        (lambda: ngd(1)([[1], [1, 2]]), ValueError, "g must be a rectangular array"),
        (lambda: ngd(1)([1j, 2]), TypeError, "g must be an array of real numbers"),
        # schedules
        (lambda: schedules.constant(-1), ValueError, "rate must be at least 0; got -1"),
        (lambda: schedules.inverse(math.nan), ValueError, "rate must be finite; got nan"),
        (lambda: schedules.inverse_sqrt("1"), TypeError, "rate must be a real number.*; got '1'"),
        (lambda: schedules.cosine(lambda t: 1, 9), TypeError, "rate must be a number or an array"),
        (lambda: schedules.cosine(1, 0), ValueError, "T must be at least 1; got 0"),
        (lambda: schedules.linear(1, 9.0), TypeError, "T must be a whole number; got 9.0"),
        (lambda: schedules.geometric(1, 1), ValueError, "q must lie strictly between 0 and 1; got"),
        (lambda: schedules.geometric(1, [0.5]), TypeError, "q must be a number; got"),
        (lambda: schedules.horizon(-1, 9), ValueError, "R must be at least 0; got -1"),
        (lambda: schedules.horizon(1, True), TypeError, "K must be a whole number; got True"),
        (lambda: schedules.corrected(-1), ValueError, "rate must be at least 0; got -1"),
        (lambda: schedules.corrected(1, 1), ValueError, r"beta1 .* must be in \[0, 1\); got 1"),
        (lambda: schedules.corrected(1, 0, -1), ValueError, r"beta2 .* must be in \[0, 1\); got"),
        (lambda: schedules.warmup(1, -1), ValueError, "T must be at least 1; got -1"),
        # paths
        (lambda: descend(J, (1, 2), adam(), -1), ValueError, "steps must be at least 0; got -1"),
        (lambda: descend(J, (1, 2), adam(), 1.5), TypeError, "steps must be a whole number"),
        (lambda: descend(J, (1, 2, 3), adam()), ValueError, "start must have 2 coordinates"),
        (lambda: descend(J, (1, math.nan), adam()), ValueError, "start must be finite"),
        (lambda: descend(3, (1, 2), adam()), TypeError, "J must be a landscape .*; got 3"),
        (lambda: descend(F.barrier, -1, line_search()), ValueError, "in the domain of barrier"),
        # positions
        (lambda: Average(), TypeError, "beta"),
        (lambda: Nesterov(0.5, 0.5), TypeError, "positional"),
        (lambda: ClipEach(c=-1), ValueError, r"c \(largest gradient norm\) must be at least 0"),
        (lambda: polyak(J_star=math.nan), ValueError, "J_star must be finite; got nan"),
    ],
)  # fmt: skip
def test_bad_calls_are_refused_by_name(mistake, error, message):
    with pytest.raises(error, match=message):
        mistake()
