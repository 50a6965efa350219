"""Moving one row while somebody writes to it: every possible order of the steps, not a lucky one.

A mover copies a row from its old shard to its new one, and a client updates or deletes it
meanwhile. Where that stops being true: a step is atomic here, one statement at one shard or one
look at the routing table, and nobody crashes half-way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.diagrams import round_boxes
from helpers.foundations.drawing.words import words
from helpers.foundations.experiment import Parameters, Result, option, takes

#: What the client does to the row meanwhile.
OPERATIONS = ("update", "delete")

# --- the model: a mover and a client, step by step ------------------------------------------------
# A protocol is two generators. Each does one step, says what it was, and waits for its next turn.

Version = int | None
Steps = Iterator[str]

#: What a client says in place of a step that it is not allowed to take yet.
REFUSED = ""


@dataclass
class Row:
    """One row on its old and its new shard, and what the servers know about it.

    A version of 0 is the row before the move, 1 is what the client writes, None is no row.
    """

    old: Version = 0
    new: Version = None
    route: str = "old"
    log: list[Version] = field(default_factory=list)
    fenced: bool = False
    deleted: bool = False  # a tombstone on the new shard
    last: Version = 0  # what the latest acknowledged write left behind


def _copy_and_switch(row: Row) -> Steps:
    copy = row.old
    yield "read old"
    if copy is not None:  # a row that was not there is not copied
        row.new = copy
    yield "write new"
    row.route = "new"
    yield "switch"


def _copy_if_newer_and_switch(row: Row) -> Steps:
    copy = row.old
    yield "read old"
    if copy is not None and (row.new is None or copy > row.new):
        row.new = copy
    yield "write if newer"
    row.route = "new"
    yield "switch"


def _copy_unless_deleted_and_switch(row: Row) -> Steps:
    copy = row.old
    yield "read old"
    if not row.deleted and copy is not None and (row.new is None or copy > row.new):
        row.new = copy
    yield "write if newer"
    row.route = "new"
    yield "switch"


def _copy_replay_and_switch(row: Row) -> Steps:
    copy = row.old
    yield "read old"
    if copy is not None:
        row.new = copy
    yield "write new"
    for logged in row.log:
        row.new = logged
    yield "replay log"
    row.route = "new"
    yield "switch"


def _copy_fence_replay_and_switch(row: Row) -> Steps:
    copy = row.old
    yield "read old"
    if copy is not None:
        row.new = copy
    yield "write new"
    row.fenced = True
    yield "fence old"
    for logged in row.log:
        row.new = logged
    yield "replay log"
    row.route = "new"
    yield "switch"


def _write_where_routed(row: Row, value: Version) -> Steps:
    route = row.route
    yield "look up"
    _write(row, value, route)
    yield "write"


def _write_unless_fenced(row: Row, value: Version) -> Steps:
    route = row.route
    yield "look up"
    if route == "old" and row.fenced:
        if row.route == "old":
            yield REFUSED  # it tries again until the route has changed
        route = "new"
    _write(row, value, route)
    yield "write"


def _write_both(row: Row, value: Version) -> Steps:
    row.old = value
    yield "write old"
    row.new = row.last = value
    row.deleted = value is None
    yield "write new"


def _write(row: Row, value: Version, route: str) -> None:
    if route == "old":
        row.old = value
        row.log.append(value)
    else:
        row.new = value
    row.last = value


_ROLES: dict[str, tuple[Callable[[Row], Steps], Callable[[Row, Version], Steps]]] = {
    "copy, then switch": (_copy_and_switch, _write_where_routed),
    "dual write": (_copy_and_switch, _write_both),
    "dual write, newest wins": (_copy_if_newer_and_switch, _write_both),
    "dual write, newest wins, tombstones": (_copy_unless_deleted_and_switch, _write_both),
    "copy, replay, switch": (_copy_replay_and_switch, _write_where_routed),
    "copy, fence, replay, switch": (_copy_fence_replay_and_switch, _write_unless_fenced),
}

#: Ways of moving a row.
PROTOCOLS = tuple(_ROLES)


class Setting(Parameters):
    """One row, one mover, one client."""

    protocol: str = option("dual write", "Protocol", of=PROTOCOLS)
    operation: str = option("update", "Operation", of=OPERATIONS)


@takes(Setting)
def simulate(at: Setting) -> Interleavings:
    """Run the move against the client's write in every possible order of their steps.

    The mover's m steps and the client's k can be interleaved in ``C(m + k, k)`` orders. Those in
    which the client is refused (a fenced write before the switch) are not possible and left out.
    """
    mover, client = _ROLES[at.protocol]
    value = 1 if at.operation == "update" else None
    writes = len(list(client(Row(), value)))
    total = len(list(mover(Row()))) + writes
    orders, lost = [], []
    for turns in combinations(range(total), writes):
        row = Row()
        actors = {"mover": mover(row), "client": client(row, value)}
        order = []
        for turn in range(total):
            actor = "client" if turn in turns else "mover"
            order.append((actor, next(actors[actor])))
            if order[-1][1] == REFUSED:
                break
        else:
            orders.append(tuple(order))
            lost.append(row.new != row.last)
    return Interleavings(at, tuple(orders), tuple(lost))


# --- what it says ---------------------------------------------------------------------------------


class Interleavings(Result):
    """Every order in which the steps of mover and client can happen, and how each ends.

    Attributes
    ----------
    orders : tuple of tuple of (str, str)
        For each possible order, the steps as (actor, step), actor ``"mover"`` or ``"client"``.
    lost : tuple of bool
        For each order, whether the client's acknowledged write is missing at the end.
    """

    at: Setting
    orders: tuple[tuple[tuple[str, str], ...], ...]
    lost: tuple[bool, ...]

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {"orders": len(self.lost), "orders_that_lose": sum(self.lost)}

    @property
    def reading(self) -> str:
        bad, every = sum(self.lost), len(self.lost)
        what = "the update" if self.at.operation == "update" else "the deletion"
        if not bad:
            return f"None of the {every} possible orders loses {what}."
        lose = "loses" if bad == 1 else "lose"
        return (
            f"{bad} of the {every} possible orders {lose} {what}, although the client "
            "was told that it succeeded."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "order": [
                " → ".join(f"{actor}: {step}" for actor, step in order) for order in self.orders
            ],
            "lost": self.lost,
        }


@style.wide
def plot(run: Interleavings, ax: Axes) -> None:
    """Draw every order of the steps as a column, the ones that lose the write first."""
    columns = sorted(range(len(run.lost)), key=lambda k: not run.lost[k])
    steps = len(run.orders[0])
    cells = {
        (column, row): step
        for column, k in enumerate(columns)
        for row, step in enumerate(run.orders[k])
    }
    colors = {"mover": style.BLUE, "client": style.ORANGE}
    faces = [colors[actor] for actor, _ in cells.values()]
    round_boxes(ax, list(cells), 0.8, 0.76, 0.12, facecolors=faces, linewidths=0)
    said = [step.replace(" ", "\n") for _, step in cells.values()]
    inks = ["white" if actor == "mover" else style.INK for actor, _ in cells.values()]
    words(ax, list(cells), said, fontsize=7.2, color=inks)
    lost = [run.lost[k] for k in columns]
    words(
        ax,
        [(column, steps - 0.1) for column in range(len(columns))],
        ["✗\nlost" if bad else "✓\nkept" for bad in lost],
        weight="bold",
        color=[style.VERMILION if bad else style.GREEN for bad in lost],
    )
    ax.text(-0.45, -0.62, "■ mover", color=style.BLUE, fontsize=9, va="bottom")
    ax.text(1.4, -0.62, "■ client", color=style.ORANGE, fontsize=9, va="bottom")
    ax.set_xlim(-0.6, max(len(columns), 10) - 0.4)
    ax.set_ylim(steps + 0.45, -1.0)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(False)
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.set_xlabel("each column is one possible order, first step on top")
    ax.set_title("Every way the steps can interleave")
