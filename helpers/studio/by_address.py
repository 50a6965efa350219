"""Balancing by client address, tried with clients that there are not.

A balancer sends each address to a server of its own. The suspect draws a new address for each
request, and the load is even; the repair has as many clients as there are, one of which is an
office behind one address. Where that stops being true: with ever so many small clients the suspect
is right, and a balancer that looks at ports, too, takes an office apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, here, yours
from helpers.foundations.drawing.scales import step_up
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
from helpers.foundations.prose import counted, percent, rounded
from helpers.foundations.suspects import Suspect
from helpers.studio.beside import CLAIMED, HONEST, both, who

#: Requests of a run.
REQUESTS = 4_000
#: Clients beside the office.
CLIENTS = 400
#: Shares of the office at which both are tried.
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)


class Setting(Parameters):
    """Servers, and an office that sends many of the requests from one address."""

    office: float = number(0.2, "Requests from the office", at_least=0, at_most=0.5)
    servers: int = integer(10, "Servers", at_least=2, at_most=40)
    seed: int = seed()

    @property
    def from_office(self) -> int:
        """Requests that the office sends."""
        return round(self.office * REQUESTS)


# --- the suspect, and its repair ------------------------------------------------------------------


def even_load(at, draw):
    """Send every request to the server that its address says."""
    served = [0] * at.servers
    for address in draw("addresses").integers(2**32, size=REQUESTS):
        served[address % at.servers] += 1
    return {"served": served, "requests": REQUESTS, "from_office": at.from_office}


def by_clients_address(at, draw):
    """The same, for clients that keep their addresses; the first one is the office."""
    addresses = draw("addresses").integers(2**32, size=1 + CLIENTS)
    client = draw("clients").integers(1, 1 + CLIENTS, size=REQUESTS)
    client[: at.from_office] = 0
    served = np.bincount(addresses[client] % at.servers, minlength=at.servers)
    return {"served": served, "requests": REQUESTS, "from_office": at.from_office}


SUSPECT = Suspect(
    even_load,
    by_clients_address,
    tuple(
        Setting(office=office, servers=servers)
        for office, servers in ((0.0, 10), (0.1, 20), (0.2, 10), (0.5, 4))
    ),
)


@takes(Setting)
def simulate(at: Setting) -> Balanced:
    """Balance the requests with both models, here and for other offices."""
    claimed, honest = _pair(at)
    sweep = _sweep(at.servers, at.seed)
    return Balanced(at, np.sort(claimed)[::-1], np.sort(honest)[::-1], sweep[:, 0], sweep[:, 1])


@lru_cache(maxsize=64)
def _sweep(servers: int, seed_: int) -> np.ndarray:
    settings = (Setting(office=office, servers=servers, seed=seed_) for office in SHARES)
    return np.array([[model.max() for model in _pair(at)] for at in settings])


def _pair(at: Setting) -> tuple[np.ndarray, np.ndarray]:
    claimed, honest = (
        np.asarray(model(at, Draws(at.seed))["served"]) / REQUESTS
        for model in (even_load, by_clients_address)
    )
    return claimed, honest


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, office: float | None = None) -> float:
    """Share of the server that has the office, on average: all of it, and a part of the rest.

    No rule that keeps an address together can give the busiest server less than the largest
    address sends: the pigeonhole principle.
    """
    share = at.office if office is None else office
    return share + (1 - share) / at.servers


# --- what it says ---------------------------------------------------------------------------------


class Balanced(Result):
    """Shares of the requests.

    Attributes
    ----------
    claimed, honest : numpy.ndarray, shape (servers,)
        Of each server, the busiest first.
    claimed_busiest, honest_busiest : numpy.ndarray, shape (6,)
        Of the busiest server, for each of :data:`SHARES`.
    """

    at: Setting
    claimed: np.ndarray
    honest: np.ndarray
    claimed_busiest: np.ndarray
    honest_busiest: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "fair_percent": rounded(100 / self.at.servers),
            "suspect_busiest_percent": rounded(100 * self.claimed[0]),
            "repaired_busiest_percent": rounded(100 * self.honest[0]),
            "offices_server_percent": rounded(100 * theory(self.at)),
        }

    @property
    def reading(self) -> str:
        at = self.at
        office = (
            f"the office alone sends {percent(at.office)}, and its server gets "
            f"{percent(theory(at))} on average"
            if at.from_office
            else "here there is no office, and what is uneven is luck"
        )
        return (
            f"On {counted(at.servers, 'server')} a fair share is {percent(1 / at.servers)}. The "
            f"suspect's busiest server gets {percent(self.claimed[0])} of the requests, the "
            f"repair's {percent(self.honest[0])}; {office}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "office": SHARES,
            "suspect's busiest": self.claimed_busiest,
            "repair's busiest": self.honest_busiest,
            "the office's server": [theory(self.at, share) for share in SHARES],
        }


@style.panels(2)
def plot(run: Balanced, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw each server's share, and the busiest one's against the office's."""
    at, (ax, curve) = run.at, axes
    places = np.arange(1, at.servers + 1)
    bars(ax, places - 0.2, run.claimed, 0.4, facecolor=CLAIMED["color"])
    bars(ax, places + 0.2, run.honest, 0.4, facecolor=HONEST["color"])
    ax.axhline(1 / at.servers, **style.THEORY)
    ax.set(xlim=(0.3, at.servers + 0.7))
    ax.set_ylim(0, step_up(1.1 * float(max(run.honest[0], run.claimed[0])), (0.2, 0.4, 0.7, 1.0)))
    ax.set_title("Each server's share (dashed: fair)")
    ax.set_xlabel("server, the busiest first")
    ax.set_ylabel("share of the requests")
    both(curve, SHARES, run.claimed_busiest, run.honest_busiest)
    ends = np.array([0, 0.5])
    curve.plot(ends, [theory(at, share) for share in ends], **style.THEORY)
    here(curve, at.office)
    curve.set(xlim=(-0.02, 0.52), ylim=(0, 1.15))
    curve.set_title("The busiest server")
    curve.set_xlabel("share of the office")
    who(curve, "the office's server, on average")
    if mine is not None:
        yours(curve, at.office, np.max(mine["served"]) / REQUESTS)
