"""Pictures of the chapter's results: each draws on the axes it is given and nothing else."""

from helpers.anatomy.plots.back import (
    plot_chain,
    plot_layouts,
    plot_measured_outage,
    plot_measured_power_cut,
    plot_outage,
    plot_power_cut,
)
from helpers.anatomy.plots.flows import plot_anatomy
from helpers.anatomy.plots.front import (
    plot_balancing,
    plot_cdn,
    plot_health_check,
    plot_measured_balancing,
    plot_measured_cdn,
    plot_measured_health_check,
)
from helpers.anatomy.plots.middle import (
    plot_autoscaler,
    plot_cache_load,
    plot_hit_ratio,
    plot_ladder,
    plot_sessions,
)

__all__ = [
    "plot_anatomy",
    "plot_autoscaler",
    "plot_balancing",
    "plot_cache_load",
    "plot_cdn",
    "plot_chain",
    "plot_health_check",
    "plot_hit_ratio",
    "plot_ladder",
    "plot_layouts",
    "plot_measured_balancing",
    "plot_measured_cdn",
    "plot_measured_health_check",
    "plot_measured_outage",
    "plot_measured_power_cut",
    "plot_outage",
    "plot_power_cut",
    "plot_sessions",
]
