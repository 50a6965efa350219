"""A primary and a replica: what a failover loses, how long it takes, and how often it is a mistake.

The primary acknowledges writes and ships its log in batches; a watcher promotes the replica when
so many health checks in a row have failed. Where that stops being true: logs are shipped late when
there is much to ship, which is when primaries fail; and a primary that was only slow comes back and
takes writes as well, unless somebody fences it off.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.failure.killed_primaries import killed
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import (
    error_bars,
    here,
    key,
    log_axis,
    plain,
    ring,
    spans,
)
from helpers.foundations.drawing.scales import headroom
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import amount, counted, duration, rounded, significant
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Interval, mean_interval, verdict

WAYS = ("asynchronous", "synchronous")

_CRASHES, _YEARS = 2_000, 20
_PAUSE_S = 1.0  # mean, of a primary that only seems dead
_SHIPS_S = np.geomspace(0.01, 20, 80)
_MISSES = np.arange(1, 21)


class Setting(Parameters):
    """A primary that ships its log, and who watches it."""

    way: str = option("asynchronous", "Replication", of=WAYS)
    ship_s: float = number(1.0, "The log is shipped every", unit="s", above=0)
    misses: int = integer(3, "Failed checks in a row", at_least=1, at_most=20)
    write_rps: float = number(200.0, "Writes", unit="per s", above=0)
    delay_s: float = number(0.02, "A batch is on its way for", unit="s", at_least=0)
    check_s: float = number(2.0, "A check every", unit="s", above=0)
    promote_s: float = number(5.0, "A promotion takes", unit="s", at_least=0)
    pauses: float = number(24.0, "Pauses of the primary", unit="a day", at_least=0)
    seed: int = seed()


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Replica:
    """Crash the primary 2,000 times at random moments, and let it only pause for 20 years."""
    draw = Draws(at.seed)
    # Since the last batch that arrived was cut: anything up to an interval, and a delay.
    unshipped_s = at.ship_s * draw("crashes").random(_CRASHES) + at.delay_s
    writes = draw("writes").poisson(at.write_rps * unshipped_s).astype(float)
    if at.way == "synchronous":
        writes[:] = 0.0  # acknowledged by both, or not at all
    first_s = at.check_s * draw("checks").random(_CRASHES)
    down_s = first_s + (at.misses - 1) * at.check_s + at.promote_s
    paused_s = draw("pauses").exponential(_PAUSE_S, draw("count").poisson(365 * _YEARS * at.pauses))
    # A pause swallows the checks that fall into it.
    phase_s = at.check_s * draw("phases").random(paused_s.size)
    swallowed = np.floor((paused_s - phase_s) / at.check_s) + 1
    mistakes = float((swallowed >= at.misses).sum()) / _YEARS
    return Replica(
        at,
        lost=mean_interval(writes),
        worst=float(writes.max()),
        down=mean_interval(down_s),
        mistakes=mistakes,
    )


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Writes lost, seconds down, mistaken failovers a year: means; floats, or arrays."""

    lost: Any
    down_s: Any
    mistakes: Any


def theory(at: Setting, ship_s: Any = None, misses: Any = None) -> Theory:
    """Writes: rate x (half an interval + delay). Down: (misses - 1/2) checks and the promotion.

    A pause is taken for a death if it reaches from a random moment over `misses` checks, which
    exponential pauses do with probability ``exp(-(misses - 1) x) (1 - exp(-x)) / x``, x being the
    time between checks over the mean pause.
    """
    ship = np.asarray(at.ship_s if ship_s is None else ship_s, float)
    checks = np.asarray(at.misses if misses is None else misses, float)
    lost = at.write_rps * (ship / 2 + at.delay_s) * (at.way == "asynchronous")
    x = at.check_s / _PAUSE_S
    chance = np.exp(-(checks - 1) * x) * -math.expm1(-x) / x
    return Theory(lost, (checks - 0.5) * at.check_s + at.promote_s, 365 * at.pauses * chance)


# --- what it says ---------------------------------------------------------------------------------


class Replica(Result):
    """What failovers cost.

    Attributes
    ----------
    lost : Interval
        Acknowledged writes that a failover loses.
    worst : float
        The most that one of them lost.
    down : Interval
        Seconds from the crash until the replica takes over.
    mistakes : float
        Failovers a year of a primary that only paused.
    """

    at: Setting
    lost: Interval
    worst: float
    down: Interval
    mistakes: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "lost_writes": rounded(self.lost.estimate),
            "lost_writes_theory": rounded(float(exact.lost)),
            "lost_at_most": self.worst,
            "down_s": rounded(self.down.estimate),
            "down_theory_s": rounded(float(exact.down_s)),
            "mistakes_a_year": rounded(self.mistakes),
            "mistakes_theory": rounded(float(exact.mistakes)),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        rare, times = float(exact.mistakes) < 1e-3, amount(self.mistakes, "time")
        rarely = "less than 0.001" if rare else significant(float(exact.mistakes))
        lost = (
            f"loses {significant(self.lost.estimate)} acknowledged writes on average (theory "
            f"{significant(float(exact.lost))})"
            if at.way == "asynchronous"
            else "loses no acknowledged write"
        )
        return (
            f"A failover {lost} and takes {duration(self.down.estimate)} (theory "
            f"{duration(float(exact.down_s))}); {times} a year it would "
            f"be a mistake (theory {rarely}), because the primary only "
            "paused."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at, misses=_MISSES)
        return {
            "failed checks": _MISSES,
            "down (s)": exact.down_s,
            "mistakes a year": exact.mistakes,
        }


