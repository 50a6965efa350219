"""A day's load: jobs come in a curve that is highest in the afternoon, and the line is later.

What comes follows the hours, and the workers are always as many. Where that stops being true: real
days have weekends and lunch breaks, and a sine is only their coarsest shape; and whoever may add
workers by the hour does better, if they are there before the line is.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import curves, here, key, ring, yours
from helpers.foundations.drawing.scales import coarse
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
from helpers.foundations.prose import amount, counted, finite_or, rounded, significant

#: When most jobs come, hours after midnight; and how many hours are followed.
PEAK_H, END_H = 14.0, 48.0

_TURN = 2 * math.pi / 24  # of the day's circle, per hour
_SMOOTH = 13  # instants, three hours, over which the count is averaged before its peak is sought


class Setting(Parameters):
    """Jobs whose number follows the hours, a sine around its mean, and workers."""

    capacity: float = number(1.2, "The workers can do", unit="× mean load", above=0, at_most=5)
    swing: float = number(0.6, "Peak above the mean", at_least=0, at_most=1)
    work_h: float = number(0.5, "Mean work of a job", unit="h", at_least=0.1, at_most=6)
    mean_rph: float = number(40.0, "Jobs, mean of the day", unit="per h", above=0, at_most=80)
    replications: int = replications(8)
    seed: int = seed()

    @property
    def mean_load(self) -> float:
        """Workers that the mean of the day keeps busy."""
        return self.mean_rph * self.work_h

    @property
    def workers(self) -> int:
        """How many workers there are: a whole number, one at least."""
        return max(1, round(self.capacity * self.mean_load))

    @property
    def share(self) -> float:
        """What so many workers can do, over the mean load."""
        return self.workers / self.mean_load

    @property
    def highest_rph(self) -> float:
        """Jobs per hour at the peak of the day."""
        return self.mean_rph * (1 + self.swing)

    @property
    def at_midnight(self) -> float:
        """Jobs there when the two days begin, on average: as if none had had to wait."""
        return float(unlimited(self, 0.0))

    @property
    def time_h(self) -> np.ndarray:
        """Instants at which jobs are counted, every quarter of an hour."""
        return np.linspace(0, END_H, 193)

    def rate_rph(self, hour: Any) -> Any:
        """Jobs per hour at a time, or at many."""
        return self.mean_rph * (1 + self.swing * np.cos(_TURN * (hour - PEAK_H)))


# --- the model: what the page shows, and a learner changes ----------------------------------------


def two_days(at, draw):
    """Let jobs come as the hour has it, give each to the worker free first, and count them."""
    now, arrivals = 0.0, [0.0] * draw("midnight").poisson(at.at_midnight)
    while now < 48:
        now += draw("arrivals").exponential(1 / at.highest_rph)  # as many as at the peak,
        if draw("hour").random() * at.highest_rph < at.rate_rph(now):  # and some left out
            arrivals.append(now)
    free, done = [0.0] * at.workers, []
    for came in arrivals:
        start = max(came, heapq.heappop(free))
        done.append(start + draw("work").exponential(at.work_h))
        heapq.heappush(free, done[-1])
    there = np.searchsorted(arrivals, at.time_h, "right")
    return {"there": there - np.searchsorted(sorted(done), at.time_h, "right")}


# --- the same, fast: all that may come is drawn at once -------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Days:
    """Follow every job of two days, several times."""
    draw = Draws(at.seed)
    return Days(at, np.array([_one_run(at, draw) for _ in range(at.replications)]))


def _one_run(at: Setting, draw: Draws) -> np.ndarray:
    """Jobs that wait or are worked on, at each instant; the first run is the model's."""
    at_first = np.zeros(draw("midnight").poisson(at.at_midnight))
    may_come = at.highest_rph * END_H
    most = math.ceil(may_come + 7 * math.sqrt(may_come) + 30)
    moments = np.cumsum(draw("arrivals").exponential(1 / at.highest_rph, most))
    comes = draw("hour").random(most) * at.highest_rph < at.rate_rph(moments)
    arrivals = np.concatenate([at_first, moments[comes & (moments < END_H)]])
    work = draw("work").exponential(at.work_h, arrivals.size)
    free, done = [0.0] * at.workers, []
    for came, takes_h in zip(arrivals.tolist(), work.tolist(), strict=True):
        first = free[0]
        end = (came if came > first else first) + takes_h
        heapq.heapreplace(free, end)
        done.append(end)
    there = np.searchsorted(arrivals, at.time_h, "right")
    return there - np.searchsorted(np.sort(done), at.time_h, "right")


