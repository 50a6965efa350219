"""Many keys at one moment: the fluid, the open model, and the page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.caching import synchronised
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import duration
from tests import drawn
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_mean,
    assert_tells,
    diamonds,
    drawn_by,
)


@pytest.mark.parametrize("jitter_s", [0.0, 0.5, 2.0, 4.0, 6.0])
def test_the_longest_wait(jitter_s):
    at = synchronised.Setting(jitter_s=jitter_s)
    waits = [synchronised.simulate(at.but(seed=seed)).worst_wait_s for seed in range(40)]
    # A fluid has no fluctuations; 2,000 arrivals have: sqrt(2,000) queries of 2.5 ms each.
    assert_mean(waits, synchronised.theory(at), allowance=math.sqrt(2_000) * 0.0025)


def test_theory_meets_its_limits():
    dense = synchronised.Setting(rate_rps=1e9)
    for jitter_s in (0.0, 1.0, 4.9):
        assert synchronised.theory(dense, jitter_s) == pytest.approx(5 - jitter_s, abs=1e-3)
    assert synchronised.theory(dense, 5.0) == 0
    at = synchronised.Setting()
    assert synchronised.theory(at, 1e-5) == pytest.approx(synchronised.theory(at, 0.0), abs=1e-4)


def test_jitter_does_not_change_the_work():
    spread, together = (synchronised.simulate(jitter_s=jitter_s) for jitter_s in (3.0, 0.0))
    assert spread.saturated_s == pytest.approx(together.saturated_s, rel=0.1)
    assert spread.worst_wait_s < 0.5 * together.worst_wait_s
    assert np.array_equal(spread.at_database_unfixed, together.at_database)


def test_what_the_chapter_says_of_its_opening_setting():
    wide = [synchronised.simulate(jitter_s=float(width)) for width in range(6)]
    waits = [run.worst_wait_s for run in wide]
    assert -np.diff(waits).mean() == pytest.approx(0.7, abs=0.01)
    assert np.all(abs(-np.diff(waits) - 0.7) < 0.2)
    assert all(4.5 < run.saturated_s <= 5 for run in wide[:5])  # of the 5 s at the dotted line
    assert wide[5].saturated_s < 4
    assert all(synchronised.simulate(jitter_s=width).worst_wait_s < 0.05 for width in (5.5, 8.0))


@pytest.mark.parametrize(
    "setting", [{}, {"jitter_s": 2.0}, {"keys": 10, "connections": 5}, {"keys": 5_000, "seed": 3}]
)
def test_the_open_model_is_the_simulation_on_the_same_draws(setting):
    at = synchronised.Setting(**setting)
    mine = synchronised.reloads(at, Draws(at.seed))
    assert mine["worst_wait_s"] == pytest.approx(synchronised.simulate(at).worst_wait_s, abs=1e-9)


CORNERS = [
    {},
    {"jitter_s": 3.0},
    {"keys": 10, "query_s": 0.005, "connections": 100},
    {"keys": 5_000, "query_s": 0.2, "connections": 5, "jitter_s": 30.0},
    {"keys": 1, "jitter_s": 1.0},
    {"query_s": 0.01, "connections": 70, "jitter_s": 5.0},
    {"keys": 18, "query_s": 0.00555117, "connections": 84, "jitter_s": 12.983},
]


@pytest.mark.parametrize("setting", CORNERS)
def test_the_page(setting):
    run = synchronised.simulate(**setting)
    at = run.at
    said = ["1 key expires" if at.keys == 1 else f"{at.keys:,} keys expire"]
    if at.jitter_s:
        said += [f"within {duration(at.jitter_s)}"]
    if run.worst_wait_s:
        said += [f"for a connection is {duration(run.worst_wait_s)}"]
    else:
        assert "no query waits for a connection" in run.reading
    if run.saturated_s:
        said += [f"taken for {duration(run.saturated_s)} in total"]
    else:
        assert "there is always a free one" in run.reading
    assert_tells(run.reading, *said, duration(at.keys * at.query_s / at.connections))
    assert run.summary["worst_wait_unfixed_s"] == pytest.approx(run.worst_waits_s[0], rel=6e-3)
    assert run.summary["work_s"] == pytest.approx(at.work_s, rel=6e-3)
    widths = at.widths_s
    exact = [synchronised.theory(at, float(width)) for width in widths]
    assert_columns(run, width=widths, longest_wait=run.worst_waits_s, theory=exact)
    over_time, waits = drawn_by(synchronised, run, mine={"worst_wait_s": 0.5})
    for look, values in (
        (style.SIMULATION, run.at_database),
        ({"color": style.PALE_BLUE}, run.at_database_unfixed),
    ):
        points = np.column_stack([at.time_s, values])
        np.testing.assert_allclose(drawn.curve(over_time, **look), points)
    assert drawn.levels(over_time, color=style.MUTED) == [at.connections]
    damage = drawn.area(over_time, style.PALE_RED)
    np.testing.assert_allclose(damage.high, run.at_database)
    np.testing.assert_allclose(damage.low, np.minimum(run.at_database, at.connections))
    for look, values in ((style.SIMULATION, run.worst_waits_s), (style.THEORY, exact)):
        np.testing.assert_allclose(drawn.curve(waits, **look), np.column_stack([widths, values]))
    here = drawn.curve(waits, marker="o", color=style.BLUE)
    np.testing.assert_allclose(here, [(at.jitter_s, run.worst_wait_s)])
    np.testing.assert_allclose(diamonds(waits), [(at.jitter_s, 0.5)])
    np.testing.assert_allclose(drawn.curve(waits, color=style.MUTED)[:, 0], at.work_s)
    assert_legible(over_time, waits)
