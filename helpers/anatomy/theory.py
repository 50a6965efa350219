"""Closed forms of the chapter: parameters in, numbers out, the source of each in its docstring."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from helpers import blueprint
from helpers.foundations import queueing, validation
from helpers.foundations.traffic.keys import zipf_weights

#: Round trip in glass fibre, seconds a kilometre: light does 200,000 km/s there, both ways.
ROUND_TRIP_S_PER_KM = 1e-5

#: Round trips before the first byte of a fresh connection: TCP, TLS 1.3, the request itself.
ROUND_TRIPS = 3


# --- CDN ----------------------------------------------------------------------------------------


def theory_cdn(
    *,
    distance_km: float,
    hit_ratio: float,
    rate_rps: float,
    edge_km: float = 100.0,
    service_ms: float = 20.0,
    servers: int = 4,
) -> dict[str, float]:
    """Return mean time to first byte and origin load, with a CDN and without.

    Parameters
    ----------
    distance_km : float
        From the user to the origin along the fibre, kilometres; >= 0.
    hit_ratio : float
        Fraction of the requests that the CDN answers, 0 to 1.
    rate_rps : float
        Requests per second; > 0.
    edge_km : float
        From the user to the CDN's nearest server, kilometres; >= 0.
    service_ms : float
        Mean service time at the origin, milliseconds; > 0.
    servers : int
        Servers of the origin; >= 1.

    Returns
    -------
    dict of str to float
        ``direct_s``, ``hit_s``, ``miss_s``, ``mean_s`` (times to first byte, seconds) and
        ``origin_rps``. A time is infinite where the origin is overloaded.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    A new connection costs three round trips: TCP's handshake (RFC 9293), that of TLS 1.3
    (RFC 8446, section 2), the request. They end at the edge; a miss adds one round trip on a
    connection that edge and origin keep open, and the origin's response, an M/M/c queue that gets
    ``(1 - h) rate``: a Poisson stream thinned at random is Poisson.
    """
    distance_km = validation.number("distance_km", distance_km, at_least=0, unit="km")
    hit_ratio = validation.number("hit_ratio", hit_ratio, at_least=0, at_most=1)
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    edge_km = validation.number("edge_km", edge_km, at_least=0, unit="km")
    service_s = 1e-3 * validation.number("service_ms", service_ms, above=0, unit="ms")
    servers = validation.integer("servers", servers, at_least=1)

    def origin_s(load_rps: float) -> float:
        if load_rps * service_s >= servers:
            return math.inf
        return float(queueing.mmc_response(load_rps, service_s, servers))

    origin_rps = (1 - hit_ratio) * rate_rps
    far, near = distance_km * ROUND_TRIP_S_PER_KM, edge_km * ROUND_TRIP_S_PER_KM
    hit_s = ROUND_TRIPS * near
    miss_s = hit_s + far + origin_s(origin_rps)
    return {
        "direct_s": ROUND_TRIPS * far + origin_s(rate_rps),
        "hit_s": hit_s,
        "miss_s": miss_s,
        "mean_s": hit_s if hit_ratio == 1 else hit_ratio * hit_s + (1 - hit_ratio) * miss_s,
        "origin_rps": origin_rps,
    }


# --- balancing ----------------------------------------------------------------------------------


def theory_power_of_two(utilisation: float, choices: int = 2) -> float:
    """Return the mean response time, in service times, when the shorter of a few queues is joined.

    Parameters
    ----------
    utilisation : float
        Load on each server; 0 <= utilisation < 1.
    choices : int
        Queues looked at; >= 1. With 1 it is M/M/1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The supermarket model, the limit of infinitely many servers:
    ``E[T] = sum over i >= 1 of lambda^((d^i - d) / (d - 1))``, for d = 2 ``lambda^(2^i - 2)``.
    Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", *IEEE Transactions on
    Parallel and Distributed Systems* 12, 2001. A finite number of servers takes a little longer.
    """
    load = validation.number("utilisation", utilisation, at_least=0, below=1)
    choices = validation.integer("choices", choices, at_least=1)
    if choices == 1:
        return 1 / (1 - load)
    total, term, i = 0.0, 1.0, 1
    while term > 1e-16:
        exponent = (choices**i - choices) // (choices - 1)
        term = load**exponent if exponent else 1.0
        total, i = total + term, i + 1
    return total


def theory_balancing(utilisation: float, servers: int) -> dict[str, float]:
    """Return the mean response time of each policy that has a closed form, in service times.

    Parameters
    ----------
    utilisation : float
        Load on each server; 0 <= utilisation < 1.
    servers : int
        Servers; >= 1.

    Returns
    -------
    dict of str to float
        ``random`` and ``sticky`` (M/M/1), ``round robin`` (E_n/M/1, one balancer), ``power of
        two`` (the limit of many servers) and ``one queue`` (M/M/n), which no policy can beat.
        Sources stand with :func:`helpers.blueprint.theory_balancing`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    load = validation.number("utilisation", utilisation, at_least=0, below=1)
    servers = validation.integer("servers", servers, at_least=1)
    if load == 0:
        return dict.fromkeys(("random", "sticky", "round robin", "power of two", "one queue"), 1.0)
    alone = blueprint.theory_balancing("random", servers=servers, utilisation=load)
    return {
        "random": alone,
        "sticky": alone,
        "round robin": blueprint.theory_balancing("round robin", servers=servers, utilisation=load),
        "power of two": theory_power_of_two(load),
        "one queue": float(queueing.mmc_response(load * servers, 1.0, servers)),
    }


