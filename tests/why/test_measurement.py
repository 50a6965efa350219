"""The measurements do what they say, and leave nothing behind. No test here depends on speed."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from helpers import why
from helpers.explore.canvas import Canvas
from helpers.foundations.statistics import mean_interval
from helpers.why.measurement.books import clustered_share
from tests.measurements import had_time


def children() -> set[str]:
    """Processes that this one has started and that still run (Linux; elsewhere none are seen)."""
    found = set()
    for task in Path("/proc/self/task").glob("*/children"):
        found |= set(task.read_text().split())
    return found


@pytest.fixture(autouse=True)
def nothing_left():
    before, threads = children(), threading.active_count()
    yield
    assert children() <= before
    assert threading.active_count() <= threads


def draw(plot, result) -> None:
    canvas = Canvas(plot)
    canvas.draw([result])
    assert canvas.moving_png()
    assert result.reading.startswith(("Verdict", "No verdict"))
    assert len(result.table())


def test_users() -> None:
    found = why.measure_users(replications=2, run_s=0.3)
    assert found.requests > 100
    assert found.service_ms > 5, "a sleep is never shorter than asked for"
    if had_time(found.reading):  # for looking often enough, too
        assert np.abs(found.utilisation_gap.estimate[2:]).max() < 0.3
        assert np.abs(found.little_gap.estimate[2:]).max() < 0.5
    draw(why.plot_users, found)


def test_traffic() -> None:
    found = why.measure_traffic(replications=3, run_s=0.8, utilisation=0.4)
    assert found.requests > 300
    assert found.utilisation >= 0.39
    assert all(np.isfinite(w.estimate) and w.estimate >= 0 for w in found.wait.values())
    draw(why.plot_traffic, found)


def test_concurrency() -> None:
    found = why.measure_concurrency(cpu_ms=0.5, io_ms=15.0, workers=4, run_s=0.2)
    assert found.io_ms >= 15
    alone = found.throughput["one thread"].estimate
    for way in ("threads", "asyncio", "processes"):
        assert found.throughput[way].estimate > 1.5 * alone, "waiting overlaps"
        # Each of four workers waits 15 ms between one request and the next.
        assert found.throughput[way].estimate * 0.2 <= 4 * (0.2 / 0.015 + 1)
    draw(why.plot_concurrency, found)


def test_durability() -> None:
    found = why.measure_durability(kills=1, life_s=0.1)
    memory = found.modes["dict in memory"]
    assert memory.acknowledged > 0
    assert memory.survived == 0
    for name, mode in found.modes.items():
        if name != "dict in memory":
            # A write may be safe and the process dead before it could say so.
            assert 0 <= mode.survived - mode.acknowledged <= 1, name
            assert mode.sound
            assert 0 <= mode.certain <= mode.acknowledged
    assert found.modes["WAL, synchronous OFF"].certain == 0
    full = found.modes["WAL, synchronous FULL"]
    assert full.certain == full.acknowledged
    draw(why.plot_durability, found)


def test_books() -> None:
    found = why.measure_books(kills=3)
    assert found.conserved
    assert found.kills == 6
    assert found.keyed.duplicated == 0
    assert found.plain.sent > 20
    for book in (found.plain, found.keyed):
        assert book.ok > 0
        assert book.late <= book.lost
        assert len(book.done) >= book.ok, "what was answered was done"
    draw(why.plot_books, found)


def test_shares_of_clusters() -> None:
    # Equal clusters: the interval of the clusters' own shares, 1/2 and 1.
    found = clustered_share([2, 4], [4, 4])
    assert found.estimate == pytest.approx(0.75)
    assert (found.low, found.high) == (0.0, 1.0), "two clusters say next to nothing"
    many = clustered_share([2, 4] * 20, [4, 4] * 20)
    assert many.half_width == pytest.approx(mean_interval([0.5, 1.0] * 20).half_width)
    assert clustered_share([3], [4]).high == 1.0
    # Tries of one kill that all fare alike are worth one observation, not ten.
    alike = clustered_share([10, 0, 10, 10], [10] * 4)
    assert alike.half_width > 0.4


def test_intervals_of_clusters_cover_the_truth() -> None:
    rng = np.random.default_rng(1)
    hit = 0
    for _ in range(400):
        phase = rng.random(16)  # all tries of a kill share most of their phase
        sizes = rng.integers(3, 9, 16)
        done = [
            int(((p + 0.1 * rng.random(n)) % 1 < 0.7).sum())
            for p, n in zip(phase, sizes, strict=True)
        ]
        hit += clustered_share(done, sizes.tolist()).contains(0.7)
    assert 0.88 < hit / 400 < 0.99
