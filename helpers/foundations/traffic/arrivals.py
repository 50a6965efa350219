"""When requests arrive: at constant distances, at random, in bursts."""

from __future__ import annotations

import numpy as np

from helpers.foundations import validation
from helpers.foundations.traffic.draws import Size, exponential, hyperexponential, shape_of

#: The kinds of arrival process.
ARRIVALS = ("poisson", "constant", "bursty")


def unit_gaps(
    kind: str, size: Size, rng: np.random.Generator, *, burstiness: float = 4.0
) -> np.ndarray:
    """Draw gaps between arrivals with mean 1; divide them by a rate to get seconds.

    Parameters
    ----------
    kind : {"poisson", "constant", "bursty"}
        ``"poisson"``: exponential gaps. ``"constant"``: every gap is 1. ``"bursty"``: gaps of a
        balanced two-phase hyperexponential distribution, a renewal process in which a run of
        short gaps is followed now and then by a long one.
    size : int or tuple of int
        Shape of the result.
    rng : numpy.random.Generator
        Where the randomness comes from.
    burstiness : float
        Squared coefficient of variation of the gaps of the bursty process; >= 1, and 1 is Poisson.
        As the process is a renewal process it is also the limit of its index of dispersion for
        counts: over a long window the number of arrivals has variance `burstiness` times its mean.
        The other kinds have no choice (1 and 0) and take no notice of it.

    Returns
    -------
    numpy.ndarray
        Gaps, shape `size`, mean 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Index of dispersion of a renewal process: Cox and Lewis, *The Statistical Analysis of Series
    of Events*, 1966, chapter 4.
    """
    validation.one_of("kind", kind, ARRIVALS)
    shape = shape_of(size)
    burstiness = validation.number("burstiness", burstiness, at_least=1)
    if kind == "constant":
        return np.ones(shape, order="F")
    if kind == "poisson":
        return exponential(shape, rng)
    return hyperexponential(shape, rng, burstiness)


def arrival_scv(kind: str, burstiness: float = 4.0) -> float:
    """Return the squared coefficient of variation of the gaps that :func:`unit_gaps` draws.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    validation.one_of("kind", kind, ARRIVALS)
    burstiness = validation.number("burstiness", burstiness, at_least=1)
    return {"poisson": 1.0, "constant": 0.0, "bursty": burstiness}[kind]


def interarrival_times(
    kind: str,
    rate_rps: float,
    size: Size,
    rng: np.random.Generator,
    *,
    burstiness: float = 4.0,
) -> np.ndarray:
    """Draw gaps between arrivals, in seconds.

    Parameters
    ----------
    rate_rps : float
        Mean arrival rate, requests per second; > 0.
    kind, size, rng, burstiness
        As for :func:`unit_gaps`.

    Returns
    -------
    numpy.ndarray
        Gaps in seconds, shape `size`, mean ``1 / rate_rps``.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    gaps = unit_gaps(kind, size, rng, burstiness=burstiness)
    gaps /= rate_rps
    return gaps


def arrival_times(
    kind: str,
    rate_rps: float,
    size: Size,
    rng: np.random.Generator,
    *,
    burstiness: float = 4.0,
) -> np.ndarray:
    """Draw the instants at which requests arrive, the first after one gap from 0.

    Parameters
    ----------
    kind, rate_rps, size, rng, burstiness
        As for :func:`interarrival_times`; time runs along the last axis.

    Returns
    -------
    numpy.ndarray
        Arrival times in seconds, shape `size`, non-decreasing along the last axis.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    gaps = interarrival_times(kind, rate_rps, size, rng, burstiness=burstiness)
    return np.cumsum(gaps, axis=-1, out=gaps)
