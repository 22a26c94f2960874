"""The table of invariances: each yes holds wherever we look, each no has a descent that strays."""

import functools
import html.parser
import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from normgd import Chain, invariances, ngd, rules, schedules
from normgd import functions as F
from normgd.invariances import EXAMPLE, TABLE, TRANSFORMATIONS, Verdict, deviation
from normgd.rule import LETTERS
from normgd.symbols import symbol, vector

ROUNDING = 1e-6  # of the path's length: above all rounding in five steps,
STRAYED = 1e-2  # and far below this, which each counter-example exceeds

CELLS = list(itertools.product(TABLE, TRANSFORMATIONS))
FOLLOWS = [(name, column) for name, column in CELLS if TABLE[name].verdicts[column].follows]
YES = Verdict(follows=True)
CONDITIONAL = [(name, column) for name, column in FOLLOWS if TABLE[name].verdicts[column] != YES]
CONVERTED = [
    (name, column, rate)
    for name, column in FOLLOWS
    for rate in TABLE[name].converted(column)
    if rate not in TABLE[name].verdicts[column].zero
]


def cells(chosen):
    """Parametrise over cells, each a rule's name and a transformation."""
    return pytest.mark.parametrize(
        ("name", "column"), chosen, ids=[f"{name}, {column}" for name, column in chosen]
    )


def links(rule):
    return rule.rules if isinstance(rule, Chain) else (rule,)


def without(rule, names):
    """Return the rule with these hyper-parameters 0."""
    return functools.reduce(
        lambda first, then: first >> then,
        (replace(link, **{name: 0.0 for name in names if name in link.rates()})
         for link in links(rule)),
    )  # fmt: skip


def shapes(rule):
    """Return the shapes of the rule's blocks; (n,) is a column."""
    (blocks,) = {link.blocks for link in links(rule) if hasattr(link, "blocks")}
    return blocks


# ---------------------------------------------------------------------------- completeness


def test_every_rule_has_a_row_and_every_row_a_cell_for_each_transformation():
    assert list(TABLE) == rules.__all__
    for name, row in TABLE.items():
        assert isinstance(links(row.rule)[0], getattr(rules, name))
        assert list(row.verdicts) == list(TRANSFORMATIONS) == list(EXAMPLE.changes)


def test_the_examples_feel_all_their_hyper_parameters():
    zero = {
        (name, rate) for name, row in TABLE.items() for rate in row.rates if not row.rates[rate]
    }
    assert zero == {(name, "at_zero") for name in ("Trust", "lars", "lamb")}


# ------------------------------------------------------------------------- where it says yes

rng = np.random.default_rng(8)
LANDSCAPES = {  # each positive, so that h has something to bend
    "valley": EXAMPLE.J,
    "bowl": F.quadratic(
        [1, 2, 3, 5, 8, 13],
        basis=scipy.stats.ortho_group.rvs(6, random_state=rng),
        minimiser=rng.normal(size=6),
    ),
    "logistic": F.logistic(3 * rng.normal(size=(20, 6)), np.sign(rng.normal(size=20))),
    "plateau": invariances.reshape_cost(np.log1p, lambda J: 1 / (1 + J)).function(EXAMPLE.J),
}
RESHAPED = {  # h and h', with h' > 0 where J > 0
    "log(1 + J)": (np.log1p, lambda J: 1 / (1 + J)),
    "exp J": (np.exp, np.exp),
    "root of J": (np.sqrt, lambda J: 0.5 / np.sqrt(J)),
    "-1 / J": (lambda J: -1 / J, lambda J: J**-2),
}
seeds = st.integers(0, 2**32 - 1)


def decades(reach):
    return st.floats(-reach, reach).map(lambda exponent: 10**exponent)


def orthogonal(n, random):
    return scipy.stats.ortho_group.rvs(n, random_state=random)


def turning(blocks, seed):
    """Return Q: of everything, or for each block UXVᵀ of the matrix X that it is."""
    random = np.random.default_rng(seed)
    if blocks is None:
        return orthogonal(6, random)
    turned = [functools.reduce(np.kron, (orthogonal(n, random) for n in shape)) for shape in blocks]
    return scipy.linalg.block_diag(*turned)


