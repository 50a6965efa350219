"""Growth: counted comparisons against their expectation, and what the page shows of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.scaling import growth, power_law
from tests import drawn
from tests.checks import assert_summary, assert_table, axes_of

AT = [growth.Setting(), growth.Setting(users=10_000_000, step_ns=1_000.0, budget_ms=1.0, seed=3)]


def test_what_is_counted_is_what_theory_expects() -> None:
    # 400 lookups of a scan have a relative standard error of 3 %; hashing averages over all keys.
    run = growth.simulate(step_ns=1.0)
    tolerance = {"constant": 0.12, "logarithmic": 0.05, "linear": 0.12, "quadratic": 1e-12}
    for kind in growth.KINDS:
        expected = [growth.mean_steps(kind, n) * 1e-9 for n in growth.SIZES]
        np.testing.assert_allclose(run.times_s[kind], expected, rtol=tolerance[kind])
    slopes = {kind: run.exponents[kind].estimate for kind in growth.KINDS}
    assert slopes["constant"] == pytest.approx(0, abs=0.02)
    assert 0.1 < slopes["logarithmic"] < 0.2
    assert slopes["linear"] == pytest.approx(1, abs=0.03)
    assert slopes["quadratic"] == pytest.approx(2, abs=0.01)


def test_halving_finds_every_key_in_the_steps_of_the_balanced_tree() -> None:
    for size in (1, 2, 3, 7, 8, 100):
        steps = sorted(growth.halvings(size, key) for key in range(size))
        assert steps == [rank.bit_length() for rank in range(1, size + 1)]


def test_chains_of_a_hash_table_by_hand() -> None:
    assert growth.hash_probes(np.array([0, 1, 2])) == 1
    assert growth.hash_probes(np.array([5, 5, 5])) == 2  # one, two and three comparisons


def test_steps_at_a_size_worked_by_hand() -> None:
    assert growth.mean_steps("constant", 1) == 1
    assert growth.mean_steps("linear", 9) == 5
    assert growth.mean_steps("quadratic", 10) == 45
    for size in (1, 2, 3, 7, 8, 100, 1_000):
        depths = [rank.bit_length() for rank in range(1, size + 1)]
        assert growth.mean_steps("logarithmic", size) == pytest.approx(np.mean(depths))


@pytest.mark.parametrize("kind", growth.KINDS)
def test_largest_size_is_the_last_that_fits(kind: str) -> None:
    for steps in (1.6, 10.0, 12_345.0):
        size = growth.largest_size(kind, steps)
        if math.isinf(size):
            assert growth.mean_steps(kind, 10**15) <= steps
            assert kind in {"constant", "logarithmic"}
            continue
        if size:
            assert growth.mean_steps(kind, int(size)) <= steps
        assert growth.mean_steps(kind, int(size) + 1) > steps
    assert growth.largest_size(kind, 0.0) == (1.0 if kind == "quadratic" else 0.0)


@pytest.mark.parametrize("at", AT)
def test_numbers_and_table(at: growth.Setting) -> None:
    run = growth.simulate(at)
    seconds = {kind: growth.mean_steps(kind, at.users) * at.step_ns * 1e-9 for kind in growth.KINDS}
    slopes = {
        kind: round(power_law.fit(growth.SIZES, run.times_s[kind]).exponent.estimate, 2)
        for kind in growth.KINDS
    }
    assert_summary(
        run,
        {"users": at.users}
        | {f"{kind}_ms": 1e3 * seconds[kind] for kind in growth.KINDS}
        | {f"{kind}_slope": slopes[kind] for kind in growth.KINDS},
    )
    columns = {f"{kind} (s)": run.times_s[kind] for kind in growth.KINDS}
    assert_table(run, {"users": growth.SIZES} | columns)


def test_the_sentence_names_the_first_feature_to_leave_the_budget() -> None:
    quiet, crowded = (growth.simulate(at).reading for at in AT)
    exact = growth.theory(AT[0])
    limit = growth.largest_size("quadratic", 0.2 / 100e-9)
    assert quiet == (
        f"With 100 users the hash table takes {duration(exact['constant'])}, the index "
        f"{duration(exact['logarithmic'])}, the scan {duration(exact['linear'])} and the pairs "
        f"{duration(exact['quadratic'])}: all within the budget of 200 ms, and the first to leave "
        f"it is the quadratic feature, at {significant(limit)} users."
    )
    assert crowded.startswith("With 10,000,000 users the hash table takes 1.5 µs, the index ")
    assert crowded.endswith("the budget of 1 ms was lost by the quadratic feature at 45 users.")
    between = growth.simulate(users=1_000).reading
    assert "all within" in between
    lost = growth.simulate(users=2_001, budget_ms=200.0).reading
    assert "was lost by the quadratic feature at 2,000 users" in lost


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: growth.Setting) -> None:
    run = growth.simulate(at)
    (ax,) = axes_of(growth.plot, run)
    markers = ("o", "s", "^", "D")
    for kind, color, marker in zip(growth.KINDS, style.SERIES, markers, strict=False):
        dots = drawn.curve(ax, color=color, marker=marker)
        np.testing.assert_allclose(dots, np.column_stack([growth.SIZES, run.times_s[kind]]))
        curve = drawn.curve(ax, color=color, linestyle="--")
        assert curve[0, 0] == 100
        assert curve[-1, 0] == 10_000_000
        expected = [growth.theory(at, int(users))[kind] for users in curve[:, 0]]
        np.testing.assert_allclose(curve[:, 1], expected)
        assert growth.FEATURES[kind] in drawn.written(ax)
    assert drawn.here(ax) == at.users
    np.testing.assert_allclose(drawn.rings(ax), [(at.users, s) for s in growth.theory(at).values()])
    assert drawn.bands(ax, "y")[0][0] == pytest.approx(1e-3 * at.budget_ms)
