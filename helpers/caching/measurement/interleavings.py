"""The interleavings again, on real threads, a shared dictionary and a real database."""

from __future__ import annotations

import sqlite3
import threading
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from helpers.caching.simulation.interleavings import (
    INITIAL,
    Step,
    Versioned,
    World,
    all_interleavings,
    client_programs,
)
from helpers.foundations.experiment import Result


class MeasuredInterleavingsResult(Result):
    """Every interleaving, performed for real."""

    protocol: str
    clients: str
    #: The orders performed, such as ``"AABBA"``, and what cache and database held at the end.
    orders: tuple[str, ...]
    cached: tuple[str | None, ...]
    stored: tuple[str, ...]
    #: What the model says they hold.
    cached_model: tuple[str | None, ...]
    stored_model: tuple[str, ...]

    @property
    def stale(self) -> int:
        """How many left the cache with a value that the database no longer has."""
        pairs = zip(self.cached, self.stored, strict=True)
        return sum(cached is not None and cached != stored for cached, stored in pairs)

    @property
    def agreeing(self) -> int:
        """How many ended as the model says."""
        real = zip(self.cached, self.stored, strict=True)
        model = zip(self.cached_model, self.stored_model, strict=True)
        return sum(one == other for one, other in zip(real, model, strict=True))

    @property
    def verdict(self) -> str:
        """Whether the model describes what the threads did, in one line."""
        total = len(self.orders)
        word = "agrees" if self.agreeing == total else "disagrees"
        return f"{self.agreeing} of {total} orders end on real threads as in the model: {word}"

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "interleavings": len(self.orders),
            "stale": self.stale,
            "as_in_the_model": self.agreeing,
        }

    @property
    def reading(self) -> str:
        return (
            f"Measured: two threads went through all {len(self.orders)} orders, and {self.stale} "
            "of them left the cache stale."
        )


def measure_interleavings(
    *,
    protocol: str = "cache-aside",
    clients: str = "reader and writer",
    warm: bool = False,
    timeout_s: float = 5.0,
) -> MeasuredInterleavingsResult:
    """Make two real threads go through every interleaving, with sqlite3 as the database.

    Each thread runs the same program as the model's client, and stops at a gate before each step
    until it is its turn.

    Parameters
    ----------
    protocol, clients, warm
        As for `simulate_interleavings`.
    timeout_s : float
        The longest a thread may take over one step, seconds.

    Returns
    -------
    MeasuredInterleavingsResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    TimeoutError
        If a step took longer than `timeout_s`.
    """
    expected = all_interleavings(protocol, clients, warm=warm)
    ends = []
    with TemporaryDirectory(prefix="interleavings-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "database.sqlite3"
        with _connected(path) as database:
            database.execute("CREATE TABLE item (value TEXT, version INTEGER)")
            database.execute("INSERT INTO item VALUES (?, 0)", (INITIAL,))
        for interleaving in expected:
            programs = client_programs(protocol, clients)
            ends.append(_perform(programs, interleaving.order, path, warm, timeout_s))
    return MeasuredInterleavingsResult(
        protocol=protocol,
        clients=clients,
        orders=tuple(each.order for each in expected),
        cached=tuple(cached for cached, _ in ends),
        stored=tuple(stored for _, stored in ends),
        cached_model=tuple(each.events[-1].cached for each in expected),
        stored_model=tuple(each.events[-1].stored for each in expected),
    )


class _connected(sqlite3.Connection):  # noqa: N801 - reads as a verb where it is used
    """A connection that commits every statement and is closed when the block ends."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, isolation_level=None, timeout=5.0)
        # A crash of the process loses nothing without waiting for the disk; nor do we pull plugs.
        self.execute("PRAGMA synchronous = OFF")

    def __exit__(self, *_: object) -> None:
        self.close()


class _SharedCache(World):
    """The model's cache, but reads and writes of the row go to sqlite3."""

    def do_for(self, database: sqlite3.Connection, step: Step) -> Any:
        if step.action == "read":
            return self._row(database)
        if step.action == "write":
            database.execute("BEGIN IMMEDIATE")
            database.execute("UPDATE item SET value = ?, version = version + 1", (step.value,))
            row = self._row(database)
            database.execute("COMMIT")
            return row
        return self.do(step)

    @staticmethod
    def _row(database: sqlite3.Connection) -> Versioned:
        return Versioned(*database.execute("SELECT value, version FROM item").fetchone())


def _perform(
    programs: tuple[Any, Any], order: str, path: Path, warm: bool, timeout_s: float
) -> tuple[str | None, str]:
    """Run two threads in the given order; return what cache and database hold at the end."""
    with _connected(path) as database:
        database.execute("UPDATE item SET value = ?, version = 0", (INITIAL,))
        shared = _SharedCache(cached=Versioned(INITIAL, 0) if warm else None)
        gates = {name: threading.Semaphore(0) for name in "AB"}
        done = threading.Semaphore(0)
        failures: list[BaseException] = []

        def run(name: str, program: Any) -> None:
            try:
                with _connected(path) as own:
                    step = next(program, None)
                    while step is not None:
                        if not gates[name].acquire(timeout=timeout_s):
                            raise TimeoutError(f"client {name} never got its turn")
                        step = _next(program, shared.do_for(own, step))
                        done.release()
            except BaseException as error:
                failures.append(error)
                done.release()

        threads = [
            threading.Thread(target=partial(run, name, program), daemon=True)
            for name, program in zip("AB", programs, strict=True)
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
        cached = shared.cached and shared.cached.value
        return cached, shared._row(database).value


def _next(program: Any, outcome: Any) -> Step | None:
    try:
        return program.send(outcome)
    except StopIteration:
        return None
