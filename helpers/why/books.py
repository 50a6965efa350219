"""Errors, deaths and timeouts: what client and server write in their books.

A client sends requests to a server that errs, dies and dawdles, and tries again. Each try is
independent of the others, and nobody waits for anybody. Where that stops being true: a server that
is slow for one is slow for all, and tries that are repeated make it slower.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, error_bars, here, note, time_axis
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
from helpers.foundations.statistics import Interval
from helpers.why.killed_servers import Book, clustered_share, kill_servers

#: Requests that are sent, and the mean time of the work, seconds.
SENT, WORK_S = 4_000, 0.1
#: Timeouts at which the curves are simulated, seconds.
TIMEOUTS_S = tuple((WORK_S * np.geomspace(0.25, 16, 19)).tolist())

_MOST_TRIES = 6
_EFFECT_AT = 0.5  # the work counts as done half-way through the life of a request


class Setting(Parameters):
    """A client's patience, and a server's troubles."""

    timeout_s: float = number(
        0.3, "Timeout", unit="s", above=0, note="How long the client waits for each try."
    )
    error_percent: float = number(
        2.0,
        "Errors",
        unit="%",
        at_least=0,
        at_most=100,
        note="Share of tries that end in an error the client is told of.",
    )
    kill_percent: float = number(
        1.0,
        "Deaths of the server",
        unit="%",
        at_least=0,
        at_most=100,
        note="Share of tries during which the server dies.",
    )
    retries: int = integer(2, "Retries", at_least=0, at_most=_MOST_TRIES - 1)
    idempotent: bool = flag(
        False,
        "Requests carry a key",
        note="By which the server knows what it has done before.",
    )
    seed: int = seed()


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Books:
    """Send 4,000 requests at 19 timeouts, and at the one asked for; all meet the same draws."""
    return Books(
        at,
        here=_keep_books(at),
        grid=tuple(_keep_books(at.but(timeout_s=timeout_s)) for timeout_s in TIMEOUTS_S),
    )


class Counts(NamedTuple):
    """What became of requests: numbers of them, or shares or probabilities.

    In the client's book they are answered in time; told of an error each time; or left without an
    answer at least once and never given one. In the server's book their work was done never, once,
    or more than once. `late` were lost to the client, but done.
    """

    ok: Any
    failed: Any
    lost: Any
    not_done: Any
    done_once: Any
    duplicated: Any
    late: Any


def _keep_books(at: Setting) -> Counts:
    """Try every request until it is answered or the tries run out, and count."""
    tries = 1 + at.retries
    errs, dies, moment, takes_s = (draw[:tries] for draw in _draws(at.seed))
    open_ = np.ones(SENT, dtype=bool)  # the client is still without an answer
    silent = np.zeros(SENT, dtype=bool)  # at least one try was not answered at all
    done = np.zeros(SENT, dtype=int)
    for e, k, m, t in zip(errs, dies, moment, takes_s, strict=True):
        told = e < at.error_percent / 100
        dead = ~told & (k < at.kill_percent / 100)
        works = ~told & ~dead
        effect = works | (dead & (m >= _EFFECT_AT))
        in_time = works & (t <= at.timeout_s)
        done += open_ & effect
        silent |= open_ & ~told & ~in_time
        open_ &= ~in_time
    if at.idempotent:
        done = np.minimum(done, 1)
    books = (
        *(~open_, open_ & ~silent, open_ & silent),
        *(done == 0, done == 1, done > 1),
        open_ & (done > 0),
    )
    return Counts(*(int(np.count_nonzero(each)) for each in books))


@lru_cache(maxsize=4)
def _draws(seed: int) -> tuple[np.ndarray, ...]:
    draw, shape = Draws(seed), (_MOST_TRIES, SENT)
    draws = (
        draw("errors").random(shape),
        draw("deaths").random(shape),
        draw("moments").random(shape),
        WORK_S * draw("work").standard_exponential(shape),
    )
    for each in draws:
        each.setflags(write=False)
    return draws


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, timeout_s: float | None = None) -> Counts:
    """Probabilities at the setting, or with another timeout.

    Each of the n tries is independent: answered in time (a), refused with an error (b), silent
    without effect (c), silent with effect (d), where d gathers deaths after the effect and answers
    that come too late. Then ``ok = 1 - (1 - a)^n``, ``failed = b^n``, ``lost`` is the rest,
    ``not_done = (b + c)^n`` and done exactly once means an answer after none but b and c, or one d
    among b and c. Elementary; derived here.
    """
    tries, error, kill = 1 + at.retries, at.error_percent / 100, at.kill_percent / 100
    too_slow = math.exp(-(at.timeout_s if timeout_s is None else timeout_s) / WORK_S)
    a = (1 - error) * (1 - kill) * (1 - too_slow)
    b = error
    c = (1 - error) * kill * _EFFECT_AT
    d = (1 - error) * (kill * (1 - _EFFECT_AT) + (1 - kill) * too_slow)
    no_effect = b + c
    answered_first = a * tries if no_effect == 1 else a * (1 - no_effect**tries) / (1 - no_effect)
    once = answered_first + tries * d * no_effect ** (tries - 1)
    never = no_effect**tries
    failed, unanswered = b**tries, (b + c + d) ** tries
    return Counts(
        ok=1 - unanswered,
        failed=failed,
        lost=unanswered - failed,
        not_done=never,
        done_once=1 - never if at.idempotent else once,
        duplicated=0.0 if at.idempotent else max(0.0, 1 - never - once),
        late=unanswered - never,
    )


def interrupted_but_done(effect_s: float, reply_s: float) -> float:
    """Share of interrupted requests whose work had already been done.

    A death at a random moment finds a request in the `effect_s` seconds before its effect or in
    the `reply_s` seconds after it with probabilities in proportion to these times.
    """
    return reply_s / (effect_s + reply_s)


# --- what it says ---------------------------------------------------------------------------------


class Books(Result):
    """Numbers of requests at the timeout asked for, and at each of :data:`TIMEOUTS_S`."""

    at: Setting
    here: Counts
    grid: tuple[Counts, ...]

    def share(self, name: str) -> np.ndarray:
        """Share of the requests at each of :data:`TIMEOUTS_S`, by a name of :class:`Counts`."""
        return np.array([getattr(counts, name) for counts in self.grid]) / SENT

    @property
    def summary(self) -> dict[str, float | int | str]:
        here = self.here
        return {
            "sent": SENT,
            "ok": here.ok,
            "failed": here.failed,
            "lost": here.lost,
            "not_done": here.not_done,
            "done_once": here.done_once,
            "duplicated": here.duplicated,
            "lost_but_done": here.late,
            "theory_duplicated": SENT * theory(self.at).duplicated,
        }

    @property
    def reading(self) -> str:
        here = self.here
        of_the_lost = (
            f"{here.late:,} of the lost {'was' if here.late == 1 else 'were'} done all the same"
            if here.lost
            else "none was lost"
        )
        return (
            f"{SENT:,} sent = {here.ok:,} answered + {here.failed:,} failed + {here.lost:,} "
            f"lost. The server's book of the same requests: {here.not_done:,} not done, "
            f"{here.done_once:,} done once, {here.duplicated:,} done more than once (theory: "
            f"{significant(SENT * theory(self.at).duplicated)}); {of_the_lost}. "
            f"Timeout: {duration(self.at.timeout_s)}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = [theory(self.at, timeout_s) for timeout_s in TIMEOUTS_S]
        return {
            "timeout (ms)": [1e3 * timeout_s for timeout_s in TIMEOUTS_S],
            "duplicated": self.share("duplicated"),
            "theory": [each.duplicated for each in exact],
            "lost": self.share("lost"),
            "lost, theory": [each.lost for each in exact],
            "lost but done": self.share("late"),
            "lost but done, theory": [each.late for each in exact],
        }


# The lost in a ring around the lost but done, which are often all of them.
_SERIES: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("duplicated", style.PURPLE, {"marker": "^", "markersize": 5}, "▲ done more than once"),
    (
        "lost",
        style.VERMILION,
        {"marker": "o", "markersize": 8, "markerfacecolor": "none", "markeredgewidth": 1.5},
        "○ lost: no answer",
    ),
    ("late", style.BLUE, {"marker": "s", "markersize": 3}, "■ lost, but done"),
)
_CLIENT = (("ok", style.GREEN, ""), ("failed", style.ORANGE, "//"), ("lost", style.VERMILION, "xx"))
_SERVER = (
    ("once", style.GREEN, ""),
    ("more than once", style.PURPLE, "\\\\"),
    ("never", style.MUTED, ".."),
)


@style.panels(2, width_ratios=[1.25, 1])
def plot(run: Books, axes: tuple[Axes, Axes]) -> None:
    """Draw what goes wrong against the timeout, and the two books side by side."""
    ax, books = axes
    ax.set_title("Shorter timeouts, more duplicates")
    time_axis(ax, "x", 0.022, 1.8, ticks=(0.03, 0.1, 0.3, 1.0))
    ax.set_ylim(0, 100)
    ax.set_xlabel("timeout")
    ax.set_ylabel("% of the requests")
    here(ax, run.at.timeout_s)
    exact = [theory(run.at, timeout_s) for timeout_s in TIMEOUTS_S]
    for i, (name, shade, look, words) in enumerate(_SERIES):
        curve = [100 * getattr(each, name) for each in exact]
        ax.plot(TIMEOUTS_S, curve, **(style.THEORY | {"color": shade}))
        ax.plot(TIMEOUTS_S, 100 * run.share(name), color=shade, linestyle="none", **look)
        note(ax, 0.97, 0.95 - 0.075 * i, words, shade, ha="right")
    seen = run.here
    done = (seen.done_once, seen.duplicated, seen.not_done)
    _draw_books(books, (seen.ok, seen.failed, seen.lost), done, SENT)
    books.set_title("Two books about the same requests")


def _draw_books(
    ax: Axes, client: tuple[int, int, int], server: tuple[int, int, int], sent: int
) -> None:
    ax.set_xlim(-0.5, 3.55)
    ax.set_ylim(0, 118)
    ax.set_yticks(range(0, 101, 20))
    ax.set_xticks((0, 2), ("client: answered?", "server: done?"))
    ax.grid(False, axis="x")
    ax.set_ylabel("% of the requests")
    for place, counts, kinds in ((0, client, _CLIENT), (2, server, _SERVER)):
        bottom, level = 0.0, -np.inf
        for count, (kind, shade, hatch) in zip(counts, kinds, strict=True):
            height = 100 * count / max(sent, 1)
            look: dict[str, Any] = {"facecolor": shade, "edgecolor": "white", "hatch": hatch}
            bars(ax, place, height, 0.62, start=bottom, alpha=0.75, linewidth=0.6, **look)
            if count:
                two_lines = height > 14
                level = max(bottom + height / 2, level + 7)
                text = f"{kind}\n{count:,}" if two_lines else f"{kind} {count:,}"
                ax.text(place + 0.38, level, text, fontsize=8.5, va="center", color=style.INK)
            bottom += height


# --- the same with real servers -------------------------------------------------------------------


class Trial(Parameters):
    """Server processes that are killed while twelve clients wait for them."""

    kills: int = integer(
        5,
        "Servers killed in each experiment",
        at_least=1,
        at_most=50,
        note="About a quarter of a second each.",
    )
    retries: int = integer(1, "Retries", at_least=0, at_most=5)
    timeout_s: float = number(30.0, "Given up after", unit="s", above=0)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredBooks:
    """Kill real servers while real clients wait for them, and compare both sides' books.

    Raises
    ------
    TimeoutError
        If it took longer than `timeout_s`.
    RuntimeError
        If a server died of its own accord.
    """
    plain, keyed = kill_servers(at.kills, at.retries, at.timeout_s, at.seed)
    return MeasuredBooks(at, plain, keyed)


class MeasuredBooks(Measured):
    """Books of requests to servers that were killed: without and with keys."""

    at: Trial
    plain: Book
    keyed: Book

    @property
    def predicted_done(self) -> float:
        """Share of the tries cut off whose work should have been done by then.

        From the times of the requests that were answered.
        """
        after_s, taken_s = float(np.sum(self.plain.after_s)), float(np.sum(self.plain.taken_s))
        return interrupted_but_done(taken_s - after_s, after_s)

    @property
    def cut_off(self) -> int:
        """Tries during which a server without keys died."""
        return len(self.plain.cut_off)

    @property
    def cut_off_done(self) -> int:
        """Those of them whose work was found in the database."""
        return len(self.plain.cut_off.keys() & self.plain.tries_done)

    @property
    def done_share(self) -> Interval:
        """The share of them with its 95 % interval; each kill counts as one observation."""
        plain = self.plain
        servers = sorted(set(plain.cut_off.values()))
        tries = [[t for t, server in plain.cut_off.items() if server == s] for s in servers]
        return clustered_share(
            [sum(t in plain.tries_done for t in some) for some in tries], [len(t) for t in tries]
        )

    @property
    def conserved(self) -> bool:
        """Whether sent = ok + failed + lost in both books."""
        return all(b.sent == b.ok + b.failed + b.lost for b in (self.plain, self.keyed))

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {"kills": 2 * self.at.kills}
        for name, book in (("plain", self.plain), ("with_keys", self.keyed)):
            found[f"{name}_sent"] = book.sent
            found[f"{name}_ok"] = book.ok
            found[f"{name}_failed"] = book.failed
            found[f"{name}_lost"] = book.lost
            found[f"{name}_duplicated"] = book.duplicated
            found[f"{name}_lost_but_done"] = book.late
        return found

    @property
    def reading(self) -> str:
        share = self.done_share
        inside = "inside" if share.contains(self.predicted_done) else "outside"
        books = "balance" if self.conserved else "DO NOT BALANCE"
        one = self.plain
        was = "was" if one.duplicated == 1 else "were"
        return (
            f"Verdict: the books {books}: {one.sent:,} sent = {one.ok:,} ok + {one.failed:,} "
            f"failed + {one.lost:,} lost. {counted(self.at.kills, 'kill')} of servers without keys "
            f"cut {counted(self.cut_off, 'try', 'tries')} off, and the work of "
            f"{self.cut_off_done} had been done (theory: "
            f"{significant(100 * self.predicted_done)} %, {inside} the 95 % interval "
            f"{significant(100 * share.low, 2)} to {significant(100 * share.high, 2)} %). "
            f"{counted(one.duplicated, 'request')} {was} done more than once; with keys, "
            f"{self.keyed.duplicated} of {self.keyed.sent:,}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        books = (self.plain, self.keyed)
        return {
            "server": ["plain", "with keys"],
            "sent": [book.sent for book in books],
            "ok": [book.ok for book in books],
            "failed": [book.failed for book in books],
            "lost": [book.lost for book in books],
            "duplicated": [book.duplicated for book in books],
            "lost but done": [book.late for book in books],
        }


@style.panels(2, width_ratios=[1.25, 1])
def plot_measured(run: MeasuredBooks, axes: tuple[Axes, Axes]) -> None:
    """Draw how much of what was cut off had been done, and the two books of real requests."""
    ax, books = axes
    ax.set_title("Tries cut off by a kill: was the work done?")
    ax.set_xlim(0, 100)
    ax.set_ylim(-1, 1)
    ax.set_yticks([])
    ax.set_xlabel("% of the tries cut off whose work had been done")
    share = run.done_share
    error_bars(ax, 0, share, 100, along="x", **style.MEASUREMENT)
    ax.axvline(100 * run.predicted_done, **style.THEORY)
    tries, kills = counted(run.cut_off, "try", "tries"), counted(share.samples, "kill")
    note(ax, 0.02, 0.95, f"● measured, {tries}, {kills}", style.VERMILION)
    note(ax, 0.02, 0.87, "- - theory, from undisturbed requests", style.BLACK)
    note(ax, 0.02, 0.12, f"done twice with keys: {run.keyed.duplicated}", style.INK)
    one = run.plain
    done = (len(one.done) - one.duplicated, one.duplicated, one.sent - len(one.done))
    _draw_books(books, (one.ok, one.failed, one.lost), done, one.sent)
    books.set_title("Two books about real requests")
