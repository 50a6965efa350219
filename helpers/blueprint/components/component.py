"""What all components share, and what those share that call others or do work."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar

from helpers.foundations import validation
from helpers.foundations.traffic.services import SERVICES, service_scv

#: Sizes of machine in the price table, smallest first.
SIZES = ("small", "medium", "large")


@dataclass(frozen=True)
class Path:
    """Components in calling order, made by ``>>``; a design is made of paths."""

    components: tuple[Component, ...]

    def __rshift__(self, other: Component | Path) -> Path:
        if not isinstance(other, Component | Path):
            return NotImplemented
        return Path(self.components + _as_path(other).components)


@dataclass(frozen=True)
class Component:
    """What all components share: a name, and the ways to check and to connect them.

    Parameters
    ----------
    name : str
        Unique within a design.
    availability : float
        Long-run fraction of the time that *one* instance works, 0 to 1.
    size : {"small", "medium", "large"}
        Machine size, for the price table; it does not change the speed.
    """

    name: str
    availability: float = field(default=0.999, kw_only=True)
    size: str = field(default="medium", kw_only=True)

    #: What the kind is called in tables, diagrams and messages.
    kind: ClassVar[str] = "component"
    #: Kinds (class names) this one may call.
    calls: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ValueError(
                f"{type(self).__name__}: name must be a non-empty string, got {self.name!r}"
            )
        self._number("availability", at_least=0, at_most=1)
        self._check(validation.one_of, "size", SIZES)
        self._validate()

    def __rshift__(self, other: Component | Path) -> Path:
        if not isinstance(other, Component | Path):
            return NotImplemented
        return Path((self, *_as_path(other).components))

    def replace(self, **changes: Any) -> Component:
        """Return a copy with some fields changed.

        Raises
        ------
        TypeError
            If the component has no such field.
        ValueError
            If the new value is out of range.

        Examples
        --------
        >>> Database(replicas=1).replace(replicas=2).replicas
        2
        """
        known = [f.name for f in dataclasses.fields(self)]
        for name in changes:
            if name not in known:
                raise TypeError(
                    f"{type(self).__name__} {self.name!r} has no field {name!r}; "
                    f"it has {', '.join(known)}"
                )
        return dataclasses.replace(self, **changes)

    @property
    def instances(self) -> tuple[str, ...]:
        """Names of the single machines: ``("app-1", "app-2")``, or the name alone if there is one.

        Examples
        --------
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
        return getattr(self, "count", 1)

    def _validate(self) -> None:
        """Check the fields of the kind; the base has none of its own."""

    # Small wrappers, so that every message starts with the component it is about.
    def _check(self, check: Any, name: str, *args: Any, **limits: Any) -> None:
        try:
            value = check(name, getattr(self, name), *args, **limits)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{type(self).__name__} {self.name!r}: {error}") from None
        object.__setattr__(self, name, value)

    def _number(self, name: str, **limits: Any) -> None:
        self._check(validation.number, name, **limits)

    def _integer(self, name: str, **limits: Any) -> None:
        self._check(validation.integer, name, **limits)

    def _optional(self, name: str, check: Any, **limits: Any) -> None:
        if getattr(self, name) is not None:
            check(name, **limits)

    def _flag(self, name: str) -> None:
        if not isinstance(getattr(self, name), bool):
            raise TypeError(
                f"{type(self).__name__} {self.name!r}: {name} must be True or False, "
                f"got {getattr(self, name)!r}"
            )

    def _fail(self, message: str) -> None:
        raise ValueError(f"{type(self).__name__} {self.name!r}: {message}")


def _as_path(item: Component | Path) -> Path:
    return item if isinstance(item, Path) else Path((item,))


@dataclass(frozen=True)
class Caller(Component):
    """A component that calls others and waits for their answers.

    Parameters
    ----------
    timeout_s : float, optional
        Seconds after which a call is given up; forever when None. The callee is not told: it goes
        on working for nobody.
    retries : int
        How often a failed call is made again; 0 to 10.
    backoff_s : float
        Seconds before the first retry; each further one waits twice as long.
    jitter : bool
        Multiply each backoff by a uniform random number between 0 and 1 ("full jitter").
    """

    timeout_s: float | None = field(default=None, kw_only=True)
    retries: int = field(default=0, kw_only=True)
    backoff_s: float = field(default=0.0, kw_only=True)
    jitter: bool = field(default=False, kw_only=True)

    def _validate(self) -> None:
        self._optional("timeout_s", self._number, above=0, unit="s")
        self._integer("retries", at_least=0, at_most=10)
        self._number("backoff_s", at_least=0, unit="s")
        self._flag("jitter")


@dataclass(frozen=True)
class Served(Component):
    """A component whose work takes a server's time.

    Parameters
    ----------
    service_s : float
        Mean service time, seconds; > 0.
    distribution : str
        ``"exponential"``, ``"deterministic"``, ``"hyperexponential"``, ``"bimodal"`` or
        ``"lognormal"``.
    scv : float
        Squared coefficient of variation of the last three.
    queue_capacity : int, optional
        Room to wait; a call that finds it full is rejected. Unlimited when None.
    """

    service_s: float = field(default=0.01, kw_only=True)
    distribution: str = field(default="exponential", kw_only=True)
    scv: float = field(default=4.0, kw_only=True)
    queue_capacity: int | None = field(default=None, kw_only=True)

    @property
    def servers(self) -> int:
        """How many calls one instance works on at a time."""
        raise NotImplementedError

    def _validate(self) -> None:
        super()._validate()
        self._number("service_s", above=0, unit="s")
        self._check(validation.one_of, "distribution", SERVICES)
        self._number("scv", at_least=0)
        try:
            service_scv(self.distribution, self.scv)
        except ValueError as error:
            self._fail(str(error))
        self._optional("queue_capacity", self._integer, at_least=0)
