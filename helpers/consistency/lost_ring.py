"""Alice lost her ring, found it, and Bob is glad: what Carol sees depends on the order.

Three people read from three copies. Alice writes that she has found her ring; Bob sees that,
thinks, and answers; each message takes its own time to each copy. Carol may get the answer before
what it answers. With vector clocks her copy holds the answer back until it can be understood. Where
that stops being true: real delays are not exponential, and what people say to each other on the
phone no clock sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, key, percent
from helpers.foundations.events import Log
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    flag,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import duration, rounded, significant
from helpers.foundations.statistics import Interval, mean_interval, wilson_interval

#: How often the story is told.
STORIES = 10_000

#: How long Bob thinks, in delays of a message.
PAUSES = np.linspace(0.0, 4.0, 13)

#: How much later Alice finds her ring, and the shortest and longest delay in a replay: in delays of
#: a message.
FINDS_AFTER = 1.0
SHORTEST, LONGEST = 0.3, 4.0


class Setting(Parameters):
    """Three people, three copies, and messages that overtake each other."""

    delay_ms: float = number(100.0, "A message takes on average", unit="ms", above=0)
    thinks_ms: float = number(50.0, "Bob thinks for", unit="ms", at_least=0)
    vector_clocks: bool = flag(False, "Vector clocks")
    seed: int = seed()


class Delays(NamedTuple):
    """How long each message takes, in ms; arrays of one shape, or numbers."""

    lost_to_bob: Any
    lost_to_carol: Any
    found_to_bob: Any
    found_to_carol: Any
    glad_to_alice: Any
    glad_to_carol: Any


@takes(Setting)
def simulate(at: Setting) -> LostRing:
    """Tell the story 10,000 times, with Bob thinking for as long as asked and at 13 other paces."""
    took = Delays(*Draws(at.seed)("delays").exponential(at.delay_ms, (6, STORIES)))
    pauses = np.append(PAUSES * at.delay_ms, at.thinks_ms)[:, None]
    arrives = took.found_to_bob + pauses + took.glad_to_carol
    news = took.found_to_carol
    shown = np.maximum(arrives, news) if at.vector_clocks else arrives
    return LostRing(at, puzzled=(shown < news).sum(axis=1), waits_ms=(shown - arrives)[-1])


# --- one story, message by message ----------------------------------------------------------------


@takes(Setting)
def watch(at: Setting) -> Log:
    """Follow one story: of 4,000, the first clear one in which the answer overtakes the news."""
    luck = Draws(at.seed)("stories").exponential(at.delay_ms, (4_000, 6)).tolist()
    found_ms = FINDS_AFTER * at.delay_ms
    shortest, longest = SHORTEST * at.delay_ms, LONGEST * at.delay_ms
    told = [Delays(*took) for took in luck if min(took) > shortest and max(took) < longest]

    def tells(took: Delays) -> bool:
        """Whether the news reach Bob in order, and Carol has read of the loss before his answer."""
        answer = found_ms + took.found_to_bob + at.thinks_ms + took.glad_to_carol
        in_order = took.lost_to_bob < found_ms + took.found_to_bob
        clear = 0.2 * at.delay_ms
        return in_order and took.lost_to_carol + clear < answer < (
            found_ms + took.found_to_carol - clear
        )

    took = next((one for one in told if tells(one)), told[0])
    seen_ms = found_ms + took.found_to_bob
    says_ms = seen_ms + at.thinks_ms
    log = Log("Alice, Bob and Carol", noun="message")
    for row, name in enumerate(("Alice", "Bob", "Carol")):
        log.place(name, "store", at=(row, 0), words=f"is shown to {name}")
    log.kind("news", "blue").kind("answer", "orange")
    for what, words, begin, to_bob, to_carol in (
        ("lost", "says: I lost my ring", 0.0, took.lost_to_bob, took.lost_to_carol),
        ("found", "says: found it!", found_ms, took.found_to_bob, took.found_to_carol),
    ):
        for whom, takes_ms in (("Bob", to_bob), ("Carol", to_carol)):
            log.sends(begin / 1e3, f"{what} to {whom}", whom, takes_ms / 1e3, words, kind="news",
                      start="Alice")  # fmt: skip
    log.sends(says_ms / 1e3, "glad to Alice", "Alice", took.glad_to_alice / 1e3,
              "says: I am glad!", kind="answer", start="Bob")  # fmt: skip
    arrives_s = says_ms / 1e3 + took.glad_to_carol / 1e3
    news_s = found_ms / 1e3 + took.found_to_carol / 1e3
    puzzled = arrives_s < news_s and not at.vector_clocks
    if arrives_s < news_s and at.vector_clocks:
        log.place("held back", "queue", at=(3, 0), words="waits for what it answers")
        log.sends(says_ms / 1e3, "glad to Carol", "held back", took.glad_to_carol / 1e3,
                  "says: I am glad!", kind="answer", start="Bob")  # fmt: skip
        log.moves(news_s, "glad to Carol", "Carol", "is shown to Carol, after what it answers")
    else:
        log.sends(says_ms / 1e3, "glad to Carol", "Carol", took.glad_to_carol / 1e3,
                  "says: I am glad!", kind="answer", start="Bob")  # fmt: skip
    if puzzled:
        log.marks(arrives_s, "Carol", "puzzled", bad=True)
    log.marks(max(arrives_s, news_s), "Carol", "understands")
    last_s = max(arrives_s, news_s, (says_ms + took.glad_to_alice) / 1e3)
    log.marks(1.3 * last_s, "Alice", "")  # room for the last words
    return log


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Share of the stories in which Carol is puzzled, and how long an answer is held back, ms."""

    puzzled: Any
    waits_ms: Any


