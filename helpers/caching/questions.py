"""What the chapter asks, with the answers out of sight of the page that asks.

Every answer that is a number is worked out by the theory or the simulation it belongs to, so that
none can disagree with the chapter.
"""

from __future__ import annotations

from collections.abc import Mapping

from helpers.caching import (
    cold_restart,
    eviction,
    expiry,
    interleavings,
    refresh_ahead,
    staleness,
    strategies,
    synchronised,
    write_behind,
    write_race,
)
from helpers.foundations.prose import significant
from helpers.foundations.questions import Goal, Prediction, Quiz

CHAPTER = "09"

_TTL_S = 60.0


def _fewest_reads() -> str:
    reads = strategies.simulate().of("database_read_rps")
    asked = ("cache-aside", "write-through", "refresh-ahead")
    return min(asked, key=reads.__getitem__)


def _breaking_rate(recompute_s: float = 2.0, connections: int = 20) -> float:
    """Where the work of one herd, (1 + 2 x rate) x 2 s, fills 20 connections for 60 s."""
    return (_TTL_S * connections / recompute_s - 1) / recompute_s


def _refreshes_read() -> float:
    one_key = refresh_ahead.Setting(rate_rps=1 / 60, keys=1, ttl_s=10.0)
    return 100 * float(refresh_ahead.theory(one_key).useful[0])


def _loop() -> str:
    loop = eviction.simulate(trace="loop", keys=1_000, capacity=900)
    return f"{100 * loop.hit_ratios['LRU']:.0f} %"


PREDICTIONS: Mapping[str, Prediction] = {
    "fewest-reads": Prediction(
        question="One operation in ten is a write. Which strategy sends the fewest reads to the "
        "database?",
        options=("cache-aside", "write-through", "refresh-ahead"),
        answer=_fewest_reads,
        why="A write leaves the new value in the cache instead of a hole, so the next read is a "
        "hit.",
    ),
    "stale-orders": Prediction(
        question="A reader meets an empty cache while a writer is at work. In how many of the 10 "
        "possible orders does the cache end up with the old value?",
        answer=lambda: float(interleavings.simulate().stale),
        unit="orders",
        tolerance=0.01,
        why="One order is enough: it will happen, and then the old value stays until its TTL.",
    ),
    "cold": Prediction(
        question="A cache with a hit ratio of 95 % restarts and is empty. How many times its usual "
        "load does the database get at that moment?",
        answer=lambda: cold_restart.load_multiplier(0.95),
        unit="times",
        why="It used to get 5 % of the requests, and now it gets 100 %.",
    ),
    "herd-down": Prediction(
        question="1,000 requests/s ask for one key, a query takes 0.4 s, and the database has 20 "
        "connections. The key expires. For how long are all connections taken?",
        answer=lambda: expiry.theory(expiry.Setting()).saturated_s,
        unit="s",
        why="401 queries of 0.4 s on 20 connections. The value is cached after 0.4 s, and the "
        "database goes on computing it for another 7.6 s.",
    ),
    "xfetch": Prediction(
        question="The request rate grows from 100 to 100,000 per second. By what factor does "
        "XFetch's stampede grow?",
        options=(
            "1,000 times",
            "about 30 times, like the square root",
            "about 3 times, like the logarithm",
            "not at all",
        ),
        answer="not at all",
        why="At a higher rate the first refresh comes earlier, where the coin is less generous, "
        "and the two effects cancel.",
    ),
    "jitter": Prediction(
        question="2,000 keys expire at once. Each costs one query of 50 ms, and there are 20 "
        "connections. Over what interval must the expiries be spread so that hardly anybody waits?",
        answer=lambda: synchronised.Setting().work_s,
        unit="s",
        why="2,000 times 50 ms of work on 20 connections takes 5 s, however it is arranged.",
    ),
    "break": Prediction(
        question="A key with a TTL of 60 s takes 2 s to compute; the database has 20 connections "
        "and no fix. From which request rate on does it never recover?",
        answer=_breaking_rate,
        unit="requests/s",
        why="(1 + 2 × rate) queries of 2 s on 20 connections fill 60 s at about 300 requests/s.",
    ),
    "write-through": Prediction(
        question="Two servers write the same key through to database and cache. Can the cache be "
        "left with a value that the database no longer has?",
        options=(
            "no: each write updates both",
            "only if a server crashes",
            "yes, with nothing failing",
        ),
        answer=lambda: (
            "yes, with nothing failing"
            if write_race.simulate().stale_here
            else "no: each write updates both"
        ),
        why="Nothing makes the two reach the cache in the order in which the database took them.",
    ),
    "loss": Prediction(
        question="2,000 writes/s are acknowledged from memory and flushed every 0.1 s. How many "
        "acknowledged writes does a crash lose on average?",
        answer=lambda: (
            write_behind.theory(write_behind.Setting(write_rps=2_000.0, flush_s=0.1)).lost_mean
        ),
        unit="writes",
        why="An interval holds 200 writes, and on average a crash comes in its middle.",
    ),
    "refresh": Prediction(
        question="A key is read once a minute on average, and its TTL is 10 s. What share of its "
        "refreshes is read by anybody before the TTL is over?",
        answer=_refreshes_read,
        unit="%",
        why="A sixth of a read is expected in 10 s; 1 - exp(-1/6) is a little less than that.",
    ),
    "ttl": Prediction(
        question="A value changes every 100 s on average and is cached for 60 s. What share of the "
        "cache's hits is stale?",
        answer=lambda: 100 * staleness.stale_hits(staleness.Setting(update_rps=0.01, ttl_s=60.0)),
        unit="%",
        tolerance=0.25,
        why="0.6 changes are expected in a lifetime; half of that is 30 %, and the exact value is "
        "a little less.",
    ),
    "loop": Prediction(
        question="A program reads 1,000 records in a loop, again and again. An LRU cache has room "
        "for 900 of them. What is its hit ratio?",
        options=("90 %", "about 80 %", "50 %", "0 %"),
        answer=_loop,
        why="It always throws out the record that is needed next: the least recently used one.",
    ),
}

