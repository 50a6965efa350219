"""Eviction policies against slow references, bounds and closed forms, and mutants of each."""

from __future__ import annotations

import functools
from collections import Counter, OrderedDict

import numpy as np
import pytest

from helpers import caching
from helpers.foundations.traffic.keys import zipf_keys, zipf_weights
from helpers.foundations.traffic.streams import streams

HITS = {
    "LRU": caching.lru_hits,
    "LFU": caching.lfu_hits,
    "FIFO": caching.fifo_hits,
    "SIEVE": caching.sieve_hits,
    "Belady": caching.belady_hits,
}


# --- references: slow, obvious, written another way -----------------------------------------------


def slow_lru(keys, capacity):
    stack = []
    for key in keys:
        hit = key in stack
        if hit:
            stack.remove(key)
        stack.append(key)
        del stack[: max(0, len(stack) - capacity)]
        yield hit


def slow_fifo(keys, capacity):
    line = []
    for key in keys:
        hit = key in line
        if not hit:
            line.append(key)
            del line[: max(0, len(line) - capacity)]
        yield hit


def slow_lfu(keys, capacity):
    uses, reached = Counter(), {}
    for now, key in enumerate(keys):
        hit = key in uses
        if not hit and len(uses) == capacity:
            victim = min(uses, key=lambda each: (uses[each], reached[each]))
            del uses[victim]
        uses[key] += 1
        reached[key] = now
        yield hit


def slow_sieve(keys, capacity):
    line, marked, hand = [], set(), 0  # line[0] is the oldest
    for key in keys:
        if key in line:
            marked.add(key)
            yield True
            continue
        if len(line) == capacity:
            hand %= len(line)
            while line[hand] in marked:
                marked.remove(line[hand])
                hand = (hand + 1) % len(line)
            wrapped = hand == len(line) - 1
            del line[hand]
            if wrapped:
                hand = 0
        line.append(key)
        yield False


def slow_belady(keys, capacity):
    cache = set()
    for now, key in enumerate(keys):
        hit = key in cache
        if not hit:
            if len(cache) == capacity:
                future = keys[now + 1 :]
                uses = {
                    each: future.index(each) if each in future else now + 10**6 for each in cache
                }
                cache.remove(max(uses, key=uses.get))
            cache.add(key)
        yield hit


SLOW = {
    "LRU": slow_lru,
    "LFU": slow_lfu,
    "FIFO": slow_fifo,
    "SIEVE": slow_sieve,
    "Belady": slow_belady,
}


def small_traces(count=60):
    rng = np.random.default_rng(20)
    for _ in range(count):
        keys = int(rng.integers(2, 12))
        weights = zipf_weights(keys, float(rng.choice([0, 0.8, 1.5])))
        yield (
            rng.choice(keys, int(rng.integers(1, 120)), p=weights).tolist(),
            int(rng.integers(1, keys + 2)),
        )


def check_policy(hits, reference, *, same_hits=True):
    """Request by request the same hits; for Belady, whose ties are free, the same number."""
    for keys, capacity in small_traces():
        got, wanted = list(hits(keys, capacity)), list(reference(keys, capacity))
        if not same_hits:
            got, wanted = sum(got), sum(wanted)
        assert got == wanted, (keys, capacity)


@pytest.mark.parametrize("policy", caching.POLICIES)
def test_a_policy_hits_when_its_slow_reference_does(policy):
    check_policy(HITS[policy], SLOW[policy], same_hits=policy != "Belady")


# --- mutants --------------------------------------------------------------------------------------


def lru_that_evicts_the_most_recent(keys, capacity):
    cache = OrderedDict()
    for key in keys:
        hit = key in cache
        if hit:
            cache.move_to_end(key)
        else:
            if len(cache) == capacity:
                cache.popitem(last=True)
            cache[key] = None
        yield hit


def lru_one_too_large(keys, capacity):
    return caching.lru_hits(keys, capacity + 1)


def lfu_that_remembers_the_evicted(keys, capacity):
    uses, cache, reached = Counter(), set(), {}
    for now, key in enumerate(keys):
        hit = key in cache
        uses[key] += 1
        if not hit:
            if len(cache) == capacity:
                cache.remove(min(cache, key=lambda each: (uses[each], reached[each])))
            cache.add(key)
        reached[key] = now
        yield hit


def sieve_whose_hand_starts_over(keys, capacity):
    line, marked = [], set()
    for key in keys:
        if key in line:
            marked.add(key)
            yield True
            continue
        if len(line) == capacity:
            while line[0] in marked:  # second chance: survivors go to the back
                marked.remove(line[0])
                line.append(line.pop(0))
            line.pop(0)
        line.append(key)
        yield False


