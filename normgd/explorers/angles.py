"""Directions in the plane as angles in degrees: what the compass and the norm ball share."""

from __future__ import annotations

from typing import Any

import numpy as np

from .panel import Axis, Points

RING = np.arange(-180.0, 181.0)
REACH = 1.6  # how far the plane round the ring is shown, in its radii
RIGHT_ANGLES = (-180.0, -90.0, 0.0, 90.0, 180.0)


def heading(angle: Any) -> Points:
    """Return the unit vectors at some angles, shape (2, n)."""
    return np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])


def degrees(u: Points) -> Any:
    """Return the angles of vectors of shape (2, n)."""
    return np.rad2deg(np.arctan2(u[1] + 0.0, u[0] + 0.0))  # + 0: no angle of -0


def turning(directions: Points, leap: float) -> Points:
    """Return directions round the ring as a curve of angles, broken where it leaps by more."""
    points = np.stack([RING, degrees(directions)], axis=1)
    breaks = np.flatnonzero(np.abs(np.diff(points[:, 1])) > leap) + 1
    return np.insert(points, breaks, np.nan, axis=0)


def axes(across: str, up: str) -> tuple[Axis, Axis]:
    """Return the axes of a chart of one angle against another."""
    return (
        Axis(across, -180.0, 180.0, ticks=RIGHT_ANGLES),
        Axis(up, -195.0, 195.0, ticks=RIGHT_ANGLES),
    )


def upright(angle: float) -> Points:
    """Return the line across such a chart at an angle."""
    return np.array([[angle, -195.0], [angle, 195.0]])
