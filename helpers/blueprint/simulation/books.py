"""What is counted while a design runs."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

#: One line of a log: time, what, where, request, attempt.
Entry = tuple[float, str, str, int, int]


@dataclass
class Tally:
    """What one machine has seen.

    ``arrivals = lost + refused + rejected + finished + reset + those still there``
    """

    arrivals: int = 0
    lost: int = 0  # vanished into a partition
    refused: int = 0
    rejected: int = 0
    started: int = 0
    finished: int = 0
    reset: int = 0
    wait_s: float = 0.0  # time spent waiting by all calls together
    busy_s: float = 0.0  # time spent holding a server by all calls together

    def minus(self, other: Tally) -> Tally:
        """Return what came after `other`."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Tally(*(mine - theirs for mine, theirs in pairs))

    def copy(self) -> Tally:
        """Return a copy that stays as it is."""
        return copy.copy(self)


@dataclass
class Jobs:
    """What one message queue has seen.

    ``published = processed + failed + lost + waiting + working``
    """

    published: int = 0
    processed: int = 0
    failed: int = 0
    lost: int = 0
    redelivered: int = 0
    waiting: int = 0
    working: int = 0


@dataclass
class Record:
    """What an engine hands back; both engines fill it in alike."""

    sent_s: list[float]
    done_s: list[float]
    outcome: list[int]
    tries: list[int]
    tallies: dict[str, Tally]
    present: dict[str, int]  # calls at each machine at the end
    warm: dict[str, Tally] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)  # by route, retries included
    warm_calls: dict[str, int] = field(default_factory=dict)
    samples: list[tuple[int, ...]] = field(default_factory=list)  # (waiting, busy) of each machine
    jobs: dict[str, Jobs] = field(default_factory=dict)
    log: list[Entry] | None = None
