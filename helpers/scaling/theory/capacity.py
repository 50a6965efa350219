"""What to build, and when: the bottleneck, the month it bites, and what stays up."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from helpers.foundations import queueing, validation
from helpers.foundations.queueing import BottleneckBounds, ClosedNetwork


@dataclass(frozen=True, eq=False)
class BottleneckTheory:
    """Exact throughput and response of a closed network, and the bounds around them.

    Attributes
    ----------
    exact : ClosedNetwork
        Mean value analysis, for 1..N customers.
    bounds : BottleneckBounds
        Asymptotic bounds, for the same populations.
    """

    exact: ClosedNetwork
    bounds: BottleneckBounds


def theory_bottleneck(
    demands_s: Sequence[float], think_s: float, customers: int
) -> BottleneckTheory:
    """Exact solution of a closed network of single servers, and its asymptotic bounds.

    Parameters
    ----------
    demands_s : sequence of float
        Service demand of one request at each station, seconds; > 0.
    think_s : float
        Mean think time between a reply and the next request, seconds; >= 0.
    customers : int
        Number of users N; >= 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    X(N) <= min(1 / Dmax, N / (D + Z)). Reiser and Lavenberg 1980 for the exact solution, Denning
    and Buzen, "The operational analysis of queueing network models", *ACM Computing Surveys* 10,
    1978, for the bounds.
    """
    return BottleneckTheory(
        exact=queueing.mva(demands_s, customers, think_s),
        bounds=queueing.bottleneck_bounds(demands_s, customers, think_s),
    )


@dataclass(frozen=True)
class BreakEvenTheory:
    """When a small system is outgrown, and which plan is cheaper on average.

    Attributes
    ----------
    outgrown_month : float
        Month in which the load reaches the capacity; ``inf`` without growth.
    premium_spent : float
        Expected extra money that building large on day one costs until that month.
    migration_spent : float
        Expected money that growing later costs.
    break_even_month : float
        If the capacity lasts longer than this, growing later is cheaper.
    """

    outgrown_month: float
    premium_spent: float
    migration_spent: float
    break_even_month: float


def theory_break_even(
    *,
    load_rps: float,
    capacity_rps: float,
    growth: float,
    premium_per_month: float,
    migration_cost: float,
    failure_rate: float = 0.0,
) -> BreakEvenTheory:
    """Compare building large on day one with migrating when the small system is outgrown.

    Parameters
    ----------
    load_rps : float
        Load today C0, requests per second; > 0.
    capacity_rps : float
        What the small system carries, C, requests per second; > `load_rps`.
    growth : float
        Continuous growth rate g per month; >= 0. The load is ``C0 exp(g t)``.
    premium_per_month : float
        Extra running and upkeep cost of the large design until the small one is outgrown; > 0.
    migration_cost : float
        Cost of moving from the small to the large design; >= 0.
    failure_rate : float
        Rate per month at which products are cancelled; >= 0.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    ``t* = ln(C / C0) / g``. With cancellation at rate h the premium is paid for an expected
    ``(1 - exp(-h t*)) / h`` months and the migration with probability ``exp(-h t*)``; equating
    the two expected costs gives the break-even month ``ln(1 + h m / p) / h``, or ``m / p`` for
    h = 0. Derived here; the growth formula is compound interest.
    """
    load = validation.number("load_rps", load_rps, above=0, unit="requests/s")
    capacity = validation.number("capacity_rps", capacity_rps, above=load, unit="requests/s")
    growth = validation.number("growth", growth, at_least=0)
    premium = validation.number("premium_per_month", premium_per_month, above=0)
    migration = validation.number("migration_cost", migration_cost, at_least=0)
    hazard = validation.number("failure_rate", failure_rate, at_least=0)
    month = math.log(capacity / load) / growth if growth else math.inf
    survives = math.exp(-hazard * month) if hazard else float(month < math.inf)
    months_paid = (1 - survives) / hazard if hazard else month
    ratio = migration / premium
    return BreakEvenTheory(
        outgrown_month=month,
        premium_spent=premium * months_paid,
        migration_spent=migration * survives,
        break_even_month=math.log1p(hazard * ratio) / hazard if hazard else ratio,
    )


def component_availability(mtbf_h: float, mttr_h: float) -> float:
    """Long-run share of the time that one component is up.

    Parameters
    ----------
    mtbf_h : float
        Mean time that it runs before it fails, hours; > 0.
    mttr_h : float
        Mean time to repair, hours; >= 0.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    ``MTBF / (MTBF + MTTR)``, whatever the distributions. Trivedi, *Probability and Statistics with
    Reliability, Queuing, and Computer Science Applications*, 2nd ed. 2001, chapter 6.
    """
    up = validation.number("mtbf_h", mtbf_h, above=0, unit="h")
    down = validation.number("mttr_h", mttr_h, at_least=0, unit="h")
    return up / (up + down)


def k_of_n(available: float, needed: int, total: int) -> float:
    """Probability that at least `needed` of `total` independent components are up.

    Parameters
    ----------
    available : float
        Availability of each; 0 <= available <= 1.
    needed, total : int
        1 <= needed <= total.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    share = validation.number("available", available, at_least=0, at_most=1)
    total = validation.integer("total", total, at_least=1)
    needed = validation.integer("needed", needed, at_least=1, at_most=total)
    return sum(
        math.comb(total, up) * share**up * (1 - share) ** (total - up)
        for up in range(needed, total + 1)
    )


