"""normgd: update rules, landscapes and paths for the course *The Unit Step*.

>>> import normgd as ng
>>> path = ng.descend(ng.functions.quadratic([1, 10]), (10.2, 1.0), ng.ngd(eta=0.5), steps=200)
>>> path
Path(quadratic, ngd(eta=0.5), 200 steps)
"""

from . import explorers, functions, invariances, noise, ops, plot, rules, schedules, symbols
from .explore import explore
from .formula import Formula, formula
from .functions import Function
from .noise import Noisy, cyclic, epochs, minibatch, noisy
from .ops import norm, unit, where
from .path import Path, descend
from .rule import Chain, Rule
from .rules import (
    Average,
    Clip,
    ClipEach,
    Greedy,
    Momentum,
    Nesterov,
    NewtonSchulz,
    Polar,
    Sign,
    Trust,
    Unit,
    WeightDecay,
    adadelta,
    adagrad,
    adagrad_norm,
    adam,
    amsgrad,
    barzilai_borwein,
    barzilai_borwein_short,
    clipped,
    dadapt,
    dadapt_adam,
    dog,
    dowg,
    gd,
    lamb,
    lars,
    line_search,
    lion,
    momentum,
    muon,
    nadam,
    nesterov,
    ngd,
    normalized_momentum,
    polyak,
    prodigy,
    rmsprop,
    rmsprop_norm,
    sign,
)
from .sweep import Runs, Sweep, sweep
from .taylor import Taylor, symbolic, taylor

__version__ = "0.1.0"

__all__ = [
    "Average", "Chain", "Clip", "ClipEach", "Formula", "Function", "Greedy", "Momentum",
    "Nesterov", "NewtonSchulz", "Noisy", "Path", "Polar", "Rule", "Runs", "Sign", "Sweep",
    "Taylor", "Trust", "Unit", "WeightDecay", "adadelta", "adagrad", "adagrad_norm", "adam",
    "amsgrad", "barzilai_borwein", "barzilai_borwein_short", "clipped", "cyclic", "dadapt",
    "dadapt_adam", "descend", "dog", "dowg", "epochs", "explore", "explorers", "formula",
    "functions", "gd", "invariances", "lamb", "lars", "line_search", "lion", "minibatch",
    "momentum", "muon", "nadam", "nesterov", "ngd", "noise", "noisy", "norm",
    "normalized_momentum", "ops", "plot", "polyak", "prodigy", "rmsprop", "rmsprop_norm",
    "rules", "schedules", "sign", "sweep", "symbolic", "symbols", "taylor", "unit", "where",
]  # fmt: skip
