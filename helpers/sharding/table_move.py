"""A whole table moved in chunks while clients write to it: which rows end stale.

Rows move in the order of their ids, a chunk at a time, and clients go on writing. Where that stops
being true: clients that write some rows far more often than others lose more of those, and a real
mover may die half-way and begin again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from helpers.foundations import validation
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, is_blank, key, whiskers, yours
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import counted, significant
from helpers.sharding.real_move import CLIENTS, PROTOCOLS, SCHEMA, Move, act
from helpers.sharding.shard_files import shard_files

#: What clients of real files do to the rows, and how their steps and the mover's are interleaved.
WORKLOADS = ("updates", "mixed")
SCHEDULES = ("threads", "seeded")

_TENTHS = 10


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
    return TableMove(at, writes=count, stale_by_tenth=_by_tenth(stale), stale=int(stale.sum()))


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


def _by_tenth(rows: np.ndarray) -> np.ndarray:
    """Return the mean over each tenth of the table, in the order of copying."""
    tenth = np.arange(len(rows)) * _TENTHS // len(rows)
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
            "tenth of the table": np.arange(1, _TENTHS + 1),
            "stale": self.stale_by_tenth,
            "theory": _by_tenth(theory(self.at)),
        }


def plot(run: TableMove, ax: Axes, mine: Mine | None = None) -> None:
    """Draw the fraction of stale rows by place in the table."""
    middles, edges = np.arange(_TENTHS) + 0.5, np.arange(_TENTHS + 1)
    expected = _by_tenth(theory(run.at))
    bars(ax, middles, run.stale_by_tenth, 0.86, facecolor=style.BLUE, alpha=0.85)
    ax.step(edges, np.append(expected, expected[-1]), where="post", **style.THEORY)
    key(ax, [("■", "simulated", style.BLUE), ("- -", "theory", style.BLACK)])
    if mine is not None:
        yours(ax, middles, mine["stale_by_tenth"])
    _frame(ax)


def _frame(ax: Axes) -> None:
    ax.set_xlim(0, 10)
    ax.set_xticks(range(0, 11, 2), ["first", "20 %", "40 %", "60 %", "80 %", "last"])
    ax.set_ylim(0, 1)
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.set_xlabel("place in the table, in the order of copying")
    ax.set_ylabel("rows without their last write")
    ax.set_title("Rows that end stale on the new shard")


# --- the same with SQLite files and threads -------------------------------------------------------


class Trial(Parameters):
    """Real rows in two SQLite files, a mover and two clients.

    The last protocol logs every change in the transaction that makes it, replays the log, and
    raises a fence that refuses writes for the last of it. The workload is updates of random rows,
    or 80 % updates, 10 % insertions and 10 % deletions. The schedule is a thread for the mover and
    for each client, or one thread that draws who takes the next step, the same way each time.
    """

    protocol: str = option("copy, then switch", "Protocol", of=PROTOCOLS)
    rows: int = integer(2_000, "Rows", at_least=20, at_most=20_000)
    chunk_rows: int = integer(100, "Rows per chunk", at_least=1)
    writes_per_row: float = number(
        1.0,
        "Writes per row",
        at_least=0.01,
        at_most=10,
        note="In threads it is aimed at; what really came is what the theory is given.",
    )
    workload: str = option("updates", "Workload", of=WORKLOADS)
    schedule: str = option("threads", "Schedule", of=SCHEDULES)
    run_s: float = number(0.8, "Length of the copy in threads", unit="s", at_least=0.1, at_most=3)
    seed: int = seed()

    def agree(self) -> None:
        validation.integer("chunk_rows", self.chunk_rows, at_most=self.rows)


@takes(Trial)
def measure(at: Trial) -> MeasuredMove:
    """Move real rows between two SQLite files under load, and compare with what clients were told.

    Raises
    ------
    RuntimeError
        If the move has not ended after ten seconds.
    """
    chunks, writes = -(-at.rows // at.chunk_rows), at.writes_per_row * at.rows
    threads = at.schedule == "threads"
    chunk_s = at.run_s / chunks if threads else 0.0
    pace = (
        {"gap_s": at.run_s * CLIENTS / writes} if threads else {"mover_odds": chunks / 2 / writes}
    )
    with shard_files(2, SCHEMA) as (old, new):
        move = Move(old, new, at.chunk_rows, lambda: time.sleep(chunk_s))
        with old.transaction() as connection:
            rows = ((row, 0) for row in range(at.rows))
            connection.executemany("INSERT INTO users VALUES (?, ?)", rows)
        move.told.update(dict.fromkeys(range(at.rows), 0))
        act(move, at.protocol, at.workload == "mixed", Draws(at.seed), **pace)
        with old.transaction() as connection:
            connection.execute("DELETE FROM users")
        found = dict(new.rows("SELECT id, version FROM users"))
        left = {row for (row,) in old.rows("SELECT id FROM users")}
    return _judge(at, move, found, left)


def _judge(at: Trial, move: Move, found: dict[int, int], left: set[int]) -> MeasuredMove:
    exist = {row: version for row, version in move.told.items() if version is not None}
    lost = {row for row in exist if row not in found}
    stale = {row for row in exist if row in found and found[row] != exist[row]}
    resurrected = {row for row in found if row not in exist}
    wrong = np.zeros(at.rows)
    wrong[[row for row in lost | stale | resurrected if row < at.rows]] = 1
    # While rows stay, chunk k holds those of k * chunk_rows and on.
    read, written = (
        np.array(at_[: len(move.written_at)]) for at_ in (move.read_at, move.written_at)
    )
    chunk = np.arange(at.rows) // at.chunk_rows
    known = at.workload == "updates"
    nothing = np.full(at.rows, np.nan)
    return MeasuredMove(
        at,
        writes=move.writes,
        lost=len(lost),
        stale=len(stale),
        resurrected=len(resurrected),
        in_both=len(left & set(found)),
        wrong_by_tenth=_by_tenth(wrong),
        writes_in_gap=(written - read)[chunk] / at.rows if known else nothing,
        writes_after=(move.writes - written)[chunk] / at.rows if known else nothing,
    )


class MeasuredMove(Measured):
    """What the new shard holds after the move, against what clients were told.

    Attributes
    ----------
    writes : int
        Writes acknowledged until the switch.
    lost : int
        Rows that the clients' writes left in existence and the new shard does not have.
    stale : int
        Rows it has with an older version than the last one acknowledged.
    resurrected : int
        Rows it has although their deletion was acknowledged.
    in_both : int
        Rows that are still on the old shard as well after cleaning up.
    wrong_by_tenth : numpy.ndarray, shape (10,)
        Fraction of rows wrong in any of these ways, by place in the copying order, of the rows
        there at the start.
    writes_in_gap, writes_after : numpy.ndarray, shape (rows,)
        Writes that each row could expect between the reading and the writing of its copy, and
        after it, given when each chunk really was read and written; NaN for "mixed".
    """

    at: Trial
    writes: int
    lost: int
    stale: int
    resurrected: int
    in_both: int
    wrong_by_tenth: np.ndarray
    writes_in_gap: np.ndarray
    writes_after: np.ndarray

    @property
    def wrong(self) -> int:
        """Number of rows for which a client was told something that is no longer true."""
        return self.lost + self.stale + self.resurrected + self.in_both

    @property
    def expected(self) -> np.ndarray:
        """Probability that each row ends stale, shape (rows,); NaN for "mixed"."""
        if self.at.workload != "updates":
            return np.full(self.at.rows, np.nan)
        return stale_row(self.at.protocol, self.writes_in_gap, self.writes_after)

    @property
    def expected_sd(self) -> float:
        """Standard deviation of the number of stale rows."""
        return float(np.sqrt((self.expected * (1 - self.expected)).sum()))

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "rows": self.at.rows,
            "writes_during_move": self.writes,
            "lost_rows": self.lost,
            "stale_rows": self.stale,
            "resurrected_rows": self.resurrected,
            "rows_on_both_shards": self.in_both,
        }

    @property
    def reading(self) -> str:
        start = (
            f"{counted(self.writes, 'acknowledged write')} while {self.at.rows:,} real rows moved"
        )
        if not self.wrong:
            return f"{start}: nothing lost, nothing stale, nothing on both shards."
        twice = f", {self.in_both:,} on both shards" if self.in_both else ""
        return (
            f"{start}: {counted(self.lost, 'row')} lost, {self.stale:,} stale, "
            f"{counted(self.resurrected, 'deleted row')} back from the dead{twice}."
        )

    @property
    def verdict(self) -> str:
        """Theory against the measured number of wrong rows, in one line."""
        expected = float(self.expected.sum())
        wrong = f"{self.wrong:,} {'is' if self.wrong == 1 else 'are'} wrong"
        if not np.isfinite(expected):
            return f"Of the rows {wrong}; there is no formula for a mixed workload."
        if expected == 0:
            agrees = "agrees" if self.wrong == 0 else "disagrees"
            return f"theory expects no wrong row, {wrong}: {agrees}"
        off = abs(self.wrong - expected) / self.expected_sd
        agrees = "agrees" if off <= 3 else "disagrees"
        return (
            f"theory expects {significant(expected)} ± {significant(self.expected_sd, 2)} wrong "
            f"rows, {wrong}, {significant(off, 2)} standard deviations away: "
            f"{agrees} (tolerance 3)"
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "tenth of the table": np.arange(1, _TENTHS + 1),
            "wrong": self.wrong_by_tenth,
            "theory": _by_tenth(self.expected),
        }


def plot_measured(run: MeasuredMove, ax: Axes) -> None:
    """Draw the fraction of wrong rows by place, alone or on top of the simulation."""
    if is_blank(ax):
        _frame(ax)
    share = run.wrong_by_tenth
    reach = 2 * np.sqrt(share * (1 - share) / (run.at.rows / _TENTHS))
    places = np.arange(_TENTHS) + 0.5
    whiskers(ax, places, share, share - reach, share + reach, zorder=5, **style.MEASUREMENT)
    key(ax, [("●", "measured, ± 2 standard errors", style.VERMILION)], y=0.834)
