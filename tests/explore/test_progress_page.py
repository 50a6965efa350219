"""The progress page says what the journal holds, and asks what is due, by a clock that is given."""

from __future__ import annotations

import datetime
import json
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from helpers.explore import explore, predict, progress_page, quiz, slider
from helpers.explore.calibration import ScoreResult, plot_score, score_predictions
from helpers.explore.journal import Journal, journal, journal_path, record
from helpers.explore.opened import is_changed
from helpers.explore.predictions import predictions, show_answer
from helpers.explore.review import DAYS, comes_back, find, schedule
from helpers.explore.standing import ProgressPage, done_in
from helpers.explore.work import Chapter, Lab, chapters, labs, questions_of_chapters
from helpers.foundations.questions import Prediction, Quiz
from helpers.scaling import knee
from tests.drawn import text_faults, written

MONDAY = datetime.date(2026, 6, 1)

questions = SimpleNamespace(
    CHAPTER="02",
    PREDICTIONS={
        "wave": Prediction(question="How high?", answer=2.0, unit="m"),
        "tide": Prediction(question="How late?", answer=6.0, unit="h"),
    },
    QUIZZES={
        "shape": Quiz(question="Which?", options={"round": "no", "flat": "yes"}, answer="flat")
    },
)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SYSTEM_DESIGN_PROGRESS", str(tmp_path / "progress"))


@pytest.fixture
def work(tmp_path):
    lab = Lab(
        tmp_path / "labs/lab02_waves/lab02_waves.ipynb",
        {"lab02_waves/check_one": 2.0, "lab02_waves/check_two": 3.0},
        {},
    )
    first = Chapter("00", "Start", tmp_path / "00_start.ipynb", ("00-first",), (), (), (), None)
    waves = Chapter(
        "02", "Waves & tides", tmp_path / "02_waves.ipynb", ("02-wave", "02-tide"), ("02-shape",),
        ("helpers.scaling.knee:one_queue",), ("02-storm",), lab,
    )  # fmt: skip
    return [first, waves]


def page(work, today=MONDAY):
    return ProgressPage(work, journal(), today, lambda: [questions])


def day(number):
    return MONDAY + datetime.timedelta(days=number)


# --- when a question comes back -------------------------------------------------------------------


def test_distances_widen_while_answers_are_right():
    answers, back = [(MONDAY, True)], []
    for _ in range(5):
        back.append((comes_back(answers) - answers[-1][0]).days)
        answers.append((comes_back(answers), True))
    assert back == [1, 3, 7, 21, 21]
    assert DAYS == (1, 3, 7, 21)


def test_a_wrong_answer_begins_again():
    answers = [(day(0), True), (day(1), True), (day(4), False)]
    assert comes_back(answers) == day(5)
    assert comes_back([*answers, (day(5), True)]) == day(6)
    assert comes_back([*answers, (day(5), True), (day(6), True)]) == day(9)


def test_practice_before_the_day_changes_nothing():
    answers = [(day(0), False), (day(0), True), (day(0), True)]
    assert comes_back(answers) == day(1)
    assert comes_back([(day(0), True), (day(1), True), (day(2), False)]) == day(4)


def test_who_comes_late_is_asked_from_that_day_on():
    assert comes_back([(day(0), True), (day(30), True)]) == day(33)


def test_old_and_new_entries_make_one_schedule():
    path = journal_path().with_name("predictions.json")
    path.parent.mkdir(parents=True)
    old = {
        "key": "02-wave", "question": "?", "guess": 7.0, "answer": 2.0, "unit": "m",
        "confidence": 0.8, "right": False, "committed_at": "2026-06-01T10:00:00+02:00",
    }  # fmt: skip
    path.write_text(json.dumps([old]))
    line = {"kind": "quiz", "key": "02-shape", "at": "2026-06-03T09:00:00+02:00", "right": True}
    torn = {**line, "key": "02-gone", "at": "yesterday"}
    journal_path().write_text(json.dumps(line) + "\n" + json.dumps(torn) + "\n")
    assert [(due.key, due.day) for due in schedule(journal())] == [
        ("02-wave", day(1)), ("02-shape", day(3))
    ]  # fmt: skip


# --- what is due is asked in place ----------------------------------------------------------------


def entry(kind, key, on, **what):
    return {"kind": kind, "key": key, "at": f"{on.isoformat()}T12:00:00+00:00", **what}


