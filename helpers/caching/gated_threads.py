"""Two real threads, a shared cache and a real database, and a gate before each step.

What a step does to the cache is the model's own code; reads and writes of the row go to sqlite3.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Generator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


def perform(
    orders: Sequence[tuple[tuple[Generator[Any, Any, None], ...], str]],
    fresh_world: Callable[[], Any],
    timeout_s: float,
) -> list[tuple[str | None, str]]:
    """Make two threads go through each order.

    Parameters
    ----------
    orders : sequence of (clients, str)
        Fresh programs of client A and client B, and whose turn it is, such as ``"AABBA"``.
    fresh_world : callable
        Returns the shared state before the first step: ``cached``, ``stored`` and ``do(step)``.
    timeout_s : float
        The longest a thread may take over one step, seconds.

    Returns
    -------
    list of (str or None, str)
        What cache and database hold after each.

    Raises
    ------
    TimeoutError
        If a step took longer than `timeout_s`.
    """
    with TemporaryDirectory(prefix="interleavings-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "database.sqlite3"
        with _Connection(path) as database:
            database.execute("CREATE TABLE item (value TEXT, version INTEGER)")
            database.execute("INSERT INTO item VALUES ('', 0)")
        return [_perform(*order, fresh_world(), path, timeout_s) for order in orders]


class _Connection(sqlite3.Connection):
    """A connection that commits every statement and is closed when the block ends."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, isolation_level=None, timeout=5.0)
        # A crash of the process loses nothing without waiting for the disk; nor do we pull plugs.
        self.execute("PRAGMA synchronous = OFF")

    def __exit__(self, *_: object) -> None:  # type: ignore[override]
        self.close()


def _row(database: sqlite3.Connection, like: Any) -> Any:
    """Read the row, as a value and a version of the model's kind."""
    return type(like)(*database.execute("SELECT value, version FROM item").fetchone())


def _do(world: Any, database: sqlite3.Connection, step: Any) -> Any:
    if step.action == "read":
        return _row(database, world.stored)
    if step.action == "write":
        database.execute("BEGIN IMMEDIATE")
        database.execute("UPDATE item SET value = ?, version = version + 1", (step.value,))
        row = _row(database, world.stored)
        database.execute("COMMIT")
        return row
    return world.do(step)


def _perform(
    clients: tuple[Generator[Any, Any, None], ...],
    order: str,
    world: Any,
    path: Path,
    timeout_s: float,
) -> tuple[str | None, str]:
    """Run two threads in the given order; return what cache and database hold at the end."""
    with _Connection(path) as database:
        database.execute("UPDATE item SET value = ?, version = ?", tuple(world.stored))
        gates = {name: threading.Semaphore(0) for name in "AB"}
        done = threading.Semaphore(0)
        failures: list[BaseException] = []

        def run(name: str, client: Generator[Any, Any, None]) -> None:
            try:
                with _Connection(path) as own:
                    step = next(client, None)
                    while step is not None:
                        if not gates[name].acquire(timeout=timeout_s):
                            raise TimeoutError(f"client {name} never got its turn")
                        step = _next(client, _do(world, own, step))
                        done.release()
            except BaseException as error:
                failures.append(error)
                done.release()

        threads = [
            threading.Thread(target=partial(run, name, client), daemon=True)
            for name, client in zip("AB", clients, strict=True)
        ]
        for thread in threads:
            thread.start()
        for name in order:
            gates[name].release()
            if not done.acquire(timeout=timeout_s):
                raise TimeoutError(f"a step of client {name} took longer than {timeout_s:g} s")
            if failures:
                raise failures[0]
        for thread in threads:
            thread.join(timeout_s)
        cached = world.cached.value if world.cached is not None else None
        return cached, str(_row(database, world.stored).value)


def _next(client: Generator[Any, Any, None], outcome: Any) -> Any:
    try:
        return client.send(outcome)
    except StopIteration:
        return None
