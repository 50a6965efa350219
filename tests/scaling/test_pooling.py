"""Pooling: three designs against their closed forms, and what the page shows of them."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.scaling import pooling
from tests import drawn
from tests.checks import (
    assert_bars,
    assert_mean,
    assert_summary,
    assert_table,
    axes_of,
    caught,
    sampled,
)
from tests.scaling.checks import assert_agrees
from tests.scaling.pooled import wait_of_equals, wait_of_two_kinds


@pytest.fixture(autouse=True)
def _fresh_times():
    """No times that a fault made may outlive it, nor any made before hide it."""
    pooling._unit_times.cache_clear()
    yield
    pooling._unit_times.cache_clear()


def check(variability: str, seeds: int = 16) -> None:
    """Waits and responses of the three designs are the closed forms', where there are any."""
    runs = [pooling.simulate(variability=variability, seed=seed) for seed in range(seeds)]
    for column, load in enumerate(pooling.GRID):
        exact = pooling.theory(runs[0].at, load)
        for kind in ("response", "wait"):
            for design, value in enumerate(getattr(exact, f"{kind}_s")):
                samples = [getattr(run, kind).estimate[design, column] for run in runs]
                if not math.isnan(value):
                    assert_agrees(samples, value)


@pytest.mark.parametrize("variability", pooling.VARIABILITY)
def test_simulation_and_theory(variability: str) -> None:
    check(variability)


def test_routing_in_turn_is_caught(monkeypatch) -> None:
    original = pooling.split_waits

    def in_turn(arrivals, work, route, busy):
        turn = np.arange(len(route))[:, np.newaxis] % len(busy)
        return original(arrivals, work, np.broadcast_to(turn, route.shape), busy)

    monkeypatch.setattr(pooling, "split_waits", in_turn)
    caught(check, "exponential", 6)


def test_a_big_server_that_is_too_slow_is_caught(monkeypatch) -> None:
    original = pooling.steady_state.fifo_waits
    slow = lambda a, s, c: original(a, s * 1.1 if c == 1 else s, c)  # noqa: E731
    monkeypatch.setattr(pooling.steady_state, "fifo_waits", slow)
    caught(check, "exponential", 6)


def test_servers_that_are_idle_at_first_are_caught(monkeypatch) -> None:
    idle = lambda servers, variability, rng: np.zeros((servers, pooling._RUNS * 8))  # noqa: E731
    for name, variability in (("busy_alone", "a few huge ones"), ("busy_together", "exponential")):
        with monkeypatch.context() as patch:
            patch.setattr(pooling, name, idle)
            patch.setattr(pooling, "_WARM_UP", 0)
            caught(check, variability)
        pooling._unit_times.cache_clear()


@pytest.mark.parametrize(
    ("variability", "servers"),
    sampled(itertools.product(["all alike", "a few huge ones"], [2, 4, 8]), 3),
)
def test_pooled_waits_are_those_of_a_chain_of_states(variability: str, servers: int) -> None:
    """Where there is no formula, and the crowd at the beginning is only nearly right."""
    runs = [pooling.simulate(servers=servers, variability=variability, seed=s) for s in range(16)]
    for column, load in enumerate(pooling.GRID):
        expected = 0.020 * (
            wait_of_equals(load, servers)
            if variability == "all alike"
            else wait_of_two_kinds(load, servers, 16.0)
        )
        if expected > 0.03 * 0.020:  # a shorter one comes from too few moments
            samples = [run.wait.estimate[1, column] for run in runs]
            assert_agrees(samples, expected, bias=0.02)


def test_the_chains_agree_with_formulas_where_there_are_any() -> None:
    for load, servers in itertools.product((0.1, 0.5, 0.8), (1, 2, 8)):
        exact = float(queueing.mmc_wait(load * servers, 1.0, servers))
        assert wait_of_two_kinds(load, servers, 1.0) == pytest.approx(exact)
    for load in (0.1, 0.8):
        one_server = [float(queueing.mg1_wait(load, 1.0, scv)) for scv in (16.0, 0.0)]
        assert [wait_of_two_kinds(load, 1, 16.0), wait_of_equals(load, 1)] == pytest.approx(
            one_server
        )


@pytest.mark.parametrize(("variability", "scv"), pooling.VARIABILITY.items())
def test_what_a_random_moment_finds(variability: str, scv: tuple[str, float]) -> None:
    rng = np.random.default_rng(3)
    left = pooling.services_left(variability, (40_000,), rng)
    # E[X^2] / 2 E[X], for services of mean 1.
    assert_mean(left, (1 + scv[1]) / 2)
    busy = pooling.busy_alone(2, variability, rng).reshape(2, pooling._RUNS, 8)
    for column, load in enumerate(pooling.GRID):
        exact = float(queueing.mg1_wait(load, 1.0, scv[1]))  # random arrivals meet the work
        assert_mean(busy[:, :, column].ravel(), exact)


