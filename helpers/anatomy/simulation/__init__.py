"""The chapter's models: parameters in, results out."""

from helpers.anatomy.simulation.balancing import (
    BALANCING_POLICIES,
    BalancingResult,
    replay_balancing,
    simulate_balancing,
)
from helpers.anatomy.simulation.caches import (
    CacheLoadResult,
    HitRatioResult,
    lru_hit_ratio,
    simulate_cache_load,
    simulate_hit_ratio,
)
from helpers.anatomy.simulation.cdn import CdnResult, simulate_cdn
from helpers.anatomy.simulation.databases import (
    LAYOUTS,
    QUERIES,
    LayoutsResult,
    PowerCutResult,
    layout_pages,
    simulate_layouts,
    simulate_power_cut,
)
from helpers.anatomy.simulation.decoupling import (
    ChainResult,
    OutageResult,
    simulate_chain,
    simulate_outage,
)
from helpers.anatomy.simulation.elasticity import (
    EVENTS,
    AutoscalerResult,
    SessionsResult,
    simulate_autoscaler,
    simulate_sessions,
)
from helpers.anatomy.simulation.flows import (
    VICTIMS,
    WIRINGS,
    AnatomyResult,
    anatomy_design,
    simulate_anatomy,
)
from helpers.anatomy.simulation.health_check import (
    CHECKS,
    HealthCheckResult,
    simulate_health_check,
)

__all__ = [
    "BALANCING_POLICIES",
    "CHECKS",
    "EVENTS",
    "LAYOUTS",
    "QUERIES",
    "VICTIMS",
    "WIRINGS",
    "AnatomyResult",
    "AutoscalerResult",
    "BalancingResult",
    "CacheLoadResult",
    "CdnResult",
    "ChainResult",
    "HealthCheckResult",
    "HitRatioResult",
    "LayoutsResult",
    "OutageResult",
    "PowerCutResult",
    "SessionsResult",
    "anatomy_design",
    "layout_pages",
    "lru_hit_ratio",
    "replay_balancing",
    "simulate_anatomy",
    "simulate_autoscaler",
    "simulate_balancing",
    "simulate_cache_load",
    "simulate_cdn",
    "simulate_chain",
    "simulate_health_check",
    "simulate_hit_ratio",
    "simulate_layouts",
    "simulate_outage",
    "simulate_power_cut",
    "simulate_sessions",
]
