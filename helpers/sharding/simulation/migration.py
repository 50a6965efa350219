"""What copying a shard does to its live traffic, and how long it takes."""

from __future__ import annotations

import math

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration
from helpers.foundations.queueing import fifo_waits
from helpers.sharding.simulation.traffic import finite_or, unit_draws
from helpers.sharding.theory.resharding import theory_migration, theory_migration_time


class MigrationResult(Result):
    """Live latency and duration of a copy, by the share of the disk that the copy may take.

    Attributes
    ----------
    live_utilisation, copy_share, chunk_ms, data_gb, write_mb_s : float
        The parameters.
    copy_shares : numpy.ndarray, shape (m,)
        Shares of the disk's time tried.
    mean_s, p99_s : numpy.ndarray, shape (m,)
        Response time of live requests while the copy runs.
    theory_s : numpy.ndarray, shape (m,)
        Mean by :func:`theory_migration`.
    duration_s : numpy.ndarray, shape (m,)
        Time until source and target agree, round by round; infinite if writes outrun the copy.
    theory_duration_s : numpy.ndarray, shape (m,)
        The same by :func:`theory_migration_time`.
    now : dict of str to float
        ``mean_s``, ``p99_s``, ``theory_s``, ``duration_s``, ``theory_duration_s`` at `copy_share`,
        and ``alone_s``, the mean without a copy.
    rounds : int
        Rounds of catching up at `copy_share`, the copy itself included; 0 if it never ends.
    pause_s : float
        How long writes are fenced off at the end, seconds.
    """

    live_utilisation: float
    copy_share: float
    chunk_ms: float
    data_gb: float
    write_mb_s: float
    copy_shares: np.ndarray
    mean_s: np.ndarray
    p99_s: np.ndarray
    theory_s: np.ndarray
    duration_s: np.ndarray
    theory_duration_s: np.ndarray
    now: dict[str, float]
    rounds: int
    pause_s: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "live_mean_ms": finite_or(1e3 * self.now["mean_s"], "without end"),
            "live_mean_theory_ms": finite_or(1e3 * self.now["theory_s"], "without end"),
            "live_p99_ms": finite_or(1e3 * self.now["p99_s"], "without end"),
            "duration_h": finite_or(self.now["duration_s"] / 3600, "never ends"),
            "rounds": self.rounds,
            "write_pause_ms": finite_or(1e3 * self.pause_s, "never ends"),
        }

    @property
    def reading(self) -> str:
        time = self.now["duration_s"]
        ends = f"takes {duration(time)}" if math.isfinite(time) else "never catches up with writes"
        if not math.isfinite(self.now["theory_s"]):
            return f"The copy {ends}, and the disk is overloaded: live requests queue without end."
        return (
            f"The copy {ends}, and while it runs a live request takes "
            f"{duration(self.now['mean_s'])} on average instead of "
            f"{duration(self.now['alone_s'])}, p99 {duration(self.now['p99_s'])}."
        )

    def table(self):
        import pandas as pd

        return pd.DataFrame(
            {
                "copy_share": self.copy_shares,
                "live_mean_ms": 1e3 * self.mean_s,
                "live_theory_ms": 1e3 * self.theory_s,
                "live_p99_ms": 1e3 * self.p99_s,
                "duration_h": self.duration_s / 3600,
                "theory_h": self.theory_duration_s / 3600,
            }
        ).set_index("copy_share")


_LIVE_S = 0.002
_DISK_MB_S = 200.0
_JOBS = 30_000  # live requests and chunks simulated at each share
_PAUSE_S = 0.1  # what is left when it can be copied in so little time is copied behind a fence
_MOST_ROUNDS = 200_000  # a copy that gains so little on the writes is called endless


