r"""Landscapes: functions J to descend on, with gradient, Hessian and what is known about them.

A landscape takes ``w`` of shape ``(d, *batch)``, coordinates first, and returns values of shape
``batch``.  Its formulas are written once and run on numbers and on symbols alike.

>>> rosenbrock([-1.5, 2.0])
array(12.5)
>>> rosenbrock.grad([-1.5, 2.0])
array([-155.,  -50.])
"""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ParamSpec

import numpy as np

from .ops import (
    as_vector,
    equal,
    exp,
    less,
    less_equal,
    log,
    log1p,
    maximum,
    norm,
    sign,
    sqrt,
    total,
    unit,
    where,
    whole,
)
from .symbols import is_symbolic, lift, to_sympy, vector

Array = Any  # float arrays, and object arrays of traced symbols
Formula = Callable[[Array], Array]


def beside(table: Array, w: Array, axes: int = 2) -> Array:
    """Return a table, its own axes first and then a batch, so that it broadcasts with w's batch.

    Raises
    ------
    ValueError
        If the table has a batch that does not broadcast to that of ``w``.
    """
    own, batch = table.shape[:axes], table.shape[axes:]
    missing = w.ndim - 1 - len(batch)
    if missing < 0 or any(
        a not in (1, b) for a, b in zip(batch[::-1], w.shape[::-1], strict=False)
    ):
        raise ValueError(
            f"w must have a batch to which that of its examples, {batch}, broadcasts; "
            f"got w of shape {w.shape}"
        )
    return table.reshape(*own, *(1,) * missing, *batch)


def matvec(A: Array, w: Array) -> Array:
    """Return the product A w for w of shape ``(d, *batch)`` and A of shape ``(n, d[, *batch])``.

    BLAS adds up in an order that depends on the batch; this does not.
    """
    A = beside(A, w)
    n, d = A.shape[:2]
    if n <= d:
        return np.stack([total(row * w) for row in A])
    columns = np.swapaxes(A, 0, 1)
    return sum(column * coordinate for column, coordinate in zip(columns, w, strict=True))


def stack(*rows: Any) -> Array:
    """Return the rows as one array, each broadcast to the shape of all."""
    return np.stack(np.broadcast_arrays(*rows))


@dataclass(frozen=True, eq=False, repr=False)
class Function:
    r"""A landscape :math:`J:\mathbb R^d\to\mathbb R`.

    Parameters
    ----------
    value : callable
        ``w -> J(w)``, written with arithmetic and NumPy's elementary functions, for ``w`` of
        shape ``(d, *batch)``.
    grad : callable, optional
        ``w -> ∇J(w)``, shape ``(d, *batch)``, in the unit of J over the unit of w.  Derived from
        ``value`` with SymPy if not given.
    hess : callable, optional
        ``w -> ∇²J(w)``, shape ``(d, d, *batch)``.  Derived likewise.
    name : str
        What to call it in a caption.
    dim : int, optional
        The number of coordinates; None if any number will do.
    minimisers : sequence of points
        The known (local) minimisers; representatives where there is a continuum of them.  A point
        of one number, such as ``(0.0,)``, has it for each of its coordinates.
    minimum : float, optional
        The infimum :math:`J^*`, if known: the value at the minimisers, where there are any.
    box : sequence of pairs
        An interval for each coordinate that shows what there is to see.
    L, mu : float, optional
        Bounds ``mu <= λ <= L`` on the Hessian's eigenvalues everywhere, where they exist.
    sharpness : float, optional
        The largest c with :math:`J(w)-J^*\ge c\,\operatorname{dist}(w,\arg\min J)` everywhere,
        where a positive one exists: in the unit of J over the unit of w (Goffin, Mathematical
        Programming 13 (1977) 329-347, doi:10.1007/BF01584346).
    domain : callable, optional
        ``w -> bool``: where J is defined, if not everywhere.
    examples : callable, optional
        For a mean :math:`J=\tfrac1n\sum_iJ_i` over ``n`` examples: ``index -> landscape``, the
        mean over the chosen ones.  ``index`` holds integers from 0 to n - 1, shape
        ``(size, *batch)``: every entry of the batch has a minibatch of its own, of ``size``
        examples, which may repeat.  The landscape takes w of shape ``(d, *batch)``, or of any
        batch to which that of ``index`` broadcasts.
    n : int, optional
        The number of examples; given if and only if ``examples`` is.
    blocks : tuple of shapes
        What the coordinates hold one after the other, row by row, for rules that treat blocks (the
        layers of a network) separately; empty if w is one vector.
    source : str
        Where the landscape comes from.

    Notes
    -----
    A landscape can be pickled, and so sent to another process, if its functions can: write them
    with ``def`` in a module, for a lambda has no name by which it could be found there.

    Examples
    --------
    >>> J = Function(lambda w: w[0] ** 2 + w[1] ** 4, dim=2)
    >>> J.grad([1.0, 2.0])
    array([ 2., 32.])
    """

    value: Formula
    grad: Formula | None = None
    hess: Formula | None = None
    name: str = ""
    dim: int | None = None
    minimisers: Sequence[Sequence[float]] = ()
    minimum: float | None = None
    box: Sequence[tuple[float, float]] = ()
    L: float | None = None
    mu: float | None = None
    sharpness: float | None = None
    domain: Formula | None = None
    examples: Callable[[Array], Function] | None = None
    n: int | None = None
    blocks: tuple[tuple[int, ...], ...] = ()
    source: str = ""
    _made_by: Any = field(default=None, init=False)  # the call that made it, for pickle

    def __post_init__(self) -> None:
        for reading in ("value", "grad", "hess", "domain", "examples"):
            given = getattr(self, reading)
            if not callable(given) and (reading == "value" or given is not None):
                of = "index" if reading == "examples" else "w"
                raise TypeError(f"{reading} must be a function of {of}; got {given!r}")
        if (self.examples is None) != (self.n is None):
            raise ValueError(f"examples and n must be given together; got n = {self.n!r}")
        if not self.name:
            name = getattr(self.value, "__name__", "J")
            object.__setattr__(self, "name", "J" if name == "<lambda>" else name)
        for reading in ("value", "grad", "hess"):
            object.__setattr__(self, reading, _Evaluator(self, reading, getattr(self, reading)))
        if self.examples is not None:
            whole("n", self.n, 1)
            object.__setattr__(self, "examples", _Examples(self, "examples", self.examples))
        self._check_minimisers()

    def __repr__(self) -> str:
        return f"<landscape {self.name}>"

    def __reduce__(self) -> Any:
        if globals().get(self.name) is self:
            return self.name  # one of this module's own
        if self._made_by is not None:
            return self._made_by
        given = [getattr(self, item.name) for item in fields(self) if item.init]
        return Function, tuple(x.formula if isinstance(x, _Evaluator) else x for x in given)

    def __call__(self, w: Any) -> Array:
        """Return J(w), shape ``batch``."""
        return self.value(w)

    def _check_minimisers(self) -> None:
        wanted = (
            f"minimisers must be a sequence of points, each of {self.dim or 'its'} coordinates "
            f"or of one number for all of them, such as ((1.0, 2.0),); got {self.minimisers!r}"
        )
        try:
            points = [as_vector(point) for point in self.minimisers]
        except (TypeError, ValueError) as error:
            raise type(error)(wanted) from error
        if any(p.ndim != 1 or p.size not in (1, self.dim or p.size) for p in points):
            raise ValueError(wanted)

    def check_point(self, w: Any, name: str = "w") -> Array:
        """Return ``w`` as a float array of shape ``(d, *batch)``.

        Raises
        ------
        TypeError
            If ``w`` is not an array of real numbers.
        ValueError
            If ``w`` has another number of coordinates than J.
        """
        point = as_vector(w, name)
        if self.dim is not None and point.shape[0] != self.dim:
            raise ValueError(
                f"{name} must have {self.dim} coordinates for {self.name}, shape "
                f"({self.dim}, ...); got shape {point.shape}"
            )
        return point


