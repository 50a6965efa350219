"""Measurements end in time, leave nothing behind, and agree within what a busy machine allows."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest

from helpers import anatomy
from tests.measurements import had_time


@pytest.fixture(autouse=True)
def nothing_left_running():
    before = threading.active_count()
    yield
    assert threading.active_count() <= before


def test_cdn_waits_for_its_round_trips():
    result = anatomy.measure_cdn(requests=40)
    for kind, theory in result.theory_s.items():
        # Never sooner than the speed of light; how much later depends on the machine.
        assert theory - 1e-3 <= result.means[kind].estimate
        if had_time(result.reading):
            assert result.means[kind].estimate <= theory + 0.1
    assert result.origin_calls == round((1 - result.hits) * result.requests)


def test_balancing_is_what_the_simulation_says_of_the_same_requests():
    result = anatomy.measure_balancing(run_s=0.8)
    assert (result.measured_ms > 0).all()
    if had_time(result.reading):
        # Random and round robin pick the same servers in both, so only lateness separates them.
        assert result.measured_ms[:2] == pytest.approx(result.replayed_ms[:2], rel=0.15)
        assert result.measured_ms == pytest.approx(result.replayed_ms, rel=0.5)


def test_health_check_burst():
    result = anatomy.measure_health_check()
    assert result.after == 0
    assert result.errors.sum() > 0
    if had_time(result.reading):
        # The true mean is 15; eight clusters spread by 4 each.
        assert 7 <= result.mean_errors.estimate <= 23
        assert result.detection.estimate == pytest.approx(result.expected["detection_s"], rel=0.1)


def test_killed_processes():
    sessions = anatomy.measure_sessions(users=120)
    assert sessions.lost_store == 0
    assert 15 <= sessions.lost_memory <= 65  # 40, six standard deviations
    jobs = anatomy.measure_job_loss(jobs=50)
    assert (jobs.left_memory, jobs.left_file) == (0, 50)


def test_ladder_is_in_order():
    ladder = anatomy.measure_ladder()
    assert ladder.ratio("sqlite, in a file", "dict") > 10
    assert ladder.times_s["sqlite, commit to disk"] > ladder.times_s["sqlite, in memory"]


def test_cache_counts_exactly_what_reaches_sqlite():
    result = anatomy.measure_cache_load(reads=4_000)
    assert result.database_reads == pytest.approx((1 - result.hit_ratio) * 4_000)
    # 4,000 reads: four standard errors are 0.032.
    assert np.abs(result.hit_ratio - result.che).max() < 0.032
    assert (np.diff(result.database_reads) < 0).all()


def test_cuts_leave_a_prefix_of_whole_commits():
    result = anatomy.measure_power_cut(commits=30, cuts=25)
    assert result.agrees
    assert (np.diff(result.survived) >= 0).all()
    assert result.torn_whole == 25
    assert result.survived.max() > 15 > result.survived.min()


def test_a_cut_inside_a_page_is_noticed():
    # The prediction must not be a coincidence: one byte less than a commit loses it.
    from helpers.anatomy.measurement.databases import _commit_ends

    header = (0x377F0682).to_bytes(4, "big") + b"\0" * 4 + (64).to_bytes(4, "big") + b"\0" * 20
    frame = (1).to_bytes(4, "big") + (1).to_bytes(4, "big") + b"\0" * (16 + 64)
    plain = (1).to_bytes(4, "big") + b"\0" * (20 + 64)
    assert _commit_ends(header + frame + plain + frame) == [120, 296]
    assert _commit_ends((header + frame)[:-1]) == []


def test_layouts_give_the_same_answers():
    result = anatomy.measure_layouts(users=80, orders=5, friends=4)
    assert result.same_answers
    assert (result.times_s > 0).all()


def test_outage_of_a_real_consumer():
    result = anatomy.measure_outage(outage_s=0.3)
    assert result.failed[0] > 0
    assert not result.failed[1:].any()
    # What waits at the end is what was sent meanwhile, but for one job in work; what waited before
    # is added, and that is next to nothing where the machine had time.
    more = result.backlog[1:] - result.sent_in_outage[1:]
    assert more.min() >= -1
    if had_time(result.reading):
        assert more.max() <= 4


def test_plots_know_no_simulation_and_import_is_light():
    code = (
        "import sys, numpy, matplotlib.figure, ipywidgets; import helpers.anatomy; "
        "assert 'pandas' not in sys.modules and 'simpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
