"""Build large on day one, or grow when you must: which costs less?

A thousand futures of one product, whose load grows unevenly and which may be cancelled. Where that
stops being true: the sum leaves out what the simple system teaches about the load, and the
migration that goes wrong at the height of success.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import curves, log_axis
from helpers.foundations.drawing.scales import headroom
from helpers.foundations.experiment import Draws, Parameters, Result, number, seed, takes
from helpers.foundations.prose import significant
from helpers.foundations.statistics import Interval, mean_interval

#: Months that are simulated and drawn.
HORIZON_MONTHS = 60

_STEPS = 4  # a month; the load is looked at about once a week
_PATHS = 1_000
_SHOWN = 30


class Setting(Parameters):
    """A product, the small system that carries it, and the large one that it may need."""

    load_rps: float = number(50.0, "Load today", unit="requests/s", above=0)
    capacity_rps: float = number(
        1_000.0, "What the small system carries", unit="requests/s", above=0
    )
    growth_percent: float = number(
        10.0, "Growth", unit="% a month", at_least=0, at_most=100, note="Median."
    )
    noise_percent: float = number(
        10.0,
        "Unevenness",
        unit="%",
        at_least=0,
        at_most=50,
        note="Standard deviation of a month's growth.",
    )
    premium: float = number(
        5_000.0,
        "Premium",
        unit="$ a month",
        above=0,
        note="Extra cost of the large design while the small one would do.",
    )
    migration: float = number(120_000.0, "Moving later", unit="$", at_least=0)
    failure_percent: float = number(
        0.0,
        "Failure",
        unit="% a month",
        at_least=0,
        below=100,
        note="Chance that the product is cancelled.",
    )
    seed: int = seed()

    def agree(self) -> None:
        if self.capacity_rps <= self.load_rps:
            raise ValueError(
                f"capacity_rps must be above load_rps ({self.load_rps:g}), "
                f"got {self.capacity_rps:g}"
            )

    @property
    def growth(self) -> float:
        """Continuous growth rate g, per month."""
        return math.log1p(self.growth_percent / 100)

    @property
    def hazard(self) -> float:
        """Continuous rate of cancellation h, per month."""
        return -math.log1p(-self.failure_percent / 100)


# --- the model: the logarithm of the load walks at random, a step a week --------------------------


@takes(Setting)
def simulate(at: Setting) -> BreakEven:
    """Play 1,000 futures of the product.

    Only the difference between the plans is counted: once the small system is outgrown, both run
    the same large design.
    """
    walks, lives = _draws(at.seed)
    time = _times()
    volatility = math.log1p(at.noise_percent / 100)
    logs = walks * (volatility / math.sqrt(_STEPS)) + at.growth * time
    reached = logs >= math.log(at.capacity_rps / at.load_rps)
    outgrown = np.where(reached.any(axis=1), time[reached.argmax(axis=1)], np.inf)
    cancelled = lives / at.hazard if at.hazard else np.full(_PATHS, np.inf)
    outgrown = np.where(outgrown <= cancelled, outgrown, np.inf)

    months = np.arange(HORIZON_MONTHS + 1)[:, np.newaxis]
    over = np.minimum(outgrown, cancelled)  # from then on the two plans cost the same
    now = at.premium * np.minimum(months, over)
    later = at.migration * (outgrown <= months)
    shown = at.load_rps * np.exp(logs[:_SHOWN, ::2])
    shown[time[::2] > cancelled[:_SHOWN, np.newaxis]] = np.nan
    return BreakEven(
        at,
        paths_rps=shown,
        outgrown_months=outgrown,
        later_cost=later.mean(axis=1),
        now_cost=now.mean(axis=1),
        saved=mean_interval(now[-1] - later[-1]),
    )


def _times() -> np.ndarray:
    """When the load is looked at, months."""
    return np.arange(HORIZON_MONTHS * _STEPS + 1) / _STEPS


@lru_cache(maxsize=4)
def _draws(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Standard random walks, shape (1000, steps + 1), and unit lifetimes, shape (1000,)."""
    draw = Draws(seed)
    steps = HORIZON_MONTHS * _STEPS
    walks = np.zeros((_PATHS, steps + 1))
    np.cumsum(draw("growth").standard_normal((_PATHS, steps)), axis=1, out=walks[:, 1:])
    lives = draw("cancellation").standard_exponential(_PATHS)
    for each in (walks, lives):
        each.setflags(write=False)
    return walks, lives


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
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


def theory(at: Setting) -> Theory:
    """The same without unevenness, and without the 60-month horizon.

    ``t* = ln(C / C0) / g``. With cancellation at rate h the premium is paid for an expected
    ``(1 - exp(-h t*)) / h`` months and the migration with probability ``exp(-h t*)``; equating
    the two expected costs gives the break-even month ``ln(1 + h m / p) / h``, or ``m / p`` for
    h = 0. Derived here; the growth formula is compound interest.
    """
    growth, hazard = at.growth, at.hazard
    month = math.log(at.capacity_rps / at.load_rps) / growth if growth else math.inf
    survives = math.exp(-hazard * month) if hazard else float(month < math.inf)
    months_paid = (1 - survives) / hazard if hazard else month
    ratio = at.migration / at.premium
    return Theory(
        outgrown_month=month,
        premium_spent=at.premium * months_paid,
        migration_spent=at.migration * survives,
        break_even_month=math.log1p(hazard * ratio) / hazard if hazard else ratio,
    )


