"""The hot key: exact loads, M/M/1 where it holds, and what the page draws and says."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.events import COMES, ENDS
from helpers.foundations.prose import duration, significant
from helpers.sharding import hot_key
from helpers.sharding.remedies import FIXES, top_key_share, work_factor
from tests import drawn
from tests.checks import assert_tells, drawn_by
from tests.sharding.checks import SEEDS, assert_columns, within


def test_the_top_key_takes_what_the_harmonic_number_leaves() -> None:
    assert top_key_share(1.0, 2) == pytest.approx(2 / 3)
    assert top_key_share(0.0, 10) == pytest.approx(0.1)


@pytest.mark.parametrize("fix", FIXES)
def test_loads_and_latencies(fix: str) -> None:
    setting = {"shards": 6, "rate_rps": 300.0, "exponent": 0.9, "read_fraction": 0.7, "pieces": 3}
    runs = [hot_key.simulate(fix=fix, **setting, seed=s) for s in SEEDS]
    exact = [hot_key.theory(run.at) for run in runs]
    seen = [r.seen_load - at.hot_load - at.other_load for r, at in zip(runs, exact, strict=True)]
    assert within(np.concatenate(seen), 0.0)
    # Copies and pieces that share a shard come in batches, which are not Poisson: left out.
    alone = fix not in ("salt", "copies")
    ratio = [
        run.mean_s[k] / at.mean_s[k]
        for run, at in zip(runs, exact, strict=True)
        for k in range(6)
        if (alone or at.hot_load[k] == 0) and at.other_load[k] > 0
    ]
    assert within(ratio, 1.0, slack=0.02)


def test_a_request_waits_for_the_slowest_of_its_pieces() -> None:
    # With reads alone and the key in 16 pieces, a hot read is as slow as the slowest of them.
    setting = {"fix": "salt", "exponent": 2.0, "read_fraction": 1.0, "rate_rps": 50.0}
    one, many = (hot_key.simulate(**setting, pieces=p) for p in (1, 16))
    assert many.request_p99_s > 1.3 * one.request_p99_s
    assert many.request_p99_s > np.nanmax(many.p99_s) * 0.9


@pytest.mark.parametrize("reads", [0.0, 0.3, 1.0])
def test_a_remedy_costs_its_shards_what_the_formula_says(reads: float) -> None:
    p1, rate = top_key_share(1.0), 800 * hot_key.SERVICE_S
    total = {"none": 1, "own shard": 1, "salt": 4 * reads + 1 - reads, "cache": 1 - reads,
             "copies": reads + 4 * (1 - reads)}  # fmt: skip
    for fix in FIXES:
        at = hot_key.Setting(fix=fix, exponent=1.0, read_fraction=reads, pieces=4, shards=64)
        hot = hot_key.theory(at).hot_load
        assert hot.sum() == pytest.approx(rate * p1 * total[fix])
        spread = np.count_nonzero(hot) == 4 or fix not in ("salt", "copies")
        if spread:  # no two pieces on one shard
            assert hot.max() == pytest.approx(rate * p1 * work_factor(fix, 4, reads))


def test_another_rate_meets_the_same_requests() -> None:
    slow, fast = (hot_key.simulate(rate_rps=rate) for rate in (400.0, 401.0))
    assert slow.seen_load == pytest.approx(fast.seen_load, rel=0.05)


def test_the_worst_corner_reads_sensibly() -> None:
    run = hot_key.simulate(fix="none", exponent=2.0, rate_rps=1_200.0, shards=32)
    assert "overloaded" in run.reading
    assert run.request_p99_s > 10


@pytest.mark.parametrize(
    "setting",
    [{}, {"fix": "cache", "exponent": 2.0, "read_fraction": 1.0, "shards": 2}, {"fix": "salt",
     "shards": 32, "rate_rps": 1_200.0}, {"fix": "own shard", "exponent": 0.0}],
)  # fmt: skip
def test_what_the_learner_sees_is_the_result(setting: dict) -> None:
    run = hot_key.simulate(**setting)
    exact, shards = hot_key.theory(run.at), np.arange(run.at.shards)
    load = exact.hot_load + exact.other_load
    loads, latency = drawn_by(hot_key, run)
    others = drawn.bars(loads, facecolor=style.BLUE)
    hot = drawn.bars(loads, facecolor=style.ORANGE)
    assert others.ends == pytest.approx(exact.other_load)
    assert hot.starts == pytest.approx(exact.other_load)
    assert hot.ends == pytest.approx(load)
    np.testing.assert_allclose(
        drawn.curve(loads, marker="o"), np.column_stack((shards, run.seen_load))
    )
    assert drawn.levels(loads, color=style.VERMILION) == [1]
    for marker, values in (("o", run.mean_s), ("^", run.p99_s)):
        np.testing.assert_allclose(drawn.curve(latency, marker=marker)[:, 1], values)
    assert drawn.marks(latency)[1] == pytest.approx(exact.mean_s[np.isfinite(exact.mean_s)])
    steady = (load > 0) & (load < 0.98)
    assert exact.mean_s[steady] == pytest.approx(0.005 / (1 - load[steady]))
    saturates = run.at.rate_rps / load.max()
    assert_tells(
        run.reading,
        f"hot key is {significant(100 * top_key_share(run.at.exponent))} % of all",
        f"busiest of {run.at.shards} shards {'is overloaded' if load.max() >= 1 else 'keeps up'}",
        f"at {significant(100 * load.max())} % utilisation",
        f"(median {significant(100 * np.median(load))} %)",
        f"a p99 of {duration(run.request_p99_s)}",
        f"saturates at {significant(saturates)} requests/s",
    )
    numbers = (100 * top_key_share(run.at.exponent), load.max(), np.median(load))
    edge = (*numbers, 1e3 * run.request_p99_s, saturates)
    assert list(run.summary.values()) == pytest.approx(edge)
    assert_columns(
        run,
        shards + 1,
        exact.hot_load,
        exact.other_load,
        run.seen_load,
        1e3 * run.mean_s,
        1e3 * exact.mean_s,
        1e3 * run.p99_s,
    )


# --- what is watched ------------------------------------------------------------------------------


@pytest.mark.parametrize("fix", FIXES)
def test_what_is_watched_is_a_second_of_the_simulation(fix: str) -> None:
    at = hot_key.Setting(fix=fix, seed=2)
    run, log = hot_key.served(at), hot_key.watch(at)
    ends = run.arrivals_s + run.responses_s
    for moment in np.linspace(0.03, 0.97, 9):
        standing = log.standing(moment)
        now = 4.0 + moment
        for n in range(at.shards):
            here = (run.shard == n) & (run.arrivals_s <= now) & (ends > now)
            line, server = standing[f"shard {n + 1}'s line"], standing[f"shard {n + 1}"]
            assert len(line) + len(server) == here.sum()
            assert len(server) == bool(here.any())
    rows, kinds = log.rows, list(log.kinds)
    came = (rows.act == COMES) & (rows.left < 0)
    came[: log.opening] = False
    inside = (run.arrivals_s > 4.0) & (run.arrivals_s <= 5.0)
    assert came.sum() == inside.sum()
    hot = [kinds[kind] == "hot key" for kind in rows.kind[came]]
    assert sum(hot) == (run.hot & inside).sum()
    assert (rows.act == ENDS).sum() == ((ends > 4.0) & (ends <= 5.0)).sum()
    assert not log.reasons


def test_the_hot_shards_line_is_shown_and_grows_and_another_is_short() -> None:
    at = hot_key.Setting()
    exact = hot_key.theory(at)
    load = exact.hot_load + exact.other_load
    hot, other = hot_key.watch(at).curves
    assert hot.name == f"in shard {int(load.argmax()) + 1}'s line"
    assert load.max() > 1
    assert hot.level is None, "there is no steady state"
    assert hot.values.min() > 10 * other.values.mean()
    assert hot.values[-1] > hot.values[0]


def test_a_shard_to_which_nobody_comes_is_there_and_empty() -> None:
    log = hot_key.watch(fix="own shard", exponent=0.0)
    assert len(log.places) == 16
    assert all(not log.standing(moment)["shard 1"] for moment in (0.1, 0.5, 0.9))


def test_the_dashed_level_is_what_stands_in_line_on_average() -> None:
    off = []
    for seed in SEEDS:
        log = hot_key.watch(exponent=0.0, seed=seed)
        curve = log.curves[1]
        name = curve.name.removeprefix("in ")
        waiting = [len(log.standing(moment)[name]) for moment in np.linspace(0.1, 0.9, 5)]
        off.append(np.mean(waiting) - curve.level)
    assert within(off, 0.0)


@pytest.mark.parametrize("shards", [2, 5, 13, 64])
def test_an_axis_names_the_shards_that_there_are(shards: int) -> None:
    for ax in drawn_by(hot_key, hot_key.simulate(shards=shards)):
        assert max(drawn.ticks(ax, "x")) <= shards - 1
        assert drawn.ticks(ax, "x")[0] == "1"
