"""Pictures of users, workers and traffic."""

from __future__ import annotations

from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import (
    error_bars,
    here,
    is_blank,
    log_axis,
    marks,
    note,
    ring,
    time_axis,
)
from helpers.foundations.statistics import Intervals
from helpers.why.measurement import MeasuredConcurrency, MeasuredTraffic, MeasuredUsers
from helpers.why.plots.kit import categories
from helpers.why.simulation import (
    TRAFFIC,
    UTILISATIONS,
    ConcurrencyResult,
    TrafficResult,
    UsersResult,
)

_SHADES = {"constant": style.GREEN, "poisson": style.BLUE, "bursty": style.VERMILION}
_MARKS = {"constant": "s", "poisson": "o", "bursty": "^"}
_DASHES = {"constant": (0, (1, 1)), "poisson": (0, (4, 2)), "bursty": (0, (6, 2, 1, 2))}
_NAMES = {"constant": "evenly spaced", "poisson": "at random", "bursty": "in bursts"}


@style.panels(2, width_ratios=[1.35, 1])
def plot_users(result: UsersResult | MeasuredUsers, axes: tuple[Axes, Axes]) -> None:
    """Draw the response time against the number of users, and the two laws as a diagonal."""
    ax, laws = axes
    if isinstance(result, MeasuredUsers):
        _plot_measured_users(result, ax, laws)
        return
    ax.set_title("Fine, fine, fine, gone")
    log_axis(ax, "x", 80, 1.3e7)
    time_axis(ax, "y", 5e-4, 3e6)
    ax.set_xlabel("users")
    ax.set_ylabel("mean response time")
    here(ax, result.users)
    ax.plot(*result.curve.T, **style.THEORY)
    error_bars(ax, result.grid, result.observed.response_s, **style.DOTS)
    ring(ax, result.users, result.response.estimate)
    _frame_laws(laws)
    service_s = result.service_ms * 1e-3
    seen = result.observed
    x, r = seen.throughput_rps.estimate, seen.response_s.estimate
    for place, counted, color, marker, size in (
        (x * r, seen.in_system, style.BLUE, "o", 7),
        (x * service_s, seen.busy, style.VERMILION, "D", 4.5),
    ):
        laws.plot(
            place, counted.estimate, color=color, marker=marker, markersize=size, linestyle="none"
        )


def _frame_laws(laws: Axes) -> None:
    laws.set_title("Two laws, one diagonal")
    for which in ("x", "y"):
        log_axis(laws, which, 1e-4, 3e7, ticks=(1e-3, 1.0, 1e3, 1e6))
    laws.set_xlabel("X S, and X R")
    laws.set_ylabel("U, and L, each counted by itself")
    laws.plot([1e-4, 3e7], [1e-4, 3e7], **style.THEORY)
    note(laws, 0.05, 0.95, "● requests in the system: L = X R", style.BLUE)
    note(laws, 0.05, 0.87, "◆ busy share: U = X S", style.VERMILION)


def _plot_measured_users(result: MeasuredUsers, ax: Axes, laws: Axes) -> None:
    ax.set_title("A real server and its users")
    log_axis(ax, "x", 12, 260, ticks=result.users)
    time_axis(ax, "y", 2e-3, 4.0)
    ax.set_xlabel("users")
    ax.set_ylabel("mean response time")
    ax.plot(result.users, result.theory_s, **(style.THEORY | {"linewidth": 1.6}))
    error_bars(ax, result.users, result.response, **style.MEASUREMENT)
    note(ax, 0.05, 0.95, "● measured", style.VERMILION)
    note(ax, 0.05, 0.87, "- - theory, from measured service times", style.BLACK)
    laws.set_title("Two laws, as measured")
    log_axis(laws, "x", 12, 260, ticks=result.users)
    laws.set_ylim(0.5, 1.5)
    laws.set_xlabel("users")
    laws.set_ylabel("left side over right side")
    laws.axhline(1.0, **style.THEORY)
    kind = style.MEASUREMENT
    error_bars(laws, result.users * 0.96, shift(result.little_gap), **kind)
    error_bars(laws, result.users * 1.04, shift(result.utilisation_gap), **(kind | _DIAMOND))
    note(laws, 0.05, 0.95, "● L / (X R)", style.VERMILION)
    note(laws, 0.05, 0.87, "◆ U / (X S)", style.PURPLE)


_DIAMOND = {"marker": "D", "color": style.PURPLE, "markersize": 5}


def shift(gap: Intervals) -> Intervals:
    """Return an interval of gaps as one of ratios."""
    return Intervals(gap.estimate + 1, gap.low + 1, gap.high + 1, gap.confidence, gap.samples)


