"""All orders of two clients' steps against a brute force written another way; edits; the page."""

from __future__ import annotations

import itertools
from math import comb

import pytest

from helpers.caching import interleavings, step_orders
from helpers.caching.interleavings import Setting
from helpers.caching.protocols import CLIENTS, PROTOCOLS, your_clients
from helpers.foundations.drawing import style
from tests import drawn
from tests.checks import assert_columns, assert_legible, assert_tells, diamonds, drawn_by
from tests.models import edited

MODEL = "helpers.caching.protocols:reader, writer, your_clients"

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


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("clients", CLIENTS)
@pytest.mark.parametrize("warm", [False, True])
def test_the_explorer_finds_exactly_what_brute_force_finds(protocol, clients, warm):
    found = interleavings.simulate(protocol=protocol, clients=clients, warm=warm).orders
    ends = {
        each.letters: (each.events[-1].cached, each.events[-1].stored, each.stale) for each in found
    }
    assert len(ends) == len(found)  # none twice
    assert ends == brute_force(protocol, clients, warm, 1)


@pytest.mark.parametrize("protocol", ["cache-aside", "leases", "compare versions"])
def test_two_rounds_too(protocol):
    found = interleavings.simulate(protocol=protocol, warm=True, rounds=2).orders
    ends = {
        each.letters: (each.events[-1].cached, each.events[-1].stored, each.stale) for each in found
    }
    assert ends == brute_force(protocol, "reader and writer", True, 2)


def test_numbers_a_learner_can_check_by_hand():
    reader_writer = interleavings.simulate()
    assert len(reader_writer.orders) == comb(5, 2)  # 3 steps and 2 steps
    assert reader_writer.stale == 1
    assert reader_writer.shown.letters == "AABBA"
    writers = interleavings.simulate(protocol="write-through", clients="two writers")
    assert len(writers.orders) == comb(4, 2)
    assert writers.stale == 2
    assert writers.shown.letters == "ABBA"
    late = interleavings.simulate(protocol="delete first")
    assert late.stale == 6


def test_what_the_chapter_says_of_leases_and_two_writers():
    leases = interleavings.simulate(protocol="leases")
    assert sum(order.refused for order in leases.orders) == len(leases.orders) / 2
    assert leases.stale == 0
    first = interleavings.simulate(warm=True)
    assert (len(first.orders), sum(order.stale_read for order in first.orders)) == (3, 1)


def check_never_stale(protocol):
    for clients in CLIENTS:
        for warm, rounds in itertools.product((False, True), (1, 2)):
            result = interleavings.simulate(
                protocol=protocol, clients=clients, warm=warm, rounds=rounds
            )
            assert result.stale == 0, (clients, warm, rounds, result.shown.letters)


@pytest.mark.parametrize("protocol", ["leases", "compare versions", "lock"])
def test_three_protocols_never_leave_the_cache_stale(protocol):
    check_never_stale(protocol)


class LeaseNeverRevoked(step_orders.World):
    def do(self, step):
        if step.action == "delete and revoke":
            self.cached = None
            return True
        return super().do(step)


class LeaseNeverChecked(step_orders.World):
    def do(self, step):
        if step.action == "set with lease":
            self.cached = step.value[0]
            return True
        return super().do(step)


class OlderVersionWins(step_orders.World):
    def do(self, step):
        if step.action == "set if newer":
            if self.cached is not None and self.cached.version < step.value.version:
                return False
            self.cached = step.value
            return True
        return super().do(step)


class LockOpenToAll(step_orders.World):
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
    monkeypatch.setattr(step_orders, "World", world)
    with pytest.raises(AssertionError):
        check_never_stale(protocol)


def test_the_shortest_stale_one_is_shown():
    for protocol, clients in itertools.product(PROTOCOLS, CLIENTS):
        result = interleavings.simulate(protocol=protocol, clients=clients, rounds=2)
        stale = [each for each in result.orders if each.stale]
        if stale:
            assert result.shown.stale
            assert len(result.shown.events) == min(len(each.events) for each in stale)


def test_a_read_that_began_after_the_write_and_got_the_old_value_is_counted():
    warm = interleavings.simulate(warm=True)
    stale_reads = [each.letters for each in warm.orders if each.stale_read]
    assert stale_reads == ["BAB"]  # written, read from the cache, deleted


# --- the open model and its edits -----------------------------------------------------------------


@pytest.mark.parametrize("clients", CLIENTS)
@pytest.mark.parametrize("warm", [False, True])
def test_the_open_model_is_cache_aside(clients, warm):
    at = Setting(clients=clients, warm=warm)
    mine = edited(MODEL)(at)
    assert mine["orders"] == interleavings.simulate(at).orders
    assert mine["stale"] == interleavings.simulate(at).stale


WRITE = '    yield Step("database", "write", name)\n'
DELETE = '    yield Step("cache", "delete")\n'


def test_deleting_first_goes_wrong_in_six_orders_of_ten():
    mine = edited(MODEL, WRITE + DELETE, DELETE + WRITE)(Setting())
    assert mine["stale"] == 6
    assert mine["orders"] == interleavings.simulate(protocol="delete first").orders


def test_deleting_twice_goes_wrong_in_three_orders_of_twenty():
    mine = edited(MODEL, WRITE + DELETE, DELETE + WRITE + DELETE)(Setting())
    assert (mine["stale"], len(mine["orders"])) == (3, 20)


def test_a_reader_that_looks_again_is_never_stale():
    again = edited(
        MODEL,
        '        yield Step("cache", "set", row)\n',
        '        yield Step("cache", "set", row)\n'
        '        if (yield Step("database", "read")) != row:\n'
        '            yield Step("cache", "delete")\n',
    )
    for clients, warm in itertools.product(CLIENTS, (False, True)):
        assert again(Setting(clients=clients, warm=warm))["stale"] == 0
    misses = again(Setting())["orders"]
    assert max(order.letters.count("A") for order in misses) == 5


