"""A history of one's own: both forms, what is said of it, and the picture."""

from __future__ import annotations

import pytest

from helpers.consistency import judge, register
from helpers.consistency.diagram import said
from helpers.foundations.drawing import style
from helpers.foundations.histories import JUDGES, from_json, to_edn, to_json
from tests import drawn
from tests.checks import assert_legible, drawn_by


def test_the_example_of_the_page():
    run = judge.simulate()
    assert [name for name, one in run.verdicts.items() if not one.holds] == ["linearizable"]
    assert run.smallest == run.history
    assert "Broken: linearizable." in run.reading
    assert "For linearizable, 4 operations suffice to show it." in run.reading
    (ax,) = drawn_by(judge, run)
    assert drawn.title(ax) == "Linearizable: broken"
    assert len(drawn.spans(ax, "x", color=style.VERMILION).low) == 4
    assert {said(one) for one in run.history} <= set(drawn.written(ax))
    assert list(drawn.ticks(ax, "y").values()) == ["ann", "bob", "cid", "dee"]
    assert_legible(ax)


def test_the_same_person_has_gone_back():
    run = judge.judge(judge.EXAMPLE.replace("dee", "cid"), "monotonic reads")
    broken = [name for name, one in run.verdicts.items() if one.holds is False]
    assert broken == ["linearizable", "monotonic reads"]
    assert len(run.smallest) == 4


@pytest.mark.parametrize("promise", JUDGES)
def test_every_promise_and_both_forms(promise):
    history = from_json(judge.EXAMPLE)
    for text in (to_json(history), to_edn(history)):
        run = judge.judge(text, promise)
        assert len(run.history) == 4
        kept = run.verdicts[promise].holds
        name = promise[0].upper() + promise[1:]
        (ax,) = drawn_by(judge, run)
        assert drawn.title(ax) == f"{name}: {'kept' if kept else 'broken'}"
        assert bool(run.smallest) == (kept is False)
        assert len(run.table()) == 4
        assert_legible(ax)


def test_a_history_of_the_course_itself():
    run = register.simulate(read_quorum=1, write_quorum=3, seed=4)
    judged = judge.judge(to_json(run.history))
    assert judged.verdicts["linearizable"].holds is False
    assert judged.smallest == run.smallest
    unknown = judge.simulate(text=to_json(run.history), budget=3)
    assert "Not known: linearizable" in unknown.reading
    assert unknown.verdicts["linearizable"].holds is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the history is empty"),
        ('{"kind": "read"}', "line 1: client is missing"),
        ("{:type :ok}", "line 1: process must be"),
    ],
)
def test_what_is_no_history_is_refused(text, says):
    with pytest.raises(ValueError, match=says):
        judge.judge(text)
    with pytest.raises(ValueError, match="promise"):
        judge.judge(judge.EXAMPLE, "strong")
