"""Range, hash and ring placement under growing ids and under Zipf traffic; range scans."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.traffic.keys import zipf_weights
from helpers.foundations.traffic.streams import streams
from helpers.sharding.placement import Ring, hash64, shard_by_modulo, shard_by_range
from helpers.sharding.simulation.traffic import poisson_arrivals, queue_on_shards, unit_draws
from helpers.sharding.theory.placement import theory_placement, theory_range_scan

#: Ways of placing users on shards.
PLACEMENTS = ("range", "hash", "ring")

#: What the requests ask for.
TRAFFIC = ("sign-ups", "popular users", "newest users")

#: Ids that one shard of a range placement holds: users 1 to 1,000,000 on shard A, and so on.
RANGE_WIDTH = 1_000_000

_SERVICE_S = 0.005  # one shard serves 200 requests per second
_HORIZON_S = 20.0
_MOST_REQUESTS = 42_000  # 2,000 requests/s for 20 s, and ten standard deviations
_ACTIVE_USERS = 20_000
_VIRTUAL_NODES = 100


class PlacementResult(Result):
    """Load and latency of every shard under one placement and one kind of traffic.

    Attributes
    ----------
    scheme, traffic : str
        One of ``PLACEMENTS``, one of ``TRAFFIC``.
    rate_rps : float
        Requests per second of all shards together.
    utilisation : numpy.ndarray, shape (shards,)
        Offered load of each shard, from the exact popularity of the keys on it; above 1 it cannot
        keep up.
    seen_utilisation : numpy.ndarray, shape (shards,)
        The same from the requests that came.
    mean_s, p99_s : numpy.ndarray, shape (shards,)
        Mean and 99th percentile of the response time; NaN if no request came.
    theory_s : numpy.ndarray, shape (shards,)
        Mean response time by :func:`theory_placement`.
    overall_p99_s : float
        99th percentile over all requests, seconds.
    """

    scheme: str
    traffic: str
    rate_rps: float
    utilisation: np.ndarray
    seen_utilisation: np.ndarray
    mean_s: np.ndarray
    p99_s: np.ndarray
    theory_s: np.ndarray
    overall_p99_s: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        hottest = int(self.utilisation.argmax())
        return {
            "hottest_shard": hottest + 1,
            "hottest_utilisation": float(self.utilisation[hottest]),
            "coldest_utilisation": float(self.utilisation.min()),
            "hottest_mean_ms": 1e3 * float(self.mean_s[hottest]),
            "overall_p99_ms": 1e3 * self.overall_p99_s,
        }

    @property
    def reading(self) -> str:
        hottest = int(self.utilisation.argmax())
        load = self.utilisation[hottest]
        others = np.delete(self.utilisation, hottest)
        idle = int((others < load / 10).sum())
        text = (
            f"Shard {hottest + 1} of {len(self.utilisation)} gets "
            f"{significant(100 * load / self.utilisation.sum())} % of the requests and its users "
            f"wait {duration(self.mean_s[hottest])} on average"
        )
        if load > 1:
            text += f" and rising: it is offered {significant(load)} times what it can do"
        else:
            text += f", at {significant(100 * load)} % utilisation"
        if idle == 1:
            text += "; one other shard has less than a tenth of its load"
        elif idle:
            text += f"; {idle} other shards have less than a tenth of its load"
        return text + "."

    def table(self):
        import pandas as pd

        return pd.DataFrame(
            {
                "shard": np.arange(1, len(self.utilisation) + 1),
                "utilisation": self.utilisation,
                "utilisation_seen": self.seen_utilisation,
                "mean_ms": 1e3 * self.mean_s,
                "theory_mean_ms": 1e3 * self.theory_s,
                "p99_ms": 1e3 * self.p99_s,
            }
        ).set_index("shard")


def simulate_placement(
    *,
    scheme: str,
    traffic: str,
    shards: int = 8,
    rate_rps: float = 800.0,
    exponent: float = 0.8,
    seed: int = 1,
) -> PlacementResult:
    """Run 20 seconds of traffic against shards of 200 requests per second each.

    Parameters
    ----------
    scheme : {"range", "hash", "ring"}
        Shard k holds the k-th million of ids; or ``hash(id) % shards``; or a ring with 100 virtual
        nodes per shard.
    traffic : {"sign-ups", "popular users", "newest users"}
        Every request inserts the next id; or asks for one of 20,000 active users by Zipf's law,
        popularity having nothing to do with the id; or the same with the newest ids most popular.
    shards : int
        Number of shards; 2 to 64. The last of them is half full under range placement.
    rate_rps : float
        Requests per second of all shards together; > 0 and <= 2,000.
    exponent : float
        Skew of Zipf's law; 0 to 3. Sign-ups take no notice of it.
    seed : int
        Seed of traffic and hash function.

    Returns
    -------
    PlacementResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    validation.one_of("scheme", scheme, PLACEMENTS)
    validation.one_of("traffic", traffic, TRAFFIC)
    shards = validation.integer("shards", shards, at_least=2, at_most=64)
    rate_rps = validation.number("rate_rps", rate_rps, above=0, at_most=2_000, unit="requests/s")
    exponent = validation.number("exponent", exponent, at_least=0, at_most=3)
    seed = validation.integer("seed", seed, at_least=0)

    arrivals = poisson_arrivals(rate_rps, _HORIZON_S, _MOST_REQUESTS, seed)
    services = _SERVICE_S * unit_draws(seed, "services", "exponential", _MOST_REQUESTS)
    existing = shards * RANGE_WIDTH - RANGE_WIDTH // 2
    if traffic == "sign-ups":
        shard = _place(scheme, existing + np.arange(len(arrivals)), shards, seed)
        share = np.full(shards, 1 / shards) if scheme != "range" else np.eye(shards)[-1]
        if scheme == "ring":
            share = Ring(shards, _VIRTUAL_NODES, seed).shares()
    else:
        users = _active_users(existing, traffic == "newest users", seed)
        home = _place(scheme, users, shards, seed)
        weights = zipf_weights(_ACTIVE_USERS, exponent)
        share = np.bincount(home, weights=weights, minlength=shards)
        uniform = unit_draws(seed, "keys", "uniform", _MOST_REQUESTS)[: len(arrivals)]
        cumulative = np.cumsum(weights)
        cumulative[-1] = 1.0
        shard = home[np.searchsorted(cumulative, uniform, side="right")]

    responses, mean_s, p99_s = queue_on_shards(arrivals, services[: len(arrivals)], shard, shards)
    work = np.bincount(shard, minlength=shards) * _SERVICE_S
    utilisation = rate_rps * _SERVICE_S * share
    return PlacementResult(
        scheme=scheme,
        traffic=traffic,
        rate_rps=rate_rps,
        utilisation=utilisation,
        seen_utilisation=work / _HORIZON_S,
        mean_s=mean_s,
        p99_s=p99_s,
        theory_s=theory_placement(utilisation, _SERVICE_S, _HORIZON_S),
        overall_p99_s=float(np.quantile(responses, 0.99)) if len(responses) else np.nan,
    )


