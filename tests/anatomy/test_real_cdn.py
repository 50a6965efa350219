"""A real edge and a real origin, beside the round trips that theory counts."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.anatomy import real_cdn
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration
from helpers.foundations.statistics import Interval
from tests import drawn
from tests.checks import axes_of
from tests.measurements import had_time


@pytest.mark.usefixtures("nothing_left_behind")
def test_real_servers_wait_for_their_round_trips() -> None:
    run = real_cdn.measure(requests=40)
    for kind, theory in run.theory_s.items():
        # Never sooner than the speed of light; how much later depends on the machine.
        assert theory - 1e-3 <= run.means[kind].estimate
    had_time(run.reading)
    assert run.origin_calls == round((1 - run.hits) * run.at.requests)


@pytest.mark.parametrize(("late_s", "word"), [(0.002, "agree"), (0.2, "disagree")])
def test_what_is_said_and_drawn_of_real_servers(late_s: float, word: str) -> None:
    times = {"hit": 0.015 + late_s, "miss": 0.076, "direct": 0.141}
    means = {kind: Interval(s, s - 0.001, s + 0.002, 0.95, 60) for kind, s in times.items()}
    run = real_cdn.MeasuredCdn(real_cdn.Trial(), 0.75, means, origin_calls=20, late_s=0.0)
    assert run.theory_s == pytest.approx({"hit": 0.015, "miss": 0.075, "direct": 0.14})
    assert f"two real servers {word} with the sum of the round trips" in run.reading
    assert f"hit {duration(times['hit'])} (theory 15 ms)" in run.reading
    assert f"the latest is {duration(max(late_s, 0.001), 2)} late" in run.reading
    assert run.reading.endswith("The origin saw 20 of 80 requests, 25 %.")
    (ax,) = axes_of(real_cdn.plot_measured, run)
    shown = drawn.error_bars(ax, color=style.VERMILION)
    np.testing.assert_allclose(shown.middle, [1e3 * times[kind] for kind in real_cdn.KINDS])
    np.testing.assert_allclose(shown.high - shown.low, 3)
    np.testing.assert_allclose(drawn.marks(ax)[1], [15, 75, 140])
