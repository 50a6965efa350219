"""Numbers in the chapter's prose: worked out here or where it is said, given, or sourced."""

from __future__ import annotations

import math

import pytest

from helpers.foundations.suspects import SEEDS
from helpers.studio import (
    by_address,
    daily_p99,
    growth,
    invented_latency,
    latent_faults,
    leaky_queue,
    let_them_in,
    more_cores,
    nearest_driver,
    never_invalidated,
    place,
    questions,
    sorted_ring,
    tester_pool,
    thread_per_peer,
    timelines,
    wrong_signal,
)
from helpers.studio.deck import TRACE_S, deck
from helpers.studio.judge import monthly_usd
from helpers.studio.references import checklist
from tests.prose import Prose, spelled
from tests.studio import (
    test_changes,
    test_daily_p99,
    test_desk,
    test_invented_latency,
    test_latent_faults,
    test_let_them_in,
    test_more_cores,
    test_nearest_driver,
    test_never_invalidated,
    test_sorted_ring,
    test_tester_pool,
    test_thread_per_peer,
    test_timelines,
    test_wrong_signal,
)
from tests.studio import test_growth as test_growth_of

PROSE = Prose("11", questions)
says, given, shown, sourced = PROSE.computed, PROSE.given, PROSE.shown, PROSE.sourced


def test_what_the_page_sets():
    given("about twenty seconds on an idle machine", why="a time, measured")
    given("99 of 100 answers within 800 ms", "*99 of 100*", why="what an objective is called")
    given("**Twice the threads.**", "unpack the three in that order", why="a change of the model")
    given("only what removes nine tenths is kept", why="a change of the model")
    given("for half a second and tries again up to three times", why="the replay's opening")
    given("Give the line room for 8", why="an option of the replay")
    given("*ACM Computing Surveys* 10", why="a source")
    given("At 80 % the next server is forced", why="the question sets it")
    sourced("the 150 ms of Section 1", "to design for ten times", "before a hundred", source="Dean")
    assert growth.FAR_S == 0.150


def test_growth():
    at = growth.Setting()
    held_ms = 40 + 25 + 250 / 20
    says(f"{held_ms} ms a request, are full", "40 + 25 + 250/20 = 77.5 ms", "250 ms of work that")
    assert growth.theory(growth.VERSIONS[0]).rps == pytest.approx(0.7 * 4e3 / held_ms)
    says(f"so four threads do {4e3 / held_ms:.0f} requests a second; 70 % of that")
    says("four connections of 25 ms each", "the version is 70 % busy")
    assert growth.theory(growth.VERSIONS[1]).rps == pytest.approx(0.7 * 4 / 0.025)
    says("the 99th percentile from 3,000 simulated")
    says("three round trips to another continent take 450 ms")
    assert pytest.approx(0.45) == growth.TRIPS * growth.FAR_S
    says("99.9 % cannot be had from one database")
    assert growth.simulate(version=growth.VERSIONS[2]).up < 0.999
    assert growth.simulate(version=growth.VERSIONS[3]).up > 0.999
    shown(
        "250 ms of work that one request in twenty does",
        by=test_growth_of.test_each_step_is_forced_by_a_number_and_the_next_version_is_enough,
    )
    shown(
        "the eight workers; with twice as many it is the servers again, then the database",
        by=test_growth_of.test_with_twice_the_workers_it_is_the_servers_then_the_database,
    )
    assert at.rate_rps == pytest.approx(at.users * 75 / 86_400)


def test_the_deck():
    says("Each brief has four **traces** of twenty seconds. You may look at two of them")
    assert TRACE_S == 20
    assert all(len(one.visible) == len(one.unseen) == 2 for one in deck().values())
    shown(
        "four of four make up to 64 calls", by=test_desk.test_the_storm_that_careful_settings_make
    )
    shown("run the same twenty seconds again", "at least a tenth fewer requests",
          by=test_changes.test_what_is_said_of_a_change_is_what_a_run_says)  # fmt: skip
    says("A hundred designs drawn by chance")
    assert place.Setting().drawn == 100
    PROSE.universal(
        "none of them passes the other two",
        why="tested for each of the eight in test_deck",
    )
    PROSE.universal("none passed what it was not", why="tested for each of the eight in test_deck")
    dearer = [one for one in deck().values()
              if monthly_usd(one, checklist(one)) > one.budget_usd]  # fmt: skip
    says(f"and on {spelled(len(dearer))} of them the checklist costs more than they can pay")


