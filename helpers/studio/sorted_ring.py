"""`hash % n` on a sorted list of servers, sold as a ring, and a placement that keeps its word.

Keys are placed on servers, and servers join. The suspect takes the servers in order, as around a
ring, and lets the hash say which; the repair lets each server draw a number for each key, and the
highest wins. Where that stops being true: `hash % n` is quick and even, and a fine rule where the
number of servers never changes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import here, shares_axis, yours
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    seed,
    takes,
)
from helpers.foundations.prose import counted, percent, rounded
from helpers.foundations.suspects import Suspect
from helpers.studio.beside import both, who

#: Keys that are placed.
KEYS = 2_000
#: Numbers of servers at which both are tried.
FLEETS = (2, 3, 4, 6, 8, 12, 16, 24, 32)


class Setting(Parameters):
    """Servers that hold keys, and servers that join them."""

    servers: int = integer(8, "Servers", at_least=1, at_most=32)
    joining: int = integer(1, "Servers that join", at_least=1, at_most=8)
    seed: int = seed()


# --- the suspect, and its repair ------------------------------------------------------------------


def walk_the_ring(at, draw):
    """Stand the servers in order around a ring; a key's hash says how far to walk."""
    hashes = draw("hashes").integers(2**62, size=KEYS)

    def owners(servers):
        ring = np.arange(servers)
        return ring[hashes % len(ring)]

    return placed(at, owners(at.servers), owners(at.servers + at.joining))


def highest_draw(at, draw):
    """Let each server draw a number for each key; the key belongs to the highest."""
    draws = draw("draws").random((KEYS, at.servers + at.joining))
    return placed(at, draws[:, : at.servers].argmax(axis=1), draws.argmax(axis=1))


def placed(at, before, after):
    """Say where each key was, where it is now, and how many there are; joiners come last."""
    return {"before": before, "after": after, "servers": at.servers, "joining": at.joining,
            "moved": float((before != after).mean())}  # fmt: skip


SUSPECT = Suspect(
    walk_the_ring,
    highest_draw,
    tuple(
        Setting(servers=servers, joining=joining)
        for servers, joining in ((1, 8), (4, 4), (5, 1), (3, 2))
    ),
)


@takes(Setting)
def simulate(at: Setting) -> Moved:
    """Place the keys before and after servers have joined, by both rules."""
    pair = _pair(at)
    sweep = _sweep(at.joining, at.seed)
    return Moved(at, sweep[:, 0], sweep[:, 1], float(pair[0]), float(pair[1]), int(pair[2]))


@lru_cache(maxsize=64)
def _sweep(joining: int, seed_: int) -> np.ndarray:
    return np.array([_pair(Setting(servers=n, joining=joining, seed=seed_)) for n in FLEETS])


def _pair(at: Setting) -> tuple[float, float, int]:
    """Shares of the keys that move, and how many the suspect moves between old servers."""
    runs = [model(at, Draws(at.seed)) for model in (walk_the_ring, highest_draw)]
    claimed = runs[0]
    astray = (claimed["before"] != claimed["after"]) & (claimed["after"] < at.servers)
    return runs[0]["moved"], runs[1]["moved"], int(astray.sum())


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Shares of the keys that move: by `hash % n`, and as few as there can be."""

    modulo: float
    least: float


def theory(at: Setting, servers: int | None = None) -> Theory:
    """Residues that agree before and after; and what the joiners must get to have their share.

    Of lcm(n, m) hashes, n have the same residue by n and by a larger m. That nothing may move but
    to a joiner is the *monotonicity* of Karger and others, "Consistent hashing and random trees",
    STOC 1997; highest draws are Thaler and Ravishankar's, "Using name-based mappings to increase
    hit rates", *IEEE/ACM Transactions on Networking* 6, 1998.
    """
    n = at.servers if servers is None else servers
    m = n + at.joining
    return Theory(1 - n / math.lcm(n, m), at.joining / m)


# --- what it says ---------------------------------------------------------------------------------


class Moved(Result):
    """Shares of the keys that move when servers join.

    Attributes
    ----------
    claimed, honest : numpy.ndarray, shape (fleets,)
        At each of :data:`FLEETS`.
    claimed_here, honest_here : float
        At the chosen number of servers.
    astray : int
        Keys that the suspect moves from one old server to another.
    """

    at: Setting
    claimed: np.ndarray
    honest: np.ndarray
    claimed_here: float
    honest_here: float
    astray: int

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "suspect_moves_percent": rounded(100 * self.claimed_here),
            "modulo_theory_percent": rounded(100 * exact.modulo),
            "repaired_moves_percent": rounded(100 * self.honest_here),
            "least_percent": rounded(100 * exact.least),
            "between_old_servers": self.astray,
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        verb = "joins" if at.joining == 1 else "join"
        astray = (
            f"{counted(self.astray, 'key')} of {KEYS:,} between servers that were there before"
            if self.astray
            else "none between servers that were there before"
        )
        return (
            f"{counted(at.joining, 'server')} {verb} {at.servers}. The suspect moves "
            f"{percent(self.claimed_here)} of the keys, {astray}; the repair "
            f"{percent(self.honest_here)}. The joining must get {percent(exact.least)}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = [theory(self.at, n) for n in FLEETS]
        return {
            "servers": FLEETS,
            "suspect moves": self.claimed,
            "modulo in theory": [one.modulo for one in exact],
            "repaired moves": self.honest,
            "least": [one.least for one in exact],
        }


def plot(run: Moved, ax: Axes, mine: Mine | None = None) -> None:
    """Draw the share of the keys that move against the number of servers."""
    exact = [theory(run.at, n) for n in range(1, 33)]
    both(ax, FLEETS, run.claimed, run.honest)
    ax.plot(range(1, 33), [one.least for one in exact], **style.THEORY)
    ax.plot(range(1, 33), [one.modulo for one in exact], **style.THEORY)
    here(ax, run.at.servers)
    ax.set(xlim=(0, 33), ylim=(0, 1.3))
    shares_axis(ax, 4)
    ax.set_title("Keys that move when servers join")
    ax.set_xlabel("servers before")
    ax.set_ylabel("share of the keys")
    who(ax, "theory: hash % n, and the least there can be")
    if mine is not None:
        yours(ax, run.at.servers, mine["moved"])
