"""What the chapter asks, with the answers out of sight of the page that asks.

Every answer that is a number is worked out by the theory or the simulation it belongs to, so that
none can disagree with the chapter.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from helpers.consistency import (
    bank,
    broadcast,
    converging,
    gossip,
    inversion,
    lag,
    last_writer,
    lost_ring,
    majorities,
    overdraft,
    price,
    register,
    sharded_counter,
)
from helpers.consistency.replicas import NO_REPAIR, NOTHING, READ_REPAIR, REPAIRS, WRITE_BACK
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import counted, significant
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


#: Limits to choose from, US$.
LIMITS_USD = (0, 100, 300, 600)


def _overwriting() -> str:
    run = converging.simulate(kind=converging.LAST_WRITER)
    if not run.same:
        return "they show different numbers"
    right = int(run.values[0]) == run.truth
    return "they all show the right number" if right else "they all show the same wrong number"


def _cheapest_limit() -> str:
    limits = LIMITS_USD
    cost = overdraft.theory(overdraft.Setting(), np.array(limits)).cost_usd
    return _limit(limits[int(cost.argmin())])


def _limit(usd: int) -> str:
    return f"{usd:,} dollars" if usd else "nothing"


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
        question="A trip to the other replicas and back takes 40 ms and, by chance, 10 ms more on "
        "average (exponential). A read asks a majority of three and stores what it found at a "
        "majority before it answers. How long does it take on average?",
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
    "skew": Prediction(
        question="Three replicas, whose clocks are off by 30 ms (standard deviation). Somebody "
        "writes, and 40 ms later somebody else overwrites it; each write lands on a replica at "
        "random, and the higher time stamp is kept. What share of the later writes is lost?",
        answer=lambda: 100 * float(last_writer.theory(last_writer.Setting(), np.array([40.0]))[0]),
        unit="%",
        tolerance=0.3,
        why="Two clocks differ by 42 ms (standard deviation). In one pair of six the later "
        "one is behind by more than 40 ms, and in two of three cases there are two clocks.",
        axis="y",
        scale=0.01,
    ),
    "overwrite": Prediction(
        question="Likes are counted at three replicas. Each keeps one number; a like adds one to "
        "it and sends it, stamped, to the others, who keep whichever has the higher stamp. At the "
        "end everything has arrived. What do the replicas show?",
        options=(
            "they all show the right number",
            "they all show the same wrong number",
            "they show different numbers",
        ),
        answer=_overwriting,
        why="The highest stamp wins everywhere, so they agree. Likes that were given while another "
        "was on its way are overwritten, so they agree on too few.",
    ),
    "ring": Prediction(
        question="Alice writes that she found her ring; Bob reads it, thinks for half as long as a "
        "message takes on average, and answers. Delays are exponential. In what share of such "
        "stories does Carol get the answer before what it answers?",
        answer=lambda: 100 * float(lost_ring.theory(lost_ring.Setting(), 50.0).puzzled),
        unit="%",
        tolerance=0.3,
        why="The news must outlast two other messages, a half times a half, and the thinking on "
        "top.",
        axis="y",
        scale=0.01,
    ),
    "rounds": Prediction(
        question="One of 1,000 copies has an update. In each round everybody who has it calls one "
        "other at random and tells it. After how many rounds do all have it?",
        answer=lambda: float(np.mean(gossip.simulate(way=gossip.FOREVER, replications=8).last)),
        unit="rounds",
        tolerance=0.25,
        why="First the number that know doubles, which takes log2 of 1,000, ten rounds. Then the "
        "last ones wait to be called by chance, which takes another ln of 1,000, seven.",
    ),
    "messages": Prediction(
        question="In a grid of 25 nodes a broadcast takes 56 messages: everybody passes on what is "
        "new to all neighbours but the one it came from. How many does it take in a tree?",
        answer=lambda: 2 * broadcast.theory(broadcast.Setting(shape="tree of 4")).messages,
        unit="messages",
        tolerance=0.05,
        why="A tree has 24 edges, and each carries the message once: everybody but the first must "
        "be told, and nobody is told twice.",
    ),
    "orders": Prediction(
        question="Two clerks each move money from A to B, in four steps: read A, write A, read B, "
        "write B. Nothing keeps them apart. Their steps can fall in 70 orders. After how many of "
        "these is everything right?",
        answer=lambda: float(bank.theory(bank.Setting()).right),
        unit="orders",
        tolerance=0.25,
        why="On neither account may both read before both have written. Fifty-six of the orders "
        "lose an update on one of them.",
        axis="x",
    ),
    "rows": Prediction(
        question="A like locks its row for 5 ms, 150 likes come each second, and a like takes 20 "
        "ms: the row is busy for three quarters of the time. How long does it take when the "
        "counter is split into two rows?",
        answer=lambda: (
            1e3 * float(sharded_counter.theory(sharded_counter.Setting(), np.array([2])).took_s[0])
        ),
        unit="ms",
        tolerance=0.2,
        why="Each row is now busy for three eighths: 5 ms divided by five eighths.",
        axis="y",
        scale=1e-3,
    ),
    "limit": Prediction(
        question="Two cash machines have lost their line. An account holds 400 dollars on average, "
        "a customer wants six times 50 dollars, a fifth of what is overdrawn never comes back, and "
        "a refused withdrawal costs 4 dollars. Up to which amount should each machine pay?",
        options=tuple(_limit(usd) for usd in LIMITS_USD),
        answer=_cheapest_limit,
        why="The first notes are nearly always covered, and refusing them annoys everybody. Each "
        "further one is covered less often.",
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
    "converge": Quiz(
        question="Two replicas have the same data, all messages have arrived, and nobody writes "
        "any more. What does eventual consistency promise of the writes that were confirmed?",
        options={
            "That none of them is lost": "Convergence is about the copies: they agree. The last "
            "writer wins converges, and loses writes.",
            "Nothing; the copies agree, and that is all": "What they agree on depends on the "
            "merge. Ask for that, too.",
            "That the last of them by real time is kept": "Nobody has that clock. The last by "
            "somebody's clock is kept.",
        },
        answer="Nothing; the copies agree, and that is all",
    ),
    "causal": Quiz(
        question="With vector clocks on, Carol never sees an answer before what it answers. Two "
        "people post at the same moment, in two places. Does everybody see the two in one order?",
        options={
            "Yes": "Only if one had seen the other's. What neither knew of the other may be shown "
            "in either order.",
            "No, and that is allowed": "Causal consistency orders what is related. The two are "
            "not, and putting them in one order for all would take agreement, and its price.",
            "No, that is a bug in the clocks": "The clocks say that neither came first. That is "
            "the truth.",
        },
        answer="No, and that is allowed",
    ),
    "bank": Quiz(
        question="A database offers snapshot isolation. Two doctors are on call, the rule is that "
        "one must stay, and both go off duty at the same moment. What happens?",
        options={
            "One is refused, since the first to commit wins": "Each writes a row of their own, so "
            "neither overwrites the other's.",
            "Both go": "Each sees the other on duty in their snapshot. It is write skew: the two "
            "withdrawals of Section 13 in a hospital.",
            "The second waits for the first": "Snapshots exist so that nobody who reads has to "
            "wait.",
        },
        answer="Both go",
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


def _rows_needed(_: object) -> str:
    at = sharded_counter.Setting(likes_rps=500.0)
    took = sharded_counter.theory(at, np.arange(1, 65)).took_s
    fewest = int(np.argmax(took < 0.010)) + 1
    return (
        f"{counted(fewest, 'row')}: with {fewest} a like takes "
        f"{significant(1e3 * float(took[fewest - 1]))} ms, with {fewest - 1} "
        f"{significant(1e3 * float(took[fewest - 2]))} ms."
    )


def _as_few_rows(run: sharded_counter.ShardedCounter) -> bool:
    at = run.at
    took = sharded_counter.theory(at, np.array([at.rows, max(at.rows - 1, 1)])).took_s
    return at.likes_rps >= 500 and at.hold_ms == 5.0 and float(took[0]) < 0.010 <= float(took[1])


def _cheap_and_near(run: broadcast.Broadcast) -> bool:
    exact = broadcast.theory(run.at)
    return run.at.nodes == 25 and exact.messages <= 12 and exact.hops <= 5


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
    "none-lost": Goal(
        asked="clocks that are off by 30 ms or more, a second write 40 ms after the first or "
        "later, and yet no write that is lost, in theory either.",
        reached=lambda run: (
            run.at.skew_ms >= 30 and run.at.gap_ms >= 40 and not run.lost[-1] and not run.expected
        ),
        boundary=lambda run: (
            "Whoever stamps above what is there loses nothing that has arrived: here from a gap of "
            f"{significant(run.at.delay_ms)} ms on."
        ),
        before="skew",
    ),
    "cheap-and-near": Goal(
        asked="25 nodes, at most 12 messages for each operation, and nobody further than 5 hops "
        "from anybody.",
        reached=_cheap_and_near,
        boundary=lambda _: (
            "A tree of four: 24 messages a broadcast, which is as few as can be, and 5 hops from "
            "leaf to leaf."
        ),
        before="messages",
    ),
    "skewed": Goal(
        asked="a level of isolation that keeps all transfers right and yet lets both clerks pay "
        "out.",
        reached=lambda run: run.at.isolation == bank.SNAPSHOT and not all(run.right),
        boundary=lambda _: (
            "The snapshot: it refuses whoever overwrites a newer version, and two clerks who write "
            "different accounts overwrite nothing."
        ),
        before="orders",
    ),
    "few-rows": Goal(
        asked="with 500 likes per second, as few rows as keep a like below 10 ms on average.",
        reached=_as_few_rows,
        boundary=_rows_needed,
        before="rows",
    ),
}
