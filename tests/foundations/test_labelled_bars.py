"""Bars with their numbers and theory's ticks, read back."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from helpers.foundations.drawing import style
from helpers.foundations.drawing.labelled_bars import labelled_bars
from tests import drawn

VALUES, THEORY = {"a": 0.2, "b": 0.5, "c": 0.1}, {"a": 0.25, "b": np.nan}


def test_bars_numbers_and_ticks_are_those_given() -> None:
    ax = Figure().subplots()
    labelled_bars(ax, ["b", "a", "c"], VALUES, THEORY, scale=100, unit="%")
    assert drawn.bars(ax, facecolor=style.BLUE).ends.tolist() == [50, 20, 10]
    assert drawn.written(ax) == ["50 %", "20 %", "10 %"]
    rows, ticks = drawn.marks(ax, "x")
    assert (rows.tolist(), ticks.tolist()) == ([1], [25])
    assert drawn.ticks(ax, "y") == {0: "b", 1: "a", 2: "c"}


def test_one_bar_stands_out_and_none_begins_below_the_axis() -> None:
    ax = Figure().subplots()
    labelled_bars(ax, "abc", VALUES, {}, chosen="b", left=0.15, shown=["A", "B", "C"])
    assert drawn.bars(ax, facecolor=style.BLUE).places.tolist() == [1]
    pale = drawn.bars(ax, facecolor=style.PALE_BLUE)
    assert pale.places.tolist() == [0, 2]
    assert pale.starts.tolist() == [0.15, 0.15]
    assert pale.ends.tolist() == [0.2, 0.15]
    assert drawn.ticks(ax, "y")[2] == "C"
