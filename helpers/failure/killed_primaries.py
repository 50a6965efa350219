"""Real primaries that ship their log, and what is left when they are killed."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from helpers.foundations.servers.lateness import Lateness
from helpers.foundations.servers.processes import kill_each

_CHILD = Path(__file__).with_name("primary_process.py")
_WAVE = 8  # processes alive at once


def killed(
    lives_s: np.ndarray, write_rps: float, ship_s: float, synchronous: bool, timeout_s: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Start primaries, kill each without warning at its time, and count.

    Parameters
    ----------
    lives_s : numpy.ndarray, shape (kills,)
        How long each lives, seconds; at most 65,000 writes each.
    write_rps, ship_s : float
        Writes per second, and seconds between two batches of the log.
    synchronous : bool
        Whether a write is acknowledged only when the replica has it.
    timeout_s : float
        When to give up, seconds.

    Returns
    -------
    acknowledged, kept, shipped : numpy.ndarray of int, shape (kills,)
        Writes that each had acknowledged, that its own file holds, and that its replica holds.
    late_s : float
        How late timers were on average, seconds.

    Raises
    ------
    TimeoutError
        If it took longer than `timeout_s`.
    RuntimeError
        If a process died of its own accord.
    """
    deadline = time.monotonic() + timeout_s
    counts: list[tuple[int, int, int]] = []
    options = (str(write_rps), str(ship_s), str(int(synchronous)))
    with (
        TemporaryDirectory(prefix="primaries-", ignore_cleanup_errors=True) as folder,
        Lateness() as lateness,
    ):
        for first in range(0, lives_s.size, _WAVE):
            counts += _wave(Path(folder), first, lives_s[first:][:_WAVE], options)
            if time.monotonic() > deadline:
                raise TimeoutError(f"{lives_s.size} primaries took longer than {timeout_s:g} s")
    acknowledged, kept, shipped = np.array(counts).T
    return acknowledged, kept, shipped, lateness.mean_s


def _wave(
    folder: Path, first: int, lives_s: np.ndarray, options: tuple[str, ...]
) -> list[tuple[int, int, int]]:
    """Start primaries together, kill each at its time; return its three counts."""
    paths = [
        tuple(folder / f"{first + number}-{name}.sqlite3" for name in ("primary", "replica"))
        for number in range(lives_s.size)
    ]
    acknowledged = kill_each([(str(_CHILD), *map(str, pair), *options) for pair in paths], lives_s)
    return [
        (count, _rows(own), _rows(other))
        for count, (own, other) in zip(acknowledged, paths, strict=True)
    ]


def _rows(path: Path) -> int:
    database = sqlite3.connect(path)
    try:
        return int(database.execute("SELECT count(*) FROM write").fetchone()[0])
    finally:
        database.close()
