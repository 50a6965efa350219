"""Numbers are read as they were meant, or refused with a way to write them."""

from __future__ import annotations

import pytest

from helpers.explore.reading_numbers import read_number


@pytest.mark.parametrize(
    ("typed", "unit", "number"),
    [
        ("80 ms", "ms", 80), ("0,92", "", 0.92), ("12,5", "", 12.5), ("1 000", "", 1_000),
        ("1\u202f000,5", "", 1_000.5), ("1_000", "", 1_000), ("1'000", "", 1_000),
        ("1,000,000", "", 1e6), ("1.000.000", "", 1e6), ("1,234.5", "", 1_234.5),
        ("1.234,5", "", 1_234.5), ("1.250", "", 1.25), ("10.", "", 10), (".5", "", 0.5),
        ("50k", "users", 50_000), ("3 M", "", 3e6), ("2 million users", "users", 2e6),
        ("1e3", "", 1_000), ("-3", "", -3), ("5 %", "%", 5), ("1 user", "users", 1),
        ("2 s", "ms", 2_000), ("3 min", "s", 180), ("2 GB", "MB", 2_000), (7, "ms", 7),
        ("12 requests/s", "requests/s", 12),
    ],
)  # fmt: skip
def test_understood(typed, unit, number):
    assert read_number(typed, unit) == pytest.approx(number, rel=1e-12)


@pytest.mark.parametrize(
    ("typed", "unit", "reason"),
    [
        ("1,250", "", "write 1250 or 1.250"), ("1 00", "", "without spaces"),
        ("12,34,56", "", "not a number"), ("1.23,4.5", "", "not a number"),
        ("3 kg", "ms", "asked for in ms"), ("3 ms", "", "without a unit"),
        ("5m", "s", "'m' in '5m' is not understood"), ("", "", "must be a number"),
        ("many", "", "must be a number"), ("1e999", "", "finite"), (float("nan"), "", "finite"),
    ],
)  # fmt: skip
def test_refused_with_a_reason(typed, unit, reason):
    with pytest.raises(ValueError, match=reason):
        read_number(typed, unit)
