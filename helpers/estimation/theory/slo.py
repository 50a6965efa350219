"""From an availability target to the cheapest architecture: error budgets and k-of-n machines."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from helpers import blueprint
from helpers.blueprint.year import MONTH_S
from helpers.foundations import validation

#: Minutes in a mean month.
MONTH_MIN = MONTH_S / 60

#: What the solver may buy, per component.
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


def error_budget_min(slo_percent: float, *, period_min: float = MONTH_MIN) -> float:
    """Return how many minutes of a period a service may be down.

    Parameters
    ----------
    slo_percent : float
        Availability promised, per cent; 0 < slo_percent < 100.
    period_min : float
        Length of the period, minutes; > 0.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Beyer, Jones, Petoff and Murphy (eds.), *Site Reliability Engineering*, 2016, chapter 3.

    Examples
    --------
    >>> round(error_budget_min(99.9), 1)
    43.8
    """
    slo = validation.number("slo_percent", slo_percent, above=0, below=100)
    period = validation.number("period_min", period_min, above=0, unit="min")
    return (1 - slo / 100) * period


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


def theory_slo(
    *, slo_percent: float, machine_percent: float, needed: int, common_cause: float
) -> Architecture | None:
    """Return the cheapest architecture that meets an availability target, by trying all.

    Parameters
    ----------
    slo_percent : float
        Availability promised, per cent; 0 < slo_percent < 100.
    machine_percent, needed, common_cause
        As for :func:`all_architectures`.

    Returns
    -------
    Architecture or None
        Of equally cheap ones the most available; None if none meets the target.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    slo = validation.number("slo_percent", slo_percent, above=0, below=100) / 100
    every = all_architectures(
        machine_percent=machine_percent, needed=needed, common_cause=common_cause
    )
    good = [one for one in every if one.availability >= slo]
    return min(good, key=lambda one: (one.monthly, -one.availability), default=None)


def outages_per_month(
    machines: int, needed: int, unavailability: float, repair_h: float
) -> tuple[float, float]:
    """Return how often a group of independent machines goes down in a month, and for how long.

    Parameters
    ----------
    machines, needed, unavailability
        As for :func:`at_least_up`, without common causes.
    repair_h : float
        Mean time to repair one machine, hours; > 0.

    Returns
    -------
    rate : float
        Outages of the group per month.
    length_min : float
        Mean length of one, minutes.

    Notes
    -----
    The group fails when exactly `needed` work and one of them breaks, so its failure frequency is
    ``P[exactly k up] k / MTBF``. Barlow and Proschan, *Statistical Theory of Reliability and Life
    Testing*, 1975.
    """
    q = validation.number("unavailability", unavailability, above=0, below=1)
    repair = validation.number("repair_h", repair_h, above=0, unit="h")
    life = repair * (1 - q) / q
    edge = math.comb(machines, needed) * (1 - q) ** needed * q ** (machines - needed)
    per_hour = edge * needed / life
    down = 1 - at_least_up(machines, needed, q, 0.0)
    return per_hour * MONTH_MIN / 60, 60 * down / per_hour


def bad_month_share(outages: float, length_min: float, budget_min: float) -> float:
    """Return the share of months whose outages exceed a budget.

    Parameters
    ----------
    outages : float
        Mean number of outages in a month; >= 0.
    length_min : float
        Mean length of one, exponentially distributed, minutes; > 0.
    budget_min : float
        Allowance, minutes; >= 0.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    A compound Poisson sum: with n outages the total is Erlang, and exceeds b with probability
    ``P[Poisson(b / length) < n]``. Sound where outages are much shorter than a month and seldom
    overlap.
    """
    mean = validation.number("outages", outages, at_least=0)
    length = validation.number("length_min", length_min, above=0, unit="min")
    budget = validation.number("budget_min", budget_min, at_least=0, unit="min")
    most = int(mean + 10 * math.sqrt(mean) + 20)
    n = np.arange(most + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, most + 1)))])
    chance = np.exp(n * math.log(mean) - mean - logs) if mean > 0 else (n == 0).astype(float)
    x = budget / length
    fewer = np.exp((n * math.log(x) if x > 0 else np.where(n, -np.inf, 0.0)) - x - logs)
    exceeds = np.concatenate([[0.0], np.cumsum(fewer)[:-1]])  # P[Poisson(x) < n]
    return float(np.sum(chance * exceeds))
