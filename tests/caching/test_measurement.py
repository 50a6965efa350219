"""Measurements work, end in time, leave nothing behind, and refuse what they cannot do.

What they measure is the machine's business: only what holds on any machine is checked here.
"""

from __future__ import annotations

import dataclasses
import subprocess
import tempfile
import threading

import numpy as np
import pytest

from helpers import caching
from helpers.caching.measurement import writes
from helpers.foundations.statistics import Interval, mean_interval
from tests.measurements import had_time


@pytest.fixture(autouse=True)
def _nothing_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # a folder of this test's own
    threads = set(threading.enumerate())
    yield
    assert list(tmp_path.iterdir()) == []
    assert not [each for each in threading.enumerate() if each not in threads and each.is_alive()]


@pytest.mark.parametrize("fix", caching.MEASURED_FIXES)
def test_a_real_herd(fix):
    result = caching.measure_expiry_herd(rate_rps=1_000.0, recompute_s=0.1, connections=20, fix=fix)
    assert result.clients > 200
    assert np.all(result.arrived_s >= 0)
    if fix == "single-flight":
        assert result.queries == 1
        assert result.saturated_s == 0
    else:
        assert result.queries > 30
        # Work is conserved: so many queries of that length through so many connections.
        assert result.answered_s[-1] >= result.queries * 0.1 / 20
        assert result.at_database.max() <= result.queries
    if had_time(result.verdict) and fix == "none":
        # The root of a Poisson count spreads by one half: 4.5 standard deviations.
        assert abs(np.sqrt(result.queries - 1) - np.sqrt(result.theory - 1)) < 2.25


def test_a_herd_that_takes_too_long_is_given_up():
    with pytest.raises(TimeoutError):
        caching.measure_expiry_herd(rate_rps=500.0, recompute_s=0.2, connections=1, timeout_s=0.5)


@pytest.mark.parametrize(
    ("protocol", "clients", "warm"),
    [
        ("cache-aside", "reader and writer", False),
        ("cache-aside", "reader and writer", True),
        ("delete first", "reader and writer", True),
        ("write-through", "two writers", False),
        ("leases", "reader and writer", False),
        ("compare versions", "two writers", False),
        ("lock", "reader and writer", False),
    ],
)
def test_threads_end_as_the_model_says(protocol, clients, warm):
    result = caching.measure_interleavings(protocol=protocol, clients=clients, warm=warm)
    model = caching.simulate_interleavings(protocol=protocol, clients=clients, warm=warm)
    assert result.agreeing == len(result.orders) == len(model.interleavings)
    assert result.stale == model.stale
    assert result.verdict.endswith(": agrees")


def test_killed_processes_lose_what_was_not_flushed():
    result = caching.measure_write_behind(write_rps=1_000.0, flush_s=0.05, kills=8)
    assert result.lost.size == 8
    assert np.all(result.lost >= 0)
    assert np.all(result.stored > 0)  # each lived through at least one flush
    assert result.lost.sum() > 0
    if had_time(result.verdict):
        assert mean_interval(result.lost, 0.9999).contains(result.theory)


def test_no_process_survives_a_failure(monkeypatch):
    started = []

    class Recording(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recording)
    monkeypatch.setattr(writes, "_rows", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        caching.measure_write_behind(kills=2, flush_s=0.02)
    assert len(started) == 2
    assert all(process.returncode is not None for process in started)


def test_write_latency():
    result = caching.measure_write_latency(writes=30)
    assert np.all(result.database_s > 0)
    assert np.median(result.behind_s) < np.median(result.through_s)
    assert result.batched_row_s < np.median(result.database_s)
    assert result.reading


def test_real_writers_race():
    result = caching.measure_write_race(bursts=10)
    assert result.stale.shape == (5,)
    assert np.all(result.stale <= result.bursts)
    assert result.stale[-1] > 0  # theory: 7.5 of 10; none at all, one time in a million
    if had_time(result.verdict):
        spread = np.sqrt(result.theory * (1 - result.theory) / result.bursts)
        assert (np.abs(result.stale / result.bursts - result.theory) < 4.5 * spread).all()


def test_the_interpreters_lru_is_che():
    result = caching.measure_lru(requests=100_000)
    assert result.worst < 0.01
    assert result.verdict.endswith(": agrees")
    simulated = caching.simulate_eviction(capacity=100).hit_ratios["LRU"]
    # 7,500 and 50,000 requests, correlated a little: 4.5 standard errors are below 0.03.
    assert abs(result.hit_ratios[2] - simulated) < 0.03


def test_wilson_interval():
    interval = caching.wilson_interval(0, 10)
    assert interval.low == 0
    assert interval.high == pytest.approx(0.2775, abs=1e-4)  # tabulated
    middle = caching.wilson_interval(50, 100)
    assert (middle.low, middle.high) == (
        pytest.approx(0.4038, abs=1e-4),
        pytest.approx(0.5962, abs=1e-4),
    )


def test_a_verdict_can_be_bad():
    fields = {"rate_rps": 1_000.0, "recompute_s": 0.1, "connections": 10, "clients": 300}
    arrays = {
        "time_s": np.zeros(2),
        "at_database": np.zeros(2),
        "saturated_s": 0.0,
        "late_s": 0.001,
    }
    herd = caching.MeasuredHerdResult(
        **fields, **arrays, fix="none", arrived_s=np.zeros(300), answered_s=np.zeros(300),
        filled_s=0.1,
    )  # fmt: skip
    assert "disagrees" in herd.verdict
    late = dataclasses.replace(herd, late_s=0.05)
    assert late.verdict.startswith("No verdict")
    two = caching.MeasuredHerdResult(
        **fields, **arrays, fix="single-flight", arrived_s=np.zeros(2), answered_s=np.zeros(2),
        filled_s=0.1,
    )  # fmt: skip
    assert "disagrees" in two.verdict
    behind = caching.MeasuredWriteBehindResult(
        2_000.0, 0.1, np.full(5, 300), np.array([100, 101, 99, 100, 100]), 0.001
    )
    assert "disagrees" in behind.verdict
    assert dataclasses.replace(behind, late_s=0.006).verdict.startswith("No verdict")
    assert isinstance(behind.interval, Interval)
    race = caching.MeasuredWriteRaceResult(
        0.01, np.array([0.25, 4.0]), np.array([80, 80]), np.array([60, 0]), np.array([0.1, 0.75]),
        0.0004,
    )  # fmt: skip
    assert "disagrees" in race.verdict
    assert dataclasses.replace(race, late_s=0.0006).verdict.startswith("No verdict")
    lru = caching.MeasuredLruResult(10, 1.0, 100, np.array([5]), np.array([0.5]), np.array([0.6]))
    assert "disagrees" in lru.verdict
    latency = caching.MeasuredWriteLatencyResult(*np.ones((4, 10)), 1.0)
    assert "agrees" in latency.verdict
    assert "disagrees" not in latency.verdict or latency.ratio < 2 / 3
