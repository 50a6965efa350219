"""A table of failure modes that nobody wrote: break each machine of a design in turn."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from helpers import blueprint
from helpers.blueprint import Design, Workers
from helpers.estimation.simulation.boxes import photo_site
from helpers.estimation.theory.failure_modes import theory_failure_modes
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant

if TYPE_CHECKING:
    import pandas as pd

#: What can happen to a machine.
MODES = ("dies", "hangs", "ten times slower")

_RATE_RPS = 40.0
_AT_S, _UNTIL_S, _RUN_S = 2.0, 10.0, 12.0
_TIMEOUT_S = 1.0


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
    def margin(self) -> float:
        """Half of the 95 % interval of the simulated share, by Wilson's formula."""
        if self.lost is None:
            return 0.0
        n, z = self.requests, 1.96
        spread = math.sqrt(self.lost * (1 - self.lost) / n + z * z / (4 * n * n))
        return z * spread / (1 + z * z / n)


class FailureModesResult(Result):
    """What the loss of each machine does to a design.

    Attributes
    ----------
    servers, replicas, mode, health_check_s
        The parameters it was made with.
    design : Design
        What was broken.
    rows : list of FailureMode
        One for each machine.
    """

    servers: int
    replicas: int
    mode: str
    health_check_s: float
    design: Design
    rows: list[FailureMode]

    @property
    def known(self) -> list[FailureMode]:
        """The rows that have been simulated."""
        return [row for row in self.rows if row.lost is not None]

    @property
    def surprises(self) -> list[FailureMode]:
        """The rows in which simulation and graph differ by more than twice the margin, and 5 %."""
        return [
            row for row in self.known if abs(row.lost - row.predicted) > max(2 * row.margin, 0.05)
        ]

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
        worst = max(self.known, key=lambda row: row.lost)
        text = (
            f"While it {_verb(self.mode)}, {worst.machine} costs the most: "
            f"{significant(100 * worst.lost)} % of the requests."
        )
        if not self.surprises:
            return f"{text} The graph foresaw all {len(self.known)} rows."
        off = max(self.surprises, key=lambda row: abs(row.lost - row.predicted))
        return (
            f"{text} In {len(self.surprises)} of {len(self.known)} rows the graph is wrong, most "
            f"for {off.machine}: it foresees {significant(100 * off.predicted)} % lost, the "
            f"simulation loses {significant(100 * off.lost)} %."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        rows = []
        for row in self.rows:
            component, _ = self.design.instance(row.machine)
            down_h = (1 - component.availability) * 8_766
            rows.append(
                {
                    "machine": row.machine,
                    "kind": component.kind,
                    "failure": self.mode,
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


def simulate_failure_modes(
    *,
    servers: int = 3,
    replicas: int = 1,
    mode: str = "dies",
    health_check_s: float = 2.0,
    seed: int = 1,
) -> Iterator[FailureModesResult]:
    """Break each machine of the photo site in turn and count the requests that are lost.

    A broken machine is so for eight seconds out of twelve, at 40 requests/s from clients that
    give up after one second.

    Parameters
    ----------
    servers : int
        Application servers; 1 to 4.
    replicas : int
        Read replicas of the database; 0 to 3.
    mode : {"dies", "hangs", "ten times slower"}
        What happens: a machine that dies refuses calls at once, one that hangs says nothing.
    health_check_s : float
        Seconds between two looks of the balancer at a server; two failures in a row take the
        server out of rotation. 0.2 to 10.
    seed : int
        Seed of the traffic; >= 0. All machines break under the same traffic.

    Yields
    ------
    FailureModesResult
        First what the graph predicts, then one more simulated row each time.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    validation.one_of("mode", mode, MODES)
    health_check_s = validation.number(
        "health_check_s", health_check_s, at_least=0.2, at_most=10, unit="s"
    )
    seed = validation.integer("seed", seed, at_least=0)
    check = blueprint.HealthCheck(interval_s=health_check_s, threshold=2)
    design = photo_site(servers, replicas).replace("balancer", health_check=check)
    design = design.replace("clients", rate_rps=_RATE_RPS, timeout_s=_TIMEOUT_S)
    names = _breakable(design, mode)
    rows = [
        FailureMode(name, 0.0 if mode == MODES[2] else _predicted(design, name)) for name in names
    ]

    def result() -> FailureModesResult:
        return FailureModesResult(servers, replicas, mode, health_check_s, design, list(rows))

    yield result()
    for i, row in enumerate(rows):
        lost, requests = _lost(design, row.machine, mode, seed)
        rows[i] = FailureMode(row.machine, row.predicted, lost, requests)
        yield result()


def _predicted(design: Design, name: str) -> float:
    return theory_failure_modes(design, name, at_s=_AT_S, until_s=_UNTIL_S)


def _breakable(design: Design, mode: str) -> list[str]:
    names = []
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
