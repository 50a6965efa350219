"""The chapter's questions, kept apart so that the notebook does not give away their answers."""

from __future__ import annotations

import math
from collections.abc import Mapping

from helpers.foundations.prose import significant
from helpers.foundations.questions import Goal, Prediction, Quiz
from helpers.sharding import join, migration, range_scan, resharding, ring_laws, shard_ceiling
from helpers.sharding.answer_times import any_slow
from helpers.sharding.remedies import top_key_share
from helpers.sharding.vertical import ceiling

CHAPTER = "08"

PREDICTIONS: Mapping[str, Prediction] = {
    "growing-ids": Prediction(
        question="How many of the 800 sign-ups per second get stored?",
        answer=200.0,
        unit="per second",
        tolerance=0.05,
        why="New ids are the largest ids, and the largest ids all live on the last shard.",
    ),
    "range-scan": Prediction(
        question="Rows are hashed over 16 shards. How many must answer for 50 consecutive ids?",
        answer=lambda: range_scan.occupied(shards=16, length=50),
        unit="shards",
        tolerance=0.1,
        why="Fifty balls thrown into sixteen boxes leave hardly a box empty.",
    ),
    "mod-n": Prediction(
        question="hash(key) % 4 becomes hash(key) % 5. What part of the keys moves?",
        answer=lambda: 100 * resharding.moved_share("mod N", 4, 5),
        unit="%",
        tolerance=0.1,
        why="A key stays if its hash has one remainder by 4 and by 5: 4 hashes of every 20.",
    ),
    "ring": Prediction(
        question="Eight shards, one random point each: how large is the largest arc on average?",
        answer=lambda: ring_laws.imbalance(8, 1),
        unit="fair shares",
        tolerance=0.15,
        why="It is the harmonic number 1 + 1/2 + ... + 1/8.",
    ),
    "dual-write": Prediction(
        question="Clients write to both shards during the move. Can an update still be lost?",
        options=("no, both shards have it", "yes, in some orders of the steps"),
        answer="yes, in some orders of the steps",
        why="The mover may have read the row before the update, and write that copy after it.",
    ),
    "celebrity": Prediction(
        question="How many shards' worth of load can any number of shards carry?",
        answer=lambda: shard_ceiling.ceiling(top_key_share(1.0)),
        unit="shards' worth",
        why="When the hot key alone fills its shard, that is the end: one over its share.",
    ),
    "fan-out": Prediction(
        question="The nine largest of 200 authors are not pushed any more. The mean wait is",
        options=("about the same", "about half", "less than a tenth"),
        answer="less than a tenth",
        why="Waiting grows with the mean SQUARE of the work per post: celebrities, squared.",
    ),
    "tail": Prediction(
        question="One answer in 100 is slow. How often is a query to 100 shards slow?",
        answer=lambda: 100 * float(any_slow(0.01, 100)),
        unit="%",
        tolerance=0.1,
        why="It is quick only if all hundred answers are: 0.99 to the power of 100.",
    ),
    "local-join": Prediction(
        question="Each of four shards joins what it has. What part of the orders is matched?",
        answer=lambda: 100 * join.together(shards=4),
        unit="%",
        tolerance=0.05,
        why="Order and user were hashed by different keys: they meet one time in four.",
    ),
    "vertical": Prediction(
        question="How many times the load of one server can the four carry?",
        answer=lambda: ceiling([0.6, 0.2, 0.1, 0.1]),
        unit="times",
        tolerance=0.05,
        why="The photo server is full at 1 / 0.6 of what one server could do.",
    ),
    "too-late": Prediction(
        question="Above which live utilisation can the shard not be moved at any setting?",
        answer=lambda: 100 * (1 - 30 / migration.DISK_MB_S),
        unit="%",
        tolerance=0.02,
        why="To gain on the writes takes more than 30/200 of the disk; users leave the rest.",
    ),
}

QUIZZES: Mapping[str, Quiz] = {
    "shard-key": Quiz(
        question=(
            "Each customer's orders must be listed by date. Customers are of similar size. "
            "Which shard key?"
        ),
        options={
            "the order's date": (
                "All of today's orders would be inserted on one shard, like growing ids."
            ),
            "the hash of the order number": (
                "Even, but the list of each customer has to ask every shard."
            ),
            "the hash of the customer": (
                "One shard for each list, where the customer's rows can lie in order of date."
            ),
        },
        answer="the hash of the customer",
    ),
    "timeouts": Quiz(
        question=(
            "Eight shards run at 50 % on average, and users see timeouts. "
            "What do you look at first?"
        ),
        options={
            "average latency": "It is an average over shards, too, and seven may be fine.",
            "p99 latency and utilisation of each shard": "One hot shard hides in every average.",
            "the network": "Possible, but the cheapest explanation is one shard at 100 %.",
        },
        answer="p99 latency and utilisation of each shard",
    ),
    "likes": Quiz(
        question=(
            "A video's like counter gets 10,000 writes per second and is shown rarely. What helps?"
        ),
        options={
            "a cache in front of it": "A cache takes reads away, and there are hardly any.",
            "copies: write all, read one": (
                "Every write would be multiplied by the number of copies."
            ),
            "salt: write one of k, read all": (
                "Each piece gets a k-th of the writes, and reads are rare anyway."
            ),
            "more shards": "The counter is one key, and one key lives on one shard.",
        },
        answer="salt: write one of k, read all",
    ),
}

_SHARE_STEP = 0.01  # of the slider
_NEARLY = 1e-6


def _least_share(at: migration.Setting) -> float:
    """Share of the disk that keeps up with the writes: ``w / B``; a copy must have more."""
    return at.write_mb_s / migration.DISK_MB_S


def _just_finishes(run: migration.Migration) -> bool:
    more = run.at.copy_share - _least_share(run.at)
    return _NEARLY < more <= _SHARE_STEP + _NEARLY and math.isfinite(run.length_here_s)


def _nothing_works(run: migration.Migration) -> bool:
    return run.at.live_utilisation + _least_share(run.at) >= 1 - _NEARLY


def _window(run: migration.Migration) -> str:
    least = _least_share(run.at)
    return (
        f"the copy must have more than {significant(run.at.write_mb_s)} / "
        f"{significant(migration.DISK_MB_S)} = {significant(100 * least)} % of the disk to gain on "
        f"the writes, and live requests leave one minus their utilisation: from "
        f"{significant(100 * (1 - least))} % on nothing is left to choose from."
    )


GOALS: Mapping[str, Goal] = {
    "window": Goal(
        asked="the smallest share of the disk that lets the copy finish, and a live utilisation at "
        "which no share does.",
        reached={
            "the smallest share": _just_finishes,
            "a utilisation at which none does": _nothing_works,
        },
        boundary=_window,
        before="too-late",
    ),
}
