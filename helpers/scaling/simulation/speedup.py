"""One job on more and more cores: Amdahl's ceiling, and work that comes in lumps."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.statistics import Interval, Intervals, mean_interval, mean_intervals
from helpers.foundations.traffic.streams import streams
from helpers.scaling.theory import theory_speedup

if TYPE_CHECKING:
    import pandas as pd

#: Numbers of cores at which the job is run.
CORES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)

_MOST_TASKS = 1_000


class SpeedupResult(Result):
    """Time on one core over time on n cores.

    Attributes
    ----------
    serial_percent, cores, tasks
        The parameters it was made with.
    grid : numpy.ndarray of int, shape (12,)
        Numbers of cores simulated.
    speedup : Intervals
        Simulated speed-up; shape (12,).
    here : Interval
        Simulated speed-up with `cores` cores.
    """

    serial_percent: float
    cores: int
    tasks: int
    grid: np.ndarray
    speedup: Intervals
    here: Interval

    @property
    def amdahl(self) -> float:
        """Amdahl's speed-up with `cores` cores."""
        return float(theory_speedup(self.serial_percent / 100, self.cores))

    @property
    def ceiling(self) -> float:
        """Speed-up that no number of cores reaches; ``inf`` without serial work."""
        return 100 / self.serial_percent if self.serial_percent else float("inf")

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "cores": self.cores,
            "speedup": self.here.estimate,
            "speedup_low": self.here.low,
            "speedup_high": self.here.high,
            "amdahl_speedup": self.amdahl,
            "ceiling": self.ceiling if self.serial_percent else "none",
            "efficiency_percent": 100 * self.here.estimate / self.cores,
        }

    @property
    def reading(self) -> str:
        ceiling = (
            f"with {significant(self.serial_percent)} % serial work no number of cores gets past "
            f"{significant(self.ceiling)}"
            if self.serial_percent
            else "without serial work there is no ceiling"
        )
        finish = "1 core finishes" if self.cores == 1 else f"{self.cores} cores finish"
        busy = 100 * self.here.estimate / self.cores
        return (
            f"{finish} the job {significant(self.here.estimate)} times as fast as one (Amdahl "
            f"allows {significant(self.amdahl)}), so each works {significant(busy)} % of the "
            f"time; {ceiling}."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "cores": self.grid,
                "speed-up": self.speedup.estimate,
                "from": self.speedup.low,
                "to": self.speedup.high,
                "Amdahl": theory_speedup(self.serial_percent / 100, self.grid),
            }
        ).set_index("cores")


def simulate_speedup(
    *,
    serial_percent: float = 5.0,
    cores: int = 8,
    tasks: int = 400,
    replications: int = 8,
    seed: int = 1,
) -> SpeedupResult:
    """Run a job with a serial part, then tasks that free cores pick up one after the other.

    Parameters
    ----------
    serial_percent : float
        Share of the work that runs on one core; 0 <= serial_percent <= 100.
    cores : int
        Where to read the curve off; 1 <= cores <= 64.
    tasks : int
        Into how many pieces the rest is cut, of random (exponential) sizes; 1 <= tasks <= 1,000.
    replications : int
        Independent jobs, from which the intervals come; >= 2.
    seed : int
        Seed of the sizes; >= 0.

    Returns
    -------
    SpeedupResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    A free core takes the next task of the list: Graham, "Bounds on multiprocessing timing
    anomalies", *SIAM J. Applied Mathematics* 17, 1969. Amdahl's law is the limit of ever finer
    tasks.
    """
    serial_percent = validation.number(
        "serial_percent", serial_percent, at_least=0, at_most=100, unit="%"
    )
    cores = validation.integer("cores", cores, at_least=1, at_most=CORES[-1])
    tasks = validation.integer("tasks", tasks, at_least=1, at_most=_MOST_TASKS)
    replications = validation.integer("replications", replications, at_least=2)
    seed = validation.integer("seed", seed, at_least=0)
    serial = serial_percent / 100
    counts = (*CORES, cores)
    makespans = _makespans(counts, tasks, replications, seed)
    speedups = 1 / (serial + (1 - serial) * makespans)
    return SpeedupResult(
        serial_percent=serial_percent,
        cores=cores,
        tasks=tasks,
        grid=np.array(CORES),
        speedup=mean_intervals(speedups[:, :-1]),
        here=mean_interval(speedups[:, -1]),
    )


@lru_cache(maxsize=64)
def _makespans(counts: tuple[int, ...], tasks: int, replications: int, seed: int) -> np.ndarray:
    """Time to finish tasks that add up to one unit of work, shape (replications, counts)."""
    sizes = streams(seed, "sizes")["sizes"].standard_exponential((replications, _MOST_TASKS))
    sizes = sizes[:, :tasks] / sizes[:, :tasks].sum(axis=1, keepdims=True)
    most = max(counts)
    # Cores that a machine does not have are busy for ever.
    missing = np.arange(most) >= np.array(counts)[:, np.newaxis]
    busy = np.tile(np.where(missing, np.inf, 0.0), (replications, 1))
    flat = busy.ravel()
    offset = np.arange(len(busy)) * most
    for task in np.repeat(sizes, len(counts), axis=0).T:
        flat[offset + busy.argmin(axis=1)] += task
    busy[np.isinf(busy)] = 0.0
    result = busy.max(axis=1).reshape(replications, len(counts))
    result.setflags(write=False)
    return result
