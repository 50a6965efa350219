"""Six ways to pick a server, on identical traffic.

Servers are alike, service is exponential, arrivals are Poisson. Where that stops being true: with
a slow server among them, round robin and random keep feeding it, while policies that count steer
around it; and a server that fails quickly has the fewest connections of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers import blueprint
from helpers.anatomy.policies import POLICIES, one_replication
from helpers.foundations import queueing, validation
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, error_bars, key, marks, named_axis, yours
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import (
    Mine,
    Parameters,
    Result,
    integer,
    number,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import rounded, significant
from helpers.foundations.statistics import Intervals, mean_intervals


class Setting(Parameters):
    """Servers behind balancers that share the traffic at random.

    Each balancer counts the connections it made itself, and takes turns by itself; only "join
    shortest queue" sees the servers' own counts.
    """

    utilisation: float = number(0.9, "Load on each server", above=0, at_most=0.95)
    servers: int = integer(10, "Servers", at_least=2, at_most=16)
    balancers: int = integer(1, "Balancers that share the traffic", at_least=1, at_most=8)
    replications: int = replications(24, note="Independent runs of 2,400 requests.")
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def two_choices(at, draw):
    """Send each request to the emptier of two servers drawn by chance."""
    world = simpy.Environment()
    servers = [simpy.Resource(world) for _ in range(at.servers)]
    there = [0] * at.servers  # what the balancer believes to be at each server
    gap = 1 / (at.utilisation * at.servers)  # a service takes 1 on average
    took = []

    def choose():
        looked_at = draw("dice").permutation(at.servers)[:2]
        return min(looked_at, key=lambda server: there[server])

    def request():
        arrived, server = world.now, choose()
        there[server] += 1
        with servers[server].request() as my_turn:
            yield my_turn
            yield world.timeout(draw("services").exponential())
        took.append(world.now - arrived)
        there[server] -= 1

    def traffic():
        for _ in range(1_200):
            yield world.timeout(draw("arrivals").exponential(gap))
            world.process(request())

    world.process(traffic())
    world.run()
    return {"service_times": np.mean(took[400:])}  # all servers were empty at first


# --- all six, fast, and from the steady state on --------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> Iterator[Balancing]:
    """Deal the same requests out by six policies; ever more replications, two by two."""
    means, kept = [], []
    for done in range(1, at.replications + 1):
        responses = one_replication(at.utilisation, at.servers, at.balancers, done - 1, at.seed)
        means.append(responses.mean(axis=1))
        kept.append(responses)
        if done == at.replications or done % 2 == 0:
            yield Balancing(
                at,
                response=mean_intervals(np.array(means)),
                p99=np.percentile(np.concatenate(kept, axis=1), 99, axis=1),
                done=done,
            )


# --- theory ---------------------------------------------------------------------------------------


def theory(at: Setting) -> dict[str, float]:
    """Mean response of each policy that has a closed form, in service times, and the floor.

    ``one queue`` is M/M/n, which no policy can beat; ``power of two`` is the limit of many servers.
    Several balancers that take turns have no closed form.
    """
    exact = closed_forms(at.utilisation, at.servers)
    return {name: t for name, t in exact.items() if at.balancers == 1 or name != "round robin"}


def closed_forms(utilisation: float, servers: int) -> dict[str, float]:
    """Mean responses behind one balancer, in service times.

    ``random`` and ``sticky`` are M/M/1, ``round robin`` is E_n/M/1; sources stand with
    :func:`helpers.blueprint.theory_balancing`.
    """
    alone, in_turn = (
        blueprint.theory_balancing(policy, servers=servers, utilisation=utilisation)
        for policy in ("random", "round robin")
    )
    return {
        "random": alone,
        "sticky": alone,
        "round robin": in_turn,
        "power of two": power_of_choices(utilisation),
        "one queue": float(queueing.mmc_response(utilisation * servers, 1.0, servers)),
    }


def power_of_choices(utilisation: float, choices: int = 2) -> float:
    """Mean response, in service times, when the shortest of a few queues is joined.

    The supermarket model, the limit of infinitely many servers:
    ``E[T] = sum over i >= 1 of lambda^((d^i - d) / (d - 1))``, for d = 2 ``lambda^(2^i - 2)``.
    Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", *IEEE Transactions on
    Parallel and Distributed Systems* 12, 2001. A finite number of servers takes a little longer.

    Parameters
    ----------
    utilisation : float
        Load on each server; 0 <= utilisation < 1.
    choices : int
        Queues looked at; >= 1. With 1 it is M/M/1.
    """
    load = validation.number("utilisation", utilisation, at_least=0, below=1)
    choices = validation.integer("choices", choices, at_least=1)
    if choices == 1:
        return 1 / (1 - load)
    total, term, i = 0.0, 1.0, 1
    while term > 1e-16:
        exponent = (choices**i - choices) // (choices - 1)
        term = load**exponent if exponent else 1.0
        total, i = total + term, i + 1
    return total


# --- what it says ---------------------------------------------------------------------------------


class Balancing(Result):
    """Mean response time under each policy, in service times.

    Attributes
    ----------
    response : Intervals
        Mean response times in the order of :data:`POLICIES`; shape (6,).
    p99 : numpy.ndarray, shape (6,)
        99th percentiles of all replications together.
    done : int
        Replications the numbers rest on.
    """

    at: Setting
    response: Intervals
    p99: np.ndarray
    done: int

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        values: dict[str, float | int | str] = {"replications": self.done}
        for policy, mean in zip(POLICIES, self.response.estimate, strict=True):
            name = policy.replace(" ", "_")
            values[f"{name}_service_times"] = float(mean)
            if policy in exact:
                values[f"{name}_theory"] = exact[policy]
        values["one_queue_theory"] = exact["one queue"]
        return values

    @property
    def reading(self) -> str:
        exact = theory(self.at)
        response = dict(zip(POLICIES, self.response.estimate, strict=True))
        floor = rounded(exact["one queue"])
        lucky = rounded(self.response.estimate.min()) < floor
        return (
            f"At {significant(100 * self.at.utilisation)} % load on {self.at.servers} servers a "
            f"request takes {significant(response['random'])} service times if its server is "
            f"picked at random (theory {significant(exact['random'])}), "
            f"{significant(response['round robin'])} in turn, "
            f"{significant(response['power of two'])} with the better of two (limit of many "
            f"servers {significant(exact['power of two'])}) and "
            f"{significant(response['join shortest queue'])} at the shortest queue; in the long "
            f"run no policy beats one shared queue, by theory {significant(floor)}"
            f"{': these runs had luck' if lucky else ''}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at)
        return {
            "policy": POLICIES,
            "mean (service times)": self.response.estimate,
            "from": self.response.low,
            "to": self.response.high,
            "p99 (service times)": self.p99,
            "theory": [exact.get(policy) for policy in POLICIES],
        }


@style.wide
def plot(run: Balancing, ax: Axes, mine: Mine | None = None) -> None:
    """Draw the mean response time under each policy, with theory."""
    exact = theory(run.at)
    ax.set(
        title="The same requests, dealt out in six ways",
        xlim=(-0.6, 5.6),
        ylim=(0, step_up(1.1 / (1 - run.at.utilisation), (3, 6, 12, 24))),
        ylabel="mean response (service times)",
    )
    named_axis(ax, "x", [policy.replace(" ", "\n", 1) for policy in POLICIES])
    places = np.arange(6)
    bars(ax, places, run.response.estimate, 0.62, facecolor=style.SKY, alpha=0.55)
    error_bars(ax, places, run.response, **(style.DOTS | {"markersize": 4}))
    expected = [exact.get(policy) for policy in POLICIES]
    marks(ax, places, np.array(expected, float))  # NaN where there is no theory
    ax.axhline(exact["one queue"], color=style.GREEN, linewidth=1.4, linestyle=(0, (1, 1.2)))
    names = [
        ("●", "simulated, 95 % interval", style.BLUE),
        ("--", "closed form of the policy", style.INK),
        ("··", "one shared queue (M/M/n): the floor", style.GREEN),
    ]
    key(ax, names)
    if mine is not None:
        yours(ax, POLICIES.index("power of two"), mine["service_times"])
