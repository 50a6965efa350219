"""Real processes that get killed: sessions and jobs in their memory, and in a file."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from helpers.anatomy import process_to_kill
from helpers.foundations.servers.processes import Child


def ask_again_after_a_kill(servers: int, homes: list[int]) -> list[tuple[int, float]]:
    """Keep sessions in processes, kill the first, and ask for every session again.

    Parameters
    ----------
    servers : int
        Processes; >= 2.
    homes : list of int
        Which of them keeps each session.

    Returns
    -------
    list of (int, float)
        Sessions lost, and the median time of asking for one in seconds: from the processes'
        memory, and from an sqlite file that they share.
    """
    found = []
    with _database("CREATE TABLE sessions (key TEXT PRIMARY KEY, value TEXT)") as path:
        for where in ("memory", path):
            with _processes(servers, "sessions", where) as children:
                for user, home in enumerate(homes):
                    children[home].ask(f"put user-{user} cart-{user}")
                children[0].kill()
                lost, took = 0, []
                for user, home in enumerate(homes):
                    # Another server takes over the dead one's users.
                    child = children[home or 1]
                    began = time.perf_counter()
                    lost += child.ask(f"get user-{user}") != f"cart-{user}"
                    took.append(time.perf_counter() - began)
            found.append((lost, float(np.median(took))))
    return found


def left_after_a_kill(jobs: int) -> list[int]:
    """Let a process accept jobs, kill it, and return what it has when it is started again.

    Returns
    -------
    list of int
        Jobs left of a queue in its memory, and of one in an sqlite file.
    """
    left = []
    with _database("CREATE TABLE jobs (number INTEGER)") as path:
        for where in ("memory", path):
            with _processes(1, "jobs", where) as (child,):
                for number in range(jobs):
                    child.ask(f"put {number}")
                child.kill()
            with _processes(1, "jobs", where) as (restarted,):
                left.append(int(restarted.ask("count -")))
    return left


@contextmanager
def _processes(count: int, what: str, where: str) -> Iterator[list[Child]]:
    script = process_to_kill.__file__
    with ExitStack() as stack:
        yield [stack.enter_context(Child(script, what, where)) for _ in range(count)]


@contextmanager
def _database(statement: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="anatomy-") as folder:
        path = str(Path(folder) / "shared.db")
        connection = process_to_kill.open_file(path)
        try:
            connection.execute(statement)
        finally:
            connection.close()
        yield path