def factors(blocks):
    """Return the diagonal of D: a factor for each coordinate, or for each block."""
    sizes = [1] * 6 if blocks is None else [np.prod(shape) for shape in blocks]
    each = st.lists(decades(1), min_size=len(sizes), max_size=len(sizes))
    return each.map(lambda D: np.repeat(D, sizes))


CHANGES = {
    "J → aJ": lambda _: decades(3).map(invariances.scale_cost),
    "J → h(J)": lambda _: st.sampled_from(sorted(RESHAPED)).map(
        lambda name: invariances.reshape_cost(*RESHAPED[name])
    ),
    "J → J + k": lambda _: st.floats(-100, 100).map(invariances.shift_cost),
    "w = z + b": lambda _: st.lists(st.floats(-9, 9), min_size=6, max_size=6).map(
        invariances.shift
    ),
    "w = Qz": lambda blocks: seeds.map(lambda seed: invariances.turn(turning(blocks, seed))),
    "w = sz": lambda _: decades(2).map(invariances.scale),
    "w = Dz": lambda blocks: factors(blocks).map(invariances.stretch),
    "g → Dg": lambda blocks: factors(blocks).map(invariances.weigh),
}


@cells(FOLLOWS)
@settings(max_examples=5)
@given(st.data(), st.sampled_from(sorted(LANDSCAPES)), seeds)
def test_where_the_table_says_yes_the_rule_follows(name, column, data, landscape, seed):
    row = TABLE[name]
    verdict = row.verdicts[column]
    rule = without(row.rule, verdict.zero)
    change = data.draw(CHANGES[column](shapes(rule) if verdict.blocks else None))
    starts = np.random.default_rng(seed).uniform(-1.2, 1.2, (6, 3))
    strayed = deviation(rule, change, LANDSCAPES[landscape], starts, units=row.units)
    assert strayed.max() < ROUNDING


# -------------------------------------------------------------------------- where it says no


@functools.cache
def strayed(name, column, zero=(), blocks=False, unconverted=()):
    """Return how far a rule strays in the descent that is stored with the table."""
    row = TABLE[name]
    rule = without(row.rule, zero)
    units = {rate: unit for rate, unit in row.units.items() if rate not in unconverted}
    change = BY_BLOCKS[column](shapes(rule)) if blocks else EXAMPLE.changes[column]
    return float(deviation(rule, change, EXAMPLE.J, EXAMPLE.start, units=units))


BY_BLOCKS = {
    "w = Qz": lambda blocks: invariances.turn(turning(blocks, seed=1)),
    "w = Dz": lambda blocks: invariances.stretch(by_size(blocks)),
    "g → Dg": lambda blocks: invariances.weigh(by_size(blocks)),
}


def by_size(blocks):
    return np.repeat([3.0, 0.5], [np.prod(shape) for shape in blocks])


@cells(sorted(set(CELLS) - set(CONDITIONAL)))
def test_the_stored_descent_strays_where_the_table_says_no_and_only_there(name, column):
    if TABLE[name].verdicts[column].follows:
        assert strayed(name, column) < ROUNDING
    else:
        assert strayed(name, column) > STRAYED
        assert strayed(name, column, *at_best(name, column)) > STRAYED


def at_best(name, column):
    """Return all the conditions that might help: nothing added to a root, to g, across blocks."""
    row = TABLE[name]
    # Without its eps Adadelta never moves, and without its decay WeightDecay is no rule.
    zero = {"eps", "eps_root", "decay"} & set(row.rates) if name not in STUBBORN else ()
    blocks = column in BY_BLOCKS and any(hasattr(link, "blocks") for link in links(row.rule))
    return tuple(zero), blocks


STUBBORN = ("adadelta", "WeightDecay")


@cells(CONDITIONAL)
def test_a_condition_makes_a_yes_and_no_part_of_it_can_be_left_out(name, column):
    _, zero, blocks = TABLE[name].verdicts[column]
    assert strayed(name, column, zero, blocks) < ROUNDING
    for left_out in zero:
        assert strayed(name, column, tuple(set(zero) - {left_out}), blocks) > STRAYED
    if blocks:
        assert strayed(name, column, zero) > STRAYED


