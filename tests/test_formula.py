"""Formulas: what is read out of the code is what the textbook has, in its letters."""

import re

import numpy as np
import pytest
import sympy as sp

import normgd as ng
from normgd.formula import formula

R = sp.Symbol


def letters(text):
    return [R(name, real=True) for name in text.split()]


g, w, t = letters("g_t w_t t")
alpha, eta, beta, gamma, rho, lam, c = letters(r"\alpha \eta \beta \gamma \rho \lambda c")
beta1, beta2, eps, eps0 = letters(r"\beta_1 \beta_2 \varepsilon \varepsilon_0")
J_star, r_eps, d0 = letters(r"J^* r_\varepsilon d_0")
m, v, u, s, q, p, d, r = (R(f"{x}_{{t-1}}", real=True) for x in "mvusqpdr")
norm, total = sp.Function("norm"), sp.Function("total")
value, greedy, polar = sp.Function("value"), sp.Function("greedy"), sp.Function("polar")
newton_schulz = sp.Function("newton_schulz")


def average(b, old, new):
    return b * old + (1 - b) * new


def hat(b, x):
    return x / (1 - b ** (t + 1))


m1, v2 = average(beta1, m, g), average(beta2, v, g**2)
adam = hat(beta1, m1) / (sp.sqrt(hat(beta2, v2)) + eps)
q1 = 1 - beta1 * (1 - q)
q2 = 1 - beta1 * (1 - q1)
root = sp.sqrt(1 - beta2 ** (t + 1)) / (1 - beta1 ** (t + 1))
D = sp.Max(d, d0)
far = sp.Max(r, r_eps)

# The step of each rule, as the papers have it: rule: (rule, step).
STEPS = {
    "Unit": (ng.Unit(), g / norm(g)),
    "Sign": (ng.Sign(), sp.sign(g)),
    "Greedy": (ng.Greedy(), greedy(g)),
    "Clip": (ng.Clip(2), sp.Piecewise((g, norm(g) <= c), (c * g / norm(g), True))),
    "ClipEach": (ng.ClipEach(2), sp.Max(-c, sp.Min(c, g))),
    "Momentum": (ng.Momentum(0.5), beta * m + g),
    "Nesterov": (ng.Nesterov(0.5), g + beta * (beta * m + g)),
    "Average": (ng.Average(0.5), average(beta, m, g)),
    "WeightDecay": (ng.WeightDecay(0.5), g + lam * w),
    "Trust": (ng.Trust(), norm(w) * g / norm(g)),
    "Polar": (ng.Polar(((2, 2),)), polar(g)),
    "NewtonSchulz": (ng.NewtonSchulz(((2, 2),)), newton_schulz(g)),
    "gd": (ng.gd(1), alpha * g),
    "ngd": (ng.ngd(1), eta * g / norm(g)),
    "sign": (ng.sign(1), eta * sp.sign(g)),
    "clipped": (ng.clipped(1, 2), sp.Min(alpha * norm(g), eta) * g / norm(g)),
    "momentum": (ng.momentum(1), alpha * (beta * m + g)),
    "nesterov": (ng.nesterov(1), alpha * (g + beta * (beta * m + g))),
    "normalized_momentum": (
        ng.normalized_momentum(1), eta * average(beta, m, g) / norm(average(beta, m, g)),
    ),
    "lion": (ng.lion(), eta * sp.sign(m1)),
    "adagrad": (ng.adagrad(1, 1, 1), eta * g / (sp.sqrt(v + g**2 + eps0) + eps)),
    "adagrad_norm": (ng.adagrad_norm(1), eta * g / sp.sqrt(v + total(g**2))),
    "rmsprop": (ng.rmsprop(1), eta * g / (sp.sqrt(average(rho, v, g**2)) + eps)),
    "rmsprop_norm": (ng.rmsprop_norm(1), eta * g / sp.sqrt(average(rho, v, total(g**2)))),
    "adadelta": (
        ng.adadelta(),
        sp.sqrt(u + eps) / sp.sqrt(average(rho, v, g**2) + eps) * g,
    ),
    "adam": (ng.adam(), eta * adam),
    "amsgrad": (ng.amsgrad(), eta * m1 / sp.sqrt(sp.Max(s, v2))),
    "nadam": (
        ng.nadam(),
        eta * (beta1 * m1 / q2 + (1 - beta1) * g / q1) / (sp.sqrt(hat(beta2, v2)) + eps),
    ),
    "lars": (
        ng.lars(1, decay=1), beta * m + gamma * norm(w) * (g + lam * w) / norm(g + lam * w),
    ),
    "lamb": (ng.lamb(1), gamma * norm(w) * adam / norm(adam)),
    "muon": (ng.muon(1, ((2, 2),)), eta * newton_schulz(average(beta, m, g))),
    "polyak": (ng.polyak(1), sp.Max(value(w) - J_star, 0) * g / norm(g) ** 2),
    "dog": (ng.dog(), gamma * far * g / sp.sqrt(v + total(g**2))),
    "dowg": (ng.dowg(), gamma * far**2 * g / sp.sqrt(v + far**2 * total(g**2))),
    "dadapt": (ng.dadapt(), (s + D * g) / sp.sqrt(v + total(g**2)) - p),
    "dadapt_adam": (
        ng.dadapt_adam(), average(beta1, m, gamma * D * root * g) / (sp.sqrt(v2) + eps),
    ),
}  # fmt: skip

