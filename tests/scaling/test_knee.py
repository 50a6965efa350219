"""The knee: the fast simulation, the open model and M/M/c agree; faults are noticed."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations import queueing
from helpers.foundations.experiment import Draws
from helpers.foundations.statistics import mean_interval
from helpers.foundations.traffic.arrivals import unit_gaps
from helpers.foundations.traffic.services import unit_services
from helpers.scaling import knee
from tests.models import edited
from tests.scaling.checks import assert_agrees

MODEL = "helpers.scaling.knee:one_queue"


@pytest.mark.parametrize("servers", [1, 4])
def test_the_open_model_is_the_fast_engine_on_the_same_draws(servers: int) -> None:
    at = knee.Setting(utilisation=0.8, servers=servers, replications=2)
    draw = Draws(at.seed)
    gaps = unit_gaps("poisson", (2_000, 2), draw("arrivals")) * 0.020 / (0.8 * servers)
    services = unit_services("exponential", (2_000, 2), draw("services")) * 0.020
    waits = queueing.fifo_waits(np.cumsum(gaps, axis=0).T, services.T, servers)
    luck = Draws(at.seed)
    for run in range(2):  # a second run goes on where the first one stopped
        settled = 1_000 * (waits[run] + services[:, run])[600:]
        mine = knee.one_queue(at, luck)
        # Requests overtake each other where there are several servers, so the model's list is in
        # another order, and the 600 that are left out are not quite the same.
        tolerance = 1e-9 if servers == 1 else 0.02
        assert mine["mean_ms"] == pytest.approx(settled.mean(), rel=tolerance)
        assert mine["p99_ms"] == pytest.approx(np.percentile(settled, 99), rel=tolerance)


def _runs(model, **setting) -> dict[str, list[float]]:
    outcomes = [model(at := knee.Setting(**setting, seed=s), Draws(at.seed)) for s in range(12)]
    return {name: [outcome[name] for outcome in outcomes] for name in outcomes[0]}


def test_requests_that_give_up_take_the_wall_away() -> None:
    impatient = edited(
        MODEL,
        "            yield my_turn\n",
        "            yield my_turn | world.timeout(5 * service_s)\n"
        "            if not my_turn.triggered:\n"
        "                return\n",
    )
    exact = knee.theory(knee.Setting(utilisation=0.95))
    mine = _runs(impatient, utilisation=0.95)
    assert max(mine["mean_ms"]) < 0.5 * 1e3 * exact.mean_s
    assert max(mine["p99_ms"]) < 0.5 * 1e3 * exact.p99_s


def test_a_server_that_pauses_now_and_then_brings_the_wall_nearer() -> None:
    pausing = edited(
        MODEL,
        '            yield world.timeout(draw("services").exponential(service_s))\n',
        '            yield world.timeout(draw("services").exponential(service_s))\n'
        '            if draw("pauses").random() < 0.002:\n'
        "                yield world.timeout(1.0)\n",
    )
    exact = knee.theory(knee.Setting(utilisation=0.6))
    mine = _runs(pausing, utilisation=0.6)
    assert min(mine["p99_ms"]) > 1.5 * 1e3 * exact.p99_s


def test_a_line_for_each_server_is_as_slow_as_one_server() -> None:
    split = edited(
        MODEL,
        "    servers = simpy.Resource(world, capacity=at.servers)\n",
        "    lines = [simpy.Resource(world) for _ in range(at.servers)]\n",
        "        with servers.request() as my_turn:\n",
        '        line = lines[draw("lines").integers(at.servers)]\n'
        "        with line.request() as my_turn:\n",
    )
    alone = knee.theory(knee.Setting(utilisation=0.6, servers=1))
    assert_agrees(_runs(split, utilisation=0.6, servers=4)["mean_ms"], 1e3 * alone.mean_s)


def test_the_untouched_model_agrees_with_theory() -> None:
    exact = knee.theory(knee.Setting(utilisation=0.6))
    assert_agrees(_runs(knee.one_queue, utilisation=0.6)["mean_ms"], 1e3 * exact.mean_s)


@pytest.mark.parametrize("servers", [1, 4])
def test_what_is_watched_is_a_run_in_its_stationary_state(servers: int) -> None:
    """Over many runs as many wait, and as many are served, as theory says."""
    at = knee.Setting(utilisation=0.8, servers=servers)
    waiting, busy = [], []
    for seed in range(60):
        log = knee.watch(at.but(seed=seed))
        moments = np.linspace(0.2, 5.8, 12)
        standing = [log.standing(moment) for moment in moments]
        waiting.append(np.mean([len(each["line"]) for each in standing]))
        busy.append(np.mean([len(each["server"]) for each in standing]))
    (curve,) = log.curves
    assert curve.level == pytest.approx(
        queueing.mmc_wait(40.0 * servers, 0.020, servers) * 40.0 * servers
    )
    assert mean_interval(np.array(waiting)).contains(curve.level)
    assert mean_interval(np.array(busy)).contains(0.8 * servers)


def test_what_is_watched_has_no_gap_and_no_idle_server_beside_a_line() -> None:
    log = knee.watch(utilisation=0.95, servers=3)
    for moment in np.unique(log.rows.time_s):
        standing = log.standing(moment)
        assert len(standing["server"]) == 3 or not standing["line"]
