"""Retries: p^k, every case followed by hand, dead letters, and the pages of both."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import amount, percent
from helpers.messaging import dead_letters, retries
from tests import drawn
from tests.checks import assert_legible, assert_share, drawn_by

Setting = retries.Setting


def literal(at, tries):
    """Chance of never, once and more often, by going through all that can happen."""
    chances = [0.0, 0.0, 0.0]
    for fate in itertools.product(("lost", "silent", "heard"), repeat=tries):
        chance, effects, last = 1.0, 0, None
        for n, what in enumerate(fate):
            p = at.lost if what == "lost" else 1 - at.lost
            if what != "lost":
                p *= at.reply_lost if what == "silent" else 1 - at.reply_lost
                known = at.keyed and last is not None and (n - last) * at.pause_s <= at.memory_s
                if not known:
                    effects, last = effects + 1, n
            chance *= p
            if what == "heard":
                chance /= 3 ** (tries - n - 1)  # what would have come after it did not
                break
        chances[min(effects, 2)] += chance
    return chances


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"keyed": True},
        {"keyed": True, "pause_s": 200.0},
        {"keyed": True, "pause_s": 400.0, "lost": 0.4, "reply_lost": 0.6},
    ],
)
def test_theory_is_what_going_through_all_cases_gives(values):
    for tries in (1, 2, 4, 6):
        at = Setting(tries=tries, **values)
        assert list(retries.theory(at)) == pytest.approx(literal(at, tries))
        assert retries.theory(at).never == pytest.approx(at.lost**tries)


def check_tries(**values):
    run = retries.simulate(**values)
    for k in retries.TRIES.tolist():
        exact = retries.theory(run.at, k)
        assert_share(round(20_000 * run.never[k - 1]), 20_000, exact.never)
        assert_share(round(20_000 * run.more[k - 1]), 20_000, exact.more)


@pytest.mark.parametrize("values", [{}, {"lost": 0.5, "reply_lost": 0.5, "keyed": True,
                                         "pause_s": 200.0}])  # fmt: skip
def test_the_simulation_follows_it(values):
    check_tries(**values)


@pytest.mark.parametrize("share", [0.9, 1.2])
def test_other_losses_are_caught(monkeypatch, share):
    true = retries.theory
    monkeypatch.setattr(retries, "theory", lambda at, k=None: true(at.but(lost=share * at.lost), k))
    with pytest.raises(AssertionError):
        check_tries()


def test_a_key_that_is_remembered_long_enough_ends_all_double_effects():
    for tries in (2, 5, 10):
        at = Setting(keyed=True, tries=tries, pause_s=30.0, memory_s=300.0)
        assert retries.theory(at).more == 0
    assert retries.theory(Setting(keyed=True, tries=10, pause_s=301.0)).more > 0


@pytest.mark.parametrize(
    "values", [{}, {"tries": 1}, {"tries": 10, "keyed": True}, {"lost": 0.9, "reply_lost": 0.9},
               {"reply_lost": 0.0, "lost": 0.01},
               {"tries": 5, "keyed": True, "pause_s": 400.0, "memory_s": 400.0}]
)  # fmt: skip
def test_the_page(values):
    run = retries.simulate(**values)
    at, k, exact = run.at, run.at.tries - 1, retries.theory(run.at)
    assert f"{percent(run.never[k])} of 20,000 messages take no effect" in run.reading
    assert f"(theory: {percent(exact.never)}) and {percent(run.more[k])} take" in run.reading
    assert run.reading.endswith(f"(theory: {percent(exact.more)}).")
    each = [retries.theory(at, n) for n in retries.TRIES.tolist()]
    columns = list(run.columns.values())
    np.testing.assert_allclose(columns[1], 100 * run.effects[:, 0])
    np.testing.assert_allclose(columns[2], [100 * one.never for one in each])
    np.testing.assert_allclose(columns[3], 100 * run.effects[:, 2:].sum(axis=1))
    np.testing.assert_allclose(columns[4], [100 * one.more for one in each])
    ax, shares = drawn_by(retries, run)
    points = drawn.curve(ax, **style.DOTS)
    np.testing.assert_allclose(points[:, 1], run.never[run.never > 0])
    found = drawn.bars(shares, facecolor=style.BLUE).ends
    row = run.effects[k]
    np.testing.assert_allclose(found, 100 * np.append(row[:3], row[3:].sum()))
    assert drawn.marks(shares)[1].sum() == pytest.approx(100)
    kept = [f"a key is kept for {amount(at.memory_s / at.pause_s, 'pause')}"] if at.keyed else []
    assert [said for said in drawn.written(shares) if "kept" in said] == kept
    assert_legible(*drawn_by(retries, run))


# --- dead letters ---------------------------------------------------------------------------------


def check_limits(**values):
    run = dead_letters.simulate(**values)
    good = round(50_000 * (1 - run.at.poison))
    for k in dead_letters.COUNTS.tolist():
        exact = dead_letters.theory(run.at, k)
        assert_share(round(good * run.given_up[k - 1]), good, exact.given_up)
        assert run.cost[k - 1] == pytest.approx(exact.cost, rel=0.05)
        assert run.wasted[k - 1] == pytest.approx(exact.wasted, rel=0.25, abs=1e-9)


@pytest.mark.parametrize("values", [{}, {"fails": 0.7, "poison": 0.1}])
def test_good_messages_are_given_up_with_p_to_the_k(values):
    check_limits(**values)


def test_one_delivery_more_is_caught(monkeypatch):
    true = dead_letters.theory
    monkeypatch.setattr(dead_letters, "theory", lambda at, k=None: true(at, (k or 3) + 1))
    with pytest.raises(AssertionError):
        check_limits()


@pytest.mark.parametrize(
    "values", [{}, {"fails": 0.0, "deliveries": 1}, {"fails": 0.9, "poison": 0.5, "deliveries": 12},
               {"poison": 0.0}]
)  # fmt: skip
def test_the_page_of_dead_letters(values):
    run = dead_letters.simulate(**values)
    at, k, exact = run.at, run.at.deliveries - 1, dead_letters.theory(run.at)
    assert f"{percent(run.given_up[k])} of the good messages" in run.reading
    assert f"(theory: {percent(exact.given_up)})" in run.reading
    assert f"costs {amount(run.cost[k], 'delivery', 'deliveries')} (theory:" in run.reading
    assert f"{percent(run.wasted[k] / run.cost[k])} of all deliveries" in run.reading
    each = [dead_letters.theory(at, n) for n in dead_letters.COUNTS.tolist()]
    columns = list(run.columns.values())
    np.testing.assert_allclose(columns[1], 100 * run.given_up)
    np.testing.assert_allclose(columns[2], [100 * one.given_up for one in each])
    np.testing.assert_allclose(columns[4], [one.cost for one in each])
    _, cost = drawn_by(dead_letters, run)
    np.testing.assert_allclose(drawn.curve(cost, **style.DOTS)[:, 1], run.cost)
    np.testing.assert_allclose(drawn.curve(cost, **style.THEORY)[:, 1], columns[4])
    np.testing.assert_allclose(drawn.area(cost, style.PALE_RED).high, run.wasted)
    assert_legible(*drawn_by(dead_letters, run))