class _Evaluator:
    """One of the three readings of a landscape, with its input checked; derived when missing."""

    def __init__(self, J: Function, field: str, formula: Any) -> None:
        self.J, self.field, self.formula = J, field, formula
        self.derived: dict[int, Formula] = {}

    def __repr__(self) -> str:
        return f"<{self.field} of {self.J.name}>"

    def __reduce__(self) -> Any:
        return getattr, (self.J, self.field)

    def __call__(self, w: Any) -> Array:
        w = self.J.check_point(w)
        formula = self.formula or self._derive(w.shape[0])
        result = formula(w)
        if self.field == "value":
            result = result if is_symbolic(result) else np.asarray(result, dtype=w.dtype)
            if np.shape(result) != w.shape[1:]:
                raise ValueError(
                    f"the value of {self.J.name} must return shape {w.shape[1:]} for w of shape "
                    f"{w.shape}; got shape {np.shape(result)}"
                )
            return result
        expected = w.shape if self.field == "grad" else w.shape[:1] + w.shape
        try:
            if is_symbolic(w):
                result = np.frompyfunc(lift, 1, 1)(np.array(result, dtype=object))
            else:
                result = np.asarray(result, dtype=w.dtype)
            return np.broadcast_to(result, expected)
        except ValueError as error:
            raise ValueError(
                f"the {self.field} of {self.J.name} must return shape {expected} for w of "
                f"shape {w.shape}; got shape {np.shape(result)}"
            ) from error

    def _derive(self, d: int) -> Formula:
        if d not in self.derived:
            self.derived[d] = differentiate(self.J, d, order=1 if self.field == "grad" else 2)
        return self.derived[d]


class _Examples(_Evaluator):
    """The minibatches of a landscape, with the index checked."""

    def __call__(self, index: Any) -> Function:
        chosen, n = np.asarray(index), self.J.n
        if chosen.dtype.kind not in "iu":
            raise TypeError(f"index must be an array of integers; got {index!r}")
        if chosen.ndim == 0 or len(chosen) == 0:
            raise ValueError(
                f"index must have an axis of one or more examples, shape (size, ...); "
                f"got shape {chosen.shape}"
            )
        wrong = chosen[(chosen < 0) | (chosen >= n)]
        if wrong.size:
            raise ValueError(
                f"index must be from 0 to {n} - 1, for {self.J.name} has {n} examples; "
                f"got {wrong[0]}"
            )
        return as_function(self.formula(chosen))


def differentiate(J: Function, d: int, order: int) -> Formula:
    """Derive the gradient (order 1) or the Hessian (order 2) of J in ``d`` coordinates.

    The value is traced, differentiated by SymPy and compiled to NumPy.
    """
    import sympy as sp

    w = vector("w", d)
    try:
        traced = J.value(w)
    except (TypeError, AttributeError) as error:
        raise TypeError(
            f"{J.name} cannot be traced, so its derivatives must be given: Function(value, "
            f"grad=..., hess=...), with grad=complex_step(value) if J is analytic; {error}"
        ) from error
    symbols = [sp.Symbol(f"w{i}", real=True) for i in range(d)]
    value = sp.sympify(to_sympy(traced))
    rows = [sp.diff(value, s) for s in symbols]
    if order == 2:
        rows = [sp.diff(row, s) for row in rows for s in symbols]
    # Kinks contribute delta functions: 0 beside the kink, where alone there is a derivative.
    numeric = [{"sign": sign, "select": _select, "DiracDelta": lambda x, *_: 0 * x}, "numpy"]
    compiled = sp.lambdify(symbols, rows, modules=numeric, cse=True)

    def formula(w: Array) -> Array:
        result = stack(*compiled(*w), w[0])[:-1]  # w[0] only lends its shape to constants
        return result if order == 1 else result.reshape(d, d, *result.shape[1:])

    return formula


def _select(conditions: Sequence[Any], choices: Sequence[Any], default: Any = np.nan) -> Any:
    """Do what ``numpy.select`` does, on symbols too."""
    result = default
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        result = where(condition, choice, result)
    return result


def complex_step(value: Formula) -> Formula:
    r"""Return the gradient of an analytic function by a step into the complex plane.

    .. math:: \partial_iJ(w)=\operatorname{Im}J(w+\mathrm{i}he_i)/h+O(h^2),\qquad h=10^{-20}

    No difference is taken, so nothing cancels and the result is exact to rounding.  It is for
    values that SymPy cannot trace, such as a solution of linear equations.

    Of a term that is not analytic the step sees nothing or something else.  So each gradient is
    checked, along one direction, against a difference quotient, with a step of some millionths of
    max(1, abs(w)) in each coordinate; this takes five evaluations more, of real w.

    Parameters
    ----------
    value : callable
        ``w -> J(w)`` for complex w of shape ``(d, *batch)``, made of analytic functions only: no
        absolute value, norm, maximum, sign, conjugate or real part.

    Returns
    -------
    callable
        ``w -> ∇J(w)`` for :class:`Function`, shape ``(d, *batch)``.

    Raises
    ------
    TypeError
        By the gradient, if ``value`` returns real numbers for complex ones, or if the gradient and
        the difference quotient differ by more than 1e-4 of both, rounding, and the quotient's
        changes from one side to the other and with twice the step.  Infinite or NaN, they pass.
    ValueError
        By the gradient, if ``value`` returns anything but one number for each entry of the batch.

    References
    ----------
    Squire and Trapp, SIAM Review 40 (1998) 110-112, doi:10.1137/S003614459631241X.

    Examples
    --------
    >>> def volume(w):
    ...     return np.prod(w, axis=0)
    >>> J = Function(volume, grad=complex_step(volume))
    >>> J.grad([2.0, 3.0, 5.0])
    array([15., 10.,  6.])
    """
    if not callable(value):
        raise TypeError(f"value must be a function of w; got {value!r}")
    return functools.partial(_complex_step, value)


def _complex_step(value: Formula, w: Array) -> Array:
    if is_symbolic(w):
        raise TypeError("a gradient by complex step cannot be traced: it has numbers, no formula")
    h, d = 1e-20, len(w)
    # Entry i of a new first axis of the batch steps along coordinate i.
    steps = 1j * h * np.eye(d).reshape(d, d, *(1,) * (w.ndim - 1))
    stepped = w[:, None] + steps
    result = np.asarray(value(stepped))
    if result.dtype.kind != "c":
        raise TypeError(
            "value must be analytic for complex_step, without absolute value or norm; it returned "
            f"{result.dtype} numbers for complex ones"
        )
    if result.shape != w.shape:
        raise ValueError(
            f"value must return shape {w.shape} for w of shape {stepped.shape}; "
            f"got shape {result.shape}"
        )
    grad = result.imag / h
    _check_analytic(value, w, grad)
    return grad


