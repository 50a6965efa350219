"""A run over time: what becomes of the requests, and where the calls pile up."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from helpers.blueprint.simulation.result import DesignResult
from helpers.foundations.drawing import style


def plot_outcomes(result: DesignResult, ax: Axes) -> None:
    """Draw requests sent, answered, failed and dropped per second over time; faults are shaded.

    Parameters
    ----------
    result : DesignResult
        A run.
    ax : matplotlib.axes.Axes
        Where to draw.
    """
    rates = result.outcome_rates(60)
    time_s = rates["time_s"]
    _shade_faults(result, ax)
    lines = (
        ("sent", rates["sent_rps"], style.MUTED, (0, (1, 1.2))),
        ("answered", rates["answered_rps"], style.BLUE, "-"),
        ("failed", rates["failed_rps"], style.VERMILION, (0, (5, 1.5))),
        ("dropped", rates["dropped_rps"], style.PURPLE, (0, (3, 1, 1, 1))),
    )
    top = 1.25 * max(float(rates["sent_rps"].max(initial=0.0)), 1.0)
    labels = []
    for name, rate, colour, dashes in lines:
        if name in ("failed", "dropped") and not rate.any():
            continue
        ax.plot(time_s, rate, color=colour, linestyle=dashes, linewidth=1.8)
        labels.append((float(np.mean(rate[-3:])), name, colour))
    _label_ends(ax, labels, result.at.duration_s, top)
    ax.set_xlim(0, result.at.duration_s)
    ax.set_ylim(0, top)
    ax.set_xlabel("time (s)")
    ax.set_ylabel("requests per second")
    ax.set_title("What becomes of the requests")


def plot_queues(result: DesignResult, ax: Axes) -> None:
    """Draw how many calls are at each machine over time, waiting and served; faults are shaded.

    Parameters
    ----------
    result : DesignResult
        A run.
    ax : matplotlib.axes.Axes
        Where to draw.
    """
    _shade_faults(result, ax)
    present = {
        name: result.waiting[name] + result.busy[name]
        for name in result.utilisation
        if len(result.sample_s)
    }
    busiest = sorted(present, key=lambda name: -present[name].max(initial=0))[: len(style.SERIES)]
    top = max((float(present[name].max(initial=0)) for name in busiest), default=1.0)
    dashes = ("-", (0, (5, 1.5)), (0, (3, 1, 1, 1)), (0, (1, 1.2)))
    labels = []
    for i, name in enumerate(busiest):
        colour = style.SERIES[i]
        ax.step(
            result.sample_s, present[name], color=colour, linestyle=dashes[i % 4], linewidth=1.5,
            where="post",
        )  # fmt: skip
        labels.append((float(np.mean(present[name][-5:])), name, colour))
    top = 1.15 * max(top, 1.0)
    _label_ends(ax, labels, result.at.duration_s, top)
    ax.set_xlim(0, result.at.duration_s)
    ax.set_ylim(0, top)
    ax.set_xlabel("time (s)")
    ax.set_ylabel("calls waiting and in service")
    ax.set_title("Where the calls pile up")


def _shade_faults(result: DesignResult, ax: Axes) -> None:
    end = result.at.duration_s
    for i, fault in enumerate(result.at.faults):
        if fault.action == "recover" or fault.at_s > end:
            continue
        until = end if fault.until_s is None else min(fault.until_s, end)
        ax.axvspan(fault.at_s, until, color=style.FAINT, alpha=0.6, linewidth=0)
        ax.annotate(
            f"{fault.action} {fault.target}", (fault.at_s, 1), xycoords=("data", "axes fraction"),
            xytext=(3, -4 - 11 * i), textcoords="offset points", fontsize=8, color=style.MUTED,
            va="top",
        )  # fmt: skip


def _label_ends(ax: Axes, labels: list[tuple[float, str, str]], x: float, top: float) -> None:
    """Write each label at the end of its curve, moved apart where they would overlap."""
    step, last = 0.055 * top, -np.inf
    for y, name, colour in sorted(labels):
        last = max(y, last + step)
        style.label(ax, x, min(last, 0.98 * top), name, colour)
