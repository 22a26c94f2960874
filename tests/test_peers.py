"""Every rule that PyTorch or Optax has, against theirs: 1,000 steps in float64.

In *open loop* both sides are given the same recorded gradients; in *closed loop* each takes the
gradient at its own iterate, ours by formula and theirs by automatic differentiation.  Where
conventions differ, the rows and tests below say which of our pieces reaches the peer's convention.
"""

import importlib
import inspect
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from normgd import (
    Average,
    Clip,
    ClipEach,
    Momentum,
    Nesterov,
    NewtonSchulz,
    Rule,
    Sign,
    Trust,
    Unit,
    WeightDecay,
    adadelta,
    adagrad,
    adam,
    amsgrad,
    clipped,
    dadapt_adam,
    descend,
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
    rules,
    schedules,
    sign,
)
from normgd import functions as F
from normgd.ops import equal, maximum, minimum, norm, power, ratio, sqrt, where

pytestmark = pytest.mark.peers

STEPS = 1000
TINY = 1e-300  # an eps that keeps a peer's 0/0 from being NaN, and changes nothing else


@pytest.fixture(autouse=True, scope="module")
def double_precision():
    # A peer that is missing is an error here, not a skip; hence the imports inside.
    import jax
    import torch

    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # NAdam keeps a product of scalars in this type
    with jax.enable_x64(True):
        yield
    torch.set_default_dtype(usual)


# ------------------------------------------------------------------------- what both are given

BLOCKS = {3: ((1, 2), (1, 1)), 14: ((2, 3), (4, 2))}
dimensions = pytest.mark.parametrize("d", BLOCKS)


def hyper_parameters(d):
    """Draw a value for every letter."""
    draw = np.random.default_rng([1, d])

    def log_uniform(low, high):
        return float(10 ** draw.uniform(low, high))

    return SimpleNamespace(
        alpha=log_uniform(-3, -1), eta=log_uniform(-3, 0), gamma=log_uniform(-3, -1),
        beta=draw.uniform(0.5, 0.99), beta1=draw.uniform(0.5, 0.95),
        beta2=draw.uniform(0.9, 0.999), rho=draw.uniform(0.8, 0.99),
        eps=log_uniform(-6, -1), eps_root=log_uniform(-6, -1), c=log_uniform(-1, 1),
        multiple=draw.uniform(0.1, 0.5),
        decay=log_uniform(-3, -1), d0=log_uniform(-6, -3), blocks=BLOCKS[d],
    )  # fmt: skip


