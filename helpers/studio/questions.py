"""What the chapter asks, with the answers out of sight of the page that asks.

Every answer that is a number is worked out by the theory or the simulation it belongs to, so that
none can disagree with the chapter.
"""

from __future__ import annotations

from collections.abc import Mapping

from helpers.foundations.prose import significant
from helpers.foundations.questions import Goal, Prediction, Quiz
from helpers.studio import changes, desk, growth, questions_of_stories
from helpers.studio.deck import brief
from helpers.studio.judge import ran_on
from helpers.studio.references import checklist, usual

CHAPTER = "11"

#: Services that one call depends on, and how often each is up.
DEPENDENCIES, UP = questions_of_stories.DEPENDENCIES, questions_of_stories.UP


def _v0_thousand() -> float:
    return growth.theory(growth.VERSIONS[0]).users / 1e3


def _eager_answered() -> float:
    payments = brief("payments")
    return 100 * ran_on(payments, usual(payments), payments.unseen[0], 1).answered


def _cheapest_kind() -> str:
    *_, last = changes.simulate(brief="payments")
    return "room for fewer in line" if "room for" in last.cheapest[0].words else "another"


def _lost_pieces() -> str:
    video = brief("video")
    lost = ran_on(video, usual(video), video.unseen[0], 1).lost
    return "none" if not lost else "about a dozen" if lost < 30 else "about a hundred"


def _recipe_keeps() -> str:
    from helpers.studio.deck import deck
    from helpers.studio.judge import passes

    kept = sum(passes(one, checklist(one)) for one in deck().values())
    return "one or two" if kept in (1, 2) else "about half" if kept in (3, 4, 5) else "nearly all"


PREDICTIONS: Mapping[str, Prediction] = {
    **questions_of_stories.PREDICTIONS,
    "v0": Prediction(
        question="One machine of four threads runs a news feed: 40 ms of its own work a request, "
        "25 ms in the database, and for one request in twenty 250 ms of further work. Thirty "
        "requests a user and day, the busiest hour at two and a half times the mean; it may be "
        "70 % busy. For how many thousand daily users is that enough?",
        answer=_v0_thousand,
        unit="thousand",
        tolerance=0.35,
        axis="x",
        scale=1e3,
        why="A request holds a thread for 40 + 25 + 250/20 = 77.5 ms, so four threads do 52 "
        "requests a second; 70 % of that, divided by what a user asks for in the busiest hour.",
    ),
    "eager": Prediction(
        question="Payments: clients, balancer and servers each wait half a second and try again, "
        "up to three times. For three seconds of twenty the database is eight times as slow. What "
        "share of the requests of those twenty seconds is answered?",
        answer=_eager_answered,
        unit="%",
        tolerance=0.35,
        why="Four attempts of four of four make up to 64 calls of one request. They fill the lines "
        "within a second, and what is at the head of a line has been given up: the retries keep "
        "the system down when the database is quick again.",
    ),
    "cheapest": Prediction(
        question="Which single change helps that design most for the least money?",
        options=("one more server", "one more replica", "a cache", "room for fewer in line"),
        answer=_cheapest_kind,
        why="A short line turns calls away before they are old. A retry that is refused at once "
        "costs next to nothing, and a line that is short holds nobody who has given up.",
    ),
    "lost": Prediction(
        question="Video upload, with a queue in memory and just enough workers. Traffic doubles "
        "for five seconds, and then the queue's machine restarts. How many pieces are gone?",
        options=("none", "about a dozen", "about a hundred"),
        answer=_lost_pieces,
        why="What waits at that moment. In quiet hours that is nobody, which is why no test found "
        "it: the loss is as long as the line.",
    ),
    "recipe": Prediction(
        question="A CDN, two balancers, three servers, a cache, a replica, a queue with workers, "
        "timeouts and three retries on every call: everything that slides recommend. For how many "
        "of the eight briefs is that design enough?",
        options=("nearly all", "about half", "one or two"),
        answer=_recipe_keeps,
        why="Some need less and cannot pay for it, some need more of one thing, and three retries "
        "everywhere are a fault of their own.",
    ),
}

QUIZZES: Mapping[str, Quiz] = {
    **questions_of_stories.QUIZZES,
    "green": Quiz(
        question="A design passes every trace that you have. What do you know?",
        options={
            "That it will pass others of the same kind": "On the same luck, perhaps. The usual "
            "designs of this chapter pass all they were tuned on, and each fails on one that they "
            "were not.",
            "That these traces do not break it": "And nothing more. What breaks it is what nobody "
            "put into a trace; so write traces for what must never happen, before you design.",
            "That it is larger than it needs to be": "Some are. That shows in the bill and in the "
            "load, not in the traces.",
        },
        answer="That these traces do not break it",
    ),
    "front": Quiz(
        question="Two designs cost the same, are as busy, and are down for as long in a year. One "
        "falls over on a bad day. Where does the front of cost, load and outage put them?",
        options={
            "On the same point": "The three numbers know machines and how they are wired. "
            "Timeouts, retries and room are in none of them.",
            "The better one in front": "It would need a number in which it is better. None of the "
            "three has seen a bad day.",
        },
        answer="On the same point",
    ),
    "next-step": Quiz(
        question="A product has 50,000 users, one server that is 80 % busy, and somebody proposes "
        "cells on two continents. What do you ask?",
        options={
            "Which number forces it?": "If none does, the step costs money and months and answers "
            "a question that nobody has asked. At 80 % the next server is forced; the continent "
            "is not.",
            "Whether others of that size have done so": "They have other users, promises and "
            "bills. Their number may be yours; find out.",
            "How soon it can be done": "First whether. A version that nothing forces is paid for "
            "by the one that something does.",
        },
        answer="Which number forces it?",
    ),
}


def _keeps_noon(run: desk.Desk) -> bool:
    at = run.at
    return (at.brief, at.trace) == ("sale", desk.TRACES[2]) and not run.card.misses


def _noon_boundary(run: desk.Desk) -> str:
    sale = brief("sale")
    crowd = sale.rate_rps * max(sale.unseen[0].traffic.factors)
    return (
        f"The crowd comes at {significant(crowd)} requests/s; this design carries "
        f"{significant(desk.theory(run.at))}. What it does not carry has to be turned away at "
        "once: with a long line everybody waits, and hardly anybody is in time."
    )


def _edge_of_v4(run: growth.Growth) -> bool:
    at = run.at
    limit = growth.theory(growth.VERSIONS[4]).users
    return at.version == growth.VERSIONS[4] and not run.forced and at.users > 0.9 * limit


def _edge_boundary(run: growth.Growth) -> str:
    carries = growth.theory(run.at.version)
    return (
        f"“{run.at.version}” may carry {significant(carries.rps)} requests/s, which is "
        f"{significant(carries.users)} daily users. One more forces the next step."
    )


GOALS: Mapping[str, Goal] = {
    **questions_of_stories.GOALS,
    "edge": Goal(
        asked="the most daily users for whom “v4 a queue” keeps what was promised, within a tenth.",
        reached=_edge_of_v4,
        boundary=_edge_boundary,
        before="v0",
    ),
    "noon": Goal(
        asked="a design for the sale that keeps everything on its third trace, within the budget.",
        reached=_keeps_noon,
        boundary=_noon_boundary,
    ),
}
