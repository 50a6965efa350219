"""Numbers in the chapter's prose and answers: each is worked out here, and found in the text."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.estimation import (
    boxes,
    error_bars,
    error_budget,
    estimate,
    failure_modes,
    fix_ladder,
    interview,
    load_test,
    overload,
    questions,
    real_load_test,
    same_mean,
    slo,
    storage,
)
from helpers.estimation.clients_and_designs import _designs
from helpers.estimation.error_factors import error_factor, log_sigma
from helpers.estimation.fluid_stall import FluidStall
from helpers.estimation.units import Quantity
from tests.estimation import (
    test_bottleneck,
    test_estimate,
    test_interview,
    test_load_test,
    test_slo,
)
from tests.prose import Prose, spelled

PROSE = Prose("05", questions)
said, given, shown, universal = PROSE.computed, PROSE.given, PROSE.shown, PROSE.universal


def test_questions_to_ask() -> None:
    given("90 minutes", "about fifteen seconds, five of them", why="times, measured or guessed")
    given("You have half an hour", why="the example sets it")
    assert len(_designs()) == 60
    said("any of sixty designs")
    worth = test_interview.test_what_the_chapter_says_of_the_questions
    shown("by thousands of dollars", "can concern thousands of dollars", by=worth)
    none, two, four = (interview.theory(interview.best_questions(n)) for n in (0, 2, 4))
    assert 1 - two / none == pytest.approx(3 / 4, abs=0.02)
    said("Two questions remove three quarters of the regret")
    assert four == pytest.approx(0, abs=1e-9)
    where = "where users are"
    worth_usd = [interview.theory(s) - interview.theory([*s, where]) for s in ([], ["peak load"])]
    assert worth_usd[0] == pytest.approx(0, abs=1e-9)
    said("nothing as a first question", f"the peak load it is worth {worth_usd[1]:.0f} USD a month")
    universal(
        "only beside other answers",
        why="alone it changes no design, and beside some it does",
    )
    universal(
        "with four questions asked the regret is zero",
        why="the other two answers make no design dearer than another",
    )


def test_percentiles() -> None:
    given('"100 milliseconds on average"', "within 300 ms", "*99 % of", why="the example sets it")
    steady, typical, wild = (
        same_mean.theory(same_mean.Setting(spread=spread)) for spread in (0.1, 1.0, 2.3)
    )
    assert 0.1 < steady.p99_s < 0.13
    assert wild.p99_s == pytest.approx(1.5, rel=0.01)
    said("the 99th percentile goes from little more than 100 ms to one and a half seconds")
    spreads = np.arange(0.1, 4.0, 0.1)
    tails = [same_mean.theory(same_mean.Setting(spread=float(s))).p99_s for s in spreads]
    said(f"Push the spread on, beyond {spreads[int(np.argmax(tails))]:.1f}")
    assert typical.p99_limit_s == pytest.approx(100 * 0.1)
    said("For the p99, a hundred means")
    assert pytest.approx(0.1) == 0.01 * 10
    said("If 1 % take 10 s and the rest almost nothing, the mean is 100 ms")
    universal(
        "the limit that no distribution with this mean can cross",
        why="Markov's inequality; times are never negative",
    )


def test_who_was_not_asked() -> None:
    at = load_test.Setting()
    exact = load_test.theory(at)
    assert load_test.RATE_RPS == 100
    said(f"a hundred requests a second, each in {1e3 * exact.service_s:.0f} ms")
    assert exact.percentile_s("closed", 0.99) == exact.service_s
    said("reports the orange one: 3 ms")
    said(f"one bad sample among {exact.samples['closed']:,.0f}")
    said("out of thousands", "one sample in thousands does not move a p99")
    busy = load_test.theory(at.but(utilisation=0.8))
    assert 1 - busy.stall_s / busy.recovery_s == pytest.approx(4 / 5)
    said("raise the utilisation to 0.8")
    said("At 80 % utilisation it misses four fifths of the requests that were hurt")
    trial = real_load_test.Trial()
    said(f"goes to sleep for {trial.stall_s} seconds")
    small = FluidStall(trial.rate_rps, 1e-3 * trial.service_ms, trial.stall_s, trial.run_s, 1)
    assert 10 < small.percentile_s("open", 0.99) / small.percentile_s("closed", 0.99) < 100
    said("a factor of ten to a hundred in the p99")
    given("fifty call-centre screens", "set the slider to 50", why="examples")
    assert load_test._BEFORE_S == 0.5
    said("from half a second before it")
    said(f"more than {1e3 * load_test._SLOW_S:.0f} ms is a square")
    edits = test_load_test.test_the_edits_that_the_page_proposes
    shown("to above half a second", "99th percentile stays at a few", by=edits)


def test_break_it() -> None:
    given("stands on tenths of a second", why="the step of the slider")
    given("30 % utilisation. Your promise is: p99 below half a second", why="the task sets it")
    exact = load_test.theory(load_test.Setting())
    assert exact.utilisation == pytest.approx(0.3)
    lead = 0.01 * exact.run_s * (1 - exact.utilisation)
    said(f"so D = 0.5 - {exact.service_s} + {lead:.2f} s", "p99 = S + D - 0.01 T (1 - rho)")
    shown("$D = 0.5 - S + 0.01\\,T(1-\\rho)$", by=test_load_test.test_the_boundary_of_break_it)
    tails = [
        load_test.simulate(stall_s=0.9, seed=s).percentile_s("open", 0.99) for s in range(1, 13)
    ]
    said(f"the open p99 at 0.9 s is {min(tails):.1f} to {max(tails):.2f} s")
    closed_s = {
        n: load_test.simulate(stall_s=1.0, connections=n).percentile_s("closed", 0.99)
        for n in (29, 30, 58, 62)
    }
    assert closed_s[29] == pytest.approx(exact.service_s)
    assert closed_s[30] == pytest.approx(0.09)
    said("From 30 connections on it begins to notice a stall of a second, with a p99 of 90 ms")
    noticed = load_test.theory(load_test.Setting(stall_s=1.0, connections=30))
    assert noticed.caught == pytest.approx(30)
    assert 2 * noticed.caught / noticed.samples["closed"] == pytest.approx(0.01, rel=0.05)
    said("each connection is slow twice", "60 slow samples are 1 % of its requests")
    assert closed_s[58] < 0.2 < 0.5 < closed_s[62]
    said("To report the stall itself it takes about 60 connections")
    for stall_s in (0.1, 1.0, 5.0):
        alone = load_test.theory(load_test.Setting(stall_s=stall_s))
        assert alone.percentile_s("closed", 0.99) == exact.service_s
    universal("The closed tester never notices", why="one sample in 5,801 is less than 1 %")


def test_promises() -> None:
    given('"Three nines" is 99.9 %, and what is left, 0.1 %', why="what the words mean")
    at = slo.Setting()
    said(f"machines that work {at.machine_percent} % of the time")
    shown("up to a thousand simulated years", by=test_slo.test_a_thousand_years_agree_with_theory)
    given("from 0 to 1 %", why="a setting of the slider")
    budget = error_budget.error_budget_min(99.9)
    said("keeps 99.9 % on average")
    shares = {
        m: error_budget.bad_month_share(0.5 * budget / m, m, budget)
        for m in (5, 20, 30, 60, 120, 600)
    }
    assert max(shares, key=shares.__getitem__) == 30
    said("half-hour outages, each not much shorter than the whole budget")
    assert shares[30] / shares[600] > 5
    said("can differ fivefold in broken")
    chosen = slo.cheapest(at)
    assert chosen is not None
    said(f"can be broken in {100 * slo.theory(at, chosen).bad_months:.0f} % of the months")
    given("a computed fifth nine", why="99.999 %")
    universal(
        "a single point of failure that no number of copies removes",
        why="a common failure takes all copies of a tier",
    )


def test_envelopes() -> None:
    given("thousands of people", why="a way of speaking")
    given("**100 million URLs a day**", "**10 years**", "**100 bytes**", why="the example sets it")
    urls = Quantity(100e6, "records/day") * Quantity(10, "years")
    assert urls.value == pytest.approx(365e9)
    stored = (urls * Quantity(100, "bytes/record")).to("TB").value
    given("365 billion × 100 bytes × 10 years = 365 TB", why="the notes' own, wrong line")
    said("There it is: 365, and not", "already in the 365 billion", "Counted twice they leave")
    said(
        f"100 million a day for {3_650:,} days are 365 billion URLs; times 100 bytes is {stored} TB"
    )
    said(f"the corrected answer, {stored} TB")
    assert 365 / stored == pytest.approx(10)
    said("A tenfold error in storage")
    said(f"users × actions ÷ {24 * 3_600:,} seconds")
    assert log_sigma(2.0) > 0
    given("nine of ten truths", "nine times in ten", why="the level of the ranges")
    given("The envelope is a dozen multiplications", why="a count of the page")
    said("off by a factor of four, not of sixteen", "$2^4 = 16$")
    said("and then sixteen is right", "Why not sixteen?")
    assert error_factor(4, 2.0) == pytest.approx(4)
    said("good to about ×/÷ 4 on four rough guesses")
    assert log_sigma(5.0) ** 2 > 5 * log_sigma(2.0) ** 2
    said("one guess with a factor of five outweighs five with a factor of two")
    given("make half of the guesses", why="advice")
    said("Put 5 where the 3 stands", f"to {5 / 3:.2f} times the")
    assert test_estimate.test_the_edits_that_the_page_proposes
    assert error_factor(9, 2.0) == pytest.approx(2**3)
    said("2 to the square root of 9 is 2 to the 3.")
    given("That is the worst case, 2 to the 9", why="nine factors of two")
    assert error_bars.Setting().factors == 4
    assert estimate.Setting().factor == 2


def test_weighing() -> None:
    measured = storage.measure()
    said(f"stores {measured.at.rows:,} URLs of {measured.at.url_bytes} bytes")
    said(f"A 100-byte URL takes {measured.total_bytes:.0f} bytes once")
    assert abs(measured.error) < 0.01
    assert measured.index_bytes > measured.at.key_bytes == 7
    assert measured.total_bytes / 100 < 2 < 10
    said("That is well within ×/÷ 2 of the envelope")


def test_boxes() -> None:
    assert "a single point of failure" in boxes.simulate(mistake="none").reading
    said("a site with two of everything else still has one thing")
    said(f"at {failure_modes._RATE_RPS:.0f} requests a second from clients")
    design = failure_modes.Setting(mode="hangs").design
    app = next(each for each in design.components if each.name == "app")
    clients = next(each for each in design.components if each.name == "clients")
    reads = failure_modes._RATE_RPS * (1 - clients.write_fraction)
    threads = app.count * app.threads
    assert spelled(threads) == "twelve"
    assert threads / reads < 1
    given("has failed twice", '"Ten times slower"', why="the health check's and the mode's names")
    said(f"{reads:.0f} reads a second that hold a thread for half a second each")
    said(f"each need {reads * 0.5:.0f} threads, and there are {threads}", "Half a second saves")
    assert math.floor(reads * 0.1) == 3
    said("With a tenth of a second they need three or four")


def test_the_ladder() -> None:
    given("unless two of its parts are alike", why="a count")
    ceilings = [step.ceiling_rps for step in fix_ladder.steps()]
    built, tripled, cached, _, replicated, last = ceilings
    assert tripled / built == pytest.approx(5 / 4)
    assert cached / tripled > 2
    said("tripling the servers gained a quarter, the cache more than doubled everything")
    said(f"twelve servers in place of six gained {100 * (last / replicated - 1):.0f} %")
    said("stops at 100 requests/s")
    left = {failure: fix_ladder.solved(4, failure).ceiling_rps for failure in fix_ladder.FAILURES}
    said("At step 4, *the cache*", f"falls from {replicated:.0f} to {left['the cache']:.0f}")
    assert left["the cache"] < 0.6 * replicated
    said("a system that ran at 60 %")
    assert left["a server"] / replicated == pytest.approx(5 / 6)
    said("out of six costs a sixth")
    assert left["a replica"] == replicated
    edits = test_bottleneck.test_the_edits_that_the_page_proposes
    shown("find 95 % of the reads instead of 80 %", "from 278 to 417 requests/s", by=edits)
    shown("three servers stop at 240", "Halve their work", "from 80 to 100, not to 160", by=edits)
    shown("nine requests in ten write", "goes from 100 to 111 requests/s", by=edits)
    universal("Lifting any other line changes nothing at all", why="the lowest line is the ceiling")


def test_extreme_load() -> None:
    assert overload.SERVICE_S == 0.1
    said("a request takes a tenth of a second of work")
    given("Move the load past 1", why="a setting of the slider")
    loads = np.linspace(1.0, 3.0, 21)
    assert min(overload.goodput(float(load), 5) for load in loads) > 4 / 5
    said("above four fifths of capacity at any load beyond it")
    assert overload.goodput(1.5, 20) < 0.1
    assert 20 * overload.SERVICE_S > 1
    said("Room for twenty is a limit", "because twenty times a tenth of a second is longer")


test_every_number_is_held = PROSE.completeness(globals())
