"""A bounded queue that forgets: short waits, nobody refused, and work that is nowhere.

The suspect keeps its line in a container of limited length, which makes room for a newcomer by
dropping the oldest without a word; the repair refuses the newcomer and says so. Where that stops
being true: dropping the oldest may well be what you want, when old work is worthless; then it must
be counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, yours
from helpers.foundations.drawing.scales import coarse
from helpers.foundations.events import Log
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, rounded
from helpers.foundations.suspects import Suspect
from helpers.studio.beside import both, who

#: Jobs of a run, and rates at which both models are run.
JOBS = 2_000
RATES = (20.0, 40.0, 50.0, 60.0, 80.0, 100.0, 120.0)

_SHOWN = 40  # jobs of the replay


class Setting(Parameters):
    """A worker, and a line with room for so many jobs."""

    rate_rps: float = number(75.0, "Jobs that come", unit="per s", at_least=1, at_most=120)
    capacity_rps: float = number(50.0, "Jobs it can do", unit="per s", at_least=1, at_most=120)
    room: int = integer(100, "Room in the line", at_least=1, at_most=1_000)
    seed: int = seed()


# --- the suspect, and its repair ------------------------------------------------------------------


def bounded_line(at, draw):
    """Jobs come, wait in a line of limited length, and are done one at a time."""
    came = np.cumsum(draw("gaps").exponential(1 / at.rate_rps, JOBS)).tolist()
    work = draw("work").exponential(1 / at.capacity_rps, JOBS).tolist()
    line, free, done, refused, waited_s = deque(maxlen=at.room), 0.0, 0, 0, 0.0
    for job in range(JOBS):
        while line and free <= came[job]:
            first = line.popleft()
            start = max(free, came[first])
            free, done, waited_s = start + work[first], done + 1, waited_s + start - came[first]
        line.append(job)
    return {"came": JOBS, "done": done, "refused": refused, "waiting": len(line),
            "mean_wait_s": waited_s / max(done, 1), "room": at.room}  # fmt: skip


def honest_queue(at, draw):
    """The same jobs; whoever finds no room is refused, and counted."""
    came = np.cumsum(draw("gaps").exponential(1 / at.rate_rps, JOBS)).tolist()
    work = draw("work").exponential(1 / at.capacity_rps, JOBS).tolist()
    line, free, done, refused, waited_s = deque(), 0.0, 0, 0, 0.0
    for job in range(JOBS):
        while line and free <= came[job]:
            first = line.popleft()
            start = max(free, came[first])
            free, done, waited_s = start + work[first], done + 1, waited_s + start - came[first]
        if len(line) == at.room:
            refused += 1
        else:
            line.append(job)
    return {"came": JOBS, "done": done, "refused": refused, "waiting": len(line),
            "mean_wait_s": waited_s / max(done, 1), "room": at.room}  # fmt: skip


SUSPECT = Suspect(
    bounded_line,
    honest_queue,
    tuple(
        Setting(rate_rps=rate, room=room)
        for rate, room in ((30.0, 100), (45.0, 1_000), (75.0, 100), (120.0, 10))
    ),
)


@takes(Setting)
def simulate(at: Setting) -> TwoQueues:
    """Run both queues at the chosen rate and at :data:`RATES`."""
    sweep, pair = _sweep(at.but(rate_rps=50.0)), _pair(at)
    return TwoQueues(at, sweep[:, 0], sweep[:, 1], pair[0], pair[1])


@lru_cache(maxsize=64)
def _sweep(at: Setting) -> np.ndarray:
    return np.array([_pair(at.but(rate_rps=rate)) for rate in RATES])


def _pair(at: Setting) -> np.ndarray:
    """For each queue: jobs neither done nor waiting, of them counted as refused, mean wait."""
    runs = [model(at, Draws(at.seed)) for model in (bounded_line, honest_queue)]
    return np.array(
        [(r["came"] - r["done"] - r["waiting"], r["refused"], r["mean_wait_s"]) for r in runs]
    )


# --- the suspect's first jobs, one by one ---------------------------------------------------------


@takes(Setting)
def watch(at: Setting) -> Log:
    """Follow the suspect's first forty jobs."""
    draw = Draws(at.seed)
    came = np.cumsum(draw("gaps").exponential(1 / at.rate_rps, JOBS))[:_SHOWN]
    work = draw("work").exponential(1 / at.capacity_rps, JOBS)[:_SHOWN]
    starts, ends, gone = (np.full(_SHOWN, np.nan) for _ in range(3))
    line: deque[int] = deque()
    free = 0.0
    for job in range(_SHOWN + 1):
        now = came[job] if job < _SHOWN else np.inf
        while line and free <= now:
            first = line.popleft()
            starts[first] = max(free, came[first])
            ends[first] = free = starts[first] + work[first]
        if job < _SHOWN:
            line.append(job)
        if len(line) > at.room:
            gone[line.popleft()] = now
    log = Log(f"A line with room for {at.room}", noun="job")
    log.place("users", "source").place("line", "queue").place("worker", "servers")
    log.place("done", "sink", words="is done")
    log.serves("line", "worker", came, starts, ends, gone_s=np.where(np.isnan(gone), came, gone),
               why="a newer job took its place", start="users", then="done")  # fmt: skip
    return log.counts("line", "waiting in line")


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Jobs for which there is no room, and the wait in a full line, repaired and suspect."""

    without_room: float
    honest_wait_s: float
    suspect_wait_s: float


def theory(at: Setting, rate_rps: float | None = None) -> Theory:
    """A fluid: what comes beyond what is done fills the line, and the rest has no room.

    Kleinrock, *Queueing Systems* vol. 2, 1976, chapter 2. A full line moves up by what is done;
    where the oldest are dropped, too, it moves up by what comes (Little's law of the line).
    """
    rate = at.rate_rps if rate_rps is None else rate_rps
    beyond = JOBS * max(0.0, 1 - at.capacity_rps / rate)
    return Theory(max(0.0, beyond - at.room), at.room / at.capacity_rps, at.room / rate)


# --- what it says ---------------------------------------------------------------------------------


class TwoQueues(Result):
    """What became of the jobs.

    Attributes
    ----------
    claimed, honest : numpy.ndarray, shape (rates, 3)
        Jobs that are neither done nor waiting, how many of them were counted as refused, and the
        mean wait, seconds, at each of :data:`RATES`.
    claimed_here, honest_here : numpy.ndarray, shape (3,)
        The same at the chosen rate.
    """

    at: Setting
    claimed: np.ndarray
    honest: np.ndarray
    claimed_here: np.ndarray
    honest_here: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "suspect_wait_s": rounded(self.claimed_here[2]),
            "repaired_wait_s": rounded(self.honest_here[2]),
            "suspect_without_a_trace": int(self.claimed_here[0] - self.claimed_here[1]),
            "repaired_refused": int(self.honest_here[1]),
            "fluid_without_room": rounded(theory(self.at).without_room),
        }

    @property
    def reading(self) -> str:
        lost = int(self.claimed_here[0] - self.claimed_here[1])
        gone = f"{lost:,} of them {'is' if lost == 1 else 'are'}" if lost else "none of them is"
        return (
            f"Of {JOBS:,} jobs the suspect refuses none, and those that it does wait for "
            f"{duration(self.claimed_here[2])} on average; {gone} neither done nor waiting. The "
            f"repair refuses {counted(int(self.honest_here[1]), 'job')}, and those that it does "
            f"wait for {duration(self.honest_here[2])}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "jobs per s": RATES,
            "suspect: gone": self.claimed[:, 0],
            "suspect: counted": self.claimed[:, 1],
            "suspect: wait (s)": self.claimed[:, 2],
            "repaired: gone": self.honest[:, 0],
            "repaired: counted": self.honest[:, 1],
            "repaired: wait (s)": self.honest[:, 2],
            "no room (fluid)": [theory(self.at, rate).without_room for rate in RATES],
        }


@style.panels(2)
def plot(run: TwoQueues, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw what each queue says: refused jobs, and mean waits."""
    at, (ax, wait) = run.at, axes
    both(ax, RATES, run.claimed[:, 1], run.honest[:, 1])
    rates = np.linspace(1, 120, 120)
    ax.plot(rates, [theory(at, rate).without_room for rate in rates], **style.THEORY)
    ax.set_ylim(-60, 1.3 * JOBS)
    ax.set_title("Jobs said to be refused")
    ax.set_ylabel("jobs")
    both(wait, RATES, run.claimed[:, 2], run.honest[:, 2])
    top = coarse(1.2 * max(float(run.honest[:, 2].max()), float(run.claimed[:, 2].max()), 1e-3))
    wait.set_ylim(-0.02 * top, top)
    wait.set_title("Mean wait")
    wait.set_ylabel("s")
    for each in axes:
        each.set_xlim(0, 125)
        each.set_xlabel("jobs that come (per s)")
        here(each, at.rate_rps)
    who(ax, "no room for so many (fluid)")
    if mine is not None:
        yours(ax, at.rate_rps, mine["refused"])
        yours(wait, at.rate_rps, mine["mean_wait_s"])
