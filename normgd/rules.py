r"""The update rules of the thread and of the field, each written as its formula.

Pieces have a capital and no learning rate; they are made for composing with ``>>``
(:mod:`normgd.rule`).  ``Unit()`` alone is the rule of the thread, w − ∇J/‖∇J‖.  A rule whose rate
is 1 is a piece, too: ``adam(eta=1) >> WeightDecay(0.01) >> gd(0.001)`` is AdamW.

>>> from normgd import descend, functions
>>> path = descend(functions.rosenbrock, (-1.5, 2.0), Momentum(0.9) >> Unit() >> gd(0.05))
>>> path
Path(rosenbrock, Momentum(beta=0.9) >> Unit() >> gd(alpha=0.05), 100 steps)

Whatever a formula divides by, it divides by with :func:`normgd.ops.ratio`: where the denominator is
0, so is the step.  With ``eps = 0`` a rule is therefore defined at a zero gradient, and, unless it
has weight decay, a start there stays.  A finite gradient never gives NaN unless a sum of gradients
overflows, or the length of :class:`polyak`'s step.  NaN in the gradient is NaN in the step, and an
infinite coordinate gives an infinite one or NaN, except to rules that only ask for signs or cut off
each coordinate.

Rules that square gradients (from Adagrad on) work for ``1e-145 < |g_i| < 1e145``.  Below, squares
lose digits, and where they vanish the step is g/ε or, for ε = 0, 0.  Above, they are infinite, and
from then on the step is 0 (:class:`dadapt` goes back to w₀), or NaN if ρ or β₂ is 0.

Rules that keep account of their own steps (both Barzilai-Borwein rules, ``dog``, ``dowg``,
``dadapt``, ``prodigy``) must come last in a chain, and ``line_search`` must stand alone.

Invariances are those of exact arithmetic with ``eps = eps_root = 0``; the table of all of them is
an appendix of the course, made from tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .ops import (
    absolute,
    concatenate,
    dot,
    equal,
    less,
    less_equal,
    maximum,
    minimum,
    norm,
    power,
    ratio,
    sqrt,
    stack,
    total,
    unit,
    where,
)
from .ops import sign as sign_of
from .rule import Rule
from .symbols import Formal, is_symbolic, node

Array = Any
Rate = Any  # a number, an array of numbers that broadcasts with the batch, or a schedule t -> rate
Blocks = Any  # sizes or shapes that divide the coordinates in order, such as ((3, 2), 4)


# ------------------------------------------------------------------- pieces: direction


class Unit(Rule):
    r"""The direction of the gradient, :math:`u=g/\|g\|`; 0 where ``g = 0``.

    Alone it is the rule the thread proposes, :math:`w\leftarrow w-\nabla J/\|\nabla J\|`: a step of
    length 1 in whatever unit w happens to be measured.  See :class:`ngd`.
    """

    def __call__(self, g: Array) -> Array:
        return unit(g)


class Sign(Rule):
    r"""The sign of each coordinate of the gradient, :math:`\operatorname{sign} g_i`.

    Less it, J descends as steeply as along any vector of length 1 in ℓ∞.  See :class:`sign`.
    """

    def __call__(self, g: Array) -> Array:
        return sign_of(g)


class Greedy(Rule):
    r"""The coordinate where the gradient is largest: :math:`\operatorname{sign}(g_i)\,e_i`.

    :math:`i=\arg\max_j|g_j|`, the first of them in a tie.  Less it, J descends as steeply as along
    any vector of length 1 in ℓ1.

    Nutini, Schmidt, Laradji, Friedlander, Koepke, ICML 2015, PMLR 37:1632-1641, arXiv:1506.00552:
    the Gauss-Southwell rule.
    """

    def __call__(self, g: Array) -> Array:
        if isinstance(g, Formal):
            return node("greedy", g)
        largest = absolute(g[0])
        for other in g[1:]:
            largest = maximum(largest, absolute(other))
        rows, taken = [], sign_of(largest)
        for coordinate in g:  # the first that reaches the largest takes it
            chosen = where(equal(absolute(coordinate), largest), taken, 0.0)
            rows.append(chosen * sign_of(coordinate))
            taken = taken - chosen
        return stack(rows)


class Clip(Rule):
    r"""The gradient, shortened to norm c where it is longer: :math:`\min(1, c/\|g\|)\,g`.

    Parameters
    ----------
    c : float or schedule
        The largest norm that passes, in the unit of the gradient, J/w.

    Notes
    -----
    Pascanu, Mikolov, Bengio, ICML 2013, arXiv:1211.5063, Algorithm 1.
    PyTorch's ``clip_grad_norm_`` divides by ‖g‖ + 1e-6; Optax's ``clip_by_global_norm`` adds
    nothing, as here.
    """

    c: Rate

    def __call__(self, g: Array) -> Array:
        return where(less_equal(norm(g), self.c), g, self.c * unit(g))


class ClipEach(Rule):
    r"""Each coordinate of the gradient, cut off at ±c: :math:`\max(-c,\min(c,g_i))`.

    Parameters
    ----------
    c : float or schedule
        The largest absolute value that passes, in the unit of the gradient, J/w.

    Notes
    -----
    Unlike :class:`Clip` it turns the gradient.  PyTorch's ``clip_grad_value_`` and Optax's
    ``clip`` are the same.
    """

    c: Rate

    def __call__(self, g: Array) -> Array:
        return maximum(-1.0 * self.c, minimum(g, self.c))


# ---------------------------------------------------------------------- pieces: memory


class Momentum(Rule):
    r"""A decaying sum of gradients, :math:`m_t=\beta m_{t-1}+g_t`, :math:`m_{-1}=0`.

    Parameters
    ----------
    beta : float or schedule
        What remains of the memory after one step, in [0, 1).

    Notes
    -----
    For a constant gradient it tends to g/(1 − β); :class:`Average` tends to g.

    Polyak, USSR Comput. Math. Math. Phys. 4 (1964) 1-17, doi:10.1016/0041-5553(64)90137-5.
    """

    beta: Rate

    def __call__(self, g: Array, m: Array) -> tuple[Array, Array]:
        m = self.beta * m + g
        return m, m


class Nesterov(Rule):
    r"""Momentum that looks ahead: :math:`m_t=\beta m_{t-1}+g_t`, and the step is g + β m.

    Parameters
    ----------
    beta : float or schedule
        What remains of the memory after one step, in [0, 1).

    Notes
    -----
    See :class:`nesterov`.
    """

    beta: Rate

    def __call__(self, g: Array, m: Array) -> tuple[Array, Array]:
        m = self.beta * m + g
        return g + self.beta * m, m


class Average(Rule):
    r"""A moving average of gradients, :math:`m_t=\beta m_{t-1}+(1-\beta)g_t`, :math:`m_{-1}=0`.

    Parameters
    ----------
    beta : float or schedule
        What remains of the memory after one step, in [0, 1).

    Notes
    -----
    The weights add up to 1 − β^{t+1}: early averages are too short, and nothing corrects that here.
    ``Average(beta) >> gd(alpha)`` equals ``momentum(alpha * (1 - beta), beta)``.
    See :class:`normalized_momentum`.
    PyTorch's ``SGD(momentum=beta, dampening=beta)`` differs: its first m is g, not (1 − β) g.
    """

    beta: Rate

    def __call__(self, g: Array, m: Array) -> tuple[Array, Array]:
        m = self.beta * m + (1 - self.beta) * g
        return m, m


class WeightDecay(Rule):
    r"""A pull towards the origin: :math:`g+\lambda w`.

    Parameters
    ----------
    decay : float or schedule
        λ, in the unit of what comes before over w: J/w² for a gradient.

    Notes
    -----
    Before a rule it is the gradient of :math:`\tfrac\lambda2\|w\|^2`, added to J; after one it is
    *decoupled* weight decay, as in AdamW: Loshchilov, Hutter, ICLR 2019, arXiv:1711.05101.
    PyTorch's ``AdamW`` has λ = 0.01 unless told otherwise, Optax's ``adamw`` 1e-4.
    """

    decay: Rate

    def __call__(self, g: Array, w: Array) -> Array:
        return g + self.decay * w


# ---------------------------------------------------------------------- pieces: blocks


def _by_block(formula: Callable[..., Array], blocks: Blocks, *vectors: Array) -> Array:
    """Apply ``formula`` to each block of coordinates, as an array of the block's shape."""
    if any(isinstance(v, Formal) for v in vectors):
        return formula(*vectors)  # a letter stands for each block
    d = len(vectors[0])
    shapes = blocks or ((d,),)
    sizes = [math.prod(shape) for shape in shapes]
    if sum(sizes) != d:
        raise ValueError(f"blocks must hold {d} coordinates together; {blocks!r} hold {sum(sizes)}")
    done, first = [], 0
    for shape, size in zip(shapes, sizes, strict=True):
        parts = (v[first : first + size].reshape(shape + v.shape[1:]) for v in vectors)
        done.append(formula(*parts).reshape((size, *vectors[0].shape[1:])))
        first += size
    return done[0] if len(done) == 1 else concatenate(done)


