"""The whole anatomy, running: rates, utilisations, and what one dead box does to them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from helpers import blueprint
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant

if TYPE_CHECKING:
    import pandas as pd

#: Where the cache stands.
WIRINGS = ("cache in the path", "cache beside the database")

#: What can be killed, by the name of the box.
VICTIMS = ("nothing", "cdn", "balancer", "app-2", "cache", "db-1", "db-2", "queue", "workers")

KILL_S = 3.0
DURATION_S = 10.0


class AnatomyResult(Result):
    """A run of the anatomy in which a box dies after three seconds.

    Attributes
    ----------
    wiring, workers_write, standby, victim
        The parameters it was made with.
    run : blueprint.DesignResult
        What became of every request; its rates and utilisations are those after the death.
    healthy : blueprint.OpenNetwork
        Theory's steady state with nothing dead.
    capacity_rps : float
        Requests per second at which the first machine saturates.
    single_points : dict of str to str
        Single points of failure, and what each takes down.
    """

    wiring: str
    workers_write: bool
    standby: bool
    victim: str
    run: blueprint.DesignResult
    healthy: blueprint.OpenNetwork
    capacity_rps: float
    single_points: dict[str, str]

    @property
    def rate_rps(self) -> float:
        """Requests per second that the clients send."""
        rate = self.run.design.clients.rate_rps
        assert rate is not None  # the chapter's clients are given by their rate
        return rate

    @cached_property
    def jobs_waiting(self) -> int:
        """Jobs in the message queue at the end."""
        return self.run.present["workers"]

    @property
    def summary(self) -> dict[str, float | int | str]:
        response = self.run.response_s
        values: dict[str, float | int | str] = {
            "dead": self.victim,
            "answered_percent": 100 * self.run.success_ratio,
            "p99_ms": 1e3 * float(np.percentile(response, 99)) if len(response) else "no answer",
            "busiest": self.run.busiest,
            "busiest_percent": 100 * self.run.utilisation[self.run.busiest],
            "jobs_left": self.jobs_waiting,
            "capacity_rps": self.capacity_rps,
            "single_points": ", ".join(self.single_points) or "none",
        }
        return values

    @property
    def reading(self) -> str:
        run = self.run
        share = significant(100 * run.success_ratio)
        when = "With everything alive" if self.victim == "nothing" else f"Without {self.victim}"
        speed = "" if not len(run.response_s) else f" (half within {self._median})"
        expected = self.healthy.utilisation[run.busiest]
        theory = f"{significant(100 * expected)} %" if np.isfinite(expected) else "overload"
        return (
            f"{when}, {share} % of the requests are answered{speed}; the busiest machine, "
            f"{run.busiest}, is {significant(100 * run.utilisation[run.busiest])} % busy, where "
            f"theory expects {theory} with nothing dead. Single points of failure: "
            f"{', '.join(self.single_points) or 'none'}."
        )

    @property
    def _median(self) -> str:
        return duration(float(np.median(self.run.response_s)))

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        run = self.run
        return pd.DataFrame(
            {
                "calls (1/s)": {m: t.arrivals / run.window_s for m, t in run.tallies.items()},
                "utilisation (%)": {m: 100 * u for m, u in run.utilisation.items()},
                "theory, all alive (%)": {m: 100 * u for m, u in self.healthy.utilisation.items()},
            }
        )


def anatomy_design(
    *,
    rate_rps: float = 60.0,
    cdn_hit_ratio: float = 0.5,
    cache_hit_ratio: float = 0.8,
    wiring: str = WIRINGS[0],
    workers_write: bool = True,
    standby: bool = False,
) -> blueprint.Design:
    """Return the chapter's system: CDN, balancer, three servers, cache, database, queue, workers.

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
    for name, flag in (("workers_write", workers_write), ("standby", standby)):
        if not isinstance(flag, bool):
            raise TypeError(f"{name} must be True or False, got {flag!r}")
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


def simulate_anatomy(
    *,
    rate_rps: float = 60.0,
    cdn_hit_ratio: float = 0.5,
    cache_hit_ratio: float = 0.8,
    wiring: str = WIRINGS[0],
    workers_write: bool = True,
    standby: bool = False,
    victim: str = "nothing",
    seed: int = 1,
) -> AnatomyResult:
    """Run the anatomy for ten seconds; after three of them a box dies and stays dead.

    Parameters
    ----------
    rate_rps, cdn_hit_ratio, cache_hit_ratio, wiring, workers_write, standby
        As for :func:`anatomy_design`; at most 80 requests/s.
    victim : str
        One of :data:`VICTIMS`. With `standby` only the first of two balancers dies.
    seed : int
        Seed of the traffic; >= 0. Two designs meet the same requests.

    Returns
    -------
    AnatomyResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    rate_rps = validation.number("rate_rps", rate_rps, above=0, at_most=80, unit="requests/s")
    validation.one_of("victim", victim, VICTIMS)
    design = anatomy_design(
        rate_rps=rate_rps,
        cdn_hit_ratio=cdn_hit_ratio,
        cache_hit_ratio=cache_hit_ratio,
        wiring=wiring,
        workers_write=workers_write,
        standby=standby,
    )
    target = "balancer-1" if victim == "balancer" and standby else victim
    faults = [] if victim == "nothing" else [blueprint.kill(target, at_s=KILL_S)]
    run = blueprint.simulate_design(
        design, faults=faults, duration_s=DURATION_S, warm_up_s=KILL_S, seed=seed
    )
    return AnatomyResult(
        wiring=wiring,
        workers_write=workers_write,
        standby=standby,
        victim=victim,
        run=run,
        healthy=blueprint.theory_design(design),
        capacity_rps=blueprint.bounds(design).capacity_rps,
        single_points=blueprint.single_points(design),
    )
