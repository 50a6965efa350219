"""Run length: the recursion, its variance and its intervals, and what the page shows of them."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.foundations.traffic.streams import streams
from helpers.scaling import run_length
from tests import drawn
from tests.checks import assert_summary, axes_of, caught
from tests.scaling.checks import assert_agrees


@pytest.fixture(autouse=True)
def _fresh_draws():
    """No draw that a fault made may outlive it, nor one made before hide it."""
    run_length._draws.cache_clear()
    yield
    run_length._draws.cache_clear()


def check(load: float) -> None:
    """Runs are unbiased, spread as the asymptotic variance says, and the intervals behave.

    At 4,096 requests the variance of a run's mean is within 15 % of its asymptote.
    """
    runs = [run_length.simulate(utilisation=load, requests=4_096, seed=seed) for seed in range(12)]
    means = np.concatenate([run.means for run in runs])
    assert_agrees(means, 1 / (1 - load))
    squares = (means - 1 / (1 - load)) ** 2
    assert_agrees(squares, run_length.variance_constant(load) / 4_096, bias=0.15)
    naive = np.mean([run.coverage(run.naive_half) for run in runs])
    batch = np.mean([run.coverage(run.batch_half) for run in runs])
    assert naive < 0.6 < 0.8 < batch <= 1.0


def check_short() -> None:
    """After 100 requests a steady queue is unbiased; one that started empty is not."""
    runs = [run_length.simulate(utilisation=0.8, requests=100, seed=seed) for seed in range(12)]
    assert_agrees(np.concatenate([run.means for run in runs]), 5.0)


@pytest.mark.parametrize("load", [0.5, 0.7])
def test_simulation_and_theory(load: float) -> None:
    check(load)


def test_short_runs_have_no_bias() -> None:
    check_short()


def test_a_run_is_lindleys_recursion_written_out() -> None:
    run = run_length.simulate(utilisation=0.9, requests=120, seed=7)
    first, gaps, services = run_length._draws(7)
    for k in (0, 5, 47):
        wait = first[1, k] / 0.1 if first[0, k] < 0.9 else 0.0
        responses = []
        for i in range(120):
            responses.append(wait + services[k, i])
            if i < 119:
                wait = max(0.0, wait + services[k, i] - gaps[k, i + 1] / 0.9)
        assert run.means[k] == pytest.approx(np.mean(responses))
        assert run.naive_half[k] == pytest.approx(1.96 * np.std(responses, ddof=1) / 120**0.5)
        batches = np.reshape(responses, (10, 12)).mean(axis=1)
        assert run.batch_half[k] == pytest.approx(2.262 * np.std(batches, ddof=1) / 10**0.5)
        if k < run_length.SHOWN:
            expected = np.cumsum(responses)[run.seen - 1] / run.seen
            np.testing.assert_allclose(run.running[k], expected)


def test_a_run_that_starts_empty_is_caught(monkeypatch) -> None:
    original = run_length._draws.__wrapped__

    def empty(seed):
        first, gaps, services = original(seed)
        return np.ones_like(first), gaps, services

    monkeypatch.setattr(run_length, "_draws", empty)
    caught(check_short)


def test_requests_that_come_in_step_are_caught(monkeypatch) -> None:
    original = run_length._draws.__wrapped__

    def in_step(seed):
        first, gaps, services = original(seed)
        return first, np.full_like(gaps, 1.0), services

    monkeypatch.setattr(run_length, "_draws", in_step)
    caught(check, 0.7)


def test_the_constant_is_the_sum_of_all_covariances() -> None:
    # Summed from a long simulation of Lindley's recursion; at rho = 0.5 correlations are short.
    rng = streams(5, "a", "s")
    n, runs = 40_000, 200
    gaps = rng["a"].standard_exponential((runs, n)) / 0.5
    services = rng["s"].standard_exponential((runs, n))
    waits = queueing.fifo_waits(np.cumsum(gaps, axis=1), services, 1)
    means = (waits + services)[:, 2_000:].mean(axis=1)
    variance = means.var(ddof=1) * (n - 2_000)
    # The sample variance of 200 values has a relative standard error of 10 %; 3.3 of them.
    assert variance == pytest.approx(run_length.variance_constant(0.5), rel=0.33)


def test_the_constant_of_an_empty_queue_is_the_variance_of_one_service() -> None:
    assert run_length.variance_constant(1e-9) == pytest.approx(1.0)


def test_requests_for_precision_scale_with_the_square() -> None:
    five, one = (run_length.requests_for_precision(0.8, r) for r in (0.05, 0.01))
    assert one == pytest.approx(25 * five, rel=1e-4)


AT = [run_length.Setting(), run_length.Setting(utilisation=0.95, requests=8_192, seed=2)]


@pytest.mark.parametrize("at", AT)
def test_numbers_and_sentence(at: run_length.Setting) -> None:
    run = run_length.simulate(at)
    truth, needed = 1 / (1 - at.utilisation), run_length.requests_for_precision(at.utilisation)
    naive = float(np.mean(np.abs(run.means - truth) <= run.naive_half))
    batch = float(np.mean(np.abs(run.means - truth) <= run.batch_half))
    assert_summary(
        run,
        {
            "true_mean_service_times": truth,
            "lowest_run_mean": min(run.means),
            "highest_run_mean": max(run.means),
            "naive_95_interval_holds_percent": 100 * naive,
            "batch_means_interval_holds_percent": 100 * batch,
            "requests_for_5_percent": needed,
        },
    )
    assert run.reading == (
        f"After {at.requests:,} requests at {significant(100 * at.utilisation)} % utilisation, 48 "
        f"runs put the mean between {significant(min(run.means))} and "
        f"{significant(max(run.means))} service times (true: {significant(truth)}); the naive 95 % "
        f"interval holds the truth in {significant(100 * naive, 2)} % of them, batch means in "
        f"{significant(100 * batch, 2)} %; within 5 % takes {significant(needed)} requests."
    )


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: run_length.Setting) -> None:
    run = run_length.simulate(at)
    running, reports = axes_of(run_length.plot, run)
    truth = 1 / (1 - at.utilisation)
    for piece, mean in zip(drawn.curves(running, gid="curves"), run.running, strict=True):
        np.testing.assert_allclose(piece, np.column_stack([run.seen, mean]))
    assert drawn.levels(running, **style.THEORY) == [truth]
    assert drawn.levels(reports, **style.THEORY) == [truth]
    assert drawn.here(running) == at.requests
    funnel = drawn.area(running, style.FAINT)
    half = 1.96 * np.sqrt(run_length.variance_constant(at.utilisation) / funnel.x)
    np.testing.assert_allclose(funnel.high, truth + half)
    np.testing.assert_allclose(funnel.low, truth - half)
    order = np.argsort(run.means)
    for color, half in ((style.SKY, run.batch_half), (style.BLUE, run.naive_half)):
        spans = drawn.spans(reports, color=color)
        np.testing.assert_allclose(spans.places, np.arange(48))
        np.testing.assert_allclose(spans.low, (run.means - half)[order])
        np.testing.assert_allclose(spans.high, (run.means + half)[order])
    crosses = drawn.curve(reports, marker="x")
    missed = np.abs(run.means - truth)[order] > run.naive_half[order]
    np.testing.assert_allclose(crosses[:, 0], np.flatnonzero(missed))
    np.testing.assert_allclose(crosses[:, 1], run.means[order][missed])
