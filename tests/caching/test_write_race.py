"""The race of two writers: theory, the open model, real threads, and the page."""

from __future__ import annotations

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
