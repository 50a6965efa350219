"""Numbers in the chapter's prose and answers: each is worked out here, and found in the text."""

from __future__ import annotations

import math

import pytest

from helpers.failure import (
    bad_day,
    bulkhead,
    burn_rate,
    defence,
    degradation,
    fleet,
    gray,
    layers,
    percentiles,
    questions,
    real_fallback,
    redundancy,
    replica,
    shedding,
    spares,
    storm,
    threshold,
)
from helpers.foundations.prose import significant
from tests.failure import (
    test_bad_day,
    test_bulkhead,
    test_degradation,
    test_layers,
    test_monitoring,
    test_redundancy,
    test_threshold,
)
from tests.prose import Prose, spelled

PROSE = Prose("06", questions)
says, given, shown, universal = PROSE.computed, PROSE.given, PROSE.shown, PROSE.universal


def test_what_the_page_sets():
    given("about twenty seconds", why="a time, measured on an idle machine")
    given(
        "a thousandth, if 99.9 % are promised", "at 1 it lasts exactly", why="what the words mean"
    )
    given("fails once in three years is", "Then you buy a thousand", why="the example sets it")
    given("what is there twice survives", "Read it twice", "*twice* is a subject", why="a word")
    given("Now it is two in the", "The first is at three in", "in three functions", why="a count")
    given("half-open (orange)", "such as a tenth", why="a state, and an example")
    given("run it at 60 % load", why="a task")


def test_fleets():
    says("At a thousand machines that each fail once in three years")
    rate = fleet.Setting().machines / (3 * 365)
    says(f"1,000 machines fail {1_000 / 3:.0f} times a year, on average {rate:.2f} times a day")
    says(f"probability exp(-{rate:.2f})")
    given("At ten thousand machines", why="the example sets it")
    universal(
        "whatever the lives of the single ones look like",
        why="many renewal processes together tend to a Poisson process",
    )
    says("something fails on six days of ten")
    assert fleet.theory(fleet.Setting()).bad_days == pytest.approx(0.6, abs=0.02)
    says("every two and a half hours")
    assert fleet.theory(fleet.Setting(machines=10_000)).between_s / 3_600 == pytest.approx(
        2.5, abs=0.2
    )
    says("be right 999 times of 1,000")
    assert fleet.theory(fleet.Setting(machines=1)).bad_days < 1e-3


def test_defence():
    setting = defence.Setting()
    assert (setting.spare_works, setting.cells, setting.worth) == (0.9, 10, 0.8)
    given("nine times of ten", "users live in ten cells", "worth 80 %", why="the layers' own")
    assert defence._NOTICES_MIN == {False: 60.0, True: 5.0}
    given("noticed in five minutes on average, not in sixty", why="the layers' own")
    says("less than a five-hundredth of the loss")
    at = defence.Setting()
    left = defence.theory(at, (True,) * 4) / defence.theory(at, (False,) * 4)
    assert left < 1 / 500


def test_pairs():
    assert redundancy.LIVES == 100
    says("a hundred simulated pairs", "a hundred lives of it", "the mean life of 800 of them")
    quick, slow = (redundancy.theory(redundancy.Setting(), h).rule_h for h in (12.0, 24.0))
    assert quick == pytest.approx(2 * slow)
    says("one of them fails every MTTF/2", "halve it, and the pair lives twice as long")
    says("a pair lives only half as long again as one machine", "lives for MTTF²/(2 MTTR)")
    says(f"once in forty-odd repairs; and a repair begins every {1_000 / 2:.0f} h")
    assert 40 < 1_000 / 24 < 45
    disks = 30_000.0**2 / (2 * 1.0) / 100
    says(
        f"for 100 pairs of disks with an MTTF of 30,000 h and a repair of one hour a time to data "
        f"loss of {disks:,.0f} h"
    )
    nobody = test_redundancy.test_without_repair_a_pair_lives_half_as_long_again_as_one
    shown("falls to 1,500 h, one life and a half", by=nobody)
    never_h = [
        redundancy.theory(redundancy.Setting(common=common), 1e12).exact_h
        for common in (0.0, 0.1, 0.3)
    ]
    assert never_h[0] == pytest.approx(1_500)
    assert never_h[0] > never_h[1] > never_h[2]
    says("with common causes it falls further")
    week = test_redundancy.test_a_failure_that_nobody_notices_for_a_week
    shown("lives less than a quarter of what it did", by=week)
    hard = test_redundancy.test_a_survivor_that_works_too_hard
    shown("with twice the load", "A fifth of the life remains", by=hard)
    says("with common causes at a tenth of the failures")
    universal("and no repair lifts it", why="the common cause strikes both, repaired or not")
    says("puts a ceiling at ten machine lives")
    tight = redundancy.Setting(common=0.1, mttr_h=10.0)
    assert redundancy.theory(tight, 1e-6).exact_h / 1_000 == pytest.approx(10, rel=1e-3)
    says("one life and a half")
    assert redundancy.theory(tight.but(common=0.0), 1e12).exact_h == pytest.approx(1_500)


