"""What does the work: application servers, caches and databases."""

from __future__ import annotations

from typing import ClassVar

from helpers.blueprint.components.component import Caller, Component, Served, named, optional
from helpers.foundations import validation
from helpers.foundations.experiment import flag, integer, number


class Redundant(Component):
    """A component with several instances, of which some are enough and all may fail at once."""

    count: int = integer(default=3, words="Number of instances", at_least=1)
    needed: int = integer(
        default=1,
        words="Instances that must be up for the service to count as available",
        at_least=1,
        note="k of n; at most `count`.",
    )
    common_cause: float = number(
        default=0.0,
        words="Share of an instance's unavailability that hits all of them at once",
        at_least=0,
        at_most=1,
        note="The beta factor.",
    )

    def agree(self) -> None:
        """Refuse to need more than there are."""
        super().agree()
        validation.integer("needed", self.needed, at_least=1, at_most=self.count)


class AppServers(Redundant, Served, Caller):
    """Application servers: the business logic, without any state of their own."""

    name: str = named(default="app", kw_only=False)
    threads: int = integer(default=4, words="Calls that one server works on at a time", at_least=1)
    service_s: float = number(default=0.05, words="Mean service time", unit="s", above=0)
    blocking: bool = flag(
        default=True,
        words="Whether a thread that waits for an answer from below is held all the while",
        note="True: as with a pool of threads. False: it is given back after the server's own "
        "work, as with asynchronous I/O.",
    )

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


class Cache(Served):
    """A cache in memory.

    Wired on to a database (``app >> cache >> db``) the cache stands in the path and fetches what
    it lacks. Beside a database (``app >> cache`` and ``app >> db``) it is a cache-aside: the
    application looks there first, and goes to the database itself on a miss, or if the cache is
    down.
    """

    name: str = named(default="cache", kw_only=False)
    hit_ratio: float = number(
        default=0.8, words="Fraction of the reads it can answer", at_least=0, at_most=1
    )
    service_s: float = number(default=0.001, words="Mean service time", unit="s", above=0)
    connections: int = integer(default=16, words="Calls it works on at a time", at_least=1)

    kind: ClassVar[str] = "cache"
    calls: ClassVar[tuple[str, ...]] = ("Database",)

    @property
    def servers(self) -> int:
        """Connections."""
        return self.connections


class Database(Served):
    """A database with a primary and, if you like, replicas: the source of truth.

    Writes go to the primary; reads go to a live replica picked at random, and to the primary if
    there is none. A driver that finds a node dead tries another at once.
    """

    name: str = named(default="db", kw_only=False)
    replicas: int = integer(default=0, words="Read replicas beside the primary", at_least=0)
    connections: int = integer(default=4, words="Calls each node works on at a time", at_least=1)
    service_s: float = number(default=0.02, words="Mean service time", unit="s", above=0)
    failover_s: float | None = optional(
        number(
            words="Time from the primary's death until a live replica is promoted",
            unit="s",
            at_least=0,
            note="Never when None.",
        ),
        default=None,
    )
    common_cause: float = number(
        default=0.0,
        words="Share of a node's unavailability that hits all of them at once",
        at_least=0,
        at_most=1,
        note="The beta factor.",
    )

    kind: ClassVar[str] = "database"

    @property
    def servers(self) -> int:
        """Connections of one node."""
        return self.connections

    @property
    def machines(self) -> int:
        """Primary and replicas."""
        return 1 + self.replicas
