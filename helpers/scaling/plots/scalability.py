"""Pictures of more workers: speed-up, throughput that falls, and what it costs."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, is_blank, log_axis
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.prose import significant
from helpers.scaling.measurement import LOCKS, MeasuredScalability, MeasuredSpeedup
from helpers.scaling.simulation import (
    PATTERNS,
    ScalabilityResult,
    ScalingCostResult,
    SpeedupResult,
)
from helpers.scaling.theory import theory_speedup

_CORES = (1, 2, 4, 8, 16, 32, 64)


def plot_speedup(result: SpeedupResult | MeasuredSpeedup, ax: Axes) -> None:
    """Draw the speed-up of one job against the number of cores, on logarithmic axes."""
    if isinstance(result, MeasuredSpeedup):
        _plot_measured_speedup(result, ax)
        return
    ax.set_title("More cores, one job: the serial part sets the ceiling")
    log_axis(ax, "x", 0.93, 130, ticks=_CORES)
    log_axis(ax, "y", 0.93, 75, ticks=_CORES)
    ax.set_xlabel("cores")
    ax.set_ylabel("speed-up")
    every = np.geomspace(1, 64, 50)
    ax.plot(every, every, color=style.GHOST, linewidth=1.2)
    style.label(ax, 10, 10, "linear", style.MUTED, ha="right", xytext=(-6, 6))
    if result.ceiling < 75:
        ax.axhline(result.ceiling, color=style.VERMILION, linewidth=1.4, linestyle="-.")
        ax.text(1, result.ceiling * 1.05, "ceiling 1/s", color=style.VERMILION, fontsize=9)
    ax.plot(every, theory_speedup(result.serial_percent / 100, every), **style.THEORY)
    error_bars(ax, result.grid, result.speedup, **style.DOTS)
    here(ax, result.cores)
    at = float(theory_speedup(result.serial_percent / 100, 64))
    style.label(ax, 64, at, "Amdahl", style.INK, xytext=(6, 5))
    low = float(result.speedup.estimate[-1])
    style.label(ax, 64, low, "simulated", style.BLUE, xytext=(6, -7))


def _plot_measured_speedup(result: MeasuredSpeedup, ax: Axes) -> None:
    if is_blank(ax):
        most = int(result.processes[-1])
        ax.set_title("One job on real processes")
        ax.set_xlim(0.5, most + 0.5)
        ax.set_ylim(0, most + 0.3)
        ax.set_xticks(result.processes.tolist(), [str(n) for n in result.processes])
        ax.set_xlabel("processes")
        ax.set_ylabel("speed-up")
        ax.plot([1, most], [1, most], color=style.GHOST, linewidth=1.2)
        style.label(ax, most - 0.5, most - 0.5, "linear", style.MUTED, ha="right", xytext=(-6, 6))
        ax.plot(result.processes, result.amdahl, **style.THEORY)
        at = float(result.amdahl[-1])
        style.label(
            ax, most, at, "Amdahl, and no more cores", style.INK, ha="right", xytext=(0, 12)
        )
        if result.cores < most:
            ax.axvline(result.cores, color=style.MUTED, linewidth=1.0, linestyle=":")
            ax.text(
                result.cores + 0.05, 0.1, "cores of this machine", color=style.MUTED, fontsize=9
            )
    error_bars(ax, result.processes, result.speedup, **style.MEASUREMENT)
    style.label(
        ax, 1, float(result.speedup.estimate[0]), "measured", style.VERMILION, xytext=(10, -8)
    )


def plot_scalability(result: ScalabilityResult | MeasuredScalability, ax: Axes) -> None:
    """Draw throughput against the number of workers."""
    if isinstance(result, MeasuredScalability):
        _plot_measured_scalability(result, ax)
        return
    rising = max(result.usl_rps.max(), result.repairman_rps.max())
    speedup = rising / result.worker_rps
    top = result.worker_rps * step_up(speedup / 0.93, (3, 5, 8, 12, 20, 35, 70))
    _frame_scalability(ax, top)
    ax.set_title("Does another worker still help?")
    every = np.arange(1, 65)
    ax.plot(every, every * result.worker_rps, color=style.GHOST, linewidth=1.2)
    ax.plot(every, result.usl_rps, **style.THEORY)
    ax.plot(every, result.repairman_rps, color=style.INK, linewidth=1.3, linestyle=(0, (1, 1.6)))
    here(ax, result.workers)
    peak = result.theory.peak_workers
    if math.isfinite(peak) and peak < 64:
        height = float(np.interp(peak, every, result.usl_rps))
        ax.plot([peak], [height], color=style.VERMILION, marker="v", markersize=9, ls="none")
        style.label(ax, peak, height, "N*", style.VERMILION, ha="center", xytext=(0, 13))
    marker = "o" if result.pattern == PATTERNS[0] else "s"
    error_bars(ax, result.grid, result.throughput, **(style.DOTS | {"marker": marker}))
    style.label(
        ax, 57, result.usl_rps[56], "scalability law", style.INK, ha="right", xytext=(0, -12)
    )
    style.label(
        ax, 40, result.repairman_rps[39], "random times", style.INK, ha="left", xytext=(6, 11)
    )


def _frame_scalability(ax: Axes, top: float) -> None:
    ax.set_xlim(0, 66)
    ax.set_ylim(0, top)
    ax.set_xlabel("workers")
    ax.set_ylabel("throughput (requests/s)")


_LOCK_STYLES = {LOCKS[0]: (style.ORANGE, "s"), LOCKS[1]: (style.VERMILION, "o")}


def _plot_measured_scalability(result: MeasuredScalability, ax: Axes) -> None:
    color, marker = _LOCK_STYLES[result.lock]
    first = is_blank(ax)
    if first:
        top = 1.25 * float(result.repairman_rps.max())
        ax.set_xlim(0, 52)
        ax.set_ylim(0, top)
        ax.set_xlabel("threads")
        ax.set_ylabel("throughput (requests/s)")
        ax.set_title("Real threads, two kinds of lock")
        every, expected = result.queueing_curve
        ax.plot(every, expected, color=style.INK, linewidth=1.3, linestyle=(0, (1, 1.6)))
        at = float(result.repairman_rps[-1])
        style.label(
            ax,
            48,
            at,
            "queueing for the lock, nothing fitted",
            style.INK,
            ha="right",
            xytext=(0, 17),
        )
    every = np.arange(1, result.workers[-1] + 1)
    ax.plot(every, result.curve_rps(every), color=color, linewidth=1.4, linestyle=(0, (4, 2)))
    points = style.MEASUREMENT | {"color": color, "marker": marker}
    error_bars(ax, result.workers, result.throughput, **points)
    end = float(result.curve_rps(every)[40])
    style.label(ax, 41, end, result.lock, color, ha="center", xytext=(0, -14))


def plot_scaling_cost(result: ScalingCostResult, ax: Axes) -> None:
    """Draw the price of a throughput by one machine and by a fleet, on logarithmic axes."""
    ax.set_title("What a throughput costs: one larger machine, or more of them")
    log_axis(ax, "x", 100, 1e6)
    log_axis(ax, "y", 0.05, 2_000)
    ax.set_xlabel("throughput wanted (requests/s)")
    ax.set_ylabel("price ($ per hour)")
    ceiling = result.up_ceiling_rps
    if ceiling < 1e6:
        ax.axvspan(max(ceiling, 100), 1e6, color=style.FAINT, alpha=0.45, linewidth=0)
        ax.text(
            min(ceiling * 1.08, 6e5),
            0.07,
            "no machine is large enough",
            color=style.MUTED,
            fontsize=9,
        )
    here(ax, result.demand_rps)
    ax.step(result.demands_rps, result.up_usd, where="post", color=style.VERMILION, linewidth=2.2)
    ax.plot(result.demands_rps, result.out_usd, color=style.BLUE, linewidth=2.2, ls=(0, (5, 1.5)))
    for purchase, color, marker in (
        (result.up, style.VERMILION, "s"),
        (result.out, style.BLUE, "o"),
    ):
        if purchase.machine is not None:
            ax.plot(
                [result.demand_rps],
                [purchase.usd_per_hour],
                color=color,
                marker=marker,
                markersize=9,
                markeredgecolor="white",
            )
    ax.text(120, 900, "— one machine (up)", color=style.VERMILION, fontsize=9.5)
    ax.text(120, 450, "- - a fleet (out)", color=style.BLUE, fontsize=9.5)
    if math.isfinite(result.switch_rps):
        at = int(np.abs(result.demands_rps - result.switch_rps).argmin())
        height = float(result.out_usd[at])
        ax.plot(
            [result.switch_rps], [height], color=style.INK, marker="*", markersize=13, ls="none"
        )
        name = f"switch at {significant(result.switch_rps, 2)}/s"
        style.label(ax, result.switch_rps, height, name, style.INK, ha="left", xytext=(9, -10))
