"""Every order in which the steps of two clients can fall, and which of them leave the cache wrong.

A client is a generator that names its next step and is sent the step's result. Whoever runs it
decides when the step happens: here one step at a time in every possible order, in `measurement`
on real threads, with a real database, in the same orders.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from helpers.foundations import validation
from helpers.foundations.experiment import Result

if TYPE_CHECKING:
    import pandas as pd

#: The protocols, in the order they are shown.
PROTOCOLS = (
    "cache-aside",
    "delete first",
    "write-through",
    "leases",
    "compare versions",
    "lock",
)

#: What client A and client B do.
CLIENTS = ("reader and writer", "two writers", "two readers")

#: The initial value of the key; a write stores the writer's letter and the number of its write.
INITIAL = "v0"


class Step(NamedTuple):
    """One indivisible operation of a client."""

    target: str  # "cache", "database" or "lock"
    action: str
    value: Any = None


class Versioned(NamedTuple):
    """A value and the version that the database gave it."""

    value: str
    version: int


Client = Generator[Step, Any, None]


# --- the protocols --------------------------------------------------------------------------------


def read_through_cache(_: str) -> Client:
    """Read: ask the cache; on a miss ask the database and fill the cache."""
    found = yield Step("cache", "get")
    if found is None:
        row = yield Step("database", "read")
        yield Step("cache", "set", row)


def write_then_delete(value: str) -> Client:
    """Write, cache-aside: change the database, then drop the cached entry."""
    yield Step("database", "write", value)
    yield Step("cache", "delete")


def delete_then_write(value: str) -> Client:
    """Write the other way round: drop the cached entry, then change the database."""
    yield Step("cache", "delete")
    yield Step("database", "write", value)


def write_then_set(value: str) -> Client:
    """Write-through: change the database, then the cache."""
    row = yield Step("database", "write", value)
    yield Step("cache", "set", row)


def read_with_lease(_: str) -> Client:
    """Read: a miss hands out a lease, and only who still holds it may fill the cache."""
    found, lease = yield Step("cache", "get or lease")
    if found is None:
        row = yield Step("database", "read")
        if lease is not None:
            yield Step("cache", "set with lease", (row, lease))


def write_and_revoke(value: str) -> Client:
    """Write: change the database, then drop the entry and every lease on it."""
    yield Step("database", "write", value)
    yield Step("cache", "delete and revoke")


def read_with_version(_: str) -> Client:
    """Read: fill the cache only if it holds nothing newer."""
    found = yield Step("cache", "get")
    if found is None:
        row = yield Step("database", "read")
        yield Step("cache", "set if newer", row)


def write_with_version(value: str) -> Client:
    """Write-through: the cache keeps whichever value the database saw last."""
    row = yield Step("database", "write", value)
    yield Step("cache", "set if newer", row)


def _locked(client: Callable[[str], Client]) -> Callable[[str], Client]:
    def run(value: str) -> Client:
        yield Step("lock", "acquire")
        yield from client(value)
        yield Step("lock", "release")

    return run


_READ_WRITE: dict[str, tuple[Callable[[str], Client], Callable[[str], Client]]] = {
    "cache-aside": (read_through_cache, write_then_delete),
    "delete first": (read_through_cache, delete_then_write),
    "write-through": (read_through_cache, write_then_set),
    "leases": (read_with_lease, write_and_revoke),
    "compare versions": (read_with_version, write_with_version),
    "lock": (_locked(read_through_cache), _locked(write_then_set)),
}


def client_programs(protocol: str, clients: str, rounds: int = 1) -> tuple[Client, Client]:
    """Return fresh programs of client A and client B.

    Parameters
    ----------
    protocol : one of PROTOCOLS
    clients : one of CLIENTS
    rounds : int
        How many operations each client does, one after the other; >= 1.
    """
    read, write = _READ_WRITE[protocol]
    kinds = {
        "reader and writer": (read, write),
        "two writers": (write, write),
        "two readers": (read, read),
    }[clients]

    def program(name: str, kind: Callable[[str], Client]) -> Client:
        for number in range(1, rounds + 1):
            yield from kind(f"{name}{number}" if rounds > 1 else name)

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


# --- all interleavings ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """One step as it happened, and the state it left."""

    client: str
    target: str
    action: str
    #: What was read, or written: "miss", "v0", "refused" ...
    detail: str
    cached: str | None
    stored: str


@dataclass(frozen=True)
class Interleaving:
    """One order of all steps, from the first to the last."""

    events: tuple[Event, ...]
    #: The cache ends with a value that the database no longer has.
    stale: bool
    #: Some read got a value that had been replaced before the read began.
    stale_read: bool
    #: Some attempt to fill the cache was refused.
    refused: bool

    @property
    def order(self) -> str:
        """The clients in the order of their steps, such as ``"ABBAB"``."""
        return "".join(event.client for event in self.events)

    @property
    def switches(self) -> int:
        """How often one client takes over from the other."""
        return sum(a != b for a, b in zip(self.order, self.order[1:], strict=False))


@dataclass
class _Run:
    """What a client has done so far in one interleaving."""

    program: Client
    next_step: Step | None = None
    began_at: int = 0  # the database's version when the current read began
    stale_read: bool = False
    events: list[Event] = field(default_factory=list)


def run_interleaving(
    programs: tuple[Client, Client], warm: bool, choose: Callable[[list[str]], str]
) -> Interleaving:
    """Run two clients to the end, asking `choose` whose turn it is wherever both could go on.

    Parameters
    ----------
    programs : tuple of Client
        Fresh programs of client A and client B.
    warm : bool
        Whether the cache holds the initial value at the start.
    choose : callable
        Gets the names of the clients that can go on, two of them, and returns one.
    """
    world = World(cached=Versioned(INITIAL, 0) if warm else None)
    runs = {name: _Run(program) for name, program in zip("AB", programs, strict=True)}
    events: list[Event] = []
    refused = stale_read = False
    for run in runs.values():
        run.next_step = next(run.program, None)
    while ready := [
        name for name, run in runs.items() if run.next_step and world.can(run.next_step)
    ]:
        name = ready[0] if len(ready) == 1 else choose(ready)
        run = runs[name]
        step = run.next_step
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
                world.cached and world.cached.value,
                world.stored.value,
            )
        )
        try:
            run.next_step = run.program.send(outcome)
        except StopIteration:
            run.next_step = None
    stale = world.cached is not None and world.cached.value != world.stored.value
    return Interleaving(tuple(events), stale, stale_read, refused)


def _detail(step: Step, outcome: Any) -> str:
    match step.action:
        case "get":
            return outcome.value if outcome else "miss"
        case "get or lease":
            found, lease = outcome
            if found:
                return found.value
            return f"miss, lease {lease}" if lease else "miss, no lease"
        case "read":
            return outcome.value
        case "write":
            return step.value
        case "set" | "set if newer":
            value = step.value.value
        case "set with lease":
            value = step.value[0].value
        case _:
            return ""
    return f"{value}, refused" if outcome is False else value


def all_interleavings(
    protocol: str, clients: str, *, warm: bool = False, rounds: int = 1
) -> tuple[Interleaving, ...]:
    """Return every interleaving of the two clients, each once.

    Parameters
    ----------
    protocol : str
        One of PROTOCOLS.
    clients : str
        One of CLIENTS.
    warm : bool
        Whether the cache holds the key at the start.
    rounds : int
        Operations of each client; 1 or 2.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Depth-first search without stored states: run, note where there was a choice, go back to the
    last choice not yet exhausted, run again. Godefroid, "Model Checking for Programming Languages
    using VeriSoft", POPL 1997.
    """
    validation.one_of("protocol", protocol, PROTOCOLS)
    validation.one_of("clients", clients, CLIENTS)
    rounds = validation.integer("rounds", rounds, at_least=1, at_most=2)
    found: list[Interleaving] = []
    path: list[list[str]] = []  # at each choice so far, the options not yet tried, first one taken
    while True:
        depth = 0

        def choose(ready: list[str]) -> str:
            nonlocal depth
            if depth == len(path):
                path.append(list(ready))
            depth += 1
            return path[depth - 1][0]

        found.append(run_interleaving(client_programs(protocol, clients, rounds), warm, choose))
        while path and len(path[-1]) == 1:
            path.pop()
        if not path:
            return tuple(found)
        path[-1].pop(0)


# --- behind the explorer --------------------------------------------------------------------------


class InterleavingsResult(Result):
    """All interleavings of two clients, and the one worth looking at."""

    protocol: str
    clients: str
    warm: bool
    interleavings: tuple[Interleaving, ...]
    #: The shortest stale one; else the shortest in which something was refused; else the first.
    shown: Interleaving

    @property
    def ordered(self) -> list[Interleaving]:
        """All of them: stale ones first, then those with a refusal, each from short to long."""
        return _ordered(self.interleavings)

    @property
    def stale(self) -> int:
        """How many leave the cache with a value that the database no longer has."""
        return sum(each.stale for each in self.interleavings)

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "interleavings": len(self.interleavings),
            "stale_for_good": self.stale,
            "stale_for_a_moment": sum(each.stale_read for each in self.interleavings),
            "shown": self.shown.order,
        }

    @property
    def reading(self) -> str:
        total = len(self.interleavings)
        if self.stale:
            return (
                f"{self.stale:,} of the {total:,} possible orders "
                f"{'leaves' if self.stale == 1 else 'leave'} the cache with a value the database "
                f"no longer has; the shortest takes {len(self.shown.events)} steps and "
                f"{self.shown.switches} changes of turn."
            )
        refused = sum(each.refused for each in self.interleavings)
        if refused:
            return (
                f"None of the {total:,} possible orders leaves the cache stale; in {refused:,} of "
                "them the cache refuses a value that comes too late."
            )
        return f"None of the {total:,} possible orders leaves the cache stale."

    def table(self) -> pd.DataFrame:
        """Return one row for each interleaving, stale ones first."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "order": each.order,
                    "steps": ", ".join(
                        f"{e.client}: {e.action} {e.detail}".strip() for e in each.events
                    ),
                    "cache at the end": each.events[-1].cached or "empty",
                    "database at the end": each.events[-1].stored,
                    "stale": each.stale,
                }
                for each in self.ordered
            ]
        )


