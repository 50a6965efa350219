"""What becomes of errors that are multiplied: a product of guesses is better than its worst case.

All shapes of error have the same spread of logarithms. Where that stops being true: errors that are
not independent multiply in full.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.estimation.error_factors import error_factor, log_sigma
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, log_axis
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import counted, significant
from helpers.foundations.statistics import Interval, quantile_interval

_DRAWS = 4_000
_MOST_FACTORS = 12

#: Numbers of factors simulated.
GRID = np.arange(1, _MOST_FACTORS + 1)

#: How the truth may lie around a guess: the second spreads it evenly over its range of orders of
#: magnitude, the third puts it at one of two values.
SHAPES = ("lognormal", "anywhere in between", "at one of two values")


class Setting(Parameters):
    """Guesses that are multiplied."""

    factors: int = integer(4, "Guesses multiplied", at_least=1, at_most=_MOST_FACTORS)
    factor: float = number(
        2.0, "Each is right within ×/÷", at_least=1.05, at_most=10, note="In 90 % of the cases."
    )
    shape: str = option("lognormal", "The truth lies", of=SHAPES)
    seed: int = seed()


@takes(Setting)
def simulate(at: Setting) -> ErrorBars:
    """Multiply guesses that are each off by a random factor, four thousand times."""
    logs = log_sigma(at.factor) * _error_sums(at.shape, at.seed)
    sizes = np.abs(logs)
    interval = quantile_interval(sizes[at.factors - 1], 0.9)
    return ErrorBars(
        at,
        half=np.exp(np.quantile(sizes, 0.9, axis=1)),
        half_interval=Interval(
            float(np.exp(interval.estimate)),
            float(np.exp(interval.low)),
            float(np.exp(interval.high)),
            interval.confidence,
            interval.samples,
        ),
        products=np.sort(np.exp(logs[at.factors - 1])),
    )


@lru_cache(maxsize=8)
def _error_sums(shape: str, seed: int) -> np.ndarray:
    """Sums of 1..12 errors of unit variance, shape (12, 4000)."""
    rng = Draws(seed)("errors")
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


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, factors: Any = None) -> Any:
    """By which factor 90 % of the products are off at most: f to the square root of k."""
    if factors is None:
        return error_factor(at.factors, at.factor)
    return at.factor ** np.sqrt(np.asarray(factors, dtype=float))


# --- what it says ---------------------------------------------------------------------------------


class ErrorBars(Result):
    """How far off a product of uncertain factors is.

    Attributes
    ----------
    half : numpy.ndarray, shape (12,)
        Error factor of the products of 1 to 12 guesses: 90 % of them lie within x/÷ this.
    half_interval : Interval
        The same at ``at.factors``.
    products : numpy.ndarray, shape (4000,)
        The products of ``at.factors`` factors, over the product of the guesses, ascending.
    """

    at: Setting
    half: np.ndarray
    half_interval: Interval
    products: np.ndarray

    @property
    def worst(self) -> float:
        """What the product is off by if all guesses err the same way."""
        return self.at.factor**self.at.factors

    @property
    def summary(self) -> dict[str, float | int | str]:
        beyond = np.abs(np.log(self.products)) > np.log(self.worst) * (1 + 1e-9)
        return {
            "error_factor": self.half_interval.estimate,
            "theory_error_factor": theory(self.at),
            "worst_case_factor": self.worst,
            "beyond_the_worst_case_percent": 100 * float(np.mean(beyond)),
        }

    @property
    def reading(self) -> str:
        exact = theory(self.at)
        inside = "inside" if self.half_interval.contains(exact) else "outside"
        guesses = counted(self.at.factors, "guess", "guesses")
        return (
            f"A product of {guesses}, each good within a factor of "
            f"{significant(self.at.factor)}, is good within a factor of "
            f"{significant(self.half_interval.estimate)}; f to the square root of k says "
            f"{significant(exact)}, {inside} the simulation's 95 % interval, and worst-case "
            f"thinking {significant(self.worst)}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "factors": GRID,
            "simulated: within x/÷": self.half,
            "f^sqrt(k)": theory(self.at, GRID),
            "worst case f^k": self.at.factor ** GRID.astype(float),
        }


#: How far the axis of products reaches, in powers of ten, and the factors marked on it.
_FACTORS = {0.5: (2,), 1: (2, 5), 2: (10,), 4: (10, 1_000), 8: (10_000,)}


@style.panels(2)
def plot(run: ErrorBars, axes: tuple[Axes, Axes]) -> None:
    """Draw the error factor against the number of guesses, and where products fall."""
    growth, spread = axes
    at = run.at
    growth.set_title("How far off a product of guesses is")
    growth.set_xlim(0.5, 12.5)
    growth.set_xticks([1, 2, 4, 6, 8, 10, 12])
    log_axis(growth, "y", 1, 5_000)
    growth.set_xlabel("guesses multiplied")
    growth.set_ylabel("90 % lie within ×/÷")
    here(growth, at.factors)
    grid = np.linspace(1, 12, 60)
    growth.plot(grid, at.factor**grid, color=style.GHOST, linewidth=1.4)
    growth.plot(grid, at.factor ** np.sqrt(grid), **style.THEORY)
    growth.plot(GRID, run.half, color=style.BLUE, marker="o", markersize=6,
                linestyle="none")  # fmt: skip
    style.label(growth, 8, error_factor(8, at.factor), "f to the √k", style.INK, xytext=(0, -18))
    place = float(min(7.0, 0.8 * np.log(5_000) / np.log(at.factor)))
    style.label(growth, place, at.factor**place, "worst case", style.MUTED, ha="right",
                xytext=(-6, 4))  # fmt: skip

    half = np.log10(theory(at))
    reach = step_up(2.6 * half, tuple(_FACTORS))
    edges = np.linspace(-reach, reach, 61)
    top = 0.12 if at.shape != "at one of two values" else 0.6
    spread.set_title("Where the products fall")
    spread.set_xlim(-reach, reach)
    spread.set_ylim(0, top)
    factors = _FACTORS[reach]
    places = np.log10(factors)
    spread.set_xticks(
        [*-places, 0, *places],
        [*(f"÷ {f:,}" for f in factors), "guess", *(f"× {f:,}" for f in factors)],
    )
    spread.set_xlabel("product over the product of the guesses")
    spread.set_ylabel("share of 4,000 products")
    counts = np.histogram(np.log10(run.products), edges)[0] / len(run.products)
    spread.stairs(counts, edges, fill=True, color=style.BLUE, alpha=0.55)
    middle = (edges[1:] + edges[:-1]) / 2
    sigma = log_sigma(at.factor) * np.sqrt(at.factors) / np.log(10)
    density = np.exp(-0.5 * (middle / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    spread.plot(middle, density * np.diff(edges), **style.THEORY)
    for sign, symbol, side in ((-1, "÷", "right"), (1, "×", "left")):
        spread.axvline(sign * half, color=style.INK, linewidth=1.0, linestyle=":")
        style.label(spread, sign * half, 0.95 * top, f"{symbol} {theory(at):.3g}", style.INK,
                    ha=side, xytext=(5 * sign, 0))  # fmt: skip
