"""Real servers at four loads, beside what queueing theory predicts from what they did."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.foundations.statistics import Intervals
from helpers.scaling import real_knee
from tests import drawn
from tests.checks import assert_bars, assert_summary, assert_table, axes_of
from tests.measurements import had_time


@pytest.mark.usefixtures("nothing_left_behind")
def test_loopback_queue() -> None:
    run = real_knee.measure(run_s=0.5, replications=2)
    assert (run.utilisation > 0.05).all()
    assert run.service_ms >= 4.0
    assert (run.response.estimate >= 0.5 * run.service_ms * 1e-3).all()
    assert run.requests > 100
    had_time(run.reading)


def measured(busiest_rps: float = 133.0, late_s: float = 0.0) -> real_knee.MeasuredKnee:
    middle = np.array([0.0085, 0.012, 0.022, 0.030])
    return real_knee.MeasuredKnee(
        real_knee.Trial(),
        services_s=np.array([0.002, 0.004, 0.006, 0.012]),
        rates_rps=np.array([50.0, 83.0, 117.0, busiest_rps]),
        response=Intervals(middle, middle - 0.001, middle + 0.002, 0.95, 8),
        requests=4_567,
        late_s=late_s,
    )


def test_what_is_said_of_real_servers() -> None:
    run = measured()
    rho = run.rates_rps * 0.006
    predicted = 0.006 / (1 - rho)
    scv = np.var([2, 4, 6, 12]) / 36
    agrees = (predicted >= run.response.low) & (predicted <= run.response.high)
    assert_summary(
        run,
        {
            "requests": 4_567,
            "service_ms": 6.0,
            "service_scv": scv,
            "loads_measured": 4,
            "loads_at_which_theory_is_inside": int(agrees.sum()),
        },
    )
    off = run.response.estimate / predicted - 1
    worst = int(np.abs(np.log1p(off)).argmax())
    half = significant(100 * max(0.0015 / run.response.estimate), 2)
    assert run.reading == (
        f"Verdict: at {agrees.sum()} of 4 loads the response that M/M/1 predicts from the measured "
        "rates lies in the 95 % interval of what 4,567 real requests took (service: 6 ms on "
        f"average, squared coefficient of variation {scv:.2f} where exponential is 1); the widest "
        f"interval is ± {half} %. The largest miss, at "
        f"{significant(100 * rho[worst], 2)} % utilisation, is "
        f"{significant(100 * abs(off[worst]), 2)} % {'above' if off[worst] > 0 else 'below'} the "
        "prediction."
    )
    assert_table(
        run,
        {
            "utilisation": rho,
            "measured (ms)": 1e3 * run.response.estimate,
            "from": 1e3 * run.response.low,
            "to": 1e3 * run.response.high,
            "M/M/1 (ms)": 1e3 * predicted,
            "M/G/1 (ms)": 1e3 * (0.006 + (predicted - 0.006) * (1 + scv) / 2),
            "M/M/1 inside": agrees,
        },
    )


def test_a_machine_that_could_not_keep_up_is_not_judged() -> None:
    overloaded = measured(busiest_rps=180.0)
    assert "the machine was too busy to keep up" in overloaded.reading
    assert overloaded.predicted_s()[-1] == np.inf
    assert "No verdict" in measured(late_s=0.001).reading


def test_the_picture_of_real_servers() -> None:
    run = measured()
    (ax,) = axes_of(real_knee.plot_measured, run)
    assert_bars(drawn.error_bars(ax, **style.MEASUREMENT), run.utilisation, run.response, 1e3)
    assert "measured" in drawn.written(ax)
