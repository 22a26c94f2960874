"""normgd: update rules, landscapes and paths for the course *The Unit Step*.

>>> import normgd as ng
>>> path = ng.descend(ng.functions.quadratic([1, 10]), (10.2, 1.0), ng.ngd(eta=0.5), steps=200)
>>> path
Path(quadratic, ngd(eta=0.5), 200 steps)
"""

from typing import Any

from . import functions, ops, rules, schedules, symbols
from .functions import Function
from .ops import norm, unit, where
from .path import Path, descend
from .rules import (
    Chain, Clip, Momentum, Rule, Sign, Unit, clipped, gd, momentum, ngd, sign,
)  # fmt: skip

__version__ = "0.1.0"

__all__ = [
    "Chain", "Clip", "Function", "Momentum", "Path", "Rule", "Sign", "Unit", "clipped",
    "descend", "explore", "functions", "gd", "momentum", "ngd", "norm", "ops", "plot", "rules",
    "schedules", "sign", "symbols", "unit", "where",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # Matplotlib and the widgets load when first used, so that `import normgd` stays fast.
    if name == "plot":
        import importlib

        return importlib.import_module(".plot", __name__)
    if name == "explore":
        from .explore import explore

        return explore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
