"""A real database file, a process killed while it writes, and what each setting costs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.servers.processes import Child
from helpers.foundations.traffic.streams import streams

if TYPE_CHECKING:
    import pandas as pd

_CHILD = Path(__file__).with_name("_writer_child.py")

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


class MeasuredDurability(Result):
    """What it costs to keep writes, and which of them survive.

    Attributes
    ----------
    modes : dict of str to KilledWriter
        One for each of :data:`MODES`.
    sync_s : float
        Median time of one ``fsync`` of a small file on the same disk, seconds.
    kills : int
        Processes killed for each mode.
    """

    modes: dict[str, KilledWriter]
    sync_s: float
    kills: int

    @property
    def predicted_full_s(self) -> float:
        """Time of a synced write as theory has it: an unsynced one and one sync."""
        return self.modes["WAL, synchronous OFF"].write_s + self.sync_s

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {"fsync_us": 1e6 * self.sync_s}
        for name, mode in self.modes.items():
            short = name.replace(", synchronous", "").replace(" ", "_")
            found[f"{short}_us_a_write"] = 1e6 * mode.write_s
            found[f"{short}_lost"] = max(mode.acknowledged - mode.survived, 0)
        return found

    @property
    def reading(self) -> str:
        memory, full = self.modes["dict in memory"], self.modes["WAL, synchronous FULL"]
        files = [mode for name, mode in self.modes.items() if name != "dict in memory"]
        lost = sum(max(mode.acknowledged - mode.survived, 0) for mode in files)
        sound = "sound" if all(mode.sound for mode in files) else "DAMAGED"
        ratio = full.write_s / self.predicted_full_s
        return (
            f"Verdict: {self.kills * len(self.modes)} processes were killed. The dict lost all "
            f"{memory.acknowledged:,} writes it had acknowledged; the database files, {sound}, "
            f"lost {lost} of {sum(mode.acknowledged for mode in files):,}, whatever the setting. A "
            f"synced write took {duration(full.write_s)}, {significant(ratio, 2)} times what an "
            f"unsynced write and one fsync take together ({duration(self.predicted_full_s)})."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            [
                {
                    "kept in": name,
                    "µs a write": 1e6 * mode.write_s,
                    "acknowledged": mode.acknowledged,
                    "survived the kill": mode.survived,
                    "certain after a power cut": mode.certain,
                }
                for name, mode in self.modes.items()
            ]
        ).set_index("kept in")


def measure_durability(
    *, kills: int = 2, life_s: float = 0.08, seed: int = 1, timeout_s: float = 30.0
) -> MeasuredDurability:
    """Kill real processes while they write, and count what is left.

    Each process writes rows as fast as it can, one transaction each, and acknowledges them one by
    one. It is killed without warning (SIGKILL, on Windows TerminateProcess).

    Parameters
    ----------
    kills : int
        Processes killed for each mode; 1 to 20.
    life_s : float
        Mean time a process lives after its first write, seconds; 0.02 to 2.
    seed : int
        Seed of the moments of death.
    timeout_s : float
        The measurement is given up after this long, seconds; > 0.

    Returns
    -------
    MeasuredDurability

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    TimeoutError
        If it took longer than `timeout_s`.
    RuntimeError
        If a process died of its own accord.

    Notes
    -----
    What a process has handed to the operating system does not die with it, so killing processes
    cannot show what a *power cut* takes. `certain` counts what SQLite's documentation of ``PRAGMA
    synchronous`` leaves no doubt about: everything with FULL in WAL mode and with EXTRA in DELETE
    mode, nothing with OFF, and with NORMAL in WAL mode what had been moved into the database file
    by a checkpoint. That last number is read off the database file alone, without its log.
    """
    kills = validation.integer("kills", kills, at_least=1, at_most=20)
    life_s = validation.number("life_s", life_s, at_least=0.02, at_most=2, unit="s")
    timeout_s = validation.number("timeout_s", timeout_s, above=0, unit="s")
    lives = life_s * (0.75 + 0.5 * streams(seed, "lives")["lives"].random((len(MODES), kills)))
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
    return MeasuredDurability(modes, float(np.median(syncs)), kills)


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
