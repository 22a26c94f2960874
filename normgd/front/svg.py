"""The SVG that all explorers' pictures are made of.

What is drawn here, the page's script finds by its classes and moves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np


def figure(
    size: Any, title: str, about: str, axes: str, content: str, over: str, name: str = ""
) -> str:
    """Draw a figure with its content between the axes and what may reach over them.

    Its size is the ``width`` and ``height`` between the axes and, round that, the margins ``left``,
    ``right``, ``top`` and ``bottom``, in pixels.
    """
    width = size.left + size.width + size.right
    height = size.top + size.height + size.bottom
    data = f' data-figure="{name}"' if name else ""
    return (
        f'<svg class="normgd-figure"{data} role="img" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'style="max-width:100%;height:auto" font-family="system-ui, sans-serif" '
        'font-size="13" fill="currentColor">'
        f"<title>{escape(title)} </title><desc>{escape(about)} </desc>{axes}"
        f'<svg x="{size.left}" y="{size.top}" width="{size.width}" height="{size.height}">'
        f"{content}</svg>{over}</svg>"
    )


def axes(lines: str, texts: str) -> str:
    """Draw a figure's frame and tick marks, and what is written at them."""
    return (
        f'<path class="normgd-axes" d="{lines}" fill="none" stroke="currentColor" '
        f'stroke-opacity=".6"/>{texts}'
    )


def text(x: float, y: float, anchor: str, words: str, name: bool = False) -> str:
    """Write a tick's number, or the name of an axis.

    Where a host strips SVG it leaves the words; the space after them keeps those readable.
    """
    look = ' class="normgd-name" font-size="15"' if name else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{look}>{minus(words)} </text>'


def ticks(low: float, high: float, most: int = 6) -> list[str]:
    """Return at most so many round numbers between low and high, as text."""
    least = (high - low) / most
    power = 10.0 ** math.floor(math.log10(least))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= least * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [f"{k * step:.10g}" for k in range(first, last + 1)]


def minus(number: str) -> str:
    """Write a number with a proper minus sign."""
    return number.replace("-", "−")


def handle(attributes: str) -> str:
    """Draw what is dragged."""
    return (
        f'<g class="normgd-start" {attributes}><circle class="normgd-ring" r="14" fill="none"/>'
        '<circle class="normgd-knob" r="7" fill="#fff" stroke="#000" stroke-width="3"/></g>'
    )


def cross(x: float, y: float) -> str:
    """Return the path of the mark of a minimiser."""
    return f"M{x - 5:g} {y - 5:g}l10 10m-10 0l10-10"


def hued(color: str, content: str) -> str:
    """Group what has a colour, which the style sheet may lighten on a dark page."""
    return f'<g class="normgd-rule" style="--hue:{color}">{content}</g>'


def swatch(sample: str) -> str:
    """Draw a sample of 36 by 16 pixels for a key."""
    return f'<svg width="36" height="16" aria-hidden="true">{sample}</svg>'


def key(entries: Iterable[tuple[str, str]]) -> str:
    """Return swatches and what they stand for as a list."""
    items = "".join(f"<li>{swatch} {escape(label)}</li>" for swatch, label in entries)
    return f'<ul class="normgd-key" style="list-style:none;padding:0">{items}</ul>'


# ------------------------------------------------------------------------- curves and contours


def runs(known: np.ndarray) -> list[tuple[int, int]]:
    """Return the first and one past the last index of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def simplify(line: np.ndarray, tolerance: float) -> np.ndarray:
    """Drop the points that lie within the tolerance of the line through the others.

    Douglas, Peucker, Cartographica 10 (1973) 112-122, but a distance is that from a piece of the
    line and not from all that it lies on: where a path overshoots and comes straight back, it
    turns.  The points are whole numbers, so the choice is the same on every machine.
    """
    keep = np.zeros(len(line), dtype=bool)
    keep[[0, -1]] = True
    pieces = [(0, len(line) - 1)]
    while pieces:
        first, last = pieces.pop()
        chord, offset = line[last] - line[first], line[first + 1 : last] - line[first]
        if not len(offset):
            continue
        along = np.clip(offset @ chord / max(1, int(chord @ chord)), 0, 1)
        distance = ((offset - along[:, None] * chord) ** 2).sum(axis=1)
        farthest = int(np.argmax(distance))
        if distance[farthest] > tolerance**2:
            middle = first + 1 + farthest
            keep[middle] = True
            pieces += [(first, middle), (middle, last)]
    return line[keep]


def contours(values: np.ndarray, levels: Sequence[float]) -> str:
    """Draw the contours of a grid, one node every second pixel."""
    try:
        from contourpy import contour_generator
    except ImportError as error:
        raise ImportError("the explorer needs contourpy, which comes with Matplotlib") from error

    # In quarters of a pixel, so that a point on an edge of the grid is whole in one direction and
    # rounding the other hardly ever hangs on a last digit.
    x, y = (8 * np.arange(n) for n in reversed(values.shape))
    generator: Any = contour_generator(x, y, np.ma.masked_invalid(values))
    paths = []
    for level in levels:
        data = ""
        for line in generator.lines(level):
            points = simplify(np.round(line).astype(np.int64), tolerance=1.2)
            if len(points) > 2:
                steps = " ".join(f"{x} {y}" for x, y in np.diff(points, axis=0).tolist())
                data += f"M{points[0, 0]} {points[0, 1]}l{steps}".replace(" -", "-")
        if data:
            paths.append(f'<path d="{data}"/>')
    return (
        '<g class="normgd-contours" transform="scale(.25)" fill="none" stroke="currentColor" '
        f'stroke-opacity=".3" stroke-width="4" stroke-linejoin="round">{"".join(paths)}</g>'
    )
