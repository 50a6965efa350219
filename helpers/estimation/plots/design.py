"""Pictures of designs: boxes and findings, failure modes, moving bottlenecks, overload, the map."""

from __future__ import annotations

import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

from helpers.blueprint.plots import plot_design
from helpers.estimation.simulation.bottleneck import COMPONENTS, USERS, BottleneckResult
from helpers.estimation.simulation.boxes import BoxesResult
from helpers.estimation.simulation.failure_modes import FailureModesResult
from helpers.estimation.simulation.overload import LOADS, OverloadResult
from helpers.estimation.simulation.route import CHAPTERS, RouteResult
from helpers.estimation.theory.bottleneck import FIXES
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import (
    bars,
    error_bars,
    here,
    log_axis,
    marks,
    named_axis,
    ring,
    whiskers,
)
from helpers.foundations.drawing.diagrams import arrows, round_boxes


@style.panels(1, rows=2, height_ratios=[3.3, 1])
def plot_boxes(result: BoxesResult, axes: tuple[Axes, Axes]) -> None:
    """Draw a design, and below it what the validator says."""
    diagram, findings = axes
    closing = result.closing
    middles = plot_design(result.design.cut(*closing) if closing else result.design, diagram)
    diagram.set_title("The drawing")
    if closing:
        _closing_arrow(diagram, middles, *closing)
    findings.set_axis_off()
    findings.set_xlim(0, 1)
    findings.set_ylim(0, 1)
    findings.set_title("What the validator says")
    y = 0.98
    if not result.findings:
        findings.text(0, y, "✓ nothing to complain about", fontsize=10, color=style.GREEN, va="top")
    for finding in result.findings[:4]:
        error = finding.severity == "error"
        lines = textwrap.wrap(finding.message, 78)
        mark, color = ("✗ error", style.VERMILION) if error else ("! warning", style.INK)
        findings.text(0, y, mark, fontsize=9.5, fontweight="bold", color=color, va="top")
        findings.text(0.145, y, "\n".join(lines), fontsize=9.5, va="top", linespacing=1.2)
        y -= 0.13 * len(lines) + 0.06
    if len(result.findings) > 4:
        findings.text(0.145, y, f"and {len(result.findings) - 4} more", fontsize=9.5, va="top")


def _closing_arrow(
    ax: Axes, middles: dict[str, tuple[float, float]], source: str, target: str
) -> None:
    """Draw the arrow that closes a circle, from below upwards, where nothing can hide it."""
    ends = []
    for name in (source, target):
        x, y = middles[name] if name in middles else middles[f"{name}-1"]
        ends.append((x - 0.81, y))  # a box's left side
    ax.add_patch(
        FancyArrowPatch(*ends, connectionstyle="arc3,rad=-0.55", arrowstyle="-|>",
                        mutation_scale=14, color=style.VERMILION, linewidth=2.2,
                        linestyle=(0, (4, 2)), zorder=8)
    )  # fmt: skip


def plot_failure_modes(result: FailureModesResult, ax: Axes) -> None:
    """Draw what is lost while each machine is broken, by the graph and simulated."""
    rows = result.rows
    ax.set_title("What is lost while each machine is broken")
    ax.set_xlim(0, 109)
    ax.set_ylim(max(len(rows), 6) - 0.4, -0.6)
    named_axis(ax, "y", [row.machine for row in rows])
    ax.tick_params(axis="y", length=0)
    ax.set_xticks([0, 25, 50, 75, 100], ["none", "25 %", "50 %", "75 %", "all"])
    ax.set_xlabel("requests lost meanwhile (dashed: what the graph foresees)")
    surprises = {row.machine for row in result.surprises}
    for y, row in enumerate(rows):
        at = 100 * row.predicted
        if row.lost is not None:
            lost = 100 * row.lost
            text = f"{lost:.0f} %" + (", a surprise" if row.machine in surprises else "")
            side = 1 if lost < 70 else -1
            beyond = max(lost + 100 * row.margin, at) if side == 1 else lost - 100 * row.margin
            ax.text(beyond + 1.2 * side, y, text, fontsize=9, va="center",
                    ha="left" if side == 1 else "right",
                    color=style.INK if side == 1 else "white", fontweight="bold")  # fmt: skip
    simulated = [(y, row.lost, row.margin) for y, row in enumerate(rows) if row.lost is not None]
    places, lost, margin = np.reshape(simulated, (-1, 3)).T * [[1], [100], [100]]
    bars(ax, places, lost, 0.5, along="x", facecolor=style.BLUE, alpha=0.7)
    whiskers(ax, places, lost, lost - margin, lost + margin, along="x", color=style.BLUE, ls="none")
    marks(ax, range(len(rows)), [100 * row.predicted for row in rows], 0.72, along="x")


