r"""The LaTeX of a formula as MathML, which browsers show without any script.

>>> mathml(r"\frac g 2")
'<mfrac><mi>g</mi><mn>2</mn></mfrac>'

It knows what :func:`normgd.formula` writes, and a little more; of a command that it does not know
it shows the name.
"""

from __future__ import annotations

import re
from html import escape
from html.entities import html5

TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d[\d.]*|\S", re.DOTALL)
FENCES = {"lVert": "‖", "rVert": "‖", "lvert": "|", "rvert": "|", "langle": "⟨", "rangle": "⟩"}
OPERATORS = {"cdot": "⋅", "le": "≤", "ge": "≥", "sum": "∑", "times": "×", "in": "∈"}
ACCENTS = {"hat": "^", "tilde": "~", "bar": "¯"}
FUNCTIONS = ("max", "min", "exp", "ln", "log", "cos", "sin", "sign")
APPLY = "<mo>&#x2061;</mo>"


def mathml(latex: str) -> str:
    """Return the elements of a formula, to be put into ``<math>``."""
    return _Reader(latex).row()


class _Reader:
    """Reads a formula from left to right."""

    def __init__(self, latex: str) -> None:
        self.latex = latex
        self.at = 0

    def next(self) -> str:
        """Take the next token; at the end it is empty."""
        match = TOKEN.search(self.latex, self.at)
        self.at = match.end() if match else len(self.latex)
        return match[0] if match else ""

    def upcoming(self) -> str:
        """Look at the next token."""
        at, token = self.at, self.next()
        self.at = at
        return token

    def row(self, *ends: str) -> str:
        """Read up to one of the ends, which is taken."""
        items = []
        while (token := self.next()) and token not in ends:
            items.append(self.scripts(self.item(token)))
        return "".join(items)

    def word(self) -> str:
        """Read ``{...}`` as it stands."""
        match = re.compile(r"\s*\{([^}]*)\}").match(self.latex, self.at)
        self.at = match.end() if match else self.at
        return match[1] if match else ""

    def argument(self) -> str:
        """Read one token or one group, as one element."""
        return self.item(self.next())

    def scripts(self, base: str) -> str:
        """Read the primes, the index and the exponent of what was read."""
        below = above = ""
        while self.upcoming() in ("'", "_", "^"):
            mark = self.next()
            if mark == "_":
                below = self.argument()
            else:
                above += "<mo>′</mo>" if mark == "'" else self.argument()
        if above.count("<mo>′</mo>") and not above.endswith("<mo>′</mo>"):
            above = f"<mrow>{above}</mrow>"
        if below and above:
            return f"<msubsup>{base}{below}{above}</msubsup>"
        if below or above:
            tag = "msub" if below else "msup"
            return f"<{tag}>{base}{below or above}</{tag}>"
        return base

    def item(self, token: str) -> str:
        if token == "{":
            return f"<mrow>{self.row('}')}</mrow>"
        if token.startswith("\\") and token[1:].isalpha():
            return self.command(token[1:])
        if token[:1].isdigit():
            return f"<mn>{token}</mn>"
        if token.isalpha():
            return f"<mi>{token}</mi>"
        return f"<mo>{escape(token.removeprefix(chr(92))).replace('-', '−')}</mo>"

    def command(self, name: str) -> str:
        if name == "frac":
            return f"<mfrac>{self.argument()}{self.argument()}</mfrac>"
        if name == "sqrt":
            return f"<msqrt>{self.argument()}</msqrt>"
        if name in ACCENTS:
            return f'<mover accent="true">{self.argument()}<mo>{ACCENTS[name]}</mo></mover>'
        if name == "text":
            return f"<mtext>{escape(self.word())}</mtext>"
        if name == "operatorname":
            return f"<mi>{escape(self.word())}</mi>{APPLY}"
        if name in FUNCTIONS:
            return f"<mi>{name}</mi>{APPLY}"
        if name == "left":
            opened = escape(self.next())
            inside = self.row(r"\right")
            return f"<mrow><mo>{opened}</mo>{inside}<mo>{escape(self.next())}</mo></mrow>"
        if name in FENCES:
            form = "prefix" if name.startswith("l") else "postfix"
            return f'<mo form="{form}" stretchy="false">{FENCES[name]}</mo>'
        if name in OPERATORS:
            return f"<mo>{OPERATORS[name]}</mo>"
        if name == "begin" and self.word() == "cases":
            return self.cases()
        letter = html5.get({"varepsilon": "epsilon"}.get(name, name) + ";", name)
        return f"<mi>{letter}</mi>"

    def cases(self) -> str:
        inside, _, self.latex = self.latex[self.at :].partition(r"\end{cases}")
        self.at = 0
        rows = ""
        for line in inside.split(r"\\"):
            cells = "".join(f"<mtd>{mathml(cell)}</mtd>" for cell in line.split("&"))
            rows += f"<mtr>{cells}</mtr>"
        return f'<mrow><mo>{{</mo><mtable columnalign="left">{rows}</mtable></mrow>'


__all__ = ["mathml"]
