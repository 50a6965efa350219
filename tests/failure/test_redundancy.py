"""Pairs and replicas: theory, a published number, the edits, killed primaries, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.failure import redundancy, replica
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from tests import drawn
from tests.caching.conftest import tidy  # noqa: F401
from tests.checks import (
    assert_legible,
    assert_mean,
    assert_share,
    diamonds,
    drawn_by,
    each_of,
)
from tests.models import edited

MODEL = "helpers.failure.redundancy:one_pair"


def lives(model, **setting):
    """All lives of several runs of a model, hours."""
    runs = each_of(model, redundancy.Setting, 8, **setting)
    return np.concatenate([each["lives_h"] for each in runs])


def test_mirrored_disks_as_patterson_et_al_have_them():
    # "A Case for Redundant Arrays of Inexpensive Disks", SIGMOD 1988, table II: 100 pairs of disks
    # with an MTTF of 30,000 h and an MTTR of 1 h have one of 4,500,000 h.
    at = redundancy.Setting(mttf_h=30_000.0, mttr_h=150.0)
    exact = redundancy.theory(at, 1.0)
    assert float(exact.rule_h) / 100 == 4_500_000
    assert float(exact.exact_h) / 100 == pytest.approx(4_500_000, rel=1e-3)


@pytest.mark.parametrize("setting", [{}, {"mttr_h": 200.0}, {"common": 0.1},
                                     {"common": 1.0, "mttr_h": 50.0}])  # fmt: skip
def test_a_pair_lives_as_long_as_theory_says(setting):
    exact = redundancy.theory(redundancy.Setting(**setting))
    assert_mean(lives(redundancy.one_pair, **setting), float(exact.exact_h))


def test_the_interval_holds_theory_in_95_of_100_seeds():
    at = redundancy.Setting(mttr_h=100.0)
    expected = float(redundancy.theory(at).exact_h)
    inside = sum(redundancy.simulate(at.but(seed=n)).pair.contains(expected) for n in range(300))
    assert_share(inside, 300, 0.94)  # a mean of 100 exponential lives: Student's t is a little off


def test_without_repair_a_pair_lives_half_as_long_again_as_one():
    never = edited(MODEL, "repairs.exponential(at.mttr_h)", "math.inf")
    assert_mean(lives(never), 1_500.0)


def test_a_failure_that_nobody_notices_for_a_week():
    late = edited(MODEL, "repairs.exponential(at.mttr_h)", "168 + repairs.exponential(at.mttr_h)")
    mean = lives(late).mean()
    exact = redundancy.theory(redundancy.Setting(), 168 + 24).exact_h
    assert mean == pytest.approx(float(exact), rel=0.15)
    assert mean < 0.25 * redundancy.theory(redundancy.Setting()).exact_h


def test_a_survivor_that_works_too_hard():
    hard = edited(MODEL, "second_in = fails.exponential(at.mttf_h)",
                  "second_in = fails.exponential(at.mttf_h / 5)")  # fmt: skip
    assert lives(hard).mean() == pytest.approx(1_000**2 / 2 / 24 / 5, rel=0.3)


@pytest.mark.parametrize("setting", [{}, {"common": 0.2}, {"mttr_h": 200.0, "mttf_h": 100.0},
                                     {"mttf_h": 1_000.0, "mttr_h": 10.0, "seed": 3}])  # fmt: skip
def test_the_page_of_a_pair(setting):
    run = redundancy.simulate(**setting)
    at, exact = run.at, redundancy.theory(run.at)
    for hours in (at.mttf_h, run.pair.estimate, float(exact.exact_h), run.pair.low, run.pair.high):
        assert duration(3_600 * hours) in run.reading
    inside = run.pair.contains(float(exact.exact_h))
    assert (" inside the 95 % interval" in run.reading) == inside
    if at.common:
        assert duration(3_600 * at.mttf_h / at.common) in run.reading
    (ax,) = drawn_by(redundancy, run, mine={"mttf_h": 5_000.0})
    curve = drawn.curve(ax, **style.THEORY)
    again = redundancy.theory(at, curve[:, 0])
    np.testing.assert_allclose(curve[:, 1], again.exact_h)
    np.testing.assert_allclose(drawn.curve(ax, color=style.GHOST)[:, 1], again.rule_h)
    bar = drawn.error_bars(ax, **style.DOTS)
    ends = [run.pair.estimate, run.pair.low, run.pair.high]
    assert [*bar.middle, *bar.low, *bar.high] == ends
    assert diamonds(ax).tolist() == [[at.mttr_h, 5_000.0]]
    table = run.columns
    assert table["repair (h)"].tolist() == [1, 2, 5, 10, 24, 48, 100, 200, 500, 1_000]
    np.testing.assert_allclose(
        table["pair (h)"], redundancy.theory(at, table["repair (h)"]).exact_h
    )
    assert_legible(*drawn_by(redundancy, run))


def test_a_pair_that_would_take_minutes_is_refused():
    with pytest.raises(ValueError, match="mttf_h must be at most 200 times mttr_h"):
        redundancy.Setting(mttr_h=1.0)


# --- the replica ----------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", [{}, {"ship_s": 5.0, "misses": 1}, {"check_s": 0.5}])
def test_a_failover_costs_what_theory_says(setting):
    at = replica.Setting(**setting)
    runs = [replica.simulate(at.but(seed=seed)) for seed in range(12)]
    exact = replica.theory(at)
    assert_mean([run.lost.estimate for run in runs], float(exact.lost))
    assert_mean([run.down.estimate for run in runs], float(exact.down_s))
    assert_mean([run.mistakes for run in runs], float(exact.mistakes))
    assert max(run.worst for run in runs) < 1.5 * at.write_rps * (at.ship_s + at.delay_s) + 60


def test_a_synchronous_replica_lacks_nothing():
    run = replica.simulate(way="synchronous")
    assert run.lost.estimate == run.worst == replica.theory(run.at).lost == 0


@pytest.mark.parametrize("setting", [{}, {"way": "synchronous"}, {"misses": 20, "ship_s": 20.0},
                                     {"misses": 1, "ship_s": 0.01}])  # fmt: skip
def test_the_page_of_a_replica(setting):
    run = replica.simulate(**setting)
    at, exact = run.at, replica.theory(run.at)
    for words in (duration(run.down.estimate), duration(float(exact.down_s)),
                  significant(run.mistakes)):  # fmt: skip
        assert words in run.reading
    assert ("loses no acknowledged write" in run.reading) == (at.way == "synchronous")
    lost, watch = drawn_by(replica, run)
    curve = drawn.curve(lost, **style.THEORY)
    expected = replica.theory(at.but(way="asynchronous"), curve[:, 0]).lost
    np.testing.assert_allclose(curve[:, 1], expected)
    if at.way == "asynchronous":
        bar = drawn.error_bars(lost, **style.DOTS)
        assert [*bar.middle, *bar.low, *bar.high] == [
            run.lost.estimate,
            run.lost.low,
            run.lost.high,
        ]
    many = replica.theory(at, misses=np.arange(1, 21))
    np.testing.assert_allclose(drawn.curve(watch, **style.THEORY)[:, 0], many.down_s)
    np.testing.assert_allclose(run.columns["mistakes a year"], many.mistakes)
    assert_legible(*drawn_by(replica, run))


@pytest.mark.parametrize("way", replica.WAYS)
def test_killed_primaries(tidy, way):  # noqa: F811
    run = replica.measure(way=way, kills=8)
    # A write may be committed, or shipped, and die before it is acknowledged.
    assert (run.kept >= run.acknowledged).all()
    assert (run.shipped <= run.kept).all()
    if way == "synchronous":
        assert (run.shipped >= run.acknowledged).all()
        assert run.verdict == "theory 0 writes, lost 0: agrees"
    else:
        assert run.lost.sum() > 0


def measured(lost, way="asynchronous", late_s=0.001):
    acknowledged = np.full(16, 300)
    at = replica.Trial(way=way)
    return replica.MeasuredReplica(at, acknowledged, acknowledged, acknowledged - lost, late_s)


def test_a_verdict_can_be_bad():
    spread = np.arange(16) * 5
    assert measured(spread).verdict.endswith("agrees")
    assert measured(spread + 60).verdict.endswith("disagrees")
    assert measured(spread, late_s=0.2).verdict.startswith("No verdict")
    assert measured(np.ones(16, int), "synchronous").verdict.endswith("disagrees")


def test_the_page_of_killed_primaries():
    run = measured(np.arange(16) * 5)
    assert "4,800 acknowledged" in run.reading
    assert "their replicas 600, 37.5 at a failover" in run.reading
    (ax,) = drawn_by(replica, run)
    points = drawn.curve(ax, **style.MEASUREMENT)
    np.testing.assert_allclose(points, np.column_stack([np.arange(1, 17), np.arange(16) * 5]))
    assert drawn.levels(ax, **style.THEORY) == [40]
    assert_legible(ax)
