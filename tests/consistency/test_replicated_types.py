"""Types that merge: one result whatever the order and however often, and those that are not so."""

from __future__ import annotations

from itertools import combinations_with_replacement, permutations

import pytest

from helpers.consistency.replicated_types import (
    GrowOnlyCounter,
    GrowOnlySet,
    LastWriterNumber,
    LastWriterSet,
    ObservedRemoveSet,
    UpDownCounter,
)

REPLICAS = ("a", "b", "c")


def _count(one, other):
    one.add()
    other.merge(one.sent())
    one.add()
    other.add()


def _up_and_down(one, other):
    one.add()
    other.merge(one.sent())
    other.take_back()
    one.add()


def _grow(one, other):
    one.add(f"of {one.me}")
    other.merge(one.sent())
    other.add("of both")
    one.add("of both")


def _add_and_remove(one, other):
    one.add("book")
    other.merge(one.sent())
    other.remove("book")
    one.add(f"pen of {one.me}")
    one.add("book")


def _by_the_clock(one, other):
    one.add("book", 1.0 + ord(one.me))
    other.merge(one.sent())
    other.remove("book", 2.0)
    one.add("pen", 3.0)


def _overwrite(one, other):
    one.set(one.value + 1, 1.0 + ord(one.me))
    other.merge(one.sent())
    other.set(other.value + 1, 200.0)


TYPES = {
    GrowOnlyCounter: _count,
    UpDownCounter: _up_and_down,
    GrowOnlySet: _grow,
    ObservedRemoveSet: _add_and_remove,
    LastWriterSet: _by_the_clock,
    LastWriterNumber: _overwrite,
}


def messages(kind, work):
    """What three replicas sent along the way: 6 states, each as it was then."""
    copies = [kind(name) for name in REPLICAS]
    sent = []
    for i, one in enumerate(copies):
        work(one, copies[(i + 1) % 3])
        sent += [one.sent(), copies[(i + 1) % 3].sent()]
    return sent


def after(kind, sent, order):
    """What a fresh copy shows after these messages in this order."""
    copy = kind("z")
    for i in order:
        copy.merge(sent[i])
    return copy.value


@pytest.mark.parametrize(("kind", "work"), TYPES.items(), ids=lambda one: one.__name__)
def test_every_order_of_six_messages_gives_one_value(kind, work):
    sent = messages(kind, work)
    values = {after(kind, sent, order) for order in permutations(range(6))}  # 720 orders
    assert len(values) == 1


@pytest.mark.parametrize(("kind", "work"), TYPES.items(), ids=lambda one: one.__name__)
def test_repeating_any_of_them_changes_nothing(kind, work):
    sent = messages(kind, work)
    once = after(kind, sent, range(6))
    for again in combinations_with_replacement(range(6), 3):  # 56 ways to repeat three
        assert after(kind, sent, [*range(6), *again]) == once
        assert after(kind, sent, [*again, *range(6)]) == once


@pytest.mark.parametrize(("kind", "work"), TYPES.items(), ids=lambda one: one.__name__)
def test_a_message_is_what_its_sender_knew_then(kind, work):
    copy = kind("a")
    other = kind("b")
    empty = copy.sent().value
    before = copy.sent()
    work(copy, other)
    assert before.value == empty
    assert copy.value != empty


def test_a_merge_that_adds_is_noticed():
    class Adding(GrowOnlyCounter):
        def merge(self, other):
            names = {*self.counts, *other.counts}
            self.counts = {n: self.counts.get(n, 0) + other.counts.get(n, 0) for n in names}

    sent = messages(Adding, _count)
    assert after(Adding, sent, range(6)) != after(Adding, sent, [*range(6), 0])


def test_the_counters_count():
    a, b = UpDownCounter("a"), UpDownCounter("b")
    for _ in range(5):
        a.add()
    b.merge(a)
    for _ in range(2):
        b.take_back()
    a.add()
    a.merge(b)
    b.merge(a)
    assert (a.value, b.value) == (4, 4)


def test_an_addition_that_a_removal_has_not_seen_stays():
    phone, laptop = ObservedRemoveSet("phone"), ObservedRemoveSet("laptop")
    phone.add("book")
    laptop.merge(phone)
    phone.remove("book")
    laptop.add("book")
    phone.merge(laptop)
    laptop.merge(phone)
    assert phone.value == laptop.value == {"book"}
    laptop.remove("book")
    phone.merge(laptop)
    assert phone.value == frozenset()


def test_by_the_clock_it_is_lost():
    phone, laptop = LastWriterSet("phone"), LastWriterSet("laptop")
    phone.add("book", 10.0)
    laptop.merge(phone)
    phone.remove("book", 11.0)
    laptop.add("book", 10.9)
    phone.merge(laptop)
    laptop.merge(phone)
    assert phone.value == laptop.value == frozenset()
