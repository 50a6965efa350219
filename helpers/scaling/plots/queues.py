"""Pictures of queues: the knee, run length, staffing and pooling."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import (
    curves,
    error_bars,
    here,
    is_blank,
    key,
    log_axis,
    ring,
    spans,
)
from helpers.foundations.drawing.scales import round_up, step_up
from helpers.scaling.measurement import MeasuredKnee, MeasuredStaffing
from helpers.scaling.simulation import (
    DESIGNS,
    RULES,
    KneeResult,
    PoolingResult,
    RunLengthResult,
    StaffingResult,
)

_HIGHEST_SERVICE_TIMES = 20


def plot_knee(result: KneeResult | MeasuredKnee, ax: Axes) -> None:
    """Draw mean and 99th percentile of the response time against utilisation."""
    if isinstance(result, MeasuredKnee):
        _plot_measured_knee(result, ax)
        return
    _frame_knee(ax, result.service_ms)
    ax.set_title("Response time: flat, flat, flat, wall")
    here(ax, result.utilisation)
    grid, mean, tail = result.curve.T
    ax.plot(grid, 1e3 * tail, color=style.PURPLE, linewidth=1.4, linestyle=(0, (1, 1.5)))
    ax.plot(grid, 1e3 * mean, **style.THEORY)
    tails = style.DOTS | {"color": style.PURPLE, "marker": "^"}
    error_bars(ax, result.grid, result.p99, 1e3, **tails)
    error_bars(ax, result.grid, result.mean, 1e3, **style.DOTS)
    for curve, name, color in ((tail, "99th percentile", style.PURPLE), (mean, "mean", style.BLUE)):
        at = int(np.abs(grid - 0.3).argmin())
        style.label(ax, grid[at], 1e3 * curve[at], name, color, ha="right", xytext=(-4, 11))
    at_once = 1e3 * np.array([result.here_mean.estimate, result.here_p99.estimate])
    ring(ax, result.utilisation, at_once)


def _frame_knee(ax: Axes, service_ms: float) -> None:
    ax.set_xlim(0, 1)
    ax.set_ylim(0, round_up(_HIGHEST_SERVICE_TIMES * service_ms))
    ax.set_xlabel("utilisation")
    ax.set_ylabel("response time (ms)")


def _plot_measured_knee(result: MeasuredKnee, ax: Axes) -> None:
    if is_blank(ax):
        _frame_knee(ax, result.service_ms)
        ax.set_title("Real servers on the loopback interface, and theory")
    error_bars(ax, result.utilisation, result.response, 1e3, **style.MEASUREMENT)
    x, y = result.utilisation[0], 1e3 * result.response.estimate[0]
    style.label(ax, x, y, "measured", style.VERMILION, ha="left", xytext=(6, -11))


@style.panels(2)
def plot_run_length(result: RunLengthResult, axes: tuple[Axes, Axes]) -> None:
    """Draw running means in a funnel, and the intervals that single runs report."""
    ax, intervals = axes
    top = step_up(2.2 * result.truth, (3, 6, 12, 25, 50, 100, 200))
    ax.set_title("Eight runs of the same queue")
    log_axis(ax, "x", 10, 8_192, ticks=(10, 100, 1_000, 8_000))
    ax.set_ylim(0, top)
    ax.set_xlabel("requests seen")
    ax.set_ylabel("mean response so far (service times)")
    seen = np.geomspace(10, 8_192, 60)
    half = result.half_width(seen)
    ax.fill_between(
        seen, result.truth - half, result.truth + half, color=style.FAINT, alpha=0.7, linewidth=0
    )
    curves(ax, result.seen, result.running, color=style.BLUE, linewidth=1.1, alpha=0.75)
    ax.axhline(result.truth, **style.THEORY)
    here(ax, result.requests)

    intervals.set_title("What 48 runs report (✗: truth missed)")
    intervals.set_xlim(-1, len(result.means))
    intervals.set_ylim(0, top)
    intervals.set_xlabel("run, in order of its mean")
    intervals.set_ylabel("95 % interval (service times)")
    intervals.axhline(result.truth, **style.THEORY)
    order = result.means.argsort()
    x, means = np.arange(len(order)), result.means[order]
    for half_width, color, width in (
        (result.batch_half[order], style.SKY, 4.0),
        (result.naive_half[order], style.BLUE, 1.6),
    ):
        spans(intervals, x, means - half_width, means + half_width, color=color, linewidth=width)
    missed = np.abs(means - result.truth) > result.naive_half[order]
    intervals.plot(
        x[missed],
        means[missed],
        color=style.VERMILION,
        marker="x",
        markersize=5,
        ls="none",
        mew=1.6,
    )
    intervals.text(0, 0.97 * top, "thin: as if independent", color=style.BLUE, fontsize=9, va="top")
    intervals.text(0, 0.9 * top, "wide: ten batch means", color=style.SKY_INK, fontsize=9, va="top")


_RULE_STYLES = {
    "in proportion": (style.VERMILION, (0, (6, 2)), "in proportion"),
    "square root": (style.GREEN, (0, (1, 1)), "square root"),
    "Erlang C": (style.BLUE, "-", "Erlang C"),
}


@style.panels(2)
def plot_staffing(result: StaffingResult | MeasuredStaffing, axes: tuple[Axes, Axes]) -> None:
    """Draw servers against load for each rule, and the share of requests that waits."""
    ax, waits = axes
    if isinstance(result, MeasuredStaffing):
        _plot_measured_staffing(result, axes)
        return
    ax.set_title("Servers for a thousand times the load")
    log_axis(ax, "x", 45, 56_000, ticks=(50, 500, 5_000, 50_000))
    log_axis(ax, "y", 1, 20_000)
    ax.set_xlabel("requests per second")
    ax.set_ylabel("servers")
    load = result.rates_rps * result.service_ms * 1e-3
    ax.plot(result.rates_rps, np.maximum(load, 1e-3), color=style.GHOST, linewidth=1.2)
    for rule in RULES:
        color, line, _ = _RULE_STYLES[rule]
        width = 2.6 if rule == result.rule else 1.5
        ax.plot(result.rates_rps, result.curves[rule], color=color, linestyle=line, linewidth=width)
    style.label(
        ax,
        4_000,
        _at(result, "in proportion", 4_000),
        "in proportion",
        style.VERMILION,
        ha="right",
        xytext=(-6, 8),
    )
    style.label(
        ax,
        1_500,
        _at(result, "Erlang C", 1_500),
        "Erlang C and square root",
        style.BLUE,
        ha="left",
        xytext=(10, -9),
    )
    style.label(ax, 200, load[6], "busy servers", style.MUTED, ha="left", xytext=(8, -14))
    here(ax, result.rate_rps)
    ring(ax, result.rate_rps, result.servers)

    waits.set_title("Share of requests that must wait")
    log_axis(waits, "x", 45, 56_000, ticks=(50, 500, 5_000, 50_000))
    top = 0.25 if result.target <= 0.1 else 1.0
    waits.set_ylim(0, top)
    waits.set_xlabel("requests per second")
    waits.set_ylabel("share that waits")
    waits.axhline(result.target, color=style.MUTED, linewidth=1.0)
    waits.text(60, result.target, "target", color=style.MUTED, fontsize=9, va="bottom")
    waits.plot(result.rates_rps, result.expected_curve, **style.THEORY)
    here(waits, result.rate_rps)
    error_bars(waits, result.rate_rps, result.waited, **style.DOTS)
    middle = result.expected_curve[20]
    style.label(
        waits,
        result.rates_rps[20],
        middle,
        "theory, this rule",
        style.INK,
        ha="center",
        xytext=(0, 12 if middle < 0.25 * top else -15),
    )


def _at(result: StaffingResult, rule: str, rate: float) -> float:
    return float(np.interp(rate, result.rates_rps, result.curves[rule]))


def _plot_measured_staffing(result: MeasuredStaffing, axes: tuple[Axes, Axes]) -> None:
    for ax, title in zip(
        axes, ("Real stations at equal utilisation", "The same, against Erlang C"), strict=True
    ):
        ax.set_title(title)
    ax, against = axes
    ax.set_xlim(0.4, 4.6)
    ax.set_xticks(result.workers.tolist(), [str(n) for n in result.workers])
    ax.set_ylim(0, 1)
    ax.set_xlabel("workers that share one queue")
    ax.set_ylabel("share of requests that waits")
    ax.plot(result.workers, result.erlang_c, **style.THEORY)
    error_bars(ax, result.workers, result.waited, **style.MEASUREMENT)
    style.label(
        ax,
        result.workers[-1],
        result.erlang_c[-1],
        "Erlang C",
        style.INK,
        ha="right",
        xytext=(-16, 24),
    )
    style.label(
        ax, 1, float(result.waited.estimate[0]), "measured", style.VERMILION, xytext=(10, 8)
    )
    against.set_xlim(0, 1)
    against.set_ylim(0, 1)
    against.set_xlabel("predicted by Erlang C")
    against.set_ylabel("measured")
    against.plot([0, 1], [0, 1], **style.THEORY)
    error_bars(against, result.erlang_c, result.waited, **style.MEASUREMENT)
    for i, count in enumerate(result.workers):
        name = f"{count} worker{'s' if count > 1 else ''}"
        x, y = result.erlang_c[i], result.waited.estimate[i]
        side = {"xytext": (-10, 6), "ha": "right"} if i % 2 else {"xytext": (10, -8)}
        style.label(against, x, y, name, style.INK, **side)


_DESIGN_STYLES = {
    "one big": (style.BLUE, "o"),
    "pooled": (style.GREEN, "s"),
    "split": (style.VERMILION, "^"),
}


@style.panels(2)
def plot_pooling(result: PoolingResult, axes: tuple[Axes, Axes]) -> None:
    """Draw mean response and mean wait of three designs against utilisation."""
    for ax, interval, theory, title, what in (
        (axes[0], result.response, result.theory_response, "Time until the answer", "response"),
        (axes[1], result.wait, result.theory_wait, "Time in the queue", "wait"),
    ):
        ax.set_title(title)
        ax.set_xlim(0.05, 0.85)
        ax.set_ylim(0, round_up(_HIGHEST_POOLED * result.service_ms))
        ax.set_xlabel("utilisation")
        ax.set_ylabel(f"mean {what} (ms)")
        here(ax, result.utilisation)
        for i, design in enumerate(DESIGNS):
            color, marker = _DESIGN_STYLES[design]
            ax.plot(result.grid, 1e3 * theory[i], color=color, linewidth=1.4, linestyle=(0, (4, 2)))
            row = type(interval)(
                interval.estimate[i], interval.low[i], interval.high[i], 0.95, interval.samples
            )
            points = style.DOTS | {"color": color, "marker": marker}
            if np.isnan(theory[i]).any():
                points |= {"linestyle": "-", "linewidth": 1.0}
            error_bars(ax, result.grid, row, 1e3, **points)
    key(
        axes[0],
        [
            ("▲", "split: a queue each", style.VERMILION),
            ("■", "pooled: small, one queue", style.GREEN),
            ("●", "one big server", style.BLUE),
        ],
        left=True,
    )


_HIGHEST_POOLED = 5.5
