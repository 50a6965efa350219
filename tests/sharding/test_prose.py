"""Numbers in the chapter's prose and answers: each is worked out here, and found in the text."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.sharding import (
    fan_out,
    hedging,
    hot_key,
    interleavings,
    join,
    migration,
    placement,
    questions,
    range_scan,
    real_scatter_gather,
    real_table_move,
    resharding,
    ring,
    ring_laws,
    scatter_gather,
    shard_ceiling,
    table_move,
    vertical,
    workers,
    writers,
)
from helpers.sharding.answer_times import any_slow
from helpers.sharding.remedies import KEYS, MOST_PIECES, top_key_share
from tests.prose import Prose, spelled
from tests.sharding import test_hedging, test_questions, test_ring

PROSE = Prose("08", questions)
said, given, shown, universal = PROSE.computed, PROSE.given, PROSE.shown, PROSE.universal


def test_what_the_page_counts() -> None:
    said(f"move {PROSE.cells_with('explore(')} explorers")
    given("about twenty seconds", why="a time, measured on an idle machine")
    given("56(2)", why="a volume")


def test_placing_rows() -> None:
    given("A million users", "1,000,000", "the next million", why="the claim's own numbers")
    assert placement.RANGE_WIDTH == 1_000_000
    at = placement.Setting(scheme="range", traffic="sign-ups")
    given("the eighth is half full", "800 people", why="the example sets it")
    assert at.rate_rps == 800
    one = 1 / placement.SERVICE_S
    said(f"One shard can do {one:.0f} inserts per second, eight can do {8 * one:,.0f}")
    said(f"sends {placement.HORIZON_S:.0f} seconds of traffic")
    exact = placement.theory(at)
    assert exact.utilisation.tolist() == [0] * 7 + [4]
    said(f"the eighth is offered {spelled(int(exact.utilisation[7]))} times what it can do")
    assert exact.mean_s[7] == pytest.approx(30, rel=0.01)
    said("half a minute of waiting", f"a comfortable {100 * exact.utilisation.mean():.0f} %")
    given("hashed over 16 shards, and a page lists 50", why="the example sets it")
    hit = range_scan.theory(range_scan.Setting())
    assert hit.by_range.max() <= 2
    assert range_scan.occupied(shards=16, length=50) > 15
    said("Fifty balls thrown into sixteen boxes leave hardly a box empty")
    files = writers.Setting(design="hash")
    one_writer, sixteen = writers.theory(files, np.array([1, 16]))
    assert sixteen / one_writer == pytest.approx(4 * 16 / (16 + 4 - 1))
    assert writers.ceiling(files) / one_writer == pytest.approx(4)
    said("towards four times that, and not all the way: sixteen writers over four files")
    given("reads a thousand rows", why="an example")


def test_resharding() -> None:
    assert resharding._DRAWN // resharding._EVERY == 240
    said("Now 240 of the keys, one by one", "what theory expects of 240 keys")
    given("you buy a fifth machine", why="the example sets it")
    said(f"circles are counts over {resharding._KEYS:,} keys")
    watched = len(resharding._SHOWN[:: resharding._EVERY])
    said(f"Now {watched} of the keys", f"what theory expects of {watched} keys")
    assert resharding.moved_share("mod N", 4, 5) == pytest.approx(1 - 4 / 20)
    said("one remainder by 4 and by 5: 4 hashes of every 20.")
    for shards in range(2, 16):
        moved = [resharding.moved_share(each, shards, shards + 1) for each in resharding.SCHEMES]
        assert moved[0] == min(moved)
    said("moves as little or less, half of one shard")
    universal("No other key moves.", why="a new point ends no arc but the one that it divides")


def test_the_ring() -> None:
    said("A fair share would be an eighth of the")
    largest = ring_laws.imbalance(8, 1)
    assert largest == pytest.approx(sum(1 / k for k in range(1, 9)))
    said(f"gets {largest:.1f} times its share", "It is the harmonic number 1 + 1/2 + ... + 1/8.")
    assert ring_laws.overload(shards=8, factor=2.0) > 0.8
    said("owns more than twice its fair share", "a shard with more than twice its share")
    few, many = (ring_laws.imbalance(8, v) - 1 for v in (10, 1_000))
    assert few / many == pytest.approx(10, rel=0.1)
    said("a hundred times the virtual nodes make the imbalance ten times smaller")
    assert ring_laws.imbalance(8, 100) < 1.15
    said("use a hundred or so", "A ring needs about a hundred virtual nodes per shard")
    assert ring.KEYS == 4_000
    said("This one places four thousand keys")
    bigger = test_ring.test_a_bigger_machine_gets_two_parts_of_nine
    shown(
        "twice as many points", "With eight shards and a hundred virtual nodes or more", by=bigger
    )
    said(f"{8 * 2 / 9:.2f} fair shares, and the others have about {8 / 9:.2f} on average")
    limit = test_ring.test_a_limit_holds_with_a_single_point_each
    shown("No diamond rises above 1.25 by more than a key", by=limit)
    shown("with one virtual node or a thousand", by=test_ring.test_equal_parts_are_fair_at_once)
    universal(
        "a key belongs to the first shard clockwise from it", why="it is the rule of the ring"
    )


def test_moving() -> None:
    lost = interleavings.simulate(protocol="dual write").lost
    assert (sum(lost), len(lost)) == (1, 10)
    said("a single order in ten loses the update", "One order in ten is the worst kind")
    given('"deleted, version 7"', "Time runs from 0 to 1", why="an example, and a unit")
    said(f"moves {table_move.Setting().rows:,} rows in chunks")
    given("with a table of 2,000 rows", why="a setting of the next cell")
    trial = real_table_move.Trial()
    rows = table_move.Setting(rows=trial.rows, writes_per_row=trial.writes_per_row)
    assert 200 < table_move.theory(rows).mean() * trial.rows < 1_000
    said("Hundreds of acknowledged writes are gone")
    assert "rows lost, stale, resurrected or doubled: 0" in PROSE.printed
    assert "for s in range(1, 21)" in "".join(PROSE.code)
    said("with twenty different seeds", "Twenty moves")
    writes = int(PROSE.printed.partition("writes during the moves: ")[2].split()[0])
    assert 2_000 < writes < 100_000
    said("thousands of writes, not one row wrong")


def test_the_celebrity() -> None:
    universal(
        "any distribution of the work $S$ per post",
        why="Pollaczek and Khinchine assume Poisson arrivals and a finite mean square",
    )
    given("millions of followers", why="the claim's own numbers")
    assert KEYS == 10_000
    said("Ten thousand keys, asked for by **Zipf's law**")
    PROSE.sourced("between 0.64 and 0.83", source="Breslau and others")
    assert top_key_share(1.0) == pytest.approx(0.1, abs=0.005)
    said("At skew 1 the top key draws about a tenth of the requests")
    said(f"eight shards of {1 / hot_key.SERVICE_S:.0f} requests per second each")
    given("M/M/1 expects", why="a name")
    said(f"buys {shard_ceiling.SIZES[0]} to {shard_ceiling.SIZES[-1]} shards")
    assert shard_ceiling.Setting().read_fraction == 0.9
    plain = shard_ceiling.simulate().capacity
    for pieces in (2, 3, 4, *range(8, MOST_PIECES + 1)):
        worse = (shard_ceiling.simulate(fix="salt", pieces=pieces).capacity < plain).mean()
        assert worse > 0.9 if pieces >= 8 else 1 / 3 < worse < 2 / 3
    said("worse: try *salt* with 90 % reads. At the opening skew it does so, with eight pieces or")
    said("at almost any number of shards; with two, three or four it depends on where they fall")
    universal("whatever the number of shards", why="the hot key's requests all go to one of them")
    slow = np.sort(workers.simulate(exponent=1.2, rate_rps=340.0, run_s=1.3).mean_s)[::-1]
    assert 1.8 < slow[0] / slow[1] < 2
    assert 2.7 < slow[0] / slow[2] < 3
    assert 2.7 < slow[0] / slow[3] < 3
    said("is nearly twice as slow as the next and almost three times as slow as the other two")


def test_followers() -> None:
    assert fan_out.FOLLOWERS.size == 200
    given("assembled in two ways", "half right", why="a count, and a way of speaking")
    said("the posts of 200 authors", "largest author has a million followers")
    before, after = (fan_out.theory(fan_out.Setting(threshold=t)).wait_s for t in (1e6, 1e5))
    assert before / after > 20
    said("falls to less than a twentieth when nine authors are taken out")
    assert fan_out.FOLLOWERS[0] / fan_out.FOLLOWERS[99] == pytest.approx(100)
    said("for as long as a hundred posts of an author in the middle of the list")
    work, square = (
        (fan_out.FOLLOWERS[9:] ** power).sum() / (fan_out.FOLLOWERS**power).sum()
        for power in (1, 2)
    )
    assert work == pytest.approx(1 / 2, rel=0.05)
    assert square == pytest.approx(1 / 16, rel=0.05)
    said("Half of the work is left, and a sixteenth of its square")
    exact = fan_out.theory(fan_out.Setting(), fan_out.THRESHOLDS)
    operations = exact.writes_rps + exact.reads_rps
    assert operations.max() / operations.min() < 2
    said("it changes by less than a factor of two")
    given("pushing to millions", why="the usual story's words")


def test_every_shard() -> None:
    at = scatter_gather.Setting()
    given("one request in a hundred slowly, and that a query asks a hundred", why="the example")
    said(f"An ordinary answer takes {at.mean_ms:.0f} ms on average")
    half = math.log(0.5) / math.log(1 - at.slow_probability)
    assert half == pytest.approx(70, abs=2)
    said("jumps to a second at about seventy shards")
    given("one answer in a hundred is slow, the 99th", why="the setting at the far left")
    said(f"a query to 100 shards is a single shard's {100 * 0.5 ** (1 / 100):.1f}rd percentile")
    said("all hundred answers are: 0.99 to the power of 100")
    said(f"the {100 * any_slow(0.01, 100):.0f} % of Section 4")
    PROSE.sourced(
        "cut a 99.9th percentile from 1,800 ms to 74 ms for 2 % more", source="Dean and Barroso"
    )
    PROSE.sourced("with thousands of logical shards", source="Instagram")
    universal(
        "is not an average of the shards. It is a maximum",
        why="the query waits for its last answer",
    )
    universal(
        "A hedged shard is late only if both copies are", why="the first of the two answers counts"
    )


def test_hedging_it() -> None:
    exact = hedging.theory(hedging.Setting())
    said(f"For about {100 * exact.extra:.0f} % more requests")
    assert exact.p99_s < 0.1 * exact.plain_p99_s
    said("falls from a second to less than a tenth of that")
    assert hedging.price_list(hedging.Setting()).extra[0] == 1
    said("at 0 ms every request is sent twice")
    said(f"At 60 % utilisation, sending everything twice asks for {2 * 60} %")
    given("A run has a hundred queries, so its 99th", why="the model's own numbers")
    third = test_hedging.test_a_third_copy_helps_where_a_second_does_not
    shown("to 5 %: with one hedge", "with two it is a tenth of that", by=third)
    enough = test_hedging.test_nine_answers_of_ten_need_hardly_a_hedge
    shown("hedge after 200 ms", "for 1 % more requests", "the slowest tenth of its", by=enough)
    trial = real_scatter_gather.Trial()
    assert max(trial.fan_outs) == 24
    said("Up to 24 SQLite shards", "of waking 24 threads", "so each of 24 is slower")
    assert trial.single_queries >= 200
    said("timed a few hundred times")
    given("they meet one time in four", why="each of four shards is as likely")
    assert join.together(4) == 1 / 4


def test_features() -> None:
    at = vertical.Setting()
    assert at.largest_share == 0.6
    given("Photos are 60 %", "in three ways", "16 threads write, with 60 %", why="the example")
    amdahl, four = 1 / (0.6 + 0.4 / 4), vertical.ceiling([0.6, 0.2, 0.1, 0.1])
    said(f"with a serial part of 0.6, four servers bring $1/(0.6+0.4/4) = {amdahl:.2f}$")
    said(f"four servers bring $1/0.6 = {four:.2f}$", "is full at 1 / 0.6 of what one server")
    assert four < 1.8
    said("well below twice the throughput of one")
    universal(
        "Rows have no such limit, as long as no row is hot", why="any number of servers shares rows"
    )


def test_too_late() -> None:
    said(f"The disk moves {migration.DISK_MB_S:.0f} MB/s while it copies")
    given("live writes change 30 MB/s", why="the task sets it")
    given("one shard at 100 %", why="all of its time")
    shown(
        "takes more than 30/200 of the disk",
        by=test_questions.test_answers_are_what_the_simulations_show,
    )


test_every_number_is_held = PROSE.completeness(globals())
