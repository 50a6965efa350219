"""One bad day, by a small model: Amazon Kinesis, 25 November 2020.

Each front-end server kept operating system threads for each of the others. A small addition of
capacity brought all of them over a limit; what they needed to route requests could not be built any
more. The way back was to restart the fleet, a few hundred servers an hour. Where that stops being
true: the sizes of fleet and limit are not published, and real servers learn of each other in
bursts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import key, shares_axis, yours
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, finite_or, percent, rounded

#: What the vendor published: Amazon Web Services, "Summary of the Amazon Kinesis Event in the
#: Northern Virginia (US-EAST-1) Region", November 2020. Minutes since 2:44 AM PST, when servers
#: began to be added.
VENDOR: Mapping[str, float] = {
    "added_min": 63.0,  # the addition finished at 3:47 AM
    "learn_min": 60.0,  # "up to an hour" until a server learns of a newcomer
    "alarm_min": 151.0,  # the first alarms, 5:15 AM
    "cause_min": 415.0,  # the cause confirmed, 9:39 AM
    "restart_min": 443.0,  # the first restarted servers take traffic, 10:07 AM
    "normal_min": 1_179.0,  # 10:23 PM
}

_WATCHED_MIN = 24 * 60
_SAMPLE = 100  # servers that are followed


class Setting(Parameters):
    """A fleet in which everybody talks to everybody, and an operating system with a limit."""

    fleet: int = integer(
        3_600,
        "Servers",
        at_least=100,
        at_most=20_000,
        note="Amazon says many thousands; so many are restarted in 12 h 16 min at 300 an hour.",
    )
    added: int = integer(150, "Servers added", at_least=0, at_most=1_000)
    limit: int = integer(
        4_000, "Threads allowed", at_least=500, at_most=40_000, note="Not published."
    )
    own: int = integer(280, "Threads for its own work", at_least=0, at_most=2_000)
    restart_ph: float = number(300.0, "Servers restarted", unit="per h", at_least=50, at_most=5_000)
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def everybody_talks(at, draw):
    """Servers join for an hour; each old one learns of each of them in the hour after."""
    joins = draw("joins").uniform(0, 63, at.added)
    learns = joins + draw("learns").uniform(0, 60, (100, at.added))
    working, threads = [], []
    for minute in range(24 * 60):
        if minute <= 123:
            peers = at.fleet - 1 + (learns <= minute).sum(axis=1)
        elif minute == 443:  # the newcomers have been taken away, and the fleet is restarted
            peers = np.full(100, at.fleet - 1)
        fine = (at.own + peers <= at.limit).mean()
        if minute >= 443 and threads[442] > at.limit:
            fine *= min(1.0, (minute - 443) * at.restart_ph / 60 / at.fleet)
        working.append(fine)
        threads.append((at.own + peers).mean())
    return {"working": working, "threads": threads}


@takes(Setting)
def simulate(at: Setting) -> BadDay:
    """Follow a hundred servers for a day from 2:44 AM on."""
    out = everybody_talks(at, Draws(at.seed))
    return BadDay(at, working=np.array(out["working"]), threads=np.array(out["threads"]))


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """The largest fleet that the limit allows, its threads in all, and the restart, minutes."""

    largest: int
    connections: float
    restart_min: float


def theory(at: Setting) -> Theory:
    """Each of n servers has n - 1 peers: n (n - 1) threads in all; and a fleet over its rate."""
    n = at.fleet + at.added
    return Theory(at.limit - at.own + 1, float(n) * (n - 1), 60 * at.fleet / at.restart_ph)


# --- what it says ---------------------------------------------------------------------------------


class BadDay(Result):
    """Share of the servers that can route requests, and mean threads, minute by minute."""

    at: Setting
    working: np.ndarray
    threads: np.ndarray

    @property
    def first_min(self) -> float:
        """When the first server is over the limit; infinite if none is."""
        over = np.flatnonzero(self.working < 1)
        return float(over[0]) if over.size else math.inf

    @property
    def all_min(self) -> float:
        """When all are; infinite if never."""
        over = np.flatnonzero(self.working == 0)
        return float(over[0]) if over.size else math.inf

    @property
    def normal_min(self) -> float:
        """When all work again; infinite if not within the day, 0 if they always did."""
        down = np.flatnonzero(self.working < 1)
        if not down.size:
            return 0.0
        return float(down[-1] + 1) if down[-1] + 1 < _WATCHED_MIN else math.inf

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "largest_fleet": exact.largest,
            "first_over_min": finite_or(self.first_min, "never"),
            "all_over_min": finite_or(self.all_min, "never"),
            "normal_after_h": finite_or(rounded(self.normal_min / 60), "not within a day"),
            "normal_vendor_h": rounded(VENDOR["normal_min"] / 60),
            "threads_in_all_million": rounded(1e-6 * exact.connections),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        sizes = (
            f"{counted(at.fleet, 'server')} and {at.added or 'no'} more, each with a thread for "
            f"each other; the limit allows a fleet of {exact.largest:,}"
        )
        if math.isinf(self.first_min):
            return f"{sizes}. Nobody comes over it."
        back = (
            f"all work again {duration(60 * self.normal_min)} after the beginning"
            if math.isfinite(self.normal_min)
            else "not all work again within the day"
        )
        worst = percent(1 - float(self.working.min()))
        return (
            f"{sizes}. The first is over it after {duration(60 * self.first_min)}, and at worst "
            f"{worst} of them are at once; {back}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "what": ["first trouble (min)", "restart of the fleet (h)", "normal after (h)"],
            "this model": [
                self.first_min,
                theory(self.at).restart_min / 60,
                self.normal_min / 60,
            ],
            "Amazon": [
                VENDOR["alarm_min"],
                (VENDOR["normal_min"] - VENDOR["restart_min"]) / 60,
                VENDOR["normal_min"] / 60,
            ],
        }


@style.panels(2)
def plot(run: BadDay, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw threads against the limit in the first hours, and who works over the day."""
    at, (ax, day) = run.at, axes
    minutes = np.arange(run.threads.size)
    ax.plot(minutes[:300] / 60, run.threads[:300], **style.SIMULATION)
    ax.axhline(at.limit, **style.THEORY)
    low = min(float(run.threads[:300].min()), at.limit)
    high = max(float(run.threads[:300].max()), at.limit)
    room = max(0.25 * (high - low), 20.0)
    ax.set(xlim=(0, 5), ylim=(low - room, high + 2.5 * room))
    ax.set_title("Threads of a server")
    ax.set_ylabel("threads")
    key(ax, [("▬", "threads, on average", style.BLUE), ("╌", "the limit", style.INK)],
        left=True, x=0.97)  # fmt: skip
    day.plot(minutes / 60, run.working, **style.SIMULATION)
    back = VENDOR["restart_min"] / 60
    day.plot([back, back + theory(at).restart_min / 60], [0, 1], **style.THEORY)
    times = [VENDOR[name] / 60 for name in ("alarm_min", "restart_min", "normal_min")]
    day.plot(times, [0, 0, 1], **style.MEASUREMENT | {"zorder": 6})
    day.set(xlim=(0, 24), ylim=(-0.05, 1.5))
    shares_axis(day, 4)
    day.set_title("Servers that can route requests")
    day.set_ylabel("share")
    told = ("●", "Amazon: alarms, restart, normal", style.VERMILION)
    key(day, [("▬", "share that works", style.BLUE), ("╌", "restart, in theory", style.INK), told],
        left=True, x=0.97)  # fmt: skip
    for each in axes:
        each.set_xlabel("hours since 2:44 AM")
    if mine is not None:
        some = np.arange(30, 24 * 60, 60)
        yours(day, some / 60, np.asarray(mine["working"])[some])
        yours(ax, some[:5] / 60, np.asarray(mine["threads"])[some[:5]])
