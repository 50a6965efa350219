"""How long a queue must be watched before its mean is known."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.traffic.streams import streams
from helpers.scaling.theory import requests_for_precision, theory_run_length

_LONGEST = 8_192
_RUNS = 48
_BATCHES = 10
_SHOWN = 8
_T_BATCHES = 2.262  # Student's t, 9 degrees of freedom, 97.5 %
_Z = 1.96


class RunLengthResult(Result):
    """Running means of several runs, and how often two kinds of interval hold the truth.

    Attributes
    ----------
    utilisation, requests
        The parameters it was made with.
    seen : numpy.ndarray of int, shape (m,)
        Numbers of requests at which the running means are given.
    running : numpy.ndarray, shape (8, m)
        Running mean response times of eight runs, in service times.
    means : numpy.ndarray, shape (48,)
        Mean response time of each run, in service times.
    naive_half, batch_half : numpy.ndarray, shape (48,)
        Half-widths of each run's 95 % interval: as if requests were independent, and from ten
        batch means.
    """

    utilisation: float
    requests: int
    seen: np.ndarray
    running: np.ndarray
    means: np.ndarray
    naive_half: np.ndarray
    batch_half: np.ndarray

    @property
    def truth(self) -> float:
        """True mean response time, in service times."""
        return 1 / (1 - self.utilisation)

    def half_width(self, requests: np.ndarray) -> np.ndarray:
        """Return the theory's 95 % half-width after so many requests, in service times."""
        return _Z * np.sqrt(theory_run_length(self.utilisation) / requests)

    @property
    def naive_coverage(self) -> float:
        """Share of runs whose naive interval contains the truth."""
        return float(np.mean(np.abs(self.means - self.truth) <= self.naive_half))

    @property
    def batch_coverage(self) -> float:
        """Share of runs whose batch-means interval contains the truth."""
        return float(np.mean(np.abs(self.means - self.truth) <= self.batch_half))

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "true_mean_service_times": self.truth,
            "lowest_run_mean": float(self.means.min()),
            "highest_run_mean": float(self.means.max()),
            "naive_95_interval_holds_percent": 100 * self.naive_coverage,
            "batch_means_interval_holds_percent": 100 * self.batch_coverage,
            "requests_for_5_percent": requests_for_precision(self.utilisation),
        }

    @property
    def reading(self) -> str:
        return (
            f"After {self.requests:,} requests at {significant(100 * self.utilisation)} % "
            f"utilisation, {_RUNS} runs put the mean between {significant(self.means.min())} and "
            f"{significant(self.means.max())} service times (true: {significant(self.truth)}); the "
            f"naive 95 % interval holds the truth in {significant(100 * self.naive_coverage, 2)} % "
            f"of them, batch means in {significant(100 * self.batch_coverage, 2)} %; within 5 % "
            f"takes {significant(requests_for_precision(self.utilisation))} requests."
        )


def simulate_run_length(
    *, utilisation: float = 0.8, requests: int = 1_000, seed: int = 1
) -> RunLengthResult:
    """Watch 48 copies of one M/M/1 queue and compare what each of them reports.

    Parameters
    ----------
    utilisation : float
        0.05 <= utilisation <= 0.95.
    requests : int
        Requests each run serves; 100 <= requests <= 8,192.
    seed : int
        Seed of arrivals and services; >= 0.

    Returns
    -------
    RunLengthResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Runs begin in the steady state (the first wait is drawn from its known distribution), so that
    what is seen is the run length's doing and not the warm-up's.
    """
    utilisation = validation.number("utilisation", utilisation, at_least=0.05, at_most=0.95)
    requests = validation.integer("requests", requests, at_least=100, at_most=_LONGEST)
    first, gaps, services = _draws(validation.integer("seed", seed, at_least=0))
    work = services[:, :requests]
    # Lindley's recursion from a steady-state wait: zero, or exponential with rate 1 - rho.
    start = np.where(first[0] < utilisation, first[1] / (1 - utilisation), 0.0)
    walk = np.empty_like(work)
    walk[:, 0] = start
    np.subtract(work[:, :-1], gaps[:, 1:requests] / utilisation, out=walk[:, 1:])
    np.cumsum(walk, axis=1, out=walk)
    # The first wait is not the end of a busy period but a wait like any other: floor at 0 only.
    floor = np.minimum(np.minimum.accumulate(walk, axis=1), 0.0)
    responses = walk - floor + work
    means = responses.mean(axis=1)
    size = requests // _BATCHES
    batches = responses[:, -size * _BATCHES :].reshape(_RUNS, _BATCHES, size).mean(axis=2)
    seen = np.unique(np.geomspace(10, requests, 120).astype(int))
    running = np.cumsum(responses[:_SHOWN], axis=1)[:, seen - 1] / seen
    return RunLengthResult(
        utilisation=utilisation,
        requests=requests,
        seen=seen,
        running=running,
        means=means,
        naive_half=_Z * responses.std(axis=1, ddof=1) / math.sqrt(requests),
        batch_half=_T_BATCHES * batches.std(axis=1, ddof=1) / math.sqrt(_BATCHES),
    )


@lru_cache(maxsize=4)
def _draws(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = streams(seed, "starts", "arrivals", "services")
    first = np.stack([rng["starts"].random(_RUNS), rng["starts"].standard_exponential(_RUNS)])
    draws = (
        first,
        rng["arrivals"].standard_exponential((_RUNS, _LONGEST)),
        rng["services"].standard_exponential((_RUNS, _LONGEST)),
    )
    for draw in draws:
        draw.setflags(write=False)
    return draws
