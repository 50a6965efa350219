"""A consumer that is away for a while: called directly, and reached through a queue.

Both ways see the same requests, each with one job of exponential length. Who goes away finishes the
job in hand first. Where that stops being true: a worker that dies in the middle of a job leaves the
question whether it was done.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import key
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import Draws, Parameters, Result, number, seed, takes
from helpers.foundations.prose import duration, significant
from helpers.foundations.queueing import fifo_waits
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import unit_services

OUTAGE_AT_S, HORIZON_S, STEP_S = 20.0, 120.0, 1.0

_TIMEOUT_S = 2.0
_MOST = 30_000


class Setting(Parameters):
    """Requests with a job each, and the consumer of these jobs."""

    rate_rps: float = number(50.0, "Requests", unit="requests/s", above=0, at_most=100)
    outage_s: float = number(
        20.0,
        "Outage of the consumer",
        unit="s",
        at_least=1,
        at_most=60,
        note="From the 20th second on.",
    )
    drain_rps: float = number(
        80.0, "What the consumer can do", unit="jobs/s", at_least=20, at_most=200
    )
    seed: int = seed()

    @property
    def end_s(self) -> float:
        """When the consumer comes back."""
        return OUTAGE_AT_S + self.outage_s


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Outage:
    """Take a consumer away for a while, with a direct call before it and with a queue.

    A direct call fails if the consumer is away before its job begins, or if its wait exceeds 2 s.
    From the queue no job begins in the outage.
    """
    epochs, work = _draws(at.seed)
    arrivals = epochs / at.rate_rps
    count = int(np.searchsorted(arrivals, HORIZON_S))
    arrivals, services = arrivals[:count], work[:count] / at.drain_rps
    starts = with_outage(arrivals, services, OUTAGE_AT_S, at.end_s)
    departures = starts + services
    away = (arrivals >= OUTAGE_AT_S) & (arrivals < at.end_s)
    failed = _fails_directly(arrivals, services, OUTAGE_AT_S, at.end_s)
    edges = np.arange(0, HORIZON_S + STEP_S, STEP_S)
    came = np.searchsorted(arrivals, edges[1:], side="right")
    backlog = came - np.searchsorted(np.sort(departures), edges[1:], side="right")
    empty = np.flatnonzero((edges[1:] >= at.end_s) & (backlog <= 1))
    during = failed[away]
    return Outage(
        at,
        direct_failed=float(during.mean()) if during.size else 0.0,
        backlog_at_end=int(np.count_nonzero((arrivals < at.end_s) & (departures > at.end_s))),
        drained_s=float(edges[1:][empty[0]] - at.end_s) if empty.size else None,
        longest_delay_s=float((starts - arrivals).max()),
        direct_failed_rps=np.histogram(arrivals[failed], edges)[0] / STEP_S,
        direct_ok_rps=np.histogram(arrivals[~failed], edges)[0] / STEP_S,
        backlog=backlog,
    )


def with_outage(arrivals: np.ndarray, services: np.ndarray, start: float, end: float) -> np.ndarray:
    """Return the start of each job at one server that begins none from `start` to before `end`.

    A job that is in service at `start` is finished. The others wait, however long they have waited
    already.
    """
    starts: np.ndarray = arrivals + fifo_waits(arrivals, services, 1)
    held = int(np.searchsorted(starts, start))
    if held < starts.size and starts[held] < end:
        ready = np.maximum(arrivals[held:], end)
        starts[held:] = ready + fifo_waits(ready, services[held:], 1)
    return starts


def _fails_directly(
    arrivals: np.ndarray, services: np.ndarray, start: float, end: float
) -> np.ndarray:
    """Which calls fail at one server: it is away before they begin, or they would wait too long.

    Who gives up leaves the line, so nothing piles up behind them.
    """
    fails = np.zeros(arrivals.size, dtype=bool)
    free = 0.0
    for i, (now, service) in enumerate(zip(arrivals.tolist(), services.tolist(), strict=True)):
        begin = free if free > now else now
        if (now < end and begin >= start) or begin - now > _TIMEOUT_S:
            fails[i] = True
        else:
            free = begin + service
    return fails


@lru_cache(maxsize=4)
def _draws(seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = Draws(seed)
    drawn = (
        np.cumsum(unit_gaps("poisson", _MOST, draw("arrivals"))),
        unit_services("exponential", _MOST, draw("work")),
    )
    for array in drawn:
        array.setflags(write=False)
    return drawn


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Jobs at the end of the outage, and seconds from then on until none is left, or infinity."""

    backlog: float
    drain_s: float


def theory(at: Setting) -> Theory:
    """The fluid balance: the backlog grows at `rate`, then falls at ``drain - rate``."""
    return fluid(at.rate_rps, at.outage_s, at.drain_rps)


def fluid(rate_rps: float, outage_s: float, drain_rps: float) -> Theory:
    """Return how far a queue grows while its consumer is away, and when it is empty again."""
    backlog = rate_rps * outage_s
    drains = drain_rps > rate_rps
    return Theory(backlog, backlog / (drain_rps - rate_rps) if drains else math.inf)


