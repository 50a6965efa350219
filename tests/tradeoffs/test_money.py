"""Versions behind, nines, budgets and contexts: theory, published numbers, the edits, the page."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest

from helpers.blueprint import AppServers, Clients, Design, LoadBalancer, availability
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, percent, significant
from helpers.tradeoffs import budget, contexts, nines, questions, quorum, versions
from tests import drawn
from tests.checks import assert_legible, assert_share, diamonds, drawn_by, each_of
from tests.models import edited

MODEL = "helpers.tradeoffs.nines:look_in"


# --- versions behind ------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "r", "w"), [(3, 1, 1), (3, 1, 2), (5, 2, 2), (7, 1, 3), (4, 2, 3)])
def test_reads_are_as_far_behind_as_theory_says(n, r, w):
    run = versions.simulate(replicas=n, read_quorum=r, write_quorum=w)
    for missed, exact in zip(run.missed, versions.theory(run.at), strict=True):
        assert_share(int(missed), versions.READS, float(exact))


def test_versions_as_bailis_et_al_have_them():
    # VLDB 2012, section 3.1: within 2, 3, 5 and 10 versions; and for W = 2 within 1, 2 and 5.
    one = 1 - versions.theory(versions.Setting())
    assert one[1] == pytest.approx(5 / 9)
    assert one[2] == pytest.approx(19 / 27)
    assert one[4] > 0.868
    assert one[9] > 0.98
    two = 1 - versions.theory(versions.Setting(write_quorum=2))
    assert two[0] == pytest.approx(2 / 3)
    assert two[1] == pytest.approx(8 / 9)
    assert two[4] > 0.995


@pytest.mark.parametrize("setting", [{}, {"k": 1}, {"read_quorum": 3}, {"replicas": 7, "k": 12}])
def test_the_page_of_versions(setting):
    run = versions.simulate(**setting)
    exact = versions.theory(run.at)
    (ax,) = drawn_by(versions, run)
    if exact[0]:
        curve = drawn.curve(ax, **style.THEORY)
        np.testing.assert_allclose(curve, np.c_[np.arange(1, 13), exact])
        dots = drawn.curve(ax, **style.DOTS)
        np.testing.assert_allclose(dots[:, 1], run.missed[run.missed > 0] / versions.READS)
        assert percent(run.here.estimate) in run.reading
        assert f"theory {significant(100 * exact[run.at.k - 1])} %" in run.reading
    else:
        assert "every read sees the last version" in run.reading
    np.testing.assert_allclose(run.columns["theory"], exact)
    assert run.columns["k"].tolist() == list(range(1, 13))
    assert_legible(*drawn_by(versions, run))


# --- nines ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", [{}, {"beta": 0.0, "down_percent": 20.0}, {"beta": 1.0},
                                     {"beta": 0.5, "down_percent": 5.0}])  # fmt: skip
def test_copies_are_down_as_long_as_theory_says(setting):
    run = nines.simulate(**setting)
    for outages, exact in zip(run.outages, nines.theory(run.at).down, strict=True):
        assert_share(int(outages), nines.LOOKS, float(exact))


@pytest.mark.parametrize("beta", [0.0, 0.1, 0.7])
def test_the_beta_factor_is_the_blueprints(beta):
    exact = nines.theory(nines.Setting(beta=beta, down_percent=5.0)).down
    for n in (2, 3):
        app = AppServers(count=n, availability=0.95, common_cause=beta)
        design = Design("d", Clients(rate_rps=1.0) >> LoadBalancer(availability=1.0) >> app)
        assert 1 - availability(design).system == pytest.approx(exact[n - 1])


def test_a_copy_is_down_for_q_less_the_time_at_which_both_causes_meet():
    for q, beta in product((0.001, 0.01, 0.2), (0.0, 0.1, 0.5, 1.0)):
        alone = nines.theory(nines.Setting(down_percent=100 * q, beta=beta)).down[0]
        assert alone == pytest.approx(q - beta * (1 - beta) * q**2)
        assert 0.95 * q <= alone <= q * (1 + 1e-9)  # "a little less"


@pytest.mark.parametrize("setting", [{}, {"copies": 3, "down_percent": 10.0}, {"copies": 1}])
def test_the_open_model_of_copies_says_the_same(setting):
    runs = each_of(nines.look_in, nines.Setting, 8, **setting)
    outages = round(sum(one["down"] for one in runs) * nines.MOMENTS)
    at = nines.Setting(**setting)
    assert_share(outages, 8 * nines.MOMENTS, float(nines.theory(at).down[at.copies - 1]))


def mean(model, **setting):
    return np.mean([one["down"] for one in each_of(model, nines.Setting, 16, **setting)])


def test_the_edits_of_copies():
    rollout = edited(
        MODEL, "common < together or mine < alone for mine in own", "mine < at.q for mine in own"
    )
    assert mean(rollout) == pytest.approx(1e-4, rel=0.5)
    assert mean(nines.look_in) == pytest.approx(1.08e-3, rel=0.2)
    most = edited(MODEL, "all(down)", "sum(down) > at.copies / 2")
    at = {"copies": 3, "down_percent": 5.0}
    assert mean(most, **at) / mean(nines.look_in, **at) == pytest.approx(2.1, abs=0.3)
    chain = edited(MODEL, "all(down)", "any(down)")
    assert mean(chain, copies=3) / 0.01 == pytest.approx(2.8, abs=0.2)


@pytest.mark.parametrize("setting", [{}, {"beta": 0.0}, {"copies": 1, "income_usd": 1e9},
                                     {"beta": 1.0, "copies": 6}])  # fmt: skip
def test_the_page_of_copies(setting):
    run = nines.simulate(**setting)
    at, exact = run.at, nines.theory(run.at)
    down = float(exact.down[at.copies - 1])
    assert duration(down * nines.YEAR_S) in run.reading
    assert f"loses {significant(down * at.income_usd)} US$" in run.reading
    assert ("no copy can prevent" in run.reading) == (at.beta > 0)
    assert ("no other number of copies" in run.reading) == (exact.best == at.copies)
    ax, money = drawn_by(nines, run, mine={"down": 0.01})
    np.testing.assert_allclose(drawn.curve(ax, **style.THEORY)[:, 1], np.maximum(exact.down, 1e-10))
    dots = drawn.curve(ax, **style.DOTS)
    np.testing.assert_allclose(dots[:, 1], run.outages[run.outages > 0] / nines.LOOKS)
    assert diamonds(ax).tolist() == [[at.copies, 0.01]]
    together = drawn.curve(money, color=style.INK, marker="None")
    np.testing.assert_allclose(together[:, 1], exact.yearly_usd)
    price, lost = run.columns["copies (US$)"], run.columns["not earned (US$)"]
    np.testing.assert_allclose(price + lost, exact.yearly_usd)
    assert drawn.rings(money).tolist() == [[exact.best, exact.yearly_usd[exact.best - 1]]]
    assert_legible(*drawn_by(nines, run))


# --- the budget -----------------------------------------------------------------------------------


def test_five_dependencies_as_treynor_et_al_have_them():
    # "The Calculus of Service Availability", ACM Queue 2017: 26 of the 53 minutes of 99.99 %.
    exact = budget.theory(budget.Setting())
    assert round(exact.spent_min) == 26
    assert round(exact.allowed_min) == 53


def test_a_nine_in_money_as_the_sre_book_has_it():
    # Beyer et al. 2016, chapter 3: 1 M$ from 99.9 to 99.99 % is worth 900 $.
    assert budget.theory(budget.Setting(target_nines=3.0)).worth_usd == pytest.approx(900)


@pytest.mark.parametrize(
    "setting", [{}, {"dependencies": 20, "their_nines": 3.0}, {"outage_min": 60.0}]
)
def test_dependencies_take_what_they_take(setting):
    samples = [budget.simulate(seed=n, **setting).spent.estimate for n in range(40)]
    error = np.std(samples, ddof=1) / np.sqrt(40)
    expected = budget.theory(budget.Setting(**setting)).spent_min
    assert abs(np.mean(samples) - expected) < 4.5 * error


def test_adding_up_is_a_hundredth_too_much_at_the_most():
    year_min = 365 * 24 * 60
    for m, nines_ in product((1, 5, 20), (3.0, 4.0, 7.0)):
        at = budget.Setting(dependencies=m, their_nines=nines_)
        apart = year_min * (1 - (1 - 10**-nines_) ** m)  # a minute counts once
        assert apart <= budget.theory(at).spent_min * (1 + 1e-9)
        assert budget.theory(at).spent_min < 1.01 * apart
    with pytest.raises(ValueError, match="their_nines"):
        budget.Setting(their_nines=2.5)


def test_nobody_takes_more_of_a_target_than_there_is():
    run = budget.simulate(target_nines=6.0, their_nines=3.0)
    assert run.spent.low > run.at.allowed_min
    assert " of it " not in run.reading
    assert "more than the target allows in 100 % of the years" in run.reading


@pytest.mark.parametrize("setting", [{}, {"dependencies": 0}, {"dependencies": 1},
                                     {"target_nines": 6.0, "their_nines": 3.0}])  # fmt: skip
def test_the_page_of_the_budget(setting):
    run = budget.simulate(**setting)
    exact = budget.theory(run.at)
    assert duration(60 * exact.allowed_min) in run.reading
    assert f"worth {significant(exact.worth_usd)} US$" in run.reading
    if run.at.dependencies:
        assert duration(60 * run.spent.estimate) in run.reading
        assert percent(run.over) in run.reading
    assert ("nothing is left" in run.reading) == (exact.left_min <= 0)
    (ax,) = drawn_by(budget, run)
    assert drawn.bars(ax, facecolor=style.BLUE).ends.tolist() == [run.spent.estimate]
    _, values = drawn.marks(ax, "x")
    np.testing.assert_allclose(values, [exact.spent_min])
    assert_legible(*drawn_by(budget, run))


# --- contexts -------------------------------------------------------------------------------------


def test_three_contexts_three_answers():
    best = {name: contexts.simulate(**prices).best for name, prices in contexts.CONTEXTS.items()}
    assert best == {"A bank": (2, 2), "A feed": (1, 1), "A game": (3, 1)}


def test_the_game_costs_what_its_question_says():
    asked, game = questions.PREDICTIONS["game"].question, contexts.CONTEXTS["A game"]
    assert "a refusal costs as much as a millisecond of waiting" in asked
    assert game["refused_usd"] == game["wait_usd"]
    assert "a stale read as much as ten" in asked
    assert game["stale_usd"] == pytest.approx(10 * game["wait_usd"])
    assert "each down for 1 % of the time; as many reads as writes" in asked
    assert (contexts.Setting().down_percent, game["reads"]) == (1.0, 0.5)
    run = contexts.simulate(**game)  # no close call: the next costs two thirds more
    first, second = np.sort(run.total)[:2]
    assert second > 1.5 * first


@pytest.mark.parametrize("context", contexts.CONTEXTS)
def test_every_fault_is_priced(context):
    run = contexts.simulate(**contexts.CONTEXTS[context])
    at = run.at
    for i, (r, w) in enumerate(contexts.WAYS):
        race = quorum.simulate(read_quorum=r, write_quorum=w, after_ms=0.0)
        waits = at.reads * race.mean_ms[0] + (1 - at.reads) * race.mean_ms[1]
        assert run.waiting[i] == pytest.approx(1e6 * at.wait_usd * waits)
        stale = at.reads * race.stale_at_once.estimate
        assert run.stale[i] == pytest.approx(1e6 * at.stale_usd * stale)
    np.testing.assert_allclose(run.total, run.waiting + run.refused + run.stale)


@pytest.mark.parametrize("down_percent", [1.0, 20.0])
def test_refusals_are_binomial(down_percent):
    at = contexts.Setting(down_percent=down_percent, reads=1.0, refused_usd=1.0)
    q = down_percent / 100
    short = {k: sum(comb(3, up) * (1 - q) ** up * q ** (3 - up) for up in range(k))
             for k in (1, 2, 3)}  # fmt: skip
    exact, run = contexts.theory(at), contexts.simulate(at)
    for i, (r, _) in enumerate(contexts.WAYS):
        assert exact[i] == pytest.approx(1e6 * short[r], abs=1e-6)
        count = round(run.refused[i] / 1e6 * contexts.MOMENTS)
        assert_share(count, contexts.MOMENTS, short[r])


NOTHING = {"stale_usd": 0.0, "refused_usd": 0.0, "wait_usd": 0.0}


@pytest.mark.parametrize("setting", [*contexts.CONTEXTS.values(), NOTHING])
def test_the_page_of_contexts(setting):
    run = contexts.simulate(**setting)
    (ax,) = drawn_by(contexts, run)
    if not run.total.max():
        assert run.reading.startswith("Nothing costs anything here")
        return
    r, w = run.best
    assert f"R = {r}, W = {w}: a million operations cost {significant(run.total.min())}" in (
        run.reading
    )
    assert significant(run.total.max()) in run.reading
    ends = drawn.bars(ax, facecolor=style.FAINT).ends
    np.testing.assert_allclose(ends, run.total)
    dots = drawn.curve(ax, color=style.BLUE, marker="o")
    np.testing.assert_allclose(dots[:, 1], run.waiting[run.waiting > 0.1])
    assert drawn.rings(ax).tolist() == [[run.total.argmin(), run.total.min()]]
    np.testing.assert_allclose(run.columns["together (US$)"], run.total)
    np.testing.assert_allclose(run.columns["refusals, theory (US$)"], contexts.theory(run.at))
    assert_legible(ax)
