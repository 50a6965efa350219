"""Where a page says that theory lies inside a 95 % interval, it does so in 93 to 97 % of runs.

Intervals that are too narrow call good theories wrong, and those that are too wide call bad ones
right. Sampling is allowed for: a share fails that would be seen one time in a thousand if the
truth were at an end of the band.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import pytest

from helpers.estimation import error_bars, interview, load_test, overload, same_mean
from helpers.failure import redundancy
from helpers.foundations.experiment import Result, frames_of
from helpers.scaling import knee
from helpers.why import loss, traffic, users

#: Each experiment that judges its own theory, the setting it opens with, and corners.
JUDGES: list[tuple[Any, dict[str, Any]]] = [
    (users, {}),
    (users, {"users": 100}),
    (users, {"users": 10_000}),
    (loss, {"servers": 12, "utilisation": 0.8}),
    (loss, {"servers": 4, "utilisation": 0.6}),
    (traffic, {}),
    (traffic, {"utilisation": 0.1}),
    (knee, {}),
    (knee, {"utilisation": 0.05}),
    (knee, {"utilisation": 0.95}),
    (knee, {"utilisation": 0.9, "servers": 4}),
    (error_bars, {}),
    (interview, {}),
    (load_test, {}),
    (load_test, {"utilisation": 0.8}),
    (overload, {"load": 0.5}),
    (overload, {"load": 2.0}),
    (same_mean, {}),
    (same_mean, {"spread": 2.3}),
    (redundancy, {}),
    (redundancy, {"common": 0.1}),
]
_LOW, _HIGH = 0.93, 0.97
_SURPRISE = 3.09  # standard deviations that are exceeded one time in a thousand


def called(judge: Any) -> str:
    return str(judge.__name__.rsplit(".", 1)[1]) if hasattr(judge, "simulate") else str(judge)


def says_inside(result: Result) -> bool:
    (word,) = re.findall(r"\b(inside|outside)\b", result.reading)
    return bool(word == "inside")


def held(module: Any, setting: dict[str, Any], seeds: int) -> Iterator[bool]:
    for seed in range(1, seeds + 1):
        *_, result = frames_of(module.simulate(**setting, seed=seed))
        yield says_inside(result)


def ends(seeds: int) -> tuple[float, float]:
    """Fewest and most of so many intervals that may hold the truth."""
    low, high = (
        share * seeds + sign * (0.5 + _SURPRISE * math.sqrt(seeds * share * (1 - share)))
        for share, sign in ((_LOW, -1), (_HIGH, 1))
    )
    return low, min(high, seeds)


@pytest.mark.parametrize(("module", "setting"), JUDGES, ids=called)
def test_theory_is_inside_as_often_as_is_said(
    module: Any, setting: dict[str, Any], thorough: bool
) -> None:
    if setting and not thorough:
        pytest.skip("corners are tried with --thorough")
    seeds = 400 if thorough else 40
    inside = sum(held(module, setting, seeds))
    low, high = ends(seeds)
    assert low <= inside <= high, f"{inside} of {seeds}"


def test_a_70_percent_interval_and_a_certain_one_would_be_noticed() -> None:
    low, high = ends(400)
    assert 0.70 * 400 < 0.88 * 400 < low < 0.93 * 400
    assert 0.97 * 400 < high < 400
    assert ends(40)[0] > 0.70 * 40
