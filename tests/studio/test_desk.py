"""The desk: the bound, the edits, the page, and the requests that can be watched."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import blueprint
from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.studio import desk
from helpers.studio.deck import deck
from helpers.studio.judge import judge
from helpers.studio.references import usual
from helpers.studio.watched import PLAYED_S
from tests import drawn
from tests.checks import assert_legible, diamonds, drawn_by
from tests.models import edited

MODEL = "helpers.studio.desk:wired"
SALE = {"brief": "sale", "trace": desk.TRACES[2], "servers": 5, "cache": "beside", "replicas": 1,
        "retries": 1}  # fmt: skip
PAYMENTS = {"brief": "payments", "trace": desk.TRACES[2], "servers": 3, "replicas": 1}
STORM = {**PAYMENTS, "patience": "0.5 s", "retries": 3}


def run_of(at=None, **setting):
    *_, run = desk.simulate(at, **setting)
    return run


@pytest.mark.parametrize("key", deck())
@pytest.mark.parametrize("cache", desk.CACHES)
def test_whatever_is_wired_is_a_design_for_its_brief(key, cache):
    for workers in (0, 3):
        at = desk.Setting(brief=key, cache=cache, workers=workers)
        assert at.the_brief.objections(desk.wired(at)["design"]) == []


def test_it_wires_what_the_controls_say():
    at = desk.Setting(brief="video", workers=3, room="8", patience="2 s", retries=2, replicas=1)
    design = desk.wired(at)["design"]
    assert design["workers"].count == 3
    assert design["app"].queue_capacity == 8
    assert (design["balancer"].timeout_s, design["balancer"].retries) == (2.0, 2)
    assert str(design).startswith("yours: clients >> balancer >> app >> db")


@pytest.mark.parametrize("trace", desk.TRACES)
def test_it_is_judged_on_one_trace(trace):
    at = desk.Setting(brief="feed", trace=trace, servers=3)
    run = run_of(at)
    assert run.ran.trace == at.the_brief.traces[desk.TRACES.index(trace)]


def test_nobody_answers_more_than_the_bound():
    for setting in (SALE, {"brief": "shortener", "servers": 2}, PAYMENTS):
        run = run_of(**setting)
        bound = desk.theory(run.at)
        assert bound == blueprint.bounds(run.card.design).capacity_rps
        done = run.ran.run.done_s[run.ran.run.outcome == 0]
        per_second = np.histogram(done, np.arange(2.0, 20.5, 6.0))[0] / 6.0
        assert (per_second <= 1.05 * bound).all()  # work begun before a stretch may end in it


@pytest.mark.parametrize("setting", [STORM, {"brief": "video", "trace": desk.TRACES[2]}])
def test_what_is_shown_on_the_way_is_the_beginning_of_the_run(setting):
    desk._known.cache_clear()
    frames = list(desk.simulate(**setting))
    assert [frame.ran.until_s for frame in frames] == [5, 10, 20]
    last = frames[-1]
    whole = judge(last.at.the_brief, last.card.design, [last.at.the_trace])
    assert last.card.rows == whole.rows
    for frame in frames[:-1]:
        run, until_s = frame.ran.run, frame.ran.until_s
        np.testing.assert_array_equal(run.sent_s, last.ran.run.sent_s[: run.sent])
        over = last.ran.run.done_s[: run.sent] < until_s
        np.testing.assert_array_equal(run.done_s[over], last.ran.run.done_s[: run.sent][over])
        assert f", its first {until_s:g} s: of {run.sent:,} requests" in frame.reading
        assert "On this trace" not in frame.reading
        left, _ = drawn_by(desk, frame)
        assert drawn.curve(left, **style.SIMULATION)[-1, 0] < until_s
    (again,) = desk.simulate(**setting)  # what was run before stands there at once
    assert again.card is last.card


def test_on_the_way_nobody_is_told_of_a_loss_that_is_still_to_come():
    """Whoever loses a disk in the end has lost nothing in the frames before that."""
    desk._known.cache_clear()
    chat = next(
        {"brief": key, "trace": desk.TRACES[number]}
        for key, one in deck().items()
        for number, trace in enumerate(one.traces)
        if trace.fatal_s is not None
    )
    for frame in desk.simulate(**chat):
        dead = frame.ran.trace.fatal_s < frame.ran.until_s
        assert (frame.ran.lost > 0) == dead


# --- the edits ------------------------------------------------------------------------------------


def judged(model, **setting):
    at = desk.Setting(**setting)
    return judge(at.the_brief, model(at)["design"], [at.the_trace])


def test_a_short_line_at_noon():
    line = "queue_capacity=ROOM[at.room]"
    before, after = (
        judged(desk.wired, **SALE),
        judged(edited(MODEL, line, "queue_capacity=30"), **SALE),
    )
    assert before.of_allowed["99 of 100"] > 1 > after.of_allowed["99 of 100"]
    assert 0 < after.of_allowed["not answered"] <= 1
    assert after.passes


def test_one_server_more_costs_too_much_and_does_not_help_enough():
    after = judged(edited(MODEL, "count=at.servers", "count=at.servers + 1"), **SALE)
    assert after.of_allowed["US$"] > 1
    assert after.of_allowed["99 of 100"] > 1


def test_less_does_not_do():
    after = judged(
        edited(MODEL, "count=at.servers", "count=2", "queue_capacity=ROOM[at.room]",
               "queue_capacity=30"), **SALE
    )  # fmt: skip
    assert after.of_allowed["not answered"] > 1
    assert after.of_allowed["US$"] < 1


def test_the_storm_that_careful_settings_make():
    """What the page says of payments: 64 calls for one request, and no answer when it is over."""
    careful = run_of(**STORM)
    careless = run_of(**PAYMENTS)
    assert careful.ran.answered < 0.25
    assert careless.ran.answered == 1
    short = run_of(**STORM, room="8")
    assert short.ran.answered > 0.8
    sixty_four = usual(careful.at.the_brief)
    assert sixty_four.clients.retries == sixty_four["app"].retries == 3
    assert (1 + 3) ** 3 == 64


# --- the page -------------------------------------------------------------------------------------

CORNERS = [{}, {"workers": 3}, SALE, PAYMENTS, STORM,
           {"brief": "video", "trace": desk.TRACES[2], "workers": 5, "servers": 2},
           {"brief": "chat", "trace": desk.TRACES[2]},
           {"brief": "metrics", "trace": desk.TRACES[2], "workers": 4},
           {"brief": "shortener", "trace": desk.TRACES[3], "cache": "in the path",
            "servers": 4, "replicas": 1}]  # fmt: skip


@pytest.mark.parametrize("setting", CORNERS)
def test_the_page(setting):
    run = run_of(**setting)
    ran, card = run.ran, run.card
    begin, share = ran.worst
    answered = f"{significant(100 * ran.answered)} % are answered"
    assert f"of {ran.run.sent:,} requests {answered}" in run.reading
    assert f"from {significant(begin)} s on, {significant(100 * share)} % are" in run.reading
    for why, count in ran.reasons.items():
        words = {"timeout": "timed out", "in flight": "still wait"}.get(why, why)
        assert f"{count:,} {words}" in run.reading
    assert (f"Lost for ever: {ran.lost:,}." in run.reading) == (ran.lost > 0)
    assert ("keeps all that the brief asks" in run.reading) == card.passes
    idle = run.at.workers and not card.design.of(blueprint.Workers)
    assert ("there are no workers to build" in run.reading) == bool(idle)
    left, right = drawn_by(desk, run)
    edges = np.arange(0.0, 19.5)
    good = np.histogram(ran.run.sent_s[ran.in_time], edges)[0]
    asked = np.histogram(ran.run.sent_s, edges)[0]
    np.testing.assert_array_equal(drawn.curve(left, **style.SIMULATION)[:, 1], good)
    np.testing.assert_array_equal(drawn.curve(left, color=style.GHOST)[:, 1], asked)
    assert drawn.levels(left, **style.THEORY) == [desk.theory(run.at)]
    struck = [(one.at_s, one.until_s or 20.0) for one in ran.trace.strikes]
    assert drawn.bands(left) == struck
    shares = np.minimum(list(card.of_allowed.values()), 3)
    blue, red = [shares[shares <= 1], shares[shares > 1]]
    if blue.size:
        np.testing.assert_allclose(drawn.bars(right, facecolor=style.BLUE).ends, blue)
    if red.size:
        np.testing.assert_allclose(drawn.bars(right, facecolor=style.VERMILION).ends, red)
    assert list(drawn.ticks(right, "y").values())[-1].startswith("US$")
    assert (f"lost: {ran.lost:,}" in drawn.written(right)) == (ran.lost > 0)
    assert list(run.columns["got"]) == list(card.table()["got"])
    assert_legible(*drawn_by(desk, run))


def test_what_a_learner_wires_is_judged_and_drawn():
    run = run_of(**SALE)
    theirs = edited(MODEL, "queue_capacity=ROOM[at.room]", "queue_capacity=30")(run.at)
    _, right = drawn_by(desk, run, mine=theirs)
    own = judge(run.at.the_brief, theirs["design"], [run.at.the_trace]).of_allowed
    np.testing.assert_allclose(diamonds(right)[:, 0], np.minimum(list(own.values()), 3))
    bent = {"design": theirs["design"].replace("app", threads=64)}
    with pytest.raises(ValueError, match="threads is 4 in this brief"):
        drawn_by(desk, run, mine=bent)


@pytest.mark.parametrize("setting", CORNERS)
def test_the_requests_that_can_be_watched_are_those_of_the_run(setting):
    run = run_of(**setting)
    log = desk.watch(**setting)
    again = blueprint.simulate_design(**{**run.ran.run.at.values(), "log": True})
    begins = max(1.0, min(
        [one.at_s for one in run.ran.trace.strikes]
        + [t for t, f in zip(run.ran.trace.traffic.times_s, run.ran.trace.traffic.factors,
                             strict=True) if f > 1], default=3.0) - 0.6)  # fmt: skip
    inside = (again.sent_s >= begins) & (again.sent_s < begins + PLAYED_S)
    over = inside & (again.done_s < begins + PLAYED_S)
    failed = int((over & (again.outcome > 0)).sum())
    late = over & (again.outcome == 0)
    late &= again.done_s - again.sent_s > run.at.the_brief.p99_ms / 1e3
    reasons = dict(log.reasons)
    assert reasons.pop("too late", 0) == late.sum()
    assert sum(reasons.values()) == failed
