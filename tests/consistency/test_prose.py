"""Numbers in the chapter's prose and answers: each is worked out here, and found in the text."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.consistency import (
    bank,
    bank_real,
    broadcast,
    converging,
    gossip,
    inversion,
    lag,
    last_writer,
    majorities,
    price,
    questions,
    real_inversion,
    register,
    replicas,
    sharded_counter,
)
from helpers.foundations.histories import JUDGES
from tests.consistency import (
    test_bank,
    test_broadcast,
    test_converging,
    test_gossip,
    test_lag,
    test_last_writer,
    test_second_half,
    test_sharded_counter,
    test_vector_clocks,
)
from tests.foundations import test_histories, test_promises
from tests.prose import Prose

PROSE = Prose("07", questions)
says, given, shown, universal = PROSE.computed, PROSE.given, PROSE.shown, PROSE.universal


def test_what_the_page_sets():
    given("Keep a thing in two places", why="a word")
    given("Ann has written 1; while Bob writes 2, Cid reads 2 and", "Dee reads 1", why="an example")
    given("`w 2` writes 2, `r 2` reads it", why="how the picture names an operation")
    given("so Cid may read 2; but then", "Dee must not read 1", why="the same example")
    given("lose messages, let them come twice", "what comes twice is kept once", why="a word")
    given("reads each twice", why="a word")
    given("set writes to 50 per second", "At 40 ms, nearly", why="a setting to try")
    given("take a gap of 200 ms", "Merging twice counts twice: with", why="a setting, and a word")
    given(
        "delivers another tenth twice", "is two of them, one for likes", why="a word, and a count"
    )
    given("both count from 7 to 8", 'A replica that sends "+1"', why="an example")
    given("**A message in twenty is lost.**", "With a thousand of them", why="an example")
    given(
        "with counters and *k* = 2", "The counts are in eight pieces", why="the explorer's setting"
    )
    given("10,432 likes where there are 10,580", why="an example")
    given("of dozens of databases", why="their own list is longer")
    given("R = 1, W = N reads as long as", why="an example")


def test_the_register():
    at = register.Setting()
    says(f"A message takes {at.delay_ms:.0f} ms on average, and one in ten takes much longer")
    assert replicas.SLOW == 0.1
    assert pytest.approx(0.9 + 0.1 * replicas.SLOWER) == replicas.USUAL
    runs = [register.simulate(seed=seed) for seed in range(1, 6)]
    assert np.mean([len(run.history) for run in runs]) == pytest.approx(90, abs=6)
    says(f"what three clients did in {at.run_s} seconds, some ninety operations")
    says(f"Here R = W = {at.r}, with the write back")
    assert (at.r, at.w, at.clients, at.replicas) == (2, 2, 3, 3)


def test_the_judges():
    each = [f for f in test_promises.ORACLES if f in JUDGES]
    assert len(each) == 7
    says(f"on all {sum(test_promises.EVERY.values()):,} histories of one to four operations")
    three = [many for _, many in ((1, 5), (2, 75), (3, 1_875))]
    says(f"up to three of them have {sum(three):,} histories")
    by = test_histories.test_it_agrees_with_trying_everything_on_every_history
    shown("1,955 histories, and there, too, all verdicts agree", by=by)


def test_inversions():
    at = inversion.Setting()
    says(f"One write takes {at.write_ms:.0f} ms on average to each replica")
    says(f"the ways of {inversion.TRIES} writes")
    says("R = N, and *d* is 0")
    assert float(inversion.theory(at.but(read_quorum=3), 20.0)) == 0
    trial = real_inversion.Trial()
    says(
        f"R = W = 2. Each of {trial.trials} registers is written once, which takes "
        f"{trial.write_ms:.0f} ms on average to each replica; a reader comes after "
        f"{trial.first_ms:.0f} ms"
    )


def test_prices():
    at = price.Setting()
    says(f"the two others are {at.far_ms:.0f} ms away", "sky dots one in a hundred")
    exact = price.theory(at)
    assert exact["majority, write back"] == 2 * exact["majority"]
    says("A second round doubles that")


def test_majorities():
    sizes = majorities.SIZES.tolist()
    says(f"majorities of {', '.join(map(str, sizes[:-1]))} and {sizes[-1]} would do")
    assert majorities.LEAST == 1e-6
    says("rarer than a millionth is drawn at a millionth")
    three, five = majorities.theory(majorities.Setting(down_percent=0.1))[1:3]
    assert (three / 1e-3**2, five / 1e-3**3) == (
        pytest.approx(3, rel=0.01),
        pytest.approx(10, rel=0.01),
    )
    says("for about $3p^2$, a majority of five for $10p^3$")
    down = majorities.Setting().down_percent / 100
    says("Two of them must be down at once", f"a chance of {down} times {down}, less what is")
    given("less what is counted twice", why="a word")
    assert 3 * down**2 - 2 * down**3 == pytest.approx(majorities.too_few(3, 2, down))


def test_sessions():
    assert lag.FEW == 200
    says("Two hundred sessions, and the checkers count")
    shown("half of all reads, and none goes back", by=test_lag.test_the_edits)
    says("longer than half its mean with probability exp(-0.5)")
    assert questions.PREDICTIONS["own-write"].answer() == pytest.approx(100 * math.exp(-0.5))


def test_clocks():
    says("Two writes, 1,000 times", "is normal with *σ*√2")
    assert last_writer.PAIRS == 1_000
    edits = test_last_writer.test_the_edits
    shown("nearly nine of ten later writes", "Nearly a quarter of all writes is lost", by=edits)
    at = last_writer.Setting()
    share = last_writer.theory(at, np.array([40.0]))[0]
    assert 1 / share == pytest.approx(9, abs=0.5)
    says("one confirmed write in nine is not kept")
    says(f"Two clocks differ by {at.skew_ms * math.sqrt(2):.0f} ms (standard deviation)")
    says("is behind by more than 40 ms, and in two of three cases there are two clocks")
    assert at.gap_ms == 40
    assert 1 - 1 / at.replicas == pytest.approx(2 / 3)


def test_merges():
    at = converging.Setting()
    assert (at.lost, at.repeated) == (0.1, 0.1)
    says("loses a tenth of the messages and delivers another tenth twice")
    says(f"with {at.clicks} likes")
    shown("numbers of a dozen digits and more", by=test_converging.test_adding_is_not_idempotent)


def test_rings():
    given("Of 4,000 stories", why="the replay's own")
    says("a half times a half")
    held = test_vector_clocks.test_exactly_none_over_200_seeds
    shown("looks at 200 conversations", "several hundred messages shown too early", by=held)


def test_rumours():
    given(
        "the number that know doubles in each round",
        "the number that know doubles, which takes log2 of 1,000",
        why="powers",
    )
    given("with probability 1/*e*", "another ln of 1,000", why="a formula")
    shown("leave out one in a thousand", by=test_second_half.test_rumours)
    shown(
        "for 1,000 copies",
        "what sixty runs can tell",
        by=test_gossip.test_the_table_beside_the_paper,
    )
    shown(
        "the residue at *k* = 2 is a fifth",
        by=test_gossip.test_the_other_readings_of_the_paper_do_not_fit,
    )
    shown("some 300 rounds instead of 17", by=test_gossip.test_calling_neighbours_takes_ages)
    assert gossip.Setting().sites == 1_000


def test_broadcasts():
    at = broadcast.Setting()
    says(f"With {at.nodes} nodes that know each other")
    given("Half of 100 operations a second are broadcasts, half are reads", why="the guide's load")
    given(
        "each pair sees the message twice, 2*E* messages", "2*E* − (*n* − 1). Half", why="formula"
    )
    given("*n* − 1, and no message", "that is *n* − 1 hops, for a grid about twice", why="formula")
    shown("agree within 25 ms", by=test_broadcast.test_what_the_guide_prints)
    says("A tree has 24 edges")
    given("nobody is told twice", why="a word")


def test_banks():
    assert (bank.WITHDRAWS, sum(bank.OPENING.values())) == (150, 200)
    says("may take 150 from an account of their own", "Each looks at both, sees 200")
    shown("only 4 of the 70 orders are right", by=test_bank.test_the_edits)
    says("Fifty-six of the orders lose")
    assert 70 - questions.PREDICTIONS["orders"].answer() == 56
    trial = bank_real.Trial()
    assert (trial.clerks * trial.transfers, trial.rounds) == (100, 5)
    says("100 transfers, and then two withdrawals at once, five times")


def test_likes():
    given("R = S / (1 − λS/k)", "*T*/2 old on average, behind by λ*T*/2 likes", why="formula")
    edits = test_sharded_counter.test_rows_that_are_not_chosen_evenly
    shown("Half of all likes now take the first row, and a like takes a fifth longer", by=edits)
    given("At 150 likes a second", "at twice as many the first row", why="the explorer's setting")
    assert sharded_counter.Setting().likes_rps == 150
    says("busy for three eighths: 5 ms divided by five eighths")
    assert questions.PREDICTIONS["rows"].answer() == pytest.approx(5 / (5 / 8))
    given("probability 1 − e^(−*w*/*b*)", why="formula")


test_every_number_is_held = PROSE.completeness(globals())
