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
    last_writer,
    lost_ring,
    overdraft,
    sharded_counter,
)
from helpers.foundations.prose import counted, significant
from helpers.foundations.questions import Goal, Prediction, Quiz

CHAPTER = "07"


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
    return f"{usd:,} US$" if usd else "nothing"


PREDICTIONS: Mapping[str, Prediction] = {
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
        question="Two cash machines have lost their line. An account holds 400 US$ on average, a "
        "customer wants six times 50 US$, a fifth of what is overdrawn never comes back, and a "
        "refused withdrawal costs 4 US$. Up to which amount should each machine pay?",
        options=tuple(_limit(usd) for usd in LIMITS_USD),
        answer=_cheapest_limit,
        why="The first notes are nearly always covered, and refusing them annoys everybody. Each "
        "further one is covered less often.",
    ),
}

QUIZZES: Mapping[str, Quiz] = {
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
