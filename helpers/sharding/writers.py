"""What a number of writers gets done: one hot file, an even load, or a file for each feature.

Writers insert one row after the other, each waiting for its own write, into files that take one
write at a time. Where that stops being true: a laptop has one disk for all files, so a pause with
the file still held stands for the disk that each shard would bring along.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from heapq import heappop, heappush
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import validation
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, is_blank, key
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Parameters,
    Result,
    integer,
    integers,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import duration, significant
from helpers.foundations.queueing import mva
from helpers.foundations.servers.lateness import Lateness, no_verdict
from helpers.foundations.statistics import Interval, mean_interval, verdict
from helpers.sharding.shard_files import ShardFile, shard_files
from helpers.sharding.shard_queues import unit_draws

#: Ways of dealing writes out to files.
DESIGNS = ("range", "hash", "by feature")

#: Numbers of writers that are simulated.
WRITERS = np.array([1, 2, 4, 8, 16])

_CURVE = np.arange(1, 21)
_WRITES = 2_500


class _Files(Parameters):
    """Files that lock while they are written, and how writes are dealt out to them.

    Under "range" ids grow, so every insert goes to the last file; under "hash" each file gets the
    same; "by feature" the first gets `largest_share`, and the others share the rest.
    """

    design: str = option("hash", "Design", of=DESIGNS)
    files: int = integer(4, "Files", at_least=2, at_most=16)
    largest_share: float = number(0.5, "Largest feature", above=0, below=1)
    seed: int = seed()

    def agree(self) -> None:
        validation.number("largest_share", self.largest_share, at_least=1 / self.files)

    @property
    def shares(self) -> np.ndarray:
        """Fraction of the writes that each file gets, shape (files,)."""
        if self.design == "range":
            return np.eye(self.files)[-1]
        if self.design == "hash":
            return np.full(self.files, 1 / self.files)
        rest = (1 - self.largest_share) / (self.files - 1)
        return np.concatenate(([self.largest_share], np.full(self.files - 1, rest)))


class Setting(_Files):
    """Writers in a closed loop on files that take one write at a time."""

    service_ms: float = number(3.0, "Time that a write holds its file", unit="ms", above=0)


@takes(Setting)
def simulate(at: Setting) -> Writers:
    """Let 1 to 16 writers insert one row after the other, whoever is free first."""
    cumulative = np.cumsum(at.shares)
    cumulative[-1] = 1.0
    uniform = unit_draws(at.seed, "files", "uniform", _WRITES)
    file = np.searchsorted(cumulative, uniform, side="right").tolist()
    services = unit_draws(at.seed, "services", "exponential", _WRITES) * at.service_ms / 1e3
    each = [_throughput(w, at.files, file, services.tolist()) for w in WRITERS.tolist()]
    return Writers(at, throughput_rps=np.array(each))


def _throughput(writers: int, files: int, file: list[int], services: list[float]) -> float:
    """Return the writes per second of a closed loop, the first tenth of the run left out."""
    free = [0.0] * files
    back = [(0.0, writer) for writer in range(writers)]  # when each writer asks again: a heap
    finished = []
    for where, service in zip(file, services, strict=True):
        asked, writer = heappop(back)
        free[where] = max(free[where], asked) + service
        finished.append(free[where])
        heappush(back, (free[where], writer))
    finished.sort()
    warm = len(finished) // 10
    # The last writes run with fewer and fewer others beside them, so they are left out too.
    last = len(finished) - writers - 1
    return (last - warm) / (finished[last] - finished[warm])


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, writers: Any) -> np.ndarray:
    """Writes per second by mean value analysis of a closed network, at whole numbers of writers.

    Reiser and Lavenberg, "Mean-value analysis of closed multichain queuing networks", *Journal of
    the ACM* 27(2), 1980.
    """
    wanted = np.asarray(writers)
    demands_s = at.shares * at.service_ms / 1e3
    return mva(demands_s, int(wanted.max())).throughput_rps[wanted - 1]


def ceiling(at: Setting) -> float:
    """What no number of writers exceeds: the busiest file never idle."""
    return 1 / float((at.shares * at.service_ms / 1e3).max())


# --- what it says ---------------------------------------------------------------------------------


class Writers(Result):
    """Writes per second by each of :data:`WRITERS`."""

    at: Setting
    throughput_rps: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "one_writer_rps": float(self.throughput_rps[0]),
            "most_writers_rps": float(self.throughput_rps[-1]),
            "most_writers_theory_rps": float(theory(self.at, WRITERS)[-1]),
            "ceiling_rps": ceiling(self.at),
        }

    @property
    def reading(self) -> str:
        gain = self.throughput_rps[-1] / self.throughput_rps[0]
        compared = "about what" if gain < 1.05 else f"{significant(gain)} times what"
        return (
            f"{WRITERS[-1]} writers get {significant(self.throughput_rps[-1])} writes per "
            f"second done, {compared} one writer does; the busiest of "
            f"{self.at.files} files, with {significant(100 * self.at.shares.max())} % of the "
            f"writes, ends it at {significant(ceiling(self.at))}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "writers": WRITERS,
            "writes/s": self.throughput_rps,
            "theory (writes/s)": theory(self.at, WRITERS),
        }


def plot(run: Writers, ax: Axes) -> None:
    """Draw writes per second by the number of writers."""
    most = ceiling(run.at)
    ax.plot(_CURVE, theory(run.at, _CURVE), **style.THEORY)
    points: dict[str, Any] = {
        "linestyle": "none",
        "marker": "D",
        "markersize": 6,
        "color": style.BLUE,
    }
    ax.plot(WRITERS, run.throughput_rps, **points)
    ax.axhline(most, color=style.MUTED, linewidth=1)
    said = f"{run.at.design}: the busiest file never idle"
    style.label(ax, 20, most, said, style.MUTED, xytext=(-4, 7), ha="right")
    key(ax, [("◆", "simulated", style.BLUE), ("- -", "theory", style.BLACK)], left=True)
    _frame(ax, most)


def _frame(ax: Axes, most_rps: float) -> None:
    ax.set_xlim(0, 20)
    ax.set_xticks([1, 2, 4, 8, 12, 16, 20])
    steps = (400.0, 800.0, 1_600.0, 3_200.0, 6_400.0, 50_000.0)
    ax.set_ylim(0, step_up(1.12 * most_rps, steps))
    ax.set_xlabel("writers, each waiting for its own write")
    ax.set_ylabel("writes per second")
    ax.set_title("What a number of writers gets done")


# --- the same with threads and SQLite -------------------------------------------------------------

_SCHEMA = "CREATE TABLE rows (id INTEGER PRIMARY KEY, payload TEXT NOT NULL)"
_WINDOWS = 10
_WARM_UP = 0.15  # of the run's length, before counting begins
_MOST_WRITES = 20_000  # of one thread


class Trial(_Files):
    """Threads that insert rows into SQLite files, and pause with the file still held."""

    service_ms: float = number(3.0, "Mean pause", unit="ms", at_least=0.5, at_most=50)
    writers: tuple[int, ...] = integers((1, 4, 16), "Threads to try", at_least=1, at_most=64)
    run_s: float = number(0.6, "Length of each run", unit="s", at_least=0.2, at_most=5)


@takes(Trial)
def measure(at: Trial) -> MeasuredWriters:
    """Insert rows from several threads into files that are locked while they are written."""
    with Lateness() as lateness:
        runs = [_run(at, writers) for writers in at.writers]
    return MeasuredWriters(
        at,
        throughput=tuple(run[0] for run in runs),
        held_s=np.array([run[1] for run in runs]),
        rows=np.array([run[2] for run in runs]),
        late_s=lateness.mean_s,
    )


def _run(at: Trial, writers: int) -> tuple[Interval, float, list[int]]:
    """Return the throughput, the mean time a file was held, and the rows of each file."""
    done: list[list[tuple[float, float]]] = [[] for _ in range(writers)]
    with shard_files(at.files, _SCHEMA) as files:
        end = time.perf_counter() + at.run_s * (1 + _WARM_UP)
        threads = [
            threading.Thread(target=_write, args=(at, files, number, end, log))
            for number, log in enumerate(done)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rows = [file.rows("SELECT count(*) FROM rows")[0][0] for file in files]
    finished = np.array([when for log in done for when, _ in log]) - (end - at.run_s)
    held = np.array([held for log in done for _, held in log])
    windows = np.histogram(finished, bins=_WINDOWS, range=(0, at.run_s))[0]
    return mean_interval(windows * (_WINDOWS / at.run_s)), float(held.mean()), rows


def _write(
    at: Trial, files: list[ShardFile], number: int, end: float, log: list[tuple[float, float]]
) -> None:
    luck = Draws(at.seed)(f"writer {number}")
    file_of = luck.choice(at.files, size=_MOST_WRITES, p=at.shares).tolist()
    pauses = (luck.standard_exponential(_MOST_WRITES) * at.service_ms / 1e3).tolist()
    for where, pause in zip(file_of, pauses, strict=True):
        with files[where].transaction() as connection:
            begun = time.perf_counter()
            connection.execute("INSERT INTO rows (payload) VALUES (?)", ("x" * 100,))
            time.sleep(pause)
        now = time.perf_counter()
        log.append((now, now - begun))
        if now > end:
            return


class MeasuredWriters(Measured):
    """Writes per second that real threads get done; arrays with one number for each run.

    Attributes
    ----------
    throughput : tuple of Interval
        Of each run, over ten windows of it.
    held_s : numpy.ndarray
        Mean time for which a write held its file, as it was.
    rows : numpy.ndarray of int, shape (runs, files)
        Rows found in each file at the end.
    late_s : float
        How late timers were on average; see `Lateness`.
    """

    at: Trial
    throughput: tuple[Interval, ...]
    held_s: np.ndarray
    rows: np.ndarray
    late_s: float

    @property
    def expected_rps(self) -> np.ndarray:
        """Mean value analysis with the time for which files were held."""
        each = zip(self.held_s.tolist(), self.at.writers, strict=True)
        return np.array([mva(self.at.shares * held, w).throughput_rps[-1] for held, w in each])

    @property
    def summary(self) -> dict[str, float | int | str]:
        each = zip(self.at.writers, self.throughput, strict=True)
        rates = {f"{writers}_writers_rps": rate.mean for writers, rate in each}
        return {**rates, "held_ms": 1e3 * float(self.held_s.mean())}

    @property
    def reading(self) -> str:
        fullest = self.rows[-1].max() / self.rows[-1].sum()
        return (
            f"On real files {self.at.writers[-1]} threads get "
            f"{significant(self.throughput[-1].mean)} writes per second done, each holding its "
            f"file for {duration(self.held_s[-1])}, and the fullest file ends with "
            f"{significant(100 * fullest)} % of the rows."
        )

    @property
    def verdict(self) -> str:
        """Theory against measurement with the most writers, in one line."""
        if busy := no_verdict(self.late_s, self.held_s[-1]):
            return busy
        expected = float(self.expected_rps[-1])
        return verdict(self.throughput[-1], expected, name="theory", unit="writes/s")

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "writers": self.at.writers,
            "writes/s": [rate.estimate for rate in self.throughput],
            "from": [rate.low for rate in self.throughput],
            "to": [rate.high for rate in self.throughput],
            "theory (writes/s)": self.expected_rps,
        }


def plot_measured(run: MeasuredWriters, ax: Axes) -> None:
    """Draw what real threads get done, alone or on top of the simulation."""
    if is_blank(ax):
        _frame(ax, 1 / float(run.held_s.min() * run.at.shares.max()))
    error_bars(ax, run.at.writers, run.throughput, zorder=5, **style.MEASUREMENT)
    key(ax, [("●", "measured", style.VERMILION)], y=0.834, left=True)  # below the simulation's
