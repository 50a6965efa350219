"""Real processes, killed while they write: a dict, and SQLite with several settings."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from helpers.foundations.experiment import Draws
from helpers.foundations.servers.processes import Child

_CHILD = Path(__file__).with_name("writer_process.py")

#: The ways of keeping writes that are measured: SQLite's journal and synchronous settings.
MODES: dict[str, tuple[str, str] | None] = {
    "dict in memory": None,
    "WAL, synchronous OFF": ("WAL", "OFF"),
    "WAL, synchronous NORMAL": ("WAL", "NORMAL"),
    "WAL, synchronous FULL": ("WAL", "FULL"),
    "DELETE, synchronous EXTRA": ("DELETE", "EXTRA"),
}

_SYNCS = 20


@dataclass(frozen=True)
class KilledWriter:
    """One way of keeping writes: its price, and what was left after the kills.

    Attributes
    ----------
    acknowledged, survived : int
        Writes acknowledged, and found again after the process was killed, over all kills.
    certain : int
        Of the acknowledged, those that a power cut could not have taken either.
    write_s : float
        Median time of a write over the kills, seconds.
    sound : bool
        Whether SQLite found nothing wrong with the file.
    """

    acknowledged: int
    survived: int
    certain: int
    write_s: float
    sound: bool

    @property
    def lost(self) -> int:
        """Writes acknowledged and not found again."""
        return max(self.acknowledged - self.survived, 0)


def kill_writers(
    kills: int, life_s: float, timeout_s: float, seed: int
) -> tuple[dict[str, KilledWriter], float]:
    """Kill so many processes in each of :data:`MODES` while they write, and count what is left.

    Each process writes rows as fast as it can, one transaction each, and acknowledges them one by
    one. It is killed without warning (SIGKILL, on Windows TerminateProcess).

    Parameters
    ----------
    kills : int
        Processes killed for each mode.
    life_s : float
        Mean time a process lives after its first write, seconds.
    timeout_s : float
        The measurement is given up after this long, seconds.
    seed : int
        Seed of the moments of death.

    Returns
    -------
    modes : dict of str to KilledWriter
    sync_s : float
        Median time of one ``fsync`` of a small file on the same disk, seconds.

    Raises
    ------
    TimeoutError
        If it took longer than `timeout_s`.
    RuntimeError
        If a process died of its own accord.
    """
    lives = life_s * (0.75 + 0.5 * Draws(seed)("lives").random((len(MODES), kills)))
    deadline = time.monotonic() + timeout_s
    modes = {}
    with TemporaryDirectory(prefix="durability-", ignore_cleanup_errors=True) as folder:
        syncs: list[float] = []
        for (name, mode), row in zip(MODES.items(), lives, strict=True):
            syncs += _time_syncs(Path(folder))  # between the kills, as disks have their moods
            runs = [_kill_one(mode, float(life), Path(folder), deadline) for life in row]
            modes[name] = KilledWriter(
                acknowledged=sum(run[0] for run in runs),
                survived=sum(run[1] for run in runs),
                certain=sum(run[2] for run in runs),
                write_s=float(np.median([run[3] for run in runs])),
                sound=all(run[4] for run in runs),
            )
    return modes, float(np.median(syncs))


def _time_syncs(folder: Path) -> list[float]:
    """Time a few syncs, each after a small write that makes the file longer, seconds."""
    times = []
    handle = os.open(folder / "sync", os.O_CREAT | os.O_WRONLY)
    try:
        for _ in range(_SYNCS):
            os.write(handle, b"x" * 4_096)
            began = time.perf_counter()
            os.fsync(handle)
            times.append(time.perf_counter() - began)
    finally:
        os.close(handle)
    return times


def _kill_one(
    mode: tuple[str, str] | None, life_s: float, folder: Path, deadline: float
) -> tuple[int, int, int, float, bool]:
    """Return acknowledged, survived, certain, seconds a write, and whether the file is sound."""
    with TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as own:
        path = Path(own) / "writes.db"
        what = ["memory"] if mode is None else [*mode, str(path)]
        with Child(str(_CHILD), *what) as process:
            acknowledged, write_s = _listen(process, life_s, deadline)
            acknowledged += len(process.kill())
        if mode is None:
            return acknowledged, 0, 0, write_s, True
        _, synchronous = mode
        shutil.copy(path, Path(own) / "alone.db")  # without the log beside it
        survived, sound = _count(path)
        certain = {"OFF": 0, "FULL": acknowledged, "EXTRA": acknowledged}.get(synchronous)
        if certain is None:
            certain = min(_count(Path(own) / "alone.db")[0], acknowledged)
        return acknowledged, survived, certain, write_s, sound


def _listen(process: Child, life_s: float, deadline: float) -> tuple[int, float]:
    """Count acknowledgements for a while; return them and the time of each, seconds."""
    first = process.read(1)
    if not first:
        raise RuntimeError("a writing process ended before its first write")
    count = int(first == b".")
    began = now = time.perf_counter()
    while now - began < life_s:
        heard = process.read()
        now = time.perf_counter()
        if not heard:
            raise RuntimeError("a writing process ended of its own accord")
        if time.monotonic() > deadline:
            raise TimeoutError("the measurement took longer than timeout_s")
        count += len(heard)
    return count, (now - began) / max(count, 1)


def _count(path: Path) -> tuple[int, bool]:
    """Rows found in a database, and whether SQLite finds it sound."""
    with closing(sqlite3.connect(path)) as database:
        sound = database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        try:
            (rows,) = database.execute("SELECT count(*) FROM write").fetchone()
        except sqlite3.OperationalError:
            rows = 0  # not even the table had reached the file
        return rows, sound