def test_replicas():
    given("two in a row, up to twenty", why="the slider's range")
    at = replica.Setting()
    assert replica.theory(at).lost == pytest.approx(at.write_rps * (at.ship_s / 2 + at.delay_s))
    says(
        "finds on average half an interval", "(*interval*/2 + *delay*)", "half a shipping interval"
    )
    says(f"half of {at.write_rps * at.ship_s:.0f}, and those on the way", "rate × interval/2")
    one, ten = (replica.theory(at, misses=n) for n in (1, 10))
    assert ten.mistakes < 1e-3
    says(f"is down for {ten.down_s - one.down_s:.0f} s longer at the opening setting")
    trial = replica.Trial()
    assert trial.kills == 16
    says("Sixteen processes", f"acknowledge {trial.write_rps:.0f} writes per second each")
    says(f"second file every {trial.ship_s} s")


def test_bulkheads():
    at = bulkhead.Setting()
    assert (at.threads, at.image_s, at.login_rps * at.login_s) == (20, 4.0, 2.0)
    given("a server with twenty threads. Logins need two of them", why="the example sets it")
    given("answers in four seconds instead of a tenth", why="the example sets it")
    assert at.image_rps * 0.1 == pytest.approx(1)
    says("images usually one")
    assert "images usually one" in questions.PREDICTIONS["bulkhead"].question
    images, logins = at.image_rps * at.image_s, at.login_rps * at.login_s
    says(f"10 images a second of 4 s are {images:.0f} erlangs, 20 logins of 0.1 s are {logins:.0f}")
    formula = test_bulkhead.test_the_formula_has_the_loads_and_threads_it_should
    shown("everybody meets $B(42, 20)$", "meet $B(2, 6)$", by=formula)
    says(f"{images + logins:.0f} threads' worth of work asks for {at.threads}")
    assert 0.5 < bulkhead.theory(at).login < 0.6
    says("refuses half of them", "somewhat more than half of both are refused")
    times_out = test_bulkhead.test_a_time_out_frees_the_threads
    shown("fall from one in two to fewer than one in ten", by=times_out)


def test_retries_in_layers():
    given("At 100 % they are useless", why="the panel's end")
    says(f"{4**3} calls on the database for one", f"the {4**3} calls for one click")
    assert layers.theory(layers.Setting(layers=3, attempts=4, failing=1.0)).calls == 64
    says("3 × 3 × 3: each layer's attempt is a whole request")
    top = test_layers.test_retries_in_the_top_layer_alone_do_not_multiply
    shown(f"Three calls instead of {3**3}", "at 30 % failures still fewer than three", by=top)
    shown("fewer than three requests of a hundred fail", by=top)
    says(f"amplify by 1.1³ = {1.1**3:.2f} at most")
    given("**A budget of a tenth", "retry budgets of a tenth", why="the budget's size")


def test_spares():
    assert pytest.approx(0.90) == 3 * 0.60 / 2
    says("two of three at 60 % become two at 90 %")
    says("must be up: 1 - 0.99². Without the deployment it is 0.03 %")
    says("too few are up for 2 % of that time instead of 0.03 %")
    at = spares.Setting()
    assert 100 * spares.theory(at, deploying=1) == pytest.approx(2, abs=0.05)
    assert 100 * spares.theory(at) == pytest.approx(0.03, abs=0.002)


