"""How cost grows with size, and what a second worker brings."""

from __future__ import annotations

import concurrent.futures
import math
from collections.abc import Callable, Iterator

import numpy as np

from helpers.foundations import queueing
from helpers.foundations.sweep import sweep
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import service_times
from helpers.foundations.traffic.streams import streams
from tests.benchmarks.timing import Table, interleaved


def measure_growth(report: Callable[[str], None]) -> Iterator[Table]:
    """Yield how time grows with the size of the work, and how a sweep uses workers."""
    report("growth: sizes")
    yield _sizes()
    report("growth: sweep")
    yield _sweep()


def _sizes() -> Table:
    table = Table(
        "Cost against size", ("what grows", "from", "to", "ms at the end", "log-log slope")
    )
    for name, sizes, work in _cases():
        jobs = {str(size): work(size) for size in sizes}
        seconds = interleaved(jobs, rounds=3)
        times = [seconds[str(size)] for size in sizes]
        slope = np.polyfit(np.log(sizes), np.log(times), 1)[0]
        table.rows.append(
            (name, f"{sizes[0]:,}", f"{sizes[-1]:,}", f"{times[-1] * 1e3:.3g}", f"{slope:.2f}")
        )
    table.notes.append("A slope of 1 is linear; below it, fixed costs still count.")
    return table


def _cases() -> Iterator[tuple[str, list[int], Callable[[int], Callable[[], object]]]]:
    from helpers.blueprint import simulate_design
    from helpers.blueprint.catalogue import anatomy
    from helpers.sharding import ring

    def queue(paths: int, customers: int, servers: int) -> Callable[[], object]:
        rng = streams(1, "arrivals", "services")
        gaps = unit_gaps("poisson", (customers, paths), rng["arrivals"])
        services = service_times("exponential", 1.0, (customers, paths), rng["services"])
        arrivals = np.cumsum(gaps / (0.9 * servers), axis=0)
        if paths == 1:
            return lambda: queueing.fifo_waits(arrivals[:, 0], services[:, 0], servers)
        return lambda: queueing.fifo_waits(arrivals.T, services.T, servers)

    thousands = [2_000, 8_000, 32_000, 128_000]
    yield "requests, one path, one server", thousands, lambda n: queue(1, n, 1)
    yield "requests, one path, eight servers", thousands, lambda n: queue(1, n, 8)
    yield "servers, 64 replications of 1,000", [2, 8, 32, 128], lambda c: queue(64, 1_000, c)
    yield "replications of 400 requests", [16, 64, 256, 1_024], lambda r: queue(r, 400, 1)
    yield (
        "shards in a ring of 100 virtual nodes",
        [4, 16, 64],
        lambda n: lambda: ring.simulate(shards=n, virtual_nodes=100),
    )
    yield (
        "seconds of the full anatomy",
        [5, 20, 80],
        lambda s: lambda: simulate_design(anatomy(), duration_s=float(s)),
    )


def _replication(utilisation: float, seed: int) -> dict[str, float]:
    """Return the mean wait of one long run; heavy enough to be worth a worker."""
    rng = streams(seed, "arrivals", "services")
    arrivals = np.cumsum(unit_gaps("poisson", 200_000, rng["arrivals"])) / utilisation
    services = service_times("exponential", 1.0, 200_000, rng["services"])
    waits = queueing.fifo_waits(arrivals, services, 2)
    return {"wait": float(waits.mean())}


def _sweep() -> Table:
    from distributed import Client, LocalCluster

    grid = {"utilisation": [0.8, 1.2, 1.6, 1.8], "seed": [1, 2]}
    table = Table("A parameter sweep of 8 runs", ("executor", "s", "x faster than none"))
    with (
        concurrent.futures.ProcessPoolExecutor(1) as one,
        concurrent.futures.ProcessPoolExecutor(2) as two,
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        Client(cluster) as client,
    ):
        executors = {
            "none": None,
            "ProcessPoolExecutor(1)": one,
            "ProcessPoolExecutor(2)": two,
            "dask.distributed, 2 workers": client.get_executor(),
        }
        answers = {
            name: sweep(_replication, grid, executor=executor)
            for name, executor in executors.items()  # also warms every worker up
        }
        for name, answer in answers.items():
            assert answer.equals(answers["none"]), f"{name} computed something else"
        seconds = interleaved(
            {
                name: lambda executor=executor: sweep(_replication, grid, executor=executor)
                for name, executor in executors.items()
            },
            rounds=3,
        )
    base = seconds["none"]
    table.rows = [(name, f"{t:.2f}", f"{base / t:.2f}") for name, t in seconds.items()]
    assert all(math.isfinite(t) for t in seconds.values())
    return table
