"""The autoscaler: a continuous controller, the open model and its edits, what the learner sees."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.anatomy import autoscaler
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import duration, significant
from tests import drawn
from tests.checks import assert_summary, axes_of
from tests.models import edited

MODEL = "helpers.anatomy.autoscaler:follow_demand"
LOAD = "load_rps = demand_rps[int(world.now)]"


def runs_of(model, **setting) -> tuple[float, float]:
    """Requests missed and most servers, means of eight runs."""
    at = autoscaler.Setting(**setting)
    draw = Draws(at.seed)
    runs = [model(at, draw) for _ in range(8)]
    return (
        float(np.mean([run["missed"] for run in runs])),
        float(np.mean([run["capacity_rps"].max() for run in runs])) / 50,
    )


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"factor": 10.0, "rise_s": 0.0, "boot_s": 400.0},
        {"interval_s": 1.0, "boot_s": 0.0},
        {"factor": 2.0, "rise_s": 600.0, "target": 0.2, "interval_s": 120.0},
    ],
)
def test_the_open_model_is_the_fast_one_for_the_same_phase(setting: dict) -> None:
    at = autoscaler.Setting(**setting)
    mine = autoscaler.follow_demand(at, Draws(3))
    fleet = autoscaler.fleet_of(at, Draws(3)("phase").random())
    np.testing.assert_array_equal(mine["capacity_rps"], 50 * fleet)
    demand = at.demand_rps(np.arange(1_200))
    assert mine["missed"] == pytest.approx(np.maximum(demand - 50 * fleet, 0).sum())


def test_an_autoscaler_that_forgets_its_orders_overshoots() -> None:
    forgetful = edited(MODEL, ' - fleet["booting"]', "")
    missed, peak = runs_of(forgetful, rise_s=0.0)
    assert peak > 2 * runs_of(autoscaler.follow_demand, rise_s=0.0)[1]
    assert missed == runs_of(autoscaler.follow_demand, rise_s=0.0)[0]


def test_an_autoscaler_that_sees_full_servers_only_climbs_in_stairs() -> None:
    blind = edited(MODEL, LOAD, 'load_rps = min(demand_rps[int(world.now)], 50 * fleet["running"])')
    setting = {"factor": 5.0, "rise_s": 0.0}
    assert runs_of(blind, **setting)[0] > 1.5 * runs_of(autoscaler.follow_demand, **setting)[0]
    stairs = np.unique(blind(autoscaler.Setting(**setting), Draws(1))["capacity_rps"])
    ratios = stairs[1:] / stairs[:-1]
    assert len(ratios) >= 3
    assert ratios[:-1] == pytest.approx(1 / 0.6, rel=0.1)  # whole servers; the last is cut


def test_an_autoscaler_that_looks_at_a_mean_is_later() -> None:
    mean = "np.mean(demand_rps[max(0, int(world.now) - 120) : int(world.now) + 1])"
    slow = edited(MODEL, LOAD, f"load_rps = {mean}")
    setting = {"rise_s": 0.0}
    assert runs_of(slow, **setting)[0] > 1.1 * runs_of(autoscaler.follow_demand, **setting)[0]
    capacity = slow(autoscaler.Setting(**setting), Draws(1))["capacity_rps"]
    assert capacity[120 + 120 + 30 :].min() < capacity.max() == capacity[120 + 2 * 120 + 60]


# --- theory ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("factor", "rise_s", "boot_s"), [(3, 0, 120), (5, 60, 60), (2, 300, 200)])
def test_deficit_agrees_with_a_continuous_controller(factor, rise_s, boot_s) -> None:
    run = autoscaler.simulate(factor=factor, rise_s=rise_s, boot_s=boot_s, interval_s=10)
    exact = autoscaler.theory(run.at)
    # Whole servers and whole seconds: 5 % and a few seconds of the largest gap.
    assert abs(run.deficit - exact) <= 0.05 * exact + 5 * 300 * (factor - 1)


def test_capacity_is_never_short_within_the_headroom() -> None:
    assert autoscaler.simulate(factor=1.6, rise_s=0).deficit == 0


@pytest.mark.parametrize(
    ("rise_s", "lag_s", "after", "target"),
    [(0, 100, 900, 0.6), (60, 135, 900, 0.6), (300, 60, 2_000, 0.5), (10, 400, 310, 1.0)],
)
def test_deficit_by_brute_integration(rise_s, lag_s, after, target) -> None:
    t = np.linspace(0, rise_s + lag_s + 10, 2_000_001)

    def demand(time):
        share = np.clip(time / rise_s, 0, 1) if rise_s else (time >= 0).astype(float)
        return 300 + (after - 300) * share

    short = np.maximum(demand(t) - demand(t - lag_s) / target, 0)
    found = autoscaler.deficit(
        before_rps=300, after_rps=after, rise_s=rise_s, lag_s=lag_s, target=target
    )
    assert found == pytest.approx(np.trapezoid(short, t), rel=1e-4, abs=1e-3)


def test_deficit_is_nothing_where_headroom_suffices() -> None:
    rise = {"before_rps": 300, "rise_s": 60, "lag_s": 1_000, "target": 0.6}
    assert autoscaler.deficit(after_rps=500, **rise) == 0
    assert autoscaler.deficit(after_rps=510, **rise) > 0


# --- what the learner sees ------------------------------------------------------------------------

AT = [
    autoscaler.Setting(),
    autoscaler.Setting(factor=10, rise_s=0, boot_s=400, target=0.2),
    autoscaler.Setting(factor=2, rise_s=600, seed=2),
    autoscaler.Setting(factor=1),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_and_sentence(at: autoscaler.Setting) -> None:
    run = autoscaler.simulate(at)
    short_s = np.count_nonzero(run.demand_rps > run.capacity_rps)
    assert_summary(
        run,
        {
            "deficit_requests": run.deficit,
            "theory_deficit_requests": autoscaler.theory(at),
            "short_s": short_s,
            "lag_s": at.boot_s + at.interval_s / 2,
            "servers_before": np.ceil(300 / (at.target * 50) - 1e-9),
            "peak_servers": run.capacity_rps.max() / 50,
        },
    )
    lag = f"{duration(at.boot_s + at.interval_s / 2)} later on average"
    assert lag in run.reading
    if at.factor == 1:
        assert run.reading.startswith("Demand stays as it is")
        return
    how = f"within {duration(at.rise_s)}" if at.rise_s else "at once"
    assert run.reading.startswith(f"Demand grows {significant(at.factor)}-fold {how}; ")
    if run.deficit >= 1:
        assert run.reading.endswith(
            f"capacity is short for {duration(short_s)}, and {significant(run.deficit)} requests "
            f"are more than it can take (a continuous controller: "
            f"{significant(autoscaler.theory(at))})."
        )
    else:
        assert "never short" in run.reading


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: autoscaler.Setting) -> None:
    run = autoscaler.simulate(at)
    mine = {"capacity_rps": np.linspace(300, 9_000, 1_200), "missed": 1}
    (ax,) = axes_of(autoscaler.plot, run, mine=mine)
    demand = drawn.curve(ax, color=style.BLUE)[:, 1]
    np.testing.assert_allclose(demand, at.demand_rps(np.arange(1_200)))
    capacity = drawn.curve(ax, color=style.GREEN)
    np.testing.assert_allclose(capacity[:, 1], run.capacity_rps)
    np.testing.assert_allclose(drawn.curve(ax, color=style.SKY)[:, 1], run.arrivals_rps)
    x, y = drawn.curve(ax, label="your model").T
    np.testing.assert_allclose(x, np.arange(0, 900, 30))
    np.testing.assert_allclose(y, mine["capacity_rps"][:900:30])
    assert ax.get_ylim()[1] > y.max()
    short = run.demand_rps > run.capacity_rps
    assert [c for c in ax.collections if len(c.get_paths())] if short.any() else True


@pytest.mark.parametrize("at", AT)
def test_nothing_runs_through_the_key(at: autoscaler.Setting) -> None:
    """The plateau of demand once struck it through; a curve may pass where nothing is written."""
    run = autoscaler.simulate(at)
    (ax,) = axes_of(autoscaler.plot, run)
    most = max(run.demand_rps.max(), run.capacity_rps.max())
    assert most <= 0.75 * ax.get_ylim()[1]
