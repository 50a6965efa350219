"""The same experiments on real components, bounded in time, cleaned up afterwards."""

from helpers.caching.measurement.eviction import (
    MeasuredLruResult,
    measure_lru,
)
from helpers.caching.measurement.herd import (
    MEASURED_FIXES,
    MeasuredHerdResult,
    measure_expiry_herd,
)
from helpers.caching.measurement.interleavings import (
    MeasuredInterleavingsResult,
    measure_interleavings,
)
from helpers.caching.measurement.writes import (
    MeasuredWriteBehindResult,
    MeasuredWriteLatencyResult,
    MeasuredWriteRaceResult,
    measure_write_behind,
    measure_write_latency,
    measure_write_race,
    wilson_interval,
)

__all__ = [
    "MEASURED_FIXES",
    "MeasuredHerdResult",
    "MeasuredInterleavingsResult",
    "MeasuredLruResult",
    "MeasuredWriteBehindResult",
    "MeasuredWriteLatencyResult",
    "MeasuredWriteRaceResult",
    "measure_expiry_herd",
    "measure_interleavings",
    "measure_lru",
    "measure_write_behind",
    "measure_write_latency",
    "measure_write_race",
    "wilson_interval",
]
