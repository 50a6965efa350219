"""A cache before a database: what is left for the database, and how long a read takes.

The database can do 800 reads/s. Hits are independent of one another. Where that stops being true:
writes go to the database whatever the cache does, and misses come in bursts when something popular
expires.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, key, log_axis, short
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import duration, significant
from helpers.foundations.queueing import steady_state
from helpers.foundations.statistics import Interval, mean_interval, skewed_interval
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import unit_services

_CACHE_S, _DATABASE_S, _CONNECTIONS = 0.0005, 0.01, 8
CAPACITY_RPS = _CONNECTIONS / _DATABASE_S
_MISSES = 500  # of a run


class Setting(Parameters):
    """Reads that ask a cache first, and then a database with eight connections of 10 ms."""

    rate_rps: float = number(4_000.0, "Reads", unit="requests/s", at_least=100, at_most=50_000)
    hit_ratio: float = number(0.9, "Hit ratio", at_least=0, at_most=1)
    replications: int = replications(128)
    seed: int = seed()

    @property
    def needed_hit_ratio(self) -> float:
        """Hit ratio below which the database cannot keep up."""
        return max(0.0, 1 - CAPACITY_RPS / self.rate_rps)


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> CacheLoad:
    """Send reads through a cache to a database that can do 800 of them a second.

    Poisson reads of which each misses by chance leave a Poisson stream of misses: only that is
    drawn. A full database remembers for thousands of misses. Many short runs that each begin with
    a crowd drawn afresh tell more of it than a few long ones that begin empty.
    """
    miss = 1 - at.hit_ratio
    load = miss * at.rate_rps
    if load == 0:
        none, alone = (Interval(v, v, v, 0.95, at.replications) for v in (0.0, _CACHE_S))  # certain
        return CacheLoad(at, none, alone)
    gaps, services, chances, crowds = _draws(at.replications, at.seed)
    # The first miss comes at once: it is the one that meets the steady state.
    arrivals = (np.cumsum(gaps, axis=0) - gaps[0]) / load
    gap = mean_interval(arrivals[-1] / (_MISSES - 1))
    database = Interval(1 / gap.mean, 1 / gap.high, 1 / gap.low, gap.confidence, gap.samples)
    read = None
    if load * _DATABASE_S < 0.98 * _CONNECTIONS:
        busy = steady_state.still_busy(load * _DATABASE_S, _CONNECTIONS, chances, crowds)
        waits = steady_state.waits(arrivals, _DATABASE_S * services, _DATABASE_S * busy)
        response = (waits + _DATABASE_S * services).mean(axis=0)
        read = skewed_interval(_CACHE_S + miss * response)
    return CacheLoad(at, database, read)


@lru_cache(maxsize=4)
def _draws(replications: int, seed: int) -> tuple[np.ndarray, ...]:
    """Gaps and services, then for each run its crowd at the beginning; time runs down."""
    draw, shape = Draws(seed), (_MISSES, replications)
    most = steady_state.MOST_IN_LINE + _CONNECTIONS
    drawn = (
        unit_gaps("poisson", shape, draw("arrivals")),
        unit_services("exponential", shape, draw("services")),
        draw("crowds").random(replications),
        draw("crowds").standard_exponential((most, replications)),
    )
    for array in drawn:
        array.setflags(write=False)
    return drawn


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Reads/s at the database, its utilisation, and the mean read in seconds, or infinity."""

    database_rps: float
    utilisation: float
    read_s: float


def theory(at: Setting, hit_ratio: float | None = None) -> Theory:
    """What is left for the database at the setting, or at another hit ratio.

    ``(1 - h) rate`` reads reach the database, an M/M/c queue if misses are independent.
    """
    ratio = at.hit_ratio if hit_ratio is None else hit_ratio
    load_rps = (1 - ratio) * at.rate_rps
    utilisation = load_rps / CAPACITY_RPS
    read_s = _CACHE_S
    if ratio < 1:
        stable = utilisation < 1 - 1e-9  # (1 - 0.8) x 4,000 is a little less than 800
        response = (
            queueing.mmc_response(load_rps, _DATABASE_S, _CONNECTIONS) if stable else math.inf
        )
        read_s += (1 - ratio) * float(response)
    return Theory(load_rps, utilisation, read_s)


