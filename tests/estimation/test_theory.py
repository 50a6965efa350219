"""The chapter's models against brute force, closed forms, the blueprint, and planted faults.

Where chance plays a part the seed is fixed, and the tolerance is at least four standard errors, so
that a right model with another seed fails less than once in ten thousand runs.
"""

from __future__ import annotations

import doctest
import math
from itertools import product

import numpy as np
import pytest

from helpers import blueprint, estimation
from helpers.estimation import Quantity, UnitError, units
from helpers.estimation.theory import bottleneck as bottleneck_theory
from helpers.estimation.theory import estimate as estimate_theory
from helpers.estimation.theory import interview as interview_theory
from helpers.estimation.theory import slo as slo_theory
from helpers.foundations import queueing
from tests.estimation import checks


def last(frames):
    *_, result = frames
    return result


# --- units --------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [units, estimate_theory, slo_theory])
def test_examples(module) -> None:
    outcome = doctest.testmod(module)
    assert outcome.attempted
    assert not outcome.failed


def test_a_hundred_million_urls() -> None:
    urls = Quantity(100e6, "records/day") * Quantity(10, "years")
    right = urls * Quantity(100, "bytes/record")
    assert right.in_units("TB") == pytest.approx(36.5)
    popular = right * Quantity(10, "years")
    with pytest.raises(UnitError, match=r"365 TB·years in TB.*bytes·s.*bytes"):
        popular.to("TB")
    assert popular.in_units("TB*years") == pytest.approx(365)


def test_sums_of_different_kinds_are_refused_and_both_are_named() -> None:
    rate, size = Quantity(1_160, "requests/s"), Quantity(36.5, "TB")
    for verb, attempt in (
        ("add", lambda: rate + size),
        ("subtract", lambda: rate - size),
        ("compare", lambda: rate < size),
        ("add", lambda: rate + 3),
        ("add", lambda: 3 + rate),
    ):
        with pytest.raises(UnitError, match=verb) as caught:
            attempt()
        assert "1,160 requests/s" in str(caught.value)
    with pytest.raises(UnitError, match=r"36\.5 TB.*requests/s.*bytes"):
        rate + size


def test_units_convert_and_cancel() -> None:
    assert Quantity(86_400, "requests/day").in_units("requests/s") == pytest.approx(1)
    assert Quantity(1, "GB/s").in_units("Gbit/s") == pytest.approx(8)
    assert Quantity(1, "GiB").in_units("bytes") == 2**30
    assert float(Quantity(3, "days") / Quantity(36, "h")) == pytest.approx(2)
    assert Quantity(1, "h") == Quantity(60, "min")
    assert Quantity(1, "h") != Quantity(60, "bytes")
    assert Quantity(1, "h") > Quantity(59, "min")
    assert str(1 / Quantity(4, "s")) == "0.25 1/s"
    assert (Quantity(2, "s") ** 2).dimension == {"s": 2}
    assert Quantity(3.2, "servers").ceil() == Quantity(4, "servers")
    assert Quantity(3.0 + 1e-14, "servers").ceil() == Quantity(3, "servers")
    many = np.array([1.0, 2.0]) * Quantity(2, "kB")
    assert many.in_units("bytes").tolist() == [2_000, 4_000]
    assert Quantity(2, "USD/GB/month").unit == "USD/GB/month"


def test_a_quantity_does_not_change() -> None:
    with pytest.raises(AttributeError, match="value"):
        Quantity(1, "s").value = 2


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Quantity("1", "s"), TypeError, "value"),
        (lambda: Quantity(True, "s"), TypeError, "value"),
        (lambda: Quantity(1, 5), TypeError, "unit"),
        (lambda: Quantity(1, "furlongs"), ValueError, "furlongs"),
        (lambda: Quantity(1, "s^x"), ValueError, "power"),
        (lambda: Quantity(1, "s") ** 0.5, TypeError, "power"),
        (lambda: float(Quantity(1, "s")), UnitError, "plain number"),
    ],
)
def test_bad_quantities(call, error, words) -> None:
    with pytest.raises(error, match=words):
        call()


