"""A check that cannot fail is worthless: planted faults, each of which a named check must catch."""

from __future__ import annotations

import pytest

from helpers.blueprint import simulate_design
from helpers.blueprint.policies import POLICIES
from helpers.blueprint.simulation.fast_engine import calls, front, jobs, servers
from helpers.blueprint.simulation.rules import OK, REJECTED
from helpers.blueprint.simulation.scenario import Scenario
from tests.blueprint import test_behaviour, test_theory
from tests.blueprint.designs import check_books
from tests.blueprint.test_books import ANATOMY
from tests.checks import sampled


def fast(design, **kwargs):
    return simulate_design(design, engine="fast", **kwargs)


def books():
    """The books of one eventful run."""
    check_books(simulate_design(**ANATOMY))


def engines():
    """Both engines on one eventful run."""
    quick = simulate_design(**ANATOMY, log=True)
    careful = simulate_design(**ANATOMY, log=True, engine="simpy")
    assert sorted(quick.log) == sorted(careful.log)
    assert quick.tallies == careful.tallies


def behaviour(name, *args):
    def check():
        getattr(test_behaviour, f"test_{name}")(fast, *args)

    return check


def mmc():
    test_theory.test_one_machine_is_an_mmc_queue(4, 0.8)


def mm1k():
    test_theory.test_a_finite_queue_loses_what_mm1k_says()


def jackson():
    test_theory.test_a_jackson_network_has_the_response_and_utilisation_of_theory()


# --- the faults ---------------------------------------------------------------------------------


def ignores_health(patch):
    patch.setattr(front.Balancer, "check", lambda self, _, now: None)


def notices_too_early(patch):
    check = front.Balancer.check

    def hasty(self, _, now):
        self.failed = [max(n, self.component.health_check.threshold - 1) for n in self.failed]
        check(self, _, now)

    patch.setattr(front.Balancer, "check", hasty)


def forgets_to_count_a_retry(patch):
    again = front.Clients.again

    def quiet(self, call, now):
        again(self, call, now)
        self.tries[call.request] -= 1

    patch.setattr(front.Clients, "again", quiet)


def retries_once_too_often(patch):
    init = calls.Caller.__init__

    def generous(self, owner, component):
        init(self, owner, component)
        self.retries += 1

    patch.setattr(calls.Caller, "__init__", generous)


def does_not_back_off(patch):
    patch.setattr(calls, "backoff_s", lambda caller, k, jitter: caller.backoff_s)


def drops_silently(patch):
    enter = servers.Machine.enter

    def silent(self, call, now):
        full = not self.free and self.capacity is not None and len(self.waiting) >= self.capacity
        if self.up and self.reachable and full:
            self.tally.arrivals += 1
            return
        enter(self, call, now)

    patch.setattr(servers.Machine, "enter", silent)


def counts_a_drop_but_does_not_answer(patch):
    answer = servers.Machine.answer

    def mute(self, call, cause, now):
        if cause != REJECTED:
            answer(self, call, cause, now)

    patch.setattr(servers.Machine, "answer", mute)


def has_room_for_one_more(patch):
    init = servers.Machine.__init__

    def roomy(self, owner, component, name):
        init(self, owner, component, name)
        if self.capacity is not None:
            self.capacity += 1

    patch.setattr(servers.Machine, "__init__", roomy)


def serves_the_last_first(patch):
    release = servers.Machine.release

    def lifo(self, call, now):
        if self.waiting:
            self.waiting.appendleft(self.waiting.pop())
        release(self, call, now)

    patch.setattr(servers.Machine, "release", lifo)


def idles_while_work_waits(patch):
    def lazy(self, call, now):
        del self.active[call]
        self.tally.busy_s += now - call.start
        self.free += 1  # who waits is only served when the next call comes

    def enter(self, call, now):
        if self.waiting and self.free:
            first = self.waiting.popleft()
            self.free -= 1
            self.tally.wait_s += now - first.entered
            self.begin(first, now)
        original(self, call, now)

    original = servers.Machine.enter
    patch.setattr(servers.Machine, "release", lazy)
    patch.setattr(servers.Machine, "enter", enter)


def believes_late_answers(patch):
    def replied(self, call, cause, now):
        call.settled = True
        (self.settle if cause > OK else self.proceed)(call, cause, now)

    patch.setattr(front.Clients, "replied", replied)


def tells_the_callee_to_stop(patch):
    expire = calls.Caller.expire

    def merciful(self, call, now):
        call.over = True
        machine = next(iter(self.engine.boxes.values()))
        if call in machine.active:
            machine.release(call, now)
        expire(self, call, now)

    patch.setattr(calls.Caller, "expire", merciful)


def forgets_open_connections(patch):
    patch.setattr(front.Balancer, "close", lambda self, call: None)


def gives_the_thread_back_while_it_waits(patch):
    init = servers.AppServer.__init__

    def generous(self, owner, component, name):
        init(self, owner, component, name)
        self.blocking = False

    patch.setattr(servers.AppServer, "__init__", generous)


def loses_the_jobs_of_the_dead(patch):
    patch.setattr(jobs.Queue, "redeliver", lambda self, job, now: None)


