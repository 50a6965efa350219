"""Workers that share a lock and must keep each other up to date: throughput that falls.

A request is computed apart from the others; then its worker takes a turn at the lock, and tells
every other worker what has changed. Where that stops being true: only telling everybody costs more
with each worker. A system that shares nothing, or tells a few, has no such peak.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, yours
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import counted, significant
from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.scaling import scalability_law
from helpers.scaling.closed_loop import closed_loop, throughput

#: How workers reach the lock.
PATTERNS = ("all at once", "at random times")

#: Numbers of workers simulated.
WORKERS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)

_REPLICATIONS = 4
_REQUESTS = 1_500
_WARMUP = 300
_ROUNDS = 100


class Setting(Parameters):
    """Workers, and what they share."""

    sigma: float = number(
        0.03,
        "One at a time (sigma)",
        at_least=0,
        at_most=1,
        note="Share of a request's work that is done under the lock.",
    )
    kappa: float = number(
        0.001,
        "Telling one other (kappa)",
        at_least=0,
        at_most=1,
        note="Under the lock, in units of a request's work.",
    )
    workers: int = integer(16, "Workers", at_least=1, at_most=WORKERS[-1])
    pattern: str = option(
        "all at once",
        "Workers reach the lock",
        of=PATTERNS,
        note="Together, round by round, or each after an exponential time of its own.",
    )
    worker_rps: float = number(100.0, "Throughput of one worker", unit="requests/s", above=0)
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def rounds_at_a_lock(at, draw):
    """Let all workers compute, then take turns at the lock; a hundred rounds of that."""
    hold = at.sigma + at.kappa * (at.workers - 1)  # its own work, and telling each of the others
    took = 0.0
    for _ in range(100):
        took += 1 - at.sigma  # all of them compute, side by side
        for _ in range(at.workers):
            took += draw("rounds").exponential(hold)  # one at a time
    return {"throughput_rps": at.worker_rps * 100 * at.workers / took}


# --- the same, fast: twelve numbers of workers, on the same draws ---------------------------------


@takes(Setting)
def simulate(at: Setting) -> Scalability:
    """Simulate 1 to 64 workers that compute, then take turns at a lock and tell all others.

    A request needs ``1 - sigma`` outside the lock and ``sigma + kappa (N - 1)`` on average
    (exponential) inside.
    """
    holds = at.sigma + at.kappa * (np.array(WORKERS) - 1)
    reach = _in_rounds if at.pattern == PATTERNS[0] else _at_random
    speedups = reach(1 - at.sigma, holds, at.seed)
    return Scalability(at, throughput=mean_intervals(speedups * at.worker_rps))


def _in_rounds(compute: float, holds: np.ndarray, seed: int) -> np.ndarray:
    """All workers compute for the same time, then queue for the lock; shape (4, 12)."""
    counts = np.array(WORKERS)
    queued = np.cumsum(_round_draws(seed), axis=2)[:, :, counts - 1]
    rounds = compute + queued * holds
    return np.asarray(counts * _ROUNDS / rounds.sum(axis=1))


def _at_random(compute: float, holds: np.ndarray, seed: int) -> np.ndarray:
    """Each worker computes for an exponential time, then queues for the lock; shape (4, 12)."""
    thinks, services = _loop_draws(seed)
    clients = np.repeat(WORKERS, _REPLICATIONS)
    inside = np.tile(services, len(WORKERS)) * np.repeat(holds, _REPLICATIONS)
    done, _ = closed_loop(np.tile(thinks * compute, len(WORKERS)), inside[:, np.newaxis], clients)
    return throughput(done, _WARMUP).reshape(len(WORKERS), _REPLICATIONS).T


@lru_cache(maxsize=4)
def _round_draws(seed: int) -> np.ndarray:
    draws = Draws(seed)("rounds").standard_exponential((_REPLICATIONS, _ROUNDS, WORKERS[-1]))
    draws.setflags(write=False)
    return draws


@lru_cache(maxsize=4)
def _loop_draws(seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = Draws(seed)
    draws = (
        draw("computing").standard_exponential((WORKERS[-1] + _REQUESTS, _REPLICATIONS)),
        draw("holding").standard_exponential((_REQUESTS, _REPLICATIONS)),
    )
    for each in draws:
        each.setflags(write=False)
    return draws


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Throughput of 1..64 workers, requests per second, by how they reach the lock."""

    at_once_rps: np.ndarray
    at_random_rps: np.ndarray


def theory(at: Setting) -> Theory:
    """The Universal Scalability Law, and the machine repairman.

    When all arrive at once a round of N requests takes ``1 - sigma + N (sigma + kappa (N - 1))``,
    which is the law; at random times it is the machine repairman, which does better. Gunther, "A
    general theory of computational scalability based on rational functions", 2008
    (arXiv:0808.1431).
    """
    every = np.arange(1, WORKERS[-1] + 1)
    return Theory(
        at.worker_rps * scalability_law.speedup(every, at.sigma, at.kappa),
        at.worker_rps * _repairman(at.sigma, at.kappa),
    )


@lru_cache(maxsize=128)
def _repairman(sigma: float, kappa: float) -> np.ndarray:
    """Machine repairman's speed-up of 1..64 workers; the hold time differs for each number."""
    points = [1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64]
    exact = [repairman_speedup(n, sigma, kappa) for n in points]
    every = np.arange(1, WORKERS[-1] + 1)
    curve = np.interp(every, points, exact)
    curve.setflags(write=False)
    return curve


