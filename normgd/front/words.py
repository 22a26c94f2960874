"""What a page calls rules and landscapes: labels, letters, and the code to copy."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Sequence

from .. import functions, rules, schedules
from ..functions import Function
from ..rule import Chain, Rule, _show, as_rule

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "eps": "ε", "eta": "η", "lam": "λ",
    "mu": "μ", "nu": "ν", "rho": "ρ", "sigma": "σ", "tau": "τ", "theta": "θ",
    # As in the formulas, where a name stands for a letter.
    "eps_root": "ε₀", "shrink": "τ", "grow": "τ₊", "decay": "λ", "warmup": "ω", "at_zero": "γ₀",
    "J_star": "J*", "r_eps": "rε",
}  # fmt: skip
SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def field(name: str) -> str:
    """Return the name of a hyper-parameter without the number of its link in a chain."""
    return re.sub(r"_\d+$", "", name)


def letter(name: str) -> str:
    """Return the letter of a hyper-parameter: of ``beta1`` it is β₁."""
    name = field(name)
    word = name.rstrip("0123456789")
    return GREEK.get(word, word) + name[len(word) :].translate(SUBSCRIPT)


def scheduled(rule: Rule) -> str:
    """Tell the hyper-parameters that have no slider because they change with t."""
    if isinstance(rule, Chain):
        return ", ".join(filter(None, map(scheduled, rule.rules)))
    rates = rule.rates().items()
    return ", ".join(f"{letter(name)} = {_show(rate)}" for name, rate in rates if callable(rate))


def labels(rules: Sequence[Rule]) -> list[str]:
    """Name the rules by their kind, numbered where a kind comes twice."""

    def kind(rule: Rule) -> str:
        if isinstance(rule, Chain):
            return " >> ".join(map(kind, rule.rules))
        return type(rule).__name__.replace("<lambda>", "rule")

    kinds = [kind(rule) for rule in rules]
    count, seen = Counter(kinds), Counter[str]()
    names = []
    for name in kinds:
        seen[name] += 1
        names.append(f"{name} {seen[name]}" if count[name] > 1 else name)
    return names


# -------------------------------------------------------------------------- the code to copy


def landscape_code(J: Function) -> str:
    """Return J as Python code, or the name ``J`` if no short expression imports it."""
    if getattr(functions, J.name, None) is J:
        return f"ng.functions.{J.name}"
    if J._made_by is None:
        return "J"
    make, inputs = J._made_by
    values = [*map(repr, inputs), *(f"{name}={value!r}" for name, value in make.keywords.items())]
    code = f"{make.func.__name__}({', '.join(values)})"
    try:
        for value in (*inputs, *make.keywords.values()):
            ast.literal_eval(repr(value))
    except (SyntaxError, ValueError):  # arrays, say
        return "J"
    return f"ng.functions.{code}" if len(code) < 100 else "J"


def rule_code(rule: Rule, suffix: str = "") -> str:
    """Return a rule as Python code, with ``{eta}`` where a slider's number belongs."""
    if isinstance(rule, Chain):
        return " >> ".join(rule_code(link, f"_{i}") for i, link in enumerate(rule.rules))
    kind = type(rule).__name__
    if type(rule).__module__ == as_rule.__module__:  # a plain function
        return kind.replace("<lambda>", "rule")
    values = []
    for name, value in rule._fields().items():
        if isinstance(value, float) and name in rule.rates():
            text = f"{{{name}{suffix}}}"
        elif type(value).__module__ == schedules.__name__:
            text = re.sub(r"\b[a-z_]+\(", r"ng.schedules.\g<0>", repr(value))
        else:
            text = _show(value)
        values.append(f"{name}={text}")
    code = f"{kind}({', '.join(values)})"
    return f"ng.{code}" if getattr(rules, kind, None) is type(rule) else code