def simulate_migration(
    *,
    live_utilisation: float = 0.5,
    copy_share: float = 0.2,
    chunk_ms: float = 20.0,
    data_gb: float = 200.0,
    write_mb_s: float = 5.0,
    seed: int = 1,
) -> MigrationResult:
    """Copy a shard chunk by chunk through the FIFO disk that also serves its live requests.

    A live request takes 2 ms of the disk on average, a chunk `chunk_ms`; the disk reads 200 MB per
    second while it copies. Chunks are asked for at random, at the rate that makes them take
    `copy_share` of the disk's time.

    Parameters
    ----------
    live_utilisation : float
        Fraction of the disk's time that live requests take; 0.2 to 0.9.
    copy_share : float
        Fraction that the copy may take; 0.01 to 0.8.
    chunk_ms : float
        Time one chunk holds the disk, milliseconds; 5 to 200.
    data_gb : float
        What has to be moved, gigabytes; > 0.
    write_mb_s : float
        Rate at which live writes change what is being moved, megabytes per second; >= 0.
    seed : int
        Seed of the traffic.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    live = validation.number("live_utilisation", live_utilisation, at_least=0.2, at_most=0.9)
    copy_share = validation.number("copy_share", copy_share, at_least=0.01, at_most=0.8)
    chunk_ms = validation.number("chunk_ms", chunk_ms, at_least=5, at_most=200, unit="ms")
    data_gb = validation.number("data_gb", data_gb, above=0, unit="GB")
    write = validation.number("write_mb_s", write_mb_s, at_least=0, unit="MB/s")
    seed = validation.integer("seed", seed, at_least=0)
    chunk_s = chunk_ms / 1e3

    def one(share: float) -> tuple[float, float, float, float, float]:
        copied_mb_s = share * _DISK_MB_S
        if live + share >= 1:
            return (np.inf,) * 5  # the queue grows without end
        return (
            *_copying(live, share, chunk_s, seed),
            theory_migration(live, share, _LIVE_S, chunk_s),
            _catch_up(data_gb, copied_mb_s, write)[0],
            theory_migration_time(data_gb, copied_mb_s, write),
        )

    shares = np.round((1 - live) * _PARTS, 4)
    columns = np.array([one(share) for share in shares.tolist()]).T
    now = dict(zip(_NAMES, one(copy_share), strict=True))
    rounds, pause_s = 0, np.inf
    if live + copy_share < 1:
        _, rounds, pause_s = _catch_up(data_gb, copy_share * _DISK_MB_S, write)
    return MigrationResult(
        live_utilisation=live,
        copy_share=copy_share,
        chunk_ms=chunk_ms,
        data_gb=data_gb,
        write_mb_s=write,
        copy_shares=shares,
        mean_s=columns[0],
        p99_s=columns[1],
        theory_s=columns[2],
        duration_s=columns[3],
        theory_duration_s=columns[4],
        now=now | {"alone_s": _LIVE_S / (1 - live)},
        rounds=rounds,
        pause_s=pause_s,
    )


#: Where the curves are computed, as parts of what live requests leave of the disk.
_PARTS = np.array([0.04, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9])
_NAMES = ("mean_s", "p99_s", "theory_s", "duration_s", "theory_duration_s")


def _copying(live: float, share: float, chunk_s: float, seed: int) -> tuple[float, float]:
    """Return mean and 99th percentile of the response time of live requests, seconds."""
    live_rate, chunk_rate = live / _LIVE_S, share / chunk_s
    end = 0.97 * _JOBS / (live_rate + chunk_rate)  # neither stream runs out of drawn gaps by then
    arrivals, chunks = (
        times[: np.searchsorted(times, end)]
        for times in (
            np.cumsum(unit_draws(seed, name, "exponential", _JOBS)) / rate
            for name, rate in (("arrivals", live_rate), ("chunks", chunk_rate))
        )
    )
    # Merge two ascending lists: where each chunk comes among the requests.
    at = np.searchsorted(arrivals, chunks) + np.arange(len(chunks))
    is_live = np.ones(len(arrivals) + len(chunks), dtype=bool)
    is_live[at] = False
    times, services = np.empty(len(is_live)), np.full(len(is_live), chunk_s)
    times[is_live], times[at] = arrivals, chunks
    services[is_live] = unit_draws(seed, "services", "exponential", _JOBS)[: len(arrivals)]
    services[is_live] *= _LIVE_S
    responses = (fifo_waits(times, services, 1) + services)[is_live]
    responses = responses[len(responses) // 20 :]  # the disk began idle
    rank = int(0.99 * len(responses))
    return float(responses.mean()), float(np.partition(responses, rank)[rank])


def _catch_up(data_gb: float, copy_mb_s: float, write_mb_s: float) -> tuple[float, int, float]:
    """Copy, then copy what was written meanwhile, until little enough is left to fence.

    Returns the duration in seconds, the number of rounds, and the pause at the end in seconds.
    """
    left, elapsed = 1e3 * data_gb, 0.0
    if write_mb_s >= copy_mb_s:
        return np.inf, 0, np.inf
    for rounds in range(1, _MOST_ROUNDS + 1):
        took = left / copy_mb_s
        elapsed += took
        if took <= _PAUSE_S:  # nothing could be written behind the fence
            return elapsed, rounds, took
        left = write_mb_s * took
        if left == 0:
            return elapsed, rounds, 0.0
    return np.inf, 0, np.inf
