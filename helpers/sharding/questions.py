"""The chapter's questions, kept apart so that the notebook does not give away their answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from helpers.foundations import validation
from helpers.sharding.theory.hot_key import theory_shard_ceiling, theory_top_key_share
from helpers.sharding.theory.placement import theory_range_scan
from helpers.sharding.theory.resharding import theory_resharding
from helpers.sharding.theory.ring import theory_ring_imbalance
from helpers.sharding.theory.scatter_gather import theory_any_slow, theory_join
from helpers.sharding.theory.vertical import theory_vertical_ceiling

# Each is what helpers.explore.predict needs, but for the key, which is "08-" and the name.
_PREDICTIONS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "growing-ids": lambda: {
        "question": "How many of the 800 sign-ups per second get stored?",
        "answer": 200.0,
        "unit": "per second",
        "tolerance": 0.05,
        "why": "New ids are the largest ids, and the largest ids all live on the last shard.",
    },
    "range-scan": lambda: {
        "question": "Rows are hashed over 16 shards. How many must answer for 50 consecutive ids?",
        "answer": theory_range_scan("hash", 16, 50, 2_000),
        "unit": "shards",
        "tolerance": 0.1,
        "why": "Fifty balls thrown into sixteen boxes leave hardly a box empty.",
    },
    "mod-n": lambda: {
        "question": "hash(key) % 4 becomes hash(key) % 5. What part of the keys moves?",
        "answer": 100 * theory_resharding("mod N", 4, 5),
        "unit": "%",
        "tolerance": 0.1,
        "why": "A key stays if its hash has one remainder by 4 and by 5: 4 hashes of every 20.",
    },
    "ring": lambda: {
        "question": "Eight shards, one random point each: how large is the largest arc on average?",
        "answer": theory_ring_imbalance(8, 1),
        "unit": "fair shares",
        "tolerance": 0.15,
        "why": "It is the harmonic number 1 + 1/2 + ... + 1/8.",
    },
    "dual-write": lambda: {
        "question": "Clients write to both shards during the move. Can an update still be lost?",
        "options": ("no, both shards have it", "yes, in some orders of the steps"),
        "answer": "yes, in some orders of the steps",
        "why": "The mover may have read the row before the update, and write that copy after it.",
    },
    "celebrity": lambda: {
        "question": "How many shards' worth of load can any number of shards carry?",
        "answer": theory_shard_ceiling(theory_top_key_share(10_000, 1.0)),
        "unit": "shards' worth",
        "why": "When the hot key alone fills its shard, that is the end: one over its share.",
    },
    "fan-out": lambda: {
        "question": "The nine largest of 200 authors are not pushed any more. The mean wait is",
        "options": ("about the same", "about half", "less than a tenth"),
        "answer": "less than a tenth",
        "why": "Waiting grows with the mean SQUARE of the work per post: celebrities, squared.",
    },
    "tail": lambda: {
        "question": "One answer in 100 is slow. How often is a query to 100 shards slow?",
        "answer": 100 * float(theory_any_slow(0.01, 100)),
        "unit": "%",
        "tolerance": 0.1,
        "why": "It is quick only if all hundred answers are: 0.99 to the power of 100.",
    },
    "local-join": lambda: {
        "question": "Each of four shards joins what it has. What part of the orders is matched?",
        "answer": 100 * float(theory_join("local only", 4, 1_000, 100)[1]),
        "unit": "%",
        "tolerance": 0.05,
        "why": "Order and user were hashed by different keys: they meet one time in four.",
    },
    "vertical": lambda: {
        "question": "How many times the load of one server can the four carry?",
        "answer": theory_vertical_ceiling([0.6, 0.2, 0.1, 0.1]),
        "unit": "times",
        "tolerance": 0.05,
        "why": "The photo server is full at 1 / 0.6 of what one server could do.",
    },
    "too-late": lambda: {
        "question": "Above which live utilisation can the shard not be moved at any setting?",
        "answer": 100 * (1 - 30 / 200),
        "unit": "%",
        "tolerance": 0.02,
        "why": "To gain on the writes takes more than 30/200 of the disk; users leave the rest.",
    },
}

_QUIZZES: Mapping[str, dict[str, Any]] = {
    "shard-key": {
        "question": (
            "Each customer's orders must be listed by date. Customers are of similar size. "
            "Which shard key?"
        ),
        "options": {
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
        "answer": "the hash of the customer",
    },
    "timeouts": {
        "question": (
            "Eight shards run at 50 % on average, and users see timeouts. "
            "What do you look at first?"
        ),
        "options": {
            "average latency": "It is an average over shards, too, and seven may be fine.",
            "p99 latency and utilisation of each shard": "One hot shard hides in every average.",
            "the network": "Possible, but the cheapest explanation is one shard at 100 %.",
        },
        "answer": "p99 latency and utilisation of each shard",
    },
    "likes": {
        "question": (
            "A video's like counter gets 10,000 writes per second and is shown rarely. What helps?"
        ),
        "options": {
            "a cache in front of it": "A cache takes reads away, and there are hardly any.",
            "copies: write all, read one": (
                "Every write would be multiplied by the number of copies."
            ),
            "salt: write one of k, read all": (
                "Each piece gets a k-th of the writes, and reads are rare anyway."
            ),
            "more shards": "The counter is one key, and one key lives on one shard.",
        },
        "answer": "salt: write one of k, read all",
    },
}


def prediction(name: str) -> dict[str, Any]:
    """Return the arguments of ``helpers.explore.predict`` for one of the chapter's questions.

    Parameters
    ----------
    name : str
        Name of the question.

    Raises
    ------
    TypeError, ValueError
        If there is no question of this name.
    """
    validation.one_of("name", name, _PREDICTIONS)
    return {"key": f"08-{name}", **_PREDICTIONS[name]()}


def quiz_question(name: str) -> dict[str, Any]:
    """Return the arguments of ``helpers.explore.quiz`` for one of the chapter's questions.

    Parameters
    ----------
    name : str
        Name of the question.

    Raises
    ------
    TypeError, ValueError
        If there is no question of this name.
    """
    validation.one_of("name", name, _QUIZZES)
    return dict(_QUIZZES[name])
