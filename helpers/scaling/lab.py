"""Each learner's own numbers for the chapter's lab; the tests of the lab work them out again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.foundations import students
from helpers.scaling import scalability_law


@dataclass(frozen=True, eq=False)
class LabParameters:
    """One learner's service.

    Attributes
    ----------
    student_id : str
        Whose.
    service_ms : float
        Mean service time of a request on a standard machine, milliseconds.
    rate_rps : float
        Arrival rate, requests per second.
    wait_share : float
        Share of the requests that may wait.
    p99_ms : float
        Promise for the 99th percentile of the response time, milliseconds.
    machines : dict of str to (float, float)
        For each machine its speed (1 is standard) and its price, dollars per hour.
    workers : numpy.ndarray of int, shape (7,)
        Numbers of workers of a cluster under test.
    throughput_rps : numpy.ndarray, shape (7,)
        Throughput measured with them, requests per second.
    """

    student_id: str
    service_ms: float
    rate_rps: float
    wait_share: float
    p99_ms: float
    machines: dict[str, tuple[float, float]]
    workers: np.ndarray
    throughput_rps: np.ndarray

    @property
    def service_s(self) -> float:
        """Mean service time in seconds."""
        return self.service_ms / 1e3


def lab_parameters(student_id: str) -> LabParameters:
    """Return the numbers that belong to a student id; see :func:`students.stream`."""
    name, rng = students.stream(student_id, students.hashed("lab02"))
    service_ms = float(rng.integers(12, 41))
    workers = np.array([1, 2, 4, 8, 16, 32, 48])
    while True:  # the best number of workers is neither among those tried nor near 1 / sqrt(kappa)
        sigma, kappa = rng.uniform(0.01, 0.06), rng.uniform(0.0004, 0.002)
        best = scalability_law.peak(sigma, kappa).best_workers
        if best not in {*workers, int(kappa**-0.5), round(kappa**-0.5)}:
            break
    return LabParameters(
        student_id=name,
        service_ms=service_ms,
        rate_rps=float(rng.integers(40, 121) * 10),
        wait_share=float(rng.choice([0.05, 0.1, 0.2])),
        p99_ms=round(float(service_ms * rng.uniform(1.6, 4.0)), 1),
        machines={
            "small": (1.0, round(float(rng.uniform(0.09, 0.11)), 3)),
            "medium": (2.0, round(float(rng.uniform(0.18, 0.23)), 3)),
            "large": (4.0, round(float(rng.uniform(0.40, 0.50)), 3)),
            "huge": (8.0, round(float(rng.uniform(0.95, 1.30)), 3)),
        },
        workers=workers,
        throughput_rps=rng.uniform(80, 400)
        * np.asarray(scalability_law.speedup(workers, sigma, kappa)),
    )
