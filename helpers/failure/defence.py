"""From failure to outage: the same faults, met with and without four layers of defence.

Faults come at random. Left alone, each is an outage for everybody until somebody notices and
repairs it. Where that stops being true: layers here work independently of each other, and in real
outages one cause defeats several of them at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, log_axis, marks, named_axis, short
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    flag,
    integer,
    number,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, listed, rounded, significant
from helpers.foundations.statistics import Interval, mean_interval

LAYERS = ("redundancy", "isolation", "degradation", "monitoring")

_YEARS = 400
_SHOWN = {  # what fits beside the picture
    "redundancy": "redun-\ndancy",
    "degradation": "degra-\ndation",
    "monitoring": "moni-\ntoring",
    "as chosen": "as\nchosen",
}
_TAKES_OVER_MIN = 1.0  # a spare
_NOTICES_MIN = {False: 60.0, True: 5.0}  # without and with monitoring
_LEAST_MIN, _MOST_MIN = 0.1, 100_000.0  # that the picture shows


class Setting(Parameters):
    """A service, its faults, and what stands between a fault and its users."""

    redundancy: bool = flag(False, "Redundancy", note="A spare takes over within a minute.")
    isolation: bool = flag(False, "Isolation", note="Users live in cells; a fault hits one.")
    degradation: bool = flag(False, "Degradation", note="Users get something worth a share.")
    monitoring: bool = flag(False, "Monitoring", note="Faults are noticed in 5 minutes, not 60.")
    faults: float = number(12.0, "Faults", unit="a year", above=0)
    repair_min: float = number(60.0, "A repair takes", unit="min", above=0)
    spare_works: float = number(0.9, "The spare takes over in", at_least=0, at_most=1)
    cells: int = integer(10, "Cells", at_least=1)
    worth: float = number(0.8, "What the fallback is worth", at_least=0, at_most=1)
    seed: int = seed()

    @property
    def on(self) -> tuple[bool, ...]:
        """Which layers are switched on, in the order of `LAYERS`."""
        return tuple(getattr(self, layer) for layer in LAYERS)


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Defence:
    """Send four centuries of faults through every combination of layers, the same to each."""
    draw = Draws(at.seed)
    counts = draw("faults").poisson(at.faults, _YEARS)
    n, year = int(counts.sum()), np.repeat(np.arange(_YEARS), counts)
    notice, repair = draw("notices").exponential(1.0, n), draw("repairs").exponential(1.0, n)
    works = draw("spares").random(n) < at.spare_works
    lost = {}
    for on in itertools.product((False, True), repeat=len(LAYERS)):
        redundancy, isolation, degradation, monitoring = on
        lasts = _NOTICES_MIN[monitoring] * notice + at.repair_min * repair
        if redundancy:
            lasts = np.where(works, _TAKES_OVER_MIN, lasts)
        users = 1 / at.cells if isolation else 1.0
        misses = 1 - at.worth if degradation else 1.0
        minutes = np.bincount(year, lasts * users * misses, minlength=_YEARS)
        lost[on] = mean_interval(minutes)
    return Defence(at, lost=lost)


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, on: tuple[bool, ...]) -> float:
    """Return user-minutes lost a year for each user: a product, because the layers are independent.

    Faults a year, times how long one lasts, times the share of users it hits, times what each of
    them misses.
    """
    redundancy, isolation, degradation, monitoring = on
    lasts = _NOTICES_MIN[monitoring] + at.repair_min
    if redundancy:
        lasts = at.spare_works * _TAKES_OVER_MIN + (1 - at.spare_works) * lasts
    users = 1 / at.cells if isolation else 1.0
    return at.faults * lasts * users * (1 - at.worth if degradation else 1.0)


# --- what it says ---------------------------------------------------------------------------------


class Defence(Result):
    """Minutes a year that a user loses on average, for each combination of layers.

    Attributes
    ----------
    lost : dict of tuple of bool to Interval
        By which of `LAYERS` are on.
    """

    at: Setting
    lost: dict[tuple[bool, ...], Interval]

    @property
    def rows(self) -> dict[str, tuple[bool, ...]]:
        """What is drawn: nothing, each layer alone, and those that are switched on."""
        alone = {layer: tuple(layer == other for other in LAYERS) for layer in LAYERS}
        return {"none": (False,) * 4} | alone | {"as chosen": self.at.on}

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {}
        for name, on in self.rows.items():
            short_name = name.replace(" ", "_")
            values[f"{short_name}_min"] = rounded(self.lost[on].estimate)
            values[f"{short_name}_theory_min"] = rounded(theory(self.at, on))
        return values

    @property
    def reading(self) -> str:
        at, on = self.at, self.at.on
        names = [layer for layer, there in zip(LAYERS, on, strict=True) if there]
        with_what = f"With {listed(names)}" if names else "With no layer of defence"
        nothing, left = self.lost[(False,) * 4].estimate, self.lost[on].estimate
        said = (
            f"{with_what}, {significant(at.faults)} {'fault' if at.faults == 1 else 'faults'} a "
            f"year cost a user {duration(60 * left)} a year on average; theory says "
            f"{duration(60 * theory(at, on))}."
        )
        if not names:
            return said
        if not left:
            return f"{said} Without them it would be {duration(60 * nothing)}."
        return (
            f"{said} Without {'them' if len(names) > 1 else 'it'} it would be "
            f"{duration(60 * nothing)}, {significant(nothing / left)} times as much."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "layers": list(self.rows),
            "minutes a year": [self.lost[on].estimate for on in self.rows.values()],
            "theory": [theory(self.at, on) for on in self.rows.values()],
        }


def plot(run: Defence, ax: Axes) -> None:
    """Draw what a user loses a year, without defence, with each layer alone, and as chosen."""
    rows = run.rows
    log_axis(ax, "x", _LEAST_MIN, _MOST_MIN, text=short)
    named_axis(ax, "y", [_SHOWN.get(name, name) for name in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    for place, (name, on) in enumerate(rows.items()):
        color = style.GREEN if name == "as chosen" else style.BLUE
        lost = run.lost[on]
        if lost.estimate > 0:
            error_bars(ax, place, lost, along="x", **style.DOTS | {"color": color})
            text = duration(60 * lost.estimate)
            beyond = {"ha": "right", "xytext": (-9, 0)} if lost.estimate > 3_000 else {}
            style.label(ax, lost.estimate, place, text, color, **{"xytext": (9, 0)} | beyond)
        else:
            style.label(ax, _LEAST_MIN, place, "nothing", color)
    expected = [theory(run.at, on) or np.nan for on in rows.values()]
    marks(ax, range(len(rows)), expected, along="x")
    ax.set_title(
        f"What a user loses in a year, mean of {counted(_YEARS, 'year')} of the same faults"
    )
    ax.set_xlabel("minutes lost in a year")