def _grid(at: Setting) -> list[float]:
    """Hit ratios, denser where the read time has its wall and where the load falls to nothing."""
    edge = at.needed_hit_ratio
    wall = edge + (1 - edge) * np.geomspace(2e-3, 0.3, 20)
    parts = [np.linspace(0, 1, 26), wall, 1 - np.geomspace(5e-4, 0.03, 8)]
    ratios: list[float] = np.sort(np.concatenate(parts)).tolist()
    return ratios


# --- what it says ---------------------------------------------------------------------------------


class CacheLoad(Result):
    """Database load and read time behind a cache.

    Attributes
    ----------
    database : Interval
        Reads per second that reach the database.
    read : Interval or None
        Mean read time, seconds; None where the database cannot keep up.
    """

    at: Setting
    database: Interval
    read: Interval | None

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "database_rps": self.database.estimate,
            "database_theory_rps": exact.database_rps,
            "database_percent_of_capacity": 100 * self.database.estimate / CAPACITY_RPS,
            "read_ms": 1e3 * self.read.estimate if self.read else "no steady state",
            "read_theory_ms": 1e3 * exact.read_s if self.read else "no steady state",
            "needed_hit_percent": 100 * self.at.needed_hit_ratio,
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        start = (
            f"A hit ratio of {significant(100 * at.hit_ratio)} % leaves "
            f"{significant(self.database.estimate)} of {significant(at.rate_rps)} reads/s to the "
            f"database (theory {significant(exact.database_rps)})"
        )
        if self.read is None and exact.utilisation < 1 - 1e-9:
            return (
                f"{start}, nearly all of the {significant(CAPACITY_RPS)} it can do: so near to the "
                "edge this run is too short to say how long a read takes."
            )
        if self.read is None:
            compared = "more than" if exact.utilisation > 1 + 1e-9 else "all of"
            return (
                f"{start}, {compared} the {significant(CAPACITY_RPS)} it can do: to keep up it "
                f"needs more than {significant(100 * at.needed_hit_ratio)} %."
            )
        return (
            f"{start}, and a read takes {duration(self.read.estimate)} on average; without the "
            f"cache the database would get {significant(at.rate_rps / CAPACITY_RPS, 2)} "
            f"times what it can do."
        )


@style.panels(2)
def plot(run: CacheLoad, axes: tuple[Axes, Axes]) -> None:
    """Draw the database's load and the read time against the hit ratio."""
    load, read = axes
    grid = np.array(_grid(run.at))
    exact = [theory(run.at, h) for h in grid.tolist()]
    rates, times = (np.array(each) for each in zip(*((t[0], t[2]) for t in exact), strict=True))
    load.set(
        title="What is left for the database",
        xlim=(-2, 102),
        xlabel="hit ratio (%)",
        ylabel="reads per second at the database",
    )
    log_axis(load, "y", 1, 1e5, text=short)
    x = 100 * run.at.hit_ratio
    shown = rates > 0
    load.plot(100 * grid[shown], rates[shown], **style.THEORY)
    load.axhline(CAPACITY_RPS, color=style.VERMILION, linewidth=1.4)
    words: dict[str, Any] = {"color": style.VERMILION, "fontsize": 9}
    load.text(0, 1.12 * CAPACITY_RPS, "what the database can do", va="bottom", **words)
    here(load, x)
    if run.database.estimate > 0:
        error_bars(load, x, run.database, **style.DOTS)
    names = [("●", "simulated", style.BLUE), ("--", "(1 − h) × rate", style.INK)]
    key(load, names, left=True, y=0.15)
    read.set(
        title="How long a read takes",
        xlim=(-2, 102),
        ylim=(0, 16),
        xlabel="hit ratio (%)",
        ylabel="mean read time (ms)",
    )
    possible = np.isfinite(times)
    read.plot(100 * grid[possible], 1e3 * times[possible], **style.THEORY)
    if run.at.needed_hit_ratio > 0:
        wall = 100 * run.at.needed_hit_ratio
        read.axvspan(-2, wall, color=style.VERMILION, alpha=0.13, lw=0)
        read.text(0, 15.2, "the database cannot keep up", va="top", **words)
    here(read, x)
    if run.read is not None:
        error_bars(read, x, run.read, 1e3, **style.DOTS)
