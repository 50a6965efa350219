"""The bottleneck: simulation, open model and exact solution agree; changes do what is promised."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.events import COMES, WARNS
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import duration, significant
from helpers.scaling import bottleneck
from helpers.scaling.closed_loop import closed_loop, passes, throughput
from tests import drawn
from tests.checks import assert_bars, assert_summary, assert_table, axes_of, caught
from tests.models import edited
from tests.scaling.checks import assert_agrees, assert_network, runs_of

MODEL = "helpers.scaling.bottleneck:three_tiers"
USERS = np.array(bottleneck.USERS)


def check() -> None:
    """Throughput and response are the exact network's."""
    runs = [bottleneck.simulate(seed=seed) for seed in range(16)]
    exact = bottleneck.theory(runs[0].at).exact
    for i, row in enumerate(USERS - 1):
        rates = [run.throughput.estimate[i] for run in runs]
        assert_agrees(rates, float(exact.throughput_rps[row]), bias=0.005)
        times = [run.response.estimate[i] for run in runs]
        assert_agrees(times, float(exact.response_s[row]), bias=0.02)


def test_simulation_and_theory() -> None:
    check()


def faults():
    original = bottleneck.closed_loop
    steady = lambda s: np.broadcast_to(s.mean(axis=0), s.shape)  # noqa: E731
    return {
        "nobody thinks": lambda t, s, c: original(0 * t, s, c),
        "a user too few": lambda t, s, c: original(t, s, np.maximum(c - 1, 1)),
        "all requests alike": lambda t, s, c: original(t, steady(s), c),
    }


@pytest.mark.parametrize("fault", faults())
def test_a_fault_is_caught(monkeypatch, fault: str) -> None:
    monkeypatch.setattr(bottleneck, "closed_loop", faults()[fault])
    caught(check)


def test_closed_loop_by_hand() -> None:
    # Two clients, one station. Thinks 1 and 2, then 1 each; services 3, 1, 2.
    thinks = np.array([[1.0], [2.0], [1.0], [1.0], [1.0]])
    services = np.array([[[3.0]], [[1.0]], [[2.0]]])
    done, responses = closed_loop(thinks, services, np.array([2]))
    # The first asks at 1, done at 4; the second asks at 2, waits till 4, done at 5; the first
    # thinks till 5 and is done at 7.
    np.testing.assert_allclose(done[:, 0], [4.0, 5.0, 7.0])
    np.testing.assert_allclose(responses[:, 0], [3.0, 3.0, 2.0])


# --- the open model -------------------------------------------------------------------------------


@pytest.mark.parametrize("users", [1, 7, 80])
def test_the_open_model_is_the_fast_engine_on_the_same_draws(users: int) -> None:
    at = bottleneck.Setting(users=users, think_s=0.7, action="twice as fast application", seed=5)
    draw = Draws(at.seed)
    thinks = draw("thinks").standard_exponential((users + 1_200, 1)) * at.think_s
    services = draw("services").standard_exponential((1_200, 3, 1))
    services = services * np.array(at.demands_s)[:, np.newaxis]
    done, responses = closed_loop(thinks, services, np.array([users]))
    mine = bottleneck.three_tiers(at, Draws(at.seed))
    assert mine["throughput_rps"] == pytest.approx(throughput(done, 300)[0], rel=1e-12)
    assert mine["response_ms"] == pytest.approx(1e3 * responses[300:].mean(), rel=1e-12)


def _rates(model, **setting) -> np.ndarray:
    return runs_of(model, bottleneck.Setting, **setting)["throughput_rps"]


def test_a_cache_lifts_the_ceiling_to_the_applications() -> None:
    cached = edited(
        MODEL,
        "for mean_s in at.demands_s]\n",
        "for mean_s in at.demands_s]\n"
        '            if draw("hits").random() < 0.8:\n'
        "                work_s[2] = 0.0\n",
    )
    assert_agrees(_rates(cached, users=60), 1 / 0.030, bias=0.01)
    sooner = edited(
        MODEL,
        "for mean_s in at.demands_s]\n",
        "for mean_s in at.demands_s]\n"
        '            if draw("hits").random() < 0.95:\n'
        "                work_s[2] = 0.0\n",
    )
    assert_agrees(_rates(sooner, users=60), 1 / 0.030, bias=0.01)


def test_a_second_database_server_lifts_the_ceiling_but_helps_nobody_alone() -> None:
    doubled = edited(
        MODEL,
        "[simpy.Resource(world) for _ in at.demands_s]",
        "[simpy.Resource(world, capacity=servers) for servers in (1, 1, 2)]",
    )
    assert_agrees(_rates(doubled, users=80), 1 / 0.030, bias=0.02)
    alone = runs_of(doubled, bottleneck.Setting, users=1)["response_ms"]
    before = runs_of(bottleneck.three_tiers, bottleneck.Setting, users=1)["response_ms"]
    np.testing.assert_allclose(alone, before)
    faster = bottleneck.Setting(users=1, action="twice as fast database")
    assert bottleneck.theory(faster).exact.response_s[0] < 0.8 * 1e-3 * alone.mean()


