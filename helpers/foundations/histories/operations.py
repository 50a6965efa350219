"""Operations on registers as their clients saw them, and what is found when they are judged."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

READ, WRITE = "read", "write"

#: States that a checker looks at before it says that it does not know.
BUDGET = 100_000

#: Where a read of what nobody wrote has its value from.
INITIAL = -1


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
    version : object that can be compared, optional
        What the store itself says of a write's place among the others of the register.
    """

    client: str
    kind: str
    value: Hashable
    start: float
    end: float = math.inf
    key: str = "x"
    version: Any = None


@dataclass(frozen=True)
class Verdict:
    """What a checker found.

    Attributes
    ----------
    holds : bool or None
        Whether the history has the property; None if the budget was used up before that was known.
    order : tuple of Operation
        An order that shows it if the property is one of orders, and it holds; else the longest
        that was found.
    states : int
        How many states were looked at.
    """

    holds: bool | None
    order: tuple[Operation, ...]
    states: int


class Judge(Protocol):
    """A checker: whether a history has one property."""

    def __call__(self, history: Sequence[Operation], /, *, budget: int = ...) -> Verdict: ...


def check(history: Sequence[Operation]) -> None:
    """Refuse what is no history.

    Raises
    ------
    ValueError
        If an operation is neither a read nor a write, or ends before it starts.
    """
    for one in history:
        if one.kind not in (READ, WRITE):
            raise ValueError(f"an operation must be a read or a write, got {one.kind!r}")
        if not one.start <= one.end:
            raise ValueError(f"an operation must not end before it starts, got {one}")


def by_key(history: Sequence[Operation]) -> Iterator[list[Operation]]:
    """Yield the operations of each register."""
    check(history)
    registers: dict[str, list[Operation]] = defaultdict(list)
    for one in history:
        registers[one.key].append(one)
    yield from registers.values()


def told(history: Sequence[Operation]) -> list[Operation]:
    """Return the operations that say something, by start.

    A read without an answer says nothing, and neither does a write without one that nobody read:
    whatever order holds with it holds without it.
    """
    check(history)
    read = {(one.key, one.value) for one in history if one.kind == READ and one.end < math.inf}
    return sorted(
        (
            one
            for one in history
            if one.end < math.inf or (one.kind == WRITE and (one.key, one.value) in read)
        ),
        key=lambda one: (one.start, one.end),
    )


def readings(ops: Sequence[Operation]) -> Iterator[dict[int, int]]:
    """Yield from which write each read may have its value: one way if all values differ.

    Parameters
    ----------
    ops : sequence of Operation
        As `told` returns them.

    Yields
    ------
    dict of int to int
        From each read's index to its write's, or `INITIAL`. No value is read before its write has
        begun, and none that nobody wrote: then there is no way at all.
    """
    reads = [i for i, one in enumerate(ops) if one.kind == READ]
    writes: dict[tuple[str, Hashable], list[int]] = defaultdict(list)
    for j, one in enumerate(ops):
        if one.kind == WRITE:
            writes[one.key, one.value].append(j)
    sources = []
    for i in reads:
        read = ops[i]
        begun = [j for j in writes[read.key, read.value] if ops[j].start <= read.end]
        sources.append([INITIAL, *begun] if read.value is None else begun)
    for chosen in itertools.product(*sources):
        yield dict(zip(reads, chosen, strict=True))


def until(history: Sequence[Operation], now: float) -> list[Operation]:
    """Return what was known of a history at an instant: answers that came later are not."""
    begun = [one for one in history if one.start <= now]
    return [one if one.end <= now else one._replace(end=math.inf) for one in begun]
