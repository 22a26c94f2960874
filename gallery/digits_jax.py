"""The network of `digits_numpy.py` in JAX: `python gallery/digits_jax.py`.

JAX differentiates and compiles; the rule of normgd is traced with the rest of the step.
"""

import jax
import jax.numpy as jnp
from digits_numpy import RULES, batches, start
from jax.flatten_util import ravel_pytree


def loss(weights, X, labels):
    """Return the mean softmax loss."""
    W1, b1, W2, b2 = weights
    scores = jnp.tanh(X @ W1 + b1) @ W2 + b2
    right = jnp.take_along_axis(scores, labels[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(scores, axis=1) - right)


def train(rule, steps=100):
    """Return the loss of each minibatch before the step that it leads to."""
    with jax.enable_x64(True):  # double precision
        w, as_weights = ravel_pytree([jnp.asarray(array) for array in start()])

        @jax.jit
        def step(w, memory, t, X, labels):
            value, g = jax.value_and_grad(lambda w: loss(as_weights(w), X, labels))(w)
            change, memory = rule.step(g, memory, t, w=w)
            return value, w - change, memory

        memory, losses = rule.start(), []
        for t, (X, labels) in enumerate(batches(steps)):
            value, w, memory = step(w, memory, t, X, labels)
            losses.append(value.item())
    return losses


if __name__ == "__main__":
    for name, rule in RULES.items():
        losses = train(rule)
        print(f"loss {losses[0]:.6f} -> {losses[-1]:.6f} by {name}")
