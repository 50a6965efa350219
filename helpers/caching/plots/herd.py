"""Pictures of herds: one key, many rates, many keys, and a cold cache."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from helpers.caching.measurement.herd import MeasuredHerdResult
from helpers.caching.plots.kit import PALE_BLUE, PALE_RED, dot, labelled_bars
from helpers.caching.simulation.cold_restart import ColdRestartResult
from helpers.caching.simulation.herd import (
    FIXES,
    ExpiryHerdResult,
    SynchronisedExpiryResult,
    XFetchResult,
)
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, log_axis, short, whiskers
from helpers.foundations.drawing.scales import headroom, round_up


@style.panels(2, width_ratios=[1.5, 1])
def plot_expiry_herd(
    result: ExpiryHerdResult | MeasuredHerdResult, axes: tuple[Axes, Axes]
) -> None:
    """Draw the queries at the database over time, and how many each fix sends.

    A measured herd is drawn as points, alone or over a simulated one.
    """
    over_time, counts = axes
    if isinstance(result, MeasuredHerdResult):
        _plot_measured_herd(result, over_time, counts)
        return
    unfixed = result.queries_theory["none"]
    top = headroom(1.25 * unfixed, 4)
    at_database, time = result.at_database, result.time_s
    if result.fix in ("single-flight", "early refresh"):
        over_time.plot(time, result.at_database_unfixed, color=PALE_BLUE, linewidth=1.5)
        peak = int(result.at_database_unfixed.argmax())
        style.label(
            over_time, time[peak], result.at_database_unfixed[peak], "without a fix", style.MUTED
        )
    over_time.fill_between(
        time,
        np.minimum(at_database, result.connections),
        at_database,
        color=PALE_RED,
        linewidth=0,
    )
    over_time.plot(time, at_database, **style.SIMULATION)
    over_time.axhline(result.connections, color=style.MUTED, linewidth=1)
    over_time.axvline(0, color=style.MUTED, linewidth=1, linestyle=":")
    style.label(
        over_time,
        time[-1],
        result.connections,
        "connections",
        style.MUTED,
        ha="right",
        xytext=(-2, 6),
    )
    if result.fix == "early refresh":
        over_time.plot(
            result.cached_s, 0, marker="^", color=style.GREEN, markersize=9, clip_on=False
        )
        style.label(
            over_time, result.cached_s, 0, "refreshed", style.GREEN, xytext=(0, 14), ha="center"
        )
    over_time.set_xlim(time[0], time[-1])
    over_time.set_ylim(0, top)
    over_time.set_title("The queue at the database")
    over_time.set_xlabel("time since the expiry (s)")
    over_time.set_ylabel("queries running and queued")

    log_axis(counts, "x", 0.7, max(3e5, 30 * unfixed))
    labelled_bars(counts, FIXES, result.queries, result.queries_theory, chosen=result.fix, left=0.7)
    counts.set_title("Queries for one value")
    counts.set_xlabel("queries (dashed: theory)")


def _plot_measured_herd(result: MeasuredHerdResult, over_time: Axes, counts: Axes) -> None:
    over_time.plot(result.time_s, result.at_database, **style.MEASUREMENT | {"markersize": 4})
    if result.fix == "none":
        peak = int(result.at_database.argmax())
        style.label(
            over_time,
            result.time_s[peak],
            result.at_database[peak],
            "measured",
            style.MEASUREMENT["color"],
            xytext=(6, 8),
        )
    row = FIXES.index(result.fix) + 0.32  # under the bar, where no number is printed
    if result.fix == "single-flight":  # one, always: nothing random to make an interval of
        counts.plot(result.queries, row, **style.MEASUREMENT)
    else:
        error_bars(counts, row, result.interval, along="x", **style.MEASUREMENT)


@style.panels(2, width_ratios=[1.2, 1])
def plot_xfetch(result: XFetchResult, axes: tuple[Axes, Axes]) -> None:
    """Draw the stampede, and how early it comes, over the request rate."""
    sizes, leads = axes
    rate = result.rate_rps
    sizes.plot(rate, result.unfixed, color=style.VERMILION, linewidth=2)
    low, high = result.queries - result.queries_error, result.queries + result.queries_error
    whiskers(sizes, rate, result.queries, low, high, **style.DOTS)
    sizes.plot(rate, result.queries_theory, **style.THEORY)
    sizes.axhline(np.exp(1 / result.beta), color=style.MUTED, linewidth=1, linestyle=":")
    middle = rate.size // 2
    style.label(
        sizes,
        rate[middle],
        result.unfixed[middle],
        "1 + rate × recompute",
        style.VERMILION,
        ha="right",
        xytext=(-6, 6),
    )
    style.label(
        sizes, rate[-1], result.queries[-1], "XFetch", style.BLUE, ha="right", xytext=(0, 13)
    )
    style.label(
        sizes,
        rate[-1],
        np.exp(1 / result.beta),
        "limit exp(1/β)",
        style.MUTED,
        ha="right",
        xytext=(0, -11),
    )
    log_axis(sizes, "x", rate[0] / 1.3, rate[-1] * 1.3)
    log_axis(sizes, "y", 0.7, 1e6, text=short)
    sizes.set_title("A stampede that ignores the rate")
    sizes.set_xlabel("requests for the key (per second)")
    sizes.set_ylabel("queries per expiry")

    scale = result.beta * result.recompute_s
    leads.plot(rate, result.lead_s, "o", color=style.BLUE, markersize=5)
    leads.plot(rate, result.lead_theory_s, **style.THEORY)
    leads.axhline(0, color=style.MUTED, linewidth=1, linestyle=":")
    style.label(leads, rate[0], 0, "expiry", style.MUTED, xytext=(0, 7))
    log_axis(leads, "x", rate[0] / 1.3, rate[-1] * 1.3)
    leads.set_ylim(-0.1 * headroom(13 * scale), headroom(13 * scale))
    leads.set_title("The price: thrown away too early")
    leads.set_xlabel("requests for the key (per second)")
    leads.set_ylabel("mean lead before the expiry (s)")


@style.panels(2)
def plot_synchronised_expiry(result: SynchronisedExpiryResult, axes: tuple[Axes, Axes]) -> None:
    """Draw the queue that many keys make, and the longest wait for every width of the jitter."""
    over_time, waits = axes
    end = result.time_s[-1]
    top = headroom(float(result.at_database_unfixed.max()), result.connections)
    over_time.plot(result.time_s, result.at_database_unfixed, color=PALE_BLUE, linewidth=1.5)
    over_time.fill_between(
        result.time_s,
        np.minimum(result.at_database, result.connections),
        result.at_database,
        color=PALE_RED,
        linewidth=0,
    )
    over_time.plot(result.time_s, result.at_database, **style.SIMULATION)
    over_time.axhline(result.connections, color=style.MUTED, linewidth=1)
    style.label(
        over_time, end, result.connections, "connections", style.MUTED, ha="right", xytext=(-2, 7)
    )
    if result.jitter_s > 0:
        peak = int(result.at_database_unfixed.argmax())
        style.label(
            over_time,
            result.time_s[peak],
            result.at_database_unfixed[peak],
            "without jitter",
            style.MUTED,
            xytext=(8, 4),
        )
    over_time.set_xlim(0, end)
    over_time.set_ylim(0, top)
    over_time.set_title("Many keys, one moment")
    over_time.set_xlabel("time since the first expiry (s)")
    over_time.set_ylabel("queries running and queued")

    waits.plot(result.widths_s, result.worst_waits_s, **style.SIMULATION)
    waits.plot(result.widths_s, result.worst_waits_theory_s, **style.THEORY)
    dot(waits, result.jitter_s, result.worst_wait_s)
    waits.axvline(result.work_s, color=style.MUTED, linewidth=1, linestyle=":")
    style.label(
        waits,
        result.work_s,
        headroom(result.work_s),
        "keys × query\n÷ connections",
        style.MUTED,
        va="top",
        xytext=(5, -4),
    )
    waits.set_xlim(0, result.widths_s[-1])
    waits.set_ylim(0, headroom(result.work_s))
    waits.set_title("Jitter buys waiting time, second for second")
    waits.set_xlabel("width of the jitter (s)")
    waits.set_ylabel("longest wait for a connection (s)")


@style.panels(2)
def plot_cold_restart(result: ColdRestartResult, axes: tuple[Axes, Axes]) -> None:
    """Draw the load on the database after a restart, and how long queries wait."""
    load, waits = axes
    end = round_up(float(result.time_s[-1]))
    load.fill_between(
        result.time_s,
        np.minimum(result.queries_rps, result.database_rps),
        result.queries_rps,
        color=PALE_RED,
        linewidth=0,
        step="mid",
    )
    load.plot(result.time_s, result.queries_rps, drawstyle="steps-mid", **style.SIMULATION)
    load.plot(result.theory_time_s, result.queries_theory_rps, **style.THEORY)
    style.label(
        load,
        0,
        result.queries_theory_rps[0],
        "theory, for a database that answers at once",
        style.INK,
        xytext=(12, 0),
    )
    for level, text, above in (
        (result.database_rps, "what the database can answer", 7),
        (result.usual_rps, "usual load", -14),
    ):
        load.axhline(level, color=style.MUTED, linewidth=1)
        style.label(load, end, level, text, style.MUTED, ha="right", xytext=(-2, above))
    load.set_xlim(0, end)
    load.set_ylim(0, headroom(result.rate_rps))
    load.set_title("The load when the cache is cold")
    load.set_xlabel("time since the restart (s)")
    load.set_ylabel("queries to the database (per second)")

    waits.fill_between(result.time_s, 0, result.wait_s, color=PALE_RED, linewidth=0, step="mid")
    waits.plot(result.time_s, result.wait_s, drawstyle="steps-mid", **style.SIMULATION)
    if result.recovered_s > 0:
        waits.axvline(result.recovered_s, color=style.MUTED, linewidth=1, linestyle=":")
    waits.set_xlim(0, end)
    waits.set_ylim(0, headroom(result.worst_wait_s, 0.05))
    waits.set_title("How long the database is in trouble")
    waits.set_xlabel("time since the restart (s)")
    waits.set_ylabel("longest wait for a connection (s)")
