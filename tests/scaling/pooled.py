"""The mean wait in one queue for several servers, worked out state by state, for any services.

No closed form is known where services are not exponential. Two chains give the same as one: with
services of two exponential kinds the state is how many requests are there and how many of those in
service are long (Neuts, *Matrix-Geometric Solutions in Stochastic Models*, 1981); with services all
alike it is how many are there, looked at once in a service time.
"""

from __future__ import annotations

import math

import numpy as np

from helpers.foundations.traffic.draws import hyperexponential_share


def wait_of_two_kinds(load: float, servers: int, scv: float) -> float:
    """Mean wait of M/H2/c, in mean services."""
    share = hyperexponential_share(scv)
    chance, speed = np.array([share, 1 - share]), 2 * np.array([share, 1 - share])
    rate = load * servers

    def moves(there: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rates up, down and out, by the number of long services; `servers` + 1 states at most."""
        busy = min(there, servers)
        states = np.arange(busy + 1)
        ends = np.stack([busy - states, states], axis=1) * speed
        up = np.zeros((busy + 1, min(there + 1, servers) + 1))
        down = np.zeros((busy + 1, min(max(there - 1, 0), servers) + 1))
        for long, (short_ends, long_ends) in enumerate(ends):
            if there < servers:  # who comes is served at once
                up[long, long] += rate * chance[0]
                up[long, long + 1] += rate * chance[1]
            else:
                up[long, long] += rate
            if there > servers:  # the next in line takes the place
                down[long, long] += short_ends * chance[0] + long_ends * chance[1]
                if long < busy:
                    down[long, long + 1] += short_ends * chance[1]
                if long:
                    down[long, long - 1] += long_ends * chance[0]
            elif there:
                if long < busy:
                    down[long, long] += short_ends
                if long:
                    down[long, long - 1] += long_ends
        return up, down, rate + ends.sum(axis=1)

    up, down, out = moves(servers + 1)
    ratio = np.zeros_like(up)  # of a number in line to the one before
    for _ in range(100_000):
        before, ratio = ratio, (up + ratio @ ratio @ down) / out
        if np.abs(ratio - before).max() < 1e-14:
            break
    first = np.concatenate([[0], np.cumsum(np.arange(servers + 1) + 1)])  # of each number there
    flow = np.zeros((first[-1], first[-1]))
    for there in range(servers + 1):
        rows = slice(first[there], first[there + 1])
        up, down, out = moves(there)
        flow[rows, rows] -= np.diag(out)
        if there < servers:
            flow[rows, first[there + 1] : first[there + 2]] += up
        else:
            flow[rows, rows] += ratio @ moves(servers + 1)[1]
        if there:
            flow[rows, first[there - 1] : first[there]] += down
    line = np.linalg.inv(np.eye(servers + 1) - ratio)
    weight = np.concatenate([np.ones(first[servers]), line.sum(axis=1)])
    equations = np.column_stack([flow[:, 1:], weight])
    shares = np.linalg.solve(equations.T, np.eye(len(flow))[-1])
    waiting = (shares[first[servers] :] @ ratio @ line @ line).sum()
    return float(waiting / rate)


def wait_of_equals(load: float, servers: int, most: int = 400) -> float:
    """Mean wait of M/D/c, in services."""
    there = np.arange(most + 1)
    rate = load * servers
    logs = there * math.log(rate) - rate - np.array([math.lgamma(n + 1) for n in there])
    arriving = np.exp(logs)
    step = np.zeros((most + 1, most + 1))
    for n in there:
        left = max(n - servers, 0)  # who was in service is gone one service time later
        step[n, left:] = arriving[: most + 1 - left]
    step /= step.sum(axis=1, keepdims=True)
    equations = np.column_stack([(step - np.eye(most + 1))[:, 1:], np.ones(most + 1)])
    shares = np.linalg.solve(equations.T, np.eye(most + 1)[-1])
    return float(shares @ there / rate - 1)
