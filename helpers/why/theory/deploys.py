"""Losing servers, on purpose and otherwise; and how soon a canary sees a bad version."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from helpers.foundations import queueing, validation


def theory_loss(utilisation: float, servers: int, lost: int = 1) -> float:
    """Return the utilisation after some of the servers are gone: ``rho n / (n - k)``.

    Parameters
    ----------
    utilisation : float
        Utilisation before; 0 <= utilisation <= 1.
    servers : int
        Servers before; >= 1.
    lost : int
        Servers lost; 0 <= lost < servers.

    Returns
    -------
    float
        Offered load per server left; at 1 and above they cannot keep up.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    utilisation = validation.number("utilisation", utilisation, at_least=0, at_most=1)
    servers = validation.integer("servers", servers, at_least=1)
    lost = validation.integer("lost", lost, at_least=0, at_most=servers - 1)
    return utilisation * servers / (servers - lost)


@dataclass(frozen=True)
class RollingTheory:
    """What a rolling deploy does to capacity.

    Attributes
    ----------
    capacity : float
        Share of the servers in service meanwhile, ``(n - k) / n``.
    utilisation : float
        Utilisation meanwhile, ``rho n / (n - k)``; infinite if no server is left.
    duration_s : float
        Length of the deploy, ``ceil(n / k)`` batches.
    backlog : float
        Requests that wait at its end if the rest cannot keep up (fluid approximation), else 0.
    wait_s : float
        Mean wait in the steady state with n - k servers; infinite if there is none.
    """

    capacity: float
    utilisation: float
    duration_s: float
    backlog: float
    wait_s: float


def theory_rolling(
    servers: int, batch: int, utilisation: float, service_s: float, batch_s: float
) -> RollingTheory:
    """Return capacity, utilisation and backlog while servers are replaced a few at a time.

    Parameters
    ----------
    servers : int
        Number of servers n; >= 1.
    batch : int
        Servers out of service at a time, k; 1 <= batch <= servers.
    utilisation : float
        Utilisation of all n before; 0 < utilisation < 1.
    service_s : float
        Mean service time, seconds; > 0.
    batch_s : float
        Time each batch is out, seconds; > 0.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Fluid backlog: arrivals less what the remaining servers can do, for as long as it lasts. If k
    does not divide n the last batch is smaller, and what it leaves running counts.
    """
    servers = validation.integer("servers", servers, at_least=1)
    batch = validation.integer("batch", batch, at_least=1, at_most=servers)
    utilisation = validation.number("utilisation", utilisation, above=0, below=1)
    service_s = validation.number("service_s", service_s, above=0, unit="s")
    batch_s = validation.number("batch_s", batch_s, above=0, unit="s")
    left = servers - batch
    load = utilisation * servers
    backlog = 0.0
    for size in batch_sizes(servers, batch):
        backlog = max(0.0, backlog + (load - (servers - size)) / service_s * batch_s)
    stable = load < left
    return RollingTheory(
        capacity=left / servers,
        utilisation=load / left if left else math.inf,
        duration_s=batch_s * math.ceil(servers / batch),
        backlog=backlog,
        wait_s=float(queueing.mmc_wait(load / service_s, service_s, left)) if stable else math.inf,
    )


def batch_sizes(servers: int, batch: int) -> list[int]:
    """Return how many servers each batch of a rolling deploy takes out."""
    whole, rest = divmod(servers, batch)
    return [batch] * whole + [rest] * bool(rest)


@dataclass(frozen=True)
class CanaryTheory:
    """How a canary is judged after so many requests, and how often rightly.

    Attributes
    ----------
    threshold : int
        Errors from which on the new version is rolled back.
    false_alarm : float
        Probability that a good version is rolled back.
    power : float
        Probability that the bad version is.
    """

    threshold: int
    false_alarm: float
    power: float


