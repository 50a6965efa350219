"""Labels and notes can be read wherever a slider takes them."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from helpers.explore.canvas import Canvas
from helpers.foundations.drawing import letters, style
from helpers.foundations.drawing.axes import key, named_axis, note
from helpers.foundations.drawing.words import words
from tests import drawn
from tests.explore.samples import simulate_wave


def figure_with(columns: int = 1) -> list[Axes]:
    """Axes from 0 to 10 both ways, with the margins of a canvas."""
    canvas = Canvas(style.panels(columns)(lambda result, axes: None))
    for ax in canvas.axes:
        ax.set(xlim=(0, 10), ylim=(0, 10), xlabel="load", ylabel="time")
    return list(canvas.axes)


def boxes(ax: Axes) -> dict[str, tuple[int, int, int, int]]:
    return {one.text: one.box for one in drawn.texts_of(ax.figure)}


def box_of_a_plain_text(place: tuple[float, float], text: str, **look) -> Bbox:
    (ax,) = figure_with()
    return ax.annotate(text, place, textcoords="offset points", **look).get_window_extent()


# --- labels -----------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [0.0, 2.5, 6.0])
@pytest.mark.parametrize("look", [{}, {"ha": "right", "xytext": (-5, 6)}, {"va": "top"}])
def test_a_label_with_room_stands_where_it_is_put(x, look) -> None:
    (ax,) = figure_with()
    x = 10 - x if look.get("ha") == "right" else x
    style.label(ax, x, 5, "label", style.BLUE, **look)
    placement = {"xytext": (5, 0), "va": "center", "ha": "left", "fontsize": 9} | look
    want = box_of_a_plain_text((x, 5), "label", **placement)
    (text,) = ax.texts
    assert text.get_window_extent().bounds == pytest.approx(want.bounds)


@pytest.mark.parametrize("way", [(10, 5), (0, 5), (5, 10), (5, 0), (10, 10), (0, 0)])
@pytest.mark.parametrize("look", [{"ha": "right"}, {"ha": "left"}, {"va": "top"}, {"va": "bottom"}])
def test_a_label_at_an_edge_moves_into_the_picture_and_off_the_numbers(way, look) -> None:
    (ax,) = figure_with()
    style.label(ax, *way, "a rather long label", style.BLUE, **look)
    assert not drawn.text_faults(ax.figure)
    left, top, right, bottom = boxes(ax)["a rather long label"]
    panel = ax.bbox
    assert left >= panel.x0 - 1
    assert bottom <= ax.figure.bbox.height - panel.y0 + 1
    assert right <= ax.figure.bbox.width
    assert top >= ax.figure.bbox.height - panel.y1 - 12  # below the title


def test_a_label_beyond_the_limits_is_left_out() -> None:
    (ax,) = figure_with()
    for place in ((11, 5), (5, -1)):
        style.label(ax, *place, "nowhere", style.BLUE)
    assert "nowhere" not in boxes(ax)


def test_labels_make_way_for_those_before_them_and_no_further_than_they_must() -> None:
    (ax,) = figure_with()
    for number in range(3):
        style.label(ax, 5, 5 + 0.05 * number, f"label {number}", style.BLUE)
    assert not drawn.text_faults(ax.figure)
    found = boxes(ax)
    style.label(ax, 5, 8, "label 3", style.BLUE)
    assert {name: box for name, box in boxes(ax).items() if name != "label 3"} == found
    middles = [np.mean(found[f"label {number}"][1::2]) for number in range(3)]
    height = ax.texts[0].get_window_extent().height
    assert np.ptp(middles) <= 2.2 * height
    assert middles[0] == pytest.approx(200 - 16 * 0, abs=40)  # where it was put


def test_a_label_that_cannot_be_clear_nearby_stays_where_it_belongs() -> None:
    (ax,) = figure_with()
    for level in np.linspace(0, 10, 60):
        ax.text(5, level, "taken")
    style.label(ax, 5, 5, "label", style.BLUE, xytext=(0, 0))
    want = box_of_a_plain_text((5, 5), "label", xytext=(0, 0), va="center", fontsize=9)
    assert ax.texts[-1].get_window_extent().bounds == pytest.approx(want.bounds)


@pytest.mark.parametrize(
    "other",
    [
        lambda ax: note(ax, 0.5, 0.52, "a note"),
        lambda ax: key(ax, [("●", "seen", style.BLUE)], 0.6, 0.52),
        lambda ax: words(ax, [(5.5, 5)], ["words"], paper=1.0),
        lambda ax: ax.text(5.2, 4.9, "plain text"),
    ],
    ids=["note", "key", "words", "text"],
)
def test_a_label_makes_way_for_other_texts_also_later_ones(other) -> None:
    (ax,) = figure_with()
    style.label(ax, 5, 5, "label", style.BLUE)
    other(ax)
    assert not drawn.text_faults(ax.figure)
    ax.texts[0].set_visible(False)
    alone = boxes(ax)
    ax.texts[0].set_visible(True)
    assert {name: box for name, box in boxes(ax).items() if name != "label"} == alone


def test_labels_move_alike_in_moving_and_in_settled_pictures() -> None:
    def plot(result, ax) -> None:
        ax.set(xlim=(0, 10), ylim=(0, 10))
        for number in range(3):
            style.label(ax, 9.5, 5 + 0.05 * number, f"a long label {number}", style.BLUE)

    canvas, found = Canvas(plot), []
    canvas.draw([simulate_wave(height=1.0)])
    for draw, scale in ((canvas.moving_png, 1), (canvas.settled_png, 2), (canvas.moving_png, 1)):
        draw()
        stand = [text.get_window_extent() for text in canvas.axes[0].texts]
        found.append([(box.x1 / scale, (box.y0 + box.y1) / 2 / scale) for box in stand])
    np.testing.assert_allclose(found[1], found[0], atol=2.5)
    np.testing.assert_allclose(found[2], found[0])


# --- notes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [-0.1, 0.0, 0.8, 1.0])
@pytest.mark.parametrize("y", [-0.2, 0.0, 1.0, 1.1])
def test_a_note_is_kept_in_the_picture(x, y) -> None:
    (ax,) = figure_with()
    note(ax, x, y, "a rather long note", style.BLUE, ha="center")
    assert not drawn.texts_cut(ax.figure)


def test_a_note_is_kept_off_the_numbers_and_the_neighbouring_panel() -> None:
    left, right = figure_with(2)
    note(left, 0.9, 0.5, "a note that has no room there")
    note(right, 0.1, 0.42, "and one of the other panel", ha="right")
    note(right, 0.5, 0.01, "low")
    note(left, 0.5, 1, "high", va="bottom")
    left.set_title("A title")
    assert not drawn.text_faults(left.figure)


def test_a_note_may_stand_beside_its_axes_where_it_is_meant_to() -> None:
    (ax,) = figure_with()
    ax.set(xticks=[], yticks=[], xlabel="", ylabel="")
    note(ax, -0.02, 0.5, "a row", ha="right")
    note(ax, 0.5, -0.05, "a column")
    note(ax, 0.5, 1.1, "a heading")
    found, panel = boxes(ax), ax.bbox
    assert found["a row"][2] < panel.x0
    assert found["a column"][1] > ax.figure.bbox.height - panel.y0
    assert found["a heading"][3] < ax.figure.bbox.height - panel.y1


def test_what_is_wider_than_the_picture_shows_its_beginning() -> None:
    (ax,) = figure_with()
    note(ax, 0.5, 0.5, "far " * 60)
    assert boxes(ax)["far " * 60][0] == pytest.approx(ax.bbox.x0, abs=2)


@pytest.mark.parametrize(
    ("box", "way"),
    [
        ((2, 2, 4, 4), (0, 0)),
        ((-3, 2, 4, 4), (3, 0)),
        ((8, 9, 11, 13), (-1, -3)),
        ((2, -1, 30, 4), (-2, 1)),
    ],
)
def test_the_way_into_a_room(box, way) -> None:
    room = Bbox.from_extents(0, 0, 10, 10)
    assert letters.into(room, Bbox.from_extents(*box)) == way


# --- names on an axis -------------------------------------------------------------------------


def test_long_names_beside_an_axis_are_broken_where_they_would_be_cut() -> None:
    left, right = figure_with(2)
    for ax in (left, right):
        named_axis(ax, "y", ["none", "write behind the back", "single-flight-of-birds"], [1, 4, 8])
        ax.set_ylabel("")
    names = list(drawn.ticks(right, "y").values())
    assert names == ["none", "write behind\nthe back", "single-flight-\nof-birds"]
    (ax,) = figure_with()
    named_axis(ax, "y", ["none", "a few"])
    assert list(drawn.ticks(ax, "y").values()) == ["none", "a few"]


def test_long_names_below_an_axis_are_broken_where_they_would_touch() -> None:
    (ax,) = figure_with()
    named_axis(ax, "x", [f"number {n} of many" for n in range(7)])
    ax.set_xlim(-0.5, 6.5)
    assert not drawn.text_faults(ax.figure)
    assert drawn.ticks(ax, "x")[0] == "number 0\nof many"
    named_axis(ax, "x", ["number 0 of many", "number 1 of many"])
    assert drawn.ticks(ax, "x")[0] == "number 0 of many"


@pytest.mark.parametrize(
    ("text", "room_pt", "lines"),
    [
        ("one two", 100, "one two"),
        ("one two", 5, "one\ntwo"),
        ("a bb ccc dddd", 5, "a bb ccc\ndddd"),
        ("single-flight", 5, "single-\nflight"),
        ("unbreakable", 5, "unbreakable"),
        ("two\nlines that are long", 5, "two\nlines that are long"),
        ("trailing-", 5, "trailing-"),
        ("", 5, ""),
    ],
)
def test_where_a_text_is_broken(text, room_pt, lines) -> None:
    assert letters.broken(text, room_pt, 9.0) == lines


@pytest.mark.parametrize("text", ["i", "early refresh", "WWW"])
def test_the_width_of_a_text_is_that_of_its_ink(text) -> None:
    with style.context():
        figure = Figure(figsize=(4, 1), dpi=200)
        canvas = FigureCanvasAgg(figure)
        figure.text(0.1, 0.5, text, fontsize=12, color="black")
        canvas.draw()
    columns = np.nonzero(np.asarray(canvas.buffer_rgba())[:, :, 0] < 128)[1]
    wide_px = columns.max() - columns.min() + 1
    assert letters.width_pt(text, 12.0) == pytest.approx(wide_px * 72 / 200, abs=1.2)
