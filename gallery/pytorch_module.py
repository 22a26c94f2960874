"""A rule of normgd trains a PyTorch module: `python gallery/pytorch_module.py`.

A rule knows one vector of coordinates.  The optimiser below lays all parameters of the module end
to end, asks the rule for its step and subtracts it.  The rule's formula, written for NumPy, runs on
the tensors as it is, whatever their device and type.  Rules that treat each layer by itself, such
as `muon`, are told the layers by `blocks=[p.shape for p in module.parameters()]`.
"""

import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

import normgd as ng


class Normgd(torch.optim.Optimizer):
    """Any rule of normgd that needs no more than g, w and t, as an optimiser of PyTorch.

    A parameter without a gradient has the gradient 0, and a memory may still carry it on.  So to
    hold a layer fixed, leave it out of ``params``.
    """

    def __init__(self, params, rule):
        super().__init__(params, {})
        self.rule = rule
        self.state["rule"] = {"memory": rule.start(), "t": 0}  # saved with the state_dict

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        params = [p for group in self.param_groups for p in group["params"]]
        g = parameters_to_vector(
            [torch.zeros_like(p) if p.grad is None else p.grad for p in params]
        )
        w = parameters_to_vector(params)
        state = self.state["rule"]
        step, memory = self.rule.step(g, state["memory"], state["t"], w=w)
        self.state["rule"] = {"memory": memory, "t": state["t"] + 1}  # a saved one stays as it is
        vector_to_parameters(w - step, params)
        return loss


def train(optimiser, steps=200):
    """Fit a small network to a product of sines; return the loss before every step."""
    torch.manual_seed(0)
    x = 4 * torch.rand(256, 2, dtype=torch.float64) - 2
    y = (x[:, :1].sin() * x[:, 1:].sin()).detach()
    module = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))
    module.double()
    optimiser = optimiser(module.parameters())
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        loss = torch.nn.functional.mse_loss(module(x), y)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


if __name__ == "__main__":
    unit_steps = ng.ngd(eta=ng.schedules.inverse_sqrt(0.3))
    for rule in (ng.gd(0.1), unit_steps, ng.momentum(0.1), ng.adam(0.01), ng.dog()):
        losses = train(lambda params, rule=rule: Normgd(params, rule))
        print(f"loss {losses[0]:.3f} -> {losses[-1]:.5f} by {rule}")