def simulate_interleavings(
    *,
    protocol: str = "cache-aside",
    clients: str = "reader and writer",
    warm: bool = False,
    rounds: int = 1,
) -> InterleavingsResult:
    """Try every order in which the steps of two clients can fall.

    Parameters
    ----------
    protocol : {"cache-aside", "delete first", "write-through", "leases", "compare versions", \
"lock"}
        How both clients use cache and database. ``"cache-aside"`` writes to the database and then
        deletes the entry, ``"delete first"`` the other way round.
    clients : {"reader and writer", "two writers", "two readers"}
        What client A and client B do.
    warm : bool
        Whether the cache holds the key at the start.
    rounds : int
        How many operations each client does; 1 or 2.

    Returns
    -------
    InterleavingsResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Leases: Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1. There a
    client that finds the lease taken waits and asks again; here it reads the database and leaves
    the cache alone, so that every interleaving ends.
    """
    interleavings = all_interleavings(protocol, clients, warm=warm, rounds=rounds)
    return InterleavingsResult(
        protocol=protocol,
        clients=clients,
        warm=warm,
        interleavings=interleavings,
        shown=_ordered(interleavings)[0],
    )


def _ordered(interleavings: Sequence[Interleaving]) -> list[Interleaving]:
    return sorted(
        interleavings,
        key=lambda each: (not each.stale, not each.refused, len(each.events), each.switches),
    )
