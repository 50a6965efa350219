"""A table of failure modes that nobody wrote: break each machine of a design in turn.

A broken machine is so for eight seconds out of twelve, at 40 requests/s from clients that give up
after one second. Where that stops being enough: two machines that break together, and people who
repair the wrong one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from helpers import blueprint
from helpers.blueprint import AppServers, Clients, Database, Design, LoadBalancer, Workers
from helpers.blueprint.availability import answered
from helpers.blueprint.components import Component
from helpers.estimation.boxes import photo_site
from helpers.foundations import validation
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, marks, named_axis, whiskers
from helpers.foundations.experiment import (
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import significant
from helpers.foundations.year import YEAR_S

if TYPE_CHECKING:
    import pandas as pd

#: What can happen to a machine.
MODES = ("dies", "hangs", "ten times slower")

_RATE_RPS = 40.0
_AT_S, _UNTIL_S, _RUN_S = 2.0, 10.0, 12.0
_TIMEOUT_S = 1.0


class Setting(Parameters):
    """The photo site, and what happens to each of its machines in turn."""

    mode: str = option(
        "dies",
        "Each machine in turn",
        of=MODES,
        note="One that dies refuses calls at once, one that hangs says nothing.",
    )
    servers: int = integer(3, "Servers", at_least=1, at_most=4)
    replicas: int = integer(1, "Read replicas", at_least=0, at_most=3)
    health_check_s: float = number(
        2.0,
        "Health check every",
        unit="s",
        at_least=0.2,
        at_most=10,
        note="Two failures in a row take a server out of rotation.",
    )
    seed: int = seed()

    @property
    def design(self) -> Design:
        """What is broken."""
        check = blueprint.HealthCheck(interval_s=self.health_check_s, threshold=2)
        design = photo_site(self.servers, self.replicas).replace("balancer", health_check=check)
        return design.replace("clients", rate_rps=_RATE_RPS, timeout_s=_TIMEOUT_S)


@dataclass(frozen=True)
class FailureMode:
    """One row of the table.

    Attributes
    ----------
    machine : str
        What was broken.
    predicted : float
        Share of the requests lost while it is broken, from the graph alone.
    lost : float or None
        The same, simulated; None while the simulation is yet to come.
    requests : int
        Requests that the simulated share rests on.
    """

    machine: str
    predicted: float
    lost: float | None = None
    requests: int = 0

    @property
    def off(self) -> float:
        """How far the simulated share is from the predicted one; 0 until it is simulated."""
        return 0.0 if self.lost is None else abs(self.lost - self.predicted)

    @property
    def margin(self) -> float:
        """Half of the 95 % interval of the simulated share, by Wilson's formula."""
        if self.lost is None:
            return 0.0
        n, z = self.requests, 1.96
        spread = math.sqrt(self.lost * (1 - self.lost) / n + z * z / (4 * n * n))
        return z * spread / (1 + z * z / n)


@takes(Setting)
def simulate(at: Setting) -> Iterator[FailureModes]:
    """Break each machine in turn and count the requests lost; the first frame has the graph alone.

    All machines break under the same traffic.
    """
    design = at.design
    rows = [
        FailureMode(name, 0.0 if at.mode == MODES[2] else foreseen(design, name))
        for name in _breakable(design, at.mode)
    ]
    yield FailureModes(at, list(rows))
    for i, row in enumerate(rows):
        lost, requests = _lost(design, row.machine, at.mode, at.seed)
        rows[i] = FailureMode(row.machine, row.predicted, lost, requests)
        yield FailureModes(at, list(rows))


def _breakable(design: Design, mode: str) -> list[str]:
    names: list[str] = []
    for component in design.components[1:]:
        if isinstance(component, Workers) and mode == "hangs":
            continue  # they fetch their jobs; nobody waits for them
        if component.kind in ("load balancer", "message queue") and mode == MODES[2]:
            continue  # they have no work of their own to be slow at
        one_line = isinstance(component, Workers | blueprint.LoadBalancer)
        names += [component.name] if one_line else component.instances
    return names


