"""The 48 designs are the blueprint's, and what is said of them is so."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import blueprint
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.why import choices
from helpers.why.choices import DECISIONS
from tests import drawn
from tests.checks import assert_table, axes_of


def test_they_are_the_blueprint_s_numbers() -> None:
    found = choices.simulate(rate_rps=150.0)
    for i in (0, 13, 30, 47):
        design = choices.build(*DECISIONS[i], rate_rps=150.0)
        assert found.cost_usd[i] == pytest.approx(blueprint.cost(design).monthly)
        assert found.outage_s[i] == pytest.approx(blueprint.availability(design).downtime_s)
        assert found.response_s[i] == pytest.approx(blueprint.theory_design(design).response_s)


def test_what_meets_the_requirements_and_what_is_beaten() -> None:
    found = choices.simulate()
    good = (found.response_s <= 0.120) & (found.outage_s <= 3_600)
    assert (found.good == good).all()
    assert found.cost_usd[found.cheapest] == found.cost_usd[good].min()
    points = np.column_stack([found.cost_usd, found.response_s, found.outage_s])
    for i in range(len(points)):
        beaten = any(
            (points[j] <= points[i]).all() and (points[j] < points[i]).any()
            for j in range(len(points))
        )
        assert found.unbeaten[i] == (np.isfinite(points[i, 1]) and not beaten)
    strict = choices.simulate(response_ms=1.0)
    assert strict.cheapest is None
    assert "No choice does" in strict.reading


@pytest.mark.parametrize("at", [choices.Setting(), choices.Setting(rate_rps=20.0)])
def test_numbers_sentence_table_and_picture(at: choices.Setting) -> None:
    run = choices.simulate(at)
    best = run.cheapest
    assert best is not None
    assert run.summary["meet_all"] == run.good.sum()
    assert run.summary["meet_all_percent"] == pytest.approx(100 * run.good.sum() / 48)
    assert run.summary["unbeaten"] == run.unbeaten.sum()
    assert run.summary["cheapest_usd_a_month"] == run.cost_usd[best]
    for said in (
        f"{run.good.sum()} of 48 designs meet both requirements",
        f"a chance of {significant(100 * run.good.sum() / 48, 2)} %",
        f"costs {significant(run.cost_usd[best])} USD a month ({run.describe(best)}): "
        f"{duration(run.response_s[best])} a request, {duration(run.outage_s[best])} of outage",
        f"{run.unbeaten.sum()} are beaten by no other",
    ):
        assert said in run.reading
    assert_table(
        run,
        {
            "design": [run.describe(i) for i in range(48)],
            "USD a month": run.cost_usd,
            "response (ms)": 1e3 * run.response_s,
            "outage (min a year)": run.outage_s / 60,
            "meets both": run.good,
            "unbeaten": run.unbeaten,
        },
    )
    (ax,) = axes_of(choices.plot, run)
    points = np.stack([run.cost_usd, run.outage_s / 60], 1)
    groups = (
        (style.MUTED, "x", ~run.fast),
        (style.ORANGE, "s", run.fast & ~run.good),
        (style.GREEN, "o", run.good),
    )
    for color, marker, these in groups:
        shown = drawn.curve(ax, color=color, marker=marker)
        np.testing.assert_allclose(shown, points[these])
    np.testing.assert_allclose(drawn.curve(ax, color=style.INK, marker="o"), [points[best]])
    assert drawn.levels(ax, color=style.GREEN) == [at.outage_min]


def test_one_design_that_fits_is_said_in_the_singular() -> None:
    for limit_ms in np.geomspace(60, 130, 60):
        run = choices.simulate(response_ms=float(limit_ms))
        if run.good.sum() == 1:
            assert "1 of 48 designs meets both requirements" in run.reading
            assert "It costs" in run.reading
            return
    pytest.fail("there was no setting with one design")
