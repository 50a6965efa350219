"""A hot key in real life: worker threads with a queue each, and one queue that runs full."""

from __future__ import annotations

import queue
import threading
import time

import numpy as np

from helpers.foundations.servers.lateness import Lateness
from helpers.sharding.simulation.worker_queues import (
    WorkerQueuesResult,
    fifo_responses,
    worker_result,
    worker_trace,
)


def measure_worker_queues(
    *,
    workers: int = 4,
    exponent: float = 1.0,
    rate_rps: float = 400.0,
    service_ms: float = 5.0,
    seconds: float = 2.0,
    seed: int = 1,
) -> WorkerQueuesResult:
    """Send Poisson requests for Zipf keys to threads that sleep for as long as each one takes.

    Parameters
    ----------
    workers, exponent, rate_rps, service_ms, seconds, seed
        As for ``simulate_worker_queues``. The run lasts as long as the backlog needs to drain,
        which is added to `seconds`; what an overloaded worker has not begun three seconds after
        the last arrival is dropped from the result.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    trace = worker_trace(workers, exponent, rate_rps, service_ms, seconds, seed)
    arrivals, worker, services = trace.arrivals_s, trace.worker, trace.services_s
    queues: list[queue.SimpleQueue] = [queue.SimpleQueue() for _ in range(workers)]
    begun, finished = np.full((2, len(arrivals)), np.nan)
    deadline = float(arrivals[-1]) + 3.0
    start = time.perf_counter()

    def work(inbox: queue.SimpleQueue) -> None:
        while (number := inbox.get()) is not None:
            now = time.perf_counter() - start
            if now > deadline:
                continue
            begun[number] = now
            time.sleep(services[number])
            finished[number] = time.perf_counter() - start

    threads = [threading.Thread(target=work, args=(inbox,)) for inbox in queues]
    sent = np.empty(len(arrivals))
    for thread in threads:
        thread.start()
    with Lateness() as lateness:
        try:
            for number, (due, where) in enumerate(
                zip(arrivals.tolist(), worker.tolist(), strict=True)
            ):
                wait = due - (time.perf_counter() - start)
                if wait > 0:
                    time.sleep(wait)
                sent[number] = time.perf_counter() - start
                queues[where].put(number)
        finally:
            for inbox in queues:
                inbox.put(None)
            for thread in threads:
                thread.join()
    served = np.isfinite(finished)
    sent, begun, finished, worker = (x[served] for x in (sent, begun, finished, worker))
    held = finished - begun
    replay = fifo_responses(sent, held, worker, workers)
    return worker_result(
        "measurement",
        trace,
        float(held.mean()),
        worker,
        finished - sent,
        replay,
        late_s=lateness.mean_s,
    )
