"""Pictures of requirements: the interview, equal means, and what an availability target costs."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from helpers.estimation.simulation.interview import InterviewResult
from helpers.estimation.simulation.same_mean import SameMeanResult
from helpers.estimation.simulation.slo import SloResult
from helpers.estimation.theory.interview import ITEMS, QUESTIONS
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, error_bars, log_axis, percent, ring, whiskers
from helpers.foundations.drawing.scales import headroom

#: Fills of the parts of a bill, from dark to light, so that they differ without colour.
_ITEM_FILLS = (style.BLUE, style.SKY, style.VERMILION, style.ORANGE, style.PURPLE)
_DASHES = {key: value for key, value in style.THEORY.items() if key != "linewidth"}


@style.panels(2, width_ratios=[1, 1.15])
def plot_interview(result: InterviewResult, axes: tuple[Axes, Axes]) -> None:
    """Draw this client's two bills, and what each further question leaves of the regret."""
    bill, regret = axes
    _bills(result, bill)
    top = 1.12 * result.nothing_asked
    regret.set_title("Regret left, after one more question")
    regret.set_xlim(0, top)
    regret.set_ylim(len(QUESTIONS) + 0.65, -0.75)
    regret.set_yticks([])
    regret.grid(axis="y", visible=False)
    regret.set_xlabel("mean regret (USD a month)")
    regret.axvline(result.theory, linewidth=1.2, **_DASHES)
    inset = 0.012 * top
    regret.text(inset, -0.22, "so far", fontsize=9, fontweight="bold")
    error_bars(regret, 0, result.regret, along="x", zorder=4, **style.DOTS)
    for y, name in enumerate(QUESTIONS, 1):
        left = result.next_regret.get(name)
        asked = left is None
        regret.text(inset, y - 0.2, f"{name}: asked" if asked else f"+ {name}", fontsize=9,
                    color=style.MUTED if asked else style.INK)  # fmt: skip
        if asked:
            continue
        bars(regret, y + 0.05, left, 0.34, along="x", facecolor=style.FAINT, edgecolor=style.MUTED,
             linewidth=0.8)  # fmt: skip
        worth = result.theory - left
        text = f"worth {worth:,.0f}" if worth > 0.5 else "worth nothing"
        beside = max(left, result.theory) if abs(left - result.theory) < 0.2 * top else left
        fits = beside < 0.74 * top
        regret.text(beside + inset if fits else left - inset, y + 0.06, text, fontsize=9,
                    va="center", ha="left" if fits else "right")  # fmt: skip


def _bills(result: InterviewResult, ax: Axes) -> None:
    top = headroom(max(result.chosen_items.sum(), result.best_items.sum()))
    ax.set_title("This client's month")
    ax.set_xlim(-0.6, 2.15)
    ax.set_ylim(0, top)
    ax.set_xticks([0, 1], ["what you\nbuild", "all known"])
    ax.grid(axis="x", visible=False)
    ax.set_ylabel("USD a month")
    bottoms = np.zeros(2)
    bills = np.column_stack([result.chosen_items, result.best_items])
    last = -np.inf
    for name, amounts, fill in zip(ITEMS, bills, _ITEM_FILLS, strict=True):
        if amounts.max() < 0.004 * top:
            continue
        bars(ax, [0, 1], amounts, 0.62, start=bottoms, facecolor=fill, edgecolor="white",
             linewidth=0.8)  # fmt: skip
        shown = 1 if amounts[1] >= 0.004 * top else 0
        middle = max(bottoms[shown] + amounts[shown] / 2, last + 0.11 * top)
        ax.text(1.38, middle, name.replace(" and ", "\nand "), fontsize=8.5, va="center")
        last = middle
        bottoms = bottoms + amounts


