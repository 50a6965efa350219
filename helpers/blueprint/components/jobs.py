"""What does the work later: message queues and their workers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from helpers.blueprint.components.component import Caller, Component, Served


@dataclass(frozen=True)
class Queue(Component):
    """A message queue: takes a job in, answers at once, and hands it to a worker in its turn.

    Parameters
    ----------
    capacity : int, optional
        Jobs it can hold; a full queue refuses the next one. Unlimited when None.
    durable : bool
        Whether its jobs survive its death.
    """

    name: str = "queue"
    capacity: int | None = field(default=None, kw_only=True)
    durable: bool = field(default=True, kw_only=True)

    kind: ClassVar[str] = "message queue"
    calls: ClassVar[tuple[str, ...]] = ("Workers",)

    def _validate(self) -> None:
        self._optional("capacity", self._integer, at_least=1)
        self._flag("durable")


@dataclass(frozen=True)
class Workers(Served, Caller):
    """Workers that take one job at a time, from a queue, or straight from a caller who waits.

    Parameters
    ----------
    count : int
        Number of workers; >= 1.
    common_cause : float
        Share of a worker's unavailability that hits all of them at once, 0 to 1.
    needed : int
        Workers that must be up for the service to count as available.
    """

    name: str = "workers"
    count: int = field(default=3, kw_only=True)
    service_s: float = field(default=0.2, kw_only=True)
    needed: int = field(default=1, kw_only=True)
    common_cause: float = field(default=0.0, kw_only=True)

    kind: ClassVar[str] = "workers"
    calls: ClassVar[tuple[str, ...]] = ("Cache", "Database", "AppServers", "LoadBalancer")

    @property
    def servers(self) -> int:
        """One job at a time for each worker."""
        return 1

    def _validate(self) -> None:
        super()._validate()
        self._integer("count", at_least=1)
        self._integer("needed", at_least=1, at_most=self.count)
        self._number("common_cause", at_least=0, at_most=1)
