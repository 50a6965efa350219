"""Dispatch by place: a city cut into cells, and the driver on the other side of the line.

Drivers stand anywhere; a rider's request asks the shards of some cells for the nearest. Where that
stops being true: nearest as the crow flies is not soonest by road, drivers are not spread evenly,
and cells on a globe are neither square nor all of one size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, key, shares_axis, spans, yours
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
from helpers.foundations.prose import counted, percent, rounded, significant

#: The city's side, km; its opposite sides are joined.
CITY_KM = 12.0
#: Riders of a run.
RIDERS = 300
#: Cells along the side for which the picture is simulated.
CELLS = (4, 5, 6, 8, 12, 16, 24)
_SIZES = np.linspace(4, 24, 41)  # for which theory is drawn

#: What Uber's index used: cells of level 12 of the S2 library, 3.31 to 6.38 km² (Ranney, "Scaling
#: Uber's Real-time Market Platform", QCon New York 2015, as written up by Hoff, High Scalability,
#: 14 September 2015).
LEVEL_12_KM2 = (3.31, 6.38)


class Setting(Parameters):
    """A city's drivers, its cells, and how many of them a request asks."""

    cells: int = integer(6, "Cells along the city's side", at_least=4, at_most=24)
    drivers: float = number(2.0, "Free drivers", unit="per km²", at_least=0.2, at_most=10)
    rings: int = integer(
        0, "Rings of neighbours asked", at_least=0, at_most=2, note="0 asks the rider's cell only."
    )
    seed: int = seed()

    @property
    def cell_km(self) -> float:
        """Side of a cell, km."""
        return CITY_KM / self.cells

    @property
    def free(self) -> int:
        """Free drivers in the city."""
        return max(1, round(self.drivers * CITY_KM**2))


# --- the model: what the page shows, and a learner changes ----------------------------------------


