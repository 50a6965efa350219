"""Real processes that acknowledge writes from memory, and what is left when they are killed."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from helpers.foundations.servers.lateness import Lateness
from helpers.foundations.servers.processes import kill_each

#: Acknowledgements that a pipe surely holds; each is a byte, and more would be waited for.
PIPE_BYTES = 60_000

_CHILD = Path(__file__).with_name("batching_process.py")


def killed(
    lives_s: np.ndarray, write_rps: float, flush_s: float, timeout_s: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """Start processes, kill each without warning at its time, and count.

    Killed by SIGKILL, on Windows by TerminateProcess; eight are alive at once.

    Parameters
    ----------
    lives_s : numpy.ndarray, shape (kills,)
        How long each lives, seconds.
    write_rps, flush_s : float
        Evenly spaced writes per second, and seconds between flushes to sqlite3.
    timeout_s : float
        When to give up, seconds.

    Returns
    -------
    acknowledged, stored : numpy.ndarray of int, shape (kills,)
        Writes that each had acknowledged, and that its database holds.
    late_s : float
        How late timers were on average, seconds.

    Raises
    ------
    TimeoutError
        If it took longer than `timeout_s`.
    RuntimeError
        If a process died of its own accord.
    """
    with (
        TemporaryDirectory(prefix="write-behind-", ignore_cleanup_errors=True) as folder,
        Lateness() as lateness,
    ):
        paths = [Path(folder) / f"{number}.sqlite3" for number in range(lives_s.size)]
        commands = [(str(_CHILD), str(path), str(write_rps), str(flush_s)) for path in paths]
        acknowledged = kill_each(commands, lives_s, timeout_s=timeout_s)
        stored = [_rows(path) for path in paths]
    return np.array(acknowledged), np.array(stored), lateness.mean_s


def _rows(path: Path) -> int:
    database = sqlite3.connect(path)
    try:
        return int(database.execute("SELECT count(*) FROM write").fetchone()[0])
    finally:
        database.close()
