"""Every setting that a page asks for is noticed where theory puts it, and not a step before."""

from __future__ import annotations

import re
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from helpers.anatomy import cache_load
from helpers.caching import expiry
from helpers.consistency import (
    bank,
    broadcast,
    lag,
    last_writer,
    majorities,
    register,
    sharded_counter,
)
from helpers.estimation import load_test
from helpers.explore.work import chapters, questions_of_chapters
from helpers.failure import threshold
from helpers.foundations.questions import Goal, Goals
from helpers.foundations.suspects import tried
from helpers.scaling import break_even, query_time, scalability, scaling_cost, two_columns
from helpers.sharding import migration
from helpers.studio import (
    by_address,
    daily_p99,
    desk,
    growth,
    invented_latency,
    leaky_queue,
    let_them_in,
    never_invalidated,
    sorted_ring,
    tester_pool,
)
from helpers.tradeoffs import frontier, nines, partition, quorum
from helpers.why import rolling
from tests.checks import last_frame

Values = dict[str, Any]


def trial(experiment: ModuleType) -> Any:
    """Something whose simulation is the trial of a law on an experiment's suspect."""
    return SimpleNamespace(simulate=lambda law: tried(experiment.SUSPECT, law))


#: Five servers with short lines, as the flash sale needs them.
_NOON: Values = {"brief": "sale", "trace": desk.TRACES[2], "servers": 5, "cache": "beside",
                 "replicas": 1, "retries": 1, "room": "30"}  # fmt: skip

#: Laws that expose nobody.
_FOOLS: list[Values] = [{"law": lambda run: True}, {"law": lambda run: False}]

