"""Two clerks: all orders, three levels of isolation, write skew, the edits, and the page."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from helpers.consistency import bank
from helpers.consistency.bank import OPENING, TRANSFERS, WITHDRAWALS
from helpers.consistency.isolation import LEVELS, LOCK, NONE, SNAPSHOT, every_order
from helpers.foundations.drawing import style
from tests import drawn
from tests.checks import assert_legible, diamonds, drawn_by
from tests.models import edited

MODEL = "helpers.consistency.bank:transfer, withdraw, try_every_order"
SETTINGS = [{"work": work, "isolation": level} for work in bank.WORK for level in LEVELS]


@pytest.mark.parametrize("setting", SETTINGS)
def test_what_the_steps_say_is_what_the_amounts_say(setting):
    run = bank.simulate(**setting)
    exact = bank.theory(run.at)
    assert len(run.outcomes) == exact.orders == (70 if run.at.work == TRANSFERS else 20)
    assert sum(run.right) == exact.right
    assert bank.try_every_order(run.at)["right"] == exact.right
    assert len({one.order for one in run.outcomes}) == exact.orders
    assert sum(run.counts.values()) == exact.orders


def test_a_brute_force_of_lost_updates():
    """Every order of eight steps, written out with the sums and nothing else."""
    right = set()
    for order in {"".join(one) for one in permutations("11112222")}:
        held, seen, step = {"A": 100, "B": 100}, {}, {"1": 0, "2": 0}
        for clerk in order:
            account = "AABB"[step[clerk]]
            if step[clerk] % 2 == 0:
                seen[clerk] = held[account]
            else:
                amount = {"1": 30, "2": 50}[clerk]
                held[account] = seen[clerk] + (amount if account == "B" else -amount)
            step[clerk] += 1
        if held == {"A": 20, "B": 180}:
            right.add(order)
    run = bank.simulate()
    assert {one.order for one, fine in zip(run.outcomes, run.right, strict=True) if fine} == right
    assert len(right) == 14


def test_transactions_conserve_money():
    for level in (SNAPSHOT, LOCK):
        run = bank.simulate(isolation=level)
        assert not run.drift.any()
        assert all(one.accounts == {"A": 20, "B": 180} for one in run.outcomes)
    assert bank.simulate().drift.any()


def test_a_snapshot_allows_write_skew_and_a_lock_does_not():
    skewed = bank.simulate(work=WITHDRAWALS, isolation=SNAPSHOT)
    below = [sum(one.accounts.values()) < 0 for one in skewed.outcomes]
    assert sum(below) == 18
    assert all(one.again == 0 for one in skewed.outcomes)
    apart = [one.order in ("111222", "222111") for one in skewed.outcomes]
    assert [not one for one in apart] == below
    locked = bank.simulate(work=WITHDRAWALS, isolation=LOCK)
    assert all(sum(one.accounts.values()) == 50 for one in locked.outcomes)


def test_a_snapshot_shows_one_moment_and_refuses_the_second_to_commit():
    run = bank.simulate(isolation=SNAPSHOT)
    for one in run.outcomes:
        apart = one.order in ("11112222", "22221111")
        assert one.again == (0 if apart else 1)
        assert ("begins again" in " ".join(one.told)) == (not apart)


def test_the_edits():
    adds = edited(
        MODEL,
        """    a = yield "read", "A"
    yield "write", "A", a - amount
    b = yield "read", "B"
    yield "write", "B", b + amount""",
        """    yield "add", "A", -amount
    yield "add", "B", amount""",
    )
    assert adds(bank.Setting()) == {"orders": 6, "right": 6, "money_kept": 6}
    both_first = edited(
        MODEL,
        """    yield "write", "A", a - amount
    b = yield "read", "B"
""",
        """    b = yield "read", "B"
    yield "write", "A", a - amount
""",
    )
    assert both_first(bank.Setting())["right"] == 4
    touches = edited(
        MODEL,
        """        yield "write", mine, a - WITHDRAWS
""",
        """        yield "write", mine, a - WITHDRAWS
        yield "write", other, b
""",
    )
    at = bank.Setting(work=WITHDRAWALS, isolation=SNAPSHOT)
    said = touches(at)
    assert said["right"] == said["orders"]
    without = touches(at.but(isolation=NONE))
    assert without["right"] < without["orders"]


def test_a_fault_in_the_lock_is_noticed(monkeypatch):
    def orders(level, work, opening):
        return every_order(NONE if level == LOCK else level, work, opening)

    monkeypatch.setattr(bank, "every_order", orders)
    run = bank.simulate(isolation=LOCK)
    assert any(one.accounts != {"A": 20, "B": 180} for one in run.outcomes)


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_page(setting):
    run = bank.simulate(**setting)
    counts, exact, said = run.counts, bank.theory(run.at), run.reading
    wrong = exact.orders - exact.right
    if not wrong:
        assert said.startswith(f"After all {exact.orders} orders")
        again = counts["right on a second try"]
        assert (f"in {again} of them" in said) == bool(again)
    elif run.at.work == WITHDRAWALS:
        assert said.startswith(f"After {wrong} of {exact.orders} orders")
    else:
        assert said.startswith(f"Of {exact.orders} orders, {exact.right} are right")
        for name in ("money appears", "money vanishes", "a transfer is undone"):
            assert f"{name} in {counts[name]}" in said
    table = run.columns
    shown = run.worst or run.outcomes[0]
    assert table["what happened"] == list(shown.told)
    assert len(run.table()) == len(shown.told)
    assert (run.worst is None) == (not wrong)
    (ax,) = drawn_by(bank, run, mine={"right": 3.0})
    ends = {}
    for color in (style.BLUE, style.ORANGE):
        found = drawn.bars(ax, facecolor=color)
        ends |= dict(zip(found.places.tolist(), found.ends.tolist(), strict=True))
    heights = [ends[place] for place in sorted(ends, reverse=True)]
    assert heights == list(counts.values())
    line = drawn.curve(ax, **style.THEORY)
    np.testing.assert_allclose(line[:, 0], exact.right)
    said = " ".join(drawn.written(ax))
    assert f"right: {exact.right}" in said
    assert f"wrong: {wrong}" in said
    assert diamonds(ax)[0, 0] == 3.0
    assert_legible(ax)


def test_the_amounts_are_those_of_the_page():
    assert OPENING == {"A": 100, "B": 100}
    assert bank.MOVES == (30, 50)
    assert bank.WITHDRAWS == 150
