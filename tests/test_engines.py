"""The same formulas on the arrays of PyTorch and JAX: `make test-peers`."""

import dataclasses
import importlib
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import normgd as ng
from normgd import ops

pytestmark = pytest.mark.peers

GALLERY = Path(__file__).resolve().parent.parent / "gallery"


@pytest.fixture
def jax():
    """JAX with double precision switched on."""
    module = importlib.import_module("jax")
    with module.enable_x64(True):
        yield module


@pytest.fixture
def torch():
    module = importlib.import_module("torch")
    module.set_num_threads(1)  # for a handful of numbers
    return module


@pytest.fixture(params=["jax", "jax.jit", "torch"])
def engine(request):
    """An engine: how it makes an array and runs a function, and whether it knows subnormals."""
    module = request.getfixturevalue(request.param.removesuffix(".jit"))
    if request.param == "torch":
        return SimpleNamespace(name="torch", array=module.tensor, run=lambda f: f, subnormal=True)
    run = module.jit if request.param == "jax.jit" else lambda f: f
    # XLA takes subnormal numbers for 0 on a CPU, as arguments and as results.
    return SimpleNamespace(name="jax", array=module.numpy.asarray, run=run, subnormal=False)


floats = pytest.mark.parametrize("dtype", ["float64", "float32"])

# --------------------------------------------------------------------------- primitives


def numbers(dtype, subnormal):
    """Numbers of all sizes and both signs, and those that are special."""
    limits = np.finfo(dtype)
    some = np.random.default_rng(0).normal(size=100)
    sizes = 1.1 * 2.0 ** np.linspace(limits.minexp, limits.maxexp, 20, endpoint=False)
    special = [0, 0.5, 1, limits.tiny, limits.max, np.inf, np.nan]
    small = [limits.smallest_subnormal, limits.tiny / 3] if subnormal else []
    x = np.concatenate([some, sizes, special, small]).astype(dtype)
    return np.concatenate([x, -x])


def assert_numpys(engine, function, *arguments, ulps=4):
    """Run a function on NumPy and on an engine; compare to a few units in the last place."""
    with np.errstate(all="ignore"):
        ours = function(*arguments)
    theirs = engine.run(function)(*map(engine.array, arguments))
    assert ops.is_foreign(theirs)
    theirs = np.asarray(theirs)
    assert theirs.dtype == ours.dtype
    assert theirs.shape == ours.shape
    if ours.dtype == bool:
        assert np.array_equal(theirs, ours)
    else:
        limits = np.finfo(ours.dtype)
        lost = limits.smallest_subnormal if engine.subnormal else limits.tiny
        np.testing.assert_allclose(theirs, ours, rtol=ulps * limits.eps, atol=lost)


@floats
@pytest.mark.parametrize("name", "absolute cos exp log log1p sign sin sqrt tanh".split())
def test_a_function_of_one_argument_is_numpys(engine, name, dtype):
    # XLA's log1p is 100 ulps off near -0.4.
    ulps = 200 if (engine.name, name) == ("jax", "log1p") else 4
    assert_numpys(engine, getattr(ops, name), numbers(dtype, engine.subnormal), ulps=ulps)


@floats
@pytest.mark.parametrize("name", "equal less less_equal maximum minimum ratio dot".split())
def test_a_function_of_two_arguments_is_numpys(engine, name, dtype):
    a, b = np.meshgrid(x := numbers(dtype, engine.subnormal), x)
    assert_numpys(engine, getattr(ops, name), a[None], b[None])


@floats
@pytest.mark.parametrize(
    "formula",
    [
        lambda x: ops.maximum(x, 0.3),
        lambda x: ops.maximum(0.3, x),
        lambda x: ops.minimum(x, 0),
        lambda x: ops.where(ops.less(x, 0.3), x, 0.3),
        lambda x: ops.where(ops.less_equal(0.3, x), -0.0, x),
        lambda x: ops.where(ops.equal(x, 0), 1.0, x),
        lambda x: ops.where(ops.equal(1, 1), x, 2.0),
        lambda x: ops.where(1 > 2, x, 0.3),
        lambda x: ops.ratio(0.3, x),
        lambda x: ops.power(x, 5),
        lambda x: ops.power(x, 0),
        lambda x: ops.concatenate([x, 2 * x]),
        lambda x: ops.stack([x, 2 * x]),
    ],
)
def test_a_number_takes_the_type_of_the_array_beside_it(engine, formula, dtype):
    assert_numpys(engine, formula, numbers(dtype, engine.subnormal))