def plot_same_mean(result: SameMeanResult, ax: Axes) -> None:
    """Draw the share of requests slower than each time, for a service with a given mean."""
    mean = result.mean_ms
    ax.set_title("One mean, any tail")
    log_axis(ax, "x", 0.01 * mean, 200 * mean, ticks=[mean * f for f in (0.01, 0.1, 1, 10, 100)])
    log_axis(ax, "y", 3e-4, 1.15, text=percent)
    ax.set_xlabel("response time (ms)")
    ax.set_ylabel("requests that are slower")
    reach = np.array([mean, 200 * mean])
    ax.plot(reach, mean / reach, color=style.GHOST, linewidth=1.4)
    ax.text(9 * mean, 0.145, "Markov: no mean allows more", color=style.MUTED, fontsize=9)
    ax.axhline(0.01, color=style.MUTED, linewidth=1.0, linestyle=":")
    ax.axvline(mean, color=style.MUTED, linewidth=1.0, linestyle=":")
    ax.text(mean * 0.94, 4e-4, "the mean", color=style.MUTED, fontsize=9, ha="right")
    ax.axvline(result.target_ms, color=style.VERMILION, linewidth=1.4, linestyle="-.")
    ax.text(result.target_ms * 1.07, 4e-4, "the target", color=style.VERMILION, fontsize=9)
    slower = 1 - (np.arange(len(result.times_s)) + 1) / len(result.times_s)
    kept = np.unique(len(slower) - 1 - np.geomspace(3, len(slower) - 1, 60).astype(int))
    ax.plot(1e3 * result.times_s[kept], slower[kept], color=style.BLUE, marker="o", markersize=4,
            linestyle="none")  # fmt: skip
    ax.plot(1e3 * result.curve[:, 0], result.curve[:, 1], **style.THEORY)
    ring(ax, 1e3 * result.p99.estimate, 0.01)
    style.label(ax, 1e3 * result.p99.estimate, 0.01, "p99", style.INK, xytext=(9, 9))


@style.panels(2, width_ratios=[1.25, 1])
def plot_slo(result: SloResult, axes: tuple[Axes, Axes]) -> None:
    """Draw every architecture by price and downtime, and the chosen one month by month."""
    cloud, months = axes
    prices = np.array([one.monthly for one in result.architectures])
    downtimes = np.array([one.downtime_min for one in result.architectures])
    good = downtimes <= result.budget_min * (1 + 1e-9)
    cloud.set_title("Every design: what it costs, how long it is down")
    cloud.set_xlim(0, headroom(prices.max()))
    log_axis(cloud, "y", 0.01, 10_000)
    cloud.set_xlabel("machines (USD a month)")
    cloud.set_ylabel("expected downtime (minutes a month)")
    cloud.axhline(result.budget_min, color=style.VERMILION, linewidth=1.4, linestyle="-.")
    cloud.text(cloud.get_xlim()[1], result.budget_min * 1.12, "error budget ",
               color=style.VERMILION, fontsize=9, ha="right", va="bottom")  # fmt: skip
    shown = np.maximum(downtimes, 0.0105)
    points = {"linestyle": "none", "markersize": 5}
    cloud.plot(prices[~good], shown[~good], color=style.GHOST, marker="x", **points)
    cloud.plot(prices[good], shown[good], color=style.GREEN, marker="o", **points)
    chosen = result.chosen
    ring(cloud, chosen.monthly, max(chosen.downtime_min, 0.0105))
    low, middle = max(result.downtime.low, 0.0105), max(result.downtime.estimate, 0.0105)
    high = max(result.downtime.high, 0.011)
    square = style.DOTS | {"marker": "s", "markersize": 4, "zorder": 5}
    whiskers(cloud, chosen.monthly, middle, low, high, **square)

    months.set_title("The chosen one: months, worst first")
    log_axis(months, "x", 0.01, 100)
    log_axis(months, "y", 0.1, 20_000)
    months.set_xlabel("per cent of the months")
    months.set_ylabel("downtime of the month (minutes)")
    months.axhline(result.budget_min, color=style.VERMILION, linewidth=1.4, linestyle="-.")
    worst = np.sort(result.downtime_min)[::-1]
    share = 100 * (np.arange(len(worst)) + 0.5) / len(worst)
    kept = np.unique(np.geomspace(1, len(worst), 300).astype(int)) - 1
    months.step(share[kept], np.maximum(worst[kept], 0.05), color=style.BLUE, where="mid",
                linewidth=2)  # fmt: skip
    expected = 100 * result.theory_bad_months
    if expected >= 0.01:
        months.plot([expected] * 2, [0.1, result.budget_min], linewidth=1.4, **_DASHES)
        left = expected > 3
        months.text(expected * (0.88 if left else 1.12), 0.14, "theory: over budget", fontsize=9,
                    ha="right" if left else "left")  # fmt: skip