def test_the_trials():
    for one in (invented_latency, sorted_ring, by_address, leaky_queue, daily_p99, tester_pool,
                never_invalidated):  # fmt: skip
        assert len(one.SUSPECT.settings) * len(SEEDS) == 12
    says("on twelve runs of the suspect and on twelve")
    given("one request in a hundred is slower than a 99th", why="what the word means")
    shown("From a load of 1 on", "Beyond a load of 1 its times are longer", "1 + 2 * at",
          by=test_invented_latency.test_another_formula_does_no_less)  # fmt: skip
    assert invented_latency.theory(invented_latency.Setting(load=1.0)).mean_s == math.inf
    shown("half of the keys", by=test_sorted_ring.test_spaced_evenly_half_of_the_keys_move)
    assert by_address.REQUESTS == 4_000
    says("with four thousand requests")
    assert leaky_queue._SHOWN == 40
    says("forty jobs")
    given("keeps a 99th percentile for each minute", "The 99th percentile on", why="a name")
    assert tester_pool.RATE_RPS == 100
    says("due a hundred times a second")
    shown("a few hundred", by=test_tester_pool.test_nobody_is_sent_late_where_threads_abound)
    run = never_invalidated.simulate()
    says(f"hit ratio is {math.floor(1_000 * run.claimed_here) / 10:g} %")
    assert test_never_invalidated.page is never_invalidated


def test_the_answers_of_the_trials():
    assert sorted_ring.theory(sorted_ring.Setting()).least == 1 / 9
    says("A ninth of the keys")
    given("cuts it in two", why="a word")
    at = daily_p99.Setting()
    busy = at.busy * at.crowd * daily_p99.QUIET
    share = busy / (busy + (60 - at.busy) * daily_p99.QUIET)
    assert abs(share - 0.4) < 0.03
    assert at.busy == 4
    says("In four busy minutes came two fifths of all")
    run = tester_pool.simulate()
    mean = round(run.claimed_here[1], 3)
    says(f"100 per second times {mean:g} s makes {100 * mean:g} who")
    assert questions.PREDICTIONS["tester"].question.count(f"{run.claimed_here[3]:.1f} users") == 1
    assert never_invalidated.theory(0.1) == 10 / 11
    says("one event in eleven is an update: 10 / 11 of")
    report = questions.PREDICTIONS["report"].question
    assert f"{daily_p99.simulate().claimed_here:.0f} ms" in report
    assert (at.busy, at.crowd, at.slower) == (4, 10, 20)
    assert "four of its minutes were busy: ten times the requests" in report
    assert "each took twenty times as long" in report
    ring = questions.PREDICTIONS["ring"].question
    assert f"{100 * sorted_ring.simulate().claimed_here:.0f} % of the keys" in ring
    assert test_daily_p99.page is daily_p99


def test_netflix():
    assert questions.DEPENDENCIES == 30
    says("needs thirty services for each answer is up only while all thirty are")
    up = questions.UP**questions.DEPENDENCIES
    says(f"{questions.UP:g} to the thirtieth is {100 * up:.1f} %, and a month has 730 hours")
    assert round(365.25 / 12 * 24, -1) == 730
    assert (1 - up) * 730 > 2
    sourced('with "2+ hours":', source="wiki of Hystrix")
    given("after two hundred changes", why="an example")
    assert latent_faults.Setting().unseen == 0.2
    shown(
        "to the right end, where hardly anybody terminates anything",
        by=test_latent_faults.test_at_the_right_end_hardly_anybody_terminates_anything,
    )
    says("what the last fifth is", "With it, a fifth still do")
    given("A game day a quarter", why="the change to try")
    shown("two and a half times as many", by=test_latent_faults.test_a_game_day_a_quarter)


def test_uber():
    low, high = nearest_driver.LEVEL_12_KM2
    sourced(f"has {low:g} to {high:g} km²", source="Ranney, QCon New York 2015")
    assert nearest_driver.CITY_KM == 12
    says("A city of 12 km by 12 km")
    km = nearest_driver.theory(nearest_driver.Setting()).true_km
    says(f"here {1_000 * km:.0f} m.", f"The nearest is {round(1_000 * km, -1):.0f} m away")
    nine = nearest_driver.theory(nearest_driver.Setting(cells=24, rings=1))
    assert nearest_driver.Setting(cells=24).cell_km == 0.5
    assert nine.not_nearest > 0.02
    says("at 0.5 km even nine of them miss some")
    shown("At 24 cells along the side", "severalfold",
          by=test_nearest_driver.test_four_neighbours_miss_more_than_eight)  # fmt: skip


