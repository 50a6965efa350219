"""Policies at one station: exact waits, the order everybody quotes, and the published values."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.blueprint import (
    AppServers,
    Clients,
    Design,
    LoadBalancer,
    simulate_design,
)
from helpers.blueprint.balancing import station, waits
from helpers.blueprint.balancing.chain import exact_balancing
from helpers.blueprint.balancing.limits import theory_balancing
from helpers.blueprint.balancing.station import simulate_balancing
from helpers.blueprint.balancing.waits import (
    balanced_waits,
    simpy_balanced_waits,
)
from helpers.blueprint.policies import POLICIES
from helpers.foundations.queueing import fifo_waits, mm1_response
from helpers.foundations.statistics import mean_interval
from helpers.foundations.traffic.streams import streams

RHO = 0.9


def draws(servers, requests, seed=1):
    rng = streams(seed, "gaps", "services", "first", "second", "users")
    arrivals = np.cumsum(rng["gaps"].standard_exponential(requests)) / (servers * RHO)
    choice = {
        "first": rng["first"].random(requests),
        "second": rng["second"].random(requests),
        "users": rng["users"].integers(0, 40, requests),
    }
    return arrivals, rng["services"].standard_exponential(requests), choice


@pytest.mark.parametrize("servers", [1, 2, 10])
@pytest.mark.parametrize("policy", POLICIES)
def test_the_quick_loops_give_the_waits_of_the_model_in_simpy(policy, servers):
    arrivals, services, choice = draws(servers, 1_500)
    quick = balanced_waits(policy, arrivals, services, servers, **choice)
    readable = simpy_balanced_waits(policy, arrivals, services, servers, **choice)
    np.testing.assert_allclose(quick, readable, atol=1e-9)


@pytest.mark.parametrize("policy", POLICIES)
def test_hundreds_may_wait(policy):
    arrivals, services, choice = draws(2, 900)
    crowded = arrivals / 50
    quick = balanced_waits(policy, crowded, services, 2, **choice)
    np.testing.assert_allclose(
        quick, simpy_balanced_waits(policy, crowded, services, 2, **choice), atol=1e-9
    )
    assert quick.max() > 200


@pytest.mark.parametrize("policy", POLICIES)
def test_one_server_is_the_fifo_queue(policy):
    arrivals, services, choice = draws(1, 500)
    waits = balanced_waits(policy, arrivals, services, 1, **choice)
    np.testing.assert_allclose(waits, fifo_waits(arrivals, services, 1), atol=1e-9)


@pytest.mark.parametrize("policy", POLICIES)
def test_those_who_are_there_at_the_start_are_waited_for(policy):
    """They stand for requests that came before: each is served at once, one by one."""
    arrivals, services, choice = draws(3, 400)
    before, work = 1e-6 * np.arange(1, 7), np.array([3.0, 1.0, 2.0, 1.0, 2.0, 2.0])
    turn = {"first": [0.0, 0.34, 0.67] * 2, "second": [0.0] * 6, "users": [0, 1, 2] * 2}
    more = {name: np.concatenate([turn[name], values]) for name, values in choice.items()}
    came, took = np.concatenate([before, 1 + arrivals]), np.concatenate([work, services])
    six = {name: values[:6] for name, values in more.items()}
    leaves = before + work + balanced_waits("random", before, work, 3, **six)
    there = [leaves[i::3].tolist() for i in range(3)]
    found = balanced_waits(policy, 1 + arrivals, services, 3, **choice, there=there)
    if policy in ("random", "sticky", "round robin"):
        whole = balanced_waits(policy, came, took, 3, **more)[6:]
        np.testing.assert_allclose(found, whole, atol=1e-9)
    server = _first_choice(policy, choice, [sum(t > came[6] for t in times) for times in there])
    assert found[0] == pytest.approx(there[server][-1] - came[6])


def _first_choice(policy, choice, left):
    """The server that the first request goes to, if so many are left at each."""
    one = int(choice["first"][0] * 3)
    if policy == "sticky":
        return choice["users"][0] % 3
    if policy in ("join shortest queue", "least connections"):
        ties = [i for i in range(3) if left[i] == min(left)]
        return ties[int(choice["first"][0] * len(ties))]
    if policy == "power of two":
        others = [i for i in range(3) if i != one]
        other = others[int(choice["second"][0] * 2)]
        return other if left[other] < left[one] else one
    return 0 if policy == "round robin" else one


def measured(policy, servers, *, replications=96, requests=6_000, warm_up=2_000, seed=7):
    result = simulate_balancing(
        policy=policy,
        servers=servers,
        utilisation=RHO,
        service_s=1.0,
        requests=requests,
        warm_up=warm_up,
        replications=replications,
        seed=seed,
    )
    return mean_interval(result.response_s.mean(axis=1), confidence=0.999)


@pytest.mark.parametrize(
    ("policy", "servers"),
    [("random", 10), ("round robin", 10), ("round robin", 3)],
)
def test_policies_that_look_at_nothing_agree_with_theory(policy, servers):
    interval = measured(policy, servers, replications=192)
    truth = theory_balancing(policy, servers=servers, utilisation=RHO)
    assert interval.low <= truth <= interval.high
    assert interval.high - interval.low < 0.2 * truth


@pytest.mark.parametrize(
    ("policy", "servers"),
    [
        ("join shortest queue", 2),
        ("join shortest queue", 10),
        ("least connections", 10),
        ("power of two", 3),
    ],
)
def test_policies_that_look_agree_with_their_markov_chain(policy, servers):
    interval = measured(policy, servers)
    truth = exact_balancing(policy, servers=servers, utilisation=RHO)
    assert interval.low <= truth <= interval.high
    assert interval.high - interval.low < 0.2 * truth


def test_the_power_of_two_approaches_the_supermarket_model():
    """Mitzenmacher 2001: 100 servers lie a little above the limit, by a term of order 1/n."""
    limit = theory_balancing("power of two", servers=100, utilisation=RHO)
    assert limit == pytest.approx(1 + 0.9**2 + 0.9**6 + 0.9**14 + 0.9**30 + 0.9**62, rel=1e-4)
    interval = measured("power of two", 100, replications=64, requests=8_000, warm_up=4_000)
    assert 1.0 * limit < interval.high
    assert interval.low < 1.03 * limit
    assert interval.high - interval.low < 0.08 * limit
    few = exact_balancing("power of two", servers=4, utilisation=RHO)
    assert few > 1.1 * limit


def test_the_policies_are_ordered_as_everybody_says():
    means = {
        policy: measured(policy, 10, replications=48).estimate
        for policy in ("random", "round robin", "power of two", "join shortest queue")
    }
    assert means["random"] > 1.5 * means["round robin"]
    assert means["round robin"] > 1.5 * means["power of two"]
    assert means["power of two"] > 1.3 * means["join shortest queue"]
    pooled = theory_balancing("join shortest queue", servers=10, utilisation=RHO)
    assert means["join shortest queue"] > pooled  # no policy beats one shared queue


def test_the_markov_chain_gets_what_is_known_right():
    assert exact_balancing("random", servers=2, utilisation=0.8) == pytest.approx(5, rel=1e-4)
    for n in (2, 3):
        two = exact_balancing("power of two", servers=n, utilisation=0.7)
        shortest = exact_balancing("join shortest queue", servers=n, utilisation=0.7)
        # With two servers both choices are all there are.
        assert (two == pytest.approx(shortest)) == (n == 2)
    assert exact_balancing("power of two", servers=1, utilisation=0.5) == mm1_response(0.5, 1.0)


def test_the_blueprint_and_the_lone_station_agree():
    balancer = LoadBalancer(policy="join shortest queue", latency_s=0.0, health_check=None)
    app = AppServers(count=3, threads=1, service_s=0.1)
    design = Design("station", Clients(rate_rps=27) >> balancer >> app)
    samples = [
        simulate_design(design, duration_s=360, warm_up_s=60, seed=s).response_s.mean()
        for s in range(12)
    ]
    interval = mean_interval(samples, confidence=0.999)
    truth = 0.1 * exact_balancing("join shortest queue", servers=3, utilisation=RHO)
    assert interval.low <= truth <= interval.high
    assert interval.high - interval.low < 0.4 * truth


def test_longer_runs_come_nearer():
    few, many = (simulate_balancing(servers=3, requests=count).mean for count in (500, 8_000))
    assert many.half_width < few.half_width / 2


@pytest.mark.parametrize(
    ("policy", "servers"),
    [("power of two", 4), ("round robin", 10)],
)
@pytest.mark.thorough
def test_the_default_run_s_interval_holds_the_exact_value_as_often_as_it_says(policy, servers):
    """Of 40 right intervals of 95 %, 34 to 40 hold it, but for one time in a hundred."""
    known = theory_balancing if policy == "round robin" else exact_balancing
    truth = 0.1 * known(policy, servers=servers, utilisation=RHO)
    runs = [simulate_balancing(policy=policy, servers=servers, seed=seed) for seed in range(40)]
    assert sum(run.mean.contains(truth) for run in runs) >= 34
    # Nor is there a bias that one run is too short to show.
    assert mean_interval([run.mean.estimate for run in runs], 0.999).contains(truth)


def test_a_reading_says_what_the_numbers_say():
    result = simulate_balancing(policy="sticky", servers=1, requests=100, warm_up=0)
    assert result.reading.startswith("With sticky over one server at 90 % a request takes ")
    assert f"{result.mean.estimate / 0.1:.3g} service times" in result.reading
    table = result.table()
    assert table.index.name == "percentile"
    assert table.loc[99.0, "response_ms"] == pytest.approx(1e3 * result.p99_s)
    assert result.summary["mean_ms"] == pytest.approx(1e3 * result.response_s.mean())


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: simulate_balancing(policy="best"), "policy"),
        (lambda: simulate_balancing(policy="random", utilisation=1.0), "utilisation"),
        (lambda: simulate_balancing(policy="random", servers=0), "servers"),
        (lambda: simulate_balancing(policy="random", replications=1), "replications"),
        (lambda: theory_balancing("sticky", servers=2, utilisation=0.5), "policy"),
        (lambda: exact_balancing("power of two", servers=5, utilisation=0.5), "servers"),
        (lambda: exact_balancing("random", servers=2, utilisation=0.99), "utilisation"),
    ],
)
def test_impossible_comparisons_are_refused(act, words):
    with pytest.raises(ValueError, match=words):
        act()


def _two_choices_are_none(patch):
    patch.setattr(
        waits,
        "_shorter",
        lambda arrivals, services, there, ones, _: waits._blind(arrivals, services, there, ones),
    )


def _somebody_else_is_taken_for_gone(patch):
    pop = waits.heappop

    def heappop(heap):
        when, server = pop(heap)
        return when, (server + 1) % 10

    patch.setattr(waits, "heappop", heappop)


def _queues_start_empty_and_stay_cold(patch):
    patch.setattr(station, "_already_there", lambda at, arrivals, rng: [[]] * at.servers)


def _found_as_often_as_at_random(patch):
    patch.setattr(station, "_found_busy", lambda servers, load: load)


@pytest.mark.parametrize(
    ("fault", "policy", "servers", "kwargs"),
    [
        (_two_choices_are_none, "power of two", 3, {}),
        (_somebody_else_is_taken_for_gone, "join shortest queue", 10, {}),
        (_queues_start_empty_and_stay_cold, "power of two", 3, {"warm_up": 0, "requests": 300}),
        (_queues_start_empty_and_stay_cold, "random", 2, {"warm_up": 0, "requests": 300}),
        (_found_as_often_as_at_random, "round robin", 10, {"warm_up": 0, "requests": 300}),
    ],
)
def test_a_planted_fault_is_caught(fault, policy, servers, kwargs, monkeypatch):
    known = theory_balancing if policy == "round robin" else exact_balancing
    truth = known(policy, servers=servers, utilisation=RHO)
    fault(monkeypatch)
    interval = measured(policy, servers, **kwargs)
    assert not interval.low <= truth <= interval.high
