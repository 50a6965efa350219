"""Pictures of plans: the bottleneck, the break-even month, and boxes that can be killed."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import (
    bars,
    curves,
    error_bars,
    here,
    is_blank,
    log_axis,
    marks,
    named_axis,
)
from helpers.foundations.drawing.scales import headroom
from helpers.scaling.measurement import MeasuredBottleneck
from helpers.scaling.simulation import (
    AvailabilityResult,
    BottleneckResult,
    BreakEvenResult,
    TwoColumnsResult,
)
from helpers.scaling.simulation.availability import ROWS
from helpers.scaling.simulation.break_even import HORIZON_MONTHS


@style.panels(2)
def plot_bottleneck(result: BottleneckResult | MeasuredBottleneck, axes: tuple[Axes, Axes]) -> None:
    """Draw throughput and response time against the number of users, inside their bounds."""
    rate, response = axes
    measured = isinstance(result, MeasuredBottleneck)
    theory = result.theory
    users = theory.bounds.customers
    most, ceiling = int(users[-1]), float(theory.bounds.throughput_high_rps[-1])
    if not measured or is_blank(rate):
        rate.set_title("Throughput: as many as the slowest tier")
        response.set_title("Response: what the crowd pays")
        top = headroom(1.06 * ceiling)
        slowest = headroom(1e3 * float(theory.bounds.response_low_s[-1]))
        for ax, high, label in (
            (rate, top, "throughput (requests/s)"),
            (response, slowest, "mean response time (ms)"),
        ):
            ax.set_xlim(0, most * 1.02)
            ax.set_xticks(range(0, most + 1, most // 4))
            ax.set_ylim(0, high)
            ax.set_xlabel("users")
            ax.set_ylabel(label)
        rate.plot(users, theory.bounds.throughput_high_rps, color=style.GHOST, linewidth=1.6)
        response.plot(users, 1e3 * theory.bounds.response_low_s, color=style.GHOST, linewidth=1.6)
        rate.plot(users, theory.exact.throughput_rps, **style.THEORY)
        response.plot(users, 1e3 * theory.exact.response_s, **style.THEORY)
        knee = theory.bounds.knee_customers
        if knee < most:
            rate.plot([knee], [ceiling], color=style.INK, marker="v", markersize=8, ls="none")
            style.label(rate, knee, ceiling, "N*", style.INK, ha="center", xytext=(0, 12))
            style.label(
                rate, most, ceiling, "bound 1/Dmax", style.MUTED, ha="right", xytext=(-2, 9)
            )
    if measured:
        error_bars(rate, result.users, result.throughput, **style.MEASUREMENT)
        response.plot(result.users, 1e3 * result.response_s, **style.MEASUREMENT)
        return
    error_bars(rate, result.grid, result.throughput, **style.DOTS)
    error_bars(response, result.grid, result.response, 1e3, **style.DOTS)
    for ax in axes:
        here(ax, result.users)


@style.panels(2)
def plot_break_even(result: BreakEvenResult, axes: tuple[Axes, Axes]) -> None:
    """Draw many futures of the load, and the two plans' mean cost up to each month."""
    load, cost = axes
    load.set_title("Thirty futures of one product")
    load.set_xlim(0, HORIZON_MONTHS)
    log_axis(load, "y", 10, 3e4)
    load.set_xlabel("month")
    load.set_ylabel("load (requests/s)")
    curves(load, result.months, result.paths_rps, color=style.BLUE, linewidth=0.8, alpha=0.55)
    growth = np.log1p(result.growth_percent / 100)
    months = np.array([0, HORIZON_MONTHS])
    load.plot(months, result.load_rps * np.exp(growth * months), **style.THEORY)
    load.axhline(result.capacity_rps, color=style.VERMILION, linewidth=1.4, linestyle="-.")
    load.text(
        1,
        result.capacity_rps * 1.2,
        "capacity of the small system",
        color=style.VERMILION,
        fontsize=9,
    )
    outgrown = result.theory.outgrown_month
    if outgrown <= HORIZON_MONTHS:
        load.plot([outgrown], [result.capacity_rps], color=style.INK, marker="o", ms=8, mfc="white")
        style.label(
            load, outgrown, result.capacity_rps, "t*", style.INK, ha="center", xytext=(0, -15)
        )

    cost.set_title("Extra cost so far, mean of 1,000 futures")
    cost.set_xlim(0, HORIZON_MONTHS)
    dearest = max(result.now_cost[-1], result.later_cost[-1], 1.0) / 1e3
    cost.set_ylim(0, headroom(1.04 * dearest, 1e-3))
    cost.set_xlabel("month")
    cost.set_ylabel("extra cost ($ thousand)")
    every = np.arange(HORIZON_MONTHS + 1)
    cost.plot(every, result.now_cost / 1e3, color=style.GREEN, linewidth=2.2)
    cost.plot(every, result.later_cost / 1e3, **(style.SIMULATION | {"linestyle": (0, (5, 1.5))}))
    for curve, name, color in (
        (result.now_cost, "build large now", style.GREEN),
        (result.later_cost, "grow later", style.BLUE),
    ):
        above = curve[-1] >= max(result.now_cost[-1], result.later_cost[-1])
        style.label(
            cost,
            HORIZON_MONTHS,
            curve[-1] / 1e3,
            name,
            color,
            ha="right",
            xytext=(-2, 8 if above else -10),
        )
    if outgrown <= HORIZON_MONTHS:
        cost.axvline(outgrown, color=style.MUTED, linewidth=1.0, linestyle=":")


