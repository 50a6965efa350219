"""Three brokers: what their rules promise holds for every draw, the edits, and the page."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration
from helpers.messaging import brokers, semantics
from helpers.messaging.consumers import MESSAGES, follow, messages_of, told
from tests import drawn
from tests.checks import assert_columns, assert_legible, diamonds, drawn_by
from tests.models import edited

MODEL = "helpers.messaging.semantics:Kafka, your_group"
Setting = brokers.Setting


def settings(count: int) -> list[brokers.Setting]:
    dice = random.Random(7)
    return [
        Setting(
            broker=dice.choice(brokers.BROKERS),
            rate_rps=dice.choice([1.0, 5.0, 20.0]),
            work_s=dice.choice([0.1, 0.8, 2.0]),
            consumers=dice.randint(2, 6),
            batch=dice.randint(1, 12),
            partitions=dice.randint(1, 12),
            session_s=dice.choice([1.0, 10.0, 45.0]),
            visibility_s=dice.choice([0.3, 5.0, 30.0]),
            acknowledge=dice.choice(brokers.ACKNOWLEDGE),
            kill=dice.random() < 0.8,
            kill_s=dice.uniform(0, 15),
            seed=seed,
        )
        for seed in range(count)
    ]


@pytest.mark.parametrize("broker", ["RabbitMQ", "Kafka", "SQS"])
def test_nothing_is_done_twice_or_lost_if_nobody_dies_and_all_is_in_time(broker):
    at = Setting(broker=broker, kill=False, batch=1, work_s=0.1, visibility_s=60.0)
    for acknowledge in ("before the work", "after the work"):
        exact = brokers.theory(at.but(acknowledge=acknowledge))
        assert (exact.twice, exact.lost) == (0, 0)


def check_rules(at, what):
    exact = brokers.theory(at)
    assert what.twice <= exact.twice, at
    assert what.lost <= exact.lost, at
    works = what.works
    for one, other in itertools.pairwise(sorted(works, key=lambda w: (w.consumer, w.begin_s))):
        if one.consumer == other.consumer:
            assert one.end_s <= other.begin_s + 1e-9, "one at a time"
    ends = sorted([(w.begin_s, 1) for w in works] + [(w.end_s, -1) for w in works])
    busy = np.cumsum([change for _, change in ends])
    assert busy.max() <= exact.at_once, at
    assert all(w.begin_s >= w.message.published_s for w in works)
    dead = [w for w in works if w.consumer == 0 and w.end_s > at.kill_s + 1e-9]
    assert not (at.kill and dead)
    if at.broker == "Kafka" and not at.kill:
        assert not what.older.any(), "one reader reads a partition in order"


def test_the_rules_hold_whatever_is_drawn():
    twice = dict.fromkeys(brokers.BROKERS, 0)
    for at in settings(150):
        what = brokers._told(at)
        check_rules(at, what)
        twice[at.broker] += what.twice
    assert twice["RabbitMQ"] == 0
    assert twice["Kafka"] > 5
    assert twice["SQS"] > 50


def test_no_message_is_forgotten_when_it_is_acknowledged_after_the_work():
    for at in settings(60):
        if at.acknowledge == "after the work":
            assert brokers._told(at).lost == 0, at


class CommitsEarly(semantics.Kafka):
    def fetch(self, consumer, holding, now):
        batch = super().fetch(consumer, holding, now)
        self.emptied(consumer)
        return batch


class ForgetsThePlace(semantics.RabbitMQ):
    def noticed(self, consumer):
        for message, who in list(self.unacknowledged.items()):
            if who == consumer:
                del self.unacknowledged[message]


class HidesHalfAsLong(semantics.SQS):
    def fetch(self, consumer, holding, now):
        batch = super().fetch(consumer, holding, now)
        for message in batch:
            if message in self.hidden_until:
                self.hidden_until[message] = now + self.at.visibility_s / 2
        return batch


@pytest.mark.parametrize(
    ("mutant", "broker", "values"),
    [
        (CommitsEarly, "Kafka", {}),
        (ForgetsThePlace, "RabbitMQ", {}),
        (HidesHalfAsLong, "SQS", {"visibility_s": 8.0}),
    ],
)
def test_a_broken_broker_is_caught(mutant, broker, values):
    caught = 0
    for seed in range(12):
        at = Setting(broker=broker, seed=seed, **values)
        try:
            check_rules(at, told(follow(at, mutant(at))))
        except AssertionError:
            caught += 1
    assert caught > 0


def test_rabbitmq_puts_back_where_it_was_and_sqs_behind():
    at = Setting(batch=2)
    rabbit, sqs = semantics.RabbitMQ(at), semantics.SQS(at)
    messages = messages_of(at)[:4]
    for broker in (rabbit, sqs):
        for message in messages:
            broker.publish(message)
    assert rabbit.fetch(0, 0, 0.0) + rabbit.fetch(0, 1, 0.0) == messages[:2]
    rabbit.noticed(0)
    assert rabbit.ready == messages
    assert sqs.fetch(0, 0, 0.0) == messages[:2]
    assert sqs.fetch(1, 0, 10.0) == messages[2:]
    assert sqs.fetch(2, 0, 10.1) == messages[:2]


# --- the open model -------------------------------------------------------------------------------


def of_seeds(group, **values):
    runs = [group(Setting(broker="Kafka", seed=seed, **values)) for seed in range(1, 13)]
    counts = ("done_twice", "out_of_order", "never_done")
    return {name: sum(run[name] for run in runs) for name in counts}


def test_the_open_group_is_the_course_s():
    for seed in range(1, 6):
        at = Setting(broker="Kafka", seed=seed)
        what, mine = brokers._told(at), semantics.your_group(at)
        np.testing.assert_array_equal(mine.pop("finished_s"), what.finished_s)
        assert mine == {
            "done_twice": what.twice,
            "out_of_order": what.older.sum(),
            "never_done": what.lost,
        }


def test_committing_each_message_leaves_nothing_to_do_twice():
    each = edited(
        MODEL,
        "        pass  # an offset is committed for all of a batch\n",
        "        partition = message.key % self.at.partitions\n"
        "        self.committed[partition] = self.log[partition].index(message) + 1\n",
    )
    assert of_seeds(semantics.your_group)["done_twice"] > 5
    after = of_seeds(each)
    assert after["done_twice"] == after["never_done"] == 0


def test_a_new_owner_that_begins_where_the_old_one_was_loses_messages():
    bold = edited(
        MODEL, "                self.position[partition] = self.committed[partition]\n", ""
    )
    after = of_seeds(bold)
    assert after["never_done"] > 5
    assert after["done_twice"] == 0


def test_spreading_messages_without_their_key_loses_the_order():
    spread = edited(
        MODEL,
        "self.log[message.key % self.at.partitions]",
        "self.log[message.number % self.at.partitions]",
    )
    quiet = of_seeds(semantics.your_group, kill=False)
    assert quiet["out_of_order"] == 0
    assert of_seeds(spread, kill=False)["out_of_order"] > 20


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"broker": "Kafka"},
        {"broker": "Kafka", "partitions": 1, "consumers": 6},
        {"broker": "SQS", "visibility_s": 2.0},
        {"broker": "SQS", "acknowledge": "before the work"},
        {"broker": "Kafka", "session_s": 45.0, "rate_rps": 20.0, "batch": 20},
        {"kill": False, "rate_rps": 1.0, "work_s": 0.05},
        {"consumers": 2, "work_s": 2.0, "rate_rps": 20.0},
    ],
)
def test_the_page(values):
    run = brokers.simulate(**values)
    at, here, exact = run.at, run.here, brokers.theory(run.at)
    assert run.reading.startswith(f"{at.broker}: ")
    done = MESSAGES - here.lost
    assert (f"all {MESSAGES} messages are" if done == MESSAGES else f"{done} of 60") in run.reading
    assert f"before: {here.twice} (" in run.reading
    bound = "nothing bounds" if math.isinf(exact.twice) else f"at most {int(exact.twice)})"
    assert bound in run.reading
    assert f"same key: {here.older.sum()}." in run.reading
    took = here.finished_s - run.published_s
    slowest = took[np.isfinite(took)].max()
    assert f"took {duration(slowest)} from" in run.reading
    each = [run.brokers[name] for name in brokers.BROKERS]
    assert_columns(
        run,
        broker=brokers.BROKERS,
        never_done=[one.lost for one in each],
        done_twice=[one.twice for one in each],
        out_of_order=[one.older.sum() for one in each],
        slowest=[run.slowest_s(name) for name in brokers.BROKERS],
    )
    ax, lag = drawn_by(brokers, run)
    looks = brokers.looks_of(here)
    assert np.sum(list(looks.values()), axis=0).tolist() == [1] * len(here.works)
    assert looks["killed"].sum() <= 1
    for name, color in brokers._LOOKS:
        begins = [w.begin_s for w, one in zip(here.works, looks[name], strict=True) if one]
        if begins:
            shown = drawn.bars(ax, facecolor=color)
            np.testing.assert_allclose(np.sort(shown.starts), np.sort(begins))
    backlog = drawn.curve(lag, **style.SIMULATION)
    published = np.searchsorted(run.published_s, backlog[:, 0], "right")
    finished = np.searchsorted(np.sort(here.finished_s), backlog[:, 0], "right")
    np.testing.assert_allclose(backlog[:, 1], published - finished)
    assert_legible(*drawn_by(brokers, run))
    _, with_mine = drawn_by(brokers, run, mine={"finished_s": here.finished_s})
    np.testing.assert_allclose(diamonds(with_mine), backlog[::12])
