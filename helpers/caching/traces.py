"""Requests for keys: steady, mixed with scans, in a loop, and changing with fashion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from helpers.caching.zipf import popularity, requested
from helpers.foundations.experiment import Draws

if TYPE_CHECKING:
    from helpers.caching.eviction import Setting

#: The kinds of trace.
TRACES = ("Zipf", "Zipf with scans", "loop", "changing popularity")

#: Requests of a trace, and how many of them only fill the cache.
REQUESTS = 10_000
WARM_UP = 2_500

_SCAN_PERIOD, _SCAN_LENGTH = 1_000, 250  # requests from one scan to the next, and in each
_ERAS = 4  # how often the popularities are dealt anew over a trace


def requests_of(at: Setting) -> np.ndarray:
    """Return the keys asked for, in order, shape (REQUESTS,).

    Scans ask every 1,000 requests for 250 keys that nobody asks for again; a loop asks for all
    keys in turn; changing popularity is Zipf's, but which key is popular is dealt anew four times.
    """
    draw, position = Draws(at.seed), np.arange(REQUESTS)
    if at.trace == "loop":
        return position % at.keys
    drawn = requested(popularity(at.keys, at.exponent), REQUESTS, draw("keys"))
    if at.trace == "Zipf with scans":
        phase = position % _SCAN_PERIOD
        scan = position // _SCAN_PERIOD * _SCAN_LENGTH + phase
        return np.where(phase < _SCAN_LENGTH, at.keys + scan, drawn)
    if at.trace == "changing popularity":
        deals = draw("deals").random((_ERAS, at.keys)).argsort(axis=1)
        dealt: np.ndarray = deals[position * _ERAS // REQUESTS, drawn]
        return dealt
    return drawn
