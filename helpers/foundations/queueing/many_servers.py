"""Closed forms of a station with several servers: Erlang's formulas and what follows from them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation
from helpers.foundations.queueing._checks import Numbers, plain, real, stable


def erlang_b(offered_load: npt.ArrayLike, servers: int | npt.ArrayLike) -> Numbers:
    """Return the share of arrivals lost by M/G/c/c: c servers and nowhere to wait.

    Parameters
    ----------
    offered_load : float or array_like
        Arrival rate times mean service time, in erlangs; >= 0.
    servers : int or array_like of int
        Number of servers; >= 0.

    Returns
    -------
    float or numpy.ndarray
        Probability that all servers are busy; the shape of the two parameters broadcast.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    ``B(a, 0) = 1, B(a, k) = a B(a, k-1) / (k + a B(a, k-1))``, a recursion of positive terms that
    neither overflows nor cancels. Jagerman, "Some properties of the Erlang loss function",
    *Bell System Technical Journal* 53, 1974.
    """
    load = real("offered_load", offered_load, at_least=0, unit="erlangs")
    return _blocking(load, _servers(servers, at_least=0))


def erlang_c(offered_load: npt.ArrayLike, servers: int | npt.ArrayLike) -> Numbers:
    """Return the share of arrivals that must wait at an M/M/c queue.

    Parameters
    ----------
    offered_load : float or array_like
        Arrival rate times mean service time, in erlangs; 0 <= offered_load < servers.
    servers : int or array_like of int
        Number of servers; >= 1.

    Returns
    -------
    float or numpy.ndarray
        Probability that all servers are busy; the shape of the two parameters broadcast.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or the queue is unstable.

    Notes
    -----
    ``C = c B / (c - a (1 - B))`` with B from :func:`erlang_b`. Kleinrock, *Queueing Systems*
    vol. 1, 1975, section 3.5.
    """
    load = real("offered_load", offered_load, at_least=0, unit="erlangs")
    count = _servers(servers, at_least=1)
    loads, limits = np.broadcast_arrays(load, count)
    unstable = loads >= limits
    if unstable.any():
        index = tuple(int(i) for i in np.argwhere(unstable)[0])
        raise ValueError(
            f"offered_load must be < servers = {limits[index]}, "
            f"got {validation.exact(loads[index])}: the queue would grow without bound"
        )
    blocking = _blocking(load, count)
    return plain(count * blocking / (count - load * (1 - blocking)))


def mmc_wait(
    arrival_rps: npt.ArrayLike, service_s: npt.ArrayLike, servers: int | npt.ArrayLike
) -> Numbers:
    """Return the mean waiting time of an M/M/c queue, in seconds.

    Parameters
    ----------
    arrival_rps : float or array_like
        Mean arrival rate, requests per second; 0 <= arrival_rps < servers / service_s.
    service_s : float or array_like
        Mean service time, seconds; > 0.
    servers : int or array_like of int
        Number of servers; >= 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or the queue is unstable.

    Notes
    -----
    ``W = C / (c / S - arrival_rps)`` with C from :func:`erlang_c`. Kleinrock, *Queueing Systems*
    vol. 1, 1975, section 3.5.
    """
    _, _, wait_probability, spare_rps = _mmc(arrival_rps, service_s, servers)
    return plain(wait_probability / spare_rps)


def mmc_response(
    arrival_rps: npt.ArrayLike, service_s: npt.ArrayLike, servers: int | npt.ArrayLike
) -> Numbers:
    """Return the mean response time of an M/M/c queue, in seconds: wait plus service.

    Parameters
    ----------
    arrival_rps, service_s, servers
        As for :func:`mmc_wait`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or the queue is unstable.
    """
    _, service, wait_probability, spare_rps = _mmc(arrival_rps, service_s, servers)
    return plain(service + wait_probability / spare_rps)


def mmc_wait_percentile(
    arrival_rps: npt.ArrayLike,
    service_s: npt.ArrayLike,
    servers: int | npt.ArrayLike,
    q: npt.ArrayLike,
) -> Numbers:
    """Return the q-quantile of the waiting time of an M/M/c queue, in seconds.

    Parameters
    ----------
    arrival_rps, service_s, servers
        As for :func:`mmc_wait`.
    q : float or array_like
        Share of the requests that wait no longer than the returned time; 0 <= q < 1. Where more
        than this share does not wait at all, the result is 0.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or the queue is unstable.

    Notes
    -----
    First come, first served: ``P(W > t) = C exp(-(c / S - arrival_rps) t)``. Kleinrock, *Queueing
    Systems* vol. 1, 1975, chapter 6, as a case of G/M/m.
    """
    _, _, wait_probability, spare_rps = _mmc(arrival_rps, service_s, servers)
    q = real("q", q, at_least=0, below=1)
    return plain(np.log(np.maximum(wait_probability / (1 - np.asarray(q)), 1)) / spare_rps)


def mmc_response_percentile(
    arrival_rps: npt.ArrayLike,
    service_s: npt.ArrayLike,
    servers: int | npt.ArrayLike,
    q: npt.ArrayLike,
) -> Numbers:
    """Return the q-quantile of the response time of an M/M/c queue, in seconds.

    Parameters
    ----------
    arrival_rps, service_s, servers
        As for :func:`mmc_wait`.
    q : float or array_like
        Share of the requests that are served within the returned time; 0 <= q < 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or the queue is unstable.

    Notes
    -----
    The response is the sum of an independent service (rate mu) and wait (0 with probability
    ``1 - C``, else exponential with rate ``theta = c mu - arrival_rps``), so that
    ``P(R > t) = exp(-mu t) + C mu (exp(-mu t) - exp(-theta t)) / (theta - mu)``, and
    ``(1 + C mu t) exp(-mu t)`` where the two rates are equal. It is inverted by bisection, to the
    last bits of a double.
    """
    _, service, wait_probability, spare_rps = _mmc(arrival_rps, service_s, servers)
    q = real("q", q, at_least=0, below=1)
    service, wait_probability, spare_rps, q = np.broadcast_arrays(
        service, wait_probability, spare_rps, q
    )
    beyond = 1 - q
    low = -np.log(beyond) * service  # no sooner than the service alone
    # A sum exceeds t + u no more often than one part exceeds t and the other u: the union bound.
    wait_bound = np.log(np.maximum(2 * wait_probability / beyond, 1)) / spare_rps
    high = -np.log(beyond / 2) * service + wait_bound
    for _ in range(60):
        middle = (low + high) / 2
        late = _mmc_tail(middle, service, wait_probability, spare_rps) > beyond
        low, high = np.where(late, middle, low), np.where(late, high, middle)
    return plain(np.where(q == 0, 0.0, (low + high) / 2))


def allen_cunneen_wait(
    arrival_rps: npt.ArrayLike,
    service_s: npt.ArrayLike,
    servers: int | npt.ArrayLike,
    arrival_scv: npt.ArrayLike,
    service_scv: npt.ArrayLike,
) -> Numbers:
    """Return the Allen-Cunneen approximation of the mean wait of a G/G/c queue, in seconds.

    An approximation, exact for M/M/c; with one server it is Kingman's.

    Parameters
    ----------
    arrival_rps, service_s, servers
        As for :func:`mmc_wait`.
    arrival_scv, service_scv : float or array_like
        Squared coefficients of variation of the gaps between arrivals and of the services; >= 0.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or the queue is unstable.

    Notes
    -----
    ``W(M/M/c) (arrival_scv + service_scv) / 2``. Allen, *Probability, Statistics, and Queueing
    Theory*, 2nd ed. 1990, chapter 5.
    """
    arrival_scv = real("arrival_scv", arrival_scv, at_least=0)
    service_scv = real("service_scv", service_scv, at_least=0)
    return plain(mmc_wait(arrival_rps, service_s, servers) * (arrival_scv + service_scv) / 2)


def servers_for_wait_probability(offered_load: float, target: float) -> int:
    """Return the fewest servers with which at most a share `target` of the arrivals waits.

    Parameters
    ----------
    offered_load : float
        Arrival rate times mean service time, in erlangs; >= 0.
    target : float
        Largest acceptable probability of waiting; 0 < target <= 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Steps the recursion of :func:`erlang_b` from 0 servers up: exact, and 10 ms for 100,000
    erlangs. :func:`square_root_staffing` approximates it.
    """
    load = validation.number("offered_load", offered_load, at_least=0, unit="erlangs")
    target = validation.number("target", target, above=0, at_most=1)
    servers, blocking = 0, 1.0
    while True:
        servers += 1
        blocking *= load
        blocking /= servers + blocking
        if servers > load and servers * blocking <= target * (servers - load * (1 - blocking)):
            return servers


def square_root_staffing(offered_load: float, target: float) -> int:
    """Return the servers that the square-root staffing rule asks for.

    Parameters
    ----------
    offered_load : float
        Arrival rate times mean service time, in erlangs; > 0.
    target : float
        Acceptable probability of waiting; 0 < target < 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    ``c = a + beta sqrt(a)``, rounded up, where beta makes
    :func:`halfin_whitt_wait_probability` equal to the target. Halfin and Whitt, "Heavy-traffic
    limits for queues with many exponential servers", *Operations Research* 29, 1981. An
    approximation for large loads; :func:`servers_for_wait_probability` is exact.
    """
    load = validation.number("offered_load", offered_load, above=0, unit="erlangs")
    target = validation.number("target", target, above=0, below=1)
    low, high = 0.0, 40.0  # beyond 37 the limit underflows to 0
    for _ in range(60):
        middle = (low + high) / 2
        if halfin_whitt_wait_probability(middle) > target:
            low = middle
        else:
            high = middle
    return max(math.ceil(load + high * math.sqrt(load)), math.floor(load) + 1)


def halfin_whitt_wait_probability(beta: float) -> float:
    """Return the limiting probability of waiting with ``a + beta sqrt(a)`` servers, a large.

    Parameters
    ----------
    beta : float
        Spare servers in units of the square root of the offered load; >= 0.

    Raises
    ------
    TypeError, ValueError
        If `beta` has the wrong type or is out of range.

    Notes
    -----
    ``1 / (1 + beta Phi(beta) / phi(beta))`` with the standard normal distribution function and
    density. Halfin and Whitt, *Operations Research* 29, 1981.
    """
    beta = validation.number("beta", beta, at_least=0)
    density = math.exp(-(beta**2) / 2) / math.sqrt(2 * math.pi)
    distribution = math.erfc(-beta / math.sqrt(2)) / 2
    return density / (density + beta * distribution)


def _blocking(load: Numbers, servers: int | np.ndarray) -> Numbers:
    """Erlang's B; the recursion runs once, up to the largest number of servers asked for."""
    if isinstance(servers, int):
        blocking = 1.0 if isinstance(load, float) else np.ones_like(load)
        for k in range(1, servers + 1):
            scaled = load * blocking
            blocking = scaled / (k + scaled)
        return blocking
    loads, counts = np.broadcast_arrays(load, servers)
    result = np.ones(loads.shape)
    blocking = np.ones_like(loads, dtype=float)
    wanted = set(np.unique(counts).tolist())
    for k in range(1, max(wanted) + 1):
        scaled = loads * blocking
        blocking = scaled / (k + scaled)
        if k in wanted:
            result = np.where(counts == k, blocking, result)
    return result


