"""What durability costs, and what becomes of a request when something breaks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from helpers.foundations import queueing, validation


@dataclass(frozen=True)
class DurabilityTheory:
    """What one way of keeping data costs, and what a crash takes.

    Attributes
    ----------
    latency_s : float
        Mean time until a write is acknowledged, seconds; infinite if the writes come faster than
        they can be kept.
    capacity_wps : float
        Writes per second it can keep up with.
    lost_kill, lost_power : float
        Acknowledged writes that the death of the process, and a power cut, lose on average.
    """

    latency_s: float
    capacity_wps: float
    lost_kill: float
    lost_power: float


def theory_durability(
    policy: str, write_wps: float, sync_s: float, flush_s: float, uptime_s: float, memory_s: float
) -> DurabilityTheory:
    """Return cost and loss of one policy for writes that come at random.

    Parameters
    ----------
    policy : {"memory", "no sync", "sync each write", "group commit"}
        See :data:`helpers.why.simulation.POLICIES`.
    write_wps : float
        Writes per second (Poisson); > 0.
    sync_s : float
        Time the disk takes to confirm a sync, seconds; > 0.
    flush_s : float
        Time between two syncs that the operating system does on its own, seconds; > 0.
    uptime_s : float
        How long the process has run when it crashes, seconds; > 0.
    memory_s : float
        Time of a write to memory, seconds; > 0.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Syncing each write is an M/D/1 queue (Pollaczek-Khinchine). Group commit serves all who wait
    with one sync of time f: the disk is busy a share ``u = f / (f + exp(-w f) / w)`` of the time,
    and a write that finds it busy waits ``f / 2`` on average before its own sync, so the latency
    is ``f + u f / 2`` (arrivals that are Poisson see time averages). A crash at a random moment
    finds writes of ``flush_s / 2`` seconds not yet synced.
    """
    write_wps = validation.number("write_wps", write_wps, above=0, unit="writes/s")
    sync_s = validation.number("sync_s", sync_s, above=0, unit="s")
    flush_s = validation.number("flush_s", flush_s, above=0, unit="s")
    uptime_s = validation.number("uptime_s", uptime_s, above=0, unit="s")
    memory_s = validation.number("memory_s", memory_s, above=0, unit="s")
    validation.one_of("policy", policy, ("memory", "no sync", "sync each write", "group commit"))
    if policy == "memory":
        everything = write_wps * uptime_s
        return DurabilityTheory(memory_s, 1 / memory_s, everything, everything)
    if policy == "no sync":
        unsynced = write_wps * min(flush_s / 2, uptime_s)
        return DurabilityTheory(memory_s, 1 / memory_s, 0.0, unsynced)
    if policy == "sync each write":
        stable = write_wps * sync_s < 1
        latency = float(queueing.mg1_response(write_wps, sync_s, 0.0)) if stable else math.inf
        return DurabilityTheory(latency, 1 / sync_s, 0.0, 0.0)
    idle = math.exp(-write_wps * sync_s) / write_wps
    busy = sync_s / (sync_s + idle)
    return DurabilityTheory(sync_s + busy * sync_s / 2, math.inf, 0.0, 0.0)


@dataclass(frozen=True)
class BookTheory:
    """Probabilities of what client and server write in their books about one request.

    Attributes
    ----------
    ok, failed, lost : float
        The client got an answer in time; was told of an error each time; did not hear at least
        once and never got an answer. They add up to 1.
    not_done, done_once, duplicated : float
        The work was done never, once, more than once. They add up to 1.
    late : float
        Lost to the client, but done.
    """

    ok: float
    failed: float
    lost: float
    not_done: float
    done_once: float
    duplicated: float
    late: float


def theory_books(
    timeout_s: float,
    work_s: float,
    error: float,
    kill: float,
    retries: int,
    idempotent: bool = False,
    effect_at: float = 0.5,
) -> BookTheory:
    """Return what becomes of a request that is tried until an answer comes or the tries run out.

    Parameters
    ----------
    timeout_s : float
        How long the client waits for each try, seconds; > 0.
    work_s : float
        Mean time of the work, seconds, exponential; > 0.
    error : float
        Probability that a try ends in an error that the client is told of; 0 to 1. Nothing is done.
    kill : float
        Probability that the server dies during a try; 0 to 1.
    retries : int
        Further tries; >= 0.
    idempotent : bool
        Whether the server knows a request that it has done before.
    effect_at : float
        Share of a request's life after which its work counts as done; 0 to 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Each of the n tries is independent: answered in time (a), refused with an error (b), silent
    without effect (c), silent with effect (d), where d gathers deaths after the effect and answers
    that come too late. Then ``ok = 1 - (1 - a)^n``, ``failed = b^n``, ``lost`` is the rest,
    ``not_done = (b + c)^n`` and done exactly once means an answer after none but b and c, or one d
    among b and c. Elementary; derived here.
    """
    timeout_s = validation.number("timeout_s", timeout_s, above=0, unit="s")
    work_s = validation.number("work_s", work_s, above=0, unit="s")
    error = validation.number("error", error, at_least=0, at_most=1)
    kill = validation.number("kill", kill, at_least=0, at_most=1)
    tries = 1 + validation.integer("retries", retries, at_least=0)
    effect_at = validation.number("effect_at", effect_at, at_least=0, at_most=1)
    too_slow = math.exp(-timeout_s / work_s)
    a = (1 - error) * (1 - kill) * (1 - too_slow)
    b = error
    c = (1 - error) * kill * effect_at
    d = (1 - error) * (kill * (1 - effect_at) + (1 - kill) * too_slow)
    no_effect = b + c
    answered_first = a * tries if no_effect == 1 else a * (1 - no_effect**tries) / (1 - no_effect)
    once = answered_first + tries * d * no_effect ** (tries - 1)
    never = no_effect**tries
    failed, unanswered = b**tries, (b + c + d) ** tries
    return BookTheory(
        ok=1 - unanswered,
        failed=failed,
        lost=unanswered - failed,
        not_done=never,
        done_once=1 - never if idempotent else once,
        duplicated=0.0 if idempotent else max(0.0, 1 - never - once),
        late=unanswered - never,
    )


def interrupted_but_done(effect_s: float, reply_s: float) -> float:
    """Return the share of interrupted requests whose work had already been done.

    A death at a random moment finds a request in the `effect_s` seconds before its effect or in
    the `reply_s` seconds after it with probabilities in proportion to these times.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type, is negative, or both are 0.
    """
    effect_s = validation.number("effect_s", effect_s, at_least=0, unit="s")
    reply_s = validation.number("reply_s", reply_s, at_least=0, unit="s")
    if effect_s + reply_s == 0:
        raise ValueError("effect_s and reply_s must not both be 0, got 0 and 0")
    return reply_s / (effect_s + reply_s)
