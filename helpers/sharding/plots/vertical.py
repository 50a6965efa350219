"""Figure of splitting by feature against splitting by row."""

from __future__ import annotations

from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, time_axis
from helpers.foundations.drawing.scales import step_up
from helpers.sharding.simulation.vertical import DESIGNS, VerticalResult

_COLORS = dict(zip(DESIGNS, (style.MUTED, style.VERMILION, style.BLUE), strict=True))
_MARKERS = dict(zip(DESIGNS, ("s", "D", "o"), strict=True))


@style.panels(2)
def plot_vertical(result: VerticalResult, axes: tuple[Axes, Axes]) -> None:
    """Draw latency by rate for three designs, and capacity by the number of servers."""
    latency, capacity = axes
    for name in DESIGNS:
        latency.plot(result.curve_rps[name], result.theory_s[name], **style.THEORY)
        latency.plot(
            result.rates_rps[name],
            result.mean_s[name],
            linestyle="none",
            marker=_MARKERS[name],
            color=_COLORS[name],
        )
        ceiling = result.ceilings_rps[name]
        latency.axvline(ceiling, color=_COLORS[name], linewidth=1)
        latency.text(
            ceiling * 1.02, 0.93, name, rotation=90, ha="left", va="top", fontsize=9,
            color=_COLORS[name],
        )  # fmt: skip
    here(latency, result.rate_rps)
    latency.set_xlim(0, step_up(1.08 * max(result.ceilings_rps.values()), (900.0, 1_800.0)))
    latency.set_xlabel("Requests per second")
    time_axis(latency, "y", 3e-3, 1.0)
    latency.set_ylabel("Mean response time")
    latency.set_title("Three ways to spend the servers")

    capacity.plot(result.servers, result.servers, color=style.BLUE, linewidth=2)
    capacity.plot(result.servers, result.bound_by_feature, **style.THEORY)
    capacity.plot(
        result.servers,
        result.speedup_by_feature,
        linestyle="none",
        marker="D",
        color=style.VERMILION,
    )
    style.label(capacity, 9, 9, "by row", style.BLUE, xytext=(-6, 8), ha="right")
    style.label(
        capacity,
        16,
        result.bound_by_feature[-1],
        "by feature ◆, bound - -",
        style.VERMILION,
        xytext=(-2, 11),
        ha="right",
    )
    capacity.set_xlim(0.5, 16.5)
    capacity.set_ylim(0, 16.5)
    capacity.set_xticks([1, 4, 8, 12, 16])
    capacity.set_xlabel("Servers bought")
    capacity.set_ylabel("Load carried, in servers' worth")
    capacity.set_title("Where each ends")
