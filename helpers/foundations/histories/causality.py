"""Causal consistency: each client sees the writes in an order that keeps cause before effect.

A write causes what its client does later, what is done after reading it, and so on. A history is
causally consistent if for each client there is an order of all writes and its own reads that keeps
causes first and in which every read returns the last write: Ahamad, Neiger, Burns, Kohli and Hutto,
"Causal memory: definitions, implementation, and programming", Distributed Computing 1995. Clients
may disagree about what is not related.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from helpers.foundations import validation
from helpers.foundations.histories.operations import (
    BUDGET,
    INITIAL,
    Operation,
    Verdict,
    readings,
    told,
)
from helpers.foundations.histories.order import Order, each_clients, writes_of


def causal(history: Sequence[Operation], *, budget: int = BUDGET) -> Verdict:
    """Say whether a history is causally consistent; exact within its budget.

    Parameters
    ----------
    history : sequence of Operation
    budget : int
        How many pairs of operations may be ordered in all.

    Notes
    -----
    Bouajjani, Enea, Guerraoui and Hamza, "On Verifying Causal Consistency", POPL 2017: where all
    values differ it is enough to add, for each client, what its reads say of the order of the
    writes, until nothing is new; the history is wrong if that makes a circle. Where a value was
    written twice, each way to read it is tried.
    """
    budget = validation.integer("budget", budget, at_least=1)
    ops, pairs = told(history), 0
    for sources in readings(ops):
        order = causes(ops, sources)
        pairs += order.pairs + 1
        holds = not order.cyclic
        for client in dict.fromkeys(one.client for one in ops) if holds else ():
            seen = order.copy()
            mine = [i for i in sources if ops[i].client == client]
            holds = seen_in_order(ops, seen, {i: sources[i] for i in mine}, budget - pairs)
            pairs += seen.pairs
            if pairs > budget:
                return Verdict(None, (), pairs)
            if not holds:
                break
        if holds:
            return Verdict(True, (), pairs)
        if pairs > budget:
            return Verdict(None, (), pairs)
    return Verdict(False, (), pairs)


def causes(ops: Sequence[Operation], sources: Mapping[int, int]) -> Order:
    """Return which operations caused which: each client's order, and each read after its write."""
    order = each_clients(ops)
    for read, write in sources.items():
        if write != INITIAL:
            order.put(write, read)
    return order


def seen_in_order(
    ops: Sequence[Operation], order: Order, sources: Mapping[int, int], budget: int
) -> bool:
    """Add to `order` what some reads say of the writes; whether there is no circle.

    A write that comes before a read came before what was read, or it would have been read.
    """
    writes, new = writes_of(ops), True
    while new and not order.cyclic and order.pairs <= budget:
        new = False
        for read, source in sources.items():
            overwritten = order.before[read] & writes[ops[read].key]
            if source == INITIAL:
                order.cyclic |= bool(overwritten)
                continue
            overwritten &= ~(1 << source) & ~order.before[source]
            while overwritten:
                low = overwritten & -overwritten
                order.put(low.bit_length() - 1, source)
                new = True
                overwritten &= ~order.before[source] & ~low
    return not order.cyclic
