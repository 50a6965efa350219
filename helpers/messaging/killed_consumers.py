"""A queue in a file, consumers that are killed, and what is done twice.

A consumer takes a batch, does each message and acknowledges the batch; killed in between, what it
had done is done again. Where that stops being true: the effect and the memory of its key must be
one transaction, and an e-mail that is out cannot be part of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, ring
from helpers.foundations.drawing.scales import headroom
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Parameters,
    Result,
    flag,
    integer,
    option,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import amount, counted, rounded, significant
from helpers.foundations.statistics import Interval, Intervals, mean_interval, mean_intervals
from helpers.messaging.sqlite_queue import RULES, kill_consumers

BATCHES = (1, 2, 5, 10, 15, 20, 30, 40)


class Setting(Parameters):
    """A consumer that acknowledges a batch at a time, and is killed at a random moment."""

    batch: int = integer(10, "Acknowledged together", unit="messages", at_least=1, at_most=50)
    keyed: bool = flag(False, "Effects carry the message's key")
    replications: int = replications(200, note="Kills.")
    seed: int = seed()


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Killed:
    """Kill two hundred consumers, each somewhere in its batch, for eight sizes of it."""
    phase = Draws(at.seed)("kills").random(at.replications)
    doubled = [_doubled(at, phase, batch) for batch in (*BATCHES, at.batch)]
    return Killed(
        at, mean_intervals(np.array(doubled[:-1]).T), mean_intervals(doubled[-1][:, np.newaxis])
    )


def _doubled(at: Setting, phase: np.ndarray, batch: int) -> np.ndarray:
    """How many were done and not acknowledged, at each kill; with a key they do nothing again."""
    return np.zeros(phase.size) if at.keyed else np.floor(phase * batch)


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, batch: int | None = None) -> float:
    """Mean number of effects that a kill doubles: (b - 1) / 2, and none with a key.

    Any of 0 ... b - 1 of a batch are done when the kill comes, all equally likely if messages
    take the same.
    """
    return 0.0 if at.keyed else ((at.batch if batch is None else batch) - 1) / 2


# --- what it says ---------------------------------------------------------------------------------


class Killed(Result):
    """Effects doubled by a kill, for :data:`BATCHES` and (one number) for ``at.batch``."""

    at: Setting
    doubled: Intervals
    doubled_here: Intervals

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "doubled_by_a_kill": rounded(self.doubled_here[0].estimate),
            "theory": theory(self.at),
            "at_most": 0 if self.at.keyed else self.at.batch - 1,
        }

    @property
    def reading(self) -> str:
        at = self.at
        most = 0 if at.keyed else at.batch - 1
        return (
            f"A kill doubles {amount(self.doubled_here[0].estimate, 'effect')} on average (theory: "
            f"{significant(theory(at))}) and never more than {most}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "acknowledged together": BATCHES,
            "doubled by a kill": self.doubled.estimate,
            "from": self.doubled.low,
            "to": self.doubled.high,
            "theory": [theory(self.at, batch) for batch in BATCHES],
        }


def plot(run: Killed, ax: Axes) -> None:
    """Draw how many effects a kill doubles against the size of a batch."""
    at = run.at
    exact = [theory(at.but(keyed=False), batch) for batch in BATCHES]
    ax.plot(BATCHES, [theory(at, batch) for batch in BATCHES], **style.THEORY)
    error_bars(ax, BATCHES, run.doubled, **style.DOTS)
    here(ax, at.batch)
    ring(ax, at.batch, run.doubled_here.estimate)
    ax.set(xlim=(0, 51), ylim=(-0.8, headroom(1.15 * exact[-1])))
    ax.set_title("Killed in the middle of a batch")
    ax.set_xlabel("messages acknowledged together")
    ax.set_ylabel("effects doubled by a kill")


# --- the same with an sqlite3 file and real processes ---------------------------------------------


class Trial(Parameters):
    """A queue in an sqlite3 file, and consumers in processes of their own that are killed.

    Takes about ``kills x 0.2 s``.
    """

    rule: str = option("visibility timeout", "A message is handed out again", of=RULES)
    messages: int = integer(200, "Messages", at_least=10, at_most=20_000)
    batch: int = integer(10, "Acknowledged together", at_least=1, at_most=50)
    kills: int = integer(8, "Consumers to kill", at_least=0, at_most=100)
    keyed: bool = flag(False, "Effects carry the message's key")
    step_ms: int = integer(2, "Work of a message", unit="ms", at_least=0, at_most=50)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredKilled:
    """Kill real consumers at random moments, let the last one finish, and count effects.

    Raises
    ------
    RuntimeError
        If a consumer died of its own accord.
    """
    lives_s = Draws(at.seed)("kills").uniform(0.02, 0.14, at.kills)
    effects, doubled = kill_consumers(
        lives_s, at.rule, at.messages, at.batch, at.keyed, 1e-3 * at.step_ms
    )
    return MeasuredKilled(at, effects, doubled)


class MeasuredKilled(Measured):
    """What real kills did.

    Attributes
    ----------
    effects : numpy.ndarray of int, shape (messages,)
        How often each message took effect.
    doubled : numpy.ndarray of int, shape (kills,)
        Messages done and not yet acknowledged when each consumer was killed, whose work was done
        again.
    """

    at: Trial
    effects: np.ndarray
    doubled: np.ndarray

    @property
    def lost(self) -> int:
        """Messages that never took effect."""
        return int((self.effects == 0).sum())

    @property
    def more(self) -> int:
        """Effects beyond the first of each message."""
        return int(np.maximum(self.effects - 1, 0).sum())

    @property
    def interval(self) -> Interval:
        """95 % interval for the effects that a kill doubles."""
        return mean_interval(self.doubled)

    @property
    def verdict(self) -> str:
        """Whether anything was lost, and whether more was doubled than rules allow."""
        # A kill between the last effect of a batch and its acknowledgement doubles all of it.
        most = 0 if self.at.keyed else self.at.kills * self.at.batch
        kept = not self.lost and self.more <= most
        word = "as the rules promise" if kept else "against the rules"
        return f"{self.lost} lost, {self.more} done twice (at most {most}): {word}"

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {"messages": self.at.messages, "lost": self.lost, "effects_doubled": self.more}

    @property
    def reading(self) -> str:
        key = "with a key" if self.at.keyed else "without a key"
        return (
            f"Measured, {self.at.rule}, {key}: {counted(self.at.kills, 'consumer')} killed over "
            f"{counted(self.at.messages, 'message')}; {self.verdict}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "consumer killed": np.arange(1, self.doubled.size + 1),
            "done, not acknowledged": self.doubled,
        }


def plot_measured(run: MeasuredKilled, ax: Axes) -> None:
    """Mark what real kills doubled, each one and their mean."""
    place = np.full(run.doubled.size, run.at.batch) + 0.5
    ax.plot(place, run.doubled, **style.MEASUREMENT | {"markersize": 3, "alpha": 0.6})
    error_bars(ax, run.at.batch + 1.2, run.interval, **style.MEASUREMENT)
