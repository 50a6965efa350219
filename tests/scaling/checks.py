"""What the tests of the chapter's experiments share: agreement with theory, models.

A statistical check runs a simulation with many seeds and compares the mean of its answers with an
exact value through an interval of confidence 99.9 %. All seeds are fixed, so each check gives the
same answer every time; with other seeds a correct implementation would fail one of them with
probability 1/1000.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws, Parameters
from helpers.foundations.statistics import mean_interval
from helpers.scaling import bottleneck
from tests import drawn

CONFIDENCE = 0.999


def assert_agrees(samples: Sequence[float], theory: float, bias: float = 0.0) -> None:
    """Independent answers, whose mean must be what theory says up to a relative `bias`."""
    interval = mean_interval(np.asarray(samples, dtype=float), CONFIDENCE)
    slack = bias * abs(theory)
    assert interval.low - slack <= theory <= interval.high + slack, (
        f"theory {theory:.5g}, {interval}"
    )


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


def assert_network(rate, response, demands, think_s: float, most: int) -> None:
    """Both panels show the exact solution and the bounds for these demands."""
    exact = bottleneck.network(tuple(demands), think_s, most).exact
    users = np.arange(1, most + 1)
    for ax, curve, bound in (
        (
            rate,
            exact.throughput_rps,
            np.minimum(1 / max(demands), users / (sum(demands) + think_s)),
        ),
        (
            response,
            1e3 * exact.response_s,
            1e3 * np.maximum(sum(demands), users * max(demands) - think_s),
        ),
    ):
        np.testing.assert_allclose(drawn.curve(ax, **style.THEORY), np.column_stack([users, curve]))
        np.testing.assert_allclose(
            drawn.curve(ax, color=style.GHOST), np.column_stack([users, bound])
        )
        assert ax.get_ylim()[1] > curve.max()
