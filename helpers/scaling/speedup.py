"""One job on more and more cores: Amdahl's ceiling, and work that comes in pieces.

A part of the job runs on one core, and free cores share out the rest piece by piece. Where that
stops being true: the law keeps the problem fixed while the machine grows. People with more cores
often bring a larger problem, whose serial part grows less than the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from heapq import heapreplace
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from helpers.foundations import validation
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, is_blank, log_axis, yours
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Mine,
    Parameters,
    Result,
    anything,
    integer,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import counted, significant
from helpers.foundations.servers.processes import usable_cores
from helpers.foundations.statistics import Interval, Intervals, mean_interval, mean_intervals
from helpers.scaling.job_on_processes import time_job

#: Numbers of cores at which the job is run.
CORES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)


class Setting(Parameters):
    """A job, and the machine that it runs on."""

    serial_percent: float = number(
        5.0, "Serial share of the work", unit="%", at_least=0, at_most=100
    )
    cores: int = integer(8, "Cores", at_least=1, at_most=CORES[-1])
    tasks: int = integer(400, "Pieces of the rest", at_least=1, at_most=1_000)
    replications: int = replications(8)
    seed: int = seed()


# --- the model: what the page shows, a learner changes, and the slider calls ----------------------


def one_job(at, draw):
    """Do the serial part on one core; then let each free core pick up the next piece."""
    pieces = draw("sizes").exponential(size=1_000)[: at.tasks]
    pieces = pieces / pieces.sum()
    free_at = [0.0] * at.cores
    for piece in pieces.tolist():
        heapreplace(free_at, free_at[0] + piece)  # the core that is free first takes it
    serial = at.serial_percent / 100
    took = serial + (1 - serial) * max(free_at)
    return {"speedup": 1 / took}


@takes(Setting)
def simulate(at: Setting) -> Speedup:
    """Run the same jobs on 1 to 64 cores, and on as many as asked for.

    A free core takes the next piece of the list: Graham, "Bounds on multiprocessing timing
    anomalies", *SIAM J. Applied Mathematics* 17, 1969.
    """
    return Speedup(
        at,
        speedup=mean_intervals(np.array([_runs(at.but(cores=cores)) for cores in CORES]).T),
        here=mean_interval(_runs(at)),
    )


@lru_cache(maxsize=64)
def _runs(at: Setting) -> tuple[float, ...]:
    draw = Draws(at.seed)
    return tuple(one_job(at, draw)["speedup"] for _ in range(at.replications))


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, cores: npt.ArrayLike | None = None) -> Any:
    """Amdahl's speed-up at the setting, or with other cores: the limit of ever finer pieces."""
    return amdahl(at.serial_percent / 100, at.cores if cores is None else cores)


def amdahl(serial_fraction: float, cores: npt.ArrayLike) -> Any:
    """Largest speed-up of a job of which a fixed share cannot be spread over several cores.

    ``1 / (s + (1 - s) / n)``, which tends to ``1 / s``. Amdahl, "Validity of the single processor
    approach to achieving large scale computing capabilities", *AFIPS Spring Joint Computer
    Conference*, 1967.

    Parameters
    ----------
    serial_fraction : float
        Share of the work that runs on one core; 0 <= serial_fraction <= 1.
    cores : float or array_like
        Number of cores; >= 1.
    """
    serial = validation.number("serial_fraction", serial_fraction, at_least=0, at_most=1)
    count = validation.numbers("cores", cores, at_least=1)
    result = 1 / (serial + (1 - serial) / count)
    return result if result.ndim else float(result)


# --- what it says ---------------------------------------------------------------------------------


