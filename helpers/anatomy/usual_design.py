"""The chapter's system: CDN, balancer, three servers, cache, database, queue, workers."""

from __future__ import annotations

from helpers import blueprint
from helpers.foundations import validation

#: Where the cache stands.
WIRINGS = ("cache in the path", "cache beside the database")


def usual_design(
    *,
    rate_rps: float = 60.0,
    cdn_hit_ratio: float = 0.5,
    cache_hit_ratio: float = 0.8,
    wiring: str = WIRINGS[0],
    workers_write: bool = True,
    standby: bool = False,
) -> blueprint.Design:
    """Return the usual drawing as a design.

    Parameters
    ----------
    rate_rps : float
        Requests per second; > 0. One in five changes something, and one in four of those that get
        past the CDN leaves a job behind.
    cdn_hit_ratio, cache_hit_ratio : float
        Fractions of the reads that CDN and cache can answer, 0 to 1.
    wiring : str
        One of :data:`WIRINGS`.
    workers_write : bool
        Whether an arrow leads from the workers to the database.
    standby : bool
        Whether there is a second balancer, and a database that promotes its replica.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    validation.one_of("wiring", wiring, WIRINGS)
    validation.boolean("workers_write", workers_write)
    validation.boolean("standby", standby)
    clients = blueprint.Clients(
        rate_rps=validation.number("rate_rps", rate_rps, above=0, unit="requests/s"),
        write_fraction=0.2,
        job_fraction=0.25,
        timeout_s=1.0,
    )
    check = blueprint.HealthCheck(interval_s=1.0, threshold=2)
    balancer = blueprint.LoadBalancer(
        policy="random", health_check=check, count=2 if standby else 1
    )
    app = blueprint.AppServers(count=3, threads=2, service_s=0.04, queue_capacity=50)
    cache = blueprint.Cache(
        hit_ratio=validation.number("cache_hit_ratio", cache_hit_ratio, at_least=0, at_most=1),
        service_s=0.002,
        connections=4,
    )
    db = blueprint.Database(
        replicas=1, connections=1, service_s=0.02, failover_s=1.5 if standby else None
    )
    hit_ratio = validation.number("cdn_hit_ratio", cdn_hit_ratio, at_least=0, at_most=1)
    front = clients >> blueprint.CDN(hit_ratio=hit_ratio) >> balancer >> app
    workers = blueprint.Workers(count=3, service_s=0.08)
    back = app >> blueprint.Queue() >> workers
    if workers_write:
        back = back >> db
    if wiring == WIRINGS[0]:
        return blueprint.Design("cache in the path", front >> cache >> db, back)
    return blueprint.Design("cache aside", front >> cache, app >> db, back)
