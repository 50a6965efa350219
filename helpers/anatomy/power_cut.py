"""A power cut: which acknowledged writes are gone, and whether what is left can be read.

Writes are acknowledged at once and synced to the disk once in a while, or each before it is
acknowledged. Where that stops being true: a disk may reorder writes, or say "done" before it is,
and one durable disk is still one disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.anatomy.cut_files import commit_time_s, cut_json, cut_sqlite
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import key, log_axis, time_axis
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Parameters,
    Result,
    flag,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, significant
from helpers.foundations.statistics import Interval, mean_interval

#: Seconds between two syncs at which theory is drawn.
FLUSHES_S = np.geomspace(1e-3, 10, 41)

_CUTS = 400


class Setting(Parameters):
    """Writes that are acknowledged, and a disk that is made to sync once in a while."""

    rate_rps: float = number(500.0, "Writes", unit="writes/s", above=0, at_most=10_000)
    flush_s: float = number(1.0, "Time between syncs", unit="s", at_least=1e-3, at_most=10)
    sync_ms: float = number(2.0, "Time of one sync", unit="ms", at_least=0.01, at_most=50)
    each_write: bool = flag(
        False,
        "Sync every write before acknowledging it",
        note="Whatever the time between syncs is.",
    )
    seed: int = seed()


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> PowerCut:
    """Cut the power 400 times and count the writes that were acknowledged but not yet on disk."""
    moments, epochs, normals = _cuts(at.seed)
    if at.each_write:
        return PowerCut(at, np.zeros(_CUTS, dtype=int))
    since_s = moments * at.flush_s  # time since the last sync
    return PowerCut(at, _poisson(at.rate_rps * since_s, epochs, normals))


def _poisson(means: np.ndarray, epochs: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Poisson counts that move smoothly with their means: exact up to 40, then by the normal."""
    exact = (epochs <= means[:, np.newaxis]).sum(axis=1)
    large = np.rint(means + np.sqrt(means) * normals).astype(int)
    return np.where(means < 40, exact, large)


