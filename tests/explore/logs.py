"""Logs of every shape that the chapters replay, each from a small simulation of its own."""

from __future__ import annotations

import numpy as np
import simpy

from helpers.foundations.events import Log
from helpers.foundations.queueing import fifo_waits


def queue(n: int = 60, *, servers: int = 2, load: float = 0.9, seed: int = 3) -> Log:
    """One queue with several servers, two of whose requests are turned away."""
    rng = np.random.default_rng(seed)
    arrivals = np.cumsum(rng.exponential(0.01, n))
    services = rng.exponential(0.01 * servers * load, n)
    starts = arrivals + fifo_waits(arrivals, services, servers)
    ends = starts + services
    log = Log("One queue").place("users", "source").place("line", "queue")
    log.place("server", "servers", number=servers).place("answered", "sink")
    log.serves("line", "server", arrivals, starts, ends, start="users", then="answered")
    for number, moment in enumerate((0.3 * arrivals[-1], 0.6 * arrivals[-1]), start=n):
        log.fails(moment, number, "the line is full", place="line", start="users")
    order = np.argsort(ends)
    so_far = np.cumsum((starts - arrivals)[order]) / np.arange(1, n + 1)
    log.counts("line", "waiting in line")
    return log.series("mean wait so far", ends[order], 1e3 * so_far, unit="ms", level=80.0)


def tiers(users: int = 12, *, seed: int = 1) -> Log:
    """Users who think, and three tiers in a row; the slowest is marked."""
    rng, env = np.random.default_rng(seed), simpy.Environment()
    log = Log("Three tiers").place("thinking", "store")
    names, numbers, means = ("web", "app", "data"), (2, 2, 1), (0.05, 0.08, 0.06)
    stations = []
    for name, number in zip(names, numbers, strict=True):
        log.place(f"{name} line", "queue").place(name, "servers", number=number)
        stations.append(simpy.Resource(env, number))
    for user in range(users):
        log.begins(user, "thinking")

    def user(number: int):
        while True:
            yield env.timeout(rng.exponential(0.5))
            for name, station, mean in zip(names, stations, means, strict=True):
                log.moves(env.now, number, f"{name} line")
                with station.request() as turn:
                    yield turn
                    log.moves(env.now, number, name)
                    yield env.timeout(rng.exponential(mean))
            log.moves(env.now, number, "thinking", "is answered, and thinks")

    def watch():
        slowest = ""
        while True:
            yield env.timeout(0.25)
            longest = max(range(3), key=lambda i: len(stations[i].queue))
            if names[longest] != slowest:
                if slowest:
                    log.marks(env.now, slowest, "")
                slowest = names[longest]
                log.marks(env.now, slowest, "bottleneck", bad=True)

    for number in range(users):
        env.process(user(number))
    env.process(watch())
    env.run(until=6)
    log.rates("thinking", 1.0, "answers")
    for name in names:
        log.counts(f"{name} line")
    return log


def testers() -> Log:
    """A tester that waits for each answer beside one that does not, and a server that stalls."""
    log = Log("Two testers")
    for row, name in enumerate(("polite", "open")):
        log.place(f"{name} tester", "source", at=(0, row)).place(f"{name} line", "queue")
        log.place(f"{name} server", "servers").place(f"{name} answers", "sink")
        log.marks(0.3, f"{name} server", "stalled", bad=True)
        log.marks(0.6, f"{name} server", "")
    free, now = 0.0, 0.0
    for number in range(40):
        arrival = number / 40
        start = max(arrival, free, 0.6 if 0.3 <= max(arrival, free) < 0.6 else 0.0)
        free = start + 0.01
        log.serves("open line", "open server", [arrival], [start], [free],
                   tokens=[f"open {number}"], start="open tester", then="open answers")  # fmt: skip
    for number in range(40):
        begin = max(now, number / 40)
        start = 0.6 if 0.3 <= begin < 0.6 else begin
        now = start + 0.01
        if begin < 1:
            log.serves("polite line", "polite server", [begin], [start], [now],
                       tokens=[f"polite {number}"], start="polite tester",
                       then="polite answers")  # fmt: skip
    return log


