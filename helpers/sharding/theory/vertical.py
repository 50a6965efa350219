"""Splitting by feature: what it can give at most, and closed loops of writers on a few files."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation
from helpers.foundations.queueing import mm1_response


def theory_vertical(rate_rps: npt.ArrayLike, shares: npt.ArrayLike, service_s: float) -> np.ndarray:
    """Mean response time when each feature has a server of its own, seconds.

    Parameters
    ----------
    rate_rps : array_like
        Requests per second of all features together; >= 0.
    shares : array_like, shape (features,)
        Fraction of requests that each feature gets; > 0, summing to 1.
    service_s : float
        Mean service time, seconds; > 0.

    Returns
    -------
    numpy.ndarray
        Same shape as `rate_rps`; infinite where the busiest server is overloaded.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    A mix of M/M/1 queues, each seen by its share of the requests: ``sum f_i S / (1 - X f_i S)``.
    """
    rates = validation.numbers("rate_rps", rate_rps, at_least=0, unit="requests/s")
    shares = _shares(shares)
    service_s = validation.number("service_s", service_s, above=0, unit="s")
    ceiling = theory_vertical_ceiling(shares) / service_s

    response = np.full(rates.shape, np.inf)
    carried = rates < ceiling
    if carried.any():
        each = [
            share * mm1_response(rates[carried] * share, service_s) for share in shares.tolist()
        ]
        response[carried] = np.sum(each, axis=0)
    return response


def theory_vertical_ceiling(shares: npt.ArrayLike, servers: int | None = None) -> float:
    """Most that splitting by feature can carry, in multiples of what one server can.

    Parameters
    ----------
    shares : array_like, shape (features,)
        Fraction of the work that each feature is; > 0, summing to 1.
    servers : int, optional
        Number of servers; >= 1. Without it, as many as there are features.

    Returns
    -------
    float
        An upper bound, reached when there is a server per feature.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    ``min(servers, 1 / max share)``. The largest feature plays the part of the serial fraction in
    Amdahl's law (Amdahl, "Validity of the single processor approach to achieving large scale
    computing capabilities", AFIPS 1967): speed-up ends at one over it.
    """
    shares = _shares(shares)
    if servers is None:
        servers = len(shares)
    servers = validation.integer("servers", servers, at_least=1)
    return min(float(servers), 1 / float(shares.max()))


def _shares(shares: npt.ArrayLike) -> np.ndarray:
    values = validation.numbers("shares", shares, above=0, at_most=1, ndim=1)
    if abs(values.sum() - 1) > 1e-9:
        raise ValueError(f"shares must sum to 1, got a sum of {values.sum():g}")
    return values
