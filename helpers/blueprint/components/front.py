"""What stands before the servers: clients, CDN and balancer."""

from __future__ import annotations

from typing import Any, ClassVar

from helpers.blueprint.components.component import Caller, Component, named, optional, positional
from helpers.blueprint.policies import POLICIES
from helpers.foundations.experiment import Parameters, anything, integer, number, option
from helpers.foundations.traffic.arrivals import ARRIVALS


class Clients(Caller):
    """Everybody out there: the only source of requests, by a rate or by a number of users.

    An open stream has a mean rate. In a closed system each of so many users thinks, asks, waits
    for the answer and thinks again.

    Examples
    --------
    >>> Clients(rate_rps=100, users=5)
    Traceback (most recent call last):
    ValueError: Clients 'clients': give either rate_rps or users, got 100.0 and 5
    """

    name: str = named(default="clients", kw_only=False)
    rate_rps: float | None = optional(
        number(words="Mean rate of an open stream", unit="requests/s", above=0), default=None
    )
    users: int | None = optional(
        integer(words="Number of users of a closed system", at_least=1), default=None
    )
    think_s: float = number(
        default=1.0, words="Mean think time of a user", unit="s", at_least=0, note="Exponential."
    )
    arrivals: str = option(
        default="poisson", words="How an open stream arrives", of=tuple(ARRIVALS)
    )
    burstiness: float = number(
        default=4.0, words="Squared coefficient of variation of the bursty gaps", at_least=1
    )
    write_fraction: float = number(
        default=0.0,
        words="Fraction of the requests that change something",
        at_least=0,
        at_most=1,
        note="No cache can answer them.",
    )
    job_fraction: float = number(
        default=0.0,
        words="Fraction of the requests that leave a job behind",
        at_least=0,
        at_most=1,
        note="Of those that reach the application, on its message queue.",
    )
    sessions: int = integer(
        default=1_000,
        words="Different users the requests come from",
        at_least=1,
        note="For sticky balancing.",
    )
    response_kb: float = number(
        default=50.0,
        words="Mean size of an answer",
        unit="kB",
        at_least=0,
        note="For the traffic bill.",
    )

    kind: ClassVar[str] = "clients"
    calls: ClassVar[tuple[str, ...]] = ("CDN", "LoadBalancer", "AppServers", "Cache", "Database")

    def agree(self) -> None:
        """Refuse two sources, and none."""
        super().agree()
        if (self.rate_rps is None) == (self.users is None):
            raise ValueError(f"give either rate_rps or users, got {self.rate_rps} and {self.users}")


class CDN(Component):
    """A content delivery network: answers a share of the reads near the client.

    Its capacity is taken to be unlimited.
    """

    name: str = named(default="cdn", kw_only=False)
    hit_ratio: float = number(
        default=0.6, words="Fraction of the reads it can answer", at_least=0, at_most=1
    )
    latency_s: float = number(
        default=0.02, words="Time it takes, hit or miss", unit="s", at_least=0
    )

    kind: ClassVar[str] = "CDN"
    calls: ClassVar[tuple[str, ...]] = ("LoadBalancer", "AppServers")


class HealthCheck(Parameters):
    """How a balancer finds out that a server is gone."""

    interval_s: float = positional(
        number(5.0, "Time between two looks at each server", unit="s", above=0)
    )
    threshold: int = positional(
        integer(
            2,
            "Failed looks in a row after which a server is taken out of rotation",
            at_least=1,
            note="The first good look brings it back.",
        )
    )


def _a_health_check(name: str, value: Any) -> HealthCheck | None:
    if not isinstance(value, HealthCheck | None):
        raise TypeError(f"{name} must be a HealthCheck or None, got {value!r}")
    return value


class LoadBalancer(Caller):
    """Spreads calls over the servers behind it; its capacity is taken to be unlimited.

    A retry picks a server afresh, so it may well meet a better one. The policies are in
    :mod:`helpers.blueprint.policies`.
    """

    name: str = named(default="balancer", kw_only=False)
    policy: str = option(default="round robin", words="How it picks a server", of=tuple(POLICIES))
    health_check: HealthCheck | None = anything(
        "HealthCheck or None",
        default=HealthCheck(),
        words="How it finds out that a server is gone",
        check=_a_health_check,
        note="None: it never looks, and sends to dead servers for ever.",
    )
    latency_s: float = number(default=0.0005, words="Time it adds to a call", unit="s", at_least=0)
    count: int = integer(default=1, words="Balancers that stand in for one another", at_least=1)

    kind: ClassVar[str] = "load balancer"
    calls: ClassVar[tuple[str, ...]] = ("AppServers",)
