"""Vertical and horizontal side by side, with boxes that can be switched off.

Requests beyond the capacity are lost rather than queued; databases and balancers are never the
limit. Where that stops being true: a spare box that takes over at once and without fail is the
best case.
"""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from helpers.foundations.drawing import style
from helpers.foundations.drawing.clicks import clickable
from helpers.foundations.experiment import Parameters, Result, flag, number, takes
from helpers.foundations.prose import counted, listed, percent, significant
from helpers.scaling.series_and_parallel import Stages, is_served, single_points_of_failure

SERVERS = ("server 1", "server 2", "server 3")
_VERTICAL: Stages = ((1, ("big server",)), (1, ("database A",)))


class Setting(Parameters):
    """The load, and which boxes are up."""

    demand_rps: float = number(
        100.0, "Load of each", unit="requests/s", above=0, note="Of each column."
    )
    server_rps: float = number(
        50.0,
        "Capacity of a small server",
        unit="requests/s",
        above=0,
        note="The big one has three times as much.",
    )
    big_server: bool = flag(True, "big server")
    database_a: bool = flag(True, "database A")
    server_1: bool = flag(True, "server 1")
    server_2: bool = flag(True, "server 2")
    server_3: bool = flag(True, "server 3")
    balancer: bool = flag(True, "balancer")
    database_b: bool = flag(True, "database B")
    second_balancer: bool = flag(False, "add a second balancer")
    replica: bool = flag(False, "add a replica of database B", note="It takes over.")

    @property
    def up(self) -> dict[str, bool]:
        """Every box by name, and whether it is up; spare boxes only if they were added."""
        boxes = {
            "big server": self.big_server,
            "database A": self.database_a,
            "server 1": self.server_1,
            "server 2": self.server_2,
            "server 3": self.server_3,
            "balancer": self.balancer,
            "database B": self.database_b,
        }
        if self.second_balancer:
            boxes["balancer 2"] = True
        if self.replica:
            boxes["replica B"] = True
        return boxes


# --- the model ------------------------------------------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> TwoColumns:
    """Send requests down two columns of boxes, some of which may be dead."""
    up = at.up
    small_rps = sum(up[server] for server in SERVERS) * at.server_rps
    return TwoColumns(
        at,
        vertical_rps=min(at.demand_rps, 3 * at.server_rps) if is_served(up, _VERTICAL) else 0.0,
        horizontal_rps=min(at.demand_rps, small_rps) if is_served(up, _horizontal(up)) else 0.0,
    )


def _horizontal(up: dict[str, bool]) -> Stages:
    balancers = tuple(box for box in ("balancer", "balancer 2") if box in up)
    databases = tuple(box for box in ("database B", "replica B") if box in up)
    return ((1, balancers), (1, SERVERS), (1, databases))


# --- what it says ---------------------------------------------------------------------------------


class TwoColumns(Result):
    """Throughput that each column delivers, requests per second."""

    at: Setting
    vertical_rps: float
    horizontal_rps: float

    @property
    def single_points(self) -> list[str]:
        """Boxes of the horizontal column whose loss alone would stop it as it now stands."""
        up = self.at.up
        if not self.horizontal_rps:
            return []
        alive = [(n, [box for box in stage if up[box]]) for n, stage in _horizontal(up)]
        return single_points_of_failure(alive)

    @property
    def summary(self) -> dict[str, float | int | str]:
        down = [box for box, alive in self.at.up.items() if not alive]
        return {
            "boxes_down": ", ".join(down) or "none",
            "demand_rps": self.at.demand_rps,
            "vertical_served_percent": 100 * self.vertical_rps / self.at.demand_rps,
            "horizontal_served_percent": 100 * self.horizontal_rps / self.at.demand_rps,
            "horizontal_single_points_of_failure": ", ".join(self.single_points)
            or ("none" if self.horizontal_rps else "it has stopped"),
        }

    @property
    def reading(self) -> str:
        down = [box for box, alive in self.at.up.items() if not alive]
        start = f"With {_listed(down)} down" if down else "With every box up"
        vertical, horizontal = (
            f"{significant(100 * served / self.at.demand_rps)} %"
            for served in (self.vertical_rps, self.horizontal_rps)
        )
        points = self.single_points
        if not self.horizontal_rps:
            risk = "the horizontal column has stopped"
        elif not points:
            risk = "in the horizontal column no box can stop it alone"
        else:
            # How many, and not which: that is what the page asks for.
            boxes = counted(len(points), "box", "boxes")
            each = "each " if len(points) > 1 else ""
            risk = f"in the horizontal column {boxes} can {each}still stop it alone"
        return (
            f"{start}, the vertical column serves {vertical} of the requests and the horizontal "
            f"one {horizontal}; {risk}."
        )


def _listed(names: list[str]) -> str:
    """Join names; those that are not numbered or lettered get an article."""
    return listed([name if name[-2] == " " else f"the {name}" for name in names])


