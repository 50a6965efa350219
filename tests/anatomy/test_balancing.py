"""Balancing: the engines, the open model, closed forms and Markov chains agree; faults do not."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import blueprint
from helpers.anatomy import balancing, policies
from helpers.anatomy.policies import POLICIES, one_replication, replay
from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import significant
from helpers.foundations.queueing import fifo_waits
from helpers.foundations.statistics import mean_interval
from tests import drawn
from tests.checks import assert_bars, assert_summary, assert_table, axes_of, caught
from tests.models import edited

MODEL = "helpers.anatomy.balancing:two_choices"


def last(results):
    *_, final = results
    return final


def check_policy(means, theory, slack: float = 0.0):
    """Raise AssertionError unless a 99.9 % interval of replications holds the theory."""
    interval = mean_interval(means, confidence=0.999)
    assert interval.low - slack * theory <= theory <= interval.high + slack * theory, interval


# --- the open model and its edits -----------------------------------------------------------------


def runs_of(model, runs: int = 16, **setting) -> list[float]:
    at = balancing.Setting(**setting)
    draw = Draws(at.seed)
    return [float(model(at, draw)["service_times"]) for _ in range(runs)]


@pytest.mark.parametrize(("utilisation", "servers"), [(0.7, 3), (0.9, 2)])
def test_the_open_model_agrees_with_the_markov_chain(utilisation: float, servers: int) -> None:
    exact = blueprint.exact_balancing("power of two", servers=servers, utilisation=utilisation)
    # Runs begin with empty servers: 5 % beside the interval.
    means = runs_of(balancing.two_choices, 32, utilisation=utilisation, servers=servers)
    check_policy(means, exact, slack=0.05)


def test_the_open_model_is_the_engine_on_the_same_requests() -> None:
    """A model whose dice are the engine's sends every request to the same server."""

    class Dice:
        def __init__(self) -> None:
            self.luck = Draws(7)
            self.rng = {"arrivals": self.luck("arrivals"), "services": self.luck("services")}
            self.pairs = iter(first_two)

        def __call__(self, name: str):
            return self if name == "dice" else self.rng[name]

        def permutation(self, servers: int):
            return next(self.pairs)

    at = balancing.Setting(utilisation=0.8, servers=5)
    u, v = np.random.default_rng(2).random((2, 1_200))
    one, other = (u * 5).astype(int), (v * 4).astype(int)
    first_two = [np.array([a, b + (b >= a), 9]) for a, b in zip(one, other, strict=True)]
    luck = Draws(7)
    gaps = luck("arrivals").exponential(1 / 4, 1_200)
    mine = balancing.two_choices(at, Dice())["service_times"]
    # The model draws a service when it begins, so requests have other services than here, from
    # the same stream; means over all of them agree.
    works = luck("services").exponential(size=1_200)
    expected = replay("power of two", np.cumsum(gaps), works, np.stack([u, v]), 5)[400:]
    assert mine == pytest.approx(expected.mean(), rel=0.15)


def test_a_third_look_helps_and_by_far_less_than_the_second() -> None:
    three, two, one = (
        np.mean(runs_of(edited(MODEL, "[:2]", f"[:{looks}]"))) for looks in (3, 2, 1)
    )
    assert three < 0.9 * two < two < 0.5 * one
    assert two - three < 0.2 * (one - two)


def test_a_balancer_that_never_forgets_only_takes_turns() -> None:
    never = np.mean(runs_of(edited(MODEL, "        there[server] -= 1\n", ""), 32))
    in_turn = balancing.theory(balancing.Setting())["round robin"]
    assert never == pytest.approx(in_turn, rel=0.25)
    assert never > 1.5 * np.mean(runs_of(balancing.two_choices))


def test_old_news_costs_about_half_of_what_looking_gained() -> None:
    line = "        there[server] -= 1\n"
    late = np.mean(runs_of(edited(MODEL, line, f"        yield world.timeout(5)\n{line}"), 32))
    fresh = np.mean(runs_of(balancing.two_choices, 32))
    in_turn = balancing.theory(balancing.Setting())["round robin"]
    assert 0.2 < (late - fresh) / (in_turn - fresh) < 0.7


# --- the engines ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("utilisation", "servers"), [(0.5, 4), (0.8, 10), (0.9, 10)])
def test_policies_agree_with_their_closed_forms(utilisation: float, servers: int) -> None:
    theory = balancing.closed_forms(utilisation, servers)
    # Nine comparisons at 99.9 %: a false alarm in about 100 seeds; this one is fixed.
    runs = [one_replication(utilisation, servers, 1, r, 11)[:3].mean(axis=1) for r in range(100)]
    for means, policy in zip(np.transpose(runs), POLICIES, strict=False):
        check_policy(means, theory[policy])


@pytest.mark.parametrize(("policy", "servers"), [("power of two", 3), ("join shortest queue", 8)])
def test_policies_that_count_agree_with_the_markov_chain(policy: str, servers: int) -> None:
    # Two comparisons at 99.9 %: a false alarm in about 500 seeds; this one is fixed. 1 % beside
    # that for a start that is near the stationary one, not in it.
    exact = blueprint.exact_balancing(policy, servers=servers, utilisation=0.7)
    row = POLICIES.index(policy)
    means = [one_replication(0.7, servers, 1, r, 5)[row].mean() for r in range(60)]
    check_policy(means, exact, slack=0.01)


