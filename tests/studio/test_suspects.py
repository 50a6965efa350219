"""The trial of a law: who is exposed, what a learner reads, and what is kept."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from helpers.explore import expose
from helpers.explore.journal import journal
from helpers.explore.work import _asked
from helpers.foundations.experiment import Parameters, integer, seed
from helpers.foundations.questions import Goal
from helpers.foundations.suspects import SEEDS, Suspect, sample, tried


class Setting(Parameters):
    """A number."""

    size: int = integer(1, "Size", at_least=0)
    seed: int = seed()


def liar(at, draw):
    return {"in": 3 * at.size, "out": at.size, "lost": 0, "row": [1, 2], "luck": draw("x").random()}


def honest(at, draw):
    return {**liar(at, draw), "lost": 2 * at.size}


SUSPECT = Suspect(liar, honest, (Setting(size=0), Setting(size=2)))
PAGE = SimpleNamespace(SUSPECT=SUSPECT, __name__="page")
QUESTIONS = SimpleNamespace(
    CHAPTER="99",
    PREDICTIONS={},
    QUIZZES={},
    GOALS={
        "leak": Goal(
            asked="a law.", reached=lambda verdict: verdict.exposed, boundary=lambda _: "it leaks."
        )
    },
)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SYSTEM_DESIGN_PROGRESS", str(tmp_path / "progress"))


def conserved(run):
    return run["in"] == run["out"] + run["lost"]


def test_a_law_exposes_who_breaks_it_while_the_honest_keep_it():
    verdict = tried(SUSPECT, conserved)
    assert verdict.exposed
    assert len(verdict.claimed) == len(verdict.honest) == 2 * len(SEEDS)
    assert verdict.claimed.count(False) == len(SEEDS)  # at size 0 there is nothing to lose
    assert "3 runs of 6 of the suspect break your law" in verdict.reading
    assert "size = 2 and seed 1" in verdict.reading


@pytest.mark.parametrize(
    ("law", "said"),
    [
        (lambda run: True, "obeyed in 6 runs of the suspect"),
        (lambda run: False, "refuses 6 of 6 runs of an honest model"),
        (lambda run: run["in"] == 0, "refuses 3 of 6 runs of an honest model"),
        (lambda run: run["nothing"] > 0, "fails with KeyError"),
        (lambda run: run["row"] > 0, "must return True or False"),
        (lambda run: None, "must return True or False"),
        (lambda run: 1, "must return True or False"),
    ],
)
def test_what_exposes_nobody_says_why(law, said):
    verdict = tried(SUSPECT, law)
    assert not verdict.exposed
    assert said in verdict.reading


def test_luck_exposes_nobody():
    verdict = tried(SUSPECT, lambda run: run["in"] == 0 or run["lost"] > 0 or run["luck"] > 0.5)
    assert 0 < verdict.claimed.count(False) < len(SEEDS)
    assert not verdict.exposed
    assert "that may be luck" in verdict.reading


def test_a_law_can_leave_no_traces_for_the_next():
    def greedy(run):
        run["lost"] = run["in"] - run["out"]
        return True

    tried(SUSPECT, greedy)
    assert tried(SUSPECT, conserved).exposed
    assert "read-only" in tried(SUSPECT, lambda run: bool(run["row"].sort())).reading


def test_numpy_truths_are_truths():
    assert tried(SUSPECT, lambda run: np.bool_(conserved(run))).exposed


def test_the_page_notices_and_keeps_it():
    shown = expose(PAGE, lambda run: True, find=(QUESTIONS, "leak"))
    assert "To find" in shown._search.widget.value
    assert journal().of("found") == []
    shown = expose(PAGE, conserved, find=(QUESTIONS, "leak"))
    assert "✓ Found:" in shown._search.widget.value
    assert "<b>The fault:</b> it leaks." in shown._search.widget.value
    assert [one["key"] for one in journal().of("found")] == ["99-leak"]
    again = expose(PAGE, lambda run: True, find=(QUESTIONS, "leak"))
    assert "✓ Found:" in again._search.widget.value
    assert shown.text() == tried(SUSPECT, conserved).reading


def test_what_is_asked_of_a_page_is_found_in_its_code():
    source = 'expose(leaky, law, find=(questions, "leak"))'
    assert list(_asked(source, "11")) == [("goal", "11-leak")]


def test_what_is_no_suspect_is_refused():
    with pytest.raises(TypeError, match="has no SUSPECT"):
        expose(SimpleNamespace(__name__="page"), conserved, find=(QUESTIONS, "leak"))
    with pytest.raises(TypeError, match="a law must be a function"):
        expose(PAGE, True, find=(QUESTIONS, "leak"))


def test_a_sample_is_short():
    assert sample(liar, Setting(size=2)) == {
        "in": 6,
        "out": 2,
        "lost": 0,
        "row": "2 values: 1, 2, ...",
        "luck": pytest.approx(sample(liar, Setting())["luck"]),
    }
