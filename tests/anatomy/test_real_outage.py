"""A real consumer that is away, beside what the fluid says of its backlog."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.anatomy import real_outage
from helpers.foundations.drawing import style
from tests import drawn
from tests.checks import assert_table, axes_of
from tests.measurements import had_time


@pytest.mark.usefixtures("nothing_left_behind")
def test_a_real_consumer() -> None:
    run = real_outage.measure(outage_s=0.3)
    assert run.failed[0] > 0
    assert not run.failed[1:].any()
    # What waits at the end is what was sent meanwhile, but for one job in work; what waited before
    # is added, and that is next to nothing where the machine had time.
    more = run.waiting[1:] - run.sent_in_outage[1:]
    assert more.min() >= -1
    if had_time(run.reading):
        assert more.max() <= 4


def test_a_consumer_that_could_not_catch_up_is_refused() -> None:
    with pytest.raises(ValueError, match=r"drain_rps must be at least 1\.5 times rate_rps"):
        real_outage.Trial(rate_rps=200, drain_rps=250)


@pytest.mark.parametrize(("waiting", "word"), [([0, 57, 62], "agrees"), ([0, 57, 90], "disagrees")])
def test_what_is_said_and_drawn_of_a_real_consumer(waiting: list[int], word: str) -> None:
    failed, accept = np.array([57, 0, 0]), np.array([2.9e-3, 1.2e-5, 6.5e-5])
    sent, drained = np.array([200, 200, 200]), np.array([0, 0.32, 0.34])
    run = real_outage.MeasuredOutage(
        real_outage.Trial(), sent, failed, accept, np.array(waiting), failed, drained, late_s=0.0
    )
    assert run.reading == (
        "Verdict: in an outage of 400 ms 57 direct calls failed and 0 queued ones; the queues grew "
        f"to {waiting[1]} and {waiting[2]} jobs, where theory expects 60 (45 to 75 in 95 % of such "
        f"runs): {word}. They were empty after 320 ms and 340 ms (fluid model 300 ms). Accepting "
        "took 2.9 ms, 12 µs, 65 µs."
    )
    assert_table(
        run,
        {
            "way": real_outage.WAYS,
            "sent": sent,
            "failed": failed,
            "accepted in (µs)": 1e6 * accept,
            "backlog": waiting,
            "drained in (s)": drained,
        },
    )
    (ax,) = axes_of(real_outage.plot_measured, run)
    np.testing.assert_allclose(drawn.curve(ax, marker="X")[:, 1], failed)
    np.testing.assert_allclose(drawn.curve(ax, marker="o")[:, 1], waiting[1:])
    assert drawn.levels(ax, **style.THEORY) == [60]
