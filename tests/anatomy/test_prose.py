"""Numbers in the chapter's prose and answers: each is worked out here, and found in the text."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import blueprint
from helpers.anatomy import (
    autoscaler,
    balancing,
    cache_load,
    cdn,
    chain,
    health_check,
    hit_ratio,
    ladder,
    outage,
    power_cut,
    questions,
    real_balancing,
    real_outage,
    sessions,
    whole_system,
)
from helpers.anatomy.policies import POLICIES
from helpers.anatomy.usual_design import usual_design
from tests.anatomy import (
    test_autoscaler,
    test_balancing,
    test_health_check,
    test_layouts,
    test_whole_system,
)
from tests.prose import Prose

PROSE = Prose("04", questions)
said, given, shown, universal = PROSE.computed, PROSE.given, PROSE.shown, PROSE.universal


def test_the_whole_system() -> None:
    given("share work in six ways", "file in half", "← 03 Trade-offs", why="a count, or a name")
    parts = {each.name: each for each in usual_design().components}
    clients, check = parts["clients"], parts["balancer"].health_check
    assert (clients.write_fraction, clients.job_fraction) == (1 / 5, 1 / 4)
    said("one request in five changes something, and one in four of those")
    sent = whole_system.Setting().rate_rps * whole_system.DURATION_S
    assert 200 < sent < 1_000
    said("Ten seconds hold a few hundred requests")
    assert (check.threshold * check.interval_s, check.interval_s) == (2, 1)
    given("**app-2** dies", why="a name")
    without = test_whole_system.test_without_the_cache_the_replica_answers_every_read
    shown("with a hit ratio of 80 % that is five times as many on average", by=without)
    assert 1 / (1 - whole_system.Setting().cache_hit_ratio) == pytest.approx(5)


def test_near_the_user() -> None:
    given("travels 200,000 km per second", "TLS 1.3", why="the speed of light in glass, a version")
    assert pytest.approx(cdn.ROUND_TRIP_S_PER_KM) == 2 / 200_000
    said(f"makes {1e6 * cdn.ROUND_TRIP_S_PER_KM:.0f} µs for each kilometre")
    said("Distance costs 10 µs per kilometre and round trip, three times for a new connection")
    given("from 0 to 1 and watch mean and 99th percentile", why="the slider's ends")
    cold, warm = (cdn.theory(cdn.Setting(hit_ratio=h)) for h in (0.0, 0.8))
    said(f"At hit ratio 0, and {cdn.Setting().distance_km:,.0f} km away")
    assert cold.mean_s < 0.5 * cold.direct_s
    said("in less than half the time")
    assert pytest.approx(warm.hit_s) == 3 * 100 * cdn.ROUND_TRIP_S_PER_KM
    said("end at the edge, 100 km away")
    assert 11 < warm.direct_s / warm.mean_s < 12
    runs = [cdn.simulate(hit_ratio=0.8, seed=seed).summary for seed in range(1, 5)]
    tails = [float(r["ttfb_p99_ms"]) / float(r["direct_p99_ms"]) for r in runs]
    assert np.mean(tails) == pytest.approx(0.4, abs=0.03)
    said(
        "And at 80 % the mean has fallen more than",
        "the 99th percentile only to about four tenths of",
    )
    given("more than one request in a hundred misses, the slowest hundredth", why="what p99 means")
    given("gets (1 − h) of the load", why="the formula")
    PROSE.sourced("makes round trips 2.1 times as long as the map says", source="Bozkurt et al.")
    given("Two of the three long round trips", why="a count")
    near, far = (cdn.theory(cdn.Setting(hit_ratio=0.0, distance_km=km)) for km in (100.0, 8_000.0))
    assert near.mean_s > near.direct_s
    assert far.mean_s < far.direct_s
    universal(
        "where it is far away the first byte comes sooner even when nothing is cached",
        why="beyond one and a half times the distance of the edge",
    )
    universal("which no server upgrade will ever shorten", why="light in glass is no faster")


def test_who_gets_the_next() -> None:
    said("every server gets a tenth of the requests")
    assert balancing.Setting().servers == 10
    exact = balancing.theory(balancing.Setting())
    given("leaves each server an M/M/1 queue", why="a name")
    assert (exact["round robin"] - 1) / (exact["random"] - 1) == pytest.approx(0.5, abs=0.05)
    said("about halves the wait")
    said(
        f"At $\\rho = 0.9$ that is {balancing.power_of_choices(0.9):.2f} instead of "
        f"{exact['random']:.0f}"
    )
    shortest = blueprint.exact_balancing("join shortest queue", servers=10, utilisation=0.9)
    assert exact["random"] / shortest == pytest.approx(5, rel=0.1)
    *_, sharpest = balancing.simulate()
    two = sharpest.response.estimate[POLICIES.index("power of two")]
    assert balancing.power_of_choices(0.9) < two == pytest.approx(3, abs=0.2)
    said("at 90 % load, looking at two servers", "from 10 service times to about 3")
    given("as nineteen of twenty do", why="the intervals' level is 95 %")
    many = test_balancing.test_more_balancers_make_counting_worse_but_not_true_counts
    shown("to 8 balancers", "nearly doubles", "sees an eighth of the connections", by=many)
    given("so near 95 % your diamond", why="the slider's end")
    assert real_balancing.Trial().servers == 10
    said("Ten of them, on your machine", "a queue at 90 % takes far longer")
    universal("No point can lie below its dash", why="a reply is held back for so long at least")
    universal(
        "Every policy sends each server the same number of requests in the long run",
        why="all servers are alike, and so are all places in the order",
    )


def test_a_server_dies() -> None:
    assert health_check._GROUPS * health_check._DEATHS == 4_000
    assert health_check.CAPACITY_RPS == 100
    said("over 4,000 deaths", "Each server can do 100 requests")
    given("why $k$ is not 1", "The second half of the story", "above 1 they cannot", why="a word")
    assert health_check.STEP_S == 0.25
    said("in steps of a quarter of a second")
    assert pytest.approx(1 / 6) == 1 - 2 / (3 * 0.8)
    said("a sixth of the traffic at 80 %")
    change = test_health_check.test_two_changes_that_end_the_cascade
    shown("wait for more than half a second", by=change)
    at = health_check.Setting()
    rate = at.utilisation * at.servers * health_check.CAPACITY_RPS
    said(f"{rate / at.servers:.0f} requests/s for one and a half intervals")
    assert health_check.theory(at).errors == pytest.approx(60 * 1.5 * at.interval_s)
    given("λ/n times one and a half intervals", why="two checks less half an interval")


def test_break_it() -> None:
    given("twenty times over", "one request in a hundred still fails", why="the cell's own numbers")
    said(f"here {100 * 3 / 4:.0f} %", f"at 74 % the survivors are {100 * 0.74 * 4 / 3:.0f} % busy")
    begins = test_health_check.test_the_cascade_begins_below_the_boundary_of_capacity
    shown("At 73 % you will look", "at 76 % nearly every death ends so", by=begins)
    failed = [
        health_check.simulate(servers=4, utilisation=0.76, check="deep", seed=s).failed_after
        for s in range(10)
    ]
    assert np.mean(failed) == pytest.approx(1 / 5, abs=0.03)
    assert pytest.approx(1 / 100, abs=0.005) == 1 - 3 / (4 * 0.76)
    said(
        "with a fifth of all requests failing although",
        "the survivors lack only one part in a hundred",
    )
    said(f"With ten servers the boundary of capacity is at {100 * 9 / 10:.0f} %")
    said(f"20,000 reads/s and a database that can do {cache_load.CAPACITY_RPS:.0f}.")
    said(f"here {100 * (1 - cache_load.CAPACITY_RPS / 20_000):.0f} %")
    said(f"Every read misses: {1 / 0.01:.0f} times as much, and {20_000 / 800:.0f} times what it")
    given("best read as 1 − h", why="the formula")


def test_sessions_and_servers() -> None:
    exact = float(sessions.theory(sessions.Setting(event="add a server")))
    assert exact == pytest.approx(3 / 4)
    said("Three users in four get another remainder")
    said(f"keep {sessions.Trial().users} sessions next")
    given("half an interval plus the boot time", why="the formula")
    assert autoscaler.theory(autoscaler.Setting(factor=2.0, rise_s=600.0)) == 0
    said("demand doubles within ten minutes, and the headroom alone is enough")
    jump = autoscaler.Setting(rise_s=0.0)
    wanted = jump.factor * autoscaler.BEFORE_RPS
    ready = autoscaler.BEFORE_RPS / jump.target
    lag_s = jump.boot_s + jump.interval_s / 2
    said(f"{wanted:.0f} wanted, {ready:.0f} possible, for {lag_s:.0f} s")
    assert autoscaler.theory(jump) == pytest.approx((wanted - ready) * lag_s)
    given("every half minute, as the mean", "says 100 %, whatever", why="the model's own")
    forgets = test_autoscaler.test_an_autoscaler_that_forgets_its_orders_overshoots
    shown("a look every half minute", "more than twice the servers you need", by=forgets)
    blind = test_autoscaler.test_an_autoscaler_that_sees_full_servers_only_climbs_in_stairs
    shown("A fivefold rise is now answered in stairs", "grows by more than half", by=blind)


def test_memory() -> None:
    given("show the middle 80 % of the times", why="the bars' meaning")
    network_s = ladder.PUBLISHED_S["round trip within a data centre"]
    assert network_s == 0.5e-3
    assert network_s / 100e-9 == pytest.approx(5_000)
    said("A round trip of half a millisecond is thousands of memory accesses long")
    PROSE.sourced("half a millisecond (Dean 2009)", source="Dean 2009")
    given("hundreds of times faster than a query", why="a measurement; the page prints yours")


def test_hit_ratios() -> None:
    said(f"The database here can do {cache_load.CAPACITY_RPS:.0f} reads per second")
    loads = [cache_load.theory(cache_load.Setting(hit_ratio=h)).database_rps for h in (0.99, 0.98)]
    assert loads[1] / loads[0] == pytest.approx(2)
    said("From 99 % to 98 % looks like nothing", "is twice the load on the database's")
    said("that goes from 1 % to 2 %")
    edge = 1 - cache_load.CAPACITY_RPS / 4_000
    said(f"For 4,000 reads/s that edge is at {100 * edge:.0f} %", "at 80 % it has become a part")
    given("sees 1 − h", "gets 1 − h of", "below 1 − C/λ", why="the formula")
    said(f"fed with {hit_ratio._READS:,} reads")
    skewed, flat = (
        float(hit_ratio.theory(hit_ratio.Setting(exponent=e, share=0.1)).lru) for e in (0.9, 0.0)
    )
    assert 0.5 < skewed < 0.6
    assert flat == pytest.approx(0.1)
    said("At exponent 0.9, room for a tenth of the keys answers more than half of the reads")
    said("At exponent 0 the magic is gone; a cache of a tenth then answers a tenth")
    said("A tenth of the room, more than half of the reads", "Zipf's exponent near 1 a small")
    given("has the other half of the check", why="a way of speaking")


def test_the_source_of_truth() -> None:
    said(f"Each of {power_cut._CUTS} cuts")
    at = power_cut.Setting()
    given("goes to 0 with $T$", "between two of them", why="a limit, and a count")
    assert at.rate_rps * 1e-3 * at.sync_ms == pytest.approx(1)
    said(f"{at.rate_rps:.0f} writes/s need the whole disk")
    said(f"The next cell commits {power_cut.Trial().commits} payments")
    assert power_cut.theory(at).lost_writes == pytest.approx(at.rate_rps * at.flush_s / 2)
    said("loses λT/2 acknowledged ones", "On average half a second's worth")
    PROSE.sourced("found sixty weak places", source="Pillai")
    given("store it in four ways", why="a count")
    mix = test_layouts.test_the_cheapest_layout_follows_the_mix
    shown("to one question in ten", "At one in a hundred neither of the two wins", by=mix)


def test_queues() -> None:
    assert pytest.approx(3.65, abs=0.005) == (1 - 0.99) * chain.HOURS_A_YEAR / 24
    said("Each alone is down 3.65 days")
    given("from the 20th second on", "harmless to do it twice", why="the picture's, a phrase")
    universal(
        "With a queue after the first it is $a^2$, whatever comes later",
        why="the user waits for the first service and the queue alone",
    )
    slow = outage.fluid(50, 20, 55)
    assert slow.drain_s > 3 * 60
    said("an outage of 20 s is felt for more than three minutes")
    said(f"goes away for {real_outage.Trial().outage_s} s", "accept 200 jobs")
    at = outage.Setting()
    exact = outage.theory(at)
    said(
        f"{exact.backlog:,.0f} jobs are left, and only {at.drain_rps - at.rate_rps:.0f}/s of the "
        f"worker's {at.drain_rps:.0f} go into catching"
    )


def test_sources() -> None:
    given("12(10)", "20(7)", why="a volume")


test_every_number_is_held = PROSE.completeness(globals())
