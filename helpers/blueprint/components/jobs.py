"""What does the work later: message queues and their workers."""

from __future__ import annotations

from typing import ClassVar

from helpers.blueprint.components.component import Caller, Component, Served, named, optional
from helpers.blueprint.components.servers import Redundant
from helpers.foundations.experiment import flag, integer, number


class Queue(Component):
    """A message queue: takes a job in, answers at once, and hands it to a worker in its turn."""

    name: str = named(default="queue", kw_only=False)
    capacity: int | None = optional(
        integer(
            words="Jobs it can hold",
            at_least=1,
            note="A full queue refuses the next one. Unlimited when None.",
        ),
        default=None,
    )
    durable: bool = flag(default=True, words="Whether its jobs survive its death")

    kind: ClassVar[str] = "message queue"
    calls: ClassVar[tuple[str, ...]] = ("Workers",)


class Workers(Redundant, Served, Caller):
    """Workers that take one job at a time, from a queue, or straight from a caller who waits."""

    name: str = named(default="workers", kw_only=False)
    service_s: float = number(default=0.2, words="Mean service time", unit="s", above=0)

    kind: ClassVar[str] = "workers"
    calls: ClassVar[tuple[str, ...]] = ("Cache", "Database", "AppServers", "LoadBalancer")

    @property
    def servers(self) -> int:
        """One job at a time for each worker."""
        return 1
