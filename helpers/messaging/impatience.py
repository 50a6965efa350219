"""Customers who give up: a queue in which not everybody waits to the end.

Calls come at random to some agents, and whoever waits too long hangs up: Erlang's queue with
patience, called Erlang A. Where that stops being true: people who gave up call again, and what
they were promised changes how long they wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heapreplace
from typing import Any, NamedTuple

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, here, ring, yours
from helpers.foundations.drawing.scales import coarse
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, percent, rounded
from helpers.foundations.statistics import Interval, mean_interval, seldom

_CALLS = 1_300  # that are counted
_MOST_WAITING = 3_000


class Setting(Parameters):
    """Calls, agents and patience."""

    calls_per_h: float = number(200.0, "Calls", unit="per h", above=0, at_most=2_000)
    call_min: float = number(3.0, "Mean length of a call", unit="min", above=0, at_most=60)
    agents: int = integer(14, "Agents", at_least=1, at_most=100)
    patience_min: float = number(5.0, "Mean patience", unit="min", above=0, at_most=60)
    replications: int = replications(8)
    seed: int = seed()

    def agree(self) -> None:
        """Refuse crowds larger than can be counted."""
        if self.load > 100:
            raise ValueError(
                f"calls_per_h x call_min must be at most 100 x 60, got {60 * self.load:g}"
            )

    @property
    def settled(self) -> int:
        """Calls before the first that is counted: nobody was there at first."""
        return 200 + int(2.5 * self.patience_min * self.calls_per_h / 60)

    @property
    def load(self) -> float:
        """Offered load, erlangs."""
        return self.calls_per_h * self.call_min / 60


# --- the model: what the page shows, and a learner changes ----------------------------------------


def callers(at, draw):
    """Let each caller wait for an agent, but no longer than there is patience."""
    world = simpy.Environment()  # in minutes
    agents = simpy.Resource(world, capacity=at.agents)
    fates = []

    def call():
        came = world.now
        with agents.request() as my_turn:
            patience = world.timeout(draw("patience").exponential(at.patience_min))
            yield my_turn | patience
            answered = my_turn.triggered
            fates.append((world.now - came, answered))
            if answered:
                yield world.timeout(draw("talk").exponential(at.call_min))

    def traffic():
        for _ in range(at.settled + 1_000):
            yield world.timeout(draw("calls").exponential(60 / at.calls_per_h))
            world.process(call())

    world.process(traffic())
    world.run()
    waited_min, answered = np.array(fates[at.settled :]).T  # nobody was there at first
    return {"wait": np.mean(waited_min > 0), "give_up": 1 - answered.mean()}


# --- the same, fast: nobody but the callers -------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Impatience:
    """Follow 1,300 callers in each run, and before them those that fill the system."""
    draw = Draws(at.seed)
    size = (at.replications, at.settled + _CALLS)
    gaps = draw("calls").exponential(60 / at.calls_per_h, size)
    talks = draw("talk").exponential(at.call_min, size)
    patience = draw("patience").exponential(at.patience_min, size)
    runs = [
        _followed(at.agents, at.settled, *each)
        for each in zip(gaps.tolist(), talks.tolist(), patience.tolist(), strict=True)
    ]
    wait, give_up, waited, busy = np.array(runs).T
    return Impatience(
        at, wait, give_up, float(waited.mean()), float((busy / at.agents).mean())
    )  # fmt: skip


def _followed(
    agents: int, settled: int, gaps: list[float], talks: list[float], patience: list[float]
) -> tuple[float, float, float, float]:
    """Return shares that wait and give up, the mean wait in minutes, and agents busy."""
    now, free = 0.0, [0.0] * agents
    wait = give_up = 0
    waited = talked = begin = 0.0
    for n, (gap, talk, longest) in enumerate(zip(gaps, talks, patience, strict=True)):
        now += gap
        if n == settled:
            wait = give_up = 0
            waited = talked = 0.0
            begin = now
        # First come, first served: what a caller would wait is known at once.
        turn = free[0] - now
        if turn <= 0:
            heapreplace(free, now + talk)
            talked += talk
            continue
        wait += 1
        if longest < turn:
            give_up += 1
            waited += longest
        else:
            heapreplace(free, free[0] + talk)
            waited += turn
            talked += talk
    return wait / _CALLS, give_up / _CALLS, waited / _CALLS, talked / (now - begin)


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Shares that wait and that give up, mean wait in minutes, and how busy agents are."""

    wait: float
    give_up: float
    waited_min: float
    utilisation: float