def fluid_backlog(at: Setting, times_s: Any) -> np.ndarray:
    """Backlog of a fluid that flows in at one rate, and out at another but for the outage.

    A consumer that is too slow is behind already when it goes away.
    """
    times = np.asarray(times_s, float)
    surplus = at.rate_rps - at.drain_rps
    before = max(surplus, 0.0) * np.minimum(times, OUTAGE_AT_S)
    during = at.rate_rps * np.clip(times - OUTAGE_AT_S, 0, at.outage_s)
    return np.maximum(before + during + surplus * np.maximum(times - at.end_s, 0), 0.0)


# --- what it says ---------------------------------------------------------------------------------


class Outage(Result):
    """What users feel, and what the consumer has left to do, while it is away and afterwards.

    Attributes
    ----------
    direct_failed : float
        Fraction of the requests sent in the outage that fail when the consumer is called.
    backlog_at_end : int
        Jobs in the queue when the outage ends.
    drained_s : float or None
        Seconds from then until it is empty; None if that is beyond the horizon.
    longest_delay_s : float
        Longest time that a job waited in the queue.
    direct_failed_rps, direct_ok_rps, backlog : numpy.ndarray, shape (120,)
        The course of it: requests called directly in each second, and jobs at the end of it.
    """

    at: Setting
    direct_failed: float
    backlog_at_end: int
    drained_s: float | None
    longest_delay_s: float
    direct_failed_rps: np.ndarray
    direct_ok_rps: np.ndarray
    backlog: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        drain = theory(self.at).drain_s
        return {
            "direct_failed_percent": 100 * self.direct_failed,
            "backlog": self.backlog_at_end,
            "backlog_theory": float(fluid_backlog(self.at, self.at.end_s)),
            "drained_s": self.drained_s if self.drained_s is not None else "not yet",
            "drained_theory_s": drain if np.isfinite(drain) else "never",
            "longest_delay_s": self.longest_delay_s,
        }

    @property
    def reading(self) -> str:
        at, drain = self.at, theory(self.at).drain_s
        jobs = f"{significant(self.backlog_at_end)} job{'' if self.backlog_at_end == 1 else 's'}"
        expected = f"(fluid model {significant(float(fluid_backlog(at, at.end_s)))})"
        until = "never" if np.isinf(drain) else duration(drain)
        if at.rate_rps > at.drain_rps:
            then = f"holds {jobs} at the end of it {expected} and goes on growing"
        elif self.drained_s is None:
            then = f"grows to {jobs} {expected} and is not empty when the picture ends ({until} "
            then += "by the fluid model)"
        else:
            then = f"grows to {jobs} {expected} and is empty {duration(self.drained_s)} later "
            then += f"({until} by the fluid model)"
        return (
            f"In an outage of {duration(at.outage_s)} the direct call fails "
            f"{significant(100 * self.direct_failed)} % of the requests; a queue without a limit "
            f"refuses nobody, {then}; one job waits {duration(self.longest_delay_s)}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        ends = STEP_S * (np.arange(self.backlog.size) + 1)
        return {
            "time (s)": ends,
            "answered directly (1/s)": self.direct_ok_rps,
            "failed directly (1/s)": self.direct_failed_rps,
            "jobs in the queue": self.backlog,
            "fluid model": fluid_backlog(self.at, ends),
        }


@style.panels(2)
def plot(run: Outage, axes: tuple[Axes, Axes]) -> None:
    """Draw what users feel of a direct call, and the backlog of a queue."""
    direct, backlog = axes
    ends = STEP_S * (np.arange(run.backlog.size) + 1)
    fluid_jobs = fluid_backlog(run.at, ends)
    direct.set(
        title="Called directly: the outage is yours",
        xlim=(0, HORIZON_S),
        ylim=(0, step_up(1.6 * run.at.rate_rps, (20, 50, 100, 160))),
        xlabel="time (s)",
        ylabel="requests per second",
    )
    middle, dashed = ends - STEP_S / 2, (0, (4, 1.2))
    direct.plot(middle, run.direct_ok_rps, color=style.BLUE, linewidth=1.6)
    failed: dict[str, Any] = {"color": style.VERMILION, "linestyle": dashed}
    direct.plot(middle, run.direct_failed_rps, linewidth=1.6, **failed)
    key(direct, [("—", "answered", style.BLUE), ("--", "failed", style.VERMILION)])
    most = 1.15 * max(float(run.backlog.max()), float(fluid_jobs.max()), 10)
    backlog.set(
        title="Through a queue: work waits, nobody fails",
        xlim=(0, HORIZON_S),
        ylim=(0, step_up(most, (50, 200, 500, 1_000, 2_000, 5_000, 12_000))),
        xlabel="time (s)",
        ylabel="jobs waiting",
    )
    backlog.plot(ends, run.backlog, **style.SIMULATION)
    backlog.plot(ends, fluid_jobs, **style.THEORY)
    for ax in axes:
        ax.axvspan(OUTAGE_AT_S, run.at.end_s, color=style.FAINT, alpha=0.7, linewidth=0)
    key(backlog, [("—", "simulated", style.BLUE), ("--", "fluid model", style.INK)])
