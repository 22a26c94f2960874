"""The rules once more, in plain Python: lists and floats, no NumPy, nothing of the library.

Each takes the gradients and the iterates of all steps so far and returns the last step, where it
can as a sum over the whole past instead of a recursion.
"""

import itertools
import math

from hypothesis import reject


def length(g):
    return math.sqrt(sum(s * s for s in g))


def over(a, b):
    return a / b if b else 0.0


def direction(g):
    return [over(s, length(g)) for s in g]


def signs(g):
    return [(s > 0) - (s < 0) for s in g]


def each(formula, *vectors):
    return [formula(*items) for items in zip(*vectors, strict=True)]


def decaying(beta, gs, formula=lambda s: s):
    """The sum of beta^k formula(g_{t-k}), coordinate by coordinate."""
    return [
        sum(beta**k * formula(s) for k, s in enumerate(reversed(column)))
        for column in zip(*gs, strict=True)
    ]


def averaged(beta, gs, formula=lambda s: s):
    return [(1 - beta) * s for s in decaying(beta, gs, formula)]


def corrected(beta, gs, formula=lambda s: s):
    weights = sum(beta**k for k in range(len(gs)))
    return [s / weights for s in decaying(beta, gs, formula)]


def square(s):
    return s * s


def inner(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def minus(a, b):
    return each(lambda x, y: x - y, a, b)


def times(a, g):
    return [a * s for s in g]


def bowl(w):
    """The landscape of the tables: ‖w‖²/2."""
    return sum(map(square, w)) / 2


# ------------------------------------------------------------------------------- memoryless


def greedy(g):
    largest = max(map(abs, g))
    first = [abs(s) for s in g].index(largest)
    return [signs(g)[i] if i == first else 0.0 for i in range(len(g))]


def clip(c, g):
    return g if length(g) <= c else times(c, direction(g))


def clipped(alpha, eta, g):
    return times(alpha, g) if alpha * length(g) <= eta else times(eta, direction(g))


def blockwise(formula, sizes, *vectors):
    step, first = [], 0
    for size in sizes:
        step += formula(*(v[first : first + size] for v in vectors))
        first += size
    return step


def trust(sizes, at_zero, g, w):
    def one(g, w):
        return times(length(w), direction(g)) if length(w) * length(g) else times(at_zero, g)

    return blockwise(one, sizes, g, w)


def product(A, B):
    return [[inner(row, column) for column in zip(*B, strict=True)] for row in A]


def transposed(A):
    return [list(column) for column in zip(*A, strict=True)]


def quintic(iterations, X):
    for _ in range(iterations):
        A = product(X, transposed(X))
        AX = product(A, X)
        AAX = product(A, AX)
        X = [
            [3.4445 * x - 4.775 * y + 2.0315 * z for x, y, z in zip(*rows, strict=True)]
            for rows in zip(X, AX, AAX, strict=True)
        ]
    return X


def newton_schulz(iterations, g):
    """Of a matrix of two rows and two columns, then of a column of two."""
    u, v = direction(g[:4]), direction(g[4:])
    X = quintic(iterations, [u[:2], u[2:]])
    return X[0] + X[1] + [s for (s,) in quintic(iterations, [[s] for s in v])]


def polar(g):
    """As above, in closed form: G + sign(det G) cof G, over the sum of the singular values."""
    (a, b, c, d), column = g[:4], g[4:]
    det = a * d - b * c
    size = square(length(g[:4]))
    if 0 < abs(det) < 1e-3 * size:
        reject()  # the direction of the short singular vectors is then lost to rounding
    s = (det > 0) - (det < 0)
    root = math.sqrt(size + 2 * abs(det))
    return [over(x, root) for x in (a + s * d, b - s * c, c - s * b, d + s * a)] + direction(column)


# -------------------------------------------------------------------------------- memories


def nesterov(beta, gs):
    return each(lambda g, m: g + beta * m, gs[-1], decaying(beta, gs))


def lion(beta1, beta2, gs):
    m = averaged(beta2, gs[:-1]) if gs[:-1] else [0.0] * len(gs[-1])
    return signs(each(lambda m, g: beta1 * m + (1 - beta1) * g, m, gs[-1]))


def adagrad(eps, eps_root, gs):
    v = decaying(1, gs, square)
    return each(lambda g, v: over(g, math.sqrt(v + eps_root) + eps), gs[-1], v)


def adagrad_norm(eps_root, gs):
    v = sum(square(length(g)) for g in gs)
    return [over(s, math.sqrt(v + eps_root)) for s in gs[-1]]


def rmsprop(rho, eps, eps_root, gs):
    v = averaged(rho, gs, square)
    return each(lambda g, v: over(g, math.sqrt(v + eps_root) + eps), gs[-1], v)


def rmsprop_norm(rho, gs):
    (v,) = averaged(rho, [[length(g)] for g in gs], square)
    return [over(s, math.sqrt(v)) for s in gs[-1]]


def adadelta(rho, eps, gs):
    steps = []
    for t, g in enumerate(gs):
        v = averaged(rho, gs[: t + 1], square)
        u = averaged(rho, steps, square) if steps else [0.0] * len(g)
        steps.append(each(lambda g, u, v: g * math.sqrt((u + eps) / (v + eps)), g, u, v))
    return steps[-1]


def adam(beta1, beta2, eps, eps_root, gs):
    m, v = corrected(beta1, gs), corrected(beta2, gs, square)
    return each(lambda m, v: over(m, math.sqrt(v + eps_root) + eps), m, v)


def amsgrad(beta1, beta2, eps, gs):
    so_far = [averaged(beta2, gs[: t + 1], square) for t in range(len(gs))]
    largest = [max(column) for column in zip(*so_far, strict=True)]
    return each(lambda m, s: over(m, math.sqrt(s) + eps), averaged(beta1, gs), largest)


def nadam(beta1, beta2, eps, warmup, gs):
    mu = [beta1 * (1 - warmup * 0.96 ** (k / 250)) for k in range(1, len(gs) + 2)]
    now, then = 1 - math.prod(mu[:-1]), 1 - math.prod(mu)
    m, v = averaged(beta1, gs), corrected(beta2, gs, square)
    return each(
        lambda g, m, v: over(mu[-1] * m / then + (1 - mu[-2]) * g / now, math.sqrt(v) + eps),
        gs[-1], m, v,
    )  # fmt: skip


# ---------------------------------------------------------------------- layers, and matrices


def lars(gamma, beta, decay, sizes, gs, ws):
    pulled = [each(lambda s, x: s + decay * x, g, w) for g, w in zip(gs, ws, strict=True)]
    trusted = [trust(sizes, 0.0, d, w) for d, w in zip(pulled, ws, strict=True)]
    return times(gamma, decaying(beta, trusted))


def lamb(gamma, beta1, beta2, eps, decay, sizes, gs, ws):
    d = each(lambda s, x: s + decay * x, adam(beta1, beta2, eps, 0.0, gs), ws[-1])
    return times(gamma, trust(sizes, 0.0, d, ws[-1]))


# ---------------------------------------------------------------------------------- values


def polyak(J_star, g, w):
    return times(over(max(bowl(w) - J_star, 0.0), length(g)), direction(g))


def line_search(alpha, c1, shrink, grow, gs, ws):
    a = alpha / grow
    for g, w in zip(gs, ws, strict=True):
        if any(g) or a == alpha / grow:
            a *= grow
        while True:
            trial = minus(w, times(a, g))
            enough = bowl(trial) <= bowl(w) - c1 * a * square(length(g))
            if enough or trial == w:
                break
            a *= shrink
    return times(a, gs[-1])


def barzilai_borwein(alpha, quotient, gs):
    a = alpha
    for last, g in itertools.pairwise(gs):
        s, y = times(-a, last), minus(g, last)
        if any(s) and any(y) and abs(inner(s, y)) < 1e-3 * length(s) * length(y):
            reject()  # rounding decides whether there is curvature
        if inner(s, y) > 0:
            a = quotient(s, y)
    return times(a, gs[-1])


# -------------------------------------------------------------------------------- distances


def farthest(r_eps, ws):
    return [max([r_eps] + [length(minus(w, ws[0])) for w in ws[: t + 1]]) for t in range(len(ws))]


def dog(gamma, r_eps, eps_root, gs, ws):
    r = farthest(r_eps, ws)
    v = sum(square(length(g)) for g in gs)
    return times(gamma * over(r[-1], math.sqrt(v + eps_root)), gs[-1])


def dowg(gamma, r_eps, eps, gs, ws):
    r = farthest(r_eps, ws)
    v = sum(square(length(g) * s) for g, s in zip(gs, r, strict=True))
    return times(gamma * over(square(r[-1]), math.sqrt(v) + eps), gs[-1])


def dadapt(d0, gs, ws):
    d, penalty, s = d0, 0.0, [0.0] * len(gs[0])
    for t, g in enumerate(gs):
        before = math.sqrt(sum(square(length(g)) for g in gs[: max(t, 1)]))
        now = math.sqrt(sum(square(length(g)) for g in gs[: t + 1]))
        penalty += over(square(d * length(g)), before or now)
        s = each(lambda s, g, d=d: s + d * g, s, g)
        d = max(d, over(over(square(length(s)), now) - penalty, 2 * length(s)))
    return each(lambda w, w0, s: w - w0 + over(s, now), ws[-1], ws[0], s)


def bias(beta1, beta2, t):
    return math.sqrt(1 - beta2 ** (t + 1)) / (1 - beta1 ** (t + 1))


def dadapt_adam(gamma, d0, beta1, beta2, eps, gs):
    d, weighted, slopes = d0, [], []
    s, v = [0.0] * len(gs[0]), [0.0] * len(gs[0])
    for t, g in enumerate(gs):
        weighted.append(times(gamma * d * bias(beta1, beta2, t), g))
        towards = each(lambda s, v: over(s, math.sqrt(v) + eps), s, v)
        slopes.append([inner(weighted[-1], towards)])
        s = averaged(math.sqrt(beta2), weighted)
        v = averaged(beta2, gs[: t + 1], square)
        (r,) = averaged(math.sqrt(beta2), slopes)
        d = max(d, over(r, (1 - math.sqrt(beta2)) * sum(map(abs, s))))
    return each(lambda m, v: over(m, math.sqrt(v) + eps), averaged(beta1, weighted), v)


def prodigy(gamma, d0, beta1, beta2, eps, gs, ws):
    d, scaled, sums, slopes = d0, [], [], []
    for t, (g, w) in enumerate(zip(gs, ws, strict=True)):
        delta = gamma * d * bias(beta1, beta2, t)
        scaled.append(times(d, g))
        sums.append(times(delta * d, g))
        slopes.append([delta * d * inner(g, minus(ws[0], w))])
        s, (r,) = (decaying(math.sqrt(beta2), past) for past in (sums, slopes))
        d = max(d, over(r, sum(map(abs, s))))
    m, v = averaged(beta1, scaled), averaged(beta2, scaled, square)
    return each(lambda m, v: delta * over(m, math.sqrt(v) + d * eps), m, v)
