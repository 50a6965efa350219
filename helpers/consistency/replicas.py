"""Copies of one register, and a network between them and their clients that may fail."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple

import simpy

from helpers.foundations.experiment import (
    Draws,
    Parameters,
    flag,
    integer,
    number,
    option,
    seed,
)

#: Who orders the writes, and who answers the reads.
LEADERLESS = "all replicas (leaderless)"
LEADER = "a leader, reads by all"
LEADER_READS = "a leader, reads by it too"
WAYS = (LEADERLESS, LEADER, LEADER_READS)

#: What is done about a replica that answered a read with an older version.
NO_REPAIR = "nothing"
READ_REPAIR = "repaired after the answer"
WRITE_BACK = "repaired before the answer"
REPAIRS = (NO_REPAIR, READ_REPAIR, WRITE_BACK)

#: What happens in the middle third of a run.
NOTHING = "nothing"
DOWN = "the last replica is down"
FORGETS = "the last replica forgets"
CUT = "the last replica and client are cut off"
FAULTS = (NOTHING, DOWN, FORGETS, CUT)

#: When a client is told that too few have answered, and when a hint is tried again, seconds.
PATIENCE_S = 0.4
HAND_OFF_S = 0.1

#: One message in ten takes eight times as long as the others, on average; all of them together,
#: this many times as long as the others.
SLOW, SLOWER = 0.1, 8.0
USUAL = 1 - SLOW + SLOW * SLOWER

#: A version: the stamp that orders it, which client wrote it, and the value.
Version = tuple[float, int, Any]
NO_VERSION: Version = (0.0, 0, None)


class Setting(Parameters):
    """Replicas of a register, who waits for how many of them, and what goes wrong."""

    replicas: int = integer(3, "Replicas N", at_least=1, at_most=5)
    read_quorum: int = integer(2, "A read waits for R", at_least=1, at_most=5)
    write_quorum: int = integer(2, "A write waits for W", at_least=1, at_most=5)
    way: str = option(LEADERLESS, "Asked are", of=WAYS)
    repair: str = option(NO_REPAIR, "An older copy that is met is", of=REPAIRS)
    delay_ms: float = number(20.0, "A message takes on average", unit="ms", above=0, at_most=100)
    loss_percent: float = number(0.0, "Messages lost", unit="%", at_least=0, at_most=40)
    twice_percent: float = number(0.0, "Messages that come twice", unit="%", at_least=0, at_most=40)
    fault: str = option(NOTHING, "In the middle third", of=FAULTS)
    hand_off: bool = flag(False, "What did not arrive is sent again")
    skew_ms: float = number(0.0, "Clocks differ by", unit="ms", at_least=0, at_most=500)
    clients: int = integer(3, "Clients", at_least=1, at_most=5)
    pause_ms: float = number(30.0, "A client pauses", unit="ms", above=0)
    run_s: float = number(1.8, "Watched for", unit="s", above=0)
    seed: int = seed()

    @property
    def r(self) -> int:
        """Answers that a read waits for: no more than there are replicas."""
        return min(self.read_quorum, self.replicas)

    @property
    def w(self) -> int:
        """Copies that a write waits for: no more than there are replicas."""
        return min(self.write_quorum, self.replicas)

    @property
    def strict(self) -> bool:
        """Whether every R replicas and every W share one."""
        return self.r + self.w > self.replicas

    def in_trouble(self, now: float) -> bool:
        """Whether it is the middle third of the run."""
        return self.run_s / 3 <= now < 2 * self.run_s / 3


class TooFewError(Exception):
    """Too few replicas have answered in time."""


class Message(NamedTuple):
    """One way of one message, for those who want to see it.

    Attributes
    ----------
    begun : float
        When the operation began that it belongs to.
    client, replica : int
    sent, took : float
        Seconds.
    back : bool
        Whether it goes from the replica to the client.
    what : str
        As it would follow "message 3".
    value : object
        Of the version that it carries, None for a question.
    lost : str
        Why it did not arrive, if so.
    """

    begun: float
    client: int
    replica: int
    sent: float
    took: float
    back: bool
    what: str
    value: Any
    lost: str


class Replicas:
    """The copies, and what can be asked of them."""

    def __init__(self, at: Setting, draw: Draws, world: simpy.Environment) -> None:
        self.at, self.world = at, world
        self.copies = [NO_VERSION] * at.replicas
        self.messages: list[Message] = []
        self._rng = draw("messages")
        ahead = draw("clocks").normal(0, 1, at.clients)
        self._ahead_s = (1e-3 * at.skew_ms * ahead).tolist()
        self._forgot, self._stamp = False, 0

    def clock(self, me: int) -> float:
        """What a client's clock shows; 1 s at the beginning, give or take its error."""
        return max(1.0 + self.world.now + float(self._ahead_s[me]), 1e-9)

    def ask(self, me: int, need: int) -> Generator[Any, Any, Any]:
        """Ask all replicas which version they have; return the first `need` answers."""
        to = range(self.at.replicas) if self.at.way != LEADER_READS else [0]
        return self._gather(me, to, min(need, len(to)), "asks", None)

    def store(self, me: int, version: Version, need: int) -> Generator[Any, Any, Any]:
        """Have all replicas keep a version if it is newer; wait until `need` have it."""
        return self._gather(me, range(self.at.replicas), need, "is to be kept", version)

    def lead(self, me: int, value: Any, need: int) -> Generator[Any, Any, Any]:
        """Have the leader, the first replica, order a write and pass it on; return its version."""
        stamped: list[Version] = []

        def order(_: int) -> Version:
            self._stamp += 1
            stamped.append((float(self._stamp), me, value))
            self._keep(0, stamped[0])
            return stamped[0]

        yield from self._gather(me, [0], 1, "is to be ordered", None, order)
        if need > 1:
            rest = range(1, self.at.replicas)
            yield from self._gather(me, rest, need - 1, "is passed on", stamped[0])
        else:
            self.tell(me, stamped[0])
        return stamped[0]

    def tell(self, me: int, version: Version) -> None:
        """Send a version to all replicas and wait for nobody."""
        self._send_all(me, range(self.at.replicas), "is to be kept", version, None)

    # --- the network ------------------------------------------------------------------------------

    def _gather(
        self,
        me: int,
        to: Any,
        need: int,
        what: str,
        version: Version | None,
        do: Callable[[int], Version] | None = None,
    ) -> Generator[Any, Any, Any]:
        answers = self._send_all(me, to, what, version, do)
        deadline = self.world.now + PATIENCE_S
        heard: list[Any] = []
        while len(heard) < need:
            answer = answers.get()
            yield answer | self.world.timeout(deadline - self.world.now)
            if not answer.triggered:
                raise TooFewError
            heard.append(answer.value)
        return heard

    def _send_all(
        self, me: int, to: Any, what: str, version: Version | None, do: Any
    ) -> simpy.Store:
        answers = simpy.Store(self.world)
        begun = self.world.now
        for i in to:
            self.world.process(self._reach(begun, me, i, what, version, do, answers))
        return answers

    def _reach(
        self, begun: float, me: int, i: int, what: str, version: Version | None, do: Any,
        answers: simpy.Store,
    ) -> Generator[Any, Any, Any]:  # fmt: skip
        hint = version is not None and self.at.hand_off
        while not (yield from self._way(begun, me, i, False, what, version)):
            if not hint:
                return
            yield self.world.timeout(HAND_OFF_S)
        if do is not None:
            version = do(i)
        elif version is not None:
            self._keep(i, version)
        has = self.copies[i]
        if (yield from self._way(begun, me, i, True, "answers", has)):
            answers.put(version or has)

    def _way(
        self, begun: float, me: int, i: int, back: bool, what: str, version: Version | None
    ) -> Generator[Any, Any, Any]:
        """One message goes one way; return whether it arrives."""
        sent, at = self.world.now, self.at
        slow = SLOWER if self._rng.random() < SLOW else 1.0
        took = 1e-3 * at.delay_ms * slow * float(self._rng.exponential()) / USUAL
        yield self.world.timeout(took)
        lost = self._lost(me, i)
        value = None if version is None else version[2]
        self.messages.append(Message(begun, me, i, sent, took, back, what, value, lost))
        if not lost and at.twice_percent and 100 * self._rng.random() < at.twice_percent:
            self.world.process(self._again(begun, me, i, back, what, version))
        return not lost

    def _again(
        self, begun: float, me: int, i: int, back: bool, what: str, version: Version | None
    ) -> Generator[Any, Any, Any]:
        again = yield from self._way(begun, me, i, back, f"{what}, again", version)
        if again and not back and version is not None:
            self._keep(i, version)

    def _lost(self, me: int, i: int) -> str:
        """Why a message between a client and a replica does not arrive now; "" if it does."""
        at, last = self.at, self.at.replicas - 1
        if at.loss_percent and 100 * self._rng.random() < at.loss_percent:
            return "lost on the way"
        if at.in_trouble(self.world.now):
            if at.fault == DOWN and i == last:
                return "the replica is down"
            if at.fault == CUT and (i == last) != (me == at.clients - 1):
                return "the network is cut"
            if at.fault == FORGETS and i == last and not self._forgot:
                self._forgot = True
                self.copies[i] = NO_VERSION
        return ""

    def _keep(self, i: int, version: Version) -> None:
        self.copies[i] = max(self.copies[i], version, key=lambda one: one[:2])
