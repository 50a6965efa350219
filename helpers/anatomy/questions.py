"""What the chapter asks, with the answers out of sight of the page that asks.

Every answer that is a number or a name is worked out by the theory or the simulation it belongs to,
so that none can disagree with the chapter.
"""

from __future__ import annotations

from collections.abc import Mapping

from helpers.anatomy import (
    autoscaler,
    balancing,
    cache_load,
    cdn,
    chain,
    health_check,
    hit_ratio,
    layouts,
    outage,
    power_cut,
    sessions,
    whole_system,
)
from helpers.anatomy.policies import POLICIES
from helpers.foundations.prose import percent, significant
from helpers.foundations.questions import Goal, Prediction, Quiz

CHAPTER = "04"

_SAME, _MORE, _FEWER = "about as many", "more", "fewer"


def _single_points() -> float:
    return float(len(whole_system.simulate().single_points))


def _cdn_without_hits() -> str:
    exact = cdn.theory(cdn.Setting(hit_ratio=0))
    return "sooner" if exact.mean_s < exact.direct_s else "later"


def _power_of_two() -> float:
    *_, run = balancing.simulate()
    return float(run.response.estimate[POLICIES.index("power of two")])


def _deeper_check() -> str:
    shallow, deep = (
        health_check.simulate(utilisation=0.8, check=check).failed_after
        for check in health_check.CHECKS
    )
    return _MORE if deep > 1.1 * shallow else _FEWER if deep < 0.9 * shallow else _SAME


def _falling_hits() -> float:
    before, after = (
        cache_load.theory(cache_load.Setting(hit_ratio=h)).database_rps for h in (0.99, 0.98)
    )
    return after / before


def _layout() -> str:
    return str(layouts.simulate(page_share=0, report_share=1).summary["cheapest"])


PREDICTIONS: Mapping[str, Prediction] = {
    "single-points": Prediction(
        question="Behind the clients stand twelve machines, a replica among them. How many boxes "
        "of the usual drawing are single points of failure?",
        answer=_single_points,
        unit="boxes",
        tolerance=0.01,
        why="CDN, balancer, cache, the primary database and the queue. Three servers and three "
        "workers are the only boxes drawn more than once that can stand in for each other.",
    ),
    "cdn": Prediction(
        question="The origin is 8,000 km away, and the CDN has nothing you ask for: every request "
        "is a miss. Does the first byte come sooner or later than without a CDN?",
        options=("sooner", "later"),
        answer=_cdn_without_hits,
        why="Two of the three long round trips of a new connection become short ones.",
    ),
    "power-of-two": Prediction(
        question="Ten servers at 90 % load. Picked at random, a server answers after 10 service "
        "times on average. How many, if you look at two random servers and take the emptier?",
        answer=_power_of_two,
        unit="service times",
        tolerance=0.25,
        why="One more look removes most of the waiting. A third look would add little.",
        axis="y",
    ),
    "burst": Prediction(
        question="180 requests/s over three servers, a check every 5 s, and a server is taken out "
        "after two failed checks. One dies. How many requests fail, on average?",
        answer=health_check.theory(health_check.Setting()).errors,
        unit="requests",
        tolerance=0.15,
        why="60 requests/s for one and a half intervals.",
        axis="y",
    ),
    "deeper-check": Prediction(
        question="Three servers at 80 %, one dies. The balancer's check may ask “does the process "
        "answer?” or, deeper, “does a request get through within a second?”. With the deeper "
        "check, how many requests fail afterwards?",
        options=(_FEWER, _SAME, _MORE),
        answer=_deeper_check,
        why="The survivors are overloaded, fail the deep check, and are taken out as well.",
    ),
    "added-server": Prediction(
        question="Users are sent to server hash(user) % 3, which keeps their session in memory. "
        "You add a fourth server. What share of the users has to log in again?",
        answer=100 * float(sessions.theory(sessions.Setting(event="add a server"))),
        unit="%",
        tolerance=0.05,
        why="Three users in four get another remainder. Nothing crashed.",
        axis="y",
    ),
    "deficit": Prediction(
        question="Demand jumps from 300 to 900 requests/s. You run at 60 %, and new servers answer "
        "135 s later. How many requests arrive that nobody has capacity for?",
        answer=autoscaler.theory(autoscaler.Setting(rise_s=0)),
        unit="requests",
        tolerance=0.15,
        why="900 wanted, 500 possible, for 135 s.",
    ),
    "ladder": Prediction(
        question="A value is 100 ns away in this process's memory. It is also in the memory of a "
        "cache server in the same data centre. About how many times farther is that?",
        options=("5 times", "50 times", "5,000 times"),
        answer="5,000 times",
        why="A round trip takes about half a millisecond (Dean 2009): memory is fast, the way to "
        "it is not.",
    ),
    "falling-hits": Prediction(
        question="The hit ratio falls from 99 % to 98 %. By what factor does the database's load "
        "grow?",
        answer=_falling_hits,
        unit="times",
        tolerance=0.05,
        why="The database sees 1 − h, and that goes from 1 % to 2 %.",
    ),
    "small-cache": Prediction(
        question="5,000 keys, popularity by Zipf's law with exponent 0.9, room for a tenth of "
        "them. What share of the reads does an LRU cache answer?",
        answer=100 * float(hit_ratio.theory(hit_ratio.Setting()).lru),
        unit="%",
        tolerance=0.12,
        why="A tenth of the room, more than half of the reads; the rest of the way is dear.",
        axis="y",
    ),
    "lost-writes": Prediction(
        question="500 writes/s are acknowledged at once and synced to disk every second. The power "
        "fails at a random moment. How many acknowledged writes are gone, on average?",
        answer=power_cut.theory(power_cut.Setting()).lost_writes,
        unit="writes",
        tolerance=0.1,
        why="On average half a second's worth.",
        axis="y",
    ),
    "layout": Prediction(
        question="Which layout reads the fewest pages for “revenue by product, all users”?",
        options=layouts.LAYOUTS,
        answer=_layout,
        why="It reads the orders and nothing else, in compact rows.",
    ),
    "chain": Prediction(
        question="Five services call one another in a row, each up 99 % of the time. How many days "
        "a year is the chain down?",
        answer=chain.HOURS_A_YEAR / 24 * (1 - float(chain.theory(chain.Setting()).direct)),
        unit="days",
        tolerance=0.1,
        why="Each alone is down 3.65 days, and they rarely take the same days off.",
        axis="y",
        scale=24 / chain.HOURS_A_YEAR,
    ),
    "drain": Prediction(
        question="Jobs arrive at 50/s, the worker can do 80/s, and it was away for 20 s. How long "
        "after its return is the queue empty?",
        answer=outage.theory(outage.Setting()).drain_s,
        unit="s",
        tolerance=0.15,
        why="1,000 jobs are left, and only 30/s of the worker's 80 go into catching up.",
    ),
}

