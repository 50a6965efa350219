"""Chains of three real servers, beside what mean value analysis says of the demands they had."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import counted, significant
from helpers.foundations.statistics import Intervals
from helpers.scaling import bottleneck, real_bottleneck
from tests import drawn
from tests.checks import assert_bars, assert_summary, assert_table, axes_of
from tests.measurements import had_time
from tests.scaling.checks import assert_network


@pytest.mark.usefixtures("nothing_left_behind")
def test_real_chains_obey_littles_law() -> None:
    run = real_bottleneck.measure(run_s=0.6)
    users, throughput = np.array(real_bottleneck.MEASURED_USERS), run.throughput
    slack = 3 * throughput.half_width
    # Nobody waits for two answers at a time; those that came in the last three quarters of the run
    # were asked for within the run.
    assert (throughput.estimate * run.response_s <= users / 0.75).all()
    assert (throughput.estimate - slack <= 1 / max(run.demands_s)).all()
    if had_time(run.reading):
        # N = X (R + Z) is exact for a long run, and up to its ends for one of half a second, far
        # longer than a cycle where the machine keeps up.
        cycle_s = run.response_s + run.thought_s
        assert (np.abs(throughput.estimate * cycle_s - users) <= slack * cycle_s).all()


def measured(late_s: float = 0.0) -> real_bottleneck.MeasuredBottleneck:
    rates = np.array([13.0, 50.0, 95.0, 111.0, 120.0])
    return real_bottleneck.MeasuredBottleneck(
        real_bottleneck.Trial(),
        demands_s=(0.002, 0.004, 0.008),
        thought_s=0.060,
        throughput=Intervals(rates, rates - 4, rates + 2, 0.95, 10),
        response_s=np.array([0.014, 0.018, 0.025, 0.047, 0.105]),
        late_s=late_s,
    )


def test_what_is_said_of_real_chains() -> None:
    run = measured()
    users = np.array(real_bottleneck.MEASURED_USERS)
    exact = bottleneck.network((0.002, 0.004, 0.008), 0.060, 20).exact
    predicted = exact.throughput_rps[users - 1]
    assert_summary(
        run,
        {
            "web_demand_ms": 2.0,
            "application_demand_ms": 4.0,
            "database_demand_ms": 8.0,
            "ceiling_rps": 125.0,
            "knee_users": 0.074 / 0.008,
            "most_measured_rps": 120.0,
        },
    )
    off = run.throughput.estimate / predicted - 1
    worst = int(np.abs(np.log1p(off)).argmax())
    inside = int(((predicted >= run.throughput.low) & (predicted <= run.throughput.high)).sum())
    for said in (
        f"Verdict: at {inside} of 5 numbers of users the throughput",
        f"(largest error {significant(100 * abs(off[worst]), 2)} %, "
        f"{'above' if off[worst] > 0 else 'below'}, at {counted(users[worst], 'user')});",
        "20 users got 120 requests/s, and the slowest tier allows 125.",
    ):
        assert said in run.reading
    assert "too busy" in measured(late_s=0.001).reading
    assert_table(
        run,
        {
            "users": users,
            "measured (rps)": run.throughput.estimate,
            "from": run.throughput.low,
            "to": run.throughput.high,
            "exact (rps)": predicted,
            "response (ms)": [14.0, 18.0, 25.0, 47.0, 105.0],
            "exact (ms)": 1e3 * exact.response_s[users - 1],
        },
    )


def test_the_picture_of_real_chains() -> None:
    run = measured()
    rate, response = axes_of(real_bottleneck.plot_measured, run)
    assert_network(rate, response, run.demands_s, 0.060, 20)
    users = real_bottleneck.MEASURED_USERS
    assert_bars(drawn.error_bars(rate, **style.MEASUREMENT), users, run.throughput)
    np.testing.assert_allclose(
        drawn.curve(response, **style.MEASUREMENT),
        np.column_stack([users, [14.0, 18.0, 25.0, 47.0, 105.0]]),
    )
