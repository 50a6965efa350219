"""A cache before a database: M/M/c, the edge, and what the learner sees."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.anatomy import cache_load
from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from tests import drawn
from tests.checks import assert_bars, assert_mean, assert_summary, axes_of, caught


@pytest.mark.parametrize(("rate_rps", "hit_ratio"), [(4_000, 0.9), (500, 0.0), (20_000, 0.97)])
def test_simulation_and_theory(rate_rps: float, hit_ratio: float) -> None:
    run = cache_load.simulate(rate_rps=rate_rps, hit_ratio=hit_ratio)
    exact = cache_load.theory(run.at)
    assert run.read is not None
    for interval, value in ((run.database, exact.database_rps), (run.read, exact.read_s)):
        assert abs(interval.estimate - value) <= 1.7 * interval.half_width + 0.01 * value
    # Theory at 85 % would not pass.
    assert abs(run.database.estimate - 0.85 * exact.database_rps) > 2 * run.database.half_width


def check_no_bias() -> None:
    """Reads are neither too quick nor too slow on average, however full the database is."""
    for utilisation in (0.9, 0.975):
        runs = [
            cache_load.simulate(hit_ratio=1 - 0.2 * utilisation, seed=seed) for seed in range(60)
        ]
        exact = cache_load.theory(runs[0].at)
        assert_mean([run.read.estimate for run in runs], exact.read_s)
        assert_mean([run.database.estimate for run in runs], exact.database_rps)


def test_a_full_database_is_right_from_the_first_miss_on() -> None:
    check_no_bias()


def test_a_database_that_is_idle_at_first_is_caught(monkeypatch) -> None:
    idle = lambda services, servers: [0.0] * servers  # noqa: E731
    monkeypatch.setattr(cache_load.steady_state, "busy", idle)
    caught(check_no_bias)


def test_no_steady_state_below_the_edge() -> None:
    assert cache_load.simulate(hit_ratio=0.79).read is None
    assert cache_load.simulate(hit_ratio=0.82).read is not None
    certain = cache_load.simulate(hit_ratio=1.0)
    assert certain.database.estimate == 0
    assert certain.read is not None
    assert certain.read.contains(cache_load.theory(certain.at).read_s)


def test_theory_by_hand() -> None:
    exact = cache_load.theory(cache_load.Setting())
    assert exact.database_rps == pytest.approx(400)
    assert exact.utilisation == pytest.approx(0.5)
    response = float(queueing.mmc_response(400, 0.01, 8))
    assert exact.read_s == pytest.approx(0.0005 + 0.1 * response)
    assert cache_load.theory(cache_load.Setting(hit_ratio=0.8)).read_s == math.inf


AT = [
    cache_load.Setting(),
    cache_load.Setting(hit_ratio=0.5, rate_rps=50_000, seed=2),
    cache_load.Setting(hit_ratio=0.8),
    cache_load.Setting(hit_ratio=0.803),
    cache_load.Setting(hit_ratio=1),
    cache_load.Setting(hit_ratio=0, rate_rps=100),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_and_sentence(at: cache_load.Setting) -> None:
    run, exact = cache_load.simulate(at), cache_load.theory(at)
    edge = max(0, 1 - 800 / at.rate_rps)
    assert_summary(
        run,
        {
            "database_rps": run.database.estimate,
            "database_theory_rps": exact.database_rps,
            "database_percent_of_capacity": run.database.estimate / 8,
            "read_ms": 1e3 * run.read.estimate if run.read else "no steady state",
            "read_theory_ms": 1e3 * exact.read_s if run.read else "no steady state",
            "needed_hit_percent": 100 * edge,
        },
    )
    start = (
        f"A hit ratio of {significant(100 * at.hit_ratio)} % leaves "
        f"{significant(run.database.estimate)} of {significant(at.rate_rps)} reads/s to the "
        f"database (theory {significant(exact.database_rps)}), "
    )
    needs = f"the 800 it can do: to keep up it needs more than {significant(100 * edge)} %."
    expected = {
        0.5: f"more than {needs}",
        0.8: f"all of {needs}",
        0.803: "nearly all of the 800 it can do: so near to the edge this run is too short to say "
        "how long a read takes.",
    }
    if run.read:
        rest = (
            f"and a read takes {duration(run.read.estimate)} on average; without the cache the "
            f"database would get {significant(at.rate_rps / 800, 2)} times what it can do."
        )
    else:
        rest = expected[at.hit_ratio]
    assert run.reading == start + rest


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: cache_load.Setting) -> None:
    run = cache_load.simulate(at)
    load, read = axes_of(cache_load.plot, run)
    x, y = drawn.curve(load, **style.THEORY).T
    np.testing.assert_allclose(y, (1 - x / 100) * at.rate_rps, rtol=1e-6)
    assert drawn.levels(load, color=style.VERMILION) == [800]
    x, y = drawn.curve(read, **style.THEORY).T
    expected = [1e3 * cache_load.theory(at, h).read_s for h in x / 100]
    np.testing.assert_allclose(y, expected, rtol=1e-6)
    if run.read is not None:
        shown = drawn.error_bars(read, color=style.BLUE)
        assert_bars(shown, [100 * at.hit_ratio], run.read, 1e3)
    if run.database.estimate:
        shown = drawn.error_bars(load, color=style.BLUE)
        assert_bars(shown, [100 * at.hit_ratio], run.database)
    edge = max(0, 1 - 800 / at.rate_rps)
    bands = drawn.bands(read)
    assert bands == ([(-2, pytest.approx(100 * edge))] if edge else [])
