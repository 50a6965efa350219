"""Judge a design: run it on a brief's traces, and hold what came out against the brief.

What is asked of every trace: of 100 answers 99 are quick enough, enough requests are answered at
all, nothing is lost that must not be, and what is left for later is not far behind. What is asked
of the design: it is up for enough of the year, and its bill is within the budget.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from helpers import blueprint
from helpers.blueprint import Design, DesignResult
from helpers.blueprint.simulation.rules import IN_FLIGHT, OK, OUTCOMES
from helpers.blueprint.simulation.runs import simulate_design_progressively
from helpers.blueprint.simulation.scenario import Scenario
from helpers.foundations.prose import duration, significant
from helpers.studio.deck import TRACE_S, Brief, Trace

if TYPE_CHECKING:
    import pandas as pd

#: The first second fills the empty system; what is sent then is not judged.
WARM_UP_S = 1.0

#: Length of the stretch that is looked for when the worst one is asked for.
WORST_S = 2.0

#: Words of a log that say that something did not work.
_BROKEN = ("rejected", "refused", "reset", "lost", "timeout", "no server")


@dataclass(frozen=True)
class Ran:
    """What became of a design on one trace.

    Attributes
    ----------
    brief : Brief
    trace : Trace
    run : DesignResult
    """

    brief: Brief
    trace: Trace
    run: DesignResult

    @property
    def until_s(self) -> float:
        """How far it has been run, seconds: to the trace's end, unless it is still running."""
        return self.run.at.duration_s

    @cached_property
    def p99_ms(self) -> float:
        """Of 100 answers, 99 came within this; infinite if there was none."""
        took = self.run.response_s
        return 1e3 * float(np.percentile(took, 99)) if len(took) else math.inf

    @cached_property
    def answered(self) -> float:
        """Share of the requests that were answered, late or not; what hangs counts as not."""
        run = self.run
        sent = run.counted & self._had_time
        return float((run.outcome[sent] == OK).mean()) if sent.any() else 1.0

    @property
    def _had_time(self) -> np.ndarray:
        """Whether each request was sent a second before the end: others may still be on the way."""
        return np.asarray(self.run.sent_s < self.until_s - 1.0)

    @cached_property
    def in_time(self) -> np.ndarray:
        """Whether each request was answered within the brief's p99, shape (requests,)."""
        run = self.run
        quick = run.done_s - run.sent_s <= self.brief.p99_ms / 1e3
        return np.asarray((run.outcome == OK) & quick)

    @cached_property
    def reasons(self) -> dict[str, int]:
        """Why requests were not answered in time, and how many, most first."""
        run = self.run
        codes = {OUTCOMES[code]: run.outcome == code for code in OUTCOMES if code != OK}
        codes["in flight"] = (run.outcome == IN_FLIGHT) & self._had_time
        counts = {name: int(mask.sum()) for name, mask in codes.items()}
        counts["too late"] = int(((run.outcome == OK) & ~self.in_time).sum())
        return {name: n for name, n in sorted(counts.items(), key=lambda one: -one[1]) if n}

    @cached_property
    def worst(self) -> tuple[float, float]:
        """Where the worst two seconds begin, and which share was answered in time in them."""
        begins = np.arange(WARM_UP_S, self.until_s - 1.0 - WORST_S + 0.01, 0.5)
        shares = []
        for begin in begins:
            sent = (self.run.sent_s >= begin) & (self.run.sent_s < begin + WORST_S)
            shares.append(float(self.in_time[sent].mean()) if sent.any() else 1.0)
        least = int(np.argmin(shares))
        return float(begins[least]), shares[least]

    @cached_property
    def first(self) -> tuple[float, str, str] | None:
        """What went wrong first: when, what, where; None if nothing did.

        It runs once more and keeps a log: the same draws, the same events.
        """
        log = blueprint.simulate_design(**{**self.run.at.values(), "log": True}).log
        assert log is not None
        for time_s, what, where, _, _ in log:
            if what in _BROKEN:
                return time_s, what, where
        return None

    @cached_property
    def lost(self) -> int:
        """What was accepted and is gone: jobs of a queue, writes that only a dead disk had."""
        jobs = sum(queue.lost + queue.failed for queue in self.run.jobs.values())
        return jobs + self._lost_writes

    @property
    def _lost_writes(self) -> int:
        fatal_s = self.trace.fatal_s
        if fatal_s is None or fatal_s >= self.until_s:  # not yet
            return 0
        if any(db.machines > 1 for db in self.run.design.of(blueprint.Database)):
            return 0
        run = self.run
        wrote = np.array(Scenario(run.at).write[: run.sent], bool)
        return int((wrote & (run.outcome == OK) & (run.done_s <= fatal_s)).sum())

    @cached_property
    def behind_s(self) -> float:
        """How many seconds' worth of work for later is left when the trace ends."""
        queues = self.run.jobs.values()
        left = sum(queue.waiting + queue.working for queue in queues)
        rate = sum(queue.published for queue in queues) / self.until_s
        return left / rate if rate else 0.0

    @property
    def bad(self) -> int:
        """Requests not answered in time, and what was lost of what had been accepted."""
        return sum(self.reasons.values()) + self.lost

    @property
    def of_allowed(self) -> dict[str, float]:
        """Each objective of a trace as a share of what the brief allows; above 1 it is missed."""
        brief = self.brief
        shares = {
            "not answered": (1 - self.answered) / (1 - brief.answered),
            "99 of 100": self.p99_ms / brief.p99_ms,
        }
        if math.isfinite(brief.fresh_s):
            shares["work behind"] = self.behind_s / brief.fresh_s
        return shares

    @property
    def misses(self) -> list[str]:
        """Which of the brief's objectives this trace misses, each with both numbers."""
        brief, said = self.brief, []
        if self.answered < brief.answered:
            said.append(
                f"answered {_percent(self.answered)} of at least {_percent(brief.answered)}"
            )
        if self.p99_ms > brief.p99_ms:
            took = duration(self.p99_ms / 1e3) if math.isfinite(self.p99_ms) else "for ever"
            said.append(f"p99 {took} of at most {duration(brief.p99_ms / 1e3)}")
        if self.lost:
            said.append(f"lost {self.lost:,} of {brief.kept}")
        if self.behind_s > brief.fresh_s:
            said.append(f"work {duration(self.behind_s)} behind of at most {brief.fresh_s:g} s")
        return said


