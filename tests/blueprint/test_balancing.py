"""Policies at one station: exact waits, the order everybody quotes, and the published values."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.blueprint import (
    AppServers,
    Clients,
    Design,
    LoadBalancer,
    balancing,
    simulate_design,
)
from helpers.blueprint.balancing import (
    balanced_waits,
    balanced_waits_loop,
    exact_balancing,
    simpy_balanced_waits,
    simulate_balancing,
    simulate_balancing_progressively,
    theory_balancing,
)
from helpers.blueprint.policies import POLICIES
from helpers.foundations.queueing import fifo_waits, mm1_response
from helpers.foundations.statistics import mean_interval
from helpers.foundations.traffic.streams import streams

RHO = 0.9


def draws(servers, requests, replications, seed=1):
    rng = streams(seed, "gaps", "services", "first", "second", "users")
    shape = (replications, requests)
    arrivals = np.cumsum(rng["gaps"].standard_exponential(shape), axis=1) / (servers * RHO)
    choice = {
        "first": rng["first"].random(shape),
        "second": rng["second"].random(shape),
        "users": rng["users"].integers(0, 40, shape),
    }
    return arrivals, rng["services"].standard_exponential(shape), choice


@pytest.mark.parametrize("servers", [1, 2, 10])
@pytest.mark.parametrize("policy", POLICIES)
def test_three_implementations_give_the_same_waits_to_the_last_bit(policy, servers):
    arrivals, services, choice = draws(servers, 600, 4)
    across = balanced_waits(policy, arrivals, services, servers, **choice)
    for r in range(4):
        one = {name: values[r] for name, values in choice.items()}
        loop = balanced_waits_loop(policy, arrivals[r], services[r], servers, **one)
        np.testing.assert_array_equal(across[r], loop)
        readable = simpy_balanced_waits(policy, arrivals[r], services[r], servers, **one)
        np.testing.assert_allclose(readable, loop, atol=1e-9)


@pytest.mark.parametrize("policy", POLICIES)
def test_one_server_is_the_fifo_queue(policy):
    arrivals, services, choice = draws(1, 500, 3)
    waits = balanced_waits(policy, arrivals, services, 1, **choice)
    np.testing.assert_allclose(waits, fifo_waits(arrivals, services, 1), atol=1e-9)


def test_long_queues_outgrow_their_rings():
    arrivals, services, choice = draws(2, 900, 2)
    crowded = arrivals / 50  # hundreds of requests wait
    for policy in ("power of two", "join shortest queue"):
        waits = balanced_waits(policy, crowded, services, 2, **choice)
        one = {name: values[1] for name, values in choice.items()}
        loop = balanced_waits_loop(policy, crowded[1], services[1], 2, **one)
        np.testing.assert_array_equal(waits[1], loop)


def measured(policy, servers, *, replications=96, requests=4_000, warm_up=4_000, seed=7):
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


def test_quick_runs_say_so_and_longer_ones_come_nearer():
    results = list(simulate_balancing_progressively(policy="power of two", servers=3, rounds=3))
    widths = [r.mean.high - r.mean.low for r in results]
    assert widths[0] > widths[2]
    assert "power of two" in results[0].reading
    assert results[-1].summary["mean_in_service_times"] == pytest.approx(
        exact_balancing("power of two", servers=3, utilisation=RHO), rel=0.1
    )


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


def _two_choices_take_the_longer(patch):
    lengths = balancing._Rings.lengths
    patch.setattr(balancing._Rings, "lengths", lambda self, which, now: -lengths(self, which, now))


def _only_one_leaves_at_a_time(patch):
    def leave(self, which, now):
        self.length[which] -= 1
        self.next[which] = np.inf

    patch.setattr(balancing._Rings, "_leave", leave)


def _queues_start_empty_and_stay_cold(patch):
    patch.setattr(balancing, "_initial", lambda *args: [])


@pytest.mark.parametrize(
    ("fault", "kwargs"),
    [
        (_two_choices_take_the_longer, {}),
        (_only_one_leaves_at_a_time, {}),
        (_queues_start_empty_and_stay_cold, {"warm_up": 0, "requests": 300}),
    ],
)
def test_a_planted_fault_is_caught(fault, kwargs, monkeypatch):
    truth = exact_balancing("power of two", servers=3, utilisation=RHO)
    fault(monkeypatch)
    interval = measured("power of two", 3, **kwargs)
    assert not interval.low <= truth <= interval.high
