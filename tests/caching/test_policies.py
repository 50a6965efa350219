"""Eviction policies against references written another way, bounds, and mutants of each."""

from __future__ import annotations

import functools
from collections import Counter, OrderedDict

import numpy as np
import pytest

from helpers.caching import eviction, hit_ratios, policies
from helpers.caching.policies import POLICIES, hit_ratio
from helpers.caching.traces import REQUESTS, TRACES, requests_of
from helpers.foundations.traffic.keys import zipf_weights
from tests.models import edited

MODEL = "helpers.caching.policies:lru, sieve, two_policies"


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


def linked_sieve(keys, capacity):
    """As the paper has it: a list linked both ways, so that no step depends on the size."""
    marked = {}
    newer = {}
    older = {}
    oldest = None
    newest = None
    hand = None
    for key in keys:
        if key in marked:
            marked[key] = True
            yield True
            continue
        if len(marked) == capacity:
            victim = oldest if hand is None else hand
            while marked[victim]:
                marked[victim] = False
                victim = oldest if newer[victim] is None else newer[victim]
            before, after = older.pop(victim), newer.pop(victim)
            if before is None:
                oldest = after
            else:
                newer[before] = after
            if after is None:
                newest = before
            else:
                older[after] = before
            del marked[victim]
            hand = after  # None: start again from the oldest
        marked[key] = False
        older[key], newer[key] = newest, None
        if newest is None:
            oldest = key
        else:
            newer[newest] = key
        newest = key
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
    "SIEVE": linked_sieve,
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


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_hits_when_its_slow_reference_does(policy):
    check_policy(POLICIES[policy], SLOW[policy], same_hits=policy != "Belady")


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
    return policies.lru(keys, capacity + 1)


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
        ("LRU", policies.fifo),
        ("LRU", lru_one_too_large),
        ("FIFO", policies.lru),
        ("LFU", lfu_that_remembers_the_evicted),
        ("SIEVE", sieve_whose_hand_starts_over),
        ("SIEVE", policies.fifo),
        ("Belady", policies.lru),  # looks at the past
        ("Belady", policies.lfu),
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
        misses = len(keys) - sum(policies.belady(keys, capacity))
        assert misses == fewest_misses(keys, capacity), (keys, capacity)


@pytest.mark.parametrize("trace", TRACES)
@pytest.mark.parametrize("capacity", [1, 10, 200, 1000])
def test_nothing_beats_belady(trace, capacity):
    ratios = eviction.simulate(trace=trace, capacity=capacity).hit_ratios
    assert max(ratios.values()) == ratios["Belady"]
    assert all(0 <= ratio <= 1 for ratio in ratios.values())


def test_belady_on_a_loop():
    # A window of whole super-laps (length - 1 laps) shows the long-run ratio; 0.002 for its ends.
    for length, capacity in ((10, 4), (25, 1), (25, 24), (40, 13)):
        keys = np.tile(np.arange(length), 8 * (length - 1)).tolist()
        ratio = hit_ratio(policies.belady(keys, capacity), length * (length - 1))
        assert ratio == pytest.approx(hit_ratios.loop(length, capacity)["Belady"], abs=0.002)


@pytest.mark.parametrize("policy", ["LRU", "FIFO"])
def test_a_loop_that_does_not_fit_never_hits(policy):
    keys = np.tile(np.arange(30), 10).tolist()
    for capacity in (1, 15, 29):
        assert hit_ratio(POLICIES[policy](keys, capacity)) == 0
        assert hit_ratios.loop(30, capacity)[policy] == 0
    assert hit_ratio(POLICIES[policy](keys, 30), 30) == 1


# --- the open model's edits -----------------------------------------------------------------------


@pytest.mark.parametrize("trace", TRACES)
@pytest.mark.parametrize("capacity", [10, 100, 900])
def test_the_open_model_is_two_of_the_five(trace, capacity):
    at = eviction.Setting(trace=trace, capacity=capacity)
    ratios = eviction.simulate(at).hit_ratios
    assert policies.two_policies(at) == {name: ratios[name] for name in ("LRU", "SIEVE")}


@pytest.mark.parametrize("trace", TRACES)
def test_an_lru_whose_hits_move_nothing_is_a_fifo(trace):
    lazy = edited(MODEL, "            line.move_to_end(key)\n", "            pass\n")
    at = eviction.Setting(trace=trace)
    assert lazy(at)["LRU"] == eviction.simulate(at).hit_ratios["FIFO"]


def test_evicting_the_newest_is_a_disaster_on_zipf_and_belady_on_a_loop():
    newest = edited(MODEL, "line.popitem(last=False)", "line.popitem()")
    zipf = eviction.Setting()
    assert newest(zipf)["LRU"] < 0.5 * eviction.simulate(zipf).hit_ratios["LRU"]
    for capacity in (10, 100, 900):
        loop = eviction.Setting(trace="loop", capacity=capacity)
        assert newest(loop)["LRU"] == eviction.simulate(loop).hit_ratios["Belady"]


def test_survivors_at_the_back_lose_most_of_the_gain_and_follow_fashion():
    clock = edited(MODEL, "hand = (hand + 1) % capacity", "line.append(line.pop(hand))")
    for seed in range(1, 6):
        steady = eviction.Setting(seed=seed)
        ratios = eviction.simulate(steady).hit_ratios
        gain = clock(steady)["SIEVE"] - ratios["LRU"]
        assert gain < 0.5 * (ratios["SIEVE"] - ratios["LRU"])
        changing = eviction.Setting(seed=seed, trace="changing popularity")
        assert clock(changing)["SIEVE"] > eviction.simulate(changing).hit_ratios["SIEVE"]


# --- traces ---------------------------------------------------------------------------------------


def test_traces_are_what_they_say():
    made = {
        trace: requests_of(eviction.Setting(trace=trace, keys=100, capacity=10)) for trace in TRACES
    }
    assert np.array_equal(made["loop"][:250], np.arange(250) % 100)
    scanned = made["Zipf with scans"]
    once = scanned[scanned >= 100]
    assert once.size == REQUESTS / 4
    assert np.unique(once).size == once.size
    between = np.arange(REQUESTS) % 1_000 >= 250
    assert np.array_equal(scanned[scanned < 100], made["Zipf"][between])
    eras = made["changing popularity"].reshape(4, -1)
    favourites = [np.bincount(era, minlength=100).argmax() for era in eras]
    assert len(set(favourites)) == 4
