"""Two clerks at one bank, in every order in which their steps can fall: is the money all there?

They move money between the same two accounts, or withdraw under a rule about both. Where that stops
being true: orders are counted, and they are not equally likely; two clerks and two accounts show
only the faults that need no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.consistency.isolation import LEVELS, LOCK, NONE, SNAPSHOT, Outcome, every_order
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, key, named_axis, yours
from helpers.foundations.experiment import Mine, Parameters, Result, option, takes
from helpers.foundations.prose import counted

TRANSFERS = "two transfers from A to B"
WITHDRAWALS = "two withdrawals under one rule"
WORK = (TRANSFERS, WITHDRAWALS)

#: What the accounts hold at first, what each clerk moves, and what each wants to withdraw.
OPENING = {"A": 100, "B": 100}
MOVES = (30, 50)
WITHDRAWS = 150


class Setting(Parameters):
    """What the clerks do, and how they are kept apart."""

    work: str = option(TRANSFERS, "The clerks' work", of=WORK)
    isolation: str = option(NONE, "Isolation", of=LEVELS)


# --- the model: what the page shows, and a learner changes ----------------------------------------


def transfer(clerk):
    """Move 30 or 50 from A to B; after each step the other clerk may come."""
    amount = MOVES[clerk]
    a = yield "read", "A"
    yield "write", "A", a - amount
    b = yield "read", "B"
    yield "write", "B", b + amount


def withdraw(clerk):
    """Take 150 from one's own account, if both together hold that much."""
    mine, other = ("A", "B") if clerk == 0 else ("B", "A")
    a = yield "read", mine
    b = yield "read", other
    if a + b >= WITHDRAWS:
        yield "write", mine, a - WITHDRAWS
    else:
        yield "write", mine, a


def try_every_order(at):
    """Count the orders after which accounts are as if one clerk had come after the other."""
    work = transfer if at.work == TRANSFERS else withdraw
    outcomes = every_order(at.isolation, work, OPENING)
    orderly = [one.accounts for one in every_order(LOCK, work, OPENING)]
    right = sum(one.accounts in orderly for one in outcomes)
    money = sum(sum(one.accounts.values()) == sum(OPENING.values()) for one in outcomes)
    return {"orders": len(outcomes), "right": right, "money_kept": money}


@takes(Setting)
def simulate(at: Setting) -> Bank:
    """Try every order."""
    work = transfer if at.work == TRANSFERS else withdraw
    return Bank(at, every_order(at.isolation, work, OPENING))


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """How many orders there are, and after how many of them all is right."""

    orders: int
    right: int


def theory(at: Setting) -> Theory:
    """Judge orders by who reads before whom writes, without any amounts.

    An update is lost if each clerk reads an account before the other has written it; a rule is
    broken if each reads the other's account before that one is written: phenomena P4 and A5B of
    Berenson and others, "A Critique of ANSI SQL Isolation Levels", SIGMOD 1995. A snapshot is all
    read at its first step, and prevents the first but not the second.
    """
    length = 4 if at.work == TRANSFERS else 3
    orders = list(combinations(range(2 * length), length))
    if at.isolation == LOCK or (at.isolation == SNAPSHOT and at.work == TRANSFERS):
        return Theory(len(orders), len(orders))
    right = 0
    for ours in orders:
        theirs = [i for i in range(2 * length) if i not in ours]
        if at.work == TRANSFERS:  # read A, write A, read B, write B
            pairs = [(read, read + 1, read, read + 1) for read in (0, 2)]
        elif at.isolation == NONE:  # read mine, read the other, write mine
            pairs = [(1, 2, 1, 2)]
        else:
            pairs = [(0, 2, 0, 2)]
        right += not any(
            ours[my_read] < theirs[their_write] and theirs[their_read] < ours[my_write]
            for my_read, my_write, their_read, their_write in pairs
        )
    return Theory(len(orders), right)


# --- what it says ---------------------------------------------------------------------------------


