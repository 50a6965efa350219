"""A fleet whose servers go and come back, and one that loses a server; faults are noticed."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.why import changing_fleet, loss
from helpers.why.changing_fleet import changing_waits
from tests import drawn
from tests.checks import assert_summary, assert_table, axes_of, caught
from tests.why.checks import assert_agrees

# --- the engine -----------------------------------------------------------------------------------


@pytest.mark.parametrize("servers", [1, 3])
def test_without_changes_the_queue_is_the_one_engine(servers: int) -> None:
    rng = np.random.default_rng(1)
    arrivals, services = np.cumsum(rng.exponential(0.5, 400)), rng.exponential(0.4 * servers, 400)
    found = changing_waits(arrivals, services, servers, [])
    assert np.allclose(found, queueing.fifo_waits(arrivals, services, servers), atol=1e-9)


def test_a_queue_whose_servers_come_and_go_by_hand() -> None:
    arrivals, services = np.array([0.0, 0.0, 1.0, 1.0, 9.0]), np.array([2.0, 3.0, 2.0, 1.0, 1.0])
    # Of two servers one leaves at 1.5, once it is free at 2, and is back at 6.
    waits = changing_waits(arrivals, services, 2, [(1.5, -1), (6.0, 1)])
    assert np.allclose(waits, [0.0, 0.0, 2.0, 4.0, 0.0])
    # With all servers out, everybody waits for the end of the outage.
    waits = changing_waits(arrivals, services, 2, [(0.5, -2), (4.0, 2)])
    assert np.allclose(waits, [0.0, 0.0, 3.0, 3.0, 0.0])


# --- simulation and theory ------------------------------------------------------------------------

CASES = ((2, 0.3), (4, 0.5), (10, 0.6))


def check(cases=CASES) -> None:
    for servers, utilisation in cases:
        runs = [loss.simulate(servers=servers, utilisation=utilisation, seed=s) for s in range(24)]
        exact = loss.theory(runs[0].at)
        assert_agrees((run.before.estimate for run in runs), utilisation, "before")
        assert_agrees((run.after.estimate for run in runs), exact.offered, "after")
        late = [float(np.nanmean(run.wait_s[:, 25:])) for run in runs]
        assert_agrees(late, float(exact.wait_s[-1]), "wait after")


def test_simulation_and_theory() -> None:
    check()


def test_theory_by_hand() -> None:
    assert loss.offered_after(0.75, 4) == pytest.approx(1.0)
    assert loss.offered_after(0.5, 6, lost=3) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="lost"):
        loss.offered_after(0.5, 3, lost=3)
    growing = loss.theory(loss.Setting(servers=2, utilisation=0.9)).wait_s
    assert growing[-1] - growing[-2] == pytest.approx(0.8)


@pytest.mark.parametrize("how_many", [0, 2])
def test_another_number_of_losses_is_caught(monkeypatch, how_many: int) -> None:
    original = changing_fleet.changing_waits

    def wrong(arrivals, services, servers, changes):
        return original(arrivals, services, servers, [(t, how_many * c) for t, c in changes])

    monkeypatch.setattr(changing_fleet, "changing_waits", wrong)
    caught(check, CASES[1:])


# --- what the learner sees ------------------------------------------------------------------------

AT = [loss.Setting(), loss.Setting(servers=2, utilisation=0.95, seed=2), loss.Setting(servers=2,
      utilisation=0.2)]  # fmt: skip


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: loss.Setting) -> None:
    run, exact = loss.simulate(at), loss.theory(at)
    mean = np.nanmean(run.wait_s, axis=0)
    assert_summary(
        run,
        {
            "utilisation_before": run.before.estimate,
            "utilisation_after": run.after.estimate,
            "theory_after": at.utilisation * at.servers / (at.servers - 1),
            "wait_before_ms": 1e3 * np.nanmean(mean[:10]),
            "wait_at_the_end_ms": 1e3 * np.nanmean(mean[-5:]),
        },
    )
    start = f"{at.servers} servers at {significant(100 * run.before.estimate)} % lose one; the "
    wait = duration(max(np.nanmean(mean[-5:]), 0))
    offered = significant(100 * exact.offered)
    if exact.offered >= 1:
        assert run.reading == (
            f"{start}other one then gets {offered} % of what it can do: the queue grows without "
            f"end, and half a minute later a request waits {wait}."
        )
    else:
        others = "other one then runs" if at.servers == 2 else f"other {at.servers - 1} then run"
        inside = "inside" if run.after.low <= exact.offered <= run.after.high else "outside"
        settled = (at.servers - 1) * (1 - exact.offered) ** 2 > 0.02
        judged = f"{inside} the 95 % interval" if settled else "in the long run"
        assert run.reading == (
            f"{start}{others} at {significant(100 * run.after.estimate)} % (theory: {offered} %, "
            f"{judged}), and a request waits {wait} at the end."
        )
    assert_table(
        run,
        {
            "time (s)": np.arange(40) + 0.5,
            "wait (ms)": 1e3 * mean,
            "theory (ms)": 1e3 * exact.wait_s,
        },
    )


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: loss.Setting) -> None:
    run, exact = loss.simulate(at), loss.theory(at)
    ax, load = axes_of(loss.plot, run)
    np.testing.assert_allclose(drawn.curve(ax, **style.SIMULATION)[:, 1], run.mean_wait_s)
    steady = np.concatenate([one.get_xydata() for one in drawn.lines(ax, **style.THEORY)])
    np.testing.assert_allclose(steady, np.stack([np.arange(40) + 0.5, exact.wait_s], 1))
    n, curve = drawn.curve(load, **style.THEORY).T
    np.testing.assert_allclose(curve, 100 * at.utilisation * n / (n - 1))
    np.testing.assert_allclose(drawn.rings(load), [(at.servers, 100 * exact.offered)])
    seen = drawn.curve(load, color=style.BLUE, marker="o")
    np.testing.assert_allclose(seen, [(at.servers, 100 * run.after.estimate)])
    assert drawn.levels(load, color=style.MUTED) == [100 * at.utilisation]
    assert drawn.levels(load, color=style.VERMILION) == [100]
