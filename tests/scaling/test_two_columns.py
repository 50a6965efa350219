"""The two columns: what is served with some boxes down, and what the page shows of it."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from helpers.foundations.drawing import style
from helpers.foundations.drawing.clicks import clickables
from helpers.scaling import two_columns
from tests import drawn
from tests.checks import assert_summary, axes_of


def test_as_drawn() -> None:
    assert two_columns.simulate().single_points == ["balancer", "database B"]
    assert two_columns.simulate(second_balancer=True, replica=True).single_points == []
    dead = two_columns.simulate(balancer=False)
    assert dead.horizontal_rps == 0
    assert dead.vertical_rps == dead.at.demand_rps
    two_left = two_columns.simulate(server_1=False, demand_rps=150)
    assert two_left.horizontal_rps == 100
    spare = two_columns.simulate(balancer=False, second_balancer=True)
    assert spare.horizontal_rps == 100
    assert spare.single_points == ["balancer 2", "database B"]
    last = two_columns.simulate(server_1=False, server_3=False)
    assert last.single_points == ["balancer", "server 2", "database B"]
    assert dead.single_points == []
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
    stopped = two_columns.simulate(database_b=False).summary
    assert stopped["horizontal_single_points_of_failure"] == "it has stopped"


def test_the_sentence() -> None:
    assert two_columns.simulate().reading == (
        "With every box up, the vertical column serves 100 % of the requests and the horizontal "
        "one 100 %; in the horizontal column 2 boxes can each still stop it alone."
    )
    assert two_columns.simulate(balancer=False).reading == (
        "With the balancer down, the vertical column serves 100 % of the requests and the "
        "horizontal one 0 %; the horizontal column has stopped."
    )
    assert two_columns.simulate(replica=True).reading.endswith(
        "in the horizontal column 1 box can still stop it alone."
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
    assert "0 % served" in said
    assert "80 % served" in said
    boxes = [patch for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    assert len(boxes) == len(run.at.up)
    arrows = [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]
    # From users and between boxes: one and one on the left; one, three, and three for each
    # database on the right. Those to and from a dead box carry nothing.
    assert len(arrows) == 2 + 1 + 3 + 6
    assert sum(_carries(arrow) for arrow in arrows) == 1 + 1 + 2 + 4
    (ax,) = axes_of(two_columns.plot, two_columns.simulate(balancer=False))
    arrows = [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]
    # Nothing gets past a dead balancer: only the left column's two arrows carry requests.
    assert sum(_carries(arrow) for arrow in arrows) == 2


def test_every_box_is_clicked_like_its_control() -> None:
    figure = Figure()
    ax = figure.add_subplot()
    run = two_columns.simulate(server_2=False, replica=True)
    two_columns.plot(run, ax)
    spots = {spot.control: spot for spot in clickables(figure)}
    boxes = [name for name, value in run.at.values().items() if isinstance(value, bool)]
    assert sorted(spots) == sorted(boxes)
    for control, spot in spots.items():
        assert spot.value is None, "a click turns the control on or off"
        assert min(spot.left, spot.top) > 0
        assert max(spot.left + spot.width, spot.top + spot.height) < 1
        words = control.replace("_", " ")
        named = {"second balancer": "add balancer 2", "replica": "replica B"}.get(words, words)
        assert spot.label.lower() == named.lower()
    assert "+ balancer 2" in drawn.written(ax)
    assert "+ replica B" not in drawn.written(ax)
    left = [spots[name].left for name in ("server_1", "server_2", "server_3")]
    assert left == sorted(left)


def _carries(arrow: FancyArrowPatch) -> bool:
    return drawn._looks(arrow, {"edgecolor": style.BLUE})
