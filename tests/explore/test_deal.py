"""Cards are dealt one at a time: none says what it does before a guess, or the wish to see."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace

import pytest

from helpers.explore import deal, picture, predictions, view
from helpers.explore.predictions import is_open
from helpers.foundations.questions import Prediction
from tests.explore.samples import plot_wave, simulate_wave

waves = ModuleType("waves")
waves.simulate, waves.plot = simulate_wave, plot_wave  # type: ignore[attr-defined]

questions = SimpleNamespace(
    CHAPTER="98",
    PREDICTIONS={
        f"card-{n}": Prediction(question=f"Card {n}?", options=("high", "low"), answer=answer)
        for n, answer in ((1, "high"), (2, "low"), (3, "low"))
    },
    QUIZZES={},
)
CARDS = {"card-1": {"height": 8.0}, "card-2": {"height": 2.0}, "card-3": {"height": 1.0}}


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SYSTEM_DESIGN_PROGRESS", str(tmp_path / "progress"))


def hidden(part) -> bool:
    return part.layout.display == "none"


def face(cards):
    image, reading, buttons, _ = cards._face
    return image, reading, buttons


def guess(cards, option: str) -> None:
    cards._current._guess.value = option
    cards._current._commit.click()


def test_a_card_lies_face_down_until_there_is_a_guess() -> None:
    cards = deal(waves, questions, CARDS)
    assert all(map(hidden, face(cards)))
    assert hidden(cards._next)
    assert "Card 1 of 3." in cards._said.value
    guess(cards, "high")
    assert not any(map(hidden, face(cards)))
    assert "The wave is 8 &lt;high&gt;." in cards._face[1].value
    assert "You called 1 of 1 card so far." in cards._said.value
    assert not hidden(cards._next)


def test_the_next_card_is_dealt_on_demand_and_turned_with_its_own_run() -> None:
    cards = deal(waves, questions, CARDS)
    guess(cards, "high")
    cards._next.click()
    assert cards.dealt == 1
    assert all(map(hidden, face(cards)))
    assert "Card 2?" in cards._question.children[0].children[1].value
    cards._show.click()  # without a guess
    assert "The wave is 2 &lt;high&gt;." in cards._face[1].value
    assert "You called 1 of 1 card so far." in cards._said.value
    cards._next.click()
    guess(cards, "high")
    assert "You called 1 of 2 cards so far." in cards._said.value
    assert hidden(cards._next), "there is no further card"
    assert list(predictions()["key"]) == ["98-card-1", "98-card-3"]


def test_a_deck_goes_on_where_it_stopped() -> None:
    first = deal(waves, questions, CARDS)
    guess(first, "low")
    again = deal(waves, questions, CARDS)
    assert again.dealt == 1
    assert not is_open("98-card-2")
    for option in ("low", "low"):
        guess(again, option)
        again._next.click()
    done = deal(waves, questions, CARDS)
    assert done.dealt == 2
    assert not any(map(hidden, face(done)))
    assert "You called 2 of 3 cards so far." in done._said.value


def test_a_guess_at_another_copy_of_the_deck_turns_this_ones_card() -> None:
    cards, other = deal(waves, questions, CARDS), deal(waves, questions, CARDS)
    guess(other, "high")
    assert not any(map(hidden, face(cards)))


def test_the_text_shows_the_first_card_and_no_answer(monkeypatch) -> None:
    displayed = []
    monkeypatch.setattr(view, "display", lambda data, raw, metadata=None: displayed.append(data))
    deal(waves, questions, CARDS)._ipython_display_()
    text = displayed[0]["text/plain"]
    assert text == "Card 1 of 3, face down\nPredict. Card 1?\n  ( ) high\n  ( ) low"
    assert "image/png" not in displayed[0]


def test_what_is_no_deck_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one card"):
        deal(waves, questions, {})
    with pytest.raises(ValueError, match="card-9"):
        deal(waves, questions, {"card-9": {}})


def test_a_picture_waits_as_well() -> None:
    shown = picture(waves, simulate_wave(height=3.0), after=(questions, "card-2"))
    veil, image, reading = shown._root.children[1:4]
    assert not hidden(veil)
    assert hidden(image)
    assert hidden(reading)
    cards = deal(waves, questions, {"card-2": {"height": 2.0}})
    guess(cards, "low")
    assert hidden(veil)
    assert not hidden(image)
    assert not hidden(picture(waves, simulate_wave(height=3.0))._root.children[1])
