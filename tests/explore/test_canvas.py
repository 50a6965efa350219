"""The quick picture shows what the full picture shows, whatever changed in between."""

from __future__ import annotations

import io
import itertools
import os
import pickle
import subprocess
import sys
import threading

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from helpers.authoring.course import ROOT
from helpers.explore import canvas as module
from helpers.explore.canvas import Canvas
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, note, whiskers
from helpers.foundations.drawing.diagrams import round_boxes
from helpers.foundations.drawing.words import words
from tests.checks import sampled
from tests.explore.samples import plot_two, plot_wave, plot_wave_scaled, simulate_wave
from tests.settings import POPULAR, other_settings


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


def test_a_caption_is_put_on_a_picture_that_is_there_as_on_a_new_one(monkeypatch):
    def drawn(*before: str) -> bytes:
        canvas = Canvas(plot_of_everything)
        canvas.draw((simulate_wave(height=2.0),))
        for way in before:
            canvas.draw((simulate_wave(height=2.0),)) if way == "draw" else getattr(canvas, way)()
        return canvas.settled_png("Run me")

    new = drawn()
    for before in (["settled_png"], ["settled_png", "moving_png"], ["moving_png"],
                   ["settled_png", "draw"], ["settled_png", "settled_png"]):  # fmt: skip
        assert drawn(*before) == new, before
    canvas = Canvas(plot_wave)
    canvas.draw((simulate_wave(height=2.0),))
    plain = canvas.settled_png()
    times: list[int] = []
    draw = canvas._agg.draw
    monkeypatch.setattr(canvas._agg, "draw", lambda: times.append(1) or draw())
    with_caption, without = pixels(canvas.settled_png("Run me")), pixels(plain)
    corner = (slice(-40, None), slice(-200, None))
    assert (with_caption[corner] != without[corner]).any()
    assert times == []
    assert canvas._agg.renderer is None, "its pixels are not kept: a chapter has thirty canvases"
    assert canvas.settled_png() == plain, "the caption stays on that one picture"
    assert times == [1]


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


@pytest.mark.parametrize(
    "fill",
    [
        lambda ax: ax.axvspan(0.2, 0.8, 0.2, 0.8, color=style.BLUE),
        lambda ax: ax.fill_between([0.2, 0.8], 0.2, 0.8, color=style.BLUE, hatch="/"),
        lambda ax: bars(ax, [0.5], [0.6], 0.6, start=0.2, facecolor=style.BLUE),
        lambda ax: ax.bar([0.5], [0.6], 0.6, bottom=0.2, color=style.BLUE),
        lambda ax: round_boxes(ax, [(0.5, 0.5)], 0.6, 0.6, 0.05, facecolors=style.BLUE),
    ],
    ids=["axvspan", "fill_between", "bars", "bar", "boxes"],
)
def test_what_is_filled_leaves_its_outline_behind(fill):
    def plot(result, ax):
        ax.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
        if result.height < 2:
            fill(ax)

    canvas = Canvas(plot)
    canvas.draw((simulate_wave(height=2.0),))
    blank = pixels(canvas.moving_png())
    canvas.draw((simulate_wave(height=2.0),), pinned=(simulate_wave(height=1.0),))
    changed = np.abs(pixels(canvas.moving_png()) - blank).max(axis=2) > 16
    (left, top), (right, bottom) = (
        canvas.axes[0].transAxes.transform(corner).round().astype(int)
        for corner in ((0.25, 0.75), (0.75, 0.25))
    )
    inside = changed[canvas.height_px - top : canvas.height_px - bottom, left:right]
    assert inside.size
    assert not inside.any()
    assert changed.any()


def test_pale_lines_leave_paler_ghosts_than_dark_ones():
    def darkest(colour: str) -> int:
        def plot(result, ax):
            ax.set(xlim=(0, 1), ylim=(0, 1))
            ax.set_axis_off()
            if result.height < 2:
                ax.axhline(0.5, color=colour, linewidth=3)

        canvas = Canvas(plot)
        canvas.draw((simulate_wave(height=2.0),), pinned=(simulate_wave(height=1.0),))
        return int(pixels(canvas.moving_png()).min())

    pale, dark = darkest("#d6e8f5"), darkest(style.BLUE)
    assert dark + 20 < pale < 250


def test_a_plot_that_adds_axes_is_refused():
    def plot_twin(result, ax):
        plot_wave(result, ax)
        ax.twinx()

    with pytest.raises(RuntimeError, match="plot_twin added axes"):
        Canvas(plot_twin).draw((simulate_wave(height=1.0),))


# --- whose settings ---------------------------------------------------------------------------


def plot_of_everything(result, ax):
    """Draw something of every kind that a chapter draws, and leave much of it to the settings."""
    ax.plot(result.x, result.y)
    ax.plot(result.x[::20], result.y[::20], "s")
    ax.step(result.x[:9], result.y[:9], **style.THEORY)
    ax.fill_between(result.x, 0, result.y, alpha=0.3, hatch="/")
    ax.bar([0.1, 0.3], [1, 2], 0.1)
    bars(ax, [0.6, 0.8], [1, -2], 0.1, facecolor=style.GREEN)
    whiskers(ax, [0.5, 0.7], [1, 2], [0, 1], [2, 4], **style.DOTS)
    ax.errorbar([0.2], [3], [1])
    ax.scatter(result.x[::50], result.y[::50])
    ax.axvspan(0.4, 0.5, color=style.FAINT)
    ax.imshow([[0, 1], [1, 0]], extent=(0.8, 0.9, 5, 9), aspect="auto")
    ax.annotate("peak", (0.2, 2), (0.4, 5), arrowprops={"arrowstyle": "->"})
    words(ax, [(0.6, 0.6)], ["many\nwords"], paper=0.8)
    note(ax, 0.5, 0.9, "a note")
    style.label(ax, 0.9, 3, "label", style.BLUE)
    ax.legend(["one", "two"], title="legend")
    ax.set_title(f"Height {result.height}")
    ax.set_xlabel("time (s)")
    ax.set_yscale("symlog")


