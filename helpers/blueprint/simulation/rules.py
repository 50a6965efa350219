"""What a run of a design means, exactly.

Two engines run a design: :mod:`~helpers.blueprint.simulation.simpy_engine`, written to be read and
edited, and :mod:`~helpers.blueprint.simulation.fast_engine`, written to answer behind a slider.
They must agree event for event, so the rules are written down here once.

Calls
-----
1. A request is sent by the clients and answered by a chain of *calls*. A caller calls, the callee
   works, calls others if it has to, and answers "ok" or the cause of a failure.
2. A caller with a timeout gives up when it has passed. The callee is not told and works on; its
   answer is ignored. A failed call is made again, `retries` times at most, after a backoff that
   doubles each time. The clients' last failure is the request's outcome.
3. A machine is a FIFO queue in front of `servers` servers: threads, connections. A call that finds
   no room to wait is *rejected*. An application server that blocks keeps its thread until the
   whole call is answered; one that does not gives it back after its own work.
4. A CDN and a balancer add their latency and have no limit of capacity. A CDN, and a cache that
   stands in the path, answer what they can and hand the rest on: they are out of it then.
5. A message queue answers as soon as it has the job. The idle worker with the lowest number takes
   the job that has waited longest. The job of a worker that dies goes to the back of the queue.
   A caller without a queue waits for a worker, and for its answer.

Faults
------
6. *Kill*: calls in progress fail at once (reset), later ones are refused at once. *Partition*:
   calls to the instance and its answers vanish; who has no timeout waits for ever. *Slow*: work
   that begins meanwhile takes longer. *Recover* ends all three; what vanished stays lost. Who is
   both dead and cut off says nothing. A CDN, a balancer and a queue do no work that could be cut
   short: a fault meets a call when it arrives.
7. A health check looks at every server at each interval. A server that is dead or cut off fails it.

Order
-----
8. Whatever a moment causes happens before the next moment. Moments at the same instant are taken
   in this order: work that ends, faults, calls that are sent, timeouts, health checks, samples;
   among themselves by request, then edge, then attempt. Moments in the same nanosecond are at the
   same instant, since three times a third of a second is a second but for rounding. So ties have
   one meaning in both engines, and in every unit of time.

Chance
------
9. Every number drawn belongs to a request, an edge and an attempt, and comes from a stream named
   after them. It does not matter in which order they are used, or whether: designs are compared
   on identical traffic, and a request brings the same work whichever server it meets.

Books
-----
10. Every request sent is answered, failed, dropped (its last call met a full queue) or in flight.
    Every job published is processed, failed, lost (with a queue that was not durable), waiting or
    in work. Nothing is ever counted twice or forgotten.
"""

from __future__ import annotations

from helpers.blueprint.components import Caller, Component

# Outcomes of a call. Only the first is a success; MISS is what a cache aside answers to its caller.
OK, REJECTED, REFUSED, RESET, TIMEOUT, NO_SERVER = range(6)
MISS = -1
IN_FLIGHT = -2

#: What the outcomes are called.
OUTCOMES = {
    IN_FLIGHT: "in flight",
    OK: "answered",
    REJECTED: "rejected",
    REFUSED: "refused",
    RESET: "reset",
    TIMEOUT: "timeout",
    NO_SERVER: "no server",
}

# The order of moments at the same instant (rule 8).
FINISH, FAULT, SEND, EXPIRE, CHECK, SAMPLE = range(6)


#: Nanoseconds in a second, and where they end: between the round numbers, where no time is meant
#: to be. (The fast engine has the sum in :func:`instant` written out.)
NANO, OFF = 1e9, 0.38


def instant(time_s: float) -> int:
    """Return the number of the nanosecond in which a moment is.

    Examples
    --------
    >>> 0.1 + 0.2 == 0.3, instant(0.1 + 0.2) == instant(0.3)
    (False, True)
    """
    return int(time_s * NANO + OFF)


def tries(component: Component) -> int:
    """Return how often a component makes a call at most."""
    return component.retries + 1 if isinstance(component, Caller) else 1


def backoff_s(caller: Caller, k: int, jitter: float) -> float:
    """Return the pause before the k-th retry (k from 1)."""
    pause = caller.backoff_s * 2.0 ** (k - 1)
    return pause * jitter if caller.jitter else pause
