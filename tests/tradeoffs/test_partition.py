"""The cut network: majorities, the checker, the edits, the replay, and the page."""

from __future__ import annotations

import math

import pytest

from helpers.foundations.drawing import style
from helpers.foundations.drawing.clicks import clickables
from helpers.foundations.histories import linearizable, overwritten_reads, smallest_violation
from helpers.foundations.prose import duration
from helpers.tradeoffs import partition
from helpers.tradeoffs.partition import AP, CP
from tests import drawn
from tests.checks import assert_legible, drawn_by, each_of
from tests.models import edited

MODEL = "helpers.tradeoffs.partition:operation, one_cut"
SEEDS = range(12)


@pytest.mark.parametrize("replicas", [2, 3, 4, 5])
@pytest.mark.parametrize("delay_ms", [1.0, 20.0, 200.0])
def test_majorities_are_linearizable_and_refuse_the_smaller_side(replicas, delay_ms):
    for seed in SEEDS:
        run = partition.simulate(replicas=replicas, delay_ms=delay_ms, cut_off=2, seed=seed)
        assert run.verdict.holds is True
        assert run.wrong == []
        exact = partition.theory(run.at)
        for far, answered in ((True, exact.smaller), (False, exact.larger)):
            side = run.side(far)
            refused = [one for one in side if one.end == math.inf]
            if answered == 0:
                assert len(refused) == len(side)
            elif run.at.cut_until_s + 1 < run.at.run_s:
                assert refused == []


@pytest.mark.parametrize("replicas", [2, 3, 5])
def test_whoever_answers_anyway_refuses_nobody_and_is_wrong(replicas):
    for seed in SEEDS:
        run = partition.simulate(replicas=replicas, way=AP, seed=seed)
        assert run.refused == []
        assert run.verdict.holds is False
        assert set(run.wrong) <= set(run.history)
        assert partition.theory(run.at) == (1.0, 1.0)


def test_two_or_three_operations_show_it():
    sizes = [len(partition.simulate(way=AP, seed=seed).smallest) for seed in range(40)]
    assert set(sizes) <= {2, 3}  # two if the old value is that of the beginning
    assert sizes.count(3) > 20
    part = partition.simulate(way=AP).smallest
    assert linearizable(part).holds is False
    assert [one.kind for one in part].count("write") == 2


def test_without_a_cut_majorities_take_four_messages():
    for delay_ms in (5.0, 20.0, 75.0):
        run = partition.simulate(cut=False, delay_ms=delay_ms)
        assert run.median_ms == pytest.approx(4 * delay_ms, rel=0.12)
        assert run.refused == []
        near = partition.simulate(cut=False, delay_ms=delay_ms, way=AP)
        assert near.median_ms == pytest.approx(1.0)


def test_without_a_cut_the_far_are_wrong_more_often():
    def wrong(delay_ms):
        runs = [partition.simulate(cut=False, way=AP, delay_ms=delay_ms, seed=s) for s in SEEDS]
        return sum(len(run.wrong) for run in runs)

    assert wrong(1.0) < wrong(20.0) < wrong(200.0)


def outcome(model, **setting):
    return each_of(model, partition.Setting, 1, **setting)[0]


def test_half_is_enough_is_split_brain():
    half = edited(MODEL, "at.replicas // 2 + 1", "at.replicas // 2")
    for seed in SEEDS:
        out = outcome(half, replicas=2, seed=seed)
        assert out["refused"] == 0
        assert out["linearizable"] is False
        assert outcome(partition.one_cut, replicas=2, seed=seed)["linearizable"] is True


def test_local_reads_are_never_refused_and_get_old():
    local = edited(MODEL, "if at.way == AP:", "if at.way == AP or value is None:")
    wrong = 0
    for seed in SEEDS:
        out = outcome(local, seed=seed)
        refused = [one for one in out["history"] if one.end == math.inf]
        assert {one.kind for one in refused} == {"write"}
        assert out["linearizable"] is False
        wrong += out["wrong"]
    assert wrong > 30


def test_the_smallest_violation_is_one():
    for seed in range(4):
        history = partition.simulate(way=AP, replicas=5, seed=seed).history
        part = smallest_violation(history)
        assert linearizable(part).holds is False


@pytest.mark.parametrize("setting", [{}, {"way": AP}, {"replicas": 2}, {"cut": False},
                                     {"replicas": 5, "cut_off": 2},
                                     {"cut": False, "way": AP}])  # fmt: skip
def test_the_page(setting):
    run = partition.simulate(**setting)
    at, said = run.at, run.reading
    assert ("While the network is cut" in said) == at.cut
    assert f"{len(run.wrong)} read" in said
    assert duration(round(run.median_ms / 1e3, 6)) in said
    assert ("The checker finds an order" in said) == bool(run.verdict.holds)
    if at.cut:
        for far in (True, False):
            side = run.side(far)
            refused = sum(one.end == math.inf for one in side)
            assert f"{refused} of {len(side)} operation" in said
    if not run.verdict.holds:
        assert f"{len(run.smallest)} operations suffice" in said
        assert len(run.table()) == len(run.smallest)
    where, when = drawn_by(partition, run, mine={"refused": 3.0, "wrong": 1.0})
    blue = drawn.curve(when, color=style.BLUE, marker="o")
    crosses = drawn.curve(when, color=style.INK, marker="x")
    red = drawn.curve(when, color=style.VERMILION, marker="o")
    assert (len(crosses), len(red)) == (len(run.refused), len(run.wrong))
    assert len(blue) + len(crosses) + len(red) == len(run.history)
    assert sorted(red[:, 0]) == sorted(one.start for one in overwritten_reads(run.history))
    assert "3 refused, 1 wrong" in " ".join(drawn.written(when))
    spots = clickables(where.figure)
    assert [(one.control, one.value) for one in spots] == [("cut", None)]
    assert_legible(*drawn_by(partition, run))


@pytest.mark.parametrize("way", [CP, AP])
def test_the_replay_tells_every_operation(way):
    run, log = partition.simulate(way=way), partition.watch(way=way)
    told = " ".join(log.told(row) for row in range(len(log.rows)))
    assert told.count("is refused") == len(run.refused)
    assert told.count("returns an overwritten value") == len(run.wrong)
    assert told.count("asks to") == len([one for one in run.history if one.start <= 20])