def recorded(d):
    """Return gradients of many scales: drifts, heavy tails, changes of sign, zeros."""
    draw = np.random.default_rng([2, d])
    scale = 10.0 ** draw.uniform(-2, 1, d)  # of the coordinates
    burst = np.where(draw.random(STEPS) < 0.02, 100.0, 1.0)
    fade = np.where(np.arange(STEPS) < STEPS // 2, 1.0, 1e-3)
    g = draw.standard_t(3, (STEPS, d))
    g[:60] += draw.choice([-2, 2], d)  # one way at first, so that distances grow
    g *= scale * (burst * fade)[:, None]
    g[draw.random((STEPS, d)) < 0.05] = 0.0  # single coordinates
    g[draw.random(STEPS) < 0.05] = 0.0  # whole gradients
    g[0] = scale
    return g


def start_at(d):
    return np.zeros(d) if d == 3 else np.random.default_rng([3, d]).standard_normal(d)


# ------------------------------------------------------------------------------- the three runs


def ours(rule, gs, w):
    memory, path = rule.start(), [w]
    with np.errstate(all="ignore"):
        for t, g in enumerate(gs):
            step, memory = rule.step(g, memory, t, w)
            w = w - step
            path.append(w)
    return np.array(path)


def split(v, blocks):
    """Return an array of shape (..., d) as the peers take it: one array for each block."""
    ends = np.cumsum([np.prod(shape) for shape in blocks])[:-1]
    parts = np.split(v, ends, axis=-1)
    return [p.reshape(v.shape[:-1] + shape) for p, shape in zip(parts, blocks, strict=True)]


def in_optax(transform, w, blocks, xs, gradient):
    """Run an Optax transformation; ``gradient(leaves, x)`` is what it is given at each x of xs."""
    import jax
    import jax.numpy as jnp
    import optax

    def step(carry, x):
        leaves, state = carry
        update, state = transform.update(gradient(leaves, x), state, leaves)
        leaves = optax.apply_updates(leaves, update)
        return (leaves, state), jnp.concatenate([leaf.ravel() for leaf in leaves])

    leaves = tuple(map(jnp.asarray, split(w, blocks)))
    run = jax.jit(partial(jax.lax.scan, step))
    return np.vstack([w, run((leaves, transform.init(leaves)), xs)[1]])


def in_torch(make, w, blocks, xs, gradient):
    """Run a PyTorch optimiser; ``gradient(params, x)`` is what it is given at each x of xs."""
    import torch

    params = [torch.tensor(part, requires_grad=True) for part in split(w, blocks)]
    optimiser, path = make(params), [w]
    for x in xs:
        for p, g in zip(params, gradient(params, x), strict=True):
            p.grad = g
        optimiser.step()
        path.append(np.concatenate([p.detach().numpy().ravel() for p in params]))
    return np.array(path)


def optax_open(build, h, w, gs):
    import optax

    return in_optax(build(optax, h), w, h.blocks, tuple(split(gs, h.blocks)), lambda _, g: g)


def torch_open(build, h, w, gs):
    import torch

    parts = zip(*map(torch.tensor, split(gs, h.blocks)), strict=True)
    return in_torch(build(torch, h), w, h.blocks, parts, lambda _, g: g)


def optax_closed(build, h, w, J):
    import jax
    import optax

    slope = jax.grad(lambda leaves: J(leaves[0].ravel()))
    return in_optax(build(optax, h), w, h.blocks, np.arange(STEPS), lambda w, _: slope(w))


def torch_closed(build, h, w, J):
    import torch

    def slope(params, _):
        return torch.autograd.grad(J(params[0].ravel()), params)

    return in_torch(build(torch, h), w, h.blocks, range(STEPS), slope)


OPEN = {"optax": optax_open, "torch": torch_open}
CLOSED = {"optax": optax_closed, "torch": torch_closed}


def deviation(path, peer):
    """Return the largest difference, relative to how far from 0 each coordinate ever is."""
    size = np.abs(peer).max(axis=0)
    return np.max(np.abs(path - peer).max(axis=0) / np.where(size == 0, 1.0, size))


# ------------------------------------------- conventions that a reader writes in a line or two


class dampened(Rule):
    """PyTorch's SGD with dampening = momentum: the first gradient is not dampened."""

    alpha: float
    beta: float

    def __call__(self, g, m, t):
        m = where(equal(t, 0), g, self.beta * m + (1 - self.beta) * g)
        return self.alpha * m, m


class amsgrad_of_corrected(Rule):
    """Optax's amsgrad: the largest *corrected* v."""

    eta: float
    beta1: float
    beta2: float
    eps: float

    def __call__(self, g, m, v, s, t):
        m = self.beta1 * m + (1 - self.beta1) * g
        v = self.beta2 * v + (1 - self.beta2) * g * g
        s = maximum(s, v / (1 - power(self.beta2, t + 1)))
        m_hat = m / (1 - power(self.beta1, t + 1))
        return self.eta * ratio(m_hat, sqrt(s) + self.eps), m, v, s


class corrected_nesterov(Rule):
    """The momentum of Optax's muon with nesterov=True: that of nadam."""

    beta: float

    def __call__(self, g, m, t):
        m = self.beta * m + (1 - self.beta) * g
        now, soon = 1 - power(self.beta, t + 1), 1 - power(self.beta, t + 2)
        return self.beta * m / soon + (1 - self.beta) * g / now, m


class softened(Rule):
    """Optax's normalize_by_update_norm, eps and all."""

    eta: float
    eps: float

    def __call__(self, g):
        return self.eta * g / (norm(g) + self.eps)


class softly_clipped(Rule):
    """PyTorch's clip_grad_norm_: it divides by ‖g‖ + 1e-6."""

    c: float

    def __call__(self, g):
        return minimum(1.0, self.c / (norm(g) + 1e-6)) * g


# ------------------------------------------------------------------------------------ the table


def clipping(clip):
    """Return PyTorch's SGD, clipping the gradients in place before each step."""

    def build(t, h):
        def make(params):
            sgd = t.optim.SGD(params, lr=h.alpha)

            def clip_gradients(*_):
                getattr(t.nn.utils, clip)(params, h.c)

            sgd.register_step_pre_hook(clip_gradients)
            return sgd

        return make

    return build


def matrices(o):
    """Tell Optax's muon that every block is a matrix."""
    return lambda leaves: tuple(o.contrib.MuonDimensionNumbers() for _ in leaves)


# rule[: variant] -> (ours of the hyper-parameters h, {library: theirs of the library and h})
ROWS = {
    # pieces
    "Unit": (
        lambda h: Unit() >> gd(h.eta),
        # 0/0 is NaN in Optax; where g = 0 ours stays
        {"optax": lambda o, h: o.chain(o.contrib.normalize(), o.zero_nans(), o.scale(-h.eta))},
    ),
    "Sign": (
        lambda h: Sign() >> gd(h.eta),
        {"optax": lambda o, h: o.chain(o.scale_by_sign(), o.scale(-h.eta))},
    ),
    "Clip": (
        lambda h: Clip(h.c) >> gd(h.alpha),
        {"optax": lambda o, h: o.chain(o.clip_by_global_norm(h.c), o.sgd(h.alpha))},
    ),
    "Clip: with PyTorch's 1e-6": (
        lambda h: softly_clipped(h.c) >> gd(h.alpha),
        {"torch": clipping("clip_grad_norm_")},
    ),
    "ClipEach": (
        lambda h: ClipEach(h.c) >> gd(h.alpha),
        {
            "optax": lambda o, h: o.chain(o.clip(h.c), o.sgd(h.alpha)),
            "torch": clipping("clip_grad_value_"),
        },
    ),
    "Momentum": (
        lambda h: Momentum(h.beta) >> gd(h.alpha),
        {"optax": lambda o, h: o.chain(o.trace(h.beta), o.scale(-h.alpha))},
    ),
    "Nesterov": (
        lambda h: Nesterov(h.beta) >> gd(h.alpha),
        {"optax": lambda o, h: o.chain(o.trace(h.beta, nesterov=True), o.scale(-h.alpha))},
    ),
    "Average": (
        lambda h: Average(h.beta) >> gd(h.alpha),
        {"optax": lambda o, h: o.chain(o.ema(h.beta, debias=False), o.scale(-h.alpha))},
    ),
    "Average: with PyTorch's first gradient": (
        lambda h: dampened(h.alpha, h.beta),
        {
            "torch": lambda t, h: partial(
                t.optim.SGD, lr=h.alpha, momentum=h.beta, dampening=h.beta
            )
        },
    ),
    "WeightDecay: before": (
        lambda h: WeightDecay(h.decay) >> gd(h.alpha),
        {
            "optax": lambda o, h: o.chain(o.add_decayed_weights(h.decay), o.sgd(h.alpha)),
            "torch": lambda t, h: partial(t.optim.SGD, lr=h.alpha, weight_decay=h.decay),
        },
    ),
    "WeightDecay: before momentum": (
        lambda h: WeightDecay(h.decay) >> nesterov(h.alpha, h.beta),
        {
            "torch": lambda t, h: partial(
                t.optim.SGD, lr=h.alpha, momentum=h.beta, nesterov=True, weight_decay=h.decay
            )
        },
    ),
    "WeightDecay: before Adam": (
        lambda h: WeightDecay(h.decay) >> adam(h.alpha, h.beta1, h.beta2, h.eps),
        {
            "torch": lambda t, h: partial(
                t.optim.Adam,
                lr=h.alpha, betas=(h.beta1, h.beta2), eps=h.eps, weight_decay=h.decay,
            )
        },
    ),
    "WeightDecay: after Adam, AdamW": (
        lambda h: adam(1, h.beta1, h.beta2, h.eps) >> WeightDecay(h.decay) >> gd(h.eta),
        {
            "optax": lambda o, h: o.adamw(h.eta, h.beta1, h.beta2, h.eps, weight_decay=h.decay),
            "torch": lambda t, h: partial(
                t.optim.AdamW,
                lr=h.eta, betas=(h.beta1, h.beta2), eps=h.eps, weight_decay=h.decay,
            ),
        },
    ),
    "Trust": (
        lambda h: Trust(h.blocks, at_zero=1) >> gd(h.gamma),
        {"optax": lambda o, h: o.chain(o.scale_by_trust_ratio(), o.scale(-h.gamma))},
    ),
    "NewtonSchulz": (
        lambda h: NewtonSchulz(h.blocks, 3) >> gd(h.eta),
        {
            "optax": lambda o, h: o.chain(
                o.contrib.scale_by_muon(
                    ns_steps=3, beta=0.0, eps=TINY, nesterov=False,
                    weight_dimension_numbers=matrices(o),
                ),
                o.scale(-h.eta),
            )
        },
    ),
    # without memory
    "gd": (
        lambda h: gd(h.alpha),
        {
            "optax": lambda o, h: o.sgd(h.alpha),
            "torch": lambda t, h: partial(t.optim.SGD, lr=h.alpha),
        },
    ),
    "gd: a schedule, whose t is 0 at the first step": (
        lambda h: gd(schedules.inverse_sqrt(h.alpha)),
        {"optax": lambda o, h: o.sgd(lambda t: h.alpha / (t + 1.0) ** 0.5)},
    ),
    "ngd": (
        lambda h: ngd(h.eta),
        {"optax": lambda o, h: o.normalize_by_update_norm(-h.eta, eps=TINY)},
    ),
    "ngd: with Optax's eps": (
        lambda h: softened(h.eta, 1e-6),
        {"optax": lambda o, h: o.normalize_by_update_norm(-h.eta)},
    ),
    "sign": (lambda h: sign(h.eta), {"optax": lambda o, h: o.sign_sgd(h.eta)}),
    "clipped": (
        lambda h: clipped(h.alpha, h.eta),
        {
            "optax": lambda o, h: o.chain(
                o.clip_by_global_norm(h.eta / h.alpha), o.sgd(h.alpha)
            )
        },
    ),
    # with a memory of gradients
    "momentum": (
        lambda h: momentum(h.alpha, h.beta),
        {
            "optax": lambda o, h: o.sgd(h.alpha, momentum=h.beta),
            "torch": lambda t, h: partial(t.optim.SGD, lr=h.alpha, momentum=h.beta),
        },
    ),
    "nesterov": (
        lambda h: nesterov(h.alpha, h.beta),
        {
            "optax": lambda o, h: o.sgd(h.alpha, momentum=h.beta, nesterov=True),
            "torch": lambda t, h: partial(
                t.optim.SGD, lr=h.alpha, momentum=h.beta, nesterov=True
            ),
        },
    ),
    "normalized_momentum": (
        lambda h: normalized_momentum(h.eta, h.beta),
        {
            "optax": lambda o, h: o.chain(
                o.ema(h.beta, debias=False), o.contrib.normalize(), o.scale(-h.eta)
            )
        },
    ),
    "lion": (
        lambda h: lion(h.eta, h.beta1, h.beta2),
        {"optax": lambda o, h: o.lion(h.eta, h.beta1, h.beta2, weight_decay=0.0)},
    ),
    "lion: with weight decay": (
        lambda h: lion(1, h.beta1, h.beta2) >> WeightDecay(h.decay) >> gd(h.eta),
        {"optax": lambda o, h: o.lion(h.eta, h.beta1, h.beta2, weight_decay=h.decay)},
    ),
    # with a memory of squared gradients
    "adagrad: eps added to the root": (
        lambda h: adagrad(h.eta, eps=h.eps),
        {"torch": lambda t, h: partial(t.optim.Adagrad, lr=h.eta, eps=h.eps)},
    ),
    "adagrad: the accumulator's first value, and a rate that decays": (
        lambda h: adagrad(lambda t: h.eta / (1 + t * h.decay), h.eps, h.eps_root),
        {
            "torch": lambda t, h: partial(
                t.optim.Adagrad,
                lr=h.eta, eps=h.eps, lr_decay=h.decay, initial_accumulator_value=h.eps_root,
            )
        },
    ),
    "adagrad: eps under the root": (
        lambda h: adagrad(h.eta, eps_root=h.eps_root + h.eps),
        {"optax": lambda o, h: o.adagrad(h.eta, h.eps_root, h.eps)},
    ),
    "rmsprop: eps added to the root": (
        lambda h: rmsprop(h.eta, h.rho, h.eps),
        {
            "optax": lambda o, h: o.rmsprop(h.eta, h.rho, h.eps, eps_in_sqrt=False),
            "torch": lambda t, h: partial(t.optim.RMSprop, lr=h.eta, alpha=h.rho, eps=h.eps),
        },
    ),
    "rmsprop: eps under the root": (
        lambda h: rmsprop(h.eta, h.rho, eps=0, eps_root=h.eps_root),
        {"optax": lambda o, h: o.rmsprop(h.eta, h.rho, h.eps_root)},
    ),
    "rmsprop: the memory's first value": (
        lambda h: rmsprop(h.eta, h.rho, h.eps, lambda t: h.eps_root * h.rho ** (t + 1)),
        {
            "optax": lambda o, h: o.rmsprop(
                h.eta, h.rho, h.eps, eps_in_sqrt=False, initial_scale=h.eps_root
            )
        },
    ),
    "rmsprop: then momentum": (
        lambda h: rmsprop(h.eta, h.rho, h.eps) >> Momentum(h.beta),
        {
            "optax": lambda o, h: o.rmsprop(
                h.eta, h.rho, h.eps, eps_in_sqrt=False, momentum=h.beta
            ),
            "torch": lambda t, h: partial(
                t.optim.RMSprop, lr=h.eta, alpha=h.rho, eps=h.eps, momentum=h.beta
            ),
        },
    ),
    "rmsprop: with bias correction": (
        lambda h: adam(h.eta, 0, h.rho, h.eps),
        {
            "optax": lambda o, h: o.rmsprop(
                h.eta, h.rho, h.eps, eps_in_sqrt=False, bias_correction=True
            )
        },
    ),
    "adadelta": (
        lambda h: adadelta(h.rho, h.eps) >> gd(h.eta),
        {
            "optax": lambda o, h: o.adadelta(h.eta, h.rho, h.eps),
            "torch": lambda t, h: partial(t.optim.Adadelta, lr=h.eta, rho=h.rho, eps=h.eps),
        },
    ),
    "adam": (
        lambda h: adam(h.eta, h.beta1, h.beta2, h.eps),
        {
            "optax": lambda o, h: o.adam(h.eta, h.beta1, h.beta2, h.eps),
            "torch": lambda t, h: partial(
                t.optim.Adam, lr=h.eta, betas=(h.beta1, h.beta2), eps=h.eps
            ),
        },
    ),
    "adam: eps under the root too": (
        lambda h: adam(h.eta, h.beta1, h.beta2, h.eps, h.eps_root),
        {"optax": lambda o, h: o.adam(h.eta, h.beta1, h.beta2, h.eps, h.eps_root)},
    ),
    "amsgrad": (
        lambda h: amsgrad(h.eta, h.beta1, h.beta2, h.eps),
        {
            "optax": lambda o, h: o.amsgrad(
                h.eta, h.beta1, h.beta2, h.eps,
                bias_correction_mu=False, bias_correction_nu=False,
            )
        },
    ),
    "amsgrad: PyTorch's, corrected after the maximum": (
        lambda h: amsgrad(
            schedules.corrected(h.eta, h.beta1, h.beta2),
            h.beta1,
            h.beta2,
            lambda t: h.eps * (1 - h.beta2 ** (t + 1)) ** 0.5,
        ),
        {
            "torch": lambda t, h: partial(
                t.optim.Adam, lr=h.eta, betas=(h.beta1, h.beta2), eps=h.eps, amsgrad=True
            )
        },
    ),
    "amsgrad: Optax's, corrected before the maximum": (
        lambda h: amsgrad_of_corrected(h.eta, h.beta1, h.beta2, h.eps),
        {"optax": lambda o, h: o.amsgrad(h.eta, h.beta1, h.beta2, h.eps)},
    ),
    "nadam": (
        lambda h: nadam(h.eta, h.beta1, h.beta2, h.eps),
        {"optax": lambda o, h: o.nadam(h.eta, h.beta1, h.beta2, h.eps)},
    ),
    "nadam: with PyTorch's warm-up": (
        lambda h: nadam(h.eta, h.beta1, h.beta2, h.eps, warmup=0.5),
        {
            "torch": lambda t, h: partial(
                t.optim.NAdam, lr=h.eta, betas=(h.beta1, h.beta2), eps=h.eps
            )
        },
    ),
    # by layers and matrices
    "lars": (
        lambda h: lars(h.gamma, h.beta, h.decay, h.blocks, at_zero=1),
        {
            "optax": lambda o, h: o.lars(
                h.gamma, h.decay, trust_coefficient=1.0, momentum=h.beta
            )
        },
    ),
    "lamb": (
        lambda h: lamb(h.gamma, h.beta1, h.beta2, h.eps, h.decay, h.blocks, at_zero=1),
        {
            "optax": lambda o, h: o.lamb(
                h.gamma, h.beta1, h.beta2, h.eps, weight_decay=h.decay
            )
        },
    ),
    "muon": (
        lambda h: muon(h.eta, h.blocks, h.beta),
        {
            "optax": lambda o, h: o.chain(
                o.contrib.scale_by_muon(
                    beta=h.beta, eps=TINY, nesterov=False, weight_dimension_numbers=matrices(o)
                ),
                o.scale(-h.eta),
            )
        },
    ),
    "muon: with Optax's look-ahead": (
        lambda h: corrected_nesterov(h.beta) >> NewtonSchulz(h.blocks) >> gd(h.eta),
        {
            "optax": lambda o, h: o.chain(
                o.contrib.scale_by_muon(
                    beta=h.beta, eps=TINY, weight_dimension_numbers=matrices(o)
                ),
                o.scale(-h.eta),
            )
        },
    ),
    # with the distance travelled
    "dog": (
        lambda h: dog(h.multiple, h.d0, h.eps_root),
        {"optax": lambda o, h: o.contrib.dog(h.multiple, ("distance", h.d0), h.eps_root)},
    ),
    "dog: the paper's seed": (
        lambda h: dog(r_eps=1e-6, eps_root=1e-8),  # at w = 0
        {"optax": lambda o, h: o.contrib.dog()},
    ),
    "dowg": (
        lambda h: dowg(h.multiple, h.d0, h.eps),
        {"optax": lambda o, h: o.contrib.dowg(h.multiple, h.d0**2, h.eps)},
    ),
    "dowg: Optax's defaults": (
        lambda h: dowg(r_eps=1e-2, eps=1e-4),
        {"optax": lambda o, h: o.contrib.dowg()},
    ),
    "dadapt_adam": (
        lambda h: dadapt_adam(h.multiple, h.d0, h.beta1, h.beta2, h.eps),
        {
            "optax": lambda o, h: o.contrib.dadapt_adamw(
                h.multiple, (h.beta1, h.beta2), h.eps, h.d0
            )
        },
    ),
    "prodigy": (
        lambda h: prodigy(h.multiple, h.d0, h.beta1, h.beta2, h.eps),
        {
            "optax": lambda o, h: o.contrib.prodigy(
                h.multiple, (h.beta1, h.beta2), eps=h.eps, estim_lr0=h.d0
            )
        },
    ),
}  # fmt: skip

FROM_ZERO = {"dog", "dowg", "dadapt_adam", "prodigy"}  # w - w_0 would cancel digits
PAIRS = [(name, library) for name, (_, theirs) in ROWS.items() for library in theirs]


def rule_of(name):
    return name.partition(":")[0]


@dimensions
@pytest.mark.parametrize(("name", "library"), PAIRS)
def test_open_loop(name, library, d):
    build, theirs = ROWS[name]
    h, gs = hyper_parameters(d), recorded(d)
    w = np.zeros(d) if rule_of(name) in FROM_ZERO else start_at(d)
    path = ours(build(h), gs, w)
    assert np.isfinite(path).all()
    assert deviation(path, OPEN[library](theirs[library], h, w, gs)) < 1e-12


# The peer's convention is another one than ours, not the same written differently.
@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Average", "Average: with PyTorch's first gradient"),
        ("Clip", "Clip: with PyTorch's 1e-6"),
        ("ngd", "ngd: with Optax's eps"),
        ("adagrad: eps added to the root", "adagrad: eps under the root"),
        ("rmsprop: eps added to the root", "rmsprop: eps under the root"),
        ("amsgrad", "amsgrad: PyTorch's, corrected after the maximum"),
        ("amsgrad", "amsgrad: Optax's, corrected before the maximum"),
        (
            "amsgrad: PyTorch's, corrected after the maximum",
            "amsgrad: Optax's, corrected before the maximum",
        ),
        ("nadam", "nadam: with PyTorch's warm-up"),
        ("Nesterov's muon", "muon: with Optax's look-ahead"),
    ],
)
def test_conventions_that_differ(name, other):
    h, gs, w = hyper_parameters(14), recorded(14), start_at(14)
    with_nesterov = Nesterov(h.beta) >> NewtonSchulz(h.blocks) >> gd(h.eta)
    rule = ROWS[name][0](h) if name in ROWS else with_nesterov
    (library, theirs), *_ = ROWS[other][1].items()
    assert deviation(ours(rule, gs, w), OPEN[library](theirs, h, w, gs)) > 1e-8