class Trust(Rule):
    r"""Each block's direction, as long as the block's own weights: :math:`\|w_l\|\,g_l/\|g_l\|`.

    Parameters
    ----------
    blocks : sequence of ints or shapes, optional
        The sizes of the blocks (layers) in the order of the coordinates; one block if not given.
    at_zero : float
        What stands in place of ‖w‖/‖g‖ where w or g is 0, in the unit of w over that of g. The
        formula's own value, 0, means that a block that starts at 0 stays there; Optax takes 1.

    Notes
    -----
    The *trust ratio* ‖w‖/‖g‖ of You, Gitman, Ginsburg, arXiv:1708.03888, equation (6).
    """

    blocks: Blocks = None
    at_zero: Rate = 0.0

    def __call__(self, g: Array, w: Array) -> Array:
        def scaled(g: Array, w: Array) -> Array:
            nothing = equal(minimum(norm(w), norm(g)), 0.0)
            return where(nothing, self.at_zero * g, norm(w) * unit(g))

        sizes = self.blocks and tuple((math.prod(shape),) for shape in self.blocks)
        return _by_block(scaled, sizes, g, w)


def matmul(A: Array, B: Array) -> Array:
    """Return the matrix product of A, shape ``(m, k, *batch)``, and B, shape ``(k, n, *batch)``."""
    return total(A.swapaxes(0, 1)[:, :, None] * B[:, None])


def newton_schulz(G: Array, iterations: int = 5) -> Array:
    r"""Return roughly the polar factor :math:`UV^\top` of :math:`G=U\Sigma V^\top`.

    :math:`X\leftarrow aX+(bXX^\top+c(XX^\top)^2)X` from :math:`X=G/\|G\|_F`.

    Parameters
    ----------
    G : array, shape (m, n, *batch)
        The matrices.
    iterations : int
        How often.

    Returns
    -------
    array, shape (m, n, *batch)
        :math:`U\,p(\Sigma/\|G\|_F)\,V^\top`.  Five iterations bring singular values in
        :math:`[0.01,1]\cdot\|G\|_F` to between 0.68 and 1.14; they do not converge to 1.

    Notes
    -----
    a, b, c = 3.4445, −4.775, 2.0315: Jordan et al., *Muon: An optimizer for hidden layers in neural
    networks* (2024), https://kellerjordan.github.io/posts/muon/.
    """
    if isinstance(G, Formal):
        return node("newton_schulz", G)
    a, b, c = 3.4445, -4.7750, 2.0315
    wide = G.shape[0] <= G.shape[1]
    X = unit(G.reshape((G.shape[0] * G.shape[1], *G.shape[2:]))).reshape(G.shape)
    X = X if wide else X.swapaxes(0, 1)
    for _ in range(iterations):
        A = matmul(X, X.swapaxes(0, 1))
        X = a * X + matmul(b * A + c * matmul(A, A), X)
    return X if wide else X.swapaxes(0, 1)


def polar(G: Array) -> Array:
    r"""Return the polar factor :math:`UV^\top` of :math:`G=U\Sigma V^\top`, by the SVD.

    Parameters
    ----------
    G : array, shape (m, n, *batch)
        The matrices, in NumPy.

    Returns
    -------
    array, shape (m, n, *batch)
        Every nonzero singular value made 1; zeros (to rounding) stay 0.  NaN where G is not finite.
    """
    if isinstance(G, Formal):
        return node("polar", G)
    if is_symbolic(G):
        raise TypeError("an SVD cannot be traced; NewtonSchulz comes near it by products alone")
    A = np.moveaxis(np.asarray(G), (0, 1), (-2, -1))
    finite = np.isfinite(A).all(axis=(-2, -1), keepdims=True)
    U, s, Vt = np.linalg.svd(np.where(finite, A, 0.0), full_matrices=False)
    rounding = max(A.shape[-2:]) * np.finfo(s.dtype).eps * s[..., :1]
    Q = (U * (s > rounding)[..., None, :]) @ Vt
    return np.moveaxis(np.where(finite, Q, np.nan), (-2, -1), (0, 1))


def _as_matrix(G: Array, batch: tuple[int, ...]) -> Array:
    """Return a block as a matrix; a vector is a matrix of one column."""
    return G if isinstance(G, Formal) or G.ndim - len(batch) == 2 else G[:, None]


class Polar(Rule):
    r"""The polar factor of each block, :math:`UV^\top` where :math:`G=U\Sigma V^\top`.

    Parameters
    ----------
    blocks : sequence of shapes
        The matrices' shapes, in the order of the coordinates, rows first.  A size n stands for a
        column, whose polar factor is its direction.

    Notes
    -----
    Less it, J descends as steeply as along any matrix of spectral norm 1.  By an SVD, for NumPy
    arrays; :class:`NewtonSchulz` comes near it by matrix products alone.

    Bernstein, Newhouse, *Old optimizer, new norm: an anthology* (2024), arXiv:2409.20325.
    """

    blocks: Blocks

    def __call__(self, g: Array) -> Array:
        batch = g.shape[1:]
        return _by_block(lambda G: polar(_as_matrix(G, batch)), self.blocks, g)


