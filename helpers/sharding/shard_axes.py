"""Axes of shards: one place for each, or how many of them must answer."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing.axes import log_axis, named_axis
from helpers.foundations.drawing.scales import step_up

_PLACES = (4, 8, 12, 16, 24, 32, 48, 64)


def shard_axis(ax: Axes, shards: int, name: str = "shard") -> None:
    """Number the shards on the x axis from 1, and leave room for a few more."""
    places = step_up(shards, _PLACES)
    step = 1 if places <= 12 else 4 if places <= 32 else 8
    ticks = np.arange(0, shards, step)
    ax.set_xlim(-0.6, places - 0.4)
    named_axis(ax, "x", [str(tick + 1) for tick in ticks], ticks)
    ax.set_xlabel(name)


def count_axis(ax: Axes, most: float, name: str = "shards that must answer") -> None:
    """Make the x axis a logarithmic number of shards, from 1 to `most`."""
    ticks = [tick for tick in (1, 2, 4, 8, 16, 32, 64, 128) if tick < most]
    log_axis(ax, "x", 0.9, most, ticks=ticks)
    ax.set_xlabel(name)
