"""Numbers in the chapter's prose and answers: each is worked out here, and found in the text."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations import queueing
from helpers.foundations.prose import duration, significant
from helpers.scaling import (
    availability,
    bottleneck,
    break_even,
    growth,
    knee,
    pooling,
    power_law,
    query_time,
    questions,
    real_bottleneck,
    real_knee,
    real_query_time,
    real_scalability,
    real_staffing,
    run_length,
    scalability,
    scalability_law,
    scaling_cost,
    speedup,
    staffing,
    two_columns,
)
from helpers.scaling.catalogue import CATALOGUE
from helpers.scaling.series_and_parallel import k_of_n
from tests.prose import Prose, spelled
from tests.scaling import (
    test_availability,
    test_bottleneck,
    test_knee,
    test_scalability,
    test_speedup,
)

PROSE = Prose("02", questions)
said, given, shown, universal = PROSE.computed, PROSE.given, PROSE.shown, PROSE.universal


def per_cent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"


def test_what_the_page_counts() -> None:
    said(f"move {PROSE.cells_with('explore(')} explorers")
    said(f"open {PROSE.cells_with('model=')} models")
    given("about twenty seconds on an idle machine", why="a time, measured on an idle machine")
    given("a thousand times the traffic", why="section 4 works it out")
    given("56 (2)", "Science 35", "Research 29", "vol. 3", why="a volume")


def test_growth() -> None:
    at = growth.Setting(users=100)
    given("One comparison takes 100 ns", "A page may take 200 ms", why="the example sets it")
    assert (at.step_ns, at.budget_ms) == (100, 200)
    given("a hundred users", "a hundred thousand.", why="the claim's own numbers")
    assert growth.theory(at)["quadratic"] < 1e-3
    said("a hundred users all four answer in less than a millisecond")
    said(f"beyond {growth.SIZES[-1]:,} users they are all there is")
    slopes = {kind: run.estimate for kind, run in growth.simulate().exponents.items()}
    assert [round(slopes[kind]) for kind in ("constant", "linear", "quadratic")] == [0, 1, 2]
    said("slope $k$: 0 for the hash table, 1 for the scan, 2 for the pairs")
    said("gains only one when $n$ doubles")
    assert growth.mean_steps("constant", 10**6) == pytest.approx(1.5)
    said("\\underbrace{1.5}_{\\text{hash}}")
    given("ten times as fast", "from 100 ns to 10 ns", why="the change that the page proposes")
    scan, pairs = (
        growth.largest_size(kind, 2e7) / growth.largest_size(kind, 2e6)
        for kind in ("linear", "quadratic")
    )
    assert scan == pytest.approx(10)
    assert pairs == pytest.approx(math.sqrt(10), rel=1e-3)
    said("by a factor of ten", "$\\sqrt{10} \\approx 3$")
    miss = "some two hundred times as long as one that hits (100 ns and 0.5 ns in the list of Dean"
    PROSE.sourced(miss, source="Dean 2009")
    flash_s = query_time.RANDOM_READ_S
    assert flash_s == pytest.approx(1_000 * 100e-9)
    said("about another thousand (100 µs, a round number of ours)")
    limits = [growth.largest_size(kind, 2e6) for kind in growth.KINDS]
    assert limits[0] == limits[1] == math.inf
    assert limits[2] == pytest.approx(4e6)
    said(f"leaves the budget at {limits[3]:,.0f} users, at 4 million or never")
    assert growth.mean_steps("quadratic", int(limits[3])) == pytest.approx(2e6, rel=1e-3)
    said("There are n(n-1)/2 pairs, and two million comparisons of 100 ns fit into 200 ms.")


def test_the_query() -> None:
    at = query_time.Setting(overhead_ms=9.0)
    small, middle, large, huge = (
        query_time.theory(at, n) for n in (1_000, 100_000, 10_000_000, 100_000_000)
    )
    given(
        "10 ms on a table of 1,000 rows may take 10 s on one of 10 million",
        "With 9 ms of fixed cost and 1 µs a row",
        why="the claim's own numbers, and a setting of the sliders",
    )
    said("grew by a factor of 10,000 and the time by a factor of 1,000")
    assert query_time.LARGE_ROWS / query_time.SMALL_ROWS == 10_000
    exponent = power_law.exponent(1_000, 0.010, 10_000_000, 10.0)
    assert exponent == pytest.approx(0.75)
    said("Three quarters. A scan has exponent 1: ten thousand times the rows")
    said(f"ten thousand times the 10 ms, {0.010 * 10_000:.0f} s.")
    said("the grey line has exponent 0.75", "never has slope 0.75", "imply exponent 0.75")
    longer = math.log(10**7) / math.log(10**3)
    assert longer == pytest.approx(7 / 3)
    said(f"$\\log(10^7)/\\log(10^3) = 7/3$, so 10 ms would become about {10 * longer:.0f} ms")
    said(f"A pure scan would take 100 s by then, and a pure B-tree lookup about {10 * longer:.0f}")
    said(f"takes {duration(small.scan_s)} at 1,000 rows and {large.scan_s:.3f} s at 10 million")
    given("at 1,000 rows you were not measuring", why="the claim's own numbers")
    assert at.overhead_ms / (1e3 * small.scan_s) == pytest.approx(0.9)
    said("Nine tenths of the time was overhead", "it bends from 0 to 1")
    said(f"the tempting 0.75 predicts {duration(10.0 * 10**0.75, 2)} for 100 million rows")
    assert huge.scan_s > 100
    said("the scan needs more than 100 s")
    assert large.index_s == pytest.approx(0.009, rel=0.01)
    said("gets 9 ms at any size that fits in memory, which at 1,000 rows")
    law = 0.010 * 100**exponent
    said(
        f"At 100,000 rows the power law says {duration(law)}, a scan with overhead "
        f"{duration(middle.scan_s)}, an index {duration(middle.index_s)}"
    )
    full = query_time.theory(at.but(memory_rows=1_000), 100_000)
    assert (full.scan_s - 0.009) / (middle.scan_s - 0.009) == pytest.approx(1.1)
    said("The scan's step makes it a tenth slower, at 1 µs a row")
    assert middle.index_s - 0.009 < 1e-6
    assert full.index_s - 0.009 == pytest.approx(2e-4, rel=0.05)
    said("from less than a microsecond to a fifth of a millisecond")
    assert real_query_time.Trial().most_rows == 1_000_000
    said("from a thousand to a million rows", "time for a row at a million rows")
    said(
        "a fitted exponent near 1: a little less",
        "rather than 9 ms",
        "a scan behind 9 ms of fixed cost",
    )
    universal(
        "cannot be saved by an index: somebody has to read the rows",
        why="the answer's rows must be read, whatever finds them",
    )


def test_the_knee() -> None:
    given("A server needs 20 ms", why="the example sets it")
    said("At 80 % utilisation the server is idle a fifth of the time")
    at = knee.Setting(utilisation=0.8)
    assert knee.simulate(at).here_mean.confidence == 0.95
    said(f"of twenty such intervals about {spelled(round(0.95 * 20))} hold", "95 % intervals")
    said(f"Beyond {per_cent(knee.TAIL_KNOWN_TO)} the upper points have none")
    given("most of the slowest hundredth", why="what the 99th percentile cuts off")
    said("one good theory in twenty is called wrong", "At 95 % confidence")
    given("the **99th percentile**, which one request in a hundred exceeds", why="what it means")
    exact = knee.theory(at)
    said(f"The mean is {duration(exact.mean_s)}, and one exponential time in a hundred")
    said(f"$R \\ln 100 \\approx {math.log(100):.1f} R$", f"exceeds {math.log(100):.1f} means")
    said("The slowest hundredth suffers in the same proportion")
    assert exact.p99_s == pytest.approx(exact.mean_s * math.log(100))
    said(f"one request in a hundred takes more than {math.log(100):.1f} times as long")
    early, late = (knee.theory(at, u) for u in (0.90, 0.95))
    assert late.mean_s == pytest.approx(2 * early.mean_s)
    said("From 90 % to 95 % you halve it, and double the response time")
    given("holds even of the one half done", why="half done stands for begun")
    given('"the knee is at 75 %"', "in a hundred may take 500 ms", why="the example sets it")
    trial = real_knee.Trial()
    assert [round(100 * u) for u in real_knee.MEASURED_AT] == [30, 50, 70, 80]
    said(f"starts {trial.replications * len(real_knee.MEASURED_AT)} small TCP servers")
    said("a few dozen small servers")
    said("the intended 30, 50, 70 and 80 %")
    requests = sum(u / (1e-3 * trial.service_ms) for u in real_knee.MEASURED_AT) * trial.run_s
    assert requests * trial.replications > 2_000
    said("what thousands of real requests took")
    # Pollaczek-Khinchine: the wait goes with one plus the squared coefficient of variation.
    exponential, regular = (queueing.mg1_wait(35.0, 0.020, scv) for scv in (1.0, 0.9))
    assert regular / exponential == pytest.approx(0.95)
    said("0.9 in place of 1 shortens the wait by 5 %")
    assert knee._WATCHED == 300
    said("plays three hundred service times", "Three hundred service times are far too few")
    assert run_length.requests_for_precision(0.9, 0.5) > 300
    given("first at 50 % and then at 90 %", why="settings of the slider")
    said("At 50 % the idle half of the server's time", "At 90 % only a tenth is left")
    universal("a newcomer waits only when *all* of them are busy", why="they share one queue")
    given("at 100 % there is no formula", why="all of the time")
    universal("no inflection point", why="the second derivative of 1 / (1 - rho) is above 0")
    universal("at 100 % there is no formula", why="M/M/c has no steady state from there on")


def test_changes_of_the_queue() -> None:
    shown(
        "with one server, at 95 %, your diamonds stay below half of their curves",
        by=test_knee.test_requests_that_give_up_take_the_wall_away,
    )
    given("one request in five hundred", why="the change that the page proposes")
    # The services' first two moments with a pause of 1 s after one in five hundred.
    mean_s, square_s = 0.020 + 0.002, 2 * 0.020**2 + 0.002 * (1 + 2 * 0.020)
    said(f"At 60 %, with one server, that is no more work than before at {per_cent(30 * mean_s)}")
    response_s = mean_s + 30 * square_s / (2 * (1 - 30 * mean_s))
    assert response_s / 0.050 == pytest.approx(3, abs=0.2)
    shown(
        "the mean is about three times its curve and the 99th percentile five times",
        by=test_knee.test_a_server_that_pauses_now_and_then_brings_the_wall_nearer,
    )
    settling = test_knee.test_near_saturation_the_open_model_needs_more_requests
    shown("at 95 % the mean by a tenth, and the 99th percentile by half", by=settling)
    shown("Your 2,000 requests begin", "the slowest hundredth stands", by=settling)
    shown("serve ten times as many, and count from the 6,000th", by=settling)
    shown("within a few per cent, and the percentile still about a fifth too low", by=settling)
    shown("a line needs thousands to fill", by=settling)


def test_how_long_to_watch() -> None:
    said(f"Here are {run_length.RUNS} copies of one queue")
    given("reports its mean with a 95 % interval", "they claim 95 %", why="the intervals' level")
    given("watch their share rise towards 95 %", "within 5 %", why="the level, and a wish")
    for rho, worth in ((0.8, "twelve"), (0.9, "three")):
        one = 1 / (1 - rho) ** 2  # variance of a single response, in squared service times
        assert spelled(round(1_000 * one / run_length.variance_constant(rho))) == worth
    said("at 80 % a thousand of them carry the information of twelve, and at 90 % of three")
    needed = [significant(run_length.requests_for_precision(rho)) for rho in (0.5, 0.8, 0.9)]
    said(
        f"a queue at 50 % utilisation must serve {needed[0]} requests, at 80 % {needed[1]} and at "
        f"90 % {needed[2]}"
    )
    assert 200_000 < run_length.requests_for_precision(0.9) < 999_000
    said("a mean within 5 % takes hundreds of thousands of requests")
    assert 10 * 0.9 / 0.020 < 1_000  # a load test of ten seconds
    given("they are not thousands of independent timings", why="it takes up the option's words")


def test_staffing() -> None:
    given(
        "From 50 to 50,000",
        "50 requests per second",
        "50,000",
        "20 ms.",
        why="the claim's own numbers",
    )
    small, large = (staffing.Setting(rate_rps=rate) for rate in (50, 50_000))
    assert small.load == pytest.approx(1)
    said("At 50 requests/s exactly one server's worth of work arrives")
    given("at most one request in ten to wait", "a thousandfold", why="the example sets it")
    three, many = (staffing.servers_by("Erlang C", at) for at in (small, large))
    assert three == 3
    assert staffing.BASE_RPS == 50
    said("keeps three servers for every 50 requests/s")
    in_proportion = staffing.servers_by("in proportion", large)
    said(f"In proportion you would buy {in_proportion:,} servers, and they would idle two thirds")
    assert 1 - large.load / in_proportion == pytest.approx(2 / 3)
    said(
        f"The formula asks for {many:,}", f"{three} servers become {many:,}, not {in_proportion:,}"
    )
    said(
        f"The servers at 50 requests/s are {per_cent(small.load / three)} utilised, those at "
        f"50,000 are {per_cent(large.load / many)}",
        f"And {per_cent(large.load / many)} utilised servers",
    )
    said(f"by 1 around 1, but by only {math.sqrt(large.load):.0f} around {large.load:,.0f}")
    assert queueing.halfin_whitt_wait_probability(1.42) == pytest.approx(0.1, rel=0.01)
    said("for one in ten it is about 1.4")
    given("uncertain by a tenth", "a tenth of the load", why="the example sets it")
    trial = real_staffing.Trial()
    assert real_staffing.WORKERS == (1, 2, 4)
    said(f"all about {per_cent(trial.utilisation)} utilised")
    groups = 100 * staffing.servers_by("Erlang C", staffing.Setting(rate_rps=500))
    said(f"a hundred groups with a queue each, and each needs a margin of its own: {groups:,}")
    said(f"in place of {many:,}")
    assert 24 < many - large.load < 60
    said("A thousand servers are kept busy; a few dozen more absorb the fluctuations.")
    assert questions.PREDICTIONS["staffing"].answer() == many
    universal(
        "$\\beta$ depends on the share that may wait and on nothing else",
        why="Halfin and Whitt's limit has no other variable",
    )


def test_tiers() -> None:
    now = bottleneck.Setting()
    given("10 ms of work", "30 ms in the application", "50 ms in the database", why="the example")
    assert now.demands_s == (0.010, 0.030, 0.050)
    ceilings = {action: 1 / max(now.but(action=action).demands_s) for action in bottleneck.ACTIONS}
    before, after = ceilings["nothing"], ceilings["twice as fast database"]
    lifting = [action for action in ceilings if ceilings[action] > before]
    assert len(lifting) == 2
    assert len(ceilings) == 1 + 4
    said("Two of the actions do *nothing* for the ceiling", "two of the four actions on offer")
    given("with the database twice as fast, find out", why="one of the actions")
    said(f"a tier which needs 50 ms for each request cannot do more than {before:g} a second")
    said(
        f"Halving the database's demand raises the ceiling from {before:g} to {significant(after)} "
        "requests/s and not to 40"
    )
    assert ceilings["cache four reads in five"] == after
    said('"make the database five times as fast" buys no more than "make it twice as fast"')
    said("1/50 ms to 1/30 ms", "The application needs 30 ms")
    assert after / before - 1 == pytest.approx(2 / 3)
    shown(
        f"With 60 users your diamond rises from {before:g} to about {after:.0f} requests/s",
        by=test_bottleneck.test_a_cache_lifts_the_ceiling_to_the_applications,
    )
    given("The same sixty people", why="the slider's opening")
    doubled = test_bottleneck.test_a_second_database_server_lifts_the_ceiling_but_helps_nobody_alone
    shown(f"The ceiling is the same {after:.0f}", "needs 50 ms of database work", by=doubled)
    shown("while twice as fast a database would answer sooner", by=doubled)
    slows = test_bottleneck.test_a_database_that_slows_down_makes_throughput_fall
    shown("walk from 20 users to 80", "to less than half of its best", by=slows)
    users = real_bottleneck.MEASURED_USERS
    said(
        f"{spelled(real_bottleneck._CHAINS * len(users)).capitalize()} chains of three TCP servers"
    )
    said(f"with {users[0]} to {users[-1]} users each")
    universal(
        "for all of them assume a demand that does not depend on the load",
        why="so do both of the bounds, and mean value analysis",
    )


def test_workers() -> None:
    at = speedup.Setting()
    assert at.serial_percent == 5
    given("Nineteen twentieths of it", why="the example sets it")
    said(f"$s = 5\\,\\%$ the ceiling is {1 / 0.05:.0f}, and the first 16 cores bring you to about")
    said(f"about {speedup.amdahl(0.05, 16):.0f} of it")
    assert speedup.amdahl(0.05, 1e6) < 20
    whole = f"1 / (0.05 + 0.95 / 64) = {speedup.amdahl(0.05, 64):.1f}"
    said(f"Amdahl: {whole}. Even a million cores would not reach 20")
    largest = test_speedup.test_the_largest_first_comes_near_amdahl
    shown("with 8 cores the diamond climbs", "With 64 it comes near", by=largest)
    between = test_speedup.test_where_handing_out_costs_time_the_best_number_of_pieces_lies_between
    shown("With 8 cores, move the number of pieces from 10 to 1,000", by=between)
    said(f"about {speedup.Trial().serial_percent:.0f} % serial work")
    family = [machine for machine in CATALOGUE if machine.name.startswith("m7i")]
    assert len({round(m.usd_per_hour / m.vcpus, 6) for m in family}) == 1
    said(f"a factor of {family[-1].vcpus // family[0].vcpus} in size")
    said(f"At {CATALOGUE[-1].vcpus:,} vCPUs the catalogue ends")
    universal("*exactly* the same from the smallest to the largest", why="computed here")


def test_the_law() -> None:
    at = scalability.Setting()
    assert (at.sigma, at.kappa) == (0.03, 0.001)
    given("Say 3 % of a request's work", "costs 0.1 %", why="the example sets it")
    peak = scalability_law.peak(0.03, 0.001)
    assert round(peak.peak_workers) == peak.best_workers == 31
    assert scalability_law.speedup(32, 0.03, 0.001) < peak.peak_speedup
    said(f"N* = sqrt((1 - 0.03) / 0.001) = {peak.best_workers:.0f}. The 32nd worker makes")
    given("The lock comes in two kinds", why="a count")
    given("kappa above 0 *for the lock", why="the smallest kappa that there is")
    given("kappa at 0", "if sigma is 0", "a kappa above 0", "to 0 and back", why="the slider's end")
    given("excludes 0", "square root of (1 - sigma)", why="a part of the formula")
    given("Take the number of workers to 64", why="a setting of the slider")
    said(f"The curve that peaked at {peak.best_workers:.0f} and fell")
    reading = test_scalability.test_when_three_in_four_only_read_the_peak_moves_to_twice_as_many
    shown("for one request in four", "shrink to a quarter", "moves to twice as many", by=reading)
    trial = real_scalability.Trial()
    said(f"Threads sleep for {trial.compute_ms:g} ms", f"a lock for {trial.hold_ms:g} ms")
    threads = np.array(real_scalability.THREADS)
    said(f"ten per cent at one thread count as much as ten per cent at {threads[-1]}")
    queue = [scalability.repairman_speedup(int(count), 0.1, 0.0) for count in threads]
    ours, theirs = (
        scalability_law.fit(threads, queue, errors=errors).sigma.estimate
        for errors in ("relative", "absolute")
    )
    assert theirs / ours == pytest.approx(2, rel=0.15)
    said("that a request needs for a tenth of its time, their sigma is about twice as large")
    for kappa in (1e-6, 1e-4, 1e-2):
        falls = scalability_law.speedup(10 * math.sqrt(1 / kappa), 0.0, kappa)
        assert falls < scalability_law.peak(0.0, kappa).peak_speedup
    universal(
        "With a kappa above 0, however small, it turns round somewhere and **falls**",
        why="kappa N² outgrows N",
    )
    universal("A system that shares nothing has no peak", why="sigma and kappa are then 0")


def test_pooling() -> None:
    given("one server four times as fast", "by being four times as fast", why="the example sets it")
    for servers in (2, 4, 8):
        for load in pooling.GRID:
            for variability in pooling.VARIABILITY:
                at = pooling.Setting(servers=servers, variability=variability)
                big, pooled, split = pooling.theory(at, load).response_s
                assert split == pytest.approx(servers * big)
                if variability == "exponential":
                    assert big < pooled
    universal(
        "With exponential service times the big server answers first at every load",
        why="by M/M/1 and M/M/c, at every load and number of servers on offer",
    )
    universal(
        "exactly $k$ times the big server's, with $k$ servers, at *every* load",
        why="by Pollaczek and Khinchine, for each kind of service",
    )
    said("It waits only when all four are busy. Its service then takes four times as long.")


def test_money() -> None:
    alone = scaling_cost.simulate(survive_loss=False)
    safe = scaling_cost.simulate(survive_loss=True)
    assert safe.up.usd_per_hour == pytest.approx(2 * alone.up.usd_per_hour, rel=0.02)
    said("a second one just like it, and the bill doubles")
    assert safe.out.count == 15
    said(f"A fleet of {spelled(alone.out.count)} needs a fifteenth")
    least = scaling_cost.simulate(demand_rps=100.0).out
    assert least.count == 2
    said("A fleet has two machines or more")
    balancers = least.usd_per_hour - least.count * least.machine.usd_per_hour
    said(f"pays for its load balancers, {100 * balancers:.0f} cents an hour (illustrative)")
    switches = (significant(run.switch_rps) for run in (alone, safe))
    said("at the opening setting from {} to {} requests/s".format(*switches))
    at = break_even.Setting()
    given("gets 50 requests/s", "carries 1,000", "5,000 dollars", why="the example sets it")
    given("costs 120,000 dollars once", "grows by 10 % a month", why="the example sets it")
    assert (at.load_rps, at.capacity_rps, at.premium, at.migration) == (50, 1_000, 5_000, 120_000)
    assert (break_even._SHOWN, break_even._PATHS) == (30, 1_000)
    said(
        "thirty possible futures, on the right what both plans have cost so far, the mean of a "
        "thousand futures"
    )
    exact = break_even.theory(at)
    said(f"{exact.break_even_month:.0f} here, against {exact.outgrown_month:.0f}")
    sooner = break_even.theory(at.but(failure_percent=4.0)).break_even_month
    said(
        f"With 4 % failures a month the break-even comes in month {sooner:.0f} instead of "
        f"{exact.break_even_month:.0f}"
    )
    assert at.growth == pytest.approx(math.log(1.1))
    said("($\\ln 1.1$ for 10 % a month)")
    assert math.log(2) / at.growth == pytest.approx(7, abs=0.5)
    said("doubling the capacity of the simple system buys only $\\ln 2 / g$ months, seven at 10 %")
    outgrown = math.log(1_000 / 50) / math.log(1.1)
    said(f"ln({1_000 / 50:.0f}) / ln(1.1) = {outgrown:.1f}. Until then the large design costs")
    said(f"costs {significant(5_000 * outgrown)} dollars more")


def test_the_two_drawings() -> None:
    given("works 99 % of the time", why="the example sets it")
    at = two_columns.Setting()
    said(f"Both columns get {at.demand_rps:g} requests/s; a small server carries {at.server_rps:g}")
    assert two_columns.simulate(demand_rps=200.0).vertical_rps == 3 * at.server_rps
    said("the big one three times as much")
    assert len(two_columns.simulate().single_points) == 2
    full, dead = (
        two_columns.simulate(demand_rps=150.0, server_1=alive).horizontal_rps
        for alive in (True, False)
    )
    assert (full, dead) == (150.0, 100.0)
    said("Raise the demand to 150 and kill one")
    given("was never doubled", why="the drawing shows one")
    said(f"0.99 x 0.99 against 0.99 x {k_of_n(0.99, 1, 3):.6f} x 0.99")
    said("so close to 1 that it changes nothing")
    most_boxes = availability.simulate(
        needed=4, spare=3, second_balancer=True, replica=True, mtbf_days=1.0, mttr_h=48.0
    )
    assert (most_boxes.outages[[0, 1]] > 4_000).all()
    said("every box fails and is repaired thousands of times")
    spare = availability.theory(availability.Setting(second_balancer=True, replica=True))[6]
    assert spare == pytest.approx(0.5, abs=0.05)
    assert availability.theory(availability.Setting())[6] == pytest.approx(4 * 24, rel=0.01)
    said("falls from four days to about half an hour a year")
    exact = availability.theory(availability.Setting(needed=4, spare=0))
    assert exact[6] > exact[2]
    said("set the spare servers to 0 with four needed")
    hands = test_availability.test_with_one_pair_of_hands_boxes_wait_for_repair
    universal("for the mean time and for nothing else", why="each box is a renewal process")
    shown("The downtime doubles", "it is more than five times what the formula says", by=hands)
    deployment = test_availability.test_a_bad_deployment_makes_spare_servers_worthless
    shown("some twenty times what the formula says", "from 1 to 3", by=deployment)
    said(f"probabilities of all {2**5} states of the five boxes")


def test_break_it() -> None:
    given("20 ms a request, and a promise: 99 requests in 100", why="the example sets it")
    most = 1 - 0.020 * math.log(100)
    said(f"S ln 100 / (1 - rho) = 1 s gives {per_cent(most, 1)}. At 95 % one in a hundred takes")
    said(f"one in a hundred takes {0.020 / 0.05 * math.log(100):.2f} s")
    assert questions.PREDICTIONS["break-loss"].answer == pytest.approx(100 * 2 / 3)
    given("so 3 rho = 2. Planning for it is called N + 1", why="the question's formula, and a name")
    given(
        "in which 64 workers do *less than a single one*",
        "with sigma at 0",
        why="the example sets it",
    )
    said(f"One worker does {scalability.Setting().worker_rps:g} requests/s here")
    assert scalability_law.speedup(64, 0, 1 / 64) == pytest.approx(1)
    said("64 / (1 + 64 x 63 kappa) = 1 gives kappa = 1/64", f"1/64: {per_cent(1 / 64, 1)}")


def test_sources_and_what_to_do() -> None:
    PROSE.sourced("For some systems the answer was hundreds", source="McSherry")
    given("one-in-a-hundred slow reply when a single page needs a hundred", why="chapter 08's own")
    given("until its 99th percentile doubles", why="a task")


test_every_number_is_held = PROSE.completeness(globals())
