"""Random designs, traffic and faults, and the books that every run has to keep."""

from __future__ import annotations

import dataclasses
import math

from hypothesis import strategies as st

from helpers.blueprint import (
    CDN,
    POLICIES,
    AppServers,
    Cache,
    Clients,
    Database,
    Design,
    DesignResult,
    Fault,
    HealthCheck,
    LoadBalancer,
    Queue,
    Traffic,
    Workers,
    flash_crowd,
    spike,
    steady,
)
from helpers.blueprint.graph import machines

DURATION_S = 8.0

# Round numbers on purpose: with deterministic service they make events coincide.
_times = st.sampled_from([0.0, 0.125, 0.25, 0.5, 1.0])
_thinks = st.sampled_from([0.125, 0.5, 1.0])
_services = st.sampled_from([0.015625, 0.03125, 0.0625, 0.125])
_rooms = st.sampled_from([None, 0, 1, 5])
_laws = st.sampled_from(["exponential", "deterministic", "lognormal"])


@st.composite
def callers(draw, clockwork=False):
    return {
        "timeout_s": draw(st.sampled_from([None, 0.125, 0.25, 0.5])),
        "retries": draw(st.integers(0, 2)),
        "backoff_s": draw(_times),
        "jitter": False if clockwork else draw(st.booleans()),
    }


@st.composite
def designs(draw, clockwork=False):
    """Any valid design: with or without a CDN, balancer, cache, queue, and so on.

    With `clockwork` no time is left to chance, so that moments coincide all the while.
    """
    closed = False if clockwork else draw(st.booleans())
    laws = st.just("deterministic") if clockwork else _laws
    arrivals = ["constant"] if clockwork else ["poisson", "constant", "bursty"]
    crowd = {"users": draw(st.integers(1, 12)), "think_s": draw(_thinks)} if closed else {}
    if not closed:
        crowd["rate_rps"] = draw(st.sampled_from([4.0, 16.0, 32.0]))
        crowd["arrivals"] = draw(st.sampled_from(arrivals))
    clients = Clients(
        **crowd,
        write_fraction=draw(st.sampled_from([0.0, 0.3, 1.0])),
        job_fraction=draw(st.sampled_from([0.0, 0.4, 1.0])),
        **draw(callers(clockwork)),
    )
    balanced = draw(st.booleans())
    app = AppServers(
        count=draw(st.integers(1, 4)) if balanced else 1,
        threads=draw(st.integers(1, 3)),
        service_s=draw(_services),
        distribution=draw(laws),
        queue_capacity=draw(_rooms),
        blocking=draw(st.booleans()),
        **draw(callers(clockwork)),
    )
    front = clients
    if draw(st.booleans()):
        front = front >> CDN(hit_ratio=0.5, latency_s=draw(_times))
    if balanced:
        check = HealthCheck(draw(st.sampled_from([0.25, 1.0])), draw(st.integers(1, 3)))
        front = front >> LoadBalancer(
            policy=draw(st.sampled_from(sorted(POLICIES))),
            health_check=draw(st.sampled_from([None, check])),
            latency_s=draw(st.sampled_from([0.0, 0.0625])),
            count=draw(st.integers(1, 2)),
            **draw(callers(clockwork)),
        )
    db = Database(
        replicas=draw(st.integers(0, 2)),
        connections=draw(st.integers(1, 3)),
        service_s=draw(_services),
        distribution=draw(laws),
        queue_capacity=draw(_rooms),
        failover_s=draw(st.sampled_from([None, 0.0, 0.5])),
    )
    cache = Cache(
        hit_ratio=0.5,
        connections=draw(st.integers(1, 3)),
        service_s=draw(_services),
        distribution=draw(laws),
        queue_capacity=draw(_rooms),
    )
    paths = [front >> app]
    wired = draw(st.sampled_from(["none", "database", "in the path", "aside"]))
    if wired == "database":
        paths.append(app >> db)
    elif wired == "in the path":
        paths.append(app >> cache >> db)
    elif wired == "aside":
        paths += [app >> cache, app >> db]
    jobs = draw(st.sampled_from(["none", "queue", "at once"]))
    if jobs != "none":
        workers = Workers(
            count=draw(st.integers(1, 3)),
            service_s=draw(_services),
            distribution=draw(laws),
            queue_capacity=None if jobs == "queue" else draw(_rooms),
            **draw(callers(clockwork)),
        )
        queue = Queue(capacity=draw(st.sampled_from([None, 1, 4])), durable=draw(st.booleans()))
        paths.append(app >> queue >> workers if jobs == "queue" else app >> workers)
        if wired != "none" and draw(st.booleans()):
            shared = wired == "in the path" and draw(st.booleans())
            paths.append(workers >> (cache if shared else db))
    return Design("random", *paths)


