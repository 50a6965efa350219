"""The explorer of interleavings against a brute force written another way, and mutants."""

from __future__ import annotations

import itertools
from math import comb

import pytest

from helpers import caching
from helpers.caching.simulation import interleavings

# --- an independent model: each client is a list of functions of a plain dictionary ---------------
#
# A step returns the steps to go on with, or None while it cannot happen.


def get(me, rest, *, then):
    def step(s):
        return rest if s["cache"] is not None else [*then, *rest]

    return step


def lease_get(me, rest):
    def step(s):
        if s["cache"] is not None:
            return rest
        holds = s["lease"] is None
        if holds:
            s["count"] += 1
            s["lease"] = s["count"]
            s[me, "lease"] = s["count"]
        return [do(read_row(me)), *([do(set_leased(me))] if holds else []), *rest]

    return step


def do(effect):
    return ("do", effect)


def read_row(me):
    return lambda s: s.__setitem__(me, s["row"])


def write_row(me, value):
    def effect(s):
        s["row"] = (value, s["row"][1] + 1)
        s[me] = s["row"]

    return effect


def fill(me):
    return lambda s: s.__setitem__("cache", s[me])


def fill_if_newer(me):
    def effect(s):
        if s["cache"] is None or s["cache"][1] <= s[me][1]:
            s["cache"] = s[me]

    return effect


def set_leased(me):
    def effect(s):
        if s["lease"] == s[me, "lease"]:
            s["cache"], s["lease"] = s[me], None

    return effect


def drop(s):
    s["cache"] = None


def drop_and_revoke(s):
    s["cache"] = s["lease"] = None


def lock(s):
    s["locked"] = True


def unlock(s):
    s["locked"] = False


def operation(protocol, kind, me, value):
    """The first step of an operation, as a list to be expanded as it runs."""
    if protocol == "lock":
        inner = operation("write-through", kind, me, value)
        return [("lock", lock), *inner, do(unlock)]
    if kind == "read":
        if protocol == "leases":
            return [("lease", me)]
        filling = fill_if_newer(me) if protocol == "compare versions" else fill(me)
        return [("get", me, [do(read_row(me)), do(filling)])]
    return {
        "cache-aside": [do(write_row(me, value)), do(drop)],
        "delete first": [do(drop), do(write_row(me, value))],
        "write-through": [do(write_row(me, value)), do(fill(me))],
        "leases": [do(write_row(me, value)), do(drop_and_revoke)],
        "compare versions": [do(write_row(me, value)), do(fill_if_newer(me))],
    }[protocol]


def advance(s, me, steps):
    """Do one step; return what is left, or None if it cannot happen now."""
    head, *rest = steps
    match head:
        case ("do", effect):
            effect(s)
            return rest
        case ("get", _, on_miss):
            return rest if s["cache"] is not None else [*on_miss, *rest]
        case ("lease", _):
            return lease_get(me, rest)(s)
        case ("lock", effect):
            if s["locked"]:
                return None
            effect(s)
            return rest


def brute_force(protocol, clients, warm, rounds):
    """Try every word over A and B; keep those that are executions."""
    kinds = {
        "reader and writer": ("read", "write"),
        "two writers": ("write", "write"),
        "two readers": ("read", "read"),
    }[clients]
    longest = rounds * 2 * (5 if protocol == "lock" else 3)
    found = {}
    for word in itertools.product("AB", repeat=longest):
        s = {"cache": ("v0", 0) if warm else None, "row": ("v0", 0)}
        s |= {"lease": None, "count": 0, "locked": False}
        left = {
            me: [
                step
                for number in range(1, rounds + 1)
                for step in operation(protocol, kind, me, f"{me}{number}" if rounds > 1 else me)
            ]
            for me, kind in zip("AB", kinds, strict=True)
        }
        order = ""
        for me in word:
            if not left["A"] and not left["B"]:
                break
            if not left[me]:
                order = None  # a finished client cannot move
                break
            after = advance(s, me, left[me])
            if after is None:
                order = None
                break
            left[me] = after
            order += me
        if order is None or left["A"] or left["B"]:
            continue
        cached = s["cache"] and s["cache"][0]
        found[order] = (cached, s["row"][0], cached is not None and cached != s["row"][0])
    return found


