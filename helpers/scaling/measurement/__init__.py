"""The same experiments on real components: SQLite, threads, processes and loopback servers."""

from helpers.scaling.measurement.chain import MeasuredBottleneck, measure_bottleneck
from helpers.scaling.measurement.lock import LOCKS, MeasuredScalability, measure_scalability
from helpers.scaling.measurement.query_time import MeasuredQueryTime, measure_query_time
from helpers.scaling.measurement.queue import (
    MeasuredKnee,
    MeasuredStaffing,
    measure_knee,
    measure_staffing,
)
from helpers.scaling.measurement.speedup import MeasuredSpeedup, measure_speedup

__all__ = [
    "LOCKS",
    "MeasuredBottleneck",
    "MeasuredKnee",
    "MeasuredQueryTime",
    "MeasuredScalability",
    "MeasuredSpeedup",
    "MeasuredStaffing",
    "measure_bottleneck",
    "measure_knee",
    "measure_query_time",
    "measure_scalability",
    "measure_speedup",
    "measure_staffing",
]
