"""The simulation engines beside other simulators and a compiled loop, on the same draws.

Each engine is checked twice before it is timed: against theory, and against what the others
compute from the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from helpers.foundations import queueing
from helpers.foundations.queueing.station import simpy_waits
from helpers.foundations.statistics import agrees, batch_means
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.keys import zipf_keys, zipf_weights
from helpers.foundations.traffic.services import service_times
from helpers.foundations.traffic.streams import streams
from tests.benchmarks import rivals
from tests.benchmarks.timing import Table, interleaved

_UTILISATION = 0.9
_CUSTOMERS = 200_000
_CONFIDENCE = 0.9999  # a true theory is rejected in one run out of ten thousand


def measure_engines(report: Callable[[str], None]) -> Iterator[Table]:
    """Yield a table for each kind of engine.

    Raises
    ------
    AssertionError
        If an engine disagrees with theory or with another engine.
    """
    for measure in (_fifo, _two_choices, _lru, _zipf, _blueprint):
        report(f"engines: {measure.__name__.strip('_')}")
        yield measure()


def _traffic(paths: int, customers: int, servers: int) -> tuple[np.ndarray, np.ndarray]:
    """Poisson arrivals and exponential services of mean 1, a path in each row.

    As everywhere in the course, the replications of one customer lie side by side in memory.
    """
    rng = streams(1, "arrivals", "services")
    shape = (paths, customers)
    gaps = unit_gaps("poisson", shape, rng["arrivals"])
    services = service_times("exponential", 1.0, shape, rng["services"])
    return np.cumsum(gaps / (_UTILISATION * servers), axis=1), services


def _fifo() -> Table:
    table = Table(
        f"First come, first served, at {_UTILISATION:.0%} utilisation",
        ("engine", "c=1: ns per customer", "x C loop", "x faster than Ciw", "x faster than simpy",
         "c=8: ns per customer", "x C loop", "x faster than Ciw", "x faster than simpy"),
    )  # fmt: skip
    columns = [_fifo_with(servers) for servers in (1, 8)]
    for engine in columns[0]:
        row = [engine]
        for times in columns:
            limit = times["C loop, one path" if "one path" in engine else "C loop"]
            row += [
                f"{times[engine] * 1e9:,.1f}",
                f"{times[engine] / limit:,.1f}",
                f"{times['Ciw'] / times[engine]:,.1f}",
                f"{times['simpy'] / times[engine]:,.1f}",
            ]
        table.rows.append(tuple(row))
    table.notes.append(
        f"{_CUSTOMERS:,} customers, as one path or as many; every waiting time is returned. simpy, "
        "Ciw and salabim get the start of the same path (they would need minutes for the rest) and "
        "are counted per customer. Replications, heap and simpy agree to the last bit, the others "
        "to 1e-6. Targets: across 512 replications at least 2,500x Ciw at c=1 and 500x at c=8, at "
        "most 3x the C loop; one path at c=1 at least 1,500x Ciw and at most 5x the C loop."
    )
    return table


def _fifo_with(servers: int) -> dict[str, float]:
    """Return seconds per customer of each engine."""
    many, few = (_traffic(paths, _CUSTOMERS // paths, servers) for paths in (512, 64))
    path = tuple(array[0] for array in _traffic(1, _CUSTOMERS, servers))
    starts = {"simpy": 15_000, "Ciw": 15_000, "salabim": 1_500}
    slow = {"simpy": simpy_waits, "Ciw": rivals.ciw_fifo, "salabim": rivals.salabim_fifo}
    rows = tuple(np.ascontiguousarray(array) for array in many)  # as a C loop likes them

    waits = queueing.fifo_waits(*path, servers)
    theory = queueing.mmc_wait(_UTILISATION * servers, 1.0, servers)
    measured = batch_means(waits, batches=20, confidence=_CONFIDENCE, warmup=10_000)
    assert agrees(measured, theory), f"waits {measured}, theory {theory}"
    assert np.allclose(waits, rivals.c_fifo(*path, servers), atol=1e-6)
    assert (queueing.fifo_waits(*many, servers) == rivals.c_fifo(*rows, servers)).all()
    for name, run in slow.items():
        start = tuple(array[: starts[name]] for array in path)
        assert np.allclose(run(*start, servers), waits[: starts[name]], atol=1e-6), name
    bits = tuple(array[:5_000] for array in path)
    across = queueing.fifo_waits(*(np.tile(array, (8, 1)) for array in bits), servers)
    assert (across == simpy_waits(*bits, servers)).all(), "across replications and simpy, bits"

    seconds = interleaved(
        {
            "numpy across 512 replications": lambda: queueing.fifo_waits(*many, servers),
            "numpy across 64 replications": lambda: queueing.fifo_waits(*few, servers),
            "C loop": lambda: rivals.c_fifo(*rows, servers),
            "one path": lambda: queueing.fifo_waits(*path, servers),
            "C loop, one path": lambda: rivals.c_fifo(*path, servers),
        },
        rounds=7,
    )
    per_customer = {name: time / _CUSTOMERS for name, time in seconds.items()}
    seconds = interleaved(
        {
            name: lambda run=run, n=starts[name]: run(*(a[:n] for a in path), servers)
            for name, run in slow.items()
        },
        rounds=1,
    )
    return per_customer | {name: time / starts[name] for name, time in seconds.items()}


def _two_choices() -> Table:
    from helpers.blueprint.balancing.limits import theory_balancing
    from helpers.blueprint.balancing.station import simulate_balancing
    from helpers.blueprint.balancing.waits import balanced_waits, simpy_balanced_waits

    servers, customers, start = 100, 100_000, 20_000
    rng = streams(1, "arrivals", "services", "choices")
    gaps = unit_gaps("poisson", customers, rng["arrivals"])
    first, second = rng["choices"].random((2, customers))
    draws = {
        "arrivals": np.cumsum(gaps / (_UTILISATION * servers)),
        "services": service_times("exponential", 1.0, customers, rng["services"]),
        "first": first,
        "second": second,
        "users": np.zeros(customers, dtype=np.int64),
    }
    ones = (first * servers).astype(np.int64)
    others = (second * (servers - 1)).astype(np.int64)
    pairs = np.column_stack([ones, others + (others >= ones)])

    def loop():
        return balanced_waits("power of two", servers=servers, **draws)

    def limit():
        return rivals.c_two_choices(draws["arrivals"], draws["services"], pairs, servers)

    def simpy():
        cut = {name: array[:start] for name, array in draws.items()}
        return simpy_balanced_waits("power of two", servers=servers, **cut)

    waits = loop()
    assert np.allclose(waits, limit(), atol=1e-9)
    assert np.allclose(simpy(), waits[:start], atol=1e-6)
    long = simulate_balancing(policy="power of two", servers=servers, warm_up=4_000, seed=2)
    supermarket = theory_balancing("power of two", servers=servers, utilisation=_UTILISATION)
    ratio = long.mean.estimate / long.at.service_s / supermarket
    assert 1 <= ratio < 1.03, f"response {ratio:.3f} of the supermarket limit"

    seconds = interleaved({"plain Python": loop, "C loop": limit})
    per_customer = {name: t / customers for name, t in seconds.items()}
    per_customer["simpy"] = interleaved({"simpy": simpy}, rounds=2)["simpy"] / start
    table = Table(
        f"Power of two choices, {servers} servers at {_UTILISATION:.0%}",
        ("engine", "ns per customer", "x C loop", "x faster than simpy"),
    )
    base, limit_time = per_customer["simpy"], per_customer["C loop"]
    table.rows = [
        (name, f"{t * 1e9:,.0f}", f"{t / limit_time:,.1f}", f"{base / t:,.1f}")
        for name, t in per_customer.items()
    ]
    table.notes.append(
        f"{customers:,} customers, every waiting time exact; simpy gets the first {start:,} and is "
        "counted per customer. Target: plain Python at least 30x simpy."
    )
    return table


def _lru() -> Table:
    from helpers.caching import hit_ratios
    from helpers.caching.lru_curve import lru_curve
    from helpers.caching.policies import hit_ratio, lru

    requests, keys, capacity = 1_000_000, 100_000, 5_000
    weights = zipf_weights(keys, 1.0)
    trace = zipf_keys(requests, keys, 1.0, streams(1, "keys")["keys"])
    as_list = trace.tolist()

    exact = rivals.c_lru_hits(trace, keys, capacity) / requests
    assert hit_ratio(lru(as_list, capacity)) == exact
    assert rivals.ordered_dict_lru_hits(as_list, capacity) / requests == exact
    curve = lru_curve(trace)
    worst = max(
        abs(curve.hit_ratio(size) - rivals.c_lru_hits(trace, keys, size) / requests)
        for size in (10, 100, 1_000, 5_000, 20_000, 50_000)
    )
    assert worst <= 1e-3, f"the curve is off by {worst}"
    # Che's approximation is for a warm cache: judge the second half, when it is full.
    warm = hit_ratio(lru(as_list, capacity), requests // 2)
    che = float(hit_ratios.lru(weights, capacity))
    assert abs(warm / che - 1) < 0.01, f"warm {warm}, Che {che}"

    seconds = interleaved(
        {
            "OrderedDict, one size": lambda: rivals.ordered_dict_lru_hits(as_list, capacity),
            "the course's engine, one size": lambda: hit_ratio(lru(as_list, capacity)),
            "the course's curve, all sizes": lambda: lru_curve(trace),
            "C, one size": lambda: rivals.c_lru_hits(trace, keys, capacity),
            "Che's approximation, one size": lambda: hit_ratios.lru(weights, capacity),
        },
        rounds=3,
    )
    one = seconds["OrderedDict, one size"]
    table = Table("Least recently used", ("engine", "ms", "x one OrderedDict run"))
    table.rows = [(name, f"{t * 1e3:,.1f}", f"{t / one:.3f}") for name, t in seconds.items()]
    table.notes.append(
        f"{requests:,} Zipf(1.0) requests for {keys:,} keys, room for {capacity:,}. All exact "
        f"engines count the same hits; the curve's largest error at six sizes is {worst:.1e}. "
        "Target: all sizes at most 0.4x one OrderedDict run, error at most 1e-3."
    )
    return table


def _zipf() -> Table:
    keys, size = 100_000, 1_000_000
    weights = zipf_weights(keys, 1.0)

    def stream():
        return streams(1, "keys")["keys"]

    drawn = zipf_keys(size, keys, 1.0, stream())
    counted = np.bincount(drawn, minlength=keys)[:1_000]
    expected = size * weights[:1_000]
    chi_squared = float(((counted - expected) ** 2 / expected).sum())
    assert chi_squared < 1_180, f"chi-squared {chi_squared} on 1,000 keys"  # 1e-4 quantile: 1,173

    zipf_keys(1, keys, 1.0, stream())  # the guide table is made once, outside the clock
    seconds = interleaved(
        {
            "zipf_keys": lambda: zipf_keys(size, keys, 1.0, stream()),
            "rng.choice(p=)": lambda: stream().choice(keys, size, p=weights),
        }
    )
    table = Table("Zipf keys", ("engine", "ms", "x faster than rng.choice"))
    base = seconds["rng.choice(p=)"]
    table.rows = [(name, f"{t * 1e3:,.1f}", f"{base / t:.1f}") for name, t in seconds.items()]
    table.notes.append(f"{size:,} draws from {keys:,} keys. Target: at least 6x.")
    return table


def _blueprint() -> Table:
    from helpers.blueprint import simulate_design
    from helpers.blueprint.catalogue import anatomy

    design = anatomy()

    def run(engine: str):
        return simulate_design(design, duration_s=20.0, engine=engine, log=True)

    fast, simpy = run("fast"), run("simpy")
    assert sorted(fast.log) == sorted(simpy.log), "the engines disagree about an event"
    seconds = interleaved(
        {
            engine: lambda engine=engine: simulate_design(design, duration_s=20.0, engine=engine)
            for engine in ("fast", "simpy")
        }
    )
    table = Table(
        "The full anatomy", ("engine", "ms", "µs per request", "x faster than the simpy model")
    )
    table.rows = [
        (name, f"{t * 1e3:,.0f}", f"{t / fast.sent * 1e6:.1f}", f"{seconds['simpy'] / t:.1f}")
        for name, t in seconds.items()
    ]
    table.notes.append(
        f"{fast.sent:,} requests through CDN, balancer, three servers, cache, database with a "
        f"replica, queue and workers: {len(fast.log):,} events, the same in both engines, one by "
        "one. Only a simpy model exists to compare with: the same rules written a third time, in "
        "Ciw or salabim, would compare the writers. Target: at least 8x."
    )
    return table
