"""Replays: how long a log takes to be made, how many bytes it is, and how evenly it plays."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import simpy

from helpers.explore.replay_bytes import encode, standalone
from helpers.foundations.events import Log
from helpers.foundations.queueing import fifo_waits
from tests.benchmarks.timing import Table, interleaved, quantile
from tests.browser.lab import Browser

_REQUESTS = 3_334  # each comes, is served and goes: 10,000 events
_DOTS = 500
_PLAYED_MS = 6_000
_LATE_MS = 33


def measure_replay(report: Callable[[str], None]) -> list[Table]:
    """Measure both on the same machine, one after the other."""
    report("replay: logs")
    made = _logs()
    report("replay: frames")
    return [made, _frames()]


def _logs() -> Table:
    rng = np.random.default_rng(1)
    arrivals = np.cumsum(rng.exponential(1, _REQUESTS))
    services = rng.exponential(1.8, _REQUESTS)
    starts = arrivals + fifo_waits(arrivals, services, 2)

    def station() -> Log:
        log = Log("A queue").place("users", "source").place("line", "queue")
        return log.place("server", "servers", number=2).place("answered", "sink").counts("line")

    def from_arrays() -> Log:
        return station().serves("line", "server", arrivals, starts, starts + services,
                                start="users", then="answered")  # fmt: skip

    def while_it_runs(log: Log | None) -> None:
        env = simpy.Environment()
        server = simpy.Resource(env, 2)
        moves = log.moves if log else lambda *_, **__: None

        def request(number: int, arrival: float, service: float):
            yield env.timeout(arrival)
            moves(env.now, number, "line", start="users")
            with server.request() as turn:
                yield turn
                moves(env.now, number, "server")
                yield env.timeout(service)
            moves(env.now, number, "answered")

        for number, pair in enumerate(zip(arrivals.tolist(), services.tolist(), strict=True)):
            env.process(request(number, *pair))
        env.run()

    def recorded() -> Log:
        log = station()
        while_it_runs(log)
        return log

    seconds = interleaved(
        {
            "log from arrays, encoded": lambda: encode(from_arrays()),
            "simpy alone": lambda: while_it_runs(None),
            "simpy, recorded and encoded": lambda: encode(recorded()),
        }
    )
    about, data = encode(from_arrays())
    size = len(data) + len(json.dumps(about))
    table = Table(f"A replay's log of {about['events']:,} events", ("", "ms"))
    table.rows = [(name, f"{1e3 * spent:.0f}") for name, spent in seconds.items()]
    table.notes = [f"{size / 1e3:,.0f} kB go to the browser. Targets: under 100 ms, under 500 kB."]
    return table


def _crowd() -> Log:
    """500 users who think and go through three tiers, all of them to be seen all the time."""
    rng, env = np.random.default_rng(1), simpy.Environment()
    log = Log("Five hundred").place("thinking", "store")
    tiers = []
    for name, number in (("web", 40), ("app", 60), ("data", 20)):
        log.place(f"{name} line", "queue").place(name, "servers", number=number)
        tiers.append((name, simpy.Resource(env, number)))

    def user(number: int):
        while True:
            yield env.timeout(rng.exponential(1.0))
            for name, tier in tiers:
                log.moves(env.now, number, f"{name} line")
                with tier.request() as turn:
                    yield turn
                    log.moves(env.now, number, name)
                    yield env.timeout(rng.exponential(0.1))
            log.moves(env.now, number, "thinking")

    for number in range(_DOTS):
        log.begins(number, "thinking")
        env.process(user(number))
    env.run(until=9)
    return log.counts("data line").rates("thinking", 1.0)


def _frames() -> Table:
    table = Table(
        f"Playing {_DOTS} dots",
        ("speed", "frames", "median ms", "98 % within ms", "later than 33 ms"),
    )
    with Browser() as browser, browser.page(standalone(_crowd()), width=1000) as watched:
        page = watched.page
        page.wait_for_function("() => window.replay")
        for speed in (3, 5):
            page.evaluate(
                """speed => { const { player } = replay; player.speed.selectedIndex = speed;
                    player.seek(0); player.frames.length = 0; player.play(); }""",
                speed,
            )
            page.wait_for_timeout(_PLAYED_MS)
            frames = page.evaluate(
                "() => { const { player } = replay; player.pause(); return player.frames; }"
            )
            shown = page.evaluate("() => replay.player.shown.length")
            if shown != _DOTS:
                table.missing.append(f"{_DOTS} dots at speed {speed}: {shown} were to be seen")
            late = sum(one > _LATE_MS for one in frames) / len(frames)
            table.rows.append((
                page.evaluate("() => replay.player.speed.selectedOptions[0].textContent"),
                str(len(frames)), f"{quantile(frames, 0.5):.1f}", f"{quantile(frames, 0.98):.1f}",
                f"{late:.1%}",
            ))  # fmt: skip
    table.notes = ["Target: at most one frame in fifty later than 33 ms."]
    return table
