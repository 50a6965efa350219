"""One thread, many threads, one event loop, many processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.statistics import Interval, Intervals
from helpers.why.simulation.closed import run_closed
from helpers.why.theory import amdahl_throughput, best_throughput, theory_concurrency

if TYPE_CHECKING:
    import pandas as pd

#: Numbers of workers at which the curves are simulated.
WORKERS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)

_STEPS = 200


class ConcurrencyResult(Result):
    """Throughput of the ways to serve many users at once.

    Attributes
    ----------
    cpu_ms, io_ms, workers, cores
        The parameters it was made with.
    grid : numpy.ndarray of int, shape (k,)
        Numbers of workers simulated.
    shared, spread : Intervals
        Throughput with all workers on one core (threads, asyncio), and with a core each as long
        as there are cores (processes), requests per second; shape (k,).
    shared_here, spread_here : Interval
        The same with `workers`.
    shared_theory, spread_theory : numpy.ndarray, shape (k,)
        Theory at the grid.
    """

    cpu_ms: float
    io_ms: float
    workers: int
    cores: int
    grid: np.ndarray
    shared: Intervals
    spread: Intervals
    shared_here: Interval
    spread_here: Interval
    shared_theory: np.ndarray
    spread_theory: np.ndarray

    @property
    def single_rps(self) -> float:
        """What one worker does: 1 / (S + Z)."""
        return 1e3 / (self.cpu_ms + self.io_ms)

    @property
    def best_rps(self) -> np.ndarray:
        """The bound for one core at the grid."""
        return best_throughput(self.grid, self.cpu_ms * 1e-3, self.io_ms * 1e-3)

    @property
    def amdahl_rps(self) -> np.ndarray:
        """Amdahl's throughput for one core at the grid."""
        return amdahl_throughput(self.grid, self.cpu_ms * 1e-3, self.io_ms * 1e-3)

    @property
    def summary(self) -> dict[str, float | int | str]:
        cpu_s, io_s = self.cpu_ms * 1e-3, self.io_ms * 1e-3
        return {
            "one_thread_rps": self.single_rps,
            "threads_rps": self.shared_here.estimate,
            "threads_theory_rps": theory_concurrency(self.workers, cpu_s, io_s).throughput_rps,
            "amdahl_rps": float(amdahl_throughput(self.workers, cpu_s, io_s)),
            "bound_rps": float(best_throughput(self.workers, cpu_s, io_s)),
            "processes_rps": self.spread_here.estimate,
            "processes_theory_rps": theory_concurrency(
                self.workers, cpu_s, io_s, self.cores
            ).throughput_rps,
        }

    @property
    def reading(self) -> str:
        gain = self.shared_here.estimate / self.single_rps
        more = self.spread_here.estimate / self.single_rps
        share = 100 * self.cpu_ms / (self.cpu_ms + self.io_ms)
        return (
            f"{significant(share)} % of a request is computing: {self.workers} threads on one core "
            f"do {significant(gain)} times the work of one, at most "
            f"{significant(100 / share)} times however many there are; {self.workers} processes "
            f"on {self.cores} cores do {significant(more)} times."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "workers": self.grid,
                "threads or asyncio (1/s)": self.shared.estimate,
                "theory (1/s)": self.shared_theory,
                "Amdahl (1/s)": self.amdahl_rps,
                "bound (1/s)": self.best_rps,
                "processes (1/s)": self.spread.estimate,
                "processes, theory (1/s)": self.spread_theory,
            }
        ).set_index("workers")


def simulate_concurrency(
    *,
    cpu_ms: float = 2.0,
    io_ms: float = 18.0,
    workers: int = 8,
    cores: int = 4,
    replications: int = 48,
    seed: int = 1,
) -> ConcurrencyResult:
    """Simulate workers who compute, wait for I/O, answer, and take the next request.

    Parameters
    ----------
    cpu_ms, io_ms : float
        Mean computing and waiting time of a request, milliseconds, exponential; > 0.
    workers : int
        Requests in progress at a time; 1 to 64.
    cores : int
        Cores that processes can use; 1 to 64. Threads and asyncio use one.
    replications : int
        Independent runs; >= 2.
    seed : int
        Seed of all draws; all designs meet the same ones.

    Returns
    -------
    ConcurrencyResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    cpu_ms = validation.number("cpu_ms", cpu_ms, above=0, unit="ms")
    io_ms = validation.number("io_ms", io_ms, above=0, unit="ms")
    workers = validation.integer("workers", workers, at_least=1, at_most=64)
    cores = validation.integer("cores", cores, at_least=1, at_most=64)
    replications = validation.integer("replications", replications, at_least=2)
    seed = validation.integer("seed", seed, at_least=0)
    cpu_s, io_s = cpu_ms * 1e-3, io_ms * 1e-3
    k = len(WORKERS)
    seen = run_closed(
        (*WORKERS, workers) * 2,
        io_s / cpu_s,
        (1,) * (k + 1) + (cores,) * (k + 1),
        _STEPS,
        replications,
        seed,
    ).scaled(cpu_s)
    x = seen.throughput_rps
    return ConcurrencyResult(
        cpu_ms=cpu_ms,
        io_ms=io_ms,
        workers=workers,
        cores=cores,
        grid=np.array(WORKERS),
        shared=x[:k],
        spread=x[k + 1 : 2 * k + 1],
        shared_here=x[k],
        spread_here=x[2 * k + 1],
        shared_theory=_theory(cpu_s, io_s, 1),
        spread_theory=_theory(cpu_s, io_s, cores),
    )


def _theory(cpu_s: float, io_s: float, cores: int) -> np.ndarray:
    return np.array([theory_concurrency(n, cpu_s, io_s, cores).throughput_rps for n in WORKERS])
