"""Every closed form against published tables, exact sums, solved Markov chains, and each other."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose

from helpers.foundations import queueing
from helpers.foundations.traffic.draws import hyperexponential_share


def stationary(generator: np.ndarray) -> np.ndarray:
    """Solve pi Q = 0, sum pi = 1 for a Markov chain given by its rates off the diagonal."""
    balance = (generator - np.diag(generator.sum(axis=1))).T
    balance = np.vstack([balance, np.ones(len(generator))])
    right = np.zeros(len(balance))
    right[-1] = 1
    return np.linalg.lstsq(balance, right, rcond=None)[0]


def birth_death(births: list[float], deaths: list[float]) -> np.ndarray:
    """The stationary distribution of a chain on 0..len(births)."""
    return stationary(np.diag(births, 1) + np.diag(deaths, -1))


# --- one server ---------------------------------------------------------------------------------


def test_mm1_by_hand() -> None:
    assert_allclose(queueing.mm1_response(0.9, 1.0), 10.0)
    assert_allclose(queueing.mm1_wait(0.9, 1.0), 9.0)
    assert queueing.mm1_response(0, 0.2) == 0.2
    assert queueing.mm1_wait(0, 0.2) == 0
    assert_allclose(queueing.mm1_response_percentile(90, 0.01, 0.99), 0.1 * math.log(100))
    assert queueing.mm1_response_percentile(90, 0.01, 0) == 0
    assert isinstance(queueing.mm1_response(5, 0.1), float)


def test_mm1_equals_its_markov_chain() -> None:
    shares = birth_death([0.6] * 80, [1.0] * 80)  # 0.6^80 of the mass is cut off
    in_system = shares @ np.arange(81)
    assert_allclose(queueing.mm1_response(0.6, 1.0), in_system / 0.6, rtol=1e-10)


def test_pollaczek_khinchine_has_the_known_special_cases() -> None:
    loads = np.linspace(0, 0.99, 34)
    assert_allclose(queueing.mg1_wait(loads, 1.0, 1), queueing.mm1_wait(loads, 1.0))
    assert_allclose(queueing.mg1_wait(loads, 1.0, 0), queueing.mm1_wait(loads, 1.0) / 2)
    # By the second moment: lambda E[S²] / (2 (1 - rho)).
    second_moment = 0.2**2 * (1 + 3.5)
    assert_allclose(queueing.mg1_wait(4, 0.2, 3.5), 4 * second_moment / (2 * (1 - 0.8)))
    assert_allclose(queueing.mg1_response(4, 0.2, 3.5), queueing.mg1_wait(4, 0.2, 3.5) + 0.2)
    assert_allclose(queueing.mg1_response(4, 0.2, 1), queueing.mm1_response(4, 0.2))


def test_kingman_is_exact_where_it_says_and_bounded_where_it_should() -> None:
    assert_allclose(queueing.kingman_wait(4, 0.2, 1, 3.5), queueing.mg1_wait(4, 0.2, 3.5))
    loads = np.linspace(0.05, 0.999, 50)
    for burstiness in (1.0, 2.0, 10.0):
        exact = queueing.bursty_wait(loads, 1.0, burstiness)
        assert (exact <= queueing.kingman_bound(loads, 1.0, burstiness, 1)).all()
    heavy = queueing.bursty_wait(0.9999, 1.0, 4.0)
    assert_allclose(heavy, queueing.kingman_wait(0.9999, 1.0, 4.0, 1), rtol=1e-3)
    assert_allclose(heavy, queueing.kingman_bound(0.9999, 1.0, 4.0, 1), rtol=1e-3)


@pytest.mark.parametrize("load", [0.01, 0.3, 0.8, 0.99])
@pytest.mark.parametrize("burstiness", [1.0, 1.5, 4.0, 50.0])
def test_bursty_wait_is_the_root_of_the_gi_m_1_equation(load, burstiness) -> None:
    share = hyperexponential_share(burstiness)
    fast, slow = 2 * share * load, 2 * (1 - share) * load

    def transform(s: float) -> float:
        return share * fast / (fast + s) + (1 - share) * slow / (slow + s)

    low, high = 0.0, 1 - 1e-9  # the root below the trivial one
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if transform(1 - middle) > middle else (low, middle)
    assert_allclose(queueing.bursty_wait(load, 1.0, burstiness), low / (1 - low), rtol=1e-6)
    assert_allclose(queueing.bursty_wait(load, 1.0, 1.0), queueing.mm1_wait(load, 1.0))
    assert_allclose(
        queueing.bursty_wait(load / 0.02, 0.02, burstiness),
        0.02 * queueing.bursty_wait(load, 1.0, burstiness),
    )


@pytest.mark.parametrize("capacity", [1, 2, 5, 40])
@pytest.mark.parametrize("load", [0.3, 1.0, 1.7])
def test_mm1k_equals_its_markov_chain(capacity, load) -> None:
    shares = birth_death([load / 0.1] * capacity, [1 / 0.1] * capacity)
    found = queueing.mm1k(load / 0.1, 0.1, capacity)
    assert_allclose(found.loss, shares[-1], rtol=1e-9, atol=1e-15)  # the solver's accuracy
    assert_allclose(found.mean_in_system, shares @ np.arange(capacity + 1), rtol=1e-9)
    assert_allclose(found.throughput_rps, (1 - shares[0]) / 0.1, rtol=1e-9)
    # Little's law for those let in.
    assert_allclose(found.response_s * found.throughput_rps, found.mean_in_system, rtol=1e-12)


def test_mm1k_at_its_ends() -> None:
    nobody = queueing.mm1k(0, 0.1, 5)
    assert (nobody.loss, nobody.mean_in_system, nobody.throughput_rps) == (0, 0, 0)
    assert nobody.response_s == 0.1
    everybody = queueing.mm1k(1e9, 0.1, 5)
    assert_allclose([everybody.loss, everybody.mean_in_system], [1, 5], rtol=1e-7)
    assert_allclose([everybody.throughput_rps, everybody.response_s], [10, 0.5], rtol=1e-7)
    roomy = queueing.mm1k(9, 0.1, 2_000)
    assert_allclose(roomy.response_s, queueing.mm1_response(9, 0.1), rtol=1e-9)
    assert queueing.mm1k(5.0, 0.1, 1).loss == pytest.approx(queueing.erlang_b(0.5, 1))
    assert queueing.mm1k(20.0, 0.1, 5_000).loss == pytest.approx(0.5)  # no overflow


# --- several servers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("servers", "load"),
    [(5, 1.361), (10, 4.461), (20, 12.03), (50, 37.90), (100, 84.06)],
)
def test_erlang_b_reads_as_the_published_traffic_table(servers, load) -> None:
    """Offered load at 1 % blocking, as traffic tables print it to four digits."""
    step = 0.0006 if load < 10 else 0.006
    assert queueing.erlang_b(load - step, servers) < 0.01 < queueing.erlang_b(load + step, servers)


@pytest.mark.parametrize("servers", [1, 2, 7, 40])
@pytest.mark.parametrize(
    "load", [Fraction(1, 100), Fraction(9, 10), Fraction(63, 10), Fraction(39)]
)
def test_erlang_formulas_equal_their_sums_in_exact_arithmetic(servers, load) -> None:
    terms = [load**k / math.factorial(k) for k in range(servers + 1)]
    assert_allclose(queueing.erlang_b(float(load), servers), float(terms[-1] / sum(terms)), 1e-12)
    if load < servers:
        last = terms[-1] * servers / (servers - load)
        expected = float(last / (sum(terms[:-1]) + last))
        assert_allclose(queueing.erlang_c(float(load), servers), expected, rtol=1e-12)


def test_erlang_c_by_hand() -> None:
    assert_allclose(queueing.erlang_c(2, 3), 4 / 9)
    assert_allclose(queueing.erlang_c(1, 2), 1 / 3)
    assert_allclose(queueing.erlang_c(0.7, 1), 0.7)  # M/M/1 waits with probability rho
    assert queueing.erlang_c(0, 3) == 0
    assert queueing.erlang_b(0, 0) == 1
    assert queueing.erlang_b(3, 0) == 1
    assert_allclose(queueing.erlang_b(3, 1), 3 / 4)


def test_erlang_b_at_a_hundred_thousand_erlangs_meets_ramanujans_expansion() -> None:
    """1 / B(n, n) = 1 + Q(n), Q by Knuth, The Art of Computer Programming 1, section 1.2.11.3."""
    n = 100_000
    q = math.sqrt(math.pi * n / 2) - 1 / 3 + math.sqrt(math.pi / (2 * n)) / 12 - 4 / (135 * n)
    assert_allclose(queueing.erlang_b(float(n), n), 1 / (1 + q), rtol=1e-10)


def test_mmc_equals_its_markov_chain() -> None:
    servers, arrival = 4, 3.1
    states = 300
    deaths = [float(min(k, servers)) for k in range(1, states + 1)]
    shares = birth_death([arrival] * states, deaths)
    waiting = shares @ np.maximum(np.arange(states + 1) - servers, 0)
    assert_allclose(queueing.mmc_wait(arrival, 1.0, servers), waiting / arrival, rtol=1e-9)
    assert_allclose(queueing.erlang_c(arrival, servers), shares[servers:].sum(), rtol=1e-9)


def test_mmc_with_one_server_is_mm1() -> None:
    rates = np.linspace(0, 9.9, 12)
    assert_allclose(queueing.mmc_wait(rates, 0.1, 1), queueing.mm1_wait(rates, 0.1))
    assert_allclose(queueing.mmc_response(rates, 0.1, 1), queueing.mm1_response(rates, 0.1))
    for q in (0.0, 0.5, 0.99, 0.99999):
        assert_allclose(
            queueing.mmc_response_percentile(rates, 0.1, 1, q),
            queueing.mm1_response_percentile(rates, 0.1, q),
            rtol=1e-9,
        )


def test_mmc_wait_percentiles_invert_the_tail() -> None:
    assert queueing.mmc_wait_percentile(1, 1.0, 4, 0.5) == 0  # C = 0.02: most do not wait
    c = queueing.erlang_c(3.6, 4)
    for q in (1 - c + 1e-6, 0.9, 0.999):
        time = queueing.mmc_wait_percentile(3.6, 1.0, 4, q)
        assert_allclose(c * math.exp(-(4 - 3.6) * time), 1 - q, rtol=1e-9)
    assert queueing.mmc_wait_percentile(3.6, 1.0, 4, 1 - c - 1e-6) == 0
    # The mean is the integral over all quantiles.
    q = (np.arange(200_000) + 0.5) / 200_000
    mean = queueing.mmc_wait_percentile(3.6, 1.0, 4, q).mean()
    assert_allclose(mean, queueing.mmc_wait(3.6, 1.0, 4), rtol=1e-3)


@cache
def _gauss() -> tuple[np.ndarray, np.ndarray]:
    """Places and weights of Gauss and Legendre's rule."""
    return np.polynomial.legendre.leggauss(400)


