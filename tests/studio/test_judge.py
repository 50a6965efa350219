"""What a scorecard says: every number of it, from the run itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers import blueprint
from helpers.blueprint.simulation.rules import IN_FLIGHT, OK
from helpers.blueprint.simulation.scenario import Scenario
from helpers.studio.compare import compare
from helpers.studio.deck import TRACE_S, brief
from helpers.studio.judge import (
    WARM_UP_S,
    _known,
    judge,
    misses,
    monthly_usd,
    outcome,
    passes,
    piece_by_piece,
    ran_on,
    up,
)
from helpers.studio.references import checklist, naive, reference, usual


def test_in_pieces_the_outcome_is_the_same() -> None:
    one = brief("payments")
    how = (one, usual(one), one.traces[0], 5)
    assert len(list(piece_by_piece(*how))) == 4
    in_pieces = outcome(*how)
    assert list(piece_by_piece(*how)) == []
    _known.cache_clear()
    assert outcome(*how) == in_pieces


def ran(key, build, place):
    one = brief(key)
    return ran_on(one, build(one), one.traces[place], 1)


CASES = [("payments", usual, 2), ("rides", usual, 2), ("video", usual, 2), ("sale", usual, 2),
         ("chat", usual, 2), ("shortener", naive, 1), ("feed", reference, 2)]  # fmt: skip


@pytest.mark.parametrize(("key", "build", "place"), CASES)
def test_every_request_is_in_time_or_has_one_reason(key, build, place):
    one = ran(key, build, place)
    run, limit = one.run, one.brief.p99_ms / 1e3
    counts: dict[str, int] = {}
    for sent, done, fate in zip(run.sent_s, run.done_s, run.outcome, strict=True):
        if fate == OK and done - sent <= limit:
            name = "in time"
        elif fate == OK:
            name = "too late"
        elif fate == IN_FLIGHT:
            name = "in flight" if sent < TRACE_S - 1 else "open"
        else:
            name = {1: "rejected", 2: "refused", 3: "reset", 4: "timeout", 5: "no server"}[fate]
        counts[name] = counts.get(name, 0) + 1
    assert counts.pop("in time", 0) == one.in_time.sum()
    counts.pop("open", None)
    assert one.reasons == counts
    assert list(one.reasons.values()) == sorted(counts.values(), reverse=True)
    assert one.bad == sum(counts.values()) + one.lost


@pytest.mark.parametrize(("key", "build", "place"), CASES)
def test_the_numbers_of_a_trace(key, build, place):
    one = ran(key, build, place)
    run = one.run
    judged = (run.sent_s >= WARM_UP_S) & (run.sent_s < TRACE_S - 1)
    assert one.answered == pytest.approx((run.outcome[judged] == OK).mean())
    kept = (run.sent_s >= WARM_UP_S) & (run.outcome == OK)
    took = np.sort((run.done_s - run.sent_s)[kept])
    assert took[int(0.985 * len(took))] <= one.p99_ms / 1e3 <= took[min(
        len(took) - 1, int(0.995 * len(took)))]  # fmt: skip
    begin, share = one.worst
    inside = (run.sent_s >= begin) & (run.sent_s < begin + 2)
    assert share == pytest.approx(one.in_time[inside].mean())
    for other in np.arange(1.0, 17.0, 0.5):
        inside = (run.sent_s >= other) & (run.sent_s < other + 2)
        assert share <= one.in_time[inside].mean()


def test_what_broke_first():
    when, what, where = ran("chat", usual, 2).first
    assert (what, where) == ("reset", "db")
    assert when == 10.0
    assert ran("rides", usual, 0).first is None
    when, what, where = ran("rides", usual, 2).first
    assert (what, where) == ("lost", "app-1")
    assert 5.0 <= when < 5.2


def test_a_dead_disk_takes_every_write_that_only_it_had():
    chat = brief("chat")
    one = ran("chat", usual, 2)
    wrote = Scenario(one.run.at).write
    gone = sum(
        wrote[i] and one.run.outcome[i] == OK and one.run.done_s[i] <= 10.0
        for i in range(one.run.sent)
    )
    assert one.lost == gone > 500
    spare = usual(chat).replace("db", replicas=1, failover_s=2.0)
    assert ran_on(chat, spare, chat.unseen[0], 1).lost == 0
    assert ran("chat", usual, 1).lost == 0  # a server's death takes nothing along


def test_a_queue_in_memory_loses_what_waits_in_it():
    one = ran("video", usual, 2)
    (queue,) = one.run.jobs.values()
    assert one.lost == queue.lost > 0
    video = brief("video")
    safe = usual(video).replace("queue", durable=True)
    assert ran_on(video, safe, video.unseen[0], 1).lost == 0


def test_how_far_behind_the_work_is():
    video = brief("video")
    slow = reference(video).replace("workers", count=2)
    one = ran_on(video, slow, video.visible[0], 1)
    (queue,) = one.run.jobs.values()
    assert one.behind_s == pytest.approx((queue.waiting + queue.working) / queue.published * 20)
    assert one.behind_s > video.fresh_s
    assert any("work" in miss and "behind" in miss for miss in one.misses)
    assert ran("rides", usual, 0).behind_s == 0


@pytest.mark.parametrize(("key", "build"), [("payments", usual), ("video", reference),
                                            ("chat", naive)])  # fmt: skip
def test_a_scorecard_says_what_it_holds(key, build):
    one = brief(key)
    card = judge(one, build(one), one.traces)
    assert card.answered == min(each.answered for each in card.ran)
    assert card.p99_ms == max(each.p99_ms for each in card.ran)
    assert card.lost == sum(each.lost for each in card.ran)
    assert card.bad == sum(each.bad for each in card.ran)
    assert card.monthly_usd == pytest.approx(
        blueprint.cost(card.design, rate_rps=one.mean_rps).monthly
    )
    table = card.table()
    met = dict(table["met"])
    assert (met["answered, worst trace"] == "yes") == (card.answered >= one.answered)
    assert (met["99 of 100 within"] == "yes") == (card.p99_ms <= one.p99_ms)
    assert (met["lost for ever"] == "yes") == (card.lost == 0)
    assert (met["up"] == "yes") == (card.up >= one.available)
    assert (met["US$ a month"] == "yes") == (card.monthly_usd <= one.budget_usd)
    assert ("work behind at the end" in met) == math.isfinite(one.fresh_s)
    assert card.passes == (set(met.values()) == {"yes"})
    for name, share in card.of_allowed.items():
        above = [each.of_allowed[name] for each in card.ran if name in each.of_allowed]
        assert share == max(above) if above else share > 0
    assert card.of_allowed["US$"] == pytest.approx(card.monthly_usd / one.budget_usd)
    assert card.of_allowed["down"] == pytest.approx((1 - card.up) / (1 - one.available))


def test_money_and_outage_are_missed_in_words():
    rides = brief("rides").scaled(budget_usd=500.0, available=0.99999)
    said = judge(rides, reference(rides)).misses
    assert (
        said[0] == f"costs {monthly_usd(rides, reference(rides)):,.0f} US$ a month of at most 500"
    )
    assert said[1].startswith("is up 99.9")
    assert said[1].endswith("of at least 99.999 %")


def test_reads_and_writes_are_weighed():
    rides = brief("rides")
    one = naive(rides)
    read, write = (blueprint.availability(one, request=kind).system for kind in ("read", "write"))
    assert up(rides, one) == pytest.approx(0.4 * read + 0.6 * write)


def test_two_designs_compared():
    payments = brief("payments")
    before, after = usual(payments), reference(payments)
    table = compare(payments, before, after)
    cards = [judge(payments, each, payments.traces) for each in (before, after)]
    for column, card in zip(("before", "after"), cards, strict=True):
        assert table.loc["US$ a month", column] == f"{card.monthly_usd:,.0f}"
        assert table.loc["lost", column] == f"{card.lost:,}"
        assert table.loc["misses", column] == f"{len(card.misses)}"
    assert list(table.loc["app: queue_capacity"]) == ["None", "30"]
    assert list(table.loc["clients: jitter"]) == ["False", "True"]
    assert not [row for row in table.index if row.startswith("db")]


@pytest.mark.parametrize("build", [naive, usual, reference, checklist])
@pytest.mark.parametrize("key", ["rides", "video"])
def test_what_is_missed_comes_one_by_one_and_is_the_scorecards(key, build, monkeypatch):
    one = brief(key)
    design = build(one)
    card = judge(one, design, one.traces)
    assert tuple(misses(one, design, one.traces)) == card.misses
    assert passes(one, design) == card.passes
    bent = design.replace("app", threads=64)
    assert tuple(misses(one, bent, one.traces)) == judge(one, bent, one.traces).misses
    # Whoever asks for the first one alone has no trace run that comes later, nor any run again.
    _known.cache_clear()
    run: list[str] = []
    monkeypatch.setattr(
        "helpers.studio.judge.ran_on", lambda *how: run.append(how[2].name) or ran_on(*how)
    )
    first = next(misses(one, design, one.traces), None)
    names = [trace.name for trace in one.traces]
    until = next((at for at, name in enumerate(names) if first and first.startswith(name)), None)
    assert run == (names if first is None else [] if until is None else names[: until + 1])
    assert tuple(misses(one, design, one.traces)) == card.misses
    assert sorted(run) == sorted(set(run))
