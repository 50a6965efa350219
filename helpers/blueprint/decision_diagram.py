"""Functions of what is up and what is down, as decision diagrams.

A table of such a function has a row for each combination: a thousand million for thirty components.
A diagram asks one question after the other and stops when the answer is known, and where two ways
of asking go on alike they are one. For systems in series and parallel it has about as many
questions as there are components.

Bryant, "Graph-Based Algorithms for Boolean Function Manipulation", *IEEE Transactions on
Computers* C-35, 1986.

    >>> diagram = Diagram()
    >>> a, b, c = map(diagram.variable, range(3))
    >>> f"{diagram.probability(a & (b | c), [0.9, 0.5, 0.5]):.4f}"
    '0.6750'
"""

from __future__ import annotations

import math
from collections.abc import Sequence


class Truth:
    """One question: is variable `number` true? Then go on at `high`, else at `low`."""

    __slots__ = ("diagram", "high", "low", "number")

    def __init__(self, diagram: Diagram, number: float, low: Truth | None, high: Truth | None):
        self.diagram, self.number = diagram, number
        self.low, self.high = low or self, high or self

    def __and__(self, other: Truth) -> Truth:
        return self.diagram.combine(self, other, wins=self.diagram.false)

    def __or__(self, other: Truth) -> Truth:
        return self.diagram.combine(self, other, wins=self.diagram.true)


class Diagram:
    """All the questions of some functions of the same variables, each kept once."""

    def __init__(self) -> None:
        self.false = Truth(self, math.inf, None, None)
        self.true = Truth(self, math.inf, None, None)
        self._kept: dict[tuple[float, Truth, Truth], Truth] = {}
        self._combined: dict[tuple[Truth, Truth, Truth], Truth] = {}

    def variable(self, number: int) -> Truth:
        """Return the function that is one of the variables."""
        return self._ask(number, self.false, self.true)

    def combine(self, one: Truth, other: Truth, *, wins: Truth) -> Truth:
        """Return "and" if false wins over true, "or" if true wins over false."""
        if one is wins or other is wins:
            return wins
        if one.number == math.inf or one is other:
            return other
        if other.number == math.inf:
            return one
        key = one, other, wins
        if key not in self._combined:
            first = min(one.number, other.number)
            ways = [(each.low, each.high) if each.number == first else (each, each)
                    for each in (one, other)]  # fmt: skip
            low, high = (self.combine(a, b, wins=wins) for a, b in zip(*ways, strict=True))
            self._combined[key] = self._ask(first, low, high)
        return self._combined[key]

    def probability(self, function: Truth, chances: Sequence[float]) -> float:
        """Return how likely a function is, if variable i is true with ``chances[i]``.

        The variables must be independent.
        """
        known = {self.false: 0.0, self.true: 1.0}

        def chance(at: Truth) -> float:
            if at not in known:
                p = chances[int(at.number)]
                known[at] = (1 - p) * chance(at.low) + p * chance(at.high)
            return known[at]

        return chance(function)

    def _ask(self, number: float, low: Truth, high: Truth) -> Truth:
        if low is high:
            return low
        return self._kept.setdefault((number, low, high), Truth(self, number, low, high))
