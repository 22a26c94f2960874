r"""Sweeps: many rates, starts and seeds in one call, of which a summary is kept.

>>> from normgd import functions, gd, ngd
>>> result = sweep(
...     functions.quadratic([1, 10]), (10.2, 1.0), [gd(alpha=[0.01, 0.1, 1.0]), ngd(eta=[0.1, 1.0])]
... )
>>> result
Sweep(quadratic, 100 steps: gd 3 alpha; ngd 2 eta)
>>> result["gd"].best.shape, result["gd"].diverged.tolist()
((3,), [False, False, False])

:func:`normgd.descend` keeps every iterate.  A sweep keeps a few numbers of each run, so that its
memory does not grow with the number of steps.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .noise import Noisy, as_generator, as_noisy
from .ops import norm, whole
from .path import _start, distance, walk
from .rule import Chain, Rule, as_rule
from .schedules import Schedule

Array = Any
Measure = Callable[[Array], Array]

RESULTS = {"rule", "start", "seed", "last", "late", "best", "first", "diverged"}
NUMBERS_AT_ONCE = 2**15
"""How many coordinates are stepped at once: about what the second-level cache holds."""


@dataclass(frozen=True, eq=False, repr=False)
class Runs:
    """The runs of one rule in a sweep.

    Every array ends with the axes of ``axes``, in their order: the hyper-parameters that were
    arrays, then ``start`` if there were several, then ``seed`` if seeds were given.

    Attributes
    ----------
    rule : Rule
        The rule, with its arrays of hyper-parameters.
    axes : dict of str to array
        The values along each axis; for ``start`` the number of the start.
    w : array, shape (d, *axes)
        The last iterate.
    last : array, shape axes
        The measure at the last iterate.
    late : array, shape axes
        The larger of the measures at the last two iterates: what a rule that bounces can promise.
    best : array, shape axes
        The lowest measure on the way; NaN counts as infinite.
    first : array of ints, shape axes, or None
        The first step at which the measure is at most the tolerance; -1 where there is none.
    diverged : array of bools, shape axes
        Whether the last iterate is finite no more.
    recorded : array, shape (len(record), *axes)
        The measure at the steps asked for.
    """

    rule: Rule
    axes: dict[str, Array]
    w: Array
    last: Array
    late: Array
    best: Array
    first: Array | None
    diverged: Array
    recorded: Array

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield each run as a record: the place on every axis and the numbers of the run."""
        names = ("last", "late", "best", "first", "diverged")
        kept = {name: value for name in names if (value := getattr(self, name)) is not None}
        for place in np.ndindex(self.last.shape):
            where = zip(self.axes.items(), place, strict=True)
            yield {
                **{name: values[i].item() for (name, values), i in where},
                **{name: value[place].item() for name, value in kept.items()},
            }

    def __repr__(self) -> str:
        varied = ", ".join(f"{len(values)} {name}" for name, values in self.axes.items())
        return f"Runs({varied or '1 run'})"


class Sweep(Mapping[str, Runs]):
    """What :func:`sweep` returns: the runs of each rule by its label.

    Attributes
    ----------
    J : Function
        The landscape.
    steps : int
        How many steps every run made.
    record : tuple of ints
        The steps at which the measure was recorded.
    """

    def __init__(self, J: Any, steps: int, record: tuple[int, ...], runs: dict[str, Runs]) -> None:
        self.J, self.steps, self.record, self._runs = J, steps, record, runs

    def __getitem__(self, label: str) -> Runs:
        return self._runs[label]

    def __iter__(self) -> Iterator[str]:
        return iter(self._runs)

    def __len__(self) -> int:
        return len(self._runs)

    def rows(self) -> list[dict[str, Any]]:
        """Return a record for each run of each rule, ready for ``pandas.DataFrame``."""
        return [{"rule": label, **row} for label, runs in self.items() for row in runs.rows()]

    def __repr__(self) -> str:
        shown = "; ".join(f"{label} {repr(runs)[5:-1]}" for label, runs in self.items())
        return f"Sweep({self.J.name}, {self.steps} steps: {shown})"