class NewtonSchulz(Rule):
    r"""Nearly the polar factor of each block, by :func:`newton_schulz`.

    Parameters
    ----------
    blocks : sequence of shapes
        As for :class:`Polar`.
    iterations : int
        How often.

    Notes
    -----
    A column comes out with a length of about 1 (0.70 for five iterations), whatever it was.
    """

    blocks: Blocks
    iterations: int = 5

    def __call__(self, g: Array) -> Array:
        batch = g.shape[1:]

        def nearly(G: Array) -> Array:
            return newton_schulz(_as_matrix(G, batch), self.iterations)

        return _by_block(nearly, self.blocks, g)


# ------------------------------------------------------------------------ without memory


class gd(Rule):
    r"""Gradient descent: :math:`w_{t+1}=w_t-\alpha\,g_t`.

    Parameters
    ----------
    alpha : float or schedule
        The step *size*, in the unit of w² / J.  The step's length is α‖g‖.

    Notes
    -----
    Rotations and translations of w carry the iterates along with them.  Under J → cJ they do not
    change if α → α/c, and under w = sz if α → α/s².
    PyTorch's ``SGD`` and Optax's ``sgd`` without momentum are the same.

    Cauchy, C. R. Acad. Sci. Paris 25 (1847) 536-538.
    """

    alpha: Rate

    def __call__(self, g: Array) -> Array:
        return self.alpha * g


class ngd(Rule):
    r"""Normalised gradient descent, the unit step: :math:`w_{t+1}=w_t-\eta\,g_t/\|g_t\|`.

    Parameters
    ----------
    eta : float or schedule
        The step *length*, in the unit of w: every step is η long, unless ``g = 0``.

    Notes
    -----
    Where ``g = 0`` it stays.  Rotations and translations of w carry the iterates along with them.
    The iterates do not change when J is replaced by h(J) with h' > 0, nor under w = sz if η → η/s.
    Optax's ``normalize_by_update_norm`` divides by ‖g‖ + 1e-6.

    Shor, Minimization Methods for Non-Differentiable Functions, Springer 1985, chapter 2.
    """

    eta: Rate

    def __call__(self, g: Array) -> Array:
        return self.eta * unit(g)


class sign(Rule):
    r"""Sign descent: :math:`w_{t+1}=w_t-\eta\operatorname{sign} g_t`, coordinate by coordinate.

    Parameters
    ----------
    eta : float or schedule
        How far each coordinate with a nonzero derivative moves, in the unit of w.

    Notes
    -----
    The steepest descent of the norm ℓ∞ as the unit step is of ℓ2.  In one dimension the two are
    the same.  The iterates do not change when J is replaced by h(J) with h' > 0, nor when
    coordinates of g are multiplied by positive numbers; they do change under rotations of w.
    ``ng.sign`` is this rule; the operation on arrays is ``ng.ops.sign``.
    Optax's ``sign_sgd`` is the same.

    Bernstein, Wang, Azizzadenesheli, Anandkumar, ICML 2018, arXiv:1802.04434, Algorithm 1.
    """

    eta: Rate

    def __call__(self, g: Array) -> Array:
        return self.eta * sign_of(g)


class clipped(Rule):
    r"""GD with no step longer than η: :math:`w_{t+1}=w_t-\min(\alpha\|g_t\|,\eta)\,u_t`.

    Parameters
    ----------
    alpha : float or schedule
        The step size where the gradient is short, in the unit of w² / J.
    eta : float or schedule
        The length of the longest step, in the unit of w.

    Notes
    -----
    The unit step far out, gradient descent near a minimum.  For α > 0 equal to
    ``Clip(eta / alpha) >> gd(alpha)``.

    Zhang, He, Sra, Jadbabaie, ICLR 2020, arXiv:1905.11881, Algorithm 1.
    """

    alpha: Rate
    eta: Rate

    def __call__(self, g: Array) -> Array:
        return minimum(self.alpha * norm(g), self.eta) * unit(g)


# --------------------------------------------------------------- with a memory of gradients


class momentum(Rule):
    r"""Gradient descent with momentum: :math:`m_t=\beta m_{t-1}+g_t,\ w_{t+1}=w_t-\alpha\,m_t`.

    Parameters
    ----------
    alpha : float or schedule
        The step size, in the unit of w² / J.
    beta : float or schedule
        What remains of the memory after one step, in [0, 1).

    Notes
    -----
    Equal to ``Momentum(beta) >> gd(alpha)``, to PyTorch's ``SGD(momentum=beta)`` and to Optax's
    ``sgd(alpha, momentum=beta)``.  Invariances as for :class:`gd`.

    Polyak, USSR Comput. Math. Math. Phys. 4 (1964) 1-17, doi:10.1016/0041-5553(64)90137-5.
    """

    alpha: Rate
    beta: Rate = 0.9

    def __call__(self, g: Array, m: Array) -> tuple[Array, Array]:
        m = self.beta * m + g
        return self.alpha * m, m


class nesterov(Rule):
    r"""Nesterov's momentum: :math:`m_t=\beta m_{t-1}+g_t,\ w_{t+1}=w_t-\alpha\,(g_t+\beta m_t)`.

    Parameters
    ----------
    alpha : float or schedule
        The step size, in the unit of w² / J.
    beta : float or schedule
        What remains of the memory after one step, in [0, 1).

    Notes
    -----
    Here w is the point that looks ahead.  The other form takes its gradient at
    :math:`y_t-\alpha\beta m_{t-1}` and steps :math:`y_{t+1}=y_t-\alpha m_t`; both are one method
    (for constant α and β), with :math:`w_t=y_t-\alpha\beta m_{t-1}`.
    Equal to PyTorch's ``SGD(momentum=beta, nesterov=True)`` and Optax's ``sgd`` likewise.
    Invariances as for :class:`gd`.

    Nesterov, Soviet Math. Dokl. 27 (1983) 372-376; in this form, with a constant β: Sutskever,
    Martens, Dahl, Hinton, ICML 2013, PMLR 28(3):1139-1147.
    """

    alpha: Rate
    beta: Rate = 0.9

    def __call__(self, g: Array, m: Array) -> tuple[Array, Array]:
        m = self.beta * m + g
        return self.alpha * (g + self.beta * m), m


class normalized_momentum(Rule):
    r"""The unit step of an average: :math:`m_t=\beta m_{t-1}+(1-\beta)g_t`, η m/‖m‖.

    Parameters
    ----------
    eta : float or schedule
        The step length, in the unit of w.
    beta : float or schedule
        What remains of the memory after one step, in [0, 1).

    Notes
    -----
    Averaging first and normalising then reduces the bias that normalised minibatch gradients have;
    it vanishes only as β → 1. Equal to ``Average(beta) >> ngd(eta)``, and for constant β to
    ``Momentum(beta) >> ngd(eta)``, since the length of m cancels.  Rotations and translations carry
    the iterates along; they do not change under J → cJ, nor under w = sz if η → η/s.  The paper
    starts from :math:`m_0=g_0`, which gives the first gradient a weight of β^t instead of (1 − β)
    β^t in the later averages.

    Cutkosky, Mehta, ICML 2020, PMLR 119:2260-2268, arXiv:2002.03305, Algorithm 1.
    """

    eta: Rate
    beta: Rate = 0.9

    def __call__(self, g: Array, m: Array) -> tuple[Array, Array]:
        m = self.beta * m + (1 - self.beta) * g
        return self.eta * unit(m), m


