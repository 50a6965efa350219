"""In the steady state a run agrees with theory, where theory exists.

Each comparison uses independent replications and a Student interval of 99.9 % confidence, so a
correct model fails one in a thousand comparisons over the choice of seeds, and the seeds are
fixed. Each interval must also be narrow, or the check would not mean much.
"""

from __future__ import annotations

import numpy as np
import pytest

from helpers.blueprint import (
    CDN,
    AppServers,
    Cache,
    Clients,
    Database,
    Design,
    LoadBalancer,
    Queue,
    Workers,
    bounds,
    simulate_design,
    theory_closed_design,
    theory_design,
)
from helpers.blueprint.catalogue import anatomy
from helpers.blueprint.theory.flows import edge_flows
from helpers.foundations.queueing import mg1_wait, mm1k, mmc_response, mva
from helpers.foundations.statistics import mean_interval

CONFIDENCE = 0.999


def replicate(design, statistic, *, duration_s, warm_up_s, replications=16, **kwargs):
    return [
        statistic(
            simulate_design(design, duration_s=duration_s, warm_up_s=warm_up_s, seed=seed, **kwargs)
        )
        for seed in range(replications)
    ]


def assert_covers(samples, truth, *, width):
    """The interval holds the truth, and is no wider than a share `width` of it on either side."""
    interval = mean_interval(samples, confidence=CONFIDENCE)
    half = (interval.high - interval.low) / 2
    assert half < width * truth, (
        f"half width {half:.4g} is too wide to tell anything of {truth:.4g}"
    )
    assert interval.low <= truth <= interval.high, (interval, truth)


def mean_response(result):
    return float(result.response_s.mean())


def alone(*, threads=1, rate_rps=8.0, service_s=0.1, **kwargs):
    app = AppServers(count=1, threads=threads, service_s=service_s, **kwargs)
    return Design("alone", Clients(rate_rps=rate_rps) >> app)


@pytest.mark.parametrize(("servers", "load"), [(1, 0.7), (4, 0.8), (16, 0.9)])
def test_one_machine_is_an_mmc_queue(servers, load):
    rate = servers * load / 0.1
    design = alone(threads=servers, rate_rps=rate)
    samples = replicate(design, mean_response, duration_s=9_000 / rate, warm_up_s=1_000 / rate)
    truth = mmc_response(rate, 0.1, servers)
    assert_covers(samples, truth, width=0.08)
    network = theory_design(design)
    assert network.exact
    assert network.response_s == pytest.approx(truth, rel=1e-12)


def test_deterministic_service_is_pollaczek_khinchine():
    design = alone(rate_rps=7.0, distribution="deterministic")
    samples = replicate(design, mean_response, duration_s=1_500, warm_up_s=100)
    assert_covers(samples, mg1_wait(7.0, 0.1, 0.0) + 0.1, width=0.06)
    assert not theory_design(design).exact


def test_a_finite_queue_loses_what_mm1k_says():
    design = alone(rate_rps=9.0, queue_capacity=4)
    truth = mm1k(9.0, 0.1, 5)
    runs = [simulate_design(design, duration_s=1_200, warm_up_s=20, seed=s) for s in range(16)]
    counted = [run.outcome[run.counted] for run in runs]
    assert_covers([float((codes == 1).mean()) for codes in counted], truth.loss, width=0.06)
    assert_covers([mean_response(run) for run in runs], truth.response_s, width=0.03)
    assert_covers([run.goodput_rps for run in runs], truth.throughput_rps, width=0.03)


def jackson():
    """A network that has product form: nothing blocks, nothing times out, chance decides."""
    app = AppServers(count=3, threads=1, service_s=0.02, blocking=False)
    db = Database(replicas=1, connections=2, service_s=0.02)
    return Design(
        "jackson",
        Clients(rate_rps=130, write_fraction=0.2, job_fraction=0.25)
        >> CDN(hit_ratio=0.3)
        >> LoadBalancer(policy="random", health_check=None)
        >> app
        >> Cache(hit_ratio=0.5, connections=1, service_s=0.005)
        >> db,
        app >> Queue() >> Workers(count=3, service_s=0.09),
    )


def test_a_jackson_network_has_the_response_and_utilisation_of_theory():
    design = jackson()
    truth = theory_design(design)
    assert truth.exact, truth.caveats
    runs = [simulate_design(design, duration_s=75, warm_up_s=5, seed=s) for s in range(16)]
    assert_covers([mean_response(run) for run in runs], truth.response_s, width=0.05)
    for name, share in truth.utilisation.items():
        assert_covers([run.utilisation[name] for run in runs], share, width=0.06)
    for name, wait_s in truth.wait_s.items():
        waits = [run.tallies[name].wait_s / run.tallies[name].started for run in runs]
        # Seven comparisons of waits, which spread most where they are shortest.
        assert_covers(waits, wait_s, width=0.35)
    for edge, rate in truth.edge_rps.items():
        assert_covers([run.edge_rps[edge] for run in runs], rate, width=0.05)


