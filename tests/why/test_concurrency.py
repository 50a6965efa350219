"""Threads and processes: bounds, the open model, its edits, real workers; faults are noticed."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.why import concurrency
from helpers.why.concurrency import WORKERS, amdahl_rps, best_rps
from tests import drawn
from tests.checks import assert_bars, assert_summary, assert_table, axes_of, caught, runs_of
from tests.models import edited
from tests.why.checks import assert_agrees

MODEL = "helpers.why.concurrency:threads"


def test_workers_lie_between_amdahl_and_the_bound() -> None:
    rng = np.random.default_rng(3)
    for cpu_ms, io_ms in rng.uniform(1, 100, (30, 2)).tolist():
        at = concurrency.Setting(cpu_ms=cpu_ms, io_ms=io_ms)
        for workers in (1, 2, 7, 40):
            exact = concurrency.theory(at, workers)
            times = cpu_ms * 1e-3, io_ms * 1e-3
            assert amdahl_rps(workers, *times) <= exact * (1 + 1e-9)
            assert exact <= best_rps(workers, *times) * (1 + 1e-9)


def test_amdahl_is_the_pessimistic_asymptote() -> None:
    for workers in (1, 3, 20):
        assert amdahl_rps(workers, 0.2, 1.3) == pytest.approx(workers / (workers * 0.2 + 1.3))
    assert best_rps(1_000, 0.002, 0.018) == pytest.approx(500)
    assert best_rps(8, 0.002, 0.018, 4) == pytest.approx(400)


def check(seeds: int = 20) -> None:
    for cpu_ms, io_ms, workers, cores in ((2.0, 18.0, 8, 4), (10.0, 5.0, 6, 3)):
        runs = [
            concurrency.simulate(cpu_ms=cpu_ms, io_ms=io_ms, workers=workers, cores=cores, seed=s)
            for s in range(seeds)
        ]
        at = runs[0].at
        assert_agrees((run.shared_here.estimate for run in runs), concurrency.theory(at))
        exact = concurrency.theory(at, cores=cores)
        assert_agrees((run.spread_here.estimate for run in runs), exact)


def test_simulation_and_theory() -> None:
    check()


def test_two_cores_for_threads_are_caught(monkeypatch) -> None:
    original = concurrency.run_closed

    def doubled(users, ratio, servers, *rest):
        return original(users, ratio, tuple(2 * c for c in servers), *rest)

    monkeypatch.setattr(concurrency, "run_closed", doubled)
    caught(check, 8)


@pytest.mark.parametrize("workers", [1, 8, 64])
def test_the_open_model_is_the_station_of_theory(workers: int) -> None:
    runs = [
        runs_of(concurrency.threads, concurrency.Setting, 1, workers=workers, seed=s)
        for s in range(24)
    ]
    exact = concurrency.theory(concurrency.Setting(workers=workers))
    mean = np.mean([run["throughput_rps"] for run in runs])
    assert mean == pytest.approx(exact, rel=0.01), "24 times 2,000 requests, from an idle start"


# --- the edits ------------------------------------------------------------------------------------


def gain(model, **values) -> float:
    return runs_of(model, concurrency.Setting, **values)["throughput_rps"] / 50.0


def test_without_the_lock_every_thread_is_a_machine() -> None:
    assert gain(edited(MODEL, "max(now, core_free)", "now")) == pytest.approx(8, rel=0.03)


def test_a_lock_around_everything_is_one_thread() -> None:
    held = edited(
        MODEL,
        'core_free = start + draw("computing").exponential(cpu_s)',
        'core_free = start + draw("computing").exponential(cpu_s) '
        '+ draw("waiting").exponential(io_s)',
        'heapq.heappush(wants_core, answered + draw("waiting").exponential(io_s))',
        "heapq.heappush(wants_core, answered)",
    )
    for workers in (1, 8, 64):
        assert gain(held, workers=workers) == pytest.approx(1, rel=0.03)


def test_several_cores_are_the_right_panel() -> None:
    spread = edited(
        MODEL,
        "core_free = 0.0",
        "cores = [0.0] * at.cores",
        "max(now, core_free)",
        "max(now, cores[0])",
        'core_free = start + draw("computing").exponential(cpu_s)\n',
        'answered = start + draw("computing").exponential(cpu_s)\n',
        "answered = core_free",
        "heapq.heapreplace(cores, answered)",
    )
    for workers in (8, 64):
        at = concurrency.Setting(workers=workers)
        exact = concurrency.theory(at, cores=4) / 50
        assert gain(spread, workers=workers) == pytest.approx(exact, rel=0.03)
        assert workers == 8 or exact > 3 * concurrency.theory(at) / 50


# --- what the learner sees ------------------------------------------------------------------------


AT = [
    concurrency.Setting(),
    concurrency.Setting(cpu_ms=50.0, io_ms=0.5, workers=1, cores=1, seed=2),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: concurrency.Setting) -> None:
    run = concurrency.simulate(at)
    times = 1e-3 * at.cpu_ms, 1e-3 * at.io_ms
    one = 1e3 / (at.cpu_ms + at.io_ms)
    assert_summary(
        run,
        {
            "one_thread_rps": one,
            "threads_rps": run.shared_here.estimate,
            "threads_theory_rps": concurrency.theory(at),
            "amdahl_rps": amdahl_rps(at.workers, *times),
            "bound_rps": best_rps(at.workers, *times),
            "processes_rps": run.spread_here.estimate,
            "processes_theory_rps": concurrency.theory(at, cores=at.cores),
        },
    )
    share = 100 * at.cpu_ms / (at.cpu_ms + at.io_ms)
    alone = at.workers == 1

    def often(factor: float) -> str:
        text = significant(factor)
        return f"{text} time" + ("" if text == "1" else "s")

    threads, processes = ("1 thread", "1 process") if alone else ("8 threads", "8 processes")
    do = "does" if alone else "do"
    assert run.reading == (
        f"{significant(share)} % of a request is computing: {threads} on one core {do} "
        f"{often(run.shared_here.estimate / one)} the work of one, at most {often(100 / share)} "
        f"however many there are; {processes} on {'1 core' if at.cores == 1 else '4 cores'} {do} "
        f"{often(run.spread_here.estimate / one)}."
    )
    assert_table(
        run,
        {
            "workers": WORKERS,
            "threads or asyncio (1/s)": run.shared.estimate,
            "theory (1/s)": [concurrency.theory(at.but(workers=n)) for n in WORKERS],
            "Amdahl (1/s)": [amdahl_rps(n, *times) for n in WORKERS],
            "bound (1/s)": [best_rps(n, *times) for n in WORKERS],
            "processes (1/s)": run.spread.estimate,
            "processes, theory (1/s)": [
                concurrency.theory(at.but(workers=n), cores=at.cores) for n in WORKERS
            ],
        },
    )


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: concurrency.Setting) -> None:
    run, one = concurrency.simulate(at), 1e3 / (at.cpu_ms + at.io_ms)
    shared, spread = axes_of(concurrency.plot, run, mine={"throughput_rps": 3 * one})
    for ax, seen, here, cores in (
        (shared, run.shared, run.shared_here, 1),
        (spread, run.spread, run.spread_here, at.cores),
    ):
        exact = [concurrency.theory(at, n, cores) / one for n in WORKERS]
        np.testing.assert_allclose(drawn.curve(ax, **style.THEORY), np.stack([WORKERS, exact], 1))
        assert_bars(drawn.error_bars(ax, color=style.BLUE), WORKERS, seen, 1 / one)
        assert drawn.here(ax) == at.workers
        np.testing.assert_allclose(drawn.rings(ax), [(at.workers, here.estimate / one)])
    times = 1e-3 * at.cpu_ms, 1e-3 * at.io_ms
    band = drawn.area(shared)
    np.testing.assert_allclose(band.low, amdahl_rps(WORKERS, *times) / one)
    np.testing.assert_allclose(band.high, best_rps(WORKERS, *times) / one)
    np.testing.assert_allclose(drawn.curve(shared, label="your model"), [(at.workers, 3.0)])


# --- real workers ---------------------------------------------------------------------------------
