"""The parts that a log is made of: places, and events as columns of numbers."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

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
#: The place of what is in none.
NOWHERE = -1


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
