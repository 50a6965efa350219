"""Run a design: traffic and faults in, the fate of every request out.

The rules are in :mod:`~helpers.blueprint.simulation.rules`, the two engines beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from helpers.blueprint.design import Design
from helpers.blueprint.simulation.books import Record
from helpers.blueprint.simulation.draws import OutOfDrawsError
from helpers.blueprint.simulation.fast_engine import engine as fast_engine
from helpers.blueprint.simulation.result import DesignResult
from helpers.blueprint.simulation.scenario import Run, Scenario
from helpers.foundations import validation
from helpers.foundations.prose import duration, significant

_MOST_REQUESTS = 1 << 21  # of a closed system; beyond it something is amiss


def simulate_design(design: Design, **how: Any) -> DesignResult:
    """Run a design under traffic and faults.

    Parameters
    ----------
    design : Design
        A design without errors (warnings are what experiments are made of).
    **how
        The other parameters of :class:`~helpers.blueprint.simulation.scenario.Run`: `traffic`,
        `faults`, `duration_s` (60), `warm_up_s` (0), `engine` ("fast"), `log` (False) and `seed`.

    Raises
    ------
    ValueError
        If the design has errors, or a fault has no such target.

    Examples
    --------
    >>> from helpers.blueprint import AppServers, Clients, Design, LoadBalancer, kill
    >>> design = Design("demo", Clients(rate_rps=50) >> LoadBalancer() >> AppServers(count=2))
    >>> result = simulate_design(design, duration_s=20, faults=[kill("app-1", at_s=10)])
    >>> result.sent == result.answered + result.failed + result.dropped + result.in_flight
    True
    """
    at = Run(design=design, **how)
    run = fast_engine.run
    if at.engine == "simpy":
        from helpers.blueprint.simulation.simpy_engine import model  # importing simpy takes a while

        run = model.run
    scenario = Scenario(at)
    while True:
        try:
            return _result(at, scenario, run(scenario))
        except OutOfDrawsError as error:
            scenario = _larger(at, scenario, error.time_s)


def simulate_design_progressively(
    design: Design, *, steps: int = 5, **how: Any
) -> Iterator[DesignResult]:
    """Run a design and show what is known so far: one run, each result twice as long as the last.

    Parameters
    ----------
    steps : int
        How many results; the last one is that of :func:`simulate_design`.
    design, **how
        As for :func:`simulate_design`, with the fast engine.

    Yields
    ------
    DesignResult
        Results of ``duration_s / 2**(steps - 1)``, ..., ``duration_s / 2`` and ``duration_s``
        seconds; those that would end within the warm-up are left out.
    """
    steps = validation.integer("steps", steps, at_least=1, at_most=20)
    at = Run(design=design, **how)
    scenario = Scenario(at)
    engine = fast_engine.Engine(scenario)
    for step in reversed(range(steps)):
        until_s = at.duration_s / 2**step
        while until_s > at.warm_up_s:
            try:
                engine.run(until_s)
                yield _result(at.but(duration_s=until_s), scenario, engine.record(until_s))
                break
            except OutOfDrawsError as error:
                scenario = _larger(at, scenario, error.time_s)
                engine = fast_engine.Engine(scenario)


def _larger(at: Run, scenario: Scenario, time_s: float) -> Scenario:
    """Return the same with more draws, where those of a closed system ran out.

    Raises
    ------
    ValueError
        If more would not help: users without a pause who are refused at once never stop.
    """
    if time_s == scenario.ran_out_s or scenario.size >= _MOST_REQUESTS:
        clients = scenario.clients
        raise ValueError(
            f"Clients {clients.name!r}: with think_s = {significant(clients.think_s)} the users "
            f"send {scenario.size:,} requests by {duration(time_s)} and do not stop, as they are "
            "refused at once; give them a longer think_s"
        )
    return Scenario(at, 2 * scenario.size, ran_out_s=time_s)


def _result(at: Run, scenario: Scenario, record: Record) -> DesignResult:
    sent = np.array(record.sent_s)
    seen = ~np.isnan(sent)  # the others have yet to be sent
    window_s = at.duration_s - at.warm_up_s
    names = list(record.tallies)
    samples = np.array(record.samples, dtype=np.int64).reshape(-1, 2 * len(names))
    edges = {route.edge.name: route.edge for route in scenario.routes.values()}
    return DesignResult(
        at=at,
        sent_s=sent[seen],
        done_s=np.array(record.done_s)[seen],
        outcome=np.array(record.outcome, dtype=np.int64)[seen],
        tries=np.array(record.tries, dtype=np.int64)[seen],
        tallies={name: record.tallies[name].minus(record.warm[name]) for name in names},
        whole_tallies=record.tallies,
        present=record.present,
        edge_rps={
            (edge.source, edge.target): (record.calls[name] - record.warm_calls[name]) / window_s
            for name, edge in edges.items()
        },
        sample_s=np.array(scenario.sample_s[: len(samples)]),
        waiting={name: samples[:, 2 * i] for i, name in enumerate(names)},
        busy={name: samples[:, 2 * i + 1] for i, name in enumerate(names)},
        jobs=record.jobs,
        log=record.log,
    )
