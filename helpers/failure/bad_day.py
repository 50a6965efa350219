"""One bad day, by a small model: GitHub, 21 and 22 October 2018.

A cut of 43 seconds made both coasts accept writes. To keep them all, the site paused what it could,
webhooks and Pages builds among it, until the databases were in order; then the backlog had to be
worked off. The model is only that backlog: events come at an even rate, wait while processing is
paused, and are delivered, or dropped as too old. Where that stops being true: real traffic has a
night and a day, and the rates below are means that follow from the vendor's numbers.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import key, yours
from helpers.foundations.drawing.scales import coarse
from helpers.foundations.experiment import Mine, Parameters, Result, number, takes
from helpers.foundations.prose import duration, finite_or, rounded, significant

#: What the vendor published: Jason Warner, "October 21 post-incident analysis", GitHub blog, 30
#: October 2018. Times are minutes since 22:52 UTC, when the connection was lost.
VENDOR: Mapping[str, float] = {
    "partition_s": 43.0,
    "degraded_min": 24 * 60 + 11,
    "paused_min": 27.0,  # 23:19
    "resumed_min": 17 * 60 + 53,  # 16:45
    "backlog": 5e6,  # "over five million hook events"
    "dropped": 200e3,  # "about 200,000", past an internal time to live
}

_WATCHED_MIN = 3 * 1_440


class Setting(Parameters):
    """Events, a pause, and what works off the backlog; defaults follow from :data:`VENDOR`."""

    capacity_rps: float = number(300.0, "Processing can do", unit="per s", above=0)
    ttl_h: float = number(
        12.0, "Too old after", unit="h", above=0, note="GitHub did not publish its time to live."
    )
    noticed_min: float = number(11.0, "Drops noticed after", unit="min", at_least=0)
    hooks_rps: float = number(80.0, "Events", unit="per s", above=0)
    resumed_h: float = number(17.88, "Processing resumes after", unit="h", above=0.5, at_most=48)

    @property
    def paused_min(self) -> int:
        """When processing pauses."""
        return int(VENDOR["paused_min"])

    @property
    def resumed_min(self) -> int:
        """When it goes on."""
        return round(60 * self.resumed_h)


# --- the model: what the page shows, and a learner changes ----------------------------------------


def one_day(at):
    """Minute by minute: events come, wait, and are delivered, or dropped because they are old."""
    line, waiting, delivered, dropped, backlog = deque(), 0.0, 0.0, 0.0, []
    for minute in range(3 * 24 * 60):
        line.append([minute, 60 * at.hooks_rps])
        waiting += 60 * at.hooks_rps
        paused = at.paused_min <= minute < at.resumed_min
        room = 0.0 if paused else 60 * at.capacity_rps
        while line and room > 0:
            came, count = line[0]
            takes = min(room, count)
            old = minute - came > 60 * at.ttl_h
            if old and minute < at.resumed_min + at.noticed_min:
                dropped += takes
            else:
                delivered += takes
            room, waiting, line[0][1] = room - takes, waiting - takes, count - takes
            if takes == count:
                line.popleft()
        backlog.append(waiting)
    return {"backlog": backlog, "dropped": dropped, "delivered": delivered}


@takes(Setting)
def simulate(at: Setting) -> BadDay:
    """Play three days from the moment the connection was lost."""
    out = one_day(at)
    return BadDay(at, backlog=np.array(out["backlog"]), dropped=float(out["dropped"]))


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """The backlog when processing resumes, and when it is gone, minutes since the beginning."""

    backlog: float
    gone_min: float


def theory(at: Setting) -> Theory:
    """A fluid: ``rate x pause``, and that over ``capacity - rate``, if that is above 0.

    Kleinrock, *Queueing Systems* vol. 2, 1976, chapter 2.
    """
    backlog = at.hooks_rps * 60 * max(0, at.resumed_min - at.paused_min)
    spare = at.capacity_rps - at.hooks_rps
    return Theory(backlog, at.resumed_min + backlog / spare / 60 if spare > 0 else math.inf)


# --- what it says ---------------------------------------------------------------------------------


class BadDay(Result):
    """Events that wait at the end of each minute, and events that were dropped."""

    at: Setting
    backlog: np.ndarray
    dropped: float

    @property
    def peak(self) -> float:
        """The longest that the backlog gets before processing resumes."""
        return float(self.backlog[self.at.resumed_min - 1])

    @property
    def gone_min(self) -> float:
        """When the backlog is gone; infinite if it is not within three days."""
        left = self.backlog[self.at.resumed_min :]
        none = np.flatnonzero(left < 60 * self.at.hooks_rps)
        return float(self.at.resumed_min + none[0] + 1) if none.size else math.inf

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "backlog": rounded(self.peak),
            "backlog_vendor": VENDOR["backlog"],
            "gone_after_h": finite_or(rounded(self.gone_min / 60, 4), "not within three days"),
            "gone_theory_h": finite_or(rounded(exact.gone_min / 60, 4), "never"),
            "gone_vendor_h": rounded(VENDOR["degraded_min"] / 60, 4),
            "dropped": rounded(self.dropped),
            "dropped_vendor": VENDOR["dropped"],
        }

    @property
    def reading(self) -> str:
        at = self.at
        gone = (
            f"it is gone {duration(60 * self.gone_min)} after the cut of 43 s"
            if math.isfinite(self.gone_min)
            else "three days after the cut of 43 s it is not gone"
        )
        lost = (
            f"{significant(self.dropped)} events are dropped as too old"
            if self.dropped
            else "none is dropped as too old"
        )
        return (
            f"When processing resumes, {significant(self.peak)} events wait; at "
            f"{significant(at.capacity_rps)} per s, of which {significant(at.hooks_rps)} come "
            f"anew, {gone}, and {lost}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        ours = [self.peak, self.gone_min / 60, self.dropped]
        vendor = [VENDOR["backlog"], VENDOR["degraded_min"] / 60, VENDOR["dropped"]]
        return {
            "what": ["backlog (events)", "gone after (h)", "dropped (events)"],
            "this model": ours,
            "GitHub": vendor,
        }


def plot(run: BadDay, ax: Axes, mine: Mine | None = None) -> None:
    """Draw the backlog over the day, with what the vendor published."""
    at, exact = run.at, theory(run.at)
    hours = (np.arange(run.backlog.size) + 1) / 60
    end = 30.0 if exact.gone_min < 28 * 60 else 72.0
    shown = hours <= end
    ax.axvspan(at.paused_min / 60, at.resumed_min / 60, color=style.FAINT, linewidth=0, alpha=0.6)
    ax.plot(hours[shown], 1e-6 * run.backlog[shown], **style.SIMULATION)
    drains = [at.paused_min / 60, at.resumed_min / 60]
    heights = [0.0, 1e-6 * exact.backlog]
    if math.isfinite(exact.gone_min):
        drains.append(exact.gone_min / 60)
        heights.append(0.0)
    ax.plot(drains, heights, **style.THEORY)
    resumed_h, gone_h = VENDOR["resumed_min"] / 60, VENDOR["degraded_min"] / 60
    ax.plot([resumed_h, gone_h], [1e-6 * VENDOR["backlog"], 0], **style.MEASUREMENT | {"zorder": 6})
    ax.set_xlim(0, end)
    ax.set_ylim(-0.02 * coarse(1.3e-6 * exact.backlog), coarse(1.3e-6 * exact.backlog))
    key(ax, [("▬", "backlog", style.BLUE), ("╌", "fluid", style.INK),
             ("●", "GitHub: 5 million, gone at 24 h 11 min", style.VERMILION)],
        left=True, x=0.97)  # fmt: skip
    ax.set_title("Webhooks that wait (gray: processing is paused)")
    ax.set_xlabel("hours since the connection was lost")
    ax.set_ylabel("million events")
    if mine is not None:
        some = slice(59, int(60 * end), 120)
        yours(ax, hours[some], 1e-6 * np.asarray(mine["backlog"])[some])
