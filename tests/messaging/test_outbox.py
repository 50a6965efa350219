"""The outbox: what a crash between two writes leaves, in a model and in two files."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import percent
from helpers.messaging import outbox
from tests import drawn
from tests.checks import assert_columns, assert_legible, assert_share, diamonds, drawn_by
from tests.checks import runs_of as runs
from tests.models import edited

MODEL = "helpers.messaging.outbox:CrashError, orders_and_messages"
Setting = outbox.Setting


def check_faults(**values):
    run = outbox.simulate(**values)
    for design in outbox.DESIGNS:
        exact = outbox.theory(run.at, design)
        for found, chance in zip(run.faults[design], exact, strict=True):
            assert_share(int(found), 4_000, float(chance))


@pytest.mark.parametrize("crash", [0.02, 0.3])
def test_each_design_has_one_fault_as_often_as_the_others_have_theirs(crash):
    check_faults(crash=crash)


def test_another_chance_is_caught(monkeypatch):
    true = outbox.theory
    monkeypatch.setattr(outbox, "theory", lambda at, design=None: 1.5 * true(at, design))
    with pytest.raises(AssertionError):
        check_faults(crash=0.3)


# --- the open model -------------------------------------------------------------------------------


@pytest.mark.parametrize("crash", [0.02, 0.2])
def test_the_open_model_sends_twice_and_loses_nothing(crash):
    mine = runs(outbox.orders_and_messages, Setting, crash=crash)
    assert mine["order without message"] == mine["message without order"] == 0
    assert_share(round(32_000 * mine["message sent twice"]), 32_000, float(crash * (1 - crash)))


def test_marking_before_sending_loses_messages():
    swapped = edited(
        MODEL,
        "queue.append(order)\n            may_crash()\n            outbox.remove(order)\n",
        "outbox.remove(order)\n            may_crash()\n            queue.append(order)\n",
    )
    after = runs(swapped, Setting)
    assert after["message sent twice"] == after["message without order"] == 0
    assert_share(round(32_000 * after["order without message"]), 32_000, 0.02 * 0.98)


def test_publishing_from_the_order_s_own_step_is_the_old_fault_again():
    dual = edited(
        MODEL,
        "        outbox.append(order)  # in the same transaction: both rows or none\n",
        "        may_crash()\n        queue.append(order)\n",
    )
    after = runs(dual, Setting)
    assert after["message sent twice"] == 0
    assert_share(round(32_000 * after["order without message"]), 32_000, 0.02 * 0.98)


def test_a_receiver_that_knows_the_order_already_mends_the_rest():
    keyed = edited(
        MODEL,
        "            queue.append(order)\n",
        "            if order not in queue[-10:]:\n                queue.append(order)\n",
    )
    after = runs(keyed, Setting, crash=0.1)
    assert set(after.values()) == {0}


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize("design", outbox.DESIGNS)
@pytest.mark.parametrize("crash", [0.001, 0.02, 0.5])
def test_the_page(design, crash):
    run = outbox.simulate(design=design, crash=crash)
    kind = outbox.DESIGNS.index(design)
    found = int(run.faults[design][kind])
    cases = "1 case" if found == 1 else f"{found:,} cases"
    assert f"in {cases} of 4,000 ({percent(found / 4_000)}; theory:" in run.reading
    assert percent(crash * (1 - crash)) in run.reading
    assert_columns(
        run,
        design=outbox.DESIGNS,
        **{
            f"{name.replace(' ', '_')}{end}": values
            for k, name in enumerate(outbox.FAULTS)
            for end, values in (
                ("_(", [100 * run.faults[each][k] / 4_000 for each in outbox.DESIGNS]),
                (",", [100 * outbox.theory(run.at, each)[k] for each in outbox.DESIGNS]),
            )
        },
    )
    mine = dict(zip(outbox.FAULTS, (0.1, 0.2, 0.3), strict=True))
    panels = drawn_by(outbox, run, mine=mine)
    for panel, each in zip(panels, outbox.DESIGNS, strict=True):
        shown = [drawn.bars(panel, facecolor=color).ends[0] for color in outbox._COLORS]
        assert shown == pytest.approx((100 * run.faults[each] / 4_000).tolist())
        np.testing.assert_allclose(drawn.marks(panel)[1], 100 * outbox.theory(run.at, each))
    assert diamonds(panels[2]).tolist() == pytest.approx(np.array([[0, 10], [1, 20], [2, 30]]))
    assert_legible(*drawn_by(outbox, run))


# --- measured -------------------------------------------------------------------------------------


@pytest.mark.parametrize("design", outbox.DESIGNS)
def test_real_services_that_are_killed(tidy, design):
    run = outbox.measure(design=design, kills=6)
    assert run.orders > 0
    allowed = outbox.DESIGNS.index(design)
    assert run.faults[allowed] <= 6  # one a kill
    assert run.faults.sum() == run.faults[allowed]
    assert run.verdict.endswith("other faults: 0, as it must be")


def test_the_page_of_a_measurement():
    sent = Counter({1: 1, 2: 3, 9: 1})
    run = outbox.MeasuredOutbox(outbox.Trial(), frozenset({1, 2, 3}), sent)
    assert run.faults.tolist() == [1, 1, 1]
    assert run.orders == 4
    assert run.verdict == "message sent twice: 1; other faults: 2, which theory rules out"
    assert "1 order without a message, 1 message without an order, 1 message sent" in run.reading
    panels = drawn_by(outbox, outbox.simulate(design="outbox"), run)
    bar = drawn.error_bars(panels[2], **style.MEASUREMENT)
    np.testing.assert_allclose(bar.middle, [25, 25, 25])