def pictures(plot=plot_of_everything) -> list[bytes]:
    """What a learner sees on a new canvas while a slider moves, when it rests, and in a file."""
    canvas, shown = Canvas(plot), []
    canvas.draw((simulate_wave(height=1.0),))
    shown.append(canvas.moving_png())
    canvas.draw((simulate_wave(height=8.0),), pinned=(simulate_wave(height=2.0),))
    return [*shown, canvas.moving_png(), canvas.settled_png("run me")]


@pytest.fixture(scope="module")
def usual() -> list[bytes]:
    """What is drawn for a user who has changed nothing."""
    with mpl.rc_context(mpl.rcParamsDefault):
        return pictures()


@pytest.mark.parametrize("kind", sampled(sorted({s.split(".")[0] for s in POPULAR}), 4))
def test_a_users_settings_change_not_one_pixel(kind, usual):
    with mpl.rc_context({s: value for s, value in POPULAR.items() if s.split(".")[0] == kind}):
        assert pictures() == usual


@pytest.mark.filterwarnings("ignore:The text:matplotlib.MatplotlibDeprecationWarning")
def test_all_settings_together_change_not_one_pixel(usual):
    with mpl.rc_context(other_settings()):
        before = dict(mpl.rcParams)
        assert pictures() == usual
        assert dict(mpl.rcParams) == before


def test_a_setting_that_leaks_would_be_noticed(usual, monkeypatch):
    monkeypatch.setattr(style._ByThread, "__getitem__", mpl.RcParams.__getitem__)
    drawn = {}
    for name in ("lines.marker", "figure.facecolor", "path.sketch"):
        with mpl.rc_context({name: POPULAR[name]}):
            drawn[name] = pictures()
    assert all(drawn[one] != drawn[other] for one, other in itertools.combinations(drawn, 2))


def test_a_users_file_of_settings_changes_not_one_pixel(tmp_path, usual):
    """It is read when matplotlib is imported, before anything of the course."""
    lines = {"axes.prop_cycle": "cycler('color', ['red'])", "lines.marker": "o", "font.size": 20,
             "figure.autolayout": True, "axes.formatter.useoffset": False}  # fmt: skip
    own = tmp_path / "matplotlibrc"
    own.write_text("".join(f"{key}: {value}\n" for key, value in lines.items()))
    code = (
        "import sys, pickle, matplotlib as mpl\n"
        "from tests.explore.test_canvas import pictures\n"
        "seen = pictures()\n"
        "assert mpl.rcParams['lines.marker'] == 'o'\n"
        "sys.stdout.buffer.write(pickle.dumps(seen))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "MATPLOTLIBRC": str(own)},
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=120,
    )
    assert pickle.loads(done.stdout) == usual


@pytest.mark.parametrize("apart", [True, False], ids=["apart", "one table for all"])
def test_the_settings_that_a_user_has_stay_as_they_are(apart, usual, monkeypatch):
    monkeypatch.setattr(style, "_can_be_told_apart", lambda: apart)
    with mpl.rc_context(POPULAR):
        before = dict(mpl.rcParams)
        assert pictures() == usual
        assert dict(mpl.rcParams) == before
        assert type(mpl.rcParams) is mpl.RcParams


def a_learners_figure(number: int) -> np.ndarray:
    """A figure as a learner's own cell draws it."""
    figure, ax = plt.subplots(figsize=(2.5, 2))
    ax.plot(np.sin(np.arange(50) * number / 20))
    ax.bar([10, 20], [0.5, number / 50])
    ax.set(title=f"figure {number}", xlabel="mine")
    ax.legend([f"curve {number}", "bars"])
    figure.canvas.draw()
    image = np.asarray(figure.canvas.buffer_rgba()).copy()
    plt.close(figure)
    return image


def test_a_learner_draws_while_a_slider_moves(thorough):
    """Two threads, one with the learner's style and one with the course's, neither disturbed."""
    figures = range(50 if thorough else 15)
    mine = {"lines.linewidth": 6, "axes.facecolor": "yellow", "font.size": 13, "lines.marker": "o"}
    interval = sys.getswitchinterval()
    done, ours, failed = threading.Event(), [], []

    def move_sliders() -> None:
        try:
            while not done.is_set() or not ours:
                ours.append(pictures(plot_wave))
        except Exception as error:
            failed.append(error)

    expected_ours = pictures(plot_wave)
    with plt.style.context("ggplot"), mpl.rc_context(mine):
        expected = [a_learners_figure(number) for number in figures]
        before = dict(mpl.rcParams)
        sliders = threading.Thread(target=move_sliders)
        sys.setswitchinterval(2e-4)  # often within each figure
        try:
            sliders.start()
            drawn, during = [], []
            for number in figures:
                drawn.append(a_learners_figure(number))
                during.append(dict(mpl.rcParams))
        finally:
            done.set()
            sliders.join()
            sys.setswitchinterval(interval)
        assert not failed
        assert during == [before] * len(figures)
        assert dict(mpl.rcParams) == before
    unlike = [n for n in figures if not np.array_equal(drawn[n], expected[n])]
    assert unlike == []
    assert ours == [expected_ours] * len(ours)


# --- texts ------------------------------------------------------------------------------------


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
