"""Pictures of times to live and of refreshing ahead of them."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from helpers.caching.plots._shared import headroom, plain_log_ticks
from helpers.caching.simulation.freshness import RefreshAheadResult, StalenessResult
from helpers.foundations import style


@style.panels(2)
def plot_staleness(result: StalenessResult, axes: tuple[Axes, Axes]) -> None:
    """Draw stale reads and database loads over the time to live."""
    stale, loads = axes
    stale.plot(result.ttls_s, 100 * result.stale_share, **style.SIMULATION)
    stale.plot(result.ttls_s, 100 * result.stale_theory, **style.THEORY)
    stale.set_ylim(-2, 104)
    stale.set_title("A longer life: more stale reads ...")
    stale.set_ylabel("stale reads (%)")
    loads.plot(result.ttls_s, 100 * result.loads, **style.SIMULATION)
    loads.plot(result.ttls_s, 100 * result.loads_theory, **style.THEORY)
    loads.set_yscale("log")
    loads.set_ylim(0.001, 200)
    plain_log_ticks(loads.yaxis)
    loads.set_title("... and fewer loads")
    loads.set_ylabel("reads that load (%)")
    for ax, here in ((stale, 100 * result.stale_here), (loads, 100 * result.loads_here)):
        ax.plot(
            result.ttl_s,
            here,
            "o",
            color=style.BLUE,
            markersize=9,
            markeredgecolor="white",
            zorder=5,
            clip_on=False,
        )
        ax.set_xscale("log")
        ax.set_xlim(result.ttls_s[0], result.ttls_s[-1])
        plain_log_ticks(ax.xaxis)
        ax.set_xlabel("time to live (s)")


@style.panels(2)
def plot_refresh_ahead(result: RefreshAheadResult, axes: tuple[Axes, Axes]) -> None:
    """Draw which keys' refreshes are read, and what every threshold buys and costs."""
    useful, bargain = axes
    rank = np.arange(1, result.rates_rps.size + 1)
    useful.plot(rank, 100 * result.useful, ".", color=style.BLUE, markersize=4)
    useful.plot(rank, 100 * result.useful_theory, **style.THEORY)
    useful.set_xscale("log")
    useful.set_xlim(1, max(rank[-1], 2))
    useful.set_ylim(0, 104)
    plain_log_ticks(useful.xaxis)
    useful.set_title("Refreshes that somebody reads")
    useful.set_xlabel("key, by popularity (rank)")
    useful.set_ylabel("read within the time to live (%)")

    bargain.plot(result.loads_theory_rps, 100 * result.miss_theory, **style.THEORY)
    bargain.plot(
        result.loads_theory_rps[0],
        100 * result.miss_theory[0],
        "o",
        color=style.MUTED,
        markersize=7,
    )
    style.label(
        bargain,
        result.loads_theory_rps[0],
        100 * result.miss_theory[0],
        "no refresh-ahead",
        style.MUTED,
        xytext=(8, 5),
    )
    marker = "o" if result.mode == "on access" else "s"
    bargain.plot(
        result.loads_rps,
        100 * result.miss_ratio,
        marker,
        color=style.BLUE,
        markersize=9,
        markeredgecolor="white",
        zorder=5,
        clip_on=False,
    )
    style.label(
        bargain,
        result.loads_rps,
        100 * result.miss_ratio,
        result.mode,
        style.BLUE,
        xytext=(8, 9),
    )
    right = max(float(result.loads_theory_rps.max()), result.rates_rps.size / result.ttl_s)
    bargain.set_xlim(0, headroom(1.2 * min(right, result.loads_theory_rps.max() * 2)))
    bargain.set_ylim(0, headroom(110 * float(result.miss_theory[0]), 0.01))
    bargain.set_title("Fewer misses, paid for in loads")
    bargain.set_xlabel("database loads (per second)")
    bargain.set_ylabel("requests that miss (%)")
