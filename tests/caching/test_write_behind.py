"""Write-behind: losses and coalescing against theory, killed processes, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.caching import write_behind
from helpers.foundations.drawing import style
from helpers.foundations.prose import percent, significant
from tests import drawn
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_mean,
    assert_tells,
    diamonds,
    drawn_by,
    each_of,
)


def check_loss(lost, write_rps, flush_s):
    exact = write_behind.theory(write_behind.Setting(write_rps=write_rps, flush_s=flush_s))
    assert_mean(lost, exact.lost_mean, what="mean loss")
    assert lost.std() == pytest.approx(exact.lost_sd, rel=0.06)


@pytest.mark.parametrize(("write_rps", "flush_s"), [(500.0, 1.0), (50.0, 0.1), (2_000.0, 3.0)])
def test_write_behind_loses_half_an_interval(write_rps, flush_s):
    for seed in range(3):
        run = write_behind.simulate(write_rps=write_rps, flush_s=flush_s, seed=seed)
        check_loss(run.lost, write_rps, flush_s)


def test_a_wrong_loss_is_caught():
    lost = write_behind.simulate().lost
    for wrong in (2 * lost, lost + 20, np.full(lost.size, 250)):
        with pytest.raises(AssertionError):
            check_loss(wrong, 500.0, 1.0)


@pytest.mark.parametrize(
    "setting",
    [
        {"write_rps": 50.0, "flush_s": 0.4, "keys": 50},
        {"write_rps": 10.0, "flush_s": 0.05, "keys": 1},
        {"write_rps": 1_000.0, "flush_s": 2.0, "keys": 1_000},
    ],
)
def test_the_open_model_loses_and_saves_as_much(setting):
    exact = write_behind.theory(write_behind.Setting(**setting))
    mine = each_of(write_behind.buffered_writes, write_behind.Setting, 24, **setting)
    assert_mean([each["lost_mean"] for each in mine], exact.lost_mean)
    assert_mean([each["rows_rps"] for each in mine], exact.rows_rps)


def test_coalescing_writes_each_dirty_key_once():
    for keys in (1, 50, 5_000):
        setting = {"keys": keys, "flush_s": 0.5}
        rows = [write_behind.simulate(**setting, seed=seed).rows_here_rps for seed in range(12)]
        exact = write_behind.theory(write_behind.Setting(**setting)).rows_rps
        # A ratio of two counts of about 4,000 writes: a bias below one in a thousand.
        assert_mean(np.array(rows) / 500, exact / 500, allowance=1e-3)


def test_rows_per_write_by_hand():
    written = np.array([0.1, 0.2, 0.9, 1.5, 1.6, 1.7]) * 1_000
    key = np.array([3, 3, 5, 3, 3, 3])
    # Two intervals within reach of the four flushes looked at: {3, 5} and {3}.
    assert write_behind._rows_per_write(written, key, 10, 1_000.0) == pytest.approx(3 / 6)


def test_one_key_is_one_row_a_flush():
    at = write_behind.Setting(write_rps=1_000.0, flush_s=1.0, keys=1)
    assert write_behind.theory(at).rows_rps == pytest.approx(1)
    assert write_behind.theory(at, 0.25).rows_rps == pytest.approx(4)


def test_more_writes_between_two_flushes_than_can_be_counted_are_refused():
    with pytest.raises(ValueError, match=r"write_rps x flush_s must be at most 60,000 writes"):
        write_behind.Setting(write_rps=5e4, flush_s=2.0)


CORNERS = [
    {},
    {"write_rps": 10.0, "flush_s": 0.05},
    {"write_rps": 2_000.0, "flush_s": 30.0, "keys": 1},
    {"write_rps": 2_000.0, "flush_s": 30.0, "keys": 100_000},
]


@pytest.mark.parametrize("setting", CORNERS)
def test_the_page(setting):
    run = write_behind.simulate(**setting)
    at, exact = run.at, write_behind.theory(run.at)
    saved = max(1 - run.rows_here_rps / at.write_rps, 0.0)
    p95 = np.quantile(run.lost, 0.95)
    assert_tells(
        run.reading,
        significant(run.lost.mean()),
        significant(p95),
        "one crash of 20",
        percent(saved),
    )
    assert run.summary["lost_mean_theory"] == pytest.approx(exact.lost_mean, rel=6e-3)
    assert run.summary["lost_p95"] == pytest.approx(p95, rel=6e-3)
    every = at.intervals_s
    predicted = [write_behind.theory(at, float(each)).rows_rps for each in every]
    assert_columns(run, time_between_flushes=every, rows_per_s=run.rows_rps, theory=predicted)
    loss, rows = drawn_by(write_behind, run, mine={"lost_mean": 7.0, "rows_rps": 9.0})
    np.testing.assert_allclose(drawn.curve(loss, **style.SIMULATION)[:, 0], run.lost.mean())
    np.testing.assert_allclose(drawn.curve(loss, **style.THEORY)[:, 0], exact.lost_mean)
    histogram = drawn.area(loss, style.PALE_BLUE)
    width = np.diff(histogram.x)[0]
    counts, _ = np.histogram(run.lost, histogram.x)
    # The corners of a step are at its two ends: at each edge the higher of its two neighbours.
    shares = 100 * counts / run.lost.size
    np.testing.assert_allclose(
        histogram.high, np.maximum(np.append(shares, 0), np.append(0, shares))
    )
    assert width >= 1
    for look, values in ((style.SIMULATION, run.rows_rps), (style.THEORY, predicted)):
        np.testing.assert_allclose(drawn.curve(rows, **look), np.column_stack([every, values]))
    here = drawn.curve(rows, marker="o", color=style.BLUE)
    np.testing.assert_allclose(here, [(at.flush_s, run.rows_here_rps)])
    assert drawn.levels(rows, color=style.MUTED) == [at.write_rps]
    assert diamonds(loss)[0, 0] == 7
    np.testing.assert_allclose(diamonds(rows), [(at.flush_s, 9)])
    assert_legible(loss, rows)


# --- measured -------------------------------------------------------------------------------------