@floats
def test_the_power_of_a_counter_keeps_the_type_it_meets(jax, dtype):
    x = np.array([0.3, -2.0], dtype)
    steps = jax.numpy.arange(5)  # strongly typed, as the counter of a scan is
    times_power = lambda x, t: (x, x * ops.power(0.9, t))
    _, powers = jax.lax.scan(times_power, jax.numpy.asarray(x), steps)
    assert powers.dtype == dtype
    expected = [x * ops.power(0.9, t) for t in range(5)]
    np.testing.assert_allclose(powers, expected, rtol=4 * np.finfo(dtype).eps)


def vectors(dtype):
    """A batch of vectors, shape (3, n): random ones of all sizes, and hard ones."""
    limits, rng = np.finfo(dtype), np.random.default_rng(1)
    half = (limits.maxexp - 10) // 2
    sizes = 2.0 ** rng.integers(-half, half, size=(1, 200))
    random = rng.normal(size=(3, 200)) * sizes**2
    top, tiny, inf, nan = limits.max, limits.tiny, np.inf, np.nan
    hard = [
        [0, 0, 0], [-0.0, 0, 0], [top, 0, 0], [top, top, top], [-top, top / 3, 0],
        [top / 2, 1e9, 1],
        [tiny, 0, 0], [tiny, -tiny, tiny], [3 * tiny, 0, 4 * tiny], [top, tiny, 0],
        [inf, 0, 0], [-inf, inf, 1], [nan, 0, 0], [inf, nan, 0],
    ]  # fmt: skip
    return np.concatenate([random, np.transpose(hard)], axis=1).astype(dtype)


@floats
@pytest.mark.parametrize("name", ["norm", "unit"])
def test_norm_and_unit_neither_overflow_nor_underflow(engine, name, dtype):
    function = getattr(ops, name)
    assert_numpys(engine, function, vectors(dtype))
    for g in vectors(dtype).T[-20:]:  # XLA compiles a division by a single norm differently
        assert_numpys(engine, function, g)


@floats
def test_subnormal_vectors_have_a_direction_in_pytorch_and_are_0_in_jax(engine, dtype):
    g = np.array([3, -4], dtype) * np.finfo(dtype).smallest_subnormal
    theirs = np.asarray(engine.run(ops.unit)(engine.array(g)))
    expected = [0, 0] if not engine.subnormal else [0.6, -0.8]
    np.testing.assert_allclose(theirs, expected, rtol=4 * np.finfo(dtype).eps)


@floats
@pytest.mark.parametrize("d", [1, 2, 9, 1000])
def test_total_is_the_sum(engine, d, dtype):
    x = np.random.default_rng(d).uniform(1, 2, size=(d, 3)).astype(dtype)
    assert_numpys(engine, ops.total, x, ulps=20)


def test_integers_are_read_as_floats(engine):
    u = engine.run(ops.unit)(engine.array(np.array([3, -4])))
    np.testing.assert_allclose(np.asarray(u), [0.6, -0.8], rtol=1e-6)


@pytest.mark.parametrize(
    ("g", "error", "message"),
    [
        (3.0, ValueError, "g must have at least one coordinate"),
        ([], ValueError, "g must have at least one coordinate"),
        ([1j], TypeError, "g must be an array of real numbers"),
        ([True], TypeError, "g must be an array of real numbers"),
    ],
)
def test_what_is_no_vector_is_refused(engine, g, error, message):
    for function in (ops.norm, ops.unit):
        with pytest.raises(error, match=message):
            engine.run(function)(engine.array(np.array(g)))


