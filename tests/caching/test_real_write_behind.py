"""Real writers that are killed, and what was in their buffers."""

from __future__ import annotations

import dataclasses
import subprocess

import numpy as np
import pytest

from helpers.caching import killed_writers, real_write_behind, write_behind
from helpers.foundations.drawing import style
from helpers.foundations.statistics import mean_interval
from tests import drawn
from tests.checks import assert_columns, assert_legible, assert_tells, drawn_by
from tests.measurements import had_time


def test_killed_processes_lose_what_was_not_flushed(tidy):
    run = real_write_behind.measure(write_rps=1_000.0, flush_s=0.05, kills=8)
    assert run.lost.size == 8
    assert np.all(run.lost >= 0)
    assert np.all(run.stored > 0)  # each lived through at least one flush
    assert run.lost.sum() > 0
    if had_time(run.verdict):
        assert mean_interval(run.lost, 0.9999).contains(run.expected)


def test_no_process_survives_a_failure(tidy, monkeypatch):
    started = []

    class Recording(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recording)
    monkeypatch.setattr(killed_writers, "_rows", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        real_write_behind.measure(kills=2, flush_s=0.02)
    assert len(started) == 2
    assert all(process.returncode is not None for process in started)


def test_more_acknowledgements_than_a_pipe_holds_are_refused():
    with pytest.raises(ValueError, match="write_rps must be at most 12,000 writes/s"):
        real_write_behind.Trial(write_rps=2e4, flush_s=1.0)


def measured(stored, late_s=0.001):
    return real_write_behind.MeasuredWriteBehind(
        real_write_behind.Trial(), np.full(len(stored), 300), np.array(stored), late_s
    )


def test_a_verdict_can_be_bad():
    good, bad = measured([150, 180, 210, 240, 260]), measured([100, 101, 99, 100, 100])
    assert good.verdict.endswith("agrees")
    assert not good.verdict.endswith("disagrees")
    assert bad.verdict.endswith("disagrees")
    assert dataclasses.replace(bad, late_s=0.006).verdict.startswith("No verdict")


def test_the_page_of_a_measurement():
    run = measured([150, 180, 210, 240, 260])
    lost = [150, 120, 90, 60, 40]
    assert_tells(run.reading, "5 killed", "1,500 writes", "lost 92 each", "at most 150", "100")
    assert run.summary == {
        "kills": 5,
        "acknowledged": 1_500,
        "lost_mean": 92,
        "lost_mean_theory": 100,
        "lost_max": 150,
    }
    assert_columns(
        run, process=[1, 2, 3, 4, 5], acknowledged=[300] * 5, stored=run.stored, lost=lost
    )
    simulated = write_behind.simulate(write_rps=2_000.0, flush_s=0.1)
    ax, _ = drawn_by(real_write_behind, simulated, run)
    assert drawn.curve(ax, marker="|", markersize=9, color=style.VERMILION)[:, 0].tolist() == lost
    bar = drawn.error_bars(ax, **style.MEASUREMENT)
    interval = mean_interval(lost)
    assert [bar.middle[0], bar.low[0], bar.high[0]] == pytest.approx(
        [interval.estimate, interval.low, interval.high]
    )
    assert_legible(ax)