@pytest.mark.parametrize(("name", "column", "rate"), CONVERTED, ids=map(", ".join, CONVERTED))
def test_each_hyper_parameter_that_a_cell_names_must_be_converted(name, column, rate):
    _, zero, blocks = TABLE[name].verdicts[column]
    assert strayed(name, column, zero, blocks, unconverted=(rate,)) > STRAYED


def test_a_unit_for_the_trust_ratio_where_there_is_none():
    # From w = 0 the step is at_zero times the direction that comes in: at_zero has a unit, too.
    for name in ("Trust", "lars", "lamb"):
        row = TABLE[name]
        first, *others = links(row.rule)
        rule = functools.reduce(lambda a, b: a >> b, [replace(first, at_zero=0.5), *others])
        for column in ("J → aJ", "w = sz"):
            change = EXAMPLE.changes[column]
            for units, follows in ((row.units, True), ({**row.units, "at_zero": "1"}, False)):
                apart = deviation(rule, change, EXAMPLE.J, np.zeros(6), units=units)
                assert (apart < ROUNDING) == (follows or (name, column) == ("lamb", "J → aJ"))


# ---------------------------------------------------------------------- dimensional analysis


# A rule follows changes of units if and only if its formula is dimensionally consistent.  Here the
# formula is traced, and units are carried through the trace.

UNTRACED = {"Polar": "an SVD", "line_search": "it branches on values"}
TRACED = [name for name in TABLE if name not in UNTRACED]
ANY = None  # the unit of 0
PURE = (0.0, 0.0)  # exponents of w and J


class Inconsistent(Exception):
    """Quantities of different units are added, subtracted, compared or chosen from."""


def alike(units):
    """Return the one unit that these are."""
    different = {unit for unit in units if unit is not ANY}
    if len(different) > 1:
        raise Inconsistent
    return different.pop() if different else ANY


def product(one, other, sign=1):
    return ANY if ANY in (one, other) else (one[0] + sign * other[0], one[1] + sign * other[1])


def is_constant(node, *values):
    return node.op == "constant" and node.args[0] in (values or node.args)


def unit_of(node, units, known):
    """Return the unit of a traced quantity, given those of its symbols."""
    if id(node) not in known:
        known[id(node)] = node, _unit_of(node, units, known)  # keeping the node keeps its id
    return known[id(node)][1]


def _unit_of(node, units, known):
    if node.op == "symbol":
        return units[node.args[0]]
    if node.op == "constant":
        return ANY if is_constant(node, 0) else PURE
    parts = node.args
    if node.op == "where" and parts[0].op == "equal" and is_constant(parts[0].args[1], 0):
        # Being 0 has no unit, and nor has the 1 by which a rule then divides.
        parts = [part for part in parts[1:] if not is_constant(part)]
    of_parts = [unit_of(part, units, known) for part in parts]
    if node.op == "multiply":
        return product(*of_parts)
    if node.op == "divide":
        return product(*of_parts, sign=-1)
    if node.op == "sqrt":
        return of_parts[0] and (of_parts[0][0] / 2, of_parts[0][1] / 2)
    if node.op == "sign":
        return PURE
    if node.op == "power_by_squaring":
        return alike([*of_parts, PURE])
    if node.op == "where":
        return alike(of_parts[-2:])
    assert node.op in {
        "add", "subtract", "negative", "absolute", "maximum", "minimum", "scale",
        "less", "less_equal", "equal",
    }, node.op  # fmt: skip
    unit = alike(of_parts)
    return PURE if node.op in ("less", "less_equal", "equal") else unit


def powers(unit):
    found = invariances.exponents(unit)
    return float(found["w"]), float(found["J"])


@functools.cache
def traced_steps(name):
    """Return the coordinates of a rule's first three steps as traced formulas."""
    first, *others = (
        replace(link, **{rate: symbol(rate) for rate in link.rates()})
        for link in links(TABLE[name].rule)
    )
    rule = functools.reduce(lambda a, b: a >> b, others, first)
    memory, steps = rule.start(), []
    for t in range(3):
        step, memory = rule.step(vector("g", 6), memory, t, vector("w", 6), lambda w: symbol("J"))
        steps += list(step)
    return steps


