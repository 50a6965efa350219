"""The celebrity: a key so popular that its shard is hot, and what can be done about it.

Ten thousand keys are asked for by Zipf's law and hashed to shards, so placement is as even as it
can be, and one shard is in trouble all the same. Where that stops being true: requests come
independently here; a real crowd arrives together, and then the peak must fit, not the mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, key
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.events import Log
from helpers.foundations.experiment import (
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import duration, significant
from helpers.foundations.queueing import mm1_response
from helpers.foundations.traffic.keys import zipf_weights
from helpers.sharding.placement import plot_response
from helpers.sharding.remedies import (
    FIXES,
    KEYS,
    MOST_PIECES,
    homes,
    top_key_share,
    work_per_request,
)
from helpers.sharding.router import hash64
from helpers.sharding.shard_axes import shard_axis
from helpers.sharding.shard_queues import poisson_arrivals, queue_on_shards, unit_draws

#: Mean service time, so that one shard serves 200 requests per second, and length of a run.
SERVICE_S = 0.005
HORIZON_S = 8.0

_WATCHED_S = (4.0, 5.0)  # the stretch of a run that is replayed
_MOST_REQUESTS = 10_500  # 1,200 requests/s for 8 s, and nine standard deviations


class Setting(Parameters):
    """Eight seconds of Zipf traffic over 10,000 keys, and shards of 200 requests per second each.

    Pieces and copies are hashed, so two may share a shard. Only the remedies "salt" and "copies"
    take notice of their number.
    """

    fix: str = option("none", "Remedy", of=FIXES)
    shards: int = integer(8, "Shards", at_least=2, at_most=64)
    exponent: float = number(1.2, "Skew of popularity", at_least=0, at_most=2)
    rate_rps: float = number(800.0, "All requests", unit="requests/s", above=0, at_most=1_200)
    read_fraction: float = number(0.9, "Fraction of reads (remedies)", at_least=0, at_most=1)
    pieces: int = integer(4, "Pieces or copies (remedies)", at_least=1, at_most=MOST_PIECES)
    seed: int = seed()


@takes(Setting)
def simulate(at: Setting) -> HotKey:
    """Send every request to the shards that it needs; it is done when the slowest has answered."""
    run = served(at)
    slowest = np.zeros(run.clients)
    np.maximum.at(slowest, run.request, run.responses_s)
    return HotKey(
        at,
        seen_load=np.bincount(run.shard, minlength=at.shards) * SERVICE_S / HORIZON_S,
        mean_s=run.mean_s,
        p99_s=run.p99_s,
        request_p99_s=float(np.quantile(slowest, 0.99)) if run.clients else np.nan,
    )


class Served(NamedTuple):
    """Everything that reached a shard, n services in the order in which they were asked for.

    Attributes
    ----------
    clients : int
        How many requests the clients made.
    request, shard : numpy.ndarray of int, shape (n,)
        Which of them each belongs to, and the shard that it went to.
    hot : numpy.ndarray of bool, shape (n,)
        Whether it asks for the hottest key.
    arrivals_s, services_s, responses_s : numpy.ndarray, shape (n,)
        When it came, how long it kept its shard busy, and how long it was there.
    mean_s, p99_s : numpy.ndarray, shape (shards,)
        Of each shard's responses; NaN where nothing came.
    """

    clients: int
    request: np.ndarray
    shard: np.ndarray
    hot: np.ndarray
    arrivals_s: np.ndarray
    services_s: np.ndarray
    responses_s: np.ndarray
    mean_s: np.ndarray
    p99_s: np.ndarray


def served(at: Setting) -> Served:
    """Let every request find its shards, and queue there."""
    arrivals = poisson_arrivals(at.rate_rps, HORIZON_S, _MOST_REQUESTS, at.seed)
    count = len(arrivals)
    cumulative = np.cumsum(zipf_weights(KEYS, at.exponent))
    cumulative[-1] = 1.0
    uniform, reads, pieces = (
        unit_draws(at.seed, name, "uniform", _MOST_REQUESTS)[:count]
        for name in ("keys", "reads", "pieces")
    )
    asked_for = np.searchsorted(cumulative, uniform, side="right")
    request, shard = _expand(at, asked_for, reads < at.read_fraction, pieces)
    drawn = unit_draws(at.seed, "services", "exponential", _MOST_REQUESTS * MOST_PIECES)
    times, services = arrivals[request], SERVICE_S * drawn[: len(request)]
    queued = queue_on_shards(times, services, shard, at.shards)
    return Served(count, request, shard, asked_for[request] == 0, times, services, *queued)


@lru_cache(maxsize=8)
def _hashes(pieces: int, seed: int) -> np.ndarray:
    return hash64(np.arange(KEYS + pieces), seed)


def _expand(
    at: Setting, asked_for: np.ndarray, is_read: np.ndarray, uniform: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return, for everything that reaches a shard, the client's request and the shard, in order."""
    home, hot_homes = homes(at.fix, _hashes(at.pieces, at.seed), at.shards)
    hot = asked_for == 0
    count, pieces = len(asked_for), len(hot_homes)
    shard = home[asked_for]
    shard[hot] = hot_homes[(uniform[hot] * pieces).astype(np.intp)]
    if at.fix == "cache":
        request = np.flatnonzero(~(hot & is_read))
        return request, shard[request]
    if at.fix not in ("salt", "copies"):
        return np.arange(count), shard
    everywhere = hot & (is_read if at.fix == "salt" else ~is_read)
    request = np.repeat(np.arange(count), np.where(everywhere, pieces, 1))
    shard = shard[request]
    shard[everywhere[request]] = np.tile(hot_homes, int(everywhere.sum()))
    return request, shard


