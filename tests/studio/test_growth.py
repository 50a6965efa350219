"""One product's growth: what forces each step, the bound, the edits, the page."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from helpers import blueprint
from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.studio import growth
from helpers.studio.growth import VERSIONS
from tests import drawn
from tests.checks import assert_legible, diamonds, drawn_by, sampled
from tests.models import edited

MODEL = "helpers.studio.growth:limits"


def forced(version, **setting):
    return growth.simulate(version=VERSIONS[version], **setting).forced


def test_each_step_is_forced_by_a_number_and_the_next_version_is_enough():
    assert forced(0, users=40_000) == []
    for version, users in ((0, 60_000), (1, 150_000), (4, 400_000), (5, 900_000)):
        assert any("that it may carry" in each for each in forced(version, users=users))
    assert forced(1, users=60_000) == forced(2, users=150_000) == []
    assert forced(5, users=400_000) == forced(6, users=900_000) == []
    promise = {"users": 150_000, "promised": 99.9}
    assert any("99.9 % promised" in each for each in forced(2, **promise))
    assert forced(3, **promise) == []
    quick = {"users": 150_000, "within_ms": 400.0}
    assert any("p99" in each for each in forced(3, **quick))
    assert forced(4, **quick) == []
    far = {"users": 2_000_000, "overseas": True}
    assert any("p99" in each for each in forced(6, **far))
    assert forced(7, **far) == []


def test_what_a_part_can_do():
    # Four threads, each held for 40 + 25 + 250/20 ms; four connections of 25 ms.
    assert growth.theory(VERSIONS[0]).rps == pytest.approx(0.7 * 4 / 0.0775)
    assert growth.theory(VERSIONS[1]).rps == pytest.approx(0.7 * 4 / 0.025)
    for version in VERSIONS[:6]:
        carries = growth.theory(version)
        at = growth.Setting(users=carries.users)
        assert at.rate_rps == pytest.approx(carries.rps)
    assert growth.theory(VERSIONS[6]).users == math.inf


def test_with_twice_the_workers_it_is_the_servers_then_the_database():
    last = growth.built(VERSIONS[5], 1.0)
    more = last.replace("workers", count=16)
    most = more.replace("app", count=24)
    found = [blueprint.bounds(design) for design in (last, more, most)]
    parts = [bound.loads[bound.bottleneck].component for bound in found]
    assert parts == ["workers", "app", "db"]
    assert found[0].loads["workers"].servers == 8
    assert growth.theory(VERSIONS[5]).rps == pytest.approx(0.7 * found[0].capacity_rps)
    assert found[1].capacity_rps > 1.5 * found[0].capacity_rps


@pytest.mark.parametrize("version", VERSIONS[:6])
def test_beyond_its_capacity_queues_only_grow_and_below_they_do_not(version):
    limit = growth.theory(version).users / growth.BUSY
    assert growth.simulate(version=version, users=1.3 * limit).server_s == math.inf
    assert growth.simulate(version=version, users=0.6 * limit).server_s < 1.0


def test_cells_are_copies_that_are_paid_for():
    one = growth.simulate(version=VERSIONS[6], users=300_000)
    ten = growth.simulate(version=VERSIONS[6], users=3e6)
    assert (one.cells, ten.cells) == (1, 9)
    assert ten.cells == math.ceil(ten.at.rate_rps / growth.CELL_RPS)
    per_user = [run.monthly_usd / run.at.users for run in (one, ten)]
    assert per_user[1] == pytest.approx(per_user[0], rel=0.15)
    bill = blueprint.cost(
        growth.built(VERSIONS[6], ten.at.rate_rps / 9), rate_rps=ten.at.rate_rps / 9 / growth.PEAK
    )
    assert ten.monthly_usd == pytest.approx(9 * bill.monthly)


def test_light_is_slow():
    near = growth.simulate(version=VERSIONS[7], overseas=True)
    far = growth.simulate(version=VERSIONS[6], overseas=True)
    assert far.way_s == pytest.approx(0.45)
    assert near.way_s == pytest.approx(0.06)
    assert far.p99_s - far.server_s == pytest.approx(0.45)


# --- the edits ------------------------------------------------------------------------------------


def test_the_model_says_what_theory_says():
    said = growth.limits(growth.Setting())["users"]
    np.testing.assert_allclose(said, [growth.theory(one).users for one in VERSIONS[:6]])


def test_twice_the_threads_help_where_threads_are_full():
    more = edited(MODEL, "built(version, 1.0)", 'built(version, 1.0).replace("app", threads=8)')
    before, after = (model(growth.Setting())["users"] for model in (growth.limits, more))
    assert after[0] > 1.5 * before[0]
    assert after[1] == pytest.approx(before[1])


def test_hotter_goes_further():
    hot = edited(MODEL, "0.7", "0.95")(growth.Setting())["users"]
    np.testing.assert_allclose(hot, np.array(growth.limits(growth.Setting())["users"]) * 0.95 / 0.7)


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "version"),
    sampled(
        itertools.product(
            [
                {},
                {"users": 1_000.0},
                {"users": 3e7, "overseas": True},
                {"users": 250_000.0, "promised": 99.95, "within_ms": 200.0},
            ],
            VERSIONS,
        ),
        3,
    ),
)
def test_the_page(version, setting):
    run = growth.simulate(version=version, **setting)
    at = run.at
    assert (
        f"{significant(at.users)} users send {significant(at.rate_rps)} requests/s" in run.reading
    )
    assert f"costs {significant(run.monthly_usd)} US$ a month" in run.reading
    assert ("nothing forces the next step" in run.reading) == (not run.forced)
    for each in run.forced:
        assert each in run.reading
    left, right = drawn_by(growth, run)
    ends = np.minimum([growth.theory(one).users for one in VERSIONS], 1e8)
    now = VERSIONS.index(version)
    np.testing.assert_allclose(drawn.bars(left, facecolor=style.BLUE).ends, [ends[now]])
    np.testing.assert_allclose(
        drawn.bars(left, facecolor=style.PALE_BLUE).ends, np.delete(ends, now)
    )
    assert drawn.here(left) == at.users
    shares = np.minimum([
        at.rate_rps / growth.theory(version).rps, 1e3 * run.p99_s / at.within_ms,
        (1 - run.up) / (1 - at.promised / 100)], 2)  # fmt: skip
    for color, wanted in ((style.BLUE, shares[shares <= 1]), (style.VERMILION, shares[shares > 1])):
        if wanted.size:
            np.testing.assert_allclose(drawn.bars(right, facecolor=color).ends, wanted)
    table = run.columns
    assert table["version"] == list(VERSIONS)
    np.testing.assert_allclose(table["daily users"], [growth.theory(v).users for v in VERSIONS])
    rates = [growth.theory(v).rps for v in VERSIONS]
    np.testing.assert_allclose(table["may carry (requests/s)"], rates)
    np.testing.assert_allclose(table["up (%)"][now], 100 * run.up)
    assert_legible(*drawn_by(growth, run))


def test_what_a_learner_says_stands_beside_the_bars():
    run = growth.simulate()
    left, _ = drawn_by(growth, run, mine={"users": [1e4, 2e4, 3e9]})
    assert diamonds(left).tolist() == [[1e4, 7], [2e4, 6], [1e8, 5]]
