"""What stands before the servers: clients, CDN and balancer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from helpers.blueprint.components.component import Caller, Component
from helpers.blueprint.policies import POLICIES
from helpers.foundations import validation
from helpers.foundations.traffic.arrivals import ARRIVALS, arrival_scv


@dataclass(frozen=True)
class Clients(Caller):
    """Everybody out there: the only source of requests.

    Parameters
    ----------
    rate_rps : float, optional
        Mean rate of an open stream of requests, per second; > 0.
    users : int, optional
        Instead of a rate: so many users, each of whom thinks, asks, waits for the answer and
        thinks again (a closed system).
    think_s : float
        Mean think time of a user, seconds (exponential); >= 0.
    arrivals : {"poisson", "constant", "bursty"}
        How an open stream arrives.
    burstiness : float
        Squared coefficient of variation of the bursty gaps; >= 1.
    write_fraction : float
        Fraction of requests that change something: no cache can answer them.
    job_fraction : float
        Of the requests that reach the application, the fraction that leaves a job behind on its
        message queue.
    sessions : int
        How many different users the requests come from, for sticky balancing.
    response_kb : float
        Mean size of an answer in kilobytes, for the traffic bill.

    Examples
    --------
    >>> Clients(rate_rps=100, users=5)
    Traceback (most recent call last):
    ValueError: Clients 'clients': give either rate_rps or users, got 100 and 5
    """

    name: str = "clients"
    rate_rps: float | None = field(default=None, kw_only=True)
    users: int | None = field(default=None, kw_only=True)
    think_s: float = field(default=1.0, kw_only=True)
    arrivals: str = field(default="poisson", kw_only=True)
    burstiness: float = field(default=4.0, kw_only=True)
    write_fraction: float = field(default=0.0, kw_only=True)
    job_fraction: float = field(default=0.0, kw_only=True)
    sessions: int = field(default=1_000, kw_only=True)
    response_kb: float = field(default=50.0, kw_only=True)

    kind: ClassVar[str] = "clients"
    calls: ClassVar[tuple[str, ...]] = ("CDN", "LoadBalancer", "AppServers", "Cache", "Database")

    def _validate(self) -> None:
        super()._validate()
        if (self.rate_rps is None) == (self.users is None):
            self._fail(f"give either rate_rps or users, got {self.rate_rps} and {self.users}")
        self._optional("rate_rps", self._number, above=0, unit="requests/s")
        self._optional("users", self._integer, at_least=1)
        self._number("think_s", at_least=0, unit="s")
        self._check(validation.one_of, "arrivals", ARRIVALS)
        self._number("burstiness", at_least=1)
        arrival_scv(self.arrivals, self.burstiness)
        self._number("write_fraction", at_least=0, at_most=1)
        self._number("job_fraction", at_least=0, at_most=1)
        self._integer("sessions", at_least=1)
        self._number("response_kb", at_least=0)


@dataclass(frozen=True)
class CDN(Component):
    """A content delivery network: answers a share of the reads near the client.

    Parameters
    ----------
    hit_ratio : float
        Fraction of the reads it can answer, 0 to 1.
    latency_s : float
        Seconds it takes, hit or miss; >= 0. Its capacity is taken to be unlimited.
    """

    name: str = "cdn"
    hit_ratio: float = field(default=0.6, kw_only=True)
    latency_s: float = field(default=0.02, kw_only=True)

    kind: ClassVar[str] = "CDN"
    calls: ClassVar[tuple[str, ...]] = ("LoadBalancer", "AppServers")

    def _validate(self) -> None:
        self._number("hit_ratio", at_least=0, at_most=1)
        self._number("latency_s", at_least=0, unit="s")


@dataclass(frozen=True)
class HealthCheck:
    """How a balancer finds out that a server is gone.

    Parameters
    ----------
    interval_s : float
        Seconds between two looks at each server; > 0.
    threshold : int
        Failed looks in a row after which a server is taken out of rotation; >= 1. The first
        good look brings it back.
    """

    interval_s: float = 5.0
    threshold: int = 2

    def __post_init__(self) -> None:
        interval = validation.number("interval_s", self.interval_s, above=0, unit="s")
        object.__setattr__(self, "interval_s", interval)
        validation.integer("threshold", self.threshold, at_least=1)


@dataclass(frozen=True)
class LoadBalancer(Caller):
    """Spreads calls over the servers behind it.

    Parameters
    ----------
    policy : str
        ``"random"``, ``"round robin"``, ``"least connections"``, ``"join shortest queue"``,
        ``"power of two"`` or ``"sticky"``; see :mod:`helpers.blueprint.policies`.
    health_check : HealthCheck, optional
        None: it never looks, and sends to dead servers for ever.
    latency_s : float
        Seconds it adds to a call; >= 0. Its capacity is taken to be unlimited.
    count : int
        Balancers that stand in for one another.
    retries : int
        A retry picks a server afresh, so it may well meet a better one.
    """

    name: str = "balancer"
    policy: str = field(default="round robin", kw_only=True)
    health_check: HealthCheck | None = field(default_factory=HealthCheck, kw_only=True)
    latency_s: float = field(default=0.0005, kw_only=True)
    count: int = field(default=1, kw_only=True)

    kind: ClassVar[str] = "load balancer"
    calls: ClassVar[tuple[str, ...]] = ("AppServers",)

    def _validate(self) -> None:
        super()._validate()
        self._check(validation.one_of, "policy", tuple(POLICIES))
        if not isinstance(self.health_check, HealthCheck | None):
            raise TypeError(
                f"LoadBalancer {self.name!r}: health_check must be a HealthCheck or None, "
                f"got {self.health_check!r}"
            )
        self._number("latency_s", at_least=0, unit="s")
        self._integer("count", at_least=1)