_PART_LOOKS = {
    "app": (style.BLUE, "o", "-", "servers"),
    "cache": (style.GREEN, "s", (0, (1, 1.2)), "cache"),
    "db": (style.VERMILION, "^", (0, (6, 2)), "database"),
}


@style.panels(2)
def plot_bottleneck(result: BottleneckResult, axes: tuple[Axes, Axes]) -> None:
    """Draw each component's ceiling along the ladder of fixes, and throughput against users."""
    ladder, curve = axes
    ladder.set_title("Each fix lifts one ceiling")
    ladder.set_xlim(-0.35, len(FIXES) - 0.35)
    log_axis(ladder, "y", 50, 2_000, ticks=(50, 100, 200, 500, 1_000, 2_000))
    ladder.set_xticks(range(len(FIXES)), [name.replace(" ", "\n") for name in FIXES], fontsize=8)
    ladder.set_ylabel("ceiling (requests/s)")
    here(ladder, result.fixes)
    for part in COMPONENTS:
        color, marker, line, name = _PART_LOOKS[part]
        ceilings = [step.capacities_rps.get(part, np.nan) for step in result.steps]
        if np.nanmin(ceilings) > 2_000:
            continue  # the cache never binds
        ladder.step(range(len(FIXES)), ceilings, color=color, marker=marker, linestyle=line,
                    where="mid", markersize=6)  # fmt: skip
        style.label(ladder, 0, ceilings[0], name, color, xytext=(-8, -12 if part == "app" else 10))
    low = [step.ceiling_rps for step in result.steps]
    ladder.plot(range(len(FIXES)), low, color=style.INK, marker="o", markersize=13,
                markerfacecolor="none", linestyle="none", markeredgewidth=1.5)  # fmt: skip
    if result.failure != "nothing":
        ladder.plot([result.fixes], [result.theory.ceiling_rps], color=style.INK, marker="x",
                    markersize=9, markeredgewidth=2.4, linestyle="none")  # fmt: skip
        style.label(ladder, result.fixes, result.theory.ceiling_rps, "after the failure", style.INK,
                    ha="right" if result.fixes > 2 else "left",
                    xytext=(-8 if result.fixes > 2 else 8, -12))  # fmt: skip

    theory = result.theory
    curve.set_title("Throughput: bounds, exact, simulated")
    curve.set_xlim(0, 620)
    curve.set_ylim(0, 620)
    curve.set_xlabel("users")
    curve.set_ylabel("throughput (requests/s)")
    curve.plot(theory.users, theory.bound_rps, color=style.GHOST, linewidth=1.6)
    curve.plot(theory.users, theory.throughput_rps, **style.THEORY)
    style.label(curve, 600, theory.ceiling_rps, "bound", style.MUTED, ha="right", xytext=(0, 9))
    shown = [n for n in USERS if n in result.simulated]
    if shown:
        error_bars(curve, shown, [result.simulated[n] for n in shown], **style.DOTS)
    here(curve, result.users)
    ring(curve, result.users, theory.throughput_rps[result.users - 1])


