"""Try again until it is confirmed: nothing gets lost, and some of it happens twice.

A sender repeats a message until the receiver's confirmation comes back. Where that stops being
true: losses come in bursts, so the tries of one message fail together more often than alone, and
a receiver that remembers keys can lose its memory as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, here, log_axis, marks, ring
from helpers.foundations.drawing.axes import percent as tick
from helpers.foundations.drawing.words import words
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    flag,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import amount, counted, percent, rounded

TRIES = np.arange(1, 11)

_MESSAGES = 20_000


class Setting(Parameters):
    """A sender that tries several times, and a receiver that may remember keys."""

    lost: float = number(0.1, "Requests lost", at_least=0.001, at_most=0.9)
    reply_lost: float = number(0.1, "Confirmations lost", at_least=0, at_most=0.9)
    tries: int = integer(3, "Tries at most", at_least=1, at_most=10)
    pause_s: float = number(60.0, "Time between tries", unit="s", above=0, at_most=86_400)
    keyed: bool = flag(False, "Messages carry a key")
    memory_s: float = number(300.0, "The receiver remembers a key for", unit="s", above=0,
                             at_most=30 * 86_400, note="SQS FIFO queues: 5 min.")  # fmt: skip
    seed: int = seed()

    @property
    def forgets(self) -> int:
        """After so many pauses without a message of that key, it is forgotten."""
        return int(np.floor(self.memory_s / self.pause_s * (1 + 1e-12))) + 1 if self.keyed else 1


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Retries:
    """Send 20,000 messages, and count how often each takes effect after 1, 2 ... 10 tries."""
    draw = Draws(at.seed)
    size = (TRIES.size, _MESSAGES)
    arrives = draw("requests").random(size) >= at.lost
    confirms = draw("replies").random(size) >= at.reply_lost
    effects = np.zeros(_MESSAGES, int)
    last = np.full(_MESSAGES, -1_000_000)  # try at which it last took effect
    open_ = np.ones(_MESSAGES, bool)
    seen = []
    for n in range(TRIES.size):
        takes_effect = open_ & arrives[n] & (n - last >= at.forgets)
        effects += takes_effect
        last[takes_effect] = n
        open_ &= ~(arrives[n] & confirms[n])
        seen.append(np.bincount(effects, minlength=TRIES.size + 1) / _MESSAGES)
    return Retries(at, np.array(seen))


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Chances that a message takes effect never, once and more than once."""

    never: float
    once: float
    more: float


def theory(at: Setting, tries: int | None = None) -> Theory:
    """Never with probability p^k; the rest by following all that can happen, try by try."""
    chances = _effects(at.but(seed=0, tries=1), at.tries if tries is None else tries)
    return Theory(chances[0], chances[1], sum(chances[2:]))


@lru_cache(maxsize=256)
def _effects(at: Setting, tries: int) -> tuple[float, ...]:
    """Chance of 0, 1, 2 ... effects of a message."""
    over = [0.0] * (tries + 2)
    states = {(-1_000_000, 0): 1.0}  # the try at which it last took effect, and how often so far
    for n in range(tries):
        after: dict[tuple[int, int], float] = {}
        for (last, effects), chance in states.items():
            lost = (last, effects)
            after[lost] = after.get(lost, 0.0) + chance * at.lost
            there = (n, effects + 1) if n - last >= at.forgets else (last, effects)
            arrived = chance * (1 - at.lost)
            after[there] = after.get(there, 0.0) + arrived * at.reply_lost
            over[there[1]] += arrived * (1 - at.reply_lost)
        states = after
    for (_, effects), chance in states.items():
        over[effects] += chance
    return tuple(over)


# --- what it says ---------------------------------------------------------------------------------