def _place(scheme: str, ids: np.ndarray, shards: int, seed: int) -> np.ndarray:
    if scheme == "range":
        return shard_by_range(ids, shards, RANGE_WIDTH)
    hashes = hash64(ids, seed)
    if scheme == "hash":
        return shard_by_modulo(hashes, shards)
    return Ring(shards, _VIRTUAL_NODES, seed).locate(hashes)


@lru_cache(maxsize=8)
def _active_users(existing: int, newest_first: bool, seed: int) -> np.ndarray:
    """Return the ids of the active users, the most popular first."""
    if newest_first:
        return existing - 1 - np.arange(_ACTIVE_USERS) * (existing // (4 * _ACTIVE_USERS))
    rng = streams(seed, "users")["users"]
    return rng.choice(existing, _ACTIVE_USERS, replace=False, shuffle=True)


class RangeScanResult(Result):
    """Shards that a range scan visits, by its length, under two placements.

    Attributes
    ----------
    shards, length : int
        The parameters.
    lengths : numpy.ndarray of int, shape (m,)
        Scan lengths tried.
    visited : dict of str to numpy.ndarray, shape (m,)
        Mean number of shards visited, over the simulated scans, for ``"range"`` and ``"hash"``.
    theory : dict of str to numpy.ndarray, shape (m,)
        The same by :func:`theory_range_scan`.
    now : dict of str to float
        Simulated mean at `length`.
    """

    shards: int
    length: int
    lengths: np.ndarray
    visited: dict[str, np.ndarray]
    theory: dict[str, np.ndarray]
    now: dict[str, float]

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "range_shards_visited": self.now["range"],
            "hash_shards_visited": self.now["hash"],
        }

    @property
    def reading(self) -> str:
        return (
            f"Reading {self.length:,} consecutive ids visits {significant(self.now['range'])} of "
            f"{self.shards} shards when they are placed by range and "
            f"{significant(self.now['hash'])} when they are hashed."
        )

    def table(self):
        import pandas as pd

        columns = {f"{k} simulated": v for k, v in self.visited.items()}
        columns |= {f"{k} theory": v for k, v in self.theory.items()}
        return pd.DataFrame({"length": self.lengths, **columns}).set_index("length")


def simulate_range_scan(
    *, shards: int = 16, length: int = 50, width: int = 2_000, seed: int = 1
) -> RangeScanResult:
    """Place real ids by range and by hash, scan runs of them, and count the shards that answer.

    Parameters
    ----------
    shards : int
        Number of shards; 2 to 64.
    length : int
        Consecutive ids asked for; 1 to 1,000.
    width : int
        Ids per shard under range placement; 1,000 to 1,000,000.
    seed : int
        Seed of hash function and scans.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    shards = validation.integer("shards", shards, at_least=2, at_most=64)
    length = validation.integer("length", length, at_least=1, at_most=1_000)
    width = validation.integer("width", width, at_least=1_000, at_most=1_000_000)
    seed = validation.integer("seed", seed, at_least=0)
    lengths = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000])
    total = shards * width
    uniform = unit_draws(seed, "scans", "uniform", _SCANS)

    def visited(scheme: str, wanted: int) -> float:
        starts = (uniform * (total - wanted + 1)).astype(np.int64)
        if scheme == "range":  # a run of ids visits every shard from its first to its last
            first, last = (
                shard_by_range(ends, shards, width) for ends in (starts, starts + wanted - 1)
            )
            return float((last - first + 1).mean())
        some = starts[: max(_HASHED_IDS // wanted, 25)]
        places = shard_by_modulo(hash64(some[:, None] + np.arange(wanted), seed), shards)
        seen = np.zeros((len(some), shards), dtype=bool)
        seen[np.arange(len(some))[:, None], places] = True
        return float(seen.sum(axis=1).mean())

    schemes = ("range", "hash")
    return RangeScanResult(
        shards=shards,
        length=length,
        lengths=lengths,
        visited={s: np.array([visited(s, int(n)) for n in lengths]) for s in schemes},
        theory={
            s: np.array([theory_range_scan(s, shards, int(n), width) for n in lengths])
            for s in schemes
        },
        now={s: visited(s, length) for s in schemes},
    )


_SCANS = 4_000
_HASHED_IDS = 20_000  # so many ids are hashed for each length; longer scans need fewer of them