# --- what it says ---------------------------------------------------------------------------------


class BreakEven(Result):
    """Many possible futures of one product, and what two plans cost in them.

    Attributes
    ----------
    paths_rps : numpy.ndarray, shape (30, m)
        Load of thirty futures in the `months`; NaN after the product is cancelled.
    outgrown_months : numpy.ndarray, shape (1000,)
        Month in which each future reaches the capacity; ``inf`` if not within 60 months.
    later_cost, now_cost : numpy.ndarray, shape (61,)
        Mean cumulative extra cost of growing later, and of building large now, at each month.
    saved : Interval
        Mean saving of growing later over building now after 60 months; money.
    """

    at: Setting
    paths_rps: np.ndarray
    outgrown_months: np.ndarray
    later_cost: np.ndarray
    now_cost: np.ndarray
    saved: Interval

    @property
    def months(self) -> np.ndarray:
        """Times of the paths drawn, from 0 to 60, shape (m,)."""
        return _times()[::2]

    @property
    def outgrown_share(self) -> float:
        """Share of all futures in which the product lives to see its capacity reached."""
        return float(np.isfinite(self.outgrown_months).mean())

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "outgrown_month_theory": exact.outgrown_month if self.at.growth_percent else "never",
            "break_even_month": exact.break_even_month,
            "outgrown_within_60_months_percent": 100 * self.outgrown_share,
            "build_now_cost": float(self.now_cost[-1]),
            "grow_later_cost": float(self.later_cost[-1]),
            "saved_by_growing_later": self.saved.estimate,
            "saved_low": self.saved.low,
            "saved_high": self.saved.high,
        }

    @property
    def reading(self) -> str:
        exact = theory(self.at)
        month = exact.outgrown_month
        when = "never" if math.isinf(month) else f"in month {significant(month)}"
        if self.saved.low > 0:
            winner = f"growing later saves ${significant(self.saved.estimate)} on average"
        elif self.saved.high < 0:
            winner = f"building large now saves ${significant(-self.saved.estimate)} on average"
        else:
            winner = "neither plan is clearly cheaper"
        return (
            f"At {significant(self.at.growth_percent)} % a month the small system is outgrown "
            f"{when} (break-even: month {significant(exact.break_even_month)}), and "
            f"{significant(100 * self.outgrown_share)} % of the futures live to see it within "
            f"{HORIZON_MONTHS} months: {winner}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "month": np.arange(HORIZON_MONTHS + 1),
            "build large now ($)": self.now_cost,
            "grow later ($)": self.later_cost,
        }


@style.panels(2)
def plot(run: BreakEven, axes: tuple[Axes, Axes]) -> None:
    """Draw many futures of the load, and the two plans' mean cost up to each month."""
    load, cost = axes
    at, outgrown = run.at, theory(run.at).outgrown_month
    load.set_title("Thirty futures of one product")
    load.set_xlim(0, HORIZON_MONTHS)
    log_axis(load, "y", 10, 3e4)
    load.set_xlabel("month")
    load.set_ylabel("load (requests/s)")
    curves(load, run.months, run.paths_rps, color=style.BLUE, linewidth=0.8, alpha=0.55)
    ends = np.array([0, HORIZON_MONTHS])
    load.plot(ends, at.load_rps * np.exp(at.growth * ends), **style.THEORY)
    load.axhline(at.capacity_rps, color=style.VERMILION, linewidth=1.4, linestyle="-.")
    name = "capacity of the small system"
    load.text(1, at.capacity_rps * 1.2, name, color=style.VERMILION, fontsize=9)
    if outgrown <= HORIZON_MONTHS:
        load.plot([outgrown], [at.capacity_rps], color=style.INK, marker="o", ms=8, mfc="white")
        place: dict[str, Any] = {"ha": "center", "xytext": (0, -15)}
        style.label(load, outgrown, at.capacity_rps, "t*", style.INK, **place)

    cost.set_title("Extra cost so far, mean of 1,000 futures")
    cost.set_xlim(0, HORIZON_MONTHS)
    dearest = max(run.now_cost[-1], run.later_cost[-1], 1.0) / 1e3
    cost.set_ylim(0, headroom(1.04 * dearest, 1e-3))
    cost.set_xlabel("month")
    cost.set_ylabel("extra cost ($ thousand)")
    every = np.arange(HORIZON_MONTHS + 1)
    cost.plot(every, run.now_cost / 1e3, color=style.GREEN, linewidth=2.2)
    cost.plot(every, run.later_cost / 1e3, **(style.SIMULATION | {"linestyle": (0, (5, 1.5))}))
    for curve, name, color in (
        (run.now_cost, "build large now", style.GREEN),
        (run.later_cost, "grow later", style.BLUE),
    ):
        above = curve[-1] >= max(run.now_cost[-1], run.later_cost[-1])
        place = {"ha": "right", "xytext": (-2, 8 if above else -10)}
        style.label(cost, HORIZON_MONTHS, curve[-1] / 1e3, name, color, **place)
    if outgrown <= HORIZON_MONTHS:
        cost.axvline(outgrown, color=style.MUTED, linewidth=1.0, linestyle=":")
