"""Simulations against theory, and what must hold of any of them."""

from __future__ import annotations

import dataclasses
import inspect

import numpy as np
import pytest

from helpers import scaling
from helpers.foundations import queueing
from helpers.scaling.simulation import staffing
from helpers.scaling.simulation.closed import closed_loop
from tests.scaling import checks

SIMULATIONS = [
    getattr(scaling, name)
    for name in scaling.__all__
    if name.startswith("simulate_") and name != "simulate_wait_share"
]


def last(outcome):
    """The result, or the last of several ever finer ones."""
    return list(outcome)[-1] if inspect.isgenerator(outcome) else outcome


@pytest.mark.parametrize("load", [0.3, 0.7, 0.85])
@pytest.mark.parametrize("servers", [1, 4])
def test_knee(servers: int, load: float) -> None:
    checks.check_knee(scaling.simulate_knee, servers, load)


@pytest.mark.parametrize("load", [0.5, 0.7])
def test_run_length(load: float) -> None:
    checks.check_run_length(scaling.simulate_run_length, load)


@pytest.mark.parametrize(("load", "servers"), [(1.0, 3), (10.0, 14), (30.0, 34)])
def test_wait_share(load: float, servers: int) -> None:
    checks.check_wait_share(scaling.simulate_wait_share, load, servers)


def test_bottleneck() -> None:
    checks.check_bottleneck(scaling.simulate_bottleneck)


@pytest.mark.parametrize("pattern", scaling.PATTERNS)
def test_scalability(pattern: str) -> None:
    checks.check_scalability(scaling.simulate_scalability, pattern)


@pytest.mark.parametrize("variability", ["all alike", "exponential"])
def test_pooling(variability: str) -> None:
    checks.check_pooling(scaling.simulate_pooling, variability)


def test_availability() -> None:
    checks.check_availability(scaling.simulate_availability)


def test_speedup() -> None:
    checks.check_speedup(scaling.simulate_speedup)


def test_growth_counts_what_theory_expects() -> None:
    # 400 lookups of a scan have a relative standard error of 3 %; hashing averages over all keys.
    result = scaling.simulate_growth(step_ns=1.0)
    tolerance = {"constant": 0.12, "logarithmic": 0.05, "linear": 0.12, "quadratic": 1e-12}
    for kind in scaling.GROWTH_KINDS:
        expected = [scaling.theory_growth(kind, int(n)) * 1e-9 for n in result.sizes]
        np.testing.assert_allclose(result.times_s[kind], expected, rtol=tolerance[kind])
    slopes = {kind: result.exponents[kind].estimate for kind in scaling.GROWTH_KINDS}
    assert slopes["constant"] == pytest.approx(0, abs=0.02)
    assert 0.1 < slopes["logarithmic"] < 0.2
    assert slopes["linear"] == pytest.approx(1, abs=0.03)
    assert slopes["quadratic"] == pytest.approx(2, abs=0.01)


def test_query_time_follows_theory_across_the_edge_of_memory() -> None:
    # 200 lookups with a miss probability near one half: 7 % standard error of the misses.
    result = scaling.simulate_query_time(memory_rows=300_000, overhead_ms=0.0)
    np.testing.assert_allclose(result.scan_s, result.scan_theory_s, rtol=1e-12)
    np.testing.assert_allclose(result.index_s, result.index_theory_s, rtol=0.25, atol=2e-6)
    before, after = result.index_theory_s[8], result.index_theory_s[-1]
    assert after > 100 * before


def test_break_even_with_steady_growth_is_the_formula() -> None:
    result = scaling.simulate_break_even(noise_percent=0.0, failure_percent=0.0)
    months = result.outgrown_months
    # The load is looked at four times a month.
    assert result.theory.outgrown_month <= months.min() == months.max()
    assert months[0] < result.theory.outgrown_month + 0.25
    assert result.later_cost[-1] == result.migration


def test_break_even_with_cancellations_matches_expectation() -> None:
    results = [
        scaling.simulate_break_even(noise_percent=0.0, failure_percent=3.0, seed=seed)
        for seed in range(16)
    ]
    theory = results[0].theory
    checks.assert_agrees([r.now_cost[-1] for r in results], theory.premium_spent, bias=0.01)
    checks.assert_agrees([r.later_cost[-1] for r in results], theory.migration_spent, bias=0.01)


def test_noise_leaves_the_mean_month_nearly_where_it_was() -> None:
    # For a random walk with drift g the mean time to a level L is L / g (Wald); looking only four
    # times a month adds about 0.58 steps' standard deviations, here 0.3 months.
    results = [
        scaling.simulate_break_even(noise_percent=10.0, growth_percent=20.0, seed=s)
        for s in range(12)
    ]
    months = [r.outgrown_months[np.isfinite(r.outgrown_months)].mean() for r in results]
    late = 0.5826 * np.log(1.1) / np.sqrt(4) / np.log(1.2)
    checks.assert_agrees(months, results[0].theory.outgrown_month + late, bias=0.01)