# --- the envelope -------------------------------------------------------------------------------


def test_the_envelope_by_hand() -> None:
    result = estimation.simulate_estimate(factor=1.0)
    load = 10e6 * 20 / 86_400
    assert result.outputs["mean load"].value == pytest.approx(load)
    assert result.outputs["peak load"].value == pytest.approx(3 * load)
    assert result.outputs["storage"].value == pytest.approx(10e6 * 730 * 1e3 * 3 / 1e12)
    assert result.outputs["peak bandwidth"].value == pytest.approx(3 * load * 20e3 * 8 / 1e9)
    assert result.outputs["servers"].value == math.ceil(3 * load / 500)
    month = 365 / 12 * 86_400
    bill = 14 * 120 + 21_900 * 0.1 + load * month * 20e3 / 1e9 * 0.09
    assert result.outputs["bill"].value == pytest.approx(bill)


@pytest.mark.parametrize("name", ["mean load", "peak load", "storage", "servers"])
def test_the_envelopes_ranges_are_the_theorys(name: str) -> None:
    result = estimation.simulate_estimate(factor=3.0)
    low, high = (math.log(end) for end in result.range_90(name))
    reach = math.log(result.theory_factor(name))
    # The 5 % point of 4,000 normal draws is good to 2.1 % of the reach; 4.5 of those.
    assert high == pytest.approx(reach, rel=0.095)
    assert low == pytest.approx(-reach, rel=0.095)


def test_inputs_of_the_wrong_kind_are_refused() -> None:
    inputs = dict(estimation.simulate_estimate().inputs)
    inputs["record"] = Quantity(1, "kB/s")
    with pytest.raises(UnitError, match="record"):
        estimation.theory_estimate(inputs)
    del inputs["record"]
    with pytest.raises(ValueError, match="record"):
        estimation.theory_estimate(inputs)


def test_error_factor_and_mutants() -> None:
    checks.check_error_factor(estimation.error_factor)
    for mutant in (
        lambda k, f: f**k,
        lambda k, f: k * f,
        lambda k, f: f ** math.sqrt(k - 1) if k > 1 else f,
        lambda k, f: f * math.sqrt(k),
    ):
        with pytest.raises(AssertionError):
            checks.check_error_factor(mutant)


@pytest.mark.parametrize("shape", estimation.SHAPES)
def test_many_errors_of_any_shape_grow_like_the_square_root(shape: str) -> None:
    # Two values: the sum of twelve is a lattice, whose 90 % point can be off by a step of 2 sigma.
    tolerance = 0.12 if shape == "at one of two values" else 0.05
    found = [
        math.log(estimation.simulate_error_bars(factors=12, shape=shape, seed=s).half[-1])
        for s in range(5)
    ]
    assert np.mean(found) == pytest.approx(math.sqrt(12) * math.log(2), rel=tolerance)


def test_storage_by_the_file_format() -> None:
    for rows, size in ((20_000, 100), (50_000, 30), (10_000, 700)):
        measured = estimation.measure_storage(rows=rows, url_bytes=size)
        assert abs(measured.error) < 0.02, (rows, size)
        assert measured.agrees
        assert 10 < measured.index_bytes < 30
    # A row of n bytes more must weigh about n bytes more.
    grown = estimation.theory_storage(rows=20_000, url_bytes=200)
    assert 95 < grown - estimation.theory_storage(rows=20_000, url_bytes=100) < 112


# --- the interview ------------------------------------------------------------------------------


