r"""Landscapes: functions J to descend on, with gradient, Hessian and what is known about them.

A landscape takes ``w`` of shape ``(d, *batch)``, coordinates first, and returns values of shape
``batch``.  Its formulas are written once and run on numbers and on symbols alike.

>>> rosenbrock([-1.5, 2.0])
array(12.5)
>>> rosenbrock.grad([-1.5, 2.0])
array([-155.,  -50.])
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

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
    total,
    unit,
    where,
)
from .symbols import is_symbolic, to_sympy, vector

Array = Any  # float arrays, and object arrays of traced symbols


def matvec(A: Array, w: Array) -> Array:
    """Return the product A w for w of shape ``(d, *batch)``.

    BLAS adds up in an order that depends on the batch; this does not.
    """
    n, d = A.shape
    if n <= d:
        ones = (1,) * (w.ndim - 1)
        return np.stack([total(row.reshape(d, *ones) * w) for row in A])
    columns = A.T.reshape(d, n, *(1,) * (w.ndim - 1))
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
        The known (local) minimisers.
    box : sequence of pairs
        An interval for each coordinate that shows what there is to see.
    L, mu : float, optional
        Bounds ``mu <= λ <= L`` on the Hessian's eigenvalues everywhere, where they exist.
    domain : callable, optional
        ``w -> bool``: where J is defined, if not everywhere.
    source : str
        Where the landscape comes from.

    Examples
    --------
    >>> J = Function(lambda w: w[0] ** 2 + w[1] ** 4, dim=2)
    >>> J.grad([1.0, 2.0])
    array([ 2., 32.])
    """

    value: Callable[[Array], Array]
    grad: Callable[[Array], Array] | None = None
    hess: Callable[[Array], Array] | None = None
    name: str = ""
    dim: int | None = None
    minimisers: Sequence[Sequence[float]] = ()
    box: Sequence[tuple[float, float]] = ()
    L: float | None = None
    mu: float | None = None
    domain: Callable[[Array], Array] | None = None
    source: str = ""

    def __post_init__(self) -> None:
        for field in ("value", "grad", "hess", "domain"):
            given = getattr(self, field)
            if not callable(given) and (field == "value" or given is not None):
                raise TypeError(f"{field} must be a function of w; got {given!r}")
        if not self.name:
            name = getattr(self.value, "__name__", "J")
            object.__setattr__(self, "name", "J" if name == "<lambda>" else name)
        for field in ("value", "grad", "hess"):
            object.__setattr__(self, field, _Evaluator(self, field, getattr(self, field)))

    def __repr__(self) -> str:
        return f"<landscape {self.name}>"

    def __call__(self, w: Any) -> Array:
        """Return J(w), shape ``batch``."""
        return self.value(w)

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

    def __init__(self, J: Function, field: str, formula: Callable[[Array], Array] | None) -> None:
        self.J, self.field, self.formula = J, field, formula
        self.derived: dict[int, Callable[[Array], Array]] = {}

    def __repr__(self) -> str:
        return f"<{self.field} of {self.J.name}>"

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
                result = np.array(result, dtype=object)
            else:
                result = np.asarray(result, dtype=w.dtype)
            return np.broadcast_to(result, expected)
        except ValueError as error:
            raise ValueError(
                f"the {self.field} of {self.J.name} must return shape {expected} for w of "
                f"shape {w.shape}; got shape {np.shape(result)}"
            ) from error

    def _derive(self, d: int) -> Callable[[Array], Array]:
        if d not in self.derived:
            self.derived[d] = differentiate(self.J, d, order=1 if self.field == "grad" else 2)
        return self.derived[d]


def differentiate(J: Function, d: int, order: int) -> Callable[[Array], Array]:
    """Derive the gradient (order 1) or the Hessian (order 2) of J in ``d`` coordinates.

    The value is traced, differentiated by SymPy and compiled to NumPy.
    """
    import sympy as sp

    w = vector("w", d)
    try:
        traced = J.value(w)
    except (TypeError, AttributeError) as error:
        raise TypeError(
            f"{J.name} cannot be traced, so its derivatives must be given: "
            f"Function(value, grad=...); {error}"
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


# ---------------------------------------------------------------------------- quadratics


def rotation(angle: float) -> Array:
    """Return the 2 × 2 matrix that turns the plane by ``angle`` radians, counter-clockwise."""
    c, s = math.cos(_real(angle, "angle")), math.sin(angle)
    return np.array([[c, -s], [s, c]])


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
    definite = bool(np.all(values > 0))
    return Function(
        value, grad, hess,
        name="quadratic",
        dim=d,
        minimisers=(tuple(centre.tolist()),) if definite else (),
        box=tuple((c - reach, c + reach) for c in centre.tolist()),
        L=float(np.max(np.abs(values))),
        mu=float(np.min(values)) if definite else None,
    )  # fmt: skip


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
    zero = 0 * entries[0]
    return _matrix([[entries[i] if i == j else zero for j in range(d)] for i in range(d)], entries)


rosenbrock = Function(
    _rosenbrock, _rosenbrock_grad, _rosenbrock_hess,
    name="rosenbrock", dim=2, minimisers=((1.0, 1.0),), box=((-2.0, 2.0), (-1.0, 3.0)),
    source="Rosenbrock, The Computer Journal 3 (1960) 175-184, doi:10.1093/comjnl/3.3.175",
)  # fmt: skip


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
    name="beale", dim=2, minimisers=((3.0, 0.5),), box=((-1.0, 4.5), (-1.5, 1.5)),
    source="Beale, On an iterative method for finding a local minimum (1958), Princeton",
)  # fmt: skip


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
    box=((-6.0, 6.0), (-6.0, 6.0)),
    source="Himmelblau, Applied Nonlinear Programming, McGraw-Hill (1972)",
)  # fmt: skip


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