def _check_analytic(value: Formula, w: Array, grad: Array) -> None:
    # Each coordinate moves by another multiple, 1 to 3, lest errors of opposite sign cancel.
    multiples = 2 + np.cos(np.arange(float(len(w))))
    direction = multiples.reshape(-1, *(1,) * (w.ndim - 1)) * np.maximum(1, np.abs(w))
    h = 1e-6
    line = h * np.arange(-2.0, 3.0).reshape(-1, *(1,) * (w.ndim - 1))
    with np.errstate(all="ignore"):
        further_behind, behind, here, ahead, further_ahead = value(
            w[:, None] + line * direction[:, None]
        )
        slope, quotient = total(grad * direction), (ahead - behind) / (2 * h)
        change = abs(quotient - (further_ahead - further_behind) / (4 * h))
        turn = abs(ahead - 2 * here + behind) / h
        rounding = 1e-11 * abs(here) / h + 1e-280  # where the complex step underflows
        tolerance = 1e-4 * (abs(slope) + abs(quotient)) + change + turn + rounding
        wrong = abs(slope - quotient) > tolerance
    if np.any(wrong):
        first = np.unravel_index(np.argmax(wrong), np.shape(wrong))
        raise TypeError(
            f"{getattr(value, '__name__', value)} is not analytic: its complex step is "
            f"{slope[first]:g}, its difference quotient {quotient[first]:g}, at w = "
            f"{w[:, *first]} along {direction[:, *first]}"
        )


def as_function(J: Any) -> Function:
    """Return J itself if it is a landscape, or the landscape of a plain function of w."""
    if isinstance(J, Function):
        return J
    if callable(J):
        return Function(J)
    raise TypeError(f"J must be a landscape or a function of w; got {J!r}")


def _real(x: Any, name: str) -> float:
    try:
        number = float(x)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a real number; got {x!r}") from error
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite; got {number}")
    return number


def _table(X: Any, name: str) -> Array:
    table = as_vector(X, name)
    if table.ndim != 2 or table.size == 0 or not np.all(np.isfinite(table)):
        raise ValueError(
            f"{name} must be a table of finite numbers, shape (n, d); got shape {table.shape}"
        )
    return np.array(table)  # a copy: the caller may change theirs later


Call = ParamSpec("Call")


def _remembered(factory: Callable[Call, Function]) -> Callable[Call, Function]:
    """Let the landscapes of a factory be pickled as the call that made them."""

    @functools.wraps(factory)
    def make(*args: Call.args, **kwargs: Call.kwargs) -> Function:
        J = factory(*args, **kwargs)
        inputs, named = copy.deepcopy((args, kwargs))
        object.__setattr__(J, "_made_by", (functools.partial(make, **named), inputs))
        return J

    return make


# ---------------------------------------------------------------------------- quadratics


def rotation(angle: float) -> Array:
    """Return the 2 × 2 matrix that turns the plane by ``angle`` radians, counter-clockwise."""
    c, s = math.cos(_real(angle, "angle")), math.sin(angle)
    return np.array([[c, -s], [s, c]])


@_remembered
def quadratic(
    eigenvalues: Sequence[float],
    angle: float = 0.0,
    basis: Any = None,
    minimiser: Sequence[float] | None = None,
) -> Function:
    r"""Return :math:`J(w)=\tfrac12(w-w^*)^\top H(w-w^*)` with a Hessian of given spectrum.

    Parameters
    ----------
    eigenvalues : sequence of floats
        The eigenvalues of H, in any order and of any sign.
    angle : float
        In two dimensions: the angle in radians of the first eigenvector with the first axis.
    basis : array_like, shape (d, d), optional
        Orthonormal eigenvectors as columns, instead of ``angle``.
    minimiser : sequence of floats, optional
        The stationary point :math:`w^*`; the origin if not given.

    Returns
    -------
    Function
        With the least eigenvalue as ``mu`` and the largest modulus of one as ``L``.  Unless an
        eigenvalue is negative, :math:`w^*` is its minimiser; where one is 0, for a flat of them.

    Examples
    --------
    >>> J = quadratic([1, 10])
    >>> J.grad([3.0, 2.0])
    array([ 3., 20.])
    >>> J.L, J.mu
    (10.0, 1.0)
    """
    values = as_vector(eigenvalues, "eigenvalues")
    if values.ndim != 1 or not np.all(np.isfinite(values)) or values.size == 0:
        raise ValueError(f"eigenvalues must be a list of finite numbers; got {eigenvalues!r}")
    d = values.size
    if basis is not None:
        Q = as_vector(basis, "basis")
        if Q.shape != (d, d) or not np.allclose(Q.T @ Q, np.eye(d), atol=1e-10):
            raise ValueError(f"basis must be a {d} x {d} matrix with orthonormal columns")
        if angle:
            raise ValueError("angle and basis exclude each other; give one of them")
    elif angle:
        if d != 2:
            raise ValueError(f"angle must be 0 unless there are 2 eigenvalues; there are {d}")
        Q = rotation(angle)
    else:
        Q = np.eye(d)
    # Not by a matrix product, whose last bits depend on the machine.
    H = sum(value * np.outer(v, v) for value, v in zip(values, Q.T, strict=True))
    centre = np.zeros(d) if minimiser is None else as_vector(minimiser, "minimiser")
    if not np.all(np.isfinite(centre)):
        raise ValueError(f"minimiser must be finite; got {minimiser!r}")
    if centre.shape != (d,):
        raise ValueError(f"minimiser must have {d} coordinates; got shape {centre.shape}")

    def displacement(w: Array) -> Array:
        return w - centre.reshape(d, *(1,) * (w.ndim - 1)) if minimiser is not None else w

    def product(s: Array) -> Array:
        if d > 3 and not is_symbolic(s):
            return matvec(H, s)
        # Spelled out, a small product has the same bits here and in the page, and its formula
        # shows no zero terms.
        rows = [sum(H[i, j] * s[j] for j in range(d) if H[i, j] != 0) for i in range(d)]
        return stack(*rows, s[0])[:-1]

    def value(w: Array) -> Array:
        s = displacement(w)
        return 0.5 * total(s * product(s))

    def grad(w: Array) -> Array:
        return product(displacement(w))

    def hess(w: Array) -> Array:
        return np.broadcast_to(H.reshape(d, d, *(1,) * (w.ndim - 1)), (d, *w.shape))

    reach = 3.0
    convex = bool(np.all(values >= 0))
    return Function(
        value, grad, hess,
        name="quadratic",
        dim=d,
        minimisers=(tuple(centre.tolist()),) if convex else (),
        minimum=0.0 if convex else None,
        box=tuple((c - reach, c + reach) for c in centre.tolist()),
        L=float(np.max(np.abs(values))),
        mu=float(np.min(values)),
    )  # fmt: skip


