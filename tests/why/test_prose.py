"""Numbers in the chapter's prose and answers: each is worked out here, and found in the text."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.blueprint import HealthCheck, bounds, theory_design
from helpers.foundations.prose import duration
from helpers.why import (
    binomial_test,
    books,
    canary,
    choices,
    concurrency,
    durability,
    forecasters,
    loss,
    questions,
    rolling,
    surprises,
    traffic,
    users,
)
from helpers.why.closed_station import saturation_users
from helpers.why.shop import my_shop
from helpers.why.users_of_a_server import MEASURED_USERS
from tests.prose import Prose, spelled
from tests.why import (
    test_canary,
    test_concurrency,
    test_durability,
    test_rolling,
    test_traffic,
)

PROSE = Prose("01", questions)
said, given, shown, universal = PROSE.computed, PROSE.given, PROSE.shown, PROSE.universal


def answer(name: str):
    known = questions.PREDICTIONS[name].answer
    return known() if callable(known) else known


def test_what_the_page_counts() -> None:
    said(f"move {PROSE.cells_with('explore(')} explorers")
    given("about twenty seconds", why="a time, measured")
    given("load a server with ten million users", why="section 1 does")
    given("# 01 Why", "Research 9", "Surveys 10", "No. 34-70694", why="a volume or a number")


def test_a_crowd() -> None:
    given("A hundred users, ten million users", "a hundred users does", why="the claim's own")
    given("work for millions", "It needs 10 ms", why="the claim's and the example's own")
    thousand, ten, most = (
        users.theory(users.Setting(users=n)).response_s for n in (1_000, 10_000, 10_000_000)
    )
    said(f"A thousand users get their answers in about {duration(thousand, 2)}")
    assert ten == pytest.approx(40, rel=0.01)
    assert answer("users") == "about 40 s"
    said(f"10,000 users would ask {10_000 / 60.01:.0f} times a second if nobody waited")
    said(f"one worker answers {1 / 0.010:.0f} times", f"here, {1 / 0.010:.0f} answers a second")
    assert most > 86_400
    said("at ten million users more than a day (with 10 ms of work and a minute's pause)")
    said(f"of twenty such intervals about {spelled(round(0.95 * 20))} hold", "**95 % interval**")
    given("cannot be more than 100 % busy", why="all of the time")
    edge = saturation_users(60, 0.010)
    more = [users.theory(users.Setting(users=n)).response_s for n in (20_000, 20_001)]
    assert edge == pytest.approx(6_001)
    assert more[1] - more[0] == pytest.approx(0.010)
    said("Each further user adds 10 ms")
    given("ten million requests in line", why="the slider's end")
    crowds = len(MEASURED_USERS) * users.Trial().replications
    said(f"starts {spelled(crowds)} small web servers")
    said(f"a crowd of {MEASURED_USERS[0]} to {MEASURED_USERS[-1]} simulated people")
    universal(
        "They hold on average for any system in a steady state",
        why="utilisation law and Little's law: Denning and Buzen; Little",
    )


def test_writes() -> None:
    at = durability.Setting()
    fates = durability.theory(at)
    assert fates["no sync"].latency_s == pytest.approx(1e-6)
    assert fates["sync each write"].latency_s > 1_000 * fates["memory"].latency_s
    assert at.sync_ms == 2
    said("in memory a microsecond, with a sync of 2 ms thousands of times as much")
    fast = durability.theory(at.but(sync_ms=0.1))["sync each write"].latency_s
    assert fast < 1_000 * fates["memory"].latency_s, "so the page has to say which sync"
    for writes in (1.0, 500.0, 50_000.0):
        assert 0.002 < durability.group_commit_s(writes, 0.002) <= 0.003
    said("takes between $f$ and $1.5 f$ on average")
    early = test_durability.test_saying_ok_too_early_is_quicker_by_one_sync_and_puts_one_in_danger
    shown("0.4 of them at 200 writes a second, 40 at 20,000", by=early)
    alone = test_durability.test_a_sync_for_each_is_the_row_above_and_cannot_keep_up_with_600
    shown("At 200 writes a second you stand on the row above", "At 600 the disk", by=alone)
    shown("your model serves 4,000 writes", "more than a hundred syncs each", by=alone)
    universal(
        "and never more than $2 f$",
        why="the rest of the sync under way and its own; tested write by write",
    )


def test_threads() -> None:
    said("The core computes 2 ms for each request, so 500 a second; one thread does 50")
    assert concurrency.best_rps(1_000, 0.002, 0.018) == pytest.approx(500)
    assert concurrency.best_rps(1, 0.002, 0.018) == pytest.approx(50)
    said(f"this program, run {concurrency.Setting().replications} times")
    unlocked = test_concurrency.test_without_the_lock_every_thread_is_a_machine
    shown("eight threads do eight times the work", by=unlocked)
    given("What is missing to 100 %", "from version 3.13 on", why="all, and a version")
    universal(
        "whatever the times' distribution",
        why="while the core is idle all N wait, so X Z is at least N (1 - X S)",
    )


def test_two_books() -> None:
    given("*charge 20 euros*", "do the same one twice", "have done twice", why="a way of speaking")
    assert books.Setting().retries >= 1
    said("without keys some are done twice or more often")
    said(f"The work takes {1e3 * books.WORK_S:.0f} ms on average")
    given("Half of the servers know", why="the experiment's plan")
    assert books.interrupted_but_done(0.010, 0.030) == pytest.approx(3 / 4)
    said("Three quarters of a request's life lie after its work is done")


def test_the_shop() -> None:
    shop = my_shop()
    held_s = 0.05 + 0.02
    said(
        f"2 servers of 4 threads, each thread held for {1e3 * held_s:.0f} ms a request: 8 / 0.07 s"
    )
    assert answer("capacity") == pytest.approx(8 / held_s)
    assert float(bounds(shop).summary["capacity_rps"]) == pytest.approx(8 / held_s)
    given("for 50 ms of its own work", "At its 60 requests a second", why="the design's own")
    assert 0.5 < theory_design(shop).summary["busiest_utilisation"] < 0.6
    said("The servers are a little over half busy, at about half of what they can take")
    said(f"with {1e3 * held_s:.0f} ms for $S$", "is only a little over half busy")
    assert forecasters._FORECASTERS == 400
    said("Below, 400 forecasters")
    given("$o$ is 1 if you were right and 0 if not", why="a definition")
    assert pytest.approx(4, rel=0.03) == 0.99**2 / 0.5**2
    said(f"who claims 99 % and is wrong pays {0.99**2:.2f}, four times as much")
    said("as whoever says 50 %")


def test_the_layers_of_the_designs() -> None:
    said("(1, 2, 3, 4, 6 or 8)", f"That makes {len(choices.DECISIONS)} designs")
    assert choices.SERVERS == (1, 2, 3, 4, 6, 8)
    given("Suppose 200 requests a second", "within 120 ms", why="the example sets it")
    run = choices.simulate()
    minutes = {d: o / 60 for d, o in zip(choices.DECISIONS, run.outage_s, strict=True)}
    for (servers, balancers, replicas, _), out in minutes.items():
        single = (balancers == 1) + (replicas == 0)
        expected = {2: 1_050, 1: 530, 0: 1.5}[single] + (525 if servers == 1 else 0)
        assert out == pytest.approx(expected, rel=0.01, abs=0.6)
    said("put you out for about 1,050 minutes a year, whether there are two servers or eight")
    said("double one of the two and it is about 530; double both and it is one or two")
    said("A single server costs another 525.")
    assert 0.0 < run.good.mean() < 0.1
    assert answer("blind") == pytest.approx(100 * run.good.mean())
    said(f"Of {run.good.size} plausible designs only a few")
    best = [np.asarray(x) == np.min(x) for x in (run.cost_usd, run.outage_s, run.response_s)]
    assert not np.logical_and.reduce(best).any()
    universal("so no design here is the best in all three", why="looked for among the 48")


def test_the_deck() -> None:
    given("Everything in it is there twice", "Two of them are close calls", why="a count")
    given("from the fifth second to the eleventh", why="the deck's own rule")
    assert surprises.SURVIVED == 0.99
    given("goes on sending it half of the requests", "sends it half of", why="one of two servers")
    check = HealthCheck()
    assert 5.0 + (check.threshold - 1) * check.interval_s == pytest.approx(10.0)
    said("until its health check has failed twice, at the tenth second")
    (clients,) = (each for each in my_shop().components if each.name == "clients")
    assert clients.write_fraction == 0.1
    said("only one request in ten writes")
    slow = 0.05 + 4 * 0.02
    said(f"A request now holds its thread for {1e3 * slow:.0f} ms")
    said(f"60 x {slow:.2f} s is {60 * slow:.1f} threads' work")
    said(f"120 x 0.07 s is {120 * 0.07:.1f} threads' work for eight threads. In six")
    assert pytest.approx(2, rel=0.06) == 4 * 60 / (8 / 0.07)
    said("Four times the traffic is twice what the servers can do")


def test_one_of_them_is_gone() -> None:
    assert loss.theory(loss.Setting()) is not None
    given("loses a server at the tenth second", "If that is 1 or more", why="the explorer's rule")
    said(f"two servers below {100 / 2:.0f} %, ten below {100 * 9 / 10:.0f} %")
    given("n / (n - 1)", why="the formula")


def test_three_kinds_of_traffic() -> None:
    assert answer("demo") == pytest.approx(2.0)
    said("Pollaczek and Khinchine: rho / (1 - rho), halved as the service does not vary.")
    demo = traffic.Setting(work="always the same")
    for rho in (0.1, 0.5, 0.9):
        assert traffic.theory(demo, "constant", rho) == 0
        assert traffic.theory(demo, "poisson", rho) > 0
    universal(
        "Whose turn it is makes no difference to the *mean*",
        why="the server works off the same work, and no rule looks at its size; tested",
    )
    universal("random ones wait at any load", why="some always come while another is served")
    shown("all three diamonds lie at 0", by=test_traffic.test_a_polite_tester_sees_nobody_wait)
    far = test_traffic.test_far_right_the_bursts_diamond_is_low_as_the_page_says
    shown("1,200 requests begin with an empty line", "needs thousands to fill", by=far)
    trial = traffic.Trial()
    assert 3 * trial.replications == 21
    said("Twenty-one real servers", f"at about {100 * trial.utilisation:.0f} % utilisation")
    assert pytest.approx((4, 10)) == (200 * 0.02, 200 * 0.05)
    said("That would be so at 20 ms: L = X R = 200 × 0.02", "L = X R = 200 × 0.05")


def test_deploys() -> None:
    assert answer("rolling") == pytest.approx(100 * 4 / 6)
    said("Four of six servers are left: (n - k) / n")
    given("in each two and a half seconds", why="the model's own")
    pause = test_rolling.test_a_pause_between_batches_halves_the_worst_wait
    shown("At 75 % the line is worked off", "is about half of what it was", by=pause)
    batches = len(rolling.Setting().sizes)
    said(f"takes {5 * batches + 5 * (batches - 1)} seconds instead of {5 * batches}")
    assert pytest.approx(0.9) == 6 * 0.6 / 4
    said("and what was 90 % busy is overloaded")
    assert rolling.DIES_S == 8.0
    said("at the eighth second one of the others goes")
    edge = rolling.theory(rolling.Setting(dies=True))
    assert edge.capacity == pytest.approx(0.5)
    assert answer("boundary") == pytest.approx(50)
    said("Three of six are left. Above 50 % each second brings more work")
    universal(
        "from the death to the end of the deploy it falls further behind every second, on average",
        why="three of six are left then; test_rolling: just beyond the boundary the fleet recovers",
    )
    given("looks half asleep", "The other half of deploying", why="a way of speaking")


def test_canaries() -> None:
    assert binomial_test.ALARM == 0.05
    said("more than 5 times in 100")
    said(f"dots are {canary._CANARIES:,} simulated canaries")
    needed = binomial_test.requests_needed(0.01, 0.02)
    assert answer("canary") == needed
    said(f"A canary with one request a second needs {needed // 60} minutes until it catches")
    given("that double from 1 % to 2 % nine times in ten", why="the question's own")
    looks = test_canary.test_more_looks_blame_more_good_versions
    shown("with twenty looks at these errors during 1,000 requests", by=looks)
    shown("between two and three times as often; during 30,000, nearly four times", by=looks)
    assert (1 / 0.5) ** 2 == 4
    said("half the difference, four times the patience")
    assert pytest.approx(1) == 0.01 * 100
    said("Both 1 % and 2 % of a hundred requests are about one error")


def test_sources() -> None:
    knight = "Knight Capital"
    PROSE.sourced("reached seven of eight servers", "on the eighth woke up", source=knight)
    PROSE.sourced("millions of orders in 45 minutes", "460 million dollars", source=knight)
    PROSE.sourced("sixty crash vulnerabilities", source="Pillai")


test_every_number_is_held = PROSE.completeness(globals())
