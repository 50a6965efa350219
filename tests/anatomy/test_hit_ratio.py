"""Hit ratios: LRU against Che, Che solved directly, a real sqlite file, what the learner sees."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

from helpers.anatomy import hit_ratio
from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.foundations.traffic.keys import zipf_weights
from tests import drawn
from tests.checks import assert_summary, assert_table, axes_of

# 8,000 reads: the standard error of a hit ratio is below 0.006; 4 of them.
SLACK = 0.024


@pytest.mark.parametrize("exponent", [0.0, 0.6, 0.9, 1.2])
def test_lru_agrees_with_che(exponent: float) -> None:
    run = hit_ratio.simulate(exponent=exponent)
    shares = (run.at.share, *hit_ratio.SHARES)
    assert np.abs(run.simulated - hit_ratio.theory(run.at, shares).lru).max() < SLACK


def test_a_fifo_cache_is_not_lru() -> None:
    reads = hit_ratio._reads(0.9, 1)
    held: OrderedDict[int, None] = OrderedDict()
    hits = 0
    for n, key in enumerate(reads):
        hits += key in held and n >= len(reads) // 3
        if key not in held:
            if len(held) >= 500:
                held.popitem(last=False)
            held[key] = None
    fifo = hits / (len(reads) - len(reads) // 3)
    assert abs(fifo - hit_ratio.lru(5_000, 0.9, [500])[0]) > SLACK


@pytest.mark.parametrize(("keys", "exponent"), [(500, 0.7), (5_000, 0.9), (2_000, 1.2)])
def test_che_solved_directly(keys: int, exponent: float) -> None:
    weights = zipf_weights(keys, exponent)
    for size in (5, keys // 20, keys // 3):
        low, high = 0.0, 1e9
        for _ in range(200):
            middle = (low + high) / 2
            filled = (-np.expm1(-weights * middle)).sum()
            low, high = (middle, high) if filled < size else (low, middle)
        exact = (weights * -np.expm1(-weights * low)).sum()
        # The curve is interpolated between 64 points.
        assert hit_ratio.lru(keys, exponent, [size])[0] == pytest.approx(exact, abs=2e-3)


def test_without_skew_it_is_the_share_of_the_room() -> None:
    sizes = np.array([10, 100, 250])
    assert hit_ratio.lru(500, 0, sizes) == pytest.approx(sizes / 500)
    assert hit_ratio.best(500, 0, sizes) == pytest.approx(sizes / 500)


def test_the_best_cache_is_best() -> None:
    sizes = np.geomspace(1, 4_000, 30)
    assert (hit_ratio.best(5_000, 0.9, sizes) >= hit_ratio.lru(5_000, 0.9, sizes) - 1e-9).all()


def test_a_cache_larger_than_all_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="size"):
        hit_ratio.lru(10, 1, [11])


AT = [
    hit_ratio.Setting(),
    hit_ratio.Setting(share=0.001, exponent=1.5, seed=2),
    hit_ratio.Setting(share=0.6, exponent=0),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: hit_ratio.Setting) -> None:
    run = hit_ratio.simulate(at)
    size = [5_000 * at.share]
    lru, best = (float(f(5_000, at.exponent, size)[0]) for f in (hit_ratio.lru, hit_ratio.best))
    assert_summary(
        run,
        {
            "keys_in_cache": round(5_000 * at.share),
            "hit_percent": 100 * run.simulated[0],
            "che_percent": 100 * lru,
            "best_percent": 100 * best,
        },
    )
    assert run.reading == (
        f"A cache with room for {significant(100 * at.share)} % of the keys answers "
        f"{significant(100 * run.simulated[0])} % of the reads by throwing out what was used "
        f"longest ago (Che: {significant(100 * lru)} %); holding exactly the most popular keys "
        f"would give {significant(100 * best)} %."
    )
    shares = np.array([at.share, *hit_ratio.SHARES])
    assert_table(
        run,
        {
            "room (% of the keys)": 100 * shares,
            "LRU, run (%)": 100 * run.simulated,
            "LRU by Che (%)": 100 * hit_ratio.lru(5_000, at.exponent, 5_000 * shares),
            "most popular keys (%)": 100 * hit_ratio.best(5_000, at.exponent, 5_000 * shares),
        },
    )


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: hit_ratio.Setting) -> None:
    run = hit_ratio.simulate(at)
    (ax,) = axes_of(hit_ratio.plot, run)
    for color, law in ((style.THEORY["color"], hit_ratio.lru), (style.GREEN, hit_ratio.best)):
        x, y = drawn.curve(ax, color=color, marker="None").T
        np.testing.assert_allclose(y, 100 * law(5_000, at.exponent, 5_000 * hit_ratio.GRID))
        np.testing.assert_allclose(x, 100 * hit_ratio.GRID)
    x, y = drawn.curve(ax, color=style.BLUE, marker="o").T
    np.testing.assert_allclose(x, 100 * np.array([at.share, *hit_ratio.SHARES]))
    np.testing.assert_allclose(y, 100 * run.simulated)
    np.testing.assert_allclose(drawn.rings(ax), [(x[0], y[0])])


# --- a real cache ---------------------------------------------------------------------------------
