"""Writes: the race that leaves write-through stale, and what write-behind loses and saves."""

from __future__ import annotations

import math

import numpy as np

from helpers.caching import theory
from helpers.caching.simulation._shared import (
    frozen,
    percent,
    popularity,
    rounded,
    unit_arrivals,
    unit_draws,
    zipf_draws,
)
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant

#: How long an update takes from the database to the cache.
DELAYS = ("exponential", "constant")

#: What keeps the cache in the database's order.
RACE_FIXES = ("none", "compare versions")

_BURST = 384  # writes before the last one; older ones have long arrived
_SHOWN = 8  # writes of the burst in the picture
_CROWDS = np.geomspace(0.02, 20, 13)  # writes under way at once, the curve's abscissa
_WRITES = 1 << 17


# --- two writers race -----------------------------------------------------------------------------


class WriteRaceResult(Result):
    """Bursts of write-through writes to one key, and what each leaves in the cache."""

    write_rps: float
    delay_s: float
    delay: str
    fix: str
    ttl_s: float
    replications: int
    #: One burst, ending in the wrong value if any did: when its last writes were committed and
    #: when each reached the cache, seconds before and after the last commit; shape (shown,).
    commit_s: np.ndarray
    cached_s: np.ndarray
    #: The write whose value the cache keeps, as an index into the two.
    kept: int
    #: Writes under way at once (rate times delay), and the share of bursts that end stale.
    crowd: np.ndarray
    stale_share: np.ndarray
    stale_theory: np.ndarray
    #: The same at this rate and delay.
    stale_here: float
    stale_here_theory: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "writes_under_way": rounded(self.write_rps * self.delay_s),
            "stale_share": rounded(self.stale_here),
            "stale_share_theory": rounded(self.stale_here_theory),
            "stale_mean_s": rounded(self.stale_here * self.ttl_s),
        }

    @property
    def reading(self) -> str:
        if self.stale_here == 0:
            return (
                f"Not one of {self.replications:,} bursts leaves a wrong value in the cache: "
                "updates reach it in the database's order, or are refused."
                if self.fix != "none" or self.delay == "constant"
                else f"Not one of {self.replications:,} bursts leaves a wrong value in the cache, "
                "though it could happen."
            )
        return (
            f"With {significant(self.write_rps * self.delay_s)} writes under way at once, "
            f"{percent(self.stale_here)} of the bursts leave an older value in the cache than in "
            f"the database, until the time to live of {duration(self.ttl_s)} has passed."
        )


