"""What tests read back from axes is what was drawn; faults of texts are seen, and only faults."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, curves, error_bars, here, marks, ring, spans
from helpers.foundations.drawing.diagrams import round_boxes
from helpers.foundations.drawing.words import words
from helpers.foundations.statistics import Interval
from tests import drawn


@pytest.fixture
def ax() -> Axes:
    with style.context():
        ax = Figure(figsize=(7, 4), dpi=100).subplots()
    ax.set(xlim=(0, 10), ylim=(0, 10), xlabel="load", ylabel="time")
    return ax


# --- lines, bars, areas -----------------------------------------------------------------------


def test_a_curve_is_found_by_its_look(ax) -> None:
    ax.plot([1, 2], [3, 4], **style.SIMULATION)
    ax.plot([1, 2], [5, 6], **style.THEORY)
    ax.plot([7], [8], **style.MEASUREMENT, label="measured")
    assert drawn.curve(ax, **style.SIMULATION).tolist() == [[1, 3], [2, 4]]
    assert drawn.curve(ax, **style.THEORY).tolist() == [[1, 5], [2, 6]]
    assert drawn.curve(ax, color=style.VERMILION).tolist() == [[7, 8]]
    assert drawn.curve(ax, label="measured").tolist() == [[7, 8]]
    assert len(drawn.lines(ax)) == 3
    assert len(drawn.lines(ax, linestyle="--")) == 1


@pytest.mark.parametrize("look", [{"color": "red"}, {"label": "theory"}, {"linewidth": 9}, {}])
def test_a_look_that_fits_none_or_several_is_refused(ax, look) -> None:
    ax.plot([1, 2], [3, 4], **style.SIMULATION)
    ax.plot([1, 2], [5, 6], **style.SIMULATION)
    with pytest.raises(AssertionError, match=r"(0|2) artists like .*#0072b2"):
        drawn.curve(ax, **look)


def test_pieces_are_cut_at_gaps(ax) -> None:
    curves(ax, [1, 2, 3], [[4, 5, 6], [np.nan, 7, 8]], color="red")
    first, second = drawn.curves(ax, gid="curves")
    assert first.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert second.tolist() == [[2, 7], [3, 8]]


def test_where_the_learner_stands_is_read(ax) -> None:
    here(ax, 3.5)
    ring(ax, [1, 2], [3, 4])
    ax.axhline(6, color="red")
    assert drawn.here(ax) == 3.5
    assert drawn.rings(ax).tolist() == [[1, 3], [2, 4]]
    assert drawn.levels(ax, color="red") == [6]


@pytest.mark.parametrize("along", ["y", "x"])
def test_bars_are_read_as_they_were_given(ax, along) -> None:
    bars(ax, [0, 2, 4], [3, -5, 0], 0.5, start=[0, 1, 2], along=along, facecolor="red", label="a")
    bars(ax, [6], [1], along=along, facecolor="blue")
    read = drawn.bars(ax, facecolor="red")
    assert read.places.tolist() == [0, 2, 4]
    assert read.lengths.tolist() == [3, -5, 0]
    assert read.starts.tolist() == [0, 1, 2]
    assert drawn.bars(ax, label="a").ends.tolist() == [3, -4, 2]
    assert drawn.bars(ax).places.tolist() == [0, 2, 4, 6]
    with pytest.raises(AssertionError, match="no bars like"):
        drawn.bars(ax, facecolor="green")


@pytest.mark.parametrize("along", ["y", "x"])
def test_error_bars_are_read_as_they_were_given(ax, along) -> None:
    interval = Interval(np.array([2.0, 5.0]), np.array([1.0, 4.5]), np.array([4.0, 8.0]), 0.95, 9)
    ax.plot([1, 2], [3, 4], **style.SIMULATION)
    error_bars(ax, [1, 2], interval, along=along, **style.DOTS)
    error_bars(ax, 3, Interval(1.0, 1.0, 1.0, 0.95, 9), along=along, **style.MEASUREMENT)
    read = drawn.error_bars(ax, **style.DOTS)
    assert [part.tolist() for part in read] == [[1, 2], [2, 5], [1, 4.5], [4, 8]]
    assert drawn.error_bars(ax).places.tolist() == [1, 2, 3]
    assert drawn.error_bars(ax, color=style.VERMILION).middle.tolist() == [1]


@pytest.mark.parametrize("along", ["y", "x"])
def test_marks_and_spans_are_read_as_they_were_given(ax, along) -> None:
    marks(ax, [0, 1], [5, 7], along=along)
    spans(ax, [3, 4], [1, 2], [8, 9], along=along, color="red")
    places, values = drawn.marks(ax, along)
    np.testing.assert_allclose(places, [0, 1])
    assert values.tolist() == [5, 7]
    read = drawn.spans(ax, along)
    assert [part.tolist() for part in read] == [[3, 4], [1, 2], [8, 9]]


def test_areas_bands_dots_and_boxes_are_read(ax) -> None:
    ax.fill_between([1, 2, 3], [0, 1, 0], [4, 5, 6], color="red")
    assert [part.tolist() for part in drawn.area(ax, "red")] == [[1, 2, 3], [0, 1, 0], [4, 5, 6]]
    ax.axvspan(2, 5, color="blue")
    ax.axhspan(1, 3, color="green")
    assert drawn.bands(ax) == [(2, 5)]
    assert drawn.bands(ax, "y") == [(1, 3)]
    ax.scatter([1, 2], [3, 4], color="blue")
    assert drawn.dots(ax).tolist() == [[1, 3], [2, 4]]
    round_boxes(ax, [(5, 5), (8, 2)], 2, 1, 0.1)
    np.testing.assert_allclose(drawn.boxes(ax), [[4, 4.5, 6, 5.5], [7, 1.5, 9, 2.5]])


def test_words_and_ticks_are_read(ax) -> None:
    ax.set_title("A title", loc="left")
    ax.text(1, 1, "one")
    words(ax, [(2, 2), (3, 3)], ["two", "three"])
    ax.set_xticks([1, 2], ["few", "many"])
    assert drawn.title(ax) == "A title"
    assert drawn.written(ax) == ["one", "two", "three"]
    assert drawn.ticks(ax, "x") == {1: "few", 2: "many"}


# --- letters ----------------------------------------------------------------------------------


def test_every_text_is_found_where_its_ink_is(ax) -> None:
    ax.set_title("A title", loc="left")
    ax.text(5, 5, "two\nlines", fontsize=14)
    words(ax, [(2, 2), (8, 8)], ["many", "words"])
    style.label(ax, 50, 5, "outside", style.INK)  # of the axes, and so left out
    found = drawn.texts_of(ax.figure)
    said = [one.text for one in found]
    assert {"A title", "two", "lines", "many", "words", "load", "time", "10"} <= set(said)
    assert "outside" not in said
    canvas = FigureCanvasAgg(ax.figure)
    with style.context():
        canvas.draw()
    darkness = 255 - np.asarray(canvas.buffer_rgba())[:, :, :3].min(axis=2).astype(int)
    near = [np.roll(darkness, (up, right), (0, 1)) for up in (-1, 0, 1) for right in (-1, 0, 1)]
    for one in found:
        x, y = one.pixels().T
        # Which pixel a letter falls into is another one in each version of matplotlib.
        assert max(shifted[y, x].mean() for shifted in near) > 90, one.text
    wholes = {one.text: one.whole for one in found}
    assert wholes["two"] == wholes["lines"]
    assert wholes["many"] != wholes["words"]


def test_readable_figures_have_no_faults(ax) -> None:
    ax.set_title("A title", loc="left")
    ax.plot([0, 10], [0, 10], **style.SIMULATION)
    style.label(ax, 5, 5, "simulated", style.BLUE)
    words(ax, [(2, 8), (2, 7)], ["close", "together"], paper=0.9)
    ax.text(9.9, 1, "up to the edge", ha="right")
    assert not drawn.text_faults(ax.figure)


@pytest.mark.parametrize(
    ("write", "fault"),
    [
        (lambda ax: ax.text(10, 5, "far too long a text"), "is cut"),
        (lambda ax: ax.text(9.8, 5, "clipped", clip_on=True), "'clipped' is cut"),
        (lambda ax: ax.set_ylabel("time\nof a\nwhole\nday"), "'time' is cut"),
    ],
    ids=["picture", "clip", "axis label"],
)
def test_cut_texts_are_seen(ax, write, fault) -> None:
    assert not drawn.texts_cut(ax.figure)
    write(ax)
    assert any(fault in said for said in drawn.texts_cut(ax.figure))
    assert drawn.text_faults(ax.figure)


@pytest.mark.parametrize("gap", [0.0, 1.0])
@pytest.mark.parametrize("way", ["texts", "words"])
def test_touching_texts_are_seen_and_near_ones_are_not(ax, gap, way) -> None:
    places = [(2, 5), (2.3, 5 + gap)]
    if way == "words":
        words(ax, places, ["fast", "slow"])
    else:
        for place, text in zip(places, ["fast", "slow"], strict=True):
            ax.text(*place, text)
    assert drawn.texts_overlap(ax.figure) == (["'fast' and 'slow' touch"] if gap == 0 else [])


@pytest.mark.parametrize(("apart_px", "touch"), [(1, True), (2, True), (6, False)])
def test_words_that_read_as_one_are_seen(ax, apart_px, touch) -> None:
    ax.set_axis_off()
    ax.set_position((0, 0, 1, 1))
    ax.set(xlim=(0, 700), ylim=(0, 400))
    ax.text(100, 200, "hit")
    second = ax.text(200, 200, "s")
    boxes = {one.text: one.box for one in drawn.texts_of(ax.figure)}
    second.set_x(200 - (boxes["s"][0] - boxes["hit"][2]) + apart_px)
    assert bool(drawn.texts_overlap(ax.figure)) == touch


@pytest.mark.parametrize(
    "cover",
    [
        lambda ax: ax.add_patch(Rectangle((2, 4), 1, 2, zorder=9)),
        lambda ax: ax.plot([2.2], [5.1], "o", markersize=30, zorder=9),
        lambda ax: ax.scatter([2.2], [5.1], s=900, zorder=9),
        lambda ax: ax.fill_between([2, 3], 4, 6, zorder=9),
        lambda ax: words(ax, [(2.4, 5.6)], ["other"], paper=1.0, fontsize=14, va="top", zorder=9),
    ],
    ids=["patch", "marker", "scatter", "area", "paper"],
)
def test_hidden_texts_are_seen(ax, cover) -> None:
    ax.text(2, 5, "hidden", zorder=5)
    assert not drawn.texts_hidden(ax.figure)
    cover(ax)
    (fault,) = drawn.texts_hidden(ax.figure)
    assert fault.startswith("'hidden' is hidden")


def test_what_is_behind_transparent_or_clipped_away_hides_nothing(ax) -> None:
    ax.text(2, 5, "seen", zorder=5)
    ax.add_patch(Rectangle((0, 0), 9, 9, zorder=1))
    ax.add_patch(Rectangle((0, 0), 9, 9, zorder=9, alpha=0.2))
    ax.add_patch(Rectangle((-90, -90), 200, 90, zorder=9))  # below, where the axis is written
    assert not drawn.text_faults(ax.figure)


def test_a_text_on_another_panel_is_seen() -> None:
    with style.context():
        left, right = Figure(figsize=(7, 4), dpi=100).subplots(1, 2)
    left.text(0.1, 0.5, "at home")
    assert not drawn.texts_astray(left.figure)
    right.text(-0.5, 0.5, "abroad")
    assert drawn.texts_astray(left.figure) == ["'abroad' of one panel stands on another"]
