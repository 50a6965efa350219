"""One real job on 1, 2, 3, ... processes: Amdahl's law, and the number of cores."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.servers.processes import Child, usable_cores
from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.scaling.theory import theory_speedup

if TYPE_CHECKING:
    import pandas as pd

# A worker reads how many loops to do, does them, and says so.
_WORKER = """
import sys
for line in sys.stdin:
    x = 0
    for i in range(int(line)):
        x += i * i % 7
    print(x, flush=True)
"""
_REPETITIONS = 3


class MeasuredSpeedup(Result):
    """Time of one job on one process over its time on n.

    Attributes
    ----------
    processes : numpy.ndarray of int, shape (k,)
        Numbers of processes.
    speedup : Intervals
        Measured speed-up; shape (k,).
    serial_fraction : float
        Share of the one-process time that the serial part took, as measured.
    cores : int
        Cores that this process may use.
    """

    processes: np.ndarray
    speedup: Intervals
    serial_fraction: float
    cores: int

    @property
    def amdahl(self) -> np.ndarray:
        """Amdahl's speed-up; processes beyond the number of cores add nothing."""
        usable = np.minimum(self.processes, self.cores)
        return np.asarray(theory_speedup(self.serial_fraction, usable))

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {
            "cores": self.cores,
            "serial_percent": 100 * self.serial_fraction,
        }
        for i, count in enumerate(self.processes):
            values[f"speedup_{count}_processes"] = float(self.speedup.estimate[i])
        return values

    @property
    def reading(self) -> str:
        within = min(self.cores, int(self.processes[-1]))
        i = int(np.flatnonzero(self.processes == within)[0])
        kept = 100 * self.speedup.estimate[i] / self.amdahl[i]
        beyond = ""
        if self.processes[-1] > self.cores:
            beyond = (
                f" {self.processes[-1]} processes on the same {self.cores} cores reach "
                f"{significant(self.speedup.estimate[-1])}."
            )
        return (
            f"Verdict: with {significant(100 * self.serial_fraction)} % serial work {within} "
            f"processes are {significant(self.speedup.estimate[i])} times as fast as one, "
            f"{significant(kept)} % of the {significant(self.amdahl[i])} that Amdahl allows."
            f"{beyond}"
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "processes": self.processes,
                "speed-up": self.speedup.estimate,
                "from": self.speedup.low,
                "to": self.speedup.high,
                "Amdahl": self.amdahl,
            }
        ).set_index("processes")


def measure_speedup(
    *, serial_percent: float = 10.0, work_s: float = 0.1, most_processes: int | None = None
) -> MeasuredSpeedup:
    """Time a job that has a serial part and a part spread over processes.

    Parameters
    ----------
    serial_percent : float
        Share of the work that one process does alone, per cent; 1 to 90.
    work_s : float
        About how long the job takes on one process, seconds; 0.02 to 2.
    most_processes : int, optional
        Largest number of processes, 1 to 16; twice the number of cores by default, 2 to 8.

    Returns
    -------
    MeasuredSpeedup

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    RuntimeError
        If a worker process ends before its time.

    Notes
    -----
    Every repetition compares its own times, so that a machine that slows down meanwhile does less
    harm. The workers are started beforehand and closed at the end; starting them is not timed.
    They are processes, not threads, because CPython lets only one thread compute at a time.
    """
    serial = validation.number("serial_percent", serial_percent, at_least=1, at_most=90, unit="%")
    work_s = validation.number("work_s", work_s, at_least=0.02, at_most=2, unit="s")
    cores = usable_cores()
    if most_processes is None:
        most_processes = min(8, max(2, 2 * cores))
    most = validation.integer("most_processes", most_processes, at_least=1, at_most=16)
    # The measured share decides what Amdahl predicts, so the loops need not be calibrated well.
    with ExitStack() as stack:
        workers = [stack.enter_context(Child("-c", _WORKER)) for _ in range(most)]
        _parallel(workers, 1_000)
        loops = _loops_for(workers[0], work_s)
        alone, spread = round(loops * serial / 100), loops - round(loops * serial / 100)
        times = np.empty((_REPETITIONS, most))
        shares = []
        for repetition in range(_REPETITIONS):
            for count in range(1, most + 1):
                began = time.perf_counter()
                _parallel(workers[:1], alone)
                middle = time.perf_counter()
                _parallel(workers[:count], spread)
                ended = time.perf_counter()
                times[repetition, count - 1] = ended - began
                if count == 1:
                    shares.append((middle - began) / (ended - began))
    return MeasuredSpeedup(
        processes=np.arange(1, most + 1),
        speedup=mean_intervals(times[:, :1] / times),
        serial_fraction=float(np.mean(shares)),
        cores=cores,
    )


def _parallel(workers: list[Child], loops: int) -> None:
    """Spread loops evenly over workers and wait for all of them."""
    for i, worker in enumerate(workers):
        worker.say(str(loops * (i + 1) // len(workers) - loops * i // len(workers)))
    for worker in workers:
        worker.hear()


def _loops_for(worker: Child, work_s: float) -> int:
    """About how many loops take `work_s` seconds."""
    trial = 50_000
    began = time.perf_counter()
    _parallel([worker], trial)
    return max(1_000, round(trial * work_s / (time.perf_counter() - began)))