def test_without_a_learning_rate_adadelta_of_optax_ascends():
    h, gs, w = hyper_parameters(3), recorded(3), np.zeros(3)
    path = optax_open(lambda o, h: o.adadelta(rho=h.rho, eps=h.eps), h, w, gs)
    assert deviation(ours(adadelta(h.rho, h.eps), gs, w), -path) < 1e-12


# ---------------------------------------------------------------------------- muon's two factors


@pytest.mark.parametrize("shape", [(2, 5), (5, 2)])
def test_muon_of_optax_is_longer_for_wide_matrices(shape):
    h, gs, w = hyper_parameters(14), recorded(14)[:, :10], start_at(14)[:10]
    h.blocks = (shape,)
    m, n = shape
    rule = muon(h.eta * max(1, n / m) ** 0.5, h.blocks, h.beta)
    peer = optax_open(
        lambda o, h: o.contrib.muon(h.eta, beta=h.beta, eps=TINY, nesterov=False), h, w, gs
    )
    assert deviation(ours(rule, gs, w), peer) < 1e-12


@pytest.mark.parametrize("shape", [(2, 5), (5, 2)])
def test_muon_of_pytorch_is_longer_for_tall_matrices_and_rounds_to_bfloat16(shape, monkeypatch):
    import torch

    h, gs, w = hyper_parameters(14), recorded(14)[:, :10], start_at(14)[:10]
    h.blocks = (shape,)
    m, n = shape
    direction = Nesterov(h.beta) >> NewtonSchulz(h.blocks) >> gd(max(1, m / n) ** 0.5)
    path = ours(direction >> WeightDecay(h.decay) >> gd(h.eta), gs, w)

    def peer(gs):
        def build(t, h):
            return partial(t.optim.Muon, lr=h.eta, weight_decay=h.decay, momentum=h.beta, eps=TINY)

        return torch_open(build, h, w, gs)

    assert 1e-4 < deviation(path[:101], peer(gs[:100])) < 0.1
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    assert deviation(path, peer(gs)) < 1e-12


