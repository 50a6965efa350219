"""Nothing is lost or counted twice, whatever the design, the traffic and the faults."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from helpers.blueprint import (
    AppServers,
    Clients,
    Design,
    kill,
    partition,
    simulate_design,
    slow,
    spike,
)
from helpers.blueprint.catalogue import anatomy
from tests.blueprint.designs import check_books, in_other_units, runs

ANATOMY = {
    "design": anatomy(rate_rps=40).replace("clients", job_fraction=0.5),
    "faults": [
        kill("app-2", at_s=2, until_s=5),
        partition("cache", at_s=4, until_s=6),
        slow("db", factor=10, at_s=1, until_s=3),
        kill("workers", at_s=3, until_s=3.5),
    ],
    "traffic": spike(at_s=3, length_s=2, factor=5),
    "duration_s": 8.0,
    "seed": 3,
}


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(run=runs())
@example(run=ANATOMY)
def test_every_request_call_and_job_is_accounted_for(run):
    check_books(simulate_design(**run))


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(run=runs())
@example(run=ANATOMY)
def test_both_engines_agree_event_for_event(run):
    fast = simulate_design(**run, log=True)
    slow_ = simulate_design(**run, log=True, engine="simpy")
    assert sorted(fast.log) == sorted(slow_.log)
    for name in ("sent_s", "done_s", "outcome", "tries"):
        np.testing.assert_array_equal(getattr(fast, name), getattr(slow_, name), err_msg=name)
    for name in ("tallies", "whole_tallies", "edge_rps", "jobs", "present"):
        assert getattr(fast, name) == getattr(slow_, name), name
    for machine in fast.waiting:
        np.testing.assert_array_equal(fast.waiting[machine], slow_.waiting[machine])
        np.testing.assert_array_equal(fast.busy[machine], slow_.busy[machine])


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(
    run=runs(clockwork=True),
    unit=st.sampled_from([1e-3, 0.1, 1 / 3, 0.7, 7.0, 60.0]),
    engine=st.sampled_from(["fast", "simpy"]),
)
def test_ties_do_not_depend_on_the_unit_of_time(run, unit, engine):
    one = simulate_design(**run, engine=engine)
    other = simulate_design(**in_other_units(run, unit), engine=engine)
    np.testing.assert_array_equal(one.outcome, other.outcome)
    np.testing.assert_array_equal(one.tries, other.tries)
    np.testing.assert_allclose(one.done_s, other.done_s / unit, atol=1e-9)
    assert one.jobs == other.jobs
    assert one.present == other.present


@pytest.mark.parametrize("engine", ["fast", "simpy"])
@pytest.mark.parametrize("rate_rps", [100, 128, 3, 1.5, 1 / 7])
def test_a_server_that_is_free_again_when_the_next_request_comes_loses_none(rate_rps, engine):
    app = AppServers(
        count=1, threads=1, service_s=1 / rate_rps, distribution="deterministic", queue_capacity=0
    )
    design = Design("clockwork", Clients(rate_rps=rate_rps, arrivals="constant") >> app)
    result = simulate_design(design, duration_s=500.5 / rate_rps, engine=engine)
    assert (result.sent, result.dropped, result.answered) == (500, 0, 499)


def test_the_same_arguments_give_the_same_result():
    first, second = simulate_design(**ANATOMY), simulate_design(**ANATOMY)
    np.testing.assert_array_equal(first.done_s, second.done_s)
    other = simulate_design(**(ANATOMY | {"seed": 4}))
    assert first.sent != other.sent or not np.array_equal(first.done_s, other.done_s)


@pytest.mark.parametrize("seed", [1, 2])
def test_designs_meet_identical_requests(seed):
    design = anatomy(rate_rps=50)
    runs_ = [
        simulate_design(variant, duration_s=20, seed=seed, log=True)
        for variant in (
            design,
            design.without("cdn"),
            design.replace("balancer", policy="random"),
            design.replace("app", count=5),
        )
    ]
    for run in runs_[1:]:
        np.testing.assert_array_equal(run.sent_s, runs_[0].sent_s)
