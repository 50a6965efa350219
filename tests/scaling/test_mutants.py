"""Planted faults, each of which a check must catch: a check that cannot fail proves nothing."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import scaling
from helpers.foundations import queueing
from helpers.scaling.simulation import (
    availability,
    bottleneck,
    knee,
    pooling,
    run_length,
    scalability,
    speedup,
    staffing,
)
from tests.scaling import checks


def caught(check, *args) -> None:
    with pytest.raises(AssertionError):
        check(*args)


@pytest.fixture(autouse=True)
def _fresh_caches():
    """No draw that a mutant made may outlive it, nor one made before hide it."""
    caches = (
        knee._draws, knee._unit_responses, run_length._draws, bottleneck._draws,
        scalability._round_draws, scalability._loop_draws, pooling._unit_times, availability._draws,
        speedup._makespans,
    )  # fmt: skip
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def _regular(kind, size, rng, **_):
    return np.ones(size)


@pytest.mark.parametrize("what", ["unit_gaps", "unit_services"])
def test_knee_with_regular_traffic(monkeypatch, what: str) -> None:
    monkeypatch.setattr(knee, what, _regular)
    caught(checks.check_knee, scaling.simulate_knee, 1, 0.7)


def test_knee_with_a_server_too_many(monkeypatch) -> None:
    original = queueing.fifo_waits
    monkeypatch.setattr(queueing, "fifo_waits", lambda a, s, c: original(a, s, c + 1))
    caught(checks.check_knee, scaling.simulate_knee, 4, 0.7)


def test_knee_that_reports_the_wait_alone(monkeypatch) -> None:
    original = queueing.fifo_waits
    monkeypatch.setattr(queueing, "fifo_waits", lambda a, s, c: original(a, s, c) - s)
    caught(checks.check_knee, scaling.simulate_knee, 1, 0.7)


def test_knee_that_forgets_to_warm_up_short_runs(monkeypatch) -> None:
    monkeypatch.setattr(knee, "_REQUESTS_ONE_POINT", 60)
    monkeypatch.setattr(knee, "_REQUESTS_ONE_SERVER", 60)
    monkeypatch.setattr(knee, "_WARMUP_SHARE", 0)
    caught(checks.check_knee, scaling.simulate_knee, 1, 0.85)


def test_run_length_that_starts_empty(monkeypatch) -> None:
    original = run_length._draws

    def empty(seed):
        first, gaps, services = original(seed)
        return np.zeros_like(first), gaps, services

    monkeypatch.setattr(run_length, "_draws", empty)
    caught(_early_bias)


def _early_bias() -> None:
    """After 100 requests a steady queue is unbiased; one that started empty is not."""
    results = [
        scaling.simulate_run_length(utilisation=0.8, requests=100, seed=s) for s in range(12)
    ]
    checks.assert_agrees(np.concatenate([r.means for r in results]), 5.0)


def test_run_length_of_the_real_queue_has_no_early_bias() -> None:
    _early_bias()


def test_run_length_with_independent_requests(monkeypatch) -> None:
    original = run_length._draws

    def shuffled(seed):
        first, gaps, services = original(seed)
        return first, np.full_like(gaps, 1.0), services

    monkeypatch.setattr(run_length, "_draws", shuffled)
    caught(checks.check_run_length, scaling.simulate_run_length, 0.7)


def test_wait_share_when_a_tie_counts_as_a_wait() -> None:
    def mutant(load, servers, **kwargs):
        return scaling.simulate_wait_share(load, servers - 1, **kwargs)

    caught(checks.check_wait_share, mutant, 10.0, 14)


def test_wait_share_with_one_server_idle_while_work_waits(monkeypatch) -> None:
    original = staffing.serve_waited

    def lazy(free, arrivals, services):
        free[0] = float("inf") if len(free) > 1 and not np.isinf(max(free)) else free[0]
        import heapq

        heapq.heapify(free)
        return original(free, arrivals, services)

    monkeypatch.setattr(staffing, "serve_waited", lazy)
    caught(checks.check_wait_share, scaling.simulate_wait_share, 10.0, 14)


def test_bottleneck_without_thinking(monkeypatch) -> None:
    original = bottleneck.closed_loop
    monkeypatch.setattr(bottleneck, "closed_loop", lambda t, s, c: original(0 * t, s, c))
    caught(checks.check_bottleneck, scaling.simulate_bottleneck)


def test_bottleneck_with_a_client_too_few(monkeypatch) -> None:
    original = bottleneck.closed_loop
    monkeypatch.setattr(
        bottleneck, "closed_loop", lambda t, s, c: original(t, s, np.maximum(c - 1, 1))
    )
    caught(checks.check_bottleneck, scaling.simulate_bottleneck)


def test_bottleneck_with_deterministic_services(monkeypatch) -> None:
    original = bottleneck.closed_loop

    def steady(thinks, services, clients):
        return original(thinks, np.broadcast_to(services.mean(axis=0), services.shape), clients)

    monkeypatch.setattr(bottleneck, "closed_loop", steady)
    caught(checks.check_bottleneck, scaling.simulate_bottleneck)


def test_scalability_off_by_one_in_the_round(monkeypatch) -> None:
    original = scalability._in_rounds
    monkeypatch.setattr(
        scalability,
        "_in_rounds",
        lambda compute, holds, seed: original(compute, holds + 0.001, seed),
    )
    caught(checks.check_scalability, scaling.simulate_scalability, scaling.PATTERNS[0])


def test_scalability_where_nobody_shares_the_lock(monkeypatch) -> None:
    original = scalability.closed_loop
    monkeypatch.setattr(scalability, "closed_loop", lambda t, s, c: original(t, s * 0.8, c))
    caught(checks.check_scalability, scaling.simulate_scalability, scaling.PATTERNS[1])


def test_pooling_that_routes_in_turn(monkeypatch) -> None:
    original = pooling._split_waits

    def in_turn(arrivals, work, route, servers):
        turn = np.arange(len(route))[:, np.newaxis] % servers
        return original(arrivals, work, np.broadcast_to(turn, route.shape), servers)

    monkeypatch.setattr(pooling, "_split_waits", in_turn)
    caught(checks.check_pooling, scaling.simulate_pooling, "exponential")


def test_pooling_whose_big_server_is_small(monkeypatch) -> None:
    original = pooling.fifo_waits
    monkeypatch.setattr(
        pooling, "fifo_waits", lambda a, s, c: original(a, s * 1.1 if c == 1 else s, c)
    )
    caught(checks.check_pooling, scaling.simulate_pooling, "exponential")


def test_availability_that_needs_one_server_too_few(monkeypatch) -> None:
    original = availability._down_shares

    def generous(up, down, boxes, stage, need, seed):
        return original(up, down, boxes, stage, np.minimum(need, 1), seed)

    monkeypatch.setattr(availability, "_down_shares", generous)
    caught(checks.check_availability, scaling.simulate_availability)


def test_availability_with_everything_failing_together(monkeypatch) -> None:
    original = availability._draws

    def common(seed):
        up, down = original(seed)
        return np.repeat(up[:, :1], up.shape[1], 1), np.repeat(down[:, :1], up.shape[1], 1)

    monkeypatch.setattr(availability, "_draws", common)
    caught(checks.check_availability, scaling.simulate_availability)


def test_speedup_that_spreads_the_serial_part_too(monkeypatch) -> None:
    original = speedup._makespans
    monkeypatch.setattr(speedup, "_makespans", lambda *args: original(*args) * 0.9)
    caught(checks.check_speedup, scaling.simulate_speedup)


def test_speedup_that_gives_every_task_to_the_first_core(monkeypatch) -> None:
    monkeypatch.setattr(
        speedup, "_makespans", lambda counts, t, reps, s: np.ones((reps, len(counts)))
    )
    caught(checks.check_speedup, scaling.simulate_speedup)


@pytest.mark.parametrize("wrong", [lambda s, k: (s, 2 * k), lambda s, k: (0.0, k)])
def test_a_fit_that_mixes_up_its_coefficients(wrong) -> None:
    workers = np.array([1, 2, 4, 8, 16, 32])
    sigma, kappa = wrong(0.05, 0.002)
    fit = scaling.fit_scalability(workers, scaling.usl_speedup(workers, sigma, kappa))
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(
            (fit.sigma.estimate, fit.kappa.estimate), (0.05, 0.002), rtol=0.01
        )