def lost_while_broken(design: Design, machine: str, mode: str, *, seed: int = 1) -> float:
    """Return the share of requests lost that are sent while a machine is broken.

    Parameters
    ----------
    design : Design
        A design without errors.
    machine : str
        Name of an instance, such as ``"db-2"``, or of a component.
    mode : {"dies", "hangs", "ten times slower"}
        What happens to it, from the second to the tenth of twelve seconds.
    seed : int
        Seed of the traffic; >= 0.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or there is no such machine.
    """
    validation.one_of("mode", mode, MODES)
    return _lost(design, machine, mode, validation.integer("seed", seed, at_least=0))[0]


@lru_cache(maxsize=512)
def _lost(design: Design, machine: str, mode: str, seed: int) -> tuple[float, int]:
    """Share of the requests sent while a machine is broken that are not answered in time."""
    times = {"at_s": _AT_S, "until_s": _UNTIL_S}
    fault = {
        "dies": lambda: blueprint.kill(machine, **times),
        "hangs": lambda: blueprint.partition(machine, **times),
        "ten times slower": lambda: blueprint.slow(machine, factor=10, **times),
    }[mode]()
    run = blueprint.simulate_design(design, faults=[fault], duration_s=_RUN_S, seed=seed)
    during = (run.sent_s >= _AT_S) & (run.sent_s < _UNTIL_S)
    return float((run.outcome[during] != 0).mean()), int(during.sum())


# --- theory: what the graph says ------------------------------------------------------------------


def foreseen(
    design: Design, machine: str, *, at_s: float = _AT_S, until_s: float = _UNTIL_S
) -> float:
    """Return the share of requests lost while a machine is dead, from the graph alone.

    Parameters
    ----------
    design : Design
        A valid design without caches.
    machine : str
        Name of an instance, such as ``"app-1"``, or of a component.
    at_s, until_s : float
        When it dies and when it is back, seconds.

    Returns
    -------
    float
        Share of the requests sent in that time.

    Raises
    ------
    ValueError
        If the design has no such machine.

    Notes
    -----
    Without a spare, every kind of request dies that needs the component. One of n servers behind
    a balancer loses its n-th part until the health check has failed often enough, then nothing.
    What the graph does not know: time. A machine that says nothing, instead of refusing, holds
    those who wait for it.
    """
    component, _ = design.instance(machine)
    spares = component.machines - getattr(component, "needed", 1)
    if isinstance(component, AppServers) and spares > 0:
        share = _noticed_s(design, component, at_s, until_s) / (until_s - at_s)
        return share / component.machines
    gone = {kind: not _works(design, component, machine, kind) for kind in ("read", "write")}
    job_gone = not _works(design, component, machine, "job") and not gone["write"]
    clients = design.clients
    lost = 0.0
    for kind, share in (("read", 1 - clients.write_fraction), ("write", clients.write_fraction)):
        lost += share * (gone[kind] or clients.job_fraction * job_gone)
    return lost


def _works(design: Design, component: Component, machine: str, kind: str) -> bool:
    up = {c.name: np.array([True]) for c in design if not isinstance(c, Clients)}
    if isinstance(component, Database) and component.replicas:
        # Reads live on the replicas, writes on the primary.
        primary = machine == component.instances[0]
        up[component.name] = np.array([kind == "read" or not primary])
    else:
        up[component.name] = np.array([False])
    return bool(answered(design, kind, up)[0])


def _noticed_s(design: Design, component: Component, at_s: float, until_s: float) -> float:
    """Seconds until a balancer takes a dead server out of rotation."""
    for caller in design.callers(component.name):
        if isinstance(caller, LoadBalancer) and caller.health_check is not None:
            check = caller.health_check
            # A check at the very moment of the fault already sees it.
            first = math.ceil(at_s / check.interval_s * (1 - 1e-12)) * check.interval_s
            noticed = first + (check.threshold - 1) * check.interval_s
            return min(noticed, until_s) - at_s
    return until_s - at_s


# --- what it says ---------------------------------------------------------------------------------


