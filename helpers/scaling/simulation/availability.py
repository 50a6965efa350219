"""Years of failures and repairs, to see which boxes the downtime comes from."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.foundations.traffic.streams import streams
from helpers.scaling.theory import component_availability, unavailability

if TYPE_CHECKING:
    import pandas as pd

#: What the downtime is counted for, in the order of every array here.
ROWS = (
    "vertical: big server",
    "vertical: database",
    "vertical: whole",
    "horizontal: balancers",
    "horizontal: servers",
    "horizontal: databases",
    "horizontal: whole",
)

_HOURS_A_YEAR = 8_766.0
_CYCLES = 300
_REPLICATIONS = 20
_MOST_SERVERS = 7
_BOXES = 2 + 2 + 2 + _MOST_SERVERS  # the vertical column, balancers, databases, servers


class AvailabilityResult(Result):
    """Downtime of each stage of two designs, simulated and by theory.

    Attributes
    ----------
    mtbf_days, mttr_h, needed, spare, second_balancer, replica
        The parameters it was made with.
    downtime_h : Intervals
        Simulated downtime, hours a year; shape (7,), in the order of `ROWS`.
    theory_h : numpy.ndarray, shape (7,)
        By series and parallel formula, hours a year.
    box : float
        Availability of a single box.
    """

    mtbf_days: float
    mttr_h: float
    needed: int
    spare: int
    second_balancer: bool
    replica: bool
    downtime_h: Intervals
    theory_h: np.ndarray
    box: float

    @property
    def vertical(self) -> float:
        """Availability of the vertical design, by theory."""
        return 1 - float(self.theory_h[2]) / _HOURS_A_YEAR

    @property
    def horizontal(self) -> float:
        """Availability of the horizontal design, by theory."""
        return 1 - float(self.theory_h[6]) / _HOURS_A_YEAR

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "box_availability_percent": float(f"{100 * self.box:.4f}"),
            "vertical_downtime_h_per_year": float(self.downtime_h.estimate[2]),
            "vertical_theory_h_per_year": float(self.theory_h[2]),
            "horizontal_downtime_h_per_year": float(self.downtime_h.estimate[6]),
            "horizontal_low_h_per_year": float(self.downtime_h.low[6]),
            "horizontal_high_h_per_year": float(self.downtime_h.high[6]),
            "horizontal_theory_h_per_year": float(self.theory_h[6]),
        }

    @property
    def reading(self) -> str:
        stages = {"balancer": 3, "server": 4, "database": 5}
        worst = max(stages, key=lambda name: self.theory_h[stages[name]])
        ratio = self.theory_h[2] / self.theory_h[6]
        if abs(ratio - 1) < 0.01:
            compared = "as good as no difference"
        elif ratio > 1:
            compared = f"{significant(ratio)} times less"
        else:
            compared = f"{significant(1 / ratio)} times more"
        return (
            f"Theory expects {duration(3600 * self.theory_h[2])} of downtime a year from the "
            f"vertical design and {duration(3600 * self.theory_h[6])} from the horizontal one "
            f"with {self.needed + self.spare} servers ({compared}); the simulated years gave "
            f"{duration(3600 * float(self.downtime_h.estimate[2]))} and "
            f"{duration(3600 * float(self.downtime_h.estimate[6]))}, and the {worst} stage is the "
            f"horizontal design's largest share."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "stage": ROWS,
                "downtime (h/year)": self.downtime_h.estimate,
                "from": self.downtime_h.low,
                "to": self.downtime_h.high,
                "theory (h/year)": self.theory_h,
            }
        ).set_index("stage")


def simulate_availability(
    *,
    mtbf_days: float = 30.0,
    mttr_h: float = 4.0,
    needed: int = 1,
    spare: int = 2,
    second_balancer: bool = False,
    replica: bool = False,
    seed: int = 1,
) -> AvailabilityResult:
    """Let every box of two designs fail and be repaired for many years.

    Parameters
    ----------
    mtbf_days : float
        Mean time that a box runs before it fails, days, exponential; > 0.
    mttr_h : float
        Mean time to repair it, hours, exponential; > 0.
    needed : int
        Servers that the horizontal design needs to carry the load; 1 <= needed <= 4.
    spare : int
        Servers it has beyond that; 0 <= spare <= 3.
    second_balancer, replica : bool
        Whether it has a second balancer and a second copy of the database, which take over at once
        and without fail.
    seed : int
        Seed of failures and repairs; >= 0.

    Returns
    -------
    AvailabilityResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Boxes fail and are repaired independently of one another, each through 300 cycles, in 20
    independent histories.
    """
    mtbf_days = validation.number("mtbf_days", mtbf_days, above=0, unit="days")
    mttr_h = validation.number("mttr_h", mttr_h, above=0, unit="h")
    needed = validation.integer("needed", needed, at_least=1, at_most=4)
    spare = validation.integer("spare", spare, at_least=0, at_most=3)
    for name, value in (("second_balancer", second_balancer), ("replica", replica)):
        if not isinstance(value, bool):
            raise TypeError(f"{name} must be True or False, got {value!r}")
    seed = validation.integer("seed", seed, at_least=0)
    servers = needed + spare
    balancers, databases = 1 + second_balancer, 1 + replica
    boxes = np.array(
        [0, 1, *range(2, 2 + balancers), *range(4, 4 + databases), *range(6, 6 + servers)]
    )
    stage = np.array([0, 1, *[2] * balancers, *[4] * databases, *[3] * servers])
    need = np.array([1, 1, 1, needed, 1])
    down = _down_shares(mtbf_days * 24, mttr_h, boxes, stage, need, seed) * _HOURS_A_YEAR
    box = component_availability(mtbf_days * 24, mttr_h)
    vertical = [1 - box, 1 - box]
    horizontal = [
        unavailability(box, 1, balancers),
        unavailability(box, needed, servers),
        unavailability(box, 1, databases),
    ]
    expected = np.array([*vertical, _in_series(vertical), *horizontal, _in_series(horizontal)])
    return AvailabilityResult(
        mtbf_days=mtbf_days,
        mttr_h=mttr_h,
        needed=needed,
        spare=spare,
        second_balancer=second_balancer,
        replica=replica,
        downtime_h=mean_intervals(down),
        theory_h=expected * _HOURS_A_YEAR,
        box=box,
    )


def _in_series(down: list[float]) -> float:
    """Unavailability of parts that must all be up, accurate however small it is."""
    return -math.expm1(sum(math.log1p(-share) for share in down))


def _down_shares(
    mtbf_h: float,
    mttr_h: float,
    boxes: np.ndarray,
    stage: np.ndarray,
    need: np.ndarray,
    seed: int,
) -> np.ndarray:
    """Share of the time that each of `ROWS` is down in each history, shape (20, 7)."""
    up_times, down_times = _draws(seed)
    failing = np.cumsum(
        up_times[:, boxes] * mtbf_h
        + np.concatenate(
            [np.zeros((_REPLICATIONS, boxes.size, 1)), down_times[:, boxes, :-1] * mttr_h], axis=2
        ),
        axis=2,
    )
    repaired = failing + down_times[:, boxes] * mttr_h
    # All boxes of a history are watched only as long as every one of them is simulated.
    horizon = repaired[:, :, -1].min(axis=1)
    events = _CYCLES * boxes.size
    times = np.concatenate(
        [failing.reshape(_REPLICATIONS, events), repaired.reshape(_REPLICATIONS, events)], axis=1
    )
    order = times.argsort(axis=1)
    times = np.minimum(np.take_along_axis(times, order, axis=1), horizon[:, np.newaxis])
    lengths = np.diff(times, axis=1)
    shares = np.empty((_REPLICATIONS, len(ROWS)))
    broken = []
    box_of = np.repeat(np.arange(boxes.size), _CYCLES)
    for k, least in enumerate(need):
        mine = stage[box_of] == k
        change = np.concatenate([np.where(mine, -1, 0), np.where(mine, 1, 0)])
        working = (stage == k).sum() + np.cumsum(change[order], axis=1)[:, :-1]
        broken.append(working < least)
    vertical, horizontal = broken[:2], broken[2:]
    rows = [*vertical, np.logical_or.reduce(vertical)]
    rows += [*horizontal, np.logical_or.reduce(horizontal)]
    for i, mask in enumerate(rows):
        shares[:, i] = (lengths * mask).sum(axis=1) / horizon
    return shares


@lru_cache(maxsize=4)
def _draws(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit times to failure and to repair, each of shape (20, boxes, 300)."""
    rng = streams(seed, "failures", "repairs")
    draws = (
        rng["failures"].standard_exponential((_REPLICATIONS, _BOXES, _CYCLES)),
        rng["repairs"].standard_exponential((_REPLICATIONS, _BOXES, _CYCLES)),
    )
    for draw in draws:
        draw.setflags(write=False)
    return draws
