"""Descent: the only loop of the library, and the record of where it went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .functions import Function
from .noise import Noisy, as_generator, as_noisy
from .ops import norm, whole
from .rule import Rule, as_rule

Array = Any


@dataclass(frozen=True, eq=False, repr=False)
class Path:
    """Where a descent went.  Made by :func:`descend`.

    Attributes
    ----------
    function : Function
        The landscape J.
    rule : Rule
        The update rule.
    w : array, shape (steps + 1, d, *batch)
        The iterates; ``w[0]`` is the start.
    g : array, shape (steps + 1, d, *batch)
        The gradient that the rule saw at each iterate, in the unit of J over the unit of w.
    step : array, shape (steps, d, *batch)
        What was subtracted: ``w[t + 1] = w[t] - step[t]``.
    """

    function: Function
    rule: Rule
    w: Array
    g: Array
    step: Array

    @property
    def steps(self) -> int:
        """The number of steps."""
        return len(self.step)

    @property
    def J(self) -> Array:
        """The value at each iterate, shape ``(steps + 1, *batch)``."""
        with np.errstate(all="ignore"):
            return self.function.value(np.moveaxis(self.w, 0, 1))

    @property
    def grad_norm(self) -> Array:
        """The norm of the gradient at each iterate, shape ``(steps + 1, *batch)``."""
        return norm(np.moveaxis(self.g, 0, 1))

    @property
    def step_length(self) -> Array:
        """The length of each step, shape ``(steps, *batch)``, in the unit of w."""
        return norm(np.moveaxis(self.step, 0, 1))

    @property
    def distance(self) -> Array:
        """The distance to the nearest known minimiser, shape ``(steps + 1, *batch)``.

        Raises
        ------
        ValueError
            If no minimiser of J is known.
        """
        return distance(self.function, np.moveaxis(self.w, 0, 1))

    @property
    def diverged(self) -> Array:
        """Whether the run left the finite numbers, shape ``batch``; a bool for a single run."""
        finite = np.isfinite(self.w).all(axis=(0, 1))
        return bool(~finite) if finite.ndim == 0 else ~finite

    @property
    def last(self) -> Array:
        """The last iterate, shape ``(d, *batch)``."""
        return self.w[-1]

    @property
    def best(self) -> Array:
        """The iterate of lowest value, shape ``(d, *batch)``; the first of them in a tie."""
        values = np.where(np.isnan(self.J), np.inf, self.J)
        index = np.argmin(values, axis=0)
        return np.take_along_axis(self.w, index[None, None], axis=0)[0]

    @property
    def average(self) -> Array:
        """The mean of all iterates, shape ``(d, *batch)``."""
        return self.w.mean(axis=0)

    def __len__(self) -> int:
        return len(self.w)

    def __repr__(self) -> str:
        batch = self.w.shape[2:]
        runs = f", {np.prod(batch, dtype=int)} runs" if batch else ""
        fate = ""
        if np.any(self.diverged):
            fate = ", diverged" if not batch else f", {int(np.sum(self.diverged))} diverged"
        return f"Path({self.function.name}, {self.rule!r}, {self.steps} steps{runs}{fate})"


def descend(
    J: Any, start: Any, rule: Any, steps: int = 100, *, repeats: int | None = None, rng: Any = None
) -> Path:
    r"""Descend on J from ``start`` by ``rule``: :math:`w_{t+1}=w_t-\text{step}_t`.

    Parameters
    ----------
    J : Function, Noisy or callable
        The landscape; a plain function of ``w`` is given its gradient by SymPy.  A noisy one, such
        as ``minibatch(J, size)``, shows each step another sample.
    start : array_like, shape (d, *batch)
        Where to start, coordinates first.  A number starts in one dimension.
    rule : Rule or callable
        The update rule, such as ``ngd(eta=0.1)``.  Arrays among its hyper-parameters broadcast
        with the batch: one call runs them all.
    steps : int
        How many steps to make.
    repeats : int, optional
        Put an axis of so many runs before the batch: independent repetitions, if J is noisy.
    rng : int, Generator, ...
        The seed of a noisy landscape, or its random generator.  The same seed, shapes and versions
        give the same bits; None takes fresh entropy.

    Returns
    -------
    Path
        Every iterate.  A run that leaves the finite numbers is no error: the path keeps its
        non-finite tail and says ``diverged``.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If the start has the wrong number of coordinates, is not finite or is outside the domain
        of J, if the shapes of the start and the hyper-parameters do not broadcast, or if
        ``steps`` is negative.

    Examples
    --------
    >>> from normgd import functions, gd, ngd, noisy
    >>> path = descend(functions.quadratic([1, 10]), (10.2, 1.0), ngd(eta=0.5), steps=100)
    >>> path.w.shape
    (101, 2)
    >>> sweep = descend(functions.quadratic([1, 10]), (10.2, 1.0), gd(alpha=[0.1, 0.3]), steps=500)
    >>> sweep.J.shape, sweep.diverged.tolist()
    ((501, 2), [False, False])
    >>> J = noisy(functions.quadratic([1, 10]), 0.1)
    >>> descend(J, (1.0, 1.0), gd(alpha=[0.01, 0.1]), steps=50, repeats=30, rng=7)
    Path(quadratic, gd(alpha=<2 values from 0.01 to 0.1>), 50 steps, 60 runs)
    """
    noisy, rule = as_noisy(J), as_rule(rule)
    steps = whole("steps", steps, 0)
    runs = () if repeats is None else (whole("repeats", repeats, 0),)
    first = _start(noisy.J, start, rule, runs)
    record = np.empty((steps + 1, *first.shape), first.dtype)
    gradients, taken = np.empty_like(record), np.empty_like(record[1:])
    with np.errstate(all="ignore"):  # divergence is a result, not an error
        for t, (w, g, step) in enumerate(walk(noisy, first, rule, steps, as_generator(rng))):
            record[t], gradients[t] = w, g
            if t < steps:
                taken[t] = step
    return Path(noisy.J, rule, record, gradients, taken)


def walk(
    J: Noisy, w: Array, rule: Rule, steps: int, rng: np.random.Generator
) -> Iterator[tuple[Array, Array, Array]]:
    """Yield each iterate, its gradient and the step that is made there; 0 for the last iterate.

    Overflow and NaN warn or raise as the caller has told NumPy.
    """
    memory = rule.start()
    samples = J.samples(rng, w.shape)
    for t in range(steps):
        sample: Any = next(samples)
        g = sample.grad(w)
        before = memory
        step, memory = rule.step(g, memory, t, w, sample)
        step = _checked(step, w, rule)
        if t == 0 and w[0].size > 1:
            _check_apart(rule, g, before, w, sample, step)
        yield w, g, step
        w = w - step
    sample = next(samples)
    yield w, sample.grad(w), np.zeros_like(w)


def distance(J: Function, w: Array) -> Array:
    """Return how far w is from the nearest known minimiser of J, shape ``batch``.

    Raises
    ------
    ValueError
        If no minimiser of J is known.
    """
    if not len(J.minimisers):
        raise ValueError(f"no minimiser of {J.name} is known")
    points = [np.broadcast_to(np.asarray(p, dtype=w.dtype), w.shape[:1]) for p in J.minimisers]
    shape = (-1, *(1,) * (w.ndim - 1))
    return np.min([norm(w - point.reshape(shape)) for point in points], axis=0)


def _checked(step: Any, w: Array, rule: Rule) -> Array:
    """Return a rule's step as an array of w's shape and type."""
    try:
        array = np.asarray(step)
    except ValueError as error:
        raise ValueError(f"{_wanted(w, rule)}; got {step!r}") from error
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{_wanted(w, rule)}; got {step!r}")
    if array.shape not in (w.shape, ()):
        raise ValueError(f"{_wanted(w, rule)}; got shape {array.shape}")
    return np.broadcast_to(array.astype(w.dtype, copy=False), w.shape)


def _wanted(w: Array, rule: Rule) -> str:
    return f"the step of {rule!r} must be an array of real numbers, shape {w.shape}"


def _check_apart(rule: Rule, g: Array, memory: Any, w: Array, J: Any, step: Array) -> None:
    """Check that the first run's step does not change with the gradients of the others.

    ``np.linalg.norm(g)``, say, is the norm of all of them together.
    """
    first = (slice(None), *(0,) * (w.ndim - 1))
    alone = np.zeros_like(g)
    alone[first] = g[first]
    again, _ = rule.step(alone, memory, 0, w, J)
    if not np.array_equal(_checked(again, w, rule)[first], step[first], equal_nan=True):
        raise ValueError(
            f"{rule!r} mixes the runs of a batch: sums over coordinates must keep the batch, as "
            f"norm, unit and ops.total of normgd do"
        )


def _start(J: Function, start: Any, rule: Rule, repeats: tuple[int, ...] = ()) -> Array:
    """Return the start, shape ``(d, *repeats, *batch)``, broadcast with the rule."""
    if isinstance(start, (bool, str, bytes)) or start is None:
        raise TypeError(f"start must be an array of real numbers; got {start!r}")
    try:
        start = np.atleast_1d(np.asarray(start))
    except ValueError as error:
        raise ValueError(f"start must be a rectangular array; got {start!r}") from error
    if start.dtype == object:
        raise TypeError(f"start must be an array of real numbers; got {start!r}")
    w = J.check_point(start, "start")
    if not np.all(np.isfinite(w)):
        raise ValueError(f"start must be finite; got {start!r}")
    if J.domain is not None and not np.all(J.domain(w)):
        raise ValueError(f"start must lie in the domain of {J.name}; got {start!r}")
    try:
        batch = np.broadcast_shapes(w.shape[1:], rule.batch_shape())
    except ValueError as error:
        raise ValueError(
            f"the batch of start, shape {w.shape[1:]}, and the hyper-parameters of {rule!r}, "
            f"shape {rule.batch_shape()}, must broadcast"
        ) from error
    batch = repeats + batch
    missing = (1,) * (len(batch) - len(w.shape[1:]))
    return np.broadcast_to(w.reshape(w.shape[:1] + missing + w.shape[1:]), w.shape[:1] + batch)
