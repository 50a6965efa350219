"""What a transaction may see and overwrite: three levels of isolation, in a few lines each.

A piece of work is a generator that names its next step, ``("read", account)``, ``("add", account,
amount)`` or ``("write", account, value)``, and is sent the step's result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

NONE = "none"
SNAPSHOT = "snapshot, the first to commit wins"
LOCK = "one at a time"
LEVELS = (NONE, SNAPSHOT, LOCK)

Accounts = dict[str, int]
Work = Callable[[int], Generator[tuple[Any, ...], Any, Any]]


class Outcome(NamedTuple):
    """What came of one order of steps.

    Attributes
    ----------
    order : str
        Whose turn it was, step by step: "1221".
    accounts : dict of str to int
        What they hold at the end.
    again : int
        How often a transaction was refused and began again.
    told : tuple of str
        The steps in words.
    """

    order: str
    accounts: Accounts
    again: int
    told: tuple[str, ...]


class Transaction:
    """One clerk's piece of work, step by step."""

    def __init__(
        self, level: str, work: Work, clerk: int, accounts: Accounts, versions: Counter[str]
    ) -> None:
        self.level, self.clerk, self.accounts, self.versions = level, clerk, accounts, versions
        self._work, self.done, self.again = work, False, 0
        self.told: list[str] = []
        self._sees: Accounts | None = None
        self._opening: Counter[str] = Counter()
        self._written: set[str] = set()
        self._next: tuple[Any, ...] = ()
        self._begin()

    def step(self) -> None:
        """Take one step; the last one commits, or begins again with nobody in between."""
        if self.level == SNAPSHOT and self._sees is None:
            self._sees, self._opening = dict(self.accounts), self.versions.copy()
        seen = self.accounts if self._sees is None else self._sees
        kind, account, *value = self._next
        if kind == "read":
            result = seen[account]
            self.told.append(f"{self.clerk + 1} reads {account}: {result}")
        else:
            result = value[0] + (seen[account] if kind == "add" else 0)
            seen[account] = result
            self._written.add(account)
            self.told.append(f"{self.clerk + 1} writes {account}: {result}")
        try:
            self._next = self._running.send(result)
        except StopIteration:
            self._commit()

    def _begin(self) -> None:
        self._running = self._work(self.clerk)
        self._sees, self._opening, self._written = None, Counter(), set()
        self._next = next(self._running)

    def _commit(self) -> None:
        if self._sees is not None:
            if any(self.versions[name] != self._opening[name] for name in self._written):
                self.told.append(f"{self.clerk + 1} is refused and begins again")
                self.again += 1
                self._begin()
                while not self.done:
                    self.step()
                return
            self.accounts |= {name: self._sees[name] for name in self._written}
            self.versions.update(self._written)
        self.done = True


def every_order(level: str, work: Work, opening: Accounts) -> tuple[Outcome, ...]:
    """Run two clerks' work in every order in which their steps can fall.

    A clerk who has to wait, or is done, passes the turn on; so with a lock each order comes to one
    clerk after the other.
    """
    length = _steps(work, opening)
    orders = []
    for firsts in combinations(range(2 * length), length):
        turns = [0 if i in firsts else 1 for i in range(2 * length)]
        orders.append(_in_order(level, work, dict(opening), turns))
    return tuple(orders)


def _steps(work: Work, opening: Accounts) -> int:
    alone = Transaction(NONE, work, 0, dict(opening), Counter())
    while not alone.done:
        alone.step()
    return len(alone.told)


def _in_order(level: str, work: Work, accounts: Accounts, turns: Sequence[int]) -> Outcome:
    versions: Counter[str] = Counter()  # of each account, how often it was committed
    clerks = [Transaction(level, work, clerk, accounts, versions) for clerk in (0, 1)]
    told: list[str] = []
    for turn in turns:
        one = clerks[turn]
        if level == LOCK:  # who has begun goes on
            begun = [each for each in clerks if each.told and not each.done]
            one = begun[0] if begun else one
        if one.done:
            one = clerks[1 - one.clerk]
        if one.done:
            continue
        before = len(one.told)
        one.step()
        told += one.told[before:]
    for one in clerks:
        while not one.done:
            before = len(one.told)
            one.step()
            told += one.told[before:]
    order = "".join(str(turn + 1) for turn in turns)
    return Outcome(order, accounts, sum(one.again for one in clerks), tuple(told))