def plot_overload(result: OverloadResult, ax: Axes) -> None:
    """Draw goodput against load, both over capacity."""
    ax.set_title("Goodput under extreme load")
    ax.set_xlim(0, 3.1)
    ax.set_ylim(0, 1.2)
    ax.set_xlabel("load offered (times capacity)")
    ax.set_ylabel("answered in time (times capacity)")
    ax.plot([0, 1, 3.1], [0, 1, 1], color=style.GHOST, linewidth=1.6)
    ax.text(3.05, 1.03, "what capacity allows", color=style.MUTED, fontsize=9, ha="right")
    ax.axvline(1, color=style.MUTED, linewidth=1.0, linestyle=":")
    below = result.curve[:, 0] < 1
    for kept in (below, ~below):
        ax.plot(result.curve[kept, 0], result.curve[kept, 1], **style.THEORY)
    error_bars(ax, LOADS, result.goodput, **style.DOTS)
    error_bars(ax, result.load, result.here, **(style.DOTS | {"color": style.INK, "marker": ""}))
    ring(ax, result.load, result.here.estimate)


_WIDTH, _HEIGHT, _STEP = 2.06, 0.56, 2.42


def plot_route(result: RouteResult, ax: Axes) -> None:
    """Draw the chapters as a graph, those on the route filled."""
    ax.set_title("What to read before what")
    ax.set_axis_off()
    levels = result.levels
    columns: dict[int, list[int]] = {}
    for number, level in levels.items():
        columns.setdefault(level, []).append(number)
    place: dict[int, tuple[float, float]] = {}
    for level in sorted(columns):
        # Beside what they need, as far as possible, so that few arrows cross.
        numbers = sorted(columns[level], key=lambda n: (-_height(n, place), n))
        for i, number in enumerate(numbers):
            alone = len(numbers) == 1 and len(CHAPTERS[number].needs) == 1
            y = _height(number, place) if alone else (len(numbers) - 1) / 2 - i
            place[number] = (level * _STEP, y)
    ax.set_xlim(-_WIDTH / 2 - 0.1, max(levels.values()) * _STEP + _WIDTH / 2 + 0.1)
    ax.set_ylim(-1.9, 1.9)
    on = set(result.route)
    pairs = [(need, number) for number, stop in CHAPTERS.items() for need in stop.needs]
    wanted = [number in on for _, number in pairs]
    arrows(
        ax,
        [np.add(place[need], (_WIDTH / 2, 0)) for need, _ in pairs],
        [np.subtract(place[number], (_WIDTH / 2, 0)) for _, number in pairs],
        colors=[style.INK if used else style.GHOST for used in wanted],
        linewidths=[1.8 if used else 0.9 for used in wanted],
        linestyles=["-" if used else (0, (3, 2)) for used in wanted],
        zorder=1,
    )
    wanted = [number in on for number in place]
    round_boxes(
        ax, list(place.values()), _WIDTH, _HEIGHT, 0.08,
        facecolors=["#BFD9EC" if used else "white" for used in wanted],
        edgecolors=[style.BLUE if used else style.GHOST for used in wanted],
        linewidths=[2.4 if number == result.goal else 1.2 for number in place],
        linestyles=["-" if used else (0, (3, 2)) for used in wanted],
        zorder=2,
    )  # fmt: skip
    for number, (x, y) in place.items():
        used = number in on
        words = "\n".join(textwrap.wrap(f"{number:02d} {CHAPTERS[number].title}", 13))
        ax.text(x, y, words, fontsize=7.2, ha="center", va="center", zorder=3,
                color=style.INK if used else style.MUTED,
                fontweight="bold" if used else "normal")  # fmt: skip


def _height(number: int, place: dict[int, tuple[float, float]]) -> float:
    """Mean height of what a chapter needs."""
    return float(np.mean([place[need][1] for need in CHAPTERS[number].needs] or [0.0]))
