"""Refresh-ahead: fewer readers who wait, paid for with loads that nobody reads.

Five hundred keys of Zipf popularity are read at random. A read that finds its entry past a
threshold starts a reload in the background; or a timer reloads every entry when its time is up.
Where that stops being true: loads take no time here, and real reads come in sessions, which are
easier to foresee than Poisson reads until the session is over.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.caching.zipf import popularity, requested
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import dot, log_axis, yours
from helpers.foundations.drawing.scales import headroom
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import percent, rounded, significant

#: What starts a refresh: an access near the end of the time to live, or a clock.
MODES = ("on access", "timer")

#: Thresholds of the bargain's curve, from 1 (no refresh-ahead) down.
THRESHOLDS = np.linspace(1.0, 0.05, 20)

_LIVES = 200  # of each key's entry


class Setting(Parameters):
    """Keys of unequal popularity behind a cache that refreshes its entries ahead of time."""

    rate_rps: float = number(100.0, "Reads, all keys", unit="requests/s", above=0)
    keys: int = integer(500, "Keys", at_least=1)
    exponent: float = number(1.0, "Skew of the keys (Zipf)", at_least=0)
    ttl_s: float = number(10.0, "Time to live", unit="s", above=0)
    threshold: float = number(
        0.8,
        "Refresh from",
        above=0,
        at_most=1,
        note="Share of the time to live after which an access refreshes; at 1 none does.",
    )
    mode: str = option(
        "on access",
        "Mode",
        of=MODES,
        note="A timer reloads every key each time its time is up, read or not.",
    )
    seed: int = seed()

    @property
    def rates_rps(self) -> np.ndarray:
        """Reads of each key per second, most popular first."""
        return popularity(self.keys, self.exponent) * self.rate_rps


# --- the model: one read after the other, refreshing on access ------------------------------------


def refreshing_cache(at, draw):
    """Send reads to the cache one by one; count those that miss, and those that load."""
    reads = round(max(3 * at.rate_rps * at.ttl_s, 10_000))
    times = np.cumsum(draw("gaps").exponential(1 / at.rate_rps, reads)).tolist()
    keys = requested(popularity(at.keys, at.exponent), reads, draw("keys")).tolist()
    loaded_at = {}
    counted = misses = loads = 0
    for now, key in zip(times, keys, strict=True):
        warm = now > at.ttl_s  # at first the cache was empty
        age = now - loaded_at.get(key, -math.inf)
        counted += warm
        misses += warm and age >= at.ttl_s
        if age >= at.threshold * at.ttl_s:
            loads += warm
            loaded_at[key] = now
    return {"miss_ratio": misses / counted, "loads_rps": loads / counted * at.rate_rps}


# --- the same, fast: 200 lives of each key's entry ------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> RefreshAhead:
    """Draw what happens in 200 lives of every key's entry, and weigh them by popularity."""
    draw, rates, shape = Draws(at.seed), at.rates_rps, (_LIVES, at.keys)
    if at.mode == "timer":
        used = draw("reads").poisson(np.broadcast_to(rates * at.ttl_s, shape)) > 0
        refreshed = np.ones(shape, dtype=bool)
        missed, loads = np.zeros(at.keys), np.full(at.keys, 1 / at.ttl_s)
    else:
        # A life: reads while young, then the first read after that, which finds the value alive
        # and refreshes it, or finds it gone.
        young = draw("reads").poisson(np.broadcast_to(rates * at.threshold * at.ttl_s, shape))
        wait_s = draw("first late read").standard_exponential(shape) / rates
        refreshed = wait_s < (1 - at.threshold) * at.ttl_s
        used = (young > 0) | refreshed
        reads = (young + 1).sum(axis=0)
        missed = (~refreshed).sum(axis=0) / reads
        loads = rates * _LIVES / reads
    # A value that was brought in by a refresh is like any other: what happened to the lives of
    # loaded values says how often a refreshed one is used.
    useful = used.mean(axis=0)
    return RefreshAhead(
        at,
        useful=useful,
        miss_ratio=float(popularity(at.keys, at.exponent) @ missed),
        loads_rps=float(loads.sum()),
        wasted_rps=float((loads * refreshed.mean(axis=0) * (1 - useful)).sum()),
    )


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """What each key's refreshes are worth, and what all keys together cost.

    Attributes
    ----------
    useful : numpy.ndarray, shape (keys,)
        Probability that a refreshed value is read before its time is up.
    miss_ratio : float
        Share of the reads that find nothing.
    loads_rps : float
        Loads from the database per second, refreshes and misses together.
    wasted_rps : float
        Refreshes per second that nobody reads.
    """

    useful: np.ndarray
    miss_ratio: float
    loads_rps: float
    wasted_rps: float


