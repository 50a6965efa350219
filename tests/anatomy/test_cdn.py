"""The CDN: simulation against the sums of round trips and M/M/c; faults are noticed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.anatomy import cdn
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from tests import drawn
from tests.checks import assert_bars, assert_summary, axes_of


def check(run: cdn.Cdn) -> None:
    """Raise AssertionError unless means and origin load agree with theory.

    99.9 % intervals of the three means would raise a false alarm in 1 of 300 seeds; the seeds are
    fixed. 1 % beside that for the start from empty.
    """
    exact = cdn.theory(run.at)
    for interval, theory in (
        (run.ttfb, exact.mean_s),
        (run.direct, exact.direct_s),
        (run.origin, exact.origin_rps),
    ):
        slack = 1.7 * interval.half_width + 0.01 * theory  # t(99.9 %) / t(95 %) = 1.7 for 63
        assert abs(interval.estimate - theory) <= slack, (interval, theory)


@pytest.mark.parametrize(
    ("distance_km", "hit_ratio", "rate_rps"),
    [(8_000, 0.8, 100), (100, 0.0, 160), (20_000, 0.5, 20), (3_000, 0.97, 150)],
)
def test_simulation_and_theory(distance_km: float, hit_ratio: float, rate_rps: float) -> None:
    where = {"distance_km": distance_km, "hit_ratio": hit_ratio, "rate_rps": rate_rps}
    check(cdn.simulate(**where, replications=64))


def test_faults_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"distance_km": 500.0, "hit_ratio": 0.3, "rate_rps": 150.0, "replications": 64}
    original = cdn._draws

    def constant_service(replications, seed):
        gaps, dice, services = original(replications, seed)
        return gaps, dice, np.ones_like(services)

    def shared_dice(replications, seed):  # hits that depend on the work
        gaps, _, services = original(replications, seed)
        return gaps, 1 - np.exp(-services), services

    for fault in (constant_service, shared_dice):
        monkeypatch.setattr(cdn, "_draws", fault)
        with pytest.raises(AssertionError):
            check(cdn.simulate(**values))
    monkeypatch.setattr(cdn, "_draws", original)
    run = cdn.simulate(**values)
    monkeypatch.setattr(cdn, "ROUND_TRIPS", 2)  # in theory; the run has three
    with pytest.raises(AssertionError):
        check(run)


@pytest.mark.thorough
def test_a_busy_origins_intervals_hold_as_often_as_they_say() -> None:
    """Of these 400 seeds; with 16 replications and Student's interval only in 91 % of them."""
    runs = [cdn.simulate(rate_rps=160.0, hit_ratio=0.0, seed=seed) for seed in range(1, 401)]
    exact = cdn.theory(runs[0].at)
    held = sum(run.direct.contains(exact.direct_s) for run in runs)
    assert 0.93 * 400 <= held <= 0.97 * 400


def test_round_trips_add_up() -> None:
    # 8,000 km: 80 ms a round trip, three of them and 20 ms of work for an idle origin.
    exact = cdn.first_byte(distance_km=8_000, hit_ratio=0.75, rate_rps=1e-9)
    assert exact.direct_s == pytest.approx(0.26)
    assert exact.hit_s == pytest.approx(0.003)
    assert exact.miss_s == pytest.approx(0.003 + 0.08 + 0.02)
    assert exact.mean_s == pytest.approx(0.75 * 0.003 + 0.25 * 0.103)
    assert cdn.first_byte(distance_km=1, hit_ratio=0, rate_rps=200).direct_s == math.inf
    # A hit ratio of 1 has no misses, whatever the origin could or could not do.
    assert cdn.first_byte(distance_km=1, hit_ratio=1, rate_rps=1e6).mean_s < math.inf


# --- what the learner sees ------------------------------------------------------------------------


AT = [
    cdn.Setting(),
    cdn.Setting(distance_km=20_000, hit_ratio=0, rate_rps=160, seed=2),
    cdn.Setting(distance_km=100, hit_ratio=1),
    cdn.Setting(distance_km=100, hit_ratio=0, rate_rps=20),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_and_sentence(at: cdn.Setting) -> None:
    run, exact = cdn.simulate(at), cdn.theory(at)
    assert_summary(
        run,
        {
            "ttfb_ms": 1e3 * run.ttfb.estimate,
            "theory_ttfb_ms": 1e3 * exact.mean_s,
            "ttfb_p99_ms": 1e3 * run.ttfb_p99_s,
            "direct_ms": 1e3 * run.direct.estimate,
            "theory_direct_ms": 1e3 * exact.direct_s,
            "direct_p99_ms": 1e3 * run.direct_p99_s,
            "origin_rps": run.origin.estimate,
            "theory_origin_rps": (1 - at.hit_ratio) * at.rate_rps,
        },
    )
    times = significant(run.ttfb_p99_s / run.direct_p99_s, 2)
    tail = "as long as it was" if times == "1" else f"{times} times what it was"
    for said in (
        f"{significant(at.distance_km)} km from the origin the first byte takes "
        f"{duration(run.direct.estimate)} on average without a CDN and "
        f"{duration(run.ttfb.estimate)} with one that answers {significant(100 * at.hit_ratio)} %",
        f"(theory: {duration(exact.mean_s)})",
        f"waits {duration(run.ttfb_p99_s)} or longer, {tail}, and ",
        f"{significant(run.origin.estimate)} of {significant(at.rate_rps)} requests/s reach",
    ):
        assert said in run.reading


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: cdn.Setting) -> None:
    run = cdn.simulate(at)
    ax, origin = axes_of(cdn.plot, run)
    exact = [cdn.theory(at.but(hit_ratio=h)) for h in cdn.GRID]
    x, y = drawn.curve(ax, **style.THEORY).T
    np.testing.assert_allclose(x, 100 * cdn.GRID)
    np.testing.assert_allclose(y, [1e3 * each.mean_s for each in exact])
    np.testing.assert_allclose(
        drawn.curve(origin, **style.THEORY)[:, 1], [each.origin_rps for each in exact]
    )
    dots = {"marker": "o"}
    here = [100 * at.hit_ratio]
    assert_bars(drawn.error_bars(ax, color=style.BLUE, **dots), here, run.ttfb, 1e3)
    assert_bars(drawn.error_bars(ax, color=style.MUTED, **dots), here, run.direct, 1e3)
    assert_bars(drawn.error_bars(origin, color=style.BLUE, **dots), here, run.origin)
    assert drawn.curve(ax, color=style.PURPLE)[0, 1] == pytest.approx(1e3 * run.ttfb_p99_s)
    tail = drawn.curve(ax, color=style.MUTED, marker="^")
    assert tail[0, 1] == pytest.approx(1e3 * run.direct_p99_s)


# --- real servers ---------------------------------------------------------------------------------
