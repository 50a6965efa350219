"""Every small history, and what each promise means, tried out in full."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Sequence

from helpers.foundations.histories import (
    MONOTONIC_READS,
    MONOTONIC_WRITES,
    READ_YOUR_WRITES,
    Operation,
)

#: What an operation of a small history does: its kind, its value, its register.
ACTS = (
    ("write", 1, "x"),
    ("write", 2, "x"),
    ("write", 1, "y"),
    ("read", None, "x"),
    ("read", 1, "x"),
    ("read", 2, "x"),
    ("read", None, "y"),
    ("read", 1, "y"),
)


def shapes(operations: int, most: int | None = None) -> Iterator[tuple[int, ...]]:
    """How many operations each client has, in every way that differs by more than names."""
    if operations == 0:
        yield ()
        return
    for first in range(min(operations, most or operations), 0, -1):
        for rest in shapes(operations - first, first):
            yield (first, *rest)


def every_history(operations: int, acts: Sequence[tuple] = ACTS) -> Iterator[list[Operation]]:
    """Every history of so many operations: clients side by side, each doing one after the other."""
    for shape in shapes(operations):
        for chosen in itertools.product(acts, repeat=operations):
            each, history = iter(chosen), []
            for client, many in enumerate(shape):
                for step in range(many):
                    kind, value, key = next(each)
                    history.append(Operation(f"c{client}", kind, value, step, step + 0.9, key))
            yield history


def some_history(rng: random.Random, operations: int, clients: int = 3) -> list[Operation]:
    """A history drawn at random: clients that pause, some writes without an answer."""
    free, history = [0.0] * clients, []
    for number in range(operations):
        client = rng.randrange(clients)
        start = free[client] + rng.random()
        end = free[client] = start + rng.random()
        kind, key = rng.choice(("read", "write")), rng.choice("xy")
        if kind == "write" and rng.random() < 0.15:
            end = math.inf
        value = number if kind == "write" else rng.choice((None, *range(operations)))
        history.append(Operation(f"c{client}", kind, value, start, end, key))
    return history


def sources(history: Sequence[Operation]) -> Iterator[dict[int, int | None]]:
    """From where each read may have its value."""
    reads = [i for i, one in enumerate(history) if one.kind == "read"]
    may = []
    for i in reads:
        read = history[i]
        found: list[int | None] = [None] if read.value is None else []
        for j, one in enumerate(history):
            same = (one.kind, one.key, one.value) == ("write", read.key, read.value)
            if same and one.start <= read.end:
                found.append(j)
        may.append(found)
    for chosen in itertools.product(*may):
        yield dict(zip(reads, chosen, strict=True))


def before(history: Sequence[Operation], i: int, j: int) -> bool:
    """Whether a client was done with one of its operations before it began another."""
    a, b = history[i], history[j]
    return a.client == b.client and a.end <= b.start


def legal(history: Sequence[Operation], order: Sequence[int], read: dict[int, int | None]) -> bool:
    """Whether in an order each read returns the last write."""
    held: dict[str, int | None] = {}
    for i in order:
        one = history[i]
        if one.kind == "write":
            held[one.key] = i
        elif held.get(one.key) != read[i]:
            return False
    return True


def useful(history: Sequence[Operation]) -> list[Operation]:
    """Without reads and unread writes that were never answered."""
    seen = {(one.key, one.value) for one in history if one.kind == "read" and one.end < math.inf}
    return [
        one
        for one in history
        if one.end < math.inf or (one.kind == "write" and (one.key, one.value) in seen)
    ]


def is_sequential(history: Sequence[Operation]) -> bool:
    """Try every order."""
    ops = useful(history)
    pairs = [(i, j) for i in range(len(ops)) for j in range(len(ops)) if before(ops, i, j)]
    for read in sources(ops):
        for order in itertools.permutations(range(len(ops))):
            if all(order.index(i) < order.index(j) for i, j in pairs) and legal(ops, order, read):
                return True
    return False


def is_causal(history: Sequence[Operation]) -> bool:
    """Try, for every client, every order of all writes and its own reads."""
    ops = useful(history)
    for read in sources(ops):
        pairs = {(i, j) for i in range(len(ops)) for j in range(len(ops)) if before(ops, i, j)}
        pairs |= {(w, r) for r, w in read.items() if w is not None}
        while True:
            more = {(a, d) for a, b in pairs for c, d in pairs if b == c} - pairs
            if not more:
                break
            pairs |= more
        if any(i == j for i, j in pairs):
            continue
        if all(_client_fits(ops, read, pairs, client) for client in {one.client for one in ops}):
            return True
    return False


def _client_fits(ops, read, pairs, client) -> bool:
    seen = [i for i, one in enumerate(ops) if one.kind == "write" or one.client == client]
    for order in itertools.permutations(seen):
        place = {i: at for at, i in enumerate(order)}
        if all(place[i] < place[j] for i, j in pairs if i in place and j in place) and legal(
            ops, order, read
        ):
            return True
    return False


def has_guarantee(history: Sequence[Operation], guarantee: str) -> bool:
    """Try every way to read: no pair of operations breaks the guarantee."""
    ops = useful(history)
    return any(not _breaks(ops, read, guarantee) for read in sources(ops))


def _older(a: Operation, b: Operation) -> bool:
    if a.version is not None and b.version is not None:
        return a.version < b.version
    return a.end < b.start


def _breaks(ops, read, guarantee) -> bool:
    """The definition, one pair after the other."""
    each = range(len(ops))
    for now in each:
        for then in each:
            if not before(ops, then, now):
                continue
            if guarantee == READ_YOUR_WRITES:
                owed = [then] if ops[then].kind == "write" else []
            elif ops[then].kind != "read" or read[then] is None:
                owed = []
            elif guarantee == MONOTONIC_READS:
                owed = [read[then]]
            else:
                first = [i for i in each if before(ops, i, read[then])]
                if guarantee == MONOTONIC_WRITES:
                    owed = [i for i in first if ops[i].kind == "write"]
                else:
                    owed = [read[i] for i in first if ops[i].kind == "read"]
            if ops[now].kind == "read":
                for write in owed:
                    same = write is not None and ops[write].key == ops[now].key
                    if same and (read[now] is None or _older(ops[read[now]], ops[write])):
                        return True
            else:
                must = None
                if guarantee == MONOTONIC_WRITES and ops[then].kind == "write":
                    must = then
                elif guarantee not in (READ_YOUR_WRITES, MONOTONIC_READS, MONOTONIC_WRITES):
                    must = read[then] if ops[then].kind == "read" else None
                same = must is not None and ops[must].key == ops[now].key
                if same and _older(ops[now], ops[must]):
                    return True
    return False


def is_convergent(history: Sequence[Operation], within_s: float = 0.0) -> bool:
    """Compare every two late reads of a register with each other, and with what was written."""
    for one in history:
        if one.kind != "read" or one.end == math.inf:
            continue
        writes = [w for w in history if w.kind == "write" and w.key == one.key]
        done = [w.start if w.end == math.inf else w.end for w in writes]
        if any(one.start <= end + within_s for end in done):
            continue
        sure = any(w.end < math.inf for w in writes)
        if one.value not in [w.value for w in writes] and (one.value is not None or sure):
            return False
        for other in history:
            late = other.kind == "read" and other.key == one.key and other.end < math.inf
            late = late and all(other.start > end + within_s for end in done)
            if late and other.value != one.value:
                return False
    return True
