"""Real primaries that ship their log, and what is left when they are killed."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from helpers.foundations.servers.lateness import Lateness
from helpers.foundations.servers.processes import kill_each

_CHILD = Path(__file__).with_name("primary_process.py")


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
    options = (str(write_rps), str(ship_s), str(int(synchronous)))
    with (
        TemporaryDirectory(prefix="primaries-", ignore_cleanup_errors=True) as folder,
        Lateness() as lateness,
    ):
        pairs = [
            [Path(folder) / f"{number}-{name}.sqlite3" for name in ("primary", "replica")]
            for number in range(lives_s.size)
        ]
        commands = [(str(_CHILD), *map(str, pair), *options) for pair in pairs]
        acknowledged = kill_each(commands, lives_s, timeout_s=timeout_s)
        kept, shipped = np.array([[_rows(path) for path in pair] for pair in pairs]).T
    return np.array(acknowledged), kept, shipped, lateness.mean_s


def _rows(path: Path) -> int:
    database = sqlite3.connect(path)
    try:
        return int(database.execute("SELECT count(*) FROM write").fetchone()[0])
    finally:
        database.close()
