"""Real stations of three sizes, beside Erlang's formula for what they had."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.foundations.statistics import Intervals
from helpers.scaling import real_staffing
from tests import drawn
from tests.checks import assert_bars, assert_summary, assert_table, axes_of
from tests.measurements import had_time


@pytest.mark.usefixtures("nothing_left_behind")
def test_loopback_stations() -> None:
    run = real_staffing.measure(run_s=0.5, replications=2)
    assert ((run.waited.estimate >= 0) & (run.waited.estimate <= 1)).all()
    # More workers at the same utilisation: fewer wait, by theory and far beyond the noise. Where
    # the machine cannot keep up, all wait.
    if had_time(run.reading):
        assert run.waited.estimate[2] < run.waited.estimate[0]


def measured(late_s: float = 0.0, rate: float = 120.0) -> real_staffing.MeasuredStaffing:
    middle = np.array([0.70, 0.60, 0.44])
    return real_staffing.MeasuredStaffing(
        real_staffing.Trial(),
        service_s=0.006,
        rates_rps=np.array([rate, 233.0, 466.0]),
        waited=Intervals(middle, middle - 0.03, middle + 0.05, 0.95, 8),
        requests=4_321,
        late_s=late_s,
    )


def test_what_is_said_of_real_stations() -> None:
    run = measured()
    loads = (0.72, 1.398, 2.796)
    exact = [
        float(queueing.erlang_c(load, count))
        for load, count in zip(loads, real_staffing.WORKERS, strict=True)
    ]
    assert_summary(
        run,
        {"requests": 4_321}
        | {
            f"{what}_percent_{count}_workers": 100 * values[i]
            for i, count in enumerate(real_staffing.WORKERS)
            for what, values in (("waited", run.waited.estimate), ("erlang_c", exact))
        },
    )
    inside = [run.waited.low[i] <= exact[i] <= run.waited.high[i] for i in range(3)]
    assert run.reading == (
        f"Verdict: Erlang C lies in the 95 % interval at {sum(inside)} of 3 stations. At about "
        f"71 % utilisation, 1 worker: 70 % wait (Erlang C {significant(100 * exact[0], 2)} %), "
        f"2 workers: 60 % wait (Erlang C {significant(100 * exact[1], 2)} %), "
        f"4 workers: 44 % wait (Erlang C {significant(100 * exact[2], 2)} %)."
    )
    assert_table(
        run,
        {
            "workers": real_staffing.WORKERS,
            "utilisation": np.array(loads) / real_staffing.WORKERS,
            "waited": run.waited.estimate,
            "from": run.waited.low,
            "to": run.waited.high,
            "Erlang C": exact,
            "inside": inside,
        },
    )
    assert "too busy" in measured(late_s=0.001).reading
    assert measured(rate=200.0).erlang_c[0] == 1.0  # more than one worker can do


def test_the_picture_of_real_stations() -> None:
    run = measured()
    by_workers, against = axes_of(real_staffing.plot_measured, run)
    assert_bars(
        drawn.error_bars(by_workers, **style.MEASUREMENT), real_staffing.WORKERS, run.waited
    )
    np.testing.assert_allclose(
        drawn.curve(by_workers, **style.THEORY),
        np.column_stack([real_staffing.WORKERS, run.erlang_c]),
    )
    assert_bars(drawn.error_bars(against, **style.MEASUREMENT), run.erlang_c, run.waited)
    assert drawn.curve(against, **style.THEORY).tolist() == [[0, 0], [1, 1]]
    assert {"1 worker", "2 workers", "4 workers"} <= set(drawn.written(against))