def guess(key, on, right, confidence=0.7):
    return entry("prediction", key, on, right=right, confidence=confidence)


def test_what_is_due_today_is_asked_and_what_is_due_tomorrow_is_not(work):
    kept = Journal((guess("02-wave", day(-1), True), guess("02-tide", day(0), True)), ())
    shown = ProgressPage(work, kept, MONDAY, lambda: [questions])
    assert [due.key for due in shown.due] == ["02-wave"]
    assert "<b>1 question</b> that you answered before is due" in shown.html()
    later = ProgressPage(work, kept, day(-1), lambda: [questions])
    assert later.due == []
    assert later.review is None
    assert "Nothing is due for review today. Next: 1 question on Monday, 1 June." in later.html()


def test_a_question_that_the_chapter_dropped_is_not_asked(work):
    kept = Journal((guess("02-gone", day(-9), True), guess("00-first", day(-9), True)), ())
    shown = ProgressPage(work, kept, MONDAY, lambda: [questions])
    assert shown.due == shown.later == []
    assert shown.review is None
    assert all(find(due, [questions]) is None for due in schedule(kept))


def test_reviewing_keeps_the_answer_and_leaves_the_first_guess(work):
    predict(questions, "wave").commit(9)
    quiz(questions, "shape")._choice.value = "round"
    tomorrow = datetime.datetime.now().astimezone().date() + datetime.timedelta(days=1)
    review = page(work, tomorrow).review
    titles = []
    for answer in ("flat", "2"):
        titles.append(review._title.value)
        (asked,) = review._place.children
        assert "First guess" not in str(asked)
        parts = [child for child in asked.children if hasattr(child, "value")]
        box = next(part for part in parts if part.value in (None, ""))
        box.value = answer
        for row in asked.children:
            for part in getattr(row, "children", ()):
                if getattr(part, "description", "") == "Commit":
                    part.click()
        review._next.click()
    assert "question 1 of 2, from chapter 02" in titles[0]
    assert "That was all for today." in review._title.value
    assert review._place.children == ()
    kept = journal()
    assert [one["right"] for one in kept.of("prediction", "02-wave")] == [False, True]
    assert [one["right"] for one in kept.of("quiz", "02-shape")] == [False, True]
    assert predictions()["guess"].tolist() == [9]


def test_every_question_of_the_course_can_be_asked_again():
    known = questions_of_chapters()
    assert {"02", "05", "08", "09"} <= {one.CHAPTER for one in known}
    for one in known:
        keys = [f"{one.CHAPTER}-{name}" for name in one.PREDICTIONS]
        kept = Journal(tuple(guess(key, MONDAY, True) for key in keys), ())
        assert all(find(due, known).widget().children for due in schedule(kept))


# --- what was done --------------------------------------------------------------------------------


def test_a_chapter_is_counted_from_the_journal_alone(work):
    predict(questions, "wave").commit(9)
    predict(questions, "wave").commit(2)
    show_answer("02-tide")
    quiz(questions, "shape")._choice.value = "flat"
    record("model", "helpers.scaling.knee:one_queue", changed=False)
    record("found", "02-storm")
    for passed in (False, True):
        record("check", "lab02_waves/check_one", passed=passed)
    record("check", "lab02_waves/check_two", passed=True)
    record("check", "lab02_waves/check_two", passed=False)
    done = done_in(work[1], journal())
    assert (done.committed, done.right, done.seen) == (1, 0, 1)
    assert (done.answered, done.right_at_once) == (1, 1)
    assert (done.run, done.changed, done.found) == (1, 0, 1)
    assert done.points == 2
    text = page(work).html()
    assert "1 of 2 + 1 looked up" in text
    assert "1 of 1, 1 right" in text
    assert "2 of 5 points" in text
    assert 'href="../labs/lab02_waves/lab02_waves.ipynb"' in text
    assert "Waves &amp; tides" in text


def test_what_the_chapter_asks_no_more_is_not_counted(work):
    kept = Journal(
        (
            guess("02-wave", MONDAY, True),
            guess("02-gone", MONDAY, True),
            entry("shown", "02-gone too", MONDAY),
            entry("quiz", "02-gone", MONDAY, right=True),
            entry("found", "02-gone", MONDAY),
        ),
        (),
    )
    done = done_in(work[1], kept)
    assert (done.committed, done.right, done.seen) == (1, 1, 0)
    assert (done.answered, done.found) == (0, 0)
    assert done.left == "1 prediction, 1 quiz question and 1 setting"


