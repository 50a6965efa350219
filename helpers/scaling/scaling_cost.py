"""What a throughput costs: one larger machine, or more machines.

A search through a catalogue, with nothing random in it. Throughput follows the Universal
Scalability Law twice, over the vCPUs of a machine and over the machines of a fleet. Where that
stops being true: the catalogue prices machines, not the people who keep a fleet running.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, log_axis
from helpers.foundations.experiment import Parameters, Result, flag, number, takes
from helpers.foundations.prose import significant
from helpers.scaling import scalability_law
from helpers.scaling.catalogue import BALANCER_USD_PER_HOUR, CATALOGUE, Machine

#: Throughputs for which the curves are searched, requests per second.
DEMANDS_RPS = np.geomspace(100, 1_000_000, 81)

#: A fleet that is cheaper from here on is cheaper almost from the start.
ALMOST_THE_START_RPS = 500

_PRICES = np.array([machine.usd_per_hour for machine in CATALOGUE])


class Setting(Parameters):
    """What is wanted, and how well the software uses one machine and many."""

    demand_rps: float = number(
        10_000.0, "Wanted", unit="requests/s", at_least=100, at_most=1_000_000
    )
    vcpu_rps: float = number(200.0, "What one vCPU does", unit="requests/s", above=0)
    sigma_percent: float = number(0.5, "Contention in a machine", unit="%", at_least=0, at_most=100)
    kappa_ppm: float = number(5.0, "Coherency in a machine", unit="ppm", at_least=0, at_most=1e6)
    fleet_sigma_percent: float = number(
        0.5, "Contention in the fleet", unit="%", at_least=0, at_most=100
    )
    fleet_kappa_ppm: float = number(
        20.0, "Coherency in the fleet", unit="ppm", at_least=0, at_most=1e6
    )
    survive_loss: bool = flag(False, "Must survive the loss of a machine")


@dataclass(frozen=True)
class Purchase:
    """So many machines of one size, and their price.

    Attributes
    ----------
    machine : Machine or None
        None if nothing in the catalogue will do.
    count : int
        How many.
    usd_per_hour : float
        Price of all of them and of the balancers they need; ``inf`` if nothing will do.
    """

    machine: Machine | None
    count: int
    usd_per_hour: float

    def __str__(self) -> str:
        if self.machine is None:
            return "nothing in the catalogue"
        return f"{self.count} x {self.machine.name}"


# --- the model: two searches ----------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> ScalingCost:
    """Search the catalogue for the cheapest single machine and the cheapest fleet."""
    capacity = machine_capacities(at)
    wanted = (*DEMANDS_RPS, at.demand_rps)
    up = [scale_up(at, demand, capacity) for demand in wanted]
    out = [scale_out(at, demand, capacity) for demand in wanted]
    return ScalingCost(
        at,
        up_usd=_prices(up[:-1]),
        out_usd=_prices(out[:-1]),
        up=up[-1],
        out=out[-1],
        up_ceiling_rps=float(capacity.max()),
    )


def machine_capacities(at: Setting) -> np.ndarray:
    """Throughput of each machine of the catalogue, requests per second, shape (12,).

    A machine on which more vCPUs would do less uses only as many as are best.
    """
    sigma, kappa = at.sigma_percent / 100, at.kappa_ppm / 1e6
    best = scalability_law.peak(sigma, kappa).best_workers
    used = np.array([min(machine.vcpus, best) for machine in CATALOGUE])
    return np.asarray(at.vcpu_rps * scalability_law.speedup(used, sigma, kappa))


def scale_up(at: Setting, demand: float, capacity: np.ndarray) -> Purchase:
    """The cheapest machine that is enough alone; a second one and balancers to survive a loss."""
    enough = [m for m, can in zip(CATALOGUE, capacity, strict=True) if can >= demand]
    if not enough:
        return Purchase(None, 0, math.inf)
    machine = min(enough, key=lambda m: m.usd_per_hour)
    if at.survive_loss:
        return Purchase(machine, 2, 2 * machine.usd_per_hour + BALANCER_USD_PER_HOUR)
    return Purchase(machine, 1, machine.usd_per_hour)


def scale_out(at: Setting, demand: float, capacity: np.ndarray) -> Purchase:
    """The cheapest fleet of two or more alike machines; one more of them to survive a loss."""
    sigma, kappa = at.fleet_sigma_percent / 100, at.fleet_kappa_ppm / 1e6
    counts = scalability_law.fewest_workers(demand / capacity, sigma, kappa)
    counts = np.maximum(counts + at.survive_loss, 2)
    prices = counts * _PRICES + BALANCER_USD_PER_HOUR
    cheapest = int(prices.argmin())
    if math.isinf(prices[cheapest]):
        return Purchase(None, 0, math.inf)
    return Purchase(CATALOGUE[cheapest], int(counts[cheapest]), float(prices[cheapest]))


def _prices(purchases: list[Purchase]) -> np.ndarray:
    prices = np.array([purchase.usd_per_hour for purchase in purchases])
    return np.where(np.isinf(prices), np.nan, prices)


# --- what it says ---------------------------------------------------------------------------------


class ScalingCost(Result):
    """Cheapest way up and cheapest way out.

    Attributes
    ----------
    up_usd, out_usd : numpy.ndarray, shape (81,)
        Dollars per hour at :data:`DEMANDS_RPS` for one machine (or two, to survive a loss) and
        for a fleet; NaN where nothing will do.
    up, out : Purchase
        What to buy at the wanted throughput.
    up_ceiling_rps : float
        The most that one machine of the catalogue does.
    """

    at: Setting
    up_usd: np.ndarray
    out_usd: np.ndarray
    up: Purchase
    out: Purchase
    up_ceiling_rps: float

    @property
    def family_ceiling_rps(self) -> float:
        """The most that a machine of the m7i family does, whose prices are list prices."""
        capacity = machine_capacities(self.at)
        pairs = zip(CATALOGUE, capacity.tolist(), strict=True)
        return max(can for machine, can in pairs if not machine.illustrative)

    @property
    def switch_rps(self) -> float:
        """Least throughput from which on the fleet is cheaper wherever anything will do, or inf."""
        possible = ~np.isnan(self.out_usd)
        cheaper = possible & (np.isnan(self.up_usd) | (self.out_usd < self.up_usd))
        worse = np.flatnonzero(~cheaper & (possible | ~np.isnan(self.up_usd)))
        after = 0 if worse.size == 0 else int(worse[-1]) + 1
        return float(DEMANDS_RPS[after]) if cheaper[after:].any() else math.inf

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "demand_rps": self.at.demand_rps,
            "scale_up": str(self.up),
            "scale_up_usd_per_hour": _shown(self.up.usd_per_hour),
            "scale_out": str(self.out),
            "scale_out_usd_per_hour": _shown(self.out.usd_per_hour),
            "one_machine_ceiling_rps": self.up_ceiling_rps,
            "switch_rps": _shown(self.switch_rps),
        }

    @property
    def reading(self) -> str:
        def offer(purchase: Purchase) -> str:
            if purchase.machine is None:
                return "cannot be had at any price"
            per = purchase.usd_per_hour / self.at.demand_rps * 1e3
            return (
                f"takes {purchase} for ${significant(purchase.usd_per_hour)} an hour "
                f"(${significant(per)} per 1,000 requests/s)"
            )

        switch = self.switch_rps
        if math.isinf(switch):
            lead = "the fleet never takes the lead for good"
        elif switch > self.family_ceiling_rps:
            lead = (
                f"scaling out pays only beyond the largest m7i, from {significant(switch)} "
                f"requests/s on"
            )
        elif switch <= ALMOST_THE_START_RPS:
            lead = f"from {significant(switch)} requests/s on, almost from the start, "
            lead += "the fleet is cheaper"
        else:
            lead = f"from {significant(switch)} requests/s on the fleet is cheaper"
        if math.isfinite(switch) and np.isnan(self.out_usd[-1]):
            most = DEMANDS_RPS[~np.isnan(self.out_usd)][-1]
            lead += f", up to the {significant(most)} beyond which no fleet is enough"
        return (
            f"For {significant(self.at.demand_rps)} requests/s scaling up {offer(self.up)} and "
            f"scaling out {offer(self.out)}; one machine ends at "
            f"{significant(self.up_ceiling_rps)} requests/s, and {lead}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {"requests/s": DEMANDS_RPS, "up ($/h)": self.up_usd, "out ($/h)": self.out_usd}


def _shown(value: float) -> float | str:
    return value if math.isfinite(value) else "none"


def plot(run: ScalingCost, ax: Axes) -> None:
    """Draw the price of a throughput by one machine and by a fleet, on logarithmic axes."""
    at = run.at
    ax.set_title("What a throughput costs: one larger machine, or more of them")
    log_axis(ax, "x", 100, 1e6)
    log_axis(ax, "y", 0.05, 2_000)
    ax.set_xlabel("throughput wanted (requests/s)")
    ax.set_ylabel("price ($ per hour)")
    ceiling = run.up_ceiling_rps
    if ceiling < 1e6:
        ax.axvspan(max(ceiling, 100), 1e6, color=style.FAINT, alpha=0.45, linewidth=0)
        x, name = min(ceiling * 1.08, 6e5), "no machine is large enough"
        style.label(ax, x, 0.07, name, style.MUTED, xytext=(0, 0), va="baseline")
    here(ax, at.demand_rps)
    ax.step(DEMANDS_RPS, run.up_usd, where="post", color=style.VERMILION, linewidth=2.2)
    ax.plot(DEMANDS_RPS, run.out_usd, color=style.BLUE, linewidth=2.2, ls=(0, (5, 1.5)))
    for bought, color, marker in ((run.up, style.VERMILION, "s"), (run.out, style.BLUE, "o")):
        if bought.machine is not None:
            look: dict[str, Any] = {
                "color": color,
                "marker": marker,
                "markersize": 9,
                "markeredgecolor": "white",
            }
            ax.plot([at.demand_rps], [bought.usd_per_hour], **look)
    ax.text(120, 900, "— one machine (up)", color=style.VERMILION, fontsize=9.5)
    ax.text(120, 450, "- - a fleet (out)", color=style.BLUE, fontsize=9.5)
    if math.isfinite(run.switch_rps):
        height = float(run.out_usd[int(np.abs(DEMANDS_RPS - run.switch_rps).argmin())])
        ax.plot([run.switch_rps], [height], color=style.INK, marker="*", markersize=13, ls="none")
        name = f"switch at {significant(run.switch_rps, 2)}/s"
        style.label(ax, run.switch_rps, height, name, style.INK, ha="left", xytext=(9, -10))
