"""Four layouts of the same data, and which of them answers which question cheaply.

The model counts the leaf pages a database has to read with nothing in memory. Where that stops
being true: products differ in more than layout, in what they guarantee, in how they are spread
over machines, and in whom you can hire.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.anatomy.shop import LAYOUTS, QUERIES, ask_all
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import log_axis, named_axis, note, short
from helpers.foundations.experiment import (
    Draws,
    Measured,
    Parameters,
    Result,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import duration, listed, significant

PAGE_BYTES = 4_096
_PROFILE, _ROW, _PAIR = 100, 40, 12  # bytes of a user's profile, an order, a friendship
_ORDER_TEXT, _FRIEND_TEXT = 60, 12  # of an order and a friend inside a JSON value


class Setting(Parameters):
    """A shop with users, orders and friendships, and a mix of four questions.

    What the shares leave to 1 are sessions looked up by key; shares that add up to more are scaled
    down.
    """

    users: int = integer(10_000, "Users", at_least=100, at_most=1_000_000)
    orders: int = integer(20, "Orders of a user", at_least=1, at_most=200)
    friends: int = integer(20, "Friends of a user", at_least=1, at_most=200)
    page_share: float = number(0.9, "Share of profile pages", at_least=0, at_most=1)
    report_share: float = number(0.0, "Share of sales reports", at_least=0, at_most=1)
    friends_share: float = number(0.0, "Share of friends of friends", at_least=0, at_most=1)

    @property
    def mix(self) -> np.ndarray:
        """Share of each of :data:`QUERIES`, shape (4,)."""
        weights = [self.page_share, self.report_share, self.friends_share]
        mix = np.array([max(0.0, 1 - sum(weights)), *weights])
        shares: np.ndarray = mix / mix.sum()
        return shares


# --- the model: every lookup, written out ---------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Layouts:
    """Count the pages that four layouts read for each of four questions."""
    return Layouts(at, pages_read(at.users, at.orders, at.friends))


def pages_read(users: int, orders: int, friends: int) -> np.ndarray:
    """Return how many leaf pages each layout reads for each question, nothing being in memory.

    One lookup reads one page and as many more as the value fills; a range or scan of neighbours
    reads the pages they fill; rows found through a secondary index lie on a page each. Inner nodes
    are in memory. Silberschatz, Korth and Sudarshan, *Database System Concepts*, 7th ed. 2019, on
    the cost of selection.

    Relational: orders stored as they came in, with an index by user; friendships sorted by user.
    Document: one JSON value for a user with orders and friends. Key-value: profile, orders and
    friends a value each, like kinds stored together. Graph: nodes, and all edges sorted by node.

    Returns
    -------
    numpy.ndarray, shape (4, 4)
        Rows as in :data:`LAYOUTS`, columns as in :data:`QUERIES`.
    """
    document = _PROFILE + _ORDER_TEXT * orders + _FRIEND_TEXT * friends
    edges = _ROW * orders + _PAIR * friends

    def lookup(size: float) -> float:
        return 1 + size / PAGE_BYTES

    def scan(size: float) -> float:
        return max(1.0, users * size / PAGE_BYTES)

    return np.array(
        [
            [
                lookup(_PROFILE),
                lookup(_PROFILE) + lookup(_PAIR * orders) + orders,
                scan(_ROW * orders),
                (1 + friends) * lookup(_PAIR * friends),
            ],
            [
                lookup(_PROFILE),
                lookup(document),
                scan(document),
                (1 + friends) * lookup(document),
            ],
            [
                lookup(_PROFILE),
                lookup(_PROFILE) + lookup(_ORDER_TEXT * orders),
                scan(_ORDER_TEXT * orders),
                (1 + friends) * lookup(_FRIEND_TEXT * friends),
            ],
            [
                lookup(_PROFILE),
                lookup(_PROFILE) + lookup(_ROW * orders),
                scan(edges),
                (1 + friends) * lookup(_PAIR * friends),
            ],
        ]
    )


# --- what it says ---------------------------------------------------------------------------------


class Layouts(Result):
    """Leaf pages that each layout reads for each question.

    Attributes
    ----------
    pages : numpy.ndarray, shape (4, 4)
        One row for each of :data:`LAYOUTS`, one column for each of :data:`QUERIES`.
    """

    at: Setting
    pages: np.ndarray

    @property
    def cost(self) -> np.ndarray:
        """Pages read for an average question, by layout, shape (4,)."""
        return self.pages @ self.at.mix

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {
            f"{name.replace('-', '_')}_pages": float(cost)
            for name, cost in zip(LAYOUTS, self.cost, strict=True)
        }
        values["cheapest"] = LAYOUTS[int(self.cost.argmin())]
        return values

    @property
    def reading(self) -> str:
        order = np.argsort(self.cost, kind="stable")
        tied = [LAYOUTS[i] for i in order if np.isclose(self.cost[i], self.cost[order[0]])]
        if len(tied) == len(LAYOUTS):
            return (
                "For this mix of questions all four layouts cost the same, "
                f"{significant(self.cost[0])} pages for an average question."
            )
        verb = "are" if tied[1:] else "is"
        return (
            f"For this mix of questions {listed(tied)} {verb} cheapest, with "
            f"{significant(self.cost[order[0]])} pages for an average question; the dearest, "
            f"{LAYOUTS[order[-1]]}, reads {significant(self.cost[order[-1]])}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        questions = dict(zip(QUERIES, self.pages.T, strict=True))
        return {"layout": LAYOUTS, **questions, "your mix": self.cost}


@style.wide
def plot(run: Layouts, ax: Axes) -> None:
    """Draw the pages of each question on each layout; the mix at the right."""
    _draw(ax, np.column_stack([run.pages, run.cost]), [*QUERIES, "your mix"])
    ax.axvspan(3.5, 4.5, color=style.FAINT, alpha=0.5, linewidth=0)
    ax.set_title("Pages read for each question, and for your mix")
    ax.set_ylabel("pages read")
    log_axis(ax, "y", 0.5, 1e8, text=short)


_LOOKS = (
    (style.BLUE, "o"),
    (style.VERMILION, "s"),
    (style.GREEN, "^"),
    (style.PURPLE, "D"),
)


def _draw(ax: Axes, values: np.ndarray, names: list[str]) -> None:
    """Draw a row of `values` for each layout, with a ring around the smallest of each column."""
    columns = len(names)
    ax.set_xlim(-0.5, columns - 0.5)
    named_axis(ax, "x", [n.replace(" by ", "\nby ").replace(" of ", "\nof ") for n in names])
    for i, (layout, (colour, marker)) in enumerate(zip(LAYOUTS, _LOOKS, strict=True)):
        row, x = values[i], np.arange(columns) + 0.13 * (i - 1.5)
        ax.plot(x, row, color=colour, marker=marker, markersize=8, linestyle="none", label=layout)
        best = row <= 1.0001 * values.min(axis=0)
        ring: dict[str, Any] = {"color": style.INK, "marker": "o", "mfc": "none", "mew": 1.3}
        ax.plot(x[best], row[best], markersize=14, linestyle="none", **ring)
        note(ax, 0.02 + 0.2 * i, 0.97, f"{'●■▲◆'[i]} {layout}", colour)
    note(ax, 0.98, 0.97, "○ cheapest", style.INK, ha="right")


# --- the same in a real engine --------------------------------------------------------------------


class Trial(Parameters):
    """The same shop in four layouts in sqlite, in memory: times measure work, not reads."""

    users: int = integer(800, "Users", at_least=50, at_most=5_000)
    orders: int = integer(20, "Orders of a user", at_least=1, at_most=100)
    friends: int = integer(12, "Friends of a user", at_least=1, at_most=50)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredLayouts:
    """Store the same shop in four layouts in sqlite and ask each the same four questions."""
    times, same = ask_all(at.users, at.orders, at.friends, Draws(at.seed)("shop"))
    return MeasuredLayouts(at, times, same)


class MeasuredLayouts(Measured):
    """Times of four questions on four layouts of the same data.

    Attributes
    ----------
    times_s : numpy.ndarray, shape (4, 4)
        Shortest times, one row for each of :data:`LAYOUTS`, one column for each of
        :data:`QUERIES`.
    same_answers : bool
        Whether all layouts gave the same answers.
    """

    at: Trial
    times_s: np.ndarray
    same_answers: bool

    @property
    def winners(self) -> dict[str, str]:
        """Quickest layout for each question."""
        return dict(zip(QUERIES, (LAYOUTS[i] for i in self.times_s.argmin(axis=0)), strict=True))

    @property
    def predicted(self) -> dict[str, set[str]]:
        """Layouts with the fewest pages for each question; ties within a tenth."""
        pages = pages_read(self.at.users, self.at.orders, self.at.friends)
        best = pages.min(axis=0)
        return {
            query: {LAYOUTS[i] for i in np.flatnonzero(pages[:, j] <= 1.1 * best[j])}
            for j, query in enumerate(QUERIES)
        }

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {
            query: f"{layout}, {duration(self.times_s[:, j].min(), 2)}"
            for j, (query, layout) in enumerate(self.winners.items())
        }
        values["same_answers"] = "yes" if self.same_answers else "no"
        return values

    @property
    def reading(self) -> str:
        right = sum(self.winners[query] in self.predicted[query] for query in QUERIES)
        who = ", ".join(f"{query}: {layout}" for query, layout in self.winners.items())
        spread = float((self.times_s.max(axis=0) / self.times_s.min(axis=0)).max())
        answers = "the same answers" if self.same_answers else "different answers"
        different = len(set(self.winners.values()))
        win = "one layout wins" if different == 1 else f"{different} different layouts win"
        times = "once" if right == 1 else f"{right} times"
        return (
            f"Verdict: {win} the four questions ({who}), all with {answers}; counting pages named "
            f"the winner or a tie with it {times} of 4, and the widest gap between first and last "
            f"is {significant(spread, 2)}-fold."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {"layout": LAYOUTS, **dict(zip(QUERIES, 1e6 * self.times_s.T, strict=True))}


@style.wide
def plot_measured(run: MeasuredLayouts, ax: Axes) -> None:
    """Draw measured times of each question on each layout."""
    _draw(ax, 1e6 * run.times_s, list(QUERIES))
    ax.set_title("Four questions, four layouts, the same answers")
    ax.set_ylabel("time (µs)")
    log_axis(ax, "y", 0.5, 1e6, text=short)
