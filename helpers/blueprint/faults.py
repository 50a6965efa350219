"""What happens to a system: deaths, slowness, partitions.

>>> kill("app-2", at_s=20, until_s=40)
Fault(target='app-2', action='kill', at_s=20.0, until_s=40.0, factor=1.0)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from helpers.blueprint.components import CDN, Clients, LoadBalancer, Served, Workers
from helpers.blueprint.design import Design
from helpers.foundations import validation

#: What a fault can do to an instance.
ACTIONS = ("kill", "slow", "partition", "recover")


@dataclass(frozen=True)
class Fault:
    """Something that happens to an instance, or to all instances of a component.

    Make one with :func:`kill`, :func:`slow`, :func:`partition` or :func:`recover`.

    Parameters
    ----------
    target : str
        Name of a component (all its instances) or of one instance such as ``"app-2"``.
    action : {"kill", "slow", "partition", "recover"}
        What happens.
    at_s : float
        When, in seconds from the start; >= 0.
    until_s : float, optional
        When it is over and the target recovers; > `at_s`. Never when None.
    factor : float
        How many times longer work takes that begins while the target is slow; > 0.
    """

    target: str
    action: str
    at_s: float
    until_s: float | None = None
    factor: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.target, str):
            raise TypeError(f"target must be the name of a component, got {self.target!r}")
        validation.one_of("action", self.action, ACTIONS)
        object.__setattr__(self, "at_s", validation.number("at_s", self.at_s, at_least=0, unit="s"))
        if self.until_s is not None:
            until = validation.number("until_s", self.until_s, above=self.at_s, unit="s")
            object.__setattr__(self, "until_s", until)
        validation.number("factor", self.factor, above=0)


def kill(target: str, *, at_s: float, until_s: float | None = None) -> Fault:
    """Return a death: what the target was doing fails, and new calls are refused at once."""
    return Fault(target, "kill", at_s, until_s)


def slow(target: str, *, factor: float, at_s: float, until_s: float | None = None) -> Fault:
    """Return a slowdown: work that begins meanwhile takes `factor` times as long."""
    return Fault(target, "slow", at_s, until_s, validation.number("factor", factor, above=0))


def partition(target: str, *, at_s: float, until_s: float | None = None) -> Fault:
    """Return a network partition: calls to the target and answers from it vanish without a word."""
    return Fault(target, "partition", at_s, until_s)


def recover(target: str, *, at_s: float) -> Fault:
    """Return the end of all that ails a component."""
    return Fault(target, "recover", at_s)


#: What happens to one instance: time, action, component, instance, factor.
Strike = tuple[float, str, str, str, float]


def fault_schedule(design: Design, faults: Sequence[Fault]) -> list[Strike]:
    """Return (time, action, component, instance, factor) for each instance, in order of time.

    Raises
    ------
    TypeError
        If something that is not a Fault is given.
    ValueError
        If a target does not exist, or cannot suffer what is asked.
    """
    schedule = []
    for fault in faults:
        if not isinstance(fault, Fault):
            raise TypeError(
                f"faults must be made by kill, slow, partition or recover, got {fault!r}"
            )
        component, instances = design.instance(fault.target)
        if isinstance(component, Clients):
            raise ValueError(f"a fault cannot strike the clients, got target {fault.target!r}")
        if fault.action == "slow" and not isinstance(component, Served | CDN | LoadBalancer):
            raise ValueError(
                f"{fault.target!r} is a {component.kind}: it does no work to slow down"
            )
        if fault.action == "partition" and isinstance(component, Workers):
            raise ValueError(
                f"{fault.target!r} are workers: they fetch their jobs, so kill them, or cut off "
                "their queue"
            )
        for instance in instances:
            schedule.append((fault.at_s, fault.action, component.name, instance, fault.factor))
            if fault.until_s is not None:
                schedule.append((fault.until_s, "recover", component.name, instance, 1.0))
    return sorted(schedule, key=lambda entry: entry[0])
