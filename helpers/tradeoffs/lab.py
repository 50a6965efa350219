"""Each learner's own numbers for the chapter's lab, and what each R and W comes to."""

from __future__ import annotations

from dataclasses import dataclass

from helpers.blueprint.availability import binomial_at_least
from helpers.foundations import students
from helpers.tradeoffs import quorum
from helpers.tradeoffs.contexts import WAYS


@dataclass(frozen=True)
class LabParameters:
    """One learner's service.

    Attributes
    ----------
    student_id : str
        Whose.
    down : float
        Share of the time that one copy is down.
    beta : float
        Part of that which all copies have in common.
    allowed : float
        Share of the time that all may be down.
    reads : float
        Share of the operations that read.
    stale_usd, refused_usd, wait_usd : float
        What a stale read, a refusal and a millisecond of waiting cost, US$.
    fit : str
        Whose delays the replicas have.
    """

    student_id: str
    down: float
    beta: float
    allowed: float
    reads: float
    stale_usd: float
    refused_usd: float
    wait_usd: float
    fit: str


def lab_parameters(student_id: str) -> LabParameters:
    """Return the numbers that belong to a student id; the same id always has the same ones.

    Parameters
    ----------
    student_id : str
        Any text but the empty one; spaces around it and upper case make no difference.

    Raises
    ------
    TypeError
        If it is not text.
    ValueError
        If it is empty.
    """
    name, rng = students.stream(student_id, students.hashed("lab03"))
    down = float(rng.integers(5, 41)) / 1_000
    beta = float(rng.integers(1, 9)) / 100
    return LabParameters(
        student_id=name,
        down=down,
        beta=beta,
        allowed=float(f"{beta * down * float(rng.uniform(1.05, 1.6)):.3g}"),
        reads=float(rng.integers(6, 19)) / 20,
        stale_usd=float(f"{10 ** float(rng.uniform(-4, 0)):.2g}"),
        refused_usd=float(f"{10 ** float(rng.uniform(-3, 0)):.2g}"),
        wait_usd=float(f"{10 ** float(rng.uniform(-5, -3)):.2g}"),
        fit=str(rng.choice(["LNKD-DISK", "YMMR", "WAN"])),
    )


def outcomes(mine: LabParameters) -> dict[tuple[int, int], dict[str, float]]:
    """Return what each R and W of three replicas comes to.

    Parameters
    ----------
    mine : LabParameters

    Returns
    -------
    dict
        From ``(r, w)`` to ``read_ms`` and ``write_ms``, mean latencies; ``stale``, the share of
        reads that are stale right after a write; ``refused_reads`` and ``refused_writes``, the
        shares that find too few replicas up.
    """
    short = {k: 1 - binomial_at_least(k, 3, 1 - mine.down) for k in (1, 2, 3)}
    found = {}
    for r, w in WAYS:
        run = quorum.simulate(fit=mine.fit, read_quorum=r, write_quorum=w, after_ms=0.0)
        found[r, w] = {
            "read_ms": run.mean_ms[0],
            "write_ms": run.mean_ms[1],
            "stale": run.stale_at_once.estimate,
            "refused_reads": short[r],
            "refused_writes": short[w],
        }
    return found