# --- a dead server ------------------------------------------------------------------------------


def theory_health_check(
    *, rate_rps: float, servers: int, interval_s: float, threshold: int
) -> dict[str, float]:
    """Return how long a death goes unnoticed and how many requests it costs, on average.

    Parameters
    ----------
    rate_rps : float
        Requests per second, spread evenly; > 0.
    servers : int
        Servers before the death; >= 2.
    interval_s : float
        Seconds between two checks of a server; > 0.
    threshold : int
        Failed checks in a row that take it out of rotation; >= 1.

    Returns
    -------
    dict of str to float
        ``detection_s`` (mean), ``longest_s``, and ``errors`` (mean).

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    A death falls anywhere between two checks, so the first check after it comes after half an
    interval on average and the k-th after ``(k - 1/2) T``; ``errors = rate / n`` times that.
    """
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    servers = validation.integer("servers", servers, at_least=2)
    interval_s = validation.number("interval_s", interval_s, above=0, unit="s")
    threshold = validation.integer("threshold", threshold, at_least=1)
    detection_s = (threshold - 0.5) * interval_s
    return {
        "detection_s": detection_s,
        "longest_s": threshold * interval_s,
        "errors": rate_rps / servers * detection_s,
    }


# --- sessions -----------------------------------------------------------------------------------


def theory_sessions(*, servers: int, event: str) -> float:
    """Return the fraction of sessions lost if each lives in the memory of one server.

    Parameters
    ----------
    servers : int
        Servers before the event; >= 2.
    event : {"one crash", "rolling deploy", "add a server"}
        ``"add a server"``: users are placed by ``hash(user) % servers``.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    1/n of the users live on any one server; a deploy restarts them all. ``h % n == h % (n + 1)``
    holds for one residue in n + 1, so n/(n + 1) of the users move.
    """
    servers = validation.integer("servers", servers, at_least=2)
    validation.one_of("event", event, ("one crash", "rolling deploy", "add a server"))
    return {"one crash": 1 / servers, "rolling deploy": 1.0}.get(event, servers / (servers + 1))


def theory_deficit(
    *, before_rps: float, after_rps: float, rise_s: float, lag_s: float, target: float
) -> float:
    """Return how many requests arrive beyond capacity while an autoscaler catches up.

    Parameters
    ----------
    before_rps, after_rps : float
        Demand before and after a linear rise; 0 < before <= after.
    rise_s : float
        Seconds the rise takes; >= 0, and 0 is a step.
    lag_s : float
        Seconds from a change of demand to the capacity that answers it; >= 0.
    target : float
        Utilisation the autoscaler aims at; 0 < target <= 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The area between demand d(t) and capacity ``d(t - lag) / target``, where demand is above. Both
    are straight between a few corners, so the area is a sum of trapezoids; for a step it is
    ``(after - before / target) lag``.
    """
    before = validation.number("before_rps", before_rps, above=0, unit="requests/s")
    after = validation.number("after_rps", after_rps, at_least=before, unit="requests/s")
    rise = validation.number("rise_s", rise_s, at_least=0, unit="s")
    lag = validation.number("lag_s", lag_s, at_least=0, unit="s")
    target = validation.number("target", target, above=0, at_most=1)
    if rise == 0:
        return max(after - before / target, 0.0) * lag

    def shortage(t: np.ndarray) -> np.ndarray:
        now = before + (after - before) * np.clip(t / rise, 0, 1)
        then = before + (after - before) * np.clip((t - lag) / rise, 0, 1)
        return now - then / target

    corners = np.unique([0.0, rise, lag, lag + rise])
    gap = shortage(corners)
    cross = (gap[1:] * gap[:-1]) < 0
    roots = corners[:-1] + np.diff(corners) * gap[:-1] / np.where(cross, gap[:-1] - gap[1:], 1.0)
    times = np.sort(np.concatenate([corners, roots[cross]]))
    return float(np.trapezoid(np.maximum(shortage(times), 0.0), times))


