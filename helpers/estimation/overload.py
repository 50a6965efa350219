"""Extreme load: what a server still gets done when more is asked than it can do.

Clients wait a second and no more, and the server, which does not know when a client has given up,
serves it all the same. Where that stops being true: clients who try again make it worse, and
servers that look at the clock make it better.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from math import inf
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, ring
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    number,
    option,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import significant
from helpers.foundations.queueing import fifo_waits
from helpers.foundations.statistics import (
    Interval,
    Intervals,
    seldom,
    skewed_interval,
    skewed_intervals,
)

#: Loads at which the curve is simulated, over capacity, and how long each lasts, seconds.
LOADS, RUN_S = (0.25, 0.5, 0.75, 0.9, 1.25, 1.5, 2.0, 2.5, 3.0), 30.0

#: Rooms to wait by name.
ROOMS = {"no limit": None, "5 requests": 5, "20 requests": 20}

#: Service time of the server and the client's patience, seconds.
SERVICE_S, PATIENCE_S = 0.1, 1.0

_CAPACITY_RPS = 1 / SERVICE_S
_NEAR = (0.95, 1.2)  # loads between which there is no theory for a line without limit


class Setting(Parameters):
    """A server, and more requests than it may be able to serve."""

    load: float = number(0.9, "Load offered", unit="times capacity", at_least=0.1, at_most=3)
    room: str = option(
        "no limit", "Room to wait for", of=tuple(ROOMS), note="Who finds it full is turned away."
    )
    replications: int = replications(12, note="Runs of 30 s at each load.")
    seed: int = seed()


@takes(Setting)
def simulate(at: Setting) -> Overload:
    """Send half a minute of requests at nine loads and at the one asked for.

    The server starts in its steady state, and idle where it has none. All loads and rooms meet the
    same draws. Where hardly anybody is answered in time, a few runs hold most of the answers:
    hence intervals for skewed samples.
    """
    curve = _goodput(LOADS, at.room, at.replications, at.seed)
    here = _goodput((at.load,), at.room, at.replications, at.seed)
    return Overload(at, skewed_intervals(curve), skewed_interval(here[:, 0]), here[:, 0])


@lru_cache(maxsize=64)
def _goodput(loads: tuple[float, ...], room: str, replications: int, seed: int) -> np.ndarray:
    """Answers in time over capacity of each run, shape (replications, loads)."""
    # Every load meets the same draws, and needs so many of them.
    most = _count(max(loads))
    gaps, services = (draw[:most] for draw in _draws(replications, seed))
    loads_ = np.tile(loads, replications)  # one column for each run and load
    arrivals = np.cumsum(gaps, axis=0).repeat(len(loads), axis=1) / (_CAPACITY_RPS * loads_)
    work = np.repeat(services * SERVICE_S, len(loads), axis=1)
    first, initial = (draw.repeat(len(loads), axis=-1) for draw in _starts(replications, seed))
    limit = ROOMS[room]
    if limit is None:
        # The steady state of M/M/1 is an exponential backlog, or none.
        busy = (first < loads_) & (loads_ < 1)
        backlog = np.where(busy, SERVICE_S * initial[0] / np.where(busy, 1 - loads_, 1.0), 0.0)
        lines = np.vstack([np.zeros(len(loads_)), arrivals])
        works = np.vstack([backlog, work])
        responses = (fifo_waits(lines.T, works.T, 1).T + works)[1:]
    else:
        responses = _bounded(arrivals, work, limit, _leave(loads_, limit, first, initial))
    good = (arrivals < RUN_S) & (responses <= PATIENCE_S)
    shares = good.sum(axis=0) / (RUN_S * _CAPACITY_RPS)
    found = shares.reshape(replications, len(loads))
    found.setflags(write=False)
    return found


def _leave(loads: np.ndarray, room: int, first: np.ndarray, initial: np.ndarray) -> np.ndarray:
    """When those leave who are there at the start, the oldest first; 0 for empty places."""
    k = np.arange(room + 2)[:, np.newaxis]
    shares = np.cumsum(loads ** (k - np.where(loads > 1, room + 1, 0)), axis=0)
    present = (first > shares / shares[-1]).sum(axis=0)  # M/M/1/K's steady state
    place = np.arange(room + 1)[:, np.newaxis] - (room + 1 - present)
    services = np.where(place >= 0, SERVICE_S * initial[: room + 1], 0.0)
    return np.cumsum(services, axis=0) * (place >= 0)


def _bounded(arrivals: np.ndarray, work: np.ndarray, room: int, leave: np.ndarray) -> np.ndarray:
    """Response times with room for so many to wait; infinite for those turned away.

    Few short runs: a plain loop over each is quicker than arrays across them.
    """
    responses = np.full(arrivals.shape, np.inf)
    for column, present in enumerate(leave.T.tolist()):
        # When each of the last 1 + room requests let in leaves, the oldest first.
        leaving = deque(present, maxlen=1 + room)
        last, times = present[-1], []
        path = arrivals[:, column]
        count = int(np.searchsorted(path, RUN_S))
        services = work[:count, column].tolist()
        for now, service in zip(path[:count].tolist(), services, strict=True):
            if leaving[0] > now:
                times.append(inf)
                continue
            last = (last if last > now else now) + service
            leaving.append(last)
            times.append(last - now)
        responses[:count, column] = times
    return responses


@lru_cache(maxsize=8)
def _starts(replications: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Uniform numbers, and service times of up to 21 requests present at the start."""
    draw = Draws(seed)
    draws = (
        draw("present").random(replications),
        draw("first services").standard_exponential((21, replications)),
    )
    for each in draws:
        each.setflags(write=False)
    return draws


