"""Range scans: both rules against enumeration and theory, and what the page says of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.sharding import range_scan
from helpers.sharding.range_scan import LENGTHS
from tests import drawn
from tests.checks import assert_tells, drawn_by
from tests.sharding.checks import SEEDS, assert_columns, within


@pytest.mark.parametrize(("shards", "length"), [(2, 1), (2, 5), (3, 4), (4, 6)])
def test_hash_scan_equals_enumeration_of_all_placements(shards: int, length: int) -> None:
    placements = itertools.product(range(shards), repeat=length)
    exact = np.mean([len(set(placement)) for placement in placements])
    assert range_scan.occupied(shards, length) == pytest.approx(exact)


@pytest.mark.parametrize(("shards", "length"), [(2, 1), (3, 700), (2, 1_000), (5, 999)])
def test_range_scan_equals_enumeration_of_all_starts(shards: int, length: int) -> None:
    starts = np.arange(shards * 1_000 - length + 1)
    exact = ((starts + length - 1) // 1_000 - starts // 1_000 + 1).mean()
    at = range_scan.Setting(shards=shards, length=length, width=1_000)
    assert range_scan.theory(at).by_range == pytest.approx(exact)


def test_simulation_equals_theory() -> None:
    runs = [range_scan.simulate(seed=s) for s in SEEDS]
    exact = range_scan.theory(runs[0].at, LENGTHS)
    for k in range(len(LENGTHS)):
        assert within([run.by_range[k] for run in runs], exact.by_range[k], slack=1e-6)
        assert within([run.by_hash[k] for run in runs], exact.by_hash[k], slack=1e-6)


@pytest.mark.parametrize("setting", [{}, {"shards": 2, "length": 1}, {"shards": 64, "length": 999}])
def test_what_the_learner_sees_is_the_result(setting: dict) -> None:
    run = range_scan.simulate(**setting)
    exact = range_scan.theory(run.at, LENGTHS)
    (ax,) = drawn_by(range_scan, run)
    for marker, color, seen in (
        ("o", style.BLUE, run.by_range),
        ("s", style.VERMILION, run.by_hash),
    ):
        points = drawn.curve(ax, marker=marker, color=color)
        np.testing.assert_allclose(points, np.column_stack((LENGTHS, seen)))
    first, second = (line.get_ydata() for line in drawn.lines(ax, **style.THEORY))
    np.testing.assert_allclose([first, second], exact)
    rings = np.concatenate([line.get_xydata() for line in drawn.lines(ax, gid="ring")])
    here = [[run.at.length, run.by_range_here], [run.at.length, run.by_hash_here]]
    np.testing.assert_allclose(rings, here)
    assert_tells(
        run.reading,
        "Reading 1 id" if run.at.length == 1 else f"Reading {run.at.length} consecutive ids",
        f"visits {significant(run.by_range_here)} of {run.at.shards} shards on average when ids",
        f"{significant(run.by_hash_here)} when they are hashed",
    )
    assert list(run.summary.values()) == [run.by_range_here, run.by_hash_here]
    assert_columns(run, LENGTHS, run.by_range, run.by_hash, *exact)
