"""Servers that leave and come back: the engine behind a loss and a rolling deploy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from heapq import heappop, heappush, heapreplace

import numpy as np

from helpers.foundations.experiment import Draws


def changing_waits(
    arrivals_s: np.ndarray,
    services_s: np.ndarray,
    servers: int,
    changes: Sequence[tuple[float, int]],
) -> np.ndarray:
    """Return waits of a first-come-first-served queue whose number of servers changes.

    A server that leaves finishes what it is doing; the one that is free first leaves first. One
    that comes back is the one that left longest ago. Nobody is lost: whoever finds no server
    waits for one to come back.

    Parameters
    ----------
    arrivals_s, services_s : numpy.ndarray, shape (n,)
        Arrival times, non-decreasing, and service times, seconds.
    servers : int
        Servers at first.
    changes : sequence of (float, int)
        When, in seconds and in order, so many leave (negative) or come back (positive). The last
        must leave at least one server.

    Returns
    -------
    numpy.ndarray, shape (n,)
        Waiting times, seconds.
    """
    free = [0.0] * servers
    away: list[float] = []
    pending = list(changes)[::-1]
    starts = []
    for arrival, service in zip(arrivals_s.tolist(), services_s.tolist(), strict=True):
        while True:
            start = max(arrival, free[0]) if free else np.inf
            if not pending or pending[-1][0] > start:
                break
            time, change = pending.pop()
            for _ in range(-change):
                away.append(heappop(free))
            for _ in range(change):
                heappush(free, max(time, away.pop(0)))
        heapreplace(free, start + service)
        starts.append(start)
    return np.array(starts) - arrivals_s


@lru_cache(maxsize=8)
def unit_traffic(requests: int, replications: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return arrivals at rate 1 and exponential service times of mean 1, (replications, n)."""
    draw = Draws(seed)
    arrivals = np.cumsum(draw("arrivals").standard_exponential((replications, requests)), axis=1)
    services = draw("services").standard_exponential((replications, requests))
    for array in (arrivals, services):
        array.setflags(write=False)
    return arrivals, services


def run_changing(
    rate_rps: float,
    service_s: float,
    servers: int,
    changes: Sequence[tuple[float, int]],
    duration_s: float,
    replications: int,
    seed: int,
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return arrivals, services and waits of each run, seconds, warmed up by 60 service times."""
    warm = 60 * service_s
    expected = rate_rps * (duration_s + warm)
    # Rounded up in steps, so that the draws need not be made anew at each step of a slider.
    requests = 512 * int(np.ceil((expected + 6 * np.sqrt(expected) + 20) / 512))
    arrivals, services = unit_traffic(requests, replications, seed)
    shifted = [(time + warm, change) for time, change in changes]
    runs = []
    for unit, work in zip(arrivals, services, strict=True):
        came = unit[: np.searchsorted(unit, expected)] / rate_rps
        took = service_s * work[: came.size]
        waits = changing_waits(came, took, servers, shifted)
        runs.append((came - warm, took, waits))
    return runs


def busy_share(
    run: tuple[np.ndarray, np.ndarray, np.ndarray], begin_s: float, end_s: float
) -> float:
    """Return the mean number of busy servers between two times."""
    came, took, waits = run
    start = came + waits
    overlap = np.minimum(start + took, end_s) - np.maximum(start, begin_s)
    return float(np.maximum(overlap, 0.0).sum() / (end_s - begin_s))


def mean_by_time(
    runs: list[tuple[np.ndarray, np.ndarray, np.ndarray]], edges_s: np.ndarray
) -> np.ndarray:
    """Return the mean wait of the requests of each time slot, shape (runs, slots); NaN if none."""
    found = np.full((len(runs), edges_s.size - 1), np.nan)
    for row, (came, _, waits) in zip(found, runs, strict=True):
        slot = np.searchsorted(edges_s, came, side="right") - 1
        inside = (slot >= 0) & (slot < row.size)
        count = np.bincount(slot[inside], minlength=row.size)
        total = np.bincount(slot[inside], weights=waits[inside], minlength=row.size)
        row[count > 0] = total[count > 0] / count[count > 0]
    return found


def mean_over_runs(wait_s: np.ndarray) -> np.ndarray:
    """Return the mean of what :func:`mean_by_time` found, shape (slots,); NaN where no run saw any.

    The mean of the runs' means, so that a run with many requests counts as much as another.
    """
    seen = np.isfinite(wait_s)
    total = np.where(seen, wait_s, 0.0).sum(axis=0)
    return np.where(seen.any(axis=0), total / np.maximum(seen.sum(axis=0), 1), np.nan)