def canary_threshold(requests: int, base_error: float, alarm: float = 0.05) -> int:
    """Return the fewest errors that a good version reaches with probability at most `alarm`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    requests = validation.integer("requests", requests, at_least=1)
    base_error = validation.number("base_error", base_error, above=0, below=1)
    alarm = validation.number("alarm", alarm, above=0, below=1)
    first, tail = _upper_tail(requests, base_error)
    return first + int(np.argmax(tail <= alarm))


def theory_canary(
    requests: int, base_error: float, bad_error: float, alarm: float = 0.05
) -> CanaryTheory:
    """Return the power of a canary that is judged once, by a one-sided exact binomial test.

    Parameters
    ----------
    requests : int
        Requests the canary has served; >= 1.
    base_error, bad_error : float
        Share of requests that fail on a good and on the bad version; 0 < base < bad < 1.
    alarm : float
        Largest probability of rolling back a good version; 0 < alarm < 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    With ``K = min{k : P(Bin(m, p0) >= k) <= alarm}`` the power is ``P(Bin(m, p1) >= K)``.
    Lehmann and Romano, *Testing Statistical Hypotheses*, 3rd ed. 2005, chapter 3.
    """
    bad_error = validation.number("bad_error", bad_error, above=base_error, below=1)
    threshold = canary_threshold(requests, base_error, alarm)
    good, bad = (_at_least(threshold, requests, p) for p in (base_error, bad_error))
    return CanaryTheory(threshold, good, bad)


def canary_requests(
    base_error: float, bad_error: float, alarm: float = 0.05, power: float = 0.9
) -> float:
    """Return about how many requests a canary needs before it can be judged with a given power.

    Parameters
    ----------
    base_error, bad_error, alarm
        As for :func:`theory_canary`.
    power : float
        Wanted probability of rolling back the bad version; alarm < power < 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    ``m = ((z_alarm sqrt(p0 q0) + z_power sqrt(p1 q1)) / (p1 - p0))²``, from the normal
    approximation to the binomial: Fleiss, Levin and Paik, *Statistical Methods for Rates and
    Proportions*, 3rd ed. 2003, chapter 2. Too low by up to a third where few errors are expected.
    """
    base_error = validation.number("base_error", base_error, above=0, below=1)
    bad_error = validation.number("bad_error", bad_error, above=base_error, below=1)
    alarm = validation.number("alarm", alarm, above=0, below=1)
    power = validation.number("power", power, above=alarm, below=1)
    z_alarm, z_power = NormalDist().inv_cdf(1 - alarm), NormalDist().inv_cdf(power)
    spread = z_alarm * math.sqrt(base_error * (1 - base_error))
    spread += z_power * math.sqrt(bad_error * (1 - bad_error))
    return (spread / (bad_error - base_error)) ** 2


def _at_least(k: int, requests: int, p: float) -> float:
    """P(Bin(requests, p) >= k)."""
    first, tail = _upper_tail(requests, p)
    if k < first:
        return 1.0
    return float(tail[k - first]) if k - first < tail.size else 0.0


@lru_cache(maxsize=4096)
def _upper_tail(requests: int, p: float) -> tuple[int, np.ndarray]:
    """Return the first k that matters, and P(Bin(requests, p) >= k) from there until it is 0.

    Numbers of errors more than twelve standard deviations and twenty from the mean are left out.
    """
    reach = 12 * math.sqrt(requests * p * (1 - p)) + 20
    first = max(0, math.floor(requests * p - reach))
    last = min(requests, math.ceil(requests * p + reach))
    k = np.arange(first + 1, last + 1)
    ratios = np.log((requests - k + 1) / k) + math.log(p / (1 - p))
    logs = np.concatenate([[0.0], np.cumsum(ratios)])
    weights = np.exp(logs - logs.max())
    tail = np.append(np.cumsum(weights[::-1])[::-1] / weights.sum(), 0.0)
    tail.setflags(write=False)
    return first, tail
