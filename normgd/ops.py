"""The few operations that need care: everything else in the library is plain arithmetic.

Vectors are stored *coordinates first*: an array of shape ``(d, *batch)`` holds one vector of
``d`` coordinates for every entry of the batch, so that ``x, y = w`` names the coordinates.
Each function here works on float arrays and on traced symbols (:mod:`normgd.symbols`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .symbols import Expr, is_symbolic, lift

absolute = np.absolute
cos = np.cos
exp = np.exp
log = np.log
log1p = np.log1p
sin = np.sin
sqrt = np.sqrt
tanh = np.tanh


def _elementwise(op: str, *args: Any) -> Any:
    """Record ``op`` on symbols, element by element with NumPy's broadcasting."""

    def node(*items: Any) -> Expr:
        return Expr(op, *map(lift, items))

    return np.frompyfunc(node, len(args), 1)(*args)


def sign(x: Any) -> Any:
    """Return -1, 0 or 1; NaN for NaN."""
    return _elementwise("sign", x) if is_symbolic(x) else np.sign(x)


def maximum(a: Any, b: Any) -> Any:
    """Return the larger of two, element by element; NaN if either is NaN."""
    symbolic = is_symbolic(a) or is_symbolic(b)
    return _elementwise("maximum", a, b) if symbolic else np.maximum(a, b)


def minimum(a: Any, b: Any) -> Any:
    """Return the smaller of two, element by element; NaN if either is NaN."""
    symbolic = is_symbolic(a) or is_symbolic(b)
    return _elementwise("minimum", a, b) if symbolic else np.minimum(a, b)


def where(condition: Any, a: Any, b: Any) -> Any:
    """Return ``a`` where the condition holds and ``b`` elsewhere, element by element."""
    symbolic = is_symbolic(condition) or is_symbolic(a) or is_symbolic(b)
    return _elementwise("where", condition, a, b) if symbolic else np.where(condition, a, b)


def less(a: Any, b: Any) -> Any:
    """Return whether a < b, element by element.  (On symbols NumPy's ``<`` must give bools.)"""
    return _elementwise("less", a, b) if is_symbolic(a) or is_symbolic(b) else np.less(a, b)


def less_equal(a: Any, b: Any) -> Any:
    """Return whether a <= b, element by element."""
    symbolic = is_symbolic(a) or is_symbolic(b)
    return _elementwise("less_equal", a, b) if symbolic else np.less_equal(a, b)


def equal(a: Any, b: Any) -> Any:
    """Return whether a == b, element by element."""
    return _elementwise("equal", a, b) if is_symbolic(a) or is_symbolic(b) else np.equal(a, b)


def total(x: Any) -> Any:
    """Return the sum over the coordinates: shape ``(d, *batch)`` to ``batch``."""
    # In pairs, so that the order depends on the number of coordinates only.  (`np.add.reduce`
    # adds up eight or more in another order when there is no batch.)
    while (n := len(x)) > 1:
        pairs = x[0 : n - 1 : 2] + x[1:n:2]
        x = np.concatenate([pairs, x[-1:]]) if n % 2 else pairs
    return x[0]


def as_vector(g: Any, name: str = "g") -> Any:
    """Return ``g`` as an array of floats or symbols with a coordinate axis.

    Raises
    ------
    TypeError
        If ``g`` is not an array of real numbers.
    ValueError
        If ``g`` has no coordinates.
    """
    if isinstance(g, Expr):
        raise ValueError(f"{name} must have a coordinate axis, shape (d, ...); got {g!r}")
    if is_symbolic(g):
        if not all(isinstance(item, Expr) for item in g.flat):
            raise TypeError(f"{name} must be an array of real numbers; got {g!r}")
        return g
    try:
        array = np.asarray(g)
    except ValueError as error:
        raise ValueError(f"{name} must be a rectangular array; got {g!r}") from error
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} must be an array of real numbers; got {g!r}")
    if array.ndim == 0:
        raise ValueError(
            f"{name} must have a coordinate axis, shape (d, ...); got the number {array.item()!r}"
        )
    if array.shape[0] == 0:
        raise ValueError(f"{name} must have at least one coordinate; got shape {array.shape}")
    return array if array.dtype.kind == "f" else array.astype(float)


