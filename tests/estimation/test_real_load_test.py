"""Two testers of one stall on real servers, beside the simulation of the same minute."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers.estimation import load_test, real_load_test
from helpers.estimation.stalls import sample_quantile
from tests import drawn
from tests.measurements import had_time


def test_a_service_longer_than_half_of_the_gap_is_refused() -> None:
    with pytest.raises(ValueError, match=r"service_ms must be .* <= 5, half of what the rate"):
        real_load_test.Trial(service_ms=6.0)


@pytest.fixture(scope="module")
def measured():
    return real_load_test.measure(run_s=1.5, stall_s=0.3, servers=4)


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
    assert measured.real_stall_s >= 0.3
    assert measured.real_service_s >= 0.003
    if had_time(measured.reading):
        assert measured.real_stall_s < 0.4
        assert measured.real_service_s < 0.012
    assert len(measured.responses_s["open"]) > 400


def test_simulation_and_measurement_are_alike(measured) -> None:
    # A tester that timed from the sending would be sooner; a late one is later, and says so.
    for q in (0.9, 0.95):
        simulated = sample_quantile(measured.simulated_s["open"], q)
        assert measured.percentile_s("open", q) > simulated - 0.1
        if had_time(measured.reading):
            assert measured.percentile_s("open", q) < simulated + 0.1


def test_nothing_is_left_running(measured) -> None:
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if "_serve" in name or "loopback" in name]


def test_what_is_drawn_of_the_measurement(measured) -> None:
    ax = Figure().subplots()
    real_load_test.plot_measured(measured, ax)
    for tester, marker in zip(load_test.TESTERS, "os^", strict=True):
        n, y = drawn.curve(ax, marker=marker).T
        expected = [measured.percentile_s(tester, 1 - 1 / one) for one in n]
        np.testing.assert_allclose(y, expected)
    table = measured.table()
    assert table["open, measured (ms)"][100] == 1e3 * measured.percentile_s("open", 0.99)
    simulated = sample_quantile(measured.simulated_s["closed"], 0.9)
    assert table["closed, simulated (ms)"][10] == 1e3 * simulated
