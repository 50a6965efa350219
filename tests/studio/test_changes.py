"""The search for what would have helped: it tries what it says, and finds what is there."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.blueprint.written import differences
from helpers.foundations.drawing import style
from helpers.foundations.prose import counted
from helpers.studio import changes
from helpers.studio.deck import brief, deck
from helpers.studio.edits import bad, single_changes, worst_trace
from helpers.studio.judge import judge, monthly_usd
from helpers.studio.references import naive, usual
from tests import drawn
from tests.checks import assert_legible, diamonds, drawn_by, frames_once, sampled
from tests.models import edited

MODEL = "helpers.studio.changes:what_helps"


def last(**setting):
    *_, run = changes.simulate(**setting)
    return run


def test_what_is_known_is_shown_before_all_has_been_tried():
    first, *frames, end = frames_once(changes.simulate(brief="rides"))
    traces = brief("rides").traces
    assert first.trace == traces[0]
    assert first.before <= frames[0].before
    assert first.tried == ()
    assert [len(frame.tried) for frame in frames[: len(traces)]] == [0] * len(traces)
    for number, frame in enumerate(frames[: len(traces)], start=1):
        assert frame.trace == worst_trace(brief("rides"), end.at.design, 1, traces[:number])
        assert frame.trace in traces[:number]
    assert frames[len(traces) - 1].trace == end.trace
    many = [len(frame.tried) for frame in frames[len(traces) :]]
    assert many == list(range(1, len(end.tried), changes._EVERY))
    for frame in (first, *frames):
        assert f"{counted(len(frame.tried), 'change')} tried so far" in frame.reading
        assert "No single change" not in frame.reading
        drawn_by(changes, frame)
    assert len(end.tried) == len(single_changes(end.at.the_brief, end.at.design))
    assert "so far" not in end.reading


@pytest.mark.parametrize("key", deck())
@pytest.mark.parametrize("build", [naive, usual])
def test_single_changes_are_designs_for_the_brief_and_differ(key, build):
    one, design = brief(key), build(brief(key))
    found = single_changes(one, design)
    assert len(found) >= 10
    assert len({words for words, _ in found}) == len(found)
    for words, changed in found:
        assert one.objections(changed) == [], words
        parts = {each.what.partition(":")[0] for each in differences(design, changed)}
        assert parts, words
        assert len({part for part in parts if ">>" not in part}) <= 3, words
    assert [words for words, _ in single_changes(one, design)] == [words for words, _ in found]


#: What the search finds for the usual designs: a change among the three cheapest, and whether the
#: design with it keeps all on every trace.
FOUND = {
    "shortener": ("cache beside the database, not before it", True),
    "rides": ("balancer: waits 0.5 s at most", True),
    "video": ("queue keeps its jobs on disk", True),
    "payments": ("room for 30 at each of app", False),
    "chat": ("one more replica of db", True),
    "sale": ("room for 30 at each of app", True),
}


@pytest.mark.parametrize("key", sampled(FOUND, 4))
def test_it_finds_what_would_have_helped(key):
    words, enough = FOUND[key]
    run = last(brief=key)
    (found,) = [one for one in run.cheapest if one.words == words]
    one = brief(key)
    card = judge(one, found.design, one.traces)
    assert card.passes == enough, card.misses
    assert found.left <= 0.9 * run.before


def test_what_is_said_of_a_change_is_what_a_run_says():
    run = last(brief="rides")
    one, design = run.at.the_brief, run.at.design
    assert run.trace == worst_trace(one, design, 1)
    assert run.before == judge(one, design, [run.trace]).bad
    for tried in run.tried[:6]:
        assert tried.left == judge(one, tried.design, [run.trace]).bad
        assert tried.extra_usd == pytest.approx(
            monthly_usd(one, tried.design) - monthly_usd(one, design)
        )
    assert [one.words for one in run.tried] == [words for words, _ in single_changes(one, design)]
    order = [(each.extra_usd, each.left) for each in run.helped]
    assert order == sorted(order)
    assert run.cheapest == run.helped[:3]


def test_more_machines_do_not_help_payments():
    run = last(brief="payments")
    useless = {one.words: one.left for one in run.tried if one.left > 0.95 * run.before}
    assert {"one more of app", "one more replica of db", "a cache beside the database"} <= set(
        useless
    )
    assert all(changes.theory(one.design) == changes.theory(run.at.design) for one in run.cheapest)


# --- the model and its edits ----------------------------------------------------------------------


@pytest.mark.parametrize("key", ["chat", "rides", "video", "payments"])
def test_the_model_finds_what_the_search_finds(key):
    run = last(brief=key)
    said = changes.what_helps(run.at)
    assert said["words"] == [one.words for one in run.cheapest]
    assert said["left"] == [one.left for one in run.cheapest]


def test_the_best_first():
    model = edited(
        MODEL,
        "kept.append((monthly_usd(parts, changed) - bill, left, words))",
        "kept.append((left, monthly_usd(parts, changed) - bill, words))",
        "for _, _, words in best", "for _, _, words in best",
        "[extra for extra, _, _ in best]", "[extra for _, extra, _ in best]",
        "[left for _, left, _ in best]", "[left for left, _, _ in best]",
    )  # fmt: skip
    assert model(changes.Setting(brief="chat"))["words"][0] == "one more replica of db"
    assert changes.what_helps(changes.Setting(brief="chat"))["words"][0] != "one more replica of db"


def test_not_satisfied_so_soon():
    model = edited(MODEL, "0.9 * before", "0.1 * before")
    assert model(changes.Setting(brief="chat"))["words"] == ["one more replica of db"]


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", [{"brief": "payments"}, {"brief": "video"},
                                     {"brief": "rides", "start": "the first idea"}])  # fmt: skip
def test_the_page(setting):
    run = last(**setting)
    steps = single_changes(run.at.the_brief, run.at.design)
    assert [(one.words, one.design) for one in run.tried] == steps
    assert f"Of {len(steps)} changes tried, {len(run.helped)} leave" in run.reading
    for one in run.cheapest:
        assert f"{one.words} (" in run.reading
        assert f"{one.left:,} left)" in run.reading
    left, right = drawn_by(changes, run)
    said = f"{run.at.brief}, “{run.trace.name}”: {run.before:,} go wrong"
    assert said in drawn.written(left)

    def percent(left: float) -> float:
        return 100 * left / run.before

    helps = [(one.extra_usd, percent(one.left)) for one in run.tried if one in run.helped]
    np.testing.assert_allclose(
        drawn.curve(left, color=style.BLUE), np.array(helps, float).reshape(-1, 2)
    )
    others = [(one.extra_usd, percent(one.left)) for one in run.tried if one not in run.helped]
    np.testing.assert_allclose(drawn.curve(left, color=style.GHOST), np.array(others, float))
    assert drawn.levels(left, color=style.INK) == [100]
    np.testing.assert_allclose(
        drawn.bars(right, facecolor=style.BLUE).ends, [percent(one.left) for one in run.cheapest]
    )
    for one in run.cheapest:
        assert one.words in [name.replace("\n", " ") for name in drawn.written(right)]
    rows = sorted(run.tried, key=lambda one: (one.left, one.extra_usd))
    assert run.columns["change"] == [one.words for one in rows]
    assert run.columns["go wrong"] == [one.left for one in rows]
    assert run.columns["capacity (requests/s)"] == [changes.theory(one.design) for one in rows]
    assert_legible(*drawn_by(changes, run))
    _, right = drawn_by(changes, run, mine={"left": [5, 7]})
    np.testing.assert_allclose(diamonds(right), [[percent(5), 1], [percent(7), 0]])


@pytest.mark.parametrize("start", changes.STARTS)
@pytest.mark.parametrize("key", deck())
@pytest.mark.thorough
def test_the_axes_hold_every_change(key, start):
    run = last(brief=key, start=start)
    for ax in drawn_by(changes, run):
        for color in (style.BLUE, style.GHOST):
            for line in drawn.lines(ax, color=color, marker="o"):
                assert all(ax.viewLim.contains(*point) for point in line.get_xydata())
        assert ax.get_xlim()[1] > max(drawn.bars(ax).ends if ax.patches else [0])


def test_a_design_that_has_no_bad_trace_is_drawn():
    run = changes.Changes(changes.Setting(), brief("payments").traces[0], 0, (), complete=True)
    left, _ = drawn_by(changes, run)
    assert drawn.levels(left, color=style.INK) == [0]


def test_a_request_that_goes_wrong_counts_once():
    rides = brief("rides")
    design = usual(rides)
    assert bad(rides, design, rides.unseen[0], 1) == judge(rides, design, rides.unseen[:1]).bad