def simulate_write_race(
    *,
    write_rps: float = 20.0,
    delay_s: float = 0.02,
    delay: str = "exponential",
    fix: str = "none",
    ttl_s: float = 300.0,
    replications: int = 1_000,
    seed: int = 1,
) -> WriteRaceResult:
    """Write one key through to database and cache, from many servers at once.

    Parameters
    ----------
    write_rps : float
        Writes to the key, per second, Poisson; > 0.
    delay_s : float
        Mean time from a write's commit in the database to its arrival in the cache, seconds; > 0.
    delay : {"exponential", "constant"}
        How that time varies from write to write.
    fix : {"none", "compare versions"}
        ``"compare versions"``: the cache refuses a value with a lower version than its own.
    ttl_s : float
        Time to live, seconds; > 0: how long a wrong value stays if nobody writes again.
    replications : int
        Bursts; >= 2.
    seed : int
        Seed of the traffic.

    Returns
    -------
    WriteRaceResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    write_rps = validation.number("write_rps", write_rps, above=0, unit="writes/s")
    delay_s = validation.number("delay_s", delay_s, above=0, unit="s")
    validation.one_of("delay", delay, DELAYS)
    validation.one_of("fix", fix, RACE_FIXES)
    ttl_s = validation.number("ttl_s", ttl_s, above=0, unit="s")
    replications = validation.integer("replications", replications, at_least=2)

    # Ages of the earlier writes at the last commit, and every write's delay, on unit scales.
    ages = np.cumsum(unit_draws("exponential", "gaps", (replications, _BURST), seed), axis=1)
    delays = unit_draws("exponential", "delays", (replications, _BURST), seed)
    last = unit_draws("exponential", "last delay", replications, seed)
    if delay == "constant":
        delays, last = np.ones_like(delays), np.ones_like(last)

    def ends_stale(crowd: float) -> np.ndarray:
        if fix == "compare versions":
            return np.zeros(replications, dtype=bool)
        # In units of the delay: some earlier write arrives after the last one does. Writes more
        # than 20 mean delays old have all arrived, but for a chance of exp(-20) each.
        recent = math.ceil(20 * crowd + 6 * math.sqrt(20 * crowd) + 6)
        return (delays[:, :recent] - ages[:, :recent] / crowd).max(axis=1) > last

    crowd = write_rps * delay_s
    stale = ends_stale(crowd)
    shown = int(stale.argmax())
    commit_s = -np.append(0.0, ages[shown, : _SHOWN - 1])[::-1] / write_rps
    cached_s = commit_s + delay_s * np.append(last[shown], delays[shown, : _SHOWN - 1])[::-1]
    racing = delay == "exponential" and fix == "none"
    return WriteRaceResult(
        write_rps=write_rps,
        delay_s=delay_s,
        delay=delay,
        fix=fix,
        ttl_s=ttl_s,
        replications=replications,
        commit_s=frozen(commit_s),
        cached_s=frozen(cached_s),
        kept=int(cached_s.argmax()) if fix == "none" else _SHOWN - 1,
        crowd=_CROWDS,
        stale_share=np.array([ends_stale(each).mean() for each in _CROWDS]),
        stale_theory=np.array(
            [theory.theory_write_race(each, 1.0) if racing else 0.0 for each in _CROWDS.tolist()]
        ),
        stale_here=float(stale.mean()),
        stale_here_theory=theory.theory_write_race(write_rps, delay_s) if racing else 0.0,
    )


# --- write-behind ---------------------------------------------------------------------------------


class WriteBehindResult(Result):
    """What a write-behind cache loses in a crash, and what it saves the database."""

    write_rps: float
    flush_s: float
    keys: int
    replications: int
    #: Acknowledged writes lost in each crash; shape (replications,).
    lost: np.ndarray
    lost_mean_theory: float
    lost_sd_theory: float
    #: Flush intervals, seconds, and rows written to the database per second at each.
    intervals_s: np.ndarray
    rows_rps: np.ndarray
    rows_theory_rps: np.ndarray
    rows_here_rps: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "lost_mean": rounded(self.lost.mean()),
            "lost_mean_theory": rounded(self.lost_mean_theory),
            "lost_p95": rounded(float(np.quantile(self.lost, 0.95))),
            "database_rows_rps": rounded(self.rows_here_rps),
        }

    @property
    def reading(self) -> str:
        saved = 1 - self.rows_here_rps / self.write_rps
        return (
            f"A crash loses {significant(self.lost.mean())} acknowledged writes on average and "
            f"more than {significant(float(np.quantile(self.lost, 0.95)))} in one crash of 20; "
            f"coalescing spares the database {percent(max(saved, 0.0))} of its writes."
        )


def simulate_write_behind(
    *,
    write_rps: float = 500.0,
    flush_s: float = 1.0,
    keys: int = 1_000,
    exponent: float = 0.9,
    replications: int = 2_000,
    seed: int = 1,
) -> WriteBehindResult:
    """Crash a write-behind cache at random instants, and count its rows at each flush.

    Parameters
    ----------
    write_rps : float
        Writes acknowledged per second, Poisson; > 0.
    flush_s : float
        Time between flushes, seconds; > 0. At most 60,000 writes may come between two.
    keys : int
        Keys written to; >= 1.
    exponent : float
        Zipf's exponent of the keys' popularity; >= 0.
    replications : int
        Crashes; >= 2.
    seed : int
        Seed of the traffic.

    Returns
    -------
    WriteBehindResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    write_rps = validation.number("write_rps", write_rps, above=0, unit="writes/s")
    flush_s = validation.number("flush_s", flush_s, above=0, unit="s")
    if write_rps * flush_s > 60_000:
        raise ValueError(
            "write_rps x flush_s must be at most 60,000 writes, "
            f"got {write_rps:g} x {flush_s:g} = {write_rps * flush_s:g}"
        )
    keys = validation.integer("keys", keys, at_least=1)
    exponent = validation.number("exponent", exponent, at_least=0)
    replications = validation.integer("replications", replications, at_least=2)
    weights = popularity(keys, exponent)
    # Time is counted in mean gaps between writes, so that one stream serves all rates.
    written = unit_arrivals("writes", _WRITES, seed)
    pending = write_rps * flush_s

    # Whole intervals only: a crash is as likely at one phase of the interval as at another.
    whole = int(written[-1] / pending)
    crash = unit_draws("uniform", "crash", replications, seed) * whole * pending
    flushed = np.floor(crash / pending) * pending
    lost = np.searchsorted(written, crash) - np.searchsorted(written, flushed)

    key = zipf_draws("keys", _WRITES // 2, keys, exponent, seed)
    least, most = 0.05, max(60.0, flush_s)
    intervals = np.geomspace(least, min(most, 60_000 / write_rps), 10)
    rows = [_rows_per_write(written, key, keys, write_rps * each) for each in intervals.tolist()]
    predicted = theory.theory_write_behind(write_rps, flush_s, weights)
    return WriteBehindResult(
        write_rps=write_rps,
        flush_s=flush_s,
        keys=keys,
        replications=replications,
        lost=frozen(lost),
        lost_mean_theory=predicted.lost_mean,
        lost_sd_theory=predicted.lost_sd,
        intervals_s=frozen(intervals),
        rows_rps=write_rps * np.array(rows),
        rows_theory_rps=np.array(
            [
                theory.theory_write_behind(write_rps, each, weights).database_rps
                for each in intervals.tolist()
            ]
        ),
        rows_here_rps=write_rps * _rows_per_write(written, key, keys, pending),
    )


def _rows_per_write(written: np.ndarray, key: np.ndarray, keys: int, pending: float) -> float:
    """Return distinct keys per interval over writes per interval, over a few thousand writes."""
    flushes = math.ceil(4_000 / pending)
    count = int(np.searchsorted(written, flushes * pending))
    if count == 0:
        return 1.0  # no write in sight, so none to save
    dirty = (written[:count] / pending).astype(np.int64) * keys + key[:count]
    dirty.sort()
    return float(1 + np.count_nonzero(np.diff(dirty))) / count
