"""Users, threads and traffic: how much gets through, and how long it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from helpers.foundations import queueing, validation
from helpers.foundations.traffic.arrivals import ARRIVALS


@dataclass(frozen=True)
class ClosedStation:
    """Steady state of a station that a fixed number of users share.

    Attributes
    ----------
    throughput_rps : float
        X, requests completed per second.
    response_s : float
        R, mean time from request to answer, seconds.
    utilisation : float
        U, share of the time that a server is busy, averaged over the servers.
    in_system : float
        L, mean number of requests waiting or in service.
    """

    throughput_rps: float
    response_s: float
    utilisation: float
    in_system: float


def theory_users(users: int, think_s: float, service_s: float, servers: int = 1) -> ClosedStation:
    """Return the steady state of a station shared by users who think, ask, wait and think again.

    Parameters
    ----------
    users : int
        Number of users N; 1 <= users <= 1e8.
    think_s : float
        Mean time between an answer and the next request, seconds, exponential; > 0.
    service_s : float
        Mean service time, seconds, exponential; > 0.
    servers : int
        Number of servers; >= 1.

    Returns
    -------
    ClosedStation

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The M/M/c queue with a finite source ("machine repairman"): with n requests at the station the
    next one comes at rate ``(N - n) / Z`` and one leaves at rate ``min(n, c) / S``. Kleinrock,
    *Queueing Systems* vol. 1, 1975, section 3.8, for one server. With one server the probability
    that it idles is Erlang's loss formula B(Z / S, N), which the tests use as a check.
    """
    users, think_s, service_s, servers = check_station(users, think_s, service_s, servers)
    state, share = stationary(users, think_s / service_s, servers)
    busy = float(share @ np.minimum(state, servers))
    throughput = busy / service_s
    in_system = float(share @ state)
    return ClosedStation(throughput, in_system / throughput, busy / servers, in_system)


def check_station(
    users: int, think_s: float, service_s: float, servers: int
) -> tuple[int, float, float, int]:
    """Return the parameters of a closed station, checked."""
    return (
        validation.integer("users", users, at_least=1, at_most=10**8),
        validation.number("think_s", think_s, above=0, unit="s"),
        validation.number("service_s", service_s, above=0, unit="s"),
        validation.integer("servers", servers, at_least=1),
    )


@lru_cache(maxsize=512)
def stationary(users: int, ratio: float, servers: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the states of a closed station that matter, and the probability of each.

    `ratio` is think time over service time. States further from the likeliest one than twelve
    standard deviations, or with a geometric tail below 1e-16, are left out.
    """
    likely = max(users - servers * ratio, users / (1 + ratio))
    reach = 12 * math.sqrt(servers * ratio + 1) + 12 * math.sqrt(users / (1 + ratio)) + 100
    low, high = max(0, math.floor(likely - reach)), min(users, math.ceil(likely + reach))
    state = np.arange(low, high + 1)
    up = (users - state[:-1]) / ratio
    down = np.minimum(state[1:], servers)
    logs = np.concatenate([[0.0], np.cumsum(np.log(up / down))])
    share = np.exp(logs - logs.max())
    share /= share.sum()
    for array in (state, share):
        array.setflags(write=False)
    return state, share


def saturation_users(think_s: float, service_s: float, servers: int = 1) -> float:
    """Return the number of users from which on somebody must wait: ``N* = c (S + Z) / S``.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Where the asymptotes ``N / (S + Z)`` and ``c / S`` cross. Lazowska, Zahorjan, Graham and
    Sevcik, *Quantitative System Performance*, 1984, chapter 5, for one server.
    """
    _, think_s, service_s, servers = check_station(1, think_s, service_s, servers)
    return servers * (service_s + think_s) / service_s


def theory_concurrency(workers: int, cpu_s: float, io_s: float, cores: int = 1) -> ClosedStation:
    """Return the throughput of workers who compute, wait for I/O, and take the next request.

    Parameters
    ----------
    workers : int
        Requests in progress at a time, N: threads, tasks or processes; >= 1.
    cpu_s, io_s : float
        Mean computing and waiting time of a request, seconds, exponential; > 0.
    cores : int
        Cores the workers can compute on at the same time: 1 for CPython's threads and for one
        asyncio loop, the number of cores for processes.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The same station as :func:`theory_users`: a user who thinks is a worker who waits for I/O.
    """
    return theory_users(workers, io_s, cpu_s, cores)


