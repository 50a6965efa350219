"""Closed forms of a station with one server."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation
from helpers.foundations.queueing._checks import Numbers, plain, real, stable
from helpers.foundations.traffic.draws import hyperexponential_share


def mm1_response(arrival_rps: npt.ArrayLike, service_s: npt.ArrayLike) -> Numbers:
    """Return the mean response time of an M/M/1 queue, in seconds.

    Parameters
    ----------
    arrival_rps : float or array_like
        Mean arrival rate, requests per second; 0 <= arrival_rps < 1 / service_s.
    service_s : float or array_like
        Mean service time, seconds; > 0.

    Returns
    -------
    float or numpy.ndarray
        Mean time from arrival to departure, seconds; an array if a parameter is one.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or the queue is unstable.

    Notes
    -----
    ``R = S / (1 - rho)`` with ``rho = arrival_rps * service_s``. Kleinrock, *Queueing Systems*
    vol. 1, 1975, section 3.2.
    """
    arrival, service = stable(arrival_rps, service_s)
    return plain(service / (1 - arrival * service))


def mm1_wait(arrival_rps: npt.ArrayLike, service_s: npt.ArrayLike) -> Numbers:
    """Return the mean waiting time of an M/M/1 queue, in seconds: the response less the service.

    Parameters
    ----------
    arrival_rps, service_s
        As for :func:`mm1_response`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or the queue is unstable.

    Notes
    -----
    ``W = S rho / (1 - rho)``. Kleinrock, *Queueing Systems* vol. 1, 1975, section 3.2.
    """
    arrival, service = stable(arrival_rps, service_s)
    load = arrival * service
    return plain(service * load / (1 - load))


def mm1_response_percentile(
    arrival_rps: npt.ArrayLike, service_s: npt.ArrayLike, q: npt.ArrayLike
) -> Numbers:
    """Return the q-quantile of the response time of an M/M/1 queue, in seconds.

    Parameters
    ----------
    arrival_rps, service_s
        As for :func:`mm1_response`.
    q : float or array_like
        Share of the requests that are served within the returned time; 0 <= q < 1, so 0.99 for
        the 99th percentile.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or the queue is unstable.

    Notes
    -----
    The response time is exponential with mean R (first come, first served), so the quantile is
    ``-R ln(1 - q)``. Kleinrock, *Queueing Systems* vol. 1, 1975, chapter 5.
    """
    q = real("q", q, at_least=0, below=1)
    return plain(mm1_response(arrival_rps, service_s) * -np.log1p(-q))


def mg1_wait(arrival_rps: npt.ArrayLike, service_s: npt.ArrayLike, scv: npt.ArrayLike) -> Numbers:
    """Return the mean waiting time of an M/G/1 queue, in seconds.

    Parameters
    ----------
    arrival_rps, service_s
        As for :func:`mm1_response`.
    scv : float or array_like
        Squared coefficient of variation of the service time (variance / mean²); >= 0.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or the queue is unstable.

    Notes
    -----
    Pollaczek-Khinchine: ``W = S rho / (1 - rho) (1 + scv) / 2``. Kleinrock, *Queueing Systems*
    vol. 1, 1975, chapter 5.
    """
    scv = real("scv", scv, at_least=0)
    return plain(mm1_wait(arrival_rps, service_s) * (1 + scv) / 2)


def mg1_response(
    arrival_rps: npt.ArrayLike, service_s: npt.ArrayLike, scv: npt.ArrayLike
) -> Numbers:
    """Return the mean response time of an M/G/1 queue, in seconds: wait plus service.

    Parameters
    ----------
    arrival_rps, service_s, scv
        As for :func:`mg1_wait`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or the queue is unstable.
    """
    return plain(mg1_wait(arrival_rps, service_s, scv) + np.asarray(service_s, dtype=float))


def kingman_wait(
    arrival_rps: npt.ArrayLike,
    service_s: npt.ArrayLike,
    arrival_scv: npt.ArrayLike,
    service_scv: npt.ArrayLike,
) -> Numbers:
    """Return Kingman's approximation of the mean waiting time of a G/G/1 queue, in seconds.

    An approximation, not a bound: it becomes exact as the utilisation goes to 1, and is exact at
    every utilisation for Poisson arrivals (``arrival_scv = 1``).

    Parameters
    ----------
    arrival_rps, service_s
        As for :func:`mm1_response`.
    arrival_scv, service_scv : float or array_like
        Squared coefficients of variation of the gaps between arrivals, which must be independent
        of each other, and of the service times; >= 0.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or the queue is unstable.

    Notes
    -----
    ``W = S rho / (1 - rho) (arrival_scv + service_scv) / 2``. Kingman, "The single server queue
    in heavy traffic", *Proc. Cambridge Philosophical Society* 57, 1961, gives the limit; the
    factor rho that makes it right for M/G/1 is customary.
    """
    arrival_scv = real("arrival_scv", arrival_scv, at_least=0)
    service_scv = real("service_scv", service_scv, at_least=0)
    return plain(mm1_wait(arrival_rps, service_s) * (arrival_scv + service_scv) / 2)


def kingman_bound(
    arrival_rps: npt.ArrayLike,
    service_s: npt.ArrayLike,
    arrival_scv: npt.ArrayLike,
    service_scv: npt.ArrayLike,
) -> Numbers:
    """Return Kingman's upper bound on the mean waiting time of a G/G/1 queue, in seconds.

    Close to the truth near saturation; at low load it is far above it, and with irregular
    arrivals it even rises again as the rate goes to 0.

    Parameters
    ----------
    arrival_rps : float or array_like
        Mean arrival rate, requests per second; 0 < arrival_rps < 1 / service_s.
    service_s, arrival_scv, service_scv
        As for :func:`kingman_wait`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or the queue is unstable.

    Notes
    -----
    ``W <= arrival_rps (var(gap) + var(service)) / (2 (1 - rho))``. Kingman, "Some inequalities
    for the queue GI/G/1", *Biometrika* 49, 1962.
    """
    real("arrival_rps", arrival_rps, above=0, unit="requests/s")
    arrival, service = stable(arrival_rps, service_s)
    arrival_scv = real("arrival_scv", arrival_scv, at_least=0)
    service_scv = real("service_scv", service_scv, at_least=0)
    variance = arrival_scv / np.square(arrival) + service_scv * np.square(service)
    return plain(arrival * variance / (2 * (1 - arrival * service)))


def bursty_wait(arrival_rps: npt.ArrayLike, service_s: npt.ArrayLike, burstiness: float) -> Numbers:
    """Return the exact mean waiting time under bursty arrivals and exponential service, seconds.

    Parameters
    ----------
    arrival_rps, service_s
        As for :func:`mm1_response`.
    burstiness : float
        Squared coefficient of variation of the gaps, as for the ``"bursty"`` arrivals of
        :func:`helpers.foundations.traffic.arrivals.unit_gaps`; >= 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or the queue is unstable.

    Notes
    -----
    A GI/M/1 queue: with A the Laplace transform of the gaps' density and mu = 1 / S, sigma is the
    root in (0, 1) of ``sigma = A(mu (1 - sigma))`` and ``W = S sigma / (1 - sigma)``. Kleinrock,
    *Queueing Systems* vol. 1, 1975, chapter 6. For the balanced hyperexponential the equation
    divided by its trivial root ``sigma = 1`` is a quadratic.
    """
    arrival, service = stable(arrival_rps, service_s)
    share = hyperexponential_share(validation.number("burstiness", burstiness, at_least=1))
    # With x = 1 - sigma, rates a and b of the phases in units of mu: A = p a/(a+x) + (1-p) b/(b+x)
    # and 1 - x = A reduce to x² - (1 - a - b) x - (a (1-p) + b p - a b) = 0, where p a = (1-p) b.
    a, b = 2 * share * arrival * service, 2 * (1 - share) * arrival * service
    middle, last = 1 - a - b, (1 - share) * a + share * b - a * b
    x = (middle + np.sqrt(middle**2 + 4 * last)) / 2
    return plain(service * (1 - x) / x)


@dataclass(frozen=True)
class FiniteQueue:
    """A queue with room for so many and no more; floats, or arrays over the arrival rates.

    Attributes
    ----------
    loss : float or numpy.ndarray
        Share of the arrivals that find the system full and are turned away.
    mean_in_system : float or numpy.ndarray
        Mean number of customers waiting or in service.
    response_s : float or numpy.ndarray
        Mean time from arrival to departure of those let in, seconds.
    throughput_rps : float or numpy.ndarray
        Rate of customers served, requests per second.
    """

    loss: Numbers
    mean_in_system: Numbers
    response_s: Numbers
    throughput_rps: Numbers


def mm1k(arrival_rps: npt.ArrayLike, service_s: npt.ArrayLike, capacity: int) -> FiniteQueue:
    """Return the stationary behaviour of an M/M/1/K queue, which turns away whom it cannot hold.

    Parameters
    ----------
    arrival_rps : float or array_like
        Mean arrival rate, requests per second; >= 0. There is no upper limit: a full system turns
        customers away, so it is always stable.
    service_s : float or array_like
        Mean service time, seconds; > 0.
    capacity : int
        Room for customers, the one in service included; >= 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    ``p_k`` is proportional to ``rho ** k`` for k = 0..K and the loss is ``p_K``. Kleinrock,
    *Queueing Systems* vol. 1, 1975, section 3.6.
    """
    arrival = real("arrival_rps", arrival_rps, at_least=0, unit="requests/s")
    service = real("service_s", service_s, above=0, unit="s")
    capacity = validation.integer("capacity", capacity, at_least=1)
    load = np.asarray(arrival * service, dtype=float)[..., np.newaxis]
    customers = np.arange(capacity + 1)
    # Powers of a load above 1 overflow, so count those from the full end.
    exponents = np.where(load <= 1, customers, customers - capacity)
    with np.errstate(divide="ignore"):
        weights = np.where(load == 0, customers == 0, np.where(load > 0, load, 1.0) ** exponents)
    shares = weights / weights.sum(axis=-1, keepdims=True)
    let_in = shares[..., :-1].sum(axis=-1)
    in_system = shares @ customers
    # Those let in find k others with probability p_k / (1 - p_K) and stay k + 1 services.
    response = service * (shares[..., :-1] @ customers[1:]) / let_in
    return FiniteQueue(
        loss=plain(shares[..., -1]),
        mean_in_system=plain(in_system),
        response_s=plain(response),
        throughput_rps=plain(arrival * let_in),
    )
