"""Extreme load: goodput by theory, by the blueprint, and as the page shows it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers import blueprint
from helpers.estimation import overload
from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from tests import drawn


def check_overload(model: object) -> None:
    """Goodput with room for K, against the balance of flows and the limits it must have."""
    for load in (0.3, 1.0, 2.0):
        goods = [model(load, room) for room in (0, 1, 3, 5)]
        # With room 0 everyone let in is served alone: Erlang's loss, and exp(-10) are too slow.
        assert math.isclose(goods[0], load / (1 + load) * (1 - math.exp(-10)), rel_tol=1e-9)
        assert all(good < min(load, 1) for good in goods)
    assert model(3.0, 5) > 0.9
    assert model(3.0, 20) < 0.01
    simulated = overload.simulate(load=1.5, room="5 requests", replications=200)
    # 99.99 % of the runs of a right model lie within 4 standard errors.
    error = simulated.here.half_width / 1.97
    assert abs(model(1.5, 5) - simulated.here.estimate) < 4 * error


def test_overload_and_mutants() -> None:
    model = overload.goodput
    check_overload(model)
    for mutant in (
        lambda load, room: model(load, room + 1),
        lambda load, room: min(load, 1.0),
        lambda load, room: model(load, min(room, 5)),
        lambda load, room: 0.9 * model(load, room),
    ):
        with pytest.raises(AssertionError):
            check_overload(mutant)


@pytest.mark.parametrize("room", overload.ROOMS)
def test_simulated_goodput_agrees_with_theory(room: str) -> None:
    result = overload.simulate(load=0.5, room=room, replications=200)
    expected = result.table()["theory"].to_numpy()
    error = result.goodput.half_width / 1.97
    steady = np.array(overload.LOADS) < (0.9 if room == "no limit" else np.inf)
    assert (np.abs(result.goodput.estimate - expected) < 4 * error + 1e-9)[steady].all()
    if room == "no limit":  # a fluid knows no chance: a third at twice the capacity and beyond
        far = np.array(overload.LOADS) >= 1.5
        np.testing.assert_allclose(result.goodput.estimate[far], expected[far], rtol=0.2)


def test_overload_is_the_blueprints() -> None:
    design = blueprint.Design(
        "one server",
        blueprint.Clients(rate_rps=15.0, timeout_s=1.0)
        >> blueprint.AppServers(count=1, threads=1, service_s=0.1, queue_capacity=5),
    )
    run = blueprint.simulate_design(design, duration_s=1_000.0)
    expected = 10 * overload.goodput(1.5, 5)
    assert run.goodput_rps == pytest.approx(expected, rel=0.04)  # about four standard errors


def test_a_load_of_exactly_one_without_limit_has_no_theory() -> None:
    with pytest.raises(ValueError, match="load"):
        overload.goodput(1, None)
    assert overload.theory(overload.Setting(load=1.0)) is None


@pytest.mark.parametrize("room", overload.ROOMS)
@pytest.mark.parametrize("load", [0.1, 1.0, 1.5, 3.0])
def test_what_the_learner_sees(room: str, load: float) -> None:
    run, ax = overload.simulate(room=room, load=load), Figure().subplots()
    overload.plot(run, ax)
    for x, y in np.concatenate([line.get_xydata() for line in drawn.lines(ax, **style.THEORY)]):
        assert y == pytest.approx(overload.goodput(x, overload.ROOMS[room]))
    np.testing.assert_allclose(
        drawn.curve(ax, color=style.BLUE, marker="o"),
        np.column_stack([overload.LOADS, run.goodput.estimate]),
    )
    assert drawn.rings(ax)[0] == pytest.approx([load, run.here.estimate])
    table = run.table()
    np.testing.assert_allclose(table["goodput"], run.goodput.estimate)
    np.testing.assert_allclose(table["from"], run.goodput.low)
    np.testing.assert_allclose(table["to"], run.goodput.high)
    exact = [overload.goodput(x, overload.ROOMS[room]) for x in overload.LOADS]
    np.testing.assert_allclose(table["theory"], exact)
    reading, here = run.reading, overload.theory(run.at)
    assert f"Asked for {significant(10 * load)} requests/s" in reading
    assert f"answers {significant(10 * run.here.estimate)} a second in time" in reading
    if here is None:
        assert "neither the steady state nor the fluid model" in reading
    else:
        assert f"says {significant(10 * here)}, " in reading
        assert ("inside" in reading) == (run.here.low <= here <= run.here.high)
        assert ("fluid" in reading) == (room == "no limit" and load > 1)