def test_regret_by_brute_force() -> None:
    world = interview_theory.every_client()
    names = list(estimation.QUESTIONS)
    for asked in ((), ("peak load",), ("reads", "cost of an outage"), tuple(names)):
        columns = [names.index(name) for name in asked]
        regret = 0.0
        for client, own in enumerate(world.clients):
            alike = [
                i
                for i, other in enumerate(world.clients)
                if all(other[c] == own[c] for c in columns)
            ]
            chosen = min(
                range(len(world.designs)), key=lambda j, alike=alike: world.costs[alike, j].mean()
            )
            regret += world.costs[client, chosen] - world.costs[client].min()
        assert estimation.theory_interview(asked) == pytest.approx(regret / len(world.clients))


def test_questions_are_never_worth_less_than_nothing() -> None:
    for flags in product((False, True), repeat=6):
        asked = [name for name, flag in zip(estimation.QUESTIONS, flags, strict=True) if flag]
        before = estimation.theory_interview(asked)
        for name in estimation.QUESTIONS:
            assert estimation.theory_interview([*asked, name]) <= before + 1e-9
    assert estimation.theory_interview(estimation.QUESTIONS) == pytest.approx(0, abs=1e-9)


def test_what_the_chapter_says_of_the_questions() -> None:
    nothing = estimation.theory_interview()
    assert estimation.theory_interview(["photos kept"]) == pytest.approx(nothing)
    assert estimation.theory_interview(["where users are"]) == pytest.approx(nothing)
    rest = [name for name in estimation.QUESTIONS if name != "where users are"]
    assert estimation.theory_interview(rest) > 10
    assert estimation.best_questions(1) == ("peak load",)
    photos = interview_theory.every_client().items[interview_theory.ITEMS.index("photo storage")]
    assert photos.max() - photos.min() > 2_000


def test_simulated_interviews_agree_with_the_enumeration() -> None:
    truth = estimation.theory_interview(["peak load"])
    inside = sum(
        estimation.simulate_interview(peak_load=True, seed=seed).regret.contains(truth)
        for seed in range(100)
    )
    # Binomial(100, 0.95): below 86 once in 4,000 times.
    assert inside >= 86


# --- latency ------------------------------------------------------------------------------------


def test_lognormal_percentiles() -> None:
    for spread in (0.3, 1.0, 2.0):
        theory = estimation.theory_same_mean(mean_s=0.1, spread=spread, target_s=0.3)
        times = [
            estimation.simulate_same_mean(spread=spread, seed=seed).times_s for seed in range(20)
        ]
        pooled = np.concatenate(times)
        # 200,000 draws: the shares are good to 0.1 %, 4.5 of those.
        assert np.mean(pooled > 0.3) == pytest.approx(theory.late, abs=0.0045)
        assert np.mean(pooled <= theory.p99_s) == pytest.approx(0.99, abs=0.001)
        assert np.mean(pooled < 0.1) == pytest.approx(theory.faster_than_mean, abs=0.005)
        assert theory.p99_s <= theory.p99_limit_s


def test_the_p99_falls_again_when_the_spread_grows_on() -> None:
    tails = [
        estimation.theory_same_mean(mean_s=0.1, spread=s, target_s=0.3).p99_s
        for s in (1.0, 2.326, 4.0)
    ]
    assert tails[0] < tails[1] > tails[2]
    assert tails[1] == pytest.approx(0.1 * math.exp(2.3263**2 / 2), rel=1e-3)


def test_open_tester_and_mutants() -> None:
    model = estimation.open_responses
    checks.check_open_responses(model)
    for mutant in (
        lambda sent, service, stall: np.full(sent.shape, service),
        lambda sent, service, stall: model(sent, service, checks.Stall(stall.at_s, 0.0)),
        lambda sent, service, stall: model(sent, service, stall) - service,
        # A server that works through the stall and only answers late.
        lambda sent, service, stall: np.maximum(
            model(sent, service, checks.Stall(stall.at_s, 0.0)),
            np.where(
                (sent > stall.at_s) & (sent < stall.at_s + stall.length_s),
                stall.at_s + stall.length_s - sent,
                0.0,
            ),
        ),
    ):
        with pytest.raises(AssertionError):
            checks.check_open_responses(mutant)


