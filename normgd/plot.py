"""Figures in the course's one style: a colour, line and marker for each rule, everywhere the same.

Every function takes an optional Matplotlib ``Axes`` and returns it.  Matplotlib loads at the first
call.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from .functions import Function, as_function
from .path import Path
from .rule import LETTERS, Chain, Rule

# A family of rules shares a colour; the first five are Okabe and Ito's, told apart with every kind
# of colour vision.  Line styles and markers tell the members apart, in grey, too.
FAMILIES = {
    "#D55E00": ["gd"],
    "#0072B2": ["ngd", "normalized_momentum"],
    "#009E73": ["momentum", "nesterov"],
    "#CC79A7": ["sign", "lion"],
    "#B07D00": ["clipped"],
    "#8C4A2F": ["adagrad", "adagrad_norm"],
    "#6B6B00": ["rmsprop", "rmsprop_norm", "adadelta"],
    "#6A3D9A": ["adam", "amsgrad", "nadam"],
    "#00777A": ["lars", "lamb", "muon"],
    "#5A6B7B": ["polyak", "line_search", "barzilai_borwein", "barzilai_borwein_short"],
    "#B2182B": ["dog", "dowg", "dadapt", "dadapt_adam", "prodigy"],
}
LINES = ["-", "--", "-.", ":", (0, (6, 2, 1, 2, 1, 2))]
SHAPES = ["o", "s", "^", "D", "v"]
STYLES: dict[str, dict[str, Any]] = {
    name: {
        "color": color,
        "linestyle": LINES[(i + max(0, j - 1)) % len(LINES)],
        "marker": SHAPES[(i + j) % len(SHAPES)],
    }
    for j, (color, family) in enumerate(FAMILIES.items())
    for i, name in enumerate(family)
}
"""The colour, line style and marker of each rule."""
OTHER = {"color": "#444444", "linestyle": "--", "marker": "x"}


def style(rule: Rule) -> dict[str, Any]:
    """Return the Matplotlib colour, line style and marker of a rule; a chain has its last's."""
    if isinstance(rule, Chain):
        return OTHER
    return STYLES.get("ngd" if type(rule).__name__ == "Unit" else type(rule).__name__, OTHER)


def label(rule: Rule) -> str:
    """Return the name of a rule with its numbers in Greek, for a legend.

    What has its default value is left out, but for the first number and β.

    >>> from normgd import adam, ngd
    >>> label(ngd(eta=0.5)), label(adam(eta=0.01, beta2=0.99))
    ('ngd, $\\\\eta$ = 0.5', 'adam, $\\\\eta$ = 0.01, $\\\\beta_2$ = 0.99')
    """
    if isinstance(rule, Chain):
        return " ≫ ".join(label(link) for link in rule.rules)
    shown = [type(rule).__name__]
    usual = {f.name: f.default for f in dataclasses.fields(rule)[1:] if f.name != "beta"}
    for name, rate in rule.rates().items():
        if isinstance(rate, float) and rate == usual.get(name):
            continue
        letter = f"${LETTERS[name].latex}$" if name in LETTERS else name
        if isinstance(rate, float):
            shown.append(f"{letter} = {rate:.4g}")
        elif callable(rate):
            shown.append(f"{letter} {type(rate).__name__}")
    return ", ".join(shown)


def use_style() -> None:
    """Set Matplotlib's defaults to the course's: light grid, no box, legible sizes."""
    import matplotlib as mpl
    from cycler import cycler

    mpl.rcParams.update(
        {
            "figure.figsize": (5.6, 3.6), "figure.dpi": 150, "savefig.dpi": 150,
            "figure.constrained_layout.use": True,
            "font.size": 11, "axes.titlesize": 11, "axes.titlelocation": "left",
            "axes.spines.top": False, "axes.spines.right": False,
            "axes.grid": True, "grid.color": "#dddddd", "grid.linewidth": 0.6,
            "axes.axisbelow": True, "axes.edgecolor": "#888888",
            "lines.linewidth": 1.6, "lines.markersize": 4.5,
            "legend.frameon": True, "legend.facecolor": "white", "legend.edgecolor": "none",
            "legend.framealpha": 1.0, "legend.fontsize": 10,
            "axes.prop_cycle": cycler(
                color=["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B07D00", "#444444"]
            ),
        }
    )  # fmt: skip


def _axes(ax: Any) -> Any:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.gca()


def grid(box: Any, points: int = 201) -> Any:
    """Return a regular grid over a box in the plane, shape ``(2, points, points)``."""
    (x0, x1), (y0, y1) = box
    return np.stack(np.meshgrid(np.linspace(x0, x1, points), np.linspace(y0, y1, points)))


def levels(J: Any, box: Any, count: int = 14) -> Any:
    """Return the values of J at which to draw contours, increasing.

    Above a known minimum they grow geometrically, so that a valley floor and the slopes far above
    it both show.  Where J has no known minimum they are quantiles of J over the box.
    """
    J = as_function(J)
    w = grid(box, 101)
    with np.errstate(all="ignore"):
        values = np.asarray(J.value(w))
    values = values[np.isfinite(values)]
    if len(J.minimisers):
        points = [np.broadcast_to(np.asarray(p, dtype=float), (2,)) for p in J.minimisers]
        lowest = min(float(J(p)) for p in points)
        low, high = np.quantile(values - lowest, [0.004, 0.985])
        if low > 0:
            return lowest + np.geomspace(low, high, count)
    return np.unique(np.quantile(values, np.linspace(0.02, 0.98, count)))


