"""Axes can be read, error bars end where intervals do, marks and keys stand where they should."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.path import Path

from helpers.explore import canvas as module
from helpers.explore.canvas import Canvas
from helpers.foundations.drawing import axes, style
from helpers.foundations.experiment import Result
from helpers.foundations.statistics import Interval, Intervals
from tests import drawn


@pytest.fixture
def ax() -> Axes:
    return Figure().subplots()


def ticks(ax: Axes, which: str) -> dict[float, str]:
    """Place and text of each tick that lies on the axis."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    return {
        float(place): text.get_text()
        for place, text in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
    }


def limits(ax: Axes, which: str) -> tuple[float, float]:
    return ax.get_xlim() if which == "x" else ax.get_ylim()


def reaches(ax: Axes) -> list[list[float]]:
    """Both ends of each error bar, as (x, y, x, y)."""
    return dashes(ax.lines[-2])


def dashes(line: Line2D) -> list[list[float]]:
    """Both ends of each piece of a line with gaps, as (x, y, x, y)."""
    pieces = line.get_xydata().reshape(-1, 3, 2)
    assert np.isnan(pieces[:, 2]).any(axis=1).all()  # nothing joins one piece to the next
    return pieces[:, :2].reshape(-1, 4).tolist()


# --- numbers as text --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (axes.plain, ["0.001", "0.5", "1", "1,000", "1,024", "100,000", "1 million", "20 million"]),
        (axes.short, ["0.001", "0.5", "1", "1 k", "1.024 k", "100 k", "1 M", "20 M"]),
        (axes.percent, ["0.1 %", "50 %", "100 %"]),
    ],
    ids=["plain", "short", "percent"],
)
def test_numbers_are_written_as_people_do(text, expected) -> None:
    values = (0.001, 0.5, 1, 1_000, 1_024, 1e5, 1e6, 2e7)
    assert [text(value) for value in values][: len(expected)] == expected


# --- logarithmic axes -------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["x", "y"])
def test_a_logarithmic_axis_has_its_limits_and_a_tick_for_each_power_of_ten(ax, which) -> None:
    other = "y" if which == "x" else "x"
    before = limits(ax, other)
    axes.log_axis(ax, which, 80, 1.3e6)
    assert limits(ax, which) == (80, 1.3e6)
    assert ticks(ax, which) == {
        1e2: "100",
        1e3: "1,000",
        1e4: "10,000",
        1e5: "100,000",
        1e6: "1 million",
    }
    assert getattr(ax, f"get_{which}scale")() == "log"
    assert limits(ax, other) == before
    assert getattr(ax, f"get_{other}scale")() == "linear"


def test_limits_on_a_power_of_ten_have_their_tick(ax) -> None:
    axes.log_axis(ax, "y", 0.001, 1)
    assert list(ticks(ax, "y")) == [0.001, 0.01, 0.1, 1]


def test_there_are_no_minor_ticks(ax) -> None:
    axes.log_axis(ax, "x", 1, 1e4)
    axes.time_axis(ax, "y", 1e-3, 1)
    assert not len(ax.get_xticks(minor=True))
    assert not len(ax.get_yticks(minor=True))


def test_ticks_can_be_chosen_and_named_and_do_not_widen_the_limits(ax) -> None:
    axes.log_axis(ax, "x", 3, 50, ticks=(1, 10, 100), text=axes.percent)
    assert limits(ax, "x") == (3, 50)
    assert ticks(ax, "x") == {1: "100 %", 10: "1,000 %", 100: "10,000 %"}


def test_an_axis_of_shares_ends_at_the_whole_wherever_the_picture_ends(ax) -> None:
    ax.set_ylim(-0.04, 1.4)
    axes.shares_axis(ax)
    assert ticks(ax, "y") == {0: "0 %", 0.5: "50 %", 1: "100 %"}
    axes.shares_axis(ax, 4)
    assert list(ticks(ax, "y").values()) == ["0 %", "25 %", "50 %", "75 %", "100 %"]
    assert limits(ax, "y") == (-0.04, 1.4)
    with pytest.raises(ValueError, match="parts must be a whole number >= 1, got 0"):
        axes.shares_axis(ax, 0)


def test_an_axis_of_times_reads_as_people_count(ax) -> None:
    axes.time_axis(ax, "y", 5e-7, 4e7)
    assert list(ticks(ax, "y").values()) == [
        "1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s",
        "1 h", "1 day", "1 year",
    ]  # fmt: skip
    assert limits(ax, "y") == (5e-7, 4e7)


