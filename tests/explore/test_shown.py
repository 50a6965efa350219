"""Lines and tables that wait for a guess."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from helpers.explore import picture, predict, shown, view
from helpers.foundations.questions import Prediction
from tests.explore.samples import plot_wave, simulate_wave

questions = SimpleNamespace(
    CHAPTER="99", PREDICTIONS={"two": Prediction(question="How many?", answer=2.0)}, QUIZZES={}
)
TABLE = pd.DataFrame({"what": ["one", "two"], "cost": [1.0, 2345.678]}).set_index("what")


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SYSTEM_DESIGN_PROGRESS", str(tmp_path / "progress"))


@pytest.fixture
def displayed(monkeypatch):
    bundles = []
    monkeypatch.setattr(view, "display", lambda data, raw, metadata=None: bundles.append(data))
    return bundles


def test_lines_are_seen_at_once_where_nothing_is_asked(displayed):
    said = shown("first  <a>", "second")
    said._ipython_display_()
    assert displayed[0]["text/plain"] == said.text() == "first  <a>\nsecond"
    (_, body) = said._root.children
    assert body.value == "<pre>first  &lt;a&gt;\nsecond</pre>"
    assert body.layout.display != "none"


@pytest.mark.parametrize("what", ["a line", TABLE], ids=["line", "table"])
def test_what_waits_is_covered_until_a_guess(what):
    _, veil, body = shown(what, after=(questions, "two"))._root.children
    assert body.layout.display == "none"
    asked = predict(questions, "two")
    asked._guess.value = "3"
    asked._commit.click()
    assert body.layout.display != "none"
    assert veil.layout.display == "none"


def test_a_table_has_a_face_where_no_kernel_runs(displayed):
    shown(TABLE)._ipython_display_()
    assert "<table" in displayed[0]["text/html"]
    assert "2,350" in displayed[0]["text/html"]
    assert "2,350" in displayed[0]["text/plain"]


def test_a_number_that_there_is_not_is_left_out(displayed):
    shown(TABLE.assign(worth=[float("nan"), 3.0]))._ipython_display_()
    assert not any("nan" in face.lower() for face in displayed[0].values() if isinstance(face, str))


@pytest.mark.parametrize("what", [(), (3,), (TABLE, TABLE), ("line", TABLE)])
def test_other_things_are_refused(what):
    with pytest.raises(TypeError, match="lines of text, or one table"):
        shown(*what)


def test_a_picture_says_what_is_not_drawn_too():
    high, low = simulate_wave(height=2), simulate_wave(height=1)
    said = picture(plot_wave, high, also=[low])._view.text()
    assert said.index("The wave is 2") < said.index("The wave is 1")


def test_a_verdict_is_said_once():
    run = simulate_wave(height=2)
    object.__setattr__(run, "verdict", "theory 2 lies inside: agrees")
    assert view.sentences(run) == "The wave is 2 <high>. Verdict: theory 2 lies inside: agrees."
    object.__setattr__(run, "verdict", "No verdict: this machine was too busy.")
    assert view.sentences(run) == "The wave is 2 <high>. No verdict: this machine was too busy."
    object.__setattr__(run, "verdict", "The wave is 2")
    assert view.sentences(run) == run.reading
