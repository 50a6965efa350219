"""Run a design: traffic and faults in, the fate of every request out.

The rules are in :mod:`~helpers.blueprint.simulation.rules`, the two engines beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from helpers.blueprint.checks import refuse_errors
from helpers.blueprint.design import Design
from helpers.blueprint.faults import Fault
from helpers.blueprint.simulation.books import Record
from helpers.blueprint.simulation.draws import OutOfDrawsError
from helpers.blueprint.simulation.fast_engine import engine as fast_engine
from helpers.blueprint.simulation.result import DesignResult
from helpers.blueprint.simulation.scenario import Scenario
from helpers.blueprint.traffic import Traffic, steady
from helpers.foundations import validation
from helpers.foundations.prose import duration, significant

if TYPE_CHECKING:
    pass

#: The engines by name.
ENGINES = ("fast", "simpy")

_SAMPLES = 200
_MOST_REQUESTS = 1 << 21  # of a closed system; beyond it something is amiss


def simulate_design(
    design: Design,
    *,
    traffic: Traffic | None = None,
    faults: Sequence[Fault] = (),
    duration_s: float = 60.0,
    warm_up_s: float = 0.0,
    engine: str = "fast",
    log: bool = False,
    seed: int = 1,
) -> DesignResult:
    """Run a design under traffic and faults.

    Parameters
    ----------
    design : Design
        A design without errors (warnings are what experiments are made of).
    traffic : Traffic, optional
        How the clients' rate changes over time; steady when None. Not for a closed system.
    faults : sequence of Fault
        Made by ``kill``, ``slow``, ``partition`` and ``recover``.
    duration_s : float
        Seconds of simulated time; > 0.
    warm_up_s : float
        Seconds at the start that means leave out; 0 <= warm_up_s < duration_s.
    engine : {"fast", "simpy"}
        Both give the same result; the simpy engine is there to be read and edited.
    log : bool
        Keep every event.
    seed : int
        Seed of all draws; the same arguments give the same result.

    Returns
    -------
    DesignResult

    Raises
    ------
    TypeError
        If a parameter has the wrong type.
    ValueError
        If a parameter is out of range, the design has errors, or a fault has no such target.

    Examples
    --------
    >>> from helpers.blueprint import AppServers, Clients, Design, LoadBalancer, kill
    >>> design = Design("demo", Clients(rate_rps=50) >> LoadBalancer() >> AppServers(count=2))
    >>> result = simulate_design(design, duration_s=20, faults=[kill("app-1", at_s=10)])
    >>> result.sent == result.answered + result.failed + result.dropped + result.in_flight
    True
    """
    make = _scenario_maker(design, traffic, faults, duration_s, warm_up_s, log, seed)
    validation.one_of("engine", engine, ENGINES)
    if engine == "fast":
        run = fast_engine.run
    else:
        from helpers.blueprint.simulation.simpy_engine import model  # importing simpy takes a while

        run = model.run
    size = stuck_s = None
    while True:
        scenario = make(size)
        try:
            record = run(scenario)
        except OutOfDrawsError as error:
            size = _larger_size(scenario, error.time_s, stuck_s)
            stuck_s = error.time_s
            continue
        return _result(scenario, record, traffic, faults)


def _larger_size(scenario: Scenario, time_s: float, last_time_s: float | None) -> int:
    """Return how many requests to draw for when those of a closed system ran out.

    Raises
    ------
    ValueError
        If more would not help: users without a pause who are refused at once never stop.
    """
    if time_s == last_time_s or scenario.size >= _MOST_REQUESTS:
        clients = scenario.clients
        raise ValueError(
            f"Clients {clients.name!r}: with think_s = {significant(clients.think_s)} the users "
            f"send {scenario.size:,} requests by {duration(time_s)} and do not stop, as they are "
            "refused at once; give them a longer think_s"
        )
    return 2 * scenario.size


def simulate_design_progressively(
    design: Design,
    *,
    traffic: Traffic | None = None,
    faults: Sequence[Fault] = (),
    duration_s: float = 600.0,
    warm_up_s: float = 0.0,
    steps: int = 5,
    seed: int = 1,
) -> Iterator[DesignResult]:
    """Run a design and show what is known so far: one run, each result twice as long as the last.

    Parameters
    ----------
    steps : int
        How many results; the last one is that of :func:`simulate_design`.
    design, traffic, faults, duration_s, warm_up_s, seed
        As for :func:`simulate_design`.

    Yields
    ------
    DesignResult
        Results of ``duration_s / 2**(steps - 1)``, ..., ``duration_s / 2`` and ``duration_s``
        seconds; those that would end within the warm-up are left out.

    Raises
    ------
    TypeError, ValueError
        As for :func:`simulate_design`.
    """
    steps = validation.integer("steps", steps, at_least=1, at_most=20)
    make = _scenario_maker(design, traffic, faults, duration_s, warm_up_s, False, seed)
    scenario = make(None)
    engine = fast_engine.Engine(scenario)
    for step in reversed(range(steps)):
        until_s = duration_s / 2**step
        if until_s <= warm_up_s:
            continue
        stuck_s = None
        while True:
            try:
                engine.run(until_s)
                break
            except OutOfDrawsError as error:
                scenario = make(_larger_size(scenario, error.time_s, stuck_s))
                stuck_s = error.time_s
                engine = fast_engine.Engine(scenario)
        yield _result(scenario, engine.record(until_s), traffic, faults)


def _scenario_maker(design, traffic, faults, duration_s, warm_up_s, log, seed):
    if not isinstance(design, Design):
        raise TypeError(f"design must be a Design, got {design!r}")
    refuse_errors(design)
    duration_s = validation.number("duration_s", duration_s, above=0, unit="s")
    warm_up_s = validation.number("warm_up_s", warm_up_s, at_least=0, below=duration_s, unit="s")
    validation.integer("seed", seed, at_least=0)
    if traffic is not None and not isinstance(traffic, Traffic):
        raise TypeError(f"traffic must be made by steady, spike and so on, got {traffic!r}")
    if traffic is not None and design.clients.users is not None:
        raise ValueError(
            f"traffic must be None for {design.clients.name!r}, whose {design.clients.users} users "
            "send when they have thought, not at a rate"
        )

    def make(size: int | None) -> Scenario:
        return Scenario(
            design,
            traffic=traffic or steady(),
            faults=faults,
            duration_s=duration_s,
            warm_up_s=warm_up_s,
            samples=_SAMPLES,
            log=log,
            seed=seed,
            size=size,
        )

    return make


def _result(
    scenario: Scenario, record: Record, traffic: Traffic | None, faults: Sequence[Fault]
) -> DesignResult:
    sent = np.array(record.sent_s)
    seen = ~np.isnan(sent)  # the others have yet to be sent
    window = record.until_s - scenario.warm_up_s
    names = list(record.tallies)
    samples = np.array(record.samples, dtype=np.int64).reshape(-1, 2 * len(names))
    edges = {route.edge.name: route.edge for route in scenario.routes.values()}
    return DesignResult(
        design=scenario.design,
        traffic=traffic or steady(),
        faults=tuple(faults),
        duration_s=record.until_s,
        warm_up_s=scenario.warm_up_s,
        seed=scenario.seed,
        sent_s=sent[seen],
        done_s=np.array(record.done_s)[seen],
        outcome=np.array(record.outcome, dtype=np.int64)[seen],
        tries=np.array(record.tries, dtype=np.int64)[seen],
        tallies={name: record.tallies[name].minus(record.warm[name]) for name in names},
        whole_tallies=record.tallies,
        present=record.present,
        edge_rps={
            (edge.source, edge.target): (record.calls[name] - record.warm_calls[name]) / window
            for name, edge in edges.items()
        },
        sample_s=np.array(scenario.sample_s[: len(samples)]),
        waiting={name: samples[:, 2 * i] for i, name in enumerate(names)},
        busy={name: samples[:, 2 * i + 1] for i, name in enumerate(names)},
        jobs=record.jobs,
        log=record.log,
    )
