"""One bad day, first half: Roblox, October 2021, where 128 cores did worse than 64.

Workers on many cores share one channel. Who wants it waits, and looks at it while waiting, which
slows whoever has it; between two sockets a look takes longer. Where that stops being true: no
microseconds were published. Those here are chosen so that a write takes as many times its usual
time as it did there; and the real outage had a second cause, in how a log was stored.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, key, log_axis, yours
from helpers.foundations.drawing.scales import coarse
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, rounded, significant

#: What the vendor published: "Roblox Return to Service 10/28-10/31 2021", Roblox blog, 20 January
#: 2022. The median time of a write, seconds, in the outage and with streaming off, and the cores.
VENDOR: Mapping[str, float] = {
    "write_s": 2.0,
    "usual_s": 0.3,
    "cores_before": 64,
    "cores_after": 128,
}

#: Cores at which the model is run, and the most that one socket has.
CORES = (1, 2, 4, 8, 16, 32, 48, 64, 96, 128)
SOCKET = 64

_WRITES = 2_000


class Setting(Parameters):
    """Cores that do some work each, and then want the one channel."""

    cores: int = integer(128, "Cores", at_least=1, at_most=128)
    work_us: float = number(350.0, "Work outside the channel", unit="µs", above=0, at_most=5_000)
    hold_us: float = number(10.0, "Time inside it", unit="µs", at_least=0.1, at_most=500)
    look_us: float = number(0.0575, "Slowed by each that waits", unit="µs", at_least=0, at_most=1)
    far: float = number(2.0, "More from the other socket", unit="times", at_least=1, at_most=10)
    seed: int = seed()

    @property
    def slowed_us(self) -> float:
        """By how much one that waits slows the channel; with two sockets, half are far away."""
        return self.look_us * (1.0 if self.cores <= SOCKET else (1 + self.far) / 2)


# --- the model: what the page shows, and a learner changes ----------------------------------------


def cores_at_a_channel(at, draw):
    """Each core works, waits for its turn at the channel, and begins again."""
    work = iter(draw("work").exponential(at.work_us, 2_000 + at.cores).tolist())
    coming = [(next(work), 0.0) for _ in range(at.cores)]  # when it wants the channel, since when
    heapq.heapify(coming)
    line, now, took, since = deque(), 0.0, [], 0.0
    while len(took) < 2_000:
        if not line:
            now = max(now, coming[0][0])
        while coming and coming[0][0] <= now:
            line.append(heapq.heappop(coming)[1])
        began = line.popleft()
        now += at.hold_us + at.slowed_us * len(line)
        took.append(now - began)
        heapq.heappush(coming, (now + next(work), now))
        if len(took) == 500:  # from an empty start to the steady state
            since = now
    return {"per_s": 1e6 * 1_500 / (now - since), "write_us": float(np.median(took[500:]))}


@takes(Setting)
def simulate(at: Setting) -> MoreCores:
    """Run two thousand writes, here and on other numbers of cores."""
    sweep, out = _sweep(at.but(cores=1)), cores_at_a_channel(at, Draws(at.seed))
    return MoreCores(at, sweep, out["per_s"], out["write_us"])


@lru_cache(maxsize=64)
def _sweep(at: Setting) -> np.ndarray:
    settings = (at.but(cores=cores) for cores in CORES)
    return np.array([cores_at_a_channel(one, Draws(at.seed))["per_s"] for one in settings])


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Writes per second, and the mean time of one, work included, µs."""

    per_s: float
    write_us: float


