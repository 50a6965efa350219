"""Many keys that expire at one moment, and jitter, which spreads them.

Keys were loaded together, with the same time to live. Single-flight is on: each costs one query,
at the first request after its expiry. Where that stops being true: the theory is a fluid, which
knows averages only, and near its end chance still makes a short queue where it sees none.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.caching.connection_pool import saturated_s, starts_of
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import dot, yours
from helpers.foundations.drawing.scales import headroom, round_up
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, rounded
from helpers.foundations.queueing import queue_length_at


class Setting(Parameters):
    """Keys that were loaded together, all equally popular, and the database that reloads them."""

    keys: int = integer(2_000, "Keys loaded together", at_least=1)
    rate_rps: float = number(5_000.0, "Requests for all of them", unit="requests/s", above=0)
    query_s: float = number(0.05, "Time of one query", unit="s", above=0)
    connections: int = integer(20, "Database connections", at_least=1)
    jitter_s: float = number(
        0.0,
        "Width of the jitter",
        unit="s",
        at_least=0,
        note="Expiries are spread evenly over an interval of this width.",
    )
    seed: int = seed()

    @property
    def gap_s(self) -> float:
        """Mean time between two requests for one key, seconds."""
        return self.keys / self.rate_rps

    @property
    def work_s(self) -> float:
        """How long the queries would keep all connections busy without a gap, seconds."""
        return self.keys * self.query_s / self.connections

    @property
    def widths_s(self) -> np.ndarray:
        """Widths of the jitter at which the longest wait is simulated, seconds."""
        return np.linspace(0, round_up(1.6 * self.work_s), 17)

    @property
    def time_s(self) -> np.ndarray:
        """Instants at which to look at the database, seconds since the first key may expire."""
        return np.linspace(0, round_up(1.6 * self.work_s), 500)


# --- the model: key after key ---------------------------------------------------------------------


def reloads(at, draw):
    """Send each key's query at the first request after its expiry; queue it for a connection."""
    expired = at.jitter_s * draw("expiry").random(at.keys)
    asked = expired + draw("first request").exponential(at.keys / at.rate_rps, at.keys)
    free_at, waits = [0.0] * at.connections, []
    for now in sorted(asked):
        start = max(now, heapq.heappop(free_at))
        heapq.heappush(free_at, start + at.query_s)
        waits.append(start - now)
    return {"worst_wait_s": max(waits)}


# --- the same, fast: all widths at once -----------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Synchronised:
    """Let the keys expire at 17 widths of the jitter and the chosen one, on the same draws."""
    draw = Draws(at.seed)
    place = draw("expiry").random(at.keys)
    first = draw("first request").standard_exponential(at.keys) * at.gap_s
    arrivals = np.append(at.widths_s, at.jitter_s)[:, np.newaxis] * place + first
    arrivals.sort(axis=1)
    starts = starts_of(arrivals, at.query_s, at.connections)
    ends, worst = starts + at.query_s, (starts - arrivals).max(axis=1)
    return Synchronised(
        at,
        at_database=queue_length_at(at.time_s, arrivals[-1], ends[-1]),
        at_database_unfixed=queue_length_at(at.time_s, arrivals[0], ends[0]),
        worst_waits_s=worst[:-1],
        worst_wait_s=float(worst[-1]),
        saturated_s=saturated_s(arrivals[-1], ends[-1], at.connections),
    )


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, jitter_s: float | None = None) -> float:
    """Longest wait for a connection, as a fluid, at the setting or another width; seconds.

    A key's query comes at its expiry, uniform on (0, J), plus the wait for its first request,
    exponential with mean ``m = keys / rate``. With ``work = keys x query / connections`` and
    ``r = J / work``, queries come faster than they are served from ``t0 = -m ln(1 - r)`` to
    ``t1 = m ln((exp(J / m) - 1) / r)``; what has piled up by then is the longest wait,
    ``(J - t0) / r - (t1 - t0)``. Without jitter the limit is ``work - m - m ln(work / m)``.
    """
    width, work, gap = at.jitter_s if jitter_s is None else jitter_s, at.work_s, at.gap_s
    if width < 1e-6 * gap:
        return max(0.0, work - gap - gap * math.log(work / gap))
    share = width / work
    if share >= -math.expm1(-width / gap):
        return 0.0
    begins = -gap * math.log1p(-share)
    # ln(exp(x) - 1), written so that a large x does not overflow.
    ends = width + gap * (math.log(-math.expm1(-width / gap)) - math.log(share))
    return (width - begins) / share - (ends - begins)


