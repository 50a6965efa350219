"""What must hold of the chapter's models, written so that a mutant can be put in their place."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from helpers import estimation
from helpers.estimation import Stall


def brute_force_open(sent: np.ndarray, service_s: float, stall: Stall) -> list[float]:
    """A server that stalls, one request at a time: what the quick model must equal."""
    free, times = -math.inf, []
    for now in sent.tolist():
        start = max(now, free)
        if stall.length_s and stall.at_s <= start < stall.at_s + stall.length_s:
            start = stall.at_s + stall.length_s
        # Work under way when the stall begins stands still with the server.
        end = start + service_s
        if start < stall.at_s < end:
            end += stall.length_s
        free = end
        times.append(end - now)
    return times


def check_open_responses(model: Callable[..., np.ndarray]) -> None:
    """`model` must give what a request-by-request server gives, to rounding."""
    for seed, service_s, length_s in ((1, 0.004, 1.0), (2, 0.009, 0.5), (3, 0.001, 2.0)):
        sent = np.cumsum(np.random.default_rng(seed).exponential(0.01, 800))
        stall = Stall(2.0, length_s)
        expected = brute_force_open(sent, service_s, stall)
        np.testing.assert_allclose(model(sent[np.newaxis], service_s, stall)[0], expected)


def check_closed_responses(model: Callable[..., np.ndarray]) -> None:
    """A closed tester: one bad sample for each connection, paced otherwise."""
    stall = Stall(18.0, 2.0)
    one = model(100.0, 0.003, stall, 60.0, 1)
    assert (one > 0.1).sum() == 1
    assert np.isclose(one.max(), 2.003, atol=0.0101)
    assert len(one) == 5_801
    assert np.isclose(np.median(one), 0.003)
    many = model(100.0, 0.003, stall, 60.0, 20)
    assert (many > 0.1).sum() == 20
    idle = model(100.0, 0.003, Stall(18.0, 0.0), 60.0, 1)
    assert len(idle) in (6_000, 6_001)
    np.testing.assert_allclose(idle, 0.003)


def check_correction(model: Callable[..., np.ndarray]) -> None:
    """HdrHistogram's rule: r, and r - i, r - 2 i, ... as long as they are at least i."""
    np.testing.assert_allclose(
        np.sort(model(np.array([0.05, 1.0, 0.25]), 0.1)),
        np.sort([0.05, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.25, 0.15]),
    )
    assert len(model(np.array([0.003] * 10), 0.01)) == 10


def check_at_least_up(model: Callable[..., float]) -> None:
    """k of n with a common cause, against the sum over all states of all machines."""
    for n, k, q, beta in ((3, 2, 0.1, 0.0), (4, 1, 0.2, 0.0), (3, 3, 0.05, 0.0), (3, 2, 0.1, 0.2)):
        own, total = (1 - beta) * q, 0.0
        for state in range(2**n):
            up = state.bit_count()
            if up >= k:
                total += (1 - own) ** up * own ** (n - up)
        assert math.isclose(model(n, k, q, beta), (1 - beta * q) * total, rel_tol=1e-12)
    assert math.isclose(model(1, 1, 0.1, 0.5), 0.9)


def check_bad_months(model: Callable[[float, float, float], float]) -> None:
    """Months over budget, against 100,000 drawn ones; a right model fails once in 20,000 times."""
    for seed, (often, length, budget) in enumerate(((0.2, 60.0, 44.0), (2.0, 20.0, 44.0))):
        rng = np.random.default_rng(seed)
        counts = rng.poisson(often, 100_000)
        totals = length * rng.standard_gamma(np.where(counts, counts, 1)) * (counts > 0)
        share = float((totals > budget).mean())
        error = math.sqrt(share * (1 - share) / 1e5)
        assert abs(model(often, length, budget) - share) < 4.05 * error


def check_error_factor(model: Callable[[int, float], float]) -> None:
    """90 % of 200,000 products lie within the factor; a right model fails once in 10,000 times."""
    rng = np.random.default_rng(5)
    for k in (1, 3, 9):
        logs = math.log(2) / 1.6448536 * rng.standard_normal((k, 200_000)).sum(axis=0)
        inside = float((np.abs(logs) <= math.log(model(k, 2.0))).mean())
        assert abs(inside - 0.9) < 4 * math.sqrt(0.09 / 200_000)


def check_overload(model: Callable[..., float]) -> None:
    """Goodput with room for K, against the balance of flows and the limits it must have."""
    for load in (0.3, 1.0, 2.0):
        goods = [model(load=load, room=room, run_s=60.0) for room in (0, 1, 3, 5)]
        # With room 0 everyone let in is served alone: Erlang's loss, and exp(-10) are too slow.
        assert math.isclose(goods[0], load / (1 + load) * (1 - math.exp(-10)), rel_tol=1e-9)
        assert all(good < min(load, 1) for good in goods)
    assert model(load=3.0, room=5, run_s=60.0) > 0.9
    assert model(load=3.0, room=20, run_s=60.0) < 0.01
    simulated = estimation.simulate_overload(load=1.5, room="5 requests", replications=200)
    # 99.99 % of the runs of a right model lie within 4 standard errors.
    error = simulated.here.half_width / 1.97
    assert abs(model(load=1.5, room=5, run_s=60.0) - simulated.here.estimate) < 4 * error
