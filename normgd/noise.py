r"""Noise: landscapes of which each step sees another sample.

What a step sees is a landscape itself, value and gradient of one sample, drawn anew for each step:

>>> import numpy as np
>>> from normgd import descend, functions, gd
>>> J = functions.least_squares([[1.0], [1.0], [1.0]], [0.0, 0.0, 9.0])
>>> path = descend(minibatch(J, size=1), 0.0, gd(alpha=0.5), steps=3, rng=1)
>>> path.w.shape, np.array_equal(path.J, J.value(path.w.T))
((4, 1), True)

``path.g`` holds the gradients that the rule saw, ``path.J`` the values of J itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .functions import Function, as_function
from .ops import dot, whole

Array = Any
Sampler = Callable[[np.random.Generator, tuple[int, ...]], Iterator[Function]]


@dataclass(frozen=True, eq=False, repr=False)
class Noisy:
    """A landscape J and how its samples are drawn.

    Parameters
    ----------
    J : Function
        The landscape that is meant: in general the mean of the samples.
    samples : callable
        ``(rng, shape) -> iterator``: draws with the generator ``rng`` and yields the landscape that
        each step sees, for w of this shape, ``(d, *batch)``.  Every entry of the batch is to have
        draws of its own.
    name : str
        What to call it in a caption.

    Examples
    --------
    Each gradient has its sign changed with probability 1/4:

    >>> from normgd import functions
    >>> def flipped(rng, shape):
    ...     while True:
    ...         s = np.where(rng.random(shape[1:]) < 0.25, -1.0, 1.0)
    ...         yield Function(lambda w: s * J.value(w), lambda w: s * J.grad(w))
    >>> J = functions.quadratic([1, 10])
    >>> Noisy(J, flipped, name="flipped quadratic")
    <flipped quadratic>
    """

    J: Function
    samples: Sampler
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "J", as_function(self.J))
        if not callable(self.samples):
            raise TypeError(f"samples must be a function of rng and shape; got {self.samples!r}")
        object.__setattr__(self, "name", self.name or f"noisy {self.J.name}")

    def __repr__(self) -> str:
        return f"<{self.name}>"


def as_noisy(J: Any) -> Noisy:
    """Return J itself if it is noisy, or the landscape of which every step sees everything."""
    if isinstance(J, Noisy):
        return J
    J = as_function(J)
    return Noisy(J, partial(_everything, J), J.name)


def _everything(J: Function, rng: Any, shape: Any) -> Iterator[Function]:
    return itertools.repeat(J)


def as_generator(rng: Any) -> np.random.Generator:
    """Return the random generator of a seed; a generator stays itself.

    As the scientific Python projects agreed in SPEC 7, ``rng`` may be None (fresh entropy), a whole
    number or a sequence of them, a ``SeedSequence``, a ``BitGenerator`` or a ``Generator``.
    """
    wanted = (
        f"rng must be a seed (a whole number, at least 0) or a numpy.random.Generator; got {rng!r}"
    )
    if isinstance(rng, bool):
        raise TypeError(wanted)
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(wanted) from error


# ------------------------------------------------------------------------------ minibatches


def minibatch(J: Any, size: int = 1) -> Noisy:
    r"""Return J with each gradient from ``size`` examples, drawn independently with replacement.

    Parameters
    ----------
    J : Function
        A mean over examples, such as ``functions.logistic(X, y)``.
    size : int
        The number of examples in a minibatch.

    Raises
    ------
    TypeError
        If J is no mean over examples, or ``size`` no whole number.
    ValueError
        If ``size`` is less than 1.
    """
    J = _mean_of_examples(J)
    size = whole("size", size, 1)
    return Noisy(J, partial(_minibatches, J, size), f"{J.name}, minibatches of {size}")


def _minibatches(J: Any, size: int, rng: Any, shape: tuple[int, ...]) -> Iterator[Function]:
    while True:
        yield J.examples(rng.integers(J.n, size=(size, *shape[1:])))


def epochs(J: Any, size: int = 1) -> Noisy:
    r"""Return J with its examples in random order, all of them before the next reshuffling.

    Parameters
    ----------
    J : Function
        A mean over n examples.
    size : int
        The number of examples in a minibatch, at most n.  An epoch has ``n // size`` steps; the
        examples left over are not used in it.
    """
    J = _mean_of_examples(J)
    size = whole("size", size, 1)
    if size > J.n:
        raise ValueError(f"size must be at most {J.n}, the number of examples; got {size}")
    return Noisy(J, partial(_epochs, J, size), f"{J.name}, reshuffled minibatches of {size}")


def _epochs(J: Any, size: int, rng: Any, shape: tuple[int, ...]) -> Iterator[Function]:
    ordered = np.arange(J.n).reshape(-1, *(1,) * len(shape[1:]))
    while True:
        order = rng.permuted(np.broadcast_to(ordered, (J.n, *shape[1:])), axis=0)
        for first in range(0, J.n - size + 1, size):
            yield J.examples(order[first : first + size])


def cyclic(J: Any) -> Noisy:
    """Return J with one example a step, in the order in which they are given, again and again.

    Nothing is random here: it is how an online problem repeats.
    """
    J = _mean_of_examples(J)
    return Noisy(J, partial(_cycle, J), f"{J.name}, example by example")


def _cycle(J: Any, rng: Any, shape: tuple[int, ...]) -> Iterator[Function]:
    for i in itertools.cycle(range(J.n)):
        yield J.examples(np.full((1, *(1,) * len(shape[1:])), i))


def _mean_of_examples(J: Any) -> Any:
    J = as_function(J)
    if J.examples is None:
        raise TypeError(f"J must be a mean over examples, such as logistic(X, y); got {J!r}")
    return J


# --------------------------------------------------------------------------- additive noise


def noisy(J: Any, noise: Any) -> Noisy:
    r"""Return J with noise in its gradient: each step sees :math:`J(w)+\langle\xi,w\rangle`.

    Parameters
    ----------
    J : Function, Noisy or callable
        The landscape; of a noisy one, such as ``minibatch(J)``, each sample gets the noise.
    noise : float, array_like or callable
        The standard deviation σ of each coordinate of a Gaussian ξ, in the unit of the gradient; or
        ``(rng, shape) -> ξ``, an array of this shape from any law.  An array σ has its coordinates
        first, as w has: shape ``(d,)`` gives each coordinate its own σ, the same all over the
        batch, and what follows, ``(d, ...)`` or ``(1, ...)``, is to broadcast to the batch of w.

    Raises
    ------
    TypeError
        If ``noise`` is none of these.
    ValueError
        If a σ is negative, infinite or NaN; by the samples, if σ does not broadcast with w.

    Examples
    --------
    >>> from normgd import functions
    >>> heavy = noisy(functions.quadratic([1, 1]), lambda rng, shape: rng.standard_cauchy(shape))
    >>> noisy(minibatch(functions.least_squares([[1.0, 0.0], [1.0, 1.0]], [0.0, 9.0])), [0.1, 0.0])
    <noisy least_squares, minibatches of 1>
    """
    J = as_noisy(J)
    if not callable(noise):
        noise = partial(_gaussian, _deviations(noise))
    return Noisy(J.J, partial(_with_noise, J, noise), f"noisy {J.name}")


def _gaussian(sigma: Array, rng: Any, shape: tuple[int, ...]) -> Array:
    missing = (1,) * (len(shape) - sigma.ndim)
    try:
        each = np.broadcast_to(sigma.reshape(sigma.shape[:1] + missing + sigma.shape[1:]), shape)
    except ValueError as error:
        raise ValueError(
            f"noise must broadcast with w, coordinates first; got noise of shape {sigma.shape} for "
            f"w of shape {shape}"
        ) from error
    return each * rng.standard_normal(shape)


def _with_noise(J: Noisy, noise: Any, rng: Any, shape: tuple[int, ...]) -> Iterator[Function]:
    for sample in J.samples(rng, shape):
        yield _tilted(sample, noise(rng, shape))


def _tilted(J: Any, xi: Array) -> Function:
    return Function(lambda w: J.value(w) + dot(xi, w), lambda w: J.grad(w) + xi, name=J.name)


def _deviations(noise: Any) -> Array:
    """Return standard deviations as an array of floats of their own."""
    wanted = "noise must be a number, an array of them or a function of rng and shape"
    try:
        sigma = np.array(noise)
    except ValueError as error:  # a ragged list
        raise TypeError(f"{wanted}; got {noise!r}") from error
    if sigma.dtype.kind not in "fiu":
        raise TypeError(f"{wanted}; got {noise!r}")
    if not np.all((sigma >= 0) & (sigma < np.inf)):
        raise ValueError(f"noise must be finite and at least 0; got {noise!r}")
    return sigma.astype(float)


__all__ = ["Noisy", "cyclic", "epochs", "minibatch", "noisy"]
