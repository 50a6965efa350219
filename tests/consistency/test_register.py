"""The register: what each setting promises, the edits, the replay, and the page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.consistency import register
from helpers.consistency.diagram import said
from helpers.consistency.replicas import (
    CUT,
    DOWN,
    FORGETS,
    LEADER,
    LEADER_READS,
    NO_REPAIR,
    READ_REPAIR,
    WRITE_BACK,
)
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws
from helpers.foundations.histories import GUARANTEES, READ, WRITE, linearizable
from helpers.foundations.prose import duration
from tests import drawn
from tests.checks import assert_legible, drawn_by
from tests.models import edited

MODEL = "helpers.consistency.register:read, write, one_history"
SEEDS = range(12)


def wrong(model=register.one_history, seeds=SEEDS, **setting):
    """Of so many runs, those that are not linearizable."""
    found = []
    for seed in seeds:
        at = register.Setting(seed=seed, **setting)
        if model(at, Draws(seed))["linearizable"] != "yes":
            found.append(seed)
    return found


@pytest.mark.parametrize(
    "setting",
    [
        {"repair": WRITE_BACK},
        {"read_quorum": 1, "write_quorum": 3, "repair": WRITE_BACK},
        {"read_quorum": 3, "write_quorum": 1},
        {"way": LEADER_READS},
        {"way": LEADER, "repair": WRITE_BACK},
        {"repair": WRITE_BACK, "loss_percent": 20.0, "twice_percent": 20.0, "hand_off": True},
        {"repair": WRITE_BACK, "fault": CUT},
        {"repair": WRITE_BACK, "fault": DOWN},
    ],
    ids=str,
)
def test_what_is_linearizable_is_so_whatever_the_luck(setting):
    assert wrong(**setting) == []


@pytest.mark.parametrize(
    ("setting", "least"),
    [
        ({"read_quorum": 1, "write_quorum": 1}, 10),
        ({"read_quorum": 1, "write_quorum": 3}, 5),
        ({"read_quorum": 1, "write_quorum": 3, "repair": READ_REPAIR}, 1),
        ({"way": LEADER}, 2),
        ({"repair": WRITE_BACK, "skew_ms": 100.0}, 6),
        ({"repair": WRITE_BACK, "read_quorum": 1, "write_quorum": 3, "fault": FORGETS}, 2),
    ],
    ids=str,
)
def test_what_is_not_shows_it(setting, least):
    assert len(wrong(**setting)) >= least


def test_majorities_alone_are_not_enough_though_it_is_rare():
    bad = wrong(seeds=range(40))
    assert 1 <= len(bad) <= 4
    run = register.simulate(seed=bad[0])
    assert run.at.strict
    assert len(run.smallest) >= 4
    assert {one.kind for one in run.smallest} == {READ, WRITE}


def test_repair_makes_it_rarer_and_write_back_impossible():
    setting = {"read_quorum": 1, "write_quorum": 3, "seeds": range(24)}
    none, after, before = (len(wrong(repair=one, **setting))
                           for one in (NO_REPAIR, READ_REPAIR, WRITE_BACK))  # fmt: skip
    assert none > after > before == 0


def test_the_edits():
    setting = {"read_quorum": 1, "write_quorum": 3, "repair": WRITE_BACK, "seeds": [5]}
    store = "yield from replicas.store(me, newest, at.w)"
    first = edited(MODEL, store, "replicas.tell(me, newest)")
    fewer = edited(MODEL, "store(me, version, at.w)", "store(me, version, at.w - 1)")
    assert wrong(**setting) == []
    assert wrong(first, **setting) == [5]
    assert wrong(fewer, **setting) == [5]


def test_what_is_lost_is_refused_and_what_is_sent_again_helps():
    def given_up(**setting):
        return sum(register.simulate(seed=seed, **setting).given_up for seed in range(6))

    lossy = {"loss_percent": 30.0, "repair": WRITE_BACK}
    assert given_up() == 0
    assert given_up(**lossy) > given_up(**lossy, hand_off=True) > 0
    assert given_up(fault=CUT) > 0 == given_up(fault=DOWN)


def test_messages_take_as_long_as_they_are_said_to():
    # What is under way at the end has not been written down; in a long run that is little.
    run = register.one_history(register.Setting(run_s=60.0), Draws(1))
    took = [message.took for message in run["messages"]]
    assert 1e3 * np.mean(took) == pytest.approx(20, rel=0.06)
    slow = np.array(took) > 1e-3 * 3 * 20 * 8 / 1.7
    assert 0 < slow.mean() < 0.1


def test_reads_and_writes_take_the_rounds_they_do():
    def mean(kind, **setting):
        runs = [register.simulate(seed=seed, **setting) for seed in range(6)]
        return np.mean([one for run in runs for one in run.took_s(kind)])

    assert mean(READ, repair=WRITE_BACK) > 1.6 * mean(READ)
    assert mean(WRITE, way=LEADER) > 1.5 * mean(WRITE)
    assert mean(READ, repair=READ_REPAIR) == pytest.approx(mean(READ), rel=0.25)


@pytest.mark.parametrize(
    "setting",
    [{}, {"read_quorum": 1, "write_quorum": 3, "seed": 4}, {"read_quorum": 1, "write_quorum": 1},
     {"way": LEADER, "seed": 2}, {"repair": WRITE_BACK, "skew_ms": 500.0},
     {"replicas": 5, "loss_percent": 40.0}, {"replicas": 1}],
    ids=str,
)  # fmt: skip
def test_the_page(setting):
    run = register.simulate(**setting)
    words = run.reading
    assert f"Of {len(run.history)} operations, {run.given_up} got too few answers" in words
    for kind in (READ, WRITE):
        assert f"a {kind} takes {duration(round(np.mean(run.took_s(kind)), 4))}" in words
    assert ("The checker finds an order" in words) == bool(run.linearizable)
    kept = [name for name, verdict in run.verdicts.items() if verdict.holds]
    if not run.linearizable:
        assert linearizable(run.smallest).holds is False
        assert f"{len(run.smallest)} operations suffice" in words
        listed = words.partition("What holds: ")[2]
        for name in ("sequential", "causal", *GUARANTEES):
            assert (name in listed) == (name in kept)
        assert run.columns["client"] == [one.client for one in run.smallest]
        assert run.columns["does"] == [one.kind for one in run.smallest]
        values = ["nothing" if one.value is None else one.value for one in run.smallest]
        assert run.columns["value"] == values
        assert run.columns["from (s)"] == [round(one.start, 3) for one in run.smallest]
        ends = ["?" if one.end == math.inf else round(one.end, 3) for one in run.smallest]
        assert run.columns["to (s)"] == ends
        assert len(run.table()) == len(run.smallest)
    else:
        assert list(run.columns["promise"]) == list(run.verdicts)
        assert run.columns["kept"] == ["yes"] * len(kept)
    (ax,) = drawn_by(register, run)
    assert drawn.title(ax) == ("Linearizable" if run.linearizable else "Not linearizable")
    if run.smallest:
        red = drawn.spans(ax, "x", color=style.VERMILION)
        assert len(red.low) == len(run.smallest)
        assert set(np.round(red.low, 9)) == {round(one.start, 9) for one in run.smallest}
        labels = drawn.written(ax)  # one that would touch another is left out
        assert sum(said(one) in labels for one in run.smallest) >= len(run.smallest) - 1
        messages = [m for m in run.messages
                    if (m.begun, f"client {m.client + 1}") in
                    {(one.start, one.client) for one in run.smallest}]  # fmt: skip
        assert sum(line.get_linewidth() == 0.9 for line in ax.lines) == len(messages)
    assert_legible(*drawn_by(register, run))


def test_what_a_model_says_is_written_above():
    (ax,) = drawn_by(register, register.simulate(), mine={"linearizable": "no"})
    assert "your model: linearizable? no" in drawn.written(ax)


@pytest.mark.parametrize("setting", [{}, {"read_quorum": 1, "write_quorum": 3, "seed": 4}])
def test_the_replay_tells_the_violation(setting):
    run, log = register.simulate(**setting), register.watch(**setting)
    told = " ".join(log.told(row) for row in range(len(log.rows)))
    some = run.smallest or sorted(run.history, key=lambda one: one.start)[:3]
    for one in some:
        assert f"{one.client}: {said(one)}" in told
    begun = {(one.start, one.client) for one in some}
    sent = [m for m in run.messages if (m.begun, f"client {m.client + 1}") in begun]
    assert told.count("answers") == sum(m.back for m in sent)
    assert told.count("is wrong") == bool(run.smallest)
    assert f"{some[-1].client}: is wrong" in told or not run.smallest
    assert log.title == ("The violation" if run.smallest else "Three operations")


def test_a_replica_that_keeps_what_comes_last_is_noticed(monkeypatch):
    def keeps_the_last(self, i, version):
        self.copies[i] = version

    monkeypatch.setattr("helpers.consistency.replicas.Replicas._keep", keeps_the_last)
    assert wrong(repair=WRITE_BACK, twice_percent=40.0) != []


def test_a_reader_who_takes_the_oldest_answer_is_noticed():
    oldest = edited(MODEL, "newest = max((", "newest = min((")
    assert len(wrong(oldest, repair=WRITE_BACK)) > len(SEEDS) / 2
