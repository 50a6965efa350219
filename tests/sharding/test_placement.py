"""Where the load lands: shards are queues, ranges fail growing ids, and the page says so."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.sharding import placement
from helpers.sharding.router import Ring
from tests import drawn
from tests.checks import assert_tells, drawn_by
from tests.sharding.checks import SEEDS, assert_columns, within


def test_theory_is_mm1_below_and_fluid_above_saturation() -> None:
    below, edge, above = placement.mean_response([0.5, 1.0, 4.0], 0.005, 20.0)
    assert below == pytest.approx(0.010)
    assert math.isnan(edge)
    assert above == pytest.approx(30.005)


def test_every_shard_is_an_mm1_queue_under_hashing() -> None:
    # Runs begin with empty queues, which at these loads costs less than 1 %.
    setting = {"scheme": "hash", "traffic": "popular users", "shards": 4}
    runs = [placement.simulate(**setting, seed=s, rate_rps=400.0, exponent=0.6) for s in SEEDS]
    exact = [placement.theory(run.at) for run in runs]
    for shard in range(4):
        ratio = [run.mean_s[shard] / at.mean_s[shard] for run, at in zip(runs, exact, strict=True)]
        assert within(ratio, 1.0, slack=0.01)
    seen = [run.seen_utilisation - at.utilisation for run, at in zip(runs, exact, strict=True)]
    assert within(np.array(seen).ravel(), 0.0)


def test_faulty_queues_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    # A shard that forgets who came before (no queue), and one that serves at constant speed.
    good = placement.queue_on_shards

    def no_queue(arrivals, services, shard, shards, quantile=0.99):
        came = np.bincount(shard, minlength=shards)
        means = np.bincount(shard, weights=services, minlength=shards) / came
        return services, means, means

    def constant(arrivals, services, shard, shards, quantile=0.99):
        return good(arrivals, np.full_like(services, 0.005), shard, shards, quantile)

    for mutant in (no_queue, constant):
        monkeypatch.setattr(placement, "queue_on_shards", mutant)
        with pytest.raises(AssertionError):
            test_every_shard_is_an_mm1_queue_under_hashing()


def test_growing_ids_hit_the_last_shard_alone_and_its_queue_runs_away() -> None:
    run = placement.simulate(scheme="range", traffic="sign-ups")
    exact = placement.theory(run.at)
    assert run.seen_utilisation[:-1].sum() == 0
    assert exact.utilisation[-1] == pytest.approx(4)
    # Fluid limit; the random part of a mean over 20 s is about 1 %.
    assert run.mean_s[-1] == pytest.approx(exact.mean_s[-1], rel=0.04)
    even = placement.simulate(scheme="hash", traffic="sign-ups")
    assert even.mean_s.max() < run.mean_s[-1] / 500


def test_newest_users_overload_a_range_and_not_a_hash() -> None:
    hot, cool = (
        placement.theory(placement.Setting(scheme=s, traffic="newest users", rate_rps=1_000.0))
        for s in ("range", "hash")
    )
    assert hot.utilisation.max() > 2 > 1 > cool.utilisation.max()
    assert hot.utilisation.sum() == pytest.approx(cool.utilisation.sum())


def test_sign_ups_on_a_ring_go_by_its_arcs() -> None:
    run = placement.simulate(scheme="ring", traffic="sign-ups", shards=5, seed=3)
    arcs = 800 * 0.005 * Ring(5, 100, 3).shares()
    assert placement.theory(run.at).utilisation == pytest.approx(arcs)
    assert run.seen_utilisation == pytest.approx(arcs, rel=0.08)


CASES = [
    {"scheme": "range", "traffic": "sign-ups"},
    {"scheme": "ring", "traffic": "popular users", "rate_rps": 1_900.0},
    {"scheme": "hash", "traffic": "newest users", "shards": 2},
    {"scheme": "range", "traffic": "popular users", "shards": 32, "rate_rps": 50.0},
    {"scheme": "range", "traffic": "sign-ups", "rate_rps": 200.1},
]


@pytest.mark.parametrize("setting", CASES)
def test_the_picture_is_the_result(setting: dict) -> None:
    run = placement.simulate(**setting)
    exact, shards = placement.theory(run.at), np.arange(run.at.shards)
    load, latency = drawn_by(placement, run)
    seen = drawn.bars(load, facecolor=style.BLUE)
    assert np.array_equal(seen.places, shards)
    assert seen.ends == pytest.approx(run.seen_utilisation)
    assert drawn.marks(load)[1] == pytest.approx(exact.utilisation)
    assert drawn.levels(load, color=style.VERMILION) == [1]
    assert load.get_ylim()[1] > min(exact.utilisation.max(), 11)
    for marker, values in (("o", run.mean_s), ("^", run.p99_s)):
        points = drawn.curve(latency, marker=marker)
        np.testing.assert_allclose(points, np.column_stack((shards, values)))
    places, values = drawn.marks(latency)
    finite = np.isfinite(exact.mean_s)
    assert np.array_equal(places, shards[finite])
    assert values == pytest.approx(exact.mean_s[finite])


@pytest.mark.parametrize("setting", CASES)
def test_the_sentence_and_the_table_are_the_result(setting: dict) -> None:
    run = placement.simulate(**setting)
    exact = placement.theory(run.at)
    hot = int(exact.utilisation.argmax())
    load = exact.utilisation[hot]
    idle = sum(other < load / 10 for other in exact.utilisation)
    offered = f"offered {significant(load)} times what it can do"
    if significant(load) == "1":
        offered = "offered a little more than it can do"
    phrases = [
        f"Shard {hot + 1} of {run.at.shards} gets",
        f"{significant(100 * load / exact.utilisation.sum())} % of the requests",
        f"wait {duration(run.mean_s[hot])} on average",
        offered if load > 1 else f"{significant(100 * load)} % utilisation",
        *([f"; {idle} other shards have less than a tenth"] if idle > 1 else []),
        *(["; one other shard has less than a tenth"] if idle == 1 else []),
    ]
    assert_tells(run.reading, *phrases)
    assert run.summary == {
        "hottest_shard": hot + 1,
        "hottest_utilisation": load,
        "coldest_utilisation": exact.utilisation.min(),
        "hottest_mean_ms": 1e3 * run.mean_s[hot],
        "overall_p99_ms": 1e3 * run.overall_p99_s,
    }
    assert_columns(
        run,
        np.arange(run.at.shards) + 1,
        exact.utilisation,
        run.seen_utilisation,
        1e3 * run.mean_s,
        1e3 * exact.mean_s,
        1e3 * run.p99_s,
    )
