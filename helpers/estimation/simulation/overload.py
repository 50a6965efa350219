"""Extreme load: what a server still gets done when more is asked than it can do."""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from helpers.estimation.theory.overload import PATIENCE_S, SERVICE_S, theory_overload
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.queueing import fifo_waits
from helpers.foundations.statistics import Interval, Intervals, mean_interval, mean_intervals
from helpers.foundations.traffic.streams import streams

if TYPE_CHECKING:
    import pandas as pd

#: Loads at which the curve is simulated, over capacity, and how long each lasts, seconds.
LOADS, RUN_S = (0.25, 0.5, 0.75, 0.9, 1.25, 1.5, 2.0, 2.5, 3.0), 30.0

#: Rooms to wait by name.
ROOMS = {"no limit": None, "5 requests": 5, "20 requests": 20}

_CAPACITY_RPS = 1 / SERVICE_S
_NEAR = (0.95, 1.2)  # loads between which there is no theory for a line without limit


class OverloadResult(Result):
    """Goodput of one server against load, over its capacity.

    Attributes
    ----------
    load, room
        The parameters it was made with.
    grid : numpy.ndarray, shape (9,)
        Loads simulated.
    goodput : Intervals
        Answers within a second over capacity, at each of them; shape (9,).
    here : Interval
        The same at `load`.
    theory : float or None
        Its closed form at `load`; the fluid's above capacity if there is no limit. None so near
        to capacity that neither applies.
    curve : numpy.ndarray, shape (m, 2)
        Load and theory's goodput.
    """

    load: float
    room: str
    grid: np.ndarray
    goodput: Intervals
    here: Interval
    theory: float | None
    curve: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {
            "offered_rps": self.load * _CAPACITY_RPS,
            "goodput_rps": float(self.here.estimate) * _CAPACITY_RPS,
            "goodput_percent_of_capacity": 100 * float(self.here.estimate),
        }
        if self.theory is not None:
            found["theory_goodput_rps"] = self.theory * _CAPACITY_RPS
        return found

    @property
    def reading(self) -> str:
        said = (
            f"Asked for {significant(self.load * _CAPACITY_RPS)} requests/s, a server that can do "
            f"{significant(_CAPACITY_RPS)} answers "
            f"{significant(float(self.here.estimate) * _CAPACITY_RPS)} a second in time, with room "
            f"to wait for {self.room}; "
        )
        if self.theory is None:
            return (
                f"{said}so near to capacity neither the steady state nor the fluid model applies."
            )
        inside = "inside" if self.here.contains(self.theory) else "outside"
        kind = "the fluid model" if self.room == "no limit" and self.load > 1 else "theory"
        says = significant(self.theory * _CAPACITY_RPS)
        return f"{said}{kind} says {says}, {inside} the 95 % interval."

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "load": self.grid,
                "goodput": self.goodput.estimate,
                "from": self.goodput.low,
                "to": self.goodput.high,
                "theory": [
                    theory_overload(load=x, room=ROOMS[self.room], run_s=RUN_S) for x in self.grid
                ],
            }
        ).set_index("load")


def simulate_overload(
    *, load: float = 0.9, room: str = "no limit", replications: int = 12, seed: int = 1
) -> OverloadResult:
    """Send a server more and more, for half a minute, from clients that wait a second and no more.

    Parameters
    ----------
    load : float
        Arrival rate over capacity; 0.1 to 3.
    room : {"no limit", "5 requests", "20 requests"}
        How many may wait; who finds it full is turned away at once.
    replications : int
        Runs of 30 s at each load; >= 2.
    seed : int
        Seed of arrivals and services; >= 0. All loads and rooms meet the same draws.

    Returns
    -------
    OverloadResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The server starts in its steady state, and idle where it has none. It does not know when a
    client has given up, and serves it all the same.
    """
    load = validation.number("load", load, at_least=0.1, at_most=3)
    validation.one_of("room", room, ROOMS)
    replications = validation.integer("replications", replications, at_least=2)
    seed = validation.integer("seed", seed, at_least=0)
    curve = _goodput(LOADS, room, replications, seed)
    here = _goodput((load,), room, replications, seed)
    # Without a limit the steady state takes longer to reach than the run, and the fluid ignores
    # chance, where chance is all that matters.
    low, high = _NEAR if ROOMS[room] is None else (1.0, 1.0)
    xs = [*np.linspace(0.1, low, 23), *np.linspace(high, 3, 34)]
    known = not low < load < high
    return OverloadResult(
        load=load,
        room=room,
        grid=np.array(LOADS),
        goodput=mean_intervals(curve),
        here=mean_interval(here[:, 0]),
        theory=theory_overload(load=load, room=ROOMS[room], run_s=RUN_S) if known else None,
        curve=np.array([(x, theory_overload(load=x, room=ROOMS[room], run_s=RUN_S)) for x in xs]),
    )


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
    rng = streams(seed, "present", "first services")
    draws = (
        rng["present"].random(replications),
        rng["first services"].standard_exponential((21, replications)),
    )
    for draw in draws:
        draw.setflags(write=False)
    return draws


def _count(load: float) -> int:
    """Arrivals that a run at a load can have, but for one run in some millions."""
    mean = RUN_S * _CAPACITY_RPS * load
    return int(mean + 5 * np.sqrt(mean)) + 5


@lru_cache(maxsize=8)
def _draws(replications: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = streams(seed, "arrivals", "services")
    size = (replications, _count(LOADS[-1]))
    draws = (rng["arrivals"].standard_exponential(size), rng["services"].standard_exponential(size))
    columns = tuple(np.ascontiguousarray(draw.T) for draw in draws)
    for draw in columns:
        draw.setflags(write=False)
    return columns  # type: ignore[return-value]
