"""Real threads that share a lock, and the laws fitted to them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.foundations.statistics import Interval, Intervals
from helpers.scaling import real_scalability
from helpers.scaling import scalability_law as law
from tests import drawn
from tests.checks import assert_bars, assert_summary, assert_table, axes_of


@pytest.mark.usefixtures("nothing_left_behind")
@pytest.mark.parametrize("lock", real_scalability.LOCKS)
def test_threads_on_a_lock(lock: str) -> None:
    run = real_scalability.measure(lock=lock, run_s=0.02)
    assert (run.throughput.estimate > 0).all()
    # Nobody does more than the lock allows.
    assert run.throughput.estimate.max() < 1.3 / 0.0002
    assert run.fit.kappa.estimate >= 0


THREADS = np.array(real_scalability.THREADS)
RATES = np.array([290.0, 560.0, 1_600.0, 3_200.0, 2_900.0, 2_500.0])


def expected() -> tuple[np.ndarray, np.ndarray]:
    queued = queueing.mva([0.0003], 48, 0.0031).throughput_rps
    return queued, 300 * law.speedup(np.arange(1, 49), 0.02, 0.002)


def measured(
    lock: str = "wake everybody", fell: float = 0.8
) -> real_scalability.MeasuredScalability:
    fit = law.Fit(
        rate_rps=Interval(300.0, 280.0, 320.0, 0.95, 5),
        sigma=Interval(0.02, 0.011, 0.031, 0.95, 5),
        kappa=Interval(0.002, 0.0012, 0.0029, 0.95, 5),
    )
    return real_scalability.MeasuredScalability(
        real_scalability.Trial(lock=lock),
        throughput=Intervals(RATES, RATES - 90, RATES + 70, 0.95, 5),
        fall=Interval(fell, fell - 0.1, fell + 0.1, 0.95, 5),
        compute_s=0.0031,
        hold_s=0.0003,
        fit=fit,
        fit_absolute=law.Fit(fit.rate_rps, *(Interval(e, e, e, 0.95, 5) for e in (0.031, 0.0014))),
    )


def test_what_is_said_of_threads() -> None:
    run = measured()
    queued, fitted = (curve[THREADS - 1] for curve in expected())
    worst_queued, worst_fitted = (max(abs(c / RATES - 1)) for c in (queued, fitted))
    assert_summary(
        run,
        {
            "lock": "wake everybody",
            "hold_ms": 0.3,
            "sigma": 0.02,
            "sigma_low": 0.011,
            "sigma_high": 0.031,
            "kappa": 0.002,
            "kappa_low": 0.0012,
            "kappa_high": 0.0029,
            "sigma_absolute": 0.031,
            "kappa_absolute": 0.0014,
            "peak_threads": math.sqrt(0.98 / 0.002),
            "worst_fit_error_percent": 100 * worst_fitted,
            "worst_queueing_error_percent": 100 * worst_queued,
        },
    )
    for said in (
        "Verdict (wake everybody): the most, 3,200 requests/s, come from 16 threads, and 48 "
        "threads do 20 % less.",
        f"Queueing for the lock alone predicts this within {significant(100 * worst_queued, 2)} %",
        f"the scalability law, fitted, within {significant(100 * worst_fitted, 2)} %, with "
        "sigma = 0.02 (95 % interval 0.011 to 0.031) and kappa = 0.002 (0.0012 to 0.0029). "
        "Fitted to absolute errors: 0.031 and 0.0014.",
    ):
        assert said in run.reading
    assert "48 threads do not do clearly less" in measured(fell=0.95).reading
    assert_table(
        run,
        {
            "threads": THREADS,
            "measured (rps)": RATES,
            "from": RATES - 90,
            "to": RATES + 70,
            "queueing alone (rps)": queued,
            "fitted law (rps)": fitted,
        },
    )


def test_the_picture_of_threads() -> None:
    runs = [measured("wake one"), measured("wake everybody")]
    (ax,) = axes_of(real_scalability.plot_measured, *runs)
    queued, fitted = expected()
    every = np.arange(1, 49)
    np.testing.assert_allclose(drawn.curve(ax, color=style.INK), np.column_stack([every, queued]))
    for color, marker in ((style.ORANGE, "s"), (style.VERMILION, "o")):
        look = style.MEASUREMENT | {"color": color, "marker": marker}
        assert_bars(drawn.error_bars(ax, **look), THREADS, runs[0].throughput)
        np.testing.assert_allclose(
            drawn.curve(ax, color=color, linestyle="--"), np.column_stack([every, fitted])
        )
    assert {"wake one", "wake everybody"} <= set(drawn.written(ax))
