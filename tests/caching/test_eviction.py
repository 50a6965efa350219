"""Sizes and policies against Che, Fricker and the ideal; the curve at all sizes; and the page."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from helpers.caching import eviction, hit_ratios
from helpers.caching.lru_curve import lru_curve
from helpers.caching.policies import POLICIES, hit_ratio
from helpers.foundations.drawing import style
from helpers.foundations.prose import percent, significant
from helpers.foundations.traffic.keys import zipf_keys, zipf_weights
from helpers.foundations.traffic.streams import streams
from tests import drawn
from tests.caching.test_policies import small_traces
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_tells,
    diamonds,
    drawn_by,
)


@pytest.fixture(scope="module")
def long_traces():
    """200,000 Zipf requests for 2,000 keys; half warms up. Sampling error below 0.0017."""
    return {
        exponent: zipf_keys(200_000, 2_000, exponent, streams(3, "keys")["keys"])
        for exponent in (0.8, 1.0, 1.2)
    }


def run_policy(policy, trace, capacity):
    return hit_ratio(POLICIES[policy](trace.tolist(), capacity), trace.size // 2)


def check_che(trace, exponent, hits):
    """Within 0.01 of hit ratio, of which sampling takes at most 0.0017 (one standard error)."""
    capacities = [20, 100, 500, 1_500]
    expected = hit_ratios.lru(zipf_weights(2_000, exponent), capacities)
    for capacity, ratio in zip(capacities, expected, strict=True):
        assert abs(hits(trace, capacity) - ratio) < 0.01, (exponent, capacity)


@pytest.mark.parametrize("exponent", [0.8, 1.0, 1.2])
def test_lru_is_within_one_percent_of_che(long_traces, exponent):
    trace = long_traces[exponent]
    check_che(trace, exponent, lambda keys, size: run_policy("LRU", keys, size))
    curve = lru_curve(trace, warm_up=100_000)
    check_che(trace, exponent, lambda _, size: curve.hit_ratio(size))


@pytest.mark.parametrize("policy", ["FIFO", "LFU", "SIEVE"])
def test_another_policy_posing_as_lru_is_not_within_one_percent_of_che(long_traces, policy):
    trace = long_traces[0.8][:100_000]
    with pytest.raises(AssertionError):
        check_che(trace, 0.8, lambda keys, size: run_policy(policy, keys, size))


def test_fifo_is_within_one_percent_of_its_theory(long_traces):
    expected = hit_ratios.fifo(zipf_weights(2_000, 1.0), [50, 500])
    for capacity, ratio in zip((50, 500), expected, strict=True):
        assert abs(run_policy("FIFO", long_traces[1.0], capacity) - ratio) < 0.01


def test_no_policy_without_foresight_beats_the_ideal(long_traces):
    ideal = float(hit_ratios.ideal(zipf_weights(2_000, 1.0), 200))
    for policy in ("LRU", "FIFO", "LFU", "SIEVE"):
        assert run_policy(policy, long_traces[1.0], 200) < ideal + 4.5 * 0.0017
    assert run_policy("Belady", long_traces[1.0][:60_000], 200) > ideal + 0.02


# --- LRU at all sizes -----------------------------------------------------------------------------


def test_footprint_counts_distinct_keys_in_windows():
    for keys, _ in small_traces(20):
        footprint = lru_curve(keys).footprint
        for width in range(1, len(keys) + 1):
            windows = [len(set(keys[i : i + width])) for i in range(len(keys) - width + 1)]
            assert footprint[width] == pytest.approx(np.mean(windows))


def test_the_curve_is_within_a_thousandth_of_lru(long_traces):
    trace = zipf_keys(400_000, 2_000, 0.9, streams(3, "keys")["keys"])
    curve, keys = lru_curve(trace), trace.tolist()
    for size in (1, 100, 2_000):
        assert abs(curve.hit_ratio(size) - hit_ratio(POLICIES["LRU"](keys, size))) < 1e-3


def test_the_curve_steps_where_a_loop_fits():
    curve = lru_curve(np.tile(np.arange(50), 20), warm_up=50)
    np.testing.assert_allclose(curve.hit_ratio([1, 49, 50, 51]), [0, 0, 1, 1])


def test_many_keys_are_sorted_in_parts():
    keys = np.random.default_rng(2).integers(0, 300, 2_000)
    few = lru_curve(keys).hit_ratio([10, 100])
    for apart in (1_000, 10_000):  # keys beyond 65,536, and beyond a million
        np.testing.assert_allclose(lru_curve(keys * apart).hit_ratio([10, 100]), few)


# --- what the chapter says of it ------------------------------------------------------------------


def test_with_room_for_400_items_scans_cost_lru_a_sixth_and_sieve_next_to_nothing():
    for seed in (1, 2, 3):
        steady = eviction.simulate(capacity=400, seed=seed).hit_ratios
        scanned = eviction.simulate(capacity=400, seed=seed, trace="Zipf with scans").hit_ratios
        # A quarter of the requests are the scans' and cannot hit.
        kept = {name: scanned[name] / (0.75 * steady[name]) for name in ("LRU", "SIEVE")}
        assert kept["LRU"] == pytest.approx(5 / 6, abs=0.03)
        assert kept["SIEVE"] > 0.98


def test_a_scan_hurts_lru_more_than_sieve_and_change_hurts_lfu_most():
    steady = eviction.simulate().hit_ratios
    scanned = eviction.simulate(trace="Zipf with scans").hit_ratios
    changing = eviction.simulate(trace="changing popularity").hit_ratios
    # A quarter of the requests cannot hit; the rest of the loss is pollution.
    assert scanned["SIEVE"] / steady["SIEVE"] > scanned["LRU"] / steady["LRU"]
    assert min(changing, key=changing.get) == "LFU"


def test_a_cache_larger_than_all_keys_is_refused():
    with pytest.raises(ValueError, match="capacity must be at most the 1,000 keys"):
        eviction.Setting(capacity=1_001)


CORNERS = [
    {},
    {"capacity": 10, "exponent": 0.6},
    {"capacity": 1_000, "exponent": 1.2},
    {"capacity": 756, "exponent": 0.828723},
    {"trace": "loop", "capacity": 900},
    {"trace": "Zipf with scans", "capacity": 400},
    {"trace": "changing popularity"},
]


@pytest.mark.parametrize("setting", CORNERS)
def test_the_page(setting):
    run = eviction.simulate(**setting)
    at, exact, ratios = run.at, eviction.theory(run.at), run.hit_ratios
    online = {name: ratios[name] for name in ("LRU", "LFU", "FIFO", "SIEVE")}
    best, worst = max(online, key=online.get), min(online, key=online.get)
    room = f"room for {at.capacity:,} items"
    foresight = f"give {percent(ratios['Belady'])}"
    if online[best] - online[worst] < 0.0005:
        assert_tells(run.reading, room, f"all hit {percent(online[best])}", foresight)
    else:
        said = f"{best} hits {percent(online[best])} and {worst} {percent(online[worst])}"
        assert_tells(run.reading, room, said, foresight)
    assert run.summary["SIEVE_hit_ratio"] == round(ratios["SIEVE"], 4)
    curve = {"theory": exact.lru_curve} if exact.lru_curve.size else {}
    assert_columns(run, room=at.sizes, LRU_hit_ratio=run.lru_curve, **curve)

    sizes, bars = drawn_by(eviction, run, mine={"LRU": 0.25, "SIEVE": 0.5})
    simulated = np.column_stack([at.sizes, 100 * run.lru_curve])
    np.testing.assert_allclose(drawn.curve(sizes, **style.SIMULATION), simulated)
    assert len(drawn.lines(sizes, **style.THEORY)) == bool(curve)
    if curve:
        theory = np.column_stack([at.sizes, 100 * exact.lru_curve])
        np.testing.assert_allclose(drawn.curve(sizes, **style.THEORY), theory)
    assert drawn.here(sizes) == at.capacity
    for marker, name in (("o", "LRU"), ("D", "Belady")):
        here = drawn.curve(sizes, marker=marker)
        np.testing.assert_allclose(here, [(at.capacity, 100 * ratios[name])])
    values = [100 * ratios[name] for name in POLICIES]
    np.testing.assert_allclose(drawn.bars(bars).ends, values)
    assert set(drawn.written(bars)) >= {f"{significant(value)} %" for value in values}
    rows, expected = drawn.marks(bars, "x")
    names = [list(POLICIES)[round(row)] for row in rows]
    assert dict(zip(names, expected / 100, strict=True)) == pytest.approx(dict(exact.policies))
    assert drawn.bands(bars) == [(values[-1], 125)]
    ideal = [line.get_xdata()[0] for line in drawn.lines(bars, color=style.MUTED)]
    assert ideal == ([] if math.isnan(exact.ideal) else [100 * exact.ideal])
    assert diamonds(bars).tolist() == [[25, 0], [50, 3]]
    assert_legible(*drawn_by(eviction, run))


# --- measured -------------------------------------------------------------------------------------


def test_the_interpreters_lru_is_che():
    run = eviction.measure(requests=100_000)
    assert run.worst < 0.01
    assert run.verdict.endswith(": agrees")
    simulated = eviction.simulate(capacity=100).hit_ratios["LRU"]
    # 7,500 and 50,000 requests, correlated a little: 4.5 standard errors are below 0.03.
    assert abs(run.hit_ratios[2] - simulated) < 0.03


def test_a_cache_with_room_for_all_is_not_measured():
    with pytest.raises(ValueError, match="capacities must be below the 1,000 keys"):
        eviction.Trial(capacities=[10, 1_000])


def test_the_page_of_a_measurement():
    at = eviction.Trial(capacities=[10, 100])
    run = eviction.MeasuredLru(at, np.array([0.13, 0.5]), np.array([0.135, 0.497]), name="yours")
    assert run.worst == pytest.approx(0.005)
    said = "Che's approximation is at most 0.5 points of hit ratio from yours at 2 sizes"
    assert run.verdict.startswith(said)
    assert run.verdict.endswith(": agrees")
    far = dataclasses.replace(run, expected=np.array([0.135, 0.52]))
    assert far.verdict.endswith(": disagrees")
    assert_tells(run.reading, "yours hits 13 % with room for 10 items and 50 %", "room for 100")
    assert run.summary == {"hit_ratio_at_10": 0.13, "hit_ratio_at_100": 0.5}
    assert_columns(run, room=[10, 100], yours=[0.13, 0.5], theory=[0.135, 0.497])
    ax, _ = drawn_by(eviction, eviction.simulate(), run)
    assert drawn.curve(ax, **style.MEASUREMENT).tolist() == [[10, 13], [100, 50]]
    np.testing.assert_allclose(drawn.curve(ax, marker="_"), [[10, 13.5], [100, 49.7]])
    assert_legible(ax)
