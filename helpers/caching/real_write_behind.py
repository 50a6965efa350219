"""The buffer of `write_behind` in real processes, each killed at a random moment.

Where that stops being true: a killed process loses what it had in memory, and nothing else; a
machine that loses power may lose what the disk said it had, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.caching import write_behind
from helpers.caching.killed_writers import PIPE_BYTES, killed
from helpers.caching.write_behind import Setting, theory
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars
from helpers.foundations.experiment import Draws, Measured, Parameters, integer, number, seed, takes
from helpers.foundations.prose import rounded, significant
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Interval, mean_interval, verdict

_LIFE_INTERVALS = 5  # between flushes, that a measured process lives at most


class Trial(Parameters):
    """Processes that batch acknowledged writes into sqlite3, and are killed without warning.

    Each lives two to five flush intervals. Takes about ``kills / 8 x (0.1 + 5 x flush)`` seconds.
    """

    write_rps: float = number(2_000.0, "Writes", unit="writes/s", at_least=10, at_most=20_000)
    flush_s: float = number(0.1, "Flush every", unit="s", at_least=0.01, at_most=1)
    kills: int = integer(24, "Processes to kill", at_least=2, at_most=200)
    timeout_s: float = number(20.0, "The measurement is given up after", unit="s", above=0)
    seed: int = seed()

    def agree(self) -> None:
        """Refuse more acknowledgements than a pipe holds."""
        most = PIPE_BYTES / (_LIFE_INTERVALS * self.flush_s)
        if self.write_rps > most:
            raise ValueError(
                f"write_rps must be at most {most:,.0f} writes/s with flush_s = "
                f"{self.flush_s:g} s, got {self.write_rps:g}: acknowledgements that do not fit "
                "into the pipe would be waited for"
            )


@takes(Trial)
def measure(at: Trial) -> MeasuredWriteBehind:
    """Kill real processes at random moments, and count what is left.

    Raises
    ------
    TimeoutError
        If it took longer than ``timeout_s``.
    RuntimeError
        If a process died of its own accord.
    """
    # Over a whole number of intervals each phase of the interval is as likely as any other.
    phases = Draws(at.seed)("kills").random(at.kills)
    lives_s = at.flush_s * (2 + (_LIFE_INTERVALS - 2) * phases)
    acknowledged, stored, late_s = killed(lives_s, at.write_rps, at.flush_s, at.timeout_s)
    return MeasuredWriteBehind(at, acknowledged, stored, late_s)


class MeasuredWriteBehind(Measured):
    """Acknowledged writes that were gone after each kill.

    Attributes
    ----------
    acknowledged, stored : numpy.ndarray of int, shape (kills,)
        Writes acknowledged, and rows found in the database afterwards.
    late_s : float
        How late timers were on average, seconds.
    """

    at: Trial
    acknowledged: np.ndarray
    stored: np.ndarray
    late_s: float

    @property
    def lost(self) -> np.ndarray:
        """Acknowledged writes that are gone, for each kill."""
        return self.acknowledged - self.stored

    @property
    def interval(self) -> Interval:
        """95 % interval for the mean loss."""
        return mean_interval(self.lost)

    @property
    def expected(self) -> float:
        """Mean loss that theory expects."""
        return theory(Setting(write_rps=self.at.write_rps, flush_s=self.at.flush_s)).lost_mean

    @property
    def verdict(self) -> str:
        """Whether theory and measurement agree, in one line."""
        busy = no_verdict(self.late_s, self.at.flush_s)
        return busy or verdict(self.interval, self.expected, unit="writes")

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "kills": self.lost.size,
            "acknowledged": int(self.acknowledged.sum()),
            "lost_mean": rounded(self.lost.mean()),
            "lost_mean_theory": rounded(self.expected),
            "lost_max": int(self.lost.max()),
        }

    @property
    def reading(self) -> str:
        return (
            f"Measured: {self.lost.size} killed processes had acknowledged "
            f"{self.acknowledged.sum():,} writes and lost {significant(self.lost.mean())} each on "
            f"average, at most {self.lost.max():,} (theory: {significant(self.expected)} on "
            "average)."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "process": np.arange(1, self.lost.size + 1),
            "acknowledged": self.acknowledged,
            "stored": self.stored,
            "lost": self.lost,
        }


#: What was simulated is drawn as there, and the measurement on top of it.
plot = write_behind.plot


@style.panels(2)
def plot_measured(run: MeasuredWriteBehind, axes: tuple[Axes, Axes]) -> None:
    """Draw a tick for each process at its loss, and the interval of their mean."""
    loss, color = axes[0], style.MEASUREMENT["color"]
    low, high = loss.get_ylim()
    row = low + 0.9 * (high - low)
    heights = np.full(run.lost.size, row)
    loss.plot(run.lost, heights, marker="|", markersize=9, linestyle="none", color=color)
    row -= 0.09 * (high - low)
    error_bars(loss, row, run.interval, along="x", **style.MEASUREMENT)
    style.label(loss, run.interval.high, row, "measured mean", color)