def test_serving_in_chunks_is_the_shared_engine() -> None:
    rng = np.random.default_rng(3)
    arrivals = np.cumsum(rng.standard_exponential(3_000)) / 4.2
    services = rng.standard_exponential(3_000)
    free = [0.0] * 5
    parts = [staffing.serve_waited(free, arrivals[i : i + 700], services[i : i + 700])
             for i in range(0, 3_000, 700)]  # fmt: skip
    waits = queueing.fifo_waits(arrivals, services, 5)
    np.testing.assert_array_equal(np.concatenate(parts), waits > 0)


def test_closed_loop_by_hand() -> None:
    # Two clients, one station. Thinks 1 and 2, then 1 each; services 3, 1, 2.
    thinks = np.array([[1.0], [2.0], [1.0], [1.0], [1.0]])
    services = np.array([[[3.0]], [[1.0]], [[2.0]]])
    done, responses = closed_loop(thinks, services, np.array([2]))
    # The first asks at 1, done at 4; the second asks at 2, waits till 4, done at 5; the first
    # thinks till 5 and is done at 7.
    np.testing.assert_allclose(done[:, 0], [4.0, 5.0, 7.0])
    np.testing.assert_allclose(responses[:, 0], [3.0, 3.0, 2.0])


def test_scaling_cost_never_buys_too_little_and_never_more_than_it_must() -> None:
    result = scaling.simulate_scaling_cost(demand_rps=10_000)
    capacity = scaling.machine_capacities(200.0, 0.005, 5e-6)
    by_name = dict(zip((m.name for m in scaling.CATALOGUE), capacity, strict=True))
    assert by_name[result.up.machine.name] >= 10_000
    alone = by_name[result.out.machine.name]
    assert alone * scaling.usl_speedup(result.out.count, 0.005, 20e-6) >= 10_000 * (1 - 1e-9)
    assert alone * scaling.usl_speedup(result.out.count - 1, 0.005, 20e-6) < 10_000
    for machine, one in zip(scaling.CATALOGUE, capacity, strict=True):
        count = scaling.usl_workers(10_000 / one, 0.005, 20e-6)
        assert max(count, 2) * machine.usd_per_hour + 0.05 >= result.out.usd_per_hour - 1e-9


def test_list_prices_are_linear_in_size_within_the_family() -> None:
    family = [m for m in scaling.CATALOGUE if not m.illustrative]
    per_vcpu = {round(m.usd_per_hour / m.vcpus, 6) for m in family}
    assert len(family) == 9
    assert per_vcpu == {0.0504}
    assert [m.vcpus for m in scaling.CATALOGUE] == sorted(m.vcpus for m in scaling.CATALOGUE)


def test_two_columns_as_drawn() -> None:
    assert scaling.simulate_two_columns().single_points == ["balancer", "database B"]
    spared = scaling.simulate_two_columns(second_balancer=True, replica=True)
    assert spared.single_points == []
    dead = scaling.simulate_two_columns(balancer=False)
    assert dead.horizontal_rps == 0
    assert dead.vertical_rps == dead.demand_rps
    two_left = scaling.simulate_two_columns(server_1=False, demand_rps=150)
    assert two_left.horizontal_rps == 100
    assert scaling.simulate_two_columns(balancer=False, second_balancer=True).horizontal_rps == 100


@pytest.mark.parametrize("simulate", SIMULATIONS, ids=lambda f: f.__name__)
def test_same_arguments_same_result_another_seed_another(simulate) -> None:
    first, again = last(simulate()), last(simulate())
    assert first.summary == again.summary
    assert first.reading == again.reading
    for field in dataclasses.fields(first):
        value = getattr(first, field.name)
        if isinstance(value, np.ndarray) and not value.flags.owndata:
            continue
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, getattr(again, field.name))
    if "seed" in inspect.signature(simulate).parameters:
        fields = [f.name for f in dataclasses.fields(first)]
        other = last(simulate(seed=2))
        assert any(
            not np.array_equal(
                np.asarray(_numbers(getattr(first, n))), np.asarray(_numbers(getattr(other, n)))
            )
            for n in fields
        )


def _numbers(value):
    return (
        value.estimate
        if hasattr(value, "estimate")
        else (
            list(value.values())
            if isinstance(value, dict)
            and value
            and isinstance(next(iter(value.values())), np.ndarray)
            else value
            if isinstance(value, np.ndarray | float | int)
            else 0
        )
    )


@pytest.mark.parametrize("simulate", SIMULATIONS, ids=lambda f: f.__name__)
def test_every_result_has_a_sentence_and_a_table(simulate) -> None:
    result = last(simulate())
    assert result.reading.endswith(".")
    assert "nan" not in result.reading
    assert len(result.table()) >= 3
