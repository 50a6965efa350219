"""The checkers of weaker promises: every small history, planted violations, budgets."""

from __future__ import annotations

import random

import pytest

from helpers.foundations.histories import (
    GUARANTEES,
    JUDGES,
    MONOTONIC_READS,
    MONOTONIC_WRITES,
    READ_YOUR_WRITES,
    WRITES_FOLLOW_READS,
    Operation,
    Verdict,
    broken,
    causal,
    convergent,
    linearizable,
    sequential,
    smallest_violation,
)
from tests.foundations.every_history import (
    every_history,
    has_guarantee,
    is_causal,
    is_convergent,
    is_sequential,
    some_history,
)
from tests.foundations.test_histories import one_copy

ORACLES = {
    "sequential": is_sequential,
    "causal": is_causal,
    **{name: (lambda history, name=name: has_guarantee(history, name)) for name in GUARANTEES},
    "convergent": is_convergent,
}
#: Histories of up to four operations of clients side by side; the page says how many.
EVERY = {1: 8, 2: 128, 3: 1_536, 4: 20_480}


def agree(history, name):
    found, expected = JUDGES[name](history).holds, ORACLES[name](history)
    assert found == expected, f"{name}: {found} for {history}"
    return expected


@pytest.mark.parametrize("name", ORACLES)
def test_each_agrees_with_trying_everything_on_every_history(name):
    answers = set()
    for operations, many in EVERY.items():
        seen = 0
        for history in every_history(operations):
            answers.add(agree(history, name))
            seen += 1
        assert seen == many
    assert answers == {True, False}
    assert sum(EVERY.values()) == 22_152


@pytest.mark.parametrize("name", ORACLES)
def test_each_agrees_on_random_histories_with_pauses_and_lost_answers(name):
    rng, answers = random.Random(1), []
    for _ in range(400):
        history = some_history(rng, rng.randint(4, 6))
        if name in GUARANTEES and rng.random() < 0.5:  # the store's own order, as it may be
            history = [
                one._replace(version=rng.random()) if one.kind == "write" else one
                for one in history
            ]
        answers.append(agree(history, name))
    assert set(answers) == {True, False}


def test_the_stronger_promise_implies_the_weaker():
    rng = random.Random(2)
    for _ in range(3_000):
        history = some_history(rng, rng.randint(3, 7))
        holds = {name: judge(history).holds for name, judge in JUDGES.items()}
        assert not holds["linearizable"] or holds["sequential"], history
        assert not holds["sequential"] or holds["causal"], history
        if holds["linearizable"]:
            assert all(holds[name] for name in GUARANTEES)


