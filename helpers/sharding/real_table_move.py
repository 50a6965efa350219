"""The move of `table_move` for real: rows in two SQLite files, a mover and two clients.

Where that stops being true: no process dies half-way, and the clients write all rows alike.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import validation
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import is_blank, key, whiskers
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Parameters,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import counted, significant
from helpers.sharding import table_move
from helpers.sharding.real_move import CLIENTS, PROTOCOLS, SCHEMA, Move, act
from helpers.sharding.shard_files import shard_files
from helpers.sharding.table_move import TENTHS, by_tenth, frame, stale_row

#: What clients of real files do to the rows, and how their steps and the mover's are interleaved.
WORKLOADS = ("updates", "mixed")
SCHEDULES = ("threads", "seeded")


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
        wrong_by_tenth=by_tenth(wrong),
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
            "tenth of the table": np.arange(1, TENTHS + 1),
            "wrong": self.wrong_by_tenth,
            "theory": by_tenth(self.expected),
        }


#: What was simulated is drawn as there, and the measurement on top of it.
plot = table_move.plot


def plot_measured(run: MeasuredMove, ax: Axes) -> None:
    """Draw the fraction of wrong rows by place, alone or on top of the simulation."""
    if is_blank(ax):
        frame(ax)
    share = run.wrong_by_tenth
    reach = 2 * np.sqrt(share * (1 - share) / (run.at.rows / TENTHS))
    places = np.arange(TENTHS) + 0.5
    whiskers(ax, places, share, share - reach, share + reach, zorder=5, **style.MEASUREMENT)
    key(ax, [("●", "measured, ± 2 standard errors", style.VERMILION)], y=0.834)