class Retries(Result):
    """How often messages take effect.

    Attributes
    ----------
    effects : numpy.ndarray, shape (10, 11)
        Share of the messages with 0, 1 ... 10 effects, if up to 1, 2 ... 10 tries are made.
    """

    at: Setting
    effects: np.ndarray

    @property
    def never(self) -> np.ndarray:
        """Share that never takes effect, for each number of tries."""
        return self.effects[:, 0]

    @property
    def more(self) -> np.ndarray:
        """Share that takes effect more than once, for each number of tries."""
        return np.asarray(self.effects[:, 2:].sum(axis=1))

    @property
    def summary(self) -> dict[str, float | int | str]:
        k, exact = self.at.tries - 1, theory(self.at)
        return {
            "never_percent": rounded(100 * float(self.never[k])),
            "theory_never_percent": rounded(100 * exact.never),
            "more_than_once_percent": rounded(100 * float(self.more[k])),
            "theory_more_than_once_percent": rounded(100 * exact.more),
        }

    @property
    def reading(self) -> str:
        at, k, exact = self.at, self.at.tries - 1, theory(self.at)
        return (
            f"With {'up to ' if at.tries > 1 else ''}{counted(at.tries, 'try', 'tries')}, "
            f"{percent(float(self.never[k]))} of {_MESSAGES:,} messages take no effect (theory: "
            f"{percent(exact.never)}) and {percent(float(self.more[k]))} take effect more than "
            f"once (theory: {percent(exact.more)})."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        each = [theory(self.at, k) for k in TRIES.tolist()]
        return {
            "tries": TRIES,
            "never (%)": 100 * self.never,
            "theory, never (%)": [100 * one.never for one in each],
            "more than once (%)": 100 * self.more,
            "theory, more (%)": [100 * one.more for one in each],
        }


@style.panels(2, width_ratios=[1.4, 1])
def plot(run: Retries, axes: tuple[Axes, Axes]) -> None:
    """Draw what is lost and what happens twice against the number of tries."""
    at, (ax, shares) = run.at, axes
    each = [theory(at, k) for k in TRIES.tolist()]
    log_axis(ax, "y", 1e-5, 1.5, ticks=(1e-4, 1e-3, 1e-2, 0.1, 1), text=tick)
    for part, found, color, name in (
        ("never", run.never, style.BLUE, "never"),
        ("more", run.more, style.ORANGE, "more than once"),
    ):
        exact = np.array([getattr(one, part) for one in each])
        ax.plot(TRIES[exact > 0], exact[exact > 0], **style.THEORY)
        seen = found > 0
        ax.plot(TRIES[seen], found[seen], **style.DOTS | {"color": color})
        shown = [i for i in range(10) if exact[i] > 2e-5]
        if shown:
            i = shown[0] if part == "never" else shown[-1]
            ink = style.ORANGE_INK if part == "more" else color
            place = (
                {"ha": "left", "xytext": (7, 7)} if i == 0 else {"ha": "right", "xytext": (4, 10)}
            )
            style.label(ax, TRIES[i], exact[i], name, ink, **place)
    here(ax, at.tries)
    ring(ax, at.tries, float(max(run.never[at.tries - 1], 1.01e-5)))
    ax.set(xlim=(0.5, 10.5), xlabel="tries at most", ylabel="messages")
    ax.set_title("What is lost, and what happens twice")

    exact_shares = _effects(at.but(seed=0, tries=1), at.tries)
    found = np.append(run.effects[at.tries - 1, :3], run.effects[at.tries - 1, 3:].sum())
    expected = [*(100 * each_ for each_ in exact_shares[:3]), 100 * sum(exact_shares[3:])]
    bars(shares, range(4), 100 * found, 0.6, facecolor=style.BLUE)
    marks(shares, range(4), expected, 0.75)
    shares.set_xlim(-0.6, 3.6)
    shares.set_ylim(0, 115)
    shares.set_xticks(range(4), ["0", "1", "2", "3 or more"])
    shares.set_xlabel("times a message takes effect")
    shares.set_ylabel("messages (%)")
    if at.keyed:
        memory = f"a key is kept for {amount(at.memory_s / at.pause_s, 'pause')}"
        words(shares, (0.98, 0.98), [memory], in_axes=True, ha="right", va="top", paper=0.75)
    shares.set_title(f"After {'up to ' if at.tries > 1 else ''}{counted(at.tries, 'try', 'tries')}")
