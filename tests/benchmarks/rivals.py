"""The same work done by other simulators, and by a compiled loop as the limit."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sysconfig
import tempfile
from collections import OrderedDict
from functools import cache
from pathlib import Path

import numpy as np

_SOURCE = Path(__file__).with_name("limit.c")


@cache
def compiled() -> ctypes.CDLL:
    """Compile limit.c and return the library.

    Raises
    ------
    RuntimeError
        If there is no C compiler.
    """
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise RuntimeError("the benchmarks need a C compiler (cc, gcc or clang) for the limit")
    folder = tempfile.mkdtemp(prefix="sd-limit-")
    target = Path(folder) / f"limit{sysconfig.get_config_var('SHLIB_SUFFIX') or '.so'}"
    subprocess.run(
        [compiler, "-O2", "-shared", "-fPIC", str(_SOURCE), "-o", str(target)], check=True
    )
    library = ctypes.CDLL(str(target))
    library.lru_hits.restype = ctypes.c_int64
    return library


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)


def c_fifo(arrivals: np.ndarray, services: np.ndarray, servers: int) -> np.ndarray:
    """Waits of one path, (n,), or of several one after the other, (R, n)."""
    arrivals, services = np.ascontiguousarray(arrivals), np.ascontiguousarray(services)
    waits = np.empty_like(arrivals)
    paths, customers = np.atleast_2d(arrivals).shape
    compiled().fifo(
        *(_pointer(array) for array in (arrivals, services, waits)),
        *(ctypes.c_int64(number) for number in (paths, customers, servers)),
    )
    return waits


def c_lru_hits(requests: np.ndarray, keys: int, capacity: int) -> int:
    """Hits of one LRU cache."""
    requests = np.ascontiguousarray(requests, dtype=np.int64)
    return compiled().lru_hits(
        _pointer(requests),
        ctypes.c_int64(requests.size),
        ctypes.c_int64(keys),
        ctypes.c_int64(capacity),
    )


def c_two_choices(
    arrivals: np.ndarray, services: np.ndarray, pairs: np.ndarray, servers: int
) -> np.ndarray:
    """Waits when each request joins the shorter of two sampled queues; `pairs` is (n, 2)."""
    first, second = (np.ascontiguousarray(pairs[:, k], dtype=np.int64) for k in (0, 1))
    arrivals, services = np.ascontiguousarray(arrivals), np.ascontiguousarray(services)
    waits = np.empty_like(arrivals)
    compiled().two_choices(
        *(_pointer(a) for a in (arrivals, services, first, second, waits)),
        ctypes.c_int64(arrivals.size),
        ctypes.c_int64(servers),
    )
    return waits


def ciw_fifo(arrivals: np.ndarray, services: np.ndarray, servers: int) -> np.ndarray:
    """Waits of one path by Ciw."""
    import ciw

    gaps = np.diff(arrivals, prepend=0.0)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([*gaps.tolist(), float("inf")])],
        service_distributions=[ciw.dists.Sequential(services.tolist())],
        number_of_servers=[servers],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(len(arrivals), method="Finish")
    records = sorted(simulation.get_all_records(), key=lambda record: record.id_number)
    return np.array([record.waiting_time for record in records])


def salabim_fifo(arrivals: np.ndarray, services: np.ndarray, servers: int) -> np.ndarray:
    """Waits of one path by salabim."""
    import salabim

    environment = salabim.Environment(trace=False, yieldless=False, random_seed=None)
    desk = salabim.Resource("desk", capacity=servers, env=environment)
    waits = np.empty(len(arrivals))

    class Customer(salabim.Component):
        def setup(self, number, service):
            self.number, self.service = number, service

        def process(self):
            came = self.env.now()
            yield self.request(desk)
            waits[self.number] = self.env.now() - came
            yield self.hold(self.service)
            self.release()

    for number, (arrival, service) in enumerate(
        zip(arrivals.tolist(), services.tolist(), strict=True)
    ):
        Customer(number=number, service=service, at=arrival, env=environment)
    environment.run()
    return waits


def ordered_dict_lru_hits(requests: list[int], capacity: int) -> int:
    """Hits of one LRU cache, the way most people write it."""
    cache_: OrderedDict[int, None] = OrderedDict()
    hits = 0
    for key in requests:
        if key in cache_:
            hits += 1
            cache_.move_to_end(key)
        else:
            if len(cache_) == capacity:
                cache_.popitem(last=False)
            cache_[key] = None
    return hits