def test_ticks_of_times_can_be_chosen(ax) -> None:
    axes.time_axis(ax, "x", 0.01, 1e6, ticks=(0.03, 60, 600, 36_000, 259_200))
    assert list(ticks(ax, "x").values()) == ["30 ms", "1 min", "10 min", "10 h", "3 days"]


@pytest.mark.parametrize("axis", [axes.log_axis, axes.time_axis])
@pytest.mark.parametrize("ends", [(0, 1), (-1, 1), (1, 1), (2, 1), (1, np.inf), (np.nan, 1)])
def test_limits_that_no_logarithmic_axis_has(ax, axis, ends) -> None:
    with pytest.raises(ValueError, match=r"(low|high) must be a finite number > "):
        axis(ax, "x", *ends)


def test_there_are_two_axes(ax) -> None:
    with pytest.raises(ValueError, match="which must be one of 'x', 'y'"):
        axes.log_axis(ax, "z", 1, 10)
    with pytest.raises(ValueError, match="which must be one of 'x', 'y'"):
        axes.named_axis(ax, "z", ["one"])
    with pytest.raises(ValueError, match="along must be one of 'y', 'x'"):
        axes.marks(ax, 1, 1, along="z")
    with pytest.raises(ValueError, match="along must be one of 'y', 'x'"):
        axes.error_bars(ax, 1, Interval(1.0, 0.0, 2.0, 0.95, 9), along="z", **style.DOTS)
    with pytest.raises(ValueError, match="along must be one of 'y', 'x'"):
        axes.bars(ax, 1, 1, along="z")


def test_a_named_axis_has_names_and_no_grid_lines() -> None:
    with style.context():
        ax = Figure().subplots()
    axes.named_axis(ax, "y", ["one", "two"])
    axes.named_axis(ax, "x", ["few", "many"], np.array([2, 8]))
    assert ticks(ax, "y") == {0: "one", 1: "two"}
    assert ticks(ax, "x") == {2: "few", 8: "many"}
    axes.named_axis(ax, "x", ["few", "a lot"], [2, 9])
    assert ticks(ax, "x") == {2: "few", 9: "a lot"}
    for axis in (ax.xaxis, ax.yaxis):
        assert not any(line.get_visible() for line in axis.get_gridlines())


def test_a_named_axis_that_stays_as_it_is_takes_no_time(ax, monkeypatch) -> None:
    axes.named_axis(ax, "y", ["one", "two"])
    for setter in ("set_ticks", "grid"):
        monkeypatch.setattr(ax.yaxis, setter, lambda *_, setter=setter: pytest.fail(setter))
    axes.named_axis(ax, "y", ["one", "two"])


class Nothing(Result):
    summary = {}  # noqa: RUF012
    reading = ""


def test_a_canvas_keeps_the_axes_while_they_stay_the_same(monkeypatch) -> None:
    """Fixed ticks are what the explorer can compare: the same ones are not drawn anew."""
    high = 1e4

    def plot(result, ax) -> None:
        axes.log_axis(ax, "x", 1, high)
        axes.time_axis(ax, "y", 1e-3, 1)

    canvas, made = Canvas(plot), []
    draw = module._Layer.draw
    monkeypatch.setattr(
        module._Layer, "draw", lambda self, renderer: (made.append(1), draw(self, renderer))
    )
    for high in (1e4, 1e4, 1e5):  # noqa: B007
        canvas.draw([Nothing()])
        canvas.moving_png()
    assert len(made) == 2


# --- points and lines -------------------------------------------------------------------------


def test_error_bars_end_where_the_interval_does(ax) -> None:
    several = Intervals(np.array([2.0, 5.0]), np.array([1.0, 4.5]), np.array([4.0, 8.0]), 0.95, 9)
    axes.error_bars(ax, [10, 20], several, 1e3, **style.DOTS)
    assert ax.lines[-1].get_xydata().tolist() == [[10, 2_000], [20, 5_000]]
    assert reaches(ax) == [[10, 1_000, 10, 4_000], [20, 4_500, 20, 8_000]]


def test_error_bars_along_the_other_axis(ax) -> None:
    axes.error_bars(ax, 7, Interval(2.0, 1.0, 4.0, 0.95, 9), 10, along="x", **style.MEASUREMENT)
    assert reaches(ax) == [[10, 7, 40, 7]]


