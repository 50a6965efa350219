"""Balancing by address with traffic that has no office in it: exposed by a pigeonhole."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import percent
from helpers.studio import by_address as page
from helpers.studio.beside import CLAIMED, HONEST
from tests import drawn
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_mean,
    diamonds,
    drawn_by,
    each_of,
    runs_of,
)
from tests.models import edited
from tests.studio.laws import assert_alike, assert_exposes, assert_not_fooled

MODEL = "helpers.studio.by_address:even_load"
RANDOM = 'draw("addresses").integers(2**32, size=REQUESTS)'
OFFICE = (
    '[*[7] * at.from_office, *draw("addresses").integers(2**32, size=REQUESTS - at.from_office)]'
)


def pigeonhole(run):
    return bool(np.max(run["served"]) >= run["from_office"])


def test_a_pigeonhole_exposes_it_and_conservation_does_not():
    assert_exposes(page, "address", pigeonhole)
    conserved = [lambda run: bool(np.sum(run["served"]) == run["requests"])]
    assert_not_fooled(page, "address", *conserved)
    assert_alike(page)


@pytest.mark.parametrize("office", [0.0, 0.2, 0.5])
def test_the_offices_server_has_what_theory_says(office):
    at = page.Setting(office=office)
    shares = []
    for seed in range(200):
        served = page.by_clients_address(at, page.Draws(seed))["served"]
        address = page.Draws(seed)("addresses").integers(2**32, size=1 + page.CLIENTS)[0]
        shares.append(served[address % at.servers] / page.REQUESTS)
    assert_mean(shares, page.theory(at))


def test_an_office_is_seen():
    real = edited(MODEL, RANDOM, OFFICE)
    for run in each_of(real, page.Setting, 3):
        assert pigeonhole(run)
        assert np.max(run["served"]) / page.REQUESTS == pytest.approx(0.28, abs=0.02)


def test_the_one_with_the_fewest_is_another_law():
    fewest = edited(MODEL, RANDOM, OFFICE, "served[address % at.servers] += 1",
                    "served[served.index(min(served))] += 1")  # fmt: skip
    run = runs_of(fewest, page.Setting, 1)
    assert set(run["served"]) == {400}
    assert not pigeonhole(run)


@pytest.mark.parametrize("setting", [{}, {"office": 0.0}, {"office": 0.5, "servers": 2},
                                     {"office": 0.5, "servers": 40}])  # fmt: skip
def test_the_page(setting):
    run = page.simulate(**setting)
    at = run.at
    assert percent(run.claimed[0]) in run.reading
    assert percent(run.honest[0]) in run.reading
    assert f"fair share is {percent(1 / at.servers)}." in run.reading
    office = f"its server gets {percent(page.theory(at))}" if at.office else "there is no office"
    assert office in run.reading
    assert run.claimed.sum() == pytest.approx(1)
    assert_columns(
        run,
        office=page.SHARES,
        **{"suspect's_busiest": run.claimed_busiest, "repair's_busiest": run.honest_busiest},
        the_office=[page.theory(at, share) for share in page.SHARES],
    )
    ax, curve = drawn_by(page, run, mine={"served": [1_000, 3_000]})
    np.testing.assert_allclose(drawn.bars(ax, facecolor=CLAIMED["color"]).lengths, run.claimed)
    np.testing.assert_allclose(drawn.bars(ax, facecolor=HONEST["color"]).lengths, run.honest)
    assert drawn.levels(ax, **style.THEORY) == [1 / at.servers]
    np.testing.assert_allclose(drawn.curve(curve, **CLAIMED)[:, 1], run.claimed_busiest)
    np.testing.assert_allclose(drawn.curve(curve, **HONEST)[:, 1], run.honest_busiest)
    assert drawn.curve(curve, **style.THEORY)[0, 1] == 1 / at.servers
    assert diamonds(curve).tolist() == [[at.office, 0.75]]
    assert_legible(*drawn_by(page, run))