def theory(at: Setting, cores: int | None = None) -> Theory:
    """Bottleneck analysis: all cores at work, or all but the working ones at the channel.

    Exact far below and far above saturation, and a little too high between (Denning and Buzen,
    "The operational analysis of queueing network models", *Computing Surveys* 10, 1978). What each
    of those that wait costs is the coherency of Gunther's scalability law.
    """
    here_ = at if cores is None else at.but(cores=cores)
    n, low, high = here_.cores, 0.0, float(here_.cores)
    for _ in range(60):  # how many wait, so that the rest are at work
        waiting = (low + high) / 2
        each_us = here_.hold_us + here_.slowed_us * waiting
        low, high = (waiting, high) if waiting + 1 + at.work_us / each_us < n else (low, waiting)
    rate = min(n / (at.work_us + at.hold_us), 1 / (at.hold_us + here_.slowed_us * low))
    return Theory(1e6 * rate, n / rate)


# --- what it says ---------------------------------------------------------------------------------


class MoreCores(Result):
    """What cores do that share a channel.

    Attributes
    ----------
    per_second : numpy.ndarray, shape (10,)
        Writes per second, on each of :data:`CORES`.
    per_s, write_us : float
        At the chosen number of cores, with the median time of a write, its work included.
    """

    at: Setting
    per_second: np.ndarray
    per_s: float
    write_us: float

    @property
    def times(self) -> float:
        """A write's time over what it takes alone."""
        return self.write_us / (self.at.work_us + self.at.hold_us)

    @property
    def at_64(self) -> float:
        """Writes per second on 64 cores."""
        return float(self.per_second[CORES.index(64)])

    @property
    def at_128(self) -> float:
        """Writes per second on 128 cores."""
        return float(self.per_second[CORES.index(128)])

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "writes_per_s": rounded(self.per_s),
            "writes_per_s_theory": rounded(exact.per_s),
            "write_us": rounded(self.write_us),
            "times_alone": rounded(self.times),
            "vendor_times": rounded(VENDOR["write_s"] / VENDOR["usual_s"]),
        }

    @property
    def reading(self) -> str:
        at = self.at
        change = self.at_128 / self.at_64 - 1
        word = "more" if change > 0 else "fewer"
        versus = (
            f"128 cores do {significant(100 * abs(change), 2)} % {word} than 64"
            if abs(change) > 0.005
            else "128 cores do as much as 64"
        )
        return (
            f"{counted(at.cores, 'core')} {'does' if at.cores == 1 else 'do'} "
            f"{significant(self.per_s)} writes per second (theory "
            f"{significant(theory(at).per_s)}), each in {duration(1e-6 * self.write_us)}, "
            f"{significant(self.times)} times what it takes alone. {versus.capitalize()}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "cores": CORES,
            "writes per s": self.per_second,
            "in theory": [theory(self.at, cores).per_s for cores in CORES],
        }


def compared(run: MoreCores) -> dict[str, list[Any]]:
    """The model's numbers beside the vendor's, which are two."""
    return {
        "what": ["cores, before and after", "a write, times its usual time"],
        "this model": ["64, 128", rounded(run.times)],
        "Roblox": ["64, 128", rounded(VENDOR["write_s"] / VENDOR["usual_s"])],
    }


def plot(run: MoreCores, ax: Axes, mine: Mine | None = None) -> None:
    """Draw writes per second against the number of cores."""
    at = run.at
    cores = [1, 2, 4, *range(8, 65, 4), *range(65, 129, 7), 128]
    ax.plot(cores, [1e-3 * theory(at, n).per_s for n in cores], **style.THEORY)
    ax.plot(CORES, 1e-3 * run.per_second, **style.DOTS)
    log_axis(ax, "x", 0.9, 150, ticks=(1, 2, 4, 8, 16, 32, 64, 128))
    ax.set_ylim(0, coarse(1.3e-3 * max(theory(at, n).per_s for n in cores)))
    here(ax, at.cores)
    ax.set_title("Writes through one channel")
    ax.set_xlabel("cores (a second socket from 65 on)")
    ax.set_ylabel("thousands per s")
    key(ax, [("●", "simulation", style.BLUE), ("╌", "theory", style.INK)], left=True, x=0.97)
    if mine is not None:
        yours(ax, at.cores, 1e-3 * mine["per_s"])