def test_only_arrays_are_of_another_engine(jax, torch):
    seen = []
    for transform in (jax.jit, jax.vmap, lambda f: jax.grad(lambda x: f(x)[0])):
        transform(lambda x: (seen.append(ops.is_foreign(x)), x)[1])(jax.numpy.ones((1,)))
    arrays = [jax.numpy.ones(2), torch.ones(2), torch.nn.Parameter(torch.ones(2))]
    others = [1.0, np.ones(2), np.float64(1), [1], "torch", None, len, jax.jit(len), jax, float]
    others += [torch.nn.Linear(1, 1), torch.float32, torch.Tensor, ng.symbols.symbol("x")]
    assert all(seen)
    assert len(seen) == 3
    assert all(map(ops.is_foreign, arrays))
    assert not any(map(ops.is_foreign, others))


# -------------------------------------------------------------------------------- rules

BLOCKS = ((2, 2), 2)
EXAMPLES = {
    type(rule).__name__: rule
    for rule in (
        ng.Average(0.8), ng.Clip(2.0), ng.ClipEach(0.5), ng.Greedy(), ng.Momentum(0.8),
        ng.Nesterov(0.8), ng.NewtonSchulz(BLOCKS), ng.Polar(BLOCKS), ng.Sign(),
        ng.Trust(BLOCKS, 0.1), ng.Unit(), ng.WeightDecay(0.1),
        ng.gd(0.1), ng.ngd(0.1), ng.sign(0.1), ng.clipped(0.1, 0.2),
        ng.momentum(0.1), ng.nesterov(0.1), ng.normalized_momentum(0.1), ng.lion(0.1),
        ng.adagrad(0.1), ng.adagrad_norm(0.1), ng.rmsprop(0.1), ng.rmsprop_norm(0.1),
        ng.adadelta(), ng.adam(0.1), ng.amsgrad(0.1), ng.nadam(0.1, warmup=0.5),
        ng.lars(0.1, decay=0.1, blocks=BLOCKS), ng.lamb(0.1, decay=0.1, blocks=BLOCKS),
        ng.muon(0.1, BLOCKS), ng.polyak(0.5), ng.line_search(0.1), ng.barzilai_borwein(0.1),
        ng.barzilai_borwein_short(0.1), ng.dog(), ng.dowg(), ng.dadapt(), ng.dadapt_adam(),
        ng.prodigy(),
    )
}  # fmt: skip
# Rules for NumPy's arrays only, and why.
NUMPY_ONLY = {"Polar": "its SVD is NumPy's", "line_search": "it branches on values"}
STEPS = 20


def test_every_rule_of_the_library_is_tested_here():
    assert set(EXAMPLES) == {
        name for name in ng.rules.__all__ if isinstance(getattr(ng, name), type)
    }
    assert NUMPY_ONLY.keys() <= EXAMPLES.keys()


def each_rule(*, with_a_rate=False):
    """Run a test for every rule; or for every one that has a rate, with that rate's name."""
    names = [name for name in EXAMPLES if name not in NUMPY_ONLY]
    if not with_a_rate:
        return pytest.mark.parametrize("name", names)
    rates = [(name, rate) for name in names for rate in list(EXAMPLES[name].rates())[:1]]
    return pytest.mark.parametrize(("name", "rate"), rates)


def J(w):
    """A landscape that every engine can evaluate."""
    return ops.dot(w, w) + ops.total(ops.absolute(w))