# --- caches -------------------------------------------------------------------------------------


def theory_cache_load(
    *,
    rate_rps: float,
    hit_ratio: float,
    cache_ms: float = 0.5,
    database_ms: float = 10.0,
    connections: int = 8,
) -> dict[str, float]:
    """Return what is left for a database behind a cache, and how long a read takes.

    Parameters
    ----------
    rate_rps : float
        Reads per second, Poisson; > 0.
    hit_ratio : float
        Fraction the cache answers, 0 to 1.
    cache_ms : float
        Time to ask the cache, hit or miss, milliseconds; >= 0.
    database_ms : float
        Mean service time of the database, milliseconds; > 0.
    connections : int
        Reads it works on at a time; >= 1.

    Returns
    -------
    dict of str to float
        ``database_rps``, ``utilisation``, ``read_s`` (mean; infinite if overloaded).

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    ``(1 - h) rate`` reads reach the database, an M/M/c queue if misses are independent.
    """
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    hit_ratio = validation.number("hit_ratio", hit_ratio, at_least=0, at_most=1)
    cache_s = 1e-3 * validation.number("cache_ms", cache_ms, at_least=0, unit="ms")
    service_s = 1e-3 * validation.number("database_ms", database_ms, above=0, unit="ms")
    connections = validation.integer("connections", connections, at_least=1)
    load_rps = (1 - hit_ratio) * rate_rps
    utilisation = load_rps * service_s / connections
    read_s = cache_s
    if hit_ratio < 1:
        stable = utilisation < 1 - 1e-9  # (1 - 0.8) x 4,000 is a little less than 800
        response = queueing.mmc_response(load_rps, service_s, connections) if stable else math.inf
        read_s += (1 - hit_ratio) * float(response)
    return {"database_rps": load_rps, "utilisation": utilisation, "read_s": read_s}


@lru_cache(maxsize=32)
def che_curve(keys: int, exponent: float) -> tuple[np.ndarray, np.ndarray]:
    """Return cache sizes and the hit ratios of LRU at them: one point for each horizon.

    Parameters
    ----------
    keys : int
        Number of keys; >= 2.
    exponent : float
        Zipf's exponent; >= 0.

    Returns
    -------
    size, hit_ratio : numpy.ndarray, shape (64,)
        Ascending.

    Notes
    -----
    With the horizon t a key of popularity p is in the cache with probability ``1 - exp(-p t)``:
    sizes are ``sum(1 - exp(-p t))``, hit ratios ``sum(p (1 - exp(-p t)))``. Che, Tung and Wang,
    "Hierarchical Web Caching Systems: Modeling, Design and Experimental Results", *IEEE Journal
    on Selected Areas in Communications* 20, 2002.
    """
    keys = validation.integer("keys", keys, at_least=2)
    weights = zipf_weights(keys, exponent)
    horizons = np.geomspace(0.5, 40 / weights[-1], 64)
    inside = -np.expm1(-np.multiply.outer(horizons, weights))
    size, hit = inside.sum(axis=1), inside @ weights
    for array in (size, hit):
        array.setflags(write=False)
    return size, hit


