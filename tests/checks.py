"""What the chapters' tests share: how they judge a random number, and what a learner sees.

A comparison of a sample mean with a theory by `assert_mean` fails if the two are more than 4.5
standard errors apart, which a true theory is about 7 times in a million. Seeds are fixed, so a
check that passes once passes always; the rate says how likely the choice of seed was lucky.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.explore.canvas import Canvas
from helpers.explore.models import RUNS
from helpers.explore.view import Plot
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws, Mine, Parameters, Result, averaged
from tests import drawn

Z = 4.5


def weekly(*values: Any, id: str | None = None) -> Any:
    """Return parameters of a test that are tried with ``--thorough`` only."""
    return pytest.param(*values, id=id, marks=pytest.mark.thorough)


def sampled(cases: Iterable[Any], every: int) -> list[Any]:
    """Return cases of which one in so many is tried daily, the others with ``--thorough``."""
    return [
        pytest.param(*case) if number % every == 0 else weekly(*case)
        for number, case in enumerate(
            case if isinstance(case, tuple) else (case,) for case in cases
        )
    ]


#: A 95 % interval holds the truth in so large a share of runs, at least and at most.
HELD_LOW, HELD_HIGH = 0.93, 0.97
_SURPRISE = 3.09  # standard deviations that are exceeded one time in a thousand


def may_hold(seeds: int) -> tuple[float, float]:
    """Fewest and most of so many intervals that may hold the truth."""
    low, high = (
        share * seeds + sign * (0.5 + _SURPRISE * math.sqrt(seeds * share * (1 - share)))
        for share, sign in ((HELD_LOW, -1), (HELD_HIGH, 1))
    )
    return low, min(high, seeds)


def frames_once(frames: Iterable[Result]) -> list[Result]:
    """Return each frame once: one that is yielded again only gives others their turn."""
    return list({id(frame): frame for frame in frames}.values())


def last_frame(outcome: Any) -> Any:
    """What an experiment ends with: its answer, or the last of answers that become finer."""
    *_, last = outcome if inspect.isgenerator(outcome) else (outcome,)
    return last


def assert_mean(samples, expected: float, *, allowance: float = 0.0, what: str = "mean") -> None:
    """Fail unless the mean of independent samples is `expected`, give or take an allowance.

    `allowance` is for a known error of the theory, such as a fluid's, and is stated where used.
    """
    samples = np.asarray(samples, dtype=float)
    error = samples.std(ddof=1) / math.sqrt(samples.size)
    distance = abs(float(samples.mean()) - expected)
    rounding = 1e-12 * abs(expected)  # samples that are all alike have no error of their own
    assert distance <= Z * error + allowance + rounding, (
        f"{what}: {samples.mean():.6g} ± {error:.2g} from {samples.size} samples, "
        f"expected {expected:.6g}"
    )


def assert_share(successes: int, trials: int, expected: float, *, what: str = "share") -> None:
    """Fail unless `successes` of `trials` is what a probability of `expected` gives."""
    error = math.sqrt(max(expected * (1 - expected), 1e-12) * trials)
    assert abs(successes - trials * expected) <= Z * error + 1e-9, (
        f"{what}: {successes} of {trials}, expected {expected:.6g}"
    )


def caught(check: Callable[..., None], *arguments: Any) -> None:
    """A check must fail: one that cannot proves nothing."""
    with pytest.raises(AssertionError):
        check(*arguments)


# --- models ---------------------------------------------------------------------------------------


def each_of(model: Callable[..., Any], setting: type[Parameters], runs: int, **values: Any) -> Any:
    """Return what a model says in each of several runs, on one row of draws."""
    at = setting(**values)
    draw = Draws(getattr(at, "seed", 1))
    return [model(at, draw) for _ in range(runs)]


def runs_of(
    model: Callable[..., Any], setting: type[Parameters], runs: int = RUNS, **values: Any
) -> Mine:
    """Return what a model says on average, run as the page runs it."""
    return averaged(each_of(model, setting, runs, **values))


# --- what a learner sees --------------------------------------------------------------------------


def drawn_by(experiment: Any, *runs: Result, mine: dict[str, Any] | None = None) -> list[Axes]:
    """Draw results as a page does, the last one with what a learner's model says."""
    plot = Plot(experiment, runs)
    if mine is not None:
        plot.mine = (runs[-1], Mine(mine))
    canvas = Canvas(plot)
    canvas.draw(runs)
    return list(canvas.axes)


def axes_of(
    plot: Callable[..., None], *results: Result, mine: Mapping[str, Any] | None = None
) -> list[Axes]:
    """Draw results on the axes that a plot asks for, as the page does; return the axes."""
    with style.context():
        figure = Figure(figsize=(8, 4.4), dpi=100)
        grid = style.grid_of(plot)
        axes = figure.subplots(squeeze=False, **grid).ravel().tolist()
        for result in results:
            more = {} if mine is None else {"mine": Mine(mine)}
            plot(result, tuple(axes) if len(axes) > 1 else axes[0], **more)
    assert len(figure.axes) == len(axes)
    return axes


def diamonds(ax: Axes) -> np.ndarray:
    """Where a learner's own model is drawn, shape (n, 2)."""
    return drawn.curve(ax, label="your model")


def assert_tells(sentence: str, *phrases: str) -> None:
    """Fail unless these phrases follow each other in the sentence and it holds no other number."""
    rest = sentence
    for phrase in phrases:
        before, found, rest = rest.partition(phrase)
        assert found, f"{phrase!r} is not in its place in {sentence!r}"
        assert not re.search(r"\d", before), f"{before!r} holds a number of {sentence!r}"
    assert not re.search(r"\d", rest), f"{rest!r} holds a number of {sentence!r}"


def assert_columns(run: Result, **columns: Any) -> None:
    """Fail unless the table has these columns, spaces as underscores, with these numbers or words.

    A name is what the column's begins with: ``longest_wait`` is "longest wait (s)".
    """
    table = run.columns
    assert len(table) == len(columns), list(table)
    for (name, have), (short, wanted) in zip(table.items(), columns.items(), strict=True):
        assert name.startswith(short.replace("_", " ")), (name, short)
        if isinstance(next(iter(wanted)), str):
            assert list(have) == list(wanted), name
        else:
            np.testing.assert_allclose(np.asarray(have, float), wanted, err_msg=name)
    assert len(run.table()) == len(next(iter(table.values())))


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


def assert_bars(bars: Any, places: Any, interval: Any, scale: float = 1.0) -> None:
    """Error bars stand at `places` and show an interval's estimate and both of its ends."""
    np.testing.assert_allclose(bars.places, places)
    for part, name in (("middle", "estimate"), ("low", "low"), ("high", "high")):
        expected = scale * np.atleast_1d(getattr(interval, name))
        np.testing.assert_allclose(getattr(bars, part), expected)


def assert_legible(*axes: Axes) -> None:
    """Fail if a text of the picture is cut, hidden, or on another one."""
    assert not drawn.text_faults(axes[0].figure)