@style.panels(2)
def plot(run: Replica, axes: tuple[Axes, Axes]) -> None:
    """Draw writes lost against the shipping interval, and mistakes against time down."""
    lost, watch = axes
    at = run.at
    log_axis(lost, "x", 0.009, 25)
    log_axis(lost, "y", 0.5, 2e4)
    expected = theory(at.but(way="asynchronous"), _SHIPS_S).lost
    lost.plot(_SHIPS_S, expected, **style.THEORY)
    here(lost, at.ship_s)
    if run.lost.estimate >= 0.5:
        error_bars(lost, at.ship_s, run.lost, **style.DOTS)
        ring(lost, at.ship_s, run.lost.estimate)
    else:
        style.label(lost, 0.012, 0.6, "none is lost", style.BLUE, xytext=(4, 6))
    lost.set_title("Writes that a failover loses")
    lost.set_xlabel("the log is shipped every (s)")

    exact = theory(at, misses=_MISSES)
    right = headroom(float(exact.down_s.max()))
    watch.set_xlim(0, right)
    log_axis(watch, "y", 0.01, 1e5, text=plain)
    watch.plot(exact.down_s, np.maximum(exact.mistakes, 1e-6), **style.THEORY)
    watch.plot(run.down.estimate, max(run.mistakes, 0.012), **style.DOTS)
    ring(watch, run.down.estimate, max(run.mistakes, 0.012))
    key(watch, [("╌", "1 to 20 failed checks in a row", style.INK)])
    watch.set_title("Mistaken failovers a year")
    watch.set_xlabel("until the replica takes over (s)")


# --- the same with real files and real processes --------------------------------------------------


class Trial(Parameters):
    """Processes that write to sqlite3, ship their log to another file, and are killed."""

    way: str = option("asynchronous", "Replication", of=WAYS)
    write_rps: float = number(400.0, "Writes", unit="per s", above=0, at_most=2_000)
    ship_s: float = number(0.2, "The log is shipped every", unit="s", above=0, at_most=2)
    kills: int = integer(16, "Primaries killed", at_least=2, at_most=64)
    timeout_s: float = number(60.0, "Given up after", unit="s", above=0)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredReplica:
    """Kill primaries with SIGKILL at random moments, promote their replicas, and count.

    Raises
    ------
    TimeoutError
        If it takes longer than `timeout_s`.
    """
    # Every part of an interval between two batches gets its share of the deaths.
    phases = (np.arange(at.kills) + Draws(at.seed)("lives").random(at.kills)) / at.kills
    lives_s = at.ship_s * (1 + phases)
    acknowledged, kept, shipped, late_s = killed(
        lives_s, at.write_rps, at.ship_s, at.way == "synchronous", at.timeout_s
    )
    return MeasuredReplica(at, acknowledged, kept, shipped, late_s)


class MeasuredReplica(Measured):
    """What was left of each killed primary; arrays of shape (kills,).

    Attributes
    ----------
    acknowledged, kept, shipped : numpy.ndarray of int
        Writes that were acknowledged, that the primary's file holds, and the replica's.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    at: Trial
    acknowledged: np.ndarray
    kept: np.ndarray
    shipped: np.ndarray
    late_s: float

    @property
    def lost(self) -> np.ndarray:
        """Acknowledged writes that the promoted replica does not have."""
        return np.maximum(self.acknowledged - self.shipped, 0)

    @property
    def expected(self) -> float:
        """What theory says a failover loses on average: half an interval of writes."""
        return self.at.write_rps * self.at.ship_s / 2 if self.at.way == "asynchronous" else 0.0

    @property
    def verdict(self) -> str:
        """Whether theory agrees, or that the machine was too busy to say."""
        if self.at.way == "synchronous":
            lost = int(self.lost.sum())
            return f"theory 0 writes, lost {lost}: {'agrees' if not lost else 'disagrees'}"
        if busy := no_verdict(self.late_s, self.at.ship_s):
            return busy
        return verdict(mean_interval(self.lost), self.expected, unit="writes")

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "kills": self.at.kills,
            "acknowledged": int(self.acknowledged.sum()),
            "in_the_primary": int(self.kept.sum()),
            "in_the_replica": int(self.shipped.sum()),
            "lost_mean": rounded(float(self.lost.mean())),
            "lost_max": int(self.lost.max()),
        }

    @property
    def reading(self) -> str:
        missing = int(np.maximum(self.acknowledged - self.kept, 0).sum())
        return (
            f"{counted(self.at.kills, 'primary', 'primaries')} killed after "
            f"{int(self.acknowledged.sum()):,} acknowledged writes, {self.at.way}: their own files "
            f"lack {missing} of these, and their replicas {int(self.lost.sum())}, "
            f"{significant(float(self.lost.mean()))} at a failover on average."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "primary": np.arange(1, self.at.kills + 1),
            "acknowledged": self.acknowledged,
            "in the primary": self.kept,
            "in the replica": self.shipped,
            "lost": self.lost,
        }


def plot_measured(run: MeasuredReplica, ax: Axes) -> None:
    """Draw what each primary took along."""
    places = np.arange(1, run.at.kills + 1)
    top = headroom(max(1.2 * run.at.write_rps * run.at.ship_s, float(run.lost.max())))
    spans(ax, places, 0, run.lost, color=style.VERMILION, linewidth=1.4)
    ax.plot(places, run.lost, **style.MEASUREMENT)
    ax.axhline(run.expected, **style.THEORY)
    ax.set_xlim(0, run.at.kills + 1)
    ax.set_ylim(-0.02 * top, top)
    key(ax, [("●", "lost by one failover", style.VERMILION), ("╌", "theory, mean", style.INK)])
    ax.set_title("Writes that only the dead primary had")
    ax.set_xlabel("killed primary")
    ax.set_ylabel("acknowledged writes")
