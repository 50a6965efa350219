"""What to throw out when the cache is full: five policies, and LRU at every size at once."""

from __future__ import annotations

import heapq
import math
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np
import numpy.typing as npt

from helpers.caching import theory
from helpers.caching.simulation._shared import frozen, keys_of, percent, popularity, unit_draws
from helpers.foundations import validation
from helpers.foundations.experiment import Result

#: The eviction policies, in the order they are shown.
POLICIES = ("LRU", "LFU", "FIFO", "SIEVE", "Belady")

#: The kinds of trace.
TRACES = ("Zipf", "Zipf with scans", "loop", "changing popularity")

_REQUESTS = 10_000
_WARM_UP = 2_500
_SCAN_PERIOD, _SCAN_LENGTH = 1_000, 250  # requests from one scan to the next, and in each
_ERAS = 4  # how often the popularities are dealt anew over a trace


# --- the policies: each yields, request by request, whether it was a hit --------------------------


def lru_hits(keys: Sequence[int], capacity: int) -> Iterator[bool]:
    """Least recently used: evict the key whose last use is longest ago.

    Parameters
    ----------
    keys : sequence of int
        Requested keys, in order.
    capacity : int
        Items the cache holds; >= 1.

    Yields
    ------
    bool
        Whether the request was a hit.
    """
    cache: OrderedDict[int, None] = OrderedDict()
    for key in keys:
        if key in cache:
            cache.move_to_end(key)
            yield True
        else:
            if len(cache) == capacity:
                cache.popitem(last=False)
            cache[key] = None
            yield False


def fifo_hits(keys: Sequence[int], capacity: int) -> Iterator[bool]:
    """First in, first out: evict the key that came in longest ago, used or not.

    Parameters and yields as :func:`lru_hits`.
    """
    cache: set[int] = set()
    queue: deque[int] = deque()
    for key in keys:
        if key in cache:
            yield True
        else:
            if len(cache) == capacity:
                cache.remove(queue.popleft())
            cache.add(key)
            queue.append(key)
            yield False


def lfu_hits(keys: Sequence[int], capacity: int) -> Iterator[bool]:
    """Least frequently used: evict the key with the fewest uses since it came in.

    Ties go to the key that reached its count longest ago. Parameters and yields as
    :func:`lru_hits`.

    Notes
    -----
    One ordered bucket for each count makes every step O(1): Shah, Mitra and Matani, "An O(1)
    algorithm for implementing the LFU cache eviction scheme", 2010.
    """
    uses: dict[int, int] = {}
    buckets: dict[int, OrderedDict[int, None]] = {}
    fewest = 1
    for key in keys:
        count = uses.get(key, 0)
        if count:
            bucket = buckets[count]
            del bucket[key]
            if not bucket:
                del buckets[count]
                if fewest == count:
                    fewest = count + 1
        else:
            if len(uses) == capacity:
                bucket = buckets[fewest]
                victim, _ = bucket.popitem(last=False)
                del uses[victim]
                if not bucket:
                    del buckets[fewest]
            fewest = 1
        uses[key] = count + 1
        buckets.setdefault(count + 1, OrderedDict())[key] = None
        yield count > 0


def sieve_hits(keys: Sequence[int], capacity: int) -> Iterator[bool]:
    """SIEVE: a queue in order of arrival, and a hand that spares whoever was used since it passed.

    A hit only sets a mark. On a miss in a full cache the hand moves from old to new, wiping
    marks, until it finds an unmarked key; it evicts that one and stays there. Parameters and
    yields as :func:`lru_hits`.

    Notes
    -----
    Zhang, Yang, Yue, Vigfusson and Rashmi, "SIEVE is Simpler than LRU: an Efficient Turn-Key
    Eviction Algorithm for Web Caches", NSDI 2024, algorithm 1.
    """
    marked: dict[int, bool] = {}
    newer: dict[int, int | None] = {}  # a linked list from old to new, with a way back
    older: dict[int, int | None] = {}
    oldest: int | None = None
    newest: int | None = None
    hand: int | None = None
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


