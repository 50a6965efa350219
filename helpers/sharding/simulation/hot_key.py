"""The celebrity: a key so popular that its shard is hot, and what can be done about it."""

from __future__ import annotations

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.queueing import mm1_response
from helpers.foundations.traffic.keys import zipf_weights
from helpers.sharding.placement import hash64, shard_by_modulo
from helpers.sharding.simulation.traffic import poisson_arrivals, queue_on_shards, unit_draws
from helpers.sharding.theory.hot_key import FIXES, theory_shard_ceiling, theory_top_key_share

_KEYS = 10_000
_SERVICE_S = 0.005  # one shard serves 200 requests per second
_HORIZON_S = 8.0
_MOST_REQUESTS = 10_500  # 1,200 requests/s for 8 s, and nine standard deviations
_MOST_PIECES = 16


class HotKeyResult(Result):
    """Load and latency of every shard while one key is more popular than all others.

    Attributes
    ----------
    fix : str
        One of ``FIXES``.
    pieces : int
        Pieces or copies of the hot key.
    rate_rps, hot_share : float
        Requests per second, and the fraction of them for the hot key.
    hot_load, other_load : numpy.ndarray, shape (shards,)
        Offered load of each shard from the hot key and from all others, exact; 1 is all it can do.
    seen_load : numpy.ndarray, shape (shards,)
        The load of the requests that came.
    mean_s, p99_s : numpy.ndarray, shape (shards,)
        Mean and 99th percentile of a shard's response time; NaN if nothing came.
    theory_s : numpy.ndarray, shape (shards,)
        Mean by the M/M/1 formula; NaN where the load is 0.98 or more, or zero.
    request_p99_s : float
        99th percentile over the clients' requests, which may need several shards.
    capacity_rps : float
        Rate at which the first shard saturates, by the exact loads.
    """

    fix: str
    pieces: int
    rate_rps: float
    hot_share: float
    hot_load: np.ndarray
    other_load: np.ndarray
    seen_load: np.ndarray
    mean_s: np.ndarray
    p99_s: np.ndarray
    theory_s: np.ndarray
    request_p99_s: float
    capacity_rps: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        load = self.hot_load + self.other_load
        return {
            "hot_key_share_percent": 100 * self.hot_share,
            "hottest_utilisation": float(load.max()),
            "median_utilisation": float(np.median(load)),
            "request_p99_ms": 1e3 * self.request_p99_s,
            "capacity_rps": self.capacity_rps,
        }

    @property
    def reading(self) -> str:
        load = self.hot_load + self.other_load
        hottest = int(load.argmax())
        state = "is overloaded" if load[hottest] >= 1 else "keeps up"
        return (
            f"The hot key is {significant(100 * self.hot_share)} % of all requests; the busiest of "
            f"{len(load)} shards {state} at {significant(100 * load[hottest])} % utilisation "
            f"(median {significant(100 * np.median(load))} %), and requests have a p99 of "
            f"{duration(self.request_p99_s)}. The first shard saturates at "
            f"{significant(self.capacity_rps)} requests/s."
        )

    def table(self):
        import pandas as pd

        return pd.DataFrame(
            {
                "shard": np.arange(1, len(self.hot_load) + 1),
                "load_hot_key": self.hot_load,
                "load_others": self.other_load,
                "load_seen": self.seen_load,
                "mean_ms": 1e3 * self.mean_s,
                "theory_ms": 1e3 * self.theory_s,
                "p99_ms": 1e3 * self.p99_s,
            }
        ).set_index("shard")


