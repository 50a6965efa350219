"""Real components, briefly: what comes back makes sense, and nothing is left behind.

Wall-clock times on a shared machine prove little, so these tests ask only for what holds by orders
of magnitude, by construction, or within the measurement's own interval; and for more where the
measurement says that the machine had time for it.
"""

from __future__ import annotations

import threading

import numpy as np
import psutil
import pytest

from helpers import scaling
from helpers.foundations import queueing
from helpers.foundations.statistics import mean_interval
from helpers.scaling.measurement.lock import _share_done
from helpers.scaling.measurement.queue import _steady_state
from helpers.scaling.measurement.speedup import _parallel
from tests.measurements import had_time


@pytest.fixture(autouse=True)
def _nothing_left_behind():
    me = psutil.Process()
    threads, files = threading.active_count(), len(me.net_connections())
    children = len(me.children())
    yield
    assert threading.active_count() == threads
    assert len(me.net_connections()) <= files
    assert len(me.children()) == children


def test_sqlite_scan_and_index() -> None:
    result = scaling.measure_query_time(most_rows=100_000)
    assert result.rows[0] == 1_000
    assert result.rows[-1] == 100_000
    # A hundred times the rows: about a hundred times the scan's time, and about the index's time.
    # What is asked for is that far apart that a median of nine must be wrong by tenfold.
    scan, index = result.scan_s, result.index_s
    assert scan[-1] > 10 * index[-1]
    assert scan[-1] / index[-1] > scan[0] / index[0]
    assert result.scan_law.exponent.estimate > result.index_law.exponent.estimate
    assert "Verdict" in result.reading


def test_loopback_queue() -> None:
    result = scaling.measure_knee(run_s=0.5, replications=2)
    assert result.utilisation.shape == (4,)
    assert (result.utilisation > 0.05).all()
    assert result.service_ms >= 4.0
    assert (result.response.estimate >= 0.5 * result.service_ms * 1e-3).all()
    assert result.requests > 100
    had_time(result.reading)


def test_stations_begin_with_the_requests_of_their_steady_state() -> None:
    rng = np.random.default_rng(11)
    for load, workers in ((0.8, 1), (2.8, 4)):
        drawn = [_steady_state(load, workers, rng) for _ in range(4_000)]
        rate = load / 0.010
        expected = rate * queueing.mmc_response(rate, 0.010, workers)  # Little's law
        interval = mean_interval(np.array(drawn, dtype=float), 0.999)
        assert interval.contains(expected)


def test_loopback_staffing() -> None:
    result = scaling.measure_staffing(run_s=0.5, replications=2)
    assert result.workers.tolist() == [1, 2, 4]
    assert ((result.waited.estimate >= 0) & (result.waited.estimate <= 1)).all()
    # More workers at the same utilisation: fewer wait, by theory and far beyond the noise. Where
    # the machine cannot keep up, all wait.
    if had_time(result.reading):
        assert result.waited.estimate[2] < result.waited.estimate[0]


def test_loopback_chain_obeys_littles_law() -> None:
    result = scaling.measure_bottleneck(run_s=0.6)
    cycle_s = result.response_s + result.think_s
    # N = X (R + Z) is exact for a long run, and so is 1 / D for the most that comes through. A
    # window of half a second has ends, and a machine hiccups: both are in the batches' spread.
    slack = 3 * result.throughput.half_width
    assert (np.abs(result.throughput.estimate * cycle_s - result.users) <= slack * cycle_s).all()
    assert (result.throughput.estimate - slack <= 1 / max(result.demands_s)).all()
    had_time(result.reading)


@pytest.mark.parametrize("lock", scaling.LOCKS)
def test_threads_on_a_lock(lock: str) -> None:
    result = scaling.measure_scalability(lock=lock, run_s=0.02)
    assert result.workers[0] == 1
    assert (result.throughput.estimate > 0).all()
    # Nobody does more than the lock allows.
    assert result.throughput.estimate.max() < 1.3 / 0.0002
    assert result.fit.kappa.estimate >= 0


def test_requests_count_in_proportion_to_the_part_inside_the_window() -> None:
    marks = np.array([0.0, 2.0, 3.0, 7.0])
    assert _share_done(marks, 1.0, 5.0) == pytest.approx(0.5 + 1 + 0.5)
    assert _share_done(marks, 0.0, 7.0) == pytest.approx(3)
    assert _share_done(marks, 8.0, 9.0) == 0


def test_processes() -> None:
    result = scaling.measure_speedup(work_s=0.03, most_processes=2)
    assert result.processes.tolist() == [1, 2]
    assert result.speedup.estimate[0] == pytest.approx(1)
    assert np.isfinite(result.speedup.estimate).all()
    assert (result.speedup.estimate > 0).all()
    assert 0 < result.serial_fraction < 1
    assert result.amdahl[1] == pytest.approx(
        scaling.theory_speedup(result.serial_fraction, min(2, result.cores))
    )


def test_work_is_spread_evenly_and_none_is_lost() -> None:
    class Recorder:
        def say(self, line: str) -> None:
            self.loops = int(line)

        def hear(self) -> None:
            self.finished = True

    for loops, count in ((10, 3), (7, 7), (1_000_001, 4)):
        recorders = [Recorder() for _ in range(count)]
        _parallel(recorders, loops)
        shares = [recorder.loops for recorder in recorders]
        assert sum(shares) == loops
        assert max(shares) - min(shares) <= 1
        assert all(recorder.finished for recorder in recorders)