def _percent(share: float) -> str:
    return f"{significant(100 * share)} %"


@dataclass(frozen=True)
class Card:
    """A design's scorecard.

    Attributes
    ----------
    brief : Brief
    design : Design
    objections : tuple of str
        Why it is none for this brief; such a design is not run.
    ran : tuple of Ran
        On each trace.
    """

    brief: Brief
    design: Design
    objections: tuple[str, ...]
    ran: tuple[Ran, ...]

    @cached_property
    def monthly_usd(self) -> float:
        """The bill at the mean rate of the year's end."""
        return monthly_usd(self.brief, self.design)

    @cached_property
    def up(self) -> float:
        """Share of the time in which requests can be answered."""
        return up(self.brief, self.design)

    @property
    def of_allowed(self) -> dict[str, float]:
        """Each objective as a share of what the brief allows, on the worst trace of each."""
        brief = self.brief
        worst: dict[str, float] = {}
        for one in self.ran:
            for name, share in one.of_allowed.items():
                worst[name] = max(share, worst.get(name, 0.0))
        down = (1 - self.up) / (1 - brief.available)
        return worst | {"down": down, "US$": self.monthly_usd / brief.budget_usd}

    @property
    def bad(self) -> int:
        """Requests not answered in time, and what was lost, on all traces."""
        return sum(one.bad for one in self.ran)

    @property
    def answered(self) -> float:
        """The smallest share answered on a trace."""
        return min((one.answered for one in self.ran), default=1.0)

    @property
    def p99_ms(self) -> float:
        """The longest p99 of a trace."""
        return max((one.p99_ms for one in self.ran), default=0.0)

    @property
    def lost(self) -> int:
        """What was lost on all traces together."""
        return sum(one.lost for one in self.ran)

    @property
    def behind_s(self) -> float:
        """The longest backlog at the end of a trace, seconds."""
        return max((one.behind_s for one in self.ran), default=0.0)

    @cached_property
    def misses(self) -> tuple[str, ...]:
        """Everything that keeps the design from passing; empty if it passes."""
        if self.objections:
            return self.objections
        on_traces = [f"{one.trace.name}: {miss}" for one in self.ran for miss in one.misses]
        return (*_misses_of(self.brief, self.design), *on_traces)

    @property
    def passes(self) -> bool:
        """Whether the design does what the brief asks, on these traces."""
        return not self.misses

    @property
    def rows(self) -> Mapping[str, Sequence[str]]:
        """The scorecard as a table: what is asked, what came out, whether it is met."""
        brief = self.brief
        later = math.isfinite(brief.fresh_s)
        asked = [
            ("answered, worst trace", f"≥ {_percent(brief.answered)}", _percent(self.answered),
             self.answered >= brief.answered),
            ("99 of 100 within", f"≤ {duration(brief.p99_ms / 1e3)}",
             duration(self.p99_ms / 1e3), self.p99_ms <= brief.p99_ms),
            ("lost for ever", "0", f"{self.lost:,}", not self.lost),
            *([("work behind at the end", f"≤ {brief.fresh_s:g} s",
                f"{significant(self.behind_s, 2)} s", self.behind_s <= brief.fresh_s)]
              if later else []),
            ("up", f"≥ {significant(100 * brief.available, 5)} %",
             f"{significant(100 * self.up, 5)} %", self.up >= brief.available),
            ("US$ a month", f"≤ {brief.budget_usd:,.0f}", f"{self.monthly_usd:,.0f}",
             self.monthly_usd <= brief.budget_usd),
        ]  # fmt: skip
        what, wanted, got, met = zip(*asked, strict=True)
        return {"what": what, "asked": wanted, "got": got,
                "met": ["yes" if one else "NO" for one in met]}  # fmt: skip

    def table(self) -> pd.DataFrame:
        """Return the scorecard as a table."""
        import pandas as pd

        frame = pd.DataFrame(dict(self.rows))
        return frame.set_index(frame.columns[0])


