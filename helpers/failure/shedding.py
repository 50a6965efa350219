"""Who is served when not everybody can be: first come, newest first, or who can still be helped.

A server with one line, clients who wait a second and leave without a word, and no retries. Where
that stops being true: to serve the newest first is unfair, and a client who asks again is the
newest; and a deadline must be known to the server, so somebody has to send it along.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.failure import storm
from helpers.failure.storm_fast import play
from helpers.failure.storm_tally import Tally
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, key, ring, shares_axis
from helpers.foundations.experiment import Draws, Parameters, Result, number, option, seed, takes
from helpers.foundations.prose import percent, rounded, significant

#: Orders of service, and what the storm calls them.
ORDERS = {
    "first come, first served": "none",
    "newest first": "newest first",
    "deadline": "deadline",
    "short line": "short line",
}
#: Loads of the curve, over capacity, and what the server can do, requests/s.
LOADS, CAPACITY_RPS = (0.25, 0.5, 0.75, 0.9, 1.1, 1.25, 1.5, 2.0, 2.5, 3.0), 10.0

_RUN_S, _SETTLED_S = 60.0, 20


class Setting(Parameters):
    """A server, more or less of what it can do, and whom it serves first."""

    load: float = number(1.5, "Load", unit="× capacity", above=0, at_most=3)
    order: str = option("first come, first served", "Order", of=tuple(ORDERS))
    seed: int = seed()


# --- the model: the storm's, without a storm ------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Shedding:
    """Run the storm's server at ten loads and at the chosen one, with one attempt a request."""
    curve = _curve(at.order, at.seed)
    return Shedding(at, goodput=np.array(curve), here=_goodput(at.load, at.order, at.seed))


@lru_cache(maxsize=64)
def _curve(order: str, seed: int) -> tuple[float, ...]:
    return tuple(_goodput(load, order, seed) for load in LOADS)


def _goodput(load: float, order: str, seed: int) -> float:
    """Return answers in time per second, over the capacity, once the line has found its length."""
    at = storm.Setting(
        load_rps=load * CAPACITY_RPS,
        capacity_rps=CAPACITY_RPS,
        spike=1.0,
        attempts=1,
        remedy=ORDERS[order],
        room=5,
        run_s=_RUN_S,
    )
    tally = Tally(at)
    play(at, Draws(seed), tally)
    useful_rps = tally.per_second(tally.finished(late=False))[_SETTLED_S:].mean()
    return min(1.0, float(useful_rps / CAPACITY_RPS))  # a second's end can cut one answer in two


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, load: Any) -> Any:
    """Return goodput over capacity: ``min(load, 1)``, and nothing beyond 1 for first come.

    Beyond its capacity a server that works only for those who are still there does all it can,
    and one that takes them in turn finds everybody's patience gone by their turn. Near a load of 1
    chance makes some wait too long, which this leaves out; and newest first wastes a little on old
    ones when nobody new has come.
    """
    load = np.asarray(load, float)
    most = np.minimum(load, 1.0)
    return np.where(load > 1, 0.0, most) if at.order == "first come, first served" else most


# --- what it says ---------------------------------------------------------------------------------


class Shedding(Result):
    """Answers in time per second over what the server can do, at each of `LOADS` and `here`."""

    at: Setting
    goodput: np.ndarray
    here: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "goodput_percent_of_capacity": rounded(100 * self.here),
            "goodput_theory_percent": rounded(100 * float(theory(self.at, self.at.load))),
            "requests_answered_percent": rounded(100 * self.here / self.at.load),
        }

    @property
    def reading(self) -> str:
        at = self.at
        return (
            f"At {significant(at.load)} times what it can do, a server that serves by "
            f"“{at.order}” spends {percent(self.here)} of its capacity on answers that come in "
            f"time, and {percent(min(1.0, self.here / at.load))} of the clients get one."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {"load": LOADS, "goodput": self.goodput, "theory": theory(self.at, LOADS)}


def plot(run: Shedding, ax: Axes) -> None:
    """Draw goodput against load, for the chosen order."""
    at = run.at
    loads = np.linspace(0.02, 3, 300)
    ax.plot(loads, theory(at, loads), **style.THEORY)
    ax.plot(LOADS, run.goodput, **style.DOTS)
    here(ax, at.load)
    ax.plot(at.load, run.here, **style.DOTS)
    ring(ax, at.load, run.here)
    ax.set_xlim(0, 3.1)
    ax.set_ylim(-0.04, 1.25)
    shares_axis(ax)
    key(ax, [("●", "simulated", style.BLUE), ("╌", "theory", style.INK)])
    ax.set_title(f"Answers in time: {at.order}")
    ax.set_xlabel("load, over what the server can do")
