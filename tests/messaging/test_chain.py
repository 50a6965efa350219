"""Calls against a queue: sums, products, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, percent
from helpers.messaging import chain
from tests import drawn
from tests.checks import assert_columns, assert_legible, assert_share, drawn_by

Setting = chain.Setting


def check_chain(**values):
    run = chain.simulate(**values)
    for k in chain.LENGTHS.tolist():
        exact = chain.theory(run.at, k)
        error = 1e-3 * run.at.service_ms * np.sqrt(k / 10_000)
        assert abs(run.called_s[k - 1] - exact.mean_s) < 4.5 * error
        assert run.called_p99_s[k - 1] == pytest.approx(exact.p99_s, rel=0.06)
        assert_share(round(10_000 * run.called_fail[k - 1]), 10_000, exact.fail)


@pytest.mark.parametrize("values", [{}, {"failing": 0.2, "service_ms": 3.0}])
def test_times_add_up_and_successes_multiply(values):
    check_chain(**values)


def test_one_call_too_few_is_caught(monkeypatch):
    exact = chain.theory
    monkeypatch.setattr(chain, "theory", lambda at, k=None: exact(at, max(1, (k or 2) - 1)))
    with pytest.raises(AssertionError):
        check_chain()


def test_the_percentile_of_one_exponential_is_its_mean_times_ln_100():
    assert chain.theory(Setting(services=1)).p99_s == pytest.approx(0.040 * np.log(100))


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"services": 1},
        {"services": 12, "failing": 0.5},
        {"failing": 0.0, "pick_up_ms": 0.0, "enqueue_ms": 0.0, "service_ms": 1.0},
        {"pick_up_ms": 5_000.0, "enqueue_ms": 100.0},
    ],
)
def test_the_page(values):
    run = chain.simulate(**values)
    at, k, exact = run.at, run.at.services - 1, chain.theory(run.at)
    assert duration(run.called_s[k]) in run.reading
    assert f"(theory: {duration(exact.mean_s)})" in run.reading
    assert f"(theory: {percent(exact.fail)})" in run.reading
    if at.services > 1:
        assert f"the answer comes after {duration(run.queued_s)} and" in run.reading
        assert f"all is done after {duration(run.done_s[k])}." in run.reading
    each = [chain.theory(at, n) for n in chain.LENGTHS.tolist()]
    assert_columns(
        run,
        services=chain.LENGTHS,
        **{
            "calls,_mean": 1e3 * run.called_s, "theory_(": [1e3 * one.mean_s for one in each],
            "calls,_p99": 1e3 * run.called_p99_s, "theory_p99": [1e3 * one.p99_s for one in each],
            "calls_that": 100 * run.called_fail, "theory,_fail": [100 * one.fail for one in each],
            "queue,": 1e3 * run.done_s,
        },
    )  # fmt: skip
    ax, fails = drawn_by(chain, run)
    np.testing.assert_allclose(
        drawn.curve(ax, **style.THEORY)[:, 1], [1e3 * one.mean_s for one in each]
    )
    points = style.DOTS | {"markersize": 5}
    np.testing.assert_allclose(drawn.curve(ax, **points)[:, 1], 1e3 * run.called_s)
    np.testing.assert_allclose(drawn.curve(fails, **points)[:, 1], 100 * run.called_fail)
    assert drawn.levels(ax, color=style.GREEN) == [1e3 * run.queued_s]
    assert drawn.levels(fails, color=style.GREEN) == [100 * run.queued_fail]
    assert drawn.rings(ax).tolist() == [[at.services, 1e3 * run.called_s[k]]]
    assert_legible(*drawn_by(chain, run))
