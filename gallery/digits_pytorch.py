"""The network of `digits_numpy.py` in PyTorch: `python gallery/digits_pytorch.py`.

PyTorch differentiates, and the rule of normgd runs on its tensors as it is.
"""

import torch
from digits_numpy import RULES, batches, start
from torch.nn.utils import parameters_to_vector, vector_to_parameters


def network():
    """Return the network, in double precision, with the weights that all three programs share."""
    model = torch.nn.Sequential(
        torch.nn.Linear(64, 10), torch.nn.Tanh(), torch.nn.Linear(10, 10)
    ).double()
    with torch.no_grad():
        for parameter, array in zip(model.parameters(), start(), strict=True):
            parameter.copy_(torch.tensor(array.T))  # a Linear keeps its matrix transposed
    return model


def train(rule, steps=100):
    """Return the loss of each minibatch before the step that it leads to."""
    model, memory, losses = network(), rule.start(), []
    for t, (X, labels) in enumerate(batches(steps)):
        loss = torch.nn.functional.cross_entropy(model(torch.tensor(X)), torch.tensor(labels))
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            w = parameters_to_vector(model.parameters())
            g = parameters_to_vector([p.grad for p in model.parameters()])
            step, memory = rule.step(g, memory, t, w=w)
            vector_to_parameters(w - step, model.parameters())
        losses.append(loss.item())
    return losses


if __name__ == "__main__":
    for name, rule in RULES.items():
        losses = train(rule)
        print(f"loss {losses[0]:.6f} -> {losses[-1]:.6f} by {name}")