class Speedup(Result):
    """Time on one core over time on n: at :data:`CORES`, and at the setting."""

    at: Setting
    speedup: Intervals
    here: Interval

    @property
    def ceiling(self) -> float:
        """Speed-up that no number of cores reaches; ``inf`` without serial work."""
        return 100 / self.at.serial_percent if self.at.serial_percent else float("inf")

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "cores": self.at.cores,
            "speedup": self.here.estimate,
            "speedup_low": self.here.low,
            "speedup_high": self.here.high,
            "amdahl_speedup": theory(self.at),
            "ceiling": self.ceiling if self.at.serial_percent else "none",
            "efficiency_percent": 100 * self.here.estimate / self.at.cores,
        }

    @property
    def reading(self) -> str:
        cores = self.at.cores
        ceiling = (
            f"with {significant(self.at.serial_percent)} % serial work no number of cores gets "
            f"past {significant(self.ceiling)}"
            if self.at.serial_percent
            else "without serial work there is no ceiling"
        )
        if cores == 1:
            return (
                f"1 core works all of the time, and every speed-up is counted from it; {ceiling}."
            )
        busy = 100 * self.here.estimate / cores
        return (
            f"{cores} cores finish the job {significant(self.here.estimate)} times as fast as one "
            f"(Amdahl allows {significant(theory(self.at))}), so each works {significant(busy)} % "
            f"of the time; {ceiling}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "cores": CORES,
            "speed-up": self.speedup.estimate,
            "from": self.speedup.low,
            "to": self.speedup.high,
            "Amdahl": theory(self.at, CORES),
        }


_TICKS = (1, 2, 4, 8, 16, 32, 64)


def plot(run: Speedup, ax: Axes, mine: Mine | None = None) -> None:
    """Draw the speed-up of one job against the number of cores, on logarithmic axes."""
    ax.set_title("More cores, one job: the serial part sets the ceiling")
    log_axis(ax, "x", 0.93, 130, ticks=_TICKS)
    log_axis(ax, "y", 0.93, 75, ticks=_TICKS)
    ax.set_xlabel("cores")
    ax.set_ylabel("speed-up")
    every = np.geomspace(1, 64, 50)
    ax.plot(every, every, color=style.GHOST, linewidth=1.2)
    style.label(ax, 10, 10, "linear", style.MUTED, ha="right", xytext=(-6, 6))
    if run.ceiling < 75:
        ax.axhline(run.ceiling, color=style.VERMILION, linewidth=1.4, linestyle="-.")
        ax.text(1, run.ceiling * 1.05, "ceiling 1/s", color=style.VERMILION, fontsize=9)
    ax.plot(every, theory(run.at, every), **style.THEORY)
    error_bars(ax, CORES, run.speedup, **style.DOTS)
    here(ax, run.at.cores)
    style.label(ax, 64, theory(run.at, 64), "Amdahl", style.INK, xytext=(6, 5))
    low = float(run.speedup.estimate[-1])
    style.label(ax, 64, low, "simulated", style.BLUE, xytext=(6, -7))
    if mine is not None:
        yours(ax, run.at.cores, mine["speedup"])


# --- the same on real processes -------------------------------------------------------------------


def _at_most_16(name: str, value: Any) -> int | None:
    return None if value is None else validation.integer(name, value, at_least=1, at_most=16)


class Trial(Parameters):
    """A job of loops in Python, and the processes that share it."""

    serial_percent: float = number(
        10.0, "Serial share of the work", unit="%", at_least=1, at_most=90
    )
    work_s: float = number(
        0.1, "Time of the job on one process", unit="s", at_least=0.02, at_most=2
    )
    most_processes: int | None = anything(
        "int, 1 to 16",
        None,
        "Largest number of processes",
        check=_at_most_16,
        note="Twice the number of cores by default, 2 to 8.",
    )


@takes(Trial)
def measure(at: Trial) -> MeasuredSpeedup:
    """Time a job that has a serial part and a part spread over processes.

    Every repetition compares its own times, so that a machine that slows down meanwhile does less
    harm. They are processes, not threads, because CPython lets only one thread compute at a time.

    Raises
    ------
    RuntimeError
        If a worker process ends before its time.
    """
    cores = usable_cores()
    most = at.most_processes or min(8, max(2, 2 * cores))
    times, shares = time_job(at.serial_percent / 100, at.work_s, most)
    return MeasuredSpeedup(
        at,
        speedup=mean_intervals(times[:, :1] / times),
        serial_fraction=float(shares.mean()),
        cores=cores,
    )


