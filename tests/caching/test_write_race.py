"""The race of two writers: theory, the open model, real threads, and the page."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from helpers.caching import write_race
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, percent, significant
from tests import drawn
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_share,
    assert_tells,
    diamonds,
    drawn_by,
    each_of,
)
from tests.measurements import had_time


def check_race(simulate):
    for seed, (write_rps, delay_s) in enumerate(((5, 0.01), (20, 0.05), (100, 0.05), (100, 0.2))):
        run = simulate(write_rps=float(write_rps), delay_s=delay_s, replications=4_000, seed=seed)
        exact = write_race.theory(write_race.Setting(write_rps=write_rps, delay_s=delay_s))
        assert_share(round(run.stale_here * 4_000), 4_000, exact)


def test_write_through_ends_stale_as_often_as_theory_says():
    check_race(write_race.simulate)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_race_at_another_rate_is_caught(factor):
    def mutant(*, write_rps, **others):
        return write_race.simulate(write_rps=factor * write_rps, **others)

    with pytest.raises(AssertionError):
        check_race(mutant)


def test_the_whole_curve_of_the_race():
    run = write_race.simulate(replications=4_000, seed=3)
    exact = write_race.theory(run.at, write_race.CROWDS)
    for share, expected in zip(run.stale_share, exact, strict=True):
        assert_share(round(4_000 * share), 4_000, expected)


@pytest.mark.parametrize(("write_rps", "delay_s"), [(60.0, 0.05), (5.0, 0.01)])
def test_the_open_model_gives_the_same_probability(write_rps, delay_s):
    setting = {"write_rps": write_rps, "delay_s": delay_s}
    runs = each_of(write_race.bursts_of_writes, write_race.Setting, 20, **setting)
    stale = round(sum(200 * each["stale_share"] for each in runs))
    assert_share(stale, 4_000, write_race.theory(write_race.Setting(**setting)))


@pytest.mark.parametrize("change", [{"delay": "constant"}, {"fix": "compare versions"}])
def test_no_variation_or_versions_no_race(change):
    setting = {"write_rps": 100.0, "delay_s": 0.2, **change}
    run = write_race.simulate(**setting)
    assert run.stale_here == 0
    assert not run.stale_share.any()
    assert write_race.theory(run.at) == 0
    assert not write_race.theory(run.at, write_race.CROWDS).any()
    (mine,) = each_of(write_race.bursts_of_writes, write_race.Setting, 1, **setting)
    assert mine["stale_share"] == 0


def test_the_burst_shown_is_a_stale_one():
    run = write_race.simulate()
    assert run.kept != run.commit_s.size - 1
    assert np.all(np.diff(run.commit_s) > 0)
    assert np.all(run.cached_s > run.commit_s)


CORNERS = [
    {},
    {"write_rps": 0.5, "delay_s": 0.001},
    {"write_rps": 100.0, "delay_s": 0.2},
    {"fix": "compare versions"},
    {"delay": "constant"},
]


@pytest.mark.parametrize("setting", CORNERS)
def test_the_page(setting):
    run = write_race.simulate(**setting)
    at = run.at
    if run.stale_here:
        assert_tells(
            run.reading, significant(at.crowd), percent(run.stale_here), duration(at.ttl_s)
        )
    else:
        assert_tells(run.reading, f"Not one of {at.replications:,} bursts")
        assert run.reading.endswith("though it could happen.") == at.can_race
        assert run.reading.endswith("or are refused.") == (at.fix == "compare versions")
    assert run.summary["stale_mean_s"] == pytest.approx(run.stale_here * at.ttl_s, rel=6e-3)
    exact = write_race.theory(at, write_race.CROWDS)
    assert_columns(
        run,
        writes_under_way=write_race.CROWDS,
        bursts_that_end_stale=run.stale_share,
        theory=exact,
    )
    burst, share = drawn_by(write_race, run, mine={"stale_share": 0.3})
    for look, values in ((style.SIMULATION, run.stale_share), (style.THEORY, exact)):
        points = np.column_stack([write_race.CROWDS, 100 * values])
        np.testing.assert_allclose(drawn.curve(share, **look), points)
    here = drawn.curve(share, marker="o", color=style.BLUE)
    np.testing.assert_allclose(here, [(at.crowd, 100 * run.stale_here)])
    np.testing.assert_allclose(diamonds(share), [(at.crowd, 30)])
    commits = np.concatenate([line.get_xydata() for line in drawn.lines(burst, marker="o")])
    arrivals = np.concatenate([line.get_xydata() for line in drawn.lines(burst, marker="s")])
    np.testing.assert_allclose(commits[:, 0], 1e3 * run.commit_s)
    np.testing.assert_allclose(arrivals[:, 0], 1e3 * run.cached_s)
    assert set(commits[:, 1]) == {0}
    assert set(arrivals[:, 1]) == {1}
    overtaken = drawn.lines(burst, marker="s", color=style.VERMILION)
    if run.kept == run.commit_s.size - 1:
        assert overtaken == []
        assert "last in the cache too" in drawn.written(burst)
    else:
        (loser,) = overtaken
        assert loser.get_xdata()[0] == pytest.approx(1e3 * run.cached_s[run.kept])
    assert_legible(burst, share)


# --- measured -------------------------------------------------------------------------------------


def test_real_writers_race(tidy):
    run = write_race.measure(bursts=10)
    assert run.stale.shape == (5,)
    assert np.all(run.stale <= 10)
    assert run.stale[-1] > 0  # theory: 7.5 of 10; none at all, one time in a million
    if had_time(run.verdict):
        spread = np.sqrt(run.expected * (1 - run.expected) / 10)
        assert (np.abs(run.stale / 10 - run.expected) < 4.5 * spread).all()


def test_writers_that_take_too_long_are_given_up(tidy):
    with pytest.raises(TimeoutError):
        write_race.measure(bursts=100, timeout_s=0.2)


def measured(stale, late_s=0.0001):
    return write_race.MeasuredWriteRace(write_race.Trial(bursts=80), np.array(stale), late_s)


def test_a_verdict_can_be_bad():
    good = measured([9, 17, 29, 45, 60])
    assert good.verdict == "theory lies inside 5 of 5 95 % intervals: agrees"
    bad = measured([60, 17, 29, 45, 0])
    assert bad.verdict == "theory lies inside 3 of 5 95 % intervals: disagrees"
    assert dataclasses.replace(good, late_s=0.001).verdict.startswith("No verdict")


def test_the_page_of_a_measurement():
    run = measured([9, 17, 29, 45, 60])
    assert_tells(run.reading, "400 bursts", "160 left")
    assert run.summary["stale_share_at_0.25"] == pytest.approx(9 / 80, rel=6e-3)
    assert run.summary["stale_share_at_4"] == pytest.approx(60 / 80, rel=6e-3)
    share = np.array([9, 17, 29, 45, 60]) / 80
    crowds = [0.25, 0.5, 1, 2, 4]
    assert_columns(
        run,
        writes_under_way=crowds,
        measured=share,
        **{"from": [each.low for each in run.intervals]},
        to=[each.high for each in run.intervals],
        theory=[1 - (1 - np.exp(-x)) / x for x in crowds],
    )
    simulated = write_race.simulate()
    *_, ax = drawn_by(write_race, simulated, run)
    bars = drawn.error_bars(ax, **style.MEASUREMENT)
    np.testing.assert_allclose(bars.places, crowds)
    np.testing.assert_allclose(bars.middle, 100 * share)
    np.testing.assert_allclose(bars.low, [100 * each.low for each in run.intervals])
    np.testing.assert_allclose(bars.high, [100 * each.high for each in run.intervals])