def judge(
    brief: Brief, design: Design, traces: Sequence[Trace] | None = None, *, seed: int = 1,
    engine: str = "fast",
) -> Card:  # fmt: skip
    """Run a design on traces of a brief, by default on those that can be seen.

    Parameters
    ----------
    brief : Brief
    design : Design
    traces : sequence of Trace, optional
        ``brief.traces`` for all, ``brief.unseen`` for the hidden ones.
    seed : int
        The luck that every design meets alike.
    engine : {"fast", "simpy"}

    Returns
    -------
    Card
    """
    objections = tuple(brief.objections(design))
    chosen = brief.visible if traces is None else traces
    ran = () if objections else tuple(ran_on(brief, design, t, seed, engine) for t in chosen)
    return Card(brief, design, objections, ran)


def misses(
    brief: Brief, design: Design, traces: Sequence[Trace], *, seed: int = 1
) -> Iterator[str]:
    """Yield what keeps a design from passing, one by one: what is not asked for is not run.

    The same as ``judge(...).misses``. What became of a trace once is known from then on.
    """
    if objections := brief.objections(design):
        yield from objections
        return
    yield from _misses_of(brief, design)
    for trace in traces:
        for miss in outcome(brief, design, trace, seed).misses:
            yield f"{trace.name}: {miss}"


def passes(brief: Brief, design: Design, *, seed: int = 1) -> bool:
    """Say whether a design passes every trace; stops at the first thing that it misses."""
    return next(misses(brief, design, brief.traces, seed=seed), None) is None