# --- one second of it, request by request ---------------------------------------------------------


@takes(Setting)
def watch(at: Setting) -> Log:
    """Follow a second of the run at every shard, long after it began with empty lines.

    A request that needs several shards is one dot at each of them.
    """
    run, (begin, end) = served(at), _WATCHED_S
    ends = run.arrivals_s + run.responses_s
    starts = np.maximum(ends - run.services_s, run.arrivals_s)
    seen = (ends > begin) & (run.arrivals_s <= end)
    log = Log(f"One second at {at.shards} shards" + _with(at.fix))
    log.kind("hot key", "orange")
    names = [f"shard {n + 1}" for n in range(at.shards)]
    rows = -(-at.shards // 2)
    for n, name in enumerate(names):
        column, row = 2 * (n // rows), n % rows
        log.place(f"{name}'s line", "queue", at=(column, row), words=f"waits for {name}")
        log.place(name, "servers", at=(column + 1, row))
    parts = np.bincount(run.request, minlength=run.clients)
    for n, name in enumerate(names):
        here = np.flatnonzero(seen & (run.shard == n))
        if not here.size:
            continue
        tokens: list[int | str] = []
        nth: dict[int, int] = {}
        for request in run.request[here].tolist():
            nth[request] = nth.get(request, 0) + 1
            part = f"request {request} at {name}" + (
                f", {nth[request]}" if nth[request] > 1 else ""
            )
            tokens.append(part if parts[request] > 1 else request)
        kinds = ["hot key" if hot else "" for hot in run.hot[here].tolist()]
        log.serves(
            f"{name}'s line", name, run.arrivals_s[here], starts[here], ends[here],
            tokens=tokens, kind=kinds,
        )  # fmt: skip
        for token, done in zip(tokens, ends[here].tolist(), strict=True):
            log.leaves(done, token, f"is answered by {name}")
    exact = theory(at)
    load = exact.hot_load + exact.other_load
    for n in (int(load.argmax()), int(np.argsort(load)[at.shards // 2])):
        level = float(load[n] ** 2 / (1 - load[n])) if load[n] < 1 else None  # M/M/1
        log.counts(f"{names[n]}'s line", f"in {names[n]}'s line", level=level)
    return log.between(begin, end)


def _with(fix: str) -> str:
    return {"none": "", "own shard": ", the hot key on its own", "salt": ", the hot key salted",
            "copies": ", copies of the hot key", "cache": ", a cache in front"}[fix]  # fmt: skip


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Offered load of each shard, 1 is all it can do, and its mean response time in seconds.

    `mean_s` is NaN where nothing comes, and where the load is 0.98 or more. `capacity_rps` is the
    rate at which the first shard saturates.
    """

    hot_load: np.ndarray
    other_load: np.ndarray
    mean_s: np.ndarray
    capacity_rps: float


@lru_cache(maxsize=16)
def theory(at: Setting) -> Theory:
    """What the exact popularity of the keys says of every shard: M/M/1, ``S / (1 - rho)``.

    Kleinrock, *Queueing Systems* vol. 1, 1975, chapter 3. Where two pieces share a shard, their
    requests come in pairs, and users wait longer than that.
    """
    home, hot_homes = homes(at.fix, _hashes(at.pieces, at.seed), at.shards)
    weights = zipf_weights(KEYS, at.exponent)
    hot, others = work_per_request(at.fix, weights, home, hot_homes, at.read_fraction, at.shards)
    load = at.rate_rps * SERVICE_S * (hot + others)
    keeps_up = (load > 0) & (load < 0.98)
    mean_s = np.full(at.shards, np.nan)
    if keeps_up.any():
        mean_s[keeps_up] = mm1_response(load[keeps_up] / SERVICE_S, SERVICE_S)
    unit_load = at.rate_rps * SERVICE_S
    capacity_rps = 1 / (float((hot + others).max()) * SERVICE_S)
    return Theory(unit_load * hot, unit_load * others, mean_s, capacity_rps)


# --- what it says ---------------------------------------------------------------------------------


class HotKey(Result):
    """Load and response times of each shard, arrays of shape (shards,); NaN if nothing came.

    Attributes
    ----------
    seen_load : numpy.ndarray
        The load of the requests that came.
    request_p99_s : float
        99th percentile over the clients' requests, which may need several shards.
    """

    at: Setting
    seen_load: np.ndarray
    mean_s: np.ndarray
    p99_s: np.ndarray
    request_p99_s: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        load = exact.hot_load + exact.other_load
        return {
            "hot_key_share_percent": 100 * top_key_share(self.at.exponent),
            "hottest_utilisation": float(load.max()),
            "median_utilisation": float(np.median(load)),
            "request_p99_ms": 1e3 * self.request_p99_s,
            "capacity_rps": exact.capacity_rps,
        }

    @property
    def reading(self) -> str:
        exact = theory(self.at)
        load = exact.hot_load + exact.other_load
        hottest = load.max()
        state = "is overloaded" if hottest >= 1 else "keeps up"
        share = significant(100 * top_key_share(self.at.exponent))
        return (
            f"The hot key is {share} % of all requests; the busiest of "
            f"{self.at.shards} shards {state} at {significant(100 * hottest)} % utilisation "
            f"(median {significant(100 * np.median(load))} %), and requests have a p99 of "
            f"{duration(self.request_p99_s)}. The first shard saturates at "
            f"{significant(exact.capacity_rps)} requests/s."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at)
        return {
            "shard": np.arange(1, self.at.shards + 1),
            "load, hot key": exact.hot_load,
            "load, other keys": exact.other_load,
            "load in this run": self.seen_load,
            "mean (ms)": 1e3 * self.mean_s,
            "theory (ms)": 1e3 * exact.mean_s,
            "p99 (ms)": 1e3 * self.p99_s,
        }


@style.panels(2)
def plot(run: HotKey, axes: tuple[Axes, Axes]) -> None:
    """Draw load, with the hot key's part, and response time of every shard."""
    load, latency = axes
    exact, shards = theory(run.at), np.arange(run.at.shards)
    bars(load, shards, exact.other_load, 0.74, facecolor=style.BLUE)
    hot = {"facecolor": style.ORANGE, "edgecolor": "white", "hatch": "///"}
    bars(load, shards, exact.hot_load, 0.74, start=exact.other_load, **hot)
    load.plot(
        shards,
        run.seen_load,
        linestyle="none",
        marker="o",
        markersize=5,
        markerfacecolor="white",
        markeredgecolor=style.INK,
        zorder=4,
    )
    load.axhline(1, color=style.VERMILION, linewidth=1.4)
    entries = [
        ("▨", "hot key", style.ORANGE_INK),
        ("■", "all other keys", style.BLUE),
        ("○", "in this run", style.INK),
        ("—", "all a shard can do", style.VERMILION),
    ]
    key(load, entries)
    most = float((exact.hot_load + exact.other_load).max())
    load.set_ylim(0, step_up(1.2 * most, (1.5, 3.0, 6.0, 12.0, 30.0, 70.0)))
    shard_axis(load, run.at.shards)
    load.set_ylabel("utilisation")
    load.set_title("Which shard is hot")
    plot_response(latency, run.mean_s, run.p99_s, exact.mean_s)
    latency.set_title("What waiting there is like")
