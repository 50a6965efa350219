"""What happened in a simulation, event by event: dots that go from place to place.

A :class:`Log` has places (where dots can be), tokens (the dots: requests, messages, keys), events
(a token goes to a place, or ends, with a reason where it failed) and curves over the same time.
Simulations make it, from arrays they have or while they run; ``helpers.explore.replay`` plays it.
Nothing here draws, and nothing is added to what the simulation said but the words for it.

Examples
--------
A queue from the arrays that a simulation has anyway:

>>> log = Log("Two at a counter")
>>> _ = log.place("street", "source").place("line", "queue").place("counter", "servers")
>>> _ = log.place("home", "sink")
>>> _ = log.serves("line", "counter", [0.0, 1.0], [0.0, 2.0], [2.0, 3.0], start="street",
...     then="home").counts("line", "waiting")
>>> print(log.told(1), "|", log.told(2))
request 0 is served by counter | request 1 waits in line

The same kind of log, written while a simulation runs; `env` is simpy's:

>>> import simpy
>>> env, log = simpy.Environment(), Log("Patience")
>>> _ = log.place("street", "source").place("line", "queue").place("home", "sink")
>>> def customer(number):
...     yield env.timeout(number)
...     log.moves(env.now, number, "line", start="street")
...     yield env.timeout(3)
...     log.moves(env.now, number, "home", why="waited for 3 s")
>>> for number in range(2):
...     _ = env.process(customer(number))
>>> env.run()
>>> log.told(3), dict(log.reasons)
('request 1 goes to home: waited for 3 s', {'waited for 3 s': 2})
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from heapq import heappop, heappush
from operator import itemgetter
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation

#: What a place can be, and what is said of a token that comes there.
PLACES = {
    "source": "is at {place}",
    "queue": "waits in {place}",
    "servers": "is served by {place}",
    "store": "is in {place}",
    "sink": "goes to {place}",
}
#: Names of colours, as in ``helpers.foundations.drawing.style``.
COLOURS = ("blue", "vermilion", "green", "purple", "orange", "sky", "black")
#: What an event does: a token comes to a place, sets out for one, or ends; a place says something
#: of itself, or warns.
ACTS = ("comes", "sets out", "ends", "says", "warns")
COMES, SETS_OUT, ENDS, SAYS, WARNS = range(5)
_NOWHERE = -1
_ROUNDING = 1e-12  # of the last time
_LOST_AT = 0.6  # of its way
_FIRST, _NEXT, _LAST = range(3)  # at the same instant, in this order: who goes makes room


@dataclass(frozen=True)
class Place:
    """Where tokens can be.

    Attributes
    ----------
    name : str
        As a learner reads it.
    kind : {"source", "queue", "servers", "store", "sink"}
        A source holds tokens that have not begun, or rest; a queue holds them in order; servers
        hold one each; a store holds any number; a sink is where they are gone.
    column, row : float
        Where it stands on a small grid, row 0 on top.
    number : int
        How many servers; 1 for other kinds.
    words : str
        What is said of a token that comes there.
    """

    name: str
    kind: str
    column: float
    row: float
    number: int
    words: str


@dataclass(frozen=True)
class Curve:
    """A number over time: it keeps each value until the next.

    Attributes
    ----------
    name, unit : str
        As a learner reads them.
    times_s, values : numpy.ndarray, shape (n,)
        From each time on, the value.
    level : float or None
        What theory says, where it says a constant.
    level_words : str
        What the level is called.
    """

    name: str
    unit: str
    times_s: np.ndarray
    values: np.ndarray
    level: float | None = None
    level_words: str = ""


@dataclass(frozen=True)
class Rows:
    """The events of a log in order of time, as columns of n numbers each.

    Attributes
    ----------
    time_s : numpy.ndarray of float
    token : numpy.ndarray of int
        Index into ``Log.tokens``; -1 where a place says something of itself.
    act : numpy.ndarray of int
        What happens, an index into :data:`ACTS`.
    start, place : numpy.ndarray of int
        Indices into ``Log.places``: where the token comes from, and where it is from now on, or
        ends; -1 for one that ends on the way.
    left : numpy.ndarray of int
        The place that it was in until now, -1 if it was in none.
    slot : numpy.ndarray of int
        Which server, or which room of a source or store, it takes; -1 elsewhere.
    lasts_s : numpy.ndarray of float
        How long it is on the way to `place`; 0 where it is there at once.
    kind, what, why : numpy.ndarray of int
        Indices into ``Log.kinds`` and ``Log.words``; word 0 is the empty one. An event with a
        reason, `why`, is a failure.
    """

    time_s: np.ndarray
    token: np.ndarray
    act: np.ndarray
    start: np.ndarray
    place: np.ndarray
    left: np.ndarray
    slot: np.ndarray
    lasts_s: np.ndarray
    kind: np.ndarray
    what: np.ndarray
    why: np.ndarray

    def __len__(self) -> int:
        return len(self.time_s)

    @classmethod
    def names(cls) -> list[str]:
        """Return the columns' names."""
        return [column.name for column in fields(cls)]


