"""Eighty designs: theory against the definition, the edits, staleness, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.tradeoffs import designs, frontier
from helpers.tradeoffs.designs import Choice, cloud, stale_reads
from tests import drawn
from tests.checks import assert_legible, drawn_by
from tests.models import edited

MODEL = "helpers.tradeoffs.frontier:beats, left_standing"
PRICES = (
    "[design.cost_usd + 20 * design.latency_ms + design.outage_min + 100 * design.stale_percent]"
)


@pytest.mark.parametrize("judged_by", frontier.CRITERIA)
def test_sorting_leaves_what_the_definition_leaves(judged_by):
    at = frontier.Setting(judged_by=judged_by)
    assert frontier.left_standing(at)["left"] == frontier.theory(at).tolist()


def test_who_is_left_as_the_page_says():
    counts = {
        name: frontier.left_standing(frontier.Setting(judged_by=name))["count"]
        for name in frontier.CRITERIA
    }
    assert counts["all four"] == 34
    assert counts["cost and latency"] == 3
    assert len(cloud()) == 80


@pytest.mark.parametrize("judged_by", frontier.CRITERIA)
def test_a_replica_behind_two_servers_is_always_beaten_and_two_servers_are_not(judged_by):
    left = [list(cloud())[i] for i in frontier.theory(frontier.Setting(judged_by=judged_by))]
    two = [choice for choice in left if choice.servers == 2]
    assert two, "the cheapest of all is among them"
    assert not any(choice.replicas for choice in two)


def test_the_edits():
    at = frontier.Setting()
    vote = edited(
        MODEL,
        "return nowhere_worse and somewhere_better",
        "return sum(mine < theirs for mine, theirs in zip(one, other)) > len(one) / 2",
    )
    assert vote(at)["count"] == 20
    assert edited(MODEL, "mine < theirs", "mine < 0.95 * theirs")(at)["count"] == 45
    priced = edited(MODEL, "[design[i] for i in judged]", PRICES)(at)
    assert [list(cloud())[i] for i in priced["left"]] == [Choice(3, "no cache", 1, "asynchronous")]


@pytest.mark.parametrize(("ttl_s", "lag_s"), [(10.0, 0.0), (60.0, 1.0), (0.0, 1.0), (1.0, 5.0)])
def test_stale_reads_as_a_simulation_has_them(ttl_s, lag_s):
    rng = np.random.default_rng(1)
    reads = np.cumsum(rng.exponential(1 / designs.READ_RPS, 400_000))
    changes = np.cumsum(rng.exponential(1 / designs.CHANGED_RPS, int(1.1 * reads[-1] / 200)))
    changed_before = np.searchsorted(changes, reads)
    version = np.searchsorted(changes, reads - lag_s)  # of the copy, at each read
    stale, kept_until, kept = 0, -1.0, 0
    for now, fresh, copy in zip(
        reads.tolist(), changed_before.tolist(), version.tolist(), strict=True
    ):
        if now >= kept_until:
            kept, kept_until = copy, now + ttl_s
        stale += kept < fresh
    share = stale_reads(ttl_s, lag_s)
    assert stale / reads.size == pytest.approx(share, rel=0.08)  # bursts of some hundred reads


def test_waiting_for_all_copies_needs_all_of_them():
    two = designs.marks(Choice(3, "no cache", 2, "synchronous"))
    one = designs.marks(Choice(3, "no cache", 1, "synchronous"))
    loose = designs.marks(Choice(3, "no cache", 1, "asynchronous"))
    assert two.outage_min > one.outage_min > loose.outage_min
    assert two.stale_percent == 0 < loose.stale_percent
    assert one.latency_ms - loose.latency_ms == pytest.approx(3.0, abs=0.11)


@pytest.mark.parametrize("setting", [{}, {"servers": 2}, {"replicas": 0, "cache": "60 s"},
                                     {"judged_by": "cost and outage", "servers": 5}])  # fmt: skip
def test_the_page(setting):
    run = frontier.simulate(**setting)
    at, marks = run.at, run.chosen
    assert f"{marks.cost_usd:,} US$" in run.reading
    assert f"{marks.latency_ms:g} ms" in run.reading
    assert f"Judged by {at.judged_by}" in run.reading
    assert f"{run.left.size} are beaten by none" in run.reading
    place = list(cloud()).index(at.choice)
    assert (place in run.left) == (not run.better) == ("no design beats it" in run.reading)
    table = np.array(list(cloud().values()))
    best = table.min(axis=0)
    assert run.first_in == tuple(
        name for name, x, low in zip(designs.GOOD, marks, best, strict=True) if x == low
    )
    for ax, pair in zip(drawn_by(frontier, run, mine={"left": [0, 1]}), ((0, 1), (2, 3)),
                        strict=True):  # fmt: skip
        blue = drawn.curve(ax, color=style.BLUE)
        np.testing.assert_allclose(blue, table[run.left][:, pair])
        assert drawn.rings(ax).tolist() == [[marks[i] for i in pair]]
        grey = drawn.curve(ax, color=style.FAINT, marker="o")
        assert len(grey) + len(blue) == len(table)
        orange = drawn.lines(ax, color=style.ORANGE)
        assert len(orange) == bool(run.better)
    assert len(run.table()) == run.left.size
    assert_legible(*drawn_by(frontier, run))