def test_the_storm():
    at = storm.Setting()
    assert (at.capacity_rps, at.load_rps, at.spike, at.spike_s) == (50, 35, 3, 5)
    given("can do 50 requests per second. It gets 35", "At second 10 there", why="the example")
    given("three times the load, for five seconds. At second 15", why="the example sets it")
    given("It works at 100 %", why="all of the time")
    says(f"the load is {100 * at.load_rps / at.capacity_rps:.0f} % of what the server can do")
    given("is asked three times", "comes three times", "asks three times", why="three attempts")
    given("ten requests per second of capacity, seven of load", why="the next cell's own")
    PROSE.sourced("can do 300 queries/s", "At 280 queries/s", source="Bronson")
    says(f"afterwards {2 * 280} arrive")
    trial = storm.Trial()
    says(f"needs {trial.service_ms:.0f} ms a request", f"waits for {trial.timeout_s} s")
    shown(
        "a cut of 78 % of its processors",
        "one of 80 % it did not, and one of 80 %",
        by=test_threshold.test_the_shape_that_huang_et_al_measured,
    )
    given("At 60 % load, response times", "sized for 5 % of the traffic", why="examples")
    given("anything up to base × 2ⁿ", "be a tenth of the requests, and no more", why="the remedy's")
    given("half of the last calls failed", why="the breaker's own")
    given("A tenth is what Google's clients", why="chapter 21 of the book, at the end of the page")
    given("at least 20 of them, where this one looks at the last 20", why="two libraries' defaults")
    given("20 requests/s of capacity, 16 of load, and a spike of twice that", why="the next cell's")
    says(f"150 become {2 * 150}, which is just what it can do")
    given("every query is asked twice", why="the question sets it")
    assert threshold.theory(threshold.Setting(attempts=5)) == pytest.approx(1 / 5)
    says("A fifth: five attempts of a fifth of the capacity fill it")
    universal(
        "every trigger is survived",
        why="with all its attempts such a load is below the capacity; tested with the hardest",
    )
    universal(
        "the line never gets shorter",
        why="more comes in than goes out",
    )


def test_quotas():
    at = storm.Setting(remedy="retry quota")
    assert (at.tokens, at.retry_tokens) == (500, 14)
    guide = "SDKs and Tools Reference Guide"
    PROSE.sourced("a bucket of 500 tokens", "A retry takes 14 of them out", source=guide)
    PROSE.sourced("it was 10 after a time-out", "puts 1 back", source=guide)
    says(f"one failed retry is paid by {spelled(at.retry_tokens)} answers")
    says(f"tokens over cost, {at.tokens // at.retry_tokens} for one client")
    many = at.but(tokens=20 * at.tokens)
    says(f"Twenty of them that share the load have {many.tokens:,} tokens")
    says(f"send {many.tokens // many.retry_tokens} retries")
    one, twenty = (storm.theory(each).back_s - at.calm_s for each in (at, many))
    assert 3 < twenty / one < 4
    says("the outage is more than three times as long")
    universal("nothing is retried", why="a bucket that nothing fills stays empty; test_storm")
    universal(
        "recovers from any load below its capacity",
        why="each request is asked once there, and its load is below the capacity; test_storm",
    )


def test_time_outs():
    at = real_fallback.Trial()
    assert (at.answer_ms, at.slow, at.slow_ms, at.pages) == (20, 0.1, 1_000, 300)
    given("answers in 20 ms on average", "one answer in ten takes a whole second", why="its plan")
    given("for 300 pages; and does so six times at once", why="the measurement's plan")
    says(f"with {spelled(len(real_fallback.TIMEOUTS_MS) - 1)} time-outs and without one")
    wait_ms = 1e3 * real_fallback.theory(at, 100.0).wait_s
    assert 0.1 * 100 + 0.88 * 20 < wait_ms < 0.1 * 100 + 0.9 * 20
    says("0.1 × 100 ms for the slow tenth, and a little less than 0.9 × 20 ms")
    says(f"Without a time-out it is {1e3 * real_fallback.theory(at, math.inf).wait_s:.0f} ms")
    assert real_fallback.theory(at, 100.0).fallback < 1.1 * at.slow
    assert real_fallback.theory(at, 50.0).fallback > 1.5 * at.slow
    says("Below some 100 ms a longer time-out saves good answers", "the slow tenth comes too late")
    says(f"99th percentile, which is {at.answer_ms * math.log(100):.0f} ms here")