class Bank(Result):
    """What every order came to."""

    at: Setting
    outcomes: tuple[Outcome, ...]

    @property
    def right(self) -> list[bool]:
        """Of each order, whether one clerk after the other could have left the same."""
        work = transfer if self.at.work == TRANSFERS else withdraw
        orderly = [one.accounts for one in every_order(LOCK, work, OPENING)]
        return [one.accounts in orderly for one in self.outcomes]

    @property
    def drift(self) -> np.ndarray:
        """Money at the end less money that there should be, order by order."""
        paid = 0 if self.at.work == TRANSFERS else WITHDRAWS
        return np.array([sum(one.accounts.values()) for one in self.outcomes]) - (
            sum(OPENING.values()) - paid
        )

    @property
    def counts(self) -> dict[str, int]:
        """Orders by what came of them; each is counted once."""
        right, drift = np.array(self.right), self.drift
        again = np.array([one.again > 0 for one in self.outcomes])
        fine = {
            "right at once": int((right & ~again).sum()),
            "right on a second try": int((right & again).sum()),
        }
        if self.at.work == WITHDRAWALS:
            return fine | {"both paid out": int((~right).sum())}
        return fine | {
            "money appears": int((~right & (drift > 0)).sum()),
            "money vanishes": int((~right & (drift < 0)).sum()),
            "a transfer is undone": int((~right & (drift == 0)).sum()),
        }

    @property
    def worst(self) -> Outcome | None:
        """An order that goes wrong: the one with the fewest changes of turn."""
        wrong = [one for one, right in zip(self.outcomes, self.right, strict=True) if not right]
        return min(wrong, key=lambda one: (one.order.count("12") + one.order.count("21")),
                   default=None)  # fmt: skip

    @property
    def summary(self) -> dict[str, float | int | str]:
        counts = {name.replace(" ", "_").replace(",", ""): n for name, n in self.counts.items()}
        return {"orders": len(self.outcomes), "theory_right": theory(self.at).right, **counts}

    @property
    def reading(self) -> str:
        total, right = len(self.outcomes), sum(self.right)
        counts = self.counts
        if right == total:
            said = f"After all {total} orders everything is as if one clerk had waited"
            again = counts["right on a second try"]
            return f"{said}; in {again} of them one is refused and begins again." if again else (
                f"{said}.")  # fmt: skip
        if self.at.work == WITHDRAWALS:
            return (
                f"After {total - right} of {total} orders the accounts together are below zero: "
                "each clerk saw enough for one withdrawal, and both paid out."
            )
        names = ("money appears", "money vanishes", "a transfer is undone")
        parts = ", ".join(f"{name} in {counts[name]}" for name in names)
        return f"Of {counted(total, 'order')}, {right} are right: {parts}."

    @property
    def columns(self) -> Mapping[str, Any]:
        rows = [list(self.outcomes[0].told)] if self.worst is None else [list(self.worst.told)]
        return {"step": list(range(1, len(rows[0]) + 1)), "what happened": rows[0]}


def plot(run: Bank, ax: Axes, mine: Mine | None = None) -> None:
    """Draw how many orders come to what."""
    counts, exact = run.counts, theory(run.at)
    places = np.arange(len(counts))[::-1]
    ax.set_xlim(0, 80 if exact.orders > 20 else 23)
    ax.set_ylim(-0.6, len(counts) - 0.4)
    named_axis(ax, "y", list(counts), places)
    heights = np.array(list(counts.values()))
    bars(ax, places[:2], heights[:2], 0.6, along="x", color=style.BLUE)
    bars(ax, places[2:], heights[2:], 0.6, along="x", color=style.ORANGE)
    together = int(heights[:2].sum())
    ax.axvline(exact.right, **style.THEORY)
    key(ax, [("╎", "right, theory", style.INK), ("▬", f"right: {together}", style.BLUE),
             ("▬", f"wrong: {exact.orders - together}", style.ORANGE_INK)], y=0.6)  # fmt: skip
    ax.set_title(f"What comes of {exact.orders} orders")
    ax.set_xlabel("orders")
    if mine is not None:
        yours(ax, [min(float(mine["right"]), 80.0)], [places[0]])
