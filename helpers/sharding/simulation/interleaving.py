"""Moving one row while somebody writes to it: every possible interleaving, not just a lucky one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations

from helpers.foundations import validation
from helpers.foundations.experiment import Result


@dataclass
class _Row:
    """One row on its old and its new shard, and what the servers know about it.

    A version of 0 is the row before the move, 1 and 2 are what clients write, None is no row.
    """

    old: int | None = 0
    new: int | None = None
    route: str = "old"
    log: list[int | None] = field(default_factory=list)
    fenced: bool = False
    looked_up: dict[str, str] = field(default_factory=dict)
    read: int | None = None
    tombstone: bool = False
    last: int | None = 0  # what the latest acknowledged write left behind


# Steps. Each takes the row and the client's value, and returns False if it cannot run yet.


def _read_old(row: _Row, value: int | None, who: str) -> bool:
    row.read = row.old
    return True


def _write_copy(row: _Row, value: int | None, who: str) -> bool:
    if row.read is not None:  # a row that was not there is not copied
        row.new = row.read
    return True


def _write_copy_if_newer(row: _Row, value: int | None, who: str) -> bool:
    if row.read is not None and (row.new is None or row.read > row.new):
        row.new = row.read
    return True


def _write_copy_unless_deleted(row: _Row, value: int | None, who: str) -> bool:
    return row.tombstone or _write_copy_if_newer(row, value, who)


def _switch(row: _Row, value: int | None, who: str) -> bool:
    row.route = "new"
    return True


def _replay(row: _Row, value: int | None, who: str) -> bool:
    for logged in row.log:
        row.new = logged
    return True


def _fence(row: _Row, value: int | None, who: str) -> bool:
    row.fenced = True
    return True


def _look_up(row: _Row, value: int | None, who: str) -> bool:
    row.looked_up[who] = row.route
    return True


def _write_where_looked_up(row: _Row, value: int | None, who: str) -> bool:
    if row.looked_up[who] == "old":
        row.old = value
        row.log.append(value)
    else:
        row.new = value
    row.last = value
    return True


def _write_unless_fenced(row: _Row, value: int | None, who: str) -> bool:
    if row.looked_up[who] == "old" and row.fenced:
        if row.route == "old":
            return False  # refused; the client tries again until the route has changed
        row.looked_up[who] = "new"
    return _write_where_looked_up(row, value, who)


def _write_old(row: _Row, value: int | None, who: str) -> bool:
    row.old = value
    return True


def _write_new(row: _Row, value: int | None, who: str) -> bool:
    row.new = value
    row.last = value
    row.tombstone = value is None
    return True


_Step = tuple[str, Callable[[_Row, int | None, str], bool]]
_COPY: tuple[_Step, ...] = (("read old", _read_old), ("write new", _write_copy))
_ROUTED: tuple[_Step, ...] = (("look up", _look_up), ("write", _write_where_looked_up))
_BOTH: tuple[_Step, ...] = (("write old", _write_old), ("write new", _write_new))

_MOVERS: dict[str, tuple[_Step, ...]] = {
    "copy, then switch": (*_COPY, ("switch", _switch)),
    "dual write": (*_COPY, ("switch", _switch)),
    "dual write, newest wins": (
        _COPY[0],
        ("write if newer", _write_copy_if_newer),
        ("switch", _switch),
    ),
    "dual write, newest wins, tombstones": (
        _COPY[0],
        ("write if newer", _write_copy_unless_deleted),
        ("switch", _switch),
    ),
    "copy, replay, switch": (*_COPY, ("replay log", _replay), ("switch", _switch)),
    "copy, fence, replay, switch": (
        *_COPY,
        ("fence old", _fence),
        ("replay log", _replay),
        ("switch", _switch),
    ),
}
_WRITERS: dict[str, tuple[_Step, ...]] = {
    "copy, then switch": _ROUTED,
    "dual write": _BOTH,
    "dual write, newest wins": _BOTH,
    "dual write, newest wins, tombstones": _BOTH,
    "copy, replay, switch": _ROUTED,
    "copy, fence, replay, switch": (_ROUTED[0], ("write", _write_unless_fenced)),
}

#: Ways of moving a row that the enumeration knows.
INTERLEAVED_PROTOCOLS = tuple(_MOVERS)

#: What the client does to the row meanwhile.
OPERATIONS = ("update", "delete")


class InterleavingsResult(Result):
    """Every order in which the steps of a mover and of a client can happen, and how each ends.

    Attributes
    ----------
    protocol, operation : str
        The parameters.
    schedules : tuple of tuple of (str, str)
        For each possible order, the steps as (actor, step), actor ``"mover"`` or ``"client"``.
    lost : tuple of bool
        For each order, whether the client's acknowledged write is missing at the end.
    """

    protocol: str
    operation: str
    schedules: tuple[tuple[tuple[str, str], ...], ...]
    lost: tuple[bool, ...]

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {"orders": len(self.lost), "orders_that_lose": sum(self.lost)}

    @property
    def reading(self) -> str:
        bad, every = sum(self.lost), len(self.lost)
        what = "the update" if self.operation == "update" else "the deletion"
        if not bad:
            return f"None of the {every} possible orders loses {what}."
        lose = "loses" if bad == 1 else "lose"
        return (
            f"{bad} of the {every} possible orders {lose} {what}, although the client "
            "was told that it succeeded."
        )

    def table(self):
        import pandas as pd

        return pd.DataFrame(
            {
                "order": [
                    " → ".join(f"{actor}: {step}" for actor, step in schedule)
                    for schedule in self.schedules
                ],
                "lost": self.lost,
            }
        )


def simulate_interleavings(*, protocol: str, operation: str = "update") -> InterleavingsResult:
    """Run a row's move against one client's write in every possible order of their steps.

    Parameters
    ----------
    protocol : str
        One of ``INTERLEAVED_PROTOCOLS``.
    operation : {"update", "delete"}
        What the client does.

    Returns
    -------
    InterleavingsResult
        Orders in which a step has to wait (a fenced write before the switch) are not possible and
        left out.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is not an option.

    Notes
    -----
    The mover's m steps and the client's k can be interleaved in ``C(m + k, k)`` orders. A step is
    atomic: one statement at one shard, or one look at the routing table.
    """
    validation.one_of("protocol", protocol, INTERLEAVED_PROTOCOLS)
    validation.one_of("operation", operation, OPERATIONS)
    mover, client = _MOVERS[protocol], _WRITERS[protocol]
    value = 1 if operation == "update" else None
    total = len(mover) + len(client)
    schedules, lost = [], []
    for turns in combinations(range(total), len(client)):
        steps = {"mover": iter(mover), "client": iter(client)}
        row, done = _Row(), []
        for turn in range(total):
            actor = "client" if turn in turns else "mover"
            name, step = next(steps[actor])
            if not step(row, value, actor):
                break
            done.append((actor, name))
        if len(done) < total:
            continue
        schedules.append(tuple(done))
        lost.append(row.new != row.last)
    return InterleavingsResult(protocol, operation, tuple(schedules), tuple(lost))
