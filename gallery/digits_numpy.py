"""A two-layer network reads digits, its gradient derived by hand: `python gallery/digits_numpy.py`.

The twins `digits_pytorch.py` and `digits_jax.py` train the same network on the same minibatches
from the same start, and print the same losses.
"""

import numpy as np
from sklearn.datasets import load_digits

import normgd as ng

SHAPES = (64, 10), (10,), (10, 10), (10,)  # W1, b1, W2, b2
RULES = {
    "gd": ng.gd(0.5),
    "ngd": ng.ngd(0.3),
    "average, then unit": ng.normalized_momentum(0.1),
    "adam": ng.adam(0.01),
}


def batches(steps, size=50):
    """Yield the minibatches of the first 900 pictures, in order, again and again."""
    X, labels = load_digits(return_X_y=True)
    X, labels = X[:900] / 16 - 0.5, labels[:900]
    for t in range(steps):
        chosen = np.arange(t * size, (t + 1) * size) % 900
        yield X[chosen], labels[chosen]


def start():
    """Return random weights of variance 1 / inputs and constants 0, each in its shape."""
    rng = np.random.default_rng(15)
    return [
        rng.normal(size=shape) / np.sqrt(shape[0]) if len(shape) == 2 else np.zeros(shape)
        for shape in SHAPES
    ]


def flat(arrays):
    return np.concatenate([array.ravel() for array in arrays])


def loss_and_gradient(w, X, labels):
    """Return the mean softmax loss and its gradient in the flat w."""
    ends = np.cumsum([np.prod(shape) for shape in SHAPES])[:-1]
    W1, b1, W2, b2 = (
        piece.reshape(shape) for piece, shape in zip(np.split(w, ends), SHAPES, strict=True)
    )
    H = np.tanh(X @ W1 + b1)
    Z = H @ W2 + b2
    powers = np.exp(Z - Z.max(axis=1, keepdims=True))
    P = powers / powers.sum(axis=1, keepdims=True)
    Y = np.eye(10)[labels]
    D = (P - Y) / len(X)
    E = D @ W2.T * (1 - H * H)
    return -np.log(P[Y == 1]).mean(), flat([X.T @ E, E.sum(axis=0), H.T @ D, D.sum(axis=0)])


def train(rule, steps=100):
    """Return the loss of each minibatch before the step that it leads to."""
    w, memory, losses = flat(start()), rule.start(), []
    for t, (X, labels) in enumerate(batches(steps)):
        loss, g = loss_and_gradient(w, X, labels)
        step, memory = rule.step(g, memory, t, w=w)
        w = w - step
        losses.append(loss)
    return losses


if __name__ == "__main__":
    for name, rule in RULES.items():
        losses = train(rule)
        print(f"loss {losses[0]:.6f} -> {losses[-1]:.6f} by {name}")
