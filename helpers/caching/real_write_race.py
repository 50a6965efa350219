"""The race of `write_race` between real threads, with sqlite3 as the database.

Where that stops being true: the delay to the cache is a sleep, and where timers are late it is
longer than was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.caching import write_race
from helpers.caching.racing_writers import race
from helpers.caching.write_race import Setting, theory
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars
from helpers.foundations.experiment import Draws, Measured, Parameters, integer, number, seed, takes
from helpers.foundations.prose import counted, rounded
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Interval, agrees, wilson_interval

#: Writes under way at once at which bursts are measured.
MEASURED_AT = (0.25, 0.5, 1.0, 2.0, 4.0)


class Trial(Parameters):
    """Threads that write through to sqlite3 and a dictionary, with a random delay in between.

    Every burst has a key of its own; bursts overlap, so that the whole takes two or three seconds.
    sqlite3 decides in which order the writes of a key are committed.
    """

    delay_s: float = number(0.01, "Mean delay to the cache", unit="s", at_least=0.005, at_most=0.1)
    bursts: int = integer(60, "Bursts at each crowd", at_least=5, at_most=200)
    timeout_s: float = number(20.0, "The measurement is given up after", unit="s", above=0)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredWriteRace:
    """Let real threads race, with a quarter of a write to four under way at once.

    Raises
    ------
    TimeoutError
        If it took longer than ``timeout_s``.
    """
    draw = Draws(at.seed)
    jobs: list[tuple[float, int, float]] = []  # when, which key, delay
    key = 0
    for crowd in MEASURED_AT:
        writes = int(6 * crowd) + 5  # earlier ones arrive long before the last
        for _ in range(at.bursts):
            gaps = draw("gaps").exponential(at.delay_s / crowd, writes)
            begin = draw("starts").random() * at.bursts * at.delay_s * 2
            delays = draw("delays").exponential(at.delay_s, writes)
            moments = begin + np.cumsum(gaps)
            jobs += zip(moments.tolist(), [key] * writes, delays.tolist(), strict=True)
            key += 1
    cached, stored, late_s = race(sorted(jobs), key, at.timeout_s)
    wrong = np.array([cached[each] != stored[each] for each in range(key)])
    stale = wrong.reshape(len(MEASURED_AT), at.bursts).sum(axis=1)
    return MeasuredWriteRace(at, stale, late_s)


class MeasuredWriteRace(Measured):
    """Bursts of real write-through writes, and how many ended with the wrong value cached.

    Attributes
    ----------
    stale : numpy.ndarray of int, shape (5,)
        Of the bursts with each of :data:`MEASURED_AT` writes under way at once.
    late_s : float
        How late timers were on average, seconds.
    """

    at: Trial
    stale: np.ndarray
    late_s: float

    @property
    def intervals(self) -> list[Interval]:
        """95 % interval (Wilson's) for the stale share at each crowd."""
        return [wilson_interval(stale, self.at.bursts) for stale in self.stale.tolist()]

    @property
    def expected(self) -> np.ndarray:
        """Share of stale bursts that theory expects at each crowd."""
        return np.asarray(theory(Setting(), MEASURED_AT))

    @property
    def verdict(self) -> str:
        """Whether theory and measurement agree, in one line."""
        if busy := no_verdict(self.late_s, self.at.delay_s):
            return busy
        inside = sum(map(agrees, self.intervals, self.expected.tolist()))
        total = len(MEASURED_AT)
        # With 5 intervals of 95 % two or more miss a true theory one time in 40.
        word = "agrees" if inside >= total - 1 else "disagrees"
        return f"theory lies inside {inside} of {total} 95 % intervals: {word}"

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            f"stale_share_at_{crowd:g}": rounded(stale / self.at.bursts)
            for crowd, stale in zip(MEASURED_AT, self.stale.tolist(), strict=True)
        }

    @property
    def reading(self) -> str:
        bursts = self.at.bursts * len(MEASURED_AT)
        return (
            f"Measured: of {counted(bursts, 'burst')} written by real threads, "
            f"{self.stale.sum():,} left the cache with another value than the database's last."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "writes under way": MEASURED_AT,
            "measured": self.stale / self.at.bursts,
            "from": [each.low for each in self.intervals],
            "to": [each.high for each in self.intervals],
            "theory": self.expected,
        }


#: What was simulated is drawn as there, and the measurement on top of it.
plot = write_race.plot


@style.panels(2, width_ratios=[1.15, 1])
def plot_measured(run: MeasuredWriteRace, axes: tuple[Axes, Axes]) -> None:
    """Draw how often real bursts ended stale, on the second of the simulation's panels."""
    error_bars(axes[1], np.array(MEASURED_AT), run.intervals, 100, **style.MEASUREMENT)