def does_the_jobs_of_the_dead_twice(patch):
    redeliver = jobs.Queue.redeliver

    def twice(self, job, now):
        redeliver(self, job, now)
        redeliver(self, job, now)

    patch.setattr(jobs.Queue, "redeliver", twice)


def reads_from_the_primary(patch):
    def enter(self, call, now):
        self.primary.enter(call, now)

    patch.setattr(servers.Database, "enter", enter)


def promotes_at_once(patch):
    died = servers.Database.died

    def hasty(self, node, now):
        died(self, node, now)
        self.primary = self.machines[-1]

    patch.setattr(servers.Database, "died", hasty)


def survives_a_kill(patch):
    patch.setattr(servers.AppServer, "victims", lambda self: [])


def answers_through_a_partition(patch):
    def leave(self, call, cause, now):
        self.tally.finished += 1
        call.over = True
        call.caller.replied(call, cause, now)

    patch.setattr(servers.Machine, "leave", leave)


def picks_the_first_always(patch):
    patch.setitem(POLICIES, "round robin", lambda view, u, v, user: view.rotation[0])


def draws_service_twice_as_long(patch):
    work = Scenario._work

    def slow_(self, what, target):
        columns = work(self, what, target)
        draw = columns._draw
        columns._draw = lambda attempt: [2 * x for x in draw(attempt)]
        return columns

    patch.setattr(Scenario, "_work", slow_)


def arrives_like_clockwork(patch):
    patch.setattr(Scenario, "_open_arrivals", _clockwork)


def _clockwork(self, traffic):
    rate = self.clients.rate_rps
    count = int(rate * self.duration_s)
    return [(i + 1) / rate for i in range(count)], count


def caches_writes(patch):
    below = Scenario._below
    patch.setattr(
        Scenario,
        "_below",
        lambda self, stream, fraction: below(
            self, stream, 0.0 if stream == "kind of request" else fraction
        ),
    )


def lets_the_cache_fail_the_request(patch):
    proceed = servers.Steps.proceed

    def strict(self, call, cause, now):
        if cause > OK:
            self.finish(call.parent, cause, now)
        else:
            proceed(self, call, cause, now)

    patch.setattr(servers.Steps, "proceed", strict)


CASES = [
    (ignores_health, behaviour("a_health_check_takes_interval_times_threshold", 1, 3)),
    (notices_too_early, behaviour("a_health_check_takes_interval_times_threshold", 2, 5)),
    (forgets_to_count_a_retry, books),
    (retries_once_too_often, behaviour("retries_wait_twice_as_long_each_time_and_are_counted")),
    (does_not_back_off, behaviour("retries_wait_twice_as_long_each_time_and_are_counted")),
    (drops_silently, behaviour("a_full_queue_rejects_and_the_request_counts_as_dropped")),
    (counts_a_drop_but_does_not_answer, mm1k),
    (has_room_for_one_more, mm1k),
    (serves_the_last_first, engines),
    (idles_while_work_waits, mmc),
    (believes_late_answers, behaviour("a_timeout_gives_up_and_the_server_works_on_for_nobody")),
    (tells_the_callee_to_stop, behaviour("a_timeout_gives_up_and_the_server_works_on_for_nobody")),
    (
        forgets_open_connections,
        behaviour("a_dead_server_that_refuses_at_once_attracts_the_least_connections"),
    ),
    (
        gives_the_thread_back_while_it_waits,
        behaviour("a_blocking_server_holds_its_thread_while_the_database_works"),
    ),
    (loses_the_jobs_of_the_dead, books),
    (does_the_jobs_of_the_dead_twice, books),
    (reads_from_the_primary, behaviour("reads_go_to_replicas_and_writes_to_the_primary")),
    (promotes_at_once, behaviour("writes_wait_for_the_failover")),
    (survives_a_kill, behaviour("a_kill_resets_what_is_in_progress_and_refuses_what_follows")),
    (answers_through_a_partition, behaviour("a_partition_swallows_calls_and_answers")),
    (picks_the_first_always, behaviour("round_robin_deals_in_turn")),
    (draws_service_twice_as_long, mmc),
    (arrives_like_clockwork, mmc),
    (caches_writes, jackson),
    (
        lets_the_cache_fail_the_request,
        behaviour("a_cache_in_the_path_is_needed_and_one_aside_is_not"),
    ),
]


@pytest.mark.parametrize(
    ("fault", "check"), sampled(CASES, 4), ids=lambda f: getattr(f, "__name__", "")
)
def test_a_planted_fault_is_caught(fault, check, monkeypatch):
    fault(monkeypatch)
    with pytest.raises((AssertionError, KeyError)):
        check()


@pytest.mark.parametrize("check", [books, engines, mmc, mm1k, jackson])
def test_the_checks_pass_without_a_fault(check):
    check()


def test_the_eventful_run_is_eventful():
    result = simulate_design(**ANATOMY)
    assert result.failed + result.dropped > 0
    assert result.tries.max() > 1
    assert result.jobs["queue"].redelivered > 0
