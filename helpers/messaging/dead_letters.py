"""Dead letters: when to stop trying, and what a message that can never be done costs.

A message that fails is delivered again, so many times and no more; then it is put aside. Where
that stops being true: failures that come from a database that is down hit all messages at once,
and the dead-letter queue fills with good ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, log_axis, ring
from helpers.foundations.drawing.axes import percent as tick
from helpers.foundations.drawing.scales import headroom
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import amount, percent, rounded

COUNTS = np.arange(1, 13)

_MESSAGES = 50_000


class Setting(Parameters):
    """Messages that fail now and then, and some that always do."""

    fails: float = number(0.2, "Good deliveries that fail", at_least=0, at_most=0.9)
    poison: float = number(0.01, "Messages that can never be done", at_least=0, at_most=0.5)
    deliveries: int = integer(3, "Deliveries at most", at_least=1, at_most=12)
    seed: int = seed()


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> DeadLetters:
    """Deliver 50,000 messages until they are done or put aside, for 1 to 12 deliveries at most."""
    draw = Draws(at.seed)
    poison = draw("poison").random(_MESSAGES) < at.poison
    # Whether the n-th delivery of a message would do it, whatever the limit.
    fails = draw("deliveries").random((COUNTS.size, _MESSAGES)) < at.fails
    failing = np.logical_and.accumulate(fails | poison, axis=0)
    still = np.vstack([np.ones(_MESSAGES, bool), failing])
    good = ~poison
    given_up = [float(still[k, good].mean()) for k in COUNTS.tolist()]
    cost = [float(still[:k].sum()) / _MESSAGES for k in COUNTS.tolist()]
    wasted = [float(still[:k, poison].sum()) / _MESSAGES for k in COUNTS.tolist()]
    return DeadLetters(at, np.array(given_up), np.array(cost), np.array(wasted))


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Share of the good messages given up, deliveries of a message, and of those the poison's."""

    given_up: float
    cost: float
    wasted: float


def theory(at: Setting, deliveries: int | None = None) -> Theory:
    """A good message is given up with probability p^k, after (1 - p^k) / (1 - p) deliveries.

    A poison message takes all k; both sums are geometric.
    """
    k = at.deliveries if deliveries is None else deliveries
    given_up = at.fails**k
    good = (1 - given_up) / (1 - at.fails)
    wasted = at.poison * k
    return Theory(given_up, (1 - at.poison) * good + wasted, wasted)


# --- what it says ---------------------------------------------------------------------------------


class DeadLetters(Result):
    """What a limit to deliveries does, for each of :data:`COUNTS`.

    Attributes
    ----------
    given_up : numpy.ndarray
        Share of the good messages that are put aside.
    cost, wasted : numpy.ndarray
        Deliveries for each message, and those of them that poison takes.
    """

    at: Setting
    given_up: np.ndarray
    cost: np.ndarray
    wasted: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        k, exact = self.at.deliveries - 1, theory(self.at)
        return {
            "given_up_percent": rounded(100 * float(self.given_up[k])),
            "theory_given_up_percent": rounded(100 * exact.given_up),
            "deliveries_of_a_message": rounded(float(self.cost[k])),
            "theory_deliveries": rounded(exact.cost),
            "of_them_poison": rounded(float(self.wasted[k])),
        }

    @property
    def reading(self) -> str:
        at, k, exact = self.at, self.at.deliveries - 1, theory(self.at)
        up_to = "one delivery" if at.deliveries == 1 else f"up to {at.deliveries} deliveries"
        return (
            f"With {up_to}, {percent(float(self.given_up[k]))} of the "
            f"good messages end among the dead letters (theory: {percent(exact.given_up)}). Each "
            f"message costs {amount(float(self.cost[k]), 'delivery', 'deliveries')} (theory: "
            f"{amount(exact.cost, 'delivery', 'deliveries').split()[0]}); "
            f"{percent(float(self.wasted[k] / self.cost[k]))} of all deliveries are of messages "
            f"that can never be done."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        each = [theory(self.at, k) for k in COUNTS.tolist()]
        return {
            "deliveries at most": COUNTS,
            "good given up (%)": 100 * self.given_up,
            "theory (%)": [100 * one.given_up for one in each],
            "deliveries": self.cost,
            "theory, deliveries": [one.cost for one in each],
            "of poison": self.wasted,
        }


@style.panels(2)
def plot(run: DeadLetters, axes: tuple[Axes, Axes]) -> None:
    """Draw good messages that are given up, and deliveries, against the limit."""
    at, (ax, cost) = run.at, axes
    each = [theory(at, k) for k in COUNTS.tolist()]
    log_axis(ax, "y", 1e-5, 1.5, ticks=(1e-4, 1e-3, 1e-2, 0.1, 1), text=tick)
    exact = np.array([one.given_up for one in each])
    ax.plot(COUNTS[exact > 0], exact[exact > 0], **style.THEORY)
    seen = run.given_up > 0
    ax.plot(COUNTS[seen], run.given_up[seen], **style.DOTS)
    here(ax, at.deliveries)
    ring(ax, at.deliveries, float(max(run.given_up[at.deliveries - 1], 1.01e-5)))
    ax.set(xlim=(0.5, 12.5), xlabel="deliveries at most", ylabel="good messages given up")
    ax.set_title("Given up too early")
    cost.plot(COUNTS, [one.cost for one in each], **style.THEORY)
    cost.plot(COUNTS, run.cost, **style.DOTS)
    cost.fill_between(COUNTS, 0, run.wasted, color=style.PALE_RED, linewidth=0)
    style.label(cost, 12, float(run.wasted[-1]) / 2, "of poison", style.MUTED, ha="right",
                xytext=(-3, 5))  # fmt: skip
    here(cost, at.deliveries)
    ring(cost, at.deliveries, float(run.cost[at.deliveries - 1]))
    cost.set(xlim=(0.5, 12.5), xlabel="deliveries at most", ylabel="deliveries of a message")
    cost.set_ylim(0, headroom(1.15 * each[-1].cost, 1.5))
    cost.set_title("What trying costs")