def test_a_wait_next_to_nothing_has_no_interval() -> None:
    run = pooling.simulate(servers=8, variability="a few huge ones")
    seen = run.wait.estimate > 0.03 * 0.020
    drawn_ = run.wait_drawn
    assert not seen[1, :4].any()
    assert seen[[0, 2]].all()
    np.testing.assert_array_equal(drawn_.half_width > 0, seen)
    np.testing.assert_array_equal(drawn_.low[seen], run.wait.low[seen])
    np.testing.assert_array_equal(drawn_.high[seen], run.wait.high[seen])


def test_split_queues_are_the_engine_on_each_servers_share() -> None:
    rng = np.random.default_rng(4)
    arrivals = np.cumsum(rng.standard_exponential((300, 2)), axis=0)
    work, route = rng.exponential(1.5, (300, 2)), rng.integers(3, size=(300, 2))
    busy = np.array([[0.0, 7.0], [2.0, 0.0], [0.5, 40.0]])
    waits = pooling.split_waits(arrivals, work, route, busy)
    for row, server in itertools.product((0, 1), (0, 1, 2)):
        mine = route[:, row] == server
        expected = queueing.fifo_waits(
            np.concatenate([[0.0], arrivals[mine, row]]),
            np.concatenate([[busy[server, row]], work[mine, row]]),
            1,
        )
        np.testing.assert_allclose(waits[mine, row], expected[1:])


@pytest.mark.parametrize(("load", "servers"), list(itertools.product((0.3, 0.7, 0.8), (2, 4, 8))))
def test_big_answers_first_and_pooled_waits_least(load: float, servers: int) -> None:
    exact = pooling.theory(pooling.Setting(servers=servers), load)
    big, pooled, split = exact.response_s
    assert big < pooled < split
    assert exact.wait_s[1] < exact.wait_s[0] < exact.wait_s[2]
    assert split == pytest.approx(servers * big)
    assert big == pytest.approx(queueing.mm1_response(load * servers / 0.020, 0.020 / servers))


def test_with_variable_services_no_pooled_formula_is_pretended() -> None:
    exact = pooling.theory(pooling.Setting(variability="a few huge ones"))
    assert math.isnan(exact.wait_s[1])
    assert math.isnan(exact.response_s[1])


AT = [
    pooling.Setting(),
    pooling.Setting(servers=8, variability="a few huge ones", utilisation=0.8, seed=2),
    pooling.Setting(servers=2, service_ms=5.0, variability="all alike", utilisation=0.1),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: pooling.Setting) -> None:
    run = pooling.simulate(at)
    column = pooling.GRID.index(at.utilisation)
    response, wait = run.response.estimate, run.wait.estimate
    assert_summary(
        run,
        {"utilisation": at.utilisation}
        | {
            f"{design}_{kind}_ms": 1e3 * times[i, column]
            for i, design in enumerate(("one_big", "pooled", "split"))
            for kind, times in (("response", response), ("wait", wait))
        },
    )
    big, pooled, split = (duration(seconds) for seconds in response[:, column])
    waits = [duration(seconds) for seconds in wait[:, column]]
    assert run.reading.startswith(
        f"At {significant(100 * at.utilisation)} % utilisation a request takes {big} on one big "
        f"server, {pooled} on {at.servers} pooled ones and {split} on {at.servers} with a queue "
        f"each; of that it waits {waits[0]}, {waits[1]} and {waits[2]}."
    )
    names = ("one big", "pooled", "split")
    quickest, briefest = (names[int(times[:, column].argmin())] for times in (response, wait))
    assert run.reading.endswith(f"Best response: {quickest}; shortest wait: {briefest}.")
    exact = np.array([pooling.theory(at, load).response_s for load in pooling.GRID])
    columns = {"utilisation": pooling.GRID}
    for i, name in enumerate(names):
        columns[f"{name}: response (ms)"] = 1e3 * response[i]
        columns[f"{name}: theory"] = 1e3 * exact[:, i]
        columns[f"{name}: wait (ms)"] = 1e3 * wait[i]
    assert_table(run, columns)


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: pooling.Setting) -> None:
    run = pooling.simulate(at)
    exact = [pooling.theory(at, load) for load in pooling.GRID]
    for ax, times, curves in zip(
        axes_of(pooling.plot, run),
        (run.response, run.wait_drawn),
        ([e.response_s for e in exact], [e.wait_s for e in exact]),
        strict=True,
    ):
        assert drawn.here(ax) == at.utilisation
        for i, (color, marker) in enumerate(
            ((style.BLUE, "o"), (style.GREEN, "s"), (style.VERMILION, "^"))
        ):
            shown = drawn.error_bars(ax, color=color, marker=marker)
            assert_bars(shown, pooling.GRID, times[i, :], 1e3)
            curve = drawn.curve(ax, color=color, linestyle="--")
            np.testing.assert_allclose(curve[:, 0], pooling.GRID)
            np.testing.assert_allclose(curve[:, 1], 1e3 * np.array(curves)[:, i])
