"""A rolling deploy: servers that are replaced a few at a time, while requests keep coming.

Each batch is out for five seconds; a server finishes the request it is working on before it goes.
Where that stops being true: a new version may start slowly, and a loss on top takes one more.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from heapq import heappop, heappush, heapreplace
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import curves, note, yours
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import (
    Mine,
    Parameters,
    Result,
    flag,
    integer,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import duration, significant
from helpers.why.changing_fleet import mean_by_time, mean_over_runs, run_changing

#: Mean service time, and time each batch is out, seconds.
SERVICE_S, BATCH_S = 0.4, 5.0
#: When the deploy begins, and how long is watched after its end, seconds.
DEPLOY_S, AFTER_S = 5.0, 10.0
#: When one of the others dies, if one does, for good; seconds.
DIES_S = 8.0

_STEP_S = 0.5


class Setting(Parameters):
    """A fleet behind one queue, and how it is replaced."""

    servers: int = integer(6, "Servers", at_least=2, at_most=12)
    batch: int = integer(2, "Replaced at a time", at_least=1)
    utilisation: float = number(0.6, "Utilisation", above=0, below=1)
    dies: bool = flag(False, "One of the others dies meanwhile")
    replications: int = replications(12)
    seed: int = seed()

    def agree(self) -> None:
        if self.batch > self.servers - self.dies:
            others = " less the one that dies" if self.dies else ""
            raise ValueError(
                f"batch must be at most servers ({self.servers}{others}), got {self.batch}"
            )

    @property
    def sizes(self) -> list[int]:
        """How many servers each batch takes out."""
        whole, rest = divmod(self.servers, self.batch)
        return [self.batch] * whole + [rest] * bool(rest)

    @property
    def rate_rps(self) -> float:
        """Requests per second."""
        return self.utilisation * self.servers / SERVICE_S

    @property
    def deploy_s(self) -> float:
        """How long the deploy takes, seconds."""
        return BATCH_S * len(self.sizes)

    @property
    def end_s(self) -> float:
        """When the run ends, seconds."""
        return DEPLOY_S + self.deploy_s + AFTER_S


# --- the model: what the page shows, and a learner changes ----------------------------------------


def rolling_deploy(at, draw):
    """Serve in order, whoever is free first; meanwhile a few servers at a time are out."""
    plan = []  # when how many come back (+) or go (-)
    for batch, size in enumerate(at.sizes):
        begins = 5.0 + 5.0 * batch
        plan += [(begins, -size), (begins + 5.0, +size)]
    now, end, out = -24.0, plan[-1][0] + 10.0, []
    free = [now] * at.servers  # when each server will have done what it has begun
    waited = [[] for _ in range(int(end / 2.5))]
    while (now := now + draw("arrivals").exponential(1 / at.rate_rps)) < end:
        while plan and (not free or plan[0][0] <= max(now, free[0])):
            moment, change = plan.pop(0)
            for _ in range(-change):
                out.append(heappop(free))
            for _ in range(change):
                heappush(free, max(moment, out.pop(0)))
        start = max(now, free[0])
        heapreplace(free, start + draw("services").exponential(0.4))
        if 0 <= now < 2.5 * len(waited):
            waited[int(now / 2.5)].append(start - now)
    means = [np.mean(waits) if waits else np.nan for waits in waited]
    return {"time_s": 2.5 * np.arange(len(means)) + 1.25, "wait_s": np.array(means)}


@takes(Setting)
def simulate(at: Setting) -> Rolling:
    """Serve random arrivals before, during and after the deploy."""
    changes: list[tuple[float, int]] = []
    for i, size in enumerate(at.sizes):
        changes += [(DEPLOY_S + i * BATCH_S, -size), (DEPLOY_S + (i + 1) * BATCH_S, size)]
    if at.dies:
        changes.insert(1, (DIES_S, -1))  # the first batch is out by then
    runs = run_changing(
        at.rate_rps, SERVICE_S, at.servers, changes, at.end_s, at.replications, at.seed
    )
    return Rolling(at, wait_s=mean_by_time(runs, _edges_s(at)))


def _edges_s(at: Setting) -> np.ndarray:
    return np.arange(0.0, at.end_s + _STEP_S / 2, _STEP_S)


def _in_service(at: Setting) -> np.ndarray:
    """How many servers are in service in each half second."""
    time_s = _edges_s(at)[:-1] + _STEP_S / 2
    step = np.floor((time_s - DEPLOY_S) / BATCH_S).astype(int)
    inside = (step >= 0) & (step < len(at.sizes))
    out = np.where(inside, np.array(at.sizes)[np.clip(step, 0, len(at.sizes) - 1)], 0)
    return np.asarray(at.servers - out - (at.dies & (time_s > DIES_S)))


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """What a rolling deploy does to capacity.

    Attributes
    ----------
    capacity : float
        Share of the servers in service meanwhile, ``(n - k) / n``; a death makes k one more.
    backlog : float
        Requests that wait at its end if the rest cannot keep up (fluid approximation), else 0.
    wait_s : numpy.ndarray, shape (half seconds,)
        The wait of whoever comes then: the steady state's (M/M/c), or the time that the fluid
        backlog takes, whichever is longer, seconds.
    """

    capacity: float
    backlog: float
    wait_s: np.ndarray


@lru_cache(maxsize=64)
def theory(at: Setting) -> Theory:
    """Capacity, and the fluid backlog: arrivals less what the remaining servers can do.

    If k does not divide n the last batch is smaller, and what it leaves running counts.
    """
    backlog = 0.0
    until = round((DEPLOY_S + at.deploy_s) / _STEP_S)
    for left in _in_service(at)[:until].tolist():
        backlog = max(0.0, backlog + (at.rate_rps - left / SERVICE_S) * _STEP_S)
    left = at.servers - at.batch - at.dies
    return Theory(left / at.servers, backlog, _fluid_wait_s(at))


def _fluid_wait_s(at: Setting) -> np.ndarray:
    """The wait of :class:`Theory`.

    With all servers out a request waits for the end of the outage and then for those before it.
    """
    backlog, found, left = 0.0, [], _in_service(at)
    for i, count in enumerate(left.tolist()):
        steady = 0.0
        if at.rate_rps * SERVICE_S < count:
            steady = float(queueing.mmc_wait(at.rate_rps, SERVICE_S, count))
        middle = max(0.0, backlog + (at.rate_rps - count / SERVICE_S) * _STEP_S / 2)
        backlog = max(0.0, backlog + (at.rate_rps - count / SERVICE_S) * _STEP_S)
        found.append(max(steady, _drain_s(middle, left[i:])))
    return np.array(found)


def _drain_s(backlog: float, left: np.ndarray) -> float:
    """Time until the servers have started on a backlog, as they come and go, seconds."""
    waited = 0.0
    for i, count in enumerate(left.tolist()):
        span = _STEP_S / 2 if i == 0 else _STEP_S
        can = count / SERVICE_S * span
        if can >= backlog:
            return waited + (span * backlog / can if backlog else 0.0)
        backlog -= can
        waited += span
    return waited + backlog * SERVICE_S / max(float(left[-1]), 1.0)


# --- what it says ---------------------------------------------------------------------------------


class Rolling(Result):
    """Mean wait of the requests of each half second and run, seconds; (replications, slots)."""

    at: Setting
    wait_s: np.ndarray

    @property
    def mean_wait_s(self) -> np.ndarray:
        """Mean over the runs, shape (slots,); NaN where no run saw a request."""
        return mean_over_runs(self.wait_s)

    @property
    def time_s(self) -> np.ndarray:
        """Middle of each half second."""
        return _edges_s(self.at)[:-1] + _STEP_S / 2

    @property
    def capacity(self) -> np.ndarray:
        """Share of the servers in service in each half second."""
        return _in_service(self.at) / self.at.servers

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "capacity_percent": 100 * exact.capacity,
            "offered_percent": 100 * self.at.utilisation / exact.capacity
            if exact.capacity
            else "no server left",
            "deploy_s": self.at.deploy_s,
            "worst_wait_ms": 1e3 * float(np.nanmax(self.mean_wait_s)),
            "fluid_backlog": exact.backlog,
        }

    @property
    def reading(self) -> str:
        exact = theory(self.at)
        worst = duration(max(float(np.nanmax(self.mean_wait_s)), 0.0))
        dead = " and one dead" if self.at.dies else ""
        first = (
            f"With {self.at.batch} of {self.at.servers} servers out at a time{dead} "
            f"{significant(100 * exact.capacity)} % of the capacity is left for traffic "
            f"that needs {significant(100 * self.at.utilisation)} %"
        )
        length = duration(self.at.deploy_s)
        if exact.capacity > self.at.utilisation:
            return f"{first}: the deploy takes {length} and requests wait {worst} at worst."
        badly = "This afternoon ends badly: " if self.at.dies else ""
        piled = significant(exact.backlog)
        return (
            f"{badly}{first[0].lower() if badly else first[0]}{first[1:]}: in {length} about "
            f"{piled} {'request piles' if piled == '1' else 'requests pile'} up "
            f"(fluid approximation), and requests wait {worst} at worst."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "time (s)": self.time_s,
            "capacity": self.capacity,
            "wait (ms)": 1e3 * self.mean_wait_s,
            "theory (ms)": 1e3 * theory(self.at).wait_s,
        }


_TOPS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)


@style.panels(1, 2, height_ratios=[1, 2.2])
def plot(run: Rolling, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw the capacity during a rolling deploy, and how long requests wait."""
    capacity, ax = axes
    exact, time_s = theory(run.at), run.time_s
    end = step_up(float(time_s[-1]), (30.0, 45.0, 60.0, 76.0))
    capacity.set_title("Capacity while servers are replaced")
    capacity.set_ylim(0, 110)
    capacity.set_yticks([0, 50, 100])
    capacity.set_ylabel("% in service")
    capacity.set_xlim(0, end)
    capacity.step(time_s, 100 * run.capacity, where="mid", **style.SIMULATION)
    needed = 100 * run.at.utilisation
    capacity.axhline(needed, color=style.VERMILION, linestyle=(0, (5, 1.5)))
    below = needed > 30
    style.label(
        capacity, end, needed, "needed", style.VERMILION, ha="right",
        xytext=(-4, -8 if below else 8),
    )  # fmt: skip
    ax.set_title("Wait of requests, by when they came")
    ax.set_xlim(0, end)
    ax.set_xlabel("time (s)")
    ax.set_ylabel("wait (s)")
    for moment in (DEPLOY_S, DEPLOY_S + run.at.deploy_s):
        ax.axvline(moment, color=style.MUTED, linewidth=1.0)
    curves(ax, time_s, run.wait_s[:6], color=style.SKY, linewidth=0.8, alpha=0.6)
    ax.plot(time_s, run.mean_wait_s, **style.SIMULATION)
    ax.plot(time_s, exact.wait_s, **style.THEORY)
    top = max(float(np.nanmax(run.mean_wait_s)), float(exact.wait_s.max()))
    if mine is not None:
        yours(ax, mine["time_s"], mine["wait_s"])
        top = max(top, float(np.nanmax(np.append(mine["wait_s"], 0.0))))
    ax.set_ylim(0, step_up(1.22 * top, _TOPS))  # clear of the key
    note(ax, 0.98, 0.96, "— mean of the runs", style.BLUE, ha="right")
    note(ax, 0.98, 0.88, "- - theory: if it lasted, or the fluid backlog", style.BLACK, ha="right")