def theory_hit_ratio(*, keys: int, exponent: float, size: npt.ArrayLike) -> np.ndarray:
    """Return the hit ratio of an LRU cache by Che's approximation.

    Parameters
    ----------
    keys : int
        Number of keys; >= 2.
    exponent : float
        Zipf's exponent; >= 0.
    size : array_like
        Keys the cache holds; 1 <= size <= keys.

    Returns
    -------
    numpy.ndarray
        Hit ratios, the shape of `size`; interpolated on :func:`che_curve`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    keys = validation.integer("keys", keys, at_least=2)
    exponent = validation.number("exponent", exponent, at_least=0)
    size = validation.numbers("size", size, at_least=1, at_most=keys)
    return np.interp(size, *che_curve(keys, exponent))


def theory_best_hit_ratio(*, keys: int, exponent: float, size: npt.ArrayLike) -> np.ndarray:
    """Return the hit ratio of a cache that always holds the most popular keys.

    Parameters
    ----------
    keys, exponent, size
        As for :func:`theory_hit_ratio`; sizes are rounded down.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The sum of the largest popularities: with independent requests, no policy that does not see the
    future does better. Coffman and Denning, *Operating Systems Theory*, 1973, chapter 6 (A0).
    """
    keys = validation.integer("keys", keys, at_least=2)
    size = validation.numbers("size", size, at_least=1, at_most=keys)
    total = np.concatenate([[0.0], np.cumsum(zipf_weights(keys, exponent))])
    return total[size.astype(int)]


# --- databases ----------------------------------------------------------------------------------


def theory_power_cut(*, rate_rps: float, flush_s: float, sync_ms: float) -> dict[str, float]:
    """Return what a power cut costs if the disk is made to sync once in a while.

    Parameters
    ----------
    rate_rps : float
        Acknowledged writes per second, Poisson; > 0.
    flush_s : float
        Seconds between two syncs; 0 syncs every write before it is acknowledged.
    sync_ms : float
        Time of one sync, milliseconds; > 0.

    Returns
    -------
    dict of str to float
        ``lost_writes`` (mean), ``most_lost_writes`` (mean over cuts just before a sync) and
        ``disk_busy`` (share of the time spent in syncs; above 1 the disk cannot keep up).

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    A cut at a random moment finds writes of age 0 to T: ``rate T / 2`` on average.
    """
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="writes/s")
    flush_s = validation.number("flush_s", flush_s, at_least=0, unit="s")
    sync_s = 1e-3 * validation.number("sync_ms", sync_ms, above=0, unit="ms")
    return {
        "lost_writes": rate_rps * flush_s / 2,
        "most_lost_writes": rate_rps * flush_s,
        "disk_busy": rate_rps * sync_s if flush_s == 0 else sync_s / flush_s,
    }


# --- queues -------------------------------------------------------------------------------------


def theory_chain(*, services: int, availability: float, queue_after: int | None = None) -> float:
    """Return how often a chain of services can answer its user.

    Parameters
    ----------
    services : int
        Services that call one another in a row; >= 1.
    availability : float
        Of each service, and of the queue; 0 to 1.
    queue_after : int, optional
        Number of services before a message queue; what comes after it may rest. None: no queue.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    What must all work at once, independently, works with the product of the availabilities. The
    queue counts as one more such part.
    """
    services = validation.integer("services", services, at_least=1)
    availability = validation.number("availability", availability, at_least=0, at_most=1)
    if queue_after is None:
        return availability**services
    queue_after = validation.integer("queue_after", queue_after, at_least=1, at_most=services)
    return availability ** (queue_after + 1)


def theory_outage(*, rate_rps: float, outage_s: float, drain_rps: float) -> dict[str, float]:
    """Return how far a queue grows while its consumer is away, and when it is empty again.

    Parameters
    ----------
    rate_rps : float
        Jobs per second; > 0.
    outage_s : float
        Seconds without a consumer; >= 0.
    drain_rps : float
        Jobs per second that the consumer can do; > 0.

    Returns
    -------
    dict of str to float
        ``backlog`` (jobs at the end of the outage), ``drain_s`` (seconds from then on; infinite if
        the consumer is too slow) and ``longest_delay_s`` (of the job that waits longest).

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Fluid balance: the backlog grows at `rate`, then falls at ``drain - rate``. The first job of
    the outage waits longest: it comes at the start of it and is served at its end.
    """
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="jobs/s")
    outage_s = validation.number("outage_s", outage_s, at_least=0, unit="s")
    drain_rps = validation.number("drain_rps", drain_rps, above=0, unit="jobs/s")
    backlog = rate_rps * outage_s
    drain_s = backlog / (drain_rps - rate_rps) if drain_rps > rate_rps else math.inf
    return {"backlog": backlog, "drain_s": drain_s, "longest_delay_s": outage_s}
