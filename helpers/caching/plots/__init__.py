"""Results in, drawn axes out."""

from helpers.caching.plots.eviction import (
    plot_eviction,
)
from helpers.caching.plots.freshness import (
    plot_refresh_ahead,
    plot_staleness,
)
from helpers.caching.plots.herd import (
    plot_cold_restart,
    plot_expiry_herd,
    plot_synchronised_expiry,
    plot_xfetch,
)
from helpers.caching.plots.interleavings import (
    plot_interleavings,
)
from helpers.caching.plots.strategies import (
    plot_strategies,
)
from helpers.caching.plots.writes import (
    plot_write_behind,
    plot_write_latency,
    plot_write_race,
)

__all__ = [
    "plot_cold_restart",
    "plot_eviction",
    "plot_expiry_herd",
    "plot_interleavings",
    "plot_refresh_ahead",
    "plot_staleness",
    "plot_strategies",
    "plot_synchronised_expiry",
    "plot_write_behind",
    "plot_write_latency",
    "plot_write_race",
    "plot_xfetch",
]