class lion(Rule):
    r"""Lion: :math:`w_{t+1}=w_t-\eta\operatorname{sign}(\beta_1m_{t-1}+(1-\beta_1)g_t)`.

    The memory is another average: :math:`m_t=\beta_2m_{t-1}+(1-\beta_2)g_t`.

    Parameters
    ----------
    eta : float or schedule
        How far each coordinate moves, in the unit of w.
    beta1, beta2 : float or schedule
        What remains of the memory in the step, and in the memory, in [0, 1).

    Notes
    -----
    The iterates do not change under J → cJ, nor when coordinates of g are multiplied by positive
    constants, nor under w = sz if η → η/s.  For Lion's weight decay write
    ``lion(eta=1) >> WeightDecay(decay) >> gd(eta)``; Optax's ``lion`` has a decay of 1e-3 unless
    told otherwise.

    Chen et al., NeurIPS 2023, arXiv:2302.06675, Algorithm 2.
    """

    eta: Rate = 1e-4
    beta1: Rate = 0.9
    beta2: Rate = 0.99

    def __call__(self, g: Array, m: Array) -> tuple[Array, Array]:
        u = sign_of(self.beta1 * m + (1 - self.beta1) * g)
        m = self.beta2 * m + (1 - self.beta2) * g
        return self.eta * u, m


# ----------------------------------------------------- with a memory of squared gradients


class adagrad(Rule):
    r"""Adagrad: :math:`v_t=v_{t-1}+g_t^2,\ w_{t+1}=w_t-\eta\,g_t/\sqrt{v_t}`, by coordinate.

    Parameters
    ----------
    eta : float or schedule
        The length of each coordinate's first step, in the unit of w.
    eps : float or schedule
        Added to the root, in the unit of the gradient.
    eps_root : float or schedule
        Added under the root, in the unit of the squared gradient.

    Notes
    -----
    The iterates do not change when coordinates of g are multiplied by positive constants, nor under
    w = sz if η → η/s; they do change under rotations.
    PyTorch's ``Adagrad`` has ``eps=1e-10``; Optax's ``adagrad`` has ``eps_root=0.1+1e-7``, the 0.1
    being the accumulator's first value.

    Duchi, Hazan, Singer, JMLR 12 (2011) 2121-2159, Figure 1 with diagonal matrices, δ = ``eps``.
    """

    eta: Rate
    eps: Rate = 0.0
    eps_root: Rate = 0.0

    def __call__(self, g: Array, v: Array) -> tuple[Array, Array]:
        v = v + g * g
        return self.eta * ratio(g, sqrt(v + self.eps_root) + self.eps), v


class adagrad_norm(Rule):
    r"""Adagrad of the whole vector: :math:`v_t=v_{t-1}+\|g_t\|^2`, and the step is η g/√v.

    Parameters
    ----------
    eta : float or schedule
        The length of the first step, in the unit of w.
    eps_root : float or schedule
        Added under the root, in the unit of the squared gradient: b₀² in the paper.

    Notes
    -----
    Unlike :class:`adagrad` it steps along the gradient: rotations and translations carry the
    iterates along.  They do not change under J → cJ, nor under w = sz if η → η/s.

    Ward, Wu, Bottou, JMLR 21 (2020) 1-30, arXiv:1806.01811, Algorithm 1.
    """

    eta: Rate
    eps_root: Rate = 0.0

    def __call__(self, g: Array, v: Array) -> tuple[Array, Array]:
        v = v + dot(g, g)
        return self.eta * ratio(g, sqrt(v + self.eps_root)), v


class rmsprop(Rule):
    r"""RMSProp: :math:`v_t=\rho v_{t-1}+(1-\rho)g_t^2` by coordinate, and the step is η g/(√v + ε).

    Parameters
    ----------
    eta : float or schedule
        The length of a coordinate's step while its gradient does not change, in the unit of w.
        (The first steps are longer: the very first is :math:`\eta/\sqrt{1-\rho}`.)
    rho : float or schedule
        What remains of the memory after one step, in [0, 1).
    eps : float or schedule
        Added to the root, in the unit of the gradient.
    eps_root : float or schedule
        Added under the root, in the unit of the squared gradient.

    Notes
    -----
    Invariances as for :class:`adagrad`.  PyTorch's ``RMSprop`` has ``rho=0.99`` (its ``alpha``);
    Optax's ``rmsprop`` has ``eps=0, eps_root=1e-8``.  With bias correction it is
    ``adam(eta, beta1=0, beta2=rho)``.

    Tieleman, Hinton, Neural Networks for Machine Learning, lecture 6e, Coursera 2012, slide 29,
    where ρ = 0.9 and no ε is given.
    """

    eta: Rate
    rho: Rate = 0.9
    eps: Rate = 1e-8
    eps_root: Rate = 0.0

    def __call__(self, g: Array, v: Array) -> tuple[Array, Array]:
        v = self.rho * v + (1 - self.rho) * (g * g)
        return self.eta * ratio(g, sqrt(v + self.eps_root) + self.eps), v


class rmsprop_norm(Rule):
    r"""RMSProp of the whole vector: :math:`v_t=\rho v_{t-1}+(1-\rho)\|g_t\|^2`, the step η g/√v.

    Parameters
    ----------
    eta : float or schedule
        The length of a step while the gradient's norm does not change, in the unit of w.
    rho : float or schedule
        What remains of the memory after one step, in [0, 1).  With 0 it is :class:`ngd`.

    Notes
    -----
    Unlike :class:`rmsprop` it steps along the gradient: rotations and translations carry the
    iterates along.  They do not change under J → cJ, nor under w = sz if η → η/s.
    """

    eta: Rate
    rho: Rate = 0.9

    def __call__(self, g: Array, v: Array) -> tuple[Array, Array]:
        v = self.rho * v + (1 - self.rho) * dot(g, g)
        return self.eta * ratio(g, sqrt(v)), v


class adadelta(Rule):
    r"""Adadelta: the step is :math:`\Delta_t=g_t\sqrt{u_{t-1}+\varepsilon}/\sqrt{v_t+\varepsilon}`.

    :math:`v_t=\rho v_{t-1}+(1-\rho)g_t^2` and :math:`u_t=\rho u_{t-1}+(1-\rho)\Delta_t^2`.

    Parameters
    ----------
    rho : float or schedule
        What remains of both memories after one step, in [0, 1).
    eps : float or schedule
        Added to both: to u in the unit of w², to v in the unit of the squared gradient.  Through u
        it sets the first step, :math:`\sqrt{\varepsilon/(1-\rho)}` where g² is much larger; with 0
        nothing ever moves.

    Notes
    -----
    The ratio of the two roots has the unit of w over the unit of g, so that the step is a length;
    ε undoes this.  The iterates change under J → cJ and under w = sz, unless ε is split in two.
    PyTorch's ``Adadelta`` and Optax's ``adadelta(1.0)`` have ``rho=0.9``; their learning rate is
    ``adadelta() >> gd(rate)``.  (Without a rate, Optax's climbs.)

    Zeiler, arXiv:1212.5701, Algorithm 1; ρ = 0.95 and ε = 1e-6 as in its section 4.1.
    """

    rho: Rate = 0.95
    eps: Rate = 1e-6
    letters: ClassVar = {"step": r"\Delta_@"}

    def __call__(self, g: Array, v: Array, u: Array) -> tuple[Array, Array, Array]:
        v = self.rho * v + (1 - self.rho) * (g * g)
        step = ratio(sqrt(u + self.eps), sqrt(v + self.eps)) * g
        u = self.rho * u + (1 - self.rho) * (step * step)
        return step, v, u


