"""The pool of connections against the queue engine, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.caching.connection_pool import saturated_s, starts_of
from helpers.foundations.queueing import fifo_waits


@pytest.mark.parametrize("connections", [1, 2, 7, 50, 400])
def test_starts_are_those_of_the_fifo_engine(connections):
    arrivals = np.cumsum(np.random.default_rng(1).exponential(0.01, 300))
    starts = starts_of(arrivals, 0.1, connections)
    waits = fifo_waits(arrivals, np.full(300, 0.1), connections)
    np.testing.assert_allclose(starts - arrivals, waits, atol=1e-12)
    both = starts_of(np.stack([arrivals, arrivals + 1]), 0.1, connections)
    np.testing.assert_allclose(both, [starts, starts + 1])


def test_who_need_not_wait_does_not_wait_at_all():
    arrivals = np.cumsum(np.random.default_rng(1).exponential(0.7, 1_000))
    assert np.array_equal(starts_of(arrivals, 1 / 3, 50), arrivals)


def test_saturated_time_by_hand():
    arrivals, departures = np.array([0.0, 1.0, 2.0]), np.array([3.0, 4.0, 5.0])
    assert saturated_s(arrivals, departures, 1) == 5
    assert saturated_s(arrivals, departures, 2) == 3
    assert saturated_s(arrivals, departures, 3) == 1
    assert saturated_s(arrivals, departures, 4) == 0
