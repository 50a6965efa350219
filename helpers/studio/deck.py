"""The studio's deck: what is to be built, for whom, within what, and what it will meet.

A brief is data, ``briefs.toml``. It also says what no design may change: how long the work takes,
how often a machine is up, what a cache may answer without being too old. Its parts are the
blueprint's components with those numbers filled in; what is left to choose is how many there are,
how they are wired, and how they behave when something fails.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from helpers import blueprint
from helpers.blueprint import Design, Fault, Traffic
from helpers.blueprint.components import Component
from helpers.blueprint.design import JOB, LOOK
from helpers.blueprint.theory.flows import Flow, edge_flows
from helpers.foundations import validation
from helpers.foundations.experiment import declarations
from helpers.foundations.prose import duration, significant

if TYPE_CHECKING:
    import pandas as pd

#: How long every trace lasts, simulated seconds.
TRACE_S = 20.0

_TRAFFIC: dict[str, Callable[..., Traffic]] = {
    "spike": blueprint.spike,
    "flash_crowd": blueprint.flash_crowd,
}
_ACTIONS = ("kill", "slow", "partition")

#: What a design is free to choose, by kind of component.
FREE: Mapping[str, tuple[str, ...]] = {
    "clients": ("timeout_s", "retries", "backoff_s", "jitter"),
    "CDN": ("hit_ratio",),
    "load balancer": (
        "policy", "health_check", "count", "timeout_s", "retries", "backoff_s", "jitter",
    ),
    "app servers": (
        "count", "needed", "queue_capacity", "blocking", "timeout_s", "retries", "backoff_s",
        "jitter",
    ),
    "cache": ("hit_ratio", "queue_capacity"),
    "database": ("replicas", "failover_s", "queue_capacity"),
    "message queue": ("capacity", "durable"),
    "workers": (
        "count", "needed", "queue_capacity", "timeout_s", "retries", "backoff_s", "jitter",
    ),
}  # fmt: skip

#: The methods of a brief that make a part of each of these kinds.
_PARTS = ("clients", "cdn", "balancer", "app", "cache", "db", "queue", "workers")

# How often one machine of each kind is up, and what its instances have in common.
_UP = {"cdn": 0.9999, "balancer": 0.9995}
_COMMON = 0.05

# Sums of shares are held against sums of shares.
_NEARLY = 1 - 1e-9


@dataclass(frozen=True)
class Strike:
    """What happens on a trace, to whichever component of a design is of a kind.

    Attributes
    ----------
    action : {"kill", "slow", "partition"}
    kind : str
        Kind of component, as ``Component.kind`` has it.
    at_s, until_s : float
        When it begins, and ends, seconds; for good when None.
    factor : float
        How many times as long work takes, if it is slow.
    """

    action: str
    kind: str
    at_s: float
    until_s: float | None = None
    factor: float = 1.0

    def __post_init__(self) -> None:
        validation.one_of("action", self.action, _ACTIONS)
        validation.one_of("kind", self.kind, tuple(FREE))

    def on(self, target: str) -> Fault:
        """Return the fault that strikes an instance."""
        return Fault(target, self.action, self.at_s, self.until_s, self.factor)


@dataclass(frozen=True)
class Trace:
    """Twenty seconds that a design has to get through.

    Attributes
    ----------
    name : str
    traffic : Traffic
        How the busiest hour's rate changes.
    strikes : tuple of Strike
        What happens.
    """

    name: str
    traffic: Traffic
    strikes: tuple[Strike, ...]

    def faults(self, design: Design) -> list[Fault]:
        """Return what happens to a design: to the first instance of each component of the kind.

        What a design does not have cannot be struck.
        """
        return [
            strike.on(component.instances[0])
            for strike in self.strikes
            for component in design
            if component.kind == strike.kind
        ]

    @property
    def fatal_s(self) -> float | None:
        """When a database's disk dies for good, if one does."""
        for_good = ("kill", "database", None)
        fatal = [s.at_s for s in self.strikes if (s.action, s.kind, s.until_s) == for_good]
        return min(fatal, default=None)


