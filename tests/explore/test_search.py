"""A setting to be found is noticed when a learner moves there, kept, and its boundary told then."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from helpers.explore import explore, explorer, predict, slider
from helpers.explore.journal import journal
from helpers.foundations.questions import Goal, Prediction, Quiz
from tests.explore.samples import plot_wave, simulate_finer, simulate_wave

questions = SimpleNamespace(
    CHAPTER="99",
    PREDICTIONS={"edge": Prediction(question="Where?", answer=5.0)},
    QUIZZES={"shape": Quiz(question="Which?", options={"a": "", "b": ""}, answer="a")},
    GOALS={
        "storm": Goal(
            asked="a wave <higher> than 5.",
            reached=lambda run: run.height > 5,
            boundary=lambda run: f"5, and you are at {run.height:g}.",
        ),
        "both": Goal(
            asked="a calm and a storm.",
            reached={"calm": lambda run: run.height == 0, "storm": lambda run: run.height > 5},
            boundary=lambda run: "0 and 5.",
        ),
        "veiled": Goal(
            asked="a wave higher than 5.",
            reached=lambda run: run.height > 5,
            boundary=lambda run: "5.",
            before="edge",
        ),
    },
)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SYSTEM_DESIGN_PROGRESS", str(tmp_path / "progress"))


def sea(name, simulate=simulate_wave, value=2.0):
    return explore(simulate, plot_wave, height=slider(0.0, 8.0, value), find=(questions, name))


def said(explorer):
    return explorer._search.widget.value


def test_it_is_noticed_when_found_and_the_boundary_told_then():
    wave = sea("storm")
    assert said(wave) == "<p><b>To find:</b> a wave &lt;higher&gt; than 5.</p>"
    wave.set(height=5.0)
    assert "To find" in said(wave)
    assert journal().of("found") == []
    wave.set(height=5.2)
    assert "✓ Found:" in said(wave)
    assert "<b>The boundary:</b> 5, and you are at 5.2." in said(wave)
    assert [one["key"] for one in journal().of("found")] == ["99-storm"]


def test_what_was_found_stays_found_also_tomorrow():
    sea("storm").set(height=6.0).set(height=1.0)
    again = sea("storm")
    assert "✓ Found:" in said(again)
    again.set(height=7.0)
    assert len(journal().of("found")) == 1


def test_where_it_opens_nothing_is_found():
    assert "To find" in said(sea("storm", value=6.0))
    assert journal().entries == ()


def test_several_settings_are_all_to_be_found():
    wave = sea("both")
    wave.set(height=6.0)
    assert "<i>Found so far: storm.</i>" in said(wave)
    assert journal().of("found") == []
    other = sea("both")
    assert "Found so far: storm" in said(other)
    other.set(height=0.0)
    assert "✓ Found:" in said(other)
    assert len(journal().of("found")) == 1


def test_a_boundary_that_answers_a_prediction_waits_for_it():
    wave = sea("veiled")
    wave.set(height=6.0)
    assert "✓ Found:" in said(wave)
    assert "The boundary:" not in said(wave)
    asked = predict(questions, "edge")
    asked._guess.value = "4"
    asked._commit.click()
    assert "<b>The boundary:</b> 5." in said(wave)


def test_a_slider_that_is_moved_in_the_browser_finds_it_too(monkeypatch):
    monkeypatch.setattr(explorer, "_asked_by_front_end", lambda: True)
    monkeypatch.setattr(explorer, "_REST_S", 0.0)

    async def move():
        wave = sea("storm", simulate_finer)
        wave._widgets["height"].value = 6.0
        await wave._pending
        return wave

    wave = asyncio.run(move())
    assert wave.result.samples == 1_000
    assert "✓ Found:" in said(wave)


def test_the_search_stands_below_the_sentence_and_outside_of_the_text_face():
    wave = sea("storm")
    children = wave._root.children
    assert children.index(wave._search.widget) == len(children) - 2
    assert wave.text() == explore(simulate_wave, plot_wave, height=slider(0.0, 8.0, 2.0)).text()


def test_a_disk_that_cannot_be_written_hides_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SYSTEM_DESIGN_PROGRESS", str(tmp_path / "file"))
    wave = sea("storm")
    wave.set(height=6.0)
    assert "✓ Found:" in said(wave)


def test_an_unknown_goal_is_refused():
    with pytest.raises(ValueError, match="there is no goal 'tide'; there are 'storm'"):
        sea("tide")
