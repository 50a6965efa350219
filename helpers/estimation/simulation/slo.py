"""The cheapest design that meets a target, and a thousand years of its life."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers.estimation.theory.slo import (
    MONTH_MIN,
    Architecture,
    all_architectures,
    bad_month_share,
    error_budget_min,
    outages_per_month,
    servers_needed,
    theory_slo,
)
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Interval, mean_interval
from helpers.foundations.traffic.streams import streams

if TYPE_CHECKING:
    import pandas as pd

#: What one application server can do.
SERVER_RPS = 100.0

_MONTH_H = MONTH_MIN / 60
_MOST_MONTHS, _BATCHES = 12_000, 20
_MOST_MACHINES = 24

#: Breakdowns simulated at most, over all machines: what a slider's budget allows.
_BREAKDOWNS = 80_000


class SloResult(Result):
    """What a target costs, and whether it is kept month by month.

    Attributes
    ----------
    slo_percent, machine_percent, repair_h, rate_rps, common_cause_percent
        The parameters it was made with.
    architectures : list of Architecture
        All that were tried.
    chosen : Architecture
        The cheapest that meets the target; if none does, the most available.
    within_reach : bool
        Whether any meets the target.
    budget_min : float
        Minutes a month that the service may be down.
    downtime_min : numpy.ndarray, shape (months,)
        Outage of the chosen design in each simulated month, minutes; up to 12,000 of them, fewer
        where machines break often.
    downtime : Interval
        Mean of it, from 20 batches of successive months.
    bad_months : Interval
        Share of the months that overspend the budget.
    theory_bad_months : float
        The same from a compound Poisson model.
    """

    slo_percent: float
    machine_percent: float
    repair_h: float
    rate_rps: float
    common_cause_percent: float
    architectures: list[Architecture]
    chosen: Architecture
    within_reach: bool
    budget_min: float
    downtime_min: np.ndarray
    downtime: Interval
    bad_months: Interval
    theory_bad_months: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "budget_min_per_month": self.budget_min,
            "designs_tried": len(self.architectures),
            "chosen": str(self.chosen),
            "usd_per_month": self.chosen.monthly,
            "simulated_years": len(self.downtime_min) / 12,
            "downtime_min_per_month": float(self.downtime.estimate),
            "theory_downtime_min_per_month": self.chosen.downtime_min,
            "bad_months_percent": 100 * float(self.bad_months.estimate),
            "theory_bad_months_percent": 100 * self.theory_bad_months,
        }

    @property
    def reading(self) -> str:
        budget = duration(60 * self.budget_min)
        promise = f"{self.slo_percent:g} % allows {budget} of outage a month"
        what = f"{self.chosen} for {significant(self.chosen.monthly)} USD a month"
        years = significant(len(self.downtime_min) / 12)
        kept = (
            f"theory expects {duration(60 * self.chosen.downtime_min)} of outage, {years} "
            f"simulated years had {duration(60 * float(self.downtime.estimate))} on average, and "
            f"{significant(100 * float(self.bad_months.estimate), 2)} % of the months overspent "
            "the budget."
        )
        if self.within_reach:
            return f"{promise}; the cheapest design that promises it is {what}: {kept}"
        return (
            f"{promise}, and none of {len(self.architectures)} designs gets there; the most "
            f"available is {what}: {kept}"
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        rows = [
            {
                "balancers": one.balancers,
                "servers": one.servers,
                "database nodes": one.nodes,
                "USD a month": one.monthly,
                "availability (%)": f"{100 * one.availability:.5f}",
                "downtime (min/month)": one.downtime_min,
                "meets the target": one.availability >= self.slo_percent / 100,
            }
            for one in sorted(self.architectures, key=lambda one: one.monthly)
        ]
        return pd.DataFrame(rows)


def simulate_slo(
    *,
    slo_percent: float = 99.9,
    machine_percent: float = 99.5,
    repair_h: float = 2.0,
    rate_rps: float = 200.0,
    common_cause_percent: float = 0.0,
    seed: int = 1,
) -> SloResult:
    """Find the cheapest design that meets a target, and live with it for up to a thousand years.

    Parameters
    ----------
    slo_percent : float
        Availability promised, per cent; 90 to 99.999.
    machine_percent : float
        Availability of one machine, per cent; 95 to 99.99.
    repair_h : float
        Mean time until a broken machine works again, hours; 0.1 to 48.
    rate_rps : float
        Peak load, requests per second; 10 to 1,000. One server does 100.
    common_cause_percent : float
        Share of a machine's outages that hit all machines of its kind at once; 0 to 50.
    seed : int
        Seed of lives and repairs; >= 0.

    Returns
    -------
    SloResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Every machine is up and down in turn, for exponentially distributed times, independently of
    the others; a common cause is one more such process for each group of two or more machines.
    """
    slo = validation.number("slo_percent", slo_percent, at_least=90, at_most=99.999)
    percent = validation.number("machine_percent", machine_percent, at_least=95, at_most=99.99)
    repair_h = validation.number("repair_h", repair_h, at_least=0.1, at_most=48, unit="h")
    rate = validation.number("rate_rps", rate_rps, at_least=10, at_most=1_000, unit="requests/s")
    common = validation.number(
        "common_cause_percent", common_cause_percent, at_least=0, at_most=50, unit="per cent"
    )
    beta = common / 100
    needed = servers_needed(rate, SERVER_RPS)
    every = all_architectures(machine_percent=percent, needed=needed, common_cause=beta)
    best = theory_slo(slo_percent=slo, machine_percent=percent, needed=needed, common_cause=beta)
    chosen = best or max(every, key=lambda one: (one.availability, -one.monthly))
    q = 1 - percent / 100
    downtime = 60 * _monthly_downtime_h(chosen, q, beta, repair_h, seed)
    budget = error_budget_min(slo)
    batches = downtime.reshape(_BATCHES, -1)
    return SloResult(
        slo_percent=slo,
        machine_percent=percent,
        repair_h=repair_h,
        rate_rps=rate,
        common_cause_percent=common,
        architectures=every,
        chosen=chosen,
        within_reach=best is not None,
        budget_min=budget,
        downtime_min=downtime,
        downtime=mean_interval(batches.mean(axis=1)),
        bad_months=mean_interval((batches > budget).mean(axis=1)),
        theory_bad_months=_theory_bad_months(chosen, q, beta, repair_h, budget),
    )


def _groups(design: Architecture, q: float, beta: float) -> list[tuple[int, int, float]]:
    """Machines, machines needed and unavailability of each group that must work."""
    groups = []
    for machines, needed in (
        (design.balancers, 1),
        (design.servers, design.needed),
        (design.nodes, 1),
    ):
        shared = beta * q if machines > 1 else 0.0
        groups.append((machines, needed, (1 - beta) * q if machines > 1 else q))
        if shared:
            groups.append((1, 1, shared))
    return groups


def _theory_bad_months(
    design: Architecture, q: float, beta: float, repair_h: float, budget_min: float
) -> float:
    """Merge the groups' outages into one stream, of the same number and total length."""
    streams_ = [outages_per_month(n, k, u, repair_h) for n, k, u in _groups(design, q, beta)]
    often = sum(rate for rate, _ in streams_)
    return bad_month_share(often, sum(r * length for r, length in streams_) / often, budget_min)