class MeasuredSpeedup(Measured):
    """Time of one job on one process over its time on 1, 2, 3, ... of them.

    Attributes
    ----------
    speedup : Intervals
        Shape (k,).
    serial_fraction : float
        Share of the one-process time that the serial part took, as measured.
    cores : int
        Cores that this process may use.
    """

    at: Trial
    speedup: Intervals
    serial_fraction: float
    cores: int

    @property
    def processes(self) -> np.ndarray:
        """Numbers of processes, shape (k,)."""
        return np.arange(1, len(self.speedup) + 1)

    @property
    def amdahl(self) -> np.ndarray:
        """Amdahl's speed-up; processes beyond the number of cores add nothing."""
        return np.asarray(amdahl(self.serial_fraction, np.minimum(self.processes, self.cores)))

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {
            "cores": self.cores,
            "serial_percent": 100 * self.serial_fraction,
        }
        for count, one in zip(self.processes, self.speedup, strict=True):
            values[f"speedup_{count}_processes"] = one.estimate
        return values

    @property
    def reading(self) -> str:
        within = min(self.cores, len(self.processes))
        one = self.speedup[within - 1]
        if one.high - one.low > self.amdahl[within - 1] or one.low > self.amdahl[within - 1]:
            return (
                "No verdict: this machine was busy with other things, and "
                f"{counted(within, 'process is', 'processes are')} from {significant(one.low)} "
                f"to {significant(one.high)} times as fast as one, where Amdahl allows "
                f"{significant(self.amdahl[within - 1])}."
            )
        kept = 100 * self.speedup.estimate[within - 1] / self.amdahl[within - 1]
        beyond = ""
        if self.processes[-1] > self.cores:
            beyond = (
                f" {self.processes[-1]} processes on the same {counted(self.cores, 'core')} reach "
                f"{significant(self.speedup.estimate[-1])}."
            )
        return (
            f"Verdict: with {significant(100 * self.serial_fraction)} % serial work "
            f"{counted(within, 'process is', 'processes are')} "
            f"{significant(self.speedup.estimate[within - 1])} times as fast as one, "
            f"{significant(kept)} % of the {significant(self.amdahl[within - 1])} that Amdahl "
            f"allows.{beyond}"
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "processes": self.processes,
            "speed-up": self.speedup.estimate,
            "from": self.speedup.low,
            "to": self.speedup.high,
            "Amdahl": self.amdahl,
        }


def plot_measured(run: MeasuredSpeedup, ax: Axes) -> None:
    """Draw the speed-up of real processes, alone or on top of the simulation."""
    if is_blank(ax):
        most = int(run.processes[-1])
        ax.set_title("One job on real processes")
        ax.set_xlim(0.5, most + 0.5)
        ax.set_ylim(0, most + 0.3)
        ax.set_xticks(run.processes.tolist(), [str(n) for n in run.processes])
        ax.set_xlabel("processes")
        ax.set_ylabel("speed-up")
        ax.plot([1, most], [1, most], color=style.GHOST, linewidth=1.2)
        style.label(ax, most - 0.5, most - 0.5, "linear", style.MUTED, ha="right", xytext=(-6, 6))
        ax.plot(run.processes, run.amdahl, **style.THEORY)
        end, name = float(run.amdahl[-1]), "Amdahl, and no more cores"
        style.label(ax, most, end, name, style.INK, ha="right", xytext=(0, 12))
        if run.cores < most:
            ax.axvline(run.cores, color=style.MUTED, linewidth=1.0, linestyle=":")
            said: dict[str, Any] = {"color": style.MUTED, "fontsize": 9}
            ax.text(run.cores + 0.05, 0.1, "cores of this machine", **said)
    error_bars(ax, run.processes, run.speedup, **style.MEASUREMENT)
    first = float(run.speedup.estimate[0])
    style.label(ax, 1, first, "measured", style.VERMILION, xytext=(10, -8))
