"""Lab 07 gives the points it should; its answers are in ``tests/answers``."""

from __future__ import annotations

import pytest

from helpers.consistency.converging import Setting
from helpers.consistency.lab import clicks, lab_parameters
from helpers.foundations.experiment import Draws
from tests.labs import Lab

LAB = Lab("lab07_consistency_models")
POINTS = {
    "check_merge": 4,
    "check_broken": 4,
    "check_size": 4,
    "check_counter_example": 3,
    "check_transfer": 3,
    "check_together": 2,
}


def test_the_points_are_those_the_lab_promises():
    assert {name: points for name, points in LAB.points.items() if name in POINTS} == POINTS
    assert f"{sum(POINTS.values())} by tests" in LAB.solution.cells[0].source


@pytest.mark.parametrize("student", ["ada", " Grace ", "u1234567"])
def test_the_solution_loses_nothing_for_any_student(student):
    assert LAB.run({}, student) == set()


def test_a_learner_who_has_yet_to_begin_scores_nothing():
    assert LAB.run(LAB.blank) == set(POINTS)


def test_students_have_numbers_of_their_own():
    every = [lab_parameters(f"s{n}") for n in range(200)]
    assert len({str(one).split(",", 1)[1] for one in every}) == 200
    assert lab_parameters("Ada ") == lab_parameters("ada")
    for one in every:
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
