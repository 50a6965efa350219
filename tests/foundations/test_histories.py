"""The checker of histories: an oracle on every small history, planted violations, its budget."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from helpers.foundations.histories import (
    Operation,
    linearizable,
    overwritten_reads,
    right_until,
    smallest_violation,
    until,
)


def oracle(history):
    """Try every order of every choice of the writes that were never answered."""
    told = [one for one in history if one.end < math.inf]
    maybe = [one for one in history if one.end == math.inf and one.kind == "write"]
    for many in range(len(maybe) + 1):
        for some in itertools.combinations(maybe, many):
            for order in itertools.permutations([*told, *some]):
                held, right = None, True
                for place, one in enumerate(order):
                    if any(later.end < one.start for later in order[place + 1 :]):
                        right = False
                        break
                    if one.kind == "write":
                        held = one.value
                    elif one.value != held:
                        right = False
                        break
                if right:
                    return True
    return False


def every_history(operations):
    """Every history of so many operations: all orders of begins and ends, kinds and values."""
    moments = sorted(set(itertools.permutations([*range(operations)] * 2)))
    acts = [("write", 1), ("write", 2), ("read", None), ("read", 1), ("read", 2)]
    for order in moments:
        if [one for i, one in enumerate(order) if one not in order[:i]] != [*range(operations)]:
            continue  # the same but for names
        for kinds in itertools.product(acts, repeat=operations):
            ops = []
            for number, (kind, value) in enumerate(kinds):
                start = order.index(number)
                end = len(order) - 1 - order[::-1].index(number)
                ops.append(Operation(f"c{number}", kind, value, start, end))
            yield ops


@pytest.mark.parametrize(("operations", "many"), [(1, 5), (2, 75), (3, 1_875)])
def test_it_agrees_with_trying_everything_on_every_history(operations, many):
    seen = 0
    for history in every_history(operations):
        assert linearizable(history).holds == oracle(history), history
        seen += 1
    assert seen == many


def test_it_agrees_on_random_histories_with_unanswered_writes():
    rng = random.Random(1)
    answers = set()
    for _ in range(1_500):
        history = []
        for number in range(rng.randint(3, 5)):
            start = rng.randrange(8)
            kind = rng.choice(("read", "write"))
            end = math.inf if kind == "write" and rng.random() < 0.3 else start + rng.randrange(4)
            value = number if kind == "write" else rng.choice((None, *range(4)))
            history.append(Operation(f"c{number}", kind, value, start, end))
        expected = oracle(history)
        assert linearizable(history).holds == expected, history
        answers.add(expected)
    assert answers == {True, False}


def test_an_order_that_is_found_is_one():
    history = one_copy(60, seed=2)
    found = linearizable(history)
    assert found.holds
    assert set(found.order) == set(history)
    held = None
    for one in found.order:
        if one.kind == "write":
            held = one.value
        assert one.kind == "write" or one.value == held


def one_copy(operations, seed, clients=5):
    """Operations of several clients on a single copy, each at one instant within its time."""
    rng = random.Random(seed)
    begun, free = [], [0.0] * clients
    for number in range(operations):
        client = free.index(min(free))
        start = free[client] + rng.expovariate(1)
        end = start + rng.expovariate(0.7)
        begun.append((start + rng.random() * (end - start), client, start, end, number))
        free[client] = end
    held, history = None, []
    for _, client, start, end, number in sorted(begun):
        if rng.random() < 0.5:
            held = number
            history.append(Operation(f"c{client}", "write", number, start, end))
        else:
            history.append(Operation(f"c{client}", "read", held, start, end))
    return history


@pytest.mark.parametrize("seed", range(20))
def test_several_hundred_operations_within_the_budget(seed):
    found = linearizable(one_copy(400, seed))
    assert found.holds is True
    assert found.states < 20_000


@pytest.mark.parametrize("seed", range(20))
def test_a_planted_stale_read_is_found_and_cut_out(seed):
    history = one_copy(80, seed)
    end = max(one.end for one in history)
    planted = [
        Operation("a", "write", "old", end + 1, end + 2),
        Operation("a", "write", "new", end + 3, end + 4),
        Operation("b", "read", "old", end + 5, end + 6),
    ]
    more = Operation("b", "read", "new", end + 7, end + 8)
    assert linearizable([*history, *planted, more]).holds is False
    assert right_until([*history, *planted, more]) == end + 6
    assert smallest_violation([*history, *planted, more]) == tuple(planted)
    assert overwritten_reads([*history, *planted, more]) == planted[2:]


def test_a_value_from_nowhere_and_a_new_old_inversion():
    nowhere = Operation("a", "read", 7, 0, 1)
    assert smallest_violation([nowhere]) == (nowhere,)
    old = Operation("a", "write", 1, 0, 1)
    slow = Operation("b", "write", 2, 2, 9)
    reads = [Operation("c", "read", 2, 3, 4), Operation("d", "read", 1, 5, 6)]
    assert linearizable([old, slow, *reads]).holds is False
    assert overwritten_reads([old, slow, *reads]) == []  # more than one kind of wrong
    assert len(smallest_violation([old, slow, *reads])) == 4
    assert linearizable([old, slow, *reads[::-1]][:3]).holds


def test_whatever_is_taken_from_the_smallest_violation_makes_it_right():
    old = Operation("a", "write", 1, 0, 1)
    slow = Operation("b", "write", 2, 2, 9)
    reads = [Operation("c", "read", 2, 3, 4), Operation("d", "read", 1, 5, 6)]
    for gone in reads:
        assert linearizable([one for one in (old, slow, *reads) if one != gone]).holds


def test_registers_are_judged_one_by_one():
    there = [Operation("a", "write", 1, 0, 1, "x"), Operation("a", "write", 2, 2, 3, "y")]
    assert linearizable([*there, Operation("b", "read", 1, 4, 5, "x")]).holds
    assert linearizable([*there, Operation("b", "read", 1, 4, 5, "y")]).holds is False


def test_a_budget_that_is_used_up_is_no_answer():
    writes = [Operation(f"c{i}", "write", i, 0, 10) for i in range(14)]
    wrong = [Operation("r", "read", 0, 11, 12), Operation("r", "read", 1, 13, 14)]
    assert linearizable([*writes, *wrong], budget=500).holds is None
    assert linearizable([*writes, *wrong], budget=500).states <= 502
    assert right_until([*writes, *wrong], budget=500) == math.inf
    assert smallest_violation([*writes, *wrong], budget=500) == ()


def test_what_was_known_at_an_instant():
    one = Operation("a", "write", 1, 0.0, 3.0)
    assert until([one], 2.0) == [one._replace(end=math.inf)]
    assert until([one], -1.0) == []


def test_what_is_no_operation_is_refused():
    with pytest.raises(ValueError, match="a read or a write, got 'append'"):
        linearizable([Operation("a", "append", 1, 0, 1)])
    with pytest.raises(ValueError, match="must not end before it starts"):
        linearizable([Operation("a", "read", 1, 2, 1)])


def test_sixty_operations_take_few_states():
    states = max(linearizable(one_copy(60, seed)).states for seed in range(50))
    assert states < 1_000
