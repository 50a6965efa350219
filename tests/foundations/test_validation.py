"""Errors name the parameter, the value and the allowed range."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations import validation


def test_good_values_pass_through() -> None:
    assert validation.number("x", 3) == 3.0
    assert isinstance(validation.number("x", np.float32(0.5)), float)
    assert validation.number("x", 0, at_least=0, at_most=0) == 0
    assert validation.integer("n", np.int64(4), at_least=1) == 4
    assert type(validation.integer("n", np.int64(4))) is int
    assert validation.one_of("kind", "a", ("a", "b")) == "a"
    array = np.array([1.0, 2.0])
    assert validation.numbers("xs", array) is array
    assert validation.numbers("xs", [1, 2]).dtype == float
    assert validation.numbers("xs", 3.0).shape == ()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.001, 1.0, 7])
def test_number_refuses_values_out_of_range(value) -> None:
    with pytest.raises(ValueError, match=r"share must be a finite number >= 0 and < 1, got "):
        validation.number("share", value, at_least=0, below=1)


def test_number_has_open_and_closed_ends() -> None:
    with pytest.raises(ValueError, match=r"x must be a finite number of s > 0, got 0"):
        validation.number("x", 0, above=0, unit="s")
    with pytest.raises(ValueError, match=r"x must be a finite number <= 2, got 2\.5"):
        validation.number("x", 2.5, at_most=2)
    assert validation.number("x", 2, at_most=2) == 2


@pytest.mark.parametrize("value", ["1", None, True, np.True_, 1j, [1], np.array([1.0]), {}])
def test_number_refuses_what_is_no_number(value) -> None:
    with pytest.raises(TypeError, match=r"x must be a finite number > 0, got .*\("):
        validation.number("x", value, above=0)


@pytest.mark.parametrize("value", [4.0, "4", None, True, np.float64(4), [4]])
def test_integer_refuses_what_is_no_integer(value) -> None:
    with pytest.raises(TypeError, match=r"n must be a whole number >= 1, got "):
        validation.integer("n", value, at_least=1)


@pytest.mark.parametrize("value", [-1, 0, 10])
def test_integer_refuses_values_out_of_range(value) -> None:
    with pytest.raises(ValueError, match=rf"n must be a whole number >= 1 and <= 9, got {value}"):
        validation.integer("n", value, at_least=1, at_most=9)


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (lambda: validation.number("x", 1.0000001, at_most=1.0), "<= 1, got 1.0000001"),
        (lambda: validation.number("x", 2**24 + 1, below=2**24), "< 16777216, got 16777217"),
        (lambda: validation.numbers("x", [0.1 + 0.2], at_most=0.3), "0.3, got 0.30000000000000004"),
        (
            lambda: validation.integer("x", 2**31, at_most=2**31 - 1),
            "<= 2147483647, got 2147483648",
        ),
        (
            lambda: validation.integer("x", 0, at_least=10**20 + 1),
            ">= 100000000000000000001, got 0",
        ),
        (lambda: validation.number("x", 1e-12, above=1e-9), "> 1e-09, got 1e-12"),
    ],
)
def test_limits_and_values_are_told_in_full(refused, words) -> None:
    with pytest.raises(ValueError, match=words.replace(".", r"\.") + "$"):
        refused()


def test_one_of_lists_the_options() -> None:
    with pytest.raises(ValueError, match=r"fix must be one of 'none', 'jitter', got 'Jitter'"):
        validation.one_of("fix", "Jitter", ("none", "jitter"))
    with pytest.raises(TypeError, match=r"fix must be one of 'none', got None \(NoneType\)"):
        validation.one_of("fix", None, ("none",))


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([1, -2], ValueError, r"xs\[1\] must be a finite number >= 0, got -2"),
        ([1.0, math.nan], ValueError, r"xs\[1\] must be a finite number >= 0, got nan"),
        ([[0, 1], [math.inf, 2]], ValueError, r"xs\[1, 0\] must be .*, got inf"),
        ([], ValueError, "xs must not be empty"),
        (["1"], TypeError, "every element of xs must be a finite number >= 0, got dtype <U1"),
        ([True], TypeError, "got dtype bool"),
        (None, TypeError, "got dtype object"),
        ([[1], [1, 2]], TypeError, "every element of xs must be"),
        (1.0, ValueError, r"xs must have 1 or 2 dimension\(s\), got shape \(\)"),
        (np.zeros((1, 1, 1)), ValueError, r"got shape \(1, 1, 1\)"),
    ],
)
def test_numbers_names_the_first_offender(values, error, message) -> None:
    with pytest.raises(error, match=message):
        validation.numbers("xs", values, at_least=0, ndim=(1, 2))


def test_numbers_has_open_and_closed_ends() -> None:
    for limits, bad in (
        ({"above": 0}, 0),
        ({"at_least": 0}, -1),
        ({"below": 2}, 2),
        ({"at_most": 2}, 3),
    ):
        with pytest.raises(ValueError, match=rf"xs\[1\] must be .*, got {bad}"):
            validation.numbers("xs", [1, bad], **limits)
