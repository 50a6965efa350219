"""Numbers and times are printed with the digits that mean something, the same everywhere."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.012345, "0.0123"),
        (12345.6, "12,300"),
        (99.96, "100"),
        (3.0, "3"),
        (0, "0"),
        (-0.0, "0"),
        (-1234.5, "-1,230"),
        (1.005, "1"),
        (0.1 + 0.2, "0.3"),
        (999_999, "1,000,000"),
        (1e-6, "0.000001"),
        (1.234e-9, "1.23e-09"),
        (math.nan, "not a number"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
        (100, "100"),
        (1000, "1,000"),
    ],
)
def test_significant(value, text) -> None:
    assert significant(value) == text


@given(st.floats(1e-6, 1e14), st.integers(1, 6))
def test_significant_is_within_half_a_digit(value, digits) -> None:
    shown = float(significant(value, digits).replace(",", ""))
    assert abs(shown - value) <= 0.5000001 * 10 ** (math.floor(math.log10(value)) - digits + 1)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.00042, "420 µs"),
        (0.25, "250 ms"),
        (90, "90 s"),
        (150, "2.5 min"),
        (7_200, "2 h"),
        (200_000, "2.31 days"),
        (1e9, "31.7 years"),
        (3e-9, "3 ns"),
        (-0.25, "-250 ms"),
        (0.99999, "1,000 ms"),
    ],
)
def test_duration(seconds, text) -> None:
    assert duration(seconds) == text


class Example(Result):
    rate_rps: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {"rate_rps": self.rate_rps, "fix": "none"}

    @property
    def reading(self) -> str:
        return f"{significant(self.rate_rps)} requests/s arrive."


def test_a_result_has_its_summary_for_a_table() -> None:
    table = Example(3.5).table()
    assert table["value"].to_dict() == {"rate_rps": 3.5, "fix": "none"}


def test_a_result_without_summary_and_reading_cannot_be_made() -> None:
    class Silent(Result):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Silent()