def test_a_database_that_slows_down_makes_throughput_fall() -> None:
    slowing = edited(
        MODEL,
        "for mean_s in at.demands_s]\n",
        "for mean_s in at.demands_s]\n            work_s[2] *= 1 + 0.02 * len(tiers[2].queue)\n",
    )
    best, pushed = (_rates(slowing, users=users) for users in (25, 80))
    assert pushed.mean() < 0.5 * best.mean()


def test_the_untouched_model_agrees_with_theory() -> None:
    expected = bottleneck.theory(bottleneck.Setting()).exact.throughput_rps[19]
    assert_agrees(_rates(bottleneck.three_tiers, users=20), expected, bias=0.005)


# --- what is watched ------------------------------------------------------------------------------


def inside(log, moment: float) -> dict[str, int]:
    """How many are in each tier, waiting and served, and how many think."""
    standing = log.standing(moment)
    tiers = {tier: len(standing[f"{tier} line"]) + len(standing[tier]) for tier in bottleneck.TIERS}
    return {"thinking": len(standing["thinking"]), **tiers}


@pytest.mark.parametrize("action", ["nothing", "twice as fast database"])
def test_one_network_followed_is_the_one_that_is_simulated(action: str) -> None:
    at = bottleneck.Setting(users=33, action=action, seed=4)
    draw, n = Draws(at.seed), 500
    thinks = draw("thinks").standard_exponential((at.users + n, 1)) * at.think_s
    services = draw("services").standard_exponential((n, 3, 1))
    services = services * np.array(at.but(action="nothing").demands_s)[:, np.newaxis]
    by = bottleneck.ACTIONS[action]
    run = passes(thinks[:, 0], services[:, :, 0], at.users, lambda k, _: by[k])
    faster = services * np.array(by)[:, np.newaxis]
    done, responses = closed_loop(thinks, faster, np.array([at.users]))
    np.testing.assert_allclose(run.ends_s[:, -1], done[:, 0])
    np.testing.assert_allclose(run.ends_s[:, -1] - run.came_s[:, 0], responses[:, 0], atol=1e-12)
    assert set(run.users) == set(range(at.users))


def test_nobody_is_lost_and_no_server_idles_beside_its_line() -> None:
    log = bottleneck.watch(users=40, action="twice as fast database")
    for moment in np.unique(log.rows.time_s)[::4]:  # who stands where is counted from the start
        assert sum(inside(log, moment).values()) == 40
        standing = log.standing(moment)
        for tier in bottleneck.TIERS:
            assert len(standing[tier]) == 1 or not standing[f"{tier} line"]
    assert not log.reasons


def test_the_log_ends_with_what_the_run_says() -> None:
    at = bottleneck.Setting(users=40, action="cache four reads in five", seed=3)
    run, begin, _ = bottleneck.followed(at)
    log = bottleneck.watch(at)
    done = run.ends_s[:, -1] - begin
    rows = log.rows
    thinks = rows.place == [place.name for place in log.places].index("thinking")
    answered = thinks & (rows.act == COMES)
    answered[: log.opening] = False
    np.testing.assert_allclose(rows.time_s[answered], done[(done > 0) & (done <= log.end_s)])
    assert log.told(int(np.flatnonzero(answered)[-1])).endswith("has an answer and thinks")


def test_the_full_tank_is_marked_and_moves_when_its_tier_is_made_faster() -> None:
    log = bottleneck.watch(users=60, action="twice as fast database")
    assert marked_over(log)[0] == "database"
    assert marked_over(log)[-1] == "application"
    assert None in marked_over(bottleneck.watch(users=1)), "nobody is in any tier"


def marked_over(log) -> list[str | None]:
    """Which tier is marked at each instant; it must be one of the fullest."""
    names, rows, marked = [place.name for place in log.places], log.rows, None
    found = []
    moments = np.unique(rows.time_s)
    looked_at = {*moments[::7], *rows.time_s[rows.token < 0]}  # and whenever a mark moves
    for moment in moments:
        for row in np.flatnonzero((rows.time_s == moment) & (rows.token < 0)):
            name = names[rows.place[row]].removesuffix(" line")
            if rows.act[row] == WARNS:
                marked = name
            elif marked == name:
                marked = None
        found.append(marked)
        if moment not in looked_at:
            continue
        counts = {name: count for name, count in inside(log, moment).items() if name != "thinking"}
        assert counts[marked] == max(counts.values()) if marked else not any(counts.values())
    return found


