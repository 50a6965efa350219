"""A response time from a formula: smooth, plausible, and the same servers do more than they can.

Requests come at random to a few servers. The suspect lets each take its service time, stretched by
a formula of the load; the repair lets it wait for a server. Where that stops being true: both are
right while the servers are hardly used, and a formula fitted to measurements may be right up to
where they end.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, log_axis, yours
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
from helpers.foundations.prose import counted, duration, finite_or, percent, rounded
from helpers.foundations.suspects import Suspect
from helpers.studio.beside import both, who

#: Requests of a run.
REQUESTS = 4_000
#: Loads at which both models are run.
LOADS = (0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0)


class Setting(Parameters):
    """A few servers, and how much is asked of them."""

    load: float = number(
        1.2, "Load", above=0, at_most=2, note="What is asked over what all servers can do."
    )
    servers: int = integer(8, "Servers", at_least=1, at_most=32)
    service_ms: float = number(10.0, "Service time", unit="ms", above=0, at_most=1_000)
    seed: int = seed()

    @property
    def rate_rps(self) -> float:
        """Requests per second."""
        return self.load * self.servers / self.service_ms * 1e3


# --- the suspect, and its repair ------------------------------------------------------------------


def by_formula(at, draw):
    """Requests come at random; each takes its service time, and longer under load."""
    comes = np.cumsum(draw("gaps").exponential(1 / at.rate_rps, REQUESTS))
    work = draw("work").exponential(1e-3 * at.service_ms, REQUESTS)
    leaves = comes + work * (1 + at.load**2)
    return books(at, comes, work, leaves)


def waiting_in_line(at, draw):
    """The same requests; each waits for the first server that is free."""
    comes = np.cumsum(draw("gaps").exponential(1 / at.rate_rps, REQUESTS))
    work = draw("work").exponential(1e-3 * at.service_ms, REQUESTS)
    free, leaves = [0.0] * at.servers, []
    for came, takes_s in zip(comes.tolist(), work.tolist(), strict=True):
        done = max(came, free[0]) + takes_s
        heapq.heapreplace(free, done)
        leaves.append(done)
    return books(at, comes, work, np.array(leaves))


def books(at, comes, work, leaves):
    """Count what was seen until the last request came, times in seconds."""
    run_s = comes[-1]
    done = leaves <= run_s
    return {
        "run_s": run_s,
        "servers": at.servers,
        "came": len(comes),
        "answered": int(done.sum()),
        "work_s": work[done].sum(),
        "mean_s": (leaves - comes).mean(),
        "inside": (np.minimum(leaves, run_s) - comes).sum() / run_s,
    }


SUSPECT = Suspect(
    by_formula,
    waiting_in_line,
    tuple(
        Setting(load=load, servers=servers)
        for load, servers in ((0.1, 32), (0.9, 4), (1.2, 8), (2.0, 4))
    ),
)


@takes(Setting)
def simulate(at: Setting) -> TwoLatencies:
    """Run both models at the chosen load and at :data:`LOADS`."""
    sweep = _sweep(at.but(load=1.0))
    here_too = _pair(at)
    return TwoLatencies(at, sweep[0], sweep[1], here_too[0], here_too[1])


@lru_cache(maxsize=64)
def _sweep(at: Setting) -> np.ndarray:
    return np.array([_pair(at.but(load=load)) for load in LOADS]).transpose(1, 0, 2)


def _pair(at: Setting) -> np.ndarray:
    """Mean response time and share answered, of the suspect and of the repair."""
    runs = [model(at, Draws(at.seed)) for model in (by_formula, waiting_in_line)]
    return np.array([(run["mean_s"], run["work_s"] / run["run_s"] / at.servers) for run in runs])


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Mean response time, seconds, infinite from a load of 1 on; servers busy, as a share."""

    mean_s: float
    busy: float


def theory(at: Setting, load: float | None = None) -> Theory:
    """M/M/c in the steady state (Erlang 1917; Kleinrock, *Queueing Systems* vol. 1, 1975)."""
    wanted = at.load if load is None else load
    rate = wanted * at.servers / at.service_ms * 1e3
    if wanted >= 1:
        return Theory(math.inf, 1.0)
    return Theory(float(queueing.mmc_response(rate, 1e-3 * at.service_ms, at.servers)), wanted)


# --- what it says ---------------------------------------------------------------------------------


class TwoLatencies(Result):
    """What both models say.

    Attributes
    ----------
    claimed, honest : numpy.ndarray, shape (loads, 2)
        Mean response time, seconds, and work done over what the servers can do, at each of
        :data:`LOADS`.
    claimed_here, honest_here : numpy.ndarray, shape (2,)
        The same at the chosen load.
    """

    at: Setting
    claimed: np.ndarray
    honest: np.ndarray
    claimed_here: np.ndarray
    honest_here: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "suspect_ms": rounded(1e3 * self.claimed_here[0]),
            "repaired_ms": rounded(1e3 * self.honest_here[0]),
            "theory_ms": finite_or(rounded(1e3 * exact.mean_s), "grows for ever"),
            "suspect_busy_percent": rounded(100 * self.claimed_here[1]),
            "repaired_busy_percent": rounded(100 * self.honest_here[1]),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        mean = (
            f"queueing theory says {duration(exact.mean_s)} in the long run"
            if math.isfinite(exact.mean_s)
            else "in theory it grows for as long as this goes on"
        )
        return (
            f"{counted(at.servers, 'server')} {'is' if at.servers == 1 else 'are'} asked for "
            f"{percent(at.load)} of what can be done. The suspect does "
            f"{percent(self.claimed_here[1])} of it, in {duration(self.claimed_here[0])} a "
            f"request; with a line it is {percent(self.honest_here[1])}, in "
            f"{duration(self.honest_here[0])}; {mean}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "load": LOADS,
            "suspect (ms)": 1e3 * self.claimed[:, 0],
            "repaired (ms)": 1e3 * self.honest[:, 0],
            "theory (ms)": [1e3 * theory(self.at, load).mean_s for load in LOADS],
            "suspect busy": self.claimed[:, 1],
            "repaired busy": self.honest[:, 1],
        }


@style.panels(2)
def plot(run: TwoLatencies, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw the response time, and the work done, against the load."""
    at, (ax, work) = run.at, axes
    both(ax, LOADS, 1e3 * run.claimed[:, 0], 1e3 * run.honest[:, 0])
    loads = np.linspace(0.05, 0.99, 48)
    ax.plot(loads, [1e3 * theory(at, load).mean_s for load in loads], **style.THEORY)
    log_axis(ax, "y", at.service_ms / 2, 2e3 * at.service_ms)
    ax.set_title("Mean response time")
    ax.set_xlabel("load")
    ax.set_ylabel("ms")
    both(work, LOADS, run.claimed[:, 1], run.honest[:, 1])
    work.plot([0, 1, 2.1], [0, 1, 1], **style.THEORY)
    work.set_title("Work done")
    work.set_xlabel("load")
    work.set_ylabel("of what the servers can do")
    work.set_ylim(0, 2.3)
    for each in axes:
        each.set_xlim(0, 2.1)
        here(each, at.load)
    who(work, "theory")
    if mine is not None:
        yours(ax, at.load, 1e3 * mine["mean_s"])
        yours(work, at.load, mine["work_s"] / mine["run_s"] / at.servers)
