"""A whole table moved in chunks while clients write to it: which rows end stale.

Rows move in the order of their ids, a chunk at a time, and clients go on writing. Where that stops
being true: clients that write some rows far more often than others lose more of those, and a real
mover may die half-way and begin again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from helpers.foundations import validation
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, key, yours
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import significant
from helpers.sharding.real_move import PROTOCOLS

#: Parts of the table that are told apart.
TENTHS = 10


class Setting(Parameters):
    """A table that moves at an even pace, under Poisson writes to random rows."""

    protocol: str = option("copy, then switch", "Protocol", of=PROTOCOLS)
    writes_per_row: float = number(
        1.0, "Writes per row", at_least=0, at_most=20, note="On average, during the move."
    )
    chunk_rows: int = integer(200, "Rows per chunk", at_least=1)
    rows: int = integer(10_000, "Rows", at_least=10, at_most=100_000)
    seed: int = seed()

    def agree(self) -> None:
        validation.integer("chunk_rows", self.chunk_rows, at_most=self.rows)


# --- the model: what the page shows, and a learner changes ----------------------------------------


def dual_write(at, draw):
    """Two clients write to both shards while a mover copies the table, chunk by chunk."""
    world = simpy.Environment()
    old, new = [0] * at.rows, [0] * at.rows  # how often each row was written
    chunks = math.ceil(at.rows / at.chunk_rows)

    def mover():
        for first in range(0, at.rows, at.chunk_rows):
            chunk = slice(first, first + at.chunk_rows)
            copy = old[chunk]
            yield world.timeout(1 / chunks)  # the whole move takes 1
            new[chunk] = copy

    def client(name):
        while True:
            yield world.timeout(draw(name).exponential(2 / (at.writes_per_row * at.rows)))
            row = draw(name).integers(at.rows)
            old[row] += 1
            new[row] = old[row]

    world.process(client("Ann"))
    world.process(client("Bob"))
    world.run(until=world.process(mover()))  # then everybody is sent to the new shard
    stale = [after != before for after, before in zip(new, old, strict=True)]
    return {"stale": sum(stale), "stale_by_tenth": np.reshape(stale, (10, -1)).mean(axis=1)}


# --- the same, fast, for each of the protocols ----------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> TableMove:
    """Move a table in chunks under writes to random rows, and count the stale ones.

    A chunk is read in one instant and written at the next chunk's reading; that is the window in
    which dual writes can be overwritten by an old copy.
    """
    draw = Draws(at.seed)
    count = int(draw("count").poisson(at.writes_per_row * at.rows))
    row = draw("rows").integers(0, at.rows, count)
    when = np.sort(draw("times").random(count))
    read_at, written_at = _copied_when(at)
    version = np.arange(1, count + 1)  # 0 is the row as it was before the move
    newest = _latest(row, version, at.rows)
    copied = _latest(row, np.where(when <= read_at[row], version, 0), at.rows)
    if at.protocol == "copy, then switch":
        arrived = copied
    elif at.protocol == "dual write":  # the copy overwrites what clients wrote before it
        late = np.where(when > written_at[row], version, 0)
        arrived = np.maximum(copied, _latest(row, late, at.rows))
    else:  # every write is in the log, and the log is replayed over the copy
        arrived = copied.copy()
        np.maximum.at(arrived, row, version)
    stale = arrived != newest
    return TableMove(at, writes=count, stale_by_tenth=by_tenth(stale), stale=int(stale.sum()))


def _copied_when(at: Setting) -> tuple[np.ndarray, np.ndarray]:
    """Return when each row is read and when it is written, in parts of the whole move."""
    chunks = -(-at.rows // at.chunk_rows)
    chunk = np.arange(at.rows) // at.chunk_rows
    return chunk / chunks, (chunk + 1) / chunks


def _latest(row: np.ndarray, version: np.ndarray, rows: int) -> np.ndarray:
    """Return the highest version given for each row, 0 where none is."""
    latest = np.zeros(rows, dtype=np.int64)
    np.maximum.at(latest, row, version)
    return latest


def by_tenth(rows: np.ndarray) -> np.ndarray:
    """Return the mean over each tenth of the table, in the order of copying."""
    tenth = np.arange(len(rows)) * TENTHS // len(rows)
    return np.bincount(tenth, weights=rows) / np.bincount(tenth)


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting) -> np.ndarray:
    """Probability that each row ends stale, shape (rows,), in the order of copying.

    A row that is read when the part r of the move is done and written when r + w is expects a w of
    its a writes in the gap and a (1 - r - w) after it; see :func:`stale_row`.
    """
    read_at, written_at = _copied_when(at)
    writes = at.writes_per_row
    return stale_row(at.protocol, writes * (written_at - read_at), writes * (1 - written_at))


def stale_row(
    protocol: str, writes_in_gap: npt.ArrayLike, writes_after: npt.ArrayLike
) -> np.ndarray:
    """Probability that a row ends stale, by the writes it can expect around its copying.

    Writes to a row are Poisson, g of them between the reading and the writing of its copy and h
    from there to the switch. Copy, then switch: stale if any write came after the reading, ``1 -
    exp(-(g + h))``. Dual write: stale if a write fell into the gap and none after it has healed the
    row, ``(1 - exp(-g)) exp(-h)``. Replaying the log behind a fence: never.
    """
    gap, after = np.asarray(writes_in_gap, float), np.asarray(writes_after, float)
    if protocol == "copy, then switch":
        return -np.expm1(-gap - after)
    if protocol == "dual write":
        return -np.expm1(-gap) * np.exp(-after)
    return np.zeros(np.broadcast(gap, after).shape)


# --- what it says ---------------------------------------------------------------------------------


class TableMove(Result):
    """Rows that are stale on the new shard after the move.

    Attributes
    ----------
    writes : int
        Writes made meanwhile.
    stale_by_tenth : numpy.ndarray, shape (10,)
        Fraction of stale rows in each tenth of the table, in the order of copying.
    stale : int
        Rows whose last acknowledged write is missing.
    """

    at: Setting
    writes: int
    stale_by_tenth: np.ndarray
    stale: int

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "rows": self.at.rows,
            "writes_during_move": self.writes,
            "stale_rows": self.stale,
            "stale_rows_theory": float(theory(self.at).sum()),
        }

    @property
    def reading(self) -> str:
        arrive = "write arrives" if self.writes == 1 else "writes arrive"
        start = f"{self.writes:,} {arrive} while {self.at.rows:,} rows move"
        expected = significant(theory(self.at).sum())
        if self.stale == 0:
            return f"{start}, and not one row ends stale ({expected} expected)."
        end = "row ends without its" if self.stale == 1 else "rows end without their"
        return f"{start}; {self.stale:,} {end} last write ({expected} expected)."

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "tenth of the table": np.arange(1, TENTHS + 1),
            "stale": self.stale_by_tenth,
            "theory": by_tenth(theory(self.at)),
        }


def plot(run: TableMove, ax: Axes, mine: Mine | None = None) -> None:
    """Draw the fraction of stale rows by place in the table."""
    middles, edges = np.arange(TENTHS) + 0.5, np.arange(TENTHS + 1)
    expected = by_tenth(theory(run.at))
    bars(ax, middles, run.stale_by_tenth, 0.86, facecolor=style.BLUE, alpha=0.85)
    ax.step(edges, np.append(expected, expected[-1]), where="post", **style.THEORY)
    key(ax, [("■", "simulated", style.BLUE), ("- -", "theory", style.BLACK)])
    if mine is not None:
        yours(ax, middles, mine["stale_by_tenth"])
    frame(ax)


def frame(ax: Axes) -> None:
    """Set the axes that simulation and measurement share."""
    ax.set_xlim(0, 10)
    ax.set_xticks(range(0, 11, 2), ["first", "20 %", "40 %", "60 %", "80 %", "last"])
    ax.set_ylim(0, 1)
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.set_xlabel("place in the table, in the order of copying")
    ax.set_ylabel("rows without their last write")
    ax.set_title("Rows that end stale on the new shard")
