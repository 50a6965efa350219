"""Writers on files: the closed loop against mean value analysis, and real threads on SQLite."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.foundations.queueing import mva
from helpers.foundations.statistics import Interval
from helpers.sharding import writers
from helpers.sharding.writers import WRITERS
from tests import drawn
from tests.checks import assert_tells, drawn_by
from tests.measurements import had_time
from tests.sharding.checks import SEEDS, assert_columns, within

pytestmark = pytest.mark.usefixtures("leaves_nothing_behind")


@pytest.mark.parametrize("design", writers.DESIGNS)
def test_closed_loops_of_writers_follow_mean_value_analysis(design: str) -> None:
    runs = [writers.simulate(design=design, seed=s) for s in SEEDS]
    exact = writers.theory(runs[0].at, WRITERS)
    for k in range(len(WRITERS)):
        assert within([run.throughput_rps[k] for run in runs], exact[k], slack=0.005)


def test_equal_files_have_a_formula() -> None:
    n, many = 4, np.arange(1, 21)
    formula = n / 0.003 * many / (many + n - 1)
    assert writers.theory(writers.Setting(design="hash"), many) == pytest.approx(formula)


def test_a_feature_smaller_than_the_others_is_refused() -> None:
    with pytest.raises(ValueError, match="largest_share"):
        writers.Setting(files=4, largest_share=0.2)


@pytest.mark.parametrize(
    "setting", [{"design": "range"}, {"design": "by feature", "largest_share": 0.6, "files": 8}]
)
def test_what_the_learner_sees_is_the_result(setting: dict) -> None:
    run = writers.simulate(**setting)
    exact, most = writers.theory(run.at, WRITERS), 1e3 / 3 / run.at.shares.max()
    (ax,) = drawn_by(writers, run)
    points = drawn.curve(ax, marker="D", color=style.BLUE)
    np.testing.assert_allclose(points, np.column_stack((WRITERS, run.throughput_rps)))
    curve = drawn.curve(ax, **style.THEORY)
    np.testing.assert_allclose(curve[:, 1], writers.theory(run.at, np.arange(1, 21)))
    assert drawn.levels(ax, color=style.MUTED) == [pytest.approx(most)]
    assert f"{run.at.design}: the busiest file never idle" in drawn.written(ax)
    gain = run.throughput_rps[-1] / run.throughput_rps[0]
    assert_tells(
        run.reading,
        f"16 writers get {significant(run.throughput_rps[-1])} writes per second",
        *([f"{significant(gain)} times what one writer does"] if gain >= 1.05 else []),
        f"busiest of {run.at.files} files, with {significant(100 * run.at.shares.max())} %",
        f"ends it at {significant(most)}",
    )
    assert ("about what one writer does" in run.reading) == (gain < 1.05)
    edge = (run.throughput_rps[0], run.throughput_rps[-1], exact[-1], most)
    assert list(run.summary.values()) == pytest.approx(edge)
    assert_columns(run, WRITERS, run.throughput_rps, exact)


def test_writers_fill_one_file_or_all() -> None:
    run = writers.measure(design="range", writers=(8,), run_s=0.3)
    assert run.rows[0, :-1].sum() == 0
    even = writers.measure(design="hash", writers=(8,), run_s=0.3)
    assert (even.rows[0] > 0).all()
    if had_time(run.verdict) and had_time(even.verdict):
        # Four files against one: 8 writers get 8 * 4 / 11 = 2.9 times as much done.
        assert even.throughput[0].mean > 1.5 * run.throughput[0].mean
        assert even.throughput[0].mean == pytest.approx(float(even.expected_rps[0]), rel=0.35)


def made_up(**changes) -> writers.MeasuredWriters:
    """A measurement with round numbers, for what is said of it."""
    parts = {
        "throughput": (Interval(90.0, 80.0, 100.0, 0.95, 10), Interval(250.0, 240, 260, 0.95, 10)),
        "held_s": np.array([0.004, 0.005]),
        "rows": np.array([[10, 10], [30, 10]]),
        "late_s": 1e-5,
    }
    at = writers.Trial(design="hash", files=2, writers=(1, 4), largest_share=0.5)
    return writers.MeasuredWriters(at, **(parts | changes))


def test_what_is_said_of_a_measurement() -> None:
    run = made_up()
    expected = [mva(np.full(2, 0.002), 1).throughput_rps[-1], 1 / 0.0025 * 4 / 5]
    assert run.expected_rps == pytest.approx(expected)
    assert_tells(run.reading, "4 threads get 250 writes", f"for {duration(0.005)}", "with 75 % of")
    interval = "lies outside the 95 % interval 240 writes/s to 260 writes/s by 19 %: disagrees"
    assert run.verdict == f"theory 320 writes/s {interval}"
    near = (run.throughput[0], Interval(310.0, 300.0, 330.0, 0.95, 10))
    assert made_up(throughput=near).verdict.endswith("inside the 95 % interval 300 writes/s to "
                                                     "330 writes/s: agrees")  # fmt: skip
    assert "No verdict" in made_up(late_s=0.1).verdict
    assert run.summary == {
        "1_writers_rps": 90.0,
        "4_writers_rps": 250.0,
        "held_ms": pytest.approx(4.5),
    }
    assert_columns(run, (1, 4), (90, 250), (80, 240), (100, 260), expected)
    (ax,) = drawn_by(writers, run)
    seen = drawn.error_bars(ax, **style.MEASUREMENT)
    assert [part.tolist() for part in seen] == [[1, 4], [90, 250], [80, 240], [100, 260]]


def test_a_measurement_alone_has_room_for_its_ceiling() -> None:
    at = writers.Trial(design="by feature", files=4, writers=(1, 4), largest_share=0.8)
    run = writers.MeasuredWriters(
        at, made_up().throughput, np.array([0.004, 0.005]), made_up().rows, late_s=1e-5
    )
    (ax,) = drawn_by(writers, run)
    assert ax.get_ylim() == (0, 400.0)  # 1 / (4 ms x 0.8) is 313 writes per second
