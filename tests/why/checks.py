"""What the tests of the chapter's experiments share: statistical agreement.

A statistical check compares the mean over independent seeds with theory by a Student interval of
confidence 99.95 %: a right simulation is blamed about once in 2,000 comparisons. All seeds are
fixed, so each check gives the same answer every time.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from helpers.foundations.statistics import mean_interval

_CONFIDENCE = 0.9995


def assert_agrees(samples: Iterable[float], theory: float, name: str = "mean") -> None:
    """The mean of independent samples is what theory says."""
    values = np.array(list(samples), dtype=float)
    if np.ptp(values) <= 1e-9 * abs(theory):
        assert values[0] == pytest.approx(theory, rel=1e-9), name
        return
    interval = mean_interval(values, _CONFIDENCE)
    assert interval.contains(theory), f"{name}: {interval}, theory {theory:g}"
