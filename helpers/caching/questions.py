"""What the chapter asks, with the answers out of sight of the page that asks.

Every answer that is a number is worked out by the theory or the simulation it belongs to, so that
none can disagree with the chapter. ``predict(**caching.question("herd-down"))`` asks one.
"""

from __future__ import annotations

from typing import Any

from helpers.caching import theory
from helpers.caching.simulation import (
    all_interleavings,
    hit_ratio,
    make_trace,
    simulate_strategies,
    simulate_write_race,
)
from helpers.foundations import validation


def _fewest_reads() -> str:
    reads = simulate_strategies().outcomes
    asked = ("cache-aside", "write-through", "refresh-ahead")
    return min(asked, key=lambda name: reads[name].database_read_rps)


def _stale_orders() -> float:
    orders = all_interleavings("cache-aside", "reader and writer")
    return float(sum(order.stale for order in orders))


def _write_through() -> str:
    return "yes, with nothing failing" if simulate_write_race().stale_here else "no"


def _loop() -> str:
    loop = make_trace("loop", keys=1_000, exponent=0.0, requests=5_000)
    return f"{hit_ratio('LRU', loop, 900):.0%}".replace("%", " %")


#: Predictions: keyword arguments of ``helpers.explore.predict``, the key without its chapter.
_PREDICTIONS: dict[str, dict[str, Any]] = {
    "fewest-reads": {
        "question": "One operation in ten is a write. Which strategy sends the fewest reads to the "
        "database?",
        "options": ("cache-aside", "write-through", "refresh-ahead"),
        "answer": _fewest_reads,
        "why": "A write leaves the new value in the cache instead of a hole, so the next read is "
        "a hit.",
    },
    "stale-orders": {
        "question": "A reader meets an empty cache while a writer is at work. In how many of the "
        "10 possible orders does the cache end up with the old value?",
        "answer": _stale_orders,
        "unit": "orders",
        "tolerance": 0.01,
        "why": "One order is enough: it will happen, and then the old value stays until its TTL.",
    },
    "cold": {
        "question": "A cache with a hit ratio of 95 % restarts and is empty. How many times its "
        "usual load does the database get at that moment?",
        "answer": lambda: theory.theory_cold_restart(0.95),
        "unit": "times",
        "why": "It used to get 5 % of the requests, and now it gets 100 %.",
    },
    "herd-down": {
        "question": "1,000 requests/s ask for one key, a query takes 0.4 s, and the database has "
        "20 connections. The key expires. For how long are all connections taken?",
        "answer": lambda: theory.theory_herd_drain(
            theory.theory_expiry_herd(1_000.0, 0.4), 0.4, 20
        ),
        "unit": "s",
        "why": "401 queries of 0.4 s on 20 connections. The value is cached after 0.4 s, and the "
        "database goes on computing it for another seven seconds.",
    },
    "xfetch": {
        "question": "The request rate grows from 100 to 100,000 per second. By what factor does "
        "XFetch's stampede grow?",
        "options": (
            "1,000 times",
            "about 30 times, like the square root",
            "about 3 times, like the logarithm",
            "not at all",
        ),
        "answer": "not at all",
        "why": "At a higher rate the first refresh comes earlier, where the coin is less generous, "
        "and the two effects cancel.",
    },
    "jitter": {
        "question": "2,000 keys expire at once. Each costs one query of 50 ms, and there are 20 "
        "connections. Over what interval must the expiries be spread so that hardly anybody waits?",
        "answer": 2_000 * 0.05 / 20,
        "unit": "s",
        "why": "2,000 times 50 ms of work on 20 connections takes 5 s, however it is arranged.",
    },
    "break": {
        "question": "A key with a TTL of 60 s takes 2 s to compute; the database has 20 "
        "connections and no fix. From which request rate on does it never recover?",
        "answer": (60 * 20 / 2 - 1) / 2,
        "unit": "requests/s",
        "why": "(1 + 2 × rate) queries of 2 s on 20 connections fill 60 s at about 300 requests/s.",
    },
    "write-through": {
        "question": "Two servers write the same key through to database and cache. Can the cache "
        "be left with a value that the database no longer has?",
        "options": (
            "no: each write updates both",
            "only if a server crashes",
            "yes, with nothing failing",
        ),
        "answer": _write_through,
        "why": "Nothing makes the two reach the cache in the order in which the database took "
        "them.",
    },
    "loss": {
        "question": "2,000 writes/s are acknowledged from memory and flushed every 0.1 s. How many "
        "acknowledged writes does a crash lose on average?",
        "answer": lambda: theory.theory_write_behind(2_000.0, 0.1).lost_mean,
        "unit": "writes",
        "why": "An interval holds 200 writes, and on average a crash comes in its middle.",
    },
    "refresh": {
        "question": "A key is read once a minute on average, and its TTL is 10 s. What share of "
        "its refreshes is read by anybody before the TTL is over?",
        "answer": lambda: 100 * float(theory.theory_refresh_ahead([1 / 60], 10.0, 0.8).useful[0]),
        "unit": "%",
        "why": "A sixth of a read is expected in 10 s; 1 - exp(-1/6) is a little less than that.",
    },
    "ttl": {
        "question": "A value changes every 100 s on average and is cached for 60 s. What share of "
        "the cache's hits is stale?",
        "answer": lambda: 100 * theory.theory_staleness(0.01, 60.0),
        "unit": "%",
        "tolerance": 0.25,
        "why": "0.6 changes are expected in a lifetime; half of that is 30 %, and the exact value "
        "is a little less.",
    },
    "loop": {
        "question": "A program reads 1,000 records in a loop, again and again. An LRU cache has "
        "room for 900 of them. What is its hit ratio?",
        "options": ("90 %", "about 80 %", "50 %", "0 %"),
        "answer": _loop,
        "why": "It always throws out the record that is needed next: the least recently used one.",
    },
}

