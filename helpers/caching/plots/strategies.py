"""The four strategies side by side."""

from __future__ import annotations

from matplotlib.axes import Axes

from helpers.caching.plots.kit import labelled_bars
from helpers.caching.simulation.strategies import STRATEGIES, StrategiesResult
from helpers.foundations.drawing import style
from helpers.foundations.drawing.scales import headroom


@style.panels(3, 2, width_ratios=[1, 1, 1])
def plot_strategies(result: StrategiesResult, axes: tuple[Axes, ...]) -> None:
    """Draw latency, database load, staleness and loss of each strategy; dashed is theory."""
    reads = result.rate_rps * (1 - result.write_share)
    writes = result.rate_rps * result.write_share
    panels = (
        ("read_s", "Reading", "mean latency (ms)", 1e3, result.database_read_s * 600),
        ("database_read_rps", "Load: reads", "database reads (per s)", 1, reads / 2),
        ("stale_share", "Staleness", "stale reads (%)", 100, 20),
        ("write_s", "Writing", "latency (ms)", 1e3, 1e3 * result.database_write_s),
        ("database_write_rps", "Load: writes", "database writes (per s)", 1, writes),
        ("lost_writes", "Loss", "writes lost in a crash", 1, writes * result.flush_s / 2),
    )
    for position, (ax, (quantity, title, unit, scale, least)) in enumerate(
        zip(axes, panels, strict=True)
    ):
        values = {name: getattr(result.outcomes[name], quantity) for name in STRATEGIES}
        theory = {name: getattr(result.theory[name], quantity) for name in STRATEGIES}
        names = [name.replace("-", "-\n") if position % 3 == 0 else "" for name in STRATEGIES]
        labelled_bars(ax, STRATEGIES, values, theory, scale=scale, shown=names)
        largest = scale * max(*values.values(), 0.0)
        ax.set_xlim(0, headroom(1.3 * max(largest, least), 1e-3))
        ax.set_title(title)
        ax.set_xlabel(unit)