def peak_h(there: np.ndarray) -> float:
    """When most jobs are there on the second day, hours after its midnight.

    Parameters
    ----------
    there : numpy.ndarray, shape (instants,)
        Jobs at each of ``Setting.time_h``.
    """
    smooth = np.convolve(there, np.full(_SMOOTH, 1 / _SMOOTH), "valid")
    middle = Setting().time_h[_SMOOTH // 2 : -(_SMOOTH // 2)]
    second = middle >= 24
    return float(middle[second][np.argmax(smooth[second])]) - 24


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """When most jobs are there after the load's peak, hours, and how many they are; see `theory`.

    Both are not numbers if no two days are alike: if what comes in the mean is as much as can be
    done, or more. The lag is none, either, if every hour is alike.
    """

    lag_h: float
    there: float


def theory(at: Setting) -> Theory:
    """When as much is done as comes in: from there on jobs become fewer.

    With a worker for every job that is when the mean number of jobs is highest, arctan(turn x
    work) / turn after the load (Eick, Massey and Whitt, "Mt/G/infinity Queues with Sinusoidal
    Arrival Rates", *Management Science* 39, 1993). With fewer workers they are all busy at the
    peak, and it is when the load has fallen to what they can do (Newell, *Applications of Queueing
    Theory*, 1971, chapter 2): arccos((share - 1) / swing) / turn after its own. The later of the
    two is right, and they meet where the last worker is just needed.
    """
    if at.share <= 1:
        return Theory(math.nan, math.nan)
    there = float(fluid(at)[at.time_h >= 24].max())
    return Theory(float(lag_h(at, at.share)) if at.swing else math.nan, there)


def lag_h(at: Setting, share: Any) -> Any:
    """The lag behind the load's peak for workers that can do `share` of the mean load, above 1."""
    height = np.minimum((np.asarray(share) - 1) / at.swing, 1.0)
    return np.maximum(math.atan(_TURN * at.work_h), np.arccos(height)) / _TURN


def unlimited(at: Setting, hour: Any) -> Any:
    """Mean number of jobs at an hour, if none has to wait: Eick, Massey and Whitt, 1993."""
    turn, angle = _TURN * at.work_h, _TURN * (np.asarray(hour) - PEAK_H)
    wave = (np.cos(angle) + turn * np.sin(angle)) / (1 + turn * turn)
    return at.mean_load * (1 + at.swing * wave)


def fluid(at: Setting) -> np.ndarray:
    """Jobs at each instant if they flowed like water: in with the load, out with who is busy.

    dN/dt = rate - min(N, workers) / work; the limit for many workers of Mandelbaum, Massey and
    Reiman, "Strong approximations for Markovian service networks", *Queueing Systems* 30, 1998.
    """
    steps = 6  # between two instants: two and a half minutes
    hours = np.linspace(0, END_H, 2 * steps * (at.time_h.size - 1) + 1)
    rate, step = at.rate_rph(hours).tolist(), float(hours[2])
    most, pace = float(at.workers), 1 / at.work_h
    now, there = at.at_midnight, [at.at_midnight]
    for i in range(0, len(rate) - 1, 2):
        middle = now + step / 2 * (rate[i] - pace * min(now, most))
        now += step * (rate[i + 1] - pace * min(middle, most))
        there.append(now)
    return np.array(there[::steps])


# --- what it says ---------------------------------------------------------------------------------


def clock(hour: float) -> str:
    """Format an hour of the day.

    Examples
    --------
    >>> clock(18.705), clock(24.0), clock(9.999)
    ('18:42', '0:00', '10:00')
    """
    minutes = round(60 * hour)
    return f"{minutes // 60 % 24}:{minutes % 60:02d}"


class Days(Result):
    """Two days in several runs.

    Attributes
    ----------
    there : numpy.ndarray of int, shape (replications, instants)
        Jobs that wait or are worked on at each of ``at.time_h``.
    """

    at: Setting
    there: np.ndarray

    @cached_property
    def mean(self) -> np.ndarray:
        """Jobs that are there, the mean over runs."""
        return self.there.mean(axis=0)

    @cached_property
    def peak_h(self) -> float:
        """When most jobs are there in the mean of the runs; hours after the second midnight."""
        return peak_h(self.mean)

    @property
    def most(self) -> float:
        """Jobs there at that time, the mean over runs."""
        return float(np.interp(24 + self.peak_h, self.at.time_h, self.mean))

    @property
    def summary(self) -> dict[str, float | int | str]:
        at, exact = self.at, theory(self.at)
        return {
            "workers": at.workers,
            "can_do_per_h": rounded(at.workers / at.work_h),
            "come_at_the_peak_per_h": rounded(at.highest_rph),
            "lag_h": rounded(self.peak_h - PEAK_H),
            "theory_lag_h": finite_or(rounded(exact.lag_h), "none"),
            "jobs_then": rounded(self.most),
            "fluid_most_jobs": rounded(float(fluid(at)[at.time_h >= 24].max())),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        load = (
            f"{amount(at.highest_rph, 'job')} per hour come at {clock(PEAK_H)}, "
            f"{significant(at.mean_rph)} in the mean of the day, and "
            f"{counted(at.workers, 'worker')} can do {significant(at.workers / at.work_h)}. "
        )
        if at.share <= 1:
            left, exact_left = self.mean[-1], fluid(at)[-1]
            return (
                f"{load}The mean does not fit: when the second day ends {amount(left, 'job')} are "
                f"there (fluid: {significant(exact_left)})."
            )
        seen = (
            f"{load}On the second day, in the mean of {counted(at.replications, 'run')}, most jobs "
            f"are there at {clock(self.peak_h)}"
        )
        many = f"{amount(self.most, 'job')} (fluid: {significant(exact.there)})"
        if not at.swing:
            return f"{seen}, by chance: every hour is like the others. That is {many}."
        return (
            f"{seen}; theory says {clock(PEAK_H + exact.lag_h)}, "
            f"{significant(exact.lag_h)} h after the load's peak. That is {many}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "time (h)": self.at.time_h,
            "load (workers)": self.at.rate_rph(self.at.time_h) * self.at.work_h,
            "jobs there": self.mean,
            "lowest": self.there.min(axis=0),
            "highest": self.there.max(axis=0),
            "fluid": fluid(self.at),
        }


@style.panels(2, width_ratios=[1.6, 1])
def plot(run: Days, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw load and jobs over two days, and the lag against what the workers can do."""
    at, (ax, lags) = run.at, axes
    hours, exact = at.time_h, fluid(at)
    load = at.rate_rph(hours) * at.work_h
    curves(ax, hours, run.there, color=style.PALE_BLUE, linewidth=1.0)
    ax.plot(hours, load, color=style.INK, linewidth=1.6, gid="load")
    ax.axhline(at.workers, color=style.GREEN, linewidth=1.6)
    ax.plot(hours, run.mean, **style.SIMULATION)
    ax.plot(hours, exact, **style.THEORY)
    here(ax, 24 + PEAK_H)
    ring(ax, 24 + run.peak_h, run.most)
    ax.set_xlim(0, END_H)
    ax.set_xticks(range(0, 49, 6), [str(hour % 24) for hour in range(0, 49, 6)])
    highest = max(1.5 * exact.max(), 1.3 * run.mean.max(), 1.3 * load.max(), 1.3 * at.workers, 8.0)
    ax.set_ylim(0, coarse(highest))
    key(ax, [("▬", "jobs there", style.BLUE), ("╌", "fluid", style.INK),
             ("▬", "load, in workers", style.INK), ("▬", "workers", style.GREEN)])  # fmt: skip
    ax.set_title("Jobs that are there, two days")
    ax.set_xlabel("hour of the day")
    ax.set_ylabel("jobs, or workers")

    lags.axvspan(0.8, 1, color=style.FAINT, linewidth=0)
    if at.swing:
        shares = np.linspace(1, 2.5, 301)[1:]
        lags.plot(shares, lag_h(at, shares), **style.THEORY)
    x = min(max(at.share, 0.8), 2.5)
    here(lags, x)
    if at.share > 1:
        ring(lags, x, run.peak_h - PEAK_H)
    lags.set_xlim(0.8, 2.5)
    lags.set_ylim(-2, 8)
    lags.set_title("How much later their peak is")
    lags.set_xlabel("the workers can do (× mean load)")
    lags.set_ylabel("lag (h)")
    style.label(lags, 0.8, -2, "the mean does not fit", style.MUTED, rotation=90, va="bottom")
    if mine is not None:
        yours(ax, hours[::8], np.asarray(mine["there"])[::8])
        yours(lags, x, peak_h(np.asarray(mine["there"], float)) - PEAK_H)
