"""A design: named components, wired. Immutable, so that an experiment changes one thing at a time.

    >>> from helpers.blueprint.components import CDN, AppServers, LoadBalancer
    >>> clients = Clients(rate_rps=200, write_fraction=0.1)
    >>> app, cache, db = AppServers(count=2), Cache(), Database(replicas=1)
    >>> shop = Design(
    ...     "shop",
    ...     clients >> CDN() >> LoadBalancer() >> app >> cache >> db,
    ... )
    >>> print(shop)
    shop: clients >> cdn >> balancer >> app >> cache >> db

Vary one thing, and everything else stays the same:

    >>> shop.replace("app", count=3)["app"].count, shop["app"].count
    (3, 2)
    >>> print(shop.without("cache"))
    shop: clients >> cdn >> balancer >> app >> db
    >>> print(shop.wire(app >> Queue() >> Workers() >> db))
    shop: clients >> cdn >> balancer >> app >> cache >> db; app >> queue >> workers >> db
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from helpers.blueprint.components import Cache, Clients, Component, Database, Path, Queue, Workers

# What a caller does along an edge (Edge.role).
CALL = "call"  # every request goes this way
LOOK = "look aside"  # reads look here first: a cache beside its database
STORE = "store"  # where requests go that the cache beside could not answer
JOB = "job"  # only requests that leave a job behind


@dataclass(frozen=True)
class Edge:
    """One arrow of a design: `source` calls `target`."""

    source: str
    target: str
    role: str

    @property
    def name(self) -> str:
        """``"app>db"``: also the name of the edge's random streams."""
        return f"{self.source}>{self.target}"


