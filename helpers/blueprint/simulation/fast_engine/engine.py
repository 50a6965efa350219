"""One run of a scenario on a heap of moments.

A moment is ``(instant, rank, request, edge, attempt, time, act, what)``: the first five give its
place in the order of rule 8, ``act(what, time)`` makes it happen. Between two moments everything is
plain method calls. The engine can stop at any time and go on later, which is how a long run shows
finer and finer results.
"""

from __future__ import annotations

from heapq import heappop
from typing import Any

from helpers.blueprint.faults import Strike
from helpers.blueprint.graph import machines
from helpers.blueprint.simulation.books import Entry, Record, Tally
from helpers.blueprint.simulation.fast_engine.calls import Act, Link, Moment, schedule
from helpers.blueprint.simulation.fast_engine.front import Clients
from helpers.blueprint.simulation.fast_engine.jobs import Queue
from helpers.blueprint.simulation.fast_engine.parts import PARTS
from helpers.blueprint.simulation.rules import FAULT, SAMPLE
from helpers.blueprint.simulation.scenario import Scenario


class Engine:
    """One run of a scenario; ``run`` may be called again with a later time."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.heap: list[Moment] = []
        self.log: list[Entry] | None = [] if scenario.log else None
        self.write, self.job, self.user = scenario.write, scenario.job, scenario.user
        self.links = {name: Link(route) for name, route in scenario.routes.items()}
        self.nodes: dict[str, Any] = {}
        self.boxes: dict[str, Any] = {}  # by the names of graph.machines
        design = scenario.design
        for component in design:
            self.nodes[component.name] = PARTS[type(component)](self, component)
        for link_name, link in self.links.items():
            link.target = self.nodes[link_name.split(">")[1]].door
        for component in design:
            links = [self.links[edge.name] for edge in design.steps(component.name)]
            self.nodes[component.name].wire(links)
        self.boxes = {name: self.boxes[name] for name in machines(design)}
        self.lines = [line for box in self.boxes.values() for line in (box.waiting, box.active)]
        self.warm: dict[str, Tally] = {name: Tally() for name in self.boxes}
        self.warm_calls = dict.fromkeys(self.links, 0)
        self.samples: list[tuple[int, ...]] = []
        if scenario.warm_up_s > 0:
            self._at(scenario.warm_up_s, SAMPLE, -1, self._warmed_up, None)
        if scenario.sample_s:
            self._at(scenario.sample_s[0], SAMPLE, 0, self._sample, 0)
        for position, entry in enumerate(scenario.schedule):
            self._at(entry[0], FAULT, position, self._strike, entry)
        self.clients: Clients = self.nodes[scenario.clients.name]
        self.clients.begin()

    def run(self, until_s: float) -> None:
        """Let everything happen that happens before `until_s`."""
        heap, pop = self.heap, heappop
        self._at(until_s, -1, 0, None, None)  # before all else of that instant
        while True:
            _, _, _, _, _, now, act, what = pop(heap)
            if act is None:
                return
            act(what, now)

    def record(self, until_s: float) -> Record:
        """Return what has happened so far."""
        clients = self.clients
        return Record(
            sent_s=list(clients.sent_s),
            done_s=list(clients.done_s),
            outcome=list(clients.outcome),
            tries=list(clients.tries),
            tallies={name: box.snapshot(until_s) for name, box in self.boxes.items()},
            present={name: box.present() for name, box in self.boxes.items()},
            warm=self.warm,
            calls={name: link.calls for name, link in self.links.items()},
            warm_calls=self.warm_calls,
            samples=list(self.samples),
            jobs={n: node.count() for n, node in self.nodes.items() if isinstance(node, Queue)},
            log=None if self.log is None else list(self.log),
        )

    def _warmed_up(self, _: None, now: float) -> None:
        self.warm = {name: box.snapshot(now) for name, box in self.boxes.items()}
        self.warm_calls = {name: link.calls for name, link in self.links.items()}

    def _sample(self, i: int, now: float) -> None:
        self.samples.append(tuple(map(len, self.lines)))
        times = self.scenario.sample_s
        if i + 1 < len(times):
            self._at(times[i + 1], SAMPLE, i + 1, self._sample, i + 1)

    def _at(self, time_s: float, rank: int, number: int, act: Act | None, what: Any) -> None:
        schedule(self.heap, time_s, rank, number, 0, 0, act, what)

    def _strike(self, entry: Strike, now: float) -> None:
        _, action, component, instance, factor = entry
        if self.log is not None:
            self.log.append((now, action, instance, -1, 0))
        node = self.nodes[component].instance(instance)
        if action == "kill":
            node.kill(now)
        elif action == "slow":
            node.pace = factor
        elif action == "partition":
            node.cut_off()
        else:
            node.recover(now)


def run(scenario: Scenario) -> Record:
    """Run a scenario to its end.

    Raises
    ------
    OutOfDrawsError
        If a closed system needs more requests than were drawn.
    """
    engine = Engine(scenario)
    engine.run(scenario.duration_s)
    return engine.record(scenario.duration_s)