def test_twitter():
    at, vendor = timelines.Setting(), timelines.VENDOR
    exact = timelines.theory(at)
    krikorian = "Krikorian, QCon San Francisco 2012"
    sourced("400 million tweets a day", "300,000 timelines are", source=krikorian)
    says(f"are {round(vendor['tweets_rps'], -1):,.0f} per second")
    sourced("A tweet goes to 75 followers on average", source="Kleppmann, 2017")
    given("so here a reader follows 75", why="as many as there are followers")
    says(f"Reads are {vendor['reads_rps'] / vendor['tweets_rps']:.0f} times as frequent")
    says(f"{round(exact.writes_rps, -3):,.0f} copies per second")
    assert vendor["largest"] == 31e6
    says("to 31 million followers takes")
    shown("up to a million followers", "thirty times as quick", "follows nearly two of them",
          by=test_timelines.test_a_hybrid_does_not_save_work_it_buys_the_tail)  # fmt: skip
    shown("instead of 1, if a fifth", "fall to a fifth",
          by=test_timelines.test_only_for_those_who_are_there)  # fmt: skip
    assert timelines._TAIL == 1.3
    says("with exponent 1.3;")
    lists = timelines.theory(at, 0.0)
    says(f"{vendor['reads_rps']:,.0f} reads of {lists.lists:.0f} lists are "
         f"{1e-6 * lists.reads_rps:.1f} million")  # fmt: skip
    both = exact.writes_rps + exact.reads_rps
    says(f"{round(exact.writes_rps, -3):,.0f} copies and 300,000 reads are "
         f"{1e-6 * both:.2f} million")  # fmt: skip


def test_kinesis():
    shown("25 November 2020", "at 2:44 AM and was finished at 3:47. At 5:15", "At 9:39 the cause",
          "from 2:44 AM on", by=test_thread_per_peer.test_the_vendors_hours)  # fmt: skip
    at, vendor = thread_per_peer.Setting(), thread_per_peer.VENDOR
    hours = (vendor["normal_min"] - vendor["restart_min"]) / 60
    assert math.floor(hours) == 12
    assert at.restart_ph == 300
    says("At 300 an hour, the twelve hours")
    says(f"to normal are {12 * at.restart_ph:,.0f}.")
    assert at.fleet == 12 * at.restart_ph
    sourced("a few hundred servers an hour", "many thousands", source="Amazon")
    shown("half as many threads, and 150 more", "its own tenth of",
          by=test_thread_per_peer.test_fewer_peers_are_far_from_the_limit)  # fmt: skip
    more = questions.PREDICTIONS["peers"]
    assert f"{at.fleet:,} servers" in more.question
    assert f"{at.added} are added, {100 * at.added / at.fleet:.1f} %" in more.question
    assert abs(more.answer() / (100 * at.added / at.fleet) - 2) < 0.1
    says("n (n - 1): about twice as much")


def test_roblox():
    shown("2 seconds in the median instead of 0.3", "machines of 64 cores with new ones of 128",
          "median back to 0.3 s", by=test_more_cores.test_the_vendors_ratio)  # fmt: skip
    given("28 to 31 October 2021", "73 hours", "Going back to 64 cores",
          why="the vendor's text, named in the sources")  # fmt: skip
    given("twice the cores are twice the work", why="a word")
    shown("128 cores do what the channel can, 100,000 per",
          by=test_more_cores.test_who_sleeps_costs_nothing)  # fmt: skip
    shown(
        "Twenty look",
        "about 85,000 per second",
        by=test_more_cores.test_twenty_who_look_cost_little,
    )
    shown("steps of roughly a tenth, from 10:00 to 16:45", "by tenths", "steps of a tenth",
          by=test_let_them_in.test_the_vendors_steps)  # fmt: skip
    shown("between steps of 15 %", by=test_let_them_in.test_looking_first)
    at = let_them_in.Setting()
    assert (at.warm, at.cold) == (0.5, 3.0)
    says("Half of (1 - step) and three times the step must fit into 1.")
    assert more_cores.SOCKET == 64


def test_slack():
    shown("4 January 2021", "At 7:00 the hourly peak", "1,200 servers were ordered between 7:01",
          "and 7:15", "normal at 10:40", "so that 1,200 servers are missing",
          by=test_wrong_signal.test_the_vendors_order)  # fmt: skip
    shown("less than half of what", "nearly twice as many",
          by=test_wrong_signal.test_no_hasty_downsizing)  # fmt: skip
    assert wrong_signal.SIGNALS[0] == "processor"


def test_sources():
    given("*IEEE Software* 33", "14 September 2015", "8 July 2013", "US-EAST-1",
          "10/28-10/31 2021", "20 January", "January 4th 2021", "1 February 2021",
          why="a source")  # fmt: skip


test_every_number_is_held = PROSE.completeness(globals())
