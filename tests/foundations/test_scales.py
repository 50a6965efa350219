"""Ends for axes are round, hold what they must, and rarely change."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.foundations.drawing.scales import headroom, round_up, step_up

SIZES = st.floats(1e-9, 1e12)


@pytest.mark.parametrize(
    ("value", "end"),
    [
        (1, 1),
        (1.01, 1.5),
        (4.2, 5),
        (9, 10),
        (130, 150),
        (999.9, 1_000),
        (1_000, 1_000),
        (1_000.1, 1_500),
        (0.0061, 0.007),
    ],
)
def test_round_up(value, end) -> None:
    assert round_up(value) == pytest.approx(end, rel=1e-12)


@given(SIZES)
def test_the_next_round_number_is_near_and_stays_as_it_is(value) -> None:
    end = round_up(value)
    assert value <= end * (1 + 1e-9)
    assert end < 5 / 3 * value * (1 + 1e-9)  # the widest gap is from 3 to 5
    assert round_up(end) == end


@given(SIZES, SIZES)
def test_headroom_leaves_room_and_keeps_a_least(largest, least) -> None:
    end = headroom(largest, least)
    assert end >= 1.08 * largest * (1 - 1e-9)
    assert end >= least * (1 - 1e-9)
    assert end < 5 / 3 * max(1.08 * largest, least) * (1 + 1e-9)


def test_an_axis_of_nothing_has_an_end_too() -> None:
    assert headroom(0.0) == 1.0
    assert headroom(-5.0, 0.01) == pytest.approx(0.01)


def test_ends_change_six_times_while_their_data_grows_tenfold() -> None:
    ends = [headroom(largest) for largest in np.geomspace(10, 99.9, 2_000)]
    assert ends == sorted(ends)
    assert len(set(ends)) == 7


def test_step_up_takes_the_first_that_holds() -> None:
    steps = (20, 100, 600)
    assert [step_up(value, steps) for value in (0, 20, 20.1, 100, 101)] == [20, 20, 100, 100, 600]


def test_step_up_ends_at_the_last() -> None:
    assert step_up(601, (20, 100, 600)) == 600


@pytest.mark.parametrize("value", [0, -1.0, math.nan, math.inf])
def test_no_round_number_follows_these(value) -> None:
    with pytest.raises(ValueError, match="value must be a finite number > 0"):
        round_up(value)


def test_headroom_names_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="largest must be a finite number"):
        headroom(math.nan)
    with pytest.raises(ValueError, match="least must be a finite number > 0"):
        headroom(1.0, 0.0)
