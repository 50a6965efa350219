"""Designs drawn by chance: what luck comes to."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any

import numpy as np

from helpers.blueprint import AppServers, Design, HealthCheck
from helpers.blueprint.components import Path
from helpers.foundations.traffic.streams import streams
from helpers.studio.deck import Brief

_one_at_a_time = threading.Lock()  # cells run in one thread, sliders move in another

_ROOM = (None, None, 8, 30, 60)
_PATIENCE = (None, None, 0.2, 0.5, 2.0)


def random_design(brief: Brief, rng: np.random.Generator) -> Design:
    """Draw a design for a brief: what there is, how many, how wired, how patient.

    Parameters
    ----------
    brief : Brief
    rng : numpy.random.Generator

    Returns
    -------
    Design
        One to which the brief has no objections.
    """

    def pick(options: tuple[float | int | None, ...]) -> float | int | None:
        return options[int(rng.integers(len(options)))]

    def patient() -> dict[str, Any]:
        return {"timeout_s": pick(_PATIENCE), "retries": int(rng.integers(0, 4))}

    servers = int(rng.integers(1, 9))
    app = brief.app(count=servers, queue_capacity=pick(_ROOM), **patient())
    db = brief.db(replicas=int(rng.integers(0, 4)))
    front: Path = Path((brief.clients(**patient()),))
    if brief.cdn_hits and rng.random() < 0.5:
        front = front >> brief.cdn()
    looks = HealthCheck(interval_s=1.0, threshold=2) if rng.random() < 0.5 else None
    count = int(rng.integers(1, 3))
    front = front >> brief.balancer(count=count, health_check=looks, **patient()) >> app
    team = brief.workers(count=int(rng.integers(1, 17)))
    queue = brief.queue(durable=bool(rng.random() < 0.5))
    if brief.later:
        way = front >> queue >> team >> db if rng.random() < 0.5 else front >> db
        return Design("by chance", way)
    paths = _stores(brief, front, app, rng, front >> db)
    if brief.jobs:
        paths.append(app >> queue >> team if rng.random() < 0.5 else app >> team)
    return Design("by chance", *paths)


def _stores(
    brief: Brief, front: Path, app: AppServers, rng: np.random.Generator, direct: Path
) -> list[Path]:
    """Return the ways to the database: without a cache, through one, beside one."""
    where = int(rng.integers(3)) if brief.cache_hits else 0
    if where == 0:
        return [direct]
    db, cache = direct.components[-1], brief.cache()
    return [front >> cache >> db] if where == 1 else [front >> cache, app >> db]


def random_designs(brief: Brief, number: int, seed: int) -> list[Design]:
    """Draw several, one after the other from one stream; what was drawn once is known."""
    with _one_at_a_time:
        drawn, rng = _drawn(brief, seed)
        while len(drawn) < number:
            drawn.append(random_design(brief, rng))
        return drawn[:number]


@lru_cache(maxsize=16)
def _drawn(brief: Brief, seed: int) -> tuple[list[Design], np.random.Generator]:
    """What a stream has come to so far, and where it goes on."""
    return [], streams(seed, "designs")["designs"]
