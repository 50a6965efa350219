"""Closed forms against published values, other formulas for the same thing, and limits."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from helpers import scaling
from helpers.foundations import queueing
from helpers.foundations.traffic.streams import streams

# --- growth -------------------------------------------------------------------------------------


def test_the_two_observations_have_exponent_three_quarters() -> None:
    assert scaling.power_exponent(1_000, 0.010, 10_000_000, 10.0) == pytest.approx(0.75)


def test_overhead_and_scan_pass_through_both_observations() -> None:
    small = scaling.theory_query_time(
        1_000, "scan", overhead_s=0.009, row_s=1e-6, memory_rows=10**7
    )
    large = scaling.theory_query_time(
        10_000_000, "scan", overhead_s=0.009, row_s=1e-6, memory_rows=10**7
    )
    assert small == pytest.approx(0.010)
    assert large == pytest.approx(10.009)


def test_mean_depth_of_binary_search_is_that_of_the_balanced_tree() -> None:
    for size in (1, 2, 3, 7, 8, 100, 1_000):
        depths = [rank.bit_length() for rank in range(1, size + 1)]
        assert scaling.theory_growth("logarithmic", size) == pytest.approx(np.mean(depths))


def test_steps_at_a_size_worked_by_hand() -> None:
    assert scaling.theory_growth("constant", 1) == 1
    assert scaling.theory_growth("linear", 9) == 5
    assert scaling.theory_growth("quadratic", 10) == 45


@pytest.mark.parametrize("kind", scaling.GROWTH_KINDS)
def test_largest_size_is_the_last_that_fits(kind: str) -> None:
    for steps in (1.6, 10.0, 12_345.0):
        size = scaling.largest_size(kind, steps)
        if math.isinf(size):
            assert scaling.theory_growth(kind, 10**15) <= steps
            assert kind in {"constant", "logarithmic"}
            continue
        if size:
            assert scaling.theory_growth(kind, int(size)) <= steps
        assert scaling.theory_growth(kind, int(size) + 1) > steps


def test_an_index_of_ten_million_rows_has_four_levels_and_the_table() -> None:
    assert scaling.index_depth(200) == 2
    assert scaling.index_depth(201) == 3
    assert scaling.index_depth(10_000_000) == 5


def test_memory_is_filled_from_the_root_down() -> None:
    shares = scaling.resident_shares(10_000_000, 1_000_000)
    assert shares[:3] == [1.0, 1.0, 1.0]
    assert 0 <= shares[-1] < shares[-2] <= 1
    assert scaling.resident_shares(1_000, 10_000_000) == [1.0, 1.0, 1.0]


# --- queues -------------------------------------------------------------------------------------


def test_knee_of_one_server() -> None:
    theory = scaling.theory_knee(0.9, 0.020)
    assert theory.mean_s == pytest.approx(0.200)
    assert theory.p99_s == pytest.approx(0.200 * math.log(100))


def test_run_length_constant_is_the_sum_of_all_covariances() -> None:
    # Summed from a long simulation of Lindley's recursion; at rho = 0.5 correlations are short.
    rng = streams(5, "a", "s")
    n, runs = 40_000, 200
    gaps = rng["a"].standard_exponential((runs, n)) / 0.5
    services = rng["s"].standard_exponential((runs, n))
    waits = queueing.fifo_waits(np.cumsum(gaps, axis=1), services, 1)
    means = (waits + services)[:, 2_000:].mean(axis=1)
    variance = means.var(ddof=1) * (n - 2_000)
    # The sample variance of 200 values has a relative standard error of 10 %; 3.3 of them.
    assert variance == pytest.approx(scaling.theory_run_length(0.5), rel=0.33)


def test_run_length_of_an_empty_queue_is_the_variance_of_one_service() -> None:
    assert scaling.theory_run_length(1e-9) == pytest.approx(1.0)


def test_requests_for_precision_scales_with_the_square() -> None:
    five, one = (scaling.requests_for_precision(0.8, r) for r in (0.05, 0.01))
    assert one == pytest.approx(25 * five, rel=1e-4)


def test_a_thousand_times_the_load_needs_far_fewer_than_a_thousand_times_the_servers() -> None:
    small = scaling.theory_staffing(50, 0.020, 0.1)
    large = scaling.theory_staffing(50_000, 0.020, 0.1)
    assert (small.erlang, large.proportional) == (3, 3_000)
    assert 1_040 <= large.erlang <= 1_050
    assert abs(large.square_root - large.erlang) <= 2
    assert (
        queueing.erlang_c(1_000, large.erlang) <= 0.1 < queueing.erlang_c(1_000, large.erlang - 1)
    )


@pytest.mark.parametrize(("load", "servers"), list(itertools.product((0.3, 0.7, 0.95), (2, 4, 16))))
def test_big_answers_first_and_pooled_waits_least(load: float, servers: int) -> None:
    design = scaling.theory_pooling(load, 0.020, servers)
    assert design.big_response_s < design.pooled_response_s < design.split_response_s
    assert design.pooled_wait_s < design.big_wait_s < design.split_wait_s
    assert design.split_response_s == pytest.approx(servers * design.big_response_s)
    assert design.big_response_s == pytest.approx(
        queueing.mm1_response(load * servers / 0.020, 0.020 / servers)
    )


def test_with_variable_services_no_pooled_formula_is_pretended() -> None:
    assert math.isnan(scaling.theory_pooling(0.5, 0.020, 4, scv=16.0).pooled_wait_s)


# --- scalability --------------------------------------------------------------------------------


def test_amdahl_known_values() -> None:
    assert scaling.theory_speedup(0.05, 20) == pytest.approx(10.256, abs=1e-3)
    assert scaling.theory_speedup(0.0, 64) == 64
    assert scaling.theory_speedup(1.0, 64) == 1
    assert scaling.theory_speedup(0.05, 1e9) == pytest.approx(20, rel=1e-6)


def test_the_law_without_coherency_is_amdahls() -> None:
    cores = np.array([1, 2, 8, 64])
    np.testing.assert_allclose(
        scaling.usl_speedup(cores, 0.05, 0.0), scaling.theory_speedup(0.05, cores)
    )


@pytest.mark.parametrize(
    ("sigma", "kappa"), [(0.02, 0.0005), (0.1, 0.01), (0.0, 0.001), (0.5, 0.2)]
)
def test_the_peak_is_where_no_neighbour_is_higher(sigma: float, kappa: float) -> None:
    theory = scaling.theory_scalability(sigma, kappa)
    every = np.arange(1, 400)
    speedups = scaling.usl_speedup(every, sigma, kappa)
    assert every[speedups.argmax()] == theory.best_workers
    assert theory.peak_speedup == pytest.approx(speedups.max())
    assert abs(theory.peak_workers - theory.best_workers) < 1


def test_fewest_workers_is_the_fewest() -> None:
    for sigma, kappa in ((0.02, 0.0005), (0.1, 0.0), (0.0, 0.0), (0.0, 0.01)):
        for wanted in (0.5, 1.0, 1.7, 3.3, 7.9):
            fewest = scaling.usl_workers(wanted, sigma, kappa)
            speedups = scaling.usl_speedup(np.arange(1, 2_000), sigma, kappa)
            enough = np.flatnonzero(speedups >= wanted * (1 - 1e-12))
            assert fewest == (enough[0] + 1 if enough.size else math.inf)


def test_the_law_is_a_lower_bound_on_random_arrivals_at_the_lock() -> None:
    for workers, sigma, kappa in itertools.product((1, 2, 8, 40), (0.02, 0.3), (0.0, 0.004)):
        law = scaling.usl_speedup(workers, sigma, kappa)
        random = scaling.repairman_speedup(workers, sigma, kappa)
        assert law <= random * (1 + 1e-12)
    assert scaling.repairman_speedup(1, 0.3, 0.01) == pytest.approx(1.0)


def test_fit_recovers_the_law_and_its_intervals_hold_it() -> None:
    workers = np.array([1, 2, 4, 8, 16, 32])
    held = np.zeros(2)
    for seed in range(60):
        noise = np.random.default_rng(seed).normal(1, 0.02, (8, workers.size))
        fit = scaling.fit_scalability(
            workers, 300 * scaling.usl_speedup(workers, 0.05, 0.002) * noise, seed=seed
        )
        held += fit.sigma.contains(0.05), fit.kappa.contains(0.002)
    # A bootstrap of 8 repetitions is a little narrow: about 90 % where 95 % is asked. With 60
    # trials fewer than 45 successes have probability below 0.001.
    assert (held >= 45).all()
    exact = scaling.fit_scalability(workers, 300 * scaling.usl_speedup(workers, 0.05, 0.002))
    assert exact.rate_rps.estimate == pytest.approx(300)
    assert exact.sigma.estimate == pytest.approx(0.05)
    assert exact.kappa.estimate == pytest.approx(0.002)


def test_fit_never_reports_a_negative_coefficient() -> None:
    workers = np.array([1, 2, 4, 8])
    superlinear = 100 * workers**1.2
    fit = scaling.fit_scalability(workers, superlinear)
    assert fit.sigma.estimate == fit.kappa.estimate == 0


def test_power_law_fit_recovers_the_exponent() -> None:
    sizes = np.geomspace(10, 1e6, 9)
    law = scaling.fit_power_law(sizes, 3e-6 * sizes**0.75)
    assert law.exponent.estimate == pytest.approx(0.75)
    assert law.coefficient == pytest.approx(3e-6)
    held = 0
    for seed in range(200):
        noise = np.exp(np.random.default_rng(seed).normal(0, 0.2, sizes.size))
        held += scaling.fit_power_law(sizes, sizes**0.75 * noise).exponent.contains(0.75)
    # 200 trials at 95 %: fewer than 179 or more than 199 have probability below 0.001 each.
    assert 179 <= held <= 199


# --- capacity -----------------------------------------------------------------------------------


def test_outgrown_month_is_ln_ratio_over_growth() -> None:
    theory = scaling.theory_break_even(
        load_rps=50, capacity_rps=1_000, growth=0.1, premium_per_month=5_000, migration_cost=120_000
    )
    assert theory.outgrown_month == pytest.approx(math.log(20) / 0.1)
    assert theory.break_even_month == pytest.approx(24)
    assert theory.premium_spent == pytest.approx(5_000 * math.log(20) / 0.1)


def test_at_the_break_even_capacity_both_plans_cost_the_same() -> None:
    for hazard in (0.0, 0.03):
        common = {"growth": 0.08, "premium_per_month": 4_000.0, "migration_cost": 90_000.0}
        month = scaling.theory_break_even(
            load_rps=1, capacity_rps=2, failure_rate=hazard, **common
        ).break_even_month
        theory = scaling.theory_break_even(
            load_rps=1, capacity_rps=math.exp(0.08 * month), failure_rate=hazard, **common
        )
        assert theory.premium_spent == pytest.approx(theory.migration_spent)


def test_small_hazard_tends_to_none() -> None:
    common = {
        "load_rps": 50.0, "capacity_rps": 1_000.0, "growth": 0.1,
        "premium_per_month": 5_000.0, "migration_cost": 120_000.0,
    }  # fmt: skip
    without = scaling.theory_break_even(**common)
    nearly = scaling.theory_break_even(**common, failure_rate=1e-9)
    assert nearly.break_even_month == pytest.approx(without.break_even_month)
    assert nearly.premium_spent == pytest.approx(without.premium_spent)


def test_series_and_parallel_agree_with_trying_every_state() -> None:
    for available, servers, spare, balancers, databases in itertools.product(
        (0.9, 0.999), (1, 3), (0, 1), (1, 2), (1, 2)
    ):
        total = servers + spare
        names = (
            [f"lb{i}" for i in range(balancers)],
            [f"s{i}" for i in range(total)],
            [f"db{i}" for i in range(databases)],
        )
        boxes = {name: available for stage in names for name in stage}
        stages = ((1, names[0]), (servers, names[1]), (1, names[2]))
        expected = scaling.enumerate_availability(boxes, stages)
        formula = scaling.theory_availability(
            available, servers=total, needed=servers, balancers=balancers, databases=databases
        )
        assert formula == pytest.approx(expected, rel=1e-12)
        lost = scaling.unavailability(available, servers, total)
        assert lost == pytest.approx(1 - scaling.k_of_n(available, servers, total), abs=1e-14)


def test_the_horizontal_column_as_drawn_is_no_more_available_than_the_vertical_one() -> None:
    vertical = scaling.theory_availability(0.99, servers=1, balancers=0)
    horizontal = scaling.theory_availability(0.99, servers=3)
    assert vertical == pytest.approx(0.9801)
    assert horizontal < vertical
    assert horizontal == pytest.approx(vertical, rel=2e-6)


def test_simulated_and_written_formula_for_the_whole_design_agree() -> None:
    for needed, spare, second, replica in itertools.product(
        (1, 3), (0, 2), (False, True), (False, True)
    ):
        result = scaling.simulate_availability(
            needed=needed, spare=spare, second_balancer=second, replica=replica
        )
        whole = scaling.theory_availability(
            result.box,
            servers=needed + spare,
            needed=needed,
            balancers=1 + second,
            databases=1 + replica,
        )
        assert result.horizontal == pytest.approx(whole, abs=1e-13)
        assert result.vertical == pytest.approx(result.box**2, abs=1e-13)


def test_single_points_of_failure() -> None:
    stages = ((1, ("lb",)), (1, ("a", "b")), (2, ("x", "y")))
    boxes = ("lb", "a", "b", "x", "y")
    assert scaling.single_points_of_failure(boxes, stages) == ["lb", "x", "y"]


def test_the_bottleneck_is_the_largest_demand() -> None:
    theory = scaling.theory_bottleneck((0.010, 0.030, 0.050), 1.0, 200)
    assert theory.bounds.bottleneck == 2
    assert theory.bounds.knee_customers == pytest.approx(1.09 / 0.05)
    assert theory.exact.throughput_rps[-1] == pytest.approx(20, rel=1e-3)
