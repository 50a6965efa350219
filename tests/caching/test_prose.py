"""Numbers in the chapter's prose and answers: each is worked out here, and found in the text."""

from __future__ import annotations

import math
from math import comb

import numpy as np
import pytest

from helpers.caching import (
    cold_restart,
    eviction,
    expiry,
    herd,
    hit_ratios,
    interleavings,
    mixed_traffic,
    questions,
    real_expiry,
    real_write_behind,
    refresh_ahead,
    staleness,
    strategies,
    synchronised,
    traces,
    write_behind,
    write_race,
    xfetch,
)
from helpers.foundations.prose import significant
from tests.caching import (
    test_cold_restart,
    test_eviction,
    test_expiry,
    test_interleavings,
    test_policies,
    test_refresh_ahead,
    test_staleness,
    test_strategies,
    test_synchronised,
)
from tests.prose import Prose, spelled

PROSE = Prose("09", questions)
said, given, shown, universal = PROSE.computed, PROSE.given, PROSE.shown, PROSE.universal


def test_the_strategies() -> None:
    given("100 minutes", why="a guess at a reader's time")
    given("**miss ratio**, 1 − *h*", why="its definition")
    said(f"the same {mixed_traffic._OPERATIONS:,} reads and writes", "the same 12,000 operations")
    at = strategies.Setting()
    assert at.bypass_share == 0.1
    said("A tenth of the writes comes from a batch job")
    assert at.write_share == 0.1
    said("with one write in ten, which strategy")
    fresh = test_strategies.test_without_writes_past_the_cache_one_writer_at_a_time_is_never_stale
    shown("Set that slider to 0, and not one read is stale", by=fresh)
    universal(
        "not one read is stale, under any strategy",
        why="each operation ends before the next begins; tested",
    )
    given("the same fact seen twice", why="a way of speaking")
    many = strategies.simulate(write_share=0.6).of("stale_share")
    for deleting in ("cache-aside", "refresh-ahead"):
        for storing in ("write-through", "write-behind"):
            assert many[deleting] < 0.7 * many[storing]
    usual = strategies.simulate().of("stale_share").values()
    assert max(usual) < 1.2 * min(usual)
    forgetful = test_strategies.test_forgetting_to_delete_is_quicker_and_stale
    shown("more than two reads in five are stale", by=forgetful)
    assert strategies.theory(at)["cache-aside"].stale_share == pytest.approx(1 / 20, rel=0.15)
    said("where it was about one in twenty")
    sliding = (
        test_strategies.test_a_life_that_every_hit_prolongs_saves_misses_and_keeps_stale_values
    )
    shown("misses less than half as often", by=sliding)


def test_every_order() -> None:
    run = interleavings.simulate()
    assert run.stale == 1
    said(f"\\binom{{5}}{{2}} = {comb(5, 2)}$ ways")
    shown(
        "6 orders of 10 go wrong",
        by=test_interleavings.test_deleting_first_goes_wrong_in_six_orders_of_ten,
    )
    shown(
        "Half of the orders end with a refusal",
        by=test_interleavings.test_what_the_chapter_says_of_leases_and_two_writers,
    )
    given("between two of them the other client", "**Delete twice.**", why="a count")
    assert comb(6, 3) == 20
    shown(
        "can be shuffled in twenty ways, and three of them end stale",
        by=test_interleavings.test_deleting_twice_goes_wrong_in_three_orders_of_twenty,
    )
    assert len(run.orders) == 10
    said("One order in ten is not ten per cent", "one interleaving in ten re-installs")
    said("one order in ten still leaves the copy stale")
    shown(
        "two of the six orders end stale",
        by=test_interleavings.test_numbers_a_learner_can_check_by_hand,
    )
    universal("none of them stale", why="leases, over all orders of one and two rounds; tested")
    universal(
        "Two clients and one key show every flaw that needs only two clients and one key",
        why="all their orders are run",
    )


def test_the_cold_cache() -> None:
    given("to a share 1 − *h* of the traffic", "1/(1 − *h*)", "1/(1 − h)", why="the formula")
    given("The multiplier is 1/(1 - h)", "1/(1 - h). If you", why="the formula")
    assert cold_restart.load_multiplier(0.95) == pytest.approx(100 / 5)
    said("It used to get 5 % of the requests, and now it gets 100 %.")
    before, after = (cold_restart.load_multiplier(h) for h in (0.90, 0.99))
    said(f"which goes from {before:.0f} to {after:.0f}.")
    assert after / before == pytest.approx(10)
    said("is ten times too small for a cold cache", "a restart is ten times as bad")
    rate = cold_restart.Setting().rate_rps
    said(f"in front of {cold_restart.KEYS:,} keys of Zipf popularity")
    said(f"is emptied under {rate:,.0f} requests per second")
    first_use = next(text for text in PROSE.texts.values() if "LRU" in text)
    assert "throws out the key not used for longest (*LRU*)" in first_use
    opening = test_cold_restart.test_what_the_chapter_says_of_its_opening_setting
    shown("starts at nine times the usual one", "for more than twice as long", by=opening)
    shown(
        "A tenth of the cache, if it is the right tenth", "three quarters of the spike", by=opening
    )
    universal(
        "hits exactly as often as a full cache that remembers the last *n*",
        why="either way it hits if its key is among the last n requests, which are independent",
    )


