"""Staleness: theory three ways, the open model, and the page."""

from __future__ import annotations

import bisect
import math

import numpy as np
import pytest

from helpers.caching import staleness
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, percent
from tests import drawn
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_mean,
    assert_tells,
    diamonds,
    drawn_by,
    each_of,
)


def event_by_event(update_rps, read_rps, ttl_s, delivered, reads, seed):
    """Read and update one key event by event; return stale hits, hits and loads."""
    rng = np.random.default_rng(seed)
    read_at = np.cumsum(rng.exponential(1 / read_rps, reads)).tolist()
    count = int(read_at[-1] * update_rps * 1.5) + 50
    update_at = np.cumsum(rng.exponential(1 / update_rps, count)).tolist()
    arrives = rng.random(count) < delivered
    invalid_at = [at for at, ok in zip(update_at, arrives, strict=True) if ok]
    loaded, dies = -math.inf, -math.inf
    stale = hits = loads = 0
    for now in read_at:
        if now < dies:
            hits += 1
            stale += bisect.bisect(update_at, now) > bisect.bisect(update_at, loaded)
        else:
            loads += 1
            loaded = now
            following = bisect.bisect(invalid_at, now)
            dies = now + ttl_s
            if following < len(invalid_at):
                dies = min(dies, invalid_at[following])
    return stale, hits, loads


@pytest.mark.parametrize("delivered", [0.0, 0.5, 0.9, 1.0])
@pytest.mark.parametrize(("update_rps", "read_rps", "ttl_s"), [(0.05, 2.0, 20.0), (0.5, 0.7, 3.0)])
def test_staleness_four_ways(update_rps, read_rps, ttl_s, delivered):
    setting = {
        "update_rps": update_rps,
        "read_rps": read_rps,
        "ttl_s": ttl_s,
        "delivered": delivered,
    }
    exact = staleness.theory(staleness.Setting(**setting))
    literal, lives = [], []
    for seed in range(20):
        stale, hits, loads = event_by_event(**setting, reads=3_000, seed=seed)
        literal.append((stale / (hits + loads), loads / (hits + loads)))
        run = staleness.simulate(**setting, seed=seed)
        lives.append((run.stale_here, run.loads_here))
    mine = [
        (each["stale_share"], each["load_share"])
        for each in each_of(staleness.one_key, staleness.Setting, 40, **setting)
    ]
    for samples, bias in ((literal, 2e-3), (lives, 2e-3), (mine, 1e-2)):
        # Ratios of sums over some hundreds of lives, in the model over fifty.
        assert_mean([each[0] for each in samples], exact.stale_share, allowance=bias)
        assert_mean([each[1] for each in samples], exact.load_share, allowance=bias)


def test_the_formula_and_its_limits():
    def of_hits(update_rps, ttl_s, delivered=0.0):
        at = staleness.Setting(update_rps=update_rps, ttl_s=ttl_s, delivered=delivered)
        return staleness.stale_hits(at)

    for x in (1e-3, 0.1, 1.0, 30.0):
        assert of_hits(x, 1.0) == pytest.approx(1 - (1 - math.exp(-x)) / x, rel=1e-6)
    assert of_hits(1.0, 1.0, delivered=1.0) == pytest.approx(0, abs=1e-12)
    assert of_hits(0.3, 5.0, delivered=1e-9) == pytest.approx(of_hits(0.3, 5.0), rel=1e-6)


def test_a_staleness_that_forgets_the_one_half_is_caught():
    # mu T instead of mu T / 2 for a short life: every hit as old as the entry can get.
    stale = [staleness.simulate(update_rps=0.002, seed=seed).stale_here for seed in range(20)]
    with pytest.raises(AssertionError):
        assert_mean(stale, 1 - math.exp(-0.002 * 60.0), allowance=2e-3)


CORNERS = [
    {},
    {"ttl_s": 1.0, "update_rps": 1.0, "read_rps": 0.01},
    {"ttl_s": 1.0, "update_rps": 0.0001, "read_rps": 0.01, "delivered": 0.999},
    {"ttl_s": 10_000.0, "update_rps": 0.0001, "read_rps": 100.0, "delivered": 0.999},
]


@pytest.mark.parametrize("setting", CORNERS)
def test_the_page(setting):
    run = staleness.simulate(**setting)
    exact = staleness.theory(run.at, staleness.TTLS_S)
    stale = f"{percent(run.stale_here)} of the reads are stale"
    if run.stale_here == 0:
        stale = "not one read was stale"
    assert_tells(run.reading, duration(run.at.ttl_s), stale, percent(run.loads_here))
    assert_columns(
        run,
        time_to_live=staleness.TTLS_S,
        stale_reads=run.stale_share,
        theory=exact.stale_share,
        reads_that_load=run.load_share,
        loads=exact.load_share,
    )
    here = staleness.theory(run.at)
    assert run.summary["stale_share_theory"] == pytest.approx(here.stale_share, rel=6e-3)
    assert run.summary["database_loads_rps"] == pytest.approx(
        run.loads_here * run.at.read_rps, rel=6e-3
    )
    axes = drawn_by(staleness, run, mine={"stale_share": 0.25, "load_share": 0.5})
    for ax, share, expected, here_share, mine in (
        (axes[0], run.stale_share, exact.stale_share, run.stale_here, 25),
        (axes[1], run.load_share, exact.load_share, run.loads_here, 50),
    ):
        simulated = np.column_stack([staleness.TTLS_S, 100 * share])
        np.testing.assert_allclose(drawn.curve(ax, **style.SIMULATION), simulated)
        theory = np.column_stack([staleness.TTLS_S, 100 * expected])
        np.testing.assert_allclose(drawn.curve(ax, **style.THEORY), theory)
        (dot,) = drawn.curve(ax, marker="o", color=style.BLUE)
        np.testing.assert_allclose(dot, [run.at.ttl_s, 100 * here_share])
        np.testing.assert_allclose(diamonds(ax), [[run.at.ttl_s, mine]])
    assert_legible(*axes)
