"""Arrows reach what they point at; boxes have the corners that were asked for."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from helpers.foundations.diagrams import arrows, round_boxes, words


@pytest.fixture
def ax() -> Axes:
    ax = Figure(figsize=(7, 4), dpi=100).subplots()
    ax.set(xlim=(0, 70), ylim=(0, 9))  # unlike scales, so that skewed heads would show
    return ax


TAILS, TIPS = np.array([(5, 1), (60, 8), (20, 2)]), np.array([(50, 1), (10, 3), (20, 7)])


def test_an_arrow_begins_and_ends_where_it_should(ax) -> None:
    arrows(ax, TAILS, TIPS, colors="black")
    lines, heads = ax.collections
    np.testing.assert_allclose([line[0] for line in lines.get_segments()], TAILS)
    np.testing.assert_allclose([head.vertices[0] for head in heads.get_paths()], TIPS)


def test_a_head_has_its_size_in_points_and_points_along_the_line(ax) -> None:
    arrows(ax, TAILS, TIPS, head_pt=(10, 4), colors="black")
    lines, heads = ax.collections
    for line, head in zip(lines.get_segments(), heads.get_paths(), strict=True):
        tip, left, right = ax.transData.transform(head.vertices[:3]) * 72 / 100
        start, end = ax.transData.transform(line) * 72 / 100
        along = (tip - start) / np.linalg.norm(tip - start)
        base = (left + right) / 2
        assert np.linalg.norm(left - right) == pytest.approx(8)
        np.testing.assert_allclose(tip - base, 10 * along, atol=1e-9)
        assert abs((left - right) @ along) < 1e-9
        np.testing.assert_allclose(tip - end, 7 * along, atol=1e-9)  # within the head


def test_each_arrow_may_look_different(ax) -> None:
    arrows(ax, TAILS, TIPS, colors=["red", "green", "blue"], linewidths=[1, 2, 3], zorder=4,
           head_zorder=6)  # fmt: skip
    lines, heads = ax.collections
    assert lines.get_linewidths() == [1, 2, 3]
    np.testing.assert_array_equal(lines.get_colors(), heads.get_facecolors())
    assert (lines.get_zorder(), heads.get_zorder()) == (4, 6)


def test_boxes_fill_their_size_but_for_the_corners(ax) -> None:
    round_boxes(ax, [(10, 5), (40, 2)], 8, 3, 1, facecolors=["red", "blue"])
    (boxes,) = ax.collections
    for path, (x, y) in zip(boxes.get_paths(), [(10, 5), (40, 2)], strict=True):
        assert path.get_extents().bounds == pytest.approx((x - 4, y - 1.5, 8, 3))
        inside = path.contains_points([(x, y), (x + 3.9, y), (x, y - 1.4), (x + 2.9, y + 1.4)])
        assert inside.all()
        corners = [(x + a * 3.98, y + b * 1.48) for a in (-1, 1) for b in (-1, 1)]
        assert not path.contains_points(corners).any()


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


def test_bad_words_are_refused(ax) -> None:
    with pytest.raises(ValueError, match="ha must be one of"):
        words(ax, [(0, 0)], ["a"], ha="middle")
    with pytest.raises(ValueError, match="va must be one of"):
        words(ax, [(0, 0)], ["a"], va="baseline")
    with pytest.raises(ValueError, match="places must be one for each of the 2 texts, got 1"):
        words(ax, [(0, 0)], ["a", "b"])
