"""Real processes that get killed: sessions and jobs in their memory, and in a file."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from helpers.anatomy.measurement import _child
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.servers.processes import Child
from helpers.foundations.traffic.streams import streams


@contextmanager
def _children(count: int, what: str, where: str) -> Iterator[list[Child]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Child(_child.__file__, what, where)) for _ in range(count)]


@contextmanager
def _database(statement: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="anatomy-") as folder:
        path = str(Path(folder) / "shared.db")
        connection = _child.open_file(path)
        try:
            connection.execute(statement)
        finally:
            connection.close()
        yield path


class MeasuredSessions(Result):
    """Sessions before and after one of several real processes was killed.

    Attributes
    ----------
    servers, users
        The parameters it was made with.
    lost_memory, lost_store : int
        Sessions that were gone afterwards: kept in the processes' memory, and in an sqlite file.
    memory_s, store_s : float
        Median time of a request for a session, seconds.
    """

    servers: int
    users: int
    lost_memory: int
    lost_store: int
    memory_s: float
    store_s: float

    @property
    def range95(self) -> tuple[float, float]:
        """Where 95 % of the losses would lie if each user's server were picked at random."""
        share = 1 / self.servers
        spread = 1.96 * np.sqrt(self.users * share * (1 - share))
        return self.users * share - spread, self.users * share + spread

    @property
    def agrees(self) -> bool:
        """Whether the loss in memory lies there, and none is lost from the store."""
        low, high = self.range95
        return low <= self.lost_memory <= high and self.lost_store == 0

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "sessions": self.users,
            "lost_from_memory": self.lost_memory,
            "lost_theory": self.users / self.servers,
            "lost_from_store": self.lost_store,
            "memory_request_us": 1e6 * self.memory_s,
            "store_request_us": 1e6 * self.store_s,
        }

    @property
    def reading(self) -> str:
        low, high = self.range95
        word = "agrees" if self.agrees else "disagrees"
        return (
            f"Verdict: killing one of {self.servers} processes lost {self.lost_memory} of "
            f"{self.users} sessions from memory and {self.lost_store} from the shared file; 1/n "
            f"expects {significant(low, 2)} to {significant(high, 2)} in 95 % of such runs: "
            f"{word}. A request took {duration(self.memory_s)} from memory and "
            f"{duration(self.store_s)} from the file."
        )


def measure_sessions(*, servers: int = 3, users: int = 300, seed: int = 1) -> MeasuredSessions:
    """Keep sessions in real processes, kill one of them, and ask for every session again.

    Parameters
    ----------
    servers : int
        Processes; 2 to 6.
    users : int
        Sessions; 30 to 2,000.
    seed : int
        Seed of the users' servers; >= 0.

    Returns
    -------
    MeasuredSessions

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    servers = validation.integer("servers", servers, at_least=2, at_most=6)
    users = validation.integer("users", users, at_least=30, at_most=2_000)
    homes = streams(seed, "homes")["homes"].integers(0, servers, users).tolist()
    lost, times = [], []
    with _database("CREATE TABLE sessions (key TEXT PRIMARY KEY, value TEXT)") as path:
        for where in ("memory", path):
            with _children(servers, "sessions", where) as children:
                for user, home in enumerate(homes):
                    children[home].ask(f"put user-{user} cart-{user}")
                children[0].kill()
                gone, took = 0, []
                for user, home in enumerate(homes):
                    # Another server takes over the dead one's users.
                    child = children[home or 1]
                    began = time.perf_counter()
                    gone += child.ask(f"get user-{user}") != f"cart-{user}"
                    took.append(time.perf_counter() - began)
            lost.append(gone)
            times.append(float(np.median(took)))
    return MeasuredSessions(servers, users, lost[0], lost[1], times[0], times[1])


class MeasuredJobLoss(Result):
    """Jobs that were accepted by a process before it was killed, and what was left of them.

    Attributes
    ----------
    jobs : int
        Jobs accepted.
    left_memory, left_file : int
        Jobs that the restarted process still had: of a ``queue.Queue``, and of an sqlite file.
    """

    jobs: int
    left_memory: int
    left_file: int

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "accepted": self.jobs,
            "left_of_memory_queue": self.left_memory,
            "left_of_file_queue": self.left_file,
        }

    @property
    def reading(self) -> str:
        return (
            f"Of {self.jobs} accepted jobs {self.left_memory} were left of the queue in memory "
            f"after its process was killed, and {self.left_file} of the queue in a file."
        )


def measure_job_loss(*, jobs: int = 200) -> MeasuredJobLoss:
    """Let a process accept jobs into a queue, kill it, start it again, and ask what it still has.

    Parameters
    ----------
    jobs : int
        Jobs; 1 to 2,000.

    Returns
    -------
    MeasuredJobLoss

    Raises
    ------
    TypeError, ValueError
        If `jobs` has the wrong type or is out of range.
    """
    jobs = validation.integer("jobs", jobs, at_least=1, at_most=2_000)
    left = []
    with _database("CREATE TABLE jobs (number INTEGER)") as path:
        for where in ("memory", path):
            with _children(1, "jobs", where) as (child,):
                for number in range(jobs):
                    child.ask(f"put {number}")
                child.kill()
            with _children(1, "jobs", where) as (restarted,):
                left.append(int(restarted.ask("count -")))
    return MeasuredJobLoss(jobs=jobs, left_memory=left[0], left_file=left[1])