@style.panels(2)
def plot_concurrency(
    result: ConcurrencyResult | MeasuredConcurrency, axes: tuple[Axes, Axes]
) -> None:
    """Draw throughput against the number of workers: on one core, and on several."""
    shared, spread = axes
    if isinstance(result, MeasuredConcurrency):
        _plot_measured_concurrency(result, shared, spread)
        return
    x = result.grid
    for ax in axes:
        ticks = (1, 2, 4, 8, 16, 32, 64)
        log_axis(ax, "x", 0.9, 75, ticks=ticks)
        log_axis(ax, "y", 0.7, 80, ticks=ticks)
        ax.set_ylabel("times one thread's throughput")
        here(ax, result.workers)
    one = result.single_rps
    shared.set_title("Threads or asyncio: one core")
    shared.set_xlabel("threads or tasks")
    shared.fill_between(
        x, result.amdahl_rps / one, result.best_rps / one, color=style.FAINT, linewidth=0
    )
    shared.plot(x, result.best_rps / one, color=style.MUTED, linewidth=1.2)
    shared.plot(x, result.amdahl_rps / one, color=style.MUTED, linewidth=1.2)
    shared.plot(x, result.shared_theory / one, **style.THEORY)
    error_bars(shared, x, result.shared, 1 / one, **style.DOTS)
    ring(shared, result.workers, result.shared_here.estimate / one)
    note(shared, 0.97, 0.13, "top of the band: the bound", ha="right")
    note(shared, 0.97, 0.07, "its bottom: Amdahl", ha="right")
    spread.set_title("Processes: every core")
    spread.set_xlabel("processes")
    spread.plot(x, result.spread_theory / one, **style.THEORY)
    error_bars(spread, x, result.spread, 1 / one, **style.DOTS)
    ring(spread, result.workers, result.spread_here.estimate / one)


def _plot_measured_concurrency(result: MeasuredConcurrency, rates: Axes, kept: Axes) -> None:
    ways = list(result.throughput)
    top = 1.25 * max(*result.best_rps.values(), *(r.high for r in result.throughput.values()))
    rates.set_title("Real workers, and the bound")
    rates.set_xlim(0, top)
    y = categories(rates, ways)
    rates.set_xlabel("requests per second")
    kept.set_title("How much of the bound is reached")
    kept.set_xlim(0, 150)
    categories(kept, ways)
    kept.set_xlabel("% of the bound")
    kept.axvline(100, **style.THEORY)
    for place, way in zip(y, ways, strict=True):
        rate, bound = result.throughput[way], result.best_rps[way]
        marks(rates, place, bound, 0.64, along="x")
        for ax, scale in ((rates, 1.0), (kept, 100 / bound)):
            error_bars(ax, place, rate, scale, along="x", **style.MEASUREMENT)
    for way in ("threads", "asyncio"):
        place = y[ways.index(way)]
        rates.plot([result.amdahl_rps] * 2, [place - 0.22, place + 0.22], color=style.MUTED)
    note(rates, 0.97, 0.075, "black: bound, grey: Amdahl", style.INK, ha="right")


def plot_traffic(result: TrafficResult | MeasuredTraffic, ax: Axes) -> None:
    """Draw the mean wait against utilisation for three kinds of traffic of equal mean."""
    if isinstance(result, MeasuredTraffic):
        _plot_measured_traffic(result, ax)
        return
    _frame_traffic(ax)
    here(ax, result.utilisation)
    for i, kind in enumerate(TRAFFIC):
        shade = _SHADES[kind]
        dashes = style.THEORY | {"linestyle": _DASHES[kind], "color": shade}
        ax.plot(*result.curves[kind].T, **dashes)
        points = style.DOTS | {"color": shade, "marker": _MARKS[kind]}
        error_bars(ax, UTILISATIONS, result.wait[kind], **points)
        ring(ax, result.utilisation, max(result.here[kind].estimate, 0.0))
        note(ax, 0.04, 0.95 - 0.07 * (2 - i), f"{_SYMBOLS[kind]} {_NAMES[kind]}", shade)


_SYMBOLS = {"constant": "■", "poisson": "●", "bursty": "▲"}


def _frame_traffic(ax: Axes) -> None:
    ax.set_title("The same mean, three kinds of traffic")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 30)
    ax.set_xlabel("utilisation")
    ax.set_ylabel("mean wait (service times)")


def _plot_measured_traffic(result: MeasuredTraffic, ax: Axes) -> None:
    if is_blank(ax):
        _frame_traffic(ax)
        ax.set_title("Three kinds of traffic at a real server")
    ax.set_xlim(0.3, 1)
    ax.set_ylim(0, 12)
    for i, kind in enumerate(TRAFFIC):
        shade, x = _SHADES[kind], result.utilisation + 0.03 * (i - 1)
        points = style.MEASUREMENT | {"marker": _MARKS[kind], "color": shade}
        points |= {"markersize": 9, "markerfacecolor": "white", "markeredgewidth": 2}
        error_bars(ax, x, result.wait[kind], **points)
        marks(ax, x, result.theory[kind], 0.024)
    note(ax, 0.04, 0.7, "hollow, with bars: measured", style.INK)