# These are tested by their values only, here or elsewhere; line_search has no formula.
ELSEWHERE = {"prodigy", "barzilai_borwein", "barzilai_borwein_short", "line_search"}


def test_there_is_a_test_of_every_rule():
    assert set(STEPS) | ELSEWHERE == set(ng.rules.__all__)


@pytest.mark.parametrize("name", STEPS)
def test_the_formula_is_the_papers(name):
    rule, step = STEPS[name]
    found = formula(rule).sympy - w
    assert sp.simplify(found + step) == 0, found


def numbers(expression, at):
    """The value of an expression in one dimension, where a norm is an absolute value."""
    whole = expression.replace(norm, sp.Abs).replace(total, lambda x: x)
    return float(whole.subs({R(name, real=True): x for name, x in at.items()}))


def test_what_is_read_computes_what_is_run():
    # Prodigy's second step, from the formula of its steps with the numbers of the first.
    rule = ng.prodigy(gamma=1.5, d0=0.01, beta1=0.8, beta2=0.9, eps=0.1)
    first, memory = rule.step(ng.ops.as_vector([2.0]), rule.start(), 0)
    second, _ = rule.step(ng.ops.as_vector([-0.5]), memory, 1)
    at = {f"{x}_{{t-1}}": np.sum(y) for x, y in zip(rule.memories, memory, strict=True)}
    at |= {r"\gamma": 1.5, "d_0": 0.01, r"\beta_1": 0.8, r"\beta_2": 0.9, r"\varepsilon": 0.1}
    found = numbers(w - formula(rule).sympy, at | {"g_t": -0.5, "t": 1, "w_t": 0})
    assert found == pytest.approx(float(second[0]), rel=1e-12)
    assert first[0] > 0


def test_quantities_keep_the_names_of_the_code_and_come_before_they_are_used():
    assert formula(ng.adam()).lines == [
        r"m_t = \beta_1 m_{t-1} + \left(1 - \beta_1\right) g_t",
        r"v_t = \beta_2 v_{t-1} + \left(1 - \beta_2\right) g_t^2",
        r"\hat m_t = \frac{m_t}{1 - \beta_1^{t + 1}}",
        r"\hat v_t = \frac{v_t}{1 - \beta_2^{t + 1}}",
        r"w_{t+1} = w_t - \eta \frac{\hat m_t}{\sqrt{\hat v_t} + \varepsilon}",
    ]
    for name, (rule, _) in STEPS.items():
        seen = set()
        for line in formula(rule).lines:
            left, right = line.split(" = ", 1)
            assert left not in seen, name
            used = set(re.findall(r"(?<![a-zA-Z])(?:\\hat |\\)?[a-zA-Z]+_t(?![a-zA-Z])", right))
            assert used <= seen | {"g_t", "w_t"}, (name, line)
            seen.add(left)


def test_numbers_may_stand_for_letters_and_zeros_are_left_out():
    assert str(formula(ng.momentum(0.1, 0.9), values=True)) == (
        "m_t = 0.9 m_{t-1} + g_t\nw_{t+1} = w_t - 0.1 m_t"
    )
    assert formula(ng.adam(beta1=0.0, eps=0)).lines[-1] == (
        r"w_{t+1} = w_t - \eta \frac{g_t}{\sqrt{\hat v_t}}"
    )
    assert formula(ng.adam(1e-8), values=True).lines[-1].startswith("w_{t+1} = w_t - 10^{-8} ")


def test_schedules_are_letters_with_an_index():
    annealed = ng.adam(ng.schedules.cosine(1, 9), beta2=lambda t: 0.9)
    lines = formula(annealed).lines
    assert lines[-1].startswith(r"w_{t+1} = w_t - \eta_t \frac")
    assert lines[1].startswith(r"v_t = \beta_{2,t} v_{t-1} + ")


def test_a_chain_is_one_formula():
    assert str(formula(ng.Momentum(0.9) >> ng.Unit() >> ng.gd(0.1))) == (
        "m_t = \\beta m_{t-1} + g_t\n"
        r"w_{t+1} = w_t - \alpha \frac{m_t}{\lVert m_t \rVert}"
    )
    adamw = ng.adam(1) >> ng.WeightDecay(0.01) >> ng.gd(0.1)
    assert formula(adamw, values=True).lines[-1] == (
        r"w_{t+1} = w_t - 0.1 \left(\frac{\hat m_t}{\sqrt{\hat v_t} + 10^{-8}} + 0.01 w_t\right)"
    )
    assert formula(ng.Momentum(0.5) >> ng.momentum(0.1, lambda t: 0.9)).lines == [
        r"m_t = \beta m_{t-1} + g_t",
        r"m'_t = \beta'_t m'_{t-1} + m_t",
        r"w_{t+1} = w_t - \alpha m'_t",
    ]


