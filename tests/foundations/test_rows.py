"""Named rows: one height for each name, the first on top, and the names inside the picture."""

from __future__ import annotations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
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


def test_lines_that_cross_a_name_are_under_it() -> None:
    """All ink in a name's box is the ink of the name."""
    pictures = []
    for crossed in (False, True):
        with style.context():
            figure = Figure(figsize=(4, 3), dpi=100)
            ax = figure.subplots()
            named_rows(ax, ["one long name", "two"])
            ax.set_xticks([])
            if crossed:
                ax.vlines([0.03, 0.1, 0.2], -0.5, 1.9, color="red", zorder=4)
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
            box = ax.texts[0].get_window_extent()
        pixels = np.asarray(canvas.buffer_rgba())[::-1]
        rows, columns = slice(int(box.y0), int(box.y1)), slice(int(box.x0), int(box.x1))
        pictures.append(pixels[rows, columns])
    assert np.array_equal(*pictures)