def belady_hits(keys: Sequence[int], capacity: int) -> Iterator[bool]:
    """Belady's optimal policy: evict the key whose next use is furthest away.

    It sees the future, so no cache can run it; no policy that brings in what it misses can do
    better. Parameters and yields as :func:`lru_hits`.

    Notes
    -----
    Belady, "A study of replacement algorithms for a virtual-storage computer", *IBM Systems
    Journal* 5(2), 1966.
    """
    # A key not used again gets an imaginary use of its own beyond the end, so every use names one
    # request, hence one key, and the heap can hold plain integers.
    size = len(keys)
    next_use = list(range(size, 2 * size))
    last: dict[int, int] = {}
    for position, key in enumerate(keys):
        if key in last:
            next_use[last[key]] = position
        last[key] = position

    cache: dict[int, int] = {}  # key -> its next use
    furthest: list[int] = []  # a heap of negated next uses, some out of date
    for position, key in enumerate(keys):
        hit = key in cache
        if not hit and len(cache) == capacity:
            while True:
                use = -heapq.heappop(furthest)
                victim = keys[use if use < size else use - size]
                if cache.get(victim) == use:
                    break
            del cache[victim]
        cache[key] = use = next_use[position]
        heapq.heappush(furthest, -use)
        yield hit


_POLICY: dict[str, Callable[[Sequence[int], int], Iterator[bool]]] = {
    "LRU": lru_hits,
    "LFU": lfu_hits,
    "FIFO": fifo_hits,
    "SIEVE": sieve_hits,
    "Belady": belady_hits,
}


def hit_ratio(policy: str, keys: npt.ArrayLike, capacity: int, *, warm_up: int = 0) -> float:
    """Run one policy over a trace.

    Parameters
    ----------
    policy : {"LRU", "LFU", "FIFO", "SIEVE", "Belady"}
    keys : array_like of int, shape (n,)
        Requested keys, in order; each >= 0.
    capacity : int
        Items the cache holds; >= 1.
    warm_up : int
        First requests that fill the cache but are not counted; 0 <= warm_up < n.

    Returns
    -------
    float
        Hits over counted requests.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    validation.one_of("policy", policy, POLICIES)
    trace = _trace(keys)
    capacity = validation.integer("capacity", capacity, at_least=1, unit="items")
    warm_up = validation.integer("warm_up", warm_up, at_least=0, at_most=trace.size - 1)
    if policy == "LRU":
        return _lru_hit_count(trace, capacity, warm_up) / (trace.size - warm_up)
    hits = _POLICY[policy](trace.tolist(), capacity)
    return sum(islice(hits, warm_up, None)) / (trace.size - warm_up)


def _lru_hit_count(trace: np.ndarray, capacity: int, warm_up: int) -> int:
    """Count LRU hits with the interpreter's own LRU, which is written in C."""
    look_up = lru_cache(maxsize=capacity)(abs)  # any function of the key would do
    keys = trace.tolist()
    deque(map(look_up, keys[:warm_up]), maxlen=0)
    before = look_up.cache_info().hits
    deque(map(look_up, keys[warm_up:]), maxlen=0)
    return look_up.cache_info().hits - before


# --- LRU at every size ----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class LruCurve:
    """Hit ratio of LRU at every cache size, from one pass over a trace."""

    #: Mean number of distinct keys in a window of 0, 1, 2 ... requests; shape (n + 1,).
    footprint: np.ndarray
    #: Share of the counted requests whose key was last used at most 0, 1, 2 ... requests before.
    within: np.ndarray

    def hit_ratio(self, capacities: npt.ArrayLike) -> np.ndarray:
        """Return hit ratios at the given sizes in items, same shape.

        Raises
        ------
        TypeError, ValueError
            If a size is not a number or is negative.
        """
        capacities = validation.numbers("capacities", capacities, at_least=0, unit="items")
        # A reuse after t requests hits if the t requests up to and including it touched no more
        # keys than fit. Few sizes are the footprint of a whole number of requests, so it and the
        # shares are read as broken lines; the tolerance keeps a loop that just fits from missing.
        windows = np.searchsorted(self.footprint, capacities + 1e-9, side="right") - 1
        after = np.minimum(windows + 1, self.footprint.size - 1)
        step = self.footprint[after] - self.footprint[windows]
        part = np.where(
            step > 0, (capacities - self.footprint[windows]) / np.maximum(step, 1e-12), 0
        )
        return self.within[windows] + np.maximum(part, 0) * (
            self.within[after] - self.within[windows]
        )


