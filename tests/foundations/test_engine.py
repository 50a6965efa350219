"""The fast engine does what the readable station does, to the bit, and keeps the rules."""

from __future__ import annotations

import functools
import heapq
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.foundations import queueing
from helpers.foundations.queueing import fifo_waits, queue_length_at
from helpers.foundations.queueing.engine import (
    _BLOCK,
    _one_path,
    _step_any_servers,
    _step_one_server,
    _step_sorted_servers,
)
from helpers.foundations.queueing.station import simpy_waits
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import unit_services
from helpers.foundations.traffic.streams import streams

from . import checks

# Quarters tie all the time; arbitrary floats round at every addition.
ties = st.integers(0, 12).map(lambda quarters: quarters / 4)
any_time = st.floats(0, 1e6, allow_subnormal=False)
paths = st.one_of(
    st.lists(st.tuples(ties, ties), min_size=1, max_size=25),
    st.lists(st.tuples(any_time, any_time), min_size=1, max_size=25),
)


@settings(deadline=None)
@given(path=paths, servers=st.integers(1, 8))
def test_every_engine_equals_the_simpy_station_bit_for_bit(path, servers) -> None:
    gaps, services = np.array(path).T
    arrivals = np.cumsum(gaps)
    expected = simpy_waits(arrivals, services, servers)

    np.testing.assert_array_equal(_one_path(arrivals, services, servers), expected)
    others = np.random.default_rng(0).random((2, services.size, 8))
    columns = np.column_stack([arrivals, np.cumsum(others[0], axis=0)])
    lengths = np.column_stack([services, others[1]])
    stepped = [_step_sorted_servers, _step_any_servers]
    for step in stepped:
        starts = np.empty_like(columns)
        step(columns, lengths, starts, servers)
        np.testing.assert_array_equal(starts[:, 0] - arrivals, expected)
    if servers == 1:
        starts = np.empty_like(columns)
        _step_one_server(columns, lengths, starts)
        np.testing.assert_array_equal(starts[:, 0] - arrivals, expected)
        span = max(arrivals[-1], services.sum())
        np.testing.assert_allclose(
            fifo_waits(arrivals, services, 1), expected, rtol=0, atol=1e-12 * span
        )


@pytest.mark.parametrize("replications", [1, 7, 8, 60, 200])
@pytest.mark.parametrize("servers", [1, 2, 3, 8])
def test_public_engine_equals_the_simpy_station_whatever_the_replications(
    replications, servers
) -> None:
    rng = streams(3, "gaps", "services")
    shape = (replications, 40)
    arrivals = np.cumsum(unit_gaps("bursty", shape, rng["gaps"]), axis=1) / (0.9 * servers)
    services = unit_services("lognormal", shape, rng["services"])
    waits = fifo_waits(arrivals, services, servers)
    assert waits.shape == shape
    for path in range(0, replications, 20):
        expected = simpy_waits(arrivals[path], services[path], servers)
        np.testing.assert_array_equal(waits[path], expected)
    # The layout in memory changes nothing, nor do integers.
    np.testing.assert_array_equal(
        fifo_waits(np.ascontiguousarray(arrivals), np.ascontiguousarray(services), servers), waits
    )


@pytest.mark.parametrize("load", [0.5, 0.9, 1.1])
def test_one_long_path_agrees_with_the_loop_across_blocks(load) -> None:
    rng = streams(4, "gaps", "services")
    size = 3 * _BLOCK + 5
    arrivals = np.cumsum(unit_gaps("poisson", size, rng["gaps"])) / load
    services = unit_services("exponential", size, rng["services"])
    fast, slow = fifo_waits(arrivals, services, 1), _one_path(arrivals, services, 1)
    np.testing.assert_allclose(fast, slow, rtol=0, atol=1e-12 * arrivals[-1])
    np.testing.assert_array_equal(fast == 0, slow == 0)  # who waits at all is beyond doubt
    np.testing.assert_array_equal(fifo_waits(arrivals[np.newaxis], services, 1)[0], slow)
    for cut in (1, 2, _BLOCK, _BLOCK + 1, _BLOCK + 2):
        np.testing.assert_array_equal(fifo_waits(arrivals[:cut], services[:cut], 1), fast[:cut])