# --- the page -------------------------------------------------------------------------------------

CORNERS = [
    {},
    {"protocol": "delete first", "warm": True},
    {"protocol": "leases", "warm": True, "rounds": 2},
    {"protocol": "lock", "clients": "two writers", "warm": True, "rounds": 2},
    {"protocol": "write-through", "clients": "two writers"},
    {"clients": "two readers", "rounds": 2},
]


@pytest.mark.parametrize("setting", CORNERS)
def test_the_page(setting):
    run = interleavings.simulate(**setting)
    total, shown = len(run.orders), run.shown
    if run.stale:
        leaves = "leaves" if run.stale == 1 else "leave"
        changes = "1 change of" if shown.switches == 1 else f"{shown.switches} changes of"
        assert_tells(
            run.reading,
            f"{run.stale:,} of the {total:,} possible orders {leaves}",
            f"{len(shown.events)} steps",
            changes,
        )
    elif refused := sum(each.refused for each in run.orders):
        assert_tells(run.reading, f"None of the {total:,}", f"in {refused:,} of")
    else:
        assert_tells(run.reading, f"None of the {total:,}")
    assert run.summary == {
        "interleavings": total,
        "stale_for_good": run.stale,
        "stale_for_a_moment": sum(each.stale_read for each in run.orders),
        "shown": shown.letters,
    }
    listed = step_orders.worst_first(run.orders)
    assert_columns(
        run,
        order=[each.letters for each in listed],
        steps=run.columns["steps"],
        cache=[each.events[-1].cached or "empty" for each in listed],
        database=[each.events[-1].stored for each in listed],
        stale=[each.stale for each in listed],
    )
    for row, order in zip(run.columns["steps"], listed, strict=True):
        assert [step.split(": ")[0] for step in row.split(", ") if ": " in step] == list(
            order.letters
        )
    sequence, rows = drawn_by(interleavings, run)
    cached, stored = shown.events[-1].cached, shown.events[-1].stored
    verdict = {
        True: f"the cache keeps {cached}, the database has {stored}",
        False: f"the cache holds {cached}, as the database does" if cached else
        "the cache is empty",
    }[shown.stale]  # fmt: skip
    assert verdict in drawn.written(sequence)
    letters = {
        name: drawn.curve(rows, marker=f"${name}$")
        for name in "AB"
        if any(name in each.letters for each in listed[:16])
    }
    for name, places in letters.items():
        expected = [
            (column + 0.5, row + 0.5)
            for row, each in enumerate(listed[:16])
            for column, client in enumerate(each.letters)
            if client == name
        ]
        assert sorted(map(tuple, places.tolist())) == sorted(expected)
    verdicts = [text for text in drawn.written(rows) if text in ("stale", "saved", "fine")]
    assert sorted(verdicts) == sorted(each.verdict for each in listed[:16])
    assert (f"and {total - 16} more" in drawn.written(rows)) == (total > 16)
    assert_legible(sequence, rows)


def test_a_learners_clients_are_drawn_instead():
    mine = edited(MODEL, WRITE + DELETE, DELETE + WRITE)(Setting())
    sequence, rows = drawn_by(interleavings, interleavings.simulate(), mine=mine)
    assert drawn.title(sequence) == "One order of your clients' steps, from top to bottom"
    assert diamonds(rows)[:, 1].tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    worst = step_orders.worst_first(mine["orders"])[0]
    assert "delete" in drawn.written(sequence)[: drawn.written(sequence).index("write B") + 1]
    assert worst.stale
    assert_legible(sequence, rows)
    none = drawn_by(interleavings, interleavings.simulate(), mine=your_clients(Setting(warm=True)))
    assert len(diamonds(none[1])) == 0
    assert drawn.lines(none[0], color=style.VERMILION) == []


# --- measured -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "clients", "warm"),
    [
        ("cache-aside", "reader and writer", False),
        ("cache-aside", "reader and writer", True),
        ("delete first", "reader and writer", True),
        ("write-through", "two writers", False),
        ("leases", "reader and writer", False),
        ("compare versions", "two writers", False),
        ("lock", "reader and writer", False),
    ],
)
def test_threads_end_as_the_model_says(tidy, protocol, clients, warm):
    run = interleavings.measure(protocol=protocol, clients=clients, warm=warm)
    model = interleavings.simulate(protocol=protocol, clients=clients, warm=warm)
    assert run.agreeing == len(run.ends) == len(model.orders)
    assert run.stale == model.stale
    assert run.verdict.endswith(": agrees")


def test_a_verdict_can_be_bad():
    orders = interleavings.simulate().orders
    ends = [(each.events[-1].cached, each.events[-1].stored) for each in orders]
    ends[0] = ("v0", "B") if ends[0] != ("v0", "B") else (None, "B")
    run = interleavings.MeasuredInterleavings(interleavings.Trial(), orders, tuple(ends))
    assert run.verdict == "9 of 10 orders end on real threads as in the model: disagrees"
    assert_tells(run.reading, "all 10 orders", f"{run.stale} of them")
    assert run.summary == {"interleavings": 10, "stale": run.stale, "as_in_the_model": 9}
    assert run.stale == sum(cached not in (None, stored) for cached, stored in ends)
    assert_columns(
        run,
        order=[each.letters for each in orders],
        cache=[cached or "empty" for cached, _ in ends],
        database=[stored for _, stored in ends],
        stale=[each.stale for each in orders],
    )
