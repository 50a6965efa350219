"""The storm: published numbers, theory, the open model and its edits, the replay, and the page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.failure import storm, storm_fast
from helpers.failure.remedies import Quota
from helpers.failure.storm_tally import REASONS, Tally
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import duration, percent, significant
from tests import drawn
from tests.caching.conftest import tidy  # noqa: F401
from tests.checks import assert_legible, assert_tells, diamonds, drawn_by, runs_of
from tests.measurements import had_time
from tests.models import edited

MODEL = "helpers.failure.storm:server, request, one_storm"
SMALL = {"load_rps": 16.0, "spike": 2.0, "capacity_rps": 20.0, "run_s": 40.0, "room": 10}


def settles(seeds=range(4), **setting):
    """How much is answered in the last ten seconds, for several seeds."""
    return [storm.simulate(**setting, seed=seed).at_end for seed in seeds]


def test_the_retry_example_of_bronson_et_al():
    # HotOS 2021: a database that can do 300 queries/s, one retry; 280 queries/s are fine, and
    # after an interruption 560 arrive and keep arriving. Below 150 nothing of the kind can last.
    there = {"capacity_rps": 300.0, "attempts": 2, "spike": 3.0, "spike_s": 10.0}
    calm = storm.simulate(load_rps=280.0, **there | {"spike": 1.0})
    assert calm.at_end == 1
    hit = storm.simulate(load_rps=280.0, **there)
    assert hit.at_end == 0
    assert hit.attempts_rps[-10:].mean() == pytest.approx(560, rel=0.03)  # 4 sd of a count
    assert storm.theory(hit.at).dead_rps == 560
    assert storm.theory(hit.at.but(load_rps=151.0)).lasts
    assert not storm.theory(hit.at.but(load_rps=149.0)).lasts
    safe = storm.simulate(load_rps=120.0, **there | {"run_s": 120.0})
    assert safe.at_end == 1


@pytest.mark.parametrize(("attempts", "load_rps"), [(1, 45.0), (2, 22.0), (3, 14.0), (6, 7.0)])
def test_a_dead_state_lasts_exactly_when_its_attempts_exceed_the_capacity(attempts, load_rps):
    # A tenth below the boundary the line drains, given time; a fifth above it nothing comes back.
    hard = {"attempts": attempts, "spike": 6.0, "spike_s": 5.0}
    below = storm.Setting(load_rps=load_rps, run_s=300.0, **hard)
    assert not storm.theory(below).lasts
    assert storm.simulate(below).at_end > 0.99
    if attempts > 1:
        above = storm.Setting(load_rps=1.2 * 50 / attempts, **hard)
        assert storm.theory(above).lasts
        assert storm.simulate(above).at_end == 0


def test_backoff_only_puts_the_retries_off():
    assert max(settles(remedy="backoff with full jitter")) == 0
    run = storm.simulate(remedy="backoff with full jitter", run_s=200.0)
    # 100 s of 105 attempts/s in groups of three: 4.5 standard deviations.
    assert abs(run.attempts_rps[-100:].mean() - 105) < 4.5 * math.sqrt(35 * 9 / 100)


@pytest.mark.parametrize("remedy", storm.REMEDIES[2:])
def test_every_other_remedy_brings_it_back(remedy):
    assert min(settles(remedy=remedy)) > 0.97


@pytest.mark.parametrize("budget", [0.0, 0.1, 0.2, 0.3])
def test_with_a_budget_it_is_back_when_the_fluid_says(budget):
    # The fluid ignores the retries' delay of a second and the counts' noise.
    at = storm.Setting(remedy="retry budget", budget=budget, run_s=200.0)
    back = [storm.simulate(at.but(seed=seed)).back_s for seed in range(6)]
    after = storm.theory(at).back_s - at.calm_s
    assert np.mean(back) - at.calm_s == pytest.approx(after, rel=0.12, abs=3)


def test_a_budget_is_too_large_where_theory_says():
    for budget, dead in ((0.3, False), (0.6, True)):
        at = storm.Setting(remedy="retry budget", budget=budget, run_s=200.0)
        assert storm.theory(at).lasts == dead
        assert (storm.simulate(at).at_end < 0.5) == dead


@pytest.mark.parametrize(
    "quota",
    [
        {},
        {"tokens": 0},
        {"retry_tokens": 10},
        {"tokens": 2_000, "attempts": 2},
        {"tokens": 10_000},
        {"load_rps": 20.0, "spike": 6.0},
    ],
)
def test_with_a_quota_it_is_back_once_the_tokens_are_gone_and_the_line_is(quota):
    # As for a budget: the fluid ignores the retries' delay of a second and the counts' noise.
    at = storm.Setting(remedy="retry quota", run_s=100.0, **quota)
    back = [storm.simulate(at.but(seed=seed)).back_s for seed in range(4)]
    after = storm.theory(at).back_s - at.calm_s
    assert np.mean(back) - at.calm_s == pytest.approx(after, rel=0.12, abs=3)


def test_a_quota_lets_a_dead_server_get_so_many_retries_and_no_more():
    # Nobody is answered: each client's tokens pay for 500 / 14 retries, and nothing comes back.
    at = storm.Setting(remedy="retry quota", load_rps=60.0, spike=1.0, run_s=40.0)
    tally = Tally(at)
    storm_fast.play(at.but(timeout_s=0.001), Draws(1), tally)
    retries = sum(attempt > 0 for _, attempt in tally.sent)
    assert retries == 500 // 14
    assert storm.theory(at).lasts  # 60 > 50: no remedy for clients' retries helps against that


def test_the_quota_s_published_numbers():
    # "Retry behavior", AWS SDKs and Tools Reference Guide, and the SDKs' sources: 500 tokens; 14 a
    # retry (10 after a time-out before 2026); 1 for a first success, the last cost for a later one.
    quota = Quota()
    assert (quota.left, quota.costs) == (500, 14)
    assert [quota.pays() for _ in range(36)] == [True] * 35 + [False]
    assert quota.left == 500 - 35 * 14
    quota.hears(2)
    assert quota.left == 10 + 14
    quota.hears(0)
    assert quota.left == 25
    for _ in range(600):
        quota.hears(0)
    assert quota.left == 500
    before = Quota(costs=10)
    assert sum(before.pays() for _ in range(100)) == 50


def test_a_breaker_opens_probes_and_closes():
    states = [state for _, state in storm.simulate(remedy="circuit breaker").states]
    assert states[:3] == ["closed", "open", "half-open"]
    assert states[-1] == "closed"
    times = [since for since, _ in storm.simulate(remedy="circuit breaker").states]
    assert times[2] >= times[1] + 5
    patient = storm.simulate(
        remedy="circuit breaker", breaker_calls=100, open_s=60.0, probes=10, run_s=120.0
    )
    assert patient.at_end == 1
    assert 70 < patient.back_s < 80  # opened some two seconds into the spike, for a minute


# --- the open model -------------------------------------------------------------------------------


@pytest.mark.parametrize("remedy", storm.REMEDIES)
def test_the_open_model_is_the_simulation_on_the_same_draws(remedy):
    for setting in (SMALL, SMALL | {"attempts": 6, "load_rps": 19.0, "seed": 3}):
        at = storm.Setting(remedy=remedy, **setting)
        run, mine = storm.simulate(at), storm.one_storm(at, Draws(at.seed))
        np.testing.assert_array_equal(mine["answered_rps"], run.goodput_rps)
        np.testing.assert_array_equal(mine["attempts_rps"], run.attempts_rps)
        assert mine["answered_at_end"] == run.at_end


def test_a_deadline_that_forgets_the_work_itself_saves_nobody():
    forgets = edited(
        MODEL, "done_at > sent_at + at.timeout_s", "world.now > sent_at + at.timeout_s"
    )
    right = runs_of(storm.one_storm, storm.Setting, **SMALL, remedy="deadline")
    wrong = runs_of(forgets, storm.Setting, **SMALL, remedy="deadline")
    assert right["answered_at_end"] > 0.97
    assert wrong["answered_rps"].sum() < 0.6 * right["answered_rps"].sum()
    assert wrong["answered_rps"][13:38].max() < 0.5 * SMALL["load_rps"]


def test_a_budget_that_answers_pay_for_is_back_sooner():
    paid = edited(
        MODEL,
        "    tally.budget.earns()\n",
        "",
        "            tally.quota.hears(attempt)\n",
        "            tally.quota.hears(attempt)\n            tally.budget.earns()\n",
    )
    before = runs_of(storm.one_storm, storm.Setting, **SMALL, remedy="retry budget")
    after = runs_of(paid, storm.Setting, **SMALL, remedy="retry budget")
    assert after["answered_rps"].sum() > 1.15 * before["answered_rps"].sum()


def test_retries_at_the_back_of_the_line_bring_it_back_alone():
    polite = edited(MODEL, "line.append((", "(line.append if attempt else line.appendleft)((")
    assert runs_of(storm.one_storm, storm.Setting, **SMALL)["answered_at_end"] < 0.05
    assert runs_of(polite, storm.Setting, **SMALL)["answered_at_end"] > 0.95


# --- planted faults -------------------------------------------------------------------------------


def test_every_request_ends_once_and_the_server_never_does_more_than_it_can():
    for remedy in storm.REMEDIES:
        at = storm.Setting(remedy=remedy)
        tally = Tally(at)
        storm_fast.play(at, Draws(1), tally)
        ended = sum(map(len, tally.came.values()))
        again = Draws(1)("arrivals")
        now, asked = again.exponential(1 / at.rate_rps(0.0)), 0
        while now < math.inf:
            asked += 1
            now = math.inf if now >= at.run_s else now + again.exponential(1 / at.rate_rps(now))
        assert ended == asked, remedy
        work = tally.per_second([now for now, _ in tally.done])
        assert work.max() <= at.capacity_rps + 1
        assert len(tally.came["answered"]) == len(tally.finished(late=False))


# --- the page -------------------------------------------------------------------------------------

CORNERS = [
    *({"remedy": remedy} for remedy in storm.REMEDIES),
    {"load_rps": 48.0, "spike": 10.0, "spike_s": 15.0, "attempts": 6},
    {"load_rps": 5.0, "spike": 1.0, "attempts": 1},
    {"load_rps": 14.0, "spike": 8.0, "spike_s": 5.0},
    {"load_rps": 35.0, "spike": 1.2, "spike_s": 1.0},
    {"load_rps": 35.0, "attempts": 1},
    {"remedy": "retry quota", "tokens": 10_000, "retry_tokens": 5},
    {"remedy": "retry quota", "tokens": 0, "attempts": 5},
]


@pytest.mark.parametrize("setting", CORNERS)
def test_the_page(setting):
    run = storm.simulate(**setting)
    at, exact = run.at, storm.theory(run.at)
    share = percent(at.load_rps / at.capacity_rps)
    said = [f"the load is {significant(at.load_rps)} requests/s again, {share}"]
    if not run.recovered:
        said += ["ten seconds", f"{significant(run.attempts_rps[-10:].mean())} attempts/s",
                 percent(run.at_end)]  # fmt: skip
    else:
        said += ["90 %"]
        if run.bad.size and run.back_s > at.calm_s:
            said += [f"ends {duration(run.back_s - at.calm_s)} after the spike"]
    if math.isfinite(exact.dead_rps):
        said += [f"{significant(exact.dead_rps)} attempts/s", significant(at.capacity_rps)]
    assert_tells(run.reading, *said)
    assert run.summary["answered"] == run.goodput_rps.sum()
    table = run.columns
    for reason in REASONS:
        np.testing.assert_array_equal(table[f"{reason} (per s)"], run.ends[reason])
    np.testing.assert_array_equal(table["attempts (per s)"], run.attempts_rps)
    np.testing.assert_array_equal(table["work in time (per s)"], run.useful_rps)
    np.testing.assert_array_equal(table["work for nobody (per s)"], run.late_rps)

    mine = {"answered_rps": np.arange(60.0), "attempts_rps": np.arange(60.0) / 2}
    users, work = drawn_by(storm, run, mine=mine)
    good = np.column_stack([run.time_s, run.goodput_rps])
    np.testing.assert_allclose(drawn.curve(users, **style.SIMULATION), good)
    asked = np.column_stack([run.time_s, run.attempts_rps])
    np.testing.assert_allclose(drawn.curve(work, **style.SIMULATION), asked)
    assert drawn.levels(work, color=style.MUTED) == [at.capacity_rps]
    if math.isfinite(exact.dead_rps):
        assert drawn.levels(work, **style.THEORY) == [exact.dead_rps]
    below = run.goodput_rps
    for reason, colour in (("timed out", style.PALE_RED), ("refused", style.YELLOW),
                           ("shed", style.PURPLE)):  # fmt: skip
        if run.ends[reason].any():
            area = drawn.area(users, colour)
            np.testing.assert_allclose(area.low, below)
            np.testing.assert_allclose(area.high, below + run.ends[reason])
        below = below + run.ends[reason]
    late = drawn.area(work, style.PALE_RED)
    np.testing.assert_allclose(late.high - late.low, run.late_rps, atol=1e-9)
    np.testing.assert_allclose(diamonds(users)[:, 1], np.arange(1, 60, 3))
    np.testing.assert_allclose(diamonds(work)[:, 1], np.arange(1, 60, 3) / 2)
    opened = drawn.bands(users, facecolor=style.VERMILION)
    wanted = [since for since, state in run.states if state == "open" and since < at.run_s]
    assert [low for low, _ in opened] == pytest.approx(wanted)
    assert_legible(*drawn_by(storm, run))


@pytest.mark.parametrize("remedy", storm.REMEDIES)
def test_the_replay_tells_what_the_simulation_counted(remedy):
    at = storm.Setting(**SMALL | {"load_rps": 7.0, "capacity_rps": 10.0}, remedy=remedy)
    run, log = storm.simulate(at), storm.watch(at)
    places = {place.name: index for index, place in enumerate(log.places)}
    came = log.rows.place
    assert (came == places["in time"]).sum() == pytest.approx(run.useful_rps.sum(), abs=1)
    assert (came == places["for nobody"]).sum() == pytest.approx(run.late_rps.sum(), abs=1)


# --- a real chain ---------------------------------------------------------------------------------


def test_a_real_chain(tidy):  # noqa: F811
    run = storm.measure()
    for way in ("no breaker", "breaker"):
        well, ill = run.ends[way]
        assert 60 < well.size + ill.size < 700
        assert min(well.min(initial=3.0), ill.min(initial=3.0)) >= 0
    if had_time(run.reading):
        # Equal traffic, melted or not.
        sent = [sum(times.size for times in run.ends[way]) for way in run.ends]
        assert abs(sent[0] - sent[1]) <= 3


def measured(bare, guarded, late_s=0.001):
    """A run in whose last second so many of a hundred were answered."""
    end_s = storm.Trial().run_s
    times = np.linspace(end_s - 0.99, end_s - 0.01, 100)
    ends = {
        "no breaker": (times[:bare], times[bare:]),
        "breaker": (times[:guarded], times[guarded:]),
    }
    return storm.MeasuredStorm(storm.Trial(), ends, {"no breaker": 180, "breaker": 61}, late_s)


def test_the_page_of_a_real_chain():
    run = measured(2, 98)
    assert "2 % of the requests are answered without a breaker and 98 % with one" in run.reading
    assert run.reading.endswith("the breaker has brought its own back.")
    assert measured(97, 98).reading.endswith("do not part as the simulation says.")
    assert measured(2, 50).reading.endswith("do not part as the simulation says.")
    assert measured(2, 98, late_s=0.1).reading.startswith("No verdict")
    (ax,) = drawn_by(storm, run)
    for row, way in enumerate(("no breaker", "breaker")):
        for gid, times in zip((f"well {way}", f"ill {way}"), run.ends[way], strict=True):
            lines = drawn.spans(ax, gid=gid)
            np.testing.assert_allclose(lines.places, times)
            np.testing.assert_allclose((lines.low + lines.high) / 2, row)
    assert list(run.columns["answered in the last second"]) == [0.02, 0.98]
    assert_legible(ax)
