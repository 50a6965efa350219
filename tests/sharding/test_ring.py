"""One ring: the open model is the class, its edits do what the page says, the picture is true."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.sharding import ring, ring_laws
from helpers.sharding.router import Ring, hash64
from tests import drawn
from tests.checks import assert_tells, drawn_by
from tests.models import edited
from tests.sharding.checks import assert_columns

MODEL = "helpers.sharding.ring:my_ring"


@pytest.mark.parametrize("setting", [{}, {"shards": 2}, {"virtual_nodes": 300, "seed": 4}])
def test_the_open_model_is_the_ring_key_by_key(setting: dict) -> None:
    at = ring.Setting(**setting)
    owners = Ring(at.shards, at.virtual_nodes, at.seed).locate(
        hash64(np.arange(ring.KEYS), at.seed)
    )
    counts = np.sort(np.bincount(owners, minlength=at.shards))[::-1]
    mine = ring.my_ring(at)
    assert mine["load"] == (counts * at.shards / ring.KEYS).tolist()
    assert (mine["largest"], mine["smallest"]) == (mine["load"][0], mine["load"][-1])


def test_a_bigger_machine_gets_two_parts_of_nine() -> None:
    bigger = edited(
        MODEL, "at.virtual_nodes, at.seed", "at.virtual_nodes * (2 if shard == 0 else 1), at.seed"
    )
    load = np.array([bigger(ring.Setting(virtual_nodes=300, seed=s))["load"] for s in range(10)])
    assert load[:, 0].mean() == pytest.approx(16 / 9, rel=0.03)
    assert load[:, 1:].mean() == pytest.approx(8 / 9, rel=0.01)
    for virtual_nodes in (100, 1_000):  # the page's own ring: others differ, their mean does not
        mine = bigger(ring.Setting(virtual_nodes=virtual_nodes))["load"]
        assert mine[0] == pytest.approx(16 / 9, rel=0.06)
        assert np.mean(mine[1:]) == pytest.approx(8 / 9, rel=0.02)


LIMIT = (
    "        keys[points[place][1]] += 1\n",
    "        while keys[points[place][1]] >= 1.25 * KEYS / at.shards:\n"
    "            place = (place + 1) % len(points)\n"
    "        keys[points[place][1]] += 1\n",
)


@pytest.mark.parametrize("virtual_nodes", [1, 10])
def test_a_limit_holds_with_a_single_point_each(virtual_nodes: int) -> None:
    at = ring.Setting(virtual_nodes=virtual_nodes)
    bounded = edited(MODEL, *LIMIT)(at)
    assert ring.my_ring(at)["largest"] > 1.25 >= bounded["largest"]
    assert sum(bounded["load"]) == pytest.approx(at.shards)


@pytest.mark.parametrize("virtual_nodes", [1, 1_000])
def test_equal_parts_are_fair_at_once(virtual_nodes: int) -> None:
    equal = edited(
        MODEL,
        "        for position in points_of(shard, at.virtual_nodes, at.seed):\n",
        "        for number in range(at.virtual_nodes):\n"
        "            position = (number * at.shards + shard) * 2**64"
        " // (at.virtual_nodes * at.shards)\n",
    )
    load = equal(ring.Setting(virtual_nodes=virtual_nodes))["load"]
    # 500 of 4,000 keys expected at each of 8 shards: standard deviation 0.042 of it, four of them.
    assert max(abs(each - 1) for each in load) < 4 * 0.042


@pytest.mark.parametrize(
    "setting", [{}, {"shards": 32, "virtual_nodes": 1_000}, {"shards": 2, "virtual_nodes": 7}]
)
def test_what_the_learner_sees_is_the_result(setting: dict) -> None:
    run = ring.simulate(**setting)
    at, exact = run.at, ring.theory(run.at)
    assert exact.load == pytest.approx(
        ring_laws.ordered_shares(at.shards, at.virtual_nodes) * at.shards
    )
    assert run.load == pytest.approx(
        np.sort(Ring(at.shards, at.virtual_nodes).shares())[::-1] * at.shards
    )
    circle, loads = drawn_by(ring, run, mine={"load": run.load / 2})
    ranks = np.arange(at.shards)
    seen = drawn.bars(loads, facecolor=style.BLUE)
    assert np.array_equal(seen.places, ranks)
    assert seen.ends == pytest.approx(run.load)
    assert drawn.marks(loads)[1] == pytest.approx(exact.load)
    mine = drawn.curve(loads, label="your model")
    np.testing.assert_allclose(mine, np.column_stack((ranks, run.load / 2)))
    assert drawn.levels(loads, color=style.MUTED) == [1]
    assert loads.get_ylim()[1] > max(run.load[0], exact.load[0])
    (arcs,) = [each for each in circle.collections if isinstance(each, LineCollection)]
    assert len(arcs.get_segments()) == 720
    fraction = np.bincount(run.clock, minlength=at.shards) / 720
    assert np.sort(fraction)[::-1] * at.shards == pytest.approx(run.load, abs=0.1 + at.shards / 72)
    assert_tells(
        run.reading,
        f"owns {significant(run.load[0])} fair shares",
        f"the smallest {significant(run.load[-1])};",
        f"largest has {significant(exact.load[0])} on average",
    )
    cv = (run.load.std(), ring_laws.variation(at.shards, at.virtual_nodes))
    edge = (run.load[0], exact.load[0], run.load[-1], *cv)
    assert list(run.summary.values()) == pytest.approx(edge)
    assert_columns(run, ranks + 1, run.load, exact.load)


def test_points_stand_outside_the_arcs_that_they_end() -> None:
    run = ring.simulate(shards=3, virtual_nodes=4)
    circle, _ = drawn_by(ring, run)
    angle = 2 * np.pi * Ring(3, 4).points / 2.0**64
    places = 1.17 * np.column_stack((np.sin(angle), np.cos(angle)))
    np.testing.assert_allclose(drawn.dots(circle), places)
    crowded, _ = drawn_by(ring, ring.simulate(shards=8, virtual_nodes=100))
    assert len(crowded.collections) == 1


def test_no_two_shards_have_one_colour() -> None:
    for shards in (2, 8, 9, 32, 64):
        colors = ring._colors(shards)
        assert colors.shape == (shards, 4)
        assert len(np.unique(colors.round(3), axis=0)) == shards
        assert (colors[:, :3].min(axis=1) < 0.9).all()  # and none of them is white
