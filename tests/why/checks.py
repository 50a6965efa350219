"""What the tests of the chapter's experiments share: statistical agreement, pictures, tables.

A statistical check compares the mean over independent seeds with theory by a Student interval of
confidence 99.95 %: a right simulation is blamed about once in 2,000 comparisons. All seeds are
fixed, so each check gives the same answer every time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.explore.models import RUNS
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws, Mine, Parameters, Result, averaged
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


def caught(check: Callable[..., None], *arguments: Any) -> None:
    """A check must fail: one that cannot proves nothing."""
    with pytest.raises(AssertionError):
        check(*arguments)


def mine_of(
    model: Callable[..., Any], setting: type[Parameters], runs: int = RUNS, **values: Any
) -> Mine:
    """What the page shows of a learner's model: the mean of its runs at a setting."""
    at = setting(**values)
    draw = Draws(getattr(at, "seed", 1))
    return averaged([model(at, draw) for _ in range(runs)])


def axes_of(
    plot: Callable[..., None], *results: Result, mine: Mapping[str, Any] | None = None
) -> list[Axes]:
    """Draw results on the axes that a plot asks for, as the page does; return the axes."""
    with style.context():
        figure = Figure(figsize=(8, 4.4), dpi=100)
        grid = getattr(plot, "panels", {"ncols": 1, "nrows": 1})
        axes = figure.subplots(squeeze=False, **grid).ravel().tolist()
        for result in results:
            more = {} if mine is None else {"mine": Mine(mine)}
            plot(result, tuple(axes) if len(axes) > 1 else axes[0], **more)
    return axes


def assert_table(result: Result, columns: Mapping[str, Any]) -> None:
    """The table has these columns, in this order, rows named by the first."""
    first, *rest = columns
    table = result.table()
    assert table.index.name == first
    assert list(table.columns) == rest
    assert list(table.index) == list(columns[first])
    for name in rest:
        expected = np.asarray(columns[name])
        if expected.dtype.kind in "bOU":
            assert table[name].tolist() == expected.tolist(), name
        else:
            np.testing.assert_allclose(table[name], expected, rtol=1e-12, err_msg=name)


def assert_summary(result: Result, expected: Mapping[str, Any]) -> None:
    """The summary has these numbers and no others, in this order."""
    assert list(result.summary) == list(expected)
    for name, value in expected.items():
        shown = result.summary[name]
        if isinstance(value, str):
            assert shown == value, name
        else:
            assert shown == pytest.approx(value, rel=1e-9, nan_ok=True), name


def assert_bars(drawn: Any, places: Any, interval: Any, scale: float = 1.0) -> None:
    """Error bars stand at `places` and show an interval's estimate and both of its ends."""
    np.testing.assert_allclose(drawn.places, places)
    for part, name in (("middle", "estimate"), ("low", "low"), ("high", "high")):
        expected = scale * np.atleast_1d(getattr(interval, name))
        np.testing.assert_allclose(getattr(drawn, part), expected)
