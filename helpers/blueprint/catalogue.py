"""Designs with a name, for the chapters to start from.

>>> print(anatomy())
anatomy: clients >> cdn >> balancer >> app >> cache >> db; app >> queue >> workers >> db
"""

from __future__ import annotations

from helpers.blueprint.components import (
    CDN,
    AppServers,
    Cache,
    Clients,
    Database,
    HealthCheck,
    LoadBalancer,
    Queue,
    Workers,
)
from helpers.blueprint.design import Design


def single(*, rate_rps: float = 40.0) -> Design:
    """Return one server and its database: what works for a demo.

    Parameters
    ----------
    rate_rps : float
        Requests per second.
    """
    return Design(
        "single",
        Clients(rate_rps=rate_rps, write_fraction=0.1) >> AppServers(count=1) >> Database(),
    )


def pair(*, rate_rps: float = 80.0) -> Design:
    """Return two servers behind a balancer, a database with a replica that can take over.

    Parameters
    ----------
    rate_rps : float
        Requests per second.
    """
    return Design(
        "pair",
        Clients(rate_rps=rate_rps, write_fraction=0.1)
        >> LoadBalancer(count=2)
        >> AppServers(count=2)
        >> Database(replicas=1, failover_s=30.0),
    )


def horizontal(*, rate_rps: float = 120.0, servers: int = 3) -> Design:
    """Return several servers behind one balancer, over one database.

    Parameters
    ----------
    rate_rps : float
        Requests per second.
    servers : int
        Application servers.
    """
    return Design(
        "horizontal",
        Clients(rate_rps=rate_rps, write_fraction=0.1)
        >> LoadBalancer()
        >> AppServers(count=servers)
        >> Database(),
    )


def anatomy(*, rate_rps: float = 300.0) -> Design:
    """Return the full anatomy: CDN, balancer, three servers, cache, database, queue and workers.

    The cache stands in the path, as in the usual drawing of the anatomy: what it lacks, it fetches
    from the database. :func:`cache_aside` is the other way to wire it.

    Parameters
    ----------
    rate_rps : float
        Requests per second.
    """
    app, db, clients, cdn, balancer = _anatomy_parts(rate_rps)
    return Design(
        "anatomy",
        clients >> cdn >> balancer >> app >> Cache() >> db,
        app >> Queue() >> Workers() >> db,
    )


def cache_aside(*, rate_rps: float = 300.0) -> Design:
    """Return the full anatomy with the cache beside the database instead of before it.

    Parameters
    ----------
    rate_rps : float
        Requests per second.
    """
    app, db, clients, cdn, balancer = _anatomy_parts(rate_rps)
    return Design(
        "cache aside",
        clients >> cdn >> balancer >> app >> Cache(),
        app >> db,
        app >> Queue() >> Workers() >> db,
    )


def _anatomy_parts(
    rate_rps: float,
) -> tuple[AppServers, Database, Clients, CDN, LoadBalancer]:
    clients = Clients(
        rate_rps=rate_rps,
        write_fraction=0.1,
        job_fraction=0.05,
        timeout_s=2.0,
        retries=1,
        backoff_s=0.2,
    )
    app = AppServers(count=3, queue_capacity=100, timeout_s=1.0)
    db = Database(replicas=1)
    balancer = LoadBalancer(health_check=HealthCheck(interval_s=5.0, threshold=2))
    return app, db, clients, CDN(), balancer


def chain(*, services: int = 3, rate_rps: float = 20.0) -> Design:
    """Return services that call one another in a row: all must work for one answer.

    Parameters
    ----------
    services : int
        Length of the chain; >= 1.
    rate_rps : float
        Requests per second.
    """
    if services < 1:
        raise ValueError(f"services must be a whole number >= 1, got {services}")
    path = Clients(rate_rps=rate_rps) >> AppServers("service-1", count=1)
    for i in range(2, services + 1):
        path = path >> AppServers(f"service-{i}", count=1)
    return Design("chain", path)
