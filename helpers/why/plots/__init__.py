"""Results and axes in, drawn axes out."""

from helpers.why.plots.deploys import plot_canary, plot_loss, plot_rolling
from helpers.why.plots.faults import plot_books, plot_durability
from helpers.why.plots.judgement import plot_calibration, plot_choices, plot_deck, plot_surprise
from helpers.why.plots.load import plot_concurrency, plot_traffic, plot_users

__all__ = [
    "plot_books",
    "plot_calibration",
    "plot_canary",
    "plot_choices",
    "plot_concurrency",
    "plot_deck",
    "plot_durability",
    "plot_loss",
    "plot_rolling",
    "plot_surprise",
    "plot_traffic",
    "plot_users",
]
