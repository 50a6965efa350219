"""Histories of a register, and whether one copy of it could have behaved like that.

A history says which client read or wrote what, from when to when. It is *linearizable* if its
operations can be put in one order that respects real time (what was over before something began
comes before it) and in which every read returns the last write: Herlihy and Wing,
"Linearizability: A Correctness Condition for Concurrent Objects", TOPLAS 1990.

>>> from helpers.foundations.histories import Operation, linearizable
>>> wrote = Operation("a", "write", 1, start=0.0, end=1.0)
>>> linearizable([wrote, Operation("b", "read", 1, start=2.0, end=3.0)]).holds
True
>>> linearizable([wrote, Operation("b", "read", None, start=2.0, end=3.0)]).holds
False
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from helpers.foundations import validation

READ, WRITE = "read", "write"

#: States that the checker looks at before it says that it does not know.
BUDGET = 100_000


class Operation(NamedTuple):
    """One read or write, as its client saw it.

    Attributes
    ----------
    client : str
        Whose.
    kind : {"read", "write"}
    value : hashable
        What was read or written. None is what the register holds at first.
    start, end : float
        When the client asked, and when it was answered, seconds. A write that was never answered
        ends at infinity: it may have happened or not.
    key : str
        Of which register.
    """

    client: str
    kind: str
    value: Hashable
    start: float
    end: float = math.inf
    key: str = "x"


@dataclass(frozen=True)
class Verdict:
    """What the checker found.

    Attributes
    ----------
    holds : bool or None
        Whether the history is linearizable; None if the budget was used up before that was known.
    order : tuple of Operation
        An order that shows it, register by register, if it holds; else the longest that was found.
    states : int
        How many states were looked at.
    """

    holds: bool | None
    order: tuple[Operation, ...]
    states: int


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
    for register in _by_key(history):
        one = _one_register(register, budget - states)
        states += one.states
        order += one.order
        if one.holds is not True:
            holds = one.holds
            break
    return Verdict(holds, tuple(order), states)


def _by_key(history: Sequence[Operation]) -> Iterator[list[Operation]]:
    registers: dict[str, list[Operation]] = defaultdict(list)
    for one in history:
        if one.kind not in (READ, WRITE):
            raise ValueError(f"an operation must be a read or a write, got {one.kind!r}")
        if not one.start <= one.end:
            raise ValueError(f"an operation must not end before it starts, got {one}")
        registers[one.key].append(one)
    yield from registers.values()


def _one_register(history: Sequence[Operation], budget: int) -> Verdict:
    # A read without an answer says nothing, and neither does a write without one that nobody read:
    # whatever order holds with it holds without it.
    read = {one.value for one in history if one.kind == READ and one.end < math.inf}
    told = [
        one for one in history if one.end < math.inf or (one.kind == WRITE and one.value in read)
    ]
    ops = sorted(told, key=lambda one: (one.start, one.end))
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


def until(history: Sequence[Operation], now: float) -> list[Operation]:
    """Return what was known of a history at an instant: answers that came later are not."""
    begun = [one for one in history if one.start <= now]
    return [one if one.end <= now else one._replace(end=math.inf) for one in begun]


def right_until(history: Sequence[Operation], *, budget: int = BUDGET) -> float:
    """Return the time of the answer that makes a history wrong; infinite if none does.

    Whatever is linearizable was so at every earlier instant, so the answers can be halved. Where
    the checker does not know, it counts as right.

    Parameters
    ----------
    history : sequence of Operation
    budget : int
        For each look at a part of it.
    """
    answers = sorted({one.end for one in history if one.end < math.inf})
    low, high = 0, len(answers)
    while low < high:
        middle = (low + high) // 2
        if linearizable(until(history, answers[middle]), budget=budget).holds is False:
            high = middle
        else:
            low = middle + 1
    return answers[low] if low < len(answers) else math.inf


def smallest_violation(
    history: Sequence[Operation], *, budget: int = BUDGET
) -> tuple[Operation, ...]:
    """Return a part of a wrong history that is wrong, and right whatever is taken from it.

    A write is taken away only together with the reads that returned it: a value out of nowhere
    would be another violation, and not this one's.

    Parameters
    ----------
    history : sequence of Operation
    budget : int
        For each look at a part of it.

    Returns
    -------
    tuple of Operation
        By start; empty if the history is right, or too large to know.
    """

    def wrong(part: Sequence[Operation]) -> bool:
        return linearizable(part, budget=budget).holds is False

    ends = right_until(history, budget=budget)
    left = until(history, ends)
    left = [one for one in left if one.kind == WRITE or one.end < math.inf]
    if not math.isfinite(ends) or not wrong(left):
        return ()
    piece = max(1, len(left) // 2)
    while True:
        shrunk, i = False, 0
        while i < len(left):
            gone = set(left[i : i + piece])
            values = {(one.key, one.value) for one in gone if one.kind == WRITE}
            rest = [
                one
                for one in left
                if one not in gone and not (one.kind == READ and (one.key, one.value) in values)
            ]
            if wrong(rest):
                left, shrunk = rest, True
            else:
                i += piece
        if piece > 1:
            piece //= 2
        elif not shrunk:
            return tuple(sorted(left, key=lambda one: (one.start, one.end)))


def overwritten_reads(history: Sequence[Operation]) -> list[Operation]:
    """Return the reads of what had been overwritten before they began.

    Such a read is wrong whatever else happened: another write began after that of its value had
    been confirmed, and was itself confirmed before the read began. Needs writes of different
    values. There may be other violations than these.
    """
    wrong = []
    for register in _by_key(history):
        writes = {one.value: one for one in register if one.kind == WRITE}
        for one in register:
            if one.kind == READ and one.end < math.inf:
                own = writes.get(one.value)
                since = -math.inf if own is None else own.end
                if any(since < w.start and w.end < one.start for w in writes.values()):
                    wrong.append(one)
    return wrong
