"""Dispatch by place: Buffon's needle, the fast twin, the edits, and what a learner sees."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import percent, significant
from helpers.studio import nearest_driver as page
from tests import drawn
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_mean,
    assert_share,
    diamonds,
    drawn_by,
    runs_of,
)
from tests.models import edited

MODEL = "helpers.studio.nearest_driver:send_the_nearest"
ASKED = "np.minimum(cells, at.cells - cells).max(axis=1) <= at.rings"


@pytest.mark.parametrize("setting", [{}, {"cells": 24, "rings": 1}, {"cells": 4, "rings": 2},
                                     {"cells": 24, "drivers": 0.2}])  # fmt: skip
def test_the_model_is_the_simulation(setting):
    run = page.simulate(**setting)
    mine = page.send_the_nearest(run.at, page.Draws(run.at.seed))
    for name in ("nobody", "not_nearest", "km", "true_km"):
        assert mine[name] == pytest.approx(getattr(run, name))


@pytest.mark.parametrize("setting", [{}, {"cells": 16}, {"cells": 24, "rings": 1}, {"cells": 4},
                                     {"cells": 12, "drivers": 0.5}])  # fmt: skip
def test_theory(setting):
    exact = page.theory(page.Setting(**setting))
    runs = [page.simulate(seed=seed, **setting) for seed in range(50)]
    # Riders of one city share its drivers, so the city is the sample.
    assert_mean([run.not_nearest for run in runs], exact.not_nearest, allowance=0.003)
    assert_mean([run.true_km for run in runs], exact.true_km, allowance=0.01 * exact.true_km)
    assert_mean([run.nobody for run in runs], exact.nobody, allowance=0.002)


def test_the_needle_stays_as_laplace_says():
    a, rng = 2.0, np.random.default_rng(3)
    for r in (0.3, 1.0, 2.0):
        start = rng.uniform(0, a, (100_000, 2))
        angle = rng.uniform(0, 2 * math.pi, 100_000)
        end = start + r * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        stays = ((end >= 0) & (end < a)).all(axis=1)
        assert_share(int(stays.sum()), 100_000, 1 - (4 * r / a - (r / a) ** 2) / math.pi)
    dense = page.Setting(drivers=10.0, cells=4)  # the nearest is always within a side
    density, r = 10.0, np.linspace(0, 3, 20_001)
    weight = 2 * math.pi * density * r * np.exp(-math.pi * density * r**2)
    leaves = (4 * r / 3 - (r / 3) ** 2) / math.pi
    expected = float((weight * leaves).sum() * (r[1] - r[0]))
    assert page.theory(dense).not_nearest == pytest.approx(expected, rel=0.01)


def test_four_neighbours_miss_more_than_eight():
    setting = {"cells": 24, "rings": 1}
    four = runs_of(edited(MODEL, ".max(axis=1)", ".sum(axis=1)"), page.Setting, 4, **setting)
    eight = runs_of(page.send_the_nearest, page.Setting, 4, **setting)
    assert four["not_nearest"] > 3 * eight["not_nearest"]


def test_a_circle_has_no_lines():
    circle = edited(MODEL, ASKED, "km <= at.cell_km")
    for cells in (24, 16):
        run = runs_of(circle, page.Setting, 4, cells=cells)
        assert run["not_nearest"] == run["nobody"]
        lonely = math.exp(-2.0 * math.pi * (12 / cells) ** 2)
        assert run["nobody"] == pytest.approx(lonely, abs=0.05)


@pytest.mark.parametrize("setting", [{}, {"cells": 24, "drivers": 0.2}, {"cells": 4, "rings": 2},
                                     {"drivers": 10.0, "rings": 1}])  # fmt: skip
def test_the_page(setting):
    run = page.simulate(**setting)
    at, exact = run.at, page.theory(run.at)
    for said in (f"{significant(at.cell_km**2)} km²", percent(run.not_nearest),
                 f"(theory {percent(exact.not_nearest)})",
                 f"is {significant(run.km)} km away",
                 f"nearest {significant(run.true_km)} km."):  # fmt: skip
        assert said in run.reading
    nobody = f"{percent(run.nobody)} find nobody" if run.nobody else "all find somebody"
    assert nobody in run.reading
    assert_columns(
        run,
        cells_along=page.CELLS,
        cell=[12 / n for n in page.CELLS],
        own_cell=run.own_cell,
        own_cell_in=[page.theory(at, n, 0).not_nearest for n in page.CELLS],
        with_neighbours=run.with_neighbours,
        with_neighbours_in=[page.theory(at, n, 1).not_nearest for n in page.CELLS],
    )
    city, ax = drawn_by(page, run, mine={"not_nearest": 0.5})
    for seen, color in ((run.own_cell, style.BLUE), (run.with_neighbours, style.GREEN)):
        dots = drawn.curve(ax, **style.DOTS | {"color": color})
        np.testing.assert_allclose(dots[:, 1], seen)
    own, asked = (line.get_xydata() for line in drawn.lines(ax, **style.THEORY))
    assert own[10, 1] == page.theory(at, 12 / own[10, 0], 0).not_nearest
    assert asked[0, 1] == page.theory(at, 4, 1).not_nearest
    assert diamonds(ax).tolist() == [[at.cell_km, 0.5]]
    seen = drawn.curve(city, color=style.BLUE, marker=".")
    middle = (at.cells // 2 + 0.5) * at.cell_km
    assert (np.abs(seen - middle).max(initial=0) <= (at.rings + 0.5) * at.cell_km + 1e-9).all()
    assert len(seen) + len(drawn.curve(city, color=style.GHOST, marker=".")) == at.free
    assert_legible(*drawn_by(page, run))