def test_storms():
    says("so at 70 % load any budget below 43 % recovers")
    at = storm.Setting(remedy="retry budget")
    assert not storm.theory(at.but(budget=0.42)).lasts
    assert storm.theory(at.but(budget=0.43)).lasts
    says("limits what a dead system gets to 1.1")
    assert storm.theory(at).dead_rps / at.load_rps == pytest.approx(1.1)
    says("(here up to 45 requests/s)")
    assert [storm.theory(at.but(load_rps=rps)).lasts for rps in (45.0, 46.0)] == [False, True]
    says("at 70 % load, three attempts and a spike of five seconds, it stays down")
    assert at.load_rps / at.capacity_rps == pytest.approx(0.7)
    assert storm.simulate().at_end == 0
    says("Opened for a minute it costs a minute")
    slow = storm.simulate(remedy="circuit breaker", open_s=60.0, run_s=120.0)
    assert 55 < slow.back_s - slow.at.calm_s < 62
    says("and opens again; each round the line is shorter")
    states = [state for _, state in storm.simulate(remedy="circuit breaker", open_s=1.0).states]
    assert states.count("open") > 1
    assert states[-1] == "closed"


def test_thresholds():
    says("Below 1/*a* every trigger is survived")
    for attempts in (2, 3):
        at = threshold.Setting(attempts=attempts, cut_s=10.0)
        run = threshold.simulate(at.but(load=0.9 / attempts))
        assert run.at_end == pytest.approx(1)


def test_pages():
    given("if a stand-in is worth 60 %", why="a setting of the slider")
    says(f"ten parts at 99 % make a page at {100 * 0.99**10:.1f} %", "0.99 to the tenth")
    assert degradation.PAGES == 4_000
    says("Four thousand pages")
    second = test_degradation.test_a_second_try_squares_what_is_missing
    shown("**Try each part twice.**", "are served 99.9 % of the time", by=second)
    fate = test_degradation.test_a_fallback_that_can_fail_as_well
    shown("half of what the fallback was worth is gone", by=fate)
    given("Making eight of ten parts soft", why="two are left")
    says("lifts the pages served from 90 to 98 %")
    at = degradation.Setting()
    assert 100 * degradation.theory(at).served == pytest.approx(90.4, abs=0.1)
    assert 100 * degradation.theory(at, 2).served == pytest.approx(98, abs=0.1)


def test_shedding():
    given("half as much again as it can do", "up to three times the", why="the example, the slider")
    says("Two thirds of the clients at one and a half times the capacity, a third at three times")
    for order in ("newest first", "deadline", "short line"):
        for load, share in ((1.5, 2 / 3), (3.0, 1 / 3)):
            run = shedding.simulate(order=order, load=load)
            assert run.here / load == pytest.approx(share, abs=0.02)
    says("from a load of a tenth above its capacity on")
    served = shedding.simulate()
    assert served.goodput[[load >= 1.1 for load in shedding.LOADS]].max() < 0.05


def test_alerts():
    given("You promise 99.9 %, so a thousandth", "Thirty quiet days", why="the example sets it")
    given("At 1 the month's budget lasts a month", why="what the word means")
    assert 0.01 / burn_rate.Setting().budget == pytest.approx(10)
    says("if a hundredth fails and a thousandth may, it is 10")
    shown(
        "| page | 1 h | 5 min | 14.4 | 2 % |",
        "| page | 6 h | 30 min | 6 | 5 % |",
        "| ticket | 3 days | 6 h | 1 | 10 % |",
        by=test_monitoring.test_the_table_of_the_sre_workbook,
    )
    long = test_monitoring.test_an_alert_without_its_short_window_stays_on_for_an_hour
    shown("after twenty minutes in which half of the requests", by=long)
    short = test_monitoring.test_an_alert_that_looks_at_five_minutes_alone_wakes_people
    shown(
        "to 0.1 requests per second",
        "in thirty quiet days there are more than twenty.",
        by=short,
    )
    assert 1 / 0.001 > 200
    says("one failure is a burn rate of hundreds")
    quiet = test_monitoring.test_windows_keep_the_nights_quiet
    shown("are silent for thirty days", by=quiet)
    says("may hold 1.44 % of failures. At 10 % that takes about a seventh of it")
    assert pytest.approx(1 / 7, rel=0.01) == 14.4 * 0.001 / 0.1
    says("is on some twenty times a day at the opening setting")
    per_day = [burn_rate.simulate(seed=seed).false[burn_rate.NAIVE.name] / 30 for seed in range(4)]
    assert 15 < min(per_day) <= max(per_day) < 28
    at, window_s = burn_rate.Setting(), 60 * burn_rate.NAIVE.long_min
    assert round(at.usual * at.budget * at.rps * window_s) == 1
    assert burn_rate.NAIVE.threshold * at.budget * at.rps * window_s == pytest.approx(3)
    says("its five minutes hold one failure on average, and three are enough")
    quick = [
        burn_rate.simulate(rps=100.0, usual=usual).false[burn_rate.NAIVE.name]
        for usual in (0.0, 0.4, 0.7)
    ]
    assert quick[:2] == [0, 0]
    assert quick[2] > 300
    says("At 100 requests per second it is quiet, as long as the usual burn rate is below a half")
    says("14.4 is 2 % of 30 days in one hour")
    assert math.isclose(0.02 * 30 * 24, 14.4)


