"""How long a step takes, side by side with the peers: `make bench`.

All competitors take the same gradient and are timed in turn, round after round, in one process; the
fastest of the rounds counts.  What is printed is the time of normgd's step in microseconds and how
many times as long every other one takes (more than 1: slower than normgd).  Compare ratios: the
times themselves are this machine's.
"""

import argparse
import time

import numpy as np

import normgd as ng

RATE, BETA1, BETA2, EPS = 0.01, 0.9, 0.999, 1e-8


def of_normgd(rule, g):
    """Step a rule of the library from a memory that has its shape."""
    _, memory = rule.step(g, rule.start(), 0)
    w = np.zeros_like(g)
    state = [w, memory, 1]

    def step():
        change, state[1] = rule.step(g, state[1], state[2], w=state[0])
        state[0] = state[0] - change
        state[2] += 1

    return step


def textbook(name, g):
    """Step by the textbook's lines in NumPy, without checks of any kind."""
    w, m, v = np.zeros_like(g), np.zeros_like(g), np.zeros_like(g)
    t = 0

    def adam():
        nonlocal w, m, v, t
        t += 1
        m = BETA1 * m + (1 - BETA1) * g
        v = BETA2 * v + (1 - BETA2) * g * g
        w = w - RATE * (m / (1 - BETA1**t)) / (np.sqrt(v / (1 - BETA2**t)) + EPS)

    def ngd():
        nonlocal w
        w = w - RATE * g / np.linalg.norm(g)

    def gd():
        nonlocal w
        w = w - RATE * g

    def momentum():
        nonlocal w, m
        m = BETA1 * m + g
        w = w - RATE * m

    return {"gd": gd, "ngd": ngd, "momentum": momentum, "adam": adam}[name]


def of_torch(name, g):
    """Step PyTorch's optimiser on a parameter with this gradient; None where it has none."""
    import torch

    torch.set_num_threads(1)
    w = torch.zeros(len(g), dtype=torch.float64, requires_grad=True)
    w.grad = torch.as_tensor(g)
    make = {
        "gd": lambda: torch.optim.SGD([w], RATE),
        "momentum": lambda: torch.optim.SGD([w], RATE, momentum=BETA1),
        "adam": lambda: torch.optim.Adam([w], RATE, (BETA1, BETA2), EPS),
    }
    return make[name]().step if name in make else None


def of_optax(name, g):
    """Step Optax's optimiser, compiled."""
    import jax
    import optax

    jax.config.update("jax_enable_x64", True)
    make = {
        "gd": lambda: optax.sgd(RATE),
        "ngd": lambda: optax.chain(optax.normalize_by_update_norm(eps=0), optax.scale(-RATE)),
        "momentum": lambda: optax.sgd(RATE, momentum=BETA1),
        "adam": lambda: optax.adam(RATE, BETA1, BETA2, EPS),
    }[name]()

    @jax.jit
    def compiled(w, memory, g):
        change, memory = make.update(g, memory, w)
        return optax.apply_updates(w, change), memory

    slope = jax.numpy.asarray(g)
    state = [jax.numpy.zeros(len(g)), make.init(jax.numpy.zeros(len(g)))]

    def step():
        state[:] = compiled(*state, slope)
        state[0].block_until_ready()

    return step


RULES = {
    "gd": ng.gd(RATE),
    "ngd": ng.ngd(RATE),
    "momentum": ng.momentum(RATE, BETA1),
    "adam": ng.adam(RATE, BETA1, BETA2, EPS),
}


def fastest(competitors, rounds, calls):
    """Time the competitors in turn; return the best time of each in microseconds."""
    best = dict.fromkeys(competitors, np.inf)
    for _ in range(rounds):
        for name, step in competitors.items():
            start = time.perf_counter()
            for _ in range(calls):
                step()
            best[name] = min(best[name], (time.perf_counter() - start) / calls * 1e6)
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    print(f"{'rule':10}{'d':>10}{'normgd':>12}{'textbook':>12}{'PyTorch':>10}{'Optax':>10}")
    for d, calls in ((2, 300), (100, 300), (10_000, 100), (1_000_000, 3)):
        g = rng.normal(size=d)
        for name, rule in RULES.items():
            competitors = {
                "normgd": of_normgd(rule, g),
                "textbook": textbook(name, g),
                "PyTorch": of_torch(name, g),
                "Optax": of_optax(name, g),
            }
            there = {who: step for who, step in competitors.items() if step is not None}
            best = fastest(there, given.rounds, calls)
            ratios = (
                f"{best[who] / best['normgd']:{width}.2f}" if who in best else f"{'-':>{width}}"
                for who, width in (("textbook", 12), ("PyTorch", 10), ("Optax", 10))
            )
            print(f"{name:10}{d:10,}{best['normgd']:9.1f} us{''.join(ratios)}")


if __name__ == "__main__":
    main()
