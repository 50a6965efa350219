"""One of three real servers killed in each of several clusters, beside theory."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.anatomy import real_health_check
from helpers.foundations.drawing import style
from tests import drawn
from tests.checks import assert_summary, axes_of
from tests.measurements import had_time


@pytest.mark.usefixtures("nothing_left_behind")
def test_real_clusters() -> None:
    run = real_health_check.measure()
    assert run.after == 0
    assert run.errors.sum() > 0
    if had_time(run.reading):
        # The true mean is 15; eight clusters spread by 4 each.
        assert 7 <= run.mean_errors.estimate <= 23
        assert run.detection_s.mean() == pytest.approx(run.expected.detection_s, rel=0.1)


def test_what_is_said_and_drawn_of_real_clusters() -> None:
    errors, detection = np.array([10, 20, 15, 17]), np.array([0.25, 0.35, 0.3, 0.31])
    run = real_health_check.MeasuredHealthCheck(
        real_health_check.Trial(clusters=4), errors, detection, after=2, late_s=0.0
    )
    assert_summary(
        run,
        {
            "clusters": 4,
            "errors_mean": 15.5,
            "errors_theory": 15.0,
            "detection_s": detection.mean(),
            "detection_theory_s": 0.3,
            "errors_afterwards": 2,
        },
    )
    assert run.reading.startswith("Verdict: theory 15 failed requests lies inside the 95 % ")
    assert run.reading.endswith(
        "4 clusters of three real servers lost 15.5 requests each on average, in 302 ms (theory "
        "300 ms); 2 failed after the dead server was out of rotation."
    )
    (ax,) = axes_of(real_health_check.plot_measured, run)
    x, y = drawn.curve(ax, color=style.VERMILION, alpha=0.55).T
    np.testing.assert_allclose(x, [4, 3, 2, 1])
    np.testing.assert_allclose(y, errors)
    assert drawn.levels(ax, **style.THEORY) == [pytest.approx(15)]
