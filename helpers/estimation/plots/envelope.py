"""Pictures of estimates: ranges, error bars, and bytes on a scale."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from helpers.estimation.measurement.storage import MeasuredStorage
from helpers.estimation.simulation.estimate import ErrorBarsResult, EstimateResult
from helpers.estimation.theory.estimate import OUTPUTS, error_factor, log_sigma
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, here, log_axis, marks, spans
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.drawing.words import words

#: How far the axis of products reaches, in powers of ten, and the factors marked on it.
_FACTORS = {0.5: (2,), 1: (2, 5), 2: (10,), 4: (10, 1_000), 8: (100, 10_000)}


def plot_estimate(result: EstimateResult, ax: Axes) -> None:
    """Draw each result of the envelope with its 90 % range, simulated and by theory."""
    ax.set_title("What the envelope says, and how far to trust it")
    ax.set_ylim(len(OUTPUTS) - 0.35, -0.65)
    ax.set_yticks([])
    ax.grid(axis="y", visible=False)
    ticks = {1 / 16: "÷ 16", 1 / 4: "÷ 4", 1: "estimate", 4: "× 4", 16: "× 16"}
    log_axis(ax, "x", 1 / 150, 30, ticks=ticks, text=ticks.__getitem__)
    ax.set_xlabel("where the truth may lie (90 % range)")
    ax.axvline(1, color=style.MUTED, linewidth=1.0, linestyle=":")
    rows = np.arange(len(OUTPUTS))
    low, high = np.transpose([result.range_90(name) for name in OUTPUTS])
    spans(ax, rows, low, high, along="x", color=style.BLUE, linewidth=7, alpha=0.75, zorder=1)
    factor = np.array([result.theory_factor(name) for name in OUTPUTS])
    for ends in (1 / factor, factor):
        marks(ax, rows, ends, 0.6, along="x")
    ax.plot(np.ones(len(rows)), rows, color=style.INK, marker="o", markersize=5, linestyle="none")
    left = np.column_stack([np.full(len(rows), 1 / 140), rows])
    words(ax, np.subtract(left, (0, 0.05)), OUTPUTS, color=style.MUTED, ha="left", va="bottom")
    shown = [result.show(name) for name in OUTPUTS]
    words(ax, np.add(left, (0, 0.02)), shown, fontsize=10, weight="bold", ha="left", va="top")


@style.panels(2)
def plot_error_bars(result: ErrorBarsResult, axes: tuple[Axes, Axes]) -> None:
    """Draw the error factor against the number of guesses, and where products fall."""
    growth, spread = axes
    growth.set_title("How far off a product of guesses is")
    growth.set_xlim(0.5, 12.5)
    growth.set_xticks([1, 2, 4, 6, 8, 10, 12])
    log_axis(growth, "y", 1, 5_000)
    growth.set_xlabel("guesses multiplied")
    growth.set_ylabel("90 % lie within ×/÷")
    here(growth, result.factors)
    grid = np.linspace(1, 12, 60)
    growth.plot(grid, result.factor**grid, color=style.GHOST, linewidth=1.4)
    growth.plot(grid, result.factor ** np.sqrt(grid), **style.THEORY)
    growth.plot(result.grid, result.half, color=style.BLUE, marker="o", markersize=6,
                linestyle="none")  # fmt: skip
    style.label(
        growth, 8, error_factor(8, result.factor), "f to the √k", style.INK, xytext=(0, -18)
    )
    at = float(min(7.0, 0.8 * np.log(5_000) / np.log(result.factor)))
    style.label(growth, at, result.factor**at, "worst case", style.MUTED, ha="right",
                xytext=(-6, 4))  # fmt: skip

    half = np.log10(result.theory)
    reach = step_up(2.6 * half, tuple(_FACTORS))
    edges = np.linspace(-reach, reach, 61)
    top = 0.12 if result.shape != "at one of two values" else 0.6
    spread.set_title("Where the products fall")
    spread.set_xlim(-reach, reach)
    spread.set_ylim(0, top)
    factors = _FACTORS[reach]
    places = np.log10(factors)
    spread.set_xticks(
        [*-places, 0, *places],
        [*(f"÷ {f:,}" for f in factors), "guess", *(f"× {f:,}" for f in factors)],
    )
    spread.set_xlabel("product over the product of the guesses")
    spread.set_ylabel("share of 4,000 products")
    counts = np.histogram(np.log10(result.products), edges)[0] / len(result.products)
    spread.stairs(counts, edges, fill=True, color=style.BLUE, alpha=0.55)
    middle = (edges[1:] + edges[:-1]) / 2
    sigma = log_sigma(result.factor) * np.sqrt(result.factors) / np.log(10)
    density = np.exp(-0.5 * (middle / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    spread.plot(middle, density * np.diff(edges), **style.THEORY)
    for sign, symbol, side in ((-1, "÷", "right"), (1, "×", "left")):
        spread.axvline(sign * half, color=style.INK, linewidth=1.0, linestyle=":")
        style.label(spread, sign * half, 0.95 * top, f"{symbol} {result.theory:.3g}", style.INK,
                    ha=side, xytext=(5 * sign, 0))  # fmt: skip


def plot_storage(result: MeasuredStorage, ax: Axes) -> None:
    """Draw what a URL takes in a file, beside what the envelope and the file format say."""
    ax.set_title("A hundred-byte record does not take a hundred bytes")
    rows = (
        ("the URL itself", result.url_bytes, style.GHOST, ""),
        ("table, by the format", result.theory_bytes, "white", "////"),
        ("table, measured", result.table_bytes, style.VERMILION, ""),
        ("with index, measured", result.total_bytes, style.VERMILION, ""),
    )
    ax.set_xlim(0, 1.25 * result.total_bytes)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_yticks([])
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("bytes per row")
    for y, (name, value, fill, hatch) in enumerate(rows):
        look = {"facecolor": fill, "hatch": hatch, "edgecolor": style.INK, "linewidth": 0.8}
        bars(ax, y, value, 0.6, along="x", **look)
        ax.text(value + 0.015 * result.total_bytes, y, f"{value:.0f}", va="center", fontsize=10)
        ax.text(2, y, name, va="center", fontsize=10,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 2.5})  # fmt: skip
