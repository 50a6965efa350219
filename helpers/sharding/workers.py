"""A hot key and four workers, each with a queue of its own: one of them runs full.

Requests are hashed to workers. The simulation and real threads get the same ones. Where that stops
being true: a thread that is called must also wait for a processor, and a queue knows nothing of it.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import is_blank, key, marks, time_axis
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Parameters,
    Result,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import duration, finite_or, significant
from helpers.foundations.queueing import fifo_waits, mm1_response
from helpers.foundations.servers.lateness import Lateness, no_verdict
from helpers.foundations.traffic.keys import zipf_weights
from helpers.sharding.router import hash64, shard_by_modulo
from helpers.sharding.shard_axes import shard_axis

_KEYS = 1_000
_TOLERANCE = 0.1
_PATIENCE_S = 3.0  # after the last arrival nothing is begun later than that


class Setting(Parameters):
    """Requests for Zipf keys, hashed to workers that serve them one after the other."""

    workers: int = integer(4, "Workers", at_least=2, at_most=8)
    exponent: float = number(1.0, "Skew of popularity", at_least=0, at_most=2)
    rate_rps: float = number(400.0, "All requests", unit="requests/s", above=0, at_most=1_500)
    service_ms: float = number(5.0, "Mean service time", unit="ms", at_least=1, at_most=50)
    run_s: float = number(2.0, "Length of the run", unit="s", at_least=0.2, at_most=5)
    seed: int = seed()

    @property
    def homes(self) -> np.ndarray:
        """The worker of each key, the most popular key first."""
        return shard_by_modulo(hash64(np.arange(_KEYS), self.seed), self.workers)

    @property
    def hot_worker(self) -> int:
        """The worker that has the hottest key."""
        return int(self.homes[0])


@takes(Setting)
def simulate(at: Setting) -> Workers:
    """Queue the requests that :func:`measure` sends, with the same seed."""
    arrivals, worker, services = _requests(at)
    responses = _fifo_responses(arrivals, services, worker, at.workers)
    return Workers(at, mean_s=_by_worker(responses, worker, at.workers), requests=len(responses))


def _requests(at: Setting) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return when each request comes, to which worker, and how long it takes."""
    draw, count = Draws(at.seed), max(int(at.rate_rps * at.run_s), 1)
    weights = zipf_weights(_KEYS, at.exponent)
    arrivals = np.cumsum(draw("arrivals").standard_exponential(count)) / at.rate_rps
    worker = at.homes[draw("keys").choice(_KEYS, size=count, p=weights)]
    return arrivals, worker, draw("services").standard_exponential(count) * (at.service_ms / 1e3)


def _fifo_responses(
    arrivals: np.ndarray, services: np.ndarray, worker: np.ndarray, workers: int
) -> np.ndarray:
    """Return the response time of each request when each worker is one FIFO server, seconds."""
    responses = np.empty(len(arrivals))
    for number_ in range(workers):
        mine = np.flatnonzero(worker == number_)
        if len(mine):
            responses[mine] = fifo_waits(arrivals[mine], services[mine], 1) + services[mine]
    return responses


def _by_worker(values: np.ndarray, worker: np.ndarray, workers: int) -> np.ndarray:
    """Return the mean of each worker's values; NaN where it has none."""
    came = np.bincount(worker, minlength=workers)
    total = np.bincount(worker, weights=values, minlength=workers)
    return np.divide(total, came, out=np.full(workers, np.nan), where=came > 0)


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """How busy each worker is, and its mean response time in seconds; NaN from 0.98 on."""

    utilisation: np.ndarray
    mean_s: np.ndarray


def theory(at: Setting, service_s: float | None = None) -> Theory:
    """M/M/1 at each worker, by the exact shares of its keys, and another service time if given.

    ``S / (1 - rho)``: Kleinrock, *Queueing Systems* vol. 1, 1975, chapter 3.
    """
    service_s = at.service_ms / 1e3 if service_s is None else service_s
    weights = zipf_weights(_KEYS, at.exponent)
    shares = np.bincount(at.homes, weights=weights, minlength=at.workers)
    utilisation = at.rate_rps * service_s * shares
    steady = utilisation < 0.98
    mean_s = np.full(at.workers, np.nan)
    if steady.any():
        mean_s[steady] = mm1_response(at.rate_rps * shares[steady], service_s)
    return Theory(utilisation, mean_s)


# --- what it says ---------------------------------------------------------------------------------


class _Means:
    """What simulation and measurement say in the same words."""

    at: Setting
    mean_s: np.ndarray
    requests: int
    _kind = "simulation"

    @property
    def expected(self) -> Theory:
        """Theory with the service time as it was."""
        return theory(self.at)

    @property
    def summary(self) -> dict[str, float | int | str]:
        hot, expected = self.at.hot_worker, self.expected
        return {
            "hot_utilisation": float(expected.utilisation[hot]),
            "hot_mean_ms": 1e3 * float(self.mean_s[hot]),
            "hot_mean_theory_ms": finite_or(1e3 * expected.mean_s[hot], "no steady state"),
            "others_mean_ms": 1e3 * self._others_s,
        }

    @property
    def _others_s(self) -> float:
        return float(np.nanmean(np.delete(self.mean_s, self.at.hot_worker)))

    @property
    def reading(self) -> str:
        hot = self.at.hot_worker
        return (
            f"In this {self._kind} of {self.requests:,} requests the worker with the hot key is "
            f"{significant(100 * self.expected.utilisation[hot])} % busy and takes "
            f"{duration(self.mean_s[hot])} on average, the others {duration(self._others_s)}."
        )


