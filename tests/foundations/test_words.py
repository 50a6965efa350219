"""Words stand where matplotlib would write them, in their colours, on their paper."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from helpers.foundations.drawing.words import words


def ink(figure: Figure) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels that were drawn on."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.nonzero(np.asarray(canvas.buffer_rgba())[:, :, 0] < 120)


@pytest.mark.parametrize("ha", ["left", "center", "right"])
@pytest.mark.parametrize("va", ["bottom", "center", "top"])
@pytest.mark.parametrize("text", ["gypsy", "two\nlines", "read\nthe\nlease"])
@pytest.mark.parametrize("dpi", [100, 200])
def test_words_stand_where_matplotlib_writes_them(ha, va, text, dpi) -> None:
    edges = []
    for write in (
        lambda ax: words(ax, [(0.42, 0.53)], [text], fontsize=11, weight="bold", ha=ha, va=va),
        lambda ax: ax.text(
            0.42, 0.53, text, fontsize=11, fontweight="bold", ha=ha, va=va, multialignment=ha
        ),
    ):
        ax = Figure(figsize=(4, 2), dpi=dpi).subplots()
        ax.set_axis_off()
        write(ax)
        rows, columns = ink(ax.figure)
        edges.append([rows.min(), rows.max(), columns.min(), columns.max()])
    assert np.abs(np.subtract(*edges)).max() <= 1.5 * dpi / 100


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
        assert part.min() - reach <= whole.min() < part.min()
        assert part.max() < whole.max() <= part.max() + reach
    assert not dark(1.0)[rows.min() : rows.max(), columns.min() : columns.max()].any()
