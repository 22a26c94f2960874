"""The claims ledger: every claim has a proof, a cell and a test, and each test can fail."""

import importlib
import inspect
import re

import pytest

import claims
import plain

LEDGER = claims.ledger()
TEXTS = claims.texts()
LABELS = {label: at for text in TEXTS.values() for label, at in claims.labels(text).items()}
FIELDS = {"chapter", "statement", "proof", "cell", "test", "mutant"}
each = pytest.mark.parametrize("name", LEDGER)


def test_of(claim):
    return getattr(importlib.import_module(claims.tests_of(claim["chapter"])), claim["test"])


test_of.__test__ = False


def is_proved(label):
    """A statement by the next proof of its chapter, an exercise by its solution."""
    after = "".join(text.partition(f"\n:label: {label}\n")[2] for text in TEXTS.values())
    if LABELS[label].kind == "exercise":
        return "<summary>Solution" in after.partition(":::{exercise}")[0]
    following = re.search(r"^:::\{(prf:\w+)\}", after, re.MULTILINE)
    return following is not None and following[1] == "prf:proof"


def test_the_page_is_made_from_the_ledger():
    assert claims.main(["--check"]) == 0


def test_no_label_is_given_twice():
    given = [label for text in TEXTS.values() for label in claims.labels(text)]
    assert len(given) == len(set(given))


@pytest.mark.parametrize("chapter", TEXTS)
def test_each_statement_has_a_label_and_is_in_the_ledger(chapter):
    text, of_chapter = (
        TEXTS[chapter],
        {name for name in LEDGER if LEDGER[name]["chapter"] == chapter},
    )
    stated = {name for name, at in claims.labels(text).items() if at.kind in claims.PROVABLE}
    assert len(stated) == len(re.findall(rf"^:::\{{(?:{'|'.join(claims.PROVABLE)})\}}", text, re.M))
    assert stated <= of_chapter


@each
def test_a_claim_is_proved_shown_and_tested(name):
    claim = LEDGER[name]
    assert claim.keys() == FIELDS
    assert all(claim.values())
    if cited := claims.CITATION.fullmatch(claim["proof"]):
        assert cited["key"] in plain.works()
    else:
        assert is_proved(claim["proof"])
    assert f"\n:name: {claim['cell']}\n" in TEXTS[claim["chapter"]]
    assert callable(test_of(claim))


@each
def test_its_test_fails_with_a_wrong_constant(name):
    claim = LEDGER[name]
    test = test_of(claim)
    right = {key: value.default for key, value in inspect.signature(test).parameters.items()}
    assert claim["mutant"].keys() <= right.keys()
    test(**right)
    with pytest.raises(AssertionError):
        test(**right | claim["mutant"])
