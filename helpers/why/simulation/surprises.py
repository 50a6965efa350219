"""A deck of surprises, played on a design."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from helpers.blueprint import (
    AppServers,
    Cache,
    Database,
    Design,
    DesignResult,
    Fault,
    LoadBalancer,
    Traffic,
    flash_crowd,
    kill,
    simulate_design,
    slow,
    spike,
)
from helpers.blueprint.simulation.rules import OK
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant

#: When the surprise comes and when it is over, and the length of a run, seconds.
BEGIN_S, UNTIL_S, END_S = 5.0, 11.0, 18.0

#: A request counts if it is answered within this time, seconds.
IN_TIME_S = 1.0

#: A design has survived if at least this share of its requests was answered in time.
SURVIVED = 0.99

_Surprise = Callable[[Design], tuple[Traffic | None, Sequence[Fault]] | None]


def _machine(design: Design, kind: type) -> str | None:
    """First machine of a kind: of a database the primary."""
    found = design.of(kind)
    return found[0].instances[0] if found else None


def _dies(kind: type) -> _Surprise:
    def surprise(design: Design) -> tuple[None, list[Fault]] | None:
        name = _machine(design, kind)
        return (None, [kill(name, at_s=BEGIN_S, until_s=UNTIL_S)]) if name else None

    return surprise


def _slows(kind: type, factor: float) -> _Surprise:
    def surprise(design: Design) -> tuple[None, list[Fault]] | None:
        found = design.of(kind)
        return (
            (None, [slow(found[0].name, factor=factor, at_s=BEGIN_S, until_s=UNTIL_S)])
            if (found)
            else None
        )

    return surprise


def _grows(factor: float) -> _Surprise:
    return lambda _: (spike(at_s=BEGIN_S, length_s=UNTIL_S - BEGIN_S, factor=factor), [])


#: The deck: what happens, from the fifth second to the eleventh. None: it cannot happen here.
DECK: dict[str, _Surprise] = {
    "nothing": lambda _: (None, []),
    "an app server dies": _dies(AppServers),
    "the balancer dies": _dies(LoadBalancer),
    "the database primary dies": _dies(Database),
    "the cache dies": _dies(Cache),
    "the database gets 4 times slower": _slows(Database, 4.0),
    "traffic doubles": _grows(2.0),
    "you are on the news": lambda _: (
        flash_crowd(at_s=BEGIN_S, rise_s=1.0, fade_s=2.0, factor=4.0),
        [],
    ),
}


class SurpriseResult(Result):
    """A design before, during and after a surprise.

    Attributes
    ----------
    surprise : str
        Which one.
    run : DesignResult or None
        What happened; None if the surprise cannot happen to this design.
    """

    surprise: str
    run: DesignResult | None

    @property
    def in_time(self) -> np.ndarray:
        """Which requests were answered in time, shape (requests,)."""
        if self.run is None:
            return np.empty(0, dtype=bool)
        taken = self.run.done_s - self.run.sent_s
        return (self.run.outcome == OK) & (taken <= IN_TIME_S)

    @property
    def judged(self) -> np.ndarray:
        """Which requests were sent early enough to be judged, shape (requests,)."""
        if self.run is None:
            return np.empty(0, dtype=bool)
        return self.run.sent_s <= END_S - IN_TIME_S

    @property
    def share(self) -> float:
        """Share of the requests answered in time; 1 if the surprise cannot happen."""
        return float(self.in_time[self.judged].mean()) if self.judged.any() else 1.0

    @property
    def survived(self) -> bool:
        """Whether enough of them were."""
        return self.share >= SURVIVED

    def rates(self) -> dict[str, np.ndarray]:
        """Requests sent, and answered in time, per second: arrays, shape (36,), by time sent."""
        edges = np.linspace(0, END_S, 37)
        sent = np.empty(0) if self.run is None else self.run.sent_s
        width = edges[1] - edges[0]
        return {
            "time_s": (edges[1:] + edges[:-1]) / 2,
            "sent_rps": np.histogram(sent, edges)[0] / width,
            "in_time_rps": np.histogram(sent[self.in_time], edges)[0] / width,
        }

    @property
    def summary(self) -> dict[str, float | int | str]:
        if self.run is None:
            return {"happens": "no"}
        response = self.run.response_s
        found: dict[str, float | int | str] = {
            "sent": int(self.judged.sum()),
            "in_time": int(self.in_time[self.judged].sum()),
            "in_time_percent": 100 * self.share,
            "failed": self.run.failed + self.run.dropped,
        }
        if response.size:
            found["p99_ms"] = 1e3 * float(np.percentile(response, 99))
        return found

    @property
    def reading(self) -> str:
        if self.run is None:
            return f"{self.surprise.capitalize()}: this design has none, so nothing happens."
        verdict = "survived" if self.survived else "did not survive"
        late = (~self.in_time & self.judged).nonzero()[0]
        last = ""
        if late.size:
            ends = duration(max(float(self.run.sent_s[late[-1]]) - UNTIL_S, 0.0), 2)
            last = f"; the last request to go wrong was sent {ends} after it was over"
            if self.run.sent_s[late[-1]] <= UNTIL_S:
                last = "; when it was over all was well again at once"
        return (
            f"{self.surprise.capitalize()}: {significant(100 * self.share)} % of "
            f"{int(self.judged.sum()):,} requests were answered within {duration(IN_TIME_S)}, so "
            f"the design {verdict} ({100 * SURVIVED:.0f} % wanted){last}."
        )


def simulate_surprise(
    design: Design, *, surprise: str = "an app server dies", seed: int = 1
) -> SurpriseResult:
    """Run a design for 18 seconds and let something happen from the fifth to the eleventh.

    Parameters
    ----------
    design : Design
        A valid design with an open stream of requests.
    surprise : str
        A card of :data:`DECK`.
    seed : int
        Seed of all draws; all surprises meet the same traffic.

    Returns
    -------
    SurpriseResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or the design has errors.
    """
    if not isinstance(design, Design):
        raise TypeError(f"design must be a Design, got {design!r} ({type(design).__name__})")
    validation.one_of("surprise", surprise, DECK)
    seed = validation.integer("seed", seed, at_least=0)
    return SurpriseResult(surprise, _run(design, surprise, seed))


@lru_cache(maxsize=32)
def _run(design: Design, surprise: str, seed: int) -> DesignResult | None:
    played = DECK[surprise](design)
    if played is None:
        return None
    traffic, faults = played
    return simulate_design(design, traffic=traffic, faults=faults, duration_s=END_S, seed=seed)


class DeckResult(Result):
    """A design and all the surprises of the deck.

    Attributes
    ----------
    name : str
        The design's name.
    played : tuple of SurpriseResult
        One for each card.
    """

    name: str
    played: tuple[SurpriseResult, ...]

    @property
    def worst(self) -> SurpriseResult:
        """The one that hurt most."""
        return min(self.played, key=lambda result: result.share)

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {result.surprise: f"{100 * result.share:.1f} %" for result in self.played}

    @property
    def reading(self) -> str:
        survived = sum(result.survived for result in self.played)
        return (
            f"{self.name} survives {survived} of {len(self.played)} cards; the worst is "
            f"{self.worst.surprise!r}, with {significant(100 * self.worst.share)} % of the "
            "requests answered in time."
        )


def play_deck(design: Design, *, seed: int = 1) -> DeckResult:
    """Play every card of the deck on a design.

    Parameters
    ----------
    design, seed
        As for :func:`simulate_surprise`.

    Raises
    ------
    TypeError, ValueError
        As for :func:`simulate_surprise`.
    """
    played = tuple(simulate_surprise(design, surprise=card, seed=seed) for card in DECK)
    return DeckResult(design.name, played)
