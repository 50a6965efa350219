"""Chapter 08: splitting data over machines, and what that does to load, latency and safety."""

from helpers.sharding.lab import LabParameters, lab_parameters
from helpers.sharding.measurement.online_move import MeasuredOnlineMoveResult, measure_online_move
from helpers.sharding.measurement.scatter_gather import (
    MeasuredScatterGatherResult,
    measure_scatter_gather,
)
from helpers.sharding.measurement.worker_queues import measure_worker_queues
from helpers.sharding.measurement.writers import (
    MeasuredShardWritersResult,
    measure_shard_writers,
)
from helpers.sharding.placement import (
    SLOTS,
    Ring,
    hash64,
    hash_text,
    shard_by_modulo,
    shard_by_range,
    shard_by_slot,
    slot_table,
)
from helpers.sharding.plots.hot_key import (
    plot_fan_out,
    plot_hot_key,
    plot_shard_ceiling,
    plot_worker_queues,
)
from helpers.sharding.plots.placement import plot_placement, plot_range_scan, plot_shard_writers
from helpers.sharding.plots.resharding import (
    plot_interleavings,
    plot_migration,
    plot_online_move,
    plot_resharding,
)
from helpers.sharding.plots.ring import plot_ring, plot_ring_imbalance
from helpers.sharding.plots.scatter_gather import (
    plot_gather_times,
    plot_hedging,
    plot_join,
    plot_scatter_gather,
)
from helpers.sharding.plots.vertical import plot_vertical
from helpers.sharding.questions import prediction, quiz_question
from helpers.sharding.simulation.fan_out import FOLLOWERS, FanOutResult, simulate_fan_out
from helpers.sharding.simulation.hot_key import (
    HotKeyResult,
    ShardCeilingResult,
    simulate_hot_key,
    simulate_shard_ceiling,
)
from helpers.sharding.simulation.interleaving import (
    INTERLEAVED_PROTOCOLS,
    OPERATIONS,
    InterleavingsResult,
    simulate_interleavings,
)
from helpers.sharding.simulation.join import JoinResult, simulate_join
from helpers.sharding.simulation.migration import MigrationResult, simulate_migration
from helpers.sharding.simulation.online_move import OnlineMoveResult, simulate_online_move
from helpers.sharding.simulation.placement import (
    PLACEMENTS,
    RANGE_WIDTH,
    TRAFFIC,
    PlacementResult,
    RangeScanResult,
    simulate_placement,
    simulate_range_scan,
)
from helpers.sharding.simulation.resharding import ReshardingResult, simulate_resharding
from helpers.sharding.simulation.ring import (
    RingImbalanceResult,
    RingResult,
    simulate_ring,
    simulate_ring_imbalance,
)
from helpers.sharding.simulation.scatter_gather import (
    HedgingResult,
    ScatterGatherResult,
    simulate_hedging,
    simulate_scatter_gather,
)
from helpers.sharding.simulation.vertical import DESIGNS, VerticalResult, simulate_vertical
from helpers.sharding.simulation.worker_queues import WorkerQueuesResult, simulate_worker_queues
from helpers.sharding.simulation.writers import (
    WRITER_DESIGNS,
    ShardWritersResult,
    simulate_shard_writers,
)
from helpers.sharding.theory.hot_key import (
    FIXES,
    theory_fan_out,
    theory_shard_ceiling,
    theory_top_key_share,
)
from helpers.sharding.theory.placement import theory_placement, theory_range_scan
from helpers.sharding.theory.resharding import (
    MOVE_PROTOCOLS,
    SCHEMES,
    theory_migration,
    theory_migration_time,
    theory_online_move,
    theory_resharding,
    theory_resharding_sd,
    theory_stale_row,
)
from helpers.sharding.theory.ring import (
    theory_ring_cv,
    theory_ring_imbalance,
    theory_ring_ordered_shares,
    theory_ring_overload,
    theory_ring_share_cdf,
)
from helpers.sharding.theory.scatter_gather import (
    JOINS,
    empirical_quantile_of_max,
    leaf_survival,
    theory_any_slow,
    theory_hedge_load,
    theory_hedging,
    theory_hedging_quantile,
    theory_join,
    theory_mean_of_slowest,
    theory_scatter_gather,
)
from helpers.sharding.theory.vertical import theory_vertical, theory_vertical_ceiling

__all__ = [
    "DESIGNS",
    "FIXES",
    "FOLLOWERS",
    "INTERLEAVED_PROTOCOLS",
    "JOINS",
    "MOVE_PROTOCOLS",
    "OPERATIONS",
    "PLACEMENTS",
    "RANGE_WIDTH",
    "SCHEMES",
    "SLOTS",
    "TRAFFIC",
    "WRITER_DESIGNS",
    "FanOutResult",
    "HedgingResult",
    "HotKeyResult",
    "InterleavingsResult",
    "JoinResult",
    "LabParameters",
    "MeasuredOnlineMoveResult",
    "MeasuredScatterGatherResult",
    "MeasuredShardWritersResult",
    "MigrationResult",
    "OnlineMoveResult",
    "PlacementResult",
    "RangeScanResult",
    "ReshardingResult",
    "Ring",
    "RingImbalanceResult",
    "RingResult",
    "ScatterGatherResult",
    "ShardCeilingResult",
    "ShardWritersResult",
    "VerticalResult",
    "WorkerQueuesResult",
    "empirical_quantile_of_max",
    "hash64",
    "hash_text",
    "lab_parameters",
    "leaf_survival",
    "measure_online_move",
    "measure_scatter_gather",
    "measure_shard_writers",
    "measure_worker_queues",
    "plot_fan_out",
    "plot_gather_times",
    "plot_hedging",
    "plot_hot_key",
    "plot_interleavings",
    "plot_join",
    "plot_migration",
    "plot_online_move",
    "plot_placement",
    "plot_range_scan",
    "plot_resharding",
    "plot_ring",
    "plot_ring_imbalance",
    "plot_scatter_gather",
    "plot_shard_ceiling",
    "plot_shard_writers",
    "plot_vertical",
    "plot_worker_queues",
    "prediction",
    "quiz_question",
    "shard_by_modulo",
    "shard_by_range",
    "shard_by_slot",
    "simulate_fan_out",
    "simulate_hedging",
    "simulate_hot_key",
    "simulate_interleavings",
    "simulate_join",
    "simulate_migration",
    "simulate_online_move",
    "simulate_placement",
    "simulate_range_scan",
    "simulate_resharding",
    "simulate_ring",
    "simulate_ring_imbalance",
    "simulate_scatter_gather",
    "simulate_shard_ceiling",
    "simulate_shard_writers",
    "simulate_vertical",
    "simulate_worker_queues",
    "slot_table",
    "theory_any_slow",
    "theory_fan_out",
    "theory_hedge_load",
    "theory_hedging",
    "theory_hedging_quantile",
    "theory_join",
    "theory_mean_of_slowest",
    "theory_migration",
    "theory_migration_time",
    "theory_online_move",
    "theory_placement",
    "theory_range_scan",
    "theory_resharding",
    "theory_resharding_sd",
    "theory_ring_cv",
    "theory_ring_imbalance",
    "theory_ring_ordered_shares",
    "theory_ring_overload",
    "theory_ring_share_cdf",
    "theory_scatter_gather",
    "theory_shard_ceiling",
    "theory_stale_row",
    "theory_top_key_share",
    "theory_vertical",
    "theory_vertical_ceiling",
]
