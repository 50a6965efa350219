"""Likes at several replicas: what converges, on what; the edits of the merge, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.consistency import converging
from helpers.consistency.converging import GROW_ONLY, KINDS, LAST_WRITER, PLUS_ONE, UP_DOWN
from helpers.foundations.drawing import style
from tests import drawn
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_mean,
    caught,
    diamonds,
    drawn_by,
    each_of,
)
from tests.models import edited

MODEL = "helpers.consistency.converging:merge, count_likes"
NETWORKS = [{}, {"lost": 0.9, "repeated": 0.0}, {"lost": 0.0, "repeated": 0.9}, {"replicas": 5}]
SEEDS = range(20)


@pytest.mark.parametrize("network", NETWORKS)
def test_merged_counters_are_right_whatever_the_network_does(network):
    for seed in SEEDS:
        for kind, unlikes in ((GROW_ONLY, 0.0), (UP_DOWN, 0.0), (UP_DOWN, 0.4)):
            run = converging.simulate(kind=kind, unlikes=unlikes, seed=seed, **network)
            assert run.values.tolist() == [run.truth] * run.at.replicas
        (mine,) = each_of(converging.count_likes, converging.Setting, 1, seed=seed, **network)
        assert set(mine.values()) == {120}


def test_a_number_that_is_overwritten_converges_on_too_little():
    for seed in SEEDS:
        run = converging.simulate(kind=LAST_WRITER, seed=seed)
        assert run.same
        assert 1 < run.values[0] < run.truth == 120
        alone = converging.simulate(kind=LAST_WRITER, clicks=1, seed=seed)
        assert alone.values.tolist() == [1] * alone.at.replicas


def test_a_counter_that_only_grows_takes_nothing_back():
    for seed in SEEDS:
        run = converging.simulate(kind=GROW_ONLY, unlikes=0.3, seed=seed)
        assert run.same
        assert run.values[0] > run.truth
        assert converging.theory(run.at) is None


@pytest.mark.parametrize("network", NETWORKS)
def test_messages_are_counted_as_often_as_they_come(network):
    runs = [converging.simulate(seed=seed, **network) for seed in range(120)]
    shown = [run.values.mean() / 120 for run in runs]
    expected = converging.theory(runs[0].at)
    assert_mean(shown, expected)
    caught(assert_mean, shown, 1.05 * expected)


def test_unlikes_are_messages_too():
    run = converging.simulate(kind=PLUS_ONE, unlikes=0.3, lost=0.0, repeated=0.0)
    assert run.values.tolist() == [run.truth] * 3
    assert 0 < run.truth < 120


def values(model, runs=8, **setting):
    said = each_of(model, converging.Setting, runs, **setting)
    return np.array([list(one.values()) for one in said])


def test_adding_is_not_idempotent():
    add = edited(MODEL, "max(mine.get(who, 0), theirs.get(who, 0))",
                 "mine.get(who, 0) + theirs.get(who, 0)")  # fmt: skip
    assert (values(add) > 1e11).all()


def test_theirs_is_not_newer():
    theirs = edited(MODEL, "max(mine.get(who, 0), theirs.get(who, 0))",
                    "theirs.get(who, mine.get(who, 0))")  # fmt: skip
    for network in ({}, {"lost": 0.0, "repeated": 0.0}):
        said = values(theirs, **network)
        assert (said < 120).all()
        assert (np.ptp(said, axis=1) > 0).any()


def test_one_count_for_all_forgets_who_counted():
    one = edited(MODEL, "knows[here][here] += 1",
                 'knows[here]["all"] = knows[here].get("all", 0) + 1')  # fmt: skip
    said = values(one)
    assert (np.ptp(said, axis=1) == 0).all()
    assert said.mean() < 120 * 2 / 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("setting", [{}, {"clicks": 1, "replicas": 2}, {"unlikes": 0.5},
                                     {"replicas": 5, "clicks": 400}])  # fmt: skip
def test_the_page(kind, setting):
    run = converging.simulate(kind=kind, **setting)
    at, said = run.at, run.reading
    assert said.startswith(f"{run.truth} like")
    assert ("nothing will make them agree" in said) == (not run.same)
    for value in set(run.values.tolist()):
        assert f"{value:,}" in said
    off = abs(int(run.values[0]) - run.truth)
    assert ("are off by" in said) == (run.same and off > 0)
    assert_columns(run, replica=at.names, shows=run.values, likes=[run.truth] * at.replicas)
    half = dict(zip([f"replica {name}" for name in at.names], run.values / 2, strict=True))
    (ax,) = drawn_by(converging, run, mine=half)
    np.testing.assert_allclose(drawn.bars(ax, facecolor=style.BLUE).ends, run.values)
    assert drawn.levels(ax, color=style.ORANGE) == [run.truth]
    expected = converging.theory(at)
    black = drawn.levels(ax, **style.THEORY)
    assert black == ([] if expected is None or at.unlikes else [expected * at.clicks])
    np.testing.assert_allclose(diamonds(ax)[:, 1], run.values / 2)
    assert run.summary["converged"] == ("yes" if run.same else "no")
    assert_legible(ax)
