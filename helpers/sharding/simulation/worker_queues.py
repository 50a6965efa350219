"""A hot key and four workers: the plan of the run that real threads make as well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.queueing import fifo_waits, mm1_response
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.traffic.keys import zipf_weights
from helpers.foundations.traffic.streams import streams
from helpers.sharding.placement import hash64, shard_by_modulo
from helpers.sharding.simulation.traffic import finite_or

_KEYS = 1_000
_TOLERANCE = 0.1


class WorkerQueuesResult(Result):
    """Mean response time at each worker, from one trace of requests.

    Attributes
    ----------
    kind : {"simulation", "measurement"}
        Where the numbers come from.
    hot_share : float
        Fraction of requests for the hottest key.
    hot_worker : int
        Index of the worker that has it.
    utilisation : numpy.ndarray, shape (workers,)
        Fraction of the time each worker is busy, by the exact shares of its keys; for a
        measurement with the service time that was measured.
    theory_s : numpy.ndarray, shape (workers,)
        Mean response time of M/M/1 queues with those; NaN where it is 0.98 or more.
    mean_s : numpy.ndarray, shape (workers,)
        Mean response time; NaN where no request came.
    replay_s : numpy.ndarray, shape (workers,)
        What Lindley's recursion makes of the very arrivals and service times of this run.
    requests : int
        Number of requests.
    late_s : float
        How late timers were on average, seconds; 0 in a simulation.
    """

    kind: str
    hot_share: float
    hot_worker: int
    utilisation: np.ndarray
    theory_s: np.ndarray
    mean_s: np.ndarray
    replay_s: np.ndarray
    requests: int
    late_s: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        hot = self.hot_worker
        others = np.delete(self.mean_s, hot)
        return {
            "hot_utilisation": float(self.utilisation[hot]),
            "hot_mean_ms": 1e3 * float(self.mean_s[hot]),
            "hot_mean_theory_ms": finite_or(1e3 * self.theory_s[hot], "no steady state"),
            "others_mean_ms": 1e3 * float(np.nanmean(others)),
        }

    @property
    def reading(self) -> str:
        hot = self.hot_worker
        others = float(np.nanmean(np.delete(self.mean_s, hot)))
        return (
            f"In this {self.kind} of {self.requests:,} requests the worker with the hot key is "
            f"{significant(100 * self.utilisation[hot])} % busy and takes "
            f"{duration(self.mean_s[hot])} on average, the others {duration(others)}."
        )

    @property
    def verdict(self) -> str:
        """The measured response times against the recursion fed with the same run, in one line."""
        if busy := no_verdict(self.late_s, float(np.nanmin(self.mean_s))):
            return busy
        worst = float(np.nanmax(np.abs(self.mean_s / self.replay_s - 1)))
        agrees = "agree" if worst <= _TOLERANCE else "disagree"
        return (
            f"Lindley's recursion on this run's own arrivals and service times differs from the "
            f"{self.kind} by at most {significant(100 * worst, 2)} % at any worker: they {agrees} "
            f"(tolerance {significant(100 * _TOLERANCE)} %)."
        )

    def table(self):
        import pandas as pd

        return pd.DataFrame(
            {
                "worker": np.arange(1, len(self.mean_s) + 1),
                "utilisation": self.utilisation,
                "mean_ms": 1e3 * self.mean_s,
                "theory_ms": 1e3 * self.theory_s,
                "replay_ms": 1e3 * self.replay_s,
            }
        ).set_index("worker")


def simulate_worker_queues(
    *,
    workers: int = 4,
    exponent: float = 1.0,
    rate_rps: float = 400.0,
    service_ms: float = 5.0,
    seconds: float = 2.0,
    seed: int = 1,
) -> WorkerQueuesResult:
    """Queue the requests that ``measure_worker_queues`` sends, with the same seed.

    Parameters
    ----------
    workers : int
        Number of workers; 2 to 8.
    exponent : float
        Skew of Zipf's law over 1,000 keys, which are hashed to workers; 0 to 2.
    rate_rps : float
        Requests per second of all workers together; > 0 and <= 1,500.
    service_ms : float
        Mean service time (exponential), milliseconds; 1 to 50.
    seconds : float
        Length of the run; 0.2 to 5.
    seed : int
        Seed of the requests.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    trace = worker_trace(workers, exponent, rate_rps, service_ms, seconds, seed)
    arrivals, worker, services = trace.arrivals_s, trace.worker, trace.services_s
    responses = fifo_responses(arrivals, services, worker, workers)
    return worker_result("simulation", trace, service_ms / 1e3, worker, responses, responses)


