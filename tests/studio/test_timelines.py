"""Fan-out on write and on read: the vendor's numbers, the tail, the edits, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import amount, duration, significant
from helpers.studio import timelines as page
from helpers.studio.timelines import VENDOR
from tests import drawn
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_share,
    diamonds,
    drawn_by,
    runs_of,
)
from tests.models import edited

MODEL = "helpers.studio.timelines:what_readers_follow"


def test_the_vendors_numbers():
    at = page.Setting()
    exact = page.theory(at)
    assert VENDOR["tweets_rps"] == pytest.approx(4_630, rel=0.001)  # 400 million a day
    assert exact.writes_rps == pytest.approx(347e3, rel=0.001)  # with 75 followers
    assert exact.slowest_s == pytest.approx(VENDOR["slowest_s"], rel=0.01)  # five minutes
    assert (at.tweets_rps, at.reads_rps) == (VENDOR["tweets_rps"], VENDOR["reads_rps"])


def test_followers_have_the_vendors_mean_and_largest_number():
    rng = np.random.default_rng(2)
    followers = page.followers_of(rng.random(200_000))  # of somebody who is followed
    assert followers.min() >= page.LEAST
    assert followers.max() <= VENDOR["largest"] * (1 + 1e-9)
    # Seen from accounts and not from follows, the mean is one over the mean of one over it.
    assert 1 / np.mean(1 / followers) == pytest.approx(75, rel=0.01)


@pytest.mark.parametrize("limit", [100.0, 1e4, 1e6, 31e6])
def test_theory_says_what_is_copied(limit):
    at = page.Setting(limit=limit)
    copied = sum(
        page.what_readers_follow(at, page.Draws(s))["writes_rps"] / at.tweets_rps / 75 * 20_000
        for s in range(5)
    )
    exact = page.theory(at)
    assert_share(round(copied), 100_000, exact.writes_rps / at.tweets_rps / 75)
    assert exact.lists == pytest.approx(1 + 75 - exact.writes_rps / at.tweets_rps)


def test_the_model_is_the_simulation():
    for limit in (100.0, 1e6, 31e6):
        run = page.simulate(limit=limit)
        mine = page.what_readers_follow(run.at, page.Draws(run.at.seed))
        assert mine["writes_rps"] == pytest.approx(run.writes_here)
        assert mine["reads_rps"] == pytest.approx(run.reads_here)
        assert mine["lists"] == pytest.approx(run.lists)
        assert mine["slowest_s"] == pytest.approx(run.slowest_s)


def test_a_hybrid_does_not_save_work_it_buys_the_tail():
    all_, some = page.theory(page.Setting()), page.theory(page.Setting(limit=1e6))
    assert some.writes_rps + some.reads_rps > 1.5 * (all_.writes_rps + all_.reads_rps)
    assert all_.slowest_s / some.slowest_s == pytest.approx(31)
    assert 75 * (1 - some.writes_rps / all_.writes_rps) == pytest.approx(1.83, abs=0.01)
    rare = page.Setting(reads_rps=1_000.0)
    assert page.theory(rare, 1e4).writes_rps < page.theory(rare).writes_rps
    work = [sum(page.theory(rare, limit)[:2]) for limit in (1e4, 31e6)]
    assert work[0] < work[1]


def test_large_accounts_in_one_list():
    one = edited(MODEL, "follows * collected / 20_000", "(collected > 0)")
    run = runs_of(one, page.Setting, 1, limit=1e6)
    assert run["lists"] == 2
    assert run["reads_rps"] == pytest.approx(2 * VENDOR["reads_rps"])


def test_only_for_those_who_are_there():
    fewer = edited(MODEL, "copied += 1", "copied += 0.2")
    before = runs_of(page.what_readers_follow, page.Setting, 1)
    assert runs_of(fewer, page.Setting, 1)["writes_rps"] == pytest.approx(before["writes_rps"] / 5)


@pytest.mark.parametrize("setting", [{}, {"limit": 100.0}, {"limit": 1e6, "reads_rps": 1e3},
                                     {"tweets_rps": 1e5, "spare_rps": 1e4}])  # fmt: skip
def test_the_page(setting):
    run = page.simulate(**setting)
    at, exact = run.at, page.theory(run.at)
    for said in (f"{significant(run.writes_here)} copies",
                 f"(theory {significant(exact.writes_rps)})",
                 f"{duration(exact.slowest_s)} until", f"looks at {amount(run.lists, 'list')}",
                 f"makes {significant(run.reads_here)} per second."):  # fmt: skip
        assert said in run.reading
    each = [page.theory(at, limit) for limit in page.LIMITS]
    assert_columns(
        run,
        copied=page.LIMITS,
        copies=run.writes,
        in_theory=[one.writes_rps for one in each],
        lists=run.reads,
        read_in=[one.reads_rps for one in each],
        slowest=[one.slowest_s for one in each],
    )
    mine = {"writes_rps": 1e5, "reads_rps": 1e6, "slowest_s": 1.0}
    ax, slow = drawn_by(page, run, mine=mine)
    np.testing.assert_allclose(drawn.curve(ax, **style.DOTS)[:, 1], run.writes)
    lists = drawn.curve(ax, **style.DOTS | {"color": style.GREEN})
    np.testing.assert_allclose(lists[:, 1], run.reads)
    writes, reads = (line.get_xydata() for line in drawn.lines(ax, **style.THEORY))
    assert writes[30, 1] == page.theory(at, writes[30, 0]).writes_rps
    assert reads[30, 1] == page.theory(at, reads[30, 0]).reads_rps
    assert drawn.curve(slow, **style.MEASUREMENT).tolist() == [[31e6, 300]]
    tail = drawn.curve(slow, **style.THEORY)
    np.testing.assert_allclose(tail[:, 1], tail[:, 0] / at.spare_rps)
    assert diamonds(ax).tolist() == [[at.limit, 1e5], [at.limit, 1e6]]
    assert diamonds(slow).tolist() == [[at.limit, 1.0]]
    assert_legible(*drawn_by(page, run))
