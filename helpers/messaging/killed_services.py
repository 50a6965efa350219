"""Real services that take orders and announce them, killed without warning and started again."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from helpers.foundations.servers.processes import Child

_CHILD = Path(__file__).with_name("ordering_process.py")


def kill_services(
    lives_s: np.ndarray, design: str, step_s: float
) -> tuple[frozenset[int], Counter[int]]:
    """Start a service, kill it after its time, start the next; let the last one finish.

    Killed by SIGKILL, on Windows by TerminateProcess.

    Parameters
    ----------
    lives_s : numpy.ndarray, shape (kills,)
        How long each lives, seconds, from its first order on.
    design : {"commit, then publish", "publish, then commit", "outbox"}
        In which order it writes.
    step_s : float
        What a service does between two steps: it sleeps, seconds.

    Returns
    -------
    stored : frozenset of int
        Orders in the service's database.
    sent : Counter of int
        Messages in the queue, by order.

    Raises
    ------
    RuntimeError
        If a service died of its own accord.
    """
    with TemporaryDirectory(prefix="outbox-", ignore_cleanup_errors=True) as folder:
        database, queue = Path(folder, "orders.sqlite3"), Path(folder, "queue.sqlite3")
        for life_s in lives_s.tolist():
            with Child(str(_CHILD), str(database), str(queue), design, str(step_s)) as service:
                service.ask("start")
                time.sleep(life_s)
                if service.returncode is not None:
                    raise RuntimeError(f"a service ended by itself, with {service.returncode}")
        with Child(str(_CHILD), str(database), str(queue), design, "0") as service:
            service.ask("finish")
        stored = frozenset(order for (order,) in _rows(database, "SELECT id FROM orders"))
        sent = Counter(order for (order,) in _rows(queue, "SELECT orders FROM messages"))
    return stored, sent


def _rows(path: Path, query: str) -> list[tuple[int]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()
