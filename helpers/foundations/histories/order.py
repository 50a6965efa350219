"""Which operations come before which: a relation that is kept transitive, as rows of bits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from helpers.foundations.histories.operations import WRITE, Operation


def bits(mask: int) -> Iterator[int]:
    """Yield the places of the ones in a number."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class Order:
    """A partial order of n things, or a circle if too much was asked of it.

    Attributes
    ----------
    before, after : list of int
        For each thing, the bits of those that come before it, and after it.
    cyclic : bool
        Whether something would have to come before itself.
    pairs : int
        How often something new was asked of it.
    """

    def __init__(self, n: int) -> None:
        self.before, self.after = [0] * n, [0] * n
        self.cyclic, self.pairs = False, 0

    def copy(self) -> Order:
        """Return the same order, to be changed."""
        other = Order(0)
        other.before, other.after = self.before[:], self.after[:]
        other.cyclic = self.cyclic
        return other

    def put(self, i: int, j: int) -> None:
        """Put `i` before `j`, and whatever is before the one before whatever is after the other."""
        if self.before[j] >> i & 1:
            return
        self.pairs += 1
        if i == j or self.before[i] >> j & 1:
            self.cyclic = True
            return
        earlier, later = self.before[i] | 1 << i, self.after[j] | 1 << j
        for k in bits(later):
            self.before[k] |= earlier
        for k in bits(earlier):
            self.after[k] |= later


def each_clients(ops: Sequence[Operation]) -> Order:
    """Return the order in which each client did one thing after the other."""
    order = Order(len(ops))
    mine: dict[str, list[int]] = defaultdict(list)
    for j, one in enumerate(ops):
        for i in reversed(mine[one.client]):
            if ops[i].end <= one.start:
                order.put(i, j)
        mine[one.client].append(j)
    return order


def writes_of(ops: Sequence[Operation]) -> dict[str, int]:
    """Return the bits of the writes to each register."""
    writes: dict[str, int] = defaultdict(int)
    for i, one in enumerate(ops):
        if one.kind == WRITE:
            writes[one.key] |= 1 << i
    return writes
