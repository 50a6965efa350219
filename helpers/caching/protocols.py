"""How clients use cache and database: six protocols, each a program for a read and for a write."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from helpers.caching.step_orders import Client, Step, every_order

if TYPE_CHECKING:
    from helpers.caching.interleavings import Setting

#: The protocols, in the order they are shown.
PROTOCOLS = ("cache-aside", "delete first", "write-through", "leases", "compare versions", "lock")

#: What client A and client B do.
CLIENTS = ("reader and writer", "two writers", "two readers")


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
