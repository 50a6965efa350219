"""Write-behind: quick writes, fewer rows, and what a crash takes with it.

A cache acknowledges writes from memory and flushes them to the database at fixed intervals; a key
that was written ten times is one row. Where that stops being true: killing a process is the mild
case, a power cut also takes what the database had not forced to disk; and a cache that replicates
its buffer before it acknowledges loses far less, for a network round trip a write.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.caching.zipf import popularity, requested
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import dot, log_axis, yours
from helpers.foundations.drawing.scales import headroom
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import amount, percent, rounded, significant

_WRITES = 1 << 17
_MOST_PENDING = 60_000  # writes between two flushes


class Setting(Parameters):
    """A write-behind cache that flushes at fixed intervals, and crashes at a random moment."""

    write_rps: float = number(500.0, "Writes", unit="writes/s", above=0)
    flush_s: float = number(1.0, "Flush every", unit="s", above=0)
    keys: int = integer(1_000, "Keys written to", at_least=1)
    exponent: float = number(0.9, "Skew of the keys (Zipf)", at_least=0)
    replications: int = replications(2_000, note="Crashes.")
    seed: int = seed()

    def agree(self) -> None:
        """Refuse more writes between two flushes than the simulation can count."""
        if self.pending > _MOST_PENDING:
            raise ValueError(
                f"write_rps x flush_s must be at most {_MOST_PENDING:,} writes, "
                f"got {self.write_rps:g} x {self.flush_s:g} = {self.pending:g}"
            )

    @property
    def pending(self) -> float:
        """Mean number of writes between two flushes."""
        return self.write_rps * self.flush_s

    @property
    def intervals_s(self) -> np.ndarray:
        """Times between flushes at which the curve of rows is simulated, seconds."""
        longest = min(max(60.0, self.flush_s), _MOST_PENDING / self.write_rps)
        return np.geomspace(0.05, longest, 10)


# --- the model: write after write -----------------------------------------------------------------


def buffered_writes(at, draw):
    """Acknowledge writes from memory, flush them in batches; see what a crash would take."""
    end = at.flush_s * math.ceil(max(2, 4_000 / at.pending))
    writes = round(1.1 * at.write_rps * end) + 100
    times = np.cumsum(draw("writes").exponential(1 / at.write_rps, writes)).tolist()
    keys = requested(popularity(at.keys, at.exponent), writes, draw("keys")).tolist()
    crashes = [math.inf, *sorted(draw("crash").uniform(0, end, 50), reverse=True)]
    buffer, rows, lost, next_flush = [], 0, [], at.flush_s
    for now, key in zip(times, keys, strict=True):
        while (due := min(next_flush, crashes[-1])) <= min(now, end):
            if due == next_flush:
                rows += len(set(buffer))  # one row a key, however often it was written
                buffer.clear()
                next_flush += at.flush_s
            else:
                crashes.pop()
                lost.append(len(buffer))
        if now > end:
            break
        buffer.append(key)
    return {"lost_mean": np.mean(lost), "rows_rps": rows / end}


# --- the same, fast: all crashes and all intervals on one stream of writes ------------------------


@takes(Setting)
def simulate(at: Setting) -> WriteBehind:
    """Crash at random instants, and count the rows of each flush.

    Time is counted in mean gaps between writes, so that one stream serves all rates.
    """
    written, crash = _draws(at.replications, at.seed)
    # Whole intervals only: a crash is as likely at one phase of the interval as at another.
    whole = int(written[-1] / at.pending)
    crash = crash * whole * at.pending
    flushed = np.floor(crash / at.pending) * at.pending
    lost = np.searchsorted(written, crash) - np.searchsorted(written, flushed)

    key = _keys(at.keys, at.exponent, at.seed)
    per_flush = at.write_rps * np.append(at.intervals_s, at.flush_s)
    rows = np.array([_rows_per_write(written, key, at.keys, each) for each in per_flush.tolist()])
    return WriteBehind(
        at,
        lost=lost,
        rows_rps=at.write_rps * rows[:-1],
        rows_here_rps=float(at.write_rps * rows[-1]),
    )


def _rows_per_write(written: np.ndarray, key: np.ndarray, keys: int, pending: float) -> float:
    """Return distinct keys per interval over writes per interval, over a few thousand writes."""
    flushes = math.ceil(4_000 / pending)
    count = int(np.searchsorted(written, flushes * pending))
    if count == 0:
        return 1.0  # no write in sight, so none to save
    dirty = (written[:count] / pending).astype(np.int64) * keys + key[:count]
    dirty.sort()
    return float(1 + np.count_nonzero(np.diff(dirty))) / count


@lru_cache(maxsize=4)
def _draws(replications: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """When writes come, in mean gaps between them; and when crashes do, in shares of the run."""
    draw = Draws(seed)
    written = np.cumsum(draw("writes").standard_exponential(_WRITES))
    crash = draw("crash").random(replications)
    for each in (written, crash):
        each.setflags(write=False)
    return written, crash


@lru_cache(maxsize=4)
def _keys(keys: int, exponent: float, seed: int) -> np.ndarray:
    """Which key each write is for: the same draws, whatever the popularities."""
    key = requested(popularity(keys, exponent), _WRITES // 2, Draws(seed)("keys"))
    key.setflags(write=False)
    return key


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Writes that a crash loses, and rows per second that are left to write."""

    lost_mean: float
    lost_sd: float
    rows_rps: float


