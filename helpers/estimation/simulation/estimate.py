"""An estimate with its error bars, and what becomes of errors that are multiplied."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers.estimation.theory.estimate import (
    INPUTS,
    OUTPUTS,
    UNCERTAIN,
    error_factor,
    log_sigma,
    theory_estimate,
)
from helpers.estimation.units import Quantity
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.statistics import Interval, quantile_interval
from helpers.foundations.traffic.streams import streams

if TYPE_CHECKING:
    import pandas as pd

_DRAWS = 4_000

#: How the truth may lie around a guess.
SHAPES = ("lognormal", "anywhere in between", "at one of two values")
_MOST_FACTORS = 12


class EstimateResult(Result):
    """Requests, bytes, servers and money, each with a 90 % range.

    Attributes
    ----------
    inputs : dict of str to Quantity
        What it starts from.
    factor : float
        Each uncertain input is right within x/÷ this, in 90 % of the cases.
    outputs : dict of str to Quantity
        The estimate.
    relative : dict of str to numpy.ndarray, shape (4000,)
        Each output for 4,000 draws of the inputs, over the estimate, in ascending order.
    """

    inputs: dict[str, Quantity]
    factor: float
    outputs: dict[str, Quantity]
    relative: dict[str, np.ndarray]

    def range_90(self, name: str) -> tuple[float, float]:
        """Return the simulated 5th and 95th percentile of an output, over the estimate."""
        low, high = np.quantile(self.relative[name], (0.05, 0.95))
        return float(low), float(high)

    def theory_factor(self, name: str) -> float:
        """Return by which factor an output may be off; NaN for a sum, which has no such form."""
        names = OUTPUTS[name][1]
        return error_factor(len(names), self.factor) if names else float("nan")

    def show(self, name: str) -> str:
        """Return an output as text: "36.5 TB"."""
        return str(self.outputs[name])

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {}
        for name in OUTPUTS:
            low, high = self.range_90(name)
            value = self.outputs[name].value
            key = name.replace(" ", "_")
            found[key] = self.show(name)
            found[f"{key}_90_percent_range"] = (
                f"{significant(low * value, 2)} to {significant(high * value, 2)}"
            )
        return found

    @property
    def reading(self) -> str:
        low, high = self.range_90("servers")
        servers = self.outputs["servers"].value
        if self.factor == 1:
            spread = "if every guess were exact."
        else:
            spread = (
                f"but if each guess is good within a factor of {significant(self.factor)}, the "
                f"servers may be anything from {significant(low * servers, 2)} to "
                f"{significant(high * servers, 2)}, a factor of "
                f"{significant(self.theory_factor('servers'))} either way, not "
                f"{significant(self.factor ** len(OUTPUTS['servers'][1]))}."
            )
        return (
            f"{self.show('peak load')} at the peak, {self.show('storage')} to store and "
            f"{self.show('servers')} for {self.show('bill')}, {spread}"
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        rows = []
        for name, (unit, names) in OUTPUTS.items():
            low, high = self.range_90(name)
            value = self.outputs[name].value
            rows.append(
                {
                    "result": name,
                    "estimate": value,
                    "unit": unit,
                    "from (5 %)": low * value,
                    "to (95 %)": high * value,
                    "theory: x/÷": self.theory_factor(name),
                    "uncertain factors": len(names) or len(UNCERTAIN),
                }
            )
        return pd.DataFrame(rows).set_index("result")


def simulate_estimate(
    *,
    users: float = 10e6,
    actions_per_day: float = 20.0,
    peak_factor: float = 3.0,
    requests_per_write: float = 20.0,
    record_kb: float = 1.0,
    retention_days: float = 730.0,
    response_kb: float = 20.0,
    server_rps: float = 500.0,
    factor: float = 2.0,
    seed: int = 1,
) -> EstimateResult:
    """Estimate a system on the back of an envelope, four thousand times.

    Parameters
    ----------
    users : float
        Users a day; > 0.
    actions_per_day : float
        Requests of one of them, per day; > 0.
    peak_factor : float
        Load at the peak over the mean load; >= 1.
    requests_per_write : float
        Requests for each one that stores a record; > 0.
    record_kb, response_kb : float
        Size of a record and of an answer, kilobytes; > 0.
    retention_days : float
        How long a record is kept, days; > 0.
    server_rps : float
        Requests per second that one server is given; > 0.
    factor : float
        Each uncertain input is right within x/÷ this in 90 % of the cases; 1 to 10.
    seed : int
        Seed of the draws; >= 0.

    Returns
    -------
    EstimateResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Records are kept three times; a server costs 120, a gigabyte kept 0.1 and a gigabyte sent
    0.09 USD (a month, the sent ones once): round list prices, like those of the blueprint.
    """
    factor = validation.number("factor", factor, at_least=1, at_most=10)
    inputs = {
        "users": Quantity(validation.number("users", users, above=0), "users"),
        "actions": Quantity(
            validation.number("actions_per_day", actions_per_day, above=0), "requests/user/day"
        ),
        "peak": Quantity(validation.number("peak_factor", peak_factor, at_least=1)),
        "writes": 1
        / Quantity(
            validation.number("requests_per_write", requests_per_write, above=0), "requests/record"
        ),
        "record": Quantity(validation.number("record_kb", record_kb, above=0), "kB/record"),
        "retention": Quantity(validation.number("retention_days", retention_days, above=0), "days"),
        "copies": Quantity(3),
        "response": Quantity(validation.number("response_kb", response_kb, above=0), "kB/request"),
        "capacity": Quantity(
            validation.number("server_rps", server_rps, above=0), "requests/s/server"
        ),
        "server_price": Quantity(120, "USD/server/month"),
        "storage_price": Quantity(0.1, "USD/GB/month"),
        "traffic_price": Quantity(0.09, "USD/GB"),
    }
    errors = np.exp(log_sigma(factor) * _normals(seed))
    off = {name: errors[i] if name in UNCERTAIN else 1.0 for i, name in enumerate(INPUTS)}
    drawn = theory_estimate({n: quantity * off[n] for n, quantity in inputs.items()}, whole=False)
    exact = theory_estimate(inputs, whole=False)
    return EstimateResult(
        inputs=inputs,
        factor=factor,
        outputs=theory_estimate(inputs),
        relative={
            name: np.sort(drawn[name].value / exact[name].value + np.zeros(_DRAWS))
            for name in OUTPUTS
        },
    )


@lru_cache(maxsize=8)
def _normals(seed: int) -> np.ndarray:
    rng = streams(seed, *INPUTS)
    draws = np.stack([rng[name].standard_normal(_DRAWS) for name in INPUTS])
    draws.setflags(write=False)
    return draws


class ErrorBarsResult(Result):
    """How far off a product of uncertain factors is.

    Attributes
    ----------
    factors, factor, shape
        The parameters it was made with.
    grid : numpy.ndarray of int, shape (12,)
        Numbers of factors simulated.
    half : numpy.ndarray, shape (12,)
        Simulated error factor of each: 90 % of the products lie within x/÷ this.
    half_interval : Interval
        The same at `factors`.
    products : numpy.ndarray, shape (4000,)
        The products of `factors` factors, over the product of the guesses, ascending.
    """

    factors: int
    factor: float
    shape: str
    grid: np.ndarray
    half: np.ndarray
    half_interval: Interval
    products: np.ndarray

    @property
    def theory(self) -> float:
        """``factor ** sqrt(factors)``."""
        return error_factor(self.factors, self.factor)

    @property
    def worst(self) -> float:
        """What the product is off by if all guesses err the same way."""
        return self.factor**self.factors

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "error_factor": float(self.half_interval.estimate),
            "theory_error_factor": self.theory,
            "worst_case_factor": self.worst,
            "beyond_the_worst_case_percent": 100
            * float(np.mean(np.abs(np.log(self.products)) > np.log(self.worst) * (1 + 1e-9))),
        }

    @property
    def reading(self) -> str:
        inside = "inside" if self.half_interval.contains(self.theory) else "outside"
        guesses = "guesses" if self.factors > 1 else "guess"
        return (
            f"A product of {self.factors} {guesses}, each good within a factor of "
            f"{significant(self.factor)}, is good within a factor of "
            f"{significant(float(self.half_interval.estimate))}; f to the square root of k says "
            f"{significant(self.theory)}, {inside} the simulation's 95 % interval, and worst-case "
            f"thinking {significant(self.worst)}."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "factors": self.grid,
                "simulated: within x/÷": self.half,
                "f^sqrt(k)": [error_factor(int(k), self.factor) for k in self.grid],
                "worst case f^k": self.factor ** self.grid.astype(float),
            }
        ).set_index("factors")


def simulate_error_bars(
    *, factors: int = 4, factor: float = 2.0, shape: str = "lognormal", seed: int = 1
) -> ErrorBarsResult:
    """Multiply guesses that are each off by a random factor.

    Parameters
    ----------
    factors : int
        How many guesses are multiplied; 1 to 12.
    factor : float
        Each is right within x/÷ this in 90 % of the cases; 1.05 to 10.
    shape : {"lognormal", "anywhere in between", "at one of two values"}
        How the truth lies around a guess: the second spreads it evenly over its range of orders
        of magnitude, the third puts it at one of two values. All have the same spread of
        logarithms.
    seed : int
        Seed of the draws; >= 0.

    Returns
    -------
    ErrorBarsResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    factors = validation.integer("factors", factors, at_least=1, at_most=_MOST_FACTORS)
    factor = validation.number("factor", factor, at_least=1.05, at_most=10)
    validation.one_of("shape", shape, SHAPES)
    logs = log_sigma(factor) * _error_sums(shape, seed)
    sizes = np.abs(logs)
    interval = quantile_interval(sizes[factors - 1], 0.9)
    return ErrorBarsResult(
        factors=factors,
        factor=factor,
        shape=shape,
        grid=np.arange(1, _MOST_FACTORS + 1),
        half=np.exp(np.quantile(sizes, 0.9, axis=1)),
        half_interval=Interval(
            float(np.exp(interval.estimate)),
            float(np.exp(interval.low)),
            float(np.exp(interval.high)),
            interval.confidence,
            interval.samples,
        ),
        products=np.sort(np.exp(logs[factors - 1])),
    )


@lru_cache(maxsize=8)
def _error_sums(shape: str, seed: int) -> np.ndarray:
    """Sums of 1..12 errors of unit variance, shape (12, 4000)."""
    rng = streams(seed, "errors")["errors"]
    size = (_MOST_FACTORS, _DRAWS)
    if shape == "lognormal":
        errors = rng.standard_normal(size)
    elif shape == "anywhere in between":
        errors = rng.uniform(-np.sqrt(3), np.sqrt(3), size)
    else:
        errors = rng.choice([-1.0, 1.0], size)
    sums = np.cumsum(errors, axis=0)
    sums.setflags(write=False)
    return sums