def lru_curve(keys: npt.ArrayLike, *, warm_up: int = 0) -> LruCurve:
    """Return the hit ratio of LRU at all sizes, in one numpy pass.

    Parameters
    ----------
    keys : array_like of int, shape (n,)
        Requested keys, in order; each >= 0.
    warm_up : int
        First requests that are not counted; 0 <= warm_up < n.

    Returns
    -------
    LruCurve

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Xiang, Ding, Luo and Bao, "HOTL: a Higher Order Theory of Locality", ASPLOS 2013: the mean
    footprint of all windows follows from the histogram of reuse times, because a key is missing
    from exactly ``t - w`` windows of length w inside a gap of t between two of its uses. The
    number of distinct keys in a particular window is then taken to be the mean. On a million
    independent requests with Zipf's exponent 0.9 that costs less than 1e-3 of hit ratio at any
    size; at 1.2 it is 0.006 for caches of a dozen items and below 1e-3 from about 50 on.
    """
    trace = _trace(keys)
    size = trace.size
    warm_up = validation.integer("warm_up", warm_up, at_least=0, at_most=size - 1)

    position, uses = _by_key(trace)
    ends = np.cumsum(uses)
    same = np.ones(size - 1, dtype=bool)  # whether the next position is of the same key
    same[ends[:-1] - 1] = False
    reuse = (position[1:] - position[:-1])[same]
    reuses = np.bincount(reuse, minlength=size + 1)

    # A key's first use ends a gap that began before the trace, its last one starts a gap that
    # ends after it.
    gaps = reuses.copy()
    np.add.at(gaps, position[ends - uses] + 1, 1)
    np.add.at(gaps, size - position[ends - 1], 1)
    missing = gaps[:1:-1].astype(float)  # whole numbers, far below 2**53
    np.cumsum(missing, out=missing)  # gaps of length >= w, for w = size, size - 1, ..., 2
    np.cumsum(missing, out=missing)  # the sum of (gap - w), for w = size - 1, ..., 1
    missing /= np.arange(2.0, size + 1)
    footprint = np.empty(size + 1)
    footprint[0], footprint[-1] = 0.0, uses.size
    np.subtract(uses.size, missing, out=footprint[-2:0:-1])

    if warm_up:
        counted = reuse[position[1:][same] >= warm_up]
        reuses = np.bincount(counted, minlength=size + 1)
    within = np.cumsum(reuses) / (size - warm_up)
    return LruCurve(frozen(footprint), frozen(within))


