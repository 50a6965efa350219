"""How a load balancer picks a server: six policies, one small function each.

A policy sees the balancer through four things and returns the index of a server in rotation:

``rotation``
    indices of the servers the balancer believes to be healthy, in ascending order; never empty;
``open``
    for every server, the number of connections *this balancer* has open to it;
``queue_length(i)``
    how many calls are *at* server ``i``, waiting or in service, whoever sent them;
``turn``
    how many picks this balancer has made before.

Chance comes from two uniform numbers ``u`` and ``v`` that belong to the request, not to the
balancer, and ``user`` is the number of the user who sent it. So the same request meets the same
dice whatever the policy is, and two policies are compared on identical traffic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class View(Protocol):
    """What a policy may look at."""

    rotation: list[int]
    open: list[int]
    turn: int

    def queue_length(self, index: int) -> int:
        """Return the number of calls at server `index`."""


Policy = Callable[[View, float, float, int], int]


def pick_random(view: View, u: float, v: float, user: int) -> int:
    """Any server, each with the same probability: Poisson traffic stays Poisson behind it."""
    return view.rotation[int(u * len(view.rotation))]


def pick_round_robin(view: View, u: float, v: float, user: int) -> int:
    """Each server in its turn."""
    return view.rotation[view.turn % len(view.rotation)]


def pick_least_connections(view: View, u: float, v: float, user: int) -> int:
    """The server to which this balancer has the fewest connections open; ties by chance."""
    connections, rotation = view.open, view.rotation
    fewest = min([connections[i] for i in rotation])
    ties = [i for i in rotation if connections[i] == fewest]
    return ties[int(u * len(ties))]


def pick_shortest_queue(view: View, u: float, v: float, user: int) -> int:
    """The server that has the fewest calls, by its own count; ties by chance."""
    lengths = [view.queue_length(i) for i in view.rotation]
    fewest = min(lengths)
    ties = [i for i, length in zip(view.rotation, lengths, strict=True) if length == fewest]
    return ties[int(u * len(ties))]


def pick_power_of_two(view: View, u: float, v: float, user: int) -> int:
    """Of two different servers drawn by chance, the one with fewer connections open.

    Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", *IEEE Transactions on
    Parallel and Distributed Systems* 12, 2001; there with the servers' queue lengths.
    """
    rotation = view.rotation
    if len(rotation) == 1:
        return rotation[0]
    first = int(u * len(rotation))
    second = int(v * (len(rotation) - 1))
    if second >= first:
        second += 1
    one, other = rotation[first], rotation[second]
    return other if view.open[other] < view.open[one] else one


def pick_sticky(view: View, u: float, v: float, user: int) -> int:
    """The user's own server; while it is out of rotation, another one, the same each time."""
    home = user % len(view.open)
    if home in view.rotation:
        return home
    return view.rotation[user % len(view.rotation)]


#: The policies by the name used in ``LoadBalancer(policy=...)``.
POLICIES: dict[str, Policy] = {
    "random": pick_random,
    "round robin": pick_round_robin,
    "least connections": pick_least_connections,
    "join shortest queue": pick_shortest_queue,
    "power of two": pick_power_of_two,
    "sticky": pick_sticky,
}
