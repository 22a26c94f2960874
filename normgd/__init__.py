"""normgd: update rules, landscapes and paths for the course *The Unit Step*.

>>> import normgd as ng
>>> path = ng.descend(ng.functions.quadratic([1, 10]), (10.2, 1.0), ng.ngd(eta=0.5), steps=200)
>>> path
Path(quadratic, ngd(eta=0.5), 200 steps)
"""

from . import functions, ops, plot, rules, schedules, symbols
from .explore import explore
from .functions import Function
from .ops import norm, unit, where
from .path import Path, descend
from .rules import (
    Chain,
    Clip,
    Momentum,
    Rule,
    Sign,
    Unit,
    clipped,
    gd,
    momentum,
    ngd,
    sign,
)

__version__ = "0.1.0"

__all__ = [
    "Chain", "Clip", "Function", "Momentum", "Path", "Rule", "Sign", "Unit", "clipped",
    "descend", "explore", "functions", "gd", "momentum", "ngd", "norm", "ops", "plot", "rules",
    "schedules", "sign", "symbols", "unit", "where",
]  # fmt: skip
