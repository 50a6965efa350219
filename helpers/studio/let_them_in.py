"""One bad day, second half: Roblox lets its players back in, by steps of a tenth.

The caches are empty. Whoever comes back is answered from the database until the caches know them.
Beyond what the database can do, queries time out and are done for nothing. Where that stops being
true: the capacity of the databases is not published, and players do not all ask for the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import key, shares_axis, yours
from helpers.foundations.drawing.scales import coarse
from helpers.foundations.experiment import Mine, Parameters, Result, number, takes
from helpers.foundations.prose import duration, finite_or, percent, rounded

#: What the vendor published: "Roblox Return to Service 10/28-10/31 2021", Roblox blog, 20 January
#: 2022. Players were let in from 10:00 to 16:45, "in roughly 10% increments".
VENDOR: Mapping[str, float] = {"step": 0.1, "open_min": 405.0}

_WATCHED_MIN = 12 * 60


class Setting(Parameters):
    """Players who come back by steps, caches that are empty, and a database."""

    step: float = number(0.1, "Let in at once", at_least=0.02, at_most=1)
    every_min: float = number(45.0, "Time between steps", unit="min", at_least=5, at_most=120)
    warm: float = number(
        0.5, "Database load with warm caches", at_least=0.05, at_most=0.95,
        note="Of what it can do, when all players are in.",
    )  # fmt: skip
    cold: float = number(
        3.0, "And with cold ones", at_least=1, at_most=20, note="If all came in at once."
    )
    warming_min: float = number(10.0, "Time to warm up", unit="min", at_least=1, at_most=60)

    @property
    def steps(self) -> int:
        """How many there are; the first may be smaller."""
        return math.ceil(1 / self.step - 1e-9)


# --- the model: what the page shows, and a learner changes ----------------------------------------


def steps_back_in(at):
    """Minute by minute: players come in by steps, and each new one fills the caches."""
    inside = cold = 0.0  # shares of the players: let in, and not in the caches yet
    load, warm = [], []
    for minute in range(12 * 60):
        ahead = max(0, at.steps - 1 - minute // round(at.every_min))
        more = 1 - ahead * at.step - inside
        inside, cold = inside + more, cold + more
        asked = at.warm * (inside - cold) + at.cold * cold  # of what the database can do
        in_time = 1.0 if asked <= 1 else max(0.0, 1 - 2 * (asked - 1))
        cold -= cold * in_time / at.warming_min
        load.append(asked)
        warm.append(inside - cold)
    return {"load": load, "warm": warm}


@takes(Setting)
def simulate(at: Setting) -> Return:
    """Follow twelve hours from the first step on."""
    out = steps_back_in(at)
    return Return(at, load=np.array(out["load"]), from_caches=np.array(out["warm"]))


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """The database's load at the last step if those before are warm; the largest step that fits."""

    peak: float
    largest: float


def theory(at: Setting) -> Theory:
    """What is warm, and a step that is not: ``warm (1 - step) + cold step``, at most 1."""
    peak = at.warm * (1 - at.step) + at.cold * at.step
    largest = (1 - at.warm) / (at.cold - at.warm) if at.cold > 1 else 1.0
    return Theory(peak, largest)


# --- what it says ---------------------------------------------------------------------------------


class Return(Result):
    """The database's load, and the share of the players served from caches, minute by minute."""

    at: Setting
    load: np.ndarray
    from_caches: np.ndarray

    @property
    def peak(self) -> float:
        """The highest load of the database."""
        return float(self.load.max())

    @property
    def over_min(self) -> int:
        """Minutes in which more was asked of it than it can do."""
        return int((self.load > 1).sum())

    @property
    def done_min(self) -> float:
        """When 99 % of the players are served from warm caches; infinite if not in time."""
        enough = np.flatnonzero(self.from_caches >= 0.99)
        return float(enough[0] + 1) if enough.size else math.inf

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "peak_percent": rounded(100 * self.peak),
            "peak_theory_percent": rounded(100 * exact.peak),
            "overloaded_min": self.over_min,
            "done_h": finite_or(rounded(self.done_min / 60), "not within twelve hours"),
            "largest_step_percent": rounded(100 * exact.largest),
        }

    @property
    def reading(self) -> str:
        over = (
            f"for {duration(60 * self.over_min)} more than the database can do"
            if self.over_min
            else "never more than the database can do"
        )
        warm = (
            f"After {duration(60 * self.done_min)} warm caches serve nearly all players"
            if math.isfinite(self.done_min)
            else f"Twelve hours later warm caches serve {percent(self.from_caches[-1])} of them"
        )
        return (
            f"Players come in steps of {percent(self.at.step)}. The load comes to "
            f"{percent(self.peak)} at most, {over}. {warm}. Beside warm players, a step of "
            f"{percent(theory(self.at).largest)} fits."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "what": ["steps", "all in after (h)"],
            "this model": [
                self.at.steps,
                (self.at.steps - 1) * round(self.at.every_min) / 60,
            ],
            "Roblox": [10, VENDOR["open_min"] / 60],
        }


@style.panels(2)
def plot(run: Return, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw the database's load, and who is served from warm caches, over the day."""
    ax, warm = axes
    hours = np.arange(run.load.size) / 60
    ax.plot(hours, run.load, **style.SIMULATION)
    ax.axhline(1, **style.THEORY)
    ax.set_ylim(0, coarse(1.35 * max(run.peak, 1.0)))
    ax.set_title("Load of the database")
    ax.set_ylabel("of what it can do")
    key(ax, [("▬", "load", style.BLUE), ("╌", "all it can do", style.INK)], left=True, x=0.97)
    warm.plot(hours, run.from_caches, **style.SIMULATION)
    warm.plot(VENDOR["open_min"] / 60, 1, **style.MEASUREMENT | {"zorder": 6})
    warm.set_ylim(-0.04, 1.35)
    shares_axis(warm, 4)
    warm.set_title("Players served from warm caches")
    warm.set_ylabel("share")
    key(warm, [("●", "Roblox: all in after 6 h 45 min", style.VERMILION)], left=True, x=0.97)
    for each in axes:
        each.set_xlim(0, 12)
        each.set_xlabel("hours since the first step")
    if mine is not None:
        some = np.arange(15, 12 * 60, 30)
        yours(ax, some / 60, np.asarray(mine["load"])[some])
        yours(warm, some / 60, np.asarray(mine["warm"])[some])
