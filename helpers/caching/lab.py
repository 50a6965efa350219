"""Each learner's own numbers for the chapter's lab; the checks of the lab work them out again."""

from __future__ import annotations

from dataclasses import dataclass

from helpers.foundations import students


@dataclass(frozen=True)
class LabParameters:
    """One learner's cache.

    Attributes
    ----------
    student_id : str
        Whose.
    keys : int
        Keys that are asked for.
    exponent : float
        Of Zipf's law, by which they are asked for.
    target_hit_ratio : float
        Share of the requests that the cache is to answer.
    rate_rps : int
        Requests per second for the keys that a deploy warms.
    recompute_s : float
        Time of the query that loads one of them again, seconds.
    updates_per_hour : int
        How often a value changes.
    stale_budget : float
        Share of the hits that may be stale.
    warm_keys, connections : int
        Keys that a deploy loads together, and connections to the database.
    write_rps : int
        View counters written per second.
    loss_budget : int
        Writes that a crash may lose on average.
    """

    student_id: str
    keys: int
    exponent: float
    target_hit_ratio: float
    rate_rps: int
    recompute_s: float
    updates_per_hour: int
    stale_budget: float
    warm_keys: int
    connections: int
    write_rps: int
    loss_budget: int


def lab_parameters(student_id: str) -> LabParameters:
    """Return the numbers that belong to a student id; see :func:`students.stream`."""
    name, rng = students.stream(student_id, students.hashed("lab09"))
    return LabParameters(
        student_id=name,
        keys=int(rng.integers(800, 1_200)),
        exponent=round(float(rng.uniform(0.7, 1.1)), 2),
        target_hit_ratio=round(float(rng.uniform(0.60, 0.80)), 2),
        rate_rps=int(rng.integers(2_000, 6_000)),
        recompute_s=round(float(rng.uniform(0.10, 0.40)), 2),
        updates_per_hour=int(rng.integers(20, 200)),
        stale_budget=round(float(rng.uniform(0.04, 0.10)), 3),
        warm_keys=int(rng.integers(1_500, 4_000)),
        connections=int(rng.integers(8, 24)),
        write_rps=int(rng.integers(500, 3_000)),
        loss_budget=int(rng.integers(50, 400)),
    )