def test_the_herd() -> None:
    at = expiry.Setting()
    exact = expiry.theory(at)
    said(f"one query's time at most, {at.recompute_s:g} s here")
    said(f"a few queries, {exact.queries['early refresh']:.1f} on average")
    given("200 requests per second for the key", why="a setting of the next cell")
    trial = real_expiry.Trial()
    said(f"a pool of {trial.connections} connections and {trial.recompute_s} s of work per query")
    assert trial.rate_rps * (real_expiry._BEFORE_S + 2 * trial.recompute_s) > 300 + 2 * math.sqrt(
        300
    )
    said("under more than 300 clients", f"{spelled(trial.connections)} at a time")
    told = test_expiry.test_telling_those_in_line_cuts_the_triangle_off
    shown("less than half a second instead of almost eight", by=told)
    given("a herd again for a thousand", why="a count of servers")
    given("1 + λδ", "(1 + λδ) δ", "1 + rate × recompute time", why="the formula")
    herd = exact.queries["none"]
    said(f"{herd:.0f} queries of {at.recompute_s:g} s on {at.connections} connections")
    said(f"cached after {at.recompute_s:g} s")
    assert exact.saturated_s == pytest.approx(8, abs=0.5)
    spent_s = herd * at.recompute_s / at.connections
    said(f"for another {spent_s - at.recompute_s:.1f} s")
    given("Half as many stalls", why="twice the time to live")
    universal(
        "As many requests wait as before, but for one query's time at most",
        why="the flight under way began before they came",
    )
    limit = (60 * 20 / 2 - 1) / 2
    assert limit == pytest.approx(300, rel=0.01)
    given("Its time to live is 60 s", "δ = 2 s and 20 connections", why="the task sets it")
    said("Three hundred requests per second", "on 20 connections fill 60 s at about 300 requests/s")
    given("(1 + 2 × rate) queries of 2 s", why="the task sets it")


def test_the_coin() -> None:
    given("*one* request out of thousands", "probability 1 % in the last", why="an example")
    given("*β* is eagerness, usually 1", why="Vattani et al.'s default")
    said(f"the mean of {xfetch.Setting().replications:,} simulated expiries")
    small, large = herd.herd(10, 0.4), herd.herd(100_000, 0.4)
    assert xfetch.RATES_RPS[[0, -1]] == pytest.approx([10, 1e5])
    said(f"grows from {small:.0f} to {significant(large)} queries")
    assert xfetch.stampede(10, 0.4) == pytest.approx(math.e, rel=0.1)
    assert xfetch.stampede(1e5, 0.4) == pytest.approx(math.e)
    said(f"stays near *e*, about {math.e:.1f}")
    given("exponentially distributed with mean 1", why="a step of the argument")
    said(f"At β = 1 it is {math.e:.2f}; a β of 4 brings it to {math.exp(0.25):.2f}")
    said(f"(γ = {np.euler_gamma:.3f} is Euler's constant)")
    assert 2 * (math.log(100 * 2) + np.euler_gamma) > 10
    said("with δ = 2 s, a TTL of 10 s and a hundred requests per second")
    assert xfetch.stampede(3, 0.4) < 0.7 * math.e


def test_many_keys() -> None:
    at = synchronised.Setting()
    said(f"warm the cache with {at.keys:,} keys", f"all {at.keys:,} expire", "are 2,000 different")
    given("Widen the jitter from 0", why="the slider's end")
    assert at.work_s == pytest.approx(5)
    shown(
        "stay busy for about the same five seconds until the jitter is nearly as wide",
        "by about 0.7 s for each second of jitter, is the longest time",
        "there is hardly anything left to shrink",
        by=test_synchronised.test_what_the_chapter_says_of_its_opening_setting,
    )
    work = f"{at.keys:,} times {1e3 * at.query_s:.0f} ms of work on {at.connections} connections"
    said(f"{work} takes {at.work_s:.0f} s")