def theory(at: Setting, agents: int | None = None) -> Theory:
    """Erlang A: a birth and death process whose deaths include those who give up.

    Palm, "Research on telephone traffic carried by full availability groups", *Tele* 1, 1957;
    Mandelbaum and Zeltyn, "The Palm/Erlang-A queue, with applications to call centers", 2005.
    """
    n = at.agents if agents is None else agents
    there = np.arange(1, n + _MOST_WAITING)
    leaving = np.minimum(there, n) / at.call_min + np.maximum(there - n, 0) / at.patience_min
    logs = np.append(0.0, np.cumsum(np.log(at.calls_per_h / 60 / leaving)))
    chances = np.exp(logs - logs.max())
    chances /= chances.sum()
    waiting = float(chances[n:] @ np.arange(chances.size - n))
    give_up = waiting / at.patience_min / (at.calls_per_h / 60)
    return Theory(
        float(chances[n:].sum()), give_up, waiting / (at.calls_per_h / 60),
        at.load * (1 - give_up) / n,
    )  # fmt: skip


def patient(at: Setting, agents: int | None = None) -> float:
    """Share that waits if nobody gives up (Erlang C); 1 where agents cannot keep up."""
    n = at.agents if agents is None else agents
    return float(queueing.erlang_c(at.load, n)) if at.load < n else 1.0


# --- what it says ---------------------------------------------------------------------------------


class Impatience(Result):
    """Mean wait, how busy agents are, and shares of the callers.

    Attributes
    ----------
    waits, gives_up : numpy.ndarray, shape (replications,)
        Shares of each run's callers that wait, and that give up.
    waited_min, utilisation : float
    """

    at: Setting
    waits: np.ndarray
    gives_up: np.ndarray
    waited_min: float
    utilisation: float

    @property
    def wait(self) -> Interval:
        """Share of the callers that wait."""
        return mean_interval(self.waits)

    @property
    def give_up(self) -> Interval:
        """Share of the callers that give up."""
        return mean_interval(self.gives_up)

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "wait_percent": rounded(100 * self.wait.estimate),
            "theory_wait_percent": rounded(100 * exact.wait),
            "give_up_percent": rounded(100 * self.give_up.estimate),
            "theory_give_up_percent": rounded(100 * exact.give_up),
            "waited_s": rounded(60 * self.waited_min),
            "theory_waited_s": rounded(60 * exact.waited_min),
            "utilisation_percent": rounded(100 * self.utilisation),
            "theory_utilisation_percent": rounded(100 * exact.utilisation),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        without = (
            f"With endless patience {percent(patient(at))} would wait."
            if at.load < at.agents
            else "With endless patience the queue would grow without end."
        )
        return (
            f"{counted(at.agents, 'agent')}: {percent(self.wait.estimate)} of the callers wait "
            f"(theory: {percent(exact.wait)}), {percent(self.give_up.estimate)} give up (theory: "
            f"{percent(exact.give_up)}), and agents are busy {percent(self.utilisation)} of the "
            f"time (theory: {percent(exact.utilisation)}). The mean wait is "
            f"{duration(60 * self.waited_min)}. {without}"
            + (
                seldom(self.waits, "nobody waited")
                or seldom(1 - self.waits, "everybody waited")
                or seldom(self.gives_up, "nobody gave up")
            )
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        agents = _agents(self.at)
        each = [theory(self.at, n) for n in agents]
        return {
            "agents": agents,
            "theory, wait (%)": [100 * one.wait for one in each],
            "theory, give up (%)": [100 * one.give_up for one in each],
            "endless patience, wait (%)": [100 * patient(self.at, n) for n in agents],
            "theory, busy (%)": [100 * one.utilisation for one in each],
        }


def _agents(at: Setting) -> list[int]:
    """Numbers of agents for which curves are drawn."""
    last = int(coarse(max(1.6 * at.load, at.agents + 1, 10)))
    return sorted({max(1, round(n)) for n in np.linspace(1, last, 40).tolist()})


@style.panels(2)
def plot(run: Impatience, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw who waits and who gives up against the number of agents."""
    at, agents = run.at, _agents(run.at)
    each = [theory(at, n) for n in agents]
    for ax, part, shown in zip(axes, ("wait", "give_up"), (run.wait, run.give_up), strict=True):
        ax.plot(agents, [100 * getattr(one, part) for one in each], **style.THEORY)
        here(ax, at.agents)
        error_bars(ax, at.agents, shown, 100, **style.DOTS)
        ring(ax, at.agents, 100 * shown.estimate)
        ax.set(xlim=(0, agents[-1]), ylim=(0, 105), xlabel="agents")
        if mine is not None:
            yours(ax, at.agents, 100 * mine[part])
    axes[0].plot(agents, [100 * patient(at, n) for n in agents], color=style.GHOST, linewidth=1.4)
    level = next((i for i, n in enumerate(agents) if patient(at, n) < 0.6), 0)
    style.label(axes[0], agents[level], 60, "endless patience", style.MUTED, xytext=(8, 10))
    axes[0].set_ylabel("callers that wait (%)")
    axes[0].set_title("Who waits")
    axes[1].set_ylabel("callers that give up (%)")
    axes[1].set_title("Who gives up")
