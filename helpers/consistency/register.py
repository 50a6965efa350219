"""A replicated register, and what a checker says of what its clients saw.

Clients read and write; each message takes its time, may be lost or come twice, replicas may be
down, cut off or forget. The clients' history is all that the checker gets. Where that stops being
true: one register and a few clients, delays that do not depend on the load, and a leader that is
never replaced.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers.consistency.diagram import draw_history, said
from helpers.consistency.replicas import (
    LEADERLESS,
    READ_REPAIR,
    WRITE_BACK,
    Replicas,
    Setting,
    TooFewError,
)
from helpers.consistency.tally import tally
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import note
from helpers.foundations.events import Log
from helpers.foundations.experiment import Draws, Mine, Result, takes
from helpers.foundations.histories import (
    JUDGES,
    READ,
    WRITE,
    Operation,
    Verdict,
    right_until,
    smallest_violation,
)
from helpers.foundations.prose import counted, duration, listed, rounded

# --- the model: what the page shows, and a learner changes ----------------------------------------


def read(at, replicas, me):
    """Ask all replicas, wait for R answers, return the newest version among them."""
    newest = max((yield from replicas.ask(me, at.r)))
    if at.repair == WRITE_BACK:
        yield from replicas.store(me, newest, at.w)
    elif at.repair == READ_REPAIR:
        replicas.tell(me, newest)
    return newest


def write(at, replicas, me, value):
    """Have the leader order it, or stamp it by the clock, and wait for W copies."""
    if at.way == LEADERLESS:
        version = (replicas.clock(me), me, value)
        yield from replicas.store(me, version, at.w)
    else:
        yield from replicas.lead(me, value, at.w)


def one_history(at, draw):
    """Let clients read and write, one thing after the other; return what they saw."""
    world = simpy.Environment()
    replicas, history = Replicas(at, draw, world), []

    def client(me):
        while True:
            yield world.timeout(1e-3 * draw(f"client {me}").exponential(at.pause_ms))
            writes, start = draw(f"kinds {me}").random() < 0.4, world.now
            value = len(history) + 1 if writes else None
            place = len(history)
            history.append(Operation(f"client {me + 1}", WRITE if writes else READ, value, start))
            try:
                if writes:
                    yield from write(at, replicas, me, value)
                else:
                    value = (yield from read(at, replicas, me))[2]
                history[place] = history[place]._replace(value=value, end=world.now)
            except TooFewError:  # nobody knows what became of it
                pass

    for me in range(at.clients):
        world.process(client(me))
    world.run(until=at.run_s)
    return tally(history, replicas)


@takes(Setting)
def simulate(at: Setting) -> Register:
    """Run the model once, and let the checkers read what the clients saw."""
    run = one_history(at, Draws(at.seed))
    return Register(at, history=run["history"], messages=run["messages"])


# --- what it says ---------------------------------------------------------------------------------


class Register(Result):
    """What the clients saw.

    Attributes
    ----------
    history : tuple of Operation
    messages : tuple of Message
        What went over the network.
    """

    at: Setting
    history: tuple[Operation, ...]
    messages: tuple[Any, ...]

    @cached_property
    def verdicts(self) -> dict[str, Verdict]:
        """What each checker says."""
        return {name: judge(self.history) for name, judge in JUDGES.items() if name != "convergent"}

    @property
    def linearizable(self) -> bool | None:
        """Whether one copy could have behaved like that."""
        return self.verdicts["linearizable"].holds

    @cached_property
    def smallest(self) -> tuple[Operation, ...]:
        """The smallest part of the history that is not linearizable; empty if all of it is."""
        return () if self.linearizable else smallest_violation(self.history)

    def took_s(self, kind: str) -> list[float]:
        """How long the answered operations of a kind took."""
        return [
            one.end - one.start for one in self.history if one.kind == kind and one.end < math.inf
        ]

    @property
    def given_up(self) -> int:
        """Operations that too few replicas answered."""
        last = self.at.run_s - 0.4
        return sum(one.end == math.inf and one.start < last for one in self.history)

    @property
    def summary(self) -> dict[str, float | int | str]:
        answers = {True: "yes", False: "no", None: "unknown"}
        times = {kind: self.took_s(kind) for kind in (READ, WRITE)}
        means = {f"{k}_ms": rounded(1e3 * float(np.mean(t))) for k, t in times.items() if t}
        return {
            "operations": len(self.history),
            "given_up": self.given_up,
            **means,
            **{name.replace(" ", "_"): answers[v.holds] for name, v in self.verdicts.items()},
        }

    @property
    def reading(self) -> str:
        kept = [name for name, one in self.verdicts.items() if one.holds]
        told = (
            f"Of {counted(len(self.history), 'operation')}, {self.given_up} got too few answers. "
        )
        took = {kind: self.took_s(kind) for kind in (READ, WRITE)}
        mean = {k: duration(round(float(np.mean(t)), 4)) for k, t in took.items() if t}
        if mean:
            told += f"On average {listed([f'a {k} takes {t}' for k, t in mean.items()])}. "
        if self.linearizable:
            return f"{told}The checker finds an order: one copy could have behaved like that."
        if self.linearizable is None:
            return f"{told}The checker gives up: too many orders are possible."
        held = f"What holds: {listed(kept)}." if kept else "No promise of the table holds."
        when = duration(round(right_until(self.history), 4))
        return (
            f"{told}Not linearizable: right until {when}, and "
            f"{counted(len(self.smallest), 'operation')} suffice to show it. {held}"
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        """The smallest violation, or what each checker says."""
        if self.smallest:
            return {
                "client": [one.client for one in self.smallest],
                "does": [one.kind for one in self.smallest],
                "value": ["nothing" if one.value is None else one.value for one in self.smallest],
                "from (s)": [round(one.start, 3) for one in self.smallest],
                "to (s)": ["?" if one.end == math.inf else round(one.end, 3)
                           for one in self.smallest],
            }  # fmt: skip
        return {
            "promise": list(self.verdicts),
            "kept": [{True: "yes", False: "no", None: "unknown"}[one.holds]
                     for one in self.verdicts.values()],
            "states looked at": [one.states for one in self.verdicts.values()],
        }  # fmt: skip


@style.wide
def plot(run: Register, ax: Axes, mine: Mine | None = None) -> None:
    """Draw the operations around the violation, and the messages that made it."""
    at = run.at
    clients = [f"client {i + 1}" for i in range(at.clients)]
    if not run.history:
        note(ax, 0.1, 0.5, "nothing happened")
        return
    draw_history(ax, run.history, run.smallest, clients=clients, above=at.replicas)
    ends = [at.replicas - 1 - i for i in range(at.replicas)]
    for row in ends:
        ax.axhline(row, color=style.FAINT, linewidth=1.2)
    begun = {(one.start, one.client) for one in run.smallest}
    for message in run.messages:
        if (message.begun, f"client {message.client + 1}") in begun:
            client = at.replicas + at.clients - 1 - message.client
            went = [client, ends[message.replica]]
            times = (message.sent, message.sent + message.took)
            color = style.ORANGE if message.back else style.BLUE if message.value else style.SKY
            ax.plot(times, went[::-1] if message.back else went, linewidth=0.9,
                    color=style.GHOST if message.lost else color,
                    linestyle=":" if message.lost else "-")  # fmt: skip
    names = [f"replica {i + 1}" for i in range(at.replicas)]
    tops = [at.replicas + at.clients - 1 - i for i in range(at.clients)]
    ax.set_yticks([*tops, *ends], [*clients, *names])
    ax.grid(False)
    answers = {True: "Linearizable", False: "Not linearizable", None: "Nobody knows"}
    ax.set_title(answers[run.linearizable])
    if mine is not None:
        text = f"your model: linearizable? {mine['linearizable']}"
        note(ax, 0.6, 1.09, text, style.VERMILION)


# --- the violation, message by message ------------------------------------------------------------


@takes(Setting)
def watch(at: Setting) -> Log:
    """Follow the messages of the smallest violation, or of the first three operations."""
    run = simulate(at)
    some = run.smallest or sorted(run.history, key=lambda one: one.start)[:3]
    named = {(one.start, one.client): said(one) for one in some}
    log = Log("The violation" if run.smallest else "Three operations", noun="message")
    for i in range(at.clients):
        log.place(f"client {i + 1}", "source", at=(0, i), words="is heard")
    for i in range(at.replicas):
        log.place(f"replica {i + 1}", "store", at=(0, at.clients + i), words="arrives")
    log.kind("question", "sky").kind("version", "blue").kind("answer", "orange")
    sent = [m for m in run.messages if (m.begun, f"client {m.client + 1}") in named]
    for number, m in enumerate(sorted(sent, key=lambda m: m.sent)):
        client, replica = f"client {m.client + 1}", f"replica {m.replica + 1}"
        start, to = (replica, client) if m.back else (client, replica)
        carries = "nothing" if m.value is None else str(m.value)
        what = f"{m.what}: {carries}" if m.back or m.value is not None else m.what
        kind = "answer" if m.back else "version" if m.value is not None else "question"
        log.sends(m.sent, f"m{number}", to, m.took, what, kind=kind, start=start, lost=m.lost)
        if m.back and not m.lost:
            log.leaves(m.sent + m.took, f"m{number}", "is read")
    for one in some:
        log.marks(one.start, one.client, said(one))
        if one.end < math.inf:
            bad = bool(run.smallest) and one == some[-1]
            log.marks(one.end, one.client, "is wrong" if bad else "", bad=bad)
    ends = [m.sent + m.took for m in sent] + [one.end for one in some if one.end < math.inf]
    begin = min(one.start for one in some)
    end = begin + 1.12 * (max(ends) - begin)  # room for the last word
    log.marks(end, "client 1", "")
    return log.between(begin, end)
