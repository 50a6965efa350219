"""Linearizability: whether one copy of each register could have behaved like that.

A history is *linearizable* if its operations can be put in one order that respects real time (what
was over before something began comes before it) and in which every read returns the last write:
Herlihy and Wing, "Linearizability: A Correctness Condition for Concurrent Objects", TOPLAS 1990.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence

from helpers.foundations import validation
from helpers.foundations.histories.operations import (
    BUDGET,
    READ,
    WRITE,
    Operation,
    Verdict,
    by_key,
    told,
)


def linearizable(history: Sequence[Operation], *, budget: int = BUDGET) -> Verdict:
    """Say whether a history of registers is linearizable; exact within its budget.

    Parameters
    ----------
    history : sequence of Operation
        In any order. Registers are judged one by one, which is enough (Herlihy and Wing, theorem
        1: linearizability is local).
    budget : int
        How many states may be looked at in all.

    Raises
    ------
    ValueError
        If an operation is neither a read nor a write, or ends before it starts.

    Notes
    -----
    Wing and Gong, "Testing and Verifying Concurrent Objects", JPDC 1993: put first whatever no
    other operation has to precede, and go back when a read does not fit. Lowe, "Testing for
    Linearizability", 2017: never look twice at the same operations with the same value. The worst
    case is exponential, as it must be (Gibbons and Korach, 1997).
    """
    budget = validation.integer("budget", budget, at_least=1)
    holds: bool | None = True
    order: list[Operation] = []
    states = 0
    for register in by_key(history):
        one = _one_register(register, budget - states)
        states += one.states
        order += one.order
        if one.holds is not True:
            holds = one.holds
            break
    return Verdict(holds, tuple(order), states)


def _one_register(history: Sequence[Operation], budget: int) -> Verdict:
    ops = told(history)
    must = sum(1 << i for i, one in enumerate(ops) if one.end < math.inf)

    def next_of(done: int, value: Hashable) -> Iterator[tuple[int, int, Hashable]]:
        """Operations that may come next: none left is over before they start."""
        first_end = math.inf
        i = (~done & (done + 1)).bit_length() - 1  # the first that is left
        for j in range(i, len(ops)):
            if ops[j].start > first_end:
                break
            if not done >> j & 1:
                first_end = min(first_end, ops[j].end)
        for j in range(i, len(ops)):
            one = ops[j]
            if one.start > first_end:
                break
            if not done >> j & 1 and (one.kind == WRITE or one.value == value):
                yield j, done | 1 << j, one.value

    seen: set[tuple[int, Hashable]] = {(0, None)}
    path: list[int] = []
    longest: list[int] = []
    ahead = [next_of(0, None)]
    done = 0
    masks = [0]
    while ahead and done & must != must:
        following = next(ahead[-1], None)
        if following is None:
            ahead.pop()
            masks.pop()
            if path:
                path.pop()
            done = masks[-1] if masks else 0
            continue
        j, mask, value = following
        if (mask, value) in seen:
            continue
        if len(seen) > budget:
            return Verdict(None, tuple(ops[i] for i in longest), len(seen))
        seen.add((mask, value))
        path.append(j)
        masks.append(mask)
        ahead.append(next_of(mask, value))
        done = mask
        if len(path) > len(longest):
            longest = list(path)
    holds = done & must == must
    return Verdict(holds, tuple(ops[i] for i in longest), len(seen))


def overwritten_reads(history: Sequence[Operation]) -> list[Operation]:
    """Return the reads of what had been overwritten before they began.

    Such a read is wrong whatever else happened: another write began after that of its value had
    been confirmed, and was itself confirmed before the read began. Needs writes of different
    values. There may be other violations than these.
    """
    wrong = []
    for register in by_key(history):
        writes = {one.value: one for one in register if one.kind == WRITE}
        for one in register:
            if one.kind == READ and one.end < math.inf:
                own = writes.get(one.value)
                since = -math.inf if own is None else own.end
                if any(since < w.start and w.end < one.start for w in writes.values()):
                    wrong.append(one)
    return wrong
