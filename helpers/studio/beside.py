"""How a suspect and its repair are drawn: the suspect in purple, the repair in blue."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import key

#: What a model under suspicion says.
CLAIMED: dict[str, Any] = {
    "color": style.PURPLE,
    "linewidth": 2.0,
    "marker": "s",
    "markersize": 5,
    "label": "suspect",
}
#: What its repair says.
HONEST: dict[str, Any] = {
    "color": style.BLUE,
    "linewidth": 2.0,
    "marker": "o",
    "markersize": 5,
    "label": "repaired",
}


def both(ax: Axes, x: npt.ArrayLike, claimed: npt.ArrayLike, honest: npt.ArrayLike) -> None:
    """Draw what both models say over the same places."""
    ax.plot(x, claimed, **CLAIMED)
    ax.plot(x, honest, **HONEST)


def who(ax: Axes, theory: str, *, left: bool = True, x: float = 0.97, y: float = 0.97) -> None:
    """Write which is which; `theory` says what the dashed line is."""
    entries = [("■", "the suspect", style.PURPLE), ("●", "repaired", style.BLUE)]
    if theory:
        entries.append(("╌", theory, style.INK))
    key(ax, entries, x, y, left=left)
