"""Lab 03 gives the points it should; its answers are in ``tests/answers``."""

from __future__ import annotations

import pytest

from helpers.tradeoffs.contexts import WAYS
from helpers.tradeoffs.lab import lab_parameters, outcomes
from tests.labs import Lab

LAB = Lab("lab03_tradeoffs_everywhere")
POINTS = {
    "check_frontier": 4,
    "check_is_stale": 4,
    "check_copies_needed": 4,
    "check_linearizable": 5,
    "check_cheapest": 3,
}


def test_the_points_are_those_the_lab_promises():
    assert {name: points for name, points in LAB.points.items() if name in POINTS} == POINTS
    assert f"{sum(POINTS.values())} by tests" in LAB.solution.cells[0].source


@pytest.mark.parametrize("student", ["ada", " Grace ", "u1234567"])
def test_the_solution_loses_nothing_for_any_student(student):
    assert LAB.run({}, student) == set()


def test_a_learner_who_has_yet_to_begin_scores_nothing():
    assert LAB.run(LAB.blank) == set(POINTS)


def test_students_have_numbers_of_their_own_that_can_be_met():
    every = [lab_parameters(f"s{n}") for n in range(200)]
    assert len({str(one).split(",", 1)[1] for one in every}) == 200
    assert lab_parameters("Ada ") == lab_parameters("ada")
    for one in every:
        together = one.beta * one.down
        assert together < one.allowed < one.down
    assert {one.fit for one in every} == {"LNKD-DISK", "YMMR", "WAN"}


def test_outcomes_are_the_chapters():
    table = outcomes(lab_parameters("ada"))
    assert tuple(table) == WAYS
    for (r, w), one in table.items():
        assert (one["stale"] == 0) == (r + w > 3)
    assert table[3, 1]["read_ms"] > table[1, 1]["read_ms"]
    assert table[3, 1]["refused_reads"] > table[1, 1]["refused_reads"] > 0
