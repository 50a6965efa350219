"""The consumer group: no faster than its fullest reader, the open model, and the page."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.messaging import consumer_group
from tests import drawn
from tests.checks import assert_columns, assert_legible, diamonds, drawn_by, runs_of
from tests.models import edited

MODEL = "helpers.messaging.consumer_group:group"
Setting = consumer_group.Setting


def check_bounds(**values):
    run = consumer_group.simulate(**values)
    for n, capacity in zip(consumer_group.GROUPS.tolist(), run.capacity.estimate, strict=True):
        assert capacity <= 1e3 / run.at.work_ms * min(n, run.at.partitions) * (1 + 1e-9)


@pytest.mark.parametrize("values", [{}, {"exponent": 0.0}, {"partitions": 5, "keys": 3}])
def test_no_group_is_faster_than_its_consumers_or_its_partitions(values):
    check_bounds(**values)


def test_a_partition_with_two_readers_is_caught(monkeypatch):
    true = consumer_group._loads
    monkeypatch.setattr(consumer_group, "_loads", lambda share, n: true(share, n) / 1.3)
    with pytest.raises(AssertionError):
        check_bounds()


def test_many_equal_keys_reach_the_staircase():
    run = consumer_group.simulate(keys=100_000, exponent=0.0, replications=10)
    steps = [consumer_group.theory(run.at, n) for n in consumer_group.GROUPS.tolist()]
    assert np.all(run.capacity.estimate > 0.97 * np.array(steps))
    twelve = Setting()
    assert consumer_group.theory(twelve, 12) == consumer_group.theory(twelve, 24) == 600
    assert consumer_group.theory(twelve, 11) == consumer_group.theory(twelve, 6) == 300


def test_one_key_is_one_reader_s_however_many_there_are():
    run = consumer_group.simulate(keys=1)
    np.testing.assert_allclose(run.capacity.estimate, 50)


# --- the open model -------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [{}, {"consumers": 12}, {"partitions": 3, "exponent": 1.2}])
def test_the_open_model_agrees(values):
    mine = runs_of(consumer_group.group, Setting, **values)
    run = consumer_group.simulate(replications=300, **values)
    spread = run.capacity_here.half_width[0] / 1.97 * math.sqrt(300)  # of one way keys can fall
    error = 4.5 * spread / math.sqrt(8) + 0.04 * run.capacity_here.estimate[0]
    assert mine["capacity_rps"] == pytest.approx(run.capacity_here.estimate[0], abs=error)


def test_messages_without_a_key_fill_the_partitions_evenly():
    spread = edited(
        MODEL, "partition = partition_of[key]", 'partition = draw("any").integers(at.partitions)'
    )
    before = runs_of(consumer_group.group, Setting, exponent=1.2)
    after = runs_of(spread, Setting, exponent=1.2)
    assert after["capacity_rps"] > 280
    assert before["capacity_rps"] < 0.75 * after["capacity_rps"]


def test_a_hot_key_of_its_own_partition_and_the_rest_shared():
    salted = edited(
        MODEL,
        "partition = partition_of[key]",
        'partition = draw("salt").integers(at.partitions) if key == 0 else partition_of[key]',
    )
    before = runs_of(consumer_group.group, Setting, exponent=1.2, consumers=12)
    after = runs_of(salted, Setting, exponent=1.2, consumers=12)
    assert after["capacity_rps"] > 1.3 * before["capacity_rps"]


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"partitions": 1, "consumers": 1},
        {"consumers": 24},
        {"partitions": 48, "exponent": 0.0, "rate_rps": 2_000.0},
        {"keys": 1, "rate_rps": 1_000.0},
    ],
)
def test_the_page(values):
    run = consumer_group.simulate(**values)
    at, mean = run.at, run.capacity_here.estimate[0]
    assert f"can take {significant(mean)} messages/s" in run.reading
    assert f"equal, {significant(consumer_group.theory(at))};" in run.reading
    shared = consumer_group.shared_queue(at)
    assert f"shared queue, {significant(shared)})" in run.reading
    assert ("keeps up" in run.reading) == (run.busy.max() <= 1 + 1e-9)
    assert ("nothing to read" in run.reading) == (at.consumers > at.partitions)
    assert run.busy.sum() == pytest.approx(at.rate_rps * at.work_ms / 1e3)
    groups = consumer_group.GROUPS.tolist()
    steps = [consumer_group.theory(at, n) for n in groups]
    assert_columns(
        run,
        consumers=groups,
        messages=run.capacity.estimate,
        **{"from": run.capacity.low},
        to=run.capacity.high,
        equal=steps,
        shared=[consumer_group.shared_queue(at, n) for n in groups],
    )
    ax, busy = drawn_by(consumer_group, run, mine={"capacity_rps": 100.0})
    bar = drawn.error_bars(ax, **style.DOTS | {"markersize": 4})
    np.testing.assert_allclose(bar.middle, run.capacity.estimate)
    np.testing.assert_allclose(bar.low, run.capacity.low)
    np.testing.assert_allclose(drawn.curve(ax, **style.THEORY)[:, 1], steps)
    assert drawn.rings(ax).tolist() == [[at.consumers, mean]]
    assert diamonds(ax).tolist() == [[at.consumers, 100.0]]
    shown = []
    for color, these in (
        (style.BLUE, run.busy <= 1 + 1e-9),
        (style.VERMILION, run.busy > 1 + 1e-9),
    ):
        if these.any():
            shown += drawn.bars(busy, facecolor=color).ends.tolist()
            np.testing.assert_allclose(
                drawn.bars(busy, facecolor=color).ends, 100 * run.busy[these]
            )
    assert len(shown) == at.consumers
    assert_legible(*drawn_by(consumer_group, run))
