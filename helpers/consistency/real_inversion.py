"""The later read that is the older one, at three real replicas, judged from recorded histories.

Sockets, timers and the order of messages are real; the write's way to each replica is drawn and
waited out. Where that stops being true: one machine has one clock, and loses no message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from helpers.consistency import inversion
from helpers.consistency.diagram import draw_history
from helpers.consistency.readers_for_real import read_twice
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Parameters,
    flag,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.histories import Operation, linearizable
from helpers.foundations.prose import counted
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Interval, verdict, wilson_interval


class Trial(Parameters):
    """Three replicas on the loopback interface; writes and reads with R = W = 2."""

    write_ms: float = number(60.0, "A write's way takes on average", unit="ms", above=0)
    first_ms: float = number(30.0, "The first read comes after", unit="ms", at_least=0)
    gap_ms: float = number(0.0, "The second, later by", unit="ms", at_least=0)
    write_back: bool = flag(False, "A read writes back before it answers")
    trials: int = integer(300, "Writes", at_least=30, at_most=2_000)
    timeout_s: float = number(60.0, "Given up after", unit="s", above=0)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredInversions:
    """Write each register once and read it twice meanwhile; let the checker judge what was seen.

    Raises
    ------
    TimeoutError
        If it takes longer than `timeout_s`.
    """
    draw = Draws(at.seed)
    ways_s = 1e-3 * at.write_ms * draw("ways").standard_exponential((at.trials, 3))
    asked = draw("asked").random((at.trials, 3, 3)).argsort(axis=2)[:, :, :2]
    histories, late_s = read_twice(
        ways_s, asked, 1e-3 * at.first_ms, 1e-3 * at.gap_ms, at.write_back, at.timeout_s
    )
    return MeasuredInversions(at, histories=histories, late_s=late_s)


def share_in_theory(at: Trial) -> float:
    """Return how often the second read is the older one."""
    setting = inversion.Setting(
        write_ms=at.write_ms,
        first_ms=at.first_ms,
        gap_ms=at.gap_ms,
        write_back=at.write_back,
    )
    return float(inversion.theory(setting, at.first_ms))


class MeasuredInversions(Measured):
    """What the clients of real replicas saw.

    Attributes
    ----------
    histories : tuple of tuple of Operation
        Of each register: a write and two reads.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    at: Trial
    histories: tuple[tuple[Operation, ...], ...]
    late_s: float

    @property
    def wrong(self) -> list[tuple[Operation, ...]]:
        """The histories that are not linearizable."""
        return [one for one in self.histories if linearizable(one).holds is False]

    @property
    def share(self) -> Interval:
        """Of the registers whose history is wrong, per cent."""
        one = wilson_interval(len(self.wrong), len(self.histories))
        ends = 100 * one.estimate, 100 * one.low, 100 * one.high
        return Interval(*ends, one.confidence, one.samples)

    @property
    def verdict(self) -> str:
        """Whether theory agrees, or that nobody can say."""
        if self.at.write_back:
            return f"theory 0 wrong histories, real {len(self.wrong)}: " + (
                "disagrees" if self.wrong else "agrees"
            )
        if busy := no_verdict(self.late_s, 1e-3 * self.at.write_ms):
            return busy
        return verdict(self.share, 100 * share_in_theory(self.at), unit="%")

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {"registers": len(self.histories), "not_linearizable": len(self.wrong)}

    @property
    def reading(self) -> str:
        how = "writing back" if self.at.write_back else "without writing back"
        return (
            f"Read {how}, {len(self.wrong)} of {counted(len(self.histories), 'register')} with "
            f"R = W = 2 of three have a history that is not linearizable."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        shown = self.wrong[0] if self.wrong else self.histories[0]
        return {
            "client": [one.client for one in shown],
            "does": [one.kind for one in shown],
            "value": ["nothing" if one.value is None else one.value for one in shown],
            "from (s)": [round(one.start, 4) for one in shown],
            "to (s)": [round(one.end, 4) for one in shown],
        }


def plot_measured(run: MeasuredInversions, ax: Axes) -> None:
    """Draw the first history that is wrong, as it was recorded; else the first one."""
    wrong = run.wrong
    shown = [
        one._replace(start=1e3 * one.start, end=1e3 * one.end)
        for one in (wrong[0] if wrong else run.histories[0])
    ]
    draw_history(ax, shown, shown if wrong else ())
    ax.set_title("One register, as its clients saw it")
    ax.set_xlabel("ms, by a real clock")
