"""Pictures of the chapter's results: each draws on the axes it is given and nothing else."""

from helpers.scaling.plots.capacity import (
    plot_availability,
    plot_bottleneck,
    plot_break_even,
    plot_two_columns,
)
from helpers.scaling.plots.growth import plot_growth, plot_query_time
from helpers.scaling.plots.queues import plot_knee, plot_pooling, plot_run_length, plot_staffing
from helpers.scaling.plots.scalability import plot_scalability, plot_scaling_cost, plot_speedup

__all__ = [
    "plot_availability",
    "plot_bottleneck",
    "plot_break_even",
    "plot_growth",
    "plot_knee",
    "plot_pooling",
    "plot_query_time",
    "plot_run_length",
    "plot_scalability",
    "plot_scaling_cost",
    "plot_speedup",
    "plot_staffing",
    "plot_two_columns",
]
