"""Real queues between real threads, beside theory for the load that they had."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.messaging import bounded_queue, real_bounded_queue
from tests import drawn
from tests.checks import drawn_by
from tests.measurements import had_time


@pytest.mark.parametrize("policy", real_bounded_queue.MEASURED)
def test_real_queues(tidy, policy):
    run = real_bounded_queue.measure(policy=policy, jobs=120, work_ms=4.0)
    assert np.all((run.undone >= 0) & (run.undone <= run.offered))
    assert run.undone.sum() > 0
    if had_time(run.verdict):
        wide = run.interval.half_width * 4.5 / 2.36  # eight queues: seven in a million
        assert abs(run.interval.estimate - run.expected) < wide + 0.02


def measured(undone=20.0, policy="turn away", late_s=1e-5):
    offered = np.full(8, 100.0)
    return real_bounded_queue.MeasuredBounded(
        real_bounded_queue.Trial(policy=policy),
        offered=offered,
        undone=undone + np.arange(8) - 3.5,
        gap_s=0.004,
        work_s=0.0048,
        late_s=late_s,
    )


@pytest.mark.parametrize("policy", real_bounded_queue.MEASURED)
def test_the_page_of_a_measurement(policy):
    exact = bounded_queue.theory(bounded_queue.Setting(load=1.2, room=6, policy=policy)).undone
    run = measured(100 * exact, policy)
    assert run.expected == pytest.approx(exact)
    assert run.verdict.endswith(": agrees")
    assert measured(50.0, policy).verdict.endswith("disagrees")
    assert measured(50.0, policy, late_s=0.1).verdict.startswith("No verdict")
    assert policy in run.reading
    assert "120 %" in run.reading
    _, *columns = run.columns.values()
    np.testing.assert_allclose(columns[0], run.undone)
    bars, _ = drawn_by(real_bounded_queue, bounded_queue.simulate(policy=policy), run)
    bar = drawn.error_bars(bars, **style.MEASUREMENT)
    assert bar.middle.tolist() == pytest.approx([100 * (1 - exact)])
    assert bar.low.tolist() == pytest.approx([100 * (1 - run.interval.high)])