def _count(load: float) -> int:
    """Arrivals that a run at a load can have, but for one run in some millions."""
    mean = RUN_S * _CAPACITY_RPS * load
    return int(mean + 5 * np.sqrt(mean)) + 5


@lru_cache(maxsize=8)
def _draws(replications: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = Draws(seed)
    size = (replications, _count(LOADS[-1]))
    arrivals = np.ascontiguousarray(draw("arrivals").standard_exponential(size).T)
    services = np.ascontiguousarray(draw("services").standard_exponential(size).T)
    for each in (arrivals, services):
        each.setflags(write=False)
    return arrivals, services


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, load: float | None = None) -> float | None:
    """Answers in time over capacity; None so near to capacity that neither model applies.

    Without a limit the steady state takes longer to reach than the run, and the fluid ignores
    chance, where chance is all that matters.
    """
    load = at.load if load is None else load
    if ROOMS[at.room] is None and _NEAR[0] < load < _NEAR[1]:
        return None
    return goodput(load, ROOMS[at.room])


def goodput(load: float, room: int | None) -> float:
    """Answers in time over capacity, at a load over capacity, with so much room.

    With room for K requests in all: M/M/1/K, where those let in find k others with probability
    ``p_k / (1 - p_K)`` and take an Erlang(k + 1) time; Kleinrock, *Queueing Systems* vol. 1,
    1975, section 3.6. Without limit and below capacity: M/M/1, ``P(R <= t) = 1 - exp(-(mu -
    lambda) t)``. Above it a fluid: the line grows by ``(load - 1)`` a second, and answers come in
    time only to those who arrive in the first ``t / (load - 1)`` seconds.

    Raises
    ------
    ValueError
        If there is no limit and the load is exactly 1.
    """
    patience = PATIENCE_S / SERVICE_S
    if room is None:
        if load == 1:
            raise ValueError("load must not be 1 without a limit: there is no steady state")
        if load < 1:
            return load * -math.expm1(-(1 - load) * patience)
        in_time = min((PATIENCE_S - SERVICE_S) / (load - 1), RUN_S)
        return load * in_time / RUN_S
    capacity = 1 + room
    k = np.arange(capacity + 1)
    weights = load ** (k - capacity).astype(float) if load > 1 else load ** k.astype(float)
    shares = weights / weights.sum()
    # P[Erlang(k + 1) <= t] is the chance of more than k Poisson events by then.
    at_most = np.cumsum(np.exp(k * math.log(patience) - patience - _log_factorials(capacity)))
    return float(load * np.sum(shares[:-1] * (1 - at_most[:-1])))


def _log_factorials(n: int) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])


# --- what it says ---------------------------------------------------------------------------------


class Overload(Result):
    """Goodput of one server, answers within a second over capacity, at :data:`LOADS` and here."""

    at: Setting
    goodput: Intervals
    here: Interval
    runs: np.ndarray  # what each run gave that `here` is of

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        found: dict[str, float | int | str] = {
            "offered_rps": self.at.load * _CAPACITY_RPS,
            "goodput_rps": self.here.estimate * _CAPACITY_RPS,
            "goodput_percent_of_capacity": 100 * self.here.estimate,
        }
        if exact is not None:
            found["theory_goodput_rps"] = exact * _CAPACITY_RPS
        return found

    @property
    def reading(self) -> str:
        exact = theory(self.at)
        said = (
            f"Asked for {significant(self.at.load * _CAPACITY_RPS)} requests/s, a server that can "
            f"do {significant(_CAPACITY_RPS)} answers "
            f"{significant(self.here.estimate * _CAPACITY_RPS)} a second in time, with room "
            f"to wait for {self.at.room}; "
        )
        if exact is None:
            return (
                f"{said}so near to capacity neither the steady state nor the fluid model applies."
            )
        inside = "inside" if self.here.contains(exact) else "outside"
        kind = "the fluid model" if self.at.room == "no limit" and self.at.load > 1 else "theory"
        says = significant(exact * _CAPACITY_RPS)
        few = seldom(self.runs, "nobody was answered in time")
        return f"{said}{kind} says {says}, {inside} the 95 % interval.{few}"

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "load": LOADS,
            "goodput": self.goodput.estimate,
            "from": self.goodput.low,
            "to": self.goodput.high,
            "theory": [goodput(load, ROOMS[self.at.room]) for load in LOADS],
        }


def plot(run: Overload, ax: Axes) -> None:
    """Draw goodput against load, both over capacity."""
    ax.set_title("Goodput under extreme load")
    ax.set_xlim(0, 3.1)
    ax.set_ylim(0, 1.2)
    ax.set_xlabel("load offered (times capacity)")
    ax.set_ylabel("answered in time (times capacity)")
    ax.plot([0, 1, 3.1], [0, 1, 1], color=style.GHOST, linewidth=1.6)
    ax.text(3.05, 1.03, "what capacity allows", color=style.MUTED, fontsize=9, ha="right")
    ax.axvline(1, color=style.MUTED, linewidth=1.0, linestyle=":")
    low, high = _NEAR if ROOMS[run.at.room] is None else (1.0, 1.0)
    for loads in (np.linspace(0.1, low, 23), np.linspace(high, 3, 34)):
        exact = [goodput(load, ROOMS[run.at.room]) for load in loads.tolist()]
        ax.plot(loads, exact, **style.THEORY)
    error_bars(ax, LOADS, run.goodput, **style.DOTS)
    error_bars(ax, run.at.load, run.here, **(style.DOTS | {"color": style.INK, "marker": ""}))
    ring(ax, run.at.load, run.here.estimate)