@pytest.mark.parametrize(
    ("arrival", "servers"),
    [(0.0, 2), (0.5, 3), (2.0, 3), (3.0, 4), (3.0 + 1e-9, 4), (7.96, 8), (7.9999999, 8)],
)
def test_mmc_response_percentiles_invert_an_independent_tail(arrival, servers) -> None:
    """P(R > t) by numerical convolution: service alone, plus wait and service together.

    (3.0, 4) is the case in which the wait, if any, is as long as a service on average.
    """
    c = queueing.erlang_c(arrival, servers)
    spare = servers - arrival
    x, weights = _gauss()
    for q in (0.1, 0.5, 0.95, 0.999):
        t = queueing.mmc_response_percentile(arrival, 1.0, servers, q)
        s = (x + 1) * min(t, 40) / 2  # services longer than 40 do not occur
        convolved = (weights * np.exp(-s) * np.exp(-spare * (t - s))).sum() * min(t, 40) / 2
        tail = math.exp(-t) + c * convolved
        assert_allclose(tail, 1 - q, rtol=1e-8)


def test_response_percentiles_take_arrays_of_everything() -> None:
    rates, q = np.array([[1.0], [2.0], [3.5]]), np.array([0.5, 0.99])
    table = queueing.mmc_response_percentile(rates, 1.0, 4, q)
    assert table.shape == (3, 2)
    for row, rate in enumerate(rates[:, 0]):
        for column, level in enumerate(q):
            single = queueing.mmc_response_percentile(float(rate), 1.0, 4, float(level))
            assert_allclose(table[row, column], single)
    assert (np.diff(table, axis=0) > 0).all()
    assert (np.diff(table, axis=1) > 0).all()