def _misses_of(brief: Brief, design: Design) -> list[str]:
    """Say what a design misses whatever the trace."""
    said = []
    if (usd := monthly_usd(brief, design)) > brief.budget_usd:
        said.append(f"costs {usd:,.0f} US$ a month of at most {brief.budget_usd:,.0f}")
    if (share := up(brief, design)) < brief.available:
        said.append(
            f"is up {significant(100 * share, 5)} % of the time of at least "
            f"{significant(100 * brief.available, 5)} %"
        )
    return said


class Outcome(NamedTuple):
    """What is left to know of a design on a trace when its run is forgotten.

    Attributes
    ----------
    misses : tuple of str
        As :class:`Ran` has them.
    bad : int
    """

    misses: tuple[str, ...]
    bad: int


def outcome(brief: Brief, design: Design, trace: Trace, seed: int) -> Outcome:
    """Run a design on one trace, once."""
    known = _known(brief, design, trace, seed)
    if not known:
        known.append(_outcome_of(ran_on(brief, design, trace, seed)))
    return known[0]


def piece_by_piece(brief: Brief, design: Design, trace: Trace, seed: int) -> Iterator[None]:
    """Find an outcome out in three pieces, before each of which others have their turn."""
    known = _known(brief, design, trace, seed)
    if not known:
        yield
        for ran in ran_so_far(brief, design, trace, seed):
            yield
            so_far = ran
        known.append(_outcome_of(so_far))


@lru_cache(maxsize=4_096)
def _known(brief: Brief, design: Design, trace: Trace, seed: int) -> list[Outcome]:
    """Where an outcome is kept; empty until there is one."""
    return []


def _outcome_of(ran: Ran) -> Outcome:
    return Outcome(tuple(ran.misses), ran.bad)


def ran_on(brief: Brief, design: Design, trace: Trace, seed: int, engine: str = "fast") -> Ran:
    """Run a design on one trace."""
    how = _how(design, trace, seed)
    return Ran(brief, trace, blueprint.simulate_design(design, **how, engine=engine))


def ran_so_far(brief: Brief, design: Design, trace: Trace, seed: int) -> Iterator[Ran]:
    """Run a design on one trace, and show its first quarter, its first half, and the whole."""
    for run in simulate_design_progressively(design, steps=3, **_how(design, trace, seed)):
        yield Ran(brief, trace, run)


def _how(design: Design, trace: Trace, seed: int) -> dict[str, Any]:
    return {
        "traffic": trace.traffic,
        "faults": trace.faults(design),
        "duration_s": TRACE_S,
        "warm_up_s": WARM_UP_S,
        "seed": seed,
    }


@lru_cache(maxsize=4_096)
def monthly_usd(brief: Brief, design: Design) -> float:
    """Return a month's bill at the mean rate of the year's end, US$."""
    return float(blueprint.cost(design, rate_rps=brief.mean_rps).monthly)


@lru_cache(maxsize=4_096)
def up(brief: Brief, design: Design) -> float:
    """Return the share of the time in which requests are answered, reads and writes weighed.

    As many servers count as needed as carry the busiest hour; whatever a design says of that.
    """
    design = _honest(brief, design)
    kinds = {"read": 1 - brief.writes, "write": brief.writes}
    return float(
        sum(
            share * blueprint.availability(design, request=kind).system
            for kind, share in kinds.items()
            if share
        )
    )


def _honest(brief: Brief, design: Design) -> Design:
    """Return the design with as many instances needed as the load keeps busy."""
    from helpers.blueprint.theory.flows import machine_loads

    loads = machine_loads(design)
    for component in [*design.of(blueprint.AppServers), *design.of(blueprint.Workers)]:
        mine = [load for load in loads.values() if load.component == component.name]
        if not mine:
            continue
        busy = brief.rate_rps * sum(load.demand_s for load in mine)
        servers = component.servers  # type: ignore[attr-defined]
        needed = min(component.machines, max(1, math.ceil(busy / servers)))
        design = design.replace(component.name, needed=needed)
    return design
