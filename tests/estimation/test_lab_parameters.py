"""Each learner's numbers are their own."""

from __future__ import annotations

from helpers.estimation.lab import lab_parameters


def test_who_changes_their_numbers_changes_no_one_elses() -> None:
    spoilt = lab_parameters("ada")
    spoilt.prices["server"] = 0.0
    assert lab_parameters("ada").prices["server"] > 0
