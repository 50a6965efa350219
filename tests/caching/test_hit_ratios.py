"""Closed forms of hit ratios: limits, order, and each other."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.caching import hit_ratios
from helpers.foundations.traffic.keys import zipf_weights


def test_they_are_ordered_and_meet_at_the_ends():
    weights, sizes = zipf_weights(500, 0.9), np.arange(0, 501)
    fifo, lru, ideal = (
        form(weights, sizes) for form in (hit_ratios.fifo, hit_ratios.lru, hit_ratios.ideal)
    )
    for curve in (fifo, lru, ideal):
        assert curve[0] == 0
        assert curve[-1] == pytest.approx(1)
        assert np.all(np.diff(curve) > -1e-12)
    assert np.all(fifo <= lru + 1e-9)
    assert np.all(lru <= ideal + 1e-9)


def test_the_curve_of_che_is_che():
    weights = zipf_weights(800, 1.0)
    sizes, ratios = hit_ratios.lru_at_all_sizes(weights, points=40)
    np.testing.assert_allclose(ratios, hit_ratios.lru(weights, sizes), atol=1e-9)


def test_equal_popularities_give_the_share_that_fits():
    weights = np.full(100, 0.01)
    for form in (hit_ratios.lru, hit_ratios.fifo, hit_ratios.ideal):
        np.testing.assert_allclose(form(weights, [1, 37, 99]), [0.01, 0.37, 0.99])
        assert float(form(weights, 37)) == pytest.approx(0.37)


def test_the_characteristic_time_fills_the_cache():
    weights = zipf_weights(300, 1.1)
    time = hit_ratios.characteristic_time(weights, 40)
    assert (1 - np.exp(-weights * time)).sum() == pytest.approx(40)


def test_a_loop_fits_or_does_not():
    assert hit_ratios.loop(30, 30) == {"LRU": 1, "FIFO": 1, "Belady": 1}
    assert hit_ratios.loop(30, 29) == {"LRU": 0, "FIFO": 0, "Belady": pytest.approx(28 / 29)}
