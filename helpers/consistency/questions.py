"""What the chapter asks, with the answers out of sight of the page that asks.

Every answer that is a number is worked out by the theory or the simulation it belongs to, so that
none can disagree with the chapter.
"""

from __future__ import annotations

from collections.abc import Mapping

from helpers.consistency import inversion, lag, majorities, price, register
from helpers.consistency.replicas import NO_REPAIR, NOTHING, READ_REPAIR, REPAIRS, WRITE_BACK
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import significant
from helpers.foundations.questions import Goal, Prediction, Quiz

CHAPTER = "07"

_ENOUGH = {
    NO_REPAIR: "nothing, R + W > N is enough",
    READ_REPAIR: "repair what is older, after the answer",
    WRITE_BACK: "repair what is older, before the answer",
}


def _what_suffices() -> str:
    """The cheapest repair with which twelve runs are all right."""
    for repair in REPAIRS:
        at = register.Setting(read_quorum=1, write_quorum=3, repair=repair)
        runs = [register.one_history(at, Draws(seed)) for seed in range(12)]
        if all(run["linearizable"] == "yes" for run in runs):
            return _ENOUGH[repair]
    return "none of these"


def _can_invert() -> str:
    chance = float(inversion.theory(inversion.Setting(), 20.0))
    return "yes, while the write is under way" if chance > 0 else "no, one replica is in both"


def _what_sticky_gives() -> str:
    own, back = lag.theory(lag.Setting(keeps=lag.SAME))[lag.SAME]
    given = {(False, True): "no read goes back", (True, False): "own writes are always read",
             (True, True): "both", (False, False): "neither"}  # fmt: skip
    return given[own == 0, back == 0]


PREDICTIONS: Mapping[str, Prediction] = {
    "two-reads": Prediction(
        question="Three replicas, and every read and every write waits for two. While somebody "
        "writes, you read the new value. A moment after your answer a friend reads. Can your "
        "friend get the old one?",
        options=("no, one replica is in both", "yes, while the write is under way"),
        answer=_can_invert,
        why="The replica that you and your friend have in common may be the one that lacks the "
        "write, and you got it from the other one. Two quorums that overlap make a confirmed write "
        "visible; this one is not confirmed yet.",
    ),
    "inverted": Prediction(
        question="A write takes 40 ms on average to each of three replicas. You ask two of them "
        "20 ms after it set out, your friend two of them 10 ms later. How often does your friend "
        "get the old value after you got the new one?",
        answer=lambda: 100 * float(inversion.theory(inversion.Setting(), 20.0)),
        unit="%",
        tolerance=0.4,
        why="The friend must miss it at two replicas, and you must have got it from the third. "
        "That is rare for one write, and certain in a day of them.",
    ),
    "suffices": Prediction(
        question="Reads wait for one replica, writes for all three. What is the least that makes "
        "every history linearizable?",
        options=(*_ENOUGH.values(), "none of these"),
        answer=_what_suffices,
        why="Whoever answers with a value must know that no later read can miss it, so it has to "
        "be stored before the answer. A repair that runs afterwards leaves a gap.",
    ),
    "two-rounds": Prediction(
        question="A trip to the other replicas and back takes 40 ms, and 10 ms longer on average. "
        "A read asks a majority of three and stores what it found at a majority before it answers. "
        "How long does it take on average?",
        answer=lambda: price.theory(price.Setting())["majority, write back"],
        unit="ms",
        tolerance=0.15,
        why="Two rounds, and each waits for the quicker of the two replicas that are far.",
    ),
    "majority": Prediction(
        question="Three replicas, each down for 5 % of the time, each for reasons of its own. For "
        "which share of the time is there no majority?",
        answer=lambda: 100 * float(majorities.theory(majorities.Setting())[1]),
        unit="%",
        tolerance=0.25,
        why="Two of them must be down at once: three pairs, each with a chance of 0.05 times 0.05, "
        "less what is counted twice.",
    ),
    "own-write": Prediction(
        question="You change your name, and look at your page 50 ms later. The page is read from a "
        "replica that lags 100 ms behind on average, exponentially. How often do you see the old "
        "name?",
        answer=lambda: 100 * float(lag.misses(lag.Setting(writes_per_s=1e-6), 50.0)),
        unit="%",
        tolerance=0.2,
        why="The lag is longer than half its mean with probability exp(-0.5).",
    ),
    "sticky": Prediction(
        question="A session always reads from the same replica, whichever that is. What has it got "
        "by that?",
        options=("neither", "no read goes back", "own writes are always read", "both"),
        answer=_what_sticky_gives,
        why="One replica only goes forward. But it need not have your own write yet.",
    ),
}

QUIZZES: Mapping[str, Quiz] = {
    "strong": Quiz(
        question="A data sheet says that R + W > N makes reads strongly consistent. What is true?",
        options={
            "All of it": "Two reads during one write may return the new value first, and then the "
            "old one.",
            "A read that begins after a write was confirmed sees it": "That is what the overlap "
            "gives. What happens during a write it leaves open.",
            "Nothing, quorums are a matter of luck": "The overlap is certain, and what it promises "
            "is certain, too. It is less than one copy would promise.",
        },
        answer="A read that begins after a write was confirmed sees it",
    ),
    "session": Quiz(
        question="People complain that a comment which they have just written is missing when the "
        "page comes back. What do you promise them?",
        options={
            "Linearizability": "That would do, and everybody would pay for it in every read.",
            "Read your writes": "It is about exactly this, and costs something only where a "
            "replica is behind.",
            "Monotonic reads": "The first read would still miss the comment.",
        },
        answer="Read your writes",
    ),
}


def _is_counter_example(run: register.Register) -> bool:
    at = run.at
    clean = at.fault == NOTHING and not at.skew_ms and not at.loss_percent
    return at.strict and clean and run.linearizable is False


def _when_five_are_worse(_: object) -> str:
    return (
        "Above 50 %: a replica that is down more often than up makes every larger majority rarer. "
        "At 50 % all sizes are alike."
    )


def _what_waiting_costs(run: lag.Lag) -> str:
    waits = significant(lag.waits_ms(run.at))
    return (
        f"By theory a first read waits {waits} ms here: the chance that the write is not there, "
        f"times what is left of the lag. Let the client pause, and it hardly ever waits."
    )


GOALS: Mapping[str, Goal] = {
    "counter-example": Goal(
        asked="a run with R + W > N and nothing lost that is not linearizable.",
        reached=_is_counter_example,
        boundary=lambda run: (
            f"{len(run.smallest)} operations suffice. It needs a write that is under way, and two "
            f"reads one after the other; with R = N there is none."
        ),
        before="two-reads",
    ),
    "worse": Goal(
        asked="a setting in which there is a majority less often than one replica alone is up.",
        reached=lambda run: (
            run.at.q == run.at.replicas // 2 + 1
            and run.at.replicas % 2 == 1
            and run.exact > run.at.down_percent / 100 + 1e-9
        ),
        boundary=_when_five_are_worse,
        before="majority",
    ),
    "cheap": Goal(
        asked="a session that always reads its own write, with a lag of 100 ms or more, and waits "
        "less than 2 ms for a read on average.",
        reached=lambda run: (
            run.at.keeps == lag.WAIT and run.at.lag_ms >= 100 and run.kept.waited_ms < 2
        ),
        boundary=_what_waiting_costs,
    ),
}
