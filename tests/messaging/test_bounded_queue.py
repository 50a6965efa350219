"""Bounded queues: M/M/1/K and its relatives, planted faults, real queues, and the page."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.messaging import bounded_queue
from tests import drawn
from tests.checks import assert_columns, assert_legible, assert_mean, drawn_by, sampled

Setting = bounded_queue.Setting


def check_fates(policy, seeds=60, **values):
    at = Setting(policy=policy, **values)
    runs = [bounded_queue.simulate(at.but(seed=seed)).fates[policy] for seed in range(seeds)]
    exact = bounded_queue.theory(at)
    for part in ("in_time", "late", "undone"):
        assert_mean([getattr(run, part) for run in runs], getattr(exact, part), allowance=1e-3)


@pytest.mark.parametrize(
    ("policy", "values"),
    sampled(
        itertools.product(
            bounded_queue.POLICIES[1:],
            [
                {"load": 1.0, "room": 50, "patience": 30.0},
                {"load": 0.7, "room": 3, "patience": 1.0},
                {},
            ],
        ),
        2,
    ),
)
def test_what_becomes_of_jobs_is_what_theory_says(policy, values):
    check_fates(policy, **values)


def test_a_queue_without_a_limit_is_mm1_below_one_and_late_above():
    check_fates("wait for ever", load=0.8, patience=4.0, seeds=30)
    assert bounded_queue.theory(Setting(policy="wait for ever", load=1.2)).in_time == 0
    run = bounded_queue.simulate(policy="wait for ever", load=1.2)
    assert run.fates["wait for ever"].in_time < 0.01


@pytest.mark.parametrize("load", [0.3, 1.0, 1.7])
@pytest.mark.parametrize("room", [1, 2, 10, 50])
def test_the_loss_is_that_of_mm1k(load, room):
    one = queueing.mm1k(load, 1.0, room)
    fate = bounded_queue.theory(Setting(load=load, room=room))
    assert fate.undone == pytest.approx(one.loss)
    assert sum(fate) == pytest.approx(1)
    with_one_more = queueing.mm1k(load, 1.0, room + 1)
    held = bounded_queue.theory(Setting(load=load, room=room, policy="push back"))
    assert held.undone == pytest.approx(with_one_more.loss)


def test_shedding_without_patience_is_a_queue_without_room():
    nobody_waits = bounded_queue.theory(Setting(load=1.5, patience=1e-9, policy="shed the late"))
    assert nobody_waits.undone == pytest.approx(queueing.erlang_b(1.5, 1))


def test_shedding_puts_most_in_time_at_every_load():
    for load in np.linspace(0.1, 2, 20).tolist():
        for room in (1, 5, 20, 50):
            for patience in (0.5, 5.0, 50.0):
                at = Setting(load=load, room=room, patience=patience)
                shares = [bounded_queue.theory(at, each).in_time for each in bounded_queue.POLICIES]
                assert shares[-1] >= max(shares) - 1e-12


def one_place_more(at, *rest):
    return bounded_queue.unharmed(at.but(room=at.room + 1), *rest)


def patience_of_a_service_more(at, *rest):
    return bounded_queue.unharmed(at.but(patience=at.patience + 1), *rest)


@pytest.mark.parametrize(
    ("name", "policy", "mutant"),
    sampled([
        ("_turn_away", "turn away", one_place_more),
        ("_push_back", "push back", one_place_more),
        ("_shed", "shed the late", patience_of_a_service_more),
    ], every=3),
)  # fmt: skip
def test_a_wrong_queue_is_caught(monkeypatch, name, policy, mutant):
    monkeypatch.setattr(bounded_queue, "unharmed", getattr(bounded_queue, name), raising=False)
    monkeypatch.setattr(bounded_queue, name, mutant)
    with pytest.raises(AssertionError):
        check_fates(policy, load=1.0, room=3, patience=2.0)


# --- the page -------------------------------------------------------------------------------------


CORNERS = [
    *({"policy": policy} for policy in bounded_queue.POLICIES),
    {"load": 0.1, "room": 50},
    {"load": 2.0, "room": 1, "patience": 0.5},
    {"load": 2.0, "room": 50, "patience": 1.0, "policy": "push back"},
    {"load": 1.0, "policy": "wait for ever"},
]


@pytest.mark.parametrize("values", CORNERS)
def test_the_page(values):
    run = bounded_queue.simulate(**values)
    at, policies = run.at, bounded_queue.POLICIES
    fate, exact = run.fates[at.policy], bounded_queue.theory(at)
    share = bounded_queue._share
    assert f"{share(fate.in_time)} of the jobs are begun in time" in run.reading
    assert f"theory: {share(exact.in_time)} in time" in run.reading
    assert ("in the long run" in run.reading) == (at.policy == policies[0] and at.load >= 1)
    said = f"{share(fate.late)} are begun too late"
    assert (said in run.reading) == (at.policy != policies[3])
    assert share(fate.undone) in run.reading or at.policy == policies[0]
    parts = np.array([run.fates[each] for each in policies])
    theories = np.array([bounded_queue.theory(at, each) for each in policies])
    assert_columns(
        run, policy=policies, **{"in_time_(": 100 * parts[:, 0]}, **{
            "in_time,": 100 * theories[:, 0], "too_late_(": 100 * parts[:, 1],
            "too_late,": 100 * theories[:, 1], "not_done_(": 100 * parts[:, 2],
            "not_done,": 100 * theories[:, 2],
        },
    )  # fmt: skip
    bars, curve = drawn_by(bounded_queue, run)
    assert drawn.bars(bars, facecolor=style.BLUE).ends == pytest.approx(100 * parts[:, 0])
    assert drawn.bars(bars, facecolor=style.FAINT).ends == pytest.approx(np.full(4, 100.0))
    np.testing.assert_allclose(drawn.marks(bars, "x"), [range(4), 100 * theories[:, 0]])
    points = drawn.curve(curve, **style.THEORY)
    want = [load * bounded_queue.theory(at, load=load).in_time for load in points[:, 0].tolist()]
    np.testing.assert_allclose(points[:, 1], want)
    assert drawn.here(curve) == at.load
    if run.in_time is None:
        np.testing.assert_allclose(
            drawn.curve(curve, **style.DOTS), [[at.load, at.load * fate.in_time]]
        )
    else:
        bar = drawn.error_bars(curve, **style.DOTS)
        ends = [run.in_time.estimate, run.in_time.low, run.in_time.high]
        assert [*bar.middle, *bar.low, *bar.high] == pytest.approx([at.load * e for e in ends])
        assert run.in_time.estimate == pytest.approx(fate.in_time)
    assert_legible(*drawn_by(bounded_queue, run))


# --- measured -------------------------------------------------------------------------------------
