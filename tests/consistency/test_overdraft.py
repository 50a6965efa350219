"""Cash machines that are cut off: the sums against Poisson notes, the edits, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.consistency import overdraft
from helpers.consistency.overdraft import LIMITS_USD, NOTE_USD
from helpers.foundations.drawing import style
from helpers.foundations.prose import amount, significant
from tests import drawn
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_mean,
    caught,
    diamonds,
    drawn_by,
    runs_of,
)

SETTINGS = [{}, {"limit_usd": 0.0}, {"machines": 5, "wants": 10.0, "limit_usd": 600.0},
            {"machines": 1, "balance_usd": 50.0}, {"never_percent": 0.0, "refusal_usd": 0.0},
            {"limit_usd": 130.0}]  # fmt: skip


@pytest.mark.parametrize("setting", SETTINGS)
def test_costs_are_those_of_a_poisson_number_of_notes(setting):
    run = overdraft.simulate(**setting)
    exact = overdraft.theory(run.at, np.append(LIMITS_USD, run.at.limit_usd))
    for place in range(0, LIMITS_USD.size + 1, 3):
        for values, expected in (
            (run.refused, exact.refused),
            (run.overdrawn_usd, exact.overdrawn_usd),
            (run.costs_usd, exact.cost_usd),
        ):
            if values[place].any():
                # Hardly anybody is refused at a high limit: too few to judge by a standard error.
                if (values[place] > 0).sum() > 30:
                    assert_mean(values[place], float(expected[place]))
            else:
                assert expected[place] < 0.01
    if run.refused[3].any():
        caught(assert_mean, run.refused[3], 1.2 * float(exact.refused[3]))


def test_a_limit_bounds_what_is_risked():
    for machines in (1, 3):
        run = overdraft.simulate(machines=machines, wants=10.0, limit_usd=150.0)
        assert (run.overdrawn_usd[-1] <= machines * 150).all()
    assert not overdraft.simulate(limit_usd=49.0).overdrawn_usd[-1].any()


@pytest.mark.parametrize("setting", [{}, {"machines": 4, "limit_usd": 50.0}])
def test_the_model_is_the_simulation(setting):
    at = overdraft.Setting(**setting)
    exact = overdraft.theory(at, np.array([at.limit_usd]))
    said = [runs_of(overdraft.cut_off, overdraft.Setting, 2, **setting, seed=seed)
            for seed in range(15)]  # fmt: skip
    for name in ("refused", "overdrawn_usd", "cost_usd"):
        assert_mean([one[name] for one in said], float(getattr(exact, name)[0]))


def test_neither_extreme_is_cheapest():
    at = overdraft.Setting()
    cost = overdraft.theory(at, LIMITS_USD).cost_usd
    best = int(cost.argmin())
    assert 0 < best < cost.size - 1
    assert cost[best] < min(cost[0], cost[-1])


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_page(setting):
    run = overdraft.simulate(**setting)
    at, said = run.at, run.reading
    exact = overdraft.theory(at, LIMITS_USD)
    here = overdraft.theory(at, np.array([at.limit_usd]))
    most = at.machines * (at.limit_usd // NOTE_USD) * NOTE_USD
    for phrase in (
        f"A limit of {significant(at.limit_usd)} US$",
        f"risks {significant(most)} US$",
        f"refused {amount(float(run.refused[-1].mean()), 'withdrawal')} and",
        f"overdraws by {significant(float(run.overdrawn_usd[-1].mean()))} US$:",
        f"{significant(run.cost.estimate)} US$ a customer",
        f"(theory {significant(float(here.cost_usd[0]))})",
        f"{significant(run.best_usd)} US$ costs least",
    ):
        assert phrase in said
    assert_columns(
        run,
        limit=LIMITS_USD,
        refused=run.refused[:-1].mean(axis=1),
        overdrawn=run.overdrawn_usd[:-1].mean(axis=1),
        cost=run.costs_usd[:-1].mean(axis=1),
        **{"cost,_theory": exact.cost_usd},
    )
    (ax,) = drawn_by(overdraft, run, mine={"cost_usd": 0.05})
    for look, values in (
        (style.THEORY, exact.cost_usd),
        ({"color": style.ORANGE}, exact.refused * at.refusal_usd),
        ({"color": style.SKY}, exact.overdrawn_usd * at.never_percent / 100),
        ({"color": style.BLUE, "marker": "o"}, run.costs_usd[:-1].mean(axis=1)),
    ):
        points = drawn.curve(ax, **look)
        np.testing.assert_allclose(points, np.column_stack([LIMITS_USD, values]), atol=1e-12)
    assert drawn.rings(ax).tolist() == [[run.best_usd, exact.cost_usd.min()]]
    assert drawn.here(ax) == at.limit_usd
    np.testing.assert_allclose(diamonds(ax), [[at.limit_usd, 0.05]])
    assert_legible(ax)
