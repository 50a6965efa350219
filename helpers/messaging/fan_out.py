"""Cut a long job into chunks, hand them to many workers, and lose some workers on the way.

A video is split, its chunks are transcoded side by side, and the pieces joined. Where that stops
being true: chunks are equally hard here, and a join that must wait for all pieces waits for the
slowest.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, error_bars, here, log_axis, ring
from helpers.foundations.drawing.scales import headroom
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    integer,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, rounded
from helpers.foundations.statistics import ENOUGH, Intervals, skewed_intervals

#: Numbers of chunks for which the curve is simulated.
COUNTS = (1, 2, 4, 8, 16, 32, 64, 128)

_MOST_DEATHS = 400  # of one run; a job that meets more is given up


class Setting(Parameters):
    """A video, workers that may be killed, and what it costs to start a chunk."""

    work_min: float = number(120.0, "Work of the video", unit="min", above=0, at_most=1_000)
    chunks: int = integer(16, "Chunks", at_least=1, at_most=128)
    workers: int = integer(8, "Workers", at_least=1, at_most=64)
    start_min: float = number(0.5, "To start a chunk", unit="min", at_least=0, at_most=10)
    ends_min: float = number(2.0, "To split and to join", unit="min", at_least=0, at_most=60)
    life_min: float = number(60.0, "A worker lives, on average", unit="min", above=0,
                             at_most=100_000)  # fmt: skip
    replace_min: float = number(3.0, "Time to replace a worker", unit="min", at_least=0,
                                at_most=60)  # fmt: skip
    replications: int = replications(24)
    seed: int = seed()

    def agree(self) -> None:
        """Refuse a whole that hardly any worker survives: in one chunk it would never end."""
        if self.work_min + self.start_min > 4.5 * self.life_min:
            raise ValueError(
                f"work_min + start_min must be at most 4.5 x life_min, {4.5 * self.life_min:g}, "
                f"got {self.work_min + self.start_min:g}"
            )


# --- the model: one queue of chunks, taken again if the worker dies -------------------------------


@takes(Setting)
def simulate(at: Setting) -> FanOut:
    """Transcode the video several times, in 1 to 128 chunks and in as many as asked for.

    A few runs in which workers die take much longer than the others: hence intervals for skewed
    samples, and none where too few runs are held up.
    """
    took = np.array([_several(at.but(chunks=count)) for count in COUNTS])
    held_up = (took > took.min(axis=1, keepdims=True) + 1e-9).sum(axis=1)
    each = skewed_intervals(took.T)
    low, high = (np.where(held_up < ENOUGH, np.nan, end) for end in (each.low, each.high))
    return FanOut(
        at,
        took_min=Intervals(each.estimate, low, high, each.confidence, each.samples),
        took_here_min=float(_several(at).mean()),
        pieces=tuple(_run(at, Draws(at.seed))[1]),
    )


@lru_cache(maxsize=256)
def _several(at: Setting) -> np.ndarray:
    draw = Draws(at.seed)
    return np.array([_run(at, draw)[0] for _ in range(at.replications)])


def _run(at: Setting, draw: Draws) -> tuple[float, list[tuple[int, float, float, bool]]]:
    """When the video is done, minutes, and (worker, from, to, done) for each piece of work."""
    chunk_min = at.work_min / at.chunks + at.start_min
    lives = iter(draw("lives").exponential(at.life_min, at.workers + _MOST_DEATHS).tolist())
    split = at.ends_min / 2
    free = [(split, worker, split + next(lives)) for worker in range(at.workers)]
    heapq.heapify(free)
    waiting, end = at.chunks, split
    back: list[float] = []  # when a chunk whose worker died is handed out again
    pieces = []
    while waiting or back:
        now, worker, dies = heapq.heappop(free)
        if not waiting:  # until some worker is found dead, there may be nothing to do
            if back[0] > now:
                heapq.heappush(free, (back[0], worker, dies))
                continue
            heapq.heappop(back)
            waiting += 1
        if dies <= now:  # it was idle, and nobody is missed
            again = max(dies + at.replace_min, now)
            heapq.heappush(free, (again, worker, again + next(lives, math.inf)))
            continue
        waiting -= 1
        done = now + chunk_min
        if done <= dies:
            pieces.append((worker, now, done, True))
            heapq.heappush(free, (done, worker, dies))
            end = max(end, done)
        else:
            pieces.append((worker, now, dies, False))
            heapq.heappush(back, dies)
            again = dies + at.replace_min
            heapq.heappush(free, (again, worker, again + next(lives, math.inf)))
    return end + at.ends_min / 2, pieces


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, chunks: int | None = None) -> float:
    """Minutes if nobody dies: split, as many rounds of chunks as needed, join.

    No schedule is shorter than its longest path or than its work over its workers (Graham,
    "Bounds on multiprocessing timing anomalies", *SIAM Journal on Applied Mathematics* 17, 1969);
    with equal chunks, rounds are exact.
    """
    count = at.chunks if chunks is None else chunks
    rounds = math.ceil(count / at.workers)
    return at.ends_min + rounds * (at.work_min / count + at.start_min)


def whole(at: Setting) -> float:
    """Minutes if one worker does all and begins again after each death, on average.

    M exp(R/M) (exp(W/M) - 1) without checkpoints; see `checkpoints`. A new worker here is not
    killed before it begins, so that R is paid as it is.
    """
    work = at.work_min + at.start_min
    return at.ends_min + (at.life_min + at.replace_min) * math.expm1(min(work / at.life_min, 700.0))


# --- what it says ---------------------------------------------------------------------------------


class FanOut(Result):
    """How long a video takes.

    Attributes
    ----------
    took_min : Intervals
        Mean time, for each of :data:`COUNTS`; ends are nan where fewer than six runs were held up.
    took_here_min : float
        Mean time for the chosen number of chunks.
    pieces : tuple of (int, float, float, bool)
        Of one run: worker, from, to (minutes), and whether the chunk was done.
    """

    at: Setting
    took_min: Intervals
    took_here_min: float
    pieces: tuple[tuple[int, float, float, bool], ...]

    @property
    def lost(self) -> int:
        """Pieces of work of the one run that a death cut off."""
        return sum(not done for *_, done in self.pieces)

    @property
    def best(self) -> int:
        """The quickest of :data:`COUNTS` in the simulation."""
        return COUNTS[int(np.argmin(self.took_min.estimate))]

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "took_min": rounded(self.took_here_min),
            "nobody_dies_min": rounded(theory(self.at)),
            "quickest_chunks": self.best,
            "quickest_min": rounded(float(self.took_min.estimate.min())),
            "cut_off_in_the_run_shown": self.lost,
        }

    @property
    def reading(self) -> str:
        at, took = self.at, self.took_here_min
        verb = "takes" if at.chunks == 1 else "take"
        were = "was" if self.lost == 1 else "were"
        return (
            f"{counted(at.chunks, 'chunk')} on {counted(at.workers, 'worker')} {verb} "
            f"{duration(60 * took)} on average ({duration(60 * theory(at))} if nobody dies). In "
            f"the run shown {counted(self.lost, 'piece')} of work {were} cut off and done again. "
            f"Quickest of those simulated: {counted(self.best, 'chunk')}, "
            f"{duration(60 * float(self.took_min.estimate.min()))}.{self._few}"
        )

    @property
    def _few(self) -> str:
        if np.isfinite(self.took_min.low).all():
            return ""
        return (
            f" Points without an interval are those where a death held up fewer than {ENOUGH} of "
            f"the {self.at.replications} runs."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "chunks": COUNTS,
            "took (min)": self.took_min.estimate,
            "from": self.took_min.low,
            "to": self.took_min.high,
            "nobody dies (min)": [theory(self.at, count) for count in COUNTS],
        }


@style.panels(2, width_ratios=[1.2, 1])
def plot(run: FanOut, axes: tuple[Axes, Axes]) -> None:
    """Draw who worked when in one run, and the time against the number of chunks."""
    at, (ax, curve) = run.at, axes
    worker = np.array([piece[0] for piece in run.pieces])
    begin = np.array([piece[1] for piece in run.pieces])
    end = np.array([piece[2] for piece in run.pieces])
    done = np.array([piece[3] for piece in run.pieces])
    for these, color in ((done, style.BLUE), (~done, style.VERMILION)):
        if these.any():
            length = np.maximum(0.97 * (end - begin)[these], 1e-6)
            bars(ax, 1 + worker[these], length, 0.6, start=begin[these], along="x", facecolor=color)
    ax.set_xlim(0, headroom(float(end.max()) + at.ends_min / 2))
    ax.set_ylim(at.workers + 0.7, 0.3)
    ax.set_title("Who works when, in one run")
    ax.set_xlabel("time (min)")
    ax.set_ylabel("worker")

    exact = [theory(at, count) for count in COUNTS]
    log_axis(curve, "x", 0.9, 150, ticks=COUNTS)
    curve.plot(COUNTS, exact, **style.THEORY)
    error_bars(curve, COUNTS, run.took_min, **style.DOTS)
    here(curve, at.chunks)
    ring(curve, at.chunks, run.took_here_min)
    highest = np.nanmax([*run.took_min.high, *run.took_min.estimate])
    least, most = min(exact) / 1.5, 1.5 * float(highest)
    log_axis(curve, "y", least, most, ticks=[t for t in (1, 3, 10, 30, 100, 300, 1_000, 3_000)
                                             if least < t < most])  # fmt: skip
    curve.set_title("How long it takes")
    curve.set_xlabel("chunks (dashed: nobody dies)")
    curve.set_ylabel("mean time (min)")
