"""The few operations that need care: everything else in the library is plain arithmetic.

Vectors are stored *coordinates first*: an array of shape ``(d, *batch)`` holds one vector of
``d`` coordinates for every entry of the batch, so that ``x, y = w`` names the coordinates.
Each function here works on NumPy's float arrays, on traced symbols (:mod:`normgd.symbols`) and on
the float arrays of two other engines, JAX and PyTorch, whose type and device it keeps.  (These need
the package array-api-compat.)  So what is written with these functions and with operators runs on
all of them, under ``jax.jit``, ``vmap`` and ``lax.scan`` too.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .symbols import Expr, Formal, is_symbolic, lift, node


class _Kinds(dict[type, str]):
    """What a type is, looked up once: NumPy's "array", a "symbol", "foreign" or else "plain"."""

    def __missing__(self, kind: type) -> str:
        homes = {base.__module__.partition(".")[0] for base in kind.__mro__}
        if issubclass(kind, np.ndarray):
            self[kind] = "array"
        elif issubclass(kind, Formal):
            self[kind] = "formal"
        elif issubclass(kind, Expr):
            self[kind] = "symbol"
        elif hasattr(kind, "__array__") and not homes.isdisjoint({"jax", "jaxlib", "torch"}):
            self[kind] = "foreign"
        else:
            self[kind] = "plain"
        return self[kind]


_kinds = _Kinds()


def is_foreign(x: Any) -> bool:
    """Tell whether ``x`` is an array of another engine: of JAX or PyTorch, traced ones included."""
    return _kinds[type(x)] == "foreign"


def _namespace(x: Any) -> Any:
    """Return the functions of another engine's array, by their names in the array API standard."""
    from array_api_compat import array_namespace  # only who brings such an array needs it

    return array_namespace(x)


class _Symbols:
    """Functions of symbols: each records itself, element by element with NumPy's broadcasting."""

    def __getattr__(self, op: str) -> Callable[..., Any]:
        return lambda *args: np.frompyfunc(partial(node, op), len(args), 1)(*args)


class _Letters:
    """Functions of formal letters: each records itself."""

    def __getattr__(self, op: str) -> Callable[..., Any]:
        return partial(node, op)


class _Numbers:
    """NumPy's functions of plain numbers.

    A Python number stays one: a NumPy number would make float64 of the float32 arrays it meets.
    """

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(np, name)

        def plain(*args: Any) -> Any:
            result = function(*args)[()]  # no array without axes
            return result if any(isinstance(x, np.floating) for x in args) else result.item()

        setattr(self, name, plain)
        return plain


_symbols, _letters, _numbers = _Symbols(), _Letters(), _Numbers()


def _home(*args: Any) -> Any:
    """Return where the functions of these arguments are: with NumPy, symbols or another engine."""
    home: Any = _numbers
    for x in args:
        kind = _kinds[type(x)]
        if kind == "foreign":
            return _namespace(x)
        if kind == "formal":
            return _letters
        if kind == "symbol" or (kind == "array" and x.dtype.hasobject):
            return _symbols
        if kind == "array" or (kind == "plain" and not isinstance(x, (int, float, np.generic))):
            home = np
    return home


def _function(name: str) -> Callable[[Any], Any]:
    """Make the function of one argument that NumPy and the other engines have by this name."""
    of_numpy = getattr(np, name)  # on symbols it calls their method of the same name

    def function(x: Any) -> Any:
        if _kinds[type(x)] == "foreign":
            return getattr(_namespace(x), name)(x)
        # A Python number stays one, since a NumPy number would make float64 of float32 arrays.
        return of_numpy(x) if type(x) is not float else float(of_numpy(x))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Return ``numpy.{name}(x)``, element by element."
    return function


absolute = _function("absolute")
cos = _function("cos")
exp = _function("exp")
log = _function("log")
log1p = _function("log1p")
sin = _function("sin")
sqrt = _function("sqrt")
tanh = _function("tanh")


def sign(x: Any) -> Any:
    """Return -1, 0 or 1; NaN for NaN."""
    return _home(x).sign(x)


def maximum(a: Any, b: Any) -> Any:
    """Return the larger of two, element by element; NaN if either is NaN."""
    return _home(a, b).maximum(a, b)


def minimum(a: Any, b: Any) -> Any:
    """Return the smaller of two, element by element; NaN if either is NaN."""
    return _home(a, b).minimum(a, b)


def where(condition: Any, a: Any, b: Any) -> Any:
    """Return ``a`` where the condition holds and ``b`` elsewhere, element by element.

    (PyTorch rounds to its default type if both are numbers.)
    """
    home = _home(condition, a, b)
    if home is np:
        return np.where(condition, a, b)[()]  # without axes a number
    if home not in (_numbers, _symbols, _letters) and not is_foreign(condition):
        from array_api_compat import device

        # PyTorch takes no plain bool.
        condition = home.asarray(condition, device=device(a if is_foreign(a) else b))
    return home.where(condition, a, b)