class FailureModes(Result):
    """What the loss of each machine does to a design; one row for each."""

    at: Setting
    rows: list[FailureMode]

    @property
    def known(self) -> list[FailureMode]:
        """The rows that have been simulated."""
        return [row for row in self.rows if row.lost is not None]

    @property
    def surprises(self) -> list[FailureMode]:
        """The rows in which simulation and graph differ by more than twice the margin, and 5 %."""
        return [row for row in self.known if row.off > max(2 * row.margin, 0.05)]

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {
            "machines": len(self.rows),
            "simulated": len(self.known),
            "surprises": len(self.surprises),
        }
        for row in self.rows:
            key = row.machine.replace("-", "_")
            found[f"{key}_predicted_percent"] = 100 * row.predicted
            if row.lost is not None:
                found[f"{key}_lost_percent"] = 100 * row.lost
        return found

    @property
    def reading(self) -> str:
        if not self.known:
            return f"The graph predicts what is lost when each of {len(self.rows)} machines dies."
        worst = max(self.known, key=lambda row: row.lost or 0.0)
        text = (
            f"While it {_verb(self.at.mode)}, {worst.machine} costs the most: "
            f"{significant(100 * (worst.lost or 0.0))} % of the requests."
        )
        if not self.surprises:
            return f"{text} The graph foresaw all {len(self.known)} rows."
        off = max(self.surprises, key=lambda row: row.off)
        return (
            f"{text} In {len(self.surprises)} of {len(self.known)} rows the graph is wrong, most "
            f"for {off.machine}: it foresees {significant(100 * off.predicted)} % lost, the "
            f"simulation loses {significant(100 * (off.lost or 0.0))} %."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        rows = []
        for row in self.rows:
            component, _ = self.at.design.instance(row.machine)
            down_h = (1 - component.availability) * YEAR_S / 3_600
            rows.append(
                {
                    "machine": row.machine,
                    "kind": component.kind,
                    "failure": self.at.mode,
                    "lost, by the graph (%)": 100 * row.predicted,
                    "lost, simulated (%)": None if row.lost is None else 100 * row.lost,
                    "broken (h/year)": down_h,
                    "lost hours a year": None if row.lost is None else down_h * row.lost,
                }
            )
        frame = pd.DataFrame(rows).set_index("machine")
        return frame.sort_values("lost hours a year", ascending=False, kind="stable")


def _verb(mode: str) -> str:
    return "is ten times slower" if mode == MODES[2] else mode


def plot(run: FailureModes, ax: Axes) -> None:
    """Draw what is lost while each machine is broken, by the graph and simulated."""
    rows = run.rows
    ax.set_title("What is lost while each machine is broken")
    ax.set_xlim(0, 109)
    ax.set_ylim(max(len(rows), 6) - 0.4, -0.6)
    named_axis(ax, "y", [row.machine for row in rows])
    ax.tick_params(axis="y", length=0)
    ax.set_xticks([0, 25, 50, 75, 100], ["none", "25 %", "50 %", "75 %", "all"])
    ax.set_xlabel("requests lost meanwhile (dashed: what the graph foresees)")
    surprises = {row.machine for row in run.surprises}
    for y, row in enumerate(rows):
        at = 100 * row.predicted
        if row.lost is not None:
            lost = 100 * row.lost
            text = f"{lost:.0f} %" + (", a surprise" if row.machine in surprises else "")
            side = 1 if lost < 70 else -1
            beyond = max(lost + 100 * row.margin, at) if side == 1 else lost - 100 * row.margin
            ax.text(beyond + 1.2 * side, y, text, fontsize=9, va="center",
                    ha="left" if side == 1 else "right",
                    color=style.INK if side == 1 else "white", fontweight="bold")  # fmt: skip
    simulated = [(y, row.lost, row.margin) for y, row in enumerate(rows) if row.lost is not None]
    places, lost, margin = np.reshape(simulated, (-1, 3)).T * [[1], [100], [100]]
    bars(ax, places, lost, 0.5, along="x", facecolor=style.BLUE, alpha=0.7)
    whiskers(ax, places, lost, lost - margin, lost + margin, along="x", color=style.BLUE, ls="none")
    marks(ax, range(len(rows)), [100 * row.predicted for row in rows], 0.72, along="x")
