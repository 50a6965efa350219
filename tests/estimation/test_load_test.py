"""Two testers of one stall: against a literal server, theory, the open model, and for real."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers.estimation import load_test
from helpers.estimation.fluid_stall import FluidStall
from helpers.estimation.stalls import (
    Stall,
    closed_requests,
    closed_responses,
    correct,
    open_responses,
)
from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import duration
from tests import drawn
from tests.models import edited

MODEL = "helpers.estimation.load_test:one_minute,two_testers"


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


def check_open_responses(model: object) -> None:
    """`model` must give what a request-by-request server gives, to rounding."""
    for seed, service_s, length_s in ((1, 0.004, 1.0), (2, 0.009, 0.5), (3, 0.001, 2.0)):
        sent = np.cumsum(np.random.default_rng(seed).exponential(0.01, 800))
        stall = Stall(2.0, length_s)
        expected = brute_force_open(sent, service_s, stall)
        np.testing.assert_allclose(model(sent[np.newaxis], service_s, stall)[0], expected)


def check_closed_responses(model: object) -> None:
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


def check_correction(model: object) -> None:
    """HdrHistogram's rule: r, and r - i, r - 2 i, ... as long as they are at least i."""
    np.testing.assert_allclose(
        np.sort(model(np.array([0.05, 1.0, 0.25]), 0.1)),
        np.sort([0.05, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.25, 0.15]),
    )
    assert len(model(np.array([0.003] * 10), 0.01)) == 10


def test_open_tester_and_mutants() -> None:
    model = open_responses
    check_open_responses(model)
    for mutant in (
        lambda sent, service, stall: np.full(sent.shape, service),
        lambda sent, service, stall: model(sent, service, Stall(stall.at_s, 0.0)),
        lambda sent, service, stall: model(sent, service, stall) - service,
        # A server that works through the stall and only answers late.
        lambda sent, service, stall: np.maximum(
            model(sent, service, Stall(stall.at_s, 0.0)),
            np.where(
                (sent > stall.at_s) & (sent < stall.at_s + stall.length_s),
                stall.at_s + stall.length_s - sent,
                0.0,
            ),
        ),
    ):
        with pytest.raises(AssertionError):
            check_open_responses(mutant)


def test_closed_tester_and_mutants() -> None:
    model = closed_responses
    check_closed_responses(model)

    def impatient(rate, service, stall, run, connections):
        """Sends on time without waiting: an open tester in disguise."""
        sent = np.arange(0, run, 1 / rate)[np.newaxis]
        return open_responses(sent, service, stall)[0]

    def unpaced(rate, service, stall, run, connections):
        return model(1 / service, service, stall, run, connections)

    for mutant in (impatient, unpaced, lambda *a: model(*a)[:-1] + 0.01):
        with pytest.raises(AssertionError):
            check_closed_responses(mutant)


