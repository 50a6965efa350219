"""What the chapter asks, with the answers out of sight of the page that asks.

Every answer that is a number is worked out by the theory or the simulation it belongs to, so that
none can disagree with the chapter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from helpers.foundations.prose import listed, significant
from helpers.foundations.questions import Goal, Prediction, Quiz
from helpers.tradeoffs import budget, contexts, frontier, nines, partition, quorum
from helpers.tradeoffs.designs import GOOD, cloud

CHAPTER = "03"


def _who_is_refused() -> str:
    run = partition.simulate()
    side = run.side(True)
    refused = [one for one in side if one in run.refused]
    if len(refused) == len(side):
        return "none, neither reads nor writes"
    return "reads only" if all(one.kind == "write" for one in refused) else "some of both"


def _two_replicas() -> str:
    run = partition.simulate(replicas=2)
    answered = [len(run.side(far)) > sum(one in run.refused for one in run.side(far))
                for far in (False, True)]  # fmt: skip
    return {0: "neither", 1: "the one with the newer data", 2: "both"}[sum(answered)]


def _for_the_game() -> str:
    r, w = contexts.simulate(**contexts.CONTEXTS["A game"]).best
    return f"R = {r}, W = {w}"


PREDICTIONS: Mapping[str, Prediction] = {
    "frontier": Prediction(
        question="Eighty designs of one shop, judged by cost, latency, outage and stale reads. How "
        "many of them are beaten by none: no other is at least as good in all four and better in "
        "one?",
        answer=lambda: float(frontier.theory(frontier.Setting()).size),
        unit="designs",
        tolerance=0.3,
        why="To beat a design, another must not be worse in anything. With four things to be worse "
        "in, that is rare.",
    ),
    "stale": Prediction(
        question="Three replicas on spinning disks. A write is confirmed by the first of them, and "
        "at that moment somebody reads from the first that answers. In what share of the cases is "
        "the read stale?",
        answer=lambda: 100 * quorum.simulate().stale_at_once.estimate,
        unit="%",
        tolerance=0.25,
        why="The fastest disk has confirmed; the other two are still at it, and the read is "
        "answered by whichever of the three is fastest now.",
    ),
    "together": Prediction(
        question="A machine is down for 1 % of the time, 88 hours a year. A tenth of that has "
        "causes that take all machines at once. For how long a year are two copies both down?",
        answer=lambda: float(nines.theory(nines.Setting()).down[1]) * 365.25 * 24,
        unit="h",
        tolerance=0.25,
        why="What they have in common is a tenth of 88 hours. That both fail for reasons of their "
        "own at the same time adds less than an hour.",
    ),
    "budget": Prediction(
        question="A target of 99.99 % allows 53 minutes of downtime a year. The service rests on "
        "five others, each of which is up for 99.999 % of the time. How many of the 53 minutes are "
        "spent before you make any mistake?",
        answer=lambda: budget.theory(budget.Setting()).spent_min,
        unit="min",
        tolerance=0.1,
        why="Each takes 5.3 minutes, and rare outages hardly ever meet, so they add up.",
    ),
    "cut": Prediction(
        question="Three replicas insist on a majority. The network cuts one of them off for eight "
        "seconds. Which operations of its clients are answered meanwhile?",
        options=("all of them", "reads only", "some of both", "none, neither reads nor writes"),
        answer=_who_is_refused,
        why="One of three is no majority, and a read needs one as much as a write: what it would "
        "return might have been overwritten on the other side.",
    ),
    "two": Prediction(
        question="Two replicas insist on a majority, and the network between them is cut. Which of "
        "them goes on?",
        options=("both", "the one with the newer data", "neither"),
        answer=_two_replicas,
        why="A majority of two is two. The second replica has made such a system less available "
        "than a single machine.",
    ),
    "game": Prediction(
        question="For a game, a refusal costs as much as a millisecond of waiting, and a stale "
        "read as much as ten. Three replicas on spinning disks, each down for 1 % of the time; as "
        "many reads as writes. Which R and W are cheapest?",
        options=("R = 1, W = 1", "R = 2, W = 2", "R = 3, W = 1", "R = 1, W = 3"),
        answer=_for_the_game,
        why="Reads are quick whoever is asked, so waiting for all three costs little; writes are "
        "slow, so they wait for one. And a read that asks everybody is never stale.",
    ),
}

QUIZZES: Mapping[str, Quiz] = {
    "best": Quiz(
        question="A colleague shows a design that is cheaper, faster, more available and fresher "
        "than yours. What have you learned?",
        options={
            "That there is a best design after all": "It beats yours. It need not beat the others.",
            "That yours was not on the frontier": "It gave something away for nothing. On the "
            "frontier, whoever is better in one thing is worse in another.",
            "That one of the numbers must be wrong": "Possible, and nothing says so. Of the eighty "
            "designs of this chapter, 46 are beaten by another.",
        },
        answer="That yours was not on the frontier",
    ),
    "nines": Quiz(
        question="Three copies, each up 99 % of the time, and somebody promises six nines. What do "
        "you ask first?",
        options={
            "What they have in common": "One release, one certificate, one power line: a "
            "hundredth of the downtime in common already takes the last two nines.",
            "Whether each is really up 99 % of the time": "Worth asking, but the answer moves the "
            "promise little beside what the copies have in common.",
            "Whether four would not be better": "The fourth copy changes nothing about what takes "
            "all of them.",
        },
        answer="What they have in common",
    ),
    "cap": Quiz(
        question="The network works. What does CAP ask you to give up?",
        options={
            "Consistency or availability": "Only while the network is cut.",
            "Nothing": "The choice exists during the cut. What you pay for consistency the rest of "
            "the time is latency.",
            "Partition tolerance": "That is not yours to give up: networks are cut whether a "
            "system tolerates it or not.",
        },
        answer="Nothing",
    ),
}


def _where_firsts_are(_: object) -> str:
    table = list(cloud().values())
    least = [min(marks[i] for marks in table) for i in range(len(GOOD))]
    most = max(sum(x == low for x, low in zip(marks, least, strict=True)) for marks in table)
    return f"No design of the {len(table)} is first in more than {most} of the four."


def _is_first_in(name: str) -> Callable[[frontier.Frontier], bool]:
    return lambda run: name in run.first_in


def _quick_and_fresh(run: quorum.Quorum) -> bool:
    at = run.at
    together = run.read_ms.estimate + run.write_ms.estimate
    return at.fit == "LNKD-DISK" and at.n == 3 and at.strict and together < 16


def _the_quickest(run: quorum.Quorum) -> str:
    ways = {
        (r, w): quorum.simulate(fit="LNKD-DISK", read_quorum=r, write_quorum=w)
        for r, w in ((3, 1), (2, 2), (1, 3))
    }
    told = [
        f"R = {r}, W = {w} takes {significant(one.read_ms.estimate + one.write_ms.estimate)} ms"
        for (r, w), one in ways.items()
    ]
    return f"{listed(told)}. Make the slow side wait for few."


def _three_pay(run: nines.Nines) -> str:
    at = run.at
    down = nines.theory(at).down
    return (
        f"Here the third copy costs {significant(at.price_usd)} US$ and saves "
        f"{significant((down[1] - down[2]) * at.income_usd)} US$ a year."
    )


GOALS: Mapping[str, Goal] = {
    "firsts": Goal(
        asked="for each of the four numbers, a design that no other is better in.",
        reached={name: _is_first_in(name) for name in GOOD},
        boundary=_where_firsts_are,
        before="frontier",
    ),
    "quick-and-fresh": Goal(
        asked="three replicas on LNKD-DISK without a stale read, whose 99.9th percentiles of read "
        "and write come to less than 16 ms together.",
        reached=_quick_and_fresh,
        boundary=_the_quickest,
    ),
    "third-copy": Goal(
        asked="a setting in which three copies or more cost least.",
        reached=lambda run: nines.theory(run.at).best >= 3,
        boundary=_three_pay,
    ),
    "nobody": Goal(
        asked="a cut during which nobody at all is answered.",
        reached=lambda run: (
            run.at.cut
            and not any(one.end < float("inf") for far in (True, False) for one in run.side(far))
        ),
        boundary=lambda _: (
            "Whenever the cut goes through the middle: half of the replicas are no "
            "majority, on either side."
        ),
        before="two",
    ),
}