@pytest.mark.parametrize("protocol", caching.PROTOCOLS)
@pytest.mark.parametrize("clients", caching.CLIENTS)
@pytest.mark.parametrize("warm", [False, True])
def test_the_explorer_finds_exactly_what_brute_force_finds(protocol, clients, warm):
    found = caching.all_interleavings(protocol, clients, warm=warm)
    ends = {
        each.order: (each.events[-1].cached, each.events[-1].stored, each.stale) for each in found
    }
    assert len(ends) == len(found)  # none twice
    assert ends == brute_force(protocol, clients, warm, 1)


@pytest.mark.parametrize("protocol", ["cache-aside", "leases", "compare versions"])
def test_two_rounds_too(protocol):
    found = caching.all_interleavings(protocol, "reader and writer", warm=True, rounds=2)
    ends = {
        each.order: (each.events[-1].cached, each.events[-1].stored, each.stale) for each in found
    }
    assert ends == brute_force(protocol, "reader and writer", True, 2)


def test_numbers_a_learner_can_check_by_hand():
    reader_writer = caching.simulate_interleavings()
    assert len(reader_writer.interleavings) == comb(5, 2)  # 3 steps and 2 steps
    assert reader_writer.stale == 1
    assert reader_writer.shown.order == "AABBA"
    writers = caching.simulate_interleavings(protocol="write-through", clients="two writers")
    assert len(writers.interleavings) == comb(4, 2)
    assert writers.stale == 2
    assert writers.shown.order == "ABBA"
    late = caching.simulate_interleavings(protocol="delete first")
    assert late.stale == 6


def check_never_stale(protocol):
    for clients in caching.CLIENTS:
        for warm, rounds in itertools.product((False, True), (1, 2)):
            result = caching.simulate_interleavings(
                protocol=protocol, clients=clients, warm=warm, rounds=rounds
            )
            assert result.stale == 0, (clients, warm, rounds, result.shown.order)


@pytest.mark.parametrize("protocol", ["leases", "compare versions", "lock"])
def test_three_protocols_never_leave_the_cache_stale(protocol):
    check_never_stale(protocol)


class LeaseNeverRevoked(interleavings.World):
    def do(self, step):
        if step.action == "delete and revoke":
            self.cached = None
            return True
        return super().do(step)


class LeaseNeverChecked(interleavings.World):
    def do(self, step):
        if step.action == "set with lease":
            self.cached = step.value[0]
            return True
        return super().do(step)


class OlderVersionWins(interleavings.World):
    def do(self, step):
        if step.action == "set if newer":
            if self.cached is not None and self.cached.version < step.value.version:
                return False
            self.cached = step.value
            return True
        return super().do(step)


class LockOpenToAll(interleavings.World):
    def can(self, step):
        return True


@pytest.mark.parametrize(
    ("protocol", "world"),
    [
        ("leases", LeaseNeverRevoked),
        ("leases", LeaseNeverChecked),
        ("compare versions", OlderVersionWins),
        ("lock", LockOpenToAll),
    ],
)
def test_a_broken_remedy_is_caught(monkeypatch, protocol, world):
    monkeypatch.setattr(interleavings, "World", world)
    with pytest.raises(AssertionError):
        check_never_stale(protocol)


def test_the_shortest_stale_one_is_shown():
    for protocol, clients in itertools.product(caching.PROTOCOLS, caching.CLIENTS):
        result = caching.simulate_interleavings(protocol=protocol, clients=clients, rounds=2)
        stale = [each for each in result.interleavings if each.stale]
        if stale:
            assert result.shown.stale
            assert len(result.shown.events) == min(len(each.events) for each in stale)


def test_a_read_that_began_after_the_write_and_got_the_old_value_is_counted():
    warm = caching.simulate_interleavings(warm=True)
    stale_reads = [each.order for each in warm.interleavings if each.stale_read]
    assert stale_reads == ["BAB"]  # written, read from the cache, deleted


def test_the_table_lists_stale_orders_first():
    table = caching.simulate_interleavings(protocol="delete first").table()
    assert len(table) == 10
    assert table["stale"].tolist() == [True] * 6 + [False] * 4