class adam(Rule):
    r"""Adam: :math:`w_{t+1}=w_t-\eta\,\hat m_t/(\sqrt{\hat v_t}+\varepsilon)`, by coordinate.

    :math:`m_t=\beta_1m_{t-1}+(1-\beta_1)g_t` and :math:`v_t=\beta_2v_{t-1}+(1-\beta_2)g_t^2`, each
    over the sum of its weights: :math:`\hat m_t=m_t/(1-\beta_1^{t+1})`,
    :math:`\hat v_t=v_t/(1-\beta_2^{t+1})`.

    Parameters
    ----------
    eta : float or schedule
        The length of each coordinate's first step, in the unit of w.
    beta1, beta2 : float or schedule
        What remains of the gradients' and the squares' memory after one step, in [0, 1).
    eps : float or schedule
        Added to the root, in the unit of the gradient.
    eps_root : float or schedule
        Added under the root, in the unit of the squared gradient.

    Notes
    -----
    With ``beta1 = beta2 = eps = 0`` it is :class:`sign`.  Invariances as for :class:`adagrad`.
    PyTorch's ``Adam`` and Optax's ``adam`` are the same; for AdamW write
    ``adam(eta=1) >> WeightDecay(decay) >> gd(eta)``.

    Kingma, Ba, ICLR 2015, arXiv:1412.6980, Algorithm 1.
    """

    eta: Rate = 0.001
    beta1: Rate = 0.9
    beta2: Rate = 0.999
    eps: Rate = 1e-8
    eps_root: Rate = 0.0

    def __call__(self, g: Array, m: Array, v: Array, t: Any) -> tuple[Array, Array, Array]:
        m = self.beta1 * m + (1 - self.beta1) * g
        v = self.beta2 * v + (1 - self.beta2) * (g * g)
        m_hat = m / (1 - power(self.beta1, t + 1))
        v_hat = v / (1 - power(self.beta2, t + 1))
        return self.eta * ratio(m_hat, sqrt(v_hat + self.eps_root) + self.eps), m, v


class amsgrad(Rule):
    r"""AMSGrad: Adam without its corrections, divided by the largest v so far.

    :math:`s_t=\max(s_{t-1},v_t)` and :math:`w_{t+1}=w_t-\eta\,m_t/(\sqrt{s_t}+\varepsilon)`.

    Parameters
    ----------
    eta : float or schedule
        The step length, in the unit of w.
    beta1, beta2 : float or schedule
        What remains of the gradients' and the squares' memory after one step, in [0, 1).
    eps : float or schedule
        Added to the root, in the unit of the gradient; 0 in the paper.

    Notes
    -----
    Invariances as for :class:`adagrad`.
    PyTorch's ``Adam(amsgrad=True)`` corrects m and the largest v: give ``eta`` as
    :class:`normgd.schedules.corrected` and ``eps`` as ``lambda t: 1e-8 * (1 - beta2**(t+1))**0.5``.
    Optax's ``amsgrad`` takes the largest *corrected* v, which is a different rule; with
    ``bias_correction_mu=False, bias_correction_nu=False`` it is this one, with ``eps=1e-8``.

    Reddi, Kale, Kumar, ICLR 2018, arXiv:1904.09237, Algorithm 2.
    """

    eta: Rate = 0.001
    beta1: Rate = 0.9
    beta2: Rate = 0.999
    eps: Rate = 0.0

    def __call__(self, g: Array, m: Array, v: Array, s: Array) -> tuple[Array, ...]:
        m = self.beta1 * m + (1 - self.beta1) * g
        v = self.beta2 * v + (1 - self.beta2) * (g * g)
        s = maximum(s, v)
        return self.eta * ratio(m, sqrt(s) + self.eps), m, v, s


class nadam(Rule):
    r"""NAdam: Adam with Nesterov's look-ahead in :math:`\hat m`.

    .. math::
        \hat m_t=\frac{\mu_{t+1}m_t}{1-\mu_0\cdots\mu_{t+1}}
        +\frac{(1-\mu_t)\,g_t}{1-\mu_0\cdots\mu_t},\qquad
        \mu_t=\beta_1\,(1-\omega\,0.96^{(t+1)/250}).

    Parameters
    ----------
    eta : float or schedule
        The step length, in the unit of w.
    beta1, beta2 : float or schedule
        What remains of the gradients' and the squares' memory after one step, in [0, 1).
    eps : float or schedule
        Added to the root, in the unit of the gradient.
    warmup : float
        ω: the share of β₁ that is still missing at the first step.

    Notes
    -----
    Invariances as for :class:`adagrad`.  Optax's ``nadam`` has no warm-up, as here by default;
    PyTorch's ``NAdam``, like the paper's experiments, has ``warmup=0.5``.

    Dozat, ICLR 2016 workshop, *Incorporating Nesterov Momentum into Adam*, Algorithm 2.
    """

    eta: Rate = 0.002
    beta1: Rate = 0.9
    beta2: Rate = 0.999
    eps: Rate = 1e-8
    warmup: Rate = 0.0
    letters: ClassVar = {"mu_next": r"\mu_{t+1}", "q_next": "q_{t+1}"}

    def __call__(self, g: Array, m: Array, v: Array, q: Array, t: Any) -> tuple[Array, ...]:
        mu = self.beta1 * (1 - self.warmup * 0.96 ** ((t + 1) / 250))
        mu_next = self.beta1 * (1 - self.warmup * 0.96 ** ((t + 2) / 250))
        q = 1 - mu * (1 - q)  # one less the product of all mu
        q_next = 1 - mu_next * (1 - q)
        m = self.beta1 * m + (1 - self.beta1) * g
        v = self.beta2 * v + (1 - self.beta2) * (g * g)
        m_hat = mu_next * m / q_next + (1 - mu) * g / q
        v_hat = v / (1 - power(self.beta2, t + 1))
        return self.eta * ratio(m_hat, sqrt(v_hat) + self.eps), m, v, q


# --------------------------------------------------------------- by layers and matrices


class lars(Rule):
    r"""LARS: :math:`m_t=\beta m_{t-1}+\gamma\|w_l\|\,d_l/\|d_l\|` for each layer, d = g + λw.

    Parameters
    ----------
    gamma : float or schedule
        The length of a step as a multiple of ‖w‖, without momentum: no unit.
    beta : float or schedule
        What remains of the memory after one step, in [0, 1).
    decay : float or schedule
        λ, in the unit of J / w².
    blocks : sequence of ints or shapes, optional
        The layers' sizes in the order of the coordinates; one layer if not given.
    at_zero : float
        As for :class:`Trust`.

    Notes
    -----
    Equal to ``WeightDecay(decay) >> Trust(blocks, at_zero) >> gd(gamma) >> Momentum(beta)``.  With
    λ = 0 the iterates do not change under J → cJ and follow :math:`w_l=s_lz_l` layer by layer; they
    do change under translations.  The paper's product of learning rate and trust coefficient is γ;
    it divides by ‖g‖ + λ‖w‖, where this and Optax's ``lars`` have ‖g + λw‖.  With
    ``trust_coefficient=1`` that is this with ``at_zero=1``; with its default, 0.001, a block at 0
    steps 1,000 times as far.

    You, Gitman, Ginsburg, arXiv:1708.03888, Algorithm 1.
    """

    gamma: Rate
    beta: Rate = 0.9
    decay: Rate = 0.0
    blocks: Blocks = None
    at_zero: Rate = 0.0

    def __call__(self, g: Array, m: Array, w: Array) -> tuple[Array, Array]:
        d = g + self.decay * w
        m = self.beta * m + self.gamma * Trust(self.blocks, self.at_zero)(d, w)
        return m, m


