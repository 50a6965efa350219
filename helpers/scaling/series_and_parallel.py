"""What a system of boxes can lose: availability in series, in parallel, and by trying every state.

Parts in series multiply their availabilities, parts in parallel their unavailabilities, if
failures are independent and switching over is instant and never fails. Trivedi, *Probability and
Statistics with Reliability, Queuing, and Computer Science Applications*, 2nd ed. 2001, chapters 1
and 6.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

from helpers.foundations import validation

#: The stages that a request passes: how many of which boxes must be up.
Stages = Sequence[tuple[int, Sequence[str]]]


def box(mtbf_h: float, mttr_h: float) -> float:
    """Long-run share of the time that one box is up.

    ``MTBF / (MTBF + MTTR)``, whatever the distributions.

    Parameters
    ----------
    mtbf_h : float
        Mean time that it runs before it fails, hours; > 0.
    mttr_h : float
        Mean time to repair, hours; >= 0.
    """
    up = validation.number("mtbf_h", mtbf_h, above=0, unit="h")
    down = validation.number("mttr_h", mttr_h, at_least=0, unit="h")
    return up / (up + down)


def k_of_n(available: float, needed: int, total: int) -> float:
    """Probability that at least `needed` of `total` independent boxes are up.

    Parameters
    ----------
    available : float
        Availability of each; 0 <= available <= 1.
    needed, total : int
        1 <= needed <= total.
    """
    share, needed, total = _checked(available, needed, total)
    return sum(_exactly(up, share, total) for up in range(needed, total + 1))


def unavailability(available: float, needed: int, total: int) -> float:
    """Probability that fewer than `needed` of `total` independent boxes are up.

    One minus :func:`k_of_n`, but exact where that would round to 0.
    """
    share, needed, total = _checked(available, needed, total)
    return sum(_exactly(up, share, total) for up in range(needed))


def stops(available: float, needed: int, total: int, mtbf_h: float) -> float:
    """How often a stage that needs so many of its boxes goes down, per hour.

    It does when exactly as many are up as it needs, and one of these fails.

    Parameters
    ----------
    available : float
        Availability of each box; 0 <= available <= 1.
    needed, total : int
        1 <= needed <= total.
    mtbf_h : float
        Mean time that a box runs before it fails, hours; > 0.
    """
    share, needed, total = _checked(available, needed, total)
    runs_h = validation.number("mtbf_h", mtbf_h, above=0, unit="h")
    return needed * _exactly(needed, share, total) / runs_h


def _checked(available: float, needed: int, total: int) -> tuple[float, int, int]:
    share = validation.number("available", available, at_least=0, at_most=1)
    total = validation.integer("total", total, at_least=1)
    return share, validation.integer("needed", needed, at_least=1, at_most=total), total


def _exactly(up: int, share: float, total: int) -> float:
    return math.comb(total, up) * share**up * (1 - share) ** (total - up)


def in_series(down: Sequence[float]) -> float:
    """Unavailability of parts that must all be up, accurate however small it is."""
    return -math.expm1(sum(math.log1p(-share) for share in down))


def design(
    available: float, *, servers: int, needed: int = 1, balancers: int = 1, databases: int = 1
) -> float:
    """Availability of a row of servers behind balancers and in front of databases.

    Parameters
    ----------
    available : float
        Availability of every box; 0 <= available <= 1.
    servers, needed : int
        Servers, and how many of them it takes to carry the load; 1 <= needed <= servers.
    balancers : int
        Interchangeable balancers; >= 0. None are needed in front of a single server.
    databases : int
        Interchangeable copies of the database; >= 1.
    """
    entrance = k_of_n(available, 1, balancers) if balancers else 1.0
    return entrance * k_of_n(available, needed, servers) * k_of_n(available, 1, databases)


def all_states(available: Mapping[str, float], stages: Stages) -> float:
    """Availability by trying every combination of boxes up and down.

    Parameters
    ----------
    available : mapping of str to float
        Availability of each box, 0 to 1; at most 16 boxes.
    stages : sequence of (int, sequence of str)
        How many of which boxes must be up.

    Returns
    -------
    float
        Total probability of the states in which every stage is up.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range, or a stage names an unknown box.
    """
    names = list(available)
    validation.integer("number of boxes", len(names), at_least=1, at_most=16)
    chances = [
        validation.number(f"available[{name!r}]", available[name], at_least=0, at_most=1)
        for name in names
    ]
    for needed, stage in stages:
        unknown = [name for name in stage if name not in available]
        if unknown:
            raise ValueError(f"stages must name known boxes {names}, got {unknown[0]!r}")
        validation.integer("needed", needed, at_least=0, at_most=len(stage))
    total = 0.0
    for state in itertools.product((True, False), repeat=len(names)):
        if is_served(dict(zip(names, state, strict=True)), stages):
            total += math.prod(
                chance if alive else 1 - chance
                for alive, chance in zip(state, chances, strict=True)
            )
    return total


def is_served(up: Mapping[str, bool], stages: Stages) -> bool:
    """Whether every stage has as many boxes up as it needs."""
    return all(sum(up[name] for name in stage) >= needed for needed, stage in stages)


def single_points_of_failure(stages: Stages) -> list[str]:
    """Boxes whose loss alone stops the service, in the order in which a request meets them."""
    return [name for needed, stage in stages for name in stage if len(stage) - 1 < needed]