def test_closed_tester_and_mutants() -> None:
    model = estimation.closed_responses
    checks.check_closed_responses(model)

    def impatient(rate, service, stall, run, connections):
        """Sends on time without waiting: an open tester in disguise."""
        sent = np.arange(0, run, 1 / rate)[np.newaxis]
        return estimation.open_responses(sent, service, stall)[0]

    def unpaced(rate, service, stall, run, connections):
        return model(1 / service, service, stall, run, connections)

    for mutant in (impatient, unpaced, lambda *a: model(*a)[:-1] + 0.01):
        with pytest.raises(AssertionError):
            checks.check_closed_responses(mutant)


def test_correction_and_mutants() -> None:
    checks.check_correction(estimation.correct)
    for mutant in (
        lambda times, interval: times,
        lambda times, interval: np.repeat(times, np.maximum(times // interval, 1).astype(int)),
        lambda times, interval: estimation.correct(times, interval / 2),
    ):
        with pytest.raises(AssertionError):
            checks.check_correction(mutant)


def test_the_open_mean_is_exact() -> None:
    for stall_s, utilisation in ((2.0, 0.3), (1.0, 0.6), (0.0, 0.5)):
        result = estimation.simulate_load_test(
            stall_s=stall_s, utilisation=utilisation, replications=400
        )
        error = result.open_mean.half_width / 1.966
        assert abs(result.open_mean.estimate - result.theory.mean_s) < 4 * error


def test_a_theory_without_the_recovery_is_caught() -> None:
    result = estimation.simulate_load_test(replications=400)
    theory = result.theory
    without = theory.service_s + theory.stall_s**2 / 2 / theory.run_s
    assert abs(result.open_mean.estimate - without) > 10 * result.open_mean.half_width


def test_without_a_stall_the_open_tester_sees_an_ordinary_queue() -> None:
    theory = estimation.theory_load_test(
        rate_rps=100, service_s=0.005, stall_s=0, run_s=60, connections=1
    )
    assert theory.mean_s == pytest.approx(float(queueing.mg1_response(100, 0.005, 0.0)))


@pytest.mark.parametrize("utilisation", [0.1, 0.3, 0.6])
def test_the_fluid_model_finds_the_percentiles(utilisation: float) -> None:
    result = estimation.simulate_load_test(stall_s=3.0, utilisation=utilisation, replications=64)
    for one_in in (50, 100, 500):
        q = 1 - 1 / one_in
        # A fluid knows no chance: a tenth of the stall at most.
        assert result.percentile_s("open", q) == pytest.approx(
            result.theory.percentile_s("open", q), abs=0.3
        )
        for tester in ("closed", "corrected"):
            assert result.percentile_s(tester, q) == pytest.approx(
                result.theory.percentile_s(tester, q), abs=0.02
            )


def test_the_boundary_of_break_it() -> None:
    boundary = 0.5 - 0.003 + 0.01 * 60 * 0.7
    for stall_s, above in ((boundary - 0.01, False), (boundary + 0.01, True)):
        theory = estimation.theory_load_test(
            rate_rps=100, service_s=0.003, stall_s=stall_s, run_s=60, connections=1
        )
        assert (theory.percentile_s("open", 0.99) > 0.5) == above
        assert theory.percentile_s("closed", 0.99) == pytest.approx(0.003)


# --- availability -------------------------------------------------------------------------------


def test_error_budget() -> None:
    assert estimation.error_budget_min(99.9) == pytest.approx(43.83, abs=0.01)
    assert estimation.error_budget_min(99.0, period_min=100) == pytest.approx(1)


def test_k_of_n_and_mutants() -> None:
    model = estimation.at_least_up
    checks.check_at_least_up(model)
    for mutant in (
        lambda n, k, q, b: model(n, min(k + 1, n), q, b),
        lambda n, k, q, b: model(n, k, q, 0.0),
        lambda n, k, q, b: 1 - q**n,
        lambda n, k, q, b: (1 - q) ** k,
    ):
        with pytest.raises(AssertionError):
            checks.check_at_least_up(mutant)


def test_the_solvers_availability_and_price_are_the_blueprints() -> None:
    for chosen in estimation.all_architectures(machine_percent=99.0, needed=2, common_cause=0.1)[
        ::7
    ]:
        alike = {"availability": 0.99}
        design = blueprint.Design(
            "solved",
            blueprint.Clients(rate_rps=1e-9, response_kb=0)
            >> blueprint.LoadBalancer(count=chosen.balancers, **alike)
            >> blueprint.AppServers(count=chosen.servers, needed=2, common_cause=0.1, **alike)
            >> blueprint.Database(
                replicas=chosen.nodes - 1, failover_s=0, common_cause=0.1, **alike
            ),
        )
        # The blueprint's balancers have no common cause: divide it out.
        own = estimation.at_least_up(chosen.balancers, 1, 0.01, 0.1)
        plain = estimation.at_least_up(chosen.balancers, 1, 0.01, 0.0)
        expected = blueprint.availability(design, request="write").system * own / plain
        assert chosen.availability == pytest.approx(expected, rel=1e-12)
        assert chosen.monthly == pytest.approx(blueprint.cost(design).monthly, abs=0.01)


def test_the_solver_finds_the_cheapest() -> None:
    for slo, percent, needed, beta in product((99, 99.9, 99.99), (98, 99.5), (1, 4), (0, 0.02)):
        given = {"machine_percent": percent, "needed": needed, "common_cause": beta}
        found = estimation.theory_slo(slo_percent=slo, **given)
        good = [
            one.monthly
            for one in estimation.all_architectures(**given)
            if one.availability >= slo / 100
        ]
        assert (found is None) == (not good)
        if found:
            assert found.monthly == min(good)
            assert found.availability >= slo / 100


def test_bad_months_and_mutants() -> None:
    model = estimation.bad_month_share
    checks.check_bad_months(model)
    for mutant in (
        lambda often, length, budget: 1 - math.exp(-often),
        lambda often, length, budget: model(often, length, budget / 2),
        lambda often, length, budget: (1 - math.exp(-often)) * math.exp(-budget / length),
        lambda often, length, budget: float(often * length > budget),
    ):
        with pytest.raises(AssertionError):
            checks.check_bad_months(mutant)


def test_outages_add_up_to_the_unavailability() -> None:
    for n, k in ((1, 1), (3, 2), (4, 1)):
        often, length = estimation.outages_per_month(n, k, 0.02, 3.0)
        down = 1 - estimation.at_least_up(n, k, 0.02, 0.0)
        assert often * length == pytest.approx(down * slo_theory.MONTH_MIN)
    # All but k - 1 are being repaired at once: the first repair ends the outage.
    assert estimation.outages_per_month(3, 2, 0.001, 3.0)[1] == pytest.approx(90, rel=0.01)


def test_a_thousand_years_agree_with_theory() -> None:
    settings = (
        {},
        {"common_cause_percent": 10.0},
        {"slo_percent": 99.0, "machine_percent": 98.0, "repair_h": 8.0},
    )
    for given in settings:
        runs = [estimation.simulate_slo(**given, seed=seed) for seed in range(12)]
        mean = np.array([run.downtime.estimate for run in runs])
        error = mean.std(ddof=1) / math.sqrt(len(runs))
        # Student's t with 11 degrees of freedom exceeds 5.5 once in 5,000 times.
        assert abs(mean.mean() - runs[0].chosen.downtime_min) < 5.5 * error, given
        bad = np.mean([run.bad_months.estimate for run in runs])
        assert bad == pytest.approx(runs[0].theory_bad_months, rel=0.12), given


# --- designs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mistake", "rule"),
    [
        ("a single balancer", "single point of failure"),
        ("no balancer at all", "no balancer"),
        ("nobody calls the queue", "unreachable"),
        ("the queue leads nowhere", "dead end"),
        ("workers call the servers", "cycle"),
    ],
)
def test_every_mistake_is_found(mistake: str, rule: str) -> None:
    result = estimation.simulate_boxes(mistake=mistake)
    assert rule in {finding.rule for finding in result.findings}
    clean = estimation.simulate_boxes(mistake="none")
    assert rule not in {f.rule for f in clean.findings} or rule == "single point of failure"
    if rule == "cycle":
        assert result.closing == ("workers", "app")
        assert result.closing in result.design.wiring


def test_single_points_are_those_whose_death_loses_what_they_say() -> None:
    result = estimation.simulate_boxes(mistake="a single balancer")
    named = {f.component for f in result.findings if f.rule == "single point of failure"}
    assert named == {"balancer", "queue"}
    design = result.design.replace("clients", timeout_s=1.0, rate_rps=40.0)
    assert estimation.lost_while_broken(design, "balancer", "dies") == 1.0
    # One request in ten leaves a job behind; 320 requests are good to 1.7 %.
    assert estimation.lost_while_broken(design, "queue", "dies") == pytest.approx(0.1, abs=0.07)
    assert estimation.lost_while_broken(design, "db-2", "dies") == 0.0


@pytest.mark.parametrize("health_check_s", [0.5, 2.0, 3.0])
@pytest.mark.parametrize(("servers", "replicas"), [(1, 0), (3, 1), (4, 2)])
def test_deaths_cost_what_the_graph_foresees(
    health_check_s: float, servers: int, replicas: int
) -> None:
    result = last(
        estimation.simulate_failure_modes(
            servers=servers, replicas=replicas, health_check_s=health_check_s
        )
    )
    assert len(result.known) == len(result.rows)
    for row in result.rows:
        # Wilson's margin is two standard errors: twice it, and what was under way at the time.
        assert abs(row.lost - row.predicted) <= 2 * row.margin + 0.01, row


def test_a_hung_replica_takes_everything_down() -> None:
    rows = {row.machine: row for row in last(estimation.simulate_failure_modes(mode="hangs")).rows}
    assert rows["db-2"].predicted == 0
    assert rows["db-2"].lost > 0.9
    design = last(estimation.simulate_failure_modes(mode="hangs")).design
    hasty = design.replace("app", timeout_s=0.1)
    # With a short timeout the reads are lost, four in five, and the writes are not.
    assert estimation.lost_while_broken(hasty, "db-2", "hangs") == pytest.approx(0.8, abs=0.08)


@pytest.mark.parametrize("fixes", range(6))
@pytest.mark.parametrize("failure", estimation.FAILURES)
def test_the_closed_network_is_the_blueprints(fixes: int, failure: str) -> None:
    ours = estimation.theory_bottleneck(fixes=fixes, failure=failure, users=40)
    design = estimation.ladder(fixes, failure, users=40)
    theirs = blueprint.theory_closed_design(design)
    assert theirs.exact
    np.testing.assert_allclose(ours.throughput_rps, theirs.throughput_rps, rtol=1e-9)
    np.testing.assert_allclose(ours.response_s, theirs.response_s, rtol=1e-6, atol=1e-9)
    assert (ours.throughput_rps <= ours.bound_rps * (1 + 1e-12)).all()


def test_the_closed_network_against_mean_value_analysis() -> None:
    """Single servers only, where the recursion of Reiser and Lavenberg is exact."""
    weights = bottleneck_theory._weights
    demands, users = (0.03, 0.05, 0.01), 60
    total = weights(1.0 * 20, None, users)
    for demand in demands:
        total = np.convolve(total, weights(demand * 20, 1, users))[: users + 1]
    expected = queueing.mva(demands, users, 1.0).throughput_rps
    np.testing.assert_allclose(20 * total[:-1] / total[1:], expected, rtol=1e-10)


def test_each_fix_moves_the_bottleneck() -> None:
    steps = [estimation.theory_bottleneck(fixes=k, users=1) for k in range(6)]
    assert [step.bottleneck for step in steps] == ["app", "db", "app", "db", "app", "db"]
    ceilings = [80, 100, 240, 2 / (0.02 * 0.36), 480, 500]
    assert [step.ceiling_rps for step in steps] == pytest.approx(ceilings)


def test_simulated_throughput_agrees_with_theory() -> None:
    inside = total = 0
    for fixes, seed in product((0, 2, 4), range(4)):
        result = last(estimation.simulate_bottleneck(fixes=fixes, seed=seed))
        inside, total = inside + result.inside, total + len(result.simulated)
    # Binomial(48, 0.95) is below 39 once in 2,000 times; ten batches of a correlated run are a
    # little narrow.
    assert total == 48
    assert inside >= 39


def test_overload_and_mutants() -> None:
    model = estimation.theory_overload
    checks.check_overload(model)
    for mutant in (
        lambda load, room, run_s: model(load=load, room=room + 1, run_s=run_s),
        lambda load, room, run_s: min(load, 1.0),
        lambda load, room, run_s: model(load=load, room=min(room, 5), run_s=run_s),
        lambda load, room, run_s: 0.9 * model(load=load, room=room, run_s=run_s),
    ):
        with pytest.raises(AssertionError):
            checks.check_overload(mutant)


@pytest.mark.parametrize("room", estimation.ROOMS)
def test_simulated_goodput_agrees_with_theory(room: str) -> None:
    result = estimation.simulate_overload(load=0.5, room=room, replications=200)
    expected = result.table()["theory"].to_numpy()
    error = result.goodput.half_width / 1.97
    steady = np.array(result.grid) < (0.9 if room == "no limit" else np.inf)
    assert (np.abs(result.goodput.estimate - expected) < 4 * error + 1e-9)[steady].all()
    if room == "no limit":  # a fluid knows no chance: a third at twice the capacity and beyond
        far = np.array(result.grid) >= 1.5
        np.testing.assert_allclose(result.goodput.estimate[far], expected[far], rtol=0.2)


def test_overload_is_the_blueprints() -> None:
    design = blueprint.Design(
        "one server",
        blueprint.Clients(rate_rps=15.0, timeout_s=1.0)
        >> blueprint.AppServers(count=1, threads=1, service_s=0.1, queue_capacity=5),
    )
    run = blueprint.simulate_design(design, duration_s=1_000.0)
    expected = 10 * estimation.theory_overload(load=1.5, room=5, run_s=1_000)
    assert run.goodput_rps == pytest.approx(expected, rel=0.04)  # about four standard errors


# --- the map ------------------------------------------------------------------------------------


def test_every_route_has_what_it_needs_in_time() -> None:
    for goal in estimation.CHAPTERS:
        route = estimation.simulate_route(goal=goal).route
        assert route[-1] == goal
        for place, number in enumerate(route):
            assert set(estimation.CHAPTERS[number].needs) <= set(route[:place])
        for number in route[:-1]:  # nothing that is not needed
            assert any(number in estimation.CHAPTERS[other].needs for other in route)


def test_a_circle_in_the_map_is_found(monkeypatch) -> None:
    from helpers.estimation.simulation import route

    looped = dict(route.CHAPTERS)
    looped[1] = route.Stop(1, "Why", (11,), 60, "")
    monkeypatch.setattr(route, "CHAPTERS", looped)
    with pytest.raises(ValueError, match="needs itself"):
        route._levels.__wrapped__()