class Workers(_Means, Result):
    """Mean response time at each worker, seconds; NaN where no request came."""

    at: Setting
    mean_s: np.ndarray
    requests: int

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "worker": np.arange(1, self.at.workers + 1),
            "utilisation": self.expected.utilisation,
            "mean (ms)": 1e3 * self.mean_s,
            "theory (ms)": 1e3 * self.expected.mean_s,
        }


def plot(run: Workers, ax: Axes) -> None:
    """Draw the mean response time at every worker."""
    workers = np.arange(run.at.workers)
    points: dict[str, Any] = {
        "linestyle": "none",
        "marker": "D",
        "color": style.BLUE,
        "markersize": 7,
    }
    ax.plot(workers - 0.12, run.mean_s, **points)
    marks(ax, workers, run.expected.mean_s, 0.6)
    hot = run.at.hot_worker
    ax.axvspan(hot - 0.5, hot + 0.5, color=style.ORANGE, alpha=0.15, lw=0)
    ax.text(hot, 2.15e-3, "has the hot key", ha="center", va="bottom", color=style.INK)
    key(ax, [("◆", "simulated", style.BLUE), ("- -", "theory", style.BLACK)])
    _frame(ax, run.at.workers)


def _frame(ax: Axes, workers: int) -> None:
    shard_axis(ax, workers, "worker")
    time_axis(ax, "y", 2e-3, 1.0)
    ax.set_ylabel("mean response time")
    ax.set_title("Four workers, four queues, one hot key" if workers == 4 else "One hot key")


# --- the same with threads ------------------------------------------------------------------------


@takes(Setting)
def measure(at: Setting) -> MeasuredWorkers:
    """Send the requests to threads that sleep for as long as each one takes.

    The run lasts as long as the backlog needs to drain; what an overloaded worker has not begun
    three seconds after the last arrival is dropped from the result.
    """
    arrivals, worker, services = _requests(at)
    queues: list[queue.SimpleQueue[int | None]] = [queue.SimpleQueue() for _ in range(at.workers)]
    begun, finished = np.full((2, len(arrivals)), np.nan)
    deadline = float(arrivals[-1]) + _PATIENCE_S
    start = time.perf_counter()

    def work(inbox: queue.SimpleQueue[int | None]) -> None:
        while (request := inbox.get()) is not None:
            now = time.perf_counter() - start
            if now > deadline:
                continue
            begun[request] = now
            time.sleep(services[request])
            finished[request] = time.perf_counter() - start

    threads = [threading.Thread(target=work, args=(inbox,)) for inbox in queues]
    sent = np.empty(len(arrivals))
    for thread in threads:
        thread.start()
    with Lateness() as lateness:
        try:
            each = zip(arrivals.tolist(), worker.tolist(), strict=True)
            for request, (due, where) in enumerate(each):
                wait = due - (time.perf_counter() - start)
                if wait > 0:
                    time.sleep(wait)
                sent[request] = time.perf_counter() - start
                queues[where].put(request)
        finally:
            for inbox in queues:
                inbox.put(None)
            for thread in threads:
                thread.join()
    served = np.isfinite(finished)
    sent, begun, finished, worker = (x[served] for x in (sent, begun, finished, worker))
    held = finished - begun
    replay = _fifo_responses(sent, held, worker, at.workers)
    return MeasuredWorkers(
        at,
        mean_s=_by_worker(finished - sent, worker, at.workers),
        replay_s=_by_worker(replay, worker, at.workers),
        requests=len(sent),
        service_s=float(held.mean()),
        late_s=lateness.mean_s,
    )


class MeasuredWorkers(_Means, Measured):
    """Mean response time at each real worker, seconds; NaN where no request came.

    Attributes
    ----------
    replay_s : numpy.ndarray, shape (workers,)
        What Lindley's recursion makes of the very arrivals and service times of this run.
    service_s : float
        Mean service time as it was.
    late_s : float
        How late timers were on average; see `Lateness`.
    """

    at: Setting
    mean_s: np.ndarray
    replay_s: np.ndarray
    requests: int
    service_s: float
    late_s: float
    _kind = "measurement"

    @property
    def expected(self) -> Theory:
        """Theory with the service time as it was."""
        return theory(self.at, self.service_s)

    @property
    def verdict(self) -> str:
        """The measured response times against the recursion fed with the same run, in one line."""
        if busy := no_verdict(self.late_s, float(np.nanmin(self.mean_s))):
            return busy
        worst = float(np.nanmax(np.abs(self.mean_s / self.replay_s - 1)))
        agrees = "agree" if worst <= _TOLERANCE else "disagree"
        return (
            f"Lindley's recursion on this run's own arrivals and service times differs from the "
            f"{self._kind} by at most {significant(100 * worst, 2)} % at any worker: they {agrees} "
            f"(tolerance {significant(100 * _TOLERANCE)} %)."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "worker": np.arange(1, self.at.workers + 1),
            "utilisation": self.expected.utilisation,
            "mean (ms)": 1e3 * self.mean_s,
            "theory (ms)": 1e3 * self.expected.mean_s,
            "recursion (ms)": 1e3 * self.replay_s,
        }


def plot_measured(run: MeasuredWorkers, ax: Axes) -> None:
    """Draw the mean response time at every real worker, alone or on top of the simulation."""
    if is_blank(ax):
        _frame(ax, run.at.workers)
    ax.plot(np.arange(run.at.workers) + 0.12, run.mean_s, zorder=5, **style.MEASUREMENT)
    key(ax, [("●", "measured", style.VERMILION)], y=0.834)
