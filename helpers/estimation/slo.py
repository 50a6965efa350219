"""What a promise costs: the cheapest design that meets it, and a thousand years of its life.

Every machine is up and down in turn, for exponentially distributed times, independently of the
others; a common cause is one more such process for each group of two or more machines. Where that
stops being true: deployments, bugs and people break several groups at once, and on Mondays.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.estimation.architectures import (
    MONTH_MIN,
    SERVER_RPS,
    Architecture,
    all_architectures,
    servers_needed,
)
from helpers.estimation.error_budget import bad_month_share, error_budget_min, outages_per_month
from helpers.estimation.outages import outages, per_period, together
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import log_axis, ring, whiskers
from helpers.foundations.drawing.scales import headroom
from helpers.foundations.experiment import Parameters, Result, number, seed, takes
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Interval, rough, skewed_interval

if TYPE_CHECKING:
    import pandas as pd


_MONTH_H = MONTH_MIN / 60
_MOST_MONTHS, _BATCHES = 12_000, 20

#: Breakdowns simulated at most, over all machines: what a slider's budget allows.
_BREAKDOWNS = 80_000


class Setting(Parameters):
    """A promise, and the machines that are to keep it."""

    slo_percent: float = number(99.9, "Promise (SLO)", unit="%", at_least=90, at_most=99.999)
    machine_percent: float = number(99.5, "One machine works", unit="%", at_least=95, at_most=99.99)
    repair_h: float = number(2.0, "Mean time to repair", unit="h", at_least=0.1, at_most=48)
    rate_rps: float = number(
        200.0,
        "Peak load",
        unit="requests/s",
        at_least=10,
        at_most=1_000,
        note="One server does 100.",
    )
    common_cause_percent: float = number(
        0.0,
        "Failures that hit all",
        unit="%",
        at_least=0,
        at_most=50,
        note="Share of a machine's outages that hit all machines of its kind at once.",
    )
    seed: int = seed()

    @property
    def unavailability(self) -> float:
        """Share of the time in which one machine is down."""
        return 1 - self.machine_percent / 100

    @property
    def common_cause(self) -> float:
        """The part of it in which all machines of its kind are down together."""
        return self.common_cause_percent / 100


@takes(Setting)
def simulate(at: Setting) -> Slo:
    """Choose a design, and live with it for up to a thousand years."""
    chosen = cheapest(at) or most_available(at)
    downtime = 60 * _monthly_downtime_h(at, chosen)
    batches = downtime.reshape(_BATCHES, -1)
    return Slo(
        at,
        chosen,
        downtime_min=downtime,
        downtime=skewed_interval(batches.mean(axis=1)),
        bad_months=float((downtime > error_budget_min(at.slo_percent)).mean()),
    )


@lru_cache(maxsize=64)
def architectures(at: Setting) -> tuple[Architecture, ...]:
    """Return every design that is considered, with its availability and price."""
    every = all_architectures(
        machine_percent=at.machine_percent,
        needed=servers_needed(at.rate_rps, SERVER_RPS),
        common_cause=at.common_cause,
    )
    return tuple(every)


def cheapest(at: Setting) -> Architecture | None:
    """Return the cheapest design that meets the target, by trying all; None if none does.

    Of equally cheap ones the most available.
    """
    good = [one for one in architectures(at) if one.availability >= at.slo_percent / 100]
    return min(good, key=lambda one: (one.monthly, -one.availability), default=None)


def most_available(at: Setting) -> Architecture:
    """Return the most available design; of equally available ones the cheapest."""
    return max(architectures(at), key=lambda one: (one.availability, -one.monthly))


def _groups(at: Setting, design: Architecture) -> list[tuple[int, int, float]]:
    """Machines, machines needed and unavailability of each group that must work."""
    q, beta = at.unavailability, at.common_cause
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


def _monthly_downtime_h(at: Setting, design: Architecture) -> np.ndarray:
    """Hours without an answer in each month, shape (months,)."""
    repair_h, groups = at.repair_h, _groups(at, design)
    # All groups together break down so many times in an hour.
    often = sum(machines * unavailability / repair_h for machines, _, unavailability in groups)
    months = int(min(_BREAKDOWNS / often / _MONTH_H, _MOST_MONTHS) // _BATCHES * _BATCHES)
    months = max(months, _BATCHES)
    horizon = months * _MONTH_H
    first, begins, ends = 0, [], []
    for machines, needed, unavailability in groups:
        life = repair_h * (1 - unavailability) / unavailability
        down, up = outages(machines, first, life, repair_h, horizon, at.seed)
        first += machines
        if machines > needed:
            down, up = together(down, up, machines - needed + 1)
        begins.append(down)
        ends.append(up)
    # The system is down while any group is.
    down, up = together(np.concatenate(begins), np.concatenate(ends), 1)
    return per_period(down, np.minimum(up, horizon), months, _MONTH_H)


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """What to expect of a design: outages and their minutes a month, and months that overspend."""

    outages: float
    downtime_min: float
    bad_months: float


def theory(at: Setting, design: Architecture) -> Theory:
    """Merge the groups' outages into one stream, of the same number and total length."""
    each = [outages_per_month(n, k, u, at.repair_h) for n, k, u in _groups(at, design)]
    often = sum(rate for rate, _ in each)
    length_min = sum(rate * length for rate, length in each) / often
    budget = error_budget_min(at.slo_percent)
    return Theory(often, design.downtime_min, bad_month_share(often, length_min, budget))


