"""Where a write is: the open journal, theory, the edits, a real database; faults are noticed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import duration, significant
from helpers.why import durability
from helpers.why.durability import POLICIES, group_commit_s
from tests import drawn
from tests.checks import assert_summary, assert_table, axes_of, caught, runs_of
from tests.models import edited
from tests.why.checks import assert_agrees

MODEL = "helpers.why.durability:one_journal"


# --- theory ---------------------------------------------------------------------------------------


def test_theory_by_hand() -> None:
    fates = durability.theory(durability.Setting())
    assert fates["memory"].lost_kill == pytest.approx(720_000)
    assert fates["no sync"][1:] == (0, pytest.approx(1_000))
    for synced in ("sync each write", "group commit"):
        assert fates[synced][1:] == (0, 0)
    assert fates["sync each write"].latency_s == pytest.approx(0.002 * (1 + 0.4 / (2 * 0.6)))
    assert math.isinf(
        durability.theory(durability.Setting(write_wps=500.0))["sync each write"].latency_s
    )
    assert 0.002 < fates["group commit"].latency_s < 0.003
    assert group_commit_s(1e-3, 0.002) == pytest.approx(0.002, rel=1e-4)
    assert group_commit_s(1e6, 0.002) == pytest.approx(0.003, rel=1e-6)


def check(*write_wps: float) -> None:
    for writes in write_wps or (50.0, 300.0):
        runs = [durability.simulate(write_wps=writes, seed=s) for s in range(24)]
        exact = durability.theory(runs[0].at)
        for policy in ("sync each write", "group commit"):
            each = (run.fates[policy].latency_s for run in runs)
            assert_agrees(each, exact[policy].latency_s, policy)
        lost = (run.fates["no sync"].lost_power for run in runs)
        assert_agrees(lost, exact["no sync"].lost_power)
        assert not any(run.fates["no sync"].lost_kill for run in runs)
        assert not any(run.fates["group commit"].lost_power for run in runs)


def test_simulation_and_theory() -> None:
    check()


def test_a_sync_that_takes_one_write_along_is_caught(monkeypatch) -> None:
    alone = edited(MODEL, "bisect_right(came, start)", "first + 1")
    monkeypatch.setattr(durability, "one_journal", alone)
    caught(check, 300.0)


def test_a_write_that_joins_a_sync_under_way_is_caught(monkeypatch) -> None:
    joins = edited(MODEL, "bisect_right(came, start)", "bisect_right(came, start + sync_s / 4)")
    monkeypatch.setattr(durability, "one_journal", joins)
    caught(check, 300.0)


def test_regular_writes_are_caught(monkeypatch) -> None:
    monkeypatch.setattr(durability, "unit_gaps", lambda kind, size, rng: np.ones(size))
    caught(check, 300.0)


def test_no_write_waits_longer_than_two_syncs() -> None:
    told: list[float] = []
    spied = edited(MODEL, "took_s.append(told - write)", "took_s.append(told - write); spy(took_s)")
    spied.__globals__["spy"] = lambda took: told.append(took[-1])
    spied(durability.Setting(write_wps=2_000.0), Draws(1))
    assert max(told) <= 0.004 + 1e-9
    assert min(told) >= 0.002 - 1e-9


# --- the edits ------------------------------------------------------------------------------------


def test_saying_ok_too_early_is_quicker_by_one_sync_and_puts_one_in_danger() -> None:
    early = edited(MODEL, "told = safe", "told = start")
    for writes, lost in ((200.0, 0.4), (20_000.0, 40.0)):
        before = runs_of(durability.one_journal, durability.Setting, write_wps=writes)
        after = runs_of(early, durability.Setting, write_wps=writes)
        assert after["latency_ms"] == pytest.approx(before["latency_ms"] - 2.0)
        assert (before["lost"], after["lost"]) == (0.0, pytest.approx(lost))


def test_without_a_sync_half_a_flush_is_lost_and_a_write_costs_nothing() -> None:
    unsynced = edited(
        MODEL,
        "sync_s = at.sync_ms / 1000",
        "sync_s = 0",
        "safe = start + sync_s",
        'safe = start + draw("flush").random() * at.flush_s',
        "told = safe",
        "told = start",
    )
    for writes in (200.0, 50_000.0):
        at = durability.Setting(write_wps=writes)
        mine = runs_of(unsynced, durability.Setting, write_wps=writes)
        assert mine["lost"] == pytest.approx(durability.theory(at)["no sync"].lost_power, rel=0.03)
        assert mine["latency_ms"] < 1e-6


def test_a_sync_for_each_is_the_row_above_and_cannot_keep_up_with_600() -> None:
    alone = edited(MODEL, "last = bisect_right(came, start)", "last = first + 1")
    mine = runs_of(alone, durability.Setting, runs=24)
    exact = durability.theory(durability.Setting())["sync each write"]
    assert mine["latency_ms"] == pytest.approx(1e3 * exact.latency_s, rel=0.03)
    assert runs_of(alone, durability.Setting, write_wps=600.0)["latency_ms"] > 100 * 2.0


# --- what the learner sees ------------------------------------------------------------------------


AT = [
    durability.Setting(),
    durability.Setting(write_wps=1_000.0, sync_ms=8.0, flush_s=30.0, seed=3),
    durability.Setting(write_wps=1.0),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: durability.Setting) -> None:
    run, exact = durability.simulate(at), durability.theory(at)
    fates = run.fates
    slow = at.write_wps * at.sync_ms >= 1_000
    each, group = fates["sync each write"], fates["group commit"]
    expected = {}
    for name in POLICIES:
        short = name.replace(" ", "_")
        never = slow and name == "sync each write"
        expected[f"{short}_ms"] = "cannot keep up" if never else 1e3 * fates[name].latency_s
        expected[f"{short}_lost_in_power_cut"] = fates[name].lost_power
    assert_summary(run, expected | {"memory_lost_in_kill": fates["memory"].lost_kill})
    writes = "1 write" if at.write_wps == 1 else f"{significant(at.write_wps)} writes"
    start = (
        f"Of {writes} a second a power cut takes {significant(fates['no sync'].lost_power)} on "
        "average if nobody asks for a sync; "
    )
    cost = (
        f"the disk cannot sync each (it manages 125 a second); sharing syncs takes "
        f"{duration(group.latency_s)} a write and loses none."
        if slow
        else f"syncing each takes {duration(each.latency_s)} a write, sharing syncs takes "
        f"{duration(group.latency_s)}, and both lose none."
    )
    assert run.reading.startswith(start + cost)
    assert_table(
        run,
        {
            "policy": list(POLICIES),
            "latency (ms)": [1e3 * fates[name].latency_s for name in POLICIES],
            "theory (ms)": [1e3 * exact[name].latency_s for name in POLICIES],
            "lost, process killed": [fates[name].lost_kill for name in POLICIES],
            "lost, power cut": [fates[name].lost_power for name in POLICIES],
            "theory, power cut": [exact[name].lost_power for name in POLICIES],
        },
    )


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: durability.Setting) -> None:
    run, exact = durability.simulate(at), durability.theory(at)
    cost, loss = axes_of(durability.plot, run, mine={"latency_ms": 30.0, "lost": 77.0})
    rows = dict(zip(POLICIES, (3.0, 2.0, 1.0, 0.0), strict=True))
    kept = [name for name in POLICIES if math.isfinite(run.fates[name].latency_s)]
    dots = np.concatenate([one.get_xydata() for one in drawn.lines(cost, color=style.BLUE)])
    np.testing.assert_allclose(dots, [(run.fates[name].latency_s, rows[name]) for name in kept])
    assert ("cannot keep up" in drawn.written(cost)) == (len(kept) < 4)
    places, values = drawn_marks(cost)
    np.testing.assert_allclose(values, [exact[name].latency_s for name in kept])
    np.testing.assert_allclose(places, [rows[name] for name in kept])
    for color, name, shift in (
        (style.BLUE, "lost_kill", 0.06),
        (style.VERMILION, "lost_power", -0.14),
    ):
        marked = [one for one in drawn.lines(loss, color=color) if one.get_marker() in "oX"]
        points = np.concatenate([one.get_xydata() for one in marked])
        lost = [max(getattr(run.fates[policy], name), 0.2) for policy in POLICIES]
        expected = np.stack([lost, np.array(list(rows.values())) + shift], 1)
        np.testing.assert_allclose(points, expected)
    _, values = drawn_marks(loss)
    np.testing.assert_allclose(values, [max(exact[name].lost_power, 0.2) for name in POLICIES])
    np.testing.assert_allclose(drawn.curve(cost, label="your model"), [(0.03, 0.0)])
    np.testing.assert_allclose(drawn.curve(loss, label="your model"), [(77.0, 0.0)])


def drawn_marks(ax) -> tuple[np.ndarray, np.ndarray]:
    """Places and values of all of theory's short lines, which are one artist a row."""
    points = np.stack([one.get_xydata()[:2] for one in drawn.lines(ax, gid="marks")])
    return points[:, :, 1].mean(axis=1), points[:, 0, 0]


def test_nothing_lost_and_nothing_paid_stay_in_the_picture() -> None:
    run = durability.simulate()
    cost, loss = axes_of(durability.plot, run, mine={"latency_ms": 0.0, "lost": 0.0})
    for ax in (cost, loss):
        ((x, _),) = drawn.curve(ax, label="your model")
        assert ax.get_xlim()[0] < x < ax.get_xlim()[1]


# --- a real database ------------------------------------------------------------------------------


def test_the_queue_of_single_syncs_is_the_one_engine() -> None:
    at = durability.Setting(write_wps=300.0, seed=2)
    came = np.cumsum(Draws(2)("writes").standard_exponential(4_000)) / 300.0
    waits = queueing.fifo_waits(came, np.full(4_000, 0.002), 1)
    fate = durability.simulate(at).fates["sync each write"]
    assert fate.latency_s == pytest.approx(waits.mean() + 0.002)
