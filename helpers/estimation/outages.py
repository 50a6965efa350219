"""Outages of machines that break and are repaired, drawn one by one, and merged."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from helpers.foundations.experiment import Draws

_MOST_MACHINES = 24


def outages(
    machines: int, first: int, life_h: float, repair_h: float, horizon_h: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return when each outage of some machines begins and ends, hours."""
    cycle = life_h + repair_h
    count = int(horizon_h / cycle + 8 * np.sqrt(horizon_h / cycle) + 10)
    lives, repairs = _draws(count, seed)
    rows = [(first + i) % _MOST_MACHINES for i in range(machines)]
    ends = np.cumsum(lives[rows, :count] * life_h + repairs[rows, :count] * repair_h, axis=1)
    begins = ends - repairs[rows, :count] * repair_h
    kept = begins < horizon_h
    return begins[kept], ends[kept]


@lru_cache(maxsize=8)
def _unit_draws(size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw, machines = Draws(seed), range(_MOST_MACHINES)
    lives = np.stack([draw(f"lives {i}").standard_exponential(size) for i in machines])
    repairs = np.stack([draw(f"repairs {i}").standard_exponential(size) for i in machines])
    for each in (lives, repairs):
        each.setflags(write=False)
    return lives, repairs


def _draws(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    # Sizes in steps of two, so that a slider that moves asks for few different ones.
    return _unit_draws(1 << (count - 1).bit_length(), seed)


def together(begins: np.ndarray, ends: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the intervals in which at least so many of some intervals overlap."""
    times = np.concatenate([begins, ends])
    steps = np.concatenate([np.ones(len(begins), np.int64), -np.ones(len(ends), np.int64)])
    order = np.argsort(times, kind="stable")
    level = np.cumsum(steps[order])
    times = times[order]
    on = level >= least
    change = np.flatnonzero(np.diff(on.astype(np.int8), prepend=0, append=0))
    return times[change[::2]], times[change[1::2]]


def per_period(begins: np.ndarray, ends: np.ndarray, periods: int, length_h: float) -> np.ndarray:
    """Split intervals that do not overlap into periods of one length; hours in each."""
    if not len(begins):
        return np.zeros(periods)
    edges = np.arange(periods + 1) * length_h
    # Total length of all intervals before each edge: whole ones, and the part of the last.
    total = np.concatenate([[0.0], np.cumsum(ends - begins)])
    index = np.searchsorted(begins, edges)
    over = np.where(index > 0, np.maximum(ends[np.maximum(index - 1, 0)] - edges, 0.0), 0.0)
    return np.diff(total[index] - over)
