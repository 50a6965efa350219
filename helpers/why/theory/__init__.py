"""Closed forms of the chapter: parameters in, numbers out, sources in the docstrings."""

from helpers.why.theory.deploys import (
    CanaryTheory,
    RollingTheory,
    canary_requests,
    canary_threshold,
    theory_canary,
    theory_loss,
    theory_rolling,
)
from helpers.why.theory.faults import (
    BookTheory,
    DurabilityTheory,
    interrupted_but_done,
    theory_books,
    theory_durability,
)
from helpers.why.theory.judgement import brier_parts, theory_calibration
from helpers.why.theory.load import (
    ClosedStation,
    amdahl_throughput,
    best_throughput,
    constant_wait,
    saturation_users,
    theory_concurrency,
    theory_traffic,
    theory_users,
)

__all__ = [
    "BookTheory",
    "CanaryTheory",
    "ClosedStation",
    "DurabilityTheory",
    "RollingTheory",
    "amdahl_throughput",
    "best_throughput",
    "brier_parts",
    "canary_requests",
    "canary_threshold",
    "constant_wait",
    "interrupted_but_done",
    "saturation_users",
    "theory_books",
    "theory_calibration",
    "theory_canary",
    "theory_concurrency",
    "theory_durability",
    "theory_loss",
    "theory_rolling",
    "theory_traffic",
    "theory_users",
]