ill_conditioned = replace(quadratic([1, 100], angle=0.5), name="ill_conditioned")
r"""A long valley across the axes: the quadratic with :math:`\kappa=100`, turned by ½ radian."""


# ---------------------------------------------------------------------------- the classics


def _rosenbrock(w: Array) -> Array:
    x, y = w
    return (1 - x) * (1 - x) + 100 * (y - x * x) * (y - x * x)


def _rosenbrock_grad(w: Array) -> Array:
    x, y = w
    return stack(-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x))


def _rosenbrock_hess(w: Array) -> Array:
    x, y = w
    return _matrix([[2 - 400 * y + 1200 * x * x, -400 * x], [-400 * x, 200.0]], w)


def _matrix(rows: Sequence[Sequence[Any]], w: Array) -> Array:
    """Return a Hessian, shape ``(d, d, *batch)``, from its rows; constants take w's shape."""
    d = len(rows)
    flat = stack(*(entry for row in rows for entry in row), w[0])[:-1]
    return flat.reshape(d, d, *flat.shape[1:])


def _diagonal(entries: Array) -> Array:
    """Return a diagonal Hessian, shape ``(d, d, *batch)``, from its diagonal."""
    d = len(entries)
    return _matrix([[entries[i] if i == j else 0.0 for j in range(d)] for i in range(d)], entries)


rosenbrock = Function(
    _rosenbrock, _rosenbrock_grad, _rosenbrock_hess,
    name="rosenbrock", dim=2, minimisers=((1.0, 1.0),), minimum=0.0,
    box=((-2.0, 2.0), (-1.0, 3.0)),
    source="Rosenbrock, The Computer Journal 3 (1960) 175-184, doi:10.1093/comjnl/3.3.175",
)  # fmt: skip
r"""The banana valley :math:`J(w)=(1-w_1)^2+100\,(w_2-w_1^2)^2`."""


def _beale_residuals(w: Array) -> list[Any]:
    x, y = w
    return [1.5 - x + x * y, 2.25 - x + x * y * y, 2.625 - x + x * y * y * y]


def _beale(w: Array) -> Array:
    return sum(r * r for r in _beale_residuals(w))


def _beale_grad(w: Array) -> Array:
    x, y = w
    a, b, c = _beale_residuals(w)
    return stack(
        2 * (a * (y - 1) + b * (y * y - 1) + c * (y * y * y - 1)),
        2 * x * (a + 2 * y * b + 3 * y * y * c),
    )


def _beale_hess(w: Array) -> Array:
    x, y = w
    a, b, c = _beale_residuals(w)
    ax, bx, cx = y - 1, y * y - 1, y * y * y - 1  # derivatives of the residuals in x
    ay, by, cy = x, 2 * x * y, 3 * x * y * y  # and in y
    xx = 2 * (ax * ax + bx * bx + cx * cx)
    xy = 2 * (ax * ay + bx * by + cx * cy + a + 2 * y * b + 3 * y * y * c)
    yy = 2 * (ay * ay + by * by + cy * cy + 2 * x * b + 6 * x * y * c)
    return _matrix([[xx, xy], [xy, yy]], w)


beale = Function(
    _beale, _beale_grad, _beale_hess,
    name="beale", dim=2, minimisers=((3.0, 0.5),), minimum=0.0,
    box=((-1.0, 4.5), (-1.5, 1.5)),
    source="Beale, On an iterative method for finding a local minimum (1958), Princeton",
)  # fmt: skip
r"""Beale's :math:`J(w)=\sum_{k=1}^3(a_k-w_1(1-w_2^k))^2` with a = 1.5, 2.25, 2.625."""


def _himmelblau(w: Array) -> Array:
    x, y = w
    a, b = x * x + y - 11, x + y * y - 7
    return a * a + b * b


def _himmelblau_grad(w: Array) -> Array:
    x, y = w
    a, b = x * x + y - 11, x + y * y - 7
    return stack(4 * x * a + 2 * b, 2 * a + 4 * y * b)


def _himmelblau_hess(w: Array) -> Array:
    x, y = w
    a, b = x * x + y - 11, x + y * y - 7
    xy = 4 * (x + y)
    return _matrix([[4 * a + 8 * x * x + 2, xy], [xy, 4 * b + 8 * y * y + 2]], w)


himmelblau = Function(
    _himmelblau, _himmelblau_grad, _himmelblau_hess,
    name="himmelblau", dim=2,
    minimisers=(
        (3.0, 2.0),
        (-2.805118086952745, 3.131312518250573),
        (-3.779310253377747, -3.283185991286170),
        (3.584428340330492, -1.848126526964404),
    ),
    minimum=0.0,
    box=((-6.0, 6.0), (-6.0, 6.0)),
    source="Himmelblau, Applied Nonlinear Programming, McGraw-Hill (1972)",
)  # fmt: skip
r"""Four valleys: :math:`J(w)=(w_1^2+w_2-11)^2+(w_1+w_2^2-7)^2`."""


# ------------------------------------------------------------------------------- saddles


def _saddle(w: Array) -> Array:
    x, y = w
    return x * x - y * y


saddle = Function(
    _saddle,
    lambda w: stack(2 * w[0], -2 * w[1]),
    lambda w: _matrix([[2.0, 0.0], [0.0, -2.0]], w),
    name="saddle", dim=2, box=((-2.0, 2.0), (-2.0, 2.0)), L=2.0,
)  # fmt: skip
r"""The saddle :math:`J(w)=w_1^2-w_2^2`, unbounded below."""


def _monkey_saddle(w: Array) -> Array:
    x, y = w
    return x * (x * x - 3 * y * y)


monkey_saddle = Function(
    _monkey_saddle,
    lambda w: stack(3 * (w[0] * w[0] - w[1] * w[1]), -6 * w[0] * w[1]),
    lambda w: _matrix([[6 * w[0], -6 * w[1]], [-6 * w[1], -6 * w[0]]], w),
    name="monkey_saddle", dim=2, box=((-2.0, 2.0), (-2.0, 2.0)),
)  # fmt: skip
r"""The monkey saddle :math:`J(w)=w_1^3-3w_1w_2^2`: at 0 even the Hessian is 0."""


# ------------------------------------------------------- flat, sharp and broken landscapes

quartic = Function(
    lambda w: total(w * w * (w * w)),
    lambda w: 4 * w * (w * w),
    lambda w: _diagonal(12 * (w * w)),
    name="quartic", minimisers=((0.0,),), minimum=0.0, box=((-1.5, 1.5), (-1.5, 1.5)), mu=0.0,
)  # fmt: skip
r"""The flat minimum :math:`J(w)=\sum_i w_i^4`: the gradient fades faster than the distance."""


@_remembered
def power(p: float) -> Function:
    r"""Return :math:`J(w)=|w|^p` on the line, for :math:`p\ge1`.

    The gradient :math:`p\,|w|^{p-1}\operatorname{sign}w` fades at 0 if and only if p > 1.  Its
    slope there is infinite for 1 < p < 2, so it is not Lipschitz continuous.
    """
    p = _real(p, "p")
    if p < 1:
        raise ValueError(f"p must be at least 1; got {p}")
    return Function(
        lambda w: total(abs(w) ** p),
        lambda w: p * sign(w) * abs(w) ** (p - 1),
        lambda w: _diagonal(p * (p - 1) * abs(w) ** (p - 2)),
        name=f"power({p:g})", dim=1, minimisers=((0.0,),), minimum=0.0, box=((-1.5, 1.5),),
        sharpness=1.0 if p == 1 else None,
    )  # fmt: skip


