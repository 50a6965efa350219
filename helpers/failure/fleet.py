"""Everything fails: a machine once in years, a fleet every day.

Machines fail independently after exponentially distributed times and are replaced at once. Where
that stops being true: machines of one batch, one rack and one software version fail together, new
and old machines fail more often than those in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, log_axis, ring, shares_axis
from helpers.foundations.experiment import Draws, Parameters, Result, integer, number, seed, takes
from helpers.foundations.prose import counted, duration, rounded, significant
from helpers.foundations.prose import percent as in_percent
from helpers.foundations.statistics import Interval, rough, wilson_interval

#: Days of a year, and of the month that is drawn.
YEAR, MONTH = 365, 30

_MACHINE_YEARS, _MOST_YEARS = 200_000, 50
_FLEETS = np.geomspace(1, 100_000, 120)


class Setting(Parameters):
    """A fleet of equal machines."""

    machines: int = integer(1_000, "Machines", at_least=1, at_most=100_000)
    mtbf_years: float = number(3.0, "A machine fails every", unit="years", at_least=0.1)
    seed: int = seed()

    @property
    def years(self) -> int:
        """How long the fleet is watched."""
        return max(2, min(_MOST_YEARS, _MACHINE_YEARS // self.machines))


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Fleet:
    """Give every machine its lives, one after the other, and mark the days on which one ends."""
    draw, days = Draws(at.seed), at.years * YEAR
    ends = draw("lives").exponential(at.mtbf_years * YEAR, at.machines)
    machines = np.arange(at.machines)
    when, which = [], []
    while ends.size:
        within = ends < days
        ends, machines = ends[within], machines[within]
        when.append(ends)
        which.append(machines)
        ends = ends + draw("lives").exponential(at.mtbf_years * YEAR, ends.size)
    times, broken = np.concatenate(when), np.concatenate(which)
    bad_days = np.unique(times.astype(int)).size
    month = times < MONTH
    return Fleet(
        at,
        failures=times.size,
        bad_days=wilson_interval(bad_days, days),
        month_days=times[month],
        month_machines=broken[month],
    )


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Time between failures of the fleet, seconds, and the share of days with a failure."""

    between_s: Any
    bad_days: Any


def theory(at: Setting, machines: Any = None) -> Theory:
    """MTBF / n, and ``1 - exp(-n x day / MTBF)``: failures of many machines are a Poisson process.

    Palm and Khinchine: that holds for nearly any distribution of lives once machines are many.
    """
    n = at.machines if machines is None else np.asarray(machines, float)
    mtbf_days = at.mtbf_years * YEAR
    return Theory(mtbf_days * 86_400 / n, 1 - np.exp(-n / mtbf_days))


# --- what it says ---------------------------------------------------------------------------------


class Fleet(Result):
    """What failed.

    Attributes
    ----------
    failures : int
        In all the years.
    bad_days : Interval
        Share of the days on which at least one machine failed.
    month_days, month_machines : numpy.ndarray
        When machines failed in the first month, in days, and which.
    """

    at: Setting
    failures: int
    bad_days: Interval
    month_days: np.ndarray
    month_machines: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "years": self.at.years,
            "failures": self.failures,
            "hours_between_failures_theory": rounded(exact.between_s / 3_600),
            "bad_days_percent": rounded(100 * self.bad_days.estimate),
            "bad_days_percent_theory": rounded(100 * float(exact.bad_days)),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        return (
            f"{counted(at.machines, 'machine')}, each failing once in "
            f"{significant(at.mtbf_years)} {'year' if at.mtbf_years == 1 else 'years'}: one "
            f"failure every {duration(exact.between_s)} on average. In "
            f"{counted(at.years, 'simulated year')} something failed on "
            f"{in_percent(self.bad_days.estimate)} of the days; theory says "
            f"{in_percent(float(exact.bad_days))}."
            + rough(at.years * YEAR * float(1 - exact.bad_days), "quiet days")
            + rough(at.years * YEAR * float(exact.bad_days), "bad days")
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        sizes = 10 ** np.arange(6)
        exact = theory(self.at, sizes)
        return {
            "machines": sizes,
            "hours between failures": exact.between_s / 3_600,
            "share of days": exact.bad_days,
        }


@style.panels(2)
def plot(run: Fleet, axes: tuple[Axes, Axes]) -> None:
    """Draw the share of days with a failure against the fleet's size, and a month of failures."""
    days, month = axes
    at = run.at
    log_axis(days, "x", 1, 120_000)
    days.set_ylim(0, 1.05)
    shares_axis(days)
    days.plot(_FLEETS, theory(at, _FLEETS).bad_days, **style.THEORY)
    here(days, at.machines)
    error_bars(days, at.machines, run.bad_days, **style.DOTS)
    ring(days, at.machines, run.bad_days.estimate)
    days.set_title("Days on which something fails")
    days.set_xlabel("machines")

    month.plot(run.month_days, run.month_machines, marker="x", linestyle="none", markersize=4,
               color=style.VERMILION)  # fmt: skip
    month.set_xlim(0, MONTH)
    month.set_ylim(-0.03 * at.machines, 1.03 * at.machines)
    month.set_title(f"A month: {counted(run.month_days.size, 'failure')}")
    month.set_xlabel("day")
    month.set_ylabel("machine")
