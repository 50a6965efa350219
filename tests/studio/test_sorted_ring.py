"""A ring that is none: exposed by what moves, and cured by draws."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import percent
from helpers.studio import sorted_ring as page
from helpers.studio.beside import CLAIMED, HONEST
from tests import drawn
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_share,
    diamonds,
    drawn_by,
    each_of,
    runs_of,
)
from tests.models import edited
from tests.studio.laws import assert_alike, assert_exposes, assert_not_fooled

MODEL = "helpers.studio.sorted_ring:walk_the_ring"


def monotone(run):
    moved = run["before"] != run["after"]
    return bool((run["after"][moved] >= run["servers"]).all())


def few(run):
    return run["moved"] <= 1.3 * run["joining"] / (run["servers"] + run["joining"])


def test_it_is_exposed_by_what_moves():
    assert_exposes(page, "ring", monotone, few)
    assert_not_fooled(page, "ring", lambda run: len(set(run["after"])) > 1)
    assert_alike(page)


@pytest.mark.parametrize(("servers", "joining"), [(1, 8), (8, 1), (6, 3), (31, 2)])
def test_both_move_what_theory_says(servers, joining):
    setting = {"servers": servers, "joining": joining}
    exact = page.theory(page.Setting(**setting))
    for model, share in ((page.walk_the_ring, exact.modulo), (page.highest_draw, exact.least)):
        moved = [run["moved"] for run in each_of(model, page.Setting, 10, **setting)]
        assert_share(round(sum(moved) * page.KEYS), 10 * page.KEYS, share)


def test_the_residues_are_counted():
    for n, joining in ((6, 3), (8, 1), (4, 4)):
        m = n + joining
        same = sum(h % n == h % m for h in range(math.lcm(n, m)))
        exact = page.theory(page.Setting(servers=n, joining=joining))
        assert exact.modulo == pytest.approx(1 - same / math.lcm(n, m))


def test_spaced_evenly_half_of_the_keys_move():
    even = edited(MODEL, "ring[hashes % len(ring)]", "ring[hashes // (2**62 // servers + 1)]")
    assert runs_of(even, page.Setting)["moved"] == pytest.approx(0.5, abs=0.02)
    assert not monotone(runs_of(even, page.Setting, 1))


def test_drawn_as_few_move_as_can():
    cured = edited(
        MODEL,
        "    def owners",
        '    draws = draw("draws").random((KEYS, 40))\n\n    def owners',
        "ring[hashes % len(ring)]",
        "draws[:, :servers].argmax(axis=1)",
    )
    assert runs_of(cured, page.Setting)["moved"] == pytest.approx(1 / 9, abs=0.01)
    assert monotone(runs_of(cured, page.Setting, 1))


@pytest.mark.parametrize("setting", [{}, {"servers": 1}, {"servers": 1, "joining": 8},
                                     {"servers": 32, "joining": 8}])  # fmt: skip
def test_the_page(setting):
    run = page.simulate(**setting)
    exact = page.theory(run.at)
    assert percent(run.claimed_here) in run.reading
    assert percent(run.honest_here) in run.reading
    assert run.reading.endswith(f"must get {percent(exact.least)}.")
    assert ("none between" in run.reading) == (run.astray == 0)
    assert_columns(
        run,
        servers=page.FLEETS,
        suspect_moves=run.claimed,
        modulo=[page.theory(run.at, n).modulo for n in page.FLEETS],
        repaired_moves=run.honest,
        least=[page.theory(run.at, n).least for n in page.FLEETS],
    )
    (ax,) = drawn_by(page, run, mine={"moved": 0.4})
    np.testing.assert_allclose(drawn.curve(ax, **CLAIMED)[:, 1], run.claimed)
    np.testing.assert_allclose(drawn.curve(ax, **HONEST)[:, 1], run.honest)
    least, modulo = (line.get_ydata() for line in drawn.lines(ax, **style.THEORY))
    assert (least[7], modulo[7]) == (
        page.theory(run.at, 8).least,
        page.theory(run.at, 8).modulo,
    )
    assert diamonds(ax).tolist() == [[run.at.servers, 0.4]]
    assert_legible(*drawn_by(page, run))
