"""Turns taken by hand are the orders that are tried; what is shown is what was done."""

from __future__ import annotations

import pytest

from helpers.caching import turns
from helpers.caching.protocols import CLIENTS, PROTOCOLS, programs
from helpers.caching.step_orders import every_order
from helpers.explore import choice, explore, spelled
from tests import drawn
from tests.checks import assert_columns, assert_legible, drawn_by

STALE = "AABBA"


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("clients", CLIENTS)
@pytest.mark.parametrize("warm", [False, True])
def test_every_order_can_be_gone_through_by_hand(protocol, clients, warm):
    at = turns.Setting(protocol=protocol, clients=clients, warm=warm)
    for order in every_order(lambda: programs(at), warm):
        run = turns.simulate(at.but(turns=order.letters))
        assert run.order == order
        assert run.ready == ()
        for steps in range(len(order.events)):
            begun = turns.simulate(at.but(turns=order.letters[:steps]))
            assert begun.order.events == order.events[:steps]
            assert order.letters[steps] in begun.ready
            assert begun.ahead[order.letters[steps]].action == order.events[steps].action


def test_no_turn_leads_to_more_steps_than_can_be_asked_for():
    for protocol in PROTOCOLS:
        for clients in CLIENTS:
            at = turns.Setting(protocol=protocol, clients=clients, rounds=2)
            (order,) = [turns.simulate(at.but(turns="AB" * 40)).order]
            assert len(order.events) <= turns.MOST


def test_what_is_held_is_said_after_each_step():
    run = turns.simulate(turns=STALE)
    assert run.held == [
        ("empty", "v0"),
        ("empty", "v0"),
        ("empty", "v0"),
        ("empty", "B"),
        ("empty", "B"),
        ("v0", "B"),
    ]
    assert_columns(
        run,
        **{
            "step": range(6),
            "what was done": [
                "at first",
                "A: get miss",
                "A: read v0",
                "B: write B",
                "B: delete",
                "A: set v0",
            ],
            "cache": [cached for cached, _ in run.held],
            "database": [stored for _, stored in run.held],
        },
    )
    assert run.summary == {
        "steps": 5,
        "cache": "v0",
        "database": "B",
        "can go on": "nobody",
        "stale": "yes",
    }


def test_the_sentence():
    said = {letters: turns.simulate(turns=letters).reading for letters in ("", "A", "AAA", STALE)}
    assert said == {
        "": "Nothing has been done: the cache is empty and the database has v0.",
        "A": "After 1 step (A) the cache is empty and the database has v0. "
        "Either client can go on.",
        "AAA": "After 3 steps (AAA) the cache holds v0 and the database has v0. "
        "Only client B can go on.",
        STALE: "All is done after 5 steps (AABBA): the cache holds v0 and the database has B, and "
        "there is nobody left to change that.",
    }
    locked = turns.simulate(turns="ABBB", protocol="lock").reading
    assert locked == (
        "After 1 step (A) the cache is empty and the database has v0. Only client A can go on. "
        "3 turns could not be taken, and are left out."
    )
    refused = turns.simulate(turns=STALE, protocol="leases").reading
    assert refused == (
        "All is done after 5 steps (AABBA): the cache is empty and the database has B. The cache "
        "has refused a value that came too late."
    )
    assert turns.simulate(turns="AAAA").reading.endswith(
        "1 turn could not be taken, and is left out."
    )


def clicked(one) -> dict[str, str]:
    """What a click on each place of the picture means now, by what is written there."""
    return {box["label"]: box["value"] for box in one._view.clicks.boxes}


def test_a_click_takes_a_turn_and_another_takes_it_back():
    one = explore(turns, turns=spelled("AB", turns.MOST), protocol=choice())
    assert clicked(one) == {
        "client A's turn: get from the cache": "A",
        "client B's turn: write the database": "B",
        "nothing to take back": "",
    }
    one.set(turns="A")
    assert clicked(one) == {
        "client A's turn: read the database": "AA",
        "client B's turn: write the database": "AB",
        "take back the last step": "",
    }
    one.set(turns=STALE)
    assert clicked(one) == {
        "client A is done": STALE,
        "client B is done": STALE,
        "take back the last step": STALE[:-1],
    }
    one.set(turns="BA", protocol="lock")
    assert clicked(one) == {
        "client A waits for the lock": "B",
        "client B's turn: write the database": "BB",
        "take back the last step": "",
    }, "a turn that could not be taken is not taken back"


@pytest.mark.parametrize("letters", ["", "A", "AB", STALE, "BBAAA"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_picture(letters, protocol):
    run = turns.simulate(turns=letters, protocol=protocol)
    order, beside = drawn_by(turns, run)
    assert_legible(order, beside)
    said = drawn.written(beside)
    rows = said[said.index("start") :]
    expected = []
    for step, (cached, stored) in enumerate(run.held):
        expected += [f"{step} {run.order.letters[step - 1]}" if step else "start", cached, stored]
    assert rows == expected
    verdict = "the cache keeps v0, the database has B"
    assert (verdict in drawn.written(order)) == (letters == STALE and run.order.stale)


@pytest.mark.parametrize(("value", "error"), [(3, TypeError), ("ABC", ValueError)])
def test_other_letters_are_refused(value, error):
    with pytest.raises(error, match="turns must be letters A and B, got"):
        turns.simulate(turns=value)