class lamb(Rule):
    r"""LAMB: Adam's direction d plus λw, as long as γ‖w‖ in each layer.

    Parameters
    ----------
    gamma : float or schedule
        The length of a step as a multiple of ‖w‖: no unit.
    beta1, beta2 : float or schedule
        What remains of the gradients' and the squares' memory after one step, in [0, 1).
    eps : float or schedule
        Added to the root, in the unit of the gradient.
    decay : float or schedule
        λ, in the unit of 1 / w.
    blocks : sequence of ints or shapes, optional
        The layers' sizes in the order of the coordinates; one layer if not given.
    at_zero : float
        As for :class:`Trust`.

    Notes
    -----
    Equal to ``adam(1, beta1, beta2, eps) >> WeightDecay(decay) >> Trust(blocks, at_zero) >>
    gd(gamma)``.
    The paper's φ is the identity here.  Optax's ``lamb`` has ``at_zero=1``.

    You et al., ICLR 2020, arXiv:1904.00962, Algorithm 2.
    """

    gamma: Rate
    beta1: Rate = 0.9
    beta2: Rate = 0.999
    eps: Rate = 1e-6
    decay: Rate = 0.0
    blocks: Blocks = None
    at_zero: Rate = 0.0

    def __call__(self, g: Array, m: Array, v: Array, w: Array, t: Any) -> tuple[Array, ...]:
        d, m, v = adam(1.0, self.beta1, self.beta2, self.eps)(g, m, v, t)
        return self.gamma * Trust(self.blocks, self.at_zero)(d + self.decay * w, w), m, v


class muon(Rule):
    r"""Muon: each matrix steps η along nearly the polar factor of its momentum.

    :math:`m_t=\beta m_{t-1}+(1-\beta)g_t`, then :func:`newton_schulz`.

    Parameters
    ----------
    eta : float or schedule
        The step length in the spectral norm, roughly, in the unit of w.
    blocks : sequence of shapes
        The matrices' shapes, in the order of the coordinates, rows first; as for :class:`Polar`.
    beta : float or schedule
        What remains of the memory after one step, in [0, 1).
    iterations : int
        How often Newton-Schulz iterates.

    Notes
    -----
    For constant β equal to ``Momentum(beta) >> NewtonSchulz(blocks, iterations) >> gd(eta)``, since
    the length of m cancels;
    with Nesterov's momentum write :class:`Nesterov`, with the exact polar factor :class:`Polar`.
    PyTorch and Optax use Nesterov's unless told otherwise: PyTorch's is :class:`Nesterov`, Optax's
    corrects the biases of m and g as :class:`nadam` does.
    The iterates do not change under J → cJ, nor under w = sz if η → η/s, and they follow when a
    matrix is multiplied by orthogonal matrices.
    Optax's ``contrib.muon`` multiplies by :math:`\sqrt{\max(1,n/m)}`, PyTorch's ``Muon`` by
    :math:`\sqrt{\max(1,m/n)}` for m rows and n columns; PyTorch iterates in bfloat16 and
    has a weight decay of 0.1.

    Jordan et al. (2024), https://kellerjordan.github.io/posts/muon/.
    """

    eta: Rate
    blocks: Blocks
    beta: Rate = 0.95
    iterations: int = 5

    def __call__(self, g: Array, m: Array) -> tuple[Array, Array]:
        m = self.beta * m + (1 - self.beta) * g
        return self.eta * NewtonSchulz(self.blocks, self.iterations)(m), m


# ----------------------------------------------------- with values and measured curvature


class polyak(Rule):
    r"""Polyak's step: along the unit gradient, as long as :math:`\max(J(w_t)-J^*,\,0)/\|g_t\|`.

    Parameters
    ----------
    J_star : float
        The lowest value of J, in its unit.  Where J falls below it the rule stays.

    Notes
    -----
    No learning rate, but J* must be known.  Rotations and translations carry the iterates along;
    they do not change under w = sz, nor under J → cJ + b if J* → cJ* + b.  ``polyak() >> gd(c)``
    takes a multiple of the step.
    Optax's ``polyak_sgd`` takes no step size above ``max_learning_rate=1`` and no step where
    ‖g‖² ≤ 2.2e-16, and with its default variant it may step uphill where J < J*.

    Polyak, USSR Comput. Math. Math. Phys. 9 (1969) 14-29, doi:10.1016/0041-5553(69)90061-5.
    """

    J_star: Rate = 0.0

    def __call__(self, g: Array, w: Array, J: Any) -> Array:
        return ratio(maximum(J(w) - self.J_star, 0.0), norm(g)) * unit(g)


class line_search(Rule):
    r"""Backtracking: the first of α, τα, τ²α, ... with :math:`J(w-ag)\le J(w)-c_1a\|g\|^2`.

    Parameters
    ----------
    alpha : float or schedule
        The first size that the first step tries, in the unit of w² / J.
    c1 : float or schedule
        Which share of the decrease that the slope promises is asked for, in [0, 1).
    shrink : float or schedule
        τ, the factor after a refusal, in [0, 1).
    grow : float or schedule
        The first size that a later step tries, as a multiple of the last one taken; at least 1.

    Notes
    -----
    ``g`` must be the gradient of J at w, so it cannot follow another piece.  It gives up where the
    trial no longer differs from w.  A trial outside the domain of J (NaN) is refused.
    Rotations and translations carry the iterates along; under J → cJ they do not change if
    α → α/c, and under w = sz if α → α/s².
    It branches on values, so it cannot be traced to symbols or compiled.
    Optax's ``scale_by_backtracking_linesearch`` has ``shrink=0.8, grow=1.5``, ``alpha=grow``, and
    tries no size above ``max_learning_rate=1``.

    Armijo, Pacific J. Math. 16 (1966) 1-3; Nocedal, Wright, Numerical Optimization, 2nd ed.,
    Springer 2006, Algorithm 3.1.
    """

    alpha: Rate = 1.0
    c1: Rate = 1e-4
    shrink: Rate = 0.5
    grow: Rate = 2.0

    def __call__(self, g: Array, a: Array, w: Array, J: Any, t: Any) -> tuple[Array, Array]:
        if is_symbolic(g):
            raise TypeError("it branches on values: how often it shrinks is not known beforehand")
        value, n = J(w), norm(g)
        grown = minimum(self.grow * a, np.finfo(n.dtype).max)  # shrinking infinity would never end
        a = where(equal(t, 0), self.alpha, where(equal(n, 0.0), a, grown))
        while True:
            trial = w - a * g
            enough = J(trial) <= value - self.c1 * a * n * n
            refused = ~enough & np.isfinite(n) & (trial != w).any(axis=0)
            if not refused.any():
                return a * g, a
            a = where(refused, self.shrink * a, a)


