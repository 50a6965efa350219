"""Nines for money: how many copies are worth their price, and what a common cause leaves of them.

A common cause takes all machines for a share beta q of the time: a bad release, a lost site, an
expired certificate. A cause of its own takes each of them for (1 - beta) q, so that a machine is
down for q, or a little less where both meet. Where that stops being true: the beta factor knows
causes that take one and causes that take all, and none that takes two of three; and a copy takes
over at once, which real ones do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, key, log_axis, ring, short, yours
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
from helpers.foundations.prose import counted, duration, rounded, significant
from helpers.foundations.statistics import Interval, wilson_interval
from helpers.foundations.year import YEAR_S

#: Moments at which one run of the model looks who is up.
MOMENTS = 20_000

#: The same in the simulation.
LOOKS = 2_000_000
MOST = 6
COPIES = np.arange(1, MOST + 1)


class Setting(Parameters):
    """Machines that fail, alone and together, and what an hour without them costs."""

    copies: int = integer(2, "Copies", at_least=1, at_most=MOST)
    down_percent: float = number(
        1.0,
        "A copy is down for",
        unit="% of the time",
        above=0,
        at_most=50,
        note="Its own causes and the common one added up; a little less where they meet.",
    )
    beta: float = number(
        0.1,
        "Beta, common share",
        at_least=0,
        at_most=1,
        note="Share of a machine's downtime that all of them have at once.",
    )
    price_usd: float = number(10_000.0, "A copy costs", unit="US$/year", at_least=0)
    income_usd: float = number(5e6, "The service earns", unit="US$/year", above=0)
    seed: int = seed()

    @property
    def q(self) -> float:
        """Share of the time that one machine is down, both causes added up."""
        return self.down_percent / 100


# --- the model: what the page shows, and a learner changes ----------------------------------------


def look_in(at, draw):
    """Look at 20,000 moments whether any copy is up."""
    together, alone = at.beta * at.q, (1 - at.beta) * at.q
    outages = 0
    for common, *own in draw("moments").random((MOMENTS, 1 + at.copies)).tolist():
        down = [common < together or mine < alone for mine in own]
        outages += all(down)
    return {"down": outages / MOMENTS}


@takes(Setting)
def simulate(at: Setting) -> Nines:
    """Look at 2,000,000 moments, with each number of copies."""
    draw = Draws(at.seed)
    common = draw("common").binomial(LOOKS, at.beta * at.q, MOST)
    alone = [
        draw("alone").binomial(LOOKS - together, ((1 - at.beta) * at.q) ** n)
        for n, together in zip(COPIES.tolist(), common.tolist(), strict=True)
    ]
    return Nines(at, outages=common + np.array(alone))


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """For 1 to 6 copies: share of the time that all are down, and what a year costs, US$."""

    down: np.ndarray
    floor: float
    yearly_usd: np.ndarray

    @property
    def best(self) -> int:
        """How many copies cost least, downtime included."""
        return int(COPIES[self.yearly_usd.argmin()])


def theory(at: Setting) -> Theory:
    """Fleming's beta factor, 1975: ``beta q + (1 - beta q) ((1 - beta) q)^n``; floor ``beta q``.

    Without common causes that is ``q^n``; for one copy it is ``q`` less the share of the time at
    which both causes meet, ``beta (1 - beta) q^2``. A year costs the copies' price and what is not
    earned while all are down.
    """
    together, alone = at.beta * at.q, (1 - at.beta) * at.q
    down = together + (1 - together) * alone**COPIES
    return Theory(down, together, COPIES * at.price_usd + down * at.income_usd)


# --- what it says ---------------------------------------------------------------------------------


class Nines(Result):
    """Moments of 2,000,000 at which all of 1, 2, ... 6 copies were down."""

    at: Setting
    outages: np.ndarray

    @property
    def down(self) -> Interval:
        """Share of the time that the chosen number of copies was down."""
        return wilson_interval(int(self.outages[self.at.copies - 1]), LOOKS)

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact, n = theory(self.at), self.at.copies - 1
        return {
            "down_percent_simulated": rounded(100 * self.down.estimate),
            "down_percent_theory": rounded(100 * float(exact.down[n])),
            "down_h_per_year": rounded(float(exact.down[n]) * YEAR_S / 3_600),
            "yearly_usd": rounded(float(exact.yearly_usd[n])),
            "best_copies": exact.best,
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        n = at.copies - 1
        lost = float(exact.down[n]) * at.income_usd
        said = (
            f"{counted(at.copies, 'copy', 'copies').capitalize()} "
            f"{'is' if at.copies == 1 else 'are'} all down for "
            f"{duration(float(exact.down[n]) * YEAR_S)} a year"
        ).replace("1 copy is all down", "1 copy is down")
        if at.beta:
            said += f", of which {duration(exact.floor * YEAR_S)} no copy can prevent"
        said += (
            f". That loses {significant(lost)} US$ a year and the copies cost "
            f"{significant(at.copies * at.price_usd)} US$; "
        )
        if exact.best == at.copies:
            return f"{said}no other number of copies up to {MOST} costs less in all."
        return f"{said}{counted(exact.best, 'copy', 'copies')} would cost least in all."

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at)
        return {
            "copies": COPIES,
            "down, simulated": self.outages / LOOKS,
            "down, theory": exact.down,
            "down (min a year)": exact.down * YEAR_S / 60,
            "copies (US$)": COPIES * self.at.price_usd,
            "not earned (US$)": exact.down * self.at.income_usd,
        }


@style.panels(2)
def plot(run: Nines, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw how long all copies are down, and what a year costs."""
    ax, money = axes
    at, exact = run.at, theory(run.at)
    for each in axes:
        each.set_xlim(0.5, MOST + 0.5)
        here(each, at.copies)
    log_axis(ax, "y", 1e-7, 1.0, ticks=(1e-6, 1e-4, 1e-2, 1),
             text=lambda share: f"{significant(100 * share)} %")  # fmt: skip
    if exact.floor > 1e-7:
        ax.axhline(exact.floor, color=style.ORANGE, linewidth=1.4)
    ax.plot(COPIES, np.maximum(exact.down, 1e-10), **style.THEORY)
    seen = run.outages > 0
    ax.plot(COPIES[seen], run.outages[seen] / LOOKS, **style.DOTS)
    key(ax, [("●", "simulation", style.BLUE), ("╌", "theory", style.INK),
             ("─", "what all have in common", style.ORANGE_INK)])  # fmt: skip
    ax.set_title("All copies are down")
    ax.set_xlabel("copies")

    lost, price = exact.down * at.income_usd, COPIES * at.price_usd
    log_axis(money, "y", 100, 1e8, ticks=(100, 1e4, 1e6, 1e8), text=short)
    money.plot(COPIES, np.maximum(price, 1), color=style.MUTED, linewidth=1.4)
    money.plot(COPIES, np.maximum(lost, 1), color=style.ORANGE, linewidth=1.8)
    money.plot(COPIES, exact.yearly_usd, color=style.INK, linewidth=2.2)
    ring(money, exact.best, exact.yearly_usd[exact.best - 1])
    key(money, [("▬", "together", style.INK), ("▬", "not earned", style.ORANGE_INK),
                ("─", "price of the copies", style.MUTED), ("○", "least", style.INK)])  # fmt: skip
    money.set_title("What a year costs (US$)")
    money.set_xlabel("copies")
    if mine is not None:
        yours(ax, at.copies, max(float(mine["down"]), 1e-7))
