"""Load levelling: a spike becomes a backlog, and the backlog drains after the spike.

Jobs arrive at random, more of them during a spike, and wait in one line for a free worker. Where
that stops being true: workers that slow down when the line is long never catch up, and a line
whose jobs must be done by a certain time is not level but late.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from heapq import heapreplace
from typing import Any, NamedTuple

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import curves, yours
from helpers.foundations.drawing.scales import coarse
from helpers.foundations.events import Log
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import (
    amount,
    counted,
    duration,
    finite_or,
    rounded,
    significant,
)
from helpers.foundations.statistics import Interval, mean_interval

_MOST_JOBS = 4_000  # of one run
_BEFORE_S = 20.0  # ordinary traffic before the spike
_INSTANTS = 161


class Setting(Parameters):
    """Workers behind a queue, ordinary traffic, and a spike that begins at time 0."""

    usual_rps: float = number(6.0, "Usual traffic", unit="jobs/s", above=0, at_most=50)
    spike_rps: float = number(30.0, "Traffic in the spike", unit="jobs/s", above=0, at_most=200)
    spike_s: float = number(20.0, "The spike lasts", unit="s", at_least=1, at_most=120)
    workers: int = integer(10, "Workers", at_least=1, at_most=200)
    work_s: float = number(1.0, "Mean work of a job", unit="s", above=0, at_most=60)
    replications: int = replications(8)
    seed: int = seed()

    def agree(self) -> None:
        """Refuse a spike that is none, and one with more jobs than can be followed."""
        if self.spike_rps < self.usual_rps:
            raise ValueError(
                f"spike_rps must be at least usual_rps, {self.usual_rps:g}, got {self.spike_rps:g}"
            )
        if self.spike_rps * self.spike_s + self.usual_rps * _BEFORE_S > _MOST_JOBS:
            raise ValueError(
                f"spike_rps x spike_s + {_BEFORE_S:g} x usual_rps must be at most {_MOST_JOBS:,} "
                f"jobs, got {self.spike_rps * self.spike_s + self.usual_rps * _BEFORE_S:g}"
            )

    @property
    def capacity_rps(self) -> float:
        """What the workers can do, jobs per second."""
        return self.workers / self.work_s

    @property
    def end_s(self) -> float:
        """When the picture ends: when the backlog should have drained, or jobs run out."""
        before = self.spike_rps * self.spike_s + self.usual_rps * _BEFORE_S
        last = self.spike_s + (_MOST_JOBS - before) / self.usual_rps
        gone = theory(self).gone_s
        drained = 1.3 * gone if math.isfinite(gone) else 6 * self.spike_s
        return min(coarse(max(drained, 2 * self.spike_s)), last)

    @property
    def time_s(self) -> np.ndarray:
        """Instants at which the backlog is looked at, seconds since the spike began."""
        return np.linspace(-_BEFORE_S, self.end_s, _INSTANTS)


# --- the model: what the page shows, and a learner changes ----------------------------------------


def levelled(at, draw):
    """Put jobs on a queue, let workers take them, and look at the backlog from time to time."""
    world = simpy.Environment(initial_time=at.time_s[0])
    line = simpy.Store(world)
    backlog, waits_s = [], []

    def traffic(rate_rps, begin_s, end_s):
        yield world.timeout(begin_s - world.now)
        while True:
            yield world.timeout(draw("arrivals").exponential(1 / rate_rps))
            if world.now > end_s:
                return
            line.put(world.now)

    def worker():
        while True:
            came = yield line.get()
            waits_s.append(world.now - came)
            yield world.timeout(draw("work").exponential(at.work_s))

    def look():
        for moment in at.time_s:
            yield world.timeout(moment - world.now)
            backlog.append(len(line.items))

    world.process(traffic(at.usual_rps, world.now, at.end_s))
    if at.spike_rps > at.usual_rps:
        world.process(traffic(at.spike_rps - at.usual_rps, 0, at.spike_s))
    for _ in range(at.workers):
        world.process(worker())
    world.run(until=world.process(look()))
    return {"backlog": backlog, "longest_wait_s": max(waits_s, default=0.0)}


# --- the same, fast: no events but the jobs -------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Levelled:
    """Follow every job of several runs."""
    draw = Draws(at.seed)
    time_s = at.time_s
    backlog, longest, drained = [], [], []
    for _ in range(at.replications):
        arrivals, starts = one_run(at, draw)
        waiting = np.searchsorted(arrivals, time_s, "right") - np.searchsorted(
            starts, time_s, "right"
        )
        backlog.append(waiting)
        longest.append(float((starts - arrivals).max()))
        drained.append(_drained_s(at, arrivals, starts))
    return Levelled(at, np.array(backlog), np.array(longest), np.array(drained))


def one_run(at: Setting, draw: Draws) -> tuple[np.ndarray, np.ndarray]:
    """When each job comes and when its work starts, seconds since the spike began.

    Poisson arrivals of a rate that changes: those of rate 1, at the times when so many are
    expected.
    """
    knees = np.array([-_BEFORE_S, 0.0, at.spike_s, max(at.end_s, at.spike_s + 1e-9)])
    rates = np.array([at.usual_rps, at.spike_rps, at.usual_rps])
    expected = np.concatenate([[0.0], np.cumsum(rates * np.diff(knees))])
    total = expected[-1]
    unit = np.cumsum(draw("arrivals").standard_exponential(math.ceil(total + 6 * total**0.5 + 30)))
    arrivals = np.interp(unit[unit < total], expected, knees)
    work = draw("work").exponential(at.work_s, arrivals.size)
    free = [-_BEFORE_S] * at.workers
    starts = []
    for came, takes_s in zip(arrivals.tolist(), work.tolist(), strict=True):
        begin = max(came, free[0])
        starts.append(begin)
        heapreplace(free, begin + takes_s)
    return arrivals, np.array(starts)


def _drained_s(at: Setting, arrivals: np.ndarray, starts: np.ndarray) -> float:
    """How long after the spike some job first leaves nobody waiting behind it, seconds."""
    waiting = np.searchsorted(arrivals, starts, "right") - np.arange(1, starts.size + 1)
    there = np.searchsorted(arrivals, at.spike_s) - np.searchsorted(starts, at.spike_s)
    if there == 0:
        return 0.0
    empty = np.flatnonzero((waiting == 0) & (starts >= at.spike_s))
    return float(starts[empty[0]] - at.spike_s) if empty.size else math.inf


# --- one run, event by event ----------------------------------------------------------------------


@takes(Setting)
def watch(at: Setting) -> Log:
    """Follow the jobs of one run."""
    draw = Draws(at.seed)
    arrivals, starts = one_run(at, draw)
    work = Draws(at.seed)("work").exponential(at.work_s, arrivals.size)
    begin = -_BEFORE_S
    log = Log(f"A spike of {duration(at.spike_s)} and {counted(at.workers, 'worker')}", noun="job")
    log.place("senders", "source").place("queue", "queue")
    log.place("workers", "servers", number=at.workers).place("done", "sink", words="is done")
    times = (each - begin for each in (arrivals, starts, starts + work))
    log.serves("queue", "workers", *times, start="senders", then="done")
    log.marks(-begin, "senders", "spike", bad=True)
    log.marks(at.spike_s - begin, "senders", "")
    return log.counts("queue", "backlog").between(0.0, at.end_s - begin)


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """The fluid: jobs flow in and out like water, without chance.

    `backlog` is the largest, in jobs; `wait_s` that of the job that comes as the spike ends;
    `drain_s` counts from the end of the spike and `gone_s` from its beginning.
    """

    backlog: float
    wait_s: float
    drain_s: float
    gone_s: float


def theory(at: Setting) -> Theory:
    """What a fluid does: (spike - capacity) x T waits, and drains at capacity - usual.

    Newell, *Applications of Queueing Theory*, 1971, chapter 2.
    """
    backlog = max(0.0, at.spike_rps - at.capacity_rps) * at.spike_s
    spare = at.capacity_rps - at.usual_rps
    drain_s = 0.0 if backlog == 0 else backlog / spare if spare > 0 else math.inf
    return Theory(backlog, backlog / at.capacity_rps, drain_s, at.spike_s + drain_s)


def fluid(at: Setting, time_s: np.ndarray) -> np.ndarray:
    """The fluid's backlog at each time, jobs."""
    over = at.usual_rps - at.capacity_rps
    before = np.maximum(0.0, over) * (np.minimum(time_s, 0) + _BEFORE_S)
    height = np.maximum(
        0.0, before + (at.spike_rps - at.capacity_rps) * np.clip(time_s, 0, at.spike_s)
    )
    return np.maximum(0.0, height + over * np.maximum(0.0, time_s - at.spike_s))