#: Quizzes: keyword arguments of ``helpers.explore.quiz``.
_QUIZZES: dict[str, dict[str, Any]] = {
    "stall": {
        "question": "Your hottest key expires every five minutes, and the database stalls each "
        "time. You have one line of code to spend.",
        "options": {
            "Add jitter to its TTL.": "That moves the stall to a less regular moment. One key "
            "cannot be spread over time.",
            "Let one request recompute it while the others wait.": "Single-flight: one query "
            "instead of 1 + rate × recompute time.",
            "Double the TTL.": "Half as many stalls, each as long as before.",
        },
        "answer": "Let one request recompute it while the others wait.",
    },
    "wrong-name": {
        "question": "One user's name is wrong in the cache and right in the database. Writes go "
        "through to both, and no server crashed. What happened?",
        "options": {
            "It cannot happen: write-through updates both.": "It updates both, but nothing fixes "
            "the order in which two writers reach the cache.",
            "Two writes raced, and the older one reached the cache last.": "It stays there until "
            "its TTL is over, unless versions are compared.",
            "The database lost a write.": "Then the database would be wrong, not the cache.",
        },
        "answer": "Two writes raced, and the older one reached the cache last.",
    },
    "better-cache": {
        "question": "You raise the hit ratio from 90 % to 99 %. What happens to the risk in a cold "
        "restart?",
        "options": {
            "It falls: the database has less to do.": "Less to do on a normal day, and there is "
            "the trap: a database sized for that day is ten times too small for a cold cache.",
            "It stays as it was.": "The multiplier is 1/(1 - h), which goes from 10 to 100.",
            "The load multiplier grows from 10 to 100.": "1/(1 - h). If you shrink the database "
            "to fit its new load, a restart is ten times as bad.",
        },
        "answer": "The load multiplier grows from 10 to 100.",
    },
}

#: The names of all questions.
QUESTIONS = (*_PREDICTIONS, *_QUIZZES)


def question(name: str) -> dict[str, Any]:
    """Return the arguments of ``predict`` or ``quiz`` for one of the chapter's questions.

    Parameters
    ----------
    name : str
        One of QUESTIONS.

    Returns
    -------
    dict
        Keyword arguments; predictions carry the key ``"09-<name>"``.

    Raises
    ------
    TypeError, ValueError
        If there is no such question.
    """
    validation.one_of("name", name, QUESTIONS)
    if name in _QUIZZES:
        return dict(_QUIZZES[name])
    return {**_PREDICTIONS[name], "key": f"09-{name}"}