def test_a_students_rule_has_a_formula():
    class mine(ng.Rule):
        eta: float = 0.5

        def __call__(self, g, m, noise, t):
            m = 0.75 * m + g
            noise_level = abs(g) + noise
            return self.eta * ng.unit(m) / (t + 1), m, noise_level

    assert str(formula(mine())) == (
        "m_t = 0.75 m_{t-1} + g_t\n"
        "\\text{noise}_t = \\lvert g_t \\rvert + \\text{noise}_{t-1}\n"
        "w_{t+1} = w_t - \\frac{\\eta \\frac{m_t}{\\lVert m_t \\rVert}}{t + 1}"
    )
    assert str(formula(lambda g: 2 * g)) == "w_{t+1} = w_t - 2 g_t"


def test_every_operation_is_printed():
    read = {
        lambda g: (1 - g) ** 0.5: r"\sqrt{1 - g_t}",
        lambda g: (g * g) ** 3: r"\left(g_t^2\right)^{3}",
        lambda g: ng.ops.total(g): r"\left(\sum_i g_t\right)",
        lambda g: ng.ops.total(g) * g: r"\left(\sum_i g_t\right) g_t",
        lambda g: ng.ops.total(2 * g): r"\left(\sum_i 2 g_t\right)",
        lambda g: ng.ops.sign(g) * ng.norm(g): (
            r"\left(\operatorname{sign} g_t\right) \lVert g_t \rVert"
        ),
        lambda g: np.square(g) / np.sqrt(g.shape[0]): r"\frac{g_t^2}{\sqrt{d}}",
        lambda g: ng.ops.total(abs(g)): r"\lVert g_t \rVert_1",
        lambda g: ng.ops.dot(g, g + 1): r"\langle g_t, g_t + 1 \rangle",
        lambda g: -g - (g + -2): r"\left(-g_t - \left(g_t - 2\right)\right)",
        lambda g: -1 * (g + 1): r"\left(-\left(g_t + 1\right)\right)",
        lambda g: g * 3: r"g_t \cdot 3",
        lambda g: 1.5e-7 * np.exp(g): r"1.5 \cdot 10^{-7} \exp\left(g_t\right)",
        lambda g: ng.where(ng.ops.less(g, 1), 1, ng.where(ng.ops.less_equal(g, 2), 2, g)): (
            r"\begin{cases} 1 & g_t < 1 \\ 2 & g_t \le 2 \\ g_t & \text{otherwise} \end{cases}"
        ),
        lambda g, w, J: J.grad(w - J(w) * g): (r"\nabla J\left(w_t - J\left(w_t\right) g_t\right)"),
        lambda g: np.tanh(g): r"\operatorname{tanh}\left(g_t\right)",
    }
    for rule, text in read.items():
        (line,) = formula(rule).lines
        assert line == f"w_{{t+1}} = w_t - {text}"


def test_names_mean_what_the_student_means():
    def heavy_ball(g, last, w):
        last_step = last - w
        return 0.1 * g + 0.9 * last_step, w + 0.0 * g

    class mine(ng.Rule):
        my_beta: float = 0.5

        def __call__(self, g):
            a = 2 * g
            return self.my_beta * a

    assert formula(heavy_ball).lines == [
        r"\text{last step}_t = \text{last}_{t-1} - w_t",
        r"w_{t+1} = w_t - \left(0.1 g_t + 0.9 \text{last step}_t\right)",
    ]
    assert formula(mine()).lines == ["a_t = 2 g_t", r"w_{t+1} = w_t - \text{my beta} a_t"]


def test_a_notebook_shows_one_aligned_block():
    shown = formula(ng.momentum(1))._repr_latex_()
    assert shown.startswith("$$\n\\begin{aligned}\nm_t &= ")
    assert shown.endswith("\\end{aligned}\n$$")
    for rule, _ in STEPS.values():
        latex = formula(rule).latex
        assert latex.count("{") == latex.count("}")
        assert latex.count(r"\left") == latex.count(r"\right")
        assert "_t_" not in latex


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (ng.line_search(), r"line_search.* has no formula: its code branches on values"),
        (lambda g: g if g > 0 else -g, "has no formula"),
        (lambda g: g[0] * g, "has no formula: .* looks at single coordinates"),
        (lambda g: g / np.sqrt(np.sum(g * g)), "sum has no formula: use norm and unit"),
        (lambda g: g / np.linalg.norm(g), "norm has no formula: use norm and unit"),
        (lambda g: g / np.max(np.abs(g)), "max has no formula"),
        (lambda g: np.add.reduce(g) * g, "add.reduce has no formula"),
        (lambda g: np.asarray(g) * g, "a letter is no array"),
        (lambda g: g @ g * g, "has no formula"),
        (lambda g: np.sort(g), "sort has no formula"),
        (3, "rule must be a rule such as"),
    ],
)
def test_what_has_no_formula_says_why(mistake, message):
    with pytest.raises(TypeError, match=message):
        formula(mistake)
