"""Quantities: units convert, cancel, and refuse what does not fit."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from helpers.estimation import units
from helpers.estimation.units import Quantity, UnitError


def test_examples() -> None:
    outcome = doctest.testmod(units)
    assert outcome.attempted
    assert not outcome.failed


def test_a_hundred_million_urls() -> None:
    urls = Quantity(100e6, "records/day") * Quantity(10, "years")
    right = urls * Quantity(100, "bytes/record")
    assert right.in_units("TB") == pytest.approx(36.5)
    popular = right * Quantity(10, "years")
    with pytest.raises(UnitError, match=r"365 TB·years in TB.*bytes·s.*bytes"):
        popular.to("TB")
    assert popular.in_units("TB*years") == pytest.approx(365)


def test_sums_of_different_kinds_are_refused_and_both_are_named() -> None:
    rate, size = Quantity(1_160, "requests/s"), Quantity(36.5, "TB")
    for verb, attempt in (
        ("add", lambda: rate + size),
        ("subtract", lambda: rate - size),
        ("compare", lambda: rate < size),
        ("add", lambda: rate + 3),
        ("add", lambda: 3 + rate),
    ):
        with pytest.raises(UnitError, match=verb) as caught:
            attempt()
        assert "1,160 requests/s" in str(caught.value)
    with pytest.raises(UnitError, match=r"36\.5 TB.*requests/s.*bytes"):
        rate + size


def test_units_convert_and_cancel() -> None:
    assert Quantity(86_400, "requests/day").in_units("requests/s") == pytest.approx(1)
    assert Quantity(1, "GB/s").in_units("Gbit/s") == pytest.approx(8)
    assert Quantity(1, "GiB").in_units("bytes") == 2**30
    assert float(Quantity(3, "days") / Quantity(36, "h")) == pytest.approx(2)
    assert Quantity(1, "h") == Quantity(60, "min")
    assert Quantity(1, "h") != Quantity(60, "bytes")
    assert Quantity(1, "h") > Quantity(59, "min")
    assert str(1 / Quantity(4, "s")) == "0.25 1/s"
    assert (Quantity(2, "s") ** 2).dimension == {"s": 2}
    assert Quantity(3.2, "servers").ceil() == Quantity(4, "servers")
    assert Quantity(3.0 + 1e-14, "servers").ceil() == Quantity(3, "servers")
    many = np.array([1.0, 2.0]) * Quantity(2, "kB")
    assert many.in_units("bytes").tolist() == [2_000, 4_000]
    assert Quantity(2, "USD/GB/month").unit == "USD/GB/month"


def test_a_quantity_does_not_change() -> None:
    with pytest.raises(AttributeError, match="value"):
        Quantity(1, "s").value = 2


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Quantity("1", "s"), TypeError, "value"),
        (lambda: Quantity(True, "s"), TypeError, "value"),
        (lambda: Quantity(1, 5), TypeError, "unit"),
        (lambda: Quantity(1, "furlongs"), ValueError, "furlongs"),
        (lambda: Quantity(1, "s^x"), ValueError, "power"),
        (lambda: Quantity(1, "s") ** 0.5, TypeError, "power"),
        (lambda: float(Quantity(1, "s")), UnitError, "plain number"),
    ],
)
def test_bad_quantities(call, error, words) -> None:
    with pytest.raises(error, match=words):
        call()
