"""A cache with a hit ratio that is too good: nobody tells it that the value has changed.

One value is read and updated at random times. The suspect's cache keeps what it has; the repair
throws it away at each update. Where that stops being true: for values that never change the suspect
is right, and where old values will do, keeping them for a while is a choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, log_axis, shares_axis, yours
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import percent, rounded, significant
from helpers.foundations.suspects import Suspect
from helpers.studio.beside import both, who

#: Reads and updates of a run, together.
EVENTS = 3_000
#: Updates for each read at which both are tried.
UPDATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


class Setting(Parameters):
    """One value that is read, and updated."""

    updates: float = number(0.1, "Updates for each read", at_least=0.005, at_most=20)
    seed: int = seed()


# --- the suspect, and its repair ------------------------------------------------------------------


def read_through(at, draw):
    """Read through a cache, and write to the database behind it."""
    database, cache, events, hits = 0, None, [], 0
    for luck in draw("events").random(EVENTS):
        if luck < at.updates / (1 + at.updates):
            database += 1
            events.append("update")
        else:
            if cache is None:
                cache = database
            else:
                hits += 1
            events.append("read")
    return {"events": events, "reads": events.count("read"), "hits": hits}


def invalidated(at, draw):
    """The same; an update throws away what the cache has."""
    database, cache, events, hits = 0, None, [], 0
    for luck in draw("events").random(EVENTS):
        if luck < at.updates / (1 + at.updates):
            database += 1
            cache = None
            events.append("update")
        else:
            if cache is None:
                cache = database
            else:
                hits += 1
            events.append("read")
    return {"events": events, "reads": events.count("read"), "hits": hits}


SUSPECT = Suspect(
    read_through,
    invalidated,
    tuple(Setting(updates=updates) for updates in (0.01, 0.1, 1.0, 10.0)),
)


@takes(Setting)
def simulate(at: Setting) -> TwoCaches:
    """Read and update through both caches, here and with other numbers of updates."""
    sweep, pair = _sweep(at.seed), _pair(at)
    return TwoCaches(at, sweep[:, 0], sweep[:, 1], *pair)


@lru_cache(maxsize=64)
def _sweep(seed_: int) -> np.ndarray:
    return np.array([_pair(Setting(updates=updates, seed=seed_)) for updates in UPDATES])


def _pair(at: Setting) -> tuple[float, float]:
    runs = [model(at, Draws(at.seed)) for model in (read_through, invalidated)]
    claimed, honest = (run["hits"] / max(1, run["reads"]) for run in runs)
    return claimed, honest


# --- theory ---------------------------------------------------------------------------------------


def theory(updates: float) -> float:
    """The highest hit ratio of a cache that is filled by reads alone and never gives an old value.

    The first read after an update misses. At Poisson times, a read follows a read with probability
    reads over reads and updates.
    """
    return 1 / (1 + updates)


# --- what it says ---------------------------------------------------------------------------------


class TwoCaches(Result):
    """Hit ratios.

    Attributes
    ----------
    claimed, honest : numpy.ndarray, shape (7,)
        For each of :data:`UPDATES`.
    claimed_here, honest_here : float
        For the chosen one.
    """

    at: Setting
    claimed: np.ndarray
    honest: np.ndarray
    claimed_here: float
    honest_here: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "suspect_hits_percent": rounded(100 * self.claimed_here),
            "repaired_hits_percent": rounded(100 * self.honest_here),
            "highest_fresh_percent": rounded(100 * theory(self.at.updates)),
        }

    @property
    def reading(self) -> str:
        updates = self.at.updates
        return (
            f"With {significant(updates)} updates for each read, the suspect's cache hits "
            f"{percent(self.claimed_here)} of the reads, the repair's "
            f"{percent(self.honest_here)}; no cache that is filled by reads alone, and always "
            f"fresh, hits more than {percent(theory(updates))} in the long run."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "updates for each read": UPDATES,
            "suspect hits": self.claimed,
            "repaired hits": self.honest,
            "highest fresh": [theory(updates) for updates in UPDATES],
        }


def plot(run: TwoCaches, ax: Axes, mine: Mine | None = None) -> None:
    """Draw both hit ratios against the updates."""
    both(ax, UPDATES, run.claimed, run.honest)
    places = np.geomspace(0.005, 20, 60)
    ax.plot(places, [theory(updates) for updates in places], **style.THEORY)
    here(ax, run.at.updates)
    log_axis(ax, "x", 0.004, 25)
    ax.set_ylim(0, 1.4)
    shares_axis(ax, 4)
    ax.set_title("Hit ratio")
    ax.set_xlabel("updates for each read")
    ax.set_ylabel("share of the reads")
    who(ax, "the most, filled by reads and fresh")
    if mine is not None:
        yours(ax, run.at.updates, mine["hits"] / max(1, mine["reads"]))
