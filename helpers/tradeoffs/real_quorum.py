"""The race of `quorum` on three real replicas: sockets, timers, and delays that are injected.

What is real is everything around the delays: the event loop, its lateness, the order in which
messages come. Where that stops being true: all of it runs in one process on one machine, so that no
clock differs from another and no message is ever lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, key
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Parameters,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import counted
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Interval, verdict, wilson_interval
from helpers.tradeoffs.race_for_real import race_for_real

#: When the reads of a measurement come, after the confirmation, ms.
AFTER_MS = (0.0, 10.0, 20.0, 40.0, 80.0)


class Trial(Parameters):
    """Three replicas on the loopback interface, with exponential delays injected in each."""

    read_quorum: int = integer(1, "A read waits for R", at_least=1, at_most=3)
    write_quorum: int = integer(1, "A write waits for W", at_least=1, at_most=3)
    write_ms: float = number(40.0, "A write's way takes on average", unit="ms", above=0)
    other_ms: float = number(10.0, "Each other way takes", unit="ms", above=0)
    trials: int = integer(120, "Reads at each moment", at_least=30, at_most=1_000)
    timeout_s: float = number(60.0, "Given up after", unit="s", above=0)
    seed: int = seed()

    def delays_ms(self, rng: np.random.Generator, trials: int) -> np.ndarray:
        """Draw the one-way delays W, A, R and S of so many trials, shape (trials, 4, 3)."""
        means = np.array([self.write_ms, *[self.other_ms] * 3])[:, None]
        return rng.standard_exponential((trials, 4, 3)) * means


@takes(Trial)
def measure(at: Trial) -> MeasuredQuorum:
    """Write and read registers at three real replicas, and count the reads that missed the write.

    Raises
    ------
    TimeoutError
        If it takes longer than `timeout_s`.
    """
    after_ms = np.tile(AFTER_MS, at.trials)
    delays_ms = at.delays_ms(Draws(at.seed)("delays"), after_ms.size)
    stale, late_s = race_for_real(
        delays_ms / 1e3, after_ms / 1e3, at.read_quorum, at.write_quorum, at.timeout_s
    )
    return MeasuredQuorum(at, stale=stale.reshape(-1, len(AFTER_MS)).sum(axis=0), late_s=late_s)


def stale_in_theory(at: Trial, after_ms: np.ndarray) -> np.ndarray:
    """Return the share of stale reads at each moment, from 100,000 races without sockets."""
    w, a, r, s = at.delays_ms(Draws(at.seed)("races"), 100_000).swapaxes(0, 1)
    confirmed = np.sort(w + a, axis=1)[:, at.write_quorum - 1]
    first = (r + s).argsort(axis=1)[:, : at.read_quorum]
    needs = np.sort(np.take_along_axis(w - r, first, 1).min(axis=1) - confirmed)
    return 1 - np.searchsorted(needs, after_ms, side="right") / needs.size


class MeasuredQuorum(Measured):
    """What the real replicas answered.

    Attributes
    ----------
    stale : numpy.ndarray of int
        Reads that missed the write, at each of `AFTER_MS`.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    at: Trial
    stale: np.ndarray
    late_s: float

    @property
    def shares(self) -> list[Interval]:
        """Share of stale reads at each of `AFTER_MS`."""
        return [wilson_interval(int(count), self.at.trials) for count in self.stale]

    @property
    def verdict(self) -> str:
        """Whether the simulation agrees right after the write, or that nobody can say."""
        if self.at.read_quorum + self.at.write_quorum > 3:
            count = int(self.stale.sum())
            return f"simulation 0 stale reads, real {count}: {'dis' * bool(count)}agrees"
        if busy := no_verdict(self.late_s, 1e-3 * self.at.write_ms):
            return busy
        expected = 100 * float(stale_in_theory(self.at, np.zeros(1))[0])
        one = self.shares[0]
        ends = 100 * one.estimate, 100 * one.low, 100 * one.high
        measured = Interval(*ends, one.confidence, one.samples)
        return verdict(measured, expected, name="simulation", unit="%")

    @property
    def summary(self) -> dict[str, float | int | str]:
        counts = zip(AFTER_MS, self.stale.tolist(), strict=True)
        return {f"stale_after_{after:g}_ms": count for after, count in counts}

    @property
    def reading(self) -> str:
        at = self.at
        reads = counted(int(self.stale[0]), "read")
        return (
            f"With R = {at.read_quorum} and W = {at.write_quorum}, {reads} of {at.trials} right "
            f"after a confirmed write missed it, and {int(self.stale[-1])} of {at.trials} that "
            f"came {AFTER_MS[-1]:g} ms later."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "after (ms)": AFTER_MS,
            "stale": self.stale,
            "reads": [self.at.trials] * len(AFTER_MS),
            "simulation": self.at.trials * stale_in_theory(self.at, np.array(AFTER_MS)),
        }


def plot_measured(run: MeasuredQuorum, ax: Axes) -> None:
    """Draw the share of stale reads against time, and the simulation's."""
    moments = np.linspace(0, 100, 60)
    ax.plot(moments, 100 * stale_in_theory(run.at, moments), **style.SIMULATION)
    error_bars(ax, AFTER_MS, run.shares, 100.0, **style.MEASUREMENT)
    ax.set_xlim(-3, 100)
    ax.set_ylim(-3, 105)
    key(ax, [("●", "three real replicas", style.VERMILION), ("▬", "simulation", style.BLUE)])
    ax.set_title("Stale reads (%)")
    ax.set_xlabel("the read comes after the confirmation (ms)")
