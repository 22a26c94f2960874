r"""Taylor expansions of landscapes: exact, from the formula that the landscape's code is.

>>> from normgd import functions
>>> near = taylor(functions.rosenbrock, (1, 1))
>>> near.expansion
401*h_1**2 - 400*h_1*h_2 + 100*h_2**2
>>> near.hessian
Matrix([
[ 802, -400],
[-400,  200]])

Nothing is written twice: the landscape's value runs once on symbols (:mod:`normgd.symbols`), and
SymPy differentiates what it records.
"""

from __future__ import annotations

import itertools
import math
import numbers
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .functions import as_function
from .ops import whole
from .symbols import lift, symbol, to_sympy


class Symbolic(NamedTuple):
    r"""A landscape and its derivatives as SymPy expressions: what :func:`symbolic` returns.

    Attributes
    ----------
    w : list of Symbol
        The coordinates :math:`w_1,\dots,w_d`, all real.
    value : Expr
        :math:`J(w)`.
    gradient : Matrix, shape (d, 1)
        :math:`\nabla J(w)`, a column.
    hessian : Matrix, shape (d, d)
        :math:`\nabla^2J(w)`.
    """

    w: list[Any]
    value: Any
    gradient: Any
    hessian: Any


@dataclass(frozen=True, repr=False)
class Taylor:
    r"""A Taylor expansion: what :func:`taylor` returns.  A notebook shows it as mathematics.

    Attributes
    ----------
    name : str
        The landscape's.
    point : tuple of numbers
        Where it is expanded, a, as SymPy numbers.
    order : int
        The highest power of the displacement.
    gradient : Matrix, shape (d, 1)
        :math:`\nabla J(a)`, a column.
    hessian : Matrix, shape (d, d)
        :math:`\nabla^2J(a)`.
    expansion : Expr
        The polynomial in the displacement :math:`h_1,\dots,h_d` that J(a + h) is up to terms of
        higher order.
    """

    name: str
    point: tuple[Any, ...]
    order: int
    gradient: Any
    hessian: Any
    expansion: Any

    def __repr__(self) -> str:
        return f"Taylor({self.name} at {self.point}, order {self.order}: {self.expansion})"

    def _repr_latex_(self) -> str:
        import sympy as sp

        h = _letters("h", len(self.point))
        near = (sp.latex(a + x, order="rev-lex") for a, x in zip(self.point, h, strict=True))
        return rf"$\displaystyle J({', '.join(near)}) \approx {sp.latex(self.expansion)}$"


def _letters(name: str, d: int) -> list[Any]:
    """Return the real SymPy symbols ``name_1 ... name_d``."""
    return [to_sympy(symbol(f"{name}_{i + 1}")) for i in range(d)]


def symbolic(J: Any, d: int) -> Symbolic:
    """Return J in ``d`` coordinates, its gradient and its Hessian as SymPy expressions.

    Parameters
    ----------
    J : Function or callable
        The landscape.
    d : int
        The number of coordinates.

    Raises
    ------
    TypeError
        If J cannot be traced: its value branches on numbers or calls what symbols do not have.
    ValueError
        If J has another number of coordinates.

    Examples
    --------
    >>> from normgd import functions
    >>> w, value, gradient, hessian = symbolic(functions.saddle, d=2)
    >>> value, gradient.T
    (w_1**2 - w_2**2, Matrix([[2*w_1, -2*w_2]]))
    """
    import sympy as sp

    J, d = as_function(J), whole("d", d, 1)
    try:
        traced = J.value(np.array([symbol(f"w_{i + 1}") for i in range(d)], dtype=object))
    except (AttributeError, TypeError) as error:
        raise TypeError(
            f"{J.name} cannot be traced, so it has no formula to expand: {error}"
        ) from error
    w, value = _letters("w", d), sp.sympify(to_sympy(traced))
    return Symbolic(w, value, sp.Matrix([value]).jacobian(w).T, sp.hessian(value, w))


