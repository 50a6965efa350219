"""Events in order of time, and what follows: where each comes from, and which room it takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from helpers.foundations.events.rows import COMES, ENDS, NOWHERE, SETS_OUT, Place, Rows

#: At the same instant, in this order: who goes makes room.
FIRST, NEXT, LAST = range(3)
_ROUNDING = 1e-12  # of the last time
#: An event as it was told: time, order within an instant, token, act, place, what, why, kind, slot,
#: start, and how long it takes.
Event = tuple[float, int, int, int, int, str, str, str, int | None, int, float]


def when_one_goes(
    starts: npt.NDArray[np.float64], ends: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return starts, those that are an end but for rounding exactly there.

    Engines that add times up in another order begin a service some 1e-16 before the last one ends.
    """
    if not starts.size:
        return starts
    known = np.sort(ends)
    after = np.searchsorted(known, starts)
    choices = np.stack([known[np.maximum(after - 1, 0)], known[np.minimum(after, len(known) - 1)]])
    nearest = np.where(abs(choices[0] - starts) <= abs(choices[1] - starts), *choices)
    return np.where(abs(nearest - starts) <= _ROUNDING * abs(known[[0, -1]]).max(), nearest, starts)


class _Room:
    """The numbered rooms within a place; each token takes the first that is free."""

    def __init__(self, place: Place) -> None:
        self._most = place.number if place.kind == "servers" else math.inf
        self.slots: dict[int, int] = {}
        self._taken: dict[int, int] = {}
        self._shared = 0
        self._freed: list[int] = []
        self._next = 0

    def enter(self, token: int, wanted: int | None) -> int:
        slot, taken = wanted, self._taken
        while slot is None or (wanted is None and slot in taken):
            if self._freed:
                slot = heappop(self._freed)
            else:
                slot, self._next = self._next, self._next + 1
        others = taken.get(slot, 0)
        taken[slot] = others + 1
        self._shared += others > 0
        self.slots[token] = slot
        return slot

    def leave(self, token: int) -> None:
        slot = self.slots.pop(token)
        others = self._taken.pop(slot) - 1
        if others:
            self._taken[slot] = others
            self._shared -= 1
        heappush(self._freed, slot)

    def is_too_full(self) -> bool:
        return self._shared > 0 or len(self.slots) > self._most


def in_order(
    told: Sequence[Event],
    opening: int,
    begin: float,
    places: Sequence[Place],
    kinds: Mapping[str, int],
    called: Sequence[str],
) -> tuple[Rows, list[str]]:
    """Return events by time, with what follows from the order, and the words that are said.

    Parameters
    ----------
    told : sequence of Event
    opening : int
        How many of them, told as of before all time, say where tokens are at the beginning.
    begin : float
        When that is, seconds.
    places : sequence of Place
    kinds : mapping of str to int
        Index of each kind of token.
    called : sequence of str
        What each token is called.

    Raises
    ------
    ValueError
        If more are served at a place than it has servers, or one ends that was nowhere.
    """
    events = sorted(told, key=itemgetter(0, 1))
    rooms = [None if place.kind in ("queue", "sink") else _Room(place) for place in places]
    sinks = [place.kind == "sink" for place in places]
    said = [place.words for place in places]
    numbers = [place.number for place in places]
    words: dict[str, int] = {"": 0}
    where, last = [NOWHERE] * len(called), [NOWHERE] * len(called)
    kind_of = [0] * len(called)
    away: set[int] = set()  # who is on the way
    rows: list[tuple[float, ...]] = []
    crowded: list[int] = []  # places to look at when the instant is over
    instant = begin
    for now, _, token, act, place, what, why, kind, wanted, start, lasts_s in events:
        if now == -math.inf:
            now = begin
        if now != instant:
            if crowded:
                _refuse_crowds(places, rooms, crowded, called, instant)
                crowded.clear()
            instant = now
        left, slot, shade = NOWHERE, NOWHERE, 0
        if token >= 0:
            left, where[token] = where[token], NOWHERE
            if left >= 0 and (room := rooms[left]) is not None:
                room.leave(token)
            if start < 0:
                start = last[token] if last[token] >= 0 else place
            if act == COMES:
                if sinks[place]:
                    act = ENDS
                else:
                    where[token] = place
                    if (room := rooms[place]) is not None:
                        slot = room.enter(token, wanted)
                        crowded.append(place)
            elif act == ENDS and place < 0:
                if left < 0 and token not in away:
                    raise ValueError(f"at {now:g} s {called[token]} ends, and was nowhere before")
                place = left
            if act == SETS_OUT:
                away.add(token)
            else:
                away.discard(token)
            if place >= 0:
                last[token] = place
                if not what:
                    what = said[place]
                    if numbers[place] > 1:
                        what += f" {slot % numbers[place] + 1}"
            if kind:
                kind_of[token] = kinds[kind]
            shade = kind_of[token]
        what_, why_ = words.get(what), words.get(why)
        if what_ is None:
            what_ = words[what] = len(words)
        if why_ is None:
            why_ = words[why] = len(words)
        rows.append((now, token, act, start, place, left, slot, lasts_s, shade, what_, why_))
    if crowded:
        _refuse_crowds(places, rooms, crowded, called, instant)
    columns = {
        name: np.array(column)
        for name, column in zip(Rows.names(), zip(*rows, strict=True), strict=True)
    }
    return Rows(**columns), list(words)


def _refuse_crowds(
    places: Sequence[Place],
    rooms: Sequence[_Room | None],
    crowded: Sequence[int],
    called: Sequence[str],
    now: float,
) -> None:
    for index in crowded:
        room = rooms[index]
        if room is not None and room.is_too_full():
            place, names = places[index], ", ".join(called[token] for token in room.slots)
            raise ValueError(
                f"at {now:g} s {names} are served by {place.name!r}, which has {place.number} "
                f"{'server' if place.number == 1 else 'servers'}"
            )
