"""Conversations: with vector clocks nothing is shown too early, over 200 seeds; edits; page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.consistency import vector_clocks
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import counted, duration
from tests import drawn
from tests.checks import assert_columns, assert_legible, diamonds, drawn_by
from tests.models import edited

MODEL = "helpers.consistency.vector_clocks:may_be_shown, talk"


def total(model, seeds=range(20), **setting):
    """What several conversations come to together."""
    said = []
    for seed in seeds:
        at = vector_clocks.Setting(seed=seed, **setting)
        said.append(model(at, Draws(seed)))
    return {name: sum(one[name] for one in said) for name in said[0]}


@pytest.mark.parametrize("people", [3, 5])
def test_exactly_none_over_200_seeds(people):
    seeds = range(100)  # of each size: 200 conversations in all
    on = total(vector_clocks.talk, seeds, people=people, vector_clocks=True)
    off = total(vector_clocks.talk, seeds, people=people)
    assert on["too_early"] == 0
    assert off["too_early"] > 500
    assert on["held_ms"] > 0 == off["held_ms"]
    assert on["shown"] > 0.95 * off["shown"]  # what is missing was still held when they stopped


def test_the_model_is_the_simulation():
    for seed in range(5):
        run = vector_clocks.simulate(seed=seed)
        off = total(vector_clocks.talk, [seed])
        on = total(vector_clocks.talk, [seed], vector_clocks=True)
        assert run.shown.tolist() == [off["shown"], on["shown"]]
        assert run.too_early.tolist() == [off["too_early"], on["too_early"]]


def test_the_order_of_each_author_is_enough_for_two():
    fifo = edited(MODEL, "return others_first and seen", "return seen")
    assert total(fifo, people=2, vector_clocks=True)["too_early"] == 0
    three = total(fifo, people=3, vector_clocks=True)["too_early"]
    assert 0 < three < total(vector_clocks.talk, people=3)["too_early"] / 2


def test_only_the_others_is_not_enough_for_two():
    others = edited(MODEL, "return others_first and seen[author] == clock[author] - 1",
                    "return others_first")  # fmt: skip
    assert total(others, people=2, vector_clocks=True)["too_early"] > 10


def test_a_lost_message_holds_up_all_that_follow():
    lossy = edited(MODEL, 'yield world.timeout(draw("delays")',
                   'if draw("losses").random() < 0.05:\n            return\n'
                   '        yield world.timeout(draw("delays")')  # fmt: skip
    on = total(lossy, vector_clocks=True)
    assert on["too_early"] == 0
    assert on["shown"] < 0.75 * total(lossy)["shown"]


@pytest.mark.parametrize("setting", [{}, {"vector_clocks": True}, {"people": 2},
                                     {"people": 6, "delay_ms": 1_000.0, "pause_ms": 100.0,
                                      "vector_clocks": True}])  # fmt: skip
def test_the_page(setting):
    run = vector_clocks.simulate(**setting)
    on = int(run.at.vector_clocks)
    assert run.reading.startswith("With vector" if on else "Without vector")
    assert f"{int(run.too_early[on])} of {counted(int(run.shown[on]), 'message')}" in run.reading
    if on:
        assert duration(float(run.held_ms[1]) / 1e3) in run.reading
    assert_columns(
        run,
        vector_clocks=["off", "on"],
        shown=run.shown,
        too_early=run.too_early,
        held_back=run.held_ms,
    )
    mine = {"shown": 100.0, "too_early": 7.0, "held_ms": 500.0}
    early, held = drawn_by(vector_clocks, run, mine=mine)
    share = 100 * run.too_early / run.shown
    for ax, values in ((early, share), (held, run.held_ms / run.at.delay_ms)):
        blue = drawn.bars(ax, facecolor=style.BLUE)
        assert blue.places.tolist() == [on]
        np.testing.assert_allclose(blue.ends, values[[on]])
        pale = drawn.bars(ax, facecolor=style.PALE_BLUE)
        assert pale.places.tolist() == [1 - on]
        np.testing.assert_allclose(pale.ends, values[[1 - on]])
    np.testing.assert_allclose(diamonds(early), [[on, 7.0]])
    np.testing.assert_allclose(diamonds(held), [[on, 5.0 / run.at.delay_ms]])
    assert_legible(early, held)