def send_the_nearest(at, draw):
    """For each rider, ask the cells around for the nearest driver, and see who was nearest."""
    free = draw("drivers").random((at.free, 2)) * CITY_KM
    nobody = not_nearest = 0
    ways_km, true_km = [], []
    for rider in draw("riders").random((RIDERS, 2)) * CITY_KM:
        apart = np.abs(free - rider)
        apart = np.minimum(apart, CITY_KM - apart)
        km = np.hypot(apart[:, 0], apart[:, 1])
        cells = np.abs(free // at.cell_km - rider // at.cell_km)
        asked = np.minimum(cells, at.cells - cells).max(axis=1) <= at.rings
        true_km.append(km.min())
        if not asked.any():
            nobody += 1
            continue
        ways_km.append(km[asked].min())
        not_nearest += ways_km[-1] > km.min()
    return {"nobody": nobody / RIDERS, "not_nearest": (not_nearest + nobody) / RIDERS,
            "km": sum(ways_km) / max(1, len(ways_km)), "true_km": np.mean(true_km)}  # fmt: skip


# --- the same, for all riders and several sizes of cells at once ----------------------------------


@takes(Setting)
def simulate(at: Setting) -> Dispatch:
    """Dispatch three hundred riders, also in cells of other sizes."""
    sizes = (*CELLS, at.cells)
    asked, true = _ways(
        at.drivers, at.seed, tuple(sorted({*sizes})), tuple(sorted({0, 1, at.rings}))
    )
    here_km = asked[at.cells, at.rings]
    found = np.isfinite(here_km)
    shares = [[float((asked[n, ring] > true).mean()) for n in CELLS] for ring in (0, 1)]
    return Dispatch(
        at,
        own_cell=np.array(shares[0]),
        with_neighbours=np.array(shares[1]),
        nobody=float(1 - found.mean()),
        not_nearest=float((here_km > true).mean()),
        km=float(here_km[found].mean()) if found.any() else 0.0,
        true_km=float(true.mean()),
    )


@lru_cache(maxsize=64)
def _ways(
    drivers: float, seed_: int, sizes: tuple[int, ...], rings: tuple[int, ...]
) -> tuple[dict[tuple[int, int], np.ndarray], np.ndarray]:
    """Way to the nearest driver asked, by cells and rings, and to the nearest of all, km."""
    draw = Draws(seed_)
    free = draw("drivers").random((Setting(drivers=drivers).free, 2)) * CITY_KM
    riders = draw("riders").random((RIDERS, 2)) * CITY_KM
    km2 = np.zeros((RIDERS, len(free)))
    for axis in (0, 1):
        apart = np.abs(free[:, axis] - riders[:, axis, np.newaxis])
        km2 += np.minimum(apart, CITY_KM - apart) ** 2
    asked = {}
    for n in sizes:
        away = np.zeros(km2.shape, np.int8)
        for axis in (0, 1):
            homes, ours = ((one[:, axis] // (CITY_KM / n)).astype(np.int8)
                           for one in (free, riders))  # fmt: skip
            cells = np.abs(homes - ours[:, np.newaxis])
            np.maximum(away, np.minimum(cells, n - cells), out=away)
        for ring in rings:
            asked[n, ring] = np.sqrt(km2.min(axis=1, initial=np.inf, where=away <= ring))
    return asked, np.sqrt(km2.min(axis=1))


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Riders who do not get the nearest, who find nobody; and the mean way of the nearest, km."""

    not_nearest: float
    nobody: float
    true_km: float


def theory(at: Setting, cells: float | None = None, rings: int | None = None) -> Theory:
    """Drivers as a Poisson process in the plane; the nearest one lies beyond the line or not.

    The distance r to the nearest has density 2πDr exp(-πDr²). Whether a step of length r in a
    random direction leaves a square is Buffon's problem on a grid (Laplace, *Théorie analytique
    des probabilités*, 1812).
    """
    a = CITY_KM / (at.cells if cells is None else cells)
    ring, density = at.rings if rings is None else rings, at.drivers
    angles = (np.arange(90) + 0.5) * math.pi / 180
    far = 5 / math.sqrt(density)
    r = (np.arange(400)[:, np.newaxis] + 0.5) * far / 400
    stays = np.ones((400, 90))
    for step in (r * np.cos(angles), r * np.sin(angles)):
        stays *= np.clip(1 - (step - ring * a) / a, 0, 1)
    weight = (2 * math.pi * density * r * np.exp(-math.pi * density * r**2))[:, 0] * far / 400
    return Theory(
        max(0.0, float(1 - (weight * stays.mean(axis=1)).sum())),
        math.exp(-density * ((2 * ring + 1) * a) ** 2),
        1 / (2 * math.sqrt(density)),
    )


@lru_cache(maxsize=8)
def _curve(drivers: float, ring: int) -> tuple[float, ...]:
    """Return who does not get the nearest, in theory, in cells of each of `_SIZES`."""
    at = Setting(drivers=drivers)
    return tuple(theory(at, n, ring).not_nearest for n in _SIZES)


# --- what it says ---------------------------------------------------------------------------------


class Dispatch(Result):
    """Who is sent to whom.

    Attributes
    ----------
    own_cell, with_neighbours : numpy.ndarray, shape (7,)
        Share of riders who do not get the nearest driver, if only their cell is asked and if its
        neighbours are, too, for each of :data:`CELLS`.
    nobody, not_nearest : float
        At the setting: riders for whom no driver is found, and who do not get the nearest.
    km, true_km : float
        Mean way to the driver that is found, where one is, and to the nearest, km.
    """

    at: Setting
    own_cell: np.ndarray
    with_neighbours: np.ndarray
    nobody: float
    not_nearest: float
    km: float
    true_km: float

    @property
    def asked(self) -> int:
        """Cells that a request asks."""
        return min(2 * self.at.rings + 1, self.at.cells) ** 2

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "not_nearest_percent": rounded(100 * self.not_nearest),
            "not_nearest_theory_percent": rounded(100 * exact.not_nearest),
            "nobody_percent": rounded(100 * self.nobody),
            "mean_way_km": rounded(self.km),
            "nearest_km": rounded(self.true_km),
            "nearest_theory_km": rounded(exact.true_km),
            "cells_asked": self.asked,
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        nobody = (
            f" and {percent(self.nobody)} find nobody" if self.nobody else " and all find somebody"
        )
        return (
            f"Each request asks {counted(self.asked, 'cell')} of "
            f"{significant(at.cell_km**2)} km². {percent(self.not_nearest)} of the riders do not "
            f"get the nearest driver (theory {percent(exact.not_nearest)}){nobody}. Who is found "
            f"is {significant(self.km)} km away on average, the nearest "
            f"{significant(self.true_km)} km."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "cells along the side": CELLS,
            "cell (km)": [CITY_KM / n for n in CELLS],
            "own cell": self.own_cell,
            "own cell in theory": [theory(self.at, n, 0).not_nearest for n in CELLS],
            "with neighbours": self.with_neighbours,
            "with neighbours in theory": [theory(self.at, n, 1).not_nearest for n in CELLS],
        }


@style.panels(2, width_ratios=[1, 1.25])
def plot(run: Dispatch, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw the city around one rider, and who does not get the nearest against the cells' size."""
    at, (city, ax) = run.at, axes
    free = Draws(at.seed)("drivers").random((at.free, 2)) * CITY_KM
    corner = np.array([at.cells // 2, at.cells // 2])
    rider = (corner + np.array([0.9, 0.3])) * at.cell_km  # near a line
    away = np.abs(free // at.cell_km - corner).max(axis=1)
    for which, color in ((away > at.rings, style.GHOST), (away <= at.rings, style.BLUE)):
        city.plot(*free[which].T, marker=".", markersize=4, linestyle="none", color=color)
    lines = np.arange(at.cells + 1) * at.cell_km
    spans(city, lines, 0 * lines, 0 * lines + CITY_KM, color=style.MUTED, linewidth=0.6)
    spans(city, lines, 0 * lines, 0 * lines + CITY_KM, along="x", color=style.MUTED, linewidth=0.6)
    nearest = free[np.hypot(*(free - rider).T).argmin()]
    city.plot(*np.stack([rider, nearest]).T, color=style.INK, linewidth=1.2)
    city.plot(*rider, marker="*", markersize=12, color=style.VERMILION, linestyle="none")
    city.set(xlim=(0, CITY_KM), ylim=(0, CITY_KM), xlabel="km", ylabel="km")
    city.set_title("A rider, and the nearest driver")
    city.grid(False)

    both = ((0, run.own_cell, style.BLUE), (1, run.with_neighbours, style.GREEN))
    for ring, seen, color in both:
        ax.plot(CITY_KM / _SIZES, _curve(at.drivers, ring), **style.THEORY)
        ax.plot(CITY_KM / np.array(CELLS), seen, **style.DOTS | {"color": color})
    here(ax, at.cell_km)
    ax.set(xlim=(0.4, 3.1), ylim=(-0.03, 1.25))
    shares_axis(ax, 4)
    ax.set_title("Riders who do not get the nearest")
    ax.set_xlabel("side of a cell (km)")
    ax.set_ylabel("share")
    entries = [("only the rider's cell is asked", style.BLUE), ("and those around", style.GREEN)]
    key(ax, [*(("●", text, color) for text, color in entries), ("╌", "theory", style.INK)])
    if mine is not None:
        yours(ax, at.cell_km, mine["not_nearest"])
