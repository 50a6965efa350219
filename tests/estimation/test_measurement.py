"""The real load testers against the real server: what must hold on any machine."""

from __future__ import annotations

import threading

import pytest

from helpers import estimation
from tests.measurements import had_time


@pytest.fixture(scope="module")
def measured():
    return estimation.measure_load_test(run_s=1.5, stall_s=0.3, servers=4)


def test_only_the_open_tester_notices(measured) -> None:
    # One open request in seven is due while the server stalls for another 0.1 s at least.
    assert measured.percentile_s("open", 0.95) > 0.1
    if had_time(measured.reading):
        # The closed tester meets the stall once in some 120 requests: it is beyond its p98, and
        # the machine's own hiccups are far shorter than the stall.
        assert measured.percentile_s("closed", 0.95) < 0.1
        assert measured.percentile_s("open", 0.9) > 3 * measured.percentile_s("closed", 0.9)


def test_the_stall_and_the_service_are_what_was_asked_for(measured) -> None:
    # A sleep is never shorter than it should be.
    assert measured.stall_s >= 0.3
    assert measured.service_s >= 0.003
    if had_time(measured.reading):
        assert measured.stall_s < 0.4
        assert measured.service_s < 0.012
    assert len(measured.responses_s["open"]) > 400


def test_simulation_and_measurement_are_alike(measured) -> None:
    # A tester that timed from the sending would be sooner; a late one is later, and says so.
    for q in (0.9, 0.95):
        simulated = estimation.simulation.load_test.sample_quantile(measured.simulated_s["open"], q)
        assert measured.percentile_s("open", q) > simulated - 0.1
        if had_time(measured.reading):
            assert measured.percentile_s("open", q) < simulated + 0.1


def test_nothing_is_left_running(measured) -> None:
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if "_serve" in name or "loopback" in name]
