"""The closed forms against other ways to the same number: recursions, enumeration, definitions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from helpers import why
from helpers.foundations import queueing
from helpers.why.theory.deploys import batch_sizes


@pytest.mark.parametrize("users", [1, 5, 100, 6_000, 6_300, 100_000])
@pytest.mark.parametrize(("think_s", "service_s"), [(60.0, 0.01), (1.0, 1.0), (0.2, 0.004)])
def test_users_idle_server_is_erlangs_loss(users: int, think_s: float, service_s: float) -> None:
    station = why.theory_users(users, think_s, service_s)
    busy = 1 - float(queueing.erlang_b(think_s / service_s, users))
    assert station.utilisation == pytest.approx(busy, rel=1e-9)
    assert station.utilisation == pytest.approx(station.throughput_rps * service_s, rel=1e-9)
    assert station.in_system == pytest.approx(station.throughput_rps * station.response_s, rel=1e-9)
    thinking = users / station.throughput_rps - station.response_s
    assert thinking == pytest.approx(think_s, rel=1e-6), "N = X (R + Z)"


@pytest.mark.parametrize("users", [1, 2, 10, 80])
def test_users_agree_with_mean_value_analysis(users: int) -> None:
    exact = queueing.mva([0.3], users, think_s=4.0)
    station = why.theory_users(users, 4.0, 0.3)
    assert station.response_s == pytest.approx(exact.response_s[-1], rel=1e-9)
    assert station.throughput_rps == pytest.approx(exact.throughput_rps[-1], rel=1e-9)


@pytest.mark.parametrize(("users", "servers"), [(3, 1), (7, 2), (12, 5), (4, 8)])
def test_users_with_several_servers_solve_the_balance_equations(users: int, servers: int) -> None:
    think_s, service_s = 2.0, 0.7
    generator = np.zeros((users + 1, users + 1))
    for n in range(users):
        generator[n, n + 1] = (users - n) / think_s
        generator[n + 1, n] = min(n + 1, servers) / service_s
    generator -= np.diag(generator.sum(axis=1))
    system = np.vstack([generator.T, np.ones(users + 1)])
    share = np.linalg.lstsq(system, np.append(np.zeros(users + 1), 1.0), rcond=None)[0]
    station = why.theory_users(users, think_s, service_s, servers)
    assert station.in_system == pytest.approx(share @ np.arange(users + 1), rel=1e-9)
    assert station.utilisation * servers == pytest.approx(
        share @ np.minimum(np.arange(users + 1), servers), rel=1e-9
    )


def test_ten_million_users_approach_the_asymptote() -> None:
    assert why.theory_users(10**7, 60.0, 0.01).response_s == pytest.approx(1e5 - 60, rel=1e-9)
    assert why.saturation_users(60.0, 0.01) == pytest.approx(6_001)


def test_workers_lie_between_amdahl_and_the_bound() -> None:
    rng = np.random.default_rng(3)
    for cpu_s, io_s in rng.uniform(0.001, 0.1, (30, 2)):
        for workers in (1, 2, 7, 40):
            exact = why.theory_concurrency(workers, cpu_s, io_s).throughput_rps
            assert why.amdahl_throughput(workers, cpu_s, io_s) <= exact * (1 + 1e-9)
            assert exact <= why.best_throughput(workers, cpu_s, io_s) * (1 + 1e-9)


def test_amdahl_is_the_pessimistic_asymptote() -> None:
    for workers in (1, 3, 20):
        assert why.amdahl_throughput(workers, 0.2, 1.3) == pytest.approx(
            workers / (workers * 0.2 + 1.3)
        )


@pytest.mark.parametrize("utilisation", [0.05, 0.3, 0.5, 0.8, 0.95, 0.99])
def test_constant_arrivals_solve_their_equation(utilisation: float) -> None:
    wait = why.constant_wait(utilisation)
    sigma = wait / (1 + wait)
    assert 0 < sigma < 1
    assert sigma == pytest.approx(math.exp(-(1 - sigma) / utilisation), rel=1e-9)


def test_constant_arrivals_at_half_load() -> None:
    # sigma = 0.20319 solves sigma = exp(-2 (1 - sigma)).
    assert why.constant_wait(0.5) == pytest.approx(0.20319 / 0.79681, rel=1e-4)


def test_traffic_picks_the_formula_that_is_exact() -> None:
    assert why.theory_traffic(0.8, "poisson", 0.0) == pytest.approx(2.0)
    assert why.theory_traffic(0.8, "poisson", 1.0) == pytest.approx(4.0)
    assert why.theory_traffic(0.8, "constant", 0.0) == 0
    for kind, burst in (("bursty", 1.0), ("poisson", 4.0)):
        assert why.theory_traffic(0.7, kind, 1.0, burst, exponential=True) == pytest.approx(7 / 3)
    assert why.theory_traffic(0.7, "bursty", 2.0, 4.0) == pytest.approx(7)


def _durable(policy: str, **changed: float) -> why.DurabilityTheory:
    given = {"write_wps": 200.0, "sync_s": 0.002, "flush_s": 10.0, "uptime_s": 3_600.0}
    return why.theory_durability(policy, **(given | {"memory_s": 1e-6} | changed))


def test_durability() -> None:
    assert _durable("memory").lost_kill == pytest.approx(720_000)
    assert _durable("no sync").lost_kill == 0
    assert _durable("no sync").lost_power == pytest.approx(1_000)
    each = _durable("sync each write")
    assert each.latency_s == pytest.approx(0.002 * (1 + 0.4 / (2 * 0.6)))
    assert math.isinf(_durable("sync each write", write_wps=500.0).latency_s)
    group = _durable("group commit")
    assert 0.002 < group.latency_s < 0.003
    assert _durable("group commit", write_wps=1e-3).latency_s == pytest.approx(0.002, rel=1e-4)
    assert _durable("group commit", write_wps=1e6).latency_s == pytest.approx(0.003, rel=1e-6)


@pytest.mark.parametrize("tries", [1, 2, 3, 4])
@pytest.mark.parametrize("idempotent", [False, True])
def test_books_by_enumeration(tries: int, idempotent: bool) -> None:
    error, kill, timeout_s, work_s, effect_at = 0.1, 0.15, 0.2, 0.1, 0.3
    slow = math.exp(-timeout_s / work_s)
    chance = {
        "a": (1 - error) * (1 - kill) * (1 - slow),
        "b": error,
        "c": (1 - error) * kill * effect_at,
        "d": (1 - error) * (kill * (1 - effect_at) + (1 - kill) * slow),
    }
    assert sum(chance.values()) == pytest.approx(1)
    names = ("ok", "failed", "lost", "not_done", "done_once", "duplicated", "late")
    total = dict.fromkeys(names, 0.0)
    for fates in itertools.product("abcd", repeat=tries):
        p = math.prod(chance[fate] for fate in fates)
        # Tries after the first answer never happen; summing over them changes nothing.
        story = fates[: fates.index("a") + 1] if "a" in fates else fates
        done = sum(fate in "ad" for fate in story)
        done = min(done, 1) if idempotent else done
        ok, failed = "a" in story, set(story) == {"b"}
        total["ok"] += p * ok
        total["failed"] += p * failed
        total["lost"] += p * (not ok and not failed)
        total["not_done"] += p * (done == 0)
        total["done_once"] += p * (done == 1)
        total["duplicated"] += p * (done > 1)
        total["late"] += p * (not ok and done > 0)
    found = why.theory_books(timeout_s, work_s, error, kill, tries - 1, idempotent, effect_at)
    for name in names:
        assert getattr(found, name) == pytest.approx(total[name], abs=1e-12), name


def test_books_at_the_extremes() -> None:
    hopeless = why.theory_books(1.0, 0.1, 1.0, 0.0, 3)
    assert (hopeless.failed, hopeless.ok, hopeless.not_done) == (1, 0, 1)
    assert why.interrupted_but_done(0.01, 0.03) == pytest.approx(0.75)


def test_brier_parts_add_up() -> None:
    rng = np.random.default_rng(5)
    stated = rng.choice([0.5, 0.7, 0.9], 200)
    right = rng.random(200) < stated - 0.1
    parts = why.brier_parts(stated, right)
    whole = parts["reliability"] - parts["resolution"] + parts["uncertainty"]
    assert parts["brier"] == pytest.approx(whole)
    assert parts["brier"] == pytest.approx(((stated - right) ** 2).mean())


@pytest.mark.parametrize("truth", [0.5, 0.63, 0.9])
def test_the_score_rewards_honesty(truth: float) -> None:
    said = np.linspace(0, 1, 101)
    scores = [why.theory_calibration([p], [truth], [1.0]) for p in said]
    assert said[int(np.argmin(scores))] == pytest.approx(truth, abs=0.005)


def test_losses_and_deploys() -> None:
    assert why.theory_loss(0.75, 4) == pytest.approx(1.0)
    assert why.theory_loss(0.5, 6, lost=3) == pytest.approx(1.0)
    assert batch_sizes(7, 3) == [3, 3, 1]
    rolling = why.theory_rolling(6, 2, 0.6, 0.4, 5.0)
    assert (rolling.capacity, rolling.utilisation) == pytest.approx((4 / 6, 0.9))
    assert (rolling.duration_s, rolling.backlog) == (15.0, 0.0)
    assert rolling.wait_s == pytest.approx(queueing.mmc_wait(9.0, 0.4, 4))
    whole = why.theory_rolling(4, 4, 0.5, 0.4, 5.0)
    assert (whole.capacity, whole.backlog) == pytest.approx((0.0, 25.0))
    assert math.isinf(whole.utilisation)
    # 4 of 6 are left for 5 erlangs: one server's work a second, three times five seconds long.
    assert why.theory_rolling(6, 2, 5 / 6, 1.0, 5.0).backlog == pytest.approx(15.0)


@pytest.mark.parametrize(("m", "p0", "p1"), [(20, 0.2, 0.5), (300, 0.01, 0.03), (900, 0.02, 0.03)])
def test_canary_by_counting(m: int, p0: float, p1: float) -> None:
    def tail(k: int, p: float) -> float:
        return math.fsum(math.comb(m, j) * p**j * (1 - p) ** (m - j) for j in range(k, m + 1))

    found = why.theory_canary(m, p0, p1)
    assert tail(found.threshold, p0) <= 0.05 < tail(found.threshold - 1, p0)
    assert found.false_alarm == pytest.approx(tail(found.threshold, p0), rel=1e-9)
    assert found.power == pytest.approx(tail(found.threshold, p1), rel=1e-9)


@pytest.mark.parametrize(("p0", "p1"), [(0.01, 0.02), (0.05, 0.06), (0.001, 0.003), (0.02, 0.1)])
def test_the_rule_of_thumb_for_canaries_is_of_the_right_size(p0: float, p1: float) -> None:
    needed = round(why.canary_requests(p0, p1))
    assert 0.78 < why.theory_canary(needed, p0, p1).power < 0.96
    assert why.theory_canary(2 * needed, p0, p1).power > 0.97
