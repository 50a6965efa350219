"""Each learner's own numbers for the chapter's lab; the tests of the lab work them out again."""

from __future__ import annotations

from dataclasses import dataclass

from helpers.foundations import students


@dataclass(frozen=True)
class LabParameters:
    """One learner's system.

    Attributes
    ----------
    student_id : str
        Whose.
    distance_km : float
        From the users to the origin.
    hit_ratio : float
        Hit ratio of the CDN.
    servers : int
        Servers behind the balancer.
    utilisation : float
        Load on each of them.
    rate_rps : float
        Requests per second that they share.
    threshold : int
        Failed health checks that take a server out.
    error_budget : float
        Requests that the death of a server may cost on average.
    keys : int
        Keys behind the cache.
    exponent : float
        Zipf's exponent of their popularity.
    reads_rps : float
        Reads per second.
    database_rps : float
        Reads per second that the database can do.
    front_rps : float
        Requests per second to the design of the last task.
    app_service_s : float
        Mean service time of its application servers, seconds.
    seed : int
        Seed of the learner's traffic.
    """

    student_id: str
    distance_km: float
    hit_ratio: float
    servers: int
    utilisation: float
    rate_rps: float
    threshold: int
    error_budget: float
    keys: int
    exponent: float
    reads_rps: float
    database_rps: float
    front_rps: float
    app_service_s: float
    seed: int


def lab_parameters(student_id: str) -> LabParameters:
    """Return the numbers that belong to a student id; see :func:`students.stream`.

    Examples
    --------
    >>> lab_parameters("Ada ") == lab_parameters("ada")
    True
    """
    # An older seed than students.hashed: whoever has numbers keeps them.
    name, rng = students.stream(student_id, lambda name: [4, *name.encode()])

    def among(low: int, high: int) -> int:
        return int(rng.integers(low, high + 1))

    database_rps = 100.0 * among(5, 11)
    return LabParameters(
        student_id=name,
        distance_km=500.0 * among(6, 24),
        hit_ratio=among(60, 95) / 100,
        servers=among(4, 12),
        utilisation=among(82, 92) / 100,
        rate_rps=20.0 * among(10, 30),
        threshold=among(2, 4),
        error_budget=10.0 * among(10, 40),
        keys=500 * among(6, 16),
        exponent=among(7, 11) / 10,
        reads_rps=database_rps * among(14, 30) / 10,
        database_rps=database_rps,
        front_rps=5.0 * among(12, 22),
        app_service_s=among(4, 12) / 100,
        seed=among(1, 9_999),
    )