def best_throughput(
    workers: npt.ArrayLike, cpu_s: float, io_s: float, cores: int = 1
) -> np.ndarray:
    """Return what N workers cannot exceed: ``min(N / (S + Z), c / S)``, requests per second.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Lazowska et al., *Quantitative System Performance*, 1984, chapter 5. Reached when nobody ever
    waits for the processor, which constant times and good luck allow.
    """
    count = validation.numbers("workers", workers, at_least=1)
    _, io_s, cpu_s, cores = check_station(1, io_s, cpu_s, cores)
    return np.minimum(count / (cpu_s + io_s), cores / cpu_s)


def amdahl_throughput(workers: npt.ArrayLike, cpu_s: float, io_s: float) -> np.ndarray:
    """Return Amdahl's throughput for one core, where only the I/O of N workers overlaps.

    ``X = X(1) / (s + (1 - s) / N)`` with ``s = S / (S + Z)``, the share of a request that must be
    computed on the one core.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Amdahl, "Validity of the single processor approach to achieving large scale computing
    capabilities", *AFIPS Conference Proceedings* 30, 1967. Multiplied out it is ``N / (N S + Z)``:
    the asymptotic *lower* bound of Lazowska et al., chapter 5, in which each request waits for
    the computing of all the others.
    """
    count = validation.numbers("workers", workers, at_least=1)
    _, io_s, cpu_s, _ = check_station(1, io_s, cpu_s, 1)
    serial = cpu_s / (cpu_s + io_s)
    return 1 / (cpu_s + io_s) / (serial + (1 - serial) / count)


def theory_traffic(
    utilisation: float,
    arrivals: str,
    service_scv: float,
    burstiness: float = 4.0,
    *,
    exponential: bool = False,
) -> float:
    """Return the mean wait of a single server in units of its mean service time.

    Parameters
    ----------
    utilisation : float
        0 < utilisation < 1.
    arrivals : {"poisson", "constant", "bursty"}
        How requests come; see :func:`helpers.foundations.traffic.arrivals.unit_gaps`.
    service_scv : float
        Squared coefficient of variation of the service times; >= 0.
    burstiness : float
        Squared coefficient of variation of the bursty gaps; >= 1.
    exponential : bool
        Whether service times are exponential, for which all three have an exact answer.

    Returns
    -------
    float
        Exact for Poisson arrivals (Pollaczek-Khinchine), for exponential service (GI/M/1), and
        for constant arrivals with constant service (0); otherwise Kingman's approximation.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    utilisation = validation.number("utilisation", utilisation, above=0, below=1)
    validation.one_of("arrivals", arrivals, ARRIVALS)
    service_scv = validation.number("service_scv", service_scv, at_least=0)
    if arrivals == "poisson":
        return float(queueing.mg1_wait(utilisation, 1.0, service_scv))
    if exponential:
        if arrivals == "bursty":
            return float(queueing.bursty_wait(utilisation, 1.0, burstiness))
        return constant_wait(utilisation)
    arrival_scv = burstiness if arrivals == "bursty" else 0.0
    return float(queueing.kingman_wait(utilisation, 1.0, arrival_scv, service_scv))


def constant_wait(utilisation: float) -> float:
    """Return the mean wait under constant arrivals and exponential service, in service times.

    Raises
    ------
    TypeError, ValueError
        If `utilisation` has the wrong type or is not between 0 and 1.

    Notes
    -----
    D/M/1: sigma is the root in (0, 1) of ``sigma = exp(-(1 - sigma) / rho)`` and the wait is
    ``sigma / (1 - sigma)``. Kleinrock, *Queueing Systems* vol. 1, 1975, chapter 6.
    """
    utilisation = validation.number("utilisation", utilisation, above=0, below=1)
    # With x = 1 - sigma: g(x) = 1 - x - exp(-x / rho) is concave with g(0) = 0 and falls to the
    # right of the root, so bisection between the top of g and 1 finds it.
    low, high = utilisation * math.log(1 / utilisation), 1.0
    for _ in range(80):
        middle = (low + high) / 2
        if -math.expm1(-middle / utilisation) > middle:
            low = middle
        else:
            high = middle
    return (1 - low) / low
