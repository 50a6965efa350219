"""How stale a cached value is, and what its freshness costs.

One key lives in a cache for a fixed time. Reads and updates come at random; some updates send an
invalidation, which arrives at once or never. Where that stops being true: a real invalidation
takes a moment, and the race of two clients lives in that moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import dot, log_axis, yours
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import duration, percent, rounded

#: Times to live at which the curve is simulated, seconds.
TTLS_S = np.geomspace(1, 10_000, 13)


class Setting(Parameters):
    """One cached key, its readers and its writers."""

    ttl_s: float = number(60.0, "Time to live", unit="s", above=0)
    update_rps: float = number(0.01, "Updates", unit="per s", above=0)
    read_rps: float = number(1.0, "Reads", unit="per s", above=0)
    delivered: float = number(0.0, "Invalidations that arrive", at_least=0, at_most=1)
    replications: int = replications(2_000, note="Lives of the entry at each time to live.")
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def one_key(at, draw):
    """Live one life of the entry after the other; count reads, stale ones, and loads."""
    luck, lives = draw("lives"), 50
    reads = stale = 0
    for _ in range(lives):
        first_update = update = luck.exponential(1 / at.update_rps)
        dies = at.ttl_s
        while update < dies:
            if luck.random() < at.delivered:
                dies = update  # this update's invalidation got through
            update += luck.exponential(1 / at.update_rps)
        fresh_s = min(first_update, dies)
        stale_hits = luck.poisson(at.read_rps * (dies - fresh_s))
        fresh_hits = luck.poisson(at.read_rps * fresh_s)
        reads += 1 + fresh_hits + stale_hits  # the first one missed, and loaded the value
        stale += stale_hits
    return {"stale_share": stale / reads, "load_share": lives / reads}


# --- the same, fast: all times to live at once, on the same lives ---------------------------------


@takes(Setting)
def simulate(at: Setting) -> Staleness:
    """Draw when each life's first update and first delivered one come; count reads in bulk."""
    draw, lives = Draws(at.seed), (at.replications, 1)
    first = draw("first update").standard_exponential(lives) / at.update_rps
    lost = draw("delivery").random(lives) >= at.delivered
    later = draw("delivered update").standard_exponential(lives)
    with np.errstate(divide="ignore"):
        invalidated = first + np.where(lost, np.divide(later, at.delivered * at.update_rps), 0.0)
    life = np.minimum(np.append(TTLS_S, at.ttl_s), invalidated)
    fresh = np.minimum(life, first)
    stale_hits = draw("reads").poisson(at.read_rps * (life - fresh)).sum(axis=0)
    hits = stale_hits + draw("reads").poisson(at.read_rps * fresh).sum(axis=0)
    reads = at.replications + hits  # each life begins with the read that missed
    stale_share, load_share = stale_hits / reads, at.replications / reads
    return Staleness(
        at,
        stale_share[:-1],
        load_share[:-1],
        float(stale_share[-1]),
        float(load_share[-1]),
    )


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Shares of the reads that are stale and that load; floats, or arrays over times to live."""

    stale_share: Any
    load_share: Any


def theory(at: Setting, ttl_s: Any = None) -> Theory:
    """Shares at the setting, or at other times to live.

    An entry lives until its time is up or an invalidation arrives, and is fresh until its first
    update. An exponential time of rate x, cut at T, is (1 - exp(-x T)) / x long on average: with
    the rate of delivered updates that is a life, with the rate of all updates the fresh part of
    it. Poisson reads see time averages (Wolff, "Poisson Arrivals See Time Averages", *Operations
    Research* 30(2), 1982), so a life of length l holds 1 + r l reads, the first of which loads.
    """
    until = at.ttl_s if ttl_s is None else np.asarray(ttl_s)

    def mean_cut(rate: float) -> Any:
        return -np.expm1(-rate * until) / rate if rate else until

    life, fresh = mean_cut(at.delivered * at.update_rps), mean_cut(at.update_rps)
    reads = 1 + at.read_rps * life
    return Theory(at.read_rps * (life - fresh) / reads, 1 / reads)


def stale_hits(at: Setting) -> float:
    """Share of the cache's hits, misses left out, that return a value the database replaced."""
    exact = theory(at)
    return float(exact.stale_share / (1 - exact.load_share))


# --- what it says ---------------------------------------------------------------------------------


class Staleness(Result):
    """Shares of the reads that are stale and that load, at :data:`TTLS_S` and at ``at.ttl_s``."""

    at: Setting
    stale_share: np.ndarray
    load_share: np.ndarray
    stale_here: float
    loads_here: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "stale_share_of_reads": rounded(self.stale_here),
            "stale_share_theory": rounded(theory(self.at).stale_share),
            "load_share_of_reads": rounded(self.loads_here),
            "database_loads_rps": rounded(self.loads_here * self.at.read_rps),
        }

    @property
    def reading(self) -> str:
        stale = f"{percent(self.stale_here)} of the reads are stale"
        if self.stale_here == 0:
            stale = "not one read was stale in this simulation"
        return (
            f"With a time to live of {duration(self.at.ttl_s)}, {stale}, and "
            f"{percent(self.loads_here)} of them load from the database."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at, TTLS_S)
        return {
            "time to live (s)": TTLS_S,
            "stale reads": self.stale_share,
            "theory": exact.stale_share,
            "reads that load": self.load_share,
            "loads, theory": exact.load_share,
        }


@style.panels(2)
def plot(run: Staleness, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw stale reads and database loads over the time to live."""
    stale, loads = axes
    exact = theory(run.at, TTLS_S)
    panels = (
        (stale, run.stale_share, exact.stale_share, run.stale_here, "stale_share"),
        (loads, run.load_share, exact.load_share, run.loads_here, "load_share"),
    )
    for ax, share, expected, here, name in panels:
        ax.plot(TTLS_S, 100 * share, **style.SIMULATION)
        ax.plot(TTLS_S, 100 * expected, **style.THEORY)
        dot(ax, run.at.ttl_s, 100 * here)
        if mine is not None:
            yours(ax, run.at.ttl_s, 100 * mine[name])
        log_axis(ax, "x", TTLS_S[0], TTLS_S[-1])
        ax.set_xlabel("time to live (s)")
    stale.set_ylim(-2, 104)
    stale.set_title("A longer life: more stale reads ...")
    stale.set_ylabel("stale reads (%)")
    log_axis(loads, "y", 0.001, 200)
    loads.set_title("... and fewer loads")
    loads.set_ylabel("reads that load (%)")
