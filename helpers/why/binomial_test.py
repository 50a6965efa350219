"""Judging a version by its errors: the exact one-sided binomial test, and how much it needs."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from helpers.foundations import validation

#: Largest probability of rolling back a good version, and the power that is asked for.
ALARM, POWER = 0.05, 0.9


class Judgement(NamedTuple):
    """How a version is judged after so many requests, and how often rightly.

    Attributes
    ----------
    threshold : int
        Errors from which on it is rolled back.
    false_alarm : float
        Probability that a good version is rolled back.
    power : float
        Probability that the bad version is.
    """

    threshold: int
    false_alarm: float
    power: float


def threshold(requests: int, base_error: float, alarm: float = ALARM) -> int:
    """Return the fewest errors that a good version reaches with probability at most `alarm`.

    Parameters
    ----------
    requests : int
        Requests served; >= 1.
    base_error : float
        Share of requests that fail on a good version; 0 < base_error < 1.
    alarm : float
        0 < alarm < 1.
    """
    requests = validation.integer("requests", requests, at_least=1)
    base_error = validation.number("base_error", base_error, above=0, below=1)
    alarm = validation.number("alarm", alarm, above=0, below=1)
    first, tail = _upper_tail(requests, base_error)
    return first + int(np.argmax(tail <= alarm))


def judgement(
    requests: int, base_error: float, bad_error: float, alarm: float = ALARM
) -> Judgement:
    """Return how a version is judged that is looked at once.

    With ``K = min{k : P(Bin(m, p0) >= k) <= alarm}`` the power is ``P(Bin(m, p1) >= K)``. Lehmann
    and Romano, *Testing Statistical Hypotheses*, 3rd ed. 2005, chapter 3.

    Parameters
    ----------
    requests : int
        Requests served; >= 1.
    base_error, bad_error : float
        Share of requests that fail on a good and on the bad version; 0 < base < bad < 1.
    alarm : float
        0 < alarm < 1.
    """
    bad_error = validation.number("bad_error", bad_error, above=base_error, below=1)
    limit = threshold(requests, base_error, alarm)
    good, bad = (_at_least(limit, requests, p) for p in (base_error, bad_error))
    return Judgement(limit, good, bad)


@lru_cache(maxsize=512)
def requests_needed(
    base_error: float, bad_error: float, alarm: float = ALARM, power: float = POWER
) -> int:
    """Return the number of requests from which on the bad version is caught often enough, for good.

    Each time the threshold rises by one error the power falls a little, so it can reach `power`
    and lose it again several times. With M the largest number of requests at which k errors are
    suspicious, the power after M + 1 is such a low; the answer lies behind the last low that is
    too low.

    Parameters
    ----------
    base_error, bad_error, alarm
        As for :func:`judgement`.
    power : float
        Wanted probability of rolling back the bad version; alarm < power < 1.
    """
    bad_error = validation.number("bad_error", bad_error, above=base_error, below=1)
    power = validation.number("power", power, above=alarm, below=1)

    def is_too_low(errors: int) -> bool:
        start = _longest(errors, base_error, alarm) + 1
        return _at_least(errors + 1, start, bad_error) < power

    about = max(1, round(rule_of_thumb(base_error, bad_error, alarm, power) * base_error))
    low, high = 0, 2 * about + 20
    while is_too_low(high):
        low, high = high, 2 * high
    while high - low > 1:  # the last low that is too low, but for ripples
        middle = (low + high) // 2
        low, high = (middle, high) if is_too_low(middle) else (low, middle)
    last = max((k for k in range(max(0, low - 8), high + 8) if is_too_low(k)), default=0)
    first = _longest(last, base_error, alarm) + 1
    limit, end = last + 1, _longest(last + 1, base_error, alarm)
    while first < end:  # the power rises from one rise of the threshold to the next
        middle = (first + end) // 2
        if _at_least(limit, middle, bad_error) >= power:
            end = middle
        else:
            first = middle + 1
    return first


def _longest(errors: int, base_error: float, alarm: float) -> int:
    """Return the most requests at which so many errors of a good version are suspicious."""
    if errors == 0:
        return 0
    low, high = 0, math.ceil((errors + 1) / base_error)
    while high - low > 1:
        middle = (low + high) // 2
        suspicious = _at_least(errors, middle, base_error) <= alarm
        low, high = (middle, high) if suspicious else (low, middle)
    return low


def rule_of_thumb(
    base_error: float, bad_error: float, alarm: float = ALARM, power: float = POWER
) -> float:
    """Return about how many requests a canary needs before it can be judged with a given power.

    ``m = ((z_alarm sqrt(p0 q0) + z_power sqrt(p1 q1)) / (p1 - p0))²``, from the normal
    approximation to the binomial: Fleiss, Levin and Paik, *Statistical Methods for Rates and
    Proportions*, 3rd ed. 2003, chapter 2. Too low by up to a third where few errors are expected.
    """
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
