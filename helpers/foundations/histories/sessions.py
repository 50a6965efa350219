"""The four session guarantees, as clients see them: what one session may rely on.

Terry, Demers, Petersen, Spreitzer, Theimer and Welch, "Session Guarantees for Weakly Consistent
Replicated Data", PDIS 1994. There they are promises about replicas; here they are judged by what
was read. Each says which writes a read must not be older than: *read your writes*, the client's own
before it; *monotonic reads*, those that it has read before; *monotonic writes*, what a client wrote
before a write that it has read; *writes follow reads*, what a client had read before that.

One write is older than another if the store's versions say so, or, without them, if it was over
before the other began. The last two guarantees are also about the store's own order: a client's
later write, or one after a read, must not get the older version.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from helpers.foundations import validation
from helpers.foundations.histories.operations import (
    BUDGET,
    INITIAL,
    READ,
    WRITE,
    Operation,
    Verdict,
    readings,
    told,
)

READ_YOUR_WRITES = "read your writes"
MONOTONIC_READS = "monotonic reads"
MONOTONIC_WRITES = "monotonic writes"
WRITES_FOLLOW_READS = "writes follow reads"

#: The guarantees.
GUARANTEES = (READ_YOUR_WRITES, MONOTONIC_READS, MONOTONIC_WRITES, WRITES_FOLLOW_READS)


def session(history: Sequence[Operation], guarantee: str, *, budget: int = BUDGET) -> Verdict:
    """Say whether every client had one of the guarantees; exact within its budget.

    Parameters
    ----------
    history : sequence of Operation
    guarantee : str
        One of `GUARANTEES`.
    budget : int
        How many operations may be looked at in all. Where a value was written twice, each way to
        read it is tried.
    """
    validation.one_of("guarantee", guarantee, GUARANTEES)
    budget = validation.integer("budget", budget, at_least=1)
    ops, states = told(history), 0
    for sources in readings(ops):
        states += len(ops)
        if states > budget:
            return Verdict(None, (), states)
        if not _broken(ops, sources, guarantee):
            return Verdict(True, (), states)
    return Verdict(False, (), states)


def read_your_writes(history: Sequence[Operation], *, budget: int = BUDGET) -> Verdict:
    """Say whether no client read something older than what it had written itself."""
    return session(history, READ_YOUR_WRITES, budget=budget)


def monotonic_reads(history: Sequence[Operation], *, budget: int = BUDGET) -> Verdict:
    """Say whether no client read something older than what it had read before."""
    return session(history, MONOTONIC_READS, budget=budget)


def monotonic_writes(history: Sequence[Operation], *, budget: int = BUDGET) -> Verdict:
    """Say whether whoever saw a client's write saw what that client had written before it."""
    return session(history, MONOTONIC_WRITES, budget=budget)


def writes_follow_reads(history: Sequence[Operation], *, budget: int = BUDGET) -> Verdict:
    """Say whether whoever saw a write saw what its client had read before it."""
    return session(history, WRITES_FOLLOW_READS, budget=budget)


def broken(history: Sequence[Operation], guarantee: str) -> list[Operation]:
    """Return the operations that break a guarantee, by start.

    Where a value was written twice, its first write counts as the one that was read.
    """
    validation.one_of("guarantee", guarantee, GUARANTEES)
    ops = told(history)
    sources = next(readings(ops), None)
    if sources is None:
        raise ValueError("a value was read that nobody had begun to write")
    return [ops[i] for i in _broken(ops, sources, guarantee)]


def older(one: Operation, other: Operation) -> bool:
    """Whether one write to a register is older than another one to it."""
    if one.version is not None and other.version is not None:
        return bool(one.version < other.version)
    return one.end < other.start


def _broken(ops: Sequence[Operation], sources: Mapping[int, int], guarantee: str) -> list[int]:
    mine: dict[str, list[int]] = defaultdict(list)
    for i, one in enumerate(ops):
        mine[one.client].append(i)

    def before(i: int) -> list[int]:
        """What the client of an operation had done before it."""
        return [j for j in mine[ops[i].client] if j < i and ops[j].end <= ops[i].start]

    def read(among: Sequence[int]) -> list[int]:
        """The writes that some reads returned."""
        found = (sources[j] for j in among if ops[j].kind == READ)
        return [write for write in found if write != INITIAL]

    def written(among: Sequence[int]) -> list[int]:
        return [j for j in among if ops[j].kind == WRITE]

    def owed(i: int) -> list[int]:
        """The writes that a read must not be older than."""
        if guarantee == READ_YOUR_WRITES:
            return written(before(i))
        if guarantee == MONOTONIC_READS:
            return read(before(i))
        first = written if guarantee == MONOTONIC_WRITES else read
        return [earlier for write in read(before(i)) for earlier in first(before(write))]

    def returned_older(i: int) -> bool:
        """Whether a read returned something older than a write of its register that it owed."""
        same = [write for write in owed(i) if ops[write].key == ops[i].key]
        if sources[i] == INITIAL:
            return bool(same)
        return any(older(ops[sources[i]], ops[write]) for write in same)

    def got_older(i: int) -> bool:
        """Whether a write got an older version than one that it had to follow."""
        if guarantee in (READ_YOUR_WRITES, MONOTONIC_READS):
            return False
        first = written if guarantee == MONOTONIC_WRITES else read
        same = [write for write in first(before(i)) if ops[write].key == ops[i].key]
        return any(older(ops[i], ops[write]) for write in same)

    return [
        i for i, one in enumerate(ops) if (returned_older(i) if one.kind == READ else got_older(i))
    ]