def test_power_of_two_comes_down_to_the_limit_of_many_servers() -> None:
    run = last(balancing.simulate(utilisation=0.7, servers=16, replications=30))
    i = POLICIES.index("power of two")
    limit = balancing.power_of_choices(0.7)
    assert limit < run.response.estimate[i] < 1.12 * limit
    # Two servers and two looks: the same as joining the shorter queue.
    two = last(balancing.simulate(utilisation=0.7, servers=2, replications=10))
    assert two.response.estimate[i] == pytest.approx(two.response.estimate[5], rel=0.05)


@pytest.mark.parametrize("policy", ["power of two", "join shortest queue"])
def test_counting_engine_equals_the_blueprints(policy: str) -> None:
    rng = np.random.default_rng(8)
    arrivals, services = np.cumsum(rng.exponential(size=900) / 5.4), rng.exponential(size=900)
    dice = rng.random((2, 900))
    traffic = (arrivals.tolist(), services.tolist(), dice[0].tolist(), dice[1].tolist())
    found = policies._counted(policy, *traffic, [0] * 900, 1, [0] * 6, 6)
    assert found == pytest.approx(replay(policy, arrivals, services, dice, 6))


def test_no_policy_beats_one_shared_queue_on_the_same_requests() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        arrivals = np.cumsum(rng.exponential(size=3_000) / 7.2)
        services, dice = rng.exponential(size=3_000), rng.random((2, 3_000))
        shared = (fifo_waits(arrivals, services, 8) + services).mean()
        for policy in POLICIES:
            found = replay(policy, arrivals, services, dice, 8)
            assert found.mean() >= shared * 0.999, policy
            assert (found >= services - 1e-9).all()


def plain_balancer(policy, arrivals, services, dice, servers):
    """Too slow and too plain to be wrong: keeps every departure and counts what is left."""
    leaving: list[list[float]] = [[] for _ in range(servers)]
    responses = []
    for n, (now, work) in enumerate(zip(arrivals, services, strict=True)):
        counts = [sum(end > now for end in ends) for ends in leaving]
        first = int(dice[0][n] * servers)
        if policy == "round robin":
            at = n % servers
        elif policy == "sticky":
            at = int(dice[0][n] * 1_000) % servers
        elif policy == "power of two":
            other = int(dice[1][n] * (servers - 1))
            other += other >= first
            at = other if counts[other] < counts[first] else first
        elif policy == "random":
            at = first
        else:
            ties = [i for i in range(servers) if counts[i] == min(counts)]
            at = ties[int(dice[0][n] * len(ties))]
        end = max([now, *leaving[at]]) + work
        leaving[at].append(end)
        responses.append(end - now)
    return np.array(responses)


def some_requests(count: int = 700):
    rng = np.random.default_rng(3)
    arrivals = np.cumsum(rng.exponential(size=count) / 4.5)
    return arrivals, rng.exponential(size=count), rng.random((2, count))


@pytest.mark.parametrize("policy", POLICIES)
def test_engine_equals_the_plain_one(policy: str) -> None:
    arrivals, services, dice = some_requests()
    fast = replay(policy, arrivals, services, dice, 5)
    assert fast == pytest.approx(plain_balancer(policy, arrivals, services, dice, 5))


def test_faults_are_caught() -> None:
    arrivals, services, dice = some_requests()
    true = plain_balancer("power of two", arrivals, services, dice, 5)
    with_replacement = np.stack([dice[0], dice[0]])
    evenly = np.linspace(arrivals[0], arrivals[-1], 700)
    for found in (
        replay("power of two", arrivals, services, with_replacement, 5),
        replay("random", arrivals, services, dice, 5),
        replay("power of two", evenly, services, dice, 5),
    ):
        assert found != pytest.approx(true)
    # The statistical check catches constant gaps and constant work, too.
    rng, theory = np.random.default_rng(3), balancing.closed_forms(0.8, 5)["random"]
    for gaps, work, policy in (
        (np.ones(4_000), rng.exponential(size=(40, 4_000)), "round robin"),
        (rng.exponential(size=4_000), np.ones((40, 4_000)), "random"),
    ):
        when = np.cumsum(gaps) / 4
        means = [replay(policy, when, w, rng.random((2, 4_000)), 5)[1_000:].mean() for w in work]
        caught(check_policy, means, theory)


def test_more_balancers_make_counting_worse_but_not_true_counts() -> None:
    one, eight = (last(balancing.simulate(balancers=b)) for b in (1, 8))
    i, j = (POLICIES.index(p) for p in ("least connections", "join shortest queue"))
    assert one.response.estimate[i] == one.response.estimate[j]
    assert 1.7 < eight.response.estimate[i] / one.response.estimate[i] < 2.1
    assert eight.response.estimate[j] == one.response.estimate[j]