def test_one_path_of_arrivals_meets_many_draws_of_services() -> None:
    arrivals = np.arange(1.0, 11.0)
    services = np.random.default_rng(0).random((12, 10)) * 3
    waits = fifo_waits(arrivals, services, 2)
    np.testing.assert_array_equal(waits, fifo_waits(np.tile(arrivals, (12, 1)), services, 2))
    waits = fifo_waits(np.tile(arrivals, (12, 1)), services[0], 2)
    np.testing.assert_array_equal(waits, np.tile(simpy_waits(arrivals, services[0], 2), (12, 1)))


def test_a_queue_by_hand() -> None:
    arrivals, services = [0, 1, 2, 10], [3, 3, 3, 1]
    np.testing.assert_array_equal(fifo_waits(arrivals, services, 1), [0, 2, 4, 0])
    np.testing.assert_array_equal(fifo_waits(arrivals, services, 2), [0, 0, 1, 0])
    np.testing.assert_array_equal(fifo_waits(arrivals, services, 3), [0, 0, 0, 0])


def test_inputs_are_left_as_they_were() -> None:
    arrivals = np.cumsum(np.random.default_rng(1).random((60, 30)), axis=1)
    services = np.random.default_rng(2).random((60, 30))
    before = arrivals.copy(), services.copy()
    for servers in (1, 2, 9):
        for rows in (0, slice(0, 3), slice(None)):
            fifo_waits(np.asfortranarray(arrivals)[rows], services[rows], servers)
            fifo_waits(arrivals[rows], services[rows], servers)
    np.testing.assert_array_equal(arrivals, before[0])
    np.testing.assert_array_equal(services, before[1])


def test_more_load_means_longer_waits_and_more_servers_shorter_ones() -> None:
    gaps, services = checks.draw("poisson", "exponential")
    gaps, services = gaps[:64, :500], services[:64, :500]
    waits = [
        fifo_waits(np.cumsum(gaps, axis=1) / load, services, 2) for load in (0.2, 1.0, 1.8, 2.5)
    ]
    for lighter, heavier in itertools.pairwise(waits):
        assert (heavier >= lighter - 1e-9).all()
        assert heavier.mean() > lighter.mean()
    for servers in (1, 2, 5):
        fewer = fifo_waits(np.cumsum(gaps, axis=1), services, servers)
        more = fifo_waits(np.cumsum(gaps, axis=1), services, servers + 1)
        assert (more <= fewer).all()


def test_littles_law_holds_on_every_path() -> None:
    """The area under the number in system is the sum of the response times: an identity."""
    rng = np.random.default_rng(8)
    for servers in (1, 3):
        arrivals = np.cumsum(rng.random(300))
        services = rng.random(300) * servers
        departures = arrivals + fifo_waits(arrivals, services, servers) + services
        events = np.unique(np.concatenate([arrivals, departures]))
        in_system = queue_length_at(events, arrivals, departures)
        area = (in_system[:-1] * np.diff(events)).sum()
        np.testing.assert_allclose(area, (departures - arrivals).sum(), rtol=1e-12)
        assert in_system[-1] == 0


def test_number_in_system_by_hand() -> None:
    arrivals, departures = [0, 1, 1], [2, 5, 3]
    times = [[-1, 0, 0.5], [1, 2, 3]]
    np.testing.assert_array_equal(
        queue_length_at(times, arrivals, departures), [[0, 1, 1], [3, 2, 1]]
    )


# --- theory -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "service", ["exponential", "deterministic", "hyperexponential", "bimodal", "lognormal"]
)
def test_one_server_waits_as_pollaczek_and_khinchine_say(service) -> None:
    checks.check_mean_wait(fifo_waits, 1, "poisson", service, 0.7)


@pytest.mark.parametrize("servers", [1, 2, 4, 8])
def test_several_servers_make_one_wait_as_erlang_says(servers) -> None:
    checks.check_mean_wait(fifo_waits, servers, "poisson", "exponential", 0.7)
    checks.check_distribution(fifo_waits, servers, 0.7)


def test_bursty_arrivals_wait_as_gi_m_1_says() -> None:
    checks.check_mean_wait(fifo_waits, 1, "bursty", "exponential", 0.7)


@pytest.mark.parametrize("servers", [1, 2, 3, 8])
def test_engine_keeps_the_rules(servers) -> None:
    checks.check_rules(fifo_waits, servers)


def test_kingmans_bound_holds_in_simulation() -> None:
    for gap, gap_scv in (("poisson", 1.0), ("constant", 0.0), ("bursty", 4.0)):
        for service, scv in (("exponential", 1.0), ("hyperexponential", 4.0)):
            waits = checks.stationary_waits(fifo_waits, 0.7, 1, *checks.draw(gap, service))
            assert waits.mean() < queueing.kingman_bound(0.7, 1.0, gap_scv, scv)


