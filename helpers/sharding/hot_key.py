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
    services = unit_draws(at.seed, "services", "exponential", _MOST_REQUESTS * MOST_PIECES)
    responses, mean_s, p99_s = queue_on_shards(
        arrivals[request], SERVICE_S * services[: len(request)], shard, at.shards
    )
    slowest = np.zeros(count)
    np.maximum.at(slowest, request, responses)
    return HotKey(
        at,
        seen_load=np.bincount(shard, minlength=at.shards) * SERVICE_S / HORIZON_S,
        mean_s=mean_s,
        p99_s=p99_s,
        request_p99_s=float(np.quantile(slowest, 0.99)) if count else np.nan,
    )


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
