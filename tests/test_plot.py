"""The figures: what is drawn is what the path holds, and bad input is refused by name."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import normgd as ng
from normgd import functions, plot


@pytest.fixture
def ax():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def test_every_rule_has_a_look_of_its_own():
    assert {name for name in ng.rules.__all__ if name.islower()} == plot.STYLES.keys()
    for keys in (("color", "linestyle"), ("color", "marker")):
        looks = [tuple(look[key] for key in keys) for look in plot.STYLES.values()]
        assert len(set(looks)) == len(looks)
    first = [plot.STYLES[name] for name in ("gd", "ngd", "momentum", "sign", "clipped")]
    for key in ("color", "marker"):  # those of the first chapters differ in each way
        assert len({look[key] for look in first}) == len(first)


def test_every_colour_stands_out_from_white_paper():
    def luminance(color):
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return np.dot([0.2126, 0.7152, 0.0722], linear)

    for color in [*plot.FAMILIES, plot.OTHER["color"]]:
        assert 1.05 / (luminance(color) + 0.05) > 3, color  # WCAG 2.2, 1.4.11


def test_the_students_rule_looks_like_the_unit_step():
    assert plot.style(ng.Unit()) == plot.style(ng.ngd(0.1))


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        (ng.gd(alpha=0.25), r"gd, $\alpha$ = 0.25"),
        (ng.momentum(0.1, 0.9), r"momentum, $\alpha$ = 0.1, $\beta$ = 0.9"),
        (ng.ngd(ng.schedules.inverse_sqrt(1.0)), r"ngd, $\eta$ inverse_sqrt"),
        (ng.Unit() >> ng.gd(0.5), r"Unit ≫ gd, $\alpha$ = 0.5"),
        (ng.adam(), r"adam, $\eta$ = 0.001"),
        (ng.adam(0.1, 0.0, eps=0), r"adam, $\eta$ = 0.1, $\beta_1$ = 0, $\varepsilon$ = 0"),
        (ng.lars(0.1, blocks=(1, 1)), r"lars, $\gamma$ = 0.1, $\beta$ = 0.9"),
    ],
)
def test_labels_name_the_rule_and_its_numbers(rule, shown):
    assert plot.label(rule) == shown


LANDSCAPES = [
    functions.quadratic([1, 100], angle=0.3), functions.rosenbrock, functions.himmelblau,
    functions.saddle, functions.cone, functions.plateau, functions.half_line,
]  # fmt: skip


@pytest.mark.parametrize("J", LANDSCAPES, ids=lambda J: J.name)
def test_levels_increase_and_lie_between_the_values_in_the_box(J):
    levels = plot.levels(J, J.box)
    values = J(plot.grid(J.box))
    assert np.all(np.diff(levels) > 0)
    assert values.min() <= levels[0] < levels[-1] <= values.max()


def test_contour_draws_the_iterates(ax):
    path = ng.descend(functions.rosenbrock, (-1.5, 2.0), ng.ngd(0.05), steps=30)
    assert plot.contour(functions.rosenbrock, path, ax=ax) is ax
    drawn = [line.get_xydata() for line in ax.lines]
    assert any(np.array_equal(points, path.w) for points in drawn)
    assert ax.get_xlim() == functions.rosenbrock.box[0]


def test_contour_stops_a_path_that_leaves_the_picture(ax):
    path = ng.descend(functions.rosenbrock, (-1.5, 2.0), ng.gd(0.1), steps=50)
    assert path.diverged
    plot.contour(functions.rosenbrock, path, ax=ax)
    assert all(np.isfinite(line.get_xydata()).all() for line in ax.lines)


def test_losses_draws_the_gap_and_leaves_out_what_a_logarithm_cannot_show(ax):
    path = ng.descend(functions.himmelblau, (0.3, -0.4), ng.gd(0.01), steps=300)
    plot.losses(path, ax=ax)
    gap = ax.lines[0].get_ydata()
    positive = path.J > 0
    assert np.array_equal(gap[positive], path.J[positive])
    assert np.isnan(gap[~positive]).all()
    assert ax.get_yscale() == "log"


def test_losses_needs_to_know_the_minimum(ax):
    path = ng.descend(functions.saddle, (1.0, 0.1), ng.gd(0.1), steps=3)
    with pytest.raises(ValueError, match="lowest"):
        plot.losses(path, ax=ax)
    assert plot.losses(path, ax=ax, lowest=-100.0) is ax


def test_curve_puts_the_iterates_on_the_curve(ax):
    J = functions.double_well
    path = ng.descend(J, 2.25, ng.ngd(0.3), steps=20)
    plot.curve(J, path, ax=ax)
    x, y = ax.lines[-1].get_xydata().T
    assert np.array_equal(x, path.w[:, 0])
    assert np.array_equal(y, path.J)


@pytest.mark.parametrize("draw", [plot.contour, plot.curve])
def test_a_batch_is_refused(draw, ax):
    J = functions.quadratic([1, 2]) if draw is plot.contour else functions.double_well
    batch = ng.descend(J, np.full((J.dim, 3), 0.5), ng.gd(0.1), steps=2)
    with pytest.raises(ValueError, match="single runs"):
        draw(J, batch, ax=ax)


def test_a_box_must_be_two_intervals(ax):
    with pytest.raises(ValueError, match="box"):
        plot.contour(functions.rosenbrock, ax=ax, box=((0, 1),))


def test_functions_draw_on_the_current_axes_by_default(ax):
    plt.sca(ax)
    assert plot.contour(functions.saddle) is ax
