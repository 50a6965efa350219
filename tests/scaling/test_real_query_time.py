"""Real queries of a growing table, with and without an index."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.scaling import power_law, real_query_time
from tests import drawn
from tests.checks import assert_summary, assert_table, axes_of


@pytest.mark.usefixtures("nothing_left_behind")
def test_sqlite_scan_and_index() -> None:
    run = real_query_time.measure(most_rows=100_000)
    assert run.rows[0] == 1_000
    assert run.rows[-1] == 100_000
    # A hundred times the rows: about a hundred times the scan's time, and about the index's time.
    # What is asked for is that far apart that a median of nine must be wrong by tenfold.
    scan, index = run.scan_s, run.index_s
    assert scan[-1] > 10 * index[-1]
    assert scan[-1] / index[-1] > scan[0] / index[0]
    assert run.scan_law.exponent.estimate > run.index_law.exponent.estimate


ROWS = np.array([1_000, 3_000, 10_000])
MEASURED = real_query_time.MeasuredQueryTime(
    real_query_time.Trial(most_rows=10_000),
    rows=ROWS,
    scans_s=np.outer([0.9, 1.0, 1.3], [1e-4, 3.1e-4, 9e-4]),
    lookups_s=np.outer([0.7, 1.0, 1.1], [2e-6, 3e-6, 2.5e-6]),
)


def test_what_is_said_of_sqlite() -> None:
    scan = power_law.fit(ROWS, [1e-4, 3.1e-4, 9e-4]).exponent
    index = power_law.fit(ROWS, [2e-6, 3e-6, 2.5e-6]).exponent
    slopes = [np.log(3.1) / np.log(3), np.log(9 / 3.1) / np.log(10 / 3)]
    assert_summary(
        MEASURED,
        {
            "most_rows": 10_000,
            "scan_ms_at_most_rows": 0.9,
            "index_ms_at_most_rows": 0.0025,
            "scan_exponent": scan.estimate,
            "index_exponent": index.estimate,
            "scan_slope_first_step": slopes[0],
            "scan_slope_last_step": slopes[1],
        },
    )
    inside = "inside" if scan.low <= 0.75 <= scan.high else "outside"
    assert MEASURED.reading == (
        f"Verdict: SQLite's scan grows with exponent {scan.estimate:.2f} (95 % interval "
        f"{scan.low:.2f} to {scan.high:.2f}) and its index with {index.estimate:.2f} "
        f"({index.low:.2f} to {index.high:.2f}); 0.75 lies {inside} the scan's interval. At "
        "10,000 rows the scan takes 900 µs, the index 2.5 µs."
    )
    assert_table(
        MEASURED,
        {
            "rows": ROWS,
            "scan (ms)": [0.1, 0.31, 0.9],
            "index (ms)": [0.002, 0.003, 0.0025],
            "scan slope to the next": [*slopes, np.nan],
        },
    )


def test_the_picture_of_sqlite() -> None:
    (ax,) = axes_of(real_query_time.plot_measured, MEASURED)
    for marker, times, law in (
        ("o", MEASURED.scans_s, MEASURED.scan_law),
        ("s", MEASURED.lookups_s, MEASURED.index_law),
    ):
        shown = drawn.error_bars(ax, **(style.MEASUREMENT | {"marker": marker}))
        np.testing.assert_allclose(shown.places, ROWS)
        np.testing.assert_allclose(shown.middle, np.median(times, axis=0))
        np.testing.assert_allclose(shown.low, np.quantile(times, 0.25, axis=0))
        np.testing.assert_allclose(shown.high, np.quantile(times, 0.75, axis=0))
        fitted = law.coefficient * ROWS**law.exponent.estimate
        curves = [one.get_ydata() for one in drawn.lines(ax, linewidth=1.0)]
        assert any(np.allclose(curve, fitted) for curve in curves)
    assert {"SQLite, scan", "SQLite, index"} <= set(drawn.written(ax))