class barzilai_borwein(Rule):
    r"""Barzilai and Borwein's long step: :math:`\alpha_t=\langle s,s\rangle/\langle s,y\rangle`.

    s is the last displacement of w and y that of the gradient: α is one over the curvature that
    the last step met.  Where it met none, :math:`\langle s,y\rangle\le0`, α stays what it was.

    Parameters
    ----------
    alpha : float or schedule
        The size of the first step, in the unit of w² / J.

    Notes
    -----
    Computed as :math:`\|s\|/(\|y\|\cos\theta)`, θ the angle between s and y, which is the same and
    does not underflow: the memories are α, the length and direction of −s, and the last gradient.
    On a strictly convex quadratic it converges from every start, though not monotonically:
    Raydan, IMA J. Numer. Anal. 13 (1993) 321-326, doi:10.1093/imanum/13.3.321.
    Rotations and translations carry the iterates along; under J → cJ they do not change if
    α → α/c, and under w = sz if α → α/s².

    Barzilai, Borwein, IMA J. Numer. Anal. 8 (1988) 141-148, doi:10.1093/imanum/8.1.141,
    equation (6).
    """

    alpha: Rate
    letters: ClassVar = {
        "a": r"\alpha_@", "last": "g_@", "cosine": r"\cos\theta_@", "measured": r"\alpha'_@",
    }  # fmt: skip

    def __call__(
        self, g: Array, a: Array, s: Array, u: Array, last: Array, t: Any
    ) -> tuple[Array, ...]:
        y = last - g
        cosine = dot(u, unit(y))
        measured = ratio(ratio(s, norm(y)), cosine)
        a = where(equal(t, 0), self.alpha, where(less(0.0, cosine), measured, a))
        return a * g, a, norm(a * g), unit(g), g


class barzilai_borwein_short(Rule):
    r"""Barzilai and Borwein's short step: :math:`\alpha_t=\langle s,y\rangle/\langle y,y\rangle`.

    Parameters
    ----------
    alpha : float or schedule
        The size of the first step, in the unit of w² / J.

    Notes
    -----
    As :class:`barzilai_borwein`, their equation (5): computed as :math:`\|s\|\cos\theta/\|y\|`,
    never longer than the long step.
    """

    alpha: Rate
    letters: ClassVar = {
        "a": r"\alpha_@", "last": "g_@", "cosine": r"\cos\theta_@", "measured": r"\alpha'_@",
    }  # fmt: skip

    def __call__(
        self, g: Array, a: Array, s: Array, u: Array, last: Array, t: Any
    ) -> tuple[Array, ...]:
        y = last - g
        cosine = dot(u, unit(y))
        measured = ratio(s, norm(y)) * cosine
        a = where(equal(t, 0), self.alpha, where(less(0.0, cosine), measured, a))
        return a * g, a, norm(a * g), unit(g), g


# ------------------------------------------------------------ with the distance travelled
# Each keeps p = w_0 - w, the sum of its steps, instead of w_0: the difference of two nearby
# positions would lose the digits of the first, tiny steps.


class dog(Rule):
    r"""Distance over gradients: :math:`w_{t+1}=w_t-\gamma\,\bar r_t\,g_t/\sqrt{v_t}`.

    :math:`\bar r_t=\max(r_\varepsilon,\max_{i\le t}\|w_i-w_0\|)`,
    :math:`v_t=\sum_{i\le t}\|g_i\|^2`.

    Parameters
    ----------
    gamma : float or schedule
        A multiple: 1 in the paper.
    r_eps : float
        The length of the first step, in the unit of w.  The paper takes 1e-6 (1 + ‖w₀‖).
    eps_root : float
        Added under the root, in the unit of the squared gradient; 1e-8 in the authors' code.

    Notes
    -----
    Rotations and translations carry the iterates along; they do not change under J → cJ, nor under
    w = sz if r_ε → r_ε/s.  The theory is about averaged iterates.
    Optax's ``contrib.dog`` has ``eps_root=1e-8`` and the paper's r_ε.

    Ivgi, Hinder, Carmon, ICML 2023, arXiv:2302.12022, section 2.
    """

    gamma: Rate = 1.0
    r_eps: Rate = 1e-6
    eps_root: Rate = 0.0
    letters: ClassVar = {"step": r"\Delta_@"}

    def __call__(self, g: Array, r: Array, v: Array, p: Array) -> tuple[Array, ...]:
        r = maximum(r, self.r_eps)
        v = v + dot(g, g)
        step = self.gamma * ratio(r, sqrt(v + self.eps_root)) * g
        p = p + step
        r = maximum(r, norm(p))
        return step, r, v, p


class dowg(Rule):
    r"""Distance over weighted gradients: :math:`w_{t+1}=w_t-\gamma\,\bar r_t^2\,g_t/\sqrt{v_t}`.

    :math:`\bar r_t` as in :class:`dog`, and :math:`v_t=\sum_{i\le t}\bar r_i^2\|g_i\|^2`.

    Parameters
    ----------
    gamma : float or schedule
        A multiple: 1 in the paper.
    r_eps : float
        The length of the first step, in the unit of w.
    eps : float
        Added to the root, in the unit of J.

    Notes
    -----
    Invariances as for :class:`dog`.  Optax's ``contrib.dowg`` has ``r_eps=1e-2`` (it names the
    square, 1e-4) and ``eps=1e-4``.

    Khaled, Mishchenko, Jin, NeurIPS 2023, arXiv:2305.16284, Algorithm 1.
    """

    gamma: Rate = 1.0
    r_eps: Rate = 1e-6
    eps: Rate = 0.0
    letters: ClassVar = {"step": r"\Delta_@"}

    def __call__(self, g: Array, r: Array, v: Array, p: Array) -> tuple[Array, ...]:
        r = maximum(r, self.r_eps)
        v = v + r * r * dot(g, g)
        step = self.gamma * ratio(r * r, sqrt(v) + self.eps) * g
        p = p + step
        r = maximum(r, norm(p))
        return step, r, v, p


class dadapt(Rule):
    r"""D-Adaptation, by dual averaging: :math:`w_{t+1}=w_0-s_{t+1}/\sqrt{v_t}`.

    :math:`s_{t+1}=s_t+d_tg_t` and :math:`v_t=\sum_{i\le t}\|g_i\|^2`, where :math:`d_t` is a lower
    bound on the distance from :math:`w_0` to a minimiser, if d₀ is one, J is convex and the
    gradients are exact,

    .. math:: d_{t+1}=\max\Bigl(d_t,\frac{\|s_{t+1}\|^2/\sqrt{v_t}
        -\sum_{i\le t}d_i^2\|g_i\|^2/\sqrt{v_{i-1}}}{2\|s_{t+1}\|}\Bigr),\qquad v_{-1}=v_0.

    Parameters
    ----------
    d0 : float
        The first bound, in the unit of w.

    Notes
    -----
    Rotations and translations carry the iterates along; they do not change under J → cJ, nor under
    w = sz if d₀ → d₀/s.  The theory is about averaged iterates.

    Defazio, Mishchenko, ICML 2023, arXiv:2301.07733, Algorithm 1.
    """

    d0: Rate = 1e-6

    def __call__(
        self, g: Array, d: Array, s: Array, v: Array, q: Array, p: Array
    ) -> tuple[Array, ...]:
        d, old = maximum(d, self.d0), v
        v = v + dot(g, g)
        q = q + d * d * norm(g) * ratio(norm(g), sqrt(where(equal(old, 0.0), v, old)))
        s = s + d * g
        d = maximum(d, ratio(norm(s), 2 * sqrt(v)) - ratio(q, 2 * norm(s)))
        new = ratio(s, sqrt(v))
        return new - p, d, s, v, q, new


