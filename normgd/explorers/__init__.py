"""The small explorers: each one question, a figure to drag, and the values behind it."""

from .compass import compass
from .epsilon import epsilon
from .minibatch import minibatch
from .norm_ball import norm_ball
from .panel import Panel
from .u_curve import u_curve

__all__ = ["Panel", "compass", "epsilon", "minibatch", "norm_ball", "u_curve"]
