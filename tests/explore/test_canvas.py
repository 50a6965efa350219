"""The quick picture shows what the full picture shows, whatever changed in between."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from helpers.explore import canvas as module
from helpers.explore.canvas import Canvas
from helpers.foundations.drawing import style
from helpers.foundations.drawing.words import words
from tests.explore.samples import plot_two, plot_wave, plot_wave_scaled, simulate_wave


def plot_with_named_ticks(result, ax):
    plot_wave(result, ax)
    ax.set_xticks([0, 1], ["low", "high"] if result.height < 5 else ["few", "many"])


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=int)


def unlike(one: bytes, other: bytes) -> float:
    """Return the fraction of pixels that differ visibly."""
    return float((np.abs(pixels(one) - pixels(other)).max(axis=2) > 60).mean())


def quick_and_full(canvas: Canvas, height: float) -> tuple[bytes, bytes]:
    """Draw one result on a canvas in use, and on a fresh one."""
    result = simulate_wave(height=height)
    canvas.draw((result,))
    fresh = Canvas(canvas._plot)
    fresh.draw((result,))
    return canvas.moving_png(), fresh.moving_png()


@pytest.mark.parametrize(
    "plot",
    [plot_wave, plot_wave_scaled, plot_two, plot_with_named_ticks],
    ids=["fixed", "scaled", "two panels", "named ticks"],
)
def test_a_canvas_in_use_draws_what_a_fresh_one_draws(plot):
    canvas = Canvas(plot)
    for height in (1.0, 8.0, 3.0, 3.0):
        quick, full = quick_and_full(canvas, height)
        assert quick == full


@style.panels(2)
def plot_beside_a_still_one(result, axes):
    still, scaled = axes
    plot_wave(result, still)
    plot_wave_scaled(result, scaled)
    scaled.set_ylabel(f"up to {result.height}")


@style.panels(2)
def plot_beside_a_blank_one(result, axes):
    blank, scaled = axes
    blank.set_axis_off()
    plot_wave_scaled(result, scaled)


@pytest.mark.parametrize("plot", [plot_beside_a_still_one, plot_beside_a_blank_one])
def test_only_the_panel_that_changed_is_drawn_anew_and_nothing_old_stays(plot, monkeypatch):
    drawn = []
    draw = module._Layer.draw
    canvas = Canvas(plot)
    quick_and_full(canvas, 1.0)
    monkeypatch.setattr(
        module._Layer, "draw", lambda self, renderer: (drawn.append(self._ax), draw(self, renderer))
    )
    for height in (8.0, 3.0):
        canvas.draw((simulate_wave(height=height),))
        canvas.moving_png()
        assert drawn.pop() is canvas.axes[1]
        assert not drawn
    monkeypatch.undo()
    quick, full = quick_and_full(canvas, 3.0)
    assert quick == full


@pytest.mark.parametrize("plot", [plot_wave, plot_wave_scaled, plot_two])
def test_the_quick_picture_shows_what_the_settled_one_shows(plot, monkeypatch):
    monkeypatch.setattr(module, "_SHARP", 1)
    canvas = Canvas(plot)
    for height in (1.0, 8.0):
        canvas.draw((simulate_wave(height=height),))
        # Only the order of spines and curves differs: a few pixels where they cross.
        assert unlike(canvas.moving_png(), canvas.settled_png()) < 0.001


def test_a_background_kept_too_long_would_be_noticed(monkeypatch):
    monkeypatch.setattr(module, "_scenery", lambda ax: "always the same")
    canvas = Canvas(plot_wave_scaled)
    quick_and_full(canvas, 1.0)
    quick, full = quick_and_full(canvas, 8.0)
    assert quick != full


def test_settled_pictures_have_twice_the_resolution():
    canvas = Canvas(plot_wave)
    canvas.draw((simulate_wave(height=2.0),))
    moving, settled = pixels(canvas.moving_png()), pixels(canvas.settled_png())
    assert settled.shape[:2] == (2 * moving.shape[0], 2 * moving.shape[1])
    assert moving.shape[:2] == (canvas.height_px, canvas.width_px)
    assert pixels(canvas.moving_png()).shape == moving.shape


def test_a_pinned_curve_stays_as_a_ghost_and_goes_when_it_is_dropped():
    canvas = Canvas(plot_wave)
    now, before = simulate_wave(height=2.0), simulate_wave(height=8.0)
    canvas.draw((now,))
    alone = canvas.moving_png()
    canvas.draw((now,), pinned=(before,))
    together = canvas.moving_png()
    assert unlike(alone, together) > 0.001
    canvas.draw((now,))
    assert canvas.moving_png() == alone


def test_a_pinned_curve_leaves_its_words_behind():
    def plot_with_words(result, ax):
        ax.set(xlim=(0, 1), ylim=(0, 1))
        ax.text(0.2, 0.2, "one")
        words(ax, [(0.6, 0.6)], ["many"])

    now = simulate_wave(height=2.0)
    alone, together = Canvas(plot_with_words), Canvas(plot_with_words)
    alone.draw((now,))
    together.draw((now,), pinned=(now,))
    assert together.moving_png() == alone.moving_png()
    assert len(together.axes[0].artists) == len(together.axes[0].texts) == 1


def test_a_plot_that_adds_axes_is_refused():
    def plot_twin(result, ax):
        plot_wave(result, ax)
        ax.twinx()

    with pytest.raises(RuntimeError, match="plot_twin added axes"):
        Canvas(plot_twin).draw((simulate_wave(height=1.0),))


def test_a_learners_own_matplotlib_settings_are_left_alone():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    canvas = Canvas(plot_wave)
    canvas.draw((simulate_wave(height=1.0),))
    canvas.settled_png()
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("text", ["p99 = 73 ms", "gypsy, Äq", "1", "two\nlines (and a half)"])
@pytest.mark.parametrize("place", [(200.0, 160.0), (211.37, 183.62)])
@pytest.mark.parametrize("dpi", [module._DPI, module._DPI * module._SHARP])
@pytest.mark.parametrize("angle", [0, 90, 30])
def test_a_stamped_text_stands_where_matplotlib_writes_it(text, place, dpi, angle):
    def ink(canvas_type) -> np.ndarray:
        figure = Figure(figsize=(4, 4), dpi=dpi)
        canvas = canvas_type(figure)
        look = {"ha": "center", "color": "black", "rotation": angle}
        figure.text(place[0] / 400, place[1] / 400, text, **look)
        canvas.draw()
        return 255 - np.asarray(canvas.buffer_rgba())[:, :, 0].astype(int)

    def edges(image: np.ndarray) -> np.ndarray:
        return np.array([[where.min(), where.max()] for where in np.nonzero(image > 60)])

    stamped, written = ink(module._StampingAgg), ink(FigureCanvasAgg)
    assert np.abs(edges(stamped) - edges(written)).max() <= 1 + (angle % 90 > 0)
    assert stamped.sum() == pytest.approx(written.sum(), rel=0.02)


def test_a_stamped_text_keeps_its_colour_and_size():
    def picture(**look) -> bytes:
        canvas = Canvas(lambda result, ax: ax.text(0.5, 0.5, "overload", **look))
        canvas.draw((simulate_wave(height=1.0),))
        return canvas.moving_png()

    plain = picture(color="red")
    assert (np.abs(pixels(plain) - (255, 0, 0)) < 16).all(axis=2).any()  # letters' edges mix in
    assert picture(color="red", fontsize=14) != plain != picture(color="blue")
    assert picture(color="red") == plain
