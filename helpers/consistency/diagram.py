"""Histories as space-time diagrams: a line for each client, a bar for each operation."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import spans
from helpers.foundations.drawing.words import words
from helpers.foundations.histories import WRITE, Operation


def said(one: Operation) -> str:
    """Return what an operation did, in two or three letters: w 3, r 3, r -, w 3 ?"""
    value = "-" if one.value is None else str(one.value)
    key = "" if one.key == "x" else f"{one.key} "
    return f"{one.kind[0]} {key}{value}{' ?' if one.end == math.inf else ''}"


def clients_of(history: Sequence[Operation]) -> list[str]:
    """Return the clients by name."""
    return sorted({one.client for one in history})


def draw_history(
    ax: Axes,
    history: Sequence[Operation],
    wrong: Collection[Operation] = (),
    *,
    clients: Sequence[str] = (),
    above: float = 0.0,
) -> tuple[float, float]:
    """Draw a history around its violation, or all of it; return from when to when.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    history : sequence of Operation
        At least one.
    wrong : collection of Operation
        The violation, drawn in vermilion; equal but for its ends to operations of the history.
    clients : sequence of str
        Who gets a line, from the top down; all in `history` by default.
    above : float
        How many lines of something else stand below the clients'.
    """
    names = list(clients) or clients_of(history)
    bad = {(one.client, one.start, one.kind, one.key) for one in wrong}
    ends = [one.end for one in history if one.end < math.inf]
    begin, end = min(one.start for one in history), max([*ends, *(o.start for o in history)])
    if wrong:
        shown = [one.end for one in wrong if one.end < math.inf] or [end]
        first, last = min(one.start for one in wrong), max(shown)
        room = max(0.12 * (last - first), 1e-9)
        begin, end = max(begin, first - room), min(end, last + room)
    end = end if end > begin else begin + 1.0
    rows = {name: above + len(names) - 1 - i for i, name in enumerate(names)}
    seen = [one for one in history if one.start <= end and min(one.end, end) >= begin]
    for color, width, some in (
        (style.GHOST, 1.5, [one for one in seen if one.end == math.inf and not _is(one, bad)]),
        (style.BLUE, 4, [one for one in seen if one.end < math.inf and not _is(one, bad)]),
        (style.VERMILION, 6, [one for one in seen if _is(one, bad)]),
    ):
        if some:
            places = [rows[one.client] for one in some]
            low = [max(one.start, begin) for one in some]
            high = [min(one.end, end) for one in some]
            spans(ax, places, low, high, along="x", color=color, linewidth=width)
    _label(ax, seen, bad, rows, begin, end)
    pad = 0.02 * (end - begin)
    ax.set_xlim(begin - pad, end + pad)
    ax.set_ylim(-0.6, above + len(names) - 0.2)
    ax.set_yticks([rows[name] for name in names], names)
    ax.set_xlabel("seconds")
    return begin, end


def _is(one: Operation, bad: Collection[tuple[str, float, str, str]]) -> bool:
    return (one.client, one.start, one.kind, one.key) in bad


def _label(
    ax: Axes,
    seen: Sequence[Operation],
    bad: Collection[tuple[str, float, str, str]],
    rows: dict[str, float],
    begin: float,
    end: float,
) -> None:
    """Say what operations did, where there is room: those that are wrong come first."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in rows}
    places, texts, colors = [], [], []
    named = [one for one in seen if one.end < math.inf or _is(one, bad)]
    for one in sorted(named, key=lambda one: not _is(one, bad)):
        text = said(one)
        half = 0.0075 * (len(text) + 1) * (end - begin)
        middle = (max(one.start, begin) + min(one.end, end)) / 2
        middle = float(np.clip(middle, begin + half, end - half))
        if all(abs(middle - other) > half + wide for other, wide in taken[one.client]):
            taken[one.client].append((middle, half))
            places.append((middle, rows[one.client] + 0.3))
            texts.append(text)
            write = style.INK if one.kind == WRITE else style.MUTED
            colors.append(style.VERMILION if _is(one, bad) else write)
    if texts:
        words(ax, places, texts, color=colors, fontsize=8.5)
