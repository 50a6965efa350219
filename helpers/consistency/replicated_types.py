"""Data that may be changed at every copy and merged in any order, any number of times.

A merge that is commutative, associative and idempotent cannot be harmed by late, repeated or
reordered messages: Shapiro, Preguica, Baquero and Zawirski, "Conflict-free Replicated Data Types",
SSS 2011. Beside them, what does harm: one number that the last writer overwrites.

>>> a, b = GrowOnlyCounter("a"), GrowOnlyCounter("b")
>>> a.add(), a.add(), b.add()
(None, None, None)
>>> a.merge(b), a.merge(b), b.merge(a)
(None, None, None)
>>> a.value, b.value
(3, 3)
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Hashable
from typing import Any, Self


def larger(mine: dict[str, int], theirs: dict[str, int]) -> dict[str, int]:
    """Return, for each name, the larger of two counts."""
    return {who: max(mine.get(who, 0), theirs.get(who, 0)) for who in sorted({*mine, *theirs})}


class Replicated(ABC):
    """One copy of something that has several; it is told apart by the name of its replica."""

    def __init__(self, me: str) -> None:
        self.me = me

    @abstractmethod
    def merge(self, other: Any) -> None:
        """Take over what another copy knows."""

    @property
    @abstractmethod
    def value(self) -> Any:
        """What a reader sees."""

    def sent(self) -> Self:
        """Return what a message to another replica holds: a copy as it is now."""
        return copy.deepcopy(self)


class GrowOnlyCounter(Replicated):
    """A counter that goes up: each replica counts its own, and knows the others' so far."""

    def __init__(self, me: str) -> None:
        super().__init__(me)
        self.counts: dict[str, int] = {}

    def add(self) -> None:
        """Count one more."""
        self.counts = {**self.counts, self.me: self.counts.get(self.me, 0) + 1}

    def sent(self) -> Self:
        return copy.copy(self)  # enough, since counts are replaced and never changed

    def merge(self, other: GrowOnlyCounter) -> None:
        self.counts = larger(self.counts, other.counts)

    @property
    def value(self) -> int:
        return sum(self.counts.values())


class UpDownCounter(Replicated):
    """A counter that goes up and down (PN counter): two that only grow."""

    def __init__(self, me: str) -> None:
        super().__init__(me)
        self.up, self.down = GrowOnlyCounter(me), GrowOnlyCounter(me)

    def add(self) -> None:
        """Count one more."""
        self.up.add()

    def take_back(self) -> None:
        """Count one less."""
        self.down.add()

    def sent(self) -> Self:
        other = copy.copy(self)
        other.up, other.down = self.up.sent(), self.down.sent()
        return other

    def merge(self, other: UpDownCounter) -> None:
        self.up.merge(other.up)
        self.down.merge(other.down)

    @property
    def value(self) -> int:
        return self.up.value - self.down.value


class GrowOnlySet(Replicated):
    """A set from which nothing can be removed."""

    def __init__(self, me: str) -> None:
        super().__init__(me)
        self.elements: set[Hashable] = set()

    def add(self, element: Hashable) -> None:
        """Put an element in."""
        self.elements.add(element)

    def merge(self, other: GrowOnlySet) -> None:
        self.elements |= other.elements

    @property
    def value(self) -> frozenset[Hashable]:
        return frozenset(self.elements)


class ObservedRemoveSet(Replicated):
    """A set in which a removal removes what its replica has seen, and no addition beyond that."""

    def __init__(self, me: str) -> None:
        super().__init__(me)
        self.added: set[tuple[Hashable, str, int]] = set()
        self.removed: set[tuple[Hashable, str, int]] = set()
        self._count = 0

    def add(self, element: Hashable) -> None:
        """Put an element in, with a tag of its own."""
        self._count += 1
        self.added.add((element, self.me, self._count))

    def remove(self, element: Hashable) -> None:
        """Take out every addition of the element that is known here."""
        self.removed |= {tag for tag in self.added if tag[0] == element}

    def merge(self, other: ObservedRemoveSet) -> None:
        self.added |= other.added
        self.removed |= other.removed

    @property
    def value(self) -> frozenset[Hashable]:
        return frozenset(element for element, *_ in self.added - self.removed)


class LastWriterSet(Replicated):
    """A set in which, of each element, the addition or removal with the highest stamp counts."""

    def __init__(self, me: str) -> None:
        super().__init__(me)
        self.last: dict[Hashable, tuple[float, str, bool]] = {}

    def add(self, element: Hashable, stamp: float) -> None:
        """Put an element in, at a time by the replica's clock."""
        self._keep(element, (stamp, self.me, True))

    def remove(self, element: Hashable, stamp: float) -> None:
        """Take an element out, at a time by the replica's clock."""
        self._keep(element, (stamp, self.me, False))

    def merge(self, other: LastWriterSet) -> None:
        for element, entry in other.last.items():
            self._keep(element, entry)

    @property
    def value(self) -> frozenset[Hashable]:
        return frozenset(element for element, (*_, there) in self.last.items() if there)

    def _keep(self, element: Hashable, entry: tuple[float, str, bool]) -> None:
        self.last[element] = max(self.last.get(element, entry), entry)


class LastWriterNumber(Replicated):
    """One number with a stamp; the higher stamp overwrites the other."""

    def __init__(self, me: str) -> None:
        super().__init__(me)
        self.stamp: tuple[float, str] = (0.0, "")
        self.number = 0

    def sent(self) -> Self:
        return copy.copy(self)

    def set(self, number: int, stamp: float) -> None:
        """Write a number, at a time by the replica's clock."""
        if (stamp, self.me) > self.stamp:
            self.stamp, self.number = (stamp, self.me), number

    def merge(self, other: LastWriterNumber) -> None:
        if other.stamp > self.stamp:
            self.stamp, self.number = other.stamp, other.number

    @property
    def value(self) -> int:
        return self.number