def steps_unit(name, units):
    """Return the unit of a rule's steps, the unit of each of its hyper-parameters being given."""
    units = {rate: powers(unit) if isinstance(unit, str) else unit for rate, unit in units.items()}
    units |= {f"g{i}": powers("J/w") for i in range(6)} | {f"w{i}": powers("w") for i in range(6)}
    known = {}
    return alike([unit_of(step, {**units, "J": powers("J")}, known) for step in traced_steps(name)])


def is_consistent(name, units):
    """Tell whether a rule's formula is consistent, and its steps have the unit of w."""
    try:
        return steps_unit(name, units) == powers("w")
    except Inconsistent:
        return False


@pytest.mark.parametrize("name", TRACED)
def test_a_rule_follows_other_units_if_and_only_if_its_formula_is_consistent(name):
    row = TABLE[name]
    follows = [row.verdicts[column].follows for column in ("J → aJ", "w = sz")]
    assert follows == [is_consistent(name, row.units)] * 2


@pytest.mark.parametrize("name", sorted(set(TRACED) - {"adadelta"}))
def test_no_hyper_parameter_could_have_another_unit(name):
    units = TABLE[name].units
    for rate, unit in units.items():
        for factor in ("w", "J", "1/w", "1/J", "J/w"):
            assert not is_consistent(name, {**units, rate: product(powers(unit), powers(factor))})


def test_adadelta_is_consistent_in_no_unit_of_its_eps():
    for unit in itertools.product(np.arange(-4, 5) / 2, repeat=2):
        assert not is_consistent("adadelta", {**TABLE["adadelta"].units, "eps": unit})


def test_only_a_look_at_w_needs_no_number_with_a_unit():
    # Multiply J by a, measure w in another unit: something must be converted, or w itself seen.
    needs_none = [
        name for name, row in TABLE.items() if row.cell("J → aJ") == row.cell("w = sz") == "yes"
    ]
    assert needs_none == ["Trust"]
    assert not TABLE["Trust"].verdicts["w = z + b"].follows


def test_units_are_read_as_they_are_written():
    w, J = sp.symbols("w J")
    for unit in {letter.unit for letter in LETTERS.values()} | {"1/w", "1/J"}:
        read = invariances.exponents(unit)
        assert w ** read["w"] * J ** read["J"] == sp.sympify(unit.replace("²", "**2"))


# ------------------------------------------------------------------------- what a reader sees


def test_what_cells_say():
    said = {
        ("gd", "w = sz"): "α/s²",
        ("clipped", "w = sz"): "α/s², η/s",
        ("adam", "J → aJ"): "ε·a, ε₀·a²",
        ("adam", "g → Dg"): "ε = ε₀ = 0",
        ("WeightDecay", "w = sz"): "λ·s², α/s²",
        ("Trust", "w = sz"): "yes",
        ("lamb", "w = Dz"): "by blocks, ε = λ = 0",
        ("polyak", "J → J + k"): "J* + k",
        ("adadelta", "J → aJ"): "no",
    }
    assert said == {(name, column): TABLE[name].cell(column) for name, column in said}


def test_the_table_shows_every_cell_as_text_and_as_html():
    shown = invariances.table()
    head, *lines = repr(shown).splitlines()
    assert head.split("  ")[0] == "rule"
    assert len(lines) == len(TABLE)
    texts = []
    parser = html.parser.HTMLParser()
    parser.handle_data = lambda text: texts.append(text) if text.strip() else None
    parser.feed(shown._repr_html_())
    expected = [[row.label, *map(row.cell, TRANSFORMATIONS)] for row in TABLE.values()]
    assert texts == ["rule", *TRANSFORMATIONS, *itertools.chain(*expected)]
    assert [re.split(" {2,}", line) for line in lines] == expected


def test_a_schedule_is_converted_like_a_number():
    change = EXAMPLE.changes["w = sz"]
    rule = ngd(schedules.inverse_sqrt(0.3))
    assert deviation(rule, change, EXAMPLE.J, EXAMPLE.start) < ROUNDING
    assert deviation(rule, change, EXAMPLE.J, EXAMPLE.start, units={}) > STRAYED


def test_a_table_of_some_rules():
    assert list(invariances.table(["ngd", "gd"]).rows) == ["ngd", "gd"]
    with pytest.raises(ValueError, match=r"names must be names of rules.*got \['sgd'\]"):
        invariances.table(["gd", "sgd"])