def theory(at: Setting, flush_s: float | None = None) -> Theory:
    """Loss and coalescing at the setting, or at another time between flushes.

    The time since the last flush is uniform on (0, T): mean loss ``rate T / 2``, variance
    ``rate T / 2 + (rate T)² / 12``. A key with rate r is dirty at a flush with probability
    ``1 - exp(-r T)``, and dirty keys are rows.
    """
    every = at.flush_s if flush_s is None else flush_s
    pending = at.write_rps * every
    dirty = float(-np.expm1(-pending * popularity(at.keys, at.exponent)).sum())
    return Theory(pending / 2, math.sqrt(pending / 2 + pending**2 / 12), dirty / every)


# --- what it says ---------------------------------------------------------------------------------


class WriteBehind(Result):
    """What a write-behind cache loses in a crash, and what it saves the database.

    Attributes
    ----------
    lost : numpy.ndarray of int, shape (replications,)
        Acknowledged writes lost in each crash.
    rows_rps : numpy.ndarray
        Rows written per second at each of ``at.intervals_s``.
    rows_here_rps : float
        The same at ``at.flush_s``.
    """

    at: Setting
    lost: np.ndarray
    rows_rps: np.ndarray
    rows_here_rps: float

    @property
    def lost_p95(self) -> float:
        """Writes lost in the worst crash of 20."""
        return float(np.quantile(self.lost, 0.95))

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "lost_mean": rounded(self.lost.mean()),
            "lost_mean_theory": rounded(theory(self.at).lost_mean),
            "lost_p95": rounded(self.lost_p95),
            "database_rows_rps": rounded(self.rows_here_rps),
        }

    @property
    def reading(self) -> str:
        saved = 1 - self.rows_here_rps / self.at.write_rps
        return (
            f"A crash loses {amount(self.lost.mean(), 'acknowledged write')} on average and "
            f"more than {significant(self.lost_p95)} in one crash of 20; "
            f"coalescing spares the database {percent(max(saved, 0.0))} of its writes."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        every = self.at.intervals_s
        return {
            "time between flushes (s)": every,
            "rows per s": self.rows_rps,
            "theory": [theory(self.at, each).rows_rps for each in every.tolist()],
        }


@style.panels(2)
def plot(run: WriteBehind, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw what crashes lose, and the rows that coalescing saves."""
    _plot_losses(run, axes[0])
    _plot_rows(run, axes[1])
    if mine is not None:
        yours(axes[0], mine["lost_mean"], axes[0].get_ylim()[1] / 2)
        yours(axes[1], run.at.flush_s, mine["rows_rps"])


def _plot_losses(run: WriteBehind, ax: Axes) -> None:
    expected = theory(run.at).lost_mean
    right = headroom(2.3 * expected, 4)
    step = max(1.0, 2 * expected / 25)
    edges = np.arange(-0.5 if step == 1 else 0.0, right + step, step)
    counts, _ = np.histogram(run.lost, edges)
    share = 100 * counts / run.lost.size
    top = min(headroom(80 * step / expected), 110.0)  # of an even spread, with room for labels
    ax.fill_between(edges, np.append(share, 0.0), step="post", color=style.PALE_BLUE, linewidth=0)
    ax.axvline(float(run.lost.mean()), **style.SIMULATION)
    ax.axvline(expected, **style.THEORY)
    ax.set_xlim(0, right)
    ax.set_ylim(0, top)
    style.label(ax, expected, top, "rate × T / 2", style.INK, va="top", xytext=(6, -6))
    ax.set_title("Acknowledged writes that a crash loses")
    ax.set_xlabel("writes lost")
    ax.set_ylabel("crashes (%)")


def _plot_rows(run: WriteBehind, ax: Axes) -> None:
    at, every = run.at, run.at.intervals_s
    ax.axhline(at.write_rps, color=style.MUTED, linewidth=1)
    style.label(ax, every[0], at.write_rps, "one row per write", style.MUTED, xytext=(4, 7))
    ax.plot(every, run.rows_rps, **style.SIMULATION)
    ax.plot(every, [theory(at, each).rows_rps for each in every.tolist()], **style.THEORY)
    dot(ax, at.flush_s, run.rows_here_rps)
    log_axis(ax, "x", 0.05, 60)
    ax.set_ylim(0, headroom(1.1 * at.write_rps))
    ax.set_title("Coalescing: fewer rows to write")
    ax.set_xlabel("time between flushes T (s)")
    ax.set_ylabel("rows written (per second)")