absolute = Function(
    lambda w: total(abs(w)),
    lambda w: sign(w),
    lambda w: _diagonal(0 * w),
    name="absolute", minimisers=((0.0,),), minimum=0.0, box=((-1.5, 1.5), (-1.5, 1.5)), mu=0.0,
    sharpness=1.0,
)  # fmt: skip
r"""The kink :math:`J(w)=\sum_i|w_i|`, with the subgradient 0 where a coordinate is 0."""


def _cone_hess(w: Array) -> Array:
    d = len(w)
    u, n = unit(w), norm(w)
    n = where(equal(n, 0.0), 1.0, n)
    rows = [[((1.0 if i == j else 0.0) - u[i] * u[j]) / n for j in range(d)] for i in range(d)]
    return _matrix(rows, w)


cone = Function(
    norm, unit, _cone_hess,
    name="cone", minimisers=((0.0,),), minimum=0.0, box=((-1.5, 1.5), (-1.5, 1.5)), mu=0.0,
    sharpness=1.0,
)  # fmt: skip
r"""The cone :math:`J(w)=\|w\|`: its gradient has length 1 everywhere but at the tip."""


def _degenerate(w: Array) -> Array:
    x, y = w
    return x * x + y * y * (y * y)


degenerate = Function(
    _degenerate,
    lambda w: stack(2 * w[0], 4 * w[1] * (w[1] * w[1])),
    lambda w: _matrix([[2.0, 0.0], [0.0, 12 * (w[1] * w[1])]], w),
    name="degenerate", dim=2, minimisers=((0.0, 0.0),), minimum=0.0,
    box=((-1.5, 1.5), (-1.5, 1.5)), mu=0.0,
)  # fmt: skip
r"""The minimum with a singular Hessian :math:`J(w)=w_1^2+w_2^4`: curved one way, flat the other."""

crawl = Function(
    lambda w: 0.5 * (w[0] * w[0]) + 1e-4 * abs(w[1]),
    lambda w: stack(w[0], 1e-4 * sign(w[1])),
    lambda w: _matrix([[1.0, 0.0], [0.0, 0.0]], w),
    name="crawl", dim=2, minimisers=((0.0, 0.0),), minimum=0.0,
    box=((-0.5, 0.5), (-0.25, 1.25)), mu=0.0,
)  # fmt: skip
r"""A valley :math:`J(w)=\tfrac12w_1^2+10^{-4}|w_2|` with a faint slope along its floor.

A step across the valley, however short, drowns that slope in the norm of the gradient.
"""


def _plateau_hess(w: Array) -> Array:
    d, a = len(w), 1 + total(w * w)
    rows = [
        [((2.0 if i == j else 0.0) - 8 * w[i] * w[j] / a) / (a * a) for j in range(d)]
        for i in range(d)
    ]
    return _matrix(rows, w)


plateau = Function(
    lambda w: total(w * w) / (1 + total(w * w)),
    lambda w: 2 * w / ((1 + total(w * w)) * (1 + total(w * w))),
    _plateau_hess,
    name="plateau", minimisers=((0.0,),), minimum=0.0, box=((-6.0, 6.0), (-6.0, 6.0)), L=2.0,
)  # fmt: skip
r"""The plateau :math:`J(w)=\|w\|^2/(1+\|w\|^2)`: far out its slope is about :math:`2/\|w\|^3`."""


def _gaussian_well_hess(w: Array) -> Array:
    d, e = len(w), exp(-0.5 * total(w * w))
    rows = [[(e if i == j else 0.0) - e * w[i] * w[j] for j in range(d)] for i in range(d)]
    return _matrix(rows, w)


gaussian_well = Function(
    lambda w: -np.expm1(-0.5 * total(w * w)),
    lambda w: w * exp(-0.5 * total(w * w)),
    _gaussian_well_hess,
    name="gaussian_well", minimisers=((0.0,),), minimum=0.0, box=((-4.0, 4.0), (-4.0, 4.0)), L=1.0,
)  # fmt: skip
r"""The quasi-convex :math:`J(w)=1-e^{-\|w\|^2/2}`: its plateau is exponentially flat.

The slope at distance r is :math:`re^{-r^2/2}`, about 1e-21 at r = 10.
"""

_SLOPE, _OFFSET = (3.0, 4.0), 20.0  # a and b of the quasi-convex quotient


def _quasi_convex_parts(w: Array) -> tuple[Any, Any]:
    x, y = w
    return sqrt(1 + total(w * w)), _SLOPE[0] * x + _SLOPE[1] * y + _OFFSET


def _quasi_convex(w: Array) -> Array:
    N, D = _quasi_convex_parts(w)
    return N / D


def _quasi_convex_grad(w: Array) -> Array:
    N, D = _quasi_convex_parts(w)
    return stack(*(s / (N * D) - N * a / (D * D) for s, a in zip(w, _SLOPE, strict=True)))


def _quasi_convex_hess(w: Array) -> Array:
    N, D = _quasi_convex_parts(w)

    def entry(i: int, j: int) -> Any:
        s, t, a, b = w[i], w[j], _SLOPE[i], _SLOPE[j]
        curvature = ((1.0 if i == j else 0.0) - s * t / (N * N)) / (N * D)
        return curvature - (s * b + a * t) / (N * D * D) + 2 * a * b * N / (D * D * D)

    return _matrix([[entry(i, j) for j in range(2)] for i in range(2)], w)


quasi_convex = Function(
    _quasi_convex, _quasi_convex_grad, _quasi_convex_hess,
    name="quasi_convex", dim=2, minimisers=((0.15, 0.2),), minimum=1 / math.sqrt(425),
    box=((-2.0, 10.0), (-2.0, 10.0)), domain=lambda w: _quasi_convex_parts(w)[1] > 0,
    source="a convex over a positive linear function: Boyd and Vandenberghe, Convex Optimization, "
    "Cambridge (2004), section 3.4; its descent: Hazan, Levy and Shalev-Shwartz, Beyond convexity, "
    "NeurIPS (2015), arXiv:1507.02030",
)  # fmt: skip
r"""The quasi-convex, non-convex :math:`J(w)=\sqrt{1+\|w\|^2}/(a^\top w+b)`, a = (3, 4), b = 20.

Its sublevel sets :math:`\{\sqrt{1+\|w\|^2}\le t(a^\top w+b)\}` are convex, where
:math:`a^\top w+b>0`.  By Cauchy and Schwarz the denominator :math:`\langle(a,b),(w,1)\rangle` is at
most :math:`\|(a,b)\|\sqrt{1+\|w\|^2}`, with equality where (w, 1) points along (a, b): so
:math:`w^*=a/b` and :math:`J^*=1/\sqrt{\|a\|^2+b^2}`.
"""


def _cliff_slope(w: Array) -> Array:
    distance = abs(w)
    outer = where(less_equal(distance, 10.0), 1e3, 1e-6)
    return sign(w) * where(less_equal(distance, 5.0), 1.0, outer)


