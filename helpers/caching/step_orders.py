"""Steps of two clients on a cache and a database, run in every order in which they can fall.

A client is a generator that names its next step and is sent the step's result. Whoever runs it
decides when the step happens.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

#: The initial value of the key; a write stores the writer's letter and the number of its write.
INITIAL = "v0"


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


class Underway:
    """Two clients who have begun: what each can do next, and what has been done.

    Parameters
    ----------
    clients : tuple of Client
        Fresh programs of client A and client B.
    warm : bool
        Whether the cache holds the initial value at the start.
    """

    def __init__(self, clients: tuple[Client, Client], warm: bool) -> None:
        self.world = World(cached=warmed(warm))
        self._runs = {name: _Run(program) for name, program in zip("AB", clients, strict=True)}
        self._events: list[Event] = []
        self._refused = self._stale_read = False
        for run in self._runs.values():
            run.next_step = next(run.program, None)

    @property
    def ahead(self) -> dict[str, Step | None]:
        """The next step of each client, whether it can go on or waits; None where it is done."""
        return {name: run.next_step for name, run in self._runs.items()}

    @property
    def ready(self) -> dict[str, Step]:
        """The next step of each client that can go on."""
        return {
            name: run.next_step
            for name, run in self._runs.items()
            if run.next_step is not None and self.world.can(run.next_step)
        }

    def take(self, name: str) -> None:
        """Let a client that is ready do its next step."""
        world, run = self.world, self._runs[name]
        step = run.next_step
        assert step is not None
        before = world.stored.version
        outcome = world.do(step)
        got = outcome[0] if step.action == "get or lease" else outcome
        if step.action in ("get", "get or lease"):
            run.began_at = before
            self._stale_read |= got is not None and got.version < before
        elif step.action == "read":
            self._stale_read |= got.version < run.began_at
        self._refused |= outcome is False
        self._events.append(
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

    @property
    def order(self) -> Order:
        """The order so far."""
        world = self.world
        stale = world.cached is not None and world.cached.value != world.stored.value
        return Order(tuple(self._events), stale, self._stale_read, self._refused)


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
    underway = Underway(clients, warm)
    while ready := underway.ready:
        underway.take(next(iter(ready)) if len(ready) == 1 else choose(list(ready)))
    return underway.order


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