@dataclass(frozen=True)
class Brief:
    """What is to be built; see the top of ``briefs.toml`` for what the numbers mean."""

    key: str
    title: str
    story: str
    users: int
    actions: float
    peak: float
    growth: float
    writes: float
    jobs: float
    response_kb: float
    app_ms: float
    db_ms: float
    work_ms: float
    cache_hits: float
    cdn_hits: float
    old_s: float
    failover_s: float
    p99_ms: float
    answered: float
    available: float
    budget_usd: float
    kept: str
    hidden: str
    visible: tuple[Trace, ...]
    unseen: tuple[Trace, ...]
    fresh_s: float = math.inf
    later: bool = False

    # --- numbers that follow ----------------------------------------------------------------------

    @property
    def mean_rps(self) -> float:
        """Requests per second on average, at the end of the year."""
        return self.users * self.actions * self.growth / 86_400

    @property
    def rate_rps(self) -> float:
        """Requests per second in the busiest hour, at the end of the year."""
        return self.peak * self.mean_rps

    @property
    def traces(self) -> tuple[Trace, ...]:
        """Those that can be seen, then the others."""
        return self.visible + self.unseen

    def trace(self, name: str) -> Trace:
        """Return a trace by its name."""
        return next(trace for trace in self.traces if trace.name == name)

    # --- parts ------------------------------------------------------------------------------------

    def clients(self, **choices: Any) -> blueprint.Clients:
        """Everybody who asks, in the busiest hour of the year's end."""
        return blueprint.Clients(
            **{
                "rate_rps": self.rate_rps,
                "write_fraction": self.writes,
                "job_fraction": self.jobs,
                "response_kb": self.response_kb,
                **choices,
            }
        )

    def cdn(self, name: str = "cdn", **choices: Any) -> blueprint.CDN:
        """A content delivery network; it answers what it may."""
        given = {"hit_ratio": self.cdn_hits, "availability": _UP["cdn"]}
        return blueprint.CDN(name, **{**given, **choices})

    def balancer(self, name: str = "balancer", **choices: Any) -> blueprint.LoadBalancer:
        """A balancer."""
        return blueprint.LoadBalancer(name, **{"availability": _UP["balancer"], **choices})

    def app(self, name: str = "app", **choices: Any) -> blueprint.AppServers:
        """Application servers, four threads each."""
        given = {"service_s": self.app_ms / 1e3, "count": 1, "common_cause": _COMMON}
        return blueprint.AppServers(name, **{**given, **choices})

    def cache(self, name: str = "cache", **choices: Any) -> blueprint.Cache:
        """A cache that answers what is young enough."""
        return blueprint.Cache(name, **{"hit_ratio": self.cache_hits, **choices})

    def db(self, name: str = "db", **choices: Any) -> blueprint.Database:
        """A database; a write is on every replica when it is acknowledged."""
        given = {"service_s": self.db_ms / 1e3, "common_cause": _COMMON}
        if choices.get("replicas"):
            given["failover_s"] = self.failover_s
        return blueprint.Database(name, **{**given, **choices})

    def queue(self, name: str = "queue", **choices: Any) -> blueprint.Queue:
        """A message queue."""
        return blueprint.Queue(name, **choices)

    def workers(self, name: str = "workers", **choices: Any) -> blueprint.Workers:
        """Workers for what is left for later."""
        given = {"service_s": self.work_ms / 1e3, "common_cause": _COMMON}
        return blueprint.Workers(name, **{**given, **choices})

    # --- the rules --------------------------------------------------------------------------------

    def part(self, component: Component) -> Component:
        """Return the brief's own part of a component's kind, under its name."""
        maker = _PARTS[list(FREE).index(component.kind)]
        part: Component = getattr(self, maker)(name=component.name)
        return part

    def choices(self) -> pd.DataFrame:
        """Return what a design may choose: what can stand between the brackets of each part."""
        import pandas as pd

        rows = []
        for maker in _PARTS:
            part = getattr(self, maker)()
            declared = declarations(type(part))
            for name in FREE[part.kind]:
                about = declared[name]
                words = about.words + (f" ({about.unit})" if about.unit else "")
                rows.append((maker, name, words, str(getattr(part, name))))
        columns = ["part", "in its brackets", "what it is", "if not said"]
        return pd.DataFrame(rows, columns=columns).set_index(columns[:2])

    def objections(self, design: Design) -> list[str]:
        """Return why a design is none for this brief; empty if it is one.

        A design may choose what :data:`FREE` names. It must do the work: requests reach an
        application server and what they are about reaches a database.
        """
        found = [str(one) for one in blueprint.validate(design) if one.severity == "error"]
        if found:
            return found
        for component in design:
            mine = self.part(component)
            for name, value in mine.values().items():
                free = name == "name" or name in FREE[component.kind]
                if not free and getattr(component, name) != value:
                    found.append(
                        f"{component.name}: {name} is {value!r} in this brief, got "
                        f"{getattr(component, name)!r}"
                    )
            found += self._too_good(component)
        if not found:
            found = self._undone(design)
        return found

    def _too_good(self, component: Component) -> list[str]:
        said = []
        if isinstance(component, blueprint.Cache | blueprint.CDN):
            most = self.cache_hits if isinstance(component, blueprint.Cache) else self.cdn_hits
            if component.hit_ratio > most:
                said.append(
                    f"{component.name}: with answers at most {self.old_s:g} s old it hits at most "
                    f"{most:g} of the reads, got {component.hit_ratio:g}"
                )
        if isinstance(component, blueprint.Database):
            quick = component.failover_s is not None and component.failover_s < self.failover_s
            if component.replicas and quick:
                said.append(
                    f"{component.name}: promotion takes at least {self.failover_s:g} s here, got "
                    f"{component.failover_s:g}"
                )
        return said

    def _undone(self, design: Design) -> list[str]:
        """Say which work a design leaves out: for one request, what gets where?"""
        flows = edge_flows(design)
        asked = 1 - self.cdn_hits * (1 - self.writes)  # of each request, by the application
        before = _before_the_answer(design)

        def into(kind: type[Component], sources: set[str]) -> Flow:
            met = [
                flow
                for (source, target), flow in flows.items()
                if source in sources and isinstance(design[target], kind)
            ]
            return sum(met, Flow())

        anyone = {component.name for component in design}
        said = []
        if into(blueprint.AppServers, before).calls < asked * _NEARLY:
            said.append("not every request reaches an application server")
        if self.later:
            if into(blueprint.Database, anyone).calls < _NEARLY:
                said.append("not everything that is sent reaches a database")
            return said
        stored = into(blueprint.Database, before)
        missed = (1 - self.writes) * (1 - self.cdn_hits) * (1 - self.cache_hits)
        if stored.writes < self.writes * _NEARLY or stored.reads < missed * _NEARLY:
            said.append("not every request gets what it asks for from a database")
        if self.jobs and into(blueprint.Workers, anyone).calls < self.jobs * asked * _NEARLY:
            said.append("nobody does the work that is left for later: it needs workers")
        return said

    def scaled(self, **changes: Any) -> Brief:
        """Return the same brief with other numbers."""
        return replace(self, **changes)