# --- what it says ---------------------------------------------------------------------------------


class Slo(Result):
    """What a target costs, and whether it is kept month by month.

    Attributes
    ----------
    chosen : Architecture
        The cheapest that meets the target; if none does, the most available.
    downtime_min : numpy.ndarray, shape (months,)
        Outage of the chosen design in each simulated month, minutes; up to 12,000 of them, fewer
        where machines break often.
    downtime : Interval
        Mean of it, from 20 batches of successive months, of which a few may hold all outages.
    bad_months : float
        Share of the months that overspend the budget.
    """

    at: Setting
    chosen: Architecture
    downtime_min: np.ndarray
    downtime: Interval
    bad_months: float

    @property
    def within_reach(self) -> bool:
        """Whether any design meets the target."""
        return cheapest(self.at) is not None

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at, self.chosen)
        return {
            "budget_min_per_month": error_budget_min(self.at.slo_percent),
            "designs_tried": len(architectures(self.at)),
            "chosen": str(self.chosen),
            "usd_per_month": self.chosen.monthly,
            "simulated_years": len(self.downtime_min) / 12,
            "downtime_min_per_month": self.downtime.estimate,
            "theory_downtime_min_per_month": exact.downtime_min,
            "bad_months_percent": 100 * self.bad_months,
            "theory_bad_months_percent": 100 * exact.bad_months,
        }

    @property
    def reading(self) -> str:
        budget = duration(60 * error_budget_min(self.at.slo_percent))
        promise = f"{self.at.slo_percent:g} % allows {budget} of outage a month"
        what = f"{self.chosen} for {significant(self.chosen.monthly)} USD a month"
        years = significant(len(self.downtime_min) / 12)
        kept = (
            f"theory expects {duration(60 * self.chosen.downtime_min)} of outage, {years} "
            f"simulated years had {duration(60 * self.downtime.estimate)} on average, and "
            f"{significant(100 * self.bad_months, 2)} % of the months overspent "
            "the budget."
        ) + rough(theory(self.at, self.chosen).outages * len(self.downtime_min), "outages")
        if self.within_reach:
            return f"{promise}; the cheapest design that promises it is {what}: {kept}"
        return (
            f"{promise}, and none of {len(architectures(self.at))} designs gets there; the most "
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
                "meets the target": one.availability >= self.at.slo_percent / 100,
            }
            for one in sorted(architectures(self.at), key=lambda one: one.monthly)
        ]
        return pd.DataFrame(rows)


_DASHES: dict[str, Any] = {key: value for key, value in style.THEORY.items() if key != "linewidth"}


@style.panels(2, width_ratios=[1.25, 1])
def plot(run: Slo, axes: tuple[Axes, Axes]) -> None:
    """Draw every architecture by price and downtime, and the chosen one month by month."""
    cloud, months = axes
    every, budget = architectures(run.at), error_budget_min(run.at.slo_percent)
    prices = np.array([one.monthly for one in every])
    downtimes = np.array([one.downtime_min for one in every])
    good = downtimes <= budget * (1 + 1e-9)
    cloud.set_title("Every design: what it costs, how long it is down")
    cloud.set_xlim(0, headroom(prices.max()))
    log_axis(cloud, "y", 0.01, 10_000)
    cloud.set_xlabel("machines (USD a month)")
    cloud.set_ylabel("expected downtime (minutes a month)")
    cloud.axhline(budget, color=style.VERMILION, linewidth=1.4, linestyle="-.")
    cloud.text(cloud.get_xlim()[1], budget * 1.12, "error budget ",
               color=style.VERMILION, fontsize=9, ha="right", va="bottom")  # fmt: skip
    shown = np.maximum(downtimes, 0.0105)
    points: dict[str, Any] = {"linestyle": "none", "markersize": 5}
    cloud.plot(prices[~good], shown[~good], color=style.GHOST, marker="x", **points)
    cloud.plot(prices[good], shown[good], color=style.GREEN, marker="o", **points)
    chosen = run.chosen
    ring(cloud, chosen.monthly, max(chosen.downtime_min, 0.0105))
    low, middle = max(run.downtime.low, 0.0105), max(run.downtime.estimate, 0.0105)
    high = max(run.downtime.high, 0.011)
    square = style.DOTS | {"marker": "s", "markersize": 4, "zorder": 5}
    whiskers(cloud, chosen.monthly, middle, low, high, **square)

    months.set_title("The chosen one: months, worst first")
    log_axis(months, "x", 0.01, 100)
    log_axis(months, "y", 0.1, 20_000)
    months.set_xlabel("per cent of the months")
    months.set_ylabel("downtime of the month (minutes)")
    months.axhline(budget, color=style.VERMILION, linewidth=1.4, linestyle="-.")
    worst = np.sort(run.downtime_min)[::-1]
    share = 100 * (np.arange(len(worst)) + 0.5) / len(worst)
    kept = np.unique(np.geomspace(1, len(worst), 300).astype(int)) - 1
    months.step(share[kept], np.maximum(worst[kept], 0.05), color=style.BLUE, where="mid",
                linewidth=2)  # fmt: skip
    expected = 100 * theory(run.at, run.chosen).bad_months
    if expected >= 0.01:
        months.plot([expected] * 2, [0.1, budget], linewidth=1.4, **_DASHES)
        left = expected > 3
        months.text(expected * (0.88 if left else 1.12), 0.14, "theory: over budget", fontsize=9,
                    ha="right" if left else "left")  # fmt: skip
