"""Real servers behind four policies, beside the simulation of the same requests."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.anatomy import balancing, real_balancing
from helpers.foundations.drawing import style
from tests import drawn
from tests.checks import assert_table, axes_of
from tests.measurements import had_time


@pytest.mark.usefixtures("nothing_left_behind")
def test_real_servers_do_what_the_simulation_says_of_the_same_requests() -> None:
    run = real_balancing.measure(run_s=0.8)
    assert (run.measured_ms > 0).all()
    # Random and round robin pick the same servers in both, and the simulation is fed with the times
    # that requests were sent and served: only lateness separates them, and that only adds.
    assert (run.measured_ms[:2] >= run.replayed_ms[:2] * (1 - 1e-6)).all()
    had_time(run.reading)


def test_what_is_said_and_drawn_of_real_servers() -> None:
    measured, replayed = np.array([150.0, 90.0, 60.0, 30.0]), np.array([140.0, 89.0, 61.0, 40.0])
    run = real_balancing.MeasuredBalancing(
        real_balancing.Trial(), 21.0, measured, replayed, 450, 0.0
    )
    assert run.reading == (
        "Verdict: for 3 of 4 policies the simulation, fed with the same requests, is within 10 % "
        "of what 10 real servers took: random 150 ms (simulated 140), round robin 90 ms (simulated "
        "89), power of two 60 ms (simulated 61), least connections 30 ms (simulated 40). The "
        "widest gap, -25.0 %, is that of least connections."
    )
    assert_table(
        run,
        {
            "policy": real_balancing.MEASURED_POLICIES,
            "measured (ms)": measured,
            "simulated on the same requests (ms)": replayed,
            "gap (%)": 100 * (measured / replayed - 1),
        },
    )
    (ax,) = axes_of(real_balancing.plot_measured, run)
    np.testing.assert_allclose(drawn.bars(ax).lengths, replayed)
    np.testing.assert_allclose(drawn.curve(ax, color=style.VERMILION)[:, 1], measured)
    steady = balancing.closed_forms(0.9, 10)
    _, heights = drawn.marks(ax)
    names = ("random", "round robin", "power of two")
    np.testing.assert_allclose(sorted(heights), sorted(21 * steady[name] for name in names))
    assert (
        "No verdict"
        in real_balancing.MeasuredBalancing(
            real_balancing.Trial(), 21.0, measured, replayed, 450, late_s=0.01
        ).reading
    )
