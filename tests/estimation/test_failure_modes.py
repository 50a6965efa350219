"""What is lost while each machine is broken: the graph foresees deaths, and not hangs."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers.estimation import boxes, failure_modes
from helpers.foundations.prose import significant
from tests import drawn


def last(frames):
    *_, result = frames
    return result


def test_single_points_are_those_whose_death_loses_what_they_say() -> None:
    result = boxes.simulate(mistake="a single balancer")
    named = {f.component for f in result.verdict.findings if f.rule == "single point of failure"}
    assert named == {"balancer", "queue"}
    design = result.verdict.design.replace("clients", timeout_s=1.0, rate_rps=40.0)
    assert failure_modes.lost_while_broken(design, "balancer", "dies") == 1.0
    # One request in ten leaves a job behind; 320 requests are good to 1.7 %.
    assert failure_modes.lost_while_broken(design, "queue", "dies") == pytest.approx(0.1, abs=0.07)
    assert failure_modes.lost_while_broken(design, "db-2", "dies") == 0.0


@pytest.mark.parametrize("health_check_s", [0.5, 2.0, 3.0])
@pytest.mark.parametrize(("servers", "replicas"), [(1, 0), (3, 1), (4, 2)])
def test_deaths_cost_what_the_graph_foresees(
    health_check_s: float, servers: int, replicas: int
) -> None:
    result = last(
        failure_modes.simulate(servers=servers, replicas=replicas, health_check_s=health_check_s)
    )
    assert len(result.known) == len(result.rows)
    for row in result.rows:
        # Wilson's margin is two standard errors: twice it, and what was under way at the time.
        assert abs(row.lost - row.predicted) <= 2 * row.margin + 0.01, row


def test_a_hung_replica_takes_everything_down() -> None:
    rows = {row.machine: row for row in last(failure_modes.simulate(mode="hangs")).rows}
    assert rows["db-2"].predicted == 0
    assert rows["db-2"].lost > 0.9
    design = failure_modes.Setting(mode="hangs").design
    hasty = design.replace("app", timeout_s=0.1)
    # With a short timeout the reads are lost, four in five, and the writes are not.
    assert failure_modes.lost_while_broken(hasty, "db-2", "hangs") == pytest.approx(0.8, abs=0.08)


@pytest.mark.parametrize("mode", failure_modes.MODES)
def test_what_the_learner_sees(mode: str) -> None:
    run, ax = last(failure_modes.simulate(mode=mode)), Figure().subplots()
    failure_modes.plot(run, ax)
    lost = np.array([100 * row.lost for row in run.rows])
    np.testing.assert_allclose(drawn.bars(ax).ends, lost)
    assert list(drawn.ticks(ax, "y").values()) == [row.machine for row in run.rows]
    table = run.table()
    for row in run.rows:
        shown = table.loc[row.machine]
        assert shown["lost, simulated (%)"] == 100 * row.lost
        assert shown["lost, by the graph (%)"] == 100 * row.predicted
        component, _ = run.at.design.instance(row.machine)
        broken_h = (1 - component.availability) * 8_766
        assert shown["broken (h/year)"] == pytest.approx(broken_h)
        assert shown["lost hours a year"] == pytest.approx(broken_h * row.lost)
    assert list(table["lost hours a year"]) == sorted(table["lost hours a year"], reverse=True)
    worst = max(run.rows, key=lambda row: row.lost)
    verb = "is ten times slower" if mode == "ten times slower" else mode
    assert f"While it {verb}, {worst.machine} costs the most" in run.reading
    assert f"most: {significant(100 * worst.lost)} % of the requests" in run.reading
    surprises = [r for r in run.rows if abs(r.lost - r.predicted) > max(2 * r.margin, 0.05)]
    if surprises:
        assert f"In {len(surprises)} of {len(run.rows)} rows the graph is wrong" in run.reading
    else:
        assert f"foresaw all {len(run.rows)} rows" in run.reading


def test_before_anything_is_simulated_the_sentence_says_what_the_graph_can() -> None:
    first = next(failure_modes.simulate())
    assert first.reading.startswith("The graph predicts")
    assert not first.known


def test_wilsons_margin_covers_a_share_as_often_as_it_says() -> None:
    rng, inside = np.random.default_rng(3), 0
    for _ in range(1_000):
        share = rng.binomial(320, 0.1) / 320
        row = failure_modes.FailureMode("db", 0.1, share, 320)
        # Wilson's interval is centred a little towards one half.
        centre = (share + 1.96**2 / 640) / (1 + 1.96**2 / 320)
        inside += abs(centre - 0.1) <= row.margin
    assert 930 <= inside <= 970
