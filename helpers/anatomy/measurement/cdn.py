"""Two real servers, an edge and an origin, with the round trips of a distance injected."""

from __future__ import annotations

import asyncio

import numpy as np

from helpers.anatomy.theory import ROUND_TRIP_S_PER_KM, ROUND_TRIPS
from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.servers.lateness import Lateness, no_verdict
from helpers.foundations.servers.loopback import run_apart
from helpers.foundations.statistics import Interval, mean_interval
from helpers.foundations.traffic.streams import streams

#: How late a reply may be before the verdict calls it a disagreement: timers and a busy machine.
LATE_S, LATE_SHARE = 0.004, 0.1

KINDS = ("hit", "miss", "direct")


class MeasuredCdn(Result):
    """Times to first byte measured through an edge server and directly.

    Attributes
    ----------
    distance_km, hit_ratio
        The parameters it was made with.
    hits : float
        Fraction of the requests that the edge really answered.
    means : dict of str to Interval
        Mean time to first byte, seconds, of hits, misses and direct requests.
    theory_s : dict of str to float
        What the round trips add up to.
    origin_calls, requests : int
        Requests that reached the origin through the edge, and all that were sent to the edge.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    distance_km: float
    hit_ratio: float
    hits: float
    means: dict[str, Interval]
    theory_s: dict[str, float]
    origin_calls: int
    requests: int
    late_s: float

    @property
    def mean_s(self) -> float:
        """Mean time to first byte through the edge, seconds."""
        hit, miss = (self.means[kind].estimate for kind in KINDS[:2])
        return self.hits * hit + (1 - self.hits) * miss

    @property
    def agrees(self) -> bool:
        """Whether every kind takes as long as its round trips, or a little longer."""
        return all(
            -1e-4 <= self.means[kind].estimate - self.theory_s[kind]
            <= LATE_S + LATE_SHARE * self.theory_s[kind]
            for kind in KINDS
        )  # fmt: skip

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {"requests": self.requests}
        for kind in KINDS:
            values[f"{kind}_ms"] = 1e3 * self.means[kind].estimate
            values[f"{kind}_theory_ms"] = 1e3 * self.theory_s[kind]
        values["origin_calls"] = self.origin_calls
        return values

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, self.means["hit"].estimate):
            return busy
        parts = ", ".join(
            f"{kind} {duration(self.means[kind].estimate)} (theory {duration(self.theory_s[kind])})"
            for kind in KINDS
        )
        late = max(self.means[kind].estimate - self.theory_s[kind] for kind in KINDS)
        word = "agree" if self.agrees else "disagree"
        return (
            f"Verdict: two real servers {word} with the sum of the round trips to within "
            f"{duration(LATE_S)} and {LATE_SHARE:.0%}: {parts}; the latest is "
            f"{duration(late, 2)} late. The origin saw {self.origin_calls} of {self.requests} "
            f"requests, {significant(100 * (1 - self.hits))} %."
        )


def measure_cdn(
    *, distance_km: float = 4_000.0, hit_ratio: float = 0.75, requests: int = 80, seed: int = 1
) -> MeasuredCdn:
    """Fetch through a real edge server and from a real origin, each a delay away.

    Parameters
    ----------
    distance_km : float
        To the origin, kilometres; 100 to 10,000. The edge is 500 km away.
    hit_ratio : float
        Fraction of the requests for which the edge has the answer; 0 < hit_ratio < 1.
    requests : int
        Requests sent each way within one second; 20 to 400.
    seed : int
        Seed of hits and misses; >= 0. Times differ from run to run all the same.

    Returns
    -------
    MeasuredCdn

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    TimeoutError
        If the machine is so busy that it takes far longer than it should.

    Notes
    -----
    Each reply is held back by one round trip of the distance. A fresh connection waits for three
    of them, as TCP, TLS 1.3 and the request would; the edge keeps its connection to the origin.
    """
    distance_km = validation.number(
        "distance_km", distance_km, at_least=100, at_most=10_000, unit="km"
    )
    hit_ratio = validation.number("hit_ratio", hit_ratio, above=0, below=1)
    requests = validation.integer("requests", requests, at_least=20, at_most=400)
    near, far, work = 500 * ROUND_TRIP_S_PER_KM, distance_km * ROUND_TRIP_S_PER_KM, 0.02
    hits = streams(seed, "hits")["hits"].random(requests) < hit_ratio
    hits[:2] = True, False  # at least one of each
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    origin_calls = 0

    async def origin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal origin_calls
        while line := await reader.readline():
            kept_open = line.startswith(b"edge")
            origin_calls += kept_open
            await asyncio.sleep(far + (work if line.strip().endswith(b"get") else 0))
            writer.write(line)
        writer.close()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        far_server = await asyncio.start_server(origin, "127.0.0.1", 0)
        far_port = far_server.sockets[0].getsockname()[1]
        pool: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

        async def edge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while line := await reader.readline():
                if line == b"miss get\n":
                    upstream = pool.pop() if pool else await asyncio.open_connection(
                        "127.0.0.1", far_port
                    )  # fmt: skip
                    upstream[1].write(b"edge get\n")
                    await upstream[0].readline()
                    pool.append(upstream)
                await asyncio.sleep(near)
                writer.write(line)
            writer.close()

        near_server = await asyncio.start_server(edge, "127.0.0.1", 0)
        near_port = near_server.sockets[0].getsockname()[1]

        async def fetch(kind: str, port: int, after_s: float) -> None:
            await asyncio.sleep(after_s)
            began = loop.time()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for line in (b"tcp\n", b"tls\n", kind.encode() + b" get\n"):
                writer.write(line)
                await reader.readline()
            took[kind].append(loop.time() - began)
            writer.close()

        try:
            jobs = []
            for i, hit in enumerate(hits.tolist()):
                jobs.append(fetch("hit" if hit else "miss", near_port, i / requests))
                jobs.append(fetch("direct", far_port, (i + 0.5) / requests))
            await asyncio.gather(*jobs)
        finally:
            for _, writer in pool:
                writer.close()
            near_server.close()
            far_server.close()

    with Lateness() as lateness:
        run_apart(main, limit_s=10)
    return MeasuredCdn(
        distance_km=distance_km,
        hit_ratio=hit_ratio,
        hits=float(hits.mean()),
        means={kind: mean_interval(np.array(times)) for kind, times in took.items()},
        theory_s={
            "hit": ROUND_TRIPS * near,
            "miss": ROUND_TRIPS * near + far + work,
            "direct": ROUND_TRIPS * far + work,
        },
        origin_calls=origin_calls,
        requests=requests,
        late_s=lateness.mean_s,
    )
