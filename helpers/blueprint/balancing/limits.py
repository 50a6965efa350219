"""What is known of the policies in closed form: exactly, in the limit, or as a bound."""

from __future__ import annotations

import math

from helpers.foundations import validation
from helpers.foundations.queueing import mmc_response

KNOWN = ("random", "round robin", "power of two", "least connections", "join shortest queue")


def theory_balancing(
    policy: str, *, servers: int, utilisation: float, service_s: float = 1.0
) -> float:
    """Return the mean response time behind a balancer, in seconds.

    Parameters
    ----------
    policy : str
        ``"random"`` and ``"round robin"`` are exact; ``"power of two"`` is the limit of many
        servers; ``"join shortest queue"`` and ``"least connections"`` are bounded from below by
        one shared queue, which is what is returned.
        :func:`~helpers.blueprint.balancing.chain.exact_balancing` has the last three exactly, for
        a modest number of servers.
    servers : int
        Number of servers; >= 1.
    utilisation : float
        Offered load per server; 0 < utilisation < 1.
    service_s : float
        Mean service time, seconds; > 0.

    Raises
    ------
    ValueError
        If no theory is known here: for "sticky".

    Notes
    -----
    Random: each server is an M/M/1 queue. Round robin: each is E_n/M/1, so the response is
    ``S / (1 - sigma)`` with sigma the root in (0, 1) of ``sigma = A*(mu (1 - sigma))``, A* being
    the transform of the gaps (Kleinrock, *Queueing Systems* vol. 1, 1975, section 6.4, the G/M/1
    queue). Power of two: ``S sum_{i >= 1} rho^(2^i - 2)`` (Mitzenmacher, "The Power of Two Choices
    in Randomized Load Balancing", *IEEE Transactions on Parallel and Distributed Systems* 12, 2001;
    Vvedenskaya, Dobrushin and Karpelevich, *Problems of Information Transmission* 32, 1996).

    Examples
    --------
    >>> for policy in ("random", "round robin", "power of two", "join shortest queue"):
    ...     print(policy, round(theory_balancing(policy, servers=10, utilisation=0.9), 2))
    random 10.0
    round robin 5.66
    power of two 2.61
    join shortest queue 1.67
    """
    validation.one_of("policy", policy, KNOWN)
    n = validation.integer("servers", servers, at_least=1)
    rho = validation.number("utilisation", utilisation, above=0, below=1)
    service_s = validation.number("service_s", service_s, above=0, unit="s")
    if policy == "random" or n == 1:
        return service_s / (1 - rho)
    if policy == "round robin":
        return service_s / (1 - _erlang_root(n, rho))
    if policy == "power of two":
        exponents = [2.0**i - 2 for i in range(1, 60)]
        return service_s * math.fsum(rho**e for e in exponents if e * math.log(rho) > -700)
    return float(mmc_response(n * rho / service_s, service_s, n))


def _erlang_root(n: int, rho: float) -> float:
    """Return sigma of the E_n/M/1 queue: (n rho / (n rho + 1 - sigma))^n = sigma."""
    low, high = 0.0, 1.0 - 1e-15
    # f(sigma) - sigma is positive at 0, and negative between the root and 1.
    for _ in range(200):
        middle = (low + high) / 2
        if (n * rho / (n * rho + 1 - middle)) ** n > middle:
            low = middle
        else:
            high = middle
    return (low + high) / 2
