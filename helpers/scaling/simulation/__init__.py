"""Experiments of the chapter: parameters in, a frozen result out, one module each."""

from helpers.scaling.simulation.availability import AvailabilityResult, simulate_availability
from helpers.scaling.simulation.bottleneck import (
    ACTIONS,
    TIERS,
    BottleneckResult,
    simulate_bottleneck,
)
from helpers.scaling.simulation.break_even import BreakEvenResult, simulate_break_even
from helpers.scaling.simulation.growth import FEATURES, GrowthResult, simulate_growth
from helpers.scaling.simulation.knee import KneeResult, simulate_knee
from helpers.scaling.simulation.pooling import DESIGNS, VARIABILITY, PoolingResult, simulate_pooling
from helpers.scaling.simulation.query_time import QueryTimeResult, simulate_query_time
from helpers.scaling.simulation.run_length import RunLengthResult, simulate_run_length
from helpers.scaling.simulation.scalability import PATTERNS, ScalabilityResult, simulate_scalability
from helpers.scaling.simulation.scaling_cost import (
    Purchase,
    ScalingCostResult,
    machine_capacities,
    simulate_scaling_cost,
)
from helpers.scaling.simulation.speedup import SpeedupResult, simulate_speedup
from helpers.scaling.simulation.staffing import (
    RULES,
    StaffingResult,
    simulate_staffing,
    simulate_wait_share,
)
from helpers.scaling.simulation.two_columns import TwoColumnsResult, simulate_two_columns

__all__ = [
    "ACTIONS",
    "DESIGNS",
    "FEATURES",
    "PATTERNS",
    "RULES",
    "TIERS",
    "VARIABILITY",
    "AvailabilityResult",
    "BottleneckResult",
    "BreakEvenResult",
    "GrowthResult",
    "KneeResult",
    "PoolingResult",
    "Purchase",
    "QueryTimeResult",
    "RunLengthResult",
    "ScalabilityResult",
    "ScalingCostResult",
    "SpeedupResult",
    "StaffingResult",
    "TwoColumnsResult",
    "machine_capacities",
    "simulate_availability",
    "simulate_bottleneck",
    "simulate_break_even",
    "simulate_growth",
    "simulate_knee",
    "simulate_pooling",
    "simulate_query_time",
    "simulate_run_length",
    "simulate_scalability",
    "simulate_scaling_cost",
    "simulate_speedup",
    "simulate_staffing",
    "simulate_two_columns",
    "simulate_wait_share",
]
