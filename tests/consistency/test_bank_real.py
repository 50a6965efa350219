"""Clerks at a real SQLite file: whose books are in order, whose are not, and what is said of it."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.consistency import bank_real
from helpers.consistency.clerks import ACCOUNTS, AUTOCOMMIT, DEFERRED, IMMEDIATE, OPENING, WAYS
from helpers.foundations.drawing import style
from tests import drawn
from tests.checks import assert_columns, assert_legible, drawn_by


@pytest.fixture(scope="module")
def measured():
    """One measurement of each way, short."""
    return {way: bank_real.measure(way=way, transfers=6, rounds=2, clerks=3) for way in WAYS}


@pytest.mark.parametrize("way", [DEFERRED, IMMEDIATE])
def test_transactions_keep_every_account_right(measured, way):
    run = measured[way]
    assert run.holds.tolist() == run.should.tolist()
    assert (run.missing, run.wrong, run.broken) == (0, 0, 0)
    assert run.verdict.endswith("books in order")


def test_without_them_all_three_read_before_one_writes_and_two_transfers_are_lost(measured):
    run = measured[AUTOCOMMIT]
    assert run.wrong > 0  # the first transfers all met
    assert run.broken == run.at.rounds
    assert run.refused == 0
    assert run.verdict.endswith("books wrong")


def test_deferred_clerks_are_refused_and_immediate_ones_wait(measured):
    # All have read before anybody writes: at least all but one are refused, in each of 3 meetings.
    assert measured[DEFERRED].refused >= 2 + 2 * 1
    assert measured[IMMEDIATE].refused == 0


def test_what_there_should_be_is_what_there_was(measured):
    for run in measured.values():
        assert run.should.sum() == ACCOUNTS * OPENING


@pytest.mark.parametrize("way", WAYS)
def test_the_page(measured, way):
    run = measured[way]
    said = run.reading
    assert "after 18 transfers" in said
    assert f"{run.wrong} of 4 accounts" in said
    assert f"in {run.broken} of 2 rounds" in said
    assert f"{run.refused} attempt" in said
    assert ("no money is missing" in said) == (run.missing == 0)
    if run.missing:
        assert f"{abs(run.missing):,} are" in said
    assert_columns(run, account=[1, 2, 3, 4], holds=run.holds, should=run.should)
    books, rule = drawn_by(bank_real.plot_measured, run)
    for ax, value in ((books, run.wrong), (rule, run.broken)):
        bar = drawn.bars(ax, facecolor=style.VERMILION)
        assert bar.places.tolist() == [WAYS.index(way)]
        np.testing.assert_allclose(bar.ends, [value])
        assert str(value) in drawn.written(ax)
    assert_legible(books, rule)


def test_a_missing_sum_has_its_sign(measured):
    run = measured[IMMEDIATE]
    more = bank_real.MeasuredBank(run.at, run.holds + 5, run.should, 0, 0)
    less = bank_real.MeasuredBank(run.at, run.holds - 5, run.should, 1, 1)
    assert "20 are too many of 4,000" in more.reading
    assert "20 are missing of 4,000" in less.reading
    assert "1 attempt was refused" in less.reading
