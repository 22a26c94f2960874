"""Checks of exercises: right answers in any form pass, each wrong one hears what is wrong."""

import importlib
import math
import pkgutil
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import normgd as ng
from normgd import exercises
from normgd.exercises import Exercise, Feedback

UNIT = Exercise(
    "my_unit(g)",
    solution=ng.unit,
    cases=lambda rng: [(rng.normal(size=2),), (np.array([3e-200, 4e-200]),), (np.zeros(2),)],
    mistakes=[
        (lambda g: g / np.linalg.norm(g) ** 2, "You divide by the square of the norm."),
        (lambda g: np.sign(g), "That is the sign of each coordinate."),
        (lambda g: g / np.abs(g).max() if g.any() else g, "That norm is the largest coordinate."),
        (lambda g: g / np.sqrt((g * g).sum()), "Squares of 1e-200 are 0, and 0/0 is NaN."),
    ],
    praise="It survives subnormals, too.",
)
HEAVY_BALL = Exercise(
    "heavy_ball",
    solution=ng.momentum(0.1, 0.9),
    cases=lambda rng: [rng.normal(size=(5, 2)), [[1.0], [0.0], [0.0]]],
    mistakes=[
        (ng.gd(0.1), "It has no memory."),
        (ng.Average(0.9) >> ng.gd(0.1), "You average, with 1 - beta; here gradients add up."),
        (ng.momentum(0.1, 0.1), "beta and alpha are exchanged."),
    ],
)
CYCLE = Exercise("the cycle", solution=[-0.35, 0.40], mistakes=[([-0.35, 0.35], "Not symmetric.")])
FATES = Exercise("fates", solution={"gd": "lands", "ngd": "bounces"})
ALL = [UNIT, HEAVY_BALL, CYCLE, FATES]


def another_heavy_ball(g, velocity):
    velocity = 0.9 * velocity - 0.1 * g
    return -velocity, velocity


class MyHeavyBall(ng.Rule):
    alpha: float = 0.1

    def __call__(self, g, m):
        m *= 0.9
        m = m + g
        return self.alpha * m, m


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        *((exercise, exercise.solution) for exercise in ALL),
        (UNIT, lambda g: [x / (math.hypot(*g) or 1) for x in g]),
        (HEAVY_BALL, another_heavy_ball),
        (HEAVY_BALL, MyHeavyBall()),
        (HEAVY_BALL, ng.Momentum(0.9) >> ng.gd(0.1)),
        (CYCLE, np.array([-0.35, 0.4000000001])),
        (CYCLE, (-0.35, 0.4)),
        (FATES, {"ngd": " Bounces", "gd": "lands"}),
    ],
)
def test_right_answers_pass_in_every_form(exercise, answer):
    feedback = exercise.check(answer)
    assert feedback
    assert repr(feedback) == f"Right. {exercise.praise}".rstrip()


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.name)
def test_each_known_mistake_hears_its_own_feedback(exercise):
    for answer, text in exercise.mistakes:
        assert exercise.check(answer) == Feedback(False, text)
    assert len({text for _, text in exercise.mistakes}) == len(exercise.mistakes)


@pytest.mark.parametrize(
    ("exercise", "answer", "text"),
    [
        (UNIT, lambda g: -ng.unit(g), r"my_unit\(g\) has the wrong sign\."),
        (UNIT, lambda g: 2 * ng.unit(g), r"is 2 times as large as it should be\."),
        (UNIT, lambda g: 1.0, r"has the shape \(\) for \[.*\]; it should have \(2,\)\."),
        (UNIT, lambda g: ng.unit(g) + 1e-3, r"is \[.*\] for \[.*\]; it should be \[.*\]\."),
        (UNIT, lambda g: None, r"returns nothing: does it end with return\?"),
        (UNIT, lambda g: print, "must be a number or an array of them; it is <built-in"),
        (UNIT, lambda: 0, r"raises TypeError\(.* 0 positional"),
        (UNIT, lambda g: 1 / 0, r"raises ZeroDivisionError\('division by zero'\) for \["),
        (UNIT, [1, 2], r"must be a function; it is \[1, 2\]"),
        (HEAVY_BALL, ng.gd, "heavy_ball is no rule: .* the class gd without its"),
        (HEAVY_BALL, 0.1, "heavy_ball is no rule"),
        (HEAVY_BALL, lambda g, m: g, r"raises ValueError\(.*must return its step and the new m"),
        (HEAVY_BALL, lambda g: 3 * g[5], r"raises IndexError\(.* for the gradient \["),
        (HEAVY_BALL, ng.momentum(0.1, 0.8), r"in step 1 with the gradient \[.*; it should be"),
        (HEAVY_BALL, ng.momentum(0.3, 0.9), "is 3 times as large as it should be"),
        (CYCLE, [-0.35, 0.4, -0.35], r"the cycle has the shape \(3,\); it should have \(2,\)"),
        (CYCLE, "bounces", "the cycle is something else"),
        (CYCLE, None, "it should have"),
        (CYCLE, math.nan, r"has the shape \(\)"),
        (FATES, {"gd": "bounces", "ngd": "bounces"}, "fates is something else"),
        (FATES, {"gd": "lands"}, "fates must have the keys gd, ngd"),
        (FATES, "lands", "fates must have the keys gd, ngd"),
    ],
)
def test_other_wrong_answers_hear_what_can_be_told(exercise, answer, text):
    feedback = exercise.check(answer)
    assert not feedback
    assert repr(feedback).startswith("Not yet. ")
    assert re.search(text, feedback.text), feedback.text


