"""Clerks at a real database: without transactions, with deferred ones, with immediate ones.

SQLite in write-ahead mode, one connection and one thread for each clerk. Where that stops being
true: SQLite has one writer at a time and refuses whoever read before the last commit, so the write
skew that a snapshot allows elsewhere cannot happen here; a database that locks rows would let more
clerks work at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from helpers.consistency.clerks import (
    ACCOUNTS,
    AUTOCOMMIT,
    OPENING,
    WAYS,
    transfer_at_once,
    withdraw_at_once,
)
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, named_axis
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
from helpers.foundations.prose import counted


class Trial(Parameters):
    """Clerks who all work at once, and what holds their steps together."""

    way: str = option(AUTOCOMMIT, "Transactions", of=WAYS)
    clerks: int = integer(4, "Clerks", at_least=2, at_most=8)
    transfers: int = integer(25, "Transfers of each", at_least=1, at_most=200)
    rounds: int = integer(5, "Rounds of two withdrawals", at_least=1, at_most=50)
    timeout_s: float = number(60.0, "Given up after", unit="s", above=0)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredBank:
    """Let clerks transfer, then withdraw under a rule; look at the books.

    Raises
    ------
    TimeoutError
        If a clerk is refused for longer than `timeout_s`.
    """
    rng = Draws(at.seed)("transfers")
    holds, should, refused = transfer_at_once(at.way, at.clerks, at.transfers, rng, at.timeout_s)
    broken, also_refused = withdraw_at_once(at.way, at.rounds, at.timeout_s)
    return MeasuredBank(
        at,
        holds=np.array(holds),
        should=np.array(should),
        refused=refused + also_refused,
        broken=broken,
    )


class MeasuredBank(Measured):
    """What the books say.

    Attributes
    ----------
    holds, should : numpy.ndarray of int
        What each account holds, and what it should after all transfers that were confirmed.
    refused : int
        How often a clerk was refused and began again.
    broken : int
        Rounds after which two accounts were below zero together, against the rule.
    """

    at: Trial
    holds: np.ndarray
    should: np.ndarray
    refused: int
    broken: int

    @property
    def missing(self) -> int:
        """Money that is gone; below zero if there is more than there was."""
        return ACCOUNTS * OPENING - int(self.holds.sum())

    @property
    def wrong(self) -> int:
        """Accounts that do not hold what they should."""
        return int((self.holds != self.should).sum())

    @property
    def verdict(self) -> str:
        """Whether the books are in order."""
        if not self.wrong and not self.broken:
            return f"{self.at.way}: books in order"
        return f"{self.at.way}: books wrong"

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "transfers": self.at.clerks * self.at.transfers,
            "accounts_wrong": self.wrong,
            "money_missing": self.missing,
            "rule_broken": self.broken,
            "refused": self.refused,
        }

    @property
    def reading(self) -> str:
        done = counted(self.at.clerks * self.at.transfers, "transfer")
        way = "Without a transaction" if self.at.way == AUTOCOMMIT else (
            f"With {self.at.way} transactions")  # fmt: skip
        money = "no money is missing"
        if self.missing:
            money = f"{abs(self.missing):,} {'are missing' if self.missing > 0 else 'are too many'}"
            money += f" of {ACCOUNTS * OPENING:,}"
        return (
            f"{way}, after {done}, {self.wrong} of {ACCOUNTS} accounts "
            f"{'is' if self.wrong == 1 else 'are'} wrong and {money}; the rule about two accounts "
            f"is broken in {self.broken} of {counted(self.at.rounds, 'round')}; "
            f"{counted(self.refused, 'attempt')} {'was' if self.refused == 1 else 'were'} refused "
            "and made again."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "account": list(range(1, ACCOUNTS + 1)),
            "holds": self.holds,
            "should hold": self.should,
        }


@style.panels(2)
def plot_measured(run: MeasuredBank, axes: tuple[Axes, Axes]) -> None:
    """Draw how many accounts are wrong, and how often the rule was broken, way by way."""
    books, rule = axes
    place = WAYS.index(run.at.way)
    for ax, value, most, title in (
        (books, run.wrong, ACCOUNTS, f"Accounts that are wrong, of {ACCOUNTS}"),
        (rule, run.broken, run.at.rounds, f"Rule broken, of {counted(run.at.rounds, 'round')}"),
    ):
        ax.set_ylim(0, 1.1 * most)
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_xlim(-0.6, len(WAYS) - 0.4)
        named_axis(ax, "x", WAYS)
        bars(ax, [place], [value], 0.6, color=style.VERMILION)
        style.label(ax, place, float(value), str(value), style.INK, xytext=(0, 8), ha="center")
        ax.set_title(title)
