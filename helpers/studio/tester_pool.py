"""A load tester that starts its clock when it sends, not when it should have sent.

Requests are due at an even rate, and a pool of threads sends them; a thread waits for its answer.
The server stalls once. The suspect reports how long the threads waited, the repair counts from when
a request was due. Where that stops being true: with more threads than are ever due at once, nothing
is sent late and both agree.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, yours
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
from helpers.foundations.prose import counted, duration, rounded, significant
from helpers.foundations.suspects import Suspect
from helpers.studio.beside import both, who

#: Requests that are due in a second.
RATE_RPS = 100
#: Length of the test, seconds.
RUN_S = 30
#: When the stall begins, and how long an answer takes on average otherwise, seconds.
STALL_AT_S = 10.0
SERVICE_S = 0.005
#: Lengths of a stall at which both are tried, seconds.
STALLS_S = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0)


class Setting(Parameters):
    """A tester's threads, and a server that stalls once in half a minute."""

    stall_s: float = number(2.0, "Length of the stall", unit="s", at_least=0, at_most=5)
    threads: int = integer(10, "Threads of the tester", at_least=1, at_most=1_000)
    seed: int = seed()


# --- the suspect, and its repair ------------------------------------------------------------------


def answered(at, sent, work):
    """When the server answers; one that stalls begins when that is over."""
    stalled = STALL_AT_S <= sent < STALL_AT_S + at.stall_s
    return work + (STALL_AT_S + at.stall_s if stalled else sent)


def pool_of_threads(at, draw):
    """Send each request when it is due and a thread is free; time the answer."""
    work = draw("work").exponential(SERVICE_S, RATE_RPS * RUN_S).tolist()
    free, took, done = [0.0] * at.threads, [], []
    for request in range(RATE_RPS * RUN_S):
        due = request / RATE_RPS
        sent = max(due, free[0])
        answer = answered(at, sent, work[request])
        heapq.heapreplace(free, answer)
        took.append(answer - sent)
        done.append(answer)
    return report(took, done)


def tester_on_time(at, draw):
    """The same requests and threads; the clock starts when a request is due."""
    work = draw("work").exponential(SERVICE_S, RATE_RPS * RUN_S).tolist()
    free, took, done = [0.0] * at.threads, [], []
    for request in range(RATE_RPS * RUN_S):
        due = request / RATE_RPS
        answer = answered(at, max(due, free[0]), work[request])
        heapq.heapreplace(free, answer)
        took.append(answer - due)
        done.append(answer)
    return report(took, done)


def report(took, done):
    """What the tester says, and how many users were waiting, looked at every few milliseconds."""
    looks = np.arange(0, RUN_S, 0.0037)
    due = np.minimum(np.floor(looks * RATE_RPS) + 1, RATE_RPS * RUN_S)
    waiting = due - np.searchsorted(np.sort(done), looks, side="right")
    return {"rate_rps": RATE_RPS, "mean_s": np.mean(took), "p99_s": np.percentile(took, 99),
            "waiting": waiting.mean()}  # fmt: skip


SUSPECT = Suspect(
    pool_of_threads,
    tester_on_time,
    tuple(
        Setting(stall_s=stall, threads=threads)
        for stall, threads in ((0.0, 10), (1.0, 500), (2.0, 10), (4.0, 50))
    ),
)


@takes(Setting)
def simulate(at: Setting) -> TwoTesters:
    """Test the server with both testers, here and for other stalls."""
    sweep, pair = _sweep(at.but(stall_s=0.0)), _pair(at)
    return TwoTesters(at, sweep[:, 0], sweep[:, 1], pair[0], pair[1])


@lru_cache(maxsize=64)
def _sweep(at: Setting) -> np.ndarray:
    return np.array([_pair(at.but(stall_s=stall)) for stall in STALLS_S])


def _pair(at: Setting) -> np.ndarray:
    """Of each tester: 99th percentile, mean, and users waiting by Little's law and by counting."""
    runs = [model(at, Draws(at.seed)) for model in (pool_of_threads, tester_on_time)]
    return np.array(
        [(r["p99_s"], r["mean_s"], r["rate_rps"] * r["mean_s"], r["waiting"]) for r in runs]
    )


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, stall_s: float | None = None) -> float:
    """The 99th percentile from when requests are due, seconds, without the service time.

    Those due in a stall wait for the rest of it, any time up to all of it equally often; one
    in a hundred requests waits longer than the stall less a hundredth of the test. Gil Tene calls
    what hides it *coordinated omission* ("How NOT to Measure Latency", Strange Loop 2015).
    """
    return max(0.0, (at.stall_s if stall_s is None else stall_s) - 0.01 * RUN_S)


# --- what it says ---------------------------------------------------------------------------------


class TwoTesters(Result):
    """What the testers report.

    Attributes
    ----------
    claimed, honest : numpy.ndarray, shape (stalls, 4)
        99th percentile and mean, seconds; users waiting by Little's law, and as counted.
    claimed_here, honest_here : numpy.ndarray, shape (4,)
        The same for the chosen stall.
    """

    at: Setting
    claimed: np.ndarray
    honest: np.ndarray
    claimed_here: np.ndarray
    honest_here: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "suspect_p99_s": rounded(self.claimed_here[0]),
            "repaired_p99_s": rounded(self.honest_here[0]),
            "theory_p99_s": rounded(theory(self.at)),
            "suspect_waiting_by_littles_law": rounded(self.claimed_here[2]),
            "waiting_as_counted": rounded(self.claimed_here[3]),
        }

    @property
    def reading(self) -> str:
        at = self.at
        return (
            f"The server stalls for {duration(at.stall_s)}. With {counted(at.threads, 'thread')} "
            f"the suspect reports a 99th percentile of {duration(self.claimed_here[0])}, the "
            f"repair one of {duration(self.honest_here[0])}. By Little's law the suspect's mean "
            f"time means {significant(self.claimed_here[2])} users waiting on average; counted "
            f"are {significant(self.claimed_here[3])}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "stall (s)": STALLS_S,
            "suspect p99 (s)": self.claimed[:, 0],
            "repaired p99 (s)": self.honest[:, 0],
            "theory p99 (s)": [theory(self.at, stall) for stall in STALLS_S],
            "suspect: waiting, Little": self.claimed[:, 2],
            "repaired: waiting, Little": self.honest[:, 2],
            "waiting, counted": self.claimed[:, 3],
        }


@style.panels(2)
def plot(run: TwoTesters, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw the 99th percentiles, and the users who wait, against the length of the stall."""
    at, (ax, waiting) = run.at, axes
    both(ax, STALLS_S, run.claimed[:, 0], run.honest[:, 0])
    ax.plot([0, 0.3, 5], [0, 0, theory(at, 5.0)], **style.THEORY)
    ax.set_ylim(-0.2, 6.5)
    ax.set_title("99th percentile reported")
    ax.set_ylabel("s")
    both(waiting, STALLS_S, run.claimed[:, 2], run.honest[:, 2])
    waiting.plot(STALLS_S, run.claimed[:, 3], **style.THEORY)
    waiting.set_ylim(-2, 62)
    waiting.set_title("Users waiting: rate × mean time")
    waiting.set_ylabel("users")
    for each in axes:
        each.set_xlim(-0.1, 5.2)
        each.set_xlabel("length of the stall (s)")
        here(each, at.stall_s)
    who(ax, "from when they are due")
    who(waiting, "as counted")
    if mine is not None:
        yours(ax, at.stall_s, mine["p99_s"])
        yours(waiting, at.stall_s, mine["rate_rps"] * mine["mean_s"])
