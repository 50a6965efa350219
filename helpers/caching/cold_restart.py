"""A cache that comes back empty: the load on the database, and how long until it recovers.

An LRU cache in front of 10,000 keys is emptied under full traffic. Queries queue for the
database's connections. Where that stops being true: the model has one cache, and of many servers a
restart empties one; and queries here never time out, where retries make everything worse.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.caching import hit_ratios
from helpers.caching.zipf import popularity, requested
from helpers.foundations.drawing import style
from helpers.foundations.drawing.scales import headroom, round_up
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import duration, percent, rounded, significant

#: Whether misses for the same key share one query.
FIXES = ("none", "single-flight")

KEYS = 10_000

_REQUESTS = 30_000
_QUERY_S = 0.02
_BINS = 60


class Setting(Parameters):
    """An LRU cache under full traffic, and the database behind it."""

    rate_rps: float = number(2_000.0, "Requests", unit="requests/s", above=0)
    exponent: float = number(0.9, "Skew of the keys (Zipf)", at_least=0)
    capacity: int = integer(1_000, "Room in the cache", unit="items", at_least=1, at_most=KEYS - 1)
    headroom: float = number(
        2.0, "Headroom", above=1, note="What the database can answer, over its usual load."
    )
    prewarmed: float = number(
        0.0,
        "Filled beforehand",
        at_least=0,
        at_most=1,
        note="Share of the cache, most popular keys first, that is filled before traffic comes.",
    )
    fix: str = option("none", "Fix", of=FIXES)
    seed: int = seed()

    @property
    def warm(self) -> int:
        """How many keys are in the cache before traffic comes."""
        return round(self.prewarmed * self.capacity)


class Design(NamedTuple):
    """What is known before the restart: how the full cache does, and how the database was sized.

    Attributes
    ----------
    hit_ratio : float
        Of the full cache, by Che's approximation.
    usual_rps, database_rps : float
        Queries per second that reach the database as a rule, and that it can answer.
    connections : int
        As many as the headroom demands, rounded to a whole number.
    query_s : float
        How long a query holds one: about 20 ms, so that the headroom is exact.
    requests : int
        How many to watch: long enough to see the cache fill several times over.
    """

    hit_ratio: float
    usual_rps: float
    database_rps: float
    connections: int
    query_s: float
    requests: int


@lru_cache(maxsize=16)
def design(at: Setting) -> Design:
    """Size the database for the load that a full cache leaves it."""
    weights = popularity(KEYS, at.exponent)
    hit_ratio = float(hit_ratios.lru(weights, at.capacity))
    usual_rps = at.rate_rps * (1 - hit_ratio)
    database_rps = at.headroom * usual_rps
    connections = max(1, round(database_rps * _QUERY_S))
    full = hit_ratios.characteristic_time(weights, at.capacity)
    return Design(
        hit_ratio,
        usual_rps,
        database_rps,
        connections,
        query_s=connections / database_rps,
        requests=min(int(8 * full) + 2_000, _REQUESTS),
    )


# --- the model ------------------------------------------------------------------------------------


def replay(
    times: np.ndarray, keys: np.ndarray, at: Setting, plan: Design
) -> tuple[np.ndarray, np.ndarray, int]:
    """Let requests meet a cold cache: send a query for each miss, and queue it for a connection.

    Returns
    -------
    sent, starts : numpy.ndarray
        When each query was sent and got its connection, seconds.
    duplicates : int
        Queries for a key that a query was already on its way for.
    """
    ready_at = OrderedDict.fromkeys(range(at.warm - 1, -1, -1), 0.0)  # oldest use first
    free_at = [0.0] * plan.connections
    turn = duplicates = 0
    sent: list[float] = []
    starts: list[float] = []
    found, used = ready_at.get, ready_at.move_to_end  # looked up once: this is the hot path
    for now, key in zip(times.tolist(), keys.tolist(), strict=True):
        ready = found(key)
        if ready is not None:
            used(key)
            if ready <= now or at.fix == "single-flight":
                continue
            duplicates += 1
        # Equal queries end in the order they began, so connections are taken in turn.
        start = max(now, free_at[turn])
        free_at[turn] = start + plan.query_s
        turn = (turn + 1) % plan.connections
        sent.append(now)
        starts.append(start)
        if ready is None:
            if len(ready_at) == at.capacity:
                ready_at.popitem(last=False)
            ready_at[key] = start + plan.query_s
    return np.array(sent), np.array(starts), duplicates


@takes(Setting)
def simulate(at: Setting) -> ColdRestart:
    """Empty the cache and watch the first requests, at most 30,000."""
    plan, draw = design(at), Draws(at.seed)
    times = np.cumsum(draw("requests").standard_exponential(plan.requests)) / at.rate_rps
    keys = requested(popularity(KEYS, at.exponent), plan.requests, draw("keys"))
    sent, starts, duplicates = replay(times, keys, at, plan)
    waits = starts - sent
    width = times[-1] / _BINS
    bins = np.minimum((sent / width).astype(int), _BINS - 1)
    longest = np.zeros(_BINS)
    np.maximum.at(longest, bins, waits)
    late = sent[waits > plan.query_s]
    back = times[0] + plan.query_s  # before that no answer is back
    misses, first = np.searchsorted(sent, back), np.searchsorted(times, back)
    return ColdRestart(
        at,
        time_s=(np.arange(_BINS) + 0.5) * width,
        queries_rps=np.bincount(bins, minlength=_BINS) / width,
        wait_s=longest,
        multiplier=float(misses / first / (1 - plan.hit_ratio)),
        duplicates=duplicates,
        recovered_s=float(late[-1]) if late.size else 0.0,
        worst_wait_s=float(waits.max(initial=0.0)),
    )


# --- theory ---------------------------------------------------------------------------------------


def load_multiplier(hit_ratio: float) -> float:
    """How many times its usual load the database gets the moment the cache is empty.

    All requests over the usual misses, ``1 / (1 - h)``.
    """
    return 1 / (1 - hit_ratio)


class Theory(NamedTuple):
    """The load after a restart if the database answered at once.

    Attributes
    ----------
    multiplier : float
        Load before the first answer is back, over the usual one.
    time_s, queries_rps : numpy.ndarray
        Instants since the restart, dense at first, where the load falls fastest; and the load.
    """

    multiplier: float
    time_s: np.ndarray
    queries_rps: np.ndarray


@lru_cache(maxsize=8)
def theory(at: Setting) -> Theory:
    """How the load falls; once the cache is full it evicts, and the load stays the usual one."""
    weights, plan = popularity(KEYS, at.exponent), design(at)
    time_s = plan.requests / at.rate_rps * np.linspace(0, 1, 40) ** 3
    missing = 1 - hit_ratios.after_a_cold_start(weights, at.rate_rps * time_s, at.warm)
    cold = float(weights[at.warm :].sum())
    return Theory(
        multiplier=cold * load_multiplier(plan.hit_ratio),
        time_s=time_s,
        queries_rps=at.rate_rps * np.maximum(missing, 1 - plan.hit_ratio),
    )


# --- what it says ---------------------------------------------------------------------------------


class ColdRestart(Result):
    """The time after a cache restarts, seen from the database.

    Attributes
    ----------
    time_s : numpy.ndarray, shape (bins,)
        Middle of each interval, seconds since the restart.
    queries_rps : numpy.ndarray, shape (bins,)
        Queries sent to the database per second.
    wait_s : numpy.ndarray, shape (bins,)
        Longest wait for a connection among the queries of each interval, seconds.
    multiplier : float
        Load before the first answer is back over the usual one.
    duplicates : int
        Queries for a key that had already been asked for.
    recovered_s : float
        When a query last waited for longer than it ran, seconds; 0 if none did.
    worst_wait_s : float
    """

    at: Setting
    time_s: np.ndarray
    queries_rps: np.ndarray
    wait_s: np.ndarray
    multiplier: float
    duplicates: int
    recovered_s: float
    worst_wait_s: float

    @property
    def watched_s(self) -> float:
        """How long the simulation watched, seconds."""
        return float(self.time_s[-1] + self.time_s[0])

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "hit_ratio_before": rounded(design(self.at).hit_ratio),
            "load_multiplier": rounded(self.multiplier),
            "load_multiplier_theory": rounded(theory(self.at).multiplier),
            "duplicate_queries": self.duplicates,
            "worst_wait_s": rounded(self.worst_wait_s),
            "recovered_s": rounded(self.recovered_s),
        }

    @property
    def reading(self) -> str:
        first = (
            f"A cache that answered {percent(design(self.at).hit_ratio)} of the requests comes "
            f"back and the database gets {significant(self.multiplier)} times its usual load"
        )
        if self.recovered_s == 0:
            return f"{first}, which it can bear."
        if self.recovered_s > 0.98 * self.watched_s:
            return (
                f"{first}; after {duration(self.watched_s)} it has not recovered, and a query "
                f"waits up to {duration(self.worst_wait_s)}."
            )
        return (
            f"{first}; queries wait up to {duration(self.worst_wait_s)}, and it is "
            f"{duration(self.recovered_s)} before the queue is gone."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "time (s)": self.time_s,
            "queries per s": self.queries_rps,
            "longest wait (s)": self.wait_s,
        }


@style.panels(2)
def plot(run: ColdRestart, axes: tuple[Axes, Axes]) -> None:
    """Draw the load on the database after a restart, and how long queries wait."""
    _plot_load(run, axes[0])
    _plot_waits(run, axes[1])


def _plot_load(run: ColdRestart, ax: Axes) -> None:
    plan, exact, end = design(run.at), theory(run.at), round_up(run.watched_s)
    ax.fill_between(
        run.time_s,
        np.minimum(run.queries_rps, plan.database_rps),
        run.queries_rps,
        color=style.PALE_RED,
        linewidth=0,
        step="mid",
    )
    ax.plot(run.time_s, run.queries_rps, drawstyle="steps-mid", **style.SIMULATION)
    ax.plot(exact.time_s, exact.queries_rps, **style.THEORY)
    top, first = headroom(run.at.rate_rps), exact.queries_rps[0]
    said = "theory, for a database that answers at once"
    near = abs(first - plan.database_rps) < 0.1 * top  # of another label
    style.label(ax, 0, first, said, style.INK, xytext=(12, 25 if near else 0))
    names = {plan.database_rps: "what the database can answer", plan.usual_rps: "usual load"}
    if plan.database_rps < 0.1 * top:  # both lines lie so low that one label must do
        names = {plan.database_rps: "usual load, and what the database can answer"}
    for level in (plan.database_rps, plan.usual_rps):
        ax.axhline(level, color=style.MUTED, linewidth=1)
    for level, text in names.items():
        above = -14 if level == plan.usual_rps and level > 0.1 * top else 7
        paper = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.5}
        place: dict[str, Any] = {"ha": "right", "xytext": (-2, above), "bbox": paper}
        style.label(ax, end, level, text, style.MUTED, **place)
    ax.set_xlim(0, end)
    ax.set_ylim(0, top)
    ax.set_title("The load when the cache is cold")
    ax.set_xlabel("time since the restart (s)")
    ax.set_ylabel("queries to the database (per second)")


def _plot_waits(run: ColdRestart, ax: Axes) -> None:
    ax.fill_between(run.time_s, 0, run.wait_s, color=style.PALE_RED, linewidth=0, step="mid")
    ax.plot(run.time_s, run.wait_s, drawstyle="steps-mid", **style.SIMULATION)
    if run.recovered_s > 0:
        ax.axvline(run.recovered_s, color=style.MUTED, linewidth=1, linestyle=":")
    ax.set_xlim(0, round_up(run.watched_s))
    ax.set_ylim(0, headroom(run.worst_wait_s, 0.05))
    ax.set_title("How long the database is in trouble")
    ax.set_xlabel("time since the restart (s)")
    ax.set_ylabel("longest wait for a connection (s)")