#: Experiment, settings that are not what was asked for (the explorer's first among them), and one
#: for each part that is. What stands nearest to the boundary on either side is a step of a slider.
CASES: dict[str, tuple[Any, list[Values], dict[str, Values]]] = {
    "01-ends-badly": (
        rolling,
        [
            {},
            {"utilisation": 0.5},
            {"utilisation": 0.4, "dies": True},
            {"utilisation": 0.49, "dies": True},
            {"utilisation": 0.51, "dies": True},
        ],
        {"": {"utilisation": 0.5, "dies": True}},
    ),
    "02-fixed-cost": (
        query_time,
        [
            {},
            {"overhead_ms": 8.5},
            {"overhead_ms": 9.5},
            {"overhead_ms": 9.0, "row_us": 1.05},
            {"overhead_ms": 9.0, "memory_rows": 9_000_000},
        ],
        {"": {"overhead_ms": 9.0}},
    ),
    "02-switch": (
        scaling_cost,
        [
            {},
            {"sigma_percent": 0.1, "fleet_sigma_percent": 2.0},
            {"sigma_percent": 0.0, "fleet_sigma_percent": 1.9, "survive_loss": True},
        ],
        {
            "only beyond the largest m7i": {"sigma_percent": 0.0, "fleet_sigma_percent": 2.0},
            "almost from the start": {"survive_loss": True},
        },
    ),
    "02-large-now": (
        break_even,
        [{}, {"growth_percent": 13.0}],
        {"": {"growth_percent": 14.0}},
    ),
    "02-stops-it": (
        two_columns,
        [
            {},
            {"server_1": False},
            {"big_server": False},
            {"balancer": False, "database_b": False},
            {"balancer": False, "second_balancer": True},
            {"server_1": False, "server_2": False, "server_3": False},
        ],
        {
            "the balancer": {"balancer": False},
            "database B": {"database_b": False, "big_server": False},
        },
    ),
    "02-less-than-one": (
        scalability,
        [
            {"sigma": 0.0, "workers": 64},
            {"sigma": 0.0, "kappa": 0.0155, "workers": 64},
            {"sigma": 0.0, "kappa": 0.016, "workers": 63},
        ],
        {"": {"sigma": 0.0, "kappa": 0.016, "workers": 64}},
    ),
    "03-firsts": (
        frontier,
        [{}, {"cache": "10 s", "replicas": 2}],
        {
            "cost": {"servers": 2, "cache": "no cache", "replicas": 0},
            "latency": {"servers": 2, "cache": "60 s", "replicas": 0},
            "outage": {"servers": 4, "cache": "no cache", "replicas": 1},
            "staleness": {"servers": 3, "cache": "no cache", "replicas": 0},
        },
    ),
    "03-quick-and-fresh": (
        quorum,
        [{}, {"read_quorum": 2, "write_quorum": 2}, {"read_quorum": 1, "write_quorum": 3}],
        {"": {"read_quorum": 3, "write_quorum": 1}},
    ),
    "03-third-copy": (nines, [{}, {"income_usd": 1e8}], {"": {"income_usd": 3e8}}),
    "03-nobody": (
        partition,
        [{}, {"replicas": 2, "cut": False}, {"replicas": 4, "cut_off": 1}],
        {"": {"replicas": 4, "cut_off": 2}},
    ),
    "04-keeps-up": (
        cache_load,
        [{}, {"hit_ratio": 0.8}, {"hit_ratio": 0.81}],
        {"": {"hit_ratio": 0.805}},
    ),
    "05-shortest-stall": (
        load_test,
        [{}, {"stall_s": 0.9}, {"stall_s": 1.1}],
        {"": {"stall_s": 1.0}},
    ),
    "07-counter-example": (
        register,
        [
            {},
            {"read_quorum": 1, "write_quorum": 1},
            {"read_quorum": 1, "write_quorum": 3, "seed": 1},
            {"read_quorum": 3, "write_quorum": 3, "seed": 4},
        ],
        {"": {"read_quorum": 1, "write_quorum": 3, "seed": 4}},
    ),
    "07-worse": (
        majorities,
        [
            {},
            {"down_percent": 50.0},
            {"down_percent": 51.0, "quorum": 1},
            {"down_percent": 51.0, "replicas": 1, "quorum": 1},
        ],
        {"": {"down_percent": 51.0}},
    ),
    "07-cheap": (
        lag,
        [
            {},
            {"keeps": lag.WAIT},
            {"pause_ms": 400.0},
            {"keeps": lag.WAIT, "pause_ms": 400.0, "lag_ms": 90.0},
        ],
        {"": {"keeps": lag.WAIT, "pause_ms": 450.0}},
    ),
    "07-none-lost": (
        last_writer,
        [
            {},
            {"gap_ms": 200.0},
            {"stamp": last_writer.READ_FIRST, "skew_ms": 29.0},
            {"stamp": last_writer.READ_FIRST, "gap_ms": 35.0},
            {"stamp": last_writer.READ_FIRST, "delay_ms": 45.0},
        ],
        {"": {"stamp": last_writer.READ_FIRST, "delay_ms": 40.0}},
    ),
    "07-cheap-and-near": (
        broadcast,
        [
            {},
            {"shape": "line"},
            {"shape": "tree of 2"},
            {"shape": "everybody"},
            {"shape": "tree of 4", "echo": True},
            {"shape": "tree of 4", "nodes": 24},
        ],
        {"": {"shape": "tree of 4"}},
    ),
    "07-skewed": (
        bank,
        [{}, {"isolation": bank.SNAPSHOT}, {"work": bank.WITHDRAWALS}],
        {"": {"isolation": bank.SNAPSHOT, "work": bank.WITHDRAWALS}},
    ),
    "07-few-rows": (
        sharded_counter,
        [
            {},
            {"rows": 6},
            {"likes_rps": 500.0, "rows": 5},
            {"likes_rps": 500.0, "rows": 7},
            {"likes_rps": 499.0, "rows": 6},
        ],
        {"": {"likes_rps": 500.0, "rows": 6}},
    ),
    "08-window": (
        migration,
        [
            {"live_utilisation": 0.6, "write_mb_s": 30.0},
            {"live_utilisation": 0.6, "write_mb_s": 30.0, "copy_share": 0.15},
            {"live_utilisation": 0.6, "write_mb_s": 30.0, "copy_share": 0.17},
            {"live_utilisation": 0.84, "write_mb_s": 30.0},
        ],
        {
            "the smallest share": {"live_utilisation": 0.6, "write_mb_s": 30.0, "copy_share": 0.16},
            "a utilisation at which none does": {"live_utilisation": 0.85, "write_mb_s": 30.0},
        },
    ),
    "06-stays-dead": (
        threshold,
        [
            {"attempts": 5, "load": 0.6},
            {"attempts": 5, "load": 0.19},
            {"attempts": 5, "load": 0.23},
            {"attempts": 5, "load": 0.21, "cut": 0.2},
        ],
        {"": {"attempts": 5, "load": 0.21}},
    ),
    "11-edge": (
        growth,
        [
            {},
            {"version": growth.VERSIONS[4], "users": 250_000.0},
            {"version": growth.VERSIONS[4], "users": 290_000.0},
            {"version": growth.VERSIONS[5], "users": 280_000.0},
            {"version": growth.VERSIONS[4], "users": 280_000.0, "within_ms": 200.0},
        ],
        {"": {"version": growth.VERSIONS[4], "users": 280_000.0}},
    ),
    "11-noon": (
        desk,
        [
            {},
            _NOON | {"room": "60"},
            _NOON | {"servers": 4},
            _NOON | {"servers": 6},
            _NOON | {"trace": desk.TRACES[0]},
        ],
        {"": _NOON},
    ),
    "11-formula": (
        trial(invented_latency),
        _FOOLS,
        {"": {"law": lambda run: run["work_s"] <= run["servers"] * run["run_s"]}},
    ),
    "11-ring": (
        trial(sorted_ring),
        _FOOLS,
        {
            "": {
                "law": lambda run: all(
                    new == old or new >= run["servers"]
                    for old, new in zip(run["before"], run["after"], strict=True)
                )
            }
        },
    ),
    "11-address": (
        trial(by_address),
        _FOOLS,
        {"": {"law": lambda run: max(run["served"]) >= run["from_office"]}},
    ),
    "11-leak": (
        trial(leaky_queue),
        [*_FOOLS, {"law": lambda run: run["done"] + run["waiting"] <= run["came"]}],
        {"": {"law": lambda run: run["came"] == run["done"] + run["refused"] + run["waiting"]}},
    ),
    "11-report": (
        trial(daily_p99),
        _FOOLS,
        {"": {"law": lambda run: (run["times_ms"] > run["p99_ms"]).mean() <= 0.0101}},
    ),
    "11-tester": (
        trial(tester_pool),
        _FOOLS,
        {"": {"law": lambda run: run["rate_rps"] * run["mean_s"] > 0.9 * run["waiting"]}},
    ),
    "11-fresh": (
        trial(never_invalidated),
        _FOOLS,
        {
            "": {
                "law": lambda run: (
                    run["reads"] - run["hits"]
                    >= "".join(event[0] for event in run["events"]).count("ur")
                )
            }
        },
    ),
    "11-largest-step": (
        let_them_in,
        [{"step": 0.1}, {"step": 0.17}, {"step": 0.2}, {"step": 1.0}],
        {"": {"step": 0.18}},
    ),
    "09-never-recovers": (
        expiry,
        [
            {"rate_rps": 100.0, "recompute_s": 2.0},
            {"rate_rps": 281.8, "recompute_s": 2.0},
            {"rate_rps": 400.0, "recompute_s": 2.0},
            {"rate_rps": 354.8, "recompute_s": 2.0, "fix": "single-flight"},
        ],
        {"": {"rate_rps": 354.8, "recompute_s": 2.0}},
    ),
}