def test_correction_and_mutants() -> None:
    check_correction(correct)
    for mutant in (
        lambda times, interval: times,
        lambda times, interval: np.repeat(times, np.maximum(times // interval, 1).astype(int)),
        lambda times, interval: correct(times, interval / 2),
    ):
        with pytest.raises(AssertionError):
            check_correction(mutant)


def test_the_open_mean_is_exact() -> None:
    for stall_s, utilisation in ((2.0, 0.3), (1.0, 0.6), (0.0, 0.5)):
        result = load_test.simulate(stall_s=stall_s, utilisation=utilisation, replications=400)
        error = result.open_mean.half_width / 1.966
        assert abs(result.open_mean.estimate - load_test.theory(result.at).mean_s) < 4 * error


def test_a_theory_without_the_recovery_is_caught() -> None:
    result = load_test.simulate(replications=400)
    theory = load_test.theory(result.at)
    without = theory.service_s + theory.stall_s**2 / 2 / theory.run_s
    assert abs(result.open_mean.estimate - without) > 10 * result.open_mean.half_width


def test_without_a_stall_the_open_tester_sees_an_ordinary_queue() -> None:
    theory = FluidStall(100, 0.005, 0.0, 60, 1)
    assert theory.mean_s == pytest.approx(float(queueing.mg1_response(100, 0.005, 0.0)))


@pytest.mark.parametrize("utilisation", [0.1, 0.3, 0.6])
def test_the_fluid_model_finds_the_percentiles(utilisation: float) -> None:
    result = load_test.simulate(stall_s=3.0, utilisation=utilisation, replications=64)
    for one_in in (50, 100, 500):
        q = 1 - 1 / one_in
        # A fluid knows no chance: a tenth of the stall at most.
        assert result.percentile_s("open", q) == pytest.approx(
            load_test.theory(result.at).percentile_s("open", q), abs=0.3
        )
        for tester in ("closed", "corrected"):
            assert result.percentile_s(tester, q) == pytest.approx(
                load_test.theory(result.at).percentile_s(tester, q), abs=0.02
            )


def test_the_boundary_of_break_it() -> None:
    boundary = 0.5 - 0.003 + 0.01 * 60 * 0.7
    for stall_s, above in ((boundary - 0.01, False), (boundary + 0.01, True)):
        theory = FluidStall(100, 0.003, stall_s, 60, 1)
        assert (theory.percentile_s("open", 0.99) > 0.5) == above
        assert theory.percentile_s("closed", 0.99) == pytest.approx(0.003)


@pytest.mark.parametrize("connections", [1, 10])
def test_the_open_model_is_the_fast_one(connections: int) -> None:
    """The model's stall waits for the request under way: a service time at most."""
    at = load_test.Setting(connections=connections)
    stall = Stall(18.0, at.stall_s)
    closed = load_test.one_minute(at, Draws(1), "closed")
    fast = closed_responses(100.0, 0.003, stall, 60.0, connections)
    assert len(closed) == pytest.approx(len(fast), abs=connections)
    for q in (0.5, 0.9, 0.99, 1.0):
        slow = np.quantile(closed, q)
        assert slow == pytest.approx(np.quantile(fast, q), abs=0.003 * connections + 0.0101)
    sent = np.cumsum(Draws(1)("arrivals").exponential(0.01, 8_000))
    opened = load_test.one_minute(at, Draws(1), "open")
    exact = open_responses(sent[np.newaxis, : len(opened)], 0.003, stall)[0]
    assert len(opened) == int((sent < 60).sum()) + 1
    np.testing.assert_allclose(np.sort(opened), np.sort(exact), atol=0.0031)


def test_the_edits_that_the_page_proposes() -> None:
    at = load_test.Setting()
    whole = load_test.two_testers(at, Draws(1))
    assert whole["open_p99_s"] > 0.5
    assert whole["closed_p99_s"] < 0.01
    late = edited(
        MODEL,
        "            sent = world.now\n",
        "            sent = due\n",
        "due = max(sent + at.connections / rate_rps, world.now)",
        "due = due + at.connections / rate_rps",
    )
    admitted = late(at, Draws(1))
    assert admitted["closed_p99_s"] > 0.5
    assert admitted["open_p99_s"] == whole["open_p99_s"]
    calm = edited(MODEL, "    world.process(stall())\n", "")(at, Draws(1))
    assert calm["open_p99_s"] < 0.02
    assert calm["closed_p99_s"] < 0.01
    two = edited(MODEL, "PriorityResource(world)", "PriorityResource(world, capacity=2)")
    assert two(at, Draws(1))["open_p99_s"] < 0.02


@pytest.mark.parametrize("given", [{}, {"stall_s": 5.0, "connections": 50}, {"stall_s": 0.1}])
def test_what_the_learner_sees(given) -> None:
    run, ax = load_test.simulate(**given), Figure().subplots()
    load_test.plot(run, ax, {"open_p99_s": 0.5, "closed_p99_s": 0.004})
    exact = load_test.theory(run.at)
    for tester in load_test.TESTERS:
        n, y = drawn.curve(ax, label=tester).T
        samples = run.responses_s[tester]
        ranks = np.ceil((1 - 1 / n) * len(samples) * (1 - 1e-12)).astype(int) - 1
        np.testing.assert_allclose(y, samples[np.maximum(ranks, 0)])
    curves = drawn.lines(ax, **style.THEORY)
    assert len(curves) == 3
    for tester, line in zip(load_test.TESTERS, curves, strict=True):
        x, y = line.get_xydata()[1:].T
        np.testing.assert_allclose(1 / x, exact.slower(tester, y), rtol=1e-9)
    mine = drawn.curve(ax, label="your model")
    np.testing.assert_allclose(mine, [[100, 0.5], [100, 0.004]])
    table = run.table()
    for tester in load_test.TESTERS:
        for n in load_test.ONE_IN:
            found = table[f"{tester} (ms)"][n]
            assert found == pytest.approx(1e3 * run.percentile_s(tester, 1 - 1 / n))
            fluid = table[f"{tester}, fluid model (ms)"][n]
            assert fluid == pytest.approx(1e3 * exact.percentile_s(tester, 1 - 1 / n))
    reading = run.reading
    assert f"one stall of {duration(run.at.stall_s)} in a minute" in reading
    tails = [duration(run.percentile_s(tester, 0.99)) for tester in load_test.TESTERS]
    assert f"open tester says p99 = {tails[0]}, the closed one p99 = {tails[1]}" in reading
    mean = duration(run.open_mean.estimate)
    assert f"after correction {tails[2]}; the open mean is {mean}" in reading
    assert f"theory's {duration(exact.mean_s)} lies" in reading
    assert ("inside" in reading) == (run.open_mean.low <= exact.mean_s <= run.open_mean.high)
    texts = " ".join(drawn.written(ax))
    assert all(name in texts for name in ("open tester", "closed tester", "closed, corrected"))


# --- what is watched ------------------------------------------------------------------------------


WATCHED = [
    {},
    {"stall_s": 0.0},
    {"connections": 10, "utilisation": 0.6},
    {"stall_s": 5.0, "utilisation": 0.8, "connections": 50},
]


def exchanges(log, tester: str) -> list[tuple[float, float]]:
    """Times at which a tester's dots came to the line and had their answer, in order of answers."""
    names, rows = [place.name for place in log.places], log.rows
    line, goal = f"{tester} line", "answers" if tester == "open" else "closed tester"
    came: dict[int, float] = {}
    found = []
    for row in range(log.opening, len(rows)):
        if rows.token[row] < 0:
            continue
        token, place = int(rows.token[row]), names[rows.place[row]]
        if place == line:
            came[token] = float(rows.time_s[row])
        elif place == goal and token in came:
            found.append((came.pop(token), float(rows.time_s[row])))
    return found


@pytest.mark.parametrize("given", WATCHED)
def test_what_is_watched_are_the_answers_of_the_simulation(given: dict) -> None:
    at = load_test.Setting(**given)
    log, stall = load_test.watch(at), Stall(18.0, at.stall_s)
    begin, end = 17.5, 17.5 + log.end_s
    service_s = at.utilisation / load_test.RATE_RPS
    sent = load_test._sending_times(at.replications, at.seed)[0]
    done = sent + open_responses(sent[np.newaxis], service_s, stall)[0]
    asked = closed_requests(load_test.RATE_RPS, service_s, stall, 60.0, at.connections)
    for tester, asks, ends in (("open", sent, done), ("closed", asked.sent_s, asked.done_s)):
        inside = (asks > begin) & (ends <= end)
        expected = np.column_stack([asks, ends])[inside] - begin
        np.testing.assert_allclose(exchanges(log, tester), expected, atol=1e-9)
    assert not log.reasons


@pytest.mark.parametrize("given", WATCHED)
def test_nobody_is_lost_nothing_is_served_in_the_stall_and_no_server_idles_beside_a_line(
    given: dict,
) -> None:
    at = load_test.Setting(**given)
    log = load_test.watch(at)
    rows, names = log.rows, [place.name for place in log.places]
    stalled = (rows.time_s > 0.5) & (rows.time_s < 0.5 + at.stall_s - 1e-9)
    for server in ("server", "same server"):
        served = (rows.place == names.index(server)) & (rows.token >= 0)
        assert not (served & stalled).any()
    for moment in np.unique(rows.time_s)[::7]:
        standing = log.standing(moment)
        closed = [len(standing[place]) for place in ("closed tester", "closed line", "same server")]
        assert sum(closed) == at.connections
        if not 0.5 <= moment < 0.5 + at.stall_s:
            for tester, server in (("open", "server"), ("closed", "same server")):
                assert standing[server] or not standing[f"{tester} line"]


def test_the_closed_tester_writes_down_one_slow_answer_for_each_connection() -> None:
    for connections in (1, 10):
        slow_open, slow_closed, _ = load_test.watch(connections=connections).curves
        assert slow_closed.values[-1] == slow_closed.level == connections
        # Poisson around the fluid's mean: five standard deviations.
        assert abs(slow_open.values[-1] - slow_open.level) < 5 * slow_open.level**0.5
    cut = load_test.watch(stall_s=5.0, utilisation=0.8)
    assert all(curve.level is None for curve in cut.curves)
    assert cut.end_s == pytest.approx(9.5)