def less(a: Any, b: Any) -> Any:
    """Return whether a < b, element by element.  (On symbols NumPy's ``<`` must give bools.)"""
    return _home(a, b).less(a, b)


def less_equal(a: Any, b: Any) -> Any:
    """Return whether a <= b, element by element."""
    return _home(a, b).less_equal(a, b)


def equal(a: Any, b: Any) -> Any:
    """Return whether a == b, element by element."""
    return _home(a, b).equal(a, b)


def total(x: Any) -> Any:
    """Return the sum over the coordinates: shape ``(d, *batch)`` to ``batch``."""
    if isinstance(x, Formal):
        return node("total", x)
    if type(x) is not np.ndarray and is_foreign(x):
        return _namespace(x).sum(x, axis=0)
    # In pairs, so that the order depends on the number of coordinates only.  (`np.add.reduce`
    # adds up eight or more in another order when there is no batch.)
    while (n := len(x)) > 1:
        pairs = x[0 : n - 1 : 2] + x[1:n:2]
        x = np.concatenate([pairs, x[-1:]]) if n % 2 else pairs
    return x[0]


def concatenate(arrays: Any) -> Any:
    """Return the arrays one after the other along the coordinates."""
    first = arrays[0]
    if is_foreign(first):
        return _namespace(first).concat(arrays, axis=0)
    return np.concatenate(arrays)


def stack(rows: Any) -> Any:
    """Return the rows, each of shape ``batch``, as the coordinates of one array."""
    first = rows[0]
    if is_foreign(first):
        return _namespace(first).stack(rows, axis=0)
    return np.array(rows, dtype=object) if is_symbolic(first) else np.stack(rows)


def dot(a: Any, b: Any) -> Any:
    r"""Return the inner product over the coordinates, :math:`\langle a,b\rangle=\sum a_ib_i`."""
    return total(a * b)


def ratio(a: Any, b: Any) -> Any:
    """Return a / b, and 0 where b is 0: a rule stays where there is nothing to divide by."""
    if isinstance(a, Formal) or isinstance(b, Formal):
        return a / b  # nobody writes the exception on paper
    if _home(a, b) in (np, _numbers) and np.all(b):
        return a / b
    zero = equal(b, 0.0)
    return where(zero, 0.0, a / where(zero, 1.0, b))


def power(x: Any, n: Any) -> Any:
    """Return x to the power of a whole number n >= 0, by squaring.

    The C library and JavaScript round ``x ** n`` differently; this has the same bits in both.
    An ``n`` of another engine, such as the counter of ``lax.scan``, may be traced, and has no bits:
    that engine's own power is taken.
    """
    home = _home(x, n)
    if home in (_symbols, _letters):
        return home.power_by_squaring(x, n)
    if is_foreign(n):
        return x ** (1.0 * n)  # a float, so that JAX keeps the type of what it is multiplied with
    result = x**0.0
    while n > 0:
        result = result * x if n % 2 else result
        x, n = x * x, n // 2
    return result


def whole(name: str, value: Any, lowest: int) -> int:
    """Return ``value`` as an int, at least ``lowest``."""
    if isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number; got {value!r}")
    try:
        number = operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name} must be a whole number; got {value!r}") from error
    if number < lowest:
        raise ValueError(f"{name} must be at least {lowest}; got {number}")
    return number


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
    if type(g) is not np.ndarray and is_foreign(g):
        of_kind = _namespace(g).isdtype
        if not of_kind(g.dtype, ("real floating", "integral")):
            raise TypeError(f"{name} must be an array of real numbers; got {g!r}")
        if g.ndim == 0 or g.shape[0] == 0:
            raise ValueError(f"{name} must have at least one coordinate, shape (d, ...); got {g!r}")
        return g if of_kind(g.dtype, "real floating") else 1.0 * g
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
    exact, so norms of ``g / scale(g)`` lose nothing to overflow or underflow.  On another engine
    ``max|g_i|`` itself, which differs by roundings only, or an eighth of the largest float.
    """
    if is_symbolic(g):
        return Expr("scale", *map(lift, g))
    if type(g) is not np.ndarray and is_foreign(g):
        home = _namespace(g)
        largest = home.max(home.abs(g), axis=0)
        # JAX's compiler makes `g / p` a product with 1 / p, which must not be subnormal.
        p = home.minimum(largest, float(home.finfo(g.dtype).max) / 8)
        return home.where(largest == 0, 1.0, home.where(home.isfinite(largest), p, home.nan))
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
        if it exceeds that.  NaN if a coordinate is infinite or NaN.  (To JAX on a CPU every
        subnormal number is 0.)

    Examples
    --------
    >>> print(f"{norm([3e200, 4e200]):.6g}")
    5e+200

    Squared, 3e200 is infinite: ``numpy.linalg.norm`` returns ``inf`` here.
    """
    if isinstance(g, Formal):
        return node("norm", g)
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
    if isinstance(g, Formal):
        return node("unit", g)
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