def recorded(dtype="float64"):
    """Gradients and iterates of three runs, each of shape (STEPS, 6, 3)."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, STEPS, 6, 3)).astype(dtype)


def run(rule, gs, ws):
    """Feed recorded gradients to a rule; return its steps and its last memory."""
    steps, memory = [], rule.start()
    for t, (g, w) in enumerate(zip(gs, ws, strict=True)):
        step, memory = rule.step(g, memory, t, w=w, J=J)
        steps.append(step)
    return steps, memory


def assert_close(theirs, ours, rtol=1e-12):
    """Compare steps, relative to the longest step."""
    ours = np.array(ours)
    np.testing.assert_allclose(np.array(theirs), ours, rtol=rtol, atol=rtol * np.abs(ours).max())


@each_rule()
@pytest.mark.parametrize("kind", ["jax", "torch"])
def test_a_rule_on_another_engine_is_the_rule_on_numpy(name, kind, request):
    array = {"jax": lambda m: m.numpy.asarray, "torch": lambda m: m.tensor}[kind](
        request.getfixturevalue(kind)
    )
    rule, (gs, ws) = EXAMPLES[name], recorded()
    theirs, _ = run(rule, list(map(array, gs)), list(map(array, ws)))
    assert all(map(ops.is_foreign, theirs))
    assert_close(theirs, run(rule, gs, ws)[0])


@each_rule()
@pytest.mark.parametrize("kind", ["jax", "torch"])
def test_single_precision_stays_single(name, kind, request):
    module = request.getfixturevalue(kind)
    rule, (gs, ws) = EXAMPLES[name], recorded("float32")
    if kind == "torch":
        theirs, memory = run(rule, list(map(module.tensor, gs)), list(map(module.tensor, ws)))
    else:
        with module.enable_x64(False):
            array = module.numpy.asarray
            theirs, memory = run(rule, list(map(array, gs)), list(map(array, ws)))
    assert {str(x.dtype).removeprefix("torch.") for x in theirs} == {"float32"}
    arrays = [x for x in memory if ops.is_foreign(x)]
    assert {str(x.dtype).removeprefix("torch.") for x in arrays} <= {"float32"}
    assert_close(theirs, run(rule, *recorded())[0], rtol=1e-4)


def scan(jax, rule, gs, ws):
    """Run a rule by lax.scan: the first step turns the memory's zeros into arrays to carry."""

    def body(memory, now):
        g, w, t = now
        step, memory = rule.step(g, memory, t, w=w, J=J)
        return memory, step

    memory, first = body(rule.start(), (gs[0], ws[0], 0))
    _, rest = jax.lax.scan(body, memory, (gs[1:], ws[1:], jax.numpy.arange(1, len(gs))))
    return jax.numpy.concatenate([first[None], rest])


@each_rule()
def test_a_rule_compiles_with_a_traced_counter(name, jax):
    rule, (gs, ws) = EXAMPLES[name], recorded()
    step = jax.jit(lambda g, memory, t, w: rule.step(g, memory, t, w=w, J=J))
    steps, memory = [], rule.start()
    for t in range(3):
        out, memory = step(gs[t], memory, t, ws[t])
        steps.append(out)
    assert_close(steps, run(rule, gs[:3], ws[:3])[0])


@each_rule()
def test_a_rule_runs_in_a_compiled_scan(name, jax):
    rule, (gs, ws) = EXAMPLES[name], recorded()
    theirs = jax.jit(lambda gs, ws: scan(jax, rule, gs, ws))(gs, ws)
    assert_close(theirs, run(rule, gs, ws)[0])


@each_rule()
def test_vmap_over_starts_is_the_batch(name, jax):
    rule, (gs, ws) = EXAMPLES[name], recorded()
    one = lambda gs, ws: scan(jax, rule, gs, ws)
    theirs = jax.jit(jax.vmap(one, in_axes=2, out_axes=2))(gs, ws)
    assert_close(theirs, run(rule, gs, ws)[0])


@each_rule(with_a_rate=True)
def test_vmap_over_a_rate_is_a_sweep(name, rate, jax):
    rule, (gs, ws) = EXAMPLES[name], recorded()
    rates = np.array([0.25, 0.5, 1]) * getattr(rule, rate)
    with_rate = lambda value: dataclasses.replace(rule, **{rate: value})
    theirs = jax.jit(jax.vmap(lambda value: scan(jax, with_rate(value), gs, ws)))(rates)
    assert_close(theirs, [run(with_rate(value), gs, ws)[0] for value in rates])