# --- mutants: each is a fault someone has made; each must be caught ------------------------------


def _per_path(path_engine):
    @functools.wraps(path_engine)
    def engine(arrivals, services, servers):
        arrivals, services = np.broadcast_arrays(arrivals, services)
        return np.stack(
            [path_engine(a, s, servers) for a, s in zip(arrivals, services, strict=True)]
        )

    return engine


@_per_path
def last_come_first_served(arrivals, services, servers):
    waits, queue, served = np.zeros(arrivals.size), [], 0
    free, clock = [0.0] * servers, 0.0
    while served < arrivals.size or queue:
        clock = max(clock, heapq.heappop(free))
        if not queue and arrivals[served] > clock:
            clock = arrivals[served]
        while served < arrivals.size and arrivals[served] <= clock:
            queue.append(served)
            served += 1
        who = queue.pop()
        waits[who] = clock - arrivals[who]
        heapq.heappush(free, clock + services[who])
    return waits


@_per_path
def each_server_has_its_own_queue(arrivals, services, servers):
    waits = np.empty(arrivals.size)
    for server in range(servers):
        mine = slice(server, None, servers)
        waits[mine] = _one_path(arrivals[mine], services[mine], 1)
    return waits


def one_server_too_many(arrivals, services, servers):
    return fifo_waits(arrivals, services, servers + 1)


def one_server_too_few(arrivals, services, servers):
    return fifo_waits(arrivals, services, servers - 1)


def services_drawn_shorter(arrivals, services, servers):
    return fifo_waits(arrivals, 0.97 * services, servers)


def server_pauses_between_customers(arrivals, services, servers):
    return fifo_waits(arrivals, services + 0.02, servers)


def response_for_wait(arrivals, services, servers):
    return fifo_waits(arrivals, services, servers) + services


def deterministic_arrivals(arrivals, services, servers):
    mean_gap = arrivals[:, -1:] / arrivals.shape[1]
    return fifo_waits(mean_gap * np.arange(1, arrivals.shape[1] + 1), services, servers)


def one_stream_for_both(arrivals, services, servers):
    gaps = np.diff(arrivals, axis=1, prepend=0)
    return fifo_waits(arrivals, gaps / gaps.mean(), servers)


def services_sorted_on_the_way(arrivals, services, servers):
    return fifo_waits(arrivals, np.sort(services, axis=1), servers)


@pytest.mark.parametrize(
    "mutant",
    [
        one_server_too_many,
        services_drawn_shorter,
        server_pauses_between_customers,
        response_for_wait,
        deterministic_arrivals,
        one_stream_for_both,
        services_sorted_on_the_way,
    ],
)
def test_mean_wait_catches(mutant) -> None:
    for servers in (1, 2):
        with pytest.raises(AssertionError, match="theory"):
            checks.check_mean_wait(mutant, servers, "poisson", "exponential", 0.7)


@pytest.mark.parametrize("mutant", [one_server_too_few, each_server_has_its_own_queue])
def test_mean_wait_of_two_servers_catches(mutant) -> None:
    with pytest.raises(AssertionError, match="theory"):
        checks.check_mean_wait(mutant, 2, "poisson", "exponential", 0.4)


def test_only_the_distribution_catches_last_come_first_served() -> None:
    some = 100  # the mutant is slow
    gaps, services = (array[:some] for array in checks.draw("poisson", "exponential"))
    waits = checks.stationary_waits(last_come_first_served, 0.7, 1, gaps, services)
    checks.assert_agrees(waits.mean(axis=1), queueing.mm1_wait(0.7, 1.0))  # the mean is blind
    with pytest.raises(AssertionError, match="theory"):
        checks.check_distribution(last_come_first_served, 1, 0.7, some)
    checks.check_distribution(fifo_waits, 1, 0.7, some)


@pytest.mark.parametrize(
    ("mutant", "fault"),
    [
        (last_come_first_served, "in the order"),
        (each_server_has_its_own_queue, "in the order|idles"),
        (one_server_too_many, "no more customers"),
        (one_server_too_few, "idles"),
        (response_for_wait, "idles|in the order"),
        (lambda a, s, c: fifo_waits(a, s, c) * 0.5, "no more customers"),
        (lambda a, s, c: fifo_waits(a, s, c) - 1.0, "before they come"),
    ],
)
def test_rules_catch(mutant, fault) -> None:
    with pytest.raises(AssertionError, match=fault):
        checks.check_rules(mutant, 2)