cliff = Function(
    lambda w: total(
        abs(w) + (1e3 - 1) * maximum(abs(w) - 5, 0) + (1e-6 - 1e3) * maximum(abs(w) - 10, 0)
    ),
    _cliff_slope,
    lambda w: _diagonal(0 * w),
    name="cliff", dim=1, minimisers=((0.0,),), minimum=0.0, box=((-20.0, 20.0),),
    sharpness=1e-6,
)  # fmt: skip
r"""A valley of slope 1 up to distance 5, a cliff of slope 1000 up to 10, then a slope of 1e-6."""

wall = Function(
    lambda w: total(2 * np.sinh(w / 2) * np.sinh(w / 2)),  # cosh(w) - 1 without the cancellation
    lambda w: np.sinh(w),
    lambda w: _diagonal(np.cosh(w)),
    name="wall", minimisers=((0.0,),), minimum=0.0, box=((-4.0, 4.0), (-4.0, 4.0)), mu=1.0,
    source="(L0, L1)-smoothness: Zhang, He, Sra and Jadbabaie, Why gradient clipping accelerates "
    "training, ICLR (2020), arXiv:1905.11881",
)  # fmt: skip
r"""Exponential walls, :math:`J(w)=\sum_i(\cosh w_i-1)`: no L bounds the curvature.

The gradient does: :math:`\|\nabla^2J\|\le L_0+L_1\|\nabla J\|` with :math:`L_0=L_1=1`, since
:math:`\cosh\le1+|\sinh|`.  Infinite, not NaN, where it overflows, from about 711 on.
"""


def _double_well(w: Array) -> Array:
    (x,) = w
    return 0.25 * (x * x - 1) * (x * x - 1)


double_well = Function(
    _double_well,
    lambda w: w * (w * w - 1),
    lambda w: _diagonal(3 * (w * w) - 1),
    name="double_well", dim=1, minimisers=((-1.0,), (1.0,)), minimum=0.0, box=((-2.4, 2.4),),
)  # fmt: skip
r"""Two minima, at -1 and 1: :math:`J(w)=\tfrac14(w^2-1)^2`."""


def _half_line(w: Array) -> Array:
    x, y = w
    n = norm(w)
    # n - y cancels where y is large; x**2 / (n + y) is the same number without the loss.
    ahead = less(0.0, y)
    return where(ahead, x * x / where(ahead, n + y, 1.0), n - y)


def _half_line_grad(w: Array) -> Array:
    n = norm(w)
    n = where(equal(n, 0.0), 1.0, n)
    return stack(w[0] / n, -_half_line(w) / n)


half_line = Function(
    _half_line, _half_line_grad, _cone_hess,  # J is a cone less a linear function
    name="half_line", dim=2, minimisers=((0.0, 0.0),), minimum=0.0,
    box=((-3.0, 3.0), (-2.0, 8.0)), mu=0.0,
)  # fmt: skip
r"""The convex :math:`J(w)=\|w\|-w_2`: its minimisers are the half-line w₁ = 0, w₂ ≥ 0."""

barrier = Function(
    lambda w: total(w - log(w)),
    lambda w: 1 - 1 / w,
    lambda w: _diagonal(1 / (w * w)),
    name="barrier", dim=1, minimisers=((1.0,),), minimum=1.0, box=((0.05, 4.0),),
    domain=lambda w: w[0] > 0,
)  # fmt: skip
r"""The convex :math:`J(w)=w-\ln w`, defined for w > 0 only."""


# ----------------------------------------------------------------- valleys, rays, matrices


def _valley(w: Array) -> Array:
    x, y = w
    return 0.5 * ((1 + y * y) * (x * x))


valley = Function(
    _valley,
    lambda w: stack((1 + w[1] * w[1]) * w[0], w[0] * w[0] * w[1]),
    lambda w: _matrix(
        [[1 + w[1] * w[1], 2 * w[0] * w[1]], [2 * w[0] * w[1], w[0] * w[0]]], w
    ),
    name="valley", dim=2, minimisers=((0.0, 0.0),), minimum=0.0, box=((-1.0, 1.0), (-2.0, 2.0)),
    source="drift to flat minima: Arora, Li and Panigrahi, Understanding gradient descent on the "
    "edge of stability in deep learning, ICML (2022), arXiv:2205.09745",
)  # fmt: skip
r"""The valley :math:`J(w)=\tfrac12(1+w_2^2)\,w_1^2`: all of w₁ = 0 is minimal, flattest at 0."""


@_remembered
def rayleigh(eigenvalues: Sequence[float]) -> Function:
    r"""Return the Rayleigh quotient :math:`J(w)=w^\top Dw/\|w\|^2` of a diagonal matrix D.

    It is scale-invariant, as a loss is in weights that feed a batch normalisation: J(cw) = J(w), so
    the gradient is orthogonal to w.  Its minimisers are the rays along the first eigenvector, here
    represented by the unit vectors; it is undefined at 0, NaN in numbers.

    Parameters
    ----------
    eigenvalues : sequence of floats
        The diagonal of D, in any order.

    References
    ----------
    Arora, Li and Lyu, Theoretical analysis of auto rate-tuning by batch normalization, ICLR (2019),
    arXiv:1812.03981.

    Examples
    --------
    >>> J = rayleigh([1, 3])
    >>> J([2.0, 2.0]), J.minimum
    (array(2.), 1.0)
    """
    D = as_vector(eigenvalues, "eigenvalues")
    if D.ndim != 1 or not np.all(np.isfinite(D)):
        raise ValueError(f"eigenvalues must be a list of finite numbers; got {eigenvalues!r}")
    d = D.size

    def parts(w: Array) -> tuple[Array, ...]:
        """Return ‖w‖, the direction u = w / ‖w‖, J and the residual Du − J u."""
        n = norm(w)
        u = w / n
        Du = beside(D, w, axes=1) * u
        J = total(u * Du)
        return n, u, J, Du - J * u

    def grad(w: Array) -> Array:
        n, _, _, r = parts(w)
        return 2 * r / n

    def hess(w: Array) -> Array:
        n, u, J, r = parts(w)
        rows = [
            [(D[i] - J if i == j else 0.0) - 2 * (u[i] * r[j] + r[i] * u[j]) for j in range(d)]
            for i in range(d)
        ]
        return 2 * _matrix(rows, w) / (n * n)

    first = np.eye(d)[np.argmin(D)]
    return Function(
        lambda w: parts(w)[2], grad, hess,
        name="rayleigh", dim=d, minimisers=(tuple(first.tolist()), tuple((-first).tolist())),
        minimum=float(np.min(D)), box=((-2.0, 2.0),) * d, domain=lambda w: norm(w) > 0,
    )  # fmt: skip