def _mmc(
    arrival_rps: npt.ArrayLike, service_s: npt.ArrayLike, servers: int | npt.ArrayLike
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Return arrival rate, service time, probability of waiting and spare capacity in rps."""
    count = _servers(servers, at_least=1)
    arrival, service = stable(arrival_rps, service_s, count)
    load = arrival * service
    blocking = _blocking(load, count)
    wait_probability = count * blocking / (count - load * (1 - blocking))
    return arrival, service, wait_probability, (count - load) / service


def _mmc_tail(
    time_s: np.ndarray, service_s: np.ndarray, wait_probability: np.ndarray, spare_rps: np.ndarray
) -> np.ndarray:
    """P(response > time), written so that nothing cancels or overflows at or near equal rates."""
    rate = 1 / service_s
    slower, apart = np.minimum(rate, spare_rps), np.abs(spare_rps - rate)
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = np.where(apart > 0, -np.expm1(-apart * time_s) / apart, time_s)
    waited = wait_probability * rate * np.exp(-slower * time_s) * difference
    tail: np.ndarray = np.exp(-rate * time_s) + waited
    return tail


def _servers(servers: int | npt.ArrayLike, *, at_least: int) -> int | np.ndarray:
    if not hasattr(servers, "__len__") or isinstance(servers, str | bytes):
        return validation.integer("servers", servers, at_least=at_least)
    counts = np.asarray(servers)
    if counts.dtype.kind not in "iu":
        raise TypeError(
            f"every element of servers must be a whole number >= {at_least}, "
            f"got dtype {counts.dtype}"
        )
    validation.numbers("servers", counts, at_least=at_least)
    return counts
