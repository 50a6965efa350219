"""What drawing costs without a browser: a new figure, and each way in which less is done."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from PIL import Image

from helpers import caching
from helpers.caching.simulation import strategies
from helpers.explore.canvas import Canvas
from helpers.explore.png import Backdrop
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars
from helpers.foundations.drawing.words import words
from helpers.foundations.experiment import Result
from tests.benchmarks.timing import Table, interleaved
from tests.caching import written_out
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
        ("four caching strategies: one operation at a time, all at once", *_strategies()),
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


def _strategies() -> _Pair:
    """Run what `simulate_strategies` runs, operations of 200 keys at the explorer's defaults."""
    operations, order, traffic = written_out.some_traffic(
        seed=1, keys=200, count=12_000, rate_rps=200, shares=(0.9, 0.09, 0.01)
    )

    def written() -> Iterator[written_out.CacheAside]:
        yield written_out.CacheAside(5.0)
        yield written_out.WriteThrough(5.0)
        yield written_out.WriteBehind(5.0)
        yield written_out.RefreshAhead(5.0, 0.8)

    def before() -> None:
        for strategy in written():
            flush_s = 0.5
            for version, (now, key, kind) in enumerate(operations):
                while now >= flush_s:
                    strategy.flush()
                    flush_s += 0.5
                if kind == "read":
                    strategy.read(key, now)
                elif kind == "write":
                    strategy.write(key, version, now)
                else:
                    strategy.store(key, version)

    def after() -> list[np.ndarray]:
        expiry = traffic.first_after(5.0)
        return [
            strategies.drop_on_write(traffic, expiry, expiry).stale,
            strategies.fill_on_write(traffic, expiry).stale,
            strategies.fill_on_write(traffic, expiry, 0.5).stale,
            strategies.drop_on_write(traffic, expiry, traffic.first_after(0.8 * 5.0)).stale,
        ]

    for one, stale in zip(written(), after(), strict=True):
        assert np.array_equal(np.array(written_out.run(one, operations, 0.5)[0])[order, 2], stale)
    return before, after


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
    canvas = Canvas(caching.plot_strategies)
    canvas.draw((caching.simulate_strategies(),))
    canvas.moving_png()
    drawn = np.asarray(canvas.figure.canvas.get_renderer().buffer_rgba()).copy()
    backdrop = Backdrop(np.full_like(drawn, 255))

    def before() -> bytes:
        file = io.BytesIO()
        Image.fromarray(drawn).save(file, "png")
        return file.getvalue()

    return before, lambda: backdrop.png(drawn)