@dataclass(frozen=True, init=False)
class Design:
    """Components wired into a system.

    Parameters
    ----------
    name : str
        What the system is called.
    *paths : Path or Component
        ``a >> b >> c``: each component calls the next. A component may be in several paths; it is
        one and the same if its name is the same, and then all its fields must be, too.

    Raises
    ------
    TypeError
        If something that is not a path or component is given.
    ValueError
        If two different components share a name. Whether the wiring makes *sense* is judged by
        :func:`~helpers.blueprint.checks.validate`, so that a half-finished design can be drawn.
    """

    name: str
    components: tuple[Component, ...]
    wiring: tuple[tuple[str, str], ...]

    def __init__(self, name: str, *paths: Path | Component) -> None:
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"the name of a Design must be a non-empty string, got {name!r}")
        known: dict[str, Component] = {}
        wiring: dict[tuple[str, str], None] = {}
        for position, path in enumerate(paths):
            if isinstance(path, Component):
                path = Path((path,))
            if not isinstance(path, Path):
                raise TypeError(
                    f"Design {name!r}: part {position + 1} must be a component or a path like "
                    f"a >> b, got {path!r} ({type(path).__name__})"
                )
            for component in path.components:
                other = known.setdefault(component.name, component)
                if other != component:
                    raise ValueError(
                        f"Design {name!r}: two different components are called "
                        f"{component.name!r}: {other} and {component}"
                    )
            names = [component.name for component in path.components]
            wiring.update(dict.fromkeys(pairwise(names)))
        _freeze(self, name, tuple(known.values()), tuple(wiring))

    # --- looking ---------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Component:
        """Return the component called `name`.

        Raises
        ------
        ValueError
            If there is none; the message lists what there is.
        """
        for component in self.components:
            if component.name == name:
                return component
        raise ValueError(
            f"Design {self.name!r} has no component {name!r}; "
            f"it has {', '.join(component.name for component in self.components)}"
        )

    def __contains__(self, name: object) -> bool:
        return any(component.name == name for component in self.components)

    def __iter__(self) -> Iterator[Component]:
        return iter(self.components)

    def __str__(self) -> str:
        return f"{self.name}: " + "; ".join(" >> ".join(path) for path in self._chains())

    def of(self, kind: type[Component]) -> list[Component]:
        """Return the components of one kind, in the order in which they were wired.

        Examples
        --------
        >>> [c.name for c in Design("d", Clients(users=1) >> Database()).of(Database)]
        ['db']
        """
        return [component for component in self.components if isinstance(component, kind)]

    @property
    def clients(self) -> Clients:
        """The source of the requests.

        Raises
        ------
        ValueError
            If there is none, or more than one.
        """
        found = self.of(Clients)
        if len(found) != 1:
            names = ", ".join(component.name for component in found) or "none"
            raise ValueError(f"Design {self.name!r} needs exactly one Clients, has {names}")
        return found[0]  # type: ignore[return-value]

    def callees(self, name: str) -> list[Component]:
        """Return the components that `name` calls, in the order of the wiring."""
        return [self[target] for source, target in self.wiring if source == name]

    def callers(self, name: str) -> list[Component]:
        """Return the components that call `name`, in the order of the wiring."""
        return [self[source] for source, target in self.wiring if target == name]

    def steps(self, name: str) -> list[Edge]:
        """Return the edges out of a component in the order in which a request takes them.

        A cache that is not wired on to anything stands aside: reads look there first. Jobs are
        left behind last, when all else has succeeded.

        Examples
        --------
        >>> from helpers.blueprint.components import AppServers
        >>> app, db = AppServers(), Database()
        >>> aside = Design("aside", app >> db, app >> Queue(), app >> Cache())
        >>> [(edge.target, edge.role) for edge in aside.steps("app")]
        [('cache', 'look aside'), ('db', 'store'), ('queue', 'job')]
        """
        callees = self.callees(name)
        aside = {c.name for c in callees if isinstance(c, Cache) and not self.callees(c.name)}
        edges = []
        for callee in callees:
            if callee.name in aside:
                role = LOOK
            elif isinstance(callee, Queue | Workers) and not isinstance(self[name], Queue):
                role = JOB
            elif isinstance(callee, Database) and aside:
                role = STORE
            else:
                role = CALL
            edges.append(Edge(name, callee.name, role))
        return sorted(edges, key=lambda edge: (LOOK, CALL, STORE, JOB).index(_rank(edge.role)))

    @property
    def edges(self) -> list[Edge]:
        """All edges, component by component."""
        return [edge for component in self.components for edge in self.steps(component.name)]

    def instance(self, name: str) -> tuple[Component, tuple[str, ...]]:
        """Return the component a name belongs to, and the instances it stands for.

        Raises
        ------
        ValueError
            If neither a component nor an instance has that name.

        Examples
        --------
        >>> from helpers.blueprint.components import AppServers
        >>> design = Design("d", AppServers(count=2))
        >>> design.instance("app-2")[1], design.instance("app")[1]
        (('app-2',), ('app-1', 'app-2'))
        """
        for component in self.components:
            if component.name == name:
                return component, component.instances
            if name in component.instances:
                return component, (name,)
        known = [i for component in self.components for i in (component.name, *component.instances)]
        raise ValueError(
            f"Design {self.name!r} has no component or instance {name!r}; "
            f"it has {', '.join(dict.fromkeys(known))}"
        )

    # --- changing --------------------------------------------------------------------------------

    def replace(self, component: str, /, **changes: Any) -> Design:
        """Return a design in which one component has other numbers (or another name).

        Raises
        ------
        TypeError
            If the component has no such field.
        ValueError
            If there is no such component, or a value is out of range.
        """
        old, new = self[component], self[component].replace(**changes)
        if new.name != old.name and new.name in self:
            raise ValueError(f"Design {self.name!r} already has a component {new.name!r}")
        rename = {old.name: new.name}
        return self._with(
            tuple(new if c is old else c for c in self.components),
            tuple((rename.get(a, a), rename.get(b, b)) for a, b in self.wiring),
        )

    def without(self, name: str) -> Design:
        """Return a design that lacks one component: its callers call its callees instead.

        Raises
        ------
        ValueError
            If there is no such component.
        """
        gone = self[name]
        after = [target for source, target in self.wiring if source == name]
        wiring: dict[tuple[str, str], None] = {}
        for source, target in self.wiring:
            if target == name:
                wiring.update(dict.fromkeys((source, further) for further in after))
            elif source != name:
                wiring[source, target] = None
        return self._with(tuple(c for c in self.components if c is not gone), tuple(wiring))

    def cut(self, source: str, target: str) -> Design:
        """Return a design that lacks one arrow.

        Raises
        ------
        ValueError
            If there is no such arrow.
        """
        if (source, target) not in self.wiring:
            known = ", ".join(f"{a} >> {b}" for a, b in self.wiring)
            raise ValueError(f"Design {self.name!r} has no {source} >> {target}; it has {known}")
        return self._with(
            self.components, tuple(edge for edge in self.wiring if edge != (source, target))
        )

    def wire(self, *paths: Path | Component) -> Design:
        """Return a design with more paths.

        Raises
        ------
        TypeError, ValueError
            As for :class:`Design`.
        """
        more = Design(self.name, *self.components, *paths)
        wiring = dict.fromkeys((*self.wiring, *more.wiring))
        return self._with(more.components, tuple(wiring))

    def rename(self, name: str) -> Design:
        """Return the same design under another name."""
        return _freeze(object.__new__(Design), name, self.components, self.wiring)

    def _with(
        self, components: tuple[Component, ...], wiring: tuple[tuple[str, str], ...]
    ) -> Design:
        return _freeze(object.__new__(Design), self.name, components, wiring)

    def _chains(self) -> list[list[str]]:
        """Split the wiring into the fewest chains to read."""
        left = dict.fromkeys(self.wiring)
        chains = []
        while left:
            chain = list(next(iter(left)))
            del left[chain[0], chain[1]]
            while onward := next((edge for edge in left if edge[0] == chain[-1]), None):
                chain.append(onward[1])
                del left[onward]
            chains.append(chain)
        wired = {name for edge in self.wiring for name in edge}
        return chains + [[c.name] for c in self.components if c.name not in wired]


def a_design(name: str, value: Any) -> Design:
    """Return `value` if it is a design, for parameters that are one.

    Raises
    ------
    TypeError
        If it is not.
    """
    if not isinstance(value, Design):
        raise TypeError(f"{name} must be a Design, got {value!r}")
    return value


def _freeze(
    design: Design,
    name: str,
    components: tuple[Component, ...],
    wiring: tuple[tuple[str, str], ...],
) -> Design:
    object.__setattr__(design, "name", name)
    object.__setattr__(design, "components", components)
    object.__setattr__(design, "wiring", wiring)
    return design


def _rank(role: str) -> str:
    # Calls and stores keep the order of the wiring.
    return CALL if role == STORE else role
