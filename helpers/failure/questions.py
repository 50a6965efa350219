"""What the chapter asks, with the answers out of sight of the page that asks.

Every answer that is a number is worked out by the theory or the simulation it belongs to, so that
none can disagree with the chapter.
"""

from __future__ import annotations

from collections.abc import Mapping

from helpers.failure import (
    bad_day,
    bulkhead,
    burn_rate,
    degradation,
    fleet,
    gray,
    layers,
    percentiles,
    real_fallback,
    redundancy,
    replica,
    shedding,
    spares,
    storm,
    threshold,
)
from helpers.foundations.prose import percent
from helpers.foundations.questions import Goal, Prediction, Quiz

CHAPTER = "06"


def _after_the_storm() -> str:
    return "hardly any" if storm.simulate().at_end < 0.02 else "all of them"


def _does_not_help() -> str:
    asked = ("backoff with full jitter", "retry budget", "circuit breaker", "deadline")
    return min(asked, key=lambda remedy: storm.simulate(remedy=remedy).at_end)


def _in_turn() -> str:
    return "hardly any of it" if shedding.simulate().here < 0.02 else "all of it"


def _draws_traffic() -> str:
    run = gray.simulate(balancer="fewest in flight")
    return "clearly more than 10 %" if run.failed > 1.3 * gray.theory(run.at) else "10 %"


def _drains_h() -> float:
    at = bad_day.Setting()
    return (bad_day.theory(at).gone_min - at.resumed_min) / 60


PREDICTIONS: Mapping[str, Prediction] = {
    "fleet": Prediction(
        question="A machine fails once in three years. You have 1,000 of them. On what share of "
        "the days does at least one fail?",
        answer=lambda: 100 * float(fleet.theory(fleet.Setting()).bad_days),
        unit="%",
        tolerance=0.2,
        why="1,000 machines fail 333 times a year, on average 0.91 times a day; a day without a "
        "failure has probability exp(-0.91).",
    ),
    "pair": Prediction(
        question="A machine lives 1,000 h on average, and a repair takes a day. How many times as "
        "long does a pair live, until both are down at once?",
        answer=lambda: float(redundancy.theory(redundancy.Setting()).exact_h) / 1_000,
        unit="times",
        tolerance=0.3,
        why="The second must fail within the day that the first is being repaired, which it does "
        "once in forty-odd repairs; and a repair begins every 500 h.",
    ),
    "deploy": Prediction(
        question="Three servers, each up 99 % of the time; the load needs two. A deployment takes "
        "one out. For what share of that time are too few up?",
        answer=lambda: 100 * spares.theory(spares.Setting(), deploying=1),
        unit="%",
        tolerance=0.2,
        why="Both of the other two must be up: 1 - 0.99². Without the deployment it is 0.03 %.",
    ),
    "lost": Prediction(
        question="A primary takes 200 writes/s and ships its log every second. It dies. How many "
        "acknowledged writes does the replica lack on average?",
        answer=lambda: float(replica.theory(replica.Setting()).lost),
        unit="writes",
        why="On average it dies in the middle of an interval: half of 200, and those on the way.",
    ),
    "bulkhead": Prediction(
        question="Logins need 2 threads on average, images usually one. The images' storage gets "
        "slow, and they would need 40. All share 20 threads. What share of the logins is refused?",
        answer=lambda: 100 * float(bulkhead.theory(bulkhead.Setting()).login),
        unit="%",
        tolerance=0.2,
        why="42 threads' worth of work asks for 20, and a thread does not know a login from an "
        "image: somewhat more than half of both are refused.",
    ),
    "layers": Prediction(
        question="Three layers make three attempts each. The database at the bottom is down. How "
        "many calls does one click become there?",
        answer=lambda: float(layers.theory(layers.Setting()).calls),
        unit="calls",
        tolerance=0.01,
        why="3 × 3 × 3: each layer's attempt is a whole request to the layer below.",
    ),
    "storm": Prediction(
        question="A server can do 50 requests/s and gets 35. For five seconds it gets 105. Half a "
        "minute after that, at 35 again: how many of the requests are answered in time?",
        options=("all of them", "about 70 %", "about a third", "hardly any"),
        answer=_after_the_storm,
        why="Every request comes three times now, because nobody is answered in time; and nobody "
        "is answered in time, because every request comes three times.",
    ),
    "remedies": Prediction(
        question="Which of these does not bring the dead server back?",
        options=("backoff with full jitter", "retry budget", "circuit breaker", "deadline"),
        answer=_does_not_help,
        why="Pauses put the retries off and take none away: after a while as many arrive per "
        "second as without them.",
    ),
    "vulnerable": Prediction(
        question="A database can do 300 queries/s, and clients ask at most twice. Up to which load "
        "can no spike, however large, kill it for good?",
        answer=lambda: 300 * threshold.theory(threshold.Setting(attempts=2)),
        unit="queries/s",
        tolerance=0.02,
        why="If every query is asked twice, 150 become 300, which is just what it can do.",
    ),
    "break": Prediction(
        question="Five attempts instead of two. From which load on, in per cent of the capacity, "
        "can a trigger kill the server for good?",
        answer=lambda: 100 * threshold.theory(threshold.Setting(attempts=5)),
        unit="%",
        tolerance=0.05,
        why="A fifth: five attempts of a fifth of the capacity fill it.",
    ),
    "in-turn": Prediction(
        question="A server gets half as much again as it can do, clients wait a second, and it "
        "serves them in turn. How much of its work comes in time?",
        options=("all of it", "two thirds", "a third", "hardly any of it"),
        answer=_in_turn,
        why="The line grows until everybody has waited for a second before their turn.",
    ),
    "soft": Prediction(
        question="A page has ten parts, each of which answers 99 % of the time, and any of them "
        "can turn it into an error page. What share of the pages is served?",
        answer=lambda: 100 * float(degradation.theory(degradation.Setting()).served),
        unit="%",
        tolerance=0.03,
        why="0.99 to the tenth.",
    ),
    "time-out": Prediction(
        question="A service answers in 20 ms on average (exponential), and one answer in ten takes "
        "a second. A page gives up after 100 ms and shows something else. How long does it wait on "
        "average?",
        answer=lambda: 1e3 * real_fallback.theory(real_fallback.Trial(), 100.0).wait_s,
        unit="ms",
        tolerance=0.15,
        why="0.1 × 100 ms for the slow tenth, and a little less than 0.9 × 20 ms for the others. "
        "Without a time-out it is 118 ms.",
    ),
    "pager": Prediction(
        question="99.9 % are promised, and suddenly 10 % of the requests fail. After how many "
        "minutes has the last hour a burn rate of 14.4?",
        answer=lambda: float(burn_rate.theory(burn_rate.Setting(), burn_rate.ALERTS[0])),
        unit="min",
        tolerance=0.25,
        why="The hour may hold 1.44 % of failures. At 10 % that takes about a seventh of it.",
    ),
    "percentiles": Prediction(
        question="Ten servers; nine have a 99th percentile of 230 ms, one has 2,300 ms. The "
        "dashboard shows the average, 437 ms. Which time does one request in a hundred exceed?",
        answer=lambda: percentiles.theory(percentiles.Setting()).true_ms,
        unit="ms",
        tolerance=0.25,
        why="Nearly all of the slowest hundredth comes from the slow server, a tenth of whose "
        "requests are in it.",
    ),
    "gray": Prediction(
        question="One server of ten fails everything at once and passes its health check. The "
        "balancer picks whoever has the fewest requests in flight, and the servers are half busy. "
        "How many requests fail?",
        options=("clearly fewer than 10 %", "10 %", "clearly more than 10 %"),
        answer=_draws_traffic,
        why="Who fails in a millisecond has nothing in flight, and looks like the best server "
        "there is.",
    ),
    "drain": Prediction(
        question="Five million events wait, 80 per second come anew, and processing can do 300 per "
        "second. After how many hours is the backlog gone?",
        answer=_drains_h,
        unit="h",
        why="Only 220 per second are left for it: 5.02 million / 220 is 22,800 s.",
    ),
}