@pytest.mark.parametrize("action", ["nothing", "twice as fast database"])
def test_what_is_watched_does_what_theory_says_before_the_action_and_after(action: str) -> None:
    """Over many runs; after the action, once the crowd has moved."""
    at = bottleneck.Setting(users=60, action=action)
    before, after = [], []
    for seed in range(40):
        run, begin, changed = bottleneck.followed(at.but(seed=seed))
        done = run.ends_s[:, -1]
        end = done[300 + 300 - 1]
        settled = changed + 4
        before.append(((done > begin) & (done <= changed)).sum() / (changed - begin))
        after.append(((done > settled) & (done <= end)).sum() / (end - settled))
    exact = bottleneck.theory(at.but(action="nothing")).exact.throughput_rps[59]
    assert_agrees(np.array(before), float(exact))
    then = bottleneck.theory(at).exact.throughput_rps[59]
    assert_agrees(np.array(after), float(then))
    assert bottleneck.watch(at).curves[-1].level == pytest.approx(then)


# --- what the learner sees ------------------------------------------------------------------------


AT = [
    bottleneck.Setting(),
    bottleneck.Setting(users=80, web_ms=60.0, action="cache four reads in five", seed=2),
    bottleneck.Setting(users=1, action="twice as fast database"),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: bottleneck.Setting) -> None:
    run = bottleneck.simulate(at)
    exact = bottleneck.theory(at).exact
    demands = np.array([at.web_ms, at.application_ms, at.database_ms]) / 1e3
    before = demands.max()
    demands = demands * np.array(bottleneck.ACTIONS[at.action])
    row, slowest = at.users - 1, demands.max()
    knee = (demands.sum() + at.think_s) / slowest
    tier = bottleneck.TIERS[int(demands.argmax())]
    rate = float(exact.throughput_rps[row])
    assert_summary(
        run,
        {
            "users": at.users,
            "bottleneck": tier,
            "ceiling_rps": 1 / slowest,
            "knee_users": knee,
            "throughput_rps": rate,
            "response_ms": 1e3 * (at.users / rate - at.think_s),  # Little's law
        }
        | {
            f"{name}_utilisation_percent": 100 * rate * demand
            for name, demand in zip(bottleneck.TIERS, demands, strict=True)
        },
    )
    for said in (
        f"The {tier} tier saturates first: no more than {significant(1 / slowest)} requests/s, ",
        f"with queues from {significant(knee)} users on",
        f" {significant(rate)} requests/s and wait",
        f" {duration(at.users / rate - at.think_s)} for each",
    ):
        assert said in run.reading
    gain = before / slowest - 1
    if at.action == "nothing":
        assert "ceiling" not in run.reading
    elif gain > 1e-9:
        raises = f"'{at.action.capitalize()}' raises the ceiling by {significant(100 * gain)} %."
        assert run.reading.endswith(raises)
    else:
        assert run.reading.endswith("does not raise the ceiling at all.")
    assert_table(
        run,
        {
            "users": USERS,
            "throughput (rps)": run.throughput.estimate,
            "from": run.throughput.low,
            "to": run.throughput.high,
            "exact (rps)": exact.throughput_rps[USERS - 1],
            "response (ms)": 1e3 * run.response.estimate,
            "exact (ms)": 1e3 * exact.response_s[USERS - 1],
        },
    )


def test_what_is_alike_is_slowest_together_and_one_user_is_one() -> None:
    alike = bottleneck.simulate(users=1, application_ms=50.0)
    assert alike.reading.startswith(
        "The application and database tiers saturate first, together: no more than 20 requests/s"
    )
    assert "; 1 user gets " in alike.reading
    assert " requests/s and waits " in alike.reading
    assert alike.summary["bottleneck"] == "application, database"
    three = bottleneck.simulate(web_ms=20.0, application_ms=20.0, database_ms=20.0)
    assert "The web, application and database tiers saturate" in three.reading
    assert "; 20 users get " in three.reading


def test_the_axes_stand_still_while_the_database_moves_a_little() -> None:
    ends = set()
    for database_ms in (46.0, 50.0, 60.0, 80.0, 100.0):
        rate, response = axes_of(bottleneck.plot, bottleneck.simulate(database_ms=database_ms))
        ends.add((rate.get_ylim()[1], response.get_ylim()[1]))
    assert len(ends) <= 3


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: bottleneck.Setting) -> None:
    run = bottleneck.simulate(at)
    mine = {"throughput_rps": 55.0, "response_ms": 12_345.0}
    rate, response = axes_of(bottleneck.plot, run, mine=mine)
    assert_network(rate, response, at.demands_s, at.think_s, 80)
    assert_bars(drawn.error_bars(rate, **style.DOTS), USERS, run.throughput)
    assert_bars(drawn.error_bars(response, **style.DOTS), USERS, run.response, 1e3)
    assert drawn.here(rate) == drawn.here(response) == at.users
    knee = (sum(at.demands_s) + at.think_s) / max(at.demands_s)
    marked = drawn.curve(rate, marker="v").tolist()
    assert marked == [[pytest.approx(knee), pytest.approx(1 / max(at.demands_s))]]
    for ax, said in ((rate, 55.0), (response, 12_345.0)):
        assert drawn.curve(ax, label="your model").tolist() == [[at.users, said]]
        assert ax.get_ylim()[1] > said