@pytest.mark.parametrize(
    ("policy", "mutant"),
    [
        ("LRU", lru_that_evicts_the_most_recent),
        ("LRU", caching.fifo_hits),
        ("LRU", lru_one_too_large),
        ("FIFO", caching.lru_hits),
        ("LFU", lfu_that_remembers_the_evicted),
        ("SIEVE", sieve_whose_hand_starts_over),
        ("SIEVE", caching.fifo_hits),
        ("Belady", caching.lru_hits),  # looks at the past
        ("Belady", caching.lfu_hits),
    ],
)
def test_the_reference_catches_a_wrong_policy(policy, mutant):
    with pytest.raises(AssertionError):
        check_policy(mutant, SLOW[policy], same_hits=policy != "Belady")


# --- bounds ---------------------------------------------------------------------------------------


def fewest_misses(keys, capacity):
    """The optimum over all policies that bring in what they miss, by trying everything."""

    @functools.cache
    def from_here(now, cache):
        if now == len(keys):
            return 0
        key = keys[now]
        if key in cache:
            return from_here(now + 1, cache)
        if len(cache) < capacity:
            return 1 + from_here(now + 1, cache | {key})
        return 1 + min(from_here(now + 1, cache - {victim} | {key}) for victim in cache)

    return from_here(0, frozenset())


def test_belady_is_optimal():
    rng = np.random.default_rng(5)
    for _ in range(40):
        keys = tuple(rng.integers(0, 6, 24).tolist())
        capacity = int(rng.integers(1, 5))
        misses = len(keys) - sum(caching.belady_hits(keys, capacity))
        assert misses == fewest_misses(keys, capacity), (keys, capacity)


@pytest.mark.parametrize("trace", caching.TRACES)
@pytest.mark.parametrize("capacity", [1, 10, 200, 1000])
def test_nothing_beats_belady(trace, capacity):
    ratios = caching.simulate_eviction(trace=trace, capacity=capacity).hit_ratios
    assert max(ratios.values()) == ratios["Belady"]
    assert all(0 <= ratio <= 1 for ratio in ratios.values())


def test_belady_on_a_loop():
    # A window of whole super-laps (length - 1 laps) shows the long-run ratio; 0.002 for its ends.
    for length, capacity in ((10, 4), (25, 1), (25, 24), (40, 13)):
        keys = np.tile(np.arange(length), 8 * (length - 1))
        ratio = caching.hit_ratio("Belady", keys, capacity, warm_up=length * (length - 1))
        assert ratio == pytest.approx(caching.theory_loop("Belady", length, capacity), abs=0.002)


@pytest.mark.parametrize("policy", ["LRU", "FIFO"])
def test_a_loop_that_does_not_fit_never_hits(policy):
    keys = np.tile(np.arange(30), 10)
    for capacity in (1, 15, 29):
        assert caching.hit_ratio(policy, keys, capacity) == 0
        assert caching.theory_loop(policy, 30, capacity) == 0
    assert caching.hit_ratio(policy, keys, 30, warm_up=30) == 1
    assert caching.theory_loop(policy, 30, 30) == 1


# --- Che, Fricker, and the ideal ------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_traces():
    """400,000 Zipf requests for 2,000 keys; half warms up. Sampling error below 0.0012."""
    return {
        exponent: zipf_keys(400_000, 2_000, exponent, streams(3, "keys")["keys"])
        for exponent in (0.8, 0.9, 1.0, 1.1, 1.2)
    }


def check_che(trace, exponent, hits):
    """Within 0.01 of hit ratio, of which sampling takes at most 0.0012 (one standard error)."""
    capacities = [20, 100, 500, 1_500]
    theory = caching.theory_lru(zipf_weights(2_000, exponent), capacities)
    for capacity, expected in zip(capacities, theory, strict=True):
        assert abs(hits(trace, capacity) - expected) < 0.01, (exponent, capacity)


@pytest.mark.parametrize("exponent", [0.8, 0.9, 1.0, 1.1, 1.2])
def test_lru_is_within_one_percent_of_che(long_traces, exponent):
    trace = long_traces[exponent]
    check_che(
        trace, exponent, lambda keys, size: caching.hit_ratio("LRU", keys, size, warm_up=200_000)
    )
    curve = caching.lru_curve(trace, warm_up=200_000)
    check_che(trace, exponent, lambda _, size: curve.hit_ratio(size))


@pytest.mark.parametrize("policy", ["FIFO", "LFU", "SIEVE"])
def test_another_policy_posing_as_lru_is_not_within_one_percent_of_che(long_traces, policy):
    with pytest.raises(AssertionError):
        check_che(
            long_traces[0.9][:100_000],
            0.9,
            lambda keys, size: caching.hit_ratio(policy, keys, size, warm_up=50_000),
        )


