"""Bad input is refused with an error that names the parameter; results and pictures are sound."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

from helpers import caching
from helpers.authoring.course import ROOT
from helpers.explore.canvas import Canvas
from helpers.foundations.experiment import Result

UNIFORM = np.full(10, 0.1)

BAD = [
    (caching.theory_characteristic_time, (UNIFORM, 10), "capacity"),
    (caching.theory_lru, (UNIFORM, [-1]), "capacities"),
    (caching.theory_lru, ([0.5, 0.6], [1]), "weights"),
    (caching.theory_lru, ([1.0, 0.0], [1]), "weights"),
    (caching.theory_fifo, (UNIFORM, [math.nan]), "capacities"),
    (caching.theory_lfu, ([], [1]), "weights"),
    (caching.theory_lru_curve, (UNIFORM, 1), "points"),
    (caching.theory_loop, ("SIEVE", 5, 2), "policy"),
    (caching.theory_loop, ("LRU", 1, 2), "length"),
    (caching.theory_cold_restart, (1.0,), "hit_ratio"),
    (caching.theory_cold_restart, (-0.1,), "hit_ratio"),
    (caching.theory_warm_up, (UNIFORM, [-1.0]), "requests"),
    (caching.theory_expiry_herd, (0.0, 1.0), "rate_rps"),
    (caching.theory_expiry_herd, (1.0, 1.0, "hope"), "fix"),
    (caching.theory_herd_drain, (-1, 1.0, 1), "queries"),
    (caching.theory_herd_drain, (1, 1.0, 0), "connections"),
    (caching.theory_xfetch, (1.0, 1.0, 0.0), "beta"),
    (caching.theory_synchronised_expiry, (1, 1.0, 1.0, 1, -1.0), "jitter_s"),
    (caching.theory_write_through, (-1.0, 1.0), "cache_s"),
    (caching.theory_write_race, (1.0, -1.0), "delay_s"),
    (caching.theory_write_behind, (1.0, 0.0), "flush_s"),
    (caching.theory_staleness, (1.0, 0.0), "ttl_s"),
    (caching.theory_ttl_hit_ratio, (-1.0, 1.0), "read_rps"),
    (caching.theory_refresh_ahead, ([1.0], 1.0, 0.0), "threshold"),
    (caching.theory_refresh_ahead, ([1.0], 1.0, 0.5, "sometimes"), "mode"),
    (caching.mean_decay, ([-1.0],), "x"),
    (caching.lru_curve, ([],), "keys"),
    (caching.lru_curve, ([-1],), "keys"),
    (caching.hit_ratio, ("MRU", [1], 1), "policy"),
    (caching.hit_ratio, ("LRU", [1], 0), "capacity"),
    (caching.wilson_interval, (3, 2), "successes"),
]


@pytest.mark.parametrize(("function", "arguments", "name"), BAD)
def test_a_value_out_of_range_is_named(function, arguments, name):
    with pytest.raises(ValueError, match=name):
        function(*arguments)


BAD_NAMED = [
    (caching.simulate_eviction, {"trace": "noise"}, "trace"),
    (caching.simulate_eviction, {"capacity": 1_001}, "capacity"),
    (caching.simulate_eviction, {"exponent": -1.0}, "exponent"),
    (caching.simulate_expiry_herd, {"rate_rps": 0.0}, "rate_rps"),
    (caching.simulate_expiry_herd, {"recompute_s": math.inf}, "recompute_s"),
    (caching.simulate_expiry_herd, {"fix": "prayer"}, "fix"),
    (caching.simulate_xfetch, {"beta": -1.0}, "beta"),
    (caching.simulate_xfetch, {"replications": 1}, "replications"),
    (caching.simulate_synchronised_expiry, {"keys": 0}, "keys"),
    (caching.simulate_cold_restart, {"headroom": 1.0}, "headroom"),
    (caching.simulate_cold_restart, {"prewarmed": 1.5}, "prewarmed"),
    (caching.simulate_cold_restart, {"capacity": 10_000}, "capacity"),
    (caching.simulate_interleavings, {"protocol": "paxos"}, "protocol"),
    (caching.simulate_interleavings, {"rounds": 3}, "rounds"),
    (caching.simulate_strategies, {"flush_s": 9.0}, "flush_s"),
    (caching.simulate_strategies, {"write_share": 1.0}, "write_share"),
    (caching.simulate_strategies, {"ttl_s": 21.0}, "ttl_s"),
    (caching.simulate_write_race, {"write_rps": 0.0}, "write_rps"),
    (caching.simulate_write_race, {"delay": "none"}, "delay"),
    (caching.simulate_write_behind, {"write_rps": 5e4, "flush_s": 2.0}, "write_rps x flush_s"),
    (caching.simulate_staleness, {"delivered": 1.1}, "delivered"),
    (caching.simulate_refresh_ahead, {"threshold": 0.0}, "threshold"),
    (caching.measure_expiry_herd, {"rate_rps": 1e6}, "rate_rps"),
    (caching.measure_expiry_herd, {"fix": "jitter"}, "fix"),
    (caching.measure_interleavings, {"clients": "three"}, "clients"),
    (caching.measure_write_behind, {"kills": 1}, "kills"),
    (caching.measure_write_behind, {"write_rps": 2e4, "flush_s": 1.0}, "write_rps must be at most"),
    (caching.measure_write_latency, {"writes": 1}, "writes"),
    (caching.measure_write_race, {"delay_s": 1.0}, "delay_s"),
    (caching.measure_lru, {"capacities": [1_000]}, "capacities"),
]


@pytest.mark.parametrize(("function", "arguments", "name"), BAD_NAMED)
def test_a_named_value_out_of_range_is_named(function, arguments, name):
    with pytest.raises(ValueError, match=name):
        function(**arguments)


@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (caching.simulate_eviction, {"capacity": 10.0}, "capacity"),
        (caching.simulate_expiry_herd, {"connections": "20"}, "connections"),
        (caching.simulate_interleavings, {"rounds": True}, "rounds"),
        (caching.simulate_staleness, {"ttl_s": None}, "ttl_s"),
        (caching.simulate_xfetch, {"seed": 1.5}, "seed"),
    ],
)
def test_a_value_of_the_wrong_type_is_named(function, arguments, name):
    with pytest.raises(TypeError, match=name):
        function(**arguments)


SIMULATIONS = {
    caching.simulate_cold_restart: caching.plot_cold_restart,
    caching.simulate_eviction: caching.plot_eviction,
    caching.simulate_expiry_herd: caching.plot_expiry_herd,
    caching.simulate_interleavings: caching.plot_interleavings,
    caching.simulate_refresh_ahead: caching.plot_refresh_ahead,
    caching.simulate_staleness: caching.plot_staleness,
    caching.simulate_strategies: caching.plot_strategies,
    caching.simulate_synchronised_expiry: caching.plot_synchronised_expiry,
    caching.simulate_write_behind: caching.plot_write_behind,
    caching.simulate_write_race: caching.plot_write_race,
    caching.simulate_xfetch: caching.plot_xfetch,
}


def test_no_simulation_is_missing_here():
    named = {name for name in caching.__all__ if name.startswith("simulate_")}
    assert named == {simulate.__name__ for simulate in SIMULATIONS}


@pytest.mark.parametrize("simulate", SIMULATIONS, ids=lambda simulate: simulate.__name__)
def test_a_simulation_is_a_pure_function_whose_result_can_be_drawn_and_read(simulate):
    first, second = simulate(), simulate()
    assert isinstance(first, Result)
    for name, value in vars(first).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, getattr(second, name), err_msg=name)
    assert first.summary == second.summary
    assert first.reading == second.reading
    assert first.reading.endswith(".")
    assert not first.table().empty
    canvas = Canvas(SIMULATIONS[simulate])
    canvas.draw((first,), pinned=(second,))
    canvas.moving_png()
    assert all(ax.get_title(loc="left") for ax in canvas.axes)
    if "seed" in inspect.signature(simulate).parameters:
        other = vars(simulate(seed=2))
        assert (
            any(
                not np.array_equal(value, other[name])
                for name, value in vars(first).items()
                if isinstance(value, np.ndarray)
            )
            or other["outcomes"] != vars(first)["outcomes"]
        )


def test_arrays_that_calls_share_cannot_be_written_to():
    result = caching.simulate_expiry_herd()
    with pytest.raises(ValueError, match="read-only"):
        result.at_database[0] = 1


def test_every_question_has_an_answer_and_is_asked():
    text = (ROOT / "notebooks" / "09_caching_strategies.ipynb").read_text(encoding="utf-8")
    for name in caching.QUESTIONS:
        asked = caching.question(name)
        answer = asked["answer"]() if callable(asked["answer"]) else asked["answer"]
        if "options" in asked:
            assert answer in asked["options"], name
        else:
            assert math.isfinite(answer), name
        assert f'caching.question(\\"{name}\\")' in text, name
    with pytest.raises(ValueError, match="name"):
        caching.question("the meaning of life")