# Centre of each box on a canvas of 10 by 5.6, and its size.
_BOXES = {
    "big server": (2.0, 3.05, 1.7, 1.5),
    "database A": (2.0, 0.75, 1.5, 0.75),
    "balancer": (6.9, 4.35, 1.35, 0.6),
    "balancer 2": (8.6, 4.35, 1.35, 0.6),
    "server 1": (5.6, 2.65, 1.1, 0.75),
    "server 2": (7.2, 2.65, 1.1, 0.75),
    "server 3": (8.8, 2.65, 1.1, 0.75),
    "database B": (6.9, 0.75, 1.5, 0.75),
    "replica B": (8.8, 0.75, 1.3, 0.75),
}
_SPARE = {"balancer 2": "second_balancer", "replica B": "replica"}


@style.wide
def plot(run: TwoColumns, ax: Axes) -> None:
    """Draw both columns as boxes and arrows; what is dead is crossed out."""
    up = run.at.up
    ax.set_title("Kill a box: what is still served?")
    ax.set_xlim(0, 10)
    ax.set_ylim(0.25, 6.2)
    ax.set_axis_off()
    ax.axvline(3.9, 0.02, 0.97, color=style.FAINT, linewidth=1.2)
    _crowd(ax, 2.0, "scaled up", run.vertical_rps / run.at.demand_rps)
    middle = 6.9 if "balancer 2" not in up else 7.75
    _crowd(ax, middle, "scaled out", run.horizontal_rps / run.at.demand_rps)
    for name in _BOXES:
        if name in up:
            _box(ax, name, up[name])
        else:
            _spare(ax, name)
        _click(ax, name, name in up)
    _arrow(ax, (2.0, 5.25), "big server", up["big server"])
    _arrow(ax, "big server", "database A", up["big server"] and up["database A"])
    reached = any(up.get(balancer) for balancer in ("balancer", "balancer 2"))
    for balancer in ("balancer", "balancer 2"):
        if balancer in up:
            _arrow(ax, (middle, 5.25), balancer, up[balancer])
            for server in SERVERS:
                _arrow(ax, balancer, server, up[balancer] and up[server])
    for database in ("database B", "replica B"):
        if database in up:
            for server in SERVERS:
                _arrow(ax, server, database, reached and up[server] and up[database])


def _crowd(ax: Axes, x: float, name: str, served: float) -> None:
    color = style.GREEN if served >= 0.995 else style.VERMILION
    ax.text(x, 5.85, name, ha="center", fontsize=11, color=style.INK, fontweight="bold")
    ax.text(x, 5.4, f"{percent(served)} served", ha="center", fontsize=10.5, color=color)


def _box(ax: Axes, name: str, alive: bool) -> None:
    x, y, width, height = _BOXES[name]
    ax.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle="round,pad=0.02,rounding_size=0.1",
            facecolor="#e8f1f8" if alive else "#f3f3f3",
            edgecolor=style.BLUE if alive else style.VERMILION,
            linestyle="-" if alive else (0, (3, 2)),
            linewidth=1.6,
            zorder=3,
        )
    )
    ax.text(
        x,
        y,
        name if alive else f"{name}\n✗ down",
        ha="center",
        va="center",
        fontsize=9 if alive else 8,
        color=style.INK if alive else style.VERMILION,
        zorder=4,
    )


def _spare(ax: Axes, name: str) -> None:
    """Draw where a spare box would stand."""
    x, y, width, height = _BOXES[name]
    left, right, low, high = x - width / 2, x + width / 2, y - height / 2, y + height / 2
    corners = ([left, right, right, left, left], [low, low, high, high, low])
    ax.plot(*corners, color=style.GHOST, linewidth=1, linestyle=(0, (2, 2)), zorder=3)
    ax.text(x, y, f"+ {name}", ha="center", va="center", fontsize=9, color=style.MUTED, zorder=4)


def _click(ax: Axes, name: str, is_there: bool) -> None:
    """Let a click kill the box or bring it back, and add a spare one or take it away."""
    x, y, width, height = _BOXES[name]
    control = _SPARE.get(name, name.replace(" ", "_").lower())
    label = name if is_there else f"add {name}"
    corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    clickable(ax, control, label, *corners)


def _arrow(ax: Axes, start: str | tuple[float, float], end: str, carries: bool) -> None:
    if isinstance(start, str):
        x, y, _, height = _BOXES[start]
        start = (x, y - height / 2 - 0.04)
    x, y, _, height = _BOXES[end]
    ax.add_patch(
        FancyArrowPatch(
            start,
            (x, y + height / 2 + 0.04),
            arrowstyle="-|>",
            mutation_scale=10,
            color=style.BLUE if carries else style.FAINT,
            linewidth=1.6 if carries else 1.0,
            linestyle="-" if carries else (0, (2, 2)),
            shrinkA=0,
            shrinkB=0,
            zorder=2,
        )
    )