def test_error_bars_of_one_interval_a_point(ax) -> None:
    several = [Interval(2.0, 1.0, 4.0, 0.95, 9), Interval(5.0, 4.5, 8.0, 0.95, 9)]
    axes.error_bars(ax, (10, 20), several, **style.DOTS)
    assert reaches(ax) == [[10, 1, 10, 4], [20, 4.5, 20, 8]]


def test_an_end_beyond_the_estimate_by_rounding_is_drawn(ax) -> None:
    axes.error_bars(ax, 1, Interval(0.3, 0.1 + 0.2, 0.5, 0.95, 9), **style.DOTS)
    assert reaches(ax) == [pytest.approx([1, 0.3, 1, 0.5])]


def test_error_bars_have_the_points_colour_and_place_among_the_layers(ax) -> None:
    axes.whiskers(ax, 1, 2, 1, 3, zorder=7, **style.MEASUREMENT)
    bar, point = ax.lines
    assert (bar.get_color(), bar.get_zorder()) == (point.get_color(), point.get_zorder())
    assert (bar.get_color(), bar.get_zorder()) == (style.VERMILION, 7)
    assert (bar.get_marker(), point.get_marker(), bar.get_linestyle()) == ("_", "o", "-")


@pytest.mark.parametrize("along", ["y", "x"])
def test_marks_lie_across_their_places(ax, along) -> None:
    axes.marks(ax, [0, 1, 2], [5.0, np.nan, 7.0], 0.6, along=along)
    (line,) = ax.lines
    got = np.array(dashes(line)).reshape(-1, 2, 2)
    want = np.array([[[-0.3, 5], [0.3, 5]], [[1.7, 7], [2.3, 7]]])
    np.testing.assert_allclose(got, want if along == "y" else want[..., ::-1])
    assert to_hex(line.get_color()) == style.BLACK


def test_curves_are_one_line_with_gaps(ax) -> None:
    axes.curves(ax, [0, 1, 2], [[3, 4, 5], [6, 7, 8]], color="red")
    (line,) = ax.lines
    pieces = line.get_xydata().reshape(2, 4, 2)
    assert np.isnan(pieces[:, 3]).all()
    assert pieces[:, :3].tolist() == [[[0, 3], [1, 4], [2, 5]], [[0, 6], [1, 7], [2, 8]]]


@pytest.mark.parametrize("along", ["y", "x"])
def test_spans_reach_from_low_to_high_and_no_further(ax, along) -> None:
    axes.spans(ax, [0, 5], [1, 2], [3, 4], along=along, linewidth=7)
    (line,) = ax.lines
    want = [[0, 1, 0, 3], [5, 2, 5, 4]] if along == "y" else [[1, 0, 3, 0], [2, 5, 4, 5]]
    assert dashes(line) == want
    assert line.get_solid_capstyle() == "butt"


def test_marks_are_over_bars_and_under_points(ax) -> None:
    axes.bars(ax, 0, 1)
    axes.marks(ax, 0, 1)
    axes.error_bars(ax, 0, Interval(1.0, 0.9, 1.1, 0.95, 9), **style.DOTS)
    (bar,), (mark, _, point) = ax.patches, ax.lines
    assert bar.get_zorder() < mark.get_zorder() < point.get_zorder()


@pytest.mark.parametrize("along", ["y", "x"])
def test_bars_are_what_matplotlib_draws(ax, along) -> None:
    axes.bars(ax, [0, 2], [3, 5], 0.5, start=[0, 1], along=along, facecolor="red")
    (bars,) = ax.patches
    usual = ax.bar if along == "y" else ax.barh
    beginning = "bottom" if along == "y" else "left"
    want = usual([0, 2], [3, 5], 0.5, **{beginning: [0, 1]})
    for corners, bar in zip(bars.get_path().to_polygons(), want, strict=True):
        assert Path(corners).get_extents().bounds == bar.get_bbox().bounds
    assert to_hex(bars.get_facecolor()) == "#ff0000"
    assert bars.get_linewidth() == 0


def test_limits_that_nobody_sets_hold_the_bars(ax) -> None:
    axes.bars(ax, [1, 2], [30, -40])
    assert limits(ax, "y") == pytest.approx((-43.5, 33.5))


def test_here_is_a_line_from_bottom_to_top(ax) -> None:
    axes.here(ax, 3.5)
    (line,) = ax.lines
    assert (list(line.get_xdata()), list(line.get_ydata())) == ([3.5, 3.5], [0, 1])
    assert line.get_transform() == ax.get_xaxis_transform(which="grid")


