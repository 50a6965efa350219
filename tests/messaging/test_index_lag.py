"""The search index: who misses a change, what stays stale, the open model, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, percent
from helpers.messaging import index_lag
from tests import drawn
from tests.checks import (
    assert_legible,
    assert_share,
    diamonds,
    drawn_by,
    runs_of,
)
from tests.models import edited

MODEL = "helpers.messaging.index_lag:two_changes"
Setting = index_lag.Setting


def check_shares(**values):
    run = index_lag.simulate(**values)
    waits = index_lag._waits(run.at)
    for wait, missed in zip(waits[::6].tolist(), run.missed[::6].tolist(), strict=True):
        assert_share(round(4_000 * missed), 4_000, float(index_lag.theory(run.at, wait)))
    for gap, stale in zip(index_lag.GAPS_S, run.stale.tolist(), strict=True):
        assert_share(round(4_000 * stale), 4_000, float(index_lag.stale_theory(run.at, gap)))


@pytest.mark.parametrize("values", [{}, {"refresh_s": 0.0}, {"lag_s": 3.0, "refresh_s": 10.0}])
def test_who_misses_a_change_and_what_stays_stale(values):
    check_shares(**values)


def test_a_lag_of_twice_the_length_is_caught(monkeypatch):
    true = index_lag.theory
    monkeypatch.setattr(index_lag, "theory", lambda at, t=None: true(at.but(lag_s=2 * at.lag_s), t))
    with pytest.raises(AssertionError):
        check_shares()


def test_theory_at_its_ends():
    at = Setting()
    assert index_lag.theory(at, 0.0) == pytest.approx(1)
    assert index_lag.theory(at, 100.0) == pytest.approx(0, abs=1e-12)
    still = index_lag.theory(at.but(lag_s=1e-9), 0.25)
    assert still == pytest.approx(0.75)  # nothing but the refresh: three of four wait for it
    assert float(index_lag.stale_theory(at, 0.5)) == pytest.approx(0.25)


@pytest.mark.parametrize("order", index_lag.ORDERS[1:])
def test_in_turn_or_with_versions_nothing_stays_stale(order):
    run = index_lag.simulate(order=order)
    assert run.stale.max() == run.stale_here.estimate == 0


# --- the open model -------------------------------------------------------------------------------


@pytest.mark.parametrize("order", index_lag.ORDERS)
def test_the_open_model_agrees(order):
    at = Setting(order=order)
    mine = runs_of(index_lag.two_changes, Setting, order=order)
    assert_share(round(16_000 * mine["missed"]), 16_000, float(index_lag.theory(at)))
    assert_share(round(16_000 * mine["stale"]), 16_000, float(index_lag.stale_theory(at)))


def test_reading_the_row_while_indexing_mends_what_is_indexed_late():
    fresh = edited(
        MODEL,
        'index["version"] = version\n',
        'index["version"] = 2 if done_s[version - 1] >= gap_s else version\n',
    )
    assert runs_of(fresh, Setting)["stale"] == 0


def test_a_search_that_waits_for_the_next_refresh():
    waiting = edited(MODEL, "missed += seen_s > at.after_s", "missed += done_s[0] > at.after_s")
    after = runs_of(waiting, Setting)
    assert_share(round(16_000 * after["missed"]), 16_000, float(np.exp(-2)))


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"order": "compare versions"},
        {"lag_s": 30.0, "refresh_s": 0.0, "after_s": 0.1, "gap_s": 0.05},
        {"after_s": 120.0, "gap_s": 50.0},
    ],
)
def test_the_page(values):
    run = index_lag.simulate(**values)
    at = run.at
    assert f"searches {duration(at.after_s)} after a change" in run.reading
    missed, stale = run.missed_here.estimate, run.stale_here.estimate
    assert (
        f"in {percent(missed)} of the cases (theory: {percent(float(index_lag.theory(at)))})"
        in (run.reading)
    )
    exact = float(index_lag.stale_theory(at))
    assert f"{percent(stale)} stay at their older version for good (theory: {percent(exact)})" in (
        run.reading
    )
    waits = index_lag._waits(at)
    columns = list(run.columns.values())
    np.testing.assert_allclose(columns[1], 100 * run.missed[::5])
    np.testing.assert_allclose(columns[2], 100 * index_lag.theory(at, waits[::5]))
    ax, gaps = drawn_by(index_lag, run, mine={"missed": 0.4, "stale": 0.2})
    np.testing.assert_allclose(drawn.curve(ax, **style.SIMULATION)[:, 1], 100 * run.missed)
    np.testing.assert_allclose(
        drawn.curve(ax, **style.THEORY)[:, 1], 100 * index_lag.theory(at, waits)
    )
    places, heights = drawn.curve(gaps, **style.THEORY).T
    np.testing.assert_allclose(heights, 100 * index_lag.stale_theory(at, places))
    assert diamonds(ax).tolist() == [[at.after_s, 40.0]]
    assert_legible(*drawn_by(index_lag, run))
