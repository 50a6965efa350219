"""Rumours: rounds, residue and traffic against theory and the tables of 1987; edits; page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.consistency import gossip
from helpers.consistency.gossip import COIN, COUNTER, FEEDBACK, FOREVER, PUBLISHED, WAYS
from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
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

MODEL = "helpers.consistency.gossip:rumour"
ONE_BY_ONE = edited(
    MODEL,
    "in_vain = learned.setdefault(other, rounds) < rounds",
    "in_vain = other in learned\n            learned.setdefault(other, rounds)",
)
RANDOM = """            other = int(luck.random() * (at.sites - 1))
            other += other >= me  # anybody but me
"""


@pytest.mark.parametrize("sites", [100, 1_000, 3_000])
def test_a_push_takes_log2_n_and_ln_n_rounds(sites):
    run = gossip.simulate(way=FOREVER, sites=sites, replications=40)
    assert not run.left[:, -1].any()
    # O(1): between 0 and 2 rounds more, at all three sizes (Pittel 1987 leaves it open).
    more = run.last.mean() - gossip.theory(run.at).rounds
    assert 0 < more < 2
    assert gossip.theory(run.at).rounds == pytest.approx(math.log(sites) * (1 + 1 / math.log(2)))


@pytest.mark.parametrize("way", [COUNTER, COIN])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_the_tables_of_1987(way, k):
    residue, traffic, average, last = PUBLISHED[way][k]
    runs = 600 if (way, k) == (COIN, 1) else 60  # which are short, and differ widely
    run = gossip.simulate(way=way, k=k, replications=runs)
    # Printed with two digits, from a number of runs that the paper does not say.
    assert run.left[:, -1].mean() == pytest.approx(residue, rel=0.2)
    assert run.traffic.mean() == pytest.approx(traffic, rel=0.08, abs=0.01)
    assert run.last.mean() == pytest.approx(last, abs=1.5)
    assert -0.5 < average - run.average.mean() < 3.0  # the page says that these differ


@pytest.mark.parametrize("k", [2, 3])
def test_the_residue_of_a_blind_coin(k):
    run = gossip.simulate(way=COIN, k=k, sites=3_000, replications=60)
    started = run.left[:, -1] < 0.9  # the coin may stop the first caller, and then all is over
    expected = gossip.theory(run.at).residue
    assert started.mean() > 0.3
    # The theory is a limit: 3,000 copies leave out up to a tenth more or fewer.
    assert_mean(run.left[started, -1], expected, allowance=0.1 * expected)
    caught(assert_mean, run.left[started, -1], 1.4 * expected)


@pytest.mark.parametrize("k", [1, 2])
def test_the_residue_of_feedback_is_for_calls_one_after_the_other(k):
    setting = {"way": FEEDBACK, "k": k}
    left = [one["residue"] for one in each_of(ONE_BY_ONE, gossip.Setting, 40, **setting)]
    expected = gossip.theory(gossip.Setting(**setting)).residue
    assert_mean(left, expected, allowance=0.03 * expected)
    rounds = gossip.simulate(**setting, replications=40).left[:, -1]
    assert 0.8 * expected < rounds.mean() < 0.95 * expected


def test_who_is_left_out_is_a_matter_of_traffic():
    for way in (COUNTER, FEEDBACK):
        for k in (1, 2, 3):
            run = gossip.simulate(way=way, k=k, replications=40)
            assert run.left[:, -1].mean() == pytest.approx(
                float(np.mean(gossip.left_by(run.traffic))), rel=0.15
            )


@pytest.mark.parametrize("way", WAYS)
def test_the_model_is_the_simulation(way):
    run = gossip.simulate(way=way, sites=300, k=3, replications=60)
    mine = each_of(gossip.rumour, gossip.Setting, 40, way=way, sites=300, k=3)
    for name, values in zip(("residue", "traffic", "average", "last"), run.outcome, strict=True):
        own = np.array([one[name] for one in mine], float)
        error = math.hypot(own.std() / math.sqrt(40), values.std() / math.sqrt(60))
        assert abs(own.mean() - values.mean()) <= 4.5 * error + 1e-12, name


def averages(model, runs=4, **setting):
    said = each_of(model, gossip.Setting, runs, **setting)
    return {name: float(np.mean([one[name] for one in said])) for name in said[0]}


def test_calling_neighbours_takes_ages():
    near = edited(MODEL, RANDOM, "            other = (me + luck.integers(1, 6)) % at.sites\n")
    usual, slow = averages(gossip.rumour), averages(near)
    assert 250 < slow["last"] < 400
    assert usual["last"] < 20
    assert slow["traffic"] == pytest.approx(usual["traffic"], rel=0.1)
    assert slow["residue"] < 2 * usual["residue"]


def test_asking_in_the_end_leaves_nobody_out():
    asks = edited(
        MODEL,
        "    return {",
        """    while len(learned) < at.sites:
        rounds += 1
        for me in set(range(at.sites)) - learned.keys():
            calls += 1
            if learned.get(int(luck.random() * at.sites), rounds) < rounds:
                learned[me] = rounds
    return {""",
    )
    usual, all_know = averages(gossip.rumour), averages(asks)
    assert all_know["residue"] == 0 < usual["residue"]
    assert all_know["traffic"] < 1.1 * usual["traffic"]
    assert all_know["last"] < usual["last"] + 8


@pytest.mark.parametrize(
    "other", [ONE_BY_ONE, edited(MODEL, "                vain[me] = 0\n", "")],
    ids=["in vain if told in this round", "a counter that never starts again"],
)  # fmt: skip
def test_the_other_readings_of_the_paper_do_not_fit(other):
    assert averages(other, runs=60)["residue"] > 1.17 * PUBLISHED[COUNTER][2][0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("setting", [{}, {"sites": 10, "k": 5}, {"sites": 3_000, "k": 1}])
def test_the_page(way, setting):
    run = gossip.simulate(way=way, **setting)
    at, exact, said = run.at, gossip.theory(run.at), run.reading
    assert f"{at.sites:,} copies" in said
    if way == FOREVER:
        assert f"theory {significant(exact.rounds)}" in said
        assert f"{significant(run.last.mean())} round" in said
    else:
        assert f"{significant(100 * run.residue.estimate)} %" in said
        assert f"{significant(100 * float(gossip.left_by(run.traffic.mean())))} %" in said
    assert f"{significant(run.traffic.mean())} call" in said
    assert_columns(run, round=np.arange(run.left.shape[1]), do_not_know=100 * run.left.mean(axis=0))
    mine = {"last": 12.0, "traffic": 4.0, "residue": 0.02}
    when, price = drawn_by(gossip, run, mine=mine)
    curve = drawn.curve(when, **style.SIMULATION)
    np.testing.assert_allclose(curve[:, 1], np.maximum(run.left.mean(axis=0), 1e-4))
    dots = drawn.curve(price, color=style.BLUE, marker="o")
    np.testing.assert_allclose(
        dots, np.column_stack([np.minimum(run.traffic, 20), np.maximum(run.left[:, -1], 1e-4)])
    )
    if way in PUBLISHED and at.sites == 1_000:
        assert drawn.rings(price).tolist() == [[PUBLISHED[way][at.k][1], PUBLISHED[way][at.k][0]]]
    if way in (FEEDBACK, COIN):
        assert drawn.levels(when, **style.THEORY) == [exact.residue]
    np.testing.assert_allclose(diamonds(price), [[4.0, 0.02]])
    assert diamonds(when)[0, 0] == 12.0
    assert_legible(when, price)


def test_the_table_beside_the_paper():
    table = gossip.beside_the_paper(COUNTER, runs=4)
    run = gossip.simulate(k=3, replications=4)
    assert table["k"] == [1, 2, 3, 4, 5]
    assert table["residue, 1987"] == [0.18, 0.037, 0.011, 0.0036, 0.0012]
    assert table["traffic"][2] == pytest.approx(run.traffic.mean(), rel=0.05)
    assert table["last delay"][2] == pytest.approx(run.last.mean(), rel=0.01)