def _by_key(trace: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of each key's uses, in order, key after key; and how many each has."""
    most = int(trace.max())
    if most >= _MANY_KEYS:
        order = np.argsort(trace, kind="stable")
        return order, np.unique(trace, return_counts=True)[1]
    # numpy sorts integers of 16 bits by radix, several times faster than longer ones.
    order = np.argsort(trace.astype(np.uint16), kind="stable")
    if most >= 1 << 16:
        part = (trace >> 16).astype(np.uint8).take(order)
        order = np.concatenate([order[part == number] for number in range((most >> 16) + 1)])
    uses = np.bincount(trace)
    return order, uses[uses > 0]


#: Keys up to here are counted in a table, and sorted in parts of 65,536.
_MANY_KEYS = 1 << 20


# --- behind the sliders ---------------------------------------------------------------------------


class EvictionResult(Result):
    """Five policies on one trace at one size, and LRU at every size."""

    trace: str
    keys: int
    exponent: float
    capacity: int
    #: Hit ratio of each policy at `capacity`.
    hit_ratios: dict[str, float]
    #: The same in theory, for the policies that have one on this trace.
    theory: dict[str, float]
    #: Hit ratio of a cache that has learned which keys are most popular; NaN off the Zipf trace.
    ideal: float
    #: Cache sizes of the curves, items; shape (points,).
    sizes: np.ndarray
    lru_curve: np.ndarray
    #: Che's approximation, or the exact step on a loop; empty where neither applies.
    lru_theory: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        ratios = {f"{name}_hit_ratio": round(self.hit_ratios[name], 4) for name in POLICIES}
        if "LRU" in self.theory:
            ratios["LRU_hit_ratio_theory"] = round(self.theory["LRU"], 4)
        return ratios

    @property
    def reading(self) -> str:
        online = {name: self.hit_ratios[name] for name in POLICIES if name != "Belady"}
        best = max(online, key=online.get)
        first = f"With room for {self.capacity:,} items, "
        if max(online.values()) - min(online.values()) < 0.0005:
            first += f"LRU, LFU, FIFO and SIEVE all hit {percent(online[best])} of the time"
        else:
            worst = min(online, key=online.get)
            first += f"{best} hits {percent(online[best])} and {worst} {percent(online[worst])}"
        return f"{first}; seeing the future would give {percent(self.hit_ratios['Belady'])}."


def simulate_eviction(
    *,
    trace: str = "Zipf",
    keys: int = 1_000,
    exponent: float = 0.9,
    capacity: int = 100,
    seed: int = 1,
) -> EvictionResult:
    """Run every eviction policy over the same 10,000 requests.

    Parameters
    ----------
    trace : {"Zipf", "Zipf with scans", "loop", "changing popularity"}
        ``"Zipf with scans"``: every 1,000 requests, 250 keys nobody asks for again.
        ``"loop"``: all keys in turn, again and again. ``"changing popularity"``: Zipf, but which
        key is popular is dealt anew four times.
    keys : int
        Number of keys; >= 2.
    exponent : float
        Zipf's exponent; >= 0. A loop takes no notice of it.
    capacity : int
        Items the cache holds; 1 <= capacity <= keys.
    seed : int
        Seed of the trace.

    Returns
    -------
    EvictionResult
        Hit ratios over the last 7,500 requests.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    validation.one_of("trace", trace, TRACES)
    keys = validation.integer("keys", keys, at_least=2)
    exponent = validation.number("exponent", exponent, at_least=0)
    capacity = validation.integer("capacity", capacity, at_least=1, at_most=keys, unit="items")
    requested = make_trace(trace, keys=keys, exponent=exponent, requests=_REQUESTS, seed=seed)
    sizes = np.unique(np.geomspace(1, keys, 60).round().astype(int))
    weights = popularity(keys, exponent)

    predicted: dict[str, float] = {}
    lru_theory = np.empty(0)
    ideal = math.nan
    if trace == "Zipf":
        predicted = {
            "LRU": float(theory.theory_lru(weights, capacity)),
            "FIFO": float(theory.theory_fifo(weights, capacity)),
        }
        ideal = float(theory.theory_lfu(weights, capacity))
        curve = theory.theory_lru_curve(weights)
        lru_theory = np.interp(sizes, *curve, left=np.nan, right=1.0)
    elif trace == "loop":
        predicted = {
            name: theory.theory_loop(name, keys, capacity) for name in ("LRU", "FIFO", "Belady")
        }
        lru_theory = np.where(sizes >= keys, 1.0, 0.0)
    return EvictionResult(
        trace=trace,
        keys=keys,
        exponent=exponent,
        capacity=capacity,
        hit_ratios={
            name: hit_ratio(name, requested, capacity, warm_up=_WARM_UP) for name in POLICIES
        },
        theory=predicted,
        ideal=ideal,
        sizes=frozen(sizes),
        lru_curve=frozen(lru_curve(requested, warm_up=_WARM_UP).hit_ratio(sizes)),
        lru_theory=frozen(lru_theory),
    )


def make_trace(
    trace: str, *, keys: int, exponent: float, requests: int, seed: int = 1
) -> np.ndarray:
    """Return the keys asked for, in order.

    Parameters
    ----------
    trace, keys, exponent, seed
        As for :func:`simulate_eviction`.
    requests : int
        Length of the trace; >= 1.

    Returns
    -------
    numpy.ndarray of int, shape (requests,)

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    validation.one_of("trace", trace, TRACES)
    keys = validation.integer("keys", keys, at_least=2)
    requests = validation.integer("requests", requests, at_least=1)
    number = np.arange(requests)
    if trace == "loop":
        return number % keys
    drawn = keys_of(unit_draws("uniform", "keys", requests, seed), popularity(keys, exponent))
    if trace == "Zipf with scans":
        phase = number % _SCAN_PERIOD
        scan = number // _SCAN_PERIOD * _SCAN_LENGTH + phase
        return np.where(phase < _SCAN_LENGTH, keys + scan, drawn)
    if trace == "changing popularity":
        deals = unit_draws("uniform", "deals", (_ERAS, keys), seed).argsort(axis=1)
        return deals[number * _ERAS // requests, drawn]
    return drawn


def _trace(keys: npt.ArrayLike) -> np.ndarray:
    trace = np.asarray(keys)
    if trace.ndim != 1 or trace.size == 0:
        raise ValueError(f"keys must be a non-empty sequence, got shape {trace.shape}")
    if trace.dtype.kind not in "iu":
        raise TypeError(f"keys must be whole numbers, got dtype {trace.dtype}")
    if trace.min() < 0:
        raise ValueError(f"keys must be >= 0, got {trace.min()}")
    return trace
