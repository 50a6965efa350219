"""Work that expires before it is served: a backlog that outlives its cause.

Servers hold leases that must be renewed. While the database is away, leases lapse; when it is
back, all that have lapsed want to be established at once, and an attempt that is not done in time
is thrown away and queued again. A small model of EC2 on 20 October 2025, with the report's times.
Where that stops being true: the report gives no rates, so how fast leases lapse, how much at once
can be done and how long an attempt is good for are ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    flag,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import duration, percent, rounded

#: What the report says, minutes since 23:48 on 19 October: the database is back (2:25), engineers
#: throttle and restart hosts (4:14), all leases are established (5:28).
BACK_MIN, HELP_MIN, DONE_MIN = 157.0, 266.0, 340.0

_SERVERS = 2_000
_END_MIN = 480.0


class Setting(Parameters):
    """Two thousand servers, their leases, and a queue of attempts to establish them."""

    outage_min: float = number(BACK_MIN, "The database is away for", unit="min", at_least=0,
                               at_most=240)  # fmt: skip
    lapse_min: float = number(60.0, "A lease lapses after, on average", unit="min", above=0,
                              at_most=600)  # fmt: skip
    all_min: float = number(100.0, "To establish all leases", unit="min", above=0, at_most=200)
    good_min: float = number(20.0, "An attempt is good for", unit="min", above=0, at_most=200)
    help_: bool = flag(True, "Throttle and empty the queue at 4:14")
    seed: int = seed()


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Expired:
    """Let leases lapse, then work through the queue of attempts, one after the other."""
    lapsed = Draws(at.seed)("leases").exponential(at.lapse_min, _SERVERS) < at.outage_min
    each_min = at.all_min / _SERVERS
    # All attempts are queued when the database is back; a failed one is queued again at once.
    queue = [(at.outage_min, int(n)) for n in np.flatnonzero(lapsed)]
    now, first, wasted, done = at.outage_min, 0, [], []
    helped = not at.help_
    while first < len(queue) and now < _END_MIN:
        if not helped and now >= HELP_MIN:
            # Restarted hosts have empty queues; who waits is let in only when its turn is near.
            waiting = [server for _, server in queue[first:]]
            queue = [(now + n * each_min, server) for n, server in enumerate(waiting)]
            first, helped = 0, True
        queued, server = queue[first]
        first += 1
        now = max(now, queued) + each_min
        if now - queued <= at.good_min:
            done.append(now)
        else:
            wasted.append(now)
            queue.append((now, server))
    return Expired(at, int(lapsed.sum()), np.array(done), np.array(wasted))


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting) -> float:
    """The longest outage that mends itself, minutes; infinite if any does.

    A share 1 - exp(-t / L) of the leases has lapsed after t, and takes that share of the time for
    all. The first are done in time for as long as an attempt is good; the others fail, queue again
    and wait for each other. They are done if their own work fits into that time as well: twice as
    much as an attempt is good for, in all.
    """
    share = 2 * at.good_min / at.all_min
    return -at.lapse_min * math.log1p(-share) if share < 1 else math.inf


# --- what it says ---------------------------------------------------------------------------------


class Expired(Result):
    """What became of the leases.

    Attributes
    ----------
    lapsed : int
        Leases that had lapsed when the database was back.
    done, wasted : numpy.ndarray
        When each attempt ended, minutes since 23:48: in time, and too late to be of use.
    """

    at: Setting
    lapsed: int
    done: np.ndarray
    wasted: np.ndarray

    @property
    def over_min(self) -> float:
        """When the last lease was established, minutes; infinite if it was not in the picture."""
        if self.done.size < self.lapsed:
            return math.inf
        return float(self.done.max(initial=self.at.outage_min))

    @property
    def summary(self) -> dict[str, float | int | str]:
        over = self.over_min
        limit = theory(self.at)
        return {
            "leases_lapsed": self.lapsed,
            "attempts_in_vain": int(self.wasted.size),
            "all_established": clock(over) if math.isfinite(over) else "not by 7:48",
            "longest_outage_that_mends_itself_min": (
                rounded(limit) if math.isfinite(limit) else "any"
            ),
        }

    @property
    def reading(self) -> str:
        at, limit = self.at, theory(self.at)
        by_itself = (
            f"an outage of up to {duration(60 * limit)} would have been over by itself"
            if math.isfinite(limit)
            else "an outage of any length would be over by itself"
        )
        share = self.wasted.size / max(1, self.wasted.size + self.done.size)
        over = self.over_min
        if self.lapsed == 0:
            return f"No lease has lapsed. In theory {by_itself}."
        end = (
            f"All leases are established at {clock(over)}"
            if math.isfinite(over)
            else f"At {clock(_END_MIN)} {percent(1 - self.done.size / self.lapsed)} of the lapsed "
            "leases are still not established"
        )
        return (
            f"{percent(self.lapsed / _SERVERS)} of the leases had lapsed when the database was "
            f"back at {clock(at.outage_min)}. {end}, and {percent(share)} of all attempts were in "
            f"vain. In theory {by_itself}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        time = np.arange(0, _END_MIN + 1, 20)
        return {
            "time": [clock(minute) for minute in time.tolist()],
            "established": np.searchsorted(self.done, time, "right"),
            "in vain so far": np.searchsorted(self.wasted, time, "right"),
        }


def clock(minutes: float) -> str:
    """The time of day so many minutes after 23:48."""
    whole = round(minutes) + 23 * 60 + 48
    return f"{whole // 60 % 24}:{whole % 60:02d}"


@style.panels(2, width_ratios=[1.3, 1])
def plot(run: Expired, axes: tuple[Axes, Axes]) -> None:
    """Draw leases that are missing over the night, and what the workers did."""
    at, (ax, work) = run.at, axes
    time = np.linspace(0, _END_MIN, 400)
    away = np.minimum(time, at.outage_min)
    missing = _SERVERS * -np.expm1(-away / at.lapse_min)
    after = time >= at.outage_min
    missing[after] = run.lapsed - np.searchsorted(run.done, time[after], "right")
    ax.axvspan(0, at.outage_min, color=style.FAINT, linewidth=0)
    ax.plot(time, 100 * missing / _SERVERS, **style.SIMULATION)
    ticks = [12, 132, 252, 372]
    for panel in axes:
        panel.set_xlim(0, _END_MIN)
        panel.set_xticks(ticks, [clock(minute) for minute in ticks])
        panel.set_xlabel("time, 20 October 2025")
        for minute, name in ((HELP_MIN, "4:14"), (DONE_MIN, "5:28")):
            panel.axvline(minute, color=style.GREEN, linewidth=1.2, linestyle=":")
            if panel is ax:
                style.label(panel, minute, 103, name, style.GREEN, xytext=(3, 0))
    style.label(ax, 2, 103, "database away", style.MUTED, xytext=(2, 0))
    ax.set_ylim(0, 110)
    ax.set_ylabel("leases that are missing (%)")
    ax.set_title("Missing leases")
    edges = np.arange(0, _END_MIN + 1, 10)
    for place, (ends, color, name) in enumerate(
        ((run.done, style.BLUE, "in time"), (run.wasted, style.VERMILION, "in vain"))
    ):
        count, _ = np.histogram(ends, edges)
        work.stairs(count / 10, edges, color=color, linewidth=2)
        style.label(work, 6 + 110 * place, 1.2 * _SERVERS / at.all_min, name, color)
    work.set_ylim(0, 1.3 * _SERVERS / at.all_min)
    work.set_ylabel("attempts per minute")
    work.set_title("What the workers do")
