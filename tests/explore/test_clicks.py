"""Boxes of a picture that can be clicked do what the explorer's controls do."""

from __future__ import annotations

import pytest

from helpers.explore import choice, explore, picture, spelled, toggle
from helpers.explore.canvas import Canvas
from tests.explore.samples import plot_wave, simulate_wave
from tests.explore.switches import TIERS, plot_switches, plot_word, simulate_switches, simulate_word


def switches():
    return explore(
        simulate_switches,
        plot_switches,
        first=toggle(True),
        second=toggle(False),
        tier=choice(*TIERS),
    )


def clicks(one):
    return one._view.clicks


def click(one, control, value=None):
    clicks(one)._handle_custom_msg({"control": control, "value": value}, [])


def pressed(one):
    return {(box["control"], box["value"]): box["pressed"] for box in clicks(one).boxes}


def test_a_click_is_the_same_as_the_control():
    one = switches()
    click(one, "second")
    assert one.values == {"first": True, "second": True, "tier": "web"}
    assert one.result.second
    click(one, "second")
    assert one._widgets["second"].value is False
    click(one, "tier", "data")
    assert one.result.tier == one._widgets["tier"].value == "data"


def test_buttons_say_what_is_on_however_it_was_set():
    one = switches()
    assert pressed(one) == {
        ("first", None): True,
        ("second", None): False,
        ("tier", "web"): True,
        ("tier", "app"): False,
        ("tier", "data"): False,
    }
    one.set(tier="app", first=False)
    assert pressed(one)["tier", "app"]
    assert not pressed(one)["first", None]
    one.reset()
    assert pressed(one)["tier", "web"]


def test_what_is_no_control_here_cannot_be_clicked():
    one = explore(simulate_switches, plot_switches, first=toggle(True))
    assert {box["control"] for box in clicks(one).boxes} == {"first"}
    click(one, "tier", "data")
    click(one, "seed", 3)
    assert one.result.tier == "web"


def test_ghosts_are_not_clicked():
    one = switches().pin().set(first=False)
    assert len(clicks(one).boxes) == 5


def test_an_error_takes_the_buttons_away_until_there_is_a_picture_again():
    one = switches().set(tier="data", second=True)
    with pytest.raises(ValueError, match="second needs first"):
        one.set(first=False)
    assert clicks(one).layout.display == "none"
    one.set(first=True)
    assert clicks(one).layout.display == ""


def test_pictures_without_places_and_pictures_that_stand_still_have_no_buttons():
    assert explore(simulate_wave, plot_wave, height=2.0)._view.clicks is None
    assert picture(plot_switches, simulate_switches())._view.clicks is None


def test_nothing_is_to_be_seen_of_a_place_that_can_be_clicked(monkeypatch):
    run = simulate_switches()
    with_places = Canvas(plot_switches)
    with_places.draw([run])
    pictures = [with_places.moving_png(), with_places.settled_png()]
    monkeypatch.setattr("tests.explore.switches.clickable", lambda *_, **__: None)
    without = Canvas(plot_switches)
    without.draw([run])
    assert pictures == [without.moving_png(), without.settled_png()]


def test_what_a_click_means_may_change_with_the_picture():
    one = explore(simulate_word, plot_word, word=spelled("AB", 9))
    for letter in "ABB":
        (value,) = [box["value"] for box in clicks(one).boxes if box["name"] == letter]
        click(one, "word", value)
    assert one.result.word == one._widgets["word"].value == "ABB"
    assert [box["name"] for box in clicks(one).boxes] == ["A", "B", "back"]
    assert not any(box["pressed"] for box in clicks(one).boxes)
