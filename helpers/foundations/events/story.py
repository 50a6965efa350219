"""What a log says: its events in order, who is where, why what failed, and its curves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable
from functools import cached_property
from typing import Self

import numpy as np

from helpers.foundations.events.curves import Counted, Curve
from helpers.foundations.events.order import Event, in_order
from helpers.foundations.events.rows import COLOURS, COMES, ENDS, NOWHERE, Place, Rows


class Story:
    """What was told of a simulation, read in order of time; see :class:`Log`, which tells it."""

    def __init__(self, title: str, *, noun: str = "request") -> None:
        self.title, self.noun = title, noun
        self.places: list[Place] = []
        self.kinds: dict[str, str] = {noun: COLOURS[0]}
        self._index: dict[str, int] = {}
        self._tokens: dict[Hashable, int] = {}
        self.opening = 0
        self._ends: tuple[float, float] | None = None
        self._events: list[Event] = []
        self._curves: list[Curve | Counted] = []

    @property
    def tokens(self) -> list[Hashable]:
        """The tokens, in the order in which they were first named."""
        return list(self._tokens)

    @property
    def words(self) -> list[str]:
        """Everything that is said of events; the first is nothing."""
        return self._told[1]

    @property
    def begin_s(self) -> float:
        """When the log begins: at 0, where that is not long before the first event."""
        if self._ends is not None:
            return self._ends[0]
        first, last = self._first_and_last
        return 0.0 if 0 <= first <= last - first else first

    @property
    def end_s(self) -> float:
        """When the log ends: with its last event, or its last curve."""
        if self._ends is not None:
            return self._ends[1]
        given = [c.times_s[-1] for c in self._curves if isinstance(c, Curve) and c.times_s.size]
        return float(max(self._first_and_last[1], *given, -math.inf))

    @property
    def _first_and_last(self) -> tuple[float, float]:
        times = [event[0] for event in self._events if event[0] > -math.inf]
        if not times:
            raise ValueError("nothing has happened: the log has no events")
        return min(times), max(times)

    @property
    def rows(self) -> Rows:
        """The events in order of time.

        Raises
        ------
        ValueError
            If nothing happened, or there are more tokens than servers at a place.
        """
        return self._told[0]

    @cached_property
    def curves(self) -> list[Curve]:
        """The curves, those counted from the events among them."""
        return [
            curve
            if isinstance(curve, Curve)
            else curve.of(self.places, self.rows, self.opening, self.begin_s)
            for curve in self._curves
        ]

    @property
    def reasons(self) -> Counter[str]:
        """How many events failed, by reason, the most frequent first."""
        why = self.rows.why
        counted = Counter(why[why > 0].tolist())
        return Counter({self.words[reason]: count for reason, count in counted.most_common()})

    def called(self, token: int) -> str:
        """Return what a token, given by its index, is called."""
        return self._call(self.tokens[token])

    def _call(self, name: Hashable) -> str:
        return name if isinstance(name, str) else f"{self.noun} {name}"

    def told(self, row: int) -> str:
        """Return what happened at an event, in words."""
        rows, words = self.rows, self.words
        what, why = words[rows.what[row]], words[rows.why[row]]
        if rows.token[row] < 0:
            return f"{self.places[rows.place[row]].name}: {what or 'as before'}"
        return f"{self.called(int(rows.token[row]))} {what}" + (f": {why}" if why else "")

    def standing(self, time_s: float) -> dict[str, list[Hashable]]:
        """Return who is where at a time, the events of that instant included.

        Returns
        -------
        dict of str to list
            For each place its tokens, in the order in which they came; at a sink, all that came.
            Who is on the way is nowhere.
        """
        names, token = self.tokens, self.rows.token
        return {
            place.name: [names[token[row]] for row in rows]
            for place, rows in zip(self.places, self.present(time_s), strict=True)
        }

    def present(self, time_s: float) -> list[list[int]]:
        """Return :meth:`standing` as the rows by which the tokens of each place came there."""
        rows = self.rows
        inside: list[dict[int, int]] = [{} for _ in self.places]
        done = int(np.searchsorted(rows.time_s, time_s, side="right"))
        for i in range(max(done, self.opening)):
            token, act, place, left = (
                int(column[i]) for column in (rows.token, rows.act, rows.place, rows.left)
            )
            if left != NOWHERE:
                del inside[left][token]
            if act == COMES or (act == ENDS and self._is_sink(place)):
                inside[place][token] = i
        return [list(place.values()) for place in inside]

    def _is_sink(self, place: int) -> bool:
        return place != NOWHERE and self.places[place].kind == "sink"

    def _changed(self) -> Self:
        for name in ("_told", "curves"):
            self.__dict__.pop(name, None)
        return self

    @cached_property
    def _told(self) -> tuple[Rows, list[str]]:
        called = [self._call(token) for token in self._tokens]
        kinds = {name: index for index, name in enumerate(self.kinds)}
        return in_order(self._events, self.opening, self.begin_s, self.places, kinds, called)
