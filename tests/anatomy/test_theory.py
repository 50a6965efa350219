"""Closed forms against independent derivations, limits and published values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers import anatomy
from helpers.foundations import queueing
from helpers.foundations.traffic.keys import zipf_weights


def test_cdn_adds_up_round_trips():
    # 8,000 km: 80 ms a round trip, three of them and 20 ms of work for an idle origin.
    slow = {"rate_rps": 1e-9, "service_ms": 20.0}
    numbers = anatomy.theory_cdn(distance_km=8_000, hit_ratio=0.75, **slow)
    assert numbers["direct_s"] == pytest.approx(0.26)
    assert numbers["hit_s"] == pytest.approx(0.003)
    assert numbers["miss_s"] == pytest.approx(0.003 + 0.08 + 0.02)
    assert numbers["mean_s"] == pytest.approx(0.75 * 0.003 + 0.25 * 0.103)
    assert anatomy.theory_cdn(distance_km=1, hit_ratio=0, rate_rps=200)["direct_s"] == math.inf
    # A hit ratio of 1 has no misses, whatever the origin could or could not do.
    assert anatomy.theory_cdn(distance_km=1, hit_ratio=1, rate_rps=1e6)["mean_s"] < math.inf


def test_power_of_two_published_values():
    # Mitzenmacher 2001, table for d = 2 and 3 at lambda = 0.9 and 0.99: 2.61 and 5.43 (d = 2).
    assert anatomy.theory_power_of_two(0.9) == pytest.approx(2.6141, abs=1e-4)
    assert anatomy.theory_power_of_two(0.5) == pytest.approx(1.2657, abs=1e-4)
    assert anatomy.theory_power_of_two(0.9, 1) == pytest.approx(10)
    assert anatomy.theory_power_of_two(0.0) == 1.0
    assert anatomy.theory_power_of_two(0.9, 3) < anatomy.theory_power_of_two(0.9, 2)


def test_power_of_two_by_littles_law_from_the_fixed_point():
    # The mean number at a server is the sum of P(length >= i) = lambda^(2^i - 1).
    for load in (0.3, 0.7, 0.95):
        mean = sum(load ** (2**i - 1) for i in range(1, 12))
        assert anatomy.theory_power_of_two(load) == pytest.approx(mean / load)


def test_round_robin_with_two_servers_by_hand():
    # E_2/M/1: sigma (a + 1 - sigma)^2 = a^2 with a = 2 rho has the root 1 and this one.
    for load in (0.2, 0.8, 0.95):
        a = 2 * load
        roots = np.roots([1, -2 * (a + 1), (a + 1) ** 2, -(a**2)])
        sigma = min(root.real for root in roots if abs(root.imag) < 1e-9)
        found = anatomy.theory_balancing(load, 2)["round robin"]
        assert found == pytest.approx(1 / (1 - sigma))


def test_no_policy_beats_one_queue():
    for load in (0.2, 0.6, 0.9):
        numbers = anatomy.theory_balancing(load, 10)
        floor = numbers.pop("one queue")
        assert floor == pytest.approx(queueing.mmc_response(load * 10, 1.0, 10))
        assert all(value >= floor for value in numbers.values())


def test_health_check_by_integration():
    # The death is uniform over an interval: average the time to the k-th check after it.
    phases = (np.arange(100_000) + 0.5) / 100_000
    for threshold in (1, 2, 5):
        numbers = anatomy.theory_health_check(
            rate_rps=180, servers=3, interval_s=5, threshold=threshold
        )
        detection = ((threshold - 1 + phases) * 5).mean()
        assert numbers["detection_s"] == pytest.approx(detection)
        assert numbers["errors"] == pytest.approx(60 * detection)


def test_sessions_over_every_residue():
    for servers in (2, 3, 7, 20):
        every = np.arange(servers * (servers + 1))
        moved = (every % servers != every % (servers + 1)).mean()
        assert anatomy.theory_sessions(servers=servers, event="add a server") == pytest.approx(
            moved
        )
        crashed = (every % servers == 0).mean()
        assert anatomy.theory_sessions(servers=servers, event="one crash") == pytest.approx(crashed)
    assert anatomy.theory_sessions(servers=4, event="rolling deploy") == 1.0


@pytest.mark.parametrize(
    ("rise_s", "lag_s", "after", "target"),
    [(0, 100, 900, 0.6), (60, 135, 900, 0.6), (300, 60, 2_000, 0.5), (10, 400, 310, 1.0)],
)
def test_deficit_by_brute_integration(rise_s, lag_s, after, target):
    t = np.linspace(0, rise_s + lag_s + 10, 2_000_001)

    def demand(time):
        share = np.clip(time / rise_s, 0, 1) if rise_s else (time >= 0).astype(float)
        return 300 + (after - 300) * share

    short = np.maximum(demand(t) - demand(t - lag_s) / target, 0)
    found = anatomy.theory_deficit(
        before_rps=300, after_rps=after, rise_s=rise_s, lag_s=lag_s, target=target
    )
    assert found == pytest.approx(np.trapezoid(short, t), rel=1e-4, abs=1e-3)


def test_deficit_is_nothing_where_headroom_suffices():
    arguments = {"before_rps": 300, "rise_s": 60, "lag_s": 1_000}
    assert anatomy.theory_deficit(after_rps=500, target=0.6, **arguments) == 0
    assert anatomy.theory_deficit(after_rps=510, target=0.6, **arguments) > 0


def test_cache_load():
    numbers = anatomy.theory_cache_load(rate_rps=4_000, hit_ratio=0.9)
    assert numbers["database_rps"] == pytest.approx(400)
    assert numbers["utilisation"] == pytest.approx(0.5)
    response = float(queueing.mmc_response(400, 0.01, 8))
    assert numbers["read_s"] == pytest.approx(0.0005 + 0.1 * response)
    assert anatomy.theory_cache_load(rate_rps=4_000, hit_ratio=0.8)["read_s"] == math.inf


@pytest.mark.parametrize(("keys", "exponent"), [(500, 0.7), (5_000, 0.9), (2_000, 1.2)])
def test_che_solved_directly(keys, exponent):
    weights = zipf_weights(keys, exponent)
    for size in (5, keys // 20, keys // 3):
        low, high = 0.0, 1e9
        for _ in range(200):
            middle = (low + high) / 2
            filled = (-np.expm1(-weights * middle)).sum()
            low, high = (middle, high) if filled < size else (low, middle)
        exact = (weights * -np.expm1(-weights * low)).sum()
        found = anatomy.theory_hit_ratio(keys=keys, exponent=exponent, size=[size])[0]
        # The curve is interpolated between 64 points.
        assert found == pytest.approx(exact, abs=2e-3)


def test_hit_ratio_without_skew_is_the_share_of_the_room():
    sizes = np.array([10, 100, 250])
    assert anatomy.theory_hit_ratio(keys=500, exponent=0, size=sizes) == pytest.approx(sizes / 500)
    best = anatomy.theory_best_hit_ratio(keys=500, exponent=0, size=sizes)
    assert best == pytest.approx(sizes / 500)


def test_the_best_cache_is_best():
    sizes = np.geomspace(1, 4_000, 30)
    arguments = {"keys": 5_000, "exponent": 0.9, "size": sizes}
    assert (
        anatomy.theory_best_hit_ratio(**arguments) >= anatomy.theory_hit_ratio(**arguments) - 1e-9
    ).all()


def test_power_cut_and_chain_and_outage():
    assert anatomy.theory_power_cut(rate_rps=500, flush_s=1, sync_ms=2)["lost_writes"] == 250
    always = anatomy.theory_power_cut(rate_rps=500, flush_s=0, sync_ms=2)
    assert always["lost_writes"] == 0
    assert always["disk_busy"] == pytest.approx(1.0)
    assert anatomy.theory_chain(services=5, availability=0.99) == pytest.approx(0.99**5)
    queued = [
        anatomy.theory_chain(services=5, availability=0.9, queue_after=k) for k in range(1, 6)
    ]
    assert queued == pytest.approx([0.9 ** (k + 1) for k in range(1, 6)])
    outage = anatomy.theory_outage(rate_rps=50, outage_s=20, drain_rps=80)
    assert outage["backlog"] == 1_000
    assert outage["drain_s"] == pytest.approx(100 / 3)
    assert anatomy.theory_outage(rate_rps=50, outage_s=20, drain_rps=50)["drain_s"] == math.inf


def test_layout_pages_by_hand():
    # 10,000 users with 20 orders of 40 bytes: 8 MB of orders are 1,953 pages.
    pages = anatomy.layout_pages(users=10_000, orders=20, friends=20)
    assert pages[0, 2] == pytest.approx(8_000_000 / 4_096)
    # Document: one lookup and its overflow; relational: the profile, the index, 20 rows.
    assert pages[1, 1] == pytest.approx(1 + (100 + 60 * 20 + 12 * 20) / 4_096)
    assert pages[0, 1] == pytest.approx(2 + (100 + 12 * 20) / 4_096 + 20)
    assert (pages[:, 0] == pages[0, 0]).all()


BAD = [
    (lambda: anatomy.theory_cdn(distance_km=-1, hit_ratio=0, rate_rps=1), "distance_km"),
    (lambda: anatomy.theory_cdn(distance_km=1, hit_ratio=1.1, rate_rps=1), "hit_ratio"),
    (lambda: anatomy.theory_power_of_two(1.0), "utilisation"),
    (lambda: anatomy.theory_power_of_two(0.5, 0), "choices"),
    (lambda: anatomy.theory_balancing(0.5, 0), "servers"),
    (lambda: anatomy.theory_balancing(1.0, 2), "utilisation"),
    (lambda: anatomy.theory_sessions(servers=1, event="one crash"), "servers"),
    (lambda: anatomy.theory_sessions(servers=3, event="flood"), "event"),
    (lambda: anatomy.theory_hit_ratio(keys=10, exponent=1, size=[11]), "size"),
    (lambda: anatomy.theory_chain(services=3, availability=2), "availability"),
    (lambda: anatomy.theory_chain(services=3, availability=0.9, queue_after=4), "queue_after"),
    (lambda: anatomy.theory_outage(rate_rps=0, outage_s=1, drain_rps=1), "rate_rps"),
    (lambda: anatomy.theory_power_cut(rate_rps=1, flush_s=-1, sync_ms=1), "flush_s"),
    (lambda: anatomy.simulate_anatomy(victim="the cat"), "victim"),
    (lambda: anatomy.simulate_anatomy(rate_rps=81), "rate_rps"),
    (lambda: anatomy.anatomy_design(wiring="up"), "wiring"),
    (lambda: anatomy.anatomy_design(standby=1), "standby"),
    (lambda: anatomy.simulate_cdn(distance_km=20_001), "distance_km"),
    (lambda: anatomy.simulate_cdn(replications=1), "replications"),
    (lambda: next(anatomy.simulate_balancing(utilisation=1)), "utilisation"),
    (lambda: next(anatomy.simulate_balancing(servers=2.0)), "servers"),
    (lambda: next(anatomy.simulate_balancing(balancers=0)), "balancers"),
    (lambda: anatomy.replay_balancing("best", [], [], [], 2), "policy"),
    (lambda: anatomy.simulate_health_check(check="thorough"), "check"),
    (lambda: anatomy.simulate_health_check(threshold=0), "threshold"),
    (lambda: anatomy.simulate_sessions(users=1), "users"),
    (lambda: anatomy.simulate_sessions(seed=-1), "seed"),
    (lambda: anatomy.simulate_autoscaler(factor=0.5), "factor"),
    (lambda: anatomy.simulate_cache_load(rate_rps=1), "rate_rps"),
    (lambda: anatomy.simulate_hit_ratio(share=0.0), "share"),
    (lambda: anatomy.simulate_power_cut(each_write="yes"), "each_write"),
    (lambda: anatomy.simulate_layouts(page_share=-0.1), "page_share"),
    (lambda: anatomy.simulate_outage(outage_s=0), "outage_s"),
    (lambda: anatomy.simulate_chain(availability=0.5), "availability"),
    (lambda: anatomy.measure_cdn(hit_ratio=1.0), "hit_ratio"),
    (lambda: anatomy.measure_balancing(servers=11), "servers"),
    (lambda: anatomy.measure_health_check(clusters=1), "clusters"),
    (lambda: anatomy.measure_sessions(users=1), "users"),
    (lambda: anatomy.measure_job_loss(jobs=0), "jobs"),
    (lambda: anatomy.measure_cache_load(reads=1), "reads"),
    (lambda: anatomy.measure_power_cut(cuts=1), "cuts"),
    (lambda: anatomy.measure_layouts(users=1), "users"),
    (lambda: anatomy.measure_outage(rate_rps=1), "rate_rps"),
    (lambda: anatomy.lab_parameters(7), "student_id"),
    (lambda: anatomy.lab_parameters(" "), "student_id"),
    (lambda: anatomy.question("why"), "name"),
]


@pytest.mark.parametrize(("call", "name"), BAD)
def test_bad_input_is_named(call, name):
    with pytest.raises((TypeError, ValueError), match=name):
        call()


def test_answers_are_among_the_options():
    for name in anatomy.question_names():
        asked = anatomy.question(name)
        answer = asked["answer"]() if callable(asked["answer"]) else asked["answer"]
        if asked.get("options"):
            assert answer in asked["options"], name
        else:
            assert math.isfinite(answer), name