def _monthly_downtime_h(
    design: Architecture, q: float, beta: float, repair_h: float, seed: int
) -> np.ndarray:
    """Hours without an answer in each month, shape (months,)."""
    groups = _groups(design, q, beta)
    # All groups together break down so many times in an hour.
    often = sum(machines * unavailability / repair_h for machines, _, unavailability in groups)
    months = int(min(_BREAKDOWNS / often / _MONTH_H, _MOST_MONTHS) // _BATCHES * _BATCHES)
    months = max(months, _BATCHES)
    horizon = months * _MONTH_H
    first, begins, ends = 0, [], []
    for machines, needed, unavailability in groups:
        life = repair_h * (1 - unavailability) / unavailability
        down, up = _outages(machines, first, life, repair_h, horizon, seed)
        first += machines
        if machines > needed:
            down, up = _together(down, up, machines - needed + 1)
        begins.append(down)
        ends.append(up)
    # The system is down while any group is.
    down, up = _together(np.concatenate(begins), np.concatenate(ends), 1)
    return _per_month(down, np.minimum(up, horizon), months)


def _outages(
    machines: int, first: int, life_h: float, repair_h: float, horizon_h: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return when each outage of some machines begins and ends, hours."""
    cycle = life_h + repair_h
    count = int(horizon_h / cycle + 8 * np.sqrt(horizon_h / cycle) + 10)
    lives, repairs = _draws(count, seed)
    rows = [(first + i) % _MOST_MACHINES for i in range(machines)]
    ends = np.cumsum(lives[rows, :count] * life_h + repairs[rows, :count] * repair_h, axis=1)
    begins = ends - repairs[rows, :count] * repair_h
    kept = begins < horizon_h
    return begins[kept], ends[kept]


@lru_cache(maxsize=8)
def _unit_draws(size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = streams(seed, *(f"{what} {i}" for what in ("lives", "repairs") for i in range(24)))
    draws = tuple(
        np.stack([rng[f"{what} {i}"].standard_exponential(size) for i in range(_MOST_MACHINES)])
        for what in ("lives", "repairs")
    )
    for draw in draws:
        draw.setflags(write=False)
    return draws  # type: ignore[return-value]


def _draws(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    # Sizes in steps of two, so that a slider that moves asks for few different ones.
    return _unit_draws(1 << (count - 1).bit_length(), seed)


def _together(begins: np.ndarray, ends: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the intervals in which at least so many of some intervals overlap."""
    times = np.concatenate([begins, ends])
    steps = np.concatenate([np.ones(len(begins), np.int64), -np.ones(len(ends), np.int64)])
    order = np.argsort(times, kind="stable")
    level = np.cumsum(steps[order])
    times = times[order]
    on = level >= least
    change = np.flatnonzero(np.diff(on.astype(np.int8), prepend=0, append=0))
    return times[change[::2]], times[change[1::2]]


def _per_month(begins: np.ndarray, ends: np.ndarray, months: int) -> np.ndarray:
    """Split intervals that do not overlap into months; hours in each."""
    if not len(begins):
        return np.zeros(months)
    edges = np.arange(months + 1) * _MONTH_H
    # Total length of all intervals before each edge: whole ones, and the part of the last.
    total = np.concatenate([[0.0], np.cumsum(ends - begins)])
    index = np.searchsorted(begins, edges)
    over = np.where(index > 0, np.maximum(ends[np.maximum(index - 1, 0)] - edges, 0.0), 0.0)
    return np.diff(total[index] - over)
