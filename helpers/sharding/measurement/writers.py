"""Threads that insert rows into SQLite files: one hot file, an even load, or a file a feature."""

from __future__ import annotations

import threading
import time

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.queueing import mva
from helpers.foundations.servers.lateness import Lateness, no_verdict
from helpers.foundations.statistics import Interval, mean_interval, verdict
from helpers.foundations.traffic.streams import streams
from helpers.sharding.measurement.files import ShardFile, shard_files
from helpers.sharding.simulation.writers import writer_shares

_SCHEMA = "CREATE TABLE rows (id INTEGER PRIMARY KEY, payload TEXT NOT NULL)"
_WINDOWS = 10
_WARM_UP = 0.15  # of the run's length, before counting begins


class MeasuredShardWritersResult(Result):
    """Writes per second that real threads get done on real files.

    Attributes
    ----------
    design : str
        How writes are dealt out.
    shares : numpy.ndarray, shape (files,)
        Fraction of the writes that each file should get.
    writers : numpy.ndarray of int, shape (m,)
        Numbers of threads tried.
    throughput : tuple of Interval
        Writes per second of each number, with a 95 % interval over ten windows.
    service_s : numpy.ndarray, shape (m,)
        Mean time for which a write held its file, as it was.
    theory_rps : numpy.ndarray, shape (m,)
        Mean value analysis with that time.
    rows : numpy.ndarray of int, shape (m, files)
        Rows found in each file at the end.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    design: str
    shares: np.ndarray
    writers: np.ndarray
    throughput: tuple[Interval, ...]
    service_s: np.ndarray
    theory_rps: np.ndarray
    rows: np.ndarray
    late_s: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            f"{w}_writers_rps": t.mean for w, t in zip(self.writers, self.throughput, strict=True)
        } | {"held_ms": 1e3 * float(self.service_s.mean())}

    @property
    def reading(self) -> str:
        fullest = self.rows[-1].max() / self.rows[-1].sum()
        return (
            f"On real files {self.writers[-1]} threads get "
            f"{significant(self.throughput[-1].mean)} writes per second done, each holding its "
            f"file for {duration(self.service_s[-1])}, and the fullest file ends with "
            f"{significant(100 * fullest)} % of the rows."
        )

    @property
    def verdict(self) -> str:
        """Theory against measurement with the most writers, in one line."""
        if busy := no_verdict(self.late_s, self.service_s[-1]):
            return busy
        return verdict(
            self.throughput[-1], float(self.theory_rps[-1]), name="theory", unit="writes/s"
        )

    def table(self):
        import pandas as pd

        return pd.DataFrame(
            {
                "writers": self.writers,
                "writes_rps": [t.mean for t in self.throughput],
                "ci_low": [t.low for t in self.throughput],
                "ci_high": [t.high for t in self.throughput],
                "theory_rps": self.theory_rps,
            }
        ).set_index("writers")


def measure_shard_writers(
    *,
    design: str,
    files: int = 4,
    largest_share: float = 0.5,
    service_ms: float = 3.0,
    writers: tuple[int, ...] = (1, 4, 16),
    seconds: float = 0.6,
    seed: int = 1,
) -> MeasuredShardWritersResult:
    """Insert rows from several threads into SQLite files that are locked while they are written.

    A write is a real transaction, followed, with the file still held, by a pause that stands for
    the disk each server would have to itself; a laptop has one disk for all.

    Parameters
    ----------
    design, files, largest_share
        As for ``simulate_shard_writers``.
    service_ms : float
        Mean of the pause (exponential), milliseconds; 0.5 to 50.
    writers : tuple of int
        Numbers of threads to try, each for `seconds`; 1 to 64.
    seconds : float
        Length of each run; 0.2 to 5.
    seed : int
        Seed of the pauses and of the choice of files.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    shares = writer_shares(design, files, largest_share)
    pause_s = validation.number("service_ms", service_ms, at_least=0.5, at_most=50, unit="ms") / 1e3
    seconds = validation.number("seconds", seconds, at_least=0.2, at_most=5, unit="s")
    counts = [validation.integer("writers", w, at_least=1, at_most=64) for w in writers]
    with Lateness() as lateness:
        runs = [_run(shares, w, pause_s, seconds, seed) for w in counts]
    service_s = np.array([run[1] for run in runs])
    return MeasuredShardWritersResult(
        design=design,
        shares=shares,
        writers=np.array(counts),
        throughput=tuple(run[0] for run in runs),
        service_s=service_s,
        theory_rps=np.array(
            [
                mva(shares * held, w).throughput_rps[-1]
                for held, w in zip(service_s.tolist(), counts, strict=True)
            ]
        ),
        rows=np.array([run[2] for run in runs]),
        late_s=lateness.mean_s,
    )


def _run(
    shares: np.ndarray, writers: int, pause_s: float, seconds: float, seed: int
) -> tuple[Interval, float, list[int]]:
    """Return the throughput, the mean time a file was held, and the rows of each file."""
    done: list[list[tuple[float, float]]] = [[] for _ in range(writers)]
    with shard_files(len(shares), _SCHEMA) as files:
        start = time.perf_counter()
        end = start + seconds * (1 + _WARM_UP)
        threads = [
            threading.Thread(target=_write, args=(files, shares, number, pause_s, seed, end, log))
            for number, log in enumerate(done)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rows = [file.rows("SELECT count(*) FROM rows")[0][0] for file in files]
    finished = np.array([at for log in done for at, _ in log]) - (end - seconds)
    held = np.array([h for log in done for _, h in log])
    windows = np.histogram(finished, bins=_WINDOWS, range=(0, seconds))[0]
    return mean_interval(windows * (_WINDOWS / seconds)), float(held.mean()), rows


def _write(
    files: list[ShardFile],
    shares: np.ndarray,
    number: int,
    pause_s: float,
    seed: int,
    end: float,
    log: list[tuple[float, float]],
) -> None:
    rng = streams(seed, f"writer {number}")[f"writer {number}"]
    most = 20_000
    file_of = rng.choice(len(files), size=most, p=shares).tolist()
    pauses = (rng.standard_exponential(most) * pause_s).tolist()
    for where, pause in zip(file_of, pauses, strict=True):
        with files[where].transaction() as connection:
            begun = time.perf_counter()
            connection.execute("INSERT INTO rows (payload) VALUES (?)", ("x" * 100,))
            time.sleep(pause)
        now = time.perf_counter()
        log.append((now, now - begun))
        if now > end:
            return