def test_rings_stand_on_each_point_and_hide_none(ax) -> None:
    axes.ring(ax, 3, [1, 2])
    (rings,) = ax.lines
    assert rings.get_xydata().tolist() == [[3, 1], [3, 2]]
    assert (rings.get_markerfacecolor(), rings.get_linestyle()) == ("none", "None")


def test_simulated_dots_differ_from_measured_ones_in_colour_alone() -> None:
    differ = {name for name in style.DOTS if style.DOTS[name] != style.MEASUREMENT[name]}
    assert differ == {"color"}
    assert style.DOTS["color"] == style.SIMULATION["color"]


@pytest.mark.parametrize(("axis", "value"), [("x", 3.0), ("x", 9.9), ("y", 0.1), ("y", 10.0)])
def test_a_guess_is_a_line_across_the_panel_with_words_that_can_be_read(axis, value) -> None:
    canvas = Canvas(lambda result, ax: None)
    (ax,) = canvas.axes
    ax.set(xlim=(0, 10), ylim=(0, 10))
    axes.guessed(ax, axis, value)
    line = drawn.curve(ax, label="your guess")
    assert (line[:, "xy".index(axis)] == value).all()
    assert drawn.written(ax) == ["your guess"]
    assert not drawn.text_faults(canvas.figure)


@pytest.mark.parametrize("level", [4.8, 5.2])
def test_words_of_a_guess_stand_where_no_level_line_strikes_them_through(level) -> None:
    canvas = Canvas(lambda result, ax: None)
    (ax,) = canvas.axes
    ax.set(xlim=(0, 10), ylim=(0, 10))
    ax.axhline(level)
    axes.guessed(ax, "y", 5.0)
    canvas.figure.draw_without_rendering()
    (words,) = ax.texts
    box = words.get_window_extent()
    for height in (5.0, level):
        struck = ax.transData.transform((0, height))[1]
        assert not box.y0 < struck < box.y1


def test_what_a_learners_model_says_is_on_top_of_everything(ax) -> None:
    axes.dot(ax, 1, 2)
    axes.yours(ax, 1, [2, 3])
    assert drawn.curve(ax, label="your model").tolist() == [[1, 2], [1, 3]]
    assert drawn.curve(ax, gid="dot").tolist() == [[1, 2]]
    dot, mine = drawn.line(ax, gid="dot"), drawn.line(ax, label="your model")
    assert mine.get_zorder() > dot.get_zorder()
    assert mine.get_color() == style.VERMILION


# --- words ------------------------------------------------------------------------------------


def test_a_note_hangs_from_its_place_in_the_axes(ax) -> None:
    ax.set_xlim(100, 200)
    axes.note(ax, 0.5, 0.9, "seen", style.BLUE, ha="right")
    (text,) = ax.texts
    assert (text.get_text(), text.get_color()) == ("seen", style.BLUE)
    assert (text.get_ha(), text.get_va()) == ("right", "top")
    box = text.get_window_extent()
    assert (box.x1, box.y1) == pytest.approx(ax.transAxes.transform((0.5, 0.9)))


@pytest.mark.parametrize("left", [False, True])
def test_a_key_is_read_from_the_top_down(ax, left) -> None:
    axes.key(ax, [("●", "seen", style.BLUE), ("--", "expected", style.BLACK)], left=left)
    (written,) = ax.artists
    assert written.texts == (["● seen", "-- expected"] if left else ["seen ●", "expected --"])
    assert [to_hex(color).upper() for color in written.colors] == [style.BLUE, style.BLACK]
    ax.set_axis_off()
    ax.set_position((0, 0, 1, 1))
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba()).astype(int)
    middles = []
    for red, green, blue in (to_rgb(style.BLUE), to_rgb(style.BLACK)):
        near = np.abs(pixels[:, :, :3] - 255 * np.array([red, green, blue])).max(axis=2) < 40
        rows, columns = np.nonzero(near)
        middles.append(rows.mean())
        side = columns.mean() / pixels.shape[1]
        assert side < 0.3 if left else side > 0.7
    assert middles[0] < middles[1] - 10


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: ax.plot([1, 2]),
        lambda ax: ax.vlines([1], 0, 1),
        lambda ax: ax.bar([1], [2]),
        lambda ax: ax.text(0, 0, "here"),
    ],
    ids=["line", "collection", "patch", "text"],
)
def test_axes_are_blank_until_something_is_drawn(ax, draw) -> None:
    axes.log_axis(ax, "x", 1, 10)
    ax.set(title="Response time", xlabel="users")
    assert axes.is_blank(ax)
    draw(ax)
    assert not axes.is_blank(ax)
