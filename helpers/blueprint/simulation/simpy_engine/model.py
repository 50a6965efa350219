"""A scenario as a simpy model, and its run."""

from __future__ import annotations

from typing import Any

import simpy

from helpers.blueprint.graph import machines
from helpers.blueprint.simulation.books import Entry, Record, Tally
from helpers.blueprint.simulation.rules import FAULT, SAMPLE, instant
from helpers.blueprint.simulation.scenario import Scenario
from helpers.blueprint.simulation.simpy_engine.calls import Moment
from helpers.blueprint.simulation.simpy_engine.front import Clients
from helpers.blueprint.simulation.simpy_engine.jobs import Queue
from helpers.blueprint.simulation.simpy_engine.parts import PARTS


class Model:
    """A scenario as a simpy model."""

    def __init__(self, scenario: Scenario) -> None:
        self.env = simpy.Environment()
        self.now_s = 0.0
        self.scenario = scenario
        self.log: list[Entry] | None = [] if scenario.log else None
        self.calls = dict.fromkeys(scenario.routes, 0)
        self.nodes: dict[str, Any] = {}
        self.machines: dict[str, Any] = {}  # those that keep a tally
        for component in scenario.design:
            self.nodes[component.name] = PARTS[type(component)](self, component)
        self.machines = {name: self.machines[name] for name in machines(scenario.design)}
        for node in self.nodes.values():
            node.begin()
        self.warm = {name: Tally() for name in self.machines}
        self.warm_calls = dict(self.calls)
        self.samples: list[tuple[int, ...]] = []
        if scenario.warm_up_s > 0:
            self.at(scenario.warm_up_s, SAMPLE, -1, self.warmed_up)
        for i, time_s in enumerate(scenario.sample_s):
            self.at(time_s, SAMPLE, i, self.sample)
        for i, fault in enumerate(scenario.schedule):
            self.at(fault[0], FAULT, i, lambda _, fault=fault: self.strike(*fault))

    def at(self, time_s: float, rank: int, number: int, act: Any) -> None:
        """Let `act` happen at a time; to be called before the run."""
        Moment(self, time_s, rank, number).then(act)

    def note(self, what: str, where: str, request: int = -1, attempt: int = 0) -> None:
        if self.log is not None:
            self.log.append((self.now_s, what, where, request, attempt))

    def strike(self, _: float, action: str, component: str, instance: str, factor: float) -> None:
        """Let a fault happen."""
        self.note(action, instance)
        victim = self.nodes[component].instance(instance)
        if action == "kill":
            victim.kill()
        elif action == "slow":
            victim.pace = factor
        elif action == "partition":
            victim.reachable = False
        else:
            victim.recover()

    def sample(self, _: simpy.Event) -> None:
        lengths = [machine.lengths() for machine in self.machines.values()]
        self.samples.append(tuple(n for pair in lengths for n in pair))

    def warmed_up(self, _: simpy.Event) -> None:
        self.warm = {name: machine.snapshot() for name, machine in self.machines.items()}
        self.warm_calls = dict(self.calls)


def run(scenario: Scenario) -> Record:
    """Run a scenario to its end.

    Raises
    ------
    OutOfDrawsError
        If a closed system needs more requests than were drawn.
    """
    model = Model(scenario)
    model.env.run(until=instant(scenario.duration_s))
    model.now_s = scenario.duration_s
    clients: Clients = model.nodes[scenario.clients.name]
    return Record(
        sent_s=clients.sent_s,
        done_s=clients.done_s,
        outcome=clients.outcome,
        tries=clients.tries,
        tallies={name: machine.snapshot() for name, machine in model.machines.items()},
        present={name: machine.present() for name, machine in model.machines.items()},
        warm=model.warm,
        calls=model.calls,
        warm_calls=model.warm_calls,
        samples=model.samples,
        jobs={n: node.count() for n, node in model.nodes.items() if isinstance(node, Queue)},
        log=model.log,
    )
