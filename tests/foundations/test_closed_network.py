"""Mean value analysis against a solved Markov chain, exact convolution, and its own bounds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose

from helpers.foundations.queueing import bottleneck_bounds, erlang_b, mva

from .test_closed_forms import stationary


@pytest.mark.parametrize("customers", [1, 2, 5, 8])
def test_mva_equals_the_markov_chain_of_thinkers_and_two_stations(customers) -> None:
    think, first, second = 1.3, 0.2, 0.5
    states = [
        (a, b) for a in range(customers + 1) for b in range(customers + 1) if a + b <= customers
    ]
    index = {state: i for i, state in enumerate(states)}
    rates = np.zeros((len(states), len(states)))
    for a, b in states:
        thinking = customers - a - b
        here = index[a, b]
        if thinking:
            rates[here, index[a + 1, b]] = thinking / think
        if a:
            rates[here, index[a - 1, b + 1]] = 1 / first
        if b:
            rates[here, index[a, b - 1]] = 1 / second
    shares = stationary(rates)
    queue = np.array(states).T @ shares
    throughput = sum(p / second for p, (_, b) in zip(shares, states, strict=True) if b)

    found = mva([first, second], customers, think)
    assert_allclose(found.throughput_rps[-1], throughput, rtol=1e-9)
    assert_allclose(found.queue[-1], queue, rtol=1e-9)
    assert_allclose(found.response_s[-1], queue.sum() / throughput, rtol=1e-9)


def test_mva_equals_the_product_form_summed_over_all_states() -> None:
    demands, customers = np.array([0.3, 0.1, 0.2]), 6

    def total(n: int) -> float:
        return sum(
            float(np.prod(demands ** np.array(state)))
            for state in itertools.product(range(n + 1), repeat=3)
            if sum(state) == n
        )

    expected = [total(n - 1) / total(n) for n in range(1, customers + 1)]
    assert_allclose(mva(demands, customers).throughput_rps, expected, rtol=1e-12)


def test_one_station_without_thinking_is_always_busy() -> None:
    found = mva([0.25], 4)
    assert_allclose(found.throughput_rps, 4.0)
    assert_allclose(found.response_s, [0.25, 0.5, 0.75, 1.0])
    assert_allclose(found.utilisation, 1.0)


def test_machine_repair_is_erlang_b_of_the_thinkers() -> None:
    """The station is idle as often as all of the N thinkers think: Erlang B, roles exchanged."""
    found = mva([0.2], 7, 1.0)
    idle = [erlang_b(1.0 / 0.2, n) for n in range(1, 8)]
    assert_allclose(1 - found.utilisation[:, 0], idle, rtol=1e-12)


@pytest.mark.parametrize("think", [0.0, 2.0])
@pytest.mark.parametrize("demands", [[0.3], [0.1, 0.1, 0.1], [0.05, 0.0, 0.4]])
def test_mva_obeys_little_and_stays_within_the_bounds(demands, think) -> None:
    found, bounds = mva(demands, 60, think), bottleneck_bounds(demands, 60, think)
    slack = 1 + 1e-12
    assert_allclose(found.queue.sum(axis=1) + found.throughput_rps * think, found.customers)
    assert_allclose(found.residence_s.sum(axis=1), found.response_s)
    assert (found.throughput_rps <= bounds.throughput_high_rps * slack).all()
    assert (found.throughput_rps * slack >= bounds.throughput_low_rps).all()
    assert (found.response_s * slack >= bounds.response_low_s).all()
    assert (found.response_s <= bounds.response_high_s * slack).all()
    assert (found.utilisation <= slack).all()
    assert (np.diff(found.throughput_rps) >= -1e-12).all()
    assert found.queue.shape == found.residence_s.shape == (60, len(demands))
    # Few customers never meet; many keep the bottleneck busy.
    assert_allclose(found.throughput_rps[0], bounds.throughput_high_rps[0])
    assert_allclose(mva(demands, 3_000, think).throughput_rps[-1], 1 / max(demands), rtol=2e-3)


def test_bounds_by_hand() -> None:
    bounds = bottleneck_bounds([0.1, 0.4, 0.3], 20, 7.2)
    assert bounds.knee_customers == pytest.approx(20.0)
    assert bounds.bottleneck == 1
    assert_allclose(bounds.throughput_high_rps[[0, 19]], [1 / 8, 2.5])
    assert_allclose(bounds.response_low_s[[0, 19]], [0.8, 0.8])
    assert_allclose(bottleneck_bounds([0.1, 0.4, 0.3], 30, 7.2).response_low_s[-1], 4.8)
    assert_allclose(bounds.response_high_s[-1], 16.0)
    assert_allclose(bounds.throughput_low_rps[0], 1 / 8)


def test_a_wrong_arrival_theorem_is_caught() -> None:
    """Mutant: a customer who arrives finds the full population, as in an open network."""
    demands, queue = np.array([0.3, 0.1]), np.zeros(2)
    for n in range(1, 6):
        for _ in range(1_000):
            residence = demands * (1 + queue)
            queue = n * residence / residence.sum() * 0.5 + queue * 0.5
    throughput = 5 / (demands * (1 + queue)).sum()
    with pytest.raises(AssertionError):
        assert_allclose(throughput, mva(demands, 5).throughput_rps[-1], rtol=1e-3)