@_remembered
def factorisation(A: Any, rank: int) -> Function:
    r"""Return :math:`J(U,V)=\tfrac12\|UV^\top-A\|_F^2`, the factorisation of a matrix.

    Parameters
    ----------
    A : array_like, shape (m, n)
        The matrix.
    rank : int
        The number r of columns of U and of V.

    Returns
    -------
    Function
        Of w with (m + n) r coordinates: U, shape (m, r), then V, shape (n, r), row by row, as its
        ``blocks`` say.  Not convex: w = 0 is a saddle.  The minimiser given is the balanced one,
        :math:`U=P\sqrt\Sigma,\ V=Q\sqrt\Sigma` from the singular value decomposition
        :math:`A=P\Sigma Q^\top`; :math:`(UG,VG^{-\top})` is another for every invertible G.  The
        minimum is half the sum of the squared singular values after the r-th.

    References
    ----------
    Eckart and Young, Psychometrika 1 (1936) 211-218, doi:10.1007/BF02288367.

    Examples
    --------
    >>> J = factorisation([[4, 0], [0, 1]], rank=1)
    >>> J.blocks, J.minimum
    (((2, 1), (2, 1)), 0.5)
    >>> J([2.0, 0.0, 2.0, 0.0])
    array(0.5)
    """
    A, r = _table(A, "A"), whole("rank", rank, 1)
    m, n = A.shape

    def product(U: Array, V: Array) -> Array:
        """Return U Vᵀ, shapes (m, r, *batch) and (n, r, *batch) to (m, n, *batch)."""
        return total(np.moveaxis(U[:, None] * V[None], 2, 0))

    def parts(w: Array) -> tuple[Array, Array, Array]:
        """Return U, V and the residual U Vᵀ − A."""
        batch = w.shape[1:]
        U, V = w[: m * r].reshape(m, r, *batch), w[m * r :].reshape(n, r, *batch)
        return U, V, product(U, V) - beside(A, w)

    def transpose(M: Array) -> Array:
        return np.swapaxes(M, 0, 1)

    def value(w: Array) -> Array:
        *_, R = parts(w)
        return 0.5 * total((R * R).reshape(m * n, *w.shape[1:]))

    def grad(w: Array) -> Array:
        U, V, R = parts(w)
        slopes = product(R, transpose(V)), product(transpose(R), transpose(U))  # R V and Rᵀ U
        return np.concatenate([slope.reshape(-1, *w.shape[1:]) for slope in slopes])

    def hess(w: Array) -> Array:
        U, V, R = parts(w)
        H = np.zeros((len(w), *w.shape), dtype=w.dtype)
        one = np.eye(r).reshape(r, r, *(1,) * (w.ndim - 1))
        rows = [slice(i * r, (i + 1) * r) for i in range(m + n)]  # of U, then of V
        for i in range(m):
            H[rows[i], rows[i]] = product(transpose(V), transpose(V))
        for j in range(n):
            H[rows[m + j], rows[m + j]] = product(transpose(U), transpose(U))
        for i, j in np.ndindex(m, n):
            mixed = V[j][:, None] * U[i][None] + one * R[i, j]
            H[rows[i], rows[m + j]], H[rows[m + j], rows[i]] = mixed, transpose(mixed)
        return H

    P, singular, Q = np.linalg.svd(A, full_matrices=False)
    kept = min(r, len(singular))
    best = np.zeros((m + n, r))
    best[:, :kept] = np.concatenate([P, Q.T])[:, :kept] * np.sqrt(singular[:kept])
    reach = 1.0 + math.sqrt(singular[0])
    return Function(
        value, grad, hess,
        name="factorisation", dim=best.size, minimisers=(tuple(best.ravel().tolist()),),
        minimum=float(0.5 * np.sum(singular[kept:] ** 2)), box=((-reach, reach),) * best.size,
        blocks=((m, r), (n, r)),
    )  # fmt: skip


# ------------------------------------------------------------------------------ from data


def _rows(table: Array, index: Array) -> Array:
    """Return the chosen rows of a table, shape ``(size, d, *batch)``."""
    return np.moveaxis(table[index], -1, 1)


@_remembered
def logistic(X: Any, y: Any) -> Function:
    r"""Return the logistic loss :math:`J(w)=\frac1n\sum_i\ln(1+e^{-y_i\langle x_i,w\rangle})`.

    Parameters
    ----------
    X : array_like, shape (n, d)
        One example a row.
    y : array_like, shape (n,)
        Labels, -1 or 1.

    Returns
    -------
    Function
        Convex, with :math:`L=\lambda_{\max}(X^\top X)/4n`.  It has a minimiser only if no direction
        separates the two classes.

    Examples
    --------
    >>> J = logistic([[1.0, 0.0], [0.0, 2.0]], [1, -1])
    >>> print(f"{J([0.0, 0.0]):.6f}")
    0.693147
    >>> print(f"{J.examples([1])([0.0, 1.0]):.6f}")
    2.126928
    """
    X, y = _table(X, "X"), as_vector(y, "y")
    if y.shape != X.shape[:1] or not np.all(np.abs(y) == 1):
        raise ValueError(f"y must be {X.shape[0]} labels, each -1 or 1; got shape {y.shape}")
    n, d = X.shape
    A = y[:, None] * X
    return Function(
        *_logistic(A),
        name="logistic", dim=d, box=((-6.0, 6.0),) * d, mu=0.0,
        L=float(np.linalg.eigvalsh(A.T @ A)[-1] / (4 * n)), n=n,
        examples=lambda index: Function(*_logistic(_rows(A, index)), name="logistic", dim=d),
    )  # fmt: skip


def _logistic(A: Array) -> tuple[Formula, Formula, Formula]:
    """Return value, gradient and Hessian for examples y x as rows, shape ``(n, d[, *batch])``."""
    n, AT = len(A), np.swapaxes(A, 0, 1)

    def value(w: Array) -> Array:
        z = matvec(A, w)
        return total(maximum(-z, 0.0) + log1p(exp(-abs(z)))) / n  # ln(1 + e^-z), no overflow

    def fading(z: Array) -> Array:
        e = exp(-abs(z))
        return where(less(z, 0.0), 1.0, e) / (1 + e)  # 1 / (1 + e^z), no overflow

    def grad(w: Array) -> Array:
        return -matvec(AT, fading(matvec(A, w))) / n

    def hess(w: Array) -> Array:
        s = fading(matvec(A, w))
        return matvec(AT, beside(A, w) * (s * (1 - s))[:, None]) / n

    return value, grad, hess


separable = replace(
    logistic(
        [[-0.1, 0.7], [-0.9, 0.05], [1.0, 0.0], [-0.96, -0.03], [0.88, 0.34], [-0.28, -0.54]],
        [1, -1, 1, -1, 1, -1],
    ),
    name="separable", minimum=0.0, box=((-4.0, 12.0), (-4.0, 12.0)),
    source="Soudry, Hoffer, Nacson, Gunasekar and Srebro, The implicit bias of gradient descent on "
    "separable data, JMLR 19 (2018) 70, arXiv:1710.10345",
)  # fmt: skip
r"""The logistic loss of six examples that a line separates: its infimum 0 lies at infinity.

No :math:`x_i` is longer than 1.  With u = (3/5, 4/5) and v = (-4/5, 3/5) the first two
:math:`y_ix_i` are u/2 + v/2 and u/2 - 3v/4, and the others have
:math:`\langle u,y_ix_i\rangle>\tfrac12`.  So the point of their convex hull nearest to 0 is u/2:
the direction of maximum margin is u, and the margin is :math:`\gamma=\tfrac12`.
"""


