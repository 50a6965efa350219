"""Every order in which the steps of two clients can fall, and which of them leave the cache wrong.

A client is a generator that names its next step and is sent the step's result. Whoever runs it
decides when the step happens: here one step at a time in every possible order, in ``measure`` on
real threads, with a real database, in the same orders. Where that stops being true: two clients
and one key show every flaw that needs only two clients and one key; and orders are counted here,
which are not equally likely.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgba

from helpers.caching.gated_threads import perform
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import yours
from helpers.foundations.drawing.diagrams import arrows, round_boxes
from helpers.foundations.drawing.words import words
from helpers.foundations.experiment import (
    Measured,
    Mine,
    Parameters,
    Result,
    flag,
    integer,
    number,
    option,
    takes,
)
from helpers.foundations.prose import counted

#: The protocols, in the order they are shown.
PROTOCOLS = ("cache-aside", "delete first", "write-through", "leases", "compare versions", "lock")

#: What client A and client B do.
CLIENTS = ("reader and writer", "two writers", "two readers")

#: The initial value of the key; a write stores the writer's letter and the number of its write.
INITIAL = "v0"


class Setting(Parameters):
    """Two clients of one key, in a cache and in a database."""

    protocol: str = option("cache-aside", "Protocol", of=PROTOCOLS)
    clients: str = option("reader and writer", "Clients", of=CLIENTS)
    warm: bool = flag(False, "The cache holds the value at first")
    rounds: int = integer(1, "Operations of each client", at_least=1, at_most=2)


class Step(NamedTuple):
    """One indivisible operation of a client on the cache, the database or the lock."""

    target: str
    action: str
    value: Any = None


class Versioned(NamedTuple):
    """A value and the version that the database gave it."""

    value: str
    version: int


Client = Generator[Step, Any, None]


# --- the model: what the page shows, and a learner changes ----------------------------------------


def reader(name):
    """Read, cache-aside: ask the cache; on a miss ask the database and fill the cache."""
    found = yield Step("cache", "get")
    if found is None:
        row = yield Step("database", "read")
        yield Step("cache", "set", row)


def writer(name):
    """Write, cache-aside: change the database, then drop the cached entry."""
    yield Step("database", "write", name)
    yield Step("cache", "delete")


def your_clients(at):
    """Run client A and client B through every order of their steps."""
    first, second = {
        "reader and writer": (reader, writer),
        "two writers": (writer, writer),
        "two readers": (reader, reader),
    }[at.clients]
    orders = every_order(lambda: (first("A"), second("B")), at.warm)
    return {"stale": sum(order.stale for order in orders), "orders": orders}


# --- the other protocols --------------------------------------------------------------------------


def delete_then_write(name: str) -> Client:
    """Write the other way round: drop the cached entry, then change the database."""
    yield Step("cache", "delete")
    yield Step("database", "write", name)


def write_then_set(name: str) -> Client:
    """Write-through: change the database, then the cache."""
    row = yield Step("database", "write", name)
    yield Step("cache", "set", row)


def read_with_lease(name: str) -> Client:
    """Read: a miss hands out a lease, and only who still holds it may fill the cache.

    Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1. There a client that
    finds the lease taken waits and asks again; here it reads the database and leaves the cache
    alone, so that every interleaving ends.
    """
    found, lease = yield Step("cache", "get or lease")
    if found is None:
        row = yield Step("database", "read")
        if lease is not None:
            yield Step("cache", "set with lease", (row, lease))


def write_and_revoke(name: str) -> Client:
    """Write: change the database, then drop the entry and every lease on it."""
    yield Step("database", "write", name)
    yield Step("cache", "delete and revoke")


def read_with_version(name: str) -> Client:
    """Read: fill the cache only if it holds nothing newer."""
    found = yield Step("cache", "get")
    if found is None:
        row = yield Step("database", "read")
        yield Step("cache", "set if newer", row)


def write_with_version(name: str) -> Client:
    """Write-through: the cache keeps whichever value the database saw last."""
    row = yield Step("database", "write", name)
    yield Step("cache", "set if newer", row)


def _locked(client: Callable[[str], Client]) -> Callable[[str], Client]:
    def run(name: str) -> Client:
        yield Step("lock", "acquire")
        yield from client(name)
        yield Step("lock", "release")

    return run


_READ_WRITE: dict[str, tuple[Callable[[str], Client], Callable[[str], Client]]] = {
    "cache-aside": (reader, writer),
    "delete first": (reader, delete_then_write),
    "write-through": (reader, write_then_set),
    "leases": (read_with_lease, write_and_revoke),
    "compare versions": (read_with_version, write_with_version),
    "lock": (_locked(reader), _locked(write_then_set)),
}


def programs(at: Setting) -> tuple[Client, Client]:
    """Return fresh programs of client A and client B."""
    read, write = _READ_WRITE[at.protocol]
    kinds = {
        "reader and writer": (read, write),
        "two writers": (write, write),
        "two readers": (read, read),
    }[at.clients]

    def program(name: str, kind: Callable[[str], Client]) -> Client:
        for number_ in range(1, at.rounds + 1):
            yield from kind(f"{name}{number_}" if at.rounds > 1 else name)

    return program("A", kinds[0]), program("B", kinds[1])


# --- the world they share -------------------------------------------------------------------------


@dataclass
class World:
    """One key in a cache and in a database, and what each step does to them."""

    cached: Versioned | None = None
    stored: Versioned = field(default_factory=lambda: Versioned(INITIAL, 0))
    lease: int | None = None  # the lease that is out, if any
    leases: int = 0
    locked: bool = False

    def can(self, step: Step) -> bool:
        """Whether the step can happen now: only a lock makes anyone wait."""
        return not (step.action == "acquire" and self.locked)

    def do(self, step: Step) -> Any:
        """Carry out one step; return what the client is told."""
        match step.action:
            case "get":
                return self.cached
            case "get or lease":
                if self.cached is not None or self.lease is not None:
                    return self.cached, None
                self.leases += 1
                self.lease = self.leases
                return None, self.lease
            case "set":
                self.cached = step.value
            case "set if newer":
                if self.cached is not None and self.cached.version > step.value.version:
                    return False
                self.cached = step.value
            case "set with lease":
                row, lease = step.value
                if lease != self.lease:
                    return False
                self.cached, self.lease = row, None
            case "delete":
                self.cached = None
            case "delete and revoke":
                self.cached = self.lease = None
            case "read":
                return self.stored
            case "write":
                self.stored = Versioned(step.value, self.stored.version + 1)
                return self.stored
            case "acquire" | "release":
                self.locked = step.action == "acquire"
            case _:
                raise ValueError(f"no such step: {step}")
        return True


def warmed(warm: bool) -> Versioned | None:
    """What the cache holds at the start."""
    return Versioned(INITIAL, 0) if warm else None


# --- all orders -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """One step as it happened, and the state it left.

    `detail` is what was read, or written: "miss", "v0", "refused" ...
    """

    client: str
    target: str
    action: str
    detail: str
    cached: str | None
    stored: str


@dataclass(frozen=True)
class Order:
    """One order of all steps, from the first to the last.

    Attributes
    ----------
    events : tuple of Event
    stale : bool
        Whether the cache ends with a value that the database no longer has.
    stale_read : bool
        Whether some read got a value that had been replaced before the read began.
    refused : bool
        Whether some attempt to fill the cache was refused.
    """

    events: tuple[Event, ...]
    stale: bool
    stale_read: bool
    refused: bool

    @property
    def letters(self) -> str:
        """The clients in the order of their steps, such as ``"ABBAB"``."""
        return "".join(event.client for event in self.events)

    @property
    def switches(self) -> int:
        """How often one client takes over from the other."""
        return sum(a != b for a, b in zip(self.letters, self.letters[1:], strict=False))

    @property
    def verdict(self) -> str:
        """How it ends: "stale", "saved" by a refusal, or "fine"."""
        return "stale" if self.stale else "saved" if self.refused else "fine"


@dataclass
class _Run:
    """What a client has done so far in one order."""

    program: Client
    next_step: Step | None = None
    began_at: int = 0  # the database's version when the current read began


def run_order(
    clients: tuple[Client, Client], warm: bool, choose: Callable[[list[str]], str]
) -> Order:
    """Run two clients to the end, asking `choose` whose turn it is wherever both could go on.

    Parameters
    ----------
    clients : tuple of Client
        Fresh programs of client A and client B.
    warm : bool
        Whether the cache holds the initial value at the start.
    choose : callable
        Gets the names of the clients that can go on, two of them, and returns one.
    """
    world = World(cached=warmed(warm))
    runs = {name: _Run(program) for name, program in zip("AB", clients, strict=True)}
    events: list[Event] = []
    refused = stale_read = False
    for run in runs.values():
        run.next_step = next(run.program, None)
    while ready := {
        name: run.next_step
        for name, run in runs.items()
        if run.next_step is not None and world.can(run.next_step)
    }:
        name = next(iter(ready)) if len(ready) == 1 else choose(list(ready))
        run, step = runs[name], ready[name]
        before = world.stored.version
        outcome = world.do(step)
        got = outcome[0] if step.action == "get or lease" else outcome
        if step.action in ("get", "get or lease"):
            run.began_at = before
            stale_read |= got is not None and got.version < before
        elif step.action == "read":
            stale_read |= got.version < run.began_at
        refused |= outcome is False
        events.append(
            Event(
                name,
                step.target,
                step.action,
                _detail(step, outcome),
                world.cached.value if world.cached is not None else None,
                world.stored.value,
            )
        )
        try:
            run.next_step = run.program.send(outcome)
        except StopIteration:
            run.next_step = None
    stale = world.cached is not None and world.cached.value != world.stored.value
    return Order(tuple(events), stale, stale_read, refused)


def _detail(step: Step, outcome: Any) -> str:
    match step.action:
        case "get":
            return str(outcome.value) if outcome else "miss"
        case "get or lease":
            found, lease = outcome
            if found:
                return str(found.value)
            return f"miss, lease {lease}" if lease else "miss, no lease"
        case "read":
            return str(outcome.value)
        case "write":
            return str(step.value)
        case "set" | "set if newer":
            value = step.value.value
        case "set with lease":
            value = step.value[0].value
        case _:
            return ""
    return f"{value}, refused" if outcome is False else str(value)


def every_order(
    fresh: Callable[[], tuple[Client, Client]], warm: bool = False
) -> tuple[Order, ...]:
    """Return every order of two clients' steps, each once.

    Depth-first search without stored states: run, note where there was a choice, go back to the
    last choice not yet exhausted, run again. Godefroid, "Model Checking for Programming Languages
    using VeriSoft", POPL 1997.

    Parameters
    ----------
    fresh : callable
        Returns fresh programs of client A and client B.
    warm : bool
        Whether the cache holds the key at the start.
    """
    found: list[Order] = []
    path: list[list[str]] = []  # at each choice so far, the options not yet tried, first one taken
    while True:
        depth = 0

        def choose(ready: list[str]) -> str:
            nonlocal depth
            if depth == len(path):
                path.append(list(ready))
            depth += 1
            return path[depth - 1][0]

        found.append(run_order(fresh(), warm, choose))
        while path and len(path[-1]) == 1:
            path.pop()
        if not path:
            return tuple(found)
        path[-1].pop(0)


def worst_first(orders: Sequence[Order]) -> list[Order]:
    """Sort: stale ones first, then those with a refusal, each from short to long."""
    return sorted(
        orders,
        key=lambda each: (not each.stale, not each.refused, len(each.events), each.switches),
    )


@takes(Setting)
def simulate(at: Setting) -> Interleavings:
    """Try every order in which the steps of two clients can fall."""
    return Interleavings(at, every_order(lambda: programs(at), at.warm))


# --- what it says ---------------------------------------------------------------------------------


class Interleavings(Result):
    """All orders of two clients' steps, and the one worth looking at."""

    at: Setting
    orders: tuple[Order, ...]

    @property
    def shown(self) -> Order:
        """The shortest stale order; else the shortest with a refusal; else the shortest."""
        return worst_first(self.orders)[0]

    @property
    def stale(self) -> int:
        """How many leave the cache with a value that the database no longer has."""
        return sum(each.stale for each in self.orders)

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "interleavings": len(self.orders),
            "stale_for_good": self.stale,
            "stale_for_a_moment": sum(each.stale_read for each in self.orders),
            "shown": self.shown.letters,
        }

    @property
    def reading(self) -> str:
        total = len(self.orders)
        if self.stale:
            return (
                f"{self.stale:,} of the {total:,} possible orders "
                f"{'leaves' if self.stale == 1 else 'leave'} the cache with a value the database "
                f"no longer has; the shortest takes {len(self.shown.events)} steps and "
                f"{counted(self.shown.switches, 'change')} of turn."
            )
        refused = sum(each.refused for each in self.orders)
        if refused:
            return (
                f"None of the {total:,} possible orders leaves the cache stale; in {refused:,} of "
                "them the cache refuses a value that comes too late."
            )
        return f"None of the {total:,} possible orders leaves the cache stale."

    @property
    def columns(self) -> Mapping[str, Any]:
        listed = worst_first(self.orders)
        return {
            "order": [each.letters for each in listed],
            "steps": [
                ", ".join(f"{e.client}: {e.action} {e.detail}".strip() for e in each.events)
                for each in listed
            ],
            "cache at the end": [each.events[-1].cached or "empty" for each in listed],
            "database at the end": [each.events[-1].stored for each in listed],
            "stale": [each.stale for each in listed],
        }