def test_arrays_of_servers_and_loads_give_what_single_calls_give() -> None:
    servers = np.array([1, 3, 3, 10])
    loads = np.array([[0.5], [0.9]])
    for form in (queueing.erlang_b, queueing.erlang_c):
        table = form(loads, servers)
        assert table.shape == (2, 4)
        single = [[form(float(a), int(c)) for c in servers] for a in loads[:, 0]]
        assert_allclose(table, single, rtol=1e-14)
    waits = queueing.mmc_wait(5.0, 0.1, [1, 2, 3])
    assert_allclose(waits, [queueing.mmc_wait(5.0, 0.1, c) for c in (1, 2, 3)])
    assert (np.diff(waits) < 0).all()
    assert_allclose(queueing.mm1_response([1, 2], 0.1), [1 / 9, 1 / 8])


def test_allen_cunneen_is_exact_for_mmc_and_kingmans_for_one_server() -> None:
    assert_allclose(queueing.allen_cunneen_wait(3, 1.0, 4, 1, 1), queueing.mmc_wait(3, 1.0, 4))
    assert_allclose(
        queueing.allen_cunneen_wait(0.8, 1.0, 1, 2, 3), queueing.kingman_wait(0.8, 1.0, 2, 3)
    )


@pytest.mark.parametrize("load", [0.0, 0.1, 1.0, 9.99, 10.0, 250.3])
@pytest.mark.parametrize("target", [0.001, 0.2, 0.9, 1.0])
def test_staffing_is_the_fewest_servers_that_do(load, target) -> None:
    servers = queueing.servers_for_wait_probability(load, target)
    assert queueing.erlang_c(load, servers) <= target
    if servers - 1 > load:
        assert queueing.erlang_c(load, servers - 1) > target


