"""What promises cost: majorities against the binomial, rounds against order statistics."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from helpers.consistency import majorities, price
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import duration, percent, rounded, significant
from helpers.foundations.statistics import fewer_than
from tests import drawn
from tests.checks import assert_columns, assert_legible, assert_mean, drawn_by


def test_too_few_by_trying_everything():
    for n, down in itertools.product(range(1, 6), (0.05, 0.3, 0.7)):
        for quorum in range(1, n + 1):
            exact = 0.0
            for up in itertools.product((False, True), repeat=n):
                if sum(up) < quorum:
                    exact += np.prod([1 - down if one else down for one in up])
            assert majorities.too_few(n, quorum, down) == pytest.approx(exact)
            alike = fewer_than(quorum, [np.array([1 - down])] * n)
            assert alike[0] == pytest.approx(exact)


def one_by_one(at, rng):
    """Let replicas fail and be repaired, event by event; how long too few are up."""
    down = rng.random(at.replicas) < at.down_percent / 100
    changes = []
    for is_down in down:
        now = 0.0
        for _ in range(majorities.FAILURES):
            life, repair = rng.standard_exponential(2) * (at.lives_h, at.repair_h)
            next_two = [(life, -1), (repair, +1)]
            for lasts, change in reversed(next_two) if is_down else next_two:
                now += lasts
                changes.append((now, change))
    end = 0.75 * majorities.FAILURES * (at.lives_h + at.repair_h)
    up, since, lost = at.replicas - sum(down), 0.0, 0.0
    for now, change in [*sorted(changes), (end, 0)]:
        if up < at.q:
            lost += min(now, end) - since
        if now >= end:
            break
        up, since = up + change, now
    return lost / end


@pytest.mark.parametrize("setting", [{}, {"replicas": 5, "quorum": 4, "down_percent": 30.0}])
def test_all_at_once_is_the_same_as_event_by_event(setting):
    at = majorities.Setting(**setting)
    rng = Draws(at.seed)("lives")
    literal = [one_by_one(at, rng) for _ in range(majorities.RUNS)]
    assert majorities.simulate(at).lost.estimate == pytest.approx(np.mean(literal), rel=1e-9)


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"replicas": 5, "quorum": 3, "down_percent": 20.0},
        {"replicas": 9, "quorum": 9},
        {"quorum": 1},
        {"down_percent": 60.0, "repair_h": 9.0},
    ],
    ids=str,
)
def test_the_simulation_is_binomial(setting):
    runs = [majorities.simulate(seed=seed, **setting).lost.estimate for seed in range(20)]
    assert_mean(runs, majorities.simulate(**setting).exact)


def test_half_is_where_all_sizes_are_alike():
    for n in majorities.SIZES.tolist():
        assert majorities.too_few(n, n // 2 + 1, 0.5) == pytest.approx(0.5)
    rare, often = (majorities.theory(majorities.Setting(down_percent=p)) for p in (49.0, 51.0))
    assert (np.diff(rare) < 0).all()
    assert (np.diff(often) > 0).all()


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"replicas": 1},
        {"replicas": 9, "quorum": 1},
        {"down_percent": 80.0},
        {"down_percent": 50.0},
    ],
    ids=str,
)
def test_the_page_of_majorities(setting):
    run = majorities.simulate(**setting)
    at = run.at
    assert run.reading.startswith(f"{at.q} of {at.replicas} replica")
    assert percent(run.lost.estimate) in run.reading
    assert f"(theory {significant(100 * run.exact)} %" in run.reading
    one = at.down_percent / 100
    than = (
        "more often"
        if run.exact > one + 1e-12
        else "less often"
        if run.exact < one - 1e-12
        else "as often"
    )
    assert f": {than} " in run.reading
    (ax,) = drawn_by(majorities, run)
    grey = drawn.curve(ax, color=style.GHOST)
    np.testing.assert_allclose(grey[:, 1], np.maximum(majorities.theory(at), majorities.LEAST))
    blue = drawn.curve(ax, **style.DOTS)
    shown = max(run.lost.estimate, majorities.LEAST)
    assert blue.tolist() == [[at.replicas, shown]]
    assert drawn.rings(ax).tolist() == [[at.replicas, shown]]
    assert drawn.marks(ax)[1].tolist() == [max(run.exact, majorities.LEAST)]
    assert drawn.levels(ax, color=style.MUTED) == [at.down_percent / 100]
    assert_columns(run, replicas=majorities.SIZES, majority=majorities.SIZES // 2 + 1,
                   no_majority=majorities.theory(at))  # fmt: skip
    assert_legible(ax)


@pytest.mark.parametrize(
    "setting",
    [{}, {"replicas": 9}, {"replicas": 1}, {"replicas": 2, "far_ms": 1.0, "jitter_ms": 50.0}],
    ids=str,
)
def test_rounds_take_what_order_statistics_say(setting):
    runs = [price.simulate(seed=seed, **setting) for seed in range(12)]
    for name, exact in price.theory(runs[0].at).items():
        assert_mean([run.mean_ms[name] for run in runs], exact, allowance=1e-4 * exact)


def test_the_quickest_of_two_is_half_and_the_slower_one_half_as_long_again():
    at = price.Setting(far_ms=1e-9, jitter_ms=10.0)
    exact = price.theory(at)
    assert exact["majority, write back"] == 2 * exact["majority"]
    assert exact["all"] == pytest.approx(15.0, abs=0.1)  # the own copy hardly counts


@pytest.mark.parametrize("name", price.WAYS)
@pytest.mark.parametrize("setting", [{}, {"replicas": 9, "far_ms": 200.0}, {"replicas": 1}])
def test_the_page_of_prices(name, setting):
    run = price.simulate(way=name, **setting)
    exact = price.theory(run.at)
    for ms in (run.mean_ms[name], exact[name], run.p99_ms[name]):
        assert duration(rounded(ms) / 1e3) in run.reading
    (ax,) = drawn_by(price, run)
    bars = drawn.bars(ax)
    np.testing.assert_allclose(bars.lengths, list(run.mean_ms.values()))
    np.testing.assert_allclose(drawn.curve(ax, color=style.SKY)[:, 0], list(run.p99_ms.values()))
    np.testing.assert_allclose(drawn.marks(ax, "x")[1], list(exact.values()))
    assert max(run.p99_ms.values()) < ax.get_xlim()[1]
    table = run.table()
    np.testing.assert_allclose(table["mean (ms)"], list(run.mean_ms.values()))
    np.testing.assert_allclose(table["theory (ms)"], list(exact.values()))
    np.testing.assert_allclose(table["p99 (ms)"], list(run.p99_ms.values()))
    assert table["rounds"].tolist() == [1, 1, 2, 1]
    n = run.at.replicas
    assert table["waits for"].tolist() == [1, n // 2 + 1, n // 2 + 1, n]
    names = [one.replace("\n", " ") for one in drawn.ticks(ax, "y").values()]
    assert [one for one in names if one.startswith("▸")] == [f"▸ {name}"]
    assert_legible(ax)