# --- what it says ---------------------------------------------------------------------------------


class Synchronised(Result):
    """Many keys that expire within an interval of chosen width.

    Attributes
    ----------
    at_database, at_database_unfixed : numpy.ndarray
        Queries running and queued at each of ``at.time_s``, with the jitter and without.
    worst_waits_s : numpy.ndarray
        The longest wait at each of ``at.widths_s``, seconds.
    worst_wait_s, saturated_s : float
        The longest wait, and how long all connections were taken, at the chosen width.
    """

    at: Setting
    at_database: np.ndarray
    at_database_unfixed: np.ndarray
    worst_waits_s: np.ndarray
    worst_wait_s: float
    saturated_s: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "worst_wait_s": rounded(self.worst_wait_s),
            "worst_wait_unfixed_s": rounded(self.worst_waits_s[0]),
            "saturated_s": rounded(self.saturated_s),
            "work_s": rounded(self.at.work_s),
        }

    @property
    def reading(self) -> str:
        width = self.at.jitter_s
        when = f"within {duration(width)}" if width else "at once"
        keys = f"{counted(self.at.keys, 'key')} {'expires' if self.at.keys == 1 else 'expire'}"
        wait = "no query waits for a connection"
        if self.worst_wait_s:
            wait = f"the longest wait for a connection is {duration(self.worst_wait_s)}"
        taken = "there is always a free one"
        if self.saturated_s:
            taken = f"all connections are taken for {duration(self.saturated_s)} in total"
        return (
            f"{keys} {when}: {wait}, and {taken}. The work alone would fill every connection for "
            f"{duration(self.at.work_s)}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        widths = self.at.widths_s
        return {
            "width of the jitter (s)": widths,
            "longest wait (s)": self.worst_waits_s,
            "theory (s)": [theory(self.at, width) for width in widths.tolist()],
        }


@style.panels(2)
def plot(run: Synchronised, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw the queue that many keys make, and the longest wait for every width of the jitter."""
    _plot_queue(run, axes[0])
    _plot_waits(run, axes[1])
    if mine is not None:
        yours(axes[1], run.at.jitter_s, mine["worst_wait_s"])


def _plot_queue(run: Synchronised, ax: Axes) -> None:
    at, time, queue, unfixed = run.at, run.at.time_s, run.at_database, run.at_database_unfixed
    ax.plot(time, unfixed, color=style.PALE_BLUE, linewidth=1.5)
    waiting_from = np.minimum(queue, at.connections)
    ax.fill_between(time, waiting_from, queue, color=style.PALE_RED, linewidth=0)
    ax.plot(time, queue, **style.SIMULATION)
    ax.axhline(at.connections, color=style.MUTED, linewidth=1)
    style.label(
        ax, time[-1], at.connections, "connections", style.MUTED, ha="right", xytext=(-2, 7)
    )
    if at.jitter_s > 0:
        peak = int(unfixed.argmax())
        style.label(ax, time[peak], unfixed[peak], "without jitter", style.MUTED, xytext=(8, 4))
    ax.set_xlim(0, time[-1])
    ax.set_ylim(0, headroom(float(unfixed.max()), at.connections))
    ax.locator_params(axis="x", nbins=5)  # numbers of a few milliseconds are long
    ax.set_title("Many keys, one moment")
    ax.set_xlabel("time since the first expiry (s)")
    ax.set_ylabel("queries running and queued")


def _plot_waits(run: Synchronised, ax: Axes) -> None:
    at, widths, top = run.at, run.at.widths_s, headroom(run.at.work_s)
    ax.plot(widths, run.worst_waits_s, **style.SIMULATION)
    ax.plot(widths, [theory(at, width) for width in widths.tolist()], **style.THEORY)
    dot(ax, at.jitter_s, run.worst_wait_s)
    ax.axvline(at.work_s, color=style.MUTED, linewidth=1, linestyle=":")
    said = "keys × query\n÷ connections"
    style.label(ax, at.work_s, top, said, style.MUTED, va="top", xytext=(5, -4))
    ax.set_xlim(0, widths[-1])
    ax.set_ylim(0, top)
    ax.locator_params(axis="x", nbins=5)
    ax.set_title("What jitter does to the longest wait")
    ax.set_xlabel("width of the jitter (s)")
    ax.set_ylabel("longest wait for a connection (s)")
