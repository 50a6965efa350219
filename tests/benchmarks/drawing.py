"""What drawing costs without a browser: a new figure, and each way in which less is done."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from PIL import Image

from helpers.caching import strategies
from helpers.explore.canvas import Canvas
from helpers.explore.png import Backdrop
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars
from helpers.foundations.drawing.words import words
from helpers.foundations.experiment import Result
from tests.benchmarks.timing import Table, interleaved
from tests.explore.samples import plot_wave, simulate_wave

_Pair = tuple[Callable[[], object], Callable[[], object]]


def measure_drawing(report: Callable[[str], None]) -> Iterator[Table]:
    """Yield what a redraw costs, and what each technique brings.

    Raises
    ------
    AssertionError
        If a technique gives another result than what it replaced.
    """
    report("drawing: redraw")
    yield _redraw()
    report("drawing: techniques")
    yield _techniques()


def _moving(canvas: Canvas, results: Sequence[Result]) -> Callable[[], list[bytes]]:
    """Return what draws results one after the other, as while a slider moves."""

    def draw() -> list[bytes]:
        pictures = []
        for result in results:
            canvas.draw((result,))
            pictures.append(canvas.moving_png())
        return pictures

    return draw


def _redraw() -> Table:
    """A new figure for every value, against the explorer's canvas, without a browser."""
    results = [simulate_wave(height=height) for height in (2.0, 3.0)]
    canvas = Canvas(plot_wave)
    quick = _moving(canvas, results)

    def settled():
        for result in results:
            canvas.draw((result,))
            canvas.settled_png()

    def usual():
        for result in results:
            figure, ax = plt.subplots(figsize=(7.2, 4.0))
            plot_wave(result, ax)
            figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")
            plt.close(figure)

    quick()
    seconds = interleaved(
        {"moving": quick, "settled, twice the pixels": settled, "new figure, as interact": usual}
    )
    base = seconds["new figure, as interact"]
    table = Table("Redraw", ("way", "ms", "x faster than a new figure"))
    table.rows = [(name, f"{t * 500:.1f}", f"{base / t:.1f}") for name, t in seconds.items()]
    table.notes.append("One curve of 200 points on fixed axes. Target: moving at least 15x.")
    return table


def _techniques() -> Table:
    table = Table("Techniques", ("what", "before, ms", "after, ms", "x faster"))
    for name, before, after in (
        ("twelve bars: an artist each, one path", *_bars()),
        ("twelve words: an artist each, one artist", *_words()),
        ("a picture of 960 x 720: by Pillow, what changed alone", *_encoding()),
    ):
        seconds = interleaved({"before": before, "after": after})
        was, now = seconds["before"], seconds["after"]
        table.rows.append((name, f"{was * 1e3:.2f}", f"{now * 1e3:.2f}", f"{was / now:.1f}"))
    table.notes.append(
        "How explorers that had missed a target were mended, or all of them at once. What a step "
        "that was made ready brings stands in the first table: a press beside a jump."
    )
    return table


def _bars() -> _Pair:
    lengths = np.arange(12) + 1.0

    def many(ax: Axes) -> None:
        ax.bar(range(12), lengths)

    return _on_axes(many, lambda ax: bars(ax, range(12), lengths, facecolor=style.BLUE))


def _words() -> _Pair:
    texts = [f"{n} ms" for n in range(12)]
    places = np.column_stack([range(12), range(12)])

    def many(ax: Axes) -> None:
        for (x, y), text in zip(places, texts, strict=True):
            ax.text(x, y, text, ha="center", va="center", fontsize=9)

    return _on_axes(many, lambda ax: words(ax, places, texts))


def _on_axes(*plots: Callable[[Axes], None]) -> _Pair:
    """Draw each plot on a canvas like an explorer's, with limits that stay."""

    def drawing(plot: Callable[[Axes], None]) -> Callable[[], list[bytes]]:
        def on_fixed_axes(result: object, ax: Axes) -> None:
            ax.set(xlim=(-1, 12), ylim=(0, 13))
            plot(ax)

        draw = _moving(Canvas(on_fixed_axes), [simulate_wave(height=2.0)])
        draw()
        return draw

    before, after = (drawing(plot) for plot in plots)
    return before, after


def _encoding() -> _Pair:
    canvas = Canvas(strategies.plot)
    canvas.draw((strategies.simulate(),))
    canvas.moving_png()
    drawn = np.asarray(canvas.figure.canvas.get_renderer().buffer_rgba()).copy()
    backdrop = Backdrop(np.full_like(drawn, 255))

    def before() -> bytes:
        file = io.BytesIO()
        Image.fromarray(drawn).save(file, "png")
        return file.getvalue()

    return before, lambda: backdrop.png(drawn)
