"""What all components share, and what those share that call others or do work.

A component's fields are declared once, as an experiment's parameters are: default, range, unit and
words; the check, its message and the documentation come from that.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, Literal, Self, dataclass_transform

from helpers.foundations.experiment import (
    Declared,
    Parameters,
    anything,
    declarations,
    flag,
    integer,
    number,
    option,
)
from helpers.foundations.traffic.services import SERVICES, service_scv

#: Sizes of machine in the price table, smallest first.
SIZES = ("small", "medium", "large")


@dataclasses.dataclass(frozen=True)
class Path:
    """Components in calling order, made by ``>>``; a design is made of paths."""

    components: tuple[Component, ...]

    def __rshift__(self, other: Component | Path) -> Path:
        if not isinstance(other, Component | Path):
            return NotImplemented
        return Path(self.components + _as_path(other).components)


def _as_path(item: Component | Path) -> Path:
    return item if isinstance(item, Path) else Path((item,))


def positional(declared: Any, *, kw_only: Literal[False] = False) -> Any:
    """Let a declared field be given by position as well."""
    declared.kw_only = kw_only
    return declared


def named(default: str = "", *, kw_only: Literal[False] = False) -> Any:
    """Declare a component's name, the one field that may be given by position."""

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{name} must be a non-empty string, got {value!r}")
        return value

    name = anything("str", default, "Name, unique within a design", check=check)
    return positional(name, kw_only=kw_only)


def optional(declared: Any, *, default: None = None) -> Any:
    """Declare a field that may be None as well, as it is where nobody says otherwise."""
    said: Declared = declared.metadata["declared"]
    check: Callable[[str, Any], Any] = said.check
    said = dataclasses.replace(
        said,
        kind=f"{said.kind}, optional",
        check=lambda name, value: None if value is None else check(name, value),
    )
    return dataclasses.field(default=default, metadata={"declared": said})


@dataclass_transform(
    kw_only_default=True,
    frozen_default=True,
    field_specifiers=(named, optional, number, integer, option, flag, anything),
)
class _Declared(Parameters):
    """Parameters whose names may be given by position; tells type checkers so."""


class Component(_Declared):
    """What all components share: a name, and the ways to check and to connect them."""

    name: str = named()
    availability: float = number(
        default=0.999,
        words="Long-run fraction of the time that one instance works",
        at_least=0,
        at_most=1,
    )
    size: str = option(
        default="medium",
        words="Machine size, for the price table",
        of=SIZES,
        note="It does not change the speed.",
    )

    #: What the kind is called in tables, diagrams and messages.
    kind: ClassVar[str] = "component"
    #: Kinds (class names) this one may call.
    calls: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        try:
            super().__post_init__()
        except (TypeError, ValueError) as error:
            raise type(error)(f"{type(self).__name__} {self.name!r}: {error}") from None

    def __rshift__(self, other: Component | Path) -> Path:
        if not isinstance(other, Component | Path):
            return NotImplemented
        return Path((self, *_as_path(other).components))

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed.

        Raises
        ------
        TypeError
            If the component has no such field.
        ValueError
            If the new value is out of range.

        Examples
        --------
        >>> from helpers.blueprint.components import Database
        >>> Database(replicas=1).replace(replicas=2).replicas
        2
        """
        known = declarations(type(self))
        for name in changes:
            if name not in known:
                raise TypeError(
                    f"{type(self).__name__} {self.name!r} has no field {name!r}; "
                    f"it has {', '.join(known)}"
                )
        return self.but(**changes)

    @property
    def instances(self) -> tuple[str, ...]:
        """Names of the single machines: ``("app-1", "app-2")``, or the name alone if there is one.

        Examples
        --------
        >>> from helpers.blueprint.components import Cache, Database
        >>> Database(replicas=1).instances, Cache().instances
        (('db-1', 'db-2'), ('cache',))
        """
        count = self.machines
        if count == 1:
            return (self.name,)
        return tuple(f"{self.name}-{i}" for i in range(1, count + 1))

    @property
    def machines(self) -> int:
        """Number of instances."""
        count: int = getattr(self, "count", 1)
        return count


class Caller(Component):
    """A component that calls others and waits for their answers."""

    timeout_s: float | None = optional(
        number(
            words="Time after which a call is given up",
            unit="s",
            above=0,
            note="Never when None. The callee is not told: it goes on working for nobody.",
        ),
        default=None,
    )
    retries: int = integer(
        default=0, words="How often a failed call is made again", at_least=0, at_most=10
    )
    backoff_s: float = number(
        default=0.0,
        words="Pause before the first retry",
        unit="s",
        at_least=0,
        note="Each further one waits twice as long.",
    )
    jitter: bool = flag(
        default=False,
        words="Whether each backoff is multiplied by a uniform random number",
        note='Between 0 and 1: "full jitter".',
    )


class Served(Component):
    """A component whose work takes a server's time."""

    service_s: float = number(default=0.01, words="Mean service time", unit="s", above=0)
    distribution: str = option(
        default="exponential", words="Distribution of the service time", of=tuple(SERVICES)
    )
    scv: float = number(
        default=4.0,
        words="Squared coefficient of variation",
        at_least=0,
        note="Of the last three distributions.",
    )
    queue_capacity: int | None = optional(
        integer(
            words="Room to wait",
            at_least=0,
            note="A call that finds it full is rejected. Unlimited when None.",
        ),
        default=None,
    )

    @property
    def servers(self) -> int:
        """How many calls one instance works on at a time."""
        raise NotImplementedError

    def agree(self) -> None:
        """Refuse a variation that the distribution cannot have."""
        super().agree()
        service_scv(self.distribution, self.scv)
