"""What to throw out when the cache is full: five policies, request by request.

Each is given the requested keys in order and how many items fit, and yields for each request
whether it was a hit. A miss brings its key in.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from helpers.caching.traces import WARM_UP, requests_of

Policy = Callable[[Sequence[int], int], Iterator[bool]]


# --- the models: what the page shows, and a learner changes ---------------------------------------


def lru(keys, capacity):
    """Least recently used: evict the key whose last use is longest ago."""
    line = OrderedDict()  # the key whose last use is longest ago stands first
    for key in keys:
        hit = key in line
        if hit:
            line.move_to_end(key)
        else:
            if len(line) == capacity:
                line.popitem(last=False)
            line[key] = True
        yield hit


def sieve(keys, capacity):
    """SIEVE: evict the oldest key that was not used since the hand last passed it.

    Zhang, Yang, Yue, Vigfusson and Rashmi, "SIEVE is Simpler than LRU: an Efficient Turn-Key
    Eviction Algorithm for Web Caches", NSDI 2024, algorithm 1.
    """
    line, used, hand = [], {}, 0  # line[0] came in first
    for key in keys:
        hit = key in used
        if hit:
            used[key] = True  # all that a hit costs
        else:
            if len(line) == capacity:
                while used[line[hand]]:
                    used[line[hand]] = False  # spared once
                    hand = (hand + 1) % capacity
                del used[line.pop(hand)]
                if hand == len(line):
                    hand = 0
            line.append(key)
            used[key] = False
        yield hit


def two_policies(at):
    """Send the same requests through both, and count the hits once the cache is full."""
    keys = requests_of(at).tolist()
    return {
        "LRU": hit_ratio(lru(keys, at.capacity), WARM_UP),
        "SIEVE": hit_ratio(sieve(keys, at.capacity), WARM_UP),
    }


# --- three more -----------------------------------------------------------------------------------


def fifo(keys: Sequence[int], capacity: int) -> Iterator[bool]:
    """First in, first out: evict the key that came in longest ago, used or not."""
    cache: set[int] = set()
    line: deque[int] = deque()
    for key in keys:
        hit = key in cache
        if not hit:
            if len(cache) == capacity:
                cache.remove(line.popleft())
            cache.add(key)
            line.append(key)
        yield hit


def lfu(keys: Sequence[int], capacity: int) -> Iterator[bool]:
    """Least frequently used: evict the key with the fewest uses since it came in.

    Ties go to the key that reached its count longest ago. One ordered bucket for each count makes
    every step O(1): Shah, Mitra and Matani, "An O(1) algorithm for implementing the LFU cache
    eviction scheme", 2010.
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


def belady(keys: Sequence[int], capacity: int) -> Iterator[bool]:
    """Belady's optimal policy: evict the key whose next use is furthest away.

    It sees the future, so no cache can run it; no policy that brings in what it misses can do
    better. Belady, "A study of replacement algorithms for a virtual-storage computer", *IBM
    Systems Journal* 5(2), 1966.
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


#: The policies, in the order they are shown.
POLICIES: dict[str, Policy] = {
    "LRU": lru,
    "LFU": lfu,
    "FIFO": fifo,
    "SIEVE": sieve,
    "Belady": belady,
}


def hit_ratio(hits: Iterable[bool], warm_up: int = 0) -> float:
    """Return the share of hits, the first `warm_up` requests left out."""
    counted = list(islice(hits, warm_up, None))
    return sum(counted) / len(counted)
