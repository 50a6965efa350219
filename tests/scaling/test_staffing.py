"""Staffing: the share that waits against Erlang's C, real stations, and what the page shows."""

from __future__ import annotations

import heapq

import numpy as np
import pytest

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import duration, significant
from helpers.scaling import staffing
from tests import drawn
from tests.checks import assert_bars, assert_summary, assert_table, axes_of, caught
from tests.scaling.checks import assert_agrees


def check(watch, load: float, servers: int) -> None:
    """The share of requests that waits is Erlang's C."""
    shares = []
    for seed in range(16):
        *_, last = watch(load, servers, Draws(seed), service_times=800)
        shares.append(last.estimate)
    assert_agrees(shares, float(queueing.erlang_c(load, servers)))


@pytest.mark.parametrize(("load", "servers"), [(1.0, 3), (10.0, 14), (30.0, 34)])
def test_simulation_and_theory(load: float, servers: int) -> None:
    check(staffing.watch, load, servers)


def test_a_server_too_few_is_caught() -> None:
    caught(check, lambda load, servers, *a, **k: staffing.watch(load, servers - 1, *a, **k), 10, 14)


def test_a_server_that_idles_while_work_waits_is_caught(monkeypatch) -> None:
    original = staffing.serve

    def lazy(free, arrivals, services):
        free[0] = float("inf") if len(free) > 1 and not np.isinf(max(free)) else free[0]
        heapq.heapify(free)
        return original(free, arrivals, services)

    monkeypatch.setattr(staffing, "serve", lazy)
    caught(check, staffing.watch, 10.0, 14)


def test_serving_in_chunks_is_the_shared_engine() -> None:
    rng = np.random.default_rng(3)
    arrivals = np.cumsum(rng.standard_exponential(3_000)) / 4.2
    services = rng.standard_exponential(3_000)
    free = [0.0] * 5
    parts = [
        staffing.serve(free, arrivals[i : i + 700], services[i : i + 700])
        for i in range(0, 3_000, 700)
    ]
    waits = queueing.fifo_waits(arrivals, services, 5)
    np.testing.assert_array_equal(np.concatenate(parts), waits > 0)


def test_a_thousand_times_the_load_needs_far_fewer_than_a_thousand_times_the_servers() -> None:
    small, large = staffing.Setting(rate_rps=50), staffing.Setting(rate_rps=50_000)
    assert staffing.servers_by("Erlang C", small) == 3
    assert staffing.servers_by("in proportion", small) == 3
    assert staffing.servers_by("in proportion", large) == 3_000
    exact = staffing.servers_by("Erlang C", large)
    assert queueing.erlang_c(1_000, exact) <= 0.1 < queueing.erlang_c(1_000, exact - 1)
    assert abs(staffing.servers_by("square root", large) - exact) <= 2


def test_more_work_than_the_simulation_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="rate_rps times service_ms must be at most 2,000"):
        staffing.Setting(rate_rps=50_000.0, service_ms=100.0)


def test_a_station_that_begins_empty_is_caught(monkeypatch) -> None:
    monkeypatch.setattr(staffing.steady_state, "busy", lambda services, servers: [0.0] * servers)
    caught(check, staffing.watch, 30.0, 34)


AT = [
    staffing.Setting(),
    staffing.Setting(rate_rps=2_000.0, target=0.5, rule="in proportion", seed=3),
    staffing.Setting(rate_rps=500.0, target=0.01, rule="square root"),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: staffing.Setting) -> None:
    *_, run = staffing.simulate(at)
    load = at.rate_rps * at.service_ms / 1e3
    by = {rule: staffing.servers_by(rule, at) for rule in staffing.RULES}
    chosen = by[at.rule]
    low, high = max(0.0, run.waited.low), run.waited.high
    expected = float(queueing.erlang_c(load, chosen))
    assert_summary(
        run,
        {
            "offered_load_erlangs": load,
            "servers_erlang_c": by["Erlang C"],
            "servers_square_root": by["square root"],
            "servers_in_proportion": by["in proportion"],
            "servers_chosen": chosen,
            "utilisation_percent": 100 * load / chosen,
            "waited_percent": 100 * run.waited.estimate,
            "waited_low_percent": 100 * low,
            "waited_high_percent": 100 * high,
            "theory_waited_percent": 100 * expected,
        },
    )
    for said in (
        f"{significant(at.rate_rps)} requests/s of {duration(0.020)} each offer "
        f"{significant(load)} {'erlang' if load == 1 else 'erlangs'}; with {chosen:,} servers "
        f"({at.rule}) utilisation is {significant(100 * load / chosen)} % and ",
        f"and {significant(100 * run.waited.estimate, 2)} % of the simulated requests wait",
        f"(95 % interval {significant(100 * low, 2)} to {significant(100 * high, 2)} %; Erlang C: "
        f"{significant(100 * expected, 2)} %).",
    ):
        assert said in run.reading
    curves = {
        rule: [staffing.servers_by(rule, at, rate) for rate in staffing.RATES_RPS]
        for rule in ("Erlang C", "square root", "in proportion")
    }
    assert_table(run, {"requests/s": staffing.RATES_RPS} | curves)


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: staffing.Setting) -> None:
    run = next(iter(staffing.simulate(at)))
    servers, waits = axes_of(staffing.plot, run)
    rates = np.array(staffing.RATES_RPS)
    for rule, color in (
        ("in proportion", style.VERMILION),
        ("square root", style.GREEN),
        ("Erlang C", style.BLUE),
    ):
        line = drawn.line(servers, color=color)
        expected = [staffing.servers_by(rule, at, rate) for rate in rates]
        np.testing.assert_allclose(line.get_xydata(), np.column_stack([rates, expected]))
        assert (line.get_linewidth() > 2) == (rule == at.rule)
    np.testing.assert_allclose(drawn.curve(servers, color=style.GHOST)[:, 1], rates * 0.020)
    assert drawn.rings(servers).tolist() == [[at.rate_rps, run.servers]]
    assert drawn.here(servers) == drawn.here(waits) == at.rate_rps
    theory = drawn.curve(waits, **style.THEORY)
    np.testing.assert_allclose(theory[:, 1], [staffing.theory(at, rate) for rate in rates])
    np.testing.assert_allclose(theory[:, 0], rates)
    assert drawn.levels(waits, color=style.MUTED) == [at.target]
    assert_bars(drawn.error_bars(waits, **style.DOTS), [at.rate_rps], run.waited)


def test_one_of_anything_is_in_the_singular() -> None:
    first = next(iter(staffing.simulate(rate_rps=1.0, target=0.9, service_ms=20.0)))
    assert first.reading.startswith(
        "1 request/s of 20 ms each offer 0.02 erlangs; with 1 server (Erlang C) utilisation is 2 %"
    )