def scale(g: Any) -> Any:
    """Return the largest power of two that is at most ``max|g_i|``.

    1 where ``g = 0``, NaN where a coordinate is infinite or NaN.  Dividing by a power of two is
    exact, so norms of ``g / scale(g)`` lose nothing to overflow or underflow.
    """
    if is_symbolic(g):
        return Expr("scale", *map(lift, g))
    largest = np.max(np.abs(g), axis=0, initial=0.0)
    _, exponent = np.frexp(largest)
    power = np.ldexp(np.ones_like(largest), exponent - 1)
    return np.where(largest == 0, 1.0, np.where(np.isfinite(largest), power, np.nan)).astype(
        largest.dtype
    )


def _sum_of_squares_is_safe(s: Any) -> bool:
    """Tell whether every sum of squares kept all its digits: none overflowed or underflowed.

    A square below the smallest normal number loses digits.  If the sum is at least
    ``tiny / eps**2``, such squares are too small beside it to matter.
    """
    limits = np.finfo(s.dtype)
    return bool(np.all((s >= limits.tiny / limits.eps**2) & (s <= limits.max)))


def norm(g: Any) -> Any:
    r"""Return the Euclidean norm over the coordinates, :math:`\|g\| = \sqrt{\sum_i g_i^2}`.

    Parameters
    ----------
    g : array_like, shape (d, *batch)
        One vector for every entry of the batch.

    Returns
    -------
    array, shape batch
        The norms, in the unit of ``g``.  Squares neither overflow nor underflow: the norm is
        accurate from the smallest subnormal number to the largest finite one, and infinite only
        if it exceeds that.  NaN if a coordinate is infinite or NaN.

    Examples
    --------
    >>> print(f"{norm([3e200, 4e200]):.6g}")
    5e+200

    Squared, 3e200 is infinite: ``numpy.linalg.norm`` returns ``inf`` here.
    """
    g = as_vector(g)
    if isinstance(g, np.ndarray) and g.dtype != object:
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            s = total(g * g)
            if _sum_of_squares_is_safe(s):
                return np.sqrt(s)
            p = scale(g)
            h = g / p
            return p * np.sqrt(total(h * h))
    p = scale(g)
    h = g / p
    return p * sqrt(total(h * h))


def unit(g: Any) -> Any:
    r"""Return the direction of a vector, :math:`u = g / \|g\|`, and 0 for the zero vector.

    Parameters
    ----------
    g : array_like, shape (d, *batch)
        One vector for every entry of the batch.

    Returns
    -------
    array, shape (d, *batch)
        Vectors of length 1, without a unit of measurement: accurate to rounding for every finite
        nonzero vector, from subnormals to the largest float.  By convention ``unit(0) = 0``: the
        limit of g/‖g‖ as g → 0 does not exist, and a rule that starts at a stationary point should
        stay there.  NaN if a coordinate is infinite or NaN: such a vector has no direction.

    Examples
    --------
    >>> unit([3.0, -4.0])
    array([ 0.6, -0.8])
    >>> unit([5e-324, 0.0])
    array([1., 0.])
    >>> unit([0.0, 0.0])
    array([0., 0.])
    """
    g = as_vector(g)
    if isinstance(g, np.ndarray) and g.dtype != object:
        with np.errstate(all="ignore"):
            s = total(g * g)
            if _sum_of_squares_is_safe(s):
                return g / np.sqrt(s)
            h = g / scale(g)
            n = np.sqrt(total(h * h))
            return h / np.where(n == 0, 1, n)  # 0 / 1 = 0, and NaN stays NaN
    h = g / scale(g)
    n = sqrt(total(h * h))
    return h / where(equal(n, 0.0), 1.0, n)