def unavailability(available: float, needed: int, total: int) -> float:
    """Probability that fewer than `needed` of `total` independent components are up.

    One minus :func:`k_of_n`, but exact where that would round to 0.

    Parameters
    ----------
    available, needed, total
        As for :func:`k_of_n`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    share = validation.number("available", available, at_least=0, at_most=1)
    total = validation.integer("total", total, at_least=1)
    needed = validation.integer("needed", needed, at_least=1, at_most=total)
    return sum(
        math.comb(total, up) * share**up * (1 - share) ** (total - up) for up in range(needed)
    )


def theory_availability(
    available: float,
    *,
    servers: int,
    needed: int = 1,
    balancers: int = 1,
    databases: int = 1,
) -> float:
    """Availability of a row of servers behind balancers and in front of databases.

    Parameters
    ----------
    available : float
        Availability of every box; 0 <= available <= 1.
    servers, needed : int
        Servers, and how many of them it takes to carry the load; 1 <= needed <= servers.
    balancers : int
        Interchangeable balancers; >= 0. None are needed in front of a single server.
    databases : int
        Interchangeable copies of the database; >= 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Parts in series multiply their availabilities, parts in parallel their unavailabilities, if
    failures are independent and switching over is instant and never fails. Trivedi 2001,
    chapter 1.
    """
    balancers = validation.integer("balancers", balancers, at_least=0)
    databases = validation.integer("databases", databases, at_least=1)
    entrance = k_of_n(available, 1, balancers) if balancers else 1.0
    return entrance * k_of_n(available, needed, servers) * k_of_n(available, 1, databases)


def enumerate_availability(
    available: Mapping[str, float], alternatives: Sequence[tuple[int, Sequence[str]]]
) -> float:
    """Availability by trying every combination of boxes up and down.

    Parameters
    ----------
    available : mapping of str to float
        Availability of each box, 0 to 1; at most 16 boxes.
    alternatives : sequence of (int, sequence of str)
        The stages a request passes: how many of which boxes must be up.

    Returns
    -------
    float
        Total probability of the states in which every stage is up.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or a stage names an unknown box.
    """
    names = list(available)
    validation.integer("number of boxes", len(names), at_least=1, at_most=16)
    chances = [
        validation.number(f"available[{name!r}]", available[name], at_least=0, at_most=1)
        for name in names
    ]
    for needed, stage in alternatives:
        unknown = [name for name in stage if name not in available]
        if unknown:
            raise ValueError(f"alternatives must name known boxes {names}, got {unknown[0]!r}")
        validation.integer("needed", needed, at_least=0, at_most=len(stage))
    total = 0.0
    for state in itertools.product((True, False), repeat=len(names)):
        up = dict(zip(names, state, strict=True))
        if all(sum(up[name] for name in stage) >= needed for needed, stage in alternatives):
            total += math.prod(
                chance if alive else 1 - chance
                for alive, chance in zip(state, chances, strict=True)
            )
    return total


def single_points_of_failure(
    boxes: Sequence[str], alternatives: Sequence[tuple[int, Sequence[str]]]
) -> list[str]:
    """Boxes whose loss alone stops the service.

    Parameters
    ----------
    boxes, alternatives
        The boxes, and the stages as for :func:`enumerate_availability`.
    """
    alone = np.ones(len(boxes), dtype=bool)
    for i, box in enumerate(boxes):
        alone[i] = any(
            sum(name != box for name in stage) < needed for needed, stage in alternatives
        )
    return [box for box, fatal in zip(boxes, alone, strict=True) if fatal]
