"""Sliders, choices and toggles."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from helpers.explore import choice, slider, spelled, toggle
from helpers.explore.controls import label_of, rows, unit_of


@pytest.mark.parametrize(
    ("control", "name", "description"),
    [
        (slider(0.0, 2.0, 1.0), "service_s", "Service (s)"),
        (slider(1, 9, 4), "servers", "Servers"),
        (slider(10.0, 5_000.0, 1_000.0, log=True), "arrival_rps", "Arrival (requests/s)"),
        (slider(0.0, 1.0, 0.5, label="Hit ratio", unit="%"), "x", "Hit ratio (%)"),
        (choice("none", "jitter"), "fix", "Fix"),
        (toggle(True, label="Balancer up"), "up", "Balancer up"),
        (spelled("AB", 5, "ABBA"), "turns", "Turns"),
    ],
)
def test_every_widget_has_a_name_with_its_unit_and_the_default(control, name, description):
    widget = control.widget(name)
    assert widget.description == description
    assert control.read(widget.value) == control.default


def test_what_is_ticked_has_a_row_of_its_own_below_what_slides():
    tick, slide, menu = (
        control.widget(name)
        for name, control in {
            "spare": toggle(True),
            "rate": slider(1.0, 2.0, 1.0),
            "rule": choice("a", "b"),
        }.items()
    )
    above, below = rows([tick, slide, menu])
    assert (above.children, below.children) == ((slide, menu), (tick,))
    assert [list(one.children) for one in rows([slide])] == [[slide]]
    assert rows([]) == []


def test_names_carry_their_units():
    assert unit_of("recompute_s") == "s"
    assert unit_of("p99_ms") == "ms"
    assert unit_of("servers") == ""
    assert label_of("think_time_s") == "Think time"


@pytest.mark.parametrize(
    ("control", "some"),
    [
        (slider(10, 5_000, 400, log=True), {20, 50, 100, 200, 500, 1_000, 2_000, 3_000}),
        (slider(0.05, 2.0, 0.4, log=True), {0.1, 0.2, 0.3, 0.5, 1.0}),
        (slider(1, 9, 1, log=True), set(range(1, 10))),
        (slider(1_000, 1_000_000, 1_046, log=True), {2_000, 10_000, 500_000}),
        (slider(0.3, 7.7, 1.0, log=True, step=0.02), {0.4, 0.5, 3.0}),
        (slider(1.0, 1_000.0, 10.0, log=True, step=0.5), {3, 100, 300}),
    ],
)
def test_a_log_slider_stands_on_round_numbers_its_ends_and_its_default(control, some):
    widget = control.widget("x")
    places = [place for _, place in widget.options]
    assert {control.low, control.high, control.value} | some <= set(places)
    assert places == sorted(places) == control.places
    assert widget.value == control.value
    steps = [math.log10(after / before) for before, after in pairwise(places)]
    assert max(steps) < 2 * control.step or control.integer
    for words, place in widget.options:
        assert float(words.replace(",", "")) == control.read(place) == place, "it says what it is"


def test_a_log_slider_may_be_put_between_its_places():
    control = slider(10, 5_000, 400, log=True)
    widget = control.widget("x")
    control.put(widget, 1_234)
    assert (widget.value, widget.label) == (1_234, "1,234")
    control.put(widget, 400)
    assert widget.value == 400


@pytest.mark.parametrize("value", [0.01, 0.8, 0.55, 0.99])
def test_linear_slider_reaches_its_default_in_whole_steps(value):
    control = slider(0.01, 0.99, value)
    steps = (value - control.low) / control.step
    assert abs(steps - round(steps)) < 1e-6


def test_reading_removes_arithmetic_dust_and_keeps_the_ends():
    control = slider(0.1, 0.9, 0.3)
    assert control.read(0.1 + 0.2) == 0.3
    log = slider(0.3, 7.7, 1.0, log=True)
    assert log.read(0.29999999999) == 0.3
    assert log.read(7.70000000001) == 7.7


def test_integers_stay_integers():
    control = slider(1, 1_000, 10, log=True)
    assert control.read(9.999999) == 10
    assert isinstance(control.read(9.999999), int)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: slider(5, 1, 3), "high"),
        (lambda: slider(0, 10, 11), "value"),
        (lambda: slider(0, 10, 1, log=True), "low"),
        (lambda: slider(0.0, 1.0, 0.25, step=0.1), "steps of 0.1"),
        (lambda: slider(0, 10, "3"), "value"),
        (lambda: slider(0, float("nan"), 3), "high"),
        (lambda: choice("only"), "two options"),
        (lambda: choice("a", "b", value="c"), "'a', 'b'"),
        (lambda: toggle("yes"), "True or False"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(make, words):
    with pytest.raises((TypeError, ValueError), match=words):
        make()


def test_a_choice_may_show_other_words_than_it_passes_on():
    control = choice({"One big server": 1, "Two small ones": 2}, value=2)
    assert control.default == 2
    assert control.describe("servers", 2) == "Servers = Two small ones"


@pytest.mark.parametrize(
    ("control", "old", "new", "further"),
    [
        (slider(0.0, 1.0, 0.5, step=0.1), 0.5, 0.6, 0.7),
        (slider(0.0, 1.0, 0.5, step=0.1), 0.6, 0.5, 0.4),
        (slider(0.0, 1.0, 0.5, step=0.1), 0.9, 1.0, 0.9),  # at its end there is the way back
        (slider(0.0, 1.0, 0.3, step=0.3), 0.6, 0.9, 1.0),  # the last step is a shorter one
        (slider(0.0, 1.0, 0.3, step=0.3), 0.9, 1.0, 0.9),
        (slider(0.0, 1.0, 0.5, step=0.1), 0.3, 0.5, None),  # two steps: somebody drags
        (slider(0.0, 1.0, 0.5, step=0.1), 0.5, 0.5, None),
        (slider(1, 9, 4), 4, 5, 6),
        (slider(1, 9, 4), 2, 1, 2),
        (slider(1.0, 1_000.0, 10.0, log=True, step=0.5), 10.0, 30.0, 100.0),
        (slider(1.0, 1_000.0, 10.0, log=True, step=0.5), 300.0, 1_000.0, 300.0),
        (slider(1.0, 1_000.0, 10.0, log=True, step=0.5), 10.0, 100.0, None),
        (choice("a", "b", "c"), "a", "b", "c"),
        (choice("a", "b", "c"), "b", "a", "b"),
        (choice("a", "b", "c"), "a", "c", None),
        (toggle(), False, True, False),
    ],
)
def test_the_value_after_a_step_is_foreseen(control, old, new, further):
    foreseen = control.beyond(old, new)
    assert (None if foreseen is None else control.read(foreseen)) == further


def test_a_word_is_read_as_it_is_meant():
    word = spelled("AB", 5)
    assert word.read("a b, bx") == "ABB"
    assert word.read("ABABABAB") == "ABABA"
    assert word.ends == ("", "AAAAA", "BBBBB", "ABABA")
    assert [word.check("turns", end) for end in word.ends] == list(word.ends)
    assert (word.describe("turns", ""), word.describe("turns", "AB")) == (
        "Turns = none",
        "Turns = AB",
    )
    assert word.beyond("A", "AB") is None


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda: spelled("", 3), ValueError),
        (lambda: spelled("ab", 3), ValueError),
        (lambda: spelled("AB", 0), ValueError),
        (lambda: spelled("AB", 2, "ABA"), ValueError),
        (lambda: spelled("AB", 3, "AC"), ValueError),
        (lambda: spelled("AB", 3).check("turns", 1), TypeError),
    ],
)
def test_a_word_of_other_letters_is_refused(act, error):
    with pytest.raises(error):
        act()
