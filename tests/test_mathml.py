"""MathML: the same formula as the LaTeX, element for element."""

import inspect
import xml.etree.ElementTree as ET

import pytest

import normgd as ng
from normgd.front.mathml import mathml

ONE_LESS = "<mn>1</mn><mo>−</mo>"
FORMULAS = [
    ("w_t", "<msub><mi>w</mi><mi>t</mi></msub>"),
    ("m^2", "<msup><mi>m</mi><mn>2</mn></msup>"),
    (r"\beta_2^{1-t}", f"<msubsup><mi>β</mi><mn>2</mn><mrow>{ONE_LESS}<mi>t</mi></mrow></msubsup>"),
    (r"\alpha'_t", "<msubsup><mi>α</mi><mi>t</mi><mo>′</mo></msubsup>"),
    ("g'^2", "<msup><mi>g</mi><mrow><mo>′</mo><mn>2</mn></mrow></msup>"),
    (r"\hat m_t", '<msub><mover accent="true"><mi>m</mi><mo>^</mo></mover><mi>t</mi></msub>'),
    (r"0.25 \cdot 10^8", "<mn>0.25</mn><mo>⋅</mo><msup><mn>10</mn><mn>8</mn></msup>"),
    (r"\frac g{2}", "<mfrac><mi>g</mi><mrow><mn>2</mn></mrow></mfrac>"),
    (r"\sqrt{v}", "<msqrt><mrow><mi>v</mi></mrow></msqrt>"),
    (
        r"\left(1 - \varepsilon\right)^2",
        f"<msup><mrow><mo>(</mo>{ONE_LESS}<mi>ε</mi><mo>)</mo></mrow><mn>2</mn></msup>",
    ),
    (r"\operatorname{newton schulz} g", "<mi>newton schulz</mi><mo>\u2061</mo><mi>g</mi>"),
    (
        r"\lVert g \rVert_1",
        '<mo form="prefix" stretchy="false">‖</mo><mi>g</mi>'
        '<msub><mo form="postfix" stretchy="false">‖</mo><mn>1</mn></msub>',
    ),
    (r"\text{a < b}", "<mtext>a &lt; b</mtext>"),
    (
        r"\begin{cases} a & t = 0 \\ b & \text{otherwise} \end{cases} c",
        '<mrow><mo>{</mo><mtable columnalign="left">'
        "<mtr><mtd><mi>a</mi></mtd><mtd><mi>t</mi><mo>=</mo><mn>0</mn></mtd></mtr>"
        "<mtr><mtd><mi>b</mi></mtd><mtd><mtext>otherwise</mtext></mtd></mtr>"
        "</mtable></mrow><mi>c</mi>",
    ),
    (r"\unknown", "<mi>unknown</mi>"),
]


def tree(elements: str) -> str:
    return ET.tostring(ET.fromstring(f"<math>{elements}</math>"), encoding="unicode")


@pytest.mark.parametrize(("latex", "elements"), FORMULAS)
def test_it_is_the_formula(latex, elements):
    assert tree(mathml(latex)) == tree(elements)


def with_a_formula(name):
    made = getattr(ng, name)
    required = {"blocks": ((1, 2),), "c": 1.0}
    parameters = inspect.signature(made).parameters
    return made(**{k: required.get(k, 0.5) for k, p in parameters.items() if p.default is p.empty})


# How many children MathML asks of each element.
CHILDREN = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3, "mover": 2, "msqrt": 1}


@pytest.mark.parametrize("name", sorted(set(ng.rules.__all__) - {"line_search"}))
def test_every_rules_formula_is_well_formed_and_leaves_no_latex(name):
    for line in ng.formula(with_a_formula(name)).lines:
        math = ET.fromstring(f"<math>{mathml(line)}</math>")
        for node in math.iter():
            assert len(node) == CHILDREN.get(node.tag, len(node)), line
            assert not set(node.text or "") & set("\\{}_^$&") or node.text in ("^", "{"), line
            assert node.tag != "mi" or len(node.text) == 1 or node.text in FUNCTIONS, line


FUNCTIONS = {"max", "min", "cos", "sign", "greedy", "polar", "newton schulz"}
