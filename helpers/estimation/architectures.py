"""Machines of a three-tier system: how often enough of them work, and what they cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from helpers import blueprint
from helpers.foundations import validation
from helpers.foundations.year import MONTH_S

#: Minutes in a mean month.
MONTH_MIN = MONTH_S / 60

#: What one application server can do, requests per second.
SERVER_RPS = 100.0

#: What may be bought, per component.
BALANCERS, SPARES, NODES = (1, 2, 3), (0, 1, 2, 3, 4), (1, 2, 3, 4)


@dataclass(frozen=True)
class Architecture:
    """Machines of a three-tier system.

    Attributes
    ----------
    balancers, servers, nodes : int
        Load balancers, application servers and database nodes.
    needed : int
        Application servers that the load needs; the rest are spare.
    availability : float
        Long-run share of the time in which requests are answered.
    monthly : float
        Price of the machines, USD a month.
    """

    balancers: int
    servers: int
    nodes: int
    needed: int
    availability: float
    monthly: float

    @property
    def downtime_min(self) -> float:
        """Expected outage, minutes a month."""
        return (1 - self.availability) * MONTH_MIN

    def __str__(self) -> str:
        parts = (
            (self.balancers, "balancer"),
            (self.servers, "server"),
            (self.nodes, "database node"),
        )
        return ", ".join(f"{n} {what}{'s' if n > 1 else ''}" for n, what in parts)


def at_least_up(machines: int, needed: int, unavailability: float, common_cause: float) -> float:
    """Return how often at least `needed` of so many machines work.

    Parameters
    ----------
    machines, needed : int
        How many there are, and how many must work; 1 <= needed <= machines.
    unavailability : float
        Share of the time in which one machine is down; 0 to 1.
    common_cause : float
        The part of it in which all of them are down together (beta); 0 to 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    ``(1 - beta q) P[Binomial(n, 1 - (1 - beta) q) >= k]``; Fleming's beta-factor model, 1975.
    A common cause hits a single machine, too, so beta does not matter to n = 1 but for the product
    of the two causes, which is left out as in the blueprint.
    """
    n = validation.integer("machines", machines, at_least=1)
    k = validation.integer("needed", needed, at_least=1, at_most=n)
    q = validation.number("unavailability", unavailability, at_least=0, at_most=1)
    beta = validation.number("common_cause", common_cause, at_least=0, at_most=1)
    if n == 1:
        return 1 - q
    own = (1 - beta) * q
    works = sum(math.comb(n, j) * (1 - own) ** j * own ** (n - j) for j in range(k, n + 1))
    return (1 - beta * q) * works


def servers_needed(rate_rps: float, server_rps: float) -> int:
    """Return how many servers a load needs.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is not positive.
    """
    rate = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    capacity = validation.number("server_rps", server_rps, above=0, unit="requests/s")
    return math.ceil(rate / capacity * (1 - 1e-12))


def all_architectures(
    *, machine_percent: float, needed: int, common_cause: float
) -> list[Architecture]:
    """Return every architecture that the solver considers, with its availability and price.

    Parameters
    ----------
    machine_percent : float
        Availability of one machine, per cent; 50 to 100.
    needed : int
        Application servers the load needs; >= 1.
    common_cause : float
        Beta factor among machines of one kind; 0 to 1.

    Notes
    -----
    Balancer, servers and database in series, each a group of which enough must work; prices from
    the blueprint's table, medium machines.
    """
    percent = validation.number("machine_percent", machine_percent, at_least=50, at_most=100)
    needed = validation.integer("needed", needed, at_least=1)
    q = 1 - percent / 100
    fees = _fees()
    groups = [
        [(n, at_least_up(n, least, q, common_cause), n * fee) for n in counts]
        for counts, least, fee in (
            (BALANCERS, 1, fees[0]),
            ([needed + spare for spare in SPARES], needed, fees[1]),
            (NODES, 1, fees[2]),
        )
    ]
    return [
        Architecture(a[0], b[0], c[0], needed, a[1] * b[1] * c[1], a[2] + b[2] + c[2])
        for a in groups[0]
        for b in groups[1]
        for c in groups[2]
    ]


@lru_cache(maxsize=1)
def _fees() -> tuple[float, float, float]:
    table = blueprint.prices()
    kinds = ("load balancer", "app servers", "database")
    return tuple(float(table[kind]["medium"]) for kind in kinds)  # type: ignore[return-value]