@lru_cache(maxsize=4)
def _cuts(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = Draws(seed)
    drawn = (
        draw("cuts").random(_CUTS),
        np.cumsum(draw("writes").standard_exponential((_CUTS, 100)), axis=1),
        draw("many writes").standard_normal(_CUTS),
    )
    for array in drawn:
        array.setflags(write=False)
    return drawn


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Mean of the writes lost, and seconds of syncing per second; above 1 the disk cannot do it."""

    lost_writes: float
    disk_busy: float


def theory(at: Setting) -> Theory:
    """What a cut costs. It finds writes of age 0 to T at a random moment: ``rate T / 2``."""
    sync_s = 1e-3 * at.sync_ms
    if at.each_write:
        return Theory(0.0, at.rate_rps * sync_s)
    return Theory(at.rate_rps * at.flush_s / 2, sync_s / at.flush_s)


# --- what it says ---------------------------------------------------------------------------------


class PowerCut(Result):
    """Acknowledged writes lost in each of 400 power cuts at random moments."""

    at: Setting
    lost: np.ndarray

    @property
    def mean_lost(self) -> Interval:
        """Their mean."""
        return mean_interval(self.lost)

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "lost_writes_mean": self.mean_lost.estimate,
            "lost_writes_theory": exact.lost_writes,
            "lost_writes_worst": int(self.lost.max()),
            "disk_busy_percent": 100 * exact.disk_busy,
            "most_writes_per_s_if_each_syncs": 1e3 / self.at.sync_ms,
        }

    @property
    def reading(self) -> str:
        busy = theory(self.at).disk_busy
        disk = f"the disk syncs for {significant(100 * busy)} % of the time"
        if busy > 1:
            disk = (
                f"the disk would need {significant(busy)} s of syncing for each second: it can "
                f"sync {significant(1e3 / self.at.sync_ms)} times a second at most"
            )
        if self.at.each_write:
            return f"Synced before it is acknowledged, no write is ever lost, and {disk}."
        return (
            f"A power cut takes {significant(self.mean_lost.estimate)} acknowledged writes on "
            f"average (theory {significant(theory(self.at).lost_writes)}), "
            f"{significant(int(self.lost.max()))} at worst in {_CUTS} cuts, and {disk}."
        )


@style.panels(2)
def plot(run: PowerCut, axes: tuple[Axes, Axes]) -> None:
    """Draw the writes lost in each cut, and the trade between losses and a busy disk."""
    cuts, trade = axes
    at, exact = run.at, theory(run.at)
    top = step_up(1.05 * max(float(run.lost.max()), 1.0), (20, 100, 600, 3_000, 20_000, 110_000))
    cuts.set(
        title=f"Acknowledged writes lost in each of {_CUTS} cuts",
        xlim=(0, _CUTS),
        ylim=(-0.02 * top, top),
        xlabel="cut, from the luckiest to the worst",
        ylabel="writes lost",
    )
    ranked = np.sort(run.lost)
    cuts.fill_between(np.arange(_CUTS), ranked, color=style.SKY, alpha=0.5, linewidth=0)
    cuts.plot(ranked, color=style.BLUE, linewidth=2.0)
    cuts.axhline(exact.lost_writes, **style.THEORY)
    style.label(cuts, 8, exact.lost_writes, "theory: mean", style.INK, xytext=(0, 8))
    trade.set(
        title="Safer costs disk time",
        xlabel="seconds between syncs",
        ylabel="seconds of syncing per second",
    )
    time_axis(trade, "x", 1e-3, 10)
    log_axis(trade, "y", 5e-6, 500, ticks=(1e-4, 1e-2, 1, 100))
    trade.axhspan(1, 500, color=style.VERMILION, alpha=0.13, linewidth=0)
    trade.text(1.2e-3, 350, "the disk cannot keep up", color=style.VERMILION, fontsize=9, va="top")
    trade.plot(FLUSHES_S, 1e-3 * at.sync_ms / FLUSHES_S, **style.THEORY)
    if at.each_write:
        trade.axhline(exact.disk_busy, color=style.BLUE, linewidth=2.0)
        words = "every write synced: none lost"
        style.label(trade, 9, exact.disk_busy, words, style.BLUE, ha="right", xytext=(0, 8))
        return
    trade.plot([at.flush_s], [exact.disk_busy], color=style.BLUE, marker="o", markersize=9)
    left: dict[str, Any] = {"xytext": (-10, -13), "ha": "right"}
    right: dict[str, Any] = {"xytext": (10, 4), "ha": "left"}
    words = f"mean loss {duration(at.flush_s / 2)} of writes"
    place = left if at.flush_s > 0.05 else right
    style.label(trade, at.flush_s, exact.disk_busy, words, style.BLUE, **place)


# --- the same with real files ---------------------------------------------------------------------


class Trial(Parameters):
    """Rows committed to a real sqlite file one by one, and copies of it that are cut off."""

    commits: int = integer(60, "Commits", at_least=10, at_most=500)
    cuts: int = integer(40, "Copies cut", at_least=5, at_most=200)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredPowerCut:
    """Cut copies of real files off at random bytes, as a power cut might, and open them again.

    A disk that is cut off has kept some prefix of what was appended to the write-ahead log. (It
    may also have kept later parts and lost earlier ones: the log's checksums catch that, and the
    cut here does not try it.)
    """
    places = np.sort(Draws(at.seed)("cuts").random(at.cuts))
    records = [{"id": i, "amount": 100 + i} for i in range(at.commits)]
    survived, predicted, sound = zip(*cut_sqlite(records, places.tolist()), strict=True)
    torn_lines, torn_whole = cut_json(records, places.tolist())
    return MeasuredPowerCut(
        at,
        places,
        np.array(survived),
        np.array(predicted),
        sum(sound),
        torn_lines,
        torn_whole,
        sync_s=commit_time_s("FULL", 40),
        lazy_s=commit_time_s("OFF", 40),
    )


class MeasuredPowerCut(Measured):
    """Stores whose file lost everything after a random byte.

    Attributes
    ----------
    places : numpy.ndarray, shape (cuts,)
        Where sqlite's log was cut, as a share of its length, ascending.
    survived, predicted : numpy.ndarray of int, shape (cuts,)
        Rows that sqlite had afterwards, and those whose commits lie wholly before the cut.
    sound, torn_lines, torn_whole : int
        Cuts after which sqlite's own check found nothing wrong; after which a file of JSON lines
        ended in a torn one; after which a JSON document, rewritten as a whole, could not be read.
    sync_s, lazy_s : float
        Median time of a commit that waits for the disk, and of one that does not, seconds.
    """

    at: Trial
    places: np.ndarray
    survived: np.ndarray
    predicted: np.ndarray
    sound: int
    torn_lines: int
    torn_whole: int
    sync_s: float
    lazy_s: float

    @property
    def as_predicted(self) -> int:
        """Cuts after which sqlite had exactly the rows that were predicted."""
        return int((self.survived == self.predicted).sum())

    @property
    def agrees(self) -> bool:
        """Whether every cut left exactly the rows that were predicted, and a sound file."""
        return self.as_predicted == self.sound == self.at.cuts

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "cuts": self.at.cuts,
            "as_predicted": self.as_predicted,
            "sqlite_sound": self.sound,
            "json_lines_torn": self.torn_lines,
            "json_document_unreadable": self.torn_whole,
            "commit_synced_us": 1e6 * self.sync_s,
            "commit_not_synced_us": 1e6 * self.lazy_s,
        }

    @property
    def reading(self) -> str:
        word = "agrees" if self.agrees else "disagrees"
        return (
            f"Verdict: after {self.as_predicted} of {self.at.cuts} cuts sqlite had exactly the "
            f"rows whose commits lie before the cut, and after {self.sound} its check found no "
            f"fault: it {word} with its file format. A file of JSON lines ended in a torn record "
            f"{counted(self.torn_lines, 'time')}, a rewritten JSON document was unreadable "
            f"{counted(self.torn_whole, 'time')}. A commit took {duration(self.sync_s, 2)} with a "
            f"sync and {duration(self.lazy_s, 2)} without."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "cut at (% of the log)": 100 * self.places,
            "rows in sqlite": self.survived,
            "commits before the cut": self.predicted,
        }


def plot_measured(run: MeasuredPowerCut, ax: Axes) -> None:
    """Draw the rows that survived each cut against where it fell."""
    ax.set(
        title="Real files cut off at a random byte",
        xlim=(-2, 102),
        ylim=(-2, 1.12 * run.at.commits),
        xlabel="where sqlite's log was cut (% of its length)",
        ylabel="rows that survived",
    )
    ax.plot(100 * run.places, run.predicted, drawstyle="steps-post", **style.THEORY)
    ax.plot(100 * run.places, run.survived, **style.MEASUREMENT)
    names = [
        ("●", "rows in sqlite after the cut", style.VERMILION),
        ("--", "commits that lie wholly before it", style.INK),
    ]
    key(ax, names, left=True)
