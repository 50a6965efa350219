"""Places of a picture that can be clicked are where the picture shows them."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from helpers.foundations.drawing.clicks import clickable, clickables


@pytest.fixture
def ax():
    figure = Figure(figsize=(8, 4), dpi=100)
    ax = figure.add_axes((0.25, 0.5, 0.5, 0.25))
    ax.set(xlim=(0, 10), ylim=(0, 100))
    return ax


def rectangle(spot):
    return pytest.approx((spot.left, spot.top, spot.width, spot.height))


def test_corners_become_fractions_of_the_figure_from_its_top_left(ax):
    clickable(ax, "left", "left half", 0, 0, 5, 100)
    clickable(ax, "all", "everything", 1, 1, 0, 0, in_axes=True)
    left, everything = clickables(ax.figure)
    assert (left.control, left.value, left.label) == ("left", None, "left half")
    assert rectangle(left) == (0.25, 0.25, 0.25, 0.25)
    assert rectangle(everything) == (0.25, 0.25, 0.5, 0.25)


def test_limits_set_afterwards_and_another_resolution_are_heeded(ax):
    clickable(ax, "a", "box", 0, 0, 5, 50)
    ax.set(xlim=(0, 5), ylim=(100, 0))
    ax.figure.set_dpi(200)
    (spot,) = clickables(ax.figure)
    assert rectangle(spot) == (0.25, 0.25, 0.5, 0.125)


def test_what_means_the_same_is_there_once_and_the_last_one_counts(ax):
    clickable(ax, "tier", "web", 0, 0, 1, 1, value="web")
    clickable(ax, "tier", "data", 2, 0, 3, 1, value="data")
    clickable(ax, "tier", "the web tier", 4, 0, 5, 1, value="web")
    web, data = clickables(ax.figure)
    assert (web.label, web.value, data.value) == ("the web tier", "web", "data")


def test_what_has_a_name_is_one_place_whatever_a_click_on_it_means(ax):
    clickable(ax, "word", "add a", 0, 0, 1, 1, value="xa", name="a")
    clickable(ax, "word", "add b", 2, 0, 3, 1, value="xb", name="b")
    clickable(ax, "word", "add a", 0, 0, 1, 1, value="xxa", name="a")
    first, second = clickables(ax.figure)
    assert [(spot.name, spot.value) for spot in (first, second)] == [("a", "xxa"), ("b", "xb")]


def test_what_is_removed_cannot_be_clicked(ax):
    clickable(ax, "a", "box", 0, 0, 5, 50)
    ax.get_children()[0].remove()
    assert clickables(ax.figure) == []


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda ax: clickable(ax, "a", "", 0, 0, 1, 1), TypeError, "needs a label"),
        (lambda ax: clickable(ax, "a", "b", 0, 0, float("nan"), 1), ValueError, "x1 must be"),
    ],
)
def test_what_cannot_be_clicked_is_refused(ax, act, error, words):
    with pytest.raises(error, match=words):
        act(ax)