def taylor(J: Any, point: Any, order: int = 2) -> Taylor:
    r"""Expand J around a point in powers of the displacement h.

    .. math:: J(a+h)=\sum_{n\le k}\frac1{n!}\Bigl(\sum_ih_i\,\partial_i\Bigr)^nJ(a)+O(\|h\|^{k+1})

    Parameters
    ----------
    J : Function or callable
        The landscape.
    point : sequence of numbers
        a; a single number in one dimension.  Floats are taken as the decimals that they are
        written as (0.1 is 1/10); fractions and SymPy's numbers are exact.
    order : int
        The highest power k.

    Returns
    -------
    Taylor
        The expansion, and the gradient and the Hessian at the point whatever the order.

    Raises
    ------
    TypeError
        If J cannot be traced or the point is not made of real numbers.
    ValueError
        If the point has the wrong number of coordinates, is not finite or lies outside the domain
        of J, if the formula of J has a kink or a pole there (even one that cancels, as that of
        ``logistic`` where :math:`\langle x_i,w\rangle=0`), or if ``order`` is negative.

    Examples
    --------
    >>> from normgd import functions
    >>> taylor(functions.wall, 0, order=4)
    Taylor(wall at (0,), order 4: h_1**4/24 + h_1**2/2)
    >>> taylor(functions.barrier, 0.5).gradient
    Matrix([[-1]])
    """
    import sympy as sp

    J, order = as_function(J), whole("order", order, 0)
    a = _exact(point)
    at = J.check_point([float(x) for x in a], "point")
    if not np.all(np.isfinite(at)):
        raise ValueError(f"point must be finite; got {point!r}")
    if J.domain is not None and not np.all(J.domain(at)):
        raise ValueError(f"point must lie in the domain of {J.name}; got {point!r}")

    w, value, gradient, hessian = symbolic(J, len(a))

    def here(formula: Any) -> Any:
        number = sp.expand(formula.subs(dict(zip(w, a, strict=True)), simultaneous=True))
        if number.has(sp.nan, sp.zoo, sp.oo, sp.DiracDelta, sp.Derivative, sp.Subs):
            raise ValueError(f"the formula of {J.name} is not smooth at the point {point!r}")
        return number

    if any(here(bend) == 0 for bend in _bends(value)):
        raise ValueError(f"the formula of {J.name} is not smooth at the point {point!r}")

    h = _letters("h", len(a))
    terms, term = [], value
    for n in range(order + 1):
        terms.append(here(term) / math.factorial(n))
        term = sum(x * sp.diff(term, s) for x, s in zip(h, w, strict=True))
    return Taylor(
        J.name, tuple(a), order, gradient.applyfunc(here), hessian.applyfunc(here), sum(terms)
    )


def _bends(value: Any) -> list[Any]:
    """List what is 0 where a formula changes branch; SymPy's derivatives are wrong there."""
    import sympy as sp
    from sympy.core.relational import Relational

    bends = [f.args[0] for f in value.atoms(sp.Abs, sp.sign)]
    for f in value.atoms(sp.Max, sp.Min):
        bends += [a - b for a, b in itertools.combinations(f.args, 2)]
    return bends + [f.lhs - f.rhs for f in value.atoms(Relational)]


def _exact(point: Any) -> list[Any]:
    """Return a point as a list of SymPy's real numbers."""
    import sympy as sp

    try:
        given = [point] if np.ndim(point) == 0 else list(point)
        a = [
            sp.sympify(x) if isinstance(x, (numbers.Rational, sp.Expr)) else to_sympy(lift(x))
            for x in given
        ]
        [float(x) for x in a]
    except (TypeError, ValueError) as error:
        raise TypeError(f"point must be a list of real numbers; got {point!r}") from error
    return a


__all__ = ["Symbolic", "Taylor", "symbolic", "taylor"]
