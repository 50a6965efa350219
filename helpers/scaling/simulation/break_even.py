"""Build large on day one, or grow when you must: which costs less?"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.statistics import Interval, mean_interval
from helpers.foundations.traffic.streams import streams
from helpers.scaling.theory import BreakEvenTheory, theory_break_even

if TYPE_CHECKING:
    import pandas as pd

#: Months that are simulated and drawn.
HORIZON_MONTHS = 60

_STEPS = 4  # a month; the load is looked at about once a week
_PATHS = 1_000
_SHOWN = 30


class BreakEvenResult(Result):
    """Many possible futures of one product, and what two plans cost in them.

    Attributes
    ----------
    load_rps, capacity_rps, growth_percent, noise_percent, premium, migration, failure_percent
        The parameters it was made with.
    months : numpy.ndarray, shape (m,)
        Times of the paths drawn, months from 0 to 60.
    paths_rps : numpy.ndarray, shape (30, m)
        Load of thirty futures; NaN after the product is cancelled.
    outgrown_months : numpy.ndarray, shape (1000,)
        Month in which each future reaches the capacity; ``inf`` if not within 60 months.
    later_cost, now_cost : numpy.ndarray, shape (61,)
        Mean cumulative extra cost of growing later, and of building large now, at each month.
    saved : Interval
        Mean saving of growing later over building now after 60 months; money.
    theory : BreakEvenTheory
        The same without noise in the growth, and without the 60-month horizon.
    """

    load_rps: float
    capacity_rps: float
    growth_percent: float
    noise_percent: float
    premium: float
    migration: float
    failure_percent: float
    months: np.ndarray
    paths_rps: np.ndarray
    outgrown_months: np.ndarray
    later_cost: np.ndarray
    now_cost: np.ndarray
    saved: Interval
    theory: BreakEvenTheory

    @property
    def outgrown_share(self) -> float:
        """Share of all futures in which the product lives to see its capacity reached."""
        return float(np.isfinite(self.outgrown_months).mean())

    @property
    def break_even_capacity_rps(self) -> float:
        """Capacity at which both plans cost the same on average, without noise."""
        exponent = self._rate * self.theory.break_even_month
        return self.load_rps * math.exp(exponent) if exponent < 700 else math.inf

    @property
    def _rate(self) -> float:
        return math.log1p(self.growth_percent / 100)

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "outgrown_month_theory": self.theory.outgrown_month if self.growth_percent else "never",
            "break_even_month": self.theory.break_even_month,
            "outgrown_within_60_months_percent": 100 * self.outgrown_share,
            "build_now_cost": float(self.now_cost[-1]),
            "grow_later_cost": float(self.later_cost[-1]),
            "saved_by_growing_later": self.saved.estimate,
            "saved_low": self.saved.low,
            "saved_high": self.saved.high,
        }

    @property
    def reading(self) -> str:
        month = self.theory.outgrown_month
        when = "never" if math.isinf(month) else f"in month {significant(month)}"
        if self.saved.low > 0:
            winner = f"growing later saves ${significant(self.saved.estimate)} on average"
        elif self.saved.high < 0:
            winner = f"building large now saves ${significant(-self.saved.estimate)} on average"
        else:
            winner = "neither plan is clearly cheaper"
        return (
            f"At {significant(self.growth_percent)} % a month the small system is outgrown {when} "
            f"(break-even: month {significant(self.theory.break_even_month)}), and "
            f"{significant(100 * self.outgrown_share)} % of the futures live to see it within "
            f"{HORIZON_MONTHS} months: {winner}."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {"build large now ($)": self.now_cost, "grow later ($)": self.later_cost}
        ).rename_axis("month")


def simulate_break_even(
    *,
    load_rps: float = 50.0,
    capacity_rps: float = 1_000.0,
    growth_percent: float = 10.0,
    noise_percent: float = 10.0,
    premium: float = 5_000.0,
    migration: float = 120_000.0,
    failure_percent: float = 0.0,
    seed: int = 1,
) -> BreakEvenResult:
    """Play 1,000 futures of a product whose load grows unevenly and which may be cancelled.

    Parameters
    ----------
    load_rps : float
        Load today, requests per second; > 0.
    capacity_rps : float
        What the small system carries, requests per second; > `load_rps`.
    growth_percent : float
        Median growth per month, per cent; 0 <= growth_percent <= 100.
    noise_percent : float
        Standard deviation of a month's growth around that, per cent; 0 <= noise_percent <= 50.
    premium : float
        Extra cost per month of the large design while the small one would do, money; > 0.
    migration : float
        Cost of moving to the large design later, money; >= 0.
    failure_percent : float
        Chance that the product is cancelled, per cent per month; 0 <= failure_percent < 100.
    seed : int
        Seed of growth and cancellations; >= 0.

    Returns
    -------
    BreakEvenResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The logarithm of the load is a random walk with steps of a week. Only the difference between
    the plans is counted: once the small system is outgrown, both run the same large design.
    """
    growth_percent = validation.number(
        "growth_percent", growth_percent, at_least=0, at_most=100, unit="%"
    )
    noise_percent = validation.number(
        "noise_percent", noise_percent, at_least=0, at_most=50, unit="%"
    )
    failure_percent = validation.number(
        "failure_percent", failure_percent, at_least=0, below=100, unit="%"
    )
    growth = math.log1p(growth_percent / 100)
    hazard = -math.log1p(-failure_percent / 100)
    theory = theory_break_even(
        load_rps=load_rps,
        capacity_rps=capacity_rps,
        growth=growth,
        premium_per_month=premium,
        migration_cost=migration,
        failure_rate=hazard,
    )
    walks, lives = _draws(validation.integer("seed", seed, at_least=0))
    steps = HORIZON_MONTHS * _STEPS
    time = np.arange(steps + 1) / _STEPS
    volatility = math.log1p(noise_percent / 100)
    logs = walks * (volatility / math.sqrt(_STEPS)) + growth * time
    reached = logs >= math.log(capacity_rps / load_rps)
    outgrown = np.where(reached.any(axis=1), time[reached.argmax(axis=1)], np.inf)
    cancelled = lives / hazard if hazard else np.full(_PATHS, np.inf)
    outgrown = np.where(outgrown <= cancelled, outgrown, np.inf)

    months = np.arange(HORIZON_MONTHS + 1)[:, np.newaxis]
    over = np.minimum(outgrown, cancelled)  # from then on the two plans cost the same
    now = premium * np.minimum(months, over)
    later = migration * (outgrown <= months)
    shown = load_rps * np.exp(logs[:_SHOWN, ::2])
    shown[time[::2] > cancelled[:_SHOWN, np.newaxis]] = np.nan
    return BreakEvenResult(
        load_rps=float(load_rps),
        capacity_rps=float(capacity_rps),
        growth_percent=growth_percent,
        noise_percent=noise_percent,
        premium=float(premium),
        migration=float(migration),
        failure_percent=failure_percent,
        months=time[::2],
        paths_rps=shown,
        outgrown_months=outgrown,
        later_cost=later.mean(axis=1),
        now_cost=now.mean(axis=1),
        saved=mean_interval(now[-1] - later[-1]),
        theory=theory,
    )


@lru_cache(maxsize=4)
def _draws(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Standard random walks, shape (1000, steps + 1), and unit lifetimes, shape (1000,)."""
    rng = streams(seed, "growth", "cancellation")
    walks = np.zeros((_PATHS, HORIZON_MONTHS * _STEPS + 1))
    np.cumsum(rng["growth"].standard_normal((_PATHS, walks.shape[1] - 1)), axis=1, out=walks[:, 1:])
    lives = rng["cancellation"].standard_exponential(_PATHS)
    for draw in (walks, lives):
        draw.setflags(write=False)
    return walks, lives
