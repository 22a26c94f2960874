"""The claims of chapter 16, and that all chapters give the same verdicts."""

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import normgd as ng
from normgd.exercises import ch16
from normgd.functions import quadratic

SOURCES = Path(__file__).resolve().parent.parent / "book" / "src"


# --- the claims -------------------------------------------------------------------------


def angle(a, b):
    return np.degrees(np.arccos(np.clip(ng.unit(a) @ ng.unit(b), -1, 1)))


def test_two_steps_together_and_then_apart(degrees=21.7):
    # By hand: g1 = (8.5, -5), so gradient descent has g2 = (7.225, 2.5), exactly.
    x, y = Fraction(10), Fraction(1)
    for _ in range(2):
        x, y = x - Fraction(3, 20) * x, y - Fraction(3, 20) * 10 * y
    longer = 10 * np.sqrt(2) / np.hypot(8.5, 5) * 0.15
    third = np.array([8.5 * (1 - longer), -5 * (1 - 10 * longer)])
    assert angle(np.array([float(x), 10 * float(y)]), third) == pytest.approx(degrees, abs=0.05)

    rng = np.random.default_rng(16)
    for _ in range(20):
        J = quadratic(rng.uniform(0.5, 20, size=3), angle=0.0)
        w0, alpha = rng.normal(size=3), 0.05
        one = ng.descend(J, w0, ng.gd(alpha), steps=3).g
        two = ng.descend(J, w0, ng.ngd(alpha * ng.norm(J.grad(w0))), steps=3).g
        assert angle(one[0], two[0]) < 1e-5
        assert angle(one[1], two[1]) < 1e-5
        assert angle(one[2], two[2]) > 1e-3

    # Along an eigenvector they never part in direction, but for the sign.
    J = quadratic([1, 10])
    one = ng.descend(J, (0.0, 1.0), ng.gd(0.05), steps=3).g
    two = ng.descend(J, (0.0, 1.0), ng.ngd(0.5), steps=3).g
    assert np.all(one[:, 0] == 0)
    assert np.all(two[:, 0] == 0)


def test_the_steepest_direction_misses_by_a_bounded_angle(factor=2.0):
    rng = np.random.default_rng(16)
    for kappa in (1.5, 3.0, 10.0, 100.0):
        cosine = factor * np.sqrt(kappa) / (kappa + 1)

        def turned(theta, kappa=kappa):
            w = np.array([np.cos(theta), np.sin(theta)])
            return ng.unit(np.array([1.0, kappa]) * w) @ w

        least = minimize_scalar(turned, bounds=(0.01, np.pi / 2 - 0.01), options={"xatol": 1e-10})
        assert least.fun == pytest.approx(cosine, rel=1e-6)

        root = np.linalg.qr(rng.normal(size=(5, 5)))[0]
        H = root @ np.diag([1, *rng.uniform(1, kappa, size=3), kappa]) @ root.T
        d = rng.normal(size=(5, 2000))
        cosines = np.sum(ng.unit(H @ d) * ng.unit(d), axis=0)
        assert cosines.min() >= cosine - 1e-12
        assert cosines.max() < 1
        for v in np.linalg.eigh(H)[1].T:
            assert ng.unit(H @ v) @ v == pytest.approx(1, abs=1e-12)


