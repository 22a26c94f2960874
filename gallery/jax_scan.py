"""A rule of normgd in a compiled loop of JAX, for many rates at once: `python gallery/jax_scan.py`.

The rule's formula, written for NumPy, is traced by JAX as it is: `lax.scan` makes the loop, `vmap`
runs it for a hundred rates side by side, `jit` compiles all of it and `grad` differentiates J.
"""

from functools import partial

import jax
import jax.numpy as jnp

import normgd as ng


def rosenbrock(w):
    x, y = w
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


def descend(J, start, rule, steps):
    """Return the iterates after 1, 2, ... steps."""
    gradient = jax.grad(J)

    def step(state, t):
        w, memory = state
        change, memory = rule.step(gradient(w), memory, t, w=w, J=J)
        return (w - change, memory), w - change

    # A memory starts as the number 0.  The first step, outside of the loop, gives it its shape.
    state, first = step((start, rule.start()), 0)
    _, rest = jax.lax.scan(step, state, jnp.arange(1, steps))
    return jnp.concatenate([first[None], rest])


@partial(jax.jit, static_argnames=("make_rule", "steps"))
def sweep(make_rule, rates, start, steps):
    """Return the values of J after every step, one row for each rate."""
    values = jax.vmap(rosenbrock)
    return jax.vmap(lambda rate: values(descend(rosenbrock, start, make_rule(rate), steps)))(rates)


if __name__ == "__main__":
    start = jnp.array([-1.5, 2.0])
    rates = jnp.geomspace(1e-4, 1, 100)
    for make_rule in (ng.gd, ng.ngd, ng.adam, ng.lion):
        values = sweep(make_rule, rates, start, steps=1000)
        best = jnp.nanargmin(values[:, -1])  # some rates diverge to NaN
        print(f"{make_rule.__name__}: J = {values[best, -1]:.2g} with rate {rates[best]:.2g}")
