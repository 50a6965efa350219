"""A log: places, and who went where, when and why; told by a simulation, in any order."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation
from helpers.foundations.events.curves import Counted, Curve
from helpers.foundations.events.order import FIRST, LAST, NEXT, Event, when_one_goes
from helpers.foundations.events.rows import (
    COLOURS,
    COMES,
    ENDS,
    NOWHERE,
    PLACES,
    SAYS,
    SETS_OUT,
    WARNS,
    Place,
)
from helpers.foundations.events.story import Story

_LOST_AT = 0.6  # of its way


class Log(Story):
    """What happened in a simulation, event by event.

    Every method that adds something returns the log, so that calls can be chained.

    Parameters
    ----------
    title : str
        What is seen.
    noun : str
        What a token is called: a token 3 is then "request 3". Tokens that are texts are called
        what they say.

    Attributes
    ----------
    places : list of Place
    kinds : dict of str to str
        Name of each kind of token, and its colour; the first is the usual one.
    opening : int
        How many rows say where tokens are before anything happens; they come first.
    """

    # What there is

    def place(
        self,
        name: str,
        kind: str,
        *,
        at: tuple[float, float] | None = None,
        number: int = 1,
        words: str = "",
    ) -> Self:
        """Add a place.

        Parameters
        ----------
        name : str
            As a learner reads it; no two places share it.
        kind : {"source", "queue", "servers", "store", "sink"}
            See :class:`Place`.
        at : (float, float), optional
            Column and row on a small grid, row 0 on top; by default to the right of the last one.
        number : int
            How many servers.
        words : str
            What is said of a token that comes there; by default "waits in line" and the like.

        Raises
        ------
        TypeError, ValueError
            If the name is taken, there is no such kind, or `number` is not for it.
        """
        if not isinstance(name, str) or not name:
            raise TypeError(f"a place needs a name, got {name!r}")
        if name in self._index:
            raise ValueError(f"there are two places called {name!r}")
        kind = validation.one_of("kind", kind, tuple(PLACES))
        number = validation.integer("number", number, at_least=1)
        if number > 1 and kind != "servers":
            raise ValueError(f"{name!r} is a {kind} and has no number of servers, got {number}")
        if at is None:
            last = self.places[-1] if self.places else None
            at = (last.column + 1, last.row) if last else (0, 0)
        column, row = (validation.number("at", end, at_least=0, at_most=50) for end in at)
        words = words or PLACES[kind].format(place=name)
        self._index[name] = len(self.places)
        self.places.append(Place(name, kind, column, row, number, words))
        return self._changed()

    def kind(self, name: str, colour: str) -> Self:
        """Name a kind of token and its colour, one of :data:`COLOURS`."""
        self.kinds[name] = validation.one_of("colour", colour, COLOURS)
        return self._changed()

    # What happened

    def begins(self, token: Hashable, place: str, *, kind: str = "") -> Self:
        """A token is at a place before anything happens."""
        index = self._place(place)
        if self._is_sink(index):
            raise ValueError(f"{place!r} is a sink: nothing begins there")
        known = len(self._tokens)
        self._add(0.0, token, COMES, index, kind=kind)
        if len(self._tokens) == known:
            self._events.pop()
            raise ValueError(f"{token!r} has begun already")
        self._events[-1] = (-math.inf, *self._events[-1][1:])
        self.opening += 1
        return self

    def moves(
        self,
        now: float,
        token: Hashable,
        place: str,
        what: str = "",
        why: str = "",
        *,
        kind: str = "",
        slot: int | None = None,
        start: str = "",
    ) -> Self:
        """A token goes to a place and is there at once.

        Parameters
        ----------
        now : float
            When, seconds. Events may be told in any order; those of one instant happen in the
            order in which they are told.
        token : hashable
            Which: a number, or a text. It is known from the first time that it is named.
        place : str
            Where it goes.
        what : str
            What happened, as it would follow the token's name: "waits in line". By default what
            the place says.
        why : str
            The reason, if this is a failure.
        kind : str
            What the token is from now on, see :meth:`kind`.
        slot : int, optional
            Which server takes it, from 0; by default the first that is free.
        start : str
            Where it comes from, if this is the first that is heard of it.

        Raises
        ------
        TypeError, ValueError
            If the time is not a number, or there is no such place, kind or server.
        """
        index = self._place(place)
        slot = self._slot("slot", slot, index)
        self._add(now, token, COMES, index, what, why, kind=kind, slot=slot, start=start)
        return self

    def sends(
        self,
        now: float,
        token: Hashable,
        place: str,
        takes_s: float,
        what: str = "",
        *,
        kind: str = "",
        start: str = "",
        lost: str = "",
    ) -> Self:
        """A token sets out for a place and is there `takes_s` later; two events.

        Parameters
        ----------
        now, token, place, what, kind, start
            As for :meth:`moves`; `what` is said when it sets out.
        takes_s : float
            How long it is on the way, seconds; > 0.
        lost : str
            Why it does not get there, if it does not: it ends `takes_s` later, some way before.
        """
        index = self._place(place)
        takes_s = validation.number("takes_s", takes_s, above=0, unit="s")
        what = what or f"sets out for {place}"
        far = takes_s / _LOST_AT if lost else takes_s
        self._add(now, token, SETS_OUT, index, what, kind=kind, start=start, lasts_s=far)
        if lost:
            self._add(now + takes_s, token, ENDS, NOWHERE, "is lost", lost)
        else:
            self._add(now + takes_s, token, COMES, index)
        return self

    def fails(
        self,
        now: float,
        token: Hashable,
        why: str,
        what: str = "fails",
        *,
        place: str = "",
        start: str = "",
        kind: str = "",
    ) -> Self:
        """A token ends where it is, or at `place`, for a reason; see :meth:`moves`."""
        if not why:
            raise ValueError("a failure needs a reason")
        index = self._place(place) if place else NOWHERE
        self._add(now, token, ENDS, index, what, why, kind=kind, start=start)
        return self

    def leaves(self, now: float, token: Hashable, what: str = "is done") -> Self:
        """A token ends well where it is; see :meth:`moves`."""
        self._add(now, token, ENDS, NOWHERE, what)
        return self

    def marks(self, now: float, place: str, what: str, *, bad: bool = False) -> Self:
        """A place says something of itself from now on: "stalled", "open", or "" for nothing.

        Parameters
        ----------
        bad : bool
            Whether that is trouble.
        """
        moment = validation.number("now", now, unit="s")
        act = WARNS if bad else SAYS
        index = self._place(place)
        self._events.append((moment, NEXT, NOWHERE, act, index, what, "", "", None, NOWHERE, 0.0))
        return self._changed()

    def serves(
        self,
        line: str,
        servers: str,
        arrivals_s: npt.ArrayLike,
        starts_s: npt.ArrayLike,
        ends_s: npt.ArrayLike,
        *,
        tokens: Sequence[Hashable] | None = None,
        server: npt.ArrayLike | None = None,
        gone_s: npt.ArrayLike | None = None,
        why: str | Sequence[str] = "",
        kind: str | Sequence[str] = "",
        start: str = "",
        then: str = "",
    ) -> Self:
        """Many tokens come to a line, are served and go: one station, from arrays.

        Parameters
        ----------
        line, servers : str
            The places where they wait and are served.
        arrivals_s, starts_s, ends_s : array_like, shape (n,)
            When each comes, is served and goes, seconds. A start that is not a number stands for
            one who is never served. One that is within rounding of another's end is at that end.
        tokens : sequence of hashable, optional
            Which; 0, 1, 2 ... by default.
        server : array_like of int, shape (n,), optional
            Which server serves each, from 0; by default the first that is free.
        gone_s : array_like, shape (n,), optional
            When those who are never served go; at once by default.
        why : str or sequence of str
            Why they are not served; needed if there are any.
        kind : str or sequence of str
            What each is, see :meth:`kind`.
        start : str
            Where they come from, if this is the first that is heard of them.
        then : str
            Where they go after service. Without it they stay until they are told to move on, as by
            another call for the next station.

        Raises
        ------
        TypeError, ValueError
            If arrays have other shapes, times do not ascend from arrival to start to end, there is
            no such server, or a reason is missing.
        """
        arrivals = validation.numbers("arrivals_s", arrivals_s, unit="s", ndim=1)
        n = arrivals.size
        starts, ends = (
            self._column(name, values, n)
            for name, values in (("starts_s", starts_s), ("ends_s", ends_s))
        )
        served = np.isfinite(starts)
        snapped = when_one_goes(starts[served], ends[served])
        # Nobody starts before coming, be it by a rounding.
        starts[served] = np.where(snapped >= arrivals[served], snapped, starts[served])
        gone = arrivals if gone_s is None else self._column("gone_s", gone_s, n)
        for early, late, order, wrong in (
            ("arrivals_s", "starts_s", "not be before", served & ~(starts >= arrivals)),
            ("starts_s", "ends_s", "be later than", served & ~(ends > starts)),
            ("arrivals_s", "gone_s", "not be before", ~served & ~(gone >= arrivals)),
        ):
            if wrong.any():
                at = int(np.flatnonzero(wrong)[0])
                raise ValueError(f"{late}[{at}] must {order} {early}[{at}]")
        whys = [why] * n if isinstance(why, str) else list(why)
        kinds = [kind] * n if isinstance(kind, str) else list(kind)
        names = list(range(n)) if tokens is None else list(tokens)
        slots: list[Any] = [None] * n if server is None else np.asarray(server).tolist()
        for name, row in (("why", whys), ("kind", kinds), ("tokens", names), ("server", slots)):
            if len(row) != n:
                raise ValueError(f"{name} must be one for each of {n} arrivals, got {len(row)}")
        waits, works = self._place(line), self._place(servers)
        goes = self._place(then) if then else NOWHERE
        for i, (arrival, begin, end, left, is_served) in enumerate(
            zip(*(c.tolist() for c in (arrivals, starts, ends, gone, served)), strict=True)
        ):
            token, reason, shade = names[i], whys[i], kinds[i]
            if is_served:
                slot = self._slot(f"server[{i}]", slots[i], works)
                self._add(arrival, token, COMES, waits, kind=shade, start=start)
                self._add(begin, token, COMES, works, slot=slot, order=LAST)
                if then:
                    self._add(end, token, COMES, goes, order=FIRST)
                continue
            if not reason:
                raise ValueError(f"starts_s[{i}] is not a number, and why[{i}] gives no reason")
            if left > arrival:
                self._add(arrival, token, COMES, waits, kind=shade, start=start)
                self._add(left, token, ENDS, NOWHERE, "gives up", reason, order=FIRST)
            else:
                what = "is turned away"
                self._add(arrival, token, ENDS, waits, what, reason, kind=shade, start=start)
        return self

    # Curves in step with the dots

    def series(
        self,
        name: str,
        times_s: npt.ArrayLike,
        values: npt.ArrayLike,
        *,
        unit: str = "",
        level: float | None = None,
        level_words: str = "theory",
    ) -> Self:
        """Add a number over time, which keeps each value until the next; see :class:`Curve`.

        Raises
        ------
        TypeError, ValueError
            If times and values are not as many finite numbers, or times do not ascend.
        """
        times = validation.numbers("times_s", times_s, unit="s", ndim=1)
        heights = validation.numbers("values", values, ndim=1)
        if times.shape != heights.shape:
            raise ValueError(f"values must be one for each of {times.size}, got {heights.size}")
        if (np.diff(times) < 0).any():
            raise ValueError("times_s must not go back")
        if level is not None:
            level = validation.number("level", level)
        self._curves.append(Curve(name, unit, times, heights, level, level_words))
        return self._changed()

    def counts(
        self,
        place: str,
        name: str = "",
        *,
        level: float | None = None,
        level_words: str = "theory",
    ) -> Self:
        """Add the number of tokens in a place as a curve; at a sink, of those that came."""
        index = self._place(place)
        if level is not None:
            level = validation.number("level", level)
        self._curves.append(Counted(name or f"in {place}", index, level, level_words))
        return self._changed()

    def rates(
        self,
        place: str,
        window_s: float,
        name: str = "",
        *,
        level: float | None = None,
        level_words: str = "theory",
    ) -> Self:
        """Add how many tokens came to a place per second, over the last `window_s`, as a curve."""
        index = self._place(place)
        window = validation.number("window_s", window_s, above=0, unit="s")
        if level is not None:
            level = validation.number("level", level)
        words = name or f"to {place}"
        self._curves.append(Counted(words, index, level, level_words, window))
        return self._changed()

    # A part of it

    def between(self, begin_s: float, end_s: float) -> Log:
        """Return the log of a stretch of time; its own time counts from the beginning of that.

        Who is somewhere at the beginning is there before anything happens, and whoever is on the
        way then sets out for the rest of it. So a simulation is run until it has settled, and a
        stretch of what follows is played.

        Parameters
        ----------
        begin_s, end_s : float
            Seconds; what happens at the end still belongs to it.

        Raises
        ------
        TypeError, ValueError
            If `begin_s` is not before `end_s`, or nothing happens between them.
        """
        begin = validation.number("begin_s", begin_s, unit="s")
        end = validation.number("end_s", end_s, above=begin, unit="s")
        part = Log(self.title, noun=self.noun)
        part.places, part._index = self.places.copy(), self._index.copy()
        part.kinds = self.kinds.copy()
        rows, words, names, kinds = self.rows, self.words, self.tokens, list(self.kinds)
        first, last = (int(np.searchsorted(rows.time_s, t, side="right")) for t in (begin, end))

        def told(row: int, **changes: Any) -> Event:
            place = int(rows.place[row])
            numbered = place >= 0 and self.places[place].kind == "servers" and rows.slot[row] >= 0
            token = int(rows.token[row])
            if token >= 0:
                token = part._tokens.setdefault(names[token], len(part._tokens))
            known = {
                "time_s": float(rows.time_s[row]) - begin,
                "act": int(rows.act[row]),
                "start": int(rows.start[row]),
                "lasts_s": float(rows.lasts_s[row]),
            } | changes
            return (
                known["time_s"], NEXT, token, known["act"], place, words[rows.what[row]],
                words[rows.why[row]], kinds[rows.kind[row]] if token >= 0 else "",
                int(rows.slot[row]) if numbered else None, known["start"], known["lasts_s"],
            )  # fmt: skip

        for place, present in zip(self.places, self.present(begin), strict=True):
            if place.kind != "sink":
                there = {"time_s": -math.inf, "start": NOWHERE}
                part._events += [told(row, **there) for row in present]
        part.opening = len(part._events)
        said: dict[int, int] = {}
        ways: dict[int, int] = {}
        for row in range(first):
            if rows.token[row] < 0:
                said[int(rows.place[row])] = row
            elif rows.act[row] == SETS_OUT:
                ways[int(rows.token[row])] = row
            else:
                ways.pop(int(rows.token[row]), None)
        part._events += [told(row, time_s=0.0) for row in said.values() if rows.what[row]]
        for row in ways.values():
            rest = float(rows.time_s[row] + rows.lasts_s[row]) - begin
            part._events.append(told(row, time_s=0.0, lasts_s=rest))
        part._events += [told(row) for row in range(first, last)]
        if len(part._events) == part.opening:
            raise ValueError(f"nothing happens between {begin:g} and {end:g} s")
        part._ends = (0.0, end - begin)
        part._curves = [
            curve.between(begin, end) if isinstance(curve, Curve) else curve
            for curve in self._curves
        ]
        return part

    # How it is kept

    def _place(self, name: str) -> int:
        if name not in self._index:
            known = ", ".join(map(repr, self._index)) or "none yet"
            raise ValueError(f"there is no place called {name!r}; these are: {known}")
        return self._index[name]

    def _slot(self, name: str, slot: int | None, place: int) -> int | None:
        if slot is None:
            return None
        slot = validation.integer(name, slot, at_least=0)
        there = self.places[place]
        if slot >= there.number:
            raise ValueError(
                f"{name} must be below {there.number}, "
                f"the number of servers of {there.name!r}, got {slot}"
            )
        return slot

    @staticmethod
    def _column(name: str, values: npt.ArrayLike, n: int) -> npt.NDArray[np.float64]:
        column = np.array(values, float)
        if column.shape != (n,):
            raise ValueError(f"{name} must be one for each of {n} arrivals, got {column.shape}")
        return column

    def _add(
        self,
        now: float,
        token: Hashable,
        act: int,
        place: int = NOWHERE,
        what: str = "",
        why: str = "",
        *,
        kind: str = "",
        slot: int | None = None,
        start: str = "",
        lasts_s: float = 0.0,
        order: int = NEXT,
    ) -> None:
        now = float(now)
        if not math.isfinite(now):
            raise ValueError(f"an event needs a time that is a finite number of s, got {now}")
        if kind and kind not in self.kinds:
            known = ", ".join(map(repr, self.kinds))
            raise ValueError(f"there is no kind called {kind!r}; these are: {known}")
        if isinstance(token, np.generic):
            token = token.item()
        index = self._tokens.setdefault(token, len(self._tokens))
        origin = self._place(start) if start else NOWHERE
        self._events.append((now, order, index, act, place, what, why, kind, slot, origin, lasts_s))
        if "_told" in self.__dict__:
            self._changed()