@st.composite
def fault_traces(draw, design: Design):
    """Up to five faults of any kind on any part that can suffer them."""
    targets = [i for c in design if not isinstance(c, Clients) for i in (c.name, *c.instances)]
    faults = []
    for _ in range(draw(st.integers(0, 5))):
        target = draw(st.sampled_from(sorted(set(targets))))
        component, _ = design.instance(target)
        actions = ["kill", "recover"]
        if not isinstance(component, Workers):
            actions.append("partition")
        if not isinstance(component, Queue):
            actions.append("slow")
        at_s = draw(st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.3, 5.0]))
        length = draw(st.sampled_from([None, 0.25, 1.0, 2.0]))
        until_s = None if length is None else at_s + length
        faults.append(Fault(target, draw(st.sampled_from(actions)), at_s, until_s, 4.0))
    return faults


traffics = st.sampled_from(
    [
        steady(),
        spike(at_s=2, length_s=1, factor=5),
        Traffic("days", tuple(range(0, 42, 2)), (*(0, 2) * 10, 0)),
        flash_crowd(at_s=2, rise_s=1, fade_s=1, factor=4),
        Traffic("silence", (0, 3, 3), (1, 1, 0)),
    ]
)


@st.composite
def runs(draw, clockwork=False):
    """Everything :func:`~helpers.blueprint.simulate_design` needs."""
    design = draw(designs(clockwork))
    # Where a rate comes down to zero, the time of the next request is known to fewer digits.
    traffic = st.sampled_from([steady(), spike(at_s=2, length_s=1, factor=5)])
    traffic = traffic if clockwork else traffics
    return {
        "design": design,
        "faults": draw(fault_traces(design)),
        "traffic": draw(traffic) if design.clients.users is None else None,
        "duration_s": DURATION_S,
        "warm_up_s": draw(st.sampled_from([0.0, 2.0])),
        "seed": draw(st.integers(0, 50)),
    }


def in_other_units(run: dict, unit: float) -> dict:
    """The same run with every time so many times as long."""

    def scaled(component):
        if isinstance(component, HealthCheck):
            return HealthCheck(component.interval_s * unit, component.threshold)
        changes = {}
        for each in dataclasses.fields(component):
            value = getattr(component, each.name)
            if isinstance(value, HealthCheck):
                changes[each.name] = scaled(value)
            elif value is not None and each.name.endswith("_s"):
                changes[each.name] = value * unit
            elif value is not None and each.name.endswith("_rps"):
                changes[each.name] = value / unit
        return component.replace(**changes)

    design = run["design"]
    for component in design:
        new = scaled(component)
        changes = {
            each.name: getattr(new, each.name)
            for each in dataclasses.fields(new)
            if getattr(new, each.name) != getattr(component, each.name)
        }
        design = design.replace(component.name, **changes)
    faults = [
        dataclasses.replace(
            fault,
            at_s=fault.at_s * unit,
            until_s=None if fault.until_s is None else fault.until_s * unit,
        )
        for fault in run["faults"]
    ]
    traffic = run["traffic"]
    if traffic is not None:
        times_s = tuple(time * unit for time in traffic.times_s)
        traffic = dataclasses.replace(traffic, times_s=times_s)
    return run | {
        "design": design,
        "faults": faults,
        "traffic": traffic,
        "duration_s": run["duration_s"] * unit,
        "warm_up_s": run["warm_up_s"] * unit,
    }


def check_books(result: DesignResult) -> None:
    """Fail if a request, a call, a job or a second is missing or counted twice."""
    decided = result.answered + result.failed + result.dropped
    assert result.sent == decided + result.in_flight
    assert sum(result.outcomes.values()) == result.sent
    for (known, done), tries in zip(
        zip(result.outcome != -2, result.done_s, strict=True), result.tries, strict=True
    ):
        assert known == (not math.isnan(done))
        assert 1 <= tries <= result.design.clients.retries + 1
    entry = result.design.callees(result.design.clients.name)[0].name
    calls = result.edge_rps[result.design.clients.name, entry] * result.window_s
    if result.at.warm_up_s == 0:
        assert round(calls) == result.tries.sum()
    for name, component in machines(result.design).items():
        tally = result.whole_tallies[name]
        away = tally.lost + tally.refused + tally.rejected + tally.finished + tally.reset
        left = tally.arrivals - away
        if isinstance(component, CDN | LoadBalancer):
            assert left >= 0  # on their way
        else:
            assert left == result.present[name], (name, tally)
        assert tally.busy_s >= 0
        assert tally.wait_s >= 0
    for name, jobs in result.jobs.items():
        settled = jobs.processed + jobs.failed + jobs.lost
        assert jobs.published == settled + jobs.waiting + jobs.working, (name, jobs)
    for name, share in result.utilisation.items():
        assert -1e-9 <= share <= 1 + 1e-9, (name, share)
