"""The fan-out of `fan_out` for real: worker processes that are shot at work, in two kinds of hands.

One line of chunks, from which each worker takes the next, and a `ProcessPoolExecutor`, which breaks
as a whole when one of its workers dies. Where that stops being true: work is a nap here, so that
workers do not get into each other's way; and these are shot where they can do no harm, with a
chunk in hand and no lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, key, named_axis
from helpers.foundations.drawing.scales import headroom
from helpers.foundations.experiment import Draws, Measured, Parameters, integer, number, seed, takes
from helpers.foundations.prose import counted
from helpers.messaging.shot_workers import transcode, transcode_pooled

#: Who hands chunks out.
HANDS = ("a line of chunks", "a process pool")


class Trial(Parameters):
    """Worker processes that each take a chunk, work on it, and are killed now and then."""

    chunks: int = integer(24, "Chunks", at_least=1, at_most=200)
    workers: int = integer(4, "Workers", at_least=1, at_most=16)
    chunk_ms: float = number(60.0, "Work of a chunk", unit="ms", at_least=5, at_most=1_000)
    kills: int = integer(5, "Workers to kill", at_least=0, at_most=50)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredFanOut:
    """Hand chunks to real processes in both ways, kill some at work, and compare what comes out.

    Raises
    ------
    RuntimeError
        If a worker died of its own accord.
    """
    whole, _ = transcode(at.chunks, 1, 0.0, (), at.seed)
    # Which chunks are cut off, the first time that somebody works on them.
    rng = Draws(at.seed)("kills")
    cut = tuple(sorted(rng.choice(at.chunks, min(at.kills, at.chunks), replace=False).tolist()))
    work_s = 1e-3 * at.chunk_ms
    pieces, begun = transcode(at.chunks, at.workers, work_s, cut, at.seed)
    pooled, pool_begun, broken = transcode_pooled(at.chunks, at.workers, work_s, cut, at.seed)
    return MeasuredFanOut(
        at, len(cut), (begun, pool_begun), (pieces == whole, pooled == whole), broken
    )


class MeasuredFanOut(Measured):
    """What became of two real fan-outs.

    Attributes
    ----------
    killed : int
        Workers killed at work, in each of :data:`HANDS`.
    begun : tuple of int
        Chunks that some worker began, those begun again included; for each of :data:`HANDS`.
    same : tuple of bool
        Whether the joined result is that of a single worker without a death, for each.
    broken : int
        Pools that a death broke.
    """

    at: Trial
    killed: int
    begun: tuple[int, int]
    same: tuple[bool, bool]
    broken: int

    @property
    def lost(self) -> tuple[int, int]:
        """Pieces of work that were begun and came to nothing, for each of :data:`HANDS`."""
        line, pool = self.begun
        return line - self.at.chunks, pool - self.at.chunks

    @property
    def verdict(self) -> str:
        """Whether killing workers cost work and nothing else."""
        if all(self.same):
            return "both joined results are the same as without deaths"
        wrong = " and ".join(hand for hand, same in zip(HANDS, self.same, strict=True) if not same)
        return f"the joined result of {wrong} is NOT the same as without deaths"

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {"killed": self.killed, "pools_broken": self.broken}
        for hand, begun, same in zip(HANDS, self.begun, self.same, strict=True):
            values |= {f"begun, {hand}": begun, f"same_result, {hand}": int(same)}
        return values

    @property
    def reading(self) -> str:
        (line, pool), (lost, pool_lost) = self.begun, self.lost
        return (
            f"Measured: {counted(self.at.chunks, 'chunk')}, {counted(self.killed, 'worker')} "
            f"killed at work. From a line, workers begin {counted(line, 'piece')} of work, and "
            f"{lost} of them {'is' if lost == 1 else 'are'} lost. The process pool is broken "
            f"{counted(self.broken, 'time')}; its workers begin {pool}, and {pool_lost} "
            f"{'is' if pool_lost == 1 else 'are'} lost. Verdict: {self.verdict}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "handed out by": HANDS,
            "chunks": [self.at.chunks] * 2,
            "begun": self.begun,
            "lost": self.lost,
            "same result": self.same,
        }


def plot_measured(run: MeasuredFanOut, ax: Axes) -> None:
    """Draw what was begun and done, and what was begun in vain."""
    rows, chunks = [0, 1], run.at.chunks
    bars(ax, rows, [chunks] * 2, 0.5, along="x", facecolor=style.BLUE)
    bars(ax, rows, run.lost, 0.5, start=chunks, along="x", facecolor=style.VERMILION)
    named_axis(ax, "y", HANDS)
    ax.set(xlim=(0, headroom(1.1 * max(run.begun))), ylim=(1.6, -0.9))
    key(ax, [("■", "done", style.BLUE), ("■", "lost with a worker, or with its pool",
                                         style.VERMILION)])  # fmt: skip
    ax.set_title("Pieces of work that a worker began")
    ax.set_xlabel("pieces of work")
