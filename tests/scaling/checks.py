"""What the tests of the chapter's experiments share: statistical agreement, pictures, sentences.

A statistical check runs a simulation with many seeds and compares the mean of its answers with an
exact value through an interval of confidence 99.9 %. All seeds are fixed, so each check gives the
same answer every time; with other seeds a correct implementation would fail one of them with
probability 1/1000.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws, Mine, Parameters, Result
from helpers.foundations.statistics import mean_interval

CONFIDENCE = 0.999


def assert_agrees(samples: Sequence[float], theory: float, bias: float = 0.0) -> None:
    """Independent answers, whose mean must be what theory says up to a relative `bias`."""
    interval = mean_interval(np.asarray(samples, dtype=float), CONFIDENCE)
    slack = bias * abs(theory)
    assert interval.low - slack <= theory <= interval.high + slack, (
        f"theory {theory:.5g}, {interval}"
    )


def caught(check: Callable[..., None], *arguments: Any) -> None:
    """A check must fail: one that cannot proves nothing."""
    with pytest.raises(AssertionError):
        check(*arguments)


def runs_of(
    model: Callable[..., Mapping[str, float]],
    setting: type[Parameters],
    seeds: int = 12,
    **values: Any,
) -> dict[str, np.ndarray]:
    """What an open model says with each of some seeds, by name."""
    outcomes = [
        model(at := setting(**values, seed=seed), Draws(at.seed))  # type: ignore[attr-defined]
        for seed in range(seeds)
    ]
    return {name: np.array([outcome[name] for outcome in outcomes]) for name in outcomes[0]}


class Given:
    """Random numbers for a model that are not random: unit draws prepared by name.

    ``Given(services=[...])`` stands in for :class:`Draws`: each number is used once, in order.
    """

    def __init__(self, **unit: Any) -> None:
        self._left: dict[str, Iterator[float]] = {
            name: iter(np.ravel(values).tolist()) for name, values in unit.items()
        }

    def __call__(self, name: str) -> Given:
        self._name = name
        return self

    def exponential(self, scale: float) -> float:
        """Return the next prepared unit exponential, times `scale`."""
        return scale * next(self._left[self._name])


def axes_of(
    plot: Callable[..., None], *results: Result, mine: Mapping[str, float] | None = None
) -> list[Axes]:
    """Draw results on the axes that a plot asks for, as the page does; return the axes."""
    with style.context():
        figure = Figure(figsize=(8, 4.4), dpi=100)
        grid = getattr(plot, "panels", {"ncols": 1, "nrows": 1})
        axes = figure.subplots(squeeze=False, **grid).ravel().tolist()
        for result in results:
            more = {} if mine is None else {"mine": Mine(mine)}
            plot(result, tuple(axes) if len(axes) > 1 else axes[0], **more)
    assert len(figure.axes) == len(axes)
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
    np.testing.assert_allclose(drawn.middle, scale * np.asarray(interval.estimate))
    np.testing.assert_allclose(drawn.low, scale * np.asarray(interval.low))
    np.testing.assert_allclose(drawn.high, scale * np.asarray(interval.high))