QUIZZES: Mapping[str, Quiz] = {
    "two-of-everything": Quiz(
        question="You may double one box of the usual drawing. Which one makes the largest "
        "difference to how often a write succeeds?",
        options={
            "a fourth application server": "Three already stand in for one another; a write never "
            "waits for the fourth.",
            "a second balancer": "Every request goes through the balancer, and there was one.",
            "three more workers": "Jobs can wait in the queue; a write does not need a worker.",
        },
        answer="a second balancer",
    ),
    "check-every-second": Quiz(
        question="You cut the interval of the health check from 5 s to 1 s and keep the "
        "threshold of 2. What happens to the error burst after a death?",
        options={
            "it falls to a fifth": "The burst is λ/n times one and a half intervals.",
            "it falls to a half": "The threshold was not changed; the interval was, by five.",
            "nothing, errors depend on the load only": "They depend on the load and on the time "
            "until the death is noticed.",
        },
        answer="it falls to a fifth",
    ),
    "ninety-nine": Quiz(
        question="A database can do 800 reads/s and stands behind a cache with a hit ratio of "
        "99 %. Traffic is 20,000 reads/s. The cache restarts empty. What reaches the database?",
        options={
            "200 reads/s": "That is what reaches it while the cache is warm.",
            "20,000 reads/s": "Every read misses: 100 times as much, and 25 times what it can do.",
            "800 reads/s": "That is what it can do, not what it is asked to do.",
        },
        answer="20,000 reads/s",
    ),
}

_HIT_STEP = 0.005  # of the slider


def _just_keeps_up(run: cache_load.CacheLoad) -> bool:
    more = run.at.hit_ratio - run.at.needed_hit_ratio
    return 1e-6 < more <= _HIT_STEP + 1e-6 and run.read is not None


def _needed_hit_ratio(run: cache_load.CacheLoad) -> str:
    return (
        f"the database keeps up while (1 - h) times {significant(run.at.rate_rps)} reads/s stay "
        f"below {significant(cache_load.CAPACITY_RPS)}, which takes a hit ratio above "
        f"{percent(run.at.needed_hit_ratio)}."
    )


GOALS: Mapping[str, Goal] = {
    "keeps-up": Goal(
        asked="the lowest hit ratio on the slider with which the database still keeps up.",
        reached=_just_keeps_up,
        boundary=_needed_hit_ratio,
    ),
}
