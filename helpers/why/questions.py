"""The predictions and the quiz of the chapter, for ``predict`` and ``quiz`` to ask.

Answers are computed when they are asked for, by the same functions that the explorers use.
"""

from __future__ import annotations

from typing import Any

from helpers.blueprint import Design, bounds
from helpers.foundations import validation
from helpers.why import simulation, theory

QUESTIONS: dict[str, dict[str, Any]] = {
    "users": {
        "question": "Ten times as many users: 10,000 instead of 1,000. How long does an answer "
        "take now?",
        "options": ("about 12 ms", "about 120 ms", "about 4 s", "about 40 s"),
        "answer": "about 40 s",
        "why": "10,000 users would ask 167 times a second if nobody waited; one worker answers "
        "100 times. The rest wait.",
    },
    "kill": {
        "question": "A program writes to a file, never asks for a sync, and is killed. How much "
        "is lost?",
        "options": ("everything", "the last few seconds", "nothing"),
        "answer": "nothing",
        "why": "What was handed to the operating system does not die with the process. A power "
        "cut is another matter.",
    },
    "threads": {
        "question": "A request computes for 2 ms and waits for 18 ms. At most how many times the "
        "throughput of one thread can 1,000 threads on one core reach?",
        "answer": lambda: 0.020 * float(theory.best_throughput(1_000, 0.002, 0.018)),
        "unit": "times",
        "why": "The core computes 2 ms for each request, so 500 a second; one thread does 50.",
    },
    "cut-off": {
        "question": "A server is killed at a random moment. A request spends 10 ms before its work "
        "is done and 30 ms after. How often had the work of a request that was cut off been done?",
        "answer": lambda: 100 * theory.interrupted_but_done(0.010, 0.030),
        "unit": "%",
        "tolerance": 0.1,
        "why": "Three quarters of a request's life lie after its work is done.",
    },
    "capacity": {
        "question": "How many requests a second can this design take before its first machine is "
        "full?",
        "unit": "requests/s",
        "why": "2 servers of 4 threads, each thread held for 70 ms a request: 8 / 0.07 s.",
    },
    "blind": {
        "question": "You choose one of the 48 designs blindly. How likely is it to meet both "
        "requirements?",
        "answer": lambda: simulation.simulate_choices().summary["meet_all_percent"],
        "unit": "%",
        "tolerance": 0.5,
        "why": "A design has to get every decision right, not most of them.",
    },
    "deck": {
        "question": "How many of the eight cards does the shop survive, with 99 % of its requests "
        "answered within a second?",
        "unit": "cards",
        "tolerance": 0.1,
        "why": "A spare helps once somebody has noticed, and if it can carry the load alone.",
    },
    "demo": {
        "question": "A server is 80 % busy with evenly spaced requests that all take equally long: "
        "nobody waits. Now they come at random, with the same mean. How long does a request wait?",
        "answer": lambda: theory.theory_traffic(0.8, "poisson", 0.0),
        "unit": "service times",
        "why": "Pollaczek and Khinchine: rho / (1 - rho), halved as the service does not vary.",
    },
    "rolling": {
        "question": "Six servers, two replaced at a time. What utilisation must the fleet stay "
        "below?",
        "answer": lambda: 100 * theory.theory_rolling(6, 2, 0.5, 0.4, 5.0).capacity,
        "unit": "%",
        "tolerance": 0.02,
        "why": "Four of six servers are left: (n - k) / n.",
    },
    "canary": {
        "question": "1 % of the requests fail, 2 % on the bad version. How many requests must the "
        "canary serve until you catch it nine times in ten?",
        "answer": lambda: theory.canary_requests(0.01, 0.02),
        "unit": "requests",
        "tolerance": 0.5,
        "why": "Both 1 % and 2 % of a hundred requests are about one error: nothing to see yet.",
    },
    "boundary": {
        "question": "Six servers, two out for a deploy, and one more dies. At which utilisation "
        "before the deploy is the boundary?",
        "answer": lambda: 100 / theory.theory_loss(1.0, 6, lost=3),
        "unit": "%",
        "tolerance": 0.02,
        "why": "Three of six are left. Above 50 % each second brings more work than they can do.",
    },
}

QUIZ: dict[str, dict[str, Any]] = {
    "little": {
        "question": "A service answers 200 requests a second, each after 50 ms. How many requests "
        "are inside it, on average?",
        "options": {
            "4": "That would be so at 20 ms: L = X R = 200 × 0.02.",
            "10": "L = X R = 200 × 0.05, however many servers there are.",
            "250": "Rate and time are multiplied, with the time in seconds.",
            "It depends on the number of servers": "Little's law does not ask how it is done.",
        },
        "answer": "10",
    },
    "kills": {
        "question": "You killed your database process fifty times and never lost a write. What do "
        "you know?",
        "options": {
            "It survives power cuts": "The system outlived each kill, and so did its memory.",
            "It survives the death of its process": "That, and no more. A power cut is another "
            "test.",
            "It uses fsync": "It would have passed without: so did SQLite with synchronous = OFF.",
        },
        "answer": "It survives the death of its process",
    },
    "larger-fleet": {
        "question": "Twice the servers, twice the traffic. One server is lost: how does the "
        "utilisation compare with that of the smaller fleet after its loss?",
        "options": {
            "It is the same": "Before the loss, yes. After it, n / (n - 1) depends on n.",
            "It is lower": "The lost server's share is spread over more servers: n / (n - 1).",
            "It is higher": "More servers share the work of the one that is gone.",
        },
        "answer": "It is lower",
    },
}


def question(name: str, design: Design | None = None) -> dict[str, Any]:
    """Return the arguments of one prediction.

    Parameters
    ----------
    name : str
        A key of :data:`QUESTIONS`.
    design : Design, optional
        For the questions about your own design, "capacity" and "deck".

    Raises
    ------
    TypeError, ValueError
        If there is no such question, or it is about a design and none is given.
    """
    validation.one_of("name", name, QUESTIONS)
    asked = {"key": f"01-{name}", **QUESTIONS[name]}
    if name in ("capacity", "deck"):
        if not isinstance(design, Design):
            raise TypeError(f"design must be a Design, got {design!r} ({type(design).__name__})")
        asked["answer"] = {
            "capacity": lambda: float(bounds(design).summary["capacity_rps"]),
            "deck": lambda: float(sum(p.survived for p in simulation.play_deck(design).played)),
        }[name]
    return asked


def quiz_question(name: str) -> dict[str, Any]:
    """Return the arguments of one question of the quiz.

    Parameters
    ----------
    name : str
        A key of :data:`QUIZ`.

    Raises
    ------
    TypeError, ValueError
        If there is no such question.
    """
    return QUIZ[validation.one_of("name", name, QUIZ)]
