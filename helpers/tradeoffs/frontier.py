"""Eighty designs of one shop, none of which is best: cost, latency, outage and stale reads.

A design is dominated if another is at least as good in everything and better in something. Who
picks one of the others gives something up. Where that stops being true: the four numbers come from
one load, one price list and failures that are independent but for a share; with other numbers other
designs survive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.dominance import undominated
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import key, log_axis, plain, ring
from helpers.foundations.experiment import (
    Mine,
    Parameters,
    Result,
    integer,
    option,
    takes,
)
from helpers.foundations.prose import counted, duration, listed, significant
from helpers.tradeoffs.designs import GOOD, TTL_S, WAYS, Choice, Marks, cloud

#: By what a design can be judged.
CRITERIA = {"all four": GOOD, "cost and latency": GOOD[:2], "cost and outage": ("cost", "outage")}

_AXES = (("cost", "latency"), ("outage", "staleness"))
_UNITS = {
    "cost": "a month costs (US$)",
    "latency": "mean response (ms)",
    "outage": "outage (minutes a year)",
    "staleness": "stale reads (%)",
}


class Setting(Parameters):
    """One design of the eighty, and what it is judged by."""

    servers: int = integer(3, "Servers", at_least=2, at_most=5)
    cache: str = option("10 s", "Cache", of=tuple(TTL_S))
    replicas: int = integer(1, "Replicas of the database", at_least=0, at_most=2)
    way: str = option("asynchronous", "Replicas are fed", of=WAYS)
    judged_by: str = option("all four", "Judged by", of=tuple(CRITERIA))

    @property
    def choice(self) -> Choice:
        """The design; how replicas are fed does not matter where there are none."""
        way = self.way if self.replicas else WAYS[0]
        return Choice(self.servers, self.cache, self.replicas, way)


# --- the model: what the page shows, and a learner changes ----------------------------------------


def beats(one, other):
    """Whether one design is at least as good in everything and better in something."""
    nowhere_worse = all(mine <= theirs for mine, theirs in zip(one, other, strict=True))
    somewhere_better = any(mine < theirs for mine, theirs in zip(one, other, strict=True))
    return nowhere_worse and somewhere_better


def left_standing(at):
    """Return the designs that no other beats."""
    judged = [GOOD.index(name) for name in CRITERIA[at.judged_by]]
    marks = [[design[i] for i in judged] for design in cloud().values()]
    left = [i for i, one in enumerate(marks) if not any(beats(other, one) for other in marks)]
    return {"left": left, "count": len(left)}


@takes(Setting)
def simulate(at: Setting) -> Frontier:
    """Judge all eighty, and look who beats the one that was chosen."""
    judged = [GOOD.index(name) for name in CRITERIA[at.judged_by]]
    mine = cloud()[at.choice]
    better = [
        choice
        for choice, other in cloud().items()
        if beats([other[i] for i in judged], [mine[i] for i in judged])
    ]
    return Frontier(at, left=np.array(left_standing(at)["left"]), better=tuple(better))


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting) -> np.ndarray:
    """Return which designs are left, by sorting: a design can only be beaten by one before it.

    Kung, Luccio and Preparata, "On Finding the Maxima of a Set of Vectors", JACM 1975: sorted by
    the first number, then the second and so on, each needs to be held only against those that are
    still standing before it. Chapter 11 looks for its frontier in the same way.
    """
    judged = [GOOD.index(name) for name in CRITERIA[at.judged_by]]
    return undominated([[design[i] for i in judged] for design in cloud().values()])


# --- what it says ---------------------------------------------------------------------------------


class Frontier(Result):
    """Who is left, and who beats the chosen one.

    Attributes
    ----------
    left : numpy.ndarray of int
        Places in the cloud of the designs that no other beats.
    better : tuple of Choice
        The designs that beat the chosen one.
    """

    at: Setting
    left: np.ndarray
    better: tuple[Choice, ...]

    @property
    def chosen(self) -> Marks:
        """What the chosen design comes to."""
        return cloud()[self.at.choice]

    @property
    def first_in(self) -> tuple[str, ...]:
        """In what the chosen design is the best of all, alone or with others."""
        best = np.array(list(cloud().values())).min(axis=0)
        return tuple(name for name, x, low in zip(GOOD, self.chosen, best, strict=True) if x == low)

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            **self.chosen._asdict(),
            "designs": len(cloud()),
            "left": int(self.left.size),
            "beaten_by": len(self.better),
            "first_in": listed(self.first_in) if self.first_in else "nothing",
        }

    @property
    def reading(self) -> str:
        marks, by = self.chosen, self.at.judged_by
        said = (
            f"This one costs {marks.cost_usd:,} US$ a month, answers in {marks.latency_ms:g} ms, "
            f"is out for {duration(60 * marks.outage_min)} a year, and "
            f"{significant(marks.stale_percent)} % of its reads are stale. "
        )
        if self.better:
            verb = "beats" if len(self.better) == 1 else "beat"
            said += f"Judged by {by}, {counted(len(self.better), 'design')} {verb} it: "
            said += f"{self.better[0].words}, for one. "
        else:
            said += f"Judged by {by}, no design beats it. "
        return f"{said}Of {len(cloud())} designs, {self.left.size} are beaten by none."

    @property
    def columns(self) -> Mapping[str, Any]:
        order = sorted(self.left, key=lambda i: _marks()[i][0])
        names = list(cloud())
        columns: dict[str, Any] = {"beaten by none": [names[i].words for i in order]}
        for name, values in zip(GOOD, _marks()[order].T, strict=True):
            columns[_UNITS[name]] = values
        return columns


def _marks() -> np.ndarray:
    return np.array(list(cloud().values()), float)


@style.panels(2)
def plot(run: Frontier, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw the cloud twice, two numbers at a time."""
    marks, places = _marks(), list(cloud())
    beaten = np.setdiff1d(np.arange(len(marks)), run.left)
    better = np.array([places.index(choice) for choice in run.better], int)
    for ax, (x, y) in zip(axes, _AXES, strict=True):
        across, up = marks[:, GOOD.index(x)], marks[:, GOOD.index(y)]
        look: dict[str, Any] = {"linestyle": "none", "marker": "o"}
        ax.plot(across[beaten], up[beaten], color=style.FAINT, markersize=5, **look)
        ax.plot(across[run.left], up[run.left], color=style.BLUE, markersize=5, **look)
        if better.size:
            ax.plot(across[better], up[better], color=style.ORANGE, markersize=8, **look)
        ring(ax, run.chosen[GOOD.index(x)], run.chosen[GOOD.index(y)])
        ax.set_title(f"{x.capitalize()} and {y}")
        ax.set_xlabel(_UNITS[x])
        ax.set_ylabel(_UNITS[y])
    axes[0].set_xlim(1_700, 3_050)
    axes[0].set_ylim(50, 88)
    log_axis(axes[1], "x", 50, 3_000, ticks=(60, 240, 1_000), text=plain)
    axes[1].set_ylim(-0.8, 15.5)
    key(axes[0], [("●", "beaten by none", style.BLUE), ("●", "beaten", style.GHOST),
                  ("●", "beats yours", style.ORANGE_INK)])  # fmt: skip
    if mine is not None:
        left = np.asarray(mine["left"], int).ravel()
        axes[0].plot(marks[left, 0], marks[left, 1], color=style.VERMILION, marker="D",
                     markersize=4, linestyle="none", label="your model")  # fmt: skip