_COLORS = {"A": style.BLUE, "B": style.PURPLE}
_LANES = {"A": 0.0, "cache": 1.0, "database": 2.0, "B": 3.0}
_NAMES = {"A": "client A", "cache": "cache", "database": "database", "B": "client B"}
_LISTED = 16  # orders in the picture


@style.panels(2, width_ratios=[2.1, 1])
def plot(run: Interleavings, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw one order as a sequence diagram, and all of them as rows of steps.

    With a learner's clients, both are of theirs, and the rows that end stale have diamonds.
    """
    orders = worst_first(run.orders if mine is None else mine["orders"])
    whose = "the" if mine is None else "your clients'"
    _draw_sequence(orders[0], run.at.warm, axes[0])
    axes[0].set_title(f"One order of {whose} steps, from top to bottom")
    column = _draw_list(orders, axes[1])
    axes[1].set_title("All orders, a row each")
    if mine is not None:
        rows = [row + 0.5 for row, each in enumerate(orders[:_LISTED]) if each.stale]
        yours(axes[1], column, rows)


def _draw_sequence(order: Order, warm: bool, ax: Axes) -> None:
    events = order.events
    rows = max(len(events), 6)
    ax.set_xlim(-0.4, 3.4)
    ax.set_ylim(rows + 1.5, -max(0.9, 0.3 + 0.06 * rows))  # room for the names of the lanes
    ax.set_axis_off()
    lanes = [[(x, 0), (x, rows + 0.7)] for x in _LANES.values()]
    ax.add_collection(LineCollection(lanes, colors=style.FAINT, linewidths=6), autolim=False)
    inks = [_COLORS.get(name, style.INK) for name in _LANES]
    names = [_NAMES[name] for name in _LANES]
    words(ax, [(x, -0.25) for x in _LANES.values()], names, color=inks, fontsize=10, weight="bold",
          va="bottom")  # fmt: skip
    _draw_messages(ax, [(y, event) for y, event in enumerate(events, 1) if event.target != "lock"])
    _draw_locks(ax, [(y, event) for y, event in enumerate(events, 1) if event.target == "lock"])
    cached, stored = (INITIAL if warm else None), INITIAL
    states: list[tuple[str, float, str | None]] = [
        ("cache", 0.25, cached),
        ("database", 0.25, stored),
    ]
    for row, event in enumerate(events, start=1):
        if event.cached != cached:
            states.append(("cache", row + 0.42, event.cached))
        if event.stored != stored:
            states.append(("database", row + 0.42, event.stored))
        cached, stored = event.cached, event.stored
    _draw_states(ax, states)
    if order.stale:
        verdict, color = f"the cache keeps {cached}, the database has {stored}", style.VERMILION
    else:
        held = f"holds {cached}, as the database does" if cached else "is empty"
        verdict, color = f"the cache {held}", style.GREEN
    ax.text(1.5, rows + 1.05, verdict, ha="center", va="center", color=color, weight="bold")


def _draw_messages(ax: Axes, rows: Sequence[tuple[int, Event]]) -> None:
    colors = [_COLORS[event.client] for _, event in rows]
    arrows(
        ax,
        [(_LANES[event.client], y) for y, event in rows],
        [(_LANES[event.target], y) for y, event in rows],
        head_pt=(8, 3.5),
        colors=colors,
        linewidths=1.6,
        linestyles=[":" if event.detail.endswith("refused") else "-" for _, event in rows],
        zorder=2,
    )
    places, said = [], []
    for y, event in rows:
        # Between the client and the first lane on its way, where nothing else is written.
        nearest = _LANES["cache"] if event.client == "A" else _LANES["database"]
        places.append(((_LANES[event.client] + nearest) / 2, y - 0.12))
        colon = ":" if event.action in ("get", "get or lease", "read") else ""
        text = f"{event.action}{colon} {event.detail}".strip()
        said.append(text.replace("get or lease: miss, ", "get: "))  # a lease says that it missed
    words(ax, places, said, color=colors, fontsize=8.5, va="bottom")


def _draw_locks(ax: Axes, rows: Sequence[tuple[int, Event]]) -> None:
    for client, side, ha in (("A", 1, "left"), ("B", -1, "right")):
        own = [(y, event) for y, event in rows if event.client == client]
        x, color = _LANES[client], _COLORS[client]
        ax.plot([x] * len(own), [y for y, _ in own], "s", color=color, markersize=7)
        texts = ["lock" if event.action == "acquire" else "unlock" for _, event in own]
        words(ax, [(x + 0.07 * side, y) for y, _ in own], texts, color=color, fontsize=8.5, ha=ha)


def _draw_states(ax: Axes, states: Sequence[tuple[str, float, str | None]]) -> None:
    for empty, width, fill in ((True, 0.42, "white"), (False, 0.2, "#fff3c4")):
        places = [(_LANES[lane], y) for lane, y, value in states if (value is None) == empty]
        round_boxes(ax, places, width, 0.46, (0.025, 0.08), facecolors=fill,
                    edgecolors=style.MUTED, linewidths=0.8, zorder=3)  # fmt: skip
    places = [(_LANES[lane], y) for lane, y, _ in states]
    words(ax, places, [value or "empty" for _, _, value in states], fontsize=8.5, zorder=4)


def _draw_list(orders: Sequence[Order], ax: Axes) -> float:
    """Draw a row for each order, at most :data:`_LISTED`; return where verdicts have ended."""
    listed = orders[:_LISTED]
    longest = max(len(each.events) for each in listed)
    height = max(len(listed), 10)
    small = 9 if height <= 12 else 8
    squares, colors = [], []
    letters: dict[str, list[tuple[float, float]]] = {"A": [], "B": []}
    verdicts: dict[bool, list[tuple[tuple[float, float], str]]] = {True: [], False: []}
    for row, each in enumerate(listed):
        for column, client in enumerate(each.letters):
            x, y = column + 0.06, row + 0.1
            squares.append([(x, y), (x + 0.88, y), (x + 0.88, y + 0.8), (x, y + 0.8)])
            colors.append(to_rgba(_COLORS[client], 0.25 if client == "A" else 0.4))
            letters[client].append((column + 0.5, row + 0.5))
        place = (longest + 0.3, row + 0.53)
        verdicts[each.verdict != "fine"].append((place, each.verdict))
    for loud, written in verdicts.items():
        places, texts = zip(*written, strict=True) if written else ((), ())
        words(
            ax, places, texts, fontsize=small, ha="left", weight="bold" if loud else "normal",
            color=[style.VERMILION if text == "stale" else style.GREEN for text in texts],
        )  # fmt: skip
    ax.add_collection(PolyCollection(squares, facecolors=colors, linewidths=0), autolim=False)
    for client, where in letters.items():  # as markers: an artist for each would take long
        ax.plot(
            [x for x, _ in where],
            [y for _, y in where],
            linestyle="none",
            marker=f"${client}$",
            markersize=0.62 * small,
            color=style.INK,
            markeredgewidth=0,
        )
    frame = [[(-0.05, 0), (longest, 0)], [(-0.05, 1), (longest, 1)]]
    ax.add_collection(LineCollection(frame, colors=style.INK, linewidths=1.2))
    more = len(orders) - len(listed)
    if more > 0:
        ax.text(0, height + 1.0, f"and {more} more", color=style.MUTED, fontsize=9)
    ax.set_xlim(-0.1, max(longest, 6) + 2.6)
    ax.set_ylim(height + 1.6, -0.4)
    ax.set_axis_off()
    return longest + 2.3


# --- the same on real threads ---------------------------------------------------------------------


class Trial(Parameters):
    """Two threads that go through every order, with sqlite3 as the database.

    Each thread runs the same program as the model's client, and stops at a gate before each step
    until it is its turn.
    """

    protocol: str = option("cache-aside", "Protocol", of=PROTOCOLS)
    clients: str = option("reader and writer", "Clients", of=CLIENTS)
    warm: bool = flag(False, "The cache holds the value at first")
    timeout_s: float = number(5.0, "The longest a thread may take over one step", unit="s", above=0)


@takes(Trial)
def measure(at: Trial) -> MeasuredInterleavings:
    """Make two real threads go through every order.

    Raises
    ------
    TimeoutError
        If a step took longer than ``timeout_s``.
    """
    setting = Setting(protocol=at.protocol, clients=at.clients, warm=at.warm)
    orders = every_order(lambda: programs(setting), at.warm)
    ends = perform(
        [(programs(setting), each.letters) for each in orders],
        lambda: World(cached=warmed(at.warm)),
        at.timeout_s,
    )
    return MeasuredInterleavings(at, orders, tuple(ends))


class MeasuredInterleavings(Measured):
    """Every order, performed for real.

    Attributes
    ----------
    orders : tuple of Order
        As the model has them.
    ends : tuple of (str or None, str)
        What cache and database held after each.
    """

    at: Trial
    orders: tuple[Order, ...]
    ends: tuple[tuple[str | None, str], ...]

    @property
    def stale(self) -> int:
        """How many left the cache with a value that the database no longer has."""
        return sum(cached is not None and cached != stored for cached, stored in self.ends)

    @property
    def agreeing(self) -> int:
        """How many ended as the model says."""
        model = [(each.events[-1].cached, each.events[-1].stored) for each in self.orders]
        return sum(real == said for real, said in zip(self.ends, model, strict=True))

    @property
    def verdict(self) -> str:
        """Whether the model describes what the threads did, in one line."""
        total = len(self.orders)
        word = "agrees" if self.agreeing == total else "disagrees"
        return f"{self.agreeing} of {total} orders end on real threads as in the model: {word}"

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "interleavings": len(self.orders),
            "stale": self.stale,
            "as_in_the_model": self.agreeing,
        }

    @property
    def reading(self) -> str:
        return (
            f"Measured: two threads went through all {len(self.orders)} orders, and {self.stale} "
            "of them left the cache stale."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "order": [each.letters for each in self.orders],
            "cache at the end": [cached or "empty" for cached, _ in self.ends],
            "database at the end": [stored for _, stored in self.ends],
            "stale in the model": [each.stale for each in self.orders],
        }
