"""Real threads, tasks and processes, beside what theory allows them."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Interval
from helpers.why import real_concurrency
from tests import drawn
from tests.checks import assert_table, axes_of


@pytest.mark.usefixtures("nothing_left_behind")
def test_real_workers() -> None:
    found = real_concurrency.measure(cpu_ms=0.5, io_ms=15.0, workers=4, run_s=0.2)
    assert found.io_s >= 0.015
    alone = found.throughput["one thread"].estimate
    for way in ("threads", "asyncio", "processes"):
        assert found.throughput[way].estimate > 1.5 * alone, "waiting overlaps"
        # Each of four workers waits 15 ms between one request and the next.
        assert found.throughput[way].estimate * 0.2 <= 4 * (0.2 / 0.015 + 1)
    assert found.reading.startswith(("Verdict", "No verdict"))


def measured(late_s: float = 0.0) -> real_concurrency.MeasuredConcurrency:
    rates = {"one thread": 45.0, "threads": 380.0, "asyncio": 388.0, "processes": 45.0}
    return real_concurrency.MeasuredConcurrency(
        real_concurrency.Trial(),
        cpu_s=0.002,
        io_s=0.018,
        cores=2,
        throughput={
            way: Interval(rate, rate - 5, rate + 10, 0.95, 3) for way, rate in rates.items()
        },
        late_s=late_s,
    )


def test_what_is_said_and_drawn_of_real_workers() -> None:
    run = measured()
    bounds = {"one thread": 50.0, "threads": 400.0, "asyncio": 400.0, "processes": 400.0}
    assert run.best_rps == pytest.approx(bounds)
    assert run.amdahl_rps == pytest.approx(8 / 0.034)
    told = ", ".join(
        f"{way} {significant(run.throughput[way].estimate / 45)} time"
        f"{'' if way == 'processes' else 's'} "
        f"({significant(100 * run.throughput[way].estimate / 400, 2)} % of the bound)"
        for way in ("threads", "asyncio", "processes")
    )
    assert run.reading == (
        f"Verdict: with {duration(0.002)} of computing and {duration(0.018)} of waiting, 8 workers "
        f"did, compared with one thread: {told}. Amdahl expects {significant(8 * 0.02 / 0.034)} "
        "times on one core."
    )
    assert "No verdict" in measured(late_s=0.01).reading
    rates = run.throughput.values()
    assert_table(
        run,
        {
            "way": list(run.throughput),
            "requests/s": [rate.estimate for rate in rates],
            "from": [rate.low for rate in rates],
            "to": [rate.high for rate in rates],
            "bound": list(bounds.values()),
        },
    )
    left, right = axes_of(real_concurrency.plot_measured, run)
    for ax, scales in ((left, [1.0] * 4), (right, [100 / bound for bound in bounds.values()])):
        shown = drawn.error_bars(ax, color=style.VERMILION)
        np.testing.assert_allclose(shown.places, [3, 2, 1, 0])
        for part, name in (("middle", "estimate"), ("low", "low"), ("high", "high")):
            expected = [getattr(r, name) * s for r, s in zip(rates, scales, strict=True)]
            np.testing.assert_allclose(getattr(shown, part), expected)
    marked = [one.get_xydata()[0, 0] for one in drawn.lines(left, gid="marks")]
    np.testing.assert_allclose(marked, list(bounds.values()))
    amdahl = drawn.spans(left, color=style.MUTED)
    np.testing.assert_allclose(amdahl.places, [run.amdahl_rps] * 2)