def _monkey_saddle(w: Array) -> Array:
    x, y = w
    return x * (x * x - 3 * y * y)


monkey_saddle = Function(
    _monkey_saddle,
    lambda w: stack(3 * (w[0] * w[0] - w[1] * w[1]), -6 * w[0] * w[1]),
    lambda w: _matrix([[6 * w[0], -6 * w[1]], [-6 * w[1], -6 * w[0]]], w),
    name="monkey_saddle", dim=2, box=((-2.0, 2.0), (-2.0, 2.0)),
)  # fmt: skip


# ------------------------------------------------------- flat, sharp and broken landscapes

quartic = Function(
    lambda w: total(w * w * (w * w)),
    lambda w: 4 * w * (w * w),
    lambda w: _diagonal(12 * (w * w)),
    name="quartic", minimisers=((0.0,),), box=((-1.5, 1.5), (-1.5, 1.5)), mu=0.0,
)  # fmt: skip
r"""The flat minimum :math:`J(w)=\sum_i w_i^4`: the gradient fades faster than the distance."""


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
        name=f"power({p:g})", dim=1, minimisers=((0.0,),), box=((-1.5, 1.5),),
    )  # fmt: skip


absolute = Function(
    lambda w: total(abs(w)),
    lambda w: sign(w),
    lambda w: _diagonal(0 * w),
    name="absolute", minimisers=((0.0,),), box=((-1.5, 1.5), (-1.5, 1.5)), mu=0.0,
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
    name="cone", minimisers=((0.0,),), box=((-1.5, 1.5), (-1.5, 1.5)), mu=0.0,
)  # fmt: skip
r"""The cone :math:`J(w)=\|w\|`: its gradient has length 1 everywhere but at the tip."""


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
    name="plateau", minimisers=((0.0,),), box=((-6.0, 6.0), (-6.0, 6.0)), L=2.0,
)  # fmt: skip
r"""The plateau :math:`J(w)=\|w\|^2/(1+\|w\|^2)`: far out its slope is about :math:`2/\|w\|^3`."""


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
    name="cliff", dim=1, minimisers=((0.0,),), box=((-20.0, 20.0),),
)  # fmt: skip
r"""A valley of slope 1 up to distance 5, a cliff of slope 1000 up to 10, then a slope of 1e-6."""


def _double_well(w: Array) -> Array:
    (x,) = w
    return 0.25 * (x * x - 1) * (x * x - 1)


double_well = Function(
    _double_well,
    lambda w: w * (w * w - 1),
    lambda w: _diagonal(3 * (w * w) - 1),
    name="double_well", dim=1, minimisers=((-1.0,), (1.0,)), box=((-2.4, 2.4),),
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
    name="half_line", dim=2, minimisers=((0.0, 0.0),), box=((-3.0, 3.0), (-2.0, 8.0)), mu=0.0,
)  # fmt: skip
r"""The convex :math:`J(w)=\|w\|-w_2`: its minimisers are the half-line w₁ = 0, w₂ ≥ 0."""

barrier = Function(
    lambda w: total(w - log(w)),
    lambda w: 1 - 1 / w,
    lambda w: _diagonal(1 / (w * w)),
    name="barrier", dim=1, minimisers=((1.0,),), box=((0.05, 4.0),),
    domain=lambda w: w[0] > 0,
)  # fmt: skip
r"""The convex :math:`J(w)=w-\ln w`, defined for w > 0 only."""


# ------------------------------------------------------------------------------ from data


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
    """
    X, y = as_vector(X, "X"), as_vector(y, "y")
    if X.ndim != 2 or X.size == 0 or not np.all(np.isfinite(X)):
        raise ValueError(f"X must be a table of finite numbers, shape (n, d); got shape {X.shape}")
    if y.shape != X.shape[:1] or not np.all(np.abs(y) == 1):
        raise ValueError(f"y must be {X.shape[0]} labels, each -1 or 1; got shape {y.shape}")
    n, d = X.shape
    A = y[:, None] * X

    def value(w: Array) -> Array:
        z = matvec(A, w)
        return total(maximum(-z, 0.0) + log1p(exp(-abs(z)))) / n  # ln(1 + e^-z), no overflow

    def fading(z: Array) -> Array:
        e = exp(-abs(z))
        return where(less(z, 0.0), 1.0, e) / (1 + e)  # 1 / (1 + e^z), no overflow

    def grad(w: Array) -> Array:
        return -matvec(A.T, fading(matvec(A, w))) / n

    def hess(w: Array) -> Array:
        s = fading(matvec(A, w))
        weighted = A.reshape(n, d, *(1,) * (s.ndim - 1)) * (s * (1 - s))[:, None]
        return matvec(A.T, weighted) / n

    return Function(
        value, grad, hess,
        name="logistic", dim=d, box=((-6.0, 6.0),) * d, mu=0.0,
        L=float(np.linalg.eigvalsh(A.T @ A)[-1] / (4 * n)),
    )  # fmt: skip
