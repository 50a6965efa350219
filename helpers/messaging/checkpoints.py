"""Checkpoints: how often a long job should save where it is, when its worker may be killed.

A job works, saves, works on; a killed worker is replaced and goes back to what was saved last.
Where that stops being true: workers that are killed by the same job again and again are not
killed at random, and saving takes longer when everybody saves at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, log_axis, ring, yours
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
from helpers.foundations.prose import duration, rounded, significant
from helpers.foundations.statistics import Intervals, mean_intervals

_POINTS = 9


class Setting(Parameters):
    """A long job, a worker that is killed at random, and a place to save to."""

    work_min: float = number(600.0, "Work of the job", unit="min", above=0, at_most=10_000)
    life_min: float = number(120.0, "A worker lives, on average", unit="min", above=0,
                             at_most=100_000)  # fmt: skip
    save_min: float = number(2.0, "Time to save", unit="min", above=0, at_most=60)
    restart_min: float = number(5.0, "Time to replace a worker", unit="min", at_least=0,
                                at_most=120)  # fmt: skip
    interval_min: float = number(60.0, "Work between saves", unit="min", above=0, at_most=10_000)
    replications: int = replications(200)
    seed: int = seed()

    def agree(self) -> None:
        """Refuse stretches that hardly any worker survives: the job would never end."""
        if self.interval_min + self.save_min > 6 * self.life_min:
            raise ValueError(
                f"interval_min + save_min must be at most 6 x life_min, "
                f"{6 * self.life_min:g}, got {self.interval_min + self.save_min:g}"
            )
        if self.restart_min > 3 * self.life_min:
            raise ValueError(
                f"restart_min must be at most 3 x life_min, {3 * self.life_min:g}, "
                f"got {self.restart_min:g}"
            )

    @property
    def intervals_min(self) -> np.ndarray:
        """Intervals at which the curve is simulated, minutes."""
        longest = min(3 * self.life_min - self.save_min, self.work_min)
        shortest = 0.15 * young(self)
        return np.geomspace(min(shortest, 0.5 * longest), longest, _POINTS)


# --- the model: what the page shows, and a learner changes ----------------------------------------


def long_job(at, draw):
    """Work in stretches and save after each; whoever is killed begins its stretch again."""
    now = saved_min = 0.0
    killed_at = draw("deaths").exponential(at.life_min)
    deaths = 0
    while saved_min < at.work_min:
        stretch_min = min(at.interval_min, at.work_min - saved_min)
        end = now + stretch_min + at.save_min
        if end <= killed_at:
            now, saved_min = end, saved_min + stretch_min
            continue
        while killed_at < end:
            deaths += 1
            now = killed_at
            end = now + at.restart_min  # the next worker can be killed before it begins
            killed_at = now + draw("deaths").exponential(at.life_min)
        now = end
    return {"took_min": now, "deaths": deaths}


# --- the same, many jobs at once ------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Checkpoints:
    """Run two hundred such jobs at nine intervals, and at the one asked for."""
    took = np.array(
        [_took(at, interval, i) for i, interval in enumerate(at.intervals_min.tolist())]
    )
    here_ = _took(at, at.interval_min, _POINTS)
    return Checkpoints(at, mean_intervals(took.T), mean_intervals(here_[:, np.newaxis]))


def _took(at: Setting, interval: float, number_: int) -> np.ndarray:
    """How long each of many jobs takes, minutes: the sum of its stretches' times."""
    rng = Draws(at.seed)(f"deaths {number_}")
    full = math.floor(at.work_min / interval * (1 + 1e-12))
    rest = at.work_min - full * interval
    total = np.zeros(at.replications)
    for count, stretch in ((full, interval), (1, rest)):
        if count and stretch > 1e-9 * at.work_min:
            total += _stretches(at, stretch + at.save_min, count, rng)
    return total


def _stretches(at: Setting, length: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Time of so many stretches, for each job: deaths are geometric, and so are bad restarts."""
    survive = math.exp(-length / at.life_min)
    deaths = rng.geometric(survive, (at.replications, count)).sum(axis=1) - count
    total = np.full(at.replications, float(count * length))
    # A stretch that is cut lasts an exponential time, given that it is below its length.
    total += _cut(at, length, deaths, rng)
    if at.restart_min:
        again = rng.negative_binomial(
            np.maximum(deaths, 1), math.exp(-at.restart_min / at.life_min)
        )
        again = np.where(deaths > 0, again, 0)
        total += deaths * at.restart_min + _cut(at, at.restart_min, again, rng)
    return total


def _cut(at: Setting, length: float, deaths: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sum of so many lives that end before a length, for each job."""
    owner = np.repeat(np.arange(deaths.size), deaths)
    lives = -at.life_min * np.log1p(rng.random(owner.size) * math.expm1(-length / at.life_min))
    return np.bincount(owner, lives, deaths.size)


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, interval_min: float | None = None) -> float:
    """Mean time of the job, minutes: M exp(R/M) (exp((t + d)/M) - 1) for each stretch.

    Daly, "A higher order estimate of the optimum checkpoint interval for restart dumps", *Future
    Generation Computer Systems* 22, 2006, equation 20. The last stretch may be shorter.
    """
    interval = at.interval_min if interval_min is None else interval_min
    full = math.floor(at.work_min / interval * (1 + 1e-12))
    rest = at.work_min - full * interval
    lengths = [interval] * full + ([rest] if rest > 1e-9 * at.work_min else [])
    each = at.life_min * math.exp(at.restart_min / at.life_min)
    sums = {length: math.expm1((length + at.save_min) / at.life_min) for length in set(lengths)}
    return each * sum(sums[length] for length in lengths)


