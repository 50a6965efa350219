"""Pictures of choices, predictions and surprises."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, log_axis, note, spans
from helpers.foundations.drawing.scales import step_up
from helpers.why.simulation import (
    BEGIN_S,
    END_S,
    SURVIVED,
    UNTIL_S,
    CalibrationResult,
    ChoicesResult,
    DeckResult,
    ScoreResult,
    SurpriseResult,
)

_BINS = np.linspace(0, 0.6, 61)


@style.panels(2)
def plot_calibration(result: CalibrationResult | ScoreResult, axes: tuple[Axes, Axes]) -> None:
    """Draw how often statements came true, and the scores they earn."""
    ax, scores = axes
    ax.set_title("Said, and came true")
    ax.set_xlim(45, 103)
    ax.set_ylim(0, 103)
    ax.set_xlabel("chance stated (%)")
    ax.set_ylabel("came true (%)")
    ax.plot([45, 100], [45, 100], **style.THEORY)
    note(ax, 0.04, 0.16, "- - perfectly calibrated", style.BLACK)
    scores.set_title("Brier score: low is good")
    scores.set_xlim(0, 0.6)
    scores.set_xlabel("Brier score")
    scores.axvline(0.25, color=style.MUTED, linewidth=1.0, linestyle=":")
    if isinstance(result, ScoreResult):
        _plot_score(result, ax, scores)
        return
    x = 100 * result.stated
    low, high = (100 * q for q in np.nanquantile(result.shares, (0.05, 0.95), axis=0))
    spans(ax, x, low, high, color=style.SKY, linewidth=7, alpha=0.5)
    ax.plot(x, 100 * result.true_chance, color=style.BLUE, linewidth=2.2)
    ax.plot(x, 100 * result.shares[0], color=style.VERMILION, marker="o", linestyle="none")
    note(ax, 0.04, 0.08, "— true chance", style.BLUE)
    note(ax, 0.97, 0.16, "● one forecaster", style.VERMILION, ha="right")
    note(ax, 0.97, 0.08, "band: nine in ten of them", style.SKY_INK, ha="right")
    scores.set_ylim(0, 0.4)
    scores.set_ylabel("share of forecasters")
    for values, shade, dashes in (
        (result.honest, style.GREEN, (0, (5, 1.5))),
        (result.brier, style.BLUE, "-"),
    ):
        share = np.histogram(values, _BINS)[0] / values.size
        scores.stairs(share, _BINS, color=shade, linewidth=1.8, linestyle=dashes)
    scores.axvline(result.theory, **style.THEORY)
    note(scores, 0.97, 0.95, "— as they speak", style.BLUE, ha="right")
    note(scores, 0.97, 0.87, "- - honest twins", style.GREEN, ha="right")
    note(scores, 0.97, 0.79, "dotted: always 50 %", ha="right")


def _plot_score(result: ScoreResult, ax: Axes, scores: Axes) -> None:
    scores.set_ylim(0, 1)
    scores.set_yticks([])
    if not result.stated.size:
        note(ax, 0.5, 0.5, "no predictions yet", style.VERMILION, ha="center")
        return
    stated, right, count = result.groups.T
    reach = 196 * np.sqrt(stated * (1 - stated) / count)
    low, high = 100 * stated - reach, 100 * stated + reach
    spans(ax, 100 * stated, low, high, color=style.FAINT, linewidth=7)
    ax.plot(100 * stated, 100 * right, color=style.VERMILION, marker="o", linestyle="none")
    note(ax, 0.97, 0.16, "● you", style.VERMILION, ha="right")
    note(ax, 0.97, 0.08, "bands: chance alone", ha="right")
    score = float(((result.stated - result.right) ** 2).mean())
    scores.plot([score], [0.5], color=style.VERMILION, marker="o", markersize=9)
    style.label(scores, score, 0.5, "you", style.VERMILION, xytext=(8, 0))
    note(scores, 0.97, 0.95, "dotted: always 50 %", ha="right")


def plot_choices(result: ChoicesResult, ax: Axes) -> None:
    """Draw every design by what it costs and how long it is out, and which meet the demands."""
    ax.set_title("48 designs, and what is required")
    ax.set_xlim(500, 3_600)
    ax.set_xlabel("USD a month")
    ax.set_ylabel("expected outage (minutes a year)")
    log_axis(ax, "y", 0.4, 5_000)
    ax.axhspan(0.4, result.outage_min, color=style.GREEN, alpha=0.1, linewidth=0)
    ax.axhline(result.outage_min, color=style.GREEN, linewidth=1.2, linestyle=(0, (4, 2)))
    outage = result.outage_s / 60
    good, fast = result.good, result.fast
    groups = (
        (~fast, style.MUTED, "x", "✕ too slow"),
        (fast & ~good, style.ORANGE, "s", "■ fast enough, but out too long"),
        (good, style.GREEN, "o", "● meets both"),
    )
    for i, (mask, shade, mark, name) in enumerate(groups):
        ax.plot(
            result.cost_usd[mask], outage[mask], color=shade, marker=mark, linestyle="none",
            markersize=7 if mark != "x" else 5,
        )  # fmt: skip
        note(ax, 0.02, 0.64 - 0.065 * i, name, shade if mark != "s" else style.ORANGE_INK)
    if result.cheapest is not None:
        ax.plot(
            [result.cost_usd[result.cheapest]], [outage[result.cheapest]], marker="o",
            markersize=14, markerfacecolor="none", markeredgewidth=2, color=style.INK,
        )  # fmt: skip
        style.label(
            ax, result.cost_usd[result.cheapest], outage[result.cheapest], "cheapest", style.INK,
            ha="center", xytext=(0, 15),
        )  # fmt: skip


def plot_surprise(result: SurpriseResult, ax: Axes) -> None:
    """Draw the requests sent and those answered in time, before, during and after a surprise."""
    rates = result.rates()
    ax.set_title("What was asked, and what was answered in time")
    ax.set_xlim(0, END_S)
    peak = float(rates["sent_rps"].max(initial=0.0))
    ax.set_ylim(0, step_up(peak / 0.85, (50, 100, 200, 400, 800, 1_600, 4_000)))
    ax.set_xlabel("time (s)")
    ax.set_ylabel("requests per second, by when they were sent")
    ax.axvspan(BEGIN_S, UNTIL_S, color=style.FAINT, alpha=0.6, linewidth=0)
    time_s = rates["time_s"]
    ax.fill_between(
        time_s, rates["in_time_rps"], rates["sent_rps"], color=style.VERMILION, alpha=0.35,
        linewidth=0, step="mid",
    )  # fmt: skip
    ax.step(time_s, rates["sent_rps"], color=style.MUTED, where="mid", linewidth=1.4)
    ax.step(time_s, rates["in_time_rps"], where="mid", **style.SIMULATION)
    note(ax, 0.02, 0.97, "— sent", style.MUTED)
    note(ax, 0.02, 0.9, "— answered within 1 s", style.BLUE)
    note(ax, 0.02, 0.83, "filled: let down", style.VERMILION)
    note(ax, 0.3, 0.97, result.surprise, style.INK)


def plot_deck(result: DeckResult, ax: Axes) -> None:
    """Draw the share of requests answered in time under each surprise."""
    ax.set_title("The whole deck")
    y = np.arange(len(result.played))[::-1]
    ax.set_xlim(0, 112)
    ax.set_ylim(-0.7, len(y) - 0.3)
    ax.set_yticks([])
    ax.set_xticks(range(0, 101, 20))
    ax.grid(False, axis="y")
    ax.set_xlabel("% of the requests answered within 1 s")
    ax.axvline(100 * SURVIVED, **style.THEORY)
    shares = np.array([100 * played.share for played in result.played])
    survived = np.array([played.survived for played in result.played])
    for color, these in ((style.SKY, survived), (style.ORANGE, ~survived)):
        bars(ax, y[these], shares[these], 0.72, along="x", facecolor=color, alpha=0.8)
    for place, played in zip(y, result.played, strict=True):
        mark = "✓" if played.survived else "✗"
        none = " (has none)" if played.run is None else ""
        ax.text(1.5, place, f"{mark}  {played.surprise}{none}", va="center", color=style.INK)
        ax.text(102, place, f"{100 * played.share:.1f}", va="center", fontsize=9, color=style.INK)
