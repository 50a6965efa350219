"""The ladder of latencies: it is in order, and what is said and drawn is what was measured."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.anatomy import ladder
from helpers.foundations.drawing import style
from tests import drawn
from tests.checks import assert_table, axes_of

TIMES = {
    "dict": 2e-8,
    "lru_cache": 5e-8,
    "sqlite, in memory": 3e-6,
    "sqlite, in a file": 1e-5,
    "round trip on loopback": 1e-4,
    "write and fsync": 2e-4,
    "sqlite, commit to disk": 1e-3,
}


@pytest.mark.usefixtures("nothing_left_behind")
def test_it_is_in_order() -> None:
    run = ladder.measure()
    assert list(run.times_s) == list(TIMES)
    assert run.ratio("sqlite, in a file", "dict") > 10
    assert run.times_s["sqlite, commit to disk"] > run.times_s["sqlite, in memory"]
    for name, (low, high) in run.spread_s.items():
        assert low <= run.times_s[name] <= high


@pytest.mark.parametrize(("network_s", "word"), [(1e-4, "slower"), (5e-6, "quicker")])
def test_what_is_said_and_drawn(network_s: float, word: str) -> None:
    times = TIMES | {"round trip on loopback": network_s}
    spread = {name: (0.8 * t, 1.3 * t) for name, t in times.items()}
    run = ladder.MeasuredLadder(ladder.Trial(), times, spread)
    assert run.reading == (
        "Verdict: dict takes 20 ns, a query of a file that is in memory 500 times as long, a write "
        "that must reach the disk 50,000 times; a bare round trip between two threads is "
        f"{word} than the query."
    )
    medians = np.array(list(times.values()))
    assert_table(
        run,
        {
            "rung": list(times),
            "median (µs)": 1e6 * medians,
            "10 % below (µs)": 0.8e6 * medians,
            "10 % above (µs)": 1.3e6 * medians,
        },
    )
    (ax,) = axes_of(ladder.plot_measured, run)
    points = [line.get_xdata()[0] for line in drawn.lines(ax, color=style.VERMILION, marker="o")]
    np.testing.assert_allclose(points, medians)
    bars = [line.get_xdata() for line in drawn.lines(ax, color=style.VERMILION, marker="None")]
    np.testing.assert_allclose(bars, list(spread.values()))
    assert set(times) <= set(drawn.written(ax))