def young(at: Setting) -> float:
    """Young's interval, sqrt(2 d M): "A first order approximation to the optimum checkpoint
    interval", *Communications of the ACM* 17, 1974.
    """
    return math.sqrt(2 * at.save_min * at.life_min)


def daly(at: Setting) -> float:
    """Daly's interval: Young's, with two more terms, less the time to save (equation 37)."""
    if at.save_min >= 2 * at.life_min:
        return at.life_min
    x = math.sqrt(at.save_min / (2 * at.life_min))
    return young(at) * (1 + x / 3 + x * x / 9) - at.save_min


def unsaved(at: Setting) -> float:
    """Mean time of the job without any saving, minutes; infinite beyond what a float holds."""
    if at.work_min > 700 * at.life_min:
        return math.inf
    restart = math.exp(at.restart_min / at.life_min)
    return at.life_min * restart * math.expm1(at.work_min / at.life_min)


# --- what it says ---------------------------------------------------------------------------------


class Checkpoints(Result):
    """Mean time of the job at ``at.intervals_min`` and (one number) at the chosen interval."""

    at: Setting
    took_min: Intervals
    took_here_min: Intervals

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "took_min": rounded(self.took_here_min[0].estimate),
            "theory_min": rounded(theory(self.at)),
            "young_min": rounded(young(self.at)),
            "daly_min": rounded(daly(self.at)),
            "at_daly_min": rounded(theory(self.at, min(daly(self.at), self.at.work_min))),
        }

    @property
    def reading(self) -> str:
        at, best = self.at, min(daly(self.at), self.at.work_min)
        took = self.took_here_min[0].estimate
        without = unsaved(at)
        alone = f"{_time(without)}" if without < 1e7 else "longer than anybody waits"
        return (
            f"Saving every {_time(at.interval_min)}, {_time(at.work_min)} of work take "
            f"{_time(took)} on average (theory: {_time(theory(at))}), "
            f"{significant(took / at.work_min)} times the work. Daly's interval is {_time(best)} "
            f"(Young's: {_time(young(at))}) and takes {_time(theory(at, best))}; without saving "
            f"it would be {alone}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        every = self.at.intervals_min
        return {
            "between saves (min)": every,
            "took (min)": self.took_min.estimate,
            "from": self.took_min.low,
            "to": self.took_min.high,
            "theory (min)": [theory(self.at, each) for each in every.tolist()],
        }


def _time(minutes: float) -> str:
    return duration(60 * minutes)


@lru_cache(maxsize=32)
def _curve(at: Setting) -> tuple[np.ndarray, np.ndarray]:
    every = np.geomspace(at.intervals_min[0], at.intervals_min[-1], 120)
    return every, np.array([theory(at, each) for each in every.tolist()])


def plot(run: Checkpoints, ax: Axes, mine: Mine | None = None) -> None:
    """Draw the time of the job against the work between saves."""
    at = run.at
    every, exact = _curve(at.but(interval_min=min(at.intervals_min[0], at.work_min), seed=1))
    low, high = every[0] / 1.2, every[-1] * 1.2
    log_axis(ax, "x", low, high, ticks=[t for t in (0.3, 1, 3, 10, 30, 100, 300, 1_000, 3_000)
                                        if low < t < high])  # fmt: skip
    top = coarse(min(1.1 * float(exact.max()), 2.2 * float(exact.min())))
    ax.plot(every, exact, **style.THEORY)
    error_bars(ax, at.intervals_min, run.took_min, **style.DOTS)
    ax.axhline(at.work_min, color=style.MUTED, linewidth=1)
    style.label(ax, low, at.work_min, "the work alone", style.MUTED, xytext=(5, -9))
    best = daly(at)
    ax.axvline(best, color=style.GREEN, linewidth=1.4)
    style.label(ax, best, 0.06 * top, "Daly", style.GREEN, xytext=(5, 0))
    if low < at.interval_min < high:
        here(ax, at.interval_min)
        ring(ax, at.interval_min, run.took_here_min.estimate)
    ax.set_ylim(0, top)
    ax.set_title("Saving too often, and too seldom")
    ax.set_xlabel("work between saves (min)")
    ax.set_ylabel("mean time of the job (min)")
    if mine is not None:
        yours(ax, at.interval_min, mine["took_min"])