def test_blocking_servers_hold_their_threads_for_as_long_as_the_bounds_say():
    # Nobody waits at this load, so the utilisation law has no error of modelling.
    design = anatomy(rate_rps=40)
    runs = [simulate_design(design, duration_s=120, warm_up_s=5, seed=s) for s in range(8)]
    for name, load in bounds(design).loads.items():
        share = 40 * load.demand_s / load.servers
        if share > 0.02:
            assert_covers([run.utilisation[name] for run in runs], share, width=0.3)


def closed(users, *, connections=1, think_s=0.5):
    app = AppServers(count=1, threads=1, service_s=0.05, blocking=False)
    db = Database(connections=connections, service_s=0.08)
    return Design("closed", Clients(users=users, think_s=think_s) >> app >> db)


@pytest.mark.parametrize(("users", "connections"), [(1, 1), (6, 1), (20, 1), (12, 3)])
def test_a_closed_system_agrees_with_mean_value_analysis(users, connections):
    design = closed(users, connections=connections)
    truth = theory_closed_design(design)
    assert truth.exact
    long = 400 * max(1, 8 // users)  # few users send little
    runs = [simulate_design(design, duration_s=long, warm_up_s=20, seed=s) for s in range(12)]
    assert_covers([run.goodput_rps for run in runs], truth.throughput_rps[-1], width=0.04)
    assert_covers([mean_response(run) for run in runs], truth.response_s[-1], width=0.08)


def test_convolution_is_mean_value_analysis_where_both_apply():
    ours = theory_closed_design(closed(200))
    theirs = mva([0.05, 0.08], 200, 0.5)
    np.testing.assert_allclose(ours.throughput_rps, theirs.throughput_rps, rtol=1e-9)
    np.testing.assert_allclose(ours.response_s, theirs.response_s, rtol=1e-7)
    np.testing.assert_allclose(ours.queue["app"], theirs.queue[:, 0], rtol=1e-9)
    np.testing.assert_allclose(ours.queue["db"], theirs.queue[:, 1], rtol=1e-7)


def test_many_servers_turn_a_station_into_a_delay():
    few = theory_closed_design(closed(10, connections=10))
    nobody_waits = mva([0.05], 10, 0.5 + 0.08)  # the database as part of the thinking
    np.testing.assert_allclose(few.throughput_rps, nobody_waits.throughput_rps, rtol=1e-12)


def test_large_populations_do_not_overflow():
    network = theory_closed_design(closed(400, connections=4, think_s=50.0))
    assert np.isfinite(network.throughput_rps).all()
    limit = bounds(closed(1, connections=4)).throughput_rps(network.users, 50.0)
    assert (network.throughput_rps <= limit * (1 + 1e-12)).all()
    assert (np.diff(network.throughput_rps) > 0).all()


def test_flows_are_conserved_and_thinned_by_caches():
    design = jackson()
    flows = edge_flows(design)
    assert flows["clients", "cdn"].calls == pytest.approx(1)
    assert flows["cdn", "balancer"].reads == pytest.approx(0.8 * 0.7)
    assert flows["cdn", "balancer"].writes == pytest.approx(0.2)
    assert flows["cache", "db"].reads == pytest.approx(0.8 * 0.7 * 0.5)
    assert flows["queue", "workers"].calls == pytest.approx(0.25 * 0.76)


def test_a_cache_aside_thins_the_reads_and_no_writes():
    app, db = AppServers(count=1), Database()
    design = Design(
        "aside",
        Clients(rate_rps=10, write_fraction=0.25) >> app >> Cache(hit_ratio=0.75),
        app >> db,
    )
    flows = edge_flows(design)
    assert flows["app", "cache"].calls == pytest.approx(0.75)
    assert flows["app", "db"].reads == pytest.approx(0.75 * 0.25)
    assert flows["app", "db"].writes == pytest.approx(0.25)


def test_no_run_beats_the_bounds():
    design = anatomy()
    limit = bounds(design)
    flooded = design.replace("clients", rate_rps=3 * limit.capacity_rps, retries=0, timeout_s=None)
    flooded = flooded.replace("app", timeout_s=None)
    result = simulate_design(flooded, duration_s=20, warm_up_s=5)
    # What passes the CDN is limited; what the CDN answers is not.
    passed = result.edge_rps["app", "cache"] + result.edge_rps["app", "queue"]
    flows = edge_flows(design)
    most = limit.capacity_rps * (flows["app", "cache"].calls + flows["app", "queue"].calls)
    assert 0.8 * most < passed < 1.02 * most
