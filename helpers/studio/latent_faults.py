"""Chaos engineering: latent faults are found at eleven in the morning, or at three at night.

Now and then a change leaves a service unable to lose an instance. Nobody notices until one is lost:
terminated on purpose in office hours, or failed by itself at any hour. Bulkheads decide how much of
the site goes down with it. Where that stops being true: random termination finds only what shows
when one instance is gone. What is slow instead of dead, or needs two losses at once, it passes by.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, key, log_axis, yours
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import amount, duration, rounded
from helpers.foundations.statistics import Intervals, mean_intervals, seldom

#: Mean times between terminations at which the picture is simulated, work days.
EVERY_DAYS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 100.0, 300.0, 1_000.0)

#: Chaos Monkey's own default: one termination in each group every two work days on average
#: (Netflix/chaosmonkey, "Configuring behavior via Spinnaker", 2016).
DEFAULT_DAYS = 2.0

_YEARS = 5
#: Of the week, what is outside office hours of six hours on five days.
NIGHT = 1 - 5 * 6 / (7 * 24)


class Setting(Parameters):
    """Services that change, instances that fail, and a program that terminates some."""

    every_days: float = number(2.0, "Terminations in a group, one every", unit="work days",
                               at_least=0.5, at_most=1_000)  # fmt: skip
    faults: float = number(4.0, "New latent faults", unit="a month", above=0, at_most=50)
    fails_days: float = number(60.0, "An instance of a group fails, one every", unit="days",
                               at_least=1, at_most=1_000)  # fmt: skip
    unseen: float = number(0.2, "Faults that termination cannot find", at_least=0, at_most=1)
    contained: float = number(0.5, "Outages that a bulkhead contains", at_least=0, at_most=1)
    replications: int = replications(8, note="Runs of five years.")
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def five_years(at, draw):
    """Follow each fault of five years until somebody, or something, finds it."""
    luck = draw("faults")
    number = luck.poisson(12 * 5 * at.faults)
    lost, inside = luck.exponential(at.fails_days, number), luck.random(number)
    hour, kept = luck.random(number), luck.random(number)
    terminated = draw("chaos").exponential(at.every_days * 7 / 5, number)
    outages = by_day = 0
    open_days = 0.0
    for fault in range(number):
        visible = inside[fault] >= at.unseen
        if visible and terminated[fault] < lost[fault]:
            by_day += 1
            open_days += terminated[fault]
        else:
            open_days += lost[fault]
            if hour[fault] < NIGHT and kept[fault] >= at.contained:
                outages += 1
    return {"outages": outages / 5, "by_day": by_day / 5, "open": open_days / (5 * 365)}


@takes(Setting)
def simulate(at: Setting) -> Chaos:
    """Run some times five years, at the chosen rate of terminations and at others."""
    return Chaos(at, sweep=_sweep(at.but(every_days=2.0)), runs=_several(at))


@lru_cache(maxsize=32)
def _sweep(at: Setting) -> np.ndarray:
    return np.array([_several(at.but(every_days=days)) for days in EVERY_DAYS])


def _several(at: Setting) -> np.ndarray:
    draw = Draws(at.seed)
    runs = [five_years(at, draw) for _ in range(at.replications)]
    return np.array([(run["outages"], run["open"], run["by_day"]) for run in runs])


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """A year's outages outside office hours; latent faults at any time; a year's found by day."""

    outages: Any
    open: Any
    by_day: Any


def theory(at: Setting, every_days: Any = None) -> Theory:
    """Two exponential times, of which the shorter counts; and Little's law for what is open.

    Cox, *Renewal Theory*, 1962, on competing causes; Little, "A proof for the queuing formula
    L = λW", *Operations Research* 9, 1961.
    """
    days = np.asarray(at.every_days if every_days is None else every_days, float) * 7 / 5
    faults, fails = 12 * at.faults, 1 / at.fails_days
    first = (1 / days) / (1 / days + fails)
    by_itself = at.unseen + (1 - at.unseen) * (1 - first)
    latent_days = at.unseen / fails + (1 - at.unseen) / (1 / days + fails)
    return Theory(
        faults * by_itself * NIGHT * (1 - at.contained),
        faults / 365 * latent_days,
        faults * (1 - at.unseen) * first,
    )


# --- what it says ---------------------------------------------------------------------------------


class Chaos(Result):
    """What becomes of latent faults.

    Attributes
    ----------
    sweep : numpy.ndarray, shape (9, replications, 3)
        What each run saw, for each of :data:`EVERY_DAYS`: a year's outages of the site outside
        office hours, latent faults at any time, and faults found by termination in a year.
    runs : numpy.ndarray, shape (replications, 3)
        The same at the setting.
    """

    at: Setting
    sweep: np.ndarray
    runs: np.ndarray

    @property
    def outages(self) -> Intervals:
        """A year's outages, for each of :data:`EVERY_DAYS`."""
        return mean_intervals(self.sweep[:, :, 0].T)

    @property
    def open(self) -> Intervals:
        """Latent faults at any time, for each of :data:`EVERY_DAYS`."""
        return mean_intervals(self.sweep[:, :, 1].T)

    @property
    def here(self) -> Intervals:
        """Outages, latent faults and faults found in a year, at the setting."""
        return mean_intervals(self.runs)

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "outages_a_year": rounded(self.here.estimate[0]),
            "outages_theory": rounded(float(exact.outages)),
            "latent_faults": rounded(self.here.estimate[1]),
            "latent_theory": rounded(float(exact.open)),
            "found_by_day_a_year": rounded(self.here.estimate[2]),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        outages, latent, by_day = self.here.estimate
        rarest = max(self.sweep[:, :, 0], key=lambda runs: (runs == 0).sum())
        return (
            f"With a termination in each group every {amount(at.every_days, 'work day')}, "
            f"{amount(by_day, 'fault')} a year {'is' if amount(by_day, 'f') == '1 f' else 'are'} "
            f"found by termination, with people at their desks; {amount(outages, 'outage')} of "
            f"the site a year (theory {amount(float(exact.outages), 'outage')}) come outside "
            f"office hours; and at any time {amount(latent, 'latent fault')} wait, "
            f"{duration(86_400 * float(exact.open) / (12 * at.faults / 365))} each on average."
            + (seldom(rarest, "no outage is behind the lowest point") if exact.outages else "")
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at, EVERY_DAYS)
        return {
            "every (work days)": EVERY_DAYS,
            "outages a year": self.outages.estimate,
            "from": self.outages.low,
            "to": self.outages.high,
            "in theory": exact.outages,
            "latent faults": self.open.estimate,
            "latent in theory": exact.open,
        }


@style.panels(2)
def plot(run: Chaos, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw outages and latent faults against the time between terminations."""
    at, days = run.at, np.geomspace(0.5, 1_000, 60)
    exact = theory(at, days)
    for ax, seen, curve in (
        (axes[0], run.outages, exact.outages),
        (axes[1], run.open, exact.open),
    ):
        ax.plot(days, curve, **style.THEORY)
        error_bars(ax, EVERY_DAYS, seen, **style.DOTS)
        log_axis(ax, "x", 0.4, 1_300, ticks=(1, 10, 100, 1_000))
        here(ax, at.every_days)
        ax.set_ylim(0, 1.35 * max(float(seen.high.max()), float(np.max(curve)), 0.1))
        ax.set_xlabel("work days between terminations")
    axes[0].set_title("Outages outside office hours")
    axes[0].set_ylabel("a year")
    axes[1].set_title("Latent faults at any time")
    axes[1].set_ylabel("faults")
    key(axes[1], [("●", "simulation", style.BLUE), ("╌", "theory", style.INK)], left=True, x=0.97)
    if mine is not None:
        yours(axes[0], at.every_days, mine["outages"])
        yours(axes[1], at.every_days, mine["open"])
