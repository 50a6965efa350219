"""Lab 07 gives the points it should; its answers are in ``tests/answers``."""

from __future__ import annotations

from helpers.consistency.converging import Setting
from helpers.consistency.lab import clicks, lab_parameters
from helpers.foundations.experiment import Draws
from tests.labs import Lab

LAB = Lab("lab07_consistency_models")


def test_everybody_s_numbers_can_be_met():
    for one in (lab_parameters(f"s{n}") for n in range(200)):
        assert 0 < one.down < 0.1
        assert one.reads_up > 0.99
        assert 0 < one.lost < 0.5
        assert 0 < one.repeated < 0.5


def test_clicks_give_a_right_merge_the_right_number():
    def merge(mine, theirs):
        names = {*mine, *theirs}
        both = {who: (mine.get(who, (0, 0)), theirs.get(who, (0, 0))) for who in names}
        return {who: tuple(map(max, *pair)) for who, pair in both.items()}

    def value(state):
        return sum(up - down for up, down in state.values())

    at = Setting(unlikes=0.3)
    shown = list(clicks(at, Draws(1), merge, value).values())
    assert len(set(shown)) == 1
    assert 0 < shown[0] < 120
    wrong = clicks(at, Draws(1), lambda mine, theirs: {**mine, **theirs}, value)
    assert set(wrong.values()) != set(shown)
