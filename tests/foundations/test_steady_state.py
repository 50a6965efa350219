"""The crowd that a run begins with: as large as theory says, with the servers the engine gives."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations import queueing
from helpers.foundations.queueing import steady_state
from helpers.foundations.statistics import mean_interval


@pytest.mark.parametrize(("load", "servers"), [(0.8, 1), (2.8, 4), (1_000.0, 1_020)])
def test_crowds_are_as_large_as_littles_law_says(load: float, servers: int) -> None:
    rng = np.random.default_rng(11)
    there = steady_state.crowds(load, servers, rng.random(4_000))
    expected = load * queueing.mmc_response(load, 1.0, servers)
    assert mean_interval(there.astype(float), 0.999).contains(expected)
    waits = mean_interval((there >= servers).astype(float), 0.999)
    assert waits.contains(float(queueing.erlang_c(load, servers)))


def test_a_crowd_has_been_given_its_servers_by_the_engine() -> None:
    services = np.random.default_rng(2).standard_exponential(11)
    ends = queueing.fifo_waits(np.zeros(11), services, 3) + services
    busy = steady_state.busy(services.tolist(), 3)
    # Each server is free when the last of its requests ends: the three latest ends.
    assert sorted(busy) == pytest.approx(sorted(ends)[-3:])
    assert sorted(steady_state.busy([2.0], 3)) == [0.0, 0.0, 2.0]


def test_whoever_comes_now_waits_as_long_as_theory_says() -> None:
    rng = np.random.default_rng(5)
    waits = []
    for crowd in steady_state.crowds(3.4, 4, rng.random(6_000)):
        waits.append(min(steady_state.busy(rng.standard_exponential(crowd).tolist(), 4)))
    expected = float(queueing.mmc_wait(3.4, 1.0, 4))
    assert mean_interval(np.array(waits), 0.999).contains(expected)