def simulate_hot_key(
    *,
    fix: str,
    shards: int = 8,
    exponent: float = 1.0,
    rate_rps: float = 800.0,
    read_fraction: float = 0.9,
    pieces: int = 4,
    seed: int = 1,
) -> HotKeyResult:
    """Run eight seconds of Zipf traffic over 10,000 keys against hashed shards of 200 requests/s.

    Parameters
    ----------
    fix : {"none", "own shard", "salt", "copies", "cache"}
        What is done about the most popular key. ``"own shard"``: it has the first shard to itself.
        ``"salt"``: it is split into `pieces` keys (``key#0``, ``key#1``, ...); a write goes to a
        random one and a read asks them all. ``"copies"``: each copy is complete; a write goes to
        all, a read to a random one. ``"cache"``: reads of it never reach a shard.
    shards : int
        Number of shards; 2 to 64.
    exponent : float
        Skew of Zipf's law; 0 to 2.
    rate_rps : float
        Clients' requests per second; > 0 and <= 1,200.
    read_fraction : float
        Fraction of requests that read; 0 to 1.
    pieces : int
        Pieces or copies of the hot key; 1 to 16. They are hashed, so two may share a shard. Only
        the fixes ``"salt"`` and ``"copies"`` take notice of it.
    seed : int
        Seed of traffic and hash function.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    validation.one_of("fix", fix, FIXES)
    shards = validation.integer("shards", shards, at_least=2, at_most=64)
    exponent = validation.number("exponent", exponent, at_least=0, at_most=2)
    rate_rps = validation.number("rate_rps", rate_rps, above=0, at_most=1_200, unit="requests/s")
    reads = validation.number("read_fraction", read_fraction, at_least=0, at_most=1)
    pieces = validation.integer("pieces", pieces, at_least=1, at_most=_MOST_PIECES)
    seed = validation.integer("seed", seed, at_least=0)

    weights = zipf_weights(_KEYS, exponent)
    home, hot_homes = _homes(fix, hash64(np.arange(_KEYS + pieces), seed), shards)
    hot_work, other_work = _work_per_request(fix, weights, home, hot_homes, reads, shards)
    unit_load = rate_rps * _SERVICE_S
    busiest = float((hot_work + other_work).max())

    arrivals = poisson_arrivals(rate_rps, _HORIZON_S, _MOST_REQUESTS, seed)
    count = len(arrivals)
    cumulative = np.cumsum(weights)
    cumulative[-1] = 1.0
    draws = {
        name: unit_draws(seed, name, "uniform", _MOST_REQUESTS)[:count]
        for name in ("keys", "reads", "pieces")
    }
    key = np.searchsorted(cumulative, draws["keys"], side="right")
    is_read = draws["reads"] < reads
    request, shard = _expand(fix, key, is_read, draws["pieces"], home, hot_homes)
    services = _SERVICE_S * unit_draws(
        seed, "services", "exponential", _MOST_REQUESTS * _MOST_PIECES
    )
    responses, mean_s, p99_s = queue_on_shards(
        arrivals[request], services[: len(request)], shard, shards
    )
    slowest = np.zeros(count)
    np.maximum.at(slowest, request, responses)
    load = unit_load * (hot_work + other_work)
    theory = np.full(shards, np.nan)
    keeps_up = (load > 0) & (load < 0.98)
    if keeps_up.any():
        theory[keeps_up] = mm1_response(load[keeps_up] / _SERVICE_S, _SERVICE_S)
    return HotKeyResult(
        fix=fix,
        pieces=pieces,
        rate_rps=rate_rps,
        hot_share=theory_top_key_share(_KEYS, exponent),
        hot_load=unit_load * hot_work,
        other_load=unit_load * other_work,
        seen_load=np.bincount(shard, minlength=shards) * _SERVICE_S / _HORIZON_S,
        mean_s=mean_s,
        p99_s=p99_s,
        theory_s=theory,
        request_p99_s=float(np.quantile(slowest, 0.99)) if count else np.nan,
        capacity_rps=1 / (busiest * _SERVICE_S),
    )


def _homes(fix: str, hashes: np.ndarray, shards: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the shard of every key, and of every piece or copy of the hottest key, number 0.

    The first 10,000 hashes are those of the keys, the others those of the pieces.
    """
    if fix == "own shard":
        home = 1 + shard_by_modulo(hashes[:_KEYS], shards - 1)
        return home, np.zeros(1, dtype=np.intp)
    home = shard_by_modulo(hashes[:_KEYS], shards)
    if fix in ("salt", "copies"):
        return home, shard_by_modulo(hashes[_KEYS:], shards)
    return home, home[:1]


