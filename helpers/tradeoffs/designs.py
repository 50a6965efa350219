"""Eighty ways to build one shop, and what each costs, how fast, available and stale it is.

Every number comes from the blueprint, but for staleness: how old what a cache or a replica answers
is follows from a time to live and a lag.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import product
from typing import NamedTuple

from helpers import blueprint
from helpers.blueprint import AppServers, Cache, Clients, Database, Design, LoadBalancer
from helpers.foundations.prose import counted
from helpers.foundations.year import YEAR_S

#: Requests per second, and the share of them that write.
RATE_RPS, WRITES = 100.0, 0.1

#: One page of the shop is read, and changed, so often.
READ_RPS, CHANGED_RPS = 0.5, 0.005

#: How far an asynchronous replica is behind, and how long a synchronous write waits for one.
LAG_S, CONFIRM_S = 1.0, 0.03

SERVERS, REPLICAS = (2, 3, 4, 5), (0, 1, 2)
TTL_S = {"no cache": 0.0, "1 s": 1.0, "10 s": 10.0, "60 s": 60.0}
WAYS = ("asynchronous", "synchronous")

#: What is compared, in the order of `Marks`; of each, less is better.
GOOD = ("cost", "latency", "outage", "staleness")


class Choice(NamedTuple):
    """One of the eighty: how many servers, which cache, how many replicas, fed how."""

    servers: int
    cache: str
    replicas: int
    way: str

    @property
    def words(self) -> str:
        """The choice as a table has it."""
        kept = f"cache for {self.cache}" if TTL_S[self.cache] else self.cache
        fed = f", {self.way}" if self.replicas else ""
        return f"{self.servers} servers, {kept}, {counted(self.replicas, 'replica')}{fed}"


class Marks(NamedTuple):
    """What one design comes to; of each, less is better.

    Attributes
    ----------
    cost_usd : float
        A month.
    latency_ms : float
        Mean response time of a request.
    outage_min : float
        Minutes a year in which a request is not answered.
    stale_percent : float
        Reads that return what has been overwritten.
    """

    cost_usd: float
    latency_ms: float
    outage_min: float
    stale_percent: float


@cache
def cloud() -> dict[Choice, Marks]:
    """Return every design with its marks; replicas that do not exist are fed in one way."""
    every = product(SERVERS, TTL_S, REPLICAS, WAYS)
    return {c: marks(c) for c in map(Choice._make, every) if c.replicas or c.way == WAYS[0]}


def marks(choice: Choice) -> Marks:
    """Return what a design comes to, from the blueprint's bill, queues and availability."""
    design = built(choice)
    waits_for_all = choice.way == "synchronous" and choice.replicas > 0
    read = blueprint.availability(design, request="read").system
    write = blueprint.availability(strict(design) if waits_for_all else design, request="write")
    up = (1 - WRITES) * read + WRITES * write.system
    response_s = blueprint.theory_design(design).response_s + WRITES * CONFIRM_S * waits_for_all
    lag_s = LAG_S if choice.replicas and not waits_for_all else 0.0
    return Marks(  # as exact as anybody could measure: nothing wins by a microsecond
        cost_usd=round(blueprint.cost(design).monthly),
        latency_ms=round(1e3 * response_s, 1),
        outage_min=round((1 - up) * YEAR_S / 60),
        stale_percent=round(100 * stale_reads(TTL_S[choice.cache], lag_s), 2),
    )


def built(choice: Choice) -> Design:
    """Return the design in the blueprint's language."""
    app = AppServers(count=choice.servers, needed=2, common_cause=0.02, threads=8)
    db = Database(replicas=choice.replicas, failover_s=30.0, common_cause=0.02)
    clients = Clients(rate_rps=RATE_RPS, write_fraction=WRITES)
    balancer = LoadBalancer(availability=0.9999)
    ttl_s = TTL_S[choice.cache]
    if not ttl_s:
        return Design("shop", clients >> balancer >> app >> db)
    beside = Cache(hit_ratio=READ_RPS * ttl_s / (1 + READ_RPS * ttl_s))
    return Design("shop", clients >> balancer >> app >> beside, app >> db)


def strict(design: Design) -> Design:
    """Return the same for a write that waits for every copy: all of them must be up."""
    db = design["db"]
    assert isinstance(db, Database)
    return design.replace("db", replicas=0, availability=db.availability ** (1 + db.replicas))


def stale_reads(ttl_s: float, lag_s: float) -> float:
    """Return the share of reads that return what has been overwritten.

    With Poisson reads and changes at rates r and c, a value that is kept for T after it was fetched
    answers rT reads for each that fetches; a value of age a, fetched from a copy that is L behind,
    has been overwritten with probability 1 - exp(-c (a + L)).
    """
    fresh = math.exp(-CHANGED_RPS * lag_s)
    if not ttl_s:
        return 1 - fresh
    kept, turns = READ_RPS * ttl_s, CHANGED_RPS * ttl_s
    return 1 - fresh * (1 + kept * -math.expm1(-turns) / turns) / (1 + kept)
