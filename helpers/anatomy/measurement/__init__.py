"""The same experiments on real components: bounded in time, leaving nothing behind."""

from helpers.anatomy.measurement.balancing import (
    MEASURED_POLICIES,
    MeasuredBalancing,
    measure_balancing,
)
from helpers.anatomy.measurement.cdn import MeasuredCdn, measure_cdn
from helpers.anatomy.measurement.databases import (
    MeasuredCacheLoad,
    MeasuredLayouts,
    MeasuredPowerCut,
    measure_cache_load,
    measure_layouts,
    measure_power_cut,
)
from helpers.anatomy.measurement.decoupling import WAYS, MeasuredOutage, measure_outage
from helpers.anatomy.measurement.health_check import MeasuredHealthCheck, measure_health_check
from helpers.anatomy.measurement.ladder import PUBLISHED_S, MeasuredLadder, measure_ladder
from helpers.anatomy.measurement.processes import (
    MeasuredJobLoss,
    MeasuredSessions,
    measure_job_loss,
    measure_sessions,
)

__all__ = [
    "MEASURED_POLICIES",
    "PUBLISHED_S",
    "WAYS",
    "MeasuredBalancing",
    "MeasuredCacheLoad",
    "MeasuredCdn",
    "MeasuredHealthCheck",
    "MeasuredJobLoss",
    "MeasuredLadder",
    "MeasuredLayouts",
    "MeasuredOutage",
    "MeasuredPowerCut",
    "MeasuredSessions",
    "measure_balancing",
    "measure_cache_load",
    "measure_cdn",
    "measure_health_check",
    "measure_job_loss",
    "measure_ladder",
    "measure_layouts",
    "measure_outage",
    "measure_power_cut",
    "measure_sessions",
]
