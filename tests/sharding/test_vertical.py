"""Splitting by feature: queues, ceilings and packing against formulas, and the page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.sharding import vertical
from helpers.sharding.vertical import DESIGNS, PARTS, SERVERS
from tests import drawn
from tests.checks import assert_tells, drawn_by
from tests.sharding.checks import assert_columns, within


def test_ceiling_and_response_in_closed_form() -> None:
    shares = [0.5, 0.3, 0.2]
    assert vertical.ceiling(shares) == pytest.approx(2)
    assert vertical.ceiling(shares, 1) == 1
    assert vertical.ceiling(shares, 100) == pytest.approx(2)
    assert vertical.mean_response(100.0, [1.0], 0.005) == pytest.approx(0.01)
    assert vertical.mean_response([399.0, 400.0], shares, 0.005)[1] == math.inf
    by_hand = sum(f * 0.005 / (1 - 200 * f * 0.005) for f in shares)
    assert vertical.mean_response(200.0, shares, 0.005) == pytest.approx(by_hand)


@pytest.mark.parametrize("design", DESIGNS)
def test_split_designs_are_mixes_of_mm1_queues(design: str) -> None:
    runs = [vertical.simulate(largest_share=0.5, seed=s) for s in range(1, 60)]
    at = runs[0].at
    exact = vertical.theory(at, design, at.rates_rps(design))
    for k in range(4):  # up to 60 % of the ceiling; nearer to it a run of 6,000 is too short
        assert within([run.mean_s[design][k] for run in runs], exact[k], slack=0.01)


def test_the_ceiling_by_feature_is_lower_and_bounds_the_packing() -> None:
    for features in (2, 5, 8):
        run = vertical.simulate(features=features, largest_share=0.6)
        ceilings = {design: vertical.ceiling_rps(run.at, design) for design in DESIGNS}
        assert ceilings["by feature"] < ceilings["by row"]
        bound = np.minimum(SERVERS, 1 / 0.6)
        assert (run.speedup <= bound + 1e-12).all()
        assert run.speedup[-1] == pytest.approx(1 / 0.6)


def test_a_largest_feature_that_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match=r"largest_share must be .* >= 0.353 with 4 features"):
        vertical.Setting(largest_share=0.1)


@pytest.mark.parametrize(
    "setting", [{}, {"features": 8, "largest_share": 0.95, "rate_rps": 1_500.0}, {"features": 2,
                "largest_share": 0.5, "rate_rps": 10.0}, {"rate_rps": 500.0}]
)  # fmt: skip
def test_what_the_learner_sees_is_the_result(setting: dict) -> None:
    run = vertical.simulate(**setting)
    at = run.at
    most = {"one server": 200, "by feature": 200 / at.largest_share, "by row": 200 * at.features}
    latency, capacity = drawn_by(vertical, run)
    curves = drawn.lines(latency, **style.THEORY)
    looks = ((style.MUTED, "s"), (style.VERMILION, "D"), (style.BLUE, "o"))
    for design, curve, (color, marker) in zip(DESIGNS, curves, looks, strict=True):
        rates, times = curve.get_xydata().T
        np.testing.assert_allclose(times, vertical.theory(at, design, rates))
        points = drawn.curve(latency, marker=marker, color=color)
        wanted = np.column_stack((most[design] * PARTS, run.mean_s[design]))
        np.testing.assert_allclose(points, wanted)
        upright = [line.get_xdata()[0] for line in drawn.lines(latency, color=color, linestyle="-")]
        assert upright == [pytest.approx(most[design])]
    assert drawn.here(latency) == at.rate_rps
    np.testing.assert_allclose(drawn.curve(capacity, color=style.BLUE)[:, 1], SERVERS)
    bound = np.minimum(SERVERS, 1 / at.largest_share)
    np.testing.assert_allclose(drawn.curve(capacity, **style.THEORY)[:, 1], bound)
    np.testing.assert_allclose(drawn.curve(capacity, marker="D")[:, 1], run.speedup)
    times = [float(vertical.theory(at, design)) for design in ("by feature", "by row")]
    said = [f"takes {duration(t)}" if np.isfinite(t) else "waits without end" for t in times]
    if np.isfinite(times[0]) == np.isfinite(times[1]):  # the verb is not said twice
        said[1] = said[1].partition(" ")[2]
    assert_tells(
        run.reading,
        f"With {at.features} servers",
        f"saturates at {significant(most['by feature'])} requests/s",
        f"is {significant(100 * at.largest_share)} % of the work",
        f"by row at {significant(most['by row'])};",
        f"at {significant(at.rate_rps)} requests/s",
        f"a request {said[0]} by feature and {said[1]} by row.",
    )
    assert [*run.summary.values()][:3] == pytest.approx(list(most.values()))
    last = ["without end" if np.isinf(time) else pytest.approx(1e3 * time) for time in times]
    assert [*run.summary.values()][3:] == last
    rates = np.concatenate([most[design] * PARTS for design in DESIGNS])
    means = 1e3 * np.concatenate([run.mean_s[design] for design in DESIGNS])
    assert_columns(run, np.repeat(DESIGNS, 6).tolist(), rates, means)
