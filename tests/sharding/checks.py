"""What the tests of this chapter share: means within their error, and what a learner sees.

Means are compared over independent seeds: ``within`` allows 4.5 standard errors, which refuses a
right simulation 7 times in a million, plus a stated slack where a run begins empty.
"""

from __future__ import annotations

import math
import re
from types import ModuleType
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.explore.canvas import Canvas
from helpers.explore.view import Plot
from helpers.foundations.experiment import Draws, Mine, Parameters, Result, averaged

Z = 4.5  # standard errors; a normal estimate of a true value strays further 7 times in a million

SEEDS = range(1, 25)


def within(samples: Any, expected: float, slack: float = 0.0) -> bool:
    """Whether the mean of independent samples is within Z standard errors of `expected`."""
    samples = np.asarray(samples, dtype=float)
    error = samples.std(ddof=1) / math.sqrt(len(samples))
    return bool(abs(samples.mean() - expected) <= Z * error + slack * abs(expected))


def drawn_by(experiment: ModuleType | Any, *runs: Result, mine: dict | None = None) -> list[Axes]:
    """Draw results as a page does, the last one with what a learner's model says."""
    plot = Plot(experiment, runs)
    if mine is not None:
        plot.mine = (runs[-1], Mine(mine))
    canvas = Canvas(plot)
    canvas.draw(runs)
    return list(canvas.axes)


def assert_tells(sentence: str, *phrases: str) -> None:
    """Fail unless these phrases follow each other in the sentence and it holds no other number."""
    rest = sentence
    for phrase in phrases:
        before, found, rest = rest.partition(phrase)
        assert found, f"{phrase!r} is not in its place in {sentence!r}"
        assert not re.search(r"\d", before), f"{before!r} holds a number of {sentence!r}"
    assert not re.search(r"\d", rest), f"{rest!r} holds a number of {sentence!r}"


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


def runs_of(model: Any, setting: type[Parameters], *, runs: int = 8, **values: Any) -> Mine:
    """Return what a model says on average, run as the page runs it."""
    at = setting(**values)
    draw = Draws(getattr(at, "seed", 1))
    return averaged([model(at, draw) for _ in range(runs)])