def theory(at: Setting) -> Theory:
    """Hit ratio, load and waste of refresh-ahead for Poisson reads.

    From one load of a key to the next pass ``threshold x ttl`` and then the wait for a read,
    ``1 / r`` on average. That read finds the value alive, and refreshes it, with probability
    ``1 - exp(-r (1 - threshold) ttl)``; all those before it were hits.
    """
    rates = at.rates_rps
    useful = -np.expm1(-rates * at.ttl_s)
    if at.mode == "timer":
        wasted = float((1 - useful).sum()) / at.ttl_s
        return Theory(useful, 0.0, at.keys / at.ttl_s, wasted)
    missed = np.exp(-rates * (1 - at.threshold) * at.ttl_s)
    per_load = 1 + rates * at.threshold * at.ttl_s
    loads = rates / per_load
    return Theory(
        useful,
        miss_ratio=float(popularity(at.keys, at.exponent) @ (missed / per_load)),
        loads_rps=float(loads.sum()),
        wasted_rps=float((loads * (1 - missed) * (1 - useful)).sum()),
    )


def without(at: Setting) -> Theory:
    """What theory says of the same reads without refresh-ahead."""
    return theory(at.but(mode="on access", threshold=1.0))


# --- what it says ---------------------------------------------------------------------------------


class RefreshAhead(Result):
    """What came of refreshing ahead.

    Attributes
    ----------
    useful : numpy.ndarray, shape (keys,)
        Share of the refreshed values of each key, most popular first, that somebody read.
    miss_ratio, loads_rps, wasted_rps : float
        As in :class:`Theory`.
    """

    at: Setting
    useful: np.ndarray
    miss_ratio: float
    loads_rps: float
    wasted_rps: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        plain = without(self.at)
        return {
            "miss_ratio": rounded(self.miss_ratio),
            "miss_ratio_without": rounded(plain.miss_ratio),
            "database_loads_rps": rounded(self.loads_rps),
            "database_loads_without_rps": rounded(plain.loads_rps),
            "wasted_refreshes_rps": rounded(self.wasted_rps),
        }

    @property
    def reading(self) -> str:
        plain = without(self.at)
        if self.at.mode == "on access" and self.at.threshold == 1:
            return (
                f"Nothing is refreshed ahead: {percent(self.miss_ratio)} of the requests miss, "
                f"and the database gets {significant(self.loads_rps)} loads a second."
            )
        wasted = significant(self.wasted_rps)
        waste = {
            "0": "no refresh brings in a value that nobody reads",
            "1": "1 refresh a second brings in a value nobody reads",
        }.get(wasted, f"{wasted} refreshes a second bring in a value nobody reads")
        return (
            f"Misses go from {percent(plain.miss_ratio)} to {percent(self.miss_ratio)} of the "
            f"requests, database loads from {significant(plain.loads_rps)} to "
            f"{significant(self.loads_rps)} a second; {waste}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "rank": np.arange(1, self.at.keys + 1),
            "reads per s": self.at.rates_rps,
            "refreshes read": self.useful,
            "theory": theory(self.at).useful,
        }


@style.panels(2)
def plot(run: RefreshAhead, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw which keys' refreshes are read, and what every threshold buys and costs."""
    useful, bargain = axes
    at, rank = run.at, np.arange(1, run.at.keys + 1)
    useful.plot(rank, 100 * run.useful, ".", color=style.BLUE, markersize=4)
    useful.plot(rank, 100 * theory(at).useful, **style.THEORY)
    log_axis(useful, "x", 1, max(at.keys, 2))
    useful.set_ylim(0, 104)
    useful.set_title("Refreshes that somebody reads")
    useful.set_xlabel("key, by popularity (rank)")
    useful.set_ylabel("read within the time to live (%)")

    curve = [theory(at.but(mode="on access", threshold=each)) for each in THRESHOLDS.tolist()]
    loads = np.array([each.loads_rps for each in curve])
    misses = 100 * np.array([each.miss_ratio for each in curve])
    bargain.plot(loads, misses, **style.THEORY)
    bargain.plot(loads[0], misses[0], "o", color=style.MUTED, markersize=7)
    style.label(bargain, loads[0], misses[0], "no refresh-ahead", style.MUTED, xytext=(8, 5))
    right = max(float(loads.max()), at.keys / at.ttl_s)
    top = headroom(1.1 * float(misses[0]), 0.01)
    bargain.set_xlim(0, headroom(1.2 * min(right, float(loads.max()) * 2)))
    bargain.set_ylim(0, top)
    x, y = run.loads_rps, 100 * run.miss_ratio
    dot(bargain, x, y, "o" if at.mode == "on access" else "s")
    if abs(y - misses[0]) > 0.1 * top:  # or else it is where "no refresh-ahead" stands
        style.label(bargain, x, y, at.mode, style.BLUE, xytext=(8, 9))
    if mine is not None:
        yours(bargain, mine["loads_rps"], 100 * mine["miss_ratio"])
    bargain.set_title("Fewer misses, paid for in loads")
    bargain.set_xlabel("database loads (per second)")
    bargain.set_ylabel("requests that miss (%)")
