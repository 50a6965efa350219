"""Words stand where matplotlib would write them, in their colours, on their paper."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from helpers.foundations.drawing.words import words
from tests import drawn


def ink(figure: Figure) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels that were drawn on."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.nonzero(np.asarray(canvas.buffer_rgba())[:, :, 0] < 120)


#: Since then it keeps lines as far apart as asked, whatever is written in them.
SINCE_LINES_ARE_EVEN = (3, 11)
TEXTS = ["gypsy", "two\nlines", "read\nthe\nlease"]


def edges(write, dpi: int) -> list[int]:
    """First and last row and column of what is written on empty axes."""
    ax = Figure(figsize=(4, 2), dpi=dpi).subplots()
    ax.set_axis_off()
    write(ax)
    rows, columns = ink(ax.figure)
    return [rows.min(), rows.max(), columns.min(), columns.max()]


@pytest.mark.parametrize("ha", ["left", "center", "right"])
@pytest.mark.parametrize("va", ["bottom", "center", "top"])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("dpi", [100, 200])
def test_words_stand_where_matplotlib_writes_them(ha, va, text, dpi) -> None:
    if "\n" in text and matplotlib.__version_info__[:2] < SINCE_LINES_ARE_EVEN:
        pytest.skip("lines of a text are less even in this version of matplotlib")
    look = {"fontsize": 11, "weight": "bold", "ha": ha, "va": va}
    ours = edges(lambda ax: words(ax, [(0.42, 0.53)], [text], **look), dpi)
    theirs = edges(lambda ax: ax.text(0.42, 0.53, text, multialignment=ha, **look), dpi)
    assert np.abs(np.subtract(ours, theirs)).max() <= 1.5 * dpi / 100


@pytest.mark.parametrize("va", ["bottom", "center", "top"])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("dpi", [100, 200])
def test_lines_stand_evenly_around_their_place(va, text, dpi) -> None:
    """A text of several lines is a row of texts of one line, each a line farther down."""
    size, lines = 11.0, text.split("\n")
    apart_pt = 1.2 * size if len(lines) > 1 else size
    whole = apart_pt * len(lines)
    middle = {"top": -0.5, "center": 0.0, "bottom": 0.5}[va] * whole

    def apart(ax) -> None:
        for row, line in enumerate(lines):
            up = middle + ((len(lines) - 1) / 2 - row) * apart_pt
            words(ax, [(0.42, 0.53)], [line], offset_pt=(0, up), fontsize=size)

    together = edges(lambda ax: words(ax, [(0.42, 0.53)], [text], va=va, fontsize=size), dpi)
    assert np.abs(np.subtract(together, edges(apart, dpi))).max() <= 1


@pytest.mark.parametrize("text", ["gypsy", "two\nlines"])
def test_the_box_around_words_holds_their_ink_and_little_else(text) -> None:
    ax = Figure(figsize=(4, 2), dpi=200).subplots()
    ax.set_axis_off()
    words(ax, [(0.42, 0.53)], [text], fontsize=20, weight="bold", offset_pt=(9, -4))
    rows, columns = ink(ax.figure)
    (box,) = ax.artists[0].extents(ax.figure.canvas.get_renderer())
    left, right, top, bottom = columns.min(), columns.max(), 399 - rows.min(), 399 - rows.max()
    assert (left, right) == pytest.approx((box.x0, box.x1), abs=6)
    # There is room for tall letters above short ones, and for tails below others.
    size = 20 / 72 * 200
    assert 0 <= box.y1 - top <= size / 2
    assert -2 <= bottom - box.y0 <= size / 2


def test_words_have_their_colours_and_offsets() -> None:
    ax = Figure(figsize=(4, 2), dpi=100).subplots()
    ax.set_axis_off()
    ax.set(xlim=(0, 400), ylim=(0, 200))
    ax.set_position((0, 0, 1, 1))
    look = {"color": ["red", "blue"], "fontsize": 20, "weight": "bold"}
    words(ax, [(100, 100), (300, 100)], ["I", "I"], offset_pt=(36, -18), **look)
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba()).astype(int)
    for channel, x in ((0, 100), (2, 300)):
        seen = (pixels[:, :, channel] > 200) & (pixels[:, :, 1] < 60)
        rows, columns = np.nonzero(seen)
        assert columns.mean() == pytest.approx(x + 50, abs=2)
        assert 199 - rows.mean() == pytest.approx(100 - 25, abs=4)


def test_invisible_words_are_not_drawn() -> None:
    ax = Figure(figsize=(4, 2), dpi=100).subplots()
    ax.set_axis_off()
    words(ax, [(0.5, 0.5)], ["here"])
    assert ink(ax.figure)[0].size
    ax.artists[0].set_visible(False)
    assert not ink(ax.figure)[0].size


def test_bad_words_are_refused() -> None:
    ax = Figure().subplots()
    with pytest.raises(ValueError, match="ha must be one of"):
        words(ax, [(0, 0)], ["a"], ha="middle")
    with pytest.raises(ValueError, match="va must be one of"):
        words(ax, [(0, 0)], ["a"], va="baseline")
    with pytest.raises(ValueError, match="places must be one for each of the 2 texts, got 1"):
        words(ax, [(0, 0)], ["a", "b"])


def test_paper_hides_what_is_behind_the_words_and_no_more() -> None:
    def dark(paper: float) -> np.ndarray:
        ax = Figure(figsize=(4, 2), dpi=100).subplots()
        ax.set_axis_off()
        ax.set_position((0, 0, 1, 1))
        ax.set_facecolor("black")
        ax.add_patch(Rectangle((0, 0), 1, 1, color="black"))
        words(ax, [(0.5, 0.5)], ["iii"], fontsize=20, color="white", paper=paper, in_axes=True)
        canvas = FigureCanvasAgg(ax.figure)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[:, :, 0] < 200

    assert dark(1.0).sum() < dark(0.0).sum()
    rows, columns = np.nonzero(~dark(1.0))
    letters = np.nonzero(~dark(0.0))
    for whole, part, reach in ((rows, letters[0], 12), (columns, letters[1], 6)):
        assert part.min() - reach <= whole.min() <= part.min()
        assert part.max() < whole.max() <= part.max() + reach
    assert not dark(1.0)[rows.min() : rows.max(), columns.min() : columns.max()].any()


def test_words_reach_over_the_edge_of_the_axes_whole_and_stay_in_the_picture() -> None:
    ax = Figure(figsize=(4, 2), dpi=100).subplots()
    ax.set(xticks=[], yticks=[])
    for side in ax.spines.values():
        side.set_visible(False)
    words(ax, [(1, 0.8), (0, 0.2)], ["over the edge", "a very long name"], fontsize=12)
    assert not drawn.text_faults(ax.figure)
    boxes = {one.text: one.box for one in drawn.texts_of(ax.figure)}
    assert boxes["over the edge"][2] > ax.bbox.x1 + 20
    assert boxes["a very long name"][0] < ax.bbox.x0
    words(ax, [(1, 0.5)], ["far over the edge of the picture"], fontsize=12)
    assert not drawn.text_faults(ax.figure)


def test_words_beside_the_axes_are_left_out() -> None:
    ax = Figure(figsize=(4, 2), dpi=100).subplots()
    words(ax, [(1.2, 0.5), (0.5, -0.3), (0.5, 0.5)], ["right", "below", "here"])
    words(ax, [(1.05, 0.5)], ["in fractions"], in_axes=True)
    said = {one.text for one in drawn.texts_of(ax.figure)}
    assert {"here", "in fractions"} <= said
    assert not said & {"right", "below"}
