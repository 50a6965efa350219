"""Real threads, one lock, and what it costs when every release wakes everybody."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import queueing, validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.statistics import Interval, Intervals, mean_interval, mean_intervals
from helpers.foundations.traffic.streams import streams
from helpers.scaling.theory import (
    ScalabilityFit,
    fit_scalability,
    theory_scalability,
    usl_speedup,
)

if TYPE_CHECKING:
    import pandas as pd

#: How waiting threads learn that the lock is free.
LOCKS = ("wake one", "wake everybody")

_WORKERS = (1, 2, 6, 16, 32, 48)
_REPETITIONS = 5
_WARMUP_SHARE = 0.3


class HerdLock:
    """A lock whose release wakes all waiting threads, of which one gets it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held = False

    def __enter__(self) -> None:
        with self._changed:
            while self._held:
                self._changed.wait()
            self._held = True

    def __exit__(self, *exception: object) -> None:
        with self._changed:
            self._held = False
            self._changed.notify_all()


class MeasuredScalability(Result):
    """Throughput of real threads that share a lock, and two laws for it.

    Attributes
    ----------
    lock : str
        Which lock; one of `LOCKS`.
    workers : numpy.ndarray of int, shape (k,)
        Numbers of threads.
    throughput : Intervals
        Measured throughput, requests per second; shape (k,).
    fall : Interval
        Throughput of the most threads over that of the number that did best, by repetition.
    compute_s, hold_s : float
        Mean times outside and inside the lock as one thread alone has them, seconds.
    fit : ScalabilityFit
        The Universal Scalability Law fitted to the throughputs, with bootstrap intervals.
    """

    lock: str
    workers: np.ndarray
    throughput: Intervals
    fall: Interval
    compute_s: float
    hold_s: float
    fit: ScalabilityFit

    @property
    def queueing_curve(self) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of threads, and their throughput if they only queue for the lock.

        The machine repairman, from the measured times; nothing is fitted.
        """
        exact = queueing.mva([self.hold_s], int(self.workers[-1]), self.compute_s)
        return exact.customers, exact.throughput_rps

    @property
    def repairman_rps(self) -> np.ndarray:
        """The same at the measured numbers of threads, shape (k,)."""
        return self.queueing_curve[1][self.workers - 1]

    @property
    def fitted_rps(self) -> np.ndarray:
        """Throughput of the fitted law at the measured numbers of threads."""
        return self.curve_rps(self.workers)

    def curve_rps(self, workers: np.ndarray) -> np.ndarray:
        """Throughput of the fitted law at any numbers of threads."""
        speedup = usl_speedup(workers, min(self.fit.sigma.estimate, 1.0), self.fit.kappa.estimate)
        return self.fit.rate_rps.estimate * np.asarray(speedup)

    @property
    def peak_workers(self) -> float:
        """Where the fitted law peaks; ``inf`` if the fitted kappa is 0."""
        sigma = min(self.fit.sigma.estimate, 1.0)
        return theory_scalability(sigma, self.fit.kappa.estimate).peak_workers

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "lock": self.lock,
            "hold_ms": 1e3 * self.hold_s,
            "sigma": self.fit.sigma.estimate,
            "sigma_low": self.fit.sigma.low,
            "sigma_high": self.fit.sigma.high,
            "kappa": self.fit.kappa.estimate,
            "kappa_low": self.fit.kappa.low,
            "kappa_high": self.fit.kappa.high,
            "peak_threads": self.peak_workers,
            "worst_fit_error_percent": 100 * self._worst(self.fitted_rps),
            "worst_queueing_error_percent": 100 * self._worst(self.repairman_rps),
        }

    def _worst(self, predicted_rps: np.ndarray) -> float:
        return float(np.abs(predicted_rps / self.throughput.estimate - 1).max())

    @property
    def reading(self) -> str:
        best, most = int(self.throughput.estimate.argmax()), self.workers[-1]
        if self.fall.high < 1:
            fell = f"{most} threads do {significant(100 * (1 - self.fall.estimate), 2)} % less"
        else:
            fell = f"{most} threads do not do clearly less"
        sigma, kappa = self.fit.sigma, self.fit.kappa
        queueing_error, law_error = (
            significant(100 * self._worst(curve), 2)
            for curve in (self.repairman_rps, self.fitted_rps)
        )
        return (
            f"Verdict ({self.lock}): the most, {significant(self.throughput.estimate[best])} "
            f"requests/s, come from {self.workers[best]} threads, and {fell}. Queueing for the "
            f"lock alone predicts this within {queueing_error} %; the scalability law, fitted, "
            f"within {law_error} %, with sigma = "
            f"{significant(sigma.estimate, 2)} (95 % interval {significant(sigma.low, 2)} to "
            f"{significant(sigma.high, 2)}) and kappa = {significant(kappa.estimate, 2)} "
            f"({significant(kappa.low, 2)} to {significant(kappa.high, 2)})."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "threads": self.workers,
                "measured (rps)": self.throughput.estimate,
                "from": self.throughput.low,
                "to": self.throughput.high,
                "queueing alone (rps)": self.repairman_rps,
                "fitted law (rps)": self.fitted_rps,
            }
        ).set_index("threads")


def measure_scalability(
    *,
    lock: str = "wake everybody",
    compute_ms: float = 3.0,
    hold_ms: float = 0.2,
    run_s: float = 0.035,
    seed: int = 1,
) -> MeasuredScalability:
    """Let 1 to 48 threads work apart, then take turns at one lock, and count what gets done.

    Parameters
    ----------
    lock : {"wake one", "wake everybody"}
        Python's own lock, or one whose release wakes every waiting thread.
    compute_ms : float
        Mean time outside the lock, milliseconds, exponential; 0.5 to 20. The thread sleeps, as one
        that waits for a disk or another server does, so that Python's global lock is not what is
        measured.
    hold_ms : float
        Mean time inside the lock, milliseconds, exponential; 0.05 to 5. Asleep as well.
    run_s : float
        How long each number of threads works in each of five repetitions, seconds; 0.02 to 1.
    seed : int
        Seed of the times and of the bootstrap; >= 0.

    Returns
    -------
    MeasuredScalability

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    validation.one_of("lock", lock, LOCKS)
    compute_ms = validation.number("compute_ms", compute_ms, at_least=0.5, at_most=20, unit="ms")
    hold_ms = validation.number("hold_ms", hold_ms, at_least=0.05, at_most=5, unit="ms")
    run_s = validation.number("run_s", run_s, at_least=0.02, at_most=1, unit="s")
    make: Callable[[], AbstractContextManager] = threading.Lock if lock == LOCKS[0] else HerdLock
    unit = streams(seed, "times")["times"].standard_exponential((2, _WORKERS[-1], 256))
    times = unit * np.array([compute_ms, hold_ms])[:, np.newaxis, np.newaxis] * 1e-3
    alone = _alone(*times[:, 0])
    # Repetitions go through all numbers of threads in turn, so that a slow moment of the machine
    # does not strike one number alone.
    runs = np.array(
        [[_throughput(make(), n, times, run_s) for n in _WORKERS] for _ in range(_REPETITIONS)]
    )
    best = int(runs.mean(axis=0).argmax())
    return MeasuredScalability(
        lock=lock,
        workers=np.array(_WORKERS),
        throughput=mean_intervals(runs),
        fall=mean_interval(runs[:, -1] / runs[:, best]),
        compute_s=alone[0],
        hold_s=alone[1],
        fit=fit_scalability(_WORKERS, runs, seed=seed),
    )


