"""Boxes and arrows: one design in code, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from helpers import blueprint
from helpers.blueprint import Design, Finding
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant

if TYPE_CHECKING:
    import pandas as pd


class BoxesResult(Result):
    """A design, judged: what is wrong with it, and what the model says if nothing is.

    Attributes
    ----------
    design : Design
        What was drawn.
    findings : list of Finding
        Errors, or if there are none, warnings.
    capacity_rps, downtime_h, monthly : float or None
        Throughput of the bottleneck, hours of outage a year for a write, and USD a month; None
        for a design with errors, which has none of these.
    bottleneck : str
        Where it saturates; empty for a design with errors.
    """

    design: Design
    findings: list[Finding]
    capacity_rps: float | None
    downtime_h: float | None
    monthly: float | None
    bottleneck: str

    @property
    def errors(self) -> list[Finding]:
        """The findings that keep it from running."""
        return [finding for finding in self.findings if finding.severity == "error"]

    @property
    def closing(self) -> tuple[str, str] | None:
        """The arrow that closes a circle, if there is one."""
        for finding in self.findings:
            if finding.rule == "cycle":
                *_, source, target = finding.message.rsplit(": ", 1)[1].split(" >> ")
                return source, target
        return None

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {
            "errors": len(self.errors),
            "warnings": len(self.findings) - len(self.errors),
        }
        if self.capacity_rps is not None:
            found |= {
                "bottleneck": self.bottleneck,
                "capacity_rps": self.capacity_rps,
                "downtime_h_per_year": self.downtime_h,
                "usd_per_month": self.monthly,
            }
        return found

    @property
    def reading(self) -> str:
        said = (
            "; ".join(finding.message for finding in self.findings) or "nothing to complain about"
        )
        if self.capacity_rps is None:
            return f"This design cannot run: {said}."
        return (
            f"First to saturate: {self.bottleneck}, at {significant(self.capacity_rps)} "
            "requests/s; "
            f"{duration(3_600 * self.downtime_h)} of outage a year, "
            f"{significant(self.monthly)} USD a month. The validator: {said}."
        )

    def table(self) -> pd.DataFrame:
        return blueprint.design_table(self.design)


def judge(design: Design) -> BoxesResult:
    """Return a design with everything the model says about it.

    Parameters
    ----------
    design : Design
        Any design, however unfinished.

    Returns
    -------
    BoxesResult
    """
    findings = blueprint.validate(design)
    if any(finding.severity == "error" for finding in findings):
        return BoxesResult(design, findings, None, None, None, "")
    bounds = blueprint.bounds(design)
    return BoxesResult(
        design=design,
        findings=findings,
        capacity_rps=bounds.capacity_rps,
        downtime_h=blueprint.availability(design, request="write").downtime_s / 3_600,
        monthly=blueprint.cost(design).monthly,
        bottleneck=bounds.bottleneck,
    )


def photo_site(servers: int, replicas: int) -> Design:
    """Return the chapter's example: a site with uploads whose thumbnails are made by workers.

    Parameters
    ----------
    servers : int
        Application servers; 1 to 4.
    replicas : int
        Read replicas of the database; 0 to 3.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    servers = validation.integer("servers", servers, at_least=1, at_most=4)
    replicas = validation.integer("replicas", replicas, at_least=0, at_most=3)
    app = blueprint.AppServers(count=servers)
    db = blueprint.Database(replicas=replicas, failover_s=30.0 if replicas else None)
    return Design(
        "photo site",
        blueprint.Clients(rate_rps=60, write_fraction=0.2, job_fraction=0.1)
        >> blueprint.LoadBalancer(count=2)
        >> app
        >> db,
        app >> blueprint.Queue() >> blueprint.Workers() >> db,
    )


def _no_balancer(design: Design) -> Design:
    return design.without("balancer")


def _no_workers(design: Design) -> Design:
    return design.cut("queue", "workers")


def _nobody_calls(design: Design) -> Design:
    return design.cut("app", "queue")


def _cycle(design: Design) -> Design:
    return design.wire(design["workers"] >> design["app"])


def _one_balancer(design: Design) -> Design:
    return design.replace("balancer", count=1)


#: Ways to get the drawing wrong.
MISTAKES: dict[str, Callable[[Design], Design]] = {
    "none": lambda design: design,
    "a single balancer": _one_balancer,
    "no balancer at all": _no_balancer,
    "nobody calls the queue": _nobody_calls,
    "the queue leads nowhere": _no_workers,
    "workers call the servers": _cycle,
}


def simulate_boxes(
    *, mistake: str = "a single balancer", servers: int = 3, replicas: int = 1
) -> BoxesResult:
    """Draw a design with a mistake in it and let the validator find it.

    Parameters
    ----------
    mistake : str
        One of :data:`MISTAKES`.
    servers : int
        Application servers; 1 to 4.
    replicas : int
        Read replicas of the database; 0 to 3.

    Returns
    -------
    BoxesResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    validation.one_of("mistake", mistake, MISTAKES)
    return judge(MISTAKES[mistake](photo_site(servers, replicas)))
