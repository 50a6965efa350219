"""What does the work: application servers, caches and databases."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from helpers.blueprint.components.component import Caller, Served


@dataclass(frozen=True)
class AppServers(Served, Caller):
    """Application servers: the business logic, without any state of their own.

    Parameters
    ----------
    count : int
        Number of servers; >= 1.
    threads : int
        Calls that one server works on at a time; >= 1.
    blocking : bool
        True: a thread that waits for an answer from below is held all the while, as with a pool of
        threads. False: it is given back after the server's own work, as with asynchronous I/O.
    needed : int
        Servers that must be up for the service to count as available (k of n).
    common_cause : float
        Share of a server's unavailability that hits all of them at once (the beta factor), 0 to 1.
    """

    name: str = "app"
    count: int = field(default=3, kw_only=True)
    threads: int = field(default=4, kw_only=True)
    service_s: float = field(default=0.05, kw_only=True)
    blocking: bool = field(default=True, kw_only=True)
    needed: int = field(default=1, kw_only=True)
    common_cause: float = field(default=0.0, kw_only=True)

    kind: ClassVar[str] = "app servers"
    calls: ClassVar[tuple[str, ...]] = (
        "Cache",
        "Database",
        "Queue",
        "Workers",
        "AppServers",
        "LoadBalancer",
    )

    @property
    def servers(self) -> int:
        """Threads of one instance."""
        return self.threads

    def _validate(self) -> None:
        super()._validate()
        self._integer("count", at_least=1)
        self._integer("threads", at_least=1)
        self._flag("blocking")
        self._integer("needed", at_least=1, at_most=self.count)
        self._number("common_cause", at_least=0, at_most=1)


@dataclass(frozen=True)
class Cache(Served):
    """A cache in memory.

    Wired on to a database (``app >> cache >> db``) the cache stands in the path and fetches what
    it lacks. Beside a database (``app >> cache`` and ``app >> db``) it is a cache-aside: the
    application looks there first, and goes to the database itself on a miss, or if the cache is
    down.

    Parameters
    ----------
    hit_ratio : float
        Fraction of the reads it can answer, 0 to 1.
    connections : int
        Calls it works on at a time; >= 1.
    """

    name: str = "cache"
    hit_ratio: float = field(default=0.8, kw_only=True)
    service_s: float = field(default=0.001, kw_only=True)
    connections: int = field(default=16, kw_only=True)

    kind: ClassVar[str] = "cache"
    calls: ClassVar[tuple[str, ...]] = ("Database",)

    @property
    def servers(self) -> int:
        """Connections."""
        return self.connections

    def _validate(self) -> None:
        super()._validate()
        self._number("hit_ratio", at_least=0, at_most=1)
        self._integer("connections", at_least=1)


@dataclass(frozen=True)
class Database(Served):
    """A database with a primary and, if you like, replicas: the source of truth.

    Writes go to the primary; reads go to a live replica picked at random, and to the primary if
    there is none. A driver that finds a node dead tries another at once.

    Parameters
    ----------
    replicas : int
        Read replicas beside the primary; >= 0.
    connections : int
        Calls each node works on at a time; >= 1.
    failover_s : float, optional
        Seconds after the primary's death until a live replica is promoted; never when None.
    common_cause : float
        Share of a node's unavailability that hits all of them at once (the beta factor), 0 to 1.
    """

    name: str = "db"
    replicas: int = field(default=0, kw_only=True)
    connections: int = field(default=4, kw_only=True)
    service_s: float = field(default=0.02, kw_only=True)
    failover_s: float | None = field(default=None, kw_only=True)
    common_cause: float = field(default=0.0, kw_only=True)

    kind: ClassVar[str] = "database"

    @property
    def servers(self) -> int:
        """Connections of one node."""
        return self.connections

    @property
    def machines(self) -> int:
        """Primary and replicas."""
        return 1 + self.replicas

    def _validate(self) -> None:
        super()._validate()
        self._integer("replicas", at_least=0)
        self._integer("connections", at_least=1)
        self._optional("failover_s", self._number, at_least=0, unit="s")
        self._number("common_cause", at_least=0, at_most=1)