def test_writing() -> None:
    given("this half of the claim", "the first half", "Where two of them cross", why="a count")
    rare = write_race.theory(write_race.Setting(write_rps=1.0, delay_s=0.002))
    assert rare == pytest.approx(0.002 / 2, rel=0.01)
    said(
        "For small *x* that is *x*/2",
        "at one write a second and a delay of 2 ms it happens in one burst of a thousand",
    )
    universal(
        "constant* and no line crosses another",
        why="a constant delay keeps the order; tested",
    )
    exact = write_behind.theory(write_behind.Setting(write_rps=2_000.0, flush_s=0.1))
    assert exact.lost_mean == pytest.approx(2_000 * 0.1 / 2)
    said("half of them on average", "not for its half", "λT/2 acknowledged", "loses λT/2 writes")
    said(f"An interval holds {2_000 * 0.1:.0f} writes")
    given("written ten times between two flushes", why="an example")
    trial = real_write_behind.Trial()
    said(
        f"starts {trial.kills} processes that acknowledge {trial.write_rps:,.0f} writes per second"
    )
    said(f"into sqlite3 every {trial.flush_s} s")


def test_refreshing() -> None:
    at = refresh_ahead.Setting()
    assert at.keys == 500
    said(f"Five hundred keys of Zipf popularity share {at.rate_rps:.0f} reads per second")
    popular = test_refresh_ahead.test_what_the_chapter_says_of_popular_and_rare_keys
    shown("one of the thirty most popular keys is read in at least 99 cases of 100", by=popular)
    shown("of the fiftieth in 95", "three of four are wasted", by=popular)
    assert 1 - math.exp(-10 / 60) < 1 / 6
    said("A sixth of a read is expected in 10 s; 1 - exp(-1/6) is a little less than that.")
    universal(
        "The timer removes every miss", why="an entry is reloaded when its time is up; tested"
    )


def test_old_age() -> None:
    limits = test_staleness.test_the_formula_and_its_limits
    shown("For small μT it is μT/2", "share of about μT/2 of the hits", by=limits)
    minute = staleness.Setting(update_rps=0.01, ttl_s=60.0)
    mu_t = 0.01 * 60
    said(f"{mu_t} changes are expected in a lifetime; half of that is {100 * mu_t / 2:.0f} %")
    hour = staleness.Setting(update_rps=0.01, ttl_s=3_600.0, delivered=0.99)
    assert staleness.stale_hits(hour) < 0.0101
    said("behind a channel that loses one message in a hundred")
    exact = staleness.theory(minute)
    given("Both halves", why="of the claim")
    said(f"a TTL of a minute spares the database {100 * (1 - exact.load_share):.0f} % of the loads")
    assert staleness.stale_hits(minute) == pytest.approx(0.25, abs=0.005)
    said("if the value changes every 100 s, a quarter of the reads is stale")
    universal("the read that misses is always fresh", why="it is loaded at that moment")


def test_what_is_thrown_out() -> None:
    assert eviction.Setting().keys == 1_000
    said("At a size of 1,000 all keys fit", "stays below 100 % because some keys")
    lost = hit_ratios.loop(1_000, 900)
    assert lost["LRU"] == lost["FIFO"] == 0
    assert lost["Belady"] == pytest.approx((900 - 1) / (1_000 - 1), rel=0.01)
    said("Belady nearly (C − 1)/(N − 1)")
    universal(
        "the four policies here that can be built hit nothing",
        why="each evicts a record before the loop comes back to it; tested at three sizes",
    )
    universal(
        "no cache that brings in what it misses can hit more often",
        why="Belady's theorem; tested against all choices on short traces",
    )
    scans = (
        test_eviction.test_with_room_for_400_items_scans_cost_lru_a_sixth_and_sieve_next_to_nothing
    )
    shown("A quarter of the requests", "with room for 400 items LRU loses another sixth", by=scans)
    for exponent in (0.6, 1.2):
        for capacity in (10, 100):
            setting = {"exponent": exponent, "capacity": capacity}
            steady = eviction.simulate(**setting).hit_ratios
            assert steady["LRU"] < min(steady["LFU"], steady["SIEVE"])
            changing = eviction.simulate(trace="changing popularity", **setting).hit_ratios
            assert min(changing, key=changing.get) == "LFU"
    trial = eviction.Trial(keys=2_000, capacities=(20,))
    said(f"with {trial.requests:,} requests for {trial.keys:,} keys")
    given("Two of the five policies, each a dozen lines", why="a count of the page")
    clock = test_policies.test_survivors_at_the_back_lose_most_of_the_gain_and_follow_fashion
    shown("loses most of what SIEVE had won over LRU", by=clock)
    assert len(traces.TRACES) == 4
    universal("on each of the four traces", why="tested on all four")


def test_sources() -> None:
    PROSE.sourced("from 17,000 to 1,300 per second", source="Nishtala et al.")
    given("8(8)", "20(7)", "5(2)", "23 September", "3.2.1 is", why="a volume, a day or a section")


test_every_number_is_held = PROSE.completeness(globals())