def test_a_chain_and_a_schedule_run_in_a_compiled_scan(jax):
    schedule = ng.schedules.inverse_sqrt(0.1)
    rule, (gs, ws) = (
        ng.Clip(2.0) >> ng.adam(1.0) >> ng.WeightDecay(0.1) >> ng.gd(schedule),
        recorded(),
    )
    theirs = jax.jit(lambda gs, ws: scan(jax, rule, gs, ws))(gs, ws)
    assert_close(theirs, run(rule, gs, ws)[0])


def test_a_rate_may_be_a_tensor(torch):
    gs, ws = recorded()
    rates = np.array([0.1, 0.2, 0.3])
    theirs, _ = run(ng.adam(torch.tensor(rates)), *(map(torch.tensor, x) for x in (gs, ws)))
    assert_close(theirs, run(ng.adam(rates), gs, ws)[0])


# ------------------------------------------------------------------------------ gallery


def test_the_pytorch_optimiser_is_pytorchs_own(torch):
    gallery = SimpleNamespace(**runpy.run_path(str(GALLERY / "pytorch_module.py")))
    for rule, peer in (
        (ng.gd(0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
        (ng.nesterov(0.1), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True)),
        (ng.adam(0.01), lambda p: torch.optim.Adam(p, lr=0.01)),
    ):
        losses = gallery.train(lambda p, rule=rule: gallery.Normgd(p, rule), steps=50)
        assert losses[-1] < losses[0] / 2
        np.testing.assert_allclose(losses, gallery.train(peer, steps=50), rtol=1e-12)


def test_a_saved_pytorch_optimiser_goes_on_where_it_was(torch):
    Normgd = runpy.run_path(str(GALLERY / "pytorch_module.py"))["Normgd"]

    def steps(optimiser, w, n):
        for _ in range(n):
            optimiser.zero_grad()
            (w * w).sum().backward()
            optimiser.step()
        return w.detach().clone()

    start = torch.tensor([3.0, -4.0], dtype=torch.float64)
    w = start.clone().requires_grad_()
    whole = steps(Normgd([w], ng.adam(0.1)), w, 10)
    w = start.clone().requires_grad_()
    steps(first := Normgd([w], ng.adam(0.1)), w, 4)
    again = w.detach().clone().requires_grad_()
    second = Normgd([again], ng.adam(0.1))
    second.load_state_dict(first.state_dict())
    for optimiser, point in ((first, w), (second, again)):  # neither disturbs the other
        assert torch.equal(steps(optimiser, point, 6), whole)


def test_a_parameter_without_a_gradient_has_the_gradient_0_in_pytorch(torch):
    Normgd = runpy.run_path(str(GALLERY / "pytorch_module.py"))["Normgd"]
    ends = []
    for optimiser in (lambda p: Normgd(p, ng.adam(0.1)), lambda p: torch.optim.Adam(p, lr=0.1)):
        a, b = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in ([3.0], [4, 5.0]))
        optimiser = optimiser([a, b])
        for t in range(10):
            optimiser.zero_grad()
            ((a * a).sum() + (b * b).sum() * (t < 4)).backward()
            if t >= 4 and isinstance(optimiser, Normgd):
                b.grad = None
            optimiser.step()
        ends.append(torch.cat([a, b]).detach().numpy())
    assert_close(*ends)


def test_the_sweep_in_jax_is_numpys(jax):
    gallery = SimpleNamespace(**runpy.run_path(str(GALLERY / "jax_scan.py")))
    etas, start = np.geomspace(1e-3, 0.1, 5), np.array([-1.5, 2.0])
    for make_rule in (ng.ngd, ng.adam):
        theirs = gallery.sweep(make_rule, etas, start, steps=30)
        ours = ng.descend(ng.functions.rosenbrock, start, make_rule(etas), steps=30).J[1:]
        np.testing.assert_allclose(theirs, ours.T, rtol=1e-9)


@pytest.mark.parametrize("name", ["pytorch_module", "jax_scan"])
def test_the_gallery_runs_as_scripts(name, capsys):
    runpy.run_path(str(GALLERY / f"{name}.py"), run_name="__main__")
    out = capsys.readouterr().out
    assert len(out.splitlines()) >= 3
    assert "nan" not in out