def test_gray_and_a_bad_day():
    assert gray.simulate(balancer="fewest in flight", utilisation=0.1).failed > 0.1
    says("a tenth and more: visible", "one of them at 100 %", "One of them is at 100 %")
    github = "GitHub"
    PROSE.sourced("On 21 October 2018 at 22:52 UTC", "**43 seconds**", source=github)
    PROSE.sourced("**24 hours and 11 minutes**", "In those 43 seconds", source=github)
    PROSE.sourced("for some forty minutes", "from 23:19 on. At 16:45", source=github)
    PROSE.sourced("more than five million events waiting", "gone at 23:03", source=github)
    vendor = bad_day.VENDOR
    assert (vendor["backlog"], vendor["dropped"]) == (5e6, 2e5)
    given("about 200,000 events were thrown away", "and 22:52 UTC", why="section 14's source says")
    newest = test_bad_day.test_newest_first_delivers_the_fresh_ones_at_once
    shown("11 min none is dropped; with 600 min more than a million are", by=newest)
    live = test_bad_day.test_the_time_to_live_hardly_matters_to_who_notices_soon
    shown("anything up to 16.9 hours gives the same number of drops", by=live)
    shown("The later they are noticed, the more it matters", by=live)
    trickle = test_bad_day.test_a_trickle_during_the_pause
    shown("Let 40 events per second", "Half of the backlog never comes", by=trickle)
    at = bad_day.Setting()
    backlog, left = bad_day.theory(at).backlog, at.capacity_rps - at.hooks_rps
    says(f"Only {left:.0f} per second are left for it: {backlog / 1e6:.2f} million / {left:.0f} is")
    says(f"is {significant(backlog / left)} s")
    given("October 21 post", "30 October 2018", "the five million, the 200,000", why="the source's")
    given("chapters 21 and 22", why="the source's")
    PROSE.sourced("find 22 of them", "reports of 11 organisations", source="OSDI 2022")
    PROSE.sourced("at least 4 of 15 major", source="OSDI 2022")


def test_percentiles():
    given("report their 99th percentiles", why="the example sets it")
    says("one request in a hundred takes", "Nearly all of the slowest hundredth")
    says("a tenth of whose requests are in it")
    says("longer than 0.43 s, and one in twenty-four does")
    at = percentiles.Setting()
    averaged = percentiles.theory(at).averaged_ms
    assert averaged == pytest.approx(437, abs=1)
    run = percentiles.simulate()
    assert 1e-3 * run.averaged_ms == pytest.approx(0.43, abs=0.005)
    assert 1 / percentiles.beyond(at, run.averaged_ms) == pytest.approx(24, abs=1)
    assert 50 * math.log(100) == pytest.approx(230, abs=1)


def test_what_is_said_of_all():
    universal("everybody meets $B(42, 20)$", why="Poisson arrivals see time averages")
    universal(
        "which does not contain the images at all",
        why="the walls' formula has the logins' load and threads alone",
    )
    universal(
        "Nobody is answered in time, so every request is asked three times",
        why="at the opening setting; " + never_back(),
    )
    universal(
        "the **breaker** sends nothing at all",
        why="while it is open; probes are sent when it is half-open",
    )
    universal(
        "as many as the server can do, at any load",
        why="any load above its capacity on the panel; worked out for 1.5 and 3 times",
    )
    universal(
        "a dead server now gets no retries at all",
        why="a budget that is paid from answers earns nothing while there are none; test_storm",
    )
    universal(
        "their *own* files lack nothing",
        why="acknowledged after the commit; test_redundancy counts after every kill",
    )


def never_back() -> str:
    """Say that the storm of the opening setting lasts, having run it."""
    assert storm.simulate().at_end == 0
    return "its goodput at the end of the run is 0"


test_every_number_is_held = PROSE.completeness(globals())
