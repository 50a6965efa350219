"""Numbers that the prose states, worked out again; a phrase that has gone is noticed, too."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.authoring.check import markdown_of
from helpers.authoring.course import ROOT
from helpers.authoring.glossary import unlinked
from helpers.tradeoffs import budget, cluster, designs, frontier, nines, partition, quorum, versions
from helpers.tradeoffs.published import PUBLISHED

PAGE = unlinked(markdown_of(ROOT / "notebooks" / "03_tradeoffs_everywhere.ipynb"))


def says(*phrases: str) -> None:
    """Fail unless the page says so."""
    for phrase in phrases:
        assert phrase in PAGE, phrase


def test_the_cloud():
    says("A shop gets 100 requests per second, a tenth of them writes", "That makes eighty designs")
    assert (designs.RATE_RPS, designs.WRITES) == (100.0, 0.1)
    assert len(designs.cloud()) == 80
    says("cost and latency alone and three designs are left; by all four it is 34 of the 80")
    assert frontier.theory(frontier.Setting(judged_by="cost and latency")).size == 3
    assert frontier.theory(frontier.Setting()).size == 34
    says("Twenty designs are left", "Now 45 are left")  # test_frontier.test_the_edits


def test_staleness():
    says(
        "one read in two is stale right after the write, and one in a thousand is still stale 50 ms"
    )
    run = quorum.simulate()
    assert run.stale_at_once.estimate == pytest.approx(0.56, abs=0.02)
    assert run.visible_ms == pytest.approx(50, abs=3)
    says("for LNKD-SSD two milliseconds, for YMMR more than a second")
    assert quorum.simulate(fit="LNKD-SSD").visible_ms == pytest.approx(2, abs=0.15)
    assert quorum.simulate(fit="YMMR").visible_ms > 1_000
    says("three quick reads and one slow write wait less than two of each")
    three, two = (quorum.simulate(read_quorum=r, write_quorum=w) for r, w in ((3, 1), (2, 2)))
    assert sum(three.mean_ms) < sum(two.mean_ms)
    says("one read in seven is stale a millisecond", "the share of stale reads nearly halves")
    says("and a read takes 150 ms")  # test_quorum: the edits


def test_what_was_published():
    says("The latencies agree within six per cent", "by up to a fifth")
    for (r, w), (read_ms, write_ms, visible_ms) in PUBLISHED["YMMR"].items():
        run = quorum.simulate(fit="YMMR", read_quorum=r, write_quorum=w)
        assert run.read_ms.estimate == pytest.approx(read_ms, rel=0.06)
        assert run.write_ms.estimate == pytest.approx(write_ms, rel=0.06)
        assert visible_ms <= run.visible_ms <= 1.2 * visible_ms
    says("It gives 3.35", "99.9th percentile of 11.1 ms", "has 10.83, which belongs to 3.5")
    says("89.3 % of fresh reads")  # test_quorum: the misprint


def test_versions():
    says("two reads in three miss the last version, and one in fifty-seven misses the last ten")
    exact = versions.theory(versions.Setting())
    assert exact[0] == pytest.approx(2 / 3)
    assert 1 / exact[9] == pytest.approx(57.7, abs=0.1)
    says("right for 98 % of the reads")
    assert 100 * (1 - exact[9]) == pytest.approx(98, abs=0.4)


def test_nines():
    hours = 365.25 * 24 * nines.theory(nines.Setting()).down
    says("from 88 hours a year to nine and a half, and the third from there to 8.8")
    np.testing.assert_allclose(hours[:3], [87.6, 9.5, 8.8], atol=0.05)
    says("for a ten-thousandth of the time instead of a thousandth", "The outage doubles")
    says("by nearly three times")  # test_money.test_the_edits_of_copies


def test_budgets():
    says("for 53 minutes a year", "take 26 of the 53 minutes", "**900 US$ a year**")
    exact = budget.theory(budget.Setting())
    assert (round(exact.spent_min), round(exact.allowed_min)) == (26, 53)
    three = budget.theory(budget.Setting(target_nines=3.0))
    assert three.worth_usd == pytest.approx(900)
    says("has 0.09 % less downtime")
    assert 100 * three.worth_usd / 1e6 == pytest.approx(0.09)


def test_the_cut():
    says("After four seconds the network is cut", "two or three operations are enough")
    assert cluster.CUT_AT_S == 4
    says("four delays on average", "take a millisecond")
    assert partition.simulate(cut=False).median_ms == pytest.approx(80, rel=0.06)
    near = partition.simulate(cut=False, way=partition.AP)
    assert near.median_ms == pytest.approx(1)
