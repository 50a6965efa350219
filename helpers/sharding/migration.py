"""What copying a shard does to its live traffic, and how long it takes.

The copy and the users share one disk, and users keep changing what was already copied. Where that
stops being true: a disk is not first come, first served, and a network or a lock may be what the
copy and the users share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, note, time_axis
from helpers.foundations.experiment import Parameters, Result, number, seed, takes
from helpers.foundations.prose import duration, finite_or, significant
from helpers.foundations.queueing import fifo_waits, mg1_wait
from helpers.sharding.shard_queues import unit_draws

#: Mean time that a live request takes of the disk, and what the disk copies in a second.
LIVE_S = 0.002
DISK_MB_S = 200.0

#: Where the curves are computed, as parts of what live requests leave of the disk.
PARTS = np.array([0.04, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9])

_JOBS = 30_000  # live requests and chunks simulated at each share
_PAUSE_S = 0.1  # what is left when it can be copied in so little time is copied behind a fence
_MOST_ROUNDS = 200_000  # a copy that gains so little on the writes is called endless


class Setting(Parameters):
    """A shard that is copied chunk by chunk through the disk that also serves its users.

    A live request takes 2 ms of the disk on average; the disk reads 200 MB per second while it
    copies. Chunks are asked for at random, at the rate that makes them take `copy_share` of it.
    """

    live_utilisation: float = number(0.5, "Live utilisation", at_least=0.2, at_most=0.9)
    copy_share: float = number(0.2, "Disk time of the copy", at_least=0.01, at_most=0.8)
    chunk_ms: float = number(20.0, "Length of a chunk", unit="ms", at_least=5, at_most=200)
    data_gb: float = number(200.0, "Data to move", unit="GB", above=0)
    write_mb_s: float = number(5.0, "Live writes", unit="MB/s", at_least=0)
    seed: int = seed()

    @property
    def copy_shares(self) -> np.ndarray:
        """Shares of the disk's time at which the curves are computed."""
        return np.round((1 - self.live_utilisation) * PARTS, 4)


@takes(Setting)
def simulate(at: Setting) -> Migration:
    """Queue live requests and chunks on one disk; copy, then copy what was written meanwhile."""
    shares = [*at.copy_shares.tolist(), at.copy_share]
    live = np.array([_live_response(at, share) for share in shares])
    rounds = [_catch_up(at, share) for share in shares]
    length_s = np.array([took for took, _, _ in rounds])
    return Migration(
        at,
        mean_s=live[:-1, 0],
        p99_s=live[:-1, 1],
        length_s=length_s[:-1],
        mean_here_s=float(live[-1, 0]),
        p99_here_s=float(live[-1, 1]),
        length_here_s=float(length_s[-1]),
        rounds=rounds[-1][1],
        pause_s=rounds[-1][2],
    )


