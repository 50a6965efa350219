"""Databases and queues: power cuts, layouts, consumers that are away, chains."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from helpers.anatomy.measurement import WAYS, MeasuredLayouts, MeasuredOutage, MeasuredPowerCut
from helpers.anatomy.simulation import (
    LAYOUTS,
    QUERIES,
    ChainResult,
    LayoutsResult,
    OutageResult,
    PowerCutResult,
)
from helpers.anatomy.simulation.databases import FLUSHES_S
from helpers.anatomy.simulation.decoupling import HORIZON_S, LENGTHS, OUTAGE_AT_S
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import (
    error_bars,
    here,
    key,
    log_axis,
    named_axis,
    note,
    percent,
    short,
    time_axis,
)
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.prose import duration


@style.panels(2)
def plot_power_cut(result: PowerCutResult, axes: tuple[Axes, Axes]) -> None:
    """Draw the writes lost in each cut, and the trade between losses and a busy disk."""
    cuts, trade = axes
    top = step_up(1.05 * max(float(result.lost.max()), 1.0), (20, 100, 600, 3_000, 20_000, 110_000))
    cuts.set(
        title="Acknowledged writes lost in each of 400 cuts",
        xlim=(0, 400),
        ylim=(-0.02 * top, top),
        xlabel="cut, from the luckiest to the worst",
        ylabel="writes lost",
    )
    cuts.fill_between(
        np.arange(result.lost.size), np.sort(result.lost), color=style.SKY, alpha=0.5, linewidth=0
    )
    cuts.plot(np.sort(result.lost), color=style.BLUE, linewidth=2.0)
    cuts.axhline(result.expected["lost_writes"], **style.THEORY)
    style.label(cuts, 8, result.expected["lost_writes"], "theory: mean", style.INK, xytext=(0, 8))
    trade.set(
        title="Safer costs disk time",
        xlabel="seconds between syncs",
        ylabel="seconds of syncing per second",
    )
    time_axis(trade, "x", 1e-3, 10)
    log_axis(trade, "y", 5e-6, 500, ticks=(1e-4, 1e-2, 1, 100))
    trade.axhspan(1, 500, color=style.VERMILION, alpha=0.13, linewidth=0)
    trade.text(1.2e-3, 350, "the disk cannot keep up", color=style.VERMILION, fontsize=9, va="top")
    trade.plot(FLUSHES_S, 1e-3 * result.sync_ms / FLUSHES_S, **style.THEORY)
    busy = result.expected["disk_busy"]
    if result.each_write:
        trade.axhline(busy, color=style.BLUE, linewidth=2.0)
        trade.text(
            9, 1.25 * busy, "every write synced: none lost", color=style.BLUE, fontsize=9,
            ha="right", va="bottom",
        )  # fmt: skip
    else:
        trade.plot([result.flush_s], [busy], color=style.BLUE, marker="o", markersize=9)
        style.label(
            trade, result.flush_s, busy,
            f"mean loss {duration(result.flush_s / 2)} of writes", style.BLUE,
            xytext=(-10, -13) if result.flush_s > 0.05 else (10, 4),
            ha="right" if result.flush_s > 0.05 else "left",
        )  # fmt: skip


def plot_measured_power_cut(result: MeasuredPowerCut, ax: Axes) -> None:
    """Draw the rows that survived each cut against where it fell."""
    ax.set(
        title="Real files cut off at a random byte",
        xlim=(-2, 102),
        ylim=(-2, 1.12 * result.commits),
        xlabel="where sqlite's log was cut (% of its length)",
        ylabel="rows that survived",
    )
    order = result.cut_bytes.argsort()
    ax.plot(
        100 * result.cut_bytes[order], result.predicted[order], drawstyle="steps-post",
        **style.THEORY,
    )  # fmt: skip
    ax.plot(100 * result.cut_bytes, result.survived, **style.MEASUREMENT)
    key(
        ax,
        [
            ("●", "rows in sqlite after the cut", style.VERMILION),
            ("--", "commits that lie wholly before it", style.INK),
        ],
        left=True,
    )


_LAYOUT_STYLES = (
    (style.BLUE, "o"),
    (style.VERMILION, "s"),
    (style.GREEN, "^"),
    (style.PURPLE, "D"),
)


def plot_layouts(result: LayoutsResult | MeasuredLayouts, ax: Axes) -> None:
    """Draw pages, or measured times, of each question on each layout; the mix at the right."""
    measured = isinstance(result, MeasuredLayouts)
    if isinstance(result, MeasuredLayouts):
        values = 1e6 * result.times_s
    else:
        values = np.column_stack([result.pages, result.cost])
    columns = len(QUERIES) if measured else len(QUERIES) + 1
    ax.set(
        title="Four questions, four layouts, the same answers"
        if measured
        else "Pages read for each question, and for your mix",
        xlim=(-0.5, columns - 0.5),
        ylabel="time (µs)" if measured else "pages read",
    )
    names = [query.replace(" by ", "\nby ").replace(" of ", "\nof ") for query in QUERIES]
    named_axis(ax, "x", names if measured else [*names, "your mix"])
    log_axis(ax, "y", 0.5, 1e6 if measured else 1e8, text=short)
    if not measured:
        ax.axvspan(columns - 1.5, columns - 0.5, color=style.FAINT, alpha=0.5, linewidth=0)
    for i, layout in enumerate(LAYOUTS):
        colour, marker = _LAYOUT_STYLES[i]
        row = values[i]
        x = np.arange(columns) + 0.13 * (i - 1.5)
        ax.plot(x, row, color=colour, marker=marker, markersize=8, linestyle="none")
        best = row <= 1.0001 * values.min(axis=0)
        ax.plot(
            x[best], row[best], color=style.INK, marker="o", markersize=14, mfc="none",
            linestyle="none", mew=1.3,
        )  # fmt: skip
        note(ax, 0.02 + 0.2 * i, 0.97, f"{'●■▲◆'[i]} {layout}", colour)
    note(ax, 0.98, 0.97, "○ cheapest", style.INK, ha="right")


@style.panels(2)
def plot_outage(result: OutageResult, axes: tuple[Axes, Axes]) -> None:
    """Draw what users feel of a direct call, and the backlog of a queue."""
    direct, backlog = axes
    end = OUTAGE_AT_S + result.outage_s
    direct.set(
        title="Called directly: the outage is yours",
        xlim=(0, HORIZON_S),
        ylim=(0, step_up(1.6 * result.rate_rps, (20, 50, 100, 160))),
        xlabel="time (s)",
        ylabel="requests per second",
    )
    direct.plot(result.time_s, result.direct_ok_rps, color=style.BLUE, linewidth=1.6)
    direct.plot(
        result.time_s, result.direct_failed_rps, color=style.VERMILION, linewidth=1.6,
        linestyle=(0, (4, 1.2)),
    )  # fmt: skip
    key(direct, [("—", "answered", style.BLUE), ("--", "failed", style.VERMILION)])
    top = step_up(
        1.15 * max(float(result.backlog.max()), float(result.theory_backlog.max()), 10),
        (50, 200, 500, 1_000, 2_000, 5_000, 12_000),
    )
    backlog.set(
        title="Through a queue: work waits, nobody fails",
        xlim=(0, HORIZON_S),
        ylim=(0, top),
        xlabel="time (s)",
        ylabel="jobs waiting",
    )
    backlog.plot(result.time_s + 0.5, result.backlog, **style.SIMULATION)
    backlog.plot(result.time_s + 0.5, result.theory_backlog, **style.THEORY)
    for ax in axes:
        ax.axvspan(OUTAGE_AT_S, end, color=style.FAINT, alpha=0.7, linewidth=0)
    key(backlog, [("—", "simulated", style.BLUE), ("--", "fluid model", style.INK)])


def plot_measured_outage(result: MeasuredOutage, ax: Axes) -> None:
    """Draw failed requests and backlogs of three ways to reach a real consumer."""
    x = np.arange(3)
    top = step_up(1.45 * float(max(result.failed.max(), result.backlog.max())), (50, 100, 200, 400))
    ax.set(
        title="A real consumer away for a moment",
        xlim=(-0.6, 2.6),
        ylim=(-0.04 * top, top),
        ylabel="requests, or jobs",
    )
    named_axis(ax, "x", list(WAYS), x)
    low, high = result.range95
    ax.axhspan(low, high, color=style.FAINT, alpha=0.7, linewidth=0)
    ax.axhline(result.expected["backlog"], **style.THEORY)
    ax.plot(x, result.failed, color=style.VERMILION, marker="X", markersize=11, linestyle="none")
    ax.plot(
        x[1:], result.backlog[1:], color=style.VERMILION, marker="o", markersize=10,
        linestyle="none",
    )  # fmt: skip
    key(
        ax,
        [
            ("✖", "requests that failed", style.VERMILION),
            ("●", "jobs waiting at the end of it", style.VERMILION),
            ("--", "rate × outage, and 95 % of Poisson numbers", style.INK),
        ],
        left=True,
    )


def plot_chain(result: ChainResult, ax: Axes) -> None:
    """Draw the share of the time that a chain is down, called in a row and with a queue."""
    ax.set(
        title="Down if any of them is down",
        xlim=(0.5, 12.5),
        xlabel="services in the chain",
        ylabel="share of the time down",
    )
    ax.set_xticks(range(1, 13))
    log_axis(ax, "y", 5e-5, 1, text=percent)
    for interval, theory, colour, marker in (
        (result.direct, result.theory_direct, style.BLUE, "o"),
        (result.queued, result.theory_queued, style.GREEN, "s"),
    ):
        ax.plot(LENGTHS, theory, **style.THEORY)
        error_bars(ax, LENGTHS, interval, **(style.DOTS | {"color": colour, "marker": marker}))
    here(ax, result.services)
    key(
        ax,
        [
            ("●", "each calls the next", style.BLUE),
            ("■", "a queue after the first", style.GREEN),
            ("--", "product of availabilities", style.INK),
        ],
        left=True,
    )
