"""Vertical and horizontal side by side, with boxes that can be switched off."""

from __future__ import annotations

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.scaling.theory import single_points_of_failure

#: The stages a request passes in each column: how many of which boxes must be up.
Stages = tuple[tuple[int, tuple[str, ...]], ...]

_VERTICAL: Stages = ((1, ("big server",)), (1, ("database A",)))


class TwoColumnsResult(Result):
    """Which boxes are up, what each column can carry, and what it serves.

    Attributes
    ----------
    up : dict of str to bool
        Every box by name; spare boxes are there only if they were asked for.
    demand_rps, server_rps
        The parameters it was made with.
    vertical_rps, horizontal_rps : float
        Throughput that each column delivers, requests per second.
    """

    up: dict[str, bool]
    demand_rps: float
    server_rps: float
    vertical_rps: float
    horizontal_rps: float

    @property
    def horizontal_stages(self) -> Stages:
        """The stages of the horizontal column."""
        return _horizontal(self.up)

    @property
    def single_points(self) -> list[str]:
        """Boxes of the horizontal column whose loss alone stops it."""
        stages = self.horizontal_stages
        return single_points_of_failure([box for _, stage in stages for box in stage], stages)

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "boxes_down": ", ".join(box for box, alive in self.up.items() if not alive) or "none",
            "demand_rps": self.demand_rps,
            "vertical_served_percent": 100 * self.vertical_rps / self.demand_rps,
            "horizontal_served_percent": 100 * self.horizontal_rps / self.demand_rps,
            "horizontal_single_points_of_failure": ", ".join(self.single_points) or "none",
        }

    @property
    def reading(self) -> str:
        down = [box for box, alive in self.up.items() if not alive]
        start = f"With {_listed(down)} down" if down else "With every box up"
        vertical, horizontal = (
            f"{significant(100 * served / self.demand_rps)} %"
            for served in (self.vertical_rps, self.horizontal_rps)
        )
        points = self.single_points
        risk = (
            f"{_listed(points)} can still stop it alone" if points else "no box can stop it alone"
        )
        return (
            f"{start}, the vertical column serves {vertical} of the requests and the horizontal "
            f"one {horizontal}; in the horizontal column {risk}."
        )


def simulate_two_columns(
    *,
    demand_rps: float = 100.0,
    server_rps: float = 50.0,
    big_server: bool = True,
    database_a: bool = True,
    server_1: bool = True,
    server_2: bool = True,
    server_3: bool = True,
    balancer: bool = True,
    database_b: bool = True,
    second_balancer: bool = False,
    replica: bool = False,
) -> TwoColumnsResult:
    """Send requests down two columns of boxes, some of which may be dead.

    Parameters
    ----------
    demand_rps : float
        Requests that arrive at each column, per second; > 0.
    server_rps : float
        Capacity of a small server, requests per second; > 0. The big one has three times as much.
    big_server, database_a : bool
        Whether the boxes of the vertical column are up.
    server_1, server_2, server_3, balancer, database_b : bool
        Whether the boxes of the horizontal column are up.
    second_balancer, replica : bool
        Whether the horizontal column has a second balancer, and a replica that takes over.

    Returns
    -------
    TwoColumnsResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Requests beyond the capacity are lost rather than queued; databases and balancers are never
    the limit.
    """
    demand_rps = validation.number("demand_rps", demand_rps, above=0, unit="requests/s")
    server_rps = validation.number("server_rps", server_rps, above=0, unit="requests/s")
    up = {
        "big server": big_server,
        "database A": database_a,
        "server 1": server_1,
        "server 2": server_2,
        "server 3": server_3,
        "balancer": balancer,
        "database B": database_b,
    }
    for box, alive in up.items():
        _boolean(box.replace(" ", "_").lower(), alive)
    if _boolean("second_balancer", second_balancer):
        up["balancer 2"] = True
    if _boolean("replica", replica):
        up["replica B"] = True
    small = sum(up[f"server {i}"] for i in (1, 2, 3)) * server_rps
    return TwoColumnsResult(
        up=up,
        demand_rps=demand_rps,
        server_rps=server_rps,
        vertical_rps=min(demand_rps, 3 * server_rps) if _passes(_VERTICAL, up) else 0.0,
        horizontal_rps=min(demand_rps, small) if _passes(_horizontal(up), up) else 0.0,
    )


def _horizontal(up: dict[str, bool]) -> Stages:
    balancers = tuple(box for box in ("balancer", "balancer 2") if box in up)
    databases = tuple(box for box in ("database B", "replica B") if box in up)
    return ((1, balancers), (1, ("server 1", "server 2", "server 3")), (1, databases))


def _passes(stages: Stages, up: dict[str, bool]) -> bool:
    return all(sum(up[box] for box in stage) >= needed for needed, stage in stages)


def _boolean(name: str, value: bool) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return value


def _listed(names: list[str]) -> str:
    """Join names with commas and "and"; those that are not numbered or lettered get an article."""
    shown = [name if name[-2] == " " else f"the {name}" for name in names]
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + f" and {shown[-1]}"
