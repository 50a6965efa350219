"""Workers that share a lock and must keep each other up to date: throughput that falls."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.foundations.traffic.streams import streams
from helpers.scaling.simulation.closed import closed_loop, throughput
from helpers.scaling.theory import (
    ScalabilityTheory,
    repairman_speedup,
    theory_scalability,
    usl_speedup,
)

if TYPE_CHECKING:
    import pandas as pd

#: How workers reach the lock.
PATTERNS = ("all at once", "at random times")

#: Numbers of workers simulated.
WORKERS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)

_REPLICATIONS = 4
_REQUESTS = 1_500
_WARMUP = 300
_ROUNDS = 100


class ScalabilityResult(Result):
    """Throughput against the number of workers.

    Attributes
    ----------
    sigma, kappa, workers, pattern, worker_rps
        The parameters it was made with.
    grid : numpy.ndarray of int, shape (12,)
        Numbers of workers simulated.
    throughput : Intervals
        Simulated throughput, requests per second; shape (12,).
    usl_rps, repairman_rps : numpy.ndarray, shape (64,)
        Throughput of 1..64 workers by the Universal Scalability Law and by the machine repairman.
    theory : ScalabilityTheory
        The law's peak.
    """

    sigma: float
    kappa: float
    workers: int
    pattern: str
    worker_rps: float
    grid: np.ndarray
    throughput: Intervals
    usl_rps: np.ndarray
    repairman_rps: np.ndarray
    theory: ScalabilityTheory

    @property
    def theory_here_rps(self) -> float:
        """Throughput that theory expects of `workers` workers reaching the lock as they do."""
        curve = self.usl_rps if self.pattern == PATTERNS[0] else self.repairman_rps
        return float(curve[self.workers - 1])

    @property
    def best_workers(self) -> int:
        """Number of workers, up to 64, with the largest expected throughput."""
        curve = self.usl_rps if self.pattern == PATTERNS[0] else self.repairman_rps
        return int(curve.argmax()) + 1

    @property
    def best_rps(self) -> float:
        """Expected throughput of the best number of workers."""
        return float(max(self.usl_rps if self.pattern == PATTERNS[0] else self.repairman_rps))

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "workers": self.workers,
            "throughput_rps": self.theory_here_rps,
            "linear_rps": self.workers * self.worker_rps,
            "best_workers_up_to_64": self.best_workers,
            "best_rps": self.best_rps,
            "usl_peak_workers": self.theory.peak_workers if self.kappa else "none",
        }

    @property
    def reading(self) -> str:
        here = (
            f"{self.workers} workers do {significant(self.theory_here_rps)} requests/s where "
            f"{significant(self.workers * self.worker_rps)} would be linear"
        )
        peak = self.theory.peak_workers
        law = (
            "the law has no peak and only flattens out"
            if math.isinf(peak)
            else f"the law peaks at N* = {significant(peak)}"
        )
        if self.workers > self.best_workers:
            loss = 100 * (1 - self.theory_here_rps / self.best_rps)
            return (
                f"{here}; {self.best_workers} would do {significant(self.best_rps)}, so the last "
                f"{self.workers - self.best_workers} cost {significant(loss)} % of the "
                f"throughput ({law})."
            )
        return f"{here}; adding workers still helps, up to {self.best_workers} ({law})."

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "workers": self.grid,
                "simulated (rps)": self.throughput.estimate,
                "from": self.throughput.low,
                "to": self.throughput.high,
                "scalability law (rps)": self.usl_rps[self.grid - 1],
                "machine repairman (rps)": self.repairman_rps[self.grid - 1],
            }
        ).set_index("workers")


def simulate_scalability(
    *,
    sigma: float = 0.03,
    kappa: float = 0.001,
    workers: int = 16,
    pattern: str = "all at once",
    worker_rps: float = 100.0,
    seed: int = 1,
) -> ScalabilityResult:
    """Simulate workers that compute, then take turns at a lock and tell all others.

    Parameters
    ----------
    sigma : float
        Share of a request's work that is done under the lock; 0 <= sigma <= 1.
    kappa : float
        Time to bring one other worker up to date, under the lock, in units of a request's work;
        0 <= kappa <= 1.
    workers : int
        Where to read the curve off; 1 <= workers <= 64.
    pattern : {"all at once", "at random times"}
        Whether all workers reach the lock together, round by round, or each after an exponential
        time of its own.
    worker_rps : float
        Throughput of one worker alone, requests per second; > 0.
    seed : int
        Seed of the computing times and of the times under the lock; >= 0.

    Returns
    -------
    ScalabilityResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    A request needs ``1 - sigma`` outside the lock and ``sigma + kappa (N - 1)`` on average
    (exponential) inside. When all arrive at once a round of N requests takes
    ``1 - sigma + N (sigma + kappa (N - 1))``, which is the Universal Scalability Law; at random
    times it is the machine repairman, which does better. Gunther 2008 (arXiv:0808.1431).
    """
    sigma = validation.number("sigma", sigma, at_least=0, at_most=1)
    kappa = validation.number("kappa", kappa, at_least=0, at_most=1)
    workers = validation.integer("workers", workers, at_least=1, at_most=WORKERS[-1])
    validation.one_of("pattern", pattern, PATTERNS)
    worker_rps = validation.number("worker_rps", worker_rps, above=0, unit="requests/s")
    seed = validation.integer("seed", seed, at_least=0)
    counts = np.array(WORKERS)
    holds = sigma + kappa * (counts - 1)
    if pattern == PATTERNS[0]:
        speedups = _in_rounds(1 - sigma, holds, seed)
    else:
        speedups = _at_random(1 - sigma, holds, seed)
    every = np.arange(1, WORKERS[-1] + 1)
    return ScalabilityResult(
        sigma=sigma,
        kappa=kappa,
        workers=workers,
        pattern=pattern,
        worker_rps=worker_rps,
        grid=counts,
        throughput=mean_intervals(speedups * worker_rps),
        usl_rps=worker_rps * usl_speedup(every, sigma, kappa),
        repairman_rps=worker_rps * _repairman(sigma, kappa),
        theory=theory_scalability(sigma, kappa),
    )


def _in_rounds(compute: float, holds: np.ndarray, seed: int) -> np.ndarray:
    """All workers compute for the same time, then queue for the lock; shape (4, 12)."""
    counts = np.array(WORKERS)
    queued = np.cumsum(_round_draws(seed), axis=2)[:, :, counts - 1]
    rounds = compute + queued * holds
    return counts * _ROUNDS / rounds.sum(axis=1)


def _at_random(compute: float, holds: np.ndarray, seed: int) -> np.ndarray:
    """Each worker computes for an exponential time, then queues for the lock; shape (4, 12)."""
    thinks, services = _loop_draws(seed)
    clients = np.repeat(WORKERS, _REPLICATIONS)
    inside = np.tile(services, len(WORKERS)) * np.repeat(holds, _REPLICATIONS)
    done, _ = closed_loop(np.tile(thinks * compute, len(WORKERS)), inside[:, np.newaxis], clients)
    return throughput(done, _WARMUP).reshape(len(WORKERS), _REPLICATIONS).T


@lru_cache(maxsize=128)
def _repairman(sigma: float, kappa: float) -> np.ndarray:
    """Machine repairman's speed-up of 1..64 workers; the hold time differs for each number."""
    points = [1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64]
    exact = [repairman_speedup(n, sigma, kappa) for n in points]
    every = np.arange(1, WORKERS[-1] + 1)
    curve = np.interp(every, points, exact)
    curve.setflags(write=False)
    return curve


@lru_cache(maxsize=4)
def _round_draws(seed: int) -> np.ndarray:
    draws = streams(seed, "rounds")["rounds"].standard_exponential(
        (_REPLICATIONS, _ROUNDS, WORKERS[-1])
    )
    draws.setflags(write=False)
    return draws


@lru_cache(maxsize=4)
def _loop_draws(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = streams(seed, "computing", "holding")
    draws = (
        rng["computing"].standard_exponential((WORKERS[-1] + _REQUESTS, _REPLICATIONS)),
        rng["holding"].standard_exponential((_REQUESTS, _REPLICATIONS)),
    )
    for draw in draws:
        draw.setflags(write=False)
    return draws
