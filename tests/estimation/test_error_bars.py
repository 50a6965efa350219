"""Products of guesses: the square root of their number, for every shape of error."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers.estimation import error_bars, error_factors
from helpers.estimation.error_factors import error_factor
from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from tests import drawn


def check_error_factor(model: object) -> None:
    """90 % of 200,000 products lie within the factor; a right model fails once in 10,000 times."""
    rng = np.random.default_rng(5)
    for k in (1, 3, 9):
        logs = math.log(2) / 1.6448536 * rng.standard_normal((k, 200_000)).sum(axis=0)
        inside = float((np.abs(logs) <= math.log(model(k, 2.0))).mean())
        assert abs(inside - 0.9) < 4 * math.sqrt(0.09 / 200_000)


def test_error_factor_and_mutants() -> None:
    check_error_factor(error_factor)
    for mutant in (
        lambda k, f: f**k,
        lambda k, f: k * f,
        lambda k, f: f ** math.sqrt(k - 1) if k > 1 else f,
        lambda k, f: f * math.sqrt(k),
    ):
        with pytest.raises(AssertionError):
            check_error_factor(mutant)


@pytest.mark.parametrize("shape", error_bars.SHAPES)
def test_many_errors_of_any_shape_grow_like_the_square_root(shape: str) -> None:
    # Two values: the sum of twelve is a lattice, whose 90 % point can be off by a step of 2 sigma.
    tolerance = 0.12 if shape == "at one of two values" else 0.05
    found = [
        math.log(error_bars.simulate(factors=12, shape=shape, seed=s).half[-1]) for s in range(5)
    ]
    assert np.mean(found) == pytest.approx(math.sqrt(12) * math.log(2), rel=tolerance)


def test_the_example() -> None:
    assert doctest.testmod(error_factors).attempted
    assert not doctest.testmod(error_factors).failed


@pytest.mark.parametrize(
    "given", [{}, {"factors": 1}, {"factors": 12, "factor": 5.0, "shape": "anywhere in between"}]
)
def test_what_the_learner_sees(given) -> None:
    run = error_bars.simulate(**given)
    at, axes = run.at, tuple(Figure().subplots(1, 2))
    error_bars.plot(run, axes)
    growth, spread = axes
    grid = error_bars.GRID.astype(float)
    theory, worst = at.factor ** np.sqrt(grid), at.factor**grid
    points = drawn.curve(growth, color=style.BLUE)
    np.testing.assert_allclose(points, np.column_stack([error_bars.GRID, run.half]))
    curve = drawn.curve(growth, **style.THEORY)
    np.testing.assert_allclose(curve[:, 1], at.factor ** np.sqrt(curve[:, 0]))
    limit = drawn.curve(growth, color=style.GHOST)
    np.testing.assert_allclose(limit[:, 1], at.factor ** limit[:, 0])
    assert drawn.here(growth) == at.factors
    table = run.table()
    np.testing.assert_allclose(table["simulated: within x/÷"], run.half)
    np.testing.assert_allclose(table["f^sqrt(k)"], theory)
    np.testing.assert_allclose(table["worst case f^k"], worst)
    exact = at.factor ** math.sqrt(at.factors)
    reading = run.reading
    assert f"product of {at.factors} guess" in reading
    assert f"good within a factor of {significant(run.half_interval.estimate)};" in reading
    assert f"k says {significant(exact)}, " in reading
    assert f"thinking {significant(at.factor**at.factors)}." in reading
    inside = run.half_interval.low <= exact <= run.half_interval.high
    assert ("inside" in reading) == inside
    places = sorted(line.get_xdata()[0] for line in drawn.lines(spread, color=style.INK))
    assert places == pytest.approx([-math.log10(exact), math.log10(exact)])


def test_the_interval_holds_the_theory_as_often_as_it_says() -> None:
    inside = sum(
        (run := error_bars.simulate(seed=s)).half_interval.contains(error_bars.theory(run.at))
        for s in range(100)
    )
    assert 88 <= inside <= 99  # Binomial(100, 0.95): outside once in 500 times