def theory(at: Setting, thinks_ms: Any) -> Theory:
    """Say how often the answer overtakes, for exponential delays of mean d.

    The news must still be under way when Bob has got them, has thought for t, and his answer has
    arrived: ``P(X > Y + t + Z) = E[exp(-Y/d)] exp(-t/d) E[exp(-Z/d)] = exp(-t/d) / 4``. What is
    under way then has another d to go on average, which is what the answer waits for with vector
    clocks.
    """
    overtakes = np.exp(-np.asarray(thinks_ms) / at.delay_ms) / 4
    if at.vector_clocks:
        return Theory(0.0 * overtakes, at.delay_ms * overtakes)
    return Theory(overtakes, 0.0 * overtakes)


# --- what it says ---------------------------------------------------------------------------------


class LostRing(Result):
    """How often Carol was puzzled.

    Attributes
    ----------
    puzzled : numpy.ndarray of int, shape (14,)
        Stories in which the answer was shown before what it answers, for Bob thinking for each of
        `PAUSES` delays, and then as long as asked.
    waits_ms : numpy.ndarray of float, shape (10000,)
        How long the answer was held back at Carol's, ms.
    """

    at: Setting
    puzzled: np.ndarray
    waits_ms: np.ndarray

    @property
    def share(self) -> Interval:
        """Share of the stories in which Carol is puzzled, at the chosen pace."""
        return wilson_interval(int(self.puzzled[-1]), STORIES)

    @property
    def wait(self) -> Interval:
        """How long an answer is held back on average, ms."""
        return mean_interval(self.waits_ms)

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at, self.at.thinks_ms)
        return {
            "stories": STORIES,
            "puzzled": int(self.puzzled[-1]),
            "puzzled_percent": rounded(100 * self.share.estimate),
            "theory_percent": rounded(100 * float(exact.puzzled)),
            "held_back_ms": rounded(self.wait.estimate),
            "theory_held_back_ms": rounded(float(exact.waits_ms)),
        }

    @property
    def reading(self) -> str:
        exact = theory(self.at, self.at.thinks_ms)
        if not self.at.vector_clocks:
            return (
                f"In {int(self.puzzled[-1]):,} of {STORIES:,} stories Carol reads that Bob is glad "
                f"before she reads why: {significant(100 * self.share.estimate)} %, theory "
                f"{significant(100 * float(exact.puzzled))} %."
            )
        wait = round(self.wait.estimate / 1e3, 7)
        return (
            f"In none of {STORIES:,} stories is Carol puzzled. Her copy holds an answer back for "
            f"{duration(wait)} on average, theory {duration(float(exact.waits_ms) / 1e3)}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        pauses = PAUSES * self.at.delay_ms
        return {
            "Bob thinks (ms)": pauses,
            "puzzled (%)": 100 * self.puzzled[:-1] / STORIES,
            "theory (%)": 100 * theory(self.at, pauses).puzzled,
        }


def plot(run: LostRing, ax: Axes) -> None:
    """Draw how often Carol is puzzled against how long Bob thinks."""
    at = run.at
    fine = np.linspace(0, 4 * at.delay_ms, 161)
    ax.set_xlim(-0.08 * at.delay_ms, 4.08 * at.delay_ms)
    ax.set_ylim(-0.01, 0.32)
    ax.set_yticks([0, 0.1, 0.2, 0.3], [percent(tick / 10) for tick in range(4)])
    ax.plot(fine, theory(at, fine).puzzled, **style.THEORY)
    ax.plot(PAUSES * at.delay_ms, run.puzzled[:-1] / STORIES, **style.DOTS)
    if at.thinks_ms <= 4 * at.delay_ms:
        here(ax, at.thinks_ms)
    key(ax, [("●", "10,000 stories each", style.BLUE), ("╌", "theory", style.INK)])
    ax.set_title("Carol gets the answer before what it answers")
    ax.set_xlabel("Bob thinks for (ms)")
