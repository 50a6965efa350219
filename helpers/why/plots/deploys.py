"""Pictures of servers that leave, and of canaries."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import curves, here, log_axis, note, ring
from helpers.foundations.drawing.scales import step_up
from helpers.why.simulation import DEPLOY_S, LOST_S, CanaryResult, LossResult, RollingResult

_TOPS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)


@style.panels(2, width_ratios=[1.25, 1])
def plot_loss(result: LossResult, axes: tuple[Axes, Axes]) -> None:
    """Draw the wait before and after a loss, and what the loss does to the utilisation."""
    ax, load = axes
    ax.set_title("One server fewer")
    ax.set_xlim(0, 40)
    ax.set_xlabel("time (s)")
    ax.set_ylabel("wait (s)")
    ax.axvspan(LOST_S, 40, color=style.FAINT, alpha=0.6, linewidth=0)
    _waits(ax, result.time_s, result.wait_s, result.mean_wait_s)
    before = result.time_s < LOST_S
    for part in (before, ~before):
        ax.plot(result.time_s[part], result.theory_s[part], **style.THEORY)
    top = max(float(np.nanmax(result.mean_wait_s)), float(result.theory_s.max()))
    ax.set_ylim(0, step_up(1.15 * top, (0.5, 1, 2, 5, 10, 20, 40)))
    note(ax, 0.03, 0.96, "— mean of the runs", style.BLUE)
    note(ax, 0.03, 0.89, "- - theory, in the long run", style.BLACK)
    load.set_title("Utilisation after the loss")
    load.set_xlim(1.5, 12.5)
    load.set_xticks(range(2, 13, 2))
    load.set_ylim(0, 200)
    load.set_xlabel("servers before")
    load.set_ylabel("%")
    load.axhspan(100, 200, color=style.VERMILION, alpha=0.1, linewidth=0)
    n = np.arange(2, 13)
    load.plot(n, 100 * result.utilisation * n / (n - 1), **style.THEORY)
    load.axhline(100 * result.utilisation, color=style.MUTED, linewidth=1.0, linestyle=":")
    load.plot(
        [result.servers], [100 * result.after.estimate], color=style.BLUE, marker="o",
        linestyle="none", markersize=8,
    )  # fmt: skip
    ring(load, result.servers, 100 * result.offered_after)
    note(load, 0.97, 0.96, "cannot be done: the queue grows", style.VERMILION, ha="right")
    note(load, 0.97, 0.87, "● observed   ○ asked for", style.BLUE, ha="right")
    note(load, 0.97, 0.1, "dotted: before", ha="right")


def _waits(ax: Axes, time_s: np.ndarray, runs: np.ndarray, mean: np.ndarray) -> None:
    curves(ax, time_s, runs[:6], color=style.SKY, linewidth=0.8, alpha=0.6)
    ax.plot(time_s, mean, **style.SIMULATION)


@style.panels(1, 2, height_ratios=[1, 2.2])
def plot_rolling(result: RollingResult, axes: tuple[Axes, Axes]) -> None:
    """Draw the capacity during a rolling deploy, and how long requests wait."""
    capacity, ax = axes
    end = step_up(float(result.time_s[-1]), (30.0, 45.0, 60.0, 76.0))
    capacity.set_title("Capacity while servers are replaced")
    capacity.set_ylim(0, 110)
    capacity.set_yticks([0, 50, 100])
    capacity.set_ylabel("% in service")
    capacity.set_xlim(0, end)
    capacity.step(result.time_s, 100 * result.capacity, where="mid", **style.SIMULATION)
    capacity.axhline(100 * result.utilisation, color=style.VERMILION, linestyle=(0, (5, 1.5)))
    style.label(
        capacity, end, 100 * result.utilisation, "needed", style.VERMILION, ha="right",
        xytext=(-4, -8),
    )  # fmt: skip
    ax.set_title("Wait of requests, by when they came")
    ax.set_xlim(0, end)
    ax.set_xlabel("time (s)")
    ax.set_ylabel("wait (s)")
    done = DEPLOY_S + result.theory.duration_s
    ax.axvspan(DEPLOY_S, done, color=style.FAINT, alpha=0.6, linewidth=0)
    _waits(ax, result.time_s, result.wait_s, result.mean_wait_s)
    ax.plot(result.time_s, result.fluid_s, **style.THEORY)
    top = max(float(np.nanmax(result.mean_wait_s)), float(result.fluid_s.max()))
    ax.set_ylim(0, step_up(1.15 * top, _TOPS))
    note(ax, 0.98, 0.96, "— mean of the runs", style.BLUE, ha="right")
    note(ax, 0.98, 0.88, "- - theory: if it lasted, or the fluid backlog", style.BLACK, ha="right")


@style.panels(2, width_ratios=[1.3, 1])
def plot_canary(result: CanaryResult, axes: tuple[Axes, Axes]) -> None:
    """Draw how often a bad canary is caught, and how often a good one is blamed."""
    ax, alarms = axes
    ax.set_title("How often a bad version is caught")
    log_axis(ax, "x", 20, 45_000, ticks=(30, 100, 300, 1_000, 3_000, 10_000, 30_000))
    ax.set_ylim(0, 105)
    ax.set_xlabel("requests the canary has served")
    ax.set_ylabel("% caught")
    here(ax, result.requests)
    ax.plot(result.sizes, 100 * result.theory_power, **style.THEORY)
    ax.plot(
        result.sizes, 100 * result.power, color=style.BLUE, marker="o", linestyle="none",
        markersize=6,
    )  # fmt: skip
    ring(ax, result.requests, 100 * result.here.power)
    ax.axhline(90, color=style.MUTED, linewidth=1.0, linestyle=":")
    alarms.set_title("How often a good one is blamed")
    alarms.set_xlim(0, 21)
    alarms.set_ylim(0, 40)
    alarms.set_xlabel("times you look")
    alarms.set_ylabel("% rolled back for nothing")
    alarms.axhline(5, **style.THEORY)
    alarms.plot(result.looks, 100 * result.alarms, color=style.VERMILION, marker="o")
    note(alarms, 0.04, 0.95, "- - promised for one look: at most 5 %", style.BLACK)
