"""What the tests of this chapter share: means within their error, and tables.

Means are compared over independent seeds: ``within`` allows 4.5 standard errors, which refuses a
right simulation 7 times in a million, plus a stated slack where a run begins empty.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from helpers.foundations.experiment import Result

Z = 4.5  # standard errors; a normal estimate of a true value strays further 7 times in a million

SEEDS = range(1, 25)


def within(samples: Any, expected: float, slack: float = 0.0) -> bool:
    """Whether the mean of independent samples is within Z standard errors of `expected`."""
    samples = np.asarray(samples, dtype=float)
    error = samples.std(ddof=1) / math.sqrt(len(samples))
    return bool(abs(samples.mean() - expected) <= Z * error + slack * abs(expected))


def assert_columns(run: Result, *columns: Any) -> None:
    """Fail unless the table's columns, in order, hold these numbers or words."""
    table = list(run.columns.values())
    assert len(table) == len(columns)
    for name, have, wanted in zip(run.columns, table, columns, strict=True):
        if isinstance(wanted[0], str):
            assert list(have) == list(wanted), name
        else:
            np.testing.assert_allclose(np.asarray(have, float), wanted, err_msg=name)
    assert len(run.table()) == len(columns[0])
