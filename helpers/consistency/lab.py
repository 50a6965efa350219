"""Each learner's own numbers for the chapter's lab, and likes that their own merge has to count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from helpers.consistency.converging import Setting
from helpers.foundations import students
from helpers.foundations.experiment import Draws


@dataclass(frozen=True)
class LabParameters:
    """One learner's service.

    Attributes
    ----------
    student_id : str
        Whose.
    down : float
        Share of the time that one replica is down.
    reads_up, writes_up : float
        Shares of the reads and of the writes that must find enough replicas.
    read_ms : float
        How long a read takes.
    pause_ms : float
        How long after one read the next one begins.
    lost, repeated : float
        Shares of the messages between replicas that are lost, and that come twice.
    """

    student_id: str
    down: float
    reads_up: float
    writes_up: float
    read_ms: float
    pause_ms: float
    lost: float
    repeated: float


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
    name, rng = students.stream(student_id, students.hashed("lab07"))
    return LabParameters(
        student_id=name,
        down=float(rng.integers(5, 61)) / 1_000,
        reads_up=float(rng.choice([0.999, 0.9995, 0.9999])),
        writes_up=float(rng.choice([0.99, 0.995, 0.999])),
        read_ms=float(rng.integers(5, 41)),
        pause_ms=float(rng.integers(1, 91)),
        lost=float(rng.integers(1, 9)) / 20,
        repeated=float(rng.integers(1, 9)) / 20,
    )


def clicks(
    at: Setting,
    draw: Draws,
    merge: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]],
    value: Callable[[dict[str, Any]], float],
) -> dict[str, float]:
    """Let people like and unlike at replicas that send what they know, and merge it as told.

    Parameters
    ----------
    at : Setting
        Replicas, people and the network, as in the chapter.
    draw : Draws
    merge : callable
        ``merge(mine, theirs)``, of two states from a replica's name to ``(up, down)``.
    value : callable
        ``value(state)``, the likes that a state stands for.

    Returns
    -------
    dict
        What each replica shows when all has arrived, by its name in the picture.
    """
    luck, people = draw("clicks"), draw("unlikes")
    knows: dict[str, dict[str, Any]] = {name: {} for name in at.names}
    under_way: list[tuple[str, dict[str, Any]]] = []
    likes = 0
    for _ in range(at.clicks):
        here = at.names[int(luck.integers(at.replicas))]
        up, down = knows[here].get(here, (0, 0))
        back = people.random() < at.unlikes and likes > 0
        likes += -1 if back else 1
        knows[here] = {**knows[here], here: (up + (not back), down + back)}
        for there in at.names:
            if there != here and luck.random() >= at.lost:
                times = 2 if luck.random() < at.repeated else 1
                under_way += times * [(there, knows[here])]
        while under_way and luck.random() < 0.7:
            there, what = under_way.pop(int(luck.integers(len(under_way))))
            knows[there] = merge(knows[there], what)
    under_way += [(to, knows[who]) for who in at.names for to in at.names if to != who]
    for i in luck.permutation(len(under_way)):
        there, what = under_way[i]
        knows[there] = merge(knows[there], what)
    return {f"replica {name}": float(value(knows[name])) for name in at.names}