def test_staffing_at_a_thousand_times_the_load_needs_far_fewer_than_a_thousand_times() -> None:
    small = queueing.servers_for_wait_probability(5.0, 0.1)
    large = queueing.servers_for_wait_probability(5_000.0, 0.1)
    assert small == 9
    assert 1 < large / 5_000 < 1.03 < small / 5


def test_square_root_staffing_is_within_one_of_the_exact_answer() -> None:
    for load in (10.0, 100.0, 1_000.0, 100_000.0):
        for target in (0.01, 0.1, 0.5, 0.9):
            exact = queueing.servers_for_wait_probability(load, target)
            assert abs(queueing.square_root_staffing(load, target) - exact) <= 1


def test_halfin_whitt_is_the_limit_of_erlang_c() -> None:
    assert queueing.halfin_whitt_wait_probability(0) == 1
    # phi(1) = 0.24197 and Phi(1) = 0.84134, from any table of the normal distribution.
    assert_allclose(queueing.halfin_whitt_wait_probability(1.0), 0.22336, atol=1e-5)
    load = 90_000.0
    for beta in (0.1, 1.0, 2.0):
        exact = queueing.erlang_c(load, round(load + beta * math.sqrt(load)))
        assert_allclose(queueing.halfin_whitt_wait_probability(beta), exact, rtol=0.02)
    assert queueing.halfin_whitt_wait_probability(50.0) == 0


@pytest.mark.parametrize(
    "form",
    [
        queueing.mm1_response,
        queueing.mm1_wait,
        lambda a, s: queueing.mm1_response_percentile(a, s, 0.99),
        lambda a, s: queueing.mg1_wait(a, s, 2.0),
        lambda a, s: queueing.kingman_wait(a, s, 2.0, 3.0),
        lambda a, s: queueing.kingman_bound(a, s, 0.0, 3.0),
        lambda a, s: queueing.bursty_wait(a, s, 4.0),
        lambda a, s: queueing.mmc_wait(a, s, 3),
        lambda a, s: queueing.mmc_response(a, s, 3),
        lambda a, s: queueing.mmc_wait_percentile(a, s, 3, 0.99),
        lambda a, s: queueing.mmc_response_percentile(a, s, 3, 0.99),
        lambda a, s: queueing.allen_cunneen_wait(a, s, 3, 2.0, 3.0),
    ],
)
def test_every_delay_is_a_time_and_grows_with_the_load(form) -> None:
    loads = np.linspace(0.35, 0.999, 60)
    delays = form(loads / 0.1, 0.1)
    assert delays.shape == loads.shape
    assert np.isfinite(delays).all()
    assert (np.diff(delays) >= 0).all()
    # In units of the service time it is the same at any speed.
    assert_allclose(form(loads / 7, 7.0), 70 * delays, rtol=1e-9)
    single = form(float(loads[10] / 0.1), 0.1)
    assert isinstance(single, float)
    assert_allclose(single, delays[10], rtol=1e-9)


def test_no_rate_below_the_limit_divides_by_zero() -> None:
    """The last doubles below saturation are refused or answered, never a ZeroDivisionError."""
    for service in (0.1, 1 / 3, 1 / 49, 0.7):
        for servers in (1, 3, 49):
            rate = servers / service
            for _ in range(4):
                rate = math.nextafter(rate, 0)
                try:
                    wait = queueing.mmc_wait(rate, service, servers)
                except ValueError:
                    continue
                assert 0 < wait < math.inf
                assert 0 < queueing.mm1_wait(rate / servers * (1 - 1e-15), service) < math.inf
