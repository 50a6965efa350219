"""Many real chains of stations on the loopback interface at once, each with users who think."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.foundations.servers.lateness import Lateness
from helpers.foundations.servers.loopback import Station, Users, run_apart, scaled
from helpers.foundations.traffic.streams import streams

_WARMUP_SHARE = 0.25


@dataclass(frozen=True, eq=False)
class Runs:
    """What all chains did.

    Attributes
    ----------
    demands_s : tuple of float
        Mean service time of each station, over all chains, seconds.
    thought_s : float
        Mean time a user thought, seconds; it includes the replies' way back.
    answered, responses_s : list of numpy.ndarray
        For each chain, when each request was answered, on the clock of `after` and `ended`, and
        how long it had been under way.
    after, ended : float
        From the end of the warm-up to the end, seconds.
    late_s : float
        How late timers were on average, seconds.
    """

    demands_s: tuple[float, ...]
    thought_s: float
    answered: list[np.ndarray]
    responses_s: list[np.ndarray]
    after: float
    ended: float
    late_s: float


def run_chains(
    crowds: Sequence[int], means_s: Sequence[float], think_s: float, run_s: float, seed: int
) -> Runs:
    """Run a chain for each of `crowds`, a number of users; all services and thoughts exponential.

    Parameters
    ----------
    crowds : sequence of int
        Users of each chain.
    means_s : sequence of float
        Mean service time of each station, in the order a request passes them, seconds.
    think_s : float
        Mean time a user thinks, seconds.
    run_s : float
        How long, seconds.
    seed : int
        Seed of think and service times.
    """
    stages = range(len(means_s))
    names = [f"{what} {row}" for row in range(len(crowds)) for what in ("think", *map(str, stages))]
    rng = streams(seed, *names)

    async def main() -> tuple[list[list[Station]], list[Users], float, float]:
        loop = asyncio.get_running_loop()
        chains = [
            _chain(means_s, [rng[f"{k} {row}"] for k in stages]) for row in range(len(crowds))
        ]
        users = [
            Users(count, scaled(think_s, rng[f"think {row}"].standard_exponential))
            for row, count in enumerate(crowds)
        ]
        stations = [station for chain in chains for station in reversed(chain)]
        try:
            for station in stations:
                await station.start()
            began = loop.time()
            for crowd, chain in zip(users, chains, strict=True):
                await crowd.start(chain[0])
            await asyncio.sleep(run_s)
            ended = loop.time()
        finally:
            for crowd in users:
                crowd.stop()
            for station in stations:
                station.stop()
        return chains, users, began + _WARMUP_SHARE * run_s, ended

    with Lateness() as lateness:
        chains, users, after, ended = run_apart(main, limit_s=3 * run_s + 5)
    served = [[chain[k].served() for chain in chains] for k in stages]
    return Runs(
        demands_s=tuple(
            float(np.concatenate([done - began for _, began, done in tier]).mean())
            for tier in served
        ),
        thought_s=float(np.concatenate([crowd.thought for crowd in users]).mean()),
        answered=[np.array(crowd.answered) for crowd in users],
        responses_s=[np.array(crowd.responses) for crowd in users],
        after=after,
        ended=ended,
        late_s=lateness.mean_s,
    )


def _chain(means_s: Sequence[float], rngs: Sequence[np.random.Generator]) -> list[Station]:
    """Stations of which each knows the next, the first one first."""
    chain: list[Station] = []
    for mean_s, rng in zip(reversed(means_s), reversed(rngs), strict=True):
        services = scaled(mean_s, rng.standard_exponential)
        chain.insert(0, Station(services, downstream=chain[0] if chain else None))
    return chain
