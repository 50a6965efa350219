"""The chapter's questions, kept apart so that the notebook does not give away their answers."""

from __future__ import annotations

from collections.abc import Mapping

from helpers.blueprint import bounds
from helpers.foundations.prose import percent
from helpers.foundations.questions import Goal, Prediction, Quiz
from helpers.why import (
    binomial_test,
    books,
    choices,
    concurrency,
    deck,
    loss,
    rolling,
    surprises,
    traffic,
)
from helpers.why.shop import my_shop

CHAPTER = "01"

SURVIVES, DOES_NOT = "it survives", "it does not"


def _survived() -> float:
    *_, played = deck.simulate()
    return float(sorted(played.survived)[len(played.survived) // 2])


def _fate(card: str) -> str:
    afternoon = surprises.simulate(surprise=card)
    return SURVIVES if afternoon.survived else DOES_NOT


def _card(card: str, why: str) -> Prediction:
    happens = card[0].upper() + card[1:] + (" happens" if card == "nothing" else "")
    return Prediction(
        question=f"{happens}. Does the shop survive it, with 99 % of its requests answered within "
        "a second?",
        options=(SURVIVES, DOES_NOT),
        answer=lambda: _fate(card),
        why=why,
    )


#: What the deck has to teach, card by card: the key of each prediction, and why it ends so.
_CARDS = {
    "nothing": "A card that shows what an ordinary afternoon looks like: the measure of the rest.",
    "an app server dies": "The balancer sends it half of the requests until it has noticed, and "
    "then one server must do the work of two.",
    "the balancer dies": "There are two, and the other one carries all of the traffic easily.",
    "the database primary dies": "Writes wait for a failover, and only one request in ten writes.",
    "the cache dies": "The shop has none. What is not there cannot die.",
    "the database gets 4 times slower": "A request now holds its thread for 130 ms: 60 x 0.13 s "
    "is 7.8 threads' work for eight threads, and a line grows.",
    "traffic doubles": "120 x 0.07 s is 8.4 threads' work for eight threads. In six seconds that "
    "makes a short line, on most afternoons.",
    "you are on the news": "Four times the traffic is twice what the servers can do, and all who "
    "come later stand in the same line.",
}

#: The deck as it is dealt: each prediction, and the run that answers it.
CARDS: Mapping[str, Mapping[str, str]] = {
    f"card-{i}": {"surprise": card} for i, card in enumerate(_CARDS, start=1)
}

PREDICTIONS: Mapping[str, Prediction] = {
    "users": Prediction(
        question="Ten times as many users: 10,000 instead of 1,000. How long does an answer take "
        "now?",
        options=("about 12 ms", "about 120 ms", "about 4 s", "about 40 s"),
        answer="about 40 s",
        why="10,000 users would ask 167 times a second if nobody waited; one worker answers "
        "100 times. The rest wait.",
    ),
    "kill": Prediction(
        question="A program writes to a file, never asks for a sync, and is killed. How much is "
        "lost?",
        options=("everything", "the last few seconds", "nothing"),
        answer="nothing",
        why="What was handed to the operating system does not die with the process. A power cut "
        "is another matter.",
    ),
    "threads": Prediction(
        question="A request computes for 2 ms and waits for 18 ms. At most how many times the "
        "throughput of one thread can 1,000 threads on one core reach?",
        answer=lambda: 0.020 * concurrency.best_rps(1_000, 0.002, 0.018),
        unit="times",
        why="The core computes 2 ms for each request, so 500 a second; one thread does 50.",
        axis="y",
    ),
    "cut-off": Prediction(
        question="A server is killed at a random moment. A request spends 10 ms before its work "
        "is done and 30 ms after. How often had the work of a request that was cut off been done?",
        answer=100 * books.interrupted_but_done(0.010, 0.030),
        unit="%",
        tolerance=0.1,
        why="Three quarters of a request's life lie after its work is done.",
    ),
    "capacity": Prediction(
        question="How many requests a second can this design take before its first machine is "
        "full?",
        answer=lambda: float(bounds(my_shop()).summary["capacity_rps"]),
        unit="requests/s",
        why="2 servers of 4 threads, each thread held for 70 ms a request: 8 / 0.07 s.",
    ),
    "blind": Prediction(
        question="You choose one of the 48 designs blindly. How likely is it to meet both "
        "requirements?",
        answer=lambda: 100 * float(choices.simulate().good.mean()),
        unit="%",
        tolerance=0.5,
        why="A design has to get every decision right, not most of them.",
    ),
    "deck": Prediction(
        question="How many of the eight cards does the shop survive, with 99 % of its requests "
        "answered within a second?",
        answer=_survived,
        unit="cards",
        tolerance=0.25,
        why="A spare helps once somebody has noticed, and if it can carry the load alone. On "
        "some afternoons it is one card more or fewer.",
    ),
    **{f"card-{i}": _card(card, why) for i, (card, why) in enumerate(_CARDS.items(), start=1)},
    "demo": Prediction(
        question="A server is 80 % busy with evenly spaced requests that all take equally long: "
        "nobody waits. Now they come at random, with the same mean. How long does a request wait?",
        answer=lambda: traffic.theory(
            traffic.Setting(utilisation=0.8, work="always the same"), "poisson"
        ),
        unit="service times",
        why="Pollaczek and Khinchine: rho / (1 - rho), halved as the service does not vary.",
        axis="y",
    ),
    "rolling": Prediction(
        question="Six servers, two replaced at a time. What utilisation must the fleet stay below?",
        answer=lambda: 100 * rolling.theory(rolling.Setting(servers=6, batch=2)).capacity,
        unit="%",
        tolerance=0.02,
        why="Four of six servers are left: (n - k) / n.",
        axis="y",
    ),
    "canary": Prediction(
        question="1 % of the requests fail, 2 % on the bad version. How many requests must the "
        "canary serve until you catch it nine times in ten?",
        answer=lambda: float(binomial_test.requests_needed(0.01, 0.02)),
        unit="requests",
        tolerance=0.5,
        why="Both 1 % and 2 % of a hundred requests are about one error: nothing to see yet.",
        axis="x",
    ),
    "boundary": Prediction(
        question="Six servers, two out for a deploy, and one more dies. At which utilisation "
        "before the deploy is the boundary?",
        answer=100 / loss.offered_after(1.0, 6, lost=3),
        unit="%",
        tolerance=0.02,
        why="Three of six are left. Above 50 % each second brings more work than they can do.",
    ),
}


def _is_the_first_to_end_badly(run: rolling.Rolling) -> bool:
    """Whether a death in the deploy is too much, and a per cent less of traffic would not be."""
    capacity = rolling.theory(run.at).capacity
    return run.at.dies and capacity <= run.at.utilisation < capacity + 0.0099


GOALS: Mapping[str, Goal] = {
    "ends-badly": Goal(
        asked="the lowest utilisation, to a per cent, at which this afternoon ends badly.",
        reached=_is_the_first_to_end_badly,
        boundary=lambda run: (
            f"{percent(rolling.theory(run.at).capacity)}: so much of the fleet is left while a "
            "batch is out and one is dead."
        ),
        before="boundary",
    ),
}

QUIZZES: Mapping[str, Quiz] = {
    "little": Quiz(
        question="A service answers 200 requests a second, each after 50 ms. How many requests "
        "are inside it, on average?",
        options={
            "4": "That would be so at 20 ms: L = X R = 200 × 0.02.",
            "10": "L = X R = 200 × 0.05, however many servers there are.",
            "250": "Rate and time are multiplied, with the time in seconds.",
            "It depends on the number of servers": "Little's law does not ask how it is done.",
        },
        answer="10",
    ),
    "kills": Quiz(
        question="You killed your database process fifty times and never lost a write. What do "
        "you know?",
        options={
            "It survives power cuts": "The system outlived each kill, and so did its memory.",
            "It survives the death of its process": "That, and no more. A power cut is another "
            "test.",
            "It uses fsync": "It would have passed without: so did SQLite with synchronous = OFF.",
        },
        answer="It survives the death of its process",
    ),
    "larger-fleet": Quiz(
        question="Twice the servers, twice the traffic. One server is lost: how does the "
        "utilisation compare with that of the smaller fleet after its loss?",
        options={
            "It is the same": "Before the loss, yes. After it, n / (n - 1) depends on n.",
            "It is lower": "The lost server's share is spread over more servers: n / (n - 1).",
            "It is higher": "More servers share the work of the one that is gone.",
        },
        answer="It is lower",
    ),
}