# Centre of each box on a canvas of 10 by 5.6, and its size.
_BOXES = {
    "big server": (2.0, 3.05, 1.7, 1.5),
    "database A": (2.0, 0.75, 1.5, 0.75),
    "balancer": (6.9, 4.35, 1.35, 0.6),
    "balancer 2": (8.6, 4.35, 1.35, 0.6),
    "server 1": (5.6, 2.65, 1.1, 0.75),
    "server 2": (7.2, 2.65, 1.1, 0.75),
    "server 3": (8.8, 2.65, 1.1, 0.75),
    "database B": (6.9, 0.75, 1.5, 0.75),
    "replica B": (8.8, 0.75, 1.3, 0.75),
}


def plot_two_columns(result: TwoColumnsResult, ax: Axes) -> None:
    """Draw both columns as boxes and arrows; what is dead is crossed out."""
    ax.set_title("Kill a box: what is still served?")
    ax.set_xlim(0, 10)
    ax.set_ylim(0.25, 6.2)
    ax.set_axis_off()
    ax.axvline(3.9, 0.02, 0.97, color=style.FAINT, linewidth=1.2)
    _crowd(ax, 2.0, "scaled up", result.vertical_rps / result.demand_rps)
    middle = 6.9 if "balancer 2" not in result.up else 7.75
    _crowd(ax, middle, "scaled out", result.horizontal_rps / result.demand_rps)
    up = result.up
    for name, alive in up.items():
        _box(ax, name, alive)
    _arrow(ax, (2.0, 5.25), "big server", up["big server"])
    _arrow(ax, "big server", "database A", up["big server"] and up["database A"])
    balancers = [name for name in ("balancer", "balancer 2") if name in up]
    databases = [name for name in ("database B", "replica B") if name in up]
    for balancer in balancers:
        _arrow(ax, (middle, 5.25), balancer, up[balancer])
        for i in (1, 2, 3):
            _arrow(ax, balancer, f"server {i}", up[balancer] and up[f"server {i}"])
    for database in databases:
        for i in (1, 2, 3):
            _arrow(ax, f"server {i}", database, up[f"server {i}"] and up[database])


def _crowd(ax: Axes, x: float, name: str, served: float) -> None:
    color = style.GREEN if served >= 0.995 else style.VERMILION
    ax.text(x, 5.85, name, ha="center", fontsize=11, color=style.INK, fontweight="bold")
    ax.text(x, 5.4, f"{served:.0%} served", ha="center", fontsize=10.5, color=color)


def _box(ax: Axes, name: str, alive: bool) -> None:
    x, y, width, height = _BOXES[name]
    ax.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle="round,pad=0.02,rounding_size=0.1",
            facecolor="#e8f1f8" if alive else "#f3f3f3",
            edgecolor=style.BLUE if alive else style.VERMILION,
            linestyle="-" if alive else (0, (3, 2)),
            linewidth=1.6,
            zorder=3,
        )
    )
    ax.text(
        x,
        y,
        name if alive else f"{name}\n✗ down",
        ha="center",
        va="center",
        fontsize=9 if alive else 8,
        color=style.INK if alive else style.VERMILION,
        zorder=4,
    )


def _arrow(ax: Axes, start: str | tuple[float, float], end: str, carries: bool) -> None:
    if isinstance(start, str):
        x, y, _, height = _BOXES[start]
        start = (x, y - height / 2 - 0.04)
    x, y, _, height = _BOXES[end]
    ax.add_patch(
        FancyArrowPatch(
            start,
            (x, y + height / 2 + 0.04),
            arrowstyle="-|>",
            mutation_scale=10,
            color=style.BLUE if carries else style.FAINT,
            linewidth=1.6 if carries else 1.0,
            linestyle="-" if carries else (0, (2, 2)),
            shrinkA=0,
            shrinkB=0,
            zorder=2,
        )
    )


_SHORT_ROWS = [row.split(": ")[1] for row in ROWS]


def plot_availability(result: AvailabilityResult, ax: Axes) -> None:
    """Draw the downtime of every stage of both designs on a logarithmic axis."""
    ax.set_title("Where the downtime comes from")
    low, high = 1e-4, 3e3
    ticks = {1e-3: "4 s", 1 / 60: "1 min", 1: "1 h", 24: "1 day", 168: "1 week"}
    log_axis(ax, "x", low, high, ticks=ticks, text=ticks.__getitem__)
    rows = np.array([7.6, 6.8, 6.0, 4.0, 3.2, 2.4, 1.6])
    ax.set_ylim(0.9, 8.9)
    named_axis(ax, "y", _SHORT_ROWS, rows)
    ax.set_xlabel("downtime a year")
    ax.text(low * 1.3, 8.4, "scaled up", fontsize=9.5, fontweight="bold", va="center")
    ax.text(low * 1.3, 4.8, "scaled out", fontsize=9.5, fontweight="bold", va="center")
    interval = result.downtime_h
    for i, row in enumerate(rows):
        estimate, least = float(interval.estimate[i]), max(float(interval.low[i]), low)
        color = style.BLUE if "whole" in ROWS[i] else style.SKY
        if estimate > low:
            bars(ax, row, estimate - low, 0.5, start=low, along="x", facecolor=color)
            ax.plot(
                [least, max(float(interval.high[i]), low)],
                [row, row],
                color=style.INK,
                linewidth=1.2,
            )
        else:
            ax.text(
                max(low, float(result.theory_h[i])) * 1.5,
                row,
                "never seen in the simulation",
                fontsize=8.5,
                va="center",
                color=style.MUTED,
            )
    marks(ax, rows, np.where(result.theory_h > low, result.theory_h, np.nan), 0.68, along="x")
    ax.text(
        high * 0.85,
        4.8,
        "black: theory",
        fontsize=9,
        ha="right",
        va="center",
        color=style.MUTED,
    )