def sweep(
    J: Any,
    starts: Any,
    rules: Any,
    steps: int = 100,
    *,
    seeds: int | Iterable[int] | None = None,
    measure: str | Measure = "J",
    tolerance: float | None = None,
    record: Iterable[int] = (),
    executor: Executor | None = None,
    progress: bool | None = None,
) -> Sweep:
    r"""Run every rule with every combination of its hyper-parameters, starts and seeds.

    Parameters
    ----------
    J : Function, Noisy or callable
        The landscape.
    starts : array_like, shape (d,) or (d, n)
        One start or several, coordinates first.
    rules : Rule, sequence of Rules or mapping from label to Rule
        Each one-dimensional array among a rule's hyper-parameters, the first rate of its schedules
        included, gets an axis of its own: ``momentum(alphas, betas)`` runs the whole grid.
    steps : int
        How many steps every run makes.
    seeds : int or iterable of ints, optional
        Seeds for a noisy J, or how many (0, 1, ...); one of fresh entropy if not given.  All runs
        with the same seed see the same samples, so that rates and starts are compared fairly, and
        only seeds are independent repetitions.  Each run is the one that
        ``descend(..., rng=seed)`` makes, however the work is divided, to the last bit if J needs
        no more than + - * / and roots.  (NumPy rounds the power of a single number differently
        from that of an array.)
    measure : str or callable
        What is summarised: ``"J"``, ``"gap"`` (J less its known minimum), ``"distance"`` (to the
        nearest known minimiser), ``"grad_norm"``, or a function of ``w`` that returns one number
        for every run: shape ``(d, n)`` to ``(n,)``.
    tolerance : float, optional
        Where given, ``first`` says at which step the measure first was at most this.
    record : iterable of ints
        Steps, from 0 to ``steps``, at which to record the measure.
    executor : concurrent.futures.Executor, optional
        Who does the work, in pieces: a process pool, or a cluster's (``dask.distributed``'s
        ``client.get_executor()``, ``mpi4py.futures.MPIPoolExecutor``).  The landscape and the rules
        must then be such as can be pickled: defined in a module with ``def`` and ``class``.
    progress : bool, optional
        Whether to show a progress bar; by default only if the work takes more than two seconds.

    Returns
    -------
    Sweep
        A mapping from label to :class:`Runs`.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If an argument is outside its range, or two rules have the same label.
    """
    noisy, steps = as_noisy(J), whole("steps", steps, 0)
    measured = _measure(noisy.J, measure)
    if not isinstance(record, Iterable):
        raise TypeError(f"record must be steps, such as (0, 10, 100); got {record!r}")
    at = tuple(sorted({whole("record", t, 0) for t in record}))
    if at and at[-1] > steps:
        raise ValueError(f"record must hold steps from 0 to {steps}; got {at[-1]}")
    if tolerance is not None and not isinstance(tolerance, (int, float, np.number)):
        raise TypeError(f"tolerance must be a number; got {tolerance!r}")
    if executor is not None and not hasattr(executor, "submit"):
        raise TypeError(f"executor must be a concurrent.futures.Executor; got {executor!r}")
    chosen = _seeds(seeds)
    plans = {
        label: _plan(noisy, starts, rule, chosen, seeds is not None)
        for label, rule in _labelled(rules).items()
    }
    _check_measure(measured, next(iter(plans.values())).starts)
    order = [(label, piece) for label, plan in plans.items() for piece in plan.pieces(executor)]
    work = _Work(noisy, steps, measured, tolerance, at)
    results: dict[str, list[dict[str, Array]]] = {label: [] for label in plans}
    with _bar(len(order) * (steps + 1), progress) as bar:
        if executor is None:
            for label, piece in order:
                results[label].append(work(*piece, tick=bar.update))
        else:
            futures = [(label, executor.submit(work, *piece)) for label, piece in order]
            try:
                for label, future in futures:
                    results[label].append(future.result())
                    bar.update(steps + 1)
            except BaseException:
                for _, future in futures:
                    future.cancel()
                raise
    runs = {label: plan.assemble(results[label]) for label, plan in plans.items()}
    return Sweep(noisy.J, steps, at, runs)


# ---------------------------------------------------------------------------- what to vary


class _Dial(NamedTuple):
    """A hyper-parameter with several values: of which link of a chain, which one, which values."""

    link: int
    name: str
    values: Array


