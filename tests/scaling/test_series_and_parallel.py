"""Availability: formulas against trying every state."""

from __future__ import annotations

import itertools

import pytest

from helpers.scaling import series_and_parallel as boxes


def test_a_box_is_up_for_its_share_of_a_cycle() -> None:
    assert boxes.box(99, 1) == 0.99
    assert boxes.box(10, 0) == 1


def test_series_and_parallel_agree_with_trying_every_state() -> None:
    for available, servers, spare, balancers, databases in itertools.product(
        (0.9, 0.999), (1, 3), (0, 1), (1, 2), (1, 2)
    ):
        total = servers + spare
        names = (
            [f"lb{i}" for i in range(balancers)],
            [f"s{i}" for i in range(total)],
            [f"db{i}" for i in range(databases)],
        )
        stages = ((1, names[0]), (servers, names[1]), (1, names[2]))
        each = {name: available for stage in names for name in stage}
        formula = boxes.design(
            available, servers=total, needed=servers, balancers=balancers, databases=databases
        )
        assert formula == pytest.approx(boxes.all_states(each, stages), rel=1e-12)
        lost = boxes.unavailability(available, servers, total)
        assert lost == pytest.approx(1 - boxes.k_of_n(available, servers, total), abs=1e-14)


def test_what_is_tiny_is_not_rounded_away() -> None:
    assert boxes.unavailability(1 - 1e-9, 1, 2) == pytest.approx(1e-18)
    assert boxes.in_series([1e-18, 2e-18]) == pytest.approx(3e-18)
    assert boxes.in_series([0.1, 0.1]) == pytest.approx(0.19)


def test_the_horizontal_column_as_drawn_is_no_more_available_than_the_vertical_one() -> None:
    vertical = boxes.design(0.99, servers=1, balancers=0)
    horizontal = boxes.design(0.99, servers=3)
    assert vertical == pytest.approx(0.9801)
    assert horizontal < vertical
    assert horizontal == pytest.approx(vertical, rel=2e-6)


def test_single_points_of_failure() -> None:
    stages = ((1, ("lb",)), (1, ("a", "b")), (2, ("x", "y")))
    assert boxes.single_points_of_failure(stages) == ["lb", "x", "y"]
    assert boxes.is_served(dict.fromkeys("xy", True), ((2, "xy"),))
    assert not boxes.is_served({"x": True, "y": False}, ((2, "xy"),))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: boxes.design(1.1, servers=1), "available"),
        (lambda: boxes.k_of_n(0.9, 4, 3), "needed"),
        (lambda: boxes.all_states({"a": 0.9}, [(1, ["b"])]), "stages must name .* got 'b'"),
        (lambda: boxes.all_states({"a": 0.9}, [(2, ["a"])]), "needed"),
        (lambda: boxes.all_states({}, []), "number of boxes"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