QUIZZES: Mapping[str, Quiz] = {
    "still-down": Quiz(
        question="The spike was over an hour ago, traffic is normal, every server is at 100 % and "
        "nearly every request times out. What first?",
        options={
            "Find the cause of the spike.": "It is gone. What keeps the system down is not what "
            "brought it down.",
            "Let less in, until the lines are empty.": "A dead state lasts only while the attempts "
            "exceed the capacity. Below that it heals by itself.",
            "Raise the time-outs.": "That helps only if the line is shorter than the new time-out, "
            "and by now it is not.",
        },
        answer="Let less in, until the lines are empty.",
    ),
    "two-of-three": Quiz(
        question="Your load needs two servers and you run three. When is the third one a spare?",
        options={
            "Always.": "Not while a deployment has one of them out, which may be every day.",
            "Except while you deploy.": "With one out for the new version, two are needed and two "
            "are there.",
            "Never.": "On a quiet day one may fail, and nobody notices.",
        },
        answer="Except while you deploy.",
    ),
    "who-saw-it": Quiz(
        question="One server of ten fails its requests within a millisecond and passes its health "
        "check. Which signal shows it?",
        options={
            "The health check.": "It says yes: that is what makes the failure gray.",
            "The mean response time.": "It gets better: errors are quick.",
            "The share of failed requests, server by server.": "One of them is at 100 %. Users saw "
            "it first; count what they see.",
        },
        answer="The share of failed requests, server by server.",
    ),
}


def _stays_dead(run: threshold.Threshold) -> bool:
    return run.at_end < 0.5 and run.at.load <= threshold.theory(run.at) + 0.02


def _where_it_can_stay_dead(run: threshold.Threshold) -> str:
    share = percent(threshold.theory(run.at))
    return (
        f"with {run.at.attempts} attempts a dead state can last from {share} of the capacity on, "
        "where all attempts of all requests fill it."
    )


GOALS: Mapping[str, Goal] = {
    "stays-dead": Goal(
        asked="a load, as low as you can, at which the server is still dead long after the "
        "trigger.",
        reached=_stays_dead,
        boundary=_where_it_can_stay_dead,
        before="break",
    ),
}
