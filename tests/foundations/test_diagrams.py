"""Arrows reach what they point at; boxes have the corners that were asked for."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.foundations.drawing.diagrams import arrows, fill_boxes, round_boxes


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


def test_no_arrows_are_no_trouble(ax) -> None:
    arrows(ax, [], [], colors=[])
    assert all(len(each.get_paths()) == 0 for each in ax.collections)


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


def test_boxes_are_filled_from_the_left_within_their_outline(ax) -> None:
    middles, shape = [(10, 5), (40, 2), (60, 8)], (8, 3, 1)
    round_boxes(ax, middles, *shape)
    fill_boxes(ax, middles, *shape, [0.25, 1.0, 0.0], facecolors=["red", "green", "blue"])
    boxes, fills = ax.collections
    quarter, whole, nothing = fills.get_paths()
    assert quarter.get_extents().bounds == pytest.approx((6, 3.5, 2, 3))
    assert quarter.contains_points([(6.1, 5), (7.9, 5)]).all()
    assert not quarter.contains_points([(6.02, 3.52), (8.1, 5)]).any()
    assert whole.get_extents().bounds == pytest.approx(boxes.get_paths()[1].get_extents().bounds)
    assert nothing.get_extents().width == 0
    assert len(fills.get_facecolors()) == 3