class dadapt_adam(Rule):
    r"""D-Adaptation of Adam: gradients are weighted by the distance as known when they came.

    With :math:`\delta_t=\gamma\,d_t\sqrt{1-\beta_2^{t+1}}/(1-\beta_1^{t+1})`, by coordinate:
    :math:`m_t=\beta_1m_{t-1}+(1-\beta_1)\delta_tg_t`, v as in :class:`adam`, and
    :math:`w_{t+1}=w_t-m_t/(\sqrt{v_t}+\varepsilon)`; the estimate of the distance is
    :math:`d_{t+1}=\max(d_t,r_t/((1-\sqrt{\beta_2})\|s_t\|_1))` with :math:`s_t` the average of
    :math:`\delta_tg_t` and :math:`r_t` that of :math:`\delta_t\langle g_t,s_{t-1}/(\sqrt{v_{t-1}}
    +\varepsilon)\rangle`, both with :math:`\sqrt{\beta_2}`.

    Parameters
    ----------
    gamma : float or schedule
        A multiple: 1 in the paper.
    d0 : float
        The first estimate, in the unit of w.
    beta1, beta2 : float or schedule
        What remains of the gradients' and the squares' memory after one step, in [0, 1).
    eps : float or schedule
        Added to the root, in the unit of the gradient.

    Notes
    -----
    The estimate is no bound, as it is in :class:`dadapt`: the moving averages void the proof, and
    on ‖w‖ from a distance of 0.5 with d₀ = 0.01 it grows to 0.95.
    Equal to Optax's ``contrib.dadapt_adamw`` without weight decay.  The iterates do not change
    under J → cJ, nor under w = sz if d₀ → d₀/s; they do change under rotations.

    Defazio, Mishchenko, ICML 2023, arXiv:2301.07733, Algorithm 5.
    """

    gamma: Rate = 1.0
    d0: Rate = 1e-6
    beta1: Rate = 0.9
    beta2: Rate = 0.999
    eps: Rate = 1e-8
    letters: ClassVar = {"weighted": "h_@", "slope": r"\sigma_@", "beta3": r"\beta_3"}

    def __call__(
        self, g: Array, d: Array, m: Array, v: Array, s: Array, r: Array, t: Any
    ) -> tuple[Array, ...]:
        d, beta3 = maximum(d, self.d0), sqrt(self.beta2)
        weighted = self.gamma * d * _correction(self.beta1, self.beta2, t) * g
        slope = total(weighted * ratio(s, sqrt(v) + self.eps))
        m = self.beta1 * m + (1 - self.beta1) * weighted
        v = self.beta2 * v + (1 - self.beta2) * (g * g)
        s = beta3 * s + (1 - beta3) * weighted
        r = beta3 * r + (1 - beta3) * slope
        d = maximum(d, ratio(r, (1 - beta3) * total(absolute(s))))
        return ratio(m, sqrt(v) + self.eps), d, m, v, s, r


class prodigy(Rule):
    r"""Prodigy: Adam's step, as long as an estimate :math:`d_t` of the distance to a minimiser.

    With :math:`\delta_t=\gamma\,d_t\sqrt{1-\beta_2^{t+1}}/(1-\beta_1^{t+1})`, by coordinate:
    :math:`m_t=\beta_1m_{t-1}+(1-\beta_1)d_tg_t`,
    :math:`v_t=\beta_2v_{t-1}+(1-\beta_2)d_t^2g_t^2` and
    :math:`w_{t+1}=w_t-\delta_tm_t/(\sqrt{v_t}+d_{t+1}\varepsilon)`; the estimate is
    :math:`d_{t+1}=\max(d_t,r_t/\|s_t\|_1)` with
    :math:`s_t=\sqrt{\beta_2}s_{t-1}+\delta_td_tg_t` and
    :math:`r_t=\sqrt{\beta_2}r_{t-1}+\delta_td_t\langle g_t,w_0-w_t\rangle`.

    Parameters
    ----------
    gamma : float or schedule
        A multiple: 1 in the paper.
    d0 : float
        The first estimate, in the unit of w.
    beta1, beta2 : float or schedule
        What remains of the gradients' and the squares' memory after one step, in [0, 1).
    eps : float or schedule
        Added to the root, in the unit of the gradient.

    Notes
    -----
    Equal to Optax's ``contrib.prodigy`` without weight decay.  Invariances as for
    :class:`dadapt_adam`.

    Mishchenko, Defazio, ICML 2024, arXiv:2306.06101, Algorithm 4.
    """

    gamma: Rate = 1.0
    d0: Rate = 1e-6
    beta1: Rate = 0.9
    beta2: Rate = 0.999
    eps: Rate = 1e-8
    letters: ClassVar = {"step": r"\Delta_@", "beta3": r"\beta_3"}

    def __call__(
        self, g: Array, d: Array, m: Array, v: Array, s: Array, r: Array, p: Array, t: Any
    ) -> tuple[Array, ...]:
        d, beta3 = maximum(d, self.d0), sqrt(self.beta2)
        delta = self.gamma * d * _correction(self.beta1, self.beta2, t)
        m = self.beta1 * m + (1 - self.beta1) * (d * g)
        v = self.beta2 * v + (1 - self.beta2) * (d * g * (d * g))
        s = beta3 * s + delta * d * g
        r = beta3 * r + delta * d * dot(g, p)
        d = maximum(d, ratio(r, total(absolute(s))))
        step = delta * ratio(m, sqrt(v) + d * self.eps)
        return step, d, m, v, s, r, p + step


def _correction(beta1: Any, beta2: Any, t: Any) -> Any:
    """Return Adam's two bias corrections as one factor."""
    return sqrt(1 - power(beta2, t + 1)) / (1 - power(beta1, t + 1))


__all__ = [  # noqa: RUF022 (the order of the file)
    "Average", "Clip", "ClipEach", "Greedy", "Momentum", "Nesterov", "NewtonSchulz", "Polar",
    "Sign", "Trust", "Unit", "WeightDecay",
    "gd", "ngd", "sign", "clipped",
    "momentum", "nesterov", "normalized_momentum", "lion",
    "adagrad", "adagrad_norm", "rmsprop", "rmsprop_norm", "adadelta", "adam", "amsgrad", "nadam",
    "lars", "lamb", "muon",
    "polyak", "line_search", "barzilai_borwein", "barzilai_borwein_short",
    "dog", "dowg", "dadapt", "dadapt_adam", "prodigy",
]  # fmt: skip
