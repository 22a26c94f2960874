"""A rule on a landscape as JavaScript: what the explorer in the page iterates.

Nothing is written twice.  The Python code of the rule and of the landscape runs once on symbols,
and its record is printed (:mod:`normgd.symbols`).
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np

from .functions import as_function
from .rule import Chain, Rule, as_rule
from .symbols import is_symbolic, symbol, to_javascript

INEXACT = re.compile(r"Math\.(?!sqrt|abs|sign)")  # all but + - * / and roots, which round alike
UNTRACED = (AttributeError, IndexError, TypeError)  # what code raises that does not run on symbols


def _name_rates(rule: Rule, suffix: str = "") -> tuple[Rule, dict[str, float]]:
    """Replace every numeric hyper-parameter by a symbol; return the rule and the numbers.

    A schedule whose values JavaScript would not compute to the last bit, or not at all, is replaced
    by a symbol too: an entry of its table.
    """
    if isinstance(rule, Chain):
        named = [_name_rates(link, f"_{i}") for i, link in enumerate(rule.rules)]
        return Chain(tuple(link for link, _ in named)), {
            k: v for _, d in named for k, v in d.items()
        }
    if rule.batch_shape():
        raise ValueError(f"the hyper-parameters of {rule!r} must be single numbers, not arrays")
    numbers = {name: rate for name, rate in rule.rates().items() if isinstance(rate, float)}
    symbols = {name: symbol(f"p.{name}{suffix}") for name in numbers}
    symbols |= {name: symbol(f"p.{name}{suffix}[t]") for name in _tabulated(rule)}
    named_rule = dataclasses.replace(rule, **symbols) if symbols else rule
    return named_rule, {name + suffix: value for name, value in numbers.items()}


def _tabulated(rule: Rule) -> list[str]:
    """List the hyper-parameters of a rule whose schedules need a table."""
    rates = rule.rates().items()
    return [name for name, rate in rates if callable(rate) and not _is_exact(rate)]


def _is_exact(schedule: Any) -> bool:
    """Tell whether JavaScript computes a schedule's values to the last bit."""
    try:
        body, _ = to_javascript([schedule(symbol("t"))])
    except UNTRACED:
        return False
    return not INEXACT.search(body)


def _tables(rule: Rule, steps: int) -> dict[str, list[float]]:
    """Return the values at t = 0, 1, ... of the schedules that need a table."""
    if isinstance(rule, Chain):
        tables = [_tables(link, steps) for link in rule.rules]
        return {f"{k}_{i}": v for i, table in enumerate(tables) for k, v in table.items()}
    if not (names := _tabulated(rule)):
        return {}
    rules = [rule.at(t) for t in range(steps)]
    return {name: [getattr(rule, name) for rule in rules] for name in names}


def _leaves(memory: Any) -> list[Any]:
    """List the numbers or symbols in a rule's nested memory."""
    if isinstance(memory, (tuple, list)) or (isinstance(memory, np.ndarray) and memory.ndim):
        return [leaf for item in memory for leaf in _leaves(item)]
    return [memory]


def _as_symbols(memory: Any, names: Any) -> Any:
    """Return a memory of the same shape whose numbers are fresh symbols."""
    if isinstance(memory, tuple):
        return tuple(_as_symbols(item, names) for item in memory)
    if isinstance(memory, np.ndarray) and memory.ndim:
        return np.array([_as_symbols(item, names) for item in memory], dtype=object)
    return symbol(next(names))


def javascript(rule: Any, J: Any, d: int = 2, steps: int = 0) -> dict[str, Any]:
    """Print one step of ``rule`` on ``J`` in ``d`` coordinates as JavaScript.

    A schedule is printed with the rest if JavaScript computes it to the last bit.  One with a
    cosine or a power, whose last bit may differ, becomes a table, and so does one that branches on
    t: ``steps`` values long.

    Returns
    -------
    dict
        ``step``: the body of a function of ``w`` (array of d numbers), ``m`` (the memory, flat),
        ``t`` and ``p`` (the hyper-parameters by name) that returns ``[new w, new m]``;
        ``memory``: how many zeros ``m`` starts with; ``rates``: the numbers in ``p``;
        ``tables``: the arrays in ``p``.

    Raises
    ------
    TypeError
        If the rule or the landscape cannot be traced, because it branches on values
        (``line_search``) or calls what symbols do not have (the SVD of ``Polar``).
    ValueError
        If a hyper-parameter is an array, or J does not have ``d`` coordinates.

    Examples
    --------
    >>> from normgd import functions, gd
    >>> print(javascript(gd(alpha=0.5), functions.absolute, d=1)["step"])
    const _0 = Math.sign(w[0]);
    const _1 = p.alpha * _0;
    const _2 = w[0] - _1;
    return [[_2], []];
    """
    J, rule = as_function(J), as_rule(rule)
    named, rates = _name_rates(rule)
    w = np.array([symbol(f"w[{i}]") for i in range(d)], dtype=object)
    t = symbol("t")
    try:
        g = J.grad(w)
        # The first step, from a memory of zeros, shows which memories are vectors.
        _, after = named.step(g, named.start(), t, w, J)
        size = len(_leaves(after))
        memory = _as_symbols(after, (f"m[{i}]" for i in range(size)))
        step, after = named.step(g, memory, t, w, J)
    except UNTRACED as error:
        raise TypeError(
            f"{rule!r} on {J.name} cannot be printed as JavaScript, "
            f"because its code does not run on symbols: {error}"
        ) from error
    if not is_symbolic(step) or np.shape(step) != (d,):
        raise TypeError(f"{rule!r} must return a step of {d} coordinates that depends on g")
    body, results = to_javascript([*(w - step), *_leaves(after)])
    new_w, new_m = ", ".join(results[:d]), ", ".join(results[d:])
    return {
        "step": f"{body}\nreturn [[{new_w}], [{new_m}]];".lstrip(),
        "memory": size,
        "rates": rates,
        "tables": _tables(rule, steps),
    }


def javascript_value(J: Any, d: int = 2) -> str:
    """Print ``J`` as JavaScript: the body of a function of ``w`` that returns J(w).

    Raises
    ------
    TypeError
        If J cannot be traced, because it branches on values.

    Examples
    --------
    >>> from normgd import functions
    >>> print(javascript_value(functions.saddle))
    const _0 = w[0] * w[0];
    const _1 = w[1] * w[1];
    const _2 = _0 - _1;
    return _2;
    """
    w = np.array([symbol(f"w[{i}]") for i in range(d)], dtype=object)
    J = as_function(J)
    try:
        value = J.value(w)
    except UNTRACED as error:
        raise TypeError(
            f"{J.name} cannot be printed as JavaScript, "
            f"because its code does not run on symbols: {error}"
        ) from error
    body, (result,) = to_javascript([value])
    return f"{body}\nreturn {result};".lstrip()


__all__ = ["javascript", "javascript_value"]