def goals() -> dict[str, tuple[Goals, Goal]]:
    """Every goal of the course by its key."""
    return {
        f"{one.CHAPTER}-{name}": (one, goal)  # type: ignore[misc]
        for one in questions_of_chapters()
        for name, goal in getattr(one, "GOALS", {}).items()
    }


#: Parts that nothing reaches alone: the cheapest design has no copy that could be stale.
ALSO = {("03-firsts", "cost"): {"staleness"}}


@pytest.mark.parametrize("key", CASES)
def test_a_goal_is_noticed_on_one_side_of_its_boundary_only(key: str) -> None:
    experiment, misses, hits = CASES[key]
    goal = goals()[key][1]
    assert set(goal.parts) == set(hits)
    for values in misses:
        run = last_frame(experiment.simulate(**values))
        assert [part for part, reached in goal.parts.items() if reached(run)] == [], values
    for part, values in hits.items():
        run = last_frame(experiment.simulate(**values))
        reached = {name for name, is_reached in goal.parts.items() if is_reached(run)}
        assert reached == {part} | ALSO.get((key, part), set()), values


def test_every_goal_is_asked_on_its_page_and_tried_here() -> None:
    asked = [key for chapter in chapters() for key in chapter.goals]
    assert sorted(asked) == sorted(goals())
    assert sorted(goals()) == sorted(CASES)


@pytest.mark.parametrize("key", CASES)
def test_what_is_said_of_a_boundary_is_a_sentence_at_every_setting_that_was_tried(key: str) -> None:
    experiment, misses, hits = CASES[key]
    questions, goal = goals()[key]
    assert goal.asked.endswith(".")
    assert not goal.before or goal.before in questions.PREDICTIONS
    for values in [*misses, *hits.values()]:
        said = goal.boundary(last_frame(experiment.simulate(**values)))
        assert said.endswith(".")
        assert not re.search(r"nan|inf\b|-?\d\.\d{5}", said), said


#: Its parts are the four numbers that every sentence gives, and not what is to be found.
NUMBERS_THEMSELVES = {"03-firsts"}


@pytest.mark.parametrize("key", sorted(CASES.keys() - NUMBERS_THEMSELVES))
def test_no_sentence_names_what_is_to_be_found_before_it_is(key: str) -> None:
    experiment, (opening, *_), _ = CASES[key]
    parts = [part for part in goals()[key][1].parts if part]
    said = getattr(last_frame(experiment.simulate(**opening)), "reading", "")
    assert [part for part in parts if part in said] == []


#: The number that each boundary must name, worked out here by another way.
NUMBERS = {
    "01-ends-badly": "50 %",
    "02-fixed-cost": "9.001 ms",
    "02-large-now": "13.3 %",
    "02-less-than-one": "0.0156",
    "04-keeps-up": "above 80 %",
    "05-shortest-stall": "0.917 s",
    "07-few-rows": "8.57 ms",
    "08-window": "85 %",
    "06-stays-dead": "20 %",
    "11-edge": "282,000 daily users",
    "11-noon": "444 requests/s",
    "09-never-recovers": "300 requests/s",
    "11-largest-step": "20 %",
}


@pytest.mark.parametrize("key", NUMBERS)
def test_a_boundary_names_the_number_of_theory(key: str) -> None:
    experiment, _, hits = CASES[key]
    said = goals()[key][1].boundary(last_frame(experiment.simulate(**next(iter(hits.values())))))
    assert NUMBERS[key] in said