def _trim(path: Path, box: Any) -> Any:
    """Return the iterates up to the first one far outside the box, shape ``(kept, d)``."""
    low, high = np.asarray(box, dtype=float).T
    far = np.abs(path.w - (low + high) / 2) > 3 * (high - low)
    out = np.flatnonzero(far.any(axis=1) | ~np.isfinite(path.w).all(axis=1))
    return path.w[: out[0] + 1] if out.size else path.w


def contour(J: Any, *paths: Path, ax: Any = None, box: Any = None, count: int = 14) -> Any:
    """Draw the contours of a landscape in the plane, with paths on them.

    Parameters
    ----------
    J : Function or callable
        The landscape, of two coordinates.
    *paths : Path
        Single runs to draw, each in the style of its rule.
    ax : matplotlib Axes, optional
        Where to draw; the current axes if not given.
    box : pair of intervals, optional
        What to show; the landscape's own box if not given.
    count : int
        How many contours.

    Returns
    -------
    matplotlib Axes
    """
    J, ax = as_function(J), _axes(ax)
    box = J.box if box is None else box
    if len(box) != 2:
        raise ValueError(f"box must be two intervals, ((x0, x1), (y0, y1)); got {box!r}")
    w = grid(box)
    with np.errstate(all="ignore"):
        values = J.value(w)
    ax.contour(*w, values, levels=levels(J, box, count), colors="#9a9a9a", linewidths=0.7)
    for point in J.minimisers:
        ax.plot(*np.broadcast_to(point, (2,)), "*", color="#222222", markersize=9, zorder=4)
    for path in paths:
        _check_single(path)
        shown = _trim(path, box)
        look = style(path.rule)
        ax.plot(*shown.T, **look, markersize=3, linewidth=1.2, label=label(path.rule), zorder=3)
    ax.set(xlim=box[0], ylim=box[1], xlabel="$w_1$", ylabel="$w_2$")
    ax.grid(False)
    if paths:
        ax.legend()
    return ax


def _check_single(path: Path) -> None:
    if path.w.ndim != 2:
        raise ValueError(
            f"a figure draws single runs; got a batch of shape {path.w.shape[2:]}: "
            "descend from one start with single numbers as hyper-parameters"
        )


def losses(*paths: Path, ax: Any = None, lowest: float | None = None) -> Any:
    """Draw the value above the minimum against the step, on a logarithmic axis.

    Parameters
    ----------
    *paths : Path
        Single runs on landscapes whose minimum is known, or given as ``lowest``.
    ax : matplotlib Axes, optional
        Where to draw.
    lowest : float, optional
        The lowest value of J; by default that of the known minimisers.

    Returns
    -------
    matplotlib Axes
    """
    ax = _axes(ax)
    for path in paths:
        _check_single(path)
        gap = path.J - (_lowest(path.function) if lowest is None else lowest)
        with np.errstate(invalid="ignore"):
            gap = np.where((gap > 0) & np.isfinite(gap), gap, np.nan)
        look = style(path.rule)
        ax.semilogy(gap, color=look["color"], linestyle=look["linestyle"], label=label(path.rule))
    ax.set(xlabel="step $t$", ylabel="$J(w_t) - J^*$")
    if paths:
        ax.legend()
    return ax


def _lowest(J: Function) -> float:
    if not len(J.minimisers):
        raise ValueError(f"the minimum of {J.name} is not known: give lowest=")
    d = J.dim or 1
    return min(float(J(np.broadcast_to(np.asarray(p, float), (d,)))) for p in J.minimisers)


def curve(J: Any, *paths: Path, ax: Any = None, box: Any = None) -> Any:
    """Draw a landscape of one coordinate, with the iterates of paths on the curve.

    Parameters
    ----------
    J : Function or callable
        The landscape, of one coordinate.
    *paths : Path
        Single runs to draw.
    ax : matplotlib Axes, optional
        Where to draw.
    box : interval or list of one interval, optional
        What to show; the landscape's own box if not given.

    Returns
    -------
    matplotlib Axes
    """
    J, ax = as_function(J), _axes(ax)
    x0, x1 = np.reshape(J.box[0] if box is None else box, -1)
    x = np.linspace(x0, x1, 401)
    with np.errstate(all="ignore"):
        ax.plot(x, J.value(x[None]), color="#9a9a9a", linewidth=1.2)
    for path in paths:
        _check_single(path)
        shown = _trim(path, [(x0, x1)])
        look = style(path.rule)
        with np.errstate(all="ignore"):
            heights = J.value(shown.T)
        ax.plot(shown[:, 0], heights, **look, linewidth=0.8, label=label(path.rule), zorder=3)
    ax.set(xlim=(x0, x1), xlabel="$w$", ylabel="$J(w)$")
    if paths:
        ax.legend()
    return ax


__all__ = ["STYLES", "contour", "curve", "grid", "label", "levels", "losses", "style", "use_style"]
