"""The lock of `scalability` with real threads, and two laws fitted to what they get done.

Threads sleep where they compute, as one that waits for a disk or another server does. Where that
stops being true: threads that do compute in Python meet its global lock long before this one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, is_blank
from helpers.foundations.experiment import Draws, Measured, Parameters, number, option, seed, takes
from helpers.foundations.prose import significant
from helpers.foundations.statistics import Interval, Intervals, mean_interval, mean_intervals
from helpers.scaling import scalability_law, threads_at_a_lock
from helpers.scaling.scalability import DOTTED
from helpers.scaling.threads_at_a_lock import HerdLock

#: Numbers of threads measured.
THREADS = (1, 2, 6, 16, 32, 48)

#: How waiting threads learn that the lock is free.
LOCKS = ("wake one", "wake everybody")

_REPETITIONS = 5


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
    with ThreadPoolExecutor(THREADS[-1], "at a lock") as pool:
        runs = np.array(
            [
                [
                    threads_at_a_lock.throughput(pool, make(), count, times_s, at.run_s)
                    for count in THREADS
                ]
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
        fit_absolute=scalability_law.fit(THREADS, runs, errors="absolute", seed=at.seed),
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
    fit, fit_absolute : scalability_law.Fit
        The law fitted to the throughputs, with bootstrap intervals: by least squares of the
        relative errors, which is what is drawn, and of the errors in requests per second.
    """

    at: Trial
    throughput: Intervals
    fall: Interval
    compute_s: float
    hold_s: float
    fit: scalability_law.Fit
    fit_absolute: scalability_law.Fit

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
            "sigma_absolute": self.fit_absolute.sigma.estimate,
            "kappa_absolute": self.fit_absolute.kappa.estimate,
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
            f"({significant(kappa.low, 2)} to {significant(kappa.high, 2)}). Fitted to absolute "
            f"errors: {significant(self.fit_absolute.sigma.estimate, 2)} and "
            f"{significant(self.fit_absolute.kappa.estimate, 2)}."
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
        ax.plot(every, run.queueing_rps, **DOTTED)
        end, name = float(run.queueing_rps[-1]), "queueing for the lock, nothing fitted"
        style.label(ax, most, end, name, style.INK, ha="right", xytext=(0, 17))
    ax.plot(every, run.fitted_rps, color=color, linewidth=1.4, linestyle=(0, (4, 2)))
    points = style.MEASUREMENT | {"color": color, "marker": marker}
    error_bars(ax, THREADS, run.throughput, **points)
    end = float(run.fitted_rps[40])
    style.label(ax, 41, end, run.at.lock, color, ha="center", xytext=(0, -14))
