"""What the chapter asks, with the answers out of sight of the page that asks.

Every answer that is a number or a name is worked out by the theory or the simulation it belongs to,
so that none can disagree with the chapter. ``predict(**anatomy.question("cdn"))`` asks one.
"""

from __future__ import annotations

from typing import Any

from helpers.anatomy import theory
from helpers.anatomy.simulation import (
    BALANCING_POLICIES,
    simulate_anatomy,
    simulate_balancing,
    simulate_health_check,
    simulate_layouts,
)
from helpers.foundations import validation

_SAME, _MORE, _FEWER = "about as many", "more", "fewer"


def _single_points() -> float:
    return float(len(simulate_anatomy().single_points))


def _cdn_without_hits() -> str:
    numbers = theory.theory_cdn(distance_km=8_000, hit_ratio=0.0, rate_rps=100)
    return "sooner" if numbers["mean_s"] < numbers["direct_s"] else "later"


def _power_of_two() -> float:
    *_, result = simulate_balancing()
    return float(result.response.estimate[BALANCING_POLICIES.index("power of two")])


def _burst() -> float:
    return theory.theory_health_check(rate_rps=180, servers=3, interval_s=5, threshold=2)["errors"]


def _deeper_check() -> str:
    shallow, deep = (
        simulate_health_check(utilisation=0.8, check=check).failed_after
        for check in ("shallow", "deep")
    )
    return _MORE if deep > 1.1 * shallow else _FEWER if deep < 0.9 * shallow else _SAME


def _added_server() -> float:
    return 100 * theory.theory_sessions(servers=3, event="add a server")


def _deficit() -> float:
    return theory.theory_deficit(
        before_rps=300, after_rps=900, rise_s=0, lag_s=135, target=0.6
    )  # fmt: skip


def _falling_hits() -> float:
    before, after = (
        theory.theory_cache_load(rate_rps=4_000, hit_ratio=h)["database_rps"] for h in (0.99, 0.98)
    )
    return after / before


def _small_cache() -> float:
    return 100 * float(theory.theory_hit_ratio(keys=5_000, exponent=0.9, size=[500])[0])


def _lost_writes() -> float:
    return theory.theory_power_cut(rate_rps=500, flush_s=1, sync_ms=2)["lost_writes"]


def _layout() -> str:
    result = simulate_layouts(page_share=0.0, report_share=1.0)
    return str(result.summary["cheapest"])


def _chain() -> float:
    down = 1 - theory.theory_chain(services=5, availability=0.99)
    return 365.25 * down


def _drain() -> float:
    return theory.theory_outage(rate_rps=50, outage_s=20, drain_rps=80)["drain_s"]


