"""Predictions are honest: the first guess stays, nothing is lost, and no picture tells before."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from types import SimpleNamespace
from unittest import mock

import pytest

from helpers.explore import (
    canvas,
    explore,
    explorer,
    forget_predictions,
    predict,
    predictions,
    progress,
    quiz,
    slider,
    view,
)
from helpers.explore.journal import journal, journal_path
from helpers.explore.predictions import is_open, show_answer
from helpers.foundations.questions import Prediction, Quiz
from tests.explore.samples import plot_wave, simulate_wave

questions = SimpleNamespace(
    CHAPTER="99",
    PREDICTIONS={
        "wave": Prediction(
            question="How high?", answer=lambda: 2.0, unit="m", tolerance=0.5, axis="y"
        )
    },
    QUIZZES={
        "shape": Quiz(
            question="Which?", options={"round": "no", "pointed": "yes"}, answer="pointed"
        )
    },
)


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
    ("guess", "right"), [(10, True), ("11.9", True), (12.1, False), ("0.01 s", True)]
)
def test_a_number_counts_as_right_within_the_tolerance(guess, right):
    assert knee().commit(guess, 0.9).right is right


def test_an_answer_is_the_number_that_the_page_says():
    asked = knee(answer=1046.0, unit="servers")
    asked._guess.value = "1,011.5"
    asked._commit.click()
    assert "You said 1,010 servers, 70 % sure." in asked._feedback.value
    assert "<b>1,046 servers</b>" in asked._feedback.value


def test_the_tolerance_is_said_before():
    assert "Within 20 % counts as right" in knee()._root.children[1].value


def test_a_committed_prediction_is_in_the_file_and_in_the_table():
    knee().commit("12.5", 0.9)
    (line,) = journal_path().read_text().splitlines()
    stored = json.loads(line)
    assert (stored["key"], stored["guess"], stored["confidence"]) == ("02-knee", 12.5, 0.9)
    assert predictions()["guess"].tolist() == [12.5]


def test_the_first_guess_is_kept_for_ever_and_later_tries_apart():
    assert not knee().commit(99, 0.9).right
    assert knee().commit(10, 0.5).right
    table = predictions()
    assert table["guess"].tolist() == [99]
    assert table["right"].tolist() == [False]
    assert table["later_tries"].tolist() == [1]


def test_what_was_shown_first_is_no_prediction():
    show_answer("02-knee")
    knee().commit(10)
    assert predictions().empty
    assert is_open("02-knee")


def test_two_notebooks_at_once_lose_nothing():
    script = "from helpers.explore import predict\nfor i in range(40):\n"
    script += "    predict('?', key=f'{PREFIX}-{i}', answer=1.0).commit(1)"
    runs = [
        subprocess.Popen([sys.executable, "-c", script.replace("{PREFIX}", who)]) for who in "ab"
    ]
    assert [run.wait(timeout=60) for run in runs] == [0, 0]
    assert len(predictions()) == 80
    assert journal().damaged == ()


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


@pytest.mark.parametrize("guess", ["", "many", "nan", "inf", "3 kg", "1,250"])
def test_what_is_not_understood_is_refused_and_nothing_is_stored(guess):
    with pytest.raises(ValueError, match=r"number|asked for|two ways"):
        knee().commit(guess)
    assert not journal_path().exists()


def test_enter_commits_and_a_second_try_leaves_the_first():
    question = knee(why="Because.")
    question._guess._handle_custom_msg({"text": "50", "enter": True}, [])
    assert "Not this time" in question._feedback.value
    assert "Because." in question._feedback.value
    assert question._commit.disabled
    question._again.click()
    assert not question._commit.disabled
    question._guess.value = "11"
    question._commit.click()
    assert "Right" in question._feedback.value
    assert "Your first guess, 50 ms, stays." in question._feedback.value


def test_who_types_fast_commits_all_of_it():
    """Every key is a message, and Enter is one after them: none is held back and overtaken."""
    question = knee()
    for typed, enter in (("1", False), ("10", False), ("10", True)):
        question._guess._handle_custom_msg({"text": typed, "enter": enter}, [])
    assert predictions().guess.tolist() == [10]
    question._guess._handle_custom_msg({"text": "99", "enter": True}, [])
    assert question._guess.value == "10", "what is committed is not typed over"


def test_a_refusal_goes_when_the_text_is_mended():
    question = knee()
    question._guess.value = "3 kg"
    question._commit.click()
    assert 'role="alert"' in question._feedback.value
    question._guess.value = "3"
    assert question._feedback.value == ""


def test_clicking_commit_on_nothing_says_so():
    question = knee()
    question._commit.click()
    assert 'role="alert"' in question._feedback.value


def test_a_disk_that_cannot_be_written_is_said_and_the_answer_shown(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SYSTEM_DESIGN_PROGRESS", str(tmp_path / "file"))
    question = knee()
    question._guess.value = "10"
    question._commit.click()
    assert "Right" in question._feedback.value
    assert "could not be kept" in question._feedback.value


def test_the_cell_never_waits_and_its_text_does_not_depend_on_what_was_committed(shown):
    knee()._ipython_display_()
    knee().commit(3)
    again = knee()
    again._ipython_display_()
    assert shown[0]["text/plain"] == shown[-1]["text/plain"]
    assert "10" not in shown[-1]["text/plain"], "the text face must not give the answer away"
    assert "You said 3 ms" in again._feedback.value


def test_forgetting_keeps_the_old_file():
    knee().commit(3)
    forget_predictions()
    assert predictions().empty
    assert journal_path().with_name("journal.jsonl.old").exists()


def test_what_an_earlier_version_kept_still_counts():
    path = journal_path().with_name("predictions.json")
    path.parent.mkdir(parents=True)
    old = {
        "key": "02-knee", "question": "?", "guess": 7.0, "answer": 10.0, "unit": "ms",
        "confidence": 0.8, "right": False, "committed_at": "2026-01-01T10:00:00+01:00",
    }  # fmt: skip
    path.write_text(json.dumps([old]))
    knee().commit(10)
    assert predictions()["guess"].tolist() == [7.0]
    assert predictions()["later_tries"].tolist() == [1]


def test_a_damaged_line_costs_itself_alone(shown):
    knee().commit(3)
    with journal_path().open("a") as file:
        file.write("{ not json")
    knee(key="other").commit(4)
    assert predictions()["key"].tolist() == ["02-knee", "other"]
    assert journal().damaged == (2,)
    question = knee()
    question._ipython_display_()
    assert 'role="alert"' in question._feedback.value
    assert "damaged in line 2" in question._feedback.value


def test_a_chapters_question_is_asked_by_name():
    asked = predict(questions, "wave")
    assert (asked.key, asked.unit, asked.tolerance) == ("99-wave", "m", 0.5)
    assert asked.commit("2.5").right
    with pytest.raises(ValueError, match="there is no prediction 'tide'; there are 'wave'"):
        predict(questions, "tide")
    with pytest.raises(TypeError, match="needs a key and an answer"):
        predict("How long?")


def test_a_chapters_quiz_is_kept(shown):
    question = quiz(questions, "shape")
    question._choice.value = "round"
    question._choice.value = "pointed"
    kept = journal().of("quiz", "99-shape")
    assert [(one["chosen"], one["right"]) for one in kept] == [("round", False), ("pointed", True)]


# --- explorers that would give an answer away ---------------------------------------------------


def veiled():
    return explore(
        simulate_wave, plot_wave, height=slider(0.0, 8.0, 2.0), after=(questions, "wave")
    )


def test_an_explorer_is_covered_until_the_guess_is_committed_and_marks_it():
    explorer = veiled()
    veil, content = explorer._root.children[1:]
    assert content.layout.display == "none"
    assert "How high?" in veil.children[0].value
    before = explorer.canvas.axes[0].get_lines()
    asked = predict(questions, "wave")
    asked._guess.value = "3"
    asked._commit.click()
    assert content.layout.display is None
    assert veil.layout.display == "none"
    labels = [line.get_label() for line in explorer.canvas.axes[0].get_lines()]
    assert labels.count("your guess") == 1
    assert len(labels) == len(before) + 1
    mark = explorer.canvas.axes[0].get_lines()[labels.index("your guess")]
    assert set(mark.get_ydata()) == {3.0}


def test_the_first_step_after_the_guess_finds_its_axes_drawn(monkeypatch):
    monkeypatch.setattr(explorer, "_asked_by_front_end", lambda: True)
    one, asked = veiled(), predict(questions, "wave")
    drawn = mock.patch.object(canvas._Layer, "draw", autospec=True, side_effect=canvas._Layer.draw)

    async def commit_and_move():
        with drawn as while_reading:
            asked._guess.value = "3"
            asked._commit.click()
            await one._ready
        with drawn as while_moving:
            one._widgets["height"].value = 3.0
            await one._pending
        return while_reading.called, while_moving.called

    assert asyncio.run(commit_and_move()) == (True, False)


def test_show_me_opens_and_is_remembered():
    explorer = veiled()
    veil, content = explorer._root.children[1:]
    veil.children[1].click()
    assert content.layout.display is None
    assert is_open("99-wave")
    assert veiled()._root.children[2].layout.display is None


def test_readers_without_a_kernel_are_not_held_up(shown):
    explorer = veiled()
    explorer._ipython_display_()
    assert "image/png" in shown[-1]
    assert "The wave is 2" in shown[-1]["text/plain"]


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
    assert shown[0]["text/plain"] == "Counting"
