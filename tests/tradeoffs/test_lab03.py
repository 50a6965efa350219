"""Lab 03 gives the points it should; its answers are in ``tests/answers``."""

from __future__ import annotations

from helpers.tradeoffs.contexts import WAYS
from helpers.tradeoffs.lab import lab_parameters, outcomes
from tests.labs import Lab

LAB = Lab("lab03_tradeoffs_everywhere")


def test_everybody_s_numbers_can_be_met():
    every = [lab_parameters(f"s{n}") for n in range(200)]
    for one in every:
        together = one.beta * one.down
        assert together < one.allowed < one.down
    assert {one.fit for one in every} == {"LNKD-DISK", "YMMR", "WAN"}


def test_outcomes_are_the_chapters():
    table = outcomes(lab_parameters("ada"))
    assert tuple(table) == WAYS
    for (r, w), one in table.items():
        assert (one["stale"] == 0) == (r + w > 3)
    assert table[3, 1]["read_ms"] > table[1, 1]["read_ms"]
    assert table[3, 1]["refused_reads"] > table[1, 1]["refused_reads"] > 0


def test_the_model_memo_quotes_the_prices_of_its_id():
    mine = lab_parameters("your id")
    table = outcomes(mine)

    def stale(way, factor):
        return mine.reads * table[way]["stale"] * factor * mine.stale_usd

    def price(way, factor=1.0):
        one, writes = table[way], 1 - mine.reads
        wait = mine.reads * one["read_ms"] + writes * one["write_ms"]
        refused = mine.reads * one["refused_reads"] + writes * one["refused_writes"]
        return wait * mine.wait_usd + stale(way, factor) + refused * mine.refused_usd

    def cheapest(factor):
        return min(table, key=lambda way: price(way, factor))

    ways = [cheapest(factor) for factor in (0.01, 1, 2, 1_900, 2_000)]
    assert ways == [(1, 1), (1, 1), (1, 2), (1, 2), (2, 2)]
    best = price((1, 1))
    memo = LAB.source("design-memo")
    assert f"{1e3 * best:.2f} USD for a thousand operations" in memo
    assert f"left, {stale((1, 1), 1.0) / best:.0%}".replace("%", " %, is stale reads") in memo
    assert "cost twice as much, (1, 2) would be cheapest" in memo
    assert "R + W above three only at two thousand times the price" in memo
