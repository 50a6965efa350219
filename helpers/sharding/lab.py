"""Each learner's own numbers for the chapter's lab; the tests of the lab work them out again."""

from __future__ import annotations

from dataclasses import dataclass

from helpers.foundations import students
from helpers.sharding.router import hash_text


@dataclass(frozen=True)
class LabParameters:
    """One learner's system.

    Attributes
    ----------
    student_id : str
        Whose.
    shards : int
        Number of shards.
    imbalance : float
        Largest share wanted of a ring, in fair shares.
    pieces : int
        Pieces of a salted key.
    slow_probability : float
        Probability that one shard answers slowly.
    rate_rps : float
        Arrival rate, requests per second.
    read_fraction : float
        Fraction of requests that read.
    p99_s : float
        Promise for the 99th percentile of the response time, seconds.
    seed : int
        Seed of the customers who write during the move.
    """

    student_id: str
    shards: int
    imbalance: float
    pieces: int
    slow_probability: float
    rate_rps: float
    read_fraction: float
    p99_s: float
    seed: int


def lab_parameters(student_id: str) -> LabParameters:
    """Return the numbers that belong to a student id; see :func:`students.stream`."""
    # An older seed than students.hashed: whoever has numbers keeps them.
    name, rng = students.stream(student_id, lambda name: hash_text(f"lab08:{name}"))
    return LabParameters(
        student_id=name,
        shards=int(rng.integers(5, 13)),
        imbalance=round(float(rng.uniform(1.1, 1.35)), 2),
        pieces=int(rng.integers(4, 9)),
        slow_probability=round(float(rng.uniform(0.002, 0.02)), 4),
        rate_rps=float(rng.integers(50, 81) * 10),
        read_fraction=round(float(rng.uniform(0.4, 0.95)), 2),
        p99_s=round(float(rng.uniform(0.08, 0.2)), 3),
        seed=int(rng.integers(1, 10_000)),
    )
