"""What several figures of this chapter share."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes


def shard_axis(ax: Axes, shards: int, name: str = "Shard") -> None:
    """Make the x axis one place per shard, numbered from 1."""
    step = 1 if shards <= 12 else 4 if shards <= 32 else 8
    ticks = np.arange(0, shards, step)
    ax.set_xlim(-0.6, shards - 0.4)
    ax.set_xticks(ticks, [str(tick + 1) for tick in ticks])
    ax.set_xlabel(name)
    ax.grid(False, axis="x")
