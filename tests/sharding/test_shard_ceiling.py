"""The ceiling: no number of shards beats it, and each remedy helps the side it is for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.foundations.traffic.keys import zipf_weights
from helpers.sharding import shard_ceiling
from helpers.sharding.remedies import FIXES, top_key_share
from helpers.sharding.shard_ceiling import SIZES, ceiling
from tests import drawn
from tests.checks import assert_tells, drawn_by
from tests.sharding.checks import assert_columns


def test_ceilings_in_closed_form() -> None:
    assert ceiling(0.1) == pytest.approx(10)
    # Salting pays only for writes, copies only for reads, a cache only for reads.
    assert ceiling(0.1, "salt", 4, 0.0) == pytest.approx(40)
    assert ceiling(0.1, "salt", 4, 1.0) == pytest.approx(10)
    assert ceiling(0.1, "copies", 4, 1.0) == pytest.approx(40)
    assert ceiling(0.1, "copies", 4, 0.0) == pytest.approx(10)
    assert ceiling(0.1, "cache", 4, 0.75) == pytest.approx(40)
    assert ceiling(0.1, "cache", 4, 1.0) == math.inf
    assert ceiling(0.1, "own shard", 4, 0.5) == pytest.approx(10)


def test_the_next_in_line_sets_the_ceiling_of_a_cure() -> None:
    at = shard_ceiling.Setting(fix="cache", read_fraction=1.0)
    second = zipf_weights(10_000, 1.0)[1]
    assert shard_ceiling.theory(at) == (pytest.approx(1 / second), pytest.approx(0.5 / second))


def test_no_number_of_shards_beats_the_ceiling() -> None:
    for fix in FIXES:
        for exponent in (0.0, 0.8, 1.2, 2.0):
            run = shard_ceiling.simulate(fix=fix, exponent=exponent)
            exact = shard_ceiling.theory(run.at)
            assert (run.capacity <= exact.ceiling * (1 + 1e-12)).all()
            assert (run.unmended <= exact.unmended * (1 + 1e-12)).all()
            assert (run.unmended <= SIZES * (1 + 1e-12)).all()
    steep = shard_ceiling.simulate(fix="none", exponent=1.5)
    assert steep.unmended[-1] > 0.95 * shard_ceiling.theory(steep.at).unmended  # it is reached


def test_each_fix_helps_the_side_it_is_for() -> None:
    def capacity(fix: str, reads: float) -> float:
        setting = {"exponent": 1.2, "read_fraction": reads, "pieces": 16}
        return shard_ceiling.simulate(fix=fix, **setting).capacity[-1]

    assert capacity("salt", 0.0) > 1.5 * capacity("none", 0.0)
    assert capacity("salt", 1.0) < capacity("none", 1.0)
    assert capacity("copies", 1.0) > 1.5 * capacity("none", 1.0)
    assert capacity("copies", 0.0) < capacity("none", 0.0)
    assert capacity("cache", 1.0) > 1.5 * capacity("none", 1.0)
    assert capacity("cache", 0.0) == pytest.approx(capacity("none", 0.0))


@pytest.mark.parametrize(
    "setting",
    [{}, {"fix": "salt", "exponent": 1.3}, {"fix": "own shard"}, {"fix": "cache",
     "read_fraction": 1.0, "exponent": 2.0}, {"fix": "copies", "exponent": 0.0}],
)  # fmt: skip
def test_what_the_learner_sees_is_the_result(setting: dict) -> None:
    run = shard_ceiling.simulate(**setting)
    exact, mended = shard_ceiling.theory(run.at), run.at.fix != "none"
    (ax,) = drawn_by(shard_ceiling, run)
    assert np.array_equal(drawn.curve(ax, color=style.MUTED), np.column_stack((SIZES, SIZES)))
    np.testing.assert_allclose(drawn.curve(ax, color=style.VERMILION)[:, 1], run.unmended)
    found = [line.get_ydata() for line in drawn.lines(ax, **style.SIMULATION)]
    np.testing.assert_allclose(found, [run.capacity] if mended else [])
    both = mended and exact.ceiling != exact.unmended
    levels = [exact.unmended, exact.ceiling] if both else [exact.unmended]
    assert drawn.levels(ax, **style.THEORY) == pytest.approx(levels)
    share = 100 * top_key_share(run.at.exponent)
    assert_tells(
        run.reading,
        f"takes {significant(share)} % of the requests",
        f"more than {significant(exact.unmended)} shards' worth",
        f"64 of them carry {significant(run.unmended[-1])}",
        *([f"and {significant(run.capacity[-1])} with the"] if mended else []),
    )
    edge = (share, run.capacity[-1], run.capacity.max(), exact.ceiling)
    assert list(run.summary.values()) == pytest.approx(edge)
    assert_columns(run, SIZES, run.capacity, run.unmended)
