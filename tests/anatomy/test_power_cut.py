"""Power cuts: Poisson losses, real files cut at random bytes, and what the learner sees."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.anatomy import power_cut
from helpers.anatomy.cut_files import commit_ends
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import mean_interval
from tests import drawn
from tests.checks import assert_summary, assert_table, axes_of, caught


def check(lost: np.ndarray, expected: float) -> None:
    assert mean_interval(lost, confidence=0.999).contains(expected)


@pytest.mark.parametrize(("rate_rps", "flush_s"), [(500, 1.0), (20, 0.5), (5_000, 10.0)])
def test_simulation_and_theory(rate_rps: float, flush_s: float) -> None:
    run = power_cut.simulate(rate_rps=rate_rps, flush_s=flush_s)
    full = rate_rps * flush_s
    check(run.lost, full / 2)
    assert power_cut.theory(run.at).lost_writes == full / 2
    caught(check, run.lost, 0.85 * full / 2)
    # Uniform times, then Poisson: variance (rT)^2 / 12 + rT / 2.
    assert run.lost.var() == pytest.approx(full**2 / 12 + full / 2, rel=0.2)
    assert power_cut.simulate(each_write=True).lost.max() == 0


AT = [
    power_cut.Setting(),
    power_cut.Setting(flush_s=1e-3, sync_ms=20, seed=2),
    power_cut.Setting(each_write=True, rate_rps=10_000),
    power_cut.Setting(rate_rps=10_000, flush_s=10),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_and_sentence(at: power_cut.Setting) -> None:
    run = power_cut.simulate(at)
    busy = at.rate_rps * at.sync_ms / 1e3 if at.each_write else at.sync_ms / 1e3 / at.flush_s
    expected = 0 if at.each_write else at.rate_rps * at.flush_s / 2
    assert_summary(
        run,
        {
            "lost_writes_mean": run.lost.mean(),
            "lost_writes_theory": expected,
            "lost_writes_worst": run.lost.max(),
            "disk_busy_percent": 100 * busy,
            "most_writes_per_s_if_each_syncs": 1e3 / at.sync_ms,
        },
    )
    if busy > 1:
        assert f"would need {significant(busy)} s of syncing for each second" in run.reading
        assert f"{significant(1e3 / at.sync_ms)} times a second at most" in run.reading
    else:
        assert f"syncs for {significant(100 * busy)} % of the time" in run.reading
    if at.each_write:
        assert run.reading.startswith("Synced before it is acknowledged, no write is ever lost")
    else:
        assert run.reading.startswith(
            f"A power cut takes {significant(run.lost.mean())} acknowledged writes on average "
            f"(theory {significant(expected)}), {significant(run.lost.max())} at worst in 400 cuts"
        )


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: power_cut.Setting) -> None:
    run = power_cut.simulate(at)
    cuts, trade = axes_of(power_cut.plot, run)
    np.testing.assert_allclose(drawn.curve(cuts, color=style.BLUE)[:, 1], np.sort(run.lost))
    expected = 0 if at.each_write else at.rate_rps * at.flush_s / 2
    assert drawn.levels(cuts, **style.THEORY) == [expected]
    x, y = drawn.curve(trade, **style.THEORY).T
    np.testing.assert_allclose(y, at.sync_ms / 1e3 / x)
    if at.each_write:
        assert drawn.levels(trade, color=style.BLUE) == [at.rate_rps * at.sync_ms / 1e3]
    else:
        point = drawn.curve(trade, color=style.BLUE)
        np.testing.assert_allclose(point, [(at.flush_s, at.sync_ms / 1e3 / at.flush_s)])
        assert f"mean loss {duration(at.flush_s / 2)} of writes" in drawn.written(trade)


# --- real files -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("nothing_left_behind")
def test_cuts_leave_a_prefix_of_whole_commits() -> None:
    run = power_cut.measure(commits=30, cuts=25)
    assert run.agrees
    assert (np.diff(run.survived) >= 0).all()
    assert run.torn_whole == 25
    assert run.survived.max() > 15 > run.survived.min()


def test_a_cut_inside_a_page_is_noticed() -> None:
    # The prediction must not be a coincidence: one byte less than a commit loses it.
    header = (0x377F0682).to_bytes(4, "big") + b"\0" * 4 + (64).to_bytes(4, "big") + b"\0" * 20
    frame = (1).to_bytes(4, "big") + (1).to_bytes(4, "big") + b"\0" * (16 + 64)
    plain = (1).to_bytes(4, "big") + b"\0" * (20 + 64)
    assert commit_ends(header + frame + plain + frame) == [120, 296]
    assert commit_ends((header + frame)[:-1]) == []


def test_what_is_said_and_drawn_of_real_files() -> None:
    places, rows = np.array([0.1, 0.3, 0.5, 0.7, 0.9]), np.array([5, 18, 30, 42, 55])
    at = power_cut.Trial(cuts=5)
    torn = {"torn_lines": 1, "torn_whole": 5, "sync_s": 2e-4, "lazy_s": 1.5e-5}
    run = power_cut.MeasuredPowerCut(at, places, rows, rows, 5, **torn)
    assert run.reading == (
        "Verdict: after 5 of 5 cuts sqlite had exactly the rows whose commits lie before the cut, "
        "and after 5 its check found no fault: it agrees with its file format. A file of JSON "
        "lines ended in a torn record 1 time, a rewritten JSON document was unreadable 5 times. A "
        "commit took 200 µs with a sync and 15 µs without."
    )
    worse = power_cut.MeasuredPowerCut(at, places, rows - 1, rows, 4, **torn)
    assert "after 0 of 5 cuts" in worse.reading
    assert "it disagrees with its file format" in worse.reading
    columns = {
        "cut at (% of the log)": 100 * places,
        "rows in sqlite": rows - 1,
        "commits before the cut": rows,
    }
    assert_table(worse, columns)
    (ax,) = axes_of(power_cut.plot_measured, worse)
    shown = drawn.curve(ax, color=style.VERMILION)
    np.testing.assert_allclose(shown, np.column_stack([100 * places, rows - 1]))
    np.testing.assert_allclose(drawn.curve(ax, color=style.THEORY["color"])[:, 1], rows)
