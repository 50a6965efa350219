"""Speed-up: the open model, Amdahl and Graham; changes do what is promised; real processes."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.foundations.statistics import Intervals
from helpers.scaling import speedup
from helpers.scaling.job_on_processes import share_out
from tests import drawn
from tests.checks import assert_bars, assert_summary, assert_table, axes_of, caught
from tests.models import edited
from tests.scaling.checks import runs_of

MODEL = "helpers.scaling.speedup:one_job"
CORES = np.array(speedup.CORES)


def check() -> None:
    """No speed-up beats Amdahl's, and list scheduling is never worse than Graham's bound."""
    for serial, tasks in ((0.0, 1_000), (5.0, 400), (20.0, 50), (100.0, 10)):
        run = speedup.simulate(serial_percent=serial, tasks=tasks)
        bound = speedup.amdahl(serial / 100, CORES)
        assert (run.speedup.estimate <= bound * (1 + 1e-9)).all()
        assert (np.diff(run.speedup.estimate) >= -1e-9).all()
        # The last piece starts when some core falls idle, so the makespan is at most the mean load
        # plus the largest piece; exponential ones have a largest one of about ln(tasks) / tasks.
        share = 1 / CORES + 3 * np.log(max(tasks, 3)) / tasks
        worst = 1 / (serial / 100 + (1 - serial / 100) * np.minimum(share, 1))
        assert (run.speedup.estimate >= worst * (1 - 1e-9)).all()
    fine = speedup.simulate(serial_percent=5.0, tasks=1_000)
    small = CORES <= 8
    np.testing.assert_allclose(
        fine.speedup.estimate[small], speedup.amdahl(0.05, CORES[small]), rtol=0.02
    )


@pytest.fixture(autouse=True)
def _fresh_runs():
    """No run that a fault made may outlive it, nor one made before hide it."""
    speedup._runs.cache_clear()
    yield
    speedup._runs.cache_clear()


def test_simulation_and_theory() -> None:
    check()


FAULTS = {
    "spreads the serial part too": ("serial + (1 - serial) * ", ""),
    "gives every piece to one core": (
        "heapreplace(free_at, free_at[0] + piece)",
        "free_at[0] += piece",
    ),
    "a core too many": ("* at.cores", "* (at.cores + 1)"),
    "adds the wrong way round": ("max(free_at)", "min(free_at)"),
    "forgets to share the work": (" / pieces.sum()", ""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_caught(monkeypatch, fault: str) -> None:
    monkeypatch.setattr(speedup, "one_job", edited(MODEL, *FAULTS[fault]))
    caught(check)


def test_amdahl_known_values() -> None:
    assert speedup.amdahl(0.05, 20) == pytest.approx(10.256, abs=1e-3)
    assert speedup.amdahl(0.0, 64) == 64
    assert speedup.amdahl(1.0, 64) == 1
    assert speedup.amdahl(0.05, 1e9) == pytest.approx(20, rel=1e-6)


# --- changes that the page proposes ---------------------------------------------------------------


def _speedups(model, **setting) -> np.ndarray:
    return runs_of(model, speedup.Setting, **setting)["speedup"]


@pytest.mark.parametrize("cores", [2, 8, 64])
def test_pieces_dealt_out_beforehand_are_slower(cores: int) -> None:
    dealt = edited(
        MODEL,
        "for piece in pieces.tolist():",
        "for turn, piece in enumerate(pieces.tolist()):",
        "heapreplace(free_at, free_at[0] + piece)",
        "free_at[turn % at.cores] += piece",
    )
    taken = _speedups(speedup.one_job, cores=cores)
    assert (_speedups(dealt, cores=cores) < taken).all()


@pytest.mark.parametrize("cores", [8, 64])
def test_the_largest_first_comes_near_amdahl(cores: int) -> None:
    sorted_first = edited(
        MODEL,
        "from heapq import heapreplace",
        "from heapq import heapreplace\nimport numpy as np",
        "pieces = pieces / pieces.sum()",
        "pieces = np.sort(pieces / pieces.sum())[::-1]",
    )
    bound = speedup.theory(speedup.Setting(cores=cores))
    largest, as_they_come = (
        _speedups(model, cores=cores) for model in (sorted_first, speedup.one_job)
    )
    assert (largest > as_they_come).all()
    # What is left at 64 cores is a single piece that is larger than one core's share.
    assert bound - largest.mean() < 0.4 * (bound - as_they_come.mean())
    if cores == 8:
        np.testing.assert_allclose(largest, bound, rtol=0.01)


def test_where_handing_out_costs_time_the_best_number_of_pieces_lies_between() -> None:
    costly = edited(MODEL, "free_at[0] + piece", "free_at[0] + piece + 0.002")
    few, some, many = (_speedups(costly, tasks=tasks).mean() for tasks in (10, 80, 1_000))
    assert few < 0.8 * some
    assert many < 0.8 * some


# --- what the learner sees ------------------------------------------------------------------------

AT = [
    speedup.Setting(),
    speedup.Setting(serial_percent=0.5, cores=64, tasks=10, seed=2),
    speedup.Setting(serial_percent=0.0, cores=1, tasks=1_000),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: speedup.Setting) -> None:
    run = speedup.simulate(at)
    serial = at.serial_percent / 100
    amdahl = 1 / (serial + (1 - serial) / at.cores)
    used = 100 * run.here.estimate / at.cores
    assert_summary(
        run,
        {
            "cores": at.cores,
            "speedup": run.here.estimate,
            "speedup_low": run.here.low,
            "speedup_high": run.here.high,
            "amdahl_speedup": amdahl,
            "ceiling": 1 / serial if serial else "none",
            "efficiency_percent": used,
        },
    )
    compared = (
        f" cores finish the job {significant(run.here.estimate)} times as fast as one (Amdahl "
        f"allows {significant(amdahl)}), so each works {significant(used)} % of the time; "
    )
    for said in (
        compared if at.cores > 1 else "1 core works all of the time",
        f"with {significant(at.serial_percent)} % serial work no number of cores gets past "
        f"{significant(1 / serial)}."
        if serial
        else "without serial work there is no ceiling.",
    ):
        assert said in run.reading
    assert run.reading.startswith(f"{at.cores} core")
    assert_table(
        run,
        {
            "cores": CORES,
            "speed-up": run.speedup.estimate,
            "from": run.speedup.low,
            "to": run.speedup.high,
            "Amdahl": 1 / (serial + (1 - serial) / CORES),
        },
    )


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: speedup.Setting) -> None:
    run = speedup.simulate(at)
    (ax,) = axes_of(speedup.plot, run, mine={"speedup": 3.3})
    serial = at.serial_percent / 100
    x, y = drawn.curve(ax, **style.THEORY).T
    np.testing.assert_allclose(y, 1 / (serial + (1 - serial) / x))
    assert (x.min(), x.max()) == (pytest.approx(1), pytest.approx(64))
    linear = drawn.curve(ax, color=style.GHOST)
    np.testing.assert_array_equal(linear[:, 0], linear[:, 1])
    assert_bars(drawn.error_bars(ax, **style.DOTS), CORES, run.speedup)
    ceiling = drawn.levels(ax, color=style.VERMILION)
    assert ceiling == ([pytest.approx(1 / serial)] if serial > 1 / 75 else [])
    assert drawn.here(ax) == at.cores
    assert drawn.curve(ax, label="your model").tolist() == [[at.cores, 3.3]]


# --- real processes -------------------------------------------------------------------------------


@pytest.mark.usefixtures("nothing_left_behind")
def test_processes() -> None:
    run = speedup.measure(work_s=0.03, most_processes=2)
    assert run.processes.tolist() == [1, 2]
    assert run.speedup.estimate[0] == pytest.approx(1)
    assert np.isfinite(run.speedup.estimate).all()
    assert (run.speedup.estimate > 0).all()
    assert 0 < run.serial_fraction < 1


@pytest.mark.parametrize(("value", "error"), [(0, ValueError), (17, ValueError), ("2", TypeError)])
def test_a_number_of_processes_that_cannot_be_is_refused(value: object, error: type) -> None:
    with pytest.raises(error, match="most_processes must be"):
        speedup.Trial(most_processes=value)


def test_work_is_spread_evenly_and_none_is_lost() -> None:
    class Recorder:
        def say(self, line: str) -> None:
            self.loops = int(line)

        def hear(self) -> None:
            self.finished = True

    for loops, count in ((10, 3), (7, 7), (1_000_001, 4)):
        recorders = [Recorder() for _ in range(count)]
        share_out(recorders, loops)
        shares = [recorder.loops for recorder in recorders]
        assert sum(shares) == loops
        assert max(shares) - min(shares) <= 1
        assert all(recorder.finished for recorder in recorders)


def measured(cores: int) -> speedup.MeasuredSpeedup:
    middle = np.array([1.0, 1.7, 1.9, 1.6])
    return speedup.MeasuredSpeedup(
        speedup.Trial(),
        speedup=Intervals(middle, middle - 0.2, middle + 0.3, 0.95, 3),
        serial_fraction=0.1,
        cores=cores,
    )


@pytest.mark.parametrize("cores", [1, 2, 8])
def test_what_is_said_of_processes(cores: int) -> None:
    run = measured(cores)
    usable = np.minimum([1, 2, 3, 4], cores)
    amdahl = 1 / (0.1 + 0.9 / usable)
    assert_summary(
        run,
        {"cores": cores, "serial_percent": 10.0}
        | {f"speedup_{n}_processes": run.speedup.estimate[n - 1] for n in (1, 2, 3, 4)},
    )
    within = min(cores, 4)
    reached = run.speedup.estimate[within - 1]
    for said in (
        "Verdict: with 10 % serial work "
        + ("1 process is " if within == 1 else f"{within} processes are "),
        f" {significant(reached)} times as fast as one",
        f"{significant(100 * reached / amdahl[within - 1])} % of the "
        f"{significant(amdahl[within - 1])} that Amdahl allows",
    ):
        assert said in run.reading
    same = f"4 processes on the same {cores} core{'s' if cores > 1 else ''} reach 1.6."
    assert run.reading.endswith(same) == (cores < 4)
    assert_table(
        run,
        {
            "processes": [1, 2, 3, 4],
            "speed-up": run.speedup.estimate,
            "from": run.speedup.low,
            "to": run.speedup.high,
            "Amdahl": amdahl,
        },
    )


@pytest.mark.parametrize("cores", [2, 8])
def test_the_picture_of_processes(cores: int) -> None:
    run = measured(cores)
    (ax,) = axes_of(speedup.plot_measured, run)
    assert_bars(drawn.error_bars(ax, **style.MEASUREMENT), [1, 2, 3, 4], run.speedup)
    usable = np.minimum([1, 2, 3, 4], cores)
    np.testing.assert_allclose(
        drawn.curve(ax, **style.THEORY),
        np.column_stack([[1, 2, 3, 4], 1 / (0.1 + 0.9 / usable)]),
    )
    assert drawn.curve(ax, color=style.GHOST).tolist() == [[1, 1], [4, 4]]
    limit = [line.get_xdata()[0] for line in drawn.lines(ax, color=style.MUTED)]
    assert limit == ([cores] if cores < 4 else [])


@pytest.mark.parametrize(("low", "high"), [(0.1, 6.0), (2.5, 2.7)])
def test_a_machine_that_was_busy_gives_no_verdict(low: float, high: float) -> None:
    """Two processes are not 3 times as fast as one: the one was kept waiting."""
    ends = (np.array([1.0, end]) for end in ((low + high) / 2, low, high))
    two = Intervals(*ends, 0.95, 3)
    run = speedup.MeasuredSpeedup(speedup.Trial(), two, 0.1, 2)
    assert run.reading.startswith("No verdict: this machine was busy")
    assert f"from {low} to {high:g} times" in run.reading.replace("6.00", "6")
