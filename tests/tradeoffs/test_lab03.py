"""Lab 03 gives the points it should; its answers are in ``tests/answers``."""

from __future__ import annotations

from helpers.tradeoffs.contexts import WAYS
from helpers.tradeoffs.lab import lab_parameters, outcomes
from tests.labs import Lab

LAB = Lab("lab03_tradeoffs_everywhere")


def test_everybody_s_numbers_can_be_met():
    every = [lab_parameters(f"s{n}") for n in range(200)]
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