def _work_per_request(
    fix: str,
    weights: np.ndarray,
    home: np.ndarray,
    hot_homes: np.ndarray,
    reads: float,
    shards: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean number of services that one client request costs each shard.

    Two arrays of shape (shards,): what the hot key costs, and what the others do.
    """
    others = np.bincount(home[1:], weights=weights[1:], minlength=shards)
    pieces = len(hot_homes)
    each = {
        "salt": reads + (1 - reads) / pieces,
        "copies": reads / pieces + (1 - reads),
        "cache": 1 - reads,
    }.get(fix, 1.0)
    hot = np.bincount(hot_homes, weights=np.full(pieces, weights[0] * each), minlength=shards)
    return hot, others


def _expand(
    fix: str,
    key: np.ndarray,
    is_read: np.ndarray,
    uniform: np.ndarray,
    home: np.ndarray,
    hot_homes: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return, for everything that reaches a shard, the client's request and the shard, in order."""
    hot = key == 0
    count, pieces = len(key), len(hot_homes)
    shard = home[key]
    shard[hot] = hot_homes[(uniform[hot] * pieces).astype(np.intp)]
    if fix == "cache":
        request = np.flatnonzero(~(hot & is_read))
        return request, shard[request]
    if fix not in ("salt", "copies"):
        return np.arange(count), shard
    everywhere = hot & (is_read if fix == "salt" else ~is_read)
    request = np.repeat(np.arange(count), np.where(everywhere, pieces, 1))
    shard = shard[request]
    shard[everywhere[request]] = np.tile(hot_homes, int(everywhere.sum()))
    return request, shard


class ShardCeilingResult(Result):
    """What a system can carry by its number of shards, in multiples of one shard.

    Attributes
    ----------
    fix : str
        One of ``FIXES``.
    hot_share : float
        Fraction of requests for the most popular key.
    shards : numpy.ndarray of int, shape (m,)
        1, 2, ..., m.
    capacity : numpy.ndarray, shape (m,)
        With the keys hashed and the fix in place.
    unmended : numpy.ndarray, shape (m,)
        With the keys hashed and no fix.
    ceiling, unmended_ceiling : float
        Most that any number of shards can carry, by :func:`theory_shard_ceiling`, with the fix
        (when the next key in line may set it) and without.
    """

    fix: str
    hot_share: float
    shards: np.ndarray
    capacity: np.ndarray
    unmended: np.ndarray
    ceiling: float
    unmended_ceiling: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "hot_key_share_percent": 100 * self.hot_share,
            "capacity_of_most_shards": float(self.capacity[-1]),
            "best_capacity": float(self.capacity.max()),
            "ceiling": self.ceiling,
        }

    @property
    def reading(self) -> str:
        most = int(self.shards[-1])
        text = (
            f"The hot key takes {significant(100 * self.hot_share)} % of the requests, so unmended "
            f"no number of shards carries more than {significant(self.unmended_ceiling)} shards' "
            f"worth; {most} of them carry {significant(self.unmended[-1])}"
        )
        if self.fix == "none":
            return text + "."
        return text + f", and {significant(self.capacity[-1])} with the fix."

    def table(self):
        import pandas as pd

        return pd.DataFrame(
            {"shards": self.shards, "capacity": self.capacity, "unmended": self.unmended}
        ).set_index("shards")


def simulate_shard_ceiling(
    *,
    fix: str,
    exponent: float = 1.0,
    read_fraction: float = 0.9,
    pieces: int = 8,
    seed: int = 1,
) -> ShardCeilingResult:
    """Hash 10,000 keys with Zipf popularity on 1 to 64 shards and find when the first saturates.

    Parameters
    ----------
    fix, exponent, read_fraction, pieces, seed
        As for :func:`simulate_hot_key`.

    Returns
    -------
    ShardCeilingResult
        No traffic is drawn: capacities follow exactly from who holds which key.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    validation.one_of("fix", fix, FIXES)
    exponent = validation.number("exponent", exponent, at_least=0, at_most=2)
    reads = validation.number("read_fraction", read_fraction, at_least=0, at_most=1)
    pieces = validation.integer("pieces", pieces, at_least=1, at_most=_MOST_PIECES)
    weights = zipf_weights(_KEYS, exponent)
    hashes = hash64(np.arange(_KEYS + pieces), seed)
    sizes = np.arange(1, 65)

    def capacity(repair: str, shards: int) -> float:
        if shards == 1:
            repair = "none" if repair == "own shard" else repair
        home, hot_homes = _homes(repair, hashes, shards)
        hot, others = _work_per_request(repair, weights, home, hot_homes, reads, shards)
        return 1 / float((hot + others).max())

    hot_share = theory_top_key_share(_KEYS, exponent)
    return ShardCeilingResult(
        fix=fix,
        hot_share=hot_share,
        shards=sizes,
        capacity=np.array([capacity(fix, int(n)) for n in sizes]),
        unmended=np.array([capacity("none", int(n)) for n in sizes]),
        ceiling=min(
            theory_shard_ceiling(hot_share, fix, pieces, reads),
            theory_shard_ceiling(float(weights[1])),  # the next celebrity in line
        ),
        unmended_ceiling=theory_shard_ceiling(hot_share),
    )