def test_fifo_is_within_one_percent_of_its_theory(long_traces):
    theory = caching.theory_fifo(zipf_weights(2_000, 0.9), [50, 500])
    for capacity, expected in zip((50, 500), theory, strict=True):
        ratio = caching.hit_ratio("FIFO", long_traces[0.9], capacity, warm_up=200_000)
        assert abs(ratio - expected) < 0.01


def test_no_policy_without_foresight_beats_the_ideal(long_traces):
    ideal = float(caching.theory_lfu(zipf_weights(2_000, 0.9), 200))
    trace = long_traces[0.9]
    for policy in ("LRU", "FIFO", "LFU", "SIEVE"):
        assert caching.hit_ratio(policy, trace, 200, warm_up=200_000) < ideal + 4.5 * 0.0012
    assert caching.hit_ratio("Belady", trace[:60_000], 200, warm_up=20_000) > ideal + 0.02


def test_theories_are_ordered_and_meet_at_the_ends():
    weights = zipf_weights(500, 0.9)
    sizes = np.arange(0, 501)
    fifo, lru, ideal = (
        theory(weights, sizes)
        for theory in (caching.theory_fifo, caching.theory_lru, caching.theory_lfu)
    )
    for curve in (fifo, lru, ideal):
        assert curve[0] == 0
        assert curve[-1] == pytest.approx(1)
        assert np.all(np.diff(curve) > -1e-12)
    assert np.all(fifo <= lru + 1e-9)
    assert np.all(lru <= ideal + 1e-9)


def test_the_curve_of_che_is_che():
    weights = zipf_weights(800, 1.0)
    sizes, ratios = caching.theory_lru_curve(weights, points=40)
    np.testing.assert_allclose(ratios, caching.theory_lru(weights, sizes), atol=1e-9)


def test_equal_popularities_give_the_share_that_fits():
    weights = np.full(100, 0.01)
    for theory in (caching.theory_lru, caching.theory_fifo, caching.theory_lfu):
        np.testing.assert_allclose(theory(weights, [1, 37, 99]), [0.01, 0.37, 0.99])


# --- LRU at all sizes -----------------------------------------------------------------------------


def test_footprint_counts_distinct_keys_in_windows():
    for keys, _ in small_traces(20):
        footprint = caching.lru_curve(keys).footprint
        for width in range(1, len(keys) + 1):
            windows = [len(set(keys[i : i + width])) for i in range(len(keys) - width + 1)]
            assert footprint[width] == pytest.approx(np.mean(windows))


def test_lru_curve_is_within_a_thousandth_of_lru(long_traces):
    trace = long_traces[0.9]
    curve = caching.lru_curve(trace)
    for size in (1, 10, 100, 1_000, 2_000):
        assert abs(curve.hit_ratio(size) - caching.hit_ratio("LRU", trace, size)) < 1e-3


def test_lru_curve_steps_where_a_loop_fits():
    curve = caching.lru_curve(np.tile(np.arange(50), 20), warm_up=50)
    np.testing.assert_allclose(curve.hit_ratio([1, 49, 50, 51]), [0, 0, 1, 1])


def test_the_quick_lru_is_the_readable_one():
    for keys, capacity in small_traces(30):
        warm_up = len(keys) // 3
        readable = list(caching.lru_hits(keys, capacity))[warm_up:]
        assert caching.hit_ratio("LRU", keys, capacity, warm_up=warm_up) == pytest.approx(
            np.mean(readable)
        )


# --- traces ---------------------------------------------------------------------------------------


def test_traces_are_what_they_say():
    made = {
        trace: caching.make_trace(trace, keys=100, exponent=0.9, requests=4_000)
        for trace in caching.TRACES
    }
    assert np.array_equal(made["loop"][:250], np.arange(250) % 100)
    scanned = made["Zipf with scans"]
    once = scanned[scanned >= 100]
    assert once.size == 1_000
    assert np.unique(once).size == 1_000
    assert np.array_equal(scanned[scanned < 100], made["Zipf"][np.arange(4_000) % 1_000 >= 250])
    eras = made["changing popularity"].reshape(4, -1)
    favourites = [np.bincount(era, minlength=100).argmax() for era in eras]
    assert len(set(favourites)) == 4


def test_a_scan_hurts_lru_more_than_sieve_and_change_hurts_lfu_most():
    steady = caching.simulate_eviction().hit_ratios
    scanned = caching.simulate_eviction(trace="Zipf with scans").hit_ratios
    changing = caching.simulate_eviction(trace="changing popularity").hit_ratios
    # A quarter of the requests cannot hit; the rest of the loss is pollution.
    assert scanned["SIEVE"] / steady["SIEVE"] > scanned["LRU"] / steady["LRU"]
    assert min(changing, key=changing.get) == "LFU"
