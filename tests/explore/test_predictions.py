"""Predictions are stored where they are said to be, and nothing is ever lost."""

from __future__ import annotations

import json

import pytest

from helpers.explore import forget_predictions, predict, predictions, progress, quiz, view
from helpers.explore.predictions import predictions_path


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SYSTEM_DESIGN_PROGRESS", str(tmp_path / "progress"))


@pytest.fixture
def shown(monkeypatch):
    displayed = []
    monkeypatch.setattr(view, "display", lambda data, raw, metadata=None: displayed.append(data))
    return displayed


def knee(**changes):
    return predict("How long?", **{"key": "02-knee", "answer": 10.0, "unit": "ms", **changes})


@pytest.mark.parametrize(
    ("guess", "right"), [(10, True), ("11.9", True), (12.1, False), ("1,000", False)]
)
def test_a_number_counts_as_right_within_the_tolerance(guess, right):
    assert knee().commit(guess, 0.9).right is right


def test_a_committed_prediction_is_in_the_file_and_in_the_table():
    knee().commit("12.5", 0.9)
    stored = json.loads(predictions_path().read_text())
    assert [(p["key"], p["guess"], p["confidence"]) for p in stored] == [("02-knee", 12.5, 0.9)]
    assert predictions()["guess"].tolist() == [12.5]


def test_the_answer_is_worked_out_only_when_it_is_needed():
    asked = []
    question = knee(answer=lambda: asked.append(1) or 10.0)
    assert not asked
    question.commit(10)
    assert asked


def test_a_choice():
    question = predict("Which?", key="x", answer="b", options=("a", "b"))
    assert not question.commit("a").right
    assert question.commit("b").right
    with pytest.raises(ValueError, match=r"one of \['a', 'b'\]"):
        question.commit("c")


@pytest.mark.parametrize("guess", ["", "many", "nan", "inf"])
def test_what_is_not_a_number_is_refused_and_nothing_is_stored(guess):
    with pytest.raises(ValueError, match="number"):
        knee().commit(guess)
    assert not predictions_path().exists()


def test_clicking_commit_reveals_and_clicking_again_forgets():
    question = knee(why="Because.")
    question._guess.value = "11"
    question._commit.click()
    assert "Right (within 20%)" in question._feedback.value
    assert "Because." in question._feedback.value
    assert question._commit.disabled
    question._forget.click()
    assert predictions().empty
    assert not question._commit.disabled


def test_clicking_commit_on_nothing_says_so():
    question = knee()
    question._commit.click()
    assert 'role="alert"' in question._feedback.value


def test_the_cell_never_waits_and_its_text_does_not_depend_on_what_was_committed(shown):
    knee()._ipython_display_()
    knee().commit(3)
    again = knee()
    again._ipython_display_()
    assert shown[1]["text/plain"] == shown[-1]["text/plain"]
    assert "10" not in shown[-1]["text/plain"], "the text face must not give the answer away"
    assert "You said 3 ms" in again._feedback.value


def test_forgetting_one_and_all():
    knee().commit(3)
    knee(key="other").commit(4)
    forget_predictions("02-knee")
    assert predictions()["key"].tolist() == ["other"]
    forget_predictions()
    assert predictions().empty
    assert predictions_path().with_suffix(".json.old").exists()


def test_a_damaged_file_is_named_and_left_as_it_is(shown):
    path = predictions_path()
    path.parent.mkdir(parents=True)
    path.write_text("{ not json")
    with pytest.raises(ValueError, match=r"predictions\.json is not a predictions file"):
        knee().commit(3)
    question = knee()
    question._ipython_display_()
    assert 'role="alert"' in question._feedback.value
    assert path.read_text() == "{ not json"


def test_quiz_explains_every_option(shown):
    question = quiz("Which?", {"a": "no: too few", "b": "it halves"}, answer="b")
    question._ipython_display_()
    assert shown[-1]["text/plain"] == "Which?\n  ( ) a\n  ( ) b"
    question._choice.value = "a"
    assert "Not quite" in question._feedback.value
    assert "too few" in question._feedback.value
    question._choice.value = "b"
    assert "Right" in question._feedback.value
    with pytest.raises(ValueError, match="answer must be one of"):
        quiz("Which?", {"a": "", "b": ""}, answer="c")


def test_progress_hands_everything_on_and_ends_full(shown):
    assert list(progress(range(5), label="Counting")) == [0, 1, 2, 3, 4]
    assert list(progress(iter("ab"))) == ["a", "b"]
    assert shown[1]["text/plain"] == "Counting"
