"""The herd that an expiry sends to the database: how many queries, and when, under each fix.

Where that stops being true: requests come at a steady rate, in a Poisson stream, and single-flight
knows of one process alone.
"""

from __future__ import annotations

import math

import numpy as np

from helpers.foundations.experiment import Draws

_JITTER_S = 6.0  # a tenth of a time to live of a minute

#: Requests that could refresh early with less than this probability in total are left out.
_NEGLIGIBLE = 1e-6


def requests_after(draw: Draws, rate_rps: float, recompute_s: float) -> np.ndarray:
    """Draw when requests come after the time to live, for as long as any fix asks, seconds."""
    return _arrivals(draw, "requests after", rate_rps, recompute_s + _JITTER_S)


def queries_of(
    fix: str, after: np.ndarray, rate_rps: float, recompute_s: float, draw: Draws
) -> np.ndarray:
    """Return when queries reach the database, seconds since the expiry, ascending.

    Parameters
    ----------
    fix : {"none", "single-flight", "early refresh", "jitter"}
    after : numpy.ndarray
        When requests come after the expiry, seconds, ascending.
    rate_rps, recompute_s : float
        Requests per second, also before the expiry, and seconds that a query takes.
    draw : Draws
        For what a fix leaves to chance.
    """
    if fix == "single-flight":
        return after[:1]
    if fix == "early refresh":
        return _early_refreshes(after, rate_rps, recompute_s, draw)
    after = since_expiry(fix, after, draw)
    return after[: np.searchsorted(after, after[0] + recompute_s)]


def since_expiry(fix: str, after: np.ndarray, draw: Draws) -> np.ndarray:
    """Return the same traffic since the expiry, which jitter moves."""
    if fix != "jitter":
        return after
    moved = _JITTER_S * float(draw("jitter").random())
    return after[np.searchsorted(after, moved) :] - moved


def _early_refreshes(
    after: np.ndarray, rate_rps: float, recompute_s: float, draw: Draws
) -> np.ndarray:
    """Let every request toss XFetch's coin, from long before the expiry on."""
    lead_s = recompute_s * max(math.log(rate_rps * recompute_s / _NEGLIGIBLE), 1.0)
    before = -_arrivals(draw, "requests before", rate_rps, lead_s)[::-1]
    # -ln(uniform) is a standard exponential draw.
    coins = draw("coins").standard_exponential(before.size)[::-1]
    refreshing = before[before + recompute_s * coins >= 0]
    if refreshing.size == 0:
        refreshing = after
    elif refreshing[0] + recompute_s > 0:  # not back in time: from 0 on everyone recomputes
        refreshing = np.concatenate([refreshing, after])
    return refreshing[: np.searchsorted(refreshing, refreshing[0] + recompute_s)]


def _arrivals(draw: Draws, name: str, rate_rps: float, span_s: float) -> np.ndarray:
    """Return Poisson arrivals that reach beyond a span in all but 1 of 10^9 runs, seconds."""
    expected = rate_rps * span_s
    count = math.ceil(expected + 6 * math.sqrt(expected) + 32)
    return np.cumsum(draw(name).standard_exponential(count)) / rate_rps


def herd(rate_rps: float, recompute_s: float) -> float:
    """Mean number of queries for one expiry without a fix: ``1 + rate x recompute``.

    The first miss, and all who come before its answer is in the cache.
    """
    return 1 + rate_rps * recompute_s


def drain_s(queries: float, recompute_s: float, connections: int) -> float:
    """How long every connection is taken by a herd, as a fluid, seconds.

    ``(queries - connections) x recompute / connections``, or 0 if they all fit. Off by at most
    about one recompute time, because connections fill and empty one by one.
    """
    return max(0.0, (queries - connections) * recompute_s / connections)