class Log:
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

    def __init__(self, title: str, *, noun: str = "request") -> None:
        self.title, self.noun = title, noun
        self.places: list[Place] = []
        self.kinds: dict[str, str] = {noun: COLOURS[0]}
        self._index: dict[str, int] = {}
        self._tokens: dict[Hashable, int] = {}
        self.opening = 0
        self._events: list[_Event] = []
        self._curves: list[Curve | _Counted] = []

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
        if slot is not None:
            slot = validation.integer("slot", slot, at_least=0)
            if slot >= self.places[index].number:
                raise ValueError(
                    f"slot must be below {self.places[index].number}, "
                    f"the number of servers of {place!r}, got {slot}"
                )
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
            self._add(now + takes_s, token, ENDS, _NOWHERE, "is lost", lost)
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
        index = self._place(place) if place else _NOWHERE
        self._add(now, token, ENDS, index, what, why, kind=kind, start=start)
        return self

    def leaves(self, now: float, token: Hashable, what: str = "is done") -> Self:
        """A token ends well where it is; see :meth:`moves`."""
        self._add(now, token, ENDS, _NOWHERE, what)
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
        self._events.append(
            (moment, _NEXT, _NOWHERE, act, index, what, "", "", None, _NOWHERE, 0.0)
        )
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
            If arrays have other shapes, times do not ascend from arrival to start to end, or a
            reason is missing.
        """
        arrivals = validation.numbers("arrivals_s", arrivals_s, unit="s", ndim=1)
        n = arrivals.size
        starts, ends = (
            self._column(name, values, n)
            for name, values in (("starts_s", starts_s), ("ends_s", ends_s))
        )
        served = np.isfinite(starts)
        starts[served] = _when_one_goes(starts[served], ends[served])
        gone = arrivals if gone_s is None else self._column("gone_s", gone_s, n)
        for early, late, wrong in (
            ("arrivals_s", "starts_s", served & ~(starts >= arrivals)),
            ("starts_s", "ends_s", served & ~(ends > starts)),
            ("arrivals_s", "gone_s", ~served & ~(gone >= arrivals)),
        ):
            if wrong.any():
                at = int(np.flatnonzero(wrong)[0])
                raise ValueError(f"{late}[{at}] must be later than {early}[{at}]")
        whys = [why] * n if isinstance(why, str) else list(why)
        kinds = [kind] * n if isinstance(kind, str) else list(kind)
        names = list(range(n)) if tokens is None else list(tokens)
        slots: list[Any] = [None] * n if server is None else np.asarray(server).tolist()
        for name, row in (("why", whys), ("kind", kinds), ("tokens", names), ("server", slots)):
            if len(row) != n:
                raise ValueError(f"{name} must be one for each of {n} arrivals, got {len(row)}")
        waits, works = self._place(line), self._place(servers)
        goes = self._place(then) if then else _NOWHERE
        for i, (arrival, begin, end, left, is_served) in enumerate(
            zip(*(c.tolist() for c in (arrivals, starts, ends, gone, served)), strict=True)
        ):
            token, reason, shade = names[i], whys[i], kinds[i]
            if is_served:
                self._add(arrival, token, COMES, waits, kind=shade, start=start)
                self._add(begin, token, COMES, works, slot=slots[i], order=_LAST)
                if then:
                    self._add(end, token, COMES, goes, order=_FIRST)
                continue
            if not reason:
                raise ValueError(f"starts_s[{i}] is not a number, and why[{i}] gives no reason")
            if left > arrival:
                self._add(arrival, token, COMES, waits, kind=shade, start=start)
                self._add(left, token, ENDS, _NOWHERE, "gives up", reason, order=_FIRST)
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
        self._curves.append(_Counted(name or f"in {place}", index, level, level_words))
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
        self._curves.append(_Counted(words, index, level, level_words, window))
        return self._changed()

    # What it says

    @property
    def tokens(self) -> list[Hashable]:
        """The tokens, in the order in which they were first named."""
        return list(self._tokens)

    @property
    def words(self) -> list[str]:
        """Everything that is said of events; the first is nothing."""
        return self._told[1]

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
            curve if isinstance(curve, Curve) else curve.of(self.places, self.rows)
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
        name = self.tokens[token] if token >= 0 else ""
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
        for i in range(int(np.searchsorted(rows.time_s, time_s, side="right"))):
            token, act, place, left = (
                int(column[i]) for column in (rows.token, rows.act, rows.place, rows.left)
            )
            if left != _NOWHERE:
                del inside[left][token]
            if act == COMES or (act == ENDS and self._is_sink(place)):
                inside[place][token] = i
        return [list(place.values()) for place in inside]

    # How it is kept

    def _is_sink(self, place: int) -> bool:
        return place != _NOWHERE and self.places[place].kind == "sink"

    def _place(self, name: str) -> int:
        if name not in self._index:
            known = ", ".join(map(repr, self._index)) or "none yet"
            raise ValueError(f"there is no place called {name!r}; these are: {known}")
        return self._index[name]

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
        place: int = _NOWHERE,
        what: str = "",
        why: str = "",
        *,
        kind: str = "",
        slot: int | None = None,
        start: str = "",
        lasts_s: float = 0.0,
        order: int = _NEXT,
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
        origin = self._place(start) if start else _NOWHERE
        self._events.append((now, order, index, act, place, what, why, kind, slot, origin, lasts_s))
        if "_told" in self.__dict__:
            self._changed()

    def _changed(self) -> Self:
        for name in ("_told", "curves"):
            self.__dict__.pop(name, None)
        return self

    @cached_property
    def _told(self) -> tuple[Rows, list[str]]:
        if len(self._events) == self.opening:
            raise ValueError("nothing has happened: the log has no events")
        return _in_order(self)


#: An event as it was told: time, order within an instant, token, act, place, what, why, kind, slot,
#: start, and how long it takes.
_Event = tuple[float, int, int, int, int, str, str, str, int | None, int, float]


def _when_one_goes(
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
    return np.where(abs(nearest - starts) <= _ROUNDING * known[-1], nearest, starts)


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


def _in_order(log: Log) -> tuple[Rows, list[str]]:
    """Return the events of a log by time, with what follows from the order, and their words."""
    events = sorted(log._events, key=itemgetter(0, 1))
    opening = log.opening
    begin = events[opening][0] if opening < len(events) else 0.0
    places = log.places
    rooms = [None if place.kind in ("queue", "sink") else _Room(place) for place in places]
    sinks = [place.kind == "sink" for place in places]
    said = [place.words for place in places]
    numbers = [place.number for place in places]
    kinds = {name: index for index, name in enumerate(log.kinds)}
    words: dict[str, int] = {"": 0}
    n_tokens = len(log._tokens)
    where, last, kind_of = [_NOWHERE] * n_tokens, [_NOWHERE] * n_tokens, [0] * n_tokens
    rows: list[tuple[float, ...]] = []
    crowded: list[int] = []  # places to look at when the instant is over
    instant = begin
    for now, _, token, act, place, what, why, kind, wanted, start, lasts_s in events:
        if now == -math.inf:
            now = begin
        if now != instant:
            if crowded:
                _refuse_crowds(log, rooms, crowded, instant)
                crowded.clear()
            instant = now
        left, slot, shade = _NOWHERE, _NOWHERE, 0
        if token >= 0:
            left, where[token] = where[token], _NOWHERE
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
                place = left
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
        _refuse_crowds(log, rooms, crowded, instant)
    columns = {
        name: np.array(column)
        for name, column in zip(Rows.names(), zip(*rows, strict=True), strict=True)
    }
    return Rows(**columns), list(words)


def _refuse_crowds(
    log: Log, rooms: Sequence[_Room | None], crowded: Sequence[int], now: float
) -> None:
    for index in crowded:
        room = rooms[index]
        if room is not None and room.is_too_full():
            place, names = log.places[index], ", ".join(map(log.called, room.slots))
            raise ValueError(
                f"at {now:g} s {names} are served by {place.name!r}, which has {place.number} "
                f"{'server' if place.number == 1 else 'servers'}"
            )


@dataclass(frozen=True)
class _Counted:
    """A curve that is counted from the events."""

    name: str
    place: int
    level: float | None
    level_words: str
    window_s: float = 0.0

    def of(self, places: Sequence[Place], rows: Rows) -> Curve:
        """Count."""
        is_sink = places[self.place].kind == "sink"
        comes = (rows.place == self.place) & (rows.act == (ENDS if is_sink else COMES))
        times = rows.time_s
        if self.window_s:
            came = times[comes]
            steps = np.arange(times[0], times[-1] + self.window_s / 8, self.window_s / 8)
            before, until = (
                np.searchsorted(came, ends, side="right") for ends in (steps - self.window_s, steps)
            )
            values = (until - before) / self.window_s
            return Curve(self.name, "per s", steps, values, self.level, self.level_words)
        change = comes * 1.0 - (rows.left == self.place)
        # One value an instant, the last: what is true in the middle of one is never to be seen.
        over = np.append(np.diff(times) > 0, True)
        inside = np.cumsum(change)[over]
        some = np.diff(inside, prepend=np.nan) != 0
        return Curve(
            self.name,
            "",
            times[over][some],
            inside[some],
            self.level,
            self.level_words,
        )
