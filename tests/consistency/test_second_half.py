"""The second half's questions, goals, and numbers that its prose states, worked out again."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.authoring.check import markdown_of
from helpers.authoring.course import ROOT
from helpers.authoring.glossary import unlinked
from helpers.consistency import (
    bank,
    broadcast,
    gossip,
    last_writer,
    overdraft,
    questions,
    sharded_counter,
)
from helpers.consistency.gossip import COIN, COUNTER, PUBLISHED
from helpers.consistency.last_writer import READ_FIRST

NOTEBOOK = ROOT / "notebooks" / "07_consistency_models.ipynb"
PAGE = unlinked(markdown_of(NOTEBOOK))
SOURCE = NOTEBOOK.read_text(encoding="utf-8")

OWN = ("skew", "overwrite", "ring", "rounds", "messages", "orders", "rows", "limit")


def says(*phrases: str) -> None:
    """Fail unless the page says so."""
    for phrase in phrases:
        assert phrase in PAGE, phrase


@pytest.mark.parametrize("name", OWN)
def test_a_prediction_has_an_answer_and_is_asked(name):
    asked = questions.PREDICTIONS[name]
    answer = asked.answer()
    if asked.options:
        assert answer in asked.options
    else:
        assert math.isfinite(answer)
        assert asked.unit
    assert f'predict(questions, \\"{name}\\")' in SOURCE


def test_the_answers_are_those_that_the_words_explain():
    answers = {name: questions.PREDICTIONS[name].answer() for name in OWN}
    assert answers["skew"] == pytest.approx(11.5, abs=0.1)
    assert 1 / 6.5 < 1.5 * answers["skew"] / 100 < 1 / 5.5  # one pair of six, if clocks differ
    assert answers["overwrite"] == "they all show the same wrong number"
    assert answers["ring"] == pytest.approx(25 * math.exp(-0.5))
    assert answers["rounds"] == pytest.approx(10 + 7, abs=1.5)
    assert answers["messages"] == 24
    assert answers["orders"] == 14
    assert answers["rows"] == pytest.approx(8.0)
    assert answers["limit"] == "100 dollars"


def test_where_guesses_are_marked_is_where_the_answer_is_drawn():
    for name, value in (("skew", 0.115), ("ring", 0.152), ("rows", 0.008), ("orders", 14.0)):
        asked = questions.PREDICTIONS[name]
        assert asked.answer() * asked.scale == pytest.approx(value, rel=0.01)


@pytest.mark.parametrize("name", ["converge", "causal", "bank"])
def test_a_quiz_is_asked(name):
    assert questions.QUIZZES[name].answer in questions.QUIZZES[name].options
    assert f'quiz(questions, \\"{name}\\")' in SOURCE


def test_goals_can_be_met_and_are_not_met_at_the_opening():
    busy = {"likes_rps": 500.0}
    for name, missed, met in (
        (
            "none-lost",
            [last_writer.simulate(), last_writer.simulate(skew_ms=29.0, stamp=READ_FIRST),
             last_writer.simulate(gap_ms=200.0),
             last_writer.simulate(stamp=READ_FIRST, delay_ms=45.0)],
            last_writer.simulate(stamp=READ_FIRST),
        ),
        (
            "cheap-and-near",
            [broadcast.simulate(), broadcast.simulate(shape="line"),
             broadcast.simulate(shape="tree of 2"),
             broadcast.simulate(shape="tree of 4", echo=True),
             broadcast.simulate(shape="tree of 4", nodes=24)],
            broadcast.simulate(shape="tree of 4"),
        ),
        (
            "skewed",
            [bank.simulate(), bank.simulate(isolation=bank.SNAPSHOT),
             bank.simulate(work=bank.WITHDRAWALS)],
            bank.simulate(work=bank.WITHDRAWALS, isolation=bank.SNAPSHOT),
        ),
        (
            "few-rows",
            [sharded_counter.simulate(rows=rows, **busy) for rows in (1, 5, 7)]
            + [sharded_counter.simulate(rows=6)],
            sharded_counter.simulate(rows=6, **busy),
        ),
    ):  # fmt: skip
        goal = questions.GOALS[name]
        (reached,) = goal.parts.values()
        assert not any(reached(run) for run in missed), name
        assert reached(met), name
        assert goal.boundary(met).endswith(".")
        assert f'find=(questions, \\"{name}\\")' in SOURCE


def test_clocks():
    says("nearly nine of ten later writes are lost", "Nearly a quarter of all writes is lost")
    says("one confirmed write in nine is not kept")
    at = last_writer.Setting()
    assert 1 / last_writer.theory(at, np.array([40.0]))[0] == pytest.approx(9, abs=0.5)


def test_rumours():
    says("Seven calls a copy leave out one in a thousand")
    assert math.exp(-7) == pytest.approx(1e-3, rel=0.1)
    says("it takes some 300 rounds instead of 17")  # test_gossip: the edits
    says("the residue at *k* = 2 is a fifth too high or more")  # test_gossip: the other readings
    says("average delays are up to three rounds longer than ours")
    for way in (COUNTER, COIN):
        for k, (_, _, average, _) in PUBLISHED[way].items():
            runs = 400 if (way, k) == (COIN, 1) else 20  # which differ widely
            run = gossip.simulate(way=way, k=k, replications=runs)
            assert average - run.average.mean() < 3


def test_broadcasts():
    says("Medians and percentiles agree within 25 ms")  # test_broadcast: the guide
    says("for a line that is *n* − 1 hops, for a grid about twice the square root of *n*")
    fast = broadcast.simulate(kind=broadcast.EXPONENTIAL).quantiles_ms
    says("Exponential delays of the same mean are *faster* in a grid")
    assert (fast < broadcast.simulate().quantiles_ms).all()


def test_bank():
    says("There are six orders now, and all are right", "only 4 of the 70 orders are right")
    says("may take 150 from an account of their own", "Each looks at both, sees 200")
    assert (bank.WITHDRAWS, sum(bank.OPENING.values())) == (150, 200)


def test_likes_and_limits():
    says("Half of all likes now take the first row, and a like takes a fifth longer")
    assert 8 * 0.5**3 == 1  # where the cube reaches the second row
    says("at twice as many the first row is as busy as a single one was at the opening")
    opening = sharded_counter.Setting()
    assert 0.5 * opening.but(likes_rps=300.0).utilisation == pytest.approx(opening.utilisation)
    says("with probability 1 − e^(−*w*/*b*)")
    says("by the number of machines times the limit")  # test_overdraft: a limit bounds
    assert overdraft.theory(overdraft.Setting(), np.array([0.0])).overdrawn_usd[0] == 0
