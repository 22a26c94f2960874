"""The digits of the gallery: one network, three programs, the same losses."""

import importlib
import runpy
from pathlib import Path

import numpy as np
import pytest

GALLERY = Path(__file__).resolve().parent.parent / "gallery"


@pytest.fixture
def programs(monkeypatch):
    """Return a function that loads a program of the gallery."""
    monkeypatch.syspath_prepend(GALLERY)

    def load(name):
        if name == "digits_pytorch":
            importlib.import_module("torch").set_num_threads(1)  # for a handful of numbers
        return importlib.import_module(name)

    return load


def test_the_gradient_derived_by_hand_is_the_gradient(programs):
    ours = programs("digits_numpy")
    X, labels = next(ours.batches(1))
    rng = np.random.default_rng(1)
    w = ours.flat(ours.start())
    v = rng.normal(size=w.shape)
    _, g = ours.loss_and_gradient(w, X, labels)
    h = 1e-5
    up, down = (ours.loss_and_gradient(w + s * v, X, labels)[0] for s in (h, -h))
    assert (up - down) / (2 * h) == pytest.approx(g @ v, rel=1e-7)


def test_every_rule_of_the_gallery_learns(programs):
    ours = programs("digits_numpy")
    for rule in ours.RULES.values():
        losses = ours.train(rule, steps=90)
        assert losses[0] > 2.2
        assert np.mean(losses[-18:]) < 1.2


@pytest.mark.peers
@pytest.mark.parametrize("peer", ["digits_pytorch", "digits_jax"])
def test_a_peer_reports_the_same_losses(programs, peer):
    ours, theirs = programs("digits_numpy"), programs(peer)
    for rule in ours.RULES.values():
        np.testing.assert_allclose(
            theirs.train(rule, steps=20), ours.train(rule, steps=20), rtol=1e-9
        )


@pytest.mark.peers
def test_the_three_programs_print_the_same(programs, capsys):
    printed = []
    for name in ("digits_numpy", "digits_pytorch", "digits_jax"):
        programs(name)
        runpy.run_path(str(GALLERY / f"{name}.py"), run_name="__main__")
        printed.append(capsys.readouterr().out)
    assert printed[0].count("\n") == 4
    assert printed == [printed[0]] * 3