def on_one_copy(operations, seed):
    """A right history of two registers, with the versions that the copy gave."""
    first = [one._replace(key="x") for one in one_copy(operations // 2, seed)]
    second = [one._replace(key="y") for one in one_copy(operations // 2, seed + 1_000)]
    second = [one._replace(client=f"{one.client}'") for one in second]
    return first + second


def planted(end):
    """A wrong end for each promise: the least that breaks it."""

    def after(*acts):
        return [
            Operation(client, kind, value, end + 2 * at, end + 2 * at + 1, key, version)
            for at, (client, kind, value, key, version) in enumerate(acts, start=1)
        ]

    return {
        "sequential": after(
            ("a", "write", "p", "x", None), ("b", "write", "q", "x", None),
            ("c", "read", "p", "x", None), ("c", "read", "q", "x", None),
            ("d", "read", "q", "x", None), ("d", "read", "p", "x", None),
        ),
        "causal": after(
            ("a", "write", "lost", "x", None), ("a", "write", "found", "x", None),
            ("b", "read", "found", "x", None), ("b", "write", "glad", "y", None),
            ("c", "read", "glad", "y", None), ("c", "read", "lost", "x", None),
        ),
        READ_YOUR_WRITES: after(
            ("a", "write", "p", "x", None), ("a", "write", "q", "x", None),
            ("a", "read", "p", "x", None),
        ),
        MONOTONIC_READS: after(
            ("a", "write", "p", "x", None), ("a", "write", "q", "x", None),
            ("b", "read", "q", "x", None), ("b", "read", "p", "x", None),
        ),
        MONOTONIC_WRITES: after(
            ("a", "write", "p", "x", 9), ("a", "write", "q", "x", 8),
        ),
        WRITES_FOLLOW_READS: after(
            ("a", "write", "p", "x", 9), ("b", "read", "p", "x", None),
            ("b", "write", "q", "x", 8),
        ),
        "convergent": after(
            ("a", "write", "p", "x", None), ("b", "write", "q", "x", None),
            ("c", "read", "p", "x", None), ("d", "read", "q", "x", None),
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("seed", range(6))
def test_a_planted_violation_is_found_and_cut_out(name, seed):
    history = on_one_copy(60, seed)
    end = max(one.end for one in history)
    more = planted(end)[name]
    judge = JUDGES[name]
    assert judge(history).holds is True
    assert judge([*history, *more]).holds is False
    part = smallest_violation([*history, *more], judge=judge)
    assert judge(part).holds is False
    assert set(part) <= set(history) | set(more)
    assert len(part) <= len(more)
    for gone in part:  # nothing can be left out; a write goes with what was read of it
        rest = [one for one in part if (one.key, one.value) != (gone.key, gone.value)
                or (gone.kind == "read" and one != gone)]  # fmt: skip
        assert judge(rest).holds is not False


def test_a_guarantee_across_registers():
    ring = [
        Operation("a", "write", "lost", 0, 1, "ring"),
        Operation("a", "write", "sad", 2, 3, "mood"),
        Operation("b", "read", "sad", 4, 5, "mood"),
        Operation("b", "read", None, 6, 7, "ring"),
    ]
    assert JUDGES[MONOTONIC_WRITES](ring).holds is False
    assert JUDGES[MONOTONIC_READS](ring).holds is True
    assert JUDGES["causal"](ring).holds is False
    assert broken(ring, MONOTONIC_WRITES) == [ring[3]]


@pytest.mark.parametrize("name", JUDGES)
def test_sixty_operations_take_few_states_and_four_hundred_stay_within_the_budget(name):
    most = max(JUDGES[name](on_one_copy(60, seed)).states for seed in range(20))
    assert most < 3_000
    for seed in range(3):
        found = JUDGES[name](on_one_copy(400, seed))
        assert found.holds is True
        assert found.states < 50_000


@pytest.mark.parametrize("name", ["sequential", "causal"])
def test_four_hundred_wrong_operations_stay_within_the_budget(name):
    history = on_one_copy(400, 1)
    more = planted(max(one.end for one in history))[name]
    found = JUDGES[name]([*history, *more])
    assert found.holds is False
    assert found.states < 60_000


@pytest.mark.parametrize("name", JUDGES)
def test_a_budget_that_is_used_up_is_no_answer(name):
    history = on_one_copy(60, 1)
    assert JUDGES[name](history, budget=5).holds is None
    with pytest.raises(ValueError, match="budget must be"):
        JUDGES[name](history, budget=0)


def test_an_order_that_is_found_is_one():
    history = on_one_copy(60, 3)
    found = sequential(history)
    held = {}
    assert len(found.order) == len(history)
    assert set(found.order) == set(history)
    for one in found.order:
        if one.kind == "write":
            held[one.key] = one.value
        assert one.kind == "write" or one.value == held.get(one.key)


def test_what_is_read_before_it_is_written_is_wrong():
    future = [Operation("a", "read", 1, 0, 1), Operation("b", "write", 1, 2, 3)]
    for name, judge in JUDGES.items():
        assert judge(future).holds is (name == "convergent"), name
    with pytest.raises(ValueError, match="nobody had begun to write"):
        broken(future, READ_YOUR_WRITES)


def test_convergence_waits_as_long_as_it_is_told():
    history = [
        Operation("a", "write", 1, 0, 1),
        Operation("b", "read", None, 2, 3),
        Operation("b", "read", 1, 6, 7),
    ]
    assert convergent(history).holds is False
    assert convergent(history, within_s=1.0).holds is True
    lost = Operation("a", "write", 2, 8)
    assert convergent([*history, lost, Operation("b", "read", 1, 9, 10)]).holds is True


def test_sequential_but_not_linearizable_and_so_on_down():
    wrote = Operation("a", "write", 1, 0, 1)
    late = Operation("b", "read", None, 2, 3)
    assert (linearizable([wrote, late]).holds, sequential([wrote, late]).holds) == (False, True)
    two = [
        Operation("a", "write", 1, 0, 1),
        Operation("b", "write", 2, 0, 1),
        Operation("c", "read", 1, 2, 3),
        Operation("c", "read", 2, 4, 5),
        Operation("d", "read", 2, 2, 3),
        Operation("d", "read", 1, 4, 5),
    ]
    assert (sequential(two).holds, causal(two).holds) == (False, True)


@pytest.mark.parametrize(
    ("name", "module", "function", "fault"),
    [
        ("causal", "causality", "seen_in_order", lambda *_: True),
        ("sequential", "sequential_order", "_forced", lambda *_: False),
        ("sequential", "sequential_order", "_arranged", lambda *_: Verdict(False, (), 0)),
        (READ_YOUR_WRITES, "sessions", "older", lambda *_: False),
        (MONOTONIC_READS, "sessions", "older", lambda a, b: a.start < b.end),
        (MONOTONIC_WRITES, "sessions", "told", lambda history: history[1:]),
        (WRITES_FOLLOW_READS, "sessions", "readings", lambda ops: iter([])),
        ("convergent", "convergence", "by_key", lambda history: [history[:2]]),
    ],
)
def test_a_fault_in_a_checker_is_noticed(name, module, function, fault, monkeypatch):
    where = f"helpers.foundations.histories.{module}.{function}"
    monkeypatch.setattr(where, fault)
    rng = random.Random(1)
    some = [some_history(rng, 5) for _ in range(400)]
    every = (one for operations in (2, 3, 4) for one in every_history(operations))
    assert any(JUDGES[name](one).holds != ORACLES[name](one) for one in [*some, *every])