def test_the_first_answer_to_a_quiz_counts(work):
    asked = quiz(questions, "shape")
    asked._choice.value = "round"
    asked._choice.value = "flat"
    done = done_in(work[1], journal())
    assert (done.answered, done.right_at_once) == (1, 0)


def test_a_guess_after_looking_is_no_prediction(work):
    show_answer("02-wave")
    predict(questions, "wave").commit(2)
    done = done_in(work[1], journal())
    assert (done.committed, done.right, done.seen) == (0, 0, 1)


def test_before_anything_is_done_the_page_invites(work):
    shown = page(work)
    assert shown.is_empty
    assert "Commit to the prediction at the top of this page" in shown.html()
    assert '<a href="02_waves.ipynb">02 Waves &amp; tides</a>' in shown.html()
    assert "<table>" not in shown.html()


def test_it_says_where_to_go_on(work):
    predict(questions, "wave").commit(9)
    assert '<b>Go on with <a href="02_waves.ipynb">' in page(work).html()
    assert "1 prediction, 1 quiz question and 1 setting to go." in page(work).html()
    show_answer("02-tide")
    quiz(questions, "shape")._choice.value = "flat"
    record("found", "02-storm")
    assert "<b>Begin <a" in page(work).next
    assert "lab 02</a></b>, 0 of 5 points" in page(work).next
    record("check", "lab02_waves/check_one", passed=True)
    assert page(work).next.startswith("<b>Go on with")
    record("check", "lab02_waves/check_two", passed=True)
    assert (
        page(work).next == '<b>Begin <a href="00_start.ipynb">00 Start</a></b>: 1 prediction to go.'
    )
    predict("?", key="00-first", answer=1.0).commit(1)
    assert page(work).next == ""
    assert "You have been through everything" in page(work).html()


def test_a_damaged_journal_is_said(work):
    record("found", "02-storm")
    with journal_path().open("a") as file:
        file.write("{ not json\n")
    assert "is damaged in line 2" in page(work).html()


def test_the_page_is_shown_with_its_calibration_and_its_review(monkeypatch):
    from helpers.explore import view

    displayed = []

    def keep(data, raw, metadata=None):
        displayed.append(data)

    monkeypatch.setattr(view, "display", keep)
    monkeypatch.setattr("helpers.explore.standing.display", keep)
    progress_page(MONDAY)._ipython_display_()
    assert len(displayed) == 1
    assert "Nothing is kept yet" in displayed[0]["text/html"]
    first = next(one for one in questions_of_chapters() if one.CHAPTER == "02")
    predict(first, "knee-p99").commit(460, 0.9)
    displayed.clear()
    progress_page(datetime.date(2100, 1, 1))._ipython_display_()
    assert ["text/html" in displayed[0], len(displayed)] == [True, 3]
    assert "1 prediction, Brier score 0.01" in displayed[1]["text/plain"]
    assert displayed[2]["text/plain"] == "Review: 1 question today."


# --- the map of the course ------------------------------------------------------------------------


def test_the_course_is_read_from_its_notebooks():
    found = {one.number: one for one in chapters()}
    assert list(found) == sorted(found)
    assert "02-knee-p99" in found["02"].predictions
    assert "helpers.scaling.knee:one_queue" in found["02"].models
    assert found["00"].predictions == ("00-first",)
    assert not any(one.title[:1].isdigit() for one in found.values())
    for one in questions_of_chapters():
        page = found[one.CHAPTER]
        names = [f"{one.CHAPTER}-{name}" for name in one.PREDICTIONS]
        assert sorted(page.predictions) == sorted(names), (
            "a question that no cell asks, or none has"
        )
        assert sorted(page.quizzes) == sorted(f"{one.CHAPTER}-{name}" for name in one.QUIZZES)


def test_half_written_calls_of_a_learner_ask_nothing(tmp_path):
    (tmp_path / "notebooks").mkdir()
    calls = ("deal()", "predict()", "quiz(questions)", "explore(find=())", "explore(knee", "1 +")
    cells = [{"cell_type": "code", "source": call} for call in calls]
    cells.append({"cell_type": "code", "source": 'predict(questions, "wave")'})
    path = tmp_path / "notebooks" / "02_waves.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    (found,) = chapters(tmp_path)
    assert found.predictions == ("02-wave",)
    assert (found.quizzes, found.models, found.goals) == ((), (), ())


