"""What the parts do, one at a time, against what can be worked out by hand.

Both engines are held to each of these, so that an error they share is caught as well.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.blueprint import (
    CDN,
    AppServers,
    Cache,
    Clients,
    Database,
    Design,
    HealthCheck,
    LoadBalancer,
    Queue,
    Workers,
    kill,
    partition,
    simulate_design,
    slow,
)

ENGINES = ["fast", "simpy"]


@pytest.fixture(params=ENGINES)
def run(request):
    def simulate(design, **kwargs):
        return simulate_design(design, engine=request.param, **kwargs)

    return simulate


def clock(**kwargs):
    """One request a second, at 1, 2, 3, ... seconds."""
    return Clients(rate_rps=1, arrivals="constant", **kwargs)


def fixed(name="app", *, service_s=0.25, **kwargs):
    """A server whose every service takes just as long."""
    kwargs = {"count": 1, "threads": 1} | kwargs
    return AppServers(name, service_s=service_s, distribution="deterministic", **kwargs)


def store(service_s=0.25, **kwargs):
    return Database(service_s=service_s, distribution="deterministic", **kwargs)


def test_a_lone_request_takes_the_sum_of_its_parts(run):
    cache = Cache(hit_ratio=0.0, service_s=0.125, distribution="deterministic")
    path = clock() >> CDN(hit_ratio=0.0, latency_s=0.0625) >> LoadBalancer(latency_s=0.03125)
    result = run(Design("d", path >> fixed() >> cache >> store(0.5)), duration_s=10)
    np.testing.assert_allclose(result.response_s, 0.0625 + 0.03125 + 0.25 + 0.125 + 0.5)


def test_a_timeout_gives_up_and_the_server_works_on_for_nobody(run):
    design = Design("d", clock(timeout_s=0.25) >> fixed(service_s=0.75))
    result = run(design, duration_s=10.9)
    assert result.outcomes["timeout"] == result.sent == 10
    np.testing.assert_allclose(result.done_s - result.sent_s, 0.25)
    assert result.utilisation["app"] == pytest.approx(0.75 * 10 / 10.9)  # all of it wasted


def test_retries_wait_twice_as_long_each_time_and_are_counted(run):
    clients = clock(timeout_s=0.0625, retries=3, backoff_s=0.125)
    design = Design("d", clients >> fixed(threads=99, service_s=50))
    result = run(design, duration_s=6.9, log=True)
    first = [t - 1 for t, what, _, request, _ in result.log if what == "send" and request == 0]
    # 0; give up after 1/16, wait 1/8; give up, wait 1/4; give up, wait 1/2
    np.testing.assert_allclose(first, [0, 0.1875, 0.5, 1.0625])
    assert result.edge_rps["clients", "app"] * 6.9 == pytest.approx(result.tries.sum())
    assert result.tries[0] == 4


def test_jitter_shortens_the_backoff_by_chance(run):
    def pauses(jitter):
        clients = clock(timeout_s=0.0625, retries=1, backoff_s=0.5, jitter=jitter)
        design = Design("d", clients >> fixed(threads=99, service_s=50))
        result = run(design, duration_s=80, log=True)
        sends = np.array([t for t, what, _, _, attempt in result.log if what == "send" and attempt])
        return np.sort(sends - np.floor(sends) - 0.0625)

    assert np.allclose(pauses(False), 0.5)
    spread = pauses(True) / 0.5
    # 78 draws: the largest gap between their distribution function and the line is below 0.22
    # with probability 0.999 (Kolmogorov).
    ranks = np.arange(len(spread)) / len(spread)
    assert np.abs(np.sort(spread) - ranks).max() < 0.22


def test_a_full_queue_rejects_and_the_request_counts_as_dropped(run):
    design = Design("d", clock() >> fixed(service_s=10, queue_capacity=2))
    result = run(design, duration_s=8.5)
    # One in service, two waiting, the other five of eight are turned away.
    assert (result.dropped, result.in_flight, result.answered) == (5, 3, 0)
    assert result.tallies["app"].rejected == 5


def test_a_kill_resets_what_is_in_progress_and_refuses_what_follows(run):
    design = Design("d", clock() >> fixed(service_s=2, threads=9))
    result = run(design, duration_s=20.5, faults=[kill("app", at_s=10.25, until_s=15.25)])
    # Sent at 9 and 10: reset. At 11 to 15: refused.
    assert result.outcomes["reset"] == 2
    assert result.outcomes["refused"] == 5
    np.testing.assert_allclose(result.done_s[result.outcome == 3], 10.25)


def test_a_partition_swallows_calls_and_answers(run):
    design = Design("d", clock() >> fixed(service_s=0.5))
    faults = [partition("app", at_s=3.25, until_s=5.5)]
    result = run(design, duration_s=9.9, faults=faults)
    # 3: its answer is swallowed; 4 and 5 never get there; nobody has a timeout.
    assert list(np.flatnonzero(result.outcome == -2) + 1) == [3, 4, 5]
    assert result.tallies["app"].lost == 2
    patient = run(design.replace("clients", timeout_s=1.0), duration_s=9.9, faults=faults)
    assert patient.outcomes["timeout"] == 3


def test_slowness_stretches_the_work_that_begins_in_it(run):
    design = Design("d", clock() >> fixed(service_s=0.125, threads=9))
    result = run(design, duration_s=6.9, faults=[slow("app", factor=3, at_s=2.5, until_s=4.5)])
    np.testing.assert_allclose(
        result.response_s, [0.125, 0.125, 0.375, 0.375, 0.125, 0.125], rtol=1e-12
    )


def test_a_blocking_server_holds_its_thread_while_the_database_works(run):
    for blocking, busy in ((True, 0.25 + 0.5), (False, 0.25)):
        design = Design("d", clock() >> fixed(blocking=blocking) >> store(0.5))
        result = run(design, duration_s=40, warm_up_s=0.5)
        assert result.utilisation["app"] == pytest.approx(busy * 39 / 39.5)


def test_threads_run_out_when_the_database_slows_down(run):
    """The cascade: the application does nothing and yet is full."""
    design = Design("d", clock() >> fixed(threads=2, queue_capacity=0) >> store(0.25))
    well = run(design, duration_s=30)
    ill = run(design, duration_s=30, faults=[slow("db", factor=40, at_s=5)])
    assert well.dropped == 0
    assert ill.dropped > 10


@pytest.mark.parametrize(("threshold", "errors"), [(1, 3), (2, 5), (3, 8)])
def test_a_health_check_takes_interval_times_threshold(run, threshold, errors):
    check = HealthCheck(interval_s=5.0, threshold=threshold)
    balancer = LoadBalancer(policy="round robin", health_check=check, latency_s=0.0)
    design = Design("d", clock() >> balancer >> fixed(count=2))
    result = run(design, duration_s=60.5, faults=[kill("app-1", at_s=10.25)])
    # The first look after the death is at 15 s; until the last, every other request fails.
    gone_s = 15 + 5 * (threshold - 1)
    assert result.failed == errors
    assert result.done_s[result.outcome > 0].max() <= gone_s


def test_without_a_health_check_the_dead_are_never_forgotten(run):
    balancer = LoadBalancer(health_check=None, latency_s=0.0)
    design = Design("d", clock() >> balancer >> fixed(count=3))
    result = run(design, duration_s=300.5, faults=[kill("app-1", at_s=0)])
    assert result.failed == 100


def test_a_dead_server_that_refuses_at_once_attracts_the_least_connections(run):
    """It never has a connection open, so it looks idle."""
    clients = Clients(rate_rps=40)
    app = fixed(count=3, service_s=0.09)
    failed = {}
    for policy in ("random", "least connections"):
        balancer = LoadBalancer(policy=policy, health_check=None)
        design = Design("d", clients >> balancer >> app)
        result = run(design, duration_s=60, faults=[kill("app-3", at_s=0)])
        failed[policy] = result.failed / result.sent
    assert failed["random"] == pytest.approx(1 / 3, abs=0.04)
    assert failed["least connections"] > 0.5


def test_sticky_sends_a_user_to_one_server_only(run):
    clients = Clients(rate_rps=100, sessions=7)
    balancer = LoadBalancer(policy="sticky", latency_s=0.0)
    design = Design("d", clients >> balancer >> fixed(count=7, service_s=0.001))
    result = run(design, duration_s=30)
    counts = [result.tallies[f"app-{i}"].arrivals for i in range(1, 8)]
    assert sum(counts) == result.sent
    # Seven users on seven servers, each about a seventh of the requests: 5 sigma.
    assert max(abs(n - result.sent / 7) for n in counts) < 5 * math.sqrt(result.sent / 7)


def test_round_robin_deals_in_turn(run):
    design = Design("d", clock() >> LoadBalancer(policy="round robin") >> fixed(count=3))
    result = run(design, duration_s=30.5)
    assert [result.tallies[f"app-{i}"].arrivals for i in (1, 2, 3)] == [10, 10, 10]


def test_a_cache_answers_its_share_of_the_reads(run):
    clients = Clients(rate_rps=100, write_fraction=0.5)
    for cached in (True, False):
        app = AppServers(count=1, threads=50, service_s=0.001)
        cache, db = Cache(hit_ratio=0.8, connections=50), Database(connections=50)
        paths = [clients >> app >> cache >> db] if cached else [clients >> app >> cache, app >> db]
        result = run(Design("d", *paths), duration_s=60)
        # Half write, and a fifth of the other half misses: 4 sigma of a binomial.
        share = result.tallies["db"].arrivals / result.sent
        assert share == pytest.approx(0.6, abs=4 * math.sqrt(0.24 / result.sent))


def test_a_cache_in_the_path_is_needed_and_one_aside_is_not(run):
    app, cache, db = fixed(), Cache(), Database()
    in_path = Design("in path", clock() >> app >> cache >> db)
    aside = Design("aside", clock() >> app >> cache, app >> db)
    faults = [kill("cache", at_s=0)]
    assert run(in_path, duration_s=20, faults=faults).answered == 0
    rescued = run(aside, duration_s=20.9, faults=faults)
    assert rescued.failed == 0
    assert rescued.tallies["db"].arrivals == rescued.sent


def test_reads_go_to_replicas_and_writes_to_the_primary(run):
    for share, primary in ((0.0, 0), (1.0, 20)):
        design = Design("d", clock(write_fraction=share) >> Database(replicas=2))
        result = run(design, duration_s=20.5)
        assert result.tallies["db-1"].arrivals == primary
        assert result.tallies["db-2"].arrivals + result.tallies["db-3"].arrivals == 20 - primary


def test_reads_outlive_the_replicas_and_the_primary(run):
    reads = Design("d", clock() >> Database(replicas=1))
    for name in ("db-1", "db-2"):
        assert run(reads, duration_s=20.5, faults=[kill(name, at_s=0)]).failed == 0


def test_writes_wait_for_the_failover(run):
    writes = Design("d", clock(write_fraction=1.0) >> store(0.01, replicas=1, failover_s=5.5))
    result = run(writes, duration_s=20.5, faults=[kill("db-1", at_s=4.75)])
    assert list(np.flatnonzero(result.outcome) + 1) == [5, 6, 7, 8, 9, 10]
    never = run(
        writes.replace("db", failover_s=None), duration_s=20.5, faults=[kill("db-1", at_s=4.75)]
    )
    assert never.failed == 16


def jobs(**queue):
    workers = Workers(count=2, service_s=0.5, distribution="deterministic")
    return Design("d", clock(job_fraction=1.0) >> fixed() >> Queue(**queue) >> workers)


def test_a_queue_answers_at_once_and_hides_dead_workers(run):
    result = run(jobs(), duration_s=20.9, faults=[kill("workers", at_s=0, until_s=15.125)])
    np.testing.assert_allclose(result.response_s, 0.25)
    books = result.jobs["queue"]
    assert (books.published, books.failed, books.lost) == (20, 0, 0)
    # 14 jobs have piled up by then; two workers do four a second and have more than 5 s.
    assert books.processed + books.waiting + books.working == 20
    assert books.processed == 20


def test_calling_workers_without_a_queue_waits_for_them(run):
    design = jobs().without("queue")
    np.testing.assert_allclose(run(design, duration_s=20.5).response_s, 0.75)
    dead = run(design, duration_s=20.5, faults=[kill("workers", at_s=0)])
    assert dead.answered == 0


def test_a_full_queue_pushes_back(run):
    result = run(jobs(capacity=3), duration_s=20.5, faults=[kill("workers", at_s=0)])
    assert (result.answered, result.dropped) == (3, 17)


def test_a_job_whose_worker_dies_is_done_again(run):
    # The first job begins at 1.25 s and would end at 1.75 s.
    result = run(jobs(), duration_s=10.9, faults=[kill("workers-1", at_s=1.5, until_s=1.6)])
    books = result.jobs["queue"]
    assert books.redelivered == 1
    assert books.processed == books.published == 10


def test_only_a_durable_queue_keeps_its_jobs(run):
    faults = [kill("workers", at_s=0), kill("queue", at_s=10.5, until_s=11)]
    kept, forgotten = (
        run(jobs(durable=durable), duration_s=15.5, faults=faults).jobs["queue"]
        for durable in (True, False)
    )
    assert (kept.lost, kept.waiting) == (0, 15)
    assert (forgotten.lost, forgotten.waiting) == (10, 5)


def test_a_silent_queue_keeps_its_workers_idle(run):
    result = run(jobs(), duration_s=10.5, faults=[partition("queue", at_s=5.3)])
    assert result.jobs["queue"].processed == 5
    assert result.in_flight == 5  # nobody answers, and nobody has a timeout