def test_lars_of_optax_is_longer_at_zero():
    h, gs = hyper_parameters(14), recorded(14)[:1]

    def both(w):
        rule = lars(0.001 * h.gamma, h.beta, blocks=h.blocks, at_zero=1)
        peer = optax_open(lambda o, h: o.lars(h.gamma, momentum=h.beta), h, w, gs)
        return ours(rule, gs, w)[1] - w, peer[1] - w

    step, peer = both(np.zeros(14))
    assert peer == pytest.approx(1000 * step, rel=1e-12)
    step, peer = both(start_at(14))
    assert peer == pytest.approx(step, rel=1e-9)  # of differences of positions


# ---------------------------------------------------------------------------------- closed loop

LANDSCAPES = {
    "quadratic": (
        F.quadratic([1, 10], minimiser=(1, 2)),
        lambda x, y: ((x - 1) ** 2 + 10 * (y - 2) ** 2) / 2,
    ),
    "rosenbrock": (F.rosenbrock, lambda x, y: (1 - x) ** 2 + 100 * (y - x * x) ** 2),
    "himmelblau": (F.himmelblau, lambda x, y: (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2),
}
landscapes = pytest.mark.parametrize("landscape", LANDSCAPES)

# They end up jumping across a valley and back, where they amplify the last bit without bound.
OPEN_ONLY = {"rmsprop", "lars", "lamb", "dadapt_adam", "prodigy"}
CLOSED_PAIRS = {  # the first row of each rule in each library
    (rule_of(name), library): name
    for name, library in reversed(PAIRS)
    if rule_of(name) not in OPEN_ONLY
}


def gentle():
    """Return hyper-parameters with which no rule of the closed loop comes to bounce."""
    return SimpleNamespace(
        alpha=1e-4, eta=1e-3, gamma=1e-3, beta=0.9, beta1=0.9, beta2=0.999, rho=0.9, eps=1e-4,
        eps_root=1e-4, c=3.0, decay=1e-2, d0=1e-3, multiple=0.05, blocks=((1, 2),),
    )  # fmt: skip


def start_on(name):
    return np.zeros(2) if rule_of(name) in FROM_ZERO else np.array([-1.2, 2.5])


@landscapes
@pytest.mark.parametrize(("rule", "library"), CLOSED_PAIRS)
def test_closed_loop(rule, library, landscape):
    name = CLOSED_PAIRS[rule, library]
    (J, plain), (build, theirs) = LANDSCAPES[landscape], ROWS[name]
    h, w = gentle(), start_on(name)
    path = descend(J, w, build(h), STEPS).w
    peer = CLOSED[library](theirs[library], h, w, lambda row: plain(*row))
    assert deviation(path, peer) < 1e-10


@pytest.mark.parametrize("name", sorted(OPEN_ONLY))
def test_what_is_not_run_in_closed_loop_amplifies_the_last_bit(name):
    variant = next(row for row in ROWS if rule_of(row) == name)
    rule, w = ROWS[variant][0](gentle()), start_on(variant)
    nudged = w + 2.0**-51

    def run(J, start):
        return descend(J, start, rule, STEPS).w

    assert any(deviation(run(J, w), run(J, nudged)) > 1e-10 for J, _ in LANDSCAPES.values())


# ------------------------------------------------------- rules that ask for values: step by step


def optax_steps(transform, path, plain):
    """Return what Optax subtracts at each iterate of our path, its memory its own."""
    import jax
    import jax.numpy as jnp

    def step(state, seen):
        w, g, value = seen
        update, state = transform.update(
            g, state, w, value=value, grad=g, value_fn=lambda w: plain(*w)
        )
        return state, -update

    run = jax.jit(partial(jax.lax.scan, step))
    seen = (path.w[:-1], path.g[:-1], path.J[:-1])
    return np.array(run(transform.init(jnp.asarray(path.w[0])), seen)[1])


@landscapes
def test_polyak(landscape):
    import optax

    J, plain = LANDSCAPES[landscape]
    path = descend(J, (-1.2, 2.5), polyak(), STEPS)
    peer = optax_steps(optax.polyak_sgd(max_learning_rate=np.inf), path, plain)
    stops = path.grad_norm[:-1] ** 2 <= np.finfo(float).eps
    error = np.abs(path.step - peer)[~stops]
    assert np.all(error <= 1e-12 * path.step_length[~stops][:, None])
    assert not peer[stops].any()  # ours goes on


def test_polyak_of_optax_has_a_largest_size_and_may_step_uphill():
    import optax

    J, plain = LANDSCAPES["quadratic"]
    cone = F.quadratic([0.01, 0.01])
    path = descend(cone, (3.0, 4.0), polyak(), 1)
    peer = optax_steps(optax.polyak_sgd(), path, lambda x, y: 0.005 * (x * x + y * y))
    assert path.step[0] == pytest.approx([1.5, 2.0])  # of size 50
    assert peer[0] == pytest.approx([0.03, 0.04])  # of size 1

    below = descend(J, (3.0, 4.0), polyak(J_star=1e3), 1)
    up = optax_steps(optax.polyak_sgd(f_min=1e3), below, plain)
    stay = optax_steps(optax.polyak_sgd(f_min=1e3, variant="sps+"), below, plain)
    assert not below.step.any()
    assert not stay.any()
    assert (up * below.g[:-1]).sum() < 0


@landscapes
@pytest.mark.parametrize(("c1", "shrink", "grow"), [(1e-4, 0.5, 2.0), (0.3, 0.8, 1.5)])
def test_line_search(landscape, c1, shrink, grow):
    import optax

    J, plain = LANDSCAPES[landscape]
    # The first size that Optax tries is ``increase_factor`` times 1.
    path = descend(J, (-1.2, 2.5), line_search(grow, c1, shrink, grow), STEPS)
    search = optax.scale_by_backtracking_linesearch(
        200,
        slope_rtol=c1, decrease_factor=shrink, increase_factor=grow, max_learning_rate=np.inf,
    )  # fmt: skip
    peer = optax_steps(optax.chain(optax.sgd(1.0), search), path, plain)
    assert np.all(np.abs(path.step - peer) <= 1e-12 * path.step_length[:, None])


# ------------------------------------------------------------------------------------- defaults

# our rule and field, their function and parameter; what our docstring says where they differ
DEFAULTS = """
lion.beta1            optax.lion.b1
lion.beta2            optax.lion.b2
adagrad.eps           torch.optim.Adagrad.eps                   eps=1e-10
adagrad.eps_root      optax.adagrad.initial_accumulator_value   eps_root=0.1
adagrad.eps_root      optax.adagrad.eps                         1e-7
rmsprop.rho           torch.optim.RMSprop.alpha                 rho=0.99
rmsprop.rho           optax.rmsprop.decay
rmsprop.eps           torch.optim.RMSprop.eps
rmsprop.eps_root      optax.rmsprop.eps                         eps_root=1e-8
adadelta.rho          torch.optim.Adadelta.rho                  rho=0.9
adadelta.rho          optax.adadelta.rho                        rho=0.9
adadelta.eps          torch.optim.Adadelta.eps
adadelta.eps          optax.adadelta.eps
adam.eta              torch.optim.Adam.lr
adam.beta1            torch.optim.Adam.betas.0
adam.beta2            torch.optim.Adam.betas.1
adam.eps              torch.optim.Adam.eps
adam.beta1            optax.adam.b1
adam.beta2            optax.adam.b2
adam.eps              optax.adam.eps
adam.eps_root         optax.adam.eps_root
amsgrad.eta           torch.optim.Adam.lr
amsgrad.beta1         optax.amsgrad.b1
amsgrad.beta2         optax.amsgrad.b2
amsgrad.eps           optax.amsgrad.eps                         1e-8
amsgrad.eps           torch.optim.Adam.eps                      1e-8
nadam.eta             torch.optim.NAdam.lr
nadam.beta1           torch.optim.NAdam.betas.0
nadam.beta2           torch.optim.NAdam.betas.1
nadam.eps             torch.optim.NAdam.eps
nadam.beta1           optax.nadam.b1
nadam.beta2           optax.nadam.b2
nadam.eps             optax.nadam.eps
lars.beta             optax.lars.momentum
lars.decay            optax.lars.weight_decay
lamb.beta1            optax.lamb.b1
lamb.beta2            optax.lamb.b2
lamb.eps              optax.lamb.eps
lamb.decay            optax.lamb.weight_decay
muon.beta             torch.optim.Muon.momentum
muon.beta             optax.contrib.muon.beta
muon.iterations       torch.optim.Muon.ns_steps
muon.iterations       optax.contrib.muon.ns_steps
polyak.J_star         optax.polyak_sgd.f_min
line_search.c1        optax.scale_by_backtracking_linesearch.slope_rtol
line_search.shrink    optax.scale_by_backtracking_linesearch.decrease_factor   shrink=0.8
line_search.grow      optax.scale_by_backtracking_linesearch.increase_factor   grow=1.5
dog.gamma             optax.contrib.dog.learning_rate
dog.r_eps             optax.contrib.dog.init_step.1
dog.eps_root          optax.contrib.dog.eps                     eps_root=1e-8
dowg.gamma            optax.contrib.dowg.learning_rate
dowg.eps              optax.contrib.dowg.eps                    eps=1e-4
dadapt_adam.gamma     optax.contrib.dadapt_adamw.learning_rate
dadapt_adam.d0        optax.contrib.dadapt_adamw.estim_lr0
dadapt_adam.beta1     optax.contrib.dadapt_adamw.betas.0
dadapt_adam.beta2     optax.contrib.dadapt_adamw.betas.1
dadapt_adam.eps       optax.contrib.dadapt_adamw.eps
prodigy.gamma         optax.contrib.prodigy.learning_rate
prodigy.d0            optax.contrib.prodigy.estim_lr0
prodigy.beta1         optax.contrib.prodigy.betas.0
prodigy.beta2         optax.contrib.prodigy.betas.1
prodigy.eps           optax.contrib.prodigy.eps
"""

# defaults of the peers for which we have another piece, or none: they too are in our docstrings
ELSEWHERE = """
WeightDecay  torch.optim.AdamW.weight_decay             0.01
WeightDecay  optax.adamw.weight_decay                   1e-4
lion         optax.lion.weight_decay                    1e-3
ngd          optax.normalize_by_update_norm.eps         1e-6
lars         optax.lars.trust_coefficient               0.001
muon         torch.optim.Muon.weight_decay              0.1
polyak       optax.polyak_sgd.max_learning_rate         max_learning_rate=1
dog          optax.contrib.dog.init_step.1              1e-6
dowg         optax.contrib.dowg.eps                     1e-4
line_search  optax.scale_by_backtracking_linesearch.max_learning_rate   max_learning_rate=1
"""


def resolve(path):
    """Return a default by its path: library, modules, function, parameter, index in a tuple."""
    library, *names = path.split(".")
    found = importlib.import_module(library)
    for name in names:
        if callable(found):
            found = inspect.signature(found).parameters[name].default
        else:
            found = found[int(name)] if name.isdigit() else getattr(found, name)
    return found


@pytest.mark.parametrize("line", DEFAULTS.strip().splitlines())
def test_defaults_are_the_peers_or_the_docstring_says_otherwise(line):
    field, theirs, *stated = line.split()
    rule, name = field.split(".")
    mine = inspect.signature(getattr(rules, rule)).parameters[name].default
    assert (resolve(theirs) == mine) is not bool(stated)
    for text in stated:
        assert resolve(theirs) == float(text.rpartition("=")[2])
        assert text in getattr(rules, rule).__doc__


@pytest.mark.parametrize("line", ELSEWHERE.strip().splitlines())
def test_docstrings_tell_the_peers_other_defaults(line):
    rule, theirs, text = line.split()
    assert resolve(theirs) == float(text.rpartition("=")[2])
    assert text in getattr(rules, rule).__doc__


def test_muon_looks_ahead_unless_told_otherwise_with_both_peers():
    assert resolve("torch.optim.Muon.nesterov") is True
    assert resolve("optax.contrib.muon.nesterov") is True


# --------------------------------------------------------------------------------- completeness

NO_PEER = {
    "Greedy": "neither has coordinate descent",
    "Polar": "both have Newton-Schulz only",
    "adagrad_norm": "both have Adagrad by coordinate only",
    "rmsprop_norm": "both have RMSProp by coordinate only",
    "barzilai_borwein": "neither has it",
    "barzilai_borwein_short": "neither has it",
    "dadapt": "Optax has the variant of Adam only",
}
WITH_VALUES = {"polyak": test_polyak, "line_search": test_line_search}


def test_every_rule_has_a_peer_or_a_reason():
    compared = {rule_of(name) for name in ROWS} | set(WITH_VALUES)
    assert compared.isdisjoint(NO_PEER)
    assert compared | set(NO_PEER) == set(rules.__all__)


def test_every_default_of_a_rule_with_a_peer_is_compared():
    ours_only = {  # fields that no peer has as a parameter
        "momentum.beta", "nesterov.beta", "normalized_momentum.beta",  # it must be given there
        "lion.eta", "Trust.at_zero", "lars.at_zero", "lamb.at_zero", "nadam.warmup",
        "Trust.blocks", "lars.blocks", "lamb.blocks", "NewtonSchulz.iterations",
        "line_search.alpha", "dowg.r_eps", "rmsprop.eps_root",
    }  # fmt: skip
    fields = {
        f"{name}.{field}"
        for name in set(rules.__all__) - set(NO_PEER)
        for field, parameter in inspect.signature(getattr(rules, name)).parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }
    assert fields - ours_only <= {line.split()[0] for line in DEFAULTS.strip().splitlines()}
