"""Consumers at work, whatever the broker: they fetch, work in order, and one of them is killed."""

from __future__ import annotations

import heapq
from typing import Any, NamedTuple

import numpy as np

from helpers.foundations.experiment import Draws

MESSAGES, _KEYS = 60, 12
_LAST_S = 1_000.0  # nobody looks longer


class Message(NamedTuple):
    """A message: its number in the order of publishing, its key and how long its work takes."""

    number: int
    key: int
    published_s: float
    work_s: float


class Work(NamedTuple):
    """A consumer at work on a message; `done` is False where it was killed meanwhile."""

    consumer: int
    message: Message
    begin_s: float
    end_s: float
    done: bool


def messages_of(at: Any) -> list[Message]:
    """The same messages for every broker."""
    draw = Draws(at.seed)
    published = np.cumsum(draw("gaps").exponential(1 / at.rate_rps, MESSAGES))
    keys = draw("keys").integers(0, _KEYS, MESSAGES)
    works = at.work_s * draw("work").uniform(0.5, 1.5, MESSAGES)
    columns = (published.tolist(), works.tolist())
    return [
        Message(n, int(key), came, takes_s)
        for n, (key, came, takes_s) in enumerate(zip(keys, *columns, strict=True))
    ]


def follow(at: Any, broker: Any) -> list[Work]:
    """Let consumers fetch from a broker and work, one of them killed; return all they did.

    Consumer 0 is killed. Whoever holds least is asked first whether it wants more.
    """
    events: list[tuple[float, int, str, Any]] = []
    order = iter(range(1_000_000))

    def later(when: float, what: str, about: Any = None) -> None:
        heapq.heappush(events, (when, next(order), what, about))

    for message in messages_of(at):
        later(message.published_s, "publish", message)
    if at.kill:
        later(at.kill_s, "kill", 0)
    held: dict[int, list[Message]] = {consumer: [] for consumer in range(at.consumers)}
    working: dict[int, tuple[Message, float]] = {}
    works = []
    while events and events[0][0] <= _LAST_S:
        now, _, what, about = heapq.heappop(events)
        if what == "publish":
            broker.publish(about)
        elif what == "done" and about in held:
            message, began = working.pop(about)
            works.append(Work(about, message, began, now, True))
            held[about].remove(message)
            broker.done(about, message, now)
            if not held[about]:
                broker.emptied(about)
        elif what == "kill":
            if about in working:
                works.append(Work(about, *working.pop(about), now, False))
            del held[about]
            later(broker.killed(about, now), "notice", about)
        elif what == "notice":
            broker.noticed(about)
        fetched = True
        while fetched:
            fetched = False
            for consumer in sorted(held, key=lambda each: (len(held[each]), each)):
                got = broker.fetch(consumer, len(held[consumer]), now)
                held[consumer] += got
                fetched = fetched or bool(got)
                if got:
                    later(now + at.visibility_s, "look")
        for consumer, messages in held.items():
            if messages and consumer not in working:
                working[consumer] = messages[0], now
                later(now + messages[0].work_s, "done", consumer)
    return works


class Told(NamedTuple):
    """What became of the messages at one broker.

    Attributes
    ----------
    works : tuple of Work
        In the order in which they ended.
    first, older : numpy.ndarray of bool, shape (works,)
        Whether a work was the first of its message that was done, and whether it was done after a
        newer message of the same key.
    finished_s : numpy.ndarray, shape (60,)
        When each message was first done; infinite if it never was.
    """

    works: tuple[Work, ...]
    first: np.ndarray
    older: np.ndarray
    finished_s: np.ndarray

    @property
    def twice(self) -> int:
        """Works done that had been done before."""
        return sum(work.done for work in self.works) - int(self.first.sum())

    @property
    def lost(self) -> int:
        """Messages never done."""
        return int(np.isinf(self.finished_s).sum())

    def backlog_at(self, time_s: np.ndarray, published_s: np.ndarray) -> np.ndarray:
        """Messages published and not yet done at each time."""
        done = np.sort(self.finished_s)
        return np.asarray(
            np.searchsorted(published_s, time_s, "right") - np.searchsorted(done, time_s, "right")
        )


def told(works: list[Work]) -> Told:
    """Judge what consumers did, in the order in which it was finished."""
    works = sorted(works, key=lambda work: work.end_s)
    finished = np.full(MESSAGES, np.inf)
    newest: dict[int, int] = {}
    first, older = [], []
    for work in works:
        n, key = work.message.number, work.message.key
        first.append(work.done and bool(np.isinf(finished[n])))
        older.append(work.done and n < newest.get(key, -1))
        if work.done:
            finished[n] = min(finished[n], work.end_s)
            newest[key] = max(n, newest.get(key, -1))
    return Told(tuple(works), np.array(first, bool), np.array(older, bool), finished)
