"""How many minutes a promise allows, how often a group of machines goes down, and what is left.

Machines are up and down in turn, for exponentially distributed times, independently. Where that
stops being true: a deployment or a power cut takes several of them at once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from helpers.estimation.architectures import MONTH_MIN, at_least_up
from helpers.foundations import validation

if TYPE_CHECKING:
    pass


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
    # The chance that too many are down; one minus that of enough would be lost in rounding.
    down = at_least_up(machines, machines - needed + 1, 1 - q, 0.0)
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
