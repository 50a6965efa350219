"""Pictures of times to live and of refreshing ahead of them."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from helpers.caching.plots.kit import dot
from helpers.caching.simulation.freshness import RefreshAheadResult, StalenessResult
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import log_axis
from helpers.foundations.drawing.scales import headroom


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
    log_axis(loads, "y", 0.001, 200)
    loads.set_title("... and fewer loads")
    loads.set_ylabel("reads that load (%)")
    for ax, here in ((stale, 100 * result.stale_here), (loads, 100 * result.loads_here)):
        dot(ax, result.ttl_s, here)
        log_axis(ax, "x", result.ttls_s[0], result.ttls_s[-1])
        ax.set_xlabel("time to live (s)")


@style.panels(2)
def plot_refresh_ahead(result: RefreshAheadResult, axes: tuple[Axes, Axes]) -> None:
    """Draw which keys' refreshes are read, and what every threshold buys and costs."""
    useful, bargain = axes
    rank = np.arange(1, result.rates_rps.size + 1)
    useful.plot(rank, 100 * result.useful, ".", color=style.BLUE, markersize=4)
    useful.plot(rank, 100 * result.useful_theory, **style.THEORY)
    log_axis(useful, "x", 1, max(rank[-1], 2))
    useful.set_ylim(0, 104)
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
    dot(bargain, result.loads_rps, 100 * result.miss_ratio, marker)
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
