"""Two clients, a cache and a database, step by step."""

from __future__ import annotations

import matplotlib.patheffects as outlines
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgba

from helpers.caching.simulation.interleavings import (
    INITIAL,
    Event,
    InterleavingsResult,
)
from helpers.foundations import style

_CLIENTS = {"A": style.BLUE, "B": style.PURPLE}
_LANES = {"A": 0.0, "cache": 1.0, "database": 2.0, "B": 3.0}
_NAMES = {"A": "client A", "cache": "cache", "database": "database", "B": "client B"}
_ROWS = 16  # interleavings listed


@style.panels(2, width_ratios=[2.1, 1])
def plot_interleavings(result: InterleavingsResult, axes: tuple[Axes, Axes]) -> None:
    """Draw one interleaving as a sequence diagram, and all of them as rows of steps."""
    _draw_sequence(result, axes[0])
    _draw_list(result, axes[1])


def _draw_sequence(result: InterleavingsResult, ax: Axes) -> None:
    events = result.shown.events
    rows = max(len(events), 6)
    for name, x in _LANES.items():
        ink = _CLIENTS.get(name, style.INK)
        ax.plot([x, x], [0, rows + 0.7], color=style.FAINT, linewidth=6, solid_capstyle="butt")
        ax.text(x, -0.25, _NAMES[name], ha="center", va="bottom", color=ink, weight="bold")
    cached, stored = (INITIAL if result.warm else None), INITIAL
    _state(ax, _LANES["cache"], 0.25, cached)
    _state(ax, _LANES["database"], 0.25, stored)
    for row, event in enumerate(events, start=1):
        _draw_event(ax, row, event)
        if event.cached != cached:
            _state(ax, _LANES["cache"], row + 0.42, event.cached)
        if event.stored != stored:
            _state(ax, _LANES["database"], row + 0.42, event.stored)
        cached, stored = event.cached, event.stored
    if result.shown.stale:
        verdict, color = f"the cache keeps {cached}, the database has {stored}", style.VERMILION
    else:
        held = f"holds {cached}, as the database does" if cached else "is empty"
        verdict, color = f"the cache {held}", style.GREEN
    ax.text(1.5, rows + 1.05, verdict, ha="center", va="center", color=color, weight="bold")
    ax.set_xlim(-0.4, 3.4)
    ax.set_ylim(rows + 1.5, -0.9)
    ax.set_axis_off()
    ax.set_title("One order of the steps, from top to bottom")


def _draw_event(ax: Axes, row: int, event: Event) -> None:
    start = _LANES[event.client]
    color = _CLIENTS[event.client]
    if event.target == "lock":
        ax.plot(start, row, marker="s", color=color, markersize=7)
        side = 1 if event.client == "A" else -1
        ax.text(
            start + 0.1 * side,
            row,
            f"{event.action} the lock",
            color=color,
            fontsize=8.5,
            ha="left" if side > 0 else "right",
            va="center",
        )
        return
    end = _LANES[event.target]
    refused = event.detail.endswith("refused")
    toward = 1 if end > start else -1
    tip = end - 0.06 * toward
    ax.plot(
        [start, tip],
        [row, row],
        color=color,
        linewidth=1.6,
        linestyle=":" if refused else "-",
        marker=">" if toward > 0 else "<",
        markevery=[1],
        markersize=7,
    )
    words = f"{event.action} {event.detail}".strip()
    if event.action in ("get", "get or lease", "read"):
        words = f"{event.action}: {event.detail}"
    # Between the client and the first lane on its way, where nothing else is written.
    nearest = _LANES["cache"] if event.client == "A" else _LANES["database"]
    text = ax.text(
        (start + nearest) / 2,
        row - 0.12,
        words,
        ha="center",
        va="bottom",
        fontsize=8.5,
        color=color,
    )
    text.set_path_effects([outlines.withStroke(linewidth=3, foreground="white")])


def _state(ax: Axes, x: float, y: float, value: str | None) -> None:
    ax.text(
        x,
        y,
        value or "empty",
        ha="center",
        va="center",
        fontsize=8.5,
        color=style.INK,
        bbox={
            "boxstyle": "round,pad=0.25",
            "facecolor": "white" if value is None else "#fff3c4",
            "edgecolor": style.MUTED,
            "linewidth": 0.8,
        },
    )


def _draw_list(result: InterleavingsResult, ax: Axes) -> None:
    listed = result.ordered[:_ROWS]
    longest = max(len(each.events) for each in listed)
    height = max(len(listed), 10)
    small = 9 if height <= 12 else 8
    squares, colors = [], []
    letters: dict[str, list[tuple[float, float]]] = {"A": [], "B": []}
    for row, each in enumerate(listed):
        for column, client in enumerate(each.order):
            x, y = column + 0.06, row + 0.1
            squares.append([(x, y), (x + 0.88, y), (x + 0.88, y + 0.8), (x, y + 0.8)])
            colors.append(to_rgba(_CLIENTS[client], 0.25 if client == "A" else 0.4))
            letters[client].append((column + 0.5, row + 0.5))
        words, color = ("stale", style.VERMILION) if each.stale else ("fine", style.GREEN)
        if each.refused:
            words = "saved"
        ax.text(
            longest + 0.3,
            row + 0.53,
            words,
            va="center",
            fontsize=small,
            color=color,
            weight="bold" if each.stale or each.refused else "normal",
        )
    ax.add_collection(PolyCollection(squares, facecolors=colors, linewidths=0), autolim=False)
    for client, places in letters.items():  # as markers: an artist for each would take long
        ax.plot(
            *zip(*places, strict=True),
            linestyle="none",
            marker=f"${client}$",
            markersize=0.62 * small,
            color=style.INK,
            markeredgewidth=0,
        )
    ax.add_collection(
        LineCollection(
            [[(-0.05, 0), (longest, 0)], [(-0.05, 1), (longest, 1)]],
            colors=style.INK,
            linewidths=1.2,
        )
    )
    more = len(result.interleavings) - len(listed)
    if more > 0:
        ax.text(0, height + 1.0, f"and {more} more", color=style.MUTED, fontsize=9)
    ax.set_xlim(-0.1, max(longest, 6) + 2.6)
    ax.set_ylim(height + 1.6, -0.4)
    ax.set_axis_off()
    ax.set_title("All orders, a row each")
