"""Heavy tails: four disciplines against their formulas, a published theorem, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.messaging import heavy_tails
from tests import drawn
from tests.checks import assert_legible, drawn_by, sampled

Setting = heavy_tails.Setting


def last(*args, **values):
    *_, run = heavy_tails.simulate(*args, **values)
    return run


def check_disciplines(**values):
    """Mild tails, or the mean would take millions of jobs; 6 seeds of 43,200 jobs."""
    runs = [last(seed=seed, **values) for seed in range(6)]
    for name in heavy_tails.DISCIPLINES:
        means = np.array([run.means[name] for run in runs])
        exact = heavy_tails.theory(runs[0].at, name)
        error = means.std(ddof=1) / np.sqrt(6)
        # Student's t with 5 degrees of freedom: 9.2 is about as rare as 4.5 deviations.
        assert abs(means.mean() - exact) < 9.2 * error + 0.01 * exact, name
        assert means.mean() == pytest.approx(exact, rel=0.08), name


def test_each_discipline_takes_what_its_formula_says():
    check_disciplines(alpha=2.5, spread=100.0, load=0.6)


@pytest.mark.parametrize(
    ("name", "mutant"),
    sampled([
        ("shortest remaining first", heavy_tails._all_at_once),
        ("all at once", lambda at, came, size: heavy_tails._all_at_once(at, came, 1.1 * size)),
        ("two queues", heavy_tails._in_turn),
    ], every=3),
)  # fmt: skip
def test_a_wrong_discipline_is_caught(monkeypatch, name, mutant):
    monkeypatch.setitem(heavy_tails._SERVE, name, mutant)
    with pytest.raises(AssertionError):
        check_disciplines(alpha=2.5, spread=100.0, load=0.6)


def brute(at, arrivals, size, pick):
    """Serve in steps of a hundredth of a mean size, the one that `pick` says."""
    step, left, took, now = 0.01, {}, np.zeros(size.size), 0.0
    ahead = list(zip(arrivals.tolist(), size.tolist(), range(size.size), strict=True))
    while ahead or left:
        while ahead and ahead[0][0] <= now:
            _, work, who = ahead.pop(0)
            left[who] = work
        now += step
        for who, share in pick(left).items():
            left[who] -= step * share
            if left[who] <= 1e-9:
                took[who] = now - arrivals[who]
                del left[who]
    return took


@pytest.mark.parametrize(
    ("name", "pick"),
    [
        ("shortest remaining first", lambda left: {min(left, key=left.get): 1} if left else {}),
        ("all at once", lambda left: {who: 1 / len(left) for who in left}),
    ],
)
def test_the_quick_ways_are_the_slow_ones(name, pick):
    rng = np.random.default_rng(4)
    at = Setting()
    arrivals, size = np.cumsum(rng.exponential(1.3, 60)), rng.exponential(1.0, 60)
    quick = heavy_tails._SERVE[name](at, arrivals, size)
    np.testing.assert_allclose(quick, brute(at, arrivals, size, pick), atol=0.25)


@pytest.mark.parametrize(("alpha", "spread"), [(1.5, 1_000.0), (1.2, 100.0), (2.0, 10.0)])
def test_in_turn_is_pollaczek_and_khinchine(alpha, spread):
    at = Setting(alpha=alpha, spread=spread)
    exact = queueing.mg1_wait(at.load, 1.0, heavy_tails.scv(at)) + 1
    assert heavy_tails.theory(at, "in turn") == pytest.approx(exact, rel=0.003)
    size, part = heavy_tails._grid(at)
    assert size @ part == pytest.approx(1)
    quantiles = (np.arange(200_000) + 0.5) / 200_000
    drawn_sizes = heavy_tails.sizes_of(at, quantiles)
    assert drawn_sizes.mean() == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize("load", [0.1, 0.3, 0.5])
@pytest.mark.parametrize(("alpha", "spread"), [(1.2, 1_000.0), (1.5, 100.0), (3.0, 10.0)])
def test_up_to_half_load_all_can_win(load, alpha, spread):
    # Bansal and Harchol-Balter, "Analysis of SRPT scheduling: investigating unfairness",
    # SIGMETRICS 2001: at a load of 1/2 or less no job of any size fares worse than under sharing.
    at = Setting(load=load, alpha=alpha, spread=spread)
    shortest = heavy_tails.by_size(at, "shortest remaining first")
    shared = heavy_tails.by_size(at, "all at once")
    assert np.all(shortest <= shared * (1 + 1e-3))


def test_sharing_does_not_care_how_sizes_vary():
    for spread in (1.5, 1_000.0):
        at = Setting(spread=spread)
        assert heavy_tails.theory(at, "all at once") == pytest.approx(1 / 0.3)


def test_separate_queues_help_the_uneven_and_hurt_the_even():
    uneven, even = Setting(), Setting(spread=1.5)
    assert heavy_tails.theory(uneven, "two queues") < heavy_tails.theory(uneven, "in turn")
    assert heavy_tails.theory(even, "two queues") > 1.5 * heavy_tails.theory(even, "in turn")


@pytest.mark.parametrize(
    "values",
    [{"discipline": name} for name in heavy_tails.DISCIPLINES]
    + [{"spread": 1.5, "load": 0.1}, {"alpha": 1.2, "load": 0.8}]
    + [{"alpha": 1.2, "load": 0.8, "discipline": "all at once"}],
)
def test_the_page(values):
    run = next(iter(heavy_tails.simulate(**values)))
    at = run.at
    exact = {name: heavy_tails.theory(at, name) for name in heavy_tails.DISCIPLINES}
    for name, mean in run.means.items():
        assert f"{significant(mean)} {name} (theory {significant(exact[name])})" in run.reading
    low, high = significant(run.here.low), significant(run.here.high)
    assert f"between {low} and {high} (95 % interval)" in run.reading
    assert f"In theory the quickest is {min(exact, key=exact.get)}." in run.reading
    waits = run.at.discipline in ("in turn", "two queues")
    few = waits and heavy_tails.long_jobs(at) < 1_500
    if at.discipline == "all at once":
        few = heavy_tails.jobs_alike(at) * (1 - at.load) < 1_150
    assert ("hangs on the few longest, too few for the interval" in run.reading) == few
    assert run.here.estimate == pytest.approx(run.means[at.discipline], rel=0.01)
    columns = list(run.columns.values())
    np.testing.assert_allclose(columns[1], [*run.means.values()])
    np.testing.assert_allclose(columns[2], [*exact.values()])
    bars, by = drawn_by(heavy_tails, run)
    shown = drawn.bars(bars, facecolor=style.BLUE)
    assert shown.ends.tolist() == pytest.approx([run.means[at.discipline]])
    np.testing.assert_allclose(drawn.marks(bars, "x")[1], [*exact.values()])
    size, _ = heavy_tails._grid(at)
    points = np.column_stack([size, heavy_tails.by_size(at)])
    np.testing.assert_allclose(drawn.curve(by, **style.THEORY), points)
    np.testing.assert_allclose(drawn.curve(by, **style.DOTS)[:, 1], run.groups)
    assert_legible(*drawn_by(heavy_tails, run))