def _before_the_answer(design: Design) -> set[str]:
    """Return what calls along a request's way, while its sender waits."""
    seen: set[str] = set()
    ahead = [design.clients.name]
    while ahead:
        name = ahead.pop()
        if name in seen or isinstance(design[name], blueprint.Queue):
            continue
        seen.add(name)
        ahead += [edge.target for edge in design.steps(name) if edge.role not in (LOOK, JOB)]
    return seen


@cache
def deck() -> Mapping[str, Brief]:
    """Return the briefs by their keys, in the order of the file."""
    told = tomllib.loads(files("helpers.studio").joinpath("briefs.toml").read_text("utf-8"))
    return {key: _brief(key, one) for key, one in told.items()}


def brief(key: str) -> Brief:
    """Return a brief.

    Raises
    ------
    ValueError
        If there is none of this name; the message lists those there are.
    """
    if key not in deck():
        raise ValueError(f"there is no brief {key!r}; there are {', '.join(deck())}")
    return deck()[key]


def overview() -> pd.DataFrame:
    """Return the deck as a table, a row for each brief."""
    import pandas as pd

    rows = {
        each.title: {
            "key": each.key,
            "daily users": f"{each.users:,}",
            "requests/s": f"{each.rate_rps:.0f}",
            "writes": f"{each.writes:.0%}",
            "99 of 100 within": duration(each.p99_ms / 1e3),
            "answered": f"{each.answered:.0%}",
            "up": f"{significant(100 * each.available, 4)} %",
            "US$ a month": f"{each.budget_usd:,.0f}",
            "never lost": each.kept,
        }
        for each in deck().values()
    }
    return pd.DataFrame(rows).T


def _brief(key: str, told: Mapping[str, Any]) -> Brief:
    known = {one.name for one in fields(Brief)}
    if unknown := set(told) - known:
        raise ValueError(f"brief {key!r} says {sorted(unknown)}, which no brief has")
    traces = {when: tuple(_trace(one) for one in told[when]) for when in ("visible", "unseen")}
    return Brief(**{**told, "key": key, **traces})


def _trace(told: Mapping[str, Any]) -> Trace:
    shape, how = next(iter(told.get("traffic", {}).items()), ("", {}))
    traffic = _TRAFFIC[shape](**how) if shape else blueprint.steady()
    return Trace(told["name"], traffic, tuple(map(_strike, told.get("faults", ()))))


def _strike(told: Mapping[str, Any]) -> Strike:
    (action,) = set(told) & set(_ACTIONS)
    rest = {name: value for name, value in told.items() if name != action}
    return Strike(action, told[action], **rest)
