"""What became of every request of a run, and what every machine went through."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from helpers.blueprint.components import Served, Workers
from helpers.blueprint.design import Design
from helpers.blueprint.graph import machines
from helpers.blueprint.simulation.books import Entry, Jobs, Tally
from helpers.blueprint.simulation.rules import IN_FLIGHT, OK, OUTCOMES, REJECTED
from helpers.blueprint.simulation.scenario import Run
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class DesignResult(Result):
    """What became of every request, and what every machine went through.

    Attributes
    ----------
    at : Run
        What was run. Means leave out the first `warm_up_s` seconds; counts do not.
    sent_s, done_s : numpy.ndarray, shape (requests,)
        When each request was sent and when its fate was decided, seconds; `done_s` is NaN while it
        is in flight.
    outcome : numpy.ndarray of int, shape (requests,)
        Codes, spelled out in :data:`~helpers.blueprint.simulation.rules.OUTCOMES`.
    tries : numpy.ndarray of int, shape (requests,)
        Calls the clients made for each request: 1 and its retries.
    tallies, whole_tallies : dict of str to Tally
        What each machine saw after the warm-up, and in the whole run.
    present : dict of str to int
        Calls at each machine at the end, waiting, in service, or waiting for others without a
        thread.
    edge_rps : dict of (str, str) to float
        Calls per second along each edge after the warm-up, retries included.
    sample_s : numpy.ndarray, shape (samples,)
        Times at which queue lengths were written down.
    waiting, busy : dict of str to numpy.ndarray, shape (samples,)
        Calls waiting at, and servers held at, each machine.
    jobs : dict of str to Jobs
        Books of each message queue.
    log : list of tuple, optional
        Every event: (time, what, where, request, attempt).
    """

    at: Run
    sent_s: Floats
    done_s: Floats
    outcome: Integers
    tries: Integers
    tallies: dict[str, Tally]
    whole_tallies: dict[str, Tally]
    present: dict[str, int]
    edge_rps: dict[tuple[str, str], float]
    sample_s: Floats
    waiting: dict[str, Integers]
    busy: dict[str, Integers]
    jobs: dict[str, Jobs]
    log: list[Entry] | None

    @property
    def design(self) -> Design:
        """The design that was run."""
        return self.at.design

    # --- requests --------------------------------------------------------------------------------

    @property
    def sent(self) -> int:
        """Requests sent in the whole run: ``answered + failed + dropped + in_flight``."""
        return len(self.outcome)

    @property
    def answered(self) -> int:
        """Requests answered."""
        return int(np.count_nonzero(self.outcome == OK))

    @property
    def dropped(self) -> int:
        """Requests whose last call was rejected by a full queue."""
        return int(np.count_nonzero(self.outcome == REJECTED))

    @property
    def failed(self) -> int:
        """Requests that failed in any other way: refused, reset, timed out, no server left."""
        return int(np.count_nonzero(self.outcome > REJECTED))

    @property
    def in_flight(self) -> int:
        """Requests whose fate was open at the end."""
        return int(np.count_nonzero(self.outcome == IN_FLIGHT))

    @property
    def outcomes(self) -> dict[str, int]:
        """How many requests had each outcome."""
        return {
            name: int(np.count_nonzero(self.outcome == code)) for code, name in OUTCOMES.items()
        }

    @cached_property
    def counted(self) -> Mask:
        """Mask of the requests sent after the warm-up, shape (requests,)."""
        return self.sent_s >= self.at.warm_up_s

    @cached_property
    def response_s(self) -> Floats:
        """Response times of the answered requests sent after the warm-up, seconds."""
        kept = self.counted & (self.outcome == OK)
        return np.asarray(self.done_s[kept] - self.sent_s[kept])

    @property
    def window_s(self) -> float:
        """Length of the run after the warm-up."""
        return self.at.duration_s - self.at.warm_up_s

    @property
    def goodput_rps(self) -> float:
        """Requests answered per second after the warm-up."""
        done = self.done_s[self.outcome == OK]
        return float(np.count_nonzero(done >= self.at.warm_up_s) / self.window_s)

    @cached_property
    def judged(self) -> Mask:
        """Mask of the requests whose fate is a sample of everybody's, shape (requests,).

        They were sent after the warm-up, and before the first one that may still be answered when
        the run ends: those sent later are known by what is decided quickly, be it answers or
        failures. Who has been in flight for longer than any request ever took hangs, and counts.
        """
        in_flight = self.outcome == IN_FLIGHT
        took = (self.done_s - self.sent_s)[~in_flight]
        longest = took.max() if took.size else np.inf
        may_come = in_flight & (self.at.duration_s - self.sent_s <= longest)
        first = self.sent_s[may_come].min(initial=np.inf)
        return np.asarray(self.counted & (self.sent_s < first))

    @property
    def success_ratio(self) -> float:
        """Of the requests that are :attr:`judged`, the fraction answered; NaN if there is none."""
        judged = self.outcome[self.judged]
        return float((judged == OK).mean()) if judged.size else float("nan")

    def outcome_rates(self, bins: int = 60) -> dict[str, Floats]:
        """Return how many requests a second were answered, failed and dropped over time.

        Parameters
        ----------
        bins : int
            Number of equal slices of the run; >= 1.

        Returns
        -------
        dict of str to numpy.ndarray
            ``time_s`` (the middle of each slice), ``sent_rps``, ``answered_rps``, ``failed_rps``,
            ``dropped_rps``, each of shape (bins,).
        """
        bins = validation.integer("bins", bins, at_least=1)
        edges = np.linspace(0, self.at.duration_s, bins + 1)
        width = self.at.duration_s / bins

        def rate(times: Floats) -> Floats:
            return np.asarray(np.histogram(times, edges)[0] / width)

        return {
            "time_s": (edges[1:] + edges[:-1]) / 2,
            "sent_rps": rate(self.sent_s),
            "answered_rps": rate(self.done_s[self.outcome == OK]),
            "failed_rps": rate(self.done_s[self.outcome > REJECTED]),
            "dropped_rps": rate(self.done_s[self.outcome == REJECTED]),
        }

    # --- machines --------------------------------------------------------------------------------

    @cached_property
    def utilisation(self) -> dict[str, float]:
        """Fraction of its servers that each machine used, on average after the warm-up."""
        found = {}
        for name, component in machines(self.design).items():
            if isinstance(component, Served):
                team = component.count if isinstance(component, Workers) else 1
                capacity = component.servers * team * self.window_s
                found[name] = self.tallies[name].busy_s / capacity
        return found

    @property
    def busiest(self) -> str:
        """Name of the machine with the highest utilisation."""
        return max(self.utilisation, key=self.utilisation.__getitem__)

    @property
    def summary(self) -> dict[str, float | int | str]:
        """Counts, response times of the answered requests, and the busiest machine."""
        response = self.response_s
        known = len(response) > 0
        p50, p99 = np.percentile(response, (50, 99)) if known else (np.nan, np.nan)
        found: dict[str, float | int | str] = {
            "sent": self.sent,
            "answered": self.answered,
            "failed": self.failed,
            "dropped": self.dropped,
            "in_flight": self.in_flight,
            "goodput_rps": self.goodput_rps,
            "mean_ms": 1e3 * float(response.mean()) if known else np.nan,
            "p50_ms": 1e3 * float(p50),
            "p99_ms": 1e3 * float(p99),
        }
        if self.utilisation:
            found["busiest"] = self.busiest
            found["busiest_utilisation"] = self.utilisation[self.busiest]
        return found

    @property
    def reading(self) -> str:
        """What happened, in a sentence."""
        if self.sent == 0:
            return f"No request reached {self.design.name} in {duration(self.at.duration_s)}."
        share = significant(100 * self.answered / self.sent)
        sentence = f"{share} % of {self.sent:,} requests were answered"
        if len(self.response_s):
            p50, p99 = np.percentile(self.response_s, (50, 99))
            sentence += f", half of them within {duration(p50)} and 99 % within {duration(p99)}"
        rest = [
            f"{count:,} {what}"
            for count, what in (
                (self.failed, "failed"),
                (self.dropped, "were dropped"),
                (self.in_flight, "were still in flight"),
            )
            if count
        ]
        if rest:
            sentence += "; " + " and ".join([", ".join(rest[:-1]), rest[-1]] if rest[1:] else rest)
        if self.utilisation:
            busy = self.utilisation[self.busiest]
            sentence += (
                f"; the busiest machine, {self.busiest}, was {significant(100 * busy)} % busy"
            )
        return sentence + "."

    @property
    def columns(self) -> Mapping[str, Any]:
        """What each machine saw after the warm-up, one row a machine."""
        kinds = machines(self.design)
        tallies = [self.tallies[name] for name in kinds]
        return {
            "machine": list(kinds),
            "kind": [component.kind for component in kinds.values()],
            "calls_rps": [tally.arrivals / self.window_s for tally in tallies],
            "utilisation": [self.utilisation.get(name, np.nan) for name in kinds],
            "mean_wait_ms": [1e3 * _ratio(tally.wait_s, tally.started) for tally in tallies],
            "mean_waiting": [tally.wait_s / self.window_s for tally in tallies],
            "rejected": [tally.rejected for tally in tallies],
            "refused": [tally.refused for tally in tallies],
            "reset": [tally.reset for tally in tallies],
            "lost": [tally.lost for tally in tallies],
        }

    def events(self) -> pd.DataFrame:
        """Return the log as a table, one row an event.

        Raises
        ------
        ValueError
            If the run was made without ``log=True``.
        """
        import pandas as pd

        if self.log is None:
            raise ValueError("this run kept no log: simulate_design(..., log=True) keeps one")
        return pd.DataFrame(self.log, columns=["time_s", "what", "where", "request", "attempt"])


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