def test_it_is_refined() -> None:
    assert [run.done for run in balancing.simulate(replications=9)] == [2, 4, 6, 8, 9]


# --- theory ---------------------------------------------------------------------------------------


def test_power_of_two_published_values() -> None:
    # Mitzenmacher 2001, table for d = 2 and 3 at lambda = 0.9 and 0.99: 2.61 and 5.43 (d = 2).
    assert balancing.power_of_choices(0.9) == pytest.approx(2.6141, abs=1e-4)
    assert balancing.power_of_choices(0.99) == pytest.approx(5.4, abs=0.1)
    assert balancing.power_of_choices(0.5) == pytest.approx(1.2657, abs=1e-4)
    assert balancing.power_of_choices(0.9, 1) == pytest.approx(10)
    assert balancing.power_of_choices(0.0) == 1.0
    assert balancing.power_of_choices(0.9, 3) < balancing.power_of_choices(0.9, 2)


def test_power_of_two_by_littles_law_from_the_fixed_point() -> None:
    # The mean number at a server is the sum of P(length >= i) = lambda^(2^i - 1).
    for load in (0.3, 0.7, 0.95):
        mean = sum(load ** (2**i - 1) for i in range(1, 12))
        assert balancing.power_of_choices(load) == pytest.approx(mean / load)


def test_round_robin_with_two_servers_by_hand() -> None:
    # E_2/M/1: sigma (a + 1 - sigma)^2 = a^2 with a = 2 rho has the root 1 and this one.
    for load in (0.2, 0.8, 0.95):
        a = 2 * load
        roots = np.roots([1, -2 * (a + 1), (a + 1) ** 2, -(a**2)])
        sigma = min(root.real for root in roots if abs(root.imag) < 1e-9)
        found = balancing.closed_forms(load, 2)["round robin"]
        assert found == pytest.approx(1 / (1 - sigma))


def test_no_closed_form_beats_one_queue() -> None:
    for load in (0.2, 0.6, 0.9):
        numbers = balancing.closed_forms(load, 10)
        floor = numbers.pop("one queue")
        assert floor == pytest.approx(queueing.mmc_response(load * 10, 1.0, 10))
        assert all(value >= floor for value in numbers.values())


# --- what the learner sees ------------------------------------------------------------------------


AT = [
    balancing.Setting(replications=4),
    balancing.Setting(utilisation=0.5, servers=2, balancers=8, replications=4, seed=3),
    balancing.Setting(utilisation=0.95, servers=2, replications=24),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: balancing.Setting) -> None:
    run, exact = last(balancing.simulate(at)), balancing.theory(at)
    assert ("round robin" in exact) == (at.balancers == 1)
    expected: dict[str, float] = {"replications": at.replications}
    for policy, mean in zip(POLICIES, run.response.estimate, strict=True):
        expected[f"{policy.replace(' ', '_')}_service_times"] = mean
        if policy in exact:
            expected[f"{policy.replace(' ', '_')}_theory"] = exact[policy]
    assert_summary(run, expected | {"one_queue_theory": exact["one queue"]})
    random, _, in_turn, two, _, shortest = map(significant, run.response.estimate)
    lucky = float(shortest) < float(significant(exact["one queue"]))
    assert lucky == (at.utilisation > 0.5)
    assert run.reading == (
        f"At {significant(100 * at.utilisation)} % load on {at.servers} servers a request takes "
        f"{random} service times if its server is picked at random (theory "
        f"{significant(1 / (1 - at.utilisation))}), {in_turn} in turn, {two} with the better of "
        f"two (limit of many servers {significant(balancing.power_of_choices(at.utilisation))}) "
        f"and {shortest} at the shortest queue; in the long run no policy beats one shared queue, "
        f"by theory {significant(exact['one queue'])}{': these runs had luck' if lucky else ''}."
    )
    assert_table(
        run,
        {
            "policy": POLICIES,
            "mean (service times)": run.response.estimate,
            "from": run.response.low,
            "to": run.response.high,
            "p99 (service times)": run.p99,
            "theory": np.array([exact.get(policy) for policy in POLICIES], float),
        },
    )


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: balancing.Setting) -> None:
    run, exact = last(balancing.simulate(at)), balancing.theory(at)
    (ax,) = axes_of(balancing.plot, run, mine={"service_times": 2.5})
    shown = drawn.bars(ax)
    np.testing.assert_allclose(shown.places, range(6))
    np.testing.assert_allclose(shown.lengths, run.response.estimate)
    assert_bars(drawn.error_bars(ax, color=style.BLUE), range(6), run.response)
    places, heights = drawn.marks(ax)
    seen = {POLICIES[round(x)]: y for x, y in zip(places, heights, strict=True) if np.isfinite(y)}
    assert seen == pytest.approx({name: exact[name] for name in POLICIES if name in exact})
    assert drawn.levels(ax, color=style.GREEN) == [exact["one queue"]]
    np.testing.assert_allclose(drawn.curve(ax, label="your model"), [(3, 2.5)])


# --- real servers ---------------------------------------------------------------------------------