def test_the_number_that_is_left_has_this_unit(sizes=(2, -1), lengths=1, value=1):
    J = ng.functions.rosenbrock
    c, sigma, w0 = 30.0, 0.2, np.array([-0.43, 0.91])
    theirs = ng.Function(lambda w: c * J(sigma * w), dim=2, minimum=0.0)
    many = [
        (lambda x: ng.gd(1e-3 * x), sizes),
        (lambda x: ng.line_search(0.7 * x), sizes),
        (lambda x: ng.barzilai_borwein(1e-3 * x), sizes),
        *(
            (lambda x, make=make: make(0.02 * x), (lengths, 0))
            for make in (
                ng.ngd,
                ng.sign,
                ng.adagrad,
                lambda eta: ng.rmsprop(eta, eps=0.0),
                lambda eta: ng.adam(eta, eps=0.0),
                lambda r: ng.dog(r_eps=r),
                lambda d: ng.prodigy(d0=d, eps=0.0),
            )
        ),
        (lambda x: ng.polyak(-0.3 * x), (0, value)),
        (lambda x: ng.lars(0.01, beta=0.0), (0, 0)),
    ]
    for make, (a, b) in many:
        here = ng.descend(J, w0, make(1.0), steps=8).w
        there = ng.descend(theirs, w0 / sigma, make(sigma**-a * c**b), steps=8).w
        assert np.ptp(here, axis=0).max() > 1e-4, make(1.0)
        assert np.allclose(sigma * there, here, rtol=1e-5, atol=1e-8), make(1.0)


# --- the exercises ----------------------------------------------------------------------

RIGHT = [
    (ch16.verdicts, {key: value.upper() for key, value in ch16.verdicts.solution.items()}),
    (ch16.valleys, lambda start: np.bool_(ch16.valleys.solution(start))),
    (ch16.mend, ch16.mend.solution | {"reach": 2}),
]


@pytest.mark.parametrize(("exercise", "answer"), RIGHT, ids=lambda x: getattr(x, "name", ""))
def test_another_right_form_is_right(exercise, answer):
    assert exercise.check(answer)


# --- the verdicts -----------------------------------------------------------------------

VERDICTS = ("half-true", "false", "true", "answered")


def plain(quotation):
    return re.sub(r"\\(?:nabla) ?|[$\\{}∇|]|frac|vert|Vert", "", quotation).rstrip(".").strip()


def verdict(text):
    """The word of judgement that a verdict begins with."""
    return next(
        word for word in VERDICTS if re.match(f"{word}|the conclusion is {word}", text.lower())
    )


def final():
    """Each sentence of the thread that is judged, with the verdict."""
    text = (SOURCES / "16_the_verdict.md").read_text(encoding="utf-8")
    blocks = re.findall(
        r'^> (?:it )?"(.+)"\n\n(?:This is .+\n)?\*\*([^*]+)\*\*', text, re.MULTILINE
    )
    return {plain(quotation): judged for quotation, judged in blocks}


def test_every_sentence_has_a_verdict():
    text = (SOURCES / "16_the_verdict.md").read_text(encoding="utf-8")
    assert len(final()) == len(re.findall(r"^> ", text, re.MULTILINE)) == 20


def interim():
    for path in sorted(SOURCES.glob("*.md")):
        _, _, rest = path.read_text(encoding="utf-8").partition("\n## The thread so far\n")
        for row in re.findall(r"^\| .+ \|$", rest.partition("\n## ")[0], re.MULTILINE):
            said, judged, *_ = (cell.strip() for cell in row.strip("|").split(" | "))
            if quoted := re.search(r'"(.+)"', said):
                yield pytest.param(quoted[1], judged, id=f"{path.stem[:2]}-{quoted[1][:30]}")


def welcomed():
    """The rows of the welcome page's table: sentence and verdict."""
    text = (SOURCES / "intro.md").read_text(encoding="utf-8")
    rows = re.findall(r'^\| (?:it )?"(.+)" \| (.+) \| \[.+ \|$', text, re.MULTILINE)
    assert len(rows) > 10
    return rows


@pytest.mark.parametrize(("quoted", "judged"), welcomed())
def test_the_welcome_page_gives_the_same_verdict(quoted, judged):
    given = [
        final_one
        for sentence, final_one in final().items()
        if plain(quoted) in sentence or sentence in plain(quoted)
    ]
    assert [verdict(judged)] == [verdict(one) for one in given]


@pytest.mark.parametrize(("quoted", "judged"), list(interim()))
def test_a_sentence_that_a_chapter_judges_is_judged_here(quoted, judged):
    assert any(plain(quoted) in sentence or sentence in plain(quoted) for sentence in final())
    assert judged
