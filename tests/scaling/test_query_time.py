"""Query times: page by page against expectation, SQLite, and what the page shows of both."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.scaling import power_law, query_time
from tests import drawn
from tests.checks import assert_summary, assert_table, axes_of

AT = [query_time.Setting(), query_time.Setting(rows=10_000_000, memory_rows=1_000, seed=4)]


def test_simulation_follows_theory_across_the_edge_of_memory() -> None:
    # 200 lookups with a miss probability near one half: 7 % standard error of the misses.
    run = query_time.simulate(memory_rows=300_000, overhead_ms=0.0)
    exact = [query_time.theory(run.at, rows) for rows in query_time.SIZES]
    np.testing.assert_allclose(run.scan_s, [each.scan_s for each in exact], rtol=1e-12)
    np.testing.assert_allclose(run.index_s, [each.index_s for each in exact], rtol=0.25, atol=2e-6)
    assert exact[-1].index_s > 100 * exact[8].index_s


def test_overhead_and_scan_pass_through_both_observations() -> None:
    at = query_time.Setting(overhead_ms=9.0)
    assert query_time.theory(at, 1_000).scan_s == pytest.approx(0.010)
    assert query_time.theory(at, 10_000_000).scan_s == pytest.approx(10.009)
    assert "passes through both diamonds" in query_time.simulate(at).reading


def test_an_index_of_ten_million_rows_has_four_levels_and_the_table() -> None:
    assert query_time.index_depth(200) == 2
    assert query_time.index_depth(201) == 3
    assert query_time.index_depth(10_000_000) == 5
    assert query_time.index_pages(10_000_000) == [1, 2, 250, 50_000, 100_000]


def test_memory_is_filled_from_the_root_down() -> None:
    shares = query_time.resident_shares(10_000_000, 1_000_000)
    assert shares[:3] == [1.0, 1.0, 1.0]
    assert 0 <= shares[-1] < shares[-2] <= 1
    assert query_time.resident_shares(1_000, 10_000_000) == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: query_time.Setting) -> None:
    run = query_time.simulate(at)
    here, small, large = (query_time.theory(at, n) for n in (at.rows, 1_000, 10_000_000))
    more = query_time.theory(at, round(1.1 * at.rows)).scan_s
    slope = np.log(more / here.scan_s) / np.log(1.1)
    misfit = max(max(x, 1 / x) for x in (small.scan_s / 0.010, large.scan_s / 10.0))
    assert_summary(
        run,
        {
            "rows": at.rows,
            "scan_ms": 1e3 * here.scan_s,
            "index_ms": 1e3 * here.index_s,
            "scan_slope_here": round(float(slope), 2),
            "scan_at_1000_rows_ms": 1e3 * small.scan_s,
            "scan_at_10_million_rows_s": large.scan_s,
        },
    )
    assert run.reading == (
        f"At {significant(at.rows)} rows the scan takes {duration(here.scan_s)} and the index "
        f"{duration(here.index_s)}; the scan's slope here is {slope:.2f}, and its curve misses a "
        f"diamond by a factor of {significant(misfit)}."
    )
    exact = [query_time.theory(at, rows) for rows in query_time.SIZES]
    assert_table(
        run,
        {
            "rows": query_time.SIZES,
            "scan (s)": run.scan_s,
            "scan, theory (s)": [each.scan_s for each in exact],
            "index (s)": run.index_s,
            "index, theory (s)": [each.index_s for each in exact],
        },
    )


def test_at_the_edge_of_memory_the_sentence_speaks_of_memory_and_not_of_a_slope() -> None:
    said = query_time.simulate(rows=1_000, memory_rows=1_000).reading
    assert "; a few more rows would no longer fit in memory, and its curve misses" in said
    assert "slope" not in said


def test_what_the_page_says_of_the_edge_of_memory() -> None:
    at = query_time.Setting(overhead_ms=9.0)
    fits, spills = query_time.theory(at), query_time.theory(at.but(memory_rows=1_000))
    assert spills.scan_s / fits.scan_s == pytest.approx(1.1, abs=0.02)  # a tenth high
    assert fits.index_s - 0.009 < 1e-6
    assert spills.index_s - 0.009 == pytest.approx(0.0002, rel=0.1)  # a fifth of a millisecond


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: query_time.Setting) -> None:
    run = query_time.simulate(at)
    (ax,) = axes_of(query_time.plot, run)
    scan, index = drawn.curve(ax, color=style.BLUE), drawn.curve(ax, color=style.GREEN)
    np.testing.assert_allclose(scan, np.column_stack([query_time.SIZES, run.scan_s]))
    np.testing.assert_allclose(index, np.column_stack([query_time.SIZES, run.index_s]))
    theory = [line.get_ydata() for line in drawn.lines(ax, **style.THEORY)]
    exact = [query_time.theory(at, rows) for rows in query_time.SIZES]
    np.testing.assert_allclose(theory, np.array(exact).T)
    power = drawn.curve(ax, color=style.GHOST)
    assert power_law.exponent(*power.ravel()) == pytest.approx(0.75)
    assert np.interp(3, *np.log10(power).T) == pytest.approx(-2)
    assert drawn.curve(ax, marker="D").tolist() == [[1_000, 0.010], [10_000_000, 10.0]]
    assert drawn.here(ax) == at.rows
