"""Reads and writes of 200 keys, some of them past the cache, with flushes and crashes in between.

Where that stops being true: popularity stays as it is, and no key is written more often than others
for being read less.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from helpers.caching.zipf import popularity, requested
from helpers.foundations.experiment import Draws

_OPERATIONS = 12_000

#: Keys, and the exponent of their Zipf popularity.
KEYS = 200
EXPONENT = 0.9

#: Operations per second.
RATE_RPS = 200.0

#: Moments at which to look at what a crash would take.
CRASHES = 500


class Happening(NamedTuple):
    """Something that happens at a time, in seconds.

    `what` is "read", "write", "past" (a write past the cache), "flush", or "crash": a moment at
    which to look at what a crash would take. `version` is a write's own, and of a read the one
    that it should get.
    """

    now: float
    what: str
    key: int
    version: int


class Traffic(NamedTuple):
    """What happens while the cache warms up, what happens then, and how long that takes."""

    warming: list[Happening]
    counted: list[Happening]
    span_s: float


@lru_cache(maxsize=4)
def traffic(
    write_share: float, bypass_share: float, ttl_s: float, flush_s: float, seed: int
) -> Traffic:
    """Draw 12,000 operations, flushes and crashes; twice the time to live warms up, at most half.

    Settings that share a seed meet the same luck.

    Parameters
    ----------
    write_share, bypass_share : float
        Share of the operations that write, and of these that go past the cache.
    ttl_s, flush_s : float
        An entry's time to live, and the time between two flushes, seconds.
    seed : int
        Seed of the draws.
    """
    draw = Draws(seed)
    times = np.cumsum(draw("operations").standard_exponential(_OPERATIONS)) / RATE_RPS
    keys = requested(popularity(KEYS, EXPONENT), _OPERATIONS, draw("keys"))
    writing = draw("writes").random(_OPERATIONS) < write_share
    past = writing & (draw("past the cache").random(_OPERATIONS) < bypass_share)
    kinds = np.select([past, writing], ["past", "write"], "read")
    last_flush = int(times[-1] // flush_s)
    flushes = flush_s * np.arange(1, last_flush + 1)
    crashes = flush_s * last_flush * draw("crash").random(CRASHES)

    happenings = [Happening(now, "flush", 0, 0) for now in flushes.tolist()]
    happenings += [Happening(now, "crash", 0, 0) for now in crashes.tolist()]
    newest: dict[int, int] = {}
    operations = zip(times.tolist(), kinds.tolist(), keys.tolist(), strict=True)
    for version, (now, what, key) in enumerate(operations, start=1):
        if what != "read":
            newest[key] = version
        happenings.append(Happening(now, what, key, newest.get(key, 0)))
    happenings.sort(key=itemgetter(0))  # a flush comes before an operation of the same instant
    first = int(np.searchsorted(times, min(2 * ttl_s, times[-1] / 2)))
    warm_s = float(times[first - 1]) if first else 0.0
    warm = bisect_right(happenings, warm_s, key=itemgetter(0))
    return Traffic(happenings[:warm], happenings[warm:], float(times[-1]) - warm_s)
