"""Copying a shard: live latency is Pollaczek-Khinchine, the move as long as its series."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.sharding import migration
from tests import drawn
from tests.checks import assert_tells, drawn_by
from tests.sharding.checks import SEEDS, assert_columns, within


@pytest.mark.parametrize(("live", "share", "chunk_ms"), [(0.5, 0.2, 20.0), (0.3, 0.4, 5.0)])
def test_live_latency_during_a_copy_is_pollaczek_khinchine(
    live: float, share: float, chunk_ms: float
) -> None:
    setting = {"live_utilisation": live, "copy_share": share, "chunk_ms": chunk_ms}
    runs = [migration.simulate(**setting, seed=s) for s in SEEDS]
    assert within([run.mean_here_s for run in runs], float(migration.theory(runs[0].at).mean_s))


def test_a_copy_that_takes_nothing_leaves_an_mm1_queue() -> None:
    at = migration.Setting(live_utilisation=0.6)
    assert migration.theory(at, 1e-9).mean_s == pytest.approx(migration.alone_s(at))
    assert migration.alone_s(at) == pytest.approx(0.005)


def test_migration_time_is_the_sum_of_its_rounds() -> None:
    at = migration.Setting(copy_share=0.2, write_mb_s=5.0)
    left, total = 200e3, 0.0
    for _ in range(200):
        total += left / 40
        left = 5 * left / 40
    assert migration.theory(at).length_s == pytest.approx(total)
    assert migration.theory(at, 5 / 200).length_s == np.inf


def test_catching_up_takes_as_long_as_the_series_says() -> None:
    run = migration.simulate(copy_share=0.2, write_mb_s=5.0)
    # The last 0.1 s of copying happens behind the fence, so what it would breed is spared.
    assert run.length_here_s == pytest.approx(float(migration.theory(run.at).length_s), abs=0.1)
    assert 0 < run.pause_s <= 0.1
    lost = migration.simulate(copy_share=0.02, write_mb_s=5.0)
    assert lost.length_here_s == np.inf
    assert "never" in lost.reading


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"live_utilisation": 0.6, "write_mb_s": 30.0},
        {"copy_share": 0.02},
        {"write_mb_s": 0.0, "chunk_ms": 200.0},
        {"live_utilisation": 0.9, "copy_share": 0.8},
    ],
)
def test_what_the_learner_sees_is_the_result(setting: dict) -> None:
    run = migration.simulate(**setting)
    at, here = run.at, migration.theory(run.at)
    shares = at.copy_shares
    exact = migration.theory(at, shares)
    latency, length = drawn_by(migration, run)
    for ax, curve, dots in (
        (latency, exact.mean_s, run.mean_s),
        (length, exact.length_s, run.length_s),
    ):
        np.testing.assert_allclose(drawn.curve(ax, **style.THEORY)[:, 1], curve)
        points = drawn.curve(ax, marker="o", color=style.BLUE)
        np.testing.assert_allclose(points, np.column_stack((shares, dots)))
        assert drawn.here(ax) == at.copy_share
        assert drawn.bands(ax) == [(pytest.approx(1 - at.live_utilisation), 1)]
    np.testing.assert_allclose(drawn.curve(latency, marker="^")[:, 1], run.p99_s)
    alone = 0.002 / (1 - at.live_utilisation)
    assert drawn.levels(latency, color=style.GREEN) == [pytest.approx(alone)]
    ends = np.isfinite(run.length_here_s)
    takes = [f"takes {duration(run.length_here_s)}, and while"] if ends else []
    if at.live_utilisation + at.copy_share >= 1:
        asked = significant(100 * (at.live_utilisation + at.copy_share))
        assert_tells(run.reading, f"ask for {asked} % of the disk")
        assert "without end" in run.reading
    else:
        assert_tells(
            run.reading,
            *takes,
            f"takes {duration(run.mean_here_s)} on average instead of {duration(alone)}",
            f"p99 {duration(run.p99_here_s)}",
        )
    words = ("without end", "without end", "without end", "never ends", run.rounds, "never ends")
    numbers = (
        1e3 * run.mean_here_s,
        1e3 * here.mean_s,
        1e3 * run.p99_here_s,
        run.length_here_s / 3600,
        run.rounds,
        1e3 * run.pause_s,
    )
    each = zip(run.summary.values(), numbers, words, strict=True)
    assert [said for said, _, _ in each] == [
        pytest.approx(number) if np.isfinite(number) else word
        for number, word in zip(numbers, words, strict=True)
    ]
    assert_columns(
        run,
        shares,
        1e3 * run.mean_s,
        1e3 * exact.mean_s,
        1e3 * run.p99_s,
        run.length_s / 3600,
        exact.length_s / 3600,
    )
