"""The two columns: what is served with some boxes down, and what the page shows of it."""

from __future__ import annotations

import pytest
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from helpers.foundations.drawing import style
from helpers.scaling import two_columns
from tests import drawn
from tests.scaling.checks import assert_summary, axes_of


def test_as_drawn() -> None:
    assert two_columns.simulate().single_points == ["balancer", "database B"]
    assert two_columns.simulate(second_balancer=True, replica=True).single_points == []
    dead = two_columns.simulate(balancer=False)
    assert dead.horizontal_rps == 0
    assert dead.vertical_rps == dead.at.demand_rps
    two_left = two_columns.simulate(server_1=False, demand_rps=150)
    assert two_left.horizontal_rps == 100
    assert two_columns.simulate(balancer=False, second_balancer=True).horizontal_rps == 100
    assert two_columns.simulate(demand_rps=500).vertical_rps == 150


@pytest.mark.parametrize("box", ["server_1", "server_2", "server_3", "database_b", "balancer"])
def test_every_box_of_the_horizontal_column_counts(box: str) -> None:
    run = two_columns.simulate(**{box: False, "demand_rps": 150})
    assert run.horizontal_rps == (100 if box.startswith("server") else 0)
    assert run.vertical_rps == 150


@pytest.mark.parametrize("box", ["big_server", "database_a"])
def test_every_box_of_the_vertical_column_counts(box: str) -> None:
    run = two_columns.simulate(**{box: False})
    assert (run.vertical_rps, run.horizontal_rps) == (0, 100)


def test_numbers() -> None:
    run = two_columns.simulate(server_2=False, database_a=False, demand_rps=125.0, replica=True)
    assert_summary(
        run,
        {
            "boxes_down": "database A, server 2",
            "demand_rps": 125.0,
            "vertical_served_percent": 0.0,
            "horizontal_served_percent": 80.0,
            "horizontal_single_points_of_failure": "balancer",
        },
    )
    assert run.table()["value"].to_dict() == run.summary


def test_the_sentence() -> None:
    assert two_columns.simulate().reading == (
        "With every box up, the vertical column serves 100 % of the requests and the horizontal "
        "one 100 %; in the horizontal column the balancer and database B can still stop it alone."
    )
    assert two_columns.simulate(
        server_2=False, big_server=False, demand_rps=125.0, second_balancer=True, replica=True
    ).reading == (
        "With the big server and server 2 down, the vertical column serves 0 % of the requests "
        "and the horizontal one 80 %; in the horizontal column no box can stop it alone."
    )


def test_the_picture() -> None:
    run = two_columns.simulate(server_2=False, database_a=False, demand_rps=125.0, replica=True)
    (ax,) = axes_of(two_columns.plot, run)
    said = drawn.written(ax)
    for box, alive in run.at.up.items():
        assert (box in said) == alive
        assert (f"{box}\n✗ down" in said) == (not alive)
    assert "0% served" in said
    assert "80% served" in said
    boxes = [patch for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    assert len(boxes) == len(run.at.up)
    arrows = [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]
    # From users and between boxes: one and one on the left; one, three, and three for each
    # database on the right. Those to and from a dead box carry nothing.
    assert len(arrows) == 2 + 1 + 3 + 6
    assert sum(_carries(arrow) for arrow in arrows) == 1 + 1 + 2 + 4


def _carries(arrow: FancyArrowPatch) -> bool:
    return drawn._looks(arrow, {"edgecolor": style.BLUE})
