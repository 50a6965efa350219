"""The shop of the chapter: a design that is drawn, bounded, priced and surprised."""

from __future__ import annotations

from helpers.blueprint import AppServers, Clients, Database, Design, LoadBalancer


def my_shop():
    """Wire two servers behind a balancer, and a database with a replica; >> means calls."""
    return Design(
        "my shop",
        Clients(rate_rps=60, write_fraction=0.1)
        >> LoadBalancer(count=2)
        >> AppServers(count=2, threads=4, service_s=0.05)
        >> Database(replicas=1, service_s=0.02),
    )
