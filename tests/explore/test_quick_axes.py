"""Axes that are quicker than matplotlib's look like matplotlib's, and know their limits."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import AutoMinorLocator

from helpers.explore import quick_axes
from helpers.explore.canvas import Canvas
from helpers.explore.quick_axes import QuickAxes
from helpers.foundations.drawing import style
from tests.explore.samples import plot_wave, simulate_wave


def drawn(axes_class: type[Axes], dress, dpi: int) -> np.ndarray:
    with style.context():
        figure = Figure(figsize=(4, 3), dpi=dpi)
        canvas = FigureCanvasAgg(figure)
        ax = figure.subplots(subplot_kw={"axes_class": axes_class})
        dress(ax)
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def linear(ax):
    ax.set(xlim=(-3, 70), ylim=(0, 0.37), xlabel="load (%)", ylabel="time (s)")


def both_logarithmic(ax):
    ax.set(xscale="log", yscale="log", xlim=(1, 1e4), ylim=(0.02, 3), xlabel="users")


def named(ax):
    ax.set(xlim=(-0.5, 2.5), ylim=(3, -1), ylabel="strategy")
    ax.set_xticks(range(3), ["one", "two\nlines", ""])
    ax.set_yticks([0, 1], ["write-\nbehind", "cache-aside"], weight="bold", color=style.BLUE)


def far_away(ax):
    ax.set(xlim=(1e9, 1e9 + 40), ylim=(0, 3e-7))


def with_minor_ticks(ax):
    linear(ax)
    ax.xaxis.set_minor_locator(AutoMinorLocator())
    ax.grid(True, which="minor", color=style.ORANGE, linewidth=0.3)


def on_all_sides(ax):
    linear(ax)
    ax.tick_params(top=True, labeltop=True, right=True, labelright=True, direction="inout")
    ax.spines[["top", "right"]].set_visible(True)


def with_little(ax):
    linear(ax)
    ax.grid(False, axis="y")
    ax.xaxis.set_visible(False)
    ax.tick_params(axis="y", left=False)


@pytest.mark.parametrize("dpi", [100, 200])
@pytest.mark.parametrize(
    "dress",
    [linear, both_logarithmic, named, far_away, with_minor_ticks, on_all_sides, with_little],
)
def test_quick_axes_are_matplotlibs_to_the_pixel(dress, dpi):
    assert np.array_equal(drawn(QuickAxes, dress, dpi), drawn(Axes, dress, dpi))


def test_a_tick_that_is_left_out_would_be_noticed(monkeypatch):
    draw = quick_axes._draw_as_one
    monkeypatch.setattr(quick_axes, "_draw_as_one", lambda lines, on: draw(lines[1:], on))
    assert not np.array_equal(drawn(QuickAxes, linear, 100), drawn(Axes, linear, 100))


def test_a_drawn_axis_measures_again_when_its_limits_change():
    figure = Figure(figsize=(4, 3))
    canvas = FigureCanvasAgg(figure)
    ax = figure.subplots(subplot_kw={"axes_class": QuickAxes})
    boxes = []
    for top in (1, 1_000_000):
        ax.set_ylim(0, top)
        canvas.draw()
        boxes.append(ax.yaxis.get_tightbbox())
    assert boxes[1].width > 2 * boxes[0].width


def plot_sometimes_free(result, ax):
    """Leave the limits to matplotlib where the wave is high."""
    plot_wave(result, ax)
    if result.height > 5:
        ax.set_autoscale_on(True)
        ax.autoscale_view()


def limits(canvas):
    return [(ax.get_xlim(), ax.get_ylim()) for ax in canvas.axes]


def plot_free(result, ax):
    """Leave the limits to matplotlib."""
    ax.plot(result.x, result.y)
    ax.fill_between(result.x, result.y, 2 * result.y)
    ax.add_patch(Rectangle((0, 0), 3, 1))


@pytest.mark.parametrize("plot", [plot_free, plot_sometimes_free])
def test_limits_that_a_plot_does_not_set_follow_the_data(plot):
    used, fresh = Canvas(plot), Canvas(plot)
    for height in (2.0, 3.0, 8.0):
        used.draw([simulate_wave(height=height)])
    fresh.draw([simulate_wave(height=8.0)])
    assert limits(used) == limits(fresh)
    used.draw([simulate_wave(height=6.0)])
    assert limits(used) != limits(fresh)


def test_data_are_not_measured_where_a_plot_sets_the_limits(monkeypatch):
    canvas = Canvas(plot_wave)
    canvas.draw([simulate_wave(height=2.0)])
    for kind in ("line", "patch", "collection"):  # as matplotlib calls them
        name = f"_update_{kind}_limits"
        monkeypatch.setattr(Axes, name, lambda *_, name=name: pytest.fail(name))
    canvas.draw([simulate_wave(height=3.0)])
    assert limits(canvas) == [((0, 1), (-10, 10))]