@dataclass(frozen=True, eq=False)
class WorkerTrace:
    """The requests of one run, drawn before it begins; a measurement sends the same ones."""

    rate_rps: float
    arrivals_s: np.ndarray
    worker: np.ndarray
    services_s: np.ndarray
    shares: np.ndarray  # of each worker, exact
    hot_share: float
    hot_worker: int


def worker_trace(
    workers: int,
    exponent: float,
    rate_rps: float,
    service_ms: float,
    seconds: float,
    seed: int,
) -> WorkerTrace:
    """Check the parameters of :func:`simulate_worker_queues` and draw its requests."""
    workers = validation.integer("workers", workers, at_least=2, at_most=8)
    exponent = validation.number("exponent", exponent, at_least=0, at_most=2)
    rate = validation.number("rate_rps", rate_rps, above=0, at_most=1_500, unit="requests/s")
    service = validation.number("service_ms", service_ms, at_least=1, at_most=50, unit="ms") / 1e3
    seconds = validation.number("seconds", seconds, at_least=0.2, at_most=5, unit="s")
    rng = streams(seed, "arrivals", "keys", "services")
    count = max(int(rate * seconds), 1)
    weights = zipf_weights(_KEYS, exponent)
    home = shard_by_modulo(hash64(np.arange(_KEYS), seed), workers)
    return WorkerTrace(
        rate_rps=rate,
        arrivals_s=np.cumsum(rng["arrivals"].standard_exponential(count)) / rate,
        worker=home[rng["keys"].choice(_KEYS, size=count, p=weights)],
        services_s=rng["services"].standard_exponential(count) * service,
        shares=np.bincount(home, weights=weights, minlength=workers),
        hot_share=float(weights[0]),
        hot_worker=int(home[0]),
    )


def fifo_responses(
    arrivals: np.ndarray, services: np.ndarray, worker: np.ndarray, workers: int
) -> np.ndarray:
    """Return the response time of each request when each worker is one FIFO server, seconds."""
    responses = np.empty(len(arrivals))
    for number in range(workers):
        mine = np.flatnonzero(worker == number)
        if len(mine):
            responses[mine] = fifo_waits(arrivals[mine], services[mine], 1) + services[mine]
    return responses


def worker_result(
    kind: str,
    trace: WorkerTrace,
    service_s: float,
    worker: np.ndarray,
    responses: np.ndarray,
    replay: np.ndarray,
    *,
    late_s: float = 0.0,
) -> WorkerQueuesResult:
    """Average response times, seen and replayed, by worker, and put theory beside them."""
    workers = len(trace.shares)
    came = np.bincount(worker, minlength=workers)

    def mean(values: np.ndarray) -> np.ndarray:
        total = np.bincount(worker, weights=values, minlength=workers)
        return np.divide(total, came, out=np.full(workers, np.nan), where=came > 0)

    utilisation = trace.rate_rps * service_s * trace.shares
    steady = utilisation < 0.98
    theory = np.full(workers, np.nan)
    if steady.any():
        theory[steady] = mm1_response(trace.rate_rps * trace.shares[steady], service_s)
    return WorkerQueuesResult(
        kind=kind,
        hot_share=trace.hot_share,
        hot_worker=trace.hot_worker,
        utilisation=utilisation,
        theory_s=theory,
        mean_s=mean(responses),
        replay_s=mean(replay),
        requests=len(responses),
        late_s=late_s,
    )