def repairman_speedup(workers: int, sigma: float, kappa: float) -> float:
    """Throughput of N workers over that of one when they reach the lock at random times.

    Each worker computes for a mean ``1 - sigma``, then holds a lock for a mean
    ``sigma + kappa (N - 1)``; both times are exponential: a closed network of one station and a
    delay, exact by mean value analysis.
    """
    hold = sigma + kappa * (workers - 1)
    if hold == 0:
        return float(workers)
    return float(queueing.mva([hold], workers, 1 - sigma).throughput_rps[-1])


# --- what it says ---------------------------------------------------------------------------------


class Scalability(Result):
    """Throughput of :data:`WORKERS`, requests per second."""

    at: Setting
    throughput: Intervals

    @property
    def expected_rps(self) -> np.ndarray:
        """Throughput that theory expects of 1..64 workers who reach the lock as these do."""
        return theory(self.at)[PATTERNS.index(self.at.pattern)]

    @property
    def best_workers(self) -> int:
        """Number of workers, up to 64, with the largest expected throughput."""
        return int(self.expected_rps.argmax()) + 1

    @property
    def summary(self) -> dict[str, float | int | str]:
        at, expected = self.at, self.expected_rps
        return {
            "workers": at.workers,
            "throughput_rps": float(expected[at.workers - 1]),
            "linear_rps": at.workers * at.worker_rps,
            "best_workers_up_to_64": self.best_workers,
            "best_rps": float(expected.max()),
            "usl_peak_workers": (
                scalability_law.peak(at.sigma, at.kappa).peak_workers if at.kappa else "none"
            ),
        }

    @property
    def reading(self) -> str:
        at, best = self.at, float(self.expected_rps.max())
        here_rps = float(self.expected_rps[at.workers - 1])
        said = (
            f"{counted(at.workers, 'worker does', 'workers do')} {significant(here_rps)} "
            f"requests/s where {significant(at.workers * at.worker_rps)} would be linear"
        )
        if at.workers > self.best_workers:
            loss = 100 * (1 - here_rps / best)
            said += (
                f"; {self.best_workers} would do {significant(best)}, so the last "
                f"{at.workers - self.best_workers} cost {significant(loss)} % of the throughput"
            )
            if here_rps < at.worker_rps:
                said += (
                    f", and all of them do less than a single one ({significant(at.worker_rps)})"
                )
        elif at.workers == self.best_workers:
            said += "; that is the best number" + (" up to 64" if at.workers == WORKERS[-1] else "")
        else:
            up_to = "64 and beyond" if self._rises else str(self.best_workers)
            said += f"; adding workers still helps, up to {up_to}"
        return f"{said}. {self._law}"

    @property
    def _rises(self) -> bool:
        """Whether throughput never falls, however many workers there are."""
        return self.at.kappa == 0

    @property
    def _law(self) -> str:
        """What becomes of ever more workers, by the law."""
        at = self.at
        if at.kappa:
            peak = significant(scalability_law.peak(at.sigma, at.kappa).peak_workers)
            if at.pattern == PATTERNS[0]:
                return f"The law peaks at N* = {peak}."
            return f"The law, for workers that come all at once, peaks at N* = {peak}."
        if at.sigma:
            most = significant(at.worker_rps / at.sigma)
            return f"The law has no peak: it flattens out towards {most} requests/s."
        return "Nothing is shared, so nothing flattens: the law is a straight line."

    @property
    def columns(self) -> Mapping[str, Any]:
        exact, rows = theory(self.at), np.array(WORKERS) - 1
        return {
            "workers": WORKERS,
            "simulated (rps)": self.throughput.estimate,
            "from": self.throughput.low,
            "to": self.throughput.high,
            "scalability law (rps)": exact.at_once_rps[rows],
            "machine repairman (rps)": exact.at_random_rps[rows],
        }


#: How the machine repairman is drawn.
DOTTED: dict[str, Any] = {"color": style.INK, "linewidth": 1.3, "linestyle": (0, (1, 1.6))}


def plot(run: Scalability, ax: Axes, mine: Mine | None = None) -> None:
    """Draw throughput against the number of workers."""
    at = run.at
    law, random = theory(at)
    said = 0.0 if mine is None else float(mine["throughput_rps"])
    rising = max(law.max(), random.max(), said) / at.worker_rps
    # Few ends, far apart: while a slider moves, curves move and the axis stands still.
    _frame(ax, at.worker_rps * step_up(rising / 0.93, (4, 14, 32, 70)))
    ax.set_title("Does another worker still help?")
    every = np.arange(1, WORKERS[-1] + 1)
    ax.plot(every, every * at.worker_rps, color=style.GHOST, linewidth=1.2)
    ax.plot(every, law, **style.THEORY)
    ax.plot(every, random, **DOTTED)
    here(ax, at.workers)
    peak = scalability_law.peak(at.sigma, at.kappa).peak_workers
    if peak < WORKERS[-1]:
        height = float(np.interp(peak, every, law))
        ax.plot([peak], [height], color=style.VERMILION, marker="v", markersize=9, ls="none")
        style.label(ax, peak, height, "N*", style.VERMILION, ha="center", xytext=(0, 13))
    marker = "o" if at.pattern == PATTERNS[0] else "s"
    error_bars(ax, WORKERS, run.throughput, **(style.DOTS | {"marker": marker}))
    style.label(ax, 57, law[56], "scalability law", style.INK, ha="right", xytext=(0, -12))
    style.label(ax, 40, random[39], "random times", style.INK, ha="left", xytext=(6, 11))
    if mine is not None:
        yours(ax, at.workers, mine["throughput_rps"])


def _frame(ax: Axes, top: float) -> None:
    ax.set_xlim(0, 66)
    ax.set_ylim(0, top)
    ax.set_xlabel("workers")
    ax.set_ylabel("throughput (requests/s)")
