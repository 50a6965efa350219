"""Figures of scatter-gather: the tail at scale, hedging, and joins across shards."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import (
    error_bars,
    here,
    key,
    log_axis,
    note,
    percent,
    time_axis,
)
from helpers.sharding.measurement.scatter_gather import MeasuredScatterGatherResult
from helpers.sharding.simulation.join import JoinResult
from helpers.sharding.simulation.scatter_gather import HedgingResult, ScatterGatherResult


@style.panels(2)
def plot_scatter_gather(result: ScatterGatherResult, axes: tuple[Axes, Axes]) -> None:
    """Draw the fraction of slow requests and the latency, by the number of shards asked."""
    slow, latency = axes
    x = result.fan_outs
    for ax in axes:
        here(ax, result.fan_out)
        _shards_asked(ax, 230)
    slow.plot(x, result.theory_slow, **style.THEORY)
    slow.plot(x, result.slow, linestyle="none", marker="o", color=style.BLUE)
    note(slow, 0.03, 0.95, "simulated ●   theory - -", style.BLUE)
    slow.set_ylim(0, 1.02)
    slow.yaxis.set_major_formatter(PercentFormatter(1))
    slow.set_ylabel("Requests that meet a slow shard")
    slow.set_title("Rare for a shard, common for a request")

    latency.plot(x, result.theory_p99_s, **style.THEORY)
    latency.plot(x, result.theory_p50_s, **style.THEORY)
    latency.plot(x, result.p99_s, linestyle="none", marker="^", color=style.SKY)
    latency.plot(x, result.p50_s, linestyle="none", marker="o", color=style.BLUE)
    note(latency, 0.03, 0.95, "p99 ▲   median ●   theory - -", style.BLUE)
    time_axis(latency, "y", 1e-3, 100)
    latency.set_ylabel("Time until the last answer")
    latency.set_title("The slowest shard sets the pace")


def plot_gather_times(result: ScatterGatherResult | MeasuredScatterGatherResult, ax: Axes) -> None:
    """Draw the median time of the slowest of n shards; a measurement over a simulation."""
    if isinstance(result, MeasuredScatterGatherResult):
        ax.plot(result.curve, result.predicted_s, **style.THEORY)
        error_bars(ax, result.fan_outs, result.median, zorder=5, **style.MEASUREMENT)
        note(ax, 0.03, 0.88, "measured, 95 % interval ●", style.VERMILION)
        note(ax, 0.03, 0.81, "predicted from one shard's measured times - -", style.BLACK)
    else:
        ax.plot(result.fan_outs, result.p50_s, **style.SIMULATION)
        note(ax, 0.03, 0.95, "simulated, nominal pauses —", style.BLUE)
    _shards_asked(ax, 36)
    ax.set_ylim(0, 0.03)
    ax.set_yticks([0, 0.01, 0.02, 0.03], ["0", "10 ms", "20 ms", "30 ms"])
    ax.set_ylabel("Median time until the last answer")
    ax.set_title("The last of n real shards")


@style.panels(2)
def plot_hedging(result: HedgingResult, axes: tuple[Axes, Axes]) -> None:
    """Draw the tail with and without hedging, and what a shorter tail costs."""
    tail, price = axes
    for times, color, name in (
        (result.plain_s, style.VERMILION, "no hedge"),
        (result.hedged_s, style.BLUE, "hedged"),
    ):
        left = 1 - np.arange(1, len(times) + 1) / len(times)
        shown = np.unique(np.geomspace(1, len(times), 60).astype(int) - 1)
        shown = np.unique(np.concatenate((shown, len(times) - 2 - shown[:45])).clip(0))
        tail.plot(
            times[shown], left[shown], linestyle="none", marker=".", markersize=6, color=color
        )
        theory = result.plain_theory if name == "no hedge" else result.hedged_theory
        tail.plot(result.time_s, theory, **style.THEORY)
    key(
        tail,
        [
            ("●", "no hedge", style.VERMILION),
            ("●", "hedged", style.BLUE),
            ("- -", "theory", style.BLACK),
        ],
    )
    tail.axhline(0.01, color=style.MUTED, linewidth=1)
    style.label(tail, 1e-3, 0.01, "1 in 100", style.MUTED, xytext=(3, 6))
    log_axis(tail, "y", 1e-3, 1.2, text=percent)
    tail.set_ylabel("Requests that take longer")
    time_axis(tail, "x", 1e-3, 20)
    tail.set_xlabel("Time until the last answer")
    tail.set_title("The tail, cut")

    price.plot(result.curve_extra, result.curve_p99_s, **style.THEORY)
    p99 = float(np.quantile(result.hedged_s, 0.99))
    price.plot([result.extra], [p99], marker="o", markersize=10, color=style.BLUE)
    price.axhline(result.theory_plain_p99_s, color=style.VERMILION, linewidth=1.4)
    price.text(
        0.98, result.theory_plain_p99_s * 1.1, "p99 without hedging", color=style.VERMILION,
        ha="right", va="bottom", fontsize=9,
    )  # fmt: skip
    log_axis(price, "x", 5e-4, 1.2, text=percent)
    price.set_xlabel("Extra requests, by hedging sooner or later")
    time_axis(price, "y", 1e-2, 30)
    price.set_ylabel("p99")
    price.set_title("The price of a shorter tail")


@style.panels(2)
def plot_join(result: JoinResult, axes: tuple[Axes, Axes]) -> None:
    """Draw the matches found and the rows sent by each way of joining."""
    found, sent = axes
    marker = {"local only": "s", "broadcast": "o", "repartition": "D", "co-located": "^"}
    color = {
        "local only": style.VERMILION,
        "broadcast": style.BLUE,
        "repartition": style.PURPLE,
        "co-located": style.GREEN,
    }
    for name in ("local only", "co-located"):
        found.plot(result.sizes, result.theory_found[name], **style.THEORY)
        found.plot(
            result.sizes,
            result.found[name],
            linestyle="none",
            marker=marker[name],
            color=color[name],
        )
    style.label(found, 4, 0.25, "each shard on its own", style.VERMILION, xytext=(8, 8))
    style.label(found, 16, 1.0, "all other ways", style.GREEN, xytext=(0, 10), ha="center")
    found.set_ylim(0, 1.12)
    found.set_yticks(np.arange(0, 1.01, 0.25))
    found.yaxis.set_major_formatter(PercentFormatter(1))
    found.set_ylabel("Matches found")
    found.set_title("A join that stays at home is wrong")
    for name in ("broadcast", "repartition", "co-located"):
        sent.plot(result.sizes, result.theory_sent[name], **style.THEORY)
        sent.plot(
            result.sizes,
            result.sent[name],
            linestyle="none",
            marker=marker[name],
            color=color[name],
        )
    key(
        sent,
        [
            ("●", "broadcast the users", color["broadcast"]),
            ("◆", "repartition the orders", color["repartition"]),
            ("▲", "co-located", color["co-located"]),
        ],
        left=True,
    )
    sent.set_ylim(-1_000, 35_000)
    sent.set_yticks(range(0, 30_001, 10_000), ["0", "10,000", "20,000", "30,000"])
    sent.set_ylabel("Rows that cross the network")
    sent.set_title("What being right costs")
    for ax in axes:
        here(ax, result.shards)
        _shards_asked(ax, 36, "Shards")


def _shards_asked(ax: Axes, most: float, name: str = "Shards that must answer") -> None:
    ticks = [tick for tick in (1, 2, 4, 8, 16, 32, 64, 128) if tick < most]
    log_axis(ax, "x", 0.9, most, ticks=ticks)
    ax.set_xlabel(name)
