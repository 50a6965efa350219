"""Named rows: one height for each name, the first on top, and the names inside the picture."""

from __future__ import annotations

from matplotlib.figure import Figure

from helpers.foundations.drawing import style
from helpers.foundations.drawing.rows import named_rows
from tests.drawn import text_faults, ticks


def test_rows_are_named_from_the_top() -> None:
    with style.context():
        figure = Figure(figsize=(4, 3), dpi=100)
        ax = figure.subplots()
        heights = named_rows(ax, ["one", "two", "three"])
    assert heights.tolist() == [2.0, 1.0, 0.0]
    written = {text.get_text(): text.xy[1] for text in ax.texts}
    assert written == {"one": 2.0, "two": 1.0, "three": 0.0}
    low, high = ax.get_ylim()
    assert low < 0 < 2 < high
    assert not ticks(ax, "y")
    assert text_faults(figure) == []
