"""Writers who wait for their own writes, on a few files that each take one write at a time."""

from __future__ import annotations

from heapq import heappop, heappush

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant
from helpers.foundations.queueing import mva
from helpers.sharding.simulation.traffic import unit_draws

#: Ways of dealing writes out to files.
WRITER_DESIGNS = ("range", "hash", "by feature")

_WRITERS = np.array([1, 2, 4, 8, 16])
_CURVE = 20
_WRITES = 2_500


class ShardWritersResult(Result):
    """Writes per second by the number of concurrent writers.

    Attributes
    ----------
    design : str
        One of ``WRITER_DESIGNS``.
    shares : numpy.ndarray, shape (files,)
        Fraction of the writes that each file gets.
    service_ms : float
        Mean time for which a write holds its file.
    writers : numpy.ndarray of int, shape (m,)
        Numbers of writers simulated.
    throughput_rps : numpy.ndarray, shape (m,)
        Writes per second, simulated.
    curve_writers : numpy.ndarray of int, shape (k,)
        1, 2, ..., k.
    theory_rps : numpy.ndarray, shape (k,)
        Writes per second by mean value analysis.
    ceiling_rps : float
        What no number of writers exceeds: the busiest file never idle.
    """

    design: str
    shares: np.ndarray
    service_ms: float
    writers: np.ndarray
    throughput_rps: np.ndarray
    curve_writers: np.ndarray
    theory_rps: np.ndarray
    ceiling_rps: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "one_writer_rps": float(self.throughput_rps[0]),
            "most_writers_rps": float(self.throughput_rps[-1]),
            "most_writers_theory_rps": float(self.theory_rps[self.writers[-1] - 1]),
            "ceiling_rps": self.ceiling_rps,
        }

    @property
    def reading(self) -> str:
        gain = self.throughput_rps[-1] / self.throughput_rps[0]
        compared = "no more than" if gain < 1.05 else f"{significant(gain)} times what"
        return (
            f"{self.writers[-1]} writers get {significant(self.throughput_rps[-1])} writes per "
            f"second done, {compared} one writer does; the busiest of "
            f"{len(self.shares)} files, with {significant(100 * self.shares.max())} % of the "
            f"writes, ends it at {significant(self.ceiling_rps)}."
        )

    def table(self):
        import pandas as pd

        return pd.DataFrame(
            {
                "writers": self.writers,
                "writes_rps": self.throughput_rps,
                "theory_rps": self.theory_rps[self.writers - 1],
            }
        ).set_index("writers")


def writer_shares(design: str, files: int, largest_share: float) -> np.ndarray:
    """Return the fraction of writes that each file gets, shape (files,).

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    validation.one_of("design", design, WRITER_DESIGNS)
    files = validation.integer("files", files, at_least=2, at_most=16)
    largest = validation.number("largest_share", largest_share, at_least=1 / files, below=1)
    if design == "range":
        return np.eye(files)[-1]
    if design == "hash":
        return np.full(files, 1 / files)
    return np.concatenate(([largest], np.full(files - 1, (1 - largest) / (files - 1))))


def simulate_shard_writers(
    *,
    design: str,
    files: int = 4,
    largest_share: float = 0.5,
    service_ms: float = 3.0,
    seed: int = 1,
) -> ShardWritersResult:
    """Let 1 to 16 writers insert one row after the other into files that lock while written.

    Parameters
    ----------
    design : {"range", "hash", "by feature"}
        ``"range"``: ids grow, so every insert goes to the last file. ``"hash"``: each file gets
        the same. ``"by feature"``: the first file gets `largest_share`, the others share the rest.
    files : int
        Number of files; 2 to 16.
    largest_share : float
        Share of the largest feature; at least ``1 / files`` and < 1. Only ``"by feature"`` takes
        notice of it.
    service_ms : float
        Mean time for which a write holds its file (exponential), milliseconds; > 0.
    seed : int
        Seed of the writes.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    shares = writer_shares(design, files, largest_share)
    service_ms = validation.number("service_ms", service_ms, above=0, unit="ms")
    cumulative = np.cumsum(shares)
    cumulative[-1] = 1.0
    file = np.searchsorted(
        cumulative, unit_draws(seed, "files", "uniform", _WRITES), side="right"
    ).tolist()
    services = (unit_draws(seed, "services", "exponential", _WRITES) * service_ms / 1e3).tolist()
    demands = shares * service_ms / 1e3
    return ShardWritersResult(
        design=design,
        shares=shares,
        service_ms=service_ms,
        writers=_WRITERS,
        throughput_rps=np.array([_throughput(int(w), files, file, services) for w in _WRITERS]),
        curve_writers=np.arange(1, _CURVE + 1),
        theory_rps=mva(demands, _CURVE).throughput_rps,
        ceiling_rps=1 / float(demands.max()),
    )


def _throughput(writers: int, files: int, file: list[int], services: list[float]) -> float:
    """Return the writes per second of a closed loop, the first tenth of the run left out."""
    free = [0.0] * files
    back = [(0.0, writer) for writer in range(writers)]  # when each writer asks again: a heap
    finished = []
    for where, service in zip(file, services, strict=True):
        asked, writer = heappop(back)
        start = free[where] if free[where] > asked else asked
        free[where] = start + service
        finished.append(free[where])
        heappush(back, (free[where], writer))
    finished.sort()
    warm = len(finished) // 10
    # The last writes run with fewer and fewer others beside them, so they are left out too.
    last = len(finished) - writers - 1
    return (last - warm) / (finished[last] - finished[warm])
