"""Consumers that are killed: (b - 1) / 2, and an sqlite3 queue that loses and doubles nothing."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.messaging import killed_consumers
from tests import drawn
from tests.checks import assert_columns, assert_legible, assert_mean, drawn_by

Setting = killed_consumers.Setting


def check_doubled():
    at = Setting(replications=4_000)
    phase = np.random.default_rng(2).random(4_000)
    for batch in killed_consumers.BATCHES:
        doubled = killed_consumers._doubled(at, phase, batch)
        assert_mean(doubled, killed_consumers.theory(at, batch), allowance=1e-9)
        assert doubled.max() <= batch - 1


def test_a_kill_doubles_half_a_batch_on_average():
    check_doubled()


def test_a_whole_batch_is_caught(monkeypatch):
    monkeypatch.setattr(
        killed_consumers, "_doubled", lambda at, phase, batch: np.ceil(phase * batch)
    )
    with pytest.raises(AssertionError):
        check_doubled()


@pytest.mark.parametrize("values", [{}, {"keyed": True}, {"batch": 1}, {"batch": 50}, {"batch": 3}])
def test_the_page(values):
    run = killed_consumers.simulate(**values)
    at, mean = run.at, significant(run.doubled_here[0].estimate)
    assert f"A kill doubles {mean} effect" in run.reading
    assert f"(theory: {significant(killed_consumers.theory(at))})" in run.reading
    assert run.reading.endswith(f"more than {0 if at.keyed else at.batch - 1}.")
    assert_columns(
        run,
        acknowledged=killed_consumers.BATCHES,
        doubled=run.doubled.estimate,
        **{"from": run.doubled.low},
        to=run.doubled.high,
        theory=[killed_consumers.theory(at, batch) for batch in killed_consumers.BATCHES],
    )
    (ax,) = drawn_by(killed_consumers, run)
    bar = drawn.error_bars(ax, **style.DOTS)
    np.testing.assert_allclose(bar.middle, run.doubled.estimate)
    assert drawn.here(ax) == at.batch
    np.testing.assert_allclose(drawn.rings(ax), [[at.batch, run.doubled_here.estimate[0]]])
    np.testing.assert_allclose(
        drawn.curve(ax, **style.THEORY)[:, 1],
        [killed_consumers.theory(at, batch) for batch in killed_consumers.BATCHES],
    )
    assert_legible(*drawn_by(killed_consumers, run))


# --- measured -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", killed_consumers.RULES)
def test_nothing_is_lost_and_what_was_done_is_done_again(tidy, rule):
    run = killed_consumers.measure(rule=rule, messages=120, kills=4)
    assert run.lost == 0
    assert run.more == run.doubled.sum()
    assert run.doubled.max() <= 10
    assert run.verdict.endswith("as the rules promise")


@pytest.mark.parametrize("rule", killed_consumers.RULES)
def test_with_a_key_nothing_is_done_twice(tidy, rule):
    run = killed_consumers.measure(rule=rule, messages=120, kills=4, keyed=True)
    assert run.lost == run.more == 0


def test_ten_thousand_messages_and_twenty_kills(tidy):
    run = killed_consumers.measure(messages=10_000, kills=20, keyed=True, step_ms=0, batch=20)
    assert (run.lost, run.more) == (0, 0)


def test_the_page_of_a_measurement():
    effects = np.array([1, 1, 0, 3])
    trial = killed_consumers.Trial(messages=10, kills=2, batch=1)
    run = killed_consumers.MeasuredKilled(trial, effects, np.array([1, 0]))
    assert run.verdict == "1 lost, 2 done twice (at most 2): against the rules"
    assert "2 consumers killed over 10 messages" in run.reading
    (ax,) = drawn_by(killed_consumers, killed_consumers.simulate(), run)
    bar = drawn.error_bars(ax, **style.MEASUREMENT)
    assert bar.middle.tolist() == [0.5]
