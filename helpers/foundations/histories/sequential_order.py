"""Sequential consistency: one order for everybody, which need not be that of the clock.

A history is sequentially consistent if its operations can be put in one order that keeps each
client's own and in which every read returns the last write: Lamport, "How to Make a Multiprocessor
Computer That Correctly Executes Multiprocess Programs", IEEE Transactions on Computers 1979. What
different clients did may be put in another order than that in which it happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from helpers.foundations import validation
from helpers.foundations.histories.causality import causes, seen_in_order
from helpers.foundations.histories.operations import (
    BUDGET,
    INITIAL,
    WRITE,
    Operation,
    Verdict,
    readings,
    told,
)
from helpers.foundations.histories.order import Order, bits, writes_of


def sequential(history: Sequence[Operation], *, budget: int = BUDGET) -> Verdict:
    """Say whether a history is sequentially consistent; exact within its budget.

    Parameters
    ----------
    history : sequence of Operation
        Of all registers together: each alone may be right, and all of them wrong.
    budget : int
        How many states may be looked at in all, and pairs be ordered before.

    Notes
    -----
    What the reads say of the order of the writes is added first, until nothing is new; a circle is
    a proof that no order exists. Then orders are tried, never twice from the same operations with
    the same values. The worst case is exponential, as it must be: Gibbons and Korach, "Testing
    Shared Memories", SIAM Journal on Computing 1997.
    """
    budget = validation.integer("budget", budget, at_least=1)
    ops, states = told(history), 0
    longest: tuple[Operation, ...] = ()
    for sources in readings(ops):
        order = causes(ops, sources)
        known = _forced(ops, order, sources, budget - states)
        states += 1
        if known:
            found = _arranged(ops, order, sources, budget - states)
            states += found.states
            if found.holds or found.holds is None:
                return Verdict(found.holds, found.order, states)
            longest = max(longest, found.order, key=len)
        if known is None or states > budget:
            return Verdict(None, longest, states)
    return Verdict(False, longest, states)


def _forced(
    ops: Sequence[Operation], order: Order, sources: Mapping[int, int], budget: int
) -> bool | None:
    """Add what every order must have; False if there is a circle, None if it takes too long."""
    writes, new = writes_of(ops), True
    while new:
        pairs = order.pairs
        if not seen_in_order(ops, order, sources, budget):
            return False
        for read, source in sources.items():  # what overwrote it came after it was read
            later = writes[ops[read].key] & ~(1 << source if source != INITIAL else 0)
            later &= ~order.after[read]
            if source != INITIAL:
                later &= order.after[source]
            for write in bits(later):
                order.put(read, write)
        if order.cyclic:
            return False
        if order.pairs > budget:
            return None
        new = order.pairs > pairs
    return True


def _arranged(
    ops: Sequence[Operation], order: Order, sources: Mapping[int, int], budget: int
) -> Verdict:
    """Look for one order that keeps `order` and in which each read returns the last write."""
    everything = (1 << len(ops)) - 1
    readers = [0] * len(ops)
    for read, source in sources.items():
        if source != INITIAL:
            readers[source] |= 1 << read

    def ready(done: int) -> Iterator[int]:
        for i in bits(everything & ~done):
            if not order.before[i] & ~done:
                yield i

    def choices(done: int, last: Mapping[str, int]) -> Iterator[int]:
        """Operations that may come next; a read that may come now need not wait."""
        free = list(ready(done))
        for i in free:
            if i in sources and sources[i] == last.get(ops[i].key, INITIAL):
                yield i
                return
        for i in free:
            held = last.get(ops[i].key, INITIAL)
            waiting = readers[held] & ~done if held != INITIAL else 0
            if ops[i].kind == WRITE and not waiting:
                yield i

    path: list[int] = []
    longest: list[int] = []
    held: list[dict[str, int]] = [{}]
    ahead = [choices(0, held[0])]
    seen: set[tuple[int, tuple[tuple[str, int], ...]]] = set()
    done = 0
    while ahead and done != everything:
        i = next(ahead[-1], None)
        if i is None:
            ahead.pop()
            held.pop()
            if path:
                done ^= 1 << path.pop()
            continue
        last = held[-1] | ({ops[i].key: i} if ops[i].kind == WRITE else {})
        state = (done | 1 << i, tuple(sorted(last.items())))
        if state in seen:
            continue
        if len(seen) >= budget:
            return Verdict(None, tuple(ops[k] for k in longest), len(seen))
        seen.add(state)
        path.append(i)
        held.append(last)
        done |= 1 << i
        ahead.append(choices(done, last))
        if len(path) > len(longest):
            longest = list(path)
    found = tuple(ops[k] for k in longest)
    return Verdict(done == everything, found, len(seen))