@_remembered
def least_squares(X: Any, y: Any) -> Function:
    r"""Return the loss of linear regression, :math:`J(w)=\frac1{2n}\|Xw-y\|^2`.

    Parameters
    ----------
    X : array_like, shape (n, d)
        One example a row.
    y : array_like, shape (n,)
        What is to be predicted.

    Returns
    -------
    Function
        Convex, with ``L`` and ``mu`` from the singular values of X.  The minimiser is given if
        there is only one, that is if X has rank d; otherwise mu = 0.

    Examples
    --------
    >>> J = least_squares([[1.0], [2.0]], [1.0, 4.0])
    >>> print(J.grad([0.0]), f"{J.L:.4f}")
    [-4.5] 2.5000
    >>> print(J.examples([1]).grad([0.0]))
    [-8.]
    """
    X, y = _table(X, "X"), np.array(as_vector(y, "y"))
    if y.shape != X.shape[:1] or not np.all(np.isfinite(y)):
        raise ValueError(f"y must be {X.shape[0]} finite numbers; got shape {y.shape}")
    n, d = X.shape
    centre, _, rank, singular = np.linalg.lstsq(X, y, rcond=None)
    value, grad, hess = _least_squares(X, y)
    return Function(
        value, grad, hess,
        name="least_squares", dim=d, minimisers=(tuple(centre.tolist()),) if rank == d else (),
        minimum=float(value(centre)), box=tuple((c - 3.0, c + 3.0) for c in centre.tolist()),
        L=float(singular[0] ** 2 / n), mu=float(singular[-1] ** 2 / n) if rank == d else 0.0, n=n,
        examples=lambda index: Function(
            *_least_squares(_rows(X, index), y[index]), name="least_squares", dim=d
        ),
    )  # fmt: skip


def _least_squares(X: Array, y: Array) -> tuple[Formula, Formula, Formula]:
    """Return value, gradient and Hessian for shapes ``(n, d[, *batch])`` and ``(n[, *batch])``."""
    n, XT = len(X), np.swapaxes(X, 0, 1)

    def residual(w: Array) -> Array:
        return matvec(X, w) - beside(y, w, axes=1)

    def value(w: Array) -> Array:
        r = residual(w)
        return total(r * r) / (2 * n)

    def grad(w: Array) -> Array:
        return matvec(XT, residual(w)) / n

    def hess(w: Array) -> Array:
        return matvec(XT, beside(X, w)) / n

    return value, grad, hess


@_remembered
def mean_of(points: Any) -> Function:
    r"""Return :math:`J(w)=\frac1{2n}\sum_i\|w-a_i\|^2`, whose minimiser is the mean of the points.

    A single example gives the gradient :math:`w-a_i`.  Normalised it is the one of
    :math:`\|w-a_i\|`, and the mean of those is least at the geometric median instead.

    Parameters
    ----------
    points : array_like, shape (n, d)
        One point a row.

    Examples
    --------
    >>> J = mean_of([[0.0, 0.0], [4.0, 2.0]])
    >>> J.minimisers, J.minimum
    (((2.0, 1.0),), 2.5)
    """
    P = _table(points, "points")
    n, d = P.shape
    value, grad, hess = _mean_of(P)
    centre = total(P) / n
    return Function(
        value, grad, hess,
        name="mean_of", dim=d, minimisers=(tuple(centre.tolist()),), minimum=float(value(centre)),
        box=tuple((min(column) - 1.0, max(column) + 1.0) for column in P.T.tolist()),
        L=1.0, mu=1.0, n=n,
        examples=lambda index: Function(*_mean_of(_rows(P, index)), name="mean_of", dim=d),
    )  # fmt: skip


def _mean_of(P: Array) -> tuple[Formula, Formula, Formula]:
    """Return value, gradient and Hessian for points as rows, shape ``(n, d[, *batch])``."""
    n = len(P)

    def value(w: Array) -> Array:
        r = w - beside(P, w)
        return total(total(r * r)) / (2 * n)

    def grad(w: Array) -> Array:
        return total(w - beside(P, w)) / n

    def hess(w: Array) -> Array:
        return np.eye(len(w)).reshape(len(w), len(w), *(1,) * (w.ndim - 1))

    return value, grad, hess


mean_vs_median = replace(mean_of([[0], [0], [0], [0], [10]]), name="mean_vs_median")
r"""The mean of five numbers, :math:`J(w)=\tfrac1{10}\sum_i(w-a_i)^2`, a = 0, 0, 0, 0, 10.

Its minimiser is the mean, 2; but on average the sign of one example's gradient vanishes at the
median, 0.
"""


@_remembered
def reddi(C: float = 3.0) -> Function:
    r"""Return the mean of the online problem of Reddi, Kale and Kumar, :math:`J(w)=\frac{C-2}3w`.

    Parameters
    ----------
    C : float
        The rare slope, above 2: the examples in their cyclic order are Cw, -w and -w.

    Returns
    -------
    Function
        A linear function.  It has no minimiser on the line; the problem is posed on the interval
        [-1, 1] of its ``box``, to which iterates are to be projected, where the minimiser is -1.

    References
    ----------
    Reddi, Kale and Kumar, On the convergence of Adam and beyond, ICLR (2018), arXiv:1904.09237,
    section 3.

    Examples
    --------
    >>> J = reddi()
    >>> [float(J.examples([t % 3]).grad([0.0])[0]) for t in range(4)]
    [3.0, -1.0, -1.0, 3.0]
    """
    C = _real(C, "C")
    if C <= 2:
        raise ValueError(f"C must be above 2; got {C}")
    slopes = np.array([C, -1.0, -1.0])
    return Function(
        *_linear(slopes),
        name=f"reddi({C:g})", dim=1, box=((-1.0, 1.0),), L=0.0, mu=0.0, n=3,
        examples=lambda index: Function(*_linear(slopes[index]), name=f"reddi({C:g})", dim=1),
    )  # fmt: skip


def _linear(slopes: Array) -> tuple[Formula, Formula, Formula]:
    """Return value, gradient and Hessian of the mean slope times w, shape ``(n[, *batch])``."""

    def grad(w: Array) -> Array:
        return total(beside(slopes, w, axes=1))[None] / len(slopes)

    return lambda w: grad(w)[0] * w[0], grad, lambda w: _diagonal(0 * w)


# ------------------------------------------------------------------------------ catalogue

LANDSCAPES: dict[str, Function] = {
    J.name: J
    for J in (
        quadratic([1, 10]), ill_conditioned,
        rosenbrock, beale, himmelblau,
        saddle, monkey_saddle,
        quartic, power(1.5), absolute, cone, degenerate, crawl, plateau, gaussian_well,
        quasi_convex, cliff, wall, double_well, half_line, barrier,
        valley, rayleigh([1, 10]), factorisation([[4, 0], [0, 1]], rank=2),
        logistic([[1, 2], [2, -1], [-1, 1], [1, 1]], [1, -1, 1, -1]), separable,
        least_squares([[1, 0], [1, 1], [1, 2], [1, 3]], [0, 1, 1, 3]),
        mean_of([[0, 0], [1, 0], [0, 1], [10, 10]]), mean_vs_median, reddi(),
    )
}  # fmt: skip
"""Every landscape of this module by its name, in its order; of each family one to begin with."""