def _alone(computes: np.ndarray, holds: np.ndarray) -> tuple[float, float]:
    """Mean times a sleep outside and inside the lock really takes, with nobody else about.

    A sleep overshoots by about the same whatever its length, so short ones overshoot most.
    """
    late = []
    for seconds in holds[:40].tolist():
        began = time.perf_counter()
        time.sleep(seconds)
        late.append(time.perf_counter() - began - seconds)
    usual = float(np.median(late))
    return float(computes.mean()) + usual, float(holds.mean()) + usual


def _throughput(
    lock: AbstractContextManager, workers: int, times: np.ndarray, run_s: float
) -> float:
    """Requests per second that `workers` threads finish, after a warm-up."""
    ends: list[list[float]] = [[] for _ in range(workers)]
    start = threading.Barrier(workers + 1)
    deadline = [0.0]

    def work(me: int) -> None:
        start.wait(timeout=10)
        for compute_s, hold_s in itertools.cycle(times[:, me].T.tolist()):
            time.sleep(compute_s)
            with lock:
                time.sleep(hold_s)
            ends[me].append(time.perf_counter())
            if ends[me][-1] >= deadline[0]:
                return

    threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(workers)]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    deadline[0] = began + run_s
    start.wait(timeout=10)
    for thread in threads:
        thread.join(timeout=10)
    first = began + _WARMUP_SHARE * run_s
    done = sum(_share_done(np.array([began, *mine]), first, deadline[0]) for mine in ends)
    return done / (deadline[0] - first)


def _share_done(marks: np.ndarray, first: float, last: float) -> float:
    """Requests done between two times, a request begun before or finished after in proportion.

    Whole requests would make one slow thread in a short run a matter of luck.
    """
    inside = np.clip(marks, first, last)
    return float((np.diff(inside) / np.diff(marks)).sum())
