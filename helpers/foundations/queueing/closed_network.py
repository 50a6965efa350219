"""Closed networks: so many customers who think, walk through the stations and come back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation


@dataclass(frozen=True, eq=False)
class ClosedNetwork:
    """A closed network with 1, 2, ..., N customers, as mean value analysis finds it.

    Attributes
    ----------
    demands_s : numpy.ndarray, shape (K,)
        Service demand of one interaction at each of the K stations, seconds.
    think_s : float
        Mean time between an answer and the next request, seconds.
    customers : numpy.ndarray of int, shape (N,)
        1, 2, ..., N; the rows of the other arrays.
    throughput_rps : numpy.ndarray, shape (N,)
        Interactions per second.
    response_s : numpy.ndarray, shape (N,)
        Mean response time of an interaction over all stations, seconds, thinking excluded.
    residence_s : numpy.ndarray, shape (N, K)
        The part of the response time spent at each station, waiting and in service, seconds.
    queue : numpy.ndarray, shape (N, K)
        Mean number of customers at each station, waiting and in service.
    """

    demands_s: np.ndarray
    think_s: float
    customers: np.ndarray
    throughput_rps: np.ndarray
    response_s: np.ndarray
    residence_s: np.ndarray
    queue: np.ndarray

    @property
    def utilisation(self) -> np.ndarray:
        """Share of the time each station is busy, shape (N, K)."""
        busy: np.ndarray = self.throughput_rps[:, np.newaxis] * self.demands_s
        return busy


def mva(demands_s: npt.ArrayLike, customers: int, think_s: float = 0.0) -> ClosedNetwork:
    """Return throughput and response time of a closed network, by exact mean value analysis.

    Parameters
    ----------
    demands_s : array_like, shape (K,)
        Service demand of one interaction at each station (visits times service time), seconds;
        >= 0, and at least one > 0.
    customers : int
        Number of customers N; >= 1. The result covers 1..N.
    think_s : float
        Mean think time between interactions, seconds; >= 0.

    Returns
    -------
    ClosedNetwork

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    A customer who arrives finds what one customer fewer would leave:
    ``R_k(n) = D_k (1 + Q_k(n - 1))``, ``X(n) = n / (Z + sum R_k(n))``, ``Q_k(n) = X(n) R_k(n)``.
    Reiser and Lavenberg, "Mean-value analysis of closed multichain queuing networks", *Journal of
    the ACM* 27, 1980. Exact for product-form networks: single servers that are first come, first
    served with exponential service, or processor sharing with any.
    """
    demands, customers, think = _network(demands_s, customers, think_s)
    queue = np.zeros(demands.size)
    residences = np.empty((customers, demands.size))
    for n in range(1, customers + 1):
        residence = residences[n - 1] = demands * (1 + queue)
        queue = residence * (n / (think + residence.sum()))
    population = np.arange(1, customers + 1)
    response = residences.sum(axis=1)
    throughput = population / (think + response)
    return ClosedNetwork(
        demands_s=demands,
        think_s=think,
        customers=population,
        throughput_rps=throughput,
        response_s=response,
        residence_s=residences,
        queue=throughput[:, np.newaxis] * residences,
    )


@dataclass(frozen=True, eq=False)
class BottleneckBounds:
    """What no closed network with these demands can exceed or fall short of.

    Attributes
    ----------
    customers : numpy.ndarray of int, shape (N,)
        1, 2, ..., N; the rows of the other arrays.
    throughput_low_rps, throughput_high_rps : numpy.ndarray, shape (N,)
        Bounds on the throughput, interactions per second.
    response_low_s, response_high_s : numpy.ndarray, shape (N,)
        Bounds on the mean response time, seconds.
    knee_customers : float
        Where the two upper bounds on the throughput cross: from here on someone must queue.
    bottleneck : int
        Index of the station with the largest demand; the first of equals.
    """

    customers: np.ndarray
    throughput_low_rps: np.ndarray
    throughput_high_rps: np.ndarray
    response_low_s: np.ndarray
    response_high_s: np.ndarray
    knee_customers: float
    bottleneck: int


def bottleneck_bounds(
    demands_s: npt.ArrayLike, customers: int, think_s: float = 0.0
) -> BottleneckBounds:
    """Return the asymptotic bounds on a closed network, for 1..N customers.

    Parameters
    ----------
    demands_s, customers, think_s
        As for :func:`mva`.

    Returns
    -------
    BottleneckBounds

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    With D the sum and Dmax the largest of the demands:
    ``n / (n D + Z) <= X <= min(n / (D + Z), 1 / Dmax)``,
    ``max(D, n Dmax - Z) <= R <= n D``, knee at ``(D + Z) / Dmax``. Lazowska, Zahorjan, Graham and
    Sevcik, *Quantitative System Performance*, 1984, chapter 5.
    """
    demands, customers, think = _network(demands_s, customers, think_s)
    total, largest = float(demands.sum()), float(demands.max())
    population = np.arange(1, customers + 1)
    return BottleneckBounds(
        customers=population,
        throughput_low_rps=population / (population * total + think),
        throughput_high_rps=np.minimum(population / (total + think), 1 / largest),
        response_low_s=np.maximum(total, population * largest - think),
        response_high_s=population * total,
        knee_customers=(total + think) / largest,
        bottleneck=int(demands.argmax()),
    )


def _network(
    demands_s: npt.ArrayLike, customers: int, think_s: float
) -> tuple[np.ndarray, int, float]:
    demands = validation.numbers("demands_s", demands_s, at_least=0, unit="s", ndim=1)
    if not demands.any():
        raise ValueError("demands_s must have at least one number of s > 0, got only zeros")
    count = validation.integer("customers", customers, at_least=1)
    return demands, count, validation.number("think_s", think_s, at_least=0, unit="s")
