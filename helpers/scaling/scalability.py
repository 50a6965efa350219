"""Workers that share a lock and must keep each other up to date: throughput that falls.

A request is computed apart from the others; then its worker takes a turn at the lock, and tells
every other worker what has changed. Where that stops being true: only telling everybody costs more
with each worker. A system that shares nothing, or tells a few, has no such peak.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, is_blank, yours
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import significant
from helpers.foundations.statistics import Interval, Intervals, mean_interval, mean_intervals
from helpers.scaling import scalability_law, threads_at_a_lock
from helpers.scaling.closed_loop import closed_loop, throughput
from helpers.scaling.threads_at_a_lock import HerdLock

#: How workers reach the lock.
PATTERNS = ("all at once", "at random times")

#: Numbers of workers simulated; numbers of threads measured.
WORKERS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
THREADS = (1, 2, 6, 16, 32, 48)

#: How waiting threads learn that the lock is free.
LOCKS = ("wake one", "wake everybody")

_REPLICATIONS = 4
_REQUESTS = 1_500
_WARMUP = 300
_ROUNDS = 100
_REPETITIONS = 5  # of the measurement


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
        here = (
            f"{at.workers} workers do {significant(here_rps)} requests/s where "
            f"{significant(at.workers * at.worker_rps)} would be linear"
        )
        peak = scalability_law.peak(at.sigma, at.kappa).peak_workers
        law = (
            "the law has no peak and only flattens out"
            if math.isinf(peak)
            else f"the law peaks at N* = {significant(peak)}"
        )
        if at.workers > self.best_workers:
            loss = 100 * (1 - here_rps / best)
            return (
                f"{here}; {self.best_workers} would do {significant(best)}, so the last "
                f"{at.workers - self.best_workers} cost {significant(loss)} % of the "
                f"throughput ({law})."
            )
        return f"{here}; adding workers still helps, up to {self.best_workers} ({law})."

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


_DOTTED: dict[str, Any] = {"color": style.INK, "linewidth": 1.3, "linestyle": (0, (1, 1.6))}


def plot(run: Scalability, ax: Axes, mine: Mine | None = None) -> None:
    """Draw throughput against the number of workers."""
    at = run.at
    law, random = theory(at)
    said = 0.0 if mine is None else float(mine["throughput_rps"])
    rising = max(law.max(), random.max(), said) / at.worker_rps
    _frame(ax, at.worker_rps * step_up(rising / 0.93, (3, 5, 8, 12, 20, 35, 70)))
    ax.set_title("Does another worker still help?")
    every = np.arange(1, WORKERS[-1] + 1)
    ax.plot(every, every * at.worker_rps, color=style.GHOST, linewidth=1.2)
    ax.plot(every, law, **style.THEORY)
    ax.plot(every, random, **_DOTTED)
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


# --- the same on real threads ---------------------------------------------------------------------


class Trial(Parameters):
    """Threads that sleep, as if they waited for another server, and take turns at a lock."""

    lock: str = option("wake everybody", "Lock", of=LOCKS)
    compute_ms: float = number(
        3.0, "Time outside the lock", unit="ms", at_least=0.5, at_most=20, note="Exponential."
    )
    hold_ms: float = number(
        0.2, "Time inside the lock", unit="ms", at_least=0.05, at_most=5, note="Exponential."
    )
    run_s: float = number(0.035, "Time of a run", unit="s", at_least=0.02, at_most=1)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredScalability:
    """Let 1 to 48 threads work apart, then take turns at one lock, and count what gets done.

    They sleep, as one that waits for a disk or another server does, so that Python's global lock
    is not what is measured.
    """
    make: Callable[[], AbstractContextManager[object]] = (
        threading.Lock if at.lock == LOCKS[0] else HerdLock
    )
    unit = Draws(at.seed)("times").standard_exponential((2, THREADS[-1], 256))
    times_s = unit * np.array([at.compute_ms, at.hold_ms])[:, np.newaxis, np.newaxis] * 1e-3
    compute_s, hold_s = threads_at_a_lock.alone(*times_s[:, 0])
    # Repetitions go through all numbers of threads in turn, so that a slow moment of the machine
    # does not strike one number alone.
    runs = np.array(
        [
            [threads_at_a_lock.throughput(make(), count, times_s, at.run_s) for count in THREADS]
            for _ in range(_REPETITIONS)
        ]
    )
    best = int(runs.mean(axis=0).argmax())
    return MeasuredScalability(
        at,
        throughput=mean_intervals(runs),
        fall=mean_interval(runs[:, -1] / runs[:, best]),
        compute_s=compute_s,
        hold_s=hold_s,
        fit=scalability_law.fit(THREADS, runs, seed=at.seed),
    )


class MeasuredScalability(Measured):
    """Throughput of :data:`THREADS` that share a lock, and two laws for it.

    Attributes
    ----------
    throughput : Intervals
        Requests per second; shape (6,).
    fall : Interval
        Throughput of the most threads over that of the number that did best, by repetition.
    compute_s, hold_s : float
        Mean times outside and inside the lock as one thread alone has them, seconds.
    fit : scalability_law.Fit
        The law fitted to the throughputs, with bootstrap intervals.
    """

    at: Trial
    throughput: Intervals
    fall: Interval
    compute_s: float
    hold_s: float
    fit: scalability_law.Fit

    @property
    def queueing_rps(self) -> np.ndarray:
        """Throughput of 1..48 threads if they only queue for the lock.

        The machine repairman, from the measured times; nothing is fitted.
        """
        return queueing.mva([self.hold_s], THREADS[-1], self.compute_s).throughput_rps

    @property
    def fitted_rps(self) -> np.ndarray:
        """Throughput of 1..48 threads by the fitted law."""
        sigma, kappa = min(self.fit.sigma.estimate, 1.0), self.fit.kappa.estimate
        every = np.arange(1, THREADS[-1] + 1)
        return np.asarray(self.fit.rate_rps.estimate * scalability_law.speedup(every, sigma, kappa))

    @property
    def peak_workers(self) -> float:
        """Where the fitted law peaks; ``inf`` if the fitted kappa is 0."""
        sigma = min(self.fit.sigma.estimate, 1.0)
        return scalability_law.peak(sigma, self.fit.kappa.estimate).peak_workers

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "lock": self.at.lock,
            "hold_ms": 1e3 * self.hold_s,
            "sigma": self.fit.sigma.estimate,
            "sigma_low": self.fit.sigma.low,
            "sigma_high": self.fit.sigma.high,
            "kappa": self.fit.kappa.estimate,
            "kappa_low": self.fit.kappa.low,
            "kappa_high": self.fit.kappa.high,
            "peak_threads": self.peak_workers,
            "worst_fit_error_percent": 100 * self._worst(self.fitted_rps),
            "worst_queueing_error_percent": 100 * self._worst(self.queueing_rps),
        }

    def _worst(self, predicted_rps: np.ndarray) -> float:
        at_threads = predicted_rps[np.array(THREADS) - 1]
        return float(np.abs(at_threads / self.throughput.estimate - 1).max())

    @property
    def reading(self) -> str:
        best, most = int(self.throughput.estimate.argmax()), THREADS[-1]
        if self.fall.high < 1:
            fell = f"{most} threads do {significant(100 * (1 - self.fall.estimate), 2)} % less"
        else:
            fell = f"{most} threads do not do clearly less"
        sigma, kappa = self.fit.sigma, self.fit.kappa
        queueing_error, law_error = (
            significant(100 * self._worst(curve), 2)
            for curve in (self.queueing_rps, self.fitted_rps)
        )
        return (
            f"Verdict ({self.at.lock}): the most, {significant(self.throughput.estimate[best])} "
            f"requests/s, come from {THREADS[best]} threads, and {fell}. Queueing for the "
            f"lock alone predicts this within {queueing_error} %; the scalability law, fitted, "
            f"within {law_error} %, with sigma = "
            f"{significant(sigma.estimate, 2)} (95 % interval {significant(sigma.low, 2)} to "
            f"{significant(sigma.high, 2)}) and kappa = {significant(kappa.estimate, 2)} "
            f"({significant(kappa.low, 2)} to {significant(kappa.high, 2)})."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        rows = np.array(THREADS) - 1
        return {
            "threads": THREADS,
            "measured (rps)": self.throughput.estimate,
            "from": self.throughput.low,
            "to": self.throughput.high,
            "queueing alone (rps)": self.queueing_rps[rows],
            "fitted law (rps)": self.fitted_rps[rows],
        }


_LOCK_STYLES = {LOCKS[0]: (style.ORANGE, "s"), LOCKS[1]: (style.VERMILION, "o")}


def plot_measured(run: MeasuredScalability, ax: Axes) -> None:
    """Draw what real threads did, one kind of lock on top of the other."""
    color, marker = _LOCK_STYLES[run.at.lock]
    every, most = np.arange(1, THREADS[-1] + 1), THREADS[-1]
    if is_blank(ax):
        ax.set_xlim(0, 52)
        ax.set_ylim(0, 1.25 * float(run.queueing_rps[np.array(THREADS) - 1].max()))
        ax.set_xlabel("threads")
        ax.set_ylabel("throughput (requests/s)")
        ax.set_title("Real threads, two kinds of lock")
        ax.plot(every, run.queueing_rps, **_DOTTED)
        end, name = float(run.queueing_rps[-1]), "queueing for the lock, nothing fitted"
        style.label(ax, most, end, name, style.INK, ha="right", xytext=(0, 17))
    ax.plot(every, run.fitted_rps, color=color, linewidth=1.4, linestyle=(0, (4, 2)))
    points = style.MEASUREMENT | {"color": color, "marker": marker}
    error_bars(ax, THREADS, run.throughput, **points)
    end = float(run.fitted_rps[40])
    style.label(ax, 41, end, run.at.lock, color, ha="center", xytext=(0, -14))
