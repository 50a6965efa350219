"""Many rings: their means hold the exact law, and the page draws and says what they are."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.foundations.statistics import mean_intervals
from helpers.sharding import ring_laws, virtual_nodes
from helpers.sharding.virtual_nodes import VIRTUAL_NODES
from tests import drawn
from tests.checks import assert_tells, drawn_by
from tests.sharding.checks import assert_columns, within


def test_rings_are_as_uneven_as_the_law_says() -> None:
    run = virtual_nodes.simulate(replications=40)
    for column, expected in zip(run.imbalance.T, virtual_nodes.theory(run.at), strict=True):
        assert within(column, expected)


def test_intervals_hold_the_exact_mean() -> None:
    # 60 seeds at 7 numbers: binomial with p = 0.95 leaves 0.89 to 0.99 once in 10,000 times.
    runs = [virtual_nodes.simulate(seed=s) for s in range(60)]
    held = [run.mean.contains(virtual_nodes.theory(run.at)) for run in runs]
    assert 0.89 < np.mean(held) < 0.99


@pytest.mark.parametrize(
    ("setting", "needed"),
    [({}, 100), ({"shards": 16, "target": 1.02}, None), ({"shards": 2, "target": 2.0}, 1)],
)
def test_what_the_learner_sees_is_the_result(setting: dict, needed: int | None) -> None:
    run = virtual_nodes.simulate(**setting)
    at, exact = run.at, [ring_laws.imbalance(run.at.shards, v) for v in VIRTUAL_NODES]
    mean = mean_intervals(run.imbalance)
    (ax,) = drawn_by(virtual_nodes, run)
    np.testing.assert_allclose(drawn.curve(ax, **style.THEORY)[:, 1], exact)
    seen = drawn.error_bars(ax, **style.DOTS)
    np.testing.assert_allclose(seen, [VIRTUAL_NODES, mean.estimate, mean.low, mean.high])
    each = drawn.curve(ax, color=style.SKY)
    np.testing.assert_allclose(np.sort(each[:, 1]), np.sort(run.imbalance.ravel()))
    assert drawn.levels(ax, color=style.VERMILION) == [at.target]
    assert run.needed == needed
    wanted = (f"largest of {at.shards} shards within {significant(at.target)} fair",)
    if needed is None:
        assert_tells(run.reading, "Not even 1,000 virtual", *wanted)
    else:
        assert_tells(
            run.reading,
            *wanted,
            "takes 1 virtual node each" if needed == 1 else f"takes {needed} virtual nodes each",
        )
    assert list(run.summary.values()) == mean.estimate.tolist()
    assert list(run.summary)[3] == "max_over_fair_at_30"
    assert_columns(run, VIRTUAL_NODES, mean.estimate, mean.low, mean.high, exact)