def _dials(rule: Rule) -> list[_Dial]:
    """List the arrays among a rule's hyper-parameters and among its schedules' first rates."""
    dials = []
    for i, link in enumerate(rule.links):
        for name, rate in link.rates().items():
            values = rate.first_rate if isinstance(rate, Schedule) else rate
            if isinstance(values, np.ndarray):
                if values.ndim != 1:
                    raise ValueError(
                        f"{name} must be a number or a one-dimensional array in a sweep; got shape "
                        f"{values.shape}"
                    )
                if not len(values):
                    raise ValueError(f"{name} must have at least one value in a sweep; got none")
                dials.append(_Dial(i, name, values))
    return dials


def _turn(rule: Rule, dials: Sequence[_Dial], values: Sequence[Array]) -> Rule:
    """Return the rule with other values of its dials."""
    links = list(rule.links)
    for dial, value in zip(dials, values, strict=True):
        rate = getattr(links[dial.link], dial.name)
        rate = rate.with_first_rate(value) if isinstance(rate, Schedule) else value
        links[dial.link] = dataclasses.replace(links[dial.link], **{dial.name: rate})
    return Chain(tuple(links)) if isinstance(rule, Chain) else links[0]


class _Plan(NamedTuple):
    """All runs of one rule: the grid of its dials and the starts, for each seed."""

    rule: Rule
    dials: list[_Dial]
    starts: Array  # (d, number of starts)
    seeds: tuple[Any, ...]
    axes: dict[str, Array]

    def grid(self) -> tuple[int, ...]:
        return (*(len(dial.values) for dial in self.dials), self.starts.shape[1])

    def pieces(self, executor: Any) -> Iterator[tuple[Rule, Array, Any]]:
        """Yield rule, starts and seed of pieces of work, in the order of the results."""
        runs = math.prod(self.grid())
        size = max(1, NUMBERS_AT_ONCE // len(self.starts))
        if executor is not None:
            size = min(size, max(64, math.ceil(runs / 32)))  # something for everybody
        for seed in self.seeds:
            for first in range(0, runs, size):
                places = np.unravel_index(np.arange(first, min(first + size, runs)), self.grid())
                values = [d.values[i] for d, i in zip(self.dials, places[:-1], strict=True)]
                yield _turn(self.rule, self.dials, values), self.starts[:, places[-1]], seed

    def assemble(self, pieces: Sequence[dict[str, Array]]) -> Runs:
        """Put the pieces together again, with an axis for everything that was varied."""
        shape = tuple(len(values) for values in self.axes.values())

        def together(name: str) -> Array:
            parts = [piece[name] for piece in pieces]
            if parts[0] is None:
                return None
            joined = np.concatenate(parts, axis=-1)
            own = joined.shape[:-1]
            by_seed = joined.reshape((*own, len(self.seeds), math.prod(self.grid())))
            return np.moveaxis(by_seed, len(own), -1).reshape((*own, *shape))

        return Runs(self.rule, self.axes, **{name: together(name) for name in pieces[0]})


def _plan(J: Noisy, starts: Any, rule: Any, seeds: tuple[Any, ...], named_seeds: bool) -> _Plan:
    rule = as_rule(rule)
    dials = _dials(rule)
    single = _turn(rule, dials, [dial.values[0] for dial in dials])
    if single.batch_shape() != ():
        raise ValueError(
            f"the arrays of {rule!r} must be hyper-parameters or first rates of schedules"
        )
    points = _start(J.J, starts, single)
    if points.ndim > 2 or points.shape[1:] == (0,):
        raise ValueError(f"starts must have shape (d,) or (d, n), n > 0; got shape {points.shape}")
    repeated = [dial.name for dial in dials]
    axes = {
        dial.name if repeated.count(dial.name) == 1 else f"{dial.name}_{dial.link}": dial.values
        for dial in dials
    }
    for name in RESULTS & axes.keys():
        raise ValueError(f"{name} cannot be swept: a sweep has results of that name")
    if points.ndim == 2:
        axes["start"] = np.arange(points.shape[1])
    if named_seeds:
        axes["seed"] = np.array(seeds)
    return _Plan(rule, dials, points.reshape(len(points), -1), seeds, axes)


def _seeds(seeds: Any) -> tuple[Any, ...]:
    if seeds is None:  # fresh entropy, the same for every piece of the work
        return (np.random.SeedSequence().entropy,)
    if isinstance(seeds, Iterable) and not isinstance(seeds, (str, bytes)):
        chosen = tuple(whole("seeds", seed, 0) for seed in seeds)
    else:
        chosen = tuple(range(whole("seeds", seeds, 1)))
    if not chosen:
        raise ValueError("seeds must hold at least one seed; got none")
    return chosen


def _labelled(rules: Any) -> dict[str, Any]:
    if isinstance(rules, Mapping):
        labelled = {str(label): rule for label, rule in rules.items()}
    else:
        given = rules if isinstance(rules, (list, tuple)) else (rules,)
        labelled = {}
        for rule in map(as_rule, given):
            label = " >> ".join(type(link).__name__ for link in rule.links)
            if label in labelled:
                raise ValueError(
                    f"rules must have distinct labels, and two are {label!r}: give a mapping from "
                    f"label to rule"
                )
            labelled[label] = rule
    if not labelled:
        raise ValueError("rules must hold at least one rule; got none")
    return labelled


# ---------------------------------------------------------------------------- what to keep


@dataclass(frozen=True)
class _Of:
    """A measure by its name, such as can be sent to another process."""

    J: Any
    name: str

    def __call__(self, w: Array) -> Array:
        if self.name == "grad_norm":
            return norm(self.J.grad(w))
        if self.name == "distance":
            return distance(self.J, w)
        value = self.J.value(w)
        return value - self.J.minimum if self.name == "gap" else value


def _measure(J: Any, measure: Any) -> Measure:
    if callable(measure):
        return measure
    names = ("J", "gap", "distance", "grad_norm")
    if measure not in names:
        raise ValueError(
            f"measure must be one of {', '.join(names)} or a function of w; got {measure!r}"
        )
    if measure == "gap" and J.minimum is None:
        raise ValueError(f"measure cannot be the gap: no minimum of {J.name} is known")
    if measure == "distance" and not len(J.minimisers):
        raise ValueError(f"measure cannot be the distance: no minimiser of {J.name} is known")
    return _Of(J, measure)


def _check_measure(measure: Measure, starts: Array) -> None:
    with np.errstate(all="ignore"):
        value = measure(starts)
    if np.shape(value) != starts.shape[1:]:
        raise ValueError(
            f"measure must return shape {starts.shape[1:]} for w of shape {starts.shape}; "
            f"got shape {np.shape(value)}"
        )


@dataclass(frozen=True)
class _Work:
    """What is done with a piece of a sweep, here or in another process."""

    J: Noisy
    steps: int
    measure: Measure
    tolerance: float | None
    record: tuple[int, ...]

    def __call__(
        self, rule: Rule, starts: Array, seed: Any, tick: Callable[[int], Any] | None = None
    ) -> dict[str, Array]:
        """Return what :class:`Runs` keeps, as arrays that end with an axis of runs."""
        runs = starts.shape[1]
        best = np.full(runs, np.inf)
        first = None if self.tolerance is None else np.full(runs, -1)
        recorded = np.empty((len(self.record), runs))
        # The samples have a batch of one, which all runs share.
        shared = Noisy(self.J.J, lambda rng, shape: self.J.samples(rng, (shape[0], 1)))
        values = [best, best]
        with np.errstate(all="ignore"):  # divergence is a result, not an error
            for t, (w, _, _) in enumerate(
                walk(shared, starts, rule, self.steps, as_generator(seed))
            ):
                values = [values[-1], np.asarray(self.measure(w), dtype=float)]
                np.fmin(best, values[-1], out=best)
                if first is not None:
                    first[(first < 0) & (values[-1] <= self.tolerance)] = t
                if t in self.record:
                    recorded[self.record.index(t)] = values[-1]
                if tick is not None:
                    tick(1)
        return {
            "w": w,
            "last": values[-1],
            "late": values[-1] if self.steps == 0 else np.maximum(*values),
            "best": best,
            "first": first,
            "diverged": ~np.isfinite(w).all(axis=0),
            "recorded": recorded,
        }


def _bar(total: int, progress: bool | None) -> Any:
    """Return a progress bar over ``total`` steps; it appears after two seconds."""
    from tqdm.auto import tqdm  # only a sweep needs it

    delay, hidden = 0 if progress else 2, progress is False
    return tqdm(total=total, unit="step", delay=delay, leave=bool(progress), disable=hidden)


__all__ = ["Runs", "Sweep", "sweep"]
