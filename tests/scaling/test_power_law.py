"""Power laws: fitted, and drawn through two points."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.scaling import power_law


def test_the_two_observations_have_exponent_three_quarters() -> None:
    assert power_law.exponent(1_000, 0.010, 10_000_000, 10.0) == pytest.approx(0.75)


def test_the_fit_recovers_the_exponent_and_its_interval_holds_it() -> None:
    sizes = np.geomspace(10, 1e6, 9)
    law = power_law.fit(sizes, 3e-6 * sizes**0.75)
    assert law.exponent.estimate == pytest.approx(0.75)
    assert law.coefficient == pytest.approx(3e-6)
    held = 0
    for seed in range(200):
        noise = np.exp(np.random.default_rng(seed).normal(0, 0.2, sizes.size))
        held += power_law.fit(sizes, sizes**0.75 * noise).exponent.contains(0.75)
    # 200 trials at 95 %: fewer than 179 or more than 199 have probability below 0.001 each.
    assert 179 <= held <= 199


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: power_law.exponent(3, 1, 3, 2), "size_2"),
        (lambda: power_law.exponent(3, 0, 4, 2), "cost_1"),
        (lambda: power_law.fit([1.0, 2.0], [1.0, 2.0]), "sizes"),
        (lambda: power_law.fit([2.0, 2.0, 2.0], [1.0, 2.0, 3.0]), "sizes"),
        (lambda: power_law.fit([1.0, 2.0, 3.0], [1.0, 2.0]), "costs"),
    ],
)
def test_what_has_no_law_is_refused_by_name(call, name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} must"):
        call()
