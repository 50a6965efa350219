"""What a throughput costs: one larger machine, or more machines."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.scaling.catalogue import BALANCER_USD_PER_HOUR, CATALOGUE, Machine
from helpers.scaling.theory import theory_scalability, usl_speedup

if TYPE_CHECKING:
    import pandas as pd

_DEMANDS = np.geomspace(100, 1_000_000, 81)


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


class ScalingCostResult(Result):
    """Cheapest way up and cheapest way out for every throughput.

    Attributes
    ----------
    demand_rps, vcpu_rps, sigma_percent, kappa_ppm, fleet_sigma_percent, fleet_kappa_ppm
        The parameters it was made with.
    survive_loss : bool
        Whether the loss of any one machine must leave enough capacity.
    demands_rps : numpy.ndarray, shape (81,)
        Throughputs of the curves.
    up_usd, out_usd : numpy.ndarray, shape (81,)
        Dollars per hour for one machine (or two, to survive a loss) and for a fleet; NaN where
        nothing will do.
    up, out : Purchase
        What to buy at `demand_rps`.
    up_ceiling_rps : float
        The most that one machine of the catalogue does.
    """

    demand_rps: float
    vcpu_rps: float
    sigma_percent: float
    kappa_ppm: float
    fleet_sigma_percent: float
    fleet_kappa_ppm: float
    survive_loss: bool
    demands_rps: np.ndarray
    up_usd: np.ndarray
    out_usd: np.ndarray
    up: Purchase
    out: Purchase
    up_ceiling_rps: float

    @property
    def switch_rps(self) -> float:
        """Least throughput from which on the fleet is cheaper wherever anything will do, or inf."""
        possible = ~np.isnan(self.out_usd)
        cheaper = possible & (np.isnan(self.up_usd) | (self.out_usd < self.up_usd))
        worse = np.flatnonzero(~cheaper & (possible | ~np.isnan(self.up_usd)))
        after = 0 if worse.size == 0 else int(worse[-1]) + 1
        return float(self.demands_rps[after]) if cheaper[after:].any() else math.inf

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "demand_rps": self.demand_rps,
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
            per = purchase.usd_per_hour / self.demand_rps * 1e3
            return (
                f"takes {purchase} for ${significant(purchase.usd_per_hour)} an hour "
                f"(${significant(per)} per 1,000 requests/s)"
            )

        switch = (
            "the fleet never takes the lead for good"
            if math.isinf(self.switch_rps)
            else f"from {significant(self.switch_rps)} requests/s on the fleet is cheaper"
        )
        return (
            f"For {significant(self.demand_rps)} requests/s scaling up {offer(self.up)} and "
            f"scaling out {offer(self.out)}; one machine ends at "
            f"{significant(self.up_ceiling_rps)} requests/s, and {switch}."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "requests/s": self.demands_rps,
                "up ($/h)": self.up_usd,
                "out ($/h)": self.out_usd,
            }
        ).set_index("requests/s")


def simulate_scaling_cost(
    *,
    demand_rps: float = 10_000.0,
    vcpu_rps: float = 200.0,
    sigma_percent: float = 0.5,
    kappa_ppm: float = 5.0,
    fleet_sigma_percent: float = 0.5,
    fleet_kappa_ppm: float = 20.0,
    survive_loss: bool = False,
) -> ScalingCostResult:
    """Search the catalogue for the cheapest single machine and the cheapest fleet.

    Parameters
    ----------
    demand_rps : float
        Throughput wanted, requests per second; 100 <= demand_rps <= 1,000,000.
    vcpu_rps : float
        What one vCPU does alone, requests per second; > 0.
    sigma_percent, kappa_ppm : float
        Contention (per cent) and coherency (millionths) between the vCPUs of one machine; >= 0.
    fleet_sigma_percent, fleet_kappa_ppm : float
        The same between the machines of a fleet; >= 0.
    survive_loss : bool
        Whether enough capacity must remain when any one machine is lost.

    Returns
    -------
    ScalingCostResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Nothing here is random: it is a search. Throughput follows the Universal Scalability Law twice,
    over the vCPUs of a machine and over the machines of a fleet; a machine on which more vCPUs
    would do less uses only as many as are best.
    """
    demand_rps = validation.number(
        "demand_rps", demand_rps, at_least=100, at_most=1_000_000, unit="requests/s"
    )
    vcpu_rps = validation.number("vcpu_rps", vcpu_rps, above=0, unit="requests/s")
    sigma = validation.number("sigma_percent", sigma_percent, at_least=0, at_most=100, unit="%")
    kappa = validation.number("kappa_ppm", kappa_ppm, at_least=0, at_most=1e6, unit="millionths")
    fleet_sigma = validation.number(
        "fleet_sigma_percent", fleet_sigma_percent, at_least=0, at_most=100, unit="%"
    )
    fleet_kappa = validation.number(
        "fleet_kappa_ppm", fleet_kappa_ppm, at_least=0, at_most=1e6, unit="millionths"
    )
    if not isinstance(survive_loss, bool):
        raise TypeError(f"survive_loss must be True or False, got {survive_loss!r}")
    capacity = machine_capacities(vcpu_rps, sigma / 100, kappa / 1e6)
    fleet = (fleet_sigma / 100, fleet_kappa / 1e6)
    up = [_scale_up(d, capacity, fleet, survive_loss) for d in (*_DEMANDS, demand_rps)]
    out = [_scale_out(d, capacity, fleet, survive_loss) for d in (*_DEMANDS, demand_rps)]
    return ScalingCostResult(
        demand_rps=demand_rps,
        vcpu_rps=vcpu_rps,
        sigma_percent=sigma,
        kappa_ppm=kappa,
        fleet_sigma_percent=fleet_sigma,
        fleet_kappa_ppm=fleet_kappa,
        survive_loss=survive_loss,
        demands_rps=_DEMANDS,
        up_usd=_prices(up[:-1]),
        out_usd=_prices(out[:-1]),
        up=up[-1],
        out=out[-1],
        up_ceiling_rps=float(capacity.max()),
    )


def machine_capacities(vcpu_rps: float, sigma: float, kappa: float) -> np.ndarray:
    """Throughput of each machine of the catalogue, requests per second, shape (12,).

    Parameters
    ----------
    vcpu_rps : float
        Throughput of one vCPU alone, requests per second; > 0.
    sigma, kappa : float
        Contention and coherency between vCPUs; see :func:`helpers.scaling.usl_speedup`.
    """
    best = theory_scalability(sigma, kappa).best_workers
    used = np.array([min(machine.vcpus, best) for machine in CATALOGUE])
    return vcpu_rps * np.asarray(usl_speedup(used, sigma, kappa))


def _scale_up(
    demand: float, capacity: np.ndarray, fleet: tuple[float, float], survive_loss: bool
) -> Purchase:
    """The cheapest machine that is enough alone; a second one and balancers to survive a loss."""
    enough = [m for m, can in zip(CATALOGUE, capacity, strict=True) if can >= demand]
    if not enough:
        return Purchase(None, 0, math.inf)
    machine = min(enough, key=lambda m: m.usd_per_hour)
    count = 2 if survive_loss else 1
    return Purchase(machine, count, count * machine.usd_per_hour + _balancers(count))


def _scale_out(
    demand: float, capacity: np.ndarray, fleet: tuple[float, float], survive_loss: bool
) -> Purchase:
    """The cheapest fleet of two or more alike machines; one more of them to survive a loss."""
    counts = _fleet_sizes(demand / capacity, *fleet)
    counts = np.maximum(counts + survive_loss, 2)
    prices = counts * _PRICES + BALANCER_USD_PER_HOUR
    cheapest = int(prices.argmin())
    if math.isinf(prices[cheapest]):
        return Purchase(None, 0, math.inf)
    return Purchase(CATALOGUE[cheapest], int(counts[cheapest]), float(prices[cheapest]))


_PRICES = np.array([machine.usd_per_hour for machine in CATALOGUE])


def _fleet_sizes(speedups: np.ndarray, sigma: float, kappa: float) -> np.ndarray:
    """Vectorised :func:`helpers.scaling.usl_workers`: the fewest machines, or ``inf``."""
    slope = 1 - sigma * speedups + kappa * speedups
    constant = (1 - sigma) * speedups
    discriminant = slope**2 - 4 * kappa * speedups * constant
    with np.errstate(invalid="ignore", divide="ignore"):
        sizes = np.ceil(2 * constant / (slope + np.sqrt(discriminant)) - 1e-9)
    impossible = (discriminant < 0) | (slope <= 0)
    return np.where(speedups <= 1, 1.0, np.where(impossible, np.inf, sizes))


def _shown(value: float) -> float | str:
    return value if math.isfinite(value) else "none"


def _balancers(count: int) -> float:
    return BALANCER_USD_PER_HOUR if count > 1 else 0.0


def _prices(purchases: list[Purchase]) -> np.ndarray:
    prices = np.array([purchase.usd_per_hour for purchase in purchases])
    return np.where(np.isinf(prices), np.nan, prices)