def _live_response(at: Setting, share: float) -> tuple[float, float]:
    """Return mean and 99th percentile of the response time of live requests, seconds."""
    if at.live_utilisation + share >= 1:
        return np.inf, np.inf  # the queue grows without end
    chunk_s = at.chunk_ms / 1e3
    live_rate, chunk_rate = at.live_utilisation / LIVE_S, share / chunk_s
    end = 0.97 * _JOBS / (live_rate + chunk_rate)  # neither stream runs out of drawn gaps by then
    arrivals, chunks = (
        times[: np.searchsorted(times, end)]
        for times in (
            np.cumsum(unit_draws(at.seed, name, "exponential", _JOBS)) / rate
            for name, rate in (("arrivals", live_rate), ("chunks", chunk_rate))
        )
    )
    # Merge two ascending lists: where each chunk comes among the requests.
    place = np.searchsorted(arrivals, chunks) + np.arange(len(chunks))
    is_live = np.ones(len(arrivals) + len(chunks), dtype=bool)
    is_live[place] = False
    times, services = np.empty(len(is_live)), np.full(len(is_live), chunk_s)
    times[is_live], times[place] = arrivals, chunks
    services[is_live] = unit_draws(at.seed, "services", "exponential", _JOBS)[: len(arrivals)]
    services[is_live] *= LIVE_S
    responses = (fifo_waits(times, services, 1) + services)[is_live]
    responses = responses[len(responses) // 20 :]  # the disk began idle
    rank = int(0.99 * len(responses))
    return float(responses.mean()), float(np.partition(responses, rank)[rank])


def _catch_up(at: Setting, share: float) -> tuple[float, int, float]:
    """Copy, then copy what was written meanwhile, until little enough is left to fence.

    Returns the duration in seconds, the number of rounds, and the pause at the end in seconds.
    """
    left, elapsed, copied_mb_s = 1e3 * at.data_gb, 0.0, share * DISK_MB_S
    if at.live_utilisation + share >= 1 or at.write_mb_s >= copied_mb_s:
        return np.inf, 0, np.inf
    for rounds in range(1, _MOST_ROUNDS + 1):
        took = left / copied_mb_s
        elapsed += took
        if took <= _PAUSE_S:  # nothing could be written behind the fence
            return elapsed, rounds, took
        left = at.write_mb_s * took
        if left == 0:
            return elapsed, rounds, 0.0
    return np.inf, 0, np.inf


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Mean response time of live requests and duration of the move, seconds; floats, or arrays."""

    mean_s: Any
    length_s: Any


def theory(at: Setting, copy_share: Any = None) -> Theory:
    """What the setting's share of the disk, or other shares, do to users, and how long it lasts.

    One FIFO disk serves both: an M/G/1 queue of mixed jobs, so ``W = (lambda 2 S^2 + gamma c^2) /
    (2 (1 - rho))`` with ``lambda = live_utilisation / S`` and ``gamma = copy_share / c``
    (Pollaczek-Khinchine; Kleinrock, *Queueing Systems* vol. 1, 1975, chapter 5). Copying D at the
    rate m takes ``D/m``, in which ``w D/m`` is written, which takes ``w D/m^2`` to copy, and so on:
    a geometric series with the sum ``D / (m - w)``. Infinite where the disk is overloaded, and
    the move where the copy is not faster than the writes.
    """
    share = np.asarray(at.copy_share if copy_share is None else copy_share, dtype=float)
    possible = at.live_utilisation + share < 1
    chunk_s = at.chunk_ms / 1e3
    rho = np.where(possible, at.live_utilisation + share, 0.5)
    live_rate, chunk_rate = at.live_utilisation / LIVE_S, np.where(possible, share, 0) / chunk_s
    rate = live_rate + chunk_rate
    mean = rho / rate
    second = (live_rate * 2 * LIVE_S**2 + chunk_rate * chunk_s**2) / rate
    wait = mg1_wait(rate, mean, np.maximum(second / mean**2 - 1, 0.0))
    gain = share * DISK_MB_S - at.write_mb_s
    ends = possible & (gain > 0)
    return Theory(
        np.where(possible, wait + LIVE_S, np.inf),
        np.where(ends, 1e3 * at.data_gb / np.where(ends, gain, 1), np.inf),
    )


def alone_s(at: Setting) -> float:
    """Mean response time of live requests without a copy: an M/M/1 queue, ``S / (1 - rho)``."""
    return LIVE_S / (1 - at.live_utilisation)


# --- what it says ---------------------------------------------------------------------------------


class Migration(Result):
    """Live response times and duration of a copy, seconds; infinite where there is no end.

    Arrays of shape (8,) are at ``at.copy_shares``, numbers at ``at.copy_share``.

    Attributes
    ----------
    mean_s, p99_s, mean_here_s, p99_here_s : numpy.ndarray or float
        Response time of live requests while the copy runs.
    length_s, length_here_s : numpy.ndarray or float
        Time until source and target agree, round by round.
    rounds : int
        Rounds of catching up, the copy itself included; 0 if it never ends.
    pause_s : float
        How long writes are fenced off at the end.
    """

    at: Setting
    mean_s: np.ndarray
    p99_s: np.ndarray
    length_s: np.ndarray
    mean_here_s: float
    p99_here_s: float
    length_here_s: float
    rounds: int
    pause_s: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        expected_ms = 1e3 * float(theory(self.at).mean_s)
        return {
            "live_mean_ms": finite_or(1e3 * self.mean_here_s, "without end"),
            "live_mean_theory_ms": finite_or(expected_ms, "without end"),
            "live_p99_ms": finite_or(1e3 * self.p99_here_s, "without end"),
            "duration_h": finite_or(self.length_here_s / 3600, "never ends"),
            "rounds": self.rounds,
            "write_pause_ms": finite_or(1e3 * self.pause_s, "never ends"),
        }

    @property
    def reading(self) -> str:
        if not math.isfinite(self.mean_here_s):
            asked = significant(100 * (self.at.live_utilisation + self.at.copy_share))
            return (
                f"Users and the copy ask for {asked} % of the disk's time, so that live requests "
                f"queue without end, and the copy with them."
            )
        ends = "never catches up with the writes"
        if math.isfinite(self.length_here_s):
            ends = f"takes {duration(self.length_here_s)}"
        return (
            f"The copy {ends}, and while it runs a live request takes "
            f"{duration(self.mean_here_s)} on average instead of "
            f"{duration(alone_s(self.at))}, p99 {duration(self.p99_here_s)}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at, self.at.copy_shares)
        return {
            "disk time of the copy": self.at.copy_shares,
            "live mean (ms)": 1e3 * self.mean_s,
            "theory (ms)": 1e3 * exact.mean_s,
            "live p99 (ms)": 1e3 * self.p99_s,
            "duration (h)": self.length_s / 3600,
            "theory (h)": exact.length_s / 3600,
        }


@style.panels(2)
def plot(run: Migration, axes: tuple[Axes, Axes]) -> None:
    """Draw live latency and duration by the share of the disk that the copy takes."""
    latency, length = axes
    shares = run.at.copy_shares
    exact, alone = theory(run.at, shares), alone_s(run.at)
    for ax in axes:
        here(ax, run.at.copy_share)
        ax.axvspan(1 - run.at.live_utilisation, 1, color=style.FAINT, linewidth=0)
        ax.set_xlim(0, 1)
        ax.xaxis.set_major_formatter(PercentFormatter(1))
        ax.set_xlabel("disk time that the copy may take")
    latency.plot(shares, run.p99_s, linestyle="none", marker="^", color=style.SKY, markersize=6)
    latency.plot(shares, exact.mean_s, **style.THEORY)
    latency.plot(shares, run.mean_s, linestyle="none", marker="o", color=style.BLUE)
    latency.axhline(alone, color=style.GREEN, linewidth=1.2)
    beside: dict[str, Any] = {"color": style.GREEN, "fontsize": 9, "ha": "right", "va": "top"}
    latency.text(0.99, alone * 0.93, "mean without a copy", **beside)
    note(latency, 0.03, 0.95, "p99 ▲   mean ●   theory - -", style.BLUE)
    time_axis(latency, "y", 1e-3, 30)
    latency.set_ylabel("response time of live requests")
    latency.set_title("What users feel")

    length.plot(shares, exact.length_s, **style.THEORY)
    length.plot(shares, run.length_s, linestyle="none", marker="o", color=style.BLUE)
    hour, day = 3_600, 86_400
    time_axis(length, "y", 60, 7 * day, ticks=(60, 600, hour, 10 * hour, day, 3 * day))
    length.set_ylabel("time until both shards agree")
    length.set_title("How long it lasts")