QUIZZES: Mapping[str, Quiz] = {
    "stall": Quiz(
        question="Your hottest key expires every five minutes, and the database stalls each time. "
        "You have one line of code to spend.",
        options={
            "Add jitter to its TTL.": "That moves the stall to a less regular moment. One key "
            "cannot be spread over time.",
            "Let one request recompute it while the others wait.": "Single-flight: one query "
            "instead of 1 + rate × recompute time.",
            "Double the TTL.": "Half as many stalls, each as long as before.",
        },
        answer="Let one request recompute it while the others wait.",
    ),
    "wrong-name": Quiz(
        question="One user's name is wrong in the cache and right in the database. Writes go "
        "through to both, and no server crashed. What happened?",
        options={
            "It cannot happen: write-through updates both.": "It updates both, but nothing fixes "
            "the order in which two writers reach the cache.",
            "Two writes raced, and the older one reached the cache last.": "It stays there until "
            "its TTL is over, unless versions are compared.",
            "The database lost a write.": "Then the database would be wrong, not the cache.",
        },
        answer="Two writes raced, and the older one reached the cache last.",
    ),
    "better-cache": Quiz(
        question="You raise the hit ratio from 90 % to 99 %. What happens to the risk in a cold "
        "restart?",
        options={
            "It falls: the database has less to do.": "Less to do on a normal day, and there is "
            "the trap: a database sized for that day is ten times too small for a cold cache.",
            "It stays as it was.": "The multiplier is 1/(1 - h), which goes from 10 to 100.",
            "The load multiplier grows from 10 to 100.": "1/(1 - h). If you shrink the database "
            "to fit its new load, a restart is ten times as bad.",
        },
        answer="The load multiplier grows from 10 to 100.",
    ),
}

_NEAR = 1.25  # over the boundary: two steps of the slider


def _never_recovers(run: expiry.Expiry) -> bool:
    limit = _breaking_rate(run.at.recompute_s, run.at.connections)
    lasts = run.at.fix == "none" and run.saturated_s >= _TTL_S
    return lasts and run.at.rate_rps <= _NEAR * limit


def _rate_that_breaks(run: expiry.Expiry) -> str:
    at = run.at
    limit = _breaking_rate(at.recompute_s, at.connections)
    return (
        f"at {significant(limit)} requests/s the work of one herd, (1 + rate × "
        f"{significant(at.recompute_s)} s) × {significant(at.recompute_s)} s, takes all "
        f"{at.connections} connections for the {significant(_TTL_S)} s until the next."
    )


GOALS: Mapping[str, Goal] = {
    "never-recovers": Goal(
        asked="a request rate, as low as you can, at which the queue never empties again.",
        reached=_never_recovers,
        boundary=_rate_that_breaks,
        before="break",
    ),
}
