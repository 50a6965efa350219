"""An estimate on the back of an envelope, every unit checked, with its error bars.

Each guess is good within a factor, and the envelope is filled in four thousand times with guesses
that are off by as much. Where that stops being true: guesses that err together, as all of yours
do if you have never run such a system.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.estimation.error_factors import error_factor, log_sigma
from helpers.estimation.units import Quantity
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import log_axis, marks, spans, yours
from helpers.foundations.drawing.words import words
from helpers.foundations.experiment import Draws, Mine, Parameters, Result, number, seed, takes
from helpers.foundations.prose import significant

_DRAWS = 4_000

#: What the envelope starts from, and the unit of each.
INPUTS = {
    "users": "users",
    "actions": "requests/user/day",
    "peak": "",
    "writes": "records/request",
    "record": "bytes/record",
    "retention": "days",
    "copies": "",
    "response": "bytes/request",
    "capacity": "requests/s/server",
    "server_price": "USD/server/month",
    "storage_price": "USD/GB/month",
    "traffic_price": "USD/GB",
}

#: What it arrives at, the unit it is shown in, and the uncertain inputs each is a product of.
OUTPUTS = {
    "mean load": ("requests/s", ("users", "actions")),
    "peak load": ("requests/s", ("users", "actions", "peak")),
    "storage": ("TB", ("users", "actions", "writes", "record")),
    "peak bandwidth": ("Gbit/s", ("users", "actions", "peak", "response")),
    "servers": ("servers", ("users", "actions", "peak", "capacity")),
    "bill": ("USD/month", ()),
}

#: Inputs that nobody knows exactly; the others are decisions or price lists.
UNCERTAIN = ("users", "actions", "peak", "writes", "record", "response", "capacity")


class Setting(Parameters):
    """What the envelope starts from."""

    users: float = number(10e6, "Users", unit="a day", above=0)
    actions_per_day: float = number(20.0, "Requests of each, a day", above=0)
    peak_factor: float = number(3.0, "Peak over mean", at_least=1)
    requests_per_write: float = number(20.0, "Requests for each write", above=0)
    record_kb: float = number(1.0, "Record", unit="kB", above=0)
    retention_days: float = number(730.0, "Kept for", unit="days", above=0)
    response_kb: float = number(20.0, "Answer", unit="kB", above=0)
    server_rps: float = number(500.0, "One server does", unit="requests/s", above=0)
    factor: float = number(
        2.0,
        "Each guess is right within ×/÷",
        at_least=1,
        at_most=10,
        note="In 90 % of the cases.",
    )
    seed: int = seed()

    @property
    def inputs(self) -> dict[str, Quantity]:
        """One quantity for each name in :data:`INPUTS`.

        Records are kept three times; a server costs 120, a gigabyte kept 0.1 and a gigabyte sent
        0.09 USD (a month, the sent ones once): round list prices, like those of the blueprint.
        """
        return {
            "users": Quantity(self.users, "users"),
            "actions": Quantity(self.actions_per_day, "requests/user/day"),
            "peak": Quantity(self.peak_factor),
            "writes": 1 / Quantity(self.requests_per_write, "requests/record"),
            "record": Quantity(self.record_kb, "kB/record"),
            "retention": Quantity(self.retention_days, "days"),
            "copies": Quantity(3),
            "response": Quantity(self.response_kb, "kB/request"),
            "capacity": Quantity(self.server_rps, "requests/s/server"),
            "server_price": Quantity(120, "USD/server/month"),
            "storage_price": Quantity(0.1, "USD/GB/month"),
            "traffic_price": Quantity(0.09, "USD/GB"),
        }


# --- the model: what the page shows, and a learner changes ----------------------------------------


def servers_for(at):
    """Go from users to servers, one unit after the other."""
    users = Quantity(at.users, "users")
    load = users * Quantity(at.actions_per_day, "requests/user/day")
    peak = at.peak_factor * load.to("requests/s")
    servers = peak / Quantity(at.server_rps, "requests/s/server")
    written = load / Quantity(at.requests_per_write, "requests/record")
    kept = written * Quantity(at.record_kb, "kB/record") * Quantity(at.retention_days, "days")
    return {
        "peak load": peak.to("requests/s").value,
        "servers": servers.to("servers").value,
        "storage": (3 * kept).to("TB").value,
    }


# --- all of it, and four thousand times -----------------------------------------------------------


def envelope(inputs: Mapping[str, Quantity], *, whole: bool = True) -> dict[str, Quantity]:
    """Return one quantity for each name in :data:`OUTPUTS`; values may be arrays.

    Parameters
    ----------
    inputs : mapping of str to Quantity
        One for each name in :data:`INPUTS`, in any unit of the right kind.
    whole : bool
        Round servers up to whole ones.

    Raises
    ------
    UnitError
        If an input is of the wrong kind; the message names both units.
    ValueError
        If an input is missing.
    """
    if missing := [name for name in INPUTS if name not in inputs]:
        raise ValueError(f"inputs must hold all of {', '.join(INPUTS)}; missing {missing}")
    given = {name: inputs[name].to(unit) for name, unit in INPUTS.items()}
    mean = given["users"] * given["actions"]
    peak = mean * given["peak"]
    stored = mean * given["writes"] * given["record"] * given["retention"] * given["copies"]
    servers = peak / given["capacity"]
    if whole:
        servers = servers.to("servers").ceil()
    traffic = mean * given["response"]
    bill = (
        (servers * given["server_price"]).to("USD/month")
        + stored * given["storage_price"]
        + traffic * given["traffic_price"]
    )
    found = (mean, peak, stored, peak * given["response"], servers, bill)
    return {
        name: value.to(unit)
        for (name, (unit, _)), value in zip(OUTPUTS.items(), found, strict=True)
    }


@takes(Setting)
def simulate(at: Setting) -> Estimate:
    """Fill in the envelope, exactly and with every guess off by its luck."""
    inputs = at.inputs
    errors = np.exp(log_sigma(at.factor) * _normals(at.seed))
    off = {name: errors[i] if name in UNCERTAIN else 1.0 for i, name in enumerate(INPUTS)}
    drawn = envelope({name: each * off[name] for name, each in inputs.items()}, whole=False)
    exact = envelope(inputs, whole=False)
    return Estimate(
        at,
        outputs=envelope(inputs),
        relative={
            name: np.sort(drawn[name].value / exact[name].value + np.zeros(_DRAWS))
            for name in OUTPUTS
        },
    )


@lru_cache(maxsize=8)
def _normals(seed: int) -> np.ndarray:
    draw = Draws(seed)
    draws = np.stack([draw(name).standard_normal(_DRAWS) for name in INPUTS])
    draws.setflags(write=False)
    return draws


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting, output: str) -> float:
    """By which factor an output may be off; NaN for a sum, which has no such form.

    A product of k guesses, each good within x/÷ f, is good within x/÷ f to the square root of k;
    see :func:`helpers.estimation.error_factors.error_factor`.
    """
    names = OUTPUTS[output][1]
    return error_factor(len(names), at.factor) if names else float("nan")


# --- what it says ---------------------------------------------------------------------------------


class Estimate(Result):
    """Requests, bytes, servers and money, each with a 90 % range.

    Attributes
    ----------
    outputs : dict of str to Quantity
        The estimate.
    relative : dict of str to numpy.ndarray, shape (4000,)
        Each output for 4,000 draws of the inputs, over the estimate, in ascending order.
    """

    at: Setting
    outputs: dict[str, Quantity]
    relative: dict[str, np.ndarray]

    def range_90(self, name: str) -> tuple[float, float]:
        """Return the simulated 5th and 95th percentile of an output, over the estimate."""
        low, high = np.quantile(self.relative[name], (0.05, 0.95))
        return float(low), float(high)

    def show(self, name: str) -> str:
        """Return an output as text: "36.5 TB"."""
        text = str(self.outputs[name])
        return "1 server" if text == "1 servers" else text

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
        servers, factor = self.outputs["servers"].value, self.at.factor
        if factor == 1:
            spread = "if every guess were exact."
        else:
            spread = (
                f"but if each guess is good within a factor of {significant(factor)}, the "
                f"servers may be anything from {significant(low * servers, 2)} to "
                f"{significant(high * servers, 2)}, a factor of "
                f"{significant(theory(self.at, 'servers'))} either way, not "
                f"{significant(factor ** len(OUTPUTS['servers'][1]))}."
            )
        return (
            f"{self.show('peak load')} at the peak, {self.show('storage')} to store and "
            f"{self.show('servers')} for {self.show('bill')}, {spread}"
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        values = np.array([self.outputs[name].value for name in OUTPUTS])
        low, high = np.transpose([self.range_90(name) for name in OUTPUTS])
        return {
            "result": list(OUTPUTS),
            "estimate": values,
            "unit": [unit for unit, _ in OUTPUTS.values()],
            "from (5 %)": low * values,
            "to (95 %)": high * values,
            "theory: x/÷": [theory(self.at, name) for name in OUTPUTS],
            "uncertain factors": [len(names) or len(UNCERTAIN) for _, names in OUTPUTS.values()],
        }


def plot(run: Estimate, ax: Axes, mine: Mine | None = None) -> None:
    """Draw each result of the envelope with its 90 % range, simulated and by theory."""
    ax.set_title("What the envelope says, and how far to trust it")
    ax.set_ylim(len(OUTPUTS) - 0.35, -0.65)
    ax.set_yticks([])
    ax.grid(axis="y", visible=False)
    ticks = {1 / 16: "÷ 16", 1 / 4: "÷ 4", 1: "estimate", 4: "× 4", 16: "× 16"}
    log_axis(ax, "x", 1 / 150, 30, ticks=ticks, text=ticks.__getitem__)
    ax.set_xlabel("where the truth may lie (90 % range)")
    ax.axvline(1, color=style.MUTED, linewidth=1.0, linestyle=":")
    rows = np.arange(len(OUTPUTS))
    low, high = np.transpose([run.range_90(name) for name in OUTPUTS])
    spans(ax, rows, low, high, along="x", color=style.BLUE, linewidth=7, alpha=0.75, zorder=1)
    factor = np.array([theory(run.at, name) for name in OUTPUTS])
    for ends in (1 / factor, factor):
        marks(ax, rows, ends, 0.6, along="x")
    ax.plot(np.ones(len(rows)), rows, color=style.INK, marker="o", markersize=5, linestyle="none")
    left = np.column_stack([np.full(len(rows), 1 / 140), rows])
    words(
        ax, np.subtract(left, (0, 0.05)), list(OUTPUTS), color=style.MUTED, ha="left", va="bottom"
    )
    shown = [run.show(name) for name in OUTPUTS]
    words(ax, np.add(left, (0, 0.02)), shown, fontsize=10, weight="bold", ha="left", va="top")
    if mine is not None:
        for row, name in enumerate(OUTPUTS):
            if name in mine:
                yours(ax, mine[name] / run.outputs[name].value, row)
