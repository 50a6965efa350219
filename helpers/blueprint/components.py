"""The building blocks: one frozen dataclass for each kind of component.

A component is a plain value: its name and its numbers. It knows nothing of its neighbours; the
wiring belongs to the :class:`~helpers.blueprint.design.Design`. ``a >> b`` means "a calls b".

    >>> path = Clients(rate_rps=200) >> LoadBalancer() >> AppServers(count=3)
    >>> [component.name for component in path.components]
    ['clients', 'balancer', 'app']

Every number is checked when the component is made, and the message names component and field:

    >>> AppServers("shop-app", threads=0)
    Traceback (most recent call last):
    ValueError: AppServers 'shop-app': threads must be a whole number >= 1, got 0
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar

from helpers.blueprint.policies import POLICIES
from helpers.foundations import validation
from helpers.foundations.traffic.arrivals import ARRIVALS, arrival_scv
from helpers.foundations.traffic.services import SERVICES, service_scv

#: Sizes of machine in the price table, smallest first.
SIZES = ("small", "medium", "large")


@dataclass(frozen=True)
class Path:
    """Components in calling order, made by ``>>``; a design is made of paths."""

    components: tuple[Component, ...]

    def __rshift__(self, other: Component | Path) -> Path:
        if not isinstance(other, Component | Path):
            return NotImplemented
        return Path(self.components + _as_path(other).components)


@dataclass(frozen=True)
class Component:
    """What all components share: a name, and the ways to check and to connect them.

    Parameters
    ----------
    name : str
        Unique within a design.
    availability : float
        Long-run fraction of the time that *one* instance works, 0 to 1.
    size : {"small", "medium", "large"}
        Machine size, for the price table; it does not change the speed.
    """

    name: str
    availability: float = field(default=0.999, kw_only=True)
    size: str = field(default="medium", kw_only=True)

    #: What the kind is called in tables, diagrams and messages.
    kind: ClassVar[str] = "component"
    #: Kinds (class names) this one may call.
    calls: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ValueError(
                f"{type(self).__name__}: name must be a non-empty string, got {self.name!r}"
            )
        self._number("availability", at_least=0, at_most=1)
        self._check(validation.one_of, "size", SIZES)
        self._validate()

    def __rshift__(self, other: Component | Path) -> Path:
        if not isinstance(other, Component | Path):
            return NotImplemented
        return Path((self, *_as_path(other).components))

    def replace(self, **changes: Any) -> Component:
        """Return a copy with some fields changed.

        Raises
        ------
        TypeError
            If the component has no such field.
        ValueError
            If the new value is out of range.

        Examples
        --------
        >>> Database(replicas=1).replace(replicas=2).replicas
        2
        """
        known = [f.name for f in dataclasses.fields(self)]
        for name in changes:
            if name not in known:
                raise TypeError(
                    f"{type(self).__name__} {self.name!r} has no field {name!r}; "
                    f"it has {', '.join(known)}"
                )
        return dataclasses.replace(self, **changes)

    @property
    def instances(self) -> tuple[str, ...]:
        """Names of the single machines: ``("app-1", "app-2")``, or the name alone if there is one.

        Examples
        --------
        >>> Database(replicas=1).instances, Cache().instances
        (('db-1', 'db-2'), ('cache',))
        """
        count = self.machines
        if count == 1:
            return (self.name,)
        return tuple(f"{self.name}-{i}" for i in range(1, count + 1))

    @property
    def machines(self) -> int:
        """Number of instances."""
        return getattr(self, "count", 1)

    def _validate(self) -> None:
        """Check the fields of the kind; the base has none of its own."""

    # Small wrappers, so that every message starts with the component it is about.
    def _check(self, check: Any, name: str, *args: Any, **limits: Any) -> None:
        try:
            value = check(name, getattr(self, name), *args, **limits)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{type(self).__name__} {self.name!r}: {error}") from None
        object.__setattr__(self, name, value)

    def _number(self, name: str, **limits: Any) -> None:
        self._check(validation.number, name, **limits)

    def _integer(self, name: str, **limits: Any) -> None:
        self._check(validation.integer, name, **limits)

    def _optional(self, name: str, check: Any, **limits: Any) -> None:
        if getattr(self, name) is not None:
            check(name, **limits)

    def _flag(self, name: str) -> None:
        if not isinstance(getattr(self, name), bool):
            raise TypeError(
                f"{type(self).__name__} {self.name!r}: {name} must be True or False, "
                f"got {getattr(self, name)!r}"
            )

    def _fail(self, message: str) -> None:
        raise ValueError(f"{type(self).__name__} {self.name!r}: {message}")


def _as_path(item: Component | Path) -> Path:
    return item if isinstance(item, Path) else Path((item,))


@dataclass(frozen=True)
class Caller(Component):
    """A component that calls others and waits for their answers.

    Parameters
    ----------
    timeout_s : float, optional
        Seconds after which a call is given up; forever when None. The callee is not told: it goes
        on working for nobody.
    retries : int
        How often a failed call is made again; 0 to 10.
    backoff_s : float
        Seconds before the first retry; each further one waits twice as long.
    jitter : bool
        Multiply each backoff by a uniform random number between 0 and 1 ("full jitter").
    """

    timeout_s: float | None = field(default=None, kw_only=True)
    retries: int = field(default=0, kw_only=True)
    backoff_s: float = field(default=0.0, kw_only=True)
    jitter: bool = field(default=False, kw_only=True)

    def _validate(self) -> None:
        self._optional("timeout_s", self._number, above=0, unit="s")
        self._integer("retries", at_least=0, at_most=10)
        self._number("backoff_s", at_least=0, unit="s")
        self._flag("jitter")


@dataclass(frozen=True)
class Served(Component):
    """A component whose work takes a server's time.

    Parameters
    ----------
    service_s : float
        Mean service time, seconds; > 0.
    distribution : str
        ``"exponential"``, ``"deterministic"``, ``"hyperexponential"``, ``"bimodal"`` or
        ``"lognormal"``.
    scv : float
        Squared coefficient of variation of the last three.
    queue_capacity : int, optional
        Room to wait; a call that finds it full is rejected. Unlimited when None.
    """

    service_s: float = field(default=0.01, kw_only=True)
    distribution: str = field(default="exponential", kw_only=True)
    scv: float = field(default=4.0, kw_only=True)
    queue_capacity: int | None = field(default=None, kw_only=True)

    @property
    def servers(self) -> int:
        """How many calls one instance works on at a time."""
        raise NotImplementedError

    def _validate(self) -> None:
        super()._validate()
        self._number("service_s", above=0, unit="s")
        self._check(validation.one_of, "distribution", SERVICES)
        self._number("scv", at_least=0)
        try:
            service_scv(self.distribution, self.scv)
        except ValueError as error:
            self._fail(str(error))
        self._optional("queue_capacity", self._integer, at_least=0)


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