def shards(keys: int = 300, *, seed: int = 2) -> Log:
    """Keys on their way from four shards to a fifth."""
    rng = np.random.default_rng(seed)
    log = Log("A fifth shard", noun="key").kind("moved", "orange")
    for shard in range(5):
        log.place(f"shard {shard}", "store", at=(shard % 3, shard // 3))
    for key in range(keys):
        log.begins(key, f"shard {key % 4}")
    for turn, key in enumerate(rng.permutation(keys)[: keys // 5]):
        log.sends(0.1 * turn, int(key), "shard 4", 0.8, kind="moved")
    for shard in range(5):
        log.counts(f"shard {shard}", f"keys on shard {shard}")
    return log


def herd(readers: int = 80, *, seed: int = 4) -> Log:
    """Everybody misses at once, and stands at the origin's door until some give up."""
    rng, env = np.random.default_rng(seed), simpy.Environment()
    log = Log("The herd", noun="reader")
    log.place("readers", "source").place("cache", "store").place("door", "queue")
    log.place("origin", "servers", number=4).place("page", "sink")
    log.marks(0.0, "cache", "expired", bad=True)
    origin = simpy.Resource(env, 4)

    def reader(number: int):
        yield env.timeout(rng.uniform(0, 0.05))
        log.moves(env.now, number, "cache", "misses", start="readers")
        yield env.timeout(0.002)
        log.moves(env.now, number, "door")
        with origin.request() as turn:
            got = yield turn | env.timeout(0.5)
            if turn not in got:
                log.fails(env.now, number, "no answer in 500 ms", "gives up")
                return
            log.moves(env.now, number, "origin")
            yield env.timeout(rng.exponential(0.05))
        log.moves(env.now, number, "page")

    for number in range(readers):
        env.process(reader(number))
    env.run()
    return log.counts("door", "at the door")


def messages() -> Log:
    """Two clients and three copies; one message is lost."""
    log = Log("A read that is too early", noun="message")
    for row, name in enumerate(("ann", "leader", "follower", "bob")):
        log.place(name, "store", at=(0, row))
    log.kind("reply", "green")
    log.sends(0.0, "write x = 1", "leader", 1.0, start="ann")
    log.marks(1.0, "leader", "x = 1")
    log.sends(1.1, "copy x = 1", "follower", 3.0, start="leader")
    log.sends(1.2, "done", "ann", 0.8, start="leader", kind="reply")
    log.sends(1.6, "read x", "follower", 0.7, start="bob")
    log.sends(2.4, "x = 0", "bob", 0.7, start="follower", kind="reply")
    log.marks(3.1, "bob", "reads x = 0", bad=True)
    log.marks(4.1, "follower", "x = 1")
    log.sends(3.5, "read y", "leader", 0.9, start="bob", lost="the network dropped it")
    return log


def retries() -> Log:
    """One request becomes many on its way down three layers."""
    log = Log("Three tries at each layer")
    for name in ("client", "service", "store"):
        log.place(name, "store")
    now = 0.0
    for outer in range(3):
        for inner in range(3):
            name = f"try {outer + 1}.{inner + 1}"
            log.moves(now, name, "service", start="client")
            log.moves(now + 0.2, name, "store")
            log.fails(now + 0.5, name, "the store is overloaded")
            now += 1.0
    return log


def twice() -> Log:
    """A message whose acknowledgement is lost is delivered again."""
    log = Log("Delivered twice", noun="order")
    log.place("shop", "source").place("queue", "queue").place("worker", "servers")
    log.place("charged", "store")
    log.moves(0.0, 7, "queue", start="shop").moves(1.0, 7, "worker")
    log.moves(2.0, "order 7, first", "charged", "is charged", start="worker")
    log.moves(3.0, 7, "queue", "is delivered again", "no acknowledgement within 2 s")
    log.moves(4.0, 7, "worker")
    return log.moves(5.0, "order 7, again", "charged", "is charged", start="worker")


ALL = {one.__name__: one for one in (queue, tiers, testers, shards, herd, messages, retries, twice)}
