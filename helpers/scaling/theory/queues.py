"""Queues: where the knee is, how long to watch, how many servers, one big one or many small."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from helpers.foundations import queueing, validation


@dataclass(frozen=True)
class KneeTheory:
    """Response time of an M/M/c station at one utilisation, in seconds."""

    mean_s: float
    p99_s: float


def theory_knee(utilisation: float, service_s: float, servers: int = 1) -> KneeTheory:
    """Mean and 99th percentile of the response time of an M/M/c queue.

    Parameters
    ----------
    utilisation : float
        Offered load over servers; 0 < utilisation < 1.
    service_s : float
        Mean service time, seconds; > 0.
    servers : int
        Number of servers; >= 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    For one server R = S / (1 - rho), and the response time is exponential, so its 99th percentile
    is ``R ln 100``. Kleinrock, *Queueing Systems* vol. 1, 1975, chapter 3.
    """
    rho = validation.number("utilisation", utilisation, above=0, below=1)
    service_s = validation.number("service_s", service_s, above=0, unit="s")
    servers = validation.integer("servers", servers, at_least=1)
    arrival_rps = rho * servers / service_s
    return KneeTheory(
        mean_s=float(queueing.mmc_response(arrival_rps, service_s, servers)),
        p99_s=float(queueing.mmc_response_percentile(arrival_rps, service_s, servers, 0.99)),
    )


def theory_run_length(utilisation: float) -> float:
    """Asymptotic variance of the mean response time of an M/M/1 queue, in squared service times.

    The mean of n successive response times has a variance close to this number divided by n.

    Parameters
    ----------
    utilisation : float
        0 < utilisation < 1.

    Returns
    -------
    float
        Variance constant, in units of the squared mean service time.

    Raises
    ------
    TypeError, ValueError
        If `utilisation` has the wrong type or is out of range.

    Notes
    -----
    Waiting times: ``rho (2 + 5 rho - 4 rho² + rho³) / (1 - rho)⁴``. Daley, "The serial correlation
    coefficients of waiting times in a stationary single server queue", *J. Australian Math. Soc.*
    8, 1968; quoted by Whitt, "Planning queueing simulations", *Management Science* 35, 1989.
    A response time is a wait plus a service, and the service lengthens the waits behind it: the
    long-run covariance of services with later waits is ``rho (2 - rho) / (1 - rho)²`` (the
    derivative of the mean wait with respect to the mean service, times the service's variance),
    counted twice, and the services' own variance is 1.
    """
    rho = validation.number("utilisation", utilisation, above=0, below=1)
    waits = rho * (2 + 5 * rho - 4 * rho**2 + rho**3) / (1 - rho) ** 4
    return waits + 2 * rho * (2 - rho) / (1 - rho) ** 2 + 1


def requests_for_precision(
    utilisation: float, relative: float = 0.05, confidence: float = 0.95
) -> int:
    """Requests an M/M/1 queue must serve before its mean response time is known to a precision.

    Parameters
    ----------
    utilisation : float
        0 < utilisation < 1.
    relative : float
        Half-width of the interval over the mean; > 0. 0.05 is plus or minus five per cent.
    confidence : float
        Confidence of the interval; 0 < confidence < 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    ``n = (z / relative)² variance / R²`` with R = 1 / (1 - rho) service times. Whitt 1989.
    """
    variance = theory_run_length(utilisation)
    relative = validation.number("relative", relative, above=0)
    confidence = validation.number("confidence", confidence, above=0, below=1)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    return math.ceil((z / relative) ** 2 * variance * (1 - utilisation) ** 2)


@dataclass(frozen=True)
class StaffingTheory:
    """Servers that three rules ask for at one load, and what each buys."""

    offered_load: float
    erlang: int
    square_root: int
    proportional: int


def theory_staffing(
    rate_rps: float,
    service_s: float,
    target: float,
    *,
    base_rate_rps: float = 50.0,
) -> StaffingTheory:
    """Servers needed so that at most a share `target` of the requests waits.

    Parameters
    ----------
    rate_rps : float
        Mean arrival rate, requests per second; > 0.
    service_s : float
        Mean service time, seconds; > 0.
    target : float
        Wanted probability of waiting; 0 < target < 1.
    base_rate_rps : float
        The rate at which the proportional plan was right; > 0.

    Returns
    -------
    StaffingTheory
        ``erlang`` is exact for M/M/c; ``square_root`` its large-load limit; ``proportional``
        multiplies the exact answer at `base_rate_rps` by the growth of the rate.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Erlang, "Solution of some problems in the theory of probabilities of significance in automatic
    telephone exchanges", 1917 (the C formula).
    """
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    service_s = validation.number("service_s", service_s, above=0, unit="s")
    target = validation.number("target", target, above=0, below=1)
    base = validation.number("base_rate_rps", base_rate_rps, above=0, unit="requests/s")
    load = rate_rps * service_s
    base_servers = queueing.servers_for_wait_probability(base * service_s, target)
    return StaffingTheory(
        offered_load=load,
        erlang=int(queueing.servers_for_wait_probability(load, target)),
        square_root=int(queueing.square_root_staffing(load, target)),
        proportional=math.ceil(base_servers * rate_rps / base - 1e-9),
    )


@dataclass(frozen=True)
class PoolingTheory:
    """Mean wait and response of three ways to spend one capacity, in seconds; NaN: no formula."""

    big_wait_s: float
    big_response_s: float
    pooled_wait_s: float
    pooled_response_s: float
    split_wait_s: float
    split_response_s: float


def theory_pooling(
    utilisation: float, service_s: float, servers: int, scv: float = 1.0
) -> PoolingTheory:
    """One server k times as fast, k servers with one queue, or k servers with a queue each.

    Parameters
    ----------
    utilisation : float
        The same for all three; 0 < utilisation < 1.
    service_s : float
        Mean service time on one small server, seconds; > 0.
    servers : int
        Number of small servers, k; >= 1.
    scv : float
        Squared coefficient of variation of the service times; >= 0.

    Returns
    -------
    PoolingTheory
        The pooled design has a closed form only when `scv` is 1 (M/M/k) or k is 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Single servers: Pollaczek-Khinchine, W = rho S (1 + scv) / (2 (1 - rho)). Random splitting of a
    Poisson stream gives Poisson streams. Pooled: Erlang C. Kleinrock, *Queueing Systems* vol. 2,
    1976, section 5.1, on combining rates and combining queues.
    """
    rho = validation.number("utilisation", utilisation, above=0, below=1)
    service_s = validation.number("service_s", service_s, above=0, unit="s")
    servers = validation.integer("servers", servers, at_least=1)
    scv = validation.number("scv", scv, at_least=0)
    rate = rho * servers / service_s
    big_wait = float(queueing.mg1_wait(rate, service_s / servers, scv))
    split_wait = float(queueing.mg1_wait(rate / servers, service_s, scv))
    if scv == 1:
        pooled_wait = float(queueing.mmc_wait(rate, service_s, servers))
    else:
        pooled_wait = split_wait if servers == 1 else math.nan
    return PoolingTheory(
        big_wait_s=big_wait,
        big_response_s=big_wait + service_s / servers,
        pooled_wait_s=pooled_wait,
        pooled_response_s=pooled_wait + service_s,
        split_wait_s=split_wait,
        split_response_s=split_wait + service_s,
    )
