"""A real cache in front of sqlite3, beside Che's approximation."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.anatomy import hit_ratio, real_hit_ratio
from helpers.foundations.drawing import style
from tests import drawn
from tests.checks import assert_table, axes_of


@pytest.mark.usefixtures("nothing_left_behind")
def test_a_real_cache_counts_exactly_what_reaches_sqlite() -> None:
    run = real_hit_ratio.measure(reads=4_000)
    assert run.database_reads == pytest.approx((1 - run.hit_ratio) * 4_000)
    # 4,000 reads: four standard errors are 0.032.
    assert np.abs(run.hit_ratio - run.che).max() < 0.032
    assert (np.diff(run.database_reads) < 0).all()


def test_what_is_said_and_drawn_of_a_real_cache() -> None:
    che = hit_ratio.lru(5_000, 0.9, 5_000 * np.array(real_hit_ratio.MEASURED_SHARES))
    for off, word in ((0.01, "agree"), (0.03, "disagree")):
        asked = np.round(12_000 * (1 - che - off))
        times = np.array([8e-6, 6e-6, 4e-6, 2e-6])
        run = real_hit_ratio.MeasuredHitRatio(real_hit_ratio.Trial(), asked, times, 9e-6)
        assert f"real caches and Che {word}, the widest gap" in run.reading
        assert f"sqlite got {asked[-1]:,} of 12,000 reads" in run.reading
        assert "a read took 2 µs instead of 9 µs." in run.reading
        assert_table(
            run,
            {
                "room (% of the keys)": [0.5, 3, 10, 30],
                "hit ratio (%)": 100 * (1 - asked / 12_000),
                "Che (%)": 100 * che,
                "reads at sqlite": asked,
                "time of a read (µs)": 1e6 * times,
            },
        )
        (ax,) = axes_of(hit_ratio.plot, hit_ratio.simulate())
        real_hit_ratio.plot_measured(run, ax)
        shown = drawn.curve(ax, color=style.VERMILION)
        np.testing.assert_allclose(shown[:, 1], 100 * (1 - asked / 12_000))
