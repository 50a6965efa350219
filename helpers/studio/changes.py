"""What would have helped: every single change is tried on the trace that went worst.

Nobody says which changes are good. Each is made alone, the same twenty seconds are run again on the
same draws, and those that leave at least a tenth fewer requests unanswered, late or lost are kept,
the cheapest first. Where that stops being true: two changes together may do what neither does
alone, and a change that helps on this trace may harm on another, so the best are run on all.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers import blueprint
from helpers.blueprint import Design
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, key, yours
from helpers.foundations.drawing.words import words as write
from helpers.foundations.experiment import Mine, Parameters, Result, option, seed, takes
from helpers.foundations.prose import counted, listed
from helpers.studio.deck import Brief, Trace, brief, deck
from helpers.studio.edits import bad, single_changes, worst_trace
from helpers.studio.judge import monthly_usd, piece_by_piece, ran_so_far
from helpers.studio.references import naive, usual

#: Where the search begins.
STARTS = {"what load tests lead to": usual, "the first idea": naive}

_SHOWN, _EVERY = 3, 2  # changes that are proposed; changes between two pictures
_MOST = 165.0  # where the axes end, % of the requests that go wrong without a change


class Setting(Parameters):
    """A brief, and the design that is to become better."""

    brief: str = option("payments", "Brief", of=tuple(deck()))
    start: str = option("what load tests lead to", "Design", of=tuple(STARTS))
    seed: int = seed()

    @property
    def the_brief(self) -> Brief:
        """The brief itself."""
        return brief(self.brief)

    @property
    def design(self) -> Design:
        """The design before anything is changed."""
        return STARTS[self.start](self.the_brief)


# --- the model: what the page shows, and a learner changes ----------------------------------------


def what_helps(at):
    """Try every single change; keep those that help, the cheapest first."""
    parts, design, seed = at.the_brief, at.design, at.seed
    trace = worst_trace(parts, design, seed)
    before = bad(parts, design, trace, seed)
    bill = monthly_usd(parts, design)
    kept = []
    for words, changed in single_changes(parts, design):
        left = bad(parts, changed, trace, seed)
        if left <= 0.9 * before:
            kept.append((monthly_usd(parts, changed) - bill, left, words))
    best = sorted(kept)[:3]
    return {
        "words": [words for _, _, words in best],
        "extra_usd": [extra for extra, _, _ in best],
        "left": [left for _, left, _ in best],
    }


@takes(Setting)
def simulate(at: Setting) -> Iterator[Changes]:
    """Look for the worst trace, then try the changes one by one; what is known so far is shown.

    The first answer, which has to come at once, is a quarter of the first trace.
    """
    parts, design = at.the_brief, at.design
    tried: list[Tried] = []
    begun = next(ran_so_far(parts, design, parts.traces[0], at.seed))
    shown = Changes(at, begun.trace, begun.bad, (), complete=False)
    yield from (shown, shown)  # whoever steps through the briefs waits for no search
    for number, one in enumerate(parts.traces, start=1):
        for _ in piece_by_piece(parts, design, one, at.seed):
            yield shown
        trace = worst_trace(parts, design, at.seed, parts.traces[:number])
        before = bad(parts, design, trace, at.seed)
        shown = Changes(at, trace, before, (), complete=False)
        yield shown
    steps = single_changes(parts, design)
    for number, (words, changed) in enumerate(steps, start=1):
        for _ in piece_by_piece(parts, changed, trace, at.seed):
            yield shown
        extra = monthly_usd(parts, changed) - monthly_usd(parts, design)
        tried.append(Tried(words, changed, extra, bad(parts, changed, trace, at.seed)))
        if number % _EVERY == 1 and number < len(steps):
            shown = Changes(at, trace, before, tuple(tried), complete=False)
            yield shown
    yield Changes(at, trace, before, tuple(tried), complete=True)


# --- theory ---------------------------------------------------------------------------------------


def theory(design: Design) -> float:
    """Return the requests a second that a design can carry: the utilisation law, no simulation.

    Denning and Buzen, "The Operational Analysis of Queueing Network Models", *ACM Computing
    Surveys* 10, 1978. A change that leaves this as it is helps in another way, or not at all.
    """
    return float(blueprint.bounds(design).capacity_rps)


# --- what it says ---------------------------------------------------------------------------------


class Tried(NamedTuple):
    """A change that was tried.

    Attributes
    ----------
    words : str
    design : Design
        With the change.
    extra_usd : float
        What it adds to a month's bill.
    left : int
        Requests that still go wrong on the worst trace.
    """

    words: str
    design: Design
    extra_usd: float
    left: int


class Changes(Result):
    """What each change came to.

    Attributes
    ----------
    at : Setting
    trace : Trace
        The one on which most went wrong.
    before : int
        Requests that go wrong on it without a change.
    tried : tuple of Tried
        So far.
    complete : bool
        Whether these are all changes there are.
    """

    at: Setting
    trace: Trace
    before: int
    tried: tuple[Tried, ...]
    complete: bool

    @property
    def helped(self) -> list[Tried]:
        """Those that help, the cheapest first; of equally cheap ones the better."""
        kept = [one for one in self.tried if one.left <= 0.9 * self.before]
        return sorted(kept, key=lambda one: (one.extra_usd, one.left, one.words))

    @property
    def cheapest(self) -> list[Tried]:
        """The three cheapest of those."""
        return self.helped[:_SHOWN]

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "trace": self.trace.name,
            "before": self.before,
            "tried": len(self.tried),
            "help": len(self.helped),
            "cheapest": self.cheapest[0].words if self.helped else "none",
        }

    @property
    def reading(self) -> str:
        so_far = "" if self.complete else " so far"
        said = (
            f"On “{self.trace.name}”, {counted(self.before, 'request')} of the design go wrong. Of "
            f"{counted(len(self.tried), 'change')} tried{so_far}, {len(self.helped)} "
            f"{'leaves' if len(self.helped) == 1 else 'leave'} at least a tenth fewer. "
        )
        if not self.helped:
            return said if so_far else said + "No single change is enough to help."
        each = [
            f"{one.words} ({_money(one.extra_usd)}, {one.left:,} left)" for one in self.cheapest
        ]
        return said + f"The cheapest: {listed(each)}."

    @property
    def columns(self) -> Mapping[str, Any]:
        rows = sorted(self.tried, key=lambda one: (one.left, one.extra_usd))
        return {
            "change": [one.words for one in rows],
            "US$ a month more": [round(one.extra_usd) for one in rows],
            "go wrong": [one.left for one in rows],
            "capacity (requests/s)": [theory(one.design) for one in rows],
        }


def _money(extra: float) -> str:
    if round(extra) == 0:
        return "for nothing"
    return f"{abs(extra):,.0f} US$ a month {'more' if extra > 0 else 'less'}"


@style.panels(2, width_ratios=(1.1, 1))
def plot(run: Changes, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw what each change costs and leaves, in % of before, and the three cheapest that help."""
    left, right = axes
    share = 100 / max(run.before, 1)  # of all briefs alike: the axes stand still
    extra = np.array([one.extra_usd for one in run.tried])
    remain = share * np.array([one.left for one in run.tried])
    helped = run.helped
    helps = np.array([one in helped for one in run.tried], bool)
    look: dict[str, Any] = {"linestyle": "none", "marker": "o"}
    left.plot(extra[~helps], remain[~helps], color=style.GHOST, markersize=5, **look)
    left.plot(extra[helps], remain[helps], color=style.BLUE, markersize=7, **look)
    left.axhline(share * run.before, color=style.INK, linewidth=1.2)
    said = f"{run.at.brief}, “{run.trace.name}”: {run.before:,} go wrong"
    write(left, (1_280, share * run.before), [said], offset_pt=(0, 10), ha="right", paper=0.75)
    left.set(xlim=(-400, 1_300), ylim=(-6, _MOST), xlabel="US$ a month more",
             ylabel="still go wrong (%)")  # fmt: skip
    left.set_title("What each change costs, and leaves")
    key(left, [("●", "helps", style.BLUE), ("●", "does not", style.MUTED)])
    best = run.cheapest
    places = np.arange(len(best))[::-1]
    if best:
        lefts = [share * one.left for one in best]
        bars(right, places, lefts, 0.5, along="x", facecolor=style.BLUE)
    right.axvline(share * run.before, color=style.INK, linewidth=1.2)
    right.set(xlim=(0, _MOST), ylim=(-0.7, 2.7), xlabel="still go wrong (%)")
    right.set_yticks([])
    names = ["\n".join(textwrap.wrap(one.words, 44)) for one in best]
    beside = np.column_stack([np.full(len(best), 0.01 * _MOST), places + 0.27])
    write(right, beside, names, ha="left", va="bottom", paper=0.75)
    right.set_title("The cheapest that help")
    if mine is not None:
        own = share * np.asarray(mine["left"], float).ravel()[:_SHOWN]
        yours(right, own, np.arange(len(own))[::-1])
