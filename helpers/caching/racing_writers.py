"""Real threads that write through to sqlite3 and then, a moment later, to a dictionary."""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from helpers.foundations.servers.lateness import Lateness

_THREADS = 64


def race(
    jobs: Sequence[tuple[float, int, float]], keys: int, timeout_s: float
) -> tuple[dict[int, int], dict[int, int], float]:
    """Perform write-through writes on time.

    Parameters
    ----------
    jobs : sequence of (float, int, float)
        When to write, seconds from the start, ascending; which key; and how long after its commit
        the write reaches the cache, seconds.
    keys : int
        How many keys there are.
    timeout_s : float
        When to give up, seconds.

    Returns
    -------
    cached, stored : dict of int to int
        The version of each key that cache and database hold at the end.
    late_s : float
        How late timers were on average, seconds.

    Raises
    ------
    TimeoutError
        If the writes took longer than `timeout_s`.
    """
    waiting: queue.SimpleQueue[tuple[float, int, float]] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    cache: dict[int, int] = {}
    failures: list[BaseException] = []
    with (
        Lateness() as lateness,
        TemporaryDirectory(prefix="write-race-", ignore_cleanup_errors=True) as folder,
    ):
        began = time.perf_counter() + 0.05
        stop = began + timeout_s
        database = sqlite3.connect(
            Path(folder) / "database.sqlite3", isolation_level=None, check_same_thread=False
        )
        one_at_a_time = threading.Lock()  # sqlite3 has one writer; the queue for it is fair here

        def write_through() -> None:
            try:
                while time.perf_counter() < stop:
                    moment, key, delay = waiting.get_nowait()
                    time.sleep(max(0.0, began + moment - time.perf_counter()))
                    with one_at_a_time:
                        (version,) = database.execute(
                            "UPDATE item SET version = version + 1 WHERE key = ? RETURNING version",
                            (key,),
                        ).fetchone()
                    time.sleep(delay)
                    cache[key] = version
            except queue.Empty:
                pass
            except BaseException as error:
                failures.append(error)

        try:
            database.execute("PRAGMA synchronous = OFF")
            database.execute("PRAGMA journal_mode = MEMORY")
            database.execute("CREATE TABLE item (key INTEGER PRIMARY KEY, version INTEGER)")
            database.executemany("INSERT INTO item VALUES (?, 0)", [(key,) for key in range(keys)])
            threads = [threading.Thread(target=write_through, daemon=True) for _ in range(_THREADS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(max(0.0, stop + 1 - time.perf_counter()))
            if failures:
                raise failures[0]
            if not waiting.empty() or any(thread.is_alive() for thread in threads):
                raise TimeoutError(f"the writes took longer than {timeout_s:g} s")
            stored = dict(database.execute("SELECT key, version FROM item"))
        finally:
            database.close()
    return cache, stored, lateness.mean_s