#: Predictions: keyword arguments of ``helpers.explore.predict``, the key without its chapter.
_PREDICTIONS: dict[str, dict[str, Any]] = {
    "single-points": {
        "question": "Twelve machines, a replica among them. How many boxes of the usual "
        "drawing are single points of failure?",
        "answer": _single_points,
        "unit": "boxes",
        "tolerance": 0.01,
        "why": "CDN, balancer, cache, the primary database and the queue. Three servers and "
        "three workers are the only boxes drawn more than once that can stand in for each other.",
    },
    "cdn": {
        "question": "The origin is 8,000 km away, and the CDN has nothing you ask for: every "
        "request is a miss. Does the first byte come sooner or later than without a CDN?",
        "options": ("sooner", "later"),
        "answer": _cdn_without_hits,
        "why": "Two of the three long round trips of a new connection become short ones.",
    },
    "power-of-two": {
        "question": "Ten servers at 90 % load. Picked at random, a server answers after 10 service "
        "times on average. How many, if you look at two random servers and take the emptier?",
        "answer": _power_of_two,
        "unit": "service times",
        "tolerance": 0.25,
        "why": "One more look removes most of the waiting. A third look would add little.",
    },
    "burst": {
        "question": "180 requests/s over three servers, a check every 5 s, and a server is taken "
        "out after two failed checks. One dies. How many requests fail, on average?",
        "answer": _burst,
        "unit": "requests",
        "tolerance": 0.15,
        "why": "60 requests/s for one and a half intervals.",
    },
    "deeper-check": {
        "question": "Three servers at 80 %, one dies. The balancer's check may ask “does the "
        "process answer?” or, deeper, “does a request get through within a second?”. With the "
        "deeper check, how many requests fail afterwards?",
        "options": (_FEWER, _SAME, _MORE),
        "answer": _deeper_check,
        "why": "The survivors are overloaded, fail the deep check, and are taken out as well.",
    },
    "added-server": {
        "question": "Users are sent to server hash(user) % 3, which keeps their session in memory. "
        "You add a fourth server. What share of the users has to log in again?",
        "answer": _added_server,
        "unit": "%",
        "tolerance": 0.05,
        "why": "Three users in four get another remainder. Nothing crashed.",
    },
    "deficit": {
        "question": "Demand jumps from 300 to 900 requests/s. You run at 60 %, and new servers "
        "answer 135 s later. How many requests arrive that nobody has capacity for?",
        "answer": _deficit,
        "unit": "requests",
        "tolerance": 0.15,
        "why": "900 wanted, 500 possible, for 135 s.",
    },
    "ladder": {
        "question": "A value is 100 ns away in this process's memory. It is also in the memory of "
        "a cache server in the same data centre. About how many times farther is that?",
        "options": ("5 times", "50 times", "5,000 times"),
        "answer": "5,000 times",
        "why": "A round trip takes about half a millisecond (Dean 2009): memory is fast, the way "
        "to it is not.",
    },
    "falling-hits": {
        "question": "The hit ratio falls from 99 % to 98 %. By what factor does the database's "
        "load grow?",
        "answer": _falling_hits,
        "unit": "times",
        "tolerance": 0.05,
        "why": "The database sees 1 − h, and that goes from 1 % to 2 %.",
    },
    "small-cache": {
        "question": "5,000 keys, popularity by Zipf's law with exponent 0.9, room for a tenth of "
        "them. What share of the reads does an LRU cache answer?",
        "answer": _small_cache,
        "unit": "%",
        "tolerance": 0.12,
        "why": "A tenth of the room, more than half of the reads; the rest of the way is dear.",
    },
    "lost-writes": {
        "question": "500 writes/s are acknowledged at once and synced to disk every second. The "
        "power fails at a random moment. How many acknowledged writes are gone, on average?",
        "answer": _lost_writes,
        "unit": "writes",
        "tolerance": 0.1,
        "why": "On average half a second's worth.",
    },
    "layout": {
        "question": "Which layout reads the fewest pages for “revenue by product, all users”?",
        "options": ("relational", "document", "key-value", "graph"),
        "answer": _layout,
        "why": "It reads the orders and nothing else, in compact rows.",
    },
    "chain": {
        "question": "Five services call one another in a row, each up 99 % of the time. How many "
        "days a year is the chain down?",
        "answer": _chain,
        "unit": "days",
        "tolerance": 0.1,
        "why": "Each alone is down 3.65 days, and they rarely take the same days off.",
    },
    "drain": {
        "question": "Jobs arrive at 50/s, the worker can do 80/s, and it was away for 20 s. How "
        "long after its return is the queue empty?",
        "answer": _drain,
        "unit": "s",
        "tolerance": 0.15,
        "why": "1,000 jobs are left, and only 30/s of the worker's 80 go into catching up.",
    },
}

#: Quiz questions: keyword arguments of ``helpers.explore.quiz``.
_QUIZZES: dict[str, dict[str, Any]] = {
    "two-of-everything": {
        "question": "You may double one box of the usual drawing. Which one makes the largest "
        "difference to how often a write succeeds?",
        "options": {
            "a fourth application server": "Three already stand in for one another; a write never "
            "waits for the fourth.",
            "a second balancer": "Every request goes through the balancer, and there was one.",
            "three more workers": "Jobs can wait in the queue; a write does not need a worker.",
        },
        "answer": "a second balancer",
    },
    "check-every-second": {
        "question": "You cut the interval of the health check from 5 s to 1 s and keep the "
        "threshold of 2. What happens to the error burst after a death?",
        "options": {
            "it falls to a fifth": "The burst is λ/n times one and a half intervals.",
            "it falls to a half": "The threshold was not changed; the interval was, by five.",
            "nothing, errors depend on the load only": "They depend on the load and on the time "
            "until the death is noticed.",
        },
        "answer": "it falls to a fifth",
    },
    "ninety-nine": {
        "question": "A database can do 800 reads/s and stands behind a cache with a hit ratio of "
        "99 %. Traffic is 20,000 reads/s. The cache restarts empty. What reaches the database?",
        "options": {
            "200 reads/s": "That is what reaches it while the cache is warm.",
            "20,000 reads/s": "Every read misses: 100 times as much, and 25 times what it can do.",
            "800 reads/s": "That is what it can do, not what it is asked to do.",
        },
        "answer": "20,000 reads/s",
    },
}


def question(name: str) -> dict[str, Any]:
    """Return the arguments with which ``predict`` or ``quiz`` asks a question of this chapter.

    Parameters
    ----------
    name : str
        Name of the question, such as ``"cdn"``.

    Raises
    ------
    TypeError, ValueError
        If there is no such question.
    """
    validation.one_of("name", name, (*_PREDICTIONS, *_QUIZZES))
    if name in _QUIZZES:
        return dict(_QUIZZES[name])
    return {"key": f"04-{name}", **_PREDICTIONS[name]}


def question_names() -> tuple[str, ...]:
    """Return the names of all questions."""
    return (*_PREDICTIONS, *_QUIZZES)