def highest(at: Setting) -> float:
    """The fluid's largest backlog in the picture, jobs: as the spike or the picture ends."""
    return float(fluid(at, np.array([0.0, at.spike_s, at.end_s])).max())


# --- what it says ---------------------------------------------------------------------------------


class Levelled(Result):
    """A spike and what it leaves, in several runs.

    Attributes
    ----------
    backlog : numpy.ndarray of int, shape (replications, instants)
        Jobs that wait at each of ``at.time_s``.
    longest_wait_s : numpy.ndarray, shape (replications,)
        Of a job in each run.
    drained_s : numpy.ndarray, shape (replications,)
        From the end of the spike until nobody waits; infinite where that was not seen.
    """

    at: Setting
    backlog: np.ndarray
    longest_wait_s: np.ndarray
    drained_s: np.ndarray

    @cached_property
    def drained(self) -> Interval | None:
        """95 % interval for the mean time to drain; None where some run did not."""
        return mean_interval(self.drained_s) if np.isfinite(self.drained_s).all() else None

    @property
    def peak(self) -> float:
        """Largest backlog of a run, the mean over runs."""
        return float(self.backlog.max(axis=1).mean())

    @property
    def summary(self) -> dict[str, float | int | str]:
        drain_s = theory(self.at).drain_s
        drained = math.inf if self.drained is None else rounded(self.drained.estimate)
        return {
            "peak_backlog_jobs": rounded(self.peak),
            "fluid_backlog_jobs": rounded(highest(self.at)),
            "longest_wait_s": rounded(float(self.longest_wait_s.mean())),
            "drain_s": finite_or(drained, "not seen"),
            "fluid_drain_s": finite_or(rounded(drain_s), "without end"),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        said = (
            f"{amount(at.spike_rps, 'job')}/s for {duration(at.spike_s)} meet workers that can "
            f"do {significant(at.capacity_rps)} per second. In the mean of {at.replications} runs "
            f"up to {amount(self.peak, 'job')} had to wait (fluid: {significant(highest(at))})"
        )
        if math.isinf(exact.drain_s):
            return (
                f"{said}, and the backlog never drains: the usual "
                f"{significant(at.usual_rps)}/s are as much as the workers can do, or more."
            )
        said += f", the unluckiest one for {duration(float(self.longest_wait_s.mean()))}"
        if self.drained is None:
            missing = int(np.isinf(self.drained_s).sum())
            return (
                f"{said}. In {missing} of the {at.replications} runs somebody still waits when "
                f"the picture ends (fluid: until {duration(exact.drain_s)} after the spike)."
            )
        if exact.drain_s == 0:
            return f"{said}. There is no backlog to work off: the workers can do what comes."
        return (
            f"{said}. The queue is empty {duration(self.drained.estimate)} after the spike "
            f"(fluid: {duration(exact.drain_s)})."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        time_s = self.at.time_s
        return {
            "time (s)": time_s,
            "mean backlog": self.backlog.mean(axis=0),
            "lowest": self.backlog.min(axis=0),
            "highest": self.backlog.max(axis=0),
            "fluid": fluid(self.at, time_s),
        }


@style.panels(2, width_ratios=[1.5, 1])
def plot(run: Levelled, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw the backlog over time, and the traffic against what the workers can do."""
    at, (ax, rates) = run.at, axes
    time_s, exact = at.time_s, fluid(at, at.time_s)
    top = coarse(1.25 * max(exact.max(), 8.0))
    ax.axvspan(0, at.spike_s, color=style.FAINT, linewidth=0)
    curves(ax, time_s, run.backlog, color=style.PALE_BLUE, linewidth=1.0)
    ax.plot(time_s, run.backlog.mean(axis=0), **style.SIMULATION)
    ax.plot(time_s, exact, **style.THEORY)
    ax.set_xlim(-_BEFORE_S, time_s[-1])
    ax.set_ylim(0, top)
    ax.set_title("Jobs that wait")
    ax.set_xlabel("time since the spike began (s)")
    ax.set_ylabel("jobs in the queue")
    style.label(ax, 0, top, "spike", style.MUTED, va="top", xytext=(3, -5))

    steps = [-_BEFORE_S, 0, at.spike_s, time_s[-1]]
    rate = np.array([at.usual_rps, at.spike_rps, at.usual_rps])
    most = coarse(1.15 * max(at.spike_rps, at.capacity_rps))
    done = np.minimum(rate, at.capacity_rps)
    rates.fill_between(
        steps, [*done, done[-1]], [*rate, rate[-1]], step="post", color=style.PALE_RED, linewidth=0
    )
    rates.step(steps, [*rate, rate[-1]], where="post", color=style.INK, linewidth=1.6)
    rates.axhline(at.capacity_rps, color=style.GREEN, linewidth=1.6)
    style.label(
        rates, time_s[-1], at.capacity_rps, "workers", style.GREEN, ha="right", xytext=(-2, 7)
    )
    rates.set_xlim(-_BEFORE_S, time_s[-1])
    rates.set_ylim(0, most)
    rates.set_title("Traffic")
    rates.set_xlabel("time since the spike began (s)")
    rates.set_ylabel("jobs per second")
    if mine is not None:
        yours(ax, time_s[::8], np.asarray(mine["backlog"])[::8])