def test_an_answer_cannot_spoil_the_cases():
    def greedy(g):
        g *= 0
        return g

    assert not UNIT.check(greedy)
    assert UNIT.check(ng.unit)
    seen = []
    UNIT.check(lambda g: seen.append(g.copy()))
    UNIT.check(lambda g: seen.append(g.copy()))
    assert np.array_equal(seen[0], seen[1])


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(anything)
def test_a_check_never_raises_on_an_answer(answer):
    for exercise in ALL:
        assert isinstance(exercise.check(answer), Feedback)
        assert isinstance(exercise.check(lambda *given: answer), Feedback)


def test_nor_on_one_that_raises_where_nobody_expects_code():
    class Bad:
        def __array__(self, *_, **__):
            raise RuntimeError("no array")

        def __repr__(self):
            raise RuntimeError("no repr")

    class BadMapping(dict):
        def keys(self):
            raise KeyError("no keys")

    def leave(g):
        raise SystemExit

    for answer in (Bad(), lambda g: Bad(), BadMapping(), leave, lambda g, m: (Bad(), m)):
        for exercise in ALL:
            assert not exercise.check(answer)


def test_feedback_is_text_and_html():
    shown = Feedback(False, "a < b")._repr_html_()
    assert "Not yet." in shown
    assert "a &lt; b" in shown
    assert 'role="status"' in Feedback(True)._repr_html_()


def test_an_exercise_that_cannot_be_checked_is_refused():
    with pytest.raises(TypeError, match="cases must be given: f is compared by what it does"):
        Exercise("f", solution=abs)
    with pytest.raises(TypeError, match="the solution of f raises ZeroDivisionError"):
        Exercise("f", solution=lambda x: 1 / x, cases=lambda rng: [(0,)])


# --- the exercises of the chapters --------------------------------------------------------

CHAPTERS = {
    f"{found.name}.{name}": exercise
    for found in pkgutil.iter_modules(exercises.__path__)
    for name, exercise in vars(importlib.import_module(f"normgd.exercises.{found.name}")).items()
    if isinstance(exercise, Exercise)
}
of_the_chapters = pytest.mark.parametrize("exercise", CHAPTERS.values(), ids=CHAPTERS)


@of_the_chapters
def test_the_model_answer_is_praised(exercise):
    assert exercise.praise
    assert exercise.check(exercise.solution) == Feedback(True, exercise.praise)


@of_the_chapters
def test_each_typical_mistake_hears_what_is_wrong_with_it(exercise):
    assert len(exercise.mistakes) >= 3
    for answer, text in exercise.mistakes:
        assert exercise.check(answer) == Feedback(False, text)


def test_no_two_mistakes_hear_the_same():
    said = [text for exercise in CHAPTERS.values() for _, text in exercise.mistakes]
    assert len(said) == len(set(said))


def numbers(text):
    return {float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text)}


@of_the_chapters
def test_what_is_said_does_not_give_the_answer_away(exercise):
    # The praise stands on the page, beside the folded solution.
    said = [exercise.praise, *(text for _, text in exercise.mistakes)]
    if isinstance(exercise.solution, (int, float)):
        assert exercise.solution not in set().union(*map(numbers, said))
