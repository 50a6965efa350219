"""Pictures of a design and of what became of it."""

from helpers.blueprint.plots.over_time import plot_outcomes, plot_queues
from helpers.blueprint.plots.picture import plot_design

__all__ = ["plot_design", "plot_outcomes", "plot_queues"]
