"""Numbers over the time of a log: given, or counted from its events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from helpers.foundations.events.rows import COMES, ENDS, Place, Rows


@dataclass(frozen=True)
class Curve:
    """A number over time: it keeps each value until the next.

    Attributes
    ----------
    name, unit : str
        As a learner reads them.
    times_s, values : numpy.ndarray, shape (n,)
        From each time on, the value.
    level : float or None
        What theory says, where it says a constant.
    level_words : str
        What the level is called.
    """

    name: str
    unit: str
    times_s: np.ndarray
    values: np.ndarray
    level: float | None = None
    level_words: str = ""

    def between(self, begin_s: float, end_s: float) -> Curve:
        """Return a stretch of the curve; its time counts from the beginning of that."""
        inside = (self.times_s > begin_s) & (self.times_s <= end_s)
        before = self.values[self.times_s <= begin_s][-1:]
        times = np.append(np.zeros(before.size), self.times_s[inside] - begin_s)
        return replace(self, times_s=times, values=np.append(before, self.values[inside]))


@dataclass(frozen=True)
class Counted:
    """A curve that is counted from the events."""

    name: str
    place: int
    level: float | None
    level_words: str
    window_s: float = 0.0

    def of(self, places: Sequence[Place], rows: Rows, opening: int, begin_s: float) -> Curve:
        """Count; the log begins at `begin_s`, with so many rows that say who is where then."""
        is_sink = places[self.place].kind == "sink"
        comes = (rows.place == self.place) & (rows.act == (ENDS if is_sink else COMES))
        if self.window_s:
            times, values = self._rates(rows.time_s[opening:][comes[opening:]], begin_s, rows)
            return Curve(self.name, "per s", times, values, self.level, self.level_words)
        times = np.append(begin_s, rows.time_s)
        inside = np.append(0.0, np.cumsum(comes * 1.0 - (rows.left == self.place)))
        # One value an instant, the last: what is true in the middle of one is never to be seen.
        over = np.append(np.diff(times) > 0, True)
        times, inside = times[over], inside[over]
        some = np.diff(inside, prepend=np.nan) != 0
        return Curve(self.name, "", times[some], inside[some], self.level, self.level_words)

    def _rates(
        self, came_s: np.ndarray, begin_s: float, rows: Rows
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return times, from the end of the first window on, and how many came per second."""
        step = self.window_s / 8
        first = min(begin_s + self.window_s, float(rows.time_s[-1]))
        times = np.arange(first, rows.time_s[-1] + step, step)
        before, until = (
            np.searchsorted(came_s, ends, side="right") for ends in (times - self.window_s, times)
        )
        return times, (until - before) / self.window_s
