r"""Exercises that answer: a check says of a wrong answer what is wrong about it.

>>> halve = Exercise(
...     "halve",
...     solution=lambda x: x / 2,
...     cases=lambda rng: [(0.0,), (rng.normal(),)],
...     mistakes=[(lambda x: x // 2, "// rounds down to a whole number.")],
... )
>>> halve.check(lambda x: 0.5 * x)
Right.
>>> halve.check(lambda x: x // 2)
Not yet. // rounds down to a whole number.

A misconception is written down as the answer of somebody who has it.  The check runs the learner's
answer on seeded cases; if it is not the solution but does what a known mistake does, that mistake's
feedback is given.  A check raises on no answer, whatever that raises; it cannot end one that never
ends.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

import numpy as np

from ..rule import Rule, as_rule


class Mistake(NamedTuple):
    """A misconception: what somebody who has it answers, and what to tell them."""

    answer: Any
    feedback: str


@dataclass(frozen=True)
class Feedback:
    """What a check says; true if the answer is right.

    Attributes
    ----------
    right : bool
        Whether the answer is right.
    text : str
        What there is to say about it.
    """

    right: bool
    text: str = ""

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"{'Right.' if self.right else 'Not yet.'} {self.text}".rstrip()

    def _repr_html_(self) -> str:
        mark, kind = ("✓ Right.", "right") if self.right else ("✗ Not yet.", "wrong")
        return (
            f'<p class="normgd-feedback normgd-{kind}" role="status"><strong>{mark}</strong> '
            f"{escape(self.text)}</p>"
        )


class _Failure(Exception):
    """What an answer did instead of answering."""


@dataclass(frozen=True)
class Exercise:
    """A question's solution and the mistakes it is known for.

    Parameters
    ----------
    name : str
        What the answer is called in feedback, such as the name of the function asked for.
    solution : callable, Rule, number, array, string or mapping
        The model answer.  A function is compared by its values on the cases, a rule by its steps,
        a mapping key by key, everything else by itself.
    cases : callable, optional
        ``rng -> cases``: for a function a list of tuples of arguments, for a rule a list of lists
        of gradients.  Drawn again, and the same, at every check.
    mistakes : sequence of pairs (answer, feedback)
        What is looked for in a wrong answer, in this order.
    praise : str
        What to add to a right answer.
    tolerance : float
        The largest error of a right number, relative to the largest number beside it.

    Raises
    ------
    TypeError
        If ``cases`` is missing for a solution that is run, or makes the solution itself fail.
    """

    name: str
    solution: Any
    cases: Callable[[np.random.Generator], Iterable[Any]] | None = None
    mistakes: Sequence[tuple[Any, str]] = ()
    praise: str = ""
    tolerance: float = 1e-6

    def __post_init__(self) -> None:
        if callable(self.solution) and self.cases is None:
            raise TypeError(f"cases must be given: {self.name} is compared by what it does")
        object.__setattr__(self, "mistakes", tuple(Mistake(*pair) for pair in self.mistakes))
        try:
            self._outcome(self.solution)
        except _Failure as error:
            raise TypeError(f"the solution of {self.name} {error}") from error

    def check(self, answer: Any) -> Feedback:
        """Say whether an answer is right, and if not, what is wrong about it."""
        expected = self._outcome(self.solution)
        try:
            given = self._outcome(answer)
        except _Failure as error:
            return Feedback(False, f"{self.name} {error}.")
        except (Exception, SystemExit) as error:  # where nobody expects code: in its repr, say
            return Feedback(False, f"{self.name} raises {error!r}.")
        if self._same(given, expected):
            return Feedback(True, self.praise)
        for wrong, feedback in self.mistakes:
            try:
                if self._same(given, self._outcome(wrong)):
                    return Feedback(False, feedback)
            except _Failure:  # a mistake that fails is one that was told apart above
                continue
        return Feedback(False, self._difference(given, expected))

    # ------------------------------------------------------------------- what an answer does

    def _outcome(self, answer: Any) -> dict[str, Any]:
        """Return the numbers by which an answer is compared, by where they come from."""
        if isinstance(self.solution, Mapping):
            if not isinstance(answer, Mapping) or answer.keys() != self.solution.keys():
                raise _Failure(f"must have the keys {', '.join(map(str, self.solution))}")
            return {f" for {key}": self._value(value) for key, value in answer.items()}
        if not callable(self.solution):
            return {"": self._value(answer)}
        cases = list(self.cases(np.random.default_rng(0))) if self.cases else []
        if not isinstance(self.solution, Rule):
            return {self._told(case): self._called(answer, case) for case in cases}
        try:
            rule = as_rule(answer)
        except TypeError as error:
            raise _Failure(f"is no rule: {error}") from error
        return {
            f" in step {t} with the gradient {np.asarray(gs[t])}": step
            for gs in cases
            for t, step in enumerate(self._steps(rule, gs))
        }

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return value.strip().casefold()
        try:
            return np.asarray(value, dtype=float)
        except (TypeError, ValueError) as error:
            raise _Failure(f"must be a number or an array of them; it is {value!r}") from error

    def _called(self, answer: Any, arguments: Sequence[Any]) -> Any:
        if not callable(answer):
            raise _Failure(f"must be a function; it is {answer!r}")
        try:
            with np.errstate(all="ignore"):
                value = answer(*copy.deepcopy(arguments))
        except Exception as error:  # whatever a learner's code raises is an answer
            raise _Failure(f"raises {error!r}{self._told(arguments)}") from error
        if value is None:
            raise _Failure("returns nothing: does it end with return?")
        return self._value(value)

    def _steps(self, rule: Rule, gradients: Sequence[Any]) -> Iterable[Any]:
        memory = rule.start()
        for t, g in enumerate(gradients):
            try:
                with np.errstate(all="ignore"):
                    step, memory = rule.step(np.array(g, dtype=float), memory, t)
            except Exception as error:
                raise _Failure(f"raises {error!r} for the gradient {np.asarray(g)}") from error
            yield self._value(step)

    @staticmethod
    def _told(arguments: Sequence[Any]) -> str:
        return " for " + ", ".join(f"{argument}" for argument in arguments)

    # ------------------------------------------------------------------------ how it differs

    def _close(self, a: Any, b: Any) -> bool:
        if isinstance(a, str) or isinstance(b, str):
            return bool(isinstance(a, str) and isinstance(b, str) and a == b)
        if a.shape != b.shape:
            return False
        finite = np.abs(b[np.isfinite(b)])
        largest = float(finite.max()) if finite.size else 0.0
        return np.allclose(a, b, rtol=0, atol=self.tolerance * largest, equal_nan=True)

    def _same(self, given: dict[str, Any], other: dict[str, Any]) -> bool:
        return all(self._close(given[key], value) for key, value in other.items())

    def _difference(self, given: dict[str, Any], expected: dict[str, Any]) -> str:
        """Say what is wrong about an answer that shows no known mistake."""
        texts = [value for value in (*given.values(), *expected.values()) if isinstance(value, str)]
        if texts:
            return f"{self.name} is something else."
        for where, value in expected.items():
            if given[where].shape != value.shape:
                return (
                    f"{self.name} has the shape {given[where].shape}{where}; it should have "
                    f"{value.shape}."
                )
        if self._same({key: -value for key, value in given.items()}, expected):
            return f"{self.name} has the wrong sign."
        factor = self._factor(given, expected)
        if factor is not None:
            return f"{self.name} is {factor:.6g} times as large as it should be."
        where = next(key for key, value in expected.items() if not self._close(given[key], value))
        if callable(self.solution):  # one value does not give a function away
            return f"{self.name} is {given[where]}{where}; it should be {expected[where]}."
        return f"{self.name}{where} is not {given[where]}."

    def _factor(self, given: dict[str, Any], expected: dict[str, Any]) -> float | None:
        """Return by what one number all are too large, if there is one and it can be told."""
        a = np.concatenate([given[key].ravel() for key in expected])
        b = np.concatenate([value.ravel() for value in expected.values()])
        if len(b) < 2 or not np.isfinite(a).all() or not b @ b:
            return None
        factor = float(a @ b / (b @ b))
        scaled = {key: factor * value for key, value in expected.items()}
        return factor if factor and self._same(given, scaled) else None


__all__ = ["Exercise", "Feedback", "Mistake"]
