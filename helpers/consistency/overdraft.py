"""Cash machines that are cut off: refuse, or pay out up to a limit and settle later.

While the line to the bank is down a machine cannot know what is in the account. It may refuse, or
pay each customer up to a limit; what went out below zero is claimed back later, and a part of it
never comes. Where that stops being true: withdrawals are all alike here, and somebody who knows
that the machines are cut off would visit every one of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, key, ring, yours
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
from helpers.foundations.prose import amount, counted, rounded, significant
from helpers.foundations.statistics import Interval, mean_interval

#: A withdrawal, US$.
NOTE_USD = 50

#: Customers in one run of the model, and in the simulation.
CUSTOMERS = 1_000
MANY = 10_000

#: Limits that are compared, US$.
LIMITS_USD = np.arange(0, 601, 50)


class Setting(Parameters):
    """Customers, cut off machines, and what mistakes cost."""

    limit_usd: float = number(
        200.0, "Each machine pays a customer up to", unit="US$", at_least=0, at_most=600
    )
    machines: int = integer(2, "Machines a customer goes to", at_least=1, at_most=5)
    wants: float = number(6.0, "Withdrawals a customer wants", above=0, at_most=10)
    balance_usd: float = number(400.0, "In an account, on average", unit="US$", above=0)
    never_percent: float = number(
        20.0, "Overdrafts that never come back", unit="%", at_least=0, at_most=100
    )
    refusal_usd: float = number(4.0, "A refused withdrawal costs", unit="US$", at_least=0)
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def cut_off(at, draw):
    """Let 1,000 customers withdraw while no machine can ask the bank; then settle."""
    luck = draw("customers")
    refused = overdrawn = 0.0
    for _ in range(CUSTOMERS):
        balance = luck.exponential(at.balance_usd)
        paid = [0] * at.machines
        for _ in range(luck.poisson(at.wants)):
            machine = luck.integers(at.machines)
            if paid[machine] + NOTE_USD <= at.limit_usd:
                paid[machine] += NOTE_USD
            else:
                refused += 1
        overdrawn += max(sum(paid) - balance, 0)
    cost = refused * at.refusal_usd + overdrawn * at.never_percent / 100
    return {
        "refused": refused / CUSTOMERS,
        "overdrawn_usd": overdrawn / CUSTOMERS,
        "cost_usd": cost / CUSTOMERS,
    }


@takes(Setting)
def simulate(at: Setting) -> Overdraft:
    """Let 10,000 customers withdraw, with each limit on the same luck."""
    draw = Draws(at.seed)
    balance = draw("balances").exponential(at.balance_usd, MANY)
    wanted = draw("wishes").poisson(at.wants / at.machines, (at.machines, MANY))
    limits = np.append(LIMITS_USD, at.limit_usd)
    notes = (limits // NOTE_USD).astype(int)[:, None, None]
    paid = np.minimum(wanted, notes).sum(axis=1)
    return Overdraft(
        at,
        refused=wanted.sum(axis=0) - paid,
        overdrawn_usd=np.maximum(NOTE_USD * paid - balance, 0.0),
    )


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """A customer on average, for each limit: refused withdrawals, overdraft and cost, US$."""

    refused: np.ndarray
    overdrawn_usd: np.ndarray
    cost_usd: np.ndarray


def theory(at: Setting, limits_usd: np.ndarray) -> Theory:
    """Add up what each machine pays: a Poisson number of notes, cut at the limit.

    Wishes at m machines are independent Poisson numbers of mean wants/m. The number of notes paid
    is the sum of m such numbers, each no more than the limit allows; of a balance that is
    exponential with mean b, a payment of w leaves ``w - b (1 - exp(-w / b))`` uncovered on average.
    """
    mean = at.wants / at.machines
    count = np.arange(80)
    chance = np.exp(count * math.log(mean) - mean - np.cumsum(np.log(np.maximum(count, 1))))
    refused, overdrawn = [], []
    for limit in np.asarray(limits_usd, float):
        most = int(limit // NOTE_USD)
        one = np.zeros(most + 1)
        np.add.at(one, np.minimum(count, most), chance)
        paid = np.array([1.0])
        for _ in range(at.machines):
            paid = np.convolve(paid, one)
        notes = np.arange(paid.size)
        out = NOTE_USD * notes
        uncovered = out - at.balance_usd * -np.expm1(-out / at.balance_usd)
        refused.append(at.wants - float(paid @ notes))
        overdrawn.append(float(paid @ uncovered))
    left = np.maximum(np.array(refused), 0.0)
    cost = left * at.refusal_usd + np.array(overdrawn) * at.never_percent / 100
    return Theory(left, np.array(overdrawn), cost)


# --- what it says ---------------------------------------------------------------------------------


class Overdraft(Result):
    """What became of 10,000 customers, with each of `LIMITS_USD` and then with the chosen limit.

    Attributes
    ----------
    refused : numpy.ndarray of int, shape (14, 10000)
        Withdrawals that each customer was refused.
    overdrawn_usd : numpy.ndarray, shape (14, 10000)
        By how much each account was below zero afterwards, US$.
    """

    at: Setting
    refused: np.ndarray
    overdrawn_usd: np.ndarray

    @property
    def costs_usd(self) -> np.ndarray:
        """What each customer costs, for each limit, US$."""
        lost = self.overdrawn_usd * self.at.never_percent / 100
        costs: np.ndarray = self.refused * self.at.refusal_usd + lost
        return costs

    @property
    def cost(self) -> Interval:
        """What a customer costs with the chosen limit, US$."""
        return mean_interval(self.costs_usd[-1])

    @property
    def best_usd(self) -> float:
        """Which of the limits that are compared costs least, by theory."""
        return float(LIMITS_USD[int(theory(self.at, LIMITS_USD).cost_usd.argmin())])

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at, np.array([self.at.limit_usd]))
        return {
            "refused_per_customer": rounded(float(self.refused[-1].mean())),
            "overdrawn_usd_per_customer": rounded(float(self.overdrawn_usd[-1].mean())),
            "cost_usd_per_customer": rounded(self.cost.estimate),
            "theory_cost_usd": rounded(float(exact.cost_usd[0])),
            "best_limit_usd": self.best_usd,
        }

    @property
    def reading(self) -> str:
        exact = theory(self.at, np.array([self.at.limit_usd]))
        most = self.at.machines * (self.at.limit_usd // NOTE_USD) * NOTE_USD
        refused = amount(float(self.refused[-1].mean()), "withdrawal")
        return (
            f"A limit of {significant(self.at.limit_usd)} US$ at "
            f"{counted(self.at.machines, 'machine')} risks {significant(most)} US$ a customer. "
            f"On average, one is refused {refused} and "
            f"overdraws by {significant(float(self.overdrawn_usd[-1].mean()))} US$: "
            f"{significant(self.cost.estimate)} US$ a customer (theory "
            f"{significant(float(exact.cost_usd[0]))}). Of the limits drawn, "
            f"{significant(self.best_usd)} US$ costs least."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "limit (US$)": LIMITS_USD,
            "refused": self.refused[:-1].mean(axis=1),
            "overdrawn (US$)": self.overdrawn_usd[:-1].mean(axis=1),
            "cost (US$)": self.costs_usd[:-1].mean(axis=1),
            "cost, theory (US$)": theory(self.at, LIMITS_USD).cost_usd,
        }


def plot(run: Overdraft, ax: Axes, mine: Mine | None = None) -> None:
    """Draw what a customer costs against the limit, and what of that is refusals and overdraft."""
    at, exact = run.at, theory(run.at, LIMITS_USD)
    lost = exact.overdrawn_usd * at.never_percent / 100
    top = max(1.25 * float(max(exact.cost_usd.max(), run.costs_usd.mean(axis=1).max())), 0.1)
    ax.set_xlim(-12, 612)
    ax.set_ylim(0, 1.25 * top)
    ax.plot(LIMITS_USD, exact.refused * at.refusal_usd, color=style.ORANGE, linewidth=1.8)
    ax.plot(LIMITS_USD, lost, color=style.SKY, linewidth=1.8)
    ax.plot(LIMITS_USD, exact.cost_usd, **style.THEORY)
    ax.plot(LIMITS_USD, run.costs_usd[:-1].mean(axis=1), **style.DOTS)
    ring(ax, run.best_usd, float(exact.cost_usd.min()))
    here(ax, at.limit_usd)
    key(ax, [("●", "10,000 customers", style.BLUE), ("╌", "theory", style.INK),
             ("▬", "refused", style.ORANGE_INK), ("▬", "never paid back", style.SKY_INK),
             ("○", "least", style.INK)])  # fmt: skip
    ax.set_title("What a customer costs while the line is down (US$)")
    ax.set_xlabel("each machine pays a customer up to (US$)")
    if mine is not None:
        yours(ax, at.limit_usd, min(float(mine["cost_usd"]), 1.25 * top))
