"""Each learner's own brief for the chapter's lab: a shop that sells tickets."""

from __future__ import annotations

import math
from dataclasses import dataclass

from helpers import blueprint
from helpers.foundations import students
from helpers.studio.deck import Brief, Strike, Trace

_STORY = (
    "Tickets for concerts. Whoever has bought one must have it tomorrow; whoever waits for longer "
    "than three and a half seconds buys from somebody else."
)

#: What can be seen. What cannot is known to those who grade.
VISIBLE = (
    Trace("the busiest hour", blueprint.steady(), ()),
    Trace("a server dies", blueprint.steady(), (Strike("kill", "app servers", 5.0, 15.0),)),
)


@dataclass(frozen=True)
class LabParameters:
    """One learner's brief.

    Attributes
    ----------
    student_id : str
        Whose.
    brief : Brief
        Their product; it has no traces but those that can be seen.
    """

    student_id: str
    brief: Brief


def lab_parameters(student_id: str) -> LabParameters:
    """Return the brief that belongs to a student id; see :func:`students.stream`."""
    name, rng = students.stream(student_id, students.hashed("lab11"))
    brief = Brief(
        key="tickets",
        title="Ticket shop",
        story=_STORY,
        users=int(rng.integers(30, 46)) * 1_000,
        actions=float(rng.integers(36, 46)),
        peak=2.5,
        growth=float(rng.integers(14, 18)) / 10,
        writes=float(rng.integers(8, 15)) / 20,
        jobs=0.0,
        response_kb=float(rng.integers(2, 11)),
        app_ms=float(rng.integers(26, 45)),
        db_ms=float(rng.integers(12, 19)),
        work_ms=100.0,
        cache_hits=0.1,
        cdn_hits=0.0,
        old_s=1.0,
        failover_s=2.0,
        p99_ms=3_500.0,
        answered=0.97,
        available=0.9995,
        budget_usd=0.0,
        kept="tickets that were sold",
        hidden="",
        visible=VISIBLE,
        unseen=(),
    )
    return LabParameters(name, brief.scaled(budget_usd=_budget(brief)))


def _budget(brief: Brief) -> float:
    """Return what a lean design costs that has one server more than the busiest hour keeps busy."""
    servers = brief.rate_rps * (brief.app_ms + brief.db_ms) / 4_000
    app = brief.app(count=math.ceil(servers / 0.8) + 1)
    front = brief.clients() >> brief.balancer(count=2) >> app
    lean = blueprint.Design("lean", front >> brief.db(replicas=1))
    return float(math.ceil(blueprint.cost(lean, rate_rps=brief.mean_rps).monthly / 10 + 4) * 10)
