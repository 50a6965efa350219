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


#: What can happen: a read, a write, a write past the cache, a flush, or a crash: a moment at which
#: to look at what a crash would take.
WHAT = ("read", "write", "past", "flush", "crash")

#: When, in seconds; one of :data:`WHAT`; to which key; and a version: a write's own, and of a read
#: the one that it should get.
Happening = tuple[float, str, int, int]


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
    last_flush = int(times[-1] // flush_s)
    flushes = flush_s * np.arange(1, last_flush + 1)
    crashes = flush_s * last_flush * draw("crash").random(CRASHES)

    versions = _newest(keys, np.where(writing, np.arange(1, _OPERATIONS + 1), 0))
    nothing = np.zeros(last_flush + CRASHES, int)
    when = np.concatenate([flushes, crashes, times])
    order = np.argsort(when, kind="stable")  # a flush comes before an operation of the same instant
    kinds = np.repeat([WHAT.index("flush"), WHAT.index("crash")], [last_flush, CRASHES])
    each = [
        when,
        np.concatenate([kinds, writing.astype(int) + past]),  # operations: in the order of WHAT
        np.concatenate([nothing, keys]),
        np.concatenate([nothing, versions]),
    ]
    now, what, key_of, version_of = (column[order].tolist() for column in each)
    happenings = list(zip(now, map(WHAT.__getitem__, what), key_of, version_of, strict=True))
    first = int(np.searchsorted(times, min(2 * ttl_s, times[-1] / 2)))
    warm_s = float(times[first - 1]) if first else 0.0
    warm = bisect_right(happenings, warm_s, key=itemgetter(0))
    return Traffic(happenings[:warm], happenings[warm:], float(times[-1]) - warm_s)


def _newest(keys: np.ndarray, written: np.ndarray) -> np.ndarray:
    """Return the version of its key after each operation; `written` is 0 where it only reads."""
    by_key = np.argsort(keys, kind="stable")
    before = keys[by_key] * (written.size + 1)  # above all versions of the keys before
    newest = np.empty_like(written)
    newest[by_key] = np.maximum.accumulate(written[by_key] + before) - before
    return newest