def test_points_are_those_of_the_labs():
    by_name = {lab.path.stem[:5]: lab for lab in labs()}
    assert by_name["lab02"].total == 21
    assert all("assert" in source for lab in labs() for source in lab.sources.values())
    assert all("HIDDEN" not in source for lab in labs() for source in lab.sources.values())


# --- models ---------------------------------------------------------------------------------------


def in_a_page(changes=None):
    """Run the cell of a model as a page does, with some of its words replaced."""
    from helpers.authoring.models import model_source

    source = model_source("helpers.scaling.knee:one_queue")
    for old, new in (changes or {}).items():
        assert old in source
        source = source.replace(old, new)
    main = ModuleType("__main__")
    exec(source, vars(main))
    return main.one_queue


def test_a_model_is_kept_as_run_and_as_changed_once_each():
    for model in (
        in_a_page(),
        in_a_page({"1000 * np.mean": "2000 * np.mean"}),
        in_a_page(),
    ):
        explore(knee, model=model, runs=1, utilisation=slider(0.05, 0.95, 0.5))
    kept = journal().of("model")
    assert [(one["key"], one["changed"]) for one in kept] == [
        ("helpers.scaling.knee:one_queue", False), ("helpers.scaling.knee:one_queue", True)
    ]  # fmt: skip


def test_a_model_of_ones_own_is_not_the_pages():
    def my_queue(at, draw):
        return {"mean_ms": 1.0, "p99_ms": 2.0}

    explore(knee, model=my_queue, runs=1, utilisation=slider(0.05, 0.95, 0.5))
    assert journal().of("model") == []


def test_no_model_of_the_course_counts_as_changed_as_it_is_given():
    import importlib

    from helpers.authoring.check import read
    from helpers.authoring.course import notebooks
    from helpers.authoring.models import model_source

    seen = 0
    for path in notebooks():
        main = ModuleType("__main__")
        above: list[str] = []
        homes = {}
        for cell in read(path).cells:
            if reference := cell.metadata.get("model"):
                exec(model_source(reference, above), vars(main))
                above.append(reference)
                module, _, names = reference.partition(":")
                homes.update({name.strip(): module for name in names.split(",")})
        for name, module in homes.items():
            if not isinstance(getattr(main, name), type):
                seen += 1
                home = importlib.import_module(module)
                assert not is_changed(getattr(main, name), home), f"{module}:{name}"
    assert seen > 10


# --- calibration ----------------------------------------------------------------------------------


def test_calibration_counts_first_guesses():
    predict("?", key="02-a", answer=1.0).commit(1, 0.9)
    predict("?", key="02-b", answer=1.0).commit(5, 0.9)
    predict("?", key="02-b", answer=1.0).commit(1, 0.99)
    result = score_predictions(predictions())
    assert result.groups.tolist() == [[0.9, 0.5, 2.0]]
    assert result.summary["brier"] == pytest.approx((0.1**2 + 0.9**2) / 2)
    assert "2 predictions, Brier score 0.41" in result.reading


@pytest.mark.parametrize(
    ("stated", "right"),
    [([], []), ([0.5], [1]), ([0.99], [0]), ([0.5, 0.7, 0.8, 0.9, 0.99] * 3, [1, 0, 1] * 5)],
)
def test_the_picture_holds_at_its_corners(stated, right):
    from helpers.explore.canvas import Canvas
    from helpers.explore.view import Plot

    result = ScoreResult(np.array(stated, dtype=float), np.array(right, dtype=float))
    canvas = Canvas(Plot(plot_score))
    canvas.draw((result,), ())
    assert text_faults(canvas.figure) == []
    ax, scores = canvas.axes
    marks = [line for line in scores.get_lines() if line.get_marker() == "o"]
    if not stated:
        assert marks == []
        assert "no predictions yet" in written(ax)
        return
    (mark,) = marks
    low, high = scores.get_xlim()
    assert low <= mark.get_xdata()[0] <= high
    assert mark.get_xdata()[0] == pytest.approx(result.summary["brier"])
    you = next(line for line in ax.get_lines() if line.get_marker() == "o")
    assert you.get_ydata().tolist() == (100 * result.groups[:, 1]).tolist()


def test_a_table_without_its_columns_is_refused():
    with pytest.raises(ValueError, match="must have a column 'confidence'"):
        score_predictions(predictions()[["right"]])
